//! A native value as a value of the target's type, or nothing: then it stays a native value and lands in `unmapped`.

use std::borrow::Cow;
use std::net::IpAddr;

use serde_json::Value as Json;

use super::{Got, Type};
use crate::ocsf::{Class, Enum, OTHER};
use crate::time::{parse, rfc3339};
use crate::value::View;

/// The longest text of an OCSF string; a longer one stays native.
const TEXT_CHARS_MAX: usize = 65_535;

/// The longest text of an OCSF address.
const IP_CHARS_MAX: usize = 40;

/// Instants whose year has four digits, as RFC 3339 needs.
const TIME_MS: std::ops::RangeInclusive<i64> = -62_167_219_200_000..=253_402_300_799_999;

/// A value for a target.
#[derive(Debug)]
pub enum Made<'r> {
    /// Text.
    Text(Cow<'r, str>),
    /// A whole number.
    Integer(i64),
    /// True or false.
    Boolean(bool),
    /// A list of texts.
    Texts(Vec<Cow<'r, str>>),
    /// A list of objects.
    Objects(Vec<Json>),
    /// An instant.
    Time(i64),
    /// A number and its caption, with the name of the attribute that holds the caption.
    Enum(i64, Cow<'r, str>, &'static str),
    /// The class.
    Class(&'static Class),
}

/// Makes a native value into one of the type.
#[inline]
pub fn convert<'r>(value: View<'r>, ty: Type, class: Option<&'static Class>) -> Option<Made<'r>> {
    Some(match ty {
        Type::Text => Made::Text(text(value)?),
        Type::Json => Made::Text(json_text(value)?),
        Type::Integer => Made::Integer(scalar(value)?.parse().ok()?),
        Type::Port => Made::Integer(scalar(value)?.parse::<u16>().ok()?.into()),
        Type::Boolean => Made::Boolean(boolean(&scalar(value)?)?),
        Type::Ip => Made::Text(ip(value)?),
        Type::Ips => Made::Texts(vec![ip(value)?]),
        Type::Timestamp => Made::Time(time(&scalar(value)?)?),
        Type::Class => Made::Class(crate::ocsf::class(scalar(value)?.parse().ok()?)?),
        Type::Enum(of) => number(text(value)?, of),
        Type::Activity => number(text(value)?, &class?.activities),
        Type::Objects => return None,
    })
}

/// Takes over what a mapping's function has made.
#[inline]
pub fn adopt<'r>(value: Got<'r>, ty: Type, class: Option<&'static Class>) -> Option<Made<'r>> {
    Some(match (ty, value) {
        (Type::Timestamp, Got::Integer(ms)) => Made::Time(Some(ms).filter(|ms| TIME_MS.contains(ms))?),
        (Type::Class, Got::Integer(uid)) => Made::Class(crate::ocsf::class(uid)?),
        (Type::Enum(of), Got::Text(text)) => number(text, of),
        (Type::Activity, Got::Text(text)) => number(text, &class?.activities),
        (Type::Timestamp | Type::Class | Type::Enum(_) | Type::Activity, _) => return None,
        (_, Got::Text(text)) => Made::Text(text),
        (_, Got::Integer(n)) => Made::Integer(n),
        (_, Got::Texts(texts)) => Made::Texts(texts),
    })
}

/// The number of a caption; of any other text [`OTHER`], with the text.
fn number<'r>(text: Cow<'r, str>, of: &'static Enum) -> Made<'r> {
    Made::Enum(of.id(&text).unwrap_or(OTHER), text, of.sibling)
}

/// The text of a string, number or boolean.
#[inline]
fn scalar(value: View<'_>) -> Option<Cow<'_, str>> {
    match value {
        View::String(text) => Some(text),
        View::Number(text) => Some(text.into()),
        View::Bool(true) => Some("true".into()),
        View::Bool(false) => Some("false".into()),
        View::Null | View::Json(_) => None,
    }
}

/// The text of a scalar that says something and fits into an OCSF string.
#[inline]
pub fn text(value: View<'_>) -> Option<Cow<'_, str>> {
    let fits = |text: &str| text.len() <= TEXT_CHARS_MAX || text.chars().count() <= TEXT_CHARS_MAX;
    scalar(value).filter(|text| !text.is_empty() && fits(text))
}

/// The compact JSON of anything that says something; a string is taken as JSON already.
fn json_text(value: View<'_>) -> Option<Cow<'_, str>> {
    match value {
        View::Json(text) => Some(text).filter(|text| !matches!(&**text, "[]" | "{}")),
        value => scalar(value).filter(|text| !text.is_empty()),
    }
}

fn boolean(text: &str) -> Option<bool> {
    if ["true", "yes"].iter().any(|word| text.eq_ignore_ascii_case(word)) {
        return Some(true);
    }
    ["false", "no"].iter().any(|word| text.eq_ignore_ascii_case(word)).then_some(false)
}

fn ip(value: View<'_>) -> Option<Cow<'_, str>> {
    let View::String(text) = value else { return None };
    let address: IpAddr = text.parse().ok()?;
    Some(if text.len() <= IP_CHARS_MAX { text } else { address.to_string().into() })
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
