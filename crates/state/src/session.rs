//! Sessions of people. They are looked up in memory, and kept as hashes so that they outlive the server; when they were used is written down
//! now and then.

use std::collections::HashMap;

use rusqlite::{Connection, params};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::entropy::{hex, hex_secret, is_same};
use crate::role::{Identity, Kind};
use crate::store::{ChangeError, Doing, State, StateError, lock};
use crate::user::is_password;

/// How long a session lasts without being used, and at most.
const IDLE_MS: i64 = 30 * 60_000;
const ABSOLUTE_MS: i64 = 12 * 3_600_000;
/// Sessions of one user; the oldest ends.
const OF_ONE_MAX: usize = 20;
/// How far the clock may be set back behind the begin of a session before that ends: its age is not known any more.
const SET_BACK_MS: i64 = 5 * 60_000;

pub(crate) const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS session (
    hash BLOB PRIMARY KEY, name TEXT NOT NULL, begun_ms INTEGER NOT NULL, used_ms INTEGER NOT NULL
) STRICT;";

/// A session that was just begun.
#[derive(Debug)]
pub struct Begun {
    /// What the cookie holds; it is known nowhere else.
    pub secret: String,
    /// What the pages send to show that a request is theirs.
    pub csrf: String,
    /// Who it is.
    pub identity: Identity,
}

/// A session.
#[derive(Clone, Debug)]
pub struct Session {
    /// Who it is, by what the user is now.
    pub identity: Identity,
    /// What the pages send to show that a request is theirs.
    pub csrf: String,
}

impl Session {
    /// Whether this is what the pages send.
    pub fn is_csrf(&self, sent: &str) -> bool {
        is_same(self.csrf.as_bytes(), sent.as_bytes())
    }
}

/// Why somebody is not logged in.
#[derive(Debug, thiserror::Error)]
pub enum LoginError {
    /// The name or the password is wrong; which of them is not told.
    #[error("name or password is wrong")]
    Wrong,
    /// There were too many tries.
    #[error("too many tries")]
    Slow {
        /// When the next is looked at.
        retry_after_ms: u64,
    },
    /// The state failed.
    #[error(transparent)]
    State(#[from] StateError),
}

/// All sessions, by the hash of their secret.
#[derive(Default)]
pub(crate) struct Sessions(HashMap<[u8; 32], Open>);

struct Open {
    name: String,
    begun_ms: i64,
    used_ms: i64,
    /// The use that was written down last.
    kept_ms: i64,
}

impl Open {
    fn is_over(&self, now_ms: i64) -> bool {
        now_ms - self.used_ms >= IDLE_MS
            || now_ms - self.begun_ms >= ABSOLUTE_MS
            || self.begun_ms - now_ms >= SET_BACK_MS
    }
}

/// What the pages send, worked out of the secret, so that it need not be kept.
fn csrf(secret: &str) -> String {
    hex(&Sha256::digest(format!("csrf\0{secret}"))[..16])
}

/// The sessions that were kept.
pub(crate) fn all(connection: &Connection) -> rusqlite::Result<Sessions> {
    let mut statement = connection.prepare("SELECT hash, name, begun_ms, used_ms FROM session")?;
    let rows = statement.query_map([], |row| {
        let used_ms = row.get(3)?;
        Ok((row.get(0)?, Open { name: row.get(1)?, begun_ms: row.get(2)?, used_ms, kept_ms: used_ms }))
    })?;
    Ok(Sessions(rows.collect::<rusqlite::Result<_>>()?))
}

/// Ends all sessions of a user where they are kept.
pub(crate) fn forget_all(tx: &Connection, name: &str) -> rusqlite::Result<()> {
    tx.execute("DELETE FROM session WHERE name = ?", [name]).map(|_| ())
}

impl Sessions {
    /// Ends all sessions of a user.
    pub(crate) fn end_all(&mut self, name: &str) {
        self.0.retain(|_, open| open.name != name);
    }
}

impl State {
    /// Logs a user in, from an address.
    ///
    /// # Errors
    /// When name or password is wrong, or there were too many tries.
    pub fn login(&self, name: &str, password: &str, from: &str, now_ms: i64) -> Result<Begun, LoginError> {
        // What is looked up and kept has bounds, whatever is sent.
        let name: String = name.chars().take(65).collect();
        let name = name.as_str();
        if let Some(retry_after_ms) = lock(&self.limiter).wait_ms(name, from, now_ms) {
            return Err(LoginError::Slow { retry_after_ms });
        }
        let known = self.known_user(name);
        let is_short = password.len() <= 4 * 256;
        let is_right = is_short && is_password(password, known.as_ref().map(|known| known.password.as_str()));
        let Some(known) = known.filter(|_| is_right) else {
            let is_news = lock(&self.limiter).failed(name, from, now_ms);
            if is_news {
                self.note(now_ms, "nobody", "login.failed", json!({"name": name, "from": from}))?;
            }
            return Err(LoginError::Wrong);
        };
        lock(&self.limiter).succeeded(name, from);
        let secret = hex_secret::<32>(&*self.entropy);
        let hash: [u8; 32] = Sha256::digest(&secret).into();
        let identity =
            Identity { kind: Kind::User, name: known.user.name, role: known.user.role, accounts: known.user.accounts };
        // Whoever changes a password ends the sessions that are there; one that was begun with the old password must not come after.
        let _people = lock(&self.people);
        if self.known_user(name).is_none_or(|now| now.password != known.password) {
            return Err(LoginError::Wrong);
        }
        let ended: Vec<[u8; 32]> = {
            let sessions = lock(&self.sessions);
            let (over, lasting): (Vec<_>, Vec<_>) = sessions.0.iter().partition(|(_, open)| open.is_over(now_ms));
            let mut own: Vec<_> =
                lasting.iter().filter(|(_, o)| o.name == name).map(|(hash, o)| (o.used_ms, **hash)).collect();
            own.sort_unstable();
            let oldest = own.iter().take((own.len() + 1).saturating_sub(OF_ONE_MAX)).map(|(_, hash)| *hash);
            over.iter().map(|(hash, _)| **hash).chain(oldest).collect()
        };
        self.change(now_ms, Doing { who: &identity.id(), kind: "login", what: json!({"from": from}) }, |tx| {
            for hash in &ended {
                tx.prepare_cached("DELETE FROM session WHERE hash = ?")?.execute([hash])?;
            }
            let sql = "INSERT INTO session (hash, name, begun_ms, used_ms) VALUES (?, ?, ?, ?)";
            tx.execute(sql, params![hash, name, now_ms, now_ms])?;
            Ok::<_, ChangeError<StateError>>(())
        })?;
        let mut sessions = lock(&self.sessions);
        sessions.0.retain(|hash, _| !ended.contains(hash));
        sessions.0.insert(hash, Open { name: name.to_owned(), begun_ms: now_ms, used_ms: now_ms, kept_ms: now_ms });
        let csrf = csrf(&secret);
        Ok(Begun { secret, csrf, identity })
    }

