//! What `lake export` writes is read by other engines as the very events that are in the lake, and is there as a whole or not at all.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Map, Value, json};

use super::real_data::shared;
use super::record::{attack, elsewhere, lines, network_activity, record};
use super::{Folder, Ran, skywarden, tree};

/// The first line of `security_lake.py`, and the events.
fn read_by_others(folder: &Path) -> (Value, Vec<Value>) {
    let foreign = Path::new(env!("CARGO_MANIFEST_DIR")).join("../lake/tests/foreign");
    let python = cases::python(&foreign.join("requirements.txt"), Path::new(env!("CARGO_TARGET_TMPDIR")));
    let mut command = Command::new(python);
    let said = cases::said(command.arg(foreign.join("security_lake.py")).arg(folder), "another engine fails");
    let mut values = said.lines().map(|line| serde_json::from_str(line).unwrap());
    (values.next().unwrap(), values.map(sorted).collect())
}

/// The same with the members of objects in the order of their names.
fn sorted(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            let mut members: Vec<(String, Value)> =
                members.into_iter().map(|(key, value)| (key, sorted(value))).collect();
            members.sort_by(|a, b| a.0.cmp(&b.0));
            Value::Object(members.into_iter().collect::<Map<_, _>>())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(sorted).collect()),
        other => other,
    }
}

fn texts(events: Vec<Value>) -> Vec<String> {
    let mut texts: Vec<String> = events.into_iter().map(|event| sorted(event).to_string()).collect();
    texts.sort();
    texts
}

/// What `events` makes of the logs that a lake was made of. No two of their events say the same, but for one that is there twice.
fn projected(logs: &[PathBuf], more: &[&str]) -> Vec<String> {
    let mut events = texts(skywarden(["events"]).args(more).args(logs).run().ends(0).json_lines());
    events.dedup();
    events
}

#[track_caller]
fn assert_same(left: &[String], right: &[String]) {
    let differs = left.iter().zip(right).find(|(left, right)| left != right);
    assert!(left.len() == right.len() && differs.is_none(), "{} and {}: {differs:?}", left.len(), right.len());
}

fn ingest(logs: &[PathBuf], lake: &Path) {
    skywarden(["ingest", "--quiet", "--lake"]).arg(lake).args(logs).run().ends(0);
}

fn export(lake: &Path, out: &Path, more: &[&str]) -> Ran {
    skywarden(["lake", "export", "--layout", "security-lake", "--lake"])
        .arg(lake)
        .arg("--out")
        .arg(out)
        .args(more)
        .run()
}

fn count(lake: &Path, table: &str) -> u64 {
    let text = format!("SELECT count(*) AS n FROM {table}");
    let ran = skywarden(["query", &text, "--lang", "sql", "--format", "json", "--lake"]).arg(lake).run().ends(0);
    serde_json::from_str::<Value>(&ran.stdout).unwrap()[0]["n"].as_u64().unwrap()
}

