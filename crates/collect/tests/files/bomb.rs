//! Bombs are stopped while they inflate, and real files are not.

use super::{Folder, drain, gzip, read_path, read_pipe, text, zstd};
use collect::blob::{Blob, Limits};
use collect::broken::Broken;

const ZEROS: usize = 100 << 20;

/// Asserts that a bomb is stopped before it is bigger than this.
fn check_stopped(packed: &[u8], out_max: usize) {
    let folder = Folder::new();
    let (out, result) = read_path(&folder.file("bomb", packed), &Limits::default());
    assert!(matches!(result, Err(Broken::Ratio { ratio_max: 200, .. })), "{result:?}");
    assert!(out.len() <= out_max && out.capacity() <= 2 * out_max, "{} of {}", out.len(), out.capacity());
    let (out, result) = read_pipe(packed, 1 << 16).unwrap();
    assert!(matches!(result, Err(Broken::Ratio { .. })), "{result:?}");
    assert!(out.len() <= out_max);
}

#[test]
fn zeros() {
    let packed = gzip(&vec![0; ZEROS]);
    assert!(packed.len() < 110_000);
    check_stopped(&packed, 200 * packed.len() + (9 << 20));
    check_stopped(&zstd(&vec![0; ZEROS]), 12 << 20);
}

#[test]
fn bomb_in_a_bomb() {
    let packed = gzip(&gzip(&vec![0; ZEROS]));
    check_stopped(&packed, 200 * packed.len() + (9 << 20));
}

#[test]
fn bomb_of_many_members() {
    let packed = gzip(&vec![0; 1 << 20]).repeat(100);
    check_stopped(&packed, 200 * packed.len() + (9 << 20));
}

#[test]
fn bomb_of_padding() {
    // The outer packing yields zeros for ever, and the inner one skips them: nothing comes out.
    let inner = [gzip(b"text"), vec![0; ZEROS]].concat();
    let (out, result) = super::read_file(&gzip(&inner));
    assert_eq!(out, b"text");
    assert!(matches!(result, Err(Broken::Ratio { .. })), "{result:?}");
}

#[test]
fn absolute_limit() {
    let folder = Folder::new();
    let limits = Limits { inflated_max: 100_000, ..Limits::default() };
    for packed in [gzip(&text(50_000)), zstd(&text(50_000))] {
        let (out, result) = read_path(&folder.file("file", &packed), &limits);
        assert!(matches!(result, Err(Broken::TooLarge { inflated_max: 100_000, .. })), "{result:?}");
        assert!((100_000..400_000).contains(&out.len()), "{}", out.len());
    }
}

#[test]
fn very_regular_log_is_no_bomb() {
    let line = b"2 111122223333 eni-1 - - - - - - - 1431280876 1431280934 - NODATA\n";
    let folder = Folder::new();
    let blob = Blob::open(&folder.file("file", &gzip(&line.repeat(100_000))), &Limits::default()).unwrap();
    let (out, result) = drain(blob, 1 << 20);
    assert!(result.is_ok());
    assert_eq!(out.len(), line.len() * 100_000);
}
