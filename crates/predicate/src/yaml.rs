//! YAML as a tree that knows where each part of it stands in the text.
//!
//! Plain scalars are resolved by the core schema of YAML 1.2, so `yes` and `on` are strings.
//! Aliases, merge keys and tags are refused: rules do not need them, and aliases let a small text stand for a huge one.

use std::collections::HashMap;
use std::ops::Range;

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Span};

use crate::diagnostic::{Diagnostic, line_column};
use crate::test::Number;

/// The deepest nesting that is read.
pub const DEPTH_MAX: usize = 64;
/// The most nodes of a document.
pub const NODES_MAX: usize = 200_000;
/// The longest document.
pub const BYTES_MAX: usize = 1 << 20;

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
        self.aligned(source, part).unwrap_or_else(|| self.span.clone())
    }

    /// Walks text and source side by side. Folding changes only blanks, so the other characters must agree.
    fn aligned(&self, source: &str, part: Range<usize>) -> Option<Range<usize>> {
        let text = self.text()?;
        let slice = source.get(self.span.clone())?;
        let skip = match self.style {
            Style::Plain => 0,
            Style::Quoted => 1,
            Style::Block => slice.find('\n')? + 1,
        };
        let mut written = slice.get(skip..)?.char_indices().filter(|(_, c)| !c.is_whitespace());
        let (mut start, mut end) = (None, None);
        for (at, c) in text.char_indices().filter(|(_, c)| !c.is_whitespace()) {
            if at >= part.end {
                break;
            }
            let (place, same) = written.next()?;
            if same != c {
                return None;
            }
            if at >= part.start {
                start.get_or_insert(place);
                end = Some(place + c.len_utf8());
            }
        }
        let base = self.span.start + skip;
        match (start, end) {
            (Some(start), Some(end)) => Some(base + start..base + end),
            // Nothing but blanks, or the end of the text: the place right behind it.
            _ => written.next().map(|(at, _)| base + at..base + at).or(Some(self.span.end..self.span.end)),
        }
    }
}

/// Reads all documents of a text. A document with a mistake is left out, and told; the others stay.
pub fn parse(text: &str) -> (Vec<Node>, Vec<Diagnostic>) {
    let mut documents = Vec::new();
    let mut diagnostics = Vec::new();
    for chunk in chunks(text) {
        match read_chunk(text, chunk) {
            Ok(nodes) => documents.extend(nodes),
            Err(diagnostic) => diagnostics.push(*diagnostic),
        }
    }
    (documents, diagnostics)
}

/// Splits at the lines that begin with `---`, which YAML allows nowhere else, so that a mistake stays in its document.
fn chunks(text: &str) -> Vec<Range<usize>> {
    let mut chunks = Vec::new();
    let mut start = 0;
    let mut at = 0;
    // Directives and comments before the first marker belong to the document behind it.
    let mut has_content = false;
    for line in text.split_inclusive('\n') {
        let is_marker =
            line.strip_prefix("---").is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t', '\r', '\n']));
        if is_marker && has_content {
            chunks.push(start..at);
            start = at;
        }
        let line_only = line.trim_start_matches('\u{feff}');
        has_content |= is_marker || !(line_only.trim().is_empty() || line_only.starts_with(['%', '#']));
        at += line.len();
    }
    chunks.push(start..text.len());
    chunks
}

type Failure = Box<Diagnostic>;

fn read_chunk(text: &str, chunk: Range<usize>) -> Result<Vec<Node>, Failure> {
    if chunk.len() > BYTES_MAX {
        let head = chunk.start..chunk.start + 1;
        return Err(failure(
            head,
            "document is too long",
            format!("{} bytes; at most {BYTES_MAX} are read", chunk.len()),
        ));
    }
    let inside = &text[chunk.clone()];
    // The scanner takes NUL for the end of the text, and what stands behind it would be ignored without a word.
    if let Some(at) = inside.find('\0') {
        let at = chunk.start + at;
        return Err(failure(at..at + 1, "document holds a NUL character", "not allowed in YAML".into()));
    }
    let mut builder =
        Builder { text, offsets: Offsets::new(inside, chunk.start), stack: Vec::new(), done: Vec::new(), n_nodes: 0 };
    for event in Parser::new_from_str(inside) {
        let (event, span) = event.map_err(|err| builder.syntax(&err))?;
        builder.take(event, span)?;
    }
    Ok(builder.done)
}

