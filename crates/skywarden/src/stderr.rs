//! Words on standard error. Who has closed it does not want them, and nothing fails for it; `eprintln!` would panic.

use std::io::Write;

/// Prints this text as it is.
pub fn print(text: &str) {
    let _closed = std::io::stderr().write_all(text.as_bytes());
}

/// Prints a line, written as for `format!`.
macro_rules! tell {
    ($($words:tt)*) => { $crate::stderr::print(&format!("{}\n", format_args!($($words)*))) };
}
