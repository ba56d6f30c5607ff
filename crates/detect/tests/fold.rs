//! The same hits give the same findings: in whatever order, in however many parts, and however often.

#![allow(clippy::unwrap_used, reason = "a test fails loudly")]

use std::sync::Arc;

use detect::findings::Folded;
use detect::fold::{Fold, Hit, Look};
use detect::live::Live;
use detect::load::{Options, RuleSet, load};
use detect::spill::InMemory;
use event::event::{Description, Envelope};
use event::finding::{AtLeast, Finding, Related, Uid};
use event::value::Value;
use proptest::prelude::*;

const RULES: &str = "title: By principal
id: 11111111-3a3e-4a35-9d0f-1b2c3d4e5f60
logsource: {product: aws, service: cloudtrail}
detection: {s: {eventName: A}, condition: s}
level: low
skywarden: {title: '{principal} did {eventName} to {requestParameters.name} from {source_ip}'}
---
title: By account
id: 22222222-3a3e-4a35-9d0f-1b2c3d4e5f60
logsource: {product: aws, service: cloudtrail}
detection: {s: {eventName: A}, condition: s}
level: high
skywarden: {entity: [account]}
---
title: By what it was done to
id: 33333333-3a3e-4a35-9d0f-1b2c3d4e5f60
logsource: {product: aws, service: cloudtrail}
detection: {s: {eventName: A}, condition: s}
level: high
skywarden: {entity: [principal, requestParameters.name]}
";

fn rules() -> RuleSet {
    let set = load([("rules.yml", RULES)], &Options::default());
    assert!(set.problems.is_empty(), "{:?}", set.problems);
    set
}

/// A hit of one rule: few values of everything, so that hits share findings.
#[derive(Clone, Debug)]
struct Made {
    rule: u32,
    uid: u32,
    minute: i64,
    account: u8,
    principal: u8,
    ip: u8,
    target: u8,
    copy: Option<u32>,
}

fn made() -> impl Strategy<Value = Made> {
    let copy = prop_oneof![Just(None), Just(Some(0)), Just(Some(1))];
    let parts =
        (0..3_u32, 0..40_u32, 0..6_i64, 0..2_u8, 0..3_u8, 0..3_u8, prop_oneof![0..3_u8, 0..60_u8, 250..=255_u8], copy);
    parts.prop_map(|(rule, uid, minute, account, principal, ip, target, copy)| Made {
        rule,
        uid,
        // Minutes around a midnight: a finding is of one day.
        minute: minute - 3,
        account,
        principal,
        ip,
        target,
        copy,
    })
}

struct Record {
    value: Value,
    description: Description,
}

impl Look for Record {
    fn brief(&mut self) -> (String, String) {
        (self.description.action.clone(), self.description.error.clone())
    }

    fn resources(&mut self, add: &mut dyn FnMut(&str)) {
        self.description.resources.iter().for_each(|name| add(name));
    }

    fn whole(&mut self) -> (&Value, Description) {
        (&self.value, self.description.clone())
    }
}

/// What an event is done to: few things, or very many.
fn name_of(made: &Made) -> String {
    if made.target < 250 { format!("t{}", made.target) } else { format!("t{}-{}", made.target, made.uid) }
}

