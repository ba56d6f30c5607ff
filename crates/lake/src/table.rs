//! A table: rows in, snapshots out.

use std::collections::{BTreeMap, HashSet};
use std::ops::Range;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StringArray};
use arrow::datatypes::SchemaRef;
use iceberg::spec::{DataFile, Operation};

use crate::commit::{self, Change, Swapped};
use crate::def::{FLAGS, TableDef};
use crate::env::{Step, uuid};
use crate::error::{AppendError, CommitError, ReadError};
use crate::identity::{self, Day, Fate, RowAt};
use crate::lake::{Mode, Shared, Turn};
use crate::metadata;
use crate::snapshot::{self, Base, Entry, Snapshot, SnapshotInfo};
use crate::write::{self, GROUP_ROWS, LEVEL_FAST, Plan, Writer};

/// The flag of a row whose id another row has too, with other content.
const SAME_ID: &str = "same-id";

/// What happened before rows came here. Added to the table's counters in the commit that carries the rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Records that were read, whatever became of them: counter `in`.
    pub read: u64,
    /// Records that were refused: counter `rejected`.
    pub rejected: u64,
    /// Records that were set aside with their bytes: counter `quarantined`.
    pub quarantined: u64,
    /// More counters by name: small letters, digits, `-`.
    pub more: BTreeMap<String, u64>,
}

/// What an append did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Appended {
    /// Rows that are now in the table and were not before.
    pub rows: u64,
    /// Rows that were there already, or twice in the call, and were dropped.
    pub duplicates: u64,
    /// Rows among `rows` whose id another row has too, with other content. They are flagged.
    pub conflicts: u64,
    /// The commit; nothing if there was nothing to commit.
    pub snapshot: Option<i64>,
}

/// One table of a lake. Clones are the same table.
#[derive(Clone)]
pub struct Table {
    pub(crate) shared: Arc<Shared>,
    pub(crate) name: String,
    turn: Turn,
}

impl Table {
    pub(crate) fn new(shared: Arc<Shared>, name: String) -> Self {
        Self { shared, name, turn: Turn::default() }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The table as the catalog has it now.
    ///
    /// # Errors
    /// When catalog or metadata cannot be read.
    pub fn current(&self) -> Result<Snapshot, ReadError> {
        let base = self.base()?;
        let id = base.metadata.current_snapshot_id();
        Ok(Snapshot { shared: Arc::clone(&self.shared), table: self.name.clone(), base, id })
    }

    /// The table as it was after this commit.
    ///
    /// # Errors
    /// When the commit is unknown or has expired.
    pub fn at(&self, snapshot: i64) -> Result<Snapshot, ReadError> {
        let current = self.current()?;
        if current.base.metadata.snapshot_by_id(snapshot).is_none() {
            return Err(ReadError::NoSnapshot { table: self.name.clone(), id: snapshot });
        }
        Ok(Snapshot { id: Some(snapshot), ..current })
    }

    /// All commits that have not expired, oldest first.
    ///
    /// # Errors
    /// When catalog or metadata cannot be read.
    pub fn snapshots(&self) -> Result<Vec<SnapshotInfo>, ReadError> {
        let base = self.base()?;
        let mut all: Vec<_> = base.metadata.snapshots().collect();
        all.sort_by_key(|s| (s.sequence_number(), s.timestamp_ms()));
        Ok(all.into_iter().map(snapshot::info).collect())
    }

    /// The files of the current snapshot that may hold rows with `from_ms <= time < to_ms`.
    ///
    /// # Errors
    /// When catalog or metadata cannot be read.
    pub fn files(&self, from_ms: i64, to_ms: i64) -> Result<Vec<snapshot::LakeFile>, ReadError> {
        self.current()?.files(from_ms, to_ms)
    }

    /// Appends rows, each once however often it is given, and commits them with counters and positions.
    ///
    /// Rows that the table has on their UTC day, by `event_identity`, are dropped. Feeds' positions are laid over those that are there; an empty one removes its feed.
    /// A batch may lack columns of the table, which are then null.
    ///
    /// # Errors
    /// When nothing was committed. Appending the same again is always safe.
    pub fn append(
        &self,
        batches: Vec<RecordBatch>,
        counts: Counts,
        positions: &BTreeMap<String, String>,
    ) -> Result<Appended, AppendError> {
        if self.shared.mode == Mode::Read {
            return Err(AppendError::ReadOnly { table: self.name.clone() });
        }
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let mut append = Append::begin(self, batches, &counts)?;
        if append.days.is_empty() && counts == Counts::default() && positions.is_empty() {
            return Ok(Appended::default());
        }
        let commit_id = uuid(self.shared.env.as_ref()).to_string();
        for attempt in 0..self.shared.attempts {
            let outcome = append.attempt(&commit_id, &counts, positions);
            if let Ok(Some(done)) = outcome {
                return Ok(done);
            }
            let current = self.base().map_err(|err| append.failed(CommitError::Read { err }));
            match (outcome, current) {
                // Files that compaction replaced and expiry deleted are missed only by who builds on what was before.
                (Err(err), Ok(current)) if current.location == append.base.location || err.is_fault() => {
                    return Err(err);
                }
                (Err(err), Err(_)) | (Ok(_), Err(err)) => return Err(err),
                (_, Ok(current)) => {
                    // It came late, and what was written for it is in use.
                    if let Some(said) = commit::said_by(&current.metadata, &commit_id) {
                        return Ok(said);
                    }
                    append.base = current;
                }
            }
            self.shared.env.sleep(jitter(attempt, self.shared.env.random()));
        }
        Err(append.failed(CommitError::Contended { table: self.name.clone(), attempts: self.shared.attempts }))
    }

    pub(crate) fn base(&self) -> Result<Arc<Base>, ReadError> {
        commit::load(&self.shared, &self.name)?.ok_or_else(|| ReadError::Missing { table: self.name.clone() })
    }
}

impl std::fmt::Debug for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Table").field("name", &self.name).finish_non_exhaustive()
    }
}

