//! Between our definitions and Iceberg's metadata.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use arrow::datatypes::{Field, Schema as ArrowSchema, SchemaRef};
use bytes::Bytes;
use iceberg::spec::{
    FormatVersion, MapType, NestedField, NullOrder, PrimitiveType, Schema, SortDirection, SortField, SortOrder,
    TableMetadata, TableMetadataBuilder, Transform, Type, UnboundPartitionSpec,
};

use crate::def::{ColumnDef, ColumnType, IDENTITY, TIME, TableDef, map_type, with_id};
use crate::env::{Env, uuid};
use crate::error::Cause;

/// The partition field of every table: the day of `time_dt`.
const DAY: &str = "time_dt_day";
/// Property: which columns have nearly as many values as rows.
const UNIQUE: &str = "skywarden.unique-columns";
/// The id of the one sort order: by time.
pub(crate) const SORTED: i64 = 1;
const BLOOM: &str = "write.parquet.bloom-filter-enabled.column.";
const METRICS: &str = "write.metadata.metrics.column.";

/// Why a definition cannot be used for a table.
pub(crate) fn fault_of(def: &TableDef) -> Option<String> {
    let is_name = |name: &str| {
        !name.is_empty() && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
    };
    if !is_name(&def.name) {
        return Some(format!("`{}` is no name: small letters, digits and `_`", def.name));
    }
    for (name, ty) in [(TIME, ColumnType::Timestamp), (IDENTITY, ColumnType::Fixed16)] {
        if def.column(name).is_none_or(|c| c.ty != ty) {
            return Some(format!("it needs a column `{name}` of type {ty:?}"));
        }
    }
    let mut names: Vec<&str> = def.columns.iter().map(|c| c.name.as_str()).collect();
    names.sort_unstable();
    names.windows(2).find(|pair| pair[0] == pair[1]).map(|twice| format!("column `{}` stands twice", twice[0]))
}

/// The metadata of a new table.
pub(crate) fn create(def: &TableDef, location: String, env: &dyn Env) -> Result<TableMetadata, Cause> {
    // Iceberg numbers all fields anew, breadth first, whatever ids they are given; so these are only to be distinct.
    let mut nested = i32::try_from(def.columns.len())?;
    let mut fields = Vec::with_capacity(def.columns.len());
    for (i, column) in def.columns.iter().enumerate() {
        fields.push(field(column, i32::try_from(i)? + 1, &mut nested));
    }
    let schema = Schema::builder().with_fields(fields).build()?;
    let id = |name: &str| schema.field_id_by_name(name).ok_or_else(|| Cause::from(format!("no column `{name}`")));
    let spec = UnboundPartitionSpec::builder().add_partition_field(id(TIME)?, DAY, Transform::Day)?.build();
    let by_time =
        SortField::builder().source_id(id(TIME)?).transform(Transform::Identity).direction(SortDirection::Ascending);
    let sort = SortOrder::builder()
        .with_order_id(SORTED)
        .with_sort_field(by_time.null_order(NullOrder::First).build())
        .build(&schema)?;
    let built = TableMetadataBuilder::new(schema, spec, sort, location, FormatVersion::V2, properties(def))?;
    Ok(built.assign_uuid(uuid(env)).build()?.metadata)
}

/// The metadata with the columns and properties of `def` that are new, or nothing if there are none.
pub(crate) fn evolve(metadata: &TableMetadata, location: &str, def: &TableDef) -> Result<Option<TableMetadata>, Cause> {
    let schema = metadata.current_schema();
    let mut fields = schema.as_struct().fields().to_vec();
    let n_before = fields.len();
    let mut last = metadata.last_column_id();
    for column in &def.columns {
        match schema.field_by_name(&column.name) {
            Some(have) if column_type(&have.field_type) == Some(column.ty) => {}
            Some(have) => {
                return Err(format!(
                    "column `{}` is {} in the table and {:?} in the definition",
                    column.name, have.field_type, column.ty
                )
                .into());
            }
            None => {
                last += 1;
                let id = last;
                // Rows that are there have no value, so a new column cannot be required.
                fields.push(field(&ColumnDef { is_required: false, ..column.clone() }, id, &mut last));
            }
        }
    }
    let mut wanted = properties(def);
    // An older definition does not know of newer columns.
    let known = metadata.properties().get(UNIQUE).into_iter().chain(wanted.get(UNIQUE));
    let both: BTreeSet<&str> = known.flat_map(|text| text.split(',')).filter(|name| !name.is_empty()).collect();
    let both = both.into_iter().collect::<Vec<_>>().join(",");
    wanted.insert(UNIQUE.to_owned(), both);
    let wanted: HashMap<String, String> = wanted
        .into_iter()
        .filter(|(key, value)| metadata.properties().get(key).is_none_or(|have| have != value))
        .collect();
    if fields.len() == n_before && wanted.is_empty() {
        return Ok(None);
    }
    let mut builder = metadata.clone().into_builder(Some(location.to_owned())).set_properties(wanted)?;
    if fields.len() > n_before {
        let ids: Vec<i32> = schema.identifier_field_ids().collect();
        builder = builder
            .add_current_schema(Schema::builder().with_fields(fields).with_identifier_field_ids(ids).build()?)?;
    }
    Ok(Some(builder.build()?.metadata))
}

