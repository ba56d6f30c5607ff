//! How differently the values of a field are spread where a condition holds and where not.
//!
//! Fields of numbers are compared by the greatest distance between the two cumulative shares (Kolmogorov and Smirnov), all others by Cramér's V
//! without its bias, for which a field that is different in each row tells nothing. Both are 0 where the spread is the same and 1 where
//! a value tells the condition. To be missing is a value like others.

use std::collections::BTreeMap;

use datafusion::arrow::array::{Array, ArrayRef, AsArray};
use datafusion::arrow::datatypes::DataType;
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::{Accumulator, Expr};

use super::aggregate::json_map;
use super::fold::{Fold, integers, list_of, lists};
use super::native::Take;
use crate::kind::{Kind, number_of, number_text};

/// How many values are named.
const NAMED: usize = 5;

/// `score`, `chosen` and `other` (medians), `top` (shares there less shares elsewhere) of a text, as a JSON object;
/// null where no row has a value.
pub fn relevance(of: Expr, is_chosen: Expr) -> Expr {
    RELEVANCE.call(vec![of, is_chosen])
}

/// What this file calls.
pub(super) static RELEVANCE: Fold = Fold {
    name: "lq_relevance",
    takes: &[Take::Kind(Kind::Text), Take::Kind(Kind::Boolean)],
    gives: |_| DataType::Utf8View,
    state: |_| vec![list_of(DataType::Utf8View), list_of(DataType::Int64), list_of(DataType::Int64)],
    begin: |_| Ok(Box::new(Spread::default())),
};

/// How often a value is there where the condition holds, and elsewhere.
type Pair = [i64; 2];

#[derive(Debug, Default)]
struct Spread {
    counts: BTreeMap<Option<String>, Pair>,
    bytes: usize,
}

impl Spread {
    fn add(&mut self, text: Option<&str>, [chosen, other]: Pair) {
        // A look-up by a borrowed text would need a key of its own type.
        let key = text.map(str::to_owned);
        match self.counts.get_mut(&key) {
            Some(have) => *have = [have[0] + chosen, have[1] + other],
            None => {
                self.bytes += text.map_or(0, str::len) + size_of::<(Option<String>, Pair)>();
                self.counts.insert(key, [chosen, other]);
            }
        }
    }

    fn totals(&self) -> Pair {
        self.counts.values().fold([0, 0], |[a, b], [c, d]| [a + c, b + d])
    }

    /// The values as numbers in their order, where all of them are numbers.
    fn numbers(&self) -> Option<Vec<(f64, Pair)>> {
        let present = self.counts.iter().filter_map(|(text, pair)| Some((text.as_ref()?, pair)));
        let mut numbers = present.map(|(text, pair)| Some((number_of(text)?, *pair))).collect::<Option<Vec<_>>>()?;
        numbers.sort_by(|a, b| a.0.total_cmp(&b.0));
        (!numbers.is_empty()).then_some(numbers)
    }

    fn told(&self) -> Option<String> {
        if self.counts.keys().all(Option::is_none) {
            return None;
        }
        let number = |n: Option<f64>| n.and_then(number_text).unwrap_or_else(|| "null".to_owned());
        Some(match self.numbers() {
            Some(numbers) => {
                let [chosen, other] = [0, 1].map(|side| number(median(&numbers, side)));
                let score = number(Some(distance(&numbers)));
                format!("{{\"score\":{score},\"chosen\":{chosen},\"other\":{other}}}")
            }
            None => {
                let score = number(Some(association(&self.counts, self.totals())));
                format!("{{\"score\":{score},\"top\":{}}}", self.top())
            }
        })
    }

    /// The values whose shares differ most.
    fn top(&self) -> String {
        let totals = self.totals();
        let mut shifts: Vec<(&str, f64)> = self
            .counts
            .iter()
            .filter_map(|(text, pair)| Some((text.as_deref()?, share(pair[0], totals[0]) - share(pair[1], totals[1]))))
            .filter(|(_, shift)| *shift != 0.0)
            .collect();
        shifts.sort_by(|a, b| b.1.abs().total_cmp(&a.1.abs()).then(a.0.cmp(b.0)));
        let rounded = |shift: f64| (shift * 1e4).round() / 1e4;
        json_map(shifts.into_iter().take(NAMED).map(|(text, shift)| (text.to_owned(), rounded(shift))))
    }
}

fn share(n: i64, of: i64) -> f64 {
    if of == 0 { 0.0 } else { n as f64 / of as f64 }
}

