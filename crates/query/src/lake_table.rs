//! A table of the lake as DataFusion reads it: stock Parquet scans over just the files that may hold what is asked for.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::config::TableParquetOptions;
use datafusion::common::stats::Precision;
use datafusion::common::{DataFusionError, Result, ScalarValue, Statistics};
use datafusion::datasource::TableType;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::parquet::CachedParquetFileReaderFactory;
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfigBuilder, ParquetSource};
use datafusion::datasource::source::DataSourceExec;
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::logical_expr::{BinaryExpr, Expr, Operator, TableProviderFilterPushDown};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::empty::EmptyExec;
use lake::columns::{Columns, TIME};
use lake::{Bound, Lake, LakeFile, Table};
use object_store::{ObjectMeta, ObjectStore};

use crate::tables::{Dataset, PlainTable, schema, with_views};

/// What scans left out before anything was opened; a session carries one, and each scan adds to it.
#[derive(Debug, Default)]
pub struct ScanLog(Mutex<Vec<Scanned>>);

/// The files of one scan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scanned {
    /// The table.
    pub table: String,
    /// How many files the table has, and their bytes.
    pub all: (u64, u64),
    /// How many of them may hold what is asked for, and their bytes.
    pub taken: (u64, u64),
}

impl ScanLog {
    /// The scans so far.
    pub fn scans(&self) -> Vec<Scanned> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn add(&self, scanned: Scanned) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(scanned);
    }
}

/// The dataset of a table in a lake; queries see the table as it is when they begin.
pub fn dataset(lake: &Lake, table: Table, columns: Arc<Columns>) -> Dataset {
    let provider = LakeTable { objects: lake.objects(), schema: schema(&columns), table, commit: None };
    Dataset::new(columns, Arc::new(provider))
}

/// The dataset of the rows that one commit has added.
pub fn dataset_of_commit(lake: &Lake, table: Table, columns: Arc<Columns>, commit: i64) -> Dataset {
    let provider = LakeTable { objects: lake.objects(), schema: schema(&columns), table, commit: Some(commit) };
    Dataset::new(columns, Arc::new(provider))
}

/// A table that is no log, for SQL.
///
/// # Errors
/// When the table cannot be read.
pub fn plain(lake: &Lake, table: Table) -> std::result::Result<PlainTable, lake::ReadError> {
    let schema = with_views(&table.current()?.def()?.arrow_schema());
    let name = table.name().to_owned();
    Ok(PlainTable { name, provider: Arc::new(LakeTable { objects: lake.objects(), schema, table, commit: None }) })
}

/// A table of a lake.
struct LakeTable {
    table: Table,
    objects: Arc<dyn ObjectStore>,
    schema: SchemaRef,
    /// The commit whose rows alone are seen.
    commit: Option<i64>,
}

impl std::fmt::Debug for LakeTable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LakeTable").field("table", &self.table.name()).finish_non_exhaustive()
    }
}

#[async_trait]
impl TableProvider for LakeTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    // The scan takes what it can of each filter when the physical plan is made; what it cannot stays above it.
    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        Ok(vec![TableProviderFilterPushDown::Inexact; filters.len()])
    }

    async fn scan(
        &self,
        session: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let times = filters.iter().fold(Times::default(), Times::narrowed);
        let files = self.files(session, times).await?;
        if files.is_empty() {
            let schema = match projection {
                Some(columns) => Arc::new(self.schema.project(columns)?),
                None => Arc::clone(&self.schema),
            };
            return Ok(Arc::new(EmptyExec::new(schema)));
        }
        let url = ObjectStoreUrl::parse(format!("lake://{}", self.table.name().replace('_', "-")))?;
        session.runtime_env().register_object_store(url.as_ref(), Arc::clone(&self.objects));
        let options =
            TableParquetOptions { global: session.config_options().execution.parquet.clone(), ..Default::default() };
        let cache = session.runtime_env().cache_manager.get_file_metadata_cache();
        let reader = Arc::new(CachedParquetFileReaderFactory::new(Arc::clone(&self.objects), cache));
        let source = ParquetSource::new(Arc::clone(&self.schema))
            .with_table_parquet_options(options)
            .with_parquet_file_reader_factory(reader);
        let (rows, bytes) = files.iter().fold((0, 0), |(rows, bytes), file| (rows + file.rows, bytes + file.size));
        let statistics = Statistics {
            num_rows: Precision::Exact(usize::try_from(rows).unwrap_or(usize::MAX)),
            total_byte_size: Precision::Inexact(usize::try_from(bytes).unwrap_or(usize::MAX)),
            ..Statistics::new_unknown(&self.schema)
        };
        let files: Vec<PartitionedFile> = files.iter().map(|file| self.partitioned(file)).collect();
        let groups = FileGroup::new(files).split_files(session.config().target_partitions());
        let config = FileScanConfigBuilder::new(url, Arc::new(source))
            .with_file_groups(groups)
            .with_statistics(statistics)
            .with_projection_indices(projection.cloned())?
            .with_limit(limit)
            .build();
        Ok(DataSourceExec::from_data_source(config))
    }
}

