//! Queries: Logs Insights QL and SQL as jobs.

use std::time::Duration;

use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use predicate::diagnostic::Diagnostic;
use query::Window;
use query::run::Lang;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Shared;
use super::auth::Who;
use super::body::{Asked, Body as Sent, Path};
use super::problem::{Fault, Problem};
use super::time::Instant;
use crate::serve::queries::{Failure, Job, Known, Question, Refused, State as JobState};

/// Rows of an answer where nothing is said, and at most.
const ROWS: u32 = 10_000;
const ROWS_MAX: u32 = 100_000;
/// The longest text.
const TEXT_BYTES_MAX: usize = 10_000;
/// How long a request may wait for an answer.
const WAIT_MAX_S: u64 = 20;

/// The operations.
pub fn routes() -> OpenApiRouter<Shared> {
    OpenApiRouter::new().routes(routes!(begin, list)).routes(routes!(show, cancel)).routes(routes!(rows))
}

/// The language of a query.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// CloudWatch Logs Insights QL.
    #[default]
    Ql,
    /// SQL, read-only.
    Sql,
}

/// What is asked.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewQuery {
    /// The query, at most 10,000 bytes.
    #[schema(
        example = "filter errorCode like /Denied/ | stats count(*) as n by userIdentity.arn",
        max_length = 10_000
    )]
    text: String,
    /// Its language.
    #[serde(default)]
    lang: Language,
    /// Events from this time on: RFC 3339, or milliseconds since 1970.
    #[serde(default)]
    from: Option<Instant>,
    /// Events before this time.
    #[serde(default)]
    to: Option<Instant>,
    /// The most rows.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 100_000)]
    rows: Option<u32>,
    /// Whether an unknown field is an error and not a warning.
    #[serde(default)]
    strict: bool,
}

/// How a query is doing.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum QueryState {
    /// Rows are being found.
    Running,
    /// All rows were found, or all that may be given.
    Done,
    /// There are no more rows; `error` says why.
    Failed,
    /// Somebody cancelled it.
    Cancelled,
}

/// A query and how it is doing.
#[derive(Debug, Serialize, ToSchema)]
pub struct QueryJob {
    /// Its id.
    id: String,
    /// The text.
    text: String,
    /// Its language.
    lang: Language,
    /// How it is doing.
    state: QueryState,
    /// The names of the columns, once they are known.
    columns: Vec<String>,
    /// Rows so far.
    rows: usize,
    /// Whether there are more rows than are given, or some were not read.
    partial: bool,
    /// What was odd about the text.
    warnings: Vec<Fault>,
    /// Why there is no answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Problem>,
    /// What was read and what could be skipped, once it has ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    statistics: Option<QueryStatistics>,
    /// How long it ran, in milliseconds.
    took_ms: u64,
}

/// What a query read.
#[derive(Debug, Serialize, ToSchema)]
pub struct QueryStatistics {
    /// Rows that passed the filters.
    rows_matched: u64,
    /// Rows that were looked at.
    rows_scanned: u64,
    /// Bytes that were read.
    bytes_read: u64,
    /// Bytes that were not.
    bytes_skipped: u64,
    /// Files that were opened.
    files_read: u64,
    /// Files that were not.
    files_skipped: u64,
}

/// Begins a query.
#[utoipa::path(post, path = "/api/v1/queries", tag = "queries", request_body = NewQuery, params(Wait),
    responses((status = 202, description = "it runs, or has ended already", body = QueryJob), super::Refusals),
    security(("session" = ["query:run"]), ("token" = ["query:run"])))]
