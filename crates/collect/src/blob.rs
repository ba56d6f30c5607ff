//! One file, or pipe, being read as inflated bytes.

use std::fmt;
use std::io::{self, Read};
use std::path::Path;

use crate::broken::{Broken, Offset};
use crate::files::{self, Disk, Files, Handle};
use crate::gzip::Gzip;
use crate::layer::{Again, Layer, Plain, Then};
use crate::magic::{self, HEAD_BYTES, Kind};
use crate::rows::Rows;
pub use crate::rows::is_guarded;
use crate::walk::{plain, show};
use crate::whole;
use crate::zstd::Zstd;

/// A file of at most so many bytes, inflated too, is delivered at once.
const AT_ONCE_BYTES: usize = 8 << 20;

/// Data packed twice is delivered in pieces, and the limits are looked at after each.
const NESTED_BYTES: usize = 1 << 20;

/// How far packed data may be inflated.
///
/// The ratio is what stops bombs; the absolute limit is for disks and patience, and so is wide: a real log of several GiB
/// is to be read, and memory does not depend on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes that one file may inflate to.
    pub inflated_max: u64,
    /// Inflated bytes a packed byte. Deflate reaches 1,032 and real logs about 20, at most 60.
    pub ratio_max: u64,
    /// Inflated bytes for which the ratio is not looked at.
    pub ratio_free: u64,
    /// Packings inside each other.
    pub nested_max: u32,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { inflated_max: 64 << 30, ratio_max: 200, ratio_free: 8 << 20, nested_max: 2 }
    }
}

impl Limits {
    /// How much so many packed bytes may inflate to.
    pub(crate) fn inflated_bytes_max(&self, packed: u64) -> u64 {
        let by_ratio = packed.saturating_mul(self.ratio_max).saturating_add(self.ratio_free);
        by_ratio.min(self.inflated_max)
    }

    pub(crate) fn check(&self, container: Container, at: Offset) -> Result<(), Broken> {
        if at.inflated <= self.inflated_bytes_max(at.compressed) {
            return Ok(());
        }
        Err(match at.inflated > self.inflated_max {
            true => Broken::TooLarge { container, at, inflated_max: self.inflated_max },
            false => Broken::Ratio { container, at, ratio_max: self.ratio_max },
        })
    }
}

/// What the bytes are packed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Container {
    /// Nothing.
    Plain,
    /// Gzip.
    Gzip,
    /// Zstandard.
    Zstd,
    /// Parquet, which is delivered as lines of text.
    Parquet,
}

impl fmt::Display for Container {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Container::Plain => "plain",
            Container::Gzip => "gzip",
            Container::Zstd => "zstd",
            Container::Parquet => "Parquet",
        })
    }
}

/// Why a file is not read at all.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The operating system does not let us.
    #[error("cannot open `{name}`")]
    Io {
        /// The file, see [`show`].
        name: String,
        /// The reason.
        #[source]
        err: io::Error,
    },
    /// Reading it could take for ever, or have effects.
    #[error("`{name}` is {kind}")]
    NotAFile {
        /// The file, see [`show`].
        name: String,
        /// "a FIFO".
        kind: &'static str,
    },
    /// It is something that cannot be read.
    #[error("`{name}` {what}")]
    Unsupported {
        /// The file, see [`show`].
        name: String,
        /// "is a zip archive: unpack it first".
        what: String,
    },
}

impl OpenError {
    /// The reason, to be read after the name of the file.
    pub fn why(&self) -> String {
        match self {
            OpenError::Io { err, .. } => format!("cannot be read: {}", plain(err)),
            OpenError::NotAFile { kind, .. } => format!("is {kind}"),
            OpenError::Unsupported { what, .. } => what.clone(),
        }
    }
}

/// One file, or pipe, being read as inflated bytes.
pub struct Blob {
    container: Container,
    limits: Limits,
    stage: Stage,
    /// Whether a read delivers as much as it may at once, whatever the caller wants.
    small: bool,
    /// Packings inside each other, as far as known.
    n_packings: u32,
    inflated: u64,
}

enum Stage {
    /// A small gzip file of which some first bytes have been read.
    Whole {
        head: Vec<u8>,
        rest: Box<dyn Handle>,
    },
    /// Packed data, and it is not known yet what it holds.
    Packed(Box<dyn Layer>),
    /// The bytes to deliver.
    Inflated(Box<dyn Layer>),
    End {
        bytes_read: u64,
    },
}

