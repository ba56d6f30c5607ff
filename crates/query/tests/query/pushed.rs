//! A predicate over rows chooses what it chooses of the records, whatever the columns can and cannot tell.

use std::sync::Arc;

use datafusion::arrow::array::{AsArray as _, RecordBatch};
use datafusion::arrow::datatypes::Int64Type;
use datafusion::prelude::SessionContext;
use event::path::Path;
use event::value::Value;
use lake::columns::Columns;
use lake::rows::{Origin, Row, Rows};
use predicate::eval::{Record, eval};
use predicate::pattern::{Case, Pattern, Piece};
use predicate::predicate::{Predicate, Relation};
use predicate::test::{Cidr, Number, Order, Regex, Test};
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use query::predicate::lower;

const NAMES: &str = "eventName|eventSource|readOnly|errorCode|userIdentity\\.type|userIdentity\\.userName|requestParameters\\.k|\
                     requestParameters\\.k\\.l|sourceIPAddress|odd|odd\\.er|userIdentity\\.sessionContext\\.sessionIssuer\\.userName";

fn scalar() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "\"[xyX]{0,2}\"",
        1 => "\"10\\.0\\.0\\.[123]\"",
        1 => "[0-9]|[12][0-9]|1\\.5|-3",
        1 => "true|false|null|\"true\"|\"7\"",
    ]
}

fn json() -> impl Strategy<Value = String> {
    scalar().prop_recursive(2, 8, 3, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..3).prop_map(|items| format!("[{}]", items.join(","))),
            proptest::collection::vec(("[kl]|type|er", inner), 0..3).prop_map(|members| {
                let members: Vec<String> = members.iter().map(|(key, value)| format!("\"{key}\":{value}")).collect();
                format!("{{{}}}", members.join(","))
            }),
        ]
    })
}

/// A record: some fields as logs have them, and some as no log should.
fn record() -> impl Strategy<Value = String> {
    let plain = prop_oneof![
        Just("eventName"),
        Just("eventSource"),
        Just("errorCode"),
        Just("sourceIPAddress"),
        Just("readOnly"),
        Just("odd"),
        Just("odd.er"),
        Just("userIdentity.type")
    ];
    let member = (plain, prop_oneof![3 => scalar(), 1 => json()]).prop_map(|(key, value)| format!("\"{key}\":{value}"));
    let nested = prop_oneof![
        (prop_oneof![Just("type"), Just("userName"), Just("x")], prop_oneof![3 => scalar(), 1 => json()])
            .prop_map(|(key, value)| format!("\"userIdentity\":{{\"{key}\":{value}}}")),
        ("k|l", prop_oneof![2 => scalar(), 1 => json()])
            .prop_map(|(key, value)| format!("\"requestParameters\":{{\"{key}\":{value}}}")),
        json().prop_map(|value| format!("\"requestParameters\":{value}")),
        scalar().prop_map(|value| format!(
            "\"userIdentity\":{{\"sessionContext\":{{\"sessionIssuer\":{{\"userName\":{value}}}}}}}"
        )),
        scalar().prop_map(|value| format!(
            "\"userIdentity\":{{\"sessionContext\":{{\"sessionIssuer.userName\":{value}}}}}"
        )),
    ];
    proptest::collection::vec(prop_oneof![3 => member, 1 => nested], 0..6)
        .prop_map(|members| format!("{{{}}}", members.join(",")))
}

fn path() -> impl Strategy<Value = Path> {
    prop_oneof![
        3 => NAMES.prop_map(|name| Path::visiting(&name)),
        1 => NAMES.prop_map(|name| Path::reaching(&name)),
        1 => NAMES.prop_map(|name| Path::plain(&name)),
    ]
}

fn pattern() -> impl Strategy<Value = Pattern> {
    let case = || prop_oneof![Just(Case::Insensitive), Just(Case::Sensitive)];
    let text = || prop_oneof![4 => "[xyX]{0,2}", 1 => "true|false|7|1\\.5", 1 => "[{\"k]"];
    let piece = prop_oneof![3 => text().prop_map(|text| Piece::Text(text.into())), 1 => Just(Piece::Run), 1 => Just(Piece::One)];
    prop_oneof![
        3 => (text(), case()).prop_map(|(text, case)| Pattern::exact(&text, case)),
        2 => (text(), case()).prop_map(|(text, case)| Pattern::contains(&text, case)),
        1 => (proptest::collection::vec(piece, 0..4), case()).prop_map(|(pieces, case)| Pattern::new(pieces, case)),
    ]
}

