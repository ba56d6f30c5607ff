//! `diff`: patterns now and earlier.

use super::Syntax;
use crate::insights::ast::{Kind, Shift};
use crate::insights::parser::{Parsed, Parser};

pub(super) const SYNTAX: Syntax = Syntax {
    name: "diff",
    aliases: &[],
    usage: "diff [previousDay|previousWeek|previousMonth]",
    doc: "Compares the patterns with those of an earlier window, the one just before unless said.",
    parse,
};

const SHIFTS: [(&str, Shift); 3] =
    [("previousDay", Shift::Day), ("previousWeek", Shift::Week), ("previousMonth", Shift::Month)];

fn parse(parser: &mut Parser<'_>) -> Parsed<Kind> {
    let shift = SHIFTS.iter().find(|(word, _)| parser.is_word(word)).map(|(_, shift)| *shift);
    if shift.is_some() {
        parser.advance();
    } else if parser.word().is_some_and(|word| super::find(word).is_none()) {
        return Err(parser.unexpected("`previousDay`, `previousWeek`, `previousMonth` or nothing"));
    }
    Ok(Kind::Diff(shift))
}
