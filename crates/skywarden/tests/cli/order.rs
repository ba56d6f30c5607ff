//! Findings are a function of events and rules: neither the order, nor the files, nor how often, nor how many threads matter.

use serde_json::{Value, json};

use super::record::{elsewhere, id, lines, object, record};
use super::{Folder, gzip, skywarden};

/// A few hundred events of several people that make a dozen findings, some of very many events.
fn events() -> Vec<Value> {
    let names = ["StopLogging", "DescribeTrails", "DeleteTrail", "UpdateTrail", "GetTrail", "PutEventSelectors"];
    let accounts = ["111122223333", "444455556666"];
    let mut seed = 1_u32;
    let mut pick = |n: usize| {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (seed >> 16) as usize % n
    };
    let event = |n: u32| {
        let mut event = elsewhere(record(n, names[pick(names.len())]), accounts[pick(2)], "eu-west-1");
        event["eventTime"] =
            json!(format!("2026-11-{:02}T{:02}:{:02}:{:02}Z", 10 + n % 3, n % 24, n * 13 % 60, n / 10 % 60));
        event["sourceIPAddress"] = json!(format!("203.0.113.{}", n % 200));
        event["requestParameters"]["name"] = json!(format!("trail-{}", n * 31 % 17));
        event
    };
    (0..420).map(event).collect()
}

fn findings(folder: &Folder, args: &[&str]) -> String {
    skywarden(["scan", "--format", "jsonl"]).args(args).arg(folder.path()).run().ends(0).stdout
}

#[test]
fn files_and_order_do_not_matter() {
    let events = events();
    let whole = Folder::new();
    whole.file("a.json", object(&events));
    let expected = findings(&whole, &["--threads", "1"]);
    assert!(expected.lines().count() >= 12, "too few findings to tell: {}", expected.lines().count());
    let mut backwards = events.clone();
    backwards.reverse();
    let single = Folder::new();
    single.file("z.ndjson", lines(&backwards));
    assert!(findings(&single, &[]) == expected, "backwards");
    for n_files in [2, 7, 60] {
        let split = Folder::new();
        for (number, part) in backwards.chunks(backwards.len() / n_files).enumerate() {
            // Names that put the parts into another order than that of time.
            split.file(format!("{}/{}.json.gz", number % 3, number * 17 % 101), gzip(object(part)));
        }
        for threads in ["1", "4"] {
            assert!(findings(&split, &["--threads", threads]) == expected, "{n_files} files, {threads} threads");
        }
    }
}

#[test]
fn an_event_delivered_twice_counts_once() {
    let events = events();
    let once = Folder::new();
    once.file("a.json", object(&events));
    let expected = findings(&once, &[]);
    let twice = Folder::new();
    for (number, part) in events.chunks(50).enumerate() {
        twice.file(format!("first/{number}.json.gz"), gzip(object(part)));
        twice.file(format!("again/{}.json", 100 - number), lines(part));
    }
    twice.file("all.json", object(&events));
    assert!(findings(&twice, &[]) == expected);
    let table = skywarden(["scan"]).arg(twice.path()).run().ends(0);
    let n_events: u64 =
        expected.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["count"].as_u64().unwrap()).sum();
    table.says(&format!("{} repeats left out of findings", n_events * 2));
}

/// A forged event with the id of a real one must not make the real one disappear.
#[test]
fn the_same_id_at_another_time_is_another_event() {
    let mut forged = record(1, "StopLogging");
    forged["eventTime"] = json!("2026-11-10T09:00:00Z");
    for records in [[forged.clone(), record(1, "StopLogging")], [record(1, "StopLogging"), forged]] {
        let ran = skywarden(["scan", "-", "--format", "jsonl"]).stdin(lines(&records)).run().ends(0);
        let findings = ran.json_lines();
        assert_eq!(findings[0]["count"], 2);
        assert_eq!(findings[0]["finding_info"]["related_events"], json!([{"uid": id(1)}, {"uid": id(1)}]));
    }
}

/// Harmless events early in the day do not hide what was done to another trail, in whatever order and parts they are read.
#[test]
fn decoys_hide_nothing() {
    let mut events: Vec<Value> = (0..40).map(|n| record(n, "StopLogging")).collect();
    events.iter_mut().for_each(|event| event["requestParameters"]["name"] = json!("decoy"));
    events[39]["requestParameters"]["name"] = json!("production");
    let title = "user/mallory stopped the logging of trail decoy and 1 more in 111122223333";
    let aside = Folder::new();
    let mut expected = None;
    for n_files in [1, 3, 20] {
        let folder = Folder::new();
        for (number, part) in events.chunks(events.len().div_ceil(n_files)).enumerate() {
            folder.file(format!("{}.json", 99 - number), object(part));
            folder.file(format!("again-{number}.json.gz"), gzip(lines(part)));
        }
        for args in [&["--threads", "1"][..], &["--threads", "3", "--memory-bytes", "0"]] {
            let found = findings(&folder, args);
            assert!(found.contains(title) && found.contains("{\"uid\":\"production\"}"), "{found}");
            assert_eq!(*expected.get_or_insert(found.clone()), found);
        }
        let page = aside.path().join("page.html");
        let ran = skywarden(["scan", "--format", "csv", "--report"]).arg(&page).arg(folder.path()).run().ends(0);
        assert!(ran.stdout.contains("decoy; production"), "{}", ran.stdout);
        let page = std::fs::read_to_string(page).unwrap();
        // As a resource, and in the raw record of its event.
        assert!(page.matches("production").count() >= 2 && page.contains(&id(39)), "{n_files} files");
    }
}

