//! Policy documents in a request, and what they allow.

use std::collections::BTreeSet;

use event::value::Value;

use super::account::Own;
use super::audience::Audience;
use super::grant::Grant;
use super::walk::{each, member, members, texts};
use super::{object, strings};

/// The longest policy text that is read; IAM's own limit is far below.
const POLICY_TEXT_MAX: usize = 256 * 1024;

/// Ends of the names of keys that hold a policy, in lower case.
const POLICY_KEYS: [&str; 3] = ["policy", "policydocument", "policytext"];

/// What limits a permission: its name in the request, and the condition that it becomes. No two have one operator.
const PERMISSION_CONDITIONS: [(&str, &str, &str); 4] = [
    ("sourceArn", "ArnLike", "aws:SourceArn"),
    ("sourceAccount", "StringEquals", "aws:SourceAccount"),
    ("principalOrgID", "StringLike", "aws:PrincipalOrgID"),
    ("organizationId", "StringEqualsIgnoreCase", "aws:PrincipalOrgID"),
];

/// The policy documents anywhere in the request: what lies under the name of one, and any text that is one,
/// since some calls name the attribute that they set in a value. A document inside a document is not looked for.
pub fn documents(request: &Value) -> Vec<Value> {
    let mut found = Vec::new();
    each(request, |key, value| {
        if key.is_some_and(names_policy) || value.as_str().is_some_and(looks_like_object) {
            found.extend(document(value));
        }
    });
    found.extend(permission(request));
    found
}

/// The statement that `AddPermission` and its kin add to a policy, whose parts lie in the request itself.
/// Services are left out, as they are no accounts.
fn permission(request: &Value) -> Option<Value> {
    member(request, "action")?.as_str()?;
    let text = |value: &str| Value::String(value.to_owned());
    let named = members(request, "principal").filter_map(Value::as_str);
    let principals: Vec<Value> = named.filter(|name| !name.ends_with(".amazonaws.com")).map(text).collect();
    let condition = |operator: &str, key: &str, wanted: &Value| (operator.to_owned(), object([(key, wanted.clone())]));
    let mut conditions = Vec::new();
    for (name, operator, key) in PERMISSION_CONDITIONS {
        // Two values of one name become two conditions of one key, and limit nothing.
        conditions.extend(members(request, name).map(|wanted| condition(operator, key, wanted)));
    }
    for written in members(request, "condition") {
        let part = |name| member(written, name).and_then(Value::as_str).unwrap_or_default();
        conditions.push(condition(part("type"), part("key"), &text(part("value"))));
    }
    let statement = object([
        ("Effect", text("Allow")),
        ("Principal", Value::Array(principals)),
        ("Condition", Value::Object(conditions)),
    ]);
    Some(object([("Statement", statement)]))
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
    let mut audience = Audience::default();
    allowed.iter().for_each(|statement| audience.add(statement, own));
    let grants: Vec<Grant> = allowed.iter().filter(|s| is_of_identity(s)).map(|s| Grant::of(s, own)).collect();
    let full_services: BTreeSet<&String> = grants.iter().flat_map(|grant| &grant.full_services).collect();
    let escalations: BTreeSet<&str> = grants.iter().flat_map(|grant| &grant.escalations).copied().collect();
    let actions: BTreeSet<&str> = allowed.iter().flat_map(|s| members(s, "Action")).flat_map(texts).collect();
    let outside_accounts = audience.accounts.outside(own);
    let accounts = outside_accounts.iter().map(|account| format!("account {account}"));
    let users = audience.canonical_users.iter().map(|user| format!("canonical user {user}"));
    let organizations = audience.organizations.iter().map(|organization| format!("organization {organization}"));
    object([
        ("admin", Value::Bool(grants.iter().any(|grant| grant.admin))),
        ("wildcard", Value::Bool(!full_services.is_empty())),
        ("full_services", strings(full_services.into_iter().cloned().collect())),
        ("escalations", strings(escalations.into_iter().map(str::to_owned).collect())),
        ("public", Value::Bool(audience.everyone)),
        ("outsiders", strings(accounts.chain(users).chain(organizations).collect())),
        ("outside_accounts", strings(outside_accounts)),
        ("actions", strings(actions.into_iter().map(str::to_owned).collect())),
    ])
}

fn statements(document: &Value) -> Vec<&Value> {
    let all = members(document, "Statement");
    all.flat_map(|value| if let Value::Array(items) = value { items.as_slice() } else { std::slice::from_ref(value) })
        .collect()
}

fn allows(statement: &Value) -> bool {
    members(statement, "Effect").any(|effect| effect.as_str() == Some("Allow"))
}

/// A statement of an identity's policy says nothing of who: that is whoever has the policy.
fn is_of_identity(statement: &Value) -> bool {
    member(statement, "Principal").is_none() && member(statement, "NotPrincipal").is_none()
}
