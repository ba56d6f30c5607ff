//! Whom the conditions of a statement for everybody let through.
//!
//! Only what ties a request to an account, organization, network or thing counts. What the caller chooses (referer, user agent, tags),
//! what holds for nearly all (TLS, MFA), what is true when the key is missing, and negations let the world in.

use std::collections::BTreeSet;

use event::value::Value;

use super::account::{Own, account_of_arn, is_account};
use super::glob::{has_wildcard, n_fixed_first};
use super::range::Ranges;

/// Whom conditions let through.
#[derive(Debug, PartialEq, Eq)]
pub enum Reach {
    /// Anyone, or nearly.
    Everyone,
    /// Those in some networks, through some thing, or who know something: not anyone, but nobody can say who.
    Limited,
    /// Accounts that are not ours, and organizations, by their ids.
    Outside(BTreeSet<String>, BTreeSet<String>),
    /// Ourselves only.
    Ours,
}

const ACCOUNT_KEYS: [&str; 6] = [
    "aws:principalaccount",
    "aws:sourceaccount",
    "aws:sourceowner",
    "aws:vpceaccount",
    "kms:calleraccount",
    "s3:dataaccesspointaccount",
];
const ORGANIZATION_KEYS: [&str; 6] = [
    "aws:principalorgid",
    "aws:principalorgpaths",
    "aws:sourceorgid",
    "aws:sourceorgpaths",
    "aws:vpceorgid",
    "aws:vpceorgpaths",
];
const ARN_KEYS: [&str; 4] = ["aws:principalarn", "aws:sourcearn", "aws:sourcevpcarn", "s3:dataaccesspointarn"];
/// Keys with ids that nobody can choose; their kind (`vpce-`, `AROA`) alone limits nothing.
const ID_KEYS: [&str; 3] = ["aws:sourcevpc", "aws:sourcevpce", "aws:userid"];
const ID_FIXED_MIN: usize = 8;
/// Names of S3's buckets are unique in the world, so an ARN without account is as good; a shorter start is anybody's.
const BUCKET_FIXED_MIN: usize = 3;

/// Whom the conditions of a statement let through, all of them together.
pub fn reach<'v>(mut conditions: impl Iterator<Item = &'v Value>, own: &Own<'_>) -> Reach {
    let Some(Value::Object(operators)) = conditions.next() else { return Reach::Everyone };
    // Which of two values counts is not ours to say: so neither limits anything.
    if conditions.next().is_some() || repeats_key(operators) {
        return Reach::Everyone;
    }
    let mut reach = Reach::Everyone;
    for (operator, keys) in operators {
        let Value::Object(keys) = keys else { continue };
        if !repeats_key(keys) {
            reach = keys.iter().map(|(key, wanted)| of_key(operator, key, wanted, own)).fold(reach, both);
        }
    }
    reach
}

fn repeats_key(members: &[(String, Value)]) -> bool {
    let keys: BTreeSet<String> = members.iter().map(|(key, _)| key.to_ascii_lowercase()).collect();
    keys.len() < members.len()
}

/// Whom two conditions let through that must both hold.
fn both(one: Reach, other: Reach) -> Reach {
    match (one, other) {
        (Reach::Ours, _) | (_, Reach::Ours) => Reach::Ours,
        (Reach::Outside(accounts, organizations), Reach::Outside(more_accounts, more_organizations)) => {
            Reach::Outside(&accounts | &more_accounts, &organizations | &more_organizations)
        }
        (outside @ Reach::Outside(..), _) | (_, outside @ Reach::Outside(..)) => outside,
        (Reach::Limited, _) | (_, Reach::Limited) => Reach::Limited,
        (Reach::Everyone, Reach::Everyone) => Reach::Everyone,
    }
}

/// Whom two values let through of which one must hold.
fn either(one: Reach, other: Reach) -> Reach {
    match (one, other) {
        (Reach::Everyone, _) | (_, Reach::Everyone) => Reach::Everyone,
        (Reach::Limited, Reach::Ours) | (Reach::Ours, Reach::Limited) => Reach::Limited,
        (Reach::Ours, Reach::Ours) => Reach::Ours,
        (one, other) => both(one.unless_ours(), other.unless_ours()),
    }
}

impl Reach {
    fn unless_ours(self) -> Reach {
        if self == Reach::Ours { Reach::Limited } else { self }
    }
}

