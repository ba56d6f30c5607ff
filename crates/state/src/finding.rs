//! Findings as they are now, and what people decided about them.
//!
//! What a finding says comes from the engine and is replaced as events come; what people decide is beside it and no event touches it,
//! but for one thing: a finding that was resolved and has new events is new again, unless it was judged to be nothing.

use rusqlite::{Connection, OptionalExtension as _, Row, Transaction, params};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::role::Identity;
use crate::store::{ChangeError, Doing, State, StateError};
use crate::suppression;

/// Characters of a note, and notes of a finding.
const NOTE_CHARS_MAX: usize = 10_000;
const NOTES_MAX: i64 = 1_000;

pub(crate) const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS finding (
    uid TEXT PRIMARY KEY, rule TEXT NOT NULL, title TEXT NOT NULL, severity INTEGER NOT NULL, account TEXT NOT NULL, region TEXT NOT NULL,
    principal TEXT NOT NULL, source TEXT NOT NULL, source_ip TEXT NOT NULL, resource TEXT NOT NULL,
    first_ms INTEGER NOT NULL, last_ms INTEGER NOT NULL, count INTEGER NOT NULL, seen_ms INTEGER NOT NULL, seq INTEGER NOT NULL,
    document TEXT NOT NULL,
    status TEXT NOT NULL, assignee TEXT, verdict TEXT, suppressed_by INTEGER, version INTEGER NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS finding_worst ON finding (severity DESC, last_ms DESC, uid);
CREATE INDEX IF NOT EXISTS finding_status ON finding (status, severity DESC, last_ms DESC, uid);
CREATE INDEX IF NOT EXISTS finding_last ON finding (last_ms DESC, uid);
CREATE INDEX IF NOT EXISTS finding_rule ON finding (rule, severity DESC, last_ms DESC, uid);
CREATE INDEX IF NOT EXISTS finding_account ON finding (account, severity DESC, last_ms DESC, uid);
CREATE INDEX IF NOT EXISTS finding_first ON finding (first_ms DESC, uid);
CREATE INDEX IF NOT EXISTS finding_most ON finding (count DESC, uid);
CREATE INDEX IF NOT EXISTS finding_seq ON finding (seq);
CREATE INDEX IF NOT EXISTS finding_suppressed ON finding (suppressed_by) WHERE suppressed_by IS NOT NULL;
CREATE TABLE IF NOT EXISTS note (
    id INTEGER PRIMARY KEY, finding TEXT NOT NULL REFERENCES finding (uid), time_ms INTEGER NOT NULL, who TEXT NOT NULL, text TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS note_finding ON note (finding, id);
CREATE TABLE IF NOT EXISTS history (
    id INTEGER PRIMARY KEY, finding TEXT NOT NULL REFERENCES finding (uid), time_ms INTEGER NOT NULL, who TEXT NOT NULL, what TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS history_finding ON history (finding, id);";

/// Where a finding stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Nobody looked at it.
    New,
    /// Somebody was told.
    Notified,
    /// Somebody is at it.
    InProgress,
    /// It is dealt with.
    Resolved,
    /// It is kept, and not shown among those that are to be dealt with.
    Suppressed,
}

/// What a finding turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// An attack.
    TruePositive,
    /// The rule was wrong.
    FalsePositive,
    /// The rule was right, and it was allowed.
    Benign,
}

impl Status {
    /// Every status.
    pub const ALL: [Status; 5] =
        [Status::New, Status::Notified, Status::InProgress, Status::Resolved, Status::Suppressed];

    /// As files and the API write it.
    pub fn name(self) -> &'static str {
        match self {
            Status::New => "new",
            Status::Notified => "notified",
            Status::InProgress => "in_progress",
            Status::Resolved => "resolved",
            Status::Suppressed => "suppressed",
        }
    }

    /// Reads a name.
    pub fn parse(text: &str) -> Option<Status> {
        Status::ALL.into_iter().find(|status| status.name() == text)
    }
}