impl Blob {
    /// Opens a file of this machine and looks at its first bytes.
    pub fn open(path: &Path, limits: &Limits) -> Result<Blob, OpenError> {
        Blob::open_in(&Disk, path, limits)
    }

    /// Opens a file and looks at its first bytes.
    pub fn open_in(files: &dyn Files, path: &Path, limits: &Limits) -> Result<Blob, OpenError> {
        let name = || show(path);
        let io = |err| OpenError::Io { name: name(), err };
        // Asked first, since opening a FIFO waits for somebody to write.
        let meta = files.metadata(path).map_err(io)?;
        if meta.kind != files::Kind::File {
            return Err(OpenError::NotAFile { name: name(), kind: meta.kind.noun() });
        }
        let mut file = files.open(path).map_err(io)?;
        let head = read_head(&mut file).map_err(io)?;
        let unsupported = |what: &str| OpenError::Unsupported { name: name(), what: what.to_owned() };
        let container = match magic::recognize(&head) {
            Kind::Readable(container) => container,
            Kind::Unsupported(what) => return Err(unsupported(what)),
        };
        let stage = match container {
            Container::Gzip if meta.len <= whole::PACKED_BYTES_MAX => {
                let mut head = head;
                head.reserve_exact(meta.len as usize);
                Stage::Whole { head, rest: file }
            }
            Container::Parquet => {
                let rows = Rows::open(file, limits).map_err(|what| unsupported(&what))?;
                Stage::Inflated(Box::new(rows))
            }
            _ => {
                let rest = Plain::new(file, head.len() as u64);
                Stage::new(container, head, Then::More, Box::new(rest), limits)
                    .ok_or_else(|| unsupported("is a Parquet file"))?
            }
        };
        let small = meta.len <= AT_ONCE_BYTES as u64;
        Ok(Blob { container, limits: *limits, stage, small, n_packings: 1, inflated: 0 })
    }

    /// Reads from a pipe, and looks at the first bytes.
    pub fn from_reader(name: &str, mut reader: impl Read + Send + 'static, limits: &Limits) -> Result<Blob, OpenError> {
        let head = read_head(&mut reader).map_err(|err| OpenError::Io { name: name.to_owned(), err })?;
        let unsupported = |what: &str| OpenError::Unsupported { name: name.to_owned(), what: what.to_owned() };
        let container = match magic::recognize(&head) {
            Kind::Readable(container) => container,
            Kind::Unsupported(what) => return Err(unsupported(what)),
        };
        let rest = Plain::new(reader, head.len() as u64);
        let stage = Stage::new(container, head, Then::More, Box::new(rest), limits)
            .ok_or_else(|| unsupported("is Parquet, which cannot be read from a pipe: save it to a file first"))?;
        Ok(Blob { container, limits: *limits, stage, small: false, n_packings: 1, inflated: 0 })
    }

    /// What the file is, by its first bytes.
    pub fn container(&self) -> Container {
        self.container
    }

    /// Appends the next inflated bytes: everything when the file is small (8 MiB at most, packed and inflated, and packed
    /// once), else about `want` bytes. Ok(true) says that there may be more, Ok(false) that this was the end.
    ///
    /// What was inflated before damage is appended before the error is returned; after an error there is nothing more.
    /// Reuse `out`: fresh memory costs as much as inflating.
    pub fn read(&mut self, out: &mut Vec<u8>, want: usize) -> Result<bool, Broken> {
        let start = out.len();
        let result = self.step(out, want);
        self.inflated += (out.len() - start) as u64;
        if !matches!(result, Ok(true)) {
            self.stage = Stage::End { bytes_read: self.bytes_read() };
        }
        result
    }

    /// Bytes taken from the file so far, packed as they are.
    pub fn bytes_read(&self) -> u64 {
        match &self.stage {
            Stage::Whole { head, .. } => head.len() as u64,
            Stage::Packed(layer) | Stage::Inflated(layer) => layer.bytes_read(),
            Stage::End { bytes_read } => *bytes_read,
        }
    }

