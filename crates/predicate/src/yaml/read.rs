//! Reads a text into nodes, document by document, within bounds.

use std::collections::HashMap;
use std::ops::Range;

use saphyr_parser::{Event, Parser, ScanError, Span};

use crate::diagnostic::{Diagnostic, clipped, line_column};

use super::schema::scalar;
use super::{Node, Style, Yaml};

/// The deepest nesting that is read.
pub const DEPTH_MAX: usize = 64;
/// The most nodes of a document.
pub const NODES_MAX: usize = 200_000;
/// The longest document.
pub const BYTES_MAX: usize = 1 << 20;
/// The most documents of one text whose mistakes are told one by one.
const FAILURES_MAX: usize = 100;

/// Reads all documents of a text. A document with a mistake is left out, and told; the others stay.
pub fn parse(text: &str) -> (Vec<Node>, Vec<Diagnostic>) {
    let mut documents = Vec::new();
    let mut diagnostics = Vec::new();
    let (mut n_failed, mut last) = (0, None);
    let mut n_lines = 0;
    for chunk in chunks(text) {
        let read = read_chunk(text, chunk.clone(), n_lines);
        n_lines += text[chunk].bytes().filter(|b| *b == b'\n').count();
        match read {
            Ok(nodes) => documents.extend(nodes),
            Err(diagnostic) if n_failed < FAILURES_MAX => {
                diagnostics.push(*diagnostic);
                n_failed += 1;
            }
            Err(diagnostic) => {
                n_failed += 1;
                last = Some(*diagnostic);
            }
        }
    }
    diagnostics.extend(last.map(|last| {
        let message = format!("{} more documents cannot be read, of which this is the last", n_failed - FAILURES_MAX);
        Diagnostic { message, ..last }
    }));
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

/// `n_lines` stand before the chunk: counting them for each mistake would take long in a text of many documents.
fn read_chunk(text: &str, chunk: Range<usize>, n_lines: usize) -> Result<Vec<Node>, Failure> {
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
    let mut builder = Builder {
        text,
        n_lines,
        offsets: Offsets::new(inside, chunk.start),
        stack: Vec::new(),
        done: Vec::new(),
        n_nodes: 0,
    };
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
    n_lines: usize,
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
                    let checked = check_key(&node, &mut map.seen);
                    checked.map_err(|mistake| mistake.tell(&node, self.text, self.offsets.base, self.n_lines))?;
                    map.key = Some(node);
                }
            },
        }
        Ok(())
    }

    /// The scanner lets blocks end where the next token begins, and quoted scalars behind a comment.
    fn trimmed(&self, range: Range<usize>) -> Range<usize> {
        let written = &self.text[range.clone()];
        let length = quoted_length(written).unwrap_or_else(|| written.trim_end().len());
        range.start..range.start + length
    }
}

/// The length of the scalar in quotes that the text begins with.
fn quoted_length(text: &str) -> Option<usize> {
    let quote = text.bytes().next().filter(|b| matches!(b, b'\'' | b'"'))?;
    let mut bytes = text.bytes().enumerate().skip(1).peekable();
    while let Some((at, b)) = bytes.next() {
        let is_escape = match quote {
            b'"' => b == b'\\',
            _ => b == quote && bytes.peek().is_some_and(|(_, next)| *next == quote),
        };
        if is_escape {
            bytes.next();
        } else if b == quote {
            return Some(at + 1);
        }
    }
    None
}

/// Why a node cannot be a key.
enum KeyMistake {
    NoText,
    Merge,
    /// And where it is first given.
    Twice(usize),
}

fn check_key(key: &Node, seen: &mut HashMap<String, usize>) -> Result<(), KeyMistake> {
    let name = match &key.value {
        Yaml::Seq(_) | Yaml::Map(_) => return Err(KeyMistake::NoText),
        _ => key.text().unwrap_or_default(),
    };
    if name == "<<" && key.style == Style::Plain {
        return Err(KeyMistake::Merge);
    }
    match seen.insert(name.to_owned(), key.span.start) {
        Some(first) => Err(KeyMistake::Twice(first)),
        None => Ok(()),
    }
}

impl KeyMistake {
    /// `chunk_start` and `n_lines` say where the chunk of the key begins.
    fn tell(self, key: &Node, text: &str, chunk_start: usize, n_lines: usize) -> Failure {
        let span = key.span.clone();
        Box::new(match self {
            KeyMistake::NoText => {
                Diagnostic::error(span, "a key must be a text").label(format!("this is {}", key.kind()))
            }
            KeyMistake::Merge => {
                Diagnostic::error(span, "merge keys are not supported").help("write the keys out at each place")
            }
            KeyMistake::Twice(first) => {
                let (line, column) = line_column(&text[chunk_start..], first - chunk_start);
                let line = line + n_lines;
                let name = clipped(key.text().unwrap_or_default());
                Diagnostic::error(span, format!("key `{name}` is given twice")).label("given again here").help(format!(
                    "it is first given at line {line}, column {column}; a mapping keeps only one of them"
                ))
            }
        })
    }
}
