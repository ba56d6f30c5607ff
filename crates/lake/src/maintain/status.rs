//! How a table is, in numbers.

use std::collections::BTreeMap;

use crate::error::ReadError;
use crate::table::Table;

/// How a table is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// Which table.
    pub table: String,
    /// Its current metadata file, for engines that are pointed at one.
    pub metadata: String,
    /// Its current snapshot.
    pub snapshot: Option<i64>,
    /// Snapshots that have not expired.
    pub snapshots: u64,
    /// Manifests of the current one.
    pub manifests: u64,
    /// Its data files.
    pub files: u64,
    /// Its rows, as its manifests list them.
    pub rows: u64,
    /// Its bytes.
    pub bytes: u64,
    /// Its first day, since 1970.
    pub first_day: Option<i32>,
    /// Its last day.
    pub last_day: Option<i32>,
    /// How many feeds have a position.
    pub feeds: u64,
    /// The counters.
    pub counters: BTreeMap<String, u64>,
}

impl Status {
    /// Whether what was read is all accounted for: in + foreign = rows + duplicates + rejected + quarantined + removed.
    pub fn is_balanced(&self) -> bool {
        let count = |name: &str| self.counters.get(name).copied().unwrap_or(0);
        count("in") + count("foreign")
            == self.rows + count("duplicates") + count("rejected") + count("quarantined") + count("removed")
    }
}

impl Table {
    /// How the table is now.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn status(&self) -> Result<Status, ReadError> {
        let snapshot = self.current()?;
        let entries = snapshot.entries(i64::MIN, i64::MAX)?;
        Ok(Status {
            table: self.name.clone(),
            metadata: snapshot.base.location.clone(),
            snapshot: snapshot.id(),
            snapshots: snapshot.base.metadata.snapshots().len() as u64,
            manifests: snapshot.manifest_count()? as u64,
            files: entries.len() as u64,
            rows: entries.iter().map(|e| e.file.record_count()).sum(),
            bytes: entries.iter().map(|e| e.file.file_size_in_bytes()).sum(),
            first_day: entries.iter().filter_map(|e| e.day()).min(),
            last_day: entries.iter().filter_map(|e| e.day()).max(),
            feeds: snapshot.positions()?.len() as u64,
            counters: snapshot.counters(),
        })
    }
}
