//! `pattern`: what texts have in common.

use super::Syntax;
use crate::insights::ast::Kind;
use crate::insights::expression::expression;
use crate::insights::parser::{Parsed, Parser};

pub(super) const SYNTAX: Syntax = Syntax {
    name: "pattern",
    aliases: &[],
    usage: "pattern expression",
    doc: "Groups texts that differ only in variable words, and counts them.",
    parse,
};

fn parse(parser: &mut Parser<'_>) -> Parsed<Kind> {
    expression(parser).map(Kind::Pattern)
}
