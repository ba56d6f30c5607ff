//! Findings told as stories: one for each person or workload, with the sessions that its credentials led to.

use std::collections::{BTreeMap, HashMap};
use std::io;

use detect::chain::Chain;
use detect::findings::{Findings, Folded};
use event::finding::{AtLeast, Severity};
use report::{Link, StepLine, Story};

/// Stories that are told.
const STORIES_MAX: usize = 200;
/// So many people are told apart, those of the worst findings first: memory does not grow with the names that logs make up.
const ORIGINS_MAX: usize = 100_000;
/// The steps of a story that are listed, the worst.
const STEPS_MAX: usize = 500;
/// The links of a story that are listed.
const LINKS_MAX: usize = 500;

/// Groups findings by who stands behind them, worst story first. The findings are read twice: to see which stories are told, and to tell them.
/// How many there are stands beside those that are told.
pub fn stories(findings: &Findings<'_>, chain: &Chain) -> io::Result<(Vec<Story>, AtLeast)> {
    let (places, n) = worst_origins(findings, chain)?;
    let mut drafts: Vec<Draft> = places.iter().map(|_| Draft::default()).collect();
    for one in findings.iter()? {
        let one = one?;
        if let Some(place) = is_told(&one).then(|| places.get(&origin(&one, chain).0)).flatten() {
            drafts[*place].add(&one, chain);
        }
    }
    Ok((drafts.into_iter().map(Draft::finish).collect(), n))
}

fn is_told(one: &Folded) -> bool {
    one.finding.source == "aws_cloudtrail" && one.finding.severity >= Severity::Low
}

/// The places of those whose stories are told, and how many there are in all.
fn worst_origins(findings: &Findings<'_>, chain: &Chain) -> io::Result<(HashMap<String, usize>, AtLeast)> {
    let mut is_more = false;
    let mut weights: HashMap<String, [u64; 5]> = HashMap::new();
    for one in findings.iter()? {
        let one = one?;
        if !is_told(&one) {
            continue;
        }
        let (uid, _) = origin(&one, chain);
        if weights.len() < ORIGINS_MAX || weights.contains_key(&uid) {
            weights.entry(uid).or_default()[5 - usize::from(one.finding.severity.id())] += 1;
        } else {
            is_more = true;
        }
    }
    let n = AtLeast { is_more, ..AtLeast::exactly(weights.len()) };
    let mut ranked: Vec<(String, [u64; 5])> = weights.into_iter().collect();
    ranked.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    ranked.truncate(STORIES_MAX);
    Ok((ranked.into_iter().zip(0..).map(|((uid, _), place)| (uid, place)).collect(), n))
}

/// Who is behind a finding: stable id and words. Followed back from the keys its calls were signed with.
fn origin(one: &Folded, chain: &Chain) -> (String, String) {
    let longest = one.keys.iter().map(|key| chain.back_from(key)).max_by_key(Vec::len).unwrap_or_default();
    match longest.last() {
        Some((_, link)) => (link.from_uid.to_string(), link.from.to_string()),
        None => (one.finding.principal_uid.clone(), one.finding.principal.clone()),
    }
}

/// A story being gathered, worst findings first.
#[derive(Default)]
struct Draft {
    principal: Option<String>,
    steps: Vec<StepLine>,
    n_unlisted: u64,
    links: BTreeMap<(i64, String), Link>,
}

impl Draft {
    fn add(&mut self, one: &Folded, chain: &Chain) {
        self.principal.get_or_insert_with(|| origin(one, chain).1);
        if self.steps.len() < STEPS_MAX {
            self.steps.push(step(one));
        } else {
            self.n_unlisted += 1;
        }
        for (key, link) in one.keys.iter().flat_map(|key| chain.back_from(key)) {
            let from = if link.from_key.is_empty() {
                link.from.to_string()
            } else {
                format!("{} (key {})", link.from, short_key(&link.from_key))
            };
            let text = format!("{from} obtained key {} for {} by {}", short_key(key), link.to, link.by);
            self.links.insert((link.time_ms, text.clone()), Link { time_ms: link.time_ms, text });
            if self.links.len() > LINKS_MAX {
                self.links.pop_last();
            }
        }
    }

    fn finish(mut self) -> Story {
        self.steps.sort_by(|a, b| {
            (a.time_ms, std::cmp::Reverse(a.severity), &a.text).cmp(&(
                b.time_ms,
                std::cmp::Reverse(b.severity),
                &b.text,
            ))
        });
        Story {
            principal: self.principal.unwrap_or_default(),
            severity: self.steps.iter().map(|s| s.severity).max().unwrap_or(Severity::Informational),
            links: self.links.into_values().collect(),
            steps: self.steps,
            n_unlisted: self.n_unlisted,
        }
    }
}

fn step(one: &Folded) -> StepLine {
    let finding = &one.finding;
    StepLine {
        time_ms: finding.first_ms,
        severity: finding.severity,
        text: finding.title.clone(),
        source_ip: finding.source_ips.first().cloned().unwrap_or_default(),
        technique: finding.techniques.first().map(|t| t.id.clone()).unwrap_or_default(),
        count: finding.count,
        finding_uid: finding.uid.clone(),
    }
}

/// The end of an access key id: enough to tell keys apart, too little to be taken for the key.
fn short_key(key: &str) -> String {
    let start = key.char_indices().rev().nth(3).map_or(0, |(at, _)| at);
    format!("…{}", &key[start..])
}
