//! The HTTP API: one file a noun, and one line in [`nouns`].
//!
//! Each operation's description names the permission it needs, and [`policy`] reads it there: what is not described is refused.

mod audit;
pub mod auth;
mod backtests;
mod body;
mod console;
mod coverage;
mod fields;
mod findings;
mod ingest;
mod kpis;
pub mod limits;
pub mod once;
mod places;
pub mod policy;
pub mod problem;
mod quarantine;
mod queries;
pub mod room;
mod rule_tests;
mod rules;
mod saved_queries;
mod stream;
mod suppressions;
mod system;
mod time;
mod users;

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderValue, header};
use axum::response::IntoResponse;
use axum::{Json, Router, middleware};
use state::State;
use utoipa::OpenApi as _;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;

use crate::serve::backtests::Backtests;
use crate::serve::buckets::Healths;
use crate::serve::clock::Clock;
use crate::serve::engine::{Door, Progressed};
use crate::serve::fields::Fields;
use crate::serve::frame::Frame;
use crate::serve::protocols;
use crate::serve::queries::Queries;
use crate::serve::reserve::Reserve;
use crate::serve::rules::RuleBook;
use policy::Policy;
use problem::Problem;

/// The most bytes of a body.
const BODY_BYTES_MAX: usize = 32 << 20;

/// Rules that are tried on an event at a time.
pub const TRYING_MAX: usize = 2;
/// Passwords that are looked at at a time.
pub const HASHING_MAX: usize = 4;

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
    /// Space for when there is no other.
    pub reserve: Arc<Reserve>,
    /// The rules.
    pub rules: Arc<RuleBook>,
    /// Queries as jobs.
    pub queries: Queries,
    /// Rules that are tried on the past.
    pub backtests: Backtests,
    /// The names that queries may use.
    pub fields: Fields,
    /// Where addresses are, if that is known here.
    pub places: Option<enrich::Places>,
    /// Who may do what.
    pub policy: Policy,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// How queues and buckets are doing.
    pub healths: Healths,
    /// Room for bodies that are in memory.
    pub rooms: room::Rooms,
    /// Room for rules that are tried on an event.
    pub trying: Arc<tokio::sync::Semaphore>,
    /// How often each caller has asked.
    pub limits: limits::Limits,
    /// Room for passwords that are looked at: that takes memory and time.
    pub hashing: Arc<tokio::sync::Semaphore>,
    /// Requests that run under an idempotency key.
    pub running: Arc<once::Running>,
    /// Streams that are open.
    pub streams: Arc<stream::Streams>,
    /// Held while the quarantine is tried again.
    pub replaying: Arc<tokio::sync::Mutex<()>>,
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
#[expect(dead_code, reason = "it is for the description: what is answered is a problem")]
#[derive(utoipa::IntoResponses)]
pub enum Refusals {
    /// The request makes no sense.
    #[response(status = 400, content_type = "application/problem+json")]
    BadRequest(Problem),
    /// Nobody is logged in.
    #[response(status = 401, content_type = "application/problem+json")]
    Unauthenticated(Problem),
    /// The caller may not.
    #[response(status = 403, content_type = "application/problem+json")]
    Forbidden(Problem),
    /// There is no such thing.
    #[response(status = 404, content_type = "application/problem+json")]
    NotFound(Problem),
    /// The body is too long.
    #[response(status = 413, content_type = "application/problem+json")]
    TooLarge(Problem),
    /// A part of the request makes no sense.
    #[response(status = 422, content_type = "application/problem+json")]
    Invalid(Problem),
    /// The client asks too often.
    #[response(status = 429, content_type = "application/problem+json")]
    TooMany(Problem),
    /// The server cannot do it now.
    #[response(status = 503, content_type = "application/problem+json")]
    Unavailable(Problem),
}

fn nouns() -> OpenApiRouter<Shared> {
    OpenApiRouter::with_openapi(Described::openapi())
        .merge(system::routes())
        .merge(quarantine::routes())
        .merge(auth::routes())
        .merge(ingest::routes())
        .merge(findings::routes())
        .merge(suppressions::routes())
        .merge(stream::routes())
        .merge(queries::routes())
        .merge(saved_queries::routes())
        .merge(fields::routes())
        .merge(rules::routes())
        .merge(rule_tests::routes())
        .merge(backtests::routes())
        .merge(coverage::routes())
        .merge(kpis::routes())
        .merge(places::routes())
        .merge(users::routes())
        .merge(audit::routes())
}

/// The description of all operations.
pub fn document() -> OpenApi {
    let (_, mut document) = nouns().split_for_parts();
    auth::describe(&mut document);
    once::describe(&mut document);
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
        .layer(middleware::from_fn_with_state(Arc::clone(&app), once::once))
        .layer(middleware::from_fn_with_state(Arc::clone(&app), auth::authorize))
        .route("/api/v1/openapi.json", axum::routing::get(described))
        .fallback(console::answer)
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .merge(protocols::routes())
        .layer(middleware::map_response(guarded))
        .with_state(app)
}

