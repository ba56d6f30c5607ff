//! The lake is told what changed, and folded anew where it must be.

use std::sync::Arc;

use state::SystemEntropy;

use super::*;

fn finding(uid: &str, count: u64) -> FindingRow {
    FindingRow {
        uid: uid.to_owned(),
        rule: "r".to_owned(),
        title: format!("title of {uid}"),
        severity: 4,
        account: String::new(),
        region: String::new(),
        principal: String::new(),
        source: "aws_cloudtrail".to_owned(),
        source_ip: String::new(),
        resource: String::new(),
        first_ms: DAY_MS,
        last_ms: DAY_MS + 1,
        count,
        document: format!("{{\"uid\":\"{uid}\",\"count\":{count}}}"),
    }
}

/// What the lake says now, newest first.
fn told(lake: &Lake) -> Vec<String> {
    let snapshot = lake.open_table(FINDINGS).expect("the table").current().expect("a snapshot");
    let files = snapshot.files(i64::MIN, i64::MAX).expect("files");
    let mut told = Vec::new();
    for batch in snapshot.scan(files, &["raw", "severity"]).expect("a scan") {
        let batch = batch.expect("rows");
        let (raw, severity): (&StringArray, &StringArray) = (batch.column(0).as_string(), batch.column(1).as_string());
        told.extend((0..batch.num_rows()).map(|row| format!("{} {}", raw.value(row), severity.value(row))));
    }
    told.sort();
    told
}

#[test]
fn the_lake_is_told_what_changed_and_no_more() {
    let folder = tempfile::tempdir().expect("a folder");
    let lake = Lake::open(&folder.path().join("lake").to_string_lossy(), lake::Mode::Create).expect("a lake");
    let state = |name: &str| State::open(&folder.path().join(name), Arc::new(SystemEntropy), 0).expect("a state");
    let publish = |state: &State| publish(&lake, state, 0, &|| false).expect("it publishes");
    let first = state("one.sqlite");
    assert_eq!(publish(&first), 0);
    let own = FindingRow { source: OWN.to_owned(), ..finding("own", 1) };
    first.upsert(&[finding("a", 1), own, finding("b", 1)], 0).expect("kept");
    assert_eq!((publish(&first), publish(&first)), (2, 0));
    first.upsert(&[finding("a", 2), finding("b", 1)], 0).expect("kept");
    assert_eq!((publish(&first), publish(&first)), (1, 0));
    let all =
        ["{\"uid\":\"a\",\"count\":1} High", "{\"uid\":\"a\",\"count\":2} High", "{\"uid\":\"b\",\"count\":1} High"];
    assert_eq!(told(&lake), all);
    // A state that was put back has said less: all of it is said again, and adds only what is new.
    let back = state("two.sqlite");
    back.upsert(&[finding("a", 2), finding("c", 1)], 0).expect("kept");
    assert_eq!((publish(&back), publish(&back)), (1, 0));
    assert_eq!(told(&lake).len(), 4);
}
