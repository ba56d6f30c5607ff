//! `unnest`, `expand`: a row for each element of a list.

use super::scope::{Field, Scope};
use super::{Failure, Lowering};
use crate::function::items;
use crate::insights::ast::{Expr, Name};
use crate::kind::{Kind, Typed};

impl Lowering<'_> {
    pub(super) fn unnest(&mut self, scope: Scope, of: &Expr, into: &Name) -> Result<Scope, Failure> {
        let of = self.typed(&scope, of)?;
        let (scope, _) = each(scope, of, &into.name)?;
        Ok(scope)
    }

    pub(super) fn expand(&mut self, scope: Scope, of: &Name) -> Result<Scope, Failure> {
        let field = self.field(&scope, of)?;
        let (mut scope, field) = each(scope, field.typed(), &of.name)?;
        scope.replace_shown(&field);
        Ok(scope)
    }
}

/// A row for each element.
fn each(mut scope: Scope, of: Typed, name: &str) -> Result<(Scope, Field), Failure> {
    // An element is text, which for a list or map in it is its JSON.
    let list = Typed { expr: items(of), kind: Kind::Text };
    let field = scope.define(vec![(name.to_owned(), list)])?.remove(0);
    scope.unnest(&field.column)?;
    Ok((scope, field))
}
