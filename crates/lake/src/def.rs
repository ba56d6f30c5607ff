//! What a table holds: names and types of columns, and how each is written.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Fields, Schema, SchemaRef, TimeUnit};

/// The column by whose UTC day every table is partitioned.
pub const TIME: &str = "time_dt";
/// The column that tells rows apart: eight bytes hash of the id, eight bytes hash of the content.
pub const IDENTITY: &str = "event_identity";
/// The column that says what is odd about a row, where a table has it.
pub const FLAGS: &str = "event_flags";

/// The type of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ColumnType {
    /// UTF-8 text.
    Text,
    /// A whole number of 64 bits.
    Long,
    /// A floating-point number of 64 bits.
    Double,
    /// True or false.
    Boolean,
    /// An instant: microseconds since 1970, UTC.
    Timestamp,
    /// Text to text.
    Map,
    /// Sixteen bytes.
    Fixed16,
    /// Bytes of any number.
    Binary,
}

/// One column of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ColumnDef {
    /// Its name, also in other engines.
    pub name: String,
    /// Its type.
    pub ty: ColumnType,
    /// What it means, in a line; kept in the table's schema.
    pub doc: String,
    /// Whether a row must have it.
    pub is_required: bool,
    /// Whether files get a bloom filter on it, for look-ups of single values.
    pub is_bloom: bool,
    /// Whether nearly every row has its own value (ids, raw text), so that a dictionary would only cost.
    pub is_unique: bool,
    /// Whether files, row groups and pages keep its least and greatest value. Pointless for raw text and maps.
    pub has_stats: bool,
}

impl ColumnDef {
    /// A column that may be null, with statistics where its type has an order, and without a bloom filter.
    pub fn new(name: impl Into<String>, ty: ColumnType) -> Self {
        let has_stats = !matches!(ty, ColumnType::Map | ColumnType::Fixed16 | ColumnType::Binary);
        let is_unique = matches!(ty, ColumnType::Fixed16 | ColumnType::Binary);
        Self { name: name.into(), ty, doc: String::new(), is_required: false, is_bloom: false, is_unique, has_stats }
    }

    /// The same with this meaning.
    pub fn doc(self, doc: impl Into<String>) -> Self {
        Self { doc: doc.into(), ..self }
    }

    /// The same, and a row must have it.
    pub fn required(self) -> Self {
        Self { is_required: true, ..self }
    }

    /// The same with a bloom filter.
    pub fn bloom(self) -> Self {
        Self { is_bloom: true, ..self }
    }

    /// The same without a dictionary.
    pub fn unique(self) -> Self {
        Self { is_unique: true, ..self }
    }

    /// The same without statistics.
    pub fn without_stats(self) -> Self {
        Self { has_stats: false, ..self }
    }
}

/// A table as the product wants it. Its files hold one UTC day each, sorted by `time_dt`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableDef {
    /// Its name: small letters, digits and `_`.
    pub name: String,
    /// Its columns in their order. `time_dt` (Timestamp) and `event_identity` (Fixed16) must be among them.
    pub columns: Vec<ColumnDef>,
}

impl TableDef {
    /// A table of these columns.
    pub fn new(name: impl Into<String>, columns: Vec<ColumnDef>) -> Self {
        Self { name: name.into(), columns }
    }

    /// The Arrow schema that batches for this table should have. Columns may be left out of a batch; they are then null.
    pub fn arrow_schema(&self) -> SchemaRef {
        Arc::new(Schema::new(
            self.columns.iter().map(|c| Field::new(&c.name, c.ty.arrow(), !c.is_required)).collect::<Vec<_>>(),
        ))
    }

    /// The column of this name.
    pub fn column(&self, name: &str) -> Option<&ColumnDef> {
        self.columns.iter().find(|c| c.name == name)
    }
}

impl ColumnType {
    /// The Arrow type of this column.
    pub fn arrow(self) -> DataType {
        match self {
            Self::Text => DataType::Utf8,
            Self::Long => DataType::Int64,
            Self::Double => DataType::Float64,
            Self::Boolean => DataType::Boolean,
            Self::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            Self::Map => map_type([None, None]),
            Self::Fixed16 => DataType::FixedSizeBinary(16),
            Self::Binary => DataType::Binary,
        }
    }
}

/// The type of a map from text to text whose key and value carry these Iceberg field ids.
pub(crate) fn map_type(ids: [Option<i32>; 2]) -> DataType {
    let key = with_id(Field::new("key", DataType::Utf8, false), ids[0]);
    let value = with_id(Field::new("value", DataType::Utf8, true), ids[1]);
    DataType::Map(Arc::new(Field::new("key_value", DataType::Struct(Fields::from(vec![key, value])), false)), false)
}

/// The field with an Iceberg field id, under the key by which the Parquet writer knows it.
pub(crate) fn with_id(field: Field, id: Option<i32>) -> Field {
    match id {
        Some(id) => field.with_metadata(HashMap::from([("PARQUET:field_id".to_owned(), id.to_string())])),
        None => field,
    }
}
