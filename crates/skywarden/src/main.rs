//! Skywarden: cloud security monitoring in one binary.
//!
//! `main` only hands over: [`cli`] reads the command line, [`pipeline`] knows the order in which the stages meet.

#[macro_use]
mod stderr;

mod api;
mod archive;
mod cli;
mod failpoint;
#[cfg(test)]
mod faults;
mod keep;
mod ledger;
mod pipeline;
mod places;
mod plan;
mod refold;
mod replay;
mod serve;
mod spelled;
mod spill;
mod story;
mod tally;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    quiet_guarded_panics();
    cli::run()
}

/// A damaged Parquet file makes its reader panic; that is caught and told as a damaged file, so the panic itself is not news.
fn quiet_guarded_panics() {
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        if !collect::blob::is_guarded() {
            hook(info);
        }
    }));
}
