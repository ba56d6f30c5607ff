//! From the durable log to the lake and to findings, without end.
//!
//! Deliveries are read in the order of the log, a batch at a time. Rules are tried as a batch is read, so that a finding is seen within a second or two;
//! rows wait for a commit, which is made when there are enough of them or the oldest has waited for long. A checkpoint then says how far the
//! log is in the lake, and what lies before it may go. After a crash the rest is read again: what is in the lake already is known by its identity,
//! and a finding counts an event once.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use anyhow::Context;
use detect::fold::Fold;
use detect::live::{Live, Touched};
use detect::spill::InMemory;
use event::finding::Finding;
use lake::{Lake, Table};
use source::source::ALL;
use wal::{Disk, Position};

use super::clock::Clock;
use super::frame::Frame;
use super::rules::{Harm, Loaded, RuleBook};
use super::suspects::{self, Batch as Watched};
use super::{lock, log};
use crate::failpoint::{self, Side};
use crate::keep::{HITS, Keep, QUARANTINED};
use crate::pipeline::{Hits, Outcome, Piece, Plan, Progress, scan_bound};
use crate::refold::fold_day;

/// What is read of the log at a time.
const BATCH_BYTES: usize = 8 << 20;
/// How many deliveries are read at a time.
const BATCH_FRAMES: usize = 4_096;
/// Files that are read at a time.
const BATCH_FILES: usize = 16;
/// How long the engine sleeps when there is nothing to do; news wake it.
const IDLE: Duration = Duration::from_millis(500);
/// Rows that are committed without waiting.
const COMMIT_ROWS: usize = 65_536;
/// Findings that are told at a time.
const TOLD_AT_ONCE: usize = 2_000;
/// Days whose findings stay in memory.
const DAYS_MAX: usize = 40;
/// What they may take.
const LIVE_BYTES: usize = 192 << 20;
/// How often a part of the log that cannot be read is tried, and one that cannot be opened: without file handles, or without its disk,
/// nothing can be, and that ends.
const LOG_ATTEMPTS: (u64, u64) = (5, 50);
/// How long the engine waits after a failure, at first and at most.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(30));

/// Where findings go as they change.
pub trait Outlet: Send + Sync {
    /// Takes findings that are new or say something new.
    fn findings(&self, findings: &[Finding], now_ms: i64) -> anyhow::Result<()>;
}

/// Is told when a file is in the lake, and what was not read of it.
pub type Done = Box<dyn FnOnce(&[report::Skipped]) + Send>;

/// A file to be read, and who is told when it is in the lake.
pub struct FileWork {
    /// The file.
    pub path: PathBuf,
    /// What it is a copy of, if it is one.
    pub named: Option<Named>,
    /// Called when its records are in the lake; with what was not read of it, if anything.
    pub done: Done,
}

/// The object that a file is a copy of.
pub struct Named {
    /// Its name.
    pub name: String,
    /// How far whoever brought it is trusted.
    pub trust: &'static str,
}

/// How the engine is doing; read by whoever asks.
#[derive(Debug, Default)]
pub struct Progressed {
    /// The log up to here, exclusively, was looked at by the rules.
    pub detected: AtomicU64,
    /// When the oldest delivery came that no rule has looked at; 0 if none waits.
    pub waiting_ms: AtomicI64,
    /// The log up to here, exclusively, is in the lake.
    pub committed: AtomicU64,
    /// Events since the start.
    pub events: AtomicU64,
    /// Commits since the start.
    pub commits: AtomicU64,
    /// Times that the engine failed and began again from its checkpoint.
    pub failures: AtomicU64,
    /// Times in a row that the log of deliveries could not be read.
    pub log_failures: AtomicU64,
    /// Files of watched folders that lead out of them, and are not read.
    pub files_refused: AtomicU64,
    /// Events by source.
    pub by_source: Mutex<BTreeMap<String, SourceSeen>>,
    /// Why it does not go on, if it does not.
    pub trouble: Mutex<Option<String>>,
}

impl Progressed {
    /// A delivery has come.
    pub fn came(&self, now_ms: i64) {
        let _ = self.waiting_ms.compare_exchange(0, now_ms, Ordering::AcqRel, Ordering::Relaxed);
    }

