//! Groups texts by what they have in common: the `pattern` command.
//!
//! First what is surely no word is masked by its type: numbers, times, addresses, ids. Texts with the same mask are one from there on, and
//! only counted. Then masked texts of the same shape that share at least half of their words become one, and the words in which they differ
//! become `<Token-N>`. The outcome does not depend on the order of the texts unless there are more masked texts than fit into
//! [`MASKED_BYTES_MAX`]; then those so far are merged early, and what is left beyond it falls into one group of its own.

mod mask;

use std::collections::{BTreeMap, HashMap};

use mask::{Mask, Part};

/// How much of a text is looked at.
pub const TEXT_BYTES_MAX: usize = 8 << 10;
/// How much the masked texts may take before they are merged.
pub const MASKED_BYTES_MAX: usize = 64 << 20;
/// The most groups of one shape; a text that is like none of them joins the nearest.
const GROUPS_OF_SHAPE_MAX: usize = 100;

/// A group of texts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cluster {
    /// What they have in common, with `<Type-N>` for what differs.
    pub template: String,
    /// How many there are in each of two windows.
    pub counts: [u64; 2],
    /// How bad it sounds.
    pub severity: Severity,
}

/// What the words of a template say, as the console of AWS labels it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// It has the word error.
    Error,
    /// It has the word warn or warning.
    Warn,
    /// All else.
    Info,
}

impl Severity {
    /// The label.
    pub fn label(self) -> &'static str {
        match self {
            Severity::Error => "Error",
            Severity::Warn => "Warn",
            Severity::Info => "Info",
        }
    }

    /// What the words of a text say.
    pub fn of(text: &str) -> Severity {
        text.split(|c: char| !c.is_alphanumeric()).filter_map(Severity::of_word).min().unwrap_or(Severity::Info)
    }

    fn of_word(word: &str) -> Option<Severity> {
        let is = |other: &str| word.eq_ignore_ascii_case(other);
        match () {
            () if is("error") || is("errors") => Some(Severity::Error),
            () if is("warn") || is("warning") || is("warnings") => Some(Severity::Warn),
            () => None,
        }
    }
}

/// The groups of all the texts, the largest first.
pub fn cluster<'t>(texts: impl IntoIterator<Item = &'t str>) -> Vec<Cluster> {
    let mut clusters = Clusters::default();
    texts.into_iter().for_each(|text| clusters.add(text, 0));
    clusters.finish()
}

/// A masked text: what stands between the tokens, and the tokens.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Masked {
    parts: Vec<Token>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Token {
    /// Blanks and punctuation.
    Between(Box<str>),
    /// A word, by its number.
    Word(u32),
    /// What varies by its nature.
    Typed(Mask),
}

/// Texts so far.
#[derive(Debug, Default)]
pub struct Clusters {
    counts: HashMap<Masked, [u64; 2]>,
    words: Words,
    bytes: usize,
    /// Those that there was no room for.
    others: [u64; 2],
}

#[derive(Debug, Default)]
struct Words {
    numbers: HashMap<Box<str>, u32>,
    texts: Vec<Box<str>>,
}

impl Words {
    fn number(&mut self, word: &str) -> u32 {
        if let Some(number) = self.numbers.get(word) {
            return *number;
        }
        let number = self.texts.len() as u32;
        self.numbers.insert(word.into(), number);
        self.texts.push(word.into());
        number
    }
}

impl Clusters {
    /// Takes a text into account, in the first window or the second.
    pub fn add(&mut self, text: &str, window: usize) {
        let window = window.min(1);
        let text = &text[..text.floor_char_boundary(TEXT_BYTES_MAX)];
        let mut size = 64;
        let mut parts = Vec::new();
        mask::split(text, |part| {
            parts.push(match part {
                Part::Between(text) => {
                    size += text.len();
                    Token::Between(text.into())
                }
                Part::Word(word) => {
                    let n_words = self.words.texts.len();
                    let number = self.words.number(word);
                    // A new word is kept twice.
                    size += if self.words.texts.len() > n_words { 2 * word.len() + 64 } else { 0 };
                    Token::Word(number)
                }
                Part::Typed(mask) => Token::Typed(mask),
            });
        });
        size += parts.len() * size_of::<Token>();
        let masked = Masked { parts };
        if let Some(counts) = self.counts.get_mut(&masked) {
            counts[window] += 1;
            return;
        }
        if self.bytes + size > MASKED_BYTES_MAX {
            self.merge_early();
        }
        if self.bytes + size > MASKED_BYTES_MAX {
            self.others[window] += 1;
            return;
        }
        self.bytes += size;
        self.counts.insert(masked, std::array::from_fn(|i| u64::from(i == window)));
    }

