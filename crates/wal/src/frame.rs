//! A frame: a payload with its number, its checksum, and the checksum of the frame before it.
//!
//! | bytes | what |
//! |---|---|
//! | 0‥4 | magic |
//! | 4‥8 | length of the payload |
//! | 8‥16 | sequence number |
//! | 16‥24 | seal of the frame before; 0 if none is known |
//! | 24‥32 | hash of the payload |
//! | 32‥40 | seal: hash of the 32 bytes before |
//!
//! Numbers are little-endian, and hashes are XXH3 seeded with the segment's salt. The seal stands for the frame and all before it.

use std::fmt;
use std::hash::Hasher as _;

use twox_hash::XxHash3_64;

/// The longest payload, 64 MiB. A length beyond it is damage.
pub const PAYLOAD_BYTES_MAX: usize = 64 << 20;

/// How long a frame's head is.
pub(crate) const HEAD_BYTES: usize = 40;
/// How a frame begins. No byte of it is text, so text never has to be looked at twice.
pub(crate) const MAGIC: [u8; 4] = [0xf5, 0x9a, 0xc1, 0xfe];

/// The number of a frame: later frames have greater ones, and no two frames ever have the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Position(u64);

impl Position {
    /// Before all frames.
    pub const START: Self = Self(0);

    /// The position with this number, as [`Position::get`] gave it.
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// Its number.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The one after it: where a reader goes on that has dealt with this one.
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A frame, as it was appended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Where it is.
    pub position: Position,
    /// What was appended.
    pub payload: Vec<u8>,
}

/// What stands before a payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub len: u32,
    pub sequence: u64,
    pub before: u64,
    pub sum: u64,
    pub seal: u64,
}

impl Head {
    /// The head of a payload that comes after the frame with the seal `before`.
    pub fn of(payload: &[u8], sequence: u64, before: u64, salt: u64) -> Option<Self> {
        let len = u32::try_from(payload.len()).ok().filter(|len| *len as usize <= PAYLOAD_BYTES_MAX)?;
        let sum = XxHash3_64::oneshot_with_seed(salt, payload);
        let mut head = Self { len, sequence, before, sum, seal: 0 };
        head.seal = seal(&head.bytes(), salt);
        Some(head)
    }

    /// The head in these bytes, if they are one under this salt.
    pub fn read(bytes: &[u8; HEAD_BYTES], salt: u64) -> Option<Self> {
        let len = u32::from_le_bytes([bytes[4], bytes[5], bytes[6], bytes[7]]);
        let head = Self {
            len,
            sequence: number(bytes, 8),
            before: number(bytes, 16),
            sum: number(bytes, 24),
            seal: number(bytes, 32),
        };
        let is_one = bytes[..4] == MAGIC && len as usize <= PAYLOAD_BYTES_MAX && head.seal == seal(bytes, salt);
        is_one.then_some(head)
    }

    /// The bytes it stands as.
    pub fn bytes(&self) -> [u8; HEAD_BYTES] {
        let mut out = [0; HEAD_BYTES];
        out[..4].copy_from_slice(&MAGIC);
        out[4..8].copy_from_slice(&self.len.to_le_bytes());
        for (at, value) in [(8, self.sequence), (16, self.before), (24, self.sum), (32, self.seal)] {
            out[at..at + 8].copy_from_slice(&value.to_le_bytes());
        }
        out
    }

    /// How long the frame is.
    pub fn frame_bytes(&self) -> u64 {
        HEAD_BYTES as u64 + u64::from(self.len)
    }
}

/// The number at `at`.
pub(crate) fn number(bytes: &[u8], at: usize) -> u64 {
    let mut out = [0; 8];
    out.copy_from_slice(&bytes[at..at + 8]);
    u64::from_le_bytes(out)
}

/// The hash of all but the last eight bytes, which hold it. Never 0, which stands for "not known".
pub(crate) fn seal(bytes: &[u8], salt: u64) -> u64 {
    XxHash3_64::oneshot_with_seed(salt, &bytes[..bytes.len() - 8]).max(1)
}

/// The hash of a payload that is read in pieces.
pub(crate) struct Sum(twox_hash::xxhash3_64::Hasher);

impl Sum {
    pub fn new(salt: u64) -> Self {
        Self(twox_hash::xxhash3_64::Hasher::with_seed(salt))
    }

    pub fn add(&mut self, bytes: &[u8]) {
        self.0.write(bytes);
    }

    pub fn finish(&self) -> u64 {
        self.0.finish()
    }
}
