//! What a rule wants to know of a CloudTrail record and cannot read off it: the object under the key `skywarden`.
//!
//! It is made only for records that reach a rule which asks for it, so it is written to be read.
//! Records come from strangers: every walk is a loop over a bounded stack, and a policy text has a longest length.

mod account;
mod audience;
mod condition;
mod glob;
mod grant;
mod policy;
mod port;
mod range;
mod walk;

use event::layout::Estate;
use event::value::Value;

use predicate::eval::{Record, eval};
use predicate::predicate::Predicate;

use super::terms;
use account::{Accounts, Own};

/// Reads the fields under `skywarden` off a record. Booleans, numbers and lists are always there.
pub fn derive(record: &Value, estate: &Estate) -> Value {
    let request = record.get("requestParameters").unwrap_or(&Value::Null);
    let own = Own { account: own_account(record), estate };
    let documents = policy::documents(request);
    let ports = port::world_open(request);
    object([
        ("by_service", Value::Bool(holds(terms::by_service(), record))),
        ("failed", Value::Bool(failed(record))),
        ("outside_accounts", strings(outside_accounts(request, &documents, &own))),
        ("policy", policy::facts(&documents, &own)),
        ("world_open", Value::Bool(ports.is_some())),
        ("world_open_ports", Value::Array(ports.unwrap_or_default().into_iter().map(number).collect())),
        ("managed_admin", Value::Bool(managed_admin(request))),
        ("longest_list", number(longest_list(request))),
    ])
}

/// Whether the call was refused or went wrong.
pub(super) fn failed(record: &Value) -> bool {
    holds(terms::failed(), record)
}

fn holds(term: &Predicate, record: &Value) -> bool {
    // No term looks at the raw text.
    eval(term, Record { raw: "", value: record })
}

/// The account the record is about.
fn own_account(record: &Value) -> Option<&str> {
    let identity = record.get("userIdentity").and_then(|user| user.get("accountId"));
    [record.get("recipientAccountId"), identity].into_iter().flatten().find_map(Value::as_str)
}

/// Accounts other than our own that the request names. Where no account is ours, none is foreign.
fn outside_accounts(request: &Value, documents: &[Value], own: &Own<'_>) -> Vec<String> {
    let mut accounts = Accounts::default();
    for root in std::iter::once(request).chain(documents) {
        walk::each(root, |_, value| accounts.add_value(value));
    }
    accounts.outside(own)
}

/// The AWS managed policies that make whoever has them an administrator, by the end of their ARN.
const ADMIN_POLICIES: [&str; 4] =
    ["AdministratorAccess", "IAMFullAccess", "PowerUserAccess", "AWSOrganizationsFullAccess"];

/// Those of the job functions.
const ADMIN_JOBS: [&str; 3] = ["SystemAdministrator", "DatabaseAdministrator", "NetworkAdministrator"];

/// Whether the request names an administrator's managed policy.
fn managed_admin(request: &Value) -> bool {
    let mut found = false;
    for key in ["policyArn", "managedPolicyArn", "policyArns"] {
        let Some(named) = request.get(key) else { continue };
        walk::each(named, |_, value| found |= value.as_str().is_some_and(is_admin_policy));
    }
    found
}

fn is_admin_policy(arn: &str) -> bool {
    let Some((_, name)) = arn.split_once(":iam::aws:policy/") else { return false };
    let job = name.strip_prefix("job-function/");
    ADMIN_POLICIES.iter().any(|end| name.ends_with(end)) || job.is_some_and(|job| ADMIN_JOBS.contains(&job))
}

/// How long the longest list anywhere in the request is.
fn longest_list(request: &Value) -> usize {
    let mut longest = 0;
    walk::each(request, |_, value| {
        if let Value::Array(items) = value {
            longest = longest.max(items.len());
        }
    });
    longest
}

fn object<const N: usize>(members: [(&str, Value); N]) -> Value {
    Value::Object(members.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
}

fn strings(texts: Vec<String>) -> Value {
    Value::Array(texts.into_iter().map(Value::String).collect())
}

fn number(n: impl ToString) -> Value {
    Value::Number(n.to_string().into())
}

#[cfg(test)]
mod tests;
