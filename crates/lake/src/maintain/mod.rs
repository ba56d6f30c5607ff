//! Upkeep: small files into large ones, old days and old snapshots away, damage found and repaired.

mod compact;
mod expire;
mod fsck;
mod hold;
mod rebuild;
mod status;

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use iceberg::spec::{DataFile, Operation, TableMetadata};

pub use compact::{CompactOptions, Compacted};
pub use expire::{ExpireOptions, Expired, Retained};
pub use fsck::{Fsck, FsckOptions, Orphan, Problem, Repair};
pub use hold::Hold;
pub use rebuild::Rebuilt;
pub(crate) use rebuild::newest;
pub use status::Status;

use crate::catalog::Swap;
use crate::commit::{self, Change, Swapped};
use crate::env::uuid;
use crate::error::{CommitError, MaintainError};
use crate::lake::Mode;
use crate::snapshot::{Base, Snapshot};
use crate::table::{Table, jitter};

/// Milliseconds of a day.
const DAY_MS: i64 = 86_400_000;

impl Table {
    fn writable(&self, what: &'static str) -> Result<(), MaintainError> {
        if self.shared.mode == Mode::Read { Err(MaintainError::ReadOnly { what }) } else { Ok(()) }
    }

    /// Whether there is a commit after this one. What others replaced and deleted is missed only by who builds on what was before.
    fn has_moved_on(&self, base: &Base) -> bool {
        self.base().is_ok_and(|now| now.location != base.location)
    }

    fn snapshot_of(&self, base: Arc<Base>) -> Snapshot {
        let id = base.metadata.current_snapshot_id();
        Snapshot { shared: Arc::clone(&self.shared), table: self.name.clone(), base, id }
    }

    /// Commits a change of files, again and again while others are faster. `plan` says what to do on a base, or nothing when there is nothing left to do.
    fn commit_files<T>(
        &self,
        what: &'static str,
        operation: &Operation,
        mut plan: impl FnMut(&Snapshot) -> Result<Option<(FileChange, T)>, MaintainError>,
    ) -> Result<Option<T>, MaintainError> {
        let commit_id = uuid(self.shared.env.as_ref()).to_string();
        let failed = |err| MaintainError::Commit { what, err };
        let once = |base: &Arc<Base>, files: &FileChange| {
            let change = Change {
                operation: operation.clone(),
                added: &files.added,
                removed: &files.removed,
                commit_id: &commit_id,
                counted: &files.counted,
                positions: &BTreeMap::new(),
            };
            let staged = commit::stage(&self.shared, &self.name, base, &change).map_err(failed)?;
            commit::swap(&self.shared, &self.name, base, staged, &commit_id).map_err(failed)
        };
        let mut tried = None;
        for attempt in 0..self.shared.attempts {
            let base = self.base().map_err(|err| MaintainError::Read { what, err })?;
            // It came late, and what was written for it is in use.
            if let Some(result) = tried.take_if(|_| commit::said_by(&base.metadata, &commit_id).is_some()) {
                return Ok(Some(result));
            }
            let planned = plan(&self.snapshot_of(Arc::clone(&base)));
            let outcome = match planned {
                Ok(None) => return Ok(None),
                Ok(Some((files, result))) => once(&base, &files).map(|swapped| (swapped, result)),
                Err(err) => Err(err),
            };
            match outcome {
                Ok((Swapped::Done { .. } | Swapped::Before(_), result)) => return Ok(Some(result)),
                Ok((Swapped::Lost, result)) => tried = Some(result),
                Err(err) if err.is_fault() || !self.has_moved_on(&base) => return Err(err),
                Err(_) => {}
            }
            self.shared.env.sleep(jitter(attempt, self.shared.env.random()));
        }
        Err(failed(CommitError::Contended { table: self.name.clone(), attempts: self.shared.attempts }))
    }

    /// Commits a change of metadata alone in the same way.
    fn commit_metadata<T>(
        &self,
        what: &'static str,
        mut plan: impl FnMut(&Base) -> Result<Option<(TableMetadata, T)>, MaintainError>,
    ) -> Result<Option<T>, MaintainError> {
        let failed = |err| MaintainError::Commit { what, err };
        for attempt in 0..self.shared.attempts {
            let base = self.base().map_err(|err| MaintainError::Read { what, err })?;
            let (changed, result) = match plan(&base) {
                Ok(Some(planned)) => planned,
                Ok(None) => return Ok(None),
                Err(err) if !self.has_moved_on(&base) => return Err(err),
                Err(_) => continue,
            };
            match commit::change(&self.shared, &self.name, Some(&base), &changed).map_err(failed)? {
                Swap::Done => return Ok(Some(result)),
                Swap::Lost => self.shared.env.sleep(jitter(attempt, self.shared.env.random())),
            }
        }
        Err(failed(CommitError::Contended { table: self.name.clone(), attempts: self.shared.attempts }))
    }
}

/// Which files come and go.
#[derive(Default)]
struct FileChange {
    added: Vec<DataFile>,
    removed: HashSet<String>,
    counted: BTreeMap<String, u64>,
}

fn unbuildable(what: &'static str, table: &str, err: iceberg::Error) -> MaintainError {
    MaintainError::Commit { what, err: CommitError::Build { table: table.to_owned(), err: err.into() } }
}
