//! Reads the frames of a segment in bounded memory, and finds the next sound one behind damage.

use std::io;

use memchr::memmem;

use crate::disk::File;
use crate::frame::{HEAD_BYTES, Head, MAGIC, Sum};
use crate::segment::HEADER_BYTES;

/// How much is read at once.
pub(crate) const CHUNK_BYTES: usize = 1 << 20;
/// How often a segment is looked through anew: whoever changes it all the time shall not keep readers busy.
const ANEW_MAX: u32 = 16;

/// What comes next in a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// A sound frame, and where it stands.
    Frame(Head, u64),
    /// No frame, but one follows behind it.
    Damage { from: u64, to: u64 },
    /// No frame follows. What lies from here to the limit is none.
    End { from: u64 },
}

/// Reads a segment.
pub(crate) struct Scanner {
    file: Box<dyn File>,
    salt: u64,
    limit: u64,
    at: u64,
    /// Frames up to this number have been read, or were put there by nobody who wrote this log.
    last: u64,
    /// Frames behind this number are not to be read.
    until: u64,
    /// How often it began anew.
    n_anew: u32,
    buffer: Vec<u8>,
    buffer_at: u64,
}

impl Scanner {
    /// Begins at the first frame. Frames with numbers up to `last` are none.
    pub fn new(file: Box<dyn File>, salt: u64, limit: u64, last: u64) -> Self {
        let at = HEADER_BYTES as u64;
        Self { file, salt, limit, at, last, until: u64::MAX, n_anew: 0, buffer: Vec::new(), buffer_at: 0 }
    }

    /// The file.
    pub fn file(&mut self) -> &mut dyn File {
        &mut *self.file
    }

    /// The file has got longer, and frames up to this number are in it; those behind it are none yet.
    pub fn grow(&mut self, limit: u64, until: u64) {
        // Who moved frames may have moved them beyond the end that is known.
        (self.limit, self.until) = (self.limit.max(limit), until);
    }

    /// Begins at the first frame again, up to this length: others have changed the file, and frames may stand elsewhere now.
    ///
    /// Says no if that was done too often.
    pub fn begin_anew(&mut self, limit: u64) -> bool {
        self.n_anew += 1;
        if self.n_anew > ANEW_MAX {
            return false;
        }
        (self.at, self.last, self.limit) = (HEADER_BYTES as u64, 0, limit);
        self.buffer.clear();
        true
    }

    /// The next frame. Payloads of those with numbers below `from` are taken for sound without being read.
    pub fn step(&mut self, from: u64) -> io::Result<Step> {
        let begin = self.at;
        let mut at = begin;
        while at < self.limit {
            match self.frame(at, from)? {
                Some(head) if at == begin => {
                    self.at += head.frame_bytes();
                    self.last = head.sequence;
                    return Ok(Step::Frame(head, at));
                }
                Some(_) => {
                    self.at = at;
                    return Ok(Step::Damage { from: begin, to: at });
                }
                None => at = self.find(at + 1)?,
            }
        }
        Ok(Step::End { from: begin })
    }

    /// The payload of a frame that [`Scanner::step`] gave.
    pub fn payload(&mut self, head: &Head, at: u64) -> io::Result<Vec<u8>> {
        let begin = at + HEAD_BYTES as u64;
        let len = head.len as usize;
        let mut out = Vec::with_capacity(len);
        while out.len() < len {
            let n = (len - out.len()).min(CHUNK_BYTES);
            let piece = self.window(begin + out.len() as u64, n)?;
            if piece.is_empty() {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            out.extend_from_slice(piece);
        }
        Ok(out)
    }

    /// The sound frame that stands there.
    fn frame(&mut self, at: u64, from: u64) -> io::Result<Option<Head>> {
        let salt = self.salt;
        let Ok(bytes) = <&[u8; HEAD_BYTES]>::try_from(self.window(at, HEAD_BYTES)?) else { return Ok(None) };
        let Some(head) = Head::read(bytes, salt) else { return Ok(None) };
        let is_due = head.sequence > self.last && head.sequence <= self.until && at + head.frame_bytes() <= self.limit;
        let is_sound = is_due && (head.sequence < from || self.is_sound(&head, at)?);
        Ok(is_sound.then_some(head))
    }

    fn is_sound(&mut self, head: &Head, at: u64) -> io::Result<bool> {
        let mut sum = Sum::new(self.salt);
        let mut at = at + HEAD_BYTES as u64;
        let end = at + u64::from(head.len);
        while at < end {
            let n = usize::try_from(end - at).unwrap_or(CHUNK_BYTES).min(CHUNK_BYTES);
            let piece = self.window(at, n)?;
            if piece.is_empty() {
                return Ok(false);
            }
            sum.add(piece);
            at += piece.len() as u64;
        }
        Ok(sum.finish() == head.sum)
    }

    /// Where a frame may begin next.
    fn find(&mut self, mut at: u64) -> io::Result<u64> {
        while at < self.limit {
            let piece = self.window(at, CHUNK_BYTES)?;
            if let Some(found) = memmem::find(piece, &MAGIC) {
                return Ok(at + found as u64);
            }
            if piece.len() < MAGIC.len() {
                break;
            }
            // A magic may lie across the end of the piece.
            at += (piece.len() + 1 - MAGIC.len()) as u64;
        }
        Ok(self.limit)
    }

    /// These bytes, or as many of them as there are before the limit.
    fn window(&mut self, at: u64, n: usize) -> io::Result<&[u8]> {
        let left = usize::try_from(self.limit.saturating_sub(at)).unwrap_or(usize::MAX);
        let n = n.min(left);
        let buffer_end = self.buffer_at + self.buffer.len() as u64;
        if at < self.buffer_at || at + n as u64 > buffer_end {
            self.buffer.resize(CHUNK_BYTES.min(left), 0);
            // Should reading fail, nothing old may be taken for what stands there.
            let read = self.file.read_at(at, &mut self.buffer);
            self.buffer.truncate(*read.as_ref().unwrap_or(&0));
            self.buffer_at = at;
            read?;
        }
        let begin = usize::try_from(at - self.buffer_at).unwrap_or(usize::MAX).min(self.buffer.len());
        let end = (begin + n).min(self.buffer.len());
        Ok(&self.buffer[begin..end])
    }
}