impl Verdict {
    /// Every verdict.
    pub const ALL: [Verdict; 3] = [Verdict::TruePositive, Verdict::FalsePositive, Verdict::Benign];

    /// As files and the API write it.
    pub fn name(self) -> &'static str {
        match self {
            Verdict::TruePositive => "true_positive",
            Verdict::FalsePositive => "false_positive",
            Verdict::Benign => "benign",
        }
    }

    /// Reads a name.
    pub fn parse(text: &str) -> Option<Verdict> {
        Verdict::ALL.into_iter().find(|verdict| verdict.name() == text)
    }
}

/// What a finding says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FindingRow {
    /// Its uid.
    pub uid: String,
    /// The rule's id.
    pub rule: String,
    /// Who did what to what.
    pub title: String,
    /// OCSF's `severity_id`.
    pub severity: u8,
    /// The account.
    pub account: String,
    /// The first of its Regions.
    pub region: String,
    /// Who did it.
    pub principal: String,
    /// The log source.
    pub source: String,
    /// Its addresses, parted by blanks.
    pub source_ip: String,
    /// What it was done to, parted by blanks.
    pub resource: String,
    /// The time of its first event.
    pub first_ms: i64,
    /// The time of its last event.
    pub last_ms: i64,
    /// How many events.
    pub count: u64,
    /// The OCSF Detection Finding.
    pub document: String,
}

impl FindingRow {
    /// Of a finding, and its document.
    pub fn of(finding: &event::finding::Finding, document: String) -> FindingRow {
        FindingRow {
            uid: finding.uid.clone(),
            rule: finding.rule_id.clone(),
            title: finding.title.clone(),
            severity: finding.severity.id(),
            account: finding.account.clone(),
            region: finding.regions.first().cloned().unwrap_or_default(),
            principal: finding.principal.clone(),
            source: finding.source.clone(),
            source_ip: finding.source_ips.join(" "),
            resource: finding.resources.join(" "),
            first_ms: finding.first_ms,
            last_ms: finding.last_ms,
            count: finding.count,
            document,
        }
    }
}

/// A finding with what people decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// What it says.
    pub row: FindingRow,
    /// Where it stands.
    pub status: Status,
    /// Who deals with it.
    pub assignee: Option<String>,
    /// What it turned out to be.
    pub verdict: Option<Verdict>,
    /// The suppression that holds it back.
    pub suppressed_by: Option<i64>,
    /// When something of it was last seen.
    pub seen_ms: i64,
    /// Grows with each decision: what `If-Match` names.
    pub version: i64,
}

/// The columns of [`Shown`], in the order in which [`shown`] reads them.
pub(crate) const COLUMNS: &str = "uid, rule, title, severity, account, region, principal, source, source_ip, resource, first_ms, last_ms, count, \
    status, assignee, verdict, suppressed_by, seen_ms, version, document";

pub(crate) fn shown(row: &Row<'_>) -> rusqlite::Result<Shown> {
    let status: String = row.get(13)?;
    let verdict: Option<String> = row.get(15)?;
    Ok(Shown {
        row: FindingRow {
            uid: row.get(0)?,
            rule: row.get(1)?,
            title: row.get(2)?,
            severity: row.get(3)?,
            account: row.get(4)?,
            region: row.get(5)?,
            principal: row.get(6)?,
            source: row.get(7)?,
            source_ip: row.get(8)?,
            resource: row.get(9)?,
            first_ms: row.get(10)?,
            last_ms: row.get(11)?,
            count: row.get::<_, i64>(12)? as u64,
            document: row.get(19)?,
        },
        status: Status::parse(&status).unwrap_or(Status::New),
        assignee: row.get(14)?,
        verdict: verdict.as_deref().and_then(Verdict::parse),
        suppressed_by: row.get(16)?,
        seen_ms: row.get(17)?,
        version: row.get(18)?,
    })
}

