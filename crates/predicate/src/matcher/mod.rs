//! Many predicates against one event, fast.
//!
//! The cost of an event must not grow with the number of predicates. Each predicate names texts of which one must be there for it to hold
//! (an event name, a piece of a user agent); [`index`] finds by those the few that can hold, and [`program`] decides them,
//! asking each test that several predicates share only once. What a predicate means is defined by [`mod@crate::eval`]; the two must agree.

mod clause;
mod index;
mod literals;
mod program;
mod seen;
mod texts;

use event::layout::{Fields, Paths};
use event::scan::Slot;

use crate::predicate::Predicate;
use index::Index;
use program::{Node, Program};
use seen::Seen;

/// Predicates, compiled. It is shared by threads; what changes is in [`Scratch`].
#[derive(Debug)]
pub struct Matcher {
    program: Program,
    rules: Vec<Node>,
    index: Index,
}

/// What one thread remembers while it decides one event.
#[derive(Debug)]
pub struct Scratch {
    /// For each shared test: twice the number of the record, plus the answer.
    answers: Vec<u64>,
    /// For each predicate: the record for which it was tried last.
    tried: Vec<u32>,
    /// For each level of the index: the record for which it was looked at last.
    visited: Vec<u32>,
    /// Which pieces of text were found in the texts that came last.
    seen: Seen,
    /// The rules whose piece of text was found; kept so that no event costs an allocation.
    found: Vec<u32>,
}

impl Matcher {
    /// Compiles predicates; their paths get slots.
    pub fn new(predicates: &[Predicate], paths: &mut Paths) -> Matcher {
        let mut program = Program::sized(predicates.len());
        let rules: Vec<Node> = predicates.iter().map(|p| program.lower(p, paths)).collect();
        let clauses = predicates.iter().map(|p| clause::necessary(p, paths)).collect();
        let index = Index::new(clauses);
        let mut matcher = Matcher { program, rules, index };
        let cost = |slot| match matcher.index.reads_first(slot) {
            // The index has found it already, so that a test of it seldom fails.
            true => 2,
            false if paths.list()[slot as usize].steps().len() <= 2 => 1,
            // A group may have to be filled.
            false => 20,
        };
        matcher.rules.iter_mut().for_each(|rule| matcher.program.cheap_first(rule, &cost));
        matcher
    }

    /// Whether a slot is read for each event, so that it should be filled with each record.
    pub fn reads_first(&self, slot: Slot) -> bool {
        self.index.reads_first(slot)
    }

    /// What a thread needs to use this matcher.
    pub fn scratch(&self) -> Scratch {
        Scratch {
            answers: vec![0; self.program.n_tests()],
            tried: vec![0; self.rules.len()],
            visited: vec![0; self.index.n_levels()],
            seen: self.index.seen(),
            found: Vec::new(),
        }
    }

    /// Calls `hit` with the number of each predicate that holds, in no order.
    pub fn matches(&self, fields: &mut Fields<'_>, scratch: &mut Scratch, mut hit: impl FnMut(u32)) {
        self.index.candidates(fields, scratch, &mut |rule, fields, answers| {
            if self.program.holds(&self.rules[rule as usize], fields, answers) {
                hit(rule);
            }
        });
    }

    /// How many predicates must be decided for every event, since nothing in them can be looked up.
    pub fn n_always(&self) -> usize {
        self.index.n_always()
    }
}

#[cfg(test)]
pub(crate) mod tests;