fn add(fold: &mut Fold, set: &RuleSet, made: &Made) {
    let envelope = Envelope {
        time_ms: Some(1_794_268_800_000 + made.minute * 60_000),
        account: format!("{}11122223333", made.account),
        region: format!("eu-west-{}", made.ip),
        source_ip: format!("203.0.113.{}", made.ip),
        principal_uid: format!("arn:aws:iam::111122223333:user/{}", made.principal),
        access_key: format!("AKIA{}", made.ip),
        ..Envelope::default()
    };
    let raw = format!("{{\"eventName\":\"A\",\"requestParameters\":{{\"name\":\"{}\"}}}}", name_of(made));
    // An event's id goes with what it says. A half are rows, and some of these lie in a copy of their object.
    let parts = [made.uid, (made.minute + 3) as u32, made.account.into(), made.principal.into(), made.ip.into()];
    let ordinal = parts.iter().fold(made.target.into(), |n: u64, part| n * 300 + u64::from(*part));
    let (uid, text) = match made.copy {
        Some(object) => (Uid::Row { object, ordinal }, format!("row {}", ordinal % 7)),
        None => (Uid::new(&format!("id {ordinal}")), raw.clone()),
    };
    let hit = Hit {
        number: made.rule,
        rule: &set.rules[made.rule as usize],
        envelope: &envelope,
        uid,
        source: "aws_cloudtrail",
    };
    let description = Description {
        principal: format!("user/{}", made.principal),
        action: "cloudtrail:A".into(),
        resources: vec![name_of(made), format!("group-{}", made.ip)],
        ..Description::default()
    };
    let mut look = Record { value: Value::parse(&raw).unwrap(), description };
    fold.add(&hit, &text, &mut look).unwrap();
}

/// A finding with its events.
type Found = (Folded, Vec<Related>);

fn folded(set: &RuleSet, parts: &[Vec<Made>]) -> (Vec<Found>, u64) {
    folded_within(usize::MAX, set, parts)
}

/// Findings of parts that put aside what takes more than so many bytes.
fn folded_within(bytes_max: usize, set: &RuleSet, parts: &[Vec<Made>]) -> (Vec<Found>, u64) {
    let spill = Arc::new(InMemory::default());
    let mut whole = Fold::new(spill.clone(), bytes_max);
    for part in parts {
        let mut fold = Fold::new(spill.clone(), bytes_max);
        part.iter().for_each(|made| add(&mut fold, set, made));
        whole.merge(fold).unwrap();
    }
    // The second object is a copy of the first.
    let hash_of = |_| Some([7; 32]);
    let findings = whole.finish(&set.rules, hash_of).unwrap();
    let with_events = |one: Folded| {
        let events = findings.events(&one).unwrap().map(Result::unwrap).collect();
        (one, events)
    };
    let found: Vec<Found> = findings.iter().unwrap().map(Result::unwrap).map(with_events).collect();
    assert_eq!(findings.len(), found.len() as u64);
    assert_eq!(findings.all_events().count(), found.iter().map(|(_, events)| events.len()).sum::<usize>());
    (found, findings.n_duplicates)
}

fn shown(found: &[Found]) -> Vec<String> {
    found.iter().map(|(one, events)| format!("{:#?} {:?} {events:?}", one.finding, one.keys)).collect()
}

/// Of the tests that fail, the first difference says enough.
fn assert_same(a: &[Found], b: &[Found]) -> Result<(), TestCaseError> {
    for (a, b) in shown(a).iter().zip(&shown(b)) {
        prop_assert_eq!(a, b);
    }
    prop_assert_eq!(a.len(), b.len());
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn order_and_parts_do_not_matter(
        hits in prop::collection::vec(made(), 1..60),
        swaps in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>()), 0..40),
        n_parts in 1..5_usize,
    ) {
        let set = rules();
        let (expected, _) = folded(&set, std::slice::from_ref(&hits));
        let mut shuffled = hits.clone();
        for (a, b) in swaps {
            shuffled.swap(a.index(hits.len()), b.index(hits.len()));
        }
        let parts: Vec<Vec<Made>> = shuffled.chunks(hits.len().div_ceil(n_parts)).map(<[Made]>::to_vec).collect();
        assert_same(&folded(&set, &parts).0, &expected)?;
    }

    #[test]
    fn hits_that_come_again_are_counted_once(hits in prop::collection::vec(made(), 1..40), more in prop::collection::vec(any::<prop::sample::Index>(), 0..40)) {
        let set = rules();
        let (expected, n_before) = folded(&set, std::slice::from_ref(&hits));
        let again: Vec<Made> = more.iter().map(|at| hits[at.index(hits.len())].clone()).collect();
        let (found, n_duplicates) = folded(&set, &[hits, again]);
        assert_same(&found, &expected)?;
        prop_assert_eq!(n_duplicates, n_before + more.len() as u64);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_was_put_aside_comes_back_as_it_was(
        hits in prop::collection::vec(made(), 1..200),
        n_parts in 1..4_usize,
        bytes_max in prop_oneof![Just(0_usize), 1_000..40_000_usize],
    ) {
        let set = rules();
        let parts: Vec<Vec<Made>> = hits.chunks(hits.len().div_ceil(n_parts)).map(<[Made]>::to_vec).collect();
        let (expected, n_expected) = folded(&set, &[hits]);
        let (found, n_duplicates) = folded_within(bytes_max, &set, &parts);
        assert_same(&found, &expected)?;
        prop_assert_eq!(n_duplicates, n_expected);
    }
}

