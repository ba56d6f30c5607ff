//! `outlier`: values further from the middle half of all values than so many times its width.

use datafusion::logical_expr::{Expr, LogicalPlanBuilder, lit, when};
use predicate::diagnostic::Diagnostic;

use super::fill::matches;
use super::scope::{Field, Scope, Shown, column};
use super::{Failure, Lowering};
use crate::function::percentile;
use crate::insights::ast::Outlier;
use crate::kind::{Kind, Typed};

/// What the field that marks outliers is called.
const MARK: &str = "outlier";

/// A field and the columns of its bounds.
struct Bounded {
    field: Field,
    upper: Expr,
    lower: Option<Expr>,
}

impl Bounded {
    fn is_above(&self) -> Expr {
        self.field.typed().float().gt(self.upper.clone())
    }

    fn is_below(&self) -> Option<Expr> {
        self.lower.clone().map(|lower| self.field.typed().float().lt(lower))
    }

    /// Whether a row's value is an outlier; a value that is missing or no number is none.
    fn is_outside(&self) -> Expr {
        let above = self.is_above();
        self.is_below().map_or(above.clone(), |below| above.or(below)).is_true()
    }

    /// The value, moved to the bound where it is beyond. Texts that are no numbers stay.
    fn clamped(&self) -> Result<Typed, Failure> {
        let kind = if self.field.kind == Kind::Integer { Kind::Number } else { self.field.kind };
        let bound = |expr: &Expr| Typed { expr: expr.clone(), kind: Kind::Number }.to(kind).expr;
        let mut value = when(self.is_above().is_true(), bound(&self.upper));
        if let (Some(below), Some(lower)) = (self.is_below(), &self.lower) {
            value = value.when(below.is_true(), bound(lower));
        }
        let expr = value.otherwise(self.field.typed().to(kind).expr)?;
        Ok(Typed { expr, kind })
    }
}

impl Lowering<'_> {
    pub(super) fn outlier(&mut self, scope: Scope, outlier: &Outlier) -> Result<Scope, Failure> {
        let fields = self.looked_at(&scope, outlier)?;
        let (mut scope, bounded) = bounds(scope, &fields, outlier)?;
        let is_outside = bounded.iter().map(Bounded::is_outside).reduce(Expr::or).unwrap_or_else(|| lit(false));
        let is_outside = scope.hidden("@outlier", Typed { expr: is_outside, kind: Kind::Boolean })?;
        if outlier.removes {
            scope.filter(is_outside.expr.clone().is_not_true())?;
        } else {
            for one in &bounded {
                let made = scope.define(vec![(one.field.name.clone(), one.clamped()?)])?.remove(0);
                scope.replace_shown(&made);
            }
        }
        if outlier.marks {
            let mark = scope.define(vec![(MARK.to_owned(), is_outside)])?;
            scope.show_beside(mark);
        }
        Ok(scope)
    }

    /// The fields that the command names; a star stands for any text in the names of what is shown.
    fn looked_at(&mut self, scope: &Scope, outlier: &Outlier) -> Result<Vec<Field>, Failure> {
        let shown: &[Field] = match &scope.shown {
            Shown::Default => &[],
            Shown::Added(shown) | Shown::Chosen(shown) => shown,
        };
        let has_numbers = |field: &Field| !matches!(field.kind, Kind::Time | Kind::Json);
        let mut fields: Vec<Field> = Vec::new();
        for name in &outlier.of {
            let fits = |field: &&Field| matches(&name.name, &field.name) && has_numbers(field);
            let (of_name, message): (Vec<Field>, &str) = match name.name.contains('*') {
                true => (shown.iter().filter(fits).cloned().collect(), "stands for no field that is shown"),
                false => (vec![self.field(scope, name)?], "holds no numbers"),
            };
            if of_name.is_empty() || !of_name.iter().all(has_numbers) {
                let message = format!("`{}` {message}", predicate::diagnostic::clipped(&name.name));
                let help = "name fields with numbers, or choose them with `fields` first";
                return Err(Diagnostic::error(name.span.clone(), message).help(help).into());
            }
            for field in of_name {
                if !fields.iter().any(|have| have.name == field.name) {
                    fields.push(field);
                }
            }
        }
        Ok(fields)
    }
}

/// The rows with the bounds of each field beside them: quartiles, and from them so many times the distance between the two.
fn bounds(mut scope: Scope, fields: &[Field], outlier: &Outlier) -> Result<(Scope, Vec<Bounded>), Failure> {
    let mut quartiles = Vec::new();
    let mut names = Vec::new();
    for field in fields {
        let (first, third) = (scope.fresh("@first quartile"), scope.fresh("@third quartile"));
        quartiles.push(percentile(field.typed().float(), 25.0).alias(&first));
        quartiles.push(percentile(field.typed().float(), 75.0).alias(&third));
        names.push((field, first, third));
    }
    let all = LogicalPlanBuilder::from(scope.plan.clone()).aggregate(Vec::<Expr>::new(), quartiles)?;
    let mut joined = Scope::new(all.cross_join(scope.plan)?.build()?, scope.fields);
    (joined.order, joined.shown, joined.is_closed, joined.sides) =
        (scope.order, scope.shown, scope.is_closed, scope.sides);
    let bounded = names.into_iter().map(|(field, first, third)| {
        let usual = (column(&third) - column(&first)) * lit(outlier.param);
        let lower = outlier.uses_lower.then(|| column(&first) - usual.clone());
        Bounded { field: field.clone(), upper: column(&third) + usual, lower }
    });
    Ok((joined, bounded.collect()))
}
