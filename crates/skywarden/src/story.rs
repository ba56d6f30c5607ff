//! Findings told as stories: one for each person or workload, with the sessions that its credentials led to.

use std::collections::BTreeMap;

use detect::chain::Chain;
use detect::fold::Folded;
use event::finding::Severity;
use report::{Link, StepLine, Story};

/// Stories that are told.
const STORIES_MAX: usize = 200;

/// Groups findings by who stands behind them, worst story first.
pub fn stories(folded: &[Folded], chain: &Chain) -> Vec<Story> {
    let mut by_origin: BTreeMap<String, Vec<&Folded>> = BTreeMap::new();
    for one in folded.iter().filter(|f| f.finding.source == "aws_cloudtrail" && f.finding.severity >= Severity::Low) {
        by_origin.entry(origin(one, chain).0).or_default().push(one);
    }
    let weight = |findings: &[&Folded]| {
        let mut counts = [0usize; 5];
        findings.iter().for_each(|one| counts[5 - usize::from(one.finding.severity.id())] += 1);
        counts
    };
    let mut groups: Vec<(String, Vec<&Folded>)> = by_origin.into_iter().collect();
    groups.sort_by(|a, b| weight(&b.1).cmp(&weight(&a.1)).then_with(|| a.0.cmp(&b.0)));
    groups.iter().take(STORIES_MAX).map(|(_, findings)| story(findings, chain)).collect()
}

/// Who is behind a finding: stable id and words. Followed back from the keys its calls were signed with.
fn origin(one: &Folded, chain: &Chain) -> (String, String) {
    let longest = one.keys.iter().map(|key| chain.back_from(key)).max_by_key(Vec::len).unwrap_or_default();
    match longest.last() {
        Some((_, link)) => (link.from_uid.clone(), link.from.clone()),
        None => (one.finding.principal_uid.clone(), one.finding.principal.clone()),
    }
}

fn story(findings: &[&Folded], chain: &Chain) -> Story {
    let mut steps: Vec<StepLine> = findings.iter().map(|one| step(one)).collect();
    steps.sort_by(|a, b| {
        (a.time_ms, std::cmp::Reverse(a.severity), &a.text).cmp(&(b.time_ms, std::cmp::Reverse(b.severity), &b.text))
    });
    let mut links: BTreeMap<(i64, String), Link> = BTreeMap::new();
    for one in findings {
        for (key, link) in one.keys.iter().flat_map(|key| chain.back_from(key)) {
            let from = if link.from_key.is_empty() {
                link.from.clone()
            } else {
                format!("{} (key {})", link.from, short_key(&link.from_key))
            };
            let text = format!("{from} obtained key {} for {} by {}", short_key(key), link.to, link.by);
            links.insert((link.time_ms, text.clone()), Link { time_ms: link.time_ms, text });
        }
    }
    let principal = findings.first().map_or_else(String::new, |one| origin(one, chain).1);
    let severity = steps.iter().map(|s| s.severity).max().unwrap_or(Severity::Informational);
    Story { principal, severity, links: links.into_values().collect(), steps }
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
