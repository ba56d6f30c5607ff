//! Queries as jobs: begun, watched, read while they run, cancelled, forgotten.
//!
//! Answers are kept as JSON lines within bounds of rows, bytes, number and time; a reader may come while rows are still being found.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use arrow::array::RecordBatch;
use lake::Lake;
use predicate::diagnostic::Diagnostic;
use query::output::{Format, writer};
use query::run::{Engine, Lang, Options, Outcome, QueryError, Work};
use query::{Dataset, PlainTable, Statistics, Window};
use tokio::sync::Notify;

use super::lock;
use crate::cli::query::{datasets, plain};

/// Jobs at a time, and of one user.
const RUNNING_MAX: usize = 4;
const RUNNING_OF_ONE_MAX: usize = 2;
/// What the threads of jobs that have ended may count for besides: planning ends when it is done, whatever was cancelled.
const ENDING_MAX: usize = 4;
const ENDING_OF_ONE_MAX: usize = 2;
/// Answers that are kept.
const KEPT_MAX: usize = 100;
/// How long an answer is kept after it was last looked at.
const KEPT_FOR: Duration = Duration::from_secs(600);
/// The most bytes of one answer.
const ANSWER_BYTES_MAX: usize = 64 << 20;
/// The most bytes of all answers; the oldest go first.
const ANSWERS_BYTES_MAX: usize = 192 << 20;
/// How long a query may run.
const DEADLINE: Duration = Duration::from_secs(60);
/// Memory of one query.
const QUERY_BYTES: usize = 256 << 20;

/// What is asked.
#[derive(Clone, Debug)]
pub struct Question {
    /// The text.
    pub text: String,
    /// Its language.
    pub lang: Lang,
    /// The time range.
    pub window: Window,
    /// The most rows.
    pub rows: usize,
    /// Whether an unknown field is an error.
    pub is_strict: bool,
    /// The accounts that may be seen; all if nothing is said.
    pub accounts: Option<Vec<String>>,
    /// Who asks.
    pub owner: String,
}

/// How a job is doing.
#[derive(Clone, Debug)]
pub enum State {
    /// Rows are being found.
    Running,
    /// All rows were found, or all that may be given.
    Done,
    /// There are no more rows, and why.
    Failed(Failure),
    /// Somebody cancelled it.
    Cancelled,
}

/// Why a query has no answer.
#[derive(Clone, Debug)]
pub enum Failure {
    /// Its text is wrong.
    Text(Vec<Diagnostic>),
    /// It reached a bound, or reading failed.
    Run(String),
}

/// What is known of a job.
#[derive(Clone, Debug)]
pub struct Known {
    /// How it is doing.
    pub state: State,
    /// The names of its columns.
    pub columns: Vec<String>,
    /// Rows so far.
    pub n_rows: usize,
    /// Whether there are more rows than are given.
    pub is_partial: bool,
    /// What was odd about the text.
    pub warnings: Vec<Diagnostic>,
    /// What was read and skipped.
    pub statistics: Option<Statistics>,
    /// How long it ran.
    pub took: Duration,
}

/// A job.
pub struct Job {
    /// Its id.
    pub id: String,
    /// What is asked.
    pub question: Question,
    begun: Instant,
    inner: Mutex<Inner>,
    news: Notify,
}

struct Inner {
    known: Known,
    /// Rows, each a line of JSON; in pieces as they came.
    lines: Vec<Arc<str>>,
    bytes: usize,
    looked: Instant,
    task: Option<tokio::task::AbortHandle>,
}

/// All jobs.
pub struct Queries {
    lake: Arc<Lake>,
    jobs: Mutex<BTreeMap<String, Arc<Job>>>,
    /// Engines that may still be at work, and for whom.
    working: Arc<Mutex<Vec<(String, Work)>>>,
    runtime: tokio::runtime::Handle,
}

/// Why a job was not begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// There are too many.
    Busy,
    /// This user has too many.
    BusyWithYours,
}

impl Queries {
    /// No jobs yet.
    pub fn new(lake: Arc<Lake>, runtime: tokio::runtime::Handle) -> Queries {
        Queries { lake, jobs: Mutex::default(), working: Arc::default(), runtime }
    }

