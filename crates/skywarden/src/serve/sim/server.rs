//! A server in the simulated world: how it starts, what each action does to it, and how it dies.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, ensure};
use event::finding::Finding;
use lake::{Env, Faults, Lake, Mode};
use state::{Entropy, State};
use wal::sim::{Dice, Operation, SimDisk};
use wal::{Disk, Wal};

use super::super::super::clock::Clock;
use super::super::super::outlet::Ledger;
use super::super::super::reserve::Reserve;
use super::super::super::rules::RuleBook;
use super::super::super::upkeep::Upkeep;
use super::super::{Door, Engine, FileWork, Named, Outlet, Progressed, Session};
use super::objects::Objects;
use super::schedule::{Action, Other, What};
use super::traffic::{self, Delivery, MORE_RULES, RULES};
use super::world::{Can, Fate, World};
use crate::cli::input::Rules;
use crate::keep::Keep;
use crate::pipeline::{Hits, Piece, Plan, Progress, scan_bound};

/// How long rows wait for a commit.
pub const COMMIT_AFTER: Duration = Duration::from_secs(10);
/// Small, so that there are several segments and the log can be full.
const LOG: wal::Options =
    wal::Options { segment_bytes: 4 << 10, window: Duration::ZERO, bytes_max: 48 << 10, waiting_bytes_max: 1 << 20 };
/// Days are kept for so long: longer than any record of a run is old.
const RETAIN_DAYS: u32 = 400;

/// A run.
pub struct Sim {
    /// The world.
    pub world: Arc<World>,
    /// The objects of the lake.
    pub objects: Arc<Objects>,
    uri: String,
    disk: SimDisk,
    folder: tempfile::TempDir,
    /// The server, while it runs.
    pub process: Option<Process>,
    /// What was sent.
    pub sent: Vec<Sent>,
    /// What was handed over as files.
    pub files: Vec<Handed>,
    /// What another process appended.
    pub others: Arc<std::sync::Mutex<Vec<Piece>>>,
    has_more_rules: bool,
}

/// A delivery and what its client knows.
pub struct Sent {
    /// The delivery.
    pub delivery: Delivery,
    /// Whether it was acknowledged.
    pub is_acknowledged: bool,
    /// Whether the client will never try again.
    pub is_given_up: bool,
}

/// A file that is handed over.
pub struct Handed {
    /// What is in it.
    pub delivery: Delivery,
    path: PathBuf,
    /// Whether the engine said that it is in the lake.
    pub is_done: Arc<AtomicBool>,
}

/// The server's process.
pub struct Process {
    /// The lake.
    pub lake: Arc<Lake>,
    /// The state.
    pub state: Arc<State>,
    /// The log of deliveries.
    pub wal: Arc<Wal>,
    /// The engine.
    pub engine: Engine,
    /// Its work since the last failure.
    pub session: Option<Session>,
    rules: Arc<RuleBook>,
    reserve: Arc<Reserve>,
}

/// The state, as the engine reaches it.
struct Watched {
    inner: Ledger,
    world: Arc<World>,
}

impl Outlet for Watched {
    fn findings(&self, findings: &[Finding], now_ms: i64) -> anyhow::Result<()> {
        let of = format!("{} findings", findings.len());
        match self.world.call("state", &of, Can::Mute) {
            Fate::Done => self.inner.findings(findings, now_ms),
            Fate::Mute => {
                self.inner.findings(findings, now_ms)?;
                anyhow::bail!("the state does not answer")
            }
            _ => anyhow::bail!("the state cannot be written"),
        }
    }
}

