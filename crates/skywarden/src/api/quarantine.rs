//! What was read and is no record, kept as it came.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Shared;
use super::auth::Who;
use super::body::Asked as Params;
use super::problem::Problem;
use crate::serve::frame::{Frame, Trust};
use crate::serve::quarantine::{Entry, Place, each, page};

/// Pieces of a page where nothing is said, and at most.
const LIMIT: usize = 20;
const LIMIT_MAX: usize = 100;
/// Pieces that wait in memory to be written to the log.
const AHEAD: usize = 4;

/// The operations.
pub fn routes() -> OpenApiRouter<Shared> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(replay))
}

/// Which pieces.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct Asked {
    /// Where to go on: `next` of the page before.
    #[serde(default)]
    cursor: Option<String>,
    /// How many, 100 at most.
    #[serde(default)]
    #[param(minimum = 1, maximum = 100)]
    limit: Option<usize>,
}

/// A page of the quarantine.
#[derive(Debug, Serialize, ToSchema)]
struct QuarantinePage {
    /// The pieces, the latest first.
    entries: Vec<QuarantineEntry>,
    /// What the next page is asked with as `cursor`; nothing if there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// A piece that is no record.
#[derive(Debug, Serialize, ToSchema)]
struct QuarantineEntry {
    /// Its identity.
    identity: String,
    /// When it was taken in, RFC 3339.
    time: String,
    /// The log that it was taken for, if any.
    source: Option<String>,
    /// Why it is no record.
    reason: String,
    /// The object that it came in.
    object: String,
    /// Where it begins in the object, if that is known.
    offset: Option<i64>,
    /// How many records it is; 0 if it is what is left of damaged text.
    records: i64,
    /// How many bytes it has.
    bytes: usize,
    /// Its first 16 KiB as text; what is no UTF-8 is replaced. A stranger wrote it.
    raw: String,
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn cursor((time, id): Place) -> String {
    format!("{time}.{}", hex(&id))
}

fn parse(cursor: &str) -> Option<Place> {
    let (time, id) = cursor.split_once('.')?;
    let is_hex = id.len() == 32 && id.bytes().all(|b| b.is_ascii_hexdigit());
    let id = is_hex.then(|| u128::from_str_radix(id, 16).ok()).flatten()?;
    Some((time.parse().ok()?, id.to_be_bytes()))
}

impl QuarantineEntry {
    fn of(entry: &Entry) -> QuarantineEntry {
        QuarantineEntry {
            identity: hex(&entry.place.1),
            time: event::time::rfc3339(entry.place.0.div_euclid(1_000)),
            source: entry.source.clone(),
            reason: entry.reason.clone(),
            object: entry.object.clone(),
            offset: entry.offset,
            records: entry.records,
            bytes: entry.bytes,
            raw: String::from_utf8_lossy(&entry.raw).into_owned(),
        }
    }
}

/// What was read and is no record, the latest first. It does not say whose it is, so it is for those who see all accounts.
#[utoipa::path(get, path = "/api/v1/quarantine", tag = "system", params(Asked),
    responses((status = 200, description = "a page", body = QuarantinePage), super::Refusals),
    security(("session" = ["system:read"]), ("token" = ["system:read"])))]
async fn list(State(app): State<Shared>, Params(asked): Params<Asked>) -> Result<Json<QuarantinePage>, Problem> {
    let limit = asked.limit.unwrap_or(LIMIT);
    if !(1..=LIMIT_MAX).contains(&limit) {
        return Err(Problem::invalid("limit", format!("must be from 1 to {LIMIT_MAX}")));
    }
    let foreign = || Problem::invalid("cursor", "is none that was given: begin without one");
    let behind = asked.cursor.as_deref().map(|text| parse(text).ok_or_else(foreign)).transpose()?;
    let lake = Arc::clone(&app.lake);
    let found = tokio::task::spawn_blocking(move || page(&lake, behind, limit + 1)).await;
    let mut entries = found.map_err(anyhow::Error::from)??;
    let has_more = entries.len() > limit;
    entries.truncate(limit);
    let next = entries.last().filter(|_| has_more).map(|last| cursor(last.place));
    Ok(Json(QuarantinePage { entries: entries.iter().map(QuarantineEntry::of).collect(), next }))
}

/// Pieces that are tried again.
#[derive(Debug, Serialize, ToSchema)]
struct QuarantineReplayed {
    /// How many there are.
    replayed: u64,
    /// The position in the log of deliveries behind the last of them: when the status says that all before it is in the lake, all were tried.
    position: u64,
}

/// Tries all pieces again, after an update that reads more: they go through the log of deliveries as if they were sent once more. What can be read
/// now is in the lake, once; the pieces stay in the quarantine. It is for those who see all accounts.
#[utoipa::path(post, path = "/api/v1/quarantine/replays", tag = "system",
    responses((status = 202, description = "they are in the log of deliveries", body = QuarantineReplayed), super::Refusals),
    security(("session" = ["users:manage"]), ("token" = ["users:manage"])))]
async fn replay(State(app): State<Shared>, who: Who) -> Result<(StatusCode, Json<QuarantineReplayed>), Problem> {
    if who.accounts().is_some() {
        return Err(Problem::forbidden("this is about all accounts, and you are bound to some"));
    }
    let busy = || Problem::too_many("the quarantine is being tried again already", 5);
    let alone = Arc::clone(&app.replaying).try_lock_owned().map_err(|_| busy())?;
    // Whoever hangs up does not end it half-way.
    let work = tokio::spawn(async move {
        let _alone = alone;
        send_again(app, who).await
    });
    let replayed = work.await.map_err(anyhow::Error::from)??;
    Ok((StatusCode::ACCEPTED, Json(replayed)))
}

/// Sends all pieces again, and writes that to the audit.
async fn send_again(app: Shared, who: Who) -> Result<QuarantineReplayed, Problem> {
    let (sender, mut pieces) = tokio::sync::mpsc::channel::<(String, Vec<u8>)>(AHEAD);
    let lake = Arc::clone(&app.lake);
    let reading = tokio::task::spawn_blocking(move || {
        each(&lake, |object, raw| sender.blocking_send((object.to_owned(), raw.to_owned())).is_ok())
    });
    let (mut replayed, mut position) = (0, app.wal.stats().durable.get());
    while let Some((name, raw)) = pieces.recv().await {
        let feed = "quarantine".to_owned();
        let frame = Frame { feed, name, trust: Trust::Quarantine, at_ms: app.now_ms(), pieces: vec![raw] };
        position = app.append(&frame).await? + 1;
        replayed += 1;
    }
    reading.await.map_err(anyhow::Error::from)??;
    let (state, now_ms, by) = (Arc::clone(&app.state), app.now_ms(), who.id());
    let what = serde_json::json!({"pieces": replayed});
    let noted = tokio::task::spawn_blocking(move || state.note(now_ms, &by, "quarantine.replayed", what)).await;
    noted.map_err(anyhow::Error::from)?.map_err(anyhow::Error::from)?;
    Ok(QuarantineReplayed { replayed, position })
}
