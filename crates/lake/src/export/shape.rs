//! OCSF events of a class as nested columns.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Int32Array, Int64Array, ListArray, MapArray, RecordBatch, RecordBatchOptions, StringArray,
    StructArray, TimestampMicrosecondArray,
};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::datatypes::{DataType, Field, Fields, Schema, SchemaRef, TimeUnit};
use event::mapping::{self, Expr, Mapping, Type, When};
use event::time;
use serde_json::Value as Json;

/// The columns of a class.
pub(super) struct Shape {
    pub(super) schema: SchemaRef,
}

impl Shape {
    /// All that the mapping can give to an event of this class.
    pub(super) fn new(mapping: &Mapping, class: i64) -> Shape {
        let mut root = Vec::new();
        add_entries(&mut root, mapping.entries, Some(class));
        add(&mut root, "metadata.version", &DataType::Utf8);
        add(&mut root, "metadata.profiles", &list(DataType::Utf8));
        let observable = [
            ("name", DataType::Utf8),
            ("type", DataType::Utf8),
            ("type_id", DataType::Int32),
            ("value", DataType::Utf8),
        ];
        let observable: Fields = observable.into_iter().map(|(name, ty)| Field::new(name, ty, true)).collect();
        add(&mut root, "observables", &list(DataType::Struct(observable)));
        add(&mut root, "unmapped", &crate::def::map_type([None, None]));
        add(&mut root, "raw_data", &DataType::Utf8);
        Shape { schema: Arc::new(Schema::new(fields(root))) }
    }

    /// The events as rows.
    pub(super) fn batch(&self, events: &[Json]) -> RecordBatch {
        let events: Vec<Option<&Json>> = events.iter().map(Some).collect();
        let columns = members(self.schema.fields(), &events);
        let options = RecordBatchOptions::new().with_row_count(Some(events.len()));
        RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns, &options)
            .expect("the columns are made from the schema")
    }
}

/// An attribute on its way to a column: one without members is of its type, one with members is an object.
struct Attribute {
    name: String,
    ty: DataType,
    members: Vec<Attribute>,
}

/// Adds the targets of the entries that apply to a class; of objects in a list, which are of no class, all.
fn add_entries(root: &mut Vec<Attribute>, entries: &[mapping::Entry], class: Option<i64>) {
    let is_of = |when: When| match when {
        When::Class(classes) | When::IsIn(classes, ..) => class.is_none_or(|class| classes.contains(&class)),
        _ => true,
    };
    for entry in entries.iter().filter(|entry| is_of(entry.when)) {
        for column in entry.columns() {
            let is_twin = entry.ty == Type::Timestamp && column.path != entry.to;
            let ty = match (column.ty, &entry.from) {
                _ if is_twin => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
                (Type::Objects, Expr::Each { entries, .. }) => {
                    let mut members = Vec::new();
                    add_entries(&mut members, entries, None);
                    list(DataType::Struct(fields(members)))
                }
                (Type::Ips, _) => list(DataType::Utf8),
                (Type::Boolean, _) => DataType::Boolean,
                (Type::Enum(_) | Type::Class | Type::Activity | Type::Port, _) => DataType::Int32,
                (Type::Integer, _) if column.path == "category_uid" => DataType::Int32,
                (Type::Integer | Type::Timestamp, _) => DataType::Int64,
                (Type::Text | Type::Ip | Type::Json | Type::Objects, _) => DataType::Utf8,
            };
            add(root, &column.path, &ty);
        }
    }
}

fn add(attributes: &mut Vec<Attribute>, path: &str, ty: &DataType) {
    let (name, rest) = path.split_once('.').map_or((path, None), |(name, rest)| (name, Some(rest)));
    let at = attributes.iter().position(|have| have.name == name).unwrap_or_else(|| {
        attributes.push(Attribute { name: name.to_owned(), ty: ty.clone(), members: Vec::new() });
        attributes.len() - 1
    });
    if let Some(rest) = rest {
        add(&mut attributes[at].members, rest, ty);
    }
}

fn fields(attributes: Vec<Attribute>) -> Fields {
    let field = |attribute: Attribute| {
        let ty = match attribute.members.is_empty() {
            true => attribute.ty,
            false => DataType::Struct(fields(attribute.members)),
        };
        Field::new(attribute.name, ty, true)
    };
    attributes.into_iter().map(field).collect()
}

fn list(of: DataType) -> DataType {
    DataType::List(Arc::new(Field::new("element", of, true)))
}

/// The columns of the members of objects. What is no object has none.
fn members(fields: &Fields, objects: &[Option<&Json>]) -> Vec<ArrayRef> {
    let column = |field: &Arc<Field>| {
        let values: Vec<Option<&Json>> =
            objects.iter().map(|object| object.and_then(|object| object.get(field.name()))).collect();
        array(field.data_type(), &values)
    };
    fields.iter().map(column).collect()
}

fn array(ty: &DataType, values: &[Option<&Json>]) -> ArrayRef {
    let each = || values.iter().copied();
    match ty {
        DataType::Boolean => Arc::new(each().map(|value| value?.as_bool()).collect::<BooleanArray>()),
        DataType::Int32 => Arc::new(each().map(|value| i32::try_from(value?.as_i64()?).ok()).collect::<Int32Array>()),
        DataType::Int64 => Arc::new(each().map(|value| value?.as_i64()).collect::<Int64Array>()),
        DataType::Timestamp(..) => {
            let instants = each().map(|value| time::parse(value?.as_str()?)?.checked_mul(1_000));
            Arc::new(instants.collect::<TimestampMicrosecondArray>().with_timezone("UTC"))
        }
        DataType::Struct(fields) => {
            let nulls: NullBuffer = each().map(|value| value.is_some_and(Json::is_object)).collect();
            let columns = members(fields, values);
            Arc::new(StructArray::new(fields.clone(), columns, Some(nulls)))
        }
        DataType::List(element) => {
            let lists: Vec<Option<&Vec<Json>>> = each().map(|value| value?.as_array()).collect();
            let elements: Vec<Option<&Json>> = lists.iter().flatten().flat_map(|list| list.iter().map(Some)).collect();
            let offsets = OffsetBuffer::from_lengths(lists.iter().map(|list| list.map_or(0, Vec::len)));
            let nulls: NullBuffer = lists.iter().map(Option::is_some).collect();
            Arc::new(ListArray::new(Arc::clone(element), offsets, array(element.data_type(), &elements), Some(nulls)))
        }
        DataType::Map(entries, is_sorted) => {
            let DataType::Struct(fields) = entries.data_type() else { unreachable!("a map is of keys and values") };
            let maps: Vec<_> = each().map(|value| value?.as_object()).collect();
            let (keys, of_keys): (Vec<&String>, Vec<Option<&Json>>) =
                maps.iter().flatten().flat_map(|map| map.iter().map(|(key, value)| (key, Some(value)))).unzip();
            let offsets = OffsetBuffer::from_lengths(maps.iter().map(|map| map.map_or(0, serde_json::Map::len)));
            let nulls: NullBuffer = maps.iter().map(Option::is_some).collect();
            let columns: Vec<ArrayRef> =
                vec![Arc::new(StringArray::from_iter_values(keys)), array(fields[1].data_type(), &of_keys)];
            let rows = StructArray::new(fields.clone(), columns, None);
            Arc::new(MapArray::new(Arc::clone(entries), offsets, rows, Some(nulls), *is_sorted))
        }
        _ => Arc::new(each().map(|value| value?.as_str()).collect::<StringArray>()),
    }
}
