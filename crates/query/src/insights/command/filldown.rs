//! `filldown`: the last value that was there.

use super::Syntax;
use crate::insights::ast::Kind;
use crate::insights::parser::{Parsed, Parser};

pub(super) const SYNTAX: Syntax = Syntax {
    name: "filldown",
    aliases: &[],
    usage: "filldown [field …]",
    doc: "Fills absent fields with the last value above them; `*` in a name stands for any characters, no name for all fields.",
    parse,
};

fn parse(parser: &mut Parser<'_>) -> Parsed<Kind> {
    parser.patterns().map(Kind::FillDown)
}
