//! What a scan found, shown three ways: one self-contained HTML page, a terminal summary, a CSV table.
//!
//! [`Report`] is the one model; [`html()`], [`text()`] and [`csv()`] only read it.
//! All text in it comes from logs, that is from strangers, so each rendering escapes by construction ([`escape`]).
//! Not here: files, the clock, the choice and the ranking of findings, and the machine formats (OCSF is `event`'s).

mod attack;
mod axis;
mod csp;
pub mod csv;
pub mod escape;
mod finding;
pub mod html;
pub mod model;
mod parts;
mod quantity;
mod story;
mod tables;
pub mod text;
mod timeline;
mod width;

pub use csv::csv;
pub use html::html;
pub use model::{Counted, Histogram, Inputs, Link, Ranked, Report, Skipped, StepLine, Story, Unlisted};
pub use quantity::plural;
pub use text::{TextOptions, text};
