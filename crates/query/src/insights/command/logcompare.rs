//! `logcompare`: this window and an earlier one.

use super::Syntax;
use crate::insights::ast::Kind;
use crate::insights::parser::{Parsed, Parser};

pub(super) const SYNTAX: Syntax = Syntax {
    name: "logcompare",
    aliases: &[],
    usage: "logcompare timeshift 7d",
    doc: "Compares the window with one that lies so much earlier.",
    parse,
};

fn parse(parser: &mut Parser<'_>) -> Parsed<Kind> {
    if !parser.eat_option("timeshift") {
        parser.expect_word("timeshift")?;
    }
    parser.milliseconds().map(Kind::LogCompare)
}
