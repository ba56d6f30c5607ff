//! The console: its files, and its page at every path that is nobody else's, so that a link to a finding opens it.

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{Html, IntoResponse, Response};
use console::{CONSOLE, Piece};

use super::Shared;
use super::problem::Problem;

/// Paths of programs: nothing under them is a page.
const OF_PROGRAMS: [&str; 6] = ["api", "assets", "firehose", "healthz", "metrics", "services"];

/// Answers what no operation does.
pub async fn answer(State(app): State<Shared>, method: Method, uri: Uri, headers: HeaderMap) -> Response {
    let nothing = || Problem::not_found("there is nothing at this path; /api/v1/openapi.json describes what there is");
    if !matches!(method, Method::GET | Method::HEAD) {
        return nothing().into_response();
    }
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok()).unwrap_or_default();
    let path = uri.path();
    if let Some(piece) = CONSOLE.file(path, text(header::ACCEPT_ENCODING)) {
        return file(piece, text(header::IF_NONE_MATCH));
    }
    let nonce = app.new_id();
    let page = wants_page(path, text(header::ACCEPT)).then(|| CONSOLE.page(path, &nonce)).flatten();
    page.map_or_else(|| nothing().into_response(), |page| shown(page, &nonce))
}

fn wants_page(path: &str, accept: &str) -> bool {
    let first = path.trim_start_matches('/').split('/').next().unwrap_or_default();
    // Whoever takes anything is a program, and a program that asks for a path that is not there is to be told so.
    !OF_PROGRAMS.contains(&first) && (accept.to_ascii_lowercase().contains("text/html") || path == "/")
}

fn shown(page: String, nonce: &str) -> Response {
    let policy = format!(
        "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-{nonce}'; img-src 'self' data:; \
         font-src 'self' data:; connect-src 'self'; worker-src 'self'; manifest-src 'self'; base-uri 'none'; \
         form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types default"
    );
    ([(header::CONTENT_SECURITY_POLICY, policy)], Html(page)).into_response()
}

fn file(piece: Piece, known: &str) -> Response {
    let tag = piece.tag();
    let kept = if piece.file.is_immutable { "public, max-age=31536000, immutable" } else { "no-cache" };
    let mut headers = HeaderMap::new();
    let mut set = |name, text: &str| headers.insert(name, HeaderValue::from_str(text).expect("it is plain text"));
    set(header::ETAG, &tag);
    set(header::CACHE_CONTROL, kept);
    set(header::VARY, "accept-encoding");
    // A worker is bound by the policy of its own file and not by the page's.
    set(
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; script-src 'self'; connect-src 'self'; frame-ancestors 'none'",
    );
    if known.split(',').any(|have| have.trim().trim_start_matches("W/") == tag) {
        return (StatusCode::NOT_MODIFIED, headers).into_response();
    }
    set(header::CONTENT_TYPE, piece.file.kind);
    if let Some(encoding) = piece.encoding.name() {
        set(header::CONTENT_ENCODING, encoding);
    }
    (headers, piece.bytes.into_owned()).into_response()
}
