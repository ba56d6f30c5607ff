//! A small world for a lake: a clock that only tests move, a folder for each test, rows that are easy to read.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use arrow::array::{
    Array, ArrayRef, AsArray, BinaryArray, BooleanArray, FixedSizeBinaryBuilder, Float64Array, Int64Array, MapBuilder,
    RecordBatch, StringArray, StringBuilder, TimestampMicrosecondArray,
};
use arrow::datatypes::{Int64Type, TimestampMicrosecondType};
use lake::{
    ColumnDef, ColumnType, Counts, Env, Faults, Lake, Mode, NoFaults, Options, Snapshot, Step, Table, TableDef,
};
use object_store::ObjectStoreExt;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

/// 2026-03-01T00:00:00Z.
pub const NOON_MS: i64 = 1_772_323_200_000 + 12 * HOUR_MS;
pub const HOUR_MS: i64 = 3_600_000;
pub const DAY_MS: i64 = 24 * HOUR_MS;

/// A clock that stands still until it is moved, and numbers that look random and are the same each time.
pub struct Still {
    now_ms: AtomicI64,
    next: AtomicU64,
}

impl Still {
    pub fn new(seed: u64) -> Arc<Self> {
        Arc::new(Self { now_ms: AtomicI64::new(NOON_MS), next: AtomicU64::new(seed << 32) })
    }

    pub fn pass(&self, ms: i64) {
        self.now_ms.fetch_add(ms, Ordering::SeqCst);
    }
}

impl Env for Still {
    fn now_ms(&self) -> i64 {
        self.now_ms.load(Ordering::SeqCst)
    }

    fn random(&self) -> u128 {
        let half = || {
            let mut z = self.next.fetch_add(1, Ordering::SeqCst).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            u128::from(z ^ (z >> 31))
        };
        half() << 64 | half()
    }

    fn sleep(&self, time: Duration) {
        self.pass(i64::try_from(time.as_millis()).expect("a short sleep"));
    }
}

/// Stops every commit at one step.
pub struct StopAt(pub Step);

impl Faults for StopAt {
    fn at(&self, step: Step) -> std::io::Result<()> {
        if step == self.0 { Err(std::io::Error::other("the test pulls the plug")) } else { Ok(()) }
    }
}

/// A new folder for a test's lake.
pub fn folder(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("lake").join(name);
    if folder.exists() {
        std::fs::remove_dir_all(&folder).expect("the last run's folder can be removed");
    }
    std::fs::create_dir_all(&folder).expect("a folder can be made");
    folder
}

pub fn options(env: &Arc<Still>) -> Options {
    Options { env: Arc::clone(env) as Arc<dyn Env>, faults: Arc::new(NoFaults), ..Options::default() }
}

pub fn open(folder: &std::path::Path, env: &Arc<Still>) -> Lake {
    Lake::open_with(folder.to_str().expect("a UTF-8 path"), Mode::Create, options(env)).expect("the lake opens")
}

/// One column of each type.
pub fn def() -> TableDef {
    TableDef::new(
        "events",
        vec![
            ColumnDef::new("time_dt", ColumnType::Timestamp).required().doc("when it happened"),
            ColumnDef::new("event_identity", ColumnType::Fixed16).required(),
            ColumnDef::new("event_flags", ColumnType::Text),
            ColumnDef::new("name", ColumnType::Text).bloom().doc("what happened"),
            ColumnDef::new("bytes", ColumnType::Long),
            ColumnDef::new("score", ColumnType::Double),
            ColumnDef::new("is_error", ColumnType::Boolean),
            ColumnDef::new("request", ColumnType::Map),
            ColumnDef::new("packet", ColumnType::Binary),
            ColumnDef::new("raw", ColumnType::Text).unique().without_stats(),
        ],
    )
}

/// A row: its time in milliseconds, its id, its content.
pub type Row = (i64, u64, u64);

/// `n` rows of new ids from `first` on, a second apart.
pub fn rows(from_ms: i64, first: u64, n: u64) -> Vec<Row> {
    (first..first + n).map(|id| (from_ms + 1000 * (id - first) as i64, id, 0)).collect()
}

