//! A catalog made again from the metadata files, for when `catalog.db` is lost.

use std::collections::HashMap;

use iceberg::spec::TableMetadata;

use crate::catalog::{hint_path, metadata_folder, version};
use crate::commit;
use crate::error::{LakeError, MaintainError, ReadError};
use crate::lake::{Lake, Mode, Options, Shared};

const WHAT: &str = "rebuild the catalog";

/// One table of a rebuilt catalog.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rebuilt {
    /// Which table.
    pub table: String,
    /// Its newest metadata file, which is now current.
    pub metadata: String,
    /// How many rows it says the table has.
    pub rows: u64,
}

impl Lake {
    /// Opens a lake with a catalog made from its metadata files. A catalog that is there is kept beside, as `catalog.db.old`.
    ///
    /// # Errors
    /// When the lake cannot be opened for writing, a table's metadata cannot be read, or the catalog cannot be written.
    pub fn rebuild(uri: &str, options: Options) -> Result<(Self, Vec<Rebuilt>), MaintainError> {
        let failed = |err: LakeError| MaintainError::Lake { what: WHAT, err: Box::new(err) };
        let lake = Self::open_moving_catalog(uri, Mode::Create, options).map_err(failed)?;
        let mut all = Vec::new();
        for table in lake.shared.store.folders().map_err(|err| MaintainError::Store { what: WHAT, err })? {
            let Some((location, metadata)) =
                newest(&lake.shared, &table).map_err(|err| MaintainError::Read { what: WHAT, err })?
            else {
                continue;
            };
            lake.shared.catalog.restore(&table, &location).map_err(|err| MaintainError::Catalog { what: WHAT, err })?;
            let said = metadata
                .current_snapshot()
                .and_then(|s| s.summary().additional_properties.get("total-records")?.parse().ok());
            all.push(Rebuilt { table, metadata: location, rows: said.unwrap_or(0) });
        }
        Ok((lake, all))
    }
}

/// The newest metadata of a table by what is in its folder; nothing if there is none.
///
/// The file with the highest number is newest. Two have the same number if a process died before its swap and another went on;
/// then the one to which the hint leads is, or else the one that was written later. A file that never became current is complete all the same:
/// what it refers to was written before, and its rows, if they are given again, are found to be there.
pub(crate) fn newest(shared: &Shared, table: &str) -> Result<Option<(String, TableMetadata)>, ReadError> {
    let store = |err| ReadError::Store { table: table.to_owned(), err };
    let mut found: Vec<(u64, String)> = shared
        .store
        .list(&metadata_folder(table))
        .map_err(store)?
        .into_iter()
        .filter_map(|(l, _)| Some((version(&l)?, l)))
        .collect();
    found.sort();
    let hint = match shared.store.get(&shared.store.location(&hint_path(table))) {
        Ok(bytes) => Some(format!("/{}.metadata.json", String::from_utf8_lossy(&bytes).trim())),
        Err(err) if err.is_missing() => None,
        Err(err) => return Err(store(err)),
    };
    let is_hinted = |location: &str| hint.as_ref().is_some_and(|name| location.ends_with(name.as_str()));
    let mut failed = None;
    let mut readable: HashMap<u64, Vec<(bool, i64, String, TableMetadata)>> = HashMap::new();
    for (number, location) in found.into_iter().rev() {
        if readable.keys().any(|have| *have > number) {
            break;
        }
        match commit::read(&shared.store, table, &location) {
            Ok(metadata) => {
                let is_known =
                    is_hinted(&location) || metadata.metadata_log().iter().any(|log| is_hinted(&log.metadata_file));
                readable.entry(number).or_default().push((is_known, metadata.last_updated_ms(), location, metadata));
            }
            Err(err) => failed = Some(err),
        }
    }
    let best = readable.into_values().flatten().max_by(|a, b| (a.0, a.1, &a.2).cmp(&(b.0, b.1, &b.2)));
    match (best, failed) {
        (Some((_, _, location, metadata)), _) => Ok(Some((location, metadata))),
        (None, Some(err)) => Err(err),
        (None, None) => Ok(None),
    }
}
