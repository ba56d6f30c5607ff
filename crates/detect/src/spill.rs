//! What does not fit into memory: records put aside in sorted runs, and merged when they are asked for.
//!
//! Where the bytes go is the caller's to say ([`Spill`]): nothing here does IO. A record is a string of bytes that sorts as it is meant to.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

/// About so many bytes are put aside, and fetched, in one step.
const CHUNK_BYTES: usize = 64 << 10;
/// So many runs of like size are merged into one, so that the runs that are read side by side stay few.
const RUNS_MAX: usize = 32;

/// A place for bytes.
pub trait Spill: Send + Sync {
    /// Keeps bytes, and says where they begin.
    fn keep(&self, bytes: &[u8]) -> io::Result<u64>;

    /// Reads bytes that were kept.
    fn fetch(&self, at: u64, out: &mut [u8]) -> io::Result<()>;
}

/// Bytes kept in memory after all: for tests, and where there is no disk.
#[derive(Debug, Default)]
pub struct InMemory(Mutex<Vec<u8>>);

impl Spill for InMemory {
    fn keep(&self, bytes: &[u8]) -> io::Result<u64> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let at = all.len() as u64;
        all.extend_from_slice(bytes);
        Ok(at)
    }

    fn fetch(&self, at: u64, out: &mut [u8]) -> io::Result<()> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let at = usize::try_from(at).map_err(|_| changed())?;
        let kept = all.get(at..at.saturating_add(out.len())).ok_or_else(changed)?;
        out.copy_from_slice(kept);
        Ok(())
    }
}

/// What was put aside is not what was fetched.
pub(crate) fn changed() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "what was put aside has changed meanwhile")
}

/// Records one behind the other, in chunks of whole records.
#[derive(Debug, Default)]
pub(crate) struct Run(Vec<Chunk>);

#[derive(Debug)]
enum Chunk {
    Memory(Vec<u8>),
    Aside { at: u64, len: usize },
}

/// The place of a record in a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) chunk: u64,
    pub(crate) offset: u64,
}

/// Writes a run.
pub(crate) struct Writer<'s> {
    spill: &'s dyn Spill,
    run: Run,
    chunk: Vec<u8>,
    /// How much of the run may stay in memory.
    memory: usize,
}

impl<'s> Writer<'s> {
    pub(crate) fn new(spill: &'s dyn Spill, memory: usize) -> Writer<'s> {
        Writer { spill, run: Run::default(), chunk: Vec::new(), memory }
    }

    pub(crate) fn push(&mut self, record: &[u8]) -> io::Result<()> {
        self.chunk.extend_from_slice(&(record.len() as u32).to_le_bytes());
        self.chunk.extend_from_slice(record);
        if self.chunk.len() >= CHUNK_BYTES { self.flush() } else { Ok(()) }
    }

    /// Where the next record will stand.
    pub(crate) fn place(&self) -> Place {
        Place { chunk: self.run.0.len() as u64, offset: self.chunk.len() as u64 }
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.chunk.is_empty() {
            return Ok(());
        }
        let len = self.chunk.len();
        if len <= self.memory {
            self.memory -= len;
            self.run.0.push(Chunk::Memory(self.chunk.as_slice().into()));
        } else {
            self.memory = 0;
            self.run.0.push(Chunk::Aside { at: self.spill.keep(&self.chunk)?, len });
        }
        self.chunk.clear();
        Ok(())
    }

    pub(crate) fn finish(mut self) -> io::Result<Run> {
        self.flush()?;
        Ok(self.run)
    }
}

/// Reads a run from its start, or from a place in it.
pub(crate) struct Reader<'r> {
    spill: &'r dyn Spill,
    chunks: std::slice::Iter<'r, Chunk>,
    chunk: Vec<u8>,
    at: usize,
}

impl Run {
    pub(crate) fn read<'r>(&'r self, spill: &'r dyn Spill) -> Reader<'r> {
        Reader { spill, chunks: self.0.iter(), chunk: Vec::new(), at: 0 }
    }

