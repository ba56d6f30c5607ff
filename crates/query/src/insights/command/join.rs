//! `join`: rows of another log group beside these.

use predicate::diagnostic::{Diagnostic, clipped};

use super::Syntax;
use super::source;
use crate::insights::ast::{From, Join, Kind, Name};
use crate::insights::parser::{Parsed, Parser};

pub(super) const SYNTAX: Syntax = Syntax {
    name: "join",
    aliases: &[],
    usage: "join [type=inner|left] left=a right=b where a.key=b.key (SOURCE 'group')",
    doc: "Puts rows of another log group beside those with the same key; fields are then called `a.…` and `b.…`.",
    parse,
};

fn parse(parser: &mut Parser<'_>) -> Parsed<Kind> {
    let (mut is_left, mut left, mut right) = (false, None, None);
    loop {
        if parser.eat_option("type") {
            is_left = kind(parser)?;
        } else if parser.eat_option("left") {
            left = Some(parser.name("a name for the rows so far")?);
        } else if parser.eat_option("right") {
            right = Some(parser.name("a name for the joined rows")?);
        } else {
            break;
        }
    }
    let left = left.ok_or_else(|| parser.unexpected("`left=name`"))?;
    let right = right.ok_or_else(|| parser.unexpected("`right=name`"))?;
    if left.name == right.name {
        return Err(Diagnostic::error(right.span, "both sides have the same name"));
    }
    parser.expect_word("where")?;
    let (left_key, right_key) = keys(parser, &left, &right)?;
    let source = right_side(parser)?;
    Ok(Kind::Join(Join { is_left, left, right, left_key, right_key, source }))
}

/// Whether rows without a partner stay.
fn kind(parser: &mut Parser<'_>) -> Parsed<bool> {
    let is_left = parser.is_word("left");
    if is_left || parser.is_word("inner") {
        parser.advance();
        return Ok(is_left);
    }
    Err(parser.unexpected("`inner` or `left`"))
}

/// `a.key=b.key`, or the other way round, without the prefixes.
fn keys(parser: &mut Parser<'_>, left: &Name, right: &Name) -> Parsed<(Name, Name)> {
    let first = parser.name("a field of one side")?;
    if !parser.eat_sign("=") {
        return Err(parser.unexpected("`=`").help("a join compares for equality only"));
    }
    let second = parser.name("a field of the other side")?;
    if let (Some(left_key), Some(right_key)) = (without(&first, left), without(&second, right)) {
        return Ok((left_key, right_key));
    }
    if let (Some(right_key), Some(left_key)) = (without(&first, right), without(&second, left)) {
        return Ok((left_key, right_key));
    }
    let diagnostic = Diagnostic::error(first.span.start..second.span.end, "this does not compare a field of each side");
    let (left, right) = (clipped(&left.name), clipped(&right.name));
    Err(diagnostic.help(format!("write `{left}.field={right}.field`")))
}

/// The field's name without that of its side.
fn without(field: &Name, side: &Name) -> Option<Name> {
    let name = field.name.strip_prefix(side.name.as_str())?.strip_prefix('.')?;
    Some(Name { name: name.to_owned(), span: field.span.clone() })
}

/// `(SOURCE 'group')`, without commands.
fn right_side(parser: &mut Parser<'_>) -> Parsed<From> {
    let open = parser.expect_sign("(")?;
    if !parser.is_word("source") {
        return Err(parser.unexpected("`SOURCE`"));
    }
    let source = source::parse(parser)?;
    if parser.is_sign("|") {
        let diagnostic = Diagnostic::error(parser.peek().span.clone(), "the right side of a `join` has no commands");
        parser.report(
            diagnostic.help("write `filter` behind the `join`, with the fields of the right side by their prefix"),
        );
        parser.skip_parenthesis();
    }
    parser.close(")", open)?;
    Ok(source)
}
