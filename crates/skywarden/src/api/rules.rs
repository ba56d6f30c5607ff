//! The rules that are tried on events.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Shared;
use super::body::Path;
use super::problem::Problem;

/// The operations.
pub fn routes() -> OpenApiRouter<Shared> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(show)).routes(routes!(problems))
}

/// A rule.
#[derive(Debug, Serialize, ToSchema)]
struct Rule {
    /// Its id.
    id: String,
    /// Its title.
    title: String,
    /// 1 informational, 2 low, 3 medium, 4 high, 5 critical.
    severity_id: u8,
    /// The ATT&CK techniques it is about.
    techniques: Vec<String>,
    /// The names of the tactics that these serve, in ATT&CK's order.
    tactics: Vec<&'static str>,
    /// What it looks for; not in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    /// The canonical text of its predicate; not in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    predicate: Option<String>,
    /// Its YAML document, as it stands in its file; not in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<String>,
    /// What to do when it fires; not in lists.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    triage: Vec<String>,
    /// The file it is in.
    file: String,
}

impl Rule {
    fn of(rule: &detect::rule::Rule) -> Rule {
        Rule {
            id: rule.id.clone(),
            title: rule.title.clone(),
            severity_id: rule.severity.id(),
            techniques: rule.techniques.iter().map(|technique| technique.id.clone()).collect(),
            tactics: detect::attack::tactics(&rule.techniques),
            description: None,
            predicate: None,
            source: None,
            triage: Vec::new(),
            file: name_of(&rule.file).to_owned(),
        }
    }

    fn whole(rule: &detect::rule::Rule) -> Rule {
        Rule {
            description: Some(rule.description.to_string()),
            predicate: Some(rule.predicate.to_string()),
            source: Some(rule.text.to_string()),
            triage: rule.triage.iter().map(ToString::to_string).collect(),
            ..Rule::of(rule)
        }
    }
}

/// The name of a file: where it lies on the server's disk is nobody's business.
fn name_of(path: &str) -> &str {
    path.rsplit(['/', '\\']).next().unwrap_or_default()
}

/// A rule that cannot be used.
#[derive(Debug, Serialize, ToSchema)]
struct Broken {
    /// The file.
    file: String,
    /// What is wrong, drawn with its place.
    why: String,
}

/// All rules that are tried on events.
#[utoipa::path(get, path = "/api/v1/rules", tag = "rules",
    responses((status = 200, description = "all", body = Vec<Rule>), super::Refusals),
    security(("session" = ["rules:read"]), ("token" = ["rules:read"])))]
async fn list(State(app): State<Shared>) -> Json<Vec<Rule>> {
    Json(app.rules.current().set.rules.iter().map(Rule::of).collect())
}

/// A rule.
#[utoipa::path(get, path = "/api/v1/rules/{id}", tag = "rules", params(("id" = String, Path)),
    responses((status = 200, description = "the rule", body = Rule), super::Refusals),
    security(("session" = ["rules:read"]), ("token" = ["rules:read"])))]
async fn show(State(app): State<Shared>, Path(id): Path<String>) -> Result<Json<Rule>, Problem> {
    let loaded = app.rules.current();
    let rule = loaded.set.rules.iter().find(|rule| rule.id == id);
    rule.map(|rule| Json(Rule::whole(rule))).ok_or_else(|| Problem::not_found("no rule that is loaded has this id"))
}

/// Rules that cannot be used, and why.
#[utoipa::path(get, path = "/api/v1/rule-problems", tag = "rules",
    responses((status = 200, description = "all", body = Vec<Broken>), super::Refusals),
    security(("session" = ["rules:read"]), ("token" = ["rules:read"])))]
async fn problems(State(app): State<Shared>) -> Json<Vec<Broken>> {
    let loaded = app.rules.current();
    let broken = loaded.set.problems.iter().map(|problem| Broken {
        file: name_of(&problem.file).to_owned(),
        why: problem.diagnostics.iter().map(|d| d.draw(name_of(&problem.file), &problem.text)).collect(),
    });
    Json(broken.collect())
}
