//! `filldown` and `fillmissing`: values and rows where there are none.

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, ListBuilder, TimestampMicrosecondBuilder};
use datafusion::arrow::datatypes::{DataType, Field as ArrowField, TimeUnit};
use datafusion::common::{Column, JoinType, NullEquality, exec_err};
use datafusion::functions::expr_fn::coalesce;
use datafusion::functions_aggregate::expr_fn::{max, min};
use datafusion::functions_window::nth_value::last_value_udwf;
use datafusion::logical_expr::expr::{NullTreatment, WindowFunction};
use datafusion::logical_expr::{
    Expr as Plan, ExprFunctionExt, LogicalPlanBuilder, WindowFrame, WindowFunctionDefinition, lit,
};
use predicate::diagnostic::Diagnostic;

use super::scope::{Field, Scope, Shown, column};
use super::{Before, Failure, Lowering};
use crate::function::native::{Columns, Gives, Native, Take};
use crate::insights::ast::{Duration, Expr, Kind as CommandKind, Name, Node, Span, Unit};
use crate::kind::{Kind, time_literal};

/// The most bins that are filled.
const BINS_MAX: i64 = 100_000;

impl Lowering<'_> {
    pub(super) fn fill_down(&mut self, mut scope: Scope, names: &[Name]) -> Result<Scope, Failure> {
        let mut fields: Vec<Field> = Vec::new();
        let shown = match &scope.shown {
            Shown::Default => Vec::new(),
            Shown::Added(shown) | Shown::Chosen(shown) => shown.clone(),
        };
        for name in names {
            match name.name.contains('*') {
                true => fields.extend(shown.iter().filter(|field| matches(&name.name, &field.name)).cloned()),
                false => fields.push(self.field(&scope, name)?),
            }
        }
        if names.is_empty() {
            fields = shown;
        }
        for field in fields {
            let last = WindowFunction::new(
                WindowFunctionDefinition::WindowUDF(last_value_udwf()),
                vec![column(&field.column)],
            );
            let last = Plan::from(last).order_by(scope.order.clone()).null_treatment(NullTreatment::IgnoreNulls);
            let made = scope.window("filled", last.window_frame(WindowFrame::new(Some(true))).build()?)?;
            let made = Field { column: made, ..field };
            scope.fields.push(made.clone());
            scope.replace_shown(&made);
        }
        Ok(scope)
    }

    pub(super) fn fill_missing(
        &mut self,
        mut scope: Scope,
        values: &[(Expr, Name)],
        span: &Span,
        before: Before<'_>,
    ) -> Result<Scope, Failure> {
        let (step, n_keys) = bin_of(before).ok_or_else(|| {
            let error = Diagnostic::error(span.clone(), "`fillmissing` needs a `stats … by bin(…)` before it");
            error.help("bins of months, quarters and years cannot be filled yet")
        })?;
        let (keys, rest) = scope.fields.split_at(n_keys.min(scope.fields.len()));
        let Some(bin) = keys.iter().find(|key| key.kind == Kind::Time).cloned() else {
            return Err(Diagnostic::error(span.clone(), "`fillmissing` needs a time among the keys of `stats`").into());
        };
        let others: Vec<Field> = keys.iter().filter(|key| key.column != bin.column).cloned().collect();
        let mut wanted = Vec::new();
        for (value, name) in values {
            wanted.push((self.field(&scope, name)?, self.value(&scope, value)?));
        }
        let rest = rest.to_vec();
        let (from, to) = ("first bin", "last bin");
        let floor = |ms: i64| time_literal(ms - ms.rem_euclid(step));
        let bounds = LogicalPlanBuilder::from(scope.plan.clone()).aggregate(
            Vec::<Plan>::new(),
            vec![min(column(&bin.column)).alias(from), max(column(&bin.column)).alias(to)],
        )?;
        let first = before.window.from_ms.map_or(column(from), floor);
        let last = before.window.to_ms.map_or(column(to), |ms| floor(ms - 1));
        let series = bounds.project(vec![BINS.call(vec![first, last, lit(step)]).alias("filled bin")])?;
        let mut left = series.unnest_column(Column::new_unqualified("filled bin"))?;
        let mut on = vec![(Column::new_unqualified("filled bin"), Column::new_unqualified(&bin.column))];
        let mut exprs = vec![column("filled bin").alias(&bin.column)];
        if !others.is_empty() {
            let named: Vec<Plan> = others.iter().map(|key| column(&key.column).alias(filled(&key.column))).collect();
            let distinct = LogicalPlanBuilder::from(scope.plan.clone()).project(named)?.distinct()?.build()?;
            left = left.cross_join(distinct)?;
            for key in &others {
                on.push((Column::new_unqualified(filled(&key.column)), Column::new_unqualified(&key.column)));
                exprs.push(column(&filled(&key.column)).alias(&key.column));
            }
        }
        let on: (Vec<Column>, Vec<Column>) = on.into_iter().unzip();
        let joined = left.join_detailed(scope.plan.clone(), JoinType::Left, on, None, NullEquality::NullEqualsNull)?;
        for field in &rest {
            let value = wanted.iter().find(|(of, _)| of.column == field.column);
            let expr = match value {
                Some((_, value)) => coalesce(vec![column(&field.column), value.clone().to(field.kind).expr]),
                None => column(&field.column),
            };
            exprs.push(expr.alias(&field.column));
        }
        scope.plan = joined.project(exprs)?.build()?;
        Ok(scope)
    }
}

