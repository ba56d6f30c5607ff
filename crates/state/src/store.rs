//! The database: how it is opened, read, and changed.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};

use crate::audit::{self, Checkpoints};
use crate::entropy::Entropy;
use crate::limiter::Limiter;
use crate::session::Sessions;
use crate::token::KnownToken;
use crate::user::KnownUser;
use crate::witness::{self, Beside, CompareError, Head, Mistrust};
use crate::{counts, feed, finding, idempotency, kpi, rule, saved, session, suppression, token, user};

/// The version of the tables. A database of a later one is refused.
const VERSION: i32 = 2;
/// What makes the tables of a version out of those of the one before; tables that are new are made anyway.
const MIGRATIONS: &[(i32, &str)] = &[
    // Answers were kept under hashes of something else.
    (2, "DELETE FROM answer;"),
];
/// What makes the tables, where they are not there.
const SCHEMAS: [&str; 12] = [
    audit::SCHEMA,
    user::SCHEMA,
    token::SCHEMA,
    finding::SCHEMA,
    counts::SCHEMA,
    kpi::SCHEMA,
    saved::SCHEMA,
    suppression::SCHEMA,
    feed::SCHEMA,
    idempotency::SCHEMA,
    rule::SCHEMA,
    session::SCHEMA,
];
/// Connections that read at a time.
const READERS_MAX: usize = 4;
/// What the one that writes may keep of the database in memory: new findings land everywhere in their indexes.
const WRITER_CACHE_KIB: i64 = 32 << 10;
/// How long one waits for another.
const BUSY: Duration = Duration::from_secs(10);

/// Why the state cannot be read or changed.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// The database failed.
    #[error("cannot {what} in {}", path.display())]
    Database {
        /// What was attempted.
        what: &'static str,
        /// The database.
        path: PathBuf,
        /// Why it failed.
        #[source]
        err: rusqlite::Error,
    },
    /// A file beside the database failed.
    #[error("cannot {what} beside {}", path.display())]
    File {
        /// What was attempted.
        what: &'static str,
        /// The database.
        path: PathBuf,
        /// Why it failed.
        #[source]
        err: std::io::Error,
    },
    /// It is not the one that was here.
    #[error("cannot go on with the state `{}`", path.display())]
    Mistrust {
        /// The database.
        path: PathBuf,
        /// Why.
        #[source]
        why: Mistrust,
    },
    /// A later version wrote it.
    #[error("{} was written by a later version (its tables have version {found}, this program knows {VERSION}): use that version", path.display())]
    Later {
        /// The database.
        path: PathBuf,
        /// Its version.
        found: i32,
    },
}

/// What the server remembers. It is shared by all threads.
pub struct State {
    path: PathBuf,
    // Closed first: only one that writes can put what is beside the database into it, as the last.
    readers: Mutex<Vec<Connection>>,
    /// How often the database was written anew: connections of before see a file that is gone.
    n_mended: AtomicU64,
    writer: Mutex<Writer>,
    pub(crate) entropy: Arc<dyn Entropy>,
    /// Held while users and tokens change, so that what is known of them changes in the order of the database.
    pub(crate) people: Mutex<()>,
    pub(crate) users: RwLock<HashMap<String, KnownUser>>,
    pub(crate) tokens: RwLock<HashMap<[u8; 32], KnownToken>>,
    pub(crate) sessions: Mutex<Sessions>,
    pub(crate) limiter: Mutex<Limiter>,
    pub(crate) suppressions_changed: AtomicU64,
}

struct Writer {
    connection: Connection,
    checkpoints: Checkpoints,
}

/// Who changes what, for the audit.
pub(crate) struct Doing<'d> {
    pub who: &'d str,
    pub kind: &'d str,
    pub what: serde_json::Value,
}

