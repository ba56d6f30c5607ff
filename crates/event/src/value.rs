//! The values of a record: a plain tree ([`Value`]) that is the definition, and a borrowed [`View`] of one value that tests look at.
//!
//! The tree keeps what other readers drop: duplicate keys, the order of keys, and numbers exactly as written.
//! It is not for the hot path; [`crate::scan`] is.

use std::borrow::Cow;

use crate::path::{Path, Step};

/// The deepest nesting that is read; deeper text is refused, as `serde_json` does.
pub const DEPTH_MAX: usize = 128;

/// One JSON value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// `null`.
    Null,
    /// `true`, `false`.
    Bool(bool),
    /// A number, as written.
    Number(Box<str>),
    /// A string, unescaped; a lone surrogate becomes U+FFFD.
    String(String),
    /// An array.
    Array(Vec<Value>),
    /// An object, duplicate keys included, in order.
    Object(Vec<(String, Value)>),
}

/// One value as a test sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum View<'a> {
    /// `null`.
    Null,
    /// `true`, `false`.
    Bool(bool),
    /// A number, as written.
    Number(&'a str),
    /// A string, unescaped.
    String(Cow<'a, str>),
    /// An object or array, as compact JSON.
    Json(Cow<'a, str>),
}

impl<'a> View<'a> {
    /// The text of a string, number or boolean; nothing for null, objects and arrays.
    pub fn scalar_text(&'a self) -> Option<&'a str> {
        match self {
            View::String(text) => Some(text),
            View::Number(text) => Some(text),
            View::Bool(true) => Some("true"),
            View::Bool(false) => Some("false"),
            View::Null | View::Json(_) => None,
        }
    }
}

/// Why a text is not JSON.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not JSON at byte {at}: {what}")]
pub struct JsonError {
    /// Byte offset of the mistake.
    pub at: usize,
    /// What is wrong there.
    pub what: &'static str,
}

impl Value {
    /// Reads one JSON value that fills the text but for blanks around it.
    pub fn parse(text: &str) -> Result<Value, JsonError> {
        let mut reader = Reader { text, at: 0 };
        let value = reader.value(0)?;
        reader.blanks();
        if reader.at < text.len() {
            return Err(reader.error("text after the value"));
        }
        Ok(value)
    }

    /// Compact JSON: no blanks, keys in order, only the escapes that JSON needs.
    pub fn compact(&self) -> String {
        let mut out = String::new();
        self.write(&mut out);
        out
    }

    fn write(&self, out: &mut String) {
        match self {
            Value::Null => out.push_str("null"),
            Value::Bool(b) => out.push_str(if *b { "true" } else { "false" }),
            Value::Number(n) => out.push_str(n),
            Value::String(s) => write_string(s, out),
            Value::Array(items) => {
                out.push('[');
                for (i, item) in items.iter().enumerate() {
                    if i > 0 {
                        out.push(',');
                    }
                    item.write(out);
                }
                out.push(']');
            }
            Value::Object(members) => {
                out.push('{');
                for (i, (key, value)) in members.iter().enumerate() {
                    if i > 0 {
                        out.push(',');
                    }
                    write_string(key, out);
                    out.push(':');
                    value.write(out);
                }
                out.push('}');
            }
        }
    }

    /// How a test sees this value.
    pub fn view(&self) -> View<'_> {
        match self {
            Value::Null => View::Null,
            Value::Bool(b) => View::Bool(*b),
            Value::Number(n) => View::Number(n),
            Value::String(s) => View::String(Cow::Borrowed(s)),
            Value::Array(_) | Value::Object(_) => View::Json(Cow::Owned(self.compact())),
        }
    }

    /// The first member of an object with this key.
    pub fn get(&self, key: &str) -> Option<&Value> {
        match self {
            Value::Object(members) => members.iter().find(|(k, _)| k == key).map(|(_, v)| v),
            _ => None,
        }
    }

    /// The string, if it is one.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Value::String(s) => Some(s),
            _ => None,
        }
    }

    /// The values that a path leads to, in the order of the text: the one walk that all rule languages mean.
    pub fn walk<'v>(&'v self, path: &Path) -> Vec<&'v Value> {
        let mut out = Vec::new();
        for steps in path.spellings() {
            walk(self, &steps, &mut out);
        }
        out
    }

    /// Every string and number in the value, keys not included.
    pub fn leaves<'v>(&'v self, out: &mut Vec<&'v Value>) {
        match self {
            Value::String(_) | Value::Number(_) => out.push(self),
            Value::Array(items) => items.iter().for_each(|item| item.leaves(out)),
            Value::Object(members) => members.iter().for_each(|(_, value)| value.leaves(out)),
            Value::Null | Value::Bool(_) => {}
        }
    }
}

