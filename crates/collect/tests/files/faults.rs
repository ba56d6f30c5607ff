//! Reading that fails: each failure is named, and what was read before it is delivered.

use std::path::{Path, PathBuf};

use collect::blob::{Blob, Limits};
use collect::broken::Broken;
use collect::faults::{Fault, Memory};
use collect::walk::walk_in;

use super::{drain, gzip, zstd};

/// Text of which gzip does not make next to nothing.
fn text() -> Vec<u8> {
    let mut seed = 7_u32;
    let mut line = |n: u32| {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        format!("{{\"n\":{n},\"x\":\"{seed:08x}\"}}\n")
    };
    (0..20_000).map(&mut line).collect::<String>().into_bytes()
}

/// What a file gives, plain and packed, when reading goes wrong.
fn read(bytes: &[u8], fault: Fault) -> (Vec<u8>, Result<(), Broken>) {
    let mut files = Memory::default();
    files.file("/logs/file", bytes, fault);
    drain(Blob::open_in(&files, Path::new("/logs/file"), &Limits::default()).unwrap(), 64 << 10)
}

#[test]
fn reads_that_are_short_or_interrupted_lose_nothing() {
    let text = text();
    for fault in [Fault::ShortReads(1), Fault::ShortReads(1_000), Fault::Interrupted, Fault::Grows(1), Fault::Grows(-1)]
    {
        for bytes in [&text, &gzip(&text), &zstd(&text)] {
            let (out, result) = read(bytes, fault);
            assert!(result.is_ok(), "{fault:?}: {result:?}");
            assert!(out == text, "{fault:?}: {} bytes of {}", out.len(), text.len());
        }
    }
}

#[test]
fn an_error_midway_keeps_what_was_before() {
    let text = text();
    for bytes in [text.clone(), gzip(&text), zstd(&text)] {
        for at in [64, bytes.len() / 2, bytes.len() - 1] {
            let (out, result) = read(&bytes, Fault::ReadError(at as u64));
            assert!(at < 100 || bytes != text || out == text[..at], "at {at}: {} bytes", out.len());
            assert!(text.starts_with(&out), "at {at}");
            assert!(at < 100 || out.len() > at / 2, "at {at}: only {} bytes", out.len());
            let broken = result.unwrap_err();
            let Broken::Io { at: offset, err } = &broken else { panic!("at {at}: {broken:?}") };
            assert_eq!(err.to_string(), "input/output error");
            assert!(offset.compressed <= at as u64, "{offset:?}");
        }
    }
}

#[test]
fn what_cannot_be_opened_says_why() {
    let mut files = Memory::default();
    files.file("/denied", "x", Fault::Denied);
    files.file("/gone", "x", Fault::Vanishes);
    files.file("/broken", "x", Fault::ReadError(0));
    let why = |path| Blob::open_in(&files, Path::new(path), &Limits::default()).err().unwrap().why();
    assert_eq!(why("/denied"), "cannot be read: permission denied");
    assert_eq!(why("/gone"), "cannot be read: it does not exist");
    assert_eq!(why("/broken"), "cannot be read: input/output error");
    assert_eq!(why("/"), "is a folder");
}

#[test]
fn folders_that_fail_or_change_are_named_and_the_rest_is_found() {
    let mut files = Memory::default();
    for name in ["a/1", "a/2", "b/1", "c/1", "d/1", "d/2", "d/3"] {
        files.file(format!("/logs/{name}"), "x", Fault::None);
    }
    files.file("/logs/a/ghost", "x", Fault::Ghost);
    files.folder("/logs/b", Fault::Denied);
    files.folder("/logs/c", Fault::Vanishes);
    files.folder("/logs/d", Fault::ReadError(2));
    let found = walk_in(&files, &[PathBuf::from("/logs")]);
    let paths: Vec<_> = found.files.iter().map(|file| file.path.to_str().unwrap()).collect();
    assert_eq!(paths, ["/logs/a/1", "/logs/a/2", "/logs/d/1", "/logs/d/2"]);
    let said: Vec<_> = found.skipped.iter().map(|s| format!("{} {} {}", s.what, s.why, s.lost)).collect();
    assert_eq!(
        said,
        [
            "/logs/a/ghost has vanished true",
            "/logs/b cannot read folder: permission denied true",
            "/logs/c cannot read folder: it does not exist true",
            "/logs/d cannot read folder: input/output error true",
        ]
    );
}
