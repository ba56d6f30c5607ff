//! Upkeep changes files and never rows, but for those that are to go.

use std::path::Path;
use std::sync::Arc;

use arrow::array::AsArray;
use arrow::datatypes::TimestampMicrosecondType;
use lake::{
    CompactOptions, ExpireOptions, Faults, FsckOptions, Hold, Lake, LakeError, MaintainError, Mode, Options, Repair,
    Step,
};
use object_store::memory::InMemory;

use crate::world::{
    self, DAY_MS, NOON_MS, Still, StopAt, append, assert_balanced, def, folder, ids, open, options, read, rows,
    try_append,
};

/// Whoever can write to a lake's folder must not have its keeper delete what is elsewhere.
#[test]
fn nothing_behind_a_symbolic_link_is_deleted() {
    let env = Still::new(77);
    let (folder, lake, table) = filled("linked", &env);
    let elsewhere = world::folder("linked-elsewhere");
    std::fs::create_dir_all(elsewhere.join("deep")).expect("a folder");
    for name in ["mine.parquet", "deep/mine.json", "target.parquet"] {
        std::fs::write(elsewhere.join(name), "mine").expect("a file");
    }
    let data = folder.join("events/data");
    std::os::unix::fs::symlink(&elsewhere, data.join("link")).expect("a link");
    std::os::unix::fs::symlink(elsewhere.join("target.parquet"), data.join("file.parquet")).expect("a link");
    std::fs::write(data.join("orphan.parquet"), "ours").expect("a file");
    let now = FsckOptions { repair: Repair::Yes, grace_ms: i64::MIN / 2 };
    let report = lake.fsck(&now).expect("it is checked");
    assert!(report.is_sound(), "{:?}", report.problems);
    let told = |is_deleted: bool| report.orphans.iter().filter(|orphan| orphan.is_deleted == is_deleted).count();
    assert_eq!((told(false), told(true)), (3, 2), "{:?}", report.orphans);
    table.compact(&CompactOptions::default()).expect("it compacts");
    table.expire(&ExpireOptions { keep: 1, age_ms: 0 }).expect("it expires");
    lake.fsck(&now).expect("it is checked");
    for name in ["mine.parquet", "deep/mine.json", "target.parquet"] {
        assert_eq!(std::fs::read(elsewhere.join(name)).expect("it is there"), b"mine", "{name}");
    }
    assert!(!data.join("orphan.parquet").exists() && !data.join("file.parquet").exists());
    assert_eq!(ids(&lake, &table.current().expect("a snapshot")).len(), 60);
}

/// A lake with rows 1 to 60 in six files on two days.
fn filled(name: &str, env: &Arc<Still>) -> (std::path::PathBuf, Lake, lake::Table) {
    let folder = folder(name);
    let lake = open(&folder, env);
    let table = lake.table(&def()).expect("a table");
    for n in 0..6 {
        // Files overlap in time.
        append(&table, &rows(NOON_MS + (n / 3) * DAY_MS + (n % 3) * 5_000, 1 + 10 * n as u64, 10));
    }
    (folder, lake, table)
}

fn all_files(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path)
            } else {
                found.push(path.strip_prefix(folder).expect("below").to_str().expect("UTF-8").to_owned())
            }
        }
    }
    found.sort();
    found
}

#[test]
fn compaction_changes_files_and_not_rows() {
    let env = Still::new(80);
    let (_, lake, table) = filled("compact", &env);
    let before = table.current().expect("a snapshot");
    let rows_before = read(&lake, &before);
    let done = table.compact(&CompactOptions::default()).expect("it compacts");
    assert_eq!((done.commits, done.files_before, done.files_after, done.rows), (2, 6, 2, 60));
    assert!(done.given_up.is_empty());
    let after = table.current().expect("a snapshot");
    assert_eq!(read(&lake, &after), rows_before);
    for batch in world::batches(&lake, &after) {
        let times = batch.column_by_name("time_dt").expect("a time").as_primitive::<TimestampMicrosecondType>();
        assert!(times.values().is_sorted());
    }
    // Who reads an older snapshot still finds its files; rows that come again are still known; a second time there is nothing to do.
    assert_eq!(read(&lake, &before), rows_before);
    assert_eq!(append(&table, &rows(NOON_MS, 1, 10)).duplicates, 10);
    assert_eq!(table.compact(&CompactOptions::default()).expect("it compacts"), lake::Compacted::default());
    assert_eq!(table.current().expect("a snapshot").info().expect("a commit").summary["total-data-files"], "2");
    assert_balanced(&lake, &table);
}

