//! Suppressions: findings that are kept and not shown among those that are to be dealt with, for a reason, by somebody, until a day.

use std::sync::atomic::Ordering;

use rusqlite::{Connection, OptionalExtension as _, Row, params};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::entropy::hex;
use crate::finding::{COLUMNS, FindingRow, Status, Verdict, remember, shown};
use crate::role::Identity;
use crate::store::{ChangeError, Doing, State, StateError};

/// How long one lasts at most.
const LASTS_MS_MAX: i64 = 366 * 86_400_000;
/// How many there are at most.
const MAX: usize = 2_000;
/// Uids of a preview.
const PREVIEW_UIDS_MAX: usize = 20;
/// Findings that a preview looks at.
const PREVIEW_ROWS_MAX: usize = 200_000;

pub(crate) const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS suppression (
    id INTEGER PRIMARY KEY AUTOINCREMENT, dimensions TEXT NOT NULL, reason TEXT NOT NULL, owner TEXT NOT NULL,
    created_ms INTEGER NOT NULL, until_ms INTEGER NOT NULL, ended_ms INTEGER, ended_by TEXT
) STRICT;";

/// Which findings: all that are said must hold. A text may have `*` for any characters.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dimensions {
    /// The rule's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// The account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// The Region.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// Who did it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub principal: Option<String>,
    /// An address: all addresses of the finding must pass.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_ip: Option<String>,
    /// What it was done to: all resources of the finding must pass.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
}

impl Dimensions {
    fn all(&self) -> [Option<&String>; 6] {
        let Dimensions { rule, account, region, principal, source_ip, resource } = self;
        [rule, account, region, principal, source_ip, resource].map(Option::as_ref)
    }

    /// Whether a finding is one of these.
    pub fn matches(&self, row: &FindingRow) -> bool {
        let passes = |pattern: &Option<String>, text: &str| pattern.as_ref().is_none_or(|pattern| glob(pattern, text));
        // What else was done by the way must not be hidden with it.
        let all_pass = |pattern: &Option<String>, texts: &str| {
            pattern.as_ref().is_none_or(|pattern| !texts.is_empty() && texts.split(' ').all(|text| glob(pattern, text)))
        };
        passes(&self.rule, &row.rule)
            && passes(&self.account, &row.account)
            && passes(&self.region, &row.region)
            && passes(&self.principal, &row.principal)
            && all_pass(&self.source_ip, &row.source_ip)
            && all_pass(&self.resource, &row.resource)
    }

    fn check(&self) -> Result<(), SuppressionError> {
        let said: Vec<&String> = self.all().into_iter().flatten().collect();
        if said.iter().any(|text| text.is_empty() || text.chars().count() > 512) {
            return Err(SuppressionError::Wrong("a dimension has 1 to 512 characters"));
        }
        if !said.iter().any(|text| text.chars().any(|c| c != '*')) {
            return Err(SuppressionError::Wrong("say which findings: at least one dimension that is not just `*`"));
        }
        Ok(())
    }
}

/// Whether a text passes a pattern in which `*` stands for any characters. Its time grows with neither length alone.
fn glob(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else { return rest.is_empty() };
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

/// A suppression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suppression {
    /// Its number.
    pub id: i64,
    /// Which findings.
    pub dimensions: Dimensions,
    /// Why.
    pub reason: String,
    /// Whose it is.
    pub owner: String,
    /// Since when.
    pub created_ms: i64,
    /// Until when.
    pub until_ms: i64,
    /// When it ended, if it has.
    pub ended_ms: Option<i64>,
    /// Who ended it.
    pub ended_by: Option<String>,
}

/// A suppression to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewSuppression {
    /// Which findings.
    pub dimensions: Dimensions,
    /// Why.
    pub reason: String,
    /// Until when.
    pub until_ms: i64,
}

/// What is changed of a suppression; what is left out stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SuppressionChange {
    /// Why.
    pub reason: Option<String>,
    /// Until when.
    pub until_ms: Option<i64>,
    /// Whose it is: a user, as [`Identity::id`] names them.
    pub owner: Option<String>,
}

impl Suppression {
    /// Which version of it somebody has seen.
    #[must_use]
    pub fn tag(&self) -> String {
        hex(&Sha256::digest(format!("{self:?}"))[..16])
    }
}

