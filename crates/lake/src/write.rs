//! Rows into Parquet files, and what the table says of each file.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, MapArray, RecordBatch, RecordBatchOptions, StructArray, new_null_array};
use arrow::compute::{cast, interleave};
use arrow::datatypes::{DataType, Field, FieldRef, SchemaRef};
use arrow::error::ArrowError;
use bytes::Bytes;
use iceberg::spec::{DataContentType, DataFile, DataFileBuilder, DataFileFormat, Datum, Literal, Struct};
use object_store::buffered::BufWriter;
use parquet::arrow::arrow_writer::{
    ArrowColumnChunk, ArrowColumnWriter, ArrowRowGroupWriterFactory, ArrowWriter, ArrowWriterOptions, compute_leaves,
};
use parquet::arrow::async_writer::AsyncFileWriter;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::{ParquetMetaData, SortingColumn};
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::statistics::Statistics;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::ColumnPath;

use crate::columns::RAW;
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
/// Bytes of a page of records as they came: the longer it is, the more a record shares with others. Rows that arrive have shorter
/// ones, as merging holds a page of each of many files.
const RAW_PAGE_BYTES: usize = 4 << 20;
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

/// Rows in the order in which they are wanted, some thousand at a time.
pub(crate) enum Chunk {
    /// They lie so in one batch, and are not copied.
    Run(RowAt, usize),
    /// From here and there: batch and row of each.
    Mixed(Vec<(usize, usize)>),
}

impl Chunk {
    /// The rows of one column, whose batches these are.
    pub(crate) fn of(&self, column: &[&dyn Array]) -> Result<ArrayRef, ArrowError> {
        match self {
            Chunk::Run(at, n) => Ok(column[at.batch as usize].slice(at.row as usize, *n)),
            Chunk::Mixed(rows) if column.iter().all(|part| part.null_count() == part.len()) => {
                Ok(new_null_array(column[0].data_type(), rows.len()))
            }
            Chunk::Mixed(rows) => interleave(column, rows),
        }
    }
}

/// These rows in this order.
pub(crate) fn chunks(rows: &[RowAt]) -> Vec<Chunk> {
    let chunk = |rows: &[RowAt]| {
        let first = rows[0];
        let is_run = rows.iter().zip(first.row..).all(|(at, row)| at.batch == first.batch && at.row == row);
        if is_run {
            return Chunk::Run(first, rows.len());
        }
        Chunk::Mixed(rows.iter().map(|at| (at.batch as usize, at.row as usize)).collect())
    };
    rows.chunks(CHUNK_ROWS).map(chunk).collect()
}

/// A column of all batches.
pub(crate) fn column(batches: &[RecordBatch], number: usize) -> Vec<&dyn Array> {
    batches.iter().map(|batch| batch.column(number).as_ref()).collect()
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

/// A data file that is being written, a row group after the other.
pub(crate) struct Writer<'a> {
    shared: &'a Shared,
    location: String,
    day: i32,
    schema: SchemaRef,
    columns: ArrowRowGroupWriterFactory,
    /// What is written here is handed on to the object after each row group.
    file: SerializedFileWriter<Vec<u8>>,
    object: BufWriter,
}

/// A row group that is being written, some columns after the others: besides what is packed, only these are in memory.
pub(crate) struct Group {
    location: String,
    /// The columns to come, and their writers: a map has two.
    fields: std::vec::IntoIter<FieldRef>,
    writers: std::vec::IntoIter<ArrowColumnWriter>,
    packed: Vec<ArrowColumnChunk>,
}

/// Columns of a row group that are being written.
pub(crate) struct Columns {
    location: String,
    fields: Vec<FieldRef>,
    writers: Vec<ArrowColumnWriter>,
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
        let schema = Arc::clone(plan.schema);
        let writer = ArrowWriter::try_new_with_options(Vec::new(), Arc::clone(&schema), options);
        let (file, columns) = writer.and_then(ArrowWriter::into_serialized_writer).map_err(failed)?;
        let object = BufWriter::new(shared.store.objects(), path);
        Ok(Self { shared, location, day: plan.day, schema, columns, file, object })
    }

    /// The next row group, to be given back to [`Writer::append`].
    pub(crate) fn group(&self) -> Result<Group, FileError> {
        let number = self.file.flushed_row_groups().len();
        let writers = self.columns.create_column_writers(number).map_err(|err| self.failed(err))?;
        Ok(Group {
            location: self.location.clone(),
            fields: self.schema.fields().to_vec().into_iter(),
            packed: Vec::with_capacity(writers.len()),
            writers: writers.into_iter(),
        })
    }

    /// Appends a row group whose columns are all written.
    pub(crate) fn append(&mut self, group: Group) -> Result<(), FileError> {
        let n_bytes: u64 = group.packed.iter().map(|chunk| chunk.close().bytes_written).sum();
        // It is held once, and not copied again and again as it grows.
        self.file.inner_mut().reserve(usize::try_from(n_bytes).unwrap_or(0));
        let append = |file: &mut SerializedFileWriter<Vec<u8>>| {
            let mut to = file.next_row_group()?;
            for chunk in group.packed {
                chunk.append_to_row_group(&mut to)?;
            }
            to.close()
        };
        append(&mut self.file).map_err(|err| self.failed(err))?;
        self.hand_on()
    }

    fn hand_on(&mut self) -> Result<(), FileError> {
        let bytes = Bytes::from(std::mem::take(self.file.inner_mut()));
        let written = self.shared.store.wait(self.object.put(bytes));
        written.map_err(|err| self.failed(ParquetError::External(Box::new(err))))
    }

    /// How many bytes the file has by now.
    pub(crate) fn n_bytes(&self) -> usize {
        self.file.bytes_written()
    }

    /// Ends the file and describes it.
    pub(crate) fn finish(mut self) -> Result<DataFile, FileError> {
        let metadata = self.file.finish().map_err(|err| self.failed(err))?;
        self.hand_on()?;
        self.shared.store.wait(AsyncFileWriter::complete(&mut self.object)).map_err(|err| self.failed(err))?;
        let size = self.file.bytes_written() as u64;
        describe(&self.location, size, self.day, &metadata)
            .map_err(|err| FileError::Describe { location: self.location, err })
    }

    fn failed(&self, err: ParquetError) -> FileError {
        FileError::Parquet { location: self.location.clone(), err }
    }
}