impl Sim {
    /// Nothing has happened yet.
    pub fn new(seed: u64, is_told: bool) -> anyhow::Result<Sim> {
        let world = World::new(seed, is_told);
        // In memory, where the system has a folder for that: SQLite waits for its syncs, and they are not what is tried.
        let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir())?;
        std::fs::create_dir(folder.path().join("rules"))?;
        for (name, text) in RULES {
            std::fs::write(folder.path().join("rules").join(name), text)?;
        }
        // What the product keeps in a folder, with SQLite for a catalog, can lie in a bucket as well.
        let place = seed.is_multiple_of(3).then(|| folder.path().join("lake"));
        let uri = place.as_ref().map_or("memory://lake".to_owned(), |place| place.to_string_lossy().into_owned());
        Ok(Sim {
            objects: Objects::new(place, &world),
            uri,
            world,
            disk: SimDisk::new(),
            folder,
            process: None,
            sent: Vec::new(),
            files: Vec::new(),
            others: Arc::default(),
            has_more_rules: false,
        })
    }

    /// Does something; if the process died of it, what it leaves is what the next one finds.
    pub fn act(&mut self, action: &Action) -> anyhow::Result<()> {
        self.world.begin(action.trouble);
        self.world.note(&format!("{action:?}"));
        let mut dice = Dice::new(action.seed);
        if self.process.is_none() {
            self.start();
        }
        if self.process.is_some() {
            if let Some((at, other)) = action.meanwhile {
                let what = self.other(other, action.number, &mut dice);
                self.world.meanwhile(at, Box::new(what));
            }
            self.perform(action, &mut dice)?;
        }
        if self.world.is_dead() {
            self.end(dice.below(2) == 0, &mut dice);
        }
        self.bounded()
    }

    fn perform(&mut self, action: &Action, dice: &mut Dice) -> anyhow::Result<()> {
        match action.what {
            What::Send { is_patient } => {
                let delivery = traffic::delivery(action.number, dice);
                self.sent.push(Sent { delivery, is_acknowledged: false, is_given_up: false });
                let at = self.sent.len() - 1;
                self.deliver(at);
                self.sent[at].is_given_up = !is_patient && !self.sent[at].is_acknowledged;
            }
            What::Retry => self.retry(),
            What::Repeat => {
                let known: Vec<usize> = (0..self.sent.len()).filter(|at| self.sent[*at].is_acknowledged).collect();
                if !known.is_empty() {
                    self.deliver(known[dice.below(known.len())]);
                }
            }
            What::File => self.file(action.number, dice)?,
            What::Turns(n) => (0..n).for_each(|_| self.turn()),
            What::Wait(time) => {
                self.world.pass(time);
                self.turn();
            }
            What::Jump(ms) => self.world.jump(ms),
            What::Other(other) => self.other(other, action.number, dice)(),
            What::Rules => self.change_rules()?,
            What::Full(room) => {
                let used: usize =
                    self.disk.paths().iter().filter_map(|path| self.disk.bytes(path)).map(|b| b.len()).sum();
                self.disk.set_capacity(Some(used as u64 + room));
                let delivery = traffic::delivery(action.number, dice);
                self.sent.push(Sent { delivery, is_acknowledged: false, is_given_up: false });
                self.retry();
                self.turn();
                self.disk.set_capacity(None);
            }
            What::Kill => self.end(false, dice),
            What::PowerCut => self.end(true, dice),
        }
        Ok(())
    }

    /// Starts the server; whatever keeps it from starting is tried again later.
    pub fn start(&mut self) {
        self.world.revive();
        let world = Arc::clone(&self.world);
        self.disk.set_hook(move |call| {
            // Names of folders are those of this machine.
            let of = call.path.file_name().unwrap_or_default().to_string_lossy();
            match world.call(name(call.operation), &of, Can::Fail) {
                Fate::Done => Ok(()),
                _ => Err(std::io::Error::other("the disk fails")),
            }
        });
        match self.open() {
            Ok(process) => self.process = Some(process),
            Err(err) => {
                self.world.count("starts that fail");
                self.world.note(&format!("it does not start: {}", self.plain(&err)));
            }
        }
    }

    /// What went wrong, without names of this machine.
    fn plain(&self, err: &anyhow::Error) -> String {
        format!("{err:#}").replace(&*self.folder.path().to_string_lossy(), "FOLDER")
    }

    fn open(&self) -> anyhow::Result<Process> {
        let world = &self.world;
        let now_ms = Clock::now_ms(&**world);
        let folder = self.folder.path();
        let state = Arc::new(State::open(
            &folder.join("state.sqlite"),
            Arc::<World>::clone(world) as Arc<dyn Entropy>,
            now_ms,
        )?);
        let options = lake::Options {
            objects: Some(Arc::<Objects>::clone(&self.objects)),
            env: Arc::<World>::clone(world) as Arc<dyn Env>,
            faults: Arc::<World>::clone(world) as Arc<dyn Faults>,
            // Little, so that identities are read again.
            identity_bytes_max: 4_000,
            ..lake::Options::default()
        };
        let lake = Arc::new(Lake::open_with(&self.uri, Mode::Create, options)?);
        let reserve = Arc::new(Reserve::open(folder)?);
        let only = Rules { only_rules: vec![folder.join("rules")], ..Rules::default() };
        let rules = Arc::new(RuleBook::open(only, event::layout::Estate::default())?);
        let disk: Arc<dyn Disk> = Arc::new(self.disk.clone());
        let (wal, recovery) = Wal::open(Path::new("/data/log"), LOG, Arc::clone(&disk))?;
        world.note(&format!("{} deliveries are in the log", recovery.n_frames));
        let wal = Arc::new(wal);
        let engine = Engine {
            lake: Arc::clone(&lake),
            wal: Arc::clone(&wal),
            outlet: Arc::new(Watched { inner: Ledger::new(Arc::clone(&state)), world: Arc::clone(world) }),
            rules: Arc::clone(&rules),
            door: Arc::new(Door::default()),
            progressed: Arc::new(Progressed::default()),
            clock: Arc::<World>::clone(world) as Arc<dyn Clock>,
            disk,
            checkpoint: PathBuf::from("/data/checkpoint"),
            n_threads: 1,
            commit_after: COMMIT_AFTER,
        };
        // Whoever brought a file brings it again until it is done.
        for handed in self.files.iter().filter(|handed| !handed.is_done.load(Ordering::Acquire)) {
            engine.door.file(handed.work());
        }
        Ok(Process { lake, state, wal, engine, session: None, rules, reserve })
    }

    /// The process ends at once.
    fn end(&mut self, is_power_cut: bool, dice: &mut Dice) {
        self.process = None;
        if is_power_cut {
            self.disk.power_loss(dice.roll());
        } else {
            self.disk.kill();
        }
        self.objects.settle(|| dice.below(2) == 0);
        let told = if is_power_cut { "power cuts" } else { "deaths" };
        self.world.count(told);
        self.world.note(told);
    }

    /// Hands a delivery to the log, as all protocols do, and tells its client what came of it.
    fn deliver(&mut self, at: usize) {
        let Some(process) = &self.process else { return };
        let sent = &mut self.sent[at];
        let frame = sent.delivery.frame(Clock::now_ms(&*self.world));
        let answer = process.wal.append(frame.encoded()).wait();
        let told = if answer.is_ok() { "deliveries taken" } else { "deliveries refused" };
        self.world.count(told);
        self.world.note(&format!("{}: {told}", sent.delivery.name));
        sent.is_acknowledged |= answer.is_ok();
    }

    /// All that was not acknowledged comes again, unless its client gave up.
    pub fn retry(&mut self) {
        for at in 0..self.sent.len() {
            if !self.sent[at].is_acknowledged && !self.sent[at].is_given_up {
                self.deliver(at);
            }
        }
    }

    fn file(&mut self, number: usize, dice: &mut Dice) -> anyhow::Result<()> {
        let mut delivery = traffic::delivery(number, dice);
        delivery.pieces = vec![delivery.pieces.join(&b'\n')];
        let path = self.folder.path().join(format!("file-{number}"));
        std::fs::write(&path, &delivery.pieces[0])?;
        let handed = Handed { delivery, path, is_done: Arc::default() };
        if let Some(process) = &self.process {
            process.engine.door.file(handed.work());
        }
        self.files.push(handed);
        Ok(())
    }

    /// The engine takes a turn, as its thread does.
    pub fn turn(&mut self) {
        let Some(process) = &mut self.process else { return };
        let Process { engine, session, .. } = process;
        let turn = (|| {
            let session = match session {
                Some(session) => session,
                None => session.insert(engine.session()?),
            };
            engine.turn(session)
        })();
        match turn {
            Ok(turn) => self.world.note(&format!("{turn:?}")),
            Err(err) => {
                process.session = None;
                let told = self.plain(&err);
                assert!(!told.contains("panicked: "), "{told}");
                self.world.count("turns that fail");
                self.world.note(&told);
            }
        }
    }

    /// Something beside the engine, done when it is called.
    fn other(&self, other: Other, number: usize, dice: &mut Dice) -> impl FnOnce() + Send + use<> {
        let upkeep = self.process.as_ref().map(|process| self.upkeep(process));
        let pieces = traffic::others(number, dice);
        let (objects, theirs, world) = (self.objects.of_others(), Arc::clone(&self.others), Arc::clone(&self.world));
        let seed = dice.roll();
        let is_alone = !self.uri.contains("://");
        let folder = self.folder.path().to_string_lossy().into_owned();
        move || {
            let Some(upkeep) = upkeep else { return };
            let done = match other {
                Other::Look => upkeep.look(),
                Other::Publish => upkeep.publish(),
                Other::Tidy => upkeep.tidy(),
                // A folder has one writer.
                Other::Append if is_alone => Ok(()),
                Other::Append => {
                    let text = pieces.join("\n");
                    let piece = Piece { name: format!("other/{number}"), trust: "file", bytes: text.into_bytes() };
                    let options = lake::Options {
                        objects: Some(objects),
                        env: World::new(seed, false) as Arc<dyn Env>,
                        ..lake::Options::default()
                    };
                    super::super::lock(&theirs).push(piece.clone());
                    append(options, piece)
                }
            };
            let said = done.map_or_else(|err| format!("{err:#}").replace(&folder, "FOLDER"), |()| "done".into());
            world.note(&format!("{other:?}: {said}"));
        }
    }

    /// What looks after this process.
    pub fn upkeep(&self, process: &Process) -> Upkeep {
        Upkeep {
            lake: Arc::clone(&process.lake),
            state: Arc::clone(&process.state),
            wal: Arc::clone(&process.wal),
            told: AtomicU64::new(0),
            vouched: AtomicI64::new(-1),
            rules: Arc::clone(&process.rules),
            reserve: Arc::clone(&process.reserve),
            door: Arc::clone(&process.engine.door),
            progressed: Arc::clone(&process.engine.progressed),
            clock: Arc::<World>::clone(&self.world) as Arc<dyn Clock>,
            retain_days: Some(RETAIN_DAYS),
            silent_after: Duration::from_secs(3_600),
            stopping: Arc::new(AtomicBool::new(false)),
        }
    }

    fn change_rules(&mut self) -> anyhow::Result<()> {
        let path = self.folder.path().join("rules").join(MORE_RULES.0);
        if self.has_more_rules {
            std::fs::remove_file(&path)?;
        } else {
            std::fs::write(&path, MORE_RULES.1)?;
        }
        self.has_more_rules = !self.has_more_rules;
        if let Some(process) = &self.process {
            ensure!(process.rules.refresh(), "rules that changed are not read again");
        }
        Ok(())
    }

    /// The rules as they are now.
    pub fn rules(&self) -> anyhow::Result<Arc<super::super::Loaded>> {
        Ok(self.process.as_ref().context("the server runs")?.rules.current())
    }

    /// That nothing grows without end.
    fn bounded(&self) -> anyhow::Result<()> {
        let Some(process) = &self.process else { return Ok(()) };
        let stats = process.wal.stats();
        ensure!(
            stats.waiting_bytes == 0 && stats.bytes <= LOG.bytes_max + LOG.segment_bytes,
            "the log grows: {stats:?}"
        );
        let Some(session) = &process.session else { return Ok(()) };
        let (days, bytes) = (session.live.days(), session.live.bytes());
        if session.since.is_none() {
            ensure!(days <= super::super::DAYS_MAX && bytes <= super::super::LIVE_BYTES, "{days} days are in memory");
            ensure!(session.keep.waiting() == (0, 0), "rows wait that nobody commits");
            ensure!(session.uncommitted.is_empty(), "files wait that nobody commits");
        }
        Ok(())
    }

    /// All faults end, all clients come again, and the engine gets time: then nothing is left to do.
    pub fn heal(&mut self) -> anyhow::Result<()> {
        self.world.begin(None);
        self.world.note("all is well again");
        self.objects.settle(|| true);
        if self.process.is_none() {
            self.start();
        }
        for _ in 0..200 {
            self.retry();
            self.world.pass(COMMIT_AFTER);
            self.turn();
            if self.is_drained() {
                return Ok(());
            }
        }
        let process = self.process.as_ref().context("the server does not start although all is well")?;
        anyhow::bail!("the engine does not come to an end: {:?}, {:?}", process.wal.stats(), process.engine.progressed)
    }

    fn is_drained(&self) -> bool {
        let Some(Process { wal, engine, session: Some(session), .. }) = &self.process else { return false };
        let is_read = engine.progressed.committed.load(Ordering::Acquire) >= wal.stats().durable.get();
        let is_sent = self.sent.iter().all(|sent| sent.is_acknowledged || sent.is_given_up);
        let is_done = self.files.iter().all(|handed| handed.is_done.load(Ordering::Acquire));
        is_sent && is_read && is_done && session.since.is_none() && engine.door.files_waiting() == 0
    }
}