/// A decision; what is not said stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// Where it stands now. Suppressing is done by suppressions, which have an owner and an end.
    pub status: Option<Status>,
    /// Who deals with it now; nobody if empty.
    pub assignee: Option<Option<String>>,
    /// What it turned out to be; open if empty.
    pub verdict: Option<Option<Verdict>>,
}

/// Something that somebody wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// When.
    pub time_ms: i64,
    /// Who.
    pub who: String,
    /// What.
    pub text: String,
}

/// Something that was changed.
#[derive(Clone, Debug, PartialEq)]
pub struct HistoryEntry {
    /// When.
    pub time_ms: i64,
    /// Who.
    pub who: String,
    /// What: from and to.
    pub what: Value,
}

/// Why a decision was not taken.
#[derive(Debug, thiserror::Error)]
pub enum DecideError {
    /// There is no such finding, or none that the caller may see.
    #[error("there is no such finding")]
    Unknown,
    /// Somebody else decided since.
    #[error("somebody changed it: its version is {current}")]
    Conflict {
        /// The current version.
        current: i64,
    },
    /// It cannot be.
    #[error("{0}")]
    Wrong(&'static str),
    /// The state failed.
    #[error(transparent)]
    State(#[from] StateError),
}

impl State {
    /// Takes in what findings say now. What says nothing new changes nothing. Gives the uids of those that are new or changed.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn upsert(&self, rows: &[FindingRow], now_ms: i64) -> Result<Vec<String>, StateError> {
        self.take("keep findings", |tx| {
            let mut seq: i64 = tx.query_row("SELECT coalesce(max(seq), 0) FROM finding", [], |row| row.get(0))?;
            let active = suppression::active(tx, now_ms)?;
            let mut changed = Vec::new();
            for row in rows {
                if upsert_one(tx, row, &active, seq + 1, now_ms)? {
                    seq += 1;
                    changed.push(row.uid.clone());
                }
            }
            Ok(changed)
        })
    }

    /// A finding that the caller may see.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn finding(&self, uid: &str, of: &Identity) -> Result<Option<Shown>, StateError> {
        let found = self.read("read a finding", |connection| get(connection, uid))?;
        Ok(found.filter(|found| of.sees(&found.row.account)))
    }

    /// Decides about a finding, if its version is still the one that was seen.
    ///
    /// # Errors
    /// When it is not, or the decision makes no sense.
    pub fn decide(
        &self,
        by: &Identity,
        uid: &str,
        version: i64,
        change: &Change,
        now_ms: i64,
    ) -> Result<Shown, DecideError> {
        if change.status == Some(Status::Suppressed) {
            return Err(DecideError::Wrong("suppress with a suppression: it has an owner, a reason and an end"));
        }
        if change
            .assignee
            .as_ref()
            .is_some_and(|a| a.as_ref().is_some_and(|name| name.is_empty() || name.chars().count() > 64))
        {
            return Err(DecideError::Wrong("an assignee has 1 to 64 characters"));
        }
        let doing = Doing {
            who: &by.id(),
            kind: "finding.decided",
            what: json!({"finding": uid, "change": described(change)}),
        };
        self.change(now_ms, doing, |tx| {
            let have = get(tx, uid)?.filter(|have| by.sees(&have.row.account)).ok_or(ChangeError::Refused(DecideError::Unknown))?;
            if have.version != version {
                return Err(ChangeError::Refused(DecideError::Conflict { current: have.version }));
            }
            let status = change.status.unwrap_or(have.status);
            let assignee = change.assignee.clone().unwrap_or(have.assignee.clone());
            let verdict = change.verdict.unwrap_or(have.verdict);
            let suppressed_by = if status == Status::Suppressed { have.suppressed_by } else { None };
            // Whoever follows what is new is told of it too.
            let sql = "UPDATE finding SET status = ?, assignee = ?, verdict = ?, suppressed_by = ?, version = version + 1, \
                seq = (SELECT max(seq) + 1 FROM finding) WHERE uid = ?";
            tx.prepare_cached(sql)?.execute(params![status.name(), assignee, verdict.map(Verdict::name), suppressed_by, uid])?;
            let mut what = serde_json::Map::new();
            let mut note = |name: &str, from: Value, to: Value| {
                if from != to {
                    what.insert(name.to_owned(), json!({"from": from, "to": to}));
                }
            };
            note("status", json!(have.status.name()), json!(status.name()));
            note("assignee", json!(have.assignee), json!(assignee));
            note("verdict", json!(have.verdict.map(Verdict::name)), json!(verdict.map(Verdict::name)));
            remember(tx, uid, now_ms, &by.id(), &Value::Object(what))?;
            Ok(Shown { status, assignee, verdict, suppressed_by, version: version + 1, ..have })
        })
    }