    /// How long the oldest delivery waits that no rule has looked at, where so many are in the log; 0 if none does.
    pub fn late_ms(&self, durable: u64, now_ms: i64) -> i64 {
        let waiting_ms = self.waiting_ms.load(Ordering::Acquire);
        let is_late = self.detected.load(Ordering::Acquire) < durable && waiting_ms > 0;
        if is_late { (now_ms - waiting_ms).max(0) } else { 0 }
    }
}

/// What came of one source.
#[derive(Clone, Copy, Debug, Default)]
pub struct SourceSeen {
    /// Events since the start.
    pub events: u64,
    /// When the last came.
    pub at_ms: i64,
}

/// What wakes the engine, stops it, and hands it files.
#[derive(Default)]
pub struct Door {
    state: Mutex<DoorState>,
    news: Condvar,
    stop: AtomicBool,
}

#[derive(Default)]
struct DoorState {
    files: VecDeque<FileWork>,
    is_woken: bool,
}

impl Door {
    /// There is something in the log.
    pub fn wake(&self) {
        lock(&self.state).is_woken = true;
        self.news.notify_all();
    }

    /// Hands over a file.
    pub fn file(&self, work: FileWork) {
        lock(&self.state).files.push_back(work);
        self.wake();
    }

    /// Hands over files that could not be taken in, before all others.
    fn again(&self, files: impl DoubleEndedIterator<Item = FileWork>) {
        let mut state = lock(&self.state);
        files.rev().for_each(|work| state.files.push_front(work));
    }

    /// Files that wait.
    pub fn files_waiting(&self) -> usize {
        lock(&self.state).files.len()
    }

    /// Asks the engine to commit what it has and end.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::Release);
        self.wake();
    }

    fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Acquire)
    }

    fn sleep(&self, timeout: Duration) {
        let state = lock(&self.state);
        let is_idle = |state: &mut DoorState| !state.is_woken && state.files.is_empty() && !self.is_stopped();
        let waited = self.news.wait_timeout_while(state, timeout, is_idle);
        waited.unwrap_or_else(std::sync::PoisonError::into_inner).0.is_woken = false;
    }
}

/// The engine and what it works with.
pub struct Engine {
    /// The lake.
    pub lake: Arc<Lake>,
    /// The durable log.
    pub wal: Arc<wal::Wal>,
    /// Where findings go.
    pub outlet: Arc<dyn Outlet>,
    /// The rules as they are now.
    pub rules: Arc<RuleBook>,
    /// What it is told.
    pub door: Arc<Door>,
    /// What it tells.
    pub progressed: Arc<Progressed>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Where the checkpoint is kept, and the log.
    pub disk: Arc<dyn Disk>,
    /// The file that says how far the log is in the lake.
    pub checkpoint: PathBuf,
    /// Threads that look at a batch.
    pub n_threads: usize,
    /// How long rows may wait for a commit.
    pub commit_after: Duration,
}

/// What was read of the log and of files, and is not looked at yet.
#[derive(Default)]
struct Batch {
    pieces: Vec<Piece>,
    files: Vec<FileWork>,
    /// The position behind the last delivery.
    behind: Option<Position>,
    bytes: usize,
}

/// Work between two failures.
struct Session {
    reader: wal::Reader,
    keep: Keep,
    live: Live,
    loaded: Arc<Loaded>,
    hits: Table,
    /// Files whose records wait for a commit, and what was not read of them.
    uncommitted: Vec<(FileWork, Vec<report::Skipped>)>,
    /// The position behind what waits for a commit.
    behind: Option<Position>,
    /// Events that wait with them, by source.
    events: BTreeMap<String, u64>,
    /// Since when rows wait, as the clock's uptime.
    since: Option<Duration>,
}

/// What a turn came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    /// There may be more to do.
    Busy,
    /// There is nothing to do for so long, unless there are news.
    Idle(Duration),
    /// All is committed, and the engine was told to stop.
    Over,
}