    fn step(&mut self, out: &mut Vec<u8>, want: usize) -> Result<bool, Broken> {
        let want = if self.small { want.max(AT_ONCE_BYTES) } else { want.max(1) };
        loop {
            let end = Stage::End { bytes_read: self.bytes_read() };
            match std::mem::replace(&mut self.stage, end) {
                Stage::Whole { head, rest } => self.stage = self.whole(head, rest, out)?,
                Stage::Packed(layer) => self.stage = self.unpack(layer)?,
                Stage::Inflated(mut layer) => {
                    let start = out.len();
                    // Each layer keeps to the limits, and so must all of them together.
                    let is_nested = self.n_packings > 1;
                    let want = if is_nested { want.min(NESTED_BYTES) } else { want };
                    let more = layer.read(out, want);
                    let inflated = self.inflated + (out.len() - start) as u64;
                    let at = Offset { compressed: layer.bytes_read(), inflated };
                    self.stage = Stage::Inflated(layer);
                    if is_nested {
                        self.limits.check(self.container, at)?;
                    }
                    return more;
                }
                Stage::End { .. } => return Ok(false),
            }
        }
    }

    /// Inflates a small gzip file in one call, or says how else to go on.
    fn whole(&self, head: Vec<u8>, mut rest: Box<dyn Handle>, out: &mut Vec<u8>) -> Result<Stage, Broken> {
        let mut packed = head;
        // No more is taken even if the file has grown since; the stream would go on behind it.
        let n_rest = whole::PACKED_BYTES_MAX - packed.len() as u64;
        let result = rest.by_ref().take(n_rest).read_to_end(&mut packed);
        let bytes_read = packed.len() as u64;
        let then = match result {
            Ok(_) => Then::More,
            Err(err) => Then::Broken(Broken::Io { at: Offset { compressed: bytes_read, inflated: 0 }, err }),
        };
        let start = out.len();
        if !whole::inflate(&packed, &self.limits, out) {
            let file = Again::new(packed, then, Box::new(Plain::new(rest, bytes_read)));
            return Ok(Stage::Packed(Box::new(Gzip::new(Box::new(file), self.limits))));
        }
        if magic::recognize(&out[start..]) == Kind::Readable(Container::Plain) {
            let n_bom = out.len() - start - magic::strip_bom(&out[start..]).len();
            out.drain(start..start + n_bom);
            return Ok(Stage::End { bytes_read });
        }
        let nothing = Box::new(Plain::new(io::empty(), bytes_read));
        Ok(Stage::Packed(Box::new(Again::new(out.split_off(start), Then::End, nothing))))
    }

    /// Looks at what packed data holds.
    fn unpack(&mut self, mut layer: Box<dyn Layer>) -> Result<Stage, Broken> {
        let mut head = Vec::new();
        let then = loop {
            let want = HEAD_BYTES - head.len();
            let then = Then::from(layer.read(&mut head, want));
            if head.len() >= HEAD_BYTES || !matches!(then, Then::More) {
                break then;
            }
        };
        let container = match magic::recognize(&head) {
            Kind::Readable(container) => container,
            Kind::Unsupported(what) => {
                return Err(Broken::Unsupported { what: what.to_owned() });
            }
        };
        if container != Container::Plain {
            self.n_packings += 1;
            if self.n_packings > self.limits.nested_max {
                return Err(Broken::Nested { nested_max: self.limits.nested_max });
            }
        }
        Stage::new(container, head, then, layer, &self.limits)
            .ok_or_else(|| Broken::Unsupported { what: "is a Parquet file: unpack it first".to_owned() })
    }
}

/// The first bytes. An error behind some of them comes again when reading goes on, and they are delivered before it.
fn read_head(reader: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut head = Vec::with_capacity(HEAD_BYTES);
    match reader.take(HEAD_BYTES as u64).read_to_end(&mut head) {
        Err(err) if head.is_empty() => Err(err),
        _ => Ok(head),
    }
}

impl Stage {
    /// What is to be done with bytes of which the first have been read. None: they cannot be read from front to back.
    fn new(container: Container, head: Vec<u8>, then: Then, rest: Box<dyn Layer>, limits: &Limits) -> Option<Stage> {
        let again = |head| Box::new(Again::new(head, then, rest));
        match container {
            Container::Plain => Some(Stage::Inflated(again(magic::strip_bom(&head).to_vec()))),
            Container::Gzip => Some(Stage::Packed(Box::new(Gzip::new(again(head), *limits)))),
            Container::Zstd => Some(Stage::Packed(Box::new(Zstd::new(again(head), *limits)))),
            Container::Parquet => None,
        }
    }
}
