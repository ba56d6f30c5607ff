//! Any bytes as a log, in chunks of any size.

#![no_main]

#[path = "../checks.rs"]
#[allow(dead_code, reason = "each target runs one of the checks")]
mod checks;

libfuzzer_sys::fuzz_target!(|input: (u8, &[u8])| checks::split(usize::from(input.0) + 1, input.1));
