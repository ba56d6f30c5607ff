//! What is known of an expression's values when a query is planned.
//!
//! Logs Insights has no declared types: a text that looks like a number counts as one. So a kind says how values are *kept*, and whoever
//! needs a number of a text asks for it ([`Typed::number`]).

use std::fmt::Write as _;

use datafusion::arrow::array::ArrayRef;
use datafusion::arrow::datatypes::{DataType, TimeUnit};
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::{Expr, cast, lit};
use event::time::{self, DAY_MS};

use crate::function::native::{Columns, Gives, Native, Take};

/// How the values of an expression are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Text, which may be that of a number; `Utf8View`.
    Text,
    /// Whole numbers; `Int64`.
    Integer,
    /// Numbers; `Float64`.
    Number,
    /// `Boolean`; it prints as 1 and 0.
    Boolean,
    /// Instants; `Timestamp(Microsecond, "UTC")`.
    Time,
    /// A map or list as JSON text, from `jsonParse`, `split` and the like; `Utf8View`. Null to functions of text, number or date.
    Json,
}

impl Kind {
    /// The Arrow type of its values.
    pub fn arrow(self) -> DataType {
        match self {
            Kind::Text | Kind::Json => DataType::Utf8View,
            Kind::Integer => DataType::Int64,
            Kind::Number => DataType::Float64,
            Kind::Boolean => DataType::Boolean,
            Kind::Time => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        }
    }

    /// The kind that values of both kinds can be kept as: numbers stay numbers, all else is text.
    pub fn common(self, other: Kind) -> Kind {
        match (self, other) {
            _ if self == other => self,
            (Kind::Integer | Kind::Boolean, Kind::Integer | Kind::Boolean) => Kind::Integer,
            (Kind::Integer | Kind::Boolean | Kind::Number, Kind::Integer | Kind::Boolean | Kind::Number) => {
                Kind::Number
            }
            _ => Kind::Text,
        }
    }
}

/// An expression and how its values are kept; the expression's Arrow type is [`Kind::arrow`].
#[derive(Clone, Debug, PartialEq)]
pub struct Typed {
    /// The expression.
    pub expr: Expr,
    /// Its kind.
    pub kind: Kind,
}

impl Typed {
    /// A number literal: whole ones are [`Kind::Integer`].
    pub fn of_number(n: f64) -> Typed {
        // Above 2^53 not every whole number is a double, and below it none is another in disguise.
        match n.fract() == 0.0 && n.abs() < 9_007_199_254_740_992.0 {
            true => Typed { expr: lit(n as i64), kind: Kind::Integer },
            false => Typed { expr: lit(n), kind: Kind::Number },
        }
    }

    /// Null, kept in this way.
    pub fn null(kind: Kind) -> Typed {
        let value = ScalarValue::try_from(&kind.arrow()).unwrap_or(ScalarValue::Null);
        Typed { expr: lit(value), kind }
    }

    /// The values as numbers: a text that looks like one is one, `true` and `false` are 1 and 0, an instant is its milliseconds;
    /// all other text, maps and lists are null. The result is [`Kind::Integer`] or [`Kind::Number`].
    pub fn number(self) -> Typed {
        match self.kind {
            Kind::Integer | Kind::Number => self,
            Kind::Boolean => Typed { expr: cast(self.expr, DataType::Int64), kind: Kind::Integer },
            Kind::Time => Typed { expr: MILLIS.call(vec![self.expr]), kind: Kind::Integer },
            Kind::Text => Typed { expr: NUMBER.call(vec![self.expr]), kind: Kind::Number },
            Kind::Json => Typed::null(Kind::Number),
        }
    }

    /// The same as [`Typed::number`], always as `Float64`.
    pub fn float(self) -> Expr {
        let number = self.number();
        match (number.kind, number.expr) {
            (Kind::Integer, Expr::Literal(ScalarValue::Int64(Some(n)), _)) => lit(n as f64),
            (Kind::Integer, expr) => cast(expr, DataType::Float64),
            (_, expr) => expr,
        }
    }

