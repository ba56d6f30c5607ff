//! Whether a lake is as its metadata says, and what lies around in it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use futures::StreamExt;
use object_store::ObjectMeta;

use super::expire::References;
use super::rebuild;
use crate::catalog::{hint_path, metadata_folder};
use crate::commit;
use crate::error::{FileError, MaintainError, ReadError};
use crate::file;
use crate::lake::{Lake, Mode};
use crate::snapshot::{Base, Entry, Snapshot};
use crate::table::Table;

const WHAT: &str = "check the lake";
/// How many footers are read at once.
const CONCURRENCY: usize = 8;

/// Whether what is wrong is to be put right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repair {
    /// Nothing is changed.
    No,
    /// Old orphans are deleted, and a lost pointer to a table's metadata is restored.
    Yes,
}

/// How a lake is checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FsckOptions {
    /// Whether to repair.
    pub repair: Repair,
    /// How old an orphan must be to be deleted, in milliseconds: longer than the longest append or compaction, whose files are orphans until they commit.
    pub grace_ms: i64,
}

impl Default for FsckOptions {
    fn default() -> Self {
        Self { repair: Repair::No, grace_ms: 3 * super::DAY_MS }
    }
}

/// Something that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// In which table.
    pub table: String,
    /// At which object.
    pub location: String,
    /// What is wrong.
    pub what: String,
    /// Whether it was put right.
    pub is_repaired: bool,
}

/// A file that nothing refers to: an append or compaction that did not come to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Orphan {
    /// Where it is.
    pub location: String,
    /// Its size.
    pub size: u64,
    /// Whether it was deleted.
    pub is_deleted: bool,
}

/// What a check found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fsck {
    /// Tables that were checked.
    pub tables: u64,
    /// Data files of all snapshots.
    pub files: u64,
    /// Rows of the current snapshots, by the files' footers.
    pub rows: u64,
    /// What is wrong.
    pub problems: Vec<Problem>,
    /// What lies around. It harms nothing.
    pub orphans: Vec<Orphan>,
}

impl Fsck {
    /// Whether nothing is wrong, or no longer.
    pub fn is_sound(&self) -> bool {
        self.problems.iter().all(|problem| problem.is_repaired)
    }
}

impl Lake {
    /// Checks that all that the tables refer to is there and readable.
    ///
    /// # Errors
    /// When the lake cannot be listed or repaired. What is wrong with tables is not an error but a [`Problem`].
    pub fn fsck(&self, options: &FsckOptions) -> Result<Fsck, MaintainError> {
        if options.repair == Repair::Yes && self.shared.mode == Mode::Read {
            return Err(MaintainError::ReadOnly { what: "repair the lake" });
        }
        let mut names: BTreeSet<String> =
            self.shared.catalog.list().map_err(|err| MaintainError::Catalog { what: WHAT, err })?.into_iter().collect();
        names.extend(self.shared.store.folders().map_err(|err| MaintainError::Store { what: WHAT, err })?);
        let mut report = Fsck::default();
        for name in names {
            let listed = self.shared.store.list(&name).map_err(|err| MaintainError::Store { what: WHAT, err })?;
            let has_metadata = listed.iter().any(|(location, _)| location.ends_with(".metadata.json"));
            let mut check = Check {
                lake: self,
                table: Table::new(Arc::clone(&self.shared), name),
                options,
                report: &mut report,
                listed,
            };
            if let Some(base) = check.pointer(has_metadata)? {
                check.table(base)?;
            }
        }
        Ok(report)
    }
}

struct Check<'a> {
    lake: &'a Lake,
    table: Table,
    options: &'a FsckOptions,
    report: &'a mut Fsck,
    listed: Vec<(String, ObjectMeta)>,
}

