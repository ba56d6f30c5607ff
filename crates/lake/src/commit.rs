//! The one way in which a table changes: new manifests, a new manifest list, new metadata, and a swap.
//!
//! Everything is written before the swap, and after it nothing is deleted but metadata that no longer counts, so a crash at any instant leaves
//! the table before or after the commit, and at worst files that nothing refers to.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use bytes::Bytes;
use iceberg::io::FileIO;
use iceberg::spec::{
    DataFile, MAIN_BRANCH, ManifestFile, ManifestListWriter, ManifestWriterBuilder, Operation, Snapshot as RawSnapshot,
    Summary, TableMetadata,
};

use crate::catalog::{CatalogError, Swap, metadata_folder};
use crate::env::{Step, uuid};
use crate::error::{Cause, CommitError, ReadError, StoreError};
use crate::lake::Shared;
use crate::metadata;
use crate::snapshot::{self, Base, Entry};
use crate::store::Store;
use crate::table::{Appended, jitter};

/// What every key of ours in a snapshot's summary begins with.
const OURS: &str = "skywarden.";
const COMMIT_ID: &str = "skywarden.commit-id";
const WRITER: &str = "skywarden.writer";
const POSITIONS: &str = "skywarden.positions";
const POSITIONS_FILE: &str = "skywarden.positions-file";
/// The counter by which a commit of ours is told from one of another engine.
const IN: &str = "skywarden.in";
/// Of this commit alone, not carried on.
const COMMIT_DUPLICATES: &str = "skywarden.commit-duplicates";
const COMMIT_CONFLICTS: &str = "skywarden.commit-conflicts";

/// Positions beyond this go into a file of their own, so that metadata stays small.
const POSITIONS_MAX: usize = 64;
const POSITIONS_BYTES_MAX: usize = 8 << 10;
/// As many manifests of about one size are put together into one.
const MERGE_AT: usize = 16;
/// How often the outcome of a swap is looked for when the catalog did not say.
const LOOKS: u32 = 5;

/// What a commit does.
pub(crate) struct Change<'a> {
    pub(crate) operation: Operation,
    pub(crate) added: &'a [DataFile],
    /// Locations of live files that are to go.
    pub(crate) removed: &'a HashSet<String>,
    pub(crate) commit_id: &'a str,
    /// Added to the counters, by their names without prefix.
    pub(crate) counted: &'a BTreeMap<String, u64>,
    /// Laid over the positions that are there.
    pub(crate) positions: &'a BTreeMap<String, String>,
}

/// A commit that is written and only needs the swap.
pub(crate) struct Staged {
    metadata: Bytes,
    snapshot: i64,
    /// What it wrote, for when it is void.
    written: Vec<String>,
    /// Metadata files that are too old to be remembered, once it is current.
    forgotten: Vec<String>,
}

/// What became of a commit.
pub(crate) enum Swapped {
    /// It is current.
    Done {
        /// Its snapshot.
        snapshot: i64,
    },
    /// An earlier attempt with the same commit id is, as it says of itself.
    Before(Appended),
    /// Another was faster.
    Lost,
}

/// The table's current metadata, or nothing if there is no such table.
pub(crate) fn load(shared: &Shared, table: &str) -> Result<Option<Arc<Base>>, ReadError> {
    // Between asking the catalog and reading the file, the file may be expired by many faster commits.
    for is_last in [false, false, true] {
        let location = shared.catalog.load(table).map_err(|err| ReadError::Catalog { table: table.to_owned(), err })?;
        let Some(location) = location else { return Ok(None) };
        let file = location.rsplit('/').next().unwrap_or_default();
        let here = format!("{}/{file}", metadata_folder(table));
        let recognised = shared.store.recognise(&location, &here);
        recognised.map_err(|err| ReadError::Store { table: table.to_owned(), err })?;
        match read(&shared.store, table, &location) {
            Err(ReadError::Store { err, .. }) if err.is_missing() && !is_last => {}
            read => return read.map(|metadata| Some(Arc::new(Base { location, metadata }))),
        }
    }
    Ok(None)
}

/// Reads one metadata file.
pub(crate) fn read(store: &Store, table: &str, location: &str) -> Result<TableMetadata, ReadError> {
    let bytes = store.get(location).map_err(|err| ReadError::Store { table: table.to_owned(), err })?;
    let metadata = metadata::decode(&bytes).map_err(|err| ReadError::Parse { location: location.to_owned(), err })?;
    store.recognise(metadata.location(), table).map_err(|err| ReadError::Store { table: table.to_owned(), err })?;
    Ok(metadata)
}

