//! What holds for every corpus, checked on a small one.

use crate::{Options, Scenario, Written, write};
use flate2::read::GzDecoder;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// A corpus read back: its files by name, inflated.
struct Corpus {
    written: Written,
    files: BTreeMap<String, Vec<u8>>,
    records: Vec<(String, Value)>,
}

impl Corpus {
    fn of(options: &Options, name: &str) -> Corpus {
        let dir = std::env::temp_dir().join(format!("generate-{}-{name}", std::process::id()));
        let written = write(options, &dir).expect("the corpus is written");
        let mut files = BTreeMap::new();
        collect(&dir, &dir, &mut files);
        std::fs::remove_dir_all(&dir).expect("the folder is ours");
        let logs = files.iter().filter(|(name, _)| name.ends_with(".json.gz"));
        let records = logs
            .flat_map(|(name, content)| records(content).into_iter().map(|record| (name.clone(), record)))
            .collect();
        Corpus { written, files, records }
    }

    fn truth(&self) -> Vec<Value> {
        let text = std::str::from_utf8(&self.files["ground-truth.jsonl"]).expect("the truth is text");
        text.lines().map(|line| serde_json::from_str(line).expect("a line of truth is JSON")).collect()
    }

    fn flow_logs(&self) -> impl Iterator<Item = &str> {
        let logs = self.files.iter().filter(|(name, _)| name.ends_with(".log.gz"));
        logs.map(|(_, content)| std::str::from_utf8(content).expect("a flow log is text"))
    }
}

fn records(content: &[u8]) -> Vec<Value> {
    let mut log: Value = serde_json::from_slice(content).expect("a log is JSON");
    std::mem::take(log["Records"].as_array_mut().expect("a log has records"))
}

fn collect(root: &Path, dir: &Path, files: &mut BTreeMap<String, Vec<u8>>) {
    for entry in std::fs::read_dir(dir).expect("the folder is there") {
        let path: PathBuf = entry.expect("an entry").path();
        if path.is_dir() {
            collect(root, &path, files);
            continue;
        }
        let name = path.strip_prefix(root).expect("below the root").to_string_lossy().into_owned();
        let bytes = std::fs::read(&path).expect("the file is there");
        let mut content = Vec::new();
        match name.ends_with(".gz") {
            true => GzDecoder::new(&bytes[..]).read_to_end(&mut content).map(|_| ()).expect("gzip"),
            false => content = bytes,
        }
        files.insert(name, content);
    }
}

const SMALL: Options = Options {
    seed: 7,
    start_ms: 1_793_491_200_000,
    days: 2,
    events: 12_000,
    flows: 9_000,
    attack: Scenario::Takeover,
    events_per_file_max: 100,
};

fn small() -> &'static Corpus {
    static SMALL_CORPUS: OnceLock<Corpus> = OnceLock::new();
    SMALL_CORPUS.get_or_init(|| Corpus::of(&SMALL, "small"))
}

fn text<'a>(record: &'a Value, member: &str) -> &'a str {
    record[member].as_str().unwrap_or_default()
}

#[test]
fn the_same_options_give_the_same_bytes() {
    let options = Options { events: 3_000, flows: 2_000, ..SMALL };
    let (a, b) = (Corpus::of(&options, "a"), Corpus::of(&options, "b"));
    assert_eq!(a.written, b.written);
    assert!(a.files == b.files);
    let other = Corpus::of(&Options { seed: 8, ..options }, "c");
    assert!(a.files != other.files);
}

#[test]
fn records_are_whole_and_lie_where_they_belong() {
    let end_ms = SMALL.start_ms + 2 * crate::time::DAY_MS;
    let mut end = Vec::new();
    crate::time::iso(&mut end, end_ms);
    let end = String::from_utf8(end).expect("ASCII");
    for (name, record) in &small().records {
        for member in
            ["eventVersion", "eventTime", "awsRegion", "eventID", "eventType", "recipientAccountId", "eventCategory"]
        {
            assert!(!text(record, member).is_empty(), "{member} of {record}");
        }
        let folder = match text(record, "eventCategory") {
            "Insight" => "CloudTrail-Insight",
            "NetworkActivity" => "CloudTrail-NetworkActivity",
            _ => "CloudTrail",
        };
        let place = format!(
            "AWSLogs/o-exampleorgid/{}/{folder}/{}/",
            text(record, "recipientAccountId"),
            text(record, "awsRegion")
        );
        assert!(name.starts_with(&place), "{name} is not below {place}");
        let time = text(record, "eventTime");
        assert!(("2026-10-31T23:58:00Z"..end.as_str()).contains(&time), "{time}");
    }
}

