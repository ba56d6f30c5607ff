//! Correlations: rules over the hits of other rules. Read and checked here, run elsewhere.

use std::ops::Range;

use crate::test::{Number, Order};
use crate::yaml::{Node, Yaml};

use super::about::About;
use super::condition::{self, Expression};
use super::context::{Context, Keys, strings};
use super::head;
use super::rule::LogSource;

/// A rule over the hits of other rules.
#[derive(Clone, Debug)]
pub struct Correlation {
    /// Title, authorship and classification.
    pub about: About,
    /// Not of Sigma, but common: which events the rules are for.
    pub logsource: Option<LogSource>,
    /// What is counted, and when it is enough.
    pub kind: Kind,
    /// Ids, names or titles of rules and correlations, in order; at least one.
    pub rules: Vec<String>,
    /// One count is kept for each tuple of these; none means one count.
    pub group_by: Vec<String>,
    /// Names in `group-by` that stand for another field in each rule.
    pub aliases: Vec<Alias>,
    /// How long a window is, in seconds; not 0.
    pub timespan_s: u64,
    /// Whether the rules give findings of their own as well.
    pub generate: bool,
    /// The key `skywarden`: what this platform adds to Sigma.
    pub extension: Option<Node>,
    /// Other keys, in the order of the text.
    pub others: Vec<(Node, Node)>,
    /// Where the document stands.
    pub span: Range<usize>,
}

/// What is counted in a window, and when it is enough.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// Events.
    EventCount(Vec<Bound>),
    /// Distinct values of a field, or tuples of several.
    ValueCount(Vec<String>, Vec<Bound>),
    /// Rules that hit, in any order.
    Temporal(Temporal),
    /// Rules that hit, in the order in which they are listed.
    TemporalOrdered(Temporal),
    /// The sum of a field.
    ValueSum(String, Vec<Bound>),
    /// The mean of a field.
    ValueAvg(String, Vec<Bound>),
    /// A percentile of a field, from 0 to 100, linear between two values; 50 is the median.
    ValuePercentile(String, f64, Vec<Bound>),
}

/// Which of the rules must have hit.
#[derive(Clone, Debug, PartialEq)]
pub enum Temporal {
    /// Each one.
    All,
    /// So many different ones.
    Count(Vec<Bound>),
    /// As the expression says, whose names are rules; one that is not said to be absent must have hit.
    Expression(Expression),
}

/// A bound of a number; several hold together.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bound {
    /// How the number relates to the bound.
    pub order: BoundOrder,
    /// The bound.
    pub number: Number,
}

/// How a number relates to a bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BoundOrder {
    /// In the given order.
    Is(Order),
    /// It is another number.
    Differs,
}

impl Bound {
    /// Whether a number is within the bound.
    pub fn admits(&self, number: Number) -> bool {
        let Some(ordering) = number.compare(self.number) else { return false };
        match self.order {
            BoundOrder::Is(order) => order.admits(ordering),
            BoundOrder::Differs => ordering.is_ne(),
        }
    }

    /// Whether more in the window can undo it, so that it can only be judged once the window has closed.
    pub fn needs_closed_window(&self) -> bool {
        !matches!(self.order, BoundOrder::Is(Order::Greater | Order::AtLeast))
    }
}

/// A name that stands for another field in each rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alias {
    /// The name, as in `group-by`.
    pub name: String,
    /// A rule and its field; other rules use a field of the alias's own name.
    pub fields: Vec<(String, String)>,
}

impl Alias {
    /// The field that the alias stands for in a rule, by the rule's id or name.
    pub fn field_in(&self, rule: &str) -> &str {
        self.fields.iter().find(|(name, _)| name == rule).map_or(&self.name, |(_, field)| field)
    }
}