impl Engine {
    /// Works until it is told to stop. What fails is tried again from the checkpoint.
    pub fn run(self) {
        let mut pause = BACKOFF.0;
        while !self.door.is_stopped() {
            let before = self.progressed.commits.load(Ordering::Relaxed);
            let Err(err) = self.work() else { return };
            log::error("engine", &format!("{err:#}"));
            *lock(&self.progressed.trouble) = Some(format!("{err:#}"));
            self.progressed.failures.fetch_add(1, Ordering::Relaxed);
            // Whoever got somewhere begins with a short pause again.
            let has_moved = self.progressed.commits.load(Ordering::Relaxed) > before;
            pause = if has_moved { BACKOFF.0 } else { (pause * 2).min(BACKOFF.1) };
            self.door.sleep(pause);
        }
    }

    fn work(&self) -> anyhow::Result<()> {
        let mut session = self.session()?;
        loop {
            match self.turn(&mut session)? {
                Turn::Busy => {}
                Turn::Idle(time) => self.door.sleep(time),
                Turn::Over => return Ok(()),
            }
        }
    }

    /// Reads a batch, looks at it, and commits if that is due; it never waits. After a failure another session begins at the checkpoint.
    fn turn(&self, session: &mut Session) -> anyhow::Result<Turn> {
        // Whatever panics is a failure like any other: nothing else would look at what comes.
        let turn = catch_unwind(AssertUnwindSafe(|| self.try_turn(session)));
        let turn = turn.unwrap_or_else(|panic| Err(anyhow::anyhow!("panicked: {}", said(&*panic))));
        if turn.is_err() {
            // The log of deliveries is read again by itself; files are not.
            self.door.again(session.uncommitted.drain(..).map(|(work, _)| work));
        }
        turn
    }

    fn try_turn(&self, session: &mut Session) -> anyhow::Result<Turn> {
        self.take_rules(session)?;
        let durable = self.wal.stats().durable;
        let batch = self.gather(&mut session.reader)?;
        let is_read = batch.behind.is_none();
        let is_idle = batch.pieces.is_empty() && batch.files.is_empty();
        if !is_idle || batch.behind.is_some() {
            self.look(session, batch)?;
        }
        let is_last = is_idle && self.door.is_stopped();
        if self.is_due(session) || (is_last && session.since.is_some()) {
            self.commit(session)?;
        }
        if is_read {
            self.caught_up(session, durable)?;
        }
        Ok(match is_idle {
            true if is_last => Turn::Over,
            true => Turn::Idle(self.left(session).min(IDLE)),
            false => Turn::Busy,
        })
    }

    /// There is nothing to read before this position: numbers that no delivery has are done with too.
    fn caught_up(&self, session: &Session, durable: Position) -> anyhow::Result<()> {
        self.progressed.detected.fetch_max(durable.get(), Ordering::AcqRel);
        // One that came just now sets it when it is read.
        self.progressed.waiting_ms.store(0, Ordering::Release);
        let is_behind = self.progressed.committed.load(Ordering::Acquire) < durable.get();
        if is_behind && session.since.is_none() { self.release(durable) } else { Ok(()) }
    }

    /// The log up to here is in the lake: it is not read again, and may go.
    fn release(&self, upto: Position) -> anyhow::Result<()> {
        failpoint::step("checkpoint", || write_checkpoint(&*self.disk, &self.checkpoint, upto.get()))?;
        let release = || self.wal.release(upto).context("cannot release the log of deliveries");
        failpoint::step("release", release)?;
        self.progressed.committed.store(upto.get(), Ordering::Release);
        Ok(())
    }

    /// Begins where the checkpoint says.
    fn session(&self) -> anyhow::Result<Session> {
        let reader = self.wal.reader(self.position()?);
        let keep = Keep::new(&self.lake, self.clock.now_ms())?;
        let hits = self.lake.open_table(HITS).context("cannot open the hits")?;
        Ok(Session {
            reader,
            keep,
            live: Live::new(),
            loaded: self.rules.current(),
            hits,
            uncommitted: Vec::new(),
            behind: None,
            events: BTreeMap::new(),
            since: None,
        })
    }

    fn is_due(&self, session: &Session) -> bool {
        self.left(session).is_zero() || session.keep.waiting().0 >= COMMIT_ROWS
    }

    /// How long rows may still wait.
    fn left(&self, session: &Session) -> Duration {
        let waited = |since| self.clock.uptime().saturating_sub(since);
        session.since.map_or(Duration::MAX, |since| self.commit_after.saturating_sub(waited(since)))
    }

