//! The rows in hand while a query is lowered, and which names lead to which of their columns.
//!
//! Every column of the plan has a name of its own, which is the field's as long as no other column has it, so that nothing is ever ambiguous.

use std::collections::HashSet;

use datafusion::arrow::datatypes::DataType;
use datafusion::common::{Column, Result, UnnestOptions};
use datafusion::functions_nested::expr_fn::{array_length, range};
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, SortExpr, cast, lit};

use crate::kind::{Kind, Typed};

/// A name that expressions may use.
#[derive(Clone, Debug)]
pub struct Field {
    /// The name.
    pub name: String,
    /// The column of the plan.
    pub column: String,
    /// How its values are kept.
    pub kind: Kind,
}

impl Field {
    /// The field as an expression.
    pub fn typed(&self) -> Typed {
        Typed { expr: column(&self.column), kind: self.kind }
    }
}

/// Which columns are shown.
#[derive(Clone, Debug)]
pub enum Shown {
    /// Nobody said so: time and message.
    Default,
    /// Those of `fields`, or what `stats` gave and `fields` added.
    Added(Vec<Field>),
    /// Those of the last `display`.
    Chosen(Vec<Field>),
}

/// The rows in hand.
#[derive(Clone, Debug)]
pub struct Scope {
    /// How they come to be.
    pub plan: LogicalPlan,
    /// The names that lead to columns; of two that are equal the last counts.
    pub fields: Vec<Field>,
    /// The order that the rows are in, as far as anybody asked.
    pub order: Vec<SortExpr>,
    /// What is shown.
    pub shown: Shown,
    /// Whether only `fields` may be named: behind `stats` and its like.
    pub is_closed: bool,
    /// What the two sides of a join are called.
    pub sides: Option<(String, String)>,
    columns: HashSet<String>,
}

/// A column of a plan, by its exact name.
pub fn column(name: &str) -> Expr {
    Expr::Column(Column::new_unqualified(name))
}

impl Scope {
    /// The rows of a plan whose columns are these fields.
    pub fn new(plan: LogicalPlan, fields: Vec<Field>) -> Scope {
        let columns = plan.schema().fields().iter().map(|field| field.name().clone()).collect();
        Scope { plan, fields, order: Vec::new(), shown: Shown::Default, is_closed: false, sides: None, columns }
    }

    /// The same without any field of before: all that `stats` and its like leave.
    pub fn closed(plan: LogicalPlan, fields: Vec<Field>) -> Scope {
        let shown = Shown::Added(fields.clone());
        Scope { shown, is_closed: true, ..Scope::new(plan, fields) }
    }

    /// The field of this name; behind a join also with the name of its side before it.
    pub fn find(&self, name: &str) -> Option<&Field> {
        let exact = |name: &str| self.fields.iter().rev().find(|field| field.name == name);
        let of_left = || {
            let (left, _) = self.sides.as_ref()?;
            exact(name.strip_prefix(left.as_str())?.strip_prefix('.')?)
        };
        exact(name).or_else(of_left)
    }

    /// The field whose name is this text of a call, blanks aside: `count(*)`.
    pub fn find_written(&self, text: &str) -> Option<&Field> {
        let is_same = |name: &str| {
            let letters = |text: &'_ str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
            name.contains('(') && letters(name) == letters(text)
        };
        self.fields.iter().rev().find(|field| is_same(&field.name))
    }

