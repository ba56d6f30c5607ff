//! From the values of an event to the predicates that can hold: a discrimination network.
//!
//! A level looks at a few slots. Behind each known text of a slot lie the predicates that need it;
//! where these are many, they are a level of their own, over the slots not yet looked at.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use aho_corasick::{AhoCorasick, AhoCorasickBuilder, AhoCorasickKind};
use event::layout::Fields;
use event::scan::{Slot, Slots, Span};

use super::Scratch;
use super::clause::Clause;
use super::seen::Seen;
use super::texts::Texts;
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
    numbers: Numbers,
    reads_first: BTreeSet<Slot>,
}

/// How many there are.
#[derive(Debug, Default)]
struct Numbers {
    /// Places that look for pieces of text.
    places: u32,
    levels: u32,
}

#[derive(Debug, Default)]
struct Level {
    /// Its number among the levels.
    number: u32,
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
    texts: Texts<Behind>,
    /// By the number as it is mostly written: without sign, zeros in front or fraction.
    numbers: Texts<Behind>,
}

/// Predicates whose values are found by a piece of text in them.
#[derive(Debug)]
struct ByPart {
    slot: Slot,
    /// The number of this place among those that look for pieces of text.
    place: u32,
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
        let mut numbers = Numbers::default();
        let top = Level::new(entries, 0, &mut numbers);
        let reads_first = top.by_text.iter().map(|b| b.slot).chain(top.by_part.iter().map(|b| b.slot)).collect();
        Index { top, numbers, reads_first }
    }

    pub fn reads_first(&self, slot: Slot) -> bool {
        self.reads_first.contains(&slot)
    }

    /// What a thread remembers of the texts that it looked into.
    pub fn seen(&self) -> Seen {
        Seen::new(self.numbers.places)
    }

    /// How many levels there are.
    pub fn n_levels(&self) -> usize {
        self.numbers.levels as usize
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
    fn new(mut entries: Vec<Entry>, depth: usize, numbers: &mut Numbers) -> Level {
        let mut level = Level { number: numbers.levels, ..Level::default() };
        numbers.levels += 1;
        if depth < LEVELS_MAX && (depth == 0 || entries.len() >= LEVEL_SIZE_MIN) {
            while let Some(slot) = best_slot(&entries, Clause::is_exact) {
                let (with, without) = split(entries, slot, Clause::is_exact);
                level.by_text.push(ByText::new(slot, with, depth, numbers));
                entries = without;
            }
            while let Some(slot) = best_slot(&entries, Clause::is_textual) {
                let (with, without) = split(entries, slot, Clause::is_textual);
                entries = without;
                match ByPart::new(slot, &with, numbers.places) {
                    Some(by_part) => {
                        numbers.places += 1;
                        level.by_part.push(by_part);
                    }
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
        // A hostile record has many values in each slot, and every one of them may lead here.
        let visited = &mut scratch.visited[self.number as usize];
        if std::mem::replace(visited, fields.epoch()) == fields.epoch() {
            return;
        }
        for by_text in &self.by_text {
            let mut from = None;
            loop {
                let (slots, raw) = fields.at(by_text.slot);
                let Some((span, next)) = slots.step(by_text.slot, from) else { break };
                for behind in by_text.find(slots, span, raw).into_iter().flatten() {
                    match behind {
                        Behind::Rules(rules) => offer(rules, fields, scratch, try_rule),
                        Behind::Level(level) => level.candidates(fields, scratch, try_rule),
                    }
                }
                if next.is_none() {
                    break;
                }
                from = next;
            }
        }
        for by_part in &self.by_part {
            let (slots, raw) = fields.at(by_part.slot);
            let mut found = std::mem::take(&mut scratch.found);
            for span in slots.spans(by_part.slot) {
                by_part.find(slots, span, raw, scratch, &mut found);
            }
            offer(&found, fields, scratch, try_rule);
            found.clear();
            scratch.found = found;
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
/// A slot for which all name one text (`action: ACCEPT`) tells little, and comes last.
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
    let score = |(count, texts): &(f64, BTreeSet<Cow<'_, str>>)| count * (0.01 + (texts.len() as f64).ln());
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
    fn new(slot: Slot, with: Vec<WithClause>, depth: usize, numbers: &mut Numbers) -> ByText {
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
        let mut behind = |entries: Vec<Entry>| {
            if entries.len() < LEVEL_SIZE_MIN {
                Behind::Rules(entries.iter().map(|e| e.rule).collect())
            } else {
                Behind::Level(Box::new(Level::new(entries, depth + 1, numbers)))
            }
        };
        let texts = by_text.into_iter().map(|(text, entries)| (text.into(), behind(entries))).collect();
        let numbers = by_number.into_iter().map(|(n, entries)| (n.to_string().into(), behind(entries))).collect();
        ByText { slot, texts: Texts::new(texts), numbers: Texts::new(numbers) }
    }

    /// What lies behind the value as a text, and as a number.
    #[inline]
    fn find(&self, slots: &Slots, span: Span, raw: &str) -> [Option<&Behind>; 2] {
        if let Some(text) = slots.plain(span, raw) {
            return [self.texts.find(text), self.find_number(text)];
        }
        let view = slots.view(span, raw);
        let Some(text) = view.scalar_text() else { return [None, None] };
        [self.texts.find(text), self.find_number(text)]
    }

    #[inline]
    fn find_number(&self, text: &str) -> Option<&Behind> {
        match text.as_bytes() {
            _ if self.numbers.is_empty() => None,
            [b'0'..=b'9'] | [b'1'..=b'9', ..] if text.bytes().all(|b| b.is_ascii_digit()) => self.numbers.find(text),
            [b'0'..=b'9' | b'-' | b'+' | b'.', ..] => match Number::parse(text)? {
                Number::Whole(n) => self.numbers.find(&n.to_string()),
                Number::Float(_) => None,
            },
            _ => None,
        }
    }
}

/// The first piece of a piece of text: it finds no fewer values, and what an automaton costs to build grows
/// with the square of the longest.
fn handle(part: &str) -> &str {
    const HANDLE_CHARS_MAX: usize = 64;
    part.char_indices().nth(HANDLE_CHARS_MAX).map_or(part, |(end, _)| &part[..end])
}

impl ByPart {
    fn new(slot: Slot, with: &[WithClause], place: u32) -> Option<ByPart> {
        let mut by_part: BTreeMap<&str, BTreeSet<u32>> = BTreeMap::new();
        for (clause, entry) in with {
            for part in clause.parts.iter().chain(&clause.texts) {
                by_part.entry(handle(part)).or_default().insert(entry.rule);
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
        Some(ByPart { slot, place, parts, behind })
    }

    /// Adds the rules of which a piece is in the value.
    fn find(&self, slots: &Slots, span: Span, raw: &str, scratch: &mut Scratch, found: &mut Vec<u32>) {
        if let Some(text) = slots.plain(span, raw)
            && text.is_ascii()
        {
            found.extend_from_slice(scratch.seen.rules(self.place, text, |found| self.search(text, found)));
            return;
        }
        match slots.view(span, raw) {
            event::value::View::Json(text) => self.search(&Case::Insensitive.fold(&text), found),
            view => {
                let Some(text) = view.scalar_text() else { return };
                self.search(&Case::Insensitive.fold(text), found);
            }
        }
    }

    #[inline]
    fn search(&self, text: &str, found: &mut Vec<u32>) {
        for part in self.parts.find_overlapping_iter(text) {
            found.extend_from_slice(&self.behind[part.pattern().as_usize()]);
        }
    }
}
