//! `limit`, and the older `head` and `tail`: how many rows.

use predicate::diagnostic::Diagnostic;

use super::Syntax;
use crate::insights::LIMIT_MAX;
use crate::insights::ast::{Kind, Limit, Which};
use crate::insights::parser::{Parsed, Parser};

pub(super) const SYNTAX: Syntax = Syntax {
    name: "limit",
    aliases: &[],
    usage: "limit [any] n",
    doc: "Keeps the first `n` rows, at most 100000; with `any`, those that are found first.",
    parse,
};

pub(super) const HEAD: Syntax = Syntax {
    name: "head",
    aliases: &[],
    usage: "head n",
    doc: "An older form of `limit`.",
    parse: |parser| older(parser, "head", Which::First, "`limit` does the same"),
};

pub(super) const TAIL: Syntax = Syntax {
    name: "tail",
    aliases: &[],
    usage: "tail n",
    doc: "Keeps the last `n` rows; an older form of `sort` the other way round and `limit`.",
    parse: |parser| older(parser, "tail", Which::Last, "`sort` the other way round and `limit` do the same"),
};

fn parse(parser: &mut Parser<'_>) -> Parsed<Kind> {
    let which = if parser.eat_word("any") { Which::Any } else { Which::First };
    Ok(Kind::Limit(Limit { n: rows(parser)?, which }))
}

fn older(parser: &mut Parser<'_>, name: &str, which: Which, help: &str) -> Parsed<Kind> {
    let end = parser.behind().end;
    let n = rows(parser)?;
    let diagnostic = Diagnostic::warning(end - name.len()..end, format!("`{name}` is deprecated"));
    parser.report(diagnostic.help(help));
    Ok(Kind::Limit(Limit { n, which }))
}

fn rows(parser: &mut Parser<'_>) -> Parsed<u64> {
    parser.whole("a number of rows", 1..=LIMIT_MAX)
}
