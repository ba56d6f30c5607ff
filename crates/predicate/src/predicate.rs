//! The one intermediate form of everything that chooses.

use event::path::Path;

use crate::pattern::{Case, Pattern};
use crate::test::Test;

/// A choice of events. A test on an absent field is false, and null differs from absent:
/// each syntax lowers its own `!=`, `not` and `exists` to that, so there is no third truth value.
#[derive(Clone, Debug, PartialEq)]
pub enum Predicate {
    /// All of them hold; nothing to hold is true.
    All(Vec<Predicate>),
    /// One of them holds; nothing to hold is false.
    Any(Vec<Predicate>),
    /// It does not hold.
    Not(Box<Predicate>),
    /// Some value at the path passes the test.
    Field(Path, Test),
    /// Some value at the first path relates so to some value at the second.
    Compare(Path, Relation, Path),
    /// One element of the list at the path, taken as an event of its own, satisfies all of it.
    Same(Path, Box<Predicate>),
    /// Some string or number anywhere in the event, keys not included, matches.
    AnyString(Pattern),
    /// The raw text of the record matches.
    Raw(Pattern),
}

/// A yes-or-no field that a log source derives, by its name, and the predicate over native fields that it stands for.
pub type Term = (&'static str, fn() -> &'static Predicate);

/// How two fields of one event relate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Relation {
    /// The texts are equal.
    Equal(Case),
    /// The first contains the second.
    Contains(Case),
    /// The first starts with the second.
    StartsWith(Case),
    /// The first ends with the second.
    EndsWith(Case),
    /// The numbers relate so.
    Number(crate::test::Order),
}

impl Predicate {
    /// The negation, without stacking two.
    pub fn negate(self) -> Predicate {
        match self {
            Predicate::Not(inner) => *inner,
            other => Predicate::Not(Box::new(other)),
        }
    }

    /// True on every event.
    pub fn always() -> Predicate {
        Predicate::All(Vec::new())
    }

    /// All of them hold, written without need for a list of one or a list in a list.
    pub fn all(parts: Vec<Predicate>) -> Predicate {
        let mut flat = Vec::with_capacity(parts.len());
        for part in parts {
            match part {
                Predicate::All(inner) => flat.extend(inner),
                other => flat.push(other),
            }
        }
        if flat.len() == 1 { flat.remove(0) } else { Predicate::All(flat) }
    }

    /// One of them holds, written without need for a list of one or a list in a list.
    pub fn any(parts: Vec<Predicate>) -> Predicate {
        let mut flat = Vec::with_capacity(parts.len());
        for part in parts {
            match part {
                Predicate::Any(inner) => flat.extend(inner),
                other => flat.push(other),
            }
        }
        if flat.len() == 1 { flat.remove(0) } else { Predicate::Any(flat) }
    }

    /// Calls `seen` on this predicate and on each one inside it, outermost first.
    pub fn each<'p>(&'p self, seen: &mut impl FnMut(&'p Predicate)) {
        seen(self);
        match self {
            Predicate::All(parts) | Predicate::Any(parts) => parts.iter().for_each(|p| p.each(seen)),
            Predicate::Not(inner) | Predicate::Same(_, inner) => inner.each(seen),
            Predicate::Field(..) | Predicate::Compare(..) | Predicate::AnyString(_) | Predicate::Raw(_) => {}
        }
    }
}
