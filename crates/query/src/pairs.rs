//! How many pairs of rows a plan compares at most: joins without equality run for days, and cannot be interrupted within one pair of batches.

use std::sync::Arc;

use datafusion::datasource::source::DataSourceExec;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::aggregates::AggregateExec;

use crate::scope::BARRIER;

/// What is taken for the rows of a source that does not say how many it has.
const UNKNOWN: f64 = 100_000.0;

/// The most pairs that a single join of the plan compares.
pub(crate) fn most(plan: &Arc<dyn ExecutionPlan>) -> f64 {
    of(plan).1
}

/// The rows of a plan, about, and the most pairs below it.
fn of(plan: &Arc<dyn ExecutionPlan>) -> (f64, f64) {
    let below: Vec<(f64, f64)> = plan.children().into_iter().map(of).collect();
    let worst = below.iter().map(|(_, pairs)| *pairs).fold(0.0, f64::max);
    let rows: Vec<f64> = below.iter().map(|(rows, _)| *rows).collect();
    // Without groups there is one row, however many were read.
    let is_single = plan.downcast_ref::<AggregateExec>().is_some_and(|of| of.group_expr().is_empty());
    let (rows, worst) = match (plan.name(), rows.as_slice()) {
        _ if is_single => (1.0, worst),
        // How much there is of others is not to be told by what is refused.
        (BARRIER, _) => (UNKNOWN, worst),
        ("CrossJoinExec" | "NestedLoopJoinExec", [left, right]) => (left * right, worst.max(left * right)),
        (name, [left, right]) if name.contains("Join") => (left.max(*right), worst),
        ("PlaceholderRowExec", []) => (1.0, worst),
        ("EmptyExec", []) => (0.0, worst),
        (_, []) => {
            let source = plan.downcast_ref::<DataSourceExec>().map(DataSourceExec::data_source);
            let of = source.and_then(|source| source.partition_statistics(None).ok());
            let known = of.and_then(|of| of.num_rows.get_value().copied());
            (known.map_or(UNKNOWN, |n| n as f64), worst)
        }
        (_, rows) => (rows.iter().sum(), worst),
    };
    (plan.fetch().map_or(rows, |n| rows.min(n as f64)), worst)
}
