//! Functions of text. Positions count code points, from zero.

use std::borrow::Cow;

use datafusion::arrow::array::ArrayRef;
use datafusion::common::Result;
use datafusion::logical_expr::{Expr, lit};
use predicate::diagnostic::Diagnostic;

use super::json::json_list;
use super::native::{Columns, GROWN_BYTES_MAX, Gives, Native, Take};
use super::{Call, Function, Value, regex};
use crate::kind::{Kind, Typed, text_literal, whole};

/// The functions of this file.
pub const FUNCTIONS: &[Function] = &[
    Function {
        name: "isempty",
        aliases: &[],
        usage: "isempty(f)",
        doc: "Whether the value is missing or an empty text.",
        arity: 1..=1,
        is_aggregate: false,
        lower: |call| Ok(truth(&IS_EMPTY, vec![call.typed(0)?.shown().expr])),
    },
    Function {
        name: "isblank",
        aliases: &[],
        usage: "isblank(f)",
        doc: "Whether the value is missing or nothing but white space.",
        arity: 1..=1,
        is_aggregate: false,
        lower: |call| Ok(truth(&IS_BLANK, vec![call.typed(0)?.shown().expr])),
    },
    Function {
        name: "concat",
        aliases: &[],
        usage: "concat(a, …)",
        doc: "The texts one behind the other; what is missing is left out.",
        arity: 1..=64,
        is_aggregate: false,
        lower: |call| Ok(text(&CONCAT, (0..call.args.len()).map(|i| call.text(i)).collect::<Result<_, _>>()?)),
    },
    Function {
        name: "ltrim",
        aliases: &[],
        usage: "ltrim(s[, chars])",
        doc: "The text without white space, or these characters, at its beginning.",
        arity: 1..=2,
        is_aggregate: false,
        lower: |call| trim(call, &LTRIM),
    },
    Function {
        name: "rtrim",
        aliases: &[],
        usage: "rtrim(s[, chars])",
        doc: "The text without white space, or these characters, at its end.",
        arity: 1..=2,
        is_aggregate: false,
        lower: |call| trim(call, &RTRIM),
    },
    Function {
        name: "trim",
        aliases: &[],
        usage: "trim(s[, chars])",
        doc: "The text without white space, or these characters, at both ends.",
        arity: 1..=2,
        is_aggregate: false,
        lower: |call| trim(call, &TRIM),
    },
    Function {
        name: "strlen",
        aliases: &[],
        usage: "strlen(s)",
        doc: "How many code points the text has.",
        arity: 1..=1,
        is_aggregate: false,
        lower: |call| Ok(Typed { expr: LENGTH.call(vec![call.text(0)?]), kind: Kind::Integer }),
    },
    Function {
        name: "toupper",
        aliases: &["upper"],
        usage: "toupper(s)",
        doc: "The text in capitals.",
        arity: 1..=1,
        is_aggregate: false,
        lower: |call| Ok(text(&UPPER, vec![call.text(0)?])),
    },
    Function {
        name: "tolower",
        aliases: &["lower"],
        usage: "tolower(s)",
        doc: "The text in small letters.",
        arity: 1..=1,
        is_aggregate: false,
        lower: |call| Ok(text(&LOWER, vec![call.text(0)?])),
    },
    Function {
        name: "substr",
        aliases: &["substring"],
        usage: "substr(s, start[, length])",
        doc: "The part of the text from a position on, counted from 0; what lies before the text is not there.",
        arity: 2..=3,
        is_aggregate: false,
        lower: |call| {
            let length = if call.args.len() == 3 { call.number(2)? } else { lit(f64::MAX) };
            Ok(text(&SUBSTR, vec![call.text(0)?, call.number(1)?, length]))
        },
    },
    Function {
        name: "replace",
        aliases: &[],
        usage: "replace(s, from, to)",
        doc: "The text with every `from` replaced; an empty `from` is nowhere.",
        arity: 3..=3,
        is_aggregate: false,
        lower: |call| Ok(text(&REPLACE, vec![call.text(0)?, call.text(1)?, call.text(2)?])),
    },
    Function {
        name: "regexReplace",
        aliases: &["regex_replace"],
        usage: "regexReplace(s, regex, to)",
        doc: "The text with every match replaced; `$1`, `\\1` and `${name}` are what groups matched.",
        arity: 3..=3,
        is_aggregate: false,
        lower: regex_replace,
    },
    Function {
        name: "strcontains",
        aliases: &["contains"],
        usage: "strcontains(s, x[, ignoreCase])",
        doc: "Whether the text holds the other.",
        arity: 2..=3,
        is_aggregate: false,
        lower: |call| {
            let ignores_case = if call.args.len() == 3 { call.typed(2)?.boolean().expr } else { lit(false) };
            Ok(truth(&CONTAINS, vec![call.text(0)?, call.text(1)?, ignores_case]))
        },
    },
    Function {
        name: "startsWith",
        aliases: &[],
        usage: "startsWith(s, x)",
        doc: "Whether the text begins with the other.",
        arity: 2..=2,
        is_aggregate: false,
        lower: |call| Ok(truth(&STARTS_WITH, vec![call.text(0)?, call.text(1)?])),
    },
    Function {
        name: "endsWith",
        aliases: &[],
        usage: "endsWith(s, x)",
        doc: "Whether the text ends with the other.",
        arity: 2..=2,
        is_aggregate: false,
        lower: |call| Ok(truth(&ENDS_WITH, vec![call.text(0)?, call.text(1)?])),
    },
    Function {
        name: "split",
        aliases: &[],
        usage: "split(s, delimiter)",
        doc: "The list of what stands between the delimiters; an empty delimiter is nowhere.",
        arity: 2..=2,
        is_aggregate: false,
        lower: |call| Ok(Typed { expr: SPLIT.call(vec![call.text(0)?, call.text(1)?]), kind: Kind::Json }),
    },
];

