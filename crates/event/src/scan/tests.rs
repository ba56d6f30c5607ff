//! The scan must agree with the walk over the tree, and accept what `serde_json` accepts.

use super::*;
use crate::path::{Path, Step};
use crate::value::{Value, View};
use proptest::prelude::*;

fn paths() -> Vec<Path> {
    let mut paths: Vec<Path> =
        ["a", "b", "a.b", "a.b.c", "a.a", "b.c", "c.a.b"].iter().map(|p| Path::visiting(p)).collect();
    paths.extend(["a", "a.b", "b.c"].iter().map(|p| Path::reaching(p)));
    paths.extend(["a.b", "c"].iter().map(|p| Path::plain(p)));
    paths.push(Path::new([Step::Name("a".into()), Step::Index(1)]));
    paths.push(Path::new([Step::Name("a".into()), Step::Index(0), Step::Name("b".into()), Step::Each]));
    paths
}

/// What the scan found, in the form in which the definition gives it.
fn scanned(text: &str, paths: &[Path]) -> Result<Vec<Vec<String>>, ScanError> {
    let shape = Shape::new(paths.iter().zip(0..));
    let mut slots = Slots::new(paths.len(), 0);
    let end = shape.fill(text.as_bytes(), 0, &mut slots)?;
    assert_eq!(blanks(text.as_bytes(), end), text.len());
    let views = |slot| slots.spans(slot).map(|span| format!("{:?}", slots.view(span, text))).collect();
    Ok((0..paths.len() as Slot).map(views).collect())
}

fn defined(value: &Value, paths: &[Path]) -> Vec<Vec<String>> {
    paths.iter().map(|path| value.walk(path).iter().map(|v| format!("{:?}", v.view())).collect()).collect()
}

fn sorted(mut all: Vec<Vec<String>>) -> Vec<Vec<String>> {
    all.iter_mut().for_each(|values| values.sort());
    all
}

fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        "-?[1-9][0-9]{0,3}(\\.[0-9]{1,2})?".prop_map(|n| Value::Number(n.into())),
        "[ab\\\\\"\u{e9}\n]{0,12}".prop_map(Value::String),
    ];
    leaf.prop_recursive(5, 40, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            proptest::collection::vec(("a|b|c|a\\.b|\\\\x", inner), 0..5).prop_map(Value::Object),
        ]
    })
}

proptest! {
    #[test]
    fn a_scan_agrees_with_the_walk(value in json()) {
        let text = value.compact();
        let paths = paths();
        // A bare number may go on, so it is not a complete text.
        let text = format!("{text} ");
        let found = scanned(&text, &paths).expect("our own JSON is good");
        prop_assert_eq!(sorted(found), sorted(defined(&value, &paths)));
    }

    #[test]
    fn a_scan_accepts_what_serde_accepts(value in json(), cut in 0usize..200, junk in "[\\[\\]{},:\"0-9a\\\\ -]{0,2}") {
        let mut text = value.compact();
        let at = text.char_indices().map(|(i, _)| i).nth(cut % (text.len() + 1)).unwrap_or(text.len());
        text.insert_str(at, &junk);
        let serde = serde_json::from_str::<serde_json::Value>(&text).is_ok();
        prop_assert_eq!(Value::parse(&text).is_ok(), serde, "tree on {}", text);
        let padded = format!("{text} ");
        let ours = skip(padded.as_bytes(), 0, 0).is_ok_and(|end| blanks(padded.as_bytes(), end) == padded.len());
        let lead = text.starts_with([' ', '\n']);
        prop_assert!(ours == serde || lead, "skip on {}", text);
    }

    #[test]
    fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
        let paths = paths();
        let shape = Shape::new(paths.iter().zip(0..));
        let mut slots = Slots::new(paths.len(), 0);
        let _ended = shape.fill(&bytes, 0, &mut slots);
    }
}

#[test]
fn a_key_given_twice_is_flagged_and_both_values_count() {
    let paths = [Path::visiting("eventName")];
    let shape = Shape::new(paths.iter().zip(0..));
    let mut slots = Slots::new(1, 0);
    let text = r#"{"eventName":"GetObject","event\u004eame":"DeleteTrail"}"#;
    shape.fill(text.as_bytes(), 0, &mut slots).expect("JSON");
    let names: Vec<_> = slots.spans(0).map(|s| slots.view(s, text)).collect();
    assert_eq!(names, [View::String("GetObject".into()), View::String("DeleteTrail".into())]);
    assert!(slots.duplicate_key);
}

#[test]
fn depth_is_bounded() {
    for open in ["[", "{\"a\":"] {
        let text = open.repeat(100_000);
        let shape = Shape::new([(&Path::visiting("a.b"), 0)]);
        let deep = shape.fill(text.as_bytes(), 0, &mut Slots::new(1, 0));
        assert!(matches!(deep, Err(ScanError::Bad { what: "nested too deep", .. })), "{deep:?}");
    }
}