    /// Begins a job.
    pub fn begin(&self, question: Question, id: String, now_ms: i64) -> Result<Arc<Job>, Refused> {
        let mut jobs = lock(&self.jobs);
        forget(&mut jobs);
        let running = jobs.values().filter(|job| job.is_running());
        let (n, n_own) =
            running.fold((0, 0), |(n, n_own), job| (n + 1, n_own + usize::from(job.question.owner == question.owner)));
        let (n_working, n_own_working) = self.working(&question.owner);
        if n_own >= RUNNING_OF_ONE_MAX || n_own_working >= RUNNING_OF_ONE_MAX + ENDING_OF_ONE_MAX {
            return Err(Refused::BusyWithYours);
        }
        if n >= RUNNING_MAX || n_working >= RUNNING_MAX + ENDING_MAX {
            return Err(Refused::Busy);
        }
        let known = Known {
            state: State::Running,
            columns: Vec::new(),
            n_rows: 0,
            is_partial: false,
            warnings: Vec::new(),
            statistics: None,
            took: Duration::ZERO,
        };
        let inner = Inner { known, lines: Vec::new(), bytes: 0, looked: Instant::now(), task: None };
        let job = Arc::new(Job {
            id: id.clone(),
            question,
            begun: Instant::now(),
            inner: Mutex::new(inner),
            news: Notify::new(),
        });
        jobs.insert(id, Arc::clone(&job));
        drop(jobs);
        let (lake, running, working) = (Arc::clone(&self.lake), Arc::clone(&job), Arc::clone(&self.working));
        let task = self.runtime.spawn(async move {
            // Opening the tables reads metadata, and waits for it.
            let question = running.question.clone();
            let engine = tokio::task::spawn_blocking(move || engine(&lake, &question)).await;
            let state = match engine {
                Ok(Ok(engine)) => {
                    lock(&working).push((running.question.owner.clone(), engine.work()));
                    run(&running, &engine, now_ms).await
                }
                Ok(Err(err)) => State::Failed(Failure::Run(format!("{err:#}"))),
                Err(_) => State::Failed(Failure::Run("the query engine could not be set up".to_owned())),
            };
            running.end(state);
        });
        lock(&job.inner).task = Some(task.abort_handle());
        Ok(job)
    }

    /// How many engines are at work, and how many for this user.
    fn working(&self, owner: &str) -> (usize, usize) {
        let mut working = lock(&self.working);
        working.retain(|(_, work)| work.goes_on());
        (working.len(), working.iter().filter(|(of, _)| of == owner).count())
    }

    /// A job by its id, of a user.
    pub fn get(&self, id: &str, owner: &str) -> Option<Arc<Job>> {
        let job = lock(&self.jobs).get(id).filter(|job| job.question.owner == owner).cloned()?;
        lock(&job.inner).looked = Instant::now();
        Some(job)
    }

    /// The jobs of a user, newest first.
    pub fn of(&self, owner: &str) -> Vec<Arc<Job>> {
        let mut jobs: Vec<_> = lock(&self.jobs).values().filter(|job| job.question.owner == owner).cloned().collect();
        jobs.sort_by_key(|job| std::cmp::Reverse(job.begun));
        jobs
    }

    /// How many run.
    pub fn running(&self) -> usize {
        lock(&self.jobs).values().filter(|job| job.is_running()).count()
    }
}

/// Forgets answers that nobody looks at, and the oldest of too many.
fn forget(jobs: &mut BTreeMap<String, Arc<Job>>) {
    jobs.retain(|_, job| job.is_running() || lock(&job.inner).looked.elapsed() < KEPT_FOR);
    let mut by_age: Vec<_> = jobs
        .values()
        .filter(|job| !job.is_running())
        .map(|job| {
            let inner = lock(&job.inner);
            (inner.looked, job.id.clone(), inner.bytes)
        })
        .collect();
    by_age.sort();
    let mut bytes: usize = by_age.iter().map(|(_, _, bytes)| bytes).sum();
    for (at, (_, id, size)) in by_age.iter().enumerate() {
        if by_age.len() - at < KEPT_MAX && bytes <= ANSWERS_BYTES_MAX {
            break;
        }
        jobs.remove(id);
        bytes -= size;
    }
}

fn engine(lake: &Lake, question: &Question) -> anyhow::Result<Engine> {
    let options = Options {
        memory_bytes: QUERY_BYTES,
        deadline: DEADLINE,
        rows: question.rows,
        is_strict: question.is_strict,
        ..Options::default()
    };
    scoped_engine(lake, question.accounts.as_deref(), options)
}

/// What answers questions of whoever sees these accounts; all if nothing is said.
pub fn scoped_engine(lake: &Lake, accounts: Option<&[String]>, options: Options) -> anyhow::Result<Engine> {
    let (mut logs, mut others) = (datasets(lake)?, plain(lake)?);
    let options = Options { hides_files: accounts.is_some(), ..options };
    if let Some(accounts) = accounts {
        logs = logs.into_iter().map(|log: Dataset| log.of_accounts(accounts)).collect::<Result<_, _>>()?;
        let scoped = others.into_iter().map(|table: PlainTable| table.of_accounts(accounts));
        others = scoped.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect();
    }
    Ok(Engine::with_plain(logs, others, options)?)
}

async fn run(job: &Job, engine: &Engine, now_ms: i64) -> State {
    let Question { text, lang, window, .. } = &job.question;
    let mut outcome = match engine.query(text, *lang, *window, now_ms).await {
        Ok(outcome) => outcome,
        Err(err) => return State::Failed(failure(err)),
    };
    {
        let mut inner = lock(&job.inner);
        inner.known.columns = outcome.columns.iter().map(|(name, _)| name.clone()).collect();
        inner.known.warnings.clone_from(&outcome.warnings);
    }
    job.news.notify_waiters();
    while let Some(batch) = outcome.next().await {
        let batch = match batch {
            Ok(batch) => batch,
            Err(err) => return State::Failed(failure(err)),
        };
        match lines(&outcome, &batch) {
            Ok(lines) if job.add(&lines, batch.num_rows()) => {}
            Ok(_) => break,
            Err(err) => return State::Failed(Failure::Run(format!("cannot write the answer: {err}"))),
        }
    }
    let mut inner = lock(&job.inner);
    inner.known.is_partial |= outcome.is_partial();
    inner.known.statistics = Some(outcome.statistics());
    State::Done
}

