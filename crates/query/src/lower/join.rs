//! `join` and `appendcols`: rows beside rows.

use datafusion::common::{Column, JoinType, NullEquality};
use datafusion::functions_window::expr_fn::row_number;
use datafusion::logical_expr::{Expr, ExprFunctionExt, LogicalPlanBuilder};

use super::scope::{Field, Scope, Shown, column};
use super::{Before, Failure, Lowering};
use crate::insights::ast::{Join, Query};
use crate::kind::{Kind, Typed};

impl Lowering<'_> {
    pub(super) fn join(&mut self, mut scope: Scope, join: &Join, before: Before<'_>) -> Result<Scope, Failure> {
        let left = self.field(&scope, &join.left_key)?;
        let mut other = self.base(Some(&join.source), &before.wanted.right, before.window)?;
        let right = self.field(&other, &join.right_key)?;
        let kind = if left.kind == right.kind { left.kind } else { Kind::Text };
        let left_key = scope.define(vec![("left key".to_owned(), left.typed().to(kind))])?.remove(0);
        let mut names = scope.clone();
        let prefixed = |field: &Field| format!("{}.{}", join.right.name, field.name);
        let mut fields = Vec::new();
        let mut exprs = Vec::new();
        for field in &other.fields {
            let name = prefixed(field);
            let to = names.fresh(&name);
            exprs.push(column(&field.column).alias(&to));
            fields.push(Field { name, column: to, kind: field.kind });
        }
        let right_key = names.fresh("right key");
        exprs.push(right.typed().to(kind).expr.alias(&right_key));
        other.plan = LogicalPlanBuilder::from(other.plan).project(exprs)?.build()?;
        let join_type = if join.is_left { JoinType::Left } else { JoinType::Inner };
        let on = (vec![Column::new_unqualified(&left_key.column)], vec![Column::new_unqualified(&right_key)]);
        let plan = LogicalPlanBuilder::from(scope.plan.clone()).join(other.plan, join_type, on, None)?.build()?;
        let hidden = |field: &Field| field.column != left_key.column;
        let mut joined = Scope::new(plan, scope.fields.iter().filter(|field| hidden(field)).cloned().collect());
        joined.fields.extend(fields);
        joined.order = scope.order;
        joined.shown = scope.shown;
        joined.is_closed = scope.is_closed;
        joined.sides = Some((join.left.name.clone(), join.right.name.clone()));
        Ok(joined)
    }

    pub(super) fn append_cols(
        &mut self,
        scope: Scope,
        query: &Query,
        is_override: bool,
        max: usize,
    ) -> Result<Scope, Failure> {
        let mut other = self.query(query, self.window_of(query.source.as_ref()))?;
        other.limit(max)?;
        let mut scope = numbered(scope)?;
        let other = numbered(other)?;
        let mut names = scope.clone();
        let shown = shown_of(&other);
        let mut exprs = Vec::new();
        let mut fields = Vec::new();
        for field in shown {
            let is_taken = shown_of(&scope).iter().any(|have| have.name == field.name);
            if is_taken && !is_override {
                continue;
            }
            let to = names.fresh(&field.name);
            exprs.push(column(&field.column).alias(&to));
            fields.push(Field { column: to, ..field });
        }
        let at = names.fresh(NUMBER);
        exprs.push(column(NUMBER).alias(&at));
        let right = LogicalPlanBuilder::from(other.plan).project(exprs)?.build()?;
        let on = (vec![Column::new_unqualified(NUMBER)], vec![Column::new_unqualified(&at)]);
        let plan = LogicalPlanBuilder::from(scope.plan.clone());
        let plan = plan.join_detailed(right, JoinType::Left, on, None, NullEquality::NullEqualsNothing)?.build()?;
        let (order, was_shown, is_closed) = (std::mem::take(&mut scope.order), scope.shown.clone(), scope.is_closed);
        let mut joined = Scope::new(plan, scope.fields);
        joined.fields.extend(fields.iter().cloned());
        (joined.order, joined.shown, joined.is_closed) = (order, was_shown, is_closed);
        fields.iter().for_each(|field| joined.replace_shown(field));
        joined.show(fields);
        Ok(joined)
    }
}

/// The column of the rows' numbers.
const NUMBER: &str = "row number";

/// The rows with their numbers in their order.
fn numbered(mut scope: Scope) -> Result<Scope, Failure> {
    let number = row_number().order_by(scope.window_order()).build()?;
    let made = scope.window("number", number)?;
    let mut exprs: Vec<Expr> = scope.all();
    exprs.push(Typed { expr: column(&made), kind: Kind::Integer }.expr.alias(NUMBER));
    scope.plan = LogicalPlanBuilder::from(scope.plan).project(exprs)?.build()?;
    Ok(refreshed(scope))
}

/// The same, knowing all columns that its plan has.
fn refreshed(scope: Scope) -> Scope {
    let mut fresh = Scope::new(scope.plan, scope.fields);
    (fresh.order, fresh.shown, fresh.is_closed, fresh.sides) = (scope.order, scope.shown, scope.is_closed, scope.sides);
    fresh
}

fn shown_of(scope: &Scope) -> Vec<Field> {
    match &scope.shown {
        Shown::Default => ["@timestamp", "@message"].iter().filter_map(|name| scope.find(name)).cloned().collect(),
        Shown::Added(shown) | Shown::Chosen(shown) => shown.clone(),
    }
}
