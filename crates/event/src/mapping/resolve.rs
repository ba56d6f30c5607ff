//! What a field name means: one of three ranks, and where the value then lies.

use std::fmt;

use super::{Expr, Kind, Mapping, When};

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

impl Mapping {
    /// What a name means: an exact native path, else an exact OCSF path, else an alias in any letter case with `-` and `_` alike.
    ///
    /// A native name leads to an exact column, else to a map's key, else to the raw record: never to a derived column.
    pub fn resolve(&self, name: &str) -> Result<Resolution, ResolveError> {
        if let Some(at) = self.native(name) {
            return Ok(Resolution { rank: Rank::Native, at });
        }
        if self.columns().iter().any(|column| column.path == name) {
            return Ok(Resolution { rank: Rank::Ocsf, at: At::Column(name.to_owned()) });
        }
        match self.aliased(name).as_slice() {
            [] => Err(ResolveError::Unknown { name: name.to_owned() }),
            [at] => Ok(Resolution { rank: Rank::Alias, at: at.clone() }),
            [first, second, ..] => {
                Err(ResolveError::Ambiguous { name: name.to_owned(), first: first.clone(), second: second.clone() })
            }
        }
    }

    /// Where a native path leads, if it is one.
    fn native(&self, name: &str) -> Option<At> {
        if let Some((map, key)) = self.open_key(name) {
            return Some(At::Key { map, key: key.to_owned() });
        }
        let read = self.entries.iter().any(|entry| entry.from.reads().contains(&name));
        let listed = self.natives.iter().any(|native| native.path == name);
        if let Some(column) = self.exact_column(name) {
            return Some(At::Column(column));
        }
        if read {
            return Some(At::Raw(name.to_owned()));
        }
        listed.then(|| At::Key { map: "unmapped", key: name.to_owned() })
    }

    fn open_key<'n>(&self, name: &'n str) -> Option<(&'static str, &'n str)> {
        self.open.iter().find_map(|open| Some((*open, name.strip_prefix(open)?.strip_prefix('.')?)))
    }

    /// The column that always holds just the value at this native path.
    fn exact_column(&self, path: &str) -> Option<String> {
        let columns = self.columns();
        let exact = |at: &str| columns.iter().any(|column| column.path == at && column.kind == Kind::Exact);
        let of_path = |from: &Expr| match from {
            Expr::Path(read) => *read == path,
            // A constant stands in where the record has nothing.
            Expr::FirstOf([Expr::Path(read), Expr::Const(_)]) => *read == path,
            _ => false,
        };
        let candidates = self.entries.iter().filter(|entry| matches!(entry.when, When::Always) && of_path(&entry.from));
        let mut columns = candidates.flat_map(super::Entry::columns);
        columns.find(|column| column.kind == Kind::Exact && exact(&column.path)).map(|column| column.path)
    }

    /// Where the names lead that are this one but for letter case, `-` and `_`; each place once.
    fn aliased(&self, name: &str) -> Vec<At> {
        let wanted = plain(name);
        let mut found: Vec<At> = Vec::new();
        let natives = self
            .natives
            .iter()
            .filter(|native| plain(native.path) == wanted || native.alias.iter().any(|alias| plain(alias) == wanted));
        let targets = self.entries.iter().filter(|entry| entry.alias.iter().any(|alias| plain(alias) == wanted));
        let natives = natives.filter_map(|native| self.native(native.path));
        for at in natives.chain(targets.map(|entry| At::Column(entry.to.to_owned()))) {
            if !found.contains(&at) {
                found.push(at);
            }
        }
        found
    }
}

/// The name without what aliases do not tell apart.
fn plain(name: &str) -> String {
    name.chars().filter(|c| !matches!(c, '-' | '_')).map(|c| c.to_ascii_lowercase()).collect()
}
