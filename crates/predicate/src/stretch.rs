//! A stretch of a pattern: what stands between two `*`, literal text and `?`. It matches a fixed number of characters.
//!
//! Texts come from strangers, so a search costs at most the length of the text for every 64 characters of the stretch.

use std::collections::HashMap;

use memchr::memmem;

use crate::pattern::Piece;

/// Up to so many steps, to try each place costs less than to prepare a search.
const TRY_EACH_MAX: usize = 1 << 16;

/// What follows the stretch at the start of the text.
pub(crate) fn strip<'t>(text: &'t str, stretch: &[Piece]) -> Option<&'t str> {
    let mut rest = text;
    for piece in stretch {
        rest = match piece {
            Piece::Text(literal) => rest.strip_prefix(&**literal)?,
            Piece::One => {
                let mut chars = rest.chars();
                chars.next()?;
                chars.as_str()
            }
            Piece::Run => rest,
        };
    }
    Some(rest)
}

/// What follows the leftmost place where the stretch matches.
pub(crate) fn find<'t>(text: &'t str, stretch: &[Piece]) -> Option<&'t str> {
    if let [Piece::Text(literal)] = stretch {
        return memmem::find(text.as_bytes(), literal.as_bytes()).map(|at| &text[at + literal.len()..]);
    }
    let n_chars = n_chars(stretch);
    if n_chars > text.len() {
        return None;
    }
    match text.len().saturating_mul(n_chars) <= TRY_EACH_MAX {
        true => {
            let mut starts = text.char_indices().map(|(at, _)| at).chain([text.len()]);
            starts.find_map(|at| strip(&text[at..], stretch))
        }
        false => find_in_long(text, stretch),
    }
}

/// Whether the text ends with the stretch.
pub(crate) fn is_end(text: &str, stretch: &[Piece]) -> bool {
    let Some(n_before_first) = n_chars(stretch).checked_sub(1) else { return true };
    let start = text.char_indices().rev().nth(n_before_first);
    start.is_some_and(|(at, _)| strip(&text[at..], stretch) == Some(""))
}

fn n_chars(stretch: &[Piece]) -> usize {
    let of_piece = |piece: &Piece| match piece {
        Piece::Text(literal) => literal.chars().count(),
        Piece::One => 1,
        Piece::Run => 0,
    };
    stretch.iter().map(of_piece).sum()
}

/// Follows all places at once: bit `n` says that the characters up to here match the first `n + 1` of the stretch
/// (the Shift-And method).
fn find_in_long<'t>(text: &'t str, stretch: &[Piece]) -> Option<&'t str> {
    let wanted = Wanted::of(stretch);
    let Some(last) = n_chars(stretch).checked_sub(1) else { return Some(text) };
    let mut matching = vec![0u64; last / 64 + 1];
    for (at, c) in text.char_indices() {
        // A match may begin at each character.
        let mut carried = 1;
        for (word, allowed) in matching.iter_mut().zip(wanted.at(c)) {
            let carry = *word >> 63;
            *word = (*word << 1 | carried) & allowed;
            carried = carry;
        }
        if matching[last / 64] >> (last % 64) & 1 == 1 {
            return Some(&text[at + c.len_utf8()..]);
        }
    }
    None
}

/// For each character the places of the stretch where it may stand, as bits.
struct Wanted {
    by_char: HashMap<char, Vec<u64>>,
    any_other: Vec<u64>,
}

impl Wanted {
    fn of(stretch: &[Piece]) -> Wanted {
        let mut places: HashMap<char, Vec<usize>> = HashMap::new();
        let mut ones = Vec::new();
        let mut at = 0;
        for piece in stretch {
            match piece {
                Piece::Text(literal) => {
                    for c in literal.chars() {
                        places.entry(c).or_default().push(at);
                        at += 1;
                    }
                }
                Piece::One => {
                    ones.push(at);
                    at += 1;
                }
                Piece::Run => {}
            }
        }
        let any_other = with_bits(vec![0; at.div_ceil(64)], &ones);
        let by_char = places.into_iter().map(|(c, places)| (c, with_bits(any_other.clone(), &places))).collect();
        Wanted { by_char, any_other }
    }

    fn at(&self, c: char) -> &[u64] {
        self.by_char.get(&c).unwrap_or(&self.any_other)
    }
}

fn with_bits(mut words: Vec<u64>, places: &[usize]) -> Vec<u64> {
    for place in places {
        words[place / 64] |= 1 << (place % 64);
    }
    words
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn stretch() -> impl Strategy<Value = Vec<Piece>> {
        let piece = prop_oneof![
            2 => "[abé]{1,3}".prop_map(|text| Piece::Text(text.into())),
            2 => Just(Piece::One),
            1 => Just(Piece::Text("ab".repeat(40).into())),
        ];
        prop::collection::vec(piece, 0..5)
    }

    proptest! {
        /// The search in long texts finds what trying each place finds.
        #[test]
        fn searches_agree(text in "((ab){0,50}[abcé]{0,6}){0,3}", stretch in stretch()) {
            prop_assert!(text.len() * n_chars(&stretch) <= TRY_EACH_MAX);
            prop_assert_eq!(find_in_long(&text, &stretch), find(&text, &stretch));
            let ends = (0..=text.len()).any(|at| text.get(at..).is_some_and(|end| strip(end, &stretch) == Some("")));
            prop_assert_eq!(is_end(&text, &stretch), ends || n_chars(&stretch) == 0);
        }
    }
}
