//! Objects and arrays, walked where they lie.

use std::borrow::Cow;
use std::ops::Range;

use event::scan::{ScanError, blanks, colon, key, skip, string};
use event::value::unescape;

/// Calls `each` with the name and the place of each member of the object at `at`, and gives its end.
pub(crate) fn members<'t>(
    text: &'t [u8],
    at: usize,
    mut each: impl FnMut(Cow<'t, str>, Range<usize>),
) -> Result<usize, ScanError> {
    let mut at = blanks(text, at + 1);
    if text.get(at) == Some(&b'}') {
        return Ok(at + 1);
    }
    loop {
        let (key_end, _) = key(text, at)?;
        let name = text_of(text, at..key_end).ok_or(ScanError::Bad { at, what: "a key that is not UTF-8" })?;
        let value = colon(text, key_end)?;
        let end = skip(text, value, 1)?;
        each(name, value..end);
        at = blanks(text, end);
        match text.get(at) {
            Some(b',') => at = blanks(text, at + 1),
            Some(b'}') => return Ok(at + 1),
            Some(_) => return Err(ScanError::Bad { at, what: "a comma or `}` is due" }),
            None => return Err(ScanError::Incomplete),
        }
    }
}

/// Calls `each` with the place of each element of the array at `at`, and gives its end.
pub(crate) fn elements(text: &[u8], at: usize, mut each: impl FnMut(Range<usize>)) -> Result<usize, ScanError> {
    let mut at = blanks(text, at + 1);
    if text.get(at) == Some(&b']') {
        return Ok(at + 1);
    }
    loop {
        let end = skip(text, at, 1)?;
        each(at..end);
        at = blanks(text, end);
        match text.get(at) {
            Some(b',') => at = blanks(text, at + 1),
            Some(b']') => return Ok(at + 1),
            Some(_) => return Err(ScanError::Bad { at, what: "a comma or `]` is due" }),
            None => return Err(ScanError::Incomplete),
        }
    }
}

/// What the string at this place says; nothing if it is no string, or not UTF-8.
pub(crate) fn text_of(text: &[u8], place: Range<usize>) -> Option<Cow<'_, str>> {
    if text.get(place.start) != Some(&b'"') {
        return None;
    }
    let (end, is_escaped) = string(text, place.start).ok()?;
    let inside = std::str::from_utf8(&text[place.start + 1..end - 1]).ok()?;
    Some(if is_escaped { Cow::Owned(unescape(inside)) } else { Cow::Borrowed(inside) })
}

/// What the string, number or literal at this place says; nothing if it is null, has parts, or is not UTF-8.
pub(crate) fn scalar_of(text: &[u8], place: Range<usize>) -> Option<Cow<'_, str>> {
    match text.get(place.start)? {
        b'{' | b'[' | b'n' => None,
        b'"' => text_of(text, place),
        _ => std::str::from_utf8(&text[place]).ok().map(Cow::Borrowed),
    }
}

/// This text as a JSON string.
pub(crate) fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
