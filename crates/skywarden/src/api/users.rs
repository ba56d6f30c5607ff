//! Users and tokens.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use state::{NewToken, Role as StateRole, UserError};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Shared;
use super::auth::Who;
use super::body::{Body, Path};
use super::problem::Problem;
use super::time::Instant;

/// The operations.
pub fn routes() -> OpenApiRouter<Shared> {
    OpenApiRouter::new()
        .routes(routes!(list_users, make_user))
        .routes(routes!(change_user, remove_user))
        .routes(routes!(set_password))
        .routes(routes!(list_tokens, make_token))
        .routes(routes!(revoke_token))
}

/// What somebody is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Looks and asks.
    Viewer,
    /// Judges findings too.
    Analyst,
    /// Acts on findings too.
    Responder,
    /// Does everything.
    Admin,
    /// Sends logs, and nothing else.
    IngestOnly,
}

impl From<Role> for StateRole {
    fn from(role: Role) -> StateRole {
        match role {
            Role::Viewer => StateRole::Viewer,
            Role::Analyst => StateRole::Analyst,
            Role::Responder => StateRole::Responder,
            Role::Admin => StateRole::Admin,
            Role::IngestOnly => StateRole::IngestOnly,
        }
    }
}

impl From<StateRole> for Role {
    fn from(role: StateRole) -> Role {
        match role {
            StateRole::Viewer => Role::Viewer,
            StateRole::Analyst => Role::Analyst,
            StateRole::Responder => Role::Responder,
            StateRole::Admin => Role::Admin,
            StateRole::IngestOnly => Role::IngestOnly,
        }
    }
}

/// A person.
#[derive(Debug, Serialize, ToSchema)]
struct User {
    /// The name.
    name: String,
    /// The role.
    role: Role,
    /// The accounts it may see; all if nothing is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    accounts: Option<Vec<String>>,
    /// Since when, RFC 3339.
    created: String,
}

impl User {
    fn of(user: state::User) -> User {
        User {
            created: event::time::rfc3339(user.created_ms),
            name: user.name,
            role: user.role.into(),
            accounts: user.accounts,
        }
    }
}

/// A person to be made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewUser {
    /// The name: letters, digits and `. _ @ -`.
    #[schema(min_length = 1, max_length = 64)]
    name: String,
    /// The role.
    role: Role,
    /// The accounts it may see; all if nothing is said.
    #[serde(default)]
    #[schema(max_items = 1_000)]
    accounts: Option<Vec<String>>,
    /// The password.
    #[schema(format = Password, min_length = 12, max_length = 256)]
    password: String,
}

/// What a person may from now on.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Grant {
    /// The role.
    role: Role,
    /// The accounts it may see; all if nothing is said.
    #[serde(default)]
    #[schema(max_items = 1_000)]
    accounts: Option<Vec<String>>,
}

/// A new password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewPassword {
    /// The password.
    #[schema(format = Password, min_length = 12, max_length = 256)]
    password: String,
}

/// A token of a program.
#[derive(Debug, Serialize, ToSchema)]
struct Token {
    /// The name.
    name: String,
    /// The role.
    role: Role,
    /// The accounts it may see; all if nothing is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    accounts: Option<Vec<String>>,
    /// Who made it.
    made_by: String,
    /// Since when, RFC 3339.
    created: String,
    /// Until when it is good, RFC 3339; for ever if nothing is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<String>,
    /// What the program sends; told once, when the token is made.
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
}

impl Token {
    fn of(token: state::Token, secret: Option<String>) -> Token {
        Token {
            created: event::time::rfc3339(token.created_ms),
            until: token.until_ms.map(event::time::rfc3339),
            name: token.name,
            role: token.role.into(),
            accounts: token.accounts,
            made_by: token.made_by,
            secret,
        }
    }
}

