//! A scan over files of which reading fails: each failure is named and counted, and the records before it are kept.

use std::path::PathBuf;
use std::sync::Arc;

use collect::faults::{Fault, Memory};
use detect::load::{self, RuleSet};
use detect::spill::InMemory;

use crate::pipeline::{Outcome, Plan, Progress, scan};

fn rules() -> RuleSet {
    load::load(load::BUNDLED.iter().copied(), &load::Options::default())
}

/// Lines of events, each of which a rule of ours finds.
fn events(from: u32, n: u32) -> String {
    let event = |n: u32| {
        format!(
            r#"{{"eventVersion":"1.11","userIdentity":{{"type":"IAMUser","arn":"arn:aws:iam::111122223333:user/m","accountId":"111122223333","userName":"m"}},"eventTime":"2026-11-10T14:{:02}:{:02}Z","eventSource":"cloudtrail.amazonaws.com","eventName":"StopLogging","awsRegion":"eu-west-1","sourceIPAddress":"203.0.113.24","requestParameters":{{"name":"t"}},"eventID":"4ab7c225-4a75-46f6-b01b-{n:012}","recipientAccountId":"111122223333"}}
"#,
            n / 60 % 60,
            n % 60
        )
    };
    (from..from + n).map(event).collect()
}

fn scanned(files: &Memory, rules: &RuleSet, n_threads: usize) -> Outcome {
    let plan = Plan {
        paths: vec![PathBuf::from("/logs")],
        files,
        n_threads,
        spill: Arc::new(InMemory::default()),
        memory_bytes: usize::MAX,
        ..Plan::new(rules)
    };
    scan(&plan, &Progress::default()).expect("memory does not fail")
}

#[test]
fn each_failure_is_named_and_what_was_before_it_is_kept() {
    let rules = rules();
    let n_bytes = events(0, 100).len() as u64;
    for (fault, n_kept, why) in [
        (Fault::None, 100, None),
        (Fault::ShortReads(7), 100, None),
        (Fault::Interrupted, 100, None),
        (Fault::Grows(1), 100, None),
        (Fault::Grows(-1), 100, None),
        (Fault::ReadError(n_bytes / 2), 50, Some("): input/output error")),
        (Fault::ReadError(0), 0, Some("cannot be read: input/output error")),
        (Fault::Denied, 0, Some("cannot be read: permission denied")),
        (Fault::Vanishes, 0, Some("cannot be read: it does not exist")),
        (Fault::Ghost, 0, Some("has vanished")),
    ] {
        let mut files = Memory::default();
        files.file("/logs/a.json", events(0, 100), fault);
        files.file("/logs/b.json", events(100, 10), Fault::None);
        for n_threads in [1, 2] {
            let outcome = scanned(&files, &rules, n_threads);
            assert_eq!(outcome.tally.events, n_kept + 10, "{fault:?}");
            assert_eq!(outcome.is_partial, why.is_some(), "{fault:?}: {:?}", outcome.skipped);
            let of_file: Vec<_> = outcome.skipped.iter().filter(|s| s.what == "/logs/a.json").collect();
            assert_eq!(outcome.skipped.len(), of_file.len(), "{fault:?}: {:?}", outcome.skipped);
            assert_eq!(
                of_file.iter().any(|s| why.is_some_and(|why| s.why.contains(why))),
                why.is_some(),
                "{of_file:?}"
            );
            let findings = outcome.fold.finish(&rules.rules, |_| None).expect("memory does not fail");
            let count: u64 = findings.iter().expect("memory").map(|one| one.expect("memory").finding.count).sum();
            assert_eq!(count, n_kept + 10, "{fault:?}");
        }
    }
}

#[test]
fn folders_that_fail_are_named_and_the_others_are_read() {
    let rules = rules();
    let mut files = Memory::default();
    for (number, name) in (0..).zip(["a/1", "b/1", "c/1", "c/2"]) {
        files.file(format!("/logs/{name}.json"), events(number * 10, 10), Fault::None);
    }
    files.folder("/logs/b", Fault::Denied);
    files.folder("/logs/c", Fault::ReadError(1));
    let outcome = scanned(&files, &rules, 2);
    assert_eq!((outcome.tally.events, outcome.is_partial), (20, true));
    let said: Vec<_> = outcome.skipped.iter().map(|s| format!("{}: {}", s.what, s.why)).collect();
    assert_eq!(
        said,
        ["/logs/b: cannot read folder: permission denied", "/logs/c: cannot read folder: input/output error"]
    );
}
