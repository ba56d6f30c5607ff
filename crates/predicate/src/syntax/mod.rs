//! The rule languages: each lowers its text to a [`crate::predicate::Predicate`].

pub mod sigma;
