//! The rules: which there are, and those that the server keeps as people write them.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use detect::load::{self, Options, RuleSet};
use serde::{Deserialize, Serialize};
use state::{KeptRule, RuleError, RuleOff, rule_tag};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Shared;
use super::auth::Who;
use super::body::{Body, Path, seen};
use super::problem::Problem;
use super::rule_tests::{RULE_BYTES_MAX, RuleDiagnostic, Tried};
use crate::cli::rules::failures;
use crate::pipeline::bind;
use crate::serve::rules::{Loaded, Origin, file_of};

/// Tests that a rule may have inside.
const TESTS_MAX: usize = 100;

/// The operations.
pub fn routes() -> OpenApiRouter<Shared> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(show, keep, delete, switch)).routes(routes!(problems))
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
    /// Where it is from: rules of the server can be replaced and deleted, all can be switched off.
    origin: RuleOrigin,
    /// Whether it is tried on events.
    enabled: bool,
    /// Why it is not, if it is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    off: Option<SwitchedOff>,
    /// When it was written, RFC 3339, if the server keeps it.
    #[serde(skip_serializing_if = "Option::is_none")]
    changed: Option<String>,
    /// Who wrote it.
    #[serde(skip_serializing_if = "Option::is_none")]
    changed_by: Option<String>,
    /// What may not mean what its author thinks; only where it was just kept.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    problems: Vec<RuleDiagnostic>,
}

/// Where a rule is from.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum RuleOrigin {
    /// It comes with the program.
    Skywarden,
    /// It is in a file of a folder that the server reads.
    Folder,
    /// The server keeps it.
    Server,
}

/// Why a rule is not tried on events.
#[derive(Debug, Serialize, ToSchema)]
struct SwitchedOff {
    /// The reason.
    why: String,
    /// Who switched it off: `user/…`, `token/…`, or `server` if it panicked, took most of the time, or cannot be used.
    who: String,
    /// Since when, RFC 3339.
    since: String,
}

impl SwitchedOff {
    fn of(off: &RuleOff) -> SwitchedOff {
        SwitchedOff { why: off.why.clone(), who: off.who.clone(), since: event::time::rfc3339(off.since_ms) }
    }
}

/// A rule that is there.
enum Have<'l> {
    /// It can be used.
    Good(&'l detect::rule::Rule),
    /// The server keeps it, and it cannot be used: another has its id, or this program reads it otherwise than the one that took it.
    Broken(&'l KeptRule),
}

impl Have<'_> {
    fn find<'l>(loaded: &'l Loaded, id: &str) -> Option<Have<'l>> {
        let good = loaded.set.rules.iter().find(|rule| rule.id == id).map(Have::Good);
        good.or_else(|| loaded.kept.get(id).map(Have::Broken))
    }

    /// Its id and its text, as they are switched.
    fn text<'h>(&'h self, loaded: &'h Loaded) -> (&'h str, &'h str) {
        match self {
            Have::Good(rule) if loaded.origin(rule) == Origin::Server => (&rule.id, &loaded.kept[&rule.id].text),
            Have::Good(rule) => (&rule.id, &rule.text),
            Have::Broken(kept) => (&kept.id, &kept.text),
        }
    }

    fn tag(&self, loaded: &Loaded) -> String {
        let (id, text) = self.text(loaded);
        rule_tag(text, loaded.off.get(id))
    }
}

