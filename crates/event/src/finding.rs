//! The typed view of an OCSF Detection Finding: what a rule found, in whom, since when.

use std::fmt;
use std::sync::Arc;

use serde_json::{Value, json};
use sha2::Digest;

use crate::time::rfc3339;

/// How bad it is, with OCSF's numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Severity {
    /// For the record.
    Informational = 1,
    /// Include in the regular review.
    Low = 2,
    /// Look on the next day.
    Medium = 3,
    /// Look within hours.
    High = 4,
    /// Page somebody.
    Critical = 5,
}

impl Severity {
    /// Every severity, least first.
    pub const ALL: [Severity; 5] =
        [Severity::Informational, Severity::Low, Severity::Medium, Severity::High, Severity::Critical];

    /// The OCSF `severity_id`.
    pub fn id(self) -> u8 {
        self as u8
    }

    /// The OCSF caption.
    pub fn caption(self) -> &'static str {
        match self {
            Severity::Informational => "Informational",
            Severity::Low => "Low",
            Severity::Medium => "Medium",
            Severity::High => "High",
            Severity::Critical => "Critical",
        }
    }

    /// Reads a Sigma level or a caption, in any letter case; `info` and `crit`, `med` too.
    pub fn parse(text: &str) -> Option<Severity> {
        Some(match text.to_ascii_lowercase().as_str() {
            "informational" | "info" => Severity::Informational,
            "low" => Severity::Low,
            "medium" | "med" => Severity::Medium,
            "high" => Severity::High,
            "critical" | "crit" => Severity::Critical,
            _ => return None,
        })
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.caption().to_ascii_lowercase())
    }
}

/// An ATT&CK technique that a rule is about.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Technique {
    /// `T1078.004`.
    pub id: String,
    /// Its name, empty where the bundled list does not know the id.
    pub name: String,
    /// Tactics as ATT&CK spells them in text: `Defense Evasion`.
    pub tactics: Vec<String>,
}

/// One event that a finding rests on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// The source's own id (CloudTrail `eventID`), else object hash and ordinal.
    pub uid: String,
    /// Milliseconds since 1970 UTC.
    pub time_ms: i64,
    /// What was called: `iam:CreateAccessKey`.
    pub action: String,
    /// Error code; empty when the call succeeded.
    pub error: String,
    /// Address or service name the call came from.
    pub source_ip: String,
    /// The raw record; kept for the first few only.
    pub raw: Option<String>,
}

/// The id of an event: 16 bytes where it is a UUID, which most are, since a finding may rest on millions of events.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Uid {
    /// A UUID in its usual lower-case form.
    Uuid(u128),
    /// A row of an object whose records have no ids; its place until the object's hash is known.
    Row {
        /// The number of the object in this run.
        object: u32,
        /// The number of the row in it.
        ordinal: u64,
    },
    /// Any other text.
    Text(Box<str>),
}

impl Uid {
    /// Keeps an id so that it prints as it was.
    pub fn new(text: &str) -> Uid {
        let hyphens = |at: usize| matches!(at, 8 | 13 | 18 | 23);
        let is_uuid = text.len() == 36
            && text
                .bytes()
                .enumerate()
                .all(|(at, b)| if hyphens(at) { b == b'-' } else { b.is_ascii_digit() || (b'a'..=b'f').contains(&b) });
        if !is_uuid {
            return Uid::Text(text.into());
        }
        let digits =
            text.bytes().filter(|b| *b != b'-').map(|b| u128::from(if b <= b'9' { b - b'0' } else { b - b'a' + 10 }));
        Uid::Uuid(digits.fold(0, |n, digit| n << 4 | digit))
    }
}

impl Uid {
    /// The id of what a hash stands for: a record without an id of its own, or a row of an object.
    pub fn of_hash(parts: &[&[u8]]) -> Uid {
        let mut hasher = sha2::Sha256::new();
        parts.iter().for_each(|part| hasher.update(part));
        let bytes = hasher.finalize();
        Uid::Uuid(bytes.iter().take(16).fold(0, |n, byte| n << 8 | u128::from(*byte)))
    }
}

