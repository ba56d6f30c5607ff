//! Rows into Parquet files, and what the table says of each file.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, MapArray, RecordBatch, RecordBatchOptions, StructArray, new_null_array};
use arrow::compute::{cast, interleave_record_batch};
use arrow::datatypes::{DataType, SchemaRef};
use arrow::error::ArrowError;
use iceberg::spec::{DataContentType, DataFile, DataFileBuilder, DataFileFormat, Datum, Literal, Struct};
use object_store::buffered::BufWriter;
use parquet::arrow::AsyncArrowWriter;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::file::metadata::{ParquetMetaData, SortingColumn};
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::statistics::Statistics;
use parquet::schema::types::ColumnPath;

use crate::def::{ColumnType, TIME, TableDef};
use crate::env::uuid;
use crate::error::{Cause, FileError};
use crate::identity::RowAt;
use crate::lake::Shared;
use crate::metadata::SORTED;

/// Rows of a row group. Larger ones only hurt look-ups of single values.
pub(crate) const GROUP_ROWS: usize = 131_072;
/// Rows that are put in order at a time.
pub(crate) const CHUNK_ROWS: usize = 8_192;
/// The level of zstd for rows that arrive; compaction has more time.
pub(crate) const LEVEL_FAST: i32 = 1;

/// The batch with the table's columns in their order; what it lacks is null. The error says what does not fit.
pub(crate) fn conform(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch, String> {
    if let Some(extra) = batch.schema_ref().fields().iter().find(|f| schema.column_with_name(f.name()).is_none()) {
        return Err(format!("the table has no column `{}`", extra.name()));
    }
    let mut columns = Vec::with_capacity(schema.fields().len());
    for field in schema.fields() {
        let column = match batch.column_by_name(field.name()) {
            None => new_null_array(field.data_type(), batch.num_rows()),
            Some(column) => {
                fit(column, field.data_type()).map_err(|err| format!("column `{}`: {err}", field.name()))?
            }
        };
        columns.push(column);
    }
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(Arc::clone(schema), columns, &options).map_err(|err| err.to_string())
}

fn fit(column: &ArrayRef, ty: &DataType) -> Result<ArrayRef, ArrowError> {
    match ty {
        _ if column.data_type() == ty => Ok(Arc::clone(column)),
        // Field ids and names are part of a map's type, so the same arrays go into another map.
        DataType::Map(entries, is_sorted) => {
            let map = column
                .as_map_opt()
                .ok_or_else(|| ArrowError::CastError(format!("{} is no map", column.data_type())))?;
            let DataType::Struct(fields) = entries.data_type() else {
                return Err(ArrowError::CastError(format!("{ty} is no map")));
            };
            let inner = vec![fit(map.keys(), fields[0].data_type())?, fit(map.values(), fields[1].data_type())?];
            let rows = StructArray::try_new(fields.clone(), inner, None)?;
            Ok(Arc::new(MapArray::try_new(
                Arc::clone(entries),
                map.offsets().clone(),
                rows,
                map.nulls().cloned(),
                *is_sorted,
            )?))
        }
        _ => cast(column, ty),
    }
}

/// These rows in this order, in chunks. Runs that lie in one batch as they are wanted are not copied.
pub(crate) fn arranged<'a>(
    batches: &'a [RecordBatch],
    rows: &'a [RowAt],
) -> impl Iterator<Item = Result<RecordBatch, ArrowError>> + 'a {
    let all: Vec<&RecordBatch> = batches.iter().collect();
    rows.chunks(CHUNK_ROWS).map(move |chunk| {
        let first = chunk[0];
        let is_run = chunk.iter().zip(first.row..).all(|(at, row)| at.batch == first.batch && at.row == row);
        if is_run {
            return Ok(batches[first.batch as usize].slice(first.row as usize, chunk.len()));
        }
        let indices: Vec<(usize, usize)> = chunk.iter().map(|at| (at.batch as usize, at.row as usize)).collect();
        interleave_record_batch(&all, &indices)
    })
}

/// How a data file is to be written.
pub(crate) struct Plan<'a> {
    pub(crate) def: &'a TableDef,
    pub(crate) schema: &'a SchemaRef,
    pub(crate) day: i32,
    pub(crate) level: i32,
    /// At most how many rows come, where that is known.
    pub(crate) n_rows: usize,
}

/// A data file that is being written.
pub(crate) struct Writer<'a> {
    shared: &'a Shared,
    location: String,
    day: i32,
    inner: AsyncArrowWriter<BufWriter>,
}

