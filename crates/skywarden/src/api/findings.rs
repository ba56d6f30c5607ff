//! Findings: pages of them, one of them, decisions, notes, history.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use state::{Change, CursorError, DecideError, Filter, Shown, Sort};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Shared;
use super::auth::Who;
use super::body::{Asked as Params, Body, Path, seen};
use super::problem::Problem;
use super::time::Instant;

/// Findings of a page where nothing is said.
const LIMIT: usize = 50;

/// The operations.
pub fn routes() -> OpenApiRouter<Shared> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(counts))
        .routes(routes!(show, decide))
        .routes(routes!(notes, add_note))
        .routes(routes!(history))
}

/// Where a finding stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Nobody looked at it.
    New,
    /// Somebody was told.
    Notified,
    /// Somebody is at it.
    InProgress,
    /// It is dealt with.
    Resolved,
    /// It is kept, and not shown among those that are to be dealt with.
    Suppressed,
}

/// What a finding turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// An attack.
    TruePositive,
    /// The rule was wrong.
    FalsePositive,
    /// The rule was right, and it was allowed.
    Benign,
}

impl From<Status> for state::Status {
    fn from(status: Status) -> state::Status {
        match status {
            Status::New => state::Status::New,
            Status::Notified => state::Status::Notified,
            Status::InProgress => state::Status::InProgress,
            Status::Resolved => state::Status::Resolved,
            Status::Suppressed => state::Status::Suppressed,
        }
    }
}

impl From<state::Status> for Status {
    fn from(status: state::Status) -> Status {
        match status {
            state::Status::New => Status::New,
            state::Status::Notified => Status::Notified,
            state::Status::InProgress => Status::InProgress,
            state::Status::Resolved => Status::Resolved,
            state::Status::Suppressed => Status::Suppressed,
        }
    }
}

impl From<Verdict> for state::Verdict {
    fn from(verdict: Verdict) -> state::Verdict {
        match verdict {
            Verdict::TruePositive => state::Verdict::TruePositive,
            Verdict::FalsePositive => state::Verdict::FalsePositive,
            Verdict::Benign => state::Verdict::Benign,
        }
    }
}

impl From<state::Verdict> for Verdict {
    fn from(verdict: state::Verdict) -> Verdict {
        match verdict {
            state::Verdict::TruePositive => Verdict::TruePositive,
            state::Verdict::FalsePositive => Verdict::FalsePositive,
            state::Verdict::Benign => Verdict::Benign,
        }
    }
}

/// A finding.
#[derive(Debug, Serialize, ToSchema)]
pub struct Finding {
    /// Its uid: the same for the same rule, entity and day.
    uid: String,
    /// Who did what to what.
    title: String,
    /// 1 informational, 2 low, 3 medium, 4 high, 5 critical.
    severity_id: u8,
    /// The rule's id.
    rule: String,
    /// The account.
    account: String,
    /// The first of its Regions.
    region: String,
    /// Who did it.
    principal: String,
    /// The log source.
    source: String,
    /// The time of its first event, RFC 3339.
    first_seen: String,
    /// The time of its last event, RFC 3339.
    last_seen: String,
    /// How many events.
    count: u64,
    /// When the server last saw something of it, RFC 3339.
    updated: String,
    /// Where it stands.
    status: Status,
    /// Who deals with it.
    assignee: Option<String>,
    /// What it turned out to be.
    verdict: Option<Verdict>,
    /// The suppression that holds it back.
    suppressed_by: Option<i64>,
    /// Grows with each decision; `If-Match` names it.
    version: i64,
    /// The OCSF Detection Finding; not in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    document: Option<Value>,
}

impl Finding {
    /// As lists show it.
    pub fn of(shown: Shown) -> Finding {
        let row = shown.row;
        Finding {
            uid: row.uid,
            title: row.title,
            severity_id: row.severity,
            rule: row.rule,
            account: row.account,
            region: row.region,
            principal: row.principal,
            source: row.source,
            first_seen: event::time::rfc3339(row.first_ms),
            last_seen: event::time::rfc3339(row.last_ms),
            count: row.count,
            updated: event::time::rfc3339(shown.seen_ms),
            status: shown.status.into(),
            assignee: shown.assignee,
            verdict: shown.verdict.map(Into::into),
            suppressed_by: shown.suppressed_by,
            version: shown.version,
            document: None,
        }
    }