/// Hits of which nearly each is a finding of its own, past the number that is kept in detail; a tier with few keeps its details.
#[test]
fn very_many_findings() {
    let set = rules();
    let hit = |n: u32| Made {
        rule: if n.is_multiple_of(500) { 0 } else { 1 },
        uid: n,
        minute: i64::from(n % 2_900) * 1_440,
        account: (n % 2) as u8,
        principal: 1,
        ip: (n % 250) as u8,
        target: (n % 200) as u8,
        copy: n.is_multiple_of(7).then_some(0),
    };
    let hits: Vec<Made> = (0..9_000).map(hit).collect();
    let backwards: Vec<Made> = hits.iter().rev().cloned().collect();
    let (expected, _) = folded(&set, &[hits]);
    assert!(expected.len() > 2_900, "{}", expected.len());
    let n_raw =
        |rule| expected.iter().filter(|(one, _)| one.number == rule && one.finding.evidence[0].raw.is_some()).count();
    assert_eq!((n_raw(0) > 0, n_raw(1)), (true, 0));
    for bytes_max in [20_000, 1_000_000] {
        let parts: Vec<Vec<Made>> = backwards.chunks(4_000).map(<[Made]>::to_vec).collect();
        let (found, _) = folded_within(bytes_max, &set, &parts);
        assert!(shown(&found) == shown(&expected), "{bytes_max}");
    }
}

/// What is kept of a finding has bounds, and they do not change what is said first and counted.
#[test]
fn very_many_hits() {
    let set = rules();
    let hits: Vec<Made> = (0..5_000)
        .map(|n| Made {
            rule: 1,
            uid: n,
            minute: i64::from(n) % 600,
            account: 1,
            principal: 1,
            ip: (n % 250) as u8,
            target: (n % 200) as u8,
            copy: None,
        })
        .collect();
    let (one, _) = folded(&set, &[hits]);
    let (Folded { finding, keys, .. }, events) = &one[0];
    assert_eq!((one.len(), finding.count, events.len()), (1, 5_000, 5_000));
    assert!((50..=70).contains(&finding.evidence.len()), "{}", finding.evidence.len());
    assert!(finding.evidence.iter().filter(|e| e.raw.is_some()).count() <= 10);
    assert_eq!((finding.resources.len(), finding.n_resources), (100, AtLeast::exactly(450)));
    assert!(finding.source_ips.len() <= 100 && finding.resources.len() <= 100 && keys.len() <= 100);
    assert!(finding.evidence.is_sorted_by_key(|e| e.time_ms) && events.is_sorted());
    assert_eq!(finding.first_ms, finding.evidence[0].time_ms);
}

