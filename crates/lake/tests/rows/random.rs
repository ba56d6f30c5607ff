//! Records that nobody would send become rows as defined.

use event::value::Value;
use proptest::prelude::*;

use crate::{CLOUDTRAIL, FLOW};

/// Keys: known names, parts of them, names that spell paths, and anything.
fn key() -> impl Strategy<Value = String> {
    let mut names: Vec<String> = [".", "", "0", "a", "a.b", "user\u{e9}", "A\"\\\n"].map(str::to_owned).into();
    for source in [CLOUDTRAIL, FLOW] {
        let paths = source.mapping.natives.iter().map(|native| native.path);
        for path in paths.chain(source.mapping.looks.iter().copied()) {
            names.push(path.to_owned());
            names.extend(path.split('.').map(str::to_owned));
        }
    }
    prop_oneof![9 => prop::sample::select(names), 1 => ".{0,6}"]
}

fn scalar() -> impl Strategy<Value = Value> {
    let texts = [
        "",
        "-",
        "true",
        "Yes",
        "2023-07-10T11:42:00Z",
        "20131102T010628Z",
        "198.51.100.7",
        "2001:db8::1",
        "0000:0000:0000:0000:0000:ffff:255.255.255.255",
        "iam.amazonaws.com",
        "CreateUser",
        "AttachRolePolicy",
        "AssumeRole",
        "ConsoleLogin",
        "Failure",
        "AwsCloudTrailInsight",
        "IPv4",
        "egress",
        "ACCEPT",
        "8",
        "99999999999999999999",
        "1689000000",
    ];
    let number = prop_oneof![Just("-1"), Just("0"), Just("65536"), Just("1e999"), Just("1.50"), Just("-0")];
    prop_oneof![
        1 => Just(Value::Null),
        1 => any::<bool>().prop_map(Value::Bool),
        2 => number.prop_map(|n| Value::Number(n.into())),
        6 => prop::sample::select(texts.to_vec()).prop_map(|text| Value::String(text.to_owned())),
        1 => ".{0,12}".prop_map(Value::String),
        1 => Just(Value::String("x".repeat(70_000))),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    scalar().prop_recursive(5, 40, 6, |inner| {
        prop_oneof![
            1 => prop::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            4 => prop::collection::vec((key(), inner), 0..8).prop_map(Value::Object),
        ]
    })
}

fn record() -> impl Strategy<Value = Value> {
    prop::collection::vec((key(), value()), 0..12).prop_map(Value::Object)
}

/// A record of the corpus or one of our own, changed at some places.
fn changed() -> impl Strategy<Value = Value> {
    let mut seeds: Vec<Value> =
        crate::corpus::cloudtrail().iter().step_by(97).filter_map(|raw| Value::parse(raw).ok()).collect();
    seeds.push(Value::Object(Vec::new()));
    let change = (any::<prop::sample::Index>(), key(), value());
    (prop::sample::select(seeds), prop::collection::vec(change, 1..6)).prop_map(|(mut record, changes)| {
        for (place, key, value) in changes {
            let mut objects = Vec::new();
            alter(&mut record, &mut objects, None);
            let at = place.index(objects.len().max(1));
            alter(&mut record, &mut Vec::new(), Some((at, key, value)));
        }
        record
    })
}

/// Counts objects; and replaces or adds a member of the one at this place.
fn alter(value: &mut Value, seen: &mut Vec<()>, change: Option<(usize, String, Value)>) {
    match value {
        Value::Object(members) => {
            let at = seen.len();
            seen.push(());
            if let Some((place, key, value)) = &change
                && *place == at
            {
                members.insert(members.len() / 2, (key.clone(), value.clone()));
                return;
            }
            members.iter_mut().for_each(|(_, member)| alter(member, seen, change.clone()));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| alter(item, seen, change.clone())),
        _ => {}
    }
}

/// JSON with blanks and needless escapes.
fn loose(value: &Value) -> String {
    value.compact().replace(',', " ,  ").replace(':', ": ").replace("event", "ev\\u0065nt")
}

fn config(cases: u32) -> ProptestConfig {
    // A failure is told, not written beside the tests: it enters as a case.
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

#[test]
fn random_records_become_rows_as_defined() {
    proptest!(config(1_500), |(records in prop::collection::vec(record(), 1..4))| {
        crate::cloudtrail(&records.iter().map(Value::compact).collect::<Vec<_>>());
    });
}

#[test]
fn changed_records_become_rows_as_defined() {
    proptest!(config(1_500), |(record in changed(), is_loose in any::<bool>())| {
        crate::cloudtrail(&[if is_loose { loose(&record) } else { record.compact() }]);
    });
}

#[test]
fn random_rows_become_rows_as_defined() {
    let word = prop_oneof![
        scalar().prop_map(|value| value.view().scalar_text().unwrap_or("-").replace([' ', '\n'], "")),
        Just("-".to_owned())
    ];
    let word = word.prop_map(|word| if word.is_empty() { "-".to_owned() } else { word });
    proptest!(config(1_500), |(words in prop::collection::vec((key(), word), 1..30))| {
        let (names, words): (Vec<String>, Vec<String>) = words.into_iter().unzip();
        crate::flow(&[(names, words.join(" "))]);
    });
}
