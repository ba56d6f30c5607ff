//! What happens, as it happens: server-sent events.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::IntoResponse;
use axum::response::sse::{Event, KeepAlive, Sse};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Shared;
use super::auth::{Who, still};
use super::findings::Finding;
use super::problem::Problem;
use crate::serve::lock;

/// How often is looked for news.
const EVERY: Duration = Duration::from_millis(500);
/// Findings that are told at a time.
const AT_A_TIME: usize = 100;
/// Streams that one caller may have open, and all together: each asks the state twice a second.
const OPEN_OF_ONE_MAX: usize = 16;
const OPEN_MAX: usize = 512;

/// The operations.
pub fn routes() -> OpenApiRouter<Shared> {
    OpenApiRouter::new().routes(routes!(stream))
}

/// Findings as they come, say something new, or are decided: events `finding`, whose data is the finding as lists show it. `Last-Event-ID` goes on
/// where a stream broke off. An event `suppressions` says that some were made, changed or ended: what they hold back is to be asked for anew.
#[utoipa::path(get, path = "/api/v1/stream", tag = "findings",
    params(("last-event-id" = Option<String>, Header, description = "where to go on; without it only what comes from now on")),
    responses((status = 200, description = "server-sent events", body = String, content_type = "text/event-stream"), super::Refusals),
    security(("session" = ["findings:read"]), ("token" = ["findings:read"])))]
async fn stream(State(app): State<Shared>, who: Who, headers: HeaderMap) -> Result<impl IntoResponse, Problem> {
    let open = app.streams.open(&who.id()).ok_or_else(|| Problem::too_many("you have too many streams open", 5))?;
    let last = headers.get("last-event-id").and_then(|id| id.to_str().ok()).and_then(|id| id.parse().ok());
    let seq = last.unwrap_or_else(|| app.state.last_seq().unwrap_or_default());
    let begin = (seq, app.state.suppressions_changed());
    let stream = futures::stream::unfold(
        (app, who, headers, begin, open),
        |(app, who, headers, (seq, held), open)| async move {
            loop {
                tokio::time::sleep(EVERY).await;
                // A right that is taken away ends the stream.
                let who = still(&app, &headers).filter(|now| now.id() == who.id())?;
                let (state, of) = (Arc::clone(&app.state), who.0.clone());
                let news = tokio::task::spawn_blocking(move || state.findings_since(&of, seq, AT_A_TIME)).await;
                let Ok(Ok((found, last))) = news else { return None };
                let now_held = app.state.suppressions_changed();
                if last == seq && now_held == held {
                    continue;
                }
                let changed = (now_held != held).then(|| Ok(Event::default().event("suppressions").data("{}")));
                let events: Vec<Result<Event, Infallible>> = found
                    .into_iter()
                    .map(|shown| {
                        let data = serde_json::to_string(&Finding::of(shown)).unwrap_or_default();
                        Ok(Event::default().event("finding").id(last.to_string()).data(data))
                    })
                    .chain(changed)
                    .collect();
                return Some((futures::stream::iter(events), (app, who, headers, (last, now_held), open)));
            }
        },
    );
    let stream = futures::StreamExt::flatten(stream);
    Ok((
        [(header::CACHE_CONTROL, "no-store")],
        Sse::new(stream).keep_alive(KeepAlive::new().interval(Duration::from_secs(15))),
    ))
}

/// How many streams each caller has open.
#[derive(Default)]
pub struct Streams(Mutex<BTreeMap<String, usize>>);

impl Streams {
    /// Counts one more, unless there are too many.
    fn open(self: &Arc<Streams>, id: &str) -> Option<Open> {
        let mut all = lock(&self.0);
        let n = all.get(id).copied().unwrap_or_default();
        if n >= OPEN_OF_ONE_MAX || all.values().sum::<usize>() >= OPEN_MAX {
            return None;
        }
        all.insert(id.to_owned(), n + 1);
        Some(Open { streams: Arc::clone(self), id: id.to_owned() })
    }
}

/// A stream that is open, and counts for its caller.
struct Open {
    streams: Arc<Streams>,
    id: String,
}

impl Drop for Open {
    fn drop(&mut self) {
        let mut all = lock(&self.streams.0);
        match all.get_mut(&self.id) {
            Some(n) if *n > 1 => *n -= 1,
            _ => drop(all.remove(&self.id)),
        }
    }
}
