//! Functions of JSON, and the values inside JSON text, found by walking the text where it lies.
//!
//! What lies behind the wanted value is not looked at, so a text that is broken there still gives it.

use std::borrow::Cow;
use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, ListBuilder, StringViewBuilder};
use datafusion::arrow::datatypes::{DataType, Field};
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::Expr;
use event::scan;
use event::value::{unescape, write_string};
use predicate::diagnostic::Diagnostic;

use super::native::{Columns, Gives, Native, Take};
use super::{Call, Function};
use crate::kind::{Kind, Typed, number_of, text_literal};

/// The functions of this file.
pub const FUNCTIONS: &[Function] = &[
    Function {
        name: "jsonParse",
        aliases: &["json_parse"],
        usage: "jsonParse(text)",
        doc: "The map or list that a text is, for `.name` and `[i]`; null if it is none.",
        arity: 1..=1,
        is_aggregate: false,
        lower: |call| Ok(Typed { expr: PARSE.call(vec![json_text(call, 0)?]), kind: Kind::Json }),
    },
    Function {
        name: "jsonStringify",
        aliases: &["json_stringify"],
        usage: "jsonStringify(map)",
        doc: "The JSON text of a map, a list or any other value.",
        arity: 1..=1,
        is_aggregate: false,
        lower: |call| {
            let of = call.typed(0)?;
            let expr = match of.kind {
                Kind::Text | Kind::Time => STRINGIFY.call(vec![of.text().expr]),
                _ => of.shown().expr,
            };
            Ok(Typed { expr, kind: Kind::Text })
        },
    },
    Function {
        name: "jsonArraySize",
        aliases: &[],
        usage: "jsonArraySize(f)",
        doc: "How many elements a list has; 0 for what is no list.",
        arity: 1..=1,
        is_aggregate: false,
        lower: |call| Ok(Typed { expr: ARRAY_SIZE.call(vec![json_text(call, 0)?]), kind: Kind::Integer }),
    },
    Function {
        name: "jsonArrayContains",
        aliases: &[],
        usage: "jsonArrayContains(f, value)",
        doc: "Whether a list has the value; letter case counts, and numbers are equal by value.",
        arity: 2..=2,
        is_aggregate: false,
        lower: |call| {
            let args = vec![json_text(call, 0)?, call.text(1)?];
            Ok(Typed { expr: ARRAY_CONTAINS.call(args), kind: Kind::Boolean })
        },
    },
];

/// The argument as text, which for a map or list is its JSON.
fn json_text(call: &Call<'_>, i: usize) -> Result<Expr, Diagnostic> {
    Ok(call.typed(i)?.shown().expr)
}

/// `of.name` and `of[i]`: what a map or list holds there. A map or list in it stays JSON text, all else is its text.
pub fn member(of: Typed, name: &str) -> Typed {
    let mut step = String::new();
    push_step(name, &mut step);
    // `j.a.b` is one walk and not two.
    if let Some([inner, Expr::Literal(ScalarValue::Utf8View(Some(path)), _)]) = GET.args_of(&of.expr) {
        return Typed {
            expr: GET.call(vec![inner.clone(), text_literal(&format!("{path}.{step}"))]),
            kind: Kind::Text,
        };
    }
    Typed { expr: GET.call(vec![of.shown().expr, text_literal(&step)]), kind: Kind::Text }
}

/// The value at a dotted path of JSON text; `.` and `\` in a name are written behind a `\`.
pub fn json_get(text: Expr, path: &str) -> Expr {
    GET.call(vec![text, text_literal(path)])
}

/// The elements of a list as `List<Utf8View>`, for `unnest` and `expand`; what is no list is one element, and so is null.
pub fn items(of: Typed) -> Expr {
    ITEMS.call(vec![of.shown().expr])
}

fn push_step(name: &str, out: &mut String) {
    for c in name.chars() {
        if matches!(c, '.' | '\\') {
            out.push('\\');
        }
        out.push(c);
    }
}

/// The steps of a dotted path.
fn steps(path: &str) -> Vec<String> {
    let mut out = vec![String::new()];
    let mut chars = path.chars();
    while let Some(c) = chars.next() {
        match (c, out.last_mut()) {
            ('.', _) => out.push(String::new()),
            (_, None) => {}
            ('\\', Some(step)) => step.extend(chars.next()),
            (_, Some(step)) => step.push(c),
        }
    }
    out
}

