//! `display`: chooses columns.

use super::Syntax;
use crate::insights::ast::Kind;
use crate::insights::expression::item;
use crate::insights::parser::{Parsed, Parser};

pub(super) const SYNTAX: Syntax = Syntax {
    name: "display",
    aliases: &[],
    usage: "display expression [as name] {, …}",
    doc: "Chooses the columns of the result; the last one counts.",
    parse,
};

fn parse(parser: &mut Parser<'_>) -> Parsed<Kind> {
    parser.list(item).map(Kind::Display)
}
