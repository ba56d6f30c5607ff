//! The log without a thread: commits batches, begins segments, deletes what is released.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::disk::{Disk, File};
use crate::frame::{HEAD_BYTES, Head, PAYLOAD_BYTES_MAX, Position};
use crate::index::{Index, Segment};
use crate::reader::Reader;
use crate::recovery::{OpenError, Recovered, Recovery, recover};
use crate::segment::{HEADER_BYTES, Header};

/// How much memory is kept from batch to batch.
const BUFFER_BYTES: usize = 8 << 20;

/// A batch is not durable. Its frames are there once or not at all when the log is opened next; none is read before.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// A payload is too long; nothing was written.
    #[error("cannot log a payload of {bytes} bytes, {PAYLOAD_BYTES_MAX} are the most")]
    Long {
        /// Its length.
        bytes: usize,
    },
    /// A segment cannot be begun.
    #[error("cannot begin the segment `{}`", path.display())]
    Begin {
        /// The segment.
        path: PathBuf,
        /// Why.
        #[source]
        err: io::Error,
    },
    /// Writing failed. If the disk is full, the next commit that finds space succeeds.
    #[error("cannot write to `{}`", path.display())]
    Write {
        /// The segment.
        path: PathBuf,
        /// Why.
        #[source]
        err: io::Error,
    },
    /// The bytes are written but may not survive a power cut. The segment is closed, and the next commit begins another.
    #[error("cannot make `{}` durable", path.display())]
    Sync {
        /// The segment.
        path: PathBuf,
        /// Why.
        #[source]
        err: io::Error,
    },
    /// The disk's code panicked.
    #[error("writing the log panicked")]
    Panicked,
}

impl CommitError {
    /// Whether the disk or a quota is full.
    pub fn is_full(&self) -> bool {
        match self {
            Self::Begin { err, .. } | Self::Write { err, .. } | Self::Sync { err, .. } => {
                matches!(err.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
            }
            Self::Long { .. } | Self::Panicked => false,
        }
    }
}

/// Segments cannot be deleted. Those that were are gone; the others are tried again with the next release.
#[derive(Debug, thiserror::Error)]
pub enum ReleaseError {
    /// Damage in it could not be copied yet.
    #[error("cannot copy the damaged bytes of `{}`", path.display())]
    Keep {
        /// The segment.
        path: PathBuf,
        /// Why.
        #[source]
        err: io::Error,
    },
    /// It cannot be removed.
    #[error("cannot remove `{}`", path.display())]
    Remove {
        /// The segment.
        path: PathBuf,
        /// Why.
        #[source]
        err: io::Error,
    },
    /// It is removed, but may be there again after a power cut.
    #[error("cannot make it durable that `{}` is removed", path.display())]
    Sync {
        /// The segment.
        path: PathBuf,
        /// Why.
        #[source]
        err: io::Error,
    },
    /// The newest segment is released, too, but no other can be begun to keep the numbers.
    #[error("cannot begin a segment")]
    Begin {
        /// Why.
        #[source]
        err: CommitError,
    },
}

/// The log without a thread. Each commit is durable when it returns.
pub struct Log {
    index: Arc<Index>,
    segment_bytes: u64,
    active: Option<Active>,
    next: u64,
    /// The last durable frame.
    last: u64,
    seal: u64,
    buffer: Vec<u8>,
}

/// The segment that is written to.
struct Active {
    file: Box<dyn File>,
    name: Arc<str>,
    salt: u64,
    /// Up to here it is durable.
    bytes: u64,
}

impl Active {
    /// An error if others made the file longer or shorter, or took it away.
    fn check(&mut self, bytes: u64) -> io::Result<()> {
        let len = self.file.size()?;
        if len == bytes { Ok(()) } else { Err(io::Error::other(format!("it has {len} bytes and should have {bytes}"))) }
    }
}

impl Log {
    /// Opens the log in a folder; segments get about this long.
    ///
    /// # Errors
    /// When the folder cannot be made or listed, or when what is there cannot be made durable. Damage is no error.
    pub fn open(folder: &Path, segment_bytes: u64, disk: Arc<dyn Disk>) -> Result<(Self, Recovery), OpenError> {
        let Recovered { index, recovery, last, seal } = recover(folder, disk)?;
        let next = recovery.next.get();
        let index = Arc::new(index);
        let mut log = Self { index, segment_bytes, active: None, next, last, seal, buffer: Vec::new() };
        // A file of its own for each run: what a run before wrote, and could not make durable, is in no file that is written to,
        // and the numbers that were given up are given up durably. If it cannot be made, the first commit says so.
        let _tried_again_by_commit = log.begin();
        Ok((log, recovery))
    }

