//! Bytes to events: one folder a log.

pub mod aws_cloudtrail;
pub mod aws_vpc_flow;
