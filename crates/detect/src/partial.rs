//! A finding in the making, in memory and as a record that can be put aside.

use std::borrow::Cow;
use std::io;
use std::sync::Arc;

use event::event::Description;
use event::finding::{AtLeast, EVIDENCE_MAX, Evidence, Finding, Related, Uid};
use event::value::Value;
use sha2::{Digest, Sha256};

use crate::fold::Hit;
use crate::rule::Rule;
use crate::spill::changed;
use crate::template::Words;

/// The most addresses, resources and keys that a finding names.
const NAMES_MAX: usize = 100;
/// How many of the earliest events keep their details, besides those of resources.
pub(crate) const EARLIEST_MAX: usize = EVIDENCE_MAX - EVIDENT_MAX;
/// How many of these keep their raw record, and of those of resources.
pub(crate) const RAW_MAX: usize = 5;
/// The most resources of a finding that are told apart; how many more there are nobody knows.
const RESOURCES_MAX: usize = 1_000;
/// How many resources keep the earliest of their events.
const EVIDENT_MAX: usize = 20;
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
#[derive(Clone, Debug)]
pub(crate) struct Kept {
    order: Order,
    uid: Uid,
    evidence: Evidence,
}

impl Kept {
    pub(crate) fn new(hit: &Hit<'_>, order: Order, evidence: Evidence) -> Kept {
        Kept { order, uid: hit.uid.clone(), evidence }
    }

    /// About how many bytes it takes.
    fn bytes(&self) -> usize {
        let evidence = &self.evidence;
        let texts = [&evidence.action, &evidence.error, &evidence.source_ip].map(String::len);
        size_of::<Kept>()
            + self.order.1.len()
            + texts.iter().sum::<usize>()
            + evidence.raw.as_ref().map_or(0, String::len)
    }

    /// Of the same event, found twice, one is left.
    fn take(&mut self, other: Kept) {
        if other.uid < self.uid {
            self.uid = other.uid;
        }
    }

    fn put(&self, out: &mut Vec<u8>) {
        let Kept { order, uid, evidence } = self;
        put_order(out, order);
        put_whole_uid(out, uid);
        [&evidence.action, &evidence.error, &evidence.source_ip].into_iter().for_each(|text| put_text(out, text));
        // A raw record is not empty.
        put_text(out, evidence.raw.as_deref().unwrap_or_default());
    }
}

/// What is known of a finding so far, or of the part of it that one thread saw.
#[derive(Clone, Debug)]
pub(crate) struct Partial {
    pub(crate) uid: u128,
    pub(crate) first: Order,
    pub(crate) words: FirstWords,
    source: Cow<'static, str>,
    account: String,
    regions: Names,
    source_ips: Names,
    keys: Names,
    pub(crate) resources: Resources,
    /// The earliest events.
    evidence: Vec<Kept>,
    /// All events; empty in a record, which stands for them on its own.
    pub(crate) related: Vec<Related>,
}

/// What the earliest event says.
#[derive(Clone, Debug, Default)]
pub(crate) struct FirstWords {
    pub(crate) title: String,
    principal: String,
    principal_uid: String,
    /// Where the title has named a resource, and how many it names; 0 for none.
    named_at: usize,
    n_named: usize,
}

/// The resources of all events of a finding, in the order of a hash of their names, so that neither the order of events nor names that were
/// made up to sort first decide which are kept: the first have their names, and the very first the earliest of their events.
#[derive(Clone, Debug, Default)]
pub(crate) struct Resources {
    known: Vec<Resource>,
    is_more: bool,
    /// The resource that was added last: most come many times in a row.
    last: (String, u64),
}

#[derive(Clone, Debug)]
struct Resource {
    hash: u64,
    name: Box<str>,
    earliest: Option<Box<Kept>>,
}

