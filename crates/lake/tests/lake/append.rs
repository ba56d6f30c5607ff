//! Rows in, rows out, each once.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, RecordBatch, StringArray};
use arrow::datatypes::TimestampMicrosecondType;
use lake::{Bound, ColumnDef, ColumnType, Counts, Lake, LakeError, Mode, Options};

use crate::world::{
    self, DAY_MS, HOUR_MS, NOON_MS, Still, append, assert_balanced, batch, def, folder, ids, open, options, read, rows,
};

#[test]
fn rows_come_back_with_all_columns() {
    let env = Still::new(1);
    let lake = open(&folder("all-columns"), &env);
    let table = lake.table(&def()).expect("a table");
    assert_eq!(table.current().expect("it can be read").id(), None);
    let done = append(&table, &rows(NOON_MS, 1, 10));
    assert_eq!((done.rows, done.duplicates, done.conflicts), (10, 0, 0));
    let snapshot = table.current().expect("a snapshot");
    assert_eq!(snapshot.id(), done.snapshot);
    let batches = world::batches(&lake, &snapshot);
    assert_eq!(world::sum(&batches, "bytes"), (1..=10).filter(|id| id % 3 != 0).sum::<i64>());
    let requests = batches[0].column_by_name("request").expect("a map").as_map();
    assert_eq!(requests.value(0).column(1).as_string::<i32>().value(0), "bucket-1");
    let id_of = |name: &str| {
        batches[0].schema().field_with_name(name).expect("the column").metadata()["PARQUET:field_id"].clone()
    };
    assert_eq!(id_of("time_dt"), "1");
    assert_eq!(id_of("raw"), "10");
    assert_balanced(&lake, &table);
}

#[test]
fn a_row_is_kept_once_however_often_it_is_given() {
    let env = Still::new(2);
    let folder = folder("once");
    let lake = open(&folder, &env);
    let table = lake.table(&def()).expect("a table");
    append(&table, &rows(NOON_MS, 1, 5));
    let twice: Vec<_> = rows(NOON_MS, 1, 8).into_iter().chain(rows(NOON_MS, 1, 8)).collect();
    let done = append(&table, &twice);
    assert_eq!((done.rows, done.duplicates), (3, 13));
    drop((table, lake));
    // A cold start has nothing in memory.
    let lake = open(&folder, &env);
    let table = lake.table(&def()).expect("a table");
    let done = append(&table, &rows(NOON_MS, 1, 9));
    assert_eq!((done.rows, done.duplicates), (1, 8));
    assert_eq!(world::ids(&lake, &table.current().expect("a snapshot")), (1..=9).collect::<Vec<_>>());
    assert_balanced(&lake, &table);
}

#[test]
fn the_same_row_on_another_day_is_another_row() {
    let env = Still::new(3);
    let lake = open(&folder("other-day"), &env);
    let table = lake.table(&def()).expect("a table");
    append(&table, &[(NOON_MS, 1, 0)]);
    assert_eq!(append(&table, &[(NOON_MS + DAY_MS, 1, 0)]).rows, 1);
    assert_eq!(table.files(i64::MIN, i64::MAX).expect("files").len(), 2);
}

#[test]
fn a_forged_id_hides_nothing() {
    let env = Still::new(4);
    let lake = open(&folder("forged"), &env);
    let table = lake.table(&def()).expect("a table");
    append(&table, &[(NOON_MS, 1, 7), (NOON_MS, 2, 7)]);
    let done = append(&table, &[(NOON_MS, 1, 8), (NOON_MS, 3, 1), (NOON_MS, 3, 2)]);
    assert_eq!((done.rows, done.duplicates, done.conflicts), (3, 0, 2));
    let flagged: Vec<_> = read(&lake, &table.current().expect("a snapshot"))
        .into_iter()
        .filter(|r| !r.2.is_empty())
        .map(|r| (r.1, r.2))
        .collect();
    let flag = "same-id".to_owned();
    assert_eq!(
        flagged,
        [("{\"id\":1,\"content\":8}".to_owned(), flag.clone()), ("{\"id\":3,\"content\":2}".to_owned(), flag)]
    );
    assert_balanced(&lake, &table);
}

