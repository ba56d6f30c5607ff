//! The values of a record at the paths that somebody asked for, found in one pass over its text.
//!
//! A [`Shape`] is the asked paths compiled into states, as a set of words is compiled into an automaton. [`Shape::fill`] walks the text once:
//! it checks that it is JSON, jumps over what no path leads to, and notes the place of each wanted value in [`Slots`]. Nothing is copied.
//! What a path means is defined by [`crate::value::Value::walk`]; the two must agree.
mod json;
mod keys;
mod shape;
mod slots;

pub use json::{blanks, colon, key, skip, string};
pub use keys::Keys;
pub use shape::Shape;
pub use slots::{Behind, Slots, Span, Spans};

/// The number of a path among those asked for.
pub type Slot = u32;

/// Why a scan stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScanError {
    /// The text ends inside a value.
    #[error("ends in the middle of a value")]
    Incomplete,
    /// The text is not JSON.
    #[error("not JSON: {what}")]
    Bad {
        /// Byte offset of the mistake in the scanned text.
        at: usize,
        /// What is wrong there.
        what: &'static str,
    },
}

#[cfg(test)]
mod tests;
