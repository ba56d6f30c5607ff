//! Requests that are sent twice are done once: the first answer is kept for a day and given again.

use rusqlite::{OptionalExtension as _, params};

use crate::store::{State, StateError};

/// How long an answer is kept.
const KEPT_MS: i64 = 24 * 3_600_000;
/// Answers of one caller, and their bytes; the oldest go first.
const OF_ONE_MAX: i64 = 1_000;
const BYTES_OF_ONE_MAX: i64 = 16 << 20;
/// Characters of a key, and bytes of an answer.
const KEY_CHARS_MAX: usize = 255;
const BODY_BYTES_MAX: usize = 256 * 1024;

pub(crate) const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS answer (
    who TEXT NOT NULL, key TEXT NOT NULL, request BLOB NOT NULL, status INTEGER NOT NULL, body BLOB NOT NULL, made_ms INTEGER NOT NULL,
    PRIMARY KEY (who, key)
) STRICT;
CREATE INDEX IF NOT EXISTS answer_made ON answer (who, made_ms);";

/// Which request: who sent it, under which key, and the hash of what it says.
#[derive(Clone, Copy, Debug)]
pub struct Request<'r> {
    /// [`crate::Identity::id`] of the caller.
    pub who: &'r str,
    /// The key that the caller chose.
    pub key: &'r str,
    /// The hash of method, path and body.
    pub hash: [u8; 32],
}

/// What was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The body.
    pub body: Vec<u8>,
}

/// Why a request is neither new nor answered.
#[derive(Debug, thiserror::Error)]
pub enum IdempotencyError {
    /// The key was used for another request.
    #[error("the idempotency key was used for another request")]
    Other,
    /// The key or the answer is too long.
    #[error("an idempotency key has 1 to 255 characters, and an answer at most 256 KiB")]
    Length,
    /// The state failed.
    #[error(transparent)]
    State(#[from] StateError),
}

impl State {
    /// What was answered to a request before; nothing if it is new.
    ///
    /// # Errors
    /// When the key was used for another request.
    pub fn answered(&self, request: Request<'_>, now_ms: i64) -> Result<Option<Answer>, IdempotencyError> {
        let kept = self.read("look for an answer", |connection| {
            let sql = "SELECT request, status, body FROM answer WHERE who = ? AND key = ? AND made_ms > ?";
            let mut statement = connection.prepare_cached(sql)?;
            let read = |row: &rusqlite::Row<'_>| {
                Ok((row.get::<_, [u8; 32]>(0)?, Answer { status: row.get(1)?, body: row.get(2)? }))
            };
            statement.query_row(params![request.who, request.key, now_ms - KEPT_MS], read).optional()
        })?;
        match kept {
            Some((hash, _)) if hash != request.hash => Err(IdempotencyError::Other),
            kept => Ok(kept.map(|(_, answer)| answer)),
        }
    }

    /// Keeps an answer. If two who sent the same were both answered, the first answer stays.
    ///
    /// # Errors
    /// When it is too long or cannot be kept.
    pub fn keep_answer(&self, request: Request<'_>, answer: &Answer, now_ms: i64) -> Result<(), IdempotencyError> {
        if !(1..=KEY_CHARS_MAX).contains(&request.key.chars().count()) || answer.body.len() > BODY_BYTES_MAX {
            return Err(IdempotencyError::Length);
        }
        self.take("keep an answer", |tx| {
            tx.execute("DELETE FROM answer WHERE made_ms <= ?", [now_ms - KEPT_MS])?;
            let sql = "INSERT INTO answer VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING";
            tx.execute(sql, params![request.who, request.key, request.hash, answer.status, answer.body, now_ms])?;
            let sql = "DELETE FROM answer WHERE rowid IN (SELECT rowid FROM ( \
                SELECT rowid, row_number() OVER newest AS n, sum(octet_length(body) + 512) OVER newest AS bytes FROM answer \
                WHERE who = ?1 WINDOW newest AS (ORDER BY made_ms DESC, rowid DESC)) WHERE n > ?2 OR bytes > ?3)";
            tx.execute(sql, params![request.who, OF_ONE_MAX, BYTES_OF_ONE_MAX]).map(|_| ())
        })?;
        Ok(())
    }
}
