//! Events as rows: what each column of a source's table holds of a record.
//!
//! A row is worked out from the record's tree and its OCSF projection. Leaves that an exact or native column holds go there as they are;
//! all others go into maps. A value of the wrong type goes into the map of all other leaves, so nothing is lost and no column lies.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanBuilder, FixedSizeBinaryBuilder, Int64Builder, MapBuilder, MapFieldNames, RecordBatch,
    StringBuilder, TimestampMicrosecondBuilder,
};
use arrow::datatypes::{DataType, Field, SchemaRef};
use event::ocsf::OcsfVersion;
use event::value::Value;
use sha2::{Digest, Sha256};

use crate::columns::{Columns, Envelope, Of, Type};

/// The version of OCSF that the lake's columns are named after.
const OCSF: OcsfVersion = OcsfVersion::V1_3_0;
/// What a row costs beside its text, about.
const ROW_BYTES: usize = 600;

/// One event on its way into a table.
#[derive(Clone, Copy, Debug)]
pub struct Row<'a> {
    /// What tells it from all others.
    pub identity: [u8; 16],
    /// When it happened, in milliseconds.
    pub time_ms: i64,
    /// The source's own id, or one made of its place.
    pub uid: &'a str,
    /// The account it happened in.
    pub account: &'a str,
    /// The Region.
    pub region: &'a str,
    /// Where it came from.
    pub origin: &'a Origin,
    /// Its number in its object, from 1.
    pub ordinal: u64,
    /// Where it begins in the inflated object.
    pub offset: Option<u64>,
    /// What is odd about it.
    pub flags: &'a str,
    /// The columns of the row, for logs whose rows do not name them.
    pub format: &'a str,
    /// The record as a tree.
    pub record: &'a Value,
    /// The record's text.
    pub raw: &'a str,
}

/// Where events come from: the same for all of an object.
#[derive(Clone, Debug, Default)]
pub struct Origin {
    /// The object: a path or a URI.
    pub object: String,
    /// When it was taken in, in milliseconds.
    pub ingested_at_ms: i64,
    /// The log group.
    pub log_group: String,
    /// The log stream.
    pub log_stream: String,
    /// How far the way it came is trusted.
    pub trust: &'static str,
}

/// Rows of one source in the making.
#[derive(Debug)]
pub struct Rows {
    columns: Arc<Columns>,
    schema: SchemaRef,
    builders: Vec<Builder>,
    leaves: Leaves,
    cells: Vec<Cell>,
    n: usize,
    bytes: usize,
}

