//! The HTTP API: one file a noun, and one line in [`nouns`].
//!
//! Each operation's description names the permission it needs, and [`policy`] reads it there: what is not described is refused.

mod audit;
pub mod auth;
mod body;
mod findings;
mod ingest;
pub mod policy;
pub mod problem;
mod queries;
mod rules;
mod stream;
mod suppressions;
mod system;
mod time;
mod users;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderValue, header};
use axum::response::IntoResponse;
use axum::{Json, Router, middleware};
use state::State;
use utoipa::OpenApi as _;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;

use crate::serve::clock::Clock;
use crate::serve::engine::{Door, Progressed};
use crate::serve::frame::Frame;
use crate::serve::protocols;
use crate::serve::queries::Queries;
use crate::serve::rules::RuleBook;
use policy::Policy;
use problem::Problem;

/// The most bytes of a body.
const BODY_BYTES_MAX: usize = 32 << 20;

/// What requests are answered with.
pub struct App {
    /// Users, findings, decisions.
    pub state: Arc<State>,
    /// The lake.
    pub lake: Arc<lake::Lake>,
    /// The durable log.
    pub wal: Arc<wal::Wal>,
    /// The engine's ear.
    pub door: Arc<Door>,
    /// How the engine is doing.
    pub progressed: Arc<Progressed>,
    /// The rules.
    pub rules: Arc<RuleBook>,
    /// Queries as jobs.
    pub queries: Queries,
    /// Who may do what.
    pub policy: Policy,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Where random ids come from.
    pub entropy: Arc<dyn state::Entropy>,
    /// When the server began.
    pub begun_ms: i64,
    /// Whether what it shows is made up.
    pub is_demo: bool,
}

/// What requests are answered with, shared.
pub type Shared = Arc<App>;

#[derive(utoipa::OpenApi)]
#[openapi(info(
    title = "Skywarden",
    description = "Cloud security monitoring: logs in, findings and answers out. Errors are problems as RFC 9457 has them.",
    license(name = "Apache-2.0", identifier = "Apache-2.0")
))]
struct Described;

/// The answers that any operation may give.
#[derive(utoipa::IntoResponses)]
pub enum Refusals {
    /// The request makes no sense.
    #[response(status = 400, content_type = "application/problem+json")]
    BadRequest(#[to_schema] Problem),
    /// Nobody is logged in.
    #[response(status = 401, content_type = "application/problem+json")]
    Unauthenticated(#[to_schema] Problem),
    /// The caller may not.
    #[response(status = 403, content_type = "application/problem+json")]
    Forbidden(#[to_schema] Problem),
    /// There is no such thing.
    #[response(status = 404, content_type = "application/problem+json")]
    NotFound(#[to_schema] Problem),
    /// A part of the request makes no sense.
    #[response(status = 422, content_type = "application/problem+json")]
    Invalid(#[to_schema] Problem),
    /// The client asks too often.
    #[response(status = 429, content_type = "application/problem+json")]
    TooMany(#[to_schema] Problem),
    /// The server cannot do it now.
    #[response(status = 503, content_type = "application/problem+json")]
    Unavailable(#[to_schema] Problem),
}

fn nouns() -> OpenApiRouter<Shared> {
    OpenApiRouter::with_openapi(Described::openapi())
        .merge(system::routes())
        .merge(auth::routes())
        .merge(ingest::routes())
        .merge(findings::routes())
        .merge(suppressions::routes())
        .merge(stream::routes())
        .merge(queries::routes())
        .merge(rules::routes())
        .merge(users::routes())
        .merge(audit::routes())
}

/// The description of all operations.
pub fn document() -> OpenApi {
    let (_, mut document) = nouns().split_for_parts();
    auth::describe(&mut document);
    document
}

/// What answers requests.
pub fn router(app: Shared) -> Router {
    let (router, _) = nouns().split_for_parts();
    let document = Arc::new(document());
    let described = move || {
        let document = Arc::clone(&document);
        async move { Json(OpenApi::clone(&document)).into_response() }
    };
    router
        .layer(middleware::from_fn_with_state(Arc::clone(&app), auth::authorize))
        .route("/api/v1/openapi.json", axum::routing::get(described))
        .fallback(async || {
            Problem::not_found("there is nothing at this path; /api/v1/openapi.json describes what there is")
        })
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .merge(protocols::routes())
        .layer(middleware::map_response(guarded))
        .with_state(app)
}

/// Nothing that the API answers is a page, or may be kept by a cache.
async fn guarded(mut response: axum::response::Response) -> axum::response::Response {
    let headers = response.headers_mut();
    for (name, value) in [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_FRAME_OPTIONS, "DENY"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers
        .entry(header::CONTENT_SECURITY_POLICY)
        .or_insert(HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

impl App {
    /// The time.
    pub fn now_ms(&self) -> i64 {
        self.clock.now_ms()
    }

    /// A random id.
    pub fn new_id(&self) -> String {
        let mut bytes = [0; 16];
        self.entropy.fill(&mut bytes);
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Keeps a delivery. It is on disk when this returns.
    pub async fn append(&self, frame: &Frame) -> Result<u64, Problem> {
        // What is far behind is not made better by more.
        let pending = self.wal.append(frame.encode());
        let position = pending.await.map_err(|err| match err {
            wal::AppendError::Full { .. } => Problem::unavailable(
                "the log of deliveries is full: the lake does not keep up, or cannot be written",
                5,
            ),
            err => {
                crate::serve::log::error("wal", &format!("{:#}", anyhow::Error::new(err)));
                Problem::unavailable("the delivery could not be written to disk", 5)
            }
        })?;
        self.door.wake();
        Ok(position.get())
    }

    /// Whether what was appended at a position is in the lake.
    pub fn is_committed(&self, position: u64) -> bool {
        self.progressed.committed.load(Ordering::Acquire) > position
    }

    /// Waits until what was appended is in the lake.
    pub async fn committed(self: &Arc<Self>, position: u64, timeout: Duration) -> bool {
        let app = Arc::clone(self);
        app.door.commit_soon();
        let wait = move || app.progressed.wait_committed(position + 1, timeout);
        tokio::task::spawn_blocking(wait).await.unwrap_or(false)
    }
}
