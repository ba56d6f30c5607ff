//! Any bytes as a stream of syslog, in pieces of any length.

#![no_main]

#[path = "../checks.rs"]
#[allow(dead_code, reason = "each target runs one of the checks")]
mod checks;

libfuzzer_sys::fuzz_target!(|input: (u8, &[u8])| checks::syslog(usize::from(input.0), input.1));