/// What a commit costs does not grow with the day: of a day that memory does not hold, only files of about the same time are looked at.
#[test]
fn a_day_that_memory_does_not_hold_still_has_each_row_once() {
    let env = Still::new(7);
    let lake = Lake::open_with(
        folder("large-day").to_str().expect("UTF-8"),
        Mode::Create,
        Options { identity_bytes_max: 40 * 16, ..options(&env) },
    )
    .expect("a lake");
    let table = lake.table(&def()).expect("a table");
    for n in 0..6 {
        append(&table, &rows(NOON_MS + n * 60_000, 1 + 10 * n as u64, 10));
    }
    let again: Vec<_> = (0..6).flat_map(|n| rows(NOON_MS + n * 60_000, 1 + 10 * n as u64, 10)).collect();
    for part in again.chunks(7) {
        let done = append(&table, part);
        assert_eq!((done.rows, done.duplicates), (0, part.len() as u64));
    }
    // A forged id is seen near by, and hides nothing far away.
    let done = append(&table, &[(NOON_MS, 1, 9), (NOON_MS + 300_000, 2, 9)]);
    assert_eq!((done.rows, done.duplicates), (2, 0));
    assert!(done.conflicts >= 1);
    assert_eq!(ids(&lake, &table.current().expect("a snapshot")).len(), 62);
    assert_balanced(&lake, &table);
}

#[test]
fn flags_that_are_there_stay() {
    let env = Still::new(5);
    let lake = open(&folder("flags"), &env);
    let table = lake.table(&def()).expect("a table");
    append(&table, &[(NOON_MS, 1, 0)]);
    let flags: ArrayRef = Arc::new(StringArray::from(vec![Some("late"), Some(""), None]));
    let batch = batch(&[(NOON_MS, 1, 1), (NOON_MS, 1, 2), (NOON_MS, 2, 0)]);
    let mut columns: Vec<(String, ArrayRef)> =
        batch.schema().fields().iter().map(|f| f.name().clone()).zip(batch.columns().to_vec()).collect();
    columns.push(("event_flags".to_owned(), flags));
    let batch = RecordBatch::try_from_iter(columns).expect("a batch");
    table.append(vec![batch], Counts { read: 3, ..Counts::default() }, &BTreeMap::new()).expect("an append");
    let flags: Vec<String> = read(&lake, &table.current().expect("a snapshot")).into_iter().map(|r| r.2).collect();
    assert_eq!(flags, ["", "late,same-id", "same-id", ""]);
}

#[test]
fn files_hold_one_day_each_sorted_by_time() {
    let env = Still::new(6);
    let lake = open(&folder("sorted"), &env);
    let table = lake.table(&def()).expect("a table");
    let mut all = rows(NOON_MS, 1, 50);
    all.extend(rows(NOON_MS + DAY_MS, 100, 50));
    all.reverse();
    table
        .append(vec![batch(&all[..30]), batch(&all[30..])], Counts { read: 100, ..Counts::default() }, &BTreeMap::new())
        .expect("an append");
    let snapshot = table.current().expect("a snapshot");
    let files = snapshot.files(i64::MIN, i64::MAX).expect("files");
    assert_eq!(files.len(), 2);
    assert_eq!(files[0].lower("time_dt"), Some(Bound::Timestamp(NOON_MS * 1000)));
    assert_eq!(files[0].upper("time_dt"), Some(Bound::Timestamp((NOON_MS + 49_000) * 1000)));
    assert_eq!(files[0].lower("name"), Some(Bound::Text("Event0".to_owned())));
    assert_eq!((files[0].lower("raw"), files[0].lower("request")), (None, None));
    assert_eq!(files[0].nulls("bytes"), Some(16));
    assert_eq!(files[0].split_offsets, [4]);
    for batch in world::batches(&lake, &snapshot) {
        let times = batch.column_by_name("time_dt").expect("a time").as_primitive::<TimestampMicrosecondType>();
        assert!(times.values().is_sorted());
    }
}

