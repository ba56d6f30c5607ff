//! What stands in requests: what is wrong with it is answered as a problem that says where.

use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, header};
use serde::de::DeserializeOwned;

use super::Shared;
use super::problem::Problem;

/// How long a body of JSON may take to come.
const READ_TIME: std::time::Duration = std::time::Duration::from_secs(30);
/// The most bytes of a body of JSON.
const BYTES_MAX: usize = 1 << 20;

/// The version in `If-Match`: the ETag of what was seen.
pub fn seen(headers: &HeaderMap) -> Result<String, Problem> {
    let sent = headers.get(header::IF_MATCH).ok_or_else(Problem::needs_version)?;
    Ok(sent.to_str().unwrap_or_default().trim().trim_matches('"').to_owned())
}

/// The body of a request, as JSON.
pub struct Body<T>(pub T);

impl<T: DeserializeOwned> FromRequest<Shared> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &Shared) -> Result<Self, Problem> {
        let kind = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        // A form of another page can send text, and not JSON, without asking first.
        if !kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json")) {
            return Err(Problem::bad_request("send JSON, and say so with `Content-Type: application/json`"));
        }
        let read = tokio::time::timeout(READ_TIME, axum::body::to_bytes(request.into_body(), BYTES_MAX)).await;
        let bytes = read
            .map_err(|_| Problem::bad_request("the body did not come in time"))?
            .map_err(|_| Problem::too_large(format!("the body is cut off, or longer than {BYTES_MAX} bytes")))?;
        // A list would be taken for an object whose values it has in order.
        if !bytes.trim_ascii_start().starts_with(b"{") {
            return Err(Problem::invalid("", "is not a JSON object"));
        }
        let mut reader = serde_json::Deserializer::from_slice(&bytes);
        let value = serde_path_to_error::deserialize(&mut reader).map_err(|err| {
            let pointer = pointer(err.path());
            Problem::invalid(&pointer, err.into_inner().to_string())
        })?;
        reader.end().map_err(|err| Problem::invalid("", format!("there is more behind the JSON: {err}")))?;
        Ok(Body(value))
    }
}

/// A JSON pointer.
fn pointer(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    let part = |segment: &Segment| match segment {
        Segment::Seq { index } => format!("/{index}"),
        Segment::Map { key } => format!("/{}", key.replace('~', "~0").replace('/', "~1")),
        Segment::Enum { variant } => format!("/{variant}"),
        Segment::Unknown => "/?".to_owned(),
    };
    path.iter().map(part).collect()
}

/// The parameters of a request.
pub struct Asked<T>(pub T);

impl<T: DeserializeOwned> axum::extract::FromRequestParts<Shared> for Asked<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut axum::http::request::Parts, _: &Shared) -> Result<Self, Problem> {
        let parsed = axum::extract::Query::<T>::try_from_uri(&parts.uri);
        parsed.map(|query| Asked(query.0)).map_err(|err| Problem::bad_request(err.body_text()))
    }
}

/// What stands in the path of a request.
pub struct Path<T>(pub T);

impl<T: DeserializeOwned + Send> axum::extract::FromRequestParts<Shared> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut axum::http::request::Parts, app: &Shared) -> Result<Self, Problem> {
        let parsed = axum::extract::Path::<T>::from_request_parts(parts, app).await;
        parsed.map(|path| Path(path.0)).map_err(|err| Problem::bad_request(err.body_text()))
    }
}
