//! Who may do what: read off the API's own description, so that an operation that is not described is refused.

use std::collections::HashMap;

use axum::http::Method;
use state::Permission;
use utoipa::openapi::OpenApi;
use utoipa::openapi::path::Operation;

/// What an operation asks of its caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needed {
    /// Nothing: anybody may.
    Nothing,
    /// This permission.
    Permission(Permission),
}

/// What each operation needs, by method and path template.
pub struct Policy(HashMap<(Method, String), Needed>);

impl Policy {
    /// Reads the description. Its first security requirement names the permission; an empty one opens the operation to all.
    ///
    /// # Errors
    /// Operations that do not say what they need, or name a permission that there is not.
    pub fn of(document: &OpenApi) -> Result<Policy, Vec<String>> {
        let (mut policy, mut wrong) = (HashMap::new(), Vec::new());
        for (path, item) in &document.paths.paths {
            for (method, operation) in operations(item) {
                match needed(operation) {
                    Ok(needed) => {
                        policy.insert((method, path.clone()), needed);
                    }
                    Err(why) => wrong.push(format!("{method} {path}: {why}")),
                }
            }
        }
        if wrong.is_empty() { Ok(Policy(policy)) } else { Err(wrong) }
    }

    /// What an operation needs; nothing is known of one that is not described.
    pub fn needed(&self, method: &Method, path: &str) -> Option<Needed> {
        // HEAD is answered by whoever answers GET.
        let method = if method == Method::HEAD { &Method::GET } else { method };
        self.0.get(&(method.clone(), path.to_owned())).copied()
    }
}

fn needed(operation: &Operation) -> Result<Needed, String> {
    let requirement = operation.security.as_ref().and_then(|all| all.first()).ok_or("says not who may call it")?;
    let requirement = serde_json::to_value(requirement).map_err(|err| err.to_string())?;
    let scopes: Vec<&str> = requirement
        .as_object()
        .into_iter()
        .flatten()
        .flat_map(|(_, s)| s.as_array().into_iter().flatten())
        .filter_map(|s| s.as_str())
        .collect();
    match scopes[..] {
        [] if requirement.as_object().is_none_or(serde_json::Map::is_empty) => Ok(Needed::Nothing),
        [scope] => Permission::parse(scope).map(Needed::Permission).ok_or(format!("there is no permission `{scope}`")),
        _ => Err("names not just one permission".to_owned()),
    }
}

fn operations(item: &utoipa::openapi::PathItem) -> impl Iterator<Item = (Method, &Operation)> {
    let all = [
        (Method::GET, &item.get),
        (Method::POST, &item.post),
        (Method::PUT, &item.put),
        (Method::PATCH, &item.patch),
        (Method::DELETE, &item.delete),
    ];
    all.into_iter().filter_map(|(method, operation)| Some((method, operation.as_ref()?)))
}
