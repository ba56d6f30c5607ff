//! A test of one value.

use std::net::IpAddr;

use event::value::View;

use crate::pattern::Pattern;

/// What a value must pass.
#[derive(Clone, Debug, PartialEq)]
pub enum Test {
    /// It is there, null and empty included.
    Exists,
    /// It is null.
    Null,
    /// It is a string, and no number, boolean, object or array.
    String,
    /// Its text matches: of a string, number or boolean; of an object or array its compact JSON, which no exact text equals.
    Text(Pattern),
    /// A search in its text, as for [`Test::Text`].
    Regex(Regex),
    /// It is an address in the network.
    Cidr(Cidr),
    /// It is a number, or a string that is one, and relates so to the given one.
    Number(Order, Number),
    /// It is a time whose part, as written and without conversion of zone, equals the number.
    TimePart(TimePart, i64),
}

/// How two numbers relate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Order {
    /// `=`
    Equal,
    /// `<`
    Less,
    /// `<=`
    AtMost,
    /// `>`
    Greater,
    /// `>=`
    AtLeast,
}

impl Order {
    /// Whether two numbers that compare so relate as asked.
    #[inline]
    pub fn admits(self, ordering: std::cmp::Ordering) -> bool {
        match self {
            Order::Equal => ordering.is_eq(),
            Order::Less => ordering.is_lt(),
            Order::AtMost => ordering.is_le(),
            Order::Greater => ordering.is_gt(),
            Order::AtLeast => ordering.is_ge(),
        }
    }
}

/// A number: exact while it is whole, since ids of 17 digits and more do occur.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Number {
    /// A whole number.
    Whole(i128),
    /// Any other.
    Float(f64),
}

impl Number {
    /// Reads decimal text, with fraction and exponent.
    #[inline]
    pub fn parse(text: &str) -> Option<Number> {
        // Ports, counts and sizes: short, and digits only.
        if !text.is_empty() && text.len() <= 18 && text.bytes().all(|b| b.is_ascii_digit()) {
            let digits = text.bytes().map(|b| i64::from(b - b'0'));
            return Some(Number::Whole(i128::from(digits.fold(0, |n, digit| n * 10 + digit))));
        }
        let digits =
            text.as_bytes().iter().all(|b| b.is_ascii_digit() || matches!(b, b'-' | b'+' | b'.' | b'e' | b'E'));
        if text.is_empty() || !digits {
            return None;
        }
        if let Ok(whole) = text.parse() {
            return Some(Number::Whole(whole));
        }
        let float: f64 = text.parse().ok()?;
        Some(if float.fract() == 0.0 && float.abs() < 9e15 {
            Number::Whole(float as i128)
        } else {
            Number::Float(float)
        })
    }

    /// How the two compare; nothing where one is not a number.
    #[inline]
    pub fn compare(self, other: Number) -> Option<std::cmp::Ordering> {
        match (self, other) {
            (Number::Whole(a), Number::Whole(b)) => Some(a.cmp(&b)),
            (a, b) => a.compare_as_float(b),
        }
    }

    // By itself, or the compiler converts each whole number as well, which costs more than to compare it.
    #[cold]
    #[inline(never)]
    fn compare_as_float(self, other: Number) -> Option<std::cmp::Ordering> {
        self.float().partial_cmp(&other.float())
    }

    fn float(self) -> f64 {
        match self {
            Number::Whole(n) => n as f64,
            Number::Float(f) => f,
        }
    }
}

/// A part of a timestamp.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TimePart {
    /// 0 to 59.
    Minute,
    /// 0 to 23.
    Hour,
    /// Day of the month.
    Day,
    /// ISO week.
    Week,
    /// 1 to 12.
    Month,
    /// The year.
    Year,
}

/// A network in CIDR form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Cidr {
    address: IpAddr,
    prefix: u8,
}

impl Cidr {
    /// Reads `10.0.0.0/8`, `2001:db8::/32`, or one address; bits behind the prefix are dropped.
    pub fn parse(text: &str) -> Option<Cidr> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address.parse::<IpAddr>().ok()?, Some(prefix.parse::<u8>().ok()?)),
            None => (text.parse::<IpAddr>().ok()?, None),
        };
        let width = if address.is_ipv4() { 32 } else { 128 };
        let prefix = prefix.unwrap_or(width);
        if prefix > width {
            return None;
        }
        let network = match address {
            IpAddr::V4(a) => IpAddr::V4((u32::from(a) & mask(prefix, 32) as u32).into()),
            IpAddr::V6(a) => IpAddr::V6((u128::from(a) & mask(prefix, 128)).into()),
        };
        Some(Cidr { address: network, prefix })
    }

    /// Whether the address lies in it. An IPv4 address written as IPv6 (`::ffff:10.0.0.1`) counts as the IPv4 address.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(net), IpAddr::V4(a)) => u32::from(a) & mask(self.prefix, 32) as u32 == u32::from(net),
            (IpAddr::V6(net), IpAddr::V6(a)) => u128::from(a) & mask(self.prefix, 128) == u128::from(net),
            (IpAddr::V6(net), IpAddr::V4(a)) => {
                u128::from(a.to_ipv6_mapped()) & mask(self.prefix, 128) == u128::from(net)
            }
            (IpAddr::V4(_), IpAddr::V6(_)) => false,
        }
    }
}

