//! A lake: where it lies, who may write to it, which tables it has.

use std::path::{Path as FsPath, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use object_store::ObjectStore;
use object_store::aws::AmazonS3Builder;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::prefix::PrefixStore;

use crate::catalog::{Access, Catalog, FileCatalog, SqliteCatalog};
use crate::commit;
use crate::def::TableDef;
use crate::env::{Env, Faults, NoFaults, SystemEnv};
use crate::error::{CommitError, LakeError};
use crate::identity::Identities;
use crate::lock::{self, Lock};
use crate::metadata;
use crate::snapshot::Manifests;
use crate::store::Store;
use crate::table::Table;

/// What a lake is opened for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// To write: it is made if it is not there. One process at a time may, where the lake is a folder.
    Create,
    /// To read: it must be there. Any number may, while another writes.
    Read,
}

/// How a lake is opened.
#[derive(Clone)]
pub struct Options {
    /// How long to wait for another process that writes. Not at all, unless said.
    pub wait: Duration,
    /// How often a commit is tried again when others were faster.
    pub attempts: u32,
    /// Memory for the identities of rows that are there, in bytes. They are read again when it does not suffice.
    pub identity_bytes_max: usize,
    /// Settings of the object store beyond the environment's `AWS_…`, by the same names.
    pub storage: Vec<(String, String)>,
    /// Objects to use instead of those that the URI names: tests. What else a folder has, its catalog and its lock, stays there.
    pub objects: Option<Arc<dyn ObjectStore>>,
    /// Time and randomness.
    pub env: Arc<dyn Env>,
    /// Where a test stops a commit.
    pub faults: Arc<dyn Faults>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            wait: Duration::ZERO,
            attempts: 20,
            identity_bytes_max: 256 << 20,
            storage: Vec::new(),
            objects: None,
            env: Arc::new(SystemEnv),
            faults: Arc::new(NoFaults),
        }
    }
}

/// What all tables of an open lake use.
pub(crate) struct Shared {
    pub(crate) store: Arc<Store>,
    pub(crate) catalog: Box<dyn Catalog>,
    pub(crate) env: Arc<dyn Env>,
    pub(crate) faults: Arc<dyn Faults>,
    pub(crate) manifests: Manifests,
    pub(crate) identities: Identities,
    pub(crate) attempts: u32,
    pub(crate) mode: Mode,
    /// The host and process, for snapshots and the lock file.
    pub(crate) writer: String,
    _lock: Option<Lock>,
}

/// An open lake. Clones are the same lake; the lock is freed with the last of them and of its tables.
#[derive(Clone)]
pub struct Lake {
    pub(crate) shared: Arc<Shared>,
}

impl Lake {
    /// Opens a lake at `file:///…`, `s3://bucket/prefix` or the path of a folder.
    ///
    /// # Errors
    /// When there is none, it cannot be made or read, or another process writes to it.
    pub fn open(uri: &str, mode: Mode) -> Result<Self, LakeError> {
        Self::open_with(uri, mode, Options::default())
    }

    /// Opens a lake with these options.
    ///
    /// # Errors
    /// When there is none, it cannot be made or read, or another process writes to it.
    pub fn open_with(uri: &str, mode: Mode, options: Options) -> Result<Self, LakeError> {
        Self::open_at(uri, mode, options, |_| Ok(()))
    }

    /// Opens a lake after its catalog was moved away. Whoever does so holds the lock, so that nobody uses it.
    pub(crate) fn open_moving_catalog(uri: &str, mode: Mode, options: Options) -> Result<Self, LakeError> {
        Self::open_at(uri, mode, options, |folder| {
            let path = folder.join("catalog.db");
            // What a crash left in the journal belongs to the old catalog.
            for (from, to) in [("catalog.db-journal", "catalog.db.old-journal"), ("catalog.db", "catalog.db.old")] {
                match std::fs::rename(folder.join(from), folder.join(to)) {
                    Err(err) if err.kind() != std::io::ErrorKind::NotFound => {
                        return Err(LakeError::Folder { path, err });
                    }
                    _ => {}
                }
            }
            Ok(())
        })
    }

