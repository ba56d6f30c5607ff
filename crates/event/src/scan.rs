//! The values of a record at the paths that somebody asked for, found in one pass over its text.
//!
//! A [`Shape`] is the asked paths compiled into states, as a set of words is compiled into an automaton. [`Shape::fill`] walks the text once:
//! it checks that it is JSON, jumps over what no path leads to, and notes the place of each wanted value in [`Slots`]. Nothing is copied.
//! What a path means is defined by [`crate::value::Value::walk`]; the two must agree.

use std::collections::HashMap;

use crate::path::{Path, Step};
use crate::value::{DEPTH_MAX, Value, View, number_length, unescape};

/// The number of a path among those asked for.
pub type Slot = u32;

/// Why a scan stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScanError {
    /// The text ends inside a value.
    #[error("ends in the middle of a value")]
    Incomplete,
    /// The text is not JSON.
    #[error("not JSON: {what}")]
    Bad {
        /// Byte offset of the mistake in the scanned text.
        at: usize,
        /// What is wrong there.
        what: &'static str,
    },
}

/// What kind of value a span is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Null,
    True,
    False,
    Number,
    /// A string without escapes; the span is its inside.
    Plain,
    /// A string with escapes; the span is its inside.
    Escaped,
    /// An object or array.
    Json,
}

/// The place of a value in the record's text, or in the text of what was derived from it.
#[derive(Clone, Copy, Debug)]
pub struct Span {
    start: u32,
    end: u32,
    kind: Kind,
    derived: bool,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    epoch: u32,
    span: Span,
    /// Index into `more`, plus one; 0 for none.
    next: u32,
    /// The newest of the further values, likewise: a hostile record may have a million of them.
    last: u32,
}

const NOTHING: Span = Span { start: 0, end: 0, kind: Kind::Null, derived: false };

/// The values found in one record. It is reused from record to record, so that none costs an allocation.
#[derive(Clone, Debug)]
pub struct Slots {
    first: Vec<Entry>,
    more: Vec<(Span, u32)>,
    epoch: u32,
    derived: String,
    /// The record for which each group of slots was filled last.
    filled: Vec<u32>,
    /// Whether an object on the way to a wanted value held one key twice: a way to show two readers two different events.
    pub duplicate_key: bool,
}

impl Slots {
    /// Room for so many slots, in so many groups that are filled when somebody looks.
    pub fn new(n_slots: usize, n_groups: usize) -> Slots {
        Slots {
            first: vec![Entry { epoch: 0, span: NOTHING, next: 0, last: 0 }; n_slots],
            more: Vec::new(),
            epoch: 1,
            derived: String::new(),
            filled: vec![0; n_groups],
            duplicate_key: false,
        }
    }

    /// Forgets the values, for the next record.
    pub fn clear(&mut self) {
        self.epoch = self.epoch.wrapping_add(1);
        if self.epoch == 0 {
            self.first.iter_mut().for_each(|entry| entry.epoch = 0);
            self.filled.fill(0);
            self.epoch = 1;
        }
        self.more.clear();
        self.duplicate_key = false;
    }

    /// Notes that a group is being filled for this record; false when it was before.
    pub fn mark_filled(&mut self, group: usize) -> bool {
        std::mem::replace(&mut self.filled[group], self.epoch) != self.epoch
    }

    /// The number of the record: changes with every [`Slots::clear`].
    pub fn epoch(&self) -> u32 {
        self.epoch
    }

    /// Puts a string without escapes that lies so in the record's text.
    pub fn put_text(&mut self, slot: Slot, start: usize, end: usize) {
        self.put(slot, Span { start: start as u32, end: end as u32, kind: Kind::Plain, derived: false });
    }

    fn put(&mut self, slot: Slot, span: Span) {
        let entry = &mut self.first[slot as usize];
        if entry.epoch != self.epoch {
            *entry = Entry { epoch: self.epoch, span, next: 0, last: 0 };
            return;
        }
        self.more.push((span, 0));
        let new = self.more.len() as u32;
        match entry.last {
            0 => entry.next = new,
            last => self.more[last as usize - 1].1 = new,
        }
        entry.last = new;
    }

