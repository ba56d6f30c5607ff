//! What the server does for itself: small files become large ones, old days go, suppressions end, the audit is vouched for;
//! and what is wrong with it becomes a finding like any other.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context;
use detect::fold::finding_uid;
use event::time::{DAY_MS, rfc3339};
use lake::{CompactOptions, ExpireOptions, Lake};

use serde_json::json;
use state::{FindingRow, State};
use wal::Wal;

use super::clock::Clock;
use super::engine::{Door, Progressed};
use super::reserve::Reserve;
use super::rules::{Harm, RuleBook};
use super::{FULL, lock, log};
use crate::cli::VERSION;
use crate::keep::QUARANTINE;
use crate::refold::{OWN, publish};

/// How often is looked whether something is due.
const TICK: Duration = Duration::from_millis(500);
/// How often is looked whether there is space on the disk.
const SPACE_EVERY: Duration = Duration::from_secs(2);
/// How often rights, suppressions and sources are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(10);
/// How often the lake is told what was found.
const TELL_LAKE_EVERY: Duration = Duration::from_secs(30);
/// How often the lake is tidied.
const TIDY_EVERY: Duration = Duration::from_secs(300);
/// Files of a day that are worth merging, and that are merged at once.
const FILES_MIN: usize = 8;
const FAN_IN: usize = 16;
/// How large files become while the server runs; `lake compact` makes larger ones.
const FILE_BYTES: u64 = 128 << 20;
/// The level of zstd while the server runs: what it costs is taken from those who send and ask.
const LEVEL: i32 = 6;
/// Snapshots that stay, and for how long at least.
const SNAPSHOTS: (usize, i64) = (20, 3_600_000);

/// What the upkeep works with.
pub struct Upkeep {
    /// The lake.
    pub lake: Arc<Lake>,
    /// The state.
    pub state: Arc<State>,
    /// The log of deliveries.
    pub wal: Arc<Wal>,
    /// How much was wrong with it when somebody was told last: damaged places and lost deliveries.
    pub told: AtomicU64,
    /// The last entry of the audit that was vouched for.
    pub vouched: AtomicI64,
    /// The rules.
    pub rules: Arc<RuleBook>,
    /// How the engine is doing.
    pub progressed: Arc<Progressed>,
    /// Space for when there is no other.
    pub reserve: Arc<Reserve>,
    /// What wakes the engine.
    pub door: Arc<Door>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Days that events are kept; for ever if nothing is said.
    pub retain_days: Option<u32>,
    /// A source that sent events and sends none for so long is silent.
    pub silent_after: Duration,
    /// The server ends.
    pub stopping: Arc<AtomicBool>,
}

/// A thread that ends when the server does.
pub struct Running(Option<thread::JoinHandle<()>>);

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(thread) = self.0.take() {
            let _ = thread.join();
        }
    }
}

impl Upkeep {
    /// Starts it.
    pub fn start(self) -> anyhow::Result<Running> {
        let thread = thread::Builder::new().name("upkeep".into()).spawn(move || self.run());
        Ok(Running(Some(thread.context("cannot start a thread")?)))
    }

    fn run(&self) {
        let told = |what: &str, done: anyhow::Result<()>| {
            if let Err(err) = done {
                log::error("upkeep", &format!("{what}: {err:#}"));
            }
        };
        let (mut looked, mut tidied, mut told_lake) = (None, Instant::now(), Instant::now());
        let mut spaced = Instant::now();
        while !self.stopping.load(Ordering::Acquire) {
            if spaced.elapsed() >= SPACE_EVERY {
                spaced = Instant::now();
                told("looking for space on the disk", self.space());
            }
            if looked.is_none_or(|at: Instant| at.elapsed() >= LOOK_EVERY) {
                looked = Some(Instant::now());
                told("looking after the state", self.look());
            }
            if told_lake.elapsed() >= TELL_LAKE_EVERY {
                told_lake = Instant::now();
                told("keeping findings in the lake", self.publish());
            }
            if tidied.elapsed() >= TIDY_EVERY {
                tidied = Instant::now();
                told("tidying the lake", self.tidy());
            }
            thread::sleep(TICK);
        }
        told("keeping sessions", self.state.keep_sessions(self.clock.now_ms()).map_err(Into::into));
        told("vouching for the audit", self.vouch(self.clock.now_ms()));
    }

    pub fn look(&self) -> anyhow::Result<()> {
        let now_ms = self.clock.now_ms();
        if self.state.mend(now_ms)? {
            log::error("state", "somebody removed the state; it was written anew from what was open");
        }
        self.state.end_suppressions(now_ms)?;
        self.vouch(now_ms)?;
        self.state.keep_sessions(now_ms)?;
        let mut own = self.silent(now_ms)?;
        own.extend(self.broken(now_ms));
        own.extend(self.hurt());
        if let Some(why) = lock(&self.progressed.trouble).clone() {
            let title = format!("Skywarden does not get on: {why}");
            own.push(own_finding("skywarden.trouble", "engine", 4, &title, now_ms, now_ms));
        }
        let stats = self.wal.stats();
        let n_wrong = stats.n_damaged + stats.n_lost;
        if n_wrong > self.told.load(Ordering::Acquire) {
            let wal::Stats { n_damaged, damaged_bytes, n_lost, .. } = stats;
            let title = format!(
                "The log of deliveries was damaged in {n_damaged} places with {damaged_bytes} bytes, which are set aside; {n_lost} deliveries are lost"
            );
            log::error("log", &title);
            own.push(own_finding("skywarden.damaged-log", "log", 5, &title, now_ms, now_ms));
        }
        self.state.upsert(&own, now_ms)?;
        self.told.store(n_wrong, Ordering::Release);
        Ok(())
    }

