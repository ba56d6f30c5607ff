//! Small files of a day into large ones.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashSet};
use std::sync::Arc;

use arrow::array::{AsArray, RecordBatch};
use arrow::compute::interleave_record_batch;
use arrow::datatypes::{SchemaRef, TimestampMicrosecondType};
use futures::StreamExt;
use iceberg::spec::{DataFile, Operation};

use super::FileChange;
use crate::def::{TIME, TableDef};
use crate::error::{FileError, MaintainError, ReadError};
use crate::file::{self, Batches, unreadable};
use crate::identity::RowAt;
use crate::metadata::{self, SORTED};
use crate::snapshot::{Entry, Snapshot};
use crate::table::Table;
use crate::write::{self, CHUNK_ROWS, GROUP_ROWS, Plan, Writer};

const WHAT: &str = "compact";
/// Rows of one such batch.
const BATCH_ROWS: usize = 1_024;
/// How often the results of one pass are merged further.
const PASSES: usize = 4;

/// What is to be compacted, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompactOptions {
    /// How large files should become, in bytes. One that has three quarters of it is left alone.
    pub bytes_target: u64,
    /// How many rows a file may have.
    pub rows_max: u64,
    /// Fewer small files of a day than this are left as they are.
    pub files_min: usize,
    /// Files that are merged at once; each has a batch and the packed columns of a row group in memory.
    pub fan_in: usize,
    /// The level of zstd.
    pub level: i32,
    /// Only days that have begun at this time or later, in milliseconds.
    pub from_ms: i64,
    /// Only days that have begun before this time, in milliseconds.
    pub to_ms: i64,
}

impl Default for CompactOptions {
    fn default() -> Self {
        Self {
            bytes_target: 256 << 20,
            rows_max: 8 << 20,
            files_min: 2,
            fan_in: 32,
            level: 9,
            from_ms: i64::MIN,
            to_ms: i64::MAX,
        }
    }
}

/// What a compaction did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Compacted {
    /// Replace commits.
    pub commits: u64,
    /// Files that were replaced.
    pub files_before: u64,
    /// Files that replace them.
    pub files_after: u64,
    /// Bytes of the files that were replaced.
    pub bytes_before: u64,
    /// Bytes of the files that replace them.
    pub bytes_after: u64,
    /// Rows that were moved.
    pub rows: u64,
    /// Days left for the next time, since others changed the very files meanwhile.
    pub given_up: Vec<i32>,
}

impl Table {
    /// Merges small files of each day into large ones, sorted by time. Rows stay what they are, and readers of older snapshots keep their files.
    ///
    /// # Errors
    /// When a file cannot be read or written, or the commit fails. What was committed before stays.
    pub fn compact(&self, options: &CompactOptions) -> Result<Compacted, MaintainError> {
        self.compact_until(options, &|| false)
    }

    /// The same until it is told to stop: what was being written then is dropped, what was committed stays.
    ///
    /// # Errors
    /// As for [`Table::compact`].
    pub fn compact_until(
        &self,
        options: &CompactOptions,
        is_stopped: &dyn Fn() -> bool,
    ) -> Result<Compacted, MaintainError> {
        self.writable(WHAT)?;
        let mut done = Compacted::default();
        for _ in 0..PASSES {
            let snapshot = self.current().map_err(|err| MaintainError::Read { what: WHAT, err })?;
            let groups = groups(&snapshot, options, &done.given_up)?;
            if groups.is_empty() {
                break;
            }
            for (day, group) in groups {
                if is_stopped() {
                    return Ok(done);
                }
                self.merge(&snapshot, day, &group, (options, is_stopped), &mut done)?;
            }
        }
        Ok(done)
    }

