//! `SOURCE`: which log groups are read.

use predicate::diagnostic::{Diagnostic, clipped};

use crate::insights::ast::{Class, From, Group, Instant, Text};
use crate::insights::lexer::Kind as Words;
use crate::insights::parser::{Parsed, Parser};

/// How it is written.
pub const USAGE: &str = "SOURCE 'group' {, 'group'}, or SOURCE [dataSource(['name.type'])] \
    [logGroups([namePrefix: ['a']] [, accountIdentifiers: ['1']] [, class: ['STANDARD']])] [start=-1d] [end=now]";

const PREFIXES_MAX: usize = 5;
const ACCOUNTS_MAX: usize = 20;
const DATA_SOURCES_MAX: usize = 10;
/// In milliseconds 1973, in seconds the year 5138.
const SECONDS_MAX: u64 = 100_000_000_000;
const INSTANT_MAX: u64 = 1 << 52;

/// `SOURCE` and what stands behind it.
pub(in crate::insights) fn parse(parser: &mut Parser<'_>) -> Parsed<From> {
    let start = parser.advance().span.start;
    let mut from = From {
        span: start..start,
        groups: Vec::new(),
        accounts: Vec::new(),
        classes: Vec::new(),
        start: None,
        end: None,
    };
    let (mut has_groups, mut has_data_source) = (false, false);
    loop {
        if !has_groups && parser.is_word("logGroups") {
            has_groups = true;
            log_groups(parser, &mut from)?;
        } else if !has_data_source && parser.is_word("dataSource") {
            has_data_source = true;
            data_source(parser, &mut from)?;
        } else if from.groups.is_empty() && matches!(parser.peek().kind, Words::String(_)) {
            from.groups = parser.list(|parser| parser.string("a log group").map(Group::Name))?;
            (has_groups, has_data_source) = (true, true);
        } else if parser.eat_option("start") {
            from.start = Some(instant(parser)?);
        } else if parser.eat_option("end") {
            from.end = Some(instant(parser)?);
        } else {
            break;
        }
    }
    if from.groups.is_empty() {
        let diagnostic = parser.unexpected("a log group in quotes, `logGroups(…)` or `dataSource(…)`");
        return Err(
            diagnostic.help("for instance `SOURCE 'cloudtrail'` or `SOURCE logGroups(namePrefix: ['/aws/lambda'])`")
        );
    }
    from.span = parser.since(start);
    Ok(from)
}

fn log_groups(parser: &mut Parser<'_>, from: &mut From) -> Parsed<()> {
    parser.advance();
    let open = parser.expect_sign("(")?;
    let n_before = from.groups.len();
    while !parser.is_sign(")") {
        let key = parser.name("`namePrefix`, `accountIdentifiers` or `class`")?;
        parser.expect_sign(":")?;
        match key.name.to_ascii_lowercase().as_str() {
            "nameprefix" | "nameprefixes" => {
                from.groups.extend(texts(parser, PREFIXES_MAX)?.into_iter().map(Group::Prefix));
            }
            "accountidentifiers" | "accountidentifier" => from.accounts = texts(parser, ACCOUNTS_MAX)?,
            "class" | "loggroupclass" => {
                from.classes = texts(parser, 2)?.iter().map(class).collect::<Parsed<_>>()?;
            }
            _ => {
                let message = format!("`logGroups` has no `{}`", clipped(&key.name));
                let help = "it has `namePrefix`, `accountIdentifiers` and `class`";
                return Err(Diagnostic::error(key.span, message).help(help));
            }
        }
        if !parser.eat_sign(",") {
            break;
        }
    }
    parser.close(")", open)?;
    if from.groups.len() == n_before {
        from.groups.push(Group::Any);
    }
    Ok(())
}

fn class(text: &Text) -> Parsed<Class> {
    match text.text.to_ascii_uppercase().as_str() {
        "STANDARD" => Ok(Class::Standard),
        "INFREQUENT_ACCESS" => Ok(Class::InfrequentAccess),
        _ => {
            let message = format!("no such class of log groups: `{}`", clipped(&text.text));
            Err(Diagnostic::error(text.span.clone(), message).help("the classes are STANDARD and INFREQUENT_ACCESS"))
        }
    }
}

fn data_source(parser: &mut Parser<'_>, from: &mut From) -> Parsed<()> {
    parser.advance();
    let open = parser.expect_sign("(")?;
    from.groups.extend(texts(parser, DATA_SOURCES_MAX)?.into_iter().map(Group::DataSource));
    parser.close(")", open)
}

/// `['a', 'b']`, or one text.
fn texts(parser: &mut Parser<'_>, n_max: usize) -> Parsed<Vec<Text>> {
    if !parser.is_sign("[") {
        return parser.string("a list of texts in brackets").map(|text| vec![text]);
    }
    let open = parser.advance().span;
    let texts = parser.list(|parser| parser.string("a text in quotes"))?;
    parser.close("]", open.clone())?;
    if texts.len() > n_max {
        let message = format!("the list has {} texts, and {n_max} are the most", texts.len());
        return Err(Diagnostic::error(parser.since(open.start), message).help("run the query several times"));
    }
    Ok(texts)
}

/// `now`, `-1d`, or milliseconds since the epoch.
fn instant(parser: &mut Parser<'_>) -> Parsed<Instant> {
    if parser.eat_word("now") {
        return Ok(Instant::Now);
    }
    if parser.is_sign("-") && matches!(parser.second().kind, Words::Duration(_)) {
        parser.advance();
        return parser.milliseconds().map(Instant::Before);
    }
    let due = "`now`, a length of time such as `-1d`, or milliseconds since the epoch";
    if matches!(parser.peek().kind, Words::Duration(_)) {
        return Err(parser.unexpected(due).help("time goes back from now: write a `-` before it"));
    }
    let span = parser.peek().span.clone();
    let ms = parser.whole(due, 0..=INSTANT_MAX)?;
    if (1..SECONDS_MAX).contains(&ms) {
        let diagnostic = Diagnostic::warning(span, "this is in milliseconds and looks like seconds");
        parser.report(diagnostic.help("write three zeros more if it is seconds"));
    }
    Ok(Instant::At(i64::try_from(ms).expect("it is within bounds")))
}