    /// Reads durable frames from this position on, also while others are committed.
    pub fn reader(&self, from: Position) -> Reader {
        Reader::new(self.index.clone(), from)
    }

    pub(crate) fn index(&self) -> &Arc<Index> {
        &self.index
    }

    /// Makes these payloads durable, as frames with consecutive positions, of which it gives the first.
    ///
    /// # Errors
    /// When they are not durable. No durable frame ever gets a position that one of them may have on the disk.
    pub fn commit(&mut self, payloads: &[Vec<u8>]) -> Result<Position, CommitError> {
        if let Some(long) = payloads.iter().find(|payload| payload.len() > PAYLOAD_BYTES_MAX) {
            return Err(CommitError::Long { bytes: long.len() });
        }
        if payloads.is_empty() {
            return Ok(Position::new(self.next));
        }
        let n_bytes: u64 = payloads.iter().map(|payload| (payload.len() + HEAD_BYTES) as u64).sum();
        let mut active = self.active_for(n_bytes)?;
        let first = self.next;
        let seal = self.encode(payloads, active.salt);
        let path = self.index.folder.join(&*active.name);
        let written = active.file.append(&self.buffer);
        if let Err(err) = written.and_then(|()| active.check(active.bytes + n_bytes)) {
            let err = CommitError::Write { path, err };
            // What was written of it would stand before the next frame. If it can be cut, the segment is as good as before:
            // it was when the batch began. The numbers are used again, so that those in a segment have no gaps and its length
            // bounds them.
            if active.file.truncate(active.bytes).is_ok() {
                self.active = Some(active);
            } else {
                self.abandon(active, first + payloads.len() as u64);
            }
            return Err(err);
        }
        if let Err(err) = active.file.sync() {
            let err = CommitError::Sync { path, err };
            self.abandon(active, first + payloads.len() as u64);
            return Err(err);
        }
        self.advance(first + payloads.len() as u64);
        active.bytes += n_bytes;
        self.seal = seal;
        self.last = self.next - 1;
        self.index.grow(&active.name, active.bytes, self.last);
        self.active = Some(active);
        Ok(Position::new(first))
    }

    /// Puts the frames into the buffer and gives the seal of the last.
    fn encode(&mut self, payloads: &[Vec<u8>], salt: u64) -> u64 {
        self.buffer.clear();
        // A batch with a long payload does not keep its memory.
        self.buffer.shrink_to(BUFFER_BYTES);
        let mut seal = self.seal;
        for (payload, sequence) in payloads.iter().zip(self.next..) {
            let Some(head) = Head::of(payload, sequence, seal, salt) else { continue };
            self.buffer.extend_from_slice(&head.bytes());
            self.buffer.extend_from_slice(payload);
            seal = head.seal;
        }
        seal
    }

    /// The segment to write so many bytes to.
    fn active_for(&mut self, n_bytes: u64) -> Result<Active, CommitError> {
        let has_room = |active: &Active| {
            active.bytes <= HEADER_BYTES as u64 || active.bytes.saturating_add(n_bytes) <= self.segment_bytes
        };
        // Frames that stand elsewhere than they are looked for would be read by nobody, and cut with the next failure.
        let is_good = self.active.as_mut().is_some_and(|active| has_room(active) && active.check(active.bytes).is_ok());
        match self.active.take_if(|_| is_good) {
            Some(active) => Ok(active),
            None => {
                self.begin()?;
                let path = self.index.folder.clone();
                self.active.take().ok_or(CommitError::Begin { path, err: io::ErrorKind::NotFound.into() })
            }
        }
    }

    /// Begins a segment, durably, so that none of its frames can be lost with it, nor the numbers before it be given again.
    fn begin(&mut self) -> Result<(), CommitError> {
        if let Some(active) = self.active.take() {
            self.leave(active);
        }
        // The segment before may have no frames, and be there again after a power cut: its number is its own.
        let is_taken = self.index.state().segments.back().is_some_and(|newest| newest.first >= self.next);
        if is_taken {
            self.advance(self.next + 1);
        }
        let disk = &self.index.disk;
        let header = Header { first: self.next, last_before: self.last, seal_before: self.seal, salt: disk.random() };
        let name: Arc<str> = header.name().into();
        let path = self.index.folder.join(&*name);
        let begun = disk.create(&path).and_then(|mut file| {
            file.append(&header.bytes())?;
            file.sync()?;
            disk.sync_folder(&self.index.folder)?;
            Ok(file)
        });
        let file = match begun {
            Ok(file) => file,
            Err(err) => {
                // If it stays it is empty, which harms nobody, for no two segments have the same first number.
                let _stays_empty = disk.remove(&path);
                self.advance(self.next + 1);
                return Err(CommitError::Begin { path, err });
            }
        };
        let bytes = HEADER_BYTES as u64;
        let segment = Segment {
            name: name.clone(),
            first: header.first,
            salt: header.salt,
            bytes,
            file_bytes: bytes,
            last: 0,
            is_unread: false,
            damaged: Vec::new(),
            unsaved: Vec::new(),
        };
        self.index.state().segments.push_back(segment);
        self.active = Some(Active { file, name, salt: header.salt, bytes });
        self.drop_empty();
        Ok(())
    }

