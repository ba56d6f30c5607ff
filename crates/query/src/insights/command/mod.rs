//! The commands: a file each, and a line in [`COMMANDS`].

mod accum;
mod addtotals;
mod anomaly;
mod appendcols;
mod autoregress;
mod cidrlookup;
mod count_frequent;
mod dedup;
mod diff;
mod display;
mod estimate;
mod expand;
mod fields;
mod filldown;
mod fillmissing;
mod filter;
mod filter_index;
mod join;
mod json;
mod limit;
mod logcompare;
mod lookup;
mod outlier;
mod parse;
mod pattern;
mod relevantfields;
mod sessionize;
mod sort;
pub(super) mod source;
mod stats;
mod unnest;

use super::ast::Kind;
use super::parser::{Parsed, Parser};

/// A command as a person writes it.
#[derive(Debug)]
pub struct Syntax {
    /// Its name in AWS's spelling; any letter case is accepted.
    pub name: &'static str,
    /// Other spellings.
    pub aliases: &'static [&'static str],
    /// How it is written: `sort field [asc|desc] {, …}`.
    pub usage: &'static str,
    /// What it does, in one sentence.
    pub doc: &'static str,
    /// Reads what stands behind the name.
    pub(super) parse: fn(&mut Parser<'_>) -> Parsed<Kind>,
}

/// Every command but `SOURCE`, which is part of no chain.
pub const COMMANDS: &[Syntax] = &[
    fields::SYNTAX,
    display::SYNTAX,
    filter::SYNTAX,
    filter_index::SYNTAX,
    stats::SYNTAX,
    sort::SYNTAX,
    limit::SYNTAX,
    limit::HEAD,
    limit::TAIL,
    parse::SYNTAX,
    dedup::SYNTAX,
    pattern::SYNTAX,
    diff::SYNTAX,
    anomaly::SYNTAX,
    unnest::SYNTAX,
    expand::SYNTAX,
    lookup::SYNTAX,
    cidrlookup::SYNTAX,
    join::SYNTAX,
    relevantfields::SYNTAX,
    addtotals::SYNTAX,
    accum::SYNTAX,
    autoregress::SYNTAX,
    filldown::SYNTAX,
    fillmissing::SYNTAX,
    outlier::SYNTAX,
    appendcols::SYNTAX,
    sessionize::SYNTAX,
    count_frequent::SYNTAX,
    logcompare::SYNTAX,
    json::SYNTAX,
    estimate::SYNTAX,
];

/// How `SOURCE` is written.
pub const SOURCE_USAGE: &str = source::USAGE;

/// The command with this name in any letter case.
pub fn find(name: &str) -> Option<&'static Syntax> {
    let is_it = |syntax: &&Syntax| {
        std::iter::once(&syntax.name).chain(syntax.aliases).any(|have| have.eq_ignore_ascii_case(name))
    };
    COMMANDS.iter().find(is_it)
}
