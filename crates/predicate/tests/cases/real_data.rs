//! Rules of others over logs of others, against hits that two other engines found and a person judged.
//!
//! The data is not part of the repository; where it is missing, the tests say so and pass.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};

use event::value::Value;
use predicate::eval::{Record, eval};
use predicate::syntax::sigma::{self, Document, LogSource, Options, Rule};

const SETS: [&str; 2] = ["sigmahq-aws", "suzaku-aws"];

/// The folder with the data, if it is there.
fn data() -> Option<PathBuf> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    if !dir.is_dir() {
        eprintln!("skipped: no data at {}", dir.display());
    }
    dir.is_dir().then_some(dir)
}

fn files(dir: &Path, extension: &str) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(self::files(&path, extension));
        } else if path.extension().is_some_and(|e| e == extension) {
            files.push(path);
        }
    }
    files.sort();
    files
}

fn name(path: &Path) -> String {
    path.file_name().unwrap().to_string_lossy().into_owned()
}

/// The documents of a file that must have no errors.
fn load(path: &Path) -> Vec<Document> {
    let text = std::fs::read_to_string(path).unwrap();
    let (documents, diagnostics) = sigma::parse(&text, &Options::default());
    for diagnostic in &diagnostics {
        assert!(!diagnostic.is_error(), "{}", diagnostic.draw(&name(path), &text));
        eprintln!("{}", diagnostic.draw(&name(path), &text));
    }
    assert!(!documents.is_empty(), "{} holds no document", path.display());
    documents
}

/// The rules of a set that are for CloudTrail, with their files. A file with a correlation holds only rules that
/// give no findings of their own, and the expected hits leave it out.
fn cloudtrail_rules(data: &Path, set: &str) -> Vec<(String, Rule)> {
    let cloudtrail = LogSource { product: Some("aws".into()), service: Some("cloudtrail".into()), category: None };
    let mut rules = Vec::new();
    for path in files(&data.join("sigma").join(set), "yml") {
        let documents = load(&path);
        if documents.iter().any(|d| matches!(d, Document::Correlation(_))) {
            continue;
        }
        for document in documents {
            if let Document::Rule(rule) = document
                && rule.logsource.covers(&cloudtrail)
            {
                rules.push((name(&path), rule));
            }
        }
    }
    rules
}

#[test]
fn every_rule_loads() {
    let Some(data) = data() else { return };
    let mut n = BTreeMap::new();
    for set in ["sigmahq-aws", "suzaku-aws", "specification/examples"] {
        for path in files(&data.join("sigma").join(set), "yml") {
            for document in load_example(&path) {
                let kind = match document {
                    Document::Rule(_) => "rules",
                    Document::Correlation(_) => "correlations",
                    Document::Filter(_) => "filters",
                };
                *n.entry((set, kind)).or_insert(0) += 1;
            }
        }
    }
    eprintln!("{n:?}");
    assert_eq!(n[&("sigmahq-aws", "rules")], 57);
    assert_eq!(n[&("suzaku-aws", "correlations")], 5);
    assert_eq!(n[&("specification/examples", "filters")], 2);
}

/// One example of the specification is refused on purpose: it asks for a percentile without saying which.
fn load_example(path: &Path) -> Vec<Document> {
    if name(path) != "value_percentile.yml" {
        return load(path);
    }
    let text = std::fs::read_to_string(path).unwrap();
    let (documents, diagnostics) = sigma::parse(&text, &Options::default());
    assert!(diagnostics.iter().any(|d| d.message.contains("percentile")), "{diagnostics:?}");
    documents
}

struct Event {
    id: String,
    raw: String,
    value: Value,
}

fn events(text: &str) -> Vec<Event> {
    let whole = Value::parse(text).unwrap();
    let records = match whole {
        Value::Array(records) => records,
        other => match other.get("Records") {
            Some(Value::Array(records)) => records.clone(),
            _ => vec![other],
        },
    };
    let event = |value: Value| {
        let id = value.get("eventID").and_then(Value::as_str).unwrap_or_default().to_owned();
        Event { id, raw: value.compact(), value }
    };
    records.into_iter().map(event).collect()
}

