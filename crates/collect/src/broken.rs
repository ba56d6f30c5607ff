//! What is wrong with a file that was opened, and where.

use std::fmt;
use std::io;

use crate::blob::Container;
use crate::walk::plain;

/// Why reading stopped. All bytes before the damage have been delivered.
#[derive(Debug, thiserror::Error)]
pub enum Broken {
    /// The file was cut off, or is still being written.
    #[error("{container} data ends too early, {at}")]
    Truncated {
        /// What was being inflated.
        container: Container,
        /// Where it ended.
        at: Offset,
    },
    /// The data makes no sense.
    #[error("{container} data is corrupt, {at}: {why}")]
    Corrupt {
        /// What was being inflated.
        container: Container,
        /// Where this was noticed; the damage may lie before.
        at: Offset,
        /// What was found.
        why: String,
    },
    /// The data was inflated, but is not what was once deflated.
    #[error("{container} checksum is wrong, {at}")]
    Checksum {
        /// What was being inflated.
        container: Container,
        /// Behind the checksum.
        at: Offset,
    },
    /// All was inflated, and something else follows.
    #[error("{container} data is followed by something else, {at}")]
    TrailingGarbage {
        /// What was being inflated.
        container: Container,
        /// Where the something else begins.
        at: Offset,
    },
    /// A bomb: a little data inflates to very much.
    #[error("{container} data inflates more than {ratio_max} times, {at}")]
    Ratio {
        /// What was being inflated.
        container: Container,
        /// Where it was stopped.
        at: Offset,
        /// The limit.
        ratio_max: u64,
    },
    /// More than the absolute limit.
    #[error("{container} data inflates to more than {inflated_max} bytes, {at}")]
    TooLarge {
        /// What was being inflated.
        container: Container,
        /// Where it was stopped.
        at: Offset,
        /// The limit.
        inflated_max: u64,
    },
    /// Packed in packed data, too many times.
    #[error("is packed more than {nested_max} times")]
    Nested {
        /// The limit.
        nested_max: u32,
    },
    /// The packed data is something that cannot be read.
    #[error("inflates to something that {what}")]
    Unsupported {
        /// "is a tar archive: unpack it first".
        what: String,
    },
    /// The operating system could not deliver.
    #[error("cannot read, {at}")]
    Io {
        /// Where reading failed.
        at: Offset,
        /// The reason.
        #[source]
        err: io::Error,
    },
}

impl Broken {
    /// The reason with its cause, to be read after the name of the file.
    pub fn why(&self) -> String {
        match self {
            Broken::Io { err, .. } => format!("{self}: {}", plain(err)),
            _ => self.to_string(),
        }
    }
}

/// A place in packed data.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Offset {
    /// Bytes used of what is packed. Of data packed twice, the inner packing is meant.
    pub compressed: u64,
    /// Bytes inflated up to there.
    pub inflated: u64,
}

impl fmt::Display for Offset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at byte {} (inflated: {})", self.compressed, self.inflated)
    }
}
