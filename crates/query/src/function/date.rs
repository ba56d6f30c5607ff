//! Functions of instants. Periods begin at the epoch in UTC, weeks on Monday; months, quarters and years are those of the calendar.

use std::fmt::Write as _;

use chrono::format::{Item, Parsed, StrftimeItems};
use chrono::{DateTime, NaiveTime, TimeZone as _, Utc};
use datafusion::arrow::array::ArrayRef;
use datafusion::arrow::array::timezone::Tz;
use datafusion::common::{Result, exec_datafusion_err};
use datafusion::logical_expr::{Expr, lit};
use event::time::{self, DAY_MS};
use predicate::diagnostic::Diagnostic;

use super::native::{Columns, Gives, Native, Take};
use super::{Call, Function, Value};
use crate::insights::ast::{Duration, Unit};
use crate::kind::{FROM_MILLIS, Kind, Typed, text_literal};

/// The functions of this file.
pub const FUNCTIONS: &[Function] = &[
    Function {
        name: "bin",
        aliases: &[],
        usage: "bin(5m)",
        doc: "The beginning of the period in which `@timestamp` lies; the count is cut to 1000 ms, 60 s, 60 m or 24 h.",
        arity: 1..=1,
        is_aggregate: false,
        lower: bin,
    },
    Function {
        name: "datefloor",
        aliases: &[],
        usage: "datefloor(t, 5m)",
        doc: "The beginning of the period in which the instant lies.",
        arity: 2..=2,
        is_aggregate: false,
        lower: |call| {
            let period = Period::of(call, 1)?;
            Ok(period.floor(call.typed(0)?, 0))
        },
    },
    Function {
        name: "dateceil",
        aliases: &[],
        usage: "dateceil(t, 5m)",
        doc: "The end of the period in which the instant lies; the instant itself where it is one.",
        arity: 2..=2,
        is_aggregate: false,
        lower: |call| {
            let period = Period::of(call, 1)?;
            Ok(period.ceil(call.typed(0)?))
        },
    },
    Function {
        name: "fromMillis",
        aliases: &[],
        usage: "fromMillis(n)",
        doc: "The instant so many milliseconds after the epoch.",
        arity: 1..=1,
        is_aggregate: false,
        lower: |call| match call.typed(0)? {
            time @ Typed { kind: Kind::Time, .. } => Ok(time),
            other => Ok(Typed { expr: FROM_MILLIS.call(vec![other.float()]), kind: Kind::Time }),
        },
    },
    Function {
        name: "toMillis",
        aliases: &[],
        usage: "toMillis(t)",
        doc: "How many milliseconds after the epoch the instant is.",
        arity: 1..=1,
        is_aggregate: false,
        lower: |call| Ok(call.typed(0)?.time().number()),
    },
    Function {
        name: "now",
        aliases: &[],
        usage: "now()",
        doc: "When the query began, in seconds after the epoch.",
        arity: 0..=0,
        is_aggregate: false,
        lower: |call| Ok(Typed { expr: lit(call.ctx.now_ms.div_euclid(1000)), kind: Kind::Integer }),
    },
    Function {
        name: "parseDate",
        aliases: &["parse_date"],
        usage: "parseDate(s, \"yyyy-MM-dd HH:mm:ss\"[, \"Europe/Paris\"])",
        doc: "The instant that a text tells, in milliseconds; null if it is not written so.",
        arity: 2..=3,
        is_aggregate: false,
        lower: |call| {
            let pattern = strftime(call.literal_text(1)?).map_err(|message| call.wrong(1, &message))?;
            let args = vec![call.text(0)?, text_literal(&pattern), zone(call, 2)?];
            Ok(Typed { expr: PARSE.call(args), kind: Kind::Integer })
        },
    },
    Function {
        name: "formatDate",
        aliases: &["strftime", "format_date"],
        usage: "formatDate(t, \"%Y-%m-%d\"[, \"Europe/Paris\"])",
        doc: "The instant in the form that is asked for.",
        arity: 2..=3,
        is_aggregate: false,
        lower: |call| {
            let pattern = call.literal_text(1)?;
            if StrftimeItems::new(pattern).any(|item| item == Item::Error) {
                return Err(call.wrong(1, "no such form"));
            }
            let args = vec![call.typed(0)?.time().expr, text_literal(pattern), zone(call, 2)?];
            Ok(Typed { expr: FORMAT.call(args), kind: Kind::Text })
        },
    },
];

