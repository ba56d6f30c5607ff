//! The log with its thread: many append, one writes, and one sync is for all who came meanwhile.

use std::collections::VecDeque;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::pin::Pin;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::{oneshot, watch};

use crate::disk::Disk;
use crate::frame::{HEAD_BYTES, PAYLOAD_BYTES_MAX, Position};
use crate::index::{Index, locked};
use crate::log::{CommitError, Log, ReleaseError};
use crate::reader::Reader;
use crate::recovery::{OpenError, Recovery};
use crate::segment::HEADER_BYTES;

/// How much is written with one sync, unless a single payload is longer.
const BATCH_BYTES: u64 = 8 << 20;
const WINDOW_MAX: Duration = Duration::from_millis(20);

/// How a log is kept.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// How long a segment gets; it is deleted as a whole.
    pub segment_bytes: u64,
    /// How long a batch waits for the others who were in the last one. At most 20 ms; a lone appender never waits.
    pub window: Duration,
    /// How much all segments and what waits may take together.
    pub bytes_max: u64,
    /// How much may wait in memory to be written.
    pub waiting_bytes_max: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            segment_bytes: 64 << 20,
            window: Duration::from_millis(5),
            bytes_max: 8 << 30,
            waiting_bytes_max: 128 << 20,
        }
    }
}

/// A payload is not durable, and its sender must not be told that it is.
#[derive(Clone, Debug, thiserror::Error)]
pub enum AppendError {
    /// The log holds as much as it may until something is released.
    #[error("the log is full: {bytes_max} bytes are the most")]
    Full {
        /// The bound.
        bytes_max: u64,
    },
    /// As much waits to be written as may.
    #[error("the log is busy: {waiting_bytes_max} bytes wait to be written")]
    Busy {
        /// The bound.
        waiting_bytes_max: u64,
    },
    /// The payload is too long.
    #[error("cannot log a payload of {bytes} bytes, {PAYLOAD_BYTES_MAX} are the most")]
    Long {
        /// Its length.
        bytes: usize,
    },
    /// The disk failed. [`CommitError::is_full`] tells whether it only lacks space; the next append is tried in any case.
    #[error("cannot write the log")]
    Disk {
        /// Why.
        #[source]
        err: Arc<CommitError>,
    },
    /// The log is being closed.
    #[error("the log is closed")]
    Closed,
}

/// What a log holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stats {
    /// What the segments take on the disk.
    pub bytes: u64,
    /// How many segments there are.
    pub n_segments: usize,
    /// The oldest frame that may be held, or the next if there is none.
    pub oldest: Position,
    /// The least position that the next frame may get.
    pub next: Position,
    /// All frames before this are durable, or never will be.
    pub durable: Position,
    /// What waits to be written.
    pub waiting_bytes: u64,
    /// How many batches were made durable since the log was opened.
    pub n_syncs: u64,
    /// In how many places damage was found, at opening and by readers.
    pub n_damaged: u64,
    /// How many bytes that is.
    pub damaged_bytes: u64,
    /// How many durable frames readers did not find any more.
    pub n_lost: u64,
    /// How many files of damaged bytes were removed since there were too many.
    pub n_dropped: u64,
    /// How many bytes that is.
    pub dropped_bytes: u64,
}

/// An append that is under way: await it, or [`Pending::wait`] for it. Dropping it does not stop the append.
#[derive(Debug)]
pub struct Pending(oneshot::Receiver<Result<Position, AppendError>>);

impl Pending {
    /// Blocks until the payload is durable. Not to be called where futures are run.
    ///
    /// # Errors
    /// When it is not durable.
    pub fn wait(self) -> Result<Position, AppendError> {
        self.0.blocking_recv().unwrap_or(Err(AppendError::Closed))
    }

    fn refused(err: AppendError) -> Self {
        let (answer, pending) = oneshot::channel();
        // The receiver is held here, so it is there.
        let _received = answer.send(Err(err));
        Self(pending)
    }
}