#[test]
fn only_files_of_the_time_are_given() {
    let env = Still::new(7);
    let lake = open(&folder("pruned"), &env);
    let table = lake.table(&def()).expect("a table");
    for day in 0..4 {
        append(&table, &rows(NOON_MS + day * DAY_MS, 1, 60));
        append(&table, &rows(NOON_MS + day * DAY_MS + HOUR_MS, 100, 60));
    }
    let n = |from: i64, to: i64| table.files(from, to).expect("files").len();
    assert_eq!(n(i64::MIN, i64::MAX), 8);
    assert_eq!(n(NOON_MS - 12 * HOUR_MS, NOON_MS + 12 * HOUR_MS), 2);
    assert_eq!(n(NOON_MS, NOON_MS + 1), 1);
    assert_eq!(n(NOON_MS + 60_000, NOON_MS + HOUR_MS), 0);
    assert_eq!(n(NOON_MS + 59_000, NOON_MS + 59_001), 1);
    assert_eq!(n(NOON_MS + HOUR_MS, NOON_MS + DAY_MS + 1), 2);
    assert_eq!(n(NOON_MS + 4 * DAY_MS, i64::MAX), 0);
    assert_eq!(n(5, 5), 0);
}

#[test]
fn counters_and_positions_are_carried_on() {
    let env = Still::new(8);
    let lake = open(&folder("carried"), &env);
    let table = lake.table(&def()).expect("a table");
    let positions = |pairs: &[(&str, &str)]| {
        pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect::<BTreeMap<_, _>>()
    };
    let counts = Counts { read: 12, rejected: 1, quarantined: 1, more: BTreeMap::from([("oversize".to_owned(), 4)]) };
    table
        .append(vec![batch(&rows(NOON_MS, 1, 10))], counts, &positions(&[("s3", "a"), ("sqs", "1")]))
        .expect("an append");
    append(&table, &rows(NOON_MS, 1, 11));
    let none = table
        .append(vec![], Counts { read: 2, rejected: 2, ..Counts::default() }, &positions(&[("s3", "b"), ("sqs", "")]))
        .expect("an append");
    assert_eq!(none.rows, 0);
    let snapshot = table.current().expect("a snapshot");
    let counters: Vec<(String, u64)> = snapshot.counters().into_iter().collect();
    let expected =
        [("conflicts", 0), ("duplicates", 10), ("in", 25), ("oversize", 4), ("quarantined", 1), ("rejected", 3)];
    assert_eq!(counters, expected.map(|(name, n)| (name.to_owned(), n)));
    assert_eq!(snapshot.positions().expect("positions"), positions(&[("s3", "b")]));
    assert_balanced(&lake, &table);
    // Nothing at all is not a commit.
    assert_eq!(table.append(vec![], Counts::default(), &BTreeMap::new()).expect("an append").snapshot, None);
    assert_eq!(table.snapshots().expect("snapshots").len(), 3);
}

#[test]
fn many_positions_do_not_swell_the_metadata() {
    let env = Still::new(9);
    let folder = folder("positions");
    let lake = open(&folder, &env);
    let table = lake.table(&def()).expect("a table");
    let many: BTreeMap<String, String> =
        (0..1000).map(|n| (format!("file:/logs/{n:04}.json.gz"), format!("{n}"))).collect();
    table.append(vec![], Counts { read: 1, rejected: 1, ..Counts::default() }, &many).expect("an append");
    append(&table, &rows(NOON_MS, 1, 3));
    let snapshot = table.current().expect("a snapshot");
    assert_eq!(snapshot.positions().expect("positions"), many);
    let summary = snapshot.info().expect("a commit").summary;
    assert!(summary.values().map(String::len).max() < Some(500), "{summary:?}");
}

