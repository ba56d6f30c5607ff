//! `lookup`: columns of an uploaded table.

use super::Syntax;
use crate::insights::ast::{Kind, Lookup, Name};
use crate::insights::parser::{Parsed, Parser};

pub(super) const SYNTAX: Syntax = Syntax {
    name: "lookup",
    aliases: &[],
    usage: "lookup table column [as field] {, …} OUTPUT column {, column}",
    doc: "Adds columns of the row of a table whose key columns equal the fields.",
    parse,
};

fn parse(parser: &mut Parser<'_>) -> Parsed<Kind> {
    let table = parser.name("the name of a table")?;
    let keys = parser.list(renamed)?;
    parser.expect_word("OUTPUT")?;
    Ok(Kind::Lookup(Lookup { table, keys, output: parser.list(renamed)? }))
}

/// `column [as field]`: of the same name if nothing is said.
pub(super) fn renamed(parser: &mut Parser<'_>) -> Parsed<(Name, Name)> {
    let column = parser.name("a column")?;
    let field = parser.alias()?.unwrap_or_else(|| column.clone());
    Ok((column, field))
}
