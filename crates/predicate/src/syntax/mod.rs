//! The rule languages: each lowers its text to a [`crate::predicate::Predicate`].

pub mod sigma;

/// The longest word that is compared with others; a longer one is no slip of the pen.
const WORD_CHARS_MAX: usize = 64;

/// The candidate that a person may have meant: the nearest in edits, when it is near.
pub fn nearest<'c>(word: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    let word: Vec<char> = word.to_lowercase().chars().take(WORD_CHARS_MAX + 1).collect();
    if word.len() > WORD_CHARS_MAX {
        return None;
    }
    let edits_max = (word.len() / 3).clamp(1, 3);
    candidates
        .into_iter()
        .filter(|candidate| candidate.len() <= WORD_CHARS_MAX)
        .map(|candidate| (edits(&word, &candidate.to_lowercase().chars().collect::<Vec<char>>()), candidate))
        .filter(|(n, _)| *n <= edits_max)
        .min_by_key(|(n, _)| *n)
        .map(|(_, candidate)| candidate)
}

/// How many characters must be added, dropped, replaced or swapped with their neighbour.
fn edits(a: &[char], b: &[char]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut next = vec![i];
        for j in 1..=b.len() {
            let replaced = row[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut least = replaced.min(row[j] + 1).min(next[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                least = least.min(before[j - 2] + 1);
            }
            next.push(least);
        }
        before = std::mem::replace(&mut row, next);
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_of_the_pen_find_their_word() {
        let words = ["contains", "cidr", "re", "startswith"];
        assert_eq!(nearest("contain", words), Some("contains"));
        assert_eq!(nearest("StartWith", words), Some("startswith"));
        assert_eq!(nearest("cdir", words), Some("cidr"));
        assert_eq!(nearest("regex", words), None);
        assert_eq!(nearest(&"x".repeat(100_000), words), None);
    }
}
