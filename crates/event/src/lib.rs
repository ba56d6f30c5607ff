//! What happened: the vocabulary that every stage shares.
//!
//! An [`event::Event`] is an envelope, the record's raw text, and [`scan::Slots`]: the values at the paths that somebody asked for.
//! This crate does no IO and never asks the time.

pub mod event;
pub mod finding;
pub mod layout;
pub mod mapping;
pub mod ocsf;
pub mod path;
pub mod scan;
pub mod time;
pub mod value;
