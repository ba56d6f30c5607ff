//! One column in the making. Nulls cost nothing until a value follows them: most columns of most rows are null.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use arrow::array::NullBufferBuilder;
use arrow::array::{
    Array, ArrayRef, BooleanBuilder, FixedSizeBinaryBuilder, Int64Builder, MapArray, StringArray, StringBuilder,
    StructArray, TimestampMicrosecondBuilder, new_null_array,
};
use arrow::buffer::{OffsetBuffer, ScalarBuffer};
use arrow::datatypes::DataType;
use event::mapping::Cell;

use crate::columns::Type;

/// A column and how many rows of it are there.
#[derive(Debug)]
pub struct Column {
    builder: Builder,
    n: usize,
    /// Rows and bytes that it had the last time.
    before: (usize, usize),
    /// What it last was when no row had a value.
    empty: ArrayRef,
}

#[derive(Debug)]
enum Builder {
    Text(StringBuilder),
    Long(Int64Builder),
    Boolean(BooleanBuilder),
    Timestamp(TimestampMicrosecondBuilder),
    Map(Box<Map>),
    Fixed16(FixedSizeBinaryBuilder),
    /// The same in all rows, and the last array that was made of it.
    Same(Cell<'static>, ArrayRef),
}

impl Column {
    /// An empty column.
    pub fn new(ty: Type) -> Column {
        let builder = match ty {
            Type::Text => Builder::Text(StringBuilder::with_capacity(0, 0)),
            Type::Long => Builder::Long(Int64Builder::with_capacity(0)),
            Type::Boolean => Builder::Boolean(BooleanBuilder::with_capacity(0)),
            Type::Timestamp => Builder::Timestamp(TimestampMicrosecondBuilder::with_capacity(0).with_timezone("UTC")),
            Type::Map => Builder::Map(Box::default()),
            Type::Fixed16 => Builder::Fixed16(FixedSizeBinaryBuilder::with_capacity(0, 16)),
            Type::Double | Type::Binary => unreachable!("no column of an event holds these"),
        };
        Column { builder, n: 0, before: (0, 0), empty: new_null_array(&ty.arrow(), 0) }
    }

    /// A column that holds the same in all rows.
    pub fn same(ty: Type, cell: &Cell<'static>) -> Column {
        let mut one = Column::new(ty);
        one.put(0, cell);
        Column { builder: Builder::Same(cell.clone(), one.finish(1)), ..one }
    }

    /// Whether this row has a value already.
    #[inline]
    pub fn has(&self, row: usize) -> bool {
        self.n > row
    }

    /// Puts text that the column must hold exactly; false where its type cannot, or where the row has a value.
    #[inline]
    pub fn put_exact(&mut self, row: usize, text: &str) -> bool {
        if self.has(row) {
            return false;
        }
        match &self.builder {
            Builder::Text(_) => self.put_text(row, text),
            // Only what prints as it was written: a test on the number is then a test on the text.
            Builder::Long(_) if is_canonical(text) => match text.parse() {
                Ok(n) => self.put(row, &Cell::Integer(n)),
                Err(_) => return false,
            },
            Builder::Boolean(_) => match text.parse() {
                Ok(yes) => self.put(row, &Cell::Boolean(yes)),
                Err(_) => return false,
            },
            _ => return false,
        }
        true
    }

    /// Puts text into a column of text.
    #[inline]
    pub fn put_text(&mut self, row: usize, text: &str) {
        let Builder::Text(out) = &mut self.builder else { return };
        if self.n == 0 {
            let (rows, bytes) = self.before;
            if rows > 0 {
                *out = StringBuilder::with_capacity(rows + rows / 8, bytes + bytes / 8);
            }
        }
        // The builder of nulls makes its bits even for none.
        if self.n < row {
            out.append_nulls(row - self.n);
        }
        out.append_value(text);
        self.n = row + 1;
    }

    /// Adds nulls until there are so many rows.
    fn pad(&mut self, rows: usize) {
        let gap = rows - self.n;
        match &mut self.builder {
            Builder::Text(out) => out.append_nulls(gap),
            Builder::Long(out) => out.append_nulls(gap),
            Builder::Boolean(out) => out.append_nulls(gap),
            Builder::Timestamp(out) => out.append_nulls(gap),
            Builder::Fixed16(out) => out.append_nulls(gap),
            Builder::Map(_) | Builder::Same(..) => return,
        }
        self.n = rows;
    }