impl Handed {
    fn work(&self) -> FileWork {
        let is_done = Arc::clone(&self.is_done);
        let done = move |_: &[report::Skipped]| is_done.store(true, Ordering::Release);
        let named = Named { name: format!("s3://bucket/{}", self.delivery.name), trust: "aws" };
        FileWork { path: self.path.clone(), named: Some(named), done: Box::new(done) }
    }
}

/// Appends to a lake as `ingest` does.
pub fn append(options: lake::Options, piece: Piece) -> anyhow::Result<()> {
    let env = Arc::clone(&options.env);
    let lake = Lake::open_with("memory://lake", Mode::Create, options)?;
    let keep = Keep::new(&lake, env.now_ms())?;
    let rules = detect::load::RuleSet::default();
    let bound = crate::pipeline::bind_all(&rules, event::layout::Estate::default());
    let plan = Plan { pieces: vec![piece], keep: Some(&keep), hits: Hits::Kept, n_threads: 1, ..Plan::new(&rules) };
    scan_bound(&plan, &bound, &Progress::default())?;
    keep.close()?;
    Ok(())
}

fn name(operation: Operation) -> &'static str {
    match operation {
        Operation::CreateFolder => "create folder",
        Operation::Create => "create",
        Operation::Open => "open",
        Operation::List => "list files",
        Operation::Rename => "rename",
        Operation::Remove => "remove",
        Operation::SyncFolder => "sync folder",
        Operation::Append => "append",
        Operation::Read => "read",
        Operation::Size => "size",
        Operation::Truncate => "truncate",
        Operation::Sync => "sync",
    }
}
