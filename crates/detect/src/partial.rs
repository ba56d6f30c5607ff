//! A finding in the making, in memory and as a record that can be put aside.

use std::borrow::Cow;
use std::io;
use std::sync::Arc;

use event::event::Description;
use event::finding::{EVIDENCE_MAX, Evidence, Finding, Related, Uid};
use event::value::Value;

use crate::fold::Hit;
use crate::rule::Rule;
use crate::spill::changed;
use crate::template::Words;

/// The most addresses, resources and keys that a finding names.
const NAMES_MAX: usize = 100;
/// How many events keep their raw record.
pub(crate) const RAW_MAX: usize = 5;
/// The longest raw record that is kept.
const RAW_BYTES_MAX: usize = 64 << 10;

/// Where an event stands among others: its time, and then its id. Rows have none before their object's hash is known, so between
/// rows of one time their text and their place in the object decide, and not the numbers of the objects: a row that was read twice is one.
pub(crate) type Order = (i64, Box<str>, Uid);

pub(crate) fn order(hit: &Hit<'_>, raw: &str) -> Order {
    let time_ms = hit.envelope.time_ms.unwrap_or(0);
    match hit.uid {
        Uid::Row { ordinal, .. } => (time_ms, raw.into(), Uid::Row { object: 0, ordinal }),
        _ => (time_ms, "".into(), hit.uid.clone()),
    }
}

/// An event that is kept with its details.
#[derive(Debug)]
pub(crate) struct Kept {
    order: Order,
    uid: Uid,
    evidence: Evidence,
    /// What it was about.
    resources: Vec<String>,
}

impl Kept {
    pub(crate) fn new(hit: &Hit<'_>, order: Order, evidence: Evidence, resources: Vec<String>) -> Kept {
        Kept { order, uid: hit.uid.clone(), evidence, resources }
    }

    /// About how many bytes it takes.
    fn bytes(&self) -> usize {
        let evidence = &self.evidence;
        let texts = [&evidence.action, &evidence.error, &evidence.source_ip].map(String::len);
        let resources = self.resources.iter().map(|name| size_of::<String>() + name.len());
        size_of::<Kept>()
            + self.order.1.len()
            + texts.iter().sum::<usize>()
            + evidence.raw.as_ref().map_or(0, String::len)
            + resources.sum::<usize>()
    }
}

/// What is known of a finding so far, or of the part of it that one thread saw.
#[derive(Debug)]
pub(crate) struct Partial {
    pub(crate) uid: u128,
    pub(crate) first: Order,
    pub(crate) words: FirstWords,
    source: Cow<'static, str>,
    account: String,
    regions: Names,
    source_ips: Names,
    keys: Names,
    /// The earliest events.
    evidence: Vec<Kept>,
    /// All events; empty in a record, which stands for them on its own.
    pub(crate) related: Vec<Related>,
}

/// What the earliest event says.
#[derive(Debug, Default)]
pub(crate) struct FirstWords {
    pub(crate) title: String,
    principal: String,
    principal_uid: String,
}

/// The smallest of the names that were added, sorted: which they are does not depend on their order.
#[derive(Debug, Default)]
struct Names(Vec<Box<str>>);

impl Names {
    /// How many bytes it took.
    fn add(&mut self, name: &str) -> usize {
        if name.is_empty() {
            return 0;
        }
        let Err(at) = self.0.binary_search_by(|have| (**have).cmp(name)) else { return 0 };
        if at >= NAMES_MAX {
            return 0;
        }
        self.0.truncate(NAMES_MAX - 1);
        self.0.insert(at, name.into());
        name.len() + 2 * size_of::<Box<str>>()
    }

    fn into_texts(self) -> Vec<String> {
        self.0.into_iter().map(String::from).collect()
    }
}