#[test]
fn compaction_heeds_sizes_days_and_many_files() {
    let env = Still::new(81);
    let lake = open(&folder("compact-many"), &env);
    let table = lake.table(&def()).expect("a table");
    for n in 0..40 {
        append(&table, &rows(NOON_MS + n * 1_000, 1 + 10 * n as u64, 10));
    }
    let nothing = CompactOptions { to_ms: NOON_MS - DAY_MS, ..CompactOptions::default() };
    assert_eq!(table.compact(&nothing).expect("it compacts").commits, 0);
    let few_rows = CompactOptions { rows_max: 200, ..CompactOptions::default() };
    table.compact(&few_rows).expect("it compacts");
    let sizes: Vec<u64> = table.files(i64::MIN, i64::MAX).expect("files").iter().map(|f| f.rows).collect();
    assert_eq!(sizes.iter().sum::<u64>(), 400);
    assert!(sizes.len() < 6, "{sizes:?}");
    table.compact(&CompactOptions::default()).expect("it compacts");
    assert_eq!(table.files(i64::MIN, i64::MAX).expect("files").len(), 1);
    assert_eq!(ids(&lake, &table.current().expect("a snapshot")), (1..=400).collect::<Vec<_>>());
    assert_balanced(&lake, &table);
}

/// Row groups that begin in the midst of every file, files that end in the midst of a group, and files that came unsorted.
#[test]
fn compaction_cuts_row_groups_across_files() {
    let env = Still::new(84);
    for (name, group_rows, fan_in) in [("one", 1, 32), ("seven", 7, 3), ("many", 1_000, 32)] {
        let lake = open(&folder(&format!("compact-groups-{name}")), &env);
        let table = lake.table(&def()).expect("a table");
        for n in 0..6 {
            // Each file spans the times of the others, and has other rows than its neighbour.
            append(&table, &rows(NOON_MS - n * 3, 1 + 40 * n as u64, 40 - 5 * n as u64));
        }
        let before = read(&lake, &table.current().expect("a snapshot"));
        let options = CompactOptions { group_rows, fan_in, ..CompactOptions::default() };
        let done = table.compact(&options).expect("it compacts");
        assert_eq!(done.given_up, [0; 0]);
        let after = table.current().expect("a snapshot");
        let times: Vec<i64> = world::batches(&lake, &after)
            .iter()
            .flat_map(|batch| {
                let times = batch.column_by_name("time_dt").expect("a time");
                times.as_primitive::<TimestampMicrosecondType>().values().to_vec()
            })
            .collect();
        assert!(times.is_sorted(), "{name}");
        let (mut before, mut after) = (before, read(&lake, &after));
        before.sort();
        after.sort();
        assert_eq!(before, after, "{name}");
        assert_eq!(table.files(i64::MIN, i64::MAX).expect("files").len(), 1, "{name}");
        assert_balanced(&lake, &table);
    }
}