    /// Findings are known by the numbers of rules, so new rules begin with none: days are folded anew as they are needed.
    fn take_rules(&self, session: &mut Session) -> anyhow::Result<()> {
        let now = self.rules.current();
        // Rules that are only switched keep their numbers.
        if !Arc::ptr_eq(&now.set, &session.loaded.set) {
            // Only what is in the lake can be folded anew.
            if session.since.is_some() {
                self.commit(session)?;
            }
            session.live = Live::new();
        }
        session.loaded = now;
        Ok(())
    }

    fn gather(&self, reader: &mut wal::Reader) -> anyhow::Result<Batch> {
        let mut batch = Batch::default();
        let is_due = *self.wal.durable().borrow() > reader.position();
        if is_due {
            failpoint::at("batch", Side::Before)?;
        }
        while batch.bytes < BATCH_BYTES && batch.pieces.len() < BATCH_FRAMES {
            let Some(frame) = self.next(reader)? else { break };
            batch.bytes += frame.payload.len();
            batch.behind = Some(frame.position.next());
            match Frame::decode(&frame.payload) {
                Ok(frame) => {
                    if batch.pieces.is_empty() {
                        self.progressed.waiting_ms.store(frame.at_ms.max(1), Ordering::Release);
                    }
                    batch.pieces.extend(frame.into_pieces());
                }
                // It was checked by its checksum, so another version wrote it: as it is it goes to quarantine.
                Err(err) => {
                    log::error("engine", &format!("delivery {}: {err:#}", frame.position));
                    let name = format!("wal/{}", frame.position);
                    batch.pieces.push(Piece { name, trust: "anonymous", bytes: frame.payload });
                }
            }
        }
        if is_due {
            failpoint::at("batch", Side::After)?;
        }
        let mut state = lock(&self.door.state);
        while batch.files.len() < BATCH_FILES {
            let Some(work) = state.files.pop_front() else { break };
            batch.files.push(work);
        }
        Ok(batch)
    }

    /// The next delivery. A part of the log that cannot be read time and again is passed over, as nothing behind it would ever be looked at.
    fn next(&self, reader: &mut wal::Reader) -> anyhow::Result<Option<wal::Frame>> {
        let failures = &self.progressed.log_failures;
        loop {
            match reader.next() {
                Ok(frame) => {
                    failures.store(0, Ordering::Relaxed);
                    return Ok(frame);
                }
                Err(err) => {
                    let is_opened = matches!(err, wal::ReadError::Read { .. });
                    let attempts = if is_opened { LOG_ATTEMPTS.0 } else { LOG_ATTEMPTS.1 };
                    let err = anyhow::Error::new(err).context("cannot read the log of deliveries");
                    let n = failures.fetch_add(1, Ordering::Relaxed);
                    let Some(lost) = (n >= attempts).then(|| reader.pass_over()).flatten() else { return Err(err) };
                    log::error(
                        "engine",
                        &format!("deliveries from {} to {} are passed over: {err:#}", lost.start, lost.end),
                    );
                }
            }
        }
    }

    /// Looks at a batch: its rows wait for a commit, and its findings are told.
    fn look(&self, session: &mut Session, batch: Batch) -> anyhow::Result<()> {
        let now_ms = self.clock.now_ms();
        session.keep.set_now(now_ms);
        let Batch { mut pieces, files, behind, .. } = batch;
        let mut paths = Vec::new();
        let begin = session.uncommitted.len();
        for work in files {
            match &work.named {
                None => paths.push(work.path.clone()),
                Some(named) => match std::fs::read(&work.path) {
                    Ok(bytes) => pieces.push(Piece { name: named.name.clone(), trust: named.trust, bytes }),
                    Err(err) => {
                        // Whoever brought it is not told that it is done, and brings it again.
                        log::error("engine", &format!("cannot read the copy of {}: {err}", named.name));
                        continue;
                    }
                },
            }
            session.uncommitted.push((work, Vec::new()));
        }
        let outcome = self.scan(session, pieces, paths)?;
        session.since.get_or_insert_with(|| self.clock.uptime());
        session.behind = behind.or(session.behind);
        for (work, skipped) in &mut session.uncommitted[begin..] {
            let shown = work.named.as_ref().map_or_else(|| collect::walk::show(&work.path), |named| named.name.clone());
            skipped.extend(outcome.skipped.iter().filter(|s| s.what == shown).cloned());
        }
        session.count(&outcome);
        self.tell(session, outcome.fold, now_ms)?;
        if let Some(behind) = behind {
            self.progressed.detected.store(behind.get(), Ordering::Release);
        }
        Ok(())
    }

