//! `sessionize`: numbers sessions.

use super::Syntax;
use crate::insights::ast::Kind;
use crate::insights::parser::{Parsed, Parser};

pub(super) const SYNTAX: Syntax = Syntax {
    name: "sessionize",
    aliases: &[],
    usage: "sessionize field {, field} [maxspan 30m] [as name]",
    doc: "Gives rows of the same fields one number until there is a gap longer than `maxspan`.",
    parse,
};

const MAXSPAN_MS_DEFAULT: i64 = 30 * 60 * 1000;

fn parse(parser: &mut Parser<'_>) -> Parsed<Kind> {
    let by = parser.names("a field")?;
    let mut maxspan_ms = MAXSPAN_MS_DEFAULT;
    if parser.eat_option("maxspan") || parser.eat_word("maxspan") {
        maxspan_ms = parser.milliseconds()?;
    }
    Ok(Kind::Sessionize { by, maxspan_ms, alias: parser.alias()? })
}
