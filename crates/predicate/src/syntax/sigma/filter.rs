//! Filters: conditions that are added to rules of others, to exclude what is known to be harmless.

use std::ops::Range;

use crate::diagnostic::{Diagnostic, clipped};
use crate::predicate::Predicate;
use crate::yaml::{Node, Yaml};

use super::about::About;
use super::condition::Expression;
use super::context::{Context, Keys, strings};
use super::rule::{LogSource, Rule};
use super::{condition, detection, head};

/// A condition that is added to rules.
#[derive(Clone, Debug)]
pub struct Filter {
    /// Title and authorship.
    pub about: About,
    /// Only rules for these events are changed.
    pub logsource: LogSource,
    /// Which rules are changed.
    pub target: Target,
    /// What is added to their condition with `and`.
    pub predicate: Predicate,
    /// Other keys, in the order of the text.
    pub others: Vec<(Node, Node)>,
    /// Where the document stands.
    pub span: Range<usize>,
}

/// Which rules a filter changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// Each one.
    Any,
    /// Those with one of these ids or names.
    Named(Vec<String>),
}

impl Target {
    fn holds(&self, rule: &About) -> bool {
        match self {
            Target::Any => true,
            Target::Named(names) => names.iter().any(|name| is_named(rule, name)),
        }
    }
}

fn is_named(rule: &About, name: &str) -> bool {
    rule.name.as_deref() == Some(name) || rule.id.as_deref().is_some_and(|id| id.eq_ignore_ascii_case(name))
}

/// Adds to each rule the conditions of the filters that mean it. What a filter names in vain is told, with its place in the filter's text.
pub fn apply_filters(rules: &mut [Rule], filters: &[Filter]) -> Vec<Diagnostic> {
    filters.iter().flat_map(|filter| apply(rules, filter)).collect()
}

fn apply(rules: &mut [Rule], filter: &Filter) -> Vec<Diagnostic> {
    let title = clipped(&filter.about.title);
    let warning = |message: String| Diagnostic::warning(filter.span.start..filter.span.start, message);
    let mut diagnostics = Vec::new();
    if let Target::Named(names) = &filter.target {
        for name in names {
            match rules.iter().find(|rule| is_named(&rule.about, name)) {
                None => diagnostics.push(warning(format!("filter `{title}` names a rule that is not there: `{name}`"))),
                Some(rule) if !filter.logsource.covers(&rule.logsource) => {
                    let message = format!("filter `{title}` does not change `{name}`, which is for other events");
                    diagnostics
                        .push(warning(message).help("let the filter's `logsource` ask for no more than the rule's"));
                }
                Some(_) => {}
            }
        }
    }
    for rule in
        rules.iter_mut().filter(|rule| filter.target.holds(&rule.about) && filter.logsource.covers(&rule.logsource))
    {
        let own = std::mem::replace(&mut rule.predicate, Predicate::always());
        rule.predicate = Predicate::all(vec![own, filter.predicate.clone()]);
    }
    diagnostics
}

impl Filter {
    /// Nothing when it has no condition to add.
    pub(super) fn read(node: Node, ctx: &mut Context<'_>) -> Option<Filter> {
        let head = head(&node);
        let span = node.span.clone();
        let mut keys = Keys::of(node)?;
        let about = About::read(&mut keys, head.clone(), ctx);
        let logsource = LogSource::read(&mut keys, head, ctx);
        let (key, body) = keys.take("filter")?;
        let Yaml::Map(pairs) = &body.value else {
            ctx.wrong_kind("`filter`", "a mapping", &body);
            return None;
        };
        let target = body.get("rules").map(|node| target(node, ctx));
        if target.is_none() {
            ctx.error(key.span.clone(), "filter has no `rules`").help =
                Some("list ids or names of rules, or write `any`".to_owned());
        }
        let selections: Vec<(Node, Node)> =
            pairs.iter().filter(|(key, _)| key.text() != Some("rules")).cloned().collect();
        let predicate = detection::lower(&selections, &key, ctx)?;
        body.get("condition").into_iter().for_each(|node| warn_without_not(node, ctx));
        Some(Filter { about, logsource, target: target?, predicate, others: keys.rest(), span })
    }
}

fn target(node: &Node, ctx: &mut Context<'_>) -> Target {
    let names = strings("rules", node, ctx);
    let is_any = matches!(node.value, Yaml::String(_)) && names.iter().any(|name| name.eq_ignore_ascii_case("any"));
    if is_any || names.is_empty() { Target::Any } else { Target::Named(names) }
}

/// The condition is joined with `and`; the specification's own example reads as if it were `and not`.
fn warn_without_not(node: &Node, ctx: &mut Context<'_>) {
    let Some(expression) = condition::parse(node, ctx) else { return };
    let mut has_not = false;
    expression.each(&mut |e| has_not |= matches!(e, Expression::Not(_)));
    if !has_not {
        let diagnostic = ctx.warning(node.span.clone(), "filter keeps only what it selects");
        diagnostic.label = "added to the rules with `and`".to_owned();
        diagnostic.help = Some("write `not` to exclude what it selects".to_owned());
    }
}
