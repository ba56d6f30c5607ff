//! `expand`: a row for each element of a JSON array.

use super::Syntax;
use crate::insights::ast::Kind;
use crate::insights::parser::{Parsed, Parser};

pub(super) const SYNTAX: Syntax = Syntax {
    name: "expand",
    aliases: &[],
    usage: "expand field",
    doc: "Makes a row of each element of a JSON array in the field; other fields are copied.",
    parse,
};

fn parse(parser: &mut Parser<'_>) -> Parsed<Kind> {
    parser.name("a field").map(Kind::Expand)
}