/// A mutex whose holder never leaves what it guards half-changed: the database has transactions, the maps are replaced as a whole.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl State {
    /// Opens the state, or makes it if there never was one.
    ///
    /// # Errors
    /// When it cannot be read or written, when a later version wrote it, and with [`StateError::Mistrust`] when something of it is missing
    /// or is not what was here.
    pub fn open(path: &Path, entropy: Arc<dyn Entropy>, now_ms: i64) -> Result<State, StateError> {
        if !witness::is_there(path) {
            let Beside { key, checkpoints, witness } = Beside::of(path);
            if let Some(beside) = [key, checkpoints, witness].into_iter().find(|path| path.exists()) {
                return Err(StateError::Mistrust { path: path.to_owned(), why: Mistrust::NoDatabase { beside } });
            }
        }
        let is_seen = Beside::of(path).witness.exists();
        let state = State::open_unseen(path, entropy, now_ms)?;
        // Nobody vouches for what an earlier version wrote, nor for what somebody took the witness of away.
        if !is_seen && state.checkpoint(now_ms)?.seq > 0 {
            state.note(now_ms, "system", "audit.witness-begun", serde_json::json!({}))?;
        }
        state.checkpoint(now_ms)?;
        Ok(state)
    }

    /// Opens the state as it is, or makes it, although it may not be the one that was here. What vouched for that one is set aside, and the audit
    /// says why.
    ///
    /// # Errors
    /// As [`State::open`], but for mistrust.
    pub fn accept(path: &Path, entropy: Arc<dyn Entropy>, now_ms: i64) -> Result<State, StateError> {
        let why = match State::open(path, Arc::clone(&entropy), now_ms) {
            Err(StateError::Mistrust { why, .. }) => why,
            opened => return opened,
        };
        let beside =
            |err| StateError::File { what: "set aside what vouched for the audit", path: path.to_owned(), err };
        Beside::of(path).set_aside(now_ms).map_err(beside)?;
        if matches!(why, Mistrust::NoKey { .. }) {
            // The key is made before the database is looked at.
            Checkpoints::open(path, &*entropy).map_err(beside)?;
        }
        let state = State::open_unseen(path, entropy, now_ms)?;
        state.note(now_ms, "system", "state.accepted", serde_json::json!({"why": why.to_string()}))?;
        state.checkpoint(now_ms)?;
        Ok(state)
    }

    fn open_unseen(path: &Path, entropy: Arc<dyn Entropy>, now_ms: i64) -> Result<State, StateError> {
        let failed = |what| move |err| StateError::Database { what, path: path.to_owned(), err };
        let beside = |what| move |err| StateError::File { what, path: path.to_owned(), err };
        audit::private(path).map_err(beside("make the state"))?;
        // Before anything is written.
        let found = version(path).map_err(failed("read the version"))?;
        if found > VERSION {
            return Err(StateError::Later { path: path.to_owned(), found });
        }
        let mut connection = connect(path, OpenFlags::default()).map_err(failed("open the state"))?;
        let tx = connection.transaction().map_err(failed("make the tables"))?;
        for (_, step) in MIGRATIONS.iter().filter(|(to, _)| found > 0 && found < *to) {
            tx.execute_batch(step).map_err(failed("bring the tables up to this version"))?;
        }
        for schema in SCHEMAS {
            tx.execute_batch(schema).map_err(failed("make the tables"))?;
        }
        tx.pragma_update(None, "user_version", VERSION).map_err(failed("make the tables"))?;
        tx.commit().map_err(failed("make the tables"))?;
        match witness::compare(&connection, path) {
            Ok(Ok(_)) => {}
            Ok(Err(why)) => return Err(StateError::Mistrust { path: path.to_owned(), why }),
            Err(CompareError::Database(err)) => return Err(failed("read the audit")(err)),
            Err(CompareError::File(err)) => return Err(beside("read what vouches for the audit")(err)),
        }
        let checkpoints = Checkpoints::open(path, &*entropy).map_err(beside("open the checkpoints of the audit"))?;
        let users = user::all(&connection).map_err(failed("read the users"))?;
        let tokens = token::all(&connection).map_err(failed("read the tokens"))?;
        let sessions = session::all(&connection).map_err(failed("read the sessions"))?;
        let state = State {
            path: path.to_owned(),
            writer: Mutex::new(Writer { connection, checkpoints }),
            readers: Mutex::default(),
            n_mended: AtomicU64::new(0),
            entropy,
            people: Mutex::default(),
            users: RwLock::new(users),
            tokens: RwLock::new(tokens),
            sessions: Mutex::new(sessions),
            limiter: Mutex::default(),
            suppressions_changed: AtomicU64::new(0),
        };
        state.end_suppressions(now_ms)?;
        Ok(state)
    }

    /// The database file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn failed(&self, what: &'static str) -> impl Fn(rusqlite::Error) -> StateError + '_ {
        move |err| StateError::Database { what, path: self.path.clone(), err }
    }

    /// Reads.
    pub(crate) fn read<T>(
        &self,
        what: &'static str,
        read: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, StateError> {
        let n_mended = self.n_mended.load(Ordering::Acquire);
        let idle = lock(&self.readers).pop();
        let connection = match idle {
            Some(connection) => connection,
            None => connect(&self.path, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)
                .map_err(self.failed("open the state"))?,
        };
        let result = read(&connection).map_err(self.failed(what));
        let mut readers = lock(&self.readers);
        if readers.len() < READERS_MAX && n_mended == self.n_mended.load(Ordering::Acquire) {
            readers.push(connection);
        }
        result
    }

    /// Changes something, with its entry in the audit: both happen, or neither.
    pub(crate) fn change<T, E: From<StateError>>(
        &self,
        now_ms: i64,
        doing: Doing<'_>,
        change: impl FnOnce(&Transaction<'_>) -> Result<T, ChangeError<E>>,
    ) -> Result<T, E> {
        let failed = self.failed("change the state");
        let mut writer = lock(&self.writer);
        let Writer { connection, checkpoints } = &mut *writer;
        let tx =
            connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(|err| E::from(failed(err)))?;
        let value = match change(&tx) {
            Ok(value) => value,
            Err(ChangeError::Refused(err)) => return Err(err),
            Err(ChangeError::Database(err)) => return Err(failed(err).into()),
        };
        let (seq, hash) = audit::add(&tx, now_ms, doing.who, doing.kind, &doing.what.to_string())
            .map_err(|err| E::from(failed(err)))?;
        tx.commit().map_err(|err| E::from(failed(err)))?;
        // What was committed stays committed: a checkpoint that cannot be written now is written later.
        let _ = checkpoints.at(&Head { seq, hash }, now_ms);
        Ok(value)
    }

    /// Takes in what is no decision of anybody, and so has no entry in the audit: findings and how far feeds are read.
    pub(crate) fn take<T>(
        &self,
        what: &'static str,
        take: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, StateError> {
        let mut writer = lock(&self.writer);
        let tx =
            writer.connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(self.failed(what))?;
        let value = take(&tx).map_err(self.failed(what))?;
        tx.commit().map_err(self.failed(what))?;
        Ok(value)
    }

    /// Writes that somebody did something that changes nothing here: a login that failed, an export.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn note(&self, now_ms: i64, who: &str, kind: &str, what: serde_json::Value) -> Result<(), StateError> {
        self.change(now_ms, Doing { who, kind, what }, |_| Ok::<_, ChangeError<StateError>>(()))
    }

    /// Entries of the audit, newest first, before this number.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn audit(&self, before: i64, limit: usize) -> Result<Vec<audit::Entry>, StateError> {
        self.read("read the audit", |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT seq, time_ms, who, kind, what FROM audit WHERE seq < ? ORDER BY seq DESC LIMIT ?",
            )?;
            let rows = statement.query_map((before, limit as i64), |row| {
                Ok(audit::Entry {
                    seq: row.get(0)?,
                    time_ms: row.get(1)?,
                    who: row.get(2)?,
                    kind: row.get(3)?,
                    what: row.get(4)?,
                })
            })?;
            rows.collect()
        })
    }

    /// Does something while nobody changes the state.
    pub fn while_still<T>(&self, act: impl FnOnce() -> T) -> T {
        let _still = lock(&self.writer);
        act()
    }

    /// Writes the database anew from what is open, if somebody removed its file: nothing that is changed would be there after the end.
    /// Says whether that was so.
    ///
    /// # Errors
    /// When it cannot be written; what is open stays open.
    pub fn mend(&self, now_ms: i64) -> Result<bool, StateError> {
        if witness::is_there(&self.path) {
            return Ok(false);
        }
        let failed = self.failed("write the state anew");
        let beside = |err| StateError::File { what: "write the state anew", path: self.path.clone(), err };
        let new = self.path.with_extension("sqlite-new");
        let remove = |path: &Path| match std::fs::remove_file(path) {
            Err(err) if err.kind() != std::io::ErrorKind::NotFound => Err(beside(err)),
            _ => Ok(()),
        };
        let mut writer = lock(&self.writer);
        remove(&new)?;
        copy(&writer.connection, &new)?;
        self.n_mended.fetch_add(1, Ordering::AcqRel);
        lock(&self.readers).clear();
        // It is closed before there is another: what lies beside the file has the same name for both.
        drop(std::mem::replace(&mut writer.connection, Connection::open_in_memory().map_err(&failed)?));
        for ending in ["sqlite-wal", "sqlite-shm"] {
            remove(&self.path.with_extension(ending))?;
        }
        std::fs::rename(&new, &self.path).map_err(beside)?;
        writer.connection = connect(&self.path, OpenFlags::default()).map_err(&failed)?;
        drop(writer);
        self.note(now_ms, "system", "state.mended", serde_json::json!({"why": "the database file was removed"}))?;
        Ok(true)
    }

    /// Vouches for all that is in the audit, and gives its last entry.
    ///
    /// # Errors
    /// When the checkpoint cannot be written.
    pub fn checkpoint(&self, now_ms: i64) -> Result<Head, StateError> {
        let mut writer = lock(&self.writer);
        let Writer { connection, checkpoints } = &mut *writer;
        let head = witness::head(connection).map_err(self.failed("read the audit"))?;
        checkpoints.write(&head, now_ms).map_err(|err| StateError::File {
            what: "write a checkpoint of the audit",
            path: self.path.clone(),
            err,
        })?;
        Ok(head)
    }
}