    /// The places of the values in a slot, in the order of the text.
    pub fn spans(&self, slot: Slot) -> Spans<'_> {
        let entry = &self.first[slot as usize];
        if entry.epoch != self.epoch {
            return Spans { slots: self, now: None, next: 0 };
        }
        Spans { slots: self, now: Some(entry.span), next: entry.next }
    }

    /// The first value in a slot.
    pub fn first<'a>(&'a self, slot: Slot, raw: &'a str) -> Option<View<'a>> {
        self.spans(slot).next().map(|span| self.view(span, raw))
    }

    /// The text of the first value in a slot, when it is a string, number or boolean.
    pub fn text<'a>(&'a self, slot: Slot, raw: &'a str) -> Option<std::borrow::Cow<'a, str>> {
        match self.first(slot, raw)? {
            View::String(text) => Some(text),
            View::Number(text) => Some(text.into()),
            View::Bool(b) => Some(if b { "true" } else { "false" }.into()),
            View::Null | View::Json(_) => None,
        }
    }

    /// The bytes of the first value in a slot when it is a string without escapes, a number or a boolean: for indexes on the hot path.
    pub fn plain<'a>(&'a self, span: Span, raw: &'a str) -> Option<&'a str> {
        match span.kind {
            Kind::Plain | Kind::Number => Some(self.slice(span, raw)),
            Kind::True => Some("true"),
            Kind::False => Some("false"),
            Kind::Escaped | Kind::Json | Kind::Null => None,
        }
    }

    /// The text of an object or array as it stands in the record, and where it starts.
    pub fn json<'a>(&'a self, span: Span, raw: &'a str) -> Option<&'a str> {
        (span.kind == Kind::Json).then(|| self.slice(span, raw))
    }

    /// The value at a place.
    pub fn view<'a>(&'a self, span: Span, raw: &'a str) -> View<'a> {
        let text = self.slice(span, raw);
        match span.kind {
            Kind::Null => View::Null,
            Kind::True => View::Bool(true),
            Kind::False => View::Bool(false),
            Kind::Number => View::Number(text),
            Kind::Plain => View::String(text.into()),
            Kind::Escaped => View::String(unescape(text).into()),
            Kind::Json => View::Json(Value::parse(text).map_or_else(|_| text.to_owned(), |v| v.compact()).into()),
        }
    }

    fn slice<'a>(&'a self, span: Span, raw: &'a str) -> &'a str {
        let text = if span.derived { &self.derived } else { raw };
        text.get(span.start as usize..span.end as usize).unwrap_or("")
    }
}

/// The places of the values in one slot.
#[derive(Clone, Debug)]
pub struct Spans<'a> {
    slots: &'a Slots,
    now: Option<Span>,
    next: u32,
}

impl Iterator for Spans<'_> {
    type Item = Span;

    fn next(&mut self) -> Option<Span> {
        let now = self.now.take()?;
        if self.next != 0 {
            let (span, next) = self.slots.more[self.next as usize - 1];
            self.now = Some(span);
            self.next = next;
        }
        Some(now)
    }
}

type StateId = u32;

/// What to do with a value that one state stands for.
#[derive(Clone, Debug, Default)]
struct State {
    keys: Keys,
    /// Slots that take the value when it is not an array.
    ends: Box<[Slot]>,
    /// Slots that take the value when it is an array.
    array_ends: Box<[Slot]>,
    /// The state of each element of an array.
    element: Option<StateId>,
    /// States of single elements, by position.
    indexed: Box<[(u32, StateId)]>,
}

/// Wanted paths, compiled.
#[derive(Clone, Debug)]
pub struct Shape {
    states: Vec<State>,
}

/// A place on a way: which chain of steps, and how many of them are behind.
type Position = (u32, u32);

