//! Records of the real format, mutated: nothing panics, the size of chunks does not matter, and the ways of reading a record agree.

#![allow(clippy::unwrap_used, reason = "a test fails loudly")]

use std::sync::Arc;

use event::event::{Description, Envelope};
use event::layout::{Estate, Fields, Layout, Paths};
use event::ocsf::OcsfVersion;
use event::path::Path;
use event::scan::{ScanError, Slots};
use event::value::Value;
use proptest::prelude::*;
use source::aws_vpc_flow::format::{Columns, FIELDS, is_flow_line};
use source::aws_vpc_flow::rows::Rows;
use source::source::Source;
use source::split::{Note, Reader, Sink};
use source::{aws_cloudtrail, aws_vpc_flow};

/// A source with the layout of its envelope, as a detector without rules has it.
struct Bound {
    source: &'static Source,
    layout: Layout,
    envelope: Vec<event::scan::Slot>,
    slots: Slots,
}

impl Bound {
    fn new(source: &'static Source) -> Bound {
        let mut paths = Paths::default();
        let envelope = source.envelope_paths.iter().map(|path| paths.slot(&Path::plain(path))).collect();
        let layout = Layout::new(&paths, |_| true, source.derived, Arc::new(Estate::default()));
        let slots = layout.slots();
        Bound { source, layout, envelope, slots }
    }

    /// All that is done to a record that a rule holds of.
    fn look(&mut self, raw: &str, parse: &dyn Fn(&str) -> Value) {
        let mut envelope = Envelope::default();
        let mut fields = Fields::new(raw, &self.layout, &mut self.slots, parse);
        (self.source.envelope)(&mut fields, &self.envelope, &mut envelope);
        let record = parse(raw);
        let (mut description, mut targets) = (Description::default(), Vec::new());
        (self.source.describe)(&record, &mut description);
        (self.source.targets)(&mut fields, &self.envelope, &mut |target| targets.push(target.to_owned()));
        assert_eq!(targets, description.resources, "{raw}");
        let brief = (self.source.brief)(&mut fields, &self.envelope);
        assert_eq!(brief, (description.action, description.error), "{raw}");
        (self.source.issued)(&record);
        let event = self.source.mapping.project_with_raw(&record, raw, OcsfVersion::V1_3_0);
        assert!(event["class_uid"].is_number(), "{event}");
    }
}

struct Looked {
    trail: Bound,
    flow: Bound,
    records: Vec<String>,
    notes: Vec<Note>,
}

impl Sink for Looked {
    fn json(&mut self, text: &[u8], at: usize) -> Result<usize, ScanError> {
        let end = self.trail.layout.fill(text, at, &mut self.trail.slots)?;
        if let Ok(raw) = std::str::from_utf8(&text[at..end]) {
            self.records.push(raw.to_owned());
            // What the scan takes, the parser takes: else a rule would see another record than the scan.
            Value::parse(raw).unwrap_or_else(|err| panic!("scanned and not parsed: {err}: {raw}"));
            self.trail.look(raw, &|raw| Value::parse(raw).unwrap_or(Value::Null));
        }
        Ok(end)
    }

    fn flow(&mut self, columns: &Columns, line: &str) {
        self.records.push(line.to_owned());
        if Rows::new(columns, &self.flow.layout).fill(line, &mut self.flow.slots).is_ok() {
            self.flow.look(line, &|raw| columns.tree(raw));
        }
    }

    fn note(&mut self, note: Note, _: &[u8]) {
        self.notes.push(note);
    }
}

fn read(text: &[u8], chunk: usize) -> Looked {
    let mut reader = Reader::new(Columns::default_format());
    let (trail, flow) = (Bound::new(&aws_cloudtrail::SOURCE), Bound::new(&aws_vpc_flow::SOURCE));
    let mut looked = Looked { trail, flow, records: Vec::new(), notes: Vec::new() };
    let mut left = Vec::new();
    let mut chunks = text.chunks(chunk).peekable();
    while let Some(bytes) = chunks.next() {
        left.extend_from_slice(bytes);
        let done = reader.read(&left, chunks.peek().is_none(), &mut looked);
        assert!(done <= left.len());
        left.drain(..done);
    }
    looked
}

