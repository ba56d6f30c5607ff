//! Logs in a lake: each record once, whatever happens, and answers that are the same as those of the logs.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};

use super::real_data::shared;
use super::record::{attack, elsewhere, id, lines, object, record};
use super::{Folder, Ran, gzip, skywarden};

/// Events of two accounts over three days, one of them delivered twice, with an attack among them.
fn events() -> Vec<Value> {
    let mut events: Vec<Value> = (10..70)
        .map(|n| {
            let mut event =
                elsewhere(record(n, "DescribeTrails"), ["111122223333", "444455556666"][n as usize % 2], "eu-west-1");
            event["eventTime"] = json!(format!("2026-11-{:02}T10:00:{:02}Z", 10 + n % 3, n % 60));
            event
        })
        .collect();
    events.extend(attack());
    events.push(events[1].clone());
    events[61]["requestParameters"] =
        json!({"name": "org-trail", "deep": {"list": [{"a": 1}, {"a": "x.y"}]}, "on": true});
    events
}

fn ingest(logs: &Path, lake: &Path) -> Ran {
    skywarden(["ingest", "--quiet", "--lake"]).arg(lake).arg(logs).run()
}

fn ql(lake: &Path, text: &str) -> Value {
    let ran = skywarden(["query", text, "--format", "json", "--lake"]).arg(lake).run().ends(0);
    serde_json::from_str(&ran.stdout).unwrap()
}

fn sql(lake: &Path, text: &str) -> Value {
    let ran = skywarden(["query", text, "--lang", "sql", "--format", "json", "--lake"]).arg(lake).run().ends(0);
    serde_json::from_str(&ran.stdout).unwrap()
}

/// All that a lake says of its events, in an order of its own.
fn rows(lake: &Path) -> Value {
    let columns = "metadata_uid, event_account, time_dt, class_uid, api_operation, sourceIPAddress, event_flags, raw";
    sql(lake, &format!("SELECT {columns} FROM aws_cloudtrail ORDER BY metadata_uid, raw LIMIT 100000"))
}

/// The ledger by source, each entry checked to add up.
fn ledger(lake: &Path) -> BTreeMap<String, BTreeMap<String, u64>> {
    let ran = skywarden(["lake", "status", "--format", "json", "--lake"]).arg(lake).run().ends(0);
    let entries: Vec<Value> = serde_json::from_str(&ran.stdout).unwrap();
    let mut out = BTreeMap::new();
    for entry in entries {
        let count = |key: &str| (key.to_owned(), entry[key].as_u64().unwrap());
        let counts: BTreeMap<String, u64> = ["in", "lake", "duplicates", "quarantined", "rejected"].map(count).into();
        assert_eq!(
            counts["in"],
            counts["lake"] + counts["duplicates"] + counts["quarantined"] + counts["rejected"],
            "{entry}"
        );
        out.insert(entry["source"].as_str().unwrap().to_owned(), counts);
    }
    out
}

#[test]
fn the_same_again_in_any_form_and_order_adds_nothing() {
    let (logs, lakes) = (Folder::new(), Folder::new());
    let lake = lakes.path().join("lake");
    let mut events = events();
    logs.file("a/1.json.gz", gzip(object(&events)));
    ingest(logs.path(), &lake).ends(0);
    let (first, first_ledger) = (rows(&lake), ledger(&lake));
    assert_eq!(first.as_array().unwrap().len(), 63);
    let trail = &first_ledger["aws_cloudtrail"];
    assert_eq!((trail["in"], trail["lake"], trail["duplicates"]), (64, 63, 1));
    let findings = tables(&lake);

    let again = Folder::new();
    events.reverse();
    for (number, part) in events.chunks(7).enumerate() {
        again.file(format!("{number}/x.ndjson"), lines(part));
    }
    ingest(again.path(), &lake).ends(0);
    assert_eq!(rows(&lake), first);
    assert_eq!(ledger(&lake)["aws_cloudtrail"]["in"], 128);
    assert_eq!(tables(&lake), findings, "hits and findings too are there once");

    let other = lakes.path().join("other");
    ingest(again.path(), &other).ends(0);
    assert_eq!(rows(&other), first, "whatever the order");
}