fn bin(call: &Call<'_>) -> Result<Typed, Diagnostic> {
    let Some(timestamp) = call.ctx.timestamp.clone() else {
        let error = Diagnostic::error(call.span.clone(), "`bin` needs `@timestamp`, which is not there after `stats`");
        return Err(error.help("name a field that is a time and use `datefloor(field, 5m)`"));
    };
    let mut duration = duration(call, 0)?;
    let n_max = match duration.unit {
        Unit::Millisecond => 1000.0,
        Unit::Second | Unit::Minute => 60.0,
        Unit::Hour => 24.0,
        _ => f64::MAX,
    };
    if duration.n > n_max {
        let warning = format!("`bin` takes no more than {n_max} of this unit, so this is one of {n_max}");
        let warning = Diagnostic::warning(call.args[0].span.clone(), warning);
        call.ctx.warnings.borrow_mut().push(warning.help("use the next larger unit"));
        duration.n = n_max;
    }
    let period = Period::new(duration).ok_or_else(|| no_period(call, 0))?;
    Ok(period.floor(Typed { expr: timestamp, kind: Kind::Time }, call.ctx.bin_offset_ms))
}

fn duration(call: &Call<'_>, i: usize) -> Result<Duration, Diagnostic> {
    match &call.args[i].value {
        Value::Duration(duration) => Ok(*duration),
        _ => Err(call.wrong(i, "a length of time such as 5m is due")),
    }
}

fn no_period(call: &Call<'_>, i: usize) -> Diagnostic {
    call.wrong(i, "a length above zero is due, of at least a millisecond, in whole months, quarters and years,")
}

/// A length of time that divides time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Period {
    /// Always the same length, in microseconds, and where one of them begins.
    Fixed(i64, i64),
    /// Months of the calendar.
    Months(i64),
}

impl Period {
    fn of(call: &Call<'_>, i: usize) -> Result<Period, Diagnostic> {
        Period::new(duration(call, i)?).ok_or_else(|| no_period(call, i))
    }

    /// The period of this length; nothing if it has none.
    pub fn new(duration: Duration) -> Option<Period> {
        const SECOND_US: f64 = 1e6;
        const DAY_US: f64 = 86_400e6;
        /// 1970-01-05, a Monday.
        const MONDAY_US: i64 = 4 * 86_400_000_000;
        let fixed = |unit_us: f64, origin_us: i64| {
            let us = duration.n * unit_us;
            ((1000.0..9e18).contains(&us)).then_some(Period::Fixed(us as i64, origin_us))
        };
        let months = |n: f64| {
            let is_whole = n.fract() == 0.0 && (1.0..120_000.0).contains(&n);
            is_whole.then_some(Period::Months(n as i64))
        };
        match duration.unit {
            Unit::Millisecond => fixed(1000.0, 0),
            Unit::Second => fixed(SECOND_US, 0),
            Unit::Minute => fixed(60.0 * SECOND_US, 0),
            Unit::Hour => fixed(3600.0 * SECOND_US, 0),
            Unit::Day => fixed(DAY_US, 0),
            Unit::Week => fixed(7.0 * DAY_US, MONDAY_US),
            Unit::Month => months(duration.n),
            Unit::Quarter => months(3.0 * duration.n),
            Unit::Year => months(12.0 * duration.n),
        }
    }

    /// How long it is, in milliseconds; a month counts as 30 days.
    pub fn ms(self) -> f64 {
        match self {
            Period::Fixed(us, _) => us as f64 / 1000.0,
            Period::Months(n) => n as f64 * 30.0 * DAY_MS as f64,
        }
    }