fn filled(column: &str) -> String {
    format!("{column}#filled")
}

/// Length of the bins in milliseconds and number of keys of the `stats` before a command.
fn bin_of(before: Before<'_>) -> Option<(i64, usize)> {
    let earlier = before.query.commands[..before.n].iter().rev();
    let stats = earlier.filter_map(|command| match &command.kind {
        CommandKind::Stats(stats) => Some(stats),
        _ => None,
    });
    let stats = stats.into_iter().next()?;
    let length = stats.by.iter().find_map(|key| match &key.expr.node {
        Node::Call(name, args) if name.name.eq_ignore_ascii_case("bin") => match &args.first()?.node {
            Node::Duration(duration) => length_ms(*duration),
            _ => None,
        },
        _ => None,
    })?;
    Some((length, stats.by.len()))
}

/// The length of a bin, where all are of one length; counts are capped as `bin` caps them.
fn length_ms(Duration { n, unit }: Duration) -> Option<i64> {
    let (ms, max) = match unit {
        Unit::Millisecond => (1, 1_000.0),
        Unit::Second => (1_000, 60.0),
        Unit::Minute => (60_000, 60.0),
        Unit::Hour => (3_600_000, 24.0),
        Unit::Day => (86_400_000, f64::MAX),
        Unit::Week | Unit::Month | Unit::Quarter | Unit::Year => return None,
    };
    (n >= 1.0).then(|| (n.min(max) * ms as f64) as i64)
}

/// Whether a name fits a pattern in which `*` stands for any text.
pub(super) fn matches(pattern: &str, name: &str) -> bool {
    let Some((head, rest)) = pattern.split_once('*') else { return pattern == name };
    let (middle, tail) = rest.rsplit_once('*').unwrap_or(("", rest));
    let inner = name.strip_prefix(head).and_then(|name| name.strip_suffix(tail));
    // The first place where a part fits leaves the most for those behind it.
    let fits = |inner: &str| {
        let after = middle.split('*').try_fold(inner, |left, part| left.find(part).map(|at| &left[at + part.len()..]));
        after.is_some()
    };
    inner.is_some_and(fits)
}

/// What this file calls.
pub(crate) const NATIVES: &[&Native] = &[&BINS];

const TIME: Take = Take::Kind(Kind::Time);

static BINS: Native = Native {
    name: "lq_bins",
    takes: &[TIME, TIME, Take::Kind(Kind::Integer)],
    gives: Gives::Type(|_| Ok(DataType::List(Arc::new(ArrowField::new_list_field(Kind::Time.arrow(), true))))),
    run: bins,
};

fn bins(args: &Columns) -> datafusion::common::Result<ArrayRef> {
    let (first, last, step) = (args.times(0), args.times(1), args.constant_integer(2)?.max(1) * 1_000);
    let builder = TimestampMicrosecondBuilder::new()
        .with_data_type(DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())));
    let mut out = ListBuilder::new(builder);
    for i in 0..args.n_rows {
        if let (Some(first), Some(last)) = (first.get(i), last.get(i)) {
            if (last - first) / step > BINS_MAX {
                return exec_err!(
                    "more than {BINS_MAX} bins would have to be filled: take longer bins or a shorter time range"
                );
            }
            let mut at = first;
            while at <= last {
                out.values().append_value(at);
                at += step;
            }
        }
        out.append(true);
    }
    Ok(Arc::new(out.finish()))
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn a_star_stands_for_any_text() {
        assert!(matches("a*c*", "abcd") && matches("*", "") && matches("a", "a") && matches("*é", "aé"));
        assert!(!matches("a*a", "a") && !matches("a*b*b", "ab") && !matches("a*c", "abcd") && !matches("a", "b"));
    }
}
