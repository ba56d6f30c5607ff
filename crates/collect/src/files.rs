//! The file system, as far as reading logs needs it: behind a trait, so that the same code runs where reading fails on purpose ([`crate::faults`]).

use std::ffi::OsString;
use std::fs;
use std::io::{self, Read, Seek};
use std::path::{Path, PathBuf};

/// Where files are.
pub trait Files: Sync {
    /// What is at a path, links followed.
    fn metadata(&self, path: &Path) -> io::Result<Meta>;
    /// What is at a path, be it a link.
    fn link_metadata(&self, path: &Path) -> io::Result<Meta>;
    /// Where a link leads.
    fn read_link(&self, path: &Path) -> io::Result<PathBuf>;
    /// The names in a folder, in any order; reading them can fail midway.
    fn names(&self, folder: &Path) -> io::Result<Vec<io::Result<OsString>>>;
    /// Opens a file to read it.
    fn open(&self, path: &Path) -> io::Result<Box<dyn Handle>>;
}

/// An opened file.
pub trait Handle: Read + Seek + Send {}

impl<T: Read + Seek + Send> Handle for T {}

/// What is known of a path.
#[derive(Clone, Debug)]
pub struct Meta {
    /// What it is.
    pub kind: Kind,
    /// Its size.
    pub len: u64,
    /// Equal for two paths that lead to one thing.
    pub identity: Identity,
}

/// What a path leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A file that can be read to its end.
    File,
    /// A folder.
    Folder,
    /// A link; only of what is looked at without following it.
    Link,
    /// Something that is not to be read: "a FIFO".
    Other(&'static str),
}

impl Kind {
    /// The kind, to be read after "is".
    pub fn noun(self) -> &'static str {
        match self {
            Kind::File => "a file",
            Kind::Folder => "a folder",
            Kind::Link => "a link",
            Kind::Other(noun) => noun,
        }
    }
}

/// What tells a file from all others.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Identity {
    /// Its device and its number there.
    Number(u64, u64),
    /// Its one true path, where files have no numbers.
    Path(PathBuf),
}

/// The files of this machine.
#[derive(Clone, Copy, Debug)]
pub struct Disk;

impl Files for Disk {
    fn metadata(&self, path: &Path) -> io::Result<Meta> {
        meta(path, &fs::metadata(path)?)
    }

    fn link_metadata(&self, path: &Path) -> io::Result<Meta> {
        meta(path, &fs::symlink_metadata(path)?)
    }

    fn read_link(&self, path: &Path) -> io::Result<PathBuf> {
        fs::read_link(path)
    }

    fn names(&self, folder: &Path) -> io::Result<Vec<io::Result<OsString>>> {
        Ok(fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.file_name())).collect())
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn Handle>> {
        Ok(Box::new(fs::File::open(path)?))
    }
}

fn meta(path: &Path, meta: &fs::Metadata) -> io::Result<Meta> {
    let kind = match () {
        () if meta.is_file() => Kind::File,
        () if meta.is_dir() => Kind::Folder,
        () if meta.is_symlink() => Kind::Link,
        () => Kind::Other(other(meta)),
    };
    Ok(Meta { kind, len: meta.len(), identity: identity(path, meta)? })
}

#[cfg(unix)]
fn other(meta: &fs::Metadata) -> &'static str {
    use std::os::unix::fs::FileTypeExt as _;
    let kind = meta.file_type();
    match () {
        () if kind.is_fifo() => "a FIFO",
        () if kind.is_socket() => "a socket",
        () if kind.is_block_device() || kind.is_char_device() => "a device",
        () => "not a regular file",
    }
}

#[cfg(not(unix))]
fn other(_meta: &fs::Metadata) -> &'static str {
    "not a regular file"
}

#[cfg(unix)]
fn identity(_path: &Path, meta: &fs::Metadata) -> io::Result<Identity> {
    use std::os::unix::fs::MetadataExt as _;
    Ok(Identity::Number(meta.dev(), meta.ino()))
}

#[cfg(not(unix))]
fn identity(path: &Path, meta: &fs::Metadata) -> io::Result<Identity> {
    if meta.is_symlink() { Ok(Identity::Path(path.to_owned())) } else { fs::canonicalize(path).map(Identity::Path) }
}