/// How many rows each table has.
fn tables(lake: &Path) -> Vec<String> {
    let ran = skywarden(["lake", "fsck", "--lake"]).arg(lake).run().ends(0);
    ran.stdout
        .lines()
        .filter(|line| line.contains("tables"))
        .map(|line| line.rsplit(',').next().unwrap().to_owned())
        .collect()
}

#[test]
fn a_process_that_is_killed_loses_and_doubles_nothing() {
    let (logs, lakes) = (Folder::new(), Folder::new());
    skywarden(["generate", "--events", "3000", "--flows", "1500", "--seed", "7"]).arg(logs.path()).run().ends(0);
    let whole = lakes.path().join("whole");
    let start = std::time::Instant::now();
    ingest(&logs.path().join("AWSLogs"), &whole).ends(0);
    let run = start.elapsed();
    let expected = (rows(&whole), ledger(&whole), tables(&whole));
    assert!(expected.1["aws_vpc_flow"]["lake"] > 1_000, "{:?}", expected.1);

    let cut = lakes.path().join("cut");
    let mut n_killed = 0;
    for round in 0..8 {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_skywarden"));
        command.args(["ingest", "--quiet", "--lake"]).arg(&cut).arg(logs.path().join("AWSLogs"));
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        // Each round lives a little longer, so that instants of the whole run come up.
        std::thread::sleep(run * (round + 1) / 10);
        child.kill().unwrap();
        n_killed += u32::from(child.wait().unwrap().code().is_none());
    }
    assert!(n_killed > 2, "too few runs were cut off to show anything");
    ingest(&logs.path().join("AWSLogs"), &cut).ends(0);
    assert_eq!(rows(&cut), expected.0);
    assert_eq!(tables(&cut), expected.2);
    for (source, counts) in ledger(&cut) {
        assert_eq!(counts["lake"], expected.1[&source]["lake"], "{source}");
    }
}

#[test]
fn what_is_no_record_is_set_aside_as_it_came() {
    let (logs, lakes) = (Folder::new(), Folder::new());
    let lake = lakes.path().join("lake");
    let mut text = lines(&attack()).into_bytes();
    text.extend(b"{\"eventVersion\": broken \xff\n{\"no\":\"record\"}\n");
    logs.file("a.ndjson", &text);
    ingest(logs.path(), &lake).ends(4).says("not read:");
    ingest(logs.path(), &lake).ends(4);
    let ledger = ledger(&lake);
    assert_eq!(ledger["aws_cloudtrail"]["lake"], 3);
    assert_eq!((ledger["unknown"]["quarantined"], ledger["unknown"]["duplicates"]), (2, 2));

    let list = skywarden(["lake", "quarantine", "list", "--format", "json", "--lake"]).arg(&lake).run().ends(0);
    let pieces: Vec<Value> = serde_json::from_str(&list.stdout).unwrap();
    assert_eq!(pieces.len(), 2);
    assert!(pieces.iter().any(|piece| piece["reason"].as_str().unwrap().contains("not JSON")), "{pieces:?}");
    let known = pieces.iter().find(|piece| piece["reason"].as_str().unwrap().contains("no record")).unwrap();
    let shown =
        skywarden(["lake", "quarantine", "show", known["id"].as_str().unwrap(), "--lake"]).arg(&lake).run().ends(0);
    assert_eq!(shown.stdout, "{\"no\":\"record\"}");
    let raw = sql(&lake, "SELECT raw FROM quarantine WHERE reason LIKE '%no record%'");
    assert_eq!(raw, json!([{"raw": "{\"no\":\"record\"}"}]), "bytes are shown as text");
    skywarden(["lake", "quarantine", "show", "ffff", "--lake"]).arg(&lake).run().ends(1).says("no piece in quarantine");
    let replayed = skywarden(["lake", "quarantine", "replay", "--lake"]).arg(&lake).run().ends(0);
    assert!(replayed.stdout.starts_with("0 records could be read in 2 pieces"), "{}", replayed.stdout);
}

