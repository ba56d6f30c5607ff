//! What a query read and what it could leave out, from the metrics of its plan.

use std::sync::Arc;

use datafusion::datasource::physical_plan::FileScanConfig;
use datafusion::datasource::source::DataSourceExec;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::metrics::{MetricValue, MetricsSet};

use crate::lake_table::Scanned;

/// What a query read and what it could leave out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Rows that passed the filters.
    pub rows_matched: u64,
    /// Rows that were looked at.
    pub rows_scanned: u64,
    /// Bytes that were read.
    pub bytes_read: u64,
    /// Bytes of the tables that were not.
    pub bytes_skipped: u64,
    /// Files that were opened.
    pub files_read: u64,
    /// Files that were not.
    pub files_skipped: u64,
    /// Row groups of opened files that were read.
    pub row_groups_read: u64,
    /// Row groups of opened files that were not.
    pub row_groups_skipped: u64,
}

impl Statistics {
    fn add(&mut self, other: &Statistics) {
        self.rows_matched += other.rows_matched;
        self.rows_scanned += other.rows_scanned;
        self.bytes_read += other.bytes_read;
        self.bytes_skipped += other.bytes_skipped;
        self.files_read += other.files_read;
        self.files_skipped += other.files_skipped;
        self.row_groups_read += other.row_groups_read;
        self.row_groups_skipped += other.row_groups_skipped;
    }
}

/// The statistics of a plan that was run, in sum.
pub fn of(plan: &Arc<dyn ExecutionPlan>, scans: &[Scanned]) -> Statistics {
    let mut sum = Statistics::default();
    by_table(plan, scans).iter().for_each(|(_, statistics)| sum.add(statistics));
    sum
}

/// The statistics of a plan that was run, table by table.
pub fn by_table(plan: &Arc<dyn ExecutionPlan>, scans: &[Scanned]) -> Vec<(String, Statistics)> {
    let mut tables: Vec<(String, Statistics)> = Vec::new();
    if let Some((name, rows)) = walk(plan, &mut tables) {
        entry(&mut tables, &name).rows_matched += rows;
    }
    for scan in scans {
        let own = entry(&mut tables, &scan.table);
        own.files_skipped += scan.all.0 - scan.taken.0;
        own.bytes_skipped += scan.all.1;
    }
    for (_, own) in &mut tables {
        own.bytes_skipped = own.bytes_skipped.saturating_sub(own.bytes_read);
    }
    tables
}

fn entry<'t>(tables: &'t mut Vec<(String, Statistics)>, name: &str) -> &'t mut Statistics {
    let at = tables.iter().position(|(have, _)| have == name).unwrap_or_else(|| {
        tables.push((name.to_owned(), Statistics::default()));
        tables.len() - 1
    });
    &mut tables[at].1
}

/// The table that a chain of filters leads down to and how many rows came through, where this is one.
fn walk(plan: &Arc<dyn ExecutionPlan>, tables: &mut Vec<(String, Statistics)>) -> Option<(String, u64)> {
    let metrics = plan.metrics();
    let rows = metrics.as_ref().and_then(MetricsSet::output_rows).map(|n| n as u64);
    if let Some(scan) = plan.downcast_ref::<DataSourceExec>() {
        let (name, own) = of_scan(scan, &metrics.unwrap_or_default());
        entry(tables, &name).add(&own);
        return Some((name, rows.unwrap_or_default()));
    }
    let children = plan.children();
    let through: Vec<Option<(String, u64)>> = children.iter().map(|child| walk(child, tables)).collect();
    let is_filter = ["Filter", "Projection", "Coalesce", "Repartition", "Cooperative"];
    if let [Some((name, below))] = through.as_slice()
        && is_filter.iter().any(|prefix| plan.name().starts_with(prefix))
    {
        return Some((name.clone(), rows.unwrap_or(*below).min(*below)));
    }
    for (name, rows) in through.into_iter().flatten() {
        entry(tables, &name).rows_matched += rows;
    }
    None
}

fn of_scan(scan: &DataSourceExec, metrics: &MetricsSet) -> (String, Statistics) {
    let config = scan.data_source().downcast_ref::<FileScanConfig>();
    let files: Vec<_> = config.iter().flat_map(|config| &config.file_groups).flat_map(|group| group.iter()).collect();
    let name = files.iter().find_map(|file| file.table_reference.as_ref()).map(|table| table.table().to_owned());
    let count = |name: &str| metrics.sum_by_name(name).map_or(0, |value| value.as_usize() as u64);
    let pruning = |name: &str| {
        let of = |metric: &Arc<datafusion::physical_plan::metrics::Metric>| match metric.value() {
            MetricValue::PruningMetrics { name: have, pruning_metrics } if have == name => {
                Some((pruning_metrics.pruned() as u64, pruning_metrics.matched() as u64))
            }
            _ => None,
        };
        metrics.iter().filter_map(of).fold((0, 0), |(a, b), (pruned, matched)| (a + pruned, b + matched))
    };
    let (by_statistics, left) = pruning("row_groups_pruned_statistics");
    let (by_bloom, _) = pruning("row_groups_pruned_bloom_filter");
    let (by_limit, _) = pruning("limit_pruned_row_groups");
    let skipped = by_bloom + by_limit + count("row_groups_pruned_dynamic_filter");
    let mut paths: Vec<_> = files.iter().map(|file| file.path()).collect();
    paths.sort();
    paths.dedup();
    let (files_pruned, _) = pruning("files_ranges_pruned_statistics");
    let files_skipped = files_pruned.min(paths.len() as u64);
    let rows = metrics.output_rows().unwrap_or_default() as u64;
    let own = Statistics {
        rows_matched: 0,
        rows_scanned: rows + count("pushdown_rows_pruned"),
        bytes_read: count("bytes_scanned"),
        bytes_skipped: 0,
        files_read: paths.len() as u64 - files_skipped,
        files_skipped,
        row_groups_read: left.saturating_sub(skipped),
        row_groups_skipped: by_statistics + skipped,
    };
    (name.unwrap_or_else(|| "memory".to_owned()), own)
}
