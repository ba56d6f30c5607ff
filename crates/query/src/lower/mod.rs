//! Logs Insights QL as a DataFusion plan: a file per command.

mod base;
mod dedup;
mod expr;
mod fields;
pub(crate) mod fill;
mod join;
mod list;
mod lookup;
mod names;
mod outlier;
mod parse;
mod pattern;
mod relevant;
mod scope;
mod sort;
mod stats;
mod total;

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::HashSet;

use datafusion::common::DataFusionError;
use datafusion::logical_expr::{LogicalPlan, LogicalPlanBuilder};
use predicate::diagnostic::Diagnostic;

pub(crate) use base::within;
pub use base::{Taken, nearest};
pub use lookup::Tables;
use names::Wanted;
use scope::{Field, Scope, Shown, column};

use crate::function::Context;
use crate::insights::ast::{Command, From, Instant, Kind as CommandKind, Limit, Name, Query, Span, Which};
use crate::kind::Kind;
use crate::tables::Dataset;

/// From when (inclusive) to when (exclusive) a query reads, in milliseconds; nothing means without end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Window {
    /// The first millisecond.
    pub from_ms: Option<i64>,
    /// The first millisecond after it.
    pub to_ms: Option<i64>,
}

impl Window {
    /// The same so much earlier.
    fn earlier(self, ms: i64) -> Window {
        let earlier = |at: Option<i64>| at.map(|at| at.saturating_sub(ms));
        Window { from_ms: earlier(self.from_ms), to_ms: earlier(self.to_ms) }
    }
}

/// What a query is lowered with.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    /// The query's text.
    pub text: &'a str,
    /// What may be read.
    pub datasets: &'a [Dataset],
    /// Tables for `lookup` and `cidrlookup`.
    pub tables: &'a Tables,
    /// The time range.
    pub window: Window,
    /// When the query began.
    pub now_ms: i64,
    /// How many rows it gives where it says nothing.
    pub rows: usize,
    /// How many it may ask for.
    pub rows_max: usize,
    /// Whether an unknown field is an error.
    pub is_strict: bool,
}

/// A query as a plan.
#[derive(Clone, Debug)]
pub struct Lowered {
    /// How the rows come to be; one more than `rows` where there are more.
    pub plan: LogicalPlan,
    /// Name and kind of each column, in the order of the plan's.
    pub columns: Vec<(String, Kind)>,
    /// How many rows are shown.
    pub rows: usize,
    /// Whether fewer rows than asked for would be no surprise: the query says a limit.
    pub is_limited: bool,
    /// Whether nothing is to be run, and just said what would be read.
    pub is_estimate: bool,
    /// What was odd.
    pub warnings: Vec<Diagnostic>,
    /// What each name was taken for.
    pub taken: Vec<Taken>,
}

/// Why there is no plan.
#[derive(Debug)]
pub enum Failure {
    /// The text is wrong.
    Text(Diagnostic),
    /// DataFusion does not take it.
    Plan(DataFusionError),
}

impl std::convert::From<Diagnostic> for Failure {
    fn from(diagnostic: Diagnostic) -> Failure {
        Failure::Text(diagnostic)
    }
}

impl std::convert::From<DataFusionError> for Failure {
    fn from(err: DataFusionError) -> Failure {
        Failure::Plan(err)
    }
}

/// A query in the middle of being lowered.
#[derive(Debug)]
struct Lowering<'a> {
    text: &'a str,
    datasets: &'a [Dataset],
    tables: &'a Tables,
    window: Window,
    now_ms: i64,
    is_strict: bool,
    warnings: Vec<Diagnostic>,
    taken: Vec<Taken>,
    /// The names of which lists and objects are wanted whole, in the query in hand.
    whole: HashSet<String>,
}

/// The plan of a query.
///
/// # Errors
/// When the text means nothing, or DataFusion does not take what it means.
pub fn lower(query: &Query, input: Input<'_>) -> Result<Lowered, Failure> {
    let mut lowering = Lowering {
        text: input.text,
        datasets: input.datasets,
        tables: input.tables,
        window: input.window,
        now_ms: input.now_ms,
        is_strict: input.is_strict,
        warnings: Vec::new(),
        taken: Vec::new(),
        whole: HashSet::new(),
    };
    lowering.window = lowering.window_of(query.source.as_ref());
    let (is_estimate, query) = without_estimate(query);
    let scope = lowering.query(&query, lowering.window)?;
    let is_limited = ends_limited(&query.commands);
    let rows = if is_limited { input.rows_max } else { input.rows };
    let (plan, columns) = lowering.output(scope, rows + 1)?;
    let (warnings, taken) = (lowering.warnings, lowering.taken);
    Ok(Lowered { plan, columns, rows, is_limited, is_estimate, warnings, taken })
}