impl Resources {
    /// Adds a resource of an event of this time; how many bytes it took.
    /// If the event may be the earliest that is kept of it, its hash is noted.
    pub(crate) fn add(&mut self, name: &str, time_ms: i64, evident: &mut Vec<u64>) -> usize {
        if name.is_empty() {
            return 0;
        }
        if self.last.0 != name {
            let digest = Sha256::digest(name);
            self.last.1 = digest.iter().take(8).fold(0, |n, byte| n << 8 | u64::from(*byte));
            self.last.0.clear();
            self.last.0.push_str(name);
        }
        let hash = self.last.1;
        let (at, bytes) = match self.place(hash) {
            Ok(at) => (at, 0),
            Err(at) => (at, self.insert(at, Resource { hash, name: name.into(), earliest: None })),
        };
        let is_late = |kept: &Kept| kept.order.0 < time_ms;
        if at < EVIDENT_MAX && !self.known[at].earliest.as_deref().is_some_and(is_late) {
            evident.push(hash);
        }
        bytes
    }

    fn place(&self, hash: u64) -> Result<usize, usize> {
        self.known.binary_search_by_key(&hash, |resource| resource.hash)
    }

    /// Puts in a resource that is not there; how many bytes it took.
    fn insert(&mut self, at: usize, resource: Resource) -> usize {
        if at >= RESOURCES_MAX {
            self.is_more = true;
            return 0;
        }
        self.is_more |= self.known.len() == RESOURCES_MAX;
        self.known.truncate(RESOURCES_MAX - 1);
        let Resource { hash, mut name, mut earliest } = resource;
        name = if at < NAMES_MAX { name } else { Box::default() };
        earliest = earliest.filter(|_| at < EVIDENT_MAX);
        let bytes = size_of::<Resource>() + name.len();
        self.known.insert(at, Resource { hash, name, earliest });
        // What was moved past a bound loses what it had by it.
        if let Some(resource) = self.known.get_mut(NAMES_MAX) {
            resource.name = Box::default();
        }
        if let Some(resource) = self.known.get_mut(EVIDENT_MAX) {
            resource.earliest = None;
        }
        if let Some(kept) = self.known.get_mut(RAW_MAX).and_then(|resource| resource.earliest.as_mut()) {
            kept.evidence.raw = None;
        }
        bytes
    }

    /// Whether the event is earlier than the one that is kept of some of these resources.
    pub(crate) fn want(&self, evident: &[u64], order: &Order) -> bool {
        evident.iter().any(|hash| self.wanting(*hash, order).is_some())
    }

    fn wanting(&self, hash: u64, order: &Order) -> Option<usize> {
        let at = self.place(hash).ok().filter(|at| *at < EVIDENT_MAX)?;
        self.known[at].earliest.as_ref().is_none_or(|kept| *order <= kept.order).then_some(at)
    }

    /// Keeps an event for those of these resources of which it is the earliest; how many bytes it takes.
    pub(crate) fn keep(&mut self, evident: &[u64], kept: impl Fn(&Order) -> Kept, order: &Order) -> usize {
        let mut bytes = 0;
        for hash in evident {
            let Some(at) = self.wanting(*hash, order) else { continue };
            let mut new = kept(order);
            if at >= RAW_MAX {
                new.evidence.raw = None;
            }
            bytes += new.bytes();
            bytes = bytes.saturating_sub(self.keep_at(at, new));
        }
        bytes
    }

    /// Keeps the earlier event; how many bytes the other took.
    fn keep_at(&mut self, at: usize, new: Kept) -> usize {
        match &mut self.known[at].earliest {
            Some(have) if have.order < new.order => new.bytes(),
            Some(have) if have.order == new.order => {
                let bytes = new.bytes();
                have.take(new);
                bytes
            }
            Some(have) => std::mem::replace(&mut **have, new).bytes(),
            none => {
                *none = Some(Box::new(new));
                0
            }
        }
    }

