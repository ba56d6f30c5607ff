//! The keys of an object that lead somewhere, found by a hash.

/// Keys of an object, by a hash of their ends and length.
#[derive(Clone, Debug, Default)]
pub struct Keys {
    /// Indexes into `entries`, plus one; a power of two of them, at most half full.
    table: Box<[u16]>,
    entries: Vec<Entry>,
}

#[derive(Clone, Debug)]
struct Entry {
    name: Box<str>,
    ends: Ends,
    state: u32,
}

/// The first and the last bytes of a key, and its length: all of it when it has 16 bytes at most, as nearly every key has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Ends(u64, u64, usize);

impl Keys {
    /// A table of these keys, each with its number.
    pub fn new(entries: Vec<(Box<str>, u32)>) -> Keys {
        if entries.is_empty() {
            return Keys::default();
        }
        let entry = |(name, state): (Box<str>, u32)| Entry { ends: Ends::of(name.as_bytes()), name, state };
        let entries: Vec<Entry> = entries.into_iter().map(entry).collect();
        let size = (entries.len() * 4).next_power_of_two();
        let mut table = vec![0u16; size];
        for (i, entry) in entries.iter().enumerate() {
            let mut at = entry.ends.hash() as usize & (size - 1);
            while table[at] != 0 {
                at = (at + 1) & (size - 1);
            }
            // More than 65,534 distinct keys at one level is no rule set.
            table[at] = u16::try_from(i + 1).unwrap_or(u16::MAX);
        }
        Keys { table: table.into(), entries }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The ordinal of a key and the state behind it.
    #[inline]
    pub fn find(&self, key: &[u8]) -> Option<(usize, u32)> {
        if self.table.is_empty() {
            return None;
        }
        let ends = Ends::of(key);
        let mask = self.table.len() - 1;
        let mut at = ends.hash() as usize & mask;
        loop {
            let i = self.table[at] as usize;
            if i == 0 {
                return None;
            }
            let entry = &self.entries[i - 1];
            // The comparison of ends is the cheaper one, and is all there is to compare in a short key.
            if entry.ends == ends && (key.len() <= 16 || entry.name.as_bytes() == key) {
                return Some((i - 1, entry.state));
            }
            at = (at + 1) & mask;
        }
    }
}

impl Ends {
    #[inline]
    fn of(key: &[u8]) -> Ends {
        let (first, last) = match key.len() {
            0 => (0, 0),
            1..4 => (u64::from(key[0]), u64::from(key[key.len() - 1]) << 8 | u64::from(key[key.len() / 2])),
            4..8 => (half(&key[..4]), half(&key[key.len() - 4..])),
            _ => (word(key, 0), word(key, key.len() - 8)),
        };
        Ends(first, last, key.len())
    }

    #[inline]
    fn hash(self) -> u32 {
        let Ends(first, last, length) = self;
        let mixed =
            (first ^ (length as u64)).wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ last.wrapping_mul(0xC2B2_AE3D_27D4_EB4F);
        (mixed ^ (mixed >> 29)).wrapping_mul(0x9E37_79B9) as u32 ^ (mixed >> 40) as u32
    }
}

fn half(four: &[u8]) -> u64 {
    u64::from(u32::from_le_bytes([four[0], four[1], four[2], four[3]]))
}

/// Eight bytes of the text.
#[inline]
pub(super) fn word(text: &[u8], at: usize) -> u64 {
    let mut eight = [0; 8];
    eight.copy_from_slice(&text[at..at + 8]);
    u64::from_le_bytes(eight)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_that_differ_in_one_byte_are_told_apart() {
        for length in 0..40 {
            let name = "x".repeat(length);
            let keys = Keys::new(vec![(name.as_str().into(), 7)]);
            assert_eq!(keys.find(name.as_bytes()), Some((0, 7)));
            assert_eq!(keys.find("x".repeat(length + 1).as_bytes()), None);
            for i in 0..length {
                let mut other = name.clone().into_bytes();
                other[i] = b'y';
                assert_eq!(keys.find(&other), None, "{length} {i}");
            }
        }
    }
}