#[test]
fn the_same_id_with_other_content_hides_nothing() {
    let (logs, lakes) = (Folder::new(), Folder::new());
    let lake = lakes.path().join("lake");
    logs.file("a.json", object(&[record(1, "StopLogging"), record(1, "DescribeTrails")]));
    ingest(logs.path(), &lake).ends(0);
    let rows = rows(&lake);
    let rows = rows.as_array().unwrap();
    assert_eq!(rows.len(), 2);
    assert!(rows.iter().any(|row| row["event_flags"] == "same-id"), "{rows:?}");
}

#[test]
fn two_cannot_write_at_once() {
    let (logs, lakes) = (Folder::new(), Folder::new());
    let lake = lakes.path().join("lake");
    logs.file("a.json", object(&attack()));
    ingest(logs.path(), &lake).ends(0);
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_skywarden"));
    command.args(["ingest", "-", "--lake"]).arg(&lake);
    let mut first = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let holder = || std::fs::read_to_string(lake.join("lock")).unwrap_or_default();
    while !holder().contains(&first.id().to_string()) {
        assert!(first.try_wait().unwrap().is_none(), "nobody else is there");
        std::thread::sleep(Duration::from_millis(20));
    }
    let said = ingest(logs.path(), &lake).ends(1);
    assert!(said.stderr.contains(&first.id().to_string()), "names the other: {}", said.stderr);
    drop(first.stdin.take());
    first.wait().unwrap();
    ingest(logs.path(), &lake).ends(0);
}

#[test]
fn names_lead_to_values_wherever_they_lie() {
    let (logs, lakes) = (Folder::new(), Folder::new());
    let lake = lakes.path().join("lake");
    logs.file("a.json", object(&events()));
    ingest(logs.path(), &lake).ends(0);
    let rows = ql(
        &lake,
        "filter requestParameters.deep.list.1.a = 'x.y' | fields eventID, api.operation, requestParameters.on as on, requestParameters.deep.list.0.a as a",
    );
    assert_eq!(rows.as_array().unwrap().len(), 1);
    assert_eq!(rows[0]["api.operation"], "DescribeTrails");
    assert_eq!(rows[0]["eventID"], json!(id(2)));
    let counted = ql(&lake, "stats count(*) as n by eventName | sort n desc");
    assert_eq!(
        counted,
        json!([{"eventName": "DescribeTrails", "n": 61}, {"eventName": "DeleteTrail", "n": 1}, {"eventName": "StopLogging", "n": 1}])
    );
    let direct = skywarden(["query", "stats count(*) as n by eventName | sort n desc", "--format", "json", "--input"]);
    let direct: Value = serde_json::from_str(&direct.arg(logs.path()).run().ends(0).stdout).unwrap();
    assert_eq!(direct, counted, "logs that are in no lake give the same answer");
    let ran = skywarden(["query", "fields evntName | limit 1", "--lake"]).arg(&lake).run().ends(0);
    assert!(ran.stderr.contains("eventName"), "a name nearby is told: {}", ran.stderr);
    skywarden(["query", "fields evntName | limit 1", "--strict", "--lake"]).arg(&lake).run().ends(2);
    skywarden(["query", "filtre x = 1", "--lake"]).arg(&lake).run().ends(2).says("filter");
    skywarden(["query", "DROP TABLE aws_cloudtrail", "--lang", "sql", "--lake"]).arg(&lake).run().ends(2);
    let period =
        ["query", "stats count(*) as n", "--from", "2026-11-11", "--to", "2026-11-12", "--format", "json", "--lake"];
    let day: Value = serde_json::from_str(&skywarden(period).arg(&lake).run().ends(0).stdout).unwrap();
    assert_eq!(day, json!([{"n": 20}]));
}

