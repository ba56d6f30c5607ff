//! A table as it was after one commit, and the files it then had.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::datatypes::SchemaRef;
use iceberg::spec::{
    DataContentType, DataFile, FormatVersion, Literal, Manifest, ManifestContentType, ManifestFile, ManifestList,
    ManifestStatus, Operation, PrimitiveLiteral, SnapshotRef, TableMetadata,
};
use object_store::path::Path;

use crate::def::{TIME, TableDef};
use crate::error::ReadError;
use crate::lake::Shared;
use crate::metadata;
use crate::store::Store;

/// Microseconds of a day.
pub(crate) const DAY_US: i64 = 86_400_000_000;
/// How many entries of manifests are remembered. Manifests never change, so what is remembered stays true.
/// One takes some ten thousand bytes, as it has bounds and counts of each column.
const ENTRIES_MAX: usize = 5_000;

/// A metadata file that was current once, and what it says.
#[derive(Clone)]
pub(crate) struct Base {
    pub(crate) location: String,
    pub(crate) metadata: TableMetadata,
}

impl Base {
    /// The field id of the time of rows.
    pub(crate) fn time(&self) -> Option<i32> {
        self.metadata.current_schema().field_id_by_name(TIME)
    }
}

/// A file of a snapshot as its manifest has it, with what Iceberg lets it inherit from there.
pub(crate) struct Entry {
    pub(crate) file: DataFile,
    pub(crate) status: ManifestStatus,
    pub(crate) snapshot_id: i64,
    pub(crate) sequence: i64,
    pub(crate) file_sequence: i64,
}

impl Entry {
    pub(crate) fn is_live(&self) -> bool {
        self.status != ManifestStatus::Deleted
    }

    /// The UTC day of all its rows, in days since 1970. A foreign engine may have written a file without.
    pub(crate) fn day(&self) -> Option<i32> {
        match self.file.partition().fields().first() {
            Some(Some(Literal::Primitive(PrimitiveLiteral::Int(day)))) => Some(*day),
            _ => None,
        }
    }
}

/// Manifests that were read.
#[derive(Default)]
pub(crate) struct Manifests {
    known: Mutex<HashMap<String, Arc<Vec<Arc<Entry>>>>>,
}

impl Manifests {
    /// The entries of each of these manifests, in their order.
    pub(crate) fn read(
        &self,
        store: &Store,
        table: &str,
        manifests: &[ManifestFile],
    ) -> Result<Vec<Arc<Vec<Arc<Entry>>>>, ReadError> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let unknown: Vec<&ManifestFile> = manifests.iter().filter(|m| !known.contains_key(&m.manifest_path)).collect();
        let locations: Vec<String> = unknown.iter().map(|m| m.manifest_path.clone()).collect();
        let contents = store.get_all(&locations).map_err(|err| ReadError::Store { table: table.to_owned(), err })?;
        for (manifest, bytes) in unknown.iter().zip(contents) {
            let parsed = Manifest::parse_avro(&bytes)
                .map_err(|err| ReadError::Parse { location: manifest.manifest_path.clone(), err: err.into() })?;
            known.insert(
                manifest.manifest_path.clone(),
                Arc::new(parsed.entries().iter().map(|e| Arc::new(inherit(e, manifest))).collect()),
            );
        }
        let wanted = manifests.iter().map(|m| Arc::clone(&known[&m.manifest_path])).collect();
        if known.values().map(|entries| entries.len()).sum::<usize>() > ENTRIES_MAX {
            known.retain(|location, _| manifests.iter().any(|m| m.manifest_path == *location));
        }
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = known;
        Ok(wanted)
    }
}

fn inherit(entry: &iceberg::spec::ManifestEntry, manifest: &ManifestFile) -> Entry {
    Entry {
        file: entry.data_file().clone(),
        status: entry.status(),
        snapshot_id: entry.snapshot_id().unwrap_or(manifest.added_snapshot_id),
        sequence: entry.sequence_number().unwrap_or(manifest.sequence_number),
        file_sequence: entry.file_sequence_number.unwrap_or(manifest.sequence_number),
    }
}

