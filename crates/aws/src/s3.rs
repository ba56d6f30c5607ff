//! Objects of buckets: listed, looked at, read.
//!
//! Writing to buckets is deliberately not here.

use std::fmt;
use std::io::{self, Read as _, Write};

use crate::call::{Aws, Call, CallError};
use crate::http::{Request, Response};
use crate::sign::encoded;
use crate::xml;

const LIST_BYTES_MAX: u64 = 8 << 20;
const CHUNK_BYTES: usize = 64 << 10;

/// The name of a bucket, checked: it becomes part of a host's name.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Bucket(String);

impl Bucket {
    /// The name, if a bucket can have it.
    pub fn parse(name: &str) -> Option<Self> {
        let is_sane = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'.';
        let is_edge = |b: Option<&u8>| b.is_some_and(u8::is_ascii_alphanumeric);
        let bytes = name.as_bytes();
        let is_bucket = (3..=63).contains(&name.len()) && bytes.iter().all(|b| is_sane(*b)) && !name.contains("..");
        (is_bucket && is_edge(bytes.first()) && is_edge(bytes.last())).then(|| Self(name.to_owned()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An object was not read, or a bucket not listed.
#[derive(Debug, thiserror::Error)]
pub enum S3Error {
    /// A permission is missing. Without `s3:ListBucket` an object that is not there looks the same.
    #[error("the permission {permission} is missing")]
    Denied {
        /// `s3:GetObject on arn:aws:s3:::bucket/key`.
        permission: String,
        /// What AWS said.
        #[source]
        err: CallError,
    },
    /// The call failed.
    #[error("cannot {what}")]
    Call {
        /// `read s3://bucket/key`.
        what: String,
        /// Why.
        #[source]
        err: CallError,
    },
    /// A key with a segment of dots is another path for every client on the way.
    #[error("cannot read `{key}`: a part of it is only dots")]
    Steps {
        /// Which.
        key: String,
    },
    /// The object is longer than it may be.
    #[error("`{key}` has more than {bytes_max} bytes")]
    Long {
        /// Which.
        key: String,
        /// The bound.
        bytes_max: u64,
    },
    /// The body ended early or broke, as often as it was asked for.
    #[error("`{key}` ended after {bytes} of {expected} bytes")]
    Cut {
        /// Which.
        key: String,
        /// What came.
        bytes: u64,
        /// What should have come.
        expected: u64,
    },
    /// What was read cannot be kept.
    #[error("cannot keep what was read of `{key}`")]
    Write {
        /// Which.
        key: String,
        /// Why.
        #[source]
        err: io::Error,
    },
    /// The answer is not what S3 answers.
    #[error("cannot read the answer to: {what}: {reason}")]
    Answer {
        /// The call.
        what: String,
        /// Why.
        reason: String,
    },
}

impl S3Error {
    /// Whether the object itself is why, so that others can be read meanwhile.
    pub fn is_of_object(&self) -> bool {
        match self {
            Self::Denied { .. } | Self::Long { .. } | Self::Cut { .. } | Self::Steps { .. } => true,
            Self::Call { err, .. } => {
                matches!(err.code(), "NoSuchKey" | "NoSuchVersion" | "InvalidObjectState" | "MethodNotAllowed")
                    || matches!(err, CallError::Refused { status: 404 | 412, .. })
            }
            Self::Write { .. } | Self::Answer { .. } => false,
        }
    }
}

/// What is to be listed.
#[derive(Clone, Debug)]
pub struct List<'a> {
    /// Of which bucket.
    pub bucket: &'a Bucket,
    /// What keys begin with.
    pub prefix: &'a str,
    /// Only keys behind this one.
    pub start_after: Option<&'a str>,
    /// Keys that are alike up to this one are folded.
    pub delimiter: Option<&'a str>,
    /// Where the last page said to go on.
    pub token: Option<&'a str>,
}

/// An object in a list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listed {
    /// Its key.
    pub key: String,
    /// Its length.
    pub size: u64,
    /// Without quotes.
    pub etag: String,
}

/// A page of a list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// In the order of their keys.
    pub objects: Vec<Listed>,
    /// What was folded.
    pub prefixes: Vec<String>,
    /// Where to go on, if there is more.
    pub next: Option<String>,
}

/// Which object, in which version.
#[derive(Clone, Copy, Debug)]
pub struct At<'a> {
    /// In which bucket.
    pub bucket: &'a Bucket,
    /// Which key.
    pub key: &'a str,
    /// The current one, if none is named.
    pub version_id: Option<&'a str>,
}