/// Changes metadata without a snapshot: schema, properties, expiry. `Lost` if another commit was faster.
pub(crate) fn change(
    shared: &Shared,
    table: &str,
    base: Option<&Base>,
    changed: &TableMetadata,
) -> Result<Swap, CommitError> {
    let previous_ms = base.map_or(0, |base| base.metadata.last_updated_ms());
    let encoded = metadata::encode(changed, previous_ms, shared.env.as_ref());
    let bytes = encoded.map_err(|err| CommitError::Build { table: table.to_owned(), err })?;
    let from = base.map(|base| base.location.as_str());
    let to = shared.catalog.next(table, from, &uuid(shared.env.as_ref()).to_string());
    shared.catalog.swap(table, from, &to, bytes).map_err(|err| CommitError::Catalog { table: table.to_owned(), err })
}

/// Writes manifests for a change and builds the metadata with it.
pub(crate) fn stage(shared: &Shared, table: &str, base: &Base, change: &Change<'_>) -> Result<Staged, CommitError> {
    fault(shared, Step::BeforeManifest)?;
    let parent = base.metadata.current_snapshot_id();
    let mut staging =
        Staging { shared, table, base, snapshot: new_snapshot_id(shared, &base.metadata), written: Vec::new() };
    let before =
        snapshot::manifests(&shared.store, table, &base.metadata, parent).map_err(|err| CommitError::Read { err })?;
    let mut totals = Totals::default();
    let mut manifests = staging.without(before, change.removed, &mut totals)?;
    if !change.added.is_empty() {
        change.added.iter().for_each(|file| totals.add(file));
        manifests.push(staging.write_manifest(base.metadata.default_partition_spec_id(), change.added, &[], &[])?);
    }
    let manifests = staging.merged(manifests)?;
    let list = staging.write_list(parent, &manifests)?;
    let summary = staging.summary(change, &manifests, &totals)?;
    // Our clock must not step back behind a commit that is there.
    let timestamp_ms = shared.env.now_ms().max(base.metadata.last_updated_ms());
    let raw = RawSnapshot::builder()
        .with_snapshot_id(staging.snapshot)
        .with_parent_snapshot_id(parent)
        .with_sequence_number(base.metadata.next_sequence_number())
        .with_timestamp_ms(timestamp_ms)
        .with_manifest_list(list)
        .with_summary(Summary { operation: change.operation.clone(), additional_properties: summary })
        .with_schema_id(base.metadata.current_schema_id())
        .build();
    let built = base
        .metadata
        .clone()
        .into_builder(Some(base.location.clone()))
        .set_branch_snapshot(raw, MAIN_BRANCH)
        .and_then(|b| b.build());
    let built = built.map_err(|err| staging.unbuildable(err))?;
    let encoded = metadata::encode(&built.metadata, timestamp_ms, shared.env.as_ref());
    let metadata = encoded.map_err(|err| CommitError::Build { table: table.to_owned(), err })?;
    let mut durable = staging.written.clone();
    durable.extend(change.added.iter().map(|file| file.file_path().to_owned()));
    shared.store.sync(&durable).map_err(|err| staging.unwritable(err))?;
    fault(shared, Step::AfterManifest)?;
    let forgotten = built.expired_metadata_logs.into_iter().map(|log| log.metadata_file).collect();
    Ok(Staged { metadata, snapshot: staging.snapshot, written: staging.written, forgotten })
}

/// Makes a staged commit visible.
pub(crate) fn swap(
    shared: &Shared,
    table: &str,
    base: &Base,
    staged: Staged,
    commit_id: &str,
) -> Result<Swapped, CommitError> {
    let to = shared.catalog.next(table, Some(&base.location), &uuid(shared.env.as_ref()).to_string());
    fault(shared, Step::BeforeSwap)?;
    let outcome = shared.catalog.swap(table, Some(&base.location), &to, staged.metadata);
    if let Ok(Swap::Done) = outcome {
        fault(shared, Step::AfterSwap)?;
        for location in &staged.forgotten {
            // The commit is made; what cannot be deleted stays as an orphan.
            let _orphan = shared.store.delete(location);
        }
        return Ok(Swapped::Done { snapshot: staged.snapshot });
    }
    // The catalog says lost or nothing at all. A store that repeats a request whose answer went astray says lost, too,
    // so either way only the table tells.
    match (find(shared, table, commit_id), outcome) {
        (Ok(Some(said)), _) => Ok(Swapped::Before(said)),
        (Ok(None), Ok(_)) => {
            // It is certain that nothing refers to these; what cannot be deleted stays as an orphan.
            for location in &staged.written {
                let _orphan = shared.store.delete(location);
            }
            Ok(Swapped::Lost)
        }
        // It may yet arrive. Another attempt from the same base cannot succeed beside it, and it will be found by its id:
        // by the swap, or by whoever attempts it in the base that is next.
        (Ok(None), Err(err)) if is_worth_another_try(&err) => Ok(Swapped::Lost),
        (_, Err(err)) => Err(CommitError::Catalog { table: table.to_owned(), err }),
        (Err(err), Ok(_)) => Err(CommitError::Read { err }),
    }
}