    /// Adds a note.
    ///
    /// # Errors
    /// When there is no such finding, or the note is empty or too long.
    pub fn add_note(&self, by: &Identity, uid: &str, text: &str, now_ms: i64) -> Result<Note, DecideError> {
        if text.trim().is_empty() || text.chars().count() > NOTE_CHARS_MAX {
            return Err(DecideError::Wrong("a note has 1 to 10,000 characters"));
        }
        let note = Note { time_ms: now_ms, who: by.id(), text: text.to_owned() };
        self.change(now_ms, Doing { who: &note.who, kind: "finding.noted", what: json!({"finding": uid}) }, |tx| {
            let have = get(tx, uid)?;
            if !have.is_some_and(|have| by.sees(&have.row.account)) {
                return Err(ChangeError::Refused(DecideError::Unknown));
            }
            let n: i64 = tx.query_row("SELECT count(*) FROM note WHERE finding = ?", [uid], |row| row.get(0))?;
            if n >= NOTES_MAX {
                return Err(ChangeError::Refused(DecideError::Wrong("a finding has at most 1,000 notes")));
            }
            let sql = "INSERT INTO note (finding, time_ms, who, text) VALUES (?, ?, ?, ?)";
            tx.execute(sql, params![uid, now_ms, note.who, text])?;
            Ok(())
        })?;
        Ok(note)
    }

    /// The notes of a finding, oldest first.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn notes(&self, uid: &str) -> Result<Vec<Note>, StateError> {
        self.read("read notes", |connection| {
            let mut statement =
                connection.prepare_cached("SELECT time_ms, who, text FROM note WHERE finding = ? ORDER BY id")?;
            let rows = statement
                .query_map([uid], |row| Ok(Note { time_ms: row.get(0)?, who: row.get(1)?, text: row.get(2)? }))?;
            rows.collect()
        })
    }

    /// What was changed of a finding, oldest first.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn history(&self, uid: &str) -> Result<Vec<HistoryEntry>, StateError> {
        self.read("read the history of a finding", |connection| {
            let mut statement =
                connection.prepare_cached("SELECT time_ms, who, what FROM history WHERE finding = ? ORDER BY id")?;
            let rows = statement.query_map([uid], |row| {
                let what: String = row.get(2)?;
                Ok(HistoryEntry {
                    time_ms: row.get(0)?,
                    who: row.get(1)?,
                    what: serde_json::from_str(&what).unwrap_or_default(),
                })
            })?;
            rows.collect()
        })
    }
}

fn get(connection: &Connection, uid: &str) -> rusqlite::Result<Option<Shown>> {
    let sql = format!("SELECT {COLUMNS} FROM finding WHERE uid = ?");
    connection.prepare_cached(&sql)?.query_row([uid], shown).optional()
}

fn described(change: &Change) -> Value {
    let mut what = serde_json::Map::new();
    if let Some(status) = change.status {
        what.insert("status".into(), json!(status.name()));
    }
    if let Some(assignee) = &change.assignee {
        what.insert("assignee".into(), json!(assignee));
    }
    if let Some(verdict) = change.verdict {
        what.insert("verdict".into(), json!(verdict.map(Verdict::name)));
    }
    Value::Object(what)
}

