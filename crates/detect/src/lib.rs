//! Events to findings.
//!
//! [`load`] reads rules, [`detector`] tries them all on each event, [`fold`] makes findings of the hits, [`findings`] ranks them. There is no IO here, and no clock:
//! the same events give the same findings, whatever their order and however often they come.

pub mod attack;
pub mod chain;
pub mod detector;
pub mod findings;
pub mod fold;
pub mod live;
pub mod load;
mod partial;
pub mod rule;
pub mod spill;
pub mod template;