impl Check<'_> {
    fn problem(&mut self, location: &str, what: impl Into<String>) {
        self.report.problems.push(Problem {
            table: self.table.name.clone(),
            location: location.to_owned(),
            what: what.into(),
            is_repaired: false,
        });
    }

    /// The table's metadata, if the catalog leads to it or can be made to.
    fn pointer(&mut self, has_metadata: bool) -> Result<Option<Arc<Base>>, MaintainError> {
        let shared = &self.lake.shared;
        let pointer =
            shared.catalog.load(&self.table.name).map_err(|err| MaintainError::Catalog { what: WHAT, err })?;
        let (location, what) = match pointer {
            // A folder that is no table's is none of ours.
            None if !has_metadata => return Ok(None),
            None => (shared.store.location(&self.table.name), "the catalog does not know the table".to_owned()),
            Some(location) => match commit::read(&shared.store, &self.table.name, &location) {
                Ok(metadata) => return Ok(Some(Arc::new(Base { location, metadata }))),
                Err(err) => (location, format!("the catalog leads to metadata that cannot be read: {}", chain(&err))),
            },
        };
        self.report.tables += 1;
        self.problem(&location, what);
        let newest = match rebuild::newest(&self.lake.shared, &self.table.name) {
            Ok(newest) => newest,
            Err(err) => {
                self.problem(&location, format!("there is no metadata that can be read: {}", chain(&err)));
                return Ok(None);
            }
        };
        let Some((location, metadata)) = newest.filter(|_| self.options.repair == Repair::Yes) else { return Ok(None) };
        self.lake
            .shared
            .catalog
            .restore(&self.table.name, &location)
            .map_err(|err| MaintainError::Catalog { what: "restore a table in the catalog", err })?;
        if let Some(problem) = self.report.problems.last_mut() {
            problem.is_repaired = true;
        }
        self.report.tables -= 1;
        Ok(Some(Arc::new(Base { location, metadata })))
    }

    fn table(&mut self, base: Arc<Base>) -> Result<(), MaintainError> {
        self.report.tables += 1;
        let sizes: HashMap<String, u64> =
            self.listed.iter().map(|(location, meta)| (location.clone(), meta.size)).collect();
        let mut needed: BTreeSet<String> = BTreeSet::new();
        let mut data: BTreeMap<String, u64> = BTreeMap::new();
        let mut is_whole = true;
        // All at once, as snapshots share most of their manifests; one by one only to name what is damaged.
        match References::of(&self.table, base.metadata.snapshots()) {
            Ok(references) => {
                needed.extend(references.metadata);
                data.extend(references.data);
            }
            Err(_) => {
                is_whole = false;
                self.snapshots(&base, &mut needed, &mut data);
            }
        }
        for location in &needed {
            if !sizes.contains_key(&self.canonical(location)) {
                self.problem(location, "it is not there");
            }
        }
        for (location, size) in &data {
            match sizes.get(&self.canonical(location)) {
                None => self.problem(location, "it is not there"),
                Some(have) if have != size => {
                    self.problem(location, format!("it has {have} bytes where the table says {size}"))
                }
                Some(_) => {}
            }
        }
        self.report.files += data.len() as u64;
        self.footers(&base);
        needed.extend(data.into_keys());
        needed.extend(base.metadata.metadata_log().iter().map(|log| log.metadata_file.clone()));
        needed.extend([base.location.clone(), self.lake.shared.store.location(&hint_path(&self.table.name))]);
        let needed: BTreeSet<String> = needed.iter().map(|location| self.canonical(location)).collect();
        self.orphans(&needed, is_whole)
    }

    fn snapshots(&mut self, base: &Base, needed: &mut BTreeSet<String>, data: &mut BTreeMap<String, u64>) {
        for snapshot in base.metadata.snapshots() {
            match References::of(&self.table, std::iter::once(snapshot)) {
                Ok(references) => {
                    needed.extend(references.metadata);
                    data.extend(references.data);
                }
                Err(err) => self.problem(
                    snapshot.manifest_list(),
                    format!("snapshot {} cannot be read: {}", snapshot.snapshot_id(), chain(&err)),
                ),
            }
        }
    }

    /// Other engines may write a location in another way than we list it.
    fn canonical(&self, location: &str) -> String {
        let store = &self.lake.shared.store;
        store.path(location).map_or_else(|_| location.to_owned(), |path| store.location(path.as_ref()))
    }

    /// Reads the footers of the current snapshot's files and counts their rows.
    fn footers(&mut self, base: &Arc<Base>) {
        let snapshot = Snapshot {
            shared: Arc::clone(&self.lake.shared),
            table: self.table.name.clone(),
            base: Arc::clone(base),
            id: base.metadata.current_snapshot_id(),
        };
        let entries = match snapshot.entries(i64::MIN, i64::MAX) {
            Ok(entries) => entries,
            // Said above, for all snapshots; but what is merely not supported is said here.
            Err(err @ ReadError::Unsupported { .. }) => return self.problem(&base.location, chain(&err)),
            Err(_) => return,
        };
        let store = &self.lake.shared.store;
        let counts: Vec<(Arc<Entry>, Result<i64, FileError>)> = store.wait(async {
            let count = |entry: Arc<Entry>| async move {
                let rows = file::footer(store, &entry).await.map(|footer| footer.file_metadata().num_rows());
                (entry, rows)
            };
            futures::stream::iter(entries.iter().cloned()).map(count).buffered(CONCURRENCY).collect().await
        });
        let mut n_rows = 0;
        for (entry, rows) in counts {
            let location = entry.file.file_path();
            match rows.map(|n| u64::try_from(n).unwrap_or(0)) {
                Ok(n) if n == entry.file.record_count() => n_rows += n,
                Ok(n) => self
                    .problem(location, format!("it has {n} rows where the table says {}", entry.file.record_count())),
                Err(err) => self.problem(location, chain(&err)),
            }
        }
        self.report.rows += n_rows;
        let claimed = snapshot.info().and_then(|info| info.summary.get("total-records")?.parse::<u64>().ok());
        let listed: u64 = entries.iter().map(|e| e.file.record_count()).sum();
        if claimed.is_some_and(|n| n != listed) {
            self.problem(
                &base.location,
                format!("the snapshot claims {} rows and lists {listed}", claimed.unwrap_or(0)),
            );
        }
    }

    fn orphans(&mut self, needed: &BTreeSet<String>, is_whole: bool) -> Result<(), MaintainError> {
        let now_ms = self.lake.shared.env.now_ms();
        for (location, meta) in std::mem::take(&mut self.listed) {
            if needed.contains(&location) || !self.is_ours(&location) {
                continue;
            }
            // Where a manifest cannot be read, nobody knows what it needs.
            let is_old = now_ms - meta.last_modified.timestamp_millis() > self.options.grace_ms;
            let store = &self.lake.shared.store;
            let failed = |err| MaintainError::Store { what: "delete an orphan", err };
            // What a symbolic link leads to is told, and is not ours to delete.
            let is_due = self.options.repair == Repair::Yes && is_whole && is_old;
            let is_deleted = is_due && store.is_inside(&location).map_err(failed)?;
            if is_deleted {
                store.delete(&location).map_err(failed)?;
            }
            self.report.orphans.push(Orphan { location, size: meta.size, is_deleted });
        }
        Ok(())
    }

    /// Only what lies where a table's files lie can be a table's orphan.
    fn is_ours(&self, location: &str) -> bool {
        let store = &self.lake.shared.store;
        [metadata_folder(&self.table.name), format!("{}/data", self.table.name)]
            .iter()
            .any(|folder| location.starts_with(&format!("{}/", store.location(folder))))
    }
}

/// An error and its causes in one line.
fn chain(err: &dyn std::error::Error) -> String {
    let mut text = err.to_string();
    let mut cause = err.source();
    while let Some(err) = cause {
        text.push_str(": ");
        text.push_str(&err.to_string());
        cause = err.source();
    }
    text
}
