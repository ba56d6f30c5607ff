//! The aggregates of `stats`.
//!
//! `min`, `max`, `sortsFirst` and `sortsLast` of text go by natural order: if every value is a number the result is the least or greatest
//! number, and where texts are among them `max` is the greatest number and `min` the first text. Sums and means are worked out in doubles,
//! so that hostile numbers cannot overflow; whole sums are exact up to 2^53. `stddev` and `variance` are those of a population.

use std::collections::BTreeMap;
use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, StringViewArray};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, TimeUnit, TimestampMicrosecondType};
use datafusion::common::{Result, ScalarValue};
use datafusion::functions_aggregate::expr_fn::{avg, count, count_distinct, max, min, stddev_pop, sum, var_pop};
use datafusion::logical_expr::function::AccumulatorArgs;
use datafusion::logical_expr::{Accumulator, AggregateUDF, Expr, lit};
use event::value::write_string;
use predicate::diagnostic::Diagnostic;

use super::fold::{Fold, constant_number, integers, is_all_null, list_of, lists, numbers};
use super::native::Take;
use super::relevance::RELEVANCE;
use super::sort::push_key;
use super::{Call, Function, Value};
use crate::kind::{Kind, Typed, number_text};

/// The functions of this file.
pub const FUNCTIONS: &[Function] = &[
    Function {
        name: "count",
        aliases: &[],
        usage: "count(*)",
        doc: "How many rows there are, or with a field how many of them have it.",
        arity: 0..=1,
        is_aggregate: true,
        lower: |call| {
            let of = match call.args.first().map(|arg| &arg.value) {
                None | Some(Value::Star) => lit(1_i64),
                Some(_) => call.typed(0)?.expr,
            };
            Ok(Typed { expr: count(of), kind: Kind::Integer })
        },
    },
    Function {
        name: "count_distinct",
        aliases: &["countDistinct"],
        usage: "count_distinct(f)",
        doc: "How many different values there are, exactly.",
        arity: 1..=1,
        is_aggregate: true,
        lower: |call| Ok(Typed { expr: count_distinct(call.typed(0)?.expr), kind: Kind::Integer }),
    },
    Function {
        name: "sum",
        aliases: &[],
        usage: "sum(f)",
        doc: "The sum of the numbers.",
        arity: 1..=1,
        is_aggregate: true,
        lower: |call| Ok(number(sum(call.number(0)?))),
    },
    Function {
        name: "avg",
        aliases: &["mean"],
        usage: "avg(f)",
        doc: "The mean of the numbers.",
        arity: 1..=1,
        is_aggregate: true,
        lower: |call| Ok(number(avg(call.number(0)?))),
    },
    Function {
        name: "min",
        aliases: &[],
        usage: "min(f)",
        doc: "The least value in natural order.",
        arity: 1..=1,
        is_aggregate: true,
        lower: |call| extreme(call, min, &FIRST),
    },
    Function {
        name: "max",
        aliases: &[],
        usage: "max(f)",
        doc: "The greatest value in natural order.",
        arity: 1..=1,
        is_aggregate: true,
        lower: |call| extreme(call, max, &LAST),
    },
    Function {
        name: "sortsFirst",
        aliases: &[],
        usage: "sortsFirst(f)",
        doc: "The value that sorts first.",
        arity: 1..=1,
        is_aggregate: true,
        lower: |call| extreme(call, min, &FIRST),
    },
    Function {
        name: "sortsLast",
        aliases: &[],
        usage: "sortsLast(f)",
        doc: "The value that sorts last.",
        arity: 1..=1,
        is_aggregate: true,
        lower: |call| extreme(call, max, &LAST),
    },
    Function {
        name: "pct",
        aliases: &["percentile"],
        usage: "pct(f, 95)",
        doc: "The smallest number with at least so many percent of the numbers at or below it.",
        arity: 2..=2,
        is_aggregate: true,
        lower: |call| {
            let percent = call.literal_number(1)?;
            if !(0.0..=100.0).contains(&percent) {
                return Err(call.wrong(1, "percent from 0 to 100 are due"));
            }
            Ok(number(percentile(call.number(0)?, percent)))
        },
    },
    Function {
        name: "stddev",
        aliases: &[],
        usage: "stddev(f)",
        doc: "The standard deviation of the numbers, as of a population.",
        arity: 1..=1,
        is_aggregate: true,
        lower: |call| Ok(number(stddev_pop(call.number(0)?))),
    },
    Function {
        name: "variance",
        aliases: &["var"],
        usage: "variance(f)",
        doc: "The variance of the numbers, as of a population.",
        arity: 1..=1,
        is_aggregate: true,
        lower: |call| Ok(number(var_pop(call.number(0)?))),
    },
    Function {
        name: "earliest",
        aliases: &[],
        usage: "earliest(f)",
        doc: "The value of the row with the earliest `@timestamp` that has one.",
        arity: 1..=1,
        is_aggregate: true,
        lower: |call| by_time(call, &EARLIEST),
    },
    Function {
        name: "latest",
        aliases: &[],
        usage: "latest(f)",
        doc: "The value of the row with the latest `@timestamp` that has one.",
        arity: 1..=1,
        is_aggregate: true,
        lower: |call| by_time(call, &LATEST),
    },
    Function {
        name: "values",
        aliases: &["collect_values"],
        usage: "values(f)",
        doc: "The list of the different values, in natural order.",
        arity: 1..=1,
        is_aggregate: true,
        lower: |call| {
            let of = call.typed(0)?;
            let native =
                if matches!(of.kind, Kind::Integer | Kind::Number | Kind::Boolean) { &VALUES_BARE } else { &VALUES };
            Ok(Typed { expr: native.call(vec![of.shown().expr]), kind: Kind::Json })
        },
    },
    Function {
        name: "topk",
        aliases: &[],
        usage: "topk(5, f)",
        doc: "A map of the most frequent values to how often they are there.",
        arity: 2..=2,
        is_aggregate: true,
        lower: |call| {
            let k = call.literal_number(0)?;
            if k.fract() != 0.0 || !(1.0..=10_000.0).contains(&k) {
                return Err(call.wrong(0, "a whole number from 1 to 10000 is due"));
            }
            Ok(Typed { expr: TOPK.call(vec![call.typed(1)?.shown().expr, lit(k)]), kind: Kind::Json })
        },
    },
];

