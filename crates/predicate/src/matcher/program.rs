//! Predicates as trees over numbered tests, so that a test which many predicates share is asked once an event.

use std::collections::{BTreeSet, HashMap, HashSet};

use event::layout::{Fields, Paths};
use event::scan::Slot;
use event::value::View;

use super::texts::Texts;
use crate::eval::{Record, any_string, eval};
use crate::pattern::{Case, Pattern};
use crate::predicate::{Predicate, Relation};
use crate::test::Test;

/// A predicate over numbered tests.
#[derive(Clone, Debug)]
pub enum Node {
    All(Vec<Node>),
    Any(Vec<Node>),
    Not(Box<Node>),
    Test(u32),
}

#[derive(Debug)]
enum Ask {
    Field(Slot, Test),
    /// One of many exact texts, in whatever letter case.
    OneOf(Slot, Texts<()>),
    /// One of many exact texts, letter case and all.
    OneOfExactly(Slot, HashSet<Box<str>>),
    Compare(Slot, Relation, Slot),
    Same(event::path::Path, Predicate),
    AnyString(Pattern),
    Raw(Pattern),
}

/// The tests of all predicates, each once.
#[derive(Debug)]
pub struct Program {
    asks: Vec<Ask>,
    known: HashMap<String, u32>,
}

impl Program {
    /// An empty one with room for so many predicates: to grow by and by means fresh memory again and again, which the system clears.
    pub fn sized(n_predicates: usize) -> Program {
        let n_tests = 2 * n_predicates;
        Program { asks: Vec::with_capacity(n_tests), known: HashMap::with_capacity(n_tests) }
    }

    pub fn n_tests(&self) -> usize {
        self.asks.len()
    }

    /// Numbers the tests of a predicate.
    pub fn lower(&mut self, predicate: &Predicate, paths: &mut Paths) -> Node {
        match predicate {
            Predicate::All(parts) => Node::All(parts.iter().map(|p| self.lower(p, paths)).collect()),
            Predicate::Any(parts) => self.lower_any(parts, paths),
            Predicate::Not(inner) => Node::Not(Box::new(self.lower(inner, paths))),
            Predicate::Field(path, test) => self.ask(predicate, Ask::Field(paths.slot(path), test.clone())),
            Predicate::Compare(l, relation, r) => {
                self.ask(predicate, Ask::Compare(paths.slot(l), *relation, paths.slot(r)))
            }
            Predicate::Same(path, inner) => self.ask(predicate, Ask::Same(path.clone(), (**inner).clone())),
            Predicate::AnyString(pattern) => self.ask(predicate, Ask::AnyString(pattern.clone())),
            Predicate::Raw(pattern) => self.ask(predicate, Ask::Raw(pattern.clone())),
        }
    }

    /// Exact texts of one path become one test with a set.
    fn lower_any(&mut self, parts: &[Predicate], paths: &mut Paths) -> Node {
        let mut sets: Vec<(Slot, Case, BTreeSet<Box<str>>)> = Vec::new();
        let mut nodes = Vec::new();
        for part in parts {
            let Predicate::Field(path, Test::Text(pattern)) = part else {
                nodes.push(self.lower(part, paths));
                continue;
            };
            let Some(text) = pattern.as_exact() else {
                nodes.push(self.lower(part, paths));
                continue;
            };
            let (slot, case) = (paths.slot(path), pattern.case());
            match sets.iter_mut().find(|(s, c, _)| (*s, *c) == (slot, case)) {
                Some((_, _, set)) => {
                    set.insert(text.into());
                }
                None => sets.push((slot, case, BTreeSet::from([text.into()]))),
            }
        }
        for (slot, case, set) in sets {
            let name = format!("{slot} {case:?} {set:?}");
            let ask = match case {
                Case::Insensitive => Ask::OneOf(slot, Texts::new(set.into_iter().map(|text| (text, ())).collect())),
                Case::Sensitive => Ask::OneOfExactly(slot, set.into_iter().collect()),
            };
            nodes.push(Node::Test(self.number(name, ask)));
        }
        if nodes.len() == 1 { nodes.remove(0) } else { Node::Any(nodes) }
    }

