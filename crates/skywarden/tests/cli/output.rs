//! The shapes that other programs rely on, and the report.

use std::collections::BTreeSet;

use super::record::{attack, id, lines, record};
use super::{Folder, inside, skywarden};

/// The columns of a CSV row, quotes undone.
fn cells(row: &str) -> Vec<String> {
    let (mut out, mut is_quoted) = (vec![String::new()], false);
    for part in row.split('"') {
        // Parts between quotes and parts between cells take turns; an empty part between two quotes is a quote.
        let mut texts = if is_quoted { vec![part] } else { part.split(',').collect() };
        out.last_mut().unwrap().push_str(texts.remove(0));
        out.extend(texts.into_iter().map(str::to_owned));
        is_quoted = !is_quoted;
    }
    out
}

#[test]
fn jsonl_is_one_detection_finding_a_line_and_nothing_else() {
    let folder = Folder::new();
    folder.file("a.json", lines(&attack()));
    folder.file("text.txt", "hello there\n");
    let ran = inside(&folder, "scan . --format jsonl").run().ends(4);
    let findings = ran.json_lines();
    assert_eq!(findings.len(), 2);
    for finding in &findings {
        assert_eq!(finding["class_uid"], 2004);
        assert_eq!(finding["type_uid"], 200_401);
        assert_eq!(finding["metadata"]["version"], "1.3.0");
        assert_eq!(finding["severity_id"], 5);
        assert_eq!(finding["finding_info"]["attacks"][0]["sub_technique"]["uid"], "T1562.008");
    }
    let info = &findings[0]["finding_info"];
    assert_eq!(info["analytic"]["uid"], "b43ca50a-bfe4-4bb4-897b-f62eccc9763f");
    assert_eq!(info["related_events"], serde_json::json!([{"uid": id(1)}]));
    assert_eq!(info["title"], "user/mallory stopped the logging of trail org-trail in 111122223333");
    assert!(ran.stderr.contains("text.txt: not a log that is known"), "{}", ran.stderr);
    let quiet = inside(&folder, "scan a.json --format jsonl --quiet").run().ends(0);
    assert_eq!((quiet.stdout, quiet.stderr), (ran.stdout, String::new()));
}

#[test]
fn more_than_a_thousand_events_go_on_in_further_lines() {
    let records: Vec<_> = (0..2_345).map(|n| record(n, "StopLogging")).collect();
    let ran = skywarden(["scan", "-", "--format", "jsonl"]).stdin(lines(&records)).run().ends(0);
    let findings = ran.json_lines();
    let named = |f: &serde_json::Value| f["finding_info"]["related_events"].as_array().unwrap().clone();
    assert_eq!(findings.iter().map(|f| named(f).len()).collect::<Vec<_>>(), [1_000, 1_000, 345]);
    let uids: BTreeSet<String> = findings.iter().map(|f| f["finding_info"]["uid"].to_string()).collect();
    assert_eq!(uids.len(), 1, "one finding has one uid");
    assert!(findings.iter().all(|f| f["count"] == 2_345));
    let ids: BTreeSet<String> =
        findings.iter().flat_map(&named).map(|e| e["uid"].as_str().unwrap().to_owned()).collect();
    assert_eq!(ids, (0..2_345).map(id).collect(), "each event is named, and once");
}

#[test]
fn json_is_one_array() {
    for (log, n_findings) in [(lines(&attack()), 2), (record(1, "GetTrail").to_string(), 0)] {
        let ran = skywarden(["scan", "-", "--format", "json"]).stdin(log.clone()).run().ends(0);
        let array: Vec<serde_json::Value> = serde_json::from_str(&ran.stdout).unwrap();
        assert_eq!(array.len(), n_findings);
        let ran = skywarden(["scan", "-", "--format", "jsonl"]).stdin(log).run().ends(0);
        assert_eq!(ran.json_lines(), array, "the same findings as lines");
    }
}

