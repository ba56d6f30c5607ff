//! Messages about a text that a person wrote, drawn with a caret under the place.
//!
//! Rule files come from strangers, so whatever is shown of them is made harmless first: control and bidirectional
//! characters are spelled out, and long lines are clipped.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::ops::Range;

use unicode_width::UnicodeWidthChar;

/// The most characters of a source line that are drawn.
const LINE_CHARS_MAX: usize = 160;
/// How many characters before the span stay visible when a line is clipped.
const BEFORE_CHARS: usize = 60;
/// The most characters of a message, label or advice: they quote what stands in the text.
const WORDS_CHARS_MAX: usize = 600;
/// The most characters of a name that is quoted among others.
const NAME_CHARS_MAX: usize = 80;
/// How wide a tab is drawn.
const TAB_COLUMNS: usize = 4;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Level {
    /// The document cannot be used.
    Error,
    /// The document can be used, but it may not mean what its author thinks.
    Warning,
}

/// A message about a place in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// How bad it is.
    pub level: Level,
    /// What is wrong.
    pub message: String,
    /// Where, in byte offsets of the text.
    pub span: Range<usize>,
    /// What is to be said at the place itself; may be empty.
    pub label: String,
    /// What to do about it.
    pub help: Option<String>,
}

impl Diagnostic {
    /// An error at a place.
    pub fn error(span: Range<usize>, message: impl Into<String>) -> Diagnostic {
        Diagnostic { level: Level::Error, message: message.into(), span, label: String::new(), help: None }
    }

    /// A warning at a place.
    pub fn warning(span: Range<usize>, message: impl Into<String>) -> Diagnostic {
        Diagnostic { level: Level::Warning, ..Diagnostic::error(span, message) }
    }

    /// The same with words at the place.
    pub fn label(self, label: impl Into<String>) -> Diagnostic {
        Diagnostic { label: label.into(), ..self }
    }

    /// The same with advice.
    pub fn help(self, help: impl Into<String>) -> Diagnostic {
        Diagnostic { help: Some(help.into()), ..self }
    }

    /// Whether it is an error.
    pub fn is_error(&self) -> bool {
        self.level == Level::Error
    }

    /// Draws it as rustc does: message, place, the source line with carets under the span, advice. Ends with a newline.
    /// A span that lies outside the text or splits a character is moved to the nearest place that exists.
    pub fn draw(&self, file_name: &str, text: &str) -> String {
        let place = Place::of(&self.span, text);
        let level = match self.level {
            Level::Error => "error",
            Level::Warning => "warning",
        };
        let number = place.line.to_string();
        let pad = " ".repeat(number.len());
        let (source, before, under) = place.line_and_carets();
        let carets = format!("{}{} {}", " ".repeat(before), "^".repeat(under), visible(&self.label));

        let mut out = format!("{level}: {}\n", visible(&self.message));
        let _ = writeln!(out, "{pad}--> {}:{}:{}", visible(file_name), place.line, place.column);
        let _ = writeln!(out, "{pad} |");
        let _ = writeln!(out, "{}", format!("{number} | {source}").trim_end());
        let _ = writeln!(out, "{pad} | {}", carets.trim_end());
        if let Some(help) = &self.help {
            let _ = writeln!(out, "{pad} = help: {}", visible(help));
        }
        out
    }
}

/// Line and column of a byte offset, both from 1, columns in characters.
pub fn line_column(text: &str, at: usize) -> (usize, usize) {
    let place = Place::of(&(at..at), text);
    (place.line, place.column)
}

/// A span seen as a part of its first line.
struct Place<'t> {
    line: usize,
    column: usize,
    source: &'t str,
    /// Within `source`, in bytes.
    span: Range<usize>,
}

