//! Who calls: the session of a browser or the token of a program, and whether they may.

use axum::Json;
use axum::extract::{FromRequestParts, MatchedPath, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use state::{Identity, LoginError, Permission};
use utoipa::ToSchema;
use utoipa::openapi::OpenApi;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Shared;
use super::body::Body;
use super::limits;
use super::policy::Needed;
use super::problem::Problem;
use crate::serve::listen::Peer;

/// The cookie of a session. Its prefix makes browsers hold it to this host, this path, and to secure connections.
const COOKIE: &str = "__Host-skywarden";
/// The header that no other page can set.
const CSRF: &str = "x-skywarden-csrf";

/// The operations.
pub fn routes() -> OpenApiRouter<Shared> {
    OpenApiRouter::new().routes(routes!(login, who_am_i, logout)).routes(routes!(setup))
}

/// Adds how callers show who they are.
pub fn describe(document: &mut OpenApi) {
    let components = document.components.get_or_insert_default();
    let cookie = ApiKeyValue::with_description(
        COOKIE,
        "the session of a browser; unsafe methods need its `X-Skywarden-CSRF` too",
    );
    components.add_security_scheme("session", SecurityScheme::ApiKey(ApiKey::Cookie(cookie)));
    let token = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("swk_…").build();
    components.add_security_scheme("token", SecurityScheme::Http(token));
    tell_apart(document);
}

/// Operations are named after their functions, and where two have one name, after their noun too: `list_findings`.
fn tell_apart(document: &mut OpenApi) {
    let named = |path: &String, item: &mut utoipa::openapi::PathItem, names: &mut dyn FnMut(&str, &mut String)| {
        let noun = path.split('/').rfind(|part| !part.is_empty() && !part.starts_with('{')).unwrap_or_default();
        let operations = [&mut item.get, &mut item.put, &mut item.post, &mut item.delete, &mut item.patch];
        for id in operations.into_iter().flatten().filter_map(|operation| operation.operation_id.as_mut()) {
            names(noun, id);
        }
    };
    let mut counts = std::collections::HashMap::<String, usize>::new();
    for (path, item) in &mut document.paths.paths {
        named(path, item, &mut |_, id| *counts.entry(id.clone()).or_default() += 1);
    }
    for (path, item) in &mut document.paths.paths {
        named(path, item, &mut |noun, id| {
            if counts[id.as_str()] > 1 {
                *id = format!("{id}_{}", noun.replace('-', "_"));
            }
        });
    }
}

/// The caller.
#[derive(Clone, Debug)]
pub struct Who(pub Identity);

impl Who {
    /// What tells this caller from all others.
    pub fn id(&self) -> String {
        self.0.id()
    }

    /// The name, for people.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// The accounts that the caller may see; all if nothing is said.
    pub fn accounts(&self) -> Option<Vec<String>> {
        self.0.accounts.clone()
    }
}

impl FromRequestParts<Shared> for Who {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &Shared) -> Result<Who, Problem> {
        parts.extensions.get::<Who>().cloned().ok_or_else(|| Problem::unauthenticated("log in, or send a token"))
    }
}

/// Lets a request pass if its caller may do what it asks for.
pub async fn authorize(State(app): State<Shared>, request: Request, next: Next) -> Response {
    let path = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned()).unwrap_or_default();
    let Some(needed) = app.policy.needed(request.method(), &path) else {
        // Another method of a path that there is, or something that nobody described: neither is for anybody.
        return Problem::no_method("this operation is not described, so nobody may call it").into_response();
    };
    let who = identify(&app, request.method(), request.headers());
    let from = request.extensions().get::<Peer>().copied();
    let caller = match (&who, from) {
        (Ok(who), _) => who.id(),
        (Err(_), Some(peer)) => limits::address(peer.ip),
        (Err(_), None) => "address/unknown".to_owned(),
    };
    if limits::is_free(&path) {
        return let_in(needed, who, request, next).await;
    }
    let pace = app.limits.count(&caller);
    let mut response = match pace.refusal() {
        Some(problem) => problem.into_response(),
        None => let_in(needed, who, request, next).await,
    };
    pace.tell(response.headers_mut());
    response
}