/// How long to wait after so many lost races: longer each time, and not all equally long.
pub(crate) fn jitter(attempt: u32, random: u128) -> Duration {
    let ceiling_ms = 10_u64 << attempt.min(7);
    Duration::from_millis(ceiling_ms / 2 + (random as u64) % ceiling_ms)
}

/// One call of append, across its attempts.
struct Append<'a> {
    table: &'a Table,
    base: Arc<Base>,
    def: TableDef,
    schema: SchemaRef,
    batches: Vec<RecordBatch>,
    days: BTreeMap<i32, Day>,
    /// Files whose identities were compared with ours.
    seen: HashSet<String>,
    /// What was written for each day, with the conflicts flagged in it.
    written: BTreeMap<i32, DataFile>,
}

impl<'a> Append<'a> {
    fn begin(table: &'a Table, batches: Vec<RecordBatch>, counts: &Counts) -> Result<Self, AppendError> {
        let failed = |why| AppendError::Batch { table: table.name.clone(), why };
        let load = |err| AppendError::Commit { table: table.name.clone(), err: CommitError::Read { err } };
        if let Some(name) = counts.more.keys().find(|name| !commit::is_counter_name(name)) {
            return Err(failed(format!("`{name}` is no name for a counter")));
        }
        let base = table.base().map_err(load)?;
        let schema = metadata::file_schema(base.metadata.current_schema()).map_err(failed)?;
        let def = metadata::def_of(&table.name, &base.metadata).map_err(failed)?;
        let batches = batches
            .iter()
            .map(|batch| write::conform(batch, &schema))
            .collect::<Result<Vec<_>, _>>()
            .map_err(failed)?;
        let days = identity::by_day(&batches).map_err(failed)?;
        Ok(Self { table, base, def, schema, batches, days, seen: HashSet::new(), written: BTreeMap::new() })
    }

