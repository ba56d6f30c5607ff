//! `Idempotency-Key`: what is sent twice under one key is done once, and answered twice.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody as _, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use sha2::{Digest as _, Sha256};
use state::{Answer, IdempotencyError};
use utoipa::openapi::path::{ParameterBuilder, ParameterIn};
use utoipa::openapi::{ContentBuilder, ObjectBuilder, OpenApi, Ref, ResponseBuilder};

use super::Shared;
use super::auth::Who;
use super::problem::Problem;
use crate::serve::lock;

const KEY: HeaderName = HeaderName::from_static("idempotency-key");
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
/// Characters of a key.
const KEY_CHARS_MAX: usize = 255;
/// The most bytes of a body, and how long it may take to come.
const BODY_BYTES_MAX: usize = 1 << 20;
const READ_TIME: Duration = Duration::from_secs(30);
/// The most bytes of an answer that is kept.
const ANSWER_BYTES_MAX: u64 = 256 << 10;

/// Whether a POST to this path takes a key. Deliveries are known by what they say, and where the request or its answer holds a secret, names
/// are taken once anyway: nothing of either is kept.
fn takes_key(path: &str) -> bool {
    let secret = ["/api/v1/session", "/api/v1/setup", "/api/v1/users", "/api/v1/tokens"];
    path != "/api/v1/ingest" && !secret.iter().any(|begin| path.starts_with(begin))
}

/// Adds the header, and what is answered because of it, to the operations that take it.
pub fn describe(document: &mut OpenApi) {
    for (path, item) in &mut document.paths.paths {
        let Some(post) = item.post.as_mut().filter(|_| takes_key(path)) else { continue };
        let text = ObjectBuilder::new()
            .schema_type(utoipa::openapi::schema::Type::String)
            .min_length(Some(1))
            .max_length(Some(KEY_CHARS_MAX));
        let parameter = ParameterBuilder::new()
            .name("idempotency-key")
            .parameter_in(ParameterIn::Header)
            .description(Some(
                "what is sent again under the same key within a day is not done again: the first answer is given again, with `Idempotency-Replayed: true`; with another body it is refused",
            ))
            .schema(Some(text));
        post.parameters.get_or_insert_default().push(parameter.build().into());
        let problem = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
        let response = ResponseBuilder::new()
            .description(
                "it conflicts with what is there, or the first request under this `Idempotency-Key` still runs or was interrupted",
            )
            .content("application/problem+json", problem);
        post.responses.responses.entry("409".to_owned()).or_insert_with(|| response.build().into());
    }
}

/// Requests that run under a key, by caller.
#[derive(Default)]
pub struct Running(Mutex<BTreeSet<(String, String)>>);

/// One of them; it has ended when this is dropped.
struct One {
    all: Arc<Running>,
    key: (String, String),
}

impl Running {
    fn begin(self: &Arc<Running>, key: (String, String)) -> Option<One> {
        lock(&self.0).insert(key.clone()).then(|| One { all: Arc::clone(self), key })
    }
}

impl Drop for One {
    fn drop(&mut self) {
        lock(&self.all.0).remove(&self.key);
    }
}

/// Does what a request asks for, unless it was done under its key before.
pub async fn once(State(app): State<Shared>, request: Request, next: Next) -> Response {
    let is_keyed = request.method() == Method::POST && takes_key(request.uri().path());
    let key = request.headers().get(KEY).filter(|_| is_keyed).cloned();
    let who = request.extensions().get::<Who>().cloned();
    let (Some(key), Some(who)) = (key, who) else { return next.run(request).await };
    match keyed(app, request, next, (who, key)).await {
        Ok(response) => response,
        Err(problem) => problem.into_response(),
    }
}