/// Events of two accounts and two Regions over three days and of every class, one of them twice, and flow rows.
fn logs(folder: &Folder) -> Vec<PathBuf> {
    let mut events: Vec<Value> = (10..70)
        .map(|n| {
            let name = ["DescribeTrails", "AssumeRole", "CreateUser", "StopLogging"][n as usize % 4];
            let account = ["111122223333", "444455556666"][n as usize % 2];
            let mut event = elsewhere(record(n, name), account, ["eu-west-1", "us-east-1"][n as usize % 3 % 2]);
            event["eventSource"] = json!(
                ["ec2.amazonaws.com", "sts.amazonaws.com", "iam.amazonaws.com", "cloudtrail.amazonaws.com"]
                    [n as usize % 4]
            );
            // Against the order of time.
            event["eventTime"] = json!(format!("2026-11-{:02}T10:00:{:02}Z", 10 + n % 3, 59 - n % 50));
            event
        })
        .collect();
    events.extend(attack());
    events.push(network_activity());
    events[0]["resources"] =
        json!([{"ARN": "arn:aws:s3:::prod", "type": "AWS::S3::Bucket", "accountId": "111122223333"}]);
    events[1]["requestParameters"] =
        json!({"deep": {"list": [{"a": 1}, {"a": "x.y"}]}, "text": "Zürich \u{1f512} \u{0}"});
    events[2]["awsRegion"] = json!("../../../out");
    events[3]["additional"] = json!({"unknown": [true, null, 1.5]});
    let flow = (0..40).map(|n| {
        let (account, begin) = (["111122223333", "777788889999"][n % 2], 1_794_319_260 + 50_000 * n);
        format!(
            "2 {account} eni-0a1b2c3d4e5f60718 198.51.100.{n} 10.0.0.9 49152 22 6 25 {} {begin} {} ACCEPT OK\n",
            1_000 + n,
            begin + 60
        )
    });
    let cloudtrail = folder.file("logs/cloudtrail.json", lines(&events));
    let again = folder.file("logs/again.json", lines(&events[5..6]));
    vec![cloudtrail, again, folder.file("logs/flow.log", flow.collect::<String>())]
}

#[test]
fn others_read_the_events_of_a_lake_as_security_lake_wants_them() {
    let folder = Folder::new();
    let logs = logs(&folder);
    let (lake, out) = (folder.path().join("lake"), folder.path().join("made/out"));
    ingest(&logs, &lake);
    export(&lake, &out, &[]).ends(0).says("aws_cloudtrail   64 rows").says("aws_vpc_flow     40 rows");
    let (seen, events) = read_by_others(&out);
    assert_eq!(seen["rows"], 104);
    assert_eq!((count(&lake, "aws_cloudtrail"), count(&lake, "aws_vpc_flow")), (64, 40));
    assert_eq!(seen["classes"], json!([[3001, 15], [3002, 15], [4001, 40], [6003, 34]]));
    assert_eq!(seen["bytes"], (0..40).map(|n| 1_000 + n).sum::<u64>());
    assert_same(&texts(events), &projected(&logs, &[]));
    let partitions = seen["partitions"].as_array().unwrap();
    let n_of = |region: &str, account: &str, day: &str| {
        let rows =
            partitions.iter().filter(|p| (&p[0], &p[1], &p[2]) == (&json!(region), &json!(account), &json!(day)));
        rows.map(|p| p[3].as_u64().unwrap()).sum::<u64>()
    };
    assert_eq!(
        n_of("unknown", "111122223333", "20261110"),
        2,
        "a flow row that names no Region, and a Region that is a path"
    );
    assert_eq!(n_of("us-east-1", "444455556666", "20261111"), 10);
    assert!(
        partitions.iter().all(|p| ["eu-west-1", "us-east-1", "unknown"].contains(&p[0].as_str().unwrap())),
        "{partitions:?}"
    );
    assert!(!folder.path().join("out").exists());
    // The same rows have the same names, in however many commits they came.
    let other = folder.path().join("other");
    logs.iter().for_each(|log| ingest(std::slice::from_ref(log), &other));
    export(&other, &folder.path().join("out2"), &[]).ends(0);
    let names = |out: &Path| tree(out).into_iter().map(|(name, _)| name).collect::<Vec<_>>();
    assert_eq!(names(&out), names(&folder.path().join("out2")));
}

