//! Amazon Data Firehose: delivery to an HTTP endpoint, version 1.0 of its protocol, as a request to a batch and an answer.
//!
//! What makes this protocol unlike others is what Firehose does with an answer:
//!
//! - Only 200 is success. Other 2xx are failures, and so is an answer that does not echo the request's id.
//! - Everything else is tried again, with the same request id, until the stream's retry time is over; then the batch goes to its
//!   backup bucket. So nothing is lost by refusing what another attempt, or a person, can mend.
//! - But 413: that is taken as final, and the batch does not even go to the backup bucket. **It is never answered**, not for a
//!   body of any length; [`Refusal`] cannot say it.
//! - One bad record fails all records beside it, again and again. So a record that cannot be read is kept as it came, as
//!   [`Poison`] for the quarantine, and the batch is accepted.
//!
//! The data of a record may be packed in itself: CloudWatch Logs sends gzip. It is given as it is; what it means is found out by
//! whoever reads records.

use std::ops::Range;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use event::scan::{ScanError, blanks};

use crate::body::{self, BodyError};
use crate::json::{elements, members, quoted, text_of};

/// The name of the header with [`Headers::request_id`].
pub const REQUEST_ID: &str = "x-amz-firehose-request-id";
/// The name of the header with [`Headers::access_key`].
pub const ACCESS_KEY: &str = "x-amz-firehose-access-key";
/// The name of the header with [`Headers::common_attributes`].
pub const COMMON_ATTRIBUTES: &str = "x-amz-firehose-common-attributes";
/// The name of the header with [`Headers::source_arn`].
pub const SOURCE_ARN: &str = "x-amz-firehose-source-arn";
/// The only type an answer may have. It must have a length, and must not be packed.
pub const CONTENT_TYPE: &str = "application/json";

/// Firehose shows as much of an error message.
const ERROR_MESSAGE_BYTES_MAX: usize = 8 << 10;
/// A stream may be given as many attributes.
const ATTRIBUTES_MAX: usize = 50;
const REQUEST_ID_BYTES_MAX: usize = 256;

/// Padding may lack: some that stand in for Firehose leave it away.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The headers of a request, as far as they mean something.
#[derive(Clone, Copy, Debug, Default)]
pub struct Headers<'a> {
    /// Stays the same when a request is sent again.
    pub request_id: Option<&'a str>,
    /// What the stream was configured with, as it is. To be compared in constant time, by whoever knows it.
    pub access_key: Option<&'a str>,
    /// `{"commonAttributes":{…}}`, as the stream was configured with.
    pub common_attributes: Option<&'a str>,
    /// The stream.
    pub source_arn: Option<&'a str>,
    /// `Content-Encoding`.
    pub content_encoding: Option<&'a str>,
}

/// What a request may hold.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The length of a body, as it comes and unpacked. Firehose buffers up to 64 MiB, which base64 makes a third longer.
    pub body_bytes_max: usize,
    /// The length of a record's data. Firehose takes 1,000 KiB, which a function in the stream can make 6 MiB.
    pub record_bytes_max: usize,
    /// How many records. What follows is one poison.
    pub records_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { body_bytes_max: 96 << 20, record_bytes_max: 16 << 20, records_max: 1_000_000 }
    }
}

/// What a request holds. It is accepted once all of it is durable: the records and the poison.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    /// The id to answer with. With the number of a record it tells whether it came before.
    pub request_id: String,
    /// When Firehose made the request.
    pub timestamp_ms: Option<i64>,
    /// The stream.
    pub source_arn: Option<String>,
    /// What the stream was configured with.
    pub attributes: Vec<(String, String)>,
    /// What could not be read.
    pub poison: Vec<Poison>,
    /// What is odd but lost nothing.
    pub notes: Vec<&'static str>,
    bytes: Vec<u8>,
    records: Vec<(usize, Range<usize>)>,
}