#[test]
fn csv_is_one_finding_a_row_and_starts_no_formula() {
    let mut hostile = record(1, "StopLogging");
    hostile["requestParameters"]["name"] = "a,\"b\"".into();
    hostile["userIdentity"]["userName"] = "mallory, the".into();
    hostile["sourceIPAddress"] = "=HYPERLINK(\"http://example.com\")".into();
    let ran =
        skywarden(["scan", "-", "--format", "csv"]).stdin(lines(&[hostile, record(3, "DeleteTrail")])).run().ends(0);
    let rows: Vec<Vec<String>> = ran.stdout.lines().map(cells).collect();
    assert_eq!(rows.len(), 3, "{}", ran.stdout);
    let header = &rows[0];
    assert!(rows.iter().all(|row| row.len() == header.len()), "{}", ran.stdout);
    let cell = |row: usize, name: &str| &rows[row][header.iter().position(|h| h == name).unwrap()];
    assert_eq!(cell(1, "severity"), "critical");
    assert_eq!(cell(1, "principal"), "user/mallory, the");
    assert_eq!(cell(2, "title"), "user/mallory deleted trail org-trail in 111122223333");
    for text in rows.iter().flatten() {
        assert!(!text.starts_with(['=', '+', '-', '@', '\t', '\r']), "a spreadsheet would compute {text}");
    }
}

#[test]
fn the_report_is_one_page_that_needs_no_network() {
    let folder = Folder::new();
    folder.file("a.json", lines(&attack()));
    let ran = inside(&folder, "scan a.json --report out.html").run().ends(0);
    ran.says("Wrote  out.html");
    let page = std::fs::read_to_string(folder.path().join("out.html")).unwrap();
    assert!(page.starts_with("<!DOCTYPE html>"));
    for text in [
        "user/mallory stopped the logging of trail org-trail in 111122223333",
        "user/mallory deleted trail",
        "T1562.008",
        &id(1),
    ] {
        assert!(page.contains(text), "the report does not show {text}");
    }
    // A link that a person may follow is no load; everything else with an address would be.
    for (at, _) in page.match_indices("://") {
        let before = &page[..at];
        let is_link =
            before.ends_with("href=\"https") && before.rfind('<').is_some_and(|tag| page[tag..].starts_with("<a "));
        let is_name = page[at..].starts_with("://www.w3.org/");
        let line = &page[before.rfind('\n').map_or(0, |n| n + 1)..];
        assert!(is_link || is_name, "a load: {:.200}", &line[..line.len().min(200)]);
    }
    for load in ["<iframe", "@import", "url(", "src=\"", "fetch(", "XMLHttpRequest"] {
        assert!(!page.contains(load), "the page loads something by {load}");
    }
    for (at, _) in page.match_indices("<link") {
        assert!(page[at..].starts_with("<link rel=\"icon\" href=\"data:"), "{:.100}", &page[at..]);
    }
    assert!(page.contains("Content-Security-Policy") && page.contains("default-src &#39;none&#39;"));
}

#[test]
fn top_bounds_the_table_and_zero_lists_all() {
    let rules = Folder::new();
    let mut records = attack();
    for n in 0..30 {
        let arn = format!("arn:aws:iam::111122223333:user/mallory-{n}");
        let mut one = record(100 + n, "StopLogging");
        one["userIdentity"]["arn"] = arn.into();
        one["userIdentity"]["userName"] = format!("mallory-{n}").into();
        records.push(one);
    }
    rules.file("a.json", lines(&records));
    inside(&rules, "scan a.json").run().ends(0).says("12 more findings (--top 0 lists all)");
    inside(&rules, "scan a.json --top 1").run().ends(0).says("31 more findings (--top 0 lists all)");
    let all = inside(&rules, "scan a.json --top 0").run().ends(0);
    assert!(!all.stdout.contains("more findings"), "{}", all.stdout);
}

/// A file is no terminal: what is long is there as a whole.
#[test]
fn what_goes_into_a_file_is_not_cut() {
    let mut long = record(1, "StopLogging");
    long["requestParameters"]["name"] = "trail-".repeat(18).into();
    long["userIdentity"]["userName"] = "mallory-".repeat(12).into();
    let ran = skywarden(["scan", "-"]).stdin(lines(&[long])).run().ends(0);
    assert!(ran.stdout.contains(&"trail-".repeat(18)) && !ran.stdout.contains('…'), "{}", ran.stdout);
}

