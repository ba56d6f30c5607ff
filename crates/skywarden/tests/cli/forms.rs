//! CloudTrail in every form in which AWS delivers it gives the same events and the same findings.

use base64::Engine as _;
use serde_json::{Value, json};

use super::record::{attack, data_event, digest, elsewhere, id, insight, lines, network_activity, object, record};
use super::{Folder, gzip, skywarden, zstd};

/// A form's name, and its files.
type Form = (&'static str, Vec<(&'static str, Vec<u8>)>);

fn every_form(records: &[Value]) -> Vec<Form> {
    let texts: Vec<String> = records.iter().map(Value::to_string).collect();
    let one = |name, file, bytes: Vec<u8>| (name, vec![(file, bytes)]);
    let bridge = |detail: &Value| {
        json!({
            "version": "0", "id": "6a7e8feb-b491-4cf7-a9f1-bf3703467718", "detail-type": "AWS API Call via CloudTrail",
            "source": "aws.cloudtrail", "account": "111122223333", "time": "2026-11-10T14:01:00Z", "region": "eu-west-1",
            "resources": [], "detail": detail,
        })
    };
    let log_event = |(n, text): (usize, &String)| json!({"id": format!("3683{n}"), "timestamp": 1, "message": text});
    let message = json!({
        "messageType": "DATA_MESSAGE", "owner": "111122223333", "logGroup": "CloudTrail/logs", "logStream": "111122223333_CloudTrail",
        "subscriptionFilters": ["all"], "logEvents": texts.iter().enumerate().map(log_event).collect::<Vec<_>>(),
    });
    let packed = base64::engine::general_purpose::STANDARD.encode(gzip(message.to_string()));
    let looked_up =
        |text: &String| json!({"EventId": "x", "EventName": "x", "ReadOnly": "false", "CloudTrailEvent": text});
    let middle = records.len() / 2;
    vec![
        one("an S3 object", "a.json", object(records).into()),
        one("an S3 object in gzip", "a.json.gz", gzip(object(records))),
        one("an S3 object in gzip of several members", "a.json.gz", {
            let text = object(records);
            let (left, right) = text.split_at(text.len() / 2);
            [gzip(left), gzip(""), gzip(right)].concat()
        }),
        one("an S3 object in zstd", "a.json.zst", zstd(object(records))),
        one("an S3 object in gzip in gzip", "a.json.gz", gzip(gzip(object(records)))),
        one("an S3 object in gzip whose name says nothing", "a.txt", gzip(object(records))),
        one("an S3 object behind a byte order mark", "a.json", format!("\u{feff}{}", object(records)).into()),
        one(
            "an S3 object set out in lines",
            "a.json",
            serde_json::to_vec_pretty(&json!({"Records": records})).unwrap(),
        ),
        one("one a line", "a.ndjson", lines(records).into()),
        one(
            "one a line, the last without an end, with CR",
            "a.ndjson",
            lines(records).trim_end().replace('\n', "\r\n\r\n").into(),
        ),
        one("one a line in gzip, a member each", "a.gz", records.iter().flat_map(|r| gzip(format!("{r}\n"))).collect()),
        one("an array", "a.json", Value::from(records).to_string().into()),
        (
            "one a file",
            vec![
                ("1.json", texts[0].clone().into()),
                ("2.json", texts[1].clone().into()),
                ("3.json", lines(&records[2..]).into()),
            ],
        ),
        one(
            "EventBridge events",
            "a.json",
            records.iter().map(|r| format!("{}\n", bridge(r))).collect::<String>().into(),
        ),
        one(
            "an array of EventBridge events",
            "a.json",
            Value::from(records.iter().map(bridge).collect::<Vec<_>>()).to_string().into(),
        ),
        one(
            "a CloudWatch Logs subscription, as delivered",
            "a.json",
            json!({"awslogs": {"data": packed}}).to_string().into(),
        ),
        one("a CloudWatch Logs subscription, as Firehose stores it", "a.gz", gzip(message.to_string())),
        one(
            "CloudWatch Logs, exported",
            "000000.gz",
            gzip(texts.iter().map(|text| format!("2026-11-10T14:01:00.123Z {text}\n")).collect::<String>()),
        ),
        one("an S3 object with its records in two parts", "a.json", {
            let list = |part: &[Value]| Value::from(part).to_string();
            format!("{{\"Records\":{},\"Records\":{}}}", list(&records[..middle]), list(&records[middle..])).into()
        }),
        one("a CloudWatch Logs subscription in two parts", "a.json", {
            let list =
                |part: &[String]| Value::from(part.iter().enumerate().map(log_event).collect::<Vec<_>>()).to_string();
            format!("{{\"logEvents\":{},\"logEvents\":{}}}", list(&texts[..middle]), list(&texts[middle..])).into()
        }),
        one("the answer of lookup-events in two parts", "a.json", {
            let list = |part: &[String]| Value::from(part.iter().map(looked_up).collect::<Vec<_>>()).to_string();
            format!("{{\"Events\":{},\"Events\":{}}}", list(&texts[..middle]), list(&texts[middle..])).into()
        }),
        one("one EventBridge event with all details", "a.json", {
            let details: Vec<String> = texts.iter().map(|text| format!("\"detail\":{text}")).collect();
            format!("{{\"version\":\"0\",{}}}", details.join(",")).into()
        }),
        one("the answer of lookup-events", "a.json", {
            json!({"Events": texts.iter().map(looked_up).collect::<Vec<_>>(), "NextToken": "x"}).to_string().into()
        }),
        (
            "objects in two files",
            vec![("b.json.gz", gzip(object(&records[..middle]))), ("a.json.gz", gzip(object(&records[middle..])))],
        ),
        one(
            "objects one behind the other",
            "a",
            format!("{}\n{}", object(&records[..middle]), object(&records[middle..])).into(),
        ),
    ]
}

