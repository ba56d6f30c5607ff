//! `fields`, `display`, `filter`, `json`: columns that are worked out row by row, and rows that stay or go.

use super::scope::{Field, Scope, Shown};
use super::{Failure, Lowering};
use crate::function::json_get;
use crate::insights::ast::{Expr, Item, Name, Node, Text};
use crate::kind::{Kind, Typed};

impl Lowering<'_> {
    pub(super) fn fields(&mut self, mut scope: Scope, items: &[Item]) -> Result<Scope, Failure> {
        let fields = self.items(&mut scope, items)?;
        scope.show(fields);
        Ok(scope)
    }

    pub(super) fn display(&mut self, mut scope: Scope, items: &[Item]) -> Result<Scope, Failure> {
        let mut shown: Vec<Field> = Vec::new();
        for field in self.items(&mut scope, items)? {
            if !shown.iter().any(|have| have.name == field.name) {
                shown.push(field);
            }
        }
        scope.shown = Shown::Chosen(shown);
        Ok(scope)
    }

    /// The fields that the items are; later ones may use the names of earlier ones.
    fn items(&mut self, scope: &mut Scope, items: &[Item]) -> Result<Vec<Field>, Failure> {
        let mut fields = Vec::new();
        for item in items {
            let known = match &item.expr.node {
                Node::Field(name) => scope.find(name).cloned(),
                _ => None,
            };
            let name = self.name_of(item);
            let field = match known {
                Some(field) if item.alias.is_none() => Field { name, ..field },
                Some(field) => {
                    let field = Field { name, ..field };
                    scope.fields.push(field.clone());
                    field
                }
                None => {
                    let value = self.value(scope, &item.expr)?;
                    scope.define(vec![(name, value)])?.remove(0)
                }
            };
            fields.push(field);
        }
        Ok(fields)
    }

    /// What an item's column is called: as it is written, where nothing else is said.
    pub(super) fn name_of(&self, item: &Item) -> String {
        match (&item.alias, &item.expr.node) {
            (Some(alias), _) => alias.name.clone(),
            (None, Node::Field(name)) => name.clone(),
            (None, _) => self.written(&item.expr),
        }
    }

    /// An expression as it stands in the text, on one line.
    pub(super) fn written(&self, expr: &Expr) -> String {
        let text = self.text.get(expr.span.clone()).unwrap_or_default();
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    pub(super) fn filter(&mut self, mut scope: Scope, condition: &Expr) -> Result<Scope, Failure> {
        let condition = self.typed(&scope, condition)?.boolean();
        scope.filter(condition.expr)?;
        Ok(scope)
    }

    pub(super) fn json(
        &mut self,
        mut scope: Scope,
        of: &Name,
        path: &Text,
        alias: Option<&Name>,
    ) -> Result<Scope, Failure> {
        let of = self.field(&scope, of)?;
        let value = Typed { expr: json_get(of.typed().shown().expr, &path.text), kind: Kind::Text };
        let name = alias.map_or(path.text.clone(), |alias| alias.name.clone());
        let fields = scope.define(vec![(name, value)])?;
        scope.show(fields);
        Ok(scope)
    }
}
