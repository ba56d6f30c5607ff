//! Walks over thrift structures (compact protocol), in which Parquet keeps its footer and the headers of its pages.
//!
//! The `parquet` crate reserves memory, and loops, by lengths that the file claims. What has been walked here claims no
//! more than there is. Only what Parquet uses is accepted, so that there is one reading of the bytes.

const DEPTH_MAX: usize = 32;

/// Walks over the structure that the bytes begin with, calling `visit` with each number, boolean, and length of a list and
/// the path of field numbers to it (an element of a list is 0). Returns how long it is; None: the bytes are no structure.
pub(crate) fn walk(bytes: &[u8], visit: &mut dyn FnMut(&[i16], i64)) -> Option<usize> {
    let mut walk = Walk { rest: bytes, path: Vec::new(), visit };
    walk.structure()?;
    Some(bytes.len() - walk.rest.len())
}

struct Walk<'a> {
    rest: &'a [u8],
    path: Vec<i16>,
    visit: &'a mut dyn FnMut(&[i16], i64),
}

impl Walk<'_> {
    fn structure(&mut self) -> Option<()> {
        let mut id: i16 = 0;
        loop {
            let byte = self.byte()?;
            let kind = byte & 0x0F;
            if kind == 0 {
                return (byte == 0).then_some(());
            }
            id = match byte >> 4 {
                0 => i16::try_from(self.number()?).ok()?,
                delta => id.checked_add(i16::from(delta))?,
            };
            self.within(id, |walk| match kind {
                1 | 2 => {
                    (walk.visit)(&walk.path, i64::from(kind == 1));
                    Some(())
                }
                _ => walk.value(kind),
            })?;
        }
    }

    fn value(&mut self, kind: u8) -> Option<()> {
        match kind {
            3 => self.skip(1),
            4..=6 => {
                let number = self.number()?;
                (self.visit)(&self.path, number);
                Some(())
            }
            7 => self.skip(8),
            8 => {
                let n = self.unsigned()?;
                self.skip(usize::try_from(n).ok()?)
            }
            9 => self.list(),
            12 => self.structure(),
            // Sets, maps, and booleans in lists are not in Parquet, and readers differ on how long they are.
            _ => None,
        }
    }

    fn list(&mut self) -> Option<()> {
        let header = self.byte()?;
        let n = match header >> 4 {
            15 => self.unsigned()?,
            n => u64::from(n),
        };
        // An element is at least one byte.
        if n > self.rest.len() as u64 {
            return None;
        }
        (self.visit)(&self.path, n as i64);
        self.within(0, |walk| (0..n).try_for_each(|_| walk.value(header & 0x0F).map(drop)))
    }

    fn within(&mut self, id: i16, walk: impl FnOnce(&mut Self) -> Option<()>) -> Option<()> {
        if self.path.len() == DEPTH_MAX {
            return None;
        }
        self.path.push(id);
        walk(self)?;
        self.path.pop();
        Some(())
    }

    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*first)
    }

    fn skip(&mut self, n: usize) -> Option<()> {
        self.rest = self.rest.get(n..)?;
        Some(())
    }

    fn unsigned(&mut self) -> Option<u64> {
        let (number, n) = varint(self.rest)?;
        self.skip(n)?;
        Some(number)
    }

    fn number(&mut self) -> Option<i64> {
        let number = self.unsigned()?;
        Some((number >> 1) as i64 ^ -((number & 1) as i64))
    }
}

/// The number that the bytes begin with, seven bits a byte, and how long it is.
pub(crate) fn varint(bytes: &[u8]) -> Option<(u64, usize)> {
    let mut number = 0;
    for (i, byte) in bytes.iter().take(10).enumerate() {
        number |= u64::from(byte & 0x7F) << (7 * i);
        if byte & 0x80 == 0 {
            return Some((number, i + 1));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::walk;

    /// The numbers and their paths.
    fn check(bytes: &[u8]) -> Option<Vec<(Vec<i16>, i64)>> {
        let mut numbers = Vec::new();
        let n = walk(bytes, &mut |path, number| numbers.push((path.to_vec(), number)))?;
        assert!(n <= bytes.len());
        Some(numbers)
    }

    #[test]
    fn structures() {
        assert_eq!(check(b"\0rest"), Some(vec![]));
        // Field 1 is -1, field 2 is true, field 18 (told in full) is a structure of which field 3 is 300.
        let expected = vec![(vec![1], -1), (vec![2], 1), (vec![18, 3], 300)];
        assert_eq!(check(b"\x15\x01\x11\x0C\x24\x35\xD8\x04\0\0"), Some(expected));
        // Field 1 is a list of two numbers.
        assert_eq!(check(b"\x19\x25\x02\x04\0"), Some(vec![(vec![1], 2), (vec![1, 0], 1), (vec![1, 0], 2)]));
    }

    #[test]
    fn claims_of_more_than_there_is() {
        let list = b"\x19\xF5\xFF\xFF\xFF\xFF\x07\x02\0";
        assert_eq!(check(list), None);
        let text = b"\x18\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01x\0";
        assert_eq!(check(text), None);
        assert_eq!(check(&b"\x1C".repeat(10_000)), None);
    }

    #[test]
    fn lists_of_booleans_of_which_the_length_is_disputed() {
        assert_eq!(check(b"\x19\x21\x01\x01\0"), None);
    }
}
