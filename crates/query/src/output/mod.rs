//! Rows for people and programs. Every writer takes batches as they come and keeps none, but for the first ones of a table, which tell
//! how wide its columns are.

mod csv;
mod json;
mod parquet;
mod table;

use std::io::{self, Write};

use datafusion::arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use datafusion::arrow::datatypes::{Float64Type, Int64Type, TimestampMicrosecondType};

use crate::kind::{Kind, number_text, time_text};

/// How rows are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// For a terminal.
    Table {
        /// How many columns it has.
        width: usize,
    },
    /// A JSON array of objects.
    Json,
    /// A JSON object a line.
    JsonLines,
    /// RFC 4180.
    Csv,
    /// Apache Parquet.
    Parquet,
}

impl Format {
    /// The format of this name.
    pub fn named(name: &str) -> Option<Format> {
        match name {
            "table" => Some(Format::Table { width: 120 }),
            "json" => Some(Format::Json),
            "jsonl" => Some(Format::JsonLines),
            "csv" => Some(Format::Csv),
            "parquet" => Some(Format::Parquet),
            _ => None,
        }
    }
}

/// Takes the rows of one answer.
pub trait Rows {
    /// Writes these rows.
    ///
    /// # Errors
    /// When they cannot be written.
    fn rows(&mut self, batch: &RecordBatch) -> io::Result<()>;

    /// Writes what comes after the last row.
    ///
    /// # Errors
    /// When it cannot be written.
    fn end(&mut self) -> io::Result<()>;
}

/// A writer for an answer with these columns.
///
/// # Errors
/// When what comes before the first row cannot be written.
pub fn writer<'w>(
    format: Format,
    columns: &[(String, Kind)],
    out: Box<dyn Write + Send + 'w>,
) -> io::Result<Box<dyn Rows + 'w>> {
    Ok(match format {
        Format::Table { width } => Box::new(table::Table::new(columns, out, width)),
        Format::Json => Box::new(json::Json::new(columns, out, true)?),
        Format::JsonLines => Box::new(json::Json::new(columns, out, false)?),
        Format::Csv => Box::new(csv::Csv::new(columns, out)?),
        Format::Parquet => Box::new(parquet::Parquet::new(columns, out)?),
    })
}

/// One value of a row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Cell<'a> {
    /// Nothing.
    Missing,
    /// Text.
    Text(&'a str),
    /// A map or list, as its JSON.
    Json(&'a str),
    /// A whole number.
    Integer(i64),
    /// A number.
    Number(f64),
    /// Yes or no.
    Boolean(bool),
    /// Milliseconds since 1970, UTC.
    Time(i64),
}

impl Cell<'_> {
    /// The value as text; nothing where it is missing.
    pub fn text(&self) -> Option<String> {
        match *self {
            Cell::Missing => None,
            Cell::Text(text) | Cell::Json(text) => Some(text.to_owned()),
            Cell::Integer(n) => Some(n.to_string()),
            Cell::Number(n) => number_text(n),
            Cell::Boolean(yes) => Some(i64::from(yes).to_string()),
            Cell::Time(ms) => Some(time_text(ms)),
        }
    }
}

/// The value of a column in a row.
pub fn cell(array: &ArrayRef, kind: Kind, row: usize) -> Cell<'_> {
    if array.is_null(row) {
        return Cell::Missing;
    }
    match kind {
        Kind::Text | Kind::Json => {
            let text = match (array.as_string_view_opt(), array.as_string_opt::<i32>()) {
                (Some(view), _) => view.value(row),
                (None, Some(text)) => text.value(row),
                (None, None) => return Cell::Missing,
            };
            if kind == Kind::Json { Cell::Json(text) } else { Cell::Text(text) }
        }
        Kind::Integer => array.as_primitive_opt::<Int64Type>().map_or(Cell::Missing, |n| Cell::Integer(n.value(row))),
        Kind::Number => array.as_primitive_opt::<Float64Type>().map_or(Cell::Missing, |n| Cell::Number(n.value(row))),
        Kind::Boolean => array.as_boolean_opt().map_or(Cell::Missing, |yes| Cell::Boolean(yes.value(row))),
        Kind::Time => {
            let times = array.as_primitive_opt::<TimestampMicrosecondType>();
            times.map_or(Cell::Missing, |times| Cell::Time(times.value(row).div_euclid(1_000)))
        }
    }
}

#[cfg(test)]
mod tests;
