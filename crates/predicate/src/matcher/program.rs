//! Predicates as trees over numbered tests, so that a test which many predicates share is asked once an event.

use std::collections::{BTreeSet, HashMap};

use event::layout::{Fields, Paths};
use event::scan::Slot;
use event::value::View;

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
    /// One of many exact texts, folded in this way.
    OneOf(Slot, Case, std::collections::HashSet<Box<str>>),
    Compare(Slot, Relation, Slot),
    Same(event::path::Path, Predicate),
    AnyString(Pattern),
    Raw(Pattern),
}

/// The tests of all predicates, each once.
#[derive(Debug, Default)]
pub struct Program {
    asks: Vec<Ask>,
    known: HashMap<String, u32>,
}

impl Program {
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
            let ask = Ask::OneOf(slot, case, set.into_iter().collect());
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
    pub fn cheap_first(&self, node: &mut Node, is_eager: &dyn Fn(Slot) -> bool) {
        match node {
            Node::All(parts) | Node::Any(parts) => {
                parts.iter_mut().for_each(|part| self.cheap_first(part, is_eager));
                parts.sort_by_key(|part| self.cost(part, is_eager));
            }
            Node::Not(inner) => self.cheap_first(inner, is_eager),
            Node::Test(_) => {}
        }
    }

    fn cost(&self, node: &Node, is_eager: &dyn Fn(Slot) -> bool) -> u32 {
        let read = |slot: &Slot| if is_eager(*slot) { 1 } else { 20 };
        match node {
            Node::All(parts) | Node::Any(parts) => parts.iter().map(|p| self.cost(p, is_eager)).sum(),
            Node::Not(inner) => self.cost(inner, is_eager),
            Node::Test(number) => match &self.asks[*number as usize] {
                Ask::Field(slot, Test::Regex(_)) => 10 + read(slot),
                Ask::Field(slot, _) | Ask::OneOf(slot, ..) => read(slot),
                Ask::Compare(l, _, r) => read(l) + read(r),
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
            Ask::OneOf(slot, case, set) => {
                fields.any(*slot, |view| view.scalar_text().is_some_and(|text| set.contains(&*case.fold(text))))
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