impl fmt::Display for Uid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Uid::Text(text) => f.write_str(text),
            Uid::Row { object, ordinal } => write!(f, "{object}:{ordinal}"),
            Uid::Uuid(n) => {
                let hex = format!("{n:032x}");
                write!(f, "{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
            }
        }
    }
}

/// An event that helped to make a finding.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Related {
    /// When it happened.
    pub time_ms: i64,
    /// Its id.
    pub uid: Uid,
}

/// How many of something there are, where counting may have ended before they did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AtLeast {
    /// So many are known.
    pub n: u64,
    /// There are others, nobody knows how many.
    pub is_more: bool,
}

impl AtLeast {
    /// So many and no others.
    pub fn exactly(n: usize) -> AtLeast {
        AtLeast { n: n as u64, is_more: false }
    }

    /// How many there are beside these; nothing where there are none.
    pub fn beside(self, n: usize) -> Option<AtLeast> {
        let rest = AtLeast { n: self.n.saturating_sub(n as u64), ..self };
        (rest.n > 0 || rest.is_more).then_some(rest)
    }
}

impl fmt::Display for AtLeast {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.n, if self.is_more { "+" } else { "" })
    }
}

/// What one rule found about one entity in one bucket of time. What the rule says is shared by all of its findings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Hash of rule id, entity tuple and UTC bucket of the first hit.
    pub uid: String,
    /// The rule's id.
    pub rule_id: String,
    /// The rule's own title.
    pub rule_title: String,
    /// The log source whose events made it: `aws_cloudtrail`.
    pub source: String,
    /// A plain sentence of who did what to what.
    pub title: String,
    /// What it means and why it matters.
    pub description: Arc<String>,
    /// The tier.
    pub severity: Severity,
    /// ATT&CK techniques.
    pub techniques: Arc<Vec<Technique>>,
    /// Time of the first hit.
    pub first_ms: i64,
    /// Time of the last hit.
    pub last_ms: i64,
    /// How many events made it.
    pub count: u64,
    /// The account it happened in.
    pub account: String,
    /// Regions, sorted.
    pub regions: Vec<String>,
    /// Who did it, in words: `user/alice`, `role/admin`, `root`.
    pub principal: String,
    /// The actor's ARN or other stable id.
    pub principal_uid: String,
    /// Addresses it came from, sorted.
    pub source_ips: Vec<String>,
    /// Resources it was done to (ARNs or names), sorted; of very many some.
    pub resources: Vec<String>,
    /// How many resources there are.
    pub n_resources: AtLeast,
    /// What to check next, in order.
    pub triage: Arc<Vec<String>>,
    /// When it is nothing.
    pub false_positives: Arc<Vec<String>>,
    /// The first events, and one for each of several resources, in order of time, with what a person wants to know of them;
    /// at most [`EVIDENCE_MAX`].
    pub evidence: Vec<Evidence>,
    /// Its events, in order of time; where they may be too many for memory, none or the first of them.
    pub related: Vec<Related>,
}

/// How many events of a finding are kept with their details.
pub const EVIDENCE_MAX: usize = 70;

/// The most related events that one line of output carries; the rest follow on further lines with the same uid.
pub const RELATED_EVENTS_MAX: usize = 1_000;

impl Finding {
    /// The finding as OCSF 1.3.0 Detection Finding (2004): one object, or several with the same uid past [`RELATED_EVENTS_MAX`] events.
    pub fn to_ocsf(&self, product_version: &str) -> Vec<Value> {
        let pages = self.related.chunks(RELATED_EVENTS_MAX).map(|page| self.page(product_version, page));
        if self.related.is_empty() { vec![self.page(product_version, &[])] } else { pages.collect() }
    }

