//! Functions of numbers.

use datafusion::logical_expr::lit;
use predicate::diagnostic::Diagnostic;

use super::native::{Columns, Gives, Native, Take};
use super::{Call, Function};
use crate::kind::{Kind, Typed};

/// The functions of this file.
pub const FUNCTIONS: &[Function] = &[
    Function {
        name: "abs",
        aliases: &[],
        usage: "abs(a)",
        doc: "Distance from zero.",
        arity: 1..=1,
        is_aggregate: false,
        lower: |call| of_one(call, &ABS),
    },
    Function {
        name: "ceil",
        aliases: &["ceiling"],
        usage: "ceil(a)",
        doc: "The next whole number above.",
        arity: 1..=1,
        is_aggregate: false,
        lower: |call| of_one(call, &CEIL),
    },
    Function {
        name: "floor",
        aliases: &[],
        usage: "floor(a)",
        doc: "The next whole number below.",
        arity: 1..=1,
        is_aggregate: false,
        lower: |call| of_one(call, &FLOOR),
    },
    Function {
        name: "greatest",
        aliases: &[],
        usage: "greatest(a, …)",
        doc: "The largest of the numbers that are there.",
        arity: 1..=64,
        is_aggregate: false,
        lower: |call| fold(call, &GREATEST),
    },
    Function {
        name: "least",
        aliases: &[],
        usage: "least(a, …)",
        doc: "The smallest of the numbers that are there.",
        arity: 1..=64,
        is_aggregate: false,
        lower: |call| fold(call, &LEAST),
    },
    Function {
        name: "log",
        aliases: &["ln"],
        usage: "log(a)",
        doc: "The natural logarithm; null for what is not above zero.",
        arity: 1..=1,
        is_aggregate: false,
        lower: |call| of_one(call, &LOG),
    },
    Function {
        name: "sqrt",
        aliases: &[],
        usage: "sqrt(a)",
        doc: "The square root; null below zero.",
        arity: 1..=1,
        is_aggregate: false,
        lower: |call| of_one(call, &SQRT),
    },
    Function {
        name: "round",
        aliases: &[],
        usage: "round(a[, digits])",
        doc: "The nearest number with so many digits behind the point, halves away from zero.",
        arity: 1..=2,
        is_aggregate: false,
        lower: |call| {
            let digits = if call.args.len() == 2 { call.number(1)? } else { lit(0.0) };
            Ok(number(&ROUND, vec![call.number(0)?, digits]))
        },
    },
    Function {
        name: "haversine",
        aliases: &[],
        usage: "haversine(lat1, lon1, lat2, lon2)",
        doc: "Kilometres between two places on the globe, given in degrees.",
        arity: 4..=4,
        is_aggregate: false,
        lower: |call| {
            let args = (0..4).map(|i| call.number(i)).collect::<Result<_, _>>()?;
            Ok(number(&HAVERSINE, args))
        },
    },
    Function {
        name: "toNumber",
        aliases: &["toDouble"],
        usage: "toNumber(a)",
        doc: "The number that a text is; null if it is none.",
        arity: 1..=1,
        is_aggregate: false,
        lower: |call| Ok(call.typed(0)?.number()),
    },
    Function {
        name: "toInt",
        aliases: &["toLong"],
        usage: "toInt(a)",
        doc: "The number without its fraction.",
        arity: 1..=1,
        is_aggregate: false,
        lower: |call| Ok(call.typed(0)?.to(Kind::Integer)),
    },
];

fn number(native: &'static Native, args: Vec<datafusion::logical_expr::Expr>) -> Typed {
    Typed { expr: native.call(args), kind: Kind::Number }
}

fn of_one(call: &Call<'_>, native: &'static Native) -> Result<Typed, Diagnostic> {
    Ok(number(native, vec![call.number(0)?]))
}

/// Instants among themselves stay instants.
fn fold(call: &Call<'_>, native: &'static Native) -> Result<Typed, Diagnostic> {
    let typed = (0..call.args.len()).map(|i| call.typed(i)).collect::<Result<Vec<_>, _>>()?;
    let are_times = typed.iter().all(|t| t.kind == Kind::Time);
    let folded = typed.into_iter().map(Typed::float).reduce(|a, b| native.call(vec![a, b]));
    let folded = Typed { expr: folded.unwrap_or_else(|| Typed::null(Kind::Number).expr), kind: Kind::Number };
    Ok(if are_times { folded.time() } else { folded })
}

