//! Events as Amazon Security Lake lays custom sources out: Parquet files of nested OCSF columns.
//!
//! `ext/SOURCE_CLASS/region=R/accountId=A/eventDay=YYYYMMDD/HASH.parquet`: one class of one source a file, rows in the order of time, the UTC day that of the event.
//! The name is a hash of what tells the rows from all others, so that copying the same rows again overwrites and never doubles.
//!
//! Rows of a partition wait in memory until they are all there or too many; the largest partitions then become files, and the rest of their rows come in further files.
//! What an event is in OCSF is not known here: the caller projects. Whether files are there as a whole is the caller's, too: it names a folder that nobody reads yet.

mod shape;
mod writer;

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::ops::Range;
use std::path::{Path, PathBuf};

use arrow::array::{Array, AsArray, RecordBatch, StringArray};
use arrow::datatypes::TimestampMicrosecondType;
use event::mapping::Mapping;
use serde_json::Value as Json;

use crate::error::{FileError, ReadError};
use crate::snapshot::{DAY_US, LakeFile, Snapshot};
use shape::Shape;
use writer::Writer;

/// What is read of a row.
const COLUMNS: [&str; 6] = ["time_dt", "event_identity", "event_account", "event_region", "event_format", "raw"];
/// Records that are projected at once, and how long they may be together: trees of them are many times as large.
const CHUNK_ROWS: usize = 1_024;
const CHUNK_BYTES: usize = 4 << 20;
/// What a partition takes beside its rows, about.
const PARTITION_BYTES: usize = 512;
/// The account of events outside of AWS, and of rows whose account is none.
const EXTERNAL: &str = "external";
/// The Region of rows whose Region is none.
const NO_REGION: &str = "unknown";

/// What is exported, and with how much memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExportOptions {
    /// Only events at or after this time, in milliseconds.
    pub from_ms: i64,
    /// Only events before this time, in milliseconds.
    pub to_ms: i64,
    /// What waiting records may take together; a file holds no more of them.
    pub memory_bytes: usize,
}

impl Default for ExportOptions {
    fn default() -> Self {
        Self { from_ms: i64::MIN, to_ms: i64::MAX, memory_bytes: 128 << 20 }
    }
}

/// What an export wrote.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Exported {
    /// Rows, as the footers on the disk count them.
    pub rows: u64,
    /// Files.
    pub files: u64,
    /// Bytes of the files.
    pub bytes: u64,
}

/// Makes the OCSF event of a record out of its format and its text.
pub type Project<'a> = &'a mut dyn FnMut(&str, &str) -> Json;

/// An export did not come about. What it had written by then is of no use.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The table cannot be read.
    #[error("cannot export `{table}`")]
    Read {
        /// Which table.
        table: String,
        /// Why.
        #[source]
        err: ReadError,
    },
    /// A file of the lake cannot be read.
    #[error("cannot export `{table}`")]
    File {
        /// Which table.
        table: String,
        /// Why.
        #[source]
        err: FileError,
    },
    /// A file cannot be written.
    #[error("cannot write {}", path.display())]
    Write {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        err: std::io::Error,
    },
    /// Rows cannot be written as Parquet, or not be read again.
    #[error("cannot write {}", path.display())]
    Parquet {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        err: parquet::errors::ParquetError,
    },
    /// Rows were lost or doubled on the way.
    #[error("cannot export `{table}`: {rows} rows were {what}, not {expected}")]
    Count {
        /// Which table.
        table: String,
        /// What was counted.
        what: &'static str,
        /// How many there are.
        rows: u64,
        /// How many there should be.
        expected: u64,
    },
}

/// Writes the rows of a snapshot into a folder, and counts what is then there.
///
/// # Errors
/// When something cannot be read or written, or the counts of the table, of what was read and of what was written disagree.
pub fn export(
    snapshot: &Snapshot,
    mapping: &'static Mapping,
    folder: &Path,
    options: &ExportOptions,
    project: Project<'_>,
) -> Result<Exported, ExportError> {
    let table = snapshot.table.clone();
    let unread = |err| ExportError::Read { table: table.clone(), err };
    let mut days: BTreeMap<Option<i32>, Vec<LakeFile>> = BTreeMap::new();
    for file in snapshot.files(options.from_ms, options.to_ms).map_err(unread)? {
        days.entry(file.day).or_default().push(file);
    }
    let mut export = Export {
        folder,
        mapping,
        options,
        project,
        shapes: BTreeMap::new(),
        waiting: BTreeMap::new(),
        bytes: 0,
        done: Exported::default(),
    };
    let mut taken = 0;
    for files in days.into_values() {
        let expected: u64 = files.iter().map(|file| file.rows).sum();
        let mut n_read = 0;
        for batch in snapshot.scan(files, &COLUMNS).map_err(unread)? {
            let batch = batch.map_err(|err| ExportError::File { table: table.clone(), err })?;
            n_read += batch.num_rows() as u64;
            taken += export.take(&batch)?;
        }
        agree(&table, "read", n_read, expected)?;
        // No other file has rows of this day.
        export.shrink(0)?;
    }
    agree(&table, "written", export.done.rows, taken)?;
    Ok(export.done)
}

