//! Takes a text apart into words, what stands between them, and what is surely no word.

use std::net::{Ipv4Addr, Ipv6Addr};

use crate::kind::number_of;

/// What a token is that varies by its nature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Mask {
    /// A word that differs; not found here.
    Token,
    /// A number, perhaps with a unit.
    Number,
    /// A date, a time of day or both.
    Time,
    /// An address, perhaps with a port or prefix length.
    Ip,
    /// A UUID.
    Uuid,
    /// Hexadecimal digits.
    Hex,
    /// The name of an AWS resource.
    Arn,
    /// A URL.
    Url,
    /// A path of files.
    Path,
    /// An address of mail.
    Email,
    /// Letters and digits that no person chose.
    Id,
}

impl Mask {
    /// What it is called in a template.
    pub fn name(self) -> &'static str {
        match self {
            Mask::Token => "Token",
            Mask::Number => "Number",
            Mask::Time => "Time",
            Mask::Ip => "IP",
            Mask::Uuid => "UUID",
            Mask::Hex => "Hex",
            Mask::Arn => "ARN",
            Mask::Url => "URL",
            Mask::Path => "Path",
            Mask::Email => "Email",
            Mask::Id => "Id",
        }
    }
}

/// A part of a text.
pub enum Part<'t> {
    /// Blanks and punctuation.
    Between(&'t str),
    /// A word.
    Word(&'t str),
    /// What is surely no word.
    Typed(Mask),
}

/// The parts of a text, in order.
pub fn split<'t>(text: &'t str, mut push: impl FnMut(Part<'t>)) {
    let mut rest = text;
    while !rest.is_empty() {
        let n_between = rest.find(|c| !is_between(c)).unwrap_or(rest.len());
        if n_between > 0 {
            push(Part::Between(&rest[..n_between]));
        }
        rest = &rest[n_between..];
        let n_word = rest.find(is_between).unwrap_or(rest.len());
        if n_word > 0 {
            push_chunk(&rest[..n_word], &mut push);
        }
        rest = &rest[n_word..];
    }
}

fn is_between(c: char) -> bool {
    c.is_whitespace()
        || matches!(c, '"' | '\'' | '`' | ',' | ';' | '=' | '|' | '\\' | '(' | ')' | '[' | ']' | '{' | '}' | '<' | '>')
}

/// A stretch without blanks and brackets: punctuation at its end is not part of it, and a colon separates what is not one thing.
fn push_chunk<'t>(chunk: &'t str, push: &mut impl FnMut(Part<'t>)) {
    let word = chunk.trim_end_matches(['.', ':', '!', '?']);
    if let Some(mask) = mask(word) {
        push(Part::Typed(mask));
    } else {
        for (i, piece) in word.split(':').enumerate() {
            if i > 0 {
                push(Part::Between(":"));
            }
            match mask(piece) {
                _ if piece.is_empty() => {}
                Some(mask) => push(Part::Typed(mask)),
                None => push(Part::Word(piece)),
            }
        }
    }
    if word.len() < chunk.len() {
        push(Part::Between(&chunk[word.len()..]));
    }
}

/// What the word is, if it is surely no word.
fn mask(word: &str) -> Option<Mask> {
    let first = *word.as_bytes().first()?;
    if word.starts_with("arn:") && word.matches(':').count() >= 5 {
        return Some(Mask::Arn);
    }
    if let Some((scheme, _)) = word.split_once("://") {
        return scheme
            .bytes()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, b'+' | b'-' | b'.'))
            .then_some(Mask::Url);
    }
    if (first == b'/' || word.starts_with("./") || word.starts_with("~/")) && word.len() > 1 {
        return Some(Mask::Path);
    }
    if word.bytes().any(|c| c.is_ascii_digit()) {
        return of_digits(word);
    }
    if is_ip(word) {
        return Some(Mask::Ip);
    }
    let (name, host) = word.split_once('@')?;
    (!name.is_empty() && host.contains('.') && !host.contains('@')).then_some(Mask::Email)
}

fn of_digits(word: &str) -> Option<Mask> {
    match () {
        () if is_number(word) => Some(Mask::Number),
        () if is_time(word) => Some(Mask::Time),
        () if is_ip(word) => Some(Mask::Ip),
        () if is_uuid(word) => Some(Mask::Uuid),
        () if is_hex(word) => Some(Mask::Hex),
        () if word.contains('@') && word.rsplit('@').next().is_some_and(|host| host.contains('.')) => Some(Mask::Email),
        () if is_id(word) => Some(Mask::Id),
        () => None,
    }
}

