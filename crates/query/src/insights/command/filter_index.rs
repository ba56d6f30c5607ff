//! `filterIndex`: keeps rows, by an index where there is one.

use predicate::diagnostic::Diagnostic;

use super::Syntax;
use crate::insights::ast::{Binary, Expr, Kind, Node};
use crate::insights::expression::expression;
use crate::insights::parser::{Parsed, Parser};

pub(super) const SYNTAX: Syntax = Syntax {
    name: "filterIndex",
    aliases: &[],
    usage: "filterIndex field = value, or filterIndex field in [value {, …}]",
    doc: "Keeps rows as `filter` does, and reads only log groups that index the field.",
    parse,
};

fn parse(parser: &mut Parser<'_>) -> Parsed<Kind> {
    let condition = expression(parser)?;
    if asks_an_index(&condition) {
        return Ok(Kind::FilterIndex(condition));
    }
    let diagnostic = Diagnostic::error(condition.span, "an index does not answer this");
    Err(diagnostic.help("write `filterIndex field = value` or `field in [value]`, and the rest in a `filter`"))
}

fn asks_an_index(condition: &Expr) -> bool {
    let of = match &condition.node {
        Node::Binary(Binary::Equal, left, _) => left,
        Node::In { of, is_not: false, .. } | Node::InQuery { of, is_not: false, .. } => of,
        _ => return false,
    };
    matches!(of.node, Node::Field(_))
}