fn walk<'v>(value: &'v Value, steps: &[Step], out: &mut Vec<&'v Value>) {
    let Some((step, rest)) = steps.split_first() else {
        out.push(value);
        return;
    };
    match (step, value) {
        (Step::Name(name), Value::Object(members)) => {
            members.iter().filter(|(key, _)| **key == **name).for_each(|(_, v)| walk(v, rest, out));
        }
        (Step::Index(i), Value::Array(items)) => items.get(*i as usize).into_iter().for_each(|v| walk(v, rest, out)),
        (Step::Each, Value::Array(items)) => items.iter().for_each(|v| walk(v, steps, out)),
        (Step::Each, _) => walk(value, rest, out),
        _ => {}
    }
}

/// Writes a JSON string with its quotes.
pub fn write_string(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            c if c < ' ' => out.push_str(&format!("\\u{:04x}", c as u32)),
            c => out.push(c),
        }
    }
    out.push('"');
}

/// The text that the inside of a JSON string stands for. Escapes must have been checked before; a lone surrogate becomes U+FFFD.
pub fn unescape(inside: &str) -> String {
    let mut out = String::with_capacity(inside.len());
    let mut rest = inside;
    while let Some(at) = memchr::memchr(b'\\', rest.as_bytes()) {
        out.push_str(&rest[..at]);
        let escape = rest.as_bytes().get(at + 1).copied().unwrap_or(b'\\');
        let mut used = 2;
        match escape {
            b'n' => out.push('\n'),
            b'r' => out.push('\r'),
            b't' => out.push('\t'),
            b'b' => out.push('\u{8}'),
            b'f' => out.push('\u{c}'),
            b'u' => {
                let (c, length) = code_point(&rest[at..]);
                out.push(c);
                used = length;
            }
            other => out.push(other as char),
        }
        rest = rest.get(at + used..).unwrap_or("");
    }
    out.push_str(rest);
    out
}

