//! A table for a terminal: what is in the data cannot move the cursor, hide or reorder its neighbours, or make a line wider than the screen.

use std::io::{self, Write};

use datafusion::arrow::array::RecordBatch;
use predicate::diagnostic::visible;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::{Rows, cell};
use crate::kind::Kind;

/// How many rows are looked at before the first is written: they tell how wide the columns are.
const LOOKED_AT: usize = 200;
/// The least that a column is cut to.
const LEAST: usize = 8;
/// The most of a value that is looked at.
const VALUE_CHARS_MAX: usize = 400;
/// Between two columns.
const GAP: &str = "  ";

pub(super) struct Table<'w> {
    columns: Vec<(String, Kind)>,
    out: Box<dyn Write + Send + 'w>,
    width: usize,
    /// Rows that wait for the widths.
    waiting: Vec<Vec<String>>,
    widths: Option<Vec<usize>>,
}

impl<'w> Table<'w> {
    pub(super) fn new(columns: &[(String, Kind)], out: Box<dyn Write + Send + 'w>, width: usize) -> Table<'w> {
        let columns = columns.iter().map(|(name, kind)| (shown(name), *kind)).collect();
        Table { columns, out, width, waiting: Vec::new(), widths: None }
    }

    /// Settles the widths and writes what waited for them.
    fn settle(&mut self) -> io::Result<()> {
        let wanted = |i: usize| {
            let cells = self.waiting.iter().map(|row| row[i].width());
            cells.chain([self.columns[i].0.width()]).max().unwrap_or_default()
        };
        let wanted: Vec<usize> = (0..self.columns.len()).map(wanted).collect();
        let widths = fitted(&wanted, self.width);
        let names: Vec<String> = self.columns.iter().map(|(name, _)| name.clone()).collect();
        self.line(&names, &widths)?;
        let rules: Vec<String> = widths.iter().map(|width| "─".repeat(*width)).collect();
        self.line(&rules, &widths)?;
        for row in std::mem::take(&mut self.waiting) {
            self.line(&row, &widths)?;
        }
        self.widths = Some(widths);
        Ok(())
    }

    fn line(&mut self, cells: &[String], widths: &[usize]) -> io::Result<()> {
        let mut line = String::new();
        for (i, ((text, width), (_, kind))) in cells.iter().zip(widths).zip(&self.columns).enumerate() {
            if i > 0 {
                line.push_str(GAP);
            }
            let text = cut(text, *width);
            let blanks = " ".repeat(width - text.width().min(*width));
            match kind {
                Kind::Integer | Kind::Number => line.extend([blanks.as_str(), text.as_str()]),
                Kind::Text | Kind::Boolean | Kind::Time | Kind::Json => line.extend([text.as_str(), blanks.as_str()]),
            }
        }
        writeln!(self.out, "{}", line.trim_end())
    }
}

impl Rows for Table<'_> {
    fn rows(&mut self, batch: &RecordBatch) -> io::Result<()> {
        for row in 0..batch.num_rows() {
            let cells = self.columns.iter().zip(batch.columns());
            let shown =
                |(column, array): (&(String, Kind), _)| shown(&cell(array, column.1, row).text().unwrap_or_default());
            let cells: Vec<String> = cells.map(shown).collect();
            match self.widths.clone() {
                Some(widths) => self.line(&cells, &widths)?,
                None => self.waiting.push(cells),
            }
            if self.waiting.len() >= LOOKED_AT {
                self.settle()?;
            }
        }
        Ok(())
    }

    fn end(&mut self) -> io::Result<()> {
        if self.widths.is_none() {
            self.settle()?;
        }
        self.out.flush()
    }
}

/// A value on one line with what is invisible spelled out.
fn shown(text: &str) -> String {
    match text.char_indices().nth(VALUE_CHARS_MAX) {
        Some((at, _)) => format!("{}…", visible(&text[..at])),
        None => visible(text),
    }
}

/// Widths that fit the screen: the widest columns give way first.
fn fitted(wanted: &[usize], screen: usize) -> Vec<usize> {
    let room = screen.saturating_sub(GAP.len() * wanted.len().saturating_sub(1));
    let mut widths = wanted.to_vec();
    while widths.iter().sum::<usize>() > room {
        let widest = widths.iter().max().copied().unwrap_or_default();
        if widest <= LEAST {
            break;
        }
        let next = widths.iter().filter(|width| **width < widest).max().copied().unwrap_or(LEAST).max(LEAST);
        let n_widest = widths.iter().filter(|width| **width == widest).count();
        let over = widths.iter().sum::<usize>() - room;
        let less = (widest - next).min(over.div_ceil(n_widest)).max(1);
        widths.iter_mut().filter(|width| **width == widest).for_each(|width| *width -= less);
    }
    widths
}

/// The text in so many columns of the screen, with a mark where something is left out.
fn cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut out = String::new();
    let mut used = 1;
    for c in text.chars() {
        used += c.width().unwrap_or(0);
        if used > width {
            break;
        }
        out.push(c);
    }
    out.push('…');
    out
}