/// What S3 says of an object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// Its length.
    pub size: u64,
    /// Without quotes. An MD5 of the body only if it was put in one piece and without a key of KMS.
    pub etag: Option<String>,
    /// In a bucket with versions.
    pub version_id: Option<String>,
}

/// S3.
#[derive(Clone)]
pub struct S3 {
    aws: Aws,
}

impl S3 {
    /// S3, called so.
    pub fn new(aws: Aws) -> Self {
        Self { aws }
    }

    /// One page.
    pub fn list(&self, list: &List<'_>) -> Result<Page, S3Error> {
        let mut query = vec![("list-type", "2"), ("encoding-type", "url"), ("prefix", list.prefix)];
        query.extend(list.start_after.map(|key| ("start-after", key)));
        query.extend(list.delimiter.map(|text| ("delimiter", text)));
        query.extend(list.token.map(|token| ("continuation-token", token)));
        let what = || format!("list s3://{}/{}", list.bucket, list.prefix);
        let at = At { bucket: list.bucket, key: "", version_id: None };
        let permission = || format!("s3:ListBucket on arn:aws:s3:::{}", list.bucket);
        let response = self.call("GET", &at, &query, &[]).map_err(|err| failed(err, what(), permission()))?;
        let body = response.read(LIST_BYTES_MAX);
        let body = body.map_err(|err| S3Error::Answer { what: what(), reason: err.to_string() })?;
        page(&body).map_err(|reason| S3Error::Answer { what: what(), reason })
    }

    /// What is known of an object.
    pub fn head(&self, at: &At<'_>) -> Result<Head, S3Error> {
        let query: Vec<_> = at.version_id.map(|id| ("versionId", id)).into_iter().collect();
        let response = self.call("HEAD", at, &query, &[]);
        Ok(head(&response.map_err(|err| failed(err, format!("look at {}", shown(at)), get_permission(at)))?))
    }

    /// Writes an object's bytes, all of them or an error. Where the body breaks it is asked for from there on.
    pub fn get(&self, at: &At<'_>, out: &mut dyn Write, bytes_max: u64) -> Result<Head, S3Error> {
        if at.key.split('/').any(|part| part == "." || part == "..") {
            return Err(S3Error::Steps { key: at.key.to_owned() });
        }
        let query: Vec<_> = at.version_id.map(|id| ("versionId", id)).into_iter().collect();
        let get = |more: &[(String, String)]| {
            let response = self.call("GET", at, &query, more);
            response.map_err(|err| failed(err, format!("read {}", shown(at)), get_permission(at)))
        };
        let mut response = get(&[])?;
        let what = head(&response);
        let has_length = response.header("content-length").is_some();
        let long = || S3Error::Long { key: at.key.to_owned(), bytes_max };
        if what.size > bytes_max {
            return Err(long());
        }
        let (mut bytes, mut attempt) = (0, 1);
        loop {
            let mut chunk = vec![0; CHUNK_BYTES];
            let is_whole = loop {
                match response.body.read(&mut chunk) {
                    Ok(0) => break !has_length || bytes == what.size,
                    Ok(n) => {
                        bytes += n as u64;
                        if bytes > bytes_max {
                            return Err(long());
                        }
                        out.write_all(&chunk[..n]).map_err(|err| S3Error::Write { key: at.key.to_owned(), err })?;
                    }
                    Err(err) if err.kind() == io::ErrorKind::Interrupted => {}
                    Err(_broken) => break false,
                }
            };
            if is_whole {
                return Ok(Head { size: bytes, ..what });
            }
            let cut = || S3Error::Cut { key: at.key.to_owned(), bytes, expected: what.size };
            // Without an ETag the rest could be of another object.
            let Some(etag) = what.etag.as_ref().filter(|_| has_length && bytes < what.size) else { return Err(cut()) };
            if attempt >= self.aws.retry.attempts_max {
                return Err(cut());
            }
            self.aws.env.sleep(self.aws.retry.wait(attempt, self.aws.env.random()));
            attempt += 1;
            let range = ("range".to_owned(), format!("bytes={bytes}-"));
            response = get(&[range, ("if-match".to_owned(), format!("\"{etag}\""))])?;
            let from = format!("bytes {bytes}-");
            if response.status != 206 || !response.header("content-range").is_some_and(|r| r.starts_with(&from)) {
                return Err(cut());
            }
        }
    }

