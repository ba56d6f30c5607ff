//! Space on the disk that is kept for when there is no other: people can log in and decide, and the lake can commit what frees the log.
//!
//! While the reserve is in use no deliveries are taken, as they would fill it at once. It is made again when there is as much space once more.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

/// How much is kept.
const BYTES: usize = 16 << 20;
/// How much is tried to be written to see whether there is space: more than what people do takes in the time between two looks.
const PROBE_BYTES: usize = 512 << 10;

/// The reserve of a data folder.
pub struct Reserve {
    file: PathBuf,
    probe: PathBuf,
    is_in_use: AtomicBool,
}

impl Reserve {
    /// Makes it, unless it is there. Without space, it is in use from the start.
    pub fn open(data: &Path) -> io::Result<Reserve> {
        let reserve = Reserve {
            file: data.join("reserve"),
            probe: data.join("reserve.probe"),
            is_in_use: AtomicBool::new(false),
        };
        let is_whole = std::fs::metadata(&reserve.file).is_ok_and(|meta| meta.len() == BYTES as u64);
        reserve.is_in_use.store(!is_whole, Ordering::Release);
        reserve.look()?;
        Ok(reserve)
    }

    /// Whether there is no other space, and deliveries are not taken.
    pub fn is_in_use(&self) -> bool {
        self.is_in_use.load(Ordering::Acquire)
    }

    /// Gives the space to whoever needs it.
    pub fn release(&self) -> io::Result<()> {
        self.is_in_use.store(true, Ordering::Release);
        match std::fs::remove_file(&self.file) {
            Err(err) if err.kind() != io::ErrorKind::NotFound => Err(err),
            _ => Ok(()),
        }
    }

    /// Looks whether there is space: gives the reserve up when there is none, and makes it again when there is. Says whether that has changed.
    pub fn look(&self) -> io::Result<bool> {
        if self.is_in_use() {
            self.make()?;
            return Ok(!self.is_in_use());
        }
        let is_full = is_full(&write(&self.probe, PROBE_BYTES));
        remove(&self.probe)?;
        if is_full {
            self.release()?;
        }
        Ok(is_full)
    }

    /// Makes the reserve if there is twice the space for it: what is freed a little at a time shall not be taken and given again and again.
    fn make(&self) -> io::Result<()> {
        let written = write(&self.probe, 2 * BYTES);
        let made = written.and_then(|file| {
            file.set_len(BYTES as u64)?;
            file.sync_all()?;
            std::fs::rename(&self.probe, &self.file)
        });
        match &made {
            Ok(()) => self.is_in_use.store(false, Ordering::Release),
            Err(_) => remove(&self.probe)?,
        }
        if is_full(&made) { Ok(()) } else { made }
    }
}

fn is_full<T>(done: &io::Result<T>) -> bool {
    let is = |err: &io::Error| matches!(err.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded);
    done.as_ref().is_err_and(is)
}

/// A file of so many bytes. They are written, since a file system may give what is only asked for when there is nothing.
fn write(path: &Path, bytes: usize) -> io::Result<File> {
    let mut file = File::create(path)?;
    let piece = vec![0x5A; 256 << 10];
    for _ in 0..bytes.div_ceil(piece.len()) {
        file.write_all(&piece)?;
    }
    Ok(file)
}

fn remove(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(err) if err.kind() != io::ErrorKind::NotFound => Err(err),
        _ => Ok(()),
    }
}
