//! `filter`: keeps rows.

use super::Syntax;
use crate::insights::ast::Kind;
use crate::insights::expression::expression;
use crate::insights::parser::{Parsed, Parser};

pub(super) const SYNTAX: Syntax = Syntax {
    name: "filter",
    aliases: &["where"],
    usage: "filter condition",
    doc: "Keeps the rows for which the condition holds; with a field that is absent it does not.",
    parse,
};

fn parse(parser: &mut Parser<'_>) -> Parsed<Kind> {
    expression(parser).map(Kind::Filter)
}
