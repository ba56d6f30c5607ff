//! Findings while events come in: hits are folded into those that are in memory, and a finding can be told at any time.
//!
//! The same event may come again and again; a finding counts it once, as it does where a whole day is folded at once.
//! Days that nothing was added to for long are forgotten to bound memory: whoever keeps the hits folds them anew and hands them to [`Live::load`].

use std::collections::{BTreeMap, BTreeSet};

use event::finding::{Finding, RELATED_EVENTS_MAX};
use hashbrown::HashMap;

use crate::fold::{DETAILED_MAX, Fold, Key};
use crate::partial::Partial;
use crate::rule::Rule;

/// What a kept event takes, about: its place in the list and its id.
const EVENT_BYTES: usize = 64;
/// What a finding takes, about, with the details of its earliest events.
const FINDING_BYTES: usize = 8 << 10;

/// The findings of the days that are in memory.
#[derive(Debug, Default)]
pub struct Live {
    days: BTreeMap<i64, Day>,
    /// Counts the times that something was added.
    now: u64,
}

#[derive(Debug, Default)]
struct Day {
    findings: HashMap<Key, Box<Partial>>,
    /// How many there are of each severity.
    n_of: [usize; 5],
    bytes: usize,
    /// When something was last added.
    used: u64,
}

/// A finding that has new events.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Touched(Key);

impl Live {
    /// None.
    pub fn new() -> Live {
        Live::default()
    }

    /// The days of a fold that are not in memory: their hits are to be folded and loaded before the fold is added.
    pub fn missing(&self, fold: &Fold) -> BTreeSet<i64> {
        fold.keys().map(|(_, _, day)| *day).filter(|day| !self.days.contains_key(day)).collect()
    }

    /// Takes over what is known of a day.
    pub fn load(&mut self, day: i64, fold: Fold, rules: &[Rule]) {
        self.days.entry(day).or_default();
        self.add(fold, rules);
    }

    /// Adds hits, and tells which findings have them. The fold must be in memory as a whole.
    pub fn add(&mut self, fold: Fold, rules: &[Rule]) -> BTreeSet<Touched> {
        self.now += 1;
        let mut touched = BTreeSet::new();
        for (key, theirs) in fold.into_parts() {
            let day = self.days.entry(key.2).or_default();
            day.used = self.now;
            touched.insert(Touched(key.clone()));
            day.bytes += theirs.related.len() * EVENT_BYTES;
            match day.findings.entry(key) {
                hashbrown::hash_map::Entry::Occupied(mut mine) => mine.get_mut().merge(*theirs),
                hashbrown::hash_map::Entry::Vacant(place) => {
                    day.bytes += FINDING_BYTES;
                    if let Some(rule) = rules.get(place.key().0 as usize) {
                        day.n_of[usize::from(rule.severity.id()) - 1] += 1;
                    }
                    place.insert(theirs);
                }
            }
        }
        touched
    }

    /// What a finding says now, with as many of its events as the document of it carries.
    pub fn finding(&mut self, touched: &Touched, rules: &[Rule]) -> Option<Finding> {
        let key = &touched.0;
        let rule = rules.get(key.0 as usize)?;
        let day = self.days.get_mut(&key.2)?;
        let is_detailed = day.n_of[usize::from(rule.severity.id()) - 1] <= DETAILED_MAX;
        let partial = day.findings.get_mut(key)?;
        if !is_detailed {
            partial.forget_details();
        }
        let mut events = std::mem::take(&mut partial.related);
        // Mostly sorted already, which the sort makes use of.
        events.sort();
        let before = events.len();
        events.dedup();
        day.bytes = day.bytes.saturating_sub((before - events.len()) * EVENT_BYTES);
        let times = (events.first()?.time_ms, events.last()?.time_ms);
        let (finding, _) = partial.clone().finish(rule, times, events.len() as u64);
        let related = events.iter().take(RELATED_EVENTS_MAX).cloned().collect();
        partial.related = events;
        Some(Finding { related, ..finding })
    }

    /// About how much memory all takes.
    pub fn bytes(&self) -> usize {
        self.days.values().map(|day| day.bytes).sum()
    }

    /// How many days are in memory.
    pub fn days(&self) -> usize {
        self.days.len()
    }

    /// Forgets the days that nothing was added to for longest, until there are no more than so many and they take no more than so much.
    pub fn forget(&mut self, days_max: usize, bytes_max: usize) {
        while self.days.len() > 1 && (self.days.len() > days_max || self.bytes() > bytes_max) {
            let Some(oldest) = self.days.iter().min_by_key(|(_, day)| day.used).map(|(day, _)| *day) else { return };
            self.days.remove(&oldest);
        }
    }
}
