//! Templates of JSON, in which `$word` stands for a value: `{"groupId":"$group"}`.
//!
//! Every word gets its value from the scene, so the same word says the same thing throughout one event.

use crate::actor::Names;
use crate::estate::{Estate, OUTSIDE, REGIONS};
use crate::rng::{below, join, mix, name};
use crate::time;
use std::io::Write;

/// The circumstances of one event.
pub struct Scene<'a> {
    pub estate: &'a Estate,
    pub region: usize,
    pub time_ms: i64,
    /// All that is random about this event.
    pub random: u64,
    /// The one who acts.
    pub names: &'a Names,
    /// Number of the key that the event issues, when it issues one.
    pub issued: u64,
}

impl Scene<'_> {
    pub fn region_name(&self) -> &'static str {
        REGIONS[self.region]
    }
}

/// Writes the template with its words replaced. Values are escaped as JSON strings are.
pub fn expand(out: &mut Vec<u8>, template: &str, scene: &Scene) {
    let mut rest = template;
    while let Some(at) = rest.find('$') {
        out.extend_from_slice(&rest.as_bytes()[..at]);
        let after = &rest[at + 1..];
        let end = after.bytes().position(|b| !b.is_ascii_lowercase() && !b.is_ascii_digit()).unwrap_or(after.len());
        if end == 0 {
            // `$LATEST` of Lambda is no word of ours.
            out.push(b'$');
        } else {
            value(out, &after[..end], scene);
        }
        rest = &after[end..];
    }
    out.extend_from_slice(rest.as_bytes());
}

fn value(out: &mut Vec<u8>, word: &str, scene: &Scene) {
    let random = join(scene.random, name(word));
    match word {
        "account" => put(out, &[scene.estate.account.id]),
        "short" => put(out, &[scene.estate.account.short]),
        "outside" => put(out, &[OUTSIDE]),
        "region" => put(out, &[scene.region_name()]),
        "zone" => put(out, &[scene.region_name(), "a"]),
        "user" => escape(out, &scene.names.user),
        "arn" => escape(out, &scene.names.arn),
        // A service names its sessions after what it runs.
        "session" if scene.names.arn.is_empty() => value(out, "function", scene),
        "session" => escape(out, &scene.names.user),
        "myrole" => escape(out, &scene.names.role),
        "myrolearn" => escape(out, &scene.names.role_arn),
        "principal" => escape(out, &scene.names.principal),
        "issueduser" => key_id(out, "AIDA", scene.issued),
        "deployerrole" => key_id(out, "AROA", name("dev-deployer")),
        "adminrole" => key_id(out, "AROA", name("OrganizationAccountAccessRole")),
        "shared" => uuid(out, scene.issued),
        "time" => time::iso(out, scene.time_ms),
        "date" => time::english(out, scene.time_ms, ""),
        "expiry" => time::english(out, scene.time_ms + time::HOUR_MS, ","),
        "epochms" => number(out, scene.time_ms),
        "asia" => key_id(out, "ASIA", scene.issued),
        "akia" => key_id(out, "AKIA", scene.issued),
        "anpa" => key_id(out, "ANPA", random),
        "aida" => key_id(out, "AIDA", random),
        "aroa" => key_id(out, "AROA", random),
        "token" => token(out, random, 344),
        "amzid" => token(out, random, 75),
        "port" => number(out, 1024 + below(random, 60_000)),
        "count" => number(out, 1 + below(random, 20)),
        "size" => number(out, 200 + below(below(random, 4_000_000), below(mix(random), 4_000_000) + 1)),
        "privateip" => private_address(out, random),
        "key" => object_key(out, random, scene.time_ms),
        _ => match scene.estate.thing(word, scene.region, random) {
            Some(thing) => escape(out, thing),
            None => fresh(out, word, random),
        },
    }
}

/// Identifiers of things that come to be with the event: `uuid`, `hex8` … `hex40`, and a digit or a letter after them for another one.
fn fresh(out: &mut Vec<u8>, word: &str, random: u64) {
    if word.starts_with("uuid") {
        return uuid(out, random);
    }
    let digits = word.strip_prefix("hex").map(|n| n.trim_end_matches(char::is_alphabetic));
    let digits = digits.and_then(|n| n.parse().ok());
    hex(out, random, digits.expect("a word of a template is known"));
}

pub fn put(out: &mut Vec<u8>, parts: &[&str]) {
    for part in parts {
        out.extend_from_slice(part.as_bytes());
    }
}

