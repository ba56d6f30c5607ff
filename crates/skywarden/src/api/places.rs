//! Where addresses are, and whose.

use axum::Json;
use axum::extract::State;
use enrich::{About, Places, Spot, country};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Shared;
use super::body::Asked as Params;
use super::problem::Problem;

/// The most addresses of a request.
const ADDRESSES_MAX: usize = 200;
/// The most bytes of one: names of services stand where addresses do.
const ADDRESS_BYTES_MAX: usize = 256;

/// The operations.
pub fn routes() -> OpenApiRouter<Shared> {
    OpenApiRouter::new().routes(routes!(places))
}

/// Which addresses.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct AskedPlaces {
    /// The addresses with commas between them, 200 at most.
    addresses: String,
}

/// The places of some addresses.
#[derive(Debug, Serialize, ToSchema)]
struct KnownPlaces {
    /// What they come from; nothing if this server has no table of places.
    #[schema(nullable)]
    database: Option<PlaceTable>,
    /// One for each address that was asked, in that order.
    places: Vec<KnownPlace>,
}

/// A table of places.
#[derive(Debug, Serialize, ToSchema)]
struct PlaceTable {
    /// What it was made of.
    name: String,
    /// Of when it is.
    date: String,
    /// Must be shown wherever a place of it is: its licence wants that.
    attribution: String,
    /// Whether it is invented, for a demo.
    is_made_up: bool,
}

/// What is known of an address. Of what is private, reserved, unknown or no address nothing is.
#[derive(Debug, Serialize, ToSchema)]
struct KnownPlace {
    /// The address, as it was asked.
    address: String,
    /// The country: two capitals.
    country: Option<String>,
    /// Its name in English.
    country_name: Option<&'static str>,
    /// The city.
    city: Option<String>,
    /// In degrees.
    latitude: Option<f64>,
    /// In degrees.
    longitude: Option<f64>,
    /// Whether the two are those of the middle of the country, as no more is known.
    is_approximate: Option<bool>,
    /// The number of its network.
    asn: Option<u32>,
    /// Who runs that.
    organisation: Option<String>,
}

/// Where addresses are, and whose. Nothing leaves the server for it: it looks into a table of its own.
#[utoipa::path(get, path = "/api/v1/places", tag = "places", params(AskedPlaces),
    responses((status = 200, description = "a place for each address", body = KnownPlaces), super::Refusals),
    security(("session" = ["findings:read"]), ("token" = ["findings:read"])))]
async fn places(State(app): State<Shared>, Params(asked): Params<AskedPlaces>) -> Result<Json<KnownPlaces>, Problem> {
    let addresses: Vec<&str> = asked.addresses.split(',').map(str::trim).collect();
    if addresses.len() > ADDRESSES_MAX {
        return Err(Problem::invalid("addresses", "has more than 200"));
    }
    if addresses.iter().any(|address| address.len() > ADDRESS_BYTES_MAX) {
        return Err(Problem::invalid("addresses", "has one that is longer than any name"));
    }
    let table = app.places.as_ref();
    let places = addresses.into_iter().map(|address| known(table, address)).collect();
    Ok(Json(KnownPlaces { database: table.map(|table| shown(table.about())), places }))
}

fn shown(about: &About) -> PlaceTable {
    let About { name, date, attribution, is_made_up } = about.clone();
    PlaceTable { name, date, attribution, is_made_up }
}

fn known(table: Option<&Places>, address: &str) -> KnownPlace {
    let place = table.zip(address.parse().ok()).map(|(table, address)| table.find(address));
    let (spot, network) = (place.and_then(|place| place.spot), place.and_then(|place| place.network));
    let coordinates = spot.and_then(Spot::coordinates);
    KnownPlace {
        address: address.to_owned(),
        country: spot.map(|spot| spot.country.clone()),
        country_name: spot.and_then(|spot| country(&spot.country)).map(|country| country.name),
        city: spot.map(|spot| spot.city.clone()).filter(|city| !city.is_empty()),
        latitude: coordinates.map(|(latitude, ..)| latitude),
        longitude: coordinates.map(|(_, longitude, _)| longitude),
        is_approximate: coordinates.map(|(.., is_approximate)| is_approximate),
        asn: network.map(|network| network.number),
        organisation: network.map(|network| network.organisation.clone()),
    }
}
