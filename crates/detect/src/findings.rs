//! The findings of a whole scan, worst first, however many there are.
//!
//! Parts of findings were put aside in the order of their uids. Here they meet, their events are counted once each, and the findings are ranked:
//! three merges of sorted runs, none of which needs more memory than a few chunks of each run.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use event::finding::{Finding, Related, Severity, Uid};

use crate::fold::DETAILED_MAX;
use crate::partial::{Partial, Take, name_row, put_number, put_related, put_time};
use crate::rule::Rule;
use crate::spill::{Merge, Place, Reader, Run, Runs, Sorter, Spill, Writer, changed};

/// What was put aside.
#[derive(Debug, Default)]
pub(crate) struct Aside {
    /// Findings without their events: uid, and what is known.
    parts: Runs,
    /// Events: uid of the finding, time and id.
    events: Runs,
    /// Events that are rows, and so have no lasting id yet: the same, and not sorted.
    rows: Vec<Run>,
}

/// A finding with what ties it to a story.
#[derive(Debug)]
pub struct Folded {
    /// The finding, but for its events: [`Findings::events`] reads them.
    pub finding: Finding,
    /// The rule's number.
    pub number: u32,
    /// The access keys its calls were signed with, sorted.
    pub keys: Vec<String>,
    events: Place,
}

/// All findings. They are read in their order, as often as is needed, and may be many more than fit into memory.
pub struct Findings<'a> {
    rules: &'a [Rule],
    spill: Arc<dyn Spill>,
    ranked: Runs,
    events: Run,
    /// Findings by rule.
    pub by_rule: BTreeMap<u32, u64>,
    /// How many events came more than once.
    pub n_duplicates: u64,
}

impl Aside {
    /// Puts findings aside, of which so much may stay in memory.
    pub(crate) fn put(
        &mut self,
        mut findings: Vec<(u32, Box<Partial>)>,
        spill: &dyn Spill,
        memory: usize,
    ) -> io::Result<()> {
        findings.sort_unstable_by_key(|(_, partial)| partial.uid);
        let writer = || Writer::new(spill, memory / 2);
        let (mut parts, mut events, mut rows) = (writer(), writer(), Writer::new(spill, 0));
        let mut record = Vec::new();
        for (number, mut partial) in findings {
            record.clear();
            partial.put(&mut record);
            put_number(&mut record, number as usize);
            parts.push(&record)?;
            partial.related.sort_unstable();
            for related in &partial.related {
                record.clear();
                record.extend_from_slice(&partial.uid.to_be_bytes());
                put_related(&mut record, related);
                if matches!(related.uid, Uid::Row { .. }) { &mut rows } else { &mut events }.push(&record)?;
            }
        }
        self.parts.add(parts.finish()?, spill)?;
        self.events.add(events.finish()?, spill)?;
        self.rows.push(rows.finish()?);
        Ok(())
    }

    pub(crate) fn take(&mut self, other: Aside) {
        self.parts.take(other.parts);
        self.events.take(other.events);
        self.rows.extend(other.rows);
    }

    /// Gives rows their lasting ids and sorts them in.
    fn name_rows(
        &mut self,
        spill: &Arc<dyn Spill>,
        memory: usize,
        hash_of: &dyn Fn(u32) -> Option<[u8; 32]>,
    ) -> io::Result<()> {
        let mut sorter = Sorter::new(Arc::clone(spill), memory);
        for run in std::mem::take(&mut self.rows) {
            let mut rows = run.read(&**spill);
            while let Some(row) = rows.next()? {
                let (finding, event) = row.split_at_checked(16).ok_or_else(changed)?;
                let mut related = Take(event).related()?;
                name_row(&mut related.uid, hash_of);
                let mut record = finding.to_vec();
                put_related(&mut record, &related);
                sorter.push(record)?;
            }
        }
        self.events.take(sorter.finish()?);
        Ok(())
    }

    /// Brings the parts of each finding together, and ranks the findings.
    pub(crate) fn fold<'a>(
        mut self,
        rules: &'a [Rule],
        spill: Arc<dyn Spill>,
        memory: usize,
        hash_of: &dyn Fn(u32) -> Option<[u8; 32]>,
    ) -> io::Result<Findings<'a>> {
        self.name_rows(&spill, memory, hash_of)?;
        let (mut parts, mut events) = (self.parts.merge(&*spill)?, self.events.merge(&*spill)?);
        let mut named = Writer::new(&*spill, memory);
        let mut ranked = Sorter::new(Arc::clone(&spill), memory);
        let (mut by_rule, mut n_duplicates) = (BTreeMap::new(), 0);
        while let Some((number, partial)) = next_part(&mut parts, hash_of)? {
            let place = named.place();
            let found = Counted::read(&mut events, partial.uid, &mut named)?;
            n_duplicates += found.n_duplicates;
            *by_rule.entry(number).or_default() += 1;
            let severity = rules.get(number as usize).ok_or_else(changed)?.severity;
            ranked.push(rank(severity, &partial, number, &found, place))?;
        }
        let (ranked, events) = (ranked.finish()?, named.finish()?);
        Ok(Findings { rules, spill, ranked, events, by_rule, n_duplicates })
    }
}

