//! `sort`: natural order, missing values last in both directions, ties as they were.

use datafusion::logical_expr::{Expr, SortExpr};
use predicate::diagnostic::{Diagnostic, clipped};

use super::scope::{Field, Scope};
use super::{Failure, Lowering, nearest};
use crate::function::sort_key;
use crate::insights::ast::{Node, SortKey};
use crate::kind::{Kind, Typed};

impl Lowering<'_> {
    pub(super) fn sort(&mut self, mut scope: Scope, keys: &[SortKey]) -> Result<Scope, Failure> {
        let mut order = Vec::new();
        for key in keys {
            if let Node::Field(name) = &key.expr.node
                && scope.is_closed
                && scope.find(name).is_none()
                && scope.find_parent(name).is_none()
            {
                let message =
                    format!("`{}` is not among what `stats` gave, so sorting by it has no effect", clipped(name));
                self.warn(Diagnostic::warning(key.expr.span.clone(), message).help(offer(&scope, name)));
                continue;
            }
            let value = self.typed(&scope, &key.expr)?;
            if value.kind == Kind::Json {
                let error = Diagnostic::error(key.expr.span.clone(), "maps and lists have no order");
                return Err(error.help("sort by one of their values").into());
            }
            // DataFusion loses track of rows that are sorted by an expression it has rewritten, and not of a column.
            let value = if matches!(value.expr, Expr::Column(_)) { value } else { scope.hidden("@sort", value)? };
            order.push(term(value, !key.is_descending));
        }
        order.extend(std::mem::take(&mut scope.order));
        scope.order = order;
        Ok(scope)
    }
}

fn offer(scope: &Scope, name: &str) -> String {
    let names: Vec<&str> = scope.fields.iter().map(|field| field.name.as_str()).collect();
    let near = nearest(name, names.iter().copied());
    let called =
        names.iter().find(|have| have.to_ascii_lowercase().starts_with(&format!("{}(", name.to_ascii_lowercase())));
    match (called, near.is_empty()) {
        (Some(called), _) => format!("name the column: `{called} as {name}`"),
        (None, false) => format!("did you mean `{}`?", near.join("` or `")),
        (None, true) => format!("here there are `{}`", names.join("`, `")),
    }
}

/// A value as a key to sort by.
pub(super) fn term(value: Typed, is_ascending: bool) -> SortExpr {
    sort_key(value).sort(is_ascending, false)
}

/// The order of rows that nobody asked an order of: by their keys, so that the same query gives the same rows.
pub(super) fn by_keys(fields: &[Field]) -> Vec<SortExpr> {
    fields.iter().map(|field| term(field.typed(), true)).collect()
}
