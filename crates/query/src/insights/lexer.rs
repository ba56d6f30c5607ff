//! The text's words. The parser asks for one after the other, since only it knows whether a `/` divides or opens a regex.

use predicate::diagnostic::{Diagnostic, clipped};

use super::ast::{Duration, Span, Unit};

/// The next word of the text and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Token {
    /// What it is.
    pub kind: Kind,
    /// Where it stands.
    pub span: Span,
}

/// What a word is.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Kind {
    /// The text is over.
    End,
    /// A keyword, or a name without backticks.
    Word(String),
    /// A name with backticks in some part; never a keyword.
    Quoted(String),
    /// A number.
    Number(f64),
    /// A number and a unit.
    Duration(Duration),
    /// A number with something behind it that is no unit; it may still be the name of a column.
    Odd,
    /// A string without its quotes and escapes.
    String(String),
    /// A regex, `\/` in it being `/`.
    Regex(String),
    /// An operator, bracket or comma.
    Sign(&'static str),
    /// No word at all, and why.
    Bad(Diagnostic),
}

/// Longer ones first. Some are no words of this language, but people write them, and then they are told what to write.
const SIGNS: [&str; 36] = [
    "===", "==", "=~", "=>", "=<", "!=", "!~", "<>", "<=", ">=", "&&", "||", "**", "//", "|", ",", "(", ")", "[", "]",
    "{", "}", ".", ":", ";", "=", "<", ">", "+", "-", "*", "/", "%", "^", "!", "&",
];

/// Units by every name they have.
const UNITS: [(Unit, &[&str]); 9] = [
    (Unit::Millisecond, &["ms", "msec", "msecs", "millisecond", "milliseconds"]),
    (Unit::Second, &["s", "sec", "secs", "second", "seconds"]),
    (Unit::Minute, &["m", "min", "mins", "minute", "minutes"]),
    (Unit::Hour, &["h", "hr", "hrs", "hour", "hours"]),
    (Unit::Day, &["d", "day", "days"]),
    (Unit::Week, &["w", "week", "weeks"]),
    (Unit::Month, &["mo", "mos", "mon", "mons", "month", "months"]),
    (Unit::Quarter, &["q", "qs", "qtr", "qtrs", "quarter", "quarters"]),
    (Unit::Year, &["y", "yr", "yrs", "year", "years"]),
];

/// The unit's shortest name.
pub(super) fn unit_name(unit: Unit) -> &'static str {
    UNITS.iter().find(|(have, _)| *have == unit).map_or("ms", |(_, names)| names[0])
}

/// The first word at or behind a place.
pub(super) fn token_at(text: &str, at: usize) -> Token {
    let start = skip_blanks(text, at);
    let Some(first) = text[start..].chars().next() else {
        return Token { kind: Kind::End, span: start..start };
    };
    match first {
        '"' | '\'' => string_at(text, start, first),
        '`' => name_at(text, start),
        _ if first.is_ascii_digit() => number_at(text, start),
        _ if first != '.' && is_plain(first) => name_at(text, start),
        _ => sign_at(text, start, first),
    }
}

/// The regex whose `/` stands at this place.
pub(super) fn regex_at(text: &str, start: usize) -> Token {
    let mut regex = String::new();
    let mut chars = text[start + 1..].char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '/' => return Token { kind: Kind::Regex(regex), span: start..start + at + 2 },
            '\\' => match chars.next() {
                Some((_, '/')) => regex.push('/'),
                Some((_, escaped)) => regex.extend(['\\', escaped]),
                None => break,
            },
            _ => regex.push(c),
        }
    }
    unterminated(text, start, "regex", "close it with `/`; a `/` inside is written `\\/`")
}

/// One part of a name behind a dot that follows a call or brackets, and where it ends.
pub(super) fn member_at(text: &str, at: usize) -> Option<(String, usize)> {
    let rest = &text[at..];
    if let Some(quoted) = rest.strip_prefix('`') {
        let end = quoted.find('`').filter(|end| *end > 0)?;
        return Some((quoted[..end].to_owned(), at + end + 2));
    }
    let end = rest.find(|c| !is_plain(c) || c == '.').unwrap_or(rest.len());
    (end > 0).then(|| (rest[..end].to_owned(), at + end))
}

/// Whether the character may stand in a name without backticks, though not as its first one if it is a dot.
fn is_plain(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '@' | '.')
}

/// Whether a text is a name without backticks.
pub(super) fn is_plain_name(name: &str) -> bool {
    let token = token_at(name, 0);
    matches!(token.kind, Kind::Word(_)) && token.span == (0..name.len())
}

/// Blanks, a byte order mark at the very beginning, and comments.
fn skip_blanks(text: &str, at: usize) -> usize {
    let mut at = at;
    if at == 0 && text.starts_with('\u{feff}') {
        at = '\u{feff}'.len_utf8();
    }
    loop {
        let rest = text[at..].trim_start();
        at = text.len() - rest.len();
        if !rest.starts_with('#') {
            return at;
        }
        at += rest.find('\n').unwrap_or(rest.len());
    }
}

fn string_at(text: &str, start: usize, quote: char) -> Token {
    let mut string = String::new();
    let mut chars = text[start + 1..].char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        match c {
            _ if c == quote => return Token { kind: Kind::String(string), span: start..start + at + 2 },
            // Other escapes stay as they are, so that a regex can be given as a string.
            '\\' => match chars.next_if(|(_, next)| matches!(next, '"' | '\'' | '\\')) {
                Some((_, escaped)) => string.push(escaped),
                None => string.push('\\'),
            },
            _ => string.push(c),
        }
    }
    unterminated(text, start, "string", &format!("close it with `{quote}`; a `{quote}` inside is written `\\{quote}`"))
}