    /// The session of a secret, if it lasts, without using it: a page that is left open does not keep a session alive.
    pub fn peek_session(&self, secret: &str, now_ms: i64) -> Option<Session> {
        self.look_at(secret, now_ms, |_| ())
    }

    /// The session of a secret, if it lasts; it is used by this.
    pub fn session(&self, secret: &str, now_ms: i64) -> Option<Session> {
        self.look_at(secret, now_ms, |open| open.used_ms = open.used_ms.max(now_ms))
    }

    fn look_at(&self, secret: &str, now_ms: i64, using: impl FnOnce(&mut Open)) -> Option<Session> {
        let hash: [u8; 32] = Sha256::digest(secret).into();
        let name = {
            let mut sessions = lock(&self.sessions);
            let open = sessions.0.get_mut(&hash)?;
            if open.is_over(now_ms) {
                sessions.0.remove(&hash);
                return None;
            }
            using(open);
            open.name.clone()
        };
        let user = self.known_user(&name)?.user;
        let identity = Identity { kind: Kind::User, name, role: user.role, accounts: user.accounts };
        Some(Session { identity, csrf: csrf(secret) })
    }

    /// Ends a session.
    ///
    /// # Errors
    /// When it cannot be written to the audit.
    pub fn logout(&self, secret: &str, now_ms: i64) -> Result<(), StateError> {
        let hash: [u8; 32] = Sha256::digest(secret).into();
        // It is dead from now on, also if that cannot be written.
        let Some(open) = lock(&self.sessions).0.remove(&hash) else { return Ok(()) };
        let doing = Doing { who: &format!("user/{}", open.name), kind: "logout", what: json!({}) };
        self.change(now_ms, doing, |tx| {
            tx.execute("DELETE FROM session WHERE hash = ?", [hash])?;
            Ok::<_, ChangeError<StateError>>(())
        })
    }

    /// Writes down when sessions were used, and forgets those that are over.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn keep_sessions(&self, now_ms: i64) -> Result<(), StateError> {
        let (over, used) = {
            let sessions = lock(&self.sessions);
            let over: Vec<_> = sessions.0.iter().filter(|(_, o)| o.is_over(now_ms)).map(|(hash, _)| *hash).collect();
            let used = sessions.0.iter().filter(|(_, open)| open.used_ms != open.kept_ms);
            (over, used.map(|(hash, open)| (*hash, open.used_ms)).collect::<Vec<_>>())
        };
        if over.is_empty() && used.is_empty() {
            return Ok(());
        }
        self.take("keep sessions", |tx| {
            for hash in &over {
                tx.prepare_cached("DELETE FROM session WHERE hash = ?")?.execute([hash])?;
            }
            for (hash, used_ms) in &used {
                tx.prepare_cached("UPDATE session SET used_ms = ? WHERE hash = ?")?.execute(params![used_ms, hash])?;
            }
            Ok(())
        })?;
        let mut sessions = lock(&self.sessions);
        sessions.0.retain(|hash, _| !over.contains(hash));
        for (hash, used_ms) in used {
            if let Some(open) = sessions.0.get_mut(&hash) {
                open.kept_ms = used_ms;
            }
        }
        Ok(())
    }
}
