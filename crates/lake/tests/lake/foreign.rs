//! Other engines read what we write, and we read what they write.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use lake::CompactOptions;
use serde_json::Value;

use crate::world::{self, DAY_MS, NOON_MS, Still, append, assert_balanced, def, folder, ids, open, rows};

/// The Python with the pinned engines, installed once for each list of pins.
pub fn python() -> &'static Path {
    static PYTHON: OnceLock<PathBuf> = OnceLock::new();
    PYTHON.get_or_init(|| {
        let pins = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/foreign/requirements.txt");
        cases::python(&pins, Path::new(env!("CARGO_TARGET_TMPDIR")))
    })
}

/// What `check.py` says.
pub fn check(args: &[&str]) -> Value {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/foreign/check.py");
    let said = cases::said(Command::new(python()).arg(script).args(args), "another engine fails");
    serde_json::from_str(said.trim()).unwrap_or_else(|err| panic!("{said}: {err}"))
}

#[test]
fn other_engines_read_a_folder_and_append_to_it() {
    let env = Still::new(60);
    let folder = folder("foreign");
    let path = folder.to_str().expect("UTF-8");
    let lake = open(&folder, &env);
    let table = lake.table(&def()).expect("a table");
    append(&table, &rows(NOON_MS, 1, 70));
    append(&table, &rows(NOON_MS + 200_000, 71, 30));
    append(&table, &rows(NOON_MS + DAY_MS, 101, 40));
    let expected = |name: &str, seen: &Value| {
        let bytes: u64 = (1..=140).filter(|id| id % 3 != 0).sum();
        for (key, value) in [
            ("tables", serde_json::json!(["skywarden.events"])),
            ("rows", 140.into()),
            ("bytes", bytes.into()),
            ("bucket", "bucket-1".into()),
            ("filtered", 40.into()),
            ("planned", 1.into()),
            ("named", 20.into()),
            ("doc", "what happened".into()),
            ("duck_folder", serde_json::json!([140, bytes])),
            ("duck_file", 20.into()),
            ("arrow_rows", 140.into()),
        ] {
            assert_eq!(seen[key], value, "{name}: {key} of {seen}");
        }
    };
    let seen = check(&["read", path]);
    expected("appended", &seen);
    assert_eq!((&seen["snapshots"], &seen["operation"]), (&3.into(), &"append".into()));

    table.compact(&CompactOptions::default()).expect("it compacts");
    let seen = check(&["read", path]);
    expected("compacted", &seen);
    assert_eq!((&seen["snapshots"], &seen["operation"]), (&4.into(), &"replace".into()));

    // pyiceberg knows nothing of our counters, so they are found behind its commit.
    assert_eq!(check(&["append", path])["rows"], 143);
    let snapshot = table.current().expect("a snapshot");
    assert_eq!(snapshot.rows().expect("rows"), 143);
    assert_eq!(ids(&lake, &snapshot).len(), 140, "their rows have no score");
    assert_eq!((snapshot.counters()["in"], snapshot.counters()["foreign"]), (140, 3));
    assert_balanced(&lake, &table);
    append(&table, &rows(NOON_MS, 1, 71));
    table.compact(&CompactOptions::default()).expect("it compacts their unsorted file, too");
    assert_eq!(
        world::sum(&world::batches(&lake, &table.current().expect("a snapshot")), "bytes"),
        3000 + (1..=140).filter(|id| id % 3 != 0).sum::<i64>()
    );
    assert_balanced(&lake, &table);
    let report = lake.fsck(&lake::FsckOptions::default()).expect("it is checked");
    assert!(report.is_sound(), "{:?}", report.problems);
}