    /// The values as text: whole numbers without a fraction, booleans as 1 and 0, instants as `YYYY-MM-DD HH:MM:SS.mmm`; maps and lists are null.
    pub fn text(self) -> Typed {
        let expr = match self.kind {
            Kind::Text => self.expr,
            Kind::Integer => cast(self.expr, DataType::Utf8View),
            Kind::Boolean => cast(cast(self.expr, DataType::Int64), DataType::Utf8View),
            Kind::Number => NUMBER_TEXT.call(vec![self.expr]),
            Kind::Time => TIME_TEXT.call(vec![self.expr]),
            Kind::Json => Typed::null(Kind::Text).expr,
        };
        Typed { expr, kind: Kind::Text }
    }

    /// The same as [`Typed::text`], but maps and lists are shown as their JSON: what a person is shown.
    pub fn shown(self) -> Typed {
        match self.kind {
            Kind::Json => Typed { kind: Kind::Text, ..self },
            _ => self.text(),
        }
    }

    /// The values as truth: a number is true unless it is 0, a text is what its number is, an instant is true, a map or list is not.
    pub fn boolean(self) -> Typed {
        let expr = match self.kind {
            Kind::Boolean => self.expr,
            Kind::Integer => self.expr.not_eq(lit(0_i64)),
            Kind::Number | Kind::Text => self.float().not_eq(lit(0.0)),
            Kind::Time => self.expr.is_not_null(),
            Kind::Json => lit(false),
        };
        Typed { expr, kind: Kind::Boolean }
    }

    /// The values as instants: a text is read as [`time::parse`] does or as milliseconds, a number is milliseconds.
    pub fn time(self) -> Typed {
        let expr = match self.kind {
            Kind::Time => self.expr,
            Kind::Text => TEXT_TIME.call(vec![self.expr]),
            Kind::Integer | Kind::Number | Kind::Boolean => FROM_MILLIS.call(vec![self.float()]),
            Kind::Json => Typed::null(Kind::Time).expr,
        };
        Typed { expr, kind: Kind::Time }
    }

    /// The values kept in this way.
    pub fn to(self, kind: Kind) -> Typed {
        let expr = match kind {
            _ if kind == self.kind => self.expr,
            Kind::Text => return self.text(),
            Kind::Number => self.float(),
            Kind::Integer => match self.number() {
                integer @ Typed { kind: Kind::Integer, .. } => integer.expr,
                other => WHOLE.call(vec![other.expr]),
            },
            Kind::Boolean => return self.boolean(),
            Kind::Time => return self.time(),
            Kind::Json => Typed::null(Kind::Json).expr,
        };
        Typed { expr, kind }
    }
}

/// A text as a literal of the type that text is kept in.
pub fn text_literal(text: &str) -> Expr {
    lit(ScalarValue::Utf8View(Some(text.to_owned())))
}

/// An instant as a literal.
pub fn time_literal(ms: i64) -> Expr {
    lit(ScalarValue::TimestampMicrosecond(Some(ms.saturating_mul(1000)), Some("UTC".into())))
}