const RECORD: &str = r#"{"eventVersion":"1.11","userIdentity":{"type":"AssumedRole","principalId":"AROA:s","arn":"arn:aws:sts::111122223333:assumed-role/r/s","accountId":"111122223333","accessKeyId":"ASIAIOSFODNN7EXAMPLE","sessionContext":{"sessionIssuer":{"arn":"arn:aws:iam::111122223333:role/r","userName":"r"}}},"eventTime":"2026-11-10T14:01:00Z","eventSource":"iam.amazonaws.com","eventName":"PutUserPolicy","awsRegion":"us-east-1","sourceIPAddress":"203.0.113.24","userAgent":"aws-cli/2 \"q\" \u00e9","requestParameters":{"userName":"bob","policyDocument":"{\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":\"*\"}]}"},"responseElements":null,"resources":[{"ARN":"arn:aws:iam::111122223333:user/bob"},{"type":"T"}],"eventID":"4ab7c225-4a75-46f6-b01b-000000000001","recipientAccountId":"111122223333"}"#;

/// Each form with a few records in it.
fn forms() -> Vec<String> {
    let quoted = serde_json::to_string(RECORD).unwrap();
    let row = "2 111122223333 eni-0a1b2c3d 198.51.100.7 10.0.0.9 49152 22 6 25 4249 1794319260 1794319320 ACCEPT OK";
    let header = "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status";
    vec![
        format!("{{\"Records\":[{RECORD},{RECORD}]}}"),
        format!("{RECORD}\n{RECORD}\n{RECORD}\n"),
        format!("[{RECORD},{{\"detail\":{},\"x\":1}}]", RECORD.replace("\"resources\"", "\"others\"")),
        format!("{{\"version\":\"0\",\"detail\":{RECORD},\"id\":\"1\"}}\n{RECORD}"),
        format!(
            "{{\"messageType\":\"DATA_MESSAGE\",\"logEvents\":[{{\"id\":\"1\",\"message\":{quoted}}},{{\"message\":\"{row}\"}}]}}"
        ),
        format!("{{\"Events\":[{{\"EventId\":\"1\",\"CloudTrailEvent\":{quoted}}}],\"NextToken\":\"x\"}}"),
        format!("{{\"awslogs\":{{\"data\":\"H4sIAAAAAAAA/6tWKi1OLVKyUkpKLFKqBQCM3vQ3DgAAAA==\"}}}}\n{RECORD}"),
        format!("{header}\n{row}\n{row}\n"),
        format!(
            "2026-11-10T14:01:00.000Z {RECORD}\n2026-11-10T14:01:00.000Z {row}\n2026-11-10T14:01:01.000Z {RECORD}\n"
        ),
        format!("# strange\n{{\"Records\":[{RECORD}],\"x\":1,\"Records\":[{RECORD},{RECORD}]}}\n{RECORD}"),
        format!("{row}\n2 111122223333 eni-0a1b2c3d - - - - - - - 1794319260 1794319320 - NODATA\n{header}\n{row}"),
    ]
}

const PIECES: [&str; 26] = [
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\"",
    "\\",
    "\\u",
    "\\ud800",
    "\n",
    "\r\n",
    " ",
    "null",
    "1e999",
    "-",
    "{\"Records\":[",
    "{\"detail\":",
    "\"eventTime\":1,",
    "\u{1e}",
    "\u{0}",
    "é",
    "\u{feff}",
    "[[[[",
    "ACCEPT",
    "2 ",
];

#[derive(Clone, Debug)]
struct Edit {
    at: prop::sample::Index,
    n_dropped: usize,
    piece: &'static str,
    byte: Option<u8>,
}

fn edits() -> impl Strategy<Value = Vec<Edit>> {
    let edit = (
        any::<prop::sample::Index>(),
        prop_oneof![4 => 0..6_usize, 1 => 0..400_usize],
        prop::sample::select(&PIECES[..]),
        prop::option::weighted(0.2, any::<u8>()),
    );
    prop::collection::vec(edit.prop_map(|(at, n_dropped, piece, byte)| Edit { at, n_dropped, piece, byte }), 1..5)
}