/// What a commit was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SnapshotInfo {
    /// Its id.
    pub id: i64,
    /// The commit before.
    pub parent: Option<i64>,
    /// When it was made, in milliseconds.
    pub timestamp_ms: i64,
    /// `append`, `replace`, `overwrite` or `delete`.
    pub operation: String,
    /// What it says of itself: Iceberg's totals and `skywarden.…`.
    pub summary: BTreeMap<String, String>,
}

/// A table after one commit. It stays as it is, whatever is committed later.
#[derive(Clone)]
pub struct Snapshot {
    pub(crate) shared: Arc<Shared>,
    pub(crate) table: String,
    pub(crate) base: Arc<Base>,
    pub(crate) id: Option<i64>,
}

impl Snapshot {
    /// The commit's id; nothing if nothing was ever committed.
    pub fn id(&self) -> Option<i64> {
        self.id
    }

    /// What the commit was.
    pub fn info(&self) -> Option<SnapshotInfo> {
        self.raw().map(info)
    }

    /// The table's columns.
    ///
    /// # Errors
    /// When a foreign engine has added a column of a type that has no place here.
    pub fn def(&self) -> Result<TableDef, ReadError> {
        metadata::def_of(&self.table, &self.base.metadata)
            .map_err(|what| ReadError::Unsupported { table: self.table.clone(), what })
    }

    /// The Arrow schema of its files. A file that is older than a column lacks it.
    ///
    /// # Errors
    /// When a foreign engine has added a column of a type that has no place here.
    pub fn arrow_schema(&self) -> Result<SchemaRef, ReadError> {
        let schema = metadata::file_schema(self.base.metadata.current_schema());
        schema.map_err(|what| ReadError::Unsupported { table: self.table.clone(), what })
    }

    /// How many rows it has: the sum over its manifests, not what a summary claims.
    ///
    /// # Errors
    /// When the manifest list cannot be read.
    pub fn rows(&self) -> Result<u64, ReadError> {
        Ok(self.entries(i64::MIN, i64::MAX)?.iter().map(|e| e.file.record_count()).sum())
    }

    /// How many manifests list its files.
    ///
    /// # Errors
    /// When the manifest list cannot be read.
    pub fn manifest_count(&self) -> Result<usize, ReadError> {
        Ok(self.manifests()?.len())
    }

    /// The counters, carried on from commit to commit.
    pub fn counters(&self) -> BTreeMap<String, u64> {
        crate::commit::counters(&self.base.metadata, self.id)
    }

    /// Where each feed was when the commit was made.
    ///
    /// # Errors
    /// When they are kept in a file that cannot be read.
    pub fn positions(&self) -> Result<BTreeMap<String, String>, ReadError> {
        crate::commit::positions(&self.shared.store, &self.table, &self.base.metadata, self.id)
    }

    /// The files that may hold rows with `from_ms <= time < to_ms`, oldest day first.
    ///
    /// # Errors
    /// When a manifest cannot be read.
    pub fn files(&self, from_ms: i64, to_ms: i64) -> Result<Vec<LakeFile>, ReadError> {
        let ids: Arc<HashMap<String, i32>> = Arc::new(
            self.base.metadata.current_schema().as_struct().fields().iter().map(|f| (f.name.clone(), f.id)).collect(),
        );
        let mut files = Vec::new();
        for entry in self.entries(from_ms, to_ms)? {
            let location = entry.file.file_path().to_owned();
            let path =
                self.shared.store.path(&location).map_err(|err| ReadError::Store { table: self.table.clone(), err })?;
            files.push(LakeFile {
                path,
                size: entry.file.file_size_in_bytes(),
                rows: entry.file.record_count(),
                day: entry.day(),
                split_offsets: entry.file.split_offsets().map(<[i64]>::to_vec).unwrap_or_default(),
                location,
                entry,
                ids: Arc::clone(&ids),
            });
        }
        files.sort_by(|a, b| {
            (a.day, a.lower(TIME), &a.location)
                .partial_cmp(&(b.day, b.lower(TIME), &b.location))
                .unwrap_or(std::cmp::Ordering::Equal)
        });
        Ok(files)
    }

