//! The disk, as far as a log needs it: behind a trait, so that the same code runs where the power fails on purpose ([`crate::sim`]).

use std::fs;
use std::hash::{BuildHasher as _, RandomState};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;

/// Where the log is kept.
pub trait Disk: Send + Sync {
    /// Makes a folder, and those above it, unless it is there.
    fn create_folder(&self, folder: &Path) -> io::Result<()>;
    /// Makes a file that is not there yet, to write to its end.
    fn create(&self, path: &Path) -> io::Result<Box<dyn File>>;
    /// Opens a file that is there, to read it and to cut it.
    fn open(&self, path: &Path) -> io::Result<Box<dyn File>>;
    /// The names of the files in a folder, in any order.
    fn list(&self, folder: &Path) -> io::Result<Vec<String>>;
    /// Gives a file another name, in place of the one that has it.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Removes a file.
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// Returns when all names made and removed in this folder would survive a power cut.
    fn sync_folder(&self, folder: &Path) -> io::Result<()>;
    /// Bits that nobody can guess.
    fn random(&self) -> u64;
}

/// An opened file.
pub trait File: Send {
    /// Writes to the end, all or, if it fails, any part.
    fn append(&mut self, bytes: &[u8]) -> io::Result<()>;
    /// Reads from there until `out` is full or the file ends, and says how much.
    fn read_at(&mut self, at: u64, out: &mut [u8]) -> io::Result<usize>;
    /// How long it is. A file that is in no folder any more is not found.
    fn size(&mut self) -> io::Result<u64>;
    /// Cuts it to this length.
    fn truncate(&mut self, len: u64) -> io::Result<()>;
    /// Returns when all that was written would survive a power cut.
    ///
    /// After it failed, a later success says nothing about what was written before: the system may have dropped those pages.
    fn sync(&mut self) -> io::Result<()>;
}

/// The disk of this machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemDisk;

impl Disk for SystemDisk {
    fn create_folder(&self, folder: &Path) -> io::Result<()> {
        fs::create_dir_all(folder)
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn File>> {
        Ok(Box::new(fs::File::options().read(true).append(true).create_new(true).open(path)?))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn File>> {
        Ok(Box::new(fs::File::options().read(true).write(true).open(path)?))
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(folder)? {
            // What is not named in UTF-8 is not of this log.
            names.extend(entry?.file_name().into_string().ok());
        }
        Ok(names)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    #[cfg(unix)]
    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        fs::File::open(folder)?.sync_all()
    }

    // Elsewhere folders cannot be opened, and the system keeps names by itself.
    #[cfg(not(unix))]
    fn sync_folder(&self, _folder: &Path) -> io::Result<()> {
        Ok(())
    }

    fn random(&self) -> u64 {
        // Its keys come from the operating system.
        RandomState::new().hash_one(0)
    }
}

impl File for fs::File {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.write_all(bytes)
    }

    fn read_at(&mut self, at: u64, out: &mut [u8]) -> io::Result<usize> {
        self.seek(SeekFrom::Start(at))?;
        let mut n = 0;
        while n < out.len() {
            match self.read(&mut out[n..]) {
                Ok(0) => break,
                Ok(more) => n += more,
                Err(err) if err.kind() == io::ErrorKind::Interrupted => {}
                Err(err) => return Err(err),
            }
        }
        Ok(n)
    }

    fn size(&mut self) -> io::Result<u64> {
        let meta = self.metadata()?;
        if n_names(&meta) == 0 {
            return Err(io::ErrorKind::NotFound.into());
        }
        Ok(meta.len())
    }

    fn truncate(&mut self, len: u64) -> io::Result<()> {
        self.set_len(len)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.sync_data()
    }
}

#[cfg(unix)]
fn n_names(meta: &fs::Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::nlink(meta)
}

// Elsewhere a file that is open cannot be removed.
#[cfg(not(unix))]
fn n_names(_meta: &fs::Metadata) -> u64 {
    1
}
