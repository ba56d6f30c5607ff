//! The text of a value: wildcards, escapes, and the modifiers that change it.

use std::collections::BTreeMap;

use crate::pattern::Piece;

use super::encode;
use super::modifier::Transform;

/// What `windash` puts in place of a dash: hyphen, slash, en dash, em dash, horizontal bar.
const DASHES: [char; 5] = ['-', '/', '\u{2013}', '\u{2014}', '\u{2015}'];

/// A text with wildcards, before it has a letter case.
pub(super) type Pieces = Vec<Piece>;

/// Why a value cannot be changed so.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Mistake {
    /// No list of this name is configured.
    NoPlaceholder(String),
    /// The modifier encodes bytes, which a wildcard has none of.
    WildcardInEncoding,
    /// More variants than may be.
    TooMany,
}

/// Reads `*` and `?` as wildcards, and `\` as an escape before them and before itself.
pub(super) fn pieces(text: &str) -> Pieces {
    let mut out = Pieces::new();
    let mut literal = String::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let wildcard = match c {
            '\\' => {
                literal.push(chars.next_if(|next| matches!(next, '\\' | '*' | '?')).unwrap_or('\\'));
                continue;
            }
            '*' => Piece::Run,
            '?' => Piece::One,
            other => {
                literal.push(other);
                continue;
            }
        };
        flush(&mut literal, &mut out);
        out.push(wildcard);
    }
    flush(&mut literal, &mut out);
    out
}

fn flush(literal: &mut String, out: &mut Pieces) {
    if !literal.is_empty() {
        out.push(Piece::Text(std::mem::take(literal).into()));
    }
}

/// The variants of a value after all changes; `n_max` bounds them.
pub(super) fn variants(
    text: &str,
    transforms: &[Transform],
    placeholders: &BTreeMap<String, Vec<String>>,
    n_max: usize,
) -> Result<Vec<Pieces>, Mistake> {
    // Placeholders stand in the text as written, where `\%` is told from `%`.
    let mut out = match transforms.contains(&Transform::Expand) {
        true => expand(text, placeholders, n_max)?.iter().map(|text| pieces(text)).collect(),
        false => vec![pieces(text)],
    };
    let mut encoding: Option<Transform> = None;
    for transform in transforms {
        out = match transform {
            Transform::Expand => out,
            Transform::Windash => multiply(&out, |pieces, room| windash(pieces, room), n_max)?,
            Transform::Utf16Le | Transform::Utf16Be | Transform::Utf16 => {
                encoding = Some(*transform);
                out
            }
            Transform::Base64 | Transform::Base64Offset => {
                multiply(&out, |pieces, _| base64(pieces, encoding, *transform), n_max)?
            }
        };
    }
    Ok(out)
}

fn multiply(values: &[Pieces], each: impl Fn(&Pieces, usize) -> Result<Vec<Pieces>, Mistake>, n_max: usize) -> Result<Vec<Pieces>, Mistake> {
    let mut out = Vec::new();
    for value in values {
        out.extend(each(value, n_max.saturating_sub(out.len()))?);
    }
    if out.len() > n_max { Err(Mistake::TooMany) } else { Ok(out) }
}

/// Puts the configured values in place of each `%name%`; the result is still text in which wildcards work.
pub(super) fn expand(text: &str, placeholders: &BTreeMap<String, Vec<String>>, n_max: usize) -> Result<Vec<String>, Mistake> {
    let mut out = vec![String::new()];
    let mut rest = text;
    while let Some(at) = rest.find(['%', '\\']) {
        append(&mut out, &rest[..at]);
        rest = &rest[at..];
        let name = rest.strip_prefix('%').and_then(|behind| behind.split_once('%'));
        if let Some(behind) = rest.strip_prefix("\\%") {
            append(&mut out, "%");
            rest = behind;
        } else if let Some((name, behind)) = name.filter(|(name, _)| is_name(name)) {
            let values = placeholders.get(name).filter(|values| !values.is_empty());
            let values = values.ok_or_else(|| Mistake::NoPlaceholder(name.to_owned()))?;
            if out.len().saturating_mul(values.len()) > n_max {
                return Err(Mistake::TooMany);
            }
            out = out.iter().flat_map(|before| values.iter().map(move |value| format!("{before}{value}"))).collect();
            rest = behind;
        } else {
            // A backslash and what it escapes, or a percent sign that opens nothing.
            let length = if rest.starts_with("\\\\") { 2 } else { 1 };
            append(&mut out, &rest[..length]);
            rest = &rest[length..];
        }
    }
    append(&mut out, rest);
    Ok(out)
}

fn append(all: &mut [String], text: &str) {
    all.iter_mut().for_each(|have| have.push_str(text));
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | ':'))
}

/// Each dash or slash that begins an option is replaced by each kind of dash, independently of the others.
fn windash(value: &Pieces, n_max: usize) -> Result<Vec<Pieces>, Mistake> {
    let mut out: Vec<Pieces> = vec![Vec::new()];
    for piece in value {
        let Piece::Text(text) = piece else {
            out.iter_mut().for_each(|pieces| pieces.push(piece.clone()));
            continue;
        };
        let mut texts = vec![String::new()];
        let mut before: Option<char> = None;
        let mut chars = text.chars().peekable();
        while let Some(c) = chars.next() {
            let begins_option = matches!(c, '-' | '/') && !before.is_some_and(is_word) && chars.peek().is_some_and(|next| is_word(*next));
            if begins_option {
                if texts.len().saturating_mul(out.len()).saturating_mul(DASHES.len()) > n_max {
                    return Err(Mistake::TooMany);
                }
                texts = texts.iter().flat_map(|text| DASHES.map(|dash| format!("{text}{dash}"))).collect();
            } else {
                texts.iter_mut().for_each(|text| text.push(c));
            }
            before = Some(c);
        }
        out = out.iter().flat_map(|pieces| texts.iter().map(|text| with(pieces, text))).collect();
    }
    Ok(out)
}

fn with(pieces: &Pieces, text: &str) -> Pieces {
    let mut pieces = pieces.clone();
    pieces.push(Piece::Text(text.into()));
    pieces
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn base64(value: &Pieces, encoding: Option<Transform>, transform: Transform) -> Result<Vec<Pieces>, Mistake> {
    let mut text = String::new();
    for piece in value {
        let Piece::Text(literal) = piece else { return Err(Mistake::WildcardInEncoding) };
        text.push_str(literal);
    }
    let bytes = match encoding {
        Some(Transform::Utf16Le) => encode::utf16_le(&text),
        Some(Transform::Utf16Be) => encode::utf16_be(&text),
        Some(Transform::Utf16) => encode::utf16_marked(&text),
        _ => text.into_bytes(),
    };
    let texts = match transform {
        Transform::Base64Offset => encode::base64_offsets(&bytes).to_vec(),
        _ => vec![encode::base64(&bytes)],
    };
    Ok(texts.into_iter().map(|text| vec![Piece::Text(text.into())]).collect())
}
