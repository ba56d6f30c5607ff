//! Where a scan puts aside what it has no memory for: a file without a name, which is gone when the program is.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use detect::spill::Spill;

/// A nameless file in a folder, made when it is first needed.
pub struct TempFile {
    folder: PathBuf,
    opened: Mutex<Option<(File, u64)>>,
}

impl TempFile {
    /// One in this folder; without one where the system keeps such files.
    pub fn new(folder: Option<PathBuf>) -> TempFile {
        TempFile { folder: folder.unwrap_or_else(std::env::temp_dir), opened: Mutex::default() }
    }

    fn failed(&self, err: &io::Error) -> io::Error {
        let folder = collect::walk::show(&self.folder);
        io::Error::new(err.kind(), format!("cannot put findings aside in {folder} (--temp-dir names another): {err}"))
    }

    fn append(&self, bytes: &[u8]) -> io::Result<u64> {
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut file, at) = match opened.take() {
            Some(opened) => opened,
            None => (tempfile::tempfile_in(&self.folder)?, 0),
        };
        file.seek(SeekFrom::Start(at))?;
        file.write_all(bytes)?;
        *opened = Some((file, at + bytes.len() as u64));
        Ok(at)
    }

    fn read(&self, at: u64, out: &mut [u8]) -> io::Result<()> {
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        let (file, _) = opened.as_mut().ok_or(io::ErrorKind::UnexpectedEof)?;
        file.seek(SeekFrom::Start(at))?;
        file.read_exact(out)
    }
}

impl Spill for TempFile {
    fn keep(&self, bytes: &[u8]) -> io::Result<u64> {
        self.append(bytes).map_err(|err| self.failed(&err))
    }

    fn fetch(&self, at: u64, out: &mut [u8]) -> io::Result<()> {
        self.read(at, out).map_err(|err| self.failed(&err))
    }
}