/// What a suppression would have held back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Preview {
    /// How many findings.
    pub findings: u64,
    /// How many of these were judged to be attacks.
    pub true_positives: u64,
    /// How many are judged to be nothing.
    pub nothing: u64,
    /// How many are open now.
    pub open: u64,
    /// The worst of them.
    pub uids: Vec<String>,
    /// Whether there were more findings than were looked at.
    pub is_partial: bool,
}

/// Why there is no suppression.
#[derive(Debug, thiserror::Error)]
pub enum SuppressionError {
    /// It cannot be as wanted.
    #[error("{0}")]
    Wrong(&'static str),
    /// There is none of this number.
    #[error("there is no suppression {0} that holds")]
    Unknown(i64),
    /// It is not as it was seen.
    #[error("the suppression was changed since you looked at it")]
    Changed,
    /// The state failed.
    #[error(transparent)]
    State(#[from] StateError),
}

/// That a reason is one.
fn check_reason(reason: &str) -> Result<(), SuppressionError> {
    let is_good = !reason.trim().is_empty() && reason.chars().count() <= 2_000;
    if is_good { Ok(()) } else { Err(SuppressionError::Wrong("say why: 1 to 2,000 characters")) }
}

/// That an end is one.
fn check_until(until_ms: i64, now_ms: i64) -> Result<(), SuppressionError> {
    let is_good = until_ms > now_ms && until_ms - now_ms <= LASTS_MS_MAX;
    if is_good { Ok(()) } else { Err(SuppressionError::Wrong("say until when: later than now, and a year at most")) }
}

/// A suppression that holds, and that the caller may change.
fn own(tx: &Connection, by: &Identity, id: i64, now_ms: i64) -> Result<Suppression, ChangeError<SuppressionError>> {
    let found = active(tx, now_ms)?.into_iter().find(|suppression| suppression.id == id);
    let is_own = |found: &Suppression| match &by.accounts {
        None => true,
        Some(accounts) => found.dimensions.account.as_ref().is_some_and(|account| accounts.contains(account)),
    };
    found.filter(is_own).ok_or(ChangeError::Refused(SuppressionError::Unknown(id)))
}

const SUPPRESSION_COLUMNS: &str = "id, dimensions, reason, owner, created_ms, until_ms, ended_ms, ended_by";

fn read(row: &Row<'_>) -> rusqlite::Result<Suppression> {
    let text: String = row.get(1)?;
    let dimensions = serde_json::from_str(&text).map_err(|err| crate::user::unreadable(err.to_string()))?;
    Ok(Suppression {
        id: row.get(0)?,
        dimensions,
        reason: row.get(2)?,
        owner: row.get(3)?,
        created_ms: row.get(4)?,
        until_ms: row.get(5)?,
        ended_ms: row.get(6)?,
        ended_by: row.get(7)?,
    })
}

/// Those that hold.
pub(crate) fn active(connection: &Connection, now_ms: i64) -> rusqlite::Result<Vec<Suppression>> {
    let sql =
        format!("SELECT {SUPPRESSION_COLUMNS} FROM suppression WHERE ended_ms IS NULL AND until_ms > ? ORDER BY id");
    let mut statement = connection.prepare_cached(&sql)?;
    let rows = statement.query_map([now_ms], read)?;
    rows.collect()
}

impl State {
    /// All suppressions, also those that have ended, newest first.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn suppressions(&self) -> Result<Vec<Suppression>, StateError> {
        self.read("list suppressions", |connection| {
            let sql = format!("SELECT {SUPPRESSION_COLUMNS} FROM suppression ORDER BY id DESC LIMIT ?");
            let mut statement = connection.prepare_cached(&sql)?;
            let rows = statement.query_map([MAX as i64], read)?;
            rows.collect()
        })
    }

    /// What a suppression would have held back since a time.
    ///
    /// # Errors
    /// When it could not be made, or findings cannot be read.
    pub fn preview(&self, of: &Identity, dimensions: &Dimensions, since_ms: i64) -> Result<Preview, SuppressionError> {
        dimensions.check()?;
        let sql =
            format!("SELECT {COLUMNS} FROM finding WHERE last_ms >= ? ORDER BY severity DESC, last_ms DESC LIMIT ?");
        let preview = self.read("look at findings", |connection| {
            let mut preview = Preview::default();
            let mut statement = connection.prepare_cached(&sql)?;
            let mut rows = statement.query((since_ms, PREVIEW_ROWS_MAX as i64 + 1))?;
            let mut n_looked = 0;
            while let Some(row) = rows.next()? {
                n_looked += 1;
                if n_looked > PREVIEW_ROWS_MAX {
                    preview.is_partial = true;
                    break;
                }
                let found = shown(row)?;
                if !of.sees(&found.row.account) || !dimensions.matches(&found.row) {
                    continue;
                }
                preview.findings += 1;
                match found.verdict {
                    Some(Verdict::TruePositive) => preview.true_positives += 1,
                    Some(_) => preview.nothing += 1,
                    None => {}
                }
                preview.open += u64::from(!matches!(found.status, Status::Resolved | Status::Suppressed));
                if preview.uids.len() < PREVIEW_UIDS_MAX {
                    preview.uids.push(found.row.uid);
                }
            }
            Ok(preview)
        })?;
        Ok(preview)
    }

    /// Makes a suppression. Findings of it that are open are held back at once.
    ///
    /// # Errors
    /// When it cannot be as wanted.
    pub fn suppress(&self, by: &Identity, new: NewSuppression, now_ms: i64) -> Result<Suppression, SuppressionError> {
        new.dimensions.check()?;
        check_reason(&new.reason)?;
        check_until(new.until_ms, now_ms)?;
        if let Some(accounts) = &by.accounts {
            // Whoever sees some accounts only holds nothing back in others.
            if !new.dimensions.account.as_ref().is_some_and(|account| accounts.contains(account)) {
                return Err(SuppressionError::Wrong("name one of your accounts"));
            }
        }
        let what = json!({"dimensions": new.dimensions, "reason": new.reason, "until_ms": new.until_ms});
        let made = self.change(now_ms, Doing { who: &by.id(), kind: "suppression.made", what }, |tx| {
            if active(tx, now_ms)?.len() >= MAX {
                return Err(ChangeError::Refused(SuppressionError::Wrong("there are 2,000 already: end some")));
            }
            let text = json!(new.dimensions).to_string();
            let sql =
                "INSERT INTO suppression (dimensions, reason, owner, created_ms, until_ms) VALUES (?, ?, ?, ?, ?)";
            tx.execute(sql, params![text, new.reason, by.id(), now_ms, new.until_ms])?;
            let id = tx.last_insert_rowid();
            let mut held = Vec::new();
            {
                let sql = format!("SELECT {COLUMNS} FROM finding WHERE status IN ('new', 'notified', 'in_progress')");
                let mut statement = tx.prepare(&sql)?;
                let mut rows = statement.query([])?;
                while let Some(row) = rows.next()? {
                    let found = shown(row)?;
                    if new.dimensions.matches(&found.row) {
                        held.push(found.row.uid);
                    }
                }
            }
            for uid in &held {
                let sql =
                    "UPDATE finding SET status = 'suppressed', suppressed_by = ?, version = version + 1 WHERE uid = ?";
                tx.prepare_cached(sql)?.execute(params![id, uid])?;
                remember(tx, uid, now_ms, &by.id(), &json!({"suppressed_by": id}))?;
            }
            Ok(Suppression {
                id,
                dimensions: new.dimensions.clone(),
                reason: new.reason.clone(),
                owner: by.id(),
                created_ms: now_ms,
                until_ms: new.until_ms,
                ended_ms: None,
                ended_by: None,
            })
        })?;
        self.suppressions_changed.fetch_add(1, Ordering::AcqRel);
        Ok(made)
    }

    /// A suppression by its number.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn suppression(&self, id: i64) -> Result<Option<Suppression>, StateError> {
        self.read("read a suppression", |connection| {
            let sql = format!("SELECT {SUPPRESSION_COLUMNS} FROM suppression WHERE id = ?");
            connection.prepare_cached(&sql)?.query_row([id], read).optional()
        })
    }

