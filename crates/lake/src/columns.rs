//! The columns of a source's table: its mapping, flat, with what no column takes in maps, and the record itself last.
//!
//! A column's name is its OCSF path with `_` for `.`, or, for a native value that no OCSF column holds as it is, its native path so written.
//! Where OCSF has a word stand in for a value that is missing, the column is null: a test on the column then means what it says.

use std::collections::{HashMap, HashSet};

pub use crate::def::ColumnType as Type;
use crate::def::{ColumnDef, TableDef};
use event::mapping::{At, Column as Target, Kind, Mapping, Rank, Resolution, ResolveError, Type as OcsfType};

/// One column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its name in the table.
    pub name: String,
    /// How its values are kept.
    pub ty: Type,
    /// What it holds.
    pub of: Of,
}

/// What a column holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Of {
    /// When it happened, as an instant.
    Time,
    /// What is known of every event.
    Envelope(Envelope),
    /// The value at an OCSF path; the native value as it is, where there is a native path.
    Ocsf {
        /// The OCSF path.
        path: String,
        /// The native path that it holds as it is.
        native: Option<&'static str>,
    },
    /// The value at a native path.
    Native(&'static str),
    /// The leaves of one of the source's open objects, by their dotted path in it.
    Open(&'static str),
    /// All other leaves.
    Unmapped,
    /// The record's text.
    Raw,
}

/// What is known of every event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Envelope {
    /// What tells this event from all others.
    Identity,
    /// The account it happened in.
    Account,
    /// The Region.
    Region,
    /// The object it came in.
    Object,
    /// Its number in the object, from 1.
    Ordinal,
    /// Where it begins in the inflated object.
    Offset,
    /// When it was taken in.
    IngestedAt,
    /// The log group, where it came through CloudWatch Logs.
    LogGroup,
    /// The log stream.
    LogStream,
    /// How far the way it came is trusted.
    Trust,
    /// What is odd about it, words parted by commas.
    Flags,
    /// The columns of the row, for logs whose rows do not name them.
    Format,
}

/// The columns of every event, before those of its source.
const ENVELOPE: &[(&str, Type, Envelope)] = &[
    ("event_identity", Type::Fixed16, Envelope::Identity),
    ("event_account", Type::Text, Envelope::Account),
    ("event_region", Type::Text, Envelope::Region),
    ("event_object", Type::Text, Envelope::Object),
    ("event_ordinal", Type::Long, Envelope::Ordinal),
    ("event_offset", Type::Long, Envelope::Offset),
    ("event_ingested_at", Type::Timestamp, Envelope::IngestedAt),
    ("event_log_group", Type::Text, Envelope::LogGroup),
    ("event_log_stream", Type::Text, Envelope::LogStream),
    ("event_trust", Type::Text, Envelope::Trust),
    ("event_flags", Type::Text, Envelope::Flags),
    ("event_format", Type::Text, Envelope::Format),
];

/// The column of the record's text.
pub const RAW: &str = "raw";
/// The column of when it happened.
pub const TIME: &str = "time_dt";
/// The map of the leaves without a column.
pub const UNMAPPED: &str = "unmapped";

/// The columns of one source, and where names lead among them.
#[derive(Debug)]
pub struct Columns {
    /// The mapping they come from.
    pub mapping: &'static Mapping,
    /// In the order of the table.
    pub list: Vec<Column>,
    by_name: HashMap<String, usize>,
    /// The native path that each exact OCSF column would hold as it is.
    exact: HashMap<String, &'static str>,
    /// The columns of native paths that no OCSF column holds.
    natives: HashMap<&'static str, usize>,
    /// Native paths that are known to hold an object or a list.
    objects: HashSet<&'static str>,
}

/// Where the values of a name lie in the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// In this column.
    Column(usize),
    /// Under a key of the map in this column.
    Key {
        /// The column.
        column: usize,
        /// The dotted key.
        key: String,
    },
    /// In the record's text only, at this native path: whole objects.
    Record(String),
}

/// What a name means in a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Meaning {
    /// As what it was known; nothing where nobody knows it and it may still be a key of a record.
    pub rank: Option<Rank>,
    /// Where its values lie.
    pub place: Place,
}

