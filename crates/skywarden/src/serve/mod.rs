//! The server: what it is made of, and the order in which it starts and stops.

pub mod backtests;
pub mod buckets;
pub mod clock;
pub mod config;
mod disk;
pub mod engine;
pub mod fields;
pub mod frame;
pub mod listen;
pub mod log;
mod outlet;
pub mod protocols;
pub mod quarantine;
pub mod queries;
pub mod reserve;
pub mod rules;
mod suspects;
pub mod syslog;
mod upkeep;
mod watch;

use std::fs::{File, TryLockError};
use std::io::{Read as _, Write as _};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::{Context, bail};
use event::layout::Estate;
use lake::{Lake, Mode};
use state::{State, SystemEntropy};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use wal::Wal;

use crate::api::limits::Limits;
use crate::api::policy::Policy;
use crate::api::{App, HASHING_MAX, TRYING_MAX, document, room, router};
use crate::cli::input::Rules;
use crate::failpoint;
use crate::pipeline::Plan;
use crate::places;
use crate::refold::fold_all;
use backtests::Backtests;
use buckets::Healths;
use clock::{Clock, SystemClock};
use config::Config;
use engine::{Door, Engine, Outlet as _, Progressed};
use fields::Fields;
use listen::{Tls, listen};
use outlet::Ledger;
use queries::Queries;
use reserve::Reserve;
use rules::RuleBook;
use upkeep::Upkeep;

/// How often files of rules and certificates are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// Memory for the identities of records that are in the lake: four million, the last minutes of a busy day.
const IDENTITY_BYTES: usize = 64 << 20;

/// The file that says that the state was restored, and may not know what the lake holds.
pub const FOLD_ANEW: &str = "fold-anew";

/// What is said while the reserve is in use.
pub const FULL: &str =
    "the disk is full: no deliveries are taken until there is space, and what people do goes on with a reserve";

/// Milliseconds since 1970 UTC.
pub fn now_ms() -> i64 {
    SystemClock.now_ms()
}

/// A mutex whose holder never leaves what it guards half-changed.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Serves until it is told to stop.
pub fn serve(config: &Config, is_demo: bool) -> anyhow::Result<()> {
    // What can be refused is, before anything is made or begun.
    failpoint::check()?;
    let tls = certificate(config)?;
    allow(config.listen, tls.is_some(), config.is_plain_http_allowed)?;
    let listener =
        std::net::TcpListener::bind(config.listen).with_context(|| format!("cannot listen on {}", config.listen))?;
    listener.set_nonblocking(true).context("cannot set up the socket")?;
    make_private(&config.data)?;
    let _alone = alone(&config.data.join("lock"))?;
    let places = match is_demo {
        true => Some(places::made_up()?),
        false => places::open(config.geoip.as_deref(), Some(&config.data))?,
    };
    let kept = Kept::open(config)?;
    kept.fold_anew(&config.data)?;
    let engine = kept.engine(config)?;
    let stopping = Arc::new(AtomicBool::new(false));
    for path in &config.import {
        watch::import(path, &kept.door);
    }
    let watcher = watch::start(&config.watch, &kept.door, &kept.state, &kept.progressed, &stopping)?;
    let feeds = buckets::start(&config.buckets, &config.data, &kept.door, &kept.state, &stopping)?;
    let upkeep = kept.upkeep(config, &stopping).start()?;
    // However this ends, what runs is told to, so that nobody waits for it in vain.
    let _end = Ending { stopping: Arc::clone(&stopping), wal: Arc::clone(&kept.wal), door: Arc::clone(&kept.door) };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .context("cannot start threads")?;
    let settings = (is_demo, config.requests_per_s);
    let app = Arc::new(kept.app(runtime.handle().clone(), Arc::clone(&feeds.healths), places, settings)?);
    runtime.block_on(answer(app, listener, tls, &config.syslog))?;
    // All that was taken is committed before the end; what would not be is read from the log at the next start.
    stopping.store(true, Ordering::Release);
    drop(watcher);
    drop(feeds);
    drop(upkeep);
    kept.wal.close();
    kept.door.stop();
    let _ = engine.join();
    runtime.shutdown_timeout(Duration::from_secs(2));
    log::info("server", "stopped");
    Ok(())
}