    /// How often suppressions have changed since the state was opened.
    pub fn suppressions_changed(&self) -> u64 {
        self.suppressions_changed.load(Ordering::Acquire)
    }

    /// Changes a suppression that holds, if it is as it was seen ([`Suppression::tag`]).
    ///
    /// # Errors
    /// When it is not, or it cannot be as wanted.
    pub fn change_suppression(
        &self,
        by: &Identity,
        id: i64,
        change: &SuppressionChange,
        seen: &str,
        now_ms: i64,
    ) -> Result<Suppression, SuppressionError> {
        change.reason.as_deref().map_or(Ok(()), check_reason)?;
        change.until_ms.map_or(Ok(()), |until_ms| check_until(until_ms, now_ms))?;
        let is_user = |owner: &String| owner.strip_prefix("user/").is_some_and(|name| self.known_user(name).is_some());
        if change.owner.as_ref().is_some_and(|owner| !is_user(owner)) {
            return Err(SuppressionError::Wrong("an owner is a user that there is: user/NAME"));
        }
        let what = json!({"id": id, "reason": change.reason, "until_ms": change.until_ms, "owner": change.owner});
        let changed = self.change(now_ms, Doing { who: &by.id(), kind: "suppression.changed", what }, |tx| {
            let have = own(tx, by, id, now_ms)?;
            if have.tag() != seen {
                return Err(ChangeError::Refused(SuppressionError::Changed));
            }
            let now = Suppression {
                reason: change.reason.clone().unwrap_or(have.reason),
                until_ms: change.until_ms.unwrap_or(have.until_ms),
                owner: change.owner.clone().unwrap_or(have.owner),
                ..have
            };
            let sql = "UPDATE suppression SET reason = ?, until_ms = ?, owner = ? WHERE id = ?";
            tx.execute(sql, params![now.reason, now.until_ms, now.owner, id])?;
            Ok(now)
        })?;
        self.suppressions_changed.fetch_add(1, Ordering::AcqRel);
        Ok(changed)
    }