    pub(crate) fn raw(&self) -> Option<&SnapshotRef> {
        self.base.metadata.snapshot_by_id(self.id?)
    }

    pub(crate) fn manifests(&self) -> Result<Vec<ManifestFile>, ReadError> {
        manifests(&self.shared.store, &self.table, &self.base.metadata, self.id)
    }

    /// The live files that may hold rows of this time, without deleting those whose bounds are unknown.
    pub(crate) fn entries(&self, from_ms: i64, to_ms: i64) -> Result<Vec<Arc<Entry>>, ReadError> {
        if from_ms >= to_ms {
            return Ok(Vec::new());
        }
        let (from_us, to_us) = (from_ms.saturating_mul(1000), to_ms.saturating_mul(1000));
        let is_whole = from_ms == i64::MIN && to_ms == i64::MAX;
        // The last instant that belongs, not the first that does not, tells the last day.
        let days = (from_us.div_euclid(DAY_US), to_us.saturating_sub(1).div_euclid(DAY_US));
        let spec = self.base.metadata.default_partition_spec_id();
        let mut manifests = self.manifests()?;
        if !is_whole {
            manifests.retain(|m| m.partition_spec_id != spec || overlaps(m, days));
        }
        let time = self.base.time();
        let mut live = Vec::new();
        for entries in self.shared.manifests.read(&self.shared.store, &self.table, &manifests)? {
            for entry in entries.iter().filter(|e| e.is_live()) {
                if entry.file.content_type() != DataContentType::Data {
                    return Err(ReadError::Unsupported {
                        table: self.table.clone(),
                        what: "files of deleted rows".to_owned(),
                    });
                }
                let is_day = entry.day().is_none_or(|day| (days.0..=days.1).contains(&i64::from(day)));
                if is_whole || (is_day && may_hold(entry, time, from_us..to_us)) {
                    live.push(Arc::clone(entry));
                }
            }
        }
        Ok(live)
    }
}

/// Whether a file may hold rows of this time, as far as the bounds of its time tell.
pub(crate) fn may_hold(entry: &Entry, time: Option<i32>, us: Range<i64>) -> bool {
    let bound = |bounds: &HashMap<i32, iceberg::spec::Datum>| match bounds.get(&time?)?.literal() {
        PrimitiveLiteral::Long(us) => Some(*us),
        _ => None,
    };
    let is_before = bound(entry.file.upper_bounds()).is_some_and(|last| last < us.start);
    let is_after = bound(entry.file.lower_bounds()).is_some_and(|first| first >= us.end);
    !is_before && !is_after
}

/// The manifests of the snapshot of this id.
pub(crate) fn manifests(
    store: &Store,
    table: &str,
    metadata: &TableMetadata,
    id: Option<i64>,
) -> Result<Vec<ManifestFile>, ReadError> {
    let Some(id) = id else { return Ok(Vec::new()) };
    manifests_of(
        store,
        table,
        metadata.snapshot_by_id(id).ok_or_else(|| ReadError::NoSnapshot { table: table.to_owned(), id })?,
    )
}

/// The manifests of a snapshot.
pub(crate) fn manifests_of(store: &Store, table: &str, snapshot: &SnapshotRef) -> Result<Vec<ManifestFile>, ReadError> {
    let bytes = store.get(snapshot.manifest_list()).map_err(|err| ReadError::Store { table: table.to_owned(), err })?;
    let list = ManifestList::parse_with_version(&bytes, FormatVersion::V2);
    let list =
        list.map_err(|err| ReadError::Parse { location: snapshot.manifest_list().to_owned(), err: err.into() })?;
    if list
        .entries()
        .iter()
        .any(|m| m.content == ManifestContentType::Deletes && (m.has_added_files() || m.has_existing_files()))
    {
        return Err(ReadError::Unsupported { table: table.to_owned(), what: "files of deleted rows".to_owned() });
    }
    Ok(list.consume_entries().into_iter().collect())
}

