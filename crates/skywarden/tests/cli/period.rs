//! Which events are asked for, and what is said to questions that make no sense.

use super::record::{attack, lines, record};
use super::{Folder, inside, skywarden};

/// How many of the three events, at 14:01, 14:02 and 14:03, pass.
fn n_events(args: &[&str]) -> usize {
    let ran = skywarden(["events", "-"]).args(args).stdin(lines(&attack())).run().ends(0);
    let ran_scan = skywarden(["scan", "-", "--format", "jsonl"]).args(args).stdin(lines(&attack())).run().ends(0);
    let n = ran.stdout.lines().count();
    assert!(ran_scan.stderr.starts_with(&format!("{n} event")), "scan disagrees: {}", ran_scan.stderr);
    n
}

#[test]
fn from_is_inclusive_and_to_is_exclusive() {
    assert_eq!(n_events(&["--from", "2026-11-10T14:02:00Z"]), 2);
    assert_eq!(n_events(&["--from", "2026-11-10T14:02:00.001Z"]), 1);
    assert_eq!(n_events(&["--to", "2026-11-10T14:02:00Z"]), 1);
    assert_eq!(n_events(&["--to", "2026-11-10T14:02:00.001Z"]), 2);
    assert_eq!(n_events(&["--from", "2026-11-10T14:02Z", "--to", "2026-11-10T14:03Z"]), 1);
    assert_eq!(n_events(&["--from", "2026-11-10", "--to", "2026-11-11"]), 3);
    assert_eq!(n_events(&["--from", "2026-11-11"]), 0);
}

#[test]
fn times_are_utc_unless_they_say_otherwise() {
    assert_eq!(n_events(&["--from", "2026-11-10T15:02:00+01:00"]), 2);
    assert_eq!(n_events(&["--from", "2026-11-10T14:02"]), 2);
}

#[test]
fn since_counts_back_from_now() {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis() as i64;
    let hours_ago = |n: i64| {
        let mut record = record(n as u32, "StopLogging");
        record["eventTime"] = event::time::rfc3339(now - n * 3_600_000).into();
        record
    };
    let text = lines(&[hours_ago(1), hours_ago(30), hours_ago(24 * 9)]);
    for (since, expected) in [("90m", 1), ("7200s", 1), ("2d", 2), ("24h", 1), ("1w", 2), ("2w", 3)] {
        let ran = skywarden(["events", "-", "--since", since]).stdin(text.clone()).run().ends(0);
        assert_eq!(ran.stdout.lines().count(), expected, "--since {since}");
    }
}

/// Before any work starts, with an example of how to say it.
#[test]
fn times_that_are_none_are_mistakes_of_usage() {
    for command in ["scan", "events"] {
        for time in ["24x", "yesterday", "2026-13-01", "2026-11-31", "2026-11-10T25:00:00Z", "", "14:02"] {
            for option in ["--from", "--to"] {
                let ran = skywarden([command, "/nowhere", option, time]).run().ends(2);
                assert_eq!(ran.stdout, "");
                ran.says(option).says("2023-07-10T11:42:00Z");
            }
        }
        for duration in ["24x", "0h", "-1h", "h", "", "1.5h", "999999999999999999999d"] {
            let ran = skywarden([command, "/nowhere"]).arg(format!("--since={duration}")).run().ends(2);
            ran.says("--since").says("write 90s, 30m, 24h, 7d or 2w");
        }
        let empty = ["--from", "2026-11-10T14:02Z", "--to", "2026-11-10T14:02Z"];
        let ran = skywarden([command, "/nowhere"]).args(empty).run().ends(2);
        ran.says("the period is empty: --from 2026-11-10T14:02:00Z is not before --to 2026-11-10T14:02:00Z");
        skywarden([command, "/nowhere", "--since", "1h", "--from", "2026-11-10"]).run().ends(2);
    }
}

#[test]
fn command_lines_that_make_no_sense() {
    skywarden(std::iter::empty::<&str>()).run().ends(2).says("Usage:");
    skywarden(["scna", "x"]).run().ends(2).says("scan");
    skywarden(["scan"]).run().ends(2).says("<PATH>");
    skywarden(["scan", "x", "--format", "xml"]).run().ends(2).says("jsonl");
    skywarden(["scan", "x", "--fail-on", "hihg"]).run().ends(2).says("informational, low, medium, high or critical");
    skywarden(["scan", "x", "--rules", "a", "--only-rules", "b"]).run().ends(2);
}

#[test]
fn exit_codes() {
    let folder = Folder::new();
    folder.file("a.json", lines(&attack()));
    folder.file("quiet.json", record(1, "DescribeTrails").to_string());
    folder.file("text.txt", "hello there\n");
    let code = |line: &str, code: i32| drop(inside(&folder, line).run().ends(code));
    code("scan quiet.json", 0);
    // Findings are no failure unless that is asked for.
    code("scan a.json", 0);
    code("scan a.json --fail-on critical", 3);
    code("scan a.json --fail-on HIGH --format jsonl", 3);
    code("scan quiet.json --fail-on informational", 0);
    code("scan text.txt", 4);
    code("scan quiet.json text.txt", 4);
    code("scan quiet.json text.txt --fail-on low", 4);
    // What was found goes before what was not read.
    code("scan a.json text.txt --fail-on high", 3);
    code("scan nowhere", 1);
    code("events nowhere", 4);
    code("scan a.json nowhere", 4);
    code("scan a.json --report no/such/folder/out.html", 1);
    code("scan a.json --rules nowhere", 1);
    code("scan a.json --tiers nowhere.yml", 1);
    inside(&folder, "scan nowhere").run().says("nothing to read: nowhere does not exist");
}

#[test]
fn fail_on_is_reached_by_its_tier_and_those_above() {
    let folder = Folder::new();
    folder.file("a.json", record(1, "StopLogging").to_string());
    folder.file("tiers.yml", "cloudtrail_logging_stopped: medium\n");
    for (level, code) in [("informational", 3), ("low", 3), ("medium", 3), ("high", 0), ("critical", 0)] {
        inside(&folder, "scan a.json --tiers tiers.yml --quiet --fail-on").arg(level).run().ends(code);
    }
}
