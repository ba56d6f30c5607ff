//! The ATT&CK strip: tactics in the order of the kill chain, and the techniques seen in each.

use std::collections::BTreeMap;

use event::finding::{Severity, Technique};

use crate::escape::{Html, clip};
use crate::model::{Report, SeverityMarks};
use crate::parts;
use crate::quantity::{plural, thousands};

/// The tactics of Enterprise ATT&CK in their order, and whether the strip shows them also without findings.
/// Names come and go upstream; one that is not here stands at the end.
const KILL_CHAIN: [(&str, bool); 16] = [
    ("Reconnaissance", true),
    ("Resource Development", true),
    ("Initial Access", true),
    ("Execution", true),
    ("Persistence", true),
    ("Privilege Escalation", true),
    ("Defense Evasion", true),
    ("Stealth", false),
    ("Defense Impairment", false),
    ("Credential Access", true),
    ("Discovery", true),
    ("Lateral Movement", true),
    ("Collection", true),
    ("Command and Control", true),
    ("Exfiltration", true),
    ("Impact", true),
];
/// How many techniques of a tactic are named.
const TECHNIQUES_MAX: usize = 20;
/// How many tactics outside the kill chain are shown: a hostile rule pack could name thousands.
const STRANGERS_MAX: usize = 10;

struct Tactic<'a> {
    name: &'a str,
    n_findings: u64,
    worst: Severity,
    techniques: BTreeMap<&'a str, (&'a Technique, u64)>,
}

/// The section; nothing where there are no findings.
pub fn section(h: &mut Html, report: &Report) {
    if report.findings.is_empty() {
        return;
    }
    let tactics = tactics(report);
    let n_hit = tactics.iter().filter(|t| t.n_findings > 0).count();
    h.raw("<section id=\"attack\">");
    let about = format!("{} with findings, in the order of the kill chain.", plural(n_hit as u64, "tactic"));
    parts::heading(h, "ATT&CK", about);
    h.raw("<ol class=\"chain\">");
    for tactic in &tactics {
        link(h, tactic);
    }
    h.raw("</ol><div class=\"tactics\">");
    for tactic in tactics.iter().filter(|t| t.n_findings > 0) {
        detail(h, tactic);
    }
    h.raw("</div></section>\n");
}

fn tactics(report: &Report) -> Vec<Tactic<'_>> {
    let mut by_name: BTreeMap<&str, Tactic<'_>> = BTreeMap::new();
    let listed = report.findings.iter().map(|finding| (finding.severity, &finding.techniques, 1));
    let unlisted = report.unlisted.iter().map(|some| (some.severity, &some.techniques, some.count));
    for (severity, techniques, count) in listed.chain(unlisted) {
        let mut counted: Vec<&str> = Vec::new();
        for technique in techniques.iter() {
            for name in &technique.tactics {
                let name = known(name);
                let tactic = by_name.entry(name).or_insert_with(|| empty(name));
                tactic.worst = tactic.worst.max(severity);
                tactic.techniques.entry(&technique.id).or_insert((technique, 0)).1 += count;
                if !counted.contains(&name) {
                    counted.push(name);
                    tactic.n_findings += count;
                }
            }
        }
    }
    let mut ordered: Vec<Tactic<'_>> = Vec::new();
    for (name, is_always_shown) in KILL_CHAIN {
        match by_name.remove(name) {
            Some(tactic) => ordered.push(tactic),
            None if is_always_shown => ordered.push(empty(name)),
            None => {}
        }
    }
    ordered.extend(by_name.into_values().take(STRANGERS_MAX));
    ordered
}

/// `defense-evasion` and `Defense Evasion` are one tactic.
fn known(name: &str) -> &str {
    let same = |known: &str| {
        known.len() == name.len()
            && known
                .bytes()
                .zip(name.bytes())
                .all(|(a, b)| a.eq_ignore_ascii_case(&b) || (a == b' ' && matches!(b, b'-' | b'_')))
    };
    KILL_CHAIN.iter().map(|(known, _)| *known).find(|known| same(known)).unwrap_or(name)
}

fn empty(name: &str) -> Tactic<'_> {
    Tactic { name, n_findings: 0, worst: Severity::Informational, techniques: BTreeMap::new() }
}

fn link(h: &mut Html, tactic: &Tactic<'_>) {
    let class = if tactic.n_findings == 0 { "unseen" } else { tactic.worst.class() };
    h.open("li", &[("class", &class)]);
    h.leaf("span", &[("class", &"name")], clip(tactic.name, 40));
    h.leaf("b", &[], thousands(tactic.n_findings));
    h.raw("</li>");
}

fn detail(h: &mut Html, tactic: &Tactic<'_>) {
    h.raw("<div class=\"tactic\"><h3>");
    h.text(clip(tactic.name, 40));
    h.raw("</h3>");
    h.leaf("p", &[("class", &"small")], plural(tactic.n_findings, "finding"));
    h.raw("<ul>");
    for (technique, n) in tactic.techniques.values().take(TECHNIQUES_MAX) {
        h.raw("<li><span>");
        parts::technique(h, technique);
        h.raw("</span>");
        h.leaf("b", &[], thousands(*n));
        h.raw("</li>");
    }
    h.raw("</ul>");
    parts::more(h, tactic.techniques.len(), TECHNIQUES_MAX, "not shown");
    h.raw("</div>");
}
