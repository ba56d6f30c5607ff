//! CloudWatch Logs Insights QL: text to [`ast::Query`], and back to canonical text.
//!
//! A command is a file under [`command`] and a line in [`command::COMMANDS`]. What needs more than the text (which functions and fields there
//! are, how many arguments a function takes) is said when a query is lowered, and not here.

pub mod ast;
pub mod command;
mod expression;
mod lexer;
mod mistake;
mod order;
mod parser;
mod print;
mod regex;

use predicate::diagnostic::Diagnostic;

use ast::Query;
use parser::Parser;

pub use print::print;

/// The longest query, in characters; AWS's bound.
pub const QUERY_CHARS_MAX: usize = 10_000;
/// The most rows that `limit` lets through; AWS's bound.
pub const LIMIT_MAX: u64 = 100_000;
/// The most `stats` in one query.
pub const STATS_MAX: usize = 10;

/// Reads a query, and says what is wrong with it or may mean something else than its author thinks, in the order of the
/// text. There is a query when none of that is an error.
pub fn parse(text: &str) -> (Option<Query>, Vec<Diagnostic>) {
    let n_chars = text.chars().count();
    if n_chars > QUERY_CHARS_MAX {
        let message = format!("the query has {n_chars} characters, and {QUERY_CHARS_MAX} are the most");
        return (None, vec![Diagnostic::error(0..0, message).help("split it into several queries")]);
    }
    let mut parser = Parser::new(text);
    let query = parser.query();
    let mut diagnostics = parser.into_diagnostics();
    order::check(&query.commands, &mut diagnostics);
    diagnostics.sort_by_key(|diagnostic| (diagnostic.span.start, !diagnostic.is_error()));
    // What could not be read is told by whoever meets it, and that may be two.
    diagnostics.dedup_by(|second, first| second.span == first.span && second.message == first.message);
    let is_good = !diagnostics.iter().any(Diagnostic::is_error);
    (is_good.then_some(query), diagnostics)
}