#[test]
fn upkeep_changes_no_answer() {
    let (logs, lakes) = (Folder::new(), Folder::new());
    let lake = lakes.path().join("lake");
    for (number, part) in events().chunks(20).enumerate() {
        let part_logs = Folder::new();
        part_logs.file("a.json", object(part));
        ingest(part_logs.path(), &lake).ends(0);
        logs.file(format!("{number}.json"), object(part));
    }
    let before = rows(&lake);
    let run = |args: &[&str]| skywarden(args).arg("--lake").arg(&lake).run();
    run(&["lake", "compact"]).ends(0).says("became");
    assert_eq!(rows(&lake), before);
    run(&["lake", "expire", "--keep", "1", "--age", "0"]).ends(0).says("deleted");
    assert_eq!(rows(&lake), before);
    run(&["lake", "fsck"]).ends(0);
    run(&["lake", "hold", "case-7", "--from", "2026-11-10", "--to", "2026-11-11"]).ends(0);
    run(&["lake", "hold"]).ends(0).says("case-7");
    std::fs::remove_file(lake.join("catalog.db")).unwrap();
    run(&["lake", "rebuild"]).ends(0).says("aws_cloudtrail");
    assert_eq!(rows(&lake), before);
    ingest(logs.path(), &lake).ends(0);
    assert_eq!(rows(&lake), before, "the same again is still known");
    ledger(&lake);
}

#[test]
fn queries_are_kept_with_the_lake() {
    let (logs, lakes) = (Folder::new(), Folder::new());
    let lake = lakes.path().join("lake");
    logs.file("a.json", object(&attack()));
    ingest(logs.path(), &lake).ends(0);
    let run = |args: &[&str]| skywarden(args).arg("--lake").arg(&lake).run();
    run(&[
        "view",
        "save",
        "stopped",
        "filter eventName = 'StopLogging' | stats count(*) as n",
        "--about",
        "who stops trails",
    ])
    .ends(0);
    run(&["view", "list"]).ends(0).says("who stops trails");
    run(&["query", "--view", "stopped", "--format", "json"]).ends(0).says("\"n\":1");
    run(&["view", "save", "bad", "filtre x"]).ends(2);
    run(&["view", "save", "../x", "fields a"]).ends(1);
    run(&["view", "remove", "stopped"]).ends(0);
    run(&["view", "show", "stopped"]).ends(1).says("no such view");
}

#[test]
fn what_comes_in_is_seen() {
    let (logs, lakes) = (Folder::new(), Folder::new());
    let lake = lakes.path().join("lake");
    logs.file("a.json", object(&attack()));
    ingest(logs.path(), &lake).ends(0);
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_skywarden"));
    command.args(["tail", "fields eventName, eventID", "--every", "0.1", "--for", "50", "--lake"]).arg(&lake);
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let (sender, lines) = std::sync::mpsc::channel();
    let out = std::io::BufReader::new(child.stdout.take().unwrap());
    std::thread::spawn(move || std::io::BufRead::lines(out).try_for_each(|line| sender.send(line.unwrap())));
    // What came before it looked for the first time is not seen, so events come until one is.
    let line = (100..140).find_map(|number| {
        let more = Folder::new();
        more.file("b.json", object(&[record(1, "StopLogging"), record(number, "GetTrail")]));
        ingest(more.path(), &lake).ends(0);
        lines.recv_timeout(Duration::from_millis(500)).ok()
    });
    child.kill().unwrap();
    child.wait().unwrap();
    let rest: Vec<String> = lines.iter().collect();
    for line in line.iter().chain(&rest) {
        let row: Value = serde_json::from_str(line).unwrap();
        assert_eq!(row["eventName"], "GetTrail", "only what is new: {line}");
    }
    assert!(line.is_some(), "nothing was seen");
    skywarden(["tail", "filtre x", "--lake"]).arg(&lake).run().ends(2);
}

#[test]
fn real_logs_come_in_once_in_any_order() {
    let Some(folder) = shared("cloudtrail/invictus/logs") else { return };
    let lakes = Folder::new();
    let (one, two) = (lakes.path().join("one"), lakes.path().join("two"));
    ingest(&folder, &one).ends(0);
    assert_eq!(ledger(&one)["aws_cloudtrail"]["lake"], 2_900);
    let mut files: Vec<_> = super::tree(&folder).into_iter().map(|(name, _)| name).collect();
    files.reverse();
    for part in files.chunks(files.len().div_ceil(3)) {
        let paths = part.iter().map(|name| folder.join(name));
        skywarden(["ingest", "--quiet", "--lake"]).arg(&two).args(paths).run().ends(0);
    }
    ingest(&folder, &two).ends(0);
    assert_eq!(rows(&two), rows(&one));
    assert_eq!(ledger(&two)["aws_cloudtrail"]["duplicates"], 2_900);
}

