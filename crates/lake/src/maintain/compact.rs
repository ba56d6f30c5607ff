//! Small files of a day into large ones.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashSet};
use std::ops::Range;
use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::compute::interleave_record_batch;
use arrow::datatypes::{FieldRef, Schema, SchemaRef, TimestampMicrosecondType};
use arrow::error::ArrowError;
use futures::StreamExt;
use iceberg::spec::{DataFile, Operation};
use parquet::arrow::arrow_reader::ArrowReaderMetadata;
use parquet::file::metadata::ColumnChunkMetaData;

use super::FileChange;
use crate::def::{TIME, TableDef};
use crate::error::{FileError, MaintainError, ReadError};
use crate::file::{self, Batches, unreadable};
use crate::identity::RowAt;
use crate::metadata::{self, SORTED};
use crate::snapshot::{Entry, Snapshot};
use crate::table::Table;
use crate::write::{self, CHUNK_ROWS, GROUP_ROWS, Group, Plan, Writer};

const WHAT: &str = "compact";
/// Rows of a batch that is read of a file.
const BATCH_ROWS: usize = 1_024;
/// What the pages and dictionaries of the columns that are moved at a time may take in memory, about, and what those of a column of a file take at most.
const COLUMNS_BYTES: usize = 24 << 20;
const COLUMN_BYTES_MAX: usize = 2 << 20;
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
    /// Rows of a row group.
    pub group_rows: usize,
    /// Files that are merged at once.
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
            group_rows: GROUP_ROWS,
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

/// Files of a day that become one or few.
type Merged = (i32, Vec<Arc<Entry>>);