impl Future for Pending {
    type Output = Result<Position, AppendError>;

    fn poll(mut self: Pin<&mut Self>, ctx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(ctx).map(|answer| answer.unwrap_or(Err(AppendError::Closed)))
    }
}

/// The durable log. Dropping it writes what waits, and ends its thread.
pub struct Wal {
    options: Options,
    log: Arc<Mutex<Log>>,
    index: Arc<Index>,
    queue: Arc<Queue>,
    thread: Option<JoinHandle<()>>,
}

impl Wal {
    /// Opens the log in a folder, which no other process may have open.
    ///
    /// # Errors
    /// When the folder cannot be made or listed, or when what is there cannot be made durable. Damage is no error.
    pub fn open(folder: &Path, options: Options, disk: Arc<dyn Disk>) -> Result<(Self, Recovery), OpenError> {
        let (log, recovery) = Log::open(folder, options.segment_bytes, disk)?;
        let index = log.index().clone();
        let log = Arc::new(Mutex::new(log));
        let queue = Arc::new(Queue::default());
        let writer = Writer { log: log.clone(), queue: queue.clone(), window: options.window.min(WINDOW_MAX) };
        let thread = std::thread::Builder::new().name("wal".into()).spawn(move || writer.run());
        let thread = thread.map_err(|err| OpenError::Thread { err })?;
        Ok((Self { options, log, index, queue, thread: Some(thread) }, recovery))
    }

    /// Appends a payload. It is durable when the answer says so.
    pub fn append(&self, payload: Vec<u8>) -> Pending {
        let Options { bytes_max, waiting_bytes_max, .. } = self.options;
        if payload.len() > PAYLOAD_BYTES_MAX {
            return Pending::refused(AppendError::Long { bytes: payload.len() });
        }
        let bytes = reserved(&payload);
        let mut waiting = locked(&self.queue.waiting);
        if waiting.is_closed {
            return Pending::refused(AppendError::Closed);
        }
        if self.index.state().bytes().saturating_add(waiting.bytes).saturating_add(bytes) > bytes_max {
            return Pending::refused(AppendError::Full { bytes_max });
        }
        // A payload that is longer than the bound gets through alone.
        if waiting.bytes > 0 && waiting.bytes + bytes > waiting_bytes_max {
            return Pending::refused(AppendError::Busy { waiting_bytes_max });
        }
        let (answer, pending) = oneshot::channel();
        waiting.bytes += bytes;
        waiting.requests.push_back(Request { payload, answer });
        drop(waiting);
        self.queue.changed.notify_all();
        Pending(pending)
    }

    /// Appends these pieces as one payload.
    pub fn append_parts(&self, parts: &[&[u8]]) -> Pending {
        self.append(parts.concat())
    }

    /// Reads durable frames from this position on, also while others are appended.
    pub fn reader(&self, from: Position) -> Reader {
        Reader::new(self.index.clone(), from)
    }

    /// Blocks until there is a durable frame at this position or behind it, the time is over, or the log is closed.
    ///
    /// Gives the position before which all is durable.
    pub fn wait_for(&self, position: Position, timeout: Duration) -> Position {
        self.index.wait_for(position, timeout)
    }

    /// The position before which all is durable, to be awaited.
    pub fn durable(&self) -> watch::Receiver<Position> {
        self.index.watch()
    }

    /// Deletes the segments of which all frames are before this position. It waits for a batch that is being written.
    ///
    /// # Errors
    /// When one cannot be deleted.
    pub fn release(&self, upto: Position) -> Result<(), ReleaseError> {
        locked(&self.log).release(upto)
    }