    /// Puts a value, as far as the type of the column can hold it; an instant goes into a timestamp in milliseconds.
    #[inline]
    pub fn put(&mut self, row: usize, cell: &Cell<'_>) {
        if self.n < row {
            self.pad(row);
        }
        match (&mut self.builder, cell) {
            (Builder::Text(_), Cell::Text(text)) => return self.put_text(row, text),
            (Builder::Text(_), Cell::Integer(n)) => return self.put_text(row, &n.to_string()),
            (Builder::Text(_), Cell::Boolean(yes)) => return self.put_text(row, if *yes { "true" } else { "false" }),
            (Builder::Long(out), Cell::Integer(n)) => out.append_value(*n),
            (Builder::Boolean(out), Cell::Boolean(yes)) => out.append_value(*yes),
            (Builder::Timestamp(out), Cell::Time(ms)) => out.append_value(ms.saturating_mul(1_000)),
            _ => return,
        }
        self.n = row + 1;
    }

    /// Puts sixteen bytes.
    pub fn put_fixed(&mut self, row: usize, bytes: &[u8; 16]) {
        if self.n < row {
            self.pad(row);
        }
        if let Builder::Fixed16(out) = &mut self.builder {
            out.append_value(bytes).expect("16 bytes are 16 bytes");
            self.n = row + 1;
        }
    }

    /// Adds a leaf to the row's map.
    #[inline]
    pub fn put_leaf(&mut self, row: usize, key: &str, value: &str) {
        if let Builder::Map(map) = &mut self.builder {
            map.put(row, key, value);
        }
    }

    /// The column of so many rows; none are left.
    pub fn finish(&mut self, rows: usize) -> ArrayRef {
        let is_empty = match &self.builder {
            Builder::Same(..) => false,
            Builder::Map(map) => map.is_empty(),
            _ => self.n == 0,
        };
        if is_empty {
            if self.empty.len() != rows {
                self.empty = new_null_array(self.empty.data_type(), rows);
            }
            return Arc::clone(&self.empty);
        }
        if self.n < rows {
            self.pad(rows);
        }
        self.n = 0;
        match &mut self.builder {
            Builder::Text(out) => {
                self.before = (rows, out.values_slice().len());
                Arc::new(out.finish())
            }
            Builder::Long(out) => Arc::new(out.finish()),
            Builder::Boolean(out) => Arc::new(out.finish()),
            Builder::Timestamp(out) => Arc::new(out.finish()),
            Builder::Fixed16(out) => Arc::new(out.finish()),
            Builder::Map(map) => map.finish(rows),
            Builder::Same(cell, last) => {
                if last.len() != rows {
                    *last = repeated(cell, rows);
                }
                Arc::clone(last)
            }
        }
    }
}

fn repeated(cell: &Cell<'_>, rows: usize) -> ArrayRef {
    match cell {
        Cell::Text(text) => Arc::new(StringArray::from_iter_values(std::iter::repeat_n(text, rows))),
        Cell::Integer(n) => Arc::new(arrow::array::Int64Array::from_value(*n, rows)),
        Cell::Boolean(yes) => Arc::new(arrow::array::BooleanArray::from(vec![*yes; rows])),
        Cell::Time(ms) => Arc::new(
            arrow::array::TimestampMicrosecondArray::from_value(ms.saturating_mul(1_000), rows).with_timezone("UTC"),
        ),
    }
}

/// Whether a whole number is written as it would be printed.
fn is_canonical(text: &str) -> bool {
    match text.strip_prefix('-').unwrap_or(text).as_bytes() {
        [b'0'] => text.len() == 1,
        [b'1'..=b'9', rest @ ..] => rest.iter().all(u8::is_ascii_digit),
        _ => false,
    }
}

/// Leaves of a row that are compared with each other one by one; beyond, they are looked up.
const COMPARED_MAX: usize = 32;

/// A column of maps from text to text.
///
/// Engines refuse a map that has a key twice, and records have them: the first counts, the record has all.
#[derive(Debug)]
struct Map {
    keys: StringBuilder,
    values: StringBuilder,
    offsets: Vec<i32>,
    is_filled: NullBufferBuilder,
    /// Whether the row after those that are done has leaves.
    is_open: bool,
    /// Of the open row.
    hashes: Vec<u32>,
    /// Of the open row, when it has many leaves: a hash that nobody can aim at, and the number of the leaf.
    many: HashMap<u64, usize>,
    random: RandomState,
}

impl Default for Map {
    fn default() -> Map {
        Map {
            keys: StringBuilder::with_capacity(0, 0),
            values: StringBuilder::with_capacity(0, 0),
            offsets: vec![0],
            is_filled: NullBufferBuilder::new(0),
            is_open: false,
            hashes: Vec::new(),
            many: HashMap::new(),
            random: RandomState::new(),
        }
    }
}

impl Map {
    fn is_empty(&self) -> bool {
        !self.is_open && self.offsets.len() == 1
    }