#[test]
fn distinct_names_are_counted_past_those_that_are_listed() {
    let records: Vec<_> = (0..1_500)
        .map(|n| {
            let mut record = record(n, "StopLogging");
            record["sourceIPAddress"] = format!("198.51.{}.{}", n / 250, n % 250).into();
            record["userIdentity"]["arn"] = format!("arn:aws:iam::111122223333:user/mallory-{n}").into();
            record
        })
        .collect();
    let folder = Folder::new();
    folder.file("a.json", lines(&records));
    let ran = inside(&folder, "scan a.json --report out.html").run().ends(0);
    ran.says("1,500 principals, 1,500 IPs").says("1,496 more stories");
    let page = std::fs::read_to_string(folder.path().join("out.html")).unwrap();
    assert!(page.contains("<p class=\"big\">1,500</p>") && page.contains("and 1,400 more, not shown"));
}

#[test]
fn a_cell_has_a_longest_length_and_json_has_none() {
    let name = "x".repeat(1 << 20);
    let mut long = record(1, "StopLogging");
    long["userIdentity"]["userName"] = name.as_str().into();
    let run = |format| skywarden(["scan", "-", "--format", format]).stdin(lines(&[long.clone()])).run().ends(0).stdout;
    let csv = run("csv");
    assert!(csv.len() < 40_000 && csv.contains("x… (+"), "{}", csv.len());
    assert!(run("jsonl").contains(&name));
}

#[test]
fn a_report_needs_a_file() {
    skywarden(["scan", "-", "--report", "-"])
        .stdin(lines(&attack()))
        .run()
        .ends(2)
        .says("--report needs the name of a file");
    skywarden(["scan", "-", "--quiet", "--format", "jsonl"]).run().ends(0);
    let one = skywarden(["scan", "-", "--format", "csv"]).stdin(lines(&[record(1, "StopLogging")])).run().ends(0);
    assert!(one.stderr.starts_with("1 event of 1 file: "), "{}", one.stderr);
}

/// A reader that has seen enough is no mistake of ours: every command that prints ends well, whichever of its outputs nobody reads.
#[test]
fn a_reader_that_stops_reading_is_fine() {
    let folder = Folder::new();
    folder.file("logs/a.json", lines(&attack()));
    folder.file("logs/bad.json", "{\"eventName\": broken\n");
    inside(&folder, "ingest logs --lake lake").run().ends(4);
    inside(&folder, "view save mine --lake lake").arg("fields eventName").run().ends(0);
    inside(&folder, "lake hold kept --from 2026-11-10 --to 2026-11-11 --lake lake").run().ends(0);
    let commands = [
        "rules list --format json",
        "rules list",
        "scan logs/a.json",
        "events logs/a.json",
        "ingest logs/a.json --lake lake",
        "ingest logs/a.json --lake lake --format json",
        "query --view mine --lake lake",
        "view list --lake lake",
        "view show mine --lake lake",
        "lake status --lake lake",
        "lake status --format json --lake lake",
        "lake compact --lake lake",
        "lake expire --retain 1 --lake lake",
        "lake hold --lake lake",
        "lake fsck --lake lake",
        "lake rebuild --lake lake",
        "lake export --lake lake --out out1",
        "lake quarantine list --lake lake",
        "lake quarantine list --format jsonl --lake lake",
        "lake quarantine replay --lake lake",
        "generate made --events 50 --flows 50",
        "version",
        "man",
        "completions bash",
    ];
    for line in commands {
        let run = |line: &str, has_stderr: bool| {
            let closed = || std::io::pipe().unwrap().1;
            let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_skywarden"));
            command
                .args(line.split_whitespace())
                .current_dir(folder.path())
                .stdin(std::process::Stdio::null())
                .stdout(closed());
            match has_stderr {
                true => command.stderr(std::process::Stdio::piped()),
                false => command.stderr(closed()),
            };
            command.spawn().unwrap().wait_with_output().unwrap()
        };
        let out = run(line, true);
        let stderr = String::from_utf8_lossy(&out.stderr).into_owned();
        assert_eq!(out.status.code(), Some(0), "{line}: {stderr}");
        assert!(!stderr.contains("rror") && !stderr.contains("panicked"), "{line}: {stderr}");
        let again = line.replace("out1", "out2").replace("made", "made2");
        assert_eq!(run(&again, false).status.code(), Some(0), "{line} without standard error");
    }
    // What was not read is still told by the code, with nobody to hear of it.
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_skywarden"));
    command.args(["scan", "logs", "--format", "jsonl"]).current_dir(folder.path()).stderr(std::io::pipe().unwrap().1);
    assert_eq!(command.stdout(std::process::Stdio::null()).status().unwrap().code(), Some(4));
}