impl Shape {
    /// Compiles paths, each with the slot that takes its values.
    pub fn new<'p>(paths: impl IntoIterator<Item = (&'p Path, Slot)>) -> Shape {
        let mut chains: Vec<(Vec<Step>, Slot)> = Vec::new();
        for (path, slot) in paths {
            chains.extend(path.spellings().into_iter().map(|steps| (steps, slot)));
        }
        let start: Vec<Position> = (0..chains.len() as u32).map(|chain| (chain, 0)).collect();
        let mut build = Build { chains, known: HashMap::new(), states: Vec::new() };
        build.state(start);
        Shape { states: build.states }
    }

    /// Scans the value at `at` and notes the wanted values in it, as places relative to `at`. Returns the offset behind the value.
    pub fn fill(&self, text: &[u8], at: usize, slots: &mut Slots) -> Result<usize, ScanError> {
        let mut fill = Fill { shape: self, text, base: at, offset: 0, derived: false, slots };
        let end = fill.value(0, at, 0)?;
        if u32::try_from(end - at).is_err() {
            return Err(ScanError::Bad { at, what: "a record of 4 GiB or more" });
        }
        Ok(end)
    }

    /// Scans an object or array that lies at a place noted before, and adds the wanted values in it.
    pub fn fill_inside(&self, raw: &str, span: Span, slots: &mut Slots) -> Result<(), ScanError> {
        let (start, end) = (span.start as usize, span.end as usize);
        let mut fill =
            Fill { shape: self, text: &raw.as_bytes()[..end], base: start, offset: start, derived: false, slots };
        fill.value(0, start, 0).map(|_| ())
    }

    /// Scans what was derived from the record, a JSON text of our own, and adds the wanted values in it.
    pub fn fill_derived(&self, derived: String, slots: &mut Slots) -> Result<(), ScanError> {
        let filled =
            Fill { shape: self, text: derived.as_bytes(), base: 0, offset: 0, derived: true, slots }.value(0, 0, 0);
        slots.derived = derived;
        filled.map(|_| ())
    }
}

struct Build {
    chains: Vec<(Vec<Step>, Slot)>,
    known: HashMap<Vec<Position>, StateId>,
    states: Vec<State>,
}

impl Build {
    fn state(&mut self, mut at: Vec<Position>) -> StateId {
        at.sort_unstable();
        at.dedup();
        if let Some(id) = self.known.get(&at) {
            return *id;
        }
        let id = self.states.len() as StateId;
        self.states.push(State::default());
        self.known.insert(at.clone(), id);
        let state = State {
            array_ends: self.ends(&at),
            element: self.element(&at, None),
            indexed: self.indexed(&at),
            ends: self.ends(&self.past_each(&at)),
            keys: self.keys(&self.past_each(&at)),
        };
        self.states[id as usize] = state;
        id
    }

    fn step(&self, (chain, behind): Position) -> Option<&Step> {
        self.chains[chain as usize].0.get(behind as usize)
    }

    /// A value that is not an array stands for its own only element.
    fn past_each(&self, at: &[Position]) -> Vec<Position> {
        let past = |position: &Position| {
            let mut position = *position;
            while self.step(position) == Some(&Step::Each) {
                position.1 += 1;
            }
            position
        };
        at.iter().map(past).collect()
    }

    fn ends(&self, at: &[Position]) -> Box<[Slot]> {
        let done = at.iter().filter(|position| self.step(**position).is_none());
        let mut slots: Vec<Slot> = done.map(|(chain, _)| self.chains[*chain as usize].1).collect();
        slots.sort_unstable();
        slots.dedup();
        slots.into()
    }

    fn element(&mut self, at: &[Position], index: Option<u32>) -> Option<StateId> {
        let mut inside: Vec<Position> = at.iter().copied().filter(|p| self.step(*p) == Some(&Step::Each)).collect();
        if let Some(i) = index {
            let here = at.iter().filter(|p| self.step(**p) == Some(&Step::Index(i)));
            inside.extend(here.map(|(chain, behind)| (*chain, behind + 1)));
        }
        (!inside.is_empty()).then(|| self.state(inside))
    }

    fn indexed(&mut self, at: &[Position]) -> Box<[(u32, StateId)]> {
        let mut indexes: Vec<u32> = at
            .iter()
            .filter_map(|p| match self.step(*p) {
                Some(Step::Index(i)) => Some(*i),
                _ => None,
            })
            .collect();
        indexes.sort_unstable();
        indexes.dedup();
        indexes.into_iter().filter_map(|i| self.element(at, Some(i)).map(|state| (i, state))).collect()
    }

    fn keys(&mut self, at: &[Position]) -> Keys {
        let mut by_name: Vec<(Box<str>, Vec<Position>)> = Vec::new();
        for position in at {
            let Some(Step::Name(name)) = self.step(*position) else { continue };
            let name = name.clone();
            let next = (position.0, position.1 + 1);
            match by_name.iter_mut().find(|(have, _)| *have == name) {
                Some((_, positions)) => positions.push(next),
                None => by_name.push((name, vec![next])),
            }
        }
        Keys::new(by_name.into_iter().map(|(name, positions)| (name, self.state(positions))).collect())
    }
}