    #[inline]
    fn n_leaves(&self) -> usize {
        self.keys.offsets_slice().len() - 1
    }

    #[inline]
    fn put(&mut self, row: usize, key: &str, value: &str) {
        if !self.is_open || self.offsets.len() != row + 1 {
            self.close(row);
            self.is_open = true;
            self.hashes.clear();
            self.many.clear();
        }
        if self.has(key) {
            return;
        }
        self.keys.append_value(key);
        self.values.append_value(value);
    }

    /// Whether the open row has this key; if not, notes that it has now.
    #[inline]
    fn has(&mut self, key: &str) -> bool {
        if self.hashes.len() >= COMPARED_MAX {
            return self.has_among_many(key);
        }
        let hash = hash(key.as_bytes());
        if self.hashes.contains(&hash) {
            let first = self.n_leaves() - self.hashes.len();
            let same = |(i, have): (usize, &u32)| *have == hash && self.key(first + i) == key.as_bytes();
            if self.hashes.iter().enumerate().any(same) {
                return true;
            }
        }
        self.hashes.push(hash);
        false
    }

    #[cold]
    fn has_among_many(&mut self, key: &str) -> bool {
        let end = self.n_leaves();
        if self.many.is_empty() {
            for leaf in end - self.hashes.len()..end {
                let hash = self.random.hash_one(self.key(leaf));
                self.many.insert(hash, leaf);
            }
        }
        let hash = self.random.hash_one(key.as_bytes());
        match self.many.get(&hash) {
            Some(leaf) => self.key(*leaf) == key.as_bytes(),
            None => {
                self.many.insert(hash, end);
                false
            }
        }
    }

    fn key(&self, leaf: usize) -> &[u8] {
        let offsets = self.keys.offsets_slice();
        &self.keys.values_slice()[offsets[leaf] as usize..offsets[leaf + 1] as usize]
    }

    /// Ends the open row and adds rows without leaves until there are so many.
    fn close(&mut self, rows: usize) {
        let end = self.n_leaves() as i32;
        if std::mem::take(&mut self.is_open) {
            self.offsets.push(end);
            self.is_filled.append(true);
        }
        let n = self.offsets.len() - 1;
        if n < rows {
            self.offsets.resize(rows + 1, end);
            self.is_filled.append_n_nulls(rows - n);
        }
    }

    fn finish(&mut self, rows: usize) -> ArrayRef {
        self.close(rows);
        let DataType::Map(entries, _) = Type::Map.arrow() else { unreachable!("a map has the type of a map") };
        let DataType::Struct(fields) = entries.data_type().clone() else { unreachable!("a map's entries are structs") };
        let used = [&self.keys, &self.values].map(|out| (out.offsets_slice().len() - 1, out.values_slice().len()));
        let parts: Vec<ArrayRef> = vec![Arc::new(self.keys.finish()), Arc::new(self.values.finish())];
        let offsets = OffsetBuffer::new(ScalarBuffer::from(std::mem::replace(&mut self.offsets, vec![0])));
        let structs = StructArray::new(fields, parts, None);
        let map = MapArray::new(entries, offsets, structs, self.is_filled.finish(), false);
        for (out, (n, bytes)) in [&mut self.keys, &mut self.values].into_iter().zip(used) {
            *out = StringBuilder::with_capacity(n + n / 8, bytes + bytes / 8);
        }
        Arc::new(map)
    }
}

/// A quick hash; keys of equal hash are compared.
#[inline]
fn hash(key: &[u8]) -> u32 {
    const FACTOR: u64 = 0x9E37_79B9_7F4A_7C15;
    let mut state = key.len() as u64;
    let mut words = key.chunks_exact(8);
    for word in &mut words {
        let word = u64::from_le_bytes(word.try_into().unwrap_or_default());
        state = (state.rotate_left(23) ^ word).wrapping_mul(FACTOR);
    }
    let mut last = [0; 8];
    last[..words.remainder().len()].copy_from_slice(words.remainder());
    state = (state.rotate_left(23) ^ u64::from_le_bytes(last)).wrapping_mul(FACTOR);
    (state >> 32) as u32
}