    fn merge(
        &self,
        snapshot: &Snapshot,
        day: i32,
        group: &[Arc<Entry>],
        (options, is_stopped): (&CompactOptions, &dyn Fn() -> bool),
        done: &mut Compacted,
    ) -> Result<(), MaintainError> {
        let unsupported =
            |what| MaintainError::Read { what: WHAT, err: ReadError::Unsupported { table: self.name.clone(), what } };
        let schema = metadata::file_schema(snapshot.base.metadata.current_schema()).map_err(unsupported)?;
        let def = metadata::def_of(&self.name, &snapshot.base.metadata).map_err(unsupported)?;
        let output = Output { table: self, def: &def, schema: &schema, day, options, is_stopped };
        let removed: HashSet<String> = group.iter().map(|e| e.file.file_path().to_owned()).collect();
        let n_live = |now: &Snapshot| -> Result<usize, MaintainError> {
            let live = now.entries(i64::MIN, i64::MAX).map_err(|err| MaintainError::Read { what: WHAT, err })?;
            Ok(live.iter().filter(|e| removed.contains(e.file.file_path())).count())
        };
        let added = match output.write(group) {
            Ok(Some(added)) => added,
            Ok(None) => return Ok(()),
            // Another compaction replaced them, and expiry deleted them.
            Err(_) if self.current().is_ok_and(|now| n_live(&now).is_ok_and(|n| n < removed.len())) => {
                done.given_up.push(day);
                return Ok(());
            }
            Err(err) => return Err(MaintainError::File { what: WHAT, err }),
        };
        let committed = self.commit_files(WHAT, &Operation::Replace, |now| {
            Ok((n_live(now)? == removed.len())
                .then(|| (FileChange { added: added.clone(), removed: removed.clone(), counted: BTreeMap::new() }, ())))
        })?;
        if committed.is_none() {
            for file in &added {
                // Nothing refers to it; it stays as an orphan if it cannot be deleted.
                let _orphan = self.shared.store.delete(file.file_path());
            }
            done.given_up.push(day);
            return Ok(());
        }
        done.commits += 1;
        done.files_before += group.len() as u64;
        done.files_after += added.len() as u64;
        done.bytes_before += group.iter().map(|e| e.file.file_size_in_bytes()).sum::<u64>();
        done.bytes_after += added.iter().map(DataFile::file_size_in_bytes).sum::<u64>();
        done.rows += added.iter().map(DataFile::record_count).sum::<u64>();
        Ok(())
    }
}

/// Files of a day that become one.
type Group = (i32, Vec<Arc<Entry>>);

/// Which files are merged with which: neighbours in time, of one day, as many as make one large file.
fn groups(snapshot: &Snapshot, options: &CompactOptions, given_up: &[i32]) -> Result<Vec<Group>, MaintainError> {
    let mut days: BTreeMap<i32, Vec<Arc<Entry>>> = BTreeMap::new();
    for entry in snapshot.entries(i64::MIN, i64::MAX).map_err(|err| MaintainError::Read { what: WHAT, err })? {
        // A foreign file without a day may hold rows of several, so it is left alone.
        let Some(day) = entry.day().filter(|day| !given_up.contains(day)) else { continue };
        let begins_ms = i64::from(day) * super::DAY_MS;
        let is_small = entry.file.file_size_in_bytes() < options.bytes_target / 4 * 3
            && entry.file.record_count() < options.rows_max / 4 * 3;
        if is_small && begins_ms >= options.from_ms && begins_ms < options.to_ms {
            days.entry(day).or_default().push(entry);
        }
    }
    let time = snapshot.base.metadata.current_schema().field_id_by_name(TIME).unwrap_or(0);
    let mut groups = Vec::new();
    for (day, mut small) in days.into_iter().filter(|(_, small)| small.len() >= options.files_min.max(2)) {
        let first = |e: &Arc<Entry>| e.file.lower_bounds().get(&time).map(iceberg::spec::Datum::to_string);
        small.sort_by(|a, b| (first(a), a.file.file_path()).cmp(&(first(b), b.file.file_path())));
        let mut group: Vec<Arc<Entry>> = Vec::new();
        let mut bytes = 0;
        for entry in small {
            let size = entry.file.file_size_in_bytes();
            if !group.is_empty() && (group.len() >= options.fan_in.max(2) || bytes + size > options.bytes_target) {
                groups.push((day, std::mem::take(&mut group)));
                bytes = 0;
            }
            bytes += size;
            group.push(entry);
        }
        groups.push((day, group));
    }
    groups.retain(|(_, group)| group.len() > 1);
    Ok(groups)
}

