//! Hits folded into findings.
//!
//! A finding is one rule, one entity (account and actor, or account and what the rule names instead) and one UTC day. Its uid is a hash of these,
//! so that the same events give the same findings in whatever order they come and however often.

use std::collections::BTreeSet;
use std::sync::Arc;

use event::event::{Description, Envelope};
use event::finding::{EVIDENCE_MAX, Evidence, Finding, Related, Uid};
use event::path::Path;
use event::time;
use event::value::Value;
use hashbrown::{Equivalent, HashMap};
use sha2::{Digest, Sha256};

use crate::rule::Rule;
use crate::template::Words;

/// The most addresses, resources and keys that a finding names.
const NAMES_MAX: usize = 100;
/// How many events keep their raw record.
const RAW_MAX: usize = 5;
/// The longest raw record that is kept.
const RAW_BYTES_MAX: usize = 64 << 10;

/// So many findings of one severity are kept in detail. Past it each of them names its first event only, so that rules which match
/// everywhere make no more than the ids of the events stay in memory.
const DETAILED_MAX: usize = 2_000;

type Key = (u32, String, i64);

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
    /// The whole record, and its description.
    fn whole(&mut self) -> (Value, Description);
}

/// Where an event stands among others: its time, and then its id. Rows have none before their object's hash is known, so between
/// rows of one time their text decides, and not the numbers of the files they lie in.
type Order = (i64, Box<str>, Uid);

fn order(hit: &Hit<'_>, raw: &str) -> Order {
    let text = if matches!(hit.uid, Uid::Row { .. }) { raw } else { "" };
    (hit.envelope.time_ms.unwrap_or(0), text.into(), hit.uid.clone())
}

