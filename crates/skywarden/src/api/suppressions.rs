//! Suppressions: what is held back, why, by whom, until when, and what it would have held back.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde::{Deserialize, Serialize};
use state::{NewSuppression, SuppressionChange, SuppressionError};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Shared;
use super::auth::Who;
use super::body::{Body, Path, seen};
use super::problem::Problem;
use super::time::Instant;

/// How far back a preview looks.
const PREVIEW_MS: i64 = 30 * 86_400_000;

/// The operations.
pub fn routes() -> OpenApiRouter<Shared> {
    OpenApiRouter::new().routes(routes!(list, make)).routes(routes!(show, change, end)).routes(routes!(preview))
}

/// Which findings: all that are said must hold. `*` stands for any characters.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
struct Dimensions {
    /// The rule's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    rule: Option<String>,
    /// The account.
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<String>,
    /// The first Region of the finding.
    #[serde(skip_serializing_if = "Option::is_none")]
    region: Option<String>,
    /// Who did it.
    #[serde(skip_serializing_if = "Option::is_none")]
    principal: Option<String>,
    /// All addresses of the finding.
    #[serde(skip_serializing_if = "Option::is_none")]
    source_ip: Option<String>,
    /// All that it was done to.
    #[serde(skip_serializing_if = "Option::is_none")]
    resource: Option<String>,
}

impl From<Dimensions> for state::Dimensions {
    fn from(d: Dimensions) -> state::Dimensions {
        let Dimensions { rule, account, region, principal, source_ip, resource } = d;
        state::Dimensions { rule, account, region, principal, source_ip, resource }
    }
}

impl From<state::Dimensions> for Dimensions {
    fn from(d: state::Dimensions) -> Dimensions {
        let state::Dimensions { rule, account, region, principal, source_ip, resource } = d;
        Dimensions { rule, account, region, principal, source_ip, resource }
    }
}

/// A suppression.
#[derive(Debug, Serialize, ToSchema)]
struct Suppression {
    /// Its number.
    id: i64,
    /// Which findings.
    dimensions: Dimensions,
    /// Why.
    reason: String,
    /// Whose it is.
    owner: String,
    /// Since when, RFC 3339.
    created: String,
    /// Until when, RFC 3339.
    until: String,
    /// When it ended, RFC 3339, if it has.
    #[serde(skip_serializing_if = "Option::is_none")]
    ended: Option<String>,
    /// Who ended it.
    #[serde(skip_serializing_if = "Option::is_none")]
    ended_by: Option<String>,
    /// Its version, which goes into `If-Match`.
    version: String,
}

impl Suppression {
    fn of(suppression: state::Suppression) -> Suppression {
        Suppression {
            version: suppression.tag(),
            id: suppression.id,
            dimensions: suppression.dimensions.into(),
            reason: suppression.reason,
            owner: suppression.owner,
            created: event::time::rfc3339(suppression.created_ms),
            until: event::time::rfc3339(suppression.until_ms),
            ended: suppression.ended_ms.map(event::time::rfc3339),
            ended_by: suppression.ended_by,
        }
    }
}

/// A suppression to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Wanted {
    /// Which findings: at least one dimension.
    dimensions: Dimensions,
    /// Why.
    #[schema(min_length = 1, max_length = 2_000)]
    reason: String,
    /// Until when: a year at most.
    until: Instant,
}

/// What is changed of a suppression; what is left out stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SuppressionPatch {
    /// Why.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 2_000)]
    reason: Option<String>,
    /// Until when: a year from now at most.
    #[serde(default)]
    until: Option<Instant>,
    /// Whose it is from now on: `user/NAME`.
    #[serde(default)]
    owner: Option<String>,
}

/// Dimensions to be tried.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Tried {
    /// Which findings: at least one dimension.
    dimensions: Dimensions,
}

/// What it would have held back in the last 30 days.
#[derive(Debug, Serialize, ToSchema)]
struct Preview {
    /// How many findings.
    findings: u64,
    /// How many of these were judged to be attacks.
    true_positives: u64,
    /// How many were judged to be nothing.
    nothing: u64,
    /// How many are open now.
    open: u64,
    /// The worst of them, 20 at most.
    uids: Vec<String>,
    /// Whether there were more findings than were looked at.
    partial: bool,
}

fn problem(err: SuppressionError) -> Problem {
    match err {
        SuppressionError::Wrong(why) => Problem::invalid("", why),
        SuppressionError::Unknown(_) => Problem::not_found(err.to_string()),
        SuppressionError::Changed => Problem::changed("it is not as you have seen it: look at it again"),
        SuppressionError::State(err) => Problem::internal(&err.into()),
    }
}

/// All suppressions, newest first; also those that have ended.
#[utoipa::path(get, path = "/api/v1/suppressions", tag = "suppressions",
    responses((status = 200, description = "all", body = Vec<Suppression>), super::Refusals),
    security(("session" = ["findings:read"]), ("token" = ["findings:read"])))]
async fn list(State(app): State<Shared>, who: Who) -> Result<Json<Vec<Suppression>>, Problem> {
    let all = app.state.suppressions().map_err(anyhow::Error::from)?;
    let is_seen = |s: &state::Suppression| {
        who.0.accounts.is_none() || s.dimensions.account.as_ref().is_some_and(|account| who.0.sees(account))
    };
    Ok(Json(all.into_iter().filter(is_seen).map(Suppression::of).collect()))
}

