//! `relevantfields`: what is special about some rows.

use super::Syntax;
use crate::insights::ast::Kind;
use crate::insights::expression::expression;
use crate::insights::lexer::Kind as Words;
use crate::insights::parser::{Parsed, Parser};

pub(super) const SYNTAX: Syntax = Syntax {
    name: "relevantfields",
    aliases: &[],
    usage: "relevantfields [field {, field}] where condition",
    doc: "Ranks fields by how differently their values are spread where the condition holds.",
    parse,
};

fn parse(parser: &mut Parser<'_>) -> Parsed<Kind> {
    let mut of = Vec::new();
    if parser.is_sign("[") {
        let open = parser.advance().span;
        of = parser.names("a field")?;
        parser.close("]", open)?;
    } else if !is_condition(parser) {
        of = parser.names("a field")?;
    }
    parser.expect_word("where")?;
    Ok(Kind::RelevantFields(of, expression(parser)?))
}

/// A field may be called `where` too; then a comma or another `where` follows it.
fn is_condition(parser: &Parser<'_>) -> bool {
    let second = parser.second().kind;
    let is_named =
        second == Words::Sign(",") || matches!(&second, Words::Word(word) if word.eq_ignore_ascii_case("where"));
    parser.is_word("where") && !is_named
}
