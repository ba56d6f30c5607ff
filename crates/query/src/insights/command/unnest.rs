//! `unnest`: a row for each element of a list.

use super::Syntax;
use crate::insights::ast::Kind;
use crate::insights::expression::expression;
use crate::insights::parser::{Parsed, Parser};

pub(super) const SYNTAX: Syntax = Syntax {
    name: "unnest",
    aliases: &[],
    usage: "unnest list into name",
    doc: "Makes a row of each element of a list from `jsonParse`; other fields are copied.",
    parse,
};

fn parse(parser: &mut Parser<'_>) -> Parsed<Kind> {
    let list = expression(parser)?;
    parser.expect_word("into")?;
    Ok(Kind::Unnest(list, parser.name("the new name")?))
}