/// A token to be made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct TokenWanted {
    /// The name: letters, digits and `. _ -`.
    #[schema(min_length = 1, max_length = 64)]
    name: String,
    /// The role.
    role: Role,
    /// The accounts it may see; all if nothing is said.
    #[serde(default)]
    #[schema(max_items = 1_000)]
    accounts: Option<Vec<String>>,
    /// Until when it is good; for ever if nothing is said.
    #[serde(default)]
    until: Option<Instant>,
}

/// What is wrong with a user or a token, for callers.
pub fn problem(err: UserError) -> Problem {
    match err {
        UserError::Taken(_) => Problem::conflict(err.to_string()),
        UserError::Unknown(_) => Problem::not_found(err.to_string()),
        UserError::Name => Problem::invalid("/name", err.to_string()),
        UserError::Password => Problem::invalid("/password", err.to_string()),
        UserError::LastAdmin(_) => Problem::conflict(err.to_string()),
        UserError::Lacks => Problem::forbidden(err.to_string()),
        UserError::Link => Problem::unauthenticated(err.to_string()),
        UserError::State(err) => Problem::internal(&err.into()),
    }
}

/// Account ids have 12 digits.
fn check_accounts(accounts: Option<&[String]>) -> Result<(), Problem> {
    let is_account = |id: &String| id.len() == 12 && id.bytes().all(|b| b.is_ascii_digit());
    match accounts.unwrap_or_default().iter().position(|id| !is_account(id)) {
        Some(at) => Err(Problem::invalid(&format!("/accounts/{at}"), "is not an account id of 12 digits")),
        None if accounts.is_some_and(|accounts| accounts.len() > 1_000) => {
            Err(Problem::invalid("/accounts", "has more than 1,000 entries"))
        }
        None => Ok(()),
    }
}

/// All users.
#[utoipa::path(get, path = "/api/v1/users", tag = "users",
    responses((status = 200, description = "by name", body = Vec<User>), super::Refusals),
    security(("session" = ["users:manage"]), ("token" = ["users:manage"])))]
async fn list_users(State(app): State<Shared>) -> Json<Vec<User>> {
    Json(app.state.users().into_iter().map(User::of).collect())
}

/// Makes a user.
#[utoipa::path(post, path = "/api/v1/users", tag = "users", request_body = NewUser,
    responses((status = 204, description = "made"), (status = 409, description = "the name is taken", body = Problem, content_type = "application/problem+json"), super::Refusals),
    security(("session" = ["users:manage"]), ("token" = ["users:manage"])))]
async fn make_user(State(app): State<Shared>, who: Who, Body(new): Body<NewUser>) -> Result<StatusCode, Problem> {
    check_accounts(new.accounts.as_deref())?;
    let (state, now_ms) = (std::sync::Arc::clone(&app.state), app.now_ms());
    // A password is made slow to try, and so is slow to make.
    let room = app.hashing().await?;
    let made = tokio::task::spawn_blocking(move || {
        let _room = room;
        state.add_user(&who.0, &new.name, new.role.into(), new.accounts, &new.password, now_ms)
    });
    made.await.map_err(anyhow::Error::from)?.map_err(problem)?;
    Ok(StatusCode::NO_CONTENT)
}

/// Changes role and accounts of a user; it holds at once, and sessions end.
#[utoipa::path(put, path = "/api/v1/users/{name}", tag = "users", request_body = Grant, params(("name" = String, Path)),
    responses((status = 200, description = "the user now", body = User), (status = 409, description = "it is the last admin", body = Problem, content_type = "application/problem+json"), super::Refusals),
    security(("session" = ["users:manage"]), ("token" = ["users:manage"])))]
async fn change_user(
    State(app): State<Shared>,
    who: Who,
    Path(name): Path<String>,
    Body(grant): Body<Grant>,
) -> Result<Json<User>, Problem> {
    check_accounts(grant.accounts.as_deref())?;
    let user = app.state.set_role(&who.0, &name, grant.role.into(), grant.accounts, app.now_ms()).map_err(problem)?;
    Ok(Json(User::of(user)))
}