impl std::fmt::Display for Cidr {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

fn mask(prefix: u8, width: u8) -> u128 {
    let ones = if prefix == 0 { 0 } else { u128::MAX << (128 - u32::from(prefix)) };
    ones >> (128 - u32::from(width))
}

/// A regular expression that is searched for; equal when its text is.
#[derive(Clone, Debug)]
pub struct Regex(regex::Regex);

impl Regex {
    /// Compiles; the size of the program is bounded, and its run time is linear in the text.
    pub fn new(text: &str) -> Result<Regex, regex::Error> {
        regex::RegexBuilder::new(text).size_limit(2 << 20).build().map(Regex)
    }

    /// Its text, flags included.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// Whether it is found in the text.
    pub fn is_match(&self, text: &str) -> bool {
        self.0.is_match(text)
    }
}

impl PartialEq for Regex {
    fn eq(&self, other: &Regex) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Test {
    /// Whether a value passes.
    #[inline]
    pub fn passes(&self, view: &View<'_>) -> bool {
        match self {
            Test::Exists => true,
            Test::Null => *view == View::Null,
            Test::String => matches!(view, View::String(_)),
            Test::Text(pattern) => match view {
                View::Json(text) => pattern.as_exact().is_none() && pattern.matches(text),
                other => other.scalar_text().is_some_and(|text| pattern.matches(text)),
            },
            Test::Regex(regex) => match view {
                View::Json(text) => regex.is_match(text),
                other => other.scalar_text().is_some_and(|text| regex.is_match(text)),
            },
            Test::Cidr(cidr) => string(view).and_then(|text| text.parse().ok()).is_some_and(|ip| cidr.contains(ip)),
            Test::Number(order, wanted) => {
                number(view).and_then(|n| n.compare(*wanted)).is_some_and(|ordering| order.admits(ordering))
            }
            Test::TimePart(part, wanted) => string(view).and_then(|text| part.of(text)) == Some(*wanted),
        }
    }
}

fn string<'a>(view: &'a View<'_>) -> Option<&'a str> {
    match view {
        View::String(text) => Some(text),
        _ => None,
    }
}

/// The number that a value is.
#[inline]
pub fn number(view: &View<'_>) -> Option<Number> {
    match view {
        View::Number(text) => Number::parse(text),
        View::String(text) => Number::parse(text),
        _ => None,
    }
}

impl TimePart {
    /// The part of a time as it is written.
    pub fn of(self, text: &str) -> Option<i64> {
        // The zone is cut off, so that the numbers are those on the page.
        let zone = text.get(19..)?.find(['Z', 'z', '+', '-']).map_or(text.len(), |at| at + 19);
        let ms = event::time::parse(&text[..zone])?;
        let days = ms.div_euclid(event::time::DAY_MS);
        let (year, month, day) = event::time::civil_from_days(days);
        let minutes = ms.rem_euclid(event::time::DAY_MS) / 60_000;
        Some(match self {
            TimePart::Minute => minutes % 60,
            TimePart::Hour => minutes / 60,
            TimePart::Day => i64::from(day),
            TimePart::Month => i64::from(month),
            TimePart::Year => year,
            TimePart::Week => iso_week(days),
        })
    }
}

/// The ISO week of a day: the week of its Thursday.
fn iso_week(days: i64) -> i64 {
    let thursday = days - (days + 3).rem_euclid(7) + 3;
    let (year, _, _) = event::time::civil_from_days(thursday);
    (thursday - event::time::days_from_civil(year, 1, 1)) / 7 + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_hold_their_addresses() {
        let inside =
            |net: &str, ip: &str| Cidr::parse(net).expect("a network").contains(ip.parse().expect("an address"));
        assert!(inside("10.0.0.0/8", "10.255.0.1"));
        assert!(!inside("10.0.0.0/8", "11.0.0.1"));
        assert!(inside("0.0.0.0/0", "203.0.113.9"));
        assert!(inside("2001:db8::/32", "2001:db8:ffff::1"));
        assert!(inside("10.0.0.0/8", "::ffff:10.1.2.3"));
        assert!(!inside("10.0.0.0/8", "::1"));
        assert_eq!(Cidr::parse("10.0.0.0/33"), None);
    }

    #[test]
    fn parts_of_a_time_are_those_on_the_page() {
        let text = "2021-01-03T23:59:58+02:00";
        assert_eq!(TimePart::Hour.of(text), Some(23));
        assert_eq!(TimePart::Week.of(text), Some(53));
        assert_eq!(TimePart::Week.of("2023-07-10T11:42:00Z"), Some(28));
        assert_eq!(TimePart::Year.of("soon"), None);
    }

    #[test]
    fn whole_numbers_stay_exact() {
        let number = |text| Number::parse(text).expect("a number");
        assert_ne!(number("9007199254740993"), number("9007199254740992"));
        assert_eq!(number("22.0"), number("22"));
        assert_eq!(Number::parse("nan"), None);
        assert_eq!(Number::parse(""), None);
    }
}
