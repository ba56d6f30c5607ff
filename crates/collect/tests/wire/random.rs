//! Any bytes, and requests that are nearly right: nothing panics, and nothing is lost.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use collect::firehose::{self, Headers};
use collect::syslog::{Framer, Framing};
use collect::{hec, syslog};
use proptest::prelude::*;

const HEADERS: Headers<'static> = Headers {
    request_id: Some("id"),
    access_key: None,
    common_attributes: None,
    source_arn: None,
    content_encoding: None,
};

fn pieces_of(words: &'static [&'static str]) -> impl Strategy<Value = Vec<u8>> {
    let word = prop_oneof![
        8 => proptest::sample::select(words).prop_map(|word| word.as_bytes().to_vec()),
        1 => proptest::collection::vec(any::<u8>(), 0..6),
    ];
    proptest::collection::vec(word, 0..40).prop_map(|words| words.concat())
}

const JSON: &[&str] = &[
    "{",
    "}",
    "[",
    "]",
    ":",
    ",",
    "\"",
    "\\",
    " ",
    "\n",
    "\"event\":",
    "\"time\":",
    "\"fields\":",
    "\"host\":",
    "\"records\":",
    "\"data\":",
    "\"requestId\":",
    "\"acks\":",
    "null",
    "true",
    "1.5",
    "-1",
    "1e9",
    "\"QUJD\"",
    "\"\\u00e4\"",
    "\"a\"",
    "{\"event\":\"a\"}",
    "{\"data\":\"QQ==\"}",
];
const SYSLOG: &[&str] = &[
    "<34>",
    "<191>",
    "<192>",
    "1 ",
    "2003-10-11T22:14:15.003Z",
    "2003-10-11T22:14:15+25:99",
    "Oct 11 22:14:15",
    "Oct  1 22:14:15",
    "Feb 31 23:59:60",
    " ",
    "-",
    " - ",
    "host",
    "app[",
    "]: ",
    ":",
    "[",
    "[id@1 a=\"",
    "\"",
    "\\",
    "\\\"",
    "]",
    "\u{feff}",
    "\n",
    "\r\n",
    "\0",
    "9",
    "12 ",
    "12 <",
    "99999999999999999999 <",
];

fn events_lose_nothing(body: &[u8]) {
    let batch = hec::events(body, &hec::Limits::default());
    assert!(batch.mistake.is_some() || !batch.events.is_empty());
    assert!(batch.mistake.is_none_or(|mistake| body.ends_with(mistake.rest)));
}

fn all(bytes: &[u8]) {
    let _ = firehose::parse(&HEADERS, bytes, &firehose::Limits::default());
    let packed = Headers { content_encoding: Some("gzip"), ..HEADERS };
    let _ = firehose::parse(&packed, bytes, &firehose::Limits::default());
    events_lose_nothing(bytes);
    let _ = hec::acks(bytes);
    let kept: usize = hec::raw(bytes).unwrap_or_default().iter().map(|piece| piece.len()).sum();
    assert!(kept <= bytes.len());
    let text = String::from_utf8_lossy(bytes);
    let query = hec::query(&text);
    let _ =
        (hec::channel(None, &query), hec::channel(Some(&text), &query), hec::token(Some(&text)), hec::endpoint(&text));
    let attributes = Headers { common_attributes: Some(&text), ..HEADERS };
    let _ = firehose::parse(&attributes, b"{\"records\":[]}", &firehose::Limits::default());
    let message = syslog::parse(bytes);
    assert!(bytes.ends_with(message.text));
    if let Some(time) = message.time {
        time.us(0);
        time.us(i64::MAX);
        time.us(i64::MIN);
    }
}

/// The messages of a stream in pieces of this length.
fn frames(bytes: &[u8], piece: usize, bytes_max: usize) -> Vec<(Vec<u8>, Framing)> {
    let mut framer = Framer::new(bytes_max);
    let mut out = Vec::new();
    let mut take = |framer: &mut Framer| {
        while let Some(frame) = framer.next() {
            assert!(!frame.bytes.is_empty() && frame.bytes.len() <= bytes_max);
            out.push((frame.bytes, frame.framing));
        }
    };
    for piece in bytes.chunks(piece) {
        framer.push(piece);
        take(&mut framer);
    }
    framer.finish();
    take(&mut framer);
    out
}

proptest! {
    #[test]
    fn any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        all(&bytes);
    }

    #[test]
    fn nearly_json(bytes in pieces_of(JSON)) {
        all(&bytes);
    }

    #[test]
    fn nearly_syslog(bytes in pieces_of(SYSLOG)) {
        all(&bytes);
    }

    #[test]
    fn the_pieces_of_a_stream_do_not_matter(bytes in pieces_of(SYSLOG), piece in 1_usize..20, bytes_max in 1_usize..60) {
        let whole = frames(&bytes, bytes.len().max(1), bytes_max);
        prop_assert_eq!(&frames(&bytes, piece, bytes_max), &whole);
        // Nothing but lengths and ends of lines is left out.
        let left_out = |byte: &u8| byte.is_ascii_digit() || b" \r\n\0".contains(byte);
        let mut said = bytes.iter().filter(|byte| !left_out(byte));
        prop_assert!(whole.iter().flat_map(|(bytes, _)| bytes).filter(|byte| !left_out(byte)).eq(said.by_ref()));
    }

    #[test]
    fn counted_messages_are_read_as_they_were_sent(
        messages in proptest::collection::vec("<[0-9]{1,2}>[ -~\n]{0,30}[!-~]", 1..10),
        piece in 1_usize..50,
    ) {
        let stream: String = messages.iter().map(|message| format!("{} {message}", message.len())).collect();
        let read = frames(stream.as_bytes(), piece, 100);
        let sent: Vec<_> = messages.into_iter().map(|message| (message.into_bytes(), Framing::Counted)).collect();
        prop_assert_eq!(read, sent);
    }

    #[test]
    fn records_are_read_as_they_were_sent(records in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..50), 0..10)) {
        let data: Vec<String> = records.iter().map(|record| format!("{{\"data\":\"{}\"}}", STANDARD.encode(record))).collect();
        let body = format!("{{\"requestId\":\"id\",\"timestamp\":1,\"records\":[{}]}}", data.join(","));
        let batch = firehose::parse(&HEADERS, body.as_bytes(), &firehose::Limits::default()).unwrap();
        let read: Vec<Vec<u8>> = batch.records().map(|(_, bytes)| bytes.to_vec()).collect();
        prop_assert_eq!(read, records);
        prop_assert!(batch.poison.is_empty() && batch.notes.is_empty());
    }

    #[test]
    fn events_are_read_as_they_were_sent(texts in proptest::collection::vec("[a-zäö\"\\\\ {}\\[\\]]{0,20}x", 1..10), blank in "[ \n]{0,2}") {
        let body: Vec<String> = texts.iter().map(|text| serde_json::json!({ "event": text, "host": "h" }).to_string()).collect();
        let body = body.join(&blank);
        let batch = hec::events(body.as_bytes(), &hec::Limits::default());
        let read: Vec<String> = batch.events.iter().map(|event| event.text.to_string()).collect();
        prop_assert_eq!(read, texts);
        prop_assert!(batch.mistake.is_none());
    }
}