/// The events of a folder as OCSF, sorted.
fn events(folder: &Folder) -> Vec<String> {
    let ran = skywarden(["events", "--no-raw"]).arg(folder.path()).run().ends(0);
    let mut lines: Vec<String> = ran.stdout.lines().map(str::to_owned).collect();
    lines.sort();
    lines
}

fn findings(folder: &Folder) -> String {
    skywarden(["scan", "--format", "jsonl"]).arg(folder.path()).run().ends(0).stdout
}

#[test]
fn every_form_gives_the_same_events_and_findings() {
    let mut records = attack();
    records.extend([insight(), network_activity(), data_event()]);
    let whole = Folder::new();
    whole.file("a.json", object(&records));
    let (expected_events, expected_findings) = (events(&whole), findings(&whole));
    assert_eq!(expected_events.len(), records.len());
    assert_eq!(expected_findings.lines().count(), 2);
    for (name, files) in every_form(&records) {
        let folder = Folder::new();
        for (file, bytes) in files {
            folder.file(file, bytes);
        }
        assert!(events(&folder) == expected_events, "{name}: other events");
        assert!(findings(&folder) == expected_findings, "{name}: other findings");
    }
}

/// The form is told by content, also of what is piped in.
#[test]
fn every_form_is_read_from_standard_input() {
    let records = attack();
    let whole = Folder::new();
    whole.file("a.json", object(&records));
    let expected = findings(&whole);
    for (name, files) in every_form(&records) {
        let [(_, bytes)] = files.as_slice() else { continue };
        let ran = skywarden(["scan", "-", "--format", "jsonl"]).stdin(bytes.clone()).run().ends(0);
        assert!(ran.stdout == expected, "{name}: other findings");
        let ran = skywarden(["events", "-"]).stdin(bytes.clone()).run().ends(0);
        assert_eq!(ran.stdout.lines().count(), records.len(), "{name}");
    }
}

#[test]
fn a_trail_of_an_organisation_is_read_as_it_lies_in_its_bucket() {
    let folder = Folder::new();
    let accounts = ["111122223333", "444455556666"];
    let regions = ["eu-west-1", "us-east-1"];
    let mut number = 0;
    for account in accounts {
        for region in regions {
            number += 1;
            let root = format!("AWSLogs/o-a1b2c3d4e5/{account}");
            let (place, name) =
                (format!("{region}/2026/11/10"), format!("{account}_CloudTrail_{region}_20261110T1405Z_AbCd.json.gz"));
            let log = object(&[elsewhere(record(number, "StopLogging"), account, region)]);
            folder.file(format!("{root}/CloudTrail/{place}/{name}"), gzip(log));
            folder.file(format!("{root}/CloudTrail-Digest/{place}/{name}"), gzip(digest().to_string()));
            let mut insight = insight();
            insight["eventID"] = json!(id(900 + number));
            folder.file(format!("{root}/CloudTrail-Insight/{place}/{name}"), gzip(object(&[insight])));
        }
    }
    let ran = skywarden(["scan", "--format", "jsonl"]).arg(folder.path()).run().ends(0);
    let findings = ran.json_lines();
    let named: Vec<&str> = findings.iter().filter_map(|f| f["cloud"]["account"]["uid"].as_str()).collect();
    // One finding for each account: the Regions are one act of one person on one day.
    assert_eq!(named, accounts, "{}", ran.stdout);
    for (finding, ids) in findings.iter().zip([[id(1), id(2)], [id(3), id(4)]]) {
        assert_eq!(finding["finding_info"]["related_events"], json!([{"uid": ids[0]}, {"uid": ids[1]}]));
    }
    let ran = skywarden(["scan"]).arg(folder.path()).run().ends(0);
    ran.says("Read   12 files, 8 events").says("eu-west-1, us-east-1   2 accounts").says("4 CloudTrail digest files");
}

