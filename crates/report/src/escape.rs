//! Text of strangers made safe to show: hidden characters become visible marks, markup becomes text.
//!
//! [`Html`] escapes by construction: only literals of this crate can become markup.

use std::borrow::Cow;
use std::fmt::{self, Display, Write as _};

/// Whether a character shows nothing, or changes how its neighbours show: controls, bidi overrides, zero-width ones, tags.
pub fn is_hidden(c: char) -> bool {
    matches!(c,
        '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

/// One line of text with every hidden character as a mark like `⟨U+202E⟩`, also line ends and tabs.
pub fn line(text: &str) -> Cow<'_, str> {
    marked(text, is_hidden)
}

/// Several lines of text: as [`line()`], but line feeds, carriage returns and tabs stay.
pub fn block(text: &str) -> Cow<'_, str> {
    marked(text, |c| is_hidden(c) && !matches!(c, '\n' | '\r' | '\t'))
}

fn marked(text: &str, is_marked: fn(char) -> bool) -> Cow<'_, str> {
    if !text.contains(is_marked) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if is_marked(c) {
            out.push_str(&format!("⟨U+{:04X}⟩", u32::from(c)));
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

/// One line for a terminal that knows ASCII only: every other character is a mark like `<U+202E>`.
pub fn ascii_line(text: &str) -> Cow<'_, str> {
    if text.bytes().all(|b| (b' '..=b'~').contains(&b)) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            ' '..='~' => out.push(c),
            '…' => out.push_str(".."),
            c => out.push_str(&format!("<U+{:04X}>", u32::from(c))),
        }
    }
    Cow::Owned(out)
}

/// At most `chars_max` characters, and how many are left out when there are more.
pub fn clip(text: &str, chars_max: usize) -> Cow<'_, str> {
    match text.char_indices().nth(chars_max) {
        None => Cow::Borrowed(text),
        Some((at, _)) => {
            let rest = text[at..].chars().count();
            Cow::Owned(format!("{}… (+{rest} characters)", &text[..at]))
        }
    }
}

/// The attributes of an element: literal names, values that get escaped.
pub type Attrs<'a> = &'a [(&'static str, &'a dyn Display)];

/// Writes a page: tags and attribute names are literals, all else is escaped, so a log's text cannot become markup.
#[derive(Debug, Default)]
pub struct Html {
    out: String,
}

impl Html {
    /// Markup of this crate, as it is.
    pub fn raw(&mut self, markup: &'static str) {
        self.out.push_str(markup);
    }

    /// One line of text.
    pub fn text(&mut self, text: impl Display) {
        write!(Escaped { out: &mut self.out, marks: line }, "{text}").expect("a string takes all text");
    }

    /// Text whose line ends count.
    pub fn block(&mut self, text: impl Display) {
        write!(Escaped { out: &mut self.out, marks: block }, "{text}").expect("a string takes all text");
    }

    /// A start tag.
    pub fn open(&mut self, tag: &'static str, attrs: Attrs<'_>) {
        self.out.push('<');
        self.out.push_str(tag);
        for (name, value) in attrs {
            self.out.push(' ');
            self.out.push_str(name);
            self.out.push_str("=\"");
            self.text(value);
            self.out.push('"');
        }
        self.out.push('>');
    }

    /// An end tag.
    pub fn close(&mut self, tag: &'static str) {
        self.out.push_str("</");
        self.out.push_str(tag);
        self.out.push('>');
    }

    /// An element with nothing but text in it.
    pub fn leaf(&mut self, tag: &'static str, attrs: Attrs<'_>, text: impl Display) {
        self.open(tag, attrs);
        self.text(text);
        self.close(tag);
    }

    /// An element with nothing in it, such as a shape.
    pub fn shape(&mut self, tag: &'static str, attrs: Attrs<'_>) {
        self.open(tag, attrs);
        self.close(tag);
    }

    /// A part that was written apart.
    pub fn append(&mut self, part: Html) {
        self.out.push_str(&part.out);
    }

    /// How many bytes are written.
    pub fn len(&self) -> usize {
        self.out.len()
    }

    /// Whether nothing is written.
    pub fn is_empty(&self) -> bool {
        self.out.is_empty()
    }

    /// The page.
    pub fn into_string(self) -> String {
        self.out
    }
}

struct Escaped<'a> {
    out: &'a mut String,
    marks: fn(&str) -> Cow<'_, str>,
}

impl fmt::Write for Escaped<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for c in (self.marks)(text).chars() {
            match c {
                '&' => self.out.push_str("&amp;"),
                '<' => self.out.push_str("&lt;"),
                '>' => self.out.push_str("&gt;"),
                '"' => self.out.push_str("&quot;"),
                '\'' => self.out.push_str("&#39;"),
                c => self.out.push(c),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_characters_become_marks() {
        assert_eq!(line("a\u{202e}b\0\u{1b}[31m\n"), "a⟨U+202E⟩b⟨U+0000⟩⟨U+001B⟩[31m⟨U+000A⟩");
        assert_eq!(block("a\tb\nc\u{9b}"), "a\tb\nc⟨U+009B⟩");
        assert_eq!(ascii_line("日\u{1b}x"), "<U+65E5><U+001B>x");
        assert_eq!(line("日本語 é"), "日本語 é");
    }

    #[test]
    fn markup_becomes_text_in_both_places() {
        let mut h = Html::default();
        h.leaf("td", &[("title", &"\" onmouseover='x'")], "<script>&");
        assert_eq!(h.into_string(), "<td title=\"&quot; onmouseover=&#39;x&#39;\">&lt;script&gt;&amp;</td>");
    }

    #[test]
    fn a_clip_counts_what_it_leaves_out() {
        assert_eq!(clip("日本語", 3), "日本語");
        assert_eq!(clip("日本語です", 3), "日本語… (+2 characters)");
    }
}
