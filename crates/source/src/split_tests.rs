//! The framings, each in every chunking.

use super::*;

#[derive(Default)]
struct Seen {
    records: Vec<String>,
    notes: Vec<Note>,
    groups: Vec<String>,
}

impl Sink for Seen {
    fn json(&mut self, text: &[u8], at: usize) -> Result<usize, ScanError> {
        let end = skip(text, at, 0)?;
        self.records.push(String::from_utf8_lossy(&text[at..end]).into_owned());
        Ok(end)
    }

    fn flow(&mut self, _: &Columns, line: &str) {
        self.records.push(line.to_owned());
    }

    fn note(&mut self, note: Note, _: &[u8]) {
        self.notes.push(note);
    }

    fn group(&mut self, owner: &str, group: &str, stream: &str) {
        self.groups.push(format!("{owner}:{group}:{stream}"));
    }
}

#[test]
fn the_log_group_is_known_while_its_records_are_read() {
    let quoted = serde_json::to_string(EVENT).expect("a string");
    let text = format!(
        r#"{{"messageType":"DATA_MESSAGE","owner":"111122223333","logGroup":"trail\/a","logStream":"s","logEvents":[{{"message":{quoted}}}],"logGroup":"later"}}"#
    );
    for chunk in [1, 7, 10_000] {
        let seen = read(text.as_bytes(), chunk);
        assert_eq!(seen.groups, ["111122223333:trail/a:s", "::"], "{chunk}");
        assert_eq!(seen.records.len(), 1);
    }
}

/// Reads a text in chunks of so many bytes.
fn read(text: &[u8], chunk: usize) -> Seen {
    let mut reader = Reader::new(Columns::default_format());
    let mut seen = Seen::default();
    let mut left = Vec::new();
    let mut chunks = text.chunks(chunk).peekable();
    while let Some(bytes) = chunks.next() {
        left.extend_from_slice(bytes);
        let done = reader.read(&left, chunks.peek().is_none(), &mut seen);
        left.drain(..done);
    }
    seen
}

const EVENT: &str = r#"{"eventVersion":"1.08","eventName":"A}]\"","x":[{"y":1}]}"#;

