//! What was read and is no record, a page at a time, the latest first.

use std::cmp::Reverse;
use std::collections::{BTreeSet, HashSet};

use arrow::array::{Array, AsArray};
use arrow::datatypes::{Int64Type, TimestampMicrosecondType};
use lake::Lake;

use crate::keep::QUARANTINE;

/// The most bytes of a piece that are shown.
const RAW_BYTES_MAX: usize = 16 << 10;

/// A place between two pieces: when the one before was taken in, in microseconds, and its identity.
pub type Place = (i64, [u8; 16]);

/// A piece that is no record.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Where it is among all.
    pub place: Place,
    /// The log that it was taken for.
    pub source: Option<String>,
    /// Why it is no record.
    pub reason: String,
    /// The object that it came in.
    pub object: String,
    /// Where it begins in the object.
    pub offset: Option<i64>,
    /// How many records it is; 0 if it is what is left of damaged text.
    pub records: i64,
    /// How many bytes it has.
    pub bytes: usize,
    /// Its beginning.
    pub raw: Vec<u8>,
}

/// So many pieces behind a place, the latest first.
pub fn page(lake: &Lake, behind: Option<Place>, limit: usize) -> anyhow::Result<Vec<Entry>> {
    if !lake.tables()?.iter().any(|table| table == QUARANTINE) {
        return Ok(Vec::new());
    }
    let pieces = lake.open_table(QUARANTINE)?.current()?;
    let files = pieces.files(i64::MIN, i64::MAX)?;
    // First only what decides the order, which is little: what was taken in is as long as it wants.
    let mut first: BTreeSet<(Reverse<i64>, [u8; 16], usize)> = BTreeSet::new();
    for (at, file) in files.iter().enumerate() {
        for batch in pieces.scan(vec![file.clone()], &["event_ingested_at", "event_identity"])? {
            let batch = batch?;
            let times = batch.column(0).as_primitive::<TimestampMicrosecondType>();
            let ids = batch.column(1).as_fixed_size_binary();
            for row in 0..batch.num_rows() {
                let place = (Reverse(times.value(row)), ids.value(row).try_into()?);
                if behind.is_none_or(|(time, id)| place > (Reverse(time), id)) {
                    first.insert((place.0, place.1, at));
                }
                if first.len() > limit {
                    first.pop_last();
                }
            }
        }
    }
    let mut entries = Vec::new();
    for at in first.iter().map(|(.., at)| *at).collect::<BTreeSet<_>>() {
        let wanted: HashSet<[u8; 16]> = first.iter().filter(|(.., of)| *of == at).map(|(_, id, _)| *id).collect();
        entries.extend(read(pieces.scan(vec![files[at].clone()], &COLUMNS)?, &wanted)?);
    }
    entries.sort_by_key(|entry| (Reverse(entry.place.0), entry.place.1));
    Ok(entries)
}

/// Calls with the object and the bytes of each piece until it says that it has seen enough.
pub fn each(lake: &Lake, mut take: impl FnMut(&str, &[u8]) -> bool) -> anyhow::Result<()> {
    if !lake.tables()?.iter().any(|table| table == QUARANTINE) {
        return Ok(());
    }
    let pieces = lake.open_table(QUARANTINE)?.current()?;
    for batch in pieces.scan(pieces.files(i64::MIN, i64::MAX)?, &["event_object", "raw"])? {
        let batch = batch?;
        let (objects, raws) = (batch.column(0).as_string::<i32>(), batch.column(1).as_binary::<i32>());
        for row in 0..batch.num_rows() {
            if !take(objects.value(row), raws.value(row)) {
                return Ok(());
            }
        }
    }
    Ok(())
}

const COLUMNS: [&str; 8] =
    ["event_ingested_at", "event_identity", "event_source", "reason", "event_object", "event_offset", "records", "raw"];

fn read(scan: lake::Scan, wanted: &HashSet<[u8; 16]>) -> anyhow::Result<Vec<Entry>> {
    let mut entries = Vec::new();
    for batch in scan {
        let batch = batch?;
        let (times, ids) =
            (batch.column(0).as_primitive::<TimestampMicrosecondType>(), batch.column(1).as_fixed_size_binary());
        let text = |at: usize, row: usize| {
            let column = batch.column(at).as_string::<i32>();
            column.is_valid(row).then(|| column.value(row).to_owned())
        };
        let (offsets, records) =
            (batch.column(5).as_primitive::<Int64Type>(), batch.column(6).as_primitive::<Int64Type>());
        let raws = batch.column(7).as_binary::<i32>();
        for row in 0..batch.num_rows() {
            let id: [u8; 16] = ids.value(row).try_into()?;
            if wanted.contains(&id) {
                let raw = raws.value(row);
                entries.push(Entry {
                    place: (times.value(row), id),
                    source: text(2, row),
                    reason: text(3, row).unwrap_or_default(),
                    object: text(4, row).unwrap_or_default(),
                    offset: offsets.is_valid(row).then(|| offsets.value(row)),
                    records: records.value(row),
                    bytes: raw.len(),
                    raw: raw[..raw.len().min(RAW_BYTES_MAX)].to_vec(),
                });
            }
        }
    }
    Ok(entries)
}
