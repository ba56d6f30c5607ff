//! What a row holds, by definition: worked out of the record's tree and its OCSF projection, column by column.

use std::collections::HashSet;

use event::value::Value;
use lake::columns::{Columns, Envelope, Of, Type};
use lake::rows::{CUT, OCSF, PATHS_BYTES, PATHS_TIMES, Row};

/// What a column holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cell {
    None,
    Text(String),
    Long(i64),
    Boolean(bool),
    /// Microseconds.
    Time(i64),
    Map(Vec<(String, String)>),
    Fixed([u8; 16]),
}

/// The columns of a record, in their order.
pub fn cells(columns: &Columns, row: &Row<'_>, record: &Value) -> Vec<Cell> {
    let event = columns.mapping.project(record, OCSF);
    let first = columns.list.iter().map(|column| match &column.of {
        Of::Time => Cell::Time(row.time_ms.saturating_mul(1_000)),
        Of::Raw => Cell::Text(row.raw.to_owned()),
        // OCSF's word for a missing value is no value: what holds a native value comes from the record itself.
        Of::Ocsf { path, native: None } => ocsf(&event, path, column.ty),
        Of::Open(_) | Of::Unmapped => Cell::Map(Vec::new()),
        Of::Envelope(_) | Of::Ocsf { .. } | Of::Native(_) => Cell::None,
    });
    let left = PATHS_BYTES + row.raw.len() * PATHS_TIMES;
    let mut walk = Walk { columns, cells: first.collect(), left, is_cut: false };
    walk.value("", true, record);
    let Walk { mut cells, is_cut, .. } = walk;
    for (cell, column) in cells.iter_mut().zip(&columns.list) {
        match (&mut *cell, &column.of) {
            (Cell::Map(entries), _) => {
                let mut seen = HashSet::new();
                entries.retain(|(key, _)| seen.insert(key.clone()));
                if entries.is_empty() {
                    *cell = Cell::None;
                }
            }
            (_, Of::Envelope(what)) => *cell = envelope(row, *what, is_cut),
            _ => {}
        }
    }
    cells
}

fn envelope(row: &Row<'_>, what: Envelope, is_cut: bool) -> Cell {
    let text = |text: &str| if text.is_empty() { Cell::None } else { Cell::Text(text.to_owned()) };
    match what {
        Envelope::Identity => Cell::Fixed(row.identity),
        Envelope::Account => text(row.account),
        Envelope::Region => text(row.region),
        Envelope::Object => text(&row.origin.object),
        Envelope::Ordinal => Cell::Long(row.ordinal as i64),
        Envelope::Offset => row.offset.map_or(Cell::None, |offset| Cell::Long(offset as i64)),
        Envelope::IngestedAt => Cell::Time(row.origin.ingested_at_ms.saturating_mul(1_000)),
        Envelope::LogGroup => text(&row.origin.log_group),
        Envelope::LogStream => text(&row.origin.log_stream),
        Envelope::Trust => text(row.origin.trust),
        Envelope::Flags => {
            let flags = [row.flags, if is_cut { CUT } else { "" }];
            text(&flags.into_iter().filter(|flag| !flag.is_empty()).collect::<Vec<_>>().join(","))
        }
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

/// The leaves of a value by their dotted path, positions in lists included; no nulls.
pub fn leaves(path: &str, is_top: bool, value: &Value, leaf: &mut dyn FnMut(&str, &str)) {
    let inside = |name: &str| if is_top { name.to_owned() } else { format!("{path}.{name}") };
    match value {
        Value::Null => {}
        Value::Object(members) => members.iter().for_each(|(key, value)| leaves(&inside(key), false, value, leaf)),
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(i, value)| leaves(&inside(&i.to_string()), false, value, leaf));
        }
        scalar => leaf(path, scalar.view().scalar_text().unwrap_or_default()),
    }
}

/// The leaves of one record on their way into cells.
struct Walk<'a> {
    columns: &'a Columns,
    cells: Vec<Cell>,
    left: usize,
    is_cut: bool,
}

impl Walk<'_> {
    fn value(&mut self, path: &str, is_top: bool, value: &Value) {
        leaves(path, is_top, value, &mut |path, text| self.leaf(path, text));
    }

    fn leaf(&mut self, path: &str, text: &str) {
        let is_native = |of: &Of| match of {
            Of::Ocsf { native: Some(native), .. } | Of::Native(native) => *native == path,
            _ => false,
        };
        if let Some(at) = self.columns.list.iter().position(|column| is_native(&column.of))
            && self.cells[at] == Cell::None
            && let Some(cell) = typed(text, self.columns.list[at].ty)
        {
            self.cells[at] = cell;
            return;
        }
        let open = self.columns.list.iter().enumerate().find_map(|(at, column)| match column.of {
            Of::Open(open) => Some((at, path.strip_prefix(open)?.strip_prefix('.')?)),
            _ => None,
        });
        let unmapped = || (self.columns.of(&Of::Unmapped).expect("a map of all other leaves"), path);
        let (map, key) = open.unwrap_or_else(unmapped);
        if key.len() > self.left {
            self.left = 0;
            self.is_cut = true;
            return;
        }
        self.left -= key.len();
        let Cell::Map(entries) = &mut self.cells[map] else { unreachable!("maps are maps") };
        entries.push((key.to_owned(), text.to_owned()));
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
