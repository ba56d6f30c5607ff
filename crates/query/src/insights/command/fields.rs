//! `fields`: adds columns.

use super::Syntax;
use crate::insights::ast::Kind;
use crate::insights::expression::item;
use crate::insights::parser::{Parsed, Parser};

pub(super) const SYNTAX: Syntax = Syntax {
    name: "fields",
    aliases: &[],
    usage: "fields expression [as name] {, …}",
    doc: "Adds fields to the rows and to what is shown; several add up.",
    parse,
};

fn parse(parser: &mut Parser<'_>) -> Parsed<Kind> {
    parser.list(item).map(Kind::Fields)
}