/// The smallest of the numbers with at least so many percent of them at or below it.
pub fn percentile(of: Expr, percent: f64) -> Expr {
    PCT.call(vec![of, lit(percent)])
}

fn number(expr: Expr) -> Typed {
    Typed { expr, kind: Kind::Number }
}

fn extreme(call: &Call<'_>, of_numbers: fn(Expr) -> Expr, of_texts: &'static Fold) -> Result<Typed, Diagnostic> {
    let of = call.typed(0)?;
    Ok(match of.kind {
        Kind::Integer | Kind::Number | Kind::Time => Typed { expr: of_numbers(of.expr), kind: of.kind },
        Kind::Boolean => {
            let of = of.number();
            Typed { expr: of_numbers(of.expr), kind: of.kind }
        }
        Kind::Text | Kind::Json => Typed { expr: of_texts.call(vec![of.text().expr]), kind: Kind::Text },
    })
}

/// The time of the rows, which functions of time need.
pub(super) fn timestamp(call: &Call<'_>) -> Result<Expr, Diagnostic> {
    call.ctx.timestamp.clone().ok_or_else(|| {
        let message = format!("`{}` needs `@timestamp`, which is not there after `stats`", call.function.name);
        Diagnostic::error(call.span.clone(), message)
    })
}

fn by_time(call: &Call<'_>, fold: &'static Fold) -> Result<Typed, Diagnostic> {
    let of = call.typed(0)?;
    Ok(Typed { expr: fold.call(vec![of.expr, timestamp(call)?]), kind: of.kind })
}

/// What this file calls.
pub(super) fn udafs() -> Vec<Arc<AggregateUDF>> {
    [&FIRST, &LAST, &PCT, &EARLIEST, &LATEST, &VALUES, &VALUES_BARE, &TOPK, &RELEVANCE].map(Fold::udaf).to_vec()
}

const TEXT: Take = Take::Kind(Kind::Text);
const NUMBER: Take = Take::Kind(Kind::Number);
pub(super) const TIME: Take = Take::Kind(Kind::Time);

