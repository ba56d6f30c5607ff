//! `anomaly`: unusual patterns.

use super::Syntax;
use crate::insights::ast::Kind;
use crate::insights::parser::{Parsed, Parser};

pub(super) const SYNTAX: Syntax = Syntax {
    name: "anomaly",
    aliases: &[],
    usage: "anomaly",
    doc: "Adds to each pattern what is unusual about it.",
    parse,
};

fn parse(_: &mut Parser<'_>) -> Parsed<Kind> {
    Ok(Kind::Anomaly)
}