/// What this file calls.
pub(super) const NATIVES: &[&Native] = &[&ABS, &CEIL, &FLOOR, &GREATEST, &LEAST, &LOG, &SQRT, &ROUND, &HAVERSINE];

const NUMBER: Take = Take::Kind(Kind::Number);
const NUMBERS: Gives = Gives::Kind(Kind::Number);

static ABS: Native = Native { name: "lq_abs", takes: &[NUMBER], gives: NUMBERS, run: |args| each(args, f64::abs) };
static CEIL: Native = Native { name: "lq_ceil", takes: &[NUMBER], gives: NUMBERS, run: |args| each(args, f64::ceil) };
static FLOOR: Native =
    Native { name: "lq_floor", takes: &[NUMBER], gives: NUMBERS, run: |args| each(args, f64::floor) };
static LOG: Native = Native { name: "lq_log", takes: &[NUMBER], gives: NUMBERS, run: |args| each(args, f64::ln) };
static SQRT: Native = Native { name: "lq_sqrt", takes: &[NUMBER], gives: NUMBERS, run: |args| each(args, f64::sqrt) };
static GREATEST: Native =
    Native { name: "lq_greatest", takes: &[NUMBER, NUMBER], gives: NUMBERS, run: |args| one_of_two(args, f64::max) };
static LEAST: Native =
    Native { name: "lq_least", takes: &[NUMBER, NUMBER], gives: NUMBERS, run: |args| one_of_two(args, f64::min) };
static ROUND: Native = Native {
    name: "lq_round",
    takes: &[NUMBER, NUMBER],
    gives: NUMBERS,
    run: |args| {
        let (n, digits) = (args.numbers(0), args.numbers(1));
        args.number(|i| Some(rounded(n.get(i)?, digits.get(i)?)))
    },
};
static HAVERSINE: Native = Native {
    name: "lq_haversine",
    takes: &[NUMBER, NUMBER, NUMBER, NUMBER],
    gives: NUMBERS,
    run: |args| {
        let at = [0, 1, 2, 3].map(|i| args.numbers(i));
        args.number(|i| {
            let [lat1, lon1, lat2, lon2] =
                [at[0].get(i)?, at[1].get(i)?, at[2].get(i)?, at[3].get(i)?].map(f64::to_radians);
            Some(haversine_km(lat1, lon1, lat2, lon2))
        })
    },
};

fn each(args: &Columns, f: fn(f64) -> f64) -> datafusion::common::Result<datafusion::arrow::array::ArrayRef> {
    let n = args.numbers(0);
    args.number(|i| n.get(i).map(f))
}

fn one_of_two(
    args: &Columns,
    f: fn(f64, f64) -> f64,
) -> datafusion::common::Result<datafusion::arrow::array::ArrayRef> {
    let (a, b) = (args.numbers(0), args.numbers(1));
    args.number(|i| match (a.get(i), b.get(i)) {
        (Some(a), Some(b)) => Some(f(a, b)),
        (one, other) => one.or(other),
    })
}

fn rounded(n: f64, digits: f64) -> f64 {
    // More digits than a double has change nothing.
    let scale = 10_f64.powi(digits.clamp(-30.0, 30.0) as i32);
    let scaled = n * scale;
    // From 2^52 on there is no fraction left to round.
    match scaled.is_finite() && scaled.abs() < 4_503_599_627_370_496.0 {
        true => scaled.round() / scale,
        false => n,
    }
}

fn haversine_km(lat1: f64, lon1: f64, lat2: f64, lon2: f64) -> f64 {
    const EARTH_RADIUS_KM: f64 = 6371.0;
    let half = |a: f64| (a / 2.0).sin().powi(2);
    let h = half(lat2 - lat1) + lat1.cos() * lat2.cos() * half(lon2 - lon1);
    2.0 * EARTH_RADIUS_KM * h.sqrt().min(1.0).asin()
}
