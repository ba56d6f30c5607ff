//! Splunk's HTTP Event Collector: requests to events, and the answers that its senders know.
//!
//! - An empty body is answered with 400 and code 5, to a request with a good token: Amazon Data Firehose probes for just that.
//! - Events before one that is wrong are taken, as Splunk does, and the answer says which one it was. What follows it is given
//!   back as it came, for the quarantine, since few senders send the rest again.
//! - `Success` means durable here, with and without acknowledgement; an acknowledgement says that events are in the lake.
//!
//! Which tokens, indexes and acknowledgement ids there are is not known here.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use event::scan::{ScanError, blanks, skip};

mod answer;
mod query;

pub use answer::{Answer, Code, acknowledged, success};
pub use query::{Query, query};

use crate::json::{elements, members, scalar_of, text_of};

/// The name of the header with the channel.
pub const CHANNEL: &str = "x-splunk-request-channel";
/// How many acknowledgements may be asked for at once.
const ACKS_MAX: usize = 100_000;
/// Times beyond this many seconds are milliseconds: as seconds they would be in the year 5138.
const SECONDS_MAX: i64 = 100_000_000_000;

/// What a path is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// JSON events.
    Event,
    /// Text of any kind.
    Raw,
    /// Whether events are in the lake.
    Ack,
    /// Whether more is taken; without a token.
    Health,
}

/// What this path is for, if anything.
pub fn endpoint(path: &str) -> Option<Endpoint> {
    let rest = path.strip_prefix("/services/collector")?;
    match rest.strip_suffix('/').unwrap_or(rest) {
        "" | "/event" | "/event/1.0" => Some(Endpoint::Event),
        "/raw" | "/raw/1.0" => Some(Endpoint::Raw),
        "/ack" | "/ack/1.0" => Some(Endpoint::Ack),
        "/health" | "/health/1.0" => Some(Endpoint::Health),
        _ => None,
    }
}

/// The token in an `Authorization` header: `Splunk …`, or `Basic …` with it as the password.
///
/// To be compared in constant time, by whoever knows tokens.
///
/// # Errors
/// [`Code::TokenRequired`] without a header, [`Code::InvalidAuthorization`] if it says something else.
pub fn token(authorization: Option<&str>) -> Result<Cow<'_, str>, Code> {
    let header = authorization.map(str::trim).filter(|header| !header.is_empty()).ok_or(Code::TokenRequired)?;
    let (scheme, token) = header.split_once(' ').ok_or(Code::InvalidAuthorization)?;
    let token = token.trim();
    let token = match () {
        () if scheme.eq_ignore_ascii_case("splunk") => Some(Cow::Borrowed(token)),
        () if scheme.eq_ignore_ascii_case("basic") => password(token).map(Cow::Owned),
        () => None,
    };
    token.filter(|token| !token.is_empty()).ok_or(Code::InvalidAuthorization)
}

fn password(token: &str) -> Option<String> {
    let decoded = String::from_utf8(STANDARD.decode(token).ok()?).ok()?;
    decoded.split_once(':').map(|(_, password)| password.to_owned())
}

/// The channel of a request, from its header or its query. It is a GUID, given in small letters.
///
/// # Errors
/// [`Code::InvalidChannel`] if it is none. Where one is needed, none is [`Code::ChannelMissing`].
pub fn channel(header: Option<&str>, query: &Query) -> Result<Option<String>, Code> {
    let Some(channel) = header.map(str::trim).filter(|channel| !channel.is_empty()).or(query.channel.as_deref()) else {
        return Ok(None);
    };
    let hyphens = [8, 13, 18, 23];
    let is_digit = |(at, byte): (usize, u8)| byte.is_ascii_hexdigit() || (byte == b'-' && hyphens.contains(&at));
    let is_guid = match channel.len() {
        36 => hyphens.iter().all(|at| channel.as_bytes()[*at] == b'-') && channel.bytes().enumerate().all(is_digit),
        32 => channel.bytes().all(|byte| byte.is_ascii_hexdigit()),
        _ => false,
    };
    if is_guid { Ok(Some(channel.to_ascii_lowercase())) } else { Err(Code::InvalidChannel) }
}

/// What a request may hold.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// How many events.
    pub events_max: usize,
    /// The length of an event's text.
    pub event_bytes_max: usize,
    /// How many values all fields of an event may have together.
    pub fields_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { events_max: 1_000_000, event_bytes_max: 16 << 20, fields_max: 10_000 }
    }
}

/// What is said of an event. What is not said is as its token says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metadata {
    /// Milliseconds since 1970, UTC.
    pub time_ms: Option<i64>,
    /// The host.
    pub host: Option<String>,
    /// The source.
    pub source: Option<String>,
    /// The kind of source.
    pub sourcetype: Option<String>,
    /// The index. Whether its token may write there is to be asked: [`Code::IncorrectIndex`].
    pub index: Option<String>,
    /// Fields besides the text; a list is its name given several times, and null is none.
    pub fields: Vec<(String, String)>,
}

