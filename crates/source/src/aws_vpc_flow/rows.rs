//! Rows of flow logs, split 64 bytes at a time.
//!
//! A row is mostly values that nobody reads, so its blanks are found first, by one pass that needs no look at the values, and only the columns
//! that a layout has slots for are noted. A row that is not written as AWS writes it is left to [`Columns::values`], which defines what a row is.

use std::collections::BTreeSet;
use std::sync::Arc;

use event::layout::Layout;
use event::scan::{Slot, Slots};

use super::format::Columns;

/// Rows of one flow log, as one layout reads them.
#[derive(Clone, Debug)]
pub struct Rows {
    columns: Columns,
    /// The column that each slot takes, plus one; 0 for none, and for those of `repeated`.
    column_of: Arc<[u16]>,
    /// The columns that some slot takes.
    wanted: Box<[usize]>,
    /// Where the same name is given to several columns, or there are very many: each of them, with a slot.
    repeated: Box<[(usize, Slot)]>,
    /// The columns of digits.
    numbers: Box<[usize]>,
    /// Where each column of the row in hand ends; reused, so that no row costs an allocation.
    ends: Box<[u32]>,
}

impl Rows {
    /// Rows of these columns for this layout.
    pub fn new(columns: &Columns, layout: &Layout) -> Rows {
        let slots = |(column, name)| layout.column(name).into_iter().map(move |slot| (column, slot));
        let pairs: Vec<(usize, Slot)> = columns.names().enumerate().flat_map(slots).collect();
        let mut n_columns = vec![0usize; layout.n_slots()];
        pairs.iter().for_each(|(_, slot)| n_columns[*slot as usize] += 1);
        let is_single =
            |(column, slot): &(usize, Slot)| *column < usize::from(u16::MAX) && n_columns[*slot as usize] == 1;
        let (single, repeated): (Vec<_>, Vec<_>) = pairs.iter().copied().partition(is_single);
        let mut column_of = vec![0; layout.n_slots()];
        single.iter().for_each(|(column, slot)| column_of[*slot as usize] = *column as u16 + 1);
        Rows {
            column_of: column_of.into(),
            wanted: single.iter().map(|(column, _)| *column).collect::<BTreeSet<_>>().into_iter().collect(),
            repeated: repeated.into(),
            numbers: (0..columns.len()).filter(|column| columns.is_number(*column)).collect(),
            ends: vec![0; columns.len()].into(),
            columns: columns.clone(),
        }
    }

    /// Whether these are the columns, told at a glance.
    pub fn have(&self, columns: &Columns) -> bool {
        self.columns.is_same(columns)
    }

    /// Puts a row into the slots. `-` is a value that is not there.
    pub fn fill(&mut self, line: &str, slots: &mut Slots) -> Result<(), &'static str> {
        slots.start_row(&self.column_of);
        let bytes = line.as_bytes();
        if !self.split(bytes) || !self.has_digits(bytes) {
            self.wanted.iter().for_each(|column| slots.put_column(*column, 0, 0));
            return self.columns.values(line, |column, start, end| {
                slots.put_column(column, start, end);
                // In the order of the columns: a hostile header may repeat one name a million times.
                let from = self.repeated.partition_point(|(repeated, _)| *repeated < column);
                let here = self.repeated[from..].iter().take_while(|(repeated, _)| *repeated == column);
                here.for_each(|(_, slot)| slots.put_text(*slot, start, end));
            });
        }
        let is_there = |start, end| end - start != 1 || bytes[start] != b'-';
        for column in &self.wanted {
            let (start, end) = self.place(*column);
            slots.put_column(*column, start, if is_there(start, end) { end } else { start });
        }
        for (column, slot) in &self.repeated {
            let (start, end) = self.place(*column);
            if is_there(start, end) {
                slots.put_text(*slot, start, end);
            }
        }
        Ok(())
    }

    #[inline]
    fn place(&self, column: usize) -> (usize, usize) {
        let start = if column == 0 { 0 } else { self.ends[column - 1] + 1 };
        (start as usize, self.ends[column] as usize)
    }

    /// Notes where the columns end; false where the row has another number of them, or more than one blank between two.
    fn split(&mut self, line: &[u8]) -> bool {
        let ends = &mut self.ends[..];
        let (mut column, mut start) = (0, 0);
        let (blocks, rest) = line.as_chunks::<64>();
        let mut last = [0; 64];
        last[..rest.len()].copy_from_slice(rest);
        for (i, block) in blocks.iter().chain([&last]).enumerate() {
            let mut found = blanks(block);
            while found != 0 {
                let end = i * 64 + found.trailing_zeros() as usize;
                found &= found - 1;
                if column + 1 >= ends.len() || end == start {
                    return false;
                }
                ends[column] = end as u32;
                column += 1;
                start = end + 1;
            }
        }
        if column + 1 != ends.len() || start == line.len() {
            return false;
        }
        ends[column] = line.len() as u32;
        true
    }

    /// Whether the columns of digits hold nothing else.
    fn has_digits(&self, line: &[u8]) -> bool {
        self.numbers.iter().all(|column| {
            let (start, end) = self.place(*column);
            is_digits(line, start, end) || &line[start..end] == b"-"
        })
    }
}

