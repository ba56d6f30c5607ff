//! IAM's patterns: `*` is any run of characters, `?` any one, and nothing escapes them.

use predicate::pattern::{Case, Pattern, Piece};

/// Reads one. Letter case counts in some places and not in others; it is disregarded in all, which matches no less.
pub fn glob(text: &str) -> Pattern {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find(is_wildcard) {
        pieces.push(Piece::Text(rest[..at].into()));
        pieces.push(if rest[at..].starts_with('*') { Piece::Run } else { Piece::One });
        rest = &rest[at + 1..];
    }
    pieces.push(Piece::Text(rest.into()));
    Pattern::new(pieces, Case::Insensitive)
}

/// Whether the text holds `*` or `?`.
pub fn has_wildcard(text: &str) -> bool {
    text.contains(is_wildcard)
}

/// How many characters stand before the first wildcard.
pub fn n_fixed_first(text: &str) -> usize {
    text.chars().take_while(|c| !is_wildcard(*c)).count()
}

fn is_wildcard(c: char) -> bool {
    matches!(c, '*' | '?')
}
