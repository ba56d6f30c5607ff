//! The same hits give the same findings: in whatever order, in however many parts, and however often.

#![allow(clippy::unwrap_used, reason = "a test fails loudly")]

use detect::fold::{Fold, Folded, Hit, Look};
use detect::load::{Options, RuleSet, load};
use event::event::{Description, Envelope};
use event::finding::{EVIDENCE_MAX, Uid};
use event::value::Value;
use proptest::prelude::*;

const RULES: &str = "title: By principal
id: 11111111-3a3e-4a35-9d0f-1b2c3d4e5f60
logsource: {product: aws, service: cloudtrail}
detection: {s: {eventName: A}, condition: s}
level: low
skywarden: {title: '{principal} did {eventName} from {source_ip}'}
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
}

fn made() -> impl Strategy<Value = Made> {
    let parts = (0..3_u32, 0..40_u32, 0..6_i64, 0..2_u8, 0..3_u8, 0..3_u8, 0..3_u8);
    parts.prop_map(|(rule, uid, minute, account, principal, ip, target)| Made {
        rule,
        uid,
        // Minutes around a midnight: a finding is of one day.
        minute: minute - 3,
        account,
        principal,
        ip,
        target,
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

    fn whole(&mut self) -> (Value, Description) {
        (self.value.clone(), self.description.clone())
    }
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
    let raw = format!("{{\"eventName\":\"A\",\"requestParameters\":{{\"name\":\"t{}\"}}}}", made.target);
    // An event's id goes with what it says.
    let uid = format!("{}-{}-{}-{}-{}-{}", made.uid, made.minute, made.account, made.principal, made.ip, made.target);
    let hit = Hit {
        number: made.rule,
        rule: &set.rules[made.rule as usize],
        envelope: &envelope,
        uid: Uid::new(&uid),
        source: "aws_cloudtrail",
    };
    let description = Description {
        principal: format!("user/{}", made.principal),
        action: "cloudtrail:A".into(),
        resources: vec![format!("t{}", made.target)],
        ..Description::default()
    };
    let mut look = Record { value: Value::parse(&raw).unwrap(), description };
    fold.add(&hit, &raw, &mut look);
}

fn folded(set: &RuleSet, parts: &[Vec<Made>]) -> (Vec<Folded>, u64) {
    let mut whole = Fold::default();
    for part in parts {
        let mut fold = Fold::default();
        part.iter().for_each(|made| add(&mut fold, set, made));
        whole.merge(fold);
    }
    whole.finish(&set.rules)
}

fn shown(folded: &[Folded]) -> Vec<String> {
    folded.iter().map(|one| format!("{:#?} {:?}", one.finding, one.keys)).collect()
}

/// Of the tests that fail, the first difference says enough.
fn assert_same(a: &[Folded], b: &[Folded]) -> Result<(), TestCaseError> {
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
        })
        .collect();
    let (one, _) = folded(&set, &[hits]);
    let finding = &one[0].finding;
    assert_eq!((one.len(), finding.count, finding.related.len()), (1, 5_000, 5_000));
    assert_eq!(finding.evidence.len(), EVIDENCE_MAX);
    assert!(finding.evidence.iter().filter(|e| e.raw.is_some()).count() < 10);
    assert!(finding.source_ips.len() <= 100 && finding.resources.len() <= 100 && one[0].keys.len() <= 100);
    assert!(finding.evidence.is_sorted_by_key(|e| e.time_ms) && finding.related.is_sorted());
    assert_eq!(finding.first_ms, finding.evidence[0].time_ms);
}
