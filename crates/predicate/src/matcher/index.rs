//! From the values of an event to the predicates that can hold: a discrimination network.
//!
//! A level looks at a few slots. Behind each known text of a slot lie the predicates that need it;
//! where these are many, they are a level of their own, over the slots not yet looked at.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use aho_corasick::{AhoCorasick, AhoCorasickBuilder, AhoCorasickKind};
use event::layout::Fields;
use event::scan::{Slot, Slots, Span};

use super::Scratch;
use super::clause::Clause;
use crate::pattern::Case;
use crate::test::Number;

/// Fewer predicates than this are decided one by one.
const LEVEL_SIZE_MIN: usize = 6;
/// Deeper than this no level has much to tell apart.
const LEVELS_MAX: usize = 4;

/// Predicates by what they need.
#[derive(Debug)]
pub struct Index {
    top: Level,
    reads_first: BTreeSet<Slot>,
}

#[derive(Debug, Default)]
struct Level {
    by_text: Vec<ByText>,
    by_part: Vec<ByPart>,
    always: Box<[u32]>,
}

/// What lies behind a text.
#[derive(Debug)]
enum Behind {
    Rules(Box<[u32]>),
    Level(Box<Level>),
}

#[derive(Debug)]
struct ByText {
    slot: Slot,
    texts: Texts,
    numbers: HashMap<i128, Behind>,
}

/// Predicates whose values are found by a piece of text in them.
#[derive(Debug)]
struct ByPart {
    slot: Slot,
    parts: AhoCorasick,
    behind: Vec<Box<[u32]>>,
}

/// A predicate while the index is built: its number and the clauses not used yet.
#[derive(Clone)]
struct Entry {
    rule: u32,
    clauses: Vec<Clause>,
}

impl Index {
    /// Arranges predicates by their clauses.
    pub fn new(clauses: Vec<Vec<Clause>>) -> Index {
        let entries = clauses.into_iter().zip(0..).map(|(clauses, rule)| Entry { rule, clauses }).collect();
        let top = Level::new(entries, 0);
        let reads_first = top.by_text.iter().map(|b| b.slot).chain(top.by_part.iter().map(|b| b.slot)).collect();
        Index { top, reads_first }
    }

    pub fn reads_first(&self, slot: Slot) -> bool {
        self.reads_first.contains(&slot)
    }

    pub fn n_always(&self) -> usize {
        self.top.always.len()
    }

    /// Calls `try_rule` once for each predicate that can hold.
    pub fn candidates(
        &self,
        fields: &mut Fields<'_>,
        scratch: &mut Scratch,
        try_rule: &mut impl FnMut(u32, &mut Fields<'_>, &mut [u64]),
    ) {
        self.top.candidates(fields, scratch, try_rule);
    }
}

impl Level {
    fn new(mut entries: Vec<Entry>, depth: usize) -> Level {
        let mut level = Level::default();
        if depth < LEVELS_MAX && (depth == 0 || entries.len() >= LEVEL_SIZE_MIN) {
            while let Some(slot) = best_slot(&entries, Clause::is_exact) {
                let (with, without) = split(entries, slot, Clause::is_exact);
                level.by_text.push(ByText::new(slot, with, depth));
                entries = without;
            }
            while let Some(slot) = best_slot(&entries, Clause::is_textual) {
                let (with, without) = split(entries, slot, Clause::is_textual);
                entries = without;
                match ByPart::new(slot, &with) {
                    Some(by_part) => level.by_part.push(by_part),
                    None => {
                        // Too large for one automaton: decided one by one.
                        entries.extend(with.into_iter().map(|(_, entry)| Entry { clauses: Vec::new(), ..entry }));
                    }
                }
            }
        }
        level.always = entries.iter().map(|entry| entry.rule).collect();
        level
    }