#[test]
fn a_rule_tried_on_the_past_finds_what_it_found_when_the_events_came() {
    let (logs, lakes) = (Folder::new(), Folder::new());
    let lake = lakes.path().join("lake");
    skywarden(["generate", "--events", "2000", "--flows", "1500", "--seed", "3"]).arg(logs.path()).run().ends(0);
    ingest(&logs.path().join("AWSLogs"), &lake).ends(0);
    let fired = sql(&lake, "SELECT DISTINCT rule_uid FROM hits ORDER BY 1");
    let fired: Vec<&str> = fired.as_array().unwrap().iter().map(|row| row["rule_uid"].as_str().unwrap()).collect();
    assert!(fired.len() > 5, "{fired:?}");
    for rule in fired.iter().step_by(fired.len() / 5) {
        let ran = skywarden(["rules", "backtest", rule, "--own-account", OWN, "--lake"]).arg(&lake).run().ends(0);
        assert!(ran.stdout.contains("; 0 are new, and 0 that were found then are no more"), "{rule}: {}", ran.stdout);
        // Columns leave records out that cannot match, and nothing else.
        for format in ["table", "jsonl"] {
            let found = |more: &[&str]| {
                let args = ["rules", "backtest", rule, "--own-account", OWN, "--format", format, "--lake"];
                skywarden(args).arg(&lake).args(more).run().ends(0).stdout.clone()
            };
            assert_eq!(found(&[]), found(&["--every-record"]), "{rule}");
        }
    }
    let new = lakes.path().join("new.yml");
    std::fs::write(&new, "title: t\nid: 7b3f3a0e-2f1c-4a53-9d5b-0a4d6f3f1c11\nlogsource: {product: aws, service: cloudtrail}\ndetection: {a: {eventName|startswith: Get}, condition: a}\nlevel: low\n").unwrap();
    let ran = skywarden(["rules", "backtest"]).arg(&new).arg("--lake").arg(&lake).run().ends(0);
    assert!(!ran.stdout.contains("; 0 are new"), "{}", ran.stdout);
    skywarden(["rules", "backtest", "no-such", "--lake"]).arg(&lake).run().ends(1).says("no rule is called");
}

#[test]
fn what_a_query_prints_is_whole() {
    let (logs, lakes) = (Folder::new(), Folder::new());
    let lake = lakes.path().join("lake");
    skywarden(["generate", "--events", "300", "--flows", "100"]).arg(logs.path()).run().ends(0);
    // The truth beside the logs is no log, and none of its lines is a record.
    ingest(logs.path(), &lake).ends(4).says("ground-truth.jsonl: not a log that is known");
    assert_eq!(sql(&lake, "SELECT count(*) AS n FROM quarantine"), json!([{"n": 0}]));
    let asked = |text: &str, format: &str| {
        skywarden(["query", text, "--lang", "sql", "--format", format, "--lake"]).arg(&lake).run()
    };
    for format in ["table", "json", "jsonl", "csv"] {
        let ran = asked("SELECT CAST(eventName AS INT) FROM cloudtrail", format).ends(1).says("query:1:8");
        assert_eq!(ran.stdout, "", "{format}");
    }
    assert_eq!(asked("-- none\nSELECT 1 AS n FROM cloudtrail WHERE 1 = 2", "json").ends(0).stdout, "[]\n");
    asked("SELECT * FROM hit", "json").ends(2).says("did you mean `hits`?");
    asked("SELECT * FROM xyz", "json").ends(2).says("`hits`, `findings`");
    asked("--lagn", "json").ends(2).says("no such option");
}

/// The accounts of the generated logs, which their paths tell when they are read.
const OWN: &str = "111122223333,444455556666";