impl LakeTable {
    /// The files that may hold rows of these times. Manifests are read by blocking calls.
    async fn files(&self, session: &dyn Session, times: Times) -> Result<Vec<LakeFile>> {
        let (table, commit) = (self.table.clone(), self.commit);
        let read = tokio::task::spawn_blocking(move || {
            let snapshot = commit.map_or_else(|| table.current(), |commit| table.at(commit))?;
            let is_seen = |file: &LakeFile| commit.is_none_or(|commit| file.added_by() == commit);
            let files = |from_ms: i64, to_ms: i64| -> std::result::Result<Vec<LakeFile>, lake::ReadError> {
                Ok(snapshot.files(from_ms, to_ms)?.into_iter().filter(is_seen).collect())
            };
            let all = files(i64::MIN, i64::MAX)?;
            let taken = if times == Times::default() { all.clone() } else { files(times.from_ms, times.to_ms)? };
            Ok::<_, lake::ReadError>((all, taken))
        });
        let (all, taken) = read
            .await
            .map_err(|err| DataFusionError::External(Box::new(err)))?
            .map_err(|err| DataFusionError::External(Box::new(err)))?;
        let sum = |files: &[LakeFile]| (files.len() as u64, files.iter().map(|file| file.size).sum());
        if let Some(log) = session.config().get_extension::<ScanLog>() {
            log.add(Scanned { table: self.table.name().to_owned(), all: sum(&all), taken: sum(&taken) });
        }
        Ok(taken)
    }

    fn partitioned(&self, file: &LakeFile) -> PartitionedFile {
        let meta = ObjectMeta {
            location: file.path.clone(),
            last_modified: Default::default(),
            size: file.size,
            e_tag: None,
            version: None,
        };
        PartitionedFile::new_from_meta(meta)
            .with_table_reference(Some(self.table.name().into()))
            .with_statistics(Arc::new(self.statistics(file)))
    }

    /// What Iceberg knows of a file, so that it need not be opened where that rules it out.
    fn statistics(&self, file: &LakeFile) -> Statistics {
        let mut statistics = Statistics::new_unknown(&self.schema);
        statistics.num_rows = Precision::Exact(usize::try_from(file.rows).unwrap_or(usize::MAX));
        statistics.total_byte_size = Precision::Inexact(usize::try_from(file.size).unwrap_or(usize::MAX));
        for (field, column) in self.schema.fields().iter().zip(&mut statistics.column_statistics) {
            let value = |bound: Option<Bound>| match bound {
                Some(Bound::Long(n)) => Precision::Inexact(ScalarValue::Int64(Some(n))),
                Some(Bound::Timestamp(us)) => {
                    Precision::Inexact(ScalarValue::TimestampMicrosecond(Some(us), Some("UTC".into())))
                }
                Some(Bound::Boolean(yes)) => Precision::Inexact(ScalarValue::Boolean(Some(yes))),
                Some(Bound::Text(text)) => Precision::Inexact(ScalarValue::Utf8View(Some(text))),
                Some(Bound::Double(_) | Bound::Bytes(_)) | None => Precision::Absent,
            };
            column.min_value = value(file.lower(field.name()));
            column.max_value = value(file.upper(field.name()));
            column.null_count = match file.nulls(field.name()) {
                Some(n) => Precision::Exact(usize::try_from(n).unwrap_or(usize::MAX)),
                None => Precision::Absent,
            };
        }
        statistics
    }
}