fn failure(span: Range<usize>, message: &str, label: String) -> Failure {
    Box::new(Diagnostic::error(span, message).label(label))
}

/// From characters, in which the scanner counts, to bytes of the whole text.
struct Offsets {
    base: usize,
    /// Empty when all characters are one byte long.
    bytes: Vec<u32>,
    n_bytes: usize,
}

impl Offsets {
    fn new(inside: &str, base: usize) -> Offsets {
        let bytes =
            if inside.is_ascii() { Vec::new() } else { inside.char_indices().map(|(at, _)| at as u32).collect() };
        Offsets { base, bytes, n_bytes: inside.len() }
    }

    fn byte(&self, n_chars: usize) -> usize {
        let inside = if self.bytes.is_empty() {
            n_chars
        } else {
            self.bytes.get(n_chars).map_or(self.n_bytes, |at| *at as usize)
        };
        self.base + inside.min(self.n_bytes)
    }

    fn range(&self, span: Span) -> Range<usize> {
        let start = self.byte(span.start.index());
        start..self.byte(span.end.index()).max(start)
    }
}

/// What is open while the events come in.
enum Open {
    Seq(usize, Vec<Node>),
    Map(usize, Pairs),
}

#[derive(Default)]
struct Pairs {
    pairs: Vec<(Node, Node)>,
    key: Option<Node>,
    /// Where each key stands, to name both places of one that is given twice.
    seen: HashMap<String, usize>,
}

struct Builder<'t> {
    text: &'t str,
    offsets: Offsets,
    stack: Vec<Open>,
    done: Vec<Node>,
    n_nodes: usize,
}

impl Builder<'_> {
    fn syntax(&self, err: &ScanError) -> Failure {
        let at = self.offsets.byte(err.marker().index());
        failure(at..at, "not valid YAML", err.info().to_owned())
    }

    fn take(&mut self, event: Event<'_>, span: Span) -> Result<(), Failure> {
        let range = self.offsets.range(span);
        match event {
            Event::Alias(_) => Err(Box::new(
                Diagnostic::error(range, "aliases are not supported").help("write the value out at each place"),
            )),
            Event::Scalar(text, style, _, tag) => {
                let is_text = self.tag(tag.as_deref(), &range)?;
                let node = scalar(&text, style, is_text, self.trimmed(range));
                self.place(node)
            }
            Event::SequenceStart(_, tag) => self.open(Open::Seq(range.start, Vec::new()), tag.as_deref(), &range),
            Event::MappingStart(_, tag) => self.open(Open::Map(range.start, Pairs::default()), tag.as_deref(), &range),
            Event::SequenceEnd | Event::MappingEnd => self.close(range),
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentStart(_) | Event::DocumentEnd => {
                Ok(())
            }
        }
    }

    /// Whether a tag says that the scalar is a text. Others are refused.
    fn tag(&self, tag: Option<&saphyr_parser::Tag>, range: &Range<usize>) -> Result<bool, Failure> {
        match tag {
            None => Ok(false),
            Some(tag) if tag.is_yaml_core_schema() && tag.suffix == "str" => Ok(true),
            Some(tag) => {
                Err(failure(range.clone(), "tags are not supported", format!("tagged `{}{}`", tag.handle, tag.suffix)))
            }
        }
    }

    fn open(&mut self, open: Open, tag: Option<&saphyr_parser::Tag>, range: &Range<usize>) -> Result<(), Failure> {
        self.tag(tag, range)?;
        if self.stack.len() >= DEPTH_MAX {
            return Err(failure(range.clone(), "nested too deep", format!("at most {DEPTH_MAX} levels are read")));
        }
        self.stack.push(open);
        Ok(())
    }

    fn close(&mut self, range: Range<usize>) -> Result<(), Failure> {
        let (start, last, value) = match self.stack.pop() {
            Some(Open::Seq(start, items)) => (start, items.last().map(|n| n.span.end), Yaml::Seq(items)),
            Some(Open::Map(start, map)) => (start, map.pairs.last().map(|(_, n)| n.span.end), Yaml::Map(map.pairs)),
            None => return Ok(()),
        };
        // A list or mapping in brackets ends with its bracket, any other with its last part.
        let end = if range.is_empty() { last.unwrap_or(start) } else { range.end };
        self.place(Node { span: start..end.max(start), value, style: Style::Plain })
    }

    fn place(&mut self, node: Node) -> Result<(), Failure> {
        self.n_nodes += 1;
        if self.n_nodes > NODES_MAX {
            return Err(failure(node.span, "document has too many parts", format!("at most {NODES_MAX} are read")));
        }
        match self.stack.last_mut() {
            None => self.done.push(node),
            Some(Open::Seq(_, items)) => items.push(node),
            Some(Open::Map(_, map)) => match map.key.take() {
                Some(key) => map.pairs.push((key, node)),
                None => {
                    check_key(&node, &mut map.seen, self.text)?;
                    map.key = Some(node);
                }
            },
        }
        Ok(())
    }

    /// Block scalars are said to end where the next token begins.
    fn trimmed(&self, range: Range<usize>) -> Range<usize> {
        let written = self.text[range.clone()].trim_end();
        range.start..range.start + written.len()
    }
}