    /// The field whose name is the longest part of this one up to a dot, and the rest behind the dot.
    pub fn find_parent<'n>(&self, name: &'n str) -> Option<(&Field, &'n str)> {
        let dots = name.match_indices('.').collect::<Vec<_>>();
        dots.into_iter().rev().find_map(|(at, _)| Some((self.find(&name[..at])?, &name[at + 1..])))
    }

    /// A name that no column has yet, made of this one.
    pub fn fresh(&mut self, name: &str) -> String {
        let mut fresh = name.to_owned();
        let mut n = 1;
        while !self.columns.insert(fresh.clone()) {
            n += 1;
            fresh = format!("{name}#{n}");
        }
        fresh
    }

    /// All columns as they are.
    pub fn all(&self) -> Vec<Expr> {
        self.plan.schema().columns().into_iter().map(Expr::Column).collect()
    }

    /// Adds columns for these values and lets the names lead there.
    pub fn define(&mut self, values: Vec<(String, Typed)>) -> Result<Vec<Field>> {
        let mut exprs = self.all();
        let mut fields = Vec::new();
        for (name, value) in values {
            let column = self.fresh(&name);
            exprs.push(value.expr.alias(&column));
            fields.push(Field { name, column, kind: value.kind });
        }
        self.plan = LogicalPlanBuilder::from(self.plan.clone()).project(exprs)?.build()?;
        self.fields.extend(fields.iter().cloned());
        Ok(fields)
    }

    /// Adds a column for a value, to which no name leads.
    pub fn hidden(&mut self, name: &str, value: Typed) -> Result<Typed> {
        let n_fields = self.fields.len();
        let field = self.define(vec![(name.to_owned(), value)])?.remove(0);
        self.fields.truncate(n_fields);
        Ok(field.typed())
    }

    /// Adds a column that a window function fills, and says what it is called. No name leads there yet.
    pub fn window(&mut self, name: &str, function: Expr) -> Result<String> {
        let column = self.fresh(name);
        let window = function.alias(&column);
        self.plan = LogicalPlanBuilder::from(self.plan.clone()).window(vec![window])?.build()?;
        Ok(column)
    }

    /// A row for each element of the list in this column, in the order of the list; one row where there is none.
    pub fn unnest(&mut self, list: &str) -> Result<()> {
        let at = self.fresh("@element");
        let elements = cast(array_length(column(list)), DataType::Int64);
        let mut exprs = self.all();
        exprs.push(range(lit(0_i64), elements, lit(1_i64)).alias(&at));
        let lists = [list, &at].map(Column::new_unqualified).to_vec();
        let options = UnnestOptions::new().with_preserve_nulls(true);
        let builder = LogicalPlanBuilder::from(self.plan.clone()).project(exprs)?;
        self.plan = builder.unnest_columns_with_options(lists, options)?.build()?;
        self.order.push(column(&at).sort(true, false));
        Ok(())
    }

    /// Keeps the rows for which this is true.
    pub fn filter(&mut self, condition: Expr) -> Result<()> {
        self.plan = LogicalPlanBuilder::from(self.plan.clone()).filter(condition)?.build()?;
        Ok(())
    }

    /// Puts the rows into their order and keeps the first so many.
    pub fn limit(&mut self, n: usize) -> Result<()> {
        self.plan = self.ordered()?.limit(0, Some(n))?.build()?;
        Ok(())
    }

    /// The rows in their order.
    pub fn ordered(&self) -> Result<LogicalPlanBuilder> {
        let builder = LogicalPlanBuilder::from(self.plan.clone());
        if self.order.is_empty() { Ok(builder) } else { builder.sort(self.order.clone()) }
    }

    /// The order for a window function, which must have one: where nobody asked for any, any will do.
    pub fn window_order(&self) -> Vec<SortExpr> {
        if self.order.is_empty() { vec![lit(0_i64).sort(true, false)] } else { self.order.clone() }
    }

    /// The order from behind; nulls stay last.
    pub fn reversed(&self) -> Vec<SortExpr> {
        self.order.iter().map(|key| SortExpr { asc: !key.asc, ..key.clone() }).collect()
    }

    /// Shows these too: a field of the same name goes where it was.
    pub fn show(&mut self, added: Vec<Field>) {
        let shown = match &mut self.shown {
            Shown::Chosen(_) => return,
            Shown::Added(shown) => shown,
            Shown::Default => {
                self.shown = Shown::Added(Vec::new());
                return self.show(added);
            }
        };
        for field in added {
            match shown.iter_mut().find(|have| have.name == field.name) {
                Some(have) => *have = field,
                None => shown.push(field),
            }
        }
    }

    /// The same for a command that adds to what is there anyway: where nobody chose columns, time and message stay before it.
    pub fn show_beside(&mut self, added: Vec<Field>) {
        if matches!(self.shown, Shown::Default) {
            self.show(["@timestamp", "@message"].iter().filter_map(|name| self.find(name)).cloned().collect());
        }
        self.show(added);
    }

    /// Lets a shown column of this name be the new field of the name: a command changed it in place.
    pub fn replace_shown(&mut self, field: &Field) {
        if let Shown::Added(shown) | Shown::Chosen(shown) = &mut self.shown {
            shown.iter_mut().filter(|have| have.name == field.name).for_each(|have| *have = field.clone());
        }
    }
}