/// The times that a filter lets through, in milliseconds: from inclusive, to exclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Times {
    from_ms: i64,
    to_ms: i64,
}

impl Default for Times {
    fn default() -> Times {
        Times { from_ms: i64::MIN, to_ms: i64::MAX }
    }
}

impl Times {
    /// What is left of them behind this filter.
    fn narrowed(self, filter: &Expr) -> Times {
        let both =
            |other: Times| Times { from_ms: self.from_ms.max(other.from_ms), to_ms: self.to_ms.min(other.to_ms) };
        match filter {
            Expr::BinaryExpr(BinaryExpr { left, op: Operator::And, right }) => self.narrowed(left).narrowed(right),
            Expr::BinaryExpr(BinaryExpr { left, op, right }) => match (time_us(left, right), time_us(right, left)) {
                (Some(us), _) => both(Times::of(*op, us)),
                (_, Some(us)) => op.swap().map_or(self, |op| both(Times::of(op, us))),
                _ => self,
            },
            Expr::Between(between) if !between.negated => {
                let from =
                    time_us(&between.expr, &between.low).map_or(Times::default(), |us| Times::of(Operator::GtEq, us));
                let to =
                    time_us(&between.expr, &between.high).map_or(Times::default(), |us| Times::of(Operator::LtEq, us));
                both(Times { from_ms: from.from_ms, to_ms: to.to_ms })
            }
            _ => self,
        }
    }

    fn of(op: Operator, us: i64) -> Times {
        let all = Times::default();
        let (floor, after) = (us.div_euclid(1_000), us.div_euclid(1_000).saturating_add(1));
        match op {
            Operator::Eq => Times { from_ms: floor, to_ms: after },
            Operator::Gt | Operator::GtEq => Times { from_ms: floor, ..all },
            Operator::Lt if us.rem_euclid(1_000) == 0 => Times { to_ms: floor, ..all },
            Operator::Lt | Operator::LtEq => Times { to_ms: after, ..all },
            _ => all,
        }
    }
}

/// The instant that the time column is compared with, in microseconds.
fn time_us(column: &Expr, value: &Expr) -> Option<i64> {
    let Expr::Column(column) = column else { return None };
    if column.name != TIME {
        return None;
    }
    match value {
        Expr::Literal(ScalarValue::TimestampMicrosecond(us, _), _) => *us,
        Expr::Literal(ScalarValue::TimestampMillisecond(ms, _), _) => ms.map(|ms| ms.saturating_mul(1_000)),
        Expr::Literal(ScalarValue::TimestampNanosecond(ns, _), _) => ns.map(|ns| ns.div_euclid(1_000)),
        Expr::Literal(ScalarValue::TimestampSecond(s, _), _) => s.map(|s| s.saturating_mul(1_000_000)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::prelude::{col, lit};

    #[test]
    fn filters_of_time_become_bounds_that_lose_nothing() {
        let at = |us: i64| lit(ScalarValue::TimestampMicrosecond(Some(us), Some("UTC".into())));
        let of = |filter: Expr| {
            let times = Times::default().narrowed(&filter);
            (times.from_ms, times.to_ms)
        };
        assert_eq!(of(col(TIME).gt_eq(at(5_000)).and(col(TIME).lt(at(9_000)))), (5, 9));
        assert_eq!(of(col(TIME).lt(at(9_001)).and(col(TIME).lt_eq(at(10_000)))), (i64::MIN, 10));
        assert_eq!(of(at(5_500).lt(col(TIME))), (5, i64::MAX));
        assert_eq!(of(col(TIME).between(at(1_500), at(2_500))), (1, 3));
        assert_eq!(of(col(TIME).eq(at(-1))), (-1, 0));
        assert_eq!(of(col(TIME).gt(at(1)).or(col(TIME).lt(at(0)))), (i64::MIN, i64::MAX));
        assert_eq!(of(col("other").gt(at(1))), (i64::MIN, i64::MAX));
    }
}
