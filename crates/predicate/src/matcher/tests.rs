//! The matcher must agree with the definition on random predicates and events.

use event::layout::{Fields, Layout, Paths};
use event::path::Path;
use event::value::Value;
use proptest::prelude::*;

use super::Matcher;
use crate::eval::{Record, eval};
use crate::pattern::{Case, Pattern, Piece};
use crate::predicate::{Predicate, Relation};
use crate::test::{Cidr, Number, Order, Regex, Test};

fn path() -> impl Strategy<Value = Path> {
    let name = "a|b|c|a\\.b|a\\.c|b\\.a|a\\.b\\.c|c\\.c";
    prop_oneof![
        3 => name.prop_map(|n| Path::visiting(&n)),
        1 => name.prop_map(|n| Path::reaching(&n)),
        1 => name.prop_map(|n| Path::plain(&n)),
    ]
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[xyXY]{0,3}",
        1 => "(Foo|fOO|bar|BAR|foobar)(x|é|É|K|k)?",
        1 => "1|2|22|02|2\\.0|\\+2|-2|10\\.0\\.0\\.[12]|true|false",
        1 => "[\"\\\\\n/]{0,2}",
    ]
}

fn case() -> impl Strategy<Value = Case> {
    prop_oneof![3 => Just(Case::Insensitive), 1 => Just(Case::Sensitive)]
}

fn pattern() -> impl Strategy<Value = Pattern> {
    let piece = prop_oneof![
        4 => text().prop_map(|t| Piece::Text(t.into())),
        1 => Just(Piece::Run),
        1 => Just(Piece::One),
    ];
    prop_oneof![
        3 => (text(), case()).prop_map(|(t, case)| Pattern::exact(&t, case)),
        2 => (text(), case()).prop_map(|(t, case)| Pattern::contains(&t, case)),
        2 => (proptest::collection::vec(piece, 0..4), case()).prop_map(|(pieces, case)| Pattern::new(pieces, case)),
    ]
}

fn test() -> impl Strategy<Value = Test> {
    let order = prop_oneof![Just(Order::Equal), Just(Order::Less), Just(Order::AtLeast)];
    prop_oneof![
        8 => pattern().prop_map(Test::Text),
        1 => Just(Test::Exists),
        1 => Just(Test::Null),
        1 => Just(Test::String),
        1 => Just(Test::Cidr(Cidr::parse("10.0.0.0/31").expect("a network"))),
        1 => (order, 0i128..25).prop_map(|(order, n)| Test::Number(order, Number::Whole(n))),
        1 => prop_oneof![Just("x+"), Just("(?i)foo$"), Just("^[ab]"), Just("(?i)(fook|bars?x|É)"), Just("fo(o|x)bar")].prop_map(|r| Test::Regex(Regex::new(r).expect("a good one"))),
    ]
}

pub(crate) fn predicate() -> impl Strategy<Value = Predicate> {
    let relation = prop_oneof![
        case().prop_map(Relation::Equal),
        case().prop_map(Relation::Contains),
        Just(Relation::Number(Order::Less))
    ];
    let leaf = prop_oneof![
        12 => (path(), test()).prop_map(|(p, t)| Predicate::Field(p, t)),
        1 => (path(), relation, path()).prop_map(|(l, relation, r)| Predicate::Compare(l, relation, r)),
        1 => pattern().prop_map(Predicate::AnyString),
        1 => pattern().prop_map(Predicate::Raw),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            3 => proptest::collection::vec(inner.clone(), 0..4).prop_map(Predicate::All),
            3 => proptest::collection::vec(inner.clone(), 0..4).prop_map(Predicate::Any),
            1 => inner.clone().prop_map(Predicate::negate),
            1 => (path(), inner).prop_map(|(p, inner)| Predicate::Same(p, Box::new(inner))),
        ]
    })
}

pub(crate) fn event() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        4 => text().prop_map(Value::String),
        1 => Just(Value::Null),
        1 => any::<bool>().prop_map(Value::Bool),
        1 => "1|2|22|22\\.0|2e1".prop_map(|n| Value::Number(n.into())),
    ];
    let inner = leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..3).prop_map(Value::Array),
            proptest::collection::vec(("a|b|c", inner), 0..3).prop_map(Value::Object),
        ]
    });
    proptest::collection::vec(("a|b|c|a\\.b", inner), 0..5).prop_map(Value::Object)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, ..ProptestConfig::default() })]

    #[test]
    fn the_matcher_agrees_with_eval(
        predicates in proptest::collection::vec(predicate(), 1..24),
        events in proptest::collection::vec(event(), 1..6),
    ) {
        let mut paths = Paths::default();
        let matcher = Matcher::new(&predicates, &mut paths);
        let layout = Layout::new(&paths, |slot| matcher.reads_first(slot), None, Default::default());
        let mut slots = layout.slots();
        let mut scratch = matcher.scratch();
        for value in events {
            let raw = value.compact();
            layout.fill(raw.as_bytes(), 0, &mut slots).expect("JSON");
            let mut found = Vec::new();
            matcher.matches(&mut Fields::json(&raw, &layout, &mut slots), &mut scratch, |rule| found.push(rule as usize));
            found.sort_unstable();
            let record = Record { raw: &raw, value: &value };
            let defined: Vec<usize> = (0..predicates.len()).filter(|i| eval(&predicates[*i], record)).collect();
            for i in found.iter().filter(|i| !defined.contains(i)).chain(defined.iter().filter(|i| !found.contains(i))) {
                prop_assert!(false, "they differ on {raw} over\n{}", predicates[*i]);
            }
        }
    }
}

#[test]
fn predicates_with_a_text_to_look_up_are_not_tried_on_every_event() {
    let rules: Vec<Predicate> = (0..100)
        .map(|i| {
            let name = Pattern::exact(&format!("Call{i}"), Case::Insensitive);
            let agent = Pattern::contains("kali", Case::Insensitive);
            Predicate::All(vec![
                Predicate::Field(Path::visiting(if i % 2 == 0 { "eventName" } else { "x" }), Test::Text(name)),
                Predicate::Field(Path::visiting("userAgent"), Test::Text(agent)),
            ])
        })
        .collect();
    let matcher = Matcher::new(&rules, &mut Paths::default());
    assert_eq!(matcher.n_always(), 0);
}
