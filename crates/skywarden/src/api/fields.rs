//! The names that queries may use.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Shared;
use super::auth::Who;
use super::problem::Problem;

/// The operations.
pub fn routes() -> OpenApiRouter<Shared> {
    OpenApiRouter::new().routes(routes!(fields))
}

/// A name that a query may use.
#[derive(Debug, Serialize, ToSchema)]
struct QueryField {
    /// The name.
    name: String,
    /// What its values are: `string`, `number`, `boolean`, `timestamp` or `object`.
    #[serde(rename = "type")]
    ty: &'static str,
    /// The logs that have it.
    sources: Vec<&'static str>,
}

/// The names that a query in Logs Insights QL may use: what is known of the logs, and keys that recent records have, the most frequent of them.
/// 2,000 at most; looked at once a minute.
#[utoipa::path(get, path = "/api/v1/fields", tag = "queries",
    responses((status = 200, description = "by name", body = Vec<QueryField>), super::Refusals),
    security(("session" = ["query:run"]), ("token" = ["query:run"])))]
async fn fields(State(app): State<Shared>, who: Who) -> Result<Json<Vec<QueryField>>, Problem> {
    let fields = app.fields.of(who.accounts(), app.now_ms()).await?;
    let shown = fields.iter().map(|field| QueryField {
        name: field.name.clone(),
        ty: field.ty,
        sources: field.sources.iter().copied().collect(),
    });
    Ok(Json(shown.collect()))
}