fn text(native: &'static Native, args: Vec<Expr>) -> Typed {
    Typed { expr: native.call(args), kind: Kind::Text }
}

fn truth(native: &'static Native, args: Vec<Expr>) -> Typed {
    Typed { expr: native.call(args), kind: Kind::Boolean }
}

fn trim(call: &Call<'_>, native: &'static Native) -> Result<Typed, Diagnostic> {
    // An empty set of characters is not asked for by anybody, so it stands for white space.
    let chars = if call.args.len() == 2 { call.text(1)? } else { text_literal("") };
    Ok(text(native, vec![call.text(0)?, chars]))
}

fn regex_replace(call: &Call<'_>) -> Result<Typed, Diagnostic> {
    let pattern = match &call.args[1].value {
        Value::Regex(regex) => regex,
        _ => call.literal_text(1)?,
    };
    regex::check(pattern, &call.args[1].span)?;
    Ok(text(&REGEX_REPLACE, vec![call.text(0)?, text_literal(pattern), call.text(2)?]))
}

/// What this file calls.
pub(super) const NATIVES: &[&Native] = &[
    &IS_EMPTY,
    &IS_BLANK,
    &CONCAT,
    &LTRIM,
    &RTRIM,
    &TRIM,
    &LENGTH,
    &UPPER,
    &LOWER,
    &SUBSTR,
    &REPLACE,
    &REGEX_REPLACE,
    &CONTAINS,
    &STARTS_WITH,
    &ENDS_WITH,
    &SPLIT,
];

const TEXT: Take = Take::Kind(Kind::Text);
const NUMBER: Take = Take::Kind(Kind::Number);
const TEXTS: Gives = Gives::Kind(Kind::Text);
const TRUTH: Gives = Gives::Kind(Kind::Boolean);

static IS_EMPTY: Native =
    Native { name: "lq_is_empty", takes: &[TEXT], gives: TRUTH, run: |args| no_text(args, str::is_empty) };