/// Removes a user, whose sessions end.
#[utoipa::path(delete, path = "/api/v1/users/{name}", tag = "users", params(("name" = String, Path)),
    responses((status = 204, description = "gone"), (status = 409, description = "it is the last admin", body = Problem, content_type = "application/problem+json"), super::Refusals),
    security(("session" = ["users:manage"]), ("token" = ["users:manage"])))]
async fn remove_user(State(app): State<Shared>, who: Who, Path(name): Path<String>) -> Result<StatusCode, Problem> {
    app.state.remove_user(&who.0, &name, app.now_ms()).map_err(problem)?;
    Ok(StatusCode::NO_CONTENT)
}

/// Sets a password: one's own, or with the right to manage users another's. Sessions of the user end.
#[utoipa::path(put, path = "/api/v1/users/{name}/password", tag = "users", request_body = NewPassword, params(("name" = String, Path)),
    responses((status = 204, description = "set"), super::Refusals),
    security(("session" = ["session:own"]), ("token" = ["session:own"])))]
async fn set_password(
    State(app): State<Shared>,
    who: Who,
    Path(name): Path<String>,
    Body(new): Body<NewPassword>,
) -> Result<StatusCode, Problem> {
    let is_own = who.0.kind == state::Kind::User && who.0.name == name;
    if !is_own && !who.0.allows(state::Permission::UsersManage) {
        return Err(Problem::forbidden("you may set your own password only"));
    }
    let (state, now_ms) = (std::sync::Arc::clone(&app.state), app.now_ms());
    let room = app.hashing().await?;
    let set = tokio::task::spawn_blocking(move || {
        let _room = room;
        state.set_password(&who.0, &name, &new.password, now_ms)
    });
    set.await.map_err(anyhow::Error::from)?.map_err(problem)?;
    Ok(StatusCode::NO_CONTENT)
}

/// All tokens.
#[utoipa::path(get, path = "/api/v1/tokens", tag = "users",
    responses((status = 200, description = "by name", body = Vec<Token>), super::Refusals),
    security(("session" = ["users:manage"]), ("token" = ["users:manage"])))]
async fn list_tokens(State(app): State<Shared>) -> Json<Vec<Token>> {
    Json(app.state.tokens().into_iter().map(|token| Token::of(token, None)).collect())
}

/// Makes a token. Its secret is told in this answer, and never again.
#[utoipa::path(post, path = "/api/v1/tokens", tag = "users", request_body = TokenWanted,
    responses((status = 201, description = "made", body = Token), (status = 409, description = "the name is taken", body = Problem, content_type = "application/problem+json"), super::Refusals),
    security(("session" = ["users:manage"]), ("token" = ["users:manage"])))]
async fn make_token(
    State(app): State<Shared>,
    who: Who,
    Body(new): Body<TokenWanted>,
) -> Result<(StatusCode, Json<Token>), Problem> {
    check_accounts(new.accounts.as_deref())?;
    let until_ms = new.until.map(Instant::ms);
    let new = NewToken { name: new.name, role: new.role.into(), accounts: new.accounts, until_ms };
    let made = app.state.make_token(&who.0, new, app.now_ms()).map_err(problem)?;
    Ok((StatusCode::CREATED, Json(Token::of(made.token, Some(made.secret)))))
}

/// Revokes a token; it is dead at once.
#[utoipa::path(delete, path = "/api/v1/tokens/{name}", tag = "users", params(("name" = String, Path)),
    responses((status = 204, description = "gone"), super::Refusals),
    security(("session" = ["users:manage"]), ("token" = ["users:manage"])))]
async fn revoke_token(State(app): State<Shared>, who: Who, Path(name): Path<String>) -> Result<StatusCode, Problem> {
    app.state.revoke_token(&who.0, &name, app.now_ms()).map_err(problem)?;
    Ok(StatusCode::NO_CONTENT)
}