/// What does not fit into memory is put aside, and nothing that is said depends on it.
#[test]
fn findings_that_were_put_aside_are_the_same() {
    let folder = Folder::new();
    for (number, part) in events().chunks(60).enumerate() {
        folder.file(format!("{number}.json.gz"), gzip(object(part)));
    }
    let rows: String = (0..300)
        .map(|n| {
            let (source, start) = (n % 50, 1_794_319_260 + n % 7 * 86_400);
            format!("2 111122223333 eni-0a1b2c3d 198.51.100.{source} 10.0.0.9 4{n:04} 22 6 25 4249 {start} {start} ACCEPT OK\n")
        })
        .collect();
    folder.file("flows.log", &rows);
    folder.file("copy.log.gz", gzip(&rows));
    let aside = Folder::new();
    let run = |format: &str, args: &[&str]| {
        let call =
            skywarden(["scan", "--format", format, "--top", "0", "--report"]).arg(aside.path().join("page.html"));
        let stdout = call.args(["--color", "never"]).args(args).arg(folder.path()).run().ends(0).stdout;
        let page = std::fs::read_to_string(aside.path().join("page.html")).unwrap();
        // How long it took, and the command line, are not a matter of memory.
        let sections = page[page.find("<section id=\"timeline\"").unwrap()..page.rfind("<footer>").unwrap()].to_owned();
        (
            stdout.split_once(" in ").map_or(stdout.clone(), |(_, rest)| rest.split_once('\n').unwrap().1.to_owned()),
            sections,
        )
    };
    for format in ["jsonl", "json", "csv", "table"] {
        let expected = run(format, &[]);
        assert!(expected.0.lines().count() > 12);
        for (bytes, threads) in [("0", "1"), ("0", "3"), ("20000", "2")] {
            let temp = aside.path().to_str().unwrap();
            let found = run(format, &["--memory-bytes", bytes, "--threads", threads, "--temp-dir", temp]);
            assert!(found == expected, "{format}, {bytes} bytes, {threads} threads");
        }
    }
    assert_eq!(std::fs::read_dir(aside.path()).unwrap().count(), 1, "only the report is left");
}

#[test]
fn findings_that_cannot_be_put_aside_end_the_scan() {
    let folder = Folder::new();
    folder.file("a.json", object(&events()));
    let call = skywarden(["scan", "--memory-bytes", "0", "--temp-dir"]).arg(folder.path().join("nowhere"));
    let ran = call.arg(folder.path()).run().ends(1);
    ran.says("cannot put findings aside in").says("nowhere (--temp-dir names another)");
    skywarden(["scan", "--temp-dir"]).arg(folder.path().join("nowhere")).arg(folder.path()).run().ends(0);
}

/// A file reached by two paths is read once.
#[cfg(unix)]
#[test]
fn links_and_repeated_paths_are_read_once() {
    let folder = Folder::new();
    let file = folder.file("a.json", object(&events()));
    std::fs::hard_link(&file, folder.path().join("hard.json")).unwrap();
    std::os::unix::fs::symlink(&file, folder.path().join("soft.json")).unwrap();
    let ran = skywarden(["scan"]).args([folder.path(), &file, folder.path()]).run().ends(0);
    ran.says("Read   1 file, 420 events").says("is read once");
}

/// Rows have no ids of their own and share their times, so the files they lie in must not decide what is said.
#[test]
fn flow_logs_in_another_order_give_the_same_findings() {
    let file = |part: u32| {
        let row = |n: u32| {
            let (source, port) = (part * 7 + n % 60, 40_000 + n * 13 % 1_000);
            format!(
                "2 111122223333 eni-0a1b2c3d 198.51.100.{source} 10.0.0.9 {port} 22 6 25 4249 1794319260 1794319320 ACCEPT OK\n"
            )
        };
        let skipped = "2 111122223333 eni-0a1b2c3d - - - - - - - 1794319260 1794319320 - SKIPDATA\n";
        let rows: String = (0..80).map(row).collect();
        format!("{rows}{skipped}")
    };
    let (one, other) = (Folder::new(), Folder::new());
    for part in 0..4 {
        one.file(format!("{part}.log"), file(part));
        other.file(format!("{}.log.gz", 9 - part), gzip(file(part)));
    }
    let expected = findings(&one, &["--threads", "1"]);
    assert!(expected.lines().count() >= 1);
    let found = findings(&other, &["--threads", "3"]);
    for (found, expected) in found.lines().zip(expected.lines()) {
        assert_eq!(found, expected);
    }
    assert_eq!(found, expected);
}
