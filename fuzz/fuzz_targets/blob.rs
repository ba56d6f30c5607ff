//! Any bytes as a packed file: inflating ends, within its limits.

#![no_main]

use collect::blob::{Blob, Limits};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let limits = Limits { inflated_max: 64 << 20, ..Limits::default() };
    let reader = std::io::Cursor::new(bytes.to_vec());
    let Ok(mut blob) = Blob::from_reader("fuzz", reader, &limits) else { return };
    let mut out = Vec::new();
    while let Ok(true) = blob.read(&mut out, 64 << 10) {
        assert!(out.len() <= 80 << 20, "more than asked for at a time");
        out.clear();
    }
});