/// What is not closed is taken to end with its line, so that the rest can be looked at.
fn unterminated(text: &str, start: usize, what: &str, help: &str) -> Token {
    let end = text[start..].find('\n').map_or(text.len(), |n| start + n);
    bad(
        start..end,
        Diagnostic::error(start..start + 1, format!("the {what} is not closed")).label("opened here").help(help),
    )
}

fn bad(span: Span, diagnostic: Diagnostic) -> Token {
    Token { kind: Kind::Bad(diagnostic), span }
}

/// A name: plain characters, and parts in backticks between dots.
fn name_at(text: &str, start: usize) -> Token {
    let mut name = String::new();
    let (mut is_quoted, mut lacks_part, mut ends_with_dot) = (false, false, false);
    let mut at = start;
    loop {
        let rest = &text[at..];
        if let Some(inner) = rest.strip_prefix('`').filter(|_| at == start || text[..at].ends_with('.')) {
            let Some(end) = inner.find('`') else {
                return unterminated(text, at, "name", "close it with a backtick");
            };
            if end == 0 {
                return bad(at..at + 2, Diagnostic::error(at..at + 2, "a name is empty"));
            }
            name.push_str(&inner[..end]);
            is_quoted = true;
            ends_with_dot = false;
            at += end + 2;
            if !text[at..].starts_with('.') {
                break;
            }
            continue;
        }
        let n = rest.find(|c| !is_plain(c)).unwrap_or(rest.len());
        if n == 0 {
            break;
        }
        name.push_str(&rest[..n]);
        lacks_part |= rest[..n].contains("..");
        ends_with_dot = rest[..n].ends_with('.');
        at += n;
    }
    if lacks_part || ends_with_dot {
        let message = format!("`{}` lacks a part of its name", clipped(&text[start..at]));
        let help = "write a name before and behind each dot; what holds other characters stands in backticks";
        return bad(start..at, Diagnostic::error(start..at, message).help(help));
    }
    Token { kind: if is_quoted { Kind::Quoted(name) } else { Kind::Word(name) }, span: start..at }
}

fn number_at(text: &str, start: usize) -> Token {
    let digits = |at: usize| at + text[at..].bytes().take_while(u8::is_ascii_digit).count();
    let is_digit = |at: usize| text.as_bytes().get(at).is_some_and(u8::is_ascii_digit);
    let mut end = digits(start);
    if text[end..].starts_with('.') && is_digit(end + 1) {
        end = digits(end + 1);
    }
    if text[end..].starts_with(['e', 'E']) {
        let sign = usize::from(text[end + 1..].starts_with(['+', '-']));
        if is_digit(end + 1 + sign) {
            end = digits(end + 1 + sign);
        }
    }
    let behind = end + text[end..].find(|c| !is_plain(c)).unwrap_or(text.len() - end);
    let kind = match text[start..end].parse::<f64>() {
        Ok(n) if !n.is_finite() => {
            let message = format!("`{}` is too large for a number", clipped(&text[start..end]));
            Kind::Bad(Diagnostic::error(start..behind, message))
        }
        Ok(n) if behind == end => Kind::Number(n),
        Ok(n) => unit(&text[end..behind]).map_or(Kind::Odd, |unit| Kind::Duration(Duration { n, unit })),
        Err(_) => Kind::Odd,
    };
    Token { kind, span: start..behind }
}

fn unit(name: &str) -> Option<Unit> {
    let has = |names: &&[&str]| names.iter().any(|have| have.eq_ignore_ascii_case(name));
    UNITS.iter().find(|(_, names)| has(names)).map(|(unit, _)| *unit)
}

fn sign_at(text: &str, start: usize, first: char) -> Token {
    if let Some(sign) = SIGNS.iter().find(|sign| text[start..].starts_with(**sign)) {
        return Token { kind: Kind::Sign(sign), span: start..start + sign.len() };
    }
    if matches!(first, '“' | '”' | '‘' | '’' | '«' | '»' | '„' | '‚') {
        return typographic(text, start, first);
    }
    let span = start..start + first.len_utf8();
    let name = if first.is_control() || first.len_utf8() > 1 {
        format!("unexpected character U+{:04X}", u32::from(first))
    } else {
        format!("unexpected character `{first}`")
    };
    let help = "names with other characters than letters, digits, `_`, `@` and `.` stand in backticks, texts in quotes";
    bad(span.clone(), Diagnostic::error(span, name).help(help))
}

/// Quotes as word processors and chats make them: all up to the next of their kind on the line.
fn typographic(text: &str, start: usize, first: char) -> Token {
    let inner = start + first.len_utf8();
    let line = text[inner..].lines().next().unwrap_or_default();
    let closes = |c: char| match first {
        '“' | '”' | '„' => matches!(c, '“' | '”' | '"'),
        '«' | '»' => matches!(c, '«' | '»'),
        _ => matches!(c, '‘' | '’' | '\''),
    };
    let end = line.char_indices().find(|(_, c)| closes(*c)).map(|(at, c)| inner + at + c.len_utf8());
    let diagnostic = Diagnostic::error(start..inner, "typographic quotes enclose nothing here");
    bad(start..end.unwrap_or(inner), diagnostic.help("write plain quotes, `\"` or `'`"))
}
