//! What was found in the texts that came last.
//!
//! A few user agents, ARNs and messages make up most of a log, and to know a text again costs less than to search it for many pieces.

use super::texts::caseless_hash;

/// Texts that are known, at most; a new one takes the place of an old one.
const TEXTS_MAX: usize = 4096;
/// Longer texts are searched each time.
const TEXT_BYTES_MAX: usize = 512;
/// What has more found in it is searched each time.
const RULES_MAX: usize = 64;

/// Rules by the text that they were found in, for several places that look for different things.
#[derive(Debug)]
pub struct Seen {
    known: Vec<Known>,
    last: Vec<u32>,
}

#[derive(Clone, Debug, Default)]
struct Known {
    /// The number of the place that looked, plus one; 0 for none.
    place: u32,
    text: String,
    rules: Box<[u32]>,
}

impl Seen {
    /// Nothing known yet, for so many places.
    pub fn new(n_places: u32) -> Seen {
        let n_texts = if n_places == 0 { 0 } else { TEXTS_MAX };
        Seen { known: vec![Known::default(); n_texts], last: Vec::new() }
    }

    /// What this place finds in the text, searched for only when it is not known.
    #[inline]
    pub fn rules(&mut self, place: u32, text: &str, search: impl FnOnce(&mut Vec<u32>)) -> &[u32] {
        let at = (caseless_hash(text.as_bytes()) ^ u64::from(place).wrapping_mul(0x9E37_79B1)) as usize % TEXTS_MAX;
        if self.known[at].place == place + 1 && self.known[at].text == text {
            return &self.known[at].rules;
        }
        self.last.clear();
        search(&mut self.last);
        if text.len() <= TEXT_BYTES_MAX && self.last.len() <= RULES_MAX {
            let known = &mut self.known[at];
            known.place = place + 1;
            known.text.clear();
            known.text.push_str(text);
            known.rules = self.last.as_slice().into();
        }
        &self.last
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_is_not_searched_again() {
        let mut seen = Seen::new(2);
        let find = |rules: &'static [u32]| move |found: &mut Vec<u32>| found.extend_from_slice(rules);
        assert_eq!(seen.rules(0, "aws-cli", find(&[7])), [7]);
        assert_eq!(seen.rules(0, "aws-cli", |_| panic!("known")), [7]);
        // Another place looks for other things, and other letters may hold others.
        assert!(seen.rules(1, "aws-cli", find(&[])).is_empty());
        assert_eq!(seen.rules(0, "AWS-cli", find(&[8])), [8]);
    }

    #[test]
    fn what_is_large_is_not_kept() {
        let mut seen = Seen::new(1);
        let long = "x".repeat(TEXT_BYTES_MAX + 1);
        for _ in 0..2 {
            let mut n_searches = 0;
            seen.rules(0, &long, |_| n_searches += 1);
            seen.rules(0, "many", |found| {
                n_searches += 1;
                found.resize(RULES_MAX + 1, 0);
            });
            assert_eq!(n_searches, 2);
        }
    }
}
