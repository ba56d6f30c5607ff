//! Text patterns: literal text, any run (`*`) and any one character (`?`), with or without regard to letter case.

use std::borrow::Cow;

use crate::stretch;

/// The longest pattern of a rule in bytes, a wildcard counted as one: what a search costs grows with it.
pub const PATTERN_BYTES_MAX: usize = 4096;

/// Up to this length of a text, a search that prepares nothing is the fastest.
const SHORT_BYTES_MAX: usize = 1024;

/// Whether letter case counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Case {
    /// `a` differs from `A`.
    Sensitive,
    /// Letters are compared in their lower-case form, Unicode's simple one.
    Insensitive,
}

impl Case {
    /// The text in the form in which it is compared.
    pub fn fold(self, text: &str) -> Cow<'_, str> {
        match self {
            Case::Sensitive => Cow::Borrowed(text),
            Case::Insensitive if text.is_ascii() => {
                if text.bytes().any(|b| b.is_ascii_uppercase()) {
                    Cow::Owned(text.to_ascii_lowercase())
                } else {
                    Cow::Borrowed(text)
                }
            }
            Case::Insensitive => Cow::Owned(text.chars().flat_map(char::to_lowercase).collect()),
        }
    }
}

/// A piece of a pattern.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Piece {
    /// This text, folded where case does not count.
    Text(Box<str>),
    /// Any characters, or none.
    Run,
    /// Any one character.
    One,
}

/// A pattern that a whole text matches or not.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Pattern {
    pieces: Box<[Piece]>,
    case: Case,
}

impl Pattern {
    /// A pattern of pieces; text is folded, neighbours of one kind are merged.
    pub fn new(pieces: impl IntoIterator<Item = Piece>, case: Case) -> Pattern {
        let mut out: Vec<Piece> = Vec::new();
        for piece in pieces {
            match (out.last_mut(), piece) {
                (_, Piece::Text(text)) if text.is_empty() => {}
                (Some(Piece::Text(have)), Piece::Text(more)) => *have = format!("{have}{}", case.fold(&more)).into(),
                (Some(Piece::Run), Piece::Run) => {}
                (_, Piece::Text(text)) => out.push(Piece::Text(case.fold(&text).into())),
                (_, other) => out.push(other),
            }
        }
        Pattern { pieces: out.into(), case }
    }

    /// Exactly this text.
    pub fn exact(text: &str, case: Case) -> Pattern {
        Pattern::new([Piece::Text(text.into())], case)
    }

    /// This text somewhere.
    pub fn contains(text: &str, case: Case) -> Pattern {
        Pattern::new([Piece::Run, Piece::Text(text.into()), Piece::Run], case)
    }

    /// The same pattern with any run before it.
    pub fn after_anything(self) -> Pattern {
        let case = self.case;
        Pattern::new(std::iter::once(Piece::Run).chain(self.pieces), case)
    }

    /// The same pattern with any run after it.
    pub fn before_anything(self) -> Pattern {
        let case = self.case;
        Pattern::new(self.pieces.into_iter().chain([Piece::Run]), case)
    }

    /// The pieces.
    pub fn pieces(&self) -> &[Piece] {
        &self.pieces
    }

    /// How long it is, a wildcard counted as one byte.
    pub fn n_bytes(&self) -> usize {
        self.pieces.iter().map(|piece| if let Piece::Text(text) = piece { text.len() } else { 1 }).sum()
    }

    /// Whether letter case counts.
    pub fn case(&self) -> Case {
        self.case
    }

    /// The one text that matches, in folded form, when there is just one.
    pub fn as_exact(&self) -> Option<&str> {
        match &*self.pieces {
            [] => Some(""),
            [Piece::Text(text)] => Some(text),
            _ => None,
        }
    }