impl<'t> Place<'t> {
    fn of(span: &Range<usize>, text: &'t str) -> Place<'t> {
        let start = text.floor_char_boundary(span.start);
        let end = text.ceil_char_boundary(span.end.min(text.len())).max(start);
        let line_start = text[..start].rfind('\n').map_or(0, |at| at + 1);
        let rest = &text[line_start..];
        let source = rest.find('\n').map_or(rest, |at| &rest[..at]);
        let source = source.strip_suffix('\r').unwrap_or(source);
        let from = (start - line_start).min(source.len());
        Place {
            line: text.as_bytes()[..line_start].iter().filter(|b| **b == b'\n').count() + 1,
            column: source[..from].chars().count() + 1,
            source,
            span: from..(end - line_start).clamp(from, source.len()),
        }
    }

    /// The line as it is drawn, the columns before the carets, and how many carets there are.
    fn line_and_carets(&self) -> (String, usize, usize) {
        let first = (self.column - 1).saturating_sub(BEFORE_CHARS);
        let clipped_before = first > 0 && self.source.chars().count() > LINE_CHARS_MAX;
        let first = if clipped_before { first } else { 0 };
        let mut out = String::from(if clipped_before { "…" } else { "" });
        let mut column = out.chars().count();
        let (mut before, mut under) = (column, 0);
        for (n, (at, c)) in self.source.char_indices().skip(first).enumerate() {
            if n == LINE_CHARS_MAX {
                out.push('…');
                break;
            }
            if at == self.span.start {
                before = column;
            }
            let width = push_visible(c, &mut out);
            column += width;
            if self.span.contains(&at) {
                under += width;
            }
        }
        if self.span.start == self.source.len() {
            before = column;
        }
        (out, before, under.max(1))
    }
}

/// The text on one line and not too long, with every character that hides or reorders others spelled out.
pub fn visible(text: &str) -> String {
    let mut out = String::new();
    for c in clip(text, WORDS_CHARS_MAX).chars() {
        push_visible(c, &mut out);
    }
    out
}

/// A name from the text, short enough to be quoted.
pub fn clipped(name: &str) -> Cow<'_, str> {
    clip(name, NAME_CHARS_MAX)
}

fn clip(text: &str, n_max: usize) -> Cow<'_, str> {
    match text.char_indices().nth(n_max) {
        Some((at, _)) => Cow::Owned(format!("{}…", &text[..at])),
        None => Cow::Borrowed(text),
    }
}

/// Appends the character in a form that shows, and gives the number of columns it takes.
fn push_visible(c: char, out: &mut String) -> usize {
    if c == '\t' {
        out.push_str(&" ".repeat(TAB_COLUMNS));
        return TAB_COLUMNS;
    }
    if c.is_control() || hides(c) {
        let escape = c.escape_default().to_string();
        out.push_str(&escape);
        return escape.len();
    }
    out.push(c);
    c.width().unwrap_or(1)
}

/// Whether the character takes no room, or changes the order or the lines of its neighbours.
fn hides(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn carets_stand_under_the_span_by_display_width() {
        let text = "a: 1\n\t名前: x\u{202e}y # …\n";
        let at = text.find('x').expect("it is there");
        let drawn = Diagnostic::error(at..at + 5, "no").label("here").draw("f.yml", text);
        assert_eq!(
            drawn,
            "error: no\n --> f.yml:2:6\n  |\n2 |     名前: x\\u{202e}y # …\n  |           ^^^^^^^^^^ here\n"
        );
    }

    #[test]
    fn odd_spans_are_moved_to_places_that_exist() {
        for text in ["", "é", "a\r\nb", "\n\n", &"long ".repeat(500)] {
            for (start, end) in
                [(0, 0), (1, 1), (1, 0), (5, 3), (0, usize::MAX), (usize::MAX, usize::MAX), (2400, 2410)]
            {
                let drawn = Diagnostic::warning(start..end, "odd\nmessage").help("\u{1b}[31m").draw("f\n", text);
                assert!(drawn.contains('^') && drawn.contains("\\u{1b}"), "{drawn}");
                assert!(drawn.lines().all(|line| line.chars().count() < 200), "{drawn}");
            }
        }
    }
}