fn test() -> impl Strategy<Value = Test> {
    let order = prop_oneof![
        Just(Order::Equal),
        Just(Order::Less),
        Just(Order::AtLeast),
        Just(Order::AtMost),
        Just(Order::Greater)
    ];
    prop_oneof![
        6 => pattern().prop_map(Test::Text),
        1 => Just(Test::Exists),
        1 => Just(Test::Null),
        1 => Just(Test::Cidr(Cidr::parse("10.0.0.2/31").unwrap())),
        1 => (order, 0_i128..25).prop_map(|(order, n)| Test::Number(order, Number::Whole(n))),
        1 => prop_oneof![Just("x+"), Just("^$"), Just("k")].prop_map(|regex| Test::Regex(Regex::new(regex).unwrap())),
    ]
}

fn predicate() -> impl Strategy<Value = Predicate> {
    let leaf = prop_oneof![
        12 => (path(), test()).prop_map(|(path, test)| Predicate::Field(path, test)),
        1 => (path(), path()).prop_map(|(left, right)| Predicate::Compare(left, Relation::Equal(Case::Sensitive), right)),
        1 => pattern().prop_map(Predicate::AnyString),
        1 => pattern().prop_map(Predicate::Raw),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            3 => proptest::collection::vec(inner.clone(), 0..4).prop_map(Predicate::All),
            3 => proptest::collection::vec(inner.clone(), 0..4).prop_map(Predicate::Any),
            2 => inner.clone().prop_map(Predicate::negate),
            1 => (path(), inner).prop_map(|(path, inner)| Predicate::Same(path, Box::new(inner))),
        ]
    })
}

fn has_duplicate_key(value: &Value) -> bool {
    match value {
        Value::Object(members) => {
            let is_twice = |(i, (key, _)): (usize, &(String, Value))| members[..i].iter().any(|(have, _)| have == key);
            members.iter().enumerate().any(is_twice) || members.iter().any(|(_, value)| has_duplicate_key(value))
        }
        Value::Array(items) => items.iter().any(has_duplicate_key),
        _ => false,
    }
}

fn batch(columns: &Arc<Columns>, records: &[String]) -> RecordBatch {
    let mut rows = Rows::new(columns);
    let origin = Origin::default();
    for (i, raw) in records.iter().enumerate() {
        let record = Value::parse(raw).unwrap();
        rows.push(&Row {
            identity: [0; 16],
            time_ms: 0,
            account: "",
            region: "",
            origin: &origin,
            ordinal: i as u64,
            offset: None,
            flags: if has_duplicate_key(&record) { "duplicate-key" } else { "" },
            format: "",
            raw,
            values: None,
        });
    }
    rows.take()
}

#[test]
fn rows_and_records_agree_on_random_predicates() {
    let columns = Arc::new(Columns::new(source::aws_cloudtrail::SOURCE.mapping));
    let tree: query::predicate::Tree = Arc::new(|raw: &str| Value::parse(raw).unwrap_or(Value::Null));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut runner = TestRunner::deterministic();
    let mut n_exact = 0;
    for _ in 0..3 {
        let records: Vec<String> = (0..150).map(|_| record().new_tree(&mut runner).unwrap().current()).collect();
        let values: Vec<Value> = records.iter().map(|raw| Value::parse(raw).unwrap()).collect();
        let provider = query::tables::in_memory(&columns, vec![batch(&columns, &records)]).unwrap();
        let ctx = SessionContext::new();
        for _ in 0..80 {
            let predicate = predicate().new_tree(&mut runner).unwrap().current();
            let pushed = lower(&predicate, &columns);
            n_exact += usize::from(pushed.is_exact);
            let chosen = |value: &Value, raw: &str| eval(&predicate, Record { raw, value });
            let wanted: Vec<i64> =
                (0..records.len()).filter(|i| chosen(&values[*i], &records[*i])).map(|i| i as i64).collect();
            let rows = |filter| {
                runtime.block_on(async {
                    let frame = ctx.read_table(provider.clone()).unwrap().filter(filter).unwrap();
                    let batches = frame.select_columns(&["event_ordinal"]).unwrap().collect().await.unwrap();
                    let mut rows: Vec<i64> = batches
                        .iter()
                        .flat_map(|batch| batch.column(0).as_primitive::<Int64Type>().values().to_vec())
                        .collect();
                    rows.sort_unstable();
                    rows
                })
            };
            let (above, below) = (rows(pushed.superset.clone()), rows(pushed.subset.clone()));
            let lost: Vec<&String> =
                wanted.iter().filter(|i| !above.contains(i)).map(|i| &records[*i as usize]).collect();
            assert!(lost.is_empty(), "{predicate:?}\n{} loses {lost:?}", pushed.superset);
            let added: Vec<&String> =
                below.iter().filter(|i| !wanted.contains(i)).map(|i| &records[*i as usize]).collect();
            assert!(added.is_empty(), "{predicate:?}\n{} adds {added:?}", pushed.subset);
            assert_eq!(rows(pushed.filter(&predicate, Arc::clone(&tree)).unwrap()), wanted, "{predicate:?}");
        }
    }
    assert!(n_exact > 0, "some predicates need no record");
}