/// A few harmless events early in the day do not hide what was done to another resource, or how many there were.
#[test]
fn decoys_hide_nothing() {
    let set = rules();
    let hit = |n: u32, minute: i64, target: u8| Made {
        rule: 0,
        uid: n,
        minute,
        account: 1,
        principal: 1,
        ip: 1,
        target,
        copy: None,
    };
    let mut hits: Vec<Made> = (0..300).map(|n| hit(n, i64::from(n), 7)).collect();
    hits.push(hit(300, 700, 9));
    let (one, _) = folded(&set, &[hits.clone()]);
    let finding = &one[0].0.finding;
    assert_eq!(finding.resources, ["group-1", "t7", "t9"]);
    assert_eq!(finding.title, "user/1 did A to t7 and 2 more from 203.0.113.1");
    let last = finding.evidence.last().unwrap();
    assert_eq!((last.time_ms, last.raw.as_deref().is_some_and(|raw| raw.contains("t9"))), (finding.last_ms, true));

    // Past all bounds the number is said to be one from below; whatever the order, the parts and the memory.
    hits.extend((301..2_500).map(|n| hit(n, i64::from(n % 600), 250)));
    let (expected, _) = folded(&set, &[hits.clone()]);
    let finding = &expected[0].0.finding;
    assert_eq!((finding.resources.len(), finding.n_resources), (100, AtLeast { n: 1_000, is_more: true }));
    assert_eq!(finding.title, "user/1 did A to t7 and 999+ more from 203.0.113.1");
    hits.reverse();
    for bytes_max in [10_000, 300_000, usize::MAX] {
        let parts: Vec<Vec<Made>> = hits.chunks(700).map(<[Made]>::to_vec).collect();
        let (found, _) = folded_within(bytes_max, &set, &parts);
        assert!(shown(&found) == shown(&expected), "{bytes_max}");
    }
}

/// Folds hits as they come, and between two parts forgets what is in memory: as the server does, who folds forgotten days anew.
fn live(set: &RuleSet, parts: &[Vec<Made>], days_max: usize) -> Vec<String> {
    let fold_of = |hits: &[&Made]| {
        let mut fold = Fold::default();
        hits.iter().for_each(|made| add(&mut fold, set, made));
        fold
    };
    let day_of = |made: &Made| (1_794_268_800_000 + made.minute * 60_000_i64).div_euclid(86_400_000);
    let mut live = Live::new();
    let mut said = std::collections::BTreeMap::new();
    let mut seen: Vec<&Made> = Vec::new();
    for part in parts {
        let fold = fold_of(&part.iter().collect::<Vec<_>>());
        for day in live.missing(&fold) {
            let before: Vec<&Made> = seen.iter().copied().filter(|made| day_of(made) == day).collect();
            live.load(day, fold_of(&before), &set.rules);
        }
        for touched in live.add(fold, &set.rules) {
            let finding = live.finding(&touched, &set.rules).unwrap();
            said.insert(finding.uid.clone(), format!("{finding:#?}"));
        }
        seen.extend(part);
        live.forget(days_max, usize::MAX);
    }
    said.into_values().collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_folded_live_says_the_same(
        hits in prop::collection::vec(made(), 1..60),
        n_parts in 1..8_usize,
        days_max in 1..3_usize,
        again in any::<prop::sample::Index>(),
    ) {
        // Live events have their lasting ids.
        let hits: Vec<Made> = hits.into_iter().map(|made| Made { copy: None, ..made }).collect();
        let set = rules();
        let mut parts: Vec<Vec<Made>> = hits.chunks(hits.len().div_ceil(n_parts)).map(<[Made]>::to_vec).collect();
        parts.push(parts[again.index(parts.len())].clone());
        let (found, _) = folded(&set, std::slice::from_ref(&hits));
        let mut expected: Vec<(String, String)> = found
            .into_iter()
            .map(|(one, events)| Finding { related: events, ..one.finding })
            .map(|finding| (finding.uid.clone(), format!("{finding:#?}")))
            .collect();
        expected.sort();
        let expected: Vec<String> = expected.into_iter().map(|(_, said)| said).collect();
        prop_assert_eq!(live(&set, &parts, days_max), expected);
    }
}
