//! The engine when what it works with fails.

use std::sync::atomic::AtomicUsize;
use std::time::Instant;

use lake::Mode;
use wal::{SystemDisk, Wal};

use super::*;
use crate::cli::input::Rules;
use crate::serve::clock::SystemClock;
use crate::serve::frame::Trust;

/// Fails some times, and then remembers what each finding says last.
struct Failing {
    left: AtomicUsize,
    said: Mutex<BTreeMap<String, u64>>,
}

impl Outlet for Failing {
    fn findings(&self, findings: &[Finding], _: i64) -> anyhow::Result<()> {
        let fails = self.left.fetch_update(Ordering::AcqRel, Ordering::Acquire, |n| n.checked_sub(1)).is_ok();
        anyhow::ensure!(!fails, "the state cannot be written");
        lock(&self.said).extend(findings.iter().map(|finding| (finding.rule_id.clone(), finding.count)));
        Ok(())
    }
}

fn event(n: u32) -> String {
    format!(
        r#"{{"eventVersion":"1.09","eventID":"e{n}","eventTime":"2026-11-01T00:00:{n:02}Z","eventSource":"cloudtrail.amazonaws.com","eventName":"StopLogging","awsRegion":"eu-west-1","recipientAccountId":"111122223333","userIdentity":{{"type":"IAMUser","arn":"arn:aws:iam::111122223333:user/m","accountId":"111122223333","userName":"m"}},"requestParameters":{{"name":"main"}},"readOnly":false}}"#
    )
}

#[test]
fn what_fails_is_tried_again_and_nothing_is_lost_or_doubled() {
    let folder = tempfile::tempdir().expect("a folder");
    let (wal, _) = Wal::open(&folder.path().join("log"), wal::Options::default(), Arc::new(SystemDisk)).expect("opens");
    let wal = Arc::new(wal);
    let lake = Lake::open(&folder.path().join("lake").to_string_lossy(), Mode::Create).expect("opens");
    let outlet = Arc::new(Failing { left: AtomicUsize::new(2), said: Mutex::default() });
    let (door, progressed) = (Arc::new(Door::default()), Arc::new(Progressed::default()));
    let lake = Arc::new(lake);
    let rules = RuleBook::open(Rules::default(), event::layout::Estate::default()).expect("our rules load");
    let engine = Engine {
        lake: Arc::clone(&lake),
        wal: Arc::clone(&wal),
        outlet: Arc::<Failing>::clone(&outlet),
        rules: Arc::new(rules),
        door: Arc::clone(&door),
        progressed: Arc::clone(&progressed),
        clock: Arc::new(SystemClock),
        disk: Arc::new(SystemDisk),
        checkpoint: folder.path().join("checkpoint"),
        n_threads: 2,
        commit_after: Duration::from_secs(10),
    };
    let file = folder.path().join("one.json");
    std::fs::write(&file, event(1)).expect("written");
    let n_done = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&n_done);
    let done = move |_: &[report::Skipped]| {
        counted.fetch_add(1, Ordering::AcqRel);
    };
    door.file(FileWork { path: file, named: None, done: Box::new(done) });
    let frame = |n: u32| Frame {
        feed: "http".into(),
        name: format!("d{n}"),
        trust: Trust::Push,
        at_ms: 0,
        pieces: vec![event(n).into_bytes()],
    };
    for n in [2, 3, 3] {
        wal.append(frame(n).encoded()).wait().expect("it is on disk");
    }
    // A delivery that is not one of ours is set aside, and the others go on.
    wal.append(b"no head".to_vec()).wait().expect("it is on disk");
    // What was in the quarantine is tried once more, and stays there as it is.
    let again = Frame { trust: Trust::Quarantine, pieces: vec![br#"{"no":"record"}"#.to_vec()], ..frame(4) };
    wal.append(again.encoded()).wait().expect("it is on disk");
    wal.append(Frame { trust: Trust::Quarantine, ..frame(4) }.encoded()).wait().expect("it is on disk");
    door.wake();
    let running = std::thread::spawn(move || engine.run());
    let end = Instant::now() + Duration::from_secs(60);
    while n_done.load(Ordering::Acquire) == 0 && Instant::now() < end {
        std::thread::sleep(Duration::from_millis(20));
    }
    door.stop();
    running.join().expect("it ends");
    assert_eq!(n_done.load(Ordering::Acquire), 1, "the file is done once: {:?}", lock(&progressed.trouble));
    assert_eq!(progressed.failures.load(Ordering::Relaxed), 2);
    let said = lock(&outlet.said);
    assert!(!said.is_empty() && said.values().all(|count| *count == 4), "{said:?}");
    let ledger = crate::ledger::ledger(&lake).expect("it adds up");
    assert!(ledger.iter().all(crate::ledger::Entry::is_balanced), "{ledger:?}");
    let trail = &ledger[0];
    assert!(trail.is_balanced() && trail.lake == 4 && trail.duplicates >= 1, "{trail:?}");
    let quarantine = lake.open_table(crate::keep::QUARANTINE).expect("it is there").current().expect("it reads");
    assert_eq!(quarantine.rows().expect("it counts"), 1);
    assert_eq!(wal.stats().durable.get(), progressed.committed.load(Ordering::Acquire));
}
