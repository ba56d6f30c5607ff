//! `dedup`: the first row of each kind.

use super::Syntax;
use crate::insights::ast::Kind;
use crate::insights::parser::{Parsed, Parser};

pub(super) const SYNTAX: Syntax = Syntax {
    name: "dedup",
    aliases: &[],
    usage: "dedup field {, field}",
    doc: "Keeps the first row for each value of the fields; only `limit` may follow.",
    parse,
};

fn parse(parser: &mut Parser<'_>) -> Parsed<Kind> {
    parser.names("a field").map(Kind::Dedup)
}
