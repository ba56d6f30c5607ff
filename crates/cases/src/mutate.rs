//! Seeds changed at random, always in the same way: what a fuzzer does, as an ordinary test of a few seconds.

use std::panic::{AssertUnwindSafe, catch_unwind};

/// Pieces that parsers have a meaning for.
const PIECES: [&str; 24] = [
    "\"", "\\", "{", "}", "[", "]", ":", ",", "\n", "\r\n", " ", "\t", "-", "0", "1e400", "null", "\\u0000", "\\ud800",
    "\u{feff}", "\u{202e}", "*", "?", "|", "- ",
];
/// Longer inputs say nothing more, and take longer.
const BYTES_MAX: usize = 64 << 10;

/// Calls `check` with so many changed seeds; `MUTATIONS=100` makes it a hundred times as many.
///
/// # Panics
/// When `check` does: the input is printed, to become a case.
pub fn mutate(seeds: &[Vec<u8>], n: usize, check: impl Fn(&[u8])) {
    assert!(!seeds.is_empty(), "nothing to change");
    let times = std::env::var("MUTATIONS").ok().and_then(|times| times.parse().ok()).unwrap_or(1);
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    for round in 0..n * times {
        let mut input = seeds[if round < seeds.len() { round } else { dice.below(seeds.len()) }].clone();
        let n_changes = if round < seeds.len() { 0 } else { 1 + dice.below(6) };
        for _ in 0..n_changes {
            change(&mut input, seeds, &mut dice);
        }
        input.truncate(BYTES_MAX);
        if catch_unwind(AssertUnwindSafe(|| check(&input))).is_err() {
            panic!("round {round}: fails on b\"{}\"", input.escape_ascii());
        }
    }
}

fn change(input: &mut Vec<u8>, seeds: &[Vec<u8>], dice: &mut Dice) {
    let at = dice.below(input.len() + 1);
    let some = (at + 1 + dice.below(40)).min(input.len());
    match dice.below(7) {
        0 if at < input.len() => input[at] ^= 1 << dice.below(8),
        1 if at < input.len() => input[at] = dice.below(256) as u8,
        2 if at < some => drop(input.drain(at..some)),
        3 if at < some => {
            let again = input[at..some].to_vec();
            input.splice(at..at, again);
        }
        4 => drop(input.splice(at..at, PIECES[dice.below(PIECES.len())].bytes())),
        5 => {
            let other = &seeds[dice.below(seeds.len())];
            let from = dice.below(other.len() + 1);
            let to = (from + dice.below(200)).min(other.len());
            input.splice(at..at, other[from..to].iter().copied());
        }
        _ => input.truncate(at),
    }
}

/// Numbers that look like chance (splitmix64).
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut x = self.0;
        x = (x ^ x >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ x >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((x ^ x >> 31) % n as u64) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_that_fails_is_told_with_its_input() {
        let check = |input: &[u8]| assert!(!input.windows(2).any(|pair| pair == b"aa"));
        let failure = catch_unwind(|| mutate(&[b"abc".to_vec()], 2_000, check)).expect_err("it finds the pair");
        let told = failure.downcast_ref::<String>().expect("a message");
        assert!(told.contains("fails on b\"") && told.contains("aa"), "{told}");
    }
}