fn of_key(operator: &str, key: &str, wanted: &Value, own: &Own<'_>) -> Reach {
    let operator = operator.to_ascii_lowercase();
    let key = key.to_ascii_lowercase();
    let wanted = values(wanted);
    // What holds for all of no values, and what may be missing, holds for whoever leaves it out.
    if operator.starts_with("forallvalues:") || operator.ends_with("ifexists") {
        return Reach::Everyone;
    }
    match operator.strip_prefix("foranyvalue:").unwrap_or(&operator) {
        "ipaddress" if key == "aws:sourceip" => of_networks(&wanted),
        "bool" if key == "aws:principalisawsservice" && wanted == ["true"] => Reach::Limited,
        "stringequals" | "stringequalsignorecase" | "stringlike" | "arnequals" | "arnlike" => {
            let one: fn(&str, &Own<'_>) -> Reach = match &*key {
                key if ACCOUNT_KEYS.contains(&key) => of_account,
                key if ORGANIZATION_KEYS.contains(&key) => of_organization,
                key if ARN_KEYS.contains(&key) => of_arn,
                key if ID_KEYS.contains(&key) => of_id,
                "sts:externalid" => of_secret,
                _ => return Reach::Everyone,
            };
            wanted.into_iter().map(|value| of_value(value, one, own)).reduce(either).unwrap_or(Reach::Everyone)
        }
        _ => Reach::Everyone,
    }
}

/// The texts of a value or list of values; numbers and booleans may be written as such.
fn values(wanted: &Value) -> Vec<&str> {
    let items = if let Value::Array(items) = wanted { items.as_slice() } else { std::slice::from_ref(wanted) };
    items.iter().filter_map(text).collect()
}

fn text(value: &Value) -> Option<&str> {
    match value {
        Value::String(text) => Some(text),
        Value::Number(text) => Some(text),
        Value::Bool(flag) => Some(if *flag { "true" } else { "false" }),
        _ => None,
    }
}

fn of_networks(wanted: &[&str]) -> Reach {
    let ranges = Ranges::read(wanted.iter().copied());
    let is_open = ranges.is_empty() || Ranges::are_world(std::iter::once(&ranges));
    if is_open { Reach::Everyone } else { Reach::Limited }
}

/// A variable is filled from the request. Those that stand for the owner of the resource are ours; others the caller may choose.
fn of_value(value: &str, one: fn(&str, &Own<'_>) -> Reach, own: &Own<'_>) -> Reach {
    match value.to_ascii_lowercase().as_str() {
        "${aws:resourceaccount}" | "${aws:resourceorgid}" | "${aws:resourceorgpaths}" => Reach::Ours,
        variable if variable.contains("${") => Reach::Everyone,
        _ => one(value, own),
    }
}

fn of_account(value: &str, own: &Own<'_>) -> Reach {
    if !is_account(value) {
        return unless_wildcard(value);
    }
    match own.account {
        None => Reach::Limited,
        Some(_) if own.has(value) => Reach::Ours,
        Some(_) => Reach::Outside([value.to_owned()].into(), BTreeSet::new()),
    }
}

fn of_organization(value: &str, _own: &Own<'_>) -> Reach {
    let id = value.split('/').next().unwrap_or(value);
    if !id.starts_with("o-") || has_wildcard(id) {
        return unless_wildcard(value);
    }
    Reach::Outside(BTreeSet::new(), [id.to_owned()].into())
}

fn of_arn(value: &str, own: &Own<'_>) -> Reach {
    if let Some(account) = account_of_arn(value) {
        return of_account(account, own);
    }
    let mut parts = value.splitn(6, ':').skip(2);
    let (service, name) = (parts.next(), parts.nth(2).unwrap_or_default());
    let is_bucket = service == Some("s3") && n_fixed_first(name) >= BUCKET_FIXED_MIN;
    if is_bucket { Reach::Limited } else { Reach::Everyone }
}

fn of_id(value: &str, _own: &Own<'_>) -> Reach {
    if n_fixed_first(value) >= ID_FIXED_MIN { Reach::Limited } else { Reach::Everyone }
}

fn of_secret(value: &str, _own: &Own<'_>) -> Reach {
    if value.chars().all(|c| matches!(c, '*' | '?')) { Reach::Everyone } else { Reach::Limited }
}

fn unless_wildcard(value: &str) -> Reach {
    if has_wildcard(value) { Reach::Everyone } else { Reach::Limited }
}
