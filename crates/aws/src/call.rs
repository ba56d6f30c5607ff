//! One call to AWS: signed, sent, sent again while that may help, and its failure understood.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::credentials::{CredentialSource, CredentialsError};
use crate::env::Env;
use crate::http::{Http, Request, Response, SendError};
use crate::sign::{PathEncoding, Scope, Signable, hash, sign};
use crate::xml;

const ERROR_BYTES_MAX: u64 = 64 << 10;

/// How often and how far apart a call is sent again.
#[derive(Clone, Copy, Debug)]
pub struct Retry {
    /// With the first.
    pub attempts_max: u32,
    /// The bound of the first wait; each next one is twice that.
    pub wait: Duration,
    /// The longest wait.
    pub wait_max: Duration,
}

impl Default for Retry {
    fn default() -> Self {
        Self { attempts_max: 5, wait: Duration::from_millis(200), wait_max: Duration::from_secs(10) }
    }
}

impl Retry {
    /// Exponential with full jitter: many who failed at once do not come back at once.
    pub fn wait(&self, attempt: u32, random: u64) -> Duration {
        let bound = self.wait.saturating_mul(1 << attempt.saturating_sub(1).min(20)).min(self.wait_max);
        let bound_ms = u64::try_from(bound.as_millis()).unwrap_or(u64::MAX);
        Duration::from_millis(random % bound_ms.saturating_add(1))
    }
}

/// Where the services are, if not at AWS.
#[derive(Clone, Debug, Default)]
pub struct Endpoints {
    /// `AWS_ENDPOINT_URL_S3`.
    pub s3: Option<String>,
    /// `AWS_ENDPOINT_URL_SQS`.
    pub sqs: Option<String>,
}

impl Endpoints {
    /// As the variables say: that of a service, or else `AWS_ENDPOINT_URL`.
    pub fn from_vars(var: &dyn Fn(&str) -> Option<String>) -> Self {
        let of = |service: &str| {
            let url = var(&format!("AWS_ENDPOINT_URL_{service}")).or_else(|| var("AWS_ENDPOINT_URL"));
            url.filter(|url| !url.is_empty()).map(|url| url.trim_end_matches('/').to_owned())
        };
        Self { s3: of("S3"), sqs: of("SQS") }
    }
}

/// What all calls need. Clones share it.
#[derive(Clone)]
pub struct Aws {
    /// Sends.
    pub http: Arc<dyn Http>,
    /// Who we are.
    pub credentials: Arc<dyn CredentialSource>,
    /// Time, luck and waiting.
    pub env: Arc<dyn Env>,
    /// Where, unless a queue or a bucket is elsewhere.
    pub region: String,
    /// Where the services are.
    pub endpoints: Endpoints,
    /// How often a call is sent.
    pub retry: Retry,
    /// The Regions of buckets that are elsewhere, as they told.
    pub(crate) regions: Arc<Mutex<BTreeMap<String, String>>>,
}

impl Aws {
    /// At AWS, with the usual retries.
    pub fn new(http: Arc<dyn Http>, credentials: Arc<dyn CredentialSource>, env: Arc<dyn Env>, region: &str) -> Self {
        Self {
            http,
            credentials,
            env,
            region: region.to_owned(),
            endpoints: Endpoints::default(),
            retry: Retry::default(),
            regions: Arc::default(),
        }
    }

    pub(crate) fn bucket_region(&self, bucket: &str) -> String {
        let regions = self.regions.lock().unwrap_or_else(PoisonError::into_inner);
        regions.get(bucket).unwrap_or(&self.region).clone()
    }

    /// The first answer that is a success.
    pub(crate) fn call(&self, call: &Call<'_>) -> Result<Response, CallError> {
        let mut is_fresh = false;
        let mut attempt = 1;
        loop {
            let err = match self.attempt(call) {
                Ok(response) => return Ok(response),
                Err(err) => err,
            };
            // Expired a moment ago, whatever was said of when: the next ones are asked for, once.
            if !is_fresh && err.is_expired() {
                is_fresh = true;
                self.credentials.forget();
                continue;
            }
            if attempt >= self.retry.attempts_max || !err.is_transient() {
                return Err(err);
            }
            self.env.sleep(self.retry.wait(attempt, self.env.random()));
            attempt += 1;
        }
    }