/// Reads `\uXXXX`, with its second half where it is the first of a pair; gives the character and the length of its text.
fn code_point(text: &str) -> (char, usize) {
    let unit = |at: usize| {
        let escape = text.get(at..at + 6)?;
        let digits = escape.strip_prefix("\\u")?;
        u32::from_str_radix(digits, 16).ok()
    };
    let Some(first) = unit(0) else { return (char::REPLACEMENT_CHARACTER, 2) };
    if (0xD800..0xDC00).contains(&first)
        && let Some(second) = unit(6).filter(|u| (0xDC00..0xE000).contains(u))
    {
        let c = 0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00);
        return (char::from_u32(c).unwrap_or(char::REPLACEMENT_CHARACTER), 12);
    }
    (char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER), 6)
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl Reader<'_> {
    fn error(&self, what: &'static str) -> JsonError {
        JsonError { at: self.at, what }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn blanks(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.peek() {
            self.at += 1;
        }
    }

    fn expect(&mut self, c: u8, what: &'static str) -> Result<(), JsonError> {
        if self.peek() != Some(c) {
            return Err(self.error(what));
        }
        self.at += 1;
        Ok(())
    }

    fn value(&mut self, depth: usize) -> Result<Value, JsonError> {
        self.blanks();
        if depth > DEPTH_MAX {
            return Err(self.error("nested too deep"));
        }
        match self.peek() {
            Some(b'{') => self.object(depth),
            Some(b'[') => self.array(depth),
            Some(b'"') => Ok(Value::String(self.string()?)),
            Some(b'-' | b'0'..=b'9') => self.number(),
            _ => {
                for (word, value) in [("null", Value::Null), ("true", Value::Bool(true)), ("false", Value::Bool(false))]
                {
                    if self.text.as_bytes()[self.at..].starts_with(word.as_bytes()) {
                        self.at += word.len();
                        return Ok(value);
                    }
                }
                Err(self.error("a value is due"))
            }
        }
    }

    fn object(&mut self, depth: usize) -> Result<Value, JsonError> {
        self.at += 1;
        let mut members = Vec::new();
        self.blanks();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(Value::Object(members));
        }
        loop {
            self.blanks();
            if self.peek() != Some(b'"') {
                return Err(self.error("a key is due"));
            }
            let key = self.string()?;
            self.blanks();
            self.expect(b':', "a colon is due")?;
            members.push((key, self.value(depth + 1)?));
            self.blanks();
            match self.peek() {
                Some(b',') => self.at += 1,
                _ => {
                    self.expect(b'}', "a comma or `}` is due")?;
                    return Ok(Value::Object(members));
                }
            }
        }
    }

    fn array(&mut self, depth: usize) -> Result<Value, JsonError> {
        self.at += 1;
        let mut items = Vec::new();
        self.blanks();
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(Value::Array(items));
        }
        loop {
            items.push(self.value(depth + 1)?);
            self.blanks();
            match self.peek() {
                Some(b',') => self.at += 1,
                _ => {
                    self.expect(b']', "a comma or `]` is due")?;
                    return Ok(Value::Array(items));
                }
            }
        }
    }

    fn string(&mut self) -> Result<String, JsonError> {
        self.at += 1;
        let start = self.at;
        loop {
            match self.peek() {
                None => return Err(self.error("a string does not end")),
                Some(b'"') => break,
                Some(b'\\') => self.escape()?,
                Some(c) if c < 0x20 => return Err(self.error("a control character in a string")),
                Some(_) => self.at += 1,
            }
        }
        let inside = &self.text[start..self.at];
        self.at += 1;
        Ok(unescape(inside))
    }

    fn escape(&mut self) -> Result<(), JsonError> {
        let rest = &self.text.as_bytes()[self.at + 1..];
        match rest.first() {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.at += 2,
            Some(b'u') if rest.len() >= 5 && rest[1..5].iter().all(u8::is_ascii_hexdigit) => self.at += 6,
            _ => return Err(self.error("no such escape")),
        }
        Ok(())
    }

    fn number(&mut self) -> Result<Value, JsonError> {
        match number_length(&self.text.as_bytes()[self.at..]) {
            Some(length) => {
                let text = &self.text[self.at..self.at + length];
                self.at += length;
                Ok(Value::Number(text.into()))
            }
            None => Err(self.error("not a number")),
        }
    }
}

/// The length of the JSON number that the text begins with.
pub(crate) fn number_length(text: &[u8]) -> Option<usize> {
    let run = |from: usize| text[from..].iter().take_while(|c| c.is_ascii_digit()).count();
    let mut at = usize::from(text.first() == Some(&b'-'));
    let whole = run(at);
    if whole == 0 || (whole > 1 && text[at] == b'0') {
        return None;
    }
    at += whole;
    if text.get(at) == Some(&b'.') {
        let fraction = run(at + 1);
        if fraction == 0 {
            return None;
        }
        at += 1 + fraction;
    }
    if let Some(b'e' | b'E') = text.get(at) {
        at += 1;
        if let Some(b'+' | b'-') = text.get(at) {
            at += 1;
        }
        let exponent = run(at);
        if exponent == 0 {
            return None;
        }
        at += exponent;
    }
    Some(at)
}