/// Writes to the history of a finding.
pub(crate) fn remember(tx: &Connection, uid: &str, now_ms: i64, who: &str, what: &Value) -> rusqlite::Result<()> {
    let sql = "INSERT INTO history (finding, time_ms, who, what) VALUES (?, ?, ?, ?)";
    tx.prepare_cached(sql)?.execute(params![uid, now_ms, who, what.to_string()]).map(|_| ())
}

/// Whether it is new or says something new.
fn upsert_one(
    tx: &Transaction<'_>,
    row: &FindingRow,
    active: &[suppression::Suppression],
    seq: i64,
    now_ms: i64,
) -> rusqlite::Result<bool> {
    let count = row.count as i64;
    let Some(have) = get(tx, &row.uid)? else {
        let by =
            active.iter().find(|suppression| suppression.dimensions.matches(row)).map(|suppression| suppression.id);
        let status = if by.is_some() { Status::Suppressed } else { Status::New };
        let sql = "INSERT INTO finding (uid, rule, title, severity, account, region, principal, source, source_ip, resource, first_ms, last_ms, \
            count, seen_ms, seq, document, status, suppressed_by, version) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1)";
        tx.prepare_cached(sql)?.execute(params![
            row.uid,
            row.rule,
            row.title,
            row.severity,
            row.account,
            row.region,
            row.principal,
            row.source,
            row.source_ip,
            row.resource,
            row.first_ms,
            row.last_ms,
            count,
            now_ms,
            seq,
            row.document,
            status.name(),
            by
        ])?;
        if let Some(by) = by {
            remember(tx, &row.uid, now_ms, "server", &json!({"suppressed_by": by}))?;
        }
        return Ok(true);
    };
    if have.row.document == row.document {
        return Ok(false);
    }
    let sql = "UPDATE finding SET rule = ?, title = ?, severity = ?, account = ?, region = ?, principal = ?, source = ?, source_ip = ?, \
        resource = ?, first_ms = ?, last_ms = ?, count = ?, seen_ms = ?, seq = ?, document = ? WHERE uid = ?";
    tx.prepare_cached(sql)?.execute(params![
        row.rule,
        row.title,
        row.severity,
        row.account,
        row.region,
        row.principal,
        row.source,
        row.source_ip,
        row.resource,
        row.first_ms,
        row.last_ms,
        count,
        now_ms,
        seq,
        row.document,
        row.uid
    ])?;
    let is_nothing = matches!(have.verdict, Some(Verdict::FalsePositive | Verdict::Benign));
    let (to, by, what) = match have.status {
        Status::Resolved if row.count > have.row.count && !is_nothing => {
            let what = json!({"status": {"from": "resolved", "to": "new"}, "why": "it has new events"});
            (Status::New, None, what)
        }
        Status::Suppressed => {
            let holds = |id| active.iter().find(|s| s.id == id).is_none_or(|s| s.dimensions.matches(row));
            if have.suppressed_by.is_none_or(holds) {
                return Ok(true);
            }
            // It says something that the suppression was not made for.
            match active.iter().find(|s| s.dimensions.matches(row)) {
                Some(other) => (Status::Suppressed, Some(other.id), json!({"suppressed_by": other.id})),
                None => {
                    let what = json!({"status": {"from": "suppressed", "to": "new"}, "why": "the suppression no longer covers it"});
                    (Status::New, None, what)
                }
            }
        }
        Status::New | Status::Notified | Status::InProgress => {
            // What a person took out of a suppression that covered it before stays out.
            let covers = |s: &&suppression::Suppression| s.dimensions.matches(row) && !s.dimensions.matches(&have.row);
            let Some(by) = active.iter().find(covers) else { return Ok(true) };
            (Status::Suppressed, Some(by.id), json!({"suppressed_by": by.id}))
        }
        Status::Resolved => return Ok(true),
    };
    let sql = "UPDATE finding SET status = ?, suppressed_by = ?, version = version + 1 WHERE uid = ?";
    tx.prepare_cached(sql)?.execute(params![to.name(), by, row.uid])?;
    remember(tx, &row.uid, now_ms, "server", &what)?;
    Ok(true)
}
