//! People: names, passwords, roles.

use std::collections::HashMap;
use std::sync::PoisonError;

use argon2::Argon2;
use argon2::password_hash::{PasswordHash, PasswordHasher as _, PasswordVerifier as _, SaltString};
use rusqlite::{Connection, params};
use serde_json::json;

use crate::entropy::{Entropy, hex_secret, is_same};
use crate::role::{Identity, Kind, Role};
use crate::session;
use crate::store::{ChangeError, Doing, State, StateError, lock};
use sha2::{Digest as _, Sha256};

/// How long the first link is good.
const FIRST_LINK_MS: i64 = 24 * 3_600_000;
/// Characters of a password.
const PASSWORD_CHARS: std::ops::RangeInclusive<usize> = 12..=256;

pub(crate) const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS user (
    name TEXT PRIMARY KEY, role TEXT NOT NULL, accounts TEXT, password TEXT NOT NULL, created_ms INTEGER NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS first_link (hash BLOB NOT NULL, until_ms INTEGER NOT NULL) STRICT;";

/// A person, as others see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// The name.
    pub name: String,
    /// The role.
    pub role: Role,
    /// The accounts it may see; all if nothing is said.
    pub accounts: Option<Vec<String>>,
    /// Since when, in milliseconds since 1970.
    pub created_ms: i64,
}

/// A person, as it is kept in memory.
#[derive(Clone)]
pub(crate) struct KnownUser {
    pub user: User,
    pub password: String,
}

/// Why a user is not as wanted.
#[derive(Debug, thiserror::Error)]
pub enum UserError {
    /// The name is taken.
    #[error("there is a user `{0}` already")]
    Taken(String),
    /// There is none.
    #[error("there is no user `{0}`")]
    Unknown(String),
    /// The name cannot be one.
    #[error("a name has 1 to 64 letters, digits and . _ @ -")]
    Name,
    /// The password cannot be one.
    #[error("a password has 12 to 256 characters")]
    Password,
    /// There would be nobody left who can make users.
    #[error("`{0}` is the last admin: make another one first")]
    LastAdmin(String),
    /// Whoever asks lacks what they would give.
    #[error("nobody can grant what they lack")]
    Lacks,
    /// The secret of the first link is wrong, was used, or is too old.
    #[error("the link is wrong, was used already, or is older than a day: start the server again for a new one")]
    Link,
    /// The state failed.
    #[error(transparent)]
    State(StateError),
}

impl From<StateError> for UserError {
    fn from(err: StateError) -> UserError {
        UserError::State(err)
    }
}

/// Reads all users.
pub(crate) fn all(connection: &Connection) -> rusqlite::Result<HashMap<String, KnownUser>> {
    let mut statement = connection.prepare("SELECT name, role, accounts, password, created_ms FROM user")?;
    let rows = statement.query_map([], |row| {
        let user = User {
            name: row.get(0)?,
            role: role(&row.get::<_, String>(1)?)?,
            accounts: accounts(row.get::<_, Option<String>>(2)?)?,
            created_ms: row.get(4)?,
        };
        Ok((user.name.clone(), KnownUser { user, password: row.get(3)? }))
    })?;
    rows.collect()
}

pub(crate) fn role(text: &str) -> rusqlite::Result<Role> {
    Role::parse(text).ok_or_else(|| unreadable(format!("`{text}` is no role")))
}

pub(crate) fn accounts(text: Option<String>) -> rusqlite::Result<Option<Vec<String>>> {
    text.map(|text| serde_json::from_str(&text).map_err(|err| unreadable(err.to_string()))).transpose()
}

pub(crate) fn unreadable(why: String) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Text, why.into())
}

pub(crate) fn as_text(accounts: Option<&[String]>) -> Option<String> {
    accounts.map(|accounts| json!(accounts).to_string())
}

fn is_name(name: &str) -> bool {
    // Of other scripts some letters look like these, and dots alone are places in a path.
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '@' | '-');
    (1..=64).contains(&name.chars().count())
        && name.chars().all(is_allowed)
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
}

fn hash(password: &str, entropy: &dyn Entropy) -> Result<String, UserError> {
    if !PASSWORD_CHARS.contains(&password.chars().count()) {
        return Err(UserError::Password);
    }
    let mut salt = [0; 16];
    entropy.fill(&mut salt);
    let salt = SaltString::encode_b64(&salt).map_err(|_| UserError::Password)?;
    let hash = Argon2::default().hash_password(password.as_bytes(), &salt).map_err(|_| UserError::Password)?;
    Ok(hash.to_string())
}

