//! A rule as the detector runs it.

use std::ops::Range;
use std::sync::Arc;

use event::finding::{Severity, Technique};
use event::value::Value;
use predicate::predicate::Predicate;
use predicate::syntax::sigma::LogSource;

use crate::template::Template;

/// A rule: which events, how bad, and what to say.
#[derive(Clone, Debug)]
pub struct Rule {
    /// The id of the rule; without one its name, else its title.
    pub id: String,
    /// Its title.
    pub title: String,
    /// What it is about and why it matters.
    pub description: Arc<String>,
    /// Who wrote it.
    pub author: String,
    /// The licence it is under, where it says so.
    pub license: String,
    /// The tier of its findings.
    pub severity: Severity,
    /// ATT&CK techniques.
    pub techniques: Arc<Vec<Technique>>,
    /// Its tags, as written.
    pub tags: Vec<String>,
    /// What to read.
    pub references: Vec<String>,
    /// When it is nothing.
    pub false_positives: Arc<Vec<String>>,
    /// What to check next, in order.
    pub triage: Arc<Vec<String>>,
    /// The sentence of who did what to what; without one the title is shown.
    pub sentence: Option<Template>,
    /// What tells one finding from another in an account: fields, `principal`, `region`, `source_ip`; without any the principal.
    pub entity: Vec<String>,
    /// Which log it reads.
    pub logsource: LogSource,
    /// Which events it is about.
    pub predicate: Predicate,
    /// Its own tests.
    pub tests: Vec<RuleTest>,
    /// The file it is from.
    pub file: String,
    /// Where in the file it stands.
    pub span: Range<usize>,
    /// Its document, as it stands there.
    pub text: Arc<str>,
}

/// An event with what the rule must say of it.
#[derive(Clone, Debug)]
pub struct RuleTest {
    /// Why.
    pub name: String,
    /// Whether the rule must fire.
    pub fires: bool,
    /// The native record.
    pub event: Value,
    /// Where it stands.
    pub span: Range<usize>,
}
