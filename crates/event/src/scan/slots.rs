//! The values found in one record, as places in its text.

use std::sync::Arc;

use super::Slot;
use crate::value::{Value, View, unescape};

/// What kind of value a span is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
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
    pub(super) start: u32,
    pub(super) end: u32,
    pub(super) kind: Kind,
    pub(super) derived: bool,
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
    pub(super) derived: String,
    /// The record for which each group of slots was filled last.
    filled: Vec<u32>,
    row: Row,
    /// Whether an object on the way to a wanted value held one key twice: a way to show two readers two different events.
    pub duplicate_key: bool,
}

/// Where the columns of a row lie. A row is wide and few of its values are read, so they are not put into the slots one by one.
#[derive(Clone, Debug)]
struct Row {
    epoch: u32,
    /// The column that each slot takes, plus one; 0 for none.
    column_of: Arc<[u16]>,
    /// Start and end; alike where the row has no value.
    places: Vec<(u32, u32)>,
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
            row: Row { epoch: 0, column_of: Arc::default(), places: Vec::new() },
            duplicate_key: false,
        }
    }

    /// Forgets the values, for the next record.
    pub fn clear(&mut self) {
        self.epoch = self.epoch.wrapping_add(1);
        if self.epoch == 0 {
            self.first.iter_mut().for_each(|entry| entry.epoch = 0);
            self.filled.fill(0);
            self.row.epoch = 0;
            self.epoch = 1;
        }
        self.more.clear();
        self.duplicate_key = false;
    }

    /// Notes that a group is being filled for this record; false when it was before.
    #[inline]
    pub fn mark_filled(&mut self, group: usize) -> bool {
        std::mem::replace(&mut self.filled[group], self.epoch) != self.epoch
    }

    /// The number of the record: changes with every [`Slots::clear`].
    #[inline]
    pub fn epoch(&self) -> u32 {
        self.epoch
    }

    /// Forgets the values, for the next row of a table. Each slot takes the column told, plus one, or none at 0.
    pub fn start_row(&mut self, column_of: &Arc<[u16]>) {
        self.clear();
        self.row.epoch = self.epoch;
        if !Arc::ptr_eq(&self.row.column_of, column_of) {
            let n_columns = column_of.iter().max().map_or(0, |column| usize::from(*column));
            self.row = Row { epoch: self.epoch, column_of: Arc::clone(column_of), places: vec![(0, 0); n_columns] };
        }
    }

    /// Notes that the value of a column lies so in the row; a place without length says that there is none.
    #[inline]
    pub fn put_column(&mut self, column: usize, start: usize, end: usize) {
        if let Some(place) = self.row.places.get_mut(column) {
            *place = (start as u32, end as u32);
        }
    }

    /// The value of the column that the slot takes.
    #[inline]
    fn of_column(&self, slot: Slot) -> Option<Span> {
        if self.row.epoch != self.epoch {
            return None;
        }
        let column = usize::from(self.row.column_of[slot as usize]).checked_sub(1)?;
        let (start, end) = self.row.places[column];
        (start < end).then_some(Span { start, end, kind: Kind::Plain, derived: false })
    }

    /// Puts a string without escapes that lies so in the record's text.
    #[inline]
    pub fn put_text(&mut self, slot: Slot, start: usize, end: usize) {
        self.put(slot, Span { start: start as u32, end: end as u32, kind: Kind::Plain, derived: false });
    }

    #[inline]
    pub(super) fn put(&mut self, slot: Slot, span: Span) {
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
    #[inline]
    pub fn spans(&self, slot: Slot) -> Spans<'_> {
        let entry = &self.first[slot as usize];
        if entry.epoch != self.epoch {
            return Spans { slots: self, now: self.of_column(slot), next: 0 };
        }
        Spans { slots: self, now: Some(entry.span), next: entry.next }
    }

    /// The first value in a slot, or the one at the place that the step before gave, and the place of the next.
    /// For loops that must let go of the slots between two values; a record may have a million of them.
    #[inline]
    pub fn step(&self, slot: Slot, from: Option<Behind>) -> Option<(Span, Option<Behind>)> {
        let behind = |next: u32| (next != 0).then_some(Behind(next));
        if let Some(Behind(at)) = from {
            let (span, next) = self.more[at as usize - 1];
            return Some((span, behind(next)));
        }
        let entry = &self.first[slot as usize];
        if entry.epoch != self.epoch {
            return self.of_column(slot).map(|span| (span, None));
        }
        Some((entry.span, behind(entry.next)))
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
    #[inline]
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
    #[inline]
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

    #[inline]
    fn slice<'a>(&'a self, span: Span, raw: &'a str) -> &'a str {
        let text = if span.derived { &self.derived } else { raw };
        text.get(span.start as usize..span.end as usize).unwrap_or("")
    }
}

/// The place of a further value of the record in hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Behind(u32);

/// The places of the values in one slot.
#[derive(Clone, Debug)]
pub struct Spans<'a> {
    slots: &'a Slots,
    now: Option<Span>,
    next: u32,
}

impl Iterator for Spans<'_> {
    type Item = Span;

    #[inline]
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
