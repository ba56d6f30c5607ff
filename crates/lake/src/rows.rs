//! Events as rows: what each column of a source's table holds of a record.
//!
//! Leaves that an exact or native column holds go there as they are; all others go into maps, under their dotted path, positions in lists included.
//! A value of the wrong type goes into the map of all other leaves, so nothing is lost and no column lies. OCSF columns that hold
//! no native value as it is are filled by the mapping's program. One pass over the record's text does all this, and nothing is built on the way.
//!
//! - A key that itself holds dots means the path that it spells: `{"a.b": 1}` is found as `a.b`, as `{"a": {"b": 1}}` is.
//! - Of equal paths the first counts: a second value for a column goes into the map of all other leaves, a second key of a map is dropped.
//! - The paths of a record's leaves may together take a few times the record's own length; what is beyond is left out of the maps, and flagged.
//!
//! What is kept of a record is defined by `tests/rows/reference.rs`, over its tree and its OCSF projection.

mod column;
mod native;

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::SchemaRef;
use event::mapping::{Cell, Cells, Program, Scratch};
use event::ocsf::OcsfVersion;
use event::value::Value;
use sha2::{Digest, Sha256};

use crate::columns::{Columns, Envelope, Of};
use column::Column;
use native::{Fill, Found, Kind, Paths, Seen, Tree};

/// The version of OCSF that the lake's columns are named after.
pub const OCSF: OcsfVersion = OcsfVersion::V1_3_0;
/// What a row costs beside its text, about.
const ROW_BYTES: usize = 600;
/// What the paths of a record's leaves may take together, beside [`PATHS_TIMES`] its length.
pub const PATHS_BYTES: usize = 1 << 20;
/// How many times the length of a record the paths of its leaves may take.
pub const PATHS_TIMES: usize = 4;
/// The flag of a record with leaves that are in no map.
pub const CUT: &str = "leaves-left-out";

/// One event on its way into a table.
#[derive(Clone, Copy, Debug)]
pub struct Row<'a> {
    /// What tells it from all others.
    pub identity: [u8; 16],
    /// When it happened, in milliseconds.
    pub time_ms: i64,
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
    /// The record's text: JSON, unless it has `values`.
    pub raw: &'a str,
    /// The values of a row that does not name them; `format` tells rows with other columns apart.
    pub values: Option<&'a dyn Values>,
}

/// The values of a row whose columns are named elsewhere: in a header, or in the log's format.
pub trait Values: std::fmt::Debug {
    /// The native name of a column, by its number from 0. It is asked for only when [`Row::format`] is not that of the row before.
    fn name(&self, column: usize) -> &str;

    /// Calls with the number of each column that has a value, and where in the row's text the value begins and ends.
    fn each(&self, put: &mut dyn FnMut(usize, usize, usize));
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
    schema: SchemaRef,
    columns: Vec<Column>,
    paths: Paths,
    program: Program,
    /// The program's native paths among the paths.
    nodes: Vec<u32>,
    time: usize,
    raw: usize,
    envelope: Vec<(usize, Envelope)>,
    seen: Seen,
    scratch: Scratch,
    path: String,
    /// The format of the last row of words, and the known paths of its columns.
    format: String,
    known: Vec<Option<u32>>,
    n: usize,
    bytes: usize,
}

