//! Tokens of programs. To look at one costs a hash and a look into a map: no disk, and nothing that is made slow.

use std::collections::HashMap;
use std::sync::PoisonError;

use rusqlite::{Connection, params};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::entropy::{hex, hex_secret};
use crate::role::{Identity, Kind, Role};
use crate::store::{ChangeError, Doing, State, lock};
use crate::user::{UserError, accounts, as_text, check_grant, role};

/// How a token begins, so that people and scanners know one when they see it.
const PREFIX: &str = "swk_";
/// Digits of a secret, and of what is made of it to tell a slip of the pen.
const SECRET_CHARS: usize = 48;
const CHECK_CHARS: usize = 6;
/// Tokens in all.
const TOKENS_MAX: usize = 10_000;

pub(crate) const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS token (
    name TEXT PRIMARY KEY, role TEXT NOT NULL, accounts TEXT, hash BLOB NOT NULL UNIQUE, made_by TEXT NOT NULL,
    created_ms INTEGER NOT NULL, until_ms INTEGER
) STRICT;";

/// A token, as people see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// The name.
    pub name: String,
    /// The role.
    pub role: Role,
    /// The accounts it may see; all if nothing is said.
    pub accounts: Option<Vec<String>>,
    /// Who made it.
    pub made_by: String,
    /// Since when, in milliseconds since 1970.
    pub created_ms: i64,
    /// Until when it is good; for ever if nothing is said.
    pub until_ms: Option<i64>,
}

/// A token to be made.
#[derive(Clone, Debug)]
pub struct NewToken {
    /// The name.
    pub name: String,
    /// The role.
    pub role: Role,
    /// The accounts it may see.
    pub accounts: Option<Vec<String>>,
    /// Until when it is good.
    pub until_ms: Option<i64>,
}

/// A token that was just made.
#[derive(Debug)]
pub struct Made {
    /// What is sent; it is known nowhere else.
    pub secret: String,
    /// What people see of it.
    pub token: Token,
}

#[derive(Clone)]
pub(crate) struct KnownToken(Token);

/// Reads all tokens.
pub(crate) fn all(connection: &Connection) -> rusqlite::Result<HashMap<[u8; 32], KnownToken>> {
    let mut statement =
        connection.prepare("SELECT hash, name, role, accounts, made_by, created_ms, until_ms FROM token")?;
    let rows = statement.query_map([], |row| {
        let token = Token {
            name: row.get(1)?,
            role: role(&row.get::<_, String>(2)?)?,
            accounts: accounts(row.get(3)?)?,
            made_by: row.get(4)?,
            created_ms: row.get(5)?,
            until_ms: row.get(6)?,
        };
        Ok((row.get(0)?, KnownToken(token)))
    })?;
    rows.collect()
}

/// What makes a slip of the pen visible without a look at what is known.
fn check(secret: &str) -> String {
    hex(&Sha256::digest(secret)[..CHECK_CHARS / 2])
}

/// The hash of a token that is formed as ours are.
fn hash(token: &str) -> Option<[u8; 32]> {
    let rest = token.strip_prefix(PREFIX)?;
    if rest.len() != SECRET_CHARS + CHECK_CHARS || !rest.is_ascii() {
        return None;
    }
    let (secret, sum) = rest.split_at(SECRET_CHARS);
    (check(secret) == sum).then(|| Sha256::digest(token).into())
}

impl State {
    /// Whose token it is, if it is good.
    pub fn token(&self, token: &str, now_ms: i64) -> Option<Identity> {
        let hash = hash(token)?;
        let tokens = self.tokens.read().unwrap_or_else(PoisonError::into_inner);
        let KnownToken(known) = tokens.get(&hash)?;
        if known.until_ms.is_some_and(|until_ms| now_ms >= until_ms) {
            return None;
        }
        let (name, accounts) = (known.name.clone(), known.accounts.clone());
        Some(Identity { kind: Kind::Token, name, role: known.role, accounts })
    }

    /// All tokens, by name.
    pub fn tokens(&self) -> Vec<Token> {
        let known = self.tokens.read().unwrap_or_else(PoisonError::into_inner);
        let mut tokens: Vec<Token> = known.values().map(|known| known.0.clone()).collect();
        tokens.sort_by(|a, b| a.name.cmp(&b.name));
        tokens
    }

    /// Makes a token.
    ///
    /// # Errors
    /// When there is one of this name, or `by` lacks what it would grant.
    pub fn make_token(&self, by: &Identity, new: NewToken, now_ms: i64) -> Result<Made, UserError> {
        check_grant(by, new.role, new.accounts.as_deref())?;
        let _people = lock(&self.people);
        let is_name = (1..=64).contains(&new.name.chars().count())
            && new.name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'))
            && new.name.starts_with(|c: char| c.is_ascii_alphanumeric());
        if !is_name || self.tokens().len() >= TOKENS_MAX {
            return Err(UserError::Name);
        }
        let text = hex_secret::<{ SECRET_CHARS / 2 }>(&*self.entropy);
        let secret = format!("{PREFIX}{text}{}", check(&text));
        let hash: [u8; 32] = Sha256::digest(&secret).into();
        let NewToken { name, role, accounts, until_ms } = new;
        let token = Token { name, role, accounts, made_by: by.id(), created_ms: now_ms, until_ms };
        let what = json!({"name": token.name, "role": role.name(), "accounts": token.accounts, "until_ms": until_ms});
        self.change(now_ms, Doing { who: &by.id(), kind: "token.made", what }, |tx| {
            let sql = "INSERT INTO token (name, role, accounts, hash, made_by, created_ms, until_ms) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING";
            let values = params![token.name, role.name(), as_text(token.accounts.as_deref()), hash, token.made_by, now_ms, until_ms];
            match tx.execute(sql, values)? {
                0 => Err(ChangeError::Refused(UserError::Taken(token.name.clone()))),
                _ => Ok(()),
            }
        })?;
        self.tokens.write().unwrap_or_else(PoisonError::into_inner).insert(hash, KnownToken(token.clone()));
        Ok(Made { secret, token })
    }

    /// Revokes a token: it is dead at once.
    ///
    /// # Errors
    /// When there is none of this name, or `by` lacks what it has.
    pub fn revoke_token(&self, by: &Identity, name: &str, now_ms: i64) -> Result<(), UserError> {
        let _people = lock(&self.people);
        let unknown = || UserError::Unknown(name.to_owned());
        let known = self.tokens().into_iter().find(|token| token.name == name).ok_or_else(unknown)?;
        check_grant(by, known.role, known.accounts.as_deref())?;
        self.change(
            now_ms,
            Doing { who: &by.id(), kind: "token.revoked", what: json!({"name": name}) },
            |tx| match tx.execute("DELETE FROM token WHERE name = ?", [name])? {
                0 => Err(ChangeError::Refused(unknown())),
                _ => Ok(()),
            },
        )?;
        self.tokens.write().unwrap_or_else(PoisonError::into_inner).retain(|_, known| known.0.name != name);
        Ok(())
    }
}