/// Whether a query asks only what it would read, and what it does besides.
fn without_estimate(query: &Query) -> (bool, Cow<'_, Query>) {
    match query.commands.split_last() {
        Some((Command { kind: CommandKind::Estimate, .. }, commands)) => {
            (true, Cow::Owned(Query { commands: commands.to_vec(), ..query.clone() }))
        }
        _ => (false, Cow::Borrowed(query)),
    }
}

/// Whether the rows at the end are those of a `limit`.
fn ends_limited(commands: &[Command]) -> bool {
    let is_new = |command: &Command| {
        use CommandKind::{LogCompare, Pattern, RelevantFields, Stats};
        matches!(command.kind, Stats(_) | Pattern(_) | RelevantFields(..) | LogCompare(_))
    };
    let last = commands.iter().rev().take_while(|command| !is_new(command));
    last.into_iter().any(|command| matches!(command.kind, CommandKind::Limit(_)))
}

impl Lowering<'_> {
    fn warn(&mut self, warning: Diagnostic) {
        if !self.warnings.contains(&warning) {
            self.warnings.push(warning);
        }
    }

    /// The time range, where `SOURCE` says another.
    fn window_of(&self, source: Option<&From>) -> Window {
        let Some(source) = source else { return self.window };
        let end = self.window.to_ms.unwrap_or(self.now_ms);
        let at = |instant: Option<Instant>| match instant {
            None => None,
            Some(Instant::Now) => Some(end),
            Some(Instant::Before(ms)) => Some(end.saturating_sub(ms)),
            Some(Instant::At(ms)) => Some(ms),
        };
        Window { from_ms: at(source.start).or(self.window.from_ms), to_ms: at(source.end).or(self.window.to_ms) }
    }

    /// The rows of a whole query.
    fn query(&mut self, query: &Query, window: Window) -> Result<Scope, Failure> {
        let mut wanted = names::wanted(&query.commands);
        for name in relevant::unnamed(&query.commands, &self.chosen(query.source.as_ref())?.0) {
            if !wanted.base.iter().any(|have| have.name == name.name) {
                wanted.base.push(name);
            }
        }
        self.whole.clone_from(&wanted.whole);
        let mut scope = self.base(query.source.as_ref(), &wanted.base, window)?;
        for (i, command) in query.commands.iter().enumerate() {
            let before = Before { query, n: i, wanted: &wanted, window };
            scope = self.command(scope, command, before)?;
        }
        Ok(scope)
    }

    fn command(&mut self, scope: Scope, command: &Command, before: Before<'_>) -> Result<Scope, Failure> {
        match &command.kind {
            CommandKind::Fields(items) => self.fields(scope, items),
            CommandKind::Display(items) => self.display(scope, items),
            CommandKind::Filter(expr) | CommandKind::FilterIndex(expr) => self.filter(scope, expr),
            CommandKind::Stats(stats) => self.stats(scope, stats),
            CommandKind::Sort(keys) => self.sort(scope, keys),
            CommandKind::Limit(limit) => self.limit(scope, *limit),
            CommandKind::Parse(parse) => self.parse(scope, parse),
            CommandKind::Dedup(names) => self.dedup(scope, names),
            CommandKind::Pattern(expr) => self.pattern(scope, expr),
            CommandKind::Diff(shift) => self.diff(*shift, &command.span, before),
            CommandKind::Unnest(expr, name) => self.unnest(scope, expr, name),
            CommandKind::Expand(name) => self.expand(scope, name),
            CommandKind::Join(join) => self.join(scope, join, before),
            CommandKind::Lookup(lookup) => self.lookup(scope, lookup),
            CommandKind::CidrLookup(lookup) => self.cidr_lookup(scope, lookup),
            CommandKind::FillMissing(values) => self.fill_missing(scope, values, &command.span, before),
            CommandKind::FillDown(names) => self.fill_down(scope, names),
            CommandKind::AddTotals(totals) => self.add_totals(scope, totals),
            CommandKind::Accum(of, alias) => self.accum(scope, of, alias.as_ref()),
            CommandKind::AutoRegress { of, alias, from, to } => {
                self.auto_regress(scope, of, alias.as_ref(), *from..=*to)
            }
            CommandKind::Sessionize { by, maxspan_ms, alias } => {
                self.sessionize(scope, by, *maxspan_ms, alias.as_ref(), &command.span)
            }
            CommandKind::CountFrequent(names) => self.count_frequent(scope, names),
            CommandKind::Json { of, path, alias } => self.json(scope, of, path, alias.as_ref()),
            CommandKind::AppendCols { is_override, max, query } => {
                self.append_cols(scope, query, *is_override, usize::try_from(*max).unwrap_or(usize::MAX))
            }
            CommandKind::RelevantFields(of, condition) => self.relevant_fields(scope, of, condition, &command.span),
            CommandKind::Outlier(outlier) => self.outlier(scope, outlier),
            CommandKind::LogCompare(ms) => self.log_compare(&scope, *ms, &command.span, before),
            CommandKind::Anomaly => {
                let message =
                    "`anomaly` is not supported: what it finds is decided by a model that nobody has described";
                let help = "`pattern … | diff` says which patterns are new or became more than in an earlier window";
                Err(Diagnostic::error(command.span.clone(), message).help(help).into())
            }
            CommandKind::Estimate => {
                let error = Diagnostic::error(command.span.clone(), "`estimate` stands in an inner query");
                Err(error.help("move it to the end of the whole query").into())
            }
        }
    }

    fn limit(&mut self, mut scope: Scope, limit: Limit) -> Result<Scope, Failure> {
        let n = usize::try_from(limit.n).unwrap_or(usize::MAX);
        match limit.which {
            Which::First => scope.limit(n)?,
            Which::Any => scope.plan = LogicalPlanBuilder::from(scope.plan).limit(0, Some(n))?.build()?,
            Which::Last => {
                let reversed = scope.reversed();
                let order = std::mem::replace(&mut scope.order, reversed);
                scope.limit(n)?;
                scope.order = order;
            }
        }
        Ok(scope)
    }

    /// What is shown of the rows, in their order.
    fn output(&mut self, mut scope: Scope, rows: usize) -> Result<(LogicalPlan, Vec<(String, Kind)>), Failure> {
        let shown = match std::mem::replace(&mut scope.shown, Shown::Default) {
            Shown::Default => ["@timestamp", "@message"].iter().filter_map(|name| scope.find(name)).cloned().collect(),
            Shown::Added(shown) | Shown::Chosen(shown) => shown,
        };
        scope.limit(rows)?;
        let exprs =
            shown.iter().enumerate().map(|(i, field)| column(&field.column).alias(format!("{}#{i}", field.name)));
        let exprs: Vec<_> = exprs.collect();
        let plan = LogicalPlanBuilder::from(scope.plan).project(exprs)?.build()?;
        Ok((plan, shown.into_iter().map(|field| (field.name, field.kind)).collect()))
    }

    /// What functions know of the query.
    fn context(&self, scope: &Scope) -> Context {
        Context {
            start_ms: self.window.from_ms,
            end_ms: self.window.to_ms,
            now_ms: self.now_ms,
            timestamp: scope
                .find("@timestamp")
                .filter(|field| field.kind == Kind::Time)
                .map(|field| column(&field.column)),
            bin_offset_ms: 0,
            warnings: RefCell::new(Vec::new()),
        }
    }

    /// The field of this name, which the query must have.
    fn field(&mut self, scope: &Scope, name: &Name) -> Result<Field, Failure> {
        match scope.find(&name.name) {
            Some(field) => Ok(field.clone()),
            None => Err(unknown(scope, &name.name, &name.span).into()),
        }
    }
}

/// A command and all before it.
#[derive(Clone, Copy)]
struct Before<'q> {
    query: &'q Query,
    n: usize,
    wanted: &'q Wanted,
    window: Window,
}

/// The error for a name that leads nowhere: behind `stats` only what it gave is known.
fn unknown(scope: &Scope, name: &str, span: &Span) -> Diagnostic {
    use predicate::diagnostic::clipped;
    let names: Vec<&str> = scope.fields.iter().map(|field| field.name.as_str()).collect();
    let near = nearest(name, names.iter().copied());
    let message = match scope.is_closed {
        true => format!("`{}` is not among what `stats` gave", clipped(name)),
        false => format!("no field is called `{}`", clipped(name)),
    };
    let error = Diagnostic::error(span.clone(), message);
    match (near.is_empty(), scope.is_closed) {
        (false, _) => error.help(format!("did you mean `{}`?", near.join("` or `"))),
        (true, true) => error.help(format!("here there are `{}`", names.join("`, `"))),
        (true, false) => error,
    }
}
