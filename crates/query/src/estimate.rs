//! `estimate`: what a query would read, told by its plan. Nothing is run.

use datafusion::common::Result;
use datafusion::logical_expr::{LogicalPlan, LogicalPlanBuilder, lit};

use crate::kind::Kind;
use crate::lake_table::ScanLog;

/// What the answer's column is called.
const COLUMN: &str = "estimatedBytesScanned";

/// One row with the bytes of all files that the time range leaves. It is the most: what their statistics rule out is skipped when a query runs.
pub(crate) fn rows(log: &ScanLog) -> Result<(LogicalPlan, Vec<(String, Kind)>)> {
    let bytes = log.scans().iter().map(|scan| scan.taken.1).sum::<u64>();
    let bytes = lit(i64::try_from(bytes).unwrap_or(i64::MAX)).alias(format!("{COLUMN}#0"));
    let plan = LogicalPlanBuilder::empty(true).project(vec![bytes])?.build()?;
    Ok((plan, vec![(COLUMN.to_owned(), Kind::Integer)]))
}