/// The number that a text is: an optional sign, digits, a fraction, an exponent; no blanks, no `inf`, no hexadecimal.
pub fn number_of(text: &str) -> Option<f64> {
    let bytes = text.as_bytes();
    if bytes.is_empty() || !matches!(bytes[0], b'0'..=b'9' | b'-' | b'+' | b'.') {
        return None;
    }
    if bytes.len() < 16 && bytes.iter().all(u8::is_ascii_digit) {
        return Some(bytes.iter().fold(0_u64, |n, c| n * 10 + u64::from(c - b'0')) as f64);
    }
    let is_plain = |c: &u8| matches!(c, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E');
    let n: f64 = bytes.iter().all(is_plain).then(|| text.parse().ok())??;
    n.is_finite().then_some(n)
}

/// The same, and `true` and `false` are 1 and 0, as Logs Insights has it.
pub fn number_or_truth_of(text: &str) -> Option<f64> {
    match text {
        "true" => Some(1.0),
        "false" => Some(0.0),
        _ => number_of(text),
    }
}

/// A number as it is shown: the shortest text that is read back as the same, whole ones without a fraction. Nothing for what is not finite.
pub fn number_text(n: f64) -> Option<String> {
    // `-0.0` is shown as 0.
    n.is_finite().then(|| if n == 0.0 { "0".to_owned() } else { n.to_string() })
}

/// An instant as it is shown: `2023-07-10 11:42:00.000`, in UTC.
pub fn time_text(ms: i64) -> String {
    let (days, of_day) = (ms.div_euclid(DAY_MS), ms.rem_euclid(DAY_MS));
    let (year, month, day) = time::civil_from_days(days);
    let s = of_day / 1000;
    let mut out = String::with_capacity(23);
    let _ = write!(out, "{year:04}-{month:02}-{day:02} {:02}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60);
    let _ = write!(out, ".{:03}", of_day % 1000);
    out
}

/// The instant that a text tells, in milliseconds: ISO 8601 with blank or `T`, or milliseconds since the epoch.
pub fn time_of(text: &str) -> Option<i64> {
    time::parse(text).or_else(|| number_of(text).and_then(whole))
}

/// The whole part of a number where an `i64` can hold it.
pub fn whole(n: f64) -> Option<i64> {
    (n.abs() < 9_223_372_036_854_775_807.0).then_some(n as i64)
}

/// What turns kinds into each other.
pub(crate) const NATIVES: &[&Native] = &[&NUMBER, &NUMBER_TEXT, &TIME_TEXT, &TEXT_TIME, &MILLIS, &FROM_MILLIS, &WHOLE];

static NUMBER: Native =
    Native { name: "lq_number", takes: &[Take::Kind(Kind::Text)], gives: Gives::Kind(Kind::Number), run: number };
static NUMBER_TEXT: Native = Native {
    name: "lq_number_text",
    takes: &[Take::Kind(Kind::Number)],
    gives: Gives::Kind(Kind::Text),
    run: |args| {
        let n = args.numbers(0);
        args.text(|i| n.get(i).and_then(number_text))
    },
};
static TIME_TEXT: Native = Native {
    name: "lq_time_text",
    takes: &[Take::Kind(Kind::Time)],
    gives: Gives::Kind(Kind::Text),
    run: |args| {
        let t = args.times(0);
        args.text(|i| t.get(i).map(|us| time_text(us.div_euclid(1000))))
    },
};
static TEXT_TIME: Native = Native {
    name: "lq_text_time",
    takes: &[Take::Kind(Kind::Text)],
    gives: Gives::Kind(Kind::Time),
    run: |args| {
        let text = args.texts(0);
        args.time(|i| text.get(i).and_then(time_of).and_then(|ms| ms.checked_mul(1000)))
    },
};
static MILLIS: Native = Native {
    name: "lq_millis",
    takes: &[Take::Kind(Kind::Time)],
    gives: Gives::Kind(Kind::Integer),
    run: |args| {
        let t = args.times(0);
        args.integer(|i| t.get(i).map(|us| us.div_euclid(1000)))
    },
};
static WHOLE: Native = Native {
    name: "lq_whole",
    takes: &[Take::Kind(Kind::Number)],
    gives: Gives::Kind(Kind::Integer),
    run: |args| {
        let n = args.numbers(0);
        args.integer(|i| n.get(i).and_then(whole))
    },
};
/// `fromMillis`.
pub(crate) static FROM_MILLIS: Native = Native {
    name: "lq_from_millis",
    takes: &[Take::Kind(Kind::Number)],
    gives: Gives::Kind(Kind::Time),
    run: |args| {
        let n = args.numbers(0);
        args.time(|i| n.get(i).and_then(whole).and_then(|ms| ms.checked_mul(1000)))
    },
};

fn number(args: &Columns) -> Result<ArrayRef> {
    let text = args.texts(0);
    args.number(|i| text.get(i).and_then(number_or_truth_of))
}
