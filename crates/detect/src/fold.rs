//! Hits folded into findings.
//!
//! A finding is one rule, one entity (account and actor, or account and what the rule names instead) and one UTC day. Its uid is a hash of these,
//! so that the same events give the same findings in whatever order they come and however often.
//! Memory is bounded: findings in the making that take more are put aside, and their parts meet again in [`crate::findings`].

use std::io;
use std::sync::Arc;

use event::event::{Description, Envelope};
use event::finding::Uid;
use event::path::Path;
use event::time;
use event::value::Value;
use hashbrown::{DefaultHashBuilder, Equivalent, HashMap, HashSet};
use sha2::{Digest, Sha256};

use crate::findings::{Aside, Findings};
use crate::partial::{EARLIEST_MAX, FirstWords, Kept, Partial, RAW_MAX, evidence, order};
use crate::rule::Rule;
use crate::spill::{InMemory, Spill};

/// So many findings of one severity are kept in detail. Past it each of them names its first event only: nobody reads the rest.
pub(crate) const DETAILED_MAX: usize = 2_000;
/// What a finding takes besides its texts: itself, and its places in maps and lists.
const FINDING_BYTES: usize = size_of::<Partial>() + 160;

/// Rule, entity and day.
pub(crate) type Key = (u32, String, i64);

/// A key that borrows its entity.
#[derive(Hash)]
struct KeyRef<'a>(u32, &'a str, i64);

impl Equivalent<Key> for KeyRef<'_> {
    fn equivalent(&self, key: &Key) -> bool {
        (self.0, self.1, self.2) == (key.0, key.1.as_str(), key.2)
    }
}

/// Reads the record of a hit, as far as it is asked.
pub trait Look {
    /// What was done and how it failed, off a few values.
    fn brief(&mut self) -> (String, String);
    /// Calls with what it was done to, as the description names it.
    fn resources(&mut self, add: &mut dyn FnMut(&str));
    /// The whole record, and its description.
    fn whole(&mut self) -> (&Value, Description);
}

/// Findings in the making.
pub struct Fold {
    findings: HashMap<Key, Box<Partial>>,
    /// About what they take.
    bytes: usize,
    /// What they may take before they are put aside.
    bytes_max: usize,
    spill: Arc<dyn Spill>,
    aside: Aside,
    tiers: [Tier; 5],
    /// The entity of the hit in hand; kept so that no hit costs an allocation.
    entity: String,
    /// The hashes of its resources of which it may be the earliest event; likewise.
    evident: Vec<u64>,
}

/// Counts the findings of one severity as far as it matters, also those that were put aside.
#[derive(Debug, Default)]
struct Tier {
    seen: HashSet<u64>,
    is_many: bool,
}

impl Tier {
    fn add(&mut self, hash: u64) {
        if !self.is_many {
            self.seen.insert(hash);
            if self.seen.len() > DETAILED_MAX {
                (self.seen, self.is_many) = (HashSet::new(), true);
            }
        }
    }
}

impl Default for Fold {
    /// One that keeps all in memory.
    fn default() -> Fold {
        Fold::new(Arc::new(InMemory::default()), usize::MAX)
    }
}

/// An event that a rule holds of.
pub struct Hit<'a> {
    /// The rule's number.
    pub number: u32,
    /// The rule.
    pub rule: &'a Rule,
    /// What is known of the event.
    pub envelope: &'a Envelope,
    /// Its id.
    pub uid: Uid,
    /// The log source.
    pub source: &'static str,
}

impl Fold {
    /// One that puts aside what takes more than so many bytes.
    pub fn new(spill: Arc<dyn Spill>, bytes_max: usize) -> Fold {
        Fold {
            findings: HashMap::new(),
            bytes: 0,
            bytes_max,
            spill,
            aside: Aside::default(),
            tiers: Default::default(),
            entity: String::new(),
            evident: Vec::new(),
        }
    }

    /// Adds a hit. The record is read as a whole only when it is the earliest of its finding.
    pub fn add(&mut self, hit: &Hit<'_>, raw: &str, look: &mut dyn Look) -> io::Result<()> {
        let time_ms = hit.envelope.time_ms.unwrap_or(0);
        self.name_entity(hit, look);
        let day = time_ms.div_euclid(time::DAY_MS);
        let tier = &mut self.tiers[usize::from(hit.rule.severity.id()) - 1];
        let key = KeyRef(hit.number, &self.entity, day);
        let partial = match self.findings.get_mut(&key) {
            Some(partial) => partial,
            None => {
                tier.add(hash(self.findings.hasher(), &key));
                let new = Box::new(Partial::new(uid_of(&hit.rule.id, &self.entity, day), hit));
                self.bytes += FINDING_BYTES + 2 * self.entity.len();
                self.findings.entry((hit.number, self.entity.clone(), day)).or_insert(new)
            }
        };
        self.bytes += partial.count(hit);
        self.bytes += resources(partial, hit, raw, look, (!tier.is_many).then_some(&mut self.evident));
        self.bytes += detail(partial, hit, raw, look, !tier.is_many);
        if self.bytes > self.bytes_max {
            self.put_aside(0)?;
        }
        Ok(())
    }

