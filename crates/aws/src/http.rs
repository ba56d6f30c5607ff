//! One request and its answer, behind a trait so that tests answer as badly as they like.
//!
//! Retries are deliberately not here but in [`crate::call`]: an [`Http`] sends once.

use std::fmt;
use std::io::{self, Read};
use std::time::Duration;

/// A request, whole in memory: what we send is short.
#[derive(Clone)]
pub struct Request {
    /// `GET`.
    pub method: &'static str,
    /// With path and query encoded.
    pub url: String,
    /// Without the host and the length.
    pub headers: Vec<(String, String)>,
    /// May be empty.
    pub body: Vec<u8>,
}

// Headers hold signatures and tokens.
impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.url.split('?').next().unwrap_or_default())
    }
}

/// An answer, of which the body is still to be read.
pub struct Response {
    /// 200.
    pub status: u16,
    /// Names in small letters.
    pub headers: Vec<(String, String)>,
    /// The body; a read that waits too long fails with [`io::ErrorKind::TimedOut`].
    pub body: Box<dyn Read + Send>,
}

impl Response {
    /// The first header of that name, which is in small letters.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    /// The body, unless it is longer than that.
    pub fn read(self, bytes_max: u64) -> io::Result<Vec<u8>> {
        let mut out = Vec::new();
        self.body.take(bytes_max + 1).read_to_end(&mut out)?;
        if out.len() as u64 > bytes_max {
            return Err(io::Error::new(io::ErrorKind::InvalidData, format!("more than {bytes_max} bytes came")));
        }
        Ok(out)
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "status {}", self.status)
    }
}

/// No answer came.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// Nothing came in time.
    #[error("no answer in time")]
    Timeout,
    /// There is no connection, or it broke.
    #[error("no answer: {reason}")]
    Broken {
        /// Why, without the URL.
        reason: String,
    },
}

/// Sends requests.
pub trait Http: Send + Sync {
    /// Sends once and returns when the headers of the answer are there. Redirects are answers.
    fn send(&self, request: &Request) -> Result<Response, SendError>;
}

/// How long a client waits.
#[derive(Clone, Copy, Debug)]
pub struct Timeouts {
    /// For a connection.
    pub connect: Duration,
    /// For headers, and for each next piece of a body. Longer than the longest poll of a queue.
    pub read: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self { connect: Duration::from_secs(10), read: Duration::from_secs(30) }
    }
}

/// Over the network. It blocks, so it belongs on a thread that is not of an asynchronous runtime.
#[derive(Debug)]
pub struct Client {
    client: reqwest::blocking::Client,
}

/// There is no client.
#[derive(Debug, thiserror::Error)]
#[error("cannot set up TLS")]
pub struct ClientError {
    #[source]
    err: reqwest::Error,
}

impl Client {
    /// A client that keeps connections.
    pub fn new(timeouts: Timeouts) -> Result<Self, ClientError> {
        let client = reqwest::blocking::Client::builder()
            .connect_timeout(timeouts.connect)
            .timeout(timeouts.read)
            // A signature holds for one host, and whoever redirects may be anybody.
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("skywarden/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|err| ClientError { err })?;
        Ok(Self { client })
    }
}

impl Http for Client {
    fn send(&self, request: &Request) -> Result<Response, SendError> {
        let method = reqwest::Method::from_bytes(request.method.as_bytes()).expect("methods are among our literals");
        let mut builder = self.client.request(method, &request.url).body(request.body.clone());
        for (name, value) in &request.headers {
            builder = builder.header(name, value);
        }
        let response = builder.send().map_err(broken)?;
        let headers = response.headers().iter();
        let headers =
            headers.filter_map(|(name, value)| Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned())));
        Ok(Response { status: response.status().as_u16(), headers: headers.collect(), body: Box::new(Body(response)) })
    }
}

fn broken(err: reqwest::Error) -> SendError {
    if err.is_timeout() {
        return SendError::Timeout;
    }
    let err = err.without_url();
    let mut reason = err.to_string();
    let mut cause = std::error::Error::source(&err);
    while let Some(err) = cause {
        reason = format!("{reason}: {err}");
        cause = err.source();
    }
    SendError::Broken { reason }
}

struct Body(reqwest::blocking::Response);

impl Read for Body {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        self.0.read(out).map_err(|err| {
            let is_timeout = err.get_ref().and_then(|err| err.downcast_ref::<reqwest::Error>());
            let is_timeout = is_timeout.is_some_and(reqwest::Error::is_timeout);
            if is_timeout { io::Error::new(io::ErrorKind::TimedOut, "no bytes in time") } else { err }
        })
    }
}