    fn attempt(&self, call: &Call<'_>) -> Result<Response, CallError> {
        let now = self.env.now();
        let credentials = self.credentials.credentials(now).map_err(|err| CallError::Credentials { err })?;
        let mut request = call.request.clone();
        let payload_hash = hash(&request.body);
        if call.service == "s3" {
            request.headers.push(("x-amz-content-sha256".to_owned(), payload_hash.clone()));
        }
        let path = if call.service == "s3" { PathEncoding::Once } else { PathEncoding::Twice };
        let scope = Scope { region: call.region, service: call.service, time: now, path };
        let signable = Signable {
            method: request.method,
            url: &request.url,
            headers: &request.headers,
            payload_hash: &payload_hash,
        };
        let signature = sign(&signable, &credentials, &scope);
        request.headers.extend(signature);
        let response = self.http.send(&request).map_err(|err| CallError::Send { err })?;
        if (200..300).contains(&response.status) { Ok(response) } else { Err(refused(response)) }
    }
}

/// What is to be called.
pub(crate) struct Call<'a> {
    pub(crate) service: &'static str,
    pub(crate) region: &'a str,
    pub(crate) request: Request,
}

/// A call did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// Nobody says who we are.
    #[error("no credentials")]
    Credentials {
        /// Why.
        #[source]
        err: CredentialsError,
    },
    /// No answer.
    #[error("AWS did not answer")]
    Send {
        /// Why.
        #[source]
        err: SendError,
    },
    /// AWS said no.
    #[error("AWS answered {status} {code}: {message}")]
    Refused {
        /// 403.
        status: u16,
        /// `AccessDenied`; empty if there was no body.
        code: String,
        /// In AWS's words.
        message: String,
        /// The Region that the bucket is in, if the answer told.
        region: Option<String>,
    },
}

impl CallError {
    /// `AccessDenied`, or empty.
    pub fn code(&self) -> &str {
        match self {
            Self::Refused { code, .. } => code,
            Self::Credentials { .. } | Self::Send { .. } => "",
        }
    }

    /// Whether the same call may succeed in a moment.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Credentials { .. } => false,
            Self::Send { .. } => true,
            Self::Refused { status, code, .. } => {
                matches!(status, 429 | 500 | 502 | 503 | 504)
                    || code.contains("Throttl")
                    || matches!(code.as_str(), "SlowDown" | "RequestTimeout" | "TooManyRequestsException")
            }
        }
    }

    /// Whether the credentials are past their time.
    pub fn is_expired(&self) -> bool {
        matches!(self.code(), "ExpiredToken" | "ExpiredTokenException" | "RequestExpired")
    }

    /// Whether we are known and may not.
    pub fn is_denied(&self) -> bool {
        matches!(self.code(), "AccessDenied" | "AccessDeniedException" | "AllAccessDisabled")
            || matches!(self, Self::Refused { status: 403, code, .. } if code.is_empty())
    }

    /// The permission that AWS names in its message, of those that come with another one: `kms:Decrypt`.
    pub(crate) fn named(&self) -> Option<&'static str> {
        let Self::Refused { message, .. } = self else { return None };
        message.contains("kms:Decrypt").then_some("kms:Decrypt")
    }
}

fn refused(response: Response) -> CallError {
    let status = response.status;
    let region = response.header("x-amz-bucket-region").map(str::to_owned);
    let is_json = response.header("content-type").is_some_and(|t| t.contains("json"));
    // The query-compatible header has the code that people know.
    let header = response.header("x-amzn-query-error").and_then(|h| h.split(';').next()).map(str::to_owned);
    let body = response.read(ERROR_BYTES_MAX).unwrap_or_default();
    let (code, message) = if is_json { json_error(&body) } else { xml::error(&body) };
    CallError::Refused { status, code: header.unwrap_or(code), message: message.chars().take(1000).collect(), region }
}

fn json_error(body: &[u8]) -> (String, String) {
    let value: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
    let kind = value["__type"].as_str().unwrap_or_default();
    let message = value["message"].as_str().or_else(|| value["Message"].as_str()).unwrap_or_default();
    (kind.rsplit('#').next().unwrap_or_default().to_owned(), message.to_owned())
}
