//! Instants (milliseconds since 1970 UTC) and the texts AWS writes for them.

use std::io::Write;

pub const MINUTE_MS: i64 = 60_000;
pub const HOUR_MS: i64 = 3_600_000;
pub const DAY_MS: i64 = 86_400_000;

const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// An instant taken apart.
pub struct Civil {
    pub year: i64,
    pub month: u32,
    pub day: u32,
    pub hour: u32,
    pub minute: u32,
    pub second: u32,
}

pub fn civil(ms: i64) -> Civil {
    let (days, s) = (ms.div_euclid(DAY_MS), (ms.rem_euclid(DAY_MS) / 1000) as u32);
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let doe = z.rem_euclid(146_097);
    let yoe = (doe - doe / 1_460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let month = if mp < 10 { mp + 3 } else { mp - 9 } as u32;
    Civil {
        year: yoe + era * 400 + i64::from(month <= 2),
        month,
        day: (doy - (153 * mp + 2) / 5 + 1) as u32,
        hour: s / 3600,
        minute: s / 60 % 60,
        second: s % 60,
    }
}

/// 0 is Sunday.
pub fn weekday(ms: i64) -> i64 {
    (ms.div_euclid(DAY_MS) + 4).rem_euclid(7)
}

fn two(out: &mut Vec<u8>, n: u32) {
    out.extend_from_slice(&[b'0' + (n / 10) as u8, b'0' + (n % 10) as u8]);
}

fn year(out: &mut Vec<u8>, year: i64) {
    two(out, (year / 100) as u32);
    two(out, (year % 100) as u32);
}

/// `2026-11-01T00:05:09Z`
pub fn iso(out: &mut Vec<u8>, ms: i64) {
    let t = civil(ms);
    year(out, t.year);
    for (mark, n) in [(b'-', t.month), (b'-', t.day), (b'T', t.hour), (b':', t.minute), (b':', t.second)] {
        out.push(mark);
        two(out, n);
    }
    out.push(b'Z');
}

/// `20261101T0005Z`, as in the names of log files.
pub fn stamp(ms: i64) -> String {
    let t = civil(ms);
    format!("{:04}{:02}{:02}T{:02}{:02}Z", t.year, t.month, t.day, t.hour, t.minute)
}

/// `2026/11/01`, as in the folders of log files.
pub fn folder(ms: i64) -> String {
    let t = civil(ms);
    format!("{:04}/{:02}/{:02}", t.year, t.month, t.day)
}

/// `Nov 1, 2026 12:05:09 AM`; STS writes the year with a comma after it.
pub fn english(out: &mut Vec<u8>, ms: i64, after_year: &str) {
    let t = civil(ms);
    let hour = (t.hour + 11) % 12 + 1;
    let half = if t.hour < 12 { "AM" } else { "PM" };
    let month = MONTHS[t.month as usize - 1];
    write!(out, "{month} {}, {}{after_year} {hour}:{:02}:{:02} {half}", t.day, t.year, t.minute, t.second)
        .expect("a Vec takes every write");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_an_instant() {
        let ms = 1_793_491_509_000;
        let mut out = Vec::new();
        iso(&mut out, ms);
        out.push(b' ');
        english(&mut out, ms, ",");
        let text = String::from_utf8(out).expect("ASCII");
        assert_eq!(text, "2026-11-01T00:05:09Z Nov 1, 2026, 12:05:09 AM");
        assert_eq!((stamp(ms), folder(ms), weekday(ms)), ("20261101T0005Z".into(), "2026/11/01".into(), 0));
    }
}
