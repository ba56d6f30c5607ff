//! Logs by plain HTTP.

use axum::Json;
use axum::extract::{Request, State};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Shared;
use super::auth::Who;
use super::body::Asked;
use super::problem::Problem;
use super::room::Unread;
use crate::serve::frame::{Frame, Trust};

/// How long a body may take to come.
const READ_TIME: std::time::Duration = std::time::Duration::from_secs(120);
/// The most bytes of a body.
const BODY_BYTES_MAX: usize = 32 << 20;

/// The operations.
pub fn routes() -> OpenApiRouter<Shared> {
    OpenApiRouter::new().routes(routes!(ingest))
}

/// What is said of logs that are sent.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct About {
    /// What you call what you send, for finding it again: an object's key, a request's number. At most 512 characters.
    #[serde(default)]
    #[param(max_length = 512)]
    name: Option<String>,
}

/// What was taken.
#[derive(Debug, Serialize, ToSchema)]
pub struct Taken {
    /// How many bytes.
    bytes: usize,
    /// Where they are in the log of deliveries: what `wait` of the status refers to.
    position: u64,
}

/// Takes logs as they are: CloudTrail files, events a line, flow-log lines, envelopes of EventBridge and CloudWatch Logs; plain, gzip or zstd.
///
/// An answer of 200 means that they are on disk and will be in the lake, each record once. Sending the same again adds nothing.
#[utoipa::path(post, path = "/api/v1/ingest", tag = "ingest", params(About),
    request_body(content = Vec<u8>, content_type = "application/octet-stream", description = "logs, at most 32 MiB"),
    responses((status = 200, description = "they are on disk", body = Taken), (status = 413, description = "the body is too long", body = Problem, content_type = "application/problem+json"), super::Refusals),
    security(("token" = ["ingest:write"]), ("session" = ["ingest:write"])))]
async fn ingest(
    State(app): State<Shared>,
    who: Who,
    Asked(about): Asked<About>,
    request: Request,
) -> Result<Json<Taken>, Problem> {
    let read = app.rooms.read(&who.id(), request.into_body(), BODY_BYTES_MAX, READ_TIME).await;
    let (body, _room) = read.map_err(|unread| match unread {
        Unread::Full => Problem::unavailable("too much comes in at once", 2),
        Unread::Late => Problem::bad_request("the body did not come in time"),
        Unread::Broken => Problem::bad_request("the body is cut off"),
        Unread::Long => {
            Problem::too_large(format!("the body is longer than {BODY_BYTES_MAX} bytes: send less at once"))
        }
    })?;
    if body.is_empty() {
        return Err(Problem::bad_request("there is nothing in the body: send logs"));
    }
    let name = match about.name {
        Some(name) if name.chars().count() > 512 => {
            return Err(Problem::invalid("name", "is longer than 512 characters"));
        }
        Some(name) => name,
        None => Sha256::digest(&body).iter().take(12).map(|byte| format!("{byte:02x}")).collect(),
    };
    let bytes = body.len();
    let frame = Frame {
        feed: format!("http/{}", who.name()),
        name,
        trust: Trust::Push,
        at_ms: app.now_ms(),
        pieces: vec![body.into()],
    };
    let position = app.append(&frame).await?;
    Ok(Json(Taken { bytes, position }))
}
