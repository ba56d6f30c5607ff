//! Expressions: names to columns, operators and calls to what the function library makes of them.

use datafusion::common::Spans;
use datafusion::functions::core::expr_fn::coalesce;
use datafusion::logical_expr::expr::InSubquery;
use datafusion::logical_expr::{Expr as Plan, LogicalPlanBuilder, Subquery};
use predicate::diagnostic::{Diagnostic, clipped};

use super::scope::{Field, Scope, Shown, column};
use super::stats::Group;
use super::{Failure, Lowering, nearest, unknown};
use crate::function::{self, Arg, Call, Value, compare, json_get, member};
use crate::insights::ast::{Binary, Expr, Kind as CommandKind, Name, Node, Query, Span, Unary};
use crate::kind::{Kind, Typed};

/// Where an expression stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Env<'s> {
    /// The rows.
    pub scope: &'s Scope,
    /// Within `stats`, outside keys: what its items may name.
    pub group: Option<&'s Group>,
    /// Whether it is an argument of an aggregate, where the rows are seen again.
    pub is_inside: bool,
    /// `stats … offset`.
    pub bin_offset_ms: i64,
}

impl Lowering<'_> {
    /// The value of an expression of these rows.
    pub(super) fn typed(&mut self, scope: &Scope, expr: &Expr) -> Result<Typed, Failure> {
        self.typed_in(&Env { scope, group: None, is_inside: false, bin_offset_ms: 0 }, expr)
    }

    pub(super) fn typed_in(&mut self, env: &Env<'_>, expr: &Expr) -> Result<Typed, Failure> {
        Ok(self.arg(env, expr)?.typed()?)
    }

    /// The same, as something to calculate with.
    pub(super) fn value(&mut self, scope: &Scope, expr: &Expr) -> Result<Typed, Failure> {
        self.value_in(&Env { scope, group: None, is_inside: false, bin_offset_ms: 0 }, expr)
    }

    /// An expression as something to calculate with: a comparison is false where a filter would take null.
    pub(super) fn value_in(&mut self, env: &Env<'_>, expr: &Expr) -> Result<Typed, Failure> {
        let value = self.typed_in(env, expr)?;
        Ok(if is_comparison(expr) { compare::settled(value) } else { value })
    }

    fn arg(&mut self, env: &Env<'_>, expr: &Expr) -> Result<Arg, Failure> {
        let value = match &expr.node {
            Node::String(text) => Value::String(text.clone()),
            Node::Number(n) => Value::Number(*n),
            Node::Boolean(yes) => Value::Boolean(*yes),
            Node::Duration(duration) => Value::Duration(*duration),
            Node::Regex(regex) => Value::Regex(regex.clone()),
            Node::Star => Value::Star,
            _ => Value::Expr(self.expr(env, expr)?),
        };
        Ok(Arg { value, span: expr.span.clone() })
    }

    /// An argument of a call or an operand of arithmetic.
    fn operand(&mut self, env: &Env<'_>, expr: &Expr) -> Result<Arg, Failure> {
        let arg = self.arg(env, expr)?;
        match arg.value {
            Value::Expr(typed) if is_comparison(expr) => {
                Ok(Arg { value: Value::Expr(compare::settled(typed)), span: arg.span })
            }
            value => Ok(Arg { value, span: arg.span }),
        }
    }

    fn expr(&mut self, env: &Env<'_>, expr: &Expr) -> Result<Typed, Failure> {
        match &expr.node {
            Node::Field(name) => self.named(env, name, &expr.span),
            Node::Call(name, args) => self.call(env, name, args, &expr.span),
            Node::Unary(Unary::Not, of) => {
                let of = self.arg(env, of)?;
                Ok(compare::not(&of)?)
            }
            Node::Unary(Unary::Negative, of) => {
                let of = self.operand(env, of)?;
                Ok(compare::negative(&of)?)
            }
            Node::Binary(op @ (Binary::And | Binary::Or), left, right) => {
                let (left, right) = (self.arg(env, left)?, self.arg(env, right)?);
                Ok(compare::both(*op, &left, &right)?)
            }
            Node::Binary(op, left, right) => {
                let (left, right) = (self.operand(env, left)?, self.operand(env, right)?);
                Ok(compare::arithmetic(*op, &left, &right)?)
            }
            Node::In { of, list, is_not } => {
                let of = self.operand(env, of)?;
                let list = list.iter().map(|item| self.operand(env, item)).collect::<Result<Vec<_>, _>>()?;
                Ok(reversed_if(*is_not, compare::one_of(&of, &list)?))
            }
            Node::Like { of, pattern, is_not } => {
                let (of, pattern) = (self.operand(env, of)?, self.operand(env, pattern)?);
                Ok(reversed_if(*is_not, compare::like(&of, &pattern)?))
            }
            Node::InQuery { of, query, is_not } => {
                let of = self.typed_in(env, of)?;
                self.in_query(of, query, *is_not, &expr.span)
            }
            Node::Member(of, path) => {
                let of = self.typed_in(env, of)?;
                Ok(member(of, path))
            }
            Node::Index(of, at) => {
                let of = self.typed_in(env, of)?;
                Ok(member(of, &step(at)?))
            }
            Node::List(_) => Err(Diagnostic::error(expr.span.clone(), "a list can only stand behind `in`").into()),
            Node::String(_) | Node::Number(_) | Node::Boolean(_) | Node::Duration(_) | Node::Regex(_) | Node::Star => {
                Ok(self.arg(env, expr)?.typed()?)
            }
        }
    }

    fn named(&mut self, env: &Env<'_>, name: &str, span: &Span) -> Result<Typed, Failure> {
        if let Some(group) = env.group.filter(|_| !env.is_inside) {
            return match group.find(name) {
                Some(value) => Ok(value.clone()),
                None => Err(ungrouped(group, name, span).into()),
            };
        }
        if let Some(field) = env.scope.find(name) {
            return Ok(field.typed());
        }
        if let Some((parent, rest)) = env.scope.find_parent(name)
            && matches!(parent.kind, Kind::Json | Kind::Text)
        {
            let of = |path: &str| json_get(column(&parent.column), path);
            // A key in backticks may hold dots, and looks then like a path.
            let expr = match rest.contains('.') {
                true => coalesce(vec![of(&rest.replace('.', "\\.")), of(rest)]),
                false => of(rest),
            };
            return Ok(Typed { expr, kind: Kind::Text });
        }
        Err(unknown(env.scope, name, span).into())
    }

    fn call(&mut self, env: &Env<'_>, name: &Name, args: &[Expr], span: &Span) -> Result<Typed, Failure> {
        // Behind `stats` a call may be the name of one of its columns; within another `stats` it is worked out anew.
        let is_output = env.scope.is_closed && (env.group.is_none() || env.is_inside);
        if let Some(field) = env.scope.find_written(&self.text[span.clone()]).filter(|_| is_output) {
            return Ok(field.typed());
        }
        let Some(function) = function::find(&name.name) else {
            let names = function::ALL.iter().flat_map(|file| file.iter()).map(|function| function.name);
            let near = nearest(&name.name, names);
            let error =
                Diagnostic::error(name.span.clone(), format!("no function is called `{}`", clipped(&name.name)));
            return Err(if near.is_empty() {
                error
            } else {
                error.help(format!("did you mean `{}`?", near.join("` or `")))
            }
            .into());
        };
        if function.is_aggregate && (env.group.is_none() || env.is_inside) {
            let message = match env.is_inside {
                true => format!("`{}` cannot stand within another aggregate", function.name),
                false => format!("`{}` can only stand in `stats`", function.name),
            };
            return Err(Diagnostic::error(span.clone(), message).into());
        }
        if !function.arity.contains(&args.len()) {
            let message = format!("`{}` is called with {} arguments", function.name, args.len());
            return Err(Diagnostic::error(span.clone(), message).help(format!("usage: {}", function.usage)).into());
        }
        let env = Env { is_inside: env.is_inside || function.is_aggregate, ..*env };
        let args = args.iter().map(|arg| self.operand(&env, arg)).collect::<Result<Vec<_>, _>>()?;
        let mut ctx = self.context(env.scope);
        ctx.bin_offset_ms = env.bin_offset_ms;
        let value = (function.lower)(&Call { function, span: span.clone(), args: &args, ctx: &ctx });
        ctx.warnings.take().into_iter().for_each(|warning| self.warn(warning));
        Ok(value?)
    }

    /// `f in (SOURCE … | fields g)`.
    fn in_query(&mut self, of: Typed, query: &Query, is_not: bool, span: &Span) -> Result<Typed, Failure> {
        let scope = self.query(query, self.window_of(query.source.as_ref()))?;
        // `fields` at its end says which of the columns of a `stats` is meant.
        let last = match query.commands.last().map(|command| &command.kind) {
            Some(CommandKind::Fields(items)) => match items.as_slice() {
                [item] => scope.find(&self.name_of(item)),
                _ => None,
            },
            _ => None,
        };
        let shown: Vec<Field> = match &scope.shown {
            _ if last.is_some() => last.cloned().into_iter().collect(),
            Shown::Default => Vec::new(),
            Shown::Added(shown) | Shown::Chosen(shown) => shown.clone(),
        };
        let [field] = shown.as_slice() else {
            let message = format!("the query in brackets gives {} columns, and one is wanted", shown.len());
            return Err(Diagnostic::error(span.clone(), message).help("end it with `| fields` and one field").into());
        };
        let kind = if of.kind == field.kind { of.kind } else { Kind::Text };
        let value = field.typed().to(kind).expr;
        // Its column has a name of its own, since the rows around it may have one of that name. A null among the values would make `not in` true of nothing.
        let plan = LogicalPlanBuilder::from(scope.plan).filter(value.clone().is_not_null())?;
        let plan = plan.project(vec![value.alias(format!("in query#{}", field.column))])?.build()?;
        let subquery = Subquery { subquery: plan.into(), outer_ref_columns: Vec::new(), spans: Spans::new() };
        let of = of.to(kind).expr;
        let among = Plan::InSubquery(InSubquery { expr: Box::new(of.clone()), subquery, negated: is_not });
        let expr = if is_not { of.is_not_null().and(among) } else { among };
        Ok(Typed { expr, kind: Kind::Boolean })
    }
}

