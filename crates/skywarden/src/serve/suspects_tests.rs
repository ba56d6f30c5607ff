//! Rules that do harm, and the one that is to blame.

use std::sync::Mutex;
use std::sync::atomic::Ordering;

use detect::load::{self, Options};
use event::finding::Finding;
use event::layout::{Derived, Estate};
use event::value::Value;
use lake::{Lake, Mode};
use source::source::{ALL, Source};
use wal::{SystemDisk, Wal};

use super::*;
use crate::serve::clock::SystemClock;
use crate::serve::engine::{Door, Engine, Outlet, Progressed};
use crate::serve::frame::{Frame, Trust};
use crate::serve::rules::Harm;

/// Works out a value, and panics on the records of one call.
fn derive(record: &Value, _: &Estate) -> Value {
    assert!(!record.compact().contains("PoisonThing"), "this record is poison");
    Value::Object(vec![("odd".to_owned(), Value::String("yes".to_owned()))])
}

/// CloudTrail whose derived value panics on some records: only rules that look at it do.
fn poisoned() -> &'static Source {
    let Source { envelope, describe, brief, targets, issues, issued, parse, .. } = *ALL[0];
    let Source { name, product, services, envelope_paths, mapping, .. } = *ALL[0];
    let derived = Some(Derived { name: "worked", derive });
    let terms = &[];
    Box::leak(Box::new(Source {
        name,
        product,
        services,
        envelope_paths,
        envelope,
        describe,
        brief,
        targets,
        issues,
        issued,
        terms,
        derived,
        mapping,
        parse,
    }))
}

fn rule(n: u32, detection: &str) -> String {
    format!(
        "title: Rule {n}\nid: 00000000-0000-4000-8000-{n:012}\nlogsource: {{product: aws, service: cloudtrail}}\ndetection: {{s: {{{detection}}}, condition: s}}\n"
    )
}

fn event(n: u32, call: &str) -> String {
    format!(
        r#"{{"eventVersion":"1.09","eventID":"e{n}","eventTime":"2026-11-01T00:00:{n:02}Z","eventSource":"cloudtrail.amazonaws.com","eventName":"{call}","awsRegion":"eu-west-1","recipientAccountId":"111122223333","userIdentity":{{"type":"IAMUser","arn":"arn:aws:iam::111122223333:user/m"}}}}"#
    )
}