    /// The beginning of the period in which an instant lies, where periods begin so much later than they would.
    pub fn floor(self, time: Typed, offset_ms: i64) -> Typed {
        self.call(&FLOOR, time, offset_ms)
    }

    fn ceil(self, time: Typed) -> Typed {
        self.call(&CEIL, time, 0)
    }

    fn call(self, native: &'static Native, time: Typed, offset_ms: i64) -> Typed {
        let (months, step, origin) = match self {
            Period::Fixed(us, origin_us) => (0_i64, us, origin_us),
            Period::Months(n) => (n, 1, 0),
        };
        let origin = origin.saturating_add(offset_ms.saturating_mul(1000));
        Typed { expr: native.call(vec![time.time().expr, lit(months), lit(step), lit(origin)]), kind: Kind::Time }
    }

    /// The beginning of the period in which the instant lies, and the next one, in microseconds.
    fn around(self, us: i64, offset_us: i64) -> Option<(i64, i64)> {
        match self {
            Period::Fixed(step, origin) => {
                let within = us.checked_sub(origin)?.rem_euclid(step);
                let from = us.checked_sub(within)?;
                Some((from, from.checked_add(step)?))
            }
            Period::Months(n) => {
                let (year, month, _) = time::civil_from_days(us.checked_sub(offset_us)?.div_euclid(DAY_MS * 1000));
                let months = (year - 1970) * 12 + i64::from(month) - 1;
                let from = months - months.rem_euclid(n);
                let begin = |months: i64| {
                    let month = months.rem_euclid(12) as u32 + 1;
                    let days = time::days_from_civil(1970 + months.div_euclid(12), month, 1);
                    days.checked_mul(DAY_MS * 1000)?.checked_add(offset_us)
                };
                Some((begin(from)?, begin(from + n)?))
            }
        }
    }
}

fn zone(call: &Call<'_>, i: usize) -> Result<Expr, Diagnostic> {
    if call.args.len() <= i {
        return Ok(text_literal("UTC"));
    }
    let name = call.literal_text(i)?;
    match name.parse::<Tz>() {
        Ok(_) => Ok(text_literal(name)),
        Err(_) => Err(call.wrong(i, "no such time zone")),
    }
}

/// A pattern of Java's `DateTimeFormatter` as one of `strftime`.
fn strftime(java: &str) -> Result<String, String> {
    let mut out = String::new();
    let mut rest = java;
    while let Some(c) = rest.chars().next() {
        let n = rest.chars().take_while(|other| *other == c).count();
        if c == '\'' {
            let inside = &rest[1..];
            let end = inside.find('\'').ok_or("a quoted text does not end")?;
            push_literal(if end == 0 { "'" } else { &inside[..end] }, &mut out);
            rest = &inside[end + 1..];
            continue;
        }
        if !c.is_ascii_alphabetic() {
            push_literal(&rest[..c.len_utf8()], &mut out);
            rest = &rest[c.len_utf8()..];
            continue;
        }
        out.push_str(match (c, n) {
            ('y' | 'u', 2) => "%y",
            ('y' | 'u', _) => "%Y",
            ('M' | 'L', 1 | 2) => "%m",
            ('M' | 'L', 3) => "%b",
            ('M' | 'L', 4) => "%B",
            ('d', 1 | 2) => "%d",
            ('D', 1..=3) => "%j",
            ('H', 1 | 2) => "%H",
            ('h', 1 | 2) => "%I",
            ('m', 1 | 2) => "%M",
            ('s', 1 | 2) => "%S",
            ('S', 3) => "%3f",
            ('S', 6) => "%6f",
            ('S', 9) => "%9f",
            ('a', 1) => "%p",
            ('E', 1..=3) => "%a",
            ('E', 4) => "%A",
            ('Z', _) | ('X' | 'x', _) => "%#z",
            ('z', _) => "%Z",
            _ => return Err(format!("no such pattern letters: {}", predicate::diagnostic::clipped(&rest[..n]))),
        });
        rest = &rest[n..];
    }
    Ok(out)
}