#[test]
fn a_table_gets_the_columns_that_are_new() {
    let env = Still::new(10);
    let lake = open(&folder("evolved"), &env);
    append(&lake.table(&def()).expect("a table"), &rows(NOON_MS, 1, 5));
    let mut wider = def();
    wider.columns.insert(3, ColumnDef::new("region", ColumnType::Text).required());
    wider.columns.push(ColumnDef::new("response", ColumnType::Map));
    let table = lake.table(&wider).expect("the table evolves");
    append(&table, &rows(NOON_MS, 100, 5));
    let snapshot = table.current().expect("a snapshot");
    assert_eq!(read(&lake, &snapshot).len(), 10);
    let def_now = snapshot.def().expect("a definition");
    assert_eq!(def_now.columns.last().map(|c| c.name.as_str()), Some("response"));
    assert!(def_now.column("region").is_some_and(|c| !c.is_required));
    assert!(def_now.column("name").is_some_and(|c| c.is_bloom && c.doc == "what happened"));
    assert!(def_now.column("raw").is_some_and(|c| c.is_unique && !c.has_stats));
    // An older definition does not take columns away, and another type is refused.
    append(&lake.table(&def()).expect("the older definition"), &rows(NOON_MS, 200, 5));
    let mut other = def();
    other.columns[3].ty = ColumnType::Long;
    assert!(matches!(lake.table(&other), Err(LakeError::Definition { .. })));
}

#[test]
fn batches_that_do_not_fit_are_refused() {
    let env = Still::new(11);
    let lake = open(&folder("unfit"), &env);
    let table = lake.table(&def()).expect("a table");
    let good = batch(&rows(NOON_MS, 1, 2));
    let unknown = RecordBatch::try_from_iter([("nonsense", Arc::new(StringArray::from(vec!["x"])) as ArrayRef)])
        .expect("a batch");
    let no_time = good.project(&[1, 2]).expect("a batch");
    for bad in [unknown, no_time] {
        assert!(matches!(
            table.append(vec![good.clone(), bad], Counts::default(), &BTreeMap::new()),
            Err(lake::AppendError::Batch { .. })
        ));
    }
    let wrong_name = Counts { more: BTreeMap::from([("Commit Id".to_owned(), 1)]), ..Counts::default() };
    assert!(matches!(table.append(vec![], wrong_name, &BTreeMap::new()), Err(lake::AppendError::Batch { .. })));
    assert_eq!(table.current().expect("it can be read").id(), None);
}

#[test]
fn a_reader_keeps_its_snapshot_and_cannot_write() {
    let env = Still::new(12);
    let folder = folder("reader");
    let lake = open(&folder, &env);
    let table = lake.table(&def()).expect("a table");
    append(&table, &rows(NOON_MS, 1, 5));
    let reader = Lake::open_with(folder.to_str().expect("UTF-8"), Mode::Read, options(&env)).expect("it can be read");
    assert_eq!(reader.tables().expect("tables"), ["events"]);
    let seen = reader.open_table("events").expect("the table");
    let before = seen.current().expect("a snapshot");
    append(&table, &rows(NOON_MS, 10, 5));
    assert_eq!(before.rows().expect("rows"), 5);
    assert_eq!(seen.current().expect("a snapshot").rows().expect("rows"), 10);
    assert_eq!(seen.at(before.id().expect("an id")).expect("time travel").rows().expect("rows"), 5);
    assert!(matches!(world::try_append(&seen, &rows(NOON_MS, 20, 1)), Err(lake::AppendError::ReadOnly { .. })));
    assert!(matches!(reader.open_table("../events"), Err(LakeError::Load { .. })));
    assert!(matches!(
        Lake::open(world::folder("nothing").to_str().expect("UTF-8"), Mode::Read),
        Err(LakeError::Missing { .. })
    ));
}

