//! What can go wrong, by operation.

use std::path::PathBuf;

use crate::catalog::CatalogError;
use crate::env::Step;

/// The cause of a failure in one of the libraries below.
pub(crate) type Cause = Box<dyn std::error::Error + Send + Sync>;

/// One object cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Reading failed.
    #[error("cannot read `{location}`")]
    Get {
        /// Which object.
        location: String,
        /// Why.
        #[source]
        err: Box<object_store::Error>,
    },
    /// Writing failed.
    #[error("cannot write `{location}`")]
    Put {
        /// Which object.
        location: String,
        /// Why.
        #[source]
        err: Box<object_store::Error>,
    },
    /// Deleting failed.
    #[error("cannot delete `{location}`")]
    Delete {
        /// Which object.
        location: String,
        /// Why.
        #[source]
        err: Box<object_store::Error>,
    },
    /// Listing failed.
    #[error("cannot list `{location}`")]
    List {
        /// Which folder.
        location: String,
        /// Why.
        #[source]
        err: Box<object_store::Error>,
    },
    /// The file is written but may not survive a power cut.
    #[error("cannot make `{}` durable", path.display())]
    Sync {
        /// Which file or folder.
        path: PathBuf,
        /// Why.
        #[source]
        err: std::io::Error,
    },
    /// A table refers to a file that is not in its lake.
    #[error("`{location}` lies outside of the lake `{root}`")]
    Outside {
        /// Which object.
        location: String,
        /// The lake.
        root: String,
    },
}

impl StoreError {
    /// Whether the object is not there.
    pub(crate) fn is_missing(&self) -> bool {
        match self {
            Self::Get { err, .. } | Self::Delete { err, .. } => matches!(**err, object_store::Error::NotFound { .. }),
            _ => false,
        }
    }
}

/// A lake or a table of it cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum LakeError {
    /// A saved query is not as asked.
    #[error("cannot use view `{name}`: {why}")]
    View {
        /// Which.
        name: String,
        /// What is wrong.
        why: String,
    },
    /// A saved query cannot be read or written.
    #[error("cannot read or write view `{name}`")]
    ViewStore {
        /// Which.
        name: String,
        /// Why.
        #[source]
        err: StoreError,
    },
    /// The URI names nothing that can hold a lake.
    #[error("cannot open a lake at `{uri}`: {why}")]
    Uri {
        /// As given.
        uri: String,
        /// What is wrong with it.
        why: String,
    },
    /// There is no lake.
    #[error("there is no lake at `{uri}`")]
    Missing {
        /// Where.
        uri: String,
    },
    /// The folder cannot be made or read.
    #[error("cannot use the folder `{}` for a lake", path.display())]
    Folder {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        err: std::io::Error,
    },
    /// The object store's settings are wrong.
    #[error("cannot set up access to `{uri}`")]
    Access {
        /// Which lake.
        uri: String,
        /// Why.
        #[source]
        err: object_store::Error,
    },
    /// The threads for input and output cannot be started.
    #[error("cannot start the input and output of `{uri}`")]
    Runtime {
        /// Which lake.
        uri: String,
        /// Why.
        #[source]
        err: std::io::Error,
    },
    /// Another process writes to the lake.
    #[error("`{uri}` is in use by another process: {holder}")]
    Locked {
        /// Which lake.
        uri: String,
        /// What the other process wrote about itself.
        holder: String,
    },
    /// The lock file cannot be used.
    #[error("cannot lock `{}`", path.display())]
    Lock {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        err: std::io::Error,
    },
    /// The catalog cannot be opened.
    #[error("cannot open the catalog of `{uri}`")]
    Catalog {
        /// Which lake.
        uri: String,
        /// Why.
        #[source]
        err: CatalogError,
    },
    /// The definition of a table is wrong, or at odds with the table that is there.
    #[error("cannot use the definition of table `{table}`: {why}")]
    Definition {
        /// Which table.
        table: String,
        /// What is wrong.
        why: String,
    },
    /// The catalog does not know a table whose files are there. To create it anew would hide them.
    #[error("the catalog does not know table `{table}`, but its files are there: rebuild the catalog")]
    Lost {
        /// Which table.
        table: String,
    },
    /// A table cannot be loaded.
    #[error("cannot load table `{table}`")]
    Load {
        /// Which table.
        table: String,
        /// Why.
        #[source]
        err: ReadError,
    },
    /// A table cannot be made or changed.
    #[error("cannot create or change table `{table}`")]
    Change {
        /// Which table.
        table: String,
        /// Why.
        #[source]
        err: CommitError,
    },
}

/// A table's metadata cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The catalog has no answer.
    #[error("cannot ask the catalog for `{table}`")]
    Catalog {
        /// Which table.
        table: String,
        /// Why.
        #[source]
        err: CatalogError,
    },
    /// The catalog knows no such table.
    #[error("there is no table `{table}`")]
    Missing {
        /// Which table.
        table: String,
    },
    /// A metadata file cannot be read.
    #[error("cannot read metadata of `{table}`")]
    Store {
        /// Which table.
        table: String,
        /// Why.
        #[source]
        err: StoreError,
    },
    /// A metadata file makes no sense.
    #[error("cannot make sense of `{location}`")]
    Parse {
        /// Which file.
        location: String,
        /// Why.
        #[source]
        err: Cause,
    },
    /// The table holds what this version cannot read, so that an answer would be wrong.
    #[error("table `{table}` holds {what}, which cannot be read yet")]
    Unsupported {
        /// Which table.
        table: String,
        /// What.
        what: String,
    },
    /// There is no such snapshot, or no longer.
    #[error("table `{table}` has no snapshot {id}")]
    NoSnapshot {
        /// Which table.
        table: String,
        /// Which snapshot.
        id: i64,
    },
}

