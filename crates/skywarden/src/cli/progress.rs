//! How far a long command is: a bar on a terminal, and nothing where standard error goes somewhere else.

use std::io::IsTerminal;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::pipeline::Progress;

/// What is over sooner needs no bar.
const PATIENCE: Duration = Duration::from_millis(500);
const REDRAW: Duration = Duration::from_millis(100);

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Bytes of input, and events in them.
    Bytes,
    /// Rows of a lake.
    Rows,
}

/// Does the work, and shows meanwhile how far it is.
pub fn with_progress<T>(is_quiet: bool, unit: Unit, work: impl FnOnce(&Progress) -> T) -> T {
    let template = match unit {
        Unit::Bytes => "{bar:30} {bytes}/{total_bytes} {binary_bytes_per_sec} {msg} {eta} left",
        Unit::Rows => "{bar:30} {human_pos}/{human_len} rows {eta} left",
    };
    let progress = Progress::default();
    let bar = |start: Instant, bar: &ProgressBar| {
        bar.set_length(progress.total.load(Ordering::Relaxed));
        bar.set_position(progress.done.load(Ordering::Relaxed));
        let events = progress.events.load(Ordering::Relaxed);
        bar.set_message(format!("{:.0} events/s", events as f64 / start.elapsed().as_secs_f64()));
    };
    drawn(is_quiet, template, bar, || work(&progress))
}

/// Does work of unknown length, and shows meanwhile what it is and how long it takes.
pub fn with_spinner<T>(is_quiet: bool, what: &str, work: impl FnOnce() -> T) -> T {
    let tick = |_: Instant, bar: &ProgressBar| {
        bar.set_message(what.to_owned());
        bar.tick();
    };
    drawn(is_quiet, "{spinner} {msg} {elapsed}", tick, work)
}

fn drawn<T>(
    is_quiet: bool,
    template: &str,
    draw: impl Fn(Instant, &ProgressBar) + Sync,
    work: impl FnOnce() -> T,
) -> T {
    if is_quiet || !std::io::stderr().is_terminal() {
        return work();
    }
    let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr_with_hz(10));
    bar.set_style(ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()));
    let is_done = AtomicBool::new(false);
    let out = std::thread::scope(|scope| {
        let watcher = scope.spawn(|| {
            let start = Instant::now();
            while !is_done.load(Ordering::Relaxed) {
                std::thread::park_timeout(REDRAW);
                if start.elapsed() > PATIENCE {
                    draw(start, &bar);
                }
            }
        });
        let out = work();
        is_done.store(true, Ordering::Relaxed);
        watcher.thread().unpark();
        out
    });
    bar.finish_and_clear();
    out
}
