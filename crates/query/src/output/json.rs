//! JSON: an array of objects, or an object a line. A missing value is a missing key; numbers are numbers, booleans are 1 and 0.

use std::io::{self, Write};

use datafusion::arrow::array::RecordBatch;
use event::value::write_string;

use super::{Cell, Rows, cell};
use crate::kind::{Kind, number_text, time_text};

pub(super) struct Json<'w> {
    /// Keys as they are written, colon included.
    keys: Vec<(String, Kind)>,
    out: Box<dyn Write + Send + 'w>,
    is_array: bool,
    n_rows: u64,
    line: String,
}

impl<'w> Json<'w> {
    pub(super) fn new(
        columns: &[(String, Kind)],
        mut out: Box<dyn Write + Send + 'w>,
        is_array: bool,
    ) -> io::Result<Json<'w>> {
        let key = |(name, kind): &(String, Kind)| {
            let mut key = String::new();
            write_string(name, &mut key);
            key.push(':');
            (key, *kind)
        };
        if is_array {
            out.write_all(b"[")?;
        }
        Ok(Json { keys: columns.iter().map(key).collect(), out, is_array, n_rows: 0, line: String::new() })
    }
}

impl Rows for Json<'_> {
    fn rows(&mut self, batch: &RecordBatch) -> io::Result<()> {
        for row in 0..batch.num_rows() {
            self.line.clear();
            match (self.is_array, self.n_rows) {
                (true, 0) => self.line.push('\n'),
                (true, _) => self.line.push_str(",\n"),
                (false, _) => {}
            }
            self.line.push('{');
            let mut is_first = true;
            for ((key, kind), array) in self.keys.iter().zip(batch.columns()) {
                let Some(value) = value(&cell(array, *kind, row)) else { continue };
                if !std::mem::replace(&mut is_first, false) {
                    self.line.push(',');
                }
                self.line.push_str(key);
                self.line.push_str(&value);
            }
            self.line.push('}');
            if !self.is_array {
                self.line.push('\n');
            }
            self.n_rows += 1;
            self.out.write_all(self.line.as_bytes())?;
        }
        Ok(())
    }

    fn end(&mut self) -> io::Result<()> {
        if self.is_array {
            self.out.write_all(if self.n_rows == 0 { b"]\n" } else { b"\n]\n" })?;
        }
        self.out.flush()
    }
}

/// A value as JSON; nothing where it is missing.
fn value(cell: &Cell<'_>) -> Option<String> {
    let quoted = |text: &str| {
        let mut out = String::new();
        write_string(text, &mut out);
        out
    };
    match *cell {
        Cell::Missing => None,
        Cell::Text(text) => Some(quoted(text)),
        // A map or list came out of our own functions, but SQL can make text of any kind look like one.
        Cell::Json(text) => Some(match serde_json::from_str::<serde_json::Value>(text) {
            Ok(_) => text.replace(['\n', '\r'], " "),
            Err(_) => quoted(text),
        }),
        Cell::Integer(n) => Some(n.to_string()),
        Cell::Number(n) => number_text(n),
        Cell::Boolean(yes) => Some(i64::from(yes).to_string()),
        Cell::Time(ms) => Some(quoted(&time_text(ms))),
    }
}
