//! `accum`: a running sum.

use super::Syntax;
use crate::insights::ast::Kind;
use crate::insights::parser::{Parsed, Parser};

pub(super) const SYNTAX: Syntax = Syntax {
    name: "accum",
    aliases: &[],
    usage: "accum field [as name]",
    doc: "Adds the running sum of a field, in the order of the rows.",
    parse,
};

fn parse(parser: &mut Parser<'_>) -> Parsed<Kind> {
    Ok(Kind::Accum(parser.name("a field")?, parser.alias()?))
}
