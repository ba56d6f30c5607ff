//! YAML as a tree that knows where each part of it stands in the text.
//!
//! Plain scalars are resolved by the core schema of YAML 1.2, so `yes` and `on` are strings.
//! Aliases, merge keys and tags are refused: rules do not need them, and aliases let a small text stand for a huge one.

mod read;
mod schema;

use std::ops::Range;

use crate::test::Number;

pub use read::{BYTES_MAX, DEPTH_MAX, NODES_MAX, parse};

/// A part of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Where it stands, in bytes of the whole text.
    pub span: Range<usize>,
    /// What it is.
    pub value: Yaml,
    /// How it is written.
    pub style: Style,
}

/// What a node is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Yaml {
    /// `null`, `~`, or nothing.
    Null,
    /// `true`, `false`.
    Bool(bool),
    /// A whole number, as written.
    Int(String),
    /// Any other number, as written.
    Float(String),
    /// A text.
    String(String),
    /// A list.
    Seq(Vec<Node>),
    /// Pairs in the order of the text. Keys are scalars, and no two have the same text.
    Map(Vec<(Node, Node)>),
}

/// How a node is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Style {
    /// A scalar as it is; also any list or mapping.
    Plain,
    /// A scalar in quotes.
    Quoted,
    /// A scalar of lines behind `|` or `>`.
    Block,
}

impl Node {
    /// The text of a string, number or boolean.
    pub fn text(&self) -> Option<&str> {
        match &self.value {
            Yaml::String(text) | Yaml::Int(text) | Yaml::Float(text) => Some(text),
            Yaml::Bool(true) => Some("true"),
            Yaml::Bool(false) => Some("false"),
            Yaml::Null | Yaml::Seq(_) | Yaml::Map(_) => None,
        }
    }

    /// The number, if it is one and is finite.
    pub fn number(&self) -> Option<Number> {
        let (Yaml::Int(text) | Yaml::Float(text)) = &self.value else { return None };
        let radix = |digits: &str, radix| i128::from_str_radix(digits, radix).ok().map(Number::Whole);
        if let Some(digits) = text.strip_prefix("0x") {
            return radix(digits, 16);
        }
        if let Some(digits) = text.strip_prefix("0o") {
            return radix(digits, 8);
        }
        Number::parse(text)
    }

    /// The value of a mapping's key.
    pub fn get(&self, key: &str) -> Option<&Node> {
        let Yaml::Map(pairs) = &self.value else { return None };
        pairs.iter().find(|(k, _)| k.text() == Some(key)).map(|(_, value)| value)
    }

    /// Whether it is null.
    pub fn is_null(&self) -> bool {
        self.value == Yaml::Null
    }

    /// What it is, for messages.
    pub fn kind(&self) -> &'static str {
        match &self.value {
            Yaml::Null => "nothing",
            Yaml::Bool(_) => "a boolean",
            Yaml::Int(_) | Yaml::Float(_) => "a number",
            Yaml::String(_) => "a text",
            Yaml::Seq(_) => "a list",
            Yaml::Map(_) => "a mapping",
        }
    }

    /// Where a part of this scalar's text stands in the source; the whole scalar where escapes make that unclear.
    pub fn locate(&self, source: &str, part: Range<usize>) -> Range<usize> {
        self.places(source).of(part)
    }

    /// Where the parts of this scalar's text stand in the source.
    pub fn places(&self, source: &str) -> Places {
        Places { span: self.span.clone(), chars: self.aligned(source).unwrap_or_default() }
    }

    /// Walks text and source side by side. Folding changes only blanks, so the other characters must agree.
    fn aligned(&self, source: &str) -> Option<Vec<(usize, Range<usize>)>> {
        let slice = source.get(self.span.clone())?;
        match self.style {
            Style::Quoted => self.aligned_from(slice, 1),
            // The scanner lets a block begin at its text or at its `|`, which is as good as a text.
            _ => self.aligned_from(slice, 0).or_else(|| self.aligned_from(slice, slice.find('\n')? + 1)),
        }
    }

    fn aligned_from(&self, slice: &str, skip: usize) -> Option<Vec<(usize, Range<usize>)>> {
        let base = self.span.start + skip;
        let mut written = slice.get(skip..)?.char_indices().filter(|(_, c)| !c.is_whitespace());
        let mut chars = Vec::new();
        for (at, c) in self.text()?.char_indices().filter(|(_, c)| !c.is_whitespace()) {
            let (place, same) = written.next()?;
            if same != c {
                return None;
            }
            chars.push((at, base + place..base + place + c.len_utf8()));
        }
        Some(chars)
    }
}

