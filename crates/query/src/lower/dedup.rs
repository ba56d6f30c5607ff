//! `dedup`: the first row of each key in the order in hand; rows without a key all stay.

use datafusion::functions_window::expr_fn::row_number;
use datafusion::logical_expr::{Expr, ExprFunctionExt, lit};
use predicate::diagnostic::Diagnostic;

use super::scope::{Scope, column};
use super::{Failure, Lowering};
use crate::insights::ast::Name;
use crate::kind::Kind;

impl Lowering<'_> {
    pub(super) fn dedup(&mut self, mut scope: Scope, names: &[Name]) -> Result<Scope, Failure> {
        let mut keys = Vec::new();
        for name in names {
            let field = self.field(&scope, name)?;
            if field.kind == Kind::Json {
                return Err(Diagnostic::error(name.span.clone(), "`dedup` takes no maps and lists").into());
            }
            keys.push(column(&field.column));
        }
        let row = row_number().partition_by(keys.clone()).order_by(scope.window_order()).build()?;
        let number = scope.window("dedup", row)?;
        let has_no_key = keys.into_iter().map(Expr::is_null).reduce(Expr::or);
        let is_first = column(&number).eq(lit(1_u64));
        scope.filter(has_no_key.map_or(is_first.clone(), |none| is_first.or(none)))?;
        Ok(scope)
    }
}
