//! The audit: who changed what.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Shared;
use super::body::Asked as Params;
use super::problem::Problem;

/// The operations.
pub fn routes() -> OpenApiRouter<Shared> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(verify))
}

/// An entry of the audit.
#[derive(Debug, Serialize, ToSchema)]
struct Entry {
    /// Its number, without gaps.
    seq: i64,
    /// When, RFC 3339.
    time: String,
    /// Who.
    who: String,
    /// What kind of change.
    kind: String,
    /// What.
    #[schema(value_type = Object)]
    what: Value,
}

/// Which entries.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct Asked {
    /// Those before this number: the last of the page before.
    #[serde(default)]
    #[param(minimum = 1)]
    before: Option<i64>,
    /// How many, 500 at most.
    #[serde(default)]
    #[param(minimum = 1, maximum = 500)]
    limit: Option<usize>,
}

/// What a verification found.
#[derive(Debug, Serialize, ToSchema)]
struct Verified {
    /// How many entries there are.
    entries: u64,
    /// How many of them a checkpoint vouches for.
    vouched: u64,
    /// What is wrong.
    troubles: Vec<String>,
}

/// The audit, newest first.
#[utoipa::path(get, path = "/api/v1/audit", tag = "audit", params(Asked),
    responses((status = 200, description = "entries", body = Vec<Entry>), super::Refusals),
    security(("session" = ["audit:read"]), ("token" = ["audit:read"])))]
async fn list(State(app): State<Shared>, Params(asked): Params<Asked>) -> Result<Json<Vec<Entry>>, Problem> {
    if asked.before.is_some_and(|before| before < 1) {
        return Err(Problem::invalid("before", "must be 1 at least"));
    }
    let limit = asked.limit.unwrap_or(100);
    if !(1..=500).contains(&limit) {
        return Err(Problem::invalid("limit", "must be from 1 to 500"));
    }
    let entries = app.state.audit(asked.before.unwrap_or(i64::MAX), limit).map_err(anyhow::Error::from)?;
    let shown = entries.into_iter().map(|entry| Entry {
        seq: entry.seq,
        time: event::time::rfc3339(entry.time_ms),
        who: entry.who,
        kind: entry.kind,
        what: serde_json::from_str(&entry.what).unwrap_or_default(),
    });
    Ok(Json(shown.collect()))
}

/// Looks whether the audit is whole: each entry goes with the one before it, and checkpoints vouch for it.
#[utoipa::path(get, path = "/api/v1/audit/verification", tag = "audit",
    responses((status = 200, description = "what was found", body = Verified), super::Refusals),
    security(("session" = ["audit:read"]), ("token" = ["audit:read"])))]
async fn verify(State(app): State<Shared>) -> Result<Json<Verified>, Problem> {
    let report = tokio::task::spawn_blocking(move || state::audit::verify(app.state.path())).await;
    let report = report.map_err(anyhow::Error::from)?.map_err(anyhow::Error::from)?;
    Ok(Json(Verified {
        entries: report.entries,
        vouched: report.vouched,
        troubles: report.troubles.iter().map(ToString::to_string).collect(),
    }))
}