#[test]
fn an_event_is_told_once_but_for_the_duplicates() {
    let corpus = small();
    let records = &corpus.records;
    let mut copies: HashMap<&str, Vec<(&str, &Value)>> = HashMap::new();
    for (name, record) in records {
        copies.entry(text(record, "eventID")).or_default().push((name, record));
    }
    let twice: Vec<_> = copies.values().filter(|copies| copies.len() > 1).collect();
    assert_eq!(copies.len() as u64, corpus.written.events);
    assert_eq!(twice.len() as u64, corpus.written.duplicates);
    assert!((10..40).contains(&twice.len()), "{} duplicates", twice.len());
    assert!(twice.iter().all(|copies| copies.len() == 2 && copies[0].0 != copies[1].0 && copies[0].1 == copies[1].1));
}

#[test]
fn counts_are_near_what_was_asked() {
    let written = small().written;
    assert!(written.events.abs_diff(SMALL.events) <= 3, "{written:?}");
    assert!(written.flows.abs_diff(SMALL.flows) <= 3, "{written:?}");
    assert_eq!(written.files, small().files.len() as u64);
    let records = &small().records;
    let mut by_file: HashMap<&str, u32> = HashMap::new();
    records.iter().for_each(|(name, _)| *by_file.entry(name).or_default() += 1);
    assert!(by_file.values().all(|n| *n <= SMALL.events_per_file_max));
}

#[test]
fn life_is_manifold() {
    let records = &small().records;
    let names: BTreeSet<_> = records.iter().map(|(_, r)| (text(r, "eventSource"), text(r, "eventName"))).collect();
    let versions: BTreeSet<_> = records.iter().map(|(_, r)| text(r, "eventVersion")).collect();
    let types: BTreeSet<_> = records.iter().map(|(_, r)| text(&r["userIdentity"], "type")).collect();
    let categories: BTreeSet<_> = records.iter().map(|(_, r)| text(r, "eventCategory")).collect();
    let size = records.iter().map(|(_, r)| r.to_string().len()).sum::<usize>() / records.len();
    let data = records.iter().filter(|(_, r)| text(r, "eventCategory") == "Data").count() * 100 / records.len();
    let failed = records.iter().filter(|(_, r)| !text(r, "errorCode").is_empty()).count() * 1000 / records.len();
    assert!(names.len() >= 250, "{} event names", names.len());
    assert_eq!(Vec::from_iter(versions), ["1.08", "1.09", "1.10", "1.11"]);
    for wanted in
        ["", "AWSAccount", "AWSService", "AssumedRole", "IAMUser", "IdentityCenterUser", "SAMLUser", "WebIdentityUser"]
    {
        assert!(types.contains(wanted), "no identity of type `{wanted}`");
    }
    assert!(categories.contains("NetworkActivity") && categories.contains("Insight"), "{categories:?}");
    assert!((1_200..1_600).contains(&size), "mean size {size}");
    assert!((20..60).contains(&data), "{data} % data events");
    assert!((4..40).contains(&failed), "{failed} ‰ failures");
}

#[test]
fn people_rest_on_sundays_and_at_night() {
    let records = &small().records;
    let of_people = records.iter().filter(|(_, r)| text(&r["userIdentity"], "arn").contains("AWSReservedSSO_"));
    let mut by_day = [0u32; 2];
    let mut at_night = 0;
    for (_, record) in of_people {
        let time = text(record, "eventTime");
        by_day[usize::from(time.starts_with("2026-11-02"))] += 1;
        at_night += u32::from(("03".."05").contains(&&time[11..13]));
    }
    assert!(by_day[0] * 3 < by_day[1], "{by_day:?}");
    assert_eq!(at_night, 0);
}

#[test]
fn the_truth_is_in_the_logs() {
    let corpus = small();
    let records = &corpus.records;
    let truth = corpus.truth();
    assert_eq!(truth.len() as u64, corpus.written.attack_events);
    for line in &truth {
        let id = text(line, "eventID");
        let told: Vec<_> = records.iter().filter(|(_, r)| text(r, "eventID") == id).collect();
        assert_eq!(told.len(), 1, "{line}");
        assert_eq!(told[0].1["eventTime"], line["time"]);
        assert_eq!(told[0].1["recipientAccountId"], line["account"]);
    }
    let of_attacker = records.iter().filter(|(_, r)| text(r, "sourceIPAddress") == crate::attack::ADDRESS);
    assert_eq!(of_attacker.count(), truth.len());
}