    fn merge(&mut self, theirs: Resources) {
        self.is_more |= theirs.is_more;
        for theirs in theirs.known {
            match self.place(theirs.hash) {
                Err(at) => {
                    self.insert(at, theirs);
                }
                Ok(at) => {
                    if let Some(kept) = theirs.earliest.filter(|_| at < EVIDENT_MAX) {
                        self.keep_at(at, *kept);
                    }
                }
            }
        }
        self.trim();
    }

    /// In whatever order they come, the first keep a raw record and no others.
    fn trim(&mut self) {
        for kept in self.known.iter_mut().skip(RAW_MAX).filter_map(|resource| resource.earliest.as_mut()) {
            kept.evidence.raw = None;
        }
    }

    fn count(&self) -> AtLeast {
        AtLeast { is_more: self.is_more, ..AtLeast::exactly(self.known.len()) }
    }

    fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = self.known.iter().take(NAMES_MAX).map(|r| r.name.to_string()).collect();
        names.sort_unstable();
        names
    }

    fn put(&self, out: &mut Vec<u8>) {
        out.push(u8::from(self.is_more));
        put_number(out, self.known.len());
        for Resource { hash, name, earliest } in &self.known {
            out.extend_from_slice(&hash.to_be_bytes());
            put_text(out, name);
            out.push(u8::from(earliest.is_some()));
            earliest.iter().for_each(|kept| kept.put(out));
        }
    }
}

/// The smallest of the names that were added, sorted: which they are does not depend on their order.
#[derive(Clone, Debug, Default)]
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
        let places: Vec<usize> = description.resources.iter().filter_map(|name| end_of(name, &title)).collect();
        FirstWords {
            named_at: places.iter().copied().max().unwrap_or(0),
            n_named: places.len(),
            title,
            principal: description.principal.clone(),
            principal_uid: hit.envelope.principal_uid.clone(),
        }
    }

    /// The title, which says of how many resources it names only some.
    fn title(&self, resources: AtLeast) -> String {
        let (named, behind) = self.title.split_at_checked(self.named_at).unwrap_or((&self.title, ""));
        match resources.beside(self.n_named).filter(|_| self.n_named > 0) {
            Some(others) => format!("{named} and {others} more{behind}"),
            None => self.title.clone(),
        }
    }
}

