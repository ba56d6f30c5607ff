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

/// The most variants of one value.
pub(super) const VARIANTS_MAX: usize = 4096;
/// The most bytes of them together: a long text has fewer variants.
const VARIANTS_BYTES_MAX: usize = 1 << 20;

/// Whether so many variants of a text may be made.
fn afford(n_variants: usize, text: &str) -> Result<(), Mistake> {
    let too_many = n_variants > VARIANTS_MAX || n_variants.saturating_mul(text.len()) > VARIANTS_BYTES_MAX;
    if too_many && n_variants > 1 { Err(Mistake::TooMany) } else { Ok(()) }
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

/// The variants of a value after all changes.
pub(super) fn variants(
    text: &str,
    transforms: &[Transform],
    placeholders: &BTreeMap<String, Vec<String>>,
) -> Result<Vec<Pieces>, Mistake> {
    // Placeholders stand in the text as written, where `\%` is told from `%`.
    let texts = match transforms.contains(&Transform::Expand) {
        true => expand(text, placeholders)?,
        false => vec![text.to_owned()],
    };
    let mut out: Vec<Pieces> = texts.iter().map(|text| pieces(text)).collect();
    let mut encoding: Option<Transform> = None;
    for transform in transforms {
        match transform {
            Transform::Expand => {}
            Transform::Windash => out = each(&out, |pieces| windash(pieces, texts.len()))?,
            Transform::Utf16Le | Transform::Utf16Be | Transform::Utf16 => encoding = Some(*transform),
            Transform::Base64 | Transform::Base64Offset => {
                out = each(&out, |pieces| base64(pieces, encoding, *transform))?
            }
        }
    }
    Ok(out)
}

fn each(values: &[Pieces], change: impl Fn(&Pieces) -> Result<Vec<Pieces>, Mistake>) -> Result<Vec<Pieces>, Mistake> {
    let mut out = Vec::new();
    for value in values {
        out.extend(change(value)?);
    }
    Ok(out)
}

/// Puts the configured values in place of each `%name%`; the result is still text in which wildcards work.
pub(super) fn expand(text: &str, placeholders: &BTreeMap<String, Vec<String>>) -> Result<Vec<String>, Mistake> {
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
            let longest = values.iter().max_by_key(|value| value.len()).map_or("", |value| value);
            let n_variants = out.len().saturating_mul(values.len());
            afford(n_variants, text)?;
            afford(n_variants, &format!("{}{longest}", out[0]))?;
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
/// `n_values` are changed in the same way, and all count.
fn windash(value: &Pieces, n_values: usize) -> Result<Vec<Pieces>, Mistake> {
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
            let begins_option = matches!(c, '-' | '/')
                && !before.is_some_and(is_word)
                && chars.peek().is_some_and(|next| is_word(*next));
            if begins_option {
                let n_variants = texts.len().saturating_mul(out.len()).saturating_mul(DASHES.len());
                afford(n_variants.saturating_mul(n_values), text)?;
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
