//! What a run counts: events by who, where and when. Memory is bounded however many names hostile logs make up.

use std::collections::BTreeMap;

use hashbrown::HashMap;
use report::{Counted, Histogram, Ranked, Skipped};

use event::event::Envelope;
use event::finding::AtLeast;

/// The most names of one kind that are told apart.
const NAMES_MAX: usize = 100_000;
/// Reasons of one file that are told apart.
const REASONS_MAX: usize = 20;
/// The most steps of time that are told apart: half a year of minutes.
const STEPS_MAX: usize = 1 << 18;
const MINUTE_MS: i64 = 60_000;

/// Events by a name.
#[derive(Debug, Default)]
pub struct Names {
    counts: HashMap<Box<str>, u64>,
    others: u64,
    /// The name counted last, and how often in a row: a file is mostly about one account, one Region.
    last: (String, u64),
}

impl Names {
    /// Counts one.
    pub fn add(&mut self, name: &str) {
        if self.last.0 != name {
            self.settle();
            self.last.0.push_str(name);
        }
        self.last.1 += 1;
    }

    fn settle(&mut self) {
        let (name, count) = std::mem::take(&mut self.last);
        self.add_many(&name, count);
        self.last.0 = name;
        self.last.0.clear();
    }

    fn add_many(&mut self, name: &str, count: u64) {
        if name.is_empty() || count == 0 {
            return;
        }
        let has_room = self.counts.len() < NAMES_MAX;
        match self.counts.get_mut(name) {
            Some(have) => *have += count,
            None if has_room => {
                self.counts.insert(name.into(), count);
            }
            None => self.others += count,
        }
    }

    fn merge(&mut self, mut other: Names) {
        self.settle();
        other.settle();
        self.others += other.others;
        other.counts.iter().for_each(|(name, count)| self.add_many(name, *count));
    }

    /// The names, most frequent first, at most so many; and how many there are.
    pub fn ranked(&self, names_max: usize) -> Ranked {
        let mut all: Vec<(&str, u64)> = self.counts.iter().map(|(name, count)| (&**name, *count)).collect();
        let n = AtLeast { is_more: self.others > 0, ..AtLeast::exactly(all.len()) };
        all.sort_unstable_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(b.0)));
        let counted = |(name, count): &(&str, u64)| Counted { name: (*name).to_owned(), count: *count };
        Ranked { names: all.iter().take(names_max).map(counted).collect(), n }
    }
}

/// All that is counted.
#[derive(Debug, Default)]
pub struct Tally {
    /// Events looked at.
    pub events: u64,
    /// Events outside the asked period.
    pub filtered: u64,
    /// By log source.
    pub sources: Names,
    /// By account.
    pub accounts: Names,
    /// By Region.
    pub regions: Names,
    /// By the actor's stable id.
    pub principals: Names,
    /// By address.
    pub source_ips: Names,
    /// Events in which one key stood twice in an object.
    pub duplicate_keys: u64,
    /// The first and the last time.
    pub period: Option<(i64, i64)>,
    minutes: Minutes,
}

/// Events by minute, or by twice as long while there are too many: which steps there are depends on the times only, not on their order.
#[derive(Debug, Default)]
struct Minutes {
    counts: HashMap<i64, u64>,
    /// A step is so many times twice a minute.
    doublings: u32,
    /// The minute counted last: events of one file lie close together.
    last: (i64, u64),
}

impl Minutes {
    fn add(&mut self, minute: i64) {
        if minute != self.last.0 {
            self.settle();
            self.last.0 = minute;
        }
        self.last.1 += 1;
    }

    fn settle(&mut self) {
        let (minute, count) = std::mem::take(&mut self.last);
        if count > 0 {
            *self.counts.entry(minute >> self.doublings).or_default() += count;
            self.shrink(self.doublings);
        }
    }

    /// Makes steps at least so long, and longer until there are few enough.
    fn shrink(&mut self, doublings: u32) {
        while self.doublings < doublings || self.counts.len() > STEPS_MAX {
            self.doublings += 1;
            for (step, count) in std::mem::take(&mut self.counts) {
                *self.counts.entry(step >> 1).or_default() += count;
            }
        }
    }

    fn merge(&mut self, mut other: Minutes) {
        self.settle();
        other.settle();
        self.shrink(other.doublings);
        other.shrink(self.doublings);
        // The other may have become shorter still.
        self.shrink(other.doublings);
        for (step, count) in other.counts {
            *self.counts.entry(step).or_default() += count;
        }
        self.shrink(self.doublings);
    }

    /// Minutes with counts, in no order; a step stands for its first.
    fn iter(&self) -> impl Iterator<Item = (i64, u64)> {
        let steps = self.counts.iter().map(|(step, count)| (*step << self.doublings, *count));
        steps.chain((self.last.1 > 0).then_some(self.last))
    }
}

impl Tally {
    /// Counts an event.
    pub fn add(&mut self, source: &str, envelope: &Envelope) {
        self.events += 1;
        self.sources.add(source);
        self.accounts.add(&envelope.account);
        self.regions.add(&envelope.region);
        self.principals.add(&envelope.principal_uid);
        self.source_ips.add(&envelope.source_ip);
        let Some(time_ms) = envelope.time_ms else { return };
        self.period = Some(self.period.map_or((time_ms, time_ms), |(from, to)| (from.min(time_ms), to.max(time_ms))));
        self.minutes.add(time_ms.div_euclid(MINUTE_MS));
    }