fn agree(table: &str, what: &'static str, rows: u64, expected: u64) -> Result<(), ExportError> {
    if rows == expected { Ok(()) } else { Err(ExportError::Count { table: table.to_owned(), what, rows, expected }) }
}

struct Export<'a> {
    folder: &'a Path,
    mapping: &'static Mapping,
    options: &'a ExportOptions,
    project: Project<'a>,
    /// The columns of each class.
    shapes: BTreeMap<i64, Shape>,
    waiting: BTreeMap<Key, Waiting>,
    /// What waiting records take together.
    bytes: usize,
    done: Exported,
}

/// Where a row goes, but for its class.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    region: String,
    account: String,
    day: i32,
}

/// Records of a partition.
#[derive(Default)]
struct Waiting {
    rows: Vec<Row>,
    /// Their texts, one behind the other.
    texts: String,
    /// The formats of rows that do not name their columns; rows of one format come one behind the other.
    formats: Vec<String>,
    bytes: usize,
}

struct Row {
    time_us: i64,
    identity: [u8; 16],
    text: Range<usize>,
    format: usize,
}

impl Export<'_> {
    /// Takes the rows of a batch that are wanted, and gives how many they are.
    fn take(&mut self, batch: &RecordBatch) -> Result<u64, ExportError> {
        let times = batch.column(0).as_primitive::<TimestampMicrosecondType>();
        let identities = batch.column(1).as_fixed_size_binary();
        let [accounts, regions, formats, raws] = [2, 3, 4, 5].map(|at| batch.column(at).as_string::<i32>());
        let wanted = self.options.from_ms.saturating_mul(1_000)..self.options.to_ms.saturating_mul(1_000);
        let mut n = 0;
        for row in 0..batch.num_rows() {
            let time_us = times.value(row);
            if !wanted.contains(&time_us) {
                continue;
            }
            let day = i32::try_from(time_us.div_euclid(DAY_US)).unwrap_or(i32::MAX);
            let key = Key { region: region(text(regions, row)), account: account(text(accounts, row)), day };
            let identity = identities.value(row).try_into().unwrap_or_default();
            self.wait(key, (time_us, identity), text(formats, row), text(raws, row));
            n += 1;
            if self.bytes > self.options.memory_bytes {
                self.shrink(self.options.memory_bytes / 2)?;
            }
        }
        Ok(n)
    }

    fn wait(&mut self, key: Key, (time_us, identity): (i64, [u8; 16]), format: &str, raw: &str) {
        let (waiting, mut bytes) = match self.waiting.entry(key) {
            Entry::Occupied(have) => (have.into_mut(), 0),
            Entry::Vacant(new) => (new.insert(Waiting::default()), PARTITION_BYTES),
        };
        if waiting.formats.last().is_none_or(|last| last != format) {
            waiting.formats.push(format.to_owned());
            bytes += format.len() + size_of::<String>();
        }
        let begin = waiting.texts.len();
        waiting.texts.push_str(raw);
        let (text, format) = (begin..waiting.texts.len(), waiting.formats.len() - 1);
        waiting.rows.push(Row { time_us, identity, text, format });
        bytes += raw.len() + size_of::<Row>();
        waiting.bytes += bytes;
        self.bytes += bytes;
    }

    /// Writes partitions, the largest first, until what waits takes no more than so many bytes.
    fn shrink(&mut self, bytes_max: usize) -> Result<(), ExportError> {
        let mut keys: Vec<(Reverse<usize>, Key)> =
            self.waiting.iter().map(|(key, waiting)| (Reverse(waiting.bytes), key.clone())).collect();
        keys.sort_unstable();
        for (Reverse(bytes), key) in keys {
            if self.bytes <= bytes_max {
                break;
            }
            let waiting = self.waiting.remove(&key).unwrap_or_default();
            self.bytes -= bytes;
            self.write(&key, waiting)?;
        }
        Ok(())
    }

    /// Writes the records of a partition, a file a class.
    fn write(&mut self, key: &Key, mut waiting: Waiting) -> Result<(), ExportError> {
        waiting.rows.sort_unstable_by_key(|row| (row.time_us, row.identity));
        let mut writers: BTreeMap<i64, Writer> = BTreeMap::new();
        for rows in chunks(&waiting.rows) {
            let mut by_class: BTreeMap<i64, (Vec<[u8; 16]>, Vec<Json>)> = BTreeMap::new();
            for row in rows {
                let event = (self.project)(&waiting.formats[row.format], &waiting.texts[row.text.clone()]);
                let (identities, events) = by_class.entry(event["class_uid"].as_i64().unwrap_or(0)).or_default();
                identities.push(row.identity);
                events.push(event);
            }
            for (class, (identities, events)) in by_class {
                let shape = self.shapes.entry(class).or_insert_with(|| Shape::new(self.mapping, class));
                let writer = match writers.entry(class) {
                    Entry::Occupied(have) => have.into_mut(),
                    Entry::Vacant(new) => {
                        new.insert(Writer::create(&self.folder.join(place(self.mapping, class, key)), shape)?)
                    }
                };
                writer.write(&identities, &shape.batch(&events))?;
            }
        }
        for writer in writers.into_values() {
            let (rows, bytes) = writer.finish()?;
            self.done.rows += rows;
            self.done.bytes += bytes;
            self.done.files += 1;
        }
        Ok(())
    }
}