/// Whether a manifest may have files of these days.
fn overlaps(manifest: &ManifestFile, days: (i64, i64)) -> bool {
    let Some(summary) = manifest.partitions.as_ref().and_then(|p| p.first()) else { return true };
    let day = |bytes: Option<&Vec<u8>>| -> Option<i64> {
        Some(i64::from(i32::from_le_bytes(bytes?.as_slice().try_into().ok()?)))
    };
    let (Some(first), Some(last)) = (day(summary.lower_bound.as_deref()), day(summary.upper_bound.as_deref())) else {
        return true;
    };
    summary.contains_null || (first <= days.1 && last >= days.0)
}

pub(crate) fn info(snapshot: &SnapshotRef) -> SnapshotInfo {
    SnapshotInfo {
        id: snapshot.snapshot_id(),
        parent: snapshot.parent_snapshot_id(),
        timestamp_ms: snapshot.timestamp_ms(),
        operation: operation(&snapshot.summary().operation).to_owned(),
        summary: snapshot.summary().additional_properties.iter().map(|(k, v)| (k.clone(), v.clone())).collect(),
    }
}

fn operation(operation: &Operation) -> &str {
    operation.as_str()
}

/// The least or greatest value of a column in a file. Text may be shortened, downwards for the least and upwards for the greatest.
#[derive(Clone, Debug, PartialEq, PartialOrd)]
pub enum Bound {
    /// Of a Boolean column.
    Boolean(bool),
    /// Of a Long column.
    Long(i64),
    /// Of a Double column.
    Double(f64),
    /// Of a Timestamp column, in microseconds.
    Timestamp(i64),
    /// Of a Text column.
    Text(String),
    /// Of a Binary or Fixed16 column.
    Bytes(Vec<u8>),
}

/// One Parquet file of a table.
#[derive(Clone)]
pub struct LakeFile {
    /// Its location as the table's metadata has it.
    pub location: String,
    /// Its path in [`Lake::objects`](crate::Lake::objects).
    pub path: Path,
    /// Its size in bytes.
    pub size: u64,
    /// How many rows it has.
    pub rows: u64,
    /// The UTC day of all its rows, in days since 1970. A foreign engine may have written a file without.
    pub day: Option<i32>,
    /// Where its row groups begin, for splitting a scan.
    pub split_offsets: Vec<i64>,
    pub(crate) entry: Arc<Entry>,
    pub(crate) ids: Arc<HashMap<String, i32>>,
}

impl LakeFile {
    /// A value that no value of the column is below, if one is known.
    pub fn lower(&self, column: &str) -> Option<Bound> {
        bound(self.entry.file.lower_bounds().get(self.ids.get(column)?)?)
    }

    /// A value that no value of the column is above, if one is known.
    pub fn upper(&self, column: &str) -> Option<Bound> {
        bound(self.entry.file.upper_bounds().get(self.ids.get(column)?)?)
    }

    /// The commit that added it.
    pub fn added_by(&self) -> i64 {
        self.entry.snapshot_id
    }

    /// How many rows lack the column, if that is known.
    pub fn nulls(&self, column: &str) -> Option<u64> {
        self.entry.file.null_value_counts().get(self.ids.get(column)?).copied()
    }
}

impl std::fmt::Debug for LakeFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LakeFile")
            .field("location", &self.location)
            .field("size", &self.size)
            .field("rows", &self.rows)
            .field("day", &self.day)
            .finish_non_exhaustive()
    }
}

fn bound(datum: &iceberg::spec::Datum) -> Option<Bound> {
    use iceberg::spec::PrimitiveType;
    Some(match datum.literal() {
        PrimitiveLiteral::Boolean(value) => Bound::Boolean(*value),
        PrimitiveLiteral::Long(value) if *datum.data_type() == PrimitiveType::Timestamptz => Bound::Timestamp(*value),
        PrimitiveLiteral::Long(value) => Bound::Long(*value),
        PrimitiveLiteral::Double(value) => Bound::Double(value.0),
        PrimitiveLiteral::String(value) => Bound::Text(value.clone()),
        PrimitiveLiteral::Binary(value) => Bound::Bytes(value.clone()),
        _ => return None,
    })
}