    pub(crate) fn read_from<'r>(&'r self, spill: &'r dyn Spill, place: Place) -> io::Result<Reader<'r>> {
        let chunks = self.0.get(place.chunk as usize..).ok_or_else(changed)?;
        let mut reader = Reader { spill, chunks: chunks.iter(), chunk: Vec::new(), at: 0 };
        if place.offset > 0 {
            reader.fetch()?;
            reader.at = place.offset as usize;
        }
        Ok(reader)
    }
}

impl Reader<'_> {
    /// The next record.
    pub(crate) fn next(&mut self) -> io::Result<Option<&[u8]>> {
        while self.at >= self.chunk.len() {
            if !self.fetch()? {
                return Ok(None);
            }
        }
        let (len, rest) = self.chunk[self.at..].split_first_chunk().ok_or_else(changed)?;
        let len = u32::from_le_bytes(*len) as usize;
        let record = rest.get(..len).ok_or_else(changed)?;
        self.at += 4 + len;
        Ok(Some(record))
    }

    /// Whether there was a further chunk.
    fn fetch(&mut self) -> io::Result<bool> {
        self.at = 0;
        self.chunk.clear();
        match self.chunks.next() {
            None => return Ok(false),
            Some(Chunk::Memory(bytes)) => self.chunk.extend_from_slice(bytes),
            Some(Chunk::Aside { at, len }) => {
                self.chunk.resize(*len, 0);
                self.spill.fetch(*at, &mut self.chunk)?;
            }
        }
        Ok(true)
    }
}

/// The records of several sorted runs in one order.
pub(crate) struct Merge<'r> {
    readers: Vec<Reader<'r>>,
    heap: BinaryHeap<Reverse<(Vec<u8>, usize)>>,
    record: Vec<u8>,
}

impl<'r> Merge<'r> {
    pub(crate) fn new(runs: impl IntoIterator<Item = &'r Run>, spill: &'r dyn Spill) -> io::Result<Merge<'r>> {
        let mut readers: Vec<Reader<'r>> = runs.into_iter().map(|run| run.read(spill)).collect();
        let mut heap = BinaryHeap::with_capacity(readers.len());
        for (number, reader) in readers.iter_mut().enumerate() {
            if let Some(record) = reader.next()? {
                heap.push(Reverse((record.to_vec(), number)));
            }
        }
        Ok(Merge { readers, heap, record: Vec::new() })
    }

    /// The least record that is left, to look at.
    pub(crate) fn peek(&self) -> Option<&[u8]> {
        self.heap.peek().map(|Reverse((record, _))| record.as_slice())
    }

    /// The least record that is left.
    pub(crate) fn next(&mut self) -> io::Result<Option<&[u8]>> {
        let Some(mut least) = self.heap.peek_mut() else { return Ok(None) };
        let Reverse((record, number)) = &mut *least;
        std::mem::swap(record, &mut self.record);
        match self.readers[*number].next()? {
            Some(next) => {
                record.clear();
                record.extend_from_slice(next);
            }
            None => drop(PeekMut::pop(least)),
        }
        Ok(Some(&self.record))
    }
}

/// Sorted runs, by how often they were merged.
#[derive(Debug, Default)]
pub(crate) struct Runs(Vec<Vec<Run>>);

impl Runs {
    pub(crate) fn add(&mut self, run: Run, spill: &dyn Spill) -> io::Result<()> {
        let mut run = run;
        for level in 0.. {
            if self.0.len() == level {
                self.0.push(Vec::new());
            }
            let runs = &mut self.0[level];
            runs.push(run);
            if runs.len() < RUNS_MAX {
                break;
            }
            let runs = std::mem::take(runs);
            let (mut merge, mut writer) = (Merge::new(&runs, spill)?, Writer::new(spill, 0));
            while let Some(record) = merge.next()? {
                writer.push(record)?;
            }
            run = writer.finish()?;
        }
        Ok(())
    }

    pub(crate) fn take(&mut self, other: Runs) {
        for (level, runs) in other.0.into_iter().enumerate() {
            if self.0.len() == level {
                self.0.push(Vec::new());
            }
            self.0[level].extend(runs);
        }
    }