/// Where the parts of a scalar's text stand in the source.
#[derive(Clone, Debug)]
pub struct Places {
    span: Range<usize>,
    /// The characters that are not blank: offset in the text, and place. Empty where escapes make it unclear.
    chars: Vec<(usize, Range<usize>)>,
}

impl Places {
    /// The place of a part of the text; the whole scalar where that is unclear.
    pub fn of(&self, part: Range<usize>) -> Range<usize> {
        let Some((_, last_place)) = self.chars.last() else { return self.span.clone() };
        let first = self.chars.partition_point(|(at, _)| *at < part.start);
        let end = self.chars.partition_point(|(at, _)| *at < part.end);
        match self.chars.get(first) {
            Some((_, place)) if end > first => place.start..self.chars[end - 1].1.end,
            Some((_, place)) => place.start..place.start,
            None => last_place.end..last_place.end,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(text: &str) -> Node {
        let (mut documents, diagnostics) = parse(text);
        assert!(diagnostics.is_empty(), "{diagnostics:?}");
        assert_eq!(documents.len(), 1);
        documents.remove(0)
    }

    #[test]
    fn plain_scalars_follow_the_core_schema() {
        for (text, kind) in [
            ("~", "nothing"),
            ("Null", "nothing"),
            ("nULL", "a text"),
            ("True", "a boolean"),
            ("yes", "a text"),
            ("0o17", "a number"),
            ("0x1F", "a number"),
            ("-0", "a number"),
            ("+12", "a number"),
            ("1_000", "a text"),
            ("1.", "a number"),
            (".5e-3", "a number"),
            (".", "a text"),
            ("e5", "a text"),
            ("1e", "a text"),
            ("-.inf", "a number"),
            ("-.nan", "a text"),
            ("2023-07-10", "a text"),
            ("'12'", "a text"),
            ("!!str 12", "a text"),
            ("|\n  12", "a text"),
        ] {
            assert_eq!(one(&format!("a: {text}\n")).get("a").expect("the key").kind(), kind, "{text}");
        }
        assert_eq!(one("0o17").number(), Some(Number::Whole(15)));
        assert_eq!(one(".inf").number(), None);
    }

    #[test]
    fn spans_hold_what_is_written() {
        let text = "\u{feff}# é\r\nkey: \"é\"\r\nlist: [a, {b: c}]\r\nmap:\r\n  x: |\r\n    two\r\n    lines\r\n\r\nlast: 'q''\\'  # no\r\nplain: p q  # no\r\ndouble: \"a\\\"b\" # \"\r\n";
        let node = one(text);
        let written = |key: &str| &text[node.get(key).expect("the key").span.clone()];
        assert_eq!([written("key"), written("list"), written("last")], ["\"é\"", "[a, {b: c}]", "'q''\\'"]);
        assert_eq!([written("plain"), written("double")], ["p q", "\"a\\\"b\""]);
        assert!(written("map").starts_with("x: |") && written("map").ends_with("lines"), "{}", written("map"));
        let block = node.get("map").and_then(|map| map.get("x")).expect("the key");
        assert_eq!(&text[block.locate(text, 4..9)], "lines");
    }

    #[test]
    fn documents_stand_for_themselves() {
        let (documents, diagnostics) = parse("%YAML 1.2\n---\na: 1\n---\nb: [\n--- c\n...\n# end\n---\n--- |\n  x\n");
        assert_eq!(documents.iter().map(Node::kind).collect::<Vec<_>>(), ["a mapping", "a text", "nothing", "a text"]);
        assert_eq!(diagnostics.len(), 1);
    }

    #[test]
    fn bounds_are_told_and_not_ignored() {
        for (text, message) in [
            ("a: b\0\nc: d".to_owned(), "document holds a NUL character"),
            (format!("a: {}", "x".repeat(BYTES_MAX)), "document is too long"),
            (format!("[{}]", "1,".repeat(NODES_MAX)), "document has too many parts"),
            ("[".repeat(DEPTH_MAX + 1), "nested too deep"),
        ] {
            let (documents, diagnostics) = parse(&text);
            assert!(documents.is_empty());
            assert_eq!(diagnostics[0].message, message);
        }
    }
}