static FIRST: Fold = Fold {
    name: "lq_first",
    takes: &[TEXT],
    gives: |_| DataType::Utf8View,
    state: |_| vec![DataType::Utf8View],
    begin: |_| Ok(Box::new(Extreme { wins: std::cmp::Ordering::Less, best: None })),
};
static LAST: Fold = Fold {
    name: "lq_last",
    takes: &[TEXT],
    gives: |_| DataType::Utf8View,
    state: |_| vec![DataType::Utf8View],
    begin: |_| Ok(Box::new(Extreme { wins: std::cmp::Ordering::Greater, best: None })),
};
static PCT: Fold = Fold {
    name: "lq_pct",
    takes: &[NUMBER, NUMBER],
    gives: |_| DataType::Float64,
    state: |_| vec![list_of(DataType::Float64)],
    begin: |args| {
        Ok(Box::new(Collected { numbers: Vec::new(), param: constant_number(args, 1)?, finish: nearest_rank }))
    },
};
static EARLIEST: Fold = Fold {
    name: "lq_earliest",
    takes: &[Take::Any, TIME],
    gives: DataType::clone,
    state: |of| vec![of.clone(), Kind::Time.arrow()],
    begin: |args| ByTime::begin(args, std::cmp::Ordering::Less),
};
static LATEST: Fold = Fold {
    name: "lq_latest",
    takes: &[Take::Any, TIME],
    gives: DataType::clone,
    state: |of| vec![of.clone(), Kind::Time.arrow()],
    begin: |args| ByTime::begin(args, std::cmp::Ordering::Greater),
};
static VALUES: Fold = Fold {
    name: "lq_values",
    takes: &[TEXT],
    gives: |_| DataType::Utf8View,
    state: |_| vec![list_of(DataType::Utf8View), list_of(DataType::Int64)],
    begin: |_| Ok(Box::new(Counted { finish: |_, counts| texts_list(counts), ..Counted::default() })),
};
/// The same for numbers, which stand in JSON without quotes.
static VALUES_BARE: Fold = Fold {
    name: "lq_values_bare",
    takes: &[TEXT],
    gives: |_| DataType::Utf8View,
    state: |_| vec![list_of(DataType::Utf8View), list_of(DataType::Int64)],
    begin: |_| Ok(Box::new(Counted { finish: |_, counts| numbers_list(counts), ..Counted::default() })),
};
static TOPK: Fold = Fold {
    name: "lq_topk",
    takes: &[TEXT, NUMBER],
    gives: |_| DataType::Utf8View,
    state: |_| vec![list_of(DataType::Utf8View), list_of(DataType::Int64)],
    begin: |args| {
        let k = constant_number(args, 1)?.clamp(0.0, 1e9) as usize;
        Ok(Box::new(Counted { param: k, finish: most_frequent, ..Counted::default() }))
    },
};

/// The first or last text in natural order.
#[derive(Debug)]
struct Extreme {
    wins: std::cmp::Ordering,
    /// Its key, and itself.
    best: Option<(Vec<u8>, String)>,
}

impl Extreme {
    fn offer(&mut self, texts: &StringViewArray) {
        let mut key = Vec::new();
        for text in texts.iter().flatten() {
            key.clear();
            push_key(text, &mut key);
            match &mut self.best {
                Some((best, _)) if key.cmp(best) != self.wins => {}
                Some((best, value)) => {
                    std::mem::swap(best, &mut key);
                    text.clone_into(value);
                }
                None => self.best = Some((key.clone(), text.to_owned())),
            }
        }
    }
}

impl Accumulator for Extreme {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.offer(values[0].as_string_view());
        Ok(())
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        self.update_batch(states)
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        Ok(ScalarValue::Utf8View(self.best.as_ref().map(|(_, text)| text.clone())))
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        Ok(vec![self.evaluate()?])
    }

    fn size(&self) -> usize {
        size_of::<Extreme>() + self.best.as_ref().map_or(0, |(key, text)| key.capacity() + text.capacity())
    }
}

/// All numbers of a group, for what cannot be told before the last.
#[derive(Debug)]
pub(super) struct Collected {
    pub(super) numbers: Vec<f64>,
    pub(super) param: f64,
    pub(super) finish: fn(&mut [f64], f64) -> ScalarValue,
}

impl Accumulator for Collected {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.numbers.extend(numbers(&values[0])?);
        Ok(())
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        for list in lists(&states[0]) {
            self.numbers.extend(numbers(&list)?);
        }
        Ok(())
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        Ok((self.finish)(&mut self.numbers, self.param))
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let numbers: Vec<ScalarValue> = self.numbers.iter().map(|n| ScalarValue::Float64(Some(*n))).collect();
        Ok(vec![ScalarValue::List(ScalarValue::new_list_nullable(&numbers, &DataType::Float64))])
    }

    fn size(&self) -> usize {
        size_of::<Collected>() + self.numbers.capacity() * size_of::<f64>()
    }
}

fn nearest_rank(numbers: &mut [f64], percent: f64) -> ScalarValue {
    if numbers.is_empty() {
        return ScalarValue::Float64(None);
    }
    let rank = (percent / 100.0 * numbers.len() as f64).ceil() as usize;
    let at = rank.clamp(1, numbers.len()) - 1;
    let (_, value, _) = numbers.select_nth_unstable_by(at, f64::total_cmp);
    ScalarValue::Float64(Some(*value))
}

/// The value of the first or last row in time; of several at that time the first in natural order.
#[derive(Debug)]
struct ByTime {
    wins: std::cmp::Ordering,
    data_type: DataType,
    best: Option<(i64, ScalarValue)>,
}

impl ByTime {
    fn begin(args: &AccumulatorArgs<'_>, wins: std::cmp::Ordering) -> Result<Box<dyn Accumulator>> {
        let data_type = args.return_field.data_type().clone();
        Ok(Box::new(ByTime { wins, data_type, best: None }))
    }

