//! What must hold whatever the input is: the fuzz targets run these, and so does `crates/skywarden/tests/mutated.rs` on changed seeds.

use collect::blob::{Blob, Limits};
use detect::load::{Options, load};
use event::layout::Paths;
use event::scan::{ScanError, skip};
use event::value::Value;
use predicate::matcher::Matcher;
use predicate::yaml;
use source::aws_vpc_flow::format::{Columns, is_flow_line};
use source::split::{Note, Reader, Sink};

/// Any bytes as a packed file: inflating ends, within its limits.
pub fn blob(bytes: &[u8]) {
    let limits = Limits { inflated_max: 64 << 20, ..Limits::default() };
    let reader = std::io::Cursor::new(bytes.to_vec());
    let Ok(mut blob) = Blob::from_reader("fuzz", reader, &limits) else { return };
    let mut out = Vec::new();
    while let Ok(true) = blob.read(&mut out, 64 << 10) {
        assert!(out.len() <= 80 << 20, "more than asked for at a time");
        out.clear();
    }
}

/// A format and a row of it: headers, formats and rows are read in more than one way, and the ways agree.
pub fn flow_lines(format: &str, line: &str) {
    let _ = Columns::from_header(format);
    let Ok(columns) = Columns::from_format(format) else { return };
    assert_eq!(Columns::from_format(&columns.format()).as_ref(), Ok(&columns));
    let checked = columns.check(line);
    assert!(!is_flow_line(&columns, line) || checked.is_ok());
    let Value::Object(members) = columns.tree(line) else { panic!("a row is an object") };
    assert!(members.len() <= columns.len());
}

/// The scanner and the parser of JSON agree on what is JSON, and the tree prints to what it was read from.
pub fn json_scan(text: &str) {
    let parsed = Value::parse(text);
    let Ok(end) = skip(text.as_bytes(), 0, 0) else { return };
    // JSON knows four blanks; a form feed is none.
    let is_whole = text[end..].bytes().all(|b| matches!(b, b' ' | b'\t' | b'\r' | b'\n'));
    if is_whole && text.starts_with(['{', '[']) {
        let tree = parsed.expect("what is scanned can be parsed");
        assert_eq!(Value::parse(&tree.compact()).as_ref(), Ok(&tree));
    }
}

/// Any text as a rule file: what is wrong with it can be drawn, and what is right can be compiled.
pub fn sigma(text: &str) {
    let set = load([("rule.yml", text)], &Options::default());
    for problem in &set.problems {
        for diagnostic in problem.diagnostics.iter().take(20) {
            diagnostic.draw(&problem.file, &problem.text);
        }
    }
    let predicates: Vec<_> = set.rules.into_iter().map(|rule| rule.predicate).collect();
    Matcher::new(&predicates, &mut Paths::default());
}

/// Any text as YAML: every node and every mistake lies in the text.
pub fn yaml(text: &str) {
    let (nodes, diagnostics) = yaml::parse(text);
    for node in &nodes {
        assert!(node.span.end <= text.len());
    }
    for diagnostic in diagnostics.iter().take(20) {
        diagnostic.draw("file.yml", text);
    }
}

/// Any bytes as a log: the records found do not depend on the size of the chunks they come in.
pub fn split(chunk: usize, text: &[u8]) {
    assert_eq!(read(text, chunk.max(1)), read(text, 1 << 20));
}

#[derive(Default)]
struct Records(Vec<Vec<u8>>);

impl Sink for Records {
    fn json(&mut self, text: &[u8], at: usize) -> Result<usize, ScanError> {
        let end = skip(text, at, 0)?;
        self.0.push(text[at..end].to_vec());
        if let Ok(raw) = std::str::from_utf8(&text[at..end])
            && let Ok(record) = Value::parse(raw)
        {
            source::aws_cloudtrail::SOURCE.mapping.project(&record, event::ocsf::OcsfVersion::V1_3_0);
        }
        Ok(end)
    }

    fn flow(&mut self, columns: &Columns, line: &str) {
        self.0.push(line.into());
        source::aws_vpc_flow::SOURCE.mapping.project(&columns.tree(line), event::ocsf::OcsfVersion::V1_3_0);
    }

    fn note(&mut self, _: Note, _: &[u8]) {}
}

fn read(text: &[u8], chunk: usize) -> Vec<Vec<u8>> {
    let mut reader = Reader::new(Columns::default_format());
    let mut records = Records::default();
    let mut left = Vec::new();
    let mut chunks = text.chunks(chunk).peekable();
    while let Some(bytes) = chunks.next() {
        left.extend_from_slice(bytes);
        let done = reader.read(&left, chunks.peek().is_none(), &mut records);
        left.drain(..done);
    }
    records.0
}
