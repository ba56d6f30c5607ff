//! Which rows of a call are in the table already: the identities of the call in a table of hashes, those of the day's files streamed past it.

use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::TimestampMicrosecondType;
use futures::{StreamExt, TryStreamExt};

use crate::def::{IDENTITY, TIME};
use crate::error::FileError;
use crate::file::{self, unreadable};
use crate::snapshot::{DAY_US, Entry};
use crate::store::Store;

/// Bytes of an identity.
pub(crate) const WIDTH: usize = 16;
/// How many files' identities are read at once.
const CONCURRENCY: usize = 4;
const BATCH_ROWS: usize = 65_536;
/// The end of a chain of rows with one id.
const END: u32 = u32::MAX;

/// What becomes of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It is new.
    New,
    /// Another row has its id and other content; both are kept.
    SameId,
    /// The very row is there already.
    Duplicate,
}

/// Where a row of the call is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RowAt {
    pub(crate) batch: u32,
    pub(crate) row: u32,
    pub(crate) time_us: i64,
}

/// The rows of one call that belong to one day.
#[derive(Default)]
pub(crate) struct Day {
    pub(crate) rows: Vec<RowAt>,
    pub(crate) fates: Vec<Fate>,
    identities: Vec<[u64; 2]>,
    /// By the first half of the identity, the last row that was added with it; `next` leads to the ones before.
    heads: HashMap<u64, u32, BuildHasherDefault<Folded>>,
    next: Vec<u32>,
}

impl Day {
    fn add(&mut self, at: RowAt, identity: [u64; 2]) {
        let number =
            u32::try_from(self.rows.len()).expect("a call has fewer than 2^32 rows, as batches are counted in 32 bits");
        let first = self.heads.get(&identity[0]).copied();
        let fate = match first {
            None => Fate::New,
            Some(first) if self.chain(first).any(|row| self.identities[row][1] == identity[1]) => Fate::Duplicate,
            Some(_) => Fate::SameId,
        };
        self.rows.push(at);
        self.fates.push(fate);
        self.identities.push(identity);
        self.next.push(first.unwrap_or(END));
        if fate != Fate::Duplicate {
            self.heads.insert(identity[0], number);
        }
    }

    /// Takes note that the table has this row; true if that changed the fate of one of ours.
    fn see(&mut self, identity: [u64; 2]) -> bool {
        let Some(&first) = self.heads.get(&identity[0]) else { return false };
        let mut is_changed = false;
        let chain: Vec<usize> = self.chain(first).collect();
        for at in chain {
            let fate = if self.identities[at][1] == identity[1] { Fate::Duplicate } else { Fate::SameId };
            // A duplicate stays one; a row that was new may become either.
            if self.fates[at] != Fate::Duplicate && self.fates[at] != fate {
                self.fates[at] = fate;
                is_changed = true;
            }
        }
        is_changed
    }

    fn chain(&self, first: u32) -> impl Iterator<Item = usize> {
        // `END` has no row, so the chain ends there.
        std::iter::successors(Some(first as usize), |row| self.next.get(*row).map(|next| *next as usize))
            .take_while(|row| *row < self.next.len())
    }

    /// The identities of the rows that are kept.
    pub(crate) fn kept_identities(&self) -> Vec<u8> {
        let kept = self.identities.iter().zip(&self.fates).filter(|(_, fate)| **fate != Fate::Duplicate);
        kept.flat_map(|(identity, _)| identity.iter().flat_map(|half| half.to_be_bytes())).collect()
    }

    pub(crate) fn count(&self, fate: Fate) -> u64 {
        self.fates.iter().filter(|have| **have == fate).count() as u64
    }
}

/// An identity's first half is a hash already, so folding it is enough.
#[derive(Default)]
struct Folded(u64);

impl Hasher for Folded {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0.rotate_left(8) ^ u64::from(*byte)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        }
    }

    fn write_u64(&mut self, value: u64) {
        self.0 = value.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(32);
    }
}

fn halves(identity: &[u8]) -> [u64; 2] {
    let half = |bytes: &[u8]| bytes.iter().fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte));
    let (id, content) = identity.split_at(WIDTH / 2);
    [half(id), half(content)]
}

