//! The protocols that log shippers speak: Amazon Data Firehose and Splunk's event collector. What requests mean is `collect`'s; here they
//! are let in by token, kept in the log of deliveries, and answered.

use std::borrow::Cow;

use axum::Router;
use axum::body::Body;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, post};
use collect::body::plain;
use collect::firehose::{self, Refusal};
use collect::hec::{self, Code, Endpoint};
use sha2::{Digest as _, Sha256};
use state::{Identity, Permission};

use super::frame::{Frame, Trust};
use crate::api::Shared;
use crate::api::room::{Room, Unread};

/// How long a body may take to come.
const READ_TIME: std::time::Duration = std::time::Duration::from_secs(120);
/// The most bytes of a body, as it comes.
const BODY_BYTES_MAX: usize = 96 << 20;
/// What a piece takes besides its bytes.
const PIECE_BYTES: usize = 64;
/// The most of a request to the event collector, unpacked.
const HEC_BYTES_MAX: usize = 64 << 20;

/// What answers senders.
pub fn routes() -> Router<Shared> {
    Router::new()
        .route("/firehose", post(firehose))
        .route("/services/collector", any(collector))
        .route("/services/collector/{*rest}", any(collector))
        .layer(DefaultBodyLimit::disable())
}

fn text(headers: &HeaderMap, name: &'static str) -> Option<String> {
    headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
}

/// Who sends, if the token is good and may send.
fn sender(app: &Shared, token: &str) -> Option<Identity> {
    app.state.token(token, app.now_ms()).filter(|identity| identity.allows(Permission::IngestWrite))
}

fn json(status: u16, body: String) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (status, [(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))], body).into_response()
}

/// A delivery of Amazon Data Firehose. Its only success is 200; 413 would make it throw the batch away, so that is never answered.
async fn firehose(State(app): State<Shared>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let headers = &parts.headers;
    let id = text(headers, firehose::REQUEST_ID);
    let refuse = |refusal: &Refusal| {
        let answer = firehose::refused(id.as_deref().unwrap_or_default(), app.now_ms(), refusal);
        json(answer.status, answer.body)
    };
    // Before the body is read: whoever has no key costs nothing.
    let key = text(headers, firehose::ACCESS_KEY);
    let Some(sender) = key.as_deref().and_then(|key| sender(&app, key)) else { return refuse(&Refusal::AccessKey) };
    let read = app.rooms.read(&sender.id(), body, BODY_BYTES_MAX, READ_TIME).await;
    let (body, mut room) = match read {
        Ok(read) => read,
        Err(Unread::Full) => return refuse(&Refusal::Unavailable),
        Err(_) => return refuse(&Refusal::Truncated),
    };
    let headers = headers.clone();
    let taken_apart = taken_apart(&app, &mut room, move || {
        let (id, attributes) = (text(&headers, firehose::REQUEST_ID), text(&headers, firehose::COMMON_ATTRIBUTES));
        let (arn, encoding) = (text(&headers, firehose::SOURCE_ARN), text(&headers, "content-encoding"));
        let about = firehose::Headers {
            request_id: id.as_deref(),
            access_key: None,
            common_attributes: attributes.as_deref(),
            source_arn: arn.as_deref(),
            content_encoding: encoding.as_deref(),
        };
        match firehose::parse(&about, &body, &firehose::Limits::default()) {
            Ok(batch) => {
                let mut pieces: Vec<Vec<u8>> = batch.records().map(|(_, data)| data.to_vec()).collect();
                // What cannot be read goes the way of all others, and ends in quarantine as it came.
                pieces.extend(batch.poison.into_iter().map(|poison| poison.bytes));
                (pieces, Ok(batch.request_id))
            }
            Err(refusal) => (Vec::new(), Err(refusal)),
        }
    });
    let (pieces, id) = match taken_apart.await {
        Some((pieces, Ok(id))) => (pieces, id),
        Some((_, Err(refusal))) => return refuse(&refusal),
        None => return refuse(&Refusal::Unavailable),
    };
    let frame = frame(&app, "firehose", &sender, id.clone(), pieces);
    if !frame.pieces.is_empty() && app.append(&frame).await.is_err() {
        return refuse(&Refusal::Unavailable);
    }
    let answer = firehose::accepted(&id, app.now_ms());
    json(answer.status, answer.body)
}

/// What a body is when it is taken apart, off the threads that answer, a few at a time; nothing if there is no room for it.
async fn taken_apart<T: Send + 'static>(
    app: &Shared,
    room: &mut Room,
    work: impl FnOnce() -> (Vec<Vec<u8>>, T) + Send + 'static,
) -> Option<(Vec<Vec<u8>>, T)> {
    let _turn = app.rooms.unpacking().await.ok()?;
    let (pieces, rest) = tokio::task::spawn_blocking(work).await.ok()?;
    room.resize(pieces.iter().map(|piece| piece.len() + PIECE_BYTES).sum()).await.ok()?;
    Some((pieces, rest))
}