/// The files that replace a group.
struct Output<'a> {
    table: &'a Table,
    def: &'a TableDef,
    schema: &'a SchemaRef,
    day: i32,
    options: &'a CompactOptions,
    is_stopped: &'a dyn Fn() -> bool,
}

impl Output<'_> {
    /// The files; nothing if it was told to stop.
    fn write(&self, group: &[Arc<Entry>]) -> Result<Option<Vec<DataFile>>, FileError> {
        let expected: u64 = group.iter().map(|e| e.file.record_count()).sum();
        let mut merge = Merge::begin(self.table, self.schema, group)?;
        let mut files: Vec<DataFile> = Vec::new();
        let mut writer: Option<Writer<'_>> = None;
        let mut n_rows = 0;
        while let Some(batch) = merge.next()? {
            if (self.is_stopped)() {
                for file in &files {
                    // Nothing refers to it; it stays as an orphan if it cannot be deleted.
                    let _orphan = self.table.shared.store.delete(file.file_path());
                }
                return Ok(None);
            }
            if writer.as_ref().is_some_and(|w| w.n_bytes() as u64 >= self.options.bytes_target)
                || n_rows >= self.options.rows_max
            {
                files.extend(writer.take().map(Writer::finish).transpose()?);
                n_rows = 0;
            }
            n_rows += batch.num_rows() as u64;
            let plan = Plan {
                def: self.def,
                schema: self.schema,
                day: self.day,
                level: self.options.level,
                n_rows: usize::try_from(expected).unwrap_or(GROUP_ROWS),
            };
            match &mut writer {
                Some(writer) => writer.write(&batch)?,
                None => writer.insert(Writer::create(&self.table.shared, &plan)?).write(&batch)?,
            }
        }
        files.extend(writer.map(Writer::finish).transpose()?);
        let written: u64 = files.iter().map(DataFile::record_count).sum();
        if written != expected {
            let why = format!("its group holds {written} rows where the table says {expected}");
            return Err(FileError::Content { location: group[0].file.file_path().to_owned(), why });
        }
        Ok(Some(files))
    }
}

/// The rows of several files by time.
struct Merge<'a> {
    table: &'a Table,
    schema: &'a SchemaRef,
    sources: Vec<Source>,
    /// The next row of each source that has one.
    heads: BinaryHeap<Reverse<(i64, usize)>>,
    /// The batches that rows were taken from and not yet handed on, after the current batch of each source.
    held: Vec<RecordBatch>,
}

struct Source {
    entry: Arc<Entry>,
    batches: From,
    /// Where its current batch is among those held; beyond them if it has none.
    at: usize,
    row: usize,
    last_us: i64,
}

enum From {
    /// A file that is sorted, as it comes.
    Stream(Box<Batches>),
    /// Another engine's file that is not, put in order.
    Memory(std::vec::IntoIter<RecordBatch>),
}

impl<'a> Merge<'a> {
    fn begin(table: &'a Table, schema: &'a SchemaRef, group: &[Arc<Entry>]) -> Result<Self, FileError> {
        let mut merge = Self { table, schema, sources: Vec::new(), heads: BinaryHeap::new(), held: Vec::new() };
        for entry in group {
            let stream = table.shared.store.wait(file::open(&table.shared.store, entry, None, BATCH_ROWS))?;
            let is_sorted = entry.file.sort_order_id().map(i64::from) == Some(SORTED);
            let batches = if is_sorted {
                From::Stream(Box::new(stream))
            } else {
                From::Memory(merge.in_order(entry, stream)?.into_iter())
            };
            merge.sources.push(Source { entry: Arc::clone(entry), batches, at: usize::MAX, row: 0, last_us: i64::MIN });
            merge.advance(merge.sources.len() - 1)?;
        }
        Ok(merge)
    }