/// What holds of all answers. But for the console, none is a page or may be kept by a cache.
async fn guarded(mut response: axum::response::Response) -> axum::response::Response {
    let headers = response.headers_mut();
    for (name, value) in [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
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

    /// Room for a password that is looked at.
    pub async fn hashing(&self) -> Result<tokio::sync::OwnedSemaphorePermit, Problem> {
        match tokio::time::timeout(room::WAIT, Arc::clone(&self.hashing).acquire_owned()).await {
            Ok(Ok(room)) => Ok(room),
            _ => Err(Problem::too_many("too many passwords are tried at once", 2)),
        }
    }

    /// Keeps a delivery. It is on disk when this returns.
    pub async fn append(&self, frame: &Frame) -> Result<u64, Problem> {
        if self.reserve.is_in_use() {
            return Err(Problem::unavailable(crate::serve::FULL, 5));
        }
        let mut position = 0;
        for part in frame.parts() {
            position = self.append_part(part).await?;
        }
        self.progressed.came(self.now_ms());
        self.door.wake();
        Ok(position)
    }

    async fn append_part(&self, part: Vec<u8>) -> Result<u64, Problem> {
        // What is far behind is not made better by more.
        let position = self.wal.append(part).await.map_err(|err| match err {
            wal::AppendError::Full { .. } => Problem::unavailable(
                "the log of deliveries is full: the lake does not keep up, or cannot be written",
                5,
            ),
            // It is the senders who are too fast, and nothing is wrong here.
            wal::AppendError::Busy { .. } => Problem::unavailable("too much comes in at once", 2),
            err => {
                let why = format!("{:#}", anyhow::Error::new(err));
                crate::serve::log::error("log", &why);
                *crate::serve::lock(&self.progressed.trouble) = Some(why);
                Problem::unavailable("the delivery could not be written to disk", 5)
            }
        })?;
        Ok(position.get())
    }

    /// Whether what was appended at a position is in the lake.
    pub fn is_committed(&self, position: u64) -> bool {
        self.progressed.committed.load(Ordering::Acquire) > position
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The description is checked in, so that a change of it is seen. `UPDATE=1 cargo test` writes it anew.
    #[test]
    fn the_description_is_the_one_that_is_checked_in() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/openapi.json");
        let now = document().to_pretty_json().expect("it is JSON") + "\n";
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(path, &now).expect("written");
        }
        let kept = std::fs::read_to_string(path).unwrap_or_default();
        assert!(
            now == kept,
            "docs/openapi.json is not what the code says: look at the change with UPDATE=1 cargo test"
        );
    }

    /// Two types of one name would silently be one in the description.
    #[test]
    fn no_two_types_of_the_description_have_one_name() {
        let mut names = std::collections::BTreeMap::new();
        for file in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/src/api")).expect("it is there") {
            let path = file.expect("it is there").path();
            let text = std::fs::read_to_string(&path).expect("it reads");
            let mut is_described = false;
            for line in text.lines() {
                is_described = (is_described || line.contains("ToSchema")) && !line.trim().is_empty();
                let name = line
                    .trim_start_matches("pub ")
                    .strip_prefix("struct ")
                    .or(line.trim_start_matches("pub ").strip_prefix("enum "));
                if let Some(name) = name.filter(|_| is_described) {
                    let name = name.trim_end_matches(" {").to_owned();
                    let other = names.insert(name.clone(), path.clone());
                    assert!(other.is_none(), "`{name}` is in {other:?} and in {path:?}");
                    is_described = false;
                }
            }
        }
        assert!(names.len() > 30, "{}", names.len());
    }

    #[test]
    fn every_operation_says_who_may_call_it() {
        let document = document();
        let policy = Policy::of(&document).unwrap_or_else(|wrong| panic!("{wrong:?}"));
        let open: Vec<&str> = ["/healthz", "/api/v1/setup"].into();
        for path in open {
            let method = if path == "/healthz" { axum::http::Method::GET } else { axum::http::Method::POST };
            assert_eq!(policy.needed(&method, path), Some(policy::Needed::Nothing), "{path}");
        }
        assert_eq!(policy.needed(&axum::http::Method::DELETE, "/api/v1/findings"), None);
        assert_eq!(policy.needed(&axum::http::Method::GET, "/api/v1/unknown"), None);
    }

    #[test]
    fn an_operation_that_says_nothing_stops_the_server() {
        let mut document = document();
        let path = document.paths.paths.get_mut("/api/v1/findings").expect("it is described");
        path.get.as_mut().expect("it is described").security = None;
        let wrong = Policy::of(&document).err().expect("it is wrong");
        assert_eq!(wrong, ["GET /api/v1/findings: says not who may call it"]);
    }
}