/// One bit for each blank. Written so that the compiler compares 16 bytes at a time.
#[inline]
fn blanks(block: &[u8; 64]) -> u64 {
    const BIT: [[u8; 8]; 8] = [[1, 2, 4, 8, 16, 32, 64, 128]; 8];
    let mut marks = [0; 64];
    for ((mark, byte), bit) in marks.iter_mut().zip(block).zip(BIT.as_flattened()) {
        *mark = if *byte == b' ' || *byte == b'\t' { *bit } else { 0 };
    }
    // Eight bytes of one bit each, all different: their sum, which the product has in its highest byte, is their union.
    let union = |eight: &[u8; 8]| u64::from_le_bytes(*eight).wrapping_mul(0x0101_0101_0101_0101) >> 56;
    marks.as_chunks().0.iter().rev().fold(0, |bits, eight| bits << 8 | union(eight))
}

/// Whether the place holds digits only; eight at a time, from its end.
#[inline]
fn is_digits(line: &[u8], start: usize, mut end: usize) -> bool {
    const HIGH: u64 = 0xF0F0_F0F0_F0F0_F0F0;
    const DIGIT: u64 = 0x3030_3030_3030_3030;
    while end > start {
        let Some(eight) = line[..end].last_chunk() else {
            return line[start..end].iter().all(u8::is_ascii_digit);
        };
        let word = u64::from_le_bytes(*eight);
        // What lies before the start is not looked at.
        let here = u64::MAX << (64 - 8 * (end - start).min(8));
        // 0x30 to 0x39 keep their upper half when 6 is added, and so do no others. In text no byte is large enough to carry.
        let kept = (word & HIGH) | (word.wrapping_add(0x0606_0606_0606_0606) & HIGH) >> 4;
        if (kept ^ (DIGIT | DIGIT >> 4)) & here != 0 {
            return false;
        }
        end = end.saturating_sub(8);
    }
    true
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn blanks_and_digits_are_those_of_each_byte(text in "[ \t0-9:/a-zé\u{10FFFF}-]{0,60}", a in 0usize..60, b in 0usize..60) {
            let bytes = text.as_bytes();
            let mut block = [0; 64];
            let n = bytes.len().min(64);
            block[..n].copy_from_slice(&bytes[..n]);
            let defined = (0..64).fold(0, |bits, i| bits | u64::from(matches!(block[i], b' ' | b'\t')) << i);
            prop_assert_eq!(blanks(&block), defined);
            let (a, b) = (a.min(bytes.len()), b.min(bytes.len()));
            let (start, end) = (a.min(b), a.max(b));
            prop_assert_eq!(is_digits(bytes, start, end), bytes[start..end].iter().all(u8::is_ascii_digit));
        }
    }
}