async fn begin(
    State(app): State<Shared>,
    who: Who,
    Asked(wait): Asked<Wait>,
    Sent(new): Sent<NewQuery>,
) -> Result<Response, Problem> {
    let wait = wait.duration()?;
    if new.text.trim().is_empty() {
        return Err(Problem::invalid("/text", "is empty: write a query, for example `fields @timestamp, eventName`"));
    }
    if new.text.len() > TEXT_BYTES_MAX {
        return Err(Problem::invalid("/text", format!("is longer than {TEXT_BYTES_MAX} bytes")));
    }
    let rows = new.rows.unwrap_or(ROWS);
    if !(1..=ROWS_MAX).contains(&rows) {
        return Err(Problem::invalid("/rows", format!("must be from 1 to {ROWS_MAX}")));
    }
    let (from_ms, to_ms) = (new.from.map(Instant::ms), new.to.map(Instant::ms));
    if from_ms.zip(to_ms).is_some_and(|(from, to)| from >= to) {
        return Err(Problem::invalid("/to", "must be later than `from`"));
    }
    let lang = match new.lang {
        Language::Ql => Lang::Insights,
        Language::Sql => Lang::Sql,
    };
    let question = Question {
        text: new.text,
        lang,
        window: Window { from_ms, to_ms },
        rows: rows as usize,
        is_strict: new.strict,
        accounts: who.accounts(),
        owner: who.id(),
    };
    let job = app.queries.begin(question, app.new_id(), app.now_ms()).map_err(|refused| match refused {
        Refused::Busy => Problem::too_many("too many queries run now: try again when one has ended", 2),
        Refused::BusyWithYours => {
            Problem::too_many("two queries of yours run already: wait for one, or cancel it with DELETE", 2)
        }
    })?;
    job.ended(wait).await;
    Ok((StatusCode::ACCEPTED, [(header::LOCATION, format!("/api/v1/queries/{}", job.id))], Json(shown(&job)))
        .into_response())
}

/// How long to wait.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct Wait {
    /// Answer when the query has ended, at latest after so many seconds, 20 at most.
    #[serde(default)]
    #[param(minimum = 0, maximum = 20)]
    wait_s: Option<u64>,
}

impl Wait {
    fn duration(&self) -> Result<Duration, Problem> {
        match self.wait_s.unwrap_or(0) {
            s if s <= WAIT_MAX_S => Ok(Duration::from_secs(s)),
            _ => Err(Problem::invalid("wait_s", format!("must be {WAIT_MAX_S} at most"))),
        }
    }
}

/// Your queries, newest first.
#[utoipa::path(get, path = "/api/v1/queries", tag = "queries",
    responses((status = 200, description = "those that are not forgotten yet", body = Vec<QueryJob>), super::Refusals),
    security(("session" = ["query:run"]), ("token" = ["query:run"])))]
async fn list(State(app): State<Shared>, who: Who) -> Json<Vec<QueryJob>> {
    Json(app.queries.of(&who.id()).iter().map(|job| shown(job)).collect())
}

/// How a query is doing.
#[utoipa::path(get, path = "/api/v1/queries/{id}", tag = "queries", params(("id" = String, Path), Wait),
    responses((status = 200, description = "how it is doing", body = QueryJob), super::Refusals),
    security(("session" = ["query:run"]), ("token" = ["query:run"])))]
async fn show(
    State(app): State<Shared>,
    who: Who,
    Path(id): Path<String>,
    Asked(wait): Asked<Wait>,
) -> Result<Json<QueryJob>, Problem> {
    let wait = wait.duration()?;
    let job = find(&app, &who, &id)?;
    job.ended(wait).await;
    Ok(Json(shown(&job)))
}

/// Cancels a query; its rows so far can still be read.
#[utoipa::path(delete, path = "/api/v1/queries/{id}", tag = "queries", params(("id" = String, Path)),
    responses((status = 204, description = "it has ended"), super::Refusals),
    security(("session" = ["query:run"]), ("token" = ["query:run"])))]
async fn cancel(State(app): State<Shared>, who: Who, Path(id): Path<String>) -> Result<StatusCode, Problem> {
    find(&app, &who, &id)?.cancel();
    Ok(StatusCode::NO_CONTENT)
}

