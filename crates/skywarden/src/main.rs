//! Skywarden: cloud security monitoring in one binary.
//!
//! `main` only hands over: [`cli`] reads the command line, [`pipeline`] knows the order in which the stages meet.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "this crate alone talks to the terminal")]

mod cli;
mod pipeline;
mod story;
mod tally;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    cli::run()
}
