//! Logs and rules of others, with what is known of them, through the program as a whole.
//!
//! The data lies beside the repository; where it is missing, the tests say so and pass.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::{Ran, gunzip, skywarden};

/// A file or folder of the data, if it is there.
pub fn shared(name: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data").join(name);
    if !path.exists() {
        eprintln!("skipped: no {}", path.display());
        return None;
    }
    Some(path)
}

fn text(path: &Path) -> String {
    let bytes = std::fs::read(path).unwrap();
    String::from_utf8(if path.extension().is_some_and(|e| e == "gz") { gunzip(&bytes) } else { bytes }).unwrap()
}

fn json(path: &Path) -> Value {
    serde_json::from_str(&text(path)).unwrap()
}

/// The files under a folder with this ending, sorted.
fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let mut out = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => out.extend(files(&path, ending)),
            false if path.to_string_lossy().ends_with(ending) => out.push(path),
            false => {}
        }
    }
    out.sort();
    out
}

fn scan(paths: &[PathBuf], more: &[&str]) -> Ran {
    skywarden(["scan", "--format", "jsonl"]).args(more).args(paths).run()
}

/// The ids of a finding's events.
fn related(finding: &Value) -> impl Iterator<Item = &str> {
    finding["finding_info"]["related_events"].as_array().unwrap().iter().map(|e| e["uid"].as_str().unwrap())
}

#[test]
fn invictus_is_read_as_a_whole() {
    let Some(logs) = shared("cloudtrail/invictus/logs") else { return };
    let ran = skywarden(["events", "--no-raw"]).arg(&logs).run().ends(0);
    let ids: BTreeSet<String> = ran.json_lines().iter().map(|e| e["metadata"]["uid"].to_string()).collect();
    assert_eq!((ran.stdout.lines().count(), ids.len()), (2_900, 2_900));
    skywarden(["scan"]).arg(logs).run().ends(0).says("Read   55 files, 2,900 events");
}

/// What "done" means for our own rules: attacks are found, and the rest of a busy hour stays mostly quiet.
#[test]
fn invictus_attacks_are_found_and_little_else() {
    let Some(folder) = shared("cloudtrail/invictus") else { return };
    let label = |line: &str| {
        let label: Value = serde_json::from_str(line).unwrap();
        let part = |name: &str| label[name].as_str().unwrap_or_default().to_owned();
        (part("eventID"), (part("phase"), part("run")))
    };
    let labels: BTreeMap<String, (String, String)> = text(&folder.join("labels.ndjson")).lines().map(label).collect();
    let runs: BTreeSet<&str> =
        labels.values().filter(|(phase, _)| phase == "attack").map(|(_, run)| run.as_str()).collect();
    let (mut covered, mut at_high, mut at_medium) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for finding in scan(&[folder.join("logs")], &[]).ends(0).json_lines() {
        let severity = finding["severity_id"].as_u64().unwrap();
        for id in related(&finding).filter(|_| severity >= 3) {
            let (phase, run) = labels.get(id).map_or(("", ""), |(phase, run)| (phase, run));
            match phase {
                "attack" => drop(covered.insert(run.to_owned())),
                "revert" => {}
                _ => {
                    at_medium.insert(id.to_owned());
                    at_high.extend((severity >= 4).then(|| id.to_owned()));
                }
            }
        }
    }
    eprintln!(
        "{} of {} runs found; other events: {} at high, {} at medium or above",
        covered.len(),
        runs.len(),
        at_high.len(),
        at_medium.len()
    );
    assert_eq!(runs.len(), 29);
    let missed: Vec<_> = runs.iter().filter(|run| !covered.contains(**run)).collect();
    assert!(covered.len() >= 22, "missed: {missed:?}");
    assert!(at_high.len() <= 15, "{at_high:?}");
    assert!(at_medium.len() <= 150, "{at_medium:?}");
}

#[test]
fn every_stratus_technique_has_a_finding_at_medium() {
    let Some(folder) = shared("cloudtrail/stratus") else { return };
    let files: Vec<PathBuf> = files(&folder, ".json").into_iter().filter(|f| !f.ends_with("techniques.json")).collect();
    assert_eq!(files.len(), 18);
    for file in files {
        scan(std::slice::from_ref(&file), &["--fail-on", "medium"]).ends(3);
    }
}

#[test]
fn benign_logs_have_no_high_finding() {
    let Some(folder) = shared("cloudtrail/opensearch-catalog") else { return };
    scan(&[folder.join("records.ndjson.gz")], &["--fail-on", "high"]).ends(0);
}

