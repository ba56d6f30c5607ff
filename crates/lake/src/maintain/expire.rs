//! What is too old: days by retention, snapshots by expiry.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use iceberg::spec::{ManifestFile, Operation, SnapshotRef, TableMetadata};

use super::hold::{self, Hold};
use super::{DAY_MS, FileChange, unbuildable};
use crate::catalog::{metadata_folder, version};
use crate::commit;
use crate::error::{MaintainError, ReadError};
use crate::snapshot::{self, Base, Entry};
use crate::table::Table;

const EXPIRE: &str = "expire snapshots";
const RETAIN: &str = "remove old days";

/// Which snapshots may go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpireOptions {
    /// The newest so many stay, whatever their age.
    pub keep: usize,
    /// Those that are younger stay, in milliseconds. It should be longer than the longest query.
    pub age_ms: i64,
}

impl Default for ExpireOptions {
    fn default() -> Self {
        Self { keep: 10, age_ms: 3 * DAY_MS }
    }
}

/// What expiry did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expired {
    /// Snapshots that are gone.
    pub snapshots: u64,
    /// Snapshots that would have gone if rows in them were not on hold.
    pub held: u64,
    /// Data files that are deleted.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Files of metadata that are deleted.
    pub metadata_files: u64,
}

/// What retention did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Retained {
    /// Days that are gone from the table, since 1970. Their files stay until the snapshots that have them expire.
    pub days: BTreeSet<i32>,
    /// Their rows.
    pub rows: u64,
    /// Days that would have gone if they were not on hold.
    pub held: BTreeSet<i32>,
}

impl Table {
    /// Removes all days that ended more than `n_days` days before today, but for those on hold.
    ///
    /// # Errors
    /// When the table cannot be read or the commit fails.
    pub fn retain(&self, n_days: u32) -> Result<Retained, MaintainError> {
        self.writable(RETAIN)?;
        let first_ms = (self.shared.env.now_ms().div_euclid(DAY_MS) - i64::from(n_days)) * DAY_MS;
        let done = self.commit_files(RETAIN, &Operation::Delete, |now| {
            let holds = hold::of(&now.base)?;
            let mut done = Retained::default();
            let mut files = FileChange::default();
            for entry in now.entries(i64::MIN, i64::MAX).map_err(|err| MaintainError::Read { what: RETAIN, err })? {
                // A foreign file without a day may hold rows of several.
                let Some(day) = entry.day().filter(|day| i64::from(*day) * DAY_MS < first_ms) else { continue };
                if hold::covers(&holds, &entry) {
                    done.held.insert(day);
                    continue;
                }
                done.days.insert(day);
                done.rows += entry.file.record_count();
                files.removed.insert(entry.file.file_path().to_owned());
            }
            files.counted.insert("removed".to_owned(), done.rows);
            Ok(Some((files, done)).filter(|(files, _)| !files.removed.is_empty()))
        })?;
        match done {
            Some(done) => Ok(done),
            None => Ok(Retained { held: self.held_before(first_ms)?, ..Retained::default() }),
        }
    }

    fn held_before(&self, first_ms: i64) -> Result<BTreeSet<i32>, MaintainError> {
        let now = self.current().map_err(|err| MaintainError::Read { what: RETAIN, err })?;
        let old = now.entries(i64::MIN, i64::MAX).map_err(|err| MaintainError::Read { what: RETAIN, err })?;
        Ok(old.iter().filter_map(|entry| entry.day()).filter(|day| i64::from(*day) * DAY_MS < first_ms).collect())
    }

    /// Forgets old snapshots and deletes the files that only they had.
    ///
    /// # Errors
    /// When the table cannot be read or changed, or a file cannot be deleted; what is left then is an orphan.
    pub fn expire(&self, options: &ExpireOptions) -> Result<Expired, MaintainError> {
        self.writable(EXPIRE)?;
        let read = |err| MaintainError::Read { what: EXPIRE, err };
        let done = self.commit_metadata(EXPIRE, |base| {
            let plan = Plan::of(self, base, options)?;
            if plan.gone.is_empty() {
                return Ok(None);
            }
            let ids: Vec<i64> = plan.gone.iter().map(|s| s.snapshot_id()).collect();
            let built = base.metadata.clone().into_builder(Some(base.location.clone())).remove_snapshots(&ids).build();
            let changed = built.map_err(|err| unbuildable(EXPIRE, &self.name, err))?.metadata;
            // What is needed is read before anything changes, so that a damaged manifest stops it here.
            let unneeded = References::of(self, plan.gone.iter())
                .map_err(read)?
                .without(&References::of(self, plan.kept.iter()).map_err(read)?);
            let done = Expired {
                snapshots: ids.len() as u64,
                held: plan.held,
                files: unneeded.data.len() as u64,
                bytes: unneeded.data.values().sum(),
                metadata_files: unneeded.metadata.len() as u64,
            };
            Ok(Some((changed, (done, unneeded))))
        })?;
        let held = |table: &Self| -> Result<u64, MaintainError> {
            Ok(Plan::of(table, &*table.base().map_err(read)?, options)?.held)
        };
        let Some((mut done, unneeded)) = done else {
            return Ok(Expired {
                held: held(self)?,
                metadata_files: self.delete_old_metadata()?,
                ..Expired::default()
            });
        };
        for location in unneeded.data.keys().chain(&unneeded.metadata) {
            self.shared.store.delete(location).map_err(|err| MaintainError::Store { what: EXPIRE, err })?;
        }
        done.metadata_files += self.delete_old_metadata()?;
        Ok(done)
    }