/// Makes a suppression. Open findings of it are held back at once; they are kept, and listed under `suppressed`.
#[utoipa::path(post, path = "/api/v1/suppressions", tag = "suppressions", request_body = Wanted,
    responses((status = 201, description = "it holds", body = Suppression), super::Refusals),
    security(("session" = ["suppressions:write"]), ("token" = ["suppressions:write"])))]
async fn make(
    State(app): State<Shared>,
    who: Who,
    Body(wanted): Body<Wanted>,
) -> Result<(StatusCode, Json<Suppression>), Problem> {
    let new =
        NewSuppression { dimensions: wanted.dimensions.into(), reason: wanted.reason, until_ms: wanted.until.ms() };
    let now_ms = app.now_ms();
    let made = tokio::task::spawn_blocking(move || app.state.suppress(&who.0, new, now_ms)).await;
    Ok((StatusCode::CREATED, Json(Suppression::of(made.map_err(anyhow::Error::from)?.map_err(problem)?))))
}

fn tagged(suppression: state::Suppression) -> Response {
    let tag = format!("\"{}\"", suppression.tag());
    ([(header::ETAG, tag)], Json(Suppression::of(suppression))).into_response()
}

fn number(id: &str) -> Result<i64, Problem> {
    id.parse().map_err(|_| Problem::not_found("a suppression has a number"))
}

/// A suppression, also one that has ended.
#[utoipa::path(get, path = "/api/v1/suppressions/{id}", tag = "suppressions", params(("id" = i64, Path)),
    responses((status = 200, description = "the suppression; its ETag goes into `If-Match`", body = Suppression), super::Refusals),
    security(("session" = ["findings:read"]), ("token" = ["findings:read"])))]
async fn show(State(app): State<Shared>, who: Who, Path(id): Path<String>) -> Result<Response, Problem> {
    let found = app.state.suppression(number(&id)?).map_err(anyhow::Error::from)?;
    let is_seen = |s: &state::Suppression| {
        who.0.accounts.is_none() || s.dimensions.account.as_ref().is_some_and(|account| who.0.sees(account))
    };
    let found = found.filter(is_seen).ok_or_else(|| Problem::not_found("there is no such suppression"))?;
    Ok(tagged(found))
}

/// Changes why a suppression is there, until when, or whose it is. To undo it, end it. `If-Match` names the version that was seen.
#[utoipa::path(patch, path = "/api/v1/suppressions/{id}", tag = "suppressions", request_body = SuppressionPatch,
    params(("id" = i64, Path), ("if-match" = Option<String>, Header, description = "the ETag of the suppression as it was seen")),
    responses((status = 200, description = "the suppression now", body = Suppression),
        (status = 412, description = "somebody changed it since", body = Problem, content_type = "application/problem+json"),
        (status = 428, description = "`If-Match` is missing", body = Problem, content_type = "application/problem+json"), super::Refusals),
    security(("session" = ["suppressions:write"]), ("token" = ["suppressions:write"])))]
async fn change(
    State(app): State<Shared>,
    who: Who,
    Path(id): Path<String>,
    headers: HeaderMap,
    Body(patch): Body<SuppressionPatch>,
) -> Result<Response, Problem> {
    let id = number(&id)?;
    let seen = seen(&headers)?;
    let change = SuppressionChange { reason: patch.reason, until_ms: patch.until.map(Instant::ms), owner: patch.owner };
    let now_ms = app.now_ms();
    let changed = tokio::task::spawn_blocking(move || app.state.change_suppression(&who.0, id, &change, &seen, now_ms));
    Ok(tagged(changed.await.map_err(anyhow::Error::from)?.map_err(problem)?))
}

/// Ends a suppression: what it held back is new again.
#[utoipa::path(delete, path = "/api/v1/suppressions/{id}", tag = "suppressions", params(("id" = i64, Path)),
    responses((status = 204, description = "it has ended"), super::Refusals),
    security(("session" = ["suppressions:write"]), ("token" = ["suppressions:write"])))]
async fn end(State(app): State<Shared>, who: Who, Path(id): Path<String>) -> Result<StatusCode, Problem> {
    let id = number(&id)?;
    app.state.end_suppression(&who.0, id, app.now_ms()).map_err(problem)?;
    Ok(StatusCode::NO_CONTENT)
}

/// What a suppression would have held back in the last 30 days.
#[utoipa::path(post, path = "/api/v1/suppression-previews", tag = "suppressions", request_body = Tried,
    responses((status = 200, description = "what it would have held back", body = Preview), super::Refusals),
    security(("session" = ["findings:read"]), ("token" = ["findings:read"])))]
async fn preview(State(app): State<Shared>, who: Who, Body(tried): Body<Tried>) -> Result<Json<Preview>, Problem> {
    let since_ms = app.now_ms() - PREVIEW_MS;
    let dimensions = tried.dimensions.into();
    let found = tokio::task::spawn_blocking(move || app.state.preview(&who.0, &dimensions, since_ms)).await;
    let found = found.map_err(anyhow::Error::from)?.map_err(problem)?;
    Ok(Json(Preview {
        findings: found.findings,
        true_positives: found.true_positives,
        nothing: found.nothing,
        open: found.open,
        uids: found.uids,
        partial: found.is_partial,
    }))
}