/// The file of each rule of a set, by the rule's id.
fn rule_files(set: &Path) -> BTreeMap<String, String> {
    let mut out = BTreeMap::new();
    for file in files(set, ".yml") {
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        for line in text(&file).lines() {
            if let Some(id) = line.strip_prefix("id:") {
                out.insert(id.trim().to_owned(), name.clone());
            }
        }
    }
    out
}

/// The ids of the events that each rule file of a set matches in some files.
fn hits(set: &str, logs: &[PathBuf]) -> Option<BTreeMap<String, BTreeSet<String>>> {
    let set = shared("sigma")?.join(set);
    let names = rule_files(&set);
    let ran = scan(logs, &["--only-rules", set.to_str().unwrap()]).ends(0);
    let mut out: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for finding in ran.json_lines() {
        let rule = finding["finding_info"]["analytic"]["uid"].as_str().unwrap();
        let file = names.get(rule).unwrap_or_else(|| panic!("no file has rule {rule}"));
        out.entry(file.clone()).or_default().extend(related(&finding).map(str::to_owned));
    }
    Some(out)
}

const SETS: [&str; 2] = ["sigmahq-aws", "suzaku-aws"];

#[test]
fn the_rules_of_others_give_exactly_the_judged_hits() {
    let (Some(logs), Some(expected)) = (shared("cloudtrail/invictus/logs"), shared("sigma/expected/invictus.json"))
    else {
        return;
    };
    let expected = json(&expected);
    for set in SETS {
        let Some(found) = hits(set, std::slice::from_ref(&logs)) else { return };
        let wanted = expected[set].as_object().unwrap();
        let surplus: Vec<&String> = found.keys().filter(|file| !wanted.contains_key(*file)).collect();
        assert!(surplus.is_empty(), "{set}: fire and must not: {surplus:?}");
        for (file, wanted) in wanted {
            let found = found.get(file).cloned().unwrap_or_default();
            assert_eq!(found.len() as u64, wanted["count"].as_u64().unwrap(), "{set}/{file}");
            // Of rules with very many hits only the number is known.
            if let Ok(ids) = serde_json::from_value::<BTreeSet<String>>(wanted["event_ids"].clone()) {
                assert_eq!(found, ids, "{set}/{file}");
            }
        }
    }
}

#[test]
fn the_rules_of_others_give_the_judged_numbers_for_each_technique() {
    let (Some(folder), Some(expected)) = (shared("cloudtrail/stratus"), shared("sigma/expected/stratus.json")) else {
        return;
    };
    let expected = json(&expected);
    let techniques = expected["files"].as_object().unwrap();
    let logs: Vec<PathBuf> = techniques.keys().map(|name| folder.join(format!("{name}.json"))).collect();
    // One scan for all files: an event's id tells its file.
    let mut file_of = BTreeMap::new();
    for (name, file) in techniques.keys().zip(&logs) {
        for event in json(file).as_array().unwrap() {
            file_of.insert(event["eventID"].as_str().unwrap().to_owned(), name.clone());
        }
    }
    for set in SETS {
        let Some(found) = hits(set, &logs) else { return };
        let mut counts: BTreeMap<&str, BTreeMap<&str, u64>> = BTreeMap::new();
        for (rule, ids) in &found {
            for id in ids {
                *counts.entry(&file_of[id]).or_default().entry(rule).or_default() += 1;
            }
        }
        for (name, wanted) in techniques {
            let wanted: BTreeMap<&str, u64> =
                wanted[set].as_object().unwrap().iter().map(|(rule, n)| (rule.as_str(), n.as_u64().unwrap())).collect();
            assert_eq!(counts.remove(name.as_str()).unwrap_or_default(), wanted, "{set}: {name}");
        }
    }
}

#[test]
fn digest_files_are_told_from_logs() {
    let Some(bucket) = shared("cloudtrail/digest-chain/bucket") else { return };
    let n_digests =
        files(&bucket, ".json.gz").iter().filter(|f| f.to_string_lossy().contains("CloudTrail-Digest")).count();
    assert!(n_digests > 0);
    let ran = skywarden(["scan"]).arg(bucket).run().ends(0);
    ran.says(&format!("{n_digests} CloudTrail digest files hold no records and are kept for verification"));
    let Some(samples) = shared("cloudtrail/aws-docs-digest") else { return };
    for sample in files(&samples, ".json") {
        skywarden(["scan"]).arg(sample).run().says("0 events");
    }
}

