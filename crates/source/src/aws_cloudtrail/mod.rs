//! AWS CloudTrail: account activity.

pub mod derive;
