//! JSON texts, walked without building anything; checked on the way.

use super::ScanError;
use super::keys::word;
use super::slots::Kind;
use crate::value::{DEPTH_MAX, number_length};

/// The offset of the next byte that is not a blank.
#[inline]
pub fn blanks(text: &[u8], mut at: usize) -> usize {
    while let Some(b' ' | b'\n' | b'\r' | b'\t') = text.get(at) {
        at += 1;
    }
    at
}

/// The end of the key at `at`, and whether it holds escapes.
#[inline]
pub fn key(text: &[u8], at: usize) -> Result<(usize, bool), ScanError> {
    match text.get(at) {
        Some(b'"') => string(text, at),
        Some(_) => Err(ScanError::Bad { at, what: "a key is due" }),
        None => Err(ScanError::Incomplete),
    }
}

/// The offset of the value behind the colon that is due at `at`.
#[inline]
pub fn colon(text: &[u8], at: usize) -> Result<usize, ScanError> {
    let at = blanks(text, at);
    match text.get(at) {
        Some(b':') => Ok(blanks(text, at + 1)),
        Some(_) => Err(ScanError::Bad { at, what: "a colon is due" }),
        None => Err(ScanError::Incomplete),
    }
}

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGHS: u64 = 0x8080_8080_8080_8080;

/// Marks bytes that end a plain stretch of a string: `"`, `\` and control characters. The lowest mark is exact.
#[inline]
fn marks(eight: u64) -> u64 {
    let quote = eight ^ (ONES * b'"' as u64);
    let backslash = eight ^ (ONES * b'\\' as u64);
    let zero_in = |w: u64| w.wrapping_sub(ONES) & !w;
    let control = eight.wrapping_sub(ONES * 0x20) & !eight;
    (zero_in(quote) | zero_in(backslash) | control) & HIGHS
}

/// The offset behind the string that begins at `at`, and whether it holds escapes.
#[inline]
pub fn string(text: &[u8], at: usize) -> Result<(usize, bool), ScanError> {
    let mut at = at + 1;
    let mut escaped = false;
    loop {
        while at + 8 <= text.len() {
            let found = marks(word(text, at));
            if found != 0 {
                at += (found.trailing_zeros() / 8) as usize;
                break;
            }
            at += 8;
        }
        match text.get(at) {
            Some(b'"') => return Ok((at + 1, escaped)),
            Some(b'\\') => {
                escaped = true;
                at = escape(text, at)?;
            }
            Some(c) if *c < 0x20 => return Err(ScanError::Bad { at, what: "a control character in a string" }),
            Some(_) => at += 1,
            None => return Err(ScanError::Incomplete),
        }
    }
}

fn escape(text: &[u8], at: usize) -> Result<usize, ScanError> {
    match text.get(at + 1) {
        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => Ok(at + 2),
        Some(b'u') => {
            for i in at + 2..at + 6 {
                match text.get(i) {
                    Some(c) if c.is_ascii_hexdigit() => {}
                    Some(_) => return Err(ScanError::Bad { at, what: "no such escape" }),
                    None => return Err(ScanError::Incomplete),
                }
            }
            Ok(at + 6)
        }
        Some(_) => Err(ScanError::Bad { at, what: "no such escape" }),
        None => Err(ScanError::Incomplete),
    }
}

/// The offset behind the number or literal at `at`, and what it is.
pub(super) fn scalar(text: &[u8], at: usize) -> Result<(usize, Kind), ScanError> {
    let rest = &text[at..];
    for (literal, kind) in [(&b"null"[..], Kind::Null), (b"true", Kind::True), (b"false", Kind::False)] {
        if rest.starts_with(literal) {
            return Ok((at + literal.len(), kind));
        }
        if literal.starts_with(rest) {
            return Err(ScanError::Incomplete);
        }
    }
    match number_length(rest) {
        // A number at the very end may go on in the next chunk.
        Some(length) if length == rest.len() => Err(ScanError::Incomplete),
        Some(length) => Ok((at + length, Kind::Number)),
        None if rest.len() < 32
            && rest.iter().all(|c| c.is_ascii_digit() || matches!(c, b'-' | b'+' | b'.' | b'e' | b'E')) =>
        {
            Err(ScanError::Incomplete)
        }
        None => Err(ScanError::Bad { at, what: "a value is due" }),
    }
}

/// The offset behind the value at `at`, whatever it is; checks that it is JSON.
pub fn skip(text: &[u8], at: usize, depth: usize) -> Result<usize, ScanError> {
    // One bit a level: 1 for an object, 0 for an array.
    let mut kinds: u128 = 0;
    let mut levels = 0usize;
    let mut at = at;
    'value: loop {
        match *text.get(at).ok_or(ScanError::Incomplete)? {
            b'"' => at = string(text, at)?.0,
            open @ (b'{' | b'[') => {
                levels += 1;
                if depth + levels > DEPTH_MAX {
                    return Err(ScanError::Bad { at, what: "nested too deep" });
                }
                kinds = kinds << 1 | u128::from(open == b'{');
                at = blanks(text, at + 1);
                let close = if open == b'{' { b'}' } else { b']' };
                if text.get(at) != Some(&close) {
                    if open == b'{' {
                        at = colon(text, key(text, at)?.0)?;
                    }
                    continue 'value;
                }
                at += 1;
                kinds >>= 1;
                levels -= 1;
            }
            _ => at = scalar(text, at)?.0,
        }
        loop {
            if levels == 0 {
                return Ok(at);
            }
            at = blanks(text, at);
            let in_object = kinds & 1 == 1;
            match (*text.get(at).ok_or(ScanError::Incomplete)?, in_object) {
                (b',', true) => {
                    at = blanks(text, at + 1);
                    at = colon(text, key(text, at)?.0)?;
                    continue 'value;
                }
                (b',', false) => {
                    at = blanks(text, at + 1);
                    continue 'value;
                }
                (b'}', true) | (b']', false) => {
                    at += 1;
                    kinds >>= 1;
                    levels -= 1;
                }
                _ => return Err(ScanError::Bad { at, what: "a comma or the end of the object or array is due" }),
            }
        }
    }
}
