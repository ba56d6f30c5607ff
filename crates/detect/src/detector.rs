//! All rules of one log source against its events.

use std::sync::Arc;

use event::layout::{Derived, Estate, Fields, Layout, Paths};
use event::path::Path;
use event::scan::Slot;
use predicate::matcher::{Matcher, Scratch};
use predicate::predicate::{Predicate, Term};
use predicate::test::Test;

/// What holds of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Held {
    /// A rule, by its number among all rules.
    Rule(u32),
    /// A predicate that the pipeline itself watches for, by its number.
    Watch(u32),
}

/// Rules and watches, compiled for one source. It is shared by threads.
#[derive(Debug)]
pub struct Detector {
    matcher: Matcher,
    layout: Layout,
    envelope: Vec<Slot>,
    rules: Vec<u32>,
}

/// What the log source brings to its rules.
#[derive(Clone, Copy, Debug)]
pub struct Ground<'a> {
    /// Paths that are filled from each record.
    pub envelope: &'a [&'static str],
    /// Derived yes-or-no fields that are predicates over native ones.
    pub terms: &'a [Term],
    /// What is worked out of a whole record.
    pub derived: Option<Derived>,
    /// What is known of the place that the logs are from.
    pub estate: &'a Arc<Estate>,
}

impl Detector {
    /// Compiles rules, given by number and predicate, and watches.
    pub fn new(rules: &[(u32, &Predicate)], watches: &[Predicate], ground: Ground<'_>) -> Detector {
        let mut paths = Paths::default();
        let envelope: Vec<Slot> = ground.envelope.iter().map(|path| paths.slot(&Path::plain(path))).collect();
        let all = rules.iter().map(|(_, predicate)| *predicate).chain(watches);
        let predicates: Vec<Predicate> = all.map(|predicate| spelled_out(predicate, ground.terms)).collect();
        let matcher = Matcher::new(&predicates, &mut paths);
        let layout = Layout::new(
            &paths,
            |slot| envelope.contains(&slot) || matcher.reads_first(slot),
            ground.derived,
            Arc::clone(ground.estate),
        );
        Detector { matcher, layout, envelope, rules: rules.iter().map(|(number, _)| *number).collect() }
    }

    /// Which values a record's scan finds.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// The slots of the envelope paths, in their order.
    pub fn envelope(&self) -> &[Slot] {
        &self.envelope
    }

    /// What a thread needs to use it.
    pub fn scratch(&self) -> Scratch {
        self.matcher.scratch()
    }

    /// Collects what holds of an event.
    pub fn detect(&self, fields: &mut Fields<'_>, scratch: &mut Scratch, held: &mut Vec<Held>) {
        held.clear();
        self.matcher.matches(fields, scratch, |number| {
            held.push(match self.rules.get(number as usize) {
                Some(rule) => Held::Rule(*rule),
                None => Held::Watch(number - self.rules.len() as u32),
            });
        });
    }

    /// How many rules are tried on every event.
    pub fn n_always(&self) -> usize {
        self.matcher.n_always()
    }
}

/// The predicate with each test of a term replaced by what the term stands for.
pub fn spelled_out(predicate: &Predicate, terms: &[Term]) -> Predicate {
    let each = |parts: &[Predicate]| parts.iter().map(|p| spelled_out(p, terms)).collect();
    match predicate {
        Predicate::All(parts) => Predicate::All(each(parts)),
        Predicate::Any(parts) => Predicate::Any(each(parts)),
        Predicate::Not(inner) => spelled_out(inner, terms).negate(),
        Predicate::Field(path, Test::Text(pattern)) => {
            let dotted = path.dotted();
            let term = terms.iter().find(|(name, _)| *name == dotted).map(|(_, term)| term().clone());
            match (term, pattern.as_exact()) {
                (Some(term), Some(text)) if text.eq_ignore_ascii_case("true") => term,
                (Some(term), Some(text)) if text.eq_ignore_ascii_case("false") => term.negate(),
                _ => predicate.clone(),
            }
        }
        other => other.clone(),
    }
}