/// What stands in brackets behind a list or map.
fn step(at: &Expr) -> Result<String, Diagnostic> {
    match &at.node {
        Node::Number(n) if *n >= 0.0 && n.fract() == 0.0 => Ok(format!("{n}")),
        Node::String(text) => Ok(text.clone()),
        _ => Err(Diagnostic::error(at.span.clone(), "a number from 0 or a string is due in brackets")),
    }
}

fn is_comparison(expr: &Expr) -> bool {
    match &expr.node {
        Node::In { .. } | Node::Like { .. } => true,
        Node::Binary(op, ..) => !matches!(
            op,
            Binary::Add | Binary::Subtract | Binary::Multiply | Binary::Divide | Binary::Remainder | Binary::Power
        ),
        _ => false,
    }
}

fn reversed_if(is_not: bool, value: Typed) -> Typed {
    if is_not { compare::reversed(value) } else { value }
}

fn ungrouped(group: &Group, name: &str, span: &Span) -> Diagnostic {
    let error = Diagnostic::error(span.clone(), format!("`{}` has many values in a group", clipped(name)));
    let near = nearest(name, group.items.iter().chain(&group.keys).map(|(name, _)| name.as_str()));
    match near.is_empty() {
        true => error.help("put it into an aggregate, such as `max`, or behind `by`"),
        false => error.help(format!("did you mean `{}`?", near.join("` or `"))),
    }
}