/// A commit did not come about.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// The table's state cannot be read.
    #[error("cannot read the state to build on")]
    Read {
        /// Why.
        #[source]
        err: ReadError,
    },
    /// The new metadata would be invalid.
    #[error("cannot build metadata of `{table}`")]
    Build {
        /// Which table.
        table: String,
        /// Why.
        #[source]
        err: Cause,
    },
    /// A metadata file cannot be written.
    #[error("cannot write metadata of `{table}`")]
    Store {
        /// Which table.
        table: String,
        /// Why.
        #[source]
        err: StoreError,
    },
    /// A test stopped it.
    #[error("stopped at {step:?}")]
    Fault {
        /// Where.
        step: Step,
        /// As the test says.
        #[source]
        err: std::io::Error,
    },
    /// Others were faster, each time.
    #[error("others committed to `{table}` first, {attempts} times in a row")]
    Contended {
        /// Which table.
        table: String,
        /// How often it was tried.
        attempts: u32,
    },
    /// The catalog failed, and the commit is not there.
    #[error("the catalog did not take the commit to `{table}`")]
    Catalog {
        /// Which table.
        table: String,
        /// Why.
        #[source]
        err: CatalogError,
    },
}

/// Rows were not appended. What was written stays as orphans; nothing refers to it.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// The lake was opened for reading.
    #[error("cannot append to `{table}`: the lake is open for reading only")]
    ReadOnly {
        /// Which table.
        table: String,
    },
    /// A batch does not fit the table.
    #[error("cannot append a batch to `{table}`: {why}")]
    Batch {
        /// Which table.
        table: String,
        /// What does not fit.
        why: String,
    },
    /// Rows cannot be put in order.
    #[error("cannot arrange rows for `{table}`")]
    Arrange {
        /// Which table.
        table: String,
        /// Why.
        #[source]
        err: arrow::error::ArrowError,
    },
    /// The identities of what is there cannot be read.
    #[error("cannot look for rows that are already in `{table}`")]
    Identities {
        /// Which table.
        table: String,
        /// Why.
        #[source]
        err: FileError,
    },
    /// A data file cannot be written.
    #[error("cannot write rows of `{table}`")]
    Data {
        /// Which table.
        table: String,
        /// Why.
        #[source]
        err: FileError,
    },
    /// The commit did not come about.
    #[error("cannot commit rows to `{table}`")]
    Commit {
        /// Which table.
        table: String,
        /// Why.
        #[source]
        err: CommitError,
    },
}

impl AppendError {
    /// Whether a test stopped it, so that nothing more must happen.
    pub(crate) fn is_fault(&self) -> bool {
        matches!(self, Self::Commit { err: CommitError::Fault { .. }, .. })
    }
}

/// A data file cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// Its content.
    #[error("cannot read or write the Parquet file `{location}`")]
    Parquet {
        /// Which file.
        location: String,
        /// Why.
        #[source]
        err: parquet::errors::ParquetError,
    },
    /// Its content is not what the table says.
    #[error("`{location}` is not as the table says: {why}")]
    Content {
        /// Which file.
        location: String,
        /// What is wrong.
        why: String,
    },
    /// Rows of it cannot be put in order.
    #[error("cannot arrange rows for `{location}`")]
    Arrange {
        /// Which file.
        location: String,
        /// Why.
        #[source]
        err: arrow::error::ArrowError,
    },
    /// Its bytes.
    #[error("cannot keep `{location}`")]
    Store {
        /// Which file.
        location: String,
        /// Why.
        #[source]
        err: StoreError,
    },
    /// What the table shall say of it cannot be put together.
    #[error("cannot describe `{location}`")]
    Describe {
        /// Which file.
        location: String,
        /// Why.
        #[source]
        err: Cause,
    },
}

impl MaintainError {
    /// Whether a test stopped it, so that nothing more must happen.
    pub(crate) fn is_fault(&self) -> bool {
        matches!(self, Self::Commit { err: CommitError::Fault { .. }, .. })
    }
}

/// Upkeep of a table or lake did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum MaintainError {
    /// The lake was opened for reading.
    #[error("cannot {what}: the lake is open for reading only")]
    ReadOnly {
        /// What was to be done.
        what: &'static str,
    },
    /// The state cannot be read.
    #[error("cannot {what}")]
    Read {
        /// What was to be done.
        what: &'static str,
        /// Why.
        #[source]
        err: ReadError,
    },
    /// A file cannot be read or written.
    #[error("cannot {what}")]
    File {
        /// What was to be done.
        what: &'static str,
        /// Why.
        #[source]
        err: FileError,
    },
    /// An object cannot be read or deleted.
    #[error("cannot {what}")]
    Store {
        /// What was to be done.
        what: &'static str,
        /// Why.
        #[source]
        err: StoreError,
    },
    /// The commit did not come about.
    #[error("cannot {what}")]
    Commit {
        /// What was to be done.
        what: &'static str,
        /// Why.
        #[source]
        err: CommitError,
    },
    /// The catalog has no answer.
    #[error("cannot {what}")]
    Catalog {
        /// What was to be done.
        what: &'static str,
        /// Why.
        #[source]
        err: CatalogError,
    },
    /// The lake cannot be opened.
    #[error("cannot {what}")]
    Lake {
        /// What was to be done.
        what: &'static str,
        /// Why.
        #[source]
        err: Box<LakeError>,
    },
    /// A legal hold is in the way, or does not exist.
    #[error("cannot change the hold `{name}`: {why}")]
    Hold {
        /// Which hold.
        name: String,
        /// Why.
        why: &'static str,
    },
}