/// Keys of an object, by a hash of their ends and length.
#[derive(Clone, Debug, Default)]
struct Keys {
    /// Indexes into `entries`, plus one; a power of two of them, at most half full.
    table: Box<[u16]>,
    entries: Vec<(Box<str>, StateId)>,
}

impl Keys {
    fn new(entries: Vec<(Box<str>, StateId)>) -> Keys {
        if entries.is_empty() {
            return Keys::default();
        }
        let size = (entries.len() * 4).next_power_of_two();
        let mut table = vec![0u16; size];
        for (i, (name, _)) in entries.iter().enumerate() {
            let mut at = key_hash(name.as_bytes()) as usize & (size - 1);
            while table[at] != 0 {
                at = (at + 1) & (size - 1);
            }
            // More than 65,534 distinct keys at one level is no rule set.
            table[at] = u16::try_from(i + 1).unwrap_or(u16::MAX);
        }
        Keys { table: table.into(), entries }
    }

    /// The ordinal of a key and the state behind it.
    fn find(&self, key: &[u8]) -> Option<(usize, StateId)> {
        if self.table.is_empty() {
            return None;
        }
        let mask = self.table.len() - 1;
        let mut at = key_hash(key) as usize & mask;
        loop {
            let i = self.table[at] as usize;
            if i == 0 {
                return None;
            }
            let (name, state) = &self.entries[i - 1];
            if name.as_bytes() == key {
                return Some((i - 1, *state));
            }
            at = (at + 1) & mask;
        }
    }
}

fn key_hash(key: &[u8]) -> u32 {
    let (a, b) = match key.len() {
        0 => (0, 0),
        1..4 => (u64::from(key[0]), u64::from(key[key.len() - 1]) << 8 | u64::from(key[key.len() / 2])),
        4..8 => (half(&key[..4]), half(&key[key.len() - 4..])),
        _ => (word(key, 0), word(key, key.len() - 8)),
    };
    let mixed = (a ^ (key.len() as u64)).wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ b.wrapping_mul(0xC2B2_AE3D_27D4_EB4F);
    (mixed ^ (mixed >> 29)).wrapping_mul(0x9E37_79B9) as u32 ^ (mixed >> 40) as u32
}

fn half(four: &[u8]) -> u64 {
    u64::from(u32::from_le_bytes([four[0], four[1], four[2], four[3]]))
}

#[inline]
fn word(text: &[u8], at: usize) -> u64 {
    let mut eight = [0; 8];
    eight.copy_from_slice(&text[at..at + 8]);
    u64::from_le_bytes(eight)
}

struct Fill<'a> {
    shape: &'a Shape,
    text: &'a [u8],
    base: usize,
    offset: usize,
    derived: bool,
    slots: &'a mut Slots,
}

