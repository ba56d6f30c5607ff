//! Rules that the server keeps, and rules of whatever origin that somebody has switched off.

use rusqlite::{Connection, OptionalExtension as _, Row, params};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::entropy::hex;
use crate::role::Identity;
use crate::store::{ChangeError, Doing, State, StateError};

/// How many are kept, and the bytes of all their texts.
const MAX: i64 = 1_000;
const BYTES_MAX: i64 = 32 << 20;
/// Characters of a reason, and of an id: rules of others have titles where ours have UUIDs.
const WHY_CHARS_MAX: usize = 2_000;
const ID_CHARS_MAX: usize = 512;

pub(crate) const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS rule (id TEXT PRIMARY KEY, text TEXT NOT NULL, who TEXT NOT NULL, changed_ms INTEGER NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS rule_off (id TEXT PRIMARY KEY, why TEXT NOT NULL, who TEXT NOT NULL, since_ms INTEGER NOT NULL) STRICT;";

/// A rule that the server keeps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptRule {
    /// Its id.
    pub id: String,
    /// Its YAML document.
    pub text: String,
    /// Who wrote it.
    pub who: String,
    /// When.
    pub changed_ms: i64,
}

/// A rule that is not tried on events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleOff {
    /// Its id.
    pub id: String,
    /// Why.
    pub why: String,
    /// Who switched it off.
    pub who: String,
    /// Since when.
    pub since_ms: i64,
}

/// Which version of a rule somebody has seen: a hash of its text and of how it was switched.
#[must_use]
pub fn rule_tag(text: &str, off: Option<&RuleOff>) -> String {
    hex(&Sha256::digest(format!("{text}\0{off:?}"))[..16])
}

/// Why a rule is not changed.
#[derive(Debug, thiserror::Error)]
pub enum RuleError {
    /// The server keeps none of this id.
    #[error("the server keeps no rule of this id")]
    Unknown,
    /// There is one, and nobody said that it was seen.
    #[error("there is a rule of this id")]
    Unseen,
    /// It is not as it was seen.
    #[error("the rule was changed since you looked at it")]
    Changed,
    /// It cannot be as wanted.
    #[error("{0}")]
    Wrong(&'static str),
    /// The state failed.
    #[error(transparent)]
    State(#[from] StateError),
}

fn read_rule(row: &Row<'_>) -> rusqlite::Result<KeptRule> {
    Ok(KeptRule { id: row.get(0)?, text: row.get(1)?, who: row.get(2)?, changed_ms: row.get(3)? })
}

fn read_off(row: &Row<'_>) -> rusqlite::Result<RuleOff> {
    Ok(RuleOff { id: row.get(0)?, why: row.get(1)?, who: row.get(2)?, since_ms: row.get(3)? })
}

fn kept(connection: &Connection, id: &str) -> rusqlite::Result<Option<KeptRule>> {
    let mut statement = connection.prepare_cached("SELECT id, text, who, changed_ms FROM rule WHERE id = ?")?;
    statement.query_row([id], read_rule).optional()
}

fn off(connection: &Connection, id: &str) -> rusqlite::Result<Option<RuleOff>> {
    let mut statement = connection.prepare_cached("SELECT id, why, who, since_ms FROM rule_off WHERE id = ?")?;
    statement.query_row([id], read_off).optional()
}

/// That a rule is as it was seen.
fn check_seen(tx: &Connection, id: &str, text: &str, seen: &str) -> Result<(), ChangeError<RuleError>> {
    let is_seen = rule_tag(text, off(tx, id)?.as_ref()) == seen;
    if is_seen { Ok(()) } else { Err(ChangeError::Refused(RuleError::Changed)) }
}

impl State {
    /// The rules that the server keeps, by id.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn kept_rules(&self) -> Result<Vec<KeptRule>, StateError> {
        self.read("list rules", |connection| {
            let mut statement = connection.prepare_cached("SELECT id, text, who, changed_ms FROM rule ORDER BY id")?;
            let rows = statement.query_map([], read_rule)?;
            rows.collect()
        })
    }

    /// The rules that are switched off.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn rules_off(&self) -> Result<Vec<RuleOff>, StateError> {
        self.read("list rules that are off", |connection| {
            let mut statement = connection.prepare_cached("SELECT id, why, who, since_ms FROM rule_off ORDER BY id")?;
            let rows = statement.query_map([], read_off)?;
            rows.collect()
        })
    }