    /// What the log holds.
    pub fn stats(&self) -> Stats {
        let waiting_bytes = locked(&self.queue.waiting).bytes;
        let state = self.index.state();
        Stats {
            bytes: state.bytes(),
            n_segments: state.segments.len(),
            oldest: Position::new(state.oldest()),
            next: Position::new(state.next),
            durable: self.index.durable(),
            waiting_bytes,
            n_syncs: state.counts.n_syncs,
            n_damaged: state.counts.n_damaged,
            damaged_bytes: state.counts.damaged_bytes,
            n_lost: state.counts.n_lost,
            n_dropped: state.counts.n_dropped,
            dropped_bytes: state.counts.dropped_bytes,
        }
    }

    /// Refuses further appends and wakes all who wait for frames; what waits to be written still is.
    pub fn close(&self) {
        locked(&self.queue.waiting).is_closed = true;
        self.queue.changed.notify_all();
    }
}

impl Drop for Wal {
    fn drop(&mut self) {
        self.close();
        if let Some(thread) = self.thread.take() {
            // If it died, those who wait for it were told that the log is closed.
            let _ended = thread.join();
        }
    }
}

/// What a payload may take on the disk: its frame, and a segment's header if it begins one.
fn reserved(payload: &[u8]) -> u64 {
    (payload.len() + HEAD_BYTES + HEADER_BYTES) as u64
}

struct Request {
    payload: Vec<u8>,
    answer: oneshot::Sender<Result<Position, AppendError>>,
}

#[derive(Default)]
struct Waiting {
    requests: VecDeque<Request>,
    /// What they and those that are being written take.
    bytes: u64,
    is_closed: bool,
}

#[derive(Default)]
struct Queue {
    waiting: Mutex<Waiting>,
    changed: Condvar,
}

struct Writer {
    log: Arc<Mutex<Log>>,
    queue: Arc<Queue>,
    window: Duration,
}

impl Writer {
    fn run(self) {
        let mut n_peers = 0;
        while let Some(batch) = self.batch(n_peers) {
            n_peers = batch.len();
            self.commit(batch);
        }
    }

    /// The next batch: all who wait. If several were in the last one, they are given a moment to come again.
    fn batch(&self, n_peers: usize) -> Option<Vec<Request>> {
        let mut waiting = locked(&self.queue.waiting);
        while waiting.requests.is_empty() {
            if waiting.is_closed {
                return None;
            }
            waiting = self.queue.changed.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
        let deadline = Instant::now() + self.window;
        while waiting.requests.len() < n_peers && waiting.bytes < BATCH_BYTES && !waiting.is_closed {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            waiting = self.queue.changed.wait_timeout(waiting, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        let mut bytes = 0;
        let is_in = |request: &Request| {
            let is_first = bytes == 0;
            bytes += reserved(&request.payload);
            is_first || bytes <= BATCH_BYTES
        };
        let n = waiting.requests.iter().map(is_in).take_while(|is_in| *is_in).count();
        Some(waiting.requests.drain(..n).collect())
    }

    fn commit(&self, batch: Vec<Request>) {
        let (payloads, answers): (Vec<_>, Vec<_>) =
            batch.into_iter().map(|request| (request.payload, request.answer)).unzip();
        let committed = catch_unwind(AssertUnwindSafe(|| locked(&self.log).commit(&payloads)));
        let committed = committed.unwrap_or_else(|_| {
            locked(&self.log).give_up(payloads.len() as u64);
            Err(CommitError::Panicked)
        });
        let committed = committed.map_err(Arc::new);
        locked(&self.queue.waiting).bytes -= payloads.iter().map(|payload| reserved(payload)).sum::<u64>();
        for (answer, n_before) in answers.into_iter().zip(0..) {
            let result = match &committed {
                Ok(first) => Ok(Position::new(first.get() + n_before)),
                Err(err) => Err(AppendError::Disk { err: err.clone() }),
            };
            // An appender that is gone does not want to know.
            let _received = answer.send(result);
        }
    }
}

impl Drop for Writer {
    /// Also when it dies: nobody waits for it then.
    fn drop(&mut self) {
        let mut waiting = locked(&self.queue.waiting);
        waiting.is_closed = true;
        waiting.requests.clear();
        drop(waiting);
        locked(&self.log).index().close();
    }
}