/// Which files are merged with which: neighbours in time, of one day, as many as make one large file.
fn groups(snapshot: &Snapshot, options: &CompactOptions, given_up: &[i32]) -> Result<Vec<Merged>, MaintainError> {
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
    let time = snapshot.base.time().unwrap_or(0);
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
        let sources = group.iter().map(|entry| self.source(entry)).collect::<Result<Vec<_>, _>>()?;
        let order = self.order(&sources)?;
        if order.len() as u64 != expected {
            let why = format!("its group holds {} rows where the table says {expected}", order.len());
            return Err(FileError::Content { location: group[0].file.file_path().to_owned(), why });
        }
        let slices = self.slices(&sources);
        let plan = Plan {
            def: self.def,
            schema: self.schema,
            day: self.day,
            level: self.options.level,
            n_rows: order.len().min(self.options.group_rows),
        };
        let rows_max = usize::try_from(self.options.rows_max).unwrap_or(usize::MAX).max(1);
        let (mut files, mut writer, mut n_rows) = (Vec::new(), None::<Writer<'_>>, 0);
        // How many rows of each source are written.
        let mut begin = vec![0; sources.len()];
        for part in order.chunks(self.options.group_rows.clamp(1, rows_max)) {
            if writer.as_ref().is_some_and(|w| w.n_bytes() as u64 >= self.options.bytes_target) || n_rows >= rows_max {
                files.extend(writer.take().map(Writer::finish).transpose()?);
                n_rows = 0;
            }
            let to = match &mut writer {
                Some(writer) => writer,
                None => writer.insert(Writer::create(&self.table.shared, &plan)?),
            };
            let mut row_group = to.group()?;
            for fields in &slices {
                if !self.copy((&sources, &begin), part, fields, &mut row_group)? {
                    for file in &files {
                        // Nothing refers to it; it stays as an orphan if it cannot be deleted.
                        let _orphan = self.table.shared.store.delete(DataFile::file_path(file));
                    }
                    return Ok(None);
                }
            }
            to.append(row_group)?;
            part.iter().for_each(|source| begin[usize::from(*source)] += 1);
            n_rows += part.len();
        }
        files.extend(writer.map(Writer::finish).transpose()?);
        Ok(Some(files))
    }

    /// Copies some columns of a row group; false if it was told to stop.
    fn copy(
        &self,
        (sources, begin): (&[Source], &[usize]),
        part: &[u16],
        fields: &[FieldRef],
        to: &mut Group,
    ) -> Result<bool, FileError> {
        let mut columns = to.next(fields.len());
        let mut merge = Merge::begin(self, (sources, begin), part, fields)?;
        for chunk in part.chunks(CHUNK_ROWS) {
            if (self.is_stopped)() {
                return Ok(false);
            }
            columns.write(merge.next(chunk)?.columns())?;
        }
        to.end(columns)?;
        Ok(true)
    }

    fn source(&self, entry: &Arc<Entry>) -> Result<Source, FileError> {
        let store = &self.table.shared.store;
        let metadata = store.wait(file::pages(store, entry))?;
        let is_unknown = |field: &&FieldRef| self.schema.column_with_name(field.name()).is_none();
        if let Some(extra) = metadata.schema().fields().iter().find(is_unknown) {
            let why = format!("the table has no column `{}`", extra.name());
            return Err(FileError::Content { location: entry.file.file_path().to_owned(), why });
        }
        let is_sorted = entry.file.sort_order_id().map(i64::from) == Some(SORTED);
        let rows = if is_sorted {
            Rows::File(Box::new(metadata))
        } else {
            let stream = store.wait(file::open(store, entry, None, BATCH_ROWS))?;
            Rows::Memory(self.in_order(entry, stream)?)
        };
        Ok(Source { entry: Arc::clone(entry), rows })
    }

    /// The rows of a file that are not in order, in order.
    fn in_order(&self, entry: &Entry, mut stream: Batches) -> Result<Vec<RecordBatch>, FileError> {
        let (mut batches, mut rows) = (Vec::new(), Vec::new());
        while let Some(batch) = self.table.shared.store.wait(stream.next()) {
            let batch = fit(entry, &batch.map_err(|err| unreadable(entry, err))?, self.schema)?;
            let number = u32::try_from(batches.len()).unwrap_or(u32::MAX);
            let of = |(time_us, row): (&i64, u32)| RowAt { batch: number, row, time_us: *time_us };
            rows.extend(times(&batch).iter().zip(0..).map(of));
            batches.push(batch);
        }
        rows.sort_by_key(|at| at.time_us);
        let columns: Vec<Vec<&dyn Array>> =
            (0..self.schema.fields().len()).map(|number| write::column(&batches, number)).collect();
        let arranged = write::chunks(&rows).into_iter().map(|chunk| {
            let arrays = columns.iter().map(|column| chunk.of(column)).collect::<Result<Vec<_>, _>>()?;
            RecordBatch::try_new(Arc::clone(self.schema), arrays)
        });
        arranged.collect::<Result<_, _>>().map_err(|err| arrange(entry, err))
    }

    /// The number of the source that each row comes from, by time.
    fn order(&self, sources: &[Source]) -> Result<Vec<u16>, FileError> {
        let fields: Vec<FieldRef> = self.schema.fields().iter().filter(|field| field.name() == TIME).cloned().collect();
        let mut heads = BinaryHeap::new();
        let mut times = sources.iter().map(|s| Times::begin(self, s, &fields)).collect::<Result<Vec<_>, _>>()?;
        for (number, times) in (0..).zip(&mut times) {
            heads.extend(times.next()?.map(|time_us| Reverse((time_us, number))));
        }
        let mut order = Vec::new();
        while let Some(Reverse((_, number))) = heads.pop() {
            order.push(number);
            let next = times[usize::from(number)].next()?;
            heads.extend(next.map(|time_us| Reverse((time_us, number))));
        }
        Ok(order)
    }

    /// The columns, as many at a time as there is memory for.
    fn slices(&self, sources: &[Source]) -> Vec<Vec<FieldRef>> {
        let mut slices: Vec<Vec<FieldRef>> = Vec::new();
        let mut bytes = usize::MAX;
        for field in self.schema.fields() {
            let own: usize = sources.iter().map(|source| source.bytes(field.name())).sum();
            match slices.last_mut().filter(|_| bytes.saturating_add(own) <= COLUMNS_BYTES) {
                Some(slice) => {
                    slice.push(Arc::clone(field));
                    bytes += own;
                }
                None => {
                    slices.push(vec![Arc::clone(field)]);
                    bytes = own;
                }
            }
        }
        slices
    }
}

