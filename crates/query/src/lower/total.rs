//! Sums over rows and columns: `accum`, `addtotals`, `autoregress`, `sessionize`, `countFrequent`.

use std::ops::RangeInclusive;

use datafusion::functions_aggregate::expr_fn::{count, sum};
use datafusion::functions_aggregate::sum::sum_udaf;
use datafusion::functions_window::expr_fn::lag;
use datafusion::logical_expr::expr::WindowFunction;
use datafusion::logical_expr::{
    Expr, ExprFunctionExt, LogicalPlanBuilder, SortExpr, WindowFrame, WindowFunctionDefinition, lit, when,
};
use predicate::diagnostic::Diagnostic;

use super::scope::{Field, Scope, Shown, column};
use super::sort::term;
use super::{Failure, Lowering};
use crate::insights::ast::{AddTotals, Name, Span};
use crate::kind::{Kind, Typed};

/// The most earlier rows that `autoregress` gives.
const LAGS_MAX: u32 = 100;

impl Lowering<'_> {
    pub(super) fn accum(&mut self, mut scope: Scope, of: &Name, alias: Option<&Name>) -> Result<Scope, Failure> {
        let field = self.field(&scope, of)?;
        let total = running(field.typed().float(), scope.order.clone())?;
        let made = scope.window("accum", total)?;
        self.made(
            &mut scope,
            alias.map_or(&of.name, |alias| &alias.name),
            Typed { expr: column(&made), kind: Kind::Number },
        )
    }

    /// Adds a field and shows it, in the place of one of the same name.
    fn made(&mut self, scope: &mut Scope, name: &str, value: Typed) -> Result<Scope, Failure> {
        let fields = scope.define(vec![(name.to_owned(), value)])?;
        fields.iter().for_each(|field| scope.replace_shown(field));
        scope.show_beside(fields);
        Ok(scope.clone())
    }

    pub(super) fn auto_regress(
        &mut self,
        mut scope: Scope,
        of: &Name,
        alias: Option<&Name>,
        lags: RangeInclusive<u32>,
    ) -> Result<Scope, Failure> {
        let field = self.field(&scope, of)?;
        let (from, to) = (*lags.start(), *lags.end());
        if from == 0 || to < from || to > LAGS_MAX {
            let message = format!("`p` must be from 1 to {LAGS_MAX}");
            return Err(Diagnostic::error(of.span.clone(), message).into());
        }
        let name = alias.map_or(&of.name, |alias| &alias.name);
        for p in lags {
            let earlier = lag(column(&field.column), Some(i64::from(p)), None).order_by(scope.order.clone()).build()?;
            let made = scope.window("lag", earlier)?;
            let name = if alias.is_some() && from == to { name.clone() } else { format!("{name}_p{p}") };
            scope = self.made(&mut scope, &name, Typed { expr: column(&made), kind: field.kind })?;
        }
        Ok(scope)
    }

    pub(super) fn add_totals(&mut self, mut scope: Scope, totals: &AddTotals) -> Result<Scope, Failure> {
        let shown: Vec<Field> = match &scope.shown {
            Shown::Default => Vec::new(),
            Shown::Added(shown) | Shown::Chosen(shown) => shown.clone(),
        };
        let mut of = Vec::new();
        for name in &totals.of {
            of.push(self.field(&scope, name)?);
        }
        if of.is_empty() {
            // Where nobody said what is shown, the numbers are those of the log.
            let is_log = matches!(scope.shown, Shown::Default);
            let all = if is_log { scope.fields.clone() } else { shown };
            of.extend(all.into_iter().filter(|field| matches!(field.kind, Kind::Integer | Kind::Number)));
            if is_log {
                let times = scope.find("@timestamp").cloned();
                scope.show(times.into_iter().chain(of.iter().cloned()).collect());
            }
        }
        let name = totals.name.as_ref().map_or("Total", |name| &name.name);
        if totals.has_row {
            let or_zero =
                |field: &Field| datafusion::functions::expr_fn::coalesce(vec![field.typed().float(), lit(0.0)]);
            let total = of.iter().map(or_zero).reduce(|a, b| a + b).unwrap_or_else(|| lit(0.0));
            scope = self.made(&mut scope, name, Typed { expr: total, kind: Kind::Number })?;
            of.extend(scope.find(name).cloned());
        }
        if totals.has_col {
            scope = with_sums(scope, &of)?;
        }
        Ok(scope)
    }

    pub(super) fn sessionize(
        &mut self,
        mut scope: Scope,
        by: &[Name],
        maxspan_ms: i64,
        alias: Option<&Name>,
        span: &Span,
    ) -> Result<Scope, Failure> {
        let Some(time) = scope.find("@timestamp").cloned() else {
            return Err(Diagnostic::error(span.clone(), "`sessionize` needs `@timestamp`").into());
        };
        let mut keys = Vec::new();
        for name in by {
            keys.push(self.field(&scope, name)?);
        }
        let columns: Vec<Expr> = keys.iter().map(|key| column(&key.column)).collect();
        let in_time = vec![column(&time.column).sort(true, false)];
        let before =
            lag(column(&time.column), Some(1), None).partition_by(columns).order_by(in_time.clone()).build()?;
        let before = scope.window("before", before)?;
        let earlier = Typed { expr: column(&before), kind: Kind::Time };
        let gap = time.typed().number().expr - earlier.number().expr;
        let is_new = column(&before).is_null().or(gap.gt(lit(maxspan_ms)));
        let new = scope.define(vec![(
            "new".to_owned(),
            Typed { expr: when(is_new, lit(1_i64)).otherwise(lit(0_i64))?, kind: Kind::Integer },
        )])?;
        scope.fields.retain(|field| field.column != new[0].column);
        let order = keys.iter().map(|key| term(key.typed(), true)).chain(in_time).collect();
        let number = running(new[0].typed().expr, order)?;
        let number = scope.window("session", number)?;
        let name = alias.map_or("session_id", |alias| &alias.name);
        self.made(&mut scope, name, Typed { expr: column(&number), kind: Kind::Integer })
    }

    pub(super) fn count_frequent(&mut self, scope: Scope, names: &[Name]) -> Result<Scope, Failure> {
        let mut keys = Vec::new();
        for name in names {
            keys.push(self.field(&scope, name)?);
        }
        let items = vec![("_approxcount".to_owned(), Typed { expr: count(lit(1_i64)), kind: Kind::Integer })];
        let mut scope = self.grouped(scope, keys, items)?;
        if let Some(field) = scope.find("_approxcount").cloned() {
            scope.order.insert(0, column(&field.column).sort(false, false));
        }
        Ok(scope)
    }
}