/// Where native paths go.
#[derive(Debug)]
struct Leaves {
    by_path: HashMap<&'static str, usize>,
    /// Open objects and their maps.
    open: Vec<(&'static str, usize)>,
    unmapped: usize,
}

#[derive(Debug)]
enum Builder {
    Text(StringBuilder),
    Long(Int64Builder),
    Boolean(BooleanBuilder),
    Timestamp(TimestampMicrosecondBuilder),
    Map(MapBuilder<StringBuilder, StringBuilder>),
    Fixed16(FixedSizeBinaryBuilder),
}

/// One value on its way.
#[derive(Clone, Debug)]
enum Cell {
    None,
    Text(String),
    Long(i64),
    Boolean(bool),
    /// Microseconds.
    Time(i64),
    Map(Vec<(String, String)>),
    Fixed([u8; 16]),
}

impl Rows {
    /// No rows yet.
    pub fn new(columns: &Arc<Columns>) -> Rows {
        let native = |of: &Of| match of {
            Of::Ocsf { native: Some(path), .. } | Of::Native(path) => Some(*path),
            _ => None,
        };
        let open = |of: &Of| if let Of::Open(path) = of { Some(*path) } else { None };
        let numbered = || columns.list.iter().enumerate();
        let leaves = Leaves {
            by_path: numbered().filter_map(|(i, column)| Some((native(&column.of)?, i))).collect(),
            open: numbered().filter_map(|(i, column)| Some((open(&column.of)?, i))).collect(),
            unmapped: columns.of(&Of::Unmapped).expect("every table has a map of all other leaves"),
        };
        Rows {
            schema: schema(columns),
            builders: columns.list.iter().map(|column| Builder::new(column.ty)).collect(),
            leaves,
            cells: vec![Cell::None; columns.list.len()],
            columns: Arc::clone(columns),
            n: 0,
            bytes: 0,
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.n
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.n == 0
    }

    /// How much memory they take, about.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Adds an event.
    pub fn push(&mut self, row: &Row<'_>) {
        self.n += 1;
        self.bytes += row.raw.len() * 2 + ROW_BYTES;
        self.cells.fill(Cell::None);
        for map in self.leaves.open.iter().map(|(_, map)| *map).chain([self.leaves.unmapped]) {
            self.cells[map] = Cell::Map(Vec::new());
        }
        let event = self.columns.mapping.project(row.record, OCSF);
        for (column, cell) in self.columns.list.iter().zip(&mut self.cells) {
            match &column.of {
                Of::Time => *cell = Cell::Time(row.time_ms.saturating_mul(1_000)),
                Of::Envelope(what) => *cell = envelope(row, *what),
                Of::Raw => *cell = Cell::Text(row.raw.to_owned()),
                // OCSF's word for a missing value is no value: these come from the record itself.
                Of::Ocsf { path, native: None } => *cell = ocsf(&event, path, column.ty),
                Of::Ocsf { .. } | Of::Native(_) | Of::Open(_) | Of::Unmapped => {}
            }
        }
        let mut walk =
            Walk { leaves: &self.leaves, columns: &self.columns, cells: &mut self.cells, path: String::new() };
        walk.value(row.record);
        for (builder, cell) in self.builders.iter_mut().zip(&mut self.cells) {
            builder.append(cell);
        }
    }

    /// The rows as a batch; none are left.
    pub fn take(&mut self) -> RecordBatch {
        (self.n, self.bytes) = (0, 0);
        let arrays: Vec<ArrayRef> = self.builders.iter_mut().map(Builder::finish).collect();
        RecordBatch::try_new(Arc::clone(&self.schema), arrays).expect("the builders are made from the schema")
    }
}

fn envelope(row: &Row<'_>, what: Envelope) -> Cell {
    let text = |text: &str| if text.is_empty() { Cell::None } else { Cell::Text(text.to_owned()) };
    match what {
        Envelope::Identity => Cell::Fixed(row.identity),
        Envelope::Uid => text(row.uid),
        Envelope::Account => text(row.account),
        Envelope::Region => text(row.region),
        Envelope::Object => text(&row.origin.object),
        Envelope::Ordinal => Cell::Long(row.ordinal as i64),
        Envelope::Offset => row.offset.map_or(Cell::None, |offset| Cell::Long(offset as i64)),
        Envelope::IngestedAt => Cell::Time(row.origin.ingested_at_ms.saturating_mul(1_000)),
        Envelope::LogGroup => text(&row.origin.log_group),
        Envelope::LogStream => text(&row.origin.log_stream),
        Envelope::Trust => text(row.origin.trust),
        Envelope::Flags => text(row.flags),
        Envelope::Format => text(row.format),
    }
}

/// The value of an OCSF path that no native value is kept under.
fn ocsf(event: &serde_json::Value, path: &str, ty: Type) -> Cell {
    let Some(value) = path.split('.').try_fold(event, |value, key| value.get(key)) else { return Cell::None };
    match (ty, value) {
        (Type::Long, value) => value.as_i64().map_or(Cell::None, Cell::Long),
        (Type::Boolean, value) => value.as_bool().map_or(Cell::None, Cell::Boolean),
        (Type::Timestamp, value) => {
            let ms = value.as_str().and_then(event::time::parse);
            ms.map_or(Cell::None, |ms| Cell::Time(ms.saturating_mul(1_000)))
        }
        (_, serde_json::Value::String(text)) => Cell::Text(text.clone()),
        (_, value) => Cell::Text(value.to_string()),
    }
}

/// The leaves of one record on their way into cells.
struct Walk<'a> {
    leaves: &'a Leaves,
    columns: &'a Columns,
    cells: &'a mut [Cell],
    path: String,
}

impl Walk<'_> {
    fn value(&mut self, value: &Value) {
        let before = self.path.len();
        match value {
            Value::Null => {}
            Value::Object(members) => {
                for (key, member) in members {
                    self.step(before, key);
                    self.value(member);
                    self.path.truncate(before);
                }
            }
            Value::Array(items) => {
                for (i, item) in items.iter().enumerate() {
                    self.step(before, &i.to_string());
                    self.value(item);
                    self.path.truncate(before);
                }
            }
            scalar => self.leaf(scalar.view().scalar_text().unwrap_or_default()),
        }
    }

    fn step(&mut self, before: usize, key: &str) {
        if before > 0 {
            self.path.push('.');
        }
        self.path.push_str(key);
    }

