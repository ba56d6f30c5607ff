//! The operators: comparison, arithmetic, `in`, `like`, `and`, `or`, `not`.
//!
//! A comparison with a value that is not there is null here, which a filter drops as it drops false. Whoever asks for the value of a comparison
//! ([`settled`]) gets false, and `not` ([`not`]) makes true of it: in the language a comparison is never null. So `not (f = "x")` keeps
//! rows without `f`, and `f != "x"`, `f not in […]` and `f not like …` do not ([`reversed`]).

use datafusion::arrow::datatypes::DataType;
use datafusion::common::ScalarValue;
use datafusion::functions::core::expr_fn::nullif;
use datafusion::functions::string::expr_fn::{contains, ends_with, starts_with};
use datafusion::logical_expr::{Expr, Operator, binary_expr, cast, lit};
use predicate::diagnostic::Diagnostic;

use super::native::{Gives, Native, Take};
use super::regex::{self, Plain};
use super::sort::order;
use super::{Arg, Value};
use crate::insights::ast::Binary;
use crate::kind::{Kind, Typed, number_of, number_or_truth_of, text_literal, time_literal, time_of, whole};

/// `left op right` for a comparison.
pub fn compare(op: Binary, left: &Arg, right: &Arg) -> Result<Typed, Diagnostic> {
    let (left_literal, right_literal) = (literal(left), literal(right));
    let typed = |arg: &Arg| arg.typed();
    let expr = match (left_literal, right_literal) {
        (None, Some(value)) => with_literal(typed(left)?, op, &value),
        (Some(value), None) => with_literal(typed(right)?, flipped(op), &value),
        _ => of_two(typed(left)?, op, typed(right)?),
    };
    Ok(boolean(expr))
}

/// `left + right` and the like. Numbers are doubles here: whole ones are exact up to 2^53. What divides by zero is null.
pub fn arithmetic(op: Binary, left: &Arg, right: &Arg) -> Result<Typed, Diagnostic> {
    let (l, r) = (left.typed()?.float(), right.typed()?.float());
    let expr = match op {
        Binary::Add => l + r,
        Binary::Subtract => l - r,
        Binary::Multiply => l * r,
        Binary::Divide => l / nullif(r, lit(0.0)),
        Binary::Remainder => l % nullif(r, lit(0.0)),
        Binary::Power => POWER.call(vec![l, r]),
        Binary::And | Binary::Or => return both(op, left, right),
        _ => return compare(op, left, right),
    };
    Ok(Typed { expr, kind: Kind::Number })
}

/// `-x`.
pub fn negative(of: &Arg) -> Result<Typed, Diagnostic> {
    match literal(of) {
        Some(Value::Number(n)) => Ok(Typed::of_number(-n)),
        _ => Ok(Typed { expr: -of.typed()?.float(), kind: Kind::Number }),
    }
}

/// `left and right`, `left or right`.
pub fn both(op: Binary, left: &Arg, right: &Arg) -> Result<Typed, Diagnostic> {
    let (l, r) = (left.typed()?.boolean().expr, right.typed()?.boolean().expr);
    Ok(boolean(if op == Binary::And { l.and(r) } else { l.or(r) }))
}

/// `not x`: true where x is false or null.
pub fn not(of: &Arg) -> Result<Typed, Diagnostic> {
    Ok(boolean(of.typed()?.boolean().expr.is_not_true()))
}

/// What `not in` and `not like` make of `in` and `like`: null stays null.
pub fn reversed(comparison: Typed) -> Typed {
    boolean(!comparison.expr)
}

/// The value of a comparison where it is not a filter: false instead of null.
pub fn settled(comparison: Typed) -> Typed {
    boolean(comparison.expr.is_true())
}

/// `of in [list]`: the whole value is one of these.
pub fn one_of(of: &Arg, list: &[Arg]) -> Result<Typed, Diagnostic> {
    let value = of.typed()?;
    let is_text = value.kind == Kind::Text && literal(of).is_none();
    let (mut texts, mut numbers, mut others) = (Vec::new(), Vec::new(), Vec::new());
    for item in list {
        match literal(item) {
            Some(Value::String(text)) if is_text => texts.push(text_literal(&text)),
            Some(Value::Number(n)) if is_text => numbers.push(lit(n)),
            _ => others.push(compare(Binary::Equal, of, item)?.expr),
        }
    }
    let among = |of: Expr, list: Vec<Expr>| (!list.is_empty()).then(|| of.in_list(list, false));
    let of_numbers = among(value.clone().float(), numbers).map(|among| present_or_null(&value.expr, among));
    let parts = among(value.expr, texts).into_iter().chain(of_numbers).chain(others);
    Ok(boolean(parts.reduce(Expr::or).unwrap_or_else(|| lit(false))))
}

