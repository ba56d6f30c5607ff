//! Wanted paths, compiled into states, and the pass over a text that follows them.

use std::collections::HashMap;

use super::json::{blanks, colon, key, scalar, skip, string};
use super::keys::Keys;
use super::slots::{Kind, Slots, Span};
use super::{ScanError, Slot};
use crate::path::{Path, Step};
use crate::value::{DEPTH_MAX, unescape};

pub(super) type StateId = u32;

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
                let end =
                    if state.keys.is_empty() { skip(self.text, at, depth)? } else { self.object(state, at, depth)? };
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