static IS_BLANK: Native = Native {
    name: "lq_is_blank",
    takes: &[TEXT],
    gives: TRUTH,
    run: |args| no_text(args, |text| text.trim().is_empty()),
};
static CONCAT: Native = Native { name: "lq_concat", takes: &[Take::Rest], gives: TEXTS, run: concat };
static LTRIM: Native = Native {
    name: "lq_ltrim",
    takes: &[TEXT, TEXT],
    gives: TEXTS,
    run: |args| trimmed(args, |text, is_it| text.trim_start_matches(is_it)),
};
static RTRIM: Native = Native {
    name: "lq_rtrim",
    takes: &[TEXT, TEXT],
    gives: TEXTS,
    run: |args| trimmed(args, |text, is_it| text.trim_end_matches(is_it)),
};
static TRIM: Native = Native {
    name: "lq_trim",
    takes: &[TEXT, TEXT],
    gives: TEXTS,
    run: |args| trimmed(args, |text, is_it| text.trim_start_matches(is_it).trim_end_matches(is_it)),
};
static LENGTH: Native = Native {
    name: "lq_length",
    takes: &[TEXT],
    gives: Gives::Kind(Kind::Integer),
    run: |args| {
        let text = args.texts(0);
        args.integer(|i| text.get(i).map(|text| text.chars().count() as i64))
    },
};
static UPPER: Native =
    Native { name: "lq_upper", takes: &[TEXT], gives: TEXTS, run: |args| each(args, |text| text.to_uppercase()) };
static LOWER: Native =
    Native { name: "lq_lower", takes: &[TEXT], gives: TEXTS, run: |args| each(args, |text| text.to_lowercase()) };
static SUBSTR: Native = Native {
    name: "lq_substr",
    takes: &[TEXT, NUMBER, NUMBER],
    gives: TEXTS,
    run: |args| {
        let (text, start, length) = (args.texts(0), args.numbers(1), args.numbers(2));
        args.text(|i| Some(substr(text.get(i)?, start.get(i)?, length.get(i)?)))
    },
};
static REPLACE: Native = Native {
    name: "lq_replace",
    takes: &[TEXT, TEXT, TEXT],
    gives: TEXTS,
    run: |args| {
        let (text, from, to) = (args.texts(0), args.texts(1), args.texts(2));
        args.text(|i| replaced(text.get(i)?, from.get(i)?, to.get(i)?))
    },
};
static REGEX_REPLACE: Native =
    Native { name: "lq_regex_replace", takes: &[TEXT, TEXT, TEXT], gives: TEXTS, run: regex_replaced };
static CONTAINS: Native = Native {
    name: "lq_contains",
    takes: &[TEXT, TEXT, Take::Kind(Kind::Boolean)],
    gives: TRUTH,
    run: |args| {
        let (text, part, ignores_case) = (args.texts(0), args.texts(1), args.booleans(2));
        args.boolean(|i| {
            let (text, part) = (text.get(i)?, part.get(i)?);
            Some(match ignores_case.get(i) {
                Some(true) => text.to_lowercase().contains(&part.to_lowercase()),
                _ => memchr::memmem::find(text.as_bytes(), part.as_bytes()).is_some(),
            })
        })
    },
};
static STARTS_WITH: Native = Native {
    name: "lq_starts_with",
    takes: &[TEXT, TEXT],
    gives: TRUTH,
    run: |args| {
        let (text, part) = (args.texts(0), args.texts(1));
        args.boolean(|i| Some(text.get(i)?.starts_with(part.get(i)?)))
    },
};
static ENDS_WITH: Native = Native {
    name: "lq_ends_with",
    takes: &[TEXT, TEXT],
    gives: TRUTH,
    run: |args| {
        let (text, part) = (args.texts(0), args.texts(1));
        args.boolean(|i| Some(text.get(i)?.ends_with(part.get(i)?)))
    },
};
static SPLIT: Native = Native {
    name: "lq_split",
    takes: &[TEXT, TEXT],
    gives: Gives::Kind(Kind::Json),
    run: |args| {
        let (text, delimiter) = (args.texts(0), args.texts(1));
        args.text(|i| {
            let (text, delimiter) = (text.get(i)?, delimiter.get(i)?);
            Some(if delimiter.is_empty() { json_list([text]) } else { json_list(text.split(delimiter)) })
        })
    },
};

