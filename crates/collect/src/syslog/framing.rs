//! Messages in a stream of bytes (RFC 6587): counted, `34 <13>1 …`, or one a line; some senders mix both.

/// How a message was told from the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// Its length stood before it.
    Counted,
    /// It ended with a line feed or a zero byte, or with the stream.
    Line,
    /// Its length stood before it, and the stream ended before it was as long.
    Short,
    /// It was as long as a message may be, and what follows is its rest, or another.
    Cut,
}

/// More digits than any length has.
const DIGITS_MAX: usize = 20;

/// A message as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Its bytes, without what ended it.
    pub bytes: Vec<u8>,
    /// How it was told from the next.
    pub framing: Framing,
}

/// Takes a stream in any pieces and gives its messages. It holds at most one message and one piece.
///
/// A length counts only if it is possible and a `<` follows, so that a line that begins with a number is a line. A length that
/// is too long or too short is found by nobody: the frame has the wrong bytes, bounded, and none of them is lost; the next line
/// feed, or the next length that is followed by `<`, is where messages are told apart again.
#[derive(Debug)]
pub struct Framer {
    bytes_max: usize,
    buffer: Vec<u8>,
    start: usize,
    /// Up to here there is no end of a line.
    searched: usize,
    is_ended: bool,
    /// The last message was counted.
    is_counted: bool,
}

impl Framer {
    /// For messages of up to so many bytes, at least one.
    pub fn new(bytes_max: usize) -> Self {
        Self {
            bytes_max: bytes_max.max(1),
            buffer: Vec::new(),
            start: 0,
            searched: 0,
            is_ended: false,
            is_counted: false,
        }
    }

    /// Takes the next piece of the stream. Call [`Framer::next`] until there is none before the next piece.
    pub fn push(&mut self, piece: &[u8]) {
        self.buffer.drain(..self.start);
        self.searched -= self.start;
        self.start = 0;
        self.buffer.extend_from_slice(piece);
    }

    /// Says that the stream has ended: what is left is a message.
    pub fn finish(&mut self) {
        self.is_ended = true;
    }

    /// The next message; none if more bytes are needed. Empty lines are none.
    #[allow(clippy::should_implement_trait, reason = "an iterator ends, and this goes on with the next piece")]
    pub fn next(&mut self) -> Option<Frame> {
        loop {
            let rest = &self.buffer[self.start..];
            if rest.is_empty() {
                return None;
            }
            let frame = match self.count(rest) {
                Count::Wanted => return None,
                Count::Is { digits, len } => {
                    let begin = self.start + digits + 1;
                    let have = self.buffer.len() - begin;
                    if have < len && !self.is_ended {
                        return None;
                    }
                    let framing = if have < len { Framing::Short } else { Framing::Counted };
                    self.take(begin, begin + len.min(have), 0, framing)
                }
                Count::None => self.line()?,
            };
            if !frame.bytes.is_empty() {
                return Some(frame);
            }
        }
    }

    /// Whether a length comes next.
    fn count(&self, rest: &[u8]) -> Count {
        // What begins a line is looked at once.
        if self.searched > self.start || !matches!(rest[0], b'1'..=b'9') {
            return Count::None;
        }
        let digits = rest.iter().take(DIGITS_MAX).take_while(|byte| byte.is_ascii_digit()).count();
        let Some(len) = length(&rest[..digits], self.bytes_max) else { return Count::None };
        match (rest.get(digits), rest.get(digits + 1)) {
            (Some(b' '), Some(b'<')) => Count::Is { digits, len },
            (None, _) | (Some(b' '), None) if !self.is_ended => Count::Wanted,
            _ => Count::None,
        }
    }

    fn line(&mut self) -> Option<Frame> {
        let from = self.searched.max(self.start);
        let end_max = self.start.saturating_add(self.bytes_max);
        let found = memchr::memchr2(b'\n', 0, &self.buffer[from..]).map(|at| from + at);
        // Not beyond what a message may be, so that it does not matter in which pieces the stream comes.
        let counted = self.counted(from, found.unwrap_or(self.buffer.len()).min(end_max));
        if let Some(end) = counted {
            return Some(self.take(self.start, end, 0, Framing::Line));
        }
        match found.filter(|end| *end <= end_max) {
            Some(end) => Some(self.take(self.start, end, 1, Framing::Line)),
            None if self.buffer.len() > end_max => Some(self.take(self.start, end_max, 0, Framing::Cut)),
            None if self.is_ended => Some(self.take(self.start, self.buffer.len(), 0, Framing::Line)),
            None => {
                self.searched = self.buffer.len();
                None
            }
        }
    }

    /// Where the next counted message begins, if a length that was too short left bytes before it.
    fn counted(&self, from: usize, to: usize) -> Option<usize> {
        if !self.is_counted || self.buffer[self.start] == b'<' {
            return None;
        }
        memchr::memchr_iter(b'<', &self.buffer[from..to]).find_map(|at| {
            let before = self.buffer[self.start..from + at].strip_suffix(b" ")?;
            let n_digits = before.iter().rev().take(DIGITS_MAX).take_while(|byte| byte.is_ascii_digit()).count();
            let (_, digits) = before.split_at(before.len() - n_digits);
            length(digits, self.bytes_max).map(|_| self.start + before.len() - n_digits)
        })
    }

    fn take(&mut self, begin: usize, end: usize, n_behind: usize, framing: Framing) -> Frame {
        let mut bytes = &self.buffer[begin..end];
        if framing != Framing::Cut {
            // Lines of Windows, and counted messages with an end of line in the count.
            while let Some(shorter) = bytes.strip_suffix(b"\n").or_else(|| bytes.strip_suffix(b"\r")) {
                bytes = shorter;
            }
        }
        let bytes = bytes.to_vec();
        self.start = end + n_behind;
        self.searched = self.start;
        self.is_counted = framing == Framing::Counted || (self.is_counted && framing == Framing::Cut);
        Frame { bytes, framing }
    }
}

/// The length that these digits are, if a message may be as long. It begins with no zero.
fn length(digits: &[u8], bytes_max: usize) -> Option<usize> {
    digits.first().filter(|first| **first != b'0')?;
    digits.iter().try_fold(0_usize, |len, byte| {
        len.checked_mul(10)?.checked_add(usize::from(byte - b'0')).filter(|len| *len <= bytes_max)
    })
}

enum Count {
    /// It cannot be told yet.
    Wanted,
    /// It does, and has so many digits.
    Is { digits: usize, len: usize },
    /// No.
    None,
}
