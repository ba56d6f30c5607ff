//! `autoregress`: values of earlier rows.

use super::Syntax;
use crate::insights::ast::Kind;
use crate::insights::parser::{Parsed, Parser};

pub(super) const SYNTAX: Syntax = Syntax {
    name: "autoregress",
    aliases: &[],
    usage: "autoregress field [as name] [p=n[-m]]",
    doc: "Adds the values that a field had in earlier rows: `p=1` in the one before.",
    parse,
};

/// The farthest row: each distance is a column.
const DISTANCE_MAX: u64 = 100;

fn parse(parser: &mut Parser<'_>) -> Parsed<Kind> {
    let of = parser.name("a field")?;
    let mut alias = None;
    let (mut from, mut to) = (1, 1);
    loop {
        if alias.is_none() && parser.is_word("as") {
            alias = parser.alias()?;
        } else if parser.eat_option("p") {
            from = distance(parser, 1)?;
            to = if parser.eat_sign("-") { distance(parser, from)? } else { from };
        } else {
            return Ok(Kind::AutoRegress { of, alias, from, to });
        }
    }
}

fn distance(parser: &mut Parser<'_>, least: u32) -> Parsed<u32> {
    let n = parser.whole("a number of rows", u64::from(least)..=DISTANCE_MAX)?;
    Ok(u32::try_from(n).expect("it is within bounds"))
}
