//! The rows of a Parquet file as the lines of a text file: names first, parted by blanks, as in VPC flow logs.
//!
//! Only files of flat columns of numbers and text can be that. What the columns mean is not known here.

use std::cell::Cell;
use std::io::{self, SeekFrom, Write as _};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};

use parquet::basic::{ConvertedType, LogicalType, Type};
use parquet::column::reader::{ColumnReader, ColumnReaderImpl, get_column_reader};
use parquet::data_type::{ByteArrayType, DataType, Int32Type, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::metadata::{ParquetMetaData, ParquetMetaDataReader};
use parquet::schema::types::{ColumnDescriptor, SchemaDescriptor};

use crate::blob::{Container, Limits};
use crate::broken::{Broken, Offset};
use crate::files::Handle;
use crate::layer::Layer;
use crate::pages::{Pages, Shared, damaged, is_known};
use crate::thrift;
use crate::walk::show_text;

const MAGIC: &[u8; 4] = b"PAR1";
/// The length of the footer, and the magic.
const TAIL_BYTES: u64 = 8;
/// Files of 75 MB have footers of some 100 KB.
const FOOTER_BYTES_MAX: u64 = 16 << 20;
/// The `parquet` crate numbers row groups so.
const GROUPS_MAX: i64 = i16::MAX as i64;
const COLUMNS_MAX: usize = 256;
/// Columns that a message names.
const COLUMNS_SHOWN: usize = 12;
/// Rows of which the values are held at once.
const BATCH_ROWS: usize = 64;
/// Bytes of text in those rows.
const BATCH_BYTES_MAX: usize = 16 << 20;

pub(crate) struct Rows {
    file: Shared,
    file_bytes: u64,
    meta: ParquetMetaData,
    limits: Limits,
    /// The line of names, until it is delivered.
    names: Vec<u8>,
    next_group: usize,
    columns: Vec<Column>,
    n_rows_left: u64,
    at: Offset,
}

impl Rows {
    /// The error is the reason, to be read after the name of the file.
    pub(crate) fn open(mut file: Box<dyn Handle>, limits: &Limits) -> Result<Rows, String> {
        let damaged = |why: &str| format!("is a damaged Parquet file: {why}");
        let (footer, file_bytes) = footer(&mut *file).map_err(|err| damaged(&err.to_string()))?;
        let mut n_groups = 0;
        let walked = thrift::walk(&footer, &mut |path, number| {
            if path == [4] {
                n_groups = number;
            }
        });
        if walked.is_none() || n_groups > GROUPS_MAX {
            return Err(damaged("its footer makes no sense"));
        }
        let meta = guarded(|| ParquetMetaDataReader::decode_metadata(&footer));
        let meta = meta.map_err(|err| damaged(&why(&err)))?;
        let schema = meta.file_metadata().schema_descr();
        let is_flat = schema.columns().iter().all(|column| column.path().parts().len() == 1 && is_plain(column));
        if !is_flat || schema.num_columns() == 0 || schema.num_columns() > COLUMNS_MAX {
            return Err(unsupported(schema));
        }
        let mut chunks = meta.row_groups().iter().flat_map(|group| group.columns());
        if let Some(chunk) = chunks.find(|chunk| !is_known(chunk.compression())) {
            return Err(format!(
                "is Parquet packed by {}: only snappy, gzip and zstd can be read",
                chunk.compression()
            ));
        }
        let names = line_of_names(schema);
        let (next_group, columns, n_rows_left) = (0, Vec::new(), 0);
        let (file, limits, at) = (Arc::new(Mutex::new(file)), *limits, Offset::default());
        Ok(Rows { file, file_bytes, meta, limits, names, next_group, columns, n_rows_left, at })
    }

    /// Goes on to the next row group. False: there is none.
    fn open_group(&mut self) -> Result<bool, Broken> {
        if self.next_group == self.meta.num_row_groups() {
            return Ok(false);
        }
        let group = self.meta.row_group(self.next_group);
        let (columns, group_bytes) = guarded(|| self.columns()).map_err(|err| self.corrupt(&why(&err)))?;
        let n_rows = u64::try_from(group.num_rows()).map_err(|_| self.corrupt("number of rows"))?;
        self.columns = columns;
        self.n_rows_left = n_rows;
        self.at.compressed += group_bytes;
        self.next_group += 1;
        Ok(true)
    }

    fn columns(&self) -> Result<(Vec<Column>, u64), ParquetError> {
        let group = self.meta.row_group(self.next_group);
        let mut columns = Vec::new();
        let mut group_bytes = 0;
        for chunk in group.columns() {
            let (start, n) = chunk.byte_range();
            let end = start
                .checked_add(n)
                .filter(|end| *end <= self.file_bytes)
                .ok_or_else(|| damaged("a column is cut off"))?;
            group_bytes += n;
            let pages = Pages {
                file: Arc::clone(&self.file),
                codec: chunk.compression(),
                span: start..end,
                nullable: chunk.column_descr().max_def_level() > 0,
                limits: self.limits,
            };
            let is_unsigned = is_unsigned(chunk.column_descr());
            let reader = get_column_reader(chunk.column_descr_ptr(), Box::new(pages));
            columns.push(Column::new(reader, is_unsigned).ok_or_else(|| damaged("type of a column"))?);
        }
        // Two groups may name the same bytes: more than the file holds is not what was read of it.
        Ok((columns, group_bytes.min(self.file_bytes)))
    }

    /// Appends some rows: all that can be read, even if a column is damaged behind them.
    fn batch(&mut self, out: &mut Vec<u8>) -> Result<(), Broken> {
        let n_rows = BATCH_ROWS.min(usize::try_from(self.n_rows_left).unwrap_or(BATCH_ROWS));
        let mut damage = None;
        let mut n_bytes = 0;
        for column in &mut self.columns {
            if let Err(err) = guarded(|| column.fill(n_rows)) {
                if !is_between_pages(&err) {
                    column.clear();
                }
                damage = damage.or_else(|| Some(why(&err)));
            }
            n_bytes += column.text_bytes();
            if n_bytes > BATCH_BYTES_MAX {
                return Err(self.corrupt("values that are too long"));
            }
        }
        for row in 0..n_rows {
            let start = out.len();
            if !self.columns.iter_mut().all(|column| column.write(row, out)) {
                out.truncate(start);
                return Err(self.corrupt(&damage.unwrap_or_else(|| "columns of unequal length".to_owned())));
            }
            out.pop();
            out.push(b'\n');
        }
        self.n_rows_left -= n_rows as u64;
        Ok(())
    }

    fn corrupt(&self, why: &str) -> Broken {
        let why = match self.next_group {
            0 => why.to_owned(),
            group => format!("row group {group}: {why}"),
        };
        Broken::Corrupt { container: Container::Parquet, at: self.at, why }
    }
}

impl Layer for Rows {
    fn read(&mut self, out: &mut Vec<u8>, want: usize) -> Result<bool, Broken> {
        let stop = out.len().saturating_add(want);
        out.append(&mut self.names);
        while out.len() < stop {
            if self.n_rows_left == 0 {
                if !self.open_group()? {
                    return Ok(false);
                }
                continue;
            }
            let start = out.len();
            let result = self.batch(out);
            self.at.inflated += (out.len() - start) as u64;
            result?;
            self.limits.check(Container::Parquet, self.at)?;
        }
        Ok(true)
    }

    fn bytes_read(&self) -> u64 {
        self.at.compressed.min(self.file_bytes)
    }
}

thread_local! {
    static IS_GUARDED: Cell<bool> = const { Cell::new(false) };
}

/// Whether a panic of this thread is about to be caught here, so that the program's panic hook need not print it.
pub fn is_guarded() -> bool {
    IS_GUARDED.get()
}

/// Runs code of the `parquet` crate, which panics on some damaged files (it slices and asserts by what the file says).
/// Nothing of ours is half changed by that: what it was reading is dropped.
fn guarded<T>(run: impl FnOnce() -> Result<T, ParquetError>) -> Result<T, ParquetError> {
    IS_GUARDED.set(true);
    let result = catch_unwind(AssertUnwindSafe(run));
    IS_GUARDED.set(false);
    result.unwrap_or_else(|_| Err(ParquetError::General("values that make no sense".to_owned())))
}

/// Whether the error is of [`Pages`]. Then the values before are true; else they end in zeros that were to be overwritten.
fn is_between_pages(err: &ParquetError) -> bool {
    matches!(err, ParquetError::External(_))
}

fn why(err: &ParquetError) -> String {
    match err {
        ParquetError::General(why) | ParquetError::EOF(why) | ParquetError::NYI(why) => why.clone(),
        ParquetError::External(err) => err.to_string(),
        err => err.to_string(),
    }
}

/// The footer, and how long the file is.
fn footer(file: &mut dyn Handle) -> io::Result<(Vec<u8>, u64)> {
    let invalid = |why| io::Error::new(io::ErrorKind::InvalidData, why);
    let size = file.seek(SeekFrom::End(0))?;
    let body_end = size.checked_sub(TAIL_BYTES).ok_or_else(|| invalid("it is too short"))?;
    file.seek(SeekFrom::Start(body_end))?;
    let mut tail = [0; TAIL_BYTES as usize];
    file.read_exact(&mut tail)?;
    let [a, b, c, d, magic @ ..] = tail;
    if magic != *MAGIC {
        return Err(invalid("it is cut off"));
    }
    let n = u64::from(u32::from_le_bytes([a, b, c, d]));
    if n > body_end.min(FOOTER_BYTES_MAX) {
        return Err(invalid("its footer is too long"));
    }
    file.seek(SeekFrom::Start(body_end - n))?;
    let mut footer = vec![0; n as usize];
    file.read_exact(&mut footer)?;
    Ok((footer, size))
}

/// Whether the values are numbers or text, and nothing finer.
fn is_plain(column: &ColumnDescriptor) -> bool {
    use ConvertedType as C;
    if column.max_rep_level() > 0 || column.max_def_level() > 1 {
        return false;
    }
    let logical = matches!(
        column.logical_type_ref(),
        None | Some(LogicalType::String | LogicalType::Enum | LogicalType::Integer { .. })
    );
    let converted = match column.physical_type() {
        Type::INT32 | Type::INT64 => matches!(
            column.converted_type(),
            C::NONE | C::INT_8 | C::INT_16 | C::INT_32 | C::INT_64 | C::UINT_8 | C::UINT_16 | C::UINT_32 | C::UINT_64
        ),
        Type::BYTE_ARRAY => matches!(column.converted_type(), C::NONE | C::UTF8 | C::ENUM),
        _ => false,
    };
    logical && converted
}

fn is_unsigned(column: &ColumnDescriptor) -> bool {
    use ConvertedType as C;
    matches!(column.converted_type(), C::UINT_8 | C::UINT_16 | C::UINT_32 | C::UINT_64)
}

fn unsupported(schema: &SchemaDescriptor) -> String {
    let columns = schema.columns().iter().take(COLUMNS_SHOWN);
    let names: Vec<String> = columns.map(|column| show_text(&column.path().string())).collect();
    let more = match schema.num_columns().saturating_sub(COLUMNS_SHOWN) {
        0 => String::new(),
        n => format!(" and {n} more"),
    };
    format!("is Parquet with columns {}{more}: only flow-log shaped files can be read", names.join(", "))
}

fn line_of_names(schema: &SchemaDescriptor) -> Vec<u8> {
    let mut line = Vec::new();
    for column in schema.columns() {
        write_text(column.name().replace('_', "-").as_bytes(), &mut line);
    }
    line.pop();
    line.push(b'\n');
    line
}

enum Column {
    Int32(Values<Int32Type>),
    Int64(Values<Int64Type>),
    Unsigned32(Values<Int32Type>),
    Unsigned64(Values<Int64Type>),
    Text(Values<ByteArrayType>),
}

impl Column {
    fn new(reader: ColumnReader, is_unsigned: bool) -> Option<Column> {
        Some(match reader {
            ColumnReader::Int32ColumnReader(reader) if is_unsigned => Column::Unsigned32(Values::new(reader)),
            ColumnReader::Int32ColumnReader(reader) => Column::Int32(Values::new(reader)),
            ColumnReader::Int64ColumnReader(reader) if is_unsigned => Column::Unsigned64(Values::new(reader)),
            ColumnReader::Int64ColumnReader(reader) => Column::Int64(Values::new(reader)),
            ColumnReader::ByteArrayColumnReader(reader) => Column::Text(Values::new(reader)),
            _ => return None,
        })
    }

    fn fill(&mut self, n_rows: usize) -> Result<(), ParquetError> {
        match self {
            Column::Int32(values) | Column::Unsigned32(values) => values.fill(n_rows),
            Column::Int64(values) | Column::Unsigned64(values) => values.fill(n_rows),
            Column::Text(values) => values.fill(n_rows),
        }
    }

    fn clear(&mut self) {
        match self {
            Column::Int32(values) | Column::Unsigned32(values) => values.clear(),
            Column::Int64(values) | Column::Unsigned64(values) => values.clear(),
            Column::Text(values) => values.clear(),
        }
    }

    fn text_bytes(&self) -> usize {
        match self {
            Column::Text(values) => values.values.iter().map(|text| text.len()).sum(),
            _ => 0,
        }
    }

    /// Appends the value of a row and a blank. False: it could not be read.
    fn write(&mut self, row: usize, out: &mut Vec<u8>) -> bool {
        match self {
            Column::Int32(values) => values.next(row).map(|value| write_number(value, out)),
            Column::Int64(values) => values.next(row).map(|value| write_number(value, out)),
            Column::Unsigned32(values) => {
                values.next(row).map(|value| write_number(value.map(|value| value.cast_unsigned()), out))
            }
            Column::Unsigned64(values) => {
                values.next(row).map(|value| write_number(value.map(|value| value.cast_unsigned()), out))
            }
            Column::Text(values) => {
                values.next(row).map(|value| write_text(value.map_or(b"", |text| text.data()), out))
            }
        }
        .is_some()
    }
}

/// The values of a column in some rows.
struct Values<T: DataType> {
    reader: ColumnReaderImpl<T>,
    /// Those that are not null.
    values: Vec<T::T>,
    /// For each row 0 if null, 1 if not; nothing if the column holds no nulls.
    levels: Vec<i16>,
    next: usize,
}

impl<T: DataType> Values<T> {
    fn new(reader: ColumnReaderImpl<T>) -> Values<T> {
        Values { reader, values: Vec::new(), levels: Vec::new(), next: 0 }
    }

    fn fill(&mut self, n_rows: usize) -> Result<(), ParquetError> {
        self.clear();
        let levels = Some(&mut self.levels);
        self.reader.read_records(n_rows, levels, None, &mut self.values).map(drop)
    }

    fn clear(&mut self) {
        self.values.clear();
        self.levels.clear();
        self.next = 0;
    }

    fn next(&mut self, row: usize) -> Option<Option<&T::T>> {
        if !self.levels.is_empty() && *self.levels.get(row)? == 0 {
            return Some(None);
        }
        self.next += 1;
        self.values.get(self.next - 1).map(Some)
    }
}

fn write_number(value: Option<impl std::fmt::Display>, out: &mut Vec<u8>) {
    match value {
        Some(value) => write!(out, "{value} ").expect("writing to memory cannot fail"),
        None => out.extend_from_slice(b"- "),
    }
}

/// Appends a value such that it is one word. Percent signs stay, for what AWS percent-encodes itself it does in text files too.
fn write_text(value: &[u8], out: &mut Vec<u8>) {
    if value.is_empty() {
        out.push(b'-');
    } else if value.iter().all(u8::is_ascii_graphic) {
        out.extend_from_slice(value);
    } else {
        for chunk in value.utf8_chunks() {
            for c in chunk.valid().chars() {
                let mut bytes = [0; 4];
                let bytes = c.encode_utf8(&mut bytes).as_bytes();
                match c.is_whitespace() || c.is_control() {
                    true => write_percent(bytes, out),
                    false => out.extend_from_slice(bytes),
                }
            }
            write_percent(chunk.invalid(), out);
        }
    }
    out.push(b' ');
}

fn write_percent(bytes: &[u8], out: &mut Vec<u8>) {
    for byte in bytes {
        write!(out, "%{byte:02X}").expect("writing to memory cannot fail");
    }
}