    /// Tries to commit on the base; nothing if another commit was faster.
    fn attempt(
        &mut self,
        commit_id: &str,
        counts: &Counts,
        positions: &BTreeMap<String, String>,
    ) -> Result<Option<Appended>, AppendError> {
        self.look_up()?;
        self.write()?;
        let count = |fate| self.days.values().map(|day| day.count(fate)).sum::<u64>();
        let (conflicts, duplicates) = (count(Fate::SameId), count(Fate::Duplicate));
        let mut counted = counts.more.clone();
        let ours = [
            ("in", counts.read),
            ("rejected", counts.rejected),
            ("quarantined", counts.quarantined),
            ("duplicates", duplicates),
            ("conflicts", conflicts),
        ];
        counted.extend(ours.map(|(name, n)| (name.to_owned(), n)));
        let added: Vec<DataFile> = self.written.values().cloned().collect();
        let change = Change {
            operation: Operation::Append,
            added: &added,
            removed: &HashSet::new(),
            commit_id,
            counted: &counted,
            positions,
        };
        let staged =
            commit::stage(&self.table.shared, &self.table.name, &self.base, &change).map_err(|err| self.failed(err))?;
        match commit::swap(&self.table.shared, &self.table.name, &self.base, staged, commit_id)
            .map_err(|err| self.failed(err))?
        {
            Swapped::Done { snapshot } => {
                for (day, file) in &self.written {
                    let identities = self.days.get(day).map(Day::kept_identities).unwrap_or_default();
                    self.table.shared.identities.put(file.file_path(), Arc::new(identities));
                }
                Ok(Some(Appended {
                    rows: count(Fate::New) + conflicts,
                    duplicates,
                    conflicts,
                    snapshot: Some(snapshot),
                }))
            }
            // An earlier attempt was taken although it seemed lost; its own summary says what it was.
            Swapped::Before(said) => Ok(Some(said)),
            Swapped::Lost => Ok(None),
        }
    }

    /// Compares our rows with those of the days' files that were not compared yet. What is written of a day whose rows now fare otherwise is void.
    fn look_up(&mut self) -> Result<(), AppendError> {
        let shared = &self.table.shared;
        let snapshot = Snapshot {
            shared: Arc::clone(shared),
            table: self.table.name.clone(),
            base: Arc::clone(&self.base),
            id: self.base.metadata.current_snapshot_id(),
        };
        let mut files = Vec::new();
        let (Some((first, _)), Some((last, _))) = (self.days.first_key_value(), self.days.last_key_value()) else {
            return Ok(());
        };
        let ms = |day: i32| i64::from(day) * 86_400_000;
        let entries = snapshot
            .entries(ms(*first), ms(*last) + 86_400_000)
            .map_err(|err| self.failed(CommitError::Read { err }))?;
        let close = self.close(&entries);
        for entry in entries {
            // A foreign file without a day may hold rows of any.
            let days: Vec<i32> = match entry.day() {
                Some(day) if self.days.contains_key(&day) => vec![day],
                Some(_) => Vec::new(),
                None => self.days.keys().copied().collect(),
            };
            let is_far = days
                .first()
                .and_then(|day| close.get(day))
                .is_some_and(|us| entry.day().is_some() && !snapshot::may_hold(&entry, self.base.time(), us.clone()));
            if !days.is_empty() && !is_far && self.seen.insert(entry.file.file_path().to_owned()) {
                files.extend(days.into_iter().map(|day| (day, Arc::clone(&entry))));
            }
        }
        let changed = identity::look_up(&shared.store, &shared.identities, &files, &mut self.days);
        for day in changed.map_err(|err| AppendError::Identities { table: self.table.name.clone(), err })? {
            // Nothing refers to the file of an attempt that lost; it stays as an orphan if it cannot be deleted.
            if let Some(void) = self.written.remove(&day) {
                let _orphan = shared.store.delete(void.file_path());
            }
        }
        Ok(())
    }

    /// The times of our rows of days whose identities memory does not hold: only files that may hold rows of these times are looked at, so that
    /// what a commit costs does not grow with the day. The same row has the same time; the same id with another time is then seen only near by.
    fn close(&self, entries: &[Arc<Entry>]) -> BTreeMap<i32, Range<i64>> {
        let mut n_rows: BTreeMap<i32, u64> = BTreeMap::new();
        for (day, entry) in entries.iter().filter_map(|entry| Some((entry.day()?, entry))) {
            *n_rows.entry(day).or_default() += entry.file.record_count();
        }
        n_rows
            .retain(|_, n| n.saturating_mul(identity::WIDTH as u64) > self.table.shared.identities.bytes_max() as u64);
        let times = |day: &Day| {
            let us = || day.rows.iter().map(|at| at.time_us);
            us().min().zip(us().max()).map(|(first, last)| first..last.saturating_add(1))
        };
        n_rows.keys().filter_map(|day| Some((*day, times(self.days.get(day)?)?))).collect()
    }