pub(crate) fn evidence(hit: &Hit<'_>, action: &str, error: &str, raw: Option<&str>) -> Evidence {
    Evidence {
        uid: String::new(),
        time_ms: hit.envelope.time_ms.unwrap_or(0),
        action: action.to_owned(),
        error: error.to_owned(),
        source_ip: hit.envelope.source_ip.clone(),
        raw: raw.filter(|raw| raw.len() <= RAW_BYTES_MAX).map(str::to_owned),
    }
}

impl FirstWords {
    pub(crate) fn new(hit: &Hit<'_>, value: &Value, description: &Description) -> FirstWords {
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
    pub(crate) fn new(uid: u128, hit: &Hit<'_>) -> Partial {
        Partial {
            uid,
            first: (i64::MAX, "".into(), hit.uid.clone()),
            words: FirstWords::default(),
            source: Cow::Borrowed(hit.source),
            account: hit.envelope.account.clone(),
            regions: Names::default(),
            source_ips: Names::default(),
            keys: Names::default(),
            evidence: Vec::new(),
            related: Vec::new(),
        }
    }

    /// Counts an event; how many bytes it took.
    pub(crate) fn count(&mut self, hit: &Hit<'_>) -> usize {
        let before = self.related.capacity();
        self.related.push(Related { time_ms: hit.envelope.time_ms.unwrap_or(0), uid: hit.uid.clone() });
        let text = if let Uid::Text(text) = &hit.uid { text.len() } else { 0 };
        (self.related.capacity() - before) * size_of::<Related>()
            + text
            + self.regions.add(&hit.envelope.region)
            + self.source_ips.add(&hit.envelope.source_ip)
            + self.keys.add(&hit.envelope.access_key)
    }

    /// Whether an event of this time is later than all of which the details are kept.
    pub(crate) fn is_late(&self, time_ms: i64, is_detailed: bool) -> bool {
        let n_kept = if is_detailed { EVIDENCE_MAX } else { 1 };
        self.evidence.get(n_kept - 1).is_some_and(|last| time_ms > last.order.0)
    }

    /// How many events of which the details are kept are earlier.
    pub(crate) fn place(&self, order: &Order) -> usize {
        self.evidence.partition_point(|have| have.order < *order)
    }

    /// Keeps the details of an event; how many bytes they take.
    pub(crate) fn insert(&mut self, kept: Kept) -> usize {
        let bytes = kept.bytes();
        match self.evidence.binary_search_by(|have| have.order.cmp(&kept.order)) {
            Ok(at) => {
                let have = &mut self.evidence[at].uid;
                if kept.uid < *have {
                    *have = kept.uid;
                }
                return 0;
            }
            Err(at) => self.evidence.insert(at, kept),
        }
        let mut freed = 0;
        if self.evidence.len() > EVIDENCE_MAX {
            freed += self.evidence.pop().map_or(0, |kept| kept.bytes());
        }
        // In whatever order they come, the earliest keep their raw record and no others.
        for kept in self.evidence.iter_mut().skip(RAW_MAX) {
            freed += kept.evidence.raw.take().map_or(0, |raw| raw.len());
            kept.resources.clear();
        }
        bytes.saturating_sub(freed)
    }

    pub(crate) fn forget_details(&mut self) {
        self.evidence.truncate(1);
        self.evidence.iter_mut().for_each(|kept| kept.evidence.raw = None);
    }

    /// Gives rows their lasting ids, once the hashes of their objects are known.
    pub(crate) fn name_rows(&mut self, hash_of: &dyn Fn(u32) -> Option<[u8; 32]>) {
        self.evidence.iter_mut().for_each(|kept| name_row(&mut kept.uid, hash_of));
    }

    pub(crate) fn merge(&mut self, theirs: Partial) {
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
            for name in &theirs.0 {
                mine.add(name);
            }
        }
        for kept in theirs.evidence {
            self.insert(kept);
        }
        self.related.extend(theirs.related);
    }