    fn offer(&mut self, values: &ArrayRef, times: &ArrayRef) -> Result<()> {
        let times = cast(times, &DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())))?;
        let times = times.as_primitive::<TimestampMicrosecondType>();
        for (i, time) in times.iter().enumerate() {
            let Some(time) = time.filter(|_| values.is_valid(i)) else { continue };
            let order = self.best.as_ref().map_or(self.wins, |(best, _)| time.cmp(best));
            if order != self.wins && order.is_ne() {
                continue;
            }
            let value = ScalarValue::try_from_array(values, i)?;
            let is_tied = order.is_eq();
            if !is_tied || self.best.as_ref().is_none_or(|(_, best)| key(&value) < key(best)) {
                self.best = Some((time, value));
            }
        }
        Ok(())
    }
}

/// What ties are broken by.
fn key(value: &ScalarValue) -> Vec<u8> {
    let mut out = Vec::new();
    match value.try_as_str().flatten() {
        Some(text) => push_key(text, &mut out),
        None => push_key(&value.to_string(), &mut out),
    }
    out
}

impl Accumulator for ByTime {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        if is_all_null(&values[0]) {
            return Ok(());
        }
        self.offer(&values[0], &values[1])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        self.update_batch(states)
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        match &self.best {
            Some((_, value)) => Ok(value.clone()),
            None => ScalarValue::try_from(&self.data_type),
        }
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let time = self.best.as_ref().map(|(time, _)| *time);
        Ok(vec![self.evaluate()?, ScalarValue::TimestampMicrosecond(time, Some("UTC".into()))])
    }

    fn size(&self) -> usize {
        size_of::<ByTime>() + self.best.as_ref().map_or(0, |(_, value)| value.size())
    }
}

type Counts = BTreeMap<Vec<u8>, (String, i64)>;

/// How often each text is there, in natural order.
#[derive(Debug)]
struct Counted {
    counts: Counts,
    bytes: usize,
    param: usize,
    finish: fn(usize, &Counts) -> String,
}

impl Default for Counted {
    fn default() -> Counted {
        Counted { counts: Counts::new(), bytes: 0, param: 0, finish: |_, counts| texts_list(counts) }
    }
}

impl Counted {
    fn add(&mut self, text: &str, n: i64) {
        let mut key = Vec::new();
        push_key(text, &mut key);
        match self.counts.get_mut(&key) {
            Some((_, count)) => *count += n,
            None => {
                self.bytes += key.len() + text.len() + size_of::<(Vec<u8>, String, i64)>();
                self.counts.insert(key, (text.to_owned(), n));
            }
        }
    }
}

impl Accumulator for Counted {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        values[0].as_string_view().iter().flatten().for_each(|text| self.add(text, 1));
        Ok(())
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        for (texts, counts) in lists(&states[0]).zip(lists(&states[1])) {
            let counts = integers(&counts);
            for (text, n) in texts.as_string_view().iter().zip(counts) {
                text.into_iter().for_each(|text| self.add(text, n));
            }
        }
        Ok(())
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        Ok(ScalarValue::Utf8View(Some((self.finish)(self.param, &self.counts))))
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let texts: Vec<_> = self.counts.values().map(|(text, _)| ScalarValue::Utf8View(Some(text.clone()))).collect();
        let counts: Vec<_> = self.counts.values().map(|(_, n)| ScalarValue::Int64(Some(*n))).collect();
        Ok(vec![
            ScalarValue::List(ScalarValue::new_list_nullable(&texts, &DataType::Utf8View)),
            ScalarValue::List(ScalarValue::new_list_nullable(&counts, &DataType::Int64)),
        ])
    }

    fn size(&self) -> usize {
        size_of::<Counted>() + self.bytes
    }
}

fn texts_list(counts: &Counts) -> String {
    super::json::json_list(counts.values().map(|(text, _)| text))
}

fn numbers_list(counts: &Counts) -> String {
    let texts: Vec<&str> = counts.values().map(|(text, _)| text.as_str()).collect();
    format!("[{}]", texts.join(","))
}

fn most_frequent(k: usize, counts: &Counts) -> String {
    let mut all: Vec<&(String, i64)> = counts.values().collect();
    // The sort is stable, so ties stay in natural order.
    all.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
    json_map(all.into_iter().take(k).map(|(text, n)| (text.clone(), *n as f64)))
}

/// A JSON object of numbers, in this order.
pub(super) fn json_map(members: impl IntoIterator<Item = (String, f64)>) -> String {
    let mut out = String::from("{");
    for (name, n) in members {
        if out.len() > 1 {
            out.push(',');
        }
        write_string(&name, &mut out);
        out.push(':');
        out.push_str(&number_text(n).unwrap_or_else(|| "null".to_owned()));
    }
    out.push('}');
    out
}
