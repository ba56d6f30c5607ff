//! All rules of one log source against its events.

use event::layout::{Derived, Fields, Layout, Paths};
use event::path::Path;
use event::scan::Slot;
use predicate::matcher::{Matcher, Scratch};
use predicate::predicate::Predicate;

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

impl Detector {
    /// Compiles rules, given by number and predicate, and watches. The envelope paths are filled from each record.
    pub fn new(
        rules: &[(u32, &Predicate)],
        watches: &[Predicate],
        envelope: &[&str],
        derived: Option<Derived>,
    ) -> Detector {
        let mut paths = Paths::default();
        let envelope: Vec<Slot> = envelope.iter().map(|path| paths.slot(&Path::plain(path))).collect();
        let predicates: Vec<Predicate> =
            rules.iter().map(|(_, p)| (*p).clone()).chain(watches.iter().cloned()).collect();
        let matcher = Matcher::new(&predicates, &mut paths);
        let layout = Layout::new(&paths, |slot| envelope.contains(&slot) || matcher.reads_first(slot), derived);
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
