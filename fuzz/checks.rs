//! What must hold whatever the input is: the fuzz targets run these, and so does `crates/skywarden/tests/mutated.rs` on changed seeds.

use collect::blob::{Blob, Limits};
use collect::syslog::Framer;
use collect::{firehose, hec};
use detect::load::{Options, load};
use event::layout::Paths;
use event::scan::{ScanError, skip};
use event::value::Value;
use predicate::matcher::Matcher;
use predicate::yaml;
use sha2::Digest as _;
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

/// Any bytes as a body of Firehose and of the event collector: what is not taken is given back.
pub fn bodies(bytes: &[u8]) {
    for encoding in [None, Some("gzip")] {
        let about =
            firehose::Headers { request_id: Some("id"), content_encoding: encoding, ..firehose::Headers::default() };
        let _ = firehose::parse(&about, bytes, &firehose::Limits::default());
    }
    let batch = hec::events(bytes, &hec::Limits::default());
    assert!(batch.mistake.is_some() || !batch.events.is_empty());
    assert!(batch.mistake.is_none_or(|mistake| bytes.ends_with(mistake.rest)));
    let raw = hec::raw(bytes).unwrap_or_default();
    assert!(raw.iter().map(|piece| piece.len()).sum::<usize>() <= bytes.len());
    let _ = hec::acks(bytes);
}

/// Any bytes as a stream of syslog: its messages do not depend on the pieces that it comes in, and each can be read.
pub fn syslog(piece: usize, bytes: &[u8]) {
    let frames = |piece: usize| {
        let mut framer = Framer::new(200);
        let mut frames = Vec::new();
        for piece in bytes.chunks(piece.max(1)) {
            framer.push(piece);
            frames.extend(std::iter::from_fn(|| framer.next()));
        }
        framer.finish();
        frames.extend(std::iter::from_fn(|| framer.next()));
        frames
    };
    let whole = frames(1 << 20);
    assert_eq!(frames(piece), whole);
    for frame in whole {
        assert!(!frame.bytes.is_empty() && frame.bytes.len() <= 200);
        assert!(frame.bytes.ends_with(collect::syslog::parse(&frame.bytes).text));
    }
}

/// Any bytes as a table of places, with the hash that goes with them: a table that is read answers, and is written as it was.
pub fn places(bytes: &[u8]) {
    let hashed = [bytes, sha2::Sha256::digest(bytes).as_slice()].concat();
    let Ok(places) = enrich::Places::read(&hashed) else { return };
    for address in ["0.0.0.0", "1.0.0.1", "255.255.255.255", "::", "2001:db8::1", "ffff::"] {
        places.find(address.parse().expect("an address"));
    }
    assert_eq!(enrich::Places::read(&places.write()).as_ref(), Ok(&places));
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