impl Columns {
    /// The columns of a mapping.
    pub fn new(mapping: &'static Mapping) -> Columns {
        let mut exact = exact_natives(mapping);
        // What OCSF puts into these columns where the record has nothing is a word or an id of another kind: here they hold the record's own.
        let own = SAME.iter().filter(|(_, native)| mapping.natives.iter().any(|have| have.path == *native));
        exact.extend(own.map(|(ocsf, native)| ((*ocsf).to_owned(), *native)));
        let mut columns = Columns {
            mapping,
            list: Vec::new(),
            by_name: HashMap::new(),
            exact: exact.clone(),
            natives: HashMap::new(),
            objects: objects(mapping),
        };
        columns.add(TIME, Type::Timestamp, Of::Time);
        for (name, ty, what) in ENVELOPE {
            columns.add(name, *ty, Of::Envelope(*what));
        }
        for target in mapping.columns() {
            // Whole objects are in the maps, leaf by leaf, and in the record as they were; observables repeat other columns.
            let is_elsewhere =
                target.ty == OcsfType::Json && exact.contains_key(&target.path) || target.path == OBSERVABLES;
            if !is_elsewhere {
                columns.add_target(target, exact.get(&target.path).copied());
            }
        }
        for native in mapping.natives {
            let has_column = exact.values().any(|path| *path == native.path) || columns.objects.contains(native.path);
            let is_key = mapping.open.iter().any(|open| is_below(native.path, open));
            if !has_column && !is_key {
                let name = flat(native.path);
                // Flow logs have an `action`, and OCSF has another.
                let name = if columns.by_name.contains_key(&name) { format!("native_{name}") } else { name };
                columns.natives.insert(native.path, columns.list.len());
                columns.add(&name, Type::Text, Of::Native(native.path));
            }
        }
        for (ocsf, native) in SAME {
            if let Some(column) = columns.column(&flat(ocsf)).filter(|_| exact.get(*ocsf) == Some(native)) {
                columns.natives.insert(native, column);
            }
        }
        for open in mapping.open {
            columns.add(&flat(open), Type::Map, Of::Open(open));
        }
        columns.add(UNMAPPED, Type::Map, Of::Unmapped);
        columns.add(RAW, Type::Text, Of::Raw);
        columns
    }

    fn add(&mut self, name: &str, ty: Type, of: Of) {
        if !self.by_name.contains_key(name) {
            self.by_name.insert(name.to_owned(), self.list.len());
            self.list.push(Column { name: name.to_owned(), ty, of });
        }
    }

    fn add_target(&mut self, target: &Target, native: Option<&'static str>) {
        let is_twin = target.path.strip_suffix("_dt").is_some_and(|path| self.by_name.contains_key(&flat(path)));
        let ty = match target.ty {
            _ if is_twin => Type::Timestamp,
            OcsfType::Integer | OcsfType::Port | OcsfType::Timestamp => Type::Long,
            OcsfType::Enum(_) | OcsfType::Class | OcsfType::Activity => Type::Long,
            OcsfType::Boolean => Type::Boolean,
            OcsfType::Text | OcsfType::Ip | OcsfType::Ips | OcsfType::Json | OcsfType::Objects => Type::Text,
        };
        self.add(&flat(&target.path), ty, Of::Ocsf { path: target.path.clone(), native });
    }

    /// The table that keeps them.
    pub fn table(&self) -> TableDef {
        TableDef::new(self.mapping.source, self.list.iter().map(Column::def).collect())
    }

    /// The place of a column by its name in the table.
    pub fn column(&self, name: &str) -> Option<usize> {
        self.by_name.get(name).copied()
    }

    /// The place of a column by what it holds.
    pub fn of(&self, of: &Of) -> Option<usize> {
        self.list.iter().position(|column| column.of == *of)
    }

    /// What a field's name means: the ranks of the mapping, then the name of a column, then a key that only records know.
    ///
    /// A record may have a key that is spelled like an OCSF path, a column or an alias, or a value that its column cannot hold: `unmapped.` before
    /// the path leads to these. A key that itself holds dots means the path that it spells.
    pub fn find(&self, name: &str) -> Result<Meaning, ResolveError> {
        if let Some(key) = name.strip_prefix(UNMAPPED).and_then(|rest| rest.strip_prefix('.')) {
            return Ok(Meaning { rank: Some(Rank::Ocsf), place: self.key(UNMAPPED, key) });
        }
        match self.mapping.resolve(name) {
            Ok(Resolution { at: At::Column(path), .. }) if path == OBSERVABLES => Ok(self.unlisted(name)),
            Ok(Resolution { rank, at }) => Ok(Meaning { rank: Some(rank), place: self.place(at) }),
            Err(ResolveError::Unknown { .. }) => Ok(self.unlisted(name)),
            Err(err) => Err(err),
        }
    }

    fn place(&self, at: At) -> Place {
        match at {
            At::Column(path) => match self.column(&flat(&path)) {
                Some(column) => Place::Column(column),
                None => Place::Record(self.native_of(&path).unwrap_or(path)),
            },
            At::Key { map: UNMAPPED, key } | At::Raw(key) => self.native(&key),
            At::Key { map, key } => self.key(map, &key),
        }
    }

    fn key(&self, map: &str, key: &str) -> Place {
        let column = self.column(&flat(map)).expect("every open object has a map");
        Place::Key { column, key: key.to_owned() }
    }

    /// Where a native path leads that no OCSF column holds.
    fn native(&self, path: &str) -> Place {
        match self.natives.get(path) {
            Some(column) => Place::Column(*column),
            None if self.objects.contains(path) => Place::Record(path.to_owned()),
            None => self.key(UNMAPPED, path),
        }
    }

    /// The native object that an OCSF column of JSON would hold.
    fn native_of(&self, ocsf: &str) -> Option<String> {
        self.exact.get(ocsf).map(|path| (*path).to_owned())
    }

