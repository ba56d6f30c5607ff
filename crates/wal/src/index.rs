//! What is in the log: shared by the one that writes and those that read.

use std::collections::VecDeque;
use std::io;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use crate::aside::{self, Part};
use crate::disk::{Disk, File};
use crate::frame::Position;

/// How many damaged ranges of a segment are told apart; later ones become one with the last.
const RANGES_MAX: usize = 256;

/// A segment, as far as readers need it.
#[derive(Clone, Debug)]
pub(crate) struct Segment {
    pub name: Arc<str>,
    pub first: u64,
    pub salt: u64,
    /// Up to here it holds durable frames.
    pub bytes: u64,
    /// What it takes on the disk.
    pub file_bytes: u64,
    /// The number of its last durable frame; 0 if it has none.
    pub last: u64,
    /// It could not be read when the log was opened, so how long it is was not found out.
    pub is_unread: bool,
    /// What is known to be damaged.
    pub damaged: Vec<Range<u64>>,
    /// What of it could not be copied yet.
    pub unsaved: Vec<Range<u64>>,
}

/// The numbers of a log.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    pub n_damaged: u64,
    pub damaged_bytes: u64,
    pub n_syncs: u64,
}

#[derive(Debug, Default)]
pub(crate) struct State {
    pub segments: VecDeque<Segment>,
    /// The least number that the next frame may have.
    pub next: u64,
    pub counts: Counts,
    is_closed: bool,
}

impl State {
    /// What the segments take on the disk.
    pub fn bytes(&self) -> u64 {
        self.segments.iter().map(|segment| segment.file_bytes).sum()
    }

    /// The number of the oldest frame, or of the next if there is none.
    pub fn oldest(&self) -> u64 {
        self.segments.iter().find(|segment| segment.last > 0).map_or(self.next, |segment| segment.first)
    }
}

/// What is in the log.
pub(crate) struct Index {
    pub folder: PathBuf,
    pub disk: Arc<dyn Disk>,
    state: Mutex<State>,
    changed: Condvar,
    durable: watch::Sender<Position>,
}

/// The value in a mutex. A thread that died with it left it whole: all changes here are single assignments.
pub(crate) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Index {
    pub fn new(folder: PathBuf, disk: Arc<dyn Disk>, state: State) -> Self {
        let (durable, _) = watch::channel(Position::new(state.next));
        Self { folder, disk, state: Mutex::new(state), changed: Condvar::new(), durable }
    }

    /// The state, for a moment.
    pub fn state(&self) -> MutexGuard<'_, State> {
        locked(&self.state)
    }

    /// All frames before this are durable, or never will be.
    pub fn durable(&self) -> Position {
        *self.durable.borrow()
    }

    /// A value to await changes of [`Index::durable`] with.
    pub fn watch(&self) -> watch::Receiver<Position> {
        self.durable.subscribe()
    }

    /// Frames of the segment with this name have become durable.
    pub fn grow(&self, name: &str, bytes: u64, last: u64) {
        let mut state = self.state();
        if let Some(segment) = state.segments.iter_mut().rev().find(|segment| &*segment.name == name) {
            segment.bytes = bytes;
            segment.file_bytes = bytes;
            segment.last = last;
        }
        state.counts.n_syncs += 1;
        // Under the lock, or somebody who is about to wait would miss it.
        self.durable.send_replace(Position::new(last + 1));
        self.changed.notify_all();
        drop(state);
    }

    /// Nothing more will become durable.
    pub fn close(&self) {
        self.state().is_closed = true;
        self.changed.notify_all();
    }

    /// Waits until there is a durable frame at this position or behind it, and says up to where all are.
    pub fn wait_for(&self, position: Position, timeout: Duration) -> Position {
        let deadline = Instant::now().checked_add(timeout);
        let mut state = self.state();
        while self.durable() <= position && !state.is_closed {
            let left = deadline.map_or(Duration::MAX, |deadline| deadline.saturating_duration_since(Instant::now()));
            if left.is_zero() {
                break;
            }
            // A day is long enough to look again.
            let left = left.min(Duration::from_secs(86_400));
            state = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        drop(state);
        self.durable()
    }

    /// The segment that holds the first durable frame with this number or a greater one.
    pub fn segment_from(&self, number: u64) -> Option<Segment> {
        self.state().segments.iter().find(|segment| segment.last >= number.max(1)).cloned()
    }

    /// Copies damage that a reader found, unless it is known, and counts it.
    pub fn note(&self, segment: &str, range: Range<u64>, file: &mut dyn File) {
        let is_known = |known: &Range<u64>| known.start <= range.start && range.end <= known.end;
        let have = |state: &State| state.segments.iter().position(|have| &*have.name == segment);
        {
            let mut state = self.state();
            let Some(at) = have(&state) else { return };
            if state.segments[at].damaged.iter().any(is_known) {
                return;
            }
            add(&mut state.segments[at].damaged, range.clone());
            state.counts.n_damaged += 1;
            state.counts.damaged_bytes += range.end - range.start;
        }
        if self.save(segment, range.clone(), file).is_err() {
            let mut state = self.state();
            if let Some(at) = have(&state) {
                add(&mut state.segments[at].unsaved, range);
            }
        }
    }

    /// Copies a part of a segment.
    pub fn save(&self, segment: &str, range: Range<u64>, file: &mut dyn File) -> io::Result<aside::Kept> {
        aside::keep(&*self.disk, &Part { folder: &self.folder, segment, range }, file)
    }
}

/// Adds a range that lies behind those that are there, in bounded memory.
pub(crate) fn add(ranges: &mut Vec<Range<u64>>, range: Range<u64>) {
    let is_many = ranges.len() >= RANGES_MAX;
    match ranges.last_mut() {
        Some(last) if is_many => {
            *last = last.start.min(range.start)..last.end.max(range.end);
        }
        _ => ranges.push(range),
    }
}