/// False instead of null where a value is there: a text that is no number is none of them.
fn present_or_null(value: &Expr, truth: Expr) -> Expr {
    truth.is_true().or(value.clone().is_null().and(lit(ScalarValue::Boolean(None))))
}

/// `of like pattern`, `of =~ pattern`: a string is found anywhere and as it stands, and so is a regex.
pub fn like(of: &Arg, pattern: &Arg) -> Result<Typed, Diagnostic> {
    let value = of.typed()?;
    if value.kind == Kind::Json {
        return Ok(boolean(lit(false)));
    }
    let text = value.text().expr;
    let expr = match &pattern.value {
        Value::Regex(regex) => {
            regex::check(regex, &pattern.span)?;
            match regex::plain(regex) {
                Some(Plain::Anywhere(part)) => contains(text, text_literal(&part)),
                Some(Plain::Start(part)) => starts_with(text, text_literal(&part)),
                Some(Plain::End(part)) => ends_with(text, text_literal(&part)),
                Some(Plain::Whole(whole)) => text.eq(text_literal(&whole)),
                None => IS_MATCH.call(vec![text, text_literal(regex)]),
            }
        }
        _ => contains(text, pattern.typed()?.text().expr),
    };
    Ok(boolean(expr))
}

/// `ispresent(of)`.
pub fn is_present(of: Typed) -> Typed {
    boolean(of.expr.is_not_null())
}

fn boolean(expr: Expr) -> Typed {
    Typed { expr, kind: Kind::Boolean }
}

/// The argument if it is written out, also where it was lowered before.
fn literal(arg: &Arg) -> Option<Value> {
    match &arg.value {
        Value::Expr(Typed { expr: Expr::Literal(value, _), .. }) => match value {
            ScalarValue::Utf8View(Some(text)) => Some(Value::String(text.clone())),
            ScalarValue::Int64(Some(n)) => Some(Value::Number(*n as f64)),
            ScalarValue::Float64(Some(n)) => Some(Value::Number(*n)),
            ScalarValue::Boolean(Some(b)) => Some(Value::Boolean(*b)),
            _ => None,
        },
        Value::String(_) | Value::Number(_) | Value::Boolean(_) => Some(arg.value.clone()),
        _ => None,
    }
}

/// The plainest comparison of a column with what is written out: the nearer it is to `column = literal`, the more of the data need not be read.
fn with_literal(of: Typed, op: Binary, value: &Value) -> Expr {
    let operator = operator(op);
    match (of.kind, value) {
        (Kind::Json, _) => lit(false),
        (Kind::Text, Value::String(text)) if is_equality(op) || number_of(text).is_none() => {
            binary_expr(of.expr, operator, text_literal(text))
        }
        (Kind::Text, Value::String(text)) => by_order(of.expr, operator, text_literal(text)),
        (Kind::Time, Value::String(text)) => match time_of(text) {
            Some(ms) => binary_expr(of.expr, operator, time_literal(ms)),
            // A text that is no instant is none here.
            None => binary_expr(of.expr, operator, Typed::null(Kind::Time).expr),
        },
        (Kind::Time, Value::Number(n)) => match whole(*n) {
            Some(ms) => binary_expr(of.expr, operator, time_literal(ms)),
            None => binary_expr(of.float(), operator, lit(*n)),
        },
        (Kind::Boolean, Value::Boolean(b)) => binary_expr(of.expr, operator, lit(*b)),
        (Kind::Boolean, Value::Number(n)) if *n == 0.0 || *n == 1.0 => binary_expr(of.expr, operator, lit(*n == 1.0)),
        (Kind::Integer, Value::Number(n)) if n.fract() == 0.0 => match whole(*n) {
            Some(n) => binary_expr(of.expr, operator, lit(n)),
            None => binary_expr(of.float(), operator, lit(*n)),
        },
        (Kind::Integer | Kind::Number | Kind::Boolean, Value::String(text)) => match number_or_truth_of(text) {
            Some(n) => with_literal(of, op, &Value::Number(n)),
            None => with_number(text_literal(text), flipped(op), of.float()),
        },
        (Kind::Text, Value::Number(n)) => with_number(of.expr, op, lit(*n)),
        (Kind::Text, Value::Boolean(b)) => with_number(of.expr, op, lit(f64::from(u8::from(*b)))),
        (_, Value::Number(n)) => binary_expr(of.float(), operator, lit(*n)),
        (_, Value::Boolean(b)) => binary_expr(of.float(), operator, lit(f64::from(u8::from(*b)))),
        _ => lit(false),
    }
}

