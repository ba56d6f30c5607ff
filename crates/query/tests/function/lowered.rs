//! Expressions over a few rows, lowered as the language means them but without the commands around them.

use std::cell::RefCell;
use std::sync::Arc;

use datafusion::arrow::array::{
    ArrayRef, BooleanArray, Float64Array, Int64Array, RecordBatch, StringViewArray, TimestampMicrosecondArray,
};
use datafusion::arrow::datatypes::{Field, Schema};
use datafusion::logical_expr::ident;
use query::function::{Arg, Call, Context, Value, compare, find, member};
use query::insights::ast::{self, Binary, Node, Unary};
use query::kind::{Kind, Typed, time_of};

/// What becomes of literals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Literals {
    /// They stay.
    Kept,
    /// They become columns.
    Columns,
}

/// Rows, and what is known of their query.
#[derive(Debug)]
pub struct Rows {
    pub batch: RecordBatch,
    pub ctx: Context,
    kinds: Vec<(String, Kind)>,
}

/// The texts of which there is a column, and so is of small numbers.
const TEXTS: [&str; 12] = ["abc", "a", "b", "", "10.0.0.0/8", "x", "-", "fd00::/8", ",", "é", "1", "true"];

impl Rows {
    pub fn parse(lines: &str) -> Rows {
        let objects: Vec<serde_json::Map<String, serde_json::Value>> =
            lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let mut names: Vec<String> = Vec::new();
        for name in objects.iter().flat_map(|object| object.keys()) {
            if !names.contains(name) {
                names.push(name.clone());
            }
        }
        let mut columns: Vec<(String, Kind, ArrayRef)> = Vec::new();
        for name in names {
            let values: Vec<Option<&serde_json::Value>> =
                objects.iter().map(|o| o.get(&name).filter(|v| !v.is_null())).collect();
            let (kind, array) = column(&name, &values);
            columns.push((name, kind, array));
        }
        // Rows without any field have this one.
        let n_rows = objects.len();
        columns.push(("row".to_owned(), Kind::Integer, Arc::new((0..n_rows as i64).collect::<Int64Array>())));
        for text in TEXTS {
            columns.push((
                format!("text:{text}"),
                Kind::Text,
                Arc::new((0..n_rows).map(|_| Some(text)).collect::<StringViewArray>()),
            ));
        }
        for n in -3..=12 {
            columns.push((
                format!("number:{n}"),
                Kind::Integer,
                Arc::new((0..n_rows).map(|_| Some(n)).collect::<Int64Array>()),
            ));
        }
        let fields: Vec<Field> = columns.iter().map(|(name, kind, _)| Field::new(name, kind.arrow(), true)).collect();
        let arrays = columns.iter().map(|(_, _, array)| Arc::clone(array)).collect();
        let batch = RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).unwrap();
        let kinds: Vec<(String, Kind)> = columns.into_iter().map(|(name, kind, _)| (name, kind)).collect();
        let timestamp = kinds.iter().any(|(name, _)| name == "@timestamp").then(|| ident("@timestamp"));
        let ctx = Context {
            start_ms: Some(1_700_000_000_000),
            end_ms: Some(1_700_003_600_000),
            now_ms: 1_700_003_700_123,
            timestamp,
            bin_offset_ms: 0,
            warnings: RefCell::new(Vec::new()),
        };
        Rows { batch, ctx, kinds }
    }

    pub fn field(&self, name: &str) -> Option<Typed> {
        let (name, kind) = self.kinds.iter().find(|(have, _)| have == name)?;
        Some(Typed { expr: ident(name), kind: *kind })
    }

    /// The expression, or what is wrong with it and where.
    pub fn lower(&self, expr: &ast::Expr, text: &str, literals: Literals) -> Result<Typed, String> {
        let typed = self.arg(expr, text, literals)?.typed();
        typed.map_err(|error| says(&error, text))
    }

    fn arg(&self, expr: &ast::Expr, text: &str, literals: Literals) -> Result<Arg, String> {
        let value = match &expr.node {
            Node::String(value) => self.literal(&format!("text:{value}"), Value::String(value.clone()), literals),
            Node::Number(n) => self.literal(&format!("number:{n}"), Value::Number(*n), literals),
            Node::Boolean(b) => Value::Boolean(*b),
            Node::Duration(duration) => Value::Duration(*duration),
            Node::Regex(regex) => Value::Regex(regex.clone()),
            Node::Star => Value::Star,
            _ => Value::Expr(self.typed(expr, text, literals)?),
        };
        Ok(Arg { value, span: expr.span.clone() })
    }

    fn literal(&self, column: &str, value: Value, literals: Literals) -> Value {
        match literals {
            Literals::Columns => self.field(column).map_or(value, Value::Expr),
            Literals::Kept => value,
        }
    }

    fn typed(&self, expr: &ast::Expr, text: &str, literals: Literals) -> Result<Typed, String> {
        let arg = |expr: &ast::Expr| self.arg(expr, text, literals);
        let lowered = match &expr.node {
            // A name that is not there is a text that is not there.
            Node::Field(name) => match self.field(name) {
                Some(field) => Ok(field),
                None => match name.split_once('.').and_then(|(head, rest)| Some((self.field(head)?, rest))) {
                    Some((head, rest)) => Ok(rest.split('.').fold(head, member)),
                    None => Ok(Typed::null(Kind::Text)),
                },
            },
            Node::Call(name, args) => {
                let function = find(&name.name).ok_or_else(|| format!("error: no function {}", name.name))?;
                if !function.arity.contains(&args.len()) {
                    return Err(format!("error: {} arguments", args.len()));
                }
                let args = args.iter().map(arg).collect::<Result<Vec<_>, _>>()?;
                (function.lower)(&Call { function, span: expr.span.clone(), args: &args, ctx: &self.ctx })
            }
            Node::Member(of, name) => {
                Ok(member(self.arg(of, text, literals)?.typed().map_err(|e| says(&e, text))?, name))
            }
            Node::Index(of, at) => {
                let Node::Number(n) = at.node else { panic!("an index is a number") };
                Ok(member(self.arg(of, text, literals)?.typed().map_err(|e| says(&e, text))?, &n.to_string()))
            }
            Node::Unary(Unary::Not, of) => compare::not(&arg(of)?),
            Node::Unary(Unary::Negative, of) => compare::negative(&arg(of)?),
            Node::Binary(op, left, right) => {
                let is_truth = matches!(op, Binary::And | Binary::Or);
                let (left, right) = (arg(left)?, arg(right)?);
                if is_truth { compare::both(*op, &left, &right) } else { compare::arithmetic(*op, &left, &right) }
            }
            Node::In { of, list, is_not } => {
                // A literal is compared as it stands, and a column by its number.
                let list =
                    list.iter().map(|item| self.arg(item, text, Literals::Kept)).collect::<Result<Vec<_>, _>>()?;
                compare::one_of(&arg(of)?, &list).map(|typed| if *is_not { compare::reversed(typed) } else { typed })
            }
            Node::Like { of, pattern, is_not } => compare::like(&arg(of)?, &arg(pattern)?)
                .map(|typed| if *is_not { compare::reversed(typed) } else { typed }),
            other => panic!("no value: {other:?}"),
        };
        lowered.map_err(|error| says(&error, text))
    }
}