pub fn batch(rows: &[Row]) -> RecordBatch {
    let mut identities = FixedSizeBinaryBuilder::new(16);
    let mut requests = MapBuilder::new(None, StringBuilder::new(), StringBuilder::new());
    for (_, id, content) in rows {
        let identity: Vec<u8> = [spread(*id), *content].iter().flat_map(|half| half.to_be_bytes()).collect();
        identities.append_value(identity).expect("sixteen bytes");
        requests.keys().append_value("bucketName");
        requests.values().append_value(format!("bucket-{id}"));
        requests.append(id % 5 != 0).expect("a map");
    }
    let each = |f: fn(&Row) -> String| Arc::new(StringArray::from_iter_values(rows.iter().map(f))) as ArrayRef;
    let columns: Vec<(&str, ArrayRef)> = vec![
        (
            "time_dt",
            Arc::new(TimestampMicrosecondArray::from_iter_values(rows.iter().map(|r| r.0 * 1000)).with_timezone("UTC")),
        ),
        ("event_identity", Arc::new(identities.finish())),
        ("name", each(|r| format!("Event{}", r.1 % 7))),
        ("bytes", Arc::new(Int64Array::from_iter(rows.iter().map(|r| (r.1 % 3 != 0).then_some(r.1 as i64))))),
        ("score", Arc::new(Float64Array::from_iter_values(rows.iter().map(|r| r.1 as f64 / 2.0)))),
        ("is_error", Arc::new(BooleanArray::from_iter(rows.iter().map(|r| Some(r.1 % 2 == 0))))),
        ("request", Arc::new(requests.finish())),
        ("packet", Arc::new(BinaryArray::from_iter_values(rows.iter().map(|r| r.1.to_be_bytes())))),
        ("raw", each(|r| format!("{{\"id\":{},\"content\":{}}}", r.1, r.2))),
    ];
    RecordBatch::try_from_iter(columns).expect("columns of one length")
}

fn spread(id: u64) -> u64 {
    id.wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// Appends rows that were all read.
pub fn append(table: &Table, rows: &[Row]) -> lake::Appended {
    try_append(table, rows).expect("the append succeeds")
}

pub fn try_append(table: &Table, rows: &[Row]) -> Result<lake::Appended, lake::AppendError> {
    table.append(vec![batch(rows)], Counts { read: rows.len() as u64, ..Counts::default() }, &BTreeMap::new())
}

/// What a row reads as: its time, what was its raw text, its flags.
pub fn read(lake: &Lake, snapshot: &Snapshot) -> Vec<(i64, String, String)> {
    let mut all = Vec::new();
    for batch in batches(lake, snapshot) {
        let times = batch.column_by_name("time_dt").expect("a time").as_primitive::<TimestampMicrosecondType>();
        let raws = batch.column_by_name("raw").expect("a raw text").as_string::<i32>();
        let flags = batch.column_by_name("event_flags").expect("flags").as_string::<i32>();
        for row in 0..batch.num_rows() {
            let flag = if flags.is_null(row) { "" } else { flags.value(row) };
            all.push((times.value(row) / 1000, raws.value(row).to_owned(), flag.to_owned()));
        }
    }
    all.sort();
    all
}

pub fn batches(lake: &Lake, snapshot: &Snapshot) -> Vec<RecordBatch> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let mut all = Vec::new();
    for file in snapshot.files(i64::MIN, i64::MAX).expect("the files are known") {
        let objects = lake.objects();
        let bytes =
            runtime.block_on(async { objects.get(&file.path).await?.bytes().await }).expect("the file is there");
        assert_eq!(bytes.len() as u64, file.size);
        let reader =
            ParquetRecordBatchReaderBuilder::try_new(bytes).expect("a Parquet file").build().expect("a reader");
        all.extend(reader.map(|batch| batch.expect("a batch")));
    }
    all
}

/// The ids of rows, as their raw text has them, sorted.
pub fn ids(lake: &Lake, snapshot: &Snapshot) -> Vec<u64> {
    let mut ids: Vec<u64> = batches(lake, snapshot)
        .iter()
        .flat_map(|batch| {
            batch
                .column_by_name("score")
                .expect("a score")
                .as_primitive::<arrow::datatypes::Float64Type>()
                .iter()
                .flatten()
                .collect::<Vec<_>>()
        })
        .map(|score| (score * 2.0) as u64)
        .collect();
    ids.sort_unstable();
    ids
}

/// That what was read, kept and dropped add up, by counting rows in files and not by what a summary says.
pub fn assert_balanced(lake: &Lake, table: &Table) {
    let snapshot = table.current().expect("a snapshot");
    let n_rows: usize = batches(lake, &snapshot).iter().map(RecordBatch::num_rows).sum();
    let counters = snapshot.counters();
    let count = |name: &str| counters.get(name).copied().unwrap_or(0);
    assert_eq!(snapshot.rows().expect("rows"), n_rows as u64);
    let (into, out) = (
        count("in") + count("foreign"),
        n_rows as u64 + count("duplicates") + count("rejected") + count("quarantined") + count("removed"),
    );
    assert_eq!(into, out, "{counters:?}, {n_rows} rows");
}

/// Sums a column of whole numbers.
pub fn sum(batches: &[RecordBatch], column: &str) -> i64 {
    let of = |batch: &RecordBatch| {
        batch.column_by_name(column).expect("the column").as_primitive::<Int64Type>().iter().flatten().sum::<i64>()
    };
    batches.iter().map(of).sum()
}
