//! Bytes in: finds files and reads them as inflated bytes, whatever they are packed in.
//!
//! What the bytes mean is deliberately not here: nothing in this crate knows a log format, except that the columns of a
//! Parquet file become lines of text.
//! Memory is bounded by the caller's `want`, never by a length that a file claims.

pub mod blob;
pub mod broken;
mod gzip;
mod layer;
mod magic;
mod pages;
mod rows;
mod thrift;
pub mod walk;
mod whole;
mod zstd;
