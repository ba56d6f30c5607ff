//! The disk that the log of deliveries is kept on: the machine's, and in builds for tests one that fails when it is told to.

use std::sync::Arc;

use wal::{Disk, SystemDisk};

/// The disk.
#[cfg(not(debug_assertions))]
pub fn disk() -> Arc<dyn Disk> {
    Arc::new(SystemDisk)
}

/// The disk.
#[cfg(debug_assertions)]
pub fn disk() -> Arc<dyn Disk> {
    Arc::new(failing::Failing(SystemDisk))
}

#[cfg(debug_assertions)]
mod failing {
    use std::io;
    use std::path::Path;

    use wal::disk::File;

    use super::*;
    use crate::failpoint::step;

    pub struct Failing(pub SystemDisk);

    struct FailingFile(Box<dyn File>);

    fn failing(file: io::Result<Box<dyn File>>) -> io::Result<Box<dyn File>> {
        file.map(|file| Box::new(FailingFile(file)) as Box<dyn File>)
    }

    impl Disk for Failing {
        fn create_folder(&self, folder: &Path) -> io::Result<()> {
            self.0.create_folder(folder)
        }

        fn create(&self, path: &Path) -> io::Result<Box<dyn File>> {
            failing(self.0.create(path))
        }

        fn open(&self, path: &Path) -> io::Result<Box<dyn File>> {
            failing(self.0.open(path))
        }

        fn list(&self, folder: &Path) -> io::Result<Vec<String>> {
            self.0.list(folder)
        }

        fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
            self.0.rename(from, to)
        }

        fn remove(&self, path: &Path) -> io::Result<()> {
            self.0.remove(path)
        }

        fn sync_folder(&self, folder: &Path) -> io::Result<()> {
            self.0.sync_folder(folder)
        }

        fn random(&self) -> u64 {
            self.0.random()
        }
    }

    impl File for FailingFile {
        fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
            step("log.append", || self.0.append(bytes))
        }

        fn read_at(&mut self, at: u64, out: &mut [u8]) -> io::Result<usize> {
            self.0.read_at(at, out)
        }

        fn size(&mut self) -> io::Result<u64> {
            self.0.size()
        }

        fn truncate(&mut self, len: u64) -> io::Result<()> {
            self.0.truncate(len)
        }

        fn sync(&mut self) -> io::Result<()> {
            step("log.sync", || self.0.sync())
        }
    }
}
