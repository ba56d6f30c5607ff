//! What a field name means: one of three ranks, and where the value then lies.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::OnceLock;

use super::{Column, Entry, Expr, Kind, Mapping, When};

/// What a name means, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolution {
    /// As what the name was known.
    pub rank: Rank,
    /// Where its values lie.
    pub at: At,
}

/// As what a name is known, strongest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rank {
    /// The source's own spelling.
    Native,
    /// An OCSF path.
    Ocsf,
    /// A declared alias, or a native name in other letters.
    Alias,
}

/// Where the values of a name lie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum At {
    /// In the column of an OCSF path.
    Column(String),
    /// Under a key of a map: `unmapped`, or one of the source's open objects.
    Key {
        /// The map.
        map: &'static str,
        /// The dotted key in it.
        key: String,
    },
    /// In the raw record only, at this native path.
    Raw(String),
}

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            At::Column(path) => write!(f, "column `{path}`"),
            At::Key { map, key } => write!(f, "`{map}`, key `{key}`"),
            At::Raw(path) => write!(f, "raw record, `{path}`"),
        }
    }
}

/// Why a name means nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ResolveError {
    /// Nobody has heard of it.
    #[error("unknown field `{name}`")]
    Unknown {
        /// The name.
        name: String,
    },
    /// Two fields are called so.
    #[error("`{name}` may be {first} or {second}")]
    Ambiguous {
        /// The name.
        name: String,
        /// One meaning.
        first: At,
        /// The other.
        second: At,
    },
}

/// What the names of a mapping mean, worked out when somebody asks first.
#[derive(Debug, Default)]
pub struct Names(OnceLock<Index>);

impl Names {
    /// Not worked out yet.
    pub const fn new() -> Names {
        Names(OnceLock::new())
    }
}

#[derive(Debug)]
pub(super) struct Index {
    pub(super) columns: Vec<Column>,
    paths: HashSet<String>,
    /// Where native paths lead.
    natives: HashMap<&'static str, At>,
    /// Where the names lead that are plain so; each place once.
    aliased: HashMap<String, Vec<At>>,
}

impl Mapping {
    /// What a name means: an exact native path, else an exact OCSF path, else an alias in any letter case with `-` and `_` alike.
    ///
    /// A native name leads to an exact column, else to a map's key, else to the raw record: never to a derived column.
    pub fn resolve(&self, name: &str) -> Result<Resolution, ResolveError> {
        if let Some(at) = self.native(name) {
            return Ok(Resolution { rank: Rank::Native, at });
        }
        let index = self.index();
        if index.paths.contains(name) {
            return Ok(Resolution { rank: Rank::Ocsf, at: At::Column(name.to_owned()) });
        }
        match index.aliased.get(&plain(name)).map(Vec::as_slice) {
            None | Some([]) => Err(ResolveError::Unknown { name: name.to_owned() }),
            Some([at]) => Ok(Resolution { rank: Rank::Alias, at: at.clone() }),
            Some([first, second, ..]) => {
                Err(ResolveError::Ambiguous { name: name.to_owned(), first: first.clone(), second: second.clone() })
            }
        }
    }

    /// Where a native path leads, if it is one.
    fn native(&self, name: &str) -> Option<At> {
        match self.open_key(name) {
            Some((map, key)) => Some(At::Key { map, key: key.to_owned() }),
            None => self.index().natives.get(name).cloned(),
        }
    }

    fn open_key<'n>(&self, name: &'n str) -> Option<(&'static str, &'n str)> {
        self.open.iter().find_map(|open| Some((*open, name.strip_prefix(open)?.strip_prefix('.')?)))
    }

    pub(super) fn index(&self) -> &Index {
        self.names.0.get_or_init(|| self.list())
    }

    fn list(&self) -> Index {
        let columns = self.list_columns();
        let natives = self.list_natives(&columns);
        let at = |path: &str| match self.open_key(path) {
            Some((map, key)) => Some(At::Key { map, key: key.to_owned() }),
            None => natives.get(path).cloned(),
        };
        let mut aliased: HashMap<String, Vec<At>> = HashMap::new();
        let mut add = |name: &str, at: At| {
            let found = aliased.entry(plain(name)).or_default();
            if !found.contains(&at) {
                found.push(at);
            }
        };
        for native in self.natives {
            let names = std::iter::once(&native.path).chain(native.alias);
            names.for_each(|name| at(native.path).into_iter().for_each(|at| add(name, at)));
        }
        for entry in self.entries {
            entry.alias.iter().for_each(|alias| add(alias, At::Column(entry.to.to_owned())));
        }
        Index { paths: columns.iter().map(|column| column.path.clone()).collect(), columns, natives, aliased }
    }

    /// Where the native paths lead that are not under an open object.
    fn list_natives(&self, columns: &[Column]) -> HashMap<&'static str, At> {
        let mut natives = HashMap::new();
        let reads = self.entries.iter().flat_map(|entry| entry.from.reads());
        for path in reads {
            let at = exact_column(self.entries, columns, path).map_or_else(|| At::Raw(path.to_owned()), At::Column);
            natives.insert(path, at);
        }
        for native in self.natives {
            natives.entry(native.path).or_insert_with(|| At::Key { map: "unmapped", key: native.path.to_owned() });
        }
        natives
    }
}

/// The column that always holds just the value at this native path.
fn exact_column(entries: &[Entry], columns: &[Column], path: &str) -> Option<String> {
    let exact = |at: &str| columns.iter().any(|column| column.path == at && column.kind == Kind::Exact);
    let of_path = |from: &Expr| match from {
        Expr::Path(read) => *read == path,
        // A constant stands in where the record has nothing.
        Expr::FirstOf([Expr::Path(read), Expr::Const(_)]) => *read == path,
        _ => false,
    };
    let candidates = entries.iter().filter(|entry| matches!(entry.when, When::Always) && of_path(&entry.from));
    let mut columns = candidates.flat_map(Entry::columns);
    columns.find(|column| column.kind == Kind::Exact && exact(&column.path)).map(|column| column.path)
}

/// The name without what aliases do not tell apart.
fn plain(name: &str) -> String {
    name.chars().filter(|c| !matches!(c, '-' | '_')).map(|c| c.to_ascii_lowercase()).collect()
}