impl Batch {
    /// The data of each record, with its number in the request.
    pub fn records(&self) -> impl ExactSizeIterator<Item = (usize, &[u8])> {
        self.records.iter().map(|(number, place)| (*number, &self.bytes[place.clone()]))
    }
}

/// A part of a request that is no record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Poison {
    /// The number of the record; none if it is not about one.
    pub record: Option<usize>,
    /// What is wrong.
    pub why: &'static str,
    /// The bytes as they came, unpacked.
    pub bytes: Vec<u8>,
}

/// A request is not accepted, and will be sent again.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// It is without an id, in its headers and in its body.
    #[error("the request has no id")]
    RequestId,
    /// The access key is not the one of this endpoint.
    #[error("the access key is missing or wrong")]
    AccessKey,
    /// The body cannot be unpacked.
    #[error("the body cannot be unpacked: {err}")]
    Body {
        /// Why.
        #[source]
        err: BodyError,
    },
    /// The body ends in the middle. It is whole at its sender.
    #[error("the body ends too early")]
    Truncated,
    /// It cannot be kept now: the log is full or busy, or the disk failed.
    #[error("cannot be kept now")]
    Unavailable,
}

impl Refusal {
    /// The status to answer with; never 413.
    pub fn status(&self) -> u16 {
        match self {
            Self::AccessKey => 401,
            Self::RequestId | Self::Body { .. } | Self::Truncated => 400,
            Self::Unavailable => 503,
        }
    }
}

/// What to answer, with [`CONTENT_TYPE`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The body.
    pub body: String,
}

/// The answer to a request of which everything is durable.
pub fn accepted(request_id: &str, now_ms: i64) -> Answer {
    Answer { status: 200, body: format!("{{\"requestId\":{},\"timestamp\":{now_ms}}}", quoted(request_id)) }
}

/// The answer to a request that is to be sent again.
pub fn refused(request_id: &str, now_ms: i64, refusal: &Refusal) -> Answer {
    let mut message = refusal.to_string();
    message.truncate(message.floor_char_boundary(ERROR_MESSAGE_BYTES_MAX));
    let (id, message) = (quoted(request_id), quoted(&message));
    let body = format!("{{\"requestId\":{id},\"timestamp\":{now_ms},\"errorMessage\":{message}}}");
    Answer { status: refusal.status(), body }
}

/// Reads a request. Whether its access key is right is to be asked before.
///
/// # Errors
/// When it should be sent again. What is wrong with single records, or what no other attempt makes better, is no error.
pub fn parse(headers: &Headers<'_>, body: &[u8], limits: &Limits) -> Result<Batch, Refusal> {
    let body = body::plain(headers.content_encoding, body, limits.body_bytes_max);
    let body = body.map_err(|err| Refusal::Body { err })?;
    let mut batch = Batch { source_arn: headers.source_arn.map(str::to_owned), ..Batch::default() };
    attributes(headers.common_attributes, &mut batch);
    let id_in_body = match envelope(&body, limits, &mut batch) {
        Ok(id) => id,
        Err(ScanError::Incomplete) => return Err(Refusal::Truncated),
        Err(ScanError::Bad { what, .. }) => {
            // Nothing of it is taken: all of it is in the poison.
            batch.records.clear();
            batch.bytes.clear();
            batch.poison = vec![Poison { record: None, why: what, bytes: body.to_vec() }];
            None
        }
    };
    let id_in_header = headers.request_id.map(str::trim).filter(|id| !id.is_empty()).map(str::to_owned);
    if id_in_header.is_some() && id_in_body.is_some() && id_in_header != id_in_body {
        batch.notes.push("the id in the header is not the one in the body");
    }
    // An id is echoed and remembered, so it is short.
    let id = id_in_header.or(id_in_body).filter(|id| id.len() <= REQUEST_ID_BYTES_MAX);
    batch.request_id = id.ok_or(Refusal::RequestId)?;
    Ok(batch)
}