/// `12`, `-1.5`, `12ms`, `50%`, `$3`, `#7`.
fn is_number(word: &str) -> bool {
    let inside = word.strip_prefix(['#', '$']).unwrap_or(word);
    let digits = inside.trim_end_matches(|c: char| c.is_ascii_alphabetic() || c == '%');
    let n_unit = inside.len() - digits.len();
    n_unit <= 3 && !digits.is_empty() && digits.bytes().any(|c| c.is_ascii_digit()) && number_of(digits).is_some()
        || number_of(inside).is_some()
}

/// `2023-07-10`, `2023/07/10`, `2023-07-10T11:42:00.000Z`, `11:42:00,123`.
fn is_time(word: &str) -> bool {
    let bytes = word.as_bytes();
    let is_all = bytes
        .iter()
        .all(|c| c.is_ascii_digit() || matches!(c, b'-' | b'/' | b':' | b'.' | b'T' | b't' | b'Z' | b'z' | b'+'));
    let two = |at: usize| bytes.get(at..at + 2).is_some_and(|two| two.iter().all(u8::is_ascii_digit));
    let is_date = two(0)
        && two(2)
        && matches!(bytes.get(4), Some(b'-' | b'/'))
        && two(5)
        && bytes.get(7) == bytes.get(4)
        && two(8);
    let is_clock = two(0)
        && bytes.get(2) == Some(&b':')
        && two(3)
        && bytes.len() <= 15
        && matches!(bytes.get(5), None | Some(b':'));
    is_all && (is_date || is_clock)
}

fn is_ip(word: &str) -> bool {
    let bare = word.split('/').next().unwrap_or(word);
    let is4 = |text: &str| text.parse::<Ipv4Addr>().is_ok();
    is4(bare)
        || bare.rsplit_once(':').is_some_and(|(host, port)| is4(host) && port.bytes().all(|c| c.is_ascii_digit()))
        || (bare.matches(':').count() >= 2 && bare.parse::<Ipv6Addr>().is_ok())
}

fn is_uuid(word: &str) -> bool {
    let lengths = word.split('-').map(str::len);
    lengths.eq([8, 4, 4, 4, 12]) && word.bytes().all(|c| c.is_ascii_hexdigit() || c == b'-')
}

fn is_hex(word: &str) -> bool {
    let digits = word.strip_prefix("0x").unwrap_or(word);
    let n_min = if digits.len() < word.len() { 1 } else { 8 };
    digits.len() >= n_min && digits.bytes().all(|c| c.is_ascii_hexdigit())
}

/// Long, without a dot or slash inside, and with several changes between letters and digits, or with many digits.
fn is_id(word: &str) -> bool {
    let is_letter = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'_');
    if word.len() < 10 || !word.bytes().all(is_letter) {
        return false;
    }
    let n_digits = word.bytes().filter(u8::is_ascii_digit).count();
    let changes = word.as_bytes().windows(2).filter(|two| two[0].is_ascii_digit() != two[1].is_ascii_digit()).count();
    changes >= 4 || n_digits * 3 >= word.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_of_tokens() {
        for (word, expected) in [
            ("12", "Number"),
            ("-1.5e3", "Number"),
            ("12ms", "Number"),
            ("50%", "Number"),
            ("2023-07-10T11:42:00.000Z", "Time"),
            ("11:42:00", "Time"),
            ("2023/07/10", "Time"),
            ("10.0.0.1", "IP"),
            ("10.0.0.1:443", "IP"),
            ("10.0.0.0/8", "IP"),
            ("fe80::1", "IP"),
            ("::ffff", "IP"),
            ("123e4567-e89b-12d3-a456-426614174000", "UUID"),
            ("deadbeef01", "Hex"),
            ("0x1f", "Hex"),
            ("arn:aws:iam::123456789012:role/x", "ARN"),
            ("https://a.b/c?d", "URL"),
            ("/var/log/x", "Path"),
            ("a@b.c", "Email"),
            ("i-0abc123def456789z", "Id"),
            ("AKIAIOSFODNN7EXAMPLE", "-"),
            ("GetUser", "-"),
            ("us-east-1", "-"),
            ("ec2.amazonaws.com", "-"),
            ("v1.2.3", "-"),
            ("-", "-"),
            ("", "-"),
        ] {
            assert_eq!(mask(word).map_or("-", Mask::name), expected, "{word}");
        }
    }
}