/// Opens the state. One that is not the one that was here is refused, unless somebody says that it is all right.
fn state(config: &Config, now_ms: i64) -> anyhow::Result<State> {
    let path = config.data.join("state.sqlite");
    // The state is made first, so where there is more there was a state.
    let left: Vec<&str> = ["lake", "log"].into_iter().filter(|name| config.data.join(name).exists()).collect();
    let is_gone = !path.exists() && !left.is_empty();
    let advice = "put a backup of it in place, with what was beside it; or start once with --accept-state, which goes on with what is there and says so in the audit";
    if config.is_state_accepted {
        let state = State::accept(&path, Arc::new(SystemEntropy), now_ms).context("cannot open the state")?;
        if is_gone {
            let why = format!("there was no state, and there was a {}", left.join(" and a "));
            state.note(now_ms, "system", "state.accepted", serde_json::json!({"why": why}))?;
        }
        return Ok(state);
    }
    if is_gone {
        let (path, left) = (path.display(), left.join(" and a "));
        bail!(
            "`{path}` is missing, and there is a {left}: users, findings, decisions and the audit were in it; {advice}"
        );
    }
    match State::open(&path, Arc::new(SystemEntropy), now_ms) {
        Err(err @ state::StateError::Mistrust { .. }) => Err(err).context(advice),
        opened => opened.context("cannot open the state"),
    }
}

/// The certificate, if there is one.
fn certificate(config: &Config) -> anyhow::Result<Option<Arc<Tls>>> {
    match (&config.tls_cert, &config.tls_key) {
        (Some(cert), Some(key)) => Ok(Some(Arc::new(Tls::open(cert, key)?))),
        (None, None) => Ok(None),
        _ => bail!("tls_cert and tls_key go together: set both or none"),
    }
}

/// What the server keeps on disk, and what its parts tell each other by.
struct Kept {
    clock: Arc<dyn Clock>,
    state: Arc<State>,
    lake: Arc<Lake>,
    rules: Arc<RuleBook>,
    wal: Arc<Wal>,
    door: Arc<Door>,
    progressed: Arc<Progressed>,
    reserve: Arc<Reserve>,
    /// Damaged places of the log that were known when the server ended last.
    n_known: u64,
}

impl Kept {
    /// Opens all of it, or makes it.
    fn open(config: &Config) -> anyhow::Result<Kept> {
        let data = &config.data;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let reserve = Reserve::open(data).context("cannot make a reserve on the disk")?;
        if reserve.is_in_use() {
            log::error("disk", FULL);
        }
        let state = state(config, clock.now_ms())?;
        let options = lake::Options { identity_bytes_max: IDENTITY_BYTES, ..lake::Options::default() };
        let lake = Lake::open_with(&data.join("lake").to_string_lossy(), Mode::Create, options)?;
        let estate = Estate { accounts: config.own_accounts.iter().cloned().collect() };
        let files = Rules { rules: config.rules.clone(), ..Rules::default() };
        let state = Arc::new(state);
        let rules = RuleBook::with_kept(files, estate, Arc::clone(&state))?;
        let options = wal::Options { bytes_max: config.log_bytes_max, ..wal::Options::default() };
        let (wal, recovery) =
            Wal::open(&data.join("log"), options, disk::disk()).context("cannot open the log of deliveries")?;
        let n_known = recovery.damaged.iter().filter(|damage| !damage.is_new).count() as u64;
        let (n, torn, damaged) = (recovery.n_frames, recovery.torn_bytes, recovery.n_damaged);
        let told = format!(
            "{n} deliveries are in the log, {torn} bytes of one that was cut off were dropped, {damaged} damaged places were set aside"
        );
        // What was torn was never acknowledged; what is damaged may have been.
        if damaged > 0 {
            log::error("log", &told)
        } else {
            log::info("log", &told)
        }
        Ok(Kept {
            clock,
            state,
            lake: Arc::new(lake),
            rules: Arc::new(rules),
            wal: Arc::new(wal),
            door: Arc::default(),
            progressed: Arc::default(),
            reserve: Arc::new(reserve),
            n_known,
        })
    }

