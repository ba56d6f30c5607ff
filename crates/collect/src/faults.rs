//! Files in memory of which reading fails as it is told to: for tests of all that reads through [`Files`].

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{self, Cursor, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use crate::files::{Files, Handle, Identity, Kind, Meta};

/// What is wrong with a file or a folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nothing.
    None,
    /// Reading fails from this byte on, and of a folder behind so many names.
    ReadError(u64),
    /// A read gives at most so many bytes.
    ShortReads(usize),
    /// Each second read is interrupted, and gives little.
    Interrupted,
    /// It is there when it is looked for, and gone when it is opened.
    Vanishes,
    /// It is named by its folder, and gone when it is looked at.
    Ghost,
    /// It may not be opened.
    Denied,
    /// Since it was looked at it became longer by so many bytes, or shorter.
    Grows(i64),
}

/// Files in memory. Folders are there as far as files are in them.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    nodes: BTreeMap<PathBuf, (Vec<u8>, Fault)>,
    folders: BTreeMap<PathBuf, Fault>,
}

impl Memory {
    /// Adds a file.
    pub fn file(&mut self, path: impl Into<PathBuf>, bytes: impl Into<Vec<u8>>, fault: Fault) {
        let path = path.into();
        for folder in path.ancestors().skip(1).filter(|folder| !folder.as_os_str().is_empty()) {
            self.folders.entry(folder.to_owned()).or_insert(Fault::None);
        }
        self.nodes.insert(path, (bytes.into(), fault));
    }

    /// Says what is wrong with a folder.
    pub fn folder(&mut self, path: impl Into<PathBuf>, fault: Fault) {
        self.folders.insert(path.into(), fault);
    }
}

fn not_found() -> io::Error {
    io::ErrorKind::NotFound.into()
}

impl Files for Memory {
    fn metadata(&self, path: &Path) -> io::Result<Meta> {
        let number = |at: usize| Identity::Number(0, at as u64);
        if let Some(at) = self.folders.keys().position(|folder| folder == path) {
            return Ok(Meta { kind: Kind::Folder, len: 0, identity: number(at) });
        }
        let (bytes, fault) = self.nodes.get(path).ok_or_else(not_found)?;
        let at = self.folders.len() + self.nodes.keys().take_while(|other| *other != path).count();
        match fault {
            Fault::Ghost => Err(not_found()),
            Fault::Grows(by) => {
                let len = (bytes.len() as u64).saturating_add_signed(-by).max(1);
                Ok(Meta { kind: Kind::File, len, identity: number(at) })
            }
            _ => Ok(Meta { kind: Kind::File, len: bytes.len() as u64, identity: number(at) }),
        }
    }

    fn link_metadata(&self, path: &Path) -> io::Result<Meta> {
        self.metadata(path)
    }

    fn read_link(&self, _path: &Path) -> io::Result<PathBuf> {
        Err(io::ErrorKind::InvalidInput.into())
    }

    fn names(&self, folder: &Path) -> io::Result<Vec<io::Result<OsString>>> {
        let fault = self.folders.get(folder).ok_or_else(not_found)?;
        let inside = self.nodes.keys().chain(self.folders.keys()).filter(|path| path.parent() == Some(folder));
        let mut names: Vec<io::Result<OsString>> =
            inside.filter_map(|path| path.file_name()).map(|name| Ok(name.to_owned())).collect();
        match fault {
            Fault::Denied => return Err(io::ErrorKind::PermissionDenied.into()),
            Fault::Vanishes => return Err(not_found()),
            Fault::ReadError(n) => {
                names.truncate(*n as usize);
                names.push(Err(io::Error::other("input/output error")));
            }
            _ => {}
        }
        Ok(names)
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn Handle>> {
        let (bytes, fault) = self.nodes.get(path).ok_or_else(not_found)?;
        match fault {
            Fault::Vanishes | Fault::Ghost => Err(not_found()),
            Fault::Denied => Err(io::ErrorKind::PermissionDenied.into()),
            fault => Ok(Box::new(Opened { bytes: Cursor::new(bytes.clone()), fault: *fault, n_reads: 0 })),
        }
    }
}

struct Opened {
    bytes: Cursor<Vec<u8>>,
    fault: Fault,
    n_reads: u64,
}

impl Read for Opened {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        self.n_reads += 1;
        let at = self.bytes.position();
        let n_most = match self.fault {
            Fault::ReadError(from) if at >= from => return Err(io::Error::other("input/output error")),
            Fault::ReadError(from) => usize::try_from(from - at).unwrap_or(usize::MAX),
            Fault::Interrupted if self.n_reads % 2 == 1 => return Err(io::ErrorKind::Interrupted.into()),
            Fault::Interrupted => 100,
            Fault::ShortReads(n) => n.max(1),
            _ => usize::MAX,
        };
        let n = out.len().min(n_most);
        self.bytes.read(&mut out[..n])
    }
}

impl Seek for Opened {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.bytes.seek(to)
    }
}