/// Looks whether a database is whole, and of a version that this program reads.
///
/// # Errors
/// When it is not.
pub fn check(path: &Path) -> Result<(), StateError> {
    let failed = |err| StateError::Database { what: "look at the state", path: path.to_owned(), err };
    let found = version(path).map_err(failed)?;
    if found > VERSION {
        return Err(StateError::Later { path: path.to_owned(), found });
    }
    let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY).map_err(failed)?;
    let said: String = connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).map_err(failed)?;
    if said != "ok" || found == 0 {
        let why = if found == 0 { "it is no state of a server" } else { &said };
        return Err(failed(rusqlite::Error::InvalidParameterName(format!("it is not whole: {why}"))));
    }
    let ours = Connection::open_in_memory().map_err(failed)?;
    SCHEMAS.iter().try_for_each(|schema| ours.execute_batch(schema)).map_err(failed)?;
    let ours = acting(&ours).map_err(failed)?;
    match acting(&connection).map_err(failed)?.into_iter().find(|one| !ours.contains(one)) {
        Some((name, _)) => {
            let why = format!("`{name}` would act in it, and is none of ours");
            Err(failed(rusqlite::Error::InvalidParameterName(why)))
        }
        None => Ok(()),
    }
}

/// The triggers and views of a database: names, and what they do.
fn acting(connection: &Connection) -> rusqlite::Result<Vec<(String, String)>> {
    let mut statement =
        connection.prepare("SELECT name, coalesce(sql, '') FROM sqlite_schema WHERE type IN ('trigger', 'view')")?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    rows.collect()
}

