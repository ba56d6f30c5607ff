//! The witness of the audit: one line beside the database that says which entry is the last, under the key of the checkpoints.
//!
//! Whoever cuts the end off the audit, and the checkpoints of that end with it, leaves a witness that says more than there is. So does whoever
//! puts another database in the place of this one, and so does a backup that was restored, which is why people can say that it is all right.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OptionalExtension as _};

use crate::audit::{self, HASH_BEFORE_FIRST, private, unhex};
use crate::entropy::{hex, is_same};

/// The last entry of an audit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// Its number; 0 if there is none.
    pub seq: i64,
    /// Its hash.
    pub hash: [u8; 32],
}

/// What is wrong with the files of a state before it is opened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Mistrust {
    /// The database is gone, and its key, its checkpoints or its witness are not.
    #[error("the database is missing, and there was one: `{}` is there", beside.display())]
    NoDatabase {
        /// What is left of it.
        beside: PathBuf,
    },
    /// The key is gone.
    #[error("the key of the audit is missing (`{}`), and the audit has entries", path.display())]
    NoKey {
        /// Where it was.
        path: PathBuf,
    },
    /// The witness is not by the key.
    #[error("`{}` is not by the key of this installation: one of the two was replaced or damaged", path.display())]
    Unsigned {
        /// The witness.
        path: PathBuf,
    },
    /// The database is another one, or an older copy.
    #[error("the audit ends at entry {found}, and entry {seq} was its last: the database was replaced by another or by a backup, or was cut", seq = head.seq)]
    Replaced {
        /// The last entry there was.
        head: Head,
        /// The last entry there is.
        found: i64,
    },
}

/// The files beside a database.
pub(crate) struct Beside {
    pub key: PathBuf,
    pub checkpoints: PathBuf,
    pub witness: PathBuf,
}

impl Beside {
    pub fn of(database: &Path) -> Beside {
        let beside = |extension| database.with_extension(extension);
        Beside { key: beside("audit-key"), checkpoints: beside("audit-checkpoints"), witness: beside("audit-witness") }
    }

    /// Puts what vouches for another audit out of the way, for whoever wants to look at it.
    pub fn set_aside(&self, now_ms: i64) -> std::io::Result<()> {
        let key = read(&self.key)?;
        let is_bad_key = key.is_some_and(|key| key.len() != 32);
        for path in [&self.checkpoints, &self.witness].into_iter().chain(is_bad_key.then_some(&self.key)) {
            let mut aside = path.clone().into_os_string();
            aside.push(format!(".{now_ms}"));
            match std::fs::rename(path, aside) {
                Err(err) if err.kind() != std::io::ErrorKind::NotFound => return Err(err),
                _ => {}
            }
        }
        Ok(())
    }
}

/// Whether there is a database.
pub(crate) fn is_there(database: &Path) -> bool {
    std::fs::metadata(database).is_ok_and(|meta| meta.len() > 0)
}

/// A file, if it is there.
pub(crate) fn read(path: &Path) -> std::io::Result<Option<Vec<u8>>> {
    match std::fs::read(path) {
        Err(err) if err.kind() == std::io::ErrorKind::NotFound => Ok(None),
        bytes => bytes.map(Some),
    }
}

/// Replaces the witness, as a whole or not at all.
pub(crate) fn write(path: &Path, key: &[u8; 32], head: &Head) -> std::io::Result<()> {
    let new = path.with_extension("audit-witness-new");
    match std::fs::remove_file(&new) {
        Err(err) if err.kind() != std::io::ErrorKind::NotFound => return Err(err),
        _ => {}
    }
    let mut file = private(&new)?;
    writeln!(file, "{} {} {}", head.seq, hex(&head.hash), hex(&code(key, head)))?;
    file.sync_all()?;
    std::fs::rename(&new, path)?;
    path.parent().map_or(Ok(()), |folder| std::fs::File::open(folder)?.sync_all())
}

/// What a witness says; nothing if it is not by this key.
pub(crate) fn said(bytes: &[u8], key: &[u8; 32]) -> Option<Head> {
    let text = std::str::from_utf8(bytes).ok()?;
    let mut parts = text.trim_end().split(' ');
    let head = Head { seq: parts.next()?.parse().ok()?, hash: unhex(parts.next()?)? };
    let signed = unhex(parts.next()?)?;
    (head.seq >= 0 && is_same(&code(key, &head), &signed)).then_some(head)
}

/// A line of the checkpoints says something else, so that none can stand in for the witness.
fn code(key: &[u8; 32], head: &Head) -> [u8; 32] {
    audit::code(key, &[b"witness".as_slice(), &head.seq.to_be_bytes(), &head.hash])
}

/// The last entry of an audit.
pub(crate) fn head(connection: &Connection) -> rusqlite::Result<Head> {
    let last = connection
        .query_row("SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1", [], |row| {
            Ok(Head { seq: row.get(0)?, hash: row.get(1)? })
        })
        .optional()?;
    Ok(last.unwrap_or(Head { seq: 0, hash: HASH_BEFORE_FIRST }))
}

/// Whether the audit holds what the witness has seen.
pub(crate) fn holds(connection: &Connection, seen: &Head) -> rusqlite::Result<bool> {
    let hash: Option<[u8; 32]> =
        connection.query_row("SELECT hash FROM audit WHERE seq = ?", [seen.seq], |row| row.get(0)).optional()?;
    Ok(seen.seq == 0 || hash == Some(seen.hash))
}

/// Compares a database with what is beside it. Says the last entry that was vouched for, if anything vouches.
pub(crate) fn compare(
    connection: &Connection,
    database: &Path,
) -> Result<Result<Option<Head>, Mistrust>, CompareError> {
    let beside = Beside::of(database);
    let found = head(connection)?;
    let key = read(&beside.key)?.and_then(|key| <[u8; 32]>::try_from(key).ok());
    let Some(key) = key else {
        let is_new = found.seq == 0;
        return Ok(if is_new { Ok(None) } else { Err(Mistrust::NoKey { path: beside.key }) });
    };
    let Some(bytes) = read(&beside.witness)? else { return Ok(Ok(None)) };
    let Some(seen) = said(&bytes, &key) else { return Ok(Err(Mistrust::Unsigned { path: beside.witness })) };
    Ok(if holds(connection, &seen)? {
        Ok(Some(seen))
    } else {
        Err(Mistrust::Replaced { head: seen, found: found.seq })
    })
}

/// Why nothing could be compared.
pub(crate) enum CompareError {
    Database(rusqlite::Error),
    File(std::io::Error),
}

impl From<rusqlite::Error> for CompareError {
    fn from(err: rusqlite::Error) -> Self {
        CompareError::Database(err)
    }
}

impl From<std::io::Error> for CompareError {
    fn from(err: std::io::Error) -> Self {
        CompareError::File(err)
    }
}