    /// Whether the whole text matches.
    #[inline]
    pub fn matches(&self, text: &str) -> bool {
        match (&*self.pieces, self.case) {
            // The common shapes, without a folded copy of the text.
            ([Piece::Text(literal)], Case::Insensitive) if text.is_ascii() => literal.eq_ignore_ascii_case(text),
            ([Piece::Text(literal), Piece::Run], Case::Insensitive) if text.is_ascii() => {
                text.len() >= literal.len() && text.as_bytes()[..literal.len()].eq_ignore_ascii_case(literal.as_bytes())
            }
            ([Piece::Run, Piece::Text(literal)], Case::Insensitive) if text.is_ascii() => {
                text.len() >= literal.len()
                    && text.as_bytes()[text.len() - literal.len()..].eq_ignore_ascii_case(literal.as_bytes())
            }
            ([Piece::Run, Piece::Text(literal), Piece::Run], Case::Insensitive)
                if text.len() <= SHORT_BYTES_MAX && text.is_ascii() =>
            {
                contains_caseless(text.as_bytes(), literal.as_bytes())
            }
            _ => self.matches_folded(&self.case.fold(text)),
        }
    }

    /// Whether a text that is folded already matches.
    pub fn matches_folded(&self, text: &str) -> bool {
        // The stretches between runs match leftmost, which is never worse than further right.
        let mut stretches = self.pieces.split(|p| *p == Piece::Run);
        let first = stretches.next().unwrap_or(&[]);
        let Some(mut rest) = stretch::strip(text, first) else { return false };
        let mut stretches: Vec<&[Piece]> = stretches.collect();
        let Some(last) = stretches.pop() else { return rest.is_empty() };
        for stretch in stretches {
            match stretch::find(rest, stretch) {
                Some(after) => rest = after,
                None => return false,
            }
        }
        stretch::is_end(rest, last)
    }
}

/// Whether a folded literal is somewhere in an ASCII text. No folded copy is made, and no search prepared, so the text must be short.
fn contains_caseless(text: &[u8], literal: &[u8]) -> bool {
    let Some(first) = literal.first() else { return true };
    let Some(last_start) = text.len().checked_sub(literal.len()) else { return false };
    let starts = memchr::memchr2_iter(*first, first.to_ascii_uppercase(), &text[..=last_start]);
    starts.into_iter().any(|at| text[at..at + literal.len()].eq_ignore_ascii_case(literal))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn glob(text: &str) -> Pattern {
        let pieces = text.chars().map(|c| match c {
            '*' => Piece::Run,
            '?' => Piece::One,
            c => Piece::Text(c.to_string().into()),
        });
        Pattern::new(pieces, Case::Insensitive)
    }

    #[test]
    fn globs_match_the_whole_text() {
        for (pattern, text, wanted) in [
            ("abc", "ABC", true),
            ("abc", "abcd", false),
            ("*bc", "aabc", true),
            ("a*", "a", true),
            ("a*a", "a", false),
            ("a*b*c", "a-b-b-c", true),
            ("a?c", "aéc", true),
            ("?", "", false),
            ("*?x?*", "axb", true),
            ("*?x?*", "xb", false),
            ("*", "", true),
            ("", "", true),
            ("", "a", false),
            ("*ab?", "abxaby", true),
            ("*bc*", "ABC", true),
            ("*bc*", "xbBC", true),
            ("*bc*", "b", false),
            ("*bc*", "bb-c", false),
            ("*é*", "e", false),
            ("straSSe*", "STRAßE", false),
        ] {
            assert_eq!(glob(pattern).matches(text), wanted, "{pattern} on {text}");
        }
    }
    /// Each would take minutes if its cost were the length of the pattern times that of the text.
    #[test]
    fn long_patterns_on_long_texts_cost_little() {
        let many_a = "a".repeat(5_000_000);
        let ones = |n: usize| "a?".repeat(n);
        for pattern in [
            format!("*{}b*", "a".repeat(4_000)),
            format!("*{}b", "a".repeat(4_000)),
            format!("*{}*b", "?".repeat(4_000)),
            format!("*{}b*", ones(200)),
            format!("{}b", "*a".repeat(2_000)),
        ] {
            assert!(!glob(&pattern).matches(&many_a), "{pattern}");
        }
        assert!(glob(&format!("*{}*", ones(2_000))).matches(&many_a));
        assert!(glob(&format!("*{}a", ones(2_000))).matches(&many_a));
    }
}
