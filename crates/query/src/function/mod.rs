//! The functions of Logs Insights QL: what they are called, what they take, and how they become DataFusion expressions.
//!
//! A function is one entry in the `FUNCTIONS` of its file; the files are listed in [`ALL`]. Functions that DataFusion has are used as they are;
//! the others are stateless UDFs that are registered by name, so that a plan can be shipped.

mod aggregate;
pub mod cluster;
pub mod compare;
mod date;
mod encode;
mod fold;
mod general;
mod ip;
mod json;
mod map;
pub(crate) mod native;
mod numeric;
mod parse;
mod regex;
mod relevance;
mod series;
mod sort;
mod text;

use std::cell::RefCell;
use std::ops::RangeInclusive;
use std::sync::Arc;

use datafusion::logical_expr::{Expr, lit};
use datafusion::prelude::SessionContext;
use predicate::diagnostic::Diagnostic;

use crate::insights::ast::{Duration, Span};
use crate::kind::{Kind, Typed, text_literal};

pub use aggregate::percentile;
pub use json::{items, json_get, member};
pub use map::map_get;
pub use parse::{Captures, capture, parse_csv, parse_glob, parse_logfmt, parse_regex, parse_regex_all};
pub use relevance::relevance;
pub use sort::sort_key;

/// A function or an aggregate.
#[derive(Debug)]
pub struct Function {
    /// Its name in AWS's spelling; any letter case is accepted.
    pub name: &'static str,
    /// Other spellings.
    pub aliases: &'static [&'static str],
    /// How it is called: `substr(text, start[, length])`.
    pub usage: &'static str,
    /// What it gives, in one sentence.
    pub doc: &'static str,
    /// How many arguments it takes.
    pub arity: RangeInclusive<usize>,
    /// Whether it is only allowed in `stats`.
    pub is_aggregate: bool,
    /// Makes the expression. The arity is checked already.
    pub lower: fn(&Call<'_>) -> Result<Typed, Diagnostic>,
}

/// A call in hand.
#[derive(Debug)]
pub struct Call<'a> {
    /// The function.
    pub function: &'static Function,
    /// The whole call.
    pub span: Span,
    /// What it is called with.
    pub args: &'a [Arg],
    /// What is known of the query.
    pub ctx: &'a Context,
}

impl Call<'_> {
    /// The argument as an expression.
    pub fn typed(&self, i: usize) -> Result<Typed, Diagnostic> {
        self.args[i].typed()
    }

    /// The argument as a text.
    pub fn text(&self, i: usize) -> Result<Expr, Diagnostic> {
        Ok(self.typed(i)?.text().expr)
    }

    /// The argument as a `Float64`.
    pub fn number(&self, i: usize) -> Result<Expr, Diagnostic> {
        Ok(self.typed(i)?.float())
    }

    /// The argument as a text that must be written out.
    pub fn literal_text(&self, i: usize) -> Result<&str, Diagnostic> {
        match &self.args[i].value {
            Value::String(text) => Ok(text),
            _ => Err(self.wrong(i, "a string literal is due")),
        }
    }

    /// The argument as a number that must be written out.
    pub fn literal_number(&self, i: usize) -> Result<f64, Diagnostic> {
        match &self.args[i].value {
            Value::Number(n) => Ok(*n),
            _ => Err(self.wrong(i, "a number literal is due")),
        }
    }

    /// An error at an argument.
    pub fn wrong(&self, i: usize, message: &str) -> Diagnostic {
        let error = Diagnostic::error(self.args[i].span.clone(), format!("{message} in `{}`", self.function.name));
        error.help(format!("it is called as `{}`", self.function.usage))
    }
}

/// An argument.
#[derive(Clone, Debug)]
pub struct Arg {
    /// What it is.
    pub value: Value,
    /// Where it stands.
    pub span: Span,
}

impl Arg {
    /// The argument as an expression; whole numbers are [`Kind::Integer`].
    pub fn typed(&self) -> Result<Typed, Diagnostic> {
        let word = match &self.value {
            Value::Expr(typed) => return Ok(typed.clone()),
            Value::String(text) => return Ok(Typed { expr: text_literal(text), kind: Kind::Text }),
            Value::Number(n) => return Ok(Typed::of_number(*n)),
            Value::Boolean(b) => return Ok(Typed { expr: lit(*b), kind: Kind::Boolean }),
            Value::Duration(_) => "a duration",
            Value::Regex(_) => "a regex",
            Value::Star => "`*`",
        };
        Err(Diagnostic::error(self.span.clone(), format!("{word} cannot stand here")))
    }
}

/// What an argument is.
#[derive(Clone, Debug)]
pub enum Value {
    /// An expression.
    Expr(Typed),
    /// A string literal.
    String(String),
    /// A number literal.
    Number(f64),
    /// `true`, `false`.
    Boolean(bool),
    /// A length of time.
    Duration(Duration),
    /// A regex literal.
    Regex(String),
    /// `*`.
    Star,
}

/// What is known of the query: no function asks the clock.
#[derive(Clone, Debug)]
pub struct Context {
    /// From when on it reads, in milliseconds, where it says.
    pub start_ms: Option<i64>,
    /// Up to when, exclusive.
    pub end_ms: Option<i64>,
    /// When it began.
    pub now_ms: i64,
    /// The time of the rows (`@timestamp`) where it is still known: `bin`, `earliest` and `latest` need it.
    pub timestamp: Option<Expr>,
    /// `stats … offset 1h`, in milliseconds.
    pub bin_offset_ms: i64,
    /// What functions remarked; the lowering takes them when it is done.
    pub warnings: RefCell<Vec<Diagnostic>>,
}

/// Every function, file by file.
pub const ALL: &[&[Function]] = &[
    numeric::FUNCTIONS,
    general::FUNCTIONS,
    json::FUNCTIONS,
    ip::FUNCTIONS,
    text::FUNCTIONS,
    encode::FUNCTIONS,
    date::FUNCTIONS,
    aggregate::FUNCTIONS,
    series::FUNCTIONS,
];

/// The function with this name in any letter case.
pub fn find(name: &str) -> Option<&'static Function> {
    let is_it = |function: &&Function| {
        std::iter::once(&function.name).chain(function.aliases).any(|have| have.eq_ignore_ascii_case(name))
    };
    ALL.iter().flat_map(|file| file.iter()).find(is_it)
}

/// Makes our functions known by name, so that a plan that was sent elsewhere finds them.
pub fn register(ctx: &SessionContext) {
    let scalars = [
        crate::kind::NATIVES,
        compare::NATIVES,
        date::NATIVES,
        encode::NATIVES,
        general::NATIVES,
        ip::NATIVES,
        json::NATIVES,
        map::NATIVES,
        numeric::NATIVES,
        parse::NATIVES,
        sort::NATIVES,
        text::NATIVES,
    ];
    scalars.iter().flat_map(|file| file.iter()).for_each(|native| ctx.register_udf(native.udf().as_ref().clone()));
    aggregate::udafs()
        .into_iter()
        .chain(series::udafs())
        .for_each(|udaf| ctx.register_udaf(Arc::unwrap_or_clone(udaf)));
}
