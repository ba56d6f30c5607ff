//! Reads durable frames in order.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use crate::frame::{Frame, Position};
use crate::index::{Index, Segment};
use crate::scan::{Scanner, Step};

/// The log cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// A segment cannot be opened.
    #[error("cannot open `{}`", path.display())]
    Open {
        /// The segment.
        path: PathBuf,
        /// Why.
        #[source]
        err: io::Error,
    },
    /// A segment cannot be read on.
    #[error("cannot read `{}`", path.display())]
    Read {
        /// The segment.
        path: PathBuf,
        /// Why.
        #[source]
        err: io::Error,
    },
}

/// Reads durable frames in order, with one piece of a segment and one payload in memory.
///
/// Damage is copied into `damaged/`, counted in [`crate::Stats`], and read past.
pub struct Reader {
    index: Arc<Index>,
    from: u64,
    opened: Option<(Arc<str>, Scanner)>,
}

impl Reader {
    pub(crate) fn new(index: Arc<Index>, from: Position) -> Self {
        Self { index, from: from.get(), opened: None }
    }

    /// The least position that comes next.
    pub fn position(&self) -> Position {
        Position::new(self.from)
    }

    /// The next frame; none if there is no durable one yet.
    ///
    /// # Errors
    /// When the disk cannot be read. The next call tries the same again.
    #[allow(clippy::should_implement_trait, reason = "an iterator ends, and this goes on when frames are appended")]
    pub fn next(&mut self) -> Result<Option<Frame>, ReadError> {
        while let Some(segment) = self.index.segment_from(self.from) {
            let frame = match self.scan(&segment) {
                Ok(frame) => frame,
                // It was released in this moment.
                Err(_) if self.index.segment_from(self.from).is_none_or(|now| now.name != segment.name) => continue,
                // Nothing brings it back.
                Err(ReadError::Open { .. }) if self.index.is_gone(&segment) => {
                    self.index.count(&segment.name, 0..segment.bytes);
                    self.index.count_lost(self.from.max(segment.first)..segment.last + 1);
                    None
                }
                Err(err) => return Err(err),
            };
            match frame {
                Some(frame) => {
                    self.from = frame.position.get() + 1;
                    return Ok(Some(frame));
                }
                None => self.from = segment.last + 1,
            }
        }
        Ok(None)
    }

    /// Gives up the segment that the next frame is in, so that one that cannot be read does not stop a consumer for ever.
    ///
    /// Gives the positions that are passed over. Releasing behind them deletes them.
    pub fn pass_over(&mut self) -> Option<std::ops::Range<Position>> {
        let segment = self.index.segment_from(self.from)?;
        let from = self.position();
        self.from = segment.last + 1;
        self.opened = None;
        self.index.count(&segment.name, 0..segment.file_bytes);
        // How many frames an unread segment has is not known, only that there are no more than these.
        if !segment.is_unread {
            self.index.count_lost(from.get().max(segment.first)..self.from);
        }
        Some(from..self.position())
    }

    /// The next frame in this segment that is due.
    fn scan(&mut self, segment: &Segment) -> Result<Option<Frame>, ReadError> {
        let path = || self.index.folder.join(&*segment.name);
        let mut scanner = match self.opened.take() {
            Some((name, scanner)) if name == segment.name => scanner,
            _ => {
                let opened = self.index.disk.open(&path()).and_then(|mut file| {
                    let limit = if segment.is_unread { file.size()? } else { segment.bytes };
                    Ok(Scanner::new(file, segment.salt, limit, 0))
                });
                opened.map_err(|err| ReadError::Open { path: path(), err })?
            }
        };
        if !segment.is_unread {
            scanner.grow(segment.bytes, segment.last);
        }
        let frame = due(&mut scanner, &self.index, segment, self.from);
        let frame = frame.map_err(|err| ReadError::Read { path: path(), err })?;
        self.opened = Some((segment.name.clone(), scanner));
        Ok(frame)
    }
}

/// The next frame that is due.
///
/// Numbers in a segment have no gaps. Where one is missing the whole file is looked through once more, as somebody may have put
/// bytes between frames, or taken some away, and so moved it.
fn due(scanner: &mut Scanner, index: &Index, segment: &Segment, from: u64) -> io::Result<Option<Frame>> {
    let expected = from.max(segment.first);
    let mut is_anew = segment.is_unread;
    loop {
        // One that was cut short, and is taken for sound, would hide those behind it.
        let step = scanner.step(if is_anew { 0 } else { from })?;
        let missing = match step {
            Step::Damage { from, to } => {
                index.note(&segment.name, from..to, scanner.file());
                continue;
            }
            Step::Frame(head, _) if head.sequence < from => continue,
            Step::Frame(head, _) => expected..head.sequence,
            Step::End { .. } => expected..segment.last + 1,
        };
        if !missing.is_empty() && !is_anew {
            is_anew = true;
            let len = scanner.file().size().unwrap_or(0);
            if scanner.begin_anew(len.max(segment.bytes)) {
                continue;
            }
        }
        if !segment.is_unread {
            index.count_lost(missing);
        }
        match step {
            Step::Frame(head, at) => {
                let payload = scanner.payload(&head, at)?;
                return Ok(Some(Frame { position: Position::new(head.sequence), payload }));
            }
            Step::End { from: at } | Step::Damage { from: at, .. } => {
                let len = scanner.file().size().unwrap_or(segment.bytes);
                index.note(&segment.name, at..len.min(segment.bytes), scanner.file());
                index.count(&segment.name, at.max(len)..segment.bytes);
                return Ok(None);
            }
        }
    }
}
