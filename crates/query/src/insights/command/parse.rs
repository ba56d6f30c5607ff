//! `parse`: fields out of text.

use predicate::diagnostic::Diagnostic;

use super::Syntax;
use crate::insights::ast::{Expr, How, Kind, Name, Parse, Text};
use crate::insights::expression::operand;
use crate::insights::lexer::Kind as Words;
use crate::insights::parser::{Parsed, Parser};
use crate::insights::regex;

pub(super) const SYNTAX: Syntax = Syntax {
    name: "parse",
    aliases: &[],
    usage: "parse [field] 'text * text *' as name {, name}, parse [field] /regex/ [as name {, name}] [multi], or parse [field] logfmt|csv as name {, name}",
    doc: "Takes fields out of a text, `@message` unless another is said: by stars, by the groups of a regex, as logfmt or as CSV.",
    parse,
};

fn parse(parser: &mut Parser<'_>) -> Parsed<Kind> {
    let of = if is_how(parser) { None } else { Some(of(parser)?) };
    let how = how(parser)?;
    Ok(Kind::Parse(Parse { of, how }))
}

/// Whether no field is named.
fn is_how(parser: &Parser<'_>) -> bool {
    match &parser.peek().kind {
        Words::String(_) | Words::Sign("/") => true,
        _ if parser.is_word("logfmt") || parser.is_word("csv") => {
            matches!(parser.second().kind, Words::Word(word) if word.eq_ignore_ascii_case("as"))
        }
        _ => false,
    }
}

fn of(parser: &mut Parser<'_>) -> Parsed<Expr> {
    let of = operand(parser)?;
    if parser.is_sign(",") {
        return Err(parser.unexpected("a pattern").help("leave the `,` out"));
    }
    Ok(of)
}

fn how(parser: &mut Parser<'_>) -> Parsed<How> {
    if parser.eat_word("logfmt") {
        parser.expect_word("as")?;
        return parser.name("a name for the map").map(How::Logfmt);
    }
    if parser.eat_word("csv") {
        parser.expect_word("as")?;
        return parser.names("a name for a column").map(How::Csv);
    }
    if parser.is_sign("/") {
        parser.reread_as_regex();
    }
    match parser.peek().kind {
        Words::String(_) => glob(parser),
        Words::Regex(_) => by_regex(parser),
        _ => Err(parser.unexpected("a text with `*`, a regex, `logfmt` or `csv`")),
    }
}

fn glob(parser: &mut Parser<'_>) -> Parsed<How> {
    let text = parser.string("a text with `*`")?;
    let n_stars = text.text.matches('*').count();
    if n_stars == 0 {
        let diagnostic = Diagnostic::error(text.span, "the text has no `*`");
        return Err(diagnostic.help("write `*` for what is to be taken out: `parse \"user=* \" as user`"));
    }
    let names = if parser.eat_word("as") { parser.names("a name")? } else { Vec::new() };
    if names.len() != n_stars {
        let message = format!("the text has {n_stars} `*`, and there {}", are(names.len()));
        return Err(Diagnostic::error(text.span, message).help("every `*` needs a name: `as a, b`"));
    }
    Ok(How::Glob(text, names))
}

fn are(n_names: usize) -> String {
    if n_names == 1 { "is 1 name".to_owned() } else { format!("are {n_names} names") }
}

fn by_regex(parser: &mut Parser<'_>) -> Parsed<How> {
    let token = parser.peek().clone();
    let Words::Regex(text) = token.kind else { return Err(parser.unexpected("a regex")) };
    let groups = regex::check(parser.text_at(&token.span), token.span.start)?;
    parser.advance();
    let names = if parser.eat_word("as") { parser.names("a name")? } else { Vec::new() };
    let is_multi = parser.eat_word("multi");
    let regex = Text { text, span: token.span };
    if groups.named.is_empty() && groups.n_unnamed == 0 {
        let diagnostic = Diagnostic::error(regex.span, "the regex has no group, so it takes nothing out");
        return Err(diagnostic.help("write `(?<name>…)` around what is to be taken out"));
    }
    // Unnamed groups beside named ones are there for `|` and `+`; without any name nothing would be taken out.
    let takes_named_only = names.is_empty() && !groups.named.is_empty();
    if !takes_named_only && names.len() != groups.n_unnamed {
        return Err(unequal(&regex, groups.n_unnamed, &names));
    }
    Ok(How::Regex { regex, names, is_multi })
}

fn unequal(regex: &Text, n_unnamed: usize, names: &[Name]) -> Diagnostic {
    let groups = if n_unnamed == 1 { "group" } else { "groups" };
    let message = format!("the regex has {n_unnamed} unnamed {groups}, and there {}", are(names.len()));
    let help = "every unnamed group needs a name behind `as`; `(?:…)` is no group";
    Diagnostic::error(regex.span.clone(), message).help(help)
}