/// A file that is merged.
struct Source {
    entry: Arc<Entry>,
    rows: Rows,
}

enum Rows {
    /// A file that is sorted.
    File(Box<ArrowReaderMetadata>),
    /// Another engine's file that is not, put in order.
    Memory(Vec<RecordBatch>),
}

impl Source {
    /// About what a page and a dictionary of a column take.
    fn bytes(&self, column: &str) -> usize {
        let Rows::File(metadata) = &self.rows else { return 0 };
        let of = |column: &ColumnChunkMetaData| {
            usize::try_from(column.uncompressed_size()).unwrap_or(0).min(COLUMN_BYTES_MAX)
        };
        let is_of =
            |chunk: &&ColumnChunkMetaData| chunk.column_path().parts().first().is_some_and(|root| root == column);
        let groups = metadata.metadata().row_groups();
        groups.iter().map(|group| group.columns().iter().filter(is_of).map(of).sum()).max().unwrap_or(0)
    }

    /// Some columns of some rows.
    fn open(
        &self,
        table: &Table,
        fields: &[FieldRef],
        rows: Range<usize>,
        batch_rows: usize,
    ) -> Result<Stream, FileError> {
        match &self.rows {
            Rows::Memory(batches) => Ok(Stream::Memory(cut(batches, fields, rows).into_iter())),
            Rows::File(metadata) => {
                let stream = file::open_rows(&table.shared.store, &self.entry, metadata, fields, rows, batch_rows)?;
                Ok(Stream::File(Box::new(stream)))
            }
        }
    }
}

/// These columns of these rows.
fn cut(batches: &[RecordBatch], fields: &[FieldRef], rows: Range<usize>) -> Vec<RecordBatch> {
    let (mut cut, mut at) = (Vec::new(), 0);
    for batch in batches {
        let (begin, end) = (rows.start.clamp(at, at + batch.num_rows()), rows.end.clamp(at, at + batch.num_rows()));
        if begin < end {
            let columns: Vec<usize> =
                fields.iter().filter_map(|f| batch.schema_ref().index_of(f.name()).ok()).collect();
            let some = batch.project(&columns).expect("the columns were just found");
            cut.push(some.slice(begin - at, end - begin));
        }
        at += batch.num_rows();
    }
    cut
}

/// Batches of a source.
enum Stream {
    File(Box<Batches>),
    Memory(std::vec::IntoIter<RecordBatch>),
}

impl Stream {
    fn next(&mut self, table: &Table, entry: &Entry, schema: &SchemaRef) -> Result<Option<RecordBatch>, FileError> {
        let batch = match self {
            Stream::Memory(batches) => batches.next(),
            Stream::File(stream) => {
                table.shared.store.wait(stream.next()).transpose().map_err(|err| unreadable(entry, err))?
            }
        };
        batch.map(|batch| fit(entry, &batch, schema)).transpose()
    }
}

/// The times of a source, in order.
struct Times<'a> {
    table: &'a Table,
    source: &'a Source,
    schema: SchemaRef,
    stream: Stream,
    batch: Option<RecordBatch>,
    row: usize,
    last_us: i64,
}

impl<'a> Times<'a> {
    fn begin(of: &Output<'a>, source: &'a Source, fields: &[FieldRef]) -> Result<Self, FileError> {
        let n_rows = usize::try_from(source.entry.file.record_count()).unwrap_or(usize::MAX);
        let stream = source.open(of.table, fields, 0..n_rows, CHUNK_ROWS)?;
        let schema = Arc::new(Schema::new(fields.to_vec()));
        Ok(Self { table: of.table, source, schema, stream, batch: None, row: 0, last_us: i64::MIN })
    }