/// Findings in the making.
#[derive(Debug, Default)]
pub struct Fold {
    findings: HashMap<Key, Partial>,
    /// Findings by severity, for [`DETAILED_MAX`].
    n_findings: [usize; 5],
    /// The entity of the hit in hand; kept so that no hit costs an allocation.
    entity: String,
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

#[derive(Debug)]
struct Partial {
    first: Order,
    words: FirstWords,
    source: &'static str,
    account: String,
    regions: BTreeSet<String>,
    source_ips: BTreeSet<String>,
    keys: BTreeSet<String>,
    /// The earliest events, and the resources each was about.
    evidence: Vec<(Order, Evidence, Vec<String>)>,
    related: Vec<Related>,
}

/// What the earliest event says.
#[derive(Debug, Default)]
struct FirstWords {
    title: String,
    principal: String,
    principal_uid: String,
}

/// A finding with what ties it to a story.
#[derive(Debug)]
pub struct Folded {
    /// The finding.
    pub finding: Finding,
    /// The rule's number.
    pub number: u32,
    /// The access keys its calls were signed with, sorted.
    pub keys: Vec<String>,
}

impl Fold {
    /// Adds a hit. The record is read as a whole only when it is among the earliest of its finding.
    pub fn add(&mut self, hit: &Hit<'_>, raw: &str, look: &mut dyn Look) {
        let time_ms = hit.envelope.time_ms.unwrap_or(0);
        self.name_entity(hit, look);
        let day = time_ms.div_euclid(time::DAY_MS);
        let n_findings = &mut self.n_findings[usize::from(hit.rule.severity.id()) - 1];
        let partial = match self.findings.get_mut(&KeyRef(hit.number, &self.entity, day)) {
            Some(partial) => partial,
            None => {
                *n_findings += 1;
                self.findings.entry((hit.number, self.entity.clone(), day)).or_insert_with(|| Partial::new(hit))
            }
        };
        let is_detailed = *n_findings <= DETAILED_MAX;
        partial.related.push(Related { time_ms, uid: hit.uid.clone() });
        add_name(&mut partial.regions, &hit.envelope.region);
        add_name(&mut partial.source_ips, &hit.envelope.source_ip);
        add_name(&mut partial.keys, &hit.envelope.access_key);
        if partial.is_late(time_ms, is_detailed) {
            return;
        }
        let order = order(hit, raw);
        if partial.words.title.is_empty() || order < partial.first {
            let (value, description) = look.whole();
            partial.words = FirstWords::new(hit, &value, &description);
            partial.first = order.clone();
            let evidence = evidence(hit, &description.action, &description.error, is_detailed.then_some(raw));
            partial.insert(order, evidence, description.resources);
        } else if is_detailed && partial.place(&order) < RAW_MAX {
            let (_, description) = look.whole();
            let evidence = evidence(hit, &description.action, &description.error, Some(raw));
            partial.insert(order, evidence, description.resources);
        } else if is_detailed && partial.place(&order) < EVIDENCE_MAX {
            let (action, error) = look.brief();
            partial.insert(order, evidence(hit, &action, &error, None), Vec::new());
        }
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
    pub fn merge(&mut self, other: Fold) {
        for (key, theirs) in other.findings {
            match self.findings.entry(key) {
                hashbrown::hash_map::Entry::Vacant(slot) => {
                    slot.insert(theirs);
                }
                hashbrown::hash_map::Entry::Occupied(mut slot) => slot.get_mut().merge(theirs),
            }
        }
    }

    /// Gives rows their lasting ids, once the hashes of their objects are known.
    pub fn name_rows(&mut self, hash_of: impl Fn(u32) -> Option<[u8; 32]>) {
        let name = |uid: &mut Uid| {
            if let Uid::Row { object, ordinal } = uid
                && let Some(hash) = hash_of(*object)
            {
                *uid = Uid::of_hash(&[&hash, &ordinal.to_be_bytes()]);
            }
        };
        for partial in self.findings.values_mut() {
            partial.evidence.iter_mut().for_each(|(order, ..)| name(&mut order.2));
            partial.related.iter_mut().for_each(|related| name(&mut related.uid));
        }
    }

    /// The findings, worst first, within a tier the earliest first; and how many events came more than once.
    pub fn finish(self, rules: &[Rule]) -> (Vec<Folded>, u64) {
        let mut n_duplicates = 0;
        let mut n_findings = [0usize; 5];
        let tier = |number: u32| usize::from(rules[number as usize].severity.id()) - 1;
        self.findings.keys().for_each(|(number, ..)| n_findings[tier(*number)] += 1);
        let mut out: Vec<Folded> = self
            .findings
            .into_iter()
            .map(|((number, entity, day), mut partial)| {
                // Whatever thread or order they came in, the findings of one tier are all in detail or none is.
                if n_findings[tier(number)] > DETAILED_MAX {
                    partial.forget_details();
                }
                partial.finish(number, &rules[number as usize], &entity, day, &mut n_duplicates)
            })
            .collect();
        out.sort_by(|a, b| {
            let rank = |f: &Finding| (std::cmp::Reverse(f.severity), f.first_ms, f.title.clone(), f.uid.clone());
            rank(&a.finding).cmp(&rank(&b.finding))
        });
        (out, n_duplicates)
    }
}

fn evidence(hit: &Hit<'_>, action: &str, error: &str, raw: Option<&str>) -> Evidence {
    Evidence {
        uid: String::new(),
        time_ms: hit.envelope.time_ms.unwrap_or(0),
        action: action.to_owned(),
        error: error.to_owned(),
        source_ip: hit.envelope.source_ip.clone(),
        raw: raw.filter(|raw| raw.len() <= RAW_BYTES_MAX).map(str::to_owned),
    }
}

fn add_name(names: &mut BTreeSet<String>, name: &str) {
    // The smallest names are kept, so that order does not matter.
    if name.is_empty() || names.contains(name) {
        return;
    }
    names.insert(name.to_owned());
    if names.len() > NAMES_MAX {
        names.pop_last();
    }
}

impl FirstWords {
    fn new(hit: &Hit<'_>, value: &Value, description: &Description) -> FirstWords {
        let words = Words {
            principal: &description.principal,
            source_ip: &hit.envelope.source_ip,
            account: &hit.envelope.account,
            region: &hit.envelope.region,
        };
        let title = match &hit.rule.sentence {
            Some(sentence) => sentence.render(value, words).0,
            None => format!("{}: {} by {}", hit.rule.title, description.action, description.principal),
        };
        FirstWords {
            title,
            principal: description.principal.clone(),
            principal_uid: hit.envelope.principal_uid.clone(),
        }
    }
}

impl Partial {
    fn new(hit: &Hit<'_>) -> Partial {
        Partial {
            first: (i64::MAX, "".into(), hit.uid.clone()),
            words: FirstWords::default(),
            source: hit.source,
            account: hit.envelope.account.clone(),
            regions: BTreeSet::new(),
            source_ips: BTreeSet::new(),
            keys: BTreeSet::new(),
            evidence: Vec::new(),
            related: Vec::new(),
        }
    }