    fn space(&self) -> anyhow::Result<()> {
        // What others write meanwhile may find no space for a moment; what people do waits for that moment.
        if !self.state.while_still(|| self.reserve.look())? {
            return Ok(());
        }
        let mut trouble = lock(&self.progressed.trouble);
        if self.reserve.is_in_use() {
            log::error("disk", FULL);
            *trouble = Some(FULL.to_owned());
        } else {
            log::info("disk", "there is space again: deliveries are taken");
            *trouble = None;
            drop(trouble);
            self.door.wake();
        }
        Ok(())
    }

    /// Vouches for the audit, also where whoever can write to the data folder may not be able to: in the log of the server.
    fn vouch(&self, now_ms: i64) -> anyhow::Result<()> {
        let head = self.state.checkpoint(now_ms)?;
        if self.vouched.swap(head.seq, Ordering::AcqRel) != head.seq {
            let hash: String = head.hash.iter().map(|byte| format!("{byte:02x}")).collect();
            log::info("audit", &format!("entry {} is the last, its hash is {hash}", head.seq));
        }
        Ok(())
    }

    /// Sources that have sent events and send no more.
    fn silent(&self, now_ms: i64) -> anyhow::Result<Vec<FindingRow>> {
        for (source, seen) in lock(&self.progressed.by_source).iter() {
            self.state.set_feed_position("seen", source, &seen.at_ms.to_string())?;
        }
        let mut silent = Vec::new();
        for source in source::source::ALL {
            let Some(at) = self.state.feed_position("seen", source.name)? else { continue };
            let Ok(at_ms) = at.parse::<i64>() else { continue };
            if now_ms - at_ms > self.silent_after.as_millis() as i64 {
                let title = format!("Nothing has come from {} since {}", source.name, rfc3339(at_ms));
                silent.push(own_finding("skywarden.silent-source", source.name, 4, &title, at_ms, at_ms));
            }
        }
        Ok(silent)
    }

    /// Rules that cannot be used.
    fn broken(&self, now_ms: i64) -> Vec<FindingRow> {
        let loaded = self.rules.current();
        let mut broken = Vec::new();
        for problem in &loaded.set.problems {
            let Some(first) = problem.diagnostics.iter().find(|d| d.is_error()) else { continue };
            let file = problem.file.rsplit(['/', '\\']).next().unwrap_or_default();
            let title = format!("The rule file {file} is not used: {}", first.message);
            // The same mistake is the same finding all day long.
            let today_ms = now_ms.div_euclid(DAY_MS) * DAY_MS;
            broken.push(own_finding("skywarden.broken-rule", &problem.file, 3, &title, today_ms, today_ms));
        }
        broken
    }

    /// Rules that were switched off to save the others.
    fn hurt(&self) -> Vec<FindingRow> {
        let found = |hurt: &super::rules::Hurt| {
            let kind = match hurt.harm {
                Harm::Panicked => "skywarden.panicking-rule",
                Harm::Slow => "skywarden.slow-rule",
            };
            let title = format!("The rule {} is switched off: {}", hurt.title, hurt.off.why);
            own_finding(kind, &hurt.off.id, 3, &title, hurt.off.since_ms, hurt.off.since_ms)
        };
        self.rules.current().hurt.values().map(found).collect()
    }

    /// Tells the lake what was found, for whoever asks it.
    pub fn publish(&self) -> anyhow::Result<()> {
        let is_stopped = || self.stopping.load(Ordering::Acquire);
        publish(&self.lake, &self.state, self.clock.now_ms(), &is_stopped)?;
        Ok(())
    }

    pub fn tidy(&self) -> anyhow::Result<()> {
        let compact = CompactOptions {
            files_min: FILES_MIN,
            fan_in: FAN_IN,
            bytes_target: FILE_BYTES,
            level: LEVEL,
            ..CompactOptions::default()
        };
        let is_stopped = || self.stopping.load(Ordering::Acquire);
        let expire = ExpireOptions { keep: SNAPSHOTS.0, age_ms: SNAPSHOTS.1 };
        for name in self.lake.tables()? {
            if is_stopped() {
                return Ok(());
            }
            let table = self.lake.open_table(&name)?;
            table.compact_until(&compact, &is_stopped).with_context(|| format!("cannot compact `{name}`"))?;
            if let Some(days) = self.retain_days.filter(|_| name != QUARANTINE) {
                table.retain(days).with_context(|| format!("cannot remove old days of `{name}`"))?;
            }
            table.expire(&expire).with_context(|| format!("cannot expire snapshots of `{name}`"))?;
        }
        Ok(())
    }
}

