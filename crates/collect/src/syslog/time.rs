//! Times as messages have them.

const MONTHS: [&[u8; 3]; 12] =
    [b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec"];
const US: i64 = 1_000_000;
const YEAR_US: i64 = 31_556_952 * US;

/// When a message was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Time {
    /// Microseconds since 1970, UTC.
    At(i64),
    /// Without a year, and by the clock of a host whose zone is not known.
    Yearless {
        /// 1 to 12.
        month: u8,
        /// 1 to 31.
        day: u8,
        /// Microseconds since midnight.
        us: i64,
    },
}

impl Time {
    /// Microseconds since 1970, UTC, of a message that came at this time: without a year, the one is taken that is nearest.
    pub fn us(self, received_us: i64) -> i64 {
        match self {
            Self::At(us) => us,
            Self::Yearless { month, day, us } => {
                let year = 1970 + received_us.div_euclid(YEAR_US);
                let in_year = |year: i64| days(year, month, day).saturating_mul(86_400 * US).saturating_add(us);
                let near = [year - 1, year, year + 1].map(in_year);
                near.into_iter().min_by_key(|us| us.abs_diff(received_us)).unwrap_or(received_us)
            }
        }
    }

    /// `2003-10-11T22:14:15.003Z` or with `+02:00`.
    pub(super) fn rfc3339(bytes: &[u8]) -> Option<Self> {
        let (time, rest) = rfc3339(bytes)?;
        rest.is_empty().then_some(time)
    }

    /// A time that a message begins with, and what follows.
    pub(super) fn leading(bytes: &[u8]) -> Option<(Self, &[u8])> {
        let (time, rest) = rfc3339(bytes).or_else(|| yearless(bytes))?;
        // Some devices put a colon behind the time.
        let rest = rest.strip_prefix(b":").unwrap_or(rest);
        (rest.is_empty() || rest[0] == b' ').then_some((time, rest))
    }
}

/// So many digits as a number, and what follows.
fn digits(bytes: &[u8], n: usize) -> Option<(i64, &[u8])> {
    let (number, rest) = bytes.split_at_checked(n)?;
    let value =
        number.iter().try_fold(0, |value, byte| byte.is_ascii_digit().then(|| value * 10 + i64::from(byte - b'0')))?;
    Some((value, rest))
}

fn rfc3339(bytes: &[u8]) -> Option<(Time, &[u8])> {
    let (year, rest) = digits(bytes, 4)?;
    let (month, rest) = digits(rest.strip_prefix(b"-")?, 2)?;
    let (day, rest) = digits(rest.strip_prefix(b"-")?, 2)?;
    let rest = rest.strip_prefix(b"T").or_else(|| rest.strip_prefix(b"t"))?;
    let (us, rest) = clock(rest)?;
    let (offset_min, rest) = zone(rest)?;
    let (month, day) = date(month, day)?;
    Some((Time::At((days(year, month, day) * 86_400 - offset_min * 60) * US + us), rest))
}

/// `Oct 11 22:14:15`, perhaps with a year before or behind the clock, as some devices write.
fn yearless(bytes: &[u8]) -> Option<(Time, &[u8])> {
    let (name, rest) = bytes.split_first_chunk::<3>()?;
    let month = MONTHS.iter().position(|month| month.eq_ignore_ascii_case(name))? as i64 + 1;
    let rest = rest.strip_prefix(b" ")?;
    let (day, rest) = match rest.strip_prefix(b" ") {
        Some(rest) => digits(rest, 1)?,
        None => digits(rest, 2).or_else(|| digits(rest, 1))?,
    };
    let rest = rest.strip_prefix(b" ")?;
    let (month, day) = date(month, day)?;
    if let Some((year, rest)) = digits(rest, 4).and_then(|(year, rest)| Some((year, rest.strip_prefix(b" ")?))) {
        let (us, rest) = clock(rest)?;
        return Some((Time::At(days(year, month, day) * 86_400 * US + us), rest));
    }
    let (us, rest) = clock(rest)?;
    Some((Time::Yearless { month, day, us }, rest))
}

fn date(month: i64, day: i64) -> Option<(u8, u8)> {
    let (month, day) = (u8::try_from(month).ok()?, u8::try_from(day).ok()?);
    ((1..=12).contains(&month) && (1..=31).contains(&day)).then_some((month, day))
}

/// `22:14:15` with any part of a second, in microseconds.
fn clock(bytes: &[u8]) -> Option<(i64, &[u8])> {
    let (hour, rest) = digits(bytes, 2)?;
    let (minute, rest) = digits(rest.strip_prefix(b":")?, 2)?;
    let (second, mut rest) = digits(rest.strip_prefix(b":")?, 2)?;
    // A leap second is the first of the next minute.
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let mut us = ((hour * 60 + minute) * 60 + second) * US;
    if let Some(behind) = rest.strip_prefix(b".").filter(|behind| behind.first().is_some_and(u8::is_ascii_digit)) {
        let n = behind.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let scaled = behind[..n].iter().zip([100_000, 10_000, 1_000, 100, 10, 1]);
        us += scaled.map(|(byte, unit)| i64::from(byte - b'0') * unit).sum::<i64>();
        rest = &behind[n..];
    }
    Some((us, rest))
}

/// `Z` or `+02:00`, in minutes.
fn zone(bytes: &[u8]) -> Option<(i64, &[u8])> {
    let (sign, rest) = bytes.split_first()?;
    let sign = match sign {
        b'Z' | b'z' => return Some((0, rest)),
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let (hours, rest) = digits(rest, 2)?;
    let (minutes, rest) = digits(rest.strip_prefix(b":").unwrap_or(rest), 2)?;
    Some((sign * (hours * 60 + minutes), rest))
}

/// Days since 1970 of a date in the calendar that is used today.
fn days(year: i64, month: u8, day: u8) -> i64 {
    // Years begin in March here, so that the day that some lack is the last.
    let year = if month <= 2 { year - 1 } else { year };
    let month = i64::from(month);
    let day_of_year = (153 * (month + if month > 2 { -3 } else { 9 }) + 2) / 5 + i64::from(day) - 1;
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}