impl Group {
    /// The next so many columns, to be given back to [`Group::end`].
    pub(crate) fn next(&mut self, n: usize) -> Columns {
        let fields: Vec<FieldRef> = self.fields.by_ref().take(n).collect();
        let writers = self.writers.by_ref().take(fields.iter().map(|field| leaves(field)).sum()).collect();
        Columns { location: self.location.clone(), fields, writers }
    }

    /// Packs columns.
    pub(crate) fn end(&mut self, columns: Columns) -> Result<(), FileError> {
        for writer in columns.writers {
            let chunk = writer.close();
            self.packed.push(chunk.map_err(|err| FileError::Parquet { location: self.location.clone(), err })?);
        }
        Ok(())
    }
}

impl Columns {
    /// More rows, an array for each column.
    pub(crate) fn write(&mut self, arrays: &[ArrayRef]) -> Result<(), FileError> {
        let mut writers = self.writers.iter_mut();
        for (field, array) in self.fields.iter().zip(arrays) {
            let written = compute_leaves(field, array)
                .and_then(|leaves| leaves.iter().try_for_each(|leaf| writers.next().map_or(Ok(()), |w| w.write(leaf))));
            written.map_err(|err| FileError::Parquet { location: self.location.clone(), err })?;
        }
        Ok(())
    }
}

/// How many Parquet columns an Arrow column is: a map is its keys and its values.
fn leaves(field: &Field) -> usize {
    if matches!(field.data_type(), DataType::Map(..)) { 2 } else { 1 }
}

fn properties(plan: &Plan<'_>) -> Result<WriterProperties, ParquetError> {
    let group = GROUP_ROWS.min(plan.n_rows.max(1));
    let mut all = WriterProperties::builder()
        .set_created_by(concat!("skywarden ", env!("CARGO_PKG_VERSION")).to_owned())
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(plan.level)?))
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
            if column.name == RAW && plan.level > LEVEL_FAST {
                all = all.set_column_data_page_size_limit(path.clone(), RAW_PAGE_BYTES);
            }
            let is_number = matches!(column.ty, ColumnType::Timestamp | ColumnType::Long);
            if is_number && (column.is_unique || column.name == TIME) {
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
    schema.fields().iter().take(column).map(|field| leaves(field)).sum()
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
    use crate::def::ColumnDef;

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

    #[test]
    fn each_column_is_packed_as_its_values_are() {
        let def = TableDef::new(
            "events",
            vec![
                ColumnDef::new(TIME, ColumnType::Timestamp),
                ColumnDef::new("began", ColumnType::Timestamp).unique(),
                ColumnDef::new("logged_in", ColumnType::Timestamp),
                ColumnDef::new("name", ColumnType::Text),
                ColumnDef::new(RAW, ColumnType::Text).unique(),
            ],
        );
        let schema = def.arrow_schema();
        let written = |level| {
            let plan = Plan { def: &def, schema: &schema, day: 0, level, n_rows: 1 };
            let all = properties(&plan).expect("a level that there is");
            let of = |column: &ColumnDef| {
                let path = ColumnPath::from(column.name.as_str());
                (all.encoding(&path), all.dictionary_enabled(&path), all.column_data_page_size_limit(&path) >> 20)
            };
            def.columns.iter().map(of).collect::<Vec<_>>()
        };
        let delta = (Some(Encoding::DELTA_BINARY_PACKED), false, 1);
        let repeated = (None, true, 1);
        assert_eq!(written(LEVEL_FAST), [delta, delta, repeated, repeated, (None, false, 1)]);
        assert_eq!(written(9), [delta, delta, repeated, repeated, (None, false, 4)]);
    }

    #[test]
    fn a_column_without_values_stays_so_in_order() {
        let empty = |ty: &DataType| [new_null_array(ty, 3), new_null_array(ty, 2)];
        let rows = vec![(1, 0), (0, 2), (1, 1)];
        for ty in [ColumnType::Text, ColumnType::Map, ColumnType::Timestamp, ColumnType::Fixed16] {
            let parts = empty(&ty.arrow());
            let column: Vec<&dyn Array> = parts.iter().map(AsRef::as_ref).collect();
            let taken = Chunk::Mixed(rows.clone()).of(&column).expect("rows that there are");
            assert_eq!(&taken, &interleave(&column, &rows).expect("rows that there are"));
        }
    }
}
