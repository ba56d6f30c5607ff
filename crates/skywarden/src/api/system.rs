//! How the server is doing: for people, for Prometheus, and for whoever restarts it.

use std::fmt::Write as _;
use std::sync::atomic::Ordering;

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Shared;
use super::problem::Problem;
use crate::cli::VERSION;
use crate::ledger::ledger;
use crate::serve::buckets::Health;
use crate::serve::lock;

/// The operations.
pub fn routes() -> OpenApiRouter<Shared> {
    OpenApiRouter::new()
        .routes(routes!(healthz))
        .routes(routes!(metrics))
        .routes(routes!(status))
        .routes(routes!(show_ledger))
}

/// How the server is doing.
#[derive(Debug, Serialize, ToSchema)]
pub struct ServerStatus {
    /// Its version.
    version: &'static str,
    /// Whether what it shows is made up.
    demo: bool,
    /// When it began, RFC 3339.
    begun: String,
    /// Events since it began.
    events: u64,
    /// Why it does not go on, if it does not.
    trouble: Option<String>,
    /// The log of deliveries.
    log: Deliveries,
    /// Rules.
    rules: RuleCount,
    /// What comes in.
    sources: Vec<SourceStatus>,
    /// Queues and buckets.
    feeds: Vec<FeedStatus>,
}

/// The log of deliveries.
#[derive(Debug, Serialize, ToSchema)]
pub struct Deliveries {
    /// What it takes on the disk, in bytes.
    bytes: u64,
    /// Deliveries that are on disk, in all: the position of the next.
    durable: u64,
    /// Those before this one were looked at by the rules.
    detected: u64,
    /// How long the oldest delivery waits that no rule has looked at, in seconds; 0 if none does.
    late_s: f64,
    /// Those before this one are in the lake.
    committed: u64,
    /// Files that wait to be read.
    files_waiting: usize,
    /// In how many places bytes of it were found damaged since the server began, and as it began.
    damaged_places: u64,
    /// How many bytes that is; they are kept in `log/damaged` of the data folder.
    damaged_bytes: u64,
    /// Deliveries that were acknowledged and could not be read any more.
    lost: u64,
    /// Damaged bytes that were removed since there were too many to keep.
    dropped_bytes: u64,
    /// Files of watched folders that are links to somewhere else, and are not read.
    files_refused: u64,
}

/// Rules.
#[derive(Debug, Serialize, ToSchema)]
pub struct RuleCount {
    /// How many are tried on events.
    loaded: usize,
    /// How many files or rules could not be read.
    broken: usize,
}

/// How a queue or a bucket is doing.
#[derive(Debug, Serialize, ToSchema)]
pub struct FeedStatus {
    /// Which.
    what: String,
    /// Why it does not get on, if it does not; a permission that is missing is named.
    trouble: Option<String>,
    /// Objects of a walk that are in the lake.
    #[serde(skip_serializing_if = "Option::is_none")]
    objects_done: Option<u64>,
    /// Objects that were found until now.
    #[serde(skip_serializing_if = "Option::is_none")]
    objects_known: Option<u64>,
    /// Objects that could not be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    gaps: Option<usize>,
    /// The day that is walked.
    #[serde(skip_serializing_if = "Option::is_none")]
    day: Option<String>,
    /// Whether all was walked.
    #[serde(skip_serializing_if = "Option::is_none")]
    complete: Option<bool>,
}

impl FeedStatus {
    fn of(health: &Health) -> FeedStatus {
        let progress = health.progress.as_ref();
        FeedStatus {
            what: health.what.clone(),
            trouble: health.trouble.clone(),
            objects_done: progress.map(|p| p.objects_done),
            objects_known: progress.map(|p| p.objects_known),
            gaps: progress.map(|p| p.gaps.len()),
            day: progress.and_then(|p| p.day.clone()),
            complete: progress.map(|p| p.is_complete),
        }
    }
}

/// What comes of one source.
#[derive(Debug, Serialize, ToSchema)]
pub struct SourceStatus {
    /// Its name.
    source: String,
    /// Events since the server began.
    events: u64,
    /// When the last came, RFC 3339.
    last_seen: String,
}

/// What became of the records of one source. `in` is the sum of the others.
#[derive(Debug, Serialize, ToSchema)]
pub struct LedgerEntry {
    /// The source.
    source: String,
    /// Records that were read.
    r#in: u64,
    /// Rows in its table.
    lake: u64,
    /// Records that were there already.
    duplicates: u64,
    /// Records that were set aside as they came.
    quarantined: u64,
    /// Records that were refused.
    rejected: u64,
    /// Rows that retention has removed.
    removed: u64,
    /// Whether the sum is right.
    balanced: bool,
}

/// Whether the server is alive.
#[utoipa::path(get, path = "/healthz", tag = "system",
    responses((status = 200, description = "it is", body = String, content_type = "text/plain"), (status = 503, description = "it answers and does not get on", body = String, content_type = "text/plain")),
    security(()))]
async fn healthz(State(app): State<Shared>) -> Response {
    match lock(&app.progressed.trouble).as_ref() {
        None => (StatusCode::OK, "ok\n").into_response(),
        // What goes wrong is told to those who are logged in.
        Some(_) => (StatusCode::SERVICE_UNAVAILABLE, "in trouble: see /api/v1/status\n").into_response(),
    }
}

/// How the server is doing.
#[utoipa::path(get, path = "/api/v1/status", tag = "system",
    responses((status = 200, description = "how it is doing", body = ServerStatus), super::Refusals),
    security(("session" = ["system:read"]), ("token" = ["system:read"])))]