    fn name_entity(&mut self, hit: &Hit<'_>, look: &mut dyn Look) {
        let entity = &mut self.entity;
        entity.clear();
        entity.push_str(&hit.envelope.account);
        if hit.rule.entity.is_empty() {
            entity.push('\0');
            entity.push_str(&hit.envelope.principal_uid);
        }
        for name in &hit.rule.entity {
            entity.push('\0');
            match name.as_str() {
                "account" => {}
                "principal" => entity.push_str(&hit.envelope.principal_uid),
                "region" => entity.push_str(&hit.envelope.region),
                "source_ip" => entity.push_str(&hit.envelope.source_ip),
                field => {
                    let texts: Vec<String> =
                        look.whole().0.walk(&Path::visiting(field)).iter().map(|v| v.compact()).collect();
                    entity.push_str(&texts.join(","));
                }
            }
        }
    }

    /// Takes over the findings of another fold: of another thread, or of another part of the input.
    pub fn merge(&mut self, other: Fold) -> io::Result<()> {
        self.bytes += other.bytes;
        self.aside.take(other.aside);
        for (key, theirs) in other.findings {
            match self.findings.entry(key) {
                hashbrown::hash_map::Entry::Vacant(slot) => {
                    slot.insert(theirs);
                }
                hashbrown::hash_map::Entry::Occupied(mut slot) => slot.get_mut().merge(*theirs),
            }
        }
        if self.bytes > self.bytes_max { self.put_aside(0) } else { Ok(()) }
    }

    /// The rule, entity and day of each finding that is in memory.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &Key> {
        self.findings.keys()
    }

    /// The findings in the making, none of which was put aside.
    pub(crate) fn into_parts(self) -> impl Iterator<Item = (Key, Box<Partial>)> {
        self.findings.into_iter()
    }

    /// Puts all findings aside, of which so much may stay in memory.
    fn put_aside(&mut self, memory: usize) -> io::Result<()> {
        self.bytes = 0;
        let findings = self.findings.drain().map(|((number, ..), partial)| (number, partial));
        self.aside.put(findings.collect(), &*self.spill, memory)
    }

    /// The findings, once all hits were added. Rows get their lasting ids by the hashes of their objects.
    pub fn finish(mut self, rules: &[Rule], hash_of: impl Fn(u32) -> Option<[u8; 32]>) -> io::Result<Findings<'_>> {
        let memory = self.bytes_max / 3;
        self.put_aside(memory)?;
        self.aside.fold(rules, self.spill, memory, &hash_of)
    }
}

fn hash(builder: &DefaultHashBuilder, key: &KeyRef<'_>) -> u64 {
    std::hash::BuildHasher::hash_one(builder, key)
}

/// Adds the resources of an event, and keeps it for those of which it is the earliest; how many bytes that takes.
/// A few events early in the day must not be all that is told of what came later.
fn resources(
    partial: &mut Partial,
    hit: &Hit<'_>,
    raw: &str,
    look: &mut dyn Look,
    evident: Option<&mut Vec<u64>>,
) -> usize {
    let time_ms = hit.envelope.time_ms.unwrap_or(0);
    let (mut bytes, mut none) = (0, Vec::new());
    let is_detailed = evident.is_some();
    let evident = evident.unwrap_or(&mut none);
    evident.clear();
    look.resources(&mut |name| bytes += partial.resources.add(name, time_ms, evident));
    if !is_detailed || evident.is_empty() {
        return bytes;
    }
    let order = order(hit, raw);
    if partial.resources.want(evident, &order) {
        let (action, error) = look.brief();
        let kept = |order: &_| Kept::new(hit, Clone::clone(order), evidence(hit, &action, &error, Some(raw)));
        bytes += partial.resources.keep(evident, kept, &order);
    }
    bytes
}

/// Keeps of an event what is to be shown, if it is among the earliest; how many bytes that takes.
fn detail(partial: &mut Partial, hit: &Hit<'_>, raw: &str, look: &mut dyn Look, is_detailed: bool) -> usize {
    if partial.is_late(hit.envelope.time_ms.unwrap_or(0), is_detailed) {
        return 0;
    }
    let order = order(hit, raw);
    if partial.words.title.is_empty() || order < partial.first {
        let (value, description) = look.whole();
        partial.words = FirstWords::new(hit, value, &description);
        partial.first = order.clone();
        let evidence = evidence(hit, &description.action, &description.error, is_detailed.then_some(raw));
        return partial.insert(Kept::new(hit, order, evidence));
    }
    let place = partial.place(&order);
    if !is_detailed || place >= EARLIEST_MAX {
        return 0;
    }
    let (action, error) = look.brief();
    let evidence = evidence(hit, &action, &error, (place < RAW_MAX).then_some(raw));
    partial.insert(Kept::new(hit, order, evidence))
}

/// The uid of a finding: the first 16 bytes of a hash of rule, entity and day, in hexadecimal.
pub fn finding_uid(rule_id: &str, entity: &str, day: i64) -> String {
    format!("{:032x}", uid_of(rule_id, entity, day))
}

fn uid_of(rule_id: &str, entity: &str, day: i64) -> u128 {
    let digest = Sha256::digest(format!("{rule_id}\0{entity}\0{day}"));
    digest.iter().take(16).fold(0, |n, byte| n << 8 | u128::from(*byte))
}