/// The JSON text of the value that the steps lead to; of two members of the same name the first.
fn find<'t>(text: &'t str, steps: &[String]) -> Option<&'t str> {
    let mut rest = text;
    for step in steps {
        rest = match rest.trim_start_matches(BLANKS).as_bytes().first()? {
            b'{' => members(rest).find(|(key, _)| key_is(key, step))?.1,
            b'[' => elements(rest).nth(step.parse().ok()?)?,
            _ => return None,
        };
    }
    Some(rest)
}

const BLANKS: [char; 4] = [' ', '\n', '\r', '\t'];

fn key_is(quoted: &str, name: &str) -> bool {
    let inside = &quoted[1..quoted.len() - 1];
    inside == name || (inside.contains('\\') && unescape(inside) == name)
}

/// The members of an object: quoted key and value, up to the first mistake.
fn members(text: &str) -> impl Iterator<Item = (&str, &str)> {
    let bytes = text.as_bytes();
    let mut at = opened(bytes, b'{');
    std::iter::from_fn(move || {
        let from = at?;
        let (key_end, _) = scan::key(bytes, from).ok()?;
        let value = scan::colon(bytes, key_end).ok()?;
        let end = scan::skip(bytes, value, 0).ok()?;
        at = next(bytes, end);
        Some((text.get(from..key_end)?, text.get(value..end)?))
    })
}

/// The elements of an array, up to the first mistake.
fn elements(text: &str) -> impl Iterator<Item = &str> {
    let bytes = text.as_bytes();
    let mut at = opened(bytes, b'[').filter(|at| bytes.get(*at) != Some(&b']'));
    std::iter::from_fn(move || {
        let from = at?;
        let end = scan::skip(bytes, from, 0).ok()?;
        at = next(bytes, end);
        text.get(from..end)
    })
}

/// Where the first member of an object or array begins.
fn opened(bytes: &[u8], bracket: u8) -> Option<usize> {
    let at = scan::blanks(bytes, 0);
    (bytes.get(at) == Some(&bracket)).then(|| scan::blanks(bytes, at + 1))
}

/// Where the next member begins, if there is one.
fn next(bytes: &[u8], end: usize) -> Option<usize> {
    let at = scan::blanks(bytes, end);
    (bytes.get(at) == Some(&b',')).then(|| scan::blanks(bytes, at + 1))
}

/// A JSON value as text: a string without quotes, null as nothing, all else as written.
fn shown(json: &str) -> Option<Cow<'_, str>> {
    match json.as_bytes().first()? {
        b'n' => None,
        b'"' => {
            let inside = json.get(1..json.len() - 1)?;
            Some(if inside.contains('\\') { Cow::Owned(unescape(inside)) } else { Cow::Borrowed(inside) })
        }
        _ => Some(Cow::Borrowed(json)),
    }
}

/// The list that a text is, if it is one from beginning to end.
fn list(text: &str) -> Option<&str> {
    let trimmed = text.trim_matches(BLANKS);
    (trimmed.starts_with('[') && is_json(trimmed)).then_some(trimmed)
}

fn is_json(trimmed: &str) -> bool {
    scan::skip(trimmed.as_bytes(), 0, 0).is_ok_and(|end| end == trimmed.len())
}

/// A list of texts as JSON.
pub(super) fn json_list<T: AsRef<str>>(texts: impl IntoIterator<Item = T>) -> String {
    let mut out = String::from("[");
    for text in texts {
        if out.len() > 1 {
            out.push(',');
        }
        write_string(text.as_ref(), &mut out);
    }
    out.push(']');
    out
}

/// What this file calls.
pub(super) const NATIVES: &[&Native] = &[&PARSE, &STRINGIFY, &ARRAY_SIZE, &ARRAY_CONTAINS, &GET, &ITEMS];

const TEXT: Take = Take::Kind(Kind::Text);

