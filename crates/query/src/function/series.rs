//! The aggregates of time series.

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, AsArray};
use datafusion::arrow::datatypes::{DataType, Float64Type, TimestampMicrosecondType};
use datafusion::common::{Result, ScalarValue};
use datafusion::functions_aggregate::expr_fn::{count, sum};
use datafusion::logical_expr::{Accumulator, AggregateUDF, lit};

use super::aggregate::{Collected, TIME, json_map, timestamp};
use super::date::Period;
use super::fold::{Fold, constant_number, list_of};
use super::native::Take;
use super::{Function, Value};
use crate::kind::{Kind, Typed, number_text};

/// The functions of this file.
pub const FUNCTIONS: &[Function] = &[
    Function {
        name: "rate",
        aliases: &[],
        usage: "rate(f, 1m)",
        doc: "How much a number changes in such a time: last value minus first, over the time between them.",
        arity: 2..=2,
        is_aggregate: true,
        lower: |call| {
            let period = match &call.args[1].value {
                Value::Duration(duration) => Period::new(*duration),
                _ => None,
            };
            let period = period.ok_or_else(|| call.wrong(1, "a length of time such as 1m is due"))?;
            let args = vec![call.number(0)?, timestamp(call)?, lit(period.ms())];
            Ok(Typed { expr: RATE.call(args), kind: Kind::Number })
        },
    },
    Function {
        name: "count_over_time",
        aliases: &["countOverTime"],
        usage: "count_over_time(f)",
        doc: "How many rows have the field; `by bin(…)` says in which time.",
        arity: 1..=1,
        is_aggregate: true,
        lower: |call| {
            let of = if matches!(call.args[0].value, Value::Star) { lit(1_i64) } else { call.typed(0)?.expr };
            Ok(Typed { expr: count(of), kind: Kind::Integer })
        },
    },
    Function {
        name: "sum_over_time",
        aliases: &["sumOverTime"],
        usage: "sum_over_time(f)",
        doc: "The sum of the numbers; `by bin(…)` says in which time.",
        arity: 1..=1,
        is_aggregate: true,
        lower: |call| Ok(Typed { expr: sum(call.number(0)?), kind: Kind::Number }),
    },
    Function {
        name: "histogram",
        aliases: &[],
        usage: "histogram(f, 10)",
        doc: "A map of ranges of equal width to how many numbers lie in them; the last range holds its end.",
        arity: 2..=2,
        is_aggregate: true,
        lower: |call| {
            let n = call.literal_number(1)?;
            if n.fract() != 0.0 || !(1.0..=1000.0).contains(&n) {
                return Err(call.wrong(1, "a whole number from 1 to 1000 is due"));
            }
            Ok(Typed { expr: HISTOGRAM.call(vec![call.number(0)?, lit(n)]), kind: Kind::Json })
        },
    },
];

/// What this file calls.
pub(super) fn udafs() -> Vec<Arc<AggregateUDF>> {
    [&RATE, &HISTOGRAM].map(Fold::udaf).to_vec()
}

const NUMBER: Take = Take::Kind(Kind::Number);

static RATE: Fold = Fold {
    name: "lq_rate",
    takes: &[NUMBER, TIME, NUMBER],
    gives: |_| DataType::Float64,
    state: |_| vec![DataType::Float64, Kind::Time.arrow(), DataType::Float64, Kind::Time.arrow()],
    begin: |args| Ok(Box::new(Rate { interval_ms: constant_number(args, 2)?, first: None, last: None })),
};
static HISTOGRAM: Fold = Fold {
    name: "lq_histogram",
    takes: &[NUMBER, NUMBER],
    gives: |_| DataType::Utf8View,
    state: |_| vec![list_of(DataType::Float64)],
    begin: |args| Ok(Box::new(Collected { numbers: Vec::new(), param: constant_number(args, 1)?, finish: histogram })),
};

/// A number at a time.
type Sample = (i64, f64);

#[derive(Debug)]
struct Rate {
    interval_ms: f64,
    first: Option<Sample>,
    last: Option<Sample>,
}

impl Rate {
    /// Of two numbers at the same time the smaller one counts, so that the order of rows does not matter.
    fn offer(&mut self, (time, n): Sample) {
        if self.first.is_none_or(|(at, have)| time < at || (time == at && n < have)) {
            self.first = Some((time, n));
        }
        if self.last.is_none_or(|(at, have)| time > at || (time == at && n < have)) {
            self.last = Some((time, n));
        }
    }

    fn offer_all(&mut self, numbers: &ArrayRef, times: &ArrayRef) {
        let numbers = numbers.as_primitive::<Float64Type>().iter();
        let times = times.as_primitive::<TimestampMicrosecondType>().iter();
        times.zip(numbers).filter_map(|(time, n)| time.zip(n)).for_each(|sample| self.offer(sample));
    }
}

impl Accumulator for Rate {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.offer_all(&values[0], &values[1]);
        Ok(())
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        self.offer_all(&states[0], &states[1]);
        self.offer_all(&states[2], &states[3]);
        Ok(())
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let rate = self.first.zip(self.last).filter(|((from, _), (to, _))| to > from).map(|((from, a), (to, b))| {
            let elapsed_ms = (to as f64 - from as f64) / 1000.0;
            (b - a) * self.interval_ms / elapsed_ms
        });
        Ok(ScalarValue::Float64(rate.filter(|rate| rate.is_finite())))
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let of = |sample: Option<Sample>| {
            let time = ScalarValue::TimestampMicrosecond(sample.map(|(time, _)| time), Some("UTC".into()));
            [ScalarValue::Float64(sample.map(|(_, n)| n)), time]
        };
        Ok([of(self.first), of(self.last)].concat())
    }

    fn size(&self) -> usize {
        size_of::<Rate>()
    }
}

fn histogram(numbers: &mut [f64], n_ranges: f64) -> ScalarValue {
    let low = numbers.iter().copied().fold(f64::INFINITY, f64::min);
    let high = numbers.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if numbers.is_empty() {
        return ScalarValue::Utf8View(None);
    }
    // Halves first: the distance between the largest and the smallest double is not one.
    let width = (high / n_ranges) - (low / n_ranges);
    let n = if width > 0.0 { n_ranges as usize } else { 1 };
    let mut counts = vec![0_u64; n.max(1)];
    for number in numbers {
        let range = if width > 0.0 { (*number / width - low / width).max(0.0) as usize } else { 0 };
        counts[range.min(n - 1)] += 1;
    }
    let edge = |i: usize| if i == n { high } else { low + width * i as f64 };
    let name = |i: usize| {
        let text = |n: f64| number_text(n).unwrap_or_default();
        format!("{}..{}", text(edge(i)), text(edge(i + 1)))
    };
    let map = json_map(counts.iter().enumerate().map(|(i, count)| (name(i), *count as f64)));
    ScalarValue::Utf8View(Some(map))
}