fn frame(app: &Shared, feed: &str, sender: &Identity, name: String, pieces: Vec<Vec<u8>>) -> Frame {
    Frame { feed: format!("{feed}/{}", sender.name), name, trust: Trust::Push, at_ms: app.now_ms(), pieces }
}

/// A request to the event collector.
async fn collector(State(app): State<Shared>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let answered = match hec::endpoint(parts.uri.path()) {
        None => return StatusCode::NOT_FOUND.into_response(),
        Some(Endpoint::Health) => health(&app),
        Some(_) if parts.method != Method::POST => {
            return (StatusCode::METHOD_NOT_ALLOWED, [(header::ALLOW, "POST")]).into_response();
        }
        Some(endpoint) => collect(&app, endpoint, &parts, body).await,
    };
    json(answered.status, answered.body)
}

fn health(app: &Shared) -> hec::Answer {
    let is_in_trouble = super::lock(&app.progressed.trouble).is_some();
    if is_in_trouble { Code::QueuesFull.answer() } else { Code::Healthy.answer() }
}

async fn collect(app: &Shared, endpoint: Endpoint, parts: &axum::http::request::Parts, body: Body) -> hec::Answer {
    let headers = &parts.headers;
    let query = hec::query(parts.uri.query().unwrap_or_default());
    let token = match hec::token(text(headers, "authorization").as_deref()) {
        Ok(token) => token.into_owned(),
        Err(_) if query.token.is_some() => return Code::QueryAuthorization.answer(),
        Err(code) => return code.answer(),
    };
    let Some(sender) = sender(app, &token) else { return Code::InvalidToken.answer() };
    let channel = match hec::channel(text(headers, hec::CHANNEL).as_deref(), &query) {
        Ok(channel) => channel,
        Err(code) => return code.answer(),
    };
    let (body, mut room) = match app.rooms.read(&sender.id(), body, BODY_BYTES_MAX, READ_TIME).await {
        Ok(read) => read,
        Err(Unread::Full) => return Code::Busy.answer(),
        Err(_) => return Code::InvalidDataFormat.answer(),
    };
    let (encoding, has_channel) = (text(headers, "content-encoding"), channel.is_some());
    let taken_apart = taken_apart(app, &mut room, move || match plain(encoding.as_deref(), &body, HEC_BYTES_MAX) {
        Ok(plain) => said(endpoint, &plain, &body, has_channel),
        Err(_) => (Vec::new(), Said::Refused(Code::InvalidDataFormat.answer())),
    });
    match taken_apart.await {
        None => Code::Busy.answer(),
        Some((_, Said::Refused(answer))) => answer,
        // The id is the place in the log of deliveries, so it means the same after a restart.
        Some((_, Said::Asked(ids))) => {
            let known: Vec<(u64, bool)> = ids.into_iter().map(|id| (id, app.is_committed(id))).collect();
            hec::acknowledged(&known)
        }
        Some((pieces, Said::Sent { name, mistake })) => {
            let mut id = None;
            if !pieces.is_empty() {
                match app.append(&frame(app, "hec", &sender, name, pieces)).await {
                    Ok(position) => id = Some(position),
                    Err(_) => return Code::Busy.answer(),
                }
            }
            mistake.unwrap_or_else(|| hec::success(id.filter(|_| has_channel)))
        }
    }
}

/// What a request to the event collector is.
enum Said {
    /// It is wrong as a whole.
    Refused(hec::Answer),
    /// Which of these are in the lake?
    Asked(Vec<u64>),
    /// Events, under a name that is the same when they are sent again; and what is wrong with one of them.
    Sent { name: String, mistake: Option<hec::Answer> },
}

fn said(endpoint: Endpoint, plain: &[u8], body: &[u8], has_channel: bool) -> (Vec<Vec<u8>>, Said) {
    let refused = |code: Code| (Vec::new(), Said::Refused(code.answer()));
    let name = || Sha256::digest(body).iter().take(12).map(|byte| format!("{byte:02x}")).collect();
    match endpoint {
        Endpoint::Ack if !has_channel => refused(Code::ChannelMissing),
        Endpoint::Ack => hec::acks(plain).map_or_else(refused, |ids| (Vec::new(), Said::Asked(ids))),
        Endpoint::Raw => match hec::raw(plain) {
            Err(code) => refused(code),
            Ok(pieces) => {
                (pieces.into_iter().map(<[u8]>::to_vec).collect(), Said::Sent { name: name(), mistake: None })
            }
        },
        Endpoint::Event | Endpoint::Health => {
            let batch = hec::events(plain, &hec::Limits::default());
            let mut pieces: Vec<Vec<u8>> = batch.events.into_iter().map(|event| into_bytes(event.text)).collect();
            let mistake = batch.mistake.map(|mistake| {
                if mistake.code != Code::NoData {
                    pieces.push(mistake.rest.to_vec());
                }
                mistake.answer()
            });
            (pieces, Said::Sent { name: name(), mistake })
        }
    }
}

fn into_bytes(text: Cow<'_, str>) -> Vec<u8> {
    text.into_owned().into_bytes()
}
