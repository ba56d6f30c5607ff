//! What must be in an event for a predicate to hold: the handle by which an index finds the predicate.

use event::layout::Paths;
use event::path::Path;
use event::scan::Slot;

use super::literals;
use crate::pattern::{Case, Pattern, Piece};
use crate::predicate::Predicate;
use crate::test::{Number, Order, Test};

/// A piece of text shorter than this is in too many values to be a handle.
const PART_LENGTH_MIN: usize = 3;

/// For the predicate to hold, some value at the slot must be one of the texts, be one of the numbers in whatever spelling,
/// or hold one of the parts. All texts are folded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clause {
    pub slot: Slot,
    pub texts: Vec<String>,
    pub numbers: Vec<i128>,
    pub parts: Vec<String>,
}

impl Clause {
    fn joined(mut self, other: &Clause) -> Clause {
        self.texts.extend_from_slice(&other.texts);
        self.numbers.extend_from_slice(&other.numbers);
        self.parts.extend_from_slice(&other.parts);
        self
    }

    fn on(slot: Slot) -> Clause {
        Clause { slot, texts: Vec::new(), numbers: Vec::new(), parts: Vec::new() }
    }

    /// Whether whole values alone decide, which one look-up finds.
    pub fn is_exact(&self) -> bool {
        self.parts.is_empty()
    }

    /// Whether pieces of text can find what the clause asks for.
    pub fn is_textual(&self) -> bool {
        self.numbers.is_empty()
    }

    /// How many values it names: the fewer, the narrower.
    pub fn len(&self) -> usize {
        self.texts.len() + self.numbers.len() + self.parts.len()
    }
}

/// The clauses that a predicate implies, each by itself.
pub fn necessary(predicate: &Predicate, paths: &mut Paths) -> Vec<Clause> {
    match predicate {
        Predicate::All(parts) => parts.iter().flat_map(|p| necessary(p, paths)).collect(),
        Predicate::Any(parts) => necessary_of_any(parts, paths),
        Predicate::Field(path, Test::Text(pattern)) => of_pattern(path, pattern, paths).into_iter().collect(),
        Predicate::Field(path, Test::Number(Order::Equal, Number::Whole(n))) => {
            vec![Clause { numbers: vec![*n], ..Clause::on(paths.slot(path)) }]
        }
        Predicate::Field(path, Test::Regex(regex)) => of_regex(path, regex.as_str(), paths).into_iter().collect(),
        _ => Vec::new(),
    }
}

fn of_regex(path: &Path, regex: &str, paths: &mut Paths) -> Option<Clause> {
    let parts = literals::required(regex)?;
    let is_handle = parts.iter().all(|part| part.len() >= PART_LENGTH_MIN);
    is_handle.then(|| Clause { parts, ..Clause::on(paths.slot(path)) })
}

/// One of several holds, so on a slot that each of them has a clause for, one of the joined texts must be there.
fn necessary_of_any(parts: &[Predicate], paths: &mut Paths) -> Vec<Clause> {
    let mut each = parts.iter().map(|p| necessary(p, paths));
    let Some(first) = each.next() else { return Vec::new() };
    each.fold(first, |joined, more| {
        joined.into_iter().filter_map(|clause| best_on(clause.slot, &more).map(|other| clause.joined(other))).collect()
    })
}

fn best_on(slot: Slot, clauses: &[Clause]) -> Option<&Clause> {
    clauses.iter().filter(|c| c.slot == slot).min_by_key(|c| (!c.is_exact(), c.len()))
}

fn of_pattern(path: &Path, pattern: &Pattern, paths: &mut Paths) -> Option<Clause> {
    let slot = paths.slot(path);
    if let Some(text) = pattern.as_exact() {
        return Some(Clause { texts: vec![Case::Insensitive.fold(text).into_owned()], ..Clause::on(slot) });
    }
    let longest = pattern.pieces().iter().filter_map(|piece| match piece {
        Piece::Text(text) => Some(Case::Insensitive.fold(text).into_owned()),
        Piece::Run | Piece::One => None,
    });
    let part = longest.max_by_key(String::len).filter(|part| part.len() >= PART_LENGTH_MIN)?;
    Some(Clause { parts: vec![part], ..Clause::on(slot) })
}