    fn ask(&mut self, predicate: &Predicate, ask: Ask) -> Node {
        // The canonical text of a test is its identity.
        Node::Test(self.number(predicate.to_string(), ask))
    }

    fn number(&mut self, name: String, ask: Ask) -> u32 {
        let next = self.asks.len() as u32;
        let number = *self.known.entry(name).or_insert(next);
        if number == next {
            self.asks.push(ask);
        }
        number
    }

    /// Orders each conjunction and disjunction so that what costs little is asked first.
    pub fn cheap_first(&self, node: &mut Node, read: &dyn Fn(Slot) -> u32) {
        match node {
            Node::All(parts) | Node::Any(parts) => {
                parts.iter_mut().for_each(|part| self.cheap_first(part, read));
                parts.sort_by_key(|part| self.cost(part, read));
            }
            Node::Not(inner) => self.cheap_first(inner, read),
            Node::Test(_) => {}
        }
    }

    /// What a node costs, given what it costs to read a slot.
    fn cost(&self, node: &Node, read: &dyn Fn(Slot) -> u32) -> u32 {
        match node {
            Node::All(parts) | Node::Any(parts) => parts.iter().map(|p| self.cost(p, read)).sum(),
            Node::Not(inner) => self.cost(inner, read),
            Node::Test(number) => match &self.asks[*number as usize] {
                Ask::Field(slot, Test::Regex(_)) => 10 + read(*slot),
                Ask::Field(slot, _) | Ask::OneOf(slot, _) | Ask::OneOfExactly(slot, _) => read(*slot),
                Ask::Compare(l, _, r) => read(*l) + read(*r),
                Ask::Same(..) | Ask::AnyString(_) | Ask::Raw(_) => 100,
            },
        }
    }

    /// Whether a predicate holds, given the answers so far.
    pub fn holds(&self, node: &Node, fields: &mut Fields<'_>, answers: &mut [u64]) -> bool {
        match node {
            Node::All(parts) => parts.iter().all(|part| self.holds(part, fields, answers)),
            Node::Any(parts) => parts.iter().any(|part| self.holds(part, fields, answers)),
            Node::Not(inner) => !self.holds(inner, fields, answers),
            Node::Test(number) => {
                let asked = u64::from(fields.epoch()) << 1;
                let have = answers[*number as usize];
                if have & !1 == asked {
                    return have & 1 == 1;
                }
                let answer = self.asks[*number as usize].answer(fields);
                answers[*number as usize] = asked | u64::from(answer);
                answer
            }
        }
    }
}

impl Ask {
    fn answer(&self, fields: &mut Fields<'_>) -> bool {
        match self {
            Ask::Field(slot, Test::Exists) => fields.spans(*slot).next().is_some(),
            Ask::Field(slot, test) => fields.any(*slot, |view| test.passes(view)),
            Ask::OneOf(slot, texts) => {
                fields.any(*slot, |view| view.scalar_text().is_some_and(|text| texts.find(text).is_some()))
            }
            Ask::OneOfExactly(slot, set) => {
                fields.any(*slot, |view| view.scalar_text().is_some_and(|text| set.contains(text)))
            }
            Ask::Compare(left, relation, right) => compare(fields, *left, *relation, *right),
            Ask::Same(path, inner) => fields.tree().walk(path).iter().any(|element| {
                let raw = element.compact();
                eval(inner, Record { raw: &raw, value: element })
            }),
            Ask::AnyString(pattern) => any_string(fields.tree(), pattern),
            Ask::Raw(pattern) => pattern.matches(fields.raw),
        }
    }
}

fn compare(fields: &mut Fields<'_>, left: Slot, relation: Relation, right: Slot) -> bool {
    // Reading fills the group of the right side; then both sides can be borrowed together.
    fields.at(right);
    let (slots, raw) = fields.at(left);
    let rights: Vec<View<'_>> = slots.spans(right).map(|span| slots.view(span, raw)).collect();
    slots.spans(left).any(|span| {
        let view = slots.view(span, raw);
        rights.iter().any(|r| relation.holds(&view, r))
    })
}
