//! Bytes in: finds files and reads them as inflated bytes, whatever they are packed in.
//!
//! [`walk::walk`] says which files there are, and [`blob::Blob`] reads one of them, or a pipe.
//!
//! Both read through [`files::Files`], so that tests can make reading fail.
//!
//! What comes over the network is read by [`firehose`], [`hec`] and [`syslog`]: bytes to pieces and to the answer that the sender
//! knows, without a socket or a clock.
//!
//! What the bytes mean is deliberately not here: nothing in this crate knows a log format, except that the rows of a flat
//! Parquet file become lines of text. Memory is bounded by limits and by the caller's `want`, never by a length that a file
//! claims.

pub mod blob;
pub mod body;
pub mod broken;
pub mod faults;
pub mod files;
pub mod firehose;
pub mod hec;
pub mod syslog;
pub mod walk;

mod gzip;
mod json;
mod layer;
mod magic;
mod pages;
mod rows;
mod thrift;
mod whole;
mod zstd;
