//! AWS VPC flow logs: network flows.