fn push_literal(text: &str, out: &mut String) {
    out.push_str(&text.replace('%', "%%"));
}

/// What this file calls.
pub(super) const NATIVES: &[&Native] = &[&FLOOR, &CEIL, &PARSE, &FORMAT];

const TEXT: Take = Take::Kind(Kind::Text);
const TIME: Take = Take::Kind(Kind::Time);
const INTEGER: Take = Take::Kind(Kind::Integer);

static FLOOR: Native = Native {
    name: "lq_floor_time",
    takes: &[TIME, INTEGER, INTEGER, INTEGER],
    gives: Gives::Kind(Kind::Time),
    run: |args| divided(args, |_, (from, _)| from),
};
static CEIL: Native = Native {
    name: "lq_ceil_time",
    takes: &[TIME, INTEGER, INTEGER, INTEGER],
    gives: Gives::Kind(Kind::Time),
    run: |args| divided(args, |us, (from, to)| if us == from { from } else { to }),
};
static PARSE: Native =
    Native { name: "lq_parse_date", takes: &[TEXT, TEXT, TEXT], gives: Gives::Kind(Kind::Integer), run: parse };
static FORMAT: Native =
    Native { name: "lq_format_date", takes: &[TIME, TEXT, TEXT], gives: Gives::Kind(Kind::Text), run: format };

fn divided(args: &Columns, which: fn(i64, (i64, i64)) -> i64) -> Result<ArrayRef> {
    let (months, step, origin) = (args.constant_integer(1)?, args.constant_integer(2)?, args.constant_integer(3)?);
    let period = if months > 0 { Period::Months(months) } else { Period::Fixed(step.max(1), origin) };
    let time = args.times(0);
    args.time(|i| {
        let us = time.get(i)?;
        period.around(us, origin).map(|ends| which(us, ends))
    })
}

fn tz(args: &Columns, i: usize) -> Result<Tz> {
    let name = args.constant_text(i)?;
    name.parse().map_err(|_| exec_datafusion_err!("no such time zone: {name}"))
}

fn parse(args: &Columns) -> Result<ArrayRef> {
    let items: Vec<Item<'_>> = StrftimeItems::new(args.constant_text(1)?).collect();
    let zone = tz(args, 2)?;
    let text = args.texts(0);
    args.integer(|i| parsed(text.get(i)?, &items, zone))
}

fn parsed(text: &str, items: &[Item<'_>], zone: Tz) -> Option<i64> {
    let mut parsed = Parsed::new();
    chrono::format::parse(&mut parsed, text, items.iter()).ok()?;
    let date = parsed.to_naive_date().ok()?;
    // A pattern without hours means midnight.
    let has_time = parsed.hour_mod_12().is_some() || parsed.minute().is_some();
    let time = if has_time { with_zeros(&mut parsed).to_naive_time().ok()? } else { NaiveTime::MIN };
    let local = date.and_time(time);
    let ms = match parsed.offset() {
        Some(offset_s) => local.and_utc().timestamp_millis() - i64::from(offset_s) * 1000,
        // An hour that the clock skips or repeats is the earlier one where there is one.
        None => zone.from_local_datetime(&local).earliest()?.timestamp_millis(),
    };
    Some(ms)
}

/// Hours without minutes are full hours.
fn with_zeros(parsed: &mut Parsed) -> &Parsed {
    if parsed.minute().is_none() {
        // It was not set, so it can be.
        let _ = parsed.set_minute(0);
    }
    parsed
}

fn format(args: &Columns) -> Result<ArrayRef> {
    let items: Vec<Item<'_>> = StrftimeItems::new(args.constant_text(1)?).collect();
    let zone = tz(args, 2)?;
    let time = args.times(0);
    args.text(|i| {
        let instant: DateTime<Utc> = DateTime::from_timestamp_micros(time.get(i)?)?;
        let mut out = String::new();
        write!(out, "{}", instant.with_timezone(&zone).format_with_items(items.iter())).ok()?;
        Some(out)
    })
}