/// An event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event<'a> {
    /// The text: what the string says, or the JSON of anything else as it came.
    pub text: Cow<'a, str>,
    /// What is said of it.
    pub metadata: Metadata,
}

/// What is in a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch<'a> {
    /// The events before the first that is wrong. Their numbers are their places here.
    pub events: Vec<Event<'a>>,
    /// What is wrong, if anything is.
    pub mistake: Option<Mistake<'a>>,
}

/// What is wrong with a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake<'a> {
    /// What it is.
    pub code: Code,
    /// The number of the event, counted from 0; none if it is about the request.
    pub event: Option<usize>,
    /// The event that is wrong and all behind it, as they came.
    pub rest: &'a [u8],
}

impl Mistake<'_> {
    /// The answer to the request.
    pub fn answer(&self) -> Answer {
        match self.event {
            Some(event) => self.code.answer_about(event),
            None => self.code.answer(),
        }
    }
}

/// Reads the body of a request to [`Endpoint::Event`], unpacked: JSON objects one behind the other, with anything blank or
/// nothing between them, or in an array.
pub fn events<'a>(body: &'a [u8], limits: &Limits) -> Batch<'a> {
    let mut batch = Batch { events: Vec::new(), mistake: None };
    let mut at = blanks(body, 0);
    while at < body.len() && batch.mistake.is_none() {
        at = blanks(body, value(body, at, limits, &mut batch));
    }
    if batch.events.is_empty() && batch.mistake.is_none() {
        batch.mistake = Some(Mistake { code: Code::NoData, event: None, rest: &[] });
    }
    batch
}

/// Reads an object or an array, and gives its end.
fn value<'a>(body: &'a [u8], at: usize, limits: &Limits, batch: &mut Batch<'a>) -> usize {
    if body[at] != b'[' {
        return one(body, at, limits, batch);
    }
    let mut last = at;
    let read = elements(body, at, |place| {
        last = place.end;
        if batch.mistake.is_none() {
            one(body, place.start, limits, batch);
        }
    });
    match read {
        Ok(end) => end,
        Err(_) if batch.mistake.is_some() => body.len(),
        Err(_) => wrong(body, last, Code::InvalidDataFormat, batch),
    }
}

/// Reads an object, and gives its end.
fn one<'a>(body: &'a [u8], at: usize, limits: &Limits, batch: &mut Batch<'a>) -> usize {
    if batch.events.len() >= limits.events_max {
        return wrong(body, at, Code::InvalidDataFormat, batch);
    }
    match event(body, at, limits) {
        Ok((event, end)) => {
            batch.events.push(event);
            end
        }
        Err(code) => wrong(body, at, code, batch),
    }
}

fn wrong<'a>(body: &'a [u8], at: usize, code: Code, batch: &mut Batch<'a>) -> usize {
    batch.mistake = Some(Mistake { code, event: Some(batch.events.len()), rest: &body[at..] });
    body.len()
}

fn event<'a>(body: &'a [u8], at: usize, limits: &Limits) -> Result<(Event<'a>, usize), Code> {
    if body[at] != b'{' {
        return Err(Code::InvalidDataFormat);
    }
    let mut metadata = Metadata::default();
    let (mut event, mut fields) = (None, None);
    let mut wrong = None;
    let end = members(body, at, |name, place| {
        let said = || match body[place.start] {
            b'{' | b'[' => Err(Code::InvalidDataFormat),
            _ => Ok(scalar_of(body, place.clone()).map(Cow::into_owned)),
        };
        let result = match &*name {
            "event" => {
                event = Some(place);
                Ok(())
            }
            "fields" => {
                fields = Some(place);
                Ok(())
            }
            "time" => time(body, place).map(|time| metadata.time_ms = time),
            "host" => said().map(|text| metadata.host = text),
            "source" => said().map(|text| metadata.source = text),
            "sourcetype" => said().map(|text| metadata.sourcetype = text),
            "index" => said().map(|text| metadata.index = text),
            _ => Ok(()),
        };
        wrong = wrong.or(result.err());
    });
    let end = end.map_err(|_: ScanError| Code::InvalidDataFormat)?;
    let event = event.ok_or(Code::EventRequired)?;
    let inside = &body[event.clone()];
    let text = match inside[0] {
        b'"' => text_of(body, event).ok_or(Code::InvalidDataFormat)?,
        _ => Cow::Borrowed(std::str::from_utf8(inside).map_err(|_| Code::InvalidDataFormat)?),
    };
    let is_hollow = matches!(inside[0], b'{' | b'[') && blanks(inside, 1) == inside.len() - 1;
    if text.trim().is_empty() || &*text == "null" && inside[0] == b'n' || is_hollow {
        return Err(Code::EventBlank);
    }
    if let Some(code) = wrong {
        return Err(code);
    }
    if let Some(place) = fields.filter(|place| body[place.start] != b'n') {
        metadata.fields = read_fields(body, place.start, limits)?;
    }
    if text.len() > limits.event_bytes_max {
        return Err(Code::InvalidDataFormat);
    }
    Ok((Event { text, metadata }, end))
}

