//! A segment: a file with a header and frames. Its name repeats what its frames cannot be read without, should the header be damaged.
//!
//! | bytes | what |
//! |---|---|
//! | 0‥8 | magic, with the version of the format |
//! | 8‥16 | the first sequence number it may hold |
//! | 16‥24 | the sequence number of the last durable frame before it |
//! | 24‥32 | that frame's seal; 0 if it is not known |
//! | 32‥40 | the salt of all hashes in this file |
//! | 40‥48 | hash of the 40 bytes before |
//!
//! Frames of earlier segments with numbers between the second and the first of these were never durable as far as their appender
//! knows, and whoever sent them was told so.

use crate::frame::{number, seal};

/// How long a header is.
pub(crate) const HEADER_BYTES: usize = 48;
const MAGIC: [u8; 8] = *b"SKYWAL\x00\x01";
const ENDING: &str = ".wal";

/// What a segment says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    /// The least sequence number that it may hold.
    pub first: u64,
    /// The last durable frame before it; 0 if there is none.
    pub last_before: u64,
    /// That frame's seal; 0 if it is not known.
    pub seal_before: u64,
    /// What its hashes are seeded with.
    pub salt: u64,
}

impl Header {
    /// The bytes it stands as.
    pub fn bytes(&self) -> [u8; HEADER_BYTES] {
        let mut out = [0; HEADER_BYTES];
        out[..8].copy_from_slice(&MAGIC);
        for (at, value) in [(8, self.first), (16, self.last_before), (24, self.seal_before), (32, self.salt)] {
            out[at..at + 8].copy_from_slice(&value.to_le_bytes());
        }
        let sum = seal(&out, 0);
        out[40..].copy_from_slice(&sum.to_le_bytes());
        out
    }

    /// The header in these bytes, if they are one.
    pub fn read(bytes: &[u8; HEADER_BYTES]) -> Option<Self> {
        let is_one = bytes[..8] == MAGIC && number(bytes, 40) == seal(bytes, 0);
        is_one.then(|| Self {
            first: number(bytes, 8),
            last_before: number(bytes, 16),
            seal_before: number(bytes, 24),
            salt: number(bytes, 32),
        })
    }

    /// The name of its file.
    pub fn name(&self) -> String {
        format!("{:020}-{:016x}{ENDING}", self.first, self.salt)
    }

    /// As much of a header as the name of a file tells; nothing if the file is no segment.
    pub fn of_name(name: &str) -> Option<Self> {
        let (first, salt) = name.strip_suffix(ENDING)?.split_once('-')?;
        if first.len() != 20 || salt.len() != 16 || !first.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let (first, salt) = (first.parse().ok()?, u64::from_str_radix(salt, 16).ok()?);
        // What came before is not known, so nothing before is taken for never durable.
        Some(Self { first, last_before: u64::MAX, seal_before: 0, salt })
    }
}