/// The definition that the table itself keeps, so that whoever compacts it writes it as its ingestion does.
pub(crate) fn def_of(name: &str, metadata: &TableMetadata) -> Result<TableDef, String> {
    let properties = metadata.properties();
    let unique: Vec<&str> = properties.get(UNIQUE).map_or("", String::as_str).split(',').collect();
    let mut columns = Vec::new();
    for have in metadata.current_schema().as_struct().fields() {
        let ty = column_type(&have.field_type)
            .ok_or_else(|| format!("a column `{}` of type {}", have.name, have.field_type))?;
        columns.push(ColumnDef {
            name: have.name.clone(),
            ty,
            doc: have.doc.clone().unwrap_or_default(),
            is_required: have.required,
            is_bloom: properties.get(&format!("{BLOOM}{}", have.name)).is_some_and(|v| v == "true"),
            is_unique: unique.contains(&have.name.as_str()),
            has_stats: properties.get(&format!("{METRICS}{}", have.name)).is_none_or(|v| v != "none"),
        });
    }
    Ok(TableDef { name: name.to_owned(), columns })
}

/// Reads a metadata file.
pub(crate) fn decode(bytes: &[u8]) -> Result<TableMetadata, Cause> {
    Ok(serde_json::from_slice(bytes)?)
}

/// The file of this metadata.
///
/// The library takes the time of a change without a snapshot from the machine's clock; ours may be another, and must not step back.
pub(crate) fn encode(metadata: &TableMetadata, previous_ms: i64, env: &dyn Env) -> Result<Bytes, Cause> {
    let mut value = serde_json::to_value(metadata)?;
    let newest = metadata.snapshots().map(|s| s.timestamp_ms()).max().unwrap_or(0);
    value["last-updated-ms"] = env.now_ms().max(previous_ms).max(newest).into();
    Ok(Bytes::from(serde_json::to_vec(&value)?))
}

/// The Arrow schema of the table's files, with field ids.
pub(crate) fn file_schema(schema: &Schema) -> Result<SchemaRef, String> {
    let mut fields = Vec::new();
    for have in schema.as_struct().fields() {
        let ty = column_type(&have.field_type)
            .ok_or_else(|| format!("a column `{}` of type {}", have.name, have.field_type))?;
        let arrow = match have.field_type.as_ref() {
            Type::Map(map) => map_type([Some(map.key_field.id), Some(map.value_field.id)]),
            _ => ty.arrow(),
        };
        fields.push(with_id(Field::new(&have.name, arrow, !have.required), Some(have.id)));
    }
    Ok(Arc::new(ArrowSchema::new(fields)))
}

fn field(column: &ColumnDef, id: i32, last: &mut i32) -> Arc<NestedField> {
    let ty = match column.ty {
        ColumnType::Text => Type::Primitive(PrimitiveType::String),
        ColumnType::Long => Type::Primitive(PrimitiveType::Long),
        ColumnType::Double => Type::Primitive(PrimitiveType::Double),
        ColumnType::Boolean => Type::Primitive(PrimitiveType::Boolean),
        ColumnType::Timestamp => Type::Primitive(PrimitiveType::Timestamptz),
        ColumnType::Fixed16 => Type::Primitive(PrimitiveType::Fixed(16)),
        ColumnType::Binary => Type::Primitive(PrimitiveType::Binary),
        ColumnType::Map => {
            *last += 2;
            let text = || Type::Primitive(PrimitiveType::String);
            Type::Map(MapType::optional(*last - 1, text(), *last, text()))
        }
    };
    let field = NestedField::new(id, &column.name, ty, column.is_required);
    Arc::new(if column.doc.is_empty() { field } else { field.with_doc(&column.doc) })
}

fn column_type(ty: &Type) -> Option<ColumnType> {
    let is_text = |ty: &Type| matches!(ty, Type::Primitive(PrimitiveType::String));
    match ty {
        Type::Primitive(PrimitiveType::String) => Some(ColumnType::Text),
        Type::Primitive(PrimitiveType::Long) => Some(ColumnType::Long),
        Type::Primitive(PrimitiveType::Double) => Some(ColumnType::Double),
        Type::Primitive(PrimitiveType::Boolean) => Some(ColumnType::Boolean),
        Type::Primitive(PrimitiveType::Timestamptz) => Some(ColumnType::Timestamp),
        Type::Primitive(PrimitiveType::Fixed(16)) => Some(ColumnType::Fixed16),
        Type::Primitive(PrimitiveType::Binary) => Some(ColumnType::Binary),
        Type::Map(map) if is_text(&map.key_field.field_type) && is_text(&map.value_field.field_type) => {
            Some(ColumnType::Map)
        }
        _ => None,
    }
}

fn properties(def: &TableDef) -> HashMap<String, String> {
    let fixed = [
        ("write.format.default", "parquet"),
        ("write.parquet.compression-codec", "zstd"),
        ("write.parquet.compression-level", "1"),
        ("write.parquet.row-group-limit", "131072"),
        ("write.metadata.previous-versions-max", "50"),
    ];
    let mut all: HashMap<String, String> =
        fixed.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
    for column in &def.columns {
        if column.is_bloom {
            all.insert(format!("{BLOOM}{}", column.name), "true".to_owned());
        }
        if !column.has_stats {
            all.insert(format!("{METRICS}{}", column.name), "none".to_owned());
        }
    }
    let unique: BTreeSet<&str> = def.columns.iter().filter(|c| c.is_unique).map(|c| c.name.as_str()).collect();
    all.insert(UNIQUE.to_owned(), unique.into_iter().collect::<Vec<_>>().join(","));
    all
}