/// Rows as lines of JSON; missing values are left out.
fn lines(outcome: &Outcome, batch: &RecordBatch) -> std::io::Result<String> {
    let mut out = Vec::new();
    let mut rows = writer(Format::JsonLines, &outcome.columns, Box::new(&mut out))?;
    rows.rows(batch)?;
    rows.end()?;
    drop(rows);
    String::from_utf8(out).map_err(std::io::Error::other)
}

fn failure(err: QueryError) -> Failure {
    match err {
        QueryError::Text(diagnostics) => Failure::Text(diagnostics),
        err => Failure::Run(format!("{:#}", anyhow::Error::new(err))),
    }
}

impl Job {
    /// What is known of it.
    pub fn known(&self) -> Known {
        let inner = lock(&self.inner);
        let took = if matches!(inner.known.state, State::Running) { self.begun.elapsed() } else { inner.known.took };
        Known { took, ..inner.known.clone() }
    }

    fn is_running(&self) -> bool {
        matches!(lock(&self.inner).known.state, State::Running)
    }

    /// Adds rows; whether there is room for more.
    fn add(&self, lines: &str, n_rows: usize) -> bool {
        let mut inner = lock(&self.inner);
        if inner.bytes + lines.len() > ANSWER_BYTES_MAX {
            inner.known.is_partial = true;
            return false;
        }
        inner.bytes += lines.len();
        inner.known.n_rows += n_rows;
        inner.lines.push(lines.into());
        drop(inner);
        self.news.notify_waiters();
        true
    }

    fn end(&self, state: State) {
        let mut inner = lock(&self.inner);
        if matches!(inner.known.state, State::Running) {
            inner.known.state = state;
            inner.known.took = self.begun.elapsed();
            inner.looked = Instant::now();
        }
        drop(inner);
        self.news.notify_waiters();
    }

    /// Ends it; what was found stays.
    pub fn cancel(&self) {
        self.end(State::Cancelled);
        if let Some(task) = lock(&self.inner).task.take() {
            task.abort();
        }
    }

    /// The rows from a piece on: waits for them while the query runs; nothing when there are no more.
    pub async fn lines(&self, at: usize) -> Option<Arc<str>> {
        loop {
            let news = self.news.notified();
            tokio::pin!(news);
            news.as_mut().enable();
            {
                let mut inner = lock(&self.inner);
                inner.looked = Instant::now();
                if let Some(lines) = inner.lines.get(at) {
                    return Some(Arc::clone(lines));
                }
                if !matches!(inner.known.state, State::Running) {
                    return None;
                }
            }
            news.await;
        }
    }

    /// Waits until it has ended, at most so long.
    pub async fn ended(&self, timeout: Duration) {
        let wait = async {
            loop {
                let news = self.news.notified();
                tokio::pin!(news);
                news.as_mut().enable();
                if !self.is_running() {
                    return;
                }
                news.await;
            }
        };
        let _ = tokio::time::timeout(timeout, wait).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_works_on_behind_a_job_that_has_ended_counts() {
        let folder = tempfile::tempdir().expect("a folder");
        let lake = Lake::open(&folder.path().to_string_lossy(), lake::Mode::Create).expect("opens");
        let queries = Queries::new(Arc::new(lake), tokio::runtime::Handle::current());
        let question = |owner: &str| Question {
            text: "SELECT 1".to_owned(),
            lang: Lang::Sql,
            window: Window::default(),
            rows: 1,
            is_strict: false,
            accounts: None,
            owner: owner.to_owned(),
        };
        let begin = |owner: &str, id: &str| queries.begin(question(owner), id.to_owned(), 0).map(|job| job.cancel());
        let engine = || Engine::new(Vec::new(), Options { threads: 1, ..Options::default() }).expect("it starts");
        let engines: Vec<Engine> = (0..RUNNING_MAX + ENDING_MAX).map(|_| engine()).collect();
        let work = |n: usize, owner: &str| {
            let mut working = lock(&queries.working);
            working.extend(engines[..n].iter().map(|engine| (owner.to_owned(), engine.work())));
        };
        work(RUNNING_OF_ONE_MAX + ENDING_OF_ONE_MAX, "user/a");
        assert_eq!(begin("user/a", "1"), Err(Refused::BusyWithYours));
        assert_eq!(begin("user/b", "2"), Ok(()));
        work(engines.len(), "user/c");
        assert_eq!(begin("user/b", "3"), Err(Refused::Busy));
        drop(engines);
        assert_eq!(begin("user/a", "4"), Ok(()), "there is room when they have ended");
    }
}