/// Copies a database into a new file, also while a server uses it. Sessions are left out: whoever finds the copy has none of them, and one that
/// was ended since does not come back with it.
///
/// # Errors
/// When the copy cannot be made, or is not whole.
pub fn back_up(from: &Path, to: &Path) -> Result<(), StateError> {
    let failed = |err| StateError::Database { what: "make a copy", path: to.to_owned(), err };
    copy(&connect(from, OpenFlags::SQLITE_OPEN_READ_ONLY).map_err(failed)?, to)
}

fn copy(connection: &Connection, to: &Path) -> Result<(), StateError> {
    let failed = |err| StateError::Database { what: "make a copy", path: to.to_owned(), err };
    audit::private(to).map_err(|err| StateError::File { what: "make a copy", path: to.to_owned(), err })?;
    let mut copy = Connection::open(to).map_err(failed)?;
    let backup = rusqlite::backup::Backup::new(connection, &mut copy).map_err(failed)?;
    backup.run_to_completion(1_000, Duration::from_millis(1), None).map_err(failed)?;
    drop(backup);
    copy.execute_batch("PRAGMA journal_mode = DELETE; PRAGMA secure_delete = ON").map_err(failed)?;
    for table in ["session", "answer"] {
        let has = copy.table_exists(None, table).map_err(failed)?;
        if has {
            copy.execute(&format!("DELETE FROM {table}"), []).map_err(failed)?;
        }
    }
    let said: String = copy.query_row("PRAGMA integrity_check", [], |row| row.get(0)).map_err(failed)?;
    if said != "ok" {
        return Err(failed(rusqlite::Error::InvalidParameterName(format!("the copy is not whole: {said}"))));
    }
    Ok(())
}

/// Why a change did not happen.
pub(crate) enum ChangeError<E> {
    /// It may not.
    Refused(E),
    /// The database failed.
    Database(rusqlite::Error),
}

impl<E> From<rusqlite::Error> for ChangeError<E> {
    fn from(err: rusqlite::Error) -> Self {
        ChangeError::Database(err)
    }
}

/// The version of the tables in a database; 0 if there are none.
fn version(path: &Path) -> rusqlite::Result<i32> {
    connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?.query_row("PRAGMA user_version", [], |row| row.get(0))
}

fn connect(path: &Path, flags: OpenFlags) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY)?;
    connection.set_prepared_statement_cache_capacity(64);
    if !flags.contains(OpenFlags::SQLITE_OPEN_READ_ONLY) {
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "foreign_keys", "ON")?;
        connection.pragma_update(None, "cache_size", -WRITER_CACHE_KIB)?;
    }
    Ok(connection)
}
