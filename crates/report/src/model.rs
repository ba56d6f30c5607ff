//! The one model that every rendering reads; the pipeline fills it.

use std::sync::Arc;

use event::finding::{AtLeast, Finding, Severity, Technique};

use crate::quantity::{bytes, plural, thousands};

/// What a scan read and what it found.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Skywarden's version.
    pub version: String,
    /// When the report was made, in milliseconds since 1970 UTC.
    pub generated_ms: i64,
    /// The command line that made it.
    pub command: String,
    /// What was read, and what was not.
    pub inputs: Inputs,
    /// Time of the first and of the last event; `None` without events.
    pub period: Option<(i64, i64)>,
    /// Accounts by number of events, most first.
    pub accounts: Ranked,
    /// Regions by number of events, most first.
    pub regions: Ranked,
    /// Principals by number of events, most first.
    pub principals: Ranked,
    /// Source addresses by number of events, most first.
    pub source_ips: Ranked,
    /// Log sources by number of events, most first.
    pub sources: Ranked,
    /// Events and hits over time.
    pub histogram: Option<Histogram>,
    /// How many rules looked.
    pub rules_loaded: usize,
    /// How many of them found something.
    pub rules_fired: usize,
    /// What was found, worst first; of very many the worst, each with the first of its events.
    pub findings: Vec<Finding>,
    /// The findings that are not listed, by rule.
    pub unlisted: Vec<Unlisted>,
    /// The steps of each principal that matters, worst first; of very many the worst.
    pub stories: Vec<Story>,
    /// How many principals there are that have a story.
    pub n_stories: AtLeast,
    /// Remarks of the pipeline for the reader.
    pub notes: Vec<String>,
}

/// What was read, and what was not.
#[derive(Clone, Debug, Default)]
pub struct Inputs {
    /// Files or objects read.
    pub files: u64,
    /// Bytes as read, that is compressed.
    pub bytes: u64,
    /// Events read.
    pub events: u64,
    /// How long it took.
    pub seconds: f64,
    /// What could not be read, and why.
    pub skipped: Vec<Skipped>,
    /// Events outside the period that was asked for.
    pub filtered: u64,
    /// Events of findings that came again, counted once for each finding.
    pub repeats: u64,
}

/// An input, or a part of one, that could not be read.
#[derive(Clone, Debug, Default)]
pub struct Skipped {
    /// Path or object.
    pub what: String,
    /// The reason, as a person would say it.
    pub why: String,
    /// How many records of it.
    pub records: u64,
    /// How many bytes of it.
    pub bytes: u64,
}

impl Skipped {
    /// How much of it is missing, to be read after the reason: ` (3 records, 1.2 KB)`.
    pub fn lost(&self) -> String {
        match (self.records, self.bytes) {
            (0, 0) => String::new(),
            (0, b) => format!(" ({})", bytes(b)),
            (n, 0) => format!(" ({})", plural(n, "record")),
            (n, b) => format!(" ({}, {})", plural(n, "record"), bytes(b)),
        }
    }
}

/// Findings of one rule that are counted only.
#[derive(Clone, Debug)]
pub struct Unlisted {
    /// The tier.
    pub severity: Severity,
    /// ATT&CK techniques.
    pub techniques: Arc<Vec<Technique>>,
    /// How many.
    pub count: u64,
}

/// A name and how many events carry it.
#[derive(Clone, Debug, Default)]
pub struct Counted {
    /// The name.
    pub name: String,
    /// The number of events.
    pub count: u64,
}

/// The names of one kind.
#[derive(Clone, Debug, Default)]
pub struct Ranked {
    /// Those that are listed, most frequent first.
    pub names: Vec<Counted>,
    /// How many there are.
    pub n: AtLeast,
}

impl From<Vec<Counted>> for Ranked {
    /// These and no others.
    fn from(names: Vec<Counted>) -> Ranked {
        Ranked { n: AtLeast::exactly(names.len()), names }
    }
}

/// Events and hits in equal steps of time.
#[derive(Clone, Debug, Default)]
pub struct Histogram {
    /// Where the first step starts.
    pub start_ms: i64,
    /// How long a step is.
    pub step_ms: i64,
    /// Events a step.
    pub events: Vec<u64>,
    /// Hits of rules a step.
    pub hits: Vec<u64>,
}