    fn whole(shown: Shown) -> Finding {
        let document = serde_json::from_str(&shown.row.document).ok();
        Finding { document, ..Finding::of(shown) }
    }
}

/// A page of findings.
#[derive(Debug, Serialize, ToSchema)]
struct Page {
    /// The findings.
    findings: Vec<Finding>,
    /// What the next page is asked with as `cursor`; nothing if there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// Which findings.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct Asked {
    /// With one of these statuses, parted by commas; all if nothing is said.
    #[serde(default)]
    #[param(example = "new,in_progress")]
    status: Option<String>,
    /// Of this severity at least, 1 to 5.
    #[serde(default)]
    #[param(minimum = 1, maximum = 5)]
    severity_min: Option<u8>,
    /// Of this account.
    #[serde(default)]
    account: Option<String>,
    /// Of this rule.
    #[serde(default)]
    rule: Option<String>,
    /// Of those whose name has this text.
    #[serde(default)]
    principal: Option<String>,
    /// Assigned to this user; `-` is nobody.
    #[serde(default)]
    assignee: Option<String>,
    /// With this verdict.
    #[serde(default)]
    #[param(inline)]
    verdict: Option<Verdict>,
    /// With events at or after this time.
    #[serde(default)]
    from: Option<String>,
    /// With events before this time.
    #[serde(default)]
    to: Option<String>,
    /// With this text in title, principal, resources, addresses or uid.
    #[serde(default)]
    #[param(max_length = 200)]
    text: Option<String>,
    /// `worst` first, or `latest`.
    #[serde(default)]
    #[param(inline)]
    sort: Order,
    /// Where to go on: `next` of the page before.
    #[serde(default)]
    cursor: Option<String>,
    /// How many, 200 at most.
    #[serde(default)]
    #[param(minimum = 1, maximum = 200)]
    limit: Option<usize>,
}

/// An order of findings.
#[derive(Clone, Copy, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum Order {
    /// The worst first, of these the latest.
    #[default]
    Worst,
    /// The latest first.
    Latest,
}

impl Asked {
    fn filter(&self) -> Result<Filter, Problem> {
        let status =
            self.status.as_deref().map(|text| text.split(',').map(str::trim).collect::<Vec<_>>()).unwrap_or_default();
        let status = status.into_iter().map(|name| {
            let known: Vec<&str> = state::Status::ALL.map(state::Status::name).to_vec();
            state::Status::parse(name)
                .ok_or_else(|| Problem::invalid("status", format!("`{name}` is none: there are {}", known.join(", "))))
        });
        let time = |name: &str, text: &Option<String>| match text {
            None => Ok(None),
            Some(text) => Instant::parse(text).map(|at| Some(at.ms())).ok_or_else(|| {
                Problem::invalid(name, "is no time: write it as 2026-11-24T12:00:00Z, or as milliseconds since 1970")
            }),
        };
        if self.text.as_ref().is_some_and(|text| text.chars().count() > 200) {
            return Err(Problem::invalid("text", "is longer than 200 characters"));
        }
        if self.severity_min.is_some_and(|severity| !(1..=5).contains(&severity)) {
            return Err(Problem::invalid("severity_min", "must be from 1 to 5"));
        }
        Ok(Filter {
            status: status.collect::<Result<_, _>>()?,
            severity_min: self.severity_min,
            account: self.account.clone(),
            rule: self.rule.clone(),
            principal: self.principal.clone(),
            assignee: self.assignee.as_ref().map(|name| (name != "-").then(|| name.clone())),
            verdict: self.verdict.map(Into::into),
            from_ms: time("from", &self.from)?,
            to_ms: time("to", &self.to)?,
            text: self.text.clone().filter(|text| !text.is_empty()),
        })
    }
}

/// Work on the database, off the threads that answer.
async fn off<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Problem> {
    Ok(tokio::task::spawn_blocking(work).await.map_err(anyhow::Error::from)?)
}

/// A page of findings.
#[utoipa::path(get, path = "/api/v1/findings", tag = "findings", params(Asked),
    responses((status = 200, description = "a page", body = Page), super::Refusals),
    security(("session" = ["findings:read"]), ("token" = ["findings:read"])))]
