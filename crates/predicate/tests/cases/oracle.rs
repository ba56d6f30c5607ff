//! Random rules on random events: the definition agrees with rsigma, an engine by other people.
//!
//! What the two mean differently is not generated:
//! - `exists` on null (there for us, absent for rsigma), null within a list of values or in an array;
//! - `neq` on an absent field (true for us, as in pySigma; false for rsigma);
//! - booleans against "1", "yes", "0", "no" (rsigma takes them for booleans);
//! - an object under `contains` or `re` (its JSON for us, no match for rsigma);
//! - the text `22` against the number 22.0 (rsigma prints the number as `22`; we keep it as written);
//! - numbers as keywords or in events with keywords (rsigma looks at strings only);
//! - `windash` on anything but a hyphen that begins an option (rsigma replaces each hyphen and no slash);
//! - `expand` (fields of the event for rsigma), a wildcard against a newline, times with a zone other than Z,
//!   wildcards within `startswith` and `endswith` (rsigma does not bind them to the start or end),
//!   `all` with one value (an error for rsigma), `fieldref` between values that are not both strings.

use event::value::Value;
use predicate::eval::{Record, eval};
use predicate::syntax::sigma::{self, Document, Options};
use proptest::prelude::*;
use rsigma_eval::Engine;
use rsigma_eval::event::JsonEvent;

/// Values of text fields; few, so that rules and events meet.
const TEXTS: [&str; 14] = [
    "",
    "a",
    "A",
    "ab",
    "Abc",
    "abcabc",
    "b*c",
    "b?c",
    r"a\b",
    r"a\*b",
    "cmd -x",
    "22",
    "10.1.2.3",
    "2023-07-10T11:42:00Z",
];
/// How rules write texts: with wildcards and escapes.
const PATTERNS: [&str; 22] = [
    "", "a", "A", "ab", "abc", "*", "?", "a*", "*c", "*b*", "a?c", "a*c", r"b\*c", r"b\?c", r"a\b", r"a\\b", r"a\\*",
    r"a\\\*b", "b*c", "22", "ca", "cmd*",
];

/// Whether a pattern holds a wildcard that is not escaped.
fn has_wildcard(pattern: &str) -> bool {
    pattern.replace(r"\\", "").replace(r"\*", "").replace(r"\?", "").contains(['*', '?'])
}

/// A line of a selection.
fn item() -> impl Strategy<Value = String> {
    let text_field = prop::sample::select(vec!["t1", "t2", "o.t1", "o.p.t2", "l", "os.t1"]);
    let quoted = |texts: Vec<&str>| texts.iter().map(|text| format!("'{text}'")).collect::<Vec<_>>().join(", ");
    let texts = prop::collection::vec(prop::sample::select(&PATTERNS[..]), 1..4).prop_map(quoted);
    let two = prop::collection::vec(prop::sample::select(&PATTERNS[..]), 2..4).prop_map(quoted);
    let how = prop::sample::select(vec!["", "|contains", "|cased", "|contains|cased"]);
    let literals: Vec<&str> = PATTERNS.iter().copied().filter(|p| !has_wildcard(p)).collect();
    let literals = prop::collection::vec(prop::sample::select(literals), 1..4).prop_map(quoted);
    let end = prop::sample::select(vec!["|startswith", "|endswith", "|startswith|cased", "|endswith|cased"]);
    let re = prop::sample::select(vec!["^a", "A", "b.c$", "a|b", "(?:ab)+c", "^$", "[0-9]+", r"\\", "^(abc){2}$"]);
    let flags = prop::sample::select(vec!["", "|i", "|m", "|s", "|i|s"]);
    let network =
        prop::sample::select(vec!["10.0.0.0/8", "10.1.2.3/32", "192.168.0.0/16", "0.0.0.0/0", "2001:db8::/32"]);
    let order = prop::sample::select(vec!["", "|gt", "|gte", "|lt", "|lte"]);
    let part = prop::sample::select(vec![
        "minute: 42",
        "hour: 11",
        "day: 10",
        "week: 28",
        "month: 7",
        "year: 2023",
        "hour: 12",
    ]);
    let reference = prop::sample::select(vec!["", "|contains", "|startswith", "|endswith"]);
    let strict_field = prop::sample::select(vec!["t1", "t2", "o.t1"]);
    prop_oneof![
        4 => (text_field.clone(), how.clone(), texts.clone()).prop_map(|(f, how, v)| format!("{f}{how}: [{v}]")),
        2 => (text_field.clone(), end, literals).prop_map(|(f, end, v)| format!("{f}{end}: [{v}]")),
        1 => (prop::sample::select(vec!["t1", "t2", "o.t1"]), how, two).prop_map(|(f, how, v)| format!("{f}{how}|all: [{v}]")),
        1 => (text_field.clone(), re, flags).prop_map(|(f, re, flags)| format!("{f}|re{flags}: '{re}'")),
        1 => (text_field.clone(), network).prop_map(|(f, net)| format!("{f}|cidr: {net}")),
        1 => (prop::sample::select(vec!["n", "o.n", "t1", "ln"]), order, -3..30i32).prop_map(|(f, order, n)| format!("{f}{order}: {n}")),
        1 => (text_field.clone(), part).prop_map(|(f, part)| format!("{f}|{part}")),
        1 => (strict_field.clone(), reference, strict_field).prop_map(|(f, how, other)| format!("{f}|fieldref{how}: {other}")),
        1 => (prop::sample::select(vec!["t1", "n", "b", "o", "l", "o.p.t2", "x"]), any::<bool>()).prop_map(|(f, there)| format!("{f}|exists: {there}")),
        1 => prop::sample::select(vec!["x: null", "nil: null", "t1: null", "o.t1: null", "o.x.y: null"]).prop_map(str::to_owned),
        1 => (prop::sample::select(vec!["b", "o.b", "t1"]), any::<bool>()).prop_map(|(f, b)| format!("{f}: {b}")),
        1 => prop::sample::select(vec!["t1|windash: 'cmd -x'", "t2|contains|windash: ' -x'"]).prop_map(str::to_owned),
        1 => prop::sample::select(vec!["t64|base64offset|contains: 'foobar'", "t64|base64: 'foo'", "t64|wide|base64offset|contains: 'foo'",
            "t64|utf16be|base64offset|contains: 'foo'", "t64|utf16|base64: 'foo'"]).prop_map(str::to_owned),
    ]
}