    fn candidates(
        &self,
        fields: &mut Fields<'_>,
        scratch: &mut Scratch,
        try_rule: &mut impl FnMut(u32, &mut Fields<'_>, &mut [u64]),
    ) {
        for by_text in &self.by_text {
            for nth in 0.. {
                let (slots, raw) = fields.at(by_text.slot);
                let Some((span, has_more)) = slots.nth(by_text.slot, nth) else { break };
                for behind in by_text.find(slots, span, raw).into_iter().flatten() {
                    match behind {
                        Behind::Rules(rules) => offer(rules, fields, scratch, try_rule),
                        Behind::Level(level) => level.candidates(fields, scratch, try_rule),
                    }
                }
                if !has_more {
                    break;
                }
            }
        }
        for by_part in &self.by_part {
            let mut found = Vec::new();
            let (slots, raw) = fields.at(by_part.slot);
            for span in slots.spans(by_part.slot) {
                by_part.find(slots, span, raw, &mut scratch.folded, &mut found);
            }
            for part in found {
                offer(&by_part.behind[part], fields, scratch, try_rule);
            }
        }
        offer(&self.always, fields, scratch, try_rule);
    }
}

fn offer(
    rules: &[u32],
    fields: &mut Fields<'_>,
    scratch: &mut Scratch,
    try_rule: &mut impl FnMut(u32, &mut Fields<'_>, &mut [u64]),
) {
    for rule in rules {
        let tried = &mut scratch.tried[*rule as usize];
        if std::mem::replace(tried, fields.epoch()) != fields.epoch() {
            try_rule(*rule, fields, &mut scratch.answers);
        }
    }
}

/// The slot by which most predicates can be told apart: many of them name it, with many different texts.
fn best_slot(entries: &[Entry], usable: impl Fn(&Clause) -> bool) -> Option<Slot> {
    let mut by_slot: BTreeMap<Slot, (f64, BTreeSet<Cow<'_, str>>)> = BTreeMap::new();
    for entry in entries {
        let mut slots: Vec<Slot> = Vec::new();
        for clause in entry.clauses.iter().filter(|c| usable(c)) {
            let (count, texts) = by_slot.entry(clause.slot).or_default();
            texts.extend(clause.texts.iter().chain(&clause.parts).map(|text| Cow::Borrowed(text.as_str())));
            texts.extend(clause.numbers.iter().map(|n| Cow::Owned(n.to_string())));
            if !slots.contains(&clause.slot) {
                slots.push(clause.slot);
                *count += 1.0;
            }
        }
    }
    let score = |(count, texts): &(f64, BTreeSet<Cow<'_, str>>)| count * (1.0 + texts.len() as f64).ln();
    by_slot.iter().max_by(|a, b| score(a.1).total_cmp(&score(b.1)).then(b.0.cmp(a.0))).map(|(slot, _)| *slot)
}

type WithClause = (Clause, Entry);

/// Takes out the predicates that have a usable clause on the slot, each with its narrowest.
fn split(entries: Vec<Entry>, slot: Slot, usable: impl Fn(&Clause) -> bool) -> (Vec<WithClause>, Vec<Entry>) {
    let mut with = Vec::new();
    let mut without = Vec::new();
    for mut entry in entries {
        let narrowest = entry.clauses.iter().filter(|c| c.slot == slot && usable(c)).min_by_key(|c| c.len()).cloned();
        match narrowest {
            Some(clause) => {
                entry.clauses.retain(|c| c.slot != slot);
                with.push((clause, entry));
            }
            None => without.push(entry),
        }
    }
    (with, without)
}

impl ByText {
    fn new(slot: Slot, with: Vec<WithClause>, depth: usize) -> ByText {
        let mut by_text: BTreeMap<String, Vec<Entry>> = BTreeMap::new();
        let mut by_number: BTreeMap<i128, Vec<Entry>> = BTreeMap::new();
        for (clause, entry) in with {
            for text in clause.texts.into_iter().collect::<BTreeSet<String>>() {
                by_text.entry(text).or_default().push(entry.clone());
            }
            for number in clause.numbers.into_iter().collect::<BTreeSet<i128>>() {
                by_number.entry(number).or_default().push(entry.clone());
            }
        }
        let behind = |entries: Vec<Entry>| {
            if entries.len() < LEVEL_SIZE_MIN {
                Behind::Rules(entries.iter().map(|e| e.rule).collect())
            } else {
                Behind::Level(Box::new(Level::new(entries, depth + 1)))
            }
        };
        ByText {
            slot,
            texts: Texts::new(by_text.into_iter().map(|(text, entries)| (text.into(), behind(entries))).collect()),
            numbers: by_number.into_iter().map(|(number, entries)| (number, behind(entries))).collect(),
        }
    }

    /// What lies behind the value as a text, and as a number.
    #[inline]
    fn find(&self, slots: &Slots, span: Span, raw: &str) -> [Option<&Behind>; 2] {
        if let Some(text) = slots.plain(span, raw)
            && text.is_ascii()
        {
            return [self.texts.find_ascii(text.as_bytes()), self.find_number(text)];
        }
        let view = slots.view(span, raw);
        let Some(text) = view.scalar_text() else { return [None, None] };
        [self.texts.find_ascii(Case::Insensitive.fold(text).as_bytes()), self.find_number(text)]
    }

    #[inline]
    fn find_number(&self, text: &str) -> Option<&Behind> {
        if self.numbers.is_empty() || !text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '-' | '+' | '.')) {
            return None;
        }
        match Number::parse(text)? {
            Number::Whole(n) => self.numbers.get(&n),
            Number::Float(_) => None,
        }
    }
}

impl ByPart {
    fn new(slot: Slot, with: &[WithClause]) -> Option<ByPart> {
        let mut by_part: BTreeMap<&str, BTreeSet<u32>> = BTreeMap::new();
        for (clause, entry) in with {
            for part in clause.parts.iter().chain(&clause.texts) {
                by_part.entry(part).or_default().insert(entry.rule);
            }
        }
        // An empty text is in every value, also in those that the automaton does not see.
        if by_part.contains_key("") {
            return None;
        }
        let parts = AhoCorasickBuilder::new()
            .ascii_case_insensitive(true)
            .kind((by_part.len() < 500).then_some(AhoCorasickKind::DFA))
            .build(by_part.keys())
            .ok()?;
        let behind = by_part.values().map(|rules| rules.iter().copied().collect()).collect();
        Some(ByPart { slot, parts, behind })
    }

    fn find(&self, slots: &Slots, span: Span, raw: &str, folded: &mut String, found: &mut Vec<usize>) {
        if let Some(text) = slots.plain(span, raw)
            && text.is_ascii()
        {
            self.search(text, found);
            return;
        }
        match slots.view(span, raw) {
            event::value::View::Json(text) => {
                folded.clear();
                folded.push_str(&Case::Insensitive.fold(&text));
            }
            view => {
                let Some(text) = view.scalar_text() else { return };
                folded.clear();
                folded.push_str(&Case::Insensitive.fold(text));
            }
        }
        self.search(folded, found);
    }

    #[inline]
    fn search(&self, text: &str, found: &mut Vec<usize>) {
        for part in self.parts.find_overlapping_iter(text) {
            found.push(part.pattern().as_usize());
        }
    }
}

/// A map from folded texts that is asked with ASCII text in any letter case, or with folded text.
#[derive(Debug)]
struct Texts {
    /// Indexes into `entries`, plus one; a power of two of them, at most half full.
    table: Box<[u32]>,
    entries: Vec<(Box<str>, Behind)>,
}

impl Texts {
    fn new(entries: Vec<(Box<str>, Behind)>) -> Texts {
        let size = (entries.len() * 2).next_power_of_two().max(2);
        let mut table = vec![0u32; size];
        for (i, (text, _)) in entries.iter().enumerate() {
            let mut at = caseless_hash(text.as_bytes()) as usize & (size - 1);
            while table[at] != 0 {
                at = (at + 1) & (size - 1);
            }
            table[at] = i as u32 + 1;
        }
        Texts { table: table.into(), entries }
    }

    #[inline]
    fn find_ascii(&self, text: &[u8]) -> Option<&Behind> {
        if self.entries.is_empty() {
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

/// A hash that does not see the letter case of ASCII: the bit that tells the cases apart is set in every byte.
#[inline]
fn caseless_hash(text: &[u8]) -> u64 {
    const LOWER: u64 = 0x2020_2020_2020_2020;
    let mut hash = text.len() as u64;
    let mut eights = text.chunks_exact(8);
    let mix = |hash: u64, word: u64| (hash.rotate_left(23) ^ (word | LOWER)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    for eight in eights.by_ref() {
        let mut word = [0; 8];
        word.copy_from_slice(eight);
        hash = mix(hash, u64::from_le_bytes(word));
    }
    let mut word = [0; 8];
    word[..eights.remainder().len()].copy_from_slice(eights.remainder());
    hash = mix(hash, u64::from_le_bytes(word));
    hash ^ (hash >> 32)
}
