//! Files as they are found on disks: whole, damaged, packed, hostile.

#![allow(clippy::unwrap_used, clippy::print_stderr)]

mod archive;
mod bomb;
mod damage;
mod faults;
mod packed;
mod parquet;
mod walk;

use std::io::Write as _;
use std::path::{Path, PathBuf};

use collect::blob::{Blob, Limits, OpenError};
use collect::broken::Broken;

/// A folder for one test.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Folder {
        Folder(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, bytes).unwrap();
        path
    }
}

#[test]
fn blobs_move_between_threads() {
    fn check<T: Send>() {}
    check::<Blob>();
}

/// All bytes, and how reading ended.
fn drain(mut blob: Blob, want: usize) -> (Vec<u8>, Result<(), Broken>) {
    let mut out = Vec::new();
    loop {
        match blob.read(&mut out, want) {
            Ok(true) => {}
            Ok(false) => return (out, Ok(())),
            Err(broken) => {
                assert!(matches!(blob.read(&mut out, want), Ok(false)), "nothing follows damage");
                return (out, Err(broken));
            }
        }
    }
}

fn read_path(path: &Path, limits: &Limits) -> (Vec<u8>, Result<(), Broken>) {
    drain(Blob::open(path, limits).unwrap(), 64 << 10)
}

fn read_file(bytes: &[u8]) -> (Vec<u8>, Result<(), Broken>) {
    let folder = Folder::new();
    read_path(&folder.file("file", bytes), &Limits::default())
}

fn read_pipe(bytes: &[u8], want: usize) -> Result<(Vec<u8>, Result<(), Broken>), OpenError> {
    let reader = std::io::Cursor::new(bytes.to_vec());
    Ok(drain(Blob::from_reader("pipe", reader, &Limits::default())?, want))
}

/// Asserts that a file, and the same as a pipe, yields these bytes.
fn check(packed: &[u8], expected: &[u8]) {
    let (out, result) = read_file(packed);
    assert!(result.is_ok(), "{result:?}");
    assert!(out == expected, "{} bytes instead of {}", out.len(), expected.len());
    for want in [13, 777, 1 << 20] {
        let (out, result) = read_pipe(packed, want).unwrap();
        assert!(result.is_ok(), "{result:?}");
        assert!(out == expected, "pipe: {} bytes instead of {}", out.len(), expected.len());
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(6));
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = zstd::Encoder::new(Vec::new(), 3).unwrap();
    encoder.include_checksum(true).unwrap();
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Lines that look like a log: they deflate about as well.
fn text(n_lines: usize) -> Vec<u8> {
    let mut out = Vec::new();
    let mut seed: u32 = 1;
    for i in 0..n_lines {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        writeln!(out, "2 111122223333 eni-{seed:08x} 10.0.{}.{} 443 {i} ACCEPT OK", seed >> 24, (seed >> 16) as u8)
            .unwrap();
    }
    out
}