/// A server that ends waits for no merging: what was being written is dropped, and nothing refers to it.
#[test]
fn compaction_stops_when_it_is_told_to() {
    let env = Still::new(82);
    let place = folder("compact-stop");
    let lake = open(&place, &env);
    let table = lake.table(&def()).expect("a table");
    for n in 0..4 {
        append(&table, &rows(NOON_MS + n * 1_000, 1 + 10 * n as u64, 10));
    }
    let calls = std::cell::Cell::new(0);
    let is_stopped = || {
        calls.set(calls.get() + 1);
        calls.get() > 1
    };
    let done = table.compact_until(&CompactOptions::default(), &is_stopped).expect("it stops");
    assert_eq!(done, lake::Compacted::default());
    assert!(calls.get() > 1, "it was not asked while it wrote");
    assert_eq!(table.files(i64::MIN, i64::MAX).expect("files").len(), 4);
    assert_eq!(table.compact(&CompactOptions::default()).expect("it compacts").files_before, 4);
    assert_eq!(ids(&lake, &table.current().expect("a snapshot")), (1..=40).collect::<Vec<_>>());
    assert_balanced(&lake, &table);
}

/// Does something just before the first swap.
struct Meanwhile(std::sync::Mutex<Option<Box<dyn FnOnce() + Send>>>);

impl Faults for Meanwhile {
    fn at(&self, step: Step) -> std::io::Result<()> {
        if step == Step::BeforeSwap
            && let Some(act) = self.0.lock().expect("no panic").take()
        {
            act();
        }
        Ok(())
    }
}

fn shared_lake(objects: &Arc<InMemory>, seed: u64, faults: Arc<dyn Faults>) -> Lake {
    let options = Options { objects: Some(Arc::clone(objects) as Arc<_>), faults, ..options(&Still::new(seed)) };
    Lake::open_with("memory://lake", Mode::Create, options).expect("the lake opens")
}

fn compact_while(act: impl FnOnce(lake::Table) + Send + 'static) -> (Lake, lake::Compacted) {
    let objects = Arc::new(InMemory::new());
    let other = shared_lake(&objects, 82, Arc::new(lake::NoFaults)).table(&def()).expect("a table");
    append(&other, &rows(NOON_MS, 1, 10));
    append(&other, &rows(NOON_MS, 11, 10));
    let faults = Meanwhile(std::sync::Mutex::new(Some(Box::new(move || act(other)))));
    let lake = shared_lake(&objects, 83, Arc::new(faults));
    let done = lake.open_table("events").expect("the table").compact(&CompactOptions::default()).expect("it compacts");
    (lake, done)
}

#[test]
fn compaction_yields_to_an_append_and_still_succeeds() {
    let (lake, done) = compact_while(|other| {
        append(&other, &rows(NOON_MS, 21, 10));
    });
    // The files that the append added are merged in the next pass.
    assert_eq!((done.given_up, done.rows), (vec![], 20 + 30));
    let table = lake.open_table("events").expect("the table");
    assert_eq!(ids(&lake, &table.current().expect("a snapshot")), (1..=30).collect::<Vec<_>>());
    assert_balanced(&lake, &table);
}

#[test]
fn compaction_gives_up_a_day_whose_files_are_gone() {
    let (lake, done) = compact_while(|other| {
        other.compact(&CompactOptions::default()).expect("the other compacts");
    });
    assert_eq!((done.given_up, done.commits), (vec![(NOON_MS / DAY_MS) as i32], 0));
    let table = lake.open_table("events").expect("the table");
    assert_eq!(ids(&lake, &table.current().expect("a snapshot")), (1..=20).collect::<Vec<_>>());
    let report = lake.fsck(&FsckOptions::default()).expect("it is checked");
    assert!(report.is_sound() && report.orphans.is_empty(), "{report:?}");
    assert_balanced(&lake, &table);
}