impl Fill<'_> {
    fn value(&mut self, state: StateId, at: usize, depth: usize) -> Result<usize, ScanError> {
        if depth > DEPTH_MAX {
            return Err(ScanError::Bad { at, what: "nested too deep" });
        }
        let shape = self.shape;
        let state = &shape.states[state as usize];
        match *self.text.get(at).ok_or(ScanError::Incomplete)? {
            b'"' => {
                let (end, escaped) = string(self.text, at)?;
                let kind = if escaped { Kind::Escaped } else { Kind::Plain };
                self.note(&state.ends, at + 1, end - 1, kind);
                Ok(end)
            }
            b'{' => {
                let end = if state.keys.entries.is_empty() {
                    skip(self.text, at, depth)?
                } else {
                    self.object(state, at, depth)?
                };
                self.note(&state.ends, at, end, Kind::Json);
                Ok(end)
            }
            b'[' => {
                let end = if state.element.is_none() && state.indexed.is_empty() {
                    skip(self.text, at, depth)?
                } else {
                    self.array(state, at, depth)?
                };
                self.note(&state.array_ends, at, end, Kind::Json);
                Ok(end)
            }
            _ => {
                let (end, kind) = scalar(self.text, at)?;
                self.note(&state.ends, at, end, kind);
                Ok(end)
            }
        }
    }

    #[inline]
    fn note(&mut self, slots: &[Slot], start: usize, end: usize, kind: Kind) {
        for slot in slots {
            let span = Span {
                start: (start - self.base + self.offset) as u32,
                end: (end - self.base + self.offset) as u32,
                kind,
                derived: self.derived,
            };
            self.slots.put(*slot, span);
        }
    }

    fn object(&mut self, state: &State, at: usize, depth: usize) -> Result<usize, ScanError> {
        let mut seen = [0u64; 4];
        let mut at = blanks(self.text, at + 1);
        if self.text.get(at) == Some(&b'}') {
            return Ok(at + 1);
        }
        loop {
            let (key_end, escaped) = key(self.text, at)?;
            let inside = &self.text[at + 1..key_end - 1];
            let found = if escaped { find_escaped(&state.keys, inside) } else { state.keys.find(inside) };
            at = colon(self.text, key_end)?;
            at = match found {
                Some((ordinal, inner)) => {
                    // Keys past the 256th of one level are matched all the same; only the flag does not see them.
                    let (row, bit) = (ordinal / 64, 1 << (ordinal % 64));
                    if let Some(row) = seen.get_mut(row) {
                        self.slots.duplicate_key |= *row & bit != 0;
                        *row |= bit;
                    }
                    self.value(inner, at, depth + 1)?
                }
                None => skip(self.text, at, depth + 1)?,
            };
            at = blanks(self.text, at);
            match self.text.get(at) {
                Some(b',') => at = blanks(self.text, at + 1),
                Some(b'}') => return Ok(at + 1),
                Some(_) => return Err(ScanError::Bad { at, what: "a comma or `}` is due" }),
                None => return Err(ScanError::Incomplete),
            }
        }
    }

    fn array(&mut self, state: &State, at: usize, depth: usize) -> Result<usize, ScanError> {
        let mut at = blanks(self.text, at + 1);
        if self.text.get(at) == Some(&b']') {
            return Ok(at + 1);
        }
        let mut i = 0;
        loop {
            let indexed = state.indexed.iter().find(|(index, _)| *index == i).map(|(_, inner)| *inner);
            at = match indexed.or(state.element) {
                Some(inner) => self.value(inner, at, depth + 1)?,
                None => skip(self.text, at, depth + 1)?,
            };
            i += 1;
            at = blanks(self.text, at);
            match self.text.get(at) {
                Some(b',') => at = blanks(self.text, at + 1),
                Some(b']') => return Ok(at + 1),
                Some(_) => return Err(ScanError::Bad { at, what: "a comma or `]` is due" }),
                None => return Err(ScanError::Incomplete),
            }
        }
    }
}

/// A key may be written with escapes; it is the same key.
#[cold]
fn find_escaped(keys: &Keys, inside: &[u8]) -> Option<(usize, StateId)> {
    let key = unescape(std::str::from_utf8(inside).ok()?);
    keys.find(key.as_bytes())
}

/// The offset of the next byte that is not a blank.
#[inline]
pub fn blanks(text: &[u8], mut at: usize) -> usize {
    while let Some(b' ' | b'\n' | b'\r' | b'\t') = text.get(at) {
        at += 1;
    }
    at
}

/// The end of the key at `at`, and whether it holds escapes.
#[inline]
pub fn key(text: &[u8], at: usize) -> Result<(usize, bool), ScanError> {
    match text.get(at) {
        Some(b'"') => string(text, at),
        Some(_) => Err(ScanError::Bad { at, what: "a key is due" }),
        None => Err(ScanError::Incomplete),
    }
}

/// The offset of the value behind the colon that is due at `at`.
#[inline]
pub fn colon(text: &[u8], at: usize) -> Result<usize, ScanError> {
    let at = blanks(text, at);
    match text.get(at) {
        Some(b':') => Ok(blanks(text, at + 1)),
        Some(_) => Err(ScanError::Bad { at, what: "a colon is due" }),
        None => Err(ScanError::Incomplete),
    }
}

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGHS: u64 = 0x8080_8080_8080_8080;

/// Marks bytes that end a plain stretch of a string: `"`, `\` and control characters. The lowest mark is exact.
#[inline]
fn marks(eight: u64) -> u64 {
    let quote = eight ^ (ONES * b'"' as u64);
    let backslash = eight ^ (ONES * b'\\' as u64);
    let zero_in = |w: u64| w.wrapping_sub(ONES) & !w;
    let control = eight.wrapping_sub(ONES * 0x20) & !eight;
    (zero_in(quote) | zero_in(backslash) | control) & HIGHS
}

