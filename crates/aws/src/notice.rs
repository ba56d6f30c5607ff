//! What the message of a queue says about objects: S3's notifications, the same through SNS, and EventBridge's form. Pure.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::s3::Bucket;

/// SQS allows 1 MiB.
const BODY_BYTES_MAX: usize = 1 << 20;
const RECORDS_MAX: usize = 1000;
const KEY_BYTES_MAX: usize = 1024;
const TEXT_BYTES_MAX: usize = 1024;

/// An object was put.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Where.
    pub bucket: Bucket,
    /// Its key, decoded.
    pub key: String,
    /// Without quotes.
    pub etag: Option<String>,
    /// In a bucket with versions.
    pub version_id: Option<String>,
    /// Orders the notices of one key.
    pub sequencer: Option<String>,
    /// Its length, as was said.
    pub size: Option<u64>,
}

/// A body is no notice.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot read a notification: {reason}")]
pub struct NoticeError {
    /// Why.
    pub reason: String,
    /// The body as it came.
    pub raw: String,
}

/// What was put, in the order of the message, each once. Tests of S3 and notices of removal are none.
pub fn parse(body: &str) -> Result<Vec<Notice>, NoticeError> {
    read(body, 0).map_err(|reason| NoticeError { reason, raw: body.to_owned() })
}

fn read(body: &str, depth: usize) -> Result<Vec<Notice>, String> {
    if body.len() > BODY_BYTES_MAX {
        return Err(format!("it has {} bytes, and {BODY_BYTES_MAX} are the most", body.len()));
    }
    let value: Value = serde_json::from_str(body).map_err(|err| format!("it is no JSON: {err}"))?;
    if value["Event"] == "s3:TestEvent" {
        return Ok(Vec::new());
    }
    if let Some(records) = value["Records"].as_array() {
        return read_records(records);
    }
    // SNS, without raw delivery: the message is text, and only one such cover is known.
    if let (Some(message), true, true) = (value["Message"].as_str(), value["TopicArn"].is_string(), depth == 0) {
        return read(message, depth + 1);
    }
    if value["source"] == "aws.s3" {
        return match value["detail-type"].as_str() {
            // Keys are as they are here, not encoded.
            Some("Object Created") => {
                let detail = &value["detail"];
                let key = text(&detail["object"]["key"], KEY_BYTES_MAX)?.ok_or("it names no key")?;
                notice(&detail["bucket"]["name"], key, &detail["object"], ["etag", "version-id"]).map(|n| vec![n])
            }
            Some(kind) if kind.starts_with("Object ") => Ok(Vec::new()),
            _ => Err("it is of an unknown kind".to_owned()),
        };
    }
    Err("it is neither of S3 nor of SNS nor of EventBridge".to_owned())
}

fn read_records(records: &[Value]) -> Result<Vec<Notice>, String> {
    if records.len() > RECORDS_MAX {
        return Err(format!("it has {} records, and {RECORDS_MAX} are the most", records.len()));
    }
    let (mut out, mut seen) = (Vec::new(), BTreeSet::new());
    for record in records {
        let Some(kind) = record["eventName"].as_str() else { return Err("a record has no `eventName`".to_owned()) };
        let kind = kind.strip_prefix("s3:").unwrap_or(kind);
        if !kind.starts_with("ObjectCreated:") {
            if kind.starts_with("Object") || kind.starts_with("Lifecycle") || kind.starts_with("Replication") {
                continue;
            }
            return Err("a record is of an unknown kind".to_owned());
        }
        let object = &record["s3"]["object"];
        let key = text(&object["key"], 3 * KEY_BYTES_MAX)?.ok_or("a record names no key")?;
        let key = url_decoded(&key).ok_or("a key is not UTF-8")?;
        let notice = notice(&record["s3"]["bucket"]["name"], key, object, ["eTag", "versionId"])?;
        if seen.insert((notice.bucket.clone(), notice.key.clone(), notice.etag.clone(), notice.version_id.clone())) {
            out.push(notice);
        }
    }
    Ok(out)
}

fn notice(bucket: &Value, key: String, object: &Value, names: [&str; 2]) -> Result<Notice, String> {
    let name = text(bucket, 64)?.ok_or("it names no bucket")?;
    let bucket = Bucket::parse(&name).ok_or_else(|| format!("no bucket can be named {name:?}"))?;
    if key.is_empty() || key.len() > KEY_BYTES_MAX {
        return Err(format!("a key has {} bytes, and 1 to {KEY_BYTES_MAX} are possible", key.len()));
    }
    let some = |name: &str| Ok::<_, String>(text(&object[name], TEXT_BYTES_MAX)?.filter(|text| !text.is_empty()));
    let [etag, version_id] = names;
    Ok(Notice {
        bucket,
        key,
        etag: some(etag)?.map(|etag| etag.trim_matches('"').to_owned()),
        version_id: some(version_id)?.filter(|id| id != "null"),
        sequencer: some("sequencer")?,
        size: object["size"].as_u64(),
    })
}

fn text(value: &Value, bytes_max: usize) -> Result<Option<String>, String> {
    match value {
        Value::Null => Ok(None),
        Value::String(text) if text.len() <= bytes_max => Ok(Some(text.clone())),
        Value::String(text) => Err(format!("a text has {} bytes, and {bytes_max} are the most", text.len())),
        _ => Err("a number or a list stands where text belongs".to_owned()),
    }
}

/// Text with `%XX` and `+` for a blank read; what is no `%XX` is left as it is. Nothing if it is not UTF-8 then.
pub(crate) fn url_decoded(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let (mut out, mut i) = (Vec::with_capacity(bytes.len()), 0);
    let digit = |i: usize| bytes.get(i).and_then(|b| char::from(*b).to_digit(16));
    while i < bytes.len() {
        match (bytes[i], digit(i + 1), digit(i + 2)) {
            (b'%', Some(high), Some(low)) => {
                out.push(u8::try_from(high * 16 + low).expect("two digits are a byte"));
                i += 3;
                continue;
            }
            (b'+', _, _) => out.push(b' '),
            (byte, _, _) => out.push(byte),
        }
        i += 1;
    }
    String::from_utf8(out).ok()
}