async fn keyed(app: Shared, request: Request, next: Next, (who, key): (Who, HeaderValue)) -> Result<Response, Problem> {
    let key = key.to_str().ok().map(str::trim).filter(|key| (1..=KEY_CHARS_MAX).contains(&key.len()));
    let key = key.ok_or_else(|| Problem::bad_request("`Idempotency-Key` has 1 to 255 characters of ASCII"))?;
    let (id, key) = (who.id(), key.to_owned());
    let (parts, body) = request.into_parts();
    let read = tokio::time::timeout(READ_TIME, to_bytes(body, BODY_BYTES_MAX)).await;
    let bytes = read
        .map_err(|_| Problem::bad_request("the body did not come in time"))?
        .map_err(|_| Problem::too_large(format!("the body is cut off, or longer than {BODY_BYTES_MAX} bytes")))?;
    // Whoever sees other accounts than before asks for something else.
    let mut hasher = Sha256::new_with_prefix(format!("{} {} {:?}\0", parts.method, parts.uri, who.accounts()));
    hasher.update(&bytes);
    let hash: [u8; 32] = hasher.finalize().into();
    let running = app.running.begin((id.clone(), key.clone()));
    let running =
        running.ok_or_else(|| Problem::conflict("the first request under this `Idempotency-Key` still runs"))?;
    // Whoever hangs up meanwhile asks again for the answer, so the work goes on without them.
    let work = tokio::spawn(async move {
        let _running = running;
        let asked = (Arc::clone(&app), id.clone(), key.clone());
        let before = tokio::task::spawn_blocking(move || {
            let (app, who, key) = asked;
            app.state.begin_answer(state::Request { who: &who, key: &key, hash }, app.now_ms())
        });
        if let Some(answer) = before.await.map_err(anyhow::Error::from)?.map_err(refused)? {
            return Ok(again(answer));
        }
        let response = next.run(Request::from_parts(parts, Body::from(bytes))).await;
        keep(app, (id, key, hash), response).await
    });
    work.await.map_err(anyhow::Error::from)?
}

/// Keeps an answer, if it would be the same again: a failure of the server, or a refusal that time mends, is not.
async fn keep(
    app: Shared,
    (who, key, hash): (String, String, [u8; 32]),
    response: Response,
) -> Result<Response, Problem> {
    let status = response.status();
    let mends = [StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN, StatusCode::TOO_MANY_REQUESTS];
    let size = response.body().size_hint().exact();
    let is_kept = !status.is_server_error() && !mends.contains(&status) && size.is_some_and(|n| n <= ANSWER_BYTES_MAX);
    let (parts, body) = response.into_parts();
    let (body, answer) = if is_kept {
        let bytes: Bytes = to_bytes(body, ANSWER_BYTES_MAX as usize).await.map_err(anyhow::Error::from)?;
        (Body::from(bytes.clone()), Some(Answer { status: status.as_u16(), body: bytes.to_vec() }))
    } else {
        (body, None)
    };
    let kept = tokio::task::spawn_blocking(move || {
        let request = state::Request { who: &who, key: &key, hash };
        match answer {
            Some(answer) => app.state.keep_answer(request, &answer, app.now_ms()),
            None => app.state.forget_answer(request).map_err(IdempotencyError::from),
        }
    });
    // It was done, so that is what is answered, whether or not it can be given again.
    match kept.await {
        Ok(Ok(())) => {}
        Ok(Err(err)) => crate::serve::log::error("request", &format!("cannot keep an answer: {err}")),
        Err(err) => crate::serve::log::error("request", &format!("cannot keep an answer: {err}")),
    }
    Ok(Response::from_parts(parts, body))
}

fn again(answer: Answer) -> Response {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let is_problem = status.is_client_error();
    let kind = if is_problem { "application/problem+json" } else { "application/json" };
    let headers =
        [(header::CONTENT_TYPE, HeaderValue::from_static(kind)), (REPLAYED, HeaderValue::from_static("true"))];
    (status, headers, answer.body).into_response()
}

fn refused(err: IdempotencyError) -> Problem {
    match err {
        IdempotencyError::Other => Problem::invalid("idempotency-key", "was used for another request"),
        IdempotencyError::Interrupted => Problem::conflict(
            "the first request under this `Idempotency-Key` was interrupted, and may have been done: look, and if it was not, send it under another key",
        ),
        IdempotencyError::Length => Problem::bad_request(err.to_string()),
        IdempotencyError::State(err) => Problem::internal(&err.into()),
    }
}