fn each(args: &Columns, f: fn(&str) -> String) -> Result<ArrayRef> {
    let text = args.texts(0);
    args.text(|i| text.get(i).map(f))
}

fn no_text(args: &Columns, f: fn(&str) -> bool) -> Result<ArrayRef> {
    let text = args.texts(0);
    args.boolean(|i| Some(text.get(i).is_none_or(f)))
}

fn concat(args: &Columns) -> Result<ArrayRef> {
    let texts: Vec<_> = (0..args.len()).map(|i| args.texts(i)).collect();
    let mut out = String::new();
    args.text(|row| {
        out.clear();
        texts.iter().filter_map(|text| text.get(row)).for_each(|text| out.push_str(text));
        Some(out.clone())
    })
}

type IsIt<'a> = &'a dyn Fn(char) -> bool;

fn trimmed(args: &Columns, f: for<'t> fn(&'t str, IsIt<'_>) -> &'t str) -> Result<ArrayRef> {
    let (text, chars) = (args.texts(0), args.texts(1));
    args.text(|i| {
        let (text, chars) = (text.get(i)?, chars.get(i)?);
        let is_it = |c: char| if chars.is_empty() { c.is_whitespace() } else { chars.contains(c) };
        Some(f(text, &is_it))
    })
}

fn substr(text: &str, start: f64, length: f64) -> &str {
    // Numbers beyond `i64` lie beyond the text.
    let count = |n: f64| whole(n.max(0.0)).map_or(usize::MAX, |n| n as usize);
    let from = text.char_indices().nth(count(start)).map_or(text.len(), |(at, _)| at);
    let rest = &text[from..];
    let to = rest.char_indices().nth(count(length)).map_or(rest.len(), |(at, _)| at);
    &rest[..to]
}

fn replaced<'t>(text: &'t str, from: &str, to: &str) -> Option<Cow<'t, str>> {
    if from.is_empty() || !text.contains(from) {
        return Some(Cow::Borrowed(text));
    }
    let mut out = String::with_capacity(text.len());
    let mut parts = text.split(from);
    out.push_str(parts.next().unwrap_or_default());
    for part in parts {
        out.push_str(to);
        out.push_str(part);
        is_small(&out, text).then_some(())?;
    }
    Some(Cow::Owned(out))
}

/// Whether a text that was made of another is not too long.
fn is_small(grown: &str, from: &str) -> bool {
    grown.len() <= GROWN_BYTES_MAX.max(from.len())
}

fn regex_replaced(args: &Columns) -> Result<ArrayRef> {
    let regex = regex::compiled(args.constant_text(1)?)?;
    let (text, to) = (args.texts(0), args.texts(2));
    let constant = to.is_single().then(|| to.get(0).map(template));
    args.text(|i| {
        let text = text.get(i)?;
        let to = match &constant {
            Some(to) => Cow::Borrowed(to.as_deref()?),
            None => Cow::Owned(template(to.get(i)?)),
        };
        let mut out = String::with_capacity(text.len());
        let mut copied = 0;
        for captures in regex.captures_iter(text) {
            let whole = captures.get_match();
            out.push_str(&text[copied..whole.start()]);
            captures.expand(&to, &mut out);
            copied = whole.end();
            is_small(&out, text).then_some(())?;
        }
        out.push_str(&text[copied..]);
        Some(out)
    })
}

/// The replacement as the regex crate writes it: `\1` and `$1` as `${1}`, and a `$` before anything else as itself.
fn template(to: &str) -> String {
    let mut out = String::with_capacity(to.len());
    let mut chars = to.chars().peekable();
    while let Some(c) = chars.next() {
        match (c, chars.peek().copied()) {
            ('$' | '\\', Some(digit)) if digit.is_ascii_digit() => {
                chars.next();
                out.push_str(&format!("${{{digit}}}"));
            }
            ('$', Some('{')) => out.push('$'),
            ('\\', Some(next @ ('\\' | '$'))) => {
                chars.next();
                out.push_str(if next == '$' { "$$" } else { "\\" });
            }
            ('$', _) => out.push_str("$$"),
            (c, _) => out.push(c),
        }
    }
    out
}