impl Rule {
    fn of(rule: &detect::rule::Rule, loaded: &Loaded) -> Rule {
        let off = loaded.why_off(rule);
        let (origin, kept) = match loaded.origin(rule) {
            Origin::Skywarden => (RuleOrigin::Skywarden, None),
            Origin::Folder => (RuleOrigin::Folder, None),
            Origin::Server => (RuleOrigin::Server, loaded.kept.get(&rule.id)),
        };
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
            origin,
            enabled: off.is_none(),
            off: off.map(SwitchedOff::of),
            changed: kept.map(|kept| event::time::rfc3339(kept.changed_ms)),
            changed_by: kept.map(|kept| kept.who.clone()),
            problems: Vec::new(),
        }
    }

    fn broken(kept: &KeptRule) -> Rule {
        let why = "it cannot be used: see the problems of rules".to_owned();
        let off = RuleOff { id: kept.id.clone(), why, who: "server".to_owned(), since_ms: kept.changed_ms };
        Rule {
            id: kept.id.clone(),
            title: kept.id.clone(),
            severity_id: 1,
            techniques: Vec::new(),
            tactics: Vec::new(),
            description: None,
            predicate: None,
            source: None,
            triage: Vec::new(),
            file: name_of(&file_of(&kept.id)).to_owned(),
            origin: RuleOrigin::Server,
            enabled: false,
            off: Some(SwitchedOff::of(&off)),
            changed: Some(event::time::rfc3339(kept.changed_ms)),
            changed_by: Some(kept.who.clone()),
            problems: Vec::new(),
        }
    }

    fn whole(have: &Have<'_>, loaded: &Loaded) -> Rule {
        match have {
            Have::Good(rule) => Rule {
                description: Some(rule.description.to_string()),
                predicate: Some(rule.predicate.to_string()),
                source: Some(have.text(loaded).1.to_owned()),
                triage: rule.triage.iter().map(ToString::to_string).collect(),
                ..Rule::of(rule, loaded)
            },
            Have::Broken(kept) => Rule { source: Some(kept.text.clone()), ..Rule::broken(kept) },
        }
    }
}

/// A rule as it is now, with the tag that its next change names.
fn tagged(app: &Shared, id: &str, status: StatusCode, problems: Vec<RuleDiagnostic>) -> Result<Response, Problem> {
    let loaded = app.rules.current();
    let have = Have::find(&loaded, id).ok_or_else(unknown)?;
    let tag = format!("\"{}\"", have.tag(&loaded));
    let rule = Rule { problems, ..Rule::whole(&have, &loaded) };
    Ok((status, [(header::ETAG, tag)], Json(rule)).into_response())
}

fn unknown() -> Problem {
    Problem::not_found("no rule has this id")
}

fn refused(err: RuleError) -> Problem {
    match err {
        RuleError::Unknown => unknown(),
        RuleError::Unseen => Problem::needs_version(),
        RuleError::Changed => Problem::changed("the rule is not as you have seen it: look at it again"),
        RuleError::Wrong(why) => Problem::invalid("", why),
        RuleError::State(err) => Problem::internal(&err.into()),
    }
}

/// A rule to be kept.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewRule {
    /// The rule: one Sigma document.
    #[schema(min_length = 1, max_length = 262_144)]
    rule: String,
}

/// Whether a rule is tried on events.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Switched {
    /// Whether it is.
    enabled: bool,
    /// Why not: to switch it off needs a reason.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 2_000)]
    reason: Option<String>,
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

/// All rules, also those that are switched off.
#[utoipa::path(get, path = "/api/v1/rules", tag = "rules",
    responses((status = 200, description = "all", body = Vec<Rule>), super::Refusals),
    security(("session" = ["rules:read"]), ("token" = ["rules:read"])))]
async fn list(State(app): State<Shared>) -> Json<Vec<Rule>> {
    let loaded = app.rules.current();
    let good = loaded.set.rules.iter().map(|rule| Rule::of(rule, &loaded));
    let is_broken = |kept: &&KeptRule| matches!(Have::find(&loaded, &kept.id), Some(Have::Broken(_)));
    Json(good.chain(loaded.kept.values().filter(is_broken).map(Rule::broken)).collect())
}

/// A rule.
#[utoipa::path(get, path = "/api/v1/rules/{id}", tag = "rules", params(("id" = String, Path)),
    responses((status = 200, description = "the rule; its ETag goes into `If-Match`", body = Rule), super::Refusals),
    security(("session" = ["rules:read"]), ("token" = ["rules:read"])))]