    fn unlisted(&self, name: &str) -> Meaning {
        if let Some(column) = self.column(name) {
            return Meaning { rank: Some(Rank::Ocsf), place: Place::Column(column) };
        }
        if self.objects.contains(name) {
            return Meaning { rank: Some(Rank::Native), place: Place::Record(name.to_owned()) };
        }
        // An element of a list that the mapping knows: `resources.0.ARN`.
        let parents = name.match_indices('.').map(|(at, _)| &name[..at]);
        let is_listed = |parent: &str| self.objects.contains(parent) && self.list_of(parent);
        let rank = parents.into_iter().any(is_listed).then_some(Rank::Native);
        Meaning { rank, place: self.key(UNMAPPED, name) }
    }

    /// Whether the mapping reads a list of objects at this native path.
    fn list_of(&self, path: &str) -> bool {
        use event::mapping::Expr;
        self.mapping.entries.iter().any(|entry| matches!(entry.from, Expr::Each { of, .. } if of == path))
    }

    /// Names like this one, for a message: the nearest first.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let natives = self.mapping.natives.iter().map(|native| native.path);
        let targets = self.list.iter().filter_map(|column| match &column.of {
            Of::Ocsf { path, .. } => Some(path.as_str()),
            _ => None,
        });
        natives.chain(targets)
    }
}

/// Columns that people look for a single value in: a file without it is not read.
const BLOOM: &[&str] = &[
    "metadata_uid",
    "actor_user_uid",
    "actor_user_name",
    "actor_user_credential_uid",
    "sourceIPAddress",
    "src_endpoint_ip",
    "dst_endpoint_ip",
    "interface_id",
    "api_operation",
    "userIdentity_accessKeyId",
];

/// Columns in which nearly every row has its own value.
const UNIQUE: &[&str] = &[
    "metadata_uid",
    "api_request_uid",
    "time",
    "eventTime",
    "start_time",
    "start_time_dt",
    "end_time",
    "end_time_dt",
    "event_ordinal",
    "event_offset",
    RAW,
];

/// Derived OCSF columns that are, but for what stands in, a native value: to keep both would cost the most of all columns.
const SAME: &[(&str, &str)] = &[("metadata.uid", "eventID"), ("api.request.uid", "requestID")];
/// The OCSF attribute that repeats others.
const OBSERVABLES: &str = "observables";

impl Column {
    fn def(&self) -> ColumnDef {
        let mut def = ColumnDef::new(&self.name, self.ty).doc(self.doc());
        def.is_required = self.is_required();
        def.is_bloom = BLOOM.contains(&self.name.as_str());
        def.is_unique = def.is_unique || UNIQUE.contains(&self.name.as_str());
        def.has_stats = def.has_stats && !matches!(self.name.as_str(), RAW | "resources");
        def
    }

    /// Whether every row has a value.
    pub fn is_required(&self) -> bool {
        matches!(self.of, Of::Time | Of::Envelope(Envelope::Identity) | Of::Raw)
    }

    fn doc(&self) -> String {
        match &self.of {
            Of::Time => "when it happened".into(),
            Of::Envelope(what) => format!("{what:?} of the event"),
            Of::Ocsf { path, native: Some(native) } => format!("OCSF {path}; native {native} as it is"),
            Of::Ocsf { path, native: None } => format!("OCSF {path}"),
            Of::Native(path) => format!("native {path}"),
            Of::Open(path) => format!("leaves of native {path} by dotted path"),
            Of::Unmapped => "leaves without a column of their own, by dotted native path".into(),
            Of::Raw => "the record as it came".into(),
        }
    }
}

/// The native path that each exact OCSF column holds as it is.
fn exact_natives(mapping: &'static Mapping) -> HashMap<String, &'static str> {
    let mut exact = HashMap::new();
    let paths = mapping.natives.iter().map(|native| native.path).chain(mapping.open.iter().copied());
    for path in paths {
        if let Ok(Resolution { rank: Rank::Native, at: At::Column(column) }) = mapping.resolve(path) {
            let is_exact = |c: &Target| c.path == column && c.kind == Kind::Exact;
            if mapping.columns().iter().any(is_exact) {
                exact.entry(column).or_insert(path);
            }
        }
    }
    exact
}

/// The native paths that are known to hold an object or a list.
fn objects(mapping: &'static Mapping) -> HashSet<&'static str> {
    use event::mapping::Expr;
    let above = |path: &'static str| path.match_indices('.').map(move |(end, _)| &path[..end]);
    let lists =
        mapping.entries.iter().filter_map(|entry| if let Expr::Each { of, .. } = entry.from { Some(of) } else { None });
    mapping
        .natives
        .iter()
        .flat_map(|native| above(native.path))
        .chain(mapping.open.iter().copied())
        .chain(lists)
        .collect()
}

/// Whether a path lies in the object at another.
fn is_below(path: &str, object: &str) -> bool {
    path.strip_prefix(object).is_some_and(|rest| rest.starts_with('.'))
}

/// A path as the name of a column.
pub fn flat(path: &str) -> String {
    path.replace(['.', '-'], "_")
}