#[test]
fn without_an_attack_there_is_no_truth() {
    let corpus = Corpus::of(&Options { attack: Scenario::None, events: 3_000, flows: 3_000, ..SMALL }, "none");
    assert!(corpus.truth().is_empty());
    assert!(corpus.records.iter().all(|(_, r)| text(r, "sourceIPAddress") != crate::attack::ADDRESS));
    assert!(!corpus.flow_logs().any(|log| log.contains(crate::attack::ADDRESS) || log.contains(" 14444 ")));
}

/// Whoever follows issued keys finds where each temporary key of the attack comes from.
#[test]
fn the_attackers_keys_were_issued() {
    let records = &small().records;
    let issued: BTreeSet<_> =
        records.iter().map(|(_, r)| text(&r["responseElements"]["credentials"], "accessKeyId")).collect();
    let attack = records.iter().filter(|(_, r)| text(r, "sourceIPAddress") == crate::attack::ADDRESS);
    let used: BTreeSet<_> = attack
        .map(|(_, r)| &r["userIdentity"])
        .filter(|who| who["type"] == "AssumedRole")
        .map(|who| text(who, "accessKeyId"))
        .collect();
    assert_eq!(used.len(), 6, "{used:?}");
    assert!(used.is_subset(&issued), "{used:?}");
}

/// The same for the working day: roles act with keys that the log has seen issued.
#[test]
fn roles_act_with_issued_keys() {
    let records = &small().records;
    let issued: BTreeSet<_> =
        records.iter().map(|(_, r)| text(&r["responseElements"]["credentials"], "accessKeyId")).collect();
    let last_day = records.iter().filter(|(_, r)| text(r, "eventTime").starts_with("2026-11-02T1"));
    let used = last_day
        .map(|(_, r)| &r["userIdentity"])
        .filter(|who| who["type"] == "AssumedRole")
        .map(|who| text(who, "accessKeyId"));
    assert!(used.collect::<BTreeSet<_>>().is_subset(&issued));
}

#[test]
fn flow_lines_have_the_fields_of_their_header() {
    let mut seen: BTreeSet<String> = BTreeSet::new();
    for log in small().flow_logs() {
        let mut lines = log.lines();
        let header: Vec<&str> = lines.next().expect("a header").split(' ').collect();
        assert!([14, 27].contains(&header.len()), "{header:?}");
        for line in lines {
            let values: Vec<&str> = line.split(' ').collect();
            assert_eq!(values.len(), header.len(), "{line}");
            let value = |name: &str| header.iter().position(|field| *field == name).map_or("", |at| values[at]);
            let number = |name: &str| value(name).parse::<i64>().expect("a number");
            assert!(number("end") >= number("start"), "{line}");
            seen.insert(format!("{} {}", value("action"), value("log-status")));
            seen.insert(format!("port {}", value("dstport")));
        }
    }
    for wanted in ["ACCEPT OK", "REJECT OK", "- NODATA", "- SKIPDATA", "port 3333", "port 14444", "port 22"] {
        assert!(seen.contains(wanted), "no {wanted}");
    }
}

/// A template whose word is unknown would panic in the middle of a long run.
#[test]
fn every_template_can_be_written() {
    use crate::template::{Scene, expand};
    let world = crate::benign::World::new(1);
    let names = &world.actors[0].names;
    let mut names_seen = BTreeSet::new();
    for service in crate::service::ALL.iter().copied().flatten() {
        for call in service.calls {
            assert!(names_seen.insert((service.source, call.name)), "{} twice in {}", call.name, service.source);
            let messages = service.failures.iter().map(|failure| failure.1);
            let json = [call.request, call.response, call.resources, call.additional, service.additional];
            for template in
                json.into_iter().chain([service.host]).chain(messages).filter(|template| !template.is_empty())
            {
                let estate = &world.estates[0];
                let scene = Scene { estate, region: 0, time_ms: SMALL.start_ms, random: 1, names, issued: 2 };
                let mut out = Vec::new();
                expand(&mut out, template, &scene);
                let parsed = serde_json::from_slice::<Value>(&out);
                assert!(
                    !json.contains(&template) || parsed.is_ok(),
                    "{}: {}",
                    call.name,
                    String::from_utf8_lossy(&out)
                );
            }
        }
    }
}

#[test]
fn no_days_are_an_error() {
    let error = write(&Options { days: 0, ..SMALL }, Path::new("unused")).expect_err("there is nothing to tell");
    assert_eq!(error.to_string(), "cannot write a corpus of 0 days from 1793491200000 ms");
}