/// Flat: names with values, or lists of values.
fn read_fields(body: &[u8], at: usize, limits: &Limits) -> Result<Vec<(String, String)>, Code> {
    if body[at] != b'{' {
        return Err(Code::IndexedFields);
    }
    let mut fields = Vec::new();
    let mut is_flat = true;
    let read = members(body, at, |name, place| {
        let mut add = |place: std::ops::Range<usize>| match body[place.start] {
            b'{' | b'[' => is_flat = false,
            _ => {
                let value = scalar_of(body, place);
                fields.extend(value.map(|value| (name.clone().into_owned(), value.into_owned())));
            }
        };
        match body[place.start] {
            // It was read once already.
            b'[' => _ = elements(body, place.start, add),
            _ => add(place),
        }
        is_flat &= fields.len() <= limits.fields_max;
    });
    if read.is_ok() && is_flat { Ok(fields) } else { Err(Code::IndexedFields) }
}

/// Seconds as a number or as text, with milliseconds behind a point.
fn time(body: &[u8], place: std::ops::Range<usize>) -> Result<Option<i64>, Code> {
    if body[place.start] == b'n' {
        return Ok(None);
    }
    let text = scalar_of(body, place).ok_or(Code::IndexedFields)?;
    millis(text.trim()).map(Some).ok_or(Code::IndexedFields)
}

fn millis(text: &str) -> Option<i64> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let is_number =
        !whole.is_empty() && whole.len() <= 15 && whole.bytes().chain(part.bytes()).all(|b| b.is_ascii_digit());
    let seconds: i64 = whole.parse().ok().filter(|_| is_number)?;
    if seconds >= SECONDS_MAX {
        return Some(seconds);
    }
    let scaled = part.bytes().zip([100, 10, 1]).map(|(byte, unit)| i64::from(byte - b'0') * unit);
    Some(seconds * 1_000 + scaled.sum::<i64>())
}

/// The pieces of a body of a request to [`Endpoint::Raw`], unpacked: its JSON values if it is nothing else, or else its lines.
///
/// # Errors
/// [`Code::NoData`] if it has none.
pub fn raw(body: &[u8]) -> Result<Vec<&[u8]>, Code> {
    let pieces = values(body).unwrap_or_else(|| lines(body));
    if pieces.is_empty() { Err(Code::NoData) } else { Ok(pieces) }
}

fn values(body: &[u8]) -> Option<Vec<&[u8]>> {
    let mut pieces = Vec::new();
    let mut at = blanks(body, 0);
    while at < body.len() {
        let end = skip(body, at, 0).ok().filter(|_| matches!(body[at], b'{' | b'['))?;
        pieces.push(&body[at..end]);
        at = blanks(body, end);
    }
    Some(pieces)
}

fn lines(body: &[u8]) -> Vec<&[u8]> {
    let lines = body.split(|byte| matches!(byte, b'\n' | b'\r'));
    lines.filter(|line| !line.trim_ascii().is_empty()).collect()
}

/// The acknowledgement ids that a request to [`Endpoint::Ack`] asks for: `{"acks":[0,1]}`.
///
/// # Errors
/// [`Code::NoData`] or [`Code::InvalidDataFormat`].
pub fn acks(body: &[u8]) -> Result<Vec<u64>, Code> {
    let at = blanks(body, 0);
    match body.get(at) {
        None => return Err(Code::NoData),
        Some(b'{') => {}
        Some(_) => return Err(Code::InvalidDataFormat),
    }
    let mut list = None;
    let read = members(body, at, |name, place| {
        if name == "acks" {
            list = Some(place);
        }
    });
    let list = list.filter(|place| read.is_ok() && body[place.start] == b'[').ok_or(Code::InvalidDataFormat)?;
    let mut ids = Vec::new();
    let mut are_numbers = true;
    let read = elements(body, list.start, |place| {
        match std::str::from_utf8(&body[place]).ok().and_then(|text| text.parse().ok()) {
            Some(id) if ids.len() < ACKS_MAX => ids.push(id),
            _ => are_numbers = false,
        }
    });
    if read.is_ok() && are_numbers { Ok(ids) } else { Err(Code::InvalidDataFormat) }
}