/// Every sample of the documentation is read as the events it holds, and every event has a time and a name.
#[test]
fn documented_samples_are_events() {
    let n_events = |path: &Path| {
        let ran = skywarden(["events", "--no-raw"]).arg(path).run().ends(0);
        let events = ran.json_lines();
        for event in &events {
            assert!(event["time"].as_i64() > Some(0), "{}: {event}", path.display());
            assert_eq!(event["metadata"]["product"]["name"], "CloudTrail", "{}: {event}", path.display());
        }
        events.len()
    };
    if let Some(folder) = shared("cloudtrail/aws-docs") {
        let mut files = files(&folder, ".json");
        assert_eq!(files.len(), 20);
        // The answer of get-insight-selectors stands among the samples.
        let is_event = |file: &PathBuf| !file.ends_with("logging-insights-events-with-cloudtrail.1.json");
        files.retain(is_event);
        files.iter().for_each(|file| assert!(n_events(file) >= 1, "{}", file.display()));
    }
    for (name, n) in [
        ("cloudtrail/aws-cli/lookup-events.json", 1),
        ("cloudtrail/splunk-examples/events.ndjson", 48),
        ("cloudtrail/opensearch-catalog/records.ndjson.gz", 840),
    ] {
        if let Some(file) = shared(name) {
            let found = n_events(&file);
            assert!(found >= n, "{name}: {found} events instead of {n}");
        }
    }
}

/// Where a field of a row goes in its OCSF event.
const PLACES: &[(&str, &str)] = &[
    ("account-id", "/cloud/account/uid"),
    ("interface-id", "/src_endpoint/interface_uid"),
    ("srcport", "/src_endpoint/port"),
    ("dstport", "/dst_endpoint/port"),
    ("protocol", "/connection_info/protocol_num"),
    ("packets", "/traffic/packets"),
    ("bytes", "/traffic/bytes"),
    ("region", "/cloud/region"),
];

#[test]
fn rows_of_every_format_have_the_known_fields() {
    let Some(file) = shared("vpcflow/expected.ndjson") else { return };
    let mut n_compared = 0;
    for line in text(&file).lines() {
        let case: Value = serde_json::from_str(line).unwrap();
        let (mut format, mut row) =
            (case["format"].as_str().unwrap().to_owned(), case["line"].as_str().unwrap().to_owned());
        if !format.contains("start") && !format.contains("end") {
            // Without a time it is no event.
            let ran = skywarden(["events", "-", "--flow-format", &format]).stdin(format!("{row}\n")).run().ends(4);
            assert_eq!(ran.stdout, "", "{row}");
            format.push_str(if format.contains("${") { " ${start}" } else { " start" });
            row.push_str(" 1794319260");
        }
        let asked = ["events", "-", "--flow-format", &format];
        let ran = skywarden(asked).stdin(format!("{row}\n")).run().ends(0);
        let events = ran.json_lines();
        assert_eq!(events.len(), 1, "{row}");
        assert_eq!(events[0]["class_uid"], 4001, "{row}");
        assert_eq!(events[0]["raw_data"], row);
        let fields = case["fields"].as_object().unwrap();
        for (name, pointer) in PLACES {
            // What is not in the format, or is `-`, is not in the event.
            let (Some(field), Some(value)) = (fields.get(*name), events[0].pointer(pointer)) else { continue };
            n_compared += 1;
            let plain = |value: &Value| value.as_str().map_or(value.to_string(), str::to_owned);
            assert_eq!(plain(value), plain(field), "{name} of {row}: {}", events[0]);
        }
        let everywhere = events[0].to_string();
        let text = |field: &Value| field.as_str().map_or(field.to_string(), str::to_owned);
        for (name, field) in fields.iter().filter(|(name, field)| !field.is_null() && !is_derived(name)) {
            assert!(everywhere.contains(&text(field)), "{name} `{field}` is lost: {everywhere}");
            n_compared += 1;
        }
        let with_header = skywarden(["events", "-"]).stdin(format!("{format}\n{row}\n")).run().ends(0);
        assert_eq!(with_header.stdout, ran.stdout, "the format as a header");
    }
    assert!(n_compared > 400, "{n_compared} values were compared");
}

/// Fields that an event holds in other words.
fn is_derived(name: &str) -> bool {
    matches!(name, "action" | "type" | "tcp-flags" | "flow-direction" | "start" | "end" | "traffic-path")
}

#[test]
fn other_samples_of_flow_logs_are_rows() {
    for (name, n_rows) in [("vpcflow/splunk-example.log", 1), ("vpcflow/opensearch-catalog/raw.log", 1)] {
        let Some(file) = shared(name) else { continue };
        let ran = skywarden(["events"]).arg(&file).run().ends(0);
        let n = ran.stdout.lines().count();
        assert!(n >= n_rows && n == text(&file).lines().filter(|l| !l.trim().is_empty()).count(), "{name}: {n} rows");
    }
}