    /// After the state was restored, what the lake holds that it does not know becomes findings; before the engine adds to them.
    fn fold_anew(&self, data: &Path) -> anyhow::Result<()> {
        let marker = data.join(FOLD_ANEW);
        if !marker.exists() {
            return Ok(());
        }
        log::info("server", "the state was restored: findings are made of what the lake holds");
        let (loaded, outlet) = (self.rules.current(), Ledger::new(Arc::clone(&self.state)));
        let plan = Plan::new(&loaded.set);
        let n = fold_all(&self.lake, &plan, |findings| outlet.findings(findings, self.clock.now_ms()))
            .context("cannot make findings of what the lake holds")?;
        log::info("server", &format!("{n} findings were looked at"));
        std::fs::remove_file(&marker).with_context(|| format!("cannot remove {}", marker.display()))
    }

    /// Starts the engine.
    fn engine(&self, config: &Config) -> anyhow::Result<thread::JoinHandle<()>> {
        let engine = Engine {
            lake: Arc::clone(&self.lake),
            wal: Arc::clone(&self.wal),
            outlet: Arc::new(Ledger::new(Arc::clone(&self.state))),
            rules: Arc::clone(&self.rules),
            door: Arc::clone(&self.door),
            progressed: Arc::clone(&self.progressed),
            clock: Arc::clone(&self.clock),
            disk: disk::disk(),
            checkpoint: config.data.join("checkpoint"),
            n_threads: thread::available_parallelism().map_or(1, usize::from),
            commit_after: config.commit_after,
        };
        thread::Builder::new().name("engine".into()).spawn(move || engine.run()).context("cannot start a thread")
    }

    fn upkeep(&self, config: &Config, stopping: &Arc<AtomicBool>) -> Upkeep {
        Upkeep {
            lake: Arc::clone(&self.lake),
            state: Arc::clone(&self.state),
            wal: Arc::clone(&self.wal),
            told: AtomicU64::new(self.n_known),
            vouched: AtomicI64::new(-1),
            rules: Arc::clone(&self.rules),
            progressed: Arc::clone(&self.progressed),
            reserve: Arc::clone(&self.reserve),
            door: Arc::clone(&self.door),
            clock: Arc::clone(&self.clock),
            retain_days: config.retain_days,
            silent_after: config.silent_after,
            stopping: Arc::clone(stopping),
        }
    }

    /// What requests are answered with.
    fn app(
        &self,
        runtime: tokio::runtime::Handle,
        healths: Healths,
        places: Option<enrich::Places>,
        (is_demo, per_s): (bool, u64),
    ) -> anyhow::Result<App> {
        let policy = Policy::of(&document())
            .map_err(|wrong| anyhow::anyhow!("the API is not described: {}", wrong.join("; ")))?;
        Ok(App {
            state: Arc::clone(&self.state),
            lake: Arc::clone(&self.lake),
            wal: Arc::clone(&self.wal),
            door: Arc::clone(&self.door),
            progressed: Arc::clone(&self.progressed),
            reserve: Arc::clone(&self.reserve),
            rules: Arc::clone(&self.rules),
            queries: Queries::new(Arc::clone(&self.lake), runtime),
            backtests: Backtests::new(Arc::clone(&self.lake)),
            fields: Fields::new(Arc::clone(&self.lake)),
            places,
            policy,
            clock: Arc::clone(&self.clock),
            healths,
            rooms: room::Rooms::default(),
            trying: Arc::new(Semaphore::new(TRYING_MAX)),
            limits: Limits::new(per_s),
            hashing: Arc::new(Semaphore::new(HASHING_MAX)),
            running: Arc::default(),
            streams: Arc::default(),
            replaying: Arc::default(),
            entropy: Arc::new(SystemEntropy),
            begun_ms: self.clock.now_ms(),
            is_demo,
        })
    }
}