impl<'a> Writer<'a> {
    pub(crate) fn create(shared: &'a Shared, plan: &Plan<'_>) -> Result<Self, FileError> {
        let name = uuid(shared.env.as_ref());
        let location = shared.store.location(&format!(
            "{}/data/{}={}/{name}.parquet",
            plan.def.name,
            "time_dt_day",
            date(plan.day)
        ));
        let path = shared.store.path(&location).map_err(|err| FileError::Store { location: location.clone(), err })?;
        let failed = |err| FileError::Parquet { location: location.clone(), err };
        let options =
            ArrowWriterOptions::new().with_properties(properties(plan).map_err(failed)?).with_skip_arrow_metadata(true);
        let object = BufWriter::new(shared.store.objects(), path);
        let inner = AsyncArrowWriter::try_new_with_options(object, Arc::clone(plan.schema), options).map_err(failed)?;
        Ok(Self { shared, location, day: plan.day, inner })
    }

    pub(crate) fn write(&mut self, batch: &RecordBatch) -> Result<(), FileError> {
        let written = self.shared.store.wait(self.inner.write(batch));
        written.map_err(|err| FileError::Parquet { location: self.location.clone(), err })
    }

    /// About how many bytes the file has by now.
    pub(crate) fn n_bytes(&self) -> usize {
        self.inner.bytes_written() + self.inner.in_progress_size()
    }

    /// Ends the file and describes it.
    pub(crate) fn finish(mut self) -> Result<DataFile, FileError> {
        let metadata = self
            .shared
            .store
            .wait(self.inner.finish())
            .map_err(|err| FileError::Parquet { location: self.location.clone(), err })?;
        let size = self.inner.bytes_written() as u64;
        describe(&self.location, size, self.day, &metadata)
            .map_err(|err| FileError::Describe { location: self.location, err })
    }
}

fn properties(plan: &Plan<'_>) -> Result<WriterProperties, parquet::errors::ParquetError> {
    let group = GROUP_ROWS.min(plan.n_rows.max(1));
    let mut all = WriterProperties::builder()
        .set_created_by(concat!("skywarden ", env!("CARGO_PKG_VERSION")).to_owned())
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(plan.level)?))
        .set_max_row_group_row_count(Some(GROUP_ROWS))
        .set_statistics_enabled(EnabledStatistics::Page);
    if let Some((time, _)) = plan.schema.column_with_name(TIME) {
        all = all.set_sorting_columns(Some(vec![SortingColumn {
            column_idx: i32::try_from(leaf(plan.schema, time)).unwrap_or(0),
            descending: false,
            nulls_first: true,
        }]));
    }
    for column in &plan.def.columns {
        let leaves = match column.ty {
            ColumnType::Map => ["key", "value"]
                .iter()
                .map(|l| ColumnPath::new(vec![column.name.clone(), "key_value".to_owned(), (*l).to_owned()]))
                .collect(),
            _ => vec![ColumnPath::new(vec![column.name.clone()])],
        };
        for path in leaves {
            if !column.has_stats {
                all = all.set_column_statistics_enabled(path.clone(), EnabledStatistics::None);
            }
            if column.ty == ColumnType::Timestamp || (column.ty == ColumnType::Long && column.is_unique) {
                all = all
                    .set_column_dictionary_enabled(path.clone(), false)
                    .set_column_encoding(path.clone(), Encoding::DELTA_BINARY_PACKED);
            } else if column.is_unique {
                all = all.set_column_dictionary_enabled(path.clone(), false);
            }
            if column.is_bloom {
                // A filter begins at this size and is folded to what its values need.
                all = all
                    .set_column_bloom_filter_max_ndv(path.clone(), group as u64)
                    .set_column_bloom_filter_fpp(path, 0.01);
            }
        }
    }
    Ok(all.build())
}

/// The number of the first Parquet column of this Arrow column: a map has two.
fn leaf(schema: &SchemaRef, column: usize) -> usize {
    schema.fields().iter().take(column).map(|f| if matches!(f.data_type(), DataType::Map(..)) { 2 } else { 1 }).sum()
}

/// A day as `YYYY-MM-DD`.
pub(crate) fn date(day: i32) -> String {
    // Civil from days: the year begins in March, so that the leap day is its last.
    let z = i64::from(day) + 719_468;
    let (era, of_era) = (z.div_euclid(146_097), z.rem_euclid(146_097));
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * of_year + 2) / 153;
    let (day, month) = (of_year - (153 * shifted + 2) / 5 + 1, if shifted < 10 { shifted + 3 } else { shifted - 9 });
    format!("{:04}-{month:02}-{day:02}", year_of_era + era * 400 + i64::from(month <= 2))
}