fn says(error: &predicate::diagnostic::Diagnostic, text: &str) -> String {
    format!("error at `{}`: {}", text.get(error.span.clone()).unwrap_or("?"), error.message)
}

fn column(name: &str, values: &[Option<&serde_json::Value>]) -> (Kind, ArrayRef) {
    let all = |is: fn(&serde_json::Value) -> bool| values.iter().flatten().all(|value| is(value));
    let texts = || -> ArrayRef {
        let text = |value: &serde_json::Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        Arc::new(values.iter().map(|value| value.map(text)).collect::<StringViewArray>())
    };
    if name == "@timestamp" || name.ends_with("Time") {
        let us = |value: &serde_json::Value| time_of(value.as_str().unwrap()).unwrap() * 1000;
        let array = values.iter().map(|value| value.map(us)).collect::<TimestampMicrosecondArray>();
        return (Kind::Time, Arc::new(array.with_timezone("UTC")));
    }
    match () {
        () if all(|v| v.is_i64()) => {
            (Kind::Integer, Arc::new(values.iter().map(|v| (*v)?.as_i64()).collect::<Int64Array>()))
        }
        () if all(|v| v.is_number()) => {
            (Kind::Number, Arc::new(values.iter().map(|v| (*v)?.as_f64()).collect::<Float64Array>()))
        }
        () if all(|v| v.is_boolean()) => {
            (Kind::Boolean, Arc::new(values.iter().map(|v| (*v)?.as_bool()).collect::<BooleanArray>()))
        }
        () if all(|v| v.is_object() || v.is_array()) => (Kind::Json, texts()),
        () => (Kind::Text, texts()),
    }
}
