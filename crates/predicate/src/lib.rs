//! Which ones: the vocabulary of choosing.
//!
//! Every rule language lowers to one [`predicate::Predicate`]. [`eval`] is its meaning, plain and slow;
//! [`matcher`] tries many predicates on one event, fast, and must agree with it.

pub mod diagnostic;
pub mod eval;
pub mod explain;
pub mod matcher;
pub mod pattern;
pub mod predicate;
pub mod print;
mod stretch;
pub mod syntax;
pub mod test;
pub mod yaml;