/// The rows of a call by day, those that it holds twice already marked. The error says what is wrong with a row.
pub(crate) fn by_day(batches: &[RecordBatch]) -> Result<BTreeMap<i32, Day>, String> {
    let mut days: BTreeMap<i32, Day> = BTreeMap::new();
    for (b, batch) in batches.iter().enumerate() {
        let batch_number = u32::try_from(b).map_err(|_| "too many batches in one call".to_owned())?;
        let column = |name: &str| batch.column_by_name(name).ok_or_else(|| format!("there is no column `{name}`"));
        let times = column(TIME)?
            .as_primitive_opt::<TimestampMicrosecondType>()
            .ok_or_else(|| format!("`{TIME}` is no timestamp"))?;
        let identities =
            column(IDENTITY)?.as_fixed_size_binary_opt().ok_or_else(|| format!("`{IDENTITY}` is not sixteen bytes"))?;
        if times.null_count() > 0 || identities.null_count() > 0 {
            return Err(format!("a row lacks `{TIME}` or `{IDENTITY}`"));
        }
        for row in 0..batch.num_rows() {
            let time_us = times.value(row);
            let day = i32::try_from(time_us.div_euclid(DAY_US))
                .map_err(|_| format!("a row's time is {time_us} microseconds since 1970"))?;
            let row_number = u32::try_from(row).map_err(|_| "too many rows in one batch".to_owned())?;
            days.entry(day)
                .or_default()
                .add(RowAt { batch: batch_number, row: row_number, time_us }, halves(identities.value(row)));
        }
    }
    Ok(days)
}

/// The identities of files, as far as there is room.
pub(crate) struct Identities {
    bytes_max: usize,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    bytes: usize,
    clock: u64,
    files: HashMap<String, (u64, Arc<Vec<u8>>)>,
    by_use: BTreeMap<u64, String>,
}

impl Identities {
    pub(crate) fn new(bytes_max: usize) -> Self {
        Self { bytes_max, kept: Mutex::default() }
    }

    /// How much there is room for.
    pub(crate) fn bytes_max(&self) -> usize {
        self.bytes_max
    }

    fn get(&self, location: &str) -> Option<Arc<Vec<u8>>> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.clock += 1;
        let now = kept.clock;
        let (used, bytes) = kept.files.get_mut(location)?;
        let before = std::mem::replace(used, now);
        let bytes = Arc::clone(bytes);
        kept.by_use.remove(&before);
        kept.by_use.insert(now, location.to_owned());
        Some(bytes)
    }

    /// Remembers a file's identities and forgets those that were not asked for the longest.
    pub(crate) fn put(&self, location: &str, bytes: Arc<Vec<u8>>) {
        if bytes.len() > self.bytes_max / 4 {
            return;
        }
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.clock += 1;
        let now = kept.clock;
        kept.bytes += bytes.len();
        if let Some((used, before)) = kept.files.insert(location.to_owned(), (now, bytes)) {
            kept.bytes -= before.len();
            kept.by_use.remove(&used);
        }
        kept.by_use.insert(now, location.to_owned());
        while kept.bytes > self.bytes_max {
            let Some((_, oldest)) = kept.by_use.pop_first() else { break };
            if let Some((_, gone)) = kept.files.remove(&oldest) {
                kept.bytes -= gone.len();
            }
        }
    }
}

