//! Numbers, sizes, spans and instants as a person reads them.

use event::finding::AtLeast;
use event::time::rfc3339;

/// `2,900`.
pub fn thousands(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `1 file`, `55 files`.
pub fn plural(n: u64, noun: &str) -> String {
    if n == 1 {
        return format!("1 {noun}");
    }
    let n = thousands(n);
    match noun.strip_suffix('y') {
        Some(stem) => format!("{n} {stem}ies"),
        None if noun.ends_with('s') => format!("{n} {noun}es"),
        None => format!("{n} {noun}s"),
    }
}

/// `1,000`, `1,000+`.
pub fn at_least(n: AtLeast) -> String {
    format!("{}{}", thousands(n.n), if n.is_more { "+" } else { "" })
}

/// `1 IP`, `1,000+ IPs`.
pub fn plural_at_least(n: AtLeast, noun: &str) -> String {
    match n {
        AtLeast { n, is_more: false } => plural(n, noun),
        // The plural of any number but one.
        n => plural(0, noun).replacen('0', &at_least(n), 1),
    }
}

/// `3.7 MB`, in powers of 1,000.
pub fn bytes(n: u64) -> String {
    const UNITS: [&str; 6] = ["KB", "MB", "GB", "TB", "PB", "EB"];
    if n < 1_000 {
        return format!("{n} B");
    }
    let mut size = n as f64 / 1_000.0;
    let mut unit = 0;
    while size >= 999.95 && unit + 1 < UNITS.len() {
        size /= 1_000.0;
        unit += 1;
    }
    format!("{size:.1} {}", UNITS[unit])
}

/// `0.2 s`, `12 s`, `3 min 20 s`.
pub fn seconds(s: f64) -> String {
    let s = if s.is_finite() { s.max(0.0) } else { 0.0 };
    match s {
        s if s < 0.095 => format!("{:.0} ms", s * 1_000.0),
        s if s < 9.95 => format!("{s:.1} s"),
        s if s < 60.0 => format!("{s:.0} s"),
        s => format!("{} min {} s", thousands(s as u64 / 60), s as u64 % 60),
    }
}

/// How long from one instant to another, in its two largest units: `59 min`, `3 d 4 h`.
pub fn span(from_ms: i64, to_ms: i64) -> String {
    let s = to_ms.saturating_sub(from_ms).max(0) as u64 / 1_000;
    let (d, h, min) = (s / 86_400, s / 3_600 % 24, s / 60 % 60);
    match (d, h, min) {
        (0, 0, 0) => format!("{s} s"),
        (0, 0, min) if min < 10 && !s.is_multiple_of(60) => format!("{min} min {} s", s % 60),
        (0, 0, min) => format!("{min} min"),
        (0, h, 0) => format!("{h} h"),
        (0, h, min) => format!("{h} h {min} min"),
        (d, h, _) if d < 10 && h > 0 => format!("{d} d {h} h"),
        (d, ..) => format!("{} d", thousands(d)),
    }
}

/// `2023-07-10 11:42:07`, UTC.
pub fn second(ms: i64) -> String {
    let text = rfc3339(ms.div_euclid(1_000).saturating_mul(1_000));
    text.trim_end_matches('Z').replacen('T', " ", 1)
}

/// `2023-07-10 11:42`, UTC.
pub fn minute(ms: i64) -> String {
    let mut text = second(ms);
    text.truncate(text.len() - 3);
    text
}

/// `2023-07-10`, UTC.
pub fn date(ms: i64) -> String {
    let mut text = second(ms);
    text.truncate(text.len() - 9);
    text
}

/// `11:42:07`, UTC.
pub fn of_day(ms: i64) -> String {
    let text = second(ms);
    text[text.len() - 8..].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_read_well() {
        assert_eq!([thousands(0), thousands(999), thousands(1_234_567)], ["0", "999", "1,234,567"]);
        assert_eq!([plural(1, "file"), plural(2, "entry"), plural(0, "rule")], ["1 file", "2 entries", "0 rules"]);
        let many = AtLeast { n: 1_000, is_more: true };
        assert_eq!(
            [plural_at_least(many, "story"), plural_at_least(AtLeast::exactly(1), "IP")],
            ["1,000+ stories", "1 IP"]
        );
        assert_eq!([bytes(999), bytes(3_712_345), bytes(999_999)], ["999 B", "3.7 MB", "1.0 MB"]);
        assert_eq!([seconds(0.2), seconds(200.0), seconds(f64::NAN)], ["0.2 s", "3 min 20 s", "0 ms"]);
        assert_eq!([span(0, 59 * 60_000), span(0, 86_400_000 * 3 + 3_600_000)], ["59 min", "3 d 1 h"]);
        assert_eq!([second(0), minute(0)], ["1970-01-01 00:00:00", "1970-01-01 00:00"]);
        assert_eq!([date(-1), of_day(-1)], ["1969-12-31", "23:59:59"]);
    }

    #[test]
    fn instants_at_the_ends_of_time_do_not_panic() {
        for ms in [i64::MIN, i64::MAX] {
            assert!(second(ms).len() > 19);
        }
        assert!(span(i64::MIN, i64::MAX).ends_with(" d"));
    }
}
