//! What a JSON object is: a record, or an envelope with records in it, told by its keys.

use std::borrow::Cow;

use event::scan::{ScanError, blanks, colon, key, skip, string};
use event::value::unescape;

/// What the elements of an array are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Elements {
    /// Records, for sure.
    Records,
    /// Records or envelopes.
    Values,
    /// Objects with a record as text under this key.
    TextUnder(&'static str),
}

/// What an object is.
pub enum Seen {
    Record,
    /// An envelope with the record under this name, here.
    Inside(&'static str, usize),
    /// An envelope with a list of records under this name, whose first element is due here.
    List(&'static str, Elements, usize),
    /// An envelope with the record as text under this name.
    Text(&'static str),
    /// An envelope with base64 of gzip.
    Packed,
    Digest,
    Other,
}

/// What the elements of a list under a name are.
pub fn elements_under(name: &str) -> Option<Elements> {
    match name {
        "Records" => Some(Elements::Records),
        "Events" => Some(Elements::TextUnder("CloudTrailEvent")),
        "events" | "logEvents" => Some(Elements::TextUnder("message")),
        _ => None,
    }
}

/// The name that the key at `at` stands for.
pub fn name_of(text: &[u8], at: usize, key_end: usize, is_escaped: bool) -> Cow<'_, [u8]> {
    let inside = &text[at + 1..key_end - 1];
    match std::str::from_utf8(inside) {
        Ok(inside) if is_escaped => Cow::Owned(unescape(inside).into_bytes()),
        _ => Cow::Borrowed(inside),
    }
}

/// Reads keys until one tells what the object is; usually the first does.
pub fn recognise(text: &[u8], at: usize) -> Result<Seen, ScanError> {
    let mut at = blanks(text, at + 1);
    if text.get(at) == Some(&b'}') {
        return Ok(Seen::Other);
    }
    loop {
        let (key_end, is_escaped) = key(text, at)?;
        let value = colon(text, key_end)?;
        let kind = *text.get(value).ok_or(ScanError::Incomplete)?;
        let list = |name: &'static str| {
            let elements = elements_under(name).unwrap_or(Elements::Values);
            Ok(Seen::List(name, elements, value + 1))
        };
        match (&*name_of(text, at, key_end, is_escaped), kind) {
            (b"Records", b'[') => return list("Records"),
            (b"Events", b'[') => return list("Events"),
            (b"events", b'[') => return list("events"),
            (b"logEvents", b'[') => return list("logEvents"),
            (b"CloudTrailEvent", b'"') => return Ok(Seen::Text("CloudTrailEvent")),
            (b"message", b'"') => return Ok(Seen::Text("message")),
            (b"detail", b'{') => return Ok(Seen::Inside("detail", value)),
            (b"event", b'{') => return Ok(Seen::Inside("event", value)),
            (b"awslogs", b'{') => {
                let (data, _) = members(text, value, "data")?;
                return Ok(if data.is_empty() { Seen::Other } else { Seen::Packed });
            }
            (b"digestS3Bucket" | b"digestStartTime" | b"digestEndTime" | b"previousDigestS3Bucket", _) => {
                return Ok(Seen::Digest);
            }
            (
                b"eventVersion" | b"eventName" | b"eventTime" | b"eventSource" | b"eventType" | b"eventCategory"
                | b"userIdentity" | b"insightDetails" | b"requestParameters" | b"awsRegion",
                _,
            ) => return Ok(Seen::Record),
            _ => {}
        }
        at = blanks(text, skip(text, value, 0)?);
        match text.get(at) {
            Some(b',') => at = blanks(text, at + 1),
            Some(b'}') => return Ok(Seen::Other),
            Some(_) => return Err(ScanError::Bad { at, what: "a comma or `}` is due" }),
            None => return Err(ScanError::Incomplete),
        }
    }
}

/// The texts of these members of the object at `at`, of those that stand before `end`; empty where there is none.
pub fn texts_before<const N: usize>(text: &[u8], at: usize, end: usize, names: [&str; N]) -> [String; N] {
    let mut found = [const { String::new() }; N];
    let mut read = |mut at: usize| -> Result<(), ScanError> {
        loop {
            let (key_end, _) = key(text, at)?;
            let value = colon(text, key_end)?;
            if value + 1 >= end {
                return Ok(());
            }
            if let Some(which) = names.iter().position(|name| &text[at + 1..key_end - 1] == name.as_bytes())
                && text.get(value) == Some(&b'"')
            {
                let (value_end, _) = string(text, value)?;
                found[which] = unescape(&String::from_utf8_lossy(&text[value + 1..value_end - 1]));
            }
            at = blanks(text, blanks(text, skip(text, value, 0)?) + 1);
        }
    };
    // The members were read once already, so there is no mistake in them.
    let _ = read(blanks(text, at + 1));
    found
}

/// The values of the members of this name of the object at `at`, and the end of the object.
pub fn members(text: &[u8], at: usize, name: &str) -> Result<(Vec<usize>, usize), ScanError> {
    let end = skip(text, at, 0)?;
    let mut found = Vec::new();
    let mut at = blanks(text, at + 1);
    while text[at] == b'"' {
        let (key_end, is_escaped) = key(text, at)?;
        let value = colon(text, key_end)?;
        if *name_of(text, at, key_end, is_escaped) == *name.as_bytes() {
            found.push(value);
        }
        at = blanks(text, skip(text, value, 0)?);
        at = blanks(text, at + usize::from(text[at] == b','));
    }
    Ok((found, end))
}
