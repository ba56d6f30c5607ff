//! `stats`: aggregates of rows.

use predicate::diagnostic::Diagnostic;

use super::Syntax;
use crate::insights::ast::{Kind, Stats};
use crate::insights::expression::item;
use crate::insights::lexer::{Kind as Words, Token};
use crate::insights::parser::{Parsed, Parser};

pub(super) const SYNTAX: Syntax = Syntax {
    name: "stats",
    aliases: &[],
    usage: "stats aggregate [as name] {, …} [by key [as name] {, …}] [offset 1h]",
    doc: "Works out aggregates of all rows, or of each group of rows with the same keys.",
    parse,
};

fn parse(parser: &mut Parser<'_>) -> Parsed<Kind> {
    if parser.is_word("by") {
        return Err(parser.unexpected("an aggregate").help("for instance `stats count(*) by field`"));
    }
    let items = parser.list(item)?;
    let by = if by(parser) { parser.list(item)? } else { Vec::new() };
    let offset_ms = if parser.eat_word("offset") { parser.milliseconds()? } else { 0 };
    Ok(Kind::Stats(Stats { items, by, offset_ms }))
}

/// Takes `by`, and `group by` with a word about it.
fn by(parser: &mut Parser<'_>) -> bool {
    let is_by = |token: Token| matches!(token.kind, Words::Word(word) if word.eq_ignore_ascii_case("by"));
    if parser.is_word("group") && is_by(parser.second()) {
        let span = parser.advance().span;
        parser.report(Diagnostic::error(span, "groups are made with `by` alone").help("leave `group` out"));
    }
    parser.eat_word("by")
}
