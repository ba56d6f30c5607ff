//! Bytes to events: what a log's bytes mean.
//!
//! [`split::Reader`] finds the records in a text, whatever envelope they came in; a [`source::Source`] says what a record means.
//! There is no IO here, and no clock.

pub mod aws_cloudtrail;
pub mod aws_vpc_flow;
mod envelope;
pub mod source;
pub mod split;