#[test]
fn a_crash_of_compaction_at_any_step_is_harmless() {
    for step in [Step::BeforeManifest, Step::AfterManifest, Step::BeforeSwap, Step::AfterSwap] {
        let env = Still::new(84);
        let (folder, lake, table) = filled(&format!("compact-crash-{step:?}"), &env);
        let before = read(&lake, &table.current().expect("a snapshot"));
        drop((table, lake));
        {
            let stop = Options { faults: Arc::new(StopAt(step)), ..options(&env) };
            let lake = Lake::open_with(folder.to_str().expect("UTF-8"), Mode::Create, stop).expect("the lake opens");
            lake.open_table("events")
                .expect("the table")
                .compact(&CompactOptions::default())
                .expect_err("it is stopped");
        }
        let lake = open(&folder, &env);
        let table = lake.open_table("events").expect("the table");
        assert_eq!(read(&lake, &table.current().expect("a snapshot")), before);
        table.compact(&CompactOptions::default()).expect("it compacts");
        assert_eq!(read(&lake, &table.current().expect("a snapshot")), before);
        assert_balanced(&lake, &table);
    }
}

#[test]
fn expiry_deletes_what_only_old_snapshots_had() {
    let env = Still::new(85);
    let (folder, lake, table) = filled("expire", &env);
    table.compact(&CompactOptions::default()).expect("it compacts");
    let before = read(&lake, &table.current().expect("a snapshot"));
    let young = table.expire(&ExpireOptions { keep: 1, age_ms: DAY_MS }).expect("it expires");
    assert_eq!(young, lake::Expired::default());
    env.pass(2 * DAY_MS);
    let done = table.expire(&ExpireOptions { keep: 1, age_ms: DAY_MS }).expect("it expires");
    assert_eq!((done.snapshots, done.files, done.held), (7, 6, 0));
    assert_eq!(read(&lake, &table.current().expect("a snapshot")), before);
    assert_eq!(all_files(&folder).iter().filter(|f| f.ends_with(".parquet")).count(), 2);
    assert_eq!(append(&table, &rows(NOON_MS, 1, 10)).duplicates, 10);
    let report = lake.fsck(&FsckOptions::default()).expect("it is checked");
    assert!(report.is_sound() && report.orphans.is_empty(), "{report:?}");
    assert_balanced(&lake, &table);
}

#[test]
fn retention_removes_whole_days_but_not_those_on_hold() {
    let env = Still::new(86);
    let (folder, lake, table) = filled("retain", &env);
    let day = (NOON_MS / DAY_MS) as i32;
    env.pass(10 * DAY_MS);
    table
        .hold(&Hold { name: "case 7".to_owned(), from_ms: NOON_MS + DAY_MS, to_ms: NOON_MS + DAY_MS + 1 })
        .expect("a hold");
    let done = table.retain(5).expect("it removes");
    assert_eq!(
        (done.days.into_iter().collect::<Vec<_>>(), done.rows, done.held.into_iter().collect::<Vec<_>>()),
        (vec![day], 30, vec![day + 1])
    );
    assert_eq!(ids(&lake, &table.current().expect("a snapshot")), (31..=60).collect::<Vec<_>>());
    assert_eq!(table.current().expect("a snapshot").counters()["removed"], 30);
    assert_balanced(&lake, &table);
    assert_eq!(table.retain(5).expect("it removes").rows, 0);
    // What is removed is gone for good once the snapshots before it have expired.
    env.pass(DAY_MS);
    table.expire(&ExpireOptions { keep: 1, age_ms: 0 }).expect("it expires");
    assert_eq!(all_files(&folder).iter().filter(|f| f.ends_with(".parquet")).count(), 3);
    // A released day goes.
    assert!(matches!(table.release("case 8"), Err(MaintainError::Hold { .. })));
    table.release("case 7").expect("it is released");
    assert_eq!(table.holds().expect("holds"), []);
    assert_eq!(table.retain(5).expect("it removes").rows, 30);
    assert_eq!(table.current().expect("a snapshot").rows().expect("rows"), 0);
    assert_balanced(&lake, &table);
}