/// Whether a password goes with what is kept of one. Where there is nothing, it takes as long.
pub(crate) fn is_password(password: &str, kept: Option<&str>) -> bool {
    // Of a password that nobody has; its costs are those of real ones.
    const NOBODY: &str =
        "$argon2id$v=19$m=19456,t=2,p=1$c2t5d2FyZGVuLm5vYm9keQ$1LpBqT4ZqJ3y6gq0h0Q0m1mW2zq3XcXr1m8q0w5gk1E";
    let kept_hash = PasswordHash::new(kept.unwrap_or(NOBODY)).or_else(|_| PasswordHash::new(NOBODY));
    let is_right = kept_hash.is_ok_and(|hash| Argon2::default().verify_password(password.as_bytes(), &hash).is_ok());
    is_right && kept.is_some()
}

/// Nobody grants a role or an account that they lack.
pub(crate) fn check_grant(by: &Identity, role: Role, accounts: Option<&[String]>) -> Result<(), UserError> {
    let has_role = crate::Permission::ALL.iter().all(|p| !role.allows(*p) || by.role.allows(*p));
    let has_accounts = match (&by.accounts, accounts) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some(own), Some(asked)) => asked.iter().all(|account| own.contains(account)),
    };
    if has_role && has_accounts { Ok(()) } else { Err(UserError::Lacks) }
}

impl State {
    /// All users, by name.
    pub fn users(&self) -> Vec<User> {
        let known = self.users.read().unwrap_or_else(PoisonError::into_inner);
        let mut users: Vec<User> = known.values().map(|known| known.user.clone()).collect();
        users.sort_by(|a, b| a.name.cmp(&b.name));
        users
    }

    pub(crate) fn known_user(&self, name: &str) -> Option<KnownUser> {
        self.users.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    fn know(&self, known: KnownUser) {
        let name = known.user.name.clone();
        self.users.write().unwrap_or_else(PoisonError::into_inner).insert(name, known);
    }

    /// The secret of a link that makes the first admin; nothing if there are users. Earlier links are void.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn first_run(&self, now_ms: i64) -> Result<Option<String>, StateError> {
        if !self.users().is_empty() {
            return Ok(None);
        }
        let secret = hex_secret::<24>(&*self.entropy);
        let doing = Doing { who: "server", kind: "setup.link", what: json!({}) };
        self.change(now_ms, doing, |tx| {
            tx.execute("DELETE FROM first_link", [])?;
            let hash: [u8; 32] = Sha256::digest(&secret).into();
            tx.execute("INSERT INTO first_link (hash, until_ms) VALUES (?, ?)", params![hash, now_ms + FIRST_LINK_MS])?;
            Ok::<_, ChangeError<StateError>>(())
        })?;
        Ok(Some(secret))
    }

    /// Makes the first admin.
    ///
    /// # Errors
    /// When the secret is not that of the link, or name or password cannot be one.
    pub fn set_up(&self, secret: &str, name: &str, password: &str, now_ms: i64) -> Result<(), UserError> {
        let kept = self.read("read the first link", |connection| {
            let mut statement = connection.prepare("SELECT hash, until_ms FROM first_link")?;
            let rows = statement.query_map([], |row| Ok((row.get::<_, [u8; 32]>(0)?, row.get::<_, i64>(1)?)))?;
            rows.collect::<rusqlite::Result<Vec<_>>>()
        })?;
        let sent: [u8; 32] = Sha256::digest(secret).into();
        if !kept.iter().any(|(hash, until_ms)| is_same(hash, &sent) && now_ms < *until_ms) {
            return Err(UserError::Link);
        }
        self.insert(name, Role::Admin, None, password, "setup", now_ms, |tx| {
            // Of two who have the link, one is first.
            match tx.execute("DELETE FROM first_link", [])? {
                0 => Err(ChangeError::Refused(UserError::Link)),
                _ => Ok(()),
            }
        })
    }

    /// Makes a user.
    ///
    /// # Errors
    /// When there is one of this name, something cannot be as wanted, or `by` lacks what it would grant.
    pub fn add_user(
        &self,
        by: &Identity,
        name: &str,
        role: Role,
        accounts: Option<Vec<String>>,
        password: &str,
        now_ms: i64,
    ) -> Result<(), UserError> {
        check_grant(by, role, accounts.as_deref())?;
        self.insert(name, role, accounts, password, &by.id(), now_ms, |_| Ok(()))
    }

