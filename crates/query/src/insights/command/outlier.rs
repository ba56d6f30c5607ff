//! `outlier`: values far from the others.

use super::Syntax;
use crate::insights::ast::{Kind, Outlier};
use crate::insights::lexer::Kind as Words;
use crate::insights::parser::{Parsed, Parser};

pub(super) const SYNTAX: Syntax = Syntax {
    name: "outlier",
    aliases: &[],
    usage: "outlier [action=transform|remove] [param=2.5] [uselower=true|false] [mark=true|false] field …",
    doc: "Moves values that are far from the others to the bound of what is usual, or drops their rows.",
    parse,
};

fn parse(parser: &mut Parser<'_>) -> Parsed<Kind> {
    let mut outlier = Outlier { removes: false, param: 2.5, uses_lower: false, marks: false, of: Vec::new() };
    loop {
        if parser.eat_option("action") {
            outlier.removes = action(parser)?;
        } else if parser.eat_option("param") {
            outlier.param = param(parser)?;
        } else if parser.eat_option("uselower") {
            outlier.uses_lower = parser.boolean()?;
        } else if parser.eat_option("mark") {
            outlier.marks = parser.boolean()?;
        } else {
            break;
        }
    }
    outlier.of = parser.patterns()?;
    if outlier.of.is_empty() {
        return Err(parser.unexpected("a field"));
    }
    Ok(Kind::Outlier(outlier))
}

fn action(parser: &mut Parser<'_>) -> Parsed<bool> {
    let removes = parser.is_word("remove");
    if removes || parser.is_word("transform") {
        parser.advance();
        return Ok(removes);
    }
    Err(parser.unexpected("`transform` or `remove`"))
}

fn param(parser: &mut Parser<'_>) -> Parsed<f64> {
    let Words::Number(n) = parser.peek().kind else {
        return Err(parser.unexpected("a number that is not negative"));
    };
    parser.advance();
    Ok(n)
}