    /// The groups, the largest first.
    pub fn finish(mut self) -> Vec<Cluster> {
        let mut out: BTreeMap<String, [u64; 2]> = BTreeMap::new();
        let merged = merge(std::mem::take(&mut self.counts), &self.words);
        for (masked, counts) in merged {
            let have = out.entry(masked.template(&self.words)).or_default();
            (0..2).for_each(|i| have[i] += counts[i]);
        }
        if self.others != [0; 2] {
            let have = out.entry("<Token-1>".to_owned()).or_default();
            (0..2).for_each(|i| have[i] += self.others[i]);
        }
        let of =
            |(template, counts): (String, [u64; 2])| Cluster { severity: Severity::of(&template), template, counts };
        let mut out: Vec<Cluster> = out.into_iter().map(of).collect();
        // The sort is stable, so ties stay in the order of their texts.
        out.sort_by_key(|cluster| std::cmp::Reverse(cluster.counts[0] + cluster.counts[1]));
        out
    }

    fn merge_early(&mut self) {
        let merged = merge(std::mem::take(&mut self.counts), &self.words);
        let old = std::mem::take(&mut self.words);
        self.bytes = 0;
        for (mut masked, counts) in merged {
            for part in &mut masked.parts {
                if let Token::Word(number) = part {
                    let word = &old.texts[*number as usize];
                    self.bytes += 2 * word.len() + 64;
                    *number = self.words.number(word);
                }
            }
            self.bytes += masked.parts.len() * size_of::<Token>() + 64;
            self.counts.insert(masked, counts);
        }
    }
}

impl Masked {
    /// The same without its words.
    fn shape(&self) -> Masked {
        let blank = |part: &Token| match part {
            Token::Word(_) | Token::Typed(Mask::Token) => Token::Typed(Mask::Token),
            other => other.clone(),
        };
        Masked { parts: self.parts.iter().map(blank).collect() }
    }

    fn template(&self, words: &Words) -> String {
        let mut out = String::new();
        let mut n_typed = 0;
        for part in &self.parts {
            match part {
                Token::Between(text) => out.push_str(text),
                Token::Word(number) => out.push_str(&words.texts[*number as usize]),
                Token::Typed(mask) => {
                    n_typed += 1;
                    out.push_str(&format!("<{}-{n_typed}>", mask.name()));
                }
            }
        }
        out
    }

    /// How many words are the same in both, of how many; nothing if they must stay apart.
    fn alike(&self, other: &Masked, words: &Words) -> Option<(usize, usize)> {
        let (mut n_same, mut n_all) = (0, 0);
        for pair in self.parts.iter().zip(&other.parts) {
            match pair {
                (Token::Word(a), Token::Word(b)) => {
                    n_all += 1;
                    n_same += usize::from(a == b);
                    let severity = |word: &u32| Severity::of_word(&words.texts[*word as usize]);
                    if a != b && severity(a) != severity(b) {
                        return None;
                    }
                }
                (Token::Word(word), Token::Typed(Mask::Token)) | (Token::Typed(Mask::Token), Token::Word(word)) => {
                    n_all += 1;
                    if Severity::of_word(&words.texts[*word as usize]).is_some() {
                        return None;
                    }
                }
                (Token::Typed(Mask::Token), Token::Typed(Mask::Token)) => n_all += 1,
                _ => {}
            }
        }
        Some((n_same, n_all))
    }

    fn absorb(&mut self, other: &Masked) {
        for (own, other) in self.parts.iter_mut().zip(&other.parts) {
            if own != other {
                *own = Token::Typed(Mask::Token);
            }
        }
    }
}

/// Makes one of those that share half of their words, the most frequent first.
fn merge(counts: HashMap<Masked, [u64; 2]>, words: &Words) -> Vec<(Masked, [u64; 2])> {
    let mut shapes: HashMap<Masked, Vec<(Masked, [u64; 2])>> = HashMap::new();
    for (masked, counts) in counts {
        shapes.entry(masked.shape()).or_default().push((masked, counts));
    }
    let mut out = Vec::new();
    for (_, mut members) in shapes {
        members.sort_by_cached_key(|(masked, counts)| {
            (std::cmp::Reverse(counts[0] + counts[1]), masked.template(words), masked.clone())
        });
        out.extend(merge_shape(members, words));
    }
    out
}