static PARSE: Native = Native {
    name: "lq_json_parse",
    takes: &[TEXT],
    gives: Gives::Kind(Kind::Json),
    run: |args| {
        let text = args.texts(0);
        args.text(|i| {
            let trimmed = text.get(i)?.trim_matches(BLANKS);
            (trimmed.starts_with(['{', '[']) && is_json(trimmed)).then_some(trimmed)
        })
    },
};
static STRINGIFY: Native = Native {
    name: "lq_json_stringify",
    takes: &[TEXT],
    gives: Gives::Kind(Kind::Text),
    run: |args| {
        let text = args.texts(0);
        args.text(|i| {
            let text = text.get(i)?;
            // A map or list inside another is kept as its JSON.
            if text.starts_with(['{', '[']) && is_json(text) {
                return Some(Cow::Borrowed(text));
            }
            let mut out = String::new();
            write_string(text, &mut out);
            Some(Cow::Owned(out))
        })
    },
};
static ARRAY_SIZE: Native = Native {
    name: "lq_json_array_size",
    takes: &[TEXT],
    gives: Gives::Kind(Kind::Integer),
    run: |args| {
        let text = args.texts(0);
        args.integer(|i| text.get(i).map(|text| list(text).map_or(0, |list| elements(list).count() as i64)))
    },
};
static ARRAY_CONTAINS: Native = Native {
    name: "lq_json_array_contains",
    takes: &[TEXT, TEXT],
    gives: Gives::Kind(Kind::Boolean),
    run: |args| {
        let (text, value) = (args.texts(0), args.texts(1));
        args.boolean(|i| {
            let (text, value) = (text.get(i)?, value.get(i)?);
            let number = number_of(value);
            let is_it = |element: &str| match shown(element) {
                None => false,
                Some(have) if have == value => true,
                Some(have) => !element.starts_with('"') && number.is_some() && number_of(&have) == number,
            };
            Some(list(text).is_some_and(|list| elements(list).any(is_it)))
        })
    },
};
static GET: Native = Native { name: "lq_json_get", takes: &[TEXT, TEXT], gives: Gives::Kind(Kind::Text), run: get };
static ITEMS: Native = Native {
    name: "lq_json_items",
    takes: &[TEXT],
    gives: Gives::Type(|_| Ok(DataType::List(Arc::new(Field::new_list_field(DataType::Utf8View, true))))),
    run: list_items,
};

fn get(args: &Columns) -> Result<ArrayRef> {
    let steps = steps(args.constant_text(1)?);
    let text = args.texts(0);
    args.text(|i| find(text.get(i)?, &steps).and_then(shown))
}

fn list_items(args: &Columns) -> Result<ArrayRef> {
    let text = args.texts(0);
    let mut out = ListBuilder::new(StringViewBuilder::new());
    for i in 0..args.n_rows {
        match text.get(i).map(|text| (text, list(text))) {
            Some((_, Some(list))) => {
                for element in elements(list) {
                    match shown(element) {
                        Some(value) => out.values().try_append_value(value)?,
                        None => out.values().append_null(),
                    }
                }
            }
            Some((text, None)) => out.values().try_append_value(text)?,
            None => out.values().append_null(),
        }
        out.append(true);
    }
    Ok(Arc::new(out.finish()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_leads_through_text() {
        let text = r#" {"a":{"b.c":[1,{"d":"x\"y"}],"n":null},"\u0061":2,"t":true,"a":{"z":1}} trailing"#;
        let get = |path: &str| find(text, &steps(path)).and_then(shown).map(Cow::into_owned);
        assert_eq!(get(r"a.b\.c.1.d").as_deref(), Some("x\"y"));
        assert_eq!(get(r"a.b\.c.0").as_deref(), Some("1"));
        assert_eq!(get(r"a.b\.c").as_deref(), Some(r#"[1,{"d":"x\"y"}]"#));
        assert_eq!(get("t").as_deref(), Some("true"));
        assert_eq!((get("a.n"), get("a.z"), get("a.b"), get("t.x"), get("")), (None, None, None, None, None));
        for broken in ["", "{", "[", "{\"a\"", "{\"a\":", "{\"a\":1", "nul", "\"", "{1:2}", "[1,]"] {
            assert_eq!(find(broken, &steps("b")), None, "{broken}");
        }
        assert_eq!(find("[1,2", &steps("0")), Some("1"));
        let deep = "[".repeat(100_000);
        assert_eq!(find(&deep, &steps("0.0")), None);
    }
}