fn check_key(key: &Node, seen: &mut HashMap<String, usize>, text: &str) -> Result<(), Failure> {
    let name = match &key.value {
        Yaml::Null => "",
        Yaml::Seq(_) | Yaml::Map(_) => {
            return Err(failure(key.span.clone(), "a key must be a text", format!("this is {}", key.kind())));
        }
        _ => key.text().unwrap_or_default(),
    };
    if name == "<<" && key.style == Style::Plain {
        return Err(Box::new(
            Diagnostic::error(key.span.clone(), "merge keys are not supported")
                .help("write the keys out at each place"),
        ));
    }
    if let Some(first) = seen.insert(name.to_owned(), key.span.start) {
        let (line, column) = line_column(text, first);
        let diagnostic = Diagnostic::error(key.span.clone(), format!("key `{name}` is given twice"))
            .label("given again here")
            .help(format!("it is first given at line {line}, column {column}; a mapping keeps only one of them"));
        return Err(Box::new(diagnostic));
    }
    Ok(())
}

fn scalar(text: &str, style: ScalarStyle, is_text: bool, span: Range<usize>) -> Node {
    let style = match style {
        ScalarStyle::Plain => Style::Plain,
        ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted => Style::Quoted,
        ScalarStyle::Literal | ScalarStyle::Folded => Style::Block,
    };
    let value = if style == Style::Plain && !is_text { resolve(text) } else { Yaml::String(text.to_owned()) };
    Node { span, value, style }
}

/// What a plain scalar is by the core schema.
fn resolve(text: &str) -> Yaml {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Yaml::Null,
        "true" | "True" | "TRUE" => Yaml::Bool(true),
        "false" | "False" | "FALSE" => Yaml::Bool(false),
        _ if is_int(text) => Yaml::Int(text.to_owned()),
        _ if is_float(text) => Yaml::Float(text.to_owned()),
        _ => Yaml::String(text.to_owned()),
    }
}

fn is_int(text: &str) -> bool {
    let all = |digits: &str, wanted: fn(&u8) -> bool| !digits.is_empty() && digits.as_bytes().iter().all(wanted);
    if let Some(digits) = text.strip_prefix("0x") {
        return all(digits, u8::is_ascii_hexdigit);
    }
    if let Some(digits) = text.strip_prefix("0o") {
        return all(digits, |b| (b'0'..=b'7').contains(b));
    }
    all(text.strip_prefix(['-', '+']).unwrap_or(text), u8::is_ascii_digit)
}

fn is_float(text: &str) -> bool {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    if matches!(unsigned, ".inf" | ".Inf" | ".INF") || matches!(text, ".nan" | ".NaN" | ".NAN") {
        return true;
    }
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.strip_prefix(['-', '+']).unwrap_or(exponent)),
        None => (unsigned, "0"),
    };
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let has_digit = !whole.is_empty() || !fraction.is_empty();
    has_digit && digits(whole) && digits(fraction) && !exponent.is_empty() && digits(exponent)
}