    /// The finding, but for its events, and the access keys its calls were signed with.
    pub(crate) fn finish(self, rule: &Rule, times: (i64, i64), count: u64) -> (Finding, Vec<String>) {
        let mut resources = Names::default();
        for name in self.evidence.iter().flat_map(|kept| &kept.resources) {
            resources.add(name);
        }
        let finding = Finding {
            uid: format!("{:032x}", self.uid),
            rule_id: rule.id.clone(),
            rule_title: rule.title.clone(),
            source: self.source.into_owned(),
            title: self.words.title,
            description: Arc::clone(&rule.description),
            severity: rule.severity,
            techniques: Arc::clone(&rule.techniques),
            first_ms: times.0,
            last_ms: times.1,
            count,
            account: self.account,
            regions: self.regions.into_texts(),
            principal: self.words.principal,
            principal_uid: self.words.principal_uid,
            source_ips: self.source_ips.into_texts(),
            resources: resources.into_texts(),
            triage: Arc::clone(&rule.triage),
            false_positives: Arc::clone(&rule.false_positives),
            evidence: self
                .evidence
                .into_iter()
                .map(|kept| Evidence { uid: kept.uid.to_string(), ..kept.evidence })
                .collect(),
            related: Vec::new(),
        };
        (finding, self.keys.into_texts())
    }

    /// Appends all but its events.
    pub(crate) fn put(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.uid.to_be_bytes());
        put_order(out, &self.first);
        let texts = [&self.words.title, &self.words.principal, &self.words.principal_uid, &self.account];
        texts.into_iter().for_each(|text| put_text(out, text));
        put_text(out, &self.source);
        for names in [&self.regions, &self.source_ips, &self.keys] {
            put_number(out, names.0.len());
            names.0.iter().for_each(|name| put_text(out, name));
        }
        put_number(out, self.evidence.len());
        for Kept { order, uid, evidence, resources } in &self.evidence {
            put_order(out, order);
            put_whole_uid(out, uid);
            [&evidence.action, &evidence.error, &evidence.source_ip].into_iter().for_each(|text| put_text(out, text));
            // A raw record is not empty.
            put_text(out, evidence.raw.as_deref().unwrap_or_default());
            put_number(out, resources.len());
            resources.iter().for_each(|name| put_text(out, name));
        }
    }

    /// Reads what was put.
    pub(crate) fn take(from: &mut Take<'_>) -> io::Result<Partial> {
        let uid = u128::from_be_bytes(from.bytes()?);
        let first = from.order()?;
        let words = FirstWords { title: from.text()?, principal: from.text()?, principal_uid: from.text()? };
        let (account, source) = (from.text()?, Cow::Owned(from.text()?));
        let mut partial = Partial {
            uid,
            first,
            words,
            source,
            account,
            regions: from.names()?,
            source_ips: from.names()?,
            keys: from.names()?,
            evidence: Vec::new(),
            related: Vec::new(),
        };
        for _ in 0..from.number()? {
            let (order, uid) = (from.order()?, from.whole_uid()?);
            let evidence = Evidence {
                uid: String::new(),
                time_ms: order.0,
                action: from.text()?,
                error: from.text()?,
                source_ip: from.text()?,
                raw: Some(from.text()?).filter(|raw| !raw.is_empty()),
            };
            let resources = (0..from.number()?).map(|_| from.text()).collect::<io::Result<_>>()?;
            partial.evidence.push(Kept { order, uid, evidence, resources });
        }
        Ok(partial)
    }
}

/// Gives a row its lasting id, if the hash of its object is known.
pub(crate) fn name_row(uid: &mut Uid, hash_of: &dyn Fn(u32) -> Option<[u8; 32]>) {
    if let Uid::Row { object, ordinal } = uid
        && let Some(hash) = hash_of(*object)
    {
        *uid = Uid::of_hash(&[&hash, &ordinal.to_be_bytes()]);
    }
}

/// Appends an event so that records sort as events do.
pub(crate) fn put_related(out: &mut Vec<u8>, related: &Related) {
    put_time(out, related.time_ms);
    put_uid(out, &related.uid);
}