    #[expect(clippy::too_many_arguments, reason = "these are the columns of a user, and who makes it")]
    fn insert(
        &self,
        name: &str,
        role: Role,
        accounts: Option<Vec<String>>,
        password: &str,
        who: &str,
        now_ms: i64,
        first: impl FnOnce(&Connection) -> Result<(), ChangeError<UserError>>,
    ) -> Result<(), UserError> {
        if !is_name(name) {
            return Err(UserError::Name);
        }
        let password = hash(password, &*self.entropy)?;
        let _people = lock(&self.people);
        let user = User { name: name.to_owned(), role, accounts, created_ms: now_ms };
        let what = json!({"name": name, "role": role.name(), "accounts": user.accounts});
        self.change(now_ms, Doing { who, kind: "user.made", what }, |tx| {
            first(tx)?;
            let values = params![name, role.name(), as_text(user.accounts.as_deref()), password, now_ms];
            let sql = "INSERT INTO user (name, role, accounts, password, created_ms) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING";
            match tx.execute(sql, values)? {
                0 => Err(ChangeError::Refused(UserError::Taken(name.to_owned()))),
                _ => Ok(()),
            }
        })?;
        self.know(KnownUser { user, password });
        Ok(())
    }

    /// Changes the role and the accounts of a user. It holds at once, also for those who are logged in.
    ///
    /// # Errors
    /// When there is no such user, it is the last admin, or `by` lacks what it would grant or take.
    pub fn set_role(
        &self,
        by: &Identity,
        name: &str,
        role: Role,
        accounts: Option<Vec<String>>,
        now_ms: i64,
    ) -> Result<User, UserError> {
        let _people = lock(&self.people);
        let known = self.known_user(name).ok_or_else(|| UserError::Unknown(name.to_owned()))?;
        check_grant(by, role, accounts.as_deref())?;
        check_grant(by, known.user.role, known.user.accounts.as_deref())?;
        let stays_admin = role == Role::Admin && accounts.is_none();
        let what = json!({"name": name, "role": role.name(), "accounts": accounts});
        self.change(now_ms, Doing { who: &by.id(), kind: "user.changed", what }, |tx| {
            let n = tx.execute(
                "UPDATE user SET role = ?, accounts = ? WHERE name = ?",
                params![role.name(), as_text(accounts.as_deref()), name],
            )?;
            session::forget_all(tx, name)?;
            check_changed(tx, n, name, stays_admin)
        })?;
        let user = User { role, accounts, ..known.user };
        self.know(KnownUser { user: user.clone(), password: known.password });
        lock(&self.sessions).end_all(name);
        Ok(user)
    }

    /// Changes a password: one's own with the old one, or another's. Sessions end.
    ///
    /// # Errors
    /// When there is no such user, or the password cannot be one.
    pub fn set_password(&self, by: &Identity, name: &str, password: &str, now_ms: i64) -> Result<(), UserError> {
        // Before the lock: it takes long.
        let password = hash(password, &*self.entropy)?;
        let _people = lock(&self.people);
        let known = self.known_user(name).ok_or_else(|| UserError::Unknown(name.to_owned()))?;
        let is_own = by.kind == Kind::User && by.name == name;
        if !is_own {
            check_grant(by, known.user.role, known.user.accounts.as_deref())?;
        }
        self.change(now_ms, Doing { who: &by.id(), kind: "user.password", what: json!({"name": name}) }, |tx| {
            let n = tx.execute("UPDATE user SET password = ? WHERE name = ?", params![password, name])?;
            session::forget_all(tx, name)?;
            check_changed(tx, n, name, true)
        })?;
        self.know(KnownUser { password, ..known });
        lock(&self.sessions).end_all(name);
        Ok(())
    }

    /// Removes a user, whose sessions end.
    ///
    /// # Errors
    /// When there is no such user, it is the last admin, or `by` lacks what it has.
    pub fn remove_user(&self, by: &Identity, name: &str, now_ms: i64) -> Result<(), UserError> {
        let _people = lock(&self.people);
        let known = self.known_user(name).ok_or_else(|| UserError::Unknown(name.to_owned()))?;
        check_grant(by, known.user.role, known.user.accounts.as_deref())?;
        self.change(now_ms, Doing { who: &by.id(), kind: "user.removed", what: json!({"name": name}) }, |tx| {
            let n = tx.execute("DELETE FROM user WHERE name = ?", [name])?;
            session::forget_all(tx, name)?;
            check_changed(tx, n, name, false)
        })?;
        self.users.write().unwrap_or_else(PoisonError::into_inner).remove(name);
        lock(&self.sessions).end_all(name);
        Ok(())
    }
}

/// That the user was there, and that an admin of all accounts is left.
fn check_changed(tx: &Connection, n: usize, name: &str, stays_admin: bool) -> Result<(), ChangeError<UserError>> {
    if n == 0 {
        return Err(ChangeError::Refused(UserError::Unknown(name.to_owned())));
    }
    let sql = "SELECT count(*) FROM user WHERE role = 'admin' AND accounts IS NULL";
    let admins: i64 = tx.query_row(sql, [], |row| row.get(0))?;
    if admins == 0 && !stays_admin {
        return Err(ChangeError::Refused(UserError::LastAdmin(name.to_owned())));
    }
    Ok(())
}
