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
    pub n_lost: u64,
    /// Frames before this are not counted as lost once more.
    pub lost_upto: u64,
    /// What was removed of what was set aside, since it had become too much.
    pub n_dropped: u64,
    pub dropped_bytes: u64,
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
        self.with(name, |segment| {
            segment.bytes = bytes;
            segment.file_bytes = bytes;
            segment.last = last;
        });
        let mut state = self.state();
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

    /// Copies damage that was found since the log was opened, as far as it is not known, and counts it.
    pub fn note(&self, segment: &str, range: Range<u64>, file: &mut dyn File) {
        let Some(range) = self.count(segment, range) else { return };
        if self.save(segment, range.clone(), file).is_err() {
            self.with(segment, |segment| add(&mut segment.unsaved, range));
        }
    }

    /// Counts damage, and gives what of it was not known.
    pub fn count(&self, segment: &str, range: Range<u64>) -> Option<Range<u64>> {
        let is_known = |known: &Range<u64>| known.start <= range.start && range.end <= known.end;
        let mut state = self.state();
        let State { segments, counts, .. } = &mut *state;
        let segment = segments.iter_mut().find(|have| &*have.name == segment)?;
        if range.is_empty() || segment.damaged.iter().any(is_known) {
            return None;
        }
        // The end of a segment that grew, and is damaged further, is one place.
        let grown = segment.damaged.last_mut().filter(|last| last.start == range.start && last.end < range.end);
        let new = match grown {
            Some(last) => std::mem::replace(last, range.clone()).end..range.end,
            None => {
                counts.n_damaged += 1;
                add(&mut segment.damaged, range.clone());
                range
            }
        };
        counts.damaged_bytes += new.end - new.start;
        Some(new)
    }

    /// Counts durable frames that are found nowhere. Who reads again finds the same.
    pub fn count_lost(&self, numbers: Range<u64>) {
        let counts = &mut self.state().counts;
        let from = numbers.start.max(counts.lost_upto);
        if from < numbers.end {
            counts.n_lost += numbers.end - from;
            counts.lost_upto = numbers.end;
        }
    }

    /// Whether somebody removed a segment. A folder that is not there is another matter: it may come back.
    pub fn is_gone(&self, segment: &Segment) -> bool {
        self.disk.list(&self.folder).is_ok_and(|names| !names.iter().any(|name| **name == *segment.name))
    }

    /// Changes a segment, if it is still there.
    pub fn with(&self, name: &str, change: impl FnOnce(&mut Segment)) {
        self.state().segments.iter_mut().rev().find(|segment| &*segment.name == name).map(change);
    }

    /// Copies a part of a segment. What was set aside long ago goes when it becomes too much.
    pub fn save(&self, segment: &str, range: Range<u64>, file: &mut dyn File) -> io::Result<aside::Kept> {
        let part = Part { folder: &self.folder, segment, range };
        let kept = aside::keep(&*self.disk, &part, file)?;
        // What cannot be removed now is tried with the next piece.
        let dropped = aside::drop_oldest(&*self.disk, &self.folder, aside::BYTES_MAX).unwrap_or_default();
        let counts = &mut self.state().counts;
        counts.n_dropped += dropped.n;
        counts.dropped_bytes += dropped.bytes;
        Ok(kept)
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