/// Lets a request pass if its caller may.
async fn let_in(needed: Needed, who: Result<Who, Problem>, mut request: Request, next: Next) -> Response {
    if let Needed::Permission(permission) = needed {
        let who = match &who {
            Ok(who) => who,
            Err(problem) => return problem.clone().into_response(),
        };
        if !who.0.allows(permission) {
            let (role, needs) = (who.0.role.name(), permission.name());
            let why = if who.0.role.allows(permission) {
                format!("this is about all accounts, and you are bound to some: it needs `{needs}` without accounts")
            } else {
                format!("the role {role} may not: this needs `{needs}`")
            };
            return Problem::forbidden(why).into_response();
        }
    }
    if let Ok(who) = who {
        request.extensions_mut().insert(who);
    }
    next.run(request).await
}

/// Whether whoever began a stream may still read findings.
pub fn still(app: &Shared, headers: &HeaderMap) -> Option<Who> {
    let who = match bearer(headers) {
        Some(token) => app.state.token(token, app.now_ms())?,
        None => app.state.peek_session(cookie(headers)?, app.now_ms())?.identity,
    };
    who.allows(Permission::FindingsRead).then_some(Who(who))
}

/// The caller, by token or by session.
fn identify(app: &Shared, method: &Method, headers: &HeaderMap) -> Result<Who, Problem> {
    if let Some(token) = bearer(headers) {
        let known = app.state.token(token, app.now_ms());
        return known
            .map(Who)
            .ok_or_else(|| Problem::unauthenticated("the token is not known, has expired or was revoked"));
    }
    let secret = cookie(headers).ok_or_else(|| Problem::unauthenticated("log in, or send a token"))?;
    let session = app.state.session(secret, app.now_ms());
    let session = session.ok_or_else(|| Problem::unauthenticated("the session has ended: log in again"))?;
    let is_safe = matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS);
    if !is_safe {
        let sent = headers.get(CSRF).and_then(|sent| sent.to_str().ok()).unwrap_or_default();
        if !session.is_csrf(sent) || !is_same_origin(headers) {
            return Err(Problem::forbidden(
                "the request does not come from this server's own pages: send X-Skywarden-CSRF",
            ));
        }
    }
    Ok(Who(session.identity))
}

/// The token of `Authorization: Bearer …`.
pub fn bearer(headers: &HeaderMap) -> Option<&str> {
    let text = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = text.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

fn cookie(headers: &HeaderMap) -> Option<&str> {
    let all = headers.get_all(header::COOKIE).iter().filter_map(|text| text.to_str().ok());
    all.flat_map(|text| text.split(';')).find_map(|pair| pair.trim().strip_prefix(COOKIE)?.strip_prefix('='))
}

/// Whether a browser says that the request is from a page of this server. Programs say nothing.
fn is_same_origin(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let by_fetch = text(header::HeaderName::from_static("sec-fetch-site")).is_none_or(|site| site == "same-origin");
    let host = text(header::HOST);
    let by_origin = text(header::ORIGIN).is_none_or(|origin| origin.split_once("://").map(|(_, rest)| rest) == host);
    by_fetch && by_origin
}

/// Name and password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Login {
    /// The name.
    name: String,
    /// The password.
    #[schema(format = Password)]
    password: String,
}

/// The first admin.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Setup {
    /// What stands behind `#` in the link that the first start printed.
    secret: String,
    /// The name.
    #[schema(min_length = 1, max_length = 64)]
    name: String,
    /// The password: 12 to 256 characters.
    #[schema(format = Password, min_length = 12, max_length = 256)]
    password: String,
}

/// The caller, and what it may do.
#[derive(Debug, Serialize, ToSchema)]
pub struct Me {
    /// The name.
    name: String,
    /// The role.
    role: String,
    /// The accounts it may see; all if nothing is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    accounts: Option<Vec<String>>,
    /// What it may do.
    permissions: Vec<&'static str>,
    /// What unsafe methods send in `X-Skywarden-CSRF`, in a session.
    #[serde(skip_serializing_if = "Option::is_none")]
    csrf: Option<String>,
    /// Whether the data is made up.
    demo: bool,
}

