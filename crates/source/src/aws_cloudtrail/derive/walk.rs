//! The walk over everything in a value, without recursion.

use event::value::Value;

/// Calls `visit` with each value in `root`, `root` first, and with its key where it is a member of an object.
pub fn each<'v>(root: &'v Value, mut visit: impl FnMut(Option<&'v str>, &'v Value)) {
    let mut due = vec![(None, root)];
    while let Some((key, value)) = due.pop() {
        visit(key, value);
        match value {
            Value::Array(items) => due.extend(items.iter().rev().map(|item| (None, item))),
            Value::Object(members) => {
                due.extend(members.iter().rev().map(|(key, member)| (Some(key.as_str()), member)))
            }
            _ => {}
        }
    }
}

/// The first member of an object with this key in any letter case.
pub fn member<'v>(value: &'v Value, key: &str) -> Option<&'v Value> {
    members(value, key).next()
}

/// All of them: a key that is given twice may hide what it says.
pub fn members<'v, 'k>(value: &'v Value, key: &'k str) -> impl Iterator<Item = &'v Value> + use<'v, 'k> {
    let members = if let Value::Object(members) = value { members.as_slice() } else { &[] };
    members.iter().filter(move |(have, _)| have.eq_ignore_ascii_case(key)).map(|(_, value)| value)
}

/// The strings of a value that may be one string or a list of them.
pub fn texts(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => vec![text],
        Value::Array(items) => items.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}