/// The offset behind the string that begins at `at`, and whether it holds escapes.
#[inline]
pub fn string(text: &[u8], at: usize) -> Result<(usize, bool), ScanError> {
    let mut at = at + 1;
    let mut escaped = false;
    loop {
        while at + 8 <= text.len() {
            let found = marks(word(text, at));
            if found != 0 {
                at += (found.trailing_zeros() / 8) as usize;
                break;
            }
            at += 8;
        }
        match text.get(at) {
            Some(b'"') => return Ok((at + 1, escaped)),
            Some(b'\\') => {
                escaped = true;
                at = escape(text, at)?;
            }
            Some(c) if *c < 0x20 => return Err(ScanError::Bad { at, what: "a control character in a string" }),
            Some(_) => at += 1,
            None => return Err(ScanError::Incomplete),
        }
    }
}

fn escape(text: &[u8], at: usize) -> Result<usize, ScanError> {
    match text.get(at + 1) {
        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => Ok(at + 2),
        Some(b'u') => {
            for i in at + 2..at + 6 {
                match text.get(i) {
                    Some(c) if c.is_ascii_hexdigit() => {}
                    Some(_) => return Err(ScanError::Bad { at, what: "no such escape" }),
                    None => return Err(ScanError::Incomplete),
                }
            }
            Ok(at + 6)
        }
        Some(_) => Err(ScanError::Bad { at, what: "no such escape" }),
        None => Err(ScanError::Incomplete),
    }
}

fn scalar(text: &[u8], at: usize) -> Result<(usize, Kind), ScanError> {
    let rest = &text[at..];
    for (literal, kind) in [(&b"null"[..], Kind::Null), (b"true", Kind::True), (b"false", Kind::False)] {
        if rest.starts_with(literal) {
            return Ok((at + literal.len(), kind));
        }
        if literal.starts_with(rest) {
            return Err(ScanError::Incomplete);
        }
    }
    match number_length(rest) {
        // A number at the very end may go on in the next chunk.
        Some(length) if length == rest.len() => Err(ScanError::Incomplete),
        Some(length) => Ok((at + length, Kind::Number)),
        None if rest.len() < 32
            && rest.iter().all(|c| c.is_ascii_digit() || matches!(c, b'-' | b'+' | b'.' | b'e' | b'E')) =>
        {
            Err(ScanError::Incomplete)
        }
        None => Err(ScanError::Bad { at, what: "a value is due" }),
    }
}

