//! `estimate`: what a query would read.

use super::Syntax;
use crate::insights::ast::Kind;
use crate::insights::parser::{Parsed, Parser};

pub(super) const SYNTAX: Syntax = Syntax {
    name: "estimate",
    aliases: &[],
    usage: "estimate",
    doc: "Says how many bytes the query would read, and runs nothing; always the last command.",
    parse,
};

fn parse(_: &mut Parser<'_>) -> Parsed<Kind> {
    Ok(Kind::Estimate)
}