    /// Looks at a segment that is not written to any more: what others did to it is damage.
    fn leave(&self, mut active: Active) {
        let Active { file, name, bytes, .. } = &mut active;
        let Ok(len) = file.size() else {
            self.index.count(name, 0..*bytes);
            return;
        };
        self.index.note(name, *bytes..len.max(*bytes), &mut **file);
        self.index.count(name, len.min(*bytes)..*bytes);
        self.index.with(name, |segment| segment.file_bytes = len);
    }

    /// Removes segments without frames: each kept the numbers until the next was begun.
    fn drop_empty(&mut self) {
        let mut state = self.index.state();
        let newest = state.segments.back().map(|segment| segment.name.clone());
        let is_empty = |segment: &Segment| {
            let is_clean = segment.damaged.is_empty() && segment.unsaved.is_empty();
            segment.last == 0 && is_clean && Some(&segment.name) != newest.as_ref()
        };
        state.segments.retain(|segment| {
            !is_empty(segment) || self.index.disk.remove(&self.index.folder.join(&*segment.name)).is_err()
        });
    }

    fn advance(&mut self, next: u64) {
        self.next = next;
        self.index.state().next = next;
    }

    /// Closes the segment that was being written, or begun, when a commit of so many frames panicked. The next one says where its durable frames
    /// end, and has numbers that none of those have.
    pub(crate) fn give_up(&mut self, n_frames: u64) {
        self.active = None;
        self.advance(self.next + n_frames + 1);
    }

    /// Closes a segment of which the end is not to be trusted.
    ///
    /// The next segment's header says where its durable frames end, so cutting it is only to spare recovery the work.
    fn abandon(&mut self, mut active: Active, next: u64) {
        self.advance(next);
        if active.file.truncate(active.bytes).is_err() {
            let len = active.file.size().unwrap_or(active.bytes);
            let mut state = self.index.state();
            if let Some(segment) = state.segments.iter_mut().find(|segment| segment.name == active.name) {
                segment.file_bytes = len;
            }
        }
    }

    /// Deletes the segments of which all frames are before this position.
    ///
    /// # Errors
    /// When one cannot be deleted.
    pub fn release(&mut self, upto: Position) -> Result<(), ReleaseError> {
        while let Some(segment) = self.released(upto) {
            self.remove(&segment)?;
        }
        let is_all = self.active.as_ref().is_some_and(|active| active.bytes > HEADER_BYTES as u64);
        if is_all && self.last < upto.get() {
            self.begin().map_err(|err| ReleaseError::Begin { err })?;
            while let Some(segment) = self.released(upto) {
                self.remove(&segment)?;
            }
        }
        Ok(())
    }

    /// The oldest segment if it is released. The newest stays: it keeps the numbers.
    fn released(&self, upto: Position) -> Option<Segment> {
        let state = self.index.state();
        let oldest = state.segments.front().filter(|segment| segment.last < upto.get());
        oldest.filter(|_| state.segments.len() > 1).cloned()
    }

    fn remove(&mut self, segment: &Segment) -> Result<(), ReleaseError> {
        let index = &self.index;
        let path = index.folder.join(&*segment.name);
        for range in &segment.unsaved {
            let kept = index.disk.open(&path).and_then(|mut file| index.save(&segment.name, range.clone(), &mut *file));
            kept.map_err(|err| ReleaseError::Keep { path: path.clone(), err })?;
        }
        match index.disk.remove(&path) {
            Err(err) if err.kind() != io::ErrorKind::NotFound => return Err(ReleaseError::Remove { path, err }),
            _ => {}
        }
        index.state().segments.retain(|have| have.name != segment.name);
        // One by one from the oldest on: no crash leaves a gap.
        index.disk.sync_folder(&index.folder).map_err(|err| ReleaseError::Sync { path, err })
    }
}