    /// Tries the rules on all pieces. If something panics, each is tried on its own: a rule that does it is switched off, and a piece that cannot
    /// be read without rules either is set aside.
    fn scan(&self, session: &mut Session, pieces: Vec<Piece>, paths: Vec<PathBuf>) -> anyhow::Result<Outcome> {
        let once = |session: &Session, pieces: Vec<Piece>, paths: Vec<PathBuf>| {
            let plan = Plan {
                pieces,
                paths,
                keep: Some(&session.keep),
                hits: Hits::KeptAndFolded,
                spill: Arc::new(InMemory::default()),
                memory_bytes: usize::MAX,
                n_threads: self.n_threads,
                ..Plan::new(&session.loaded.set)
            };
            catch_unwind(AssertUnwindSafe(|| scan_bound(&plan, &session.loaded.bound, &Progress::default())))
        };
        let begun = self.clock.uptime();
        if let Ok(outcome) = once(session, pieces.clone(), paths.clone()) {
            let outcome = outcome.context("cannot read a batch")?;
            let watched = Watched {
                pieces,
                paths,
                took: self.clock.uptime().saturating_sub(begun),
                events: outcome.tally.events,
            };
            suspects::watch(&self.rules, &session.loaded, watched, self.clock.now_ms());
            return Ok(outcome);
        }
        let mut whole: Option<Outcome> = None;
        let alone = pieces.into_iter().map(|piece| (vec![piece], Vec::new()));
        for (pieces, paths) in alone.chain(paths.into_iter().map(|path| (Vec::new(), vec![path]))) {
            let name = pieces.first().map(|p| p.name.clone()).or(paths.first().map(|p| collect::walk::show(p)));
            let bytes = pieces.first().map(|piece| piece.bytes.clone()).unwrap_or_default();
            let is_aside = pieces.first().is_some_and(|piece| piece.trust == QUARANTINED);
            let mut tried = once(session, pieces.clone(), paths.clone());
            if tried.is_err() && self.blame(session, &pieces, &paths)? {
                tried = once(session, pieces, paths);
            }
            match tried {
                Ok(outcome) => {
                    let outcome = outcome.context("cannot read a batch")?;
                    match &mut whole {
                        Some(whole) => whole.merge(outcome)?,
                        None => whole = Some(outcome),
                    }
                }
                Err(_) => {
                    let name = name.unwrap_or_default();
                    log::error("engine", &format!("reading {name} panicked; it is set aside"));
                    if !is_aside {
                        session.keep.set_aside(&name, "reading it panicked", &bytes);
                    }
                }
            }
        }
        let plan = Plan { spill: Arc::new(InMemory::default()), ..Plan::new(&session.loaded.set) };
        whole.map_or_else(
            || scan_bound(&plan, &session.loaded.bound, &Progress::default()).context("nothing to read"),
            Ok,
        )
    }

    /// Switches off the rules that panic on a piece or file; whether there are any.
    fn blame(&self, session: &mut Session, pieces: &[Piece], paths: &[PathBuf]) -> anyhow::Result<bool> {
        let guilty: Vec<u32> = suspects::panicking(&session.loaded, pieces, paths);
        for number in &guilty {
            let rule = &session.loaded.set.rules[*number as usize];
            self.rules.hurt(rule, Harm::Panicked, "it panicked on an event", self.clock.now_ms());
        }
        let now = self.rules.current();
        // Hits of this batch are kept by the numbers of its rules.
        anyhow::ensure!(Arc::ptr_eq(&now.set, &session.loaded.set), "the rules changed while a batch was read");
        session.loaded = now;
        Ok(!guilty.is_empty())
    }

    /// Counts events that are in the lake now: what is tried again is counted once.
    fn count(&self, events: BTreeMap<String, u64>) {
        let now_ms = self.clock.now_ms();
        let mut by_source = lock(&self.progressed.by_source);
        for (source, n) in events {
            self.progressed.events.fetch_add(n, Ordering::Relaxed);
            let seen = by_source.entry(source).or_default();
            seen.events += n;
            seen.at_ms = now_ms;
        }
    }