    /// Whether an event of this time is later than all of which the details are kept.
    fn is_late(&self, time_ms: i64, is_detailed: bool) -> bool {
        let n_kept = if is_detailed { EVIDENCE_MAX } else { 1 };
        self.evidence.get(n_kept - 1).is_some_and(|((last, ..), ..)| time_ms > *last)
    }

    /// How many events of which the details are kept are earlier.
    fn place(&self, order: &Order) -> usize {
        self.evidence.partition_point(|(have, ..)| have < order)
    }

    fn insert(&mut self, order: Order, evidence: Evidence, resources: Vec<String>) {
        match self.evidence.binary_search_by(|(have, ..)| have.cmp(&order)) {
            Ok(_) => return,
            Err(at) => self.evidence.insert(at, (order, evidence, resources)),
        }
        self.evidence.truncate(EVIDENCE_MAX);
        // In whatever order they come, the earliest keep their raw record and no others.
        for (_, evidence, resources) in self.evidence.iter_mut().skip(RAW_MAX) {
            evidence.raw = None;
            resources.clear();
        }
    }

    fn forget_details(&mut self) {
        self.evidence.truncate(1);
        self.evidence.iter_mut().for_each(|(_, evidence, _)| evidence.raw = None);
    }

    fn merge(&mut self, theirs: Partial) {
        if theirs.first < self.first {
            self.first = theirs.first;
            self.words = theirs.words;
        }
        let pairs = [
            (&mut self.regions, theirs.regions),
            (&mut self.source_ips, theirs.source_ips),
            (&mut self.keys, theirs.keys),
        ];
        for (mine, theirs) in pairs {
            theirs.iter().for_each(|name| add_name(mine, name));
        }
        theirs.evidence.into_iter().for_each(|(order, evidence, resources)| self.insert(order, evidence, resources));
        self.related.extend(theirs.related);
    }

    fn finish(mut self, number: u32, rule: &Rule, entity: &str, day: i64, n_duplicates: &mut u64) -> Folded {
        let n_all = self.related.len();
        self.related.sort_unstable();
        self.related.dedup();
        *n_duplicates += (n_all - self.related.len()) as u64;
        // Of an object that was read twice, the rows have one id.
        self.evidence.sort_by(|(a, ..), (b, ..)| a.cmp(b));
        self.evidence.dedup_by(|(a, ..), (b, ..)| a == b);
        let mut resources = BTreeSet::new();
        self.evidence.iter().flat_map(|(_, _, names)| names).for_each(|name| add_name(&mut resources, name));
        let finding = Finding {
            uid: finding_uid(&rule.id, entity, day),
            rule_id: rule.id.clone(),
            rule_title: rule.title.clone(),
            source: self.source.to_owned(),
            title: self.words.title,
            description: Arc::clone(&rule.description),
            severity: rule.severity,
            techniques: Arc::clone(&rule.techniques),
            first_ms: self.related.first().map_or(0, |r| r.time_ms),
            last_ms: self.related.last().map_or(0, |r| r.time_ms),
            count: self.related.len() as u64,
            account: self.account,
            regions: self.regions.into_iter().collect(),
            principal: self.words.principal,
            principal_uid: self.words.principal_uid,
            source_ips: self.source_ips.into_iter().collect(),
            resources: resources.into_iter().collect(),
            triage: Arc::clone(&rule.triage),
            false_positives: Arc::clone(&rule.false_positives),
            evidence: self
                .evidence
                .into_iter()
                .map(|((_, _, uid), evidence, _)| Evidence { uid: uid.to_string(), ..evidence })
                .collect(),
            related: self.related,
        };
        Folded { finding, number, keys: self.keys.into_iter().collect() }
    }
}

/// The uid of a finding: the first 16 bytes of a hash of rule, entity and day, in hexadecimal.
pub fn finding_uid(rule_id: &str, entity: &str, day: i64) -> String {
    let digest = Sha256::digest(format!("{rule_id}\0{entity}\0{day}"));
    digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}
