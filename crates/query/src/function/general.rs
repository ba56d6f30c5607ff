//! Functions of any value, and of the query itself.

use datafusion::functions::core::expr_fn::coalesce;
use datafusion::logical_expr::{Expr, lit, when};
use predicate::diagnostic::Diagnostic;

use super::native::{Gives, Native, Take};
use super::{Call, Function, compare};
use crate::kind::{Kind, Typed, number_of};

/// The most conditions of one `case`.
const BRANCHES_MAX: usize = 10;

/// The functions of this file.
pub const FUNCTIONS: &[Function] = &[
    Function {
        name: "ispresent",
        aliases: &[],
        usage: "ispresent(f)",
        doc: "Whether there is a value.",
        arity: 1..=1,
        is_aggregate: false,
        lower: |call| Ok(compare::is_present(call.typed(0)?)),
    },
    Function {
        name: "coalesce",
        aliases: &[],
        usage: "coalesce(f, …)",
        doc: "The first value that is there.",
        arity: 1..=64,
        is_aggregate: false,
        lower: |call| {
            let (values, kind) = alike((0..call.args.len()).map(|i| call.typed(i)).collect::<Result<_, _>>()?);
            Ok(Typed { expr: coalesce(values), kind })
        },
    },
    Function {
        name: "case",
        aliases: &[],
        usage: "case(condition, value, …[, default])",
        doc: "The value behind the first condition that is true.",
        arity: 2..=64,
        is_aggregate: false,
        lower: case,
    },
    Function {
        name: "if",
        aliases: &[],
        usage: "if(condition, a, b)",
        doc: "`a` if the condition is true, else `b`.",
        arity: 2..=3,
        is_aggregate: false,
        lower: case,
    },
    Function {
        name: "isNumeric",
        aliases: &[],
        usage: "isNumeric(f)",
        doc: "Whether the value is a number or the text of one.",
        arity: 1..=1,
        is_aggregate: false,
        lower: |call| {
            let of = call.typed(0)?;
            let expr = match of.kind {
                Kind::Text => IS_NUMERIC.call(vec![of.expr]),
                Kind::Integer | Kind::Number | Kind::Boolean => of.expr.is_not_null(),
                Kind::Time | Kind::Json => lit(false),
            };
            Ok(Typed { expr, kind: Kind::Boolean })
        },
    },
    Function {
        name: "messageSize",
        aliases: &[],
        usage: "messageSize(f)",
        doc: "How many bytes the text takes in UTF-8.",
        arity: 1..=1,
        is_aggregate: false,
        lower: |call| {
            let text = call.typed(0)?.shown().expr;
            Ok(Typed { expr: BYTES.call(vec![text]), kind: Kind::Integer })
        },
    },
    Function {
        name: "unmask",
        aliases: &[],
        usage: "unmask(f)",
        doc: "The value as it is; nothing is masked here.",
        arity: 1..=1,
        is_aggregate: false,
        lower: |call| call.typed(0),
    },
    Function {
        name: "queryStartTime",
        aliases: &[],
        usage: "queryStartTime()",
        doc: "The beginning of the query's time range, in milliseconds.",
        arity: 0..=0,
        is_aggregate: false,
        lower: |call| Ok(of_range(call, call.ctx.start_ms)),
    },
    Function {
        name: "queryEndTime",
        aliases: &[],
        usage: "queryEndTime()",
        doc: "The end of the query's time range, in milliseconds.",
        arity: 0..=0,
        is_aggregate: false,
        lower: |call| Ok(of_range(call, call.ctx.end_ms)),
    },
    Function {
        name: "queryTimeRange",
        aliases: &[],
        usage: "queryTimeRange()",
        doc: "The length of the query's time range, in milliseconds.",
        arity: 0..=0,
        is_aggregate: false,
        lower: |call| {
            let range = call.ctx.start_ms.zip(call.ctx.end_ms).map(|(start, end)| end.saturating_sub(start));
            Ok(of_range(call, range))
        },
    },
];

/// Milliseconds of the time range; a query without that end reads everything there, and has none to tell.
fn of_range(call: &Call<'_>, ms: Option<i64>) -> Typed {
    if ms.is_none() {
        let message = format!("`{}` is missing: the query's time range has no such end", call.function.name);
        let warning = Diagnostic::warning(call.span.clone(), message);
        call.ctx.warnings.borrow_mut().push(warning.help("give a time range with a start and an end"));
    }
    ms.map_or_else(|| Typed::null(Kind::Integer), |ms| Typed { expr: lit(ms), kind: Kind::Integer })
}

/// The values kept in one way.
fn alike(values: Vec<Typed>) -> (Vec<Expr>, Kind) {
    let kind = values.iter().map(|v| v.kind).reduce(Kind::common).unwrap_or(Kind::Text);
    // What is shown of a list among texts is its JSON; to a text function it would be null.
    let shown = |value: Typed| if kind == Kind::Text { value.shown().expr } else { value.to(kind).expr };
    (values.into_iter().map(shown).collect(), kind)
}

fn case(call: &Call<'_>) -> Result<Typed, Diagnostic> {
    let n_branches = call.args.len() / 2;
    if n_branches > BRANCHES_MAX {
        return Err(call.wrong(2 * BRANCHES_MAX, "more than ten conditions"));
    }
    let is_value = |i: &usize| i % 2 == 1 || *i == 2 * n_branches;
    let values = (0..call.args.len()).filter(is_value).map(|i| call.typed(i)).collect::<Result<Vec<_>, _>>()?;
    let (values, kind) = alike(values);
    let mut conditions = Vec::new();
    for i in 0..n_branches {
        conditions.push(call.typed(2 * i)?.boolean().expr);
    }
    let mut values = values.into_iter();
    let mut branches = conditions.into_iter().zip(values.by_ref());
    let Some((condition, value)) = branches.next() else { return Ok(Typed::null(kind)) };
    let mut builder = when(condition, value);
    for (condition, value) in branches {
        builder = builder.when(condition, value);
    }
    let expr = match values.next() {
        Some(default) => builder.otherwise(default),
        None => builder.end(),
    };
    let expr =
        expr.map_err(|err| Diagnostic::error(call.span.clone(), format!("these values do not go together: {err}")))?;
    Ok(Typed { expr, kind })
}

/// What this file calls.
pub(super) const NATIVES: &[&Native] = &[&IS_NUMERIC, &BYTES];

static IS_NUMERIC: Native = Native {
    name: "lq_is_numeric",
    takes: &[Take::Kind(Kind::Text)],
    gives: Gives::Kind(Kind::Boolean),
    run: |args| {
        let text = args.texts(0);
        args.boolean(|i| Some(text.get(i).is_some_and(|text| number_of(text).is_some())))
    },
};
static BYTES: Native = Native {
    name: "lq_bytes",
    takes: &[Take::Kind(Kind::Text)],
    gives: Gives::Kind(Kind::Integer),
    run: |args| {
        let text = args.texts(0);
        args.integer(|i| text.get(i).map(|text| text.len() as i64))
    },
};
