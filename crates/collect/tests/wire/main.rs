//! What comes over the network: each protocol's cases, and any bytes.
#![allow(clippy::unwrap_used)]

mod bounds;
mod random;

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cases::Case;
use collect::firehose::{self, Headers};
use collect::syslog::{Framer, Time};
use collect::{hec, syslog};

/// When everything arrives: 2026-11-24T12:00:00Z.
const NOW_MS: i64 = 1_795_521_600_000;

#[test]
fn protocols() {
    cases::run(concat!(env!("CARGO_MANIFEST_DIR"), "/cases"), |case| {
        let mut out = String::new();
        match case.blocks[0].0.split(' ').next().unwrap() {
            "firehose" => firehose_case(case, &mut out),
            "hec" => hec_case(case, &mut out),
            "syslog" => case.all("syslog").flat_map(str::lines).for_each(|line| message(&unescape(line), &mut out)),
            "stream" => stream_case(case, &mut out),
            other => panic!("no such block: {other}"),
        }
        out
    });
}

/// `\n`, `\r`, `\0` and `\xHH` stand for bytes.
fn unescape(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'\\' => match bytes.next() {
                Some(b'n') => out.push(b'\n'),
                Some(b'r') => out.push(b'\r'),
                Some(b'0') => out.push(0),
                Some(b'x') => {
                    let digits = [bytes.next().unwrap(), bytes.next().unwrap()];
                    out.push(u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap());
                }
                other => out.extend([b'\\'].into_iter().chain(other)),
            },
            byte => out.push(byte),
        }
    }
    out
}

fn shown(bytes: &[u8]) -> String {
    bytes.escape_ascii().to_string().replace("\\'", "'").replace("\\\"", "\"")
}

fn firehose_case(case: &Case, out: &mut String) {
    let header = |name: &str| case.block(&format!("firehose {name}")).map(str::trim);
    let headers = Headers {
        request_id: header("id"),
        access_key: None,
        common_attributes: header("attributes"),
        source_arn: header("arn"),
        content_encoding: header("encoding"),
    };
    let body = match case.block("firehose base64") {
        Some(packed) => STANDARD.decode(packed.trim()).unwrap(),
        None => case.block("firehose").unwrap().trim_end().as_bytes().to_vec(),
    };
    match firehose::parse(&headers, &body, &firehose::Limits::default()) {
        Ok(batch) => {
            for (number, bytes) in batch.records() {
                writeln!(out, "record {number}: {}", shown(bytes)).unwrap();
            }
            for poison in &batch.poison {
                let number = poison.record.map_or("request".into(), |number| format!("record {number}"));
                writeln!(out, "poison, {number}: {}: {}", poison.why, shown(&poison.bytes)).unwrap();
            }
            for (name, value) in &batch.attributes {
                writeln!(out, "attribute {name} = {value}").unwrap();
            }
            for note in &batch.notes {
                writeln!(out, "note: {note}").unwrap();
            }
            if let Some(at) = batch.timestamp_ms {
                writeln!(out, "at {at}").unwrap();
            }
            let answer = firehose::accepted(&batch.request_id, NOW_MS);
            writeln!(out, "{} {}", answer.status, answer.body).unwrap();
        }
        Err(refusal) => {
            let answer = firehose::refused(headers.request_id.unwrap_or_default(), NOW_MS, &refusal);
            writeln!(out, "{} {}", answer.status, answer.body).unwrap();
        }
    }
}

fn metadata(metadata: &hec::Metadata) -> String {
    let mut out = String::new();
    if let Some(time_ms) = metadata.time_ms {
        write!(out, " time={time_ms}").unwrap();
    }
    let texts = [&metadata.host, &metadata.source, &metadata.sourcetype, &metadata.index];
    for (name, text) in ["host", "source", "sourcetype", "index"].iter().zip(texts) {
        if let Some(text) = text {
            write!(out, " {name}={text}").unwrap();
        }
    }
    for (name, value) in &metadata.fields {
        write!(out, " {name}:{value}").unwrap();
    }
    out
}

