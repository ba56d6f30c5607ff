//! `relevantfields`: which fields have other values where a condition holds than elsewhere.

use datafusion::common::Column;
use datafusion::functions_nested::expr_fn::make_array;
use datafusion::logical_expr::{Expr as Plan, LogicalPlanBuilder};
use lake::columns::{Column as LakeColumn, Of, Type};
use predicate::diagnostic::Diagnostic;

use super::scope::{Field, Scope, Shown, column};
use super::{Failure, Lowering};
use crate::function::{json_get, relevance};
use crate::insights::ast::{Command, Expr, Kind as CommandKind, Name, Span};
use crate::kind::{Kind, Typed, text_literal};
use crate::tables::Dataset;

/// The columns of the answer: name, where it stands in what is worked out of a field, kind.
const OUTPUTS: [(&str, &str, Kind); 4] = [
    ("@relevanceScore", "score", Kind::Number),
    ("@topRelevanceContributors", "top", Kind::Text),
    ("@conditionalMedian", "chosen", Kind::Number),
    ("@baselineMedian", "other", Kind::Number),
];

/// The log's own names of the columns that commands ask for without naming them: all of them, or those of numbers.
pub(super) fn unnamed(commands: &[Command], datasets: &[Dataset]) -> Vec<Name> {
    let has = |is_it: fn(&CommandKind) -> bool| commands.iter().any(|command| is_it(&command.kind));
    let wants_all = has(|kind| matches!(kind, CommandKind::RelevantFields(of, _) if of.is_empty()));
    let wants_numbers = has(|kind| matches!(kind, CommandKind::AddTotals(totals) if totals.of.is_empty()))
        && !has(|kind| matches!(kind, CommandKind::Fields(_) | CommandKind::Display(_) | CommandKind::Stats(_)));
    let is_wanted =
        |column: &&LakeColumn| wants_all || (wants_numbers && matches!(column.ty, Type::Long | Type::Double));
    let columns = datasets.iter().flat_map(|dataset| &dataset.columns.list).filter(is_wanted);
    let native = columns.filter_map(|column| match &column.of {
        Of::Native(path) => Some(*path),
        Of::Ocsf { native, .. } => *native,
        _ => None,
    });
    native.map(|name| Name { name: name.to_owned(), span: 0..0 }).collect()
}

impl Lowering<'_> {
    pub(super) fn relevant_fields(
        &mut self,
        scope: Scope,
        of: &[Name],
        condition: &Expr,
        span: &Span,
    ) -> Result<Scope, Failure> {
        let fields = if of.is_empty() { self.all_fields(&scope, span) } else { self.listed(&scope, of)? };
        let is_chosen = self.typed(&scope, condition)?.boolean().expr.is_true();
        let place = |i: usize| format!("relevance#{i}");
        let each = fields.iter().enumerate();
        let told = each.map(|(i, field)| relevance(field.typed().shown().expr, is_chosen.clone()).alias(place(i)));
        let told = told.collect::<Vec<Plan>>();
        let rows = LogicalPlanBuilder::from(scope.plan).aggregate(Vec::<Plan>::new(), told)?;
        let names = make_array(fields.iter().map(|field| text_literal(&field.name)).collect()).alias("@fieldName");
        let told = make_array((0..fields.len()).map(|i| column(&place(i))).collect()).alias("told");
        let lists = ["@fieldName", "told"].map(Column::new_unqualified).to_vec();
        let mut rows = rows.project(vec![names, told])?.unnest_columns_with_options(lists, Default::default())?;
        if of.is_empty() {
            rows = rows.filter(column("told").is_not_null())?;
        }
        let mut exprs = vec![column("@fieldName")];
        let mut outputs = vec![field("@fieldName", Kind::Text)];
        for (name, at, kind) in OUTPUTS {
            let value = Typed { expr: json_get(column("told"), at), kind: Kind::Text };
            exprs.push(value.to(kind).expr.alias(name));
            outputs.push(field(name, kind));
        }
        let mut scope = Scope::closed(rows.project(exprs)?.build()?, outputs);
        scope.order = vec![column("@relevanceScore").sort(false, false), column("@fieldName").sort(true, false)];
        Ok(scope)
    }

    fn listed(&mut self, scope: &Scope, of: &[Name]) -> Result<Vec<Field>, Failure> {
        let mut fields: Vec<Field> = Vec::new();
        for name in of {
            let field = self.field(scope, name)?;
            if !fields.iter().any(|have| have.name == field.name) {
                fields.push(field);
            }
        }
        Ok(fields)
    }

    fn all_fields(&mut self, scope: &Scope, span: &Span) -> Vec<Field> {
        if let (true, Shown::Added(shown) | Shown::Chosen(shown)) = (scope.is_closed, &scope.shown) {
            return shown.clone();
        }
        let message = "keys of objects such as `requestParameters` are not looked at";
        let help = "name those that matter: `relevantfields eventName, requestParameters.bucketName where …`";
        self.warn(Diagnostic::warning(span.clone(), message).help(help));
        let mut fields: Vec<Field> = Vec::new();
        for field in scope.fields.iter().rev().filter(|field| !field.name.starts_with('@')) {
            if !fields.iter().any(|have| have.name == field.name) {
                fields.push(field.clone());
            }
        }
        fields
    }
}

fn field(name: &str, kind: Kind) -> Field {
    Field { name: name.to_owned(), column: name.to_owned(), kind }
}