    fn next(&mut self) -> Result<Option<i64>, FileError> {
        let entry = &self.source.entry;
        while self.batch.as_ref().is_none_or(|batch| self.row == batch.num_rows()) {
            self.batch = self.stream.next(self.table, entry, &self.schema)?;
            self.row = 0;
            if self.batch.is_none() {
                return Ok(None);
            }
        }
        let time_us = self.batch.as_ref().map_or(i64::MAX, |batch| times(batch)[self.row]);
        if time_us < self.last_us {
            let why = "it claims to be sorted by time and is not".to_owned();
            return Err(FileError::Content { location: entry.file.file_path().to_owned(), why });
        }
        self.row += 1;
        self.last_us = time_us;
        Ok(Some(time_us))
    }
}

/// Some columns of the rows of several files, as they are called for.
struct Merge<'a> {
    table: &'a Table,
    schema: SchemaRef,
    inputs: Vec<Input<'a>>,
    /// The batches that rows are taken from and not yet handed on.
    held: Vec<RecordBatch>,
}

struct Input<'a> {
    entry: &'a Entry,
    stream: Stream,
    /// Where its current batch is among those held; beyond them if it has none.
    at: usize,
    row: usize,
}

impl<'a> Merge<'a> {
    fn begin(
        of: &Output<'a>,
        (sources, begin): (&'a [Source], &[usize]),
        part: &[u16],
        fields: &[FieldRef],
    ) -> Result<Self, FileError> {
        let mut n_rows = vec![0; sources.len()];
        part.iter().for_each(|source| n_rows[usize::from(*source)] += 1);
        let mut inputs = Vec::with_capacity(sources.len());
        for ((source, begin), n) in sources.iter().zip(begin).zip(n_rows) {
            let stream = source.open(of.table, fields, *begin..begin + n, BATCH_ROWS)?;
            inputs.push(Input { entry: &source.entry, stream, at: usize::MAX, row: 0 });
        }
        Ok(Self { table: of.table, schema: Arc::new(Schema::new(fields.to_vec())), inputs, held: Vec::new() })
    }

    /// The next row of each of these sources.
    fn next(&mut self, chunk: &[u16]) -> Result<RecordBatch, FileError> {
        let mut taken: Vec<(usize, usize)> = Vec::with_capacity(chunk.len());
        for number in chunk {
            let input = &mut self.inputs[usize::from(*number)];
            while self.held.get(input.at).is_none_or(|batch| input.row == batch.num_rows()) {
                let batch = input.stream.next(self.table, input.entry, &self.schema)?;
                let Some(batch) = batch else {
                    let why = "it has fewer rows than a moment ago".to_owned();
                    return Err(FileError::Content { location: input.entry.file.file_path().to_owned(), why });
                };
                (input.at, input.row) = (self.held.len(), 0);
                self.held.push(batch);
            }
            taken.push((input.at, input.row));
            input.row += 1;
        }
        let held: Vec<&RecordBatch> = self.held.iter().collect();
        let rows = interleave_record_batch(&held, &taken).map_err(|err| arrange(self.inputs[0].entry, err))?;
        self.release();
        Ok(rows)
    }

    /// Lets go of the batches of which no row is left.
    fn release(&mut self) {
        let mut kept = Vec::with_capacity(self.inputs.len());
        for input in &mut self.inputs {
            if let Some(batch) = self.held.get(input.at).filter(|batch| input.row < batch.num_rows()) {
                kept.push(batch.clone());
                input.at = kept.len() - 1;
            } else {
                input.at = usize::MAX;
            }
        }
        self.held = kept;
    }
}

fn fit(entry: &Entry, batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch, FileError> {
    write::conform(batch, schema).map_err(|why| FileError::Content { location: entry.file.file_path().to_owned(), why })
}

fn arrange(entry: &Entry, err: ArrowError) -> FileError {
    FileError::Arrange { location: entry.file.file_path().to_owned(), err }
}

fn times(batch: &RecordBatch) -> &[i64] {
    let column = batch.column_by_name(TIME).expect("every batch was made to fit the table's schema");
    column.as_primitive::<TimestampMicrosecondType>().values()
}
