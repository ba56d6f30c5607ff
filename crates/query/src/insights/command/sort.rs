//! `sort`: orders rows.

use super::Syntax;
use crate::insights::ast::{Kind, SortKey};
use crate::insights::expression::expression;
use crate::insights::parser::{Parsed, Parser};

pub(super) const SYNTAX: Syntax = Syntax {
    name: "sort",
    aliases: &[],
    usage: "sort expression [asc|desc] {, …}",
    doc: "Orders the rows, ascending unless `desc` is said.",
    parse,
};

fn parse(parser: &mut Parser<'_>) -> Parsed<Kind> {
    if parser.is_word("by") {
        let diagnostic = parser.unexpected("a field");
        return Err(diagnostic.help("leave `by` out: `sort field desc`"));
    }
    parser.list(key).map(Kind::Sort)
}

fn key(parser: &mut Parser<'_>) -> Parsed<SortKey> {
    let expr = expression(parser)?;
    for word in ["descending", "ascending"] {
        if parser.is_word(word) {
            return Err(parser.unexpected("`asc` or `desc`"));
        }
    }
    let is_descending = parser.eat_word("desc");
    if !is_descending {
        parser.eat_word("asc");
    }
    Ok(SortKey { expr, is_descending })
}