    fn open_at(
        uri: &str,
        mode: Mode,
        options: Options,
        prepare: impl FnOnce(&FsPath) -> Result<(), LakeError>,
    ) -> Result<Self, LakeError> {
        let writer = format!("host {}, pid {}", host(), std::process::id());
        let place = Place::of(uri, mode, &options)?;
        let lock = match (&place.folder, mode) {
            (Some(folder), Mode::Create) => Some(lock::take(folder, uri, &writer, options.wait, options.env.as_ref())?),
            _ => None,
        };
        if let Some(folder) = &place.folder {
            prepare(folder)?;
        }
        let store = Store::new(place.root, place.objects, place.folder.clone())
            .map_err(|err| LakeError::Runtime { uri: uri.to_owned(), err })?;
        let store = Arc::new(store);
        let catalog: Box<dyn Catalog> = match &place.folder {
            Some(folder) => {
                let access = if mode == Mode::Create { Access::Write } else { Access::Read };
                let opened = SqliteCatalog::open(folder, Arc::clone(&store), access);
                Box::new(opened.map_err(|err| LakeError::Catalog { uri: uri.to_owned(), err })?)
            }
            None => Box::new(FileCatalog::new(Arc::clone(&store))),
        };
        let shared = Shared {
            store,
            catalog,
            env: options.env,
            faults: options.faults,
            manifests: Manifests::default(),
            identities: Identities::new(options.identity_bytes_max),
            attempts: options.attempts.max(1),
            mode,
            writer,
            _lock: lock,
        };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// Its URI, as metadata files have it.
    pub fn uri(&self) -> &str {
        self.shared.store.root()
    }

    /// Its objects; a path in it is one within the lake.
    pub fn objects(&self) -> Arc<dyn ObjectStore> {
        self.shared.store.objects()
    }

    /// The names of its tables, sorted.
    ///
    /// # Errors
    /// When the catalog cannot be read.
    pub fn tables(&self) -> Result<Vec<String>, LakeError> {
        self.shared.catalog.list().map_err(|err| LakeError::Catalog { uri: self.uri().to_owned(), err })
    }

    /// The table of this definition: made if it is not there, with the new columns added if it is older than the definition.
    ///
    /// # Errors
    /// When the definition is wrong or at odds with the table, or the table cannot be read or changed.
    pub fn table(&self, def: &TableDef) -> Result<Table, LakeError> {
        let wrong = |why| LakeError::Definition { table: def.name.clone(), why };
        if let Some(why) = metadata::fault_of(def) {
            return Err(wrong(why));
        }
        let change = |err| LakeError::Change { table: def.name.clone(), err };
        for _ in 0..self.shared.attempts {
            let base = commit::load(&self.shared, &def.name)
                .map_err(|err| LakeError::Load { table: def.name.clone(), err })?;
            if base.is_none() && self.is_lost(&def.name)? {
                return Err(LakeError::Lost { table: def.name.clone() });
            }
            let changed = match &base {
                None if self.shared.mode == Mode::Read => {
                    return Err(wrong("there is no such table, and the lake is open for reading only".to_owned()));
                }
                None => Some(
                    metadata::create(def, self.shared.store.location(&def.name), self.shared.env.as_ref())
                        .map_err(|err| wrong(err.to_string()))?,
                ),
                Some(_) if self.shared.mode == Mode::Read => None,
                Some(base) => {
                    metadata::evolve(&base.metadata, &base.location, def).map_err(|err| wrong(err.to_string()))?
                }
            };
            let Some(changed) = changed else { return Ok(Table::new(Arc::clone(&self.shared), def.name.clone())) };
            commit::change(&self.shared, &def.name, base.as_deref(), &changed).map_err(change)?;
            // Whether it was taken or another was faster, the next round sees.
        }
        Err(change(CommitError::Contended { table: def.name.clone(), attempts: self.shared.attempts }))
    }

    /// Whether there are commits of a table that the catalog does not know.
    fn is_lost(&self, table: &str) -> Result<bool, LakeError> {
        let newest = crate::maintain::newest(&self.shared, table)
            .map_err(|err| LakeError::Load { table: table.to_owned(), err })?;
        // A process that died while it created the table leaves metadata without a commit, which is nothing.
        Ok(newest.is_some_and(|(_, metadata)| metadata.current_snapshot_id().is_some()))
    }

    /// The table of this name, as it is.
    ///
    /// # Errors
    /// When there is none, or it cannot be read.
    pub fn open_table(&self, name: &str) -> Result<Table, LakeError> {
        let load = |err| LakeError::Load { table: name.to_owned(), err };
        let is_name = name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        let base = if is_name { commit::load(&self.shared, name).map_err(load)? } else { None };
        if base.is_none() {
            return Err(load(crate::error::ReadError::Missing { table: name.to_owned() }));
        }
        Ok(Table::new(Arc::clone(&self.shared), name.to_owned()))
    }
}

impl std::fmt::Debug for Lake {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lake").field("uri", &self.uri()).field("mode", &self.shared.mode).finish_non_exhaustive()
    }
}