    /// Takes over what another thread counted.
    pub fn merge(&mut self, other: Tally) {
        self.events += other.events;
        self.filtered += other.filtered;
        self.duplicate_keys += other.duplicate_keys;
        self.sources.merge(other.sources);
        self.accounts.merge(other.accounts);
        self.regions.merge(other.regions);
        self.principals.merge(other.principals);
        self.source_ips.merge(other.source_ips);
        self.period = match (self.period, other.period) {
            (Some((a, b)), Some((c, d))) => Some((a.min(c), b.max(d))),
            (mine, theirs) => mine.or(theirs),
        };
        self.minutes.merge(other.minutes);
    }

    /// Events and hits in at most so many equal steps of whole minutes.
    pub fn histogram(&self, hits: impl Iterator<Item = i64>, steps_max: i64) -> Option<Histogram> {
        let (from, to) = self.period?;
        let (first, last) = (from.div_euclid(MINUTE_MS), to.div_euclid(MINUTE_MS));
        let step = ((last - first) / steps_max + 1).max(1);
        let n_steps = ((last - first) / step + 1) as usize;
        let mut histogram = Histogram {
            start_ms: first * MINUTE_MS,
            step_ms: step * MINUTE_MS,
            events: vec![0; n_steps],
            hits: vec![0; n_steps],
        };
        let at = |minute: i64| ((minute - first) / step).clamp(0, n_steps as i64 - 1) as usize;
        for (minute, count) in self.minutes.iter() {
            histogram.events[at(minute)] += count;
        }
        hits.for_each(|time_ms| histogram.hits[at(time_ms.div_euclid(MINUTE_MS))] += 1);
        Some(histogram)
    }
}

/// Why records of one file were not read.
#[derive(Debug, Default)]
pub struct Reasons(BTreeMap<String, (u64, u64)>);

impl Reasons {
    /// Counts so many records and bytes.
    pub fn add(&mut self, why: &str, records: u64, bytes: usize) {
        let why = if self.0.len() < REASONS_MAX || self.0.contains_key(why) { why } else { "other reasons" };
        let (n, size) = self.0.entry(why.to_owned()).or_default();
        *n += records;
        *size += bytes as u64;
    }

    /// What was not read of the file of this name.
    pub fn of(self, name: &str) -> impl Iterator<Item = Skipped> {
        let of_file = move |(why, (records, bytes))| Skipped { what: name.to_owned(), why, records, bytes };
        self.0.into_iter().map(of_file)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_threads_count_as_one() {
        let envelope =
            |minute: i64| Envelope { time_ms: Some(minute * MINUTE_MS), account: "1".into(), ..Envelope::default() };
        let (mut a, mut b, mut whole) = (Tally::default(), Tally::default(), Tally::default());
        for minute in [5, 5, 900, 6, 5] {
            if minute == 5 {
                a.add("x", &envelope(minute))
            } else {
                b.add("x", &envelope(minute))
            }
            whole.add("x", &envelope(minute));
        }
        a.merge(b);
        let of = |tally: &Tally| {
            tally.histogram([5 * MINUTE_MS].into_iter(), 100).map(|h| (h.start_ms, h.step_ms, h.events, h.hits))
        };
        assert_eq!(of(&a), of(&whole));
        assert_eq!(of(&a).map(|h| h.2.iter().sum::<u64>()), Some(5));
        assert_eq!(a.accounts.ranked(9).n, AtLeast::exactly(1));
    }

    #[test]
    fn names_are_counted_past_those_that_are_listed() {
        let mut names = Names::default();
        (0..3_000).for_each(|n| names.add(&n.to_string()));
        names.merge(Names::default());
        let ranked = names.ranked(1_000);
        assert_eq!((ranked.names.len(), ranked.n), (1_000, AtLeast::exactly(3_000)));
        (0..NAMES_MAX + 5).for_each(|n| names.add(&n.to_string()));
        names.merge(Names::default());
        let ranked = names.ranked(usize::MAX);
        assert_eq!((ranked.names.len(), ranked.n), (NAMES_MAX, AtLeast { n: NAMES_MAX as u64, is_more: true }));
        assert!(ranked.names.iter().all(|counted| counted.name.parse::<u64>().is_ok()));
    }

    #[test]
    fn very_many_minutes_become_longer_steps_in_whatever_order() {
        let n = 3 * STEPS_MAX as i64;
        let (mut forwards, mut left, mut right) = (Minutes::default(), Minutes::default(), Minutes::default());
        (0..n).for_each(|minute| forwards.add(minute));
        (0..n).rev().for_each(|minute| if minute < 1_000 { left.add(minute) } else { right.add(minute) });
        left.merge(right);
        forwards.merge(Minutes::default());
        assert_eq!((forwards.doublings, forwards.counts.len()), (2, n as usize / 4));
        assert_eq!(forwards.doublings, left.doublings);
        assert_eq!(forwards.counts, left.counts);
        assert_eq!(left.iter().map(|(_, count)| count).sum::<u64>(), n as u64);
    }
}