/// Streams the identities of these files past the days of a call. Returns the days where a row's fate changed.
pub(crate) fn look_up(
    store: &Store,
    cache: &Identities,
    files: &[(i32, Arc<Entry>)],
    days: &mut BTreeMap<i32, Day>,
) -> Result<Vec<i32>, FileError> {
    let mut changed = Vec::new();
    let mut see = |day: i32, bytes: &[u8]| {
        let Some(rows) = days.get_mut(&day) else { return };
        let mut is_changed = false;
        for identity in bytes.chunks_exact(WIDTH) {
            is_changed |= rows.see(halves(identity));
        }
        if is_changed && !changed.contains(&day) {
            changed.push(day);
        }
    };
    let mut small = Vec::new();
    for (day, entry) in files {
        let bytes = usize::try_from(entry.file.record_count()).unwrap_or(usize::MAX).saturating_mul(WIDTH);
        if let Some(known) = cache.get(entry.file.file_path()) {
            see(*day, &known);
        } else if bytes <= cache.bytes_max / 4 {
            small.push((*day, Arc::clone(entry)));
        } else {
            // Too large to remember: its batches pass by, one at a time.
            let mut stream = store.wait(file::open(store, entry, Some(&[IDENTITY]), BATCH_ROWS))?;
            while let Some(batch) = store.wait(stream.next()) {
                see(*day, &identities(&batch.map_err(|err| unreadable(entry, err))?, entry)?);
            }
        }
    }
    // A few at a time, so that what is in memory is bounded by the cache's budget and not by the day.
    for chunk in small.chunks(CONCURRENCY) {
        let read = futures::stream::iter(chunk.iter().map(|(_, entry)| read_all(store, entry))).buffered(CONCURRENCY);
        let contents: Vec<Vec<u8>> = store.wait(read.try_collect())?;
        for ((day, entry), bytes) in chunk.iter().zip(contents) {
            see(*day, &bytes);
            cache.put(entry.file.file_path(), Arc::new(bytes));
        }
    }
    Ok(changed)
}

async fn read_all(store: &Store, entry: &Entry) -> Result<Vec<u8>, FileError> {
    let mut stream = file::open(store, entry, Some(&[IDENTITY]), BATCH_ROWS).await?;
    let mut bytes = Vec::with_capacity(usize::try_from(entry.file.record_count()).unwrap_or(0).saturating_mul(WIDTH));
    while let Some(batch) = stream.next().await {
        bytes.extend(identities(&batch.map_err(|err| unreadable(entry, err))?, entry)?);
    }
    Ok(bytes)
}

fn identities(batch: &RecordBatch, entry: &Entry) -> Result<Vec<u8>, FileError> {
    let column = batch.column_by_name(IDENTITY).and_then(|column| column.as_fixed_size_binary_opt());
    let column = column.filter(|column| column.value_length() as usize == WIDTH).ok_or_else(|| FileError::Content {
        location: entry.file.file_path().to_owned(),
        why: format!("it has no column `{IDENTITY}` of sixteen bytes"),
    })?;
    Ok((0..column.len()).flat_map(|row| column.value(row)).copied().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(identities: &[[u64; 2]]) -> Day {
        let mut day = Day::default();
        for (row, identity) in identities.iter().enumerate() {
            day.add(RowAt { batch: 0, row: u32::try_from(row).expect("few rows"), time_us: 0 }, *identity);
        }
        day
    }

    #[test]
    fn the_same_row_twice_in_a_call_is_kept_once() {
        assert_eq!(day(&[[1, 1], [1, 1], [2, 1]]).fates, [Fate::New, Fate::Duplicate, Fate::New]);
    }

    #[test]
    fn other_content_under_one_id_is_kept_and_marked() {
        assert_eq!(
            day(&[[1, 1], [1, 2], [1, 1], [1, 2]]).fates,
            [Fate::New, Fate::SameId, Fate::Duplicate, Fate::Duplicate]
        );
    }

    #[test]
    fn what_the_table_has_is_dropped_and_its_namesakes_are_marked() {
        let mut day = day(&[[1, 1], [1, 2], [2, 1]]);
        assert!(day.see([1, 1]));
        assert_eq!(day.fates, [Fate::Duplicate, Fate::SameId, Fate::New]);
        assert!(!day.see([1, 1]));
        assert!(!day.see([3, 1]));
        assert!(day.see([2, 9]));
        assert_eq!(day.fates, [Fate::Duplicate, Fate::SameId, Fate::SameId]);
    }

    #[test]
    fn identities_that_were_not_asked_for_make_room() {
        let cache = Identities::new(100);
        for name in ["a", "b", "c", "d"] {
            cache.put(name, Arc::new(vec![0; 25]));
        }
        assert!(cache.get("a").is_some());
        cache.put("e", Arc::new(vec![0; 25]));
        assert!(cache.get("a").is_some() && cache.get("b").is_none() && cache.get("e").is_some());
        cache.put("large", Arc::new(vec![0; 26]));
        assert!(cache.get("large").is_none());
    }
}
