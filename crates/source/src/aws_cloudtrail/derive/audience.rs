//! To whom a policy of a resource or role opens it: the one answer for buckets, trust, keys, queues, topics, functions,
//! repositories and secrets.

use std::collections::BTreeSet;

use event::value::Value;

use super::account::{Accounts, Own};
use super::condition::{self, Reach};
use super::glob::has_wildcard;
use super::walk::{member, members, texts};

/// Who is let in that is not ours.
#[derive(Debug, Default)]
pub struct Audience {
    /// Anyone at all.
    pub everyone: bool,
    /// These accounts; ours are among them.
    pub accounts: Accounts,
    /// Organizations, of which we do not know whether they are ours.
    pub organizations: BTreeSet<String>,
    /// Canonical user ids, which do not tell their account.
    pub canonical_users: BTreeSet<String>,
}

impl Audience {
    /// Adds those whom an allowing statement lets in.
    pub fn add(&mut self, statement: &Value, own: &Own<'_>) {
        // Whoever is not named by `NotPrincipal` is let in, and that is the world but for a few.
        let mut is_for_all = member(statement, "NotPrincipal").is_some();
        for principal in members(statement, "Principal") {
            for (kind, text) in principals(principal) {
                match kind {
                    "service" => {}
                    _ if is_anyone(text) => is_for_all = true,
                    "aws" => self.accounts.add_text(text),
                    "canonicaluser" => self.canonical_users.extend([text.to_owned()]),
                    _ => {}
                }
            }
        }
        if !is_for_all {
            return;
        }
        match condition::reach(members(statement, "Condition"), own) {
            Reach::Everyone => self.everyone = true,
            Reach::Outside(accounts, organizations) => {
                accounts.iter().for_each(|account| self.accounts.add_text(account));
                self.organizations.extend(organizations);
            }
            Reach::Limited | Reach::Ours => {}
        }
    }
}

/// The principals with their kinds in lower case; those without a kind are AWS's.
fn principals(principal: &Value) -> Vec<(&'static str, &str)> {
    const KINDS: [&str; 4] = ["aws", "canonicaluser", "federated", "service"];
    let of_kind = |kind| members(principal, kind).flat_map(texts).map(move |text| (kind, text));
    match principal {
        Value::Object(_) => KINDS.into_iter().flat_map(of_kind).collect(),
        plain => texts(plain).into_iter().map(|text| ("aws", text)).collect(),
    }
}

/// `*`, and what would let in any account if AWS took it.
fn is_anyone(principal: &str) -> bool {
    let account = if principal.starts_with("arn:") { principal.split(':').nth(4) } else { None };
    has_wildcard(account.unwrap_or(principal))
}