/// Answers until somebody asks the server to stop.
async fn answer(
    app: Arc<App>,
    listener: std::net::TcpListener,
    tls: Option<Arc<Tls>>,
    syslog: &syslog::Addresses,
) -> anyhow::Result<()> {
    let listener = TcpListener::from_std(listener).context("cannot set up the socket")?;
    let address = listener.local_addr().context("cannot tell where the server listens")?;
    syslog::start(&app, syslog, tls.as_ref()).await?;
    welcome(&app, address, tls.is_some())?;
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let looking = tokio::spawn(look(Arc::clone(&app.rules), tls.clone()));
    let answering = tokio::spawn(listen(listener, router(app), tls, stopped));
    signal().await?;
    log::info("server", "stopping: a second signal ends it at once");
    tokio::spawn(async {
        if signal().await.is_ok() {
            std::process::exit(130);
        }
    });
    let _ = stop.send(true);
    let _ = answering.await;
    looking.abort();
    Ok(())
}

/// Tells all threads to end when it is dropped.
struct Ending {
    stopping: Arc<AtomicBool>,
    wal: Arc<Wal>,
    door: Arc<Door>,
}

impl Drop for Ending {
    fn drop(&mut self) {
        self.stopping.store(true, Ordering::Release);
        self.wal.close();
        self.door.stop();
    }
}

/// Looks at files that may change.
async fn look(rules: Arc<RuleBook>, tls: Option<Arc<Tls>>) {
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        let (rules, tls) = (Arc::clone(&rules), tls.clone());
        let _ = tokio::task::spawn_blocking(move || {
            rules.refresh();
            if let Some(tls) = tls {
                tls.refresh();
            }
        })
        .await;
    }
}

/// Waits until somebody asks the server to stop.
async fn signal() -> anyhow::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut term, mut int) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    tokio::select! {
        _ = term.recv() => {}
        _ = int.recv() => {}
    }
    Ok(())
}

/// Logs and passwords do not travel in the open, unless somebody says that they may.
fn allow(address: SocketAddr, is_tls: bool, is_plain_allowed: bool) -> anyhow::Result<()> {
    if is_tls || is_plain_allowed || address.ip().is_loopback() {
        return Ok(());
    }
    bail!(
        "{address} can be reached from elsewhere and there is no certificate: set tls_cert and tls_key, or plain_http = true if something in front of it speaks TLS"
    )
}

/// Says where the server is, and how to get in the first time.
fn welcome(app: &App, address: SocketAddr, is_tls: bool) -> anyhow::Result<()> {
    let scheme = if is_tls { "https" } else { "http" };
    let mut out = std::io::stdout().lock();
    if app.is_demo {
        writeln!(out, "DEMO: what you will see is made up.")?;
    }
    writeln!(out, "Skywarden listens at {scheme}://{address}/")?;
    if let Some(secret) = app.state.first_run(app.now_ms()).context("cannot make the first link")? {
        writeln!(out, "Nobody can log in yet. This link, good for a day and once, makes the first admin:")?;
        writeln!(out, "  {scheme}://{address}/setup#{secret}")?;
    }
    out.flush()?;
    Ok(())
}

/// Makes a folder that only its owner can read.
pub fn make_private(folder: &Path) -> anyhow::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.with_context(|| format!("cannot make the data folder {}", folder.display()))
}

/// Takes the folder for this process alone.
pub fn alone(path: &Path) -> anyhow::Result<File> {
    let open = || File::options().read(true).write(true).create(true).truncate(false).open(path);
    let mut file = open().with_context(|| format!("cannot open {}", path.display()))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut pid = String::new();
            let _ = file.read_to_string(&mut pid);
            bail!(
                "another process (pid {}) serves this data folder: stop it, or take another folder with --data",
                pid.trim()
            );
        }
        Err(TryLockError::Error(err)) => return Err(err).with_context(|| format!("cannot lock {}", path.display())),
    }
    file.set_len(0)?;
    write!(file, "{}", std::process::id())?;
    file.sync_all()?;
    Ok(file)
}