    /// Folds hits into the findings in memory, and tells those that changed.
    fn tell(&self, session: &mut Session, fold: Fold, now_ms: i64) -> anyhow::Result<()> {
        let Session { live, loaded, hits, .. } = session;
        let missing = live.missing(&fold);
        if !missing.is_empty() {
            let plan = Plan { spill: Arc::new(InMemory::default()), ..Plan::new(&loaded.set) };
            let snapshot = hits.current()?;
            for day in missing {
                let mut before = Fold::default();
                fold_day(&snapshot, &plan, day, &mut before).context("cannot fold the hits of a day")?;
                live.load(day, before, &loaded.set.rules);
            }
        }
        let touched: Vec<Touched> = live.add(fold, &loaded.set.rules).into_iter().collect();
        // One file may have a million findings, and what is told of one takes more than what is known.
        for touched in touched.chunks(TOLD_AT_ONCE) {
            let findings: Vec<Finding> =
                touched.iter().filter_map(|touched| live.finding(touched, &loaded.set.rules)).collect();
            if !findings.is_empty() {
                failpoint::step("findings", || self.outlet.findings(&findings, now_ms))?;
            }
        }
        Ok(())
    }

    fn commit(&self, session: &mut Session) -> anyhow::Result<()> {
        let positions = session.behind.map(|behind| ("wal".to_owned(), behind.get().to_string())).into_iter().collect();
        session.keep.commit(positions)?;
        session.since = None;
        if let Some(behind) = session.behind {
            self.release(behind)?;
        }
        for (work, skipped) in session.uncommitted.drain(..) {
            (work.done)(&skipped);
        }
        self.count(std::mem::take(&mut session.events));
        // Only what is in the lake can be folded anew.
        session.live.forget(DAYS_MAX, LIVE_BYTES);
        self.progressed.commits.fetch_add(1, Ordering::Relaxed);
        *lock(&self.progressed.trouble) = None;
        Ok(())
    }

    /// Where the log is to be read from.
    fn position(&self) -> anyhow::Result<Position> {
        let cannot = || format!("cannot read {}", self.checkpoint.display());
        let position = match read_small(&*self.disk, &self.checkpoint) {
            Ok(text) => text.trim().parse().with_context(cannot)?,
            // Without a checkpoint all is read again, which adds nothing twice.
            Err(err) if err.kind() == io::ErrorKind::NotFound => 0,
            Err(err) => return Err(err).with_context(cannot),
        };
        // The first delivery has the position 1, so before it there is nothing to wait for.
        let position = position.max(1);
        self.progressed.committed.store(position, Ordering::Release);
        self.progressed.detected.fetch_max(position, Ordering::AcqRel);
        Ok(Position::new(position))
    }
}

impl Session {
    fn count(&mut self, outcome: &Outcome) {
        for counted in outcome.tally.sources.ranked(ALL.len()).names {
            *self.events.entry(counted.name).or_default() += counted.count;
        }
    }
}

/// The text of a file that holds a number.
fn read_small(disk: &dyn Disk, path: &Path) -> io::Result<String> {
    let mut bytes = [0; 64];
    let n = disk.open(path)?.read_at(0, &mut bytes)?;
    String::from_utf8(bytes[..n].to_vec()).map_err(io::Error::other)
}

/// What a panic says.
fn said(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or(panic.downcast_ref::<&str>().copied()).unwrap_or("for no reason that it gives")
}

/// Writes a file as a whole or not at all.
fn write_checkpoint(disk: &dyn Disk, path: &Path, position: u64) -> anyhow::Result<()> {
    let write = || {
        let new = path.with_extension("new");
        match disk.remove(&new) {
            Err(err) if err.kind() != io::ErrorKind::NotFound => return Err(err),
            _ => {}
        }
        let mut file = disk.create(&new)?;
        file.append(position.to_string().as_bytes())?;
        file.sync()?;
        failpoint::step("checkpoint.rename", || disk.rename(&new, path))?;
        path.parent().map_or(Ok(()), |folder| disk.sync_folder(folder))
    };
    write().with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
#[path = "engine_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "sim/mod.rs"]
mod sim;