fn all_forms() -> Vec<(&'static str, String, usize)> {
    let quoted = serde_json::to_string(EVENT).expect("a string");
    let message = format!(
        r#"{{"messageType":"DATA_MESSAGE","logEvents":[{{"id":"1","message":{quoted}}},{{"message":{quoted}}}]}}"#
    );
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut gzip, message.as_bytes()).expect("memory");
    let packed = base64::engine::general_purpose::STANDARD.encode(gzip.finish().expect("memory"));
    vec![
        ("an S3 object", format!(r#"{{"Records":[{EVENT},{EVENT}]}}"#), 2),
        (
            "an S3 object with blanks and more members",
            format!("{{ \"x\": [1], \"Records\" : [ {EVENT} , {EVENT} ] , \"y\": {{}} }}\n"),
            2,
        ),
        ("one a line", format!("{EVENT}\n{EVENT}\r\n\n{EVENT}"), 3),
        ("an array", format!("[{EVENT},{EVENT}]"), 2),
        ("one event", EVENT.to_owned(), 1),
        (
            "EventBridge",
            format!(r#"{{"version":"0","detail-type":"AWS API Call via CloudTrail","detail":{EVENT},"x":1}}"#),
            1,
        ),
        ("Splunk", format!(r#"{{"time":1700000000,"sourcetype":"aws:cloudtrail","event":{EVENT}}}"#), 1),
        ("EventBridge, one a line", format!("{{\"detail\":{EVENT}}}\n{{\"detail\":{EVENT}}}"), 2),
        ("a look-up", format!(r#"{{"Events":[{{"EventId":"1","CloudTrailEvent":{quoted}}}],"NextToken":"x"}}"#), 1),
        ("CloudWatch Logs, inflated", message, 2),
        ("CloudWatch Logs, as delivered", format!(r#"{{"awslogs":{{"data":"{packed}"}}}}"#), 2),
        ("objects of records, one behind the other", format!(r#"{{"Records":[{EVENT}]}}{{"Records":[{EVENT}]}}"#), 2),
        ("arrays in arrays of envelopes", format!(r#"[{{"Records":[{EVENT}]}},{{"detail":{EVENT}}},{EVENT}]"#), 3),
        ("no records", r#"{"Records":[]}"#.to_owned(), 0),
        (
            "an S3 object with its key twice, with escapes, and null",
            format!(r#"{{"Records":[{EVENT}],"Re\u0063ords":[{EVENT}],"Records":null,"Records":[{EVENT}]}}"#),
            3,
        ),
        ("an S3 object whose key has escapes", format!(r#"{{"\u0052ecords":[{EVENT}]}}"#), 1),
        ("EventBridge with two details", format!(r#"{{"detail":{EVENT},"x":1,"detail":{EVENT}}}"#), 2),
        (
            "a look-up with its keys twice",
            format!(
                r#"{{"Events":[{{"CloudTrailEvent":{quoted},"CloudTrailEvent":{quoted}}}],"Events":[{{"CloudTrailEvent":{quoted}}}]}}"#
            ),
            3,
        ),
        (
            "CloudWatch Logs with its keys twice",
            format!(
                r#"{{"logEvents":[{{"message":{quoted},"message":{quoted}}}],"logEvents":[{{"message":{quoted}}}]}}"#
            ),
            3,
        ),
        (
            "CloudWatch Logs as delivered, with its keys twice",
            format!(r#"{{"awslogs":{{"data":"{packed}","data":"{packed}"}},"awslogs":{{"data":"{packed}"}}}}"#),
            6,
        ),
        ("a text twice", format!(r#"{{"message":{quoted},"message":{quoted}}}"#), 2),
        (
            "CloudWatch Logs, exported",
            format!("2026-11-02T02:09:20.000Z {EVENT}\n2026-11-02T02:09:21.000Z {EVENT}\r\n"),
            2,
        ),
    ]
}

#[test]
fn every_form_gives_the_records_whatever_the_chunks() {
    for (name, text, n_records) in all_forms() {
        for chunk in [1, 7, 64, 1 << 20] {
            let seen = read(text.as_bytes(), chunk);
            assert_eq!(seen.notes, [], "{name} in chunks of {chunk}");
            assert_eq!(seen.records, vec![EVENT; n_records], "{name} in chunks of {chunk}");
        }
    }
}

#[test]
fn every_form_cut_anywhere_keeps_the_records_before_the_cut_and_says_so() {
    for (name, text, _) in all_forms() {
        let whole = read(text.as_bytes(), 1 << 20).records.len();
        for cut in 1..text.len() {
            let seen = read(&text.as_bytes()[..cut], 1 << 20);
            assert!(seen.records.len() <= whole, "{name} cut at {cut}");
            let said = seen.notes.iter().any(|n| !matches!(n, Note::Digest));
            let ended_well = text[..cut].ends_with(['}', '\n', '\r']);
            assert!(said || ended_well, "{name} cut at {cut}: {:?}", seen.notes);
        }
    }
}

#[test]
fn a_broken_line_does_not_stop_the_next() {
    let seen = read(format!("{EVENT}\n{{\"eventName\":\n\"x\" oh\n{EVENT}\n").as_bytes(), 1 << 20);
    assert_eq!(seen.records.len(), 2);
    assert!(!seen.notes.is_empty());
}

#[test]
fn a_break_in_an_array_keeps_what_came_before() {
    let text = format!(r#"{{"Records":[{EVENT},{EVENT},{{"eventName":oh}},{EVENT}]}}"#);
    let seen = read(text.as_bytes(), 1 << 20);
    assert_eq!(seen.records.len(), 2);
    assert!(matches!(&seen.notes[..], [Note::Damaged { bytes, .. }] if *bytes > EVENT.len()), "{:?}", seen.notes);
}

#[test]
fn a_second_list_that_is_none_is_named() {
    let text = format!(r#"{{"Records":[{EVENT}],"Records":{EVENT}}}"#);
    let seen = read(text.as_bytes(), 1 << 20);
    assert_eq!(seen.records.len(), 1);
    assert!(
        matches!(&seen.notes[..], [Note::Rejected { why, .. }] if why.contains("second `Records`")),
        "{:?}",
        seen.notes
    );
}

#[test]
fn a_few_strange_lines_do_not_hide_the_log_behind_them() {
    let row = "2 123456789012 eni-0a 203.0.113.5 10.0.0.9 49152 22 6 1 40 1700000000 1700000060 ACCEPT OK";
    for (text, n_records, n_notes) in [
        (format!("# header\n\n{EVENT}\n{EVENT}\n"), 2, 1),
        (format!("oh\n{{ no\n\u{fffd}\n{{ \"Records\" : [{EVENT}]}}"), 1, 3),
        (format!("# rows\n{row}\n{row}"), 2, 1),
        (format!("began earlier\n2026-11-02T02:09:20Z {row}\nno time\n2026-11-02T02:09:20Z none\n"), 1, 3),
        (format!("{}{EVENT}", "oh\n".repeat(STRANGE_LINES_MAX)), 1, STRANGE_LINES_MAX),
    ] {
        for chunk in [1, 5, 1 << 20] {
            let seen = read(text.as_bytes(), chunk);
            assert_eq!((seen.records.len(), seen.notes.len()), (n_records, n_notes), "{text}: {:?}", seen.notes);
            assert!(seen.notes.iter().all(|note| matches!(note, Note::Rejected { .. })), "{:?}", seen.notes);
        }
    }
    let many = format!("{}{EVENT}", "oh\n".repeat(STRANGE_LINES_MAX + 1));
    assert!(matches!(&read(many.as_bytes(), 1 << 20).notes[..], [Note::Unknown { .. }]));
    let long = format!("{}\n{EVENT}", "oh ".repeat(STRANGE_BYTES_MAX));
    assert!(matches!(&read(long.as_bytes(), 1 << 20).notes[..], [Note::Unknown { .. }]));
}

#[test]
fn digests_and_strangers_are_named() {
    let digest = r#"{"awsAccountId":"123456789012","digestStartTime":"2023-07-10T11:31:00Z","logFiles":[]}"#;
    assert_eq!(read(digest.as_bytes(), 9).notes, [Note::Digest]);
    assert!(matches!(&read(b"hello there", 99).notes[..], [Note::Unknown { .. }]));
    assert!(matches!(&read(b"{\"a\":1}", 99).notes[..], [Note::Unknown { .. }]));
}

#[test]
fn objects_of_which_none_is_a_record_are_no_log() {
    let strange = "{\"eventID\":\"1\",\"step\":\"x\"}\n";
    for chunk in [1, 7, 1 << 20] {
        let seen = read(strange.repeat(30).as_bytes(), chunk);
        assert!(matches!(&seen.notes[..], [Note::Unknown { .. }]), "{:?}", seen.notes);
        assert!(matches!(&read(format!("[{strange},{strange}]").as_bytes(), chunk).notes[..], [Note::Unknown { .. }]));
        // Among records each is one that cannot be read, and nothing behind it is lost.
        let seen = read(format!("{}{EVENT}\n{strange}", strange.repeat(30)).as_bytes(), chunk);
        assert_eq!((seen.records.len(), seen.notes.len()), (1, 31));
        assert!(seen.notes.iter().all(|note| matches!(note, Note::Rejected { .. })), "{:?}", seen.notes);
    }
    let much = strange.repeat(STRANGE_JSON_BYTES_MAX / strange.len() + 2);
    assert_eq!(read(format!("{much}{EVENT}").as_bytes(), 1 << 16).records.len(), 1);
}

#[test]
fn flow_logs_come_with_and_without_header() {
    let row = "2 123456789012 eni-0a 203.0.113.5 10.0.0.9 49152 22 6 1 40 1700000000 1700000060 ACCEPT OK";
    for text in [
        format!("{row}\n{row}\n"),
        format!(
            "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status\n{row}\n{row}"
        ),
    ] {
        for chunk in [1, 50, 1000] {
            let seen = read(text.as_bytes(), chunk);
            assert_eq!(seen.records, [row, row]);
            assert_eq!(seen.notes, []);
        }
    }
    let custom = "eni-0a ACCEPT 10.0.0.1 10.0.0.2 443 50000 OK";
    assert!(matches!(&read(custom.as_bytes(), 99).notes[..], [Note::Unknown { why }] if why.contains("--flow-format")));
}

proptest::proptest! {
    #[test]
    fn any_text_is_survived(text in "[\\[\\]{},:\"a0 \n]{0,60}|(\\{\"Records\":\\[|\\{\"detail\":|\\{\"logEvents\":\\[\\{\"message\":\"){1,3}[\\[\\]{},:\"a0 \n]{0,30}", chunk in 1usize..9) {
        read(text.as_bytes(), chunk);
    }
}
