//! Folded texts, found by a text in any letter case.

use crate::pattern::Case;

/// A map from folded texts.
#[derive(Debug)]
pub struct Texts<T> {
    /// Indexes into `entries`, plus one; a power of two of them, at most half full.
    table: Box<[u32]>,
    entries: Vec<(Box<str>, T)>,
    /// A bit for each length that a text has, 63 standing for all above: most values need no more than this look.
    lengths: u64,
}

impl<T> Texts<T> {
    /// A map of texts, all folded and no two alike.
    pub fn new(entries: Vec<(Box<str>, T)>) -> Texts<T> {
        let size = (entries.len() * 2).next_power_of_two().max(2);
        let mut table = vec![0u32; size];
        for (i, (text, _)) in entries.iter().enumerate() {
            let mut at = caseless_hash(text.as_bytes()) as usize & (size - 1);
            while table[at] != 0 {
                at = (at + 1) & (size - 1);
            }
            table[at] = i as u32 + 1;
        }
        let lengths = entries.iter().fold(0, |lengths, (text, _)| lengths | length_bit(text.as_bytes()));
        Texts { table: table.into(), entries, lengths }
    }

    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// What lies behind a text, in whatever letter case it is written.
    #[inline]
    pub fn find(&self, text: &str) -> Option<&T> {
        match text.is_ascii() {
            true => self.find_folded_but_for_ascii(text.as_bytes()),
            false => self.find_folded_but_for_ascii(Case::Insensitive.fold(text).as_bytes()),
        }
    }

    #[inline]
    fn find_folded_but_for_ascii(&self, text: &[u8]) -> Option<&T> {
        if self.lengths & length_bit(text) == 0 {
            return None;
        }
        let mask = self.table.len() - 1;
        let mut at = caseless_hash(text) as usize & mask;
        loop {
            let i = self.table[at] as usize;
            if i == 0 {
                return None;
            }
            let (have, behind) = &self.entries[i - 1];
            if have.as_bytes().eq_ignore_ascii_case(text) {
                return Some(behind);
            }
            at = (at + 1) & mask;
        }
    }
}

#[inline]
fn length_bit(text: &[u8]) -> u64 {
    1 << text.len().min(63)
}

/// A hash that does not see the letter case of ASCII: the bit that tells the cases apart is set in every byte.
#[inline]
pub fn caseless_hash(text: &[u8]) -> u64 {
    const LOWER: u64 = 0x2020_2020_2020_2020;
    let mix = |hash: u64, word: u64| (hash.rotate_left(23) ^ (word | LOWER)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    // Two hashes side by side, since each step of one waits for the step before.
    let (mut even, mut odd) = (text.len() as u64, 0);
    for pair in text.as_chunks::<8>().0.chunks(2) {
        even = mix(even, u64::from_le_bytes(pair[0]));
        odd = pair.get(1).map_or(odd, |eight| mix(odd, u64::from_le_bytes(*eight)));
    }
    // The end is read together with what lies before it, which costs less than to copy a few bytes.
    let half = |four: &[u8; 4]| u64::from(u32::from_le_bytes(*four));
    let end = match (text.last_chunk(), text.first_chunk(), text.last_chunk(), text) {
        (Some(eight), ..) => u64::from_le_bytes(*eight),
        (_, Some(first), Some(last), _) => half(first) << 32 | half(last),
        (.., [first, .., last]) => u64::from(*first) << 16 | u64::from(text[text.len() / 2]) << 8 | u64::from(*last),
        (.., [one]) => u64::from(*one),
        (.., []) => 0,
    };
    let hash = mix(even ^ odd.rotate_left(17), end);
    hash ^ (hash >> 32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_found_in_any_letter_case() {
        let all = ["", "a", "ab", "abc", "abcd", "abcdefg", "abcdefgh", "abcdefghi", "straße", "10.0.0.1"];
        let texts = Texts::new(all.iter().zip(0..).map(|(text, i)| ((*text).into(), i)).collect());
        for (text, i) in all.iter().zip(0..) {
            assert_eq!(texts.find(text), Some(&i), "{text}");
            assert_eq!(texts.find(&text.to_uppercase().replace("SS", "ß")), Some(&i), "{text}");
        }
        assert_eq!(texts.find("abce"), None);
        assert_eq!(texts.find("abcdefghj"), None);
    }
}
