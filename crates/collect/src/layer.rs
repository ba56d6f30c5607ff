//! One packing around the bytes, or none; layers are stacked when packed data is packed again.

use std::io::Read;

use crate::broken::{Broken, Offset};

/// How much is read, or inflated, in one step. Limits are looked at after each.
pub(crate) const STEP_BYTES: usize = 128 * 1024;

/// Something that bytes are pulled from.
pub(crate) trait Layer: Send {
    /// Appends some of the next bytes, at least one and about `want`. Ok(false): there are no more.
    fn read(&mut self, out: &mut Vec<u8>, want: usize) -> Result<bool, Broken>;

    /// Bytes taken from the file so far.
    fn bytes_read(&self) -> u64;
}

/// The innermost layer: the file itself.
pub(crate) struct Plain<R> {
    reader: R,
    bytes_read: u64,
    ended: bool,
}

impl<R: Read + Send> Plain<R> {
    /// The rest of a file of which so many bytes have been read.
    pub(crate) fn new(reader: R, bytes_read: u64) -> Plain<R> {
        Plain { reader, bytes_read, ended: false }
    }
}

impl<R: Read + Send> Layer for Plain<R> {
    fn read(&mut self, out: &mut Vec<u8>, want: usize) -> Result<bool, Broken> {
        if self.ended {
            return Ok(false);
        }
        let start = out.len();
        let result = self.reader.by_ref().take(want as u64).read_to_end(out);
        let n = out.len() - start;
        self.bytes_read += n as u64;
        self.ended = n < want;
        if let Err(err) = result {
            self.ended = true;
            let at = Offset { compressed: self.bytes_read, inflated: self.bytes_read };
            return Err(Broken::Io { at, err });
        }
        Ok(!self.ended)
    }

    fn bytes_read(&self) -> u64 {
        self.bytes_read
    }
}

/// Bytes at hand that come before those of a layer: they were read to see what they are.
pub(crate) struct Again {
    head: Vec<u8>,
    /// How the read ended that yielded the head.
    then: Then,
    rest: Box<dyn Layer>,
}

/// What comes behind bytes at hand.
pub(crate) enum Then {
    /// Perhaps more.
    More,
    /// Nothing.
    End,
    /// Damage.
    Broken(Broken),
}

impl From<Result<bool, Broken>> for Then {
    fn from(result: Result<bool, Broken>) -> Then {
        match result {
            Ok(true) => Then::More,
            Ok(false) => Then::End,
            Err(broken) => Then::Broken(broken),
        }
    }
}

impl Again {
    pub(crate) fn new(head: Vec<u8>, then: Then, rest: Box<dyn Layer>) -> Again {
        Again { head, then, rest }
    }
}

impl Layer for Again {
    fn read(&mut self, out: &mut Vec<u8>, want: usize) -> Result<bool, Broken> {
        let n_head = self.head.len();
        out.append(&mut std::mem::take(&mut self.head));
        match std::mem::replace(&mut self.then, Then::End) {
            Then::More => {
                self.then = Then::More;
                match want.saturating_sub(n_head) {
                    0 => Ok(true),
                    want => self.rest.read(out, want),
                }
            }
            Then::End => Ok(false),
            Then::Broken(broken) => Err(broken),
        }
    }

    fn bytes_read(&self) -> u64 {
        self.rest.bytes_read()
    }
}

/// The packed bytes of a layer: those of the layer below, through a small buffer.
pub(crate) struct Input {
    below: Box<dyn Layer>,
    buf: Vec<u8>,
    start: usize,
    /// Bytes used, counted from the first.
    used: u64,
    then: Then,
}

impl Input {
    pub(crate) fn new(below: Box<dyn Layer>) -> Input {
        Input { below, buf: Vec::new(), start: 0, used: 0, then: Then::More }
    }

    /// The bytes at hand. Empty only at the end.
    pub(crate) fn bytes(&mut self) -> &[u8] {
        self.at_least(1)
    }

    /// The bytes at hand, and `n` of them unless the end comes before.
    pub(crate) fn at_least(&mut self, n: usize) -> &[u8] {
        while self.buf.len() - self.start < n && matches!(self.then, Then::More) {
            self.buf.drain(..self.start);
            self.start = 0;
            self.then = self.below.read(&mut self.buf, STEP_BYTES).into();
        }
        &self.buf[self.start..]
    }

    /// Marks bytes at hand as used.
    pub(crate) fn use_up(&mut self, n: usize) {
        debug_assert!(self.start + n <= self.buf.len(), "only what is at hand can be used");
        self.start += n;
        self.used += n as u64;
    }

    pub(crate) fn used(&self) -> u64 {
        self.used
    }

    /// The damage below that ended the input, if that is why it ended.
    pub(crate) fn damage(&mut self) -> Option<Broken> {
        match std::mem::replace(&mut self.then, Then::End) {
            Then::Broken(broken) => Some(broken),
            then => {
                self.then = then;
                None
            }
        }
    }

    pub(crate) fn bytes_read(&self) -> u64 {
        self.below.bytes_read()
    }
}
