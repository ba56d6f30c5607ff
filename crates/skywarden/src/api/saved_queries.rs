//! Queries that people keep for each other.

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use state::{NewSavedQuery, SavedQueryError};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Shared;
use super::auth::Who;
use super::body::{Body, Path};
use super::problem::Problem;
use super::queries::Language;

/// The operations.
pub fn routes() -> OpenApiRouter<Shared> {
    OpenApiRouter::new().routes(routes!(list, save)).routes(routes!(change, delete))
}

/// A query that is kept.
#[derive(Debug, Serialize, ToSchema)]
struct SavedQuery {
    /// Its number.
    id: i64,
    /// What people call it.
    name: String,
    /// The query.
    text: String,
    /// Its language.
    lang: Language,
    /// From when, as it was sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<String>,
    /// Until when, as it was sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<String>,
    /// Whose it is: `user/NAME` or `token/NAME`.
    owner: String,
    /// Since when, RFC 3339.
    created: String,
}

impl SavedQuery {
    fn of(saved: state::SavedQuery) -> SavedQuery {
        let NewSavedQuery { name, text, lang, from, to } = saved.query;
        SavedQuery {
            id: saved.id,
            name,
            text,
            lang: if lang == "sql" { Language::Sql } else { Language::Ql },
            from,
            to,
            owner: saved.owner,
            created: event::time::rfc3339(saved.created_ms),
        }
    }
}

/// A query to be kept.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct QueryToSave {
    /// What people call it.
    #[schema(min_length = 1, max_length = 200)]
    name: String,
    /// The query, at most 10,000 bytes.
    #[schema(min_length = 1, max_length = 10_000)]
    text: String,
    /// Its language.
    #[serde(default)]
    lang: Language,
    /// From when: any text that whoever reads it understands, such as a time or `-24h`.
    #[serde(default)]
    #[schema(max_length = 64)]
    from: Option<String>,
    /// Until when.
    #[serde(default)]
    #[schema(max_length = 64)]
    to: Option<String>,
}

impl From<QueryToSave> for NewSavedQuery {
    fn from(new: QueryToSave) -> NewSavedQuery {
        let QueryToSave { name, text, lang, from, to } = new;
        let lang = if lang == Language::Sql { "sql" } else { "ql" };
        NewSavedQuery { name, text, lang: lang.to_owned(), from, to }
    }
}

fn problem(err: SavedQueryError) -> Problem {
    match err {
        SavedQueryError::Unknown(_) => Problem::not_found(err.to_string()),
        SavedQueryError::NotYours(_) => Problem::forbidden(err.to_string()),
        SavedQueryError::Wrong { part, why } => Problem::invalid(&format!("/{part}"), why),
        SavedQueryError::State(err) => Problem::internal(&err.into()),
    }
}

/// Work on the database, off the threads that answer.
async fn off<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, SavedQueryError> + Send + 'static,
) -> Result<T, Problem> {
    tokio::task::spawn_blocking(work).await.map_err(anyhow::Error::from)?.map_err(problem)
}

/// All queries that are kept, by name. Everybody who may query sees all of them.
#[utoipa::path(get, path = "/api/v1/saved-queries", tag = "queries",
    responses((status = 200, description = "all", body = Vec<SavedQuery>), super::Refusals),
    security(("session" = ["query:run"]), ("token" = ["query:run"])))]
async fn list(State(app): State<Shared>) -> Result<Json<Vec<SavedQuery>>, Problem> {
    let all = off(move || Ok(app.state.saved_queries()?)).await?;
    Ok(Json(all.into_iter().map(SavedQuery::of).collect()))
}

/// Keeps a query; 1,000 are kept at most.
#[utoipa::path(post, path = "/api/v1/saved-queries", tag = "queries", request_body = QueryToSave,
    responses((status = 201, description = "it is kept", body = SavedQuery), super::Refusals),
    security(("session" = ["query:run"]), ("token" = ["query:run"])))]
async fn save(State(app): State<Shared>, who: Who, Body(new): Body<QueryToSave>) -> Result<Response, Problem> {
    let now_ms = app.now_ms();
    let saved = off(move || app.state.save_query(&who.0, new.into(), now_ms)).await?;
    let place = format!("/api/v1/saved-queries/{}", saved.id);
    Ok((StatusCode::CREATED, [(header::LOCATION, place)], Json(SavedQuery::of(saved))).into_response())
}

/// Replaces a query that is kept: its owner may, and whoever manages users.
#[utoipa::path(put, path = "/api/v1/saved-queries/{id}", tag = "queries", params(("id" = i64, Path)), request_body = QueryToSave,
    responses((status = 200, description = "it is changed", body = SavedQuery), super::Refusals),
    security(("session" = ["query:run"]), ("token" = ["query:run"])))]
async fn change(
    State(app): State<Shared>,
    who: Who,
    Path(id): Path<i64>,
    Body(new): Body<QueryToSave>,
) -> Result<Json<SavedQuery>, Problem> {
    let now_ms = app.now_ms();
    let saved = off(move || app.state.change_saved_query(&who.0, id, new.into(), now_ms)).await?;
    Ok(Json(SavedQuery::of(saved)))
}

/// Deletes a query that is kept: its owner may, and whoever manages users.
#[utoipa::path(delete, path = "/api/v1/saved-queries/{id}", tag = "queries", params(("id" = i64, Path)),
    responses((status = 204, description = "it is gone"), super::Refusals),
    security(("session" = ["query:run"]), ("token" = ["query:run"])))]
async fn delete(State(app): State<Shared>, who: Who, Path(id): Path<i64>) -> Result<StatusCode, Problem> {
    let now_ms = app.now_ms();
    off(move || app.state.delete_saved_query(&who.0, id, now_ms)).await?;
    Ok(StatusCode::NO_CONTENT)
}