#[test]
fn a_digest_holds_no_events_and_is_no_mistake() {
    let folder = Folder::new();
    folder.file("digest.json.gz", gzip(digest().to_string()));
    let ran = skywarden(["scan"]).arg(folder.path()).run().ends(0);
    ran.says("0 events").says("1 CloudTrail digest file holds no records and is kept for verification");
    assert_eq!(skywarden(["events"]).arg(folder.path()).run().ends(0).stdout, "");
}

#[test]
fn what_an_event_becomes() {
    let folder = Folder::new();
    folder.file("a.json", object(&[record(1, "StopLogging"), insight(), network_activity(), data_event()]));
    let ran = skywarden(["events"]).arg(folder.path()).run().ends(0);
    let events = ran.json_lines();
    let of = |pointer: &str| events.iter().map(|e| e.pointer(pointer).cloned().unwrap_or_default()).collect::<Value>();
    assert_eq!(of("/metadata/uid"), json!([id(1), id(900), id(901), id(902)]));
    assert_eq!(of("/metadata/product/feature/name"), json!(["Management", "Insight", "NetworkActivity", "Data"]));
    assert_eq!(
        of("/time"),
        json!([1_794_319_260_000_i64, 1_794_319_500_000_i64, 1_794_319_560_000_i64, 1_794_319_620_000_i64])
    );
    assert_eq!(events[0]["actor"]["user"]["uid"], "arn:aws:iam::111122223333:user/mallory");
    assert_eq!(events[0]["src_endpoint"]["ip"], "203.0.113.24");
    assert_eq!(events[2]["status"], "Failure");
    assert_eq!(events[0]["raw_data"], record(1, "StopLogging").to_string(), "the record as it was");
    for event in &events {
        assert_eq!(event["metadata"]["version"], "1.3.0");
    }
    let ran = skywarden(["events", "--ocsf", "1.1.0", "--no-raw"]).arg(folder.path()).run().ends(0);
    for event in ran.json_lines() {
        assert_eq!(event["metadata"]["version"], "1.1.0");
        assert_eq!(event.get("raw_data"), None);
    }
}

/// JSON may be written in many ways; the way never decides whether a rule holds.
#[test]
fn an_attacker_cannot_hide_behind_the_writing_of_json() {
    let plain = record(1, "StopLogging").to_string();
    let ways = [
        ("escapes", plain.replace("\"StopLogging\"", r#""\u0053topLoggin\u0067""#)),
        ("escapes in a key", plain.replace("\"eventName\"", r#""event\u004eame""#)),
        ("blanks", serde_json::to_string_pretty(&record(1, "StopLogging")).unwrap().replace("\": ", "\" \t: \r\n")),
        (
            "a key twice, the mask last",
            plain.replacen(
                "\"eventName\":\"StopLogging\"",
                "\"eventName\":\"StopLogging\",\"eventName\":\"GetTrail\"",
                1,
            ),
        ),
        (
            "a key twice, the mask first",
            plain.replacen(
                "\"eventName\":\"StopLogging\"",
                "\"eventName\":\"GetTrail\",\"eventName\":\"StopLogging\"",
                1,
            ),
        ),
    ];
    for (name, text) in ways {
        assert_ne!(text, plain, "{name}");
        let ran = skywarden(["scan", "-", "--format", "jsonl"]).stdin(text).run().ends(0);
        let findings = ran.json_lines();
        assert_eq!(findings.len(), 1, "{name}: {}", ran.stderr);
        assert_eq!(findings[0]["finding_info"]["analytic"]["name"], "CloudTrail logging stopped", "{name}");
        assert_eq!(
            ran.stderr.contains("holds one key twice"),
            name.starts_with("a key twice"),
            "{name}: {}",
            ran.stderr
        );
    }
}