/// The inside of a JSON string.
pub fn escape(out: &mut Vec<u8>, text: &str) {
    let mut clean = 0;
    for (i, b) in text.bytes().enumerate() {
        if b >= 0x20 && b != b'"' && b != b'\\' {
            continue;
        }
        out.extend_from_slice(&text.as_bytes()[clean..i]);
        clean = i + 1;
        match b {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', b]),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            _ => write!(out, "\\u{b:04x}").expect("a Vec takes every write"),
        }
    }
    out.extend_from_slice(&text.as_bytes()[clean..]);
}

pub fn number(out: &mut Vec<u8>, n: impl std::fmt::Display) {
    write!(out, "{n}").expect("a Vec takes every write");
}

pub fn hex(out: &mut Vec<u8>, mut random: u64, digits: usize) {
    for i in 0..digits {
        if i % 16 == 0 {
            random = mix(random);
        }
        out.push(b"0123456789abcdef"[(random >> (i % 16 * 4) & 15) as usize]);
    }
}

/// A version 4 UUID.
pub fn uuid(out: &mut Vec<u8>, random: u64) {
    let start = out.len();
    hex(out, random, 32);
    out[start + 12] = b'4';
    out[start + 16] = b"89ab"[(random & 3) as usize];
    for at in [20, 16, 12, 8] {
        out.insert(start + at, b'-');
    }
}

/// A key or principal id: four letters and sixteen of A-Z and 2-7.
pub fn key_id(out: &mut Vec<u8>, prefix: &str, random: u64) {
    out.extend_from_slice(prefix.as_bytes());
    let bits = u128::from(mix(random)) << 64 | u128::from(mix(random ^ 0x5bd1));
    out.extend((0..16).map(|i| b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"[(bits >> (i * 5) & 31) as usize]));
}

pub fn key_text(prefix: &str, random: u64) -> String {
    let mut out = Vec::with_capacity(20);
    key_id(&mut out, prefix, random);
    String::from_utf8(out).expect("letters and digits")
}

/// Text in base 64, as session tokens are.
pub fn token(out: &mut Vec<u8>, mut random: u64, length: usize) {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for i in 0..length {
        if i % 10 == 0 {
            random = mix(random);
        }
        out.push(LETTERS[(random >> (i % 10 * 6) & 63) as usize]);
    }
    out.push(b'=');
}

fn private_address(out: &mut Vec<u8>, random: u64) {
    write!(out, "10.{}.{}.{}", below(random, 3) * 16, below(mix(random), 8), 10 + below(mix(random ^ 1), 240))
        .expect("a Vec takes every write");
}

fn object_key(out: &mut Vec<u8>, random: u64, time_ms: i64) {
    let tail = mix(random);
    let day = time::folder(time_ms - time::DAY_MS * below(random, 5) as i64);
    match below(tail, 1000) {
        0..500 => write!(out, "events/{day}/part-{:05}-{:08x}.parquet", below(random, 200), tail as u32),
        500..700 => write!(out, "uploads/{:02x}/{:08x}.jpg", tail as u8, random as u32),
        700..850 => write!(out, "exports/{day}/report-{}.csv", below(random, 900)),
        850..995 => write!(out, "config/{}.json", crate::estate::REGIONS[below(random, 4) as usize]),
        // Names that people give: quotes, letters beyond ASCII, a backslash.
        995..998 => write!(out, "shared/Übersicht \\\"Q{}\\\" – final.xlsx", below(random, 4) + 1),
        _ => write!(out, "shared/team\\\\notes {}.txt", below(random, 40)),
    }
    .expect("a Vec takes every write");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(template: &str, expected: &str) {
        let estate = Estate::new(7, 0);
        let [arn, role, role_arn, principal] = [const { String::new() }; 4];
        let names = Names { user: "o\"k\\\n\u{1}é".into(), arn, role, role_arn, principal };
        let scene =
            Scene { estate: &estate, region: 0, time_ms: 1_793_491_509_000, random: 1, names: &names, issued: 1 };
        let mut out = Vec::new();
        expand(&mut out, template, &scene);
        assert_eq!(String::from_utf8(out).expect("UTF-8"), expected);
    }

    #[test]
    fn words_are_replaced() {
        check("{\"a\":\"$account-$region\"}", "{\"a\":\"111122223333-eu-west-1\"}");
    }

    #[test]
    fn what_is_no_word_stays() {
        check("$LATEST $", "$LATEST $");
    }

    #[test]
    fn hostile_text_is_escaped() {
        check("\"$user\"", "\"o\\\"k\\\\\\n\\u0001é\"");
    }
}