/// What one identity did, in order.
#[derive(Clone, Debug)]
pub struct Story {
    /// The identity at its root: `user/alice`.
    pub principal: String,
    /// The worst of its steps.
    pub severity: Severity,
    /// How the identity hangs together: role chain, keys.
    pub links: Vec<Link>,
    /// What it did that a rule remarked on; of very much the worst.
    pub steps: Vec<StepLine>,
    /// How many steps are not listed.
    pub n_unlisted: u64,
}

/// One joint in a chain of identities.
#[derive(Clone, Debug, Default)]
pub struct Link {
    /// When it was made.
    pub time_ms: i64,
    /// `user/alice key …7Q2A assumed role/admin as session x (key …Z4QA)`.
    pub text: String,
}

/// One step of a story.
#[derive(Clone, Debug)]
pub struct StepLine {
    /// When.
    pub time_ms: i64,
    /// How bad.
    pub severity: Severity,
    /// What, in a sentence.
    pub text: String,
    /// Where from.
    pub source_ip: String,
    /// ATT&CK id, empty where there is none.
    pub technique: String,
    /// How many events.
    pub count: u64,
    /// The finding it belongs to.
    pub finding_uid: String,
}

impl Story {
    /// How many steps it has, listed or not.
    pub fn n_steps(&self) -> u64 {
        self.steps.len() as u64 + self.n_unlisted
    }
}

impl Report {
    /// How many findings there are, listed or not.
    pub fn n_findings(&self) -> u64 {
        self.findings.len() as u64 + self.unlisted.iter().map(|some| some.count).sum::<u64>()
    }

    /// The number of findings of each severity, worst first.
    pub fn severity_counts(&self) -> [(Severity, u64); 5] {
        let mut counts = Severity::ALL.map(|severity| (severity, 0));
        let listed = self.findings.iter().map(|finding| (finding.severity, 1));
        for (severity, count) in listed.chain(self.unlisted.iter().map(|some| (some.severity, some.count))) {
            counts[usize::from(severity.id()) - 1].1 += count;
        }
        counts.reverse();
        counts
    }

    /// The one sentence that a reader in a hurry gets.
    pub fn verdict(&self) -> String {
        if self.inputs.events == 0 {
            return self.verdict_of_no_events();
        }
        if self.rules_loaded == 0 {
            return "No rules were loaded, so nothing could be found.".to_owned();
        }
        if self.n_findings() == 0 {
            let rules = plural(self.rules_loaded as u64, "rule");
            return format!("Nothing found: {rules} looked at {}.", plural(self.inputs.events, "event"));
        }
        let counts: Vec<_> = self.severity_counts().into_iter().filter(|(_, n)| *n > 0).take(2).collect();
        let words: Vec<String> = counts.iter().map(|(severity, n)| format!("{} {severity}", thousands(*n))).collect();
        let noun = if counts.len() == 1 && counts[0].1 == 1 { "finding" } else { "findings" };
        let advice = match counts[0].0 {
            Severity::Critical => "act now",
            Severity::High => "look within hours",
            Severity::Medium => "look on the next day",
            Severity::Low => "include in the regular review",
            Severity::Informational => "for the record",
        };
        format!("{} {noun}: {advice}.", words.join(" and "))
    }

    fn verdict_of_no_events(&self) -> String {
        if self.inputs.filtered > 0 {
            let filtered = plural(self.inputs.filtered, "event");
            return format!("No events in the asked period ({filtered} outside it), so nothing could be found.");
        }
        let files = plural(self.inputs.files, "file");
        format!("No events were read ({files} opened), so nothing could be found.")
    }
}

/// Marks that a rendering needs for a severity beyond its caption.
pub(crate) trait SeverityMarks {
    /// Four letters: `CRIT`.
    fn short(self) -> &'static str;
    /// The name of its class and of its icon in the page: `critical`.
    fn class(self) -> &'static str;
}

impl SeverityMarks for Severity {
    fn short(self) -> &'static str {
        match self {
            Severity::Informational => "INFO",
            Severity::Low => "LOW",
            Severity::Medium => "MED",
            Severity::High => "HIGH",
            Severity::Critical => "CRIT",
        }
    }

    fn class(self) -> &'static str {
        match self {
            Severity::Informational => "info",
            Severity::Low => "low",
            Severity::Medium => "medium",
            Severity::High => "high",
            Severity::Critical => "critical",
        }
    }
}