#[test]
fn a_second_writer_is_told_who_the_first_is() {
    let env = Still::new(13);
    let folder = folder("locked");
    let uri = format!("file://{}", folder.display());
    let lake = open(&folder, &env);
    let Err(LakeError::Locked { holder, .. }) = Lake::open_with(&uri, Mode::Create, options(&env)) else {
        panic!("a second writer")
    };
    assert!(
        holder.contains(&format!("pid {}", std::process::id())) && holder.contains("started 2026-03-01T12:00:00Z"),
        "{holder}"
    );
    drop(lake);
    Lake::open_with(&uri, Mode::Create, options(&env)).expect("the lock is free");
}

#[test]
fn many_commits_keep_few_manifests() {
    let env = Still::new(14);
    let lake = open(&folder("merged"), &env);
    let table = lake.table(&def()).expect("a table");
    for n in 0..40 {
        append(&table, &rows(NOON_MS + n * 100_000, 1 + 10 * n as u64, 2));
    }
    let snapshot = table.current().expect("a snapshot");
    assert_eq!(snapshot.files(i64::MIN, i64::MAX).expect("files").len(), 40);
    assert!(snapshot.manifest_count().expect("manifests") < 20);
    assert_eq!(snapshot.info().expect("a commit").summary["total-records"], "80");
    assert_balanced(&lake, &table);
}

#[test]
fn an_async_caller_may_use_it_too() {
    let env = Still::new(15);
    let lake = open(&folder("async"), &env);
    let table = lake.table(&def()).expect("a table");
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(async {
        append(&table, &rows(NOON_MS, 1, 5));
        assert_eq!(table.files(i64::MIN, i64::MAX).expect("files").len(), 1);
        drop((table, lake));
    });
}

#[test]
fn old_metadata_does_not_pile_up() {
    let env = Still::new(16);
    let folder = folder("forgotten");
    let lake = open(&folder, &env);
    let table = lake.table(&def()).expect("a table");
    for n in 0..60 {
        let counts = Counts { read: n, rejected: n, ..Counts::default() };
        table.append(vec![], counts, &BTreeMap::from([("feed".to_owned(), n.to_string())])).expect("an append");
    }
    let metadata = std::fs::read_dir(folder.join("events/metadata")).expect("a folder");
    let names = metadata.map(|entry| entry.expect("an entry").file_name().into_string().expect("UTF-8"));
    assert_eq!(names.filter(|name| name.ends_with(".metadata.json")).count(), 51);
    let report = lake.fsck(&lake::FsckOptions::default()).expect("it is checked");
    assert!(report.is_sound() && report.orphans.is_empty(), "{report:?}");
}

#[test]
fn a_file_is_written_as_its_columns_want_it() {
    use parquet::basic::{Compression, Encoding};
    use parquet::file::reader::{FileReader, SerializedFileReader};
    let env = Still::new(17);
    let folder = folder("layout");
    let lake = open(&folder, &env);
    let table = lake.table(&def()).expect("a table");
    append(&table, &rows(NOON_MS, 1, 100));
    let file = &table.files(i64::MIN, i64::MAX).expect("files")[0];
    let reader = std::fs::File::open(folder.join(file.path.as_ref())).expect("the file");
    let reader = SerializedFileReader::new(reader).expect("a Parquet file");
    let group = reader.metadata().row_group(0);
    let column = |path: &str| group.columns().iter().find(|c| c.column_path().string() == path).expect("the column");
    for chunk in group.columns() {
        assert!(matches!(chunk.compression(), Compression::ZSTD(_)));
        let is_filtered = chunk.column_path().string() == "name";
        assert_eq!(chunk.bloom_filter_offset().is_some(), is_filtered, "{}", chunk.column_path());
    }
    assert!(column("name").statistics().is_some() && column("name").column_index_offset().is_some());
    assert!(column("raw").statistics().is_none() && column("request.key_value.value").statistics().is_none());
    assert!(!column("raw").encodings().any(|e| e == Encoding::RLE_DICTIONARY));
    assert!(column("name").encodings().any(|e| e == Encoding::RLE_DICTIONARY));
    assert_eq!(group.sorting_columns().map(|by| by[0].column_idx), Some(0));
    assert!(reader.metadata().file_metadata().key_value_metadata().is_none_or(|all| all.is_empty()));
}
