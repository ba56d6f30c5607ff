//! Queries that people keep for each other.

use rusqlite::{Connection, OptionalExtension as _, Row, params};
use serde_json::json;

use crate::role::{Identity, Permission};
use crate::store::{ChangeError, Doing, State, StateError};

/// Characters of a name and of a time, bytes of a text, and how many are kept.
const NAME_CHARS_MAX: usize = 200;
const TIME_CHARS_MAX: usize = 64;
const TEXT_BYTES_MAX: usize = 10_000;
const MAX: i64 = 1_000;
const OF_ONE_MAX: i64 = 200;

pub(crate) const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS saved_query (
    id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, text TEXT NOT NULL, lang TEXT NOT NULL, from_time TEXT, to_time TEXT,
    owner TEXT NOT NULL, created_ms INTEGER NOT NULL
) STRICT;";

/// What is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewSavedQuery {
    /// What people call it.
    pub name: String,
    /// The query.
    pub text: String,
    /// Its language: `ql` or `sql`.
    pub lang: String,
    /// From when, as whoever keeps it writes it.
    pub from: Option<String>,
    /// Until when.
    pub to: Option<String>,
}

/// A query that is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SavedQuery {
    /// Its number.
    pub id: i64,
    /// What is kept.
    pub query: NewSavedQuery,
    /// Whose it is: [`Identity::id`].
    pub owner: String,
    /// Since when.
    pub created_ms: i64,
}

/// Why a query is not kept, changed or deleted.
#[derive(Debug, thiserror::Error)]
pub enum SavedQueryError {
    /// There is none of this number.
    #[error("there is no saved query {0}")]
    Unknown(i64),
    /// It is another's.
    #[error("it is kept by {0}: only they and admins may change it")]
    NotYours(String),
    /// It cannot be.
    #[error("`{part}` {why}")]
    Wrong {
        /// Which part.
        part: &'static str,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The state failed.
    #[error(transparent)]
    State(#[from] StateError),
}

impl NewSavedQuery {
    fn check(&self) -> Result<(), SavedQueryError> {
        let is_long = |time: &Option<String>| time.as_ref().is_some_and(|t| t.chars().count() > TIME_CHARS_MAX);
        let wrong = [
            (
                self.name.trim().is_empty() || self.name.chars().count() > NAME_CHARS_MAX,
                "name",
                "has 1 to 200 characters",
            ),
            (self.text.trim().is_empty() || self.text.len() > TEXT_BYTES_MAX, "text", "has 1 to 10,000 bytes"),
            (is_long(&self.from), "from", "is longer than 64 characters"),
            (is_long(&self.to), "to", "is longer than 64 characters"),
        ];
        match wrong.into_iter().find(|(is_wrong, ..)| *is_wrong) {
            Some((_, part, why)) => Err(SavedQueryError::Wrong { part, why }),
            None => Ok(()),
        }
    }
}

const COLUMNS: &str = "id, name, text, lang, from_time, to_time, owner, created_ms";

fn read(row: &Row<'_>) -> rusqlite::Result<SavedQuery> {
    let query =
        NewSavedQuery { name: row.get(1)?, text: row.get(2)?, lang: row.get(3)?, from: row.get(4)?, to: row.get(5)? };
    Ok(SavedQuery { id: row.get(0)?, query, owner: row.get(6)?, created_ms: row.get(7)? })
}

/// One that the caller may change.
fn own(tx: &Connection, by: &Identity, id: i64) -> Result<SavedQuery, ChangeError<SavedQueryError>> {
    let sql = format!("SELECT {COLUMNS} FROM saved_query WHERE id = ?");
    let have = tx.prepare_cached(&sql)?.query_row([id], read).optional()?;
    let have = have.ok_or(ChangeError::Refused(SavedQueryError::Unknown(id)))?;
    if have.owner != by.id() && !by.allows(Permission::UsersManage) {
        return Err(ChangeError::Refused(SavedQueryError::NotYours(have.owner)));
    }
    Ok(have)
}

impl State {
    /// All that are kept, by name.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn saved_queries(&self) -> Result<Vec<SavedQuery>, StateError> {
        self.read("list saved queries", |connection| {
            let sql = format!("SELECT {COLUMNS} FROM saved_query ORDER BY name, id LIMIT ?");
            let mut statement = connection.prepare_cached(&sql)?;
            let rows = statement.query_map([MAX], read)?;
            rows.collect()
        })
    }

    /// Keeps a query.
    ///
    /// # Errors
    /// When it is too long, or there are too many.
    pub fn save_query(&self, by: &Identity, new: NewSavedQuery, now_ms: i64) -> Result<SavedQuery, SavedQueryError> {
        new.check()?;
        let owner = by.id();
        let what = json!({"name": new.name, "text": new.text});
        self.change(now_ms, Doing { who: &owner, kind: "saved_query.made", what }, |tx| {
            let n: i64 = tx.query_row("SELECT count(*) FROM saved_query", [], |row| row.get(0))?;
            if n >= MAX {
                let why = "cannot be kept: there are 1,000 already, so delete some";
                return Err(ChangeError::Refused(SavedQueryError::Wrong { part: "name", why }));
            }
            let of_one = "SELECT count(*) FROM saved_query WHERE owner = ?";
            let n: i64 = tx.query_row(of_one, [&owner], |row| row.get(0))?;
            if n >= OF_ONE_MAX {
                let why = "cannot be kept: you have 200 already, so delete some";
                return Err(ChangeError::Refused(SavedQueryError::Wrong { part: "name", why }));
            }
            let sql = "INSERT INTO saved_query (name, text, lang, from_time, to_time, owner, created_ms) VALUES (?, ?, ?, ?, ?, ?, ?)";
            tx.execute(sql, params![new.name, new.text, new.lang, new.from, new.to, owner, now_ms])?;
            Ok(SavedQuery { id: tx.last_insert_rowid(), query: new.clone(), owner: owner.clone(), created_ms: now_ms })
        })
    }

    /// Replaces what is kept.
    ///
    /// # Errors
    /// When there is none of this number, it is another's, or it is too long.
    pub fn change_saved_query(
        &self,
        by: &Identity,
        id: i64,
        new: NewSavedQuery,
        now_ms: i64,
    ) -> Result<SavedQuery, SavedQueryError> {
        new.check()?;
        let what = json!({"id": id, "name": new.name, "text": new.text});
        self.change(now_ms, Doing { who: &by.id(), kind: "saved_query.changed", what }, |tx| {
            let have = own(tx, by, id)?;
            let sql = "UPDATE saved_query SET name = ?, text = ?, lang = ?, from_time = ?, to_time = ? WHERE id = ?";
            tx.execute(sql, params![new.name, new.text, new.lang, new.from, new.to, id])?;
            Ok(SavedQuery { query: new.clone(), ..have })
        })
    }

    /// Deletes one.
    ///
    /// # Errors
    /// When there is none of this number, or it is another's.
    pub fn delete_saved_query(&self, by: &Identity, id: i64, now_ms: i64) -> Result<(), SavedQueryError> {
        self.change(now_ms, Doing { who: &by.id(), kind: "saved_query.deleted", what: json!({"id": id}) }, |tx| {
            own(tx, by, id)?;
            tx.execute("DELETE FROM saved_query WHERE id = ?", [id])?;
            Ok(())
        })
    }
}
