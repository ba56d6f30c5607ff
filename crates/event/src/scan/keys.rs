//! The keys of an object that lead somewhere, found by a hash.

/// Keys of an object, by a hash of their ends and length.
#[derive(Clone, Debug, Default)]
pub struct Keys {
    /// Indexes into `entries`, plus one; a power of two of them, at most half full.
    table: Box<[u16]>,
    pub(super) entries: Vec<(Box<str>, u32)>,
}

impl Keys {
    /// A table of these keys, each with its number.
    pub fn new(entries: Vec<(Box<str>, u32)>) -> Keys {
        if entries.is_empty() {
            return Keys::default();
        }
        let size = (entries.len() * 4).next_power_of_two();
        let mut table = vec![0u16; size];
        for (i, (name, _)) in entries.iter().enumerate() {
            let mut at = key_hash(name.as_bytes()) as usize & (size - 1);
            while table[at] != 0 {
                at = (at + 1) & (size - 1);
            }
            // More than 65,534 distinct keys at one level is no rule set.
            table[at] = u16::try_from(i + 1).unwrap_or(u16::MAX);
        }
        Keys { table: table.into(), entries }
    }

    /// The ordinal of a key and the state behind it.
    pub fn find(&self, key: &[u8]) -> Option<(usize, u32)> {
        if self.table.is_empty() {
            return None;
        }
        let mask = self.table.len() - 1;
        let mut at = key_hash(key) as usize & mask;
        loop {
            let i = self.table[at] as usize;
            if i == 0 {
                return None;
            }
            let (name, state) = &self.entries[i - 1];
            if name.as_bytes() == key {
                return Some((i - 1, *state));
            }
            at = (at + 1) & mask;
        }
    }
}

fn key_hash(key: &[u8]) -> u32 {
    let (a, b) = match key.len() {
        0 => (0, 0),
        1..4 => (u64::from(key[0]), u64::from(key[key.len() - 1]) << 8 | u64::from(key[key.len() / 2])),
        4..8 => (half(&key[..4]), half(&key[key.len() - 4..])),
        _ => (word(key, 0), word(key, key.len() - 8)),
    };
    let mixed = (a ^ (key.len() as u64)).wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ b.wrapping_mul(0xC2B2_AE3D_27D4_EB4F);
    (mixed ^ (mixed >> 29)).wrapping_mul(0x9E37_79B9) as u32 ^ (mixed >> 40) as u32
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
