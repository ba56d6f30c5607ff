//! A native value as a value of the target's type, or nothing: then it stays a native value and lands in `unmapped`.

use std::net::IpAddr;

use serde_json::{Value as Json, json};

use super::Type;
use crate::ocsf::{Class, Enum, OTHER};
use crate::time::{parse, rfc3339};
use crate::value::Value;

/// The longest text of an OCSF string; a longer one stays native.
const TEXT_CHARS_MAX: usize = 65_535;

/// The longest text of an OCSF address.
const IP_CHARS_MAX: usize = 40;

/// Instants whose year has four digits, as RFC 3339 needs.
const TIME_MS: std::ops::RangeInclusive<i64> = -62_167_219_200_000..=253_402_300_799_999;

/// A value for a target.
pub enum Made {
    /// The value.
    Plain(Json),
    /// An instant.
    Time(i64),
    /// A number and its caption, with the name of the attribute that holds the caption.
    Enum(i64, String, &'static str),
    /// The class.
    Class(&'static Class),
}

/// Makes a native value into one of the type.
pub fn convert(value: &Value, ty: Type, class: Option<&'static Class>) -> Option<Made> {
    let plain = match ty {
        Type::Text => Json::from(text(value)?),
        Type::Json => Json::from(json_text(value)?),
        Type::Integer => json!(scalar(value)?.parse::<i64>().ok()?),
        Type::Port => json!(scalar(value)?.parse::<u16>().ok()?),
        Type::Boolean => json!(boolean(value)?),
        Type::Ip => json!(ip(value)?),
        Type::Ips => json!([ip(value)?]),
        Type::Timestamp => return time(scalar(value)?).map(Made::Time),
        Type::Class => return crate::ocsf::class(scalar(value)?.parse().ok()?).map(Made::Class),
        Type::Enum(of) => return Some(number(text(value)?, of)),
        Type::Activity => return Some(number(text(value)?, &class?.activities)),
        Type::Objects => return None,
    };
    Some(Made::Plain(plain))
}

/// Takes over what a mapping's function has made.
pub fn adopt(value: Json, ty: Type, class: Option<&'static Class>) -> Option<Made> {
    let of = match ty {
        Type::Timestamp => return value.as_i64().filter(|ms| TIME_MS.contains(ms)).map(Made::Time),
        Type::Class => return crate::ocsf::class(value.as_i64()?).map(Made::Class),
        Type::Enum(of) => of,
        Type::Activity => &class?.activities,
        _ => return Some(Made::Plain(value)),
    };
    Some(number(value.as_str()?, of))
}

/// The number of a caption; of any other text [`OTHER`], with the text.
fn number(text: &str, of: &'static Enum) -> Made {
    Made::Enum(of.id(text).unwrap_or(OTHER), text.to_owned(), of.sibling)
}

/// The text of a string, number or boolean.
fn scalar(value: &Value) -> Option<&str> {
    match value {
        Value::String(text) => Some(text),
        Value::Number(text) => Some(text),
        Value::Bool(true) => Some("true"),
        Value::Bool(false) => Some("false"),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// The text of a scalar that says something and fits into an OCSF string.
pub fn text(value: &Value) -> Option<&str> {
    let fits = |text: &&str| text.len() <= TEXT_CHARS_MAX || text.chars().count() <= TEXT_CHARS_MAX;
    scalar(value).filter(|text| !text.is_empty()).filter(fits)
}

/// The compact JSON of anything that says something; a string is taken as JSON already.
fn json_text(value: &Value) -> Option<String> {
    match value {
        Value::Array(items) if items.is_empty() => None,
        Value::Object(members) if members.is_empty() => None,
        Value::Array(_) | Value::Object(_) => Some(value.compact()),
        _ => scalar(value).filter(|text| !text.is_empty()).map(str::to_owned),
    }
}

fn boolean(value: &Value) -> Option<bool> {
    let text = scalar(value)?;
    if ["true", "yes"].iter().any(|word| text.eq_ignore_ascii_case(word)) {
        return Some(true);
    }
    ["false", "no"].iter().any(|word| text.eq_ignore_ascii_case(word)).then_some(false)
}

fn ip(value: &Value) -> Option<String> {
    let text = value.as_str()?;
    let address: IpAddr = text.parse().ok()?;
    Some(if text.len() <= IP_CHARS_MAX { text.to_owned() } else { address.to_string() })
}

fn time(text: &str) -> Option<i64> {
    parse(text).or_else(|| basic_time(text)).filter(|ms| TIME_MS.contains(ms))
}

/// Reads the basic form of ISO 8601, `20131102T010628Z`.
fn basic_time(text: &str) -> Option<i64> {
    let (date, clock) = text.strip_suffix('Z')?.split_once('T')?;
    let part = |text: &str, from: usize, to: usize| text.get(from..to).map(str::to_owned);
    if date.len() != 8 || clock.len() != 6 {
        return None;
    }
    let (year, month, day) = (part(date, 0, 4)?, part(date, 4, 6)?, part(date, 6, 8)?);
    let (hour, minute, second) = (part(clock, 0, 2)?, part(clock, 2, 4)?, part(clock, 4, 6)?);
    parse(&format!("{year}-{month}-{day}T{hour}:{minute}:{second}Z"))
}

/// The RFC 3339 text of an instant.
pub fn time_text(ms: i64) -> Json {
    Json::from(rfc3339(ms))
}