#[test]
fn a_part_of_a_lake_is_exported_and_parts_make_the_whole() {
    let folder = Folder::new();
    let logs = logs(&folder);
    let lake = folder.path().join("lake");
    ingest(&logs, &lake);
    let of = |name: &str, more: &[&str]| {
        let out = folder.path().join(name);
        export(&lake, &out, more).ends(0);
        texts(read_by_others(&out).1)
    };
    let whole = of("whole", &[]);
    let border = "2026-11-11T10:00:30Z";
    let (before, after) = (of("before", &["--to", border]), of("after", &["--from", border]));
    assert_eq!((before.len() + after.len(), before.is_empty(), after.is_empty()), (whole.len(), false, false));
    assert_same(&before, &projected(&logs, &["--to", border]));
    let flow = of("flow", &["--source", "aws_vpc_flow", "--no-raw"]);
    assert_same(&flow, &projected(&logs[2..], &["--no-raw"]));
    assert_eq!(of("none", &["--to", "2001-01-01"]).len(), 0);
    // With hardly any memory every row is a file of its own.
    let small = folder.path().join("small");
    export(&lake, &small, &["--memory-bytes", "1"]).ends(0);
    assert_eq!(tree(&small).len(), whole.len());
    assert_same(&texts(read_by_others(&small).1), &whole);
    export(&lake, &folder.path().join("x"), &["--source", "hits"])
        .ends(1)
        .says("no log `hits`: it has aws_cloudtrail, aws_vpc_flow");
    export(&lake, &folder.path().join("x"), &["--from", "2026-11-12", "--to", "2026-11-11"]).ends(2);
    assert!(!folder.path().join("x").exists() && !folder.path().join("x.partial").exists());
}

#[test]
fn an_export_is_there_as_a_whole_or_not_at_all() {
    let folder = Folder::new();
    let lake = folder.path().join("lake");
    ingest(&logs(&folder), &lake);
    let out = folder.path().join("out");
    let partial = folder.path().join("out.partial");
    // What a killed export has left is removed by the next one, and an empty folder is as good as none.
    folder.file("out.partial/ext/aws_cloudtrail_6003/unfinished", "half");
    std::fs::create_dir(&out).unwrap();
    export(&lake, &out, &[]).ends(0);
    assert!(!partial.exists());
    let whole = tree(&out);
    assert!(whole.iter().all(|(name, _)| name.extension().is_some_and(|e| e == "parquet")), "{whole:?}");
    export(&lake, &out, &[]).ends(1).says("is not empty");
    assert_eq!(tree(&out), whole);
    std::fs::remove_dir_all(&out).unwrap();
    // What somebody else keeps there is left alone.
    let mine = folder.file("out.partial/mine.txt", "mine");
    export(&lake, &out, &[]).ends(1).says("out.partial is not ours: it holds mine.txt");
    assert_eq!(std::fs::read(&mine).unwrap(), b"mine");
    std::fs::remove_file(&mine).unwrap();
    let other = std::fs::File::open(&partial).unwrap();
    other.try_lock().unwrap();
    export(&lake, &out, &[]).ends(1).says("another export");
    drop(other);
    // A lake that cannot be read as a whole gives nothing.
    let (name, _) = tree(&lake).into_iter().find(|(name, _)| name.starts_with("aws_vpc_flow/data")).unwrap();
    let bytes = std::fs::read(lake.join(&name)).unwrap();
    std::fs::write(lake.join(&name), &bytes[..bytes.len() / 2]).unwrap();
    export(&lake, &out, &[]).ends(1).says("cannot export `aws_vpc_flow`");
    assert!(!out.exists() && !partial.exists());
    export(&lake, &out, &["--source", "aws_cloudtrail"]).ends(0);
}

#[test]
fn real_logs_are_exported_as_they_are() {
    let (Some(invictus), Some(flow)) = (shared("cloudtrail/invictus/logs"), shared("vpcflow/splunk-example.log"))
    else {
        return;
    };
    let folder = Folder::new();
    let (lake, out) = (folder.path().join("lake"), folder.path().join("out"));
    let logs = [invictus, flow];
    ingest(&logs, &lake);
    export(&lake, &out, &[]).ends(0).says("aws_cloudtrail   2900 rows");
    let (seen, events) = read_by_others(&out);
    assert_eq!(seen["rows"].as_u64().unwrap(), count(&lake, "aws_cloudtrail") + count(&lake, "aws_vpc_flow"));
    assert!(
        seen["users"].as_array().unwrap().iter().any(|user| user[0] == "arn:aws:iam::123837392027:user/bert-jan"),
        "{seen}"
    );
    assert_same(&texts(events), &projected(&logs, &[]));
}