/// The next finding, with all its parts.
fn next_part(parts: &mut Merge<'_>, hash_of: &dyn Fn(u32) -> Option<[u8; 32]>) -> io::Result<Option<(u32, Partial)>> {
    let mut whole: Option<(u32, Partial)> = None;
    while parts.peek().is_some_and(|next| whole.as_ref().is_none_or(|(_, w)| next.starts_with(&w.uid.to_be_bytes()))) {
        let mut record = Take(parts.next()?.ok_or_else(changed)?);
        let mut part = Partial::take(&mut record)?;
        part.name_rows(hash_of);
        match &mut whole {
            Some((_, whole)) => whole.merge(part),
            None => whole = Some((record.number()? as u32, part)),
        }
    }
    Ok(whole)
}

/// What the events of a finding come to.
#[derive(Default)]
struct Counted {
    count: u64,
    n_duplicates: u64,
    times: (i64, i64),
}

impl Counted {
    /// Copies the events of a finding, each once.
    fn read(events: &mut Merge<'_>, uid: u128, to: &mut Writer<'_>) -> io::Result<Counted> {
        let mut found = Counted::default();
        let mut before = Vec::new();
        while events.peek().is_some_and(|next| next.starts_with(&uid.to_be_bytes())) {
            let event = &events.next()?.ok_or_else(changed)?[16..];
            if event == before {
                found.n_duplicates += 1;
                continue;
            }
            before.clear();
            before.extend_from_slice(event);
            to.push(event)?;
            let time_ms = Take(event).time()?;
            found.times = (if found.count == 0 { time_ms } else { found.times.0 }, time_ms);
            found.count += 1;
        }
        Ok(found)
    }
}

/// A finding as a record that sorts as findings are ranked: worst first, within a tier the earliest first.
fn rank(severity: Severity, partial: &Partial, number: u32, found: &Counted, events: Place) -> Vec<u8> {
    let mut record = vec![u8::MAX - severity.id()];
    put_time(&mut record, found.times.0);
    record.extend_from_slice(partial.words.title.as_bytes());
    record.push(0);
    record.extend_from_slice(&partial.uid.to_be_bytes());
    let start = record.len();
    put_number(&mut record, number as usize);
    put_time(&mut record, found.times.0);
    put_time(&mut record, found.times.1);
    [found.count, events.chunk, events.offset].into_iter().for_each(|n| record.extend_from_slice(&n.to_be_bytes()));
    partial.put(&mut record);
    let len = record.len() - start;
    put_number(&mut record, len);
    record
}

impl Findings<'_> {
    /// How many there are.
    pub fn len(&self) -> u64 {
        self.by_rule.values().sum()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.by_rule.is_empty()
    }

    /// How many there are of a severity.
    pub fn n_of(&self, severity: Severity) -> u64 {
        let of_tier = self.by_rule.iter().filter(|(number, _)| self.rules[**number as usize].severity == severity);
        of_tier.map(|(_, n)| n).sum()
    }

    /// The findings, worst first, within a tier the earliest first.
    pub fn iter(&self) -> io::Result<Iter<'_>> {
        // Whatever thread or order they came in, the findings of one tier are all in detail or none is.
        let is_detailed = Severity::ALL.map(|severity| self.n_of(severity) <= DETAILED_MAX as u64);
        Ok(Iter { rules: self.rules, ranked: self.ranked.merge(&*self.spill)?, is_detailed })
    }

    /// The events of a finding, in the order of time.
    pub fn events(&self, of: &Folded) -> io::Result<Events<'_>> {
        let reader = self.events.read_from(&*self.spill, of.events)?;
        Ok(Events { reader, n_left: of.finding.count })
    }

    /// The events of all findings, in no order.
    pub fn all_events(&self) -> Events<'_> {
        Events { reader: self.events.read(&*self.spill), n_left: u64::MAX }
    }
}

/// Reads findings.
pub struct Iter<'f> {
    rules: &'f [Rule],
    ranked: Merge<'f>,
    is_detailed: [bool; 5],
}

impl Iter<'_> {
    fn read(&mut self) -> io::Result<Option<Folded>> {
        let Some(record) = self.ranked.next()? else { return Ok(None) };
        let (record, len) = record.split_last_chunk().ok_or_else(changed)?;
        let start = record.len().checked_sub(u32::from_be_bytes(*len) as usize).ok_or_else(changed)?;
        let mut take = Take(&record[start..]);
        let number = take.number()? as u32;
        let rule = self.rules.get(number as usize).ok_or_else(changed)?;
        let times = (take.time()?, take.time()?);
        let mut n = || take.bytes().map(u64::from_be_bytes);
        let (count, events) = (n()?, Place { chunk: n()?, offset: n()? });
        let mut partial = Partial::take(&mut take)?;
        if !self.is_detailed[usize::from(rule.severity.id()) - 1] {
            partial.forget_details();
        }
        let (finding, keys) = partial.finish(rule, times, count);
        Ok(Some(Folded { finding, number, keys, events }))
    }
}

impl Iterator for Iter<'_> {
    type Item = io::Result<Folded>;

    fn next(&mut self) -> Option<io::Result<Folded>> {
        self.read().transpose()
    }
}

/// Reads events of findings.
pub struct Events<'f> {
    reader: Reader<'f>,
    n_left: u64,
}

impl Iterator for Events<'_> {
    type Item = io::Result<Related>;

    fn next(&mut self) -> Option<io::Result<Related>> {
        self.n_left = self.n_left.checked_sub(1)?;
        match self.reader.next() {
            Ok(event) => event.map(|event| Take(event).related()),
            Err(err) => Some(Err(err)),
        }
    }
}
