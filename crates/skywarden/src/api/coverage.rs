//! Which techniques of ATT&CK the rules are about, and which none is.

use std::collections::HashMap;

use axum::Json;
use axum::extract::State;
use detect::attack::{self, TACTICS};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Shared;
use super::auth::Who;
use super::problem::Problem;

/// The operations.
pub fn routes() -> OpenApiRouter<Shared> {
    OpenApiRouter::new().routes(routes!(coverage))
}

/// What rules are about.
#[derive(Debug, Serialize, ToSchema)]
struct Coverage {
    /// The version of ATT&CK.
    attack_version: &'static str,
    /// The tactics, in the order of the enterprise matrix.
    tactics: Vec<CoveredTactic>,
}

/// A tactic, and the techniques that serve it.
#[derive(Debug, Serialize, ToSchema)]
struct CoveredTactic {
    /// Its name.
    name: &'static str,
    /// Its techniques; one that serves several tactics is in each.
    techniques: Vec<CoveredTechnique>,
}

/// A technique, and the rules that are about it.
#[derive(Clone, Debug, Serialize, ToSchema)]
struct CoveredTechnique {
    /// Its id.
    id: String,
    /// Its name.
    name: String,
    /// The rules; none if nothing would be seen.
    rules: Vec<CoveringRule>,
    /// How many findings of these rules there are that you may see.
    findings: u64,
}

/// A rule that is about a technique.
#[derive(Clone, Debug, Serialize, ToSchema)]
struct CoveringRule {
    /// Its id.
    id: String,
    /// Its title.
    title: String,
    /// 1 informational, 2 low, 3 medium, 4 high, 5 critical.
    severity_id: u8,
}

/// Which techniques of ATT&CK the rules are about: those of clouds are all there, also those that no rule is about.
#[utoipa::path(get, path = "/api/v1/coverage", tag = "rules",
    responses((status = 200, description = "by tactic", body = Coverage), super::Refusals),
    security(("session" = ["rules:read"]), ("token" = ["rules:read"])))]
async fn coverage(State(app): State<Shared>, who: Who) -> Result<Json<Coverage>, Problem> {
    let state = std::sync::Arc::clone(&app.state);
    let counted = tokio::task::spawn_blocking(move || state.findings_by_rule(&who.0)).await;
    let counts: HashMap<String, u64> =
        counted.map_err(anyhow::Error::from)?.map_err(anyhow::Error::from)?.into_iter().collect();
    let loaded = app.rules.current();
    let rules: Vec<_> = loaded.set.rules.iter().filter(|rule| loaded.why_off(rule).is_none()).collect();
    // A rule may name a technique that the list does not have; which tactic it serves is not known, so it is in none.
    let techniques = attack::techniques().into_iter().map(|technique| {
        let about = rules.iter().filter(|rule| rule.techniques.iter().any(|t| t.id == technique.id));
        let findings = about.clone().filter_map(|rule| counts.get(&rule.id)).sum();
        let covering: Vec<CoveringRule> = about
            .map(|rule| CoveringRule {
                id: rule.id.clone(),
                title: rule.title.clone(),
                severity_id: rule.severity.id(),
            })
            .collect();
        let covered = CoveredTechnique { id: technique.id, name: technique.name, rules: covering, findings };
        (technique.tactics, covered)
    });
    let techniques: Vec<_> = techniques.collect();
    let serving = |tactic: &str| {
        let serving = techniques.iter().filter(|(tactics, _)| tactics.iter().any(|t| t == tactic));
        serving.map(|(_, technique)| technique.clone()).collect()
    };
    let tactics = TACTICS.into_iter().map(|name| CoveredTactic { name, techniques: serving(name) });
    Ok(Json(Coverage { attack_version: attack::VERSION, tactics: tactics.collect() }))
}
