//! `appendcols`: the columns of another query.

use super::Syntax;
use crate::insights::ast::Kind;
use crate::insights::parser::{Parsed, Parser};

pub(super) const SYNTAX: Syntax = Syntax {
    name: "appendcols",
    aliases: &[],
    usage: "appendcols [override=true|false] [max=10000] (query)",
    doc: "Puts the rows of another query beside these, the first beside the first.",
    parse,
};

const ROWS_DEFAULT: u64 = 10_000;
const ROWS_MAX: u64 = 100_000;

fn parse(parser: &mut Parser<'_>) -> Parsed<Kind> {
    let (mut is_override, mut max) = (false, ROWS_DEFAULT);
    loop {
        if parser.eat_option("override") {
            is_override = parser.boolean()?;
        } else if parser.eat_option("max") {
            max = parser.whole("a number of rows", 1..=ROWS_MAX)?;
        } else {
            break;
        }
    }
    let query = Box::new(parser.nested_query()?);
    Ok(Kind::AppendCols { is_override, max, query })
}