/// The rows of a query, as they are found: an object a line. The last line of an answer that is not whole is `{"@partial": …}`.
#[utoipa::path(get, path = "/api/v1/queries/{id}/rows", tag = "queries", params(("id" = String, Path)),
    responses((status = 200, description = "rows", body = String, content_type = "application/x-ndjson"), super::Refusals),
    security(("session" = ["query:run"]), ("token" = ["query:run"])))]
async fn rows(State(app): State<Shared>, who: Who, Path(id): Path<String>) -> Result<Response, Problem> {
    let job = find(&app, &who, &id)?;
    let stream = futures::stream::unfold((job, Some(0)), |(job, at)| async move {
        let at = at?;
        if let Some(lines) = job.lines(at).await {
            return Some((
                Ok::<_, std::convert::Infallible>(Bytes::from(lines.as_bytes().to_vec())),
                (job, Some(at + 1)),
            ));
        }
        let last = ending(&job.known())?;
        Some((Ok(Bytes::from(last)), (job, None)))
    });
    Ok(([(header::CONTENT_TYPE, "application/x-ndjson")], Body::from_stream(stream)).into_response())
}

/// The line that says why an answer is not whole.
fn ending(known: &Known) -> Option<String> {
    let why = match &known.state {
        JobState::Done if !known.is_partial => return None,
        JobState::Done | JobState::Running => "there are more rows than may be given".to_owned(),
        JobState::Cancelled => "the query was cancelled".to_owned(),
        JobState::Failed(Failure::Run(why)) => why.clone(),
        JobState::Failed(Failure::Text(_)) => "the query is not right".to_owned(),
    };
    Some(format!("{}\n", serde_json::json!({"@partial": why})))
}

fn find(app: &Shared, who: &Who, id: &str) -> Result<std::sync::Arc<Job>, Problem> {
    app.queries
        .get(id, &who.id())
        .ok_or_else(|| Problem::not_found("no query of yours has this id: answers are forgotten after ten minutes"))
}

fn shown(job: &Job) -> QueryJob {
    let known = job.known();
    let (state, error) = match &known.state {
        JobState::Running => (QueryState::Running, None),
        JobState::Done => (QueryState::Done, None),
        JobState::Cancelled => (QueryState::Cancelled, None),
        JobState::Failed(Failure::Run(why)) => (QueryState::Failed, Some(Problem::bad_request(why.clone()))),
        JobState::Failed(Failure::Text(diagnostics)) => {
            let problem = Problem::invalid("/text", diagnostics.first().map_or("is not right", |d| &d.message));
            (QueryState::Failed, Some(problem.with_faults(diagnostics.iter().map(fault).collect())))
        }
    };
    QueryJob {
        id: job.id.clone(),
        text: job.question.text.clone(),
        lang: if job.question.lang == Lang::Sql { Language::Sql } else { Language::Ql },
        state,
        columns: known.columns,
        rows: known.n_rows,
        partial: known.is_partial,
        warnings: known.warnings.iter().map(fault).collect(),
        error,
        // How much there is of others is not for those who may not see it.
        statistics: known.statistics.filter(|_| job.question.accounts.is_none()).map(|s| QueryStatistics {
            rows_matched: s.rows_matched,
            rows_scanned: s.rows_scanned,
            bytes_read: s.bytes_read,
            bytes_skipped: s.bytes_skipped,
            files_read: s.files_read,
            files_skipped: s.files_skipped,
        }),
        took_ms: known.took.as_millis() as u64,
    }
}

fn fault(diagnostic: &Diagnostic) -> Fault {
    Fault {
        pointer: "/text".to_owned(),
        detail: diagnostic.message.clone(),
        start: Some(diagnostic.span.start),
        end: Some(diagnostic.span.end),
        help: diagnostic.help.clone().or_else(|| Some(diagnostic.label.clone()).filter(|label| !label.is_empty())),
        ..Fault::default()
    }
}