    /// Writes the days that are not written.
    fn write(&mut self) -> Result<(), AppendError> {
        let shared = &self.table.shared;
        let failed = |err| AppendError::Data { table: self.table.name.clone(), err };
        let arrange = |err| AppendError::Arrange { table: self.table.name.clone(), err };
        shared
            .faults
            .at(Step::BeforeData)
            .map_err(|err| self.failed(CommitError::Fault { step: Step::BeforeData, err }))?;
        let mut new = Vec::new();
        for (day, rows) in &self.days {
            let kept = sorted(rows);
            if kept.is_empty() || self.written.contains_key(day) {
                continue;
            }
            let flagged = flag(&self.batches, rows);
            let plan = Plan { def: &self.def, schema: &self.schema, day: *day, level: LEVEL_FAST, n_rows: kept.len() };
            let batches = flagged.as_deref().unwrap_or(&self.batches);
            let mut writer = Writer::create(shared, &plan).map_err(failed)?;
            for rows in kept.chunks(GROUP_ROWS) {
                let (chunks, mut group) = (write::chunks(rows), writer.group().map_err(failed)?);
                for number in 0..self.schema.fields().len() {
                    let (column, mut to) = (write::column(batches, number), group.next(1));
                    for chunk in &chunks {
                        to.write(&[chunk.of(&column).map_err(arrange)?]).map_err(failed)?;
                    }
                    group.end(to).map_err(failed)?;
                }
                writer.append(group).map_err(failed)?;
            }
            new.push((*day, writer.finish().map_err(failed)?));
        }
        self.written.extend(new);
        shared.faults.at(Step::AfterData).map_err(|err| self.failed(CommitError::Fault { step: Step::AfterData, err }))
    }

    fn failed(&self, err: CommitError) -> AppendError {
        AppendError::Commit { table: self.table.name.clone(), err }
    }
}

/// The rows of a day that are kept, by time; of the same time in the order in which they came.
fn sorted(day: &Day) -> Vec<RowAt> {
    let mut kept: Vec<RowAt> =
        day.rows.iter().zip(&day.fates).filter(|(_, fate)| **fate != Fate::Duplicate).map(|(at, _)| *at).collect();
    if !kept.is_sorted_by_key(|at| at.time_us) {
        kept.sort_by_key(|at| at.time_us);
    }
    kept
}

/// The batches with `same-id` among the flags of the rows whose fate that is; nothing if there are none, or no such column.
fn flag(batches: &[RecordBatch], day: &Day) -> Option<Vec<RecordBatch>> {
    let mut marked: BTreeMap<usize, HashSet<usize>> = BTreeMap::new();
    for (at, _) in day.rows.iter().zip(&day.fates).filter(|(_, fate)| **fate == Fate::SameId) {
        marked.entry(at.batch as usize).or_default().insert(at.row as usize);
    }
    let (column, _) = batches.first()?.schema_ref().column_with_name(FLAGS).filter(|_| !marked.is_empty())?;
    let mut batches = batches.to_vec();
    for (at, rows) in marked {
        let batch = &batches[at];
        let flags = batch.column(column).as_string_opt::<i32>()?;
        let with_flag = (0..batch.num_rows()).map(|row| {
            let have = (!flags.is_null(row)).then(|| flags.value(row));
            match have {
                _ if !rows.contains(&row) => have.map(str::to_owned),
                None | Some("") => Some(SAME_ID.to_owned()),
                Some(have) => Some(format!("{have},{SAME_ID}")),
            }
        });
        let mut columns: Vec<ArrayRef> = batch.columns().to_vec();
        columns[column] = Arc::new(StringArray::from_iter(with_flag));
        batches[at] = RecordBatch::try_new(Arc::clone(batch.schema_ref()), columns)
            .expect("a column was replaced by one of the same type and length");
    }
    Some(batches)
}