fn selection() -> impl Strategy<Value = String> {
    let unique = |items: Vec<String>| {
        let mut seen = std::collections::HashSet::new();
        items
            .into_iter()
            .filter(|item| seen.insert(item.split(": ").next().unwrap().to_owned()))
            .collect::<Vec<_>>()
            .join(", ")
    };
    let map = prop::collection::vec(item(), 1..4).prop_map(move |items| format!("{{{}}}", unique(items))).boxed();
    let word = prop::sample::select(vec!["a", "bc", "a*c", "A?", r"b\*c", "cmd"]);
    prop_oneof![
        5 => map.clone(),
        2 => prop::collection::vec(map, 1..3).prop_map(|maps| format!("[{}]", maps.join(", "))),
        1 => prop::collection::vec(word, 1..3).prop_map(|words| format!("['{}']", words.join("', '"))),
    ]
}

const CONDITIONS: [&str; 14] = [
    "sa",
    "not sa",
    "sa and sb",
    "sa or sb and not c",
    "(sa or sb) and c",
    "1 of them",
    "all of them",
    "1 of s*",
    "all of s* and not c",
    "not 1 of s*",
    "not (sa and sb) or c",
    "any of s* or c",
    "not not c",
    "sa and not (sb or not c)",
];

fn rule() -> impl Strategy<Value = String> {
    (prop::array::uniform3(selection()), prop::sample::select(&CONDITIONS[..])).prop_map(|([a, b, c], condition)| {
        format!("title: T\nlogsource: {{product: aws}}\ndetection:\n  sa: {a}\n  sb: {b}\n  c: {c}\n  condition: {condition}\n")
    })
}

fn event() -> impl Strategy<Value = serde_json::Value> {
    let text = || prop::sample::select(&TEXTS[..]).prop_map(serde_json::Value::from);
    let texts = prop::collection::vec(text(), 0..3).prop_map(serde_json::Value::from);
    let maybe = prop::option::weighted(0.8, text());
    let encoded = prop::sample::select(vec![
        "Zm9vYmFy",
        "eGZvb2Jhcg==",
        "eHhmb29iYXI=",
        "Zm9v",
        "ZgBvAG8A",
        "AGYAbwBv",
        "//5mAG8AbwA=",
    ]);
    let inner = (maybe.clone(), maybe.clone(), any::<bool>()).prop_map(|(t1, t2, b)| {
        let mut inner = serde_json::json!({"p": {"t2": t2}, "b": b});
        t1.into_iter().for_each(|t1| inner["t1"] = t1);
        if inner["p"]["t2"].is_null() {
            inner["p"] = serde_json::json!({});
        }
        inner
    });
    (maybe.clone(), maybe, texts, inner, prop::collection::vec(text(), 0..3), encoded).prop_map(
        |(t1, t2, l, o, os, t64)| {
            let os: Vec<_> = os.into_iter().map(|t1| serde_json::json!({"t1": t1})).collect();
            let mut event = serde_json::json!({"l": l, "o": o, "os": os, "nil": null, "t64": t64, "b": true});
            t1.into_iter().for_each(|t| event["t1"] = t);
            t2.into_iter().for_each(|t| event["t2"] = t);
            event
        },
    )
}

fn check(text: &str, events: &[serde_json::Value]) -> Result<(), TestCaseError> {
    let (documents, diagnostics) = sigma::parse(text, &Options::default());
    let Some(Document::Rule(rule)) = documents.first() else {
        let drawn: String = diagnostics.iter().map(|d| d.draw("rule.yml", text)).collect();
        return Err(TestCaseError::fail(format!("not loaded:\n{text}{drawn}")));
    };
    let collection = rsigma_parser::parse_sigma_yaml(text).unwrap();
    assert!(collection.errors.is_empty(), "rsigma refuses\n{text}{:?}", collection.errors);
    let mut engine = Engine::new();
    engine.add_collection(&collection).unwrap_or_else(|err| panic!("rsigma refuses\n{text}{err}"));
    for event in events {
        let raw = event.to_string();
        let value = Value::parse(&raw).unwrap();
        let ours = eval(&rule.predicate, Record { raw: &raw, value: &value });
        let theirs = !engine.evaluate(&JsonEvent::borrow(event)).is_empty();
        prop_assert_eq!(ours, theirs, "\n{}\n{}\n{}", text, rule.predicate, raw);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn rsigma_agrees(rule in rule(), events in prop::collection::vec(event(), 8), n in -3..30i32) {
        let mut events = events;
        events.iter_mut().enumerate().for_each(|(i, event)| with_numbers(event, i, n));
        check(&rule, &events)?;
    }
}

fn with_numbers(event: &mut serde_json::Value, i: usize, n: i32) {
    match i % 4 {
        0 => event["n"] = n.into(),
        1 => event["n"] = n.to_string().into(),
        2 => event["o"]["n"] = (f64::from(n) + 0.5).into(),
        _ => event["ln"] = serde_json::json!([n, n + 1]),
    }
}