/// Appends a time so that records sort as times do.
pub(crate) fn put_time(out: &mut Vec<u8>, time_ms: i64) {
    out.extend_from_slice(&(time_ms as u64 ^ 1 << 63).to_be_bytes());
}

/// In the order of the kinds of ids; a text ends where the record does.
fn put_uid(out: &mut Vec<u8>, uid: &Uid) {
    match uid {
        Uid::Uuid(n) => {
            out.push(0);
            out.extend_from_slice(&n.to_be_bytes());
        }
        Uid::Row { object, ordinal } => {
            out.push(1);
            out.extend_from_slice(&object.to_be_bytes());
            out.extend_from_slice(&ordinal.to_be_bytes());
        }
        Uid::Text(text) => {
            out.push(2);
            out.extend_from_slice(text.as_bytes());
        }
    }
}

pub(crate) fn put_number(out: &mut Vec<u8>, n: usize) {
    out.extend_from_slice(&(n as u32).to_be_bytes());
}

fn put_text(out: &mut Vec<u8>, text: &str) {
    put_number(out, text.len());
    out.extend_from_slice(text.as_bytes());
}

fn put_order(out: &mut Vec<u8>, (time_ms, text, uid): &Order) {
    put_time(out, *time_ms);
    put_text(out, text);
    put_whole_uid(out, uid);
}

/// An id behind which something follows.
fn put_whole_uid(out: &mut Vec<u8>, uid: &Uid) {
    let at = out.len();
    put_number(out, 0);
    put_uid(out, uid);
    let len = (out.len() - at - 4) as u32;
    out[at..at + 4].copy_from_slice(&len.to_be_bytes());
}

/// A record being read.
pub(crate) struct Take<'a>(pub(crate) &'a [u8]);

impl<'a> Take<'a> {
    fn some(&mut self, n: usize) -> io::Result<&'a [u8]> {
        let (some, rest) = self.0.split_at_checked(n).ok_or_else(changed)?;
        self.0 = rest;
        Ok(some)
    }

    pub(crate) fn bytes<const N: usize>(&mut self) -> io::Result<[u8; N]> {
        self.some(N)?.try_into().map_err(|_| changed())
    }

    pub(crate) fn number(&mut self) -> io::Result<usize> {
        Ok(u32::from_be_bytes(self.bytes()?) as usize)
    }

    pub(crate) fn time(&mut self) -> io::Result<i64> {
        Ok((u64::from_be_bytes(self.bytes()?) ^ 1 << 63) as i64)
    }

    fn text(&mut self) -> io::Result<String> {
        let n = self.number()?;
        utf8(self.some(n)?).map(str::to_owned)
    }

    fn order(&mut self) -> io::Result<Order> {
        Ok((self.time()?, self.text()?.into(), self.whole_uid()?))
    }

    fn whole_uid(&mut self) -> io::Result<Uid> {
        let n = self.number()?;
        Take(self.some(n)?).uid()
    }

    fn names(&mut self) -> io::Result<Names> {
        let n = self.number()?;
        (0..n).map(|_| self.text().map(String::into_boxed_str)).collect::<io::Result<_>>().map(Names)
    }

    /// The id that stands last.
    fn uid(&mut self) -> io::Result<Uid> {
        let [kind] = self.bytes()?;
        Ok(match kind {
            0 => Uid::Uuid(u128::from_be_bytes(self.bytes()?)),
            1 => Uid::Row { object: u32::from_be_bytes(self.bytes()?), ordinal: u64::from_be_bytes(self.bytes()?) },
            _ => Uid::Text(utf8(self.0)?.into()),
        })
    }

    /// The event that stands last.
    pub(crate) fn related(&mut self) -> io::Result<Related> {
        Ok(Related { time_ms: self.time()?, uid: self.uid()? })
    }
}

fn utf8(bytes: &[u8]) -> io::Result<&str> {
    std::str::from_utf8(bytes).map_err(|_| changed())
}