impl Rows {
    /// No rows yet.
    pub fn new(columns: &Arc<Columns>) -> Rows {
        let numbered = || columns.list.iter().enumerate();
        let natives: Vec<_> = numbered()
            .filter_map(|(i, column)| match column.of {
                Of::Ocsf { native: Some(path), .. } | Of::Native(path) => Some((path, i)),
                _ => None,
            })
            .collect();
        let open: Vec<_> = numbered()
            .filter_map(|(i, column)| if let Of::Open(path) = column.of { Some((path, i)) } else { None })
            .collect();
        let at = |of: Of| columns.of(&of).expect("every table has a time, the record and a map of all other leaves");
        let program = Program::new(columns.mapping, OCSF, |path| {
            let is_it = |of: &Of| matches!(of, Of::Ocsf { path: have, native: None } if have == path);
            columns.list.iter().position(|column| is_it(&column.of))
        });
        let paths = Paths::new(&natives, &open, program.natives(), at(Of::Unmapped));
        let node = |path: &&str| paths.find(path).expect("every path of the program is among the paths");
        let mut cells: Vec<Column> = columns.list.iter().map(|column| Column::new(column.ty)).collect();
        for (place, cell) in program.constants() {
            cells[*place] = Column::same(columns.list[*place].ty, cell);
        }
        Rows {
            schema: schema(columns),
            columns: cells,
            nodes: program.natives().iter().map(node).collect(),
            seen: paths.seen(),
            paths,
            program,
            time: at(Of::Time),
            raw: at(Of::Raw),
            envelope: numbered()
                .filter_map(|(i, column)| if let Of::Envelope(what) = column.of { Some((i, what)) } else { None })
                .collect(),
            scratch: Scratch::default(),
            path: String::new(),
            format: String::new(),
            known: Vec::new(),
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
        let is_cut = self.take_leaves(row);
        self.derive(row);
        self.columns[self.time].put(self.n, &Cell::Time(row.time_ms));
        self.columns[self.raw].put_text(self.n, row.raw);
        self.surround(row, is_cut);
        self.n += 1;
    }

    /// Takes the record's leaves to their columns; gives whether some were left out.
    fn take_leaves(&mut self, row: &Row<'_>) -> bool {
        let path_bytes = PATHS_BYTES.saturating_add(row.raw.len().saturating_mul(PATHS_TIMES));
        let mut fill = Fill {
            paths: &self.paths,
            seen: &mut self.seen,
            columns: &mut self.columns,
            row: self.n,
            raw: row.raw,
            path: &mut self.path,
            path_bytes,
            is_cut: false,
            kind: Kind::default(),
        };
        match row.values {
            Some(values) => {
                if row.format != self.format || row.format.is_empty() {
                    row.format.clone_into(&mut self.format);
                    self.known.clear();
                }
                fill.words(values, &mut self.known);
            }
            // A record that is not JSON is set aside before it comes here.
            None => drop(fill.json()),
        }
        self.bytes += row.raw.len() * 2 + ROW_BYTES + (path_bytes - fill.path_bytes);
        fill.is_cut
    }

    /// Fills the columns that the mapping derives.
    fn derive(&mut self, row: &Row<'_>) {
        let program = &self.program;
        let mut out = Out { columns: &mut self.columns, row: self.n };
        if self.seen.is_twice {
            program.run(&Tree { record: tree(row), program }, &mut self.scratch, &mut out);
            return;
        }
        let found = Found { raw: row.raw, seen: &self.seen, nodes: &self.nodes, program };
        program.run(&found, &mut self.scratch, &mut out);
    }

    /// Puts what is known of every event.
    fn surround(&mut self, row: &Row<'_>, is_cut: bool) {
        for (at, what) in &self.envelope {
            let column = &mut self.columns[*at];
            let text = match what {
                Envelope::Account => row.account,
                Envelope::Region => row.region,
                Envelope::Object => &row.origin.object,
                Envelope::LogGroup => &row.origin.log_group,
                Envelope::LogStream => &row.origin.log_stream,
                Envelope::Trust => row.origin.trust,
                Envelope::Format => row.format,
                Envelope::Flags if is_cut && row.flags.is_empty() => CUT,
                Envelope::Flags if is_cut => &format!("{},{CUT}", row.flags),
                Envelope::Flags => row.flags,
                Envelope::Identity => {
                    column.put_fixed(self.n, &row.identity);
                    continue;
                }
                Envelope::Ordinal => {
                    column.put(self.n, &Cell::Integer(row.ordinal as i64));
                    continue;
                }
                Envelope::Offset => {
                    row.offset.iter().for_each(|offset| column.put(self.n, &Cell::Integer(*offset as i64)));
                    continue;
                }
                Envelope::IngestedAt => {
                    column.put(self.n, &Cell::Time(row.origin.ingested_at_ms));
                    continue;
                }
            };
            if !text.is_empty() {
                column.put_text(self.n, text);
            }
        }
    }

    /// The rows as a batch; none are left.
    pub fn take(&mut self) -> RecordBatch {
        let arrays: Vec<ArrayRef> = self.columns.iter_mut().map(|column| column.finish(self.n)).collect();
        (self.n, self.bytes) = (0, 0);
        RecordBatch::try_new(Arc::clone(&self.schema), arrays).expect("the columns are made from the schema")
    }
}

/// Takes derived values to the columns of a row.
struct Out<'o> {
    columns: &'o mut [Column],
    row: usize,
}

impl Cells for Out<'_> {
    #[inline]
    fn put(&mut self, place: usize, cell: Cell<'_>) {
        self.columns[place].put(self.row, &cell);
    }
}

/// The record as a tree.
fn tree(row: &Row<'_>) -> Value {
    let Some(values) = row.values else { return Value::parse(row.raw).unwrap_or(Value::Null) };
    let mut members = Vec::new();
    values.each(&mut |column, start, end| {
        let text = row.raw.get(start..end).unwrap_or_default();
        members.push((values.name(column).to_owned(), Value::String(text.to_owned())));
    });
    Value::Object(members)
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
