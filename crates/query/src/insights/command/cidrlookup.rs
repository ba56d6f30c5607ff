//! `cidrlookup`: columns of an uploaded table of networks.

use super::Syntax;
use super::lookup::renamed;
use crate::insights::ast::{CidrLookup, Kind};
use crate::insights::parser::{Parsed, Parser};

pub(super) const SYNTAX: Syntax = Syntax {
    name: "cidrlookup",
    aliases: &[],
    usage: "cidrlookup table field [as column] OUTPUT|OUTPUTNEW column [as field] {, …}",
    doc: "Adds columns of the row of a table whose network holds the address in the field.",
    parse,
};

fn parse(parser: &mut Parser<'_>) -> Parsed<Kind> {
    let table = parser.name("the name of a table")?;
    let of = parser.name("a field with an address")?;
    let column = parser.alias()?;
    let only_new = parser.eat_word("outputnew");
    if !only_new && !parser.eat_word("output") {
        return Err(parser.unexpected("`OUTPUT` or `OUTPUTNEW`"));
    }
    let output = parser.list(renamed)?;
    Ok(Kind::CidrLookup(CidrLookup { table, of, column, output, only_new }))
}
