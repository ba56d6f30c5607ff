//! What [`super::Expr::Each`] makes of a list, written as JSON without building the objects; the projection is its definition.

use super::convert::{Made, adopt, convert};
use super::{Entry, Expr, Type, When, at};
use crate::value::{Value, View, write_string};

/// A value in an object that is being made, by the names that lead to it.
type Member<'r> = (&'static str, Made<'r>);

/// Whether the entries make values of one column each, that are text or numbers.
pub fn is_plain(entries: &[Entry]) -> bool {
    let plain = [Type::Text, Type::Integer, Type::Boolean, Type::Ip, Type::Port, Type::Json];
    let is_below = |path: &str, other: &str| path.strip_prefix(other).is_some_and(|rest| rest.starts_with('.'));
    entries.iter().all(|entry| {
        plain.contains(&entry.ty)
            && !matches!(entry.from, Expr::Each { .. } | Expr::Function { .. })
            && !entries.iter().any(|other| is_below(entry.to, other.to))
    })
}

/// The list of the objects, if there are any.
pub fn objects(list: &Value, entries: &'static [Entry], need: &[&str]) -> Option<String> {
    let Value::Array(items) = list else { return None };
    let mut out = String::new();
    let mut members: Vec<Member<'_>> = Vec::new();
    for item in items {
        members.clear();
        for entry in entries {
            if !has(&members, entry.to) && holds(entry.when, &members, item) {
                members.extend(eval(&entry.from, entry.ty, item).map(|made| (entry.to, made)));
            }
        }
        if need.iter().any(|target| has(&members, target)) {
            out.push(if out.is_empty() { '[' } else { ',' });
            write("", &members, &mut out);
        }
    }
    out.push(']');
    (out.len() > 1).then_some(out)
}

/// Whether a target has a value, or something in it has.
fn has(members: &[Member<'_>], target: &str) -> bool {
    let is_in = |path: &str| path.strip_prefix(target).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
    members.iter().any(|(path, _)| is_in(path))
}

fn holds(when: When, members: &[Member<'_>], item: &Value) -> bool {
    match when {
        When::Always => true,
        // An object in a list is of no class.
        When::Class(_) | When::IsIn(..) => false,
        When::Has(path) => at(item, path).is_some_and(|value| *value != Value::Null),
        When::Without(targets) => !targets.iter().any(|target| has(members, target)),
        When::Is(_, test) => test(item),
    }
}

fn eval<'r>(from: &'static Expr, ty: Type, item: &'r Value) -> Option<Made<'r>> {
    match from {
        Expr::Path(path) => convert(at(item, path)?.view(), ty, None),
        Expr::FirstOf(each) => each.iter().find_map(|expr| eval(expr, ty, item)),
        Expr::Const(text) => convert(View::String((*text).into()), ty, None),
        Expr::Table { of, rows } => {
            let value = at(item, of)?.view();
            let row = value.scalar_text().and_then(|text| rows.iter().find(|(native, _)| *native == text));
            convert(row.map_or(value, |(_, caption)| View::String((*caption).into())), ty, None)
        }
        Expr::Split { of, by, part } => {
            convert(View::String(at(item, of)?.as_str()?.split(*by).nth(*part)?.into()), ty, None)
        }
        Expr::Function { call, .. } => adopt(call(item)?, ty, None),
        Expr::Each { .. } => None,
    }
}

/// Writes the object at a path: its members in the order in which the first value in each came.
fn write(object: &str, members: &[Member<'_>], out: &mut String) {
    let inside = |path: &'static str| match object {
        "" => Some(path),
        object => path.strip_prefix(object)?.strip_prefix('.'),
    };
    out.push('{');
    let mut is_first = true;
    for (i, (path, made)) in members.iter().enumerate() {
        let Some(rest) = inside(path) else { continue };
        let name = rest.split('.').next().unwrap_or(rest);
        let end = path.len() - rest.len() + name.len();
        if has(&members[..i], &path[..end]) {
            continue;
        }
        if !std::mem::take(&mut is_first) {
            out.push(',');
        }
        write_string(name, out);
        out.push(':');
        match made {
            _ if end < path.len() => write(&path[..end], members, out),
            Made::Integer(n) => out.push_str(&n.to_string()),
            Made::Boolean(yes) => out.push_str(if *yes { "true" } else { "false" }),
            Made::Text(text) => write_string(text, out),
            _ => out.push_str("null"),
        }
    }
    out.push('}');
}
