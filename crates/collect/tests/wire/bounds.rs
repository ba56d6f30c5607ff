//! Requests that are large on purpose.

use std::io::Write as _;

use collect::body::BodyError;
use collect::firehose::{self, Headers, Limits, Refusal};
use collect::syslog::Framer;
use collect::{hec, syslog};
use flate2::Compression;
use flate2::write::GzEncoder;

const HEADERS: Headers<'static> = Headers {
    request_id: Some("id"),
    access_key: None,
    common_attributes: None,
    source_arn: None,
    content_encoding: None,
};

fn request(records: &str) -> Vec<u8> {
    format!("{{\"requestId\":\"id\",\"timestamp\":1,\"records\":[{records}]}}").into_bytes()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut out = GzEncoder::new(Vec::new(), Compression::best());
    out.write_all(bytes).unwrap();
    out.finish().unwrap()
}

#[test]
fn a_million_records_are_read_and_what_follows_is_kept() {
    let body = request(&vec!["{\"data\":\"QQ==\"}"; 1_000_002].join(","));
    let batch = firehose::parse(&HEADERS, &body, &Limits::default()).unwrap();
    assert_eq!(batch.records().len(), 1_000_000);
    assert!(batch.records().all(|(_, bytes)| bytes == b"A"));
    assert_eq!(batch.poison.len(), 1);
    assert_eq!(batch.poison[0].bytes, b"{\"data\":\"QQ==\"},{\"data\":\"QQ==\"}");
}

#[test]
fn data_that_is_too_long_is_poison_and_the_others_are_records() {
    let long = format!("{{\"data\":\"{}\"}}", "QUJD".repeat(5 << 20));
    let body = request(&format!("{{\"data\":\"QQ==\"}},{long},{{\"data\":\"Qg==\"}}"));
    let limits = Limits { record_bytes_max: 1 << 20, ..Limits::default() };
    let batch = firehose::parse(&HEADERS, &body, &limits).unwrap();
    assert_eq!(batch.records().collect::<Vec<_>>(), [(0, &b"A"[..]), (2, b"B")]);
    assert_eq!((batch.poison[0].record, batch.poison[0].bytes.len()), (Some(1), long.len()));
    assert_eq!(firehose::parse(&HEADERS, &body, &Limits::default()).unwrap().records().len(), 3);
}

#[test]
fn a_body_that_is_too_long_is_not_answered_with_413() {
    let limits = Limits { body_bytes_max: 1 << 20, ..Limits::default() };
    let packed = Headers { content_encoding: Some("gzip"), ..HEADERS };
    let bomb = gzip(&vec![b' '; 64 << 20]);
    for (headers, body) in [(HEADERS, vec![b' '; 2 << 20]), (packed, bomb)] {
        let refusal = firehose::parse(&headers, &body, &limits).unwrap_err();
        assert!(matches!(refusal, Refusal::Body { err: BodyError::Long { .. } }));
        assert_eq!(refusal.status(), 400);
    }
}

#[test]
fn a_packed_body_is_read_and_a_damaged_one_is_sent_again() {
    let packed = Headers { content_encoding: Some("gzip"), ..HEADERS };
    let body = gzip(&request("{\"data\":\"QQ==\"}"));
    assert_eq!(firehose::parse(&packed, &body, &Limits::default()).unwrap().records().len(), 1);
    let damaged = firehose::parse(&packed, &body[..body.len() - 9], &Limits::default());
    assert!(matches!(damaged, Err(Refusal::Body { err: BodyError::Damaged { .. } })));
}

#[test]
fn deep_json_is_refused_and_overflows_nothing() {
    let deep = format!("{}{}", "[".repeat(1 << 20), "]".repeat(1 << 20));
    let event = format!("{{\"event\":{deep}}}");
    let batch = hec::events(event.as_bytes(), &hec::Limits::default());
    assert_eq!(batch.mistake.unwrap().code, hec::Code::InvalidDataFormat);
    assert!(hec::events(deep.as_bytes(), &hec::Limits::default()).mistake.is_some());
    // As text of any kind it is a line.
    assert_eq!(hec::raw(deep.as_bytes()).unwrap(), [deep.as_bytes()]);
    let batch = firehose::parse(&HEADERS, &request(&deep), &Limits::default()).unwrap();
    assert_eq!((batch.records().len(), batch.poison.len()), (0, 1));
}

#[test]
fn events_and_fields_have_bounds() {
    let limits = hec::Limits { events_max: 3, event_bytes_max: 10, fields_max: 2 };
    let code = |body: &str| {
        let batch = hec::events(body.as_bytes(), &limits);
        (batch.events.len(), batch.mistake.map(|mistake| mistake.code))
    };
    assert_eq!(code(&"{\"event\":\"a\"}".repeat(4)), (3, Some(hec::Code::InvalidDataFormat)));
    assert_eq!(code("{\"event\":\"0123456789\"}"), (1, None));
    assert_eq!(code("{\"event\":\"0123456789a\"}"), (0, Some(hec::Code::InvalidDataFormat)));
    assert_eq!(code("{\"event\":\"a\",\"fields\":{\"a\":[1,2]}}"), (1, None));
    assert_eq!(code("{\"event\":\"a\",\"fields\":{\"a\":[1,2,3]}}"), (0, Some(hec::Code::IndexedFields)));
    let many = "{\"event\":\"a\"}".repeat(1_000_000);
    assert_eq!(hec::events(many.as_bytes(), &hec::Limits::default()).events.len(), 1_000_000);
}

#[test]
fn structured_data_has_bounds() {
    for data in ["[a]".repeat(100_000), format!("[a{}]", " b=\"c\"".repeat(100_000)), "[a b=\"".repeat(100_000)] {
        let text = format!("<34>1 - h a - - {data} text");
        let message = syslog::parse(text.as_bytes());
        assert_eq!(message.form, syslog::Form::Plain);
        assert!(message.text.ends_with(b" text"));
    }
}

#[test]
fn a_stream_without_an_end_of_line_is_held_in_bounds() {
    let mut framer = Framer::new(1_000);
    let mut n_bytes = 0;
    for n_pushed in (1..=10_000).map(|n| n * 100) {
        framer.push(&[b'x'; 100]);
        while let Some(frame) = framer.next() {
            n_bytes += frame.bytes.len();
        }
        assert!(n_bytes + 1_000 >= n_pushed);
    }
    framer.finish();
    while let Some(frame) = framer.next() {
        n_bytes += frame.bytes.len();
    }
    assert_eq!(n_bytes, 10_000 * 100);
}

#[test]
fn a_stream_byte_by_byte_is_searched_once() {
    let mut framer = Framer::new(4 << 20);
    for _ in 0..2 << 20 {
        framer.push(b"x");
        assert_eq!(framer.next(), None);
    }
    framer.push(b"\n");
    assert_eq!(framer.next().unwrap().bytes.len(), 2 << 20);
}