    fn in_order(&self, entry: &Arc<Entry>, mut stream: Batches) -> Result<Vec<RecordBatch>, FileError> {
        let (mut batches, mut rows) = (Vec::new(), Vec::new());
        while let Some(batch) = self.table.shared.store.wait(stream.next()) {
            let batch = self.fit(entry, &batch.map_err(|err| unreadable(entry, err))?)?;
            let number = u32::try_from(batches.len()).unwrap_or(u32::MAX);
            rows.extend(times(&batch).iter().zip(0..).map(|(time_us, row)| RowAt {
                batch: number,
                row,
                time_us: *time_us,
            }));
            batches.push(batch);
        }
        rows.sort_by_key(|at| at.time_us);
        let arranged: Result<Vec<RecordBatch>, _> = write::arranged(&batches, &rows).collect();
        arranged.map_err(|err| FileError::Arrange { location: entry.file.file_path().to_owned(), err })
    }

    fn fit(&self, entry: &Entry, batch: &RecordBatch) -> Result<RecordBatch, FileError> {
        write::conform(batch, self.schema)
            .map_err(|why| FileError::Content { location: entry.file.file_path().to_owned(), why })
    }

    /// The next chunk of rows; nothing at the end.
    fn next(&mut self) -> Result<Option<RecordBatch>, FileError> {
        let mut taken: Vec<(usize, usize)> = Vec::with_capacity(CHUNK_ROWS);
        while taken.len() < CHUNK_ROWS {
            let Some(Reverse((_, number))) = self.heads.pop() else { break };
            let source = &mut self.sources[number];
            taken.push((source.at, source.row));
            source.row += 1;
            self.advance(number)?;
        }
        if taken.is_empty() {
            return Ok(None);
        }
        let held: Vec<&RecordBatch> = self.held.iter().collect();
        let chunk = interleave_record_batch(&held, &taken)
            .map_err(|err| FileError::Arrange { location: self.sources[0].entry.file.file_path().to_owned(), err })?;
        self.release();
        Ok(Some(chunk))
    }

    /// Puts a source's next row among the heads, reading its next batch if it must.
    fn advance(&mut self, number: usize) -> Result<(), FileError> {
        let has_row = |source: &Source, held: &[RecordBatch]| {
            held.get(source.at).is_some_and(|batch| source.row < batch.num_rows())
        };
        while !has_row(&self.sources[number], &self.held) {
            let Some(batch) = self.read(number)? else { return Ok(()) };
            let source = &mut self.sources[number];
            (source.at, source.row) = (self.held.len(), 0);
            self.held.push(batch);
        }
        let source = &mut self.sources[number];
        let time_us = times(&self.held[source.at])[source.row];
        if time_us < source.last_us {
            let why = "it claims to be sorted by time and is not".to_owned();
            return Err(FileError::Content { location: source.entry.file.file_path().to_owned(), why });
        }
        source.last_us = time_us;
        self.heads.push(Reverse((time_us, number)));
        Ok(())
    }

    fn read(&mut self, number: usize) -> Result<Option<RecordBatch>, FileError> {
        let source = &mut self.sources[number];
        match &mut source.batches {
            From::Memory(batches) => Ok(batches.next()),
            From::Stream(stream) => {
                let Some(batch) = self.table.shared.store.wait(stream.next()) else { return Ok(None) };
                let batch = batch.map_err(|err| unreadable(&source.entry, err))?;
                self.fit(&self.sources[number].entry, &batch).map(Some)
            }
        }
    }

    /// Lets go of the batches of which no row is left.
    fn release(&mut self) {
        let mut kept = Vec::with_capacity(self.sources.len());
        for source in &mut self.sources {
            if let Some(batch) = self.held.get(source.at).filter(|batch| source.row < batch.num_rows()) {
                kept.push(batch.clone());
                source.at = kept.len() - 1;
            } else {
                source.at = usize::MAX;
            }
        }
        self.held = kept;
    }
}

fn times(batch: &RecordBatch) -> &[i64] {
    let column = batch.column_by_name(TIME).expect("every batch was made to fit the table's schema");
    column.as_primitive::<TimestampMicrosecondType>().values()
}
