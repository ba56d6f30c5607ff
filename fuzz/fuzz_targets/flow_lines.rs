//! A format and a row of it.

#![no_main]

#[path = "../checks.rs"]
#[allow(dead_code, reason = "each target runs one of the checks")]
mod checks;

libfuzzer_sys::fuzz_target!(|input: (&str, &str)| checks::flow_lines(input.0, input.1));