    fn leaf(&mut self, text: &str) {
        if let Some(at) = self.leaves.by_path.get(self.path.as_str())
            && let Cell::None = self.cells[*at]
            && let Some(cell) = typed(text, self.columns.list[*at].ty)
        {
            self.cells[*at] = cell;
            return;
        }
        let open = self
            .leaves
            .open
            .iter()
            .find_map(|(open, map)| Some((*map, self.path.strip_prefix(open)?.strip_prefix('.')?)));
        let (map, key) = open.unwrap_or((self.leaves.unmapped, &self.path));
        if let Cell::Map(entries) = &mut self.cells[map] {
            entries.push((key.to_owned(), text.to_owned()));
        }
    }
}

fn typed(text: &str, ty: Type) -> Option<Cell> {
    match ty {
        Type::Text => Some(Cell::Text(text.to_owned())),
        // Only what prints as it was written: a test on the number is then a test on the text.
        Type::Long => text.parse::<i64>().ok().filter(|n| n.to_string() == text).map(Cell::Long),
        Type::Boolean => text.parse::<bool>().ok().map(Cell::Boolean),
        _ => None,
    }
}

impl Builder {
    fn new(ty: Type) -> Builder {
        match ty {
            Type::Text => Builder::Text(StringBuilder::new()),
            Type::Long => Builder::Long(Int64Builder::new()),
            Type::Boolean => Builder::Boolean(BooleanBuilder::new()),
            Type::Timestamp => Builder::Timestamp(TimestampMicrosecondBuilder::new().with_timezone("UTC")),
            Type::Map => Builder::Map(
                MapBuilder::new(
                    Some(MapFieldNames { entry: "key_value".into(), key: "key".into(), value: "value".into() }),
                    StringBuilder::new(),
                    StringBuilder::new(),
                )
                .with_values_field(Field::new("value", DataType::Utf8, true)),
            ),
            Type::Fixed16 => Builder::Fixed16(FixedSizeBinaryBuilder::new(16)),
            Type::Double | Type::Binary => unreachable!("no column of an event holds these"),
        }
    }

    fn append(&mut self, cell: &mut Cell) {
        match (self, std::mem::replace(cell, Cell::None)) {
            (Builder::Text(out), Cell::Text(text)) => out.append_value(text),
            (Builder::Text(out), _) => out.append_null(),
            (Builder::Long(out), Cell::Long(n)) => out.append_value(n),
            (Builder::Long(out), _) => out.append_null(),
            (Builder::Boolean(out), Cell::Boolean(yes)) => out.append_value(yes),
            (Builder::Boolean(out), _) => out.append_null(),
            (Builder::Timestamp(out), Cell::Time(us)) => out.append_value(us),
            (Builder::Timestamp(out), _) => out.append_null(),
            (Builder::Fixed16(out), Cell::Fixed(bytes)) => out.append_value(bytes).expect("16 bytes are 16 bytes"),
            (Builder::Fixed16(out), _) => out.append_null(),
            (Builder::Map(out), Cell::Map(entries)) => append_map(out, &entries),
            (Builder::Map(out), _) => out.append(false).expect("as many keys as values"),
        }
    }

    fn finish(&mut self) -> ArrayRef {
        match self {
            Builder::Text(out) => Arc::new(out.finish()),
            Builder::Long(out) => Arc::new(out.finish()),
            Builder::Boolean(out) => Arc::new(out.finish()),
            Builder::Timestamp(out) => Arc::new(out.finish()),
            Builder::Map(out) => Arc::new(out.finish()),
            Builder::Fixed16(out) => Arc::new(out.finish()),
        }
    }
}

/// Engines refuse a map that has a key twice, and records have them: the first counts, the record has all.
fn append_map(out: &mut MapBuilder<StringBuilder, StringBuilder>, entries: &[(String, String)]) {
    let mut seen: HashSet<&str> = HashSet::new();
    for (key, value) in entries {
        let is_new = if entries.len() < 2 { true } else { seen.insert(key) };
        if is_new {
            out.keys().append_value(key);
            out.values().append_value(value);
        }
    }
    out.append(!entries.is_empty()).expect("as many keys as values");
}

/// The Arrow schema of the rows.
pub fn schema(columns: &Columns) -> SchemaRef {
    columns.table().arrow_schema()
}

/// What tells an event from all others: half of it its id, half of it what it says, so that a forged id hides nothing.
pub fn identity(id: &[&[u8]], content: &[&[u8]]) -> [u8; 16] {
    let mut out = [0; 16];
    for (half, parts) in out.chunks_exact_mut(8).zip([id, content]) {
        let mut hasher = Sha256::new();
        for part in parts {
            hasher.update((part.len() as u64).to_le_bytes());
            hasher.update(part);
        }
        half.copy_from_slice(&hasher.finalize()[..8]);
    }
    out
}
