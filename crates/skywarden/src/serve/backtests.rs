//! Rules tried on what is in the lake, as jobs: each has a thread, an owner, a deadline and bounds, and is forgotten a while after it was last looked at.

use std::collections::{BTreeMap, HashSet};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::Context;
use detect::load::RuleSet;
use detect::rule::Rule;
use event::layout::Estate;
use lake::Lake;
use query::Window;
use query::run::Options;

use super::lock;
use super::queries::scoped_engine;
use crate::cli::backtest::{Past, Pushing, Sampled, Seen, hits_before, replay};
use crate::pipeline::Plan;

/// The stack of a thread that tries a rule: plans are walked by recursion.
const STACK_BYTES: usize = 256 << 20;
/// Jobs at a time, and of one user.
const RUNNING_MAX: usize = 2;
const RUNNING_OF_ONE_MAX: usize = 1;
/// Jobs that are kept, and how long after they were last looked at.
const KEPT_MAX: usize = 50;
const KEPT_FOR: Duration = Duration::from_secs(600);
/// How long a job may run.
const DEADLINE: Duration = Duration::from_secs(300);
/// Memory of a job's reading.
const MEMORY_BYTES: usize = 192 << 20;
/// Hits at which a job ends: whoever has so many needs another rule.
const HITS_MAX: usize = 500_000;
/// Records that are shown.
const SAMPLE_MAX: usize = 50;

/// What is tried.
#[derive(Clone)]
pub struct Attempt {
    /// The rule.
    pub rule: Rule,
    /// The rule whose earlier hits are compared with.
    pub compared: Option<String>,
    /// The time range.
    pub window: Window,
    /// The accounts that may be seen; all if nothing is said.
    pub accounts: Option<Vec<String>>,
    /// The place that the logs are from.
    pub estate: Estate,
    /// Who asks.
    pub owner: String,
}

/// How a job is doing.
#[derive(Clone, Debug)]
pub enum State {
    /// Records are looked at.
    Running,
    /// All records were looked at, or as many as there may be hits.
    Done,
    /// It could not go on, and why.
    Failed(String),
}

/// What is known of a job.
#[derive(Clone, Debug)]
pub struct Known {
    /// How it is doing.
    pub state: State,
    /// Records of the logs that the rule is meant for.
    pub events: u64,
    /// Those that it matches.
    pub hits: usize,
    /// Whether there are more hits than may be.
    pub is_partial: bool,
    /// Some of the records.
    pub sample: Vec<Sampled>,
    /// What was found when the events came, beside it.
    pub compared: Option<Compared>,
    /// How long it ran.
    pub took: Duration,
}

/// The hits of now beside those of then.
#[derive(Clone, Copy, Debug)]
pub struct Compared {
    /// Found then, and not now.
    pub only_before: usize,
    /// Found now, and not then.
    pub only_after: usize,
    /// Found both times.
    pub both: usize,
}

/// A job.
pub struct Job {
    /// Its id.
    pub id: String,
    /// What is tried.
    pub attempt: Attempt,
    begun: Instant,
    is_over: AtomicBool,
    inner: Mutex<(Known, Instant)>,
}

/// All jobs.
pub struct Backtests {
    lake: Arc<Lake>,
    jobs: Mutex<BTreeMap<String, Arc<Job>>>,
    /// Threads, also those of jobs that were deleted and have not ended yet.
    at_work: Arc<AtomicUsize>,
}

impl Backtests {
    /// No jobs yet.
    pub fn new(lake: Arc<Lake>) -> Backtests {
        Backtests { lake, jobs: Mutex::default(), at_work: Arc::default() }
    }

    /// Begins a job; nothing if too many run.
    pub fn begin(&self, attempt: Attempt, id: String) -> anyhow::Result<Option<Arc<Job>>> {
        let mut jobs = lock(&self.jobs);
        forget(&mut jobs);
        let n_own = jobs.values().filter(|job| job.is_running() && job.attempt.owner == attempt.owner).count();
        if n_own >= RUNNING_OF_ONE_MAX || self.at_work.load(Ordering::Acquire) >= RUNNING_MAX {
            return Ok(None);
        }
        let known = Known {
            state: State::Running,
            events: 0,
            hits: 0,
            is_partial: false,
            sample: Vec::new(),
            compared: None,
            took: Duration::ZERO,
        };
        let job = Arc::new(Job {
            id: id.clone(),
            attempt,
            begun: Instant::now(),
            is_over: AtomicBool::new(false),
            inner: Mutex::new((known, Instant::now())),
        });
        let (running, lake) = (Arc::clone(&job), Arc::clone(&self.lake));
        let at_work = AtWork::new(&self.at_work);
        std::thread::Builder::new()
            .name("backtest".into())
            .stack_size(STACK_BYTES)
            .spawn(move || {
                let _at_work = at_work;
                let work = std::panic::AssertUnwindSafe(|| run(&running, &lake));
                let done = std::panic::catch_unwind(work).unwrap_or_else(|_| Err(anyhow::anyhow!("it panicked")));
                running.end(done);
            })
            .context("cannot start a thread")?;
        jobs.insert(id, Arc::clone(&job));
        Ok(Some(job))
    }

