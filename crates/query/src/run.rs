//! Runs queries within bounds.
//!
//! All work is done on a runtime of the engine's own, whose threads have deep stacks, since plans are as deep as the text is nested.
//! Dropping an [`Outcome`] ends its query.

use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Weak};
use std::time::Duration;

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::DataType;
use datafusion::common::{Column, DataFusionError};
use datafusion::datasource::provider_as_source;
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::memory_pool::FairSpillPool;
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use datafusion::execution::session_state::SessionStateBuilder;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder};
use datafusion::physical_plan::{ExecutionPlan, execute_stream};
use datafusion::physical_planner::{DefaultPhysicalPlanner, PhysicalPlanner as _};
use datafusion::prelude::{SessionConfig, SessionContext};
use futures::StreamExt as _;
use predicate::diagnostic::Diagnostic;
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::blame;
use crate::estimate;
use crate::insights;
use crate::kind::Kind;
use crate::lake_table::ScanLog;
use crate::lower::{self, Failure, Input, Tables, Taken, Window};
use crate::pairs;
use crate::size;
use crate::sql;
use crate::statistics::{self, Statistics};
use crate::tables::{Dataset, PlainTable};

/// The stack of each thread: enough for the deepest plan that a text within bounds can make, also in a debug build.
const STACK_BYTES: usize = 256 << 20;
/// Functions of SQL that make a value of any length out of a number.
const UNBOUNDED: [&str; 12] = [
    "repeat",
    "lpad",
    "rpad",
    "range",
    "generate_series",
    "gen_series",
    "array_repeat",
    "list_repeat",
    "array_resize",
    "list_resize",
    "replace",
    "regexp_replace",
];
/// How many batches may lie between the query and who reads it.
const AHEAD: usize = 2;

/// The bounds of queries.
#[derive(Clone, Debug)]
pub struct Options {
    /// The most memory that all queries together may hold.
    pub memory_bytes: usize,
    /// Where sorts and groups that need more go; without it the system's folder for temporary files.
    pub spill_folder: Option<PathBuf>,
    /// The most that may lie there.
    pub spill_bytes: u64,
    /// How long a query may run, reading of its rows included.
    pub deadline: Duration,
    /// How many threads work; 0 means one for each processor.
    pub threads: usize,
    /// How many rows a query gives where it does not say.
    pub rows: usize,
    /// How many it may ask for.
    pub rows_max: usize,
    /// The longest text.
    pub text_bytes_max: usize,
    /// The most pairs of rows that a join without equality may compare.
    pub pairs_max: f64,
    /// Whether an unknown field is an error.
    pub is_strict: bool,
    /// Whether EXPLAIN says nothing of files, their names and sizes.
    pub hides_files: bool,
    /// The folder of tables for `lookup` and `cidrlookup`.
    pub lookup_folder: Option<PathBuf>,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            memory_bytes: 1 << 30,
            spill_folder: None,
            spill_bytes: 20 << 30,
            deadline: Duration::from_secs(300),
            threads: 0,
            rows: 10_000,
            rows_max: 100_000,
            text_bytes_max: 10_000,
            pairs_max: 1e9,
            is_strict: false,
            hides_files: false,
            lookup_folder: None,
        }
    }
}

/// The language of a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lang {
    /// CloudWatch Logs Insights QL.
    Insights,
    /// SQL.
    Sql,
}

