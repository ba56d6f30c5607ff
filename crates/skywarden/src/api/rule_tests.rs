//! Trying a rule on one event, and why it matches or does not.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use detect::load::{self, Options};
use detect::rule::Rule;
use event::layout::with_derived;
use event::value::Value;
use predicate::diagnostic::{Diagnostic, line_column};
use predicate::eval::Record;
use predicate::explain::{Explanation, Kind, explain};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Shared;
use super::body::Body;
use super::problem::{Fault, Problem};
use crate::cli::rules::{advice, is_meant};
use crate::pipeline::Bound;
use crate::serve::rules::Loaded;

/// The longest rule.
pub const RULE_BYTES_MAX: usize = 256 << 10;
/// What a rule is called that is in no file.
const NAME: &str = "rule.yml";

/// The longest event that a rule is tried on.
const EVENT_BYTES_MAX: usize = 256 << 10;
/// How long one waits for its turn.
const ROOM_WAIT: std::time::Duration = std::time::Duration::from_secs(10);

/// The operations.
pub fn routes() -> OpenApiRouter<Shared> {
    OpenApiRouter::new().routes(routes!(test))
}

/// A rule, and the event that it is tried on.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewRuleTest {
    /// The rule as YAML; either this or `rule_id`.
    #[serde(default)]
    #[schema(max_length = 262_144)]
    rule: Option<String>,
    /// The id of a rule that is loaded.
    #[serde(default)]
    rule_id: Option<String>,
    /// The event: a record as an object, or its text. Without one the rule is only checked.
    #[serde(default)]
    event: Option<serde_json::Value>,
}

/// What was found.
#[derive(Debug, Default, Serialize, ToSchema)]
struct RuleTestResult {
    /// What is wrong with the rule, or may not mean what its author thinks.
    problems: Vec<RuleDiagnostic>,
    /// The rule's title; nothing if there is no rule that can be used.
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<String>,
    /// Its id.
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    /// The canonical text of its predicate.
    #[serde(skip_serializing_if = "Option::is_none")]
    predicate: Option<String>,
    /// Whether the event matches.
    #[serde(skip_serializing_if = "Option::is_none")]
    matched: Option<bool>,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    explanation: Option<Node>,
}

/// Something about a place in the rule.
#[derive(Debug, Serialize, ToSchema)]
pub struct RuleDiagnostic {
    /// Whether the rule cannot be used.
    level: RuleDiagnosticLevel,
    /// What it is.
    detail: String,
    /// The line, from 1.
    line: usize,
    /// The column, from 1, in characters.
    column: usize,
    /// The line where it ends.
    end_line: usize,
    /// The column behind its end.
    end_column: usize,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    help: Option<String>,
    /// The same for people, drawn with its place.
    drawn: String,
}

/// How bad it is.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum RuleDiagnosticLevel {
    /// The rule cannot be used.
    Error,
    /// It can, but may not mean what its author thinks.
    Warning,
}

/// A part of a predicate, and what it says of the event. Of very large predicates and events the outer parts are told only.
#[derive(Debug, Serialize, ToSchema)]
struct Node {
    /// What it is.
    kind: NodeKind,
    /// What it says.
    text: String,
    /// Whether it holds.
    matched: bool,
    /// What the event has where a condition looks: 10 values at most, each cut at 1 KiB.
    values: Vec<String>,
    /// Its parts; of a condition on the elements of a list, one for each of them.
    #[schema(no_recursion)]
    children: Vec<Node>,
}

/// What a part is.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum NodeKind {
    /// All parts must hold.
    All,
    /// One part must hold.
    Any,
    /// The part must not hold.
    Not,
    /// A test on values.
    Condition,
}

impl From<Explanation> for Node {
    fn from(explanation: Explanation) -> Node {
        Node {
            kind: match explanation.kind {
                Kind::All => NodeKind::All,
                Kind::Any => NodeKind::Any,
                Kind::Not => NodeKind::Not,
                Kind::Condition => NodeKind::Condition,
            },
            text: explanation.text,
            matched: explanation.is_matched,
            values: explanation.values,
            children: explanation.parts.into_iter().map(Node::from).collect(),
        }
    }
}

/// A rule that was sent, or one that is loaded.
pub enum Tried<'l> {
    /// A rule that was sent.
    New(load::RuleSet),
    /// One that is loaded.
    Known(&'l Rule),
}

