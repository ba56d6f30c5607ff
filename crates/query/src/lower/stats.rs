//! `stats`: groups of rows, and what is worked out of each.

use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::logical_expr::{Expr, LogicalPlanBuilder};
use predicate::diagnostic::{Diagnostic, clipped};

use super::expr::Env;
use super::scope::{Field, Scope, column};
use super::sort::by_keys;
use super::{Failure, Lowering};
use crate::insights::ast::Stats;
use crate::kind::{Kind, Typed};

/// What a `stats` has so far: names that its later items may use outside aggregates.
#[derive(Debug, Default)]
pub(super) struct Group {
    /// The keys, by name.
    pub keys: Vec<(String, Typed)>,
    /// The items before, by name.
    pub items: Vec<(String, Typed)>,
}

impl Group {
    /// The key or item of this name.
    pub fn find(&self, name: &str) -> Option<&Typed> {
        let mut all = self.items.iter().rev().chain(&self.keys);
        all.find(|(have, _)| have == name).map(|(_, value)| value)
    }
}

impl Lowering<'_> {
    pub(super) fn stats(&mut self, mut scope: Scope, stats: &Stats) -> Result<Scope, Failure> {
        let keys = self.keys(&mut scope, stats)?;
        let mut group =
            Group { keys: keys.iter().map(|key| (key.name.clone(), key.typed())).collect(), items: Vec::new() };
        for item in &stats.items {
            let env = Env { scope: &scope, group: Some(&group), is_inside: false, bin_offset_ms: stats.offset_ms };
            let value = self.value_in(&env, &item.expr)?;
            if let Some(alias) = item.alias.as_ref().filter(|alias| group.find(&alias.name).is_some()) {
                let message = format!("two columns of this `stats` are called `{}`", clipped(&alias.name));
                return Err(Diagnostic::error(alias.span.clone(), message)
                    .help("give one of them another name")
                    .into());
            }
            group.items.push((self.name_of(item), value));
        }
        self.grouped(scope, keys, group.items)
    }

    /// The keys as columns of the rows.
    fn keys(&mut self, scope: &mut Scope, stats: &Stats) -> Result<Vec<Field>, Failure> {
        let mut keys = Vec::new();
        for item in &stats.by {
            let env = Env { scope, group: None, is_inside: false, bin_offset_ms: stats.offset_ms };
            let value = self.value_in(&env, &item.expr)?;
            if value.kind == Kind::Json {
                let error = Diagnostic::error(item.expr.span.clone(), "rows cannot be grouped by a map or list");
                return Err(error.help("group by one of its values, or by `jsonStringify` of it").into());
            }
            let name = self.name_of(item);
            let is_column = matches!(value.expr, Expr::Column(_));
            match (is_column, &value.expr) {
                (true, Expr::Column(column)) => {
                    keys.push(Field { name, column: column.name.clone(), kind: value.kind })
                }
                _ => keys.extend(scope.define(vec![(name, value)])?),
            }
        }
        Ok(keys)
    }

    /// The groups: keys first, then what is worked out.
    pub(super) fn grouped(
        &mut self,
        scope: Scope,
        mut keys: Vec<Field>,
        items: Vec<(String, Typed)>,
    ) -> Result<Scope, Failure> {
        let mut seen = std::collections::HashSet::new();
        let group: Vec<Expr> =
            keys.iter().filter(|key| seen.insert(key.column.clone())).map(|key| column(&key.column)).collect();
        let mut aggregates: Vec<Expr> = Vec::new();
        let mut outputs = Vec::new();
        for (name, value) in items {
            let expr = lifted(value.expr, &mut aggregates)?;
            outputs.push((name, Typed { expr, kind: value.kind }));
        }
        let named = aggregates.into_iter().enumerate().map(|(i, aggregate)| aggregate.alias(place(i)));
        let mut plan = LogicalPlanBuilder::from(scope.plan).aggregate(group, named.collect::<Vec<_>>())?;
        // Two names for one key are two columns of the output.
        let mut exprs: Vec<Expr> = Vec::new();
        for (i, key) in keys.iter_mut().enumerate() {
            let expr = column(&key.column);
            key.column = format!("{}#k{i}", key.name);
            exprs.push(expr.alias(&key.column));
        }
        let mut fields = keys.clone();
        for (i, (name, value)) in outputs.into_iter().enumerate() {
            let field = Field { column: format!("{name}#a{i}"), name, kind: value.kind };
            exprs.push(value.expr.alias(&field.column));
            fields.push(field);
        }
        plan = plan.project(exprs)?;
        let mut scope = Scope::closed(plan.build()?, fields);
        scope.order = by_keys(&keys);
        Ok(scope)
    }
}

/// The expression with its aggregates taken out, each once, and columns in their places.
fn lifted(expr: Expr, aggregates: &mut Vec<Expr>) -> Result<Expr, Failure> {
    let lifted = expr.transform_down(|expr| {
        if !matches!(expr, Expr::AggregateFunction(_)) {
            return Ok(Transformed::no(expr));
        }
        let at = aggregates.iter().position(|have| *have == expr).unwrap_or_else(|| {
            aggregates.push(expr);
            aggregates.len() - 1
        });
        Ok(Transformed::new(column(&place(at)), true, TreeNodeRecursion::Jump))
    })?;
    Ok(lifted.data)
}

/// The column of an aggregate between grouping and output.
fn place(i: usize) -> String {
    format!("aggregate#{i}")
}