async fn list(State(app): State<Shared>, who: Who, Params(asked): Params<Asked>) -> Result<Json<Page>, Problem> {
    let filter = asked.filter()?;
    let limit = asked.limit.unwrap_or(LIMIT);
    if !(1..=200).contains(&limit) {
        return Err(Problem::invalid("limit", "must be from 1 to 200"));
    }
    let sort = match asked.sort {
        Order::Worst => Sort::Worst,
        Order::Latest => Sort::Latest,
    };
    let page = off(move || app.state.findings(&who.0, &filter, sort, asked.cursor.as_deref(), limit)).await?;
    let page = page.map_err(|err| match err {
        CursorError::Foreign => Problem::invalid("cursor", "was given for another question: begin without one"),
        CursorError::State(err) => Problem::internal(&err.into()),
    })?;
    Ok(Json(Page { findings: page.findings.into_iter().map(Finding::of).collect(), next: page.next }))
}

/// How many findings there are.
#[derive(Debug, Serialize, ToSchema)]
struct Count {
    /// With this status.
    status: Status,
    /// Of this severity.
    severity_id: u8,
    /// So many.
    count: u64,
}

/// How many findings there are, by status and severity.
#[utoipa::path(get, path = "/api/v1/finding-counts", tag = "findings",
    responses((status = 200, description = "those that are not 0", body = Vec<Count>), super::Refusals),
    security(("session" = ["findings:read"]), ("token" = ["findings:read"])))]
async fn counts(State(app): State<Shared>, who: Who) -> Result<Json<Vec<Count>>, Problem> {
    let counts = off(move || app.state.finding_counts(&who.0)).await?.map_err(anyhow::Error::from)?;
    let counts =
        counts.into_iter().map(|(status, severity_id, count)| Count { status: status.into(), severity_id, count });
    Ok(Json(counts.collect()))
}

fn tagged(finding: Finding) -> Response {
    let tag = format!("\"{}\"", finding.version);
    ([(header::ETAG, tag)], Json(finding)).into_response()
}

/// A finding as a whole.
#[utoipa::path(get, path = "/api/v1/findings/{uid}", tag = "findings", params(("uid" = String, Path)),
    responses((status = 200, description = "the finding; its ETag goes into `If-Match`", body = Finding), super::Refusals),
    security(("session" = ["findings:read"]), ("token" = ["findings:read"])))]
async fn show(State(app): State<Shared>, who: Who, Path(uid): Path<String>) -> Result<Response, Problem> {
    let found = off(move || app.state.finding(&uid, &who.0)).await?.map_err(anyhow::Error::from)?;
    Ok(tagged(Finding::whole(found.ok_or_else(unknown)?)))
}

fn unknown() -> Problem {
    Problem::not_found("there is no such finding, or none of your accounts")
}

/// A value that may be left out, or be null to take away what is there.
#[expect(clippy::option_option, reason = "left out and null are two things here")]
fn given<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// A decision; what is left out stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(clippy::option_option, reason = "left out and null are two things here")]
struct Decision {
    /// Where it stands now: `new`, `notified`, `in_progress` or `resolved`.
    #[serde(default)]
    status: Option<Status>,
    /// Who deals with it; null is nobody.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 64)]
    assignee: Option<Option<String>>,
    /// What it turned out to be; null is open.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<Verdict>)]
    verdict: Option<Option<Verdict>>,
}

/// Decides about a finding. `If-Match` names the version that was seen, so that two analysts never overwrite each other.
#[utoipa::path(patch, path = "/api/v1/findings/{uid}", tag = "findings", request_body = Decision,
    params(("uid" = String, Path), ("if-match" = Option<String>, Header, description = "the ETag of the finding as it was seen")),
    responses((status = 200, description = "the finding now", body = Finding),
        (status = 412, description = "somebody changed it since", body = Problem, content_type = "application/problem+json"),
        (status = 428, description = "`If-Match` is missing", body = Problem, content_type = "application/problem+json"), super::Refusals),
    security(("session" = ["findings:write"]), ("token" = ["findings:write"])))]