    /// Deletes metadata files that are older than all that the current one remembers.
    fn delete_old_metadata(&self) -> Result<u64, MaintainError> {
        let failed = |err| MaintainError::Store { what: EXPIRE, err };
        let base = self.base().map_err(|err| MaintainError::Read { what: EXPIRE, err })?;
        let remembered =
            base.metadata.metadata_log().iter().map(|log| log.metadata_file.as_str()).chain([base.location.as_str()]);
        let Some(oldest) = remembered.filter_map(version).min() else { return Ok(0) };
        let mut n = 0;
        for (location, _) in self.shared.store.list(&metadata_folder(&self.name)).map_err(failed)? {
            if version(&location).is_some_and(|number| number < oldest) {
                self.shared.store.delete(&location).map_err(failed)?;
                n += 1;
            }
        }
        Ok(n)
    }
}

/// Which snapshots go and which stay.
struct Plan {
    gone: Vec<SnapshotRef>,
    kept: Vec<SnapshotRef>,
    held: u64,
}

impl Plan {
    fn of(table: &Table, base: &Base, options: &ExpireOptions) -> Result<Self, MaintainError> {
        let metadata = &base.metadata;
        let young = table.shared.env.now_ms() - options.age_ms;
        let newest = commit::ancestors(metadata, metadata.current_snapshot_id())
            .take(options.keep.max(1))
            .map(|s| s.snapshot_id());
        let mut stays: HashSet<i64> = newest.collect();
        stays.extend(metadata.snapshots().filter(|s| s.timestamp_ms() > young).map(|s| s.snapshot_id()));
        stays.extend(named(metadata));
        // The counters must not be lost behind another engine's commits.
        stays.extend(commit::our_snapshot(metadata));
        let held: HashSet<i64> = held(table, base)?.difference(&stays).copied().collect();
        stays.extend(&held);
        let (mut kept, mut gone): (Vec<SnapshotRef>, Vec<SnapshotRef>) =
            metadata.snapshots().cloned().partition(|s| stays.contains(&s.snapshot_id()));
        kept.sort_by_key(|s| s.sequence_number());
        gone.sort_by_key(|s| s.sequence_number());
        Ok(Self { gone, kept, held: held.len() as u64 })
    }
}

/// Snapshots that branches and tags name.
fn named(metadata: &TableMetadata) -> Vec<i64> {
    // The library has no list of them, but writes it.
    let written = serde_json::to_value(metadata).unwrap_or_default();
    let refs = written.get("refs").and_then(serde_json::Value::as_object).cloned().unwrap_or_default();
    refs.values().filter_map(|r| r.get("snapshot-id")?.as_i64()).collect()
}

/// Snapshots with rows on hold that a later commit removed: the one that still has them, and the one that removed them.
fn held(table: &Table, base: &Base) -> Result<HashSet<i64>, MaintainError> {
    let holds: Vec<Hold> = hold::of(base)?;
    let mut held = HashSet::new();
    if holds.is_empty() {
        return Ok(held);
    }
    let read = |err| MaintainError::Read { what: EXPIRE, err };
    for after in
        base.metadata.snapshots().filter(|s| matches!(s.summary().operation, Operation::Delete | Operation::Overwrite))
    {
        let Some(before) = after.parent_snapshot_id().and_then(|id| base.metadata.snapshot_by_id(id)) else { continue };
        let have = live(table, base, before).map_err(read)?;
        let left = live(table, base, after).map_err(read)?;
        if have.iter().any(|(location, entry)| !left.contains_key(location) && hold::covers(&holds, entry)) {
            held.extend([before.snapshot_id(), after.snapshot_id()]);
        }
    }
    Ok(held)
}

fn live(table: &Table, base: &Base, snapshot: &SnapshotRef) -> Result<HashMap<String, Arc<Entry>>, ReadError> {
    let snapshot = snapshot::Snapshot {
        shared: Arc::clone(&table.shared),
        table: table.name.clone(),
        base: Arc::new(base.clone()),
        id: Some(snapshot.snapshot_id()),
    };
    Ok(snapshot.entries(i64::MIN, i64::MAX)?.into_iter().map(|e| (e.file.file_path().to_owned(), e)).collect())
}

/// Everything that some snapshots refer to.
#[derive(Default)]
pub(super) struct References {
    /// Data files and their sizes.
    pub(super) data: BTreeMap<String, u64>,
    /// Manifest lists, manifests, files of positions.
    pub(super) metadata: BTreeSet<String>,
}

impl References {
    pub(super) fn of<'a>(table: &Table, snapshots: impl Iterator<Item = &'a SnapshotRef>) -> Result<Self, ReadError> {
        let mut all = Self::default();
        let mut manifests: BTreeMap<String, ManifestFile> = BTreeMap::new();
        for snapshot in snapshots {
            all.metadata.insert(snapshot.manifest_list().to_owned());
            all.metadata.extend(commit::positions_file(snapshot).map(str::to_owned));
            let listed = snapshot::manifests_of(&table.shared.store, &table.name, snapshot)?;
            manifests.extend(listed.into_iter().map(|m| (m.manifest_path.clone(), m)));
        }
        all.metadata.extend(manifests.keys().cloned());
        let manifests: Vec<ManifestFile> = manifests.into_values().collect();
        for entries in table.shared.manifests.read(&table.shared.store, &table.name, &manifests)? {
            all.data.extend(
                entries
                    .iter()
                    .filter(|e| e.is_live())
                    .map(|e| (e.file.file_path().to_owned(), e.file.file_size_in_bytes())),
            );
        }
        Ok(all)
    }

    fn without(mut self, other: &Self) -> Self {
        self.data.retain(|location, _| !other.data.contains_key(location));
        self.metadata.retain(|location| !other.metadata.contains(location));
        self
    }
}