    pub(crate) fn merge<'r>(&'r self, spill: &'r dyn Spill) -> io::Result<Merge<'r>> {
        Merge::new(self.0.iter().flatten(), spill)
    }
}

/// Sorts records of which not all fit into memory.
pub(crate) struct Sorter {
    spill: Arc<dyn Spill>,
    records: Vec<Vec<u8>>,
    bytes: usize,
    bytes_max: usize,
    runs: Runs,
}

impl Sorter {
    pub(crate) fn new(spill: Arc<dyn Spill>, bytes_max: usize) -> Sorter {
        Sorter { spill, records: Vec::new(), bytes: 0, bytes_max, runs: Runs::default() }
    }

    pub(crate) fn push(&mut self, record: Vec<u8>) -> io::Result<()> {
        self.bytes += record.len() + size_of::<Vec<u8>>();
        self.records.push(record);
        if self.bytes > self.bytes_max { self.put_aside(0) } else { Ok(()) }
    }

    fn put_aside(&mut self, memory: usize) -> io::Result<()> {
        self.records.sort_unstable();
        let mut writer = Writer::new(&*self.spill, memory);
        for record in self.records.drain(..) {
            writer.push(&record)?;
        }
        self.bytes = 0;
        let run = writer.finish()?;
        self.runs.add(run, &*self.spill)
    }

    pub(crate) fn finish(mut self) -> io::Result<Runs> {
        // What is left fits into memory.
        self.put_aside(self.bytes_max)?;
        Ok(self.runs)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails loudly")]
mod tests {
    use super::*;

    fn records(n: u32) -> Vec<Vec<u8>> {
        // A few are longer than a chunk, and some are the same.
        let record = |i: u32| {
            let n_bytes = if i.is_multiple_of(500) { 2 * CHUNK_BYTES } else { (i % 40) as usize };
            [&(i.wrapping_mul(2_654_435_761) % 3_000).to_be_bytes()[..], &vec![i as u8; n_bytes]].concat()
        };
        (0..n).map(record).collect()
    }

    #[test]
    fn records_come_back_sorted_whatever_fits_into_memory() {
        let mut expected = records(4_000);
        expected.sort_unstable();
        for bytes_max in [0, 1_000, 100_000, usize::MAX] {
            let spill: Arc<dyn Spill> = Arc::new(InMemory::default());
            let mut sorter = Sorter::new(Arc::clone(&spill), bytes_max);
            records(4_000).into_iter().for_each(|record| sorter.push(record).unwrap());
            let runs = sorter.finish().unwrap();
            assert!(runs.0.iter().all(|level| level.len() < RUNS_MAX), "{bytes_max}: many runs");
            let (mut merge, mut found) = (runs.merge(&*spill).unwrap(), Vec::new());
            while let Some(record) = merge.next().unwrap() {
                found.push(record.to_vec());
            }
            assert!(found == expected, "{bytes_max}");
        }
    }

    #[test]
    fn a_run_is_read_from_any_place() {
        let (spill, all) = (InMemory::default(), records(1_500));
        let mut writer = Writer::new(&spill, CHUNK_BYTES + 100);
        let places: Vec<Place> = all
            .iter()
            .map(|record| {
                let place = writer.place();
                writer.push(record).unwrap();
                place
            })
            .collect();
        let run = writer.finish().unwrap();
        for (place, record) in places.iter().zip(&all) {
            assert_eq!(run.read_from(&spill, *place).unwrap().next().unwrap(), Some(record.as_slice()));
        }
    }

    #[test]
    fn bytes_that_changed_are_an_error() {
        let spill = InMemory::default();
        let mut writer = Writer::new(&spill, 0);
        writer.push(b"some record").unwrap();
        let run = writer.finish().unwrap();
        spill.0.lock().unwrap()[0] = 0xff;
        assert!(run.read(&spill).next().is_err());
        spill.0.lock().unwrap().clear();
        assert!(run.read(&spill).next().is_err());
    }
}