/// The offset behind the value at `at`, whatever it is; checks that it is JSON.
pub fn skip(text: &[u8], at: usize, depth: usize) -> Result<usize, ScanError> {
    // One bit a level: 1 for an object, 0 for an array.
    let mut kinds: u128 = 0;
    let mut levels = 0usize;
    let mut at = at;
    'value: loop {
        match *text.get(at).ok_or(ScanError::Incomplete)? {
            b'"' => at = string(text, at)?.0,
            open @ (b'{' | b'[') => {
                levels += 1;
                if depth + levels > DEPTH_MAX {
                    return Err(ScanError::Bad { at, what: "nested too deep" });
                }
                kinds = kinds << 1 | u128::from(open == b'{');
                at = blanks(text, at + 1);
                let close = if open == b'{' { b'}' } else { b']' };
                if text.get(at) != Some(&close) {
                    if open == b'{' {
                        at = colon(text, key(text, at)?.0)?;
                    }
                    continue 'value;
                }
                at += 1;
                kinds >>= 1;
                levels -= 1;
            }
            _ => at = scalar(text, at)?.0,
        }
        loop {
            if levels == 0 {
                return Ok(at);
            }
            at = blanks(text, at);
            let in_object = kinds & 1 == 1;
            match (*text.get(at).ok_or(ScanError::Incomplete)?, in_object) {
                (b',', true) => {
                    at = blanks(text, at + 1);
                    at = colon(text, key(text, at)?.0)?;
                    continue 'value;
                }
                (b',', false) => {
                    at = blanks(text, at + 1);
                    continue 'value;
                }
                (b'}', true) | (b']', false) => {
                    at += 1;
                    kinds >>= 1;
                    levels -= 1;
                }
                _ => return Err(ScanError::Bad { at, what: "a comma or the end of the object or array is due" }),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn paths() -> Vec<Path> {
        let mut paths: Vec<Path> =
            ["a", "b", "a.b", "a.b.c", "a.a", "b.c", "c.a.b"].iter().map(|p| Path::visiting(p)).collect();
        paths.extend(["a", "a.b", "b.c"].iter().map(|p| Path::reaching(p)));
        paths.extend(["a.b", "c"].iter().map(|p| Path::plain(p)));
        paths.push(Path::new([Step::Name("a".into()), Step::Index(1)]));
        paths.push(Path::new([Step::Name("a".into()), Step::Index(0), Step::Name("b".into()), Step::Each]));
        paths
    }

    /// What the scan found, in the form in which the definition gives it.
    fn scanned(text: &str, paths: &[Path]) -> Result<Vec<Vec<String>>, ScanError> {
        let shape = Shape::new(paths.iter().zip(0..));
        let mut slots = Slots::new(paths.len(), 0);
        let end = shape.fill(text.as_bytes(), 0, &mut slots)?;
        assert_eq!(blanks(text.as_bytes(), end), text.len());
        let views = |slot| slots.spans(slot).map(|span| format!("{:?}", slots.view(span, text))).collect();
        Ok((0..paths.len() as Slot).map(views).collect())
    }

    fn defined(value: &Value, paths: &[Path]) -> Vec<Vec<String>> {
        paths.iter().map(|path| value.walk(path).iter().map(|v| format!("{:?}", v.view())).collect()).collect()
    }

    fn sorted(mut all: Vec<Vec<String>>) -> Vec<Vec<String>> {
        all.iter_mut().for_each(|values| values.sort());
        all
    }

    fn json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::Bool),
            "-?[1-9][0-9]{0,3}(\\.[0-9]{1,2})?".prop_map(|n| Value::Number(n.into())),
            "[ab\\\\\"\u{e9}\n]{0,12}".prop_map(Value::String),
        ];
        leaf.prop_recursive(5, 40, 4, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
                proptest::collection::vec(("a|b|c|a\\.b|\\\\x", inner), 0..5).prop_map(Value::Object),
            ]
        })
    }

    proptest! {
        #[test]
        fn a_scan_agrees_with_the_walk(value in json()) {
            let text = value.compact();
            let paths = paths();
            // A bare number may go on, so it is not a complete text.
            let text = format!("{text} ");
            let found = scanned(&text, &paths).expect("our own JSON is good");
            prop_assert_eq!(sorted(found), sorted(defined(&value, &paths)));
        }

        #[test]
        fn a_scan_accepts_what_serde_accepts(value in json(), cut in 0usize..200, junk in "[\\[\\]{},:\"0-9a\\\\ -]{0,2}") {
            let mut text = value.compact();
            let at = text.char_indices().map(|(i, _)| i).nth(cut % (text.len() + 1)).unwrap_or(text.len());
            text.insert_str(at, &junk);
            let serde = serde_json::from_str::<serde_json::Value>(&text).is_ok();
            prop_assert_eq!(Value::parse(&text).is_ok(), serde, "tree on {}", text);
            let padded = format!("{text} ");
            let ours = skip(padded.as_bytes(), 0, 0).is_ok_and(|end| blanks(padded.as_bytes(), end) == padded.len());
            let lead = text.starts_with([' ', '\n']);
            prop_assert!(ours == serde || lead, "skip on {}", text);
        }

        #[test]
        fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            let paths = paths();
            let shape = Shape::new(paths.iter().zip(0..));
            let mut slots = Slots::new(paths.len(), 0);
            let _ended = shape.fill(&bytes, 0, &mut slots);
        }
    }

    #[test]
    fn a_key_given_twice_is_flagged_and_both_values_count() {
        let paths = [Path::visiting("eventName")];
        let shape = Shape::new(paths.iter().zip(0..));
        let mut slots = Slots::new(1, 0);
        let text = r#"{"eventName":"GetObject","event\u004eame":"DeleteTrail"}"#;
        shape.fill(text.as_bytes(), 0, &mut slots).expect("JSON");
        let names: Vec<_> = slots.spans(0).map(|s| slots.view(s, text)).collect();
        assert_eq!(names, [View::String("GetObject".into()), View::String("DeleteTrail".into())]);
        assert!(slots.duplicate_key);
    }

    #[test]
    fn depth_is_bounded() {
        for open in ["[", "{\"a\":"] {
            let text = open.repeat(100_000);
            let shape = Shape::new([(&Path::visiting("a.b"), 0)]);
            let deep = shape.fill(text.as_bytes(), 0, &mut Slots::new(1, 0));
            assert!(matches!(deep, Err(ScanError::Bad { what: "nested too deep", .. })), "{deep:?}");
        }
    }
}
