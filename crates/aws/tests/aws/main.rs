//! The feeds and calls, against an AWS in memory that fails as it is told, and against a real server.
#![allow(clippy::unwrap_used, reason = "a test fails loudly")]

mod backfill;
mod fake;
mod moto;
mod queue;
mod sign;
