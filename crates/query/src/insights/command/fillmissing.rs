//! `fillmissing`: rows for empty bins.

use super::Syntax;
use crate::insights::ast::{Expr, Kind, Name};
use crate::insights::expression::expression;
use crate::insights::parser::{Parsed, Parser};

pub(super) const SYNTAX: Syntax = Syntax {
    name: "fillmissing",
    aliases: &[],
    usage: "fillmissing [with value for field {, value for field}]",
    doc: "Behind `stats … by bin()`, adds rows for bins without any.",
    parse,
};

fn parse(parser: &mut Parser<'_>) -> Parsed<Kind> {
    let fills = if parser.eat_word("with") { parser.list(fill)? } else { Vec::new() };
    Ok(Kind::FillMissing(fills))
}

fn fill(parser: &mut Parser<'_>) -> Parsed<(Expr, Name)> {
    let value = expression(parser)?;
    parser.expect_word("for")?;
    Ok((value, parser.name("a field")?))
}