/// A finding about the server itself.
fn own_finding(rule: &str, entity: &str, severity: u8, title: &str, first_ms: i64, last_ms: i64) -> FindingRow {
    let uid = finding_uid(rule, entity, first_ms.div_euclid(DAY_MS));
    let document = json!({
        "class_uid": 2004, "category_uid": 2, "activity_id": 1, "type_uid": 200_401, "severity_id": severity, "time": last_ms,
        "metadata": {"version": "1.3.0", "product": {"name": "Skywarden", "vendor_name": "Skywarden", "version": VERSION}},
        "finding_info": {"uid": uid, "title": title, "analytic": {"uid": rule, "type_id": 1}, "first_seen_time": first_ms, "last_seen_time": last_ms},
    });
    FindingRow {
        uid,
        rule: rule.to_owned(),
        title: title.to_owned(),
        severity,
        account: String::new(),
        region: String::new(),
        principal: "skywarden".to_owned(),
        source: OWN.to_owned(),
        source_ip: String::new(),
        resource: PathBuf::from(entity)
            .file_name()
            .map_or(entity.to_owned(), |name| name.to_string_lossy().into_owned()),
        first_ms,
        last_ms,
        count: 1,
        document: document.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use event::layout::Estate;
    use lake::Mode;
    use state::{Filter, Identity, Kind, Role, Sort, SystemEntropy};

    use super::*;
    use crate::cli::input::Rules;
    use crate::serve::clock::Clock;
    use crate::serve::engine::SourceSeen;

    struct Told(AtomicI64);

    impl Clock for Told {
        fn now_ms(&self) -> i64 {
            self.0.load(Ordering::Acquire)
        }

        fn uptime(&self) -> Duration {
            Duration::ZERO
        }
    }

    const MINUTE: i64 = 60_000;

    #[test]
    fn a_source_that_goes_silent_is_one_finding_also_over_a_restart() {
        let folder = tempfile::tempdir().expect("a folder");
        let lake = Lake::open(&folder.path().join("lake").to_string_lossy(), Mode::Create).expect("opens");
        let lake = Arc::new(lake);
        let state =
            State::open(&folder.path().join("state.sqlite"), Arc::new(SystemEntropy), 0).expect("the state opens");
        let (state, clock) = (Arc::new(state), Arc::new(Told(AtomicI64::new(100 * MINUTE))));
        let rules = Arc::new(RuleBook::open(Rules::default(), Estate::default()).expect("our rules load"));
        let (wal, _) =
            Wal::open(&folder.path().join("log"), wal::Options::default(), Arc::new(wal::SystemDisk)).expect("opens");
        let (wal, reserve) = (Arc::new(wal), Arc::new(Reserve::open(folder.path()).expect("a reserve")));
        let upkeep = || Upkeep {
            lake: Arc::clone(&lake),
            state: Arc::clone(&state),
            wal: Arc::clone(&wal),
            told: AtomicU64::new(0),
            vouched: AtomicI64::new(-1),
            reserve: Arc::clone(&reserve),
            door: Arc::default(),
            rules: Arc::clone(&rules),
            progressed: Arc::default(),
            clock: Arc::<Told>::clone(&clock),
            retain_days: None,
            silent_after: Duration::from_secs(900),
            stopping: Arc::default(),
        };
        let of = Identity { kind: Kind::User, name: "a".into(), role: Role::Admin, accounts: None };
        let filter = Filter { rule: Some("skywarden.silent-source".into()), ..Filter::default() };
        let silent = || state.findings(&of, &filter, Sort::Worst, None, 10).expect("it lists").findings;
        let at = |minutes: i64| clock.0.store(minutes * MINUTE, Ordering::Release);
        let first = upkeep();
        first.look().expect("it looks");
        assert!(silent().is_empty(), "what never sent anything is not silent");
        let seen = SourceSeen { events: 1, at_ms: 100 * MINUTE };
        lock(&first.progressed.by_source).insert("aws_cloudtrail".into(), seen);
        for (now, n) in [(100, 0), (115, 0)] {
            at(now);
            first.look().expect("it looks");
            assert_eq!(silent().len(), n, "after {now} minutes");
        }
        // A new process knows when it was seen last.
        let second = upkeep();
        for now in [116, 117, 200] {
            at(now);
            second.look().expect("it looks");
            let found = silent();
            assert_eq!((found.len(), found[0].row.count), (1, 1), "after {now} minutes");
            assert!(found[0].row.title.contains("aws_cloudtrail"), "{}", found[0].row.title);
        }
        // It sends again, and goes silent again: that is another time, of the same day.
        lock(&second.progressed.by_source)
            .insert("aws_cloudtrail".into(), SourceSeen { events: 2, at_ms: 201 * MINUTE });
        at(202);
        second.look().expect("it looks");
        assert_eq!(silent()[0].row.last_ms, 100 * MINUTE);
        at(217);
        second.look().expect("it looks");
        assert_eq!((silent().len(), silent()[0].row.last_ms), (1, 201 * MINUTE));
    }
}
