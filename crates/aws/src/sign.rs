//! Signature Version 4 in the `Authorization` header, as a function of all that goes into it: no clock, no IO.
//!
//! Presigned URLs, chunked uploads and the asymmetric version are deliberately not here. A path is signed as it is sent: dots
//! in it are kept, as in S3 they are part of a key.

use std::fmt::Write as _;
use std::time::SystemTime;

use sha2::{Digest as _, Sha256};

use crate::credentials::Credentials;
use crate::env::stamp;

/// How the path of a URL goes into what is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PathEncoding {
    /// As it stands in the URL: S3.
    Once,
    /// Encoded again: all other services.
    Twice,
}

/// What is signed of a request. The host is taken from the URL.
#[derive(Clone, Copy, Debug)]
pub struct Signable<'a> {
    /// `GET`.
    pub method: &'a str,
    /// With its scheme, path and query encoded as they are sent.
    pub url: &'a str,
    /// All of them are signed.
    pub headers: &'a [(String, String)],
    /// The SHA-256 of the body, in hexadecimal.
    pub payload_hash: &'a str,
}

/// For whom and when a signature holds.
#[derive(Clone, Copy, Debug)]
pub struct Scope<'a> {
    /// `us-east-1`.
    pub region: &'a str,
    /// `s3`.
    pub service: &'a str,
    /// When.
    pub time: SystemTime,
    /// How the service reads paths.
    pub path: PathEncoding,
}

/// The headers that make a request signed: `x-amz-date`, the session's token, and `authorization`.
pub fn sign(request: &Signable<'_>, credentials: &Credentials, scope: &Scope<'_>) -> Vec<(String, String)> {
    let stamp = stamp(scope.time);
    let mut added = vec![("x-amz-date".to_owned(), stamp.clone())];
    if let Some(token) = &credentials.session_token {
        added.push(("x-amz-security-token".to_owned(), token.clone()));
    }
    let url = Url::split(request.url);
    let mut headers: Vec<(String, String)> = request
        .headers
        .iter()
        .chain(&added)
        .map(|(name, value)| (name.to_ascii_lowercase(), squeezed(value)))
        .collect();
    headers.push(("host".to_owned(), url.host.to_owned()));
    // Stable: values of one name keep their order.
    headers.sort_by(|a, b| a.0.cmp(&b.0));
    let mut canonical_headers = String::new();
    let mut names: Vec<&str> = Vec::new();
    for (name, value) in &headers {
        if names.last() == Some(&name.as_str()) {
            canonical_headers.pop();
            let _infallible = writeln!(canonical_headers, ",{value}");
        } else {
            names.push(name);
            let _infallible = writeln!(canonical_headers, "{name}:{value}");
        }
    }
    let names = names.join(";");
    let path = match scope.path {
        PathEncoding::Once => url.path.to_owned(),
        PathEncoding::Twice => encoded(url.path, "/"),
    };
    let canonical = format!(
        "{}\n{path}\n{}\n{canonical_headers}\n{names}\n{}",
        request.method,
        canonical_query(url.query),
        request.payload_hash
    );
    let date = &stamp[..8];
    let place = format!("{date}/{}/{}/aws4_request", scope.region, scope.service);
    let to_sign = format!("AWS4-HMAC-SHA256\n{stamp}\n{place}\n{}", hash(canonical.as_bytes()));
    let mut key = hmac(format!("AWS4{}", credentials.secret_access_key).as_bytes(), date.as_bytes());
    for part in [scope.region, scope.service, "aws4_request"] {
        key = hmac(&key, part.as_bytes());
    }
    let signature = hex(&hmac(&key, to_sign.as_bytes()));
    let authorization = format!(
        "AWS4-HMAC-SHA256 Credential={}/{place}, SignedHeaders={names}, Signature={signature}",
        credentials.access_key_id
    );
    added.push(("authorization".to_owned(), authorization));
    added
}

/// The SHA-256 of bytes, in hexadecimal.
pub fn hash(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// Text as AWS wants it in a URL: everything but letters, digits, `-._~` and what is kept becomes `%XX`.
pub fn encoded(text: &str, keep: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) || keep.as_bytes().contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _infallible = write!(out, "%{byte:02X}");
        }
    }
    out
}

/// The parts of a URL that are signed.
pub(crate) struct Url<'a> {
    pub(crate) host: &'a str,
    pub(crate) path: &'a str,
    pub(crate) query: &'a str,
}

impl<'a> Url<'a> {
    pub(crate) fn split(url: &'a str) -> Self {
        let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        // Clients leave the usual port out of `Host`.
        let usual = if scheme == "https" { ":443" } else { ":80" };
        Self { host: host.strip_suffix(usual).unwrap_or(host), path: if path.is_empty() { "/" } else { path }, query }
    }
}

fn canonical_query(query: &str) -> String {
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    let mut pairs: Vec<(&str, &str)> = pairs.map(|pair| pair.split_once('=').unwrap_or((pair, ""))).collect();
    pairs.sort_unstable();
    pairs.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
}

/// Blanks at the ends are dropped and those inside become one.
fn squeezed(value: &str) -> String {
    value.split_ascii_whitespace().collect::<Vec<_>>().join(" ")
}

fn hmac(key: &[u8], message: &[u8]) -> [u8; 32] {
    let mut block = [0_u8; 64];
    if key.len() > block.len() {
        block[..32].copy_from_slice(&Sha256::digest(key));
    } else {
        block[..key.len()].copy_from_slice(key);
    }
    let inner = Sha256::new().chain_update(block.map(|b| b ^ 0x36)).chain_update(message).finalize();
    Sha256::new().chain_update(block.map(|b| b ^ 0x5c)).chain_update(inner).finalize().into()
}

fn hex(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        let _infallible = write!(out, "{byte:02x}");
    }
    out
}
