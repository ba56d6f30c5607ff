//! What is answered when something is wrong: `application/problem+json`, as RFC 9457 has it.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

/// What is wrong with a request, or with the server.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Problem {
    /// The kind, which programs may rely on: `about:skywarden/not-found`.
    #[serde(rename = "type")]
    #[schema(example = "about:skywarden/not-found")]
    kind: String,
    /// The HTTP status.
    #[schema(example = 404)]
    status: u16,
    /// The same in words.
    title: &'static str,
    /// What was attempted, on what, and what to do.
    detail: String,
    /// Which parts of the request are wrong.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<Fault>,
    #[serde(skip)]
    retry_after_s: Option<u64>,
}

/// A part of a request that is wrong.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
pub struct Fault {
    /// Where: a JSON pointer into the body (`/severity`), or the name of a parameter.
    pub pointer: String,
    /// What is wrong with it.
    pub detail: String,
    /// Where in the text: its first character, from 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start: Option<usize>,
    /// Behind its last character.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end: Option<usize>,
    /// Its line in the text, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    /// Its column in that line, in characters from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<usize>,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
}

impl Problem {
    fn new(status: StatusCode, kind: &str, detail: impl Into<String>) -> Problem {
        Problem {
            kind: format!("about:skywarden/{kind}"),
            status: status.as_u16(),
            title: status.canonical_reason().unwrap_or("Error"),
            detail: detail.into(),
            errors: Vec::new(),
            retry_after_s: None,
        }
    }

    /// The request makes no sense.
    pub fn bad_request(detail: impl Into<String>) -> Problem {
        Problem::new(StatusCode::BAD_REQUEST, "bad-request", detail)
    }

    /// A part of the request makes no sense.
    pub fn invalid(pointer: &str, detail: impl Into<String>) -> Problem {
        let detail = detail.into();
        let fault = Fault { pointer: pointer.to_owned(), detail: detail.clone(), ..Fault::default() };
        let problem = Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", format!("`{pointer}`: {detail}"));
        Problem { errors: vec![fault], ..problem }
    }

    /// Nobody is logged in.
    pub fn unauthenticated(detail: impl Into<String>) -> Problem {
        Problem::new(StatusCode::UNAUTHORIZED, "unauthenticated", detail)
    }

    /// Somebody is logged in and may not.
    pub fn forbidden(detail: impl Into<String>) -> Problem {
        Problem::new(StatusCode::FORBIDDEN, "forbidden", detail)
    }

    /// The path is there, and what is asked of it is not.
    pub fn no_method(detail: impl Into<String>) -> Problem {
        Problem::new(StatusCode::METHOD_NOT_ALLOWED, "no-method", detail)
    }

    /// There is no such thing, or none that this user may see.
    pub fn not_found(detail: impl Into<String>) -> Problem {
        Problem::new(StatusCode::NOT_FOUND, "not-found", detail)
    }

    /// What is there is not what the request takes it for.
    pub fn conflict(detail: impl Into<String>) -> Problem {
        Problem::new(StatusCode::CONFLICT, "conflict", detail)
    }

    /// Somebody else was faster: the version in `If-Match` is not the current one.
    pub fn changed(detail: impl Into<String>) -> Problem {
        Problem::new(StatusCode::PRECONDITION_FAILED, "changed", detail)
    }

    /// The request needs `If-Match`.
    pub fn needs_version() -> Problem {
        let detail = "send the ETag of what you have seen in `If-Match`, so that nobody's change is overwritten unseen";
        Problem::new(StatusCode::PRECONDITION_REQUIRED, "needs-version", detail)
    }

    /// The body is larger than is taken.
    pub fn too_large(detail: impl Into<String>) -> Problem {
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", detail)
    }

    /// The client asks too often.
    pub fn too_many(detail: impl Into<String>, retry_after_s: u64) -> Problem {
        let problem = Problem::new(StatusCode::TOO_MANY_REQUESTS, "too-many", detail);
        Problem { retry_after_s: Some(retry_after_s), ..problem }
    }

    /// The server cannot do it now.
    pub fn unavailable(detail: impl Into<String>, retry_after_s: u64) -> Problem {
        let problem = Problem::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", detail);
        Problem { retry_after_s: Some(retry_after_s), ..problem }
    }

    /// The server failed. What went wrong is told in its log and not to the client.
    pub fn internal(err: &anyhow::Error) -> Problem {
        let text = format!("{err:#}");
        crate::serve::log::error("request", &text);
        if text.contains("disk is full") || text.contains("No space left") {
            return Problem::unavailable("the server's disk is full: free some space", 30);
        }
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "the server failed; its log says why")
    }

    /// Adds what is wrong with parts of the request.
    pub fn with_faults(self, errors: Vec<Fault>) -> Problem {
        Problem { errors, ..self }
    }
}

impl From<anyhow::Error> for Problem {
    fn from(err: anyhow::Error) -> Problem {
        Problem::internal(&err)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = serde_json::to_vec(&self).unwrap_or_default();
        let mut response = (status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(seconds) = self.retry_after_s {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"skywarden\""));
        }
        response
    }
}