#[test]
fn expiry_keeps_rows_on_hold_that_were_removed_before() {
    let env = Still::new(87);
    let (folder, lake, table) = filled("hold-late", &env);
    env.pass(10 * DAY_MS);
    table.retain(5).expect("it removes");
    let hold = Hold { name: "late".to_owned(), from_ms: NOON_MS, to_ms: NOON_MS + 1 };
    table.hold(&hold).expect("a hold");
    table.hold(&hold).expect("the same again");
    assert!(matches!(table.hold(&Hold { to_ms: NOON_MS + 2, ..hold.clone() }), Err(MaintainError::Hold { .. })));
    append(&table, &rows(NOON_MS + 9 * DAY_MS, 100, 1));
    env.pass(DAY_MS);
    let expire = ExpireOptions { keep: 1, age_ms: 0 };
    let done = table.expire(&expire).expect("it expires");
    assert_eq!((done.snapshots, done.held), (5, 2));
    let parquet = || all_files(&folder).iter().filter(|f| f.ends_with(".parquet")).count();
    assert_eq!(parquet(), 7);
    assert_eq!(table.expire(&expire).expect("it expires").held, 2);
    assert_eq!(parquet(), 7);
    let held = table.snapshots().expect("snapshots")[0].id;
    assert_eq!(table.at(held).expect("time travel").rows().expect("rows"), 60);
    table.release("late").expect("it is released");
    table.expire(&expire).expect("it expires");
    assert_eq!(parquet(), 1);
    assert_balanced(&lake, &table);
}

#[test]
fn fsck_names_what_is_damaged_and_removes_what_lies_around() {
    let env = Still::new(88);
    let (folder, lake, table) = filled("fsck", &env);
    let report = lake.fsck(&FsckOptions::default()).expect("it is checked");
    assert!(report.is_sound() && report.orphans.is_empty(), "{report:?}");
    assert_eq!((report.tables, report.files, report.rows), (1, 6, 60));
    drop((lake, table));
    {
        let stop = Options { faults: Arc::new(StopAt(Step::BeforeSwap)), ..options(&env) };
        let lake = Lake::open_with(folder.to_str().expect("UTF-8"), Mode::Create, stop).expect("the lake opens");
        try_append(&lake.open_table("events").expect("the table"), &rows(NOON_MS, 500, 10)).expect_err("it is stopped");
    }
    let lake = open(&folder, &env);
    let orphans = |options: &FsckOptions| {
        lake.fsck(options).expect("it is checked").orphans.iter().filter(|o| !o.is_deleted).count()
    };
    assert_eq!(orphans(&FsckOptions::default()), 3);
    // The files' age is told by the machine's clock and the grace by the lake's.
    let long = FsckOptions { repair: Repair::Yes, grace_ms: i64::MAX };
    assert_eq!(orphans(&long), 3);
    let short = FsckOptions { repair: Repair::Yes, grace_ms: i64::MIN / 2 };
    assert_eq!(orphans(&short), 0);
    assert_eq!(lake.fsck(&FsckOptions::default()).expect("it is checked").orphans.len(), 0);

    let table = lake.open_table("events").expect("the table");
    let files = table.files(i64::MIN, i64::MAX).expect("files");
    let on_disk = |n: usize| folder.join(files[n].path.as_ref());
    let bytes = std::fs::read(on_disk(0)).expect("the file");
    std::fs::write(on_disk(0), &bytes[..bytes.len() - 1]).expect("it is cut");
    std::fs::write(on_disk(1), vec![0; usize::try_from(files[1].size).expect("small")]).expect("it is wiped");
    std::fs::remove_file(on_disk(2)).expect("it is removed");
    let report = lake.fsck(&short).expect("it is checked");
    let mut named: Vec<&str> = report.problems.iter().map(|p| p.location.as_str()).collect();
    named.sort_unstable();
    named.dedup();
    let mut expected: Vec<&str> = files[..3].iter().map(|f| f.location.as_str()).collect();
    expected.sort_unstable();
    assert_eq!(named, expected);
    assert!(!report.is_sound());
    assert_eq!(report.rows, 30);
}