fn invictus(data: &Path) -> Vec<Event> {
    let mut out = Vec::new();
    for path in files(&data.join("cloudtrail/invictus/logs"), "gz") {
        let mut text = String::new();
        flate2::read::MultiGzDecoder::new(std::fs::File::open(path).unwrap()).read_to_string(&mut text).unwrap();
        out.extend(events(&text));
    }
    out
}

/// The ids that each rule file matches; files without a match are left out.
fn hits(rules: &[(String, Rule)], events: &[Event]) -> BTreeMap<String, Vec<String>> {
    let mut out: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (file, rule) in rules {
        let found = events.iter().filter(|e| eval(&rule.predicate, Record { raw: &e.raw, value: &e.value }));
        let ids: Vec<String> = found.map(|e| e.id.clone()).collect();
        if !ids.is_empty() {
            out.entry(file.clone()).or_default().extend(ids);
        }
    }
    out.values_mut().for_each(|ids| ids.sort());
    out
}

fn expected(data: &Path, file: &str) -> serde_json::Value {
    serde_json::from_str(&std::fs::read_to_string(data.join("sigma/expected").join(file)).unwrap()).unwrap()
}

/// Two threads share the work: a debug build takes a while for two million pairs.
#[test]
fn invictus_hits_are_the_judged_ones() {
    let Some(data) = data() else { return };
    let events = invictus(&data);
    let expected = expected(&data, "invictus.json");
    let mut n_hits = 0;
    for set in SETS {
        let rules = cloudtrail_rules(&data, set);
        let half = rules.split_at(rules.len() / 2);
        let found = std::thread::scope(|scope| {
            let other = scope.spawn(|| hits(half.1, &events));
            let mut found = hits(half.0, &events);
            found.extend(other.join().unwrap());
            found
        });
        compare(set, &found, &expected[set]);
        n_hits += found.values().map(Vec::len).sum::<usize>();
        eprintln!("{set}: {} rules, {} events, {} rules hit", rules.len(), events.len(), found.len());
    }
    eprintln!("{n_hits} hits");
}

/// Rules with very many hits are listed with their number only.
fn compare(set: &str, found: &BTreeMap<String, Vec<String>>, expected: &serde_json::Value) {
    let wanted = expected.as_object().unwrap();
    let surplus: Vec<&String> = found.keys().filter(|file| !wanted.contains_key(*file)).collect();
    assert!(surplus.is_empty(), "{set}: not expected to hit: {surplus:?}");
    for (file, hits) in wanted {
        let found = found.get(file).cloned().unwrap_or_default();
        assert_eq!(found.len() as u64, hits["count"].as_u64().unwrap(), "{set}/{file}");
        if hits["event_ids"].is_array() {
            let mut ids: Vec<String> = serde_json::from_value(hits["event_ids"].clone()).unwrap();
            ids.sort();
            assert_eq!(found, ids, "{set}/{file}");
        }
    }
}

#[test]
fn stratus_counts_are_the_judged_ones() {
    let Some(data) = data() else { return };
    let expected = expected(&data, "stratus.json");
    let rules: Vec<Vec<(String, Rule)>> = SETS.iter().map(|set| cloudtrail_rules(&data, set)).collect();
    for (technique, wanted) in expected["files"].as_object().unwrap() {
        let path = data.join("cloudtrail/stratus").join(format!("{technique}.json"));
        let events = events(&std::fs::read_to_string(path).unwrap());
        assert_eq!(events.len() as u64, wanted["events"].as_u64().unwrap(), "{technique}");
        for (set, rules) in SETS.iter().zip(&rules) {
            let found: BTreeMap<String, u64> =
                hits(rules, &events).into_iter().map(|(file, ids)| (file, ids.len() as u64)).collect();
            let wanted: BTreeMap<String, u64> = serde_json::from_value(wanted[set].clone()).unwrap();
            assert_eq!(found, wanted, "{technique} with {set}");
        }
    }
}
