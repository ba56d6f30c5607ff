//! `addtotals`: sums of rows and columns.

use super::Syntax;
use crate::insights::ast::{AddTotals, Kind};
use crate::insights::parser::{Parsed, Parser};

pub(super) const SYNTAX: Syntax = Syntax {
    name: "addtotals",
    aliases: &[],
    usage: "addtotals [fieldname=name] [row=true|false] [col=true|false] [field {, field}]",
    doc: "Adds the sum of each row as the column `Total`, and with `col=true` a row of the sums of columns.",
    parse,
};

fn parse(parser: &mut Parser<'_>) -> Parsed<Kind> {
    let mut totals = AddTotals { name: None, has_row: true, has_col: false, of: Vec::new() };
    loop {
        if parser.eat_option("fieldname") {
            totals.name = Some(parser.name("a name")?);
        } else if parser.eat_option("row") {
            totals.has_row = parser.boolean()?;
        } else if parser.eat_option("col") {
            totals.has_col = parser.boolean()?;
        } else {
            break;
        }
    }
    totals.of = parser.patterns()?;
    Ok(Kind::AddTotals(totals))
}
