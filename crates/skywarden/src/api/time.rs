//! Instants in requests: RFC 3339, or milliseconds since 1970.

use serde::{Deserialize, Deserializer, de};
use utoipa::openapi::schema::{ObjectBuilder, OneOfBuilder, Type};
use utoipa::openapi::{RefOr, Schema, SchemaFormat};
use utoipa::{PartialSchema, ToSchema};

/// An instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Instant(i64);

/// The last instant that is taken: the year 9999.
const MS_MAX: i64 = 253_402_300_799_999;

impl Instant {
    /// Milliseconds since 1970 UTC.
    pub fn ms(self) -> i64 {
        self.0
    }

    /// Reads text as it stands in a query string.
    pub fn parse(text: &str) -> Option<Instant> {
        let ms = text.parse().ok().or_else(|| event::time::parse(text))?;
        (0..=MS_MAX).contains(&ms).then_some(Instant(ms))
    }
}

impl<'de> Deserialize<'de> for Instant {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Instant, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Either {
            Ms(i64),
            Text(String),
        }
        let wrong = || de::Error::custom("not a time: write it as 2026-11-24T12:00:00Z, or as milliseconds since 1970");
        match Either::deserialize(deserializer).map_err(|_| wrong())? {
            Either::Ms(ms) => Instant::parse(&ms.to_string()).ok_or_else(wrong),
            Either::Text(text) => Instant::parse(&text).ok_or_else(wrong),
        }
    }
}

impl PartialSchema for Instant {
    fn schema() -> RefOr<Schema> {
        let text = ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::KnownFormat(utoipa::openapi::KnownFormat::DateTime)));
        let ms = ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(0)).maximum(Some(MS_MAX));
        OneOfBuilder::new().item(text).item(ms).into()
    }
}

impl ToSchema for Instant {
    fn name() -> std::borrow::Cow<'static, str> {
        "Instant".into()
    }
}