fn book(rules: &[String], sources: &[&'static Source]) -> RuleBook {
    let files: Vec<(String, &String)> = rules.iter().enumerate().map(|(n, text)| (format!("{n}.yml"), text)).collect();
    let set = load::load(files.iter().map(|(name, text)| (name.as_str(), text.as_str())), &Options::default());
    assert_eq!((set.rules.len(), set.n_errors()), (rules.len(), 0), "{:?}", set.problems);
    RuleBook::for_source(set, sources)
}

#[derive(Default)]
struct Told(Mutex<Vec<String>>);

impl Outlet for Told {
    fn findings(&self, findings: &[Finding], _: i64) -> anyhow::Result<()> {
        lock(&self.0).extend(findings.iter().map(|finding| finding.rule_id.clone()));
        Ok(())
    }
}

#[test]
fn a_rule_that_panics_is_switched_off_and_nothing_else_is() {
    let folder = tempfile::tempdir().expect("a folder");
    let (wal, _) = Wal::open(&folder.path().join("log"), wal::Options::default(), Arc::new(SystemDisk)).expect("opens");
    let (wal, door, told) = (Arc::new(wal), Arc::new(Door::default()), Arc::new(Told::default()));
    let lake = Arc::new(Lake::open(&folder.path().join("lake").to_string_lossy(), Mode::Create).expect("opens"));
    // The value is worked out where a rule has nothing else to go by.
    let mut rules = vec![rule(0, "worked.odd: 'yes', eventSource: cloudtrail.amazonaws.com")];
    rules.extend((1..20).map(|n| rule(n, &format!("eventName: Thing{n}"))));
    let book = Arc::new(book(&rules, &[poisoned(), ALL[1]]));
    let progressed = Arc::new(Progressed::default());
    let engine = Engine {
        lake: Arc::clone(&lake),
        wal: Arc::clone(&wal),
        outlet: Arc::<Told>::clone(&told),
        rules: Arc::clone(&book),
        door: Arc::clone(&door),
        progressed: Arc::clone(&progressed),
        clock: Arc::new(SystemClock),
        disk: Arc::new(SystemDisk),
        n_threads: 2,
        checkpoint: folder.path().join("checkpoint"),
        commit_after: Duration::from_millis(10),
    };
    let frame = |n: u32, text: String| {
        let pieces = vec![text.into_bytes()];
        Frame { feed: "http".into(), name: format!("d{n}"), trust: Trust::Push, at_ms: 0, pieces }.encoded()
    };
    let texts = [event(1, "Thing3"), [event(2, "PoisonThing"), event(3, "Thing4")].join("\n"), event(4, "Thing5")];
    for (n, text) in (0..).zip(texts) {
        wal.append(frame(n, text)).wait().expect("it is on disk");
    }
    door.wake();
    let running = std::thread::spawn(move || engine.run());
    let end = Instant::now() + Duration::from_secs(120);
    while progressed.committed.load(Ordering::Acquire) < wal.stats().durable.get() && Instant::now() < end {
        std::thread::sleep(Duration::from_millis(20));
    }
    door.stop();
    running.join().expect("it ends");
    let loaded = book.current();
    let hurt: Vec<_> = loaded.hurt.values().map(|hurt| (hurt.off.id.as_str(), hurt.harm)).collect();
    assert_eq!(hurt, [("00000000-0000-4000-8000-000000000000", Harm::Panicked)]);
    let found = |n: u32| lock(&told.0).contains(&format!("00000000-0000-4000-8000-{n:012}"));
    assert!(found(3) && found(4) && found(5), "{:?}", lock(&told.0));
    // What it panicked on is in the lake like anything else.
    let ledger = crate::ledger::ledger(&lake).expect("it adds up");
    assert!(ledger.iter().all(crate::ledger::Entry::is_balanced) && ledger[0].lake == 4, "{ledger:?}");
    assert_eq!(progressed.failures.load(Ordering::Relaxed), 0);
}

#[test]
fn what_panics_without_rules_is_no_rule_s_fault() {
    let book = book(&[rule(1, "eventName: Thing1")], ALL);
    let piece = |text: String| Piece { name: "p".into(), trust: "push", bytes: text.into_bytes() };
    assert!(panicking(&book.current(), &[piece(event(1, "Thing1"))], &[]).is_empty());
}

/// A text of two letters that nothing repeats in.
fn irregular(len: usize) -> String {
    let mut seed = 7_u64;
    let mut next = || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        if seed >> 63 == 0 { 'a' } else { 'b' }
    };
    (0..len).map(|_| next()).collect()
}

#[test]
fn the_costly_rule_is_found_among_others_and_a_busy_one_is_not_blamed() {
    let mut rules: Vec<String> = (1..30).map(|n| rule(n, &format!("eventName: Thing{n}"))).collect();
    // It holds of every event, which is loud and not slow.
    rules.push(rule(40, "eventSource: cloudtrail.amazonaws.com"));
    let piece = |text: String| Piece { name: "p".into(), trust: "push", bytes: text.into_bytes() };
    let many = (0..2_000).map(|n| event(n % 60, "Thing7").replace("\"e", &format!("\"e{n}-"))).collect::<Vec<_>>();
    assert_eq!(slow(&book(&rules, ALL).current(), vec![piece(many.join("\n"))]), None);

    // What it has seen of so irregular a text is in no table of states, so it is followed step by step.
    rules.push(rule(50, "userAgent|re: 'a[ab]{2000}[^ab]'"));
    let book = book(&rules, ALL);
    let long =
        event(1, "Thing7").replace("\"awsRegion\"", &format!("\"userAgent\":\"{}\",\"awsRegion\"", irregular(20_000)));
    let (number, own, events) = slow(&book.current(), vec![piece(long)]).expect("it is slow");
    assert_eq!((number, events), (30, 1), "{own:?}");
}