/// The folder of a class in a partition.
fn place(mapping: &Mapping, class: i64, key: &Key) -> PathBuf {
    let day = crate::write::date(key.day).replace('-', "");
    let source = format!("{}_{class}", mapping.source);
    let parts = [format!("region={}", key.region), format!("accountId={}", key.account), format!("eventDay={day}")];
    Path::new("ext").join(source).join(parts.iter().collect::<PathBuf>())
}

/// The rows in pieces that are neither too many nor too long.
fn chunks(mut rows: &[Row]) -> impl Iterator<Item = &[Row]> {
    std::iter::from_fn(move || {
        let mut bytes = 0;
        let is_over = |row: &Row| {
            bytes += row.text.len();
            bytes > CHUNK_BYTES
        };
        let n = rows.iter().take(CHUNK_ROWS).position(is_over).unwrap_or(CHUNK_ROWS).clamp(1, rows.len().max(1));
        let (chunk, rest) = rows.split_at_checked(n)?;
        rows = rest;
        Some(chunk)
    })
}

fn text(texts: &StringArray, row: usize) -> &str {
    if texts.is_null(row) { "" } else { texts.value(row) }
}

/// A Region as it stands in a path. What no Region can be called must not become part of one.
fn region(text: &str) -> String {
    let is_region = (1..=32).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    if is_region { text.to_owned() } else { NO_REGION.to_owned() }
}

/// An account as it stands in a path.
fn account(text: &str) -> String {
    let is_account = text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit());
    if is_account { text.to_owned() } else { EXTERNAL.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_record_says_leads_nowhere_else() {
        for text in ["", "..", "a/b", "../../etc", "EU-WEST-1", "eu west", "eu_west_1", &"a".repeat(33)] {
            assert_eq!(region(text), "unknown", "{text}");
        }
        assert_eq!(region("us-gov-west-1"), "us-gov-west-1");
        for text in ["", "..", "11112222333", "1111222233334", "11112222333a", "１1112222"] {
            assert_eq!(account(text), "external", "{text}");
        }
        assert_eq!(account("111122223333"), "111122223333");
    }

    #[test]
    fn chunks_have_all_rows_in_their_order() {
        let row = |begin: usize, n: usize| Row {
            time_us: begin as i64,
            identity: [0; 16],
            text: begin..begin + n,
            format: 0,
        };
        let sizes = [10, CHUNK_BYTES, 1, CHUNK_BYTES + 1, 7, 7];
        let mut rows: Vec<Row> = sizes.iter().map(|n| row(0, *n)).collect();
        let lengths: Vec<usize> = chunks(&rows).map(<[Row]>::len).collect();
        assert_eq!(lengths, [1, 1, 1, 1, 2], "each is as long as it may be, and one row at least");
        rows.extend((0..2 * CHUNK_ROWS).map(|_| row(0, 1)));
        assert_eq!(chunks(&rows).map(<[Row]>::len).sum::<usize>(), rows.len());
        assert_eq!(chunks(&rows).map(<[Row]>::len).max(), Some(CHUNK_ROWS));
        assert_eq!(chunks(&[]).count(), 0);
    }
}