/// Where the title ends to name a resource, by its whole name or by the end of its ARN. A title begins with who did it, so the last place counts.
fn end_of(name: &str, title: &str) -> Option<usize> {
    let short = name.rsplit(['/', ':']).next().filter(|short| !short.is_empty());
    [Some(name), short].into_iter().flatten().find_map(|name| {
        let is_word = |(start, _): &(usize, &str)| {
            let is_inside = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '/' | ':');
            let end = start + name.len();
            let behind = title[end..].trim_start_matches(['.', ':']);
            !title[..*start].ends_with(is_inside) && !behind.starts_with(is_inside)
        };
        title.rmatch_indices(name).find(is_word).map(|(start, _)| start + name.len())
    })
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
            resources: Resources::default(),
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
        let n_kept = if is_detailed { EARLIEST_MAX } else { 1 };
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
                self.evidence[at].take(kept);
                return 0;
            }
            Err(at) => self.evidence.insert(at, kept),
        }
        let mut freed = 0;
        if self.evidence.len() > EARLIEST_MAX {
            freed += self.evidence.pop().map_or(0, |kept| kept.bytes());
        }
        // In whatever order they come, the earliest keep their raw record and no others.
        for kept in self.evidence.iter_mut().skip(RAW_MAX) {
            freed += kept.evidence.raw.take().map_or(0, |raw| raw.len());
        }
        bytes.saturating_sub(freed)
    }

    pub(crate) fn forget_details(&mut self) {
        self.evidence.truncate(1);
        self.evidence.iter_mut().for_each(|kept| kept.evidence.raw = None);
        self.resources.known.iter_mut().for_each(|resource| resource.earliest = None);
    }

    /// Gives rows their lasting ids, once the hashes of their objects are known.
    pub(crate) fn name_rows(&mut self, hash_of: &dyn Fn(u32) -> Option<[u8; 32]>) {
        let of_resources = self.resources.known.iter_mut().filter_map(|resource| resource.earliest.as_deref_mut());
        self.evidence.iter_mut().chain(of_resources).for_each(|kept| name_row(&mut kept.uid, hash_of));
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
        self.resources.merge(theirs.resources);
        self.related.extend(theirs.related);
    }

    /// The finding, but for its events, and the access keys its calls were signed with.
    pub(crate) fn finish(mut self, rule: &Rule, times: (i64, i64), count: u64) -> (Finding, Vec<String>) {
        let (resources, n_resources) = (self.resources.names(), self.resources.count());
        let mut evidence = std::mem::take(&mut self.evidence);
        evidence.extend(self.resources.known.into_iter().filter_map(|resource| resource.earliest).map(|kept| *kept));
        // Of an event that is kept twice, the one with its raw record is left.
        evidence.sort_by(|a, b| (&a.order, a.evidence.raw.is_none()).cmp(&(&b.order, b.evidence.raw.is_none())));
        evidence.dedup_by(|a, b| a.order == b.order);
        let finding = Finding {
            uid: format!("{:032x}", self.uid),
            rule_id: rule.id.clone(),
            rule_title: rule.title.clone(),
            source: self.source.into_owned(),
            title: self.words.title(n_resources),
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
            resources,
            n_resources,
            triage: Arc::clone(&rule.triage),
            false_positives: Arc::clone(&rule.false_positives),
            evidence: evidence
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
        put_number(out, self.words.named_at);
        put_number(out, self.words.n_named);
        for names in [&self.regions, &self.source_ips, &self.keys] {
            put_number(out, names.0.len());
            names.0.iter().for_each(|name| put_text(out, name));
        }
        put_number(out, self.evidence.len());
        self.evidence.iter().for_each(|kept| kept.put(out));
        self.resources.put(out);
    }

    /// Reads what was put.
    pub(crate) fn take(from: &mut Take<'_>) -> io::Result<Partial> {
        let uid = u128::from_be_bytes(from.bytes()?);
        let first = from.order()?;
        let (title, principal, principal_uid) = (from.text()?, from.text()?, from.text()?);
        let (account, source) = (from.text()?, Cow::Owned(from.text()?));
        let words = FirstWords { title, principal, principal_uid, named_at: from.number()?, n_named: from.number()? };
        let mut partial = Partial {
            uid,
            first,
            words,
            source,
            account,
            regions: from.names()?,
            source_ips: from.names()?,
            keys: from.names()?,
            resources: Resources::default(),
            evidence: Vec::new(),
            related: Vec::new(),
        };
        for _ in 0..from.number()? {
            partial.evidence.push(from.kept()?);
        }
        partial.resources = from.resources()?;
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

    fn kept(&mut self) -> io::Result<Kept> {
        let (order, uid) = (self.order()?, self.whole_uid()?);
        let evidence = Evidence {
            uid: String::new(),
            time_ms: order.0,
            action: self.text()?,
            error: self.text()?,
            source_ip: self.text()?,
            raw: Some(self.text()?).filter(|raw| !raw.is_empty()),
        };
        Ok(Kept { order, uid, evidence })
    }

    fn resources(&mut self) -> io::Result<Resources> {
        let is_more = self.bytes::<1>()? == [1];
        let mut resources = Resources { is_more, ..Resources::default() };
        for _ in 0..self.number()? {
            let (hash, name) = (u64::from_be_bytes(self.bytes()?), self.text()?.into());
            let earliest = if self.bytes::<1>()? == [1] { Some(Box::new(self.kept()?)) } else { None };
            resources.known.push(Resource { hash, name, earliest });
        }
        Ok(resources)
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