/// The value of nearest rank, as `pct(f, 50)` gives it.
fn median(numbers: &[(f64, Pair)], side: usize) -> Option<f64> {
    let n: i64 = numbers.iter().map(|(_, pair)| pair[side]).sum();
    let mut below = 0;
    let at = numbers.iter().find(|(_, pair)| {
        below += pair[side];
        below * 2 >= n && below > 0
    });
    at.map(|(number, _)| *number)
}

/// The greatest distance between the cumulative shares.
fn distance(numbers: &[(f64, Pair)]) -> f64 {
    let totals = numbers.iter().fold([0, 0], |[a, b], (_, [c, d])| [a + c, b + d]);
    if totals.contains(&0) {
        return 0.0;
    }
    let (mut below, mut most) = ([0, 0], 0.0_f64);
    for (_, pair) in numbers {
        below = [below[0] + pair[0], below[1] + pair[1]];
        most = most.max((share(below[0], totals[0]) - share(below[1], totals[1])).abs());
    }
    rounded(most)
}

/// Cramér's V of the value and the condition, less what chance alone gives for so many values (Bergsma).
fn association(counts: &BTreeMap<Option<String>, Pair>, totals: Pair) -> f64 {
    let n = (totals[0] + totals[1]) as f64;
    if totals.contains(&0) || counts.len() < 2 {
        return 0.0;
    }
    let of_value = |pair: &Pair| {
        let row = (pair[0] + pair[1]) as f64;
        let of_side = |side: usize| {
            let expected = row * totals[side] as f64 / n;
            (pair[side] as f64 - expected).powi(2) / expected
        };
        of_side(0) + of_side(1)
    };
    let square = counts.values().map(of_value).sum::<f64>() / n;
    let values = counts.len() as f64;
    let left = (square - (values - 1.0) / (n - 1.0)).max(0.0);
    let sides = 1.0 - 1.0 / (n - 1.0);
    let most = (values - 1.0 - (values - 1.0).powi(2) / (n - 1.0)).min(sides);
    rounded(if most > 0.0 { (left / most).sqrt().min(1.0) } else { 0.0 })
}

fn rounded(score: f64) -> f64 {
    (score * 1e4).round() / 1e4
}

impl Accumulator for Spread {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let chosen = values[1].as_boolean();
        for (i, text) in values[0].as_string_view().iter().enumerate() {
            let is_chosen = chosen.is_valid(i) && chosen.value(i);
            self.add(text, if is_chosen { [1, 0] } else { [0, 1] });
        }
        Ok(())
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        for ((texts, chosen), other) in lists(&states[0]).zip(lists(&states[1])).zip(lists(&states[2])) {
            let pairs = integers(&chosen).into_iter().zip(integers(&other));
            texts.as_string_view().iter().zip(pairs).for_each(|(text, (a, b))| self.add(text, [a, b]));
        }
        Ok(())
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        Ok(ScalarValue::Utf8View(self.told()))
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let texts: Vec<_> = self.counts.keys().map(|text| ScalarValue::Utf8View(text.clone())).collect();
        let side = |side: usize| {
            let counts: Vec<_> = self.counts.values().map(|pair| ScalarValue::Int64(Some(pair[side]))).collect();
            ScalarValue::List(ScalarValue::new_list_nullable(&counts, &DataType::Int64))
        };
        let texts = ScalarValue::List(ScalarValue::new_list_nullable(&texts, &DataType::Utf8View));
        Ok(vec![texts, side(0), side(1)])
    }

    fn size(&self) -> usize {
        size_of::<Spread>() + self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(values: &[(Option<&str>, Pair)]) -> String {
        let mut spread = Spread::default();
        values.iter().for_each(|(text, pair)| spread.add(*text, *pair));
        spread.told().unwrap_or_default()
    }

    #[test]
    fn scores_go_from_none_to_all() {
        assert!(told(&[(Some("a"), [50, 50]), (Some("b"), [50, 50])]).starts_with("{\"score\":0,"));
        assert!(told(&[(Some("a"), [500, 0]), (None, [0, 500])]).starts_with("{\"score\":1,"));
        assert_eq!(told(&[(Some("1"), [9, 0]), (Some("10"), [0, 5])]), "{\"score\":1,\"chosen\":1,\"other\":10}");
        assert_eq!(told(&[(None, [1, 1])]), "");
    }

    #[test]
    fn a_field_that_is_another_in_each_row_tells_nothing() {
        let names: Vec<String> = (0..100).map(|i| format!("id-{i}")).collect();
        let values: Vec<_> = names
            .iter()
            .enumerate()
            .map(|(i, name)| (Some(name.as_str()), if i < 50 { [1, 0] } else { [0, 1] }))
            .collect();
        assert!(told(&values).starts_with("{\"score\":0,"));
    }
}