async fn status(State(app): State<Shared>) -> Json<ServerStatus> {
    let (progressed, stats, loaded) = (&app.progressed, app.wal.stats(), app.rules.current());
    let sources = lock(&progressed.by_source);
    Json(ServerStatus {
        version: VERSION,
        demo: app.is_demo,
        begun: event::time::rfc3339(app.begun_ms),
        events: progressed.events.load(Ordering::Relaxed),
        trouble: lock(&progressed.trouble).clone(),
        log: Deliveries {
            bytes: stats.bytes,
            durable: stats.durable.get(),
            detected: progressed.detected.load(Ordering::Acquire),
            late_s: progressed.late_ms(stats.durable.get(), app.now_ms()) as f64 / 1_000.0,
            committed: progressed.committed.load(Ordering::Acquire),
            files_waiting: app.door.files_waiting(),
            damaged_places: stats.n_damaged,
            damaged_bytes: stats.damaged_bytes,
            lost: stats.n_lost,
            dropped_bytes: stats.dropped_bytes,
            files_refused: progressed.files_refused.load(Ordering::Relaxed),
        },
        rules: RuleCount { loaded: loaded.set.rules.len(), broken: loaded.set.n_errors() },
        feeds: lock(&app.healths).iter().map(FeedStatus::of).collect(),
        sources: sources
            .iter()
            .map(|(source, seen)| SourceStatus {
                source: source.clone(),
                events: seen.events,
                last_seen: event::time::rfc3339(seen.at_ms),
            })
            .collect(),
    })
}

/// What became of every record, by counts that know nothing of each other.
#[utoipa::path(get, path = "/api/v1/ledger", tag = "system",
    responses((status = 200, description = "an entry for each source", body = Vec<LedgerEntry>), super::Refusals),
    security(("session" = ["system:read"]), ("token" = ["system:read"])))]
async fn show_ledger(State(app): State<Shared>) -> Result<Json<Vec<LedgerEntry>>, Problem> {
    let lake = std::sync::Arc::clone(&app.lake);
    let entries = tokio::task::spawn_blocking(move || ledger(&lake)).await.map_err(anyhow::Error::from)??;
    let shown = entries.into_iter().map(|entry| LedgerEntry {
        balanced: entry.is_balanced(),
        source: entry.source,
        r#in: entry.r#in,
        lake: entry.lake,
        duplicates: entry.duplicates,
        quarantined: entry.quarantined,
        rejected: entry.rejected,
        removed: entry.removed,
    });
    Ok(Json(shown.collect()))
}

/// Counters for Prometheus.
#[utoipa::path(get, path = "/metrics", tag = "system",
    responses((status = 200, description = "in the text format of Prometheus", body = String, content_type = "text/plain"), super::Refusals),
    security(("token" = ["system:read"]), ("session" = ["system:read"])))]
async fn metrics(State(app): State<Shared>) -> Response {
    let (progressed, stats) = (&app.progressed, app.wal.stats());
    let count = |n: &std::sync::atomic::AtomicU64| n.load(Ordering::Relaxed);
    let is_in_trouble = u64::from(lock(&progressed.trouble).is_some());
    let plain = [
        ("skywarden_events_total", "counter", "Events since the start.", count(&progressed.events)),
        ("skywarden_commits_total", "counter", "Commits to the lake since the start.", count(&progressed.commits)),
        (
            "skywarden_engine_failures_total",
            "counter",
            "Times that the engine began again.",
            count(&progressed.failures),
        ),
        ("skywarden_log_bytes", "gauge", "What the log of deliveries takes on the disk.", stats.bytes),
        ("skywarden_log_durable", "gauge", "The position of the next delivery.", stats.durable.get()),
        (
            "skywarden_log_detected",
            "gauge",
            "Deliveries before it were looked at by rules.",
            count(&progressed.detected),
        ),
        (
            "skywarden_log_late_seconds",
            "gauge",
            "How long the oldest delivery waits that no rule has looked at.",
            progressed.late_ms(stats.durable.get(), app.now_ms()) as u64 / 1_000,
        ),
        ("skywarden_log_committed", "gauge", "Deliveries before it are in the lake.", count(&progressed.committed)),
        ("skywarden_log_damaged_places", "gauge", "Places of the log that were found damaged.", stats.n_damaged),
        ("skywarden_log_damaged_bytes", "gauge", "Bytes in these places.", stats.damaged_bytes),
        ("skywarden_log_lost", "gauge", "Deliveries that could not be read any more.", stats.n_lost),
        ("skywarden_log_dropped_bytes", "gauge", "Damaged bytes that were not kept.", stats.dropped_bytes),
        ("skywarden_files_waiting", "gauge", "Files that wait to be read.", app.door.files_waiting() as u64),
        ("skywarden_queries_running", "gauge", "Queries that run.", app.queries.running() as u64),
        ("skywarden_rules", "gauge", "Rules that are tried on events.", app.rules.current().set.rules.len() as u64),
        ("skywarden_in_trouble", "gauge", "Whether the engine fails.", is_in_trouble),
        ("skywarden_begun_seconds", "gauge", "When the server began, since 1970.", (app.begun_ms / 1_000) as u64),
    ];
    let mut text = String::new();
    for (name, kind, help, value) in plain {
        let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}");
    }
    text.push_str("# HELP skywarden_source_events_total Events of a source since the start.\n# TYPE skywarden_source_events_total counter\n");
    for (source, seen) in lock(&progressed.by_source).iter() {
        let _ = writeln!(text, "skywarden_source_events_total{{source=\"{source}\"}} {}", seen.events);
    }
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response()
}