impl Tried<'_> {
    /// The rule that a request names or brings.
    pub fn of<'l>(text: Option<&str>, id: Option<&str>, loaded: &'l Loaded) -> Result<Tried<'l>, Problem> {
        match (text, id) {
            (Some(text), None) if text.len() > RULE_BYTES_MAX => {
                Err(Problem::invalid("/rule", format!("is longer than {RULE_BYTES_MAX} bytes")))
            }
            (Some(text), None) => Ok(Tried::New(load::load([(NAME, text)], &Options::default()))),
            (None, Some(id)) => {
                let rule = loaded.set.rules.iter().find(|rule| rule.id == id);
                rule.map(Tried::Known).ok_or_else(|| Problem::invalid("/rule_id", "no rule that is loaded has this id"))
            }
            _ => Err(Problem::invalid("/rule", "send either `rule` or `rule_id`")),
        }
    }

    /// The rule; of several that were sent the first.
    pub fn rule(&self) -> Option<&Rule> {
        match self {
            Tried::New(set) => set.rules.first(),
            Tried::Known(rule) => Some(rule),
        }
    }

    /// Why there is no rule in what was sent.
    pub fn refusal(&self, text: &str) -> Problem {
        let Tried::New(set) = self else { return Problem::invalid("/rule", "is none") };
        let found: Vec<Fault> = set
            .problems
            .iter()
            .flat_map(|problem| &problem.diagnostics)
            .filter(|diagnostic| diagnostic.is_error())
            .map(|diagnostic| {
                let (line, column) = line_column(text, diagnostic.span.start);
                Fault {
                    pointer: "/rule".to_owned(),
                    detail: diagnostic.message.clone(),
                    start: Some(text.floor_char_boundary(diagnostic.span.start)),
                    end: Some(text.floor_char_boundary(diagnostic.span.end)),
                    line: Some(line),
                    column: Some(column),
                    help: diagnostic.help.clone(),
                }
            })
            .collect();
        let problem = Problem::invalid("/rule", "has no rule that can be used");
        if found.is_empty() { problem } else { problem.with_faults(found) }
    }

    /// What is wrong with what was sent.
    pub fn problems(&self, text: &str) -> Vec<RuleDiagnostic> {
        let Tried::New(set) = self else { return Vec::new() };
        let mut found: Vec<Diagnostic> = set.problems.iter().flat_map(|problem| problem.diagnostics.clone()).collect();
        found.extend(set.rules.iter().flat_map(|rule| advice(rule, text)));
        found.sort_by_key(|diagnostic| diagnostic.span.start);
        found.iter().map(|diagnostic| RuleDiagnostic::of(diagnostic, text)).collect()
    }
}

impl RuleDiagnostic {
    fn of(diagnostic: &Diagnostic, text: &str) -> RuleDiagnostic {
        let ((line, column), (end_line, end_column)) =
            (line_column(text, diagnostic.span.start), line_column(text, diagnostic.span.end));
        RuleDiagnostic {
            level: if diagnostic.is_error() { RuleDiagnosticLevel::Error } else { RuleDiagnosticLevel::Warning },
            detail: diagnostic.message.clone(),
            line,
            column,
            end_line,
            end_column,
            help: diagnostic.help.clone().or_else(|| Some(diagnostic.label.clone()).filter(|label| !label.is_empty())),
            drawn: diagnostic.draw(NAME, text),
        }
    }
}

/// Checks a rule, and tries it on an event: the answer says of each part of its predicate whether it holds, and what it looked at.
#[utoipa::path(post, path = "/api/v1/rule-tests", tag = "rules", request_body = NewRuleTest,
    responses((status = 200, description = "what was found, also if the rule is wrong", body = RuleTestResult), super::Refusals),
    security(("session" = ["rules:read"]), ("token" = ["rules:read"])))]
async fn test(State(app): State<Shared>, Body(new): Body<NewRuleTest>) -> Result<Json<RuleTestResult>, Problem> {
    let loaded = app.rules.current();
    let size = new.event.as_ref().map_or(0, |event| event.to_string().len());
    if size > EVENT_BYTES_MAX {
        return Err(Problem::invalid("/event", format!("is longer than {EVENT_BYTES_MAX} bytes")));
    }
    let wait = tokio::time::timeout(ROOM_WAIT, Arc::clone(&app.trying).acquire_owned()).await;
    let Ok(Ok(room)) = wait else { return Err(Problem::too_many("too many rules are tried at once", 2)) };
    let result = tokio::task::spawn_blocking(move || {
        // Whoever hangs up does not make room before the work has ended.
        let _room = room;
        try_out(&new, &loaded)
    })
    .await;
    result.map_err(anyhow::Error::from)?.map(Json)
}

fn try_out(new: &NewRuleTest, loaded: &Loaded) -> Result<RuleTestResult, Problem> {
    let tried = Tried::of(new.rule.as_deref(), new.rule_id.as_deref(), loaded)?;
    let problems = tried.problems(new.rule.as_deref().unwrap_or_default());
    let Some(rule) = tried.rule() else { return Ok(RuleTestResult { problems, ..RuleTestResult::default() }) };
    let explanation = match new.event.as_ref() {
        Some(sent) => meant(rule, loaded).map(|bound| on(rule, sent, bound)).transpose()?,
        None => None,
    };
    Ok(RuleTestResult {
        problems,
        title: Some(rule.title.clone()),
        id: Some(rule.id.clone()),
        predicate: Some(rule.predicate.to_string()),
        matched: explanation.as_ref().map(|explanation| explanation.is_matched),
        explanation: explanation.map(Node::from),
    })
}

fn meant<'l>(rule: &Rule, loaded: &'l Loaded) -> Option<&'l Bound> {
    loaded.bound.iter().find(|bound| is_meant(rule, bound.source))
}

fn on(rule: &Rule, sent: &serde_json::Value, bound: &Bound) -> Result<Explanation, Problem> {
    let raw = match sent {
        serde_json::Value::String(text) => text.trim().to_owned(),
        other => one_of(other).to_string(),
    };
    let value = match Value::parse(&raw) {
        Ok(value) => value,
        Err(_) => (bound.source.parse)(&raw),
    };
    if !matches!(value, Value::Object(_)) {
        return Err(Problem::invalid("/event", "is no record: send an object, or the text of one"));
    }
    let value = with_derived(value, bound.source.derived, &bound.estate);
    Ok(explain(&rule.predicate, Record { raw: &raw, value: &value }))
}

/// The record in an envelope that has just one.
fn one_of(sent: &serde_json::Value) -> &serde_json::Value {
    match sent["Records"].as_array().map(Vec::as_slice) {
        Some([one]) => one,
        _ => sent,
    }
}
