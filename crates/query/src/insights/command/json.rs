//! `json`: a value out of JSON.

use super::Syntax;
use crate::insights::ast::Kind;
use crate::insights::parser::{Parsed, Parser};

pub(super) const SYNTAX: Syntax = Syntax {
    name: "json",
    aliases: &[],
    usage: "json field=field 'key.sub' as name",
    doc: "Takes a value out of a field that holds JSON.",
    parse,
};

fn parse(parser: &mut Parser<'_>) -> Parsed<Kind> {
    if !parser.eat_option("field") {
        return Err(parser.unexpected("`field=`"));
    }
    let of = parser.name("a field")?;
    let path = parser.string("the path in quotes")?;
    Ok(Kind::Json { of, path, alias: parser.alias()? })
}
