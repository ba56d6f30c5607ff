//! Seeded, realistic AWS logs of any size: benign life, attack scenarios with ground truth (demo, bench, drills).
//!
//! A seed and a start time are parameters: there is no clock here and no randomness but [`Options::seed`], so the same
//! options give the same bytes. Shapes are those of real records; every value is ours (documentation accounts and addresses).
//! Deliberately not here: reading logs, and any judgement about them.

mod actor;
mod attack;
mod benign;
mod corpus;
mod estate;
mod flow;
mod layout;
#[rustfmt::skip] // A table: a row is a line.
mod people;
mod places;
mod record;
mod rng;
mod service;
mod session;
mod template;
mod time;

pub use corpus::{Error, Options, Scenario, Written, write};
pub use places::{PLACES, Place};

#[cfg(test)]
mod tests;
