//! Requests that are sent twice are done once: the first answer is kept for a day and given again. That a request begins is written down
//! before it does, so that of one that a crash interrupted is known that it may have been done.

use rusqlite::{Connection, OptionalExtension as _, params};

use crate::store::{State, StateError};

/// How long an answer is kept.
const KEPT_MS: i64 = 24 * 3_600_000;
/// Answers of one caller, and their bytes; the oldest go first.
const OF_ONE_MAX: i64 = 1_000;
const BYTES_OF_ONE_MAX: i64 = 16 << 20;
/// What stands for the status of a request that has begun and has no answer.
const BEGUN: u16 = 0;
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
    /// It was begun, and nobody knows whether it was done.
    #[error("the first request under the idempotency key was interrupted")]
    Interrupted,
    /// The key or the answer is too long.
    #[error("an idempotency key has 1 to 255 characters, and an answer at most 256 KiB")]
    Length,
    /// The state failed.
    #[error(transparent)]
    State(#[from] StateError),
}

type Kept = Option<([u8; 32], Answer)>;

fn kept(connection: &Connection, request: Request<'_>, now_ms: i64) -> rusqlite::Result<Kept> {
    let sql = "SELECT request, status, body FROM answer WHERE who = ? AND key = ? AND made_ms > ?";
    let mut statement = connection.prepare_cached(sql)?;
    let read =
        |row: &rusqlite::Row<'_>| Ok((row.get::<_, [u8; 32]>(0)?, Answer { status: row.get(1)?, body: row.get(2)? }));
    statement.query_row(params![request.who, request.key, now_ms - KEPT_MS], read).optional()
}

fn said(kept: Kept, request: Request<'_>) -> Result<Option<Answer>, IdempotencyError> {
    match kept {
        Some((hash, _)) if hash != request.hash => Err(IdempotencyError::Other),
        Some((_, answer)) if answer.status == BEGUN => Err(IdempotencyError::Interrupted),
        kept => Ok(kept.map(|(_, answer)| answer)),
    }
}

impl State {
    /// What was answered to a request before; nothing if it is new.
    ///
    /// # Errors
    /// When the key was used for another request, or the first one was interrupted.
    pub fn answered(&self, request: Request<'_>, now_ms: i64) -> Result<Option<Answer>, IdempotencyError> {
        said(self.read("look for an answer", |connection| kept(connection, request, now_ms))?, request)
    }

    /// What was answered to a request before. If it is new, it has begun: an answer is kept of it, or it is forgotten, or it was interrupted.
    /// That one does not run already is for the caller to see to.
    ///
    /// # Errors
    /// When the key is too long or was used for another request, or the first one was interrupted.
    pub fn begin_answer(&self, request: Request<'_>, now_ms: i64) -> Result<Option<Answer>, IdempotencyError> {
        if !(1..=KEY_CHARS_MAX).contains(&request.key.chars().count()) {
            return Err(IdempotencyError::Length);
        }
        let found = self.take("begin an answer", |tx| {
            tx.execute("DELETE FROM answer WHERE made_ms <= ?", [now_ms - KEPT_MS])?;
            let found = kept(tx, request, now_ms)?;
            if found.is_none() {
                let sql = "INSERT INTO answer VALUES (?, ?, ?, ?, x'', ?)";
                tx.execute(sql, params![request.who, request.key, request.hash, BEGUN, now_ms])?;
                bound(tx, request.who)?;
            }
            Ok(found)
        });
        said(found?, request)
    }

    /// Forgets that a request has begun: it may be sent again.
    ///
    /// # Errors
    /// When that cannot be written.
    pub fn forget_answer(&self, request: Request<'_>) -> Result<(), StateError> {
        self.take("forget an answer", |tx| {
            let sql = "DELETE FROM answer WHERE who = ? AND key = ? AND request = ? AND status = ?";
            tx.execute(sql, params![request.who, request.key, request.hash, BEGUN]).map(|_| ())
        })
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
            let sql = "INSERT INTO answer VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE \
                SET status = excluded.status, body = excluded.body WHERE status = ? AND request = excluded.request";
            let values = params![request.who, request.key, request.hash, answer.status, answer.body, now_ms, BEGUN];
            tx.execute(sql, values)?;
            bound(tx, request.who)
        })?;
        Ok(())
    }
}

/// Removes the oldest answers of a caller who has too many.
fn bound(tx: &Connection, who: &str) -> rusqlite::Result<()> {
    let sql = "DELETE FROM answer WHERE rowid IN (SELECT rowid FROM ( \
        SELECT rowid, row_number() OVER newest AS n, sum(octet_length(body) + 512) OVER newest AS bytes FROM answer \
        WHERE who = ?1 WINDOW newest AS (ORDER BY made_ms DESC, rowid DESC)) WHERE n > ?2 OR bytes > ?3)";
    tx.execute(sql, params![who, OF_ONE_MAX, BYTES_OF_ONE_MAX]).map(|_| ())
}