/// A full disk or a database that is no database will not be better in a moment.
fn is_worth_another_try(err: &CatalogError) -> bool {
    use rusqlite::ErrorCode;
    let CatalogError::Sqlite { err, .. } = err else { return true };
    let again = [ErrorCode::DatabaseBusy, ErrorCode::DatabaseLocked, ErrorCode::SystemIoFailure];
    err.sqlite_error_code().is_some_and(|code| again.contains(&code))
}

/// What the commit of this id says of itself, if it is in the table's history.
fn find(shared: &Shared, table: &str, commit_id: &str) -> Result<Option<Appended>, ReadError> {
    let mut look = 0;
    let base = loop {
        match load(shared, table) {
            Ok(base) => break base,
            Err(err) if look == LOOKS => return Err(err),
            Err(_) => {
                shared.env.sleep(jitter(look, shared.env.random()));
                look += 1;
            }
        }
    };
    Ok(base.and_then(|base| said_by(&base.metadata, commit_id)))
}

/// What the commit of this id says of itself, if this metadata has it.
pub(crate) fn said_by(metadata: &TableMetadata, commit_id: &str) -> Option<Appended> {
    let ours = metadata
        .snapshots()
        .find(|s| s.summary().additional_properties.get(COMMIT_ID).is_some_and(|id| id == commit_id));
    ours.map(|snapshot| {
        let said =
            |key: &str| snapshot.summary().additional_properties.get(key).and_then(|n| n.parse().ok()).unwrap_or(0);
        Appended {
            rows: said("added-records"),
            duplicates: said(COMMIT_DUPLICATES),
            conflicts: said(COMMIT_CONFLICTS),
            snapshot: Some(snapshot.snapshot_id()),
        }
    })
}

fn fault(shared: &Shared, step: Step) -> Result<(), CommitError> {
    shared.faults.at(step).map_err(|err| CommitError::Fault { step, err })
}

fn new_snapshot_id(shared: &Shared, metadata: &TableMetadata) -> i64 {
    loop {
        let bytes = shared.env.random().to_be_bytes();
        let id = bytes.iter().take(8).fold(0_i64, |id, byte| id << 8 | i64::from(*byte)) & i64::MAX;
        if id != 0 && metadata.snapshot_by_id(id).is_none() {
            return id;
        }
    }
}

/// What a commit added and removed.
#[derive(Default)]
struct Totals {
    added: [u64; 3],
    removed: [u64; 3],
    days: HashSet<Option<iceberg::spec::Literal>>,
}

impl Totals {
    fn add(&mut self, file: &DataFile) {
        self.days.insert(file.partition().fields().first().cloned().flatten());
        sum(&mut self.added, file);
    }

    fn remove(&mut self, file: &DataFile) {
        self.days.insert(file.partition().fields().first().cloned().flatten());
        sum(&mut self.removed, file);
    }
}

/// Files, rows, bytes.
fn sum(sums: &mut [u64; 3], file: &DataFile) {
    let one = [1, file.record_count(), file.file_size_in_bytes()];
    sums.iter_mut().zip(one).for_each(|(sum, n)| *sum += n);
}

/// A commit that is being written.
struct Staging<'a> {
    shared: &'a Shared,
    table: &'a str,
    base: &'a Base,
    snapshot: i64,
    written: Vec<String>,
}

