//! Sessions of people. They live in memory: when the server starts anew, people log in anew.

use std::collections::HashMap;

use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::entropy::{hex_secret, is_same};
use crate::role::{Identity, Kind};
use crate::store::{State, StateError, lock};
use crate::user::is_password;

/// How long a session lasts without being used, and at most.
const IDLE_MS: i64 = 30 * 60_000;
const ABSOLUTE_MS: i64 = 12 * 3_600_000;
/// Sessions of one user; the oldest ends.
const OF_ONE_MAX: usize = 20;

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
    csrf: String,
    begun_ms: i64,
    used_ms: i64,
}

impl Open {
    fn is_over(&self, now_ms: i64) -> bool {
        now_ms - self.used_ms >= IDLE_MS || now_ms - self.begun_ms >= ABSOLUTE_MS
    }
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
        let (secret, csrf) = (hex_secret::<32>(&*self.entropy), hex_secret::<16>(&*self.entropy));
        let identity =
            Identity { kind: Kind::User, name: known.user.name, role: known.user.role, accounts: known.user.accounts };
        self.note(now_ms, &identity.id(), "login", json!({"from": from}))?;
        let mut sessions = lock(&self.sessions);
        // Whoever changes a password ends the sessions that are there; one that was begun with the old password must not come after.
        if self.known_user(name).is_none_or(|now| now.password != known.password) {
            return Err(LoginError::Wrong);
        }
        sessions.0.retain(|_, open| !open.is_over(now_ms));
        let mut own: Vec<_> =
            sessions.0.iter().filter(|(_, o)| o.name == name).map(|(hash, o)| (o.used_ms, *hash)).collect();
        own.sort_unstable();
        for (_, hash) in own.iter().take((own.len() + 1).saturating_sub(OF_ONE_MAX)) {
            sessions.0.remove(hash);
        }
        let open = Open { name: name.to_owned(), csrf: csrf.clone(), begun_ms: now_ms, used_ms: now_ms };
        sessions.0.insert(Sha256::digest(&secret).into(), open);
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
        let (name, csrf) = {
            let mut sessions = lock(&self.sessions);
            let open = sessions.0.get_mut(&hash)?;
            if open.is_over(now_ms) {
                sessions.0.remove(&hash);
                return None;
            }
            using(open);
            (open.name.clone(), open.csrf.clone())
        };
        let user = self.known_user(&name)?.user;
        let identity = Identity { kind: Kind::User, name, role: user.role, accounts: user.accounts };
        Some(Session { identity, csrf })
    }

    /// Ends a session.
    ///
    /// # Errors
    /// When it cannot be written to the audit.
    pub fn logout(&self, secret: &str, now_ms: i64) -> Result<(), StateError> {
        let hash: [u8; 32] = Sha256::digest(secret).into();
        let ended = lock(&self.sessions).0.remove(&hash);
        match ended {
            Some(open) => self.note(now_ms, &format!("user/{}", open.name), "logout", json!({})),
            None => Ok(()),
        }
    }
}