    fn call(
        &self,
        method: &'static str,
        at: &At<'_>,
        query: &[(&str, &str)],
        headers: &[(String, String)],
    ) -> Result<Response, CallError> {
        let region = self.aws.bucket_region(at.bucket.as_str());
        let send = |region: &str| {
            let url = self.url(region, at, query);
            let request = Request { method, url, headers: headers.to_vec(), body: Vec::new() };
            self.aws.call(&Call { service: "s3", region, request })
        };
        match send(&region) {
            // A bucket of another Region says of which.
            Err(CallError::Refused { status: 301 | 307 | 400, region: Some(other), .. })
                if other != region && is_region(&other) =>
            {
                let response = send(&other)?;
                let mut regions = self.aws.regions.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                regions.insert(at.bucket.as_str().to_owned(), other);
                Ok(response)
            }
            result => result,
        }
    }

    fn url(&self, region: &str, at: &At<'_>, query: &[(&str, &str)]) -> String {
        let bucket = at.bucket.as_str();
        let suffix = if region.starts_with("cn-") { ".cn" } else { "" };
        let place = match &self.aws.endpoints.s3 {
            Some(url) => format!("{url}/{bucket}"),
            // The certificate holds for one label.
            None if bucket.contains('.') => format!("https://s3.{region}.amazonaws.com{suffix}/{bucket}"),
            None => format!("https://{bucket}.s3.{region}.amazonaws.com{suffix}"),
        };
        let pairs = query.iter().map(|(name, value)| format!("{name}={}", encoded(value, "")));
        let query = pairs.collect::<Vec<_>>().join("&");
        let mark = if query.is_empty() { "" } else { "?" };
        format!("{place}/{}{mark}{query}", path(at.key))
    }
}

/// A key as the path of a URL.
fn path(key: &str) -> String {
    encoded(key, "/")
}

fn is_region(name: &str) -> bool {
    !name.is_empty()
        && name.len() < 32
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

fn shown(at: &At<'_>) -> String {
    format!("s3://{}/{}", at.bucket, at.key)
}

fn get_permission(at: &At<'_>) -> String {
    let action = if at.version_id.is_some() { "s3:GetObjectVersion" } else { "s3:GetObject" };
    format!("{action} on arn:aws:s3:::{}/{}", at.bucket, at.key)
}

fn failed(err: CallError, what: String, permission: String) -> S3Error {
    match err.named() {
        Some(action) if err.is_denied() => S3Error::Denied { permission: format!("{action} to {what}"), err },
        None if err.is_denied() => S3Error::Denied { permission, err },
        _ => S3Error::Call { what, err },
    }
}

fn head(response: &Response) -> Head {
    let size = response.header("content-length").and_then(|n| n.parse().ok()).unwrap_or(0);
    let etag = response.header("etag").map(|etag| etag.trim_matches('"').to_owned());
    let version_id = response.header("x-amz-version-id").filter(|id| *id != "null").map(str::to_owned);
    Head { size, etag, version_id }
}

fn page(body: &[u8]) -> Result<Page, String> {
    let (mut page, mut object, mut wrong) = (Page::default(), Listed::default(), None);
    xml::walk(body, |path, text| {
        let names: Vec<&str> = path.iter().map(String::as_str).collect();
        let mut plain = |text: &str| {
            crate::notice::url_decoded(text).unwrap_or_else(|| {
                wrong = Some(format!("`{text}` is not UTF-8"));
                String::new()
            })
        };
        match (names.as_slice(), text) {
            (["ListBucketResult", "Contents", "Key"], Some(text)) => object.key = plain(text),
            (["ListBucketResult", "Contents", "Size"], Some(text)) => object.size = text.parse().unwrap_or(0),
            (["ListBucketResult", "Contents", "ETag"], Some(text)) => object.etag = text.trim_matches('"').to_owned(),
            (["ListBucketResult", "Contents"], None) => page.objects.push(std::mem::take(&mut object)),
            (["ListBucketResult", "CommonPrefixes", "Prefix"], Some(text)) => page.prefixes.push(plain(text)),
            (["ListBucketResult", "NextContinuationToken"], Some(text)) => page.next = Some(text.to_owned()),
            _ => {}
        }
    })?;
    wrong.map_or(Ok(page), Err)
}