impl Staging<'_> {
    /// The manifests with these files deleted. Those that hold none of them stay as they are.
    fn without(
        &mut self,
        manifests: Vec<ManifestFile>,
        removed: &HashSet<String>,
        totals: &mut Totals,
    ) -> Result<Vec<ManifestFile>, CommitError> {
        // A manifest without live files was kept only for the commit that deleted the last of them.
        let mut kept: Vec<ManifestFile> =
            manifests.into_iter().filter(|m| m.has_added_files() || m.has_existing_files()).collect();
        if removed.is_empty() {
            return Ok(kept);
        }
        let all = self
            .shared
            .manifests
            .read(&self.shared.store, self.table, &kept)
            .map_err(|err| CommitError::Read { err })?;
        for (manifest, entries) in kept.iter_mut().zip(all) {
            let (gone, rest): (Vec<&Arc<Entry>>, Vec<&Arc<Entry>>) =
                entries.iter().filter(|e| e.is_live()).partition(|e| removed.contains(e.file.file_path()));
            if !gone.is_empty() {
                gone.iter().for_each(|entry| totals.remove(&entry.file));
                *manifest = self.write_manifest(manifest.partition_spec_id, &[], &rest, &gone)?;
            }
        }
        Ok(kept)
    }

    /// The manifests with many small ones put together: of about one size, so that an entry is written again only a few times in its life.
    fn merged(&mut self, manifests: Vec<ManifestFile>) -> Result<Vec<ManifestFile>, CommitError> {
        let spec = self.base.metadata.default_partition_spec_id();
        let mut tiers: BTreeMap<u32, usize> = BTreeMap::new();
        // A commit's own manifests say what it added and removed, so they stay by themselves until the next one.
        let is_open = |m: &ManifestFile| m.partition_spec_id == spec && m.added_snapshot_id != self.snapshot;
        let tier = |m: &ManifestFile| is_open(m).then(|| tier_of(m));
        manifests.iter().filter_map(tier).for_each(|tier| *tiers.entry(tier).or_default() += 1);
        let Some((full, _)) = tiers.into_iter().find(|(_, n)| *n >= MERGE_AT) else { return Ok(manifests) };
        let (merge, mut rest): (Vec<_>, Vec<_>) = manifests.into_iter().partition(|m| tier(m) == Some(full));
        let entries = self
            .shared
            .manifests
            .read(&self.shared.store, self.table, &merge)
            .map_err(|err| CommitError::Read { err })?;
        let live: Vec<&Arc<Entry>> =
            entries.iter().flat_map(|entries| entries.iter()).filter(|e| e.is_live()).collect();
        rest.push(self.write_manifest(spec, &[], &live, &[])?);
        Ok(rest)
    }

    fn write_manifest(
        &mut self,
        spec: i32,
        added: &[DataFile],
        existing: &[&Arc<Entry>],
        deleted: &[&Arc<Entry>],
    ) -> Result<ManifestFile, CommitError> {
        let spec = self
            .base
            .metadata
            .partition_spec_by_id(spec)
            .ok_or_else(|| self.unbuildable(format!("there is no partition spec {spec}")))?;
        let (memory, scratch) = (FileIO::new_with_memory(), "memory:///manifest");
        let output = memory.new_output(scratch).map_err(|err| self.unbuildable(err))?;
        let schema = Arc::clone(self.base.metadata.current_schema());
        let mut writer =
            ManifestWriterBuilder::new(output, Some(self.snapshot), schema, spec.as_ref().clone()).build_v2_data();
        let built = async {
            for file in added {
                // Its sequence number is that of the commit, which is inherited.
                writer.add_file(file.clone(), -1)?;
            }
            for entry in existing {
                writer.add_existing_file(
                    entry.file.clone(),
                    entry.snapshot_id,
                    entry.sequence,
                    Some(entry.file_sequence),
                )?;
            }
            for entry in deleted {
                writer.add_delete_file(entry.file.clone(), entry.sequence, Some(entry.file_sequence))?;
            }
            let manifest = writer.write_manifest_file().await?;
            Ok::<_, iceberg::Error>((manifest, memory.new_input(scratch)?.read().await?))
        };
        let (mut manifest, bytes) = self.shared.store.wait(built).map_err(|err| self.unbuildable(err))?;
        manifest.manifest_path = self.put("m.avro", bytes)?;
        Ok(manifest)
    }

    fn write_list(&mut self, parent: Option<i64>, manifests: &[ManifestFile]) -> Result<String, CommitError> {
        let (memory, scratch) = (FileIO::new_with_memory(), "memory:///list");
        let sequence = self.base.metadata.next_sequence_number();
        let built = async {
            let mut list =
                ManifestListWriter::v2(memory.new_output(scratch)?.writer().await?, self.snapshot, parent, sequence);
            list.add_manifests(manifests.iter().cloned())?;
            list.close().await?;
            memory.new_input(scratch)?.read().await
        };
        let bytes = self.shared.store.wait(built).map_err(|err| self.unbuildable(err))?;
        self.put(&format!("snap-{}.avro", self.snapshot), bytes)
    }

    /// Writes a file of metadata under a name of its own.
    fn put(&mut self, name: &str, bytes: Bytes) -> Result<String, CommitError> {
        let unique = uuid(self.shared.env.as_ref());
        let location = self.shared.store.location(&format!("{}/{unique}-{name}", metadata_folder(self.table)));
        self.shared.store.put(&location, bytes).map_err(|err| self.unwritable(err))?;
        self.written.push(location.clone());
        Ok(location)
    }

    fn summary(
        &mut self,
        change: &Change<'_>,
        manifests: &[ManifestFile],
        totals: &Totals,
    ) -> Result<HashMap<String, String>, CommitError> {
        let before = self.base.metadata.current_snapshot().map(|s| &s.summary().additional_properties);
        let bytes_before: u64 = before.and_then(|b| b.get("total-files-size")?.parse().ok()).unwrap_or(0);
        let live = |added: fn(&ManifestFile) -> Option<u64>| manifests.iter().filter_map(added).sum::<u64>();
        let n_files = live(|m| Some(u64::from(m.added_files_count? + m.existing_files_count?)));
        let n_rows = live(|m| Some(m.added_rows_count? + m.existing_rows_count?));
        let mut all: HashMap<String, String> = HashMap::new();
        let mut say = |key: &str, n: u64| all.insert(key.to_owned(), n.to_string());
        for (key, n) in ["added-data-files", "added-records", "added-files-size"].into_iter().zip(totals.added) {
            if totals.added[0] > 0 {
                say(key, n);
            }
        }
        for (key, n) in ["deleted-data-files", "deleted-records", "removed-files-size"].into_iter().zip(totals.removed)
        {
            if totals.removed[0] > 0 {
                say(key, n);
            }
        }
        say("changed-partition-count", totals.days.len() as u64);
        say("total-data-files", n_files);
        say("total-records", n_rows);
        say("total-files-size", (bytes_before + totals.added[2]).saturating_sub(totals.removed[2]));
        for key in ["total-delete-files", "total-position-deletes", "total-equality-deletes"] {
            say(key, 0);
        }
        let mut counters = counters(&self.base.metadata, self.base.metadata.current_snapshot_id());
        for (name, n) in change.counted {
            *counters.entry(name.clone()).or_default() += n;
        }
        for name in ["in", "duplicates", "rejected", "quarantined"] {
            counters.entry(name.to_owned()).or_default();
        }
        for (name, n) in counters {
            say(&format!("{OURS}{name}"), n);
        }
        say(COMMIT_DUPLICATES, change.counted.get("duplicates").copied().unwrap_or(0));
        say(COMMIT_CONFLICTS, change.counted.get("conflicts").copied().unwrap_or(0));
        all.insert(COMMIT_ID.to_owned(), change.commit_id.to_owned());
        all.insert(WRITER.to_owned(), self.shared.writer.clone());
        all.extend(self.positions(change.positions)?);
        Ok(all)
    }

    /// Where the positions stand: themselves if they are few, else a file. Unchanged ones stay where they are.
    fn positions(&mut self, laid_over: &BTreeMap<String, String>) -> Result<Option<(String, String)>, CommitError> {
        let (metadata, id) = (&self.base.metadata, self.base.metadata.current_snapshot_id());
        if laid_over.is_empty() {
            let said = ours(metadata, id).map(|summary| {
                [POSITIONS, POSITIONS_FILE].map(|key| summary.get(key).map(|v| (key.to_owned(), v.clone())))
            });
            return Ok(said.and_then(|both| both.into_iter().flatten().next()));
        }
        let mut all =
            positions(&self.shared.store, self.table, metadata, id).map_err(|err| CommitError::Read { err })?;
        all.extend(laid_over.iter().map(|(feed, at)| (feed.clone(), at.clone())));
        all.retain(|_, at| !at.is_empty());
        let text = serde_json::to_string(&all).map_err(|err| self.unbuildable(err))?;
        if all.len() <= POSITIONS_MAX && text.len() <= POSITIONS_BYTES_MAX {
            return Ok((!all.is_empty()).then(|| (POSITIONS.to_owned(), text)));
        }
        Ok(Some((POSITIONS_FILE.to_owned(), self.put("positions.json", Bytes::from(text))?)))
    }

    fn unbuildable(&self, err: impl Into<Cause>) -> CommitError {
        CommitError::Build { table: self.table.to_owned(), err: err.into() }
    }

    fn unwritable(&self, err: StoreError) -> CommitError {
        CommitError::Store { table: self.table.to_owned(), err }
    }
}