/// Where a lake lies.
struct Place {
    root: String,
    objects: Arc<dyn ObjectStore>,
    folder: Option<PathBuf>,
}

impl Place {
    fn of(uri: &str, mode: Mode, options: &Options) -> Result<Self, LakeError> {
        match (uri.split_once("://"), &options.objects) {
            (Some(("s3" | "s3a", rest)), None) => Self::bucket(uri, rest, options),
            (Some(("file", path)), _) => Self::folder(uri, FsPath::new(path), mode, options),
            (None, _) => Self::folder(uri, FsPath::new(uri), mode, options),
            (Some(_), Some(objects)) => {
                Ok(Self { root: uri.trim_end_matches('/').to_owned(), objects: Arc::clone(objects), folder: None })
            }
            (Some((scheme, _)), None) => {
                Err(LakeError::Uri { uri: uri.to_owned(), why: format!("`{scheme}` is not among file and s3") })
            }
        }
    }

    fn folder(uri: &str, path: &FsPath, mode: Mode, options: &Options) -> Result<Self, LakeError> {
        if path.as_os_str().is_empty() {
            return Err(LakeError::Uri { uri: uri.to_owned(), why: "the path is empty".to_owned() });
        }
        if mode == Mode::Create {
            std::fs::create_dir_all(path).map_err(|err| LakeError::Folder { path: path.to_path_buf(), err })?;
        } else if !path.join("catalog.db").exists() {
            return Err(LakeError::Missing { uri: uri.to_owned() });
        }
        // Metadata files hold whole paths, so a lake must have one name.
        let path = path.canonicalize().map_err(|err| LakeError::Folder { path: path.to_path_buf(), err })?;
        let Some(text) = path.to_str() else {
            return Err(LakeError::Uri {
                uri: uri.to_owned(),
                why: "the path is not UTF-8, which Iceberg cannot write".to_owned(),
            });
        };
        let objects: Arc<dyn ObjectStore> = match &options.objects {
            Some(objects) => Arc::clone(objects),
            None => {
                let files = LocalFileSystem::new_with_prefix(&path);
                Arc::new(files.map_err(|err| LakeError::Access { uri: uri.to_owned(), err })?)
            }
        };
        Ok(Self { root: format!("file://{text}"), objects, folder: Some(path) })
    }

    fn bucket(uri: &str, rest: &str, options: &Options) -> Result<Self, LakeError> {
        let failed = |err| LakeError::Access { uri: uri.to_owned(), err };
        let (bucket, prefix) = rest.trim_end_matches('/').split_once('/').unwrap_or((rest.trim_end_matches('/'), ""));
        if bucket.is_empty() {
            return Err(LakeError::Uri { uri: uri.to_owned(), why: "the bucket is missing".to_owned() });
        }
        let mut builder = AmazonS3Builder::from_env().with_bucket_name(bucket);
        for (key, value) in &options.storage {
            builder = builder.with_config(key.to_ascii_lowercase().parse().map_err(failed)?, value);
        }
        let bucket_objects = builder.build().map_err(failed)?;
        let objects: Arc<dyn ObjectStore> = if prefix.is_empty() {
            Arc::new(bucket_objects)
        } else {
            let prefix_path =
                Path::parse(prefix).map_err(|err| LakeError::Uri { uri: uri.to_owned(), why: err.to_string() })?;
            Arc::new(PrefixStore::new(bucket_objects, prefix_path))
        };
        let root = if prefix.is_empty() { format!("s3://{bucket}") } else { format!("s3://{bucket}/{prefix}") };
        Ok(Self { root, objects, folder: None })
    }
}

fn host() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname")
        .or_else(|_| std::fs::read_to_string("/etc/hostname"))
        .unwrap_or_default();
    let name: String = name.trim().chars().filter(|c| !c.is_control()).take(100).collect();
    if name.is_empty() { "unknown".to_owned() } else { name }
}

/// Taken by whoever appends to a table, so that threads of one process do not race each other.
pub(crate) type Turn = Arc<Mutex<()>>;
