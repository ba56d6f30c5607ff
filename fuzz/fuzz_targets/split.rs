//! Any bytes as a log: the records found do not depend on the size of the chunks they come in.

#![no_main]

use event::scan::{ScanError, skip};
use event::value::Value;
use libfuzzer_sys::fuzz_target;
use source::aws_vpc_flow::format::Columns;
use source::split::{Note, Reader, Sink};

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

fuzz_target!(|input: (u8, &[u8])| {
    let (chunk, text) = input;
    assert_eq!(read(text, usize::from(chunk) + 1), read(text, 1 << 20));
});