fn tier_of(manifest: &ManifestFile) -> u32 {
    let n = manifest.added_files_count.unwrap_or(0) + manifest.existing_files_count.unwrap_or(0);
    n.max(1).ilog(u32::try_from(MERGE_AT).unwrap_or(16))
}

/// Whether a counter may have this name.
pub(crate) fn is_counter_name(name: &str) -> bool {
    let is_plain = !name.is_empty() && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    is_plain && !name.starts_with("commit-") && !name.starts_with("positions") && name != "writer"
}

/// The snapshot and its ancestors as far as they are kept, newest first.
pub(crate) fn ancestors(
    metadata: &TableMetadata,
    id: Option<i64>,
) -> impl Iterator<Item = &iceberg::spec::SnapshotRef> {
    let of = |id: Option<i64>| metadata.snapshot_by_id(id?);
    std::iter::successors(of(id), move |s| of(s.parent_snapshot_id()))
}

/// What the newest commit of ours says of itself, up to this one. Another engine's commit does not carry it on.
fn ours(metadata: &TableMetadata, id: Option<i64>) -> Option<&HashMap<String, String>> {
    ancestors(metadata, id).map(|s| &s.summary().additional_properties).find(|summary| summary.contains_key(IN))
}

/// The id of that commit.
pub(crate) fn our_snapshot(metadata: &TableMetadata) -> Option<i64> {
    let is_ours = |s: &&iceberg::spec::SnapshotRef| s.summary().additional_properties.contains_key(IN);
    ancestors(metadata, metadata.current_snapshot_id()).find(is_ours).map(|s| s.snapshot_id())
}