fn of_two(l: Typed, op: Binary, r: Typed) -> Expr {
    let operator = operator(op);
    match (l.kind, r.kind) {
        (Kind::Json, _) | (_, Kind::Json) => lit(false),
        (Kind::Text, Kind::Text) => by_order(l.expr, operator, r.expr),
        (Kind::Time, _) | (_, Kind::Time) => binary_expr(l.time().expr, operator, r.time().expr),
        (Kind::Text, _) => with_number(l.expr, op, r.float()),
        (_, Kind::Text) => with_number(r.expr, flipped(op), l.float()),
        (Kind::Integer | Kind::Boolean, Kind::Integer | Kind::Boolean) => {
            let whole = |of: Typed| cast(of.expr, DataType::Int64);
            if l.kind == r.kind {
                binary_expr(l.expr, operator, r.expr)
            } else {
                binary_expr(whole(l), operator, whole(r))
            }
        }
        _ => binary_expr(l.float(), operator, r.float()),
    }
}

/// A text and a number. A text that is none differs from every number, but is neither more nor less.
fn with_number(text: Expr, op: Binary, number: Expr) -> Expr {
    let is_equal = |text: Expr, number: Expr| EQUALS_NUMBER.call(vec![text, number]);
    match op {
        Binary::Equal => is_equal(text, number),
        Binary::NotEqual => !is_equal(text, number),
        _ => binary_expr(Typed { expr: text, kind: Kind::Text }.float(), operator(op), number),
    }
}

fn is_equality(op: Binary) -> bool {
    matches!(op, Binary::Equal | Binary::NotEqual)
}

/// Two texts: as numbers where both are, else as they stand.
fn by_order(l: Expr, operator: Operator, r: Expr) -> Expr {
    binary_expr(ORDER.call(vec![l, r]), operator, lit(0_i64))
}

fn operator(op: Binary) -> Operator {
    match op {
        Binary::NotEqual => Operator::NotEq,
        Binary::Less => Operator::Lt,
        Binary::LessOrEqual => Operator::LtEq,
        Binary::Greater => Operator::Gt,
        Binary::GreaterOrEqual => Operator::GtEq,
        _ => Operator::Eq,
    }
}

fn flipped(op: Binary) -> Binary {
    match op {
        Binary::Less => Binary::Greater,
        Binary::LessOrEqual => Binary::GreaterOrEqual,
        Binary::Greater => Binary::Less,
        Binary::GreaterOrEqual => Binary::LessOrEqual,
        same => same,
    }
}

/// What the operators call.
pub(super) const NATIVES: &[&Native] = &[&ORDER, &EQUALS_NUMBER, &IS_MATCH, &POWER];

static ORDER: Native = Native {
    name: "lq_order",
    takes: &[Take::Kind(Kind::Text), Take::Kind(Kind::Text)],
    gives: Gives::Kind(Kind::Integer),
    run: |args| {
        let (a, b) = (args.texts(0), args.texts(1));
        args.integer(|i| Some(order(a.get(i)?, b.get(i)?) as i64))
    },
};
static EQUALS_NUMBER: Native = Native {
    name: "lq_equals_number",
    takes: &[Take::Kind(Kind::Text), Take::Kind(Kind::Number)],
    gives: Gives::Kind(Kind::Boolean),
    run: |args| {
        let (text, number) = (args.texts(0), args.numbers(1));
        args.boolean(|i| Some(number_or_truth_of(text.get(i)?) == Some(number.get(i)?)))
    },
};
static IS_MATCH: Native = Native {
    name: "lq_is_match",
    takes: &[Take::Kind(Kind::Text), Take::Kind(Kind::Text)],
    gives: Gives::Kind(Kind::Boolean),
    run: |args| {
        let regex = regex::compiled(args.constant_text(1)?)?;
        let text = args.texts(0);
        args.boolean(|i| text.get(i).map(|text| regex.is_match(text)))
    },
};
static POWER: Native = Native {
    name: "lq_power",
    takes: &[Take::Kind(Kind::Number), Take::Kind(Kind::Number)],
    gives: Gives::Kind(Kind::Number),
    run: |args| {
        let (a, b) = (args.numbers(0), args.numbers(1));
        args.number(|i| Some(a.get(i)?.powf(b.get(i)?)))
    },
};