/// Reads the body's object, and gives the request's id in it.
fn envelope(body: &[u8], limits: &Limits, batch: &mut Batch) -> Result<Option<String>, ScanError> {
    let at = blanks(body, 0);
    match body.get(at) {
        None => return Err(ScanError::Incomplete),
        Some(b'{') => {}
        Some(_) => return Err(ScanError::Bad { at, what: "the body is no JSON object" }),
    }
    let (mut id, mut records) = (None, None);
    let end = members(body, at, |name, place| match &*name {
        "requestId" => id = text_of(body, place).map(|id| id.into_owned()),
        "timestamp" => batch.timestamp_ms = std::str::from_utf8(&body[place]).ok().and_then(|text| text.parse().ok()),
        "records" => records = Some(place),
        _ => {}
    })?;
    if blanks(body, end) < body.len() {
        return Err(ScanError::Bad { at: end, what: "something follows the body's object" });
    }
    match records.filter(|place| body[place.start] == b'[') {
        Some(place) => Records { body, limits, batch }.read(place)?,
        None => return Err(ScanError::Bad { at, what: "the body has no records" }),
    }
    Ok(id)
}

/// The body whose records are read into a batch.
struct Records<'a> {
    body: &'a [u8],
    limits: &'a Limits,
    batch: &'a mut Batch,
}

impl Records<'_> {
    fn read(&mut self, place: Range<usize>) -> Result<(), ScanError> {
        let body = self.body;
        let mut number = 0;
        let mut rest = None;
        elements(body, place.start, |record| {
            if number >= self.limits.records_max {
                rest = rest.or(Some(record.start));
            } else if let Err(why) = self.read_one(record.clone(), number) {
                self.batch.poison.push(Poison { record: Some(number), why, bytes: body[record].to_vec() });
            }
            number += 1;
        })?;
        if let Some(from) = rest {
            let why = "more records than a request may have";
            self.batch.poison.push(Poison { record: None, why, bytes: body[from..place.end - 1].to_vec() });
        }
        Ok(())
    }

    fn read_one(&mut self, place: Range<usize>, number: usize) -> Result<(), &'static str> {
        let Self { body, limits, batch } = self;
        if body[place.start] != b'{' {
            return Err("the record is no JSON object");
        }
        let mut data = None;
        let read = members(body, place.start, |name, value| {
            if name == "data" {
                data = Some(value);
            }
        });
        read.map_err(|_| "the record is no JSON object")?;
        let data = text_of(body, data.ok_or("the record has no data")?).ok_or("the record's data is no text")?;
        if data.len() / 4 * 3 > limits.record_bytes_max {
            return Err("the record's data is longer than it may be");
        }
        let start = batch.bytes.len();
        if BASE64.decode_vec(data.as_bytes(), &mut batch.bytes).is_err() {
            batch.bytes.truncate(start);
            return Err("the record's data is not base64");
        }
        batch.records.push((number, start..batch.bytes.len()));
        Ok(())
    }
}

fn attributes(header: Option<&str>, batch: &mut Batch) {
    let Some(header) = header.map(str::trim).filter(|header| !header.is_empty()) else { return };
    let text = header.as_bytes();
    let mut object = None;
    let is_object = text[0] == b'{'
        && members(text, 0, |name, place| {
            if name == "commonAttributes" && text[place.start] == b'{' {
                object = Some(place.start);
            }
        })
        .is_ok();
    let read = object.filter(|_| is_object).map(|at| {
        members(text, at, |name, place| {
            if let Some(value) = text_of(text, place).filter(|_| batch.attributes.len() < ATTRIBUTES_MAX) {
                batch.attributes.push((name.into_owned(), value.into_owned()));
            }
        })
    });
    if !matches!(read, Some(Ok(_))) {
        batch.attributes.clear();
        batch.notes.push("the common attributes are not what they should be");
    }
}
