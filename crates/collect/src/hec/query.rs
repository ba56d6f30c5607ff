//! What stands in the query of a request: metadata of all its events, and the channel.

use super::{Metadata, millis};

/// A query, as far as it means something.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    /// Holds for each event that does not say otherwise.
    pub metadata: Metadata,
    /// As it is; [`super::channel`] checks it.
    pub channel: Option<String>,
    /// The token, which does not belong here: [`super::Code::QueryAuthorization`].
    pub token: Option<String>,
}

/// Reads what stands behind the `?`. Of what is given twice the last counts.
pub fn query(text: &str) -> Query {
    let mut query = Query::default();
    for pair in text.split('&') {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let value = Some(decoded(value)).filter(|value| !value.is_empty());
        let metadata = &mut query.metadata;
        match &*decoded(name) {
            "channel" => query.channel = value,
            "token" => query.token = value,
            "host" => metadata.host = value,
            "source" => metadata.source = value,
            "sourcetype" => metadata.sourcetype = value,
            "index" => metadata.index = value,
            "time" => metadata.time_ms = value.and_then(|value| millis(&value)),
            _ => {}
        }
    }
    query
}

/// Without `%XX` and `+`. What is not UTF-8 then is replaced.
fn decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let hex = bytes.get(at + 1..at + 3).filter(|hex| *byte == b'%' && hex.iter().all(u8::is_ascii_hexdigit));
        let hex = hex.and_then(|hex| std::str::from_utf8(hex).ok());
        match (byte, hex.and_then(|hex| u8::from_str_radix(hex, 16).ok())) {
            (_, Some(value)) => {
                out.push(value);
                at += 3;
            }
            (byte, None) => {
                out.push(if *byte == b'+' { b' ' } else { *byte });
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}