/// The sum over this row and all before it.
fn running(of: Expr, order: Vec<SortExpr>) -> Result<Expr, Failure> {
    let sum = Expr::from(WindowFunction::new(WindowFunctionDefinition::AggregateUDF(sum_udaf()), vec![of]));
    Ok(sum.order_by(order).window_frame(WindowFrame::new(Some(true))).build()?)
}

/// The rows and below them one with the sums of these fields; it is the last in their order.
fn with_sums(mut scope: Scope, of: &[Field]) -> Result<Scope, Failure> {
    let is_sum = scope.define(vec![("sum".to_owned(), Typed { expr: lit(0_i64), kind: Kind::Integer })])?.remove(0);
    scope.fields.retain(|field| field.column != is_sum.column);
    let sums: Vec<Expr> = of.iter().map(|field| sum(field.typed().float()).alias(&field.column)).collect();
    let totals = LogicalPlanBuilder::from(scope.plan.clone()).aggregate(Vec::<Expr>::new(), sums)?;
    let mut exprs = Vec::new();
    for (_, have) in scope.plan.schema().iter() {
        let value = match of.iter().find(|field| field.column == *have.name()) {
            Some(field) => Typed { expr: column(&field.column), kind: Kind::Number }.to(field.kind).expr,
            None if *have.name() == is_sum.column => lit(1_i64),
            None => lit(datafusion::common::ScalarValue::try_from(have.data_type())?),
        };
        exprs.push(value.alias(have.name()));
    }
    let totals = totals.project(exprs)?.build()?;
    scope.plan = LogicalPlanBuilder::from(scope.plan).union(totals)?.build()?;
    scope.order.insert(0, column(&is_sum.column).sort(true, false));
    Ok(scope)
}
