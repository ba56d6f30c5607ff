//! Events in an open lake: Iceberg tables of Parquet files, on a disk or in a bucket, with a catalog that other engines open.
//!
//! A [`Lake`] is opened by URI; a [`Table`] takes batches and gives back files to scan. Every change, be it an append, a compaction or
//! the removal of old days, is one commit built by one code path, and it carries its counters and its feeds' positions with it,
//! so that what was read, what is kept and what was dropped always add up.
//! Queries are deliberately not here: a reader gets [`LakeFile`]s and an object store.

mod catalog;
pub mod columns;
mod commit;
mod def;
mod env;
mod error;
mod export;
mod file;
mod identity;
mod lake;
mod lock;
mod maintain;
mod metadata;
pub mod rows;
mod scan;
mod snapshot;
mod store;
mod table;
mod view;
mod write;

pub use catalog::{Catalog, CatalogError, Swap};
pub use def::{ColumnDef, ColumnType, TableDef};
pub use env::{Env, Faults, NoFaults, Step, SystemEnv};
pub use error::{AppendError, CommitError, FileError, LakeError, MaintainError, ReadError, StoreError};
pub use export::{ExportError, ExportOptions, Exported, Project, export};
pub use lake::{Lake, Mode, Options};
pub use maintain::{
    CompactOptions, Compacted, ExpireOptions, Expired, Fsck, FsckOptions, Hold, Orphan, Problem, Rebuilt, Repair,
    Retained, Status,
};
pub use scan::Scan;
pub use snapshot::{Bound, LakeFile, Snapshot, SnapshotInfo};
pub use table::{Appended, Counts, Table};
pub use view::View;