    /// Ends a suppression: what it held back is new again.
    ///
    /// # Errors
    /// When there is none of this number that holds.
    pub fn end_suppression(&self, by: &Identity, id: i64, now_ms: i64) -> Result<(), SuppressionError> {
        self.change(now_ms, Doing { who: &by.id(), kind: "suppression.ended", what: json!({"id": id}) }, |tx| {
            own(tx, by, id, now_ms)?;
            Ok(end(tx, id, &by.id(), now_ms)?)
        })?;
        self.suppressions_changed.fetch_add(1, Ordering::AcqRel);
        Ok::<_, SuppressionError>(())
    }

    /// Ends the suppressions whose time is over.
    ///
    /// # Errors
    /// When they cannot be ended.
    pub fn end_suppressions(&self, now_ms: i64) -> Result<usize, StateError> {
        let over: Vec<i64> = self.read("look for suppressions that are over", |connection| {
            let mut statement =
                connection.prepare_cached("SELECT id FROM suppression WHERE ended_ms IS NULL AND until_ms <= ?")?;
            let rows = statement.query_map([now_ms], |row| row.get(0))?;
            rows.collect()
        })?;
        for id in &over {
            let doing = Doing { who: "server", kind: "suppression.over", what: json!({"id": id}) };
            self.change(now_ms, doing, |tx| Ok::<_, ChangeError<StateError>>(end(tx, *id, "server", now_ms)?))?;
        }
        self.suppressions_changed.fetch_add(over.len() as u64, Ordering::AcqRel);
        Ok(over.len())
    }
}

fn end(tx: &Connection, id: i64, who: &str, now_ms: i64) -> rusqlite::Result<()> {
    tx.execute("UPDATE suppression SET ended_ms = ?, ended_by = ? WHERE id = ?", params![now_ms, who, id])?;
    let held: Vec<String> = {
        let mut statement = tx.prepare("SELECT uid FROM finding WHERE suppressed_by = ?")?;
        let rows = statement.query_map([id], |row| row.get(0))?;
        rows.collect::<rusqlite::Result<_>>()?
    };
    for uid in held {
        let sql = "UPDATE finding SET status = 'new', suppressed_by = NULL, version = version + 1 WHERE uid = ?";
        tx.prepare_cached(sql)?.execute([&uid])?;
        remember(tx, &uid, now_ms, who, &json!({"suppression_ended": id}))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_characters() {
        for (pattern, text, passes) in [
            ("a", "a", true),
            ("a", "ab", false),
            ("a*", "ab", true),
            ("*b", "ab", true),
            ("a*b*c", "aXbYc", true),
            ("a*b*c", "aXcYb", false),
            ("*", "", true),
            ("ab*ba", "aba", false),
            ("**a**", "xax", true),
        ] {
            assert_eq!(glob(pattern, text), passes, "{pattern} {text}");
        }
    }
}