    /// Keeps a rule. One that is there is replaced if it is as it was seen ([`rule_tag`]); whether it is new.
    ///
    /// # Errors
    /// When it is not as it was seen, or there are too many.
    pub fn keep_rule(
        &self,
        by: &Identity,
        id: &str,
        text: &str,
        seen: Option<&str>,
        now_ms: i64,
    ) -> Result<bool, RuleError> {
        let what = json!({"id": id, "text": text});
        self.change(now_ms, Doing { who: &by.id(), kind: "rule.kept", what }, |tx| {
            let have = kept(tx, id)?;
            match (&have, seen) {
                (Some(have), Some(seen)) => check_seen(tx, id, &have.text, seen)?,
                (Some(_), None) => return Err(ChangeError::Refused(RuleError::Unseen)),
                (None, Some(_)) => return Err(ChangeError::Refused(RuleError::Changed)),
                (None, None) => {}
            }
            let sql = "SELECT count(*), coalesce(sum(octet_length(text)), 0) FROM rule WHERE id != ?";
            let (n, bytes): (i64, i64) = tx.query_row(sql, [id], |row| Ok((row.get(0)?, row.get(1)?)))?;
            if n >= MAX || bytes + text.len() as i64 > BYTES_MAX {
                let why = "cannot be kept: there are 1,000 rules or 32 MiB of them already, so delete some";
                return Err(ChangeError::Refused(RuleError::Wrong(why)));
            }
            let sql = "INSERT OR REPLACE INTO rule (id, text, who, changed_ms) VALUES (?, ?, ?, ?)";
            tx.execute(sql, params![id, text, by.id(), now_ms])?;
            Ok(have.is_none())
        })
    }

    /// Deletes a rule that the server keeps, if it is as it was seen.
    ///
    /// # Errors
    /// When there is none of this id, or it is not as it was seen.
    pub fn delete_rule(&self, by: &Identity, id: &str, seen: &str, now_ms: i64) -> Result<(), RuleError> {
        self.change(now_ms, Doing { who: &by.id(), kind: "rule.deleted", what: json!({"id": id}) }, |tx| {
            let have = kept(tx, id)?.ok_or(ChangeError::Refused(RuleError::Unknown))?;
            check_seen(tx, id, &have.text, seen)?;
            tx.execute("DELETE FROM rule WHERE id = ?", [id])?;
            tx.execute("DELETE FROM rule_off WHERE id = ?", [id])?;
            Ok(())
        })
    }

    /// Switches a rule of this text off, with a reason, or on without one, if it is as it was seen.
    ///
    /// # Errors
    /// When it is not as it was seen, or the reason is none.
    pub fn switch_rule(
        &self,
        by: &Identity,
        (id, text): (&str, &str),
        why_off: Option<&str>,
        seen: &str,
        now_ms: i64,
    ) -> Result<(), RuleError> {
        if why_off.is_some_and(|why| why.trim().is_empty() || why.chars().count() > WHY_CHARS_MAX) {
            return Err(RuleError::Wrong("say why: 1 to 2,000 characters"));
        }
        if id.chars().count() > ID_CHARS_MAX {
            return Err(RuleError::Wrong("a rule whose id is longer than 512 characters cannot be switched"));
        }
        let (kind, what) = match why_off {
            Some(why) => ("rule.off", json!({"id": id, "reason": why})),
            None => ("rule.on", json!({"id": id})),
        };
        let who = by.id();
        self.change(now_ms, Doing { who: &who, kind, what }, |tx| {
            check_seen(tx, id, text, seen)?;
            match why_off {
                Some(why) => {
                    let sql = "INSERT OR REPLACE INTO rule_off (id, why, who, since_ms) VALUES (?, ?, ?, ?)";
                    tx.execute(sql, params![id, why, who, now_ms])?
                }
                None => tx.execute("DELETE FROM rule_off WHERE id = ?", [id])?,
            };
            Ok(())
        })
    }
}
