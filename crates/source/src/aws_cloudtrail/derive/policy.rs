//! Policy documents in a request, and what they allow.

use std::collections::BTreeSet;

use event::value::Value;

use super::account::{Accounts, Own};
use super::walk::{each, member, texts};
use super::{object, strings};

/// The longest policy text that is read; IAM's own limit is far below.
const POLICY_TEXT_MAX: usize = 256 * 1024;

/// Ends of the names of keys that hold a policy, in lower case.
const POLICY_KEYS: [&str; 3] = ["policy", "policydocument", "policytext"];

/// The policy documents anywhere in the request: what lies under the name of one, and any text that is one,
/// since some calls name the attribute that they set in a value. A document inside a document is not looked for.
pub fn documents(request: &Value) -> Vec<Value> {
    let mut found = Vec::new();
    each(request, |key, value| {
        if key.is_some_and(names_policy) || value.as_str().is_some_and(looks_like_object) {
            found.extend(document(value));
        }
    });
    found
}

fn names_policy(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    POLICY_KEYS.iter().any(|end| key.ends_with(end))
}

/// Whether the text begins as the JSON text of an object does, URL-encoded or not.
fn looks_like_object(text: &str) -> bool {
    let text = text.trim_start();
    text.starts_with('{') || text.get(..3).is_some_and(|start| start.eq_ignore_ascii_case("%7b"))
}

/// Reads an object with statements, its JSON text, or that text URL-encoded.
fn document(value: &Value) -> Option<Value> {
    let read = match value {
        Value::Object(_) => value.clone(),
        Value::String(text) if text.len() <= POLICY_TEXT_MAX => {
            Value::parse(text).or_else(|_| Value::parse(&percent_decode(text))).ok()?
        }
        _ => return None,
    };
    member(&read, "Statement").is_some().then_some(read)
}

/// The text with each `%XX` replaced by its byte; what is then no UTF-8 becomes U+FFFD.
fn percent_decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let code = (byte == b'%').then(|| text.get(at + 1..at + 3)).flatten();
        match code.and_then(|code| u8::from_str_radix(code, 16).ok()) {
            Some(decoded) => {
                out.push(decoded);
                at += 3;
            }
            None => {
                out.push(byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// What the documents allow: the object under `policy`.
pub fn facts(documents: &[Value], own: &Own<'_>) -> Value {
    let allowed: Vec<&Value> = documents.iter().flat_map(statements).filter(|statement| allows(statement)).collect();
    let mut accounts = Accounts::default();
    for principal in allowed.iter().flat_map(|statement| aws_principals(statement)) {
        accounts.add_text(principal);
    }
    let actions: BTreeSet<&str> = allowed.iter().flat_map(|statement| texts(member(statement, "Action"))).collect();
    object([
        ("admin", Value::Bool(allowed.iter().any(|s| is_admin(s)))),
        ("wildcard", Value::Bool(allowed.iter().any(|s| is_wildcard(s)))),
        ("public", Value::Bool(allowed.iter().any(|s| is_public(s)))),
        ("outside_accounts", strings(accounts.outside(own))),
        ("actions", strings(actions.into_iter().map(str::to_owned).collect())),
    ])
}

fn statements(document: &Value) -> Vec<&Value> {
    match member(document, "Statement") {
        Some(Value::Array(items)) => items.iter().collect(),
        Some(one) => vec![one],
        None => Vec::new(),
    }
}

fn allows(statement: &Value) -> bool {
    member(statement, "Effect").and_then(Value::as_str) == Some("Allow")
}

/// A statement of an identity's policy says nothing of who: that is whoever has the policy.
fn is_of_identity(statement: &Value) -> bool {
    member(statement, "Principal").is_none() && member(statement, "NotPrincipal").is_none()
}

fn is_on_all(statement: &Value) -> bool {
    texts(member(statement, "Resource")).contains(&"*")
}

fn is_admin(statement: &Value) -> bool {
    let all = texts(member(statement, "Action")).iter().any(|action| matches!(*action, "*" | "*:*"));
    all && is_on_all(statement) && is_of_identity(statement)
}

fn is_wildcard(statement: &Value) -> bool {
    let wide = texts(member(statement, "Action")).iter().any(|action| *action == "*" || action.ends_with(":*"));
    member(statement, "NotAction").is_some() || wide && is_on_all(statement) && is_of_identity(statement)
}

fn is_public(statement: &Value) -> bool {
    let unconditional = match member(statement, "Condition") {
        None | Some(Value::Null) => true,
        Some(Value::Object(members)) => members.is_empty(),
        Some(_) => false,
    };
    unconditional && aws_principals(statement).contains(&"*")
}

/// The principals that are accounts, users, roles or everybody.
fn aws_principals(statement: &Value) -> Vec<&str> {
    let principal = member(statement, "Principal");
    match principal {
        Some(Value::Object(_)) => texts(principal.and_then(|kinds| member(kinds, "AWS"))),
        other => texts(other),
    }
}