    /// The finding with some of its events; [`RELATED_EVENTS_MAX`] at most.
    pub fn page(&self, product_version: &str, events: &[Related]) -> Value {
        let attacks: Vec<Value> = self.techniques.iter().map(attack).collect();
        // OCSF 1.3.0 gives a related event no time.
        let related: Vec<Value> = events.iter().map(|e| json!({"uid": e.uid.to_string()})).collect();
        let mut resources: Vec<Value> = self.resources.iter().map(|r| json!({"uid": r})).collect();
        if resources.is_empty() {
            resources.push(json!({"uid": self.account, "type": "AWS::Account"}));
        }
        let mut finding = json!({
            "activity_id": 1,
            "activity_name": "Create",
            "category_uid": 2,
            "category_name": "Findings",
            "class_uid": 2004,
            "class_name": "Detection Finding",
            "type_uid": 200_401,
            "type_name": "Detection Finding: Create",
            "time": self.last_ms,
            "time_dt": rfc3339(self.last_ms),
            "start_time": self.first_ms,
            "start_time_dt": rfc3339(self.first_ms),
            "end_time": self.last_ms,
            "end_time_dt": rfc3339(self.last_ms),
            "severity_id": self.severity.id(),
            "severity": self.severity.caption(),
            "status_id": 1,
            "status": "New",
            "count": self.count,
            "message": self.title,
            "metadata": {
                "version": "1.3.0",
                "profiles": ["cloud", "datetime"],
                "product": {"name": "Skywarden", "vendor_name": "Skywarden", "version": product_version},
                "uid": self.uid,
                "log_name": self.source,
            },
            "cloud": {
                "provider": "AWS",
                "account": {"uid": self.account, "type": "AWS Account", "type_id": 10},
            },
            "finding_info": {
                "uid": self.uid,
                "title": self.title,
                "desc": *self.description,
                "analytic": {"uid": self.rule_id, "name": self.rule_title, "type": "Rule", "type_id": 1},
                "attacks": attacks,
                "first_seen_time": self.first_ms,
                "first_seen_time_dt": rfc3339(self.first_ms),
                "last_seen_time": self.last_ms,
                "last_seen_time_dt": rfc3339(self.last_ms),
                "created_time": self.first_ms,
                "created_time_dt": rfc3339(self.first_ms),
                "related_events": related,
            },
            "resources": resources,
            "evidences": [{
                "actor": {"user": {"uid": self.principal_uid, "name": self.principal}},
            }],
        });
        if self.n_resources.beside(self.resources.len()).is_some() {
            finding["unmapped"] =
                json!({"resources": {"count": self.n_resources.n, "is_more": self.n_resources.is_more}});
        }
        if let [region] = self.regions.as_slice() {
            finding["cloud"]["region"] = json!(region);
        }
        if !self.triage.is_empty() {
            finding["remediation"] = json!({"desc": self.triage.join("\n")});
        }
        let ips = self.source_ips.iter().filter(|ip| ip.parse::<std::net::IpAddr>().is_ok());
        let observables: Vec<Value> = ips
            .map(|ip| {
                json!({
                    "name": "evidences[].src_endpoint.ip", "type": "IP Address", "type_id": 2, "value": ip,
                })
            })
            .collect();
        if let Some(first) = observables.first() {
            finding["evidences"][0]["src_endpoint"] = json!({"ip": first["value"]});
            finding["observables"] = json!(observables);
        }
        finding
    }
}

fn attack(technique: &Technique) -> Value {
    let (id, sub) = match technique.id.split_once('.') {
        Some((parent, _)) => (parent.to_owned(), Some(technique.id.clone())),
        None => (technique.id.clone(), None),
    };
    let mut out = json!({"technique": {"uid": id}, "version": crate::ocsf::ATTACK_VERSION});
    if let Some(sub) = sub {
        out["sub_technique"] = json!({"uid": sub});
        if !technique.name.is_empty() {
            out["sub_technique"]["name"] = json!(technique.name);
        }
    } else if !technique.name.is_empty() {
        out["technique"]["name"] = json!(technique.name);
    }
    if !technique.tactics.is_empty() {
        let tactics: Vec<Value> = technique.tactics.iter().map(|name| json!({"name": name})).collect();
        out["tactics"] = json!(tactics);
    }
    out
}