async fn show(State(app): State<Shared>, Path(id): Path<String>) -> Result<Response, Problem> {
    tagged(&app, &id, StatusCode::OK, Vec::new())
}

/// Keeps a rule on the server, which tries it on events from now on. Its id is a UUID in small letters. One that is there is replaced, if
/// `If-Match` names the version that was seen. Its own tests must pass.
#[utoipa::path(put, path = "/api/v1/rules/{id}", tag = "rules", request_body = NewRule,
    params(("id" = String, Path), ("if-match" = Option<String>, Header, description = "the ETag of the rule that is replaced")),
    responses((status = 200, description = "replaced", body = Rule), (status = 201, description = "new", body = Rule),
        (status = 409, description = "the rule of this id is not the server's", body = Problem, content_type = "application/problem+json"),
        (status = 412, description = "somebody changed it since", body = Problem, content_type = "application/problem+json"),
        (status = 428, description = "`If-Match` is missing", body = Problem, content_type = "application/problem+json"), super::Refusals),
    security(("session" = ["rules:write"]), ("token" = ["rules:write"])))]
async fn keep(
    State(app): State<Shared>,
    who: Who,
    Path(id): Path<String>,
    headers: HeaderMap,
    Body(new): Body<NewRule>,
) -> Result<Response, Problem> {
    off(move || {
        let loaded = app.rules.current();
        check_own(&loaded, &id)?;
        let problems = check(&new.rule, &id)?;
        let is_new = app.state.keep_rule(&who.0, &id, &new.rule, seen(&headers).ok().as_deref(), app.now_ms());
        let status = if is_new.map_err(refused)? { StatusCode::CREATED } else { StatusCode::OK };
        app.rules.reload()?;
        tagged(&app, &id, status, problems)
    })
    .await
}

/// Deletes a rule that the server keeps. What it found stays.
#[utoipa::path(delete, path = "/api/v1/rules/{id}", tag = "rules",
    params(("id" = String, Path), ("if-match" = Option<String>, Header, description = "the ETag of the rule as it was seen")),
    responses((status = 204, description = "it is gone"),
        (status = 409, description = "the rule is not the server's", body = Problem, content_type = "application/problem+json"),
        (status = 412, description = "somebody changed it since", body = Problem, content_type = "application/problem+json"),
        (status = 428, description = "`If-Match` is missing", body = Problem, content_type = "application/problem+json"), super::Refusals),
    security(("session" = ["rules:write"]), ("token" = ["rules:write"])))]
async fn delete(
    State(app): State<Shared>,
    who: Who,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    off(move || {
        let loaded = app.rules.current();
        Have::find(&loaded, &id).ok_or_else(unknown)?;
        check_own(&loaded, &id)?;
        let seen = seen(&headers)?;
        app.state.delete_rule(&who.0, &id, &seen, app.now_ms()).map_err(refused)?;
        app.rules.reload()?;
        Ok(StatusCode::NO_CONTENT.into_response())
    })
    .await
}

/// Switches a rule off, with a reason, or on. One that the server switched off itself may do its harm again.
#[utoipa::path(patch, path = "/api/v1/rules/{id}", tag = "rules", request_body = Switched,
    params(("id" = String, Path), ("if-match" = Option<String>, Header, description = "the ETag of the rule as it was seen")),
    responses((status = 200, description = "the rule now", body = Rule),
        (status = 412, description = "somebody changed it since", body = Problem, content_type = "application/problem+json"),
        (status = 428, description = "`If-Match` is missing", body = Problem, content_type = "application/problem+json"), super::Refusals),
    security(("session" = ["rules:write"]), ("token" = ["rules:write"])))]