#[test]
fn a_lost_catalog_is_made_again() {
    let env = Still::new(89);
    let (folder, lake, table) = filled("rebuild", &env);
    let before = read(&lake, &table.current().expect("a snapshot"));
    let status = table.status().expect("a status");
    assert!(status.is_balanced());
    drop((lake, table));
    std::fs::remove_file(folder.join("catalog.db")).expect("it is lost");
    {
        // Writing on would begin a new table over the old one.
        let lake = open(&folder, &env);
        assert!(matches!(lake.table(&def()), Err(LakeError::Lost { .. })));
        let report = lake.fsck(&FsckOptions::default()).expect("it is checked");
        assert_eq!((report.problems.len(), report.problems[0].is_repaired, report.orphans.len()), (1, false, 0));
    }
    std::fs::write(folder.join("catalog.db"), "this is no database").expect("it is damaged, too");
    let path = folder.to_str().expect("UTF-8");
    assert!(matches!(Lake::open_with(path, Mode::Create, options(&env)), Err(LakeError::Catalog { .. })));
    let (lake, rebuilt) = Lake::rebuild(path, options(&env)).expect("it is rebuilt");
    assert_eq!((rebuilt.len(), rebuilt[0].rows), (1, 60));
    let table = lake.table(&def()).expect("the table");
    assert_eq!(read(&lake, &table.current().expect("a snapshot")), before);
    assert_eq!(table.status().expect("a status"), status);
    assert_eq!(append(&table, &rows(NOON_MS, 1, 20)).rows, 0);
    assert_balanced(&lake, &table);
}

#[test]
fn a_pointer_to_lost_metadata_is_restored() {
    let env = Still::new(90);
    let (folder, lake, table) = filled("pointer", &env);
    let location = table.status().expect("a status").metadata;
    std::fs::remove_file(location.trim_start_matches("file://")).expect("it is lost");
    let report = lake.fsck(&FsckOptions { repair: Repair::Yes, ..FsckOptions::default() }).expect("it is repaired");
    assert!(report.is_sound() && report.problems.len() == 1, "{report:?}");
    // The last commit is lost with its metadata; its rows are known to be missing and come again.
    let table = lake.table(&def()).expect("the table");
    assert_eq!(table.current().expect("a snapshot").rows().expect("rows"), 50);
    assert_eq!(append(&table, &rows(NOON_MS + DAY_MS + 10_000, 51, 10)).rows, 10);
    drop(folder);
    assert_balanced(&lake, &table);
}

#[test]
fn a_lake_that_was_moved_is_the_same_lake() {
    let env = Still::new(93);
    let (before, lake, table) = filled("moved-before", &env);
    let there = read(&lake, &table.current().expect("a snapshot"));
    drop((lake, table));
    let after = folder("moved-after");
    std::fs::remove_dir(&after).expect("it is empty");
    std::fs::rename(&before, &after).expect("it is moved");
    let lake = open(&after, &env);
    let table = lake.table(&def()).expect("the table");
    assert_eq!(read(&lake, &table.current().expect("a snapshot")), there);
    let done = append(&table, &rows(NOON_MS, 1, 70));
    assert_eq!((done.rows, done.duplicates), (40, 30), "the other day's ids are other rows");
    table.compact(&CompactOptions::default()).expect("it compacts");
    env.pass(DAY_MS);
    assert_eq!(table.expire(&ExpireOptions { keep: 1, age_ms: 0 }).expect("it expires").files, 7);
    let report = lake.fsck(&FsckOptions::default()).expect("it is checked");
    assert!(report.is_sound() && report.orphans.is_empty(), "{report:?}");
    assert_eq!(ids(&lake, &table.current().expect("a snapshot")).len(), 100);
    assert!(!before.exists());
    assert_balanced(&lake, &table);
    // Without its catalog, too.
    drop((lake, table));
    std::fs::remove_file(after.join("catalog.db")).expect("it is lost");
    let (lake, _) = Lake::rebuild(after.to_str().expect("UTF-8"), options(&env)).expect("it is rebuilt");
    assert_eq!(lake.open_table("events").expect("the table").current().expect("a snapshot").rows().expect("rows"), 100);
}