fn edited(text: &str, edits: &[Edit]) -> Vec<u8> {
    let mut bytes = text.as_bytes().to_vec();
    for edit in edits {
        let at = edit.at.index(bytes.len() + 1);
        let end = (at + edit.n_dropped).min(bytes.len());
        let new = edit.byte.map_or(edit.piece.as_bytes().to_vec(), |byte| vec![byte]);
        bytes.splice(at..end, new);
    }
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(std::env::var("DEEP").map_or(500, |n| n.parse().unwrap())) })]

    #[test]
    fn edited_logs_are_survived_and_chunks_do_not_matter(form in 0..11_usize, edits in edits(), chunk in 1..900_usize) {
        let text = edited(&forms()[form], &edits);
        let whole = read(&text, 1 << 20);
        let pieces = read(&text, chunk);
        prop_assert_eq!(&pieces.records, &whole.records);
        prop_assert_eq!(pieces.notes.is_empty(), whole.notes.is_empty(), "{:?} {:?}", pieces.notes, whole.notes);
    }

    #[test]
    fn any_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..300), chunk in 1..40_usize) {
        let whole = read(&bytes, 1 << 20);
        prop_assert_eq!(read(&bytes, chunk).records, whole.records);
    }

    /// The three ways of looking at a row agree, whatever its columns.
    #[test]
    fn rows_of_any_format(
        names in prop::collection::vec(prop::sample::select(FIELDS), 1..30),
        values in prop::collection::vec(prop_oneof![Just("-".to_owned()), "[0-9]{1,6}", "[a-z0-9.:é/-]{1,9}", Just("ACCEPT".to_owned())], 1..30),
        blanks in " {1,2}|\t",
    ) {
        let columns = Columns::named(names.iter().map(|(name, ..)| *name));
        let line = values.join(&blanks);
        let mut flow = Bound::new(&aws_vpc_flow::SOURCE);
        let filled = Rows::new(&columns, &flow.layout).fill(&line, &mut flow.slots);
        prop_assert_eq!(filled, columns.check(&line));
        if is_flow_line(&columns, &line) {
            prop_assert_eq!(filled, Ok(()));
        }
        if filled.is_ok() {
            prop_assert_eq!(values.len(), columns.len());
            let tree = columns.tree(&line);
            for ((path, slot), field) in aws_vpc_flow::SOURCE.envelope_paths.iter().zip(&flow.envelope).zip(0..) {
                let Value::Object(members) = &tree else { panic!("a row is an object") };
                let first = members.iter().find(|(name, _)| name == path).and_then(|(_, value)| value.as_str());
                let text = flow.slots.text(*slot, &line);
                prop_assert_eq!(text.as_deref(), first, "{} {}", field, path);
            }
            flow.look(&line, &|raw| columns.tree(raw));
        }
    }
}

/// A mark of byte order, tabs and NUL bytes, wherever the text is cut.
#[test]
fn chunks_do_not_matter_to_strange_headers() {
    let texts: [&[u8]; 4] = [
        b"\0\xEF\xBB\xBFsrcaddr\tdstport\r\0\n\0\t\t\tstp\tpackets\t\t\t\t\t\t\t\t\t\t\t-\xEF\xBB\xBF\r\x0b*\r\0 \0\0\0\0\0\0\0\0",
        b"\xEF\xBB\xBFsrcaddr\tdstport\tstart\n10.0.0.1\t22\t1794319260\n",
        b"  \xEF\xBB\xBFsrcaddr dstport start\n10.0.0.1 22 1794319260\n",
        b"\xEF\xBB\xBF\n\n{\"eventVersion\":\"1\"}\n",
    ];
    for text in texts {
        let whole = read(text, 1 << 20);
        for chunk in 1..text.len() {
            assert_eq!(
                read(text, chunk).records,
                whole.records,
                "{:?} in chunks of {chunk}",
                text.escape_ascii().to_string()
            );
        }
    }
}

/// As for a key that a record has twice: any of the values may match.
#[test]
fn a_column_given_twice_has_both_values() {
    let columns = Columns::named(["srcaddr", "start", "srcaddr"]);
    let mut flow = Bound::new(&aws_vpc_flow::SOURCE);
    let slot = flow.envelope[6];
    let mut rows = Rows::new(&columns, &flow.layout);
    for (line, values) in [
        ("10.0.0.1 1 10.0.0.2", &["10.0.0.1", "10.0.0.2"][..]),
        ("10.0.0.1  1 10.0.0.2", &["10.0.0.1", "10.0.0.2"]),
        ("- 1 10.0.0.2", &["10.0.0.2"]),
        ("-  1 -", &[]),
    ] {
        rows.fill(line, &mut flow.slots).unwrap();
        let found: Vec<_> = flow.slots.spans(slot).filter_map(|span| flow.slots.plain(span, line)).collect();
        assert_eq!(found, values, "{line}");
    }
}

#[test]
fn what_is_mutated_is_good() {
    for (form, n_records) in forms().iter().zip([2, 3, 2, 2, 2, 1, 1, 2, 3, 4, 3]) {
        let looked = read(form.as_bytes(), 1 << 20);
        assert_eq!(looked.records.len(), n_records, "{form}: {:?}", looked.notes);
    }
}
