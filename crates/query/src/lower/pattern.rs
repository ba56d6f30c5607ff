//! `pattern`, `diff` and `logcompare`: what texts have in common, and how often now and before.

use datafusion::logical_expr::{LogicalPlan, LogicalPlanBuilder, lit};
use predicate::diagnostic::Diagnostic;

use super::scope::{Field, Scope, column};
use super::{Before, Failure, Lowering, Window};
use crate::clusters::{PATTERN, patterns};
use crate::insights::ast::{Command, Expr, Kind as CommandKind, Node, Shift, Span};
use crate::kind::{Kind, Typed};

/// Milliseconds of a day.
const DAY_MS: i64 = 86_400_000;

impl Lowering<'_> {
    pub(super) fn pattern(&mut self, scope: Scope, of: &Expr) -> Result<Scope, Failure> {
        let texts = self.texts(scope, of, 0)?;
        let outputs = [("@pattern", 0), ("@ratio", 3), ("@sampleCount", 1), ("@severityLabel", 4)];
        named(patterns(texts)?, outputs, Vec::new())
    }

    /// The texts of one window.
    fn texts(&mut self, scope: Scope, of: &Expr, window: i64) -> Result<LogicalPlan, Failure> {
        let value = self.value(&scope, of)?;
        if value.kind == Kind::Json {
            return Err(Diagnostic::error(of.span.clone(), "`pattern` takes text and no maps and lists").into());
        }
        let columns = vec![value.text().expr.alias("text"), lit(window).alias("window")];
        Ok(LogicalPlanBuilder::from(scope.plan).project(columns)?.build()?)
    }

    pub(super) fn diff(&mut self, shift: Option<Shift>, span: &Span, before: Before<'_>) -> Result<Scope, Failure> {
        let error = |message: &str| Diagnostic::error(span.clone(), message);
        let Some((Command { kind: CommandKind::Pattern(of), .. }, earlier)) =
            before.query.commands[..before.n].split_last()
        else {
            return Err(error("`diff` stands behind a `pattern`").into());
        };
        let (from, to) = ends(before.window, "diff", span)?;
        let ms = match shift {
            None => to - from,
            Some(Shift::Day) => DAY_MS,
            Some(Shift::Week) => 7 * DAY_MS,
            Some(Shift::Month) => 30 * DAY_MS,
        };
        self.compared(of, earlier, ms, before)
    }

    /// The same for a window that lies so much earlier; of whole records where no `pattern` says of what.
    pub(super) fn log_compare(
        &mut self,
        scope: &Scope,
        shift_ms: i64,
        span: &Span,
        before: Before<'_>,
    ) -> Result<Scope, Failure> {
        let commands = &before.query.commands[..before.n];
        ends(before.window, "logcompare", span)?;
        if shift_ms <= 0 {
            let error = Diagnostic::error(span.clone(), "the earlier window is the same as this one");
            return Err(error.help("write `logcompare timeshift 7d`").into());
        }
        if let Some((Command { kind: CommandKind::Pattern(of), .. }, earlier)) = commands.split_last() {
            return self.compared(of, earlier, shift_ms, before);
        }
        if scope.is_closed {
            let error = Diagnostic::error(span.clone(), "`logcompare` compares records, and here there are none left");
            return Err(error.help("put it behind `filter`, or behind a `pattern`").into());
        }
        let message = Expr { node: Node::Field("@message".to_owned()), span: span.clone() };
        self.compared(&message, commands, shift_ms, before)
    }

    /// The patterns of this window, and what they are in one so much earlier.
    fn compared(
        &mut self,
        of: &Expr,
        earlier: &[Command],
        shift_ms: i64,
        before: Before<'_>,
    ) -> Result<Scope, Failure> {
        let mut windows = Vec::new();
        for (i, window) in [before.window, before.window.earlier(shift_ms)].into_iter().enumerate() {
            let mut scope = self.base(before.query.source.as_ref(), &before.wanted.base, window)?;
            for (n, command) in earlier.iter().enumerate() {
                scope = self.command(scope, command, Before { n, window, ..before })?;
            }
            windows.push(LogicalPlanBuilder::from(self.texts(scope, of, i as i64)?));
        }
        let both = windows.into_iter().map(Ok).reduce(|a, b| a?.union(b?.build()?));
        let both = both.transpose()?.unwrap_or_else(|| LogicalPlanBuilder::empty(false)).build()?;
        let difference = column(PATTERN[1]) - column(PATTERN[2]);
        let outputs = [("@pattern", 0), ("@ratio", 3), ("@sampleCount", 1), ("@severityLabel", 4)];
        let change = ("@sampleCountDifference".to_owned(), Typed { expr: difference, kind: Kind::Integer });
        let mut scope = named(patterns(both)?, outputs, vec![change])?;
        // What changed most comes first.
        if let Some(field) = scope.find("@sampleCountDifference") {
            let change = datafusion::logical_expr::when(column(&field.column).lt(lit(0_i64)), -column(&field.column))
                .otherwise(column(&field.column))?;
            scope.order.insert(0, change.sort(false, false));
        }
        Ok(scope)
    }
}

/// The ends of a window, which a comparison must have.
fn ends(window: Window, command: &str, span: &Span) -> Result<(i64, i64), Diagnostic> {
    let Window { from_ms: Some(from), to_ms: Some(to) } = window else {
        let message = format!("`{command}` compares time ranges, and this query has none");
        return Err(Diagnostic::error(span.clone(), message).help("give a time range with a start and an end"));
    };
    Ok((from, to))
}

/// The columns of patterns under the names of the language, the most frequent pattern first.
fn named(plan: LogicalPlan, outputs: [(&str, usize); 4], more: Vec<(String, Typed)>) -> Result<Scope, Failure> {
    let kinds = [Kind::Text, Kind::Integer, Kind::Integer, Kind::Number, Kind::Text];
    let mut fields = Vec::new();
    let mut exprs = Vec::new();
    for (name, at) in outputs {
        exprs.push(column(PATTERN[at]).alias(name));
        fields.push(Field { name: name.to_owned(), column: name.to_owned(), kind: kinds[at] });
    }
    for (name, value) in more {
        exprs.push(value.expr.alias(&name));
        fields.push(Field { column: name.clone(), name, kind: value.kind });
    }
    let plan = LogicalPlanBuilder::from(plan).project(exprs)?.build()?;
    let mut scope = Scope::closed(plan, fields);
    scope.order = vec![column("@sampleCount").sort(false, false), column("@pattern").sort(true, false)];
    Ok(scope)
}