    /// A job by its id, of a user.
    pub fn get(&self, id: &str, owner: &str) -> Option<Arc<Job>> {
        let job = lock(&self.jobs).get(id).filter(|job| job.attempt.owner == owner).cloned()?;
        lock(&job.inner).1 = Instant::now();
        Some(job)
    }

    /// Ends a job and forgets it.
    pub fn delete(&self, job: &Job) {
        job.is_over.store(true, Ordering::Release);
        lock(&self.jobs).remove(&job.id);
    }
}

/// A thread that runs; counted until it ends, however it does.
struct AtWork(Arc<AtomicUsize>);

impl AtWork {
    fn new(n: &Arc<AtomicUsize>) -> AtWork {
        n.fetch_add(1, Ordering::AcqRel);
        AtWork(Arc::clone(n))
    }
}

impl Drop for AtWork {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

/// Forgets what nobody looks at, and the oldest of too many. A job that nobody looks at is ended.
fn forget(jobs: &mut BTreeMap<String, Arc<Job>>) {
    let looked = |job: &Job| lock(&job.inner).1;
    jobs.retain(|_, job| {
        let is_kept = looked(job).elapsed() < KEPT_FOR;
        job.is_over.fetch_or(!is_kept, Ordering::AcqRel);
        is_kept
    });
    while jobs.len() >= KEPT_MAX
        && let Some(id) =
            jobs.values().filter(|job| !job.is_running()).min_by_key(|job| looked(job)).map(|j| j.id.clone())
    {
        jobs.remove(&id);
    }
}

fn run(job: &Job, lake: &Lake) -> anyhow::Result<(Seen, Option<Compared>)> {
    let Attempt { rule, compared, window, accounts, estate, .. } = &job.attempt;
    let options = Options { deadline: DEADLINE, memory_bytes: MEMORY_BYTES, ..Options::default() };
    let engine = scoped_engine(lake, accounts.as_deref(), options)?;
    let rules = RuleSet { rules: vec![rule.clone()], ..RuleSet::default() };
    let plan = Plan { estate: estate.clone(), ..Plan::new(&rules) };
    let is_over = || job.is_over.load(Ordering::Acquire) || job.begun.elapsed() > DEADLINE;
    let past = Past { engine: &engine, plan: &plan, window: *window, pushing: Pushing::Columns, is_over: &is_over };
    let mut seen = Seen { hits_max: HITS_MAX, sample_max: SAMPLE_MAX, ..Seen::default() };
    replay(&past, &mut seen, None)?;
    if is_over() {
        anyhow::bail!("it took longer than {} s: try a shorter time range", DEADLINE.as_secs());
    }
    let before = match compared {
        Some(_) => Some(hits_before(lake, &rules, *window, accounts.as_deref())?),
        None => None,
    };
    let compared = before.map(|before| compare(&before, &seen.hits));
    Ok((seen, compared))
}

fn compare(before: &HashSet<[u8; 16]>, after: &HashSet<[u8; 16]>) -> Compared {
    let both = after.intersection(before).count();
    Compared { only_before: before.len() - both, only_after: after.len() - both, both }
}

impl Job {
    /// What is known of it.
    pub fn known(&self) -> Known {
        let known = lock(&self.inner).0.clone();
        let took = if matches!(known.state, State::Running) { self.begun.elapsed() } else { known.took };
        Known { took, ..known }
    }

    fn is_running(&self) -> bool {
        matches!(lock(&self.inner).0.state, State::Running)
    }

    fn end(&self, done: anyhow::Result<(Seen, Option<Compared>)>) {
        let mut inner = lock(&self.inner);
        let took = self.begun.elapsed();
        match done {
            Ok((seen, compared)) => {
                let is_partial = seen.hits.len() >= HITS_MAX;
                inner.0 = Known {
                    state: State::Done,
                    events: seen.records,
                    hits: seen.hits.len(),
                    is_partial,
                    sample: seen.sample,
                    // Of a part of the hits it would say what is not so.
                    compared: compared.filter(|_| !is_partial),
                    took,
                };
            }
            Err(err) => {
                inner.0.state = State::Failed(format!("{err:#}"));
                inner.0.took = took;
            }
        }
        inner.1 = Instant::now();
    }
}
