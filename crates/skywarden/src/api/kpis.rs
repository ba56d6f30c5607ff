//! What findings add up to.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Shared;
use super::auth::Who;
use super::body::Asked as Params;
use super::problem::Problem;

/// Days where nothing is said, and at most.
const DAYS: u32 = 30;
const DAYS_MAX: u32 = 366;

/// The operations.
pub fn routes() -> OpenApiRouter<Shared> {
    OpenApiRouter::new().routes(routes!(kpis))
}

/// Of which time.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct Asked {
    /// So many days, today among them; 30 if nothing is said.
    #[serde(default)]
    #[param(minimum = 1, maximum = 366)]
    days: Option<u32>,
}

/// What findings add up to, of those that you may see. Days are days in UTC.
#[derive(Debug, Serialize, ToSchema)]
struct Kpis {
    /// How many days are looked at, today among them.
    days: u32,
    /// Critical findings that are to be dealt with now, whatever their age.
    open_critical: u64,
    /// High ones.
    open_high: u64,
    /// All: those that are new, notified or in progress.
    open: u64,
    /// Findings that the server made today.
    new_today: u64,
    /// The median of the seconds from the first event of a finding to when the server made it. Findings whose first event was older than
    /// a day by then are left out: their logs were imported, or came late. Nothing if there are none.
    mttd_s: Option<f64>,
    /// The median of the seconds from when the server made a finding to when it was resolved, of those that were resolved in these days
    /// and are not open again.
    mttr_s: Option<f64>,
    /// Findings with events in these days that have a verdict.
    judged: u64,
    /// Those of them that were false positives.
    false_positives: u64,
    /// The part of the judged that were false positives, 0 to 1; nothing if none was judged.
    false_positive_rate: Option<f64>,
    /// How many findings have their first event on a day; days and severities without any are left out.
    trend: Vec<TrendDay>,
    /// Who has the worst findings with events in these days, the suppressed left out: 10 at most.
    top_principals: Vec<PrincipalKpi>,
    /// Which rules have the worst, likewise.
    top_rules: Vec<RuleKpi>,
}

/// The findings of a day.
#[derive(Debug, Serialize, ToSchema)]
struct TrendDay {
    /// The day.
    #[schema(example = "2026-11-24", format = Date)]
    day: String,
    /// Of this severity.
    severity_id: u8,
    /// So many.
    count: u64,
}

/// A principal, and its findings.
#[derive(Debug, Serialize, ToSchema)]
struct PrincipalKpi {
    /// Its name.
    principal: String,
    /// Its account.
    account: String,
    /// How many.
    findings: u64,
    /// The severity of the worst.
    severity_id: u8,
}

/// A rule, and its findings.
#[derive(Debug, Serialize, ToSchema)]
struct RuleKpi {
    /// Its id.
    rule: String,
    /// Its title; its id if it is no longer loaded.
    title: String,
    /// How many.
    findings: u64,
    /// The severity of the worst.
    severity_id: u8,
}

/// What findings add up to.
#[utoipa::path(get, path = "/api/v1/kpis", tag = "findings", params(Asked),
    responses((status = 200, description = "figures", body = Kpis), super::Refusals),
    security(("session" = ["findings:read"]), ("token" = ["findings:read"])))]
async fn kpis(State(app): State<Shared>, who: Who, Params(asked): Params<Asked>) -> Result<Json<Kpis>, Problem> {
    let days = asked.days.unwrap_or(DAYS);
    if !(1..=DAYS_MAX).contains(&days) {
        return Err(Problem::invalid("days", format!("must be from 1 to {DAYS_MAX}")));
    }
    let (state, now_ms) = (std::sync::Arc::clone(&app.state), app.now_ms());
    let added = tokio::task::spawn_blocking(move || state.kpis(&who.0, days, now_ms)).await;
    let added = added.map_err(anyhow::Error::from)?.map_err(anyhow::Error::from)?;
    let loaded = app.rules.current();
    let title = |id: &str| {
        let rule = loaded.set.rules.iter().find(|rule| rule.id == id);
        rule.map_or_else(|| id.to_owned(), |rule| rule.title.clone())
    };
    let open = |severity| added.open.iter().filter(|(have, _)| *have == severity).map(|(_, n)| n).sum();
    let seconds = |ms: Option<i64>| ms.map(|ms| ms as f64 / 1_000.0);
    Ok(Json(Kpis {
        days,
        open_critical: open(5),
        open_high: open(4),
        open: added.open.iter().map(|(_, n)| n).sum(),
        new_today: added.new_today,
        mttd_s: seconds(added.detected_ms),
        mttr_s: seconds(added.resolved_ms),
        judged: added.judged,
        false_positives: added.false_positives,
        false_positive_rate: (added.judged > 0).then(|| added.false_positives as f64 / added.judged as f64),
        trend: added
            .trend
            .into_iter()
            .map(|(day_ms, severity_id, count)| TrendDay {
                day: event::time::rfc3339(day_ms).chars().take(10).collect(),
                severity_id,
                count,
            })
            .collect(),
        top_principals: added
            .principals
            .into_iter()
            .map(|top| PrincipalKpi {
                principal: top.principal,
                account: top.account,
                findings: top.findings,
                severity_id: top.severity,
            })
            .collect(),
        top_rules: added
            .rules
            .into_iter()
            .map(|top| RuleKpi {
                title: title(&top.rule),
                rule: top.rule,
                findings: top.findings,
                severity_id: top.severity,
            })
            .collect(),
    }))
}