async fn switch(
    State(app): State<Shared>,
    who: Who,
    Path(id): Path<String>,
    headers: HeaderMap,
    Body(switched): Body<Switched>,
) -> Result<Response, Problem> {
    off(move || {
        let loaded = app.rules.current();
        let have = Have::find(&loaded, &id).ok_or_else(unknown)?;
        let seen = seen(&headers)?;
        let why_off = match (switched.enabled, switched.reason.as_deref()) {
            (true, _) => None,
            (false, Some(why)) => Some(why),
            (false, None) => return Err(Problem::invalid("/reason", "say why: 1 to 2,000 characters")),
        };
        let done = app.state.switch_rule(&who.0, have.text(&loaded), why_off, &seen, app.now_ms());
        done.map_err(|err| match err {
            RuleError::Wrong(why) => Problem::invalid("/reason", why),
            err => refused(err),
        })?;
        app.rules.switch(switched.enabled.then_some(id.as_str()))?;
        tagged(&app, &id, StatusCode::OK, Vec::new())
    })
    .await
}

/// Work that takes a while, off the threads that answer.
async fn off(work: impl FnOnce() -> Result<Response, Problem> + Send + 'static) -> Result<Response, Problem> {
    tokio::task::spawn_blocking(work).await.map_err(anyhow::Error::from)?
}

/// That a rule of this id is the server's, if there is one.
fn check_own(loaded: &Loaded, id: &str) -> Result<(), Problem> {
    match Have::find(loaded, id) {
        Some(Have::Good(rule)) if loaded.origin(rule) != Origin::Server => Err(Problem::conflict(
            "this rule comes with Skywarden, or is in a folder: it can be switched off, and not replaced or deleted",
        )),
        _ => Ok(()),
    }
}

/// Checks a rule that is to be kept; gives what may not mean what its author thinks.
fn check(text: &str, id: &str) -> Result<Vec<RuleDiagnostic>, Problem> {
    if text.len() > RULE_BYTES_MAX {
        return Err(Problem::invalid("/rule", format!("is longer than {RULE_BYTES_MAX} bytes")));
    }
    let tried = Tried::New(load::load([("rule.yml", text)], &Options::default()));
    let Tried::New(set) = &tried else { return Err(unknown()) };
    let RuleSet { rules, parts, correlations, filters, .. } = set;
    if set.n_errors() > 0 || rules.is_empty() && parts.len() + correlations.len() + filters.len() == 0 {
        return Err(tried.refusal(text));
    }
    let [rule] = rules.as_slice() else { return Err(Problem::invalid("/rule", "has not just one rule")) };
    // A filter would change rules of others, and a correlation does not run yet.
    if parts.len() + correlations.len() + filters.len() > 0 {
        return Err(Problem::invalid("/rule", "has more than one document: keep each rule by itself"));
    }
    if !is_uuid(&rule.id) {
        return Err(Problem::invalid("/rule", "needs an `id` that is a UUID in small letters"));
    }
    if rule.id != id {
        return Err(Problem::invalid("/rule", format!("has the id {}, and not the one in the path", rule.id)));
    }
    if rule.tests.len() > TESTS_MAX {
        return Err(Problem::invalid("/rule", format!("has more than {TESTS_MAX} tests")));
    }
    let tried_out = catch_unwind(AssertUnwindSafe(|| {
        let estate = Arc::default();
        source::source::ALL.iter().for_each(|source| drop(bind(source, set, &estate)));
        let failed = |test| failures(rule, test).into_iter().map(move |why| format!("{}: {why}", test.name));
        rule.tests.iter().flat_map(failed).collect::<Vec<_>>()
    }));
    match tried_out {
        Ok(failed) if failed.is_empty() => Ok(tried.problems(text)),
        Ok(failed) => Err(Problem::invalid("/rule", format!("fails its own tests: {}", failed.join("; ")))),
        Err(_) => Err(Problem::invalid("/rule", "makes the program panic: please report this")),
    }
}

fn is_uuid(id: &str) -> bool {
    let is_hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
    let is_dash = |at: usize| matches!(at, 8 | 13 | 18 | 23);
    id.len() == 36 && id.bytes().enumerate().all(|(at, b)| if is_dash(at) { b == b'-' } else { is_hex(b) })
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