impl Correlation {
    /// Nothing when it cannot be run as written.
    pub(super) fn read(node: Node, ctx: &mut Context<'_>) -> Option<Correlation> {
        let head = head(&node);
        let span = node.span.clone();
        let mut keys = Keys::of(node)?;
        let about = About::read(&mut keys, head.clone(), ctx);
        let logsource = keys.given("logsource").map(|node| LogSource::of(node, ctx));
        let (key, body) = keys.take("correlation")?;
        let (at, kind) = (body.span.clone(), body.kind());
        let Some(mut body) = Keys::of(body) else {
            ctx.error(at, "`correlation` must be a mapping").label = format!("this is {kind}");
            return None;
        };
        let at = key.span;
        let timespan_s = timespan(&mut body, &at, ctx);
        let (kind, rules) = kind_and_rules(&mut body, &at, ctx)?;
        let group_by = body.strings("group-by", ctx);
        let aliases = aliases(&mut body, &rules, &group_by, ctx);
        let generate = body.flag("generate", ctx) | keys.flag("generate", ctx);
        for (key, _) in body.rest() {
            ctx.warning(key.span, "key has no effect in `correlation`");
        }
        let extension = keys.given("skywarden");
        let timespan_s = timespan_s?;
        Some(Correlation {
            about,
            logsource,
            kind,
            rules,
            group_by,
            aliases,
            timespan_s,
            generate,
            extension,
            others: keys.rest(),
            span,
        })
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Type {
    EventCount,
    ValueCount,
    Temporal,
    TemporalOrdered,
    ValueSum,
    ValueAvg,
    ValuePercentile,
    ValueMedian,
}

const TYPES: [(&str, Type); 8] = [
    ("event_count", Type::EventCount),
    ("value_count", Type::ValueCount),
    ("temporal", Type::Temporal),
    ("temporal_ordered", Type::TemporalOrdered),
    ("value_sum", Type::ValueSum),
    ("value_avg", Type::ValueAvg),
    ("value_percentile", Type::ValuePercentile),
    ("value_median", Type::ValueMedian),
];

fn kind_and_rules(body: &mut Keys, at: &Range<usize>, ctx: &mut Context<'_>) -> Option<(Kind, Vec<String>)> {
    let Some(node) = body.given("type") else {
        let names: Vec<&str> = TYPES.iter().map(|(name, _)| *name).collect();
        ctx.error(at.clone(), "correlation has no `type`").help = Some(format!("one of {}", names.join(", ")));
        return None;
    };
    let kind = ctx.word("correlation type", &node, &TYPES)?;
    let mut rules = body.strings("rules", ctx);
    let condition = body.given("condition");
    let kind = match kind {
        Type::Temporal => Kind::Temporal(temporal(condition, &mut rules, ctx)?),
        Type::TemporalOrdered => Kind::TemporalOrdered(temporal(condition, &mut rules, ctx)?),
        counted => counting(counted, &node, condition, ctx)?,
    };
    if rules.is_empty() {
        ctx.error(at.clone(), "correlation has no `rules`").help =
            Some("list ids or names of rules or correlations".to_owned());
        return None;
    }
    Some((kind, rules))
}

fn temporal(condition: Option<Node>, rules: &mut Vec<String>, ctx: &mut Context<'_>) -> Option<Temporal> {
    let Some(node) = condition else { return Some(Temporal::All) };
    if let Yaml::Map(_) = node.value {
        let condition = Condition::read(&node, ctx)?;
        condition.refuse_field("a count of rules", &node, ctx);
        condition.refuse_percentile(&node, ctx);
        return Some(Temporal::Count(condition.bounds));
    }
    let expression = condition::parse(&node, ctx)?;
    let mut names: Vec<(String, Range<usize>)> = Vec::new();
    let mut is_plain = true;
    expression.each(&mut |e| match e {
        Expression::Name(name, at) => names.push((name.clone(), at.clone())),
        Expression::OneOf(..) | Expression::AllOf(..) => is_plain = false,
        Expression::Not(_) | Expression::And(_) | Expression::Or(_) => {}
    });
    if !is_plain {
        ctx.error(node.span, "the condition of a correlation names rules one by one").help =
            Some("join them with `and`, `or` and `not`".to_owned());
        return None;
    }
    if rules.is_empty() {
        let mut seen = std::collections::HashSet::new();
        rules.extend(names.into_iter().map(|(name, _)| name).filter(|name| seen.insert(name.clone())));
    } else if let Some((name, at)) = names.into_iter().find(|(name, _)| !rules.contains(name)) {
        ctx.error(at, format!("`{name}` is not one of `rules`"));
        return None;
    }
    Some(Temporal::Expression(expression))
}

fn counting(kind: Type, node: &Node, condition: Option<Node>, ctx: &mut Context<'_>) -> Option<Kind> {
    let Some(condition_node) = condition else {
        ctx.error(node.span.clone(), "correlation of this type has no `condition`").help =
            Some("write for example `gte: 10` under `condition`".to_owned());
        return None;
    };
    let at = condition_node.span.clone();
    let condition = Condition::read(&condition_node, ctx)?;
    if kind != Type::ValuePercentile {
        condition.refuse_percentile(&condition_node, ctx);
    }
    if kind == Type::EventCount {
        condition.refuse_field("`event_count`", &condition_node, ctx);
        return Some(Kind::EventCount(condition.bounds));
    }
    let Condition { mut fields, percentile, bounds } = condition;
    if fields.is_empty() {
        ctx.error(at, "`condition` has no `field`");
        return None;
    }
    if kind == Type::ValueCount {
        return Some(Kind::ValueCount(fields, bounds));
    }
    let field = fields.remove(0);
    if !fields.is_empty() {
        ctx.error(at, "only `value_count` takes several fields");
        return None;
    }
    Some(match kind {
        Type::ValueSum => Kind::ValueSum(field, bounds),
        Type::ValueAvg => Kind::ValueAvg(field, bounds),
        Type::ValueMedian => Kind::ValuePercentile(field, 50.0, bounds),
        _ => {
            let Some(percentile) = percentile else {
                // The specification's example gives a bound, but not of which percentile.
                ctx.error(at, "`value_percentile` needs `percentile` in its `condition`").help =
                    Some("write for example `percentile: 95`".to_owned());
                return None;
            };
            Kind::ValuePercentile(field, percentile, bounds)
        }
    })
}

/// The mapping under `condition`.
struct Condition {
    fields: Vec<String>,
    percentile: Option<f64>,
    bounds: Vec<Bound>,
}

const BOUNDS: [(&str, BoundOrder); 6] = [
    ("gt", BoundOrder::Is(Order::Greater)),
    ("gte", BoundOrder::Is(Order::AtLeast)),
    ("lt", BoundOrder::Is(Order::Less)),
    ("lte", BoundOrder::Is(Order::AtMost)),
    ("eq", BoundOrder::Is(Order::Equal)),
    ("neq", BoundOrder::Differs),
];

impl Condition {
    fn refuse_field(&self, what: &str, node: &Node, ctx: &mut Context<'_>) {
        if !self.fields.is_empty() {
            ctx.error(node.span.clone(), format!("{what} takes no `field`")).help =
                Some("count values with `value_count`".to_owned());
        }
    }

    fn refuse_percentile(&self, node: &Node, ctx: &mut Context<'_>) {
        if self.percentile.is_some() {
            ctx.error(node.span.clone(), "only `value_percentile` takes a `percentile`");
        }
    }

    fn read(node: &Node, ctx: &mut Context<'_>) -> Option<Condition> {
        let Yaml::Map(pairs) = &node.value else {
            ctx.wrong_kind("`condition`", "a mapping such as `gte: 10`", node);
            return None;
        };
        let n_errors = ctx.n_errors();
        let mut condition = Condition { fields: Vec::new(), percentile: None, bounds: Vec::new() };
        for (key, value) in pairs {
            let name = key.text().unwrap_or_default();
            match name {
                "field" => condition.fields = strings("field", value, ctx),
                "percentile" => condition.percentile = percentile(value, ctx),
                _ => condition.bounds.extend(bound(key, value, ctx)),
            }
        }
        if condition.bounds.is_empty() && ctx.n_errors() == n_errors {
            ctx.error(node.span.clone(), "`condition` has no bound").help =
                Some("write for example `gte: 10`".to_owned());
        }
        (ctx.n_errors() == n_errors).then_some(condition)
    }
}

fn percentile(value: &Node, ctx: &mut Context<'_>) -> Option<f64> {
    let percentile = value.text().filter(|_| value.number().is_some()).and_then(|text| text.parse::<f64>().ok());
    let percentile = percentile.filter(|p| (0.0..=100.0).contains(p));
    if percentile.is_none() {
        ctx.wrong_kind("`percentile`", "a number from 0 to 100", value);
    }
    percentile
}

fn bound(key: &Node, value: &Node, ctx: &mut Context<'_>) -> Option<Bound> {
    let order = ctx.word("bound", key, &BOUNDS)?;
    match value.number() {
        Some(number) => Some(Bound { order, number }),
        None => {
            ctx.wrong_kind("a bound", "a number", value);
            None
        }
    }
}

/// The units of a timespan, in seconds; a month and a year are the mean ones.
const UNITS: [(char, u64); 7] =
    [('s', 1), ('m', 60), ('h', 3600), ('d', 86_400), ('w', 604_800), ('M', 2_629_746), ('y', 31_556_952)];

fn timespan(body: &mut Keys, at: &Range<usize>, ctx: &mut Context<'_>) -> Option<u64> {
    let Some(node) = body.given("timespan") else {
        ctx.error(at.clone(), "correlation has no `timespan`").help =
            Some("write for example `timespan: 10m`".to_owned());
        return None;
    };
    let seconds = node.text().and_then(seconds);
    if seconds.is_none() {
        let diagnostic = ctx.error(node.span, "not a timespan");
        diagnostic.help =
            Some("write a whole number and a unit of s, m, h, d, w, M (month) or y, such as `10m`".to_owned());
    }
    seconds
}

fn seconds(text: &str) -> Option<u64> {
    let (unit, seconds) = UNITS.iter().find(|(unit, _)| text.ends_with(*unit))?;
    let digits = text.strip_suffix(*unit)?;
    let n: u64 = if digits.bytes().all(|b| b.is_ascii_digit()) { digits.parse().ok()? } else { return None };
    n.checked_mul(*seconds).filter(|total| *total > 0)
}

fn aliases(body: &mut Keys, rules: &[String], group_by: &[String], ctx: &mut Context<'_>) -> Vec<Alias> {
    let Some(node) = body.given("aliases") else { return Vec::new() };
    let Yaml::Map(pairs) = &node.value else {
        ctx.wrong_kind("`aliases`", "a mapping of a name to a field for each rule", &node);
        return Vec::new();
    };
    let mut out = Vec::new();
    for (key, value) in pairs {
        let name = key.text().unwrap_or_default().to_owned();
        if !group_by.contains(&name) {
            ctx.warning(key.span.clone(), format!("alias `{name}` is not used")).label = "not in `group-by`".to_owned();
        }
        let Yaml::Map(fields) = &value.value else {
            ctx.wrong_kind("an alias", "a mapping of a rule to a field", value);
            continue;
        };
        let mut alias = Alias { name, fields: Vec::new() };
        for (rule, field) in fields {
            let (Some(rule_name), Some(field_name)) = (rule.text(), field.text()) else {
                ctx.wrong_kind("the field of an alias", "a text", field);
                continue;
            };
            if !rules.iter().any(|have| have == rule_name) {
                ctx.error(rule.span.clone(), format!("`{rule_name}` is not one of `rules`"));
            }
            alias.fields.push((rule_name.to_owned(), field_name.to_owned()));
        }
        out.push(alias);
    }
    out
}
