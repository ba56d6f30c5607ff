//! Hits folded into findings.
//!
//! A finding is one rule, one entity (account and actor, or account and what the rule names instead) and one UTC day. Its uid is a hash of these,
//! so that the same events give the same findings in whatever order they come and however often.

use std::collections::{BTreeSet, HashMap};

use event::event::{Description, Envelope};
use event::finding::{EVIDENCE_MAX, Evidence, Finding, Related, Uid};
use event::path::Path;
use event::time;
use event::value::Value;
use sha2::{Digest, Sha256};

use crate::rule::Rule;
use crate::template::Words;

/// The most addresses, resources and keys that a finding names.
const NAMES_MAX: usize = 100;
/// How many events keep their raw record.
const RAW_MAX: usize = 5;
/// The longest raw record that is kept.
const RAW_BYTES_MAX: usize = 64 << 10;

type Key = (u32, String, i64);

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
    /// Adds a hit. `look` reads the record as a whole and describes it; it is called only when the hit is among the earliest of its finding.
    pub fn add(&mut self, hit: &Hit<'_>, raw: &str, look: &mut dyn FnMut() -> (Value, Description)) {
        let time_ms = hit.envelope.time_ms.unwrap_or(0);
        let mut looked: Option<(Value, Description)> = None;
        let mut entity = hit.envelope.account.clone();
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
                    let (value, _) = looked.get_or_insert_with(&mut *look);
                    let texts: Vec<String> = value.walk(&Path::visiting(field)).iter().map(|v| v.compact()).collect();
                    entity.push_str(&texts.join(","));
                }
            }
        }
        let key = (hit.number, entity, time_ms.div_euclid(time::DAY_MS));
        let partial = self.findings.entry(key).or_insert_with(|| Partial::new(hit));
        partial.related.push(Related { time_ms, uid: hit.uid.clone() });
        add_name(&mut partial.regions, &hit.envelope.region);
        add_name(&mut partial.source_ips, &hit.envelope.source_ip);
        add_name(&mut partial.keys, &hit.envelope.access_key);
        if partial.is_late(time_ms) {
            return;
        }
        let order = order(hit, raw);
        let is_first = partial.words.title.is_empty() || order < partial.first;
        if !is_first && !partial.wants_evidence(&order) {
            return;
        }
        let (value, description) = looked.unwrap_or_else(look);
        partial.add_evidence(hit, order.clone(), raw, &description);
        if is_first {
            partial.words = FirstWords::new(hit, &value, &description);
            partial.first = order;
        }
    }

    /// Takes over the findings of another fold: of another thread, or of another part of the input.
    pub fn merge(&mut self, other: Fold) {
        for (key, theirs) in other.findings {
            match self.findings.entry(key) {
                std::collections::hash_map::Entry::Vacant(slot) => {
                    slot.insert(theirs);
                }
                std::collections::hash_map::Entry::Occupied(mut slot) => slot.get_mut().merge(theirs),
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

    /// The findings, worst first; within a tier the ones with the fewest events, which say most, then the earliest.
    pub fn finish(self, rules: &[Rule]) -> (Vec<Folded>, u64) {
        let mut n_duplicates = 0;
        let mut out: Vec<Folded> = self
            .findings
            .into_iter()
            .map(|((number, entity, day), partial)| {
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
    fn is_late(&self, time_ms: i64) -> bool {
        self.evidence.len() == EVIDENCE_MAX && self.evidence.last().is_some_and(|((last, ..), ..)| time_ms > *last)
    }

    /// Whether an event is among the earliest, of which the details are kept.
    fn wants_evidence(&self, order: &Order) -> bool {
        self.evidence.len() < EVIDENCE_MAX || self.evidence.last().is_some_and(|(last, ..)| order < last)
    }

    fn add_evidence(&mut self, hit: &Hit<'_>, order: Order, raw: &str, description: &Description) {
        let evidence = Evidence {
            uid: String::new(),
            time_ms: order.0,
            action: description.action.clone(),
            error: description.error.clone(),
            source_ip: hit.envelope.source_ip.clone(),
            raw: (raw.len() <= RAW_BYTES_MAX).then(|| raw.to_owned()),
        };
        self.insert(order, evidence, description.resources.clone());
    }

    fn insert(&mut self, order: Order, evidence: Evidence, resources: Vec<String>) {
        match self.evidence.binary_search_by(|(have, ..)| have.cmp(&order)) {
            Ok(_) => return,
            Err(at) => self.evidence.insert(at, (order, evidence, resources)),
        }
        self.evidence.truncate(EVIDENCE_MAX);
        // In whatever order they come, the earliest keep their raw record and no others.
        self.evidence.iter_mut().skip(RAW_MAX).for_each(|(_, evidence, _)| evidence.raw = None);
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
            description: rule.description.clone(),
            severity: rule.severity,
            techniques: rule.techniques.clone(),
            first_ms: self.related.first().map_or(0, |r| r.time_ms),
            last_ms: self.related.last().map_or(0, |r| r.time_ms),
            count: self.related.len() as u64,
            account: self.account,
            regions: self.regions.into_iter().collect(),
            principal: self.words.principal,
            principal_uid: self.words.principal_uid,
            source_ips: self.source_ips.into_iter().collect(),
            resources: resources.into_iter().collect(),
            triage: rule.triage.clone(),
            false_positives: rule.false_positives.clone(),
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