/// Why a query has no answer, or no more of it.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    /// The text is wrong, in these places.
    #[error("the query has {} mistakes", .0.len())]
    Text(Vec<Diagnostic>),
    /// It took too long.
    #[error("the query was ended after {} s", .0.as_secs_f64())]
    Deadline(Duration),
    /// It needed more memory or disk than it may have.
    #[error("the query needs more memory than it may have: take fewer groups, or a shorter time range")]
    Memory(#[source] DataFusionError),
    /// It would compare too many rows with each other.
    #[error("the query would compare {0:.0} pairs of rows: join on equality, or take fewer rows first")]
    Pairs(f64),
    /// It has more sets of groups than it may.
    #[error("the query has {0} sets of groups, and {max} are the most: name fewer columns in CUBE or ROLLUP", max = size::SETS_MAX)]
    Sets(usize),
    /// It was ended from outside.
    #[error("the query was cancelled")]
    Cancelled,
    /// The engine could not be set up.
    #[error("cannot set up the query engine")]
    Setup(#[source] std::io::Error),
    /// Reading or working out failed.
    #[error("the query failed")]
    Run(#[source] DataFusionError),
}

impl QueryError {
    pub(crate) fn of(err: DataFusionError) -> QueryError {
        let is_exhausted = matches!(err.find_root(), DataFusionError::ResourcesExhausted(_));
        // A full spill folder comes as an error of input and output, which has only its text.
        let is_full = || err.to_string().contains("max_temp_directory_size");
        if is_exhausted || is_full() { QueryError::Memory(err) } else { QueryError::Run(err) }
    }

    /// The same for a query whose text is SQL.
    fn at(err: DataFusionError, sql: Option<&str>) -> QueryError {
        match sql {
            Some(text) => blame::of(err, text),
            None => QueryError::of(err),
        }
    }

    fn of_failure(failure: Failure) -> QueryError {
        match failure {
            Failure::Text(diagnostic) => QueryError::Text(vec![diagnostic]),
            Failure::Plan(err) => QueryError::of(err),
        }
    }
}

/// Datasets and the bounds within which they are queried.
#[derive(Debug)]
pub struct Engine {
    core: Arc<Core>,
    /// Where queries are worked out.
    runtime: Option<tokio::runtime::Runtime>,
    /// Where callers without a runtime wait: its clock goes on while all threads of the other one are at work.
    waiting: Option<tokio::runtime::Runtime>,
}

/// What a running query needs of the engine.
#[derive(Debug)]
struct Core {
    datasets: Vec<Dataset>,
    plain: Vec<PlainTable>,
    options: Options,
    env: Arc<RuntimeEnv>,
}

/// A query ready to run.
pub(crate) struct Planned {
    pub logical: LogicalPlan,
    pub physical: Arc<dyn ExecutionPlan>,
    pub columns: Vec<(String, Kind)>,
    pub rows: usize,
    pub warnings: Vec<Diagnostic>,
    pub taken: Vec<Taken>,
    pub log: Arc<ScanLog>,
    ctx: SessionContext,
    /// The text, where it is SQL.
    pub sql: Option<String>,
}

impl Drop for Engine {
    fn drop(&mut self) {
        // A runtime that is dropped within another one would wait there, which is not allowed.
        for runtime in [self.runtime.take(), self.waiting.take()].into_iter().flatten() {
            runtime.shutdown_background();
        }
    }
}

impl Engine {
    /// An engine over these datasets.
    ///
    /// # Errors
    /// When threads cannot be started, or there is no place for what does not fit into memory.
    pub fn new(datasets: Vec<Dataset>, options: Options) -> Result<Engine, QueryError> {
        Engine::with_plain(datasets, Vec::new(), options)
    }

    /// The same, and SQL sees these tables too.
    ///
    /// # Errors
    /// As [`Engine::new`].
    pub fn with_plain(datasets: Vec<Dataset>, plain: Vec<PlainTable>, options: Options) -> Result<Engine, QueryError> {
        let mut runtime = tokio::runtime::Builder::new_multi_thread();
        runtime.thread_name("query").thread_stack_size(STACK_BYTES).enable_all();
        if options.threads > 0 {
            runtime.worker_threads(options.threads);
        }
        let runtime = runtime.build().map_err(QueryError::Setup)?;
        let waiting = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .map_err(QueryError::Setup)?;
        let mode = match &options.spill_folder {
            Some(folder) => DiskManagerMode::Directories(vec![folder.clone()]),
            None => DiskManagerMode::OsTmpDirectory,
        };
        let disk = DiskManagerBuilder::default().with_mode(mode).with_max_temp_directory_size(options.spill_bytes);
        let env = RuntimeEnvBuilder::new()
            .with_memory_pool(Arc::new(FairSpillPool::new(options.memory_bytes)))
            .with_disk_manager_builder(disk)
            .build_arc()
            .map_err(QueryError::of)?;
        Ok(Engine {
            core: Arc::new(Core { datasets, plain, options, env }),
            runtime: Some(runtime),
            waiting: Some(waiting),
        })
    }

    /// Tells whether anything of the engine's is still at work, also when it was dropped: what is planned ends when it is planned.
    pub fn work(&self) -> Work {
        Work(Arc::downgrade(&self.core.env))
    }

    /// What is queried.
    pub fn datasets(&self) -> &[Dataset] {
        &self.core.datasets
    }

    /// Begins a query over a time range; `now_ms` is when it begins, in milliseconds.
    ///
    /// # Errors
    /// When the text is wrong, or the data it needs cannot be found.
    pub async fn query(&self, text: &str, lang: Lang, window: Window, now_ms: i64) -> Result<Outcome, QueryError> {
        let deadline = Instant::now() + self.core.options.deadline;
        let planned = self.plan(text, lang, window, now_ms, deadline).await?;
        self.begun(planned, deadline)
    }

    /// Begins to read the rows of a log in a time range for which a condition may be true: these columns, in no order, without a bound of rows.
    ///
    /// # Errors
    /// When there is no such log or column, or it cannot be read.
    pub async fn scan(
        &self,
        log: &str,
        columns: &[&str],
        condition: Option<Expr>,
        window: Window,
    ) -> Result<Outcome, QueryError> {
        let deadline = Instant::now() + self.core.options.deadline;
        let core = Arc::clone(&self.core);
        let plan = core.scanned(log, columns, condition, window).map_err(QueryError::of)?;
        let task = self.handle()?.spawn(async move {
            let log = Arc::new(ScanLog::default());
            let ctx = core.session(&log);
            let physical = ctx.state().create_physical_plan(&plan).await.map_err(QueryError::of)?;
            let columns = plan.schema().fields().iter().map(|field| (field.name().clone(), Kind::Text)).collect();
            let (warnings, taken) = (Vec::new(), Vec::new());
            Ok(Planned { logical: plan, physical, columns, rows: usize::MAX, warnings, taken, log, ctx, sql: None })
        });
        let planned = task.await.map_err(|err| QueryError::Run(DataFusionError::External(Box::new(err))))?;
        self.begun(planned?, deadline)
    }

    /// Sets a planned query to work.
    fn begun(&self, planned: Planned, deadline: Instant) -> Result<Outcome, QueryError> {
        let (sender, rows) = mpsc::channel(AHEAD);
        let (ctx, physical) = (planned.ctx.clone(), Arc::clone(&planned.physical));
        let task = self.handle()?.spawn(async move {
            let mut stream = match execute_stream(physical, ctx.task_ctx()) {
                Ok(stream) => stream,
                Err(err) => return drop(sender.send(Err(err)).await),
            };
            while let Some(batch) = stream.next().await {
                if sender.send(batch).await.is_err() {
                    return;
                }
            }
        });
        Ok(Outcome {
            columns: planned.columns,
            warnings: planned.warnings,
            taken: planned.taken,
            rows,
            abort: Abort(task.abort_handle()),
            task: Some(task),
            deadline,
            allowed: self.core.options.deadline,
            left: planned.rows,
            is_partial: false,
            plan: planned.physical,
            log: planned.log,
            sql: planned.sql,
        })
    }

    /// Plans a query and does not run it.
    pub(crate) async fn plan(
        &self,
        text: &str,
        lang: Lang,
        window: Window,
        now_ms: i64,
        deadline: Instant,
    ) -> Result<Planned, QueryError> {
        let (core, text) = (Arc::clone(&self.core), text.to_owned());
        let task = self.handle()?.spawn(async move { core.plan(&text, lang, window, now_ms).await });
        let abort = Abort(task.abort_handle());
        let planned = tokio::time::timeout_at(deadline, task).await;
        drop(abort);
        match planned {
            Err(_) => Err(QueryError::Deadline(self.core.options.deadline)),
            Ok(Err(err)) if err.is_cancelled() => Err(QueryError::Cancelled),
            Ok(Err(err)) => Err(QueryError::Run(DataFusionError::External(Box::new(err)))),
            Ok(Ok(planned)) => planned,
        }
    }

    /// Waits for a future, for callers without a runtime of their own.
    ///
    /// # Panics
    /// Within an asynchronous task, which must not wait: await the future there.
    pub fn block_on<F: Future>(&self, future: F) -> F::Output {
        self.waiting.as_ref().expect("the runtime is there until the engine is dropped").block_on(future)
    }

    pub(crate) fn deadline(&self) -> Duration {
        self.core.options.deadline
    }

    fn handle(&self) -> Result<&tokio::runtime::Handle, QueryError> {
        Ok(self.runtime.as_ref().ok_or(QueryError::Cancelled)?.handle())
    }
}

/// Whether an engine is at work.
#[derive(Clone, Debug, Default)]
pub struct Work(Weak<RuntimeEnv>);

impl Work {
    /// Whether the engine is there, or a thread of it works on.
    pub fn goes_on(&self) -> bool {
        self.0.strong_count() > 0
    }
}

/// Ends a task when it is dropped.
struct Abort(tokio::task::AbortHandle);

impl Drop for Abort {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Core {
    async fn plan(&self, text: &str, lang: Lang, window: Window, now_ms: i64) -> Result<Planned, QueryError> {
        if text.len() > self.options.text_bytes_max {
            let message =
                format!("the query has {} bytes, and {} are the most", text.len(), self.options.text_bytes_max);
            return Err(QueryError::Text(vec![Diagnostic::error(0..0, message)]));
        }
        let log = Arc::new(ScanLog::default());
        let ctx = self.session(&log);
        let mut lowered = match lang {
            Lang::Insights => self.lowered(text, window, now_ms)?,
            Lang::Sql => sql::plan(&ctx, text, &self.datasets, &self.plain, window, self.options.rows).await?,
        };
        let sql = (lang == Lang::Sql).then_some(text);
        let planned = ctx.state().create_physical_plan(&lowered.plan).await;
        let mut physical = planned.map_err(|err| QueryError::at(err, sql))?;
        if lowered.is_estimate {
            (lowered.plan, lowered.columns) = estimate::rows(&log).map_err(QueryError::of)?;
            physical = ctx.state().create_physical_plan(&lowered.plan).await.map_err(QueryError::of)?;
        }
        let pairs = pairs::most(&physical);
        if pairs > self.options.pairs_max {
            return Err(QueryError::Pairs(pairs));
        }
        let sets = size::sets(&physical);
        if sets > size::SETS_MAX {
            return Err(QueryError::Sets(sets));
        }
        Ok(Planned {
            logical: lowered.plan,
            physical,
            columns: lowered.columns,
            rows: lowered.rows,
            warnings: lowered.warnings,
            taken: lowered.taken,
            log,
            ctx,
            sql: sql.map(str::to_owned),
        })
    }

    fn lowered(&self, text: &str, window: Window, now_ms: i64) -> Result<lower::Lowered, QueryError> {
        let (query, mut said) = insights::parse(text);
        let query = match query {
            Some(query) if !said.iter().any(Diagnostic::is_error) => query,
            _ => return Err(QueryError::Text(said)),
        };
        let input = Input {
            text,
            datasets: &self.datasets,
            tables: &Tables { folder: self.options.lookup_folder.clone() },
            window,
            now_ms,
            rows: self.options.rows,
            rows_max: self.options.rows_max,
            is_strict: self.options.is_strict,
        };
        let mut lowered = lower::lower(&query, input).map_err(QueryError::of_failure)?;
        said.append(&mut lowered.warnings);
        lowered.warnings = said;
        Ok(lowered)
    }

    fn scanned(
        &self,
        log: &str,
        columns: &[&str],
        condition: Option<Expr>,
        window: Window,
    ) -> Result<LogicalPlan, DataFusionError> {
        let dataset = self.datasets.iter().find(|dataset| dataset.is_called(log));
        let dataset = dataset.ok_or_else(|| DataFusionError::Plan(format!("no log is called `{log}`")))?;
        let source = provider_as_source(Arc::clone(&dataset.provider));
        let mut plan = LogicalPlanBuilder::scan(dataset.name.as_str(), source, None)?;
        for bound in lower::within(window).into_iter().chain(condition) {
            plan = plan.filter(bound)?;
        }
        let column = |name: &&str| Expr::Column(Column::new_unqualified(*name));
        plan.project(columns.iter().map(column).collect::<Vec<_>>())?.build()
    }

    fn session(&self, log: &Arc<ScanLog>) -> SessionContext {
        let mut config = SessionConfig::new().with_extension(Arc::clone(log)).with_information_schema(false);
        if self.options.threads > 0 {
            config = config.with_target_partitions(self.options.threads);
        }
        let options = config.options_mut();
        options.sql_parser.collect_spans = true;
        options.execution.parquet.pushdown_filters = true;
        options.execution.parquet.reorder_filters = true;
        options.execution.parquet.bloom_filter_on_read = true;
        options.execution.parquet.schema_force_view_types = true;
        options.execution.collect_statistics = true;
        options.execution.enable_recursive_ctes = false;
        options.explain.logical_plan_only = self.options.hides_files;
        // `IS TRUE` is never null in one of the two schemas it compares, and may be in the other.
        options.execution.skip_physical_aggregate_schema_check = true;
        // It takes a column for another of the same name in the table below, and there is no struct whose leaves it could read alone.
        options.optimizer.enable_leaf_expression_pushdown = false;
        options.catalog.create_default_catalog_and_schema = true;
        let state = SessionStateBuilder::new()
            .with_config(config)
            .with_runtime_env(Arc::clone(&self.env))
            .with_default_features()
            .with_query_planner(Arc::new(Planner))
            .build();
        let ctx = SessionContext::new_with_state(state);
        // What these make has no bound and is counted by nobody while it is made.
        for name in UNBOUNDED {
            ctx.deregister_udf(name);
            ctx.deregister_udtf(name);
        }
        ctx
    }
}

/// DataFusion's planner and the nodes that only we have.
#[derive(Debug)]
struct Planner;

#[async_trait::async_trait]
impl datafusion::execution::context::QueryPlanner for Planner {
    async fn create_physical_plan(
        &self,
        plan: &LogicalPlan,
        session: &dyn datafusion::catalog::Session,
    ) -> Result<Arc<dyn ExecutionPlan>, DataFusionError> {
        let planner = DefaultPhysicalPlanner::with_extension_planners(vec![Arc::new(crate::clusters::Planner)]);
        planner.create_physical_plan(plan, session).await
    }
}

/// The answer to a query: rows in batches, as they come.
pub struct Outcome {
    /// What each column is called and how it is kept, in the order of the batches'.
    pub columns: Vec<(String, Kind)>,
    /// What was odd about the text.
    pub warnings: Vec<Diagnostic>,
    /// What each name was taken for.
    pub taken: Vec<Taken>,
    rows: mpsc::Receiver<Result<RecordBatch, DataFusionError>>,
    task: Option<tokio::task::JoinHandle<()>>,
    abort: Abort,
    deadline: Instant,
    allowed: Duration,
    left: usize,
    is_partial: bool,
    plan: Arc<dyn ExecutionPlan>,
    log: Arc<ScanLog>,
    /// The text, where it is SQL.
    sql: Option<String>,
}

impl Outcome {
    /// The next rows; nothing when there are no more.
    ///
    /// # Errors
    /// When reading fails or a bound is reached. There are no rows after an error.
    pub async fn next(&mut self) -> Option<Result<RecordBatch, QueryError>> {
        loop {
            let received = tokio::time::timeout_at(self.deadline, self.rows.recv()).await;
            let batch = match received {
                Err(_) => {
                    self.end();
                    return Some(Err(QueryError::Deadline(self.allowed)));
                }
                Ok(None) => return self.after_last().await,
                Ok(Some(Err(err))) => {
                    self.end();
                    return Some(Err(QueryError::at(err, self.sql.as_deref())));
                }
                Ok(Some(Ok(batch))) => batch,
            };
            if batch.num_rows() == 0 {
                continue;
            }
            if batch.num_rows() <= self.left {
                self.left -= batch.num_rows();
                return Some(Ok(batch));
            }
            self.is_partial = true;
            let rest = batch.slice(0, self.left);
            self.left = 0;
            self.end();
            return (rest.num_rows() > 0).then_some(Ok(rest));
        }
    }

    /// A query that ended without saying why has crashed.
    async fn after_last(&mut self) -> Option<Result<RecordBatch, QueryError>> {
        match self.task.take()?.await {
            Err(err) if err.is_panic() => Some(Err(QueryError::Run(DataFusionError::External(Box::new(err))))),
            _ => None,
        }
    }

    fn end(&mut self) {
        self.rows.close();
        while self.rows.try_recv().is_ok() {}
        self.task = None;
        self.abort.0.abort();
    }

    /// All rows, for answers that are known to be small.
    ///
    /// # Errors
    /// As [`Outcome::next`].
    pub async fn all(&mut self) -> Result<Vec<RecordBatch>, QueryError> {
        let mut batches = Vec::new();
        while let Some(batch) = self.next().await {
            batches.push(batch?);
        }
        Ok(batches)
    }

    /// Whether there were more rows than are given.
    pub fn is_partial(&self) -> bool {
        self.is_partial
    }

    /// What was read so far; after the last row, in all.
    pub fn statistics(&self) -> Statistics {
        statistics::of(&self.plan, &self.log.scans())
    }

    /// The same, table by table.
    pub fn statistics_by_table(&self) -> Vec<(String, Statistics)> {
        statistics::by_table(&self.plan, &self.log.scans())
    }
}

impl fmt::Debug for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outcome").field("columns", &self.columns).finish_non_exhaustive()
    }
}

/// How values of an Arrow type are kept, where they can be.
pub(crate) fn kind_of(ty: &DataType) -> Option<Kind> {
    match ty {
        DataType::Utf8
        | DataType::LargeUtf8
        | DataType::Utf8View
        | DataType::Null
        | DataType::Date32
        | DataType::Date64 => Some(Kind::Text),
        DataType::Dictionary(_, value) => kind_of(value),
        DataType::Boolean => Some(Kind::Boolean),
        DataType::Timestamp(..) => Some(Kind::Time),
        DataType::UInt64 | DataType::Decimal128(..) | DataType::Decimal256(..) => Some(Kind::Number),
        ty if ty.is_integer() => Some(Kind::Integer),
        ty if ty.is_floating() => Some(Kind::Number),
        DataType::Time32(_) | DataType::Time64(_) | DataType::Interval(_) | DataType::Duration(_) => Some(Kind::Text),
        _ => None,
    }
}