async fn decide(
    State(app): State<Shared>,
    who: Who,
    Path(uid): Path<String>,
    headers: HeaderMap,
    Body(decision): Body<Decision>,
) -> Result<Response, Problem> {
    let version = seen(&headers)?.parse();
    let version = version.map_err(|_| Problem::changed("`If-Match` is not an ETag of this finding"))?;
    let change = Change {
        status: decision.status.map(Into::into),
        assignee: decision.assignee,
        verdict: decision.verdict.map(|verdict| verdict.map(Into::into)),
    };
    let now_ms = app.now_ms();
    let decided = off(move || app.state.decide(&who.0, &uid, version, &change, now_ms)).await?;
    Ok(tagged(Finding::whole(decided.map_err(refused)?)))
}

fn refused(err: DecideError) -> Problem {
    match err {
        DecideError::Unknown => unknown(),
        DecideError::Conflict { .. } => Problem::changed(format!("{err}: look at it again, and decide again")),
        DecideError::Wrong(why) => Problem::invalid("", why),
        DecideError::State(err) => Problem::internal(&err.into()),
    }
}

/// Something that somebody wrote.
#[derive(Debug, Serialize, ToSchema)]
struct Note {
    /// When, RFC 3339.
    time: String,
    /// Who.
    who: String,
    /// What; plain text.
    text: String,
}

/// Something to be written down.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewNote {
    /// Plain text.
    #[schema(min_length = 1, max_length = 10_000)]
    text: String,
}

impl Note {
    fn of(note: state::Note) -> Note {
        Note { time: event::time::rfc3339(note.time_ms), who: note.who, text: note.text }
    }
}

/// The notes of a finding, oldest first.
#[utoipa::path(get, path = "/api/v1/findings/{uid}/notes", tag = "findings", params(("uid" = String, Path)),
    responses((status = 200, description = "the notes", body = Vec<Note>), super::Refusals),
    security(("session" = ["findings:read"]), ("token" = ["findings:read"])))]
async fn notes(State(app): State<Shared>, who: Who, Path(uid): Path<String>) -> Result<Json<Vec<Note>>, Problem> {
    app.state.finding(&uid, &who.0).map_err(anyhow::Error::from)?.ok_or_else(unknown)?;
    Ok(Json(app.state.notes(&uid).map_err(anyhow::Error::from)?.into_iter().map(Note::of).collect()))
}

/// Adds a note.
#[utoipa::path(post, path = "/api/v1/findings/{uid}/notes", tag = "findings", request_body = NewNote, params(("uid" = String, Path)),
    responses((status = 201, description = "written", body = Note), super::Refusals),
    security(("session" = ["findings:write"]), ("token" = ["findings:write"])))]
async fn add_note(
    State(app): State<Shared>,
    who: Who,
    Path(uid): Path<String>,
    Body(new): Body<NewNote>,
) -> Result<(StatusCode, Json<Note>), Problem> {
    let note = app.state.add_note(&who.0, &uid, &new.text, app.now_ms()).map_err(refused)?;
    Ok((StatusCode::CREATED, Json(Note::of(note))))
}

/// Something that was changed.
#[derive(Debug, Serialize, ToSchema)]
struct HistoryEntry {
    /// When, RFC 3339.
    time: String,
    /// Who.
    who: String,
    /// What: from and to.
    #[schema(value_type = Object)]
    what: Value,
}

/// What was changed of a finding, oldest first.
#[utoipa::path(get, path = "/api/v1/findings/{uid}/history", tag = "findings", params(("uid" = String, Path)),
    responses((status = 200, description = "the changes", body = Vec<HistoryEntry>), super::Refusals),
    security(("session" = ["findings:read"]), ("token" = ["findings:read"])))]
async fn history(
    State(app): State<Shared>,
    who: Who,
    Path(uid): Path<String>,
) -> Result<Json<Vec<HistoryEntry>>, Problem> {
    app.state.finding(&uid, &who.0).map_err(anyhow::Error::from)?.ok_or_else(unknown)?;
    let entries = app.state.history(&uid).map_err(anyhow::Error::from)?.into_iter();
    Ok(Json(
        entries.map(|e| HistoryEntry { time: event::time::rfc3339(e.time_ms), who: e.who, what: e.what }).collect(),
    ))
}