fn answered(answer: hec::Answer, out: &mut String) {
    writeln!(out, "{} {}", answer.status, answer.body).unwrap();
}

fn hec_case(case: &Case, out: &mut String) {
    for line in case.all("hec paths").flat_map(str::lines) {
        writeln!(out, "{line}: {:?}", hec::endpoint(line)).unwrap();
    }
    for line in case.all("hec authorization").flat_map(str::lines) {
        let said = if line == "none" { None } else { Some(line) };
        match hec::token(said) {
            Ok(token) => writeln!(out, "token {token}").unwrap(),
            Err(code) => answered(code.answer(), out),
        }
    }
    for line in case.all("hec query").flat_map(str::lines) {
        let query = hec::query(line);
        writeln!(out, "query{} token={:?}", metadata(&query.metadata), query.token).unwrap();
        match hec::channel(None, &query) {
            Ok(channel) => writeln!(out, "channel {channel:?}").unwrap(),
            Err(code) => answered(code.answer(), out),
        }
    }
    for body in case.all("hec event") {
        let body = unescape(body.trim_end_matches('\n'));
        let batch = hec::events(&body, &hec::Limits::default());
        for event in &batch.events {
            writeln!(out, "event {}{}", shown(event.text.as_bytes()), metadata(&event.metadata)).unwrap();
        }
        match &batch.mistake {
            Some(mistake) => {
                writeln!(out, "rest {}", shown(mistake.rest)).unwrap();
                answered(mistake.answer(), out);
            }
            None => answered(hec::success(None), out),
        }
    }
    for body in case.all("hec raw") {
        match hec::raw(&unescape(body.trim_end_matches('\n'))) {
            Ok(pieces) => pieces.iter().for_each(|piece| writeln!(out, "piece {}", shown(piece)).unwrap()),
            Err(code) => answered(code.answer(), out),
        }
    }
    for body in case.all("hec ack") {
        match hec::acks(body.as_bytes()) {
            Ok(ids) => answered(hec::acknowledged(&ids.iter().map(|id| (*id, id % 2 == 0)).collect::<Vec<_>>()), out),
            Err(code) => answered(code.answer(), out),
        }
    }
    if case.block("hec codes").is_some() {
        hec::Code::ALL.iter().for_each(|code| answered(code.answer(), out));
        answered(hec::Code::InvalidDataFormat.answer_about(3), out);
        answered(hec::success(Some(7)), out);
    }
}

fn message(bytes: &[u8], out: &mut String) {
    let message = syslog::parse(bytes);
    write!(out, "{:?}", message.form).unwrap();
    if let Some((facility, severity)) = message.priority {
        write!(out, " priority={facility}.{severity}").unwrap();
    }
    match message.time {
        Some(time @ Time::At(_)) => write!(out, " at={}", time.us(0)).unwrap(),
        Some(time) => write!(out, " at={} ({time:?})", time.us(NOW_MS * 1_000)).unwrap(),
        None => {}
    }
    let words = [&message.host, &message.app, &message.procid, &message.msgid];
    for (name, word) in ["host", "app", "procid", "msgid"].iter().zip(words) {
        if let Some(word) = word {
            write!(out, " {name}={word}").unwrap();
        }
    }
    for element in &message.data {
        write!(out, " [{}", element.id).unwrap();
        element.params.iter().for_each(|(name, value)| write!(out, " {name}={value:?}").unwrap());
        out.push(']');
    }
    writeln!(out, " | {}", shown(message.text)).unwrap();
}

fn stream_case(case: &Case, out: &mut String) {
    let bytes_max = case.block("stream max").map_or(100, |max| max.trim().parse().unwrap());
    let mut framer = Framer::new(bytes_max);
    for line in case.all("stream").flat_map(str::lines) {
        framer.push(&unescape(line));
        while let Some(frame) = framer.next() {
            writeln!(out, "{:?} {}", frame.framing, shown(&frame.bytes)).unwrap();
        }
        writeln!(out, "…").unwrap();
    }
    framer.finish();
    while let Some(frame) = framer.next() {
        writeln!(out, "{:?} {}", frame.framing, shown(&frame.bytes)).unwrap();
    }
}