fn merge_shape(members: Vec<(Masked, [u64; 2])>, words: &Words) -> Vec<(Masked, [u64; 2])> {
    let mut groups: Vec<(Masked, [u64; 2])> = Vec::new();
    for (masked, counts) in members {
        let likeness = |group: &(Masked, [u64; 2])| group.0.alike(&masked, words);
        let likenesses = groups.iter().enumerate().filter_map(|(i, group)| Some((i, likeness(group)?)));
        // Of equally near ones the first, which is the most frequent.
        let nearest = likenesses.max_by_key(|(i, (n_same, _))| (*n_same, std::cmp::Reverse(*i)));
        let is_full = groups.len() >= GROUPS_OF_SHAPE_MAX;
        match nearest.filter(|(_, (n_same, n_all))| is_full || (2 * n_same >= *n_all && *n_same > 0)) {
            Some((at, _)) => {
                groups[at].0.absorb(&masked);
                (0..2).for_each(|i| groups[at].1[i] += counts[i]);
            }
            None => groups.push((masked, counts)),
        }
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(texts: &[&str], expected: &[(&str, u64)]) {
        let found = cluster(texts.iter().copied());
        let found: Vec<(&str, u64)> = found.iter().map(|c| (c.template.as_str(), c.counts[0])).collect();
        assert_eq!(found, expected);
        let reversed = cluster(texts.iter().rev().copied());
        let reversed: Vec<(&str, u64)> = reversed.iter().map(|c| (c.template.as_str(), c.counts[0])).collect();
        assert_eq!(reversed, expected, "the order of the texts tells nothing");
    }

    #[test]
    fn words_that_differ_become_tokens() {
        check(
            &[
                "user alice logged in from 10.0.0.1",
                "user bob logged in from 10.0.0.2",
                "user carol logged in from 192.168.1.1",
                "connection closed after 15 ms",
                "connection closed after 2.5 ms",
            ],
            &[("user <Token-1> logged in from <IP-2>", 3), ("connection closed after <Number-1> ms", 2)],
        );
    }

    #[test]
    fn the_level_of_a_message_stays() {
        check(
            &["ERROR disk is full", "WARN disk is full", "INFO disk is full", "INFO disk is empty"],
            &[("INFO disk is <Token-1>", 2), ("ERROR disk is full", 1), ("WARN disk is full", 1)],
        );
        assert_eq!(Severity::of("[ERROR] x"), Severity::Error);
        assert_eq!(Severity::of("a warning, no errorCode"), Severity::Warn);
        assert_eq!(Severity::of("x").label(), "Info");
    }

    #[test]
    fn json_is_taken_apart() {
        check(
            &[
                r#"{"eventTime":"2023-07-10T11:59:02Z","eventName":"GetUser","account":"123456789012","arn":"arn:aws:iam::123456789012:user/a"}"#,
                r#"{"eventTime":"2023-07-10T12:00:00Z","eventName":"ListUsers","account":"123456789012","arn":"arn:aws:iam::123456789012:user/b"}"#,
            ],
            &[(r#"{"eventTime":"<Time-1>","eventName":"<Token-2>","account":"<Number-3>","arn":"<ARN-4>"}"#, 2)],
        );
    }

    #[test]
    fn hostile_texts_stay_small() {
        let huge = "x".repeat(1 << 20);
        assert_eq!(cluster([huge.as_str(), "", "\u{1F600}", " "]).iter().map(|c| c.counts[0]).sum::<u64>(), 4);
        let many: Vec<String> =
            (0..20_000).map(|i| format!("w{i}x {} {}", "a".repeat(i % 50), "é".repeat(i % 7))).collect();
        let total: u64 = cluster(many.iter().map(String::as_str)).iter().map(|c| c.counts[0]).sum();
        assert_eq!(total, 20_000);
    }

    #[test]
    fn windows_are_counted_apart() {
        let mut clusters = Clusters::default();
        clusters.add("took 1 ms", 0);
        clusters.add("took 2 ms", 1);
        clusters.add("took 3 ms", 1);
        assert_eq!(clusters.finish()[0].counts, [1, 2]);
    }
}
