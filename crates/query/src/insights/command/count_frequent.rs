//! `countFrequent`: the most frequent values.

use super::Syntax;
use crate::insights::ast::Kind;
use crate::insights::parser::{Parsed, Parser};

pub(super) const SYNTAX: Syntax = Syntax {
    name: "countFrequent",
    aliases: &["count_frequent"],
    usage: "countFrequent field {, field}",
    doc: "Counts the values of the fields, about, with the most frequent first.",
    parse,
};

fn parse(parser: &mut Parser<'_>) -> Parsed<Kind> {
    parser.names("a field").map(Kind::CountFrequent)
}
