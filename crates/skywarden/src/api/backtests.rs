//! Rules tried on what is in the lake, as jobs.

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use query::Window;
use serde::{Deserialize, Serialize};
use state::Permission;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Shared;
use super::auth::Who;
use super::body::{Body, Path};
use super::problem::Problem;
use super::rule_tests::Tried;
use super::time::Instant;
use crate::serve::backtests::{Attempt, Job, State as JobState};

/// The operations.
pub fn routes() -> OpenApiRouter<Shared> {
    OpenApiRouter::new().routes(routes!(begin)).routes(routes!(show, end))
}

/// A rule, and on which time it is tried.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewBacktest {
    /// The rule as YAML; either this or `rule_id`.
    #[serde(default)]
    #[schema(max_length = 262_144)]
    rule: Option<String>,
    /// The id of a rule that is loaded.
    #[serde(default)]
    rule_id: Option<String>,
    /// Only events at or after this time.
    #[serde(default)]
    from: Option<Instant>,
    /// Only events before this time.
    #[serde(default)]
    to: Option<Instant>,
}

/// How a backtest is doing.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum BacktestState {
    /// Events are looked at.
    Running,
    /// All were looked at, or there are as many hits as there may be.
    Done,
    /// It could not go on; `error` says why.
    Failed,
}

/// A rule that is tried on the past.
#[derive(Debug, Serialize, ToSchema)]
struct Backtest {
    /// Its id.
    id: String,
    /// How it is doing.
    state: BacktestState,
    /// The title of the rule.
    title: String,
    /// How many events there are in the logs that the rule is meant for.
    events: u64,
    /// How many of them it matches.
    hits: usize,
    /// Whether it ended early because there are too many hits.
    partial: bool,
    /// Some of the events that it matches, 50 at most.
    sample: Vec<BacktestEvent>,
    /// What the rule of this id found when the events came; nothing if no such rule is loaded.
    #[serde(skip_serializing_if = "Option::is_none")]
    compared: Option<BacktestCompared>,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Problem>,
    /// How long it ran, in milliseconds.
    took_ms: u64,
}

/// An event that a rule matches.
#[derive(Debug, Serialize, ToSchema)]
struct BacktestEvent {
    /// When it happened, RFC 3339.
    time: String,
    /// Its log.
    source: &'static str,
    /// The record as it was written.
    raw: String,
}

/// The hits of now beside those of then.
#[derive(Debug, Serialize, ToSchema)]
struct BacktestCompared {
    /// The rule.
    rule_id: String,
    /// Found then, and not now.
    only_before: usize,
    /// Found now, and not then.
    only_after: usize,
    /// Found both times.
    both: usize,
}

/// Begins to try a rule on the events in the lake. Two run at a time, one of each caller; one that takes longer than five minutes fails.
#[utoipa::path(post, path = "/api/v1/backtests", tag = "rules", request_body = NewBacktest,
    responses((status = 202, description = "it runs", body = Backtest), super::Refusals),
    security(("session" = ["query:run"]), ("token" = ["query:run"])))]
async fn begin(State(app): State<Shared>, who: Who, Body(new): Body<NewBacktest>) -> Result<Response, Problem> {
    if !who.0.allows(Permission::RulesRead) {
        return Err(Problem::forbidden("this needs `rules:read` too"));
    }
    let window = Window { from_ms: new.from.map(Instant::ms), to_ms: new.to.map(Instant::ms) };
    if window.from_ms.zip(window.to_ms).is_some_and(|(from, to)| from >= to) {
        return Err(Problem::invalid("/to", "must be later than `from`"));
    }
    let begun = tokio::task::spawn_blocking(move || {
        let loaded = app.rules.current();
        let tried = Tried::of(new.rule.as_deref(), new.rule_id.as_deref(), &loaded)?;
        let rule = tried.rule().cloned().ok_or_else(|| tried.refusal(new.rule.as_deref().unwrap_or_default()))?;
        let attempt = Attempt {
            compared: loaded.set.rules.iter().find(|known| known.id == rule.id).map(|known| known.id.clone()),
            estate: loaded.bound.first().map(|bound| (*bound.estate).clone()).unwrap_or_default(),
            accounts: who.accounts(),
            owner: who.id(),
            rule,
            window,
        };
        let busy = || Problem::too_many("too many backtests run now: wait for one, or end yours with DELETE", 5);
        app.backtests.begin(attempt, app.new_id())?.ok_or_else(busy)
    });
    let job = begun.await.map_err(anyhow::Error::from)??;
    let place = format!("/api/v1/backtests/{}", job.id);
    Ok((StatusCode::ACCEPTED, [(header::LOCATION, place)], Json(shown(&job))).into_response())
}

/// How a backtest is doing.
#[utoipa::path(get, path = "/api/v1/backtests/{id}", tag = "rules", params(("id" = String, Path)),
    responses((status = 200, description = "how it is doing", body = Backtest), super::Refusals),
    security(("session" = ["query:run"]), ("token" = ["query:run"])))]
async fn show(State(app): State<Shared>, who: Who, Path(id): Path<String>) -> Result<Json<Backtest>, Problem> {
    Ok(Json(shown(&*find(&app, &who, &id)?)))
}

/// Ends a backtest, if it runs, and forgets it.
#[utoipa::path(delete, path = "/api/v1/backtests/{id}", tag = "rules", params(("id" = String, Path)),
    responses((status = 204, description = "it is gone"), super::Refusals),
    security(("session" = ["query:run"]), ("token" = ["query:run"])))]
async fn end(State(app): State<Shared>, who: Who, Path(id): Path<String>) -> Result<StatusCode, Problem> {
    app.backtests.delete(&*find(&app, &who, &id)?);
    Ok(StatusCode::NO_CONTENT)
}

fn find(app: &Shared, who: &Who, id: &str) -> Result<std::sync::Arc<Job>, Problem> {
    app.backtests
        .get(id, &who.id())
        .ok_or_else(|| Problem::not_found("no backtest of yours has this id: they are forgotten after ten minutes"))
}

fn shown(job: &Job) -> Backtest {
    let known = job.known();
    let (state, error) = match known.state {
        JobState::Running => (BacktestState::Running, None),
        JobState::Done => (BacktestState::Done, None),
        JobState::Failed(why) => (BacktestState::Failed, Some(Problem::bad_request(why))),
    };
    let compared = known.compared.zip(job.attempt.compared.clone()).map(|(compared, rule_id)| BacktestCompared {
        rule_id,
        only_before: compared.only_before,
        only_after: compared.only_after,
        both: compared.both,
    });
    let sample = known.sample.into_iter().map(|sampled| BacktestEvent {
        time: event::time::rfc3339(sampled.time_ms),
        source: sampled.source,
        raw: sampled.raw,
    });
    Backtest {
        id: job.id.clone(),
        state,
        title: job.attempt.rule.title.clone(),
        events: known.events,
        hits: known.hits,
        partial: known.is_partial,
        sample: sample.collect(),
        compared,
        error,
        took_ms: known.took.as_millis() as u64,
    }
}
