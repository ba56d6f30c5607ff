//! The order of values: numbers by value and behind all other text, text in chunks of digits and of everything else.

use std::cmp::Ordering;
use std::sync::Arc;

use datafusion::arrow::array::BinaryBuilder;
use datafusion::arrow::datatypes::DataType;
use datafusion::logical_expr::Expr;

use super::native::{Gives, Native, Take};
use crate::kind::{Kind, Typed, number_of};

/// What to sort by, so that the order is that of Logs Insights; nulls are null and go where the caller puts them.
pub fn sort_key(of: Typed) -> Expr {
    match of.kind {
        Kind::Text | Kind::Json => SORT_KEY.call(vec![of.expr]),
        Kind::Integer | Kind::Number | Kind::Boolean | Kind::Time => of.expr,
    }
}

/// How two texts compare: as numbers where both are, else character by character. Equal numbers are equal, however they are written.
pub fn order(a: &str, b: &str) -> Ordering {
    match (number_of(a), number_of(b)) {
        (Some(a), Some(b)) => a.partial_cmp(&b).unwrap_or(Ordering::Equal),
        _ => a.cmp(b),
    }
}

const TEXT: u8 = 1;
const NUMBER: u8 = 2;
/// Ends a chunk of other characters, and so is less than each of them.
const END: u8 = 0;

/// Appends bytes that compare as the texts do in natural order.
pub fn push_key(text: &str, out: &mut Vec<u8>) {
    match number_of(text) {
        Some(n) => push_number(n, text, out),
        // More digits than a double holds are a number all the same.
        None if !text.is_empty() && text.bytes().all(|c| c.is_ascii_digit()) => push_number(f64::MAX, text, out),
        None => push_chunks(text, out),
    }
}

fn push_number(n: f64, text: &str, out: &mut Vec<u8>) {
    out.push(NUMBER);
    // Adding zero makes one of the two zeros.
    let bits = (n + 0.0).to_bits();
    let ordered = if bits >> 63 == 1 { !bits } else { bits | 1 << 63 };
    out.extend(ordered.to_be_bytes());
    // Doubles run out of digits before texts do.
    if text.bytes().all(|c| c.is_ascii_digit()) {
        let digits = text.trim_start_matches('0');
        out.extend((digits.len() as u32).to_be_bytes());
        out.extend(digits.as_bytes());
    }
    // `1` and `01` are the same number, but not the same value.
    out.extend(text.as_bytes());
}

fn push_chunks(text: &str, out: &mut Vec<u8>) {
    out.push(TEXT);
    let mut rest = text.as_bytes();
    while !rest.is_empty() {
        let n_digits = rest.iter().take_while(|c| c.is_ascii_digit()).count();
        if n_digits > 0 {
            // `0` stands where a digit would, and then longer is more.
            out.push(b'0');
            out.extend((n_digits as u32).to_be_bytes());
            out.extend(&rest[..n_digits]);
        }
        rest = &rest[n_digits..];
        let n_others = rest.iter().take_while(|c| !c.is_ascii_digit()).count();
        for c in &rest[..n_others] {
            // Room for `END` below all others.
            match c {
                0 | 1 => out.extend([1, c + 1]),
                _ => out.push(*c),
            }
        }
        rest = &rest[n_others..];
        if !rest.is_empty() {
            out.push(END);
        }
    }
}

/// What sorts.
pub(super) const NATIVES: &[&Native] = &[&SORT_KEY];

static SORT_KEY: Native = Native {
    name: "lq_sort_key",
    takes: &[Take::Kind(Kind::Text)],
    gives: Gives::Type(|_| Ok(DataType::Binary)),
    run: |args| {
        let text = args.texts(0);
        let mut out = BinaryBuilder::new();
        let mut key = Vec::new();
        for i in 0..args.n_rows {
            match text.get(i) {
                Some(text) => {
                    key.clear();
                    push_key(text, &mut key);
                    out.append_value(&key);
                }
                None => out.append_null(),
            }
        }
        Ok(Arc::new(out.finish()))
    },
};

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> Vec<u8> {
        let mut out = Vec::new();
        push_key(text, &mut out);
        out
    }

    #[test]
    fn the_order_that_aws_documents() {
        let documented = [
            "!:",
            "#",
            "*%04",
            "0#",
            "5A",
            "111A",
            "2345_",
            "@",
            "@_",
            "A",
            "A9876fghj",
            "a12345hfh",
            "0",
            "01",
            "1",
            "2",
            "3",
        ];
        for pair in documented.windows(2) {
            assert!(key(pair[0]) < key(pair[1]), "{pair:?}");
        }
    }

    #[test]
    fn numbers_and_chunks() {
        let ascending = [
            "",
            "a",
            "a1",
            "a2",
            "a10",
            "a01",
            "a!",
            "ab",
            "-3",
            "-1.5",
            "0",
            "0.5",
            "1",
            "1.5",
            "2",
            "10",
            "1e3",
            "9007199254740992",
            "9007199254740993",
            "99999999999999999999999",
        ];
        for pair in ascending.windows(2) {
            // `a10` and `a01` have the same length.
            match pair == ["a10", "a01"] {
                true => assert!(key(pair[0]) > key(pair[1])),
                false => assert!(key(pair[0]) < key(pair[1]), "{pair:?}"),
            }
        }
        let huge = "9".repeat(400);
        assert!(key("1e308") < key(&huge) && key(&huge) < key(&"9".repeat(401)));
        assert!(key("a\0") < key("a\u{1}") && key("a") < key("a\0"));
    }

    /// The order as it is written down, chunk by chunk.
    fn defined(a: &str, b: &str) -> Ordering {
        match (number_of(a), number_of(b)) {
            (Some(n), Some(m)) => return n.total_cmp(&m),
            (Some(_), None) => return Ordering::Greater,
            (None, Some(_)) => return Ordering::Less,
            (None, None) => {}
        }
        let (mut a, mut b) = (chunks(a).into_iter(), chunks(b).into_iter());
        loop {
            let (x, y) = match (a.next(), b.next()) {
                (Some(x), Some(y)) => (x, y),
                (x, y) => return x.is_some().cmp(&y.is_some()),
            };
            let are_digits = [x, y].map(|chunk| chunk.starts_with(|c: char| c.is_ascii_digit()));
            let order = match are_digits {
                [true, true] => x.len().cmp(&y.len()).then(x.cmp(y)),
                _ => x.cmp(y),
            };
            if order.is_ne() {
                return order;
            }
        }
    }

    fn chunks(text: &str) -> Vec<&str> {
        let is_digit = |at: usize| text.as_bytes()[at].is_ascii_digit();
        let mut out = Vec::new();
        let mut from = 0;
        for at in 1..=text.len() {
            if at == text.len() || is_digit(at) != is_digit(at - 1) {
                out.push(&text[from..at]);
                from = at;
            }
        }
        out
    }

    proptest::proptest! {
        #[test]
        fn keys_compare_as_texts_do(a in "[ab!~0-2é\\x00\\x01-]{0,6}", b in "[ab!~0-2é\\x00\\x01-]{0,6}") {
            let by_key = key(&a).cmp(&key(&b));
            match (number_of(&a), number_of(&b)) {
                // Spellings of one number are told apart.
                (Some(n), Some(m)) if n == m => assert_eq!(by_key.is_eq(), a == b),
                _ => assert_eq!(by_key, defined(&a, &b), "{a:?} {b:?}"),
            }
        }
    }
}