impl Me {
    fn of(identity: &Identity, csrf: Option<String>, demo: bool) -> Me {
        Me {
            name: identity.name.clone(),
            role: identity.role.name().to_owned(),
            accounts: identity.accounts.clone(),
            permissions: Permission::ALL.iter().filter(|p| identity.allows(**p)).map(|p| p.name()).collect(),
            csrf,
            demo,
        }
    }
}

/// Logs in: the answer sets the cookie of a new session.
#[utoipa::path(post, path = "/api/v1/session", tag = "session", request_body = Login,
    responses((status = 200, description = "logged in", body = Me), super::Refusals), security(()))]
async fn login(
    State(app): State<Shared>,
    axum::Extension(peer): axum::Extension<Peer>,
    headers: HeaderMap,
    Body(login): Body<Login>,
) -> Result<Response, Problem> {
    if !is_same_origin(&headers) {
        return Err(Problem::forbidden("log in from this server's own page"));
    }
    let at = (app.now_ms(), peer.ip.to_string());
    let state = std::sync::Arc::clone(&app.state);
    let room = app.hashing().await?;
    // A password is made slow to try, so it is tried off the threads that answer.
    let tried = tokio::task::spawn_blocking(move || {
        let _room = room;
        state.login(&login.name, &login.password, &at.1, at.0)
    })
    .await;
    let begun = tried.map_err(anyhow::Error::from)?.map_err(|err| match err {
        LoginError::Wrong => Problem::unauthenticated("name or password is wrong"),
        LoginError::Slow { retry_after_ms } => {
            Problem::too_many("too many wrong passwords: wait a little", retry_after_ms.div_ceil(1_000))
        }
        LoginError::State(err) => Problem::internal(&err.into()),
    })?;
    let me = Me::of(&begun.identity, Some(begun.csrf.clone()), app.is_demo);
    Ok(([(header::SET_COOKIE, set_cookie(&begun.secret))], Json(me)).into_response())
}

fn set_cookie(secret: &str) -> String {
    format!("{COOKIE}={secret}; Path=/; Secure; HttpOnly; SameSite=Strict")
}

/// Who you are, and what you may do.
#[utoipa::path(get, path = "/api/v1/session", tag = "session",
    responses((status = 200, description = "this is you", body = Me), super::Refusals),
    security(("session" = ["session:own"]), ("token" = ["session:own"])))]
async fn who_am_i(State(app): State<Shared>, who: Who, headers: HeaderMap) -> Json<Me> {
    let session = cookie(&headers).filter(|_| bearer(&headers).is_none());
    let csrf = session.and_then(|secret| app.state.session(secret, app.now_ms())).map(|session| session.csrf);
    Json(Me::of(&who.0, csrf, app.is_demo))
}

/// Logs out: the session is dead at once.
#[utoipa::path(delete, path = "/api/v1/session", tag = "session",
    responses((status = 204, description = "logged out"), super::Refusals),
    security(("session" = ["session:own"]), ("token" = ["session:own"])))]
async fn logout(State(app): State<Shared>, headers: HeaderMap) -> Result<Response, Problem> {
    if let Some(secret) = cookie(&headers) {
        app.state.logout(secret, app.now_ms()).map_err(anyhow::Error::from)?;
    }
    let gone = format!("{COOKIE}=; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=0");
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, gone)]).into_response())
}

/// Makes the first admin, once.
#[utoipa::path(post, path = "/api/v1/setup", tag = "session", request_body = Setup,
    responses((status = 204, description = "now log in"), super::Refusals), security(()))]
async fn setup(State(app): State<Shared>, Body(setup): Body<Setup>) -> Result<StatusCode, Problem> {
    let (state, now_ms) = (std::sync::Arc::clone(&app.state), app.now_ms());
    let room = app.hashing().await?;
    let made = tokio::task::spawn_blocking(move || {
        let _room = room;
        state.set_up(&setup.secret, &setup.name, &setup.password, now_ms)
    })
    .await;
    made.map_err(anyhow::Error::from)?.map_err(super::users::problem)?;
    Ok(StatusCode::NO_CONTENT)
}