/// What the table says of a file, from the file's footer.
fn describe(location: &str, size: u64, day: i32, metadata: &ParquetMetaData) -> Result<DataFile, Cause> {
    let mut sums: HashMap<i32, Sums> = HashMap::new();
    let mut offsets = Vec::new();
    let mut n_rows = 0;
    for group in metadata.row_groups() {
        n_rows += u64::try_from(group.num_rows())?;
        for (at, column) in group.columns().iter().enumerate() {
            let (start, length) = column.byte_range();
            if at == 0 {
                offsets.push(i64::try_from(start)?);
            }
            let basic = column.column_descr().self_type().get_basic_info();
            if !basic.has_id() {
                return Err(format!("column `{}` has no field id", basic.name()).into());
            }
            let sum = sums.entry(basic.id()).or_default();
            sum.bytes += length;
            sum.values += u64::try_from(column.num_values())?;
            let known = column.statistics();
            sum.nulls = sum.nulls.and_then(|nulls| Some(nulls + known?.null_count_opt()?));
            sum.widen(known, column.column_descr().logical_type_ref().is_some_and(is_instant));
        }
    }
    let of = |get: fn(&Sums) -> Option<u64>| {
        sums.iter().filter_map(|(id, sum)| Some((*id, get(sum)?))).collect::<HashMap<i32, u64>>()
    };
    let bounds = |get: fn(&Sums) -> Option<&Datum>| {
        let known = sums.iter().filter(|(_, sum)| sum.is_bounded);
        known.filter_map(|(id, sum)| Some((*id, get(sum)?.clone()))).collect::<HashMap<i32, Datum>>()
    };
    let mut file = DataFileBuilder::default();
    file.content(DataContentType::Data)
        .file_path(location.to_owned())
        .file_format(DataFileFormat::Parquet)
        .partition(Struct::from_iter([Some(Literal::date(day))]))
        .record_count(n_rows)
        .file_size_in_bytes(size)
        .column_sizes(of(|sum| Some(sum.bytes)))
        .value_counts(of(|sum| Some(sum.values)))
        .null_value_counts(of(|sum| sum.nulls))
        .lower_bounds(bounds(|sum| sum.lower.as_ref()))
        .upper_bounds(bounds(|sum| sum.upper.as_ref()))
        .split_offsets(Some(offsets))
        .sort_order_id(i32::try_from(SORTED)?);
    Ok(file.build()?)
}

fn is_instant(ty: &parquet::basic::LogicalType) -> bool {
    matches!(ty, parquet::basic::LogicalType::Timestamp { .. })
}

/// One column over all row groups of a file.
struct Sums {
    bytes: u64,
    values: u64,
    nulls: Option<u64>,
    lower: Option<Datum>,
    upper: Option<Datum>,
    /// False once a row group with values has no bounds.
    is_bounded: bool,
}

impl Default for Sums {
    fn default() -> Self {
        Self { bytes: 0, values: 0, nulls: Some(0), lower: None, upper: None, is_bounded: true }
    }
}

impl Sums {
    fn widen(&mut self, known: Option<&Statistics>, is_instant: bool) {
        let Some((lower, upper)) = known.and_then(|known| bounds(known, is_instant)) else {
            let is_empty = known.and_then(Statistics::null_count_opt).is_some_and(|nulls| nulls == self.values);
            self.is_bounded &= is_empty;
            return;
        };
        if self.lower.as_ref().is_none_or(|have| lower < *have) {
            self.lower = Some(lower);
        }
        if self.upper.as_ref().is_none_or(|have| upper > *have) {
            self.upper = Some(upper);
        }
    }
}

fn bounds(known: &Statistics, is_instant: bool) -> Option<(Datum, Datum)> {
    match known {
        Statistics::Boolean(s) => Some((Datum::bool(*s.min_opt()?), Datum::bool(*s.max_opt()?))),
        Statistics::Int64(s) if is_instant => {
            Some((Datum::timestamptz_micros(*s.min_opt()?), Datum::timestamptz_micros(*s.max_opt()?)))
        }
        Statistics::Int64(s) => Some((Datum::long(*s.min_opt()?), Datum::long(*s.max_opt()?))),
        Statistics::Double(s) => Some((Datum::double(*s.min_opt()?), Datum::double(*s.max_opt()?))),
        Statistics::ByteArray(s) => {
            let text = |bytes: Option<&parquet::data_type::ByteArray>| {
                Some(Datum::string(std::str::from_utf8(bytes?.data()).ok()?))
            };
            Some((text(s.min_opt())?, text(s.max_opt())?))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_dates() {
        let days = [
            (0, "1970-01-01"),
            (-1, "1969-12-31"),
            (11_016, "2000-02-29"),
            (11_017, "2000-03-01"),
            (20_453, "2025-12-31"),
            (20_454, "2026-01-01"),
        ];
        for (day, text) in days {
            assert_eq!(date(day), text);
        }
    }
}