/// The counters as of a snapshot. What other engines added or removed since the last commit of ours counts as `foreign` and `removed`,
/// so that in + foreign = rows + duplicates + rejected + quarantined + removed.
pub(crate) fn counters(metadata: &TableMetadata, id: Option<i64>) -> BTreeMap<String, u64> {
    let mut all: BTreeMap<String, u64> = BTreeMap::new();
    let known = ours(metadata, id).into_iter().flatten();
    all.extend(known.filter_map(|(key, value)| {
        let name = key.strip_prefix(OURS).filter(|name| is_counter_name(name))?;
        Some((name.to_owned(), value.parse().ok()?))
    }));
    for snapshot in ancestors(metadata, id).take_while(|s| !s.summary().additional_properties.contains_key(IN)) {
        let said =
            |key: &str| snapshot.summary().additional_properties.get(key).and_then(|n| n.parse().ok()).unwrap_or(0_u64);
        let (added, removed) = (said("added-records"), said("deleted-records"));
        if snapshot.summary().operation != Operation::Replace && added + removed > 0 {
            *all.entry("foreign".to_owned()).or_default() += added;
            *all.entry("removed".to_owned()).or_default() += removed;
        }
    }
    all
}

/// Where each feed was, as of a snapshot.
pub(crate) fn positions(
    store: &Store,
    table: &str,
    metadata: &TableMetadata,
    id: Option<i64>,
) -> Result<BTreeMap<String, String>, ReadError> {
    let Some(summary) = ours(metadata, id) else { return Ok(BTreeMap::new()) };
    let (text, location) = match (summary.get(POSITIONS), summary.get(POSITIONS_FILE)) {
        (Some(text), _) => (Bytes::from(text.clone()), POSITIONS),
        (None, Some(location)) => {
            (store.get(location).map_err(|err| ReadError::Store { table: table.to_owned(), err })?, location.as_str())
        }
        (None, None) => return Ok(BTreeMap::new()),
    };
    serde_json::from_slice(&text).map_err(|err| ReadError::Parse { location: location.to_owned(), err: err.into() })
}

/// The file of positions that a snapshot refers to.
pub(crate) fn positions_file(snapshot: &RawSnapshot) -> Option<&str> {
    snapshot.summary().additional_properties.get(POSITIONS_FILE).map(String::as_str)
}
