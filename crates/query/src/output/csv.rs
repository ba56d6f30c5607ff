//! CSV as RFC 4180 has it. Spreadsheets run a cell that starts like a formula, so such a text gets a leading apostrophe, as in our reports.

use std::borrow::Cow;
use std::io::{self, Write};

use datafusion::arrow::array::RecordBatch;

use super::{Cell, Rows, cell};
use crate::kind::Kind;

pub(super) struct Csv<'w> {
    kinds: Vec<Kind>,
    out: Box<dyn Write + Send + 'w>,
    line: String,
}

impl<'w> Csv<'w> {
    pub(super) fn new(columns: &[(String, Kind)], mut out: Box<dyn Write + Send + 'w>) -> io::Result<Csv<'w>> {
        let mut line = String::new();
        for (i, (name, _)) in columns.iter().enumerate() {
            separate(&mut line, i);
            // A name is not the data's but the query's, and `@timestamp` is the most usual of all.
            push(&mut line, name, name.starts_with(['=', '+', '-', '\t', '\r', '\n']));
        }
        line.push_str("\r\n");
        out.write_all(line.as_bytes())?;
        Ok(Csv { kinds: columns.iter().map(|(_, kind)| *kind).collect(), out, line })
    }
}

impl Rows for Csv<'_> {
    fn rows(&mut self, batch: &RecordBatch) -> io::Result<()> {
        for row in 0..batch.num_rows() {
            self.line.clear();
            for (i, (kind, array)) in self.kinds.iter().zip(batch.columns()).enumerate() {
                separate(&mut self.line, i);
                let value = cell(array, *kind, row);
                // A negative number is no formula.
                let is_text = matches!(value, Cell::Text(_) | Cell::Json(_));
                if let Some(text) = value.text() {
                    push(&mut self.line, &text, is_text && is_formula(&text));
                }
            }
            self.line.push_str("\r\n");
            self.out.write_all(self.line.as_bytes())?;
        }
        Ok(())
    }

    fn end(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

fn separate(line: &mut String, i: usize) {
    if i > 0 {
        line.push(',');
    }
}

fn is_formula(text: &str) -> bool {
    let is_number = crate::kind::number_of(text).is_some();
    !is_number && text.starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠', '\t', '\r', '\n'])
}

/// What hides or reorders text on a screen is spelled out; lines and tabs stay.
fn harmless(text: &str) -> Cow<'_, str> {
    let hides = |c: char| {
        (c.is_control() && !matches!(c, '\n' | '\r' | '\t'))
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
    };
    if !text.contains(hides) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if hides(c) { out.extend(c.escape_default()) } else { out.push(c) }
    }
    Cow::Owned(out)
}

fn push(line: &mut String, text: &str, is_formula: bool) {
    let text = harmless(text);
    if !is_formula && !text.contains([',', '"', '\r', '\n']) {
        line.push_str(&text);
        return;
    }
    line.push('"');
    if is_formula {
        line.push('\'');
    }
    line.push_str(&text.replace('"', "\"\""));
    line.push('"');
}
