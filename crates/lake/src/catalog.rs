//! Which metadata file of a table is the current one, changed by compare and swap.
//!
//! A folder keeps it in SQLite, in the layout that Iceberg's other SQL catalogs use, so that pyiceberg opens the same `catalog.db`.
//! A bucket has no place for SQLite: there the metadata files themselves are numbered, and the next number can be taken only once.

use std::path::{Path as FsPath, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use rusqlite::{Connection, OptionalExtension};

use crate::error::StoreError;
use crate::store::Store;

/// The catalog's name in `catalog.db`.
pub const CATALOG: &str = "skywarden";
/// The namespace of all tables in `catalog.db`.
pub const NAMESPACE: &str = "skywarden";

/// The catalog does not answer, or not with what it should.
#[derive(Debug, thiserror::Error)]
pub enum CatalogError {
    /// SQLite failed.
    #[error("cannot {what} `{}`", path.display())]
    Sqlite {
        /// What was to be done.
        what: &'static str,
        /// The database.
        path: PathBuf,
        /// Why.
        #[source]
        err: Box<rusqlite::Error>,
    },
    /// A metadata file cannot be read or written.
    #[error("cannot {what} in the catalog of files")]
    Store {
        /// What was to be done.
        what: &'static str,
        /// Why.
        #[source]
        err: Box<StoreError>,
    },
}

/// What became of a swap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Swap {
    /// The new metadata is current.
    Done,
    /// Another commit was there first; nothing has changed.
    Lost,
}

/// Which metadata file of each table is current. A table is never dropped.
pub trait Catalog: Send + Sync {
    /// The location of the current metadata file, or nothing if there is no such table.
    ///
    /// # Errors
    /// When the catalog cannot be read.
    fn load(&self, table: &str) -> Result<Option<String>, CatalogError>;

    /// Where the metadata after this one belongs; `unique` is a name that nobody else uses.
    fn next(&self, table: &str, current: Option<&str>, unique: &str) -> String;

    /// Writes metadata to where [`Catalog::next`] said and makes it current if `from` still is; nothing as `from` creates the table.
    ///
    /// # Errors
    /// When it is not known whether the swap took place. The caller must look.
    fn swap(&self, table: &str, from: Option<&str>, to: &str, metadata: Bytes) -> Result<Swap, CatalogError>;

    /// The names of all tables, sorted.
    ///
    /// # Errors
    /// When the catalog cannot be read.
    fn list(&self) -> Result<Vec<String>, CatalogError>;

    /// Makes this metadata file current whatever was: repair only.
    ///
    /// # Errors
    /// When the catalog cannot be written.
    fn restore(&self, table: &str, to: &str) -> Result<(), CatalogError>;
}

/// The number in a metadata file's name: `00012-….metadata.json` or `v12.metadata.json`.
pub(crate) fn version(location: &str) -> Option<u64> {
    let name = location.rsplit('/').next()?.strip_suffix(".metadata.json")?;
    let name = name.strip_prefix('v').unwrap_or(name);
    name.split('-').next()?.parse().ok()
}

/// The folder of a table's metadata.
pub(crate) fn metadata_folder(table: &str) -> String {
    format!("{table}/metadata")
}

/// Where the name of the newest metadata file is left for engines that open a table by its folder.
pub(crate) fn hint_path(table: &str) -> String {
    format!("{table}/metadata/version-hint.text")
}

/// The text from which DuckDB and others build the metadata file's name again.
fn hint_of(location: &str) -> Option<String> {
    let name = location.rsplit('/').next()?.strip_suffix(".metadata.json")?;
    Some(name.strip_prefix('v').filter(|n| n.bytes().all(|b| b.is_ascii_digit())).unwrap_or(name).to_owned())
}

/// Leaves the hint. It is a hint: the commit is made, whoever reads the hint looks further, and the next commit writes it again.
fn leave_hint(store: &Store, table: &str, location: &str) {
    if let Some(hint) = hint_of(location) {
        let _not_needed = store.put(&store.location(&hint_path(table)), Bytes::from(hint));
    }
}

/// `catalog.db` in the lake's folder.
pub(crate) struct SqliteCatalog {
    path: PathBuf,
    connection: Mutex<Connection>,
    store: Arc<Store>,
}

/// Who may make `catalog.db`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// It is made if it is not there.
    Write,
    /// It must be there.
    Read,
}

impl SqliteCatalog {
    pub(crate) fn open(folder: &FsPath, store: Arc<Store>, access: Access) -> Result<Self, CatalogError> {
        use rusqlite::OpenFlags;
        let path = folder.join("catalog.db");
        let failed = |what| {
            let path = path.clone();
            move |err| CatalogError::Sqlite { what, path, err: Box::new(err) }
        };
        let open = |flags| Connection::open_with_flags(&path, OpenFlags::SQLITE_OPEN_NO_MUTEX | flags);
        let connection = match access {
            Access::Write => open(OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE),
            // A reader, too, must be able to roll back what a writer that died has left; but where nobody can write, nobody has.
            Access::Read => open(OpenFlags::SQLITE_OPEN_READ_WRITE).or_else(|_| open(OpenFlags::SQLITE_OPEN_READ_ONLY)),
        };
        let connection = connection.map_err(failed("open"))?;
        connection.busy_timeout(Duration::from_secs(75)).map_err(failed("set up"))?;
        if access == Access::Write {
            connection.pragma_update(None, "synchronous", "FULL").map_err(failed("set up"))?;
            connection.execute_batch(TABLES).map_err(failed("create tables in"))?;
            let known = "INSERT OR IGNORE INTO iceberg_namespace_properties VALUES (?1, ?2, 'exists', 'true')";
            connection.execute(known, (CATALOG, NAMESPACE)).map_err(failed("create the namespace in"))?;
        }
        Ok(Self { path, connection: Mutex::new(connection), store })
    }

    fn connection(&self) -> MutexGuard<'_, Connection> {
        // SQLite rolls back what a panicking thread began, so its connection is still good.
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn failed(&self, what: &'static str) -> impl FnOnce(rusqlite::Error) -> CatalogError {
        let path = self.path.clone();
        move |err| CatalogError::Sqlite { what, path, err: Box::new(err) }
    }
}

/// As pyiceberg makes them.
const TABLES: &str = "
CREATE TABLE IF NOT EXISTS iceberg_tables (
    catalog_name VARCHAR(255) NOT NULL, table_namespace VARCHAR(255) NOT NULL, table_name VARCHAR(255) NOT NULL,
    metadata_location VARCHAR(1000), previous_metadata_location VARCHAR(1000), iceberg_type VARCHAR(5) DEFAULT 'TABLE',
    PRIMARY KEY (catalog_name, table_namespace, table_name));
CREATE TABLE IF NOT EXISTS iceberg_namespace_properties (
    catalog_name VARCHAR(255) NOT NULL, namespace VARCHAR(255) NOT NULL, property_key VARCHAR(255) NOT NULL, property_value VARCHAR(1000) NOT NULL,
    PRIMARY KEY (catalog_name, namespace, property_key));
";

impl Catalog for SqliteCatalog {
    fn load(&self, table: &str) -> Result<Option<String>, CatalogError> {
        let sql = "SELECT metadata_location FROM iceberg_tables WHERE catalog_name = ?1 AND table_namespace = ?2 AND table_name = ?3";
        let found = self
            .connection()
            .query_row(sql, (CATALOG, NAMESPACE, table), |row| row.get::<_, Option<String>>(0))
            .optional();
        Ok(found.map_err(self.failed("read"))?.flatten())
    }

    fn next(&self, table: &str, current: Option<&str>, unique: &str) -> String {
        let number = current.map_or(0, |c| version(c).map_or(0, |v| v + 1));
        self.store.location(&format!("{}/{number:05}-{unique}.metadata.json", metadata_folder(table)))
    }

    fn swap(&self, table: &str, from: Option<&str>, to: &str, metadata: Bytes) -> Result<Swap, CatalogError> {
        let stored = |err| CatalogError::Store { what: "write metadata", err: Box::new(err) };
        self.store.put(to, metadata).map_err(stored)?;
        self.store.sync(&[to.to_owned()]).map_err(stored)?;
        let n_changed = match from {
            None => self.connection().execute(
                "INSERT OR IGNORE INTO iceberg_tables (catalog_name, table_namespace, table_name, metadata_location) VALUES (?1, ?2, ?3, ?4)",
                (CATALOG, NAMESPACE, table, to),
            ),
            Some(from) => self.connection().execute(
                "UPDATE iceberg_tables SET metadata_location = ?4, previous_metadata_location = ?5
                 WHERE catalog_name = ?1 AND table_namespace = ?2 AND table_name = ?3 AND metadata_location = ?5",
                (CATALOG, NAMESPACE, table, to, from),
            ),
        };
        if n_changed.map_err(self.failed("write"))? == 1 {
            leave_hint(&self.store, table, to);
            return Ok(Swap::Done);
        }
        // It never was and never will be current, so nobody can refer to it.
        self.store.delete(to).map_err(stored)?;
        Ok(Swap::Lost)
    }

    fn list(&self) -> Result<Vec<String>, CatalogError> {
        let connection = self.connection();
        let sql = "SELECT table_name FROM iceberg_tables WHERE catalog_name = ?1 AND table_namespace = ?2 ORDER BY table_name";
        let names = connection
            .prepare(sql)
            .and_then(|mut query| query.query_map((CATALOG, NAMESPACE), |row| row.get(0))?.collect());
        names.map_err(self.failed("read"))
    }

    fn restore(&self, table: &str, to: &str) -> Result<(), CatalogError> {
        let sql = "INSERT INTO iceberg_tables (catalog_name, table_namespace, table_name, metadata_location) VALUES (?1, ?2, ?3, ?4)
                   ON CONFLICT (catalog_name, table_namespace, table_name) DO UPDATE SET metadata_location = excluded.metadata_location";
        self.connection().execute(sql, (CATALOG, NAMESPACE, table, to)).map_err(self.failed("write"))?;
        leave_hint(&self.store, table, to);
        Ok(())
    }
}

/// Metadata files with numbers: the highest is current.
pub(crate) struct FileCatalog {
    store: Arc<Store>,
}

impl FileCatalog {
    pub(crate) fn new(store: Arc<Store>) -> Self {
        Self { store }
    }

    fn location(&self, table: &str, number: u64) -> String {
        self.store.location(&format!("{}/v{number}.metadata.json", metadata_folder(table)))
    }

    /// The number in the hint, if there is one that can be read.
    fn hinted(&self, table: &str) -> Result<Option<u64>, StoreError> {
        match self.store.get(&self.store.location(&hint_path(table))) {
            Ok(bytes) => Ok(std::str::from_utf8(&bytes).ok().and_then(|text| text.trim().parse().ok())),
            Err(err) if err.is_missing() => Ok(None),
            Err(err) => Err(err),
        }
    }

    fn newest(&self, table: &str) -> Result<Option<u64>, StoreError> {
        let hinted = match self.hinted(table)? {
            Some(number) if self.store.head(&self.location(table, number))?.is_some() => Some(number),
            _ => self.store.list(&metadata_folder(table))?.iter().filter_map(|(location, _)| version(location)).max(),
        };
        let Some(mut number) = hinted else { return Ok(None) };
        // The hint is written after the commit and may be old; numbers have no gaps.
        while self.store.head(&self.location(table, number + 1))?.is_some() {
            number += 1;
        }
        Ok(Some(number))
    }
}

impl Catalog for FileCatalog {
    fn load(&self, table: &str) -> Result<Option<String>, CatalogError> {
        let newest = self
            .newest(table)
            .map_err(|err| CatalogError::Store { what: "find the newest metadata", err: Box::new(err) })?;
        Ok(newest.map(|number| self.location(table, number)))
    }

    fn next(&self, table: &str, current: Option<&str>, _: &str) -> String {
        self.location(table, current.and_then(version).map_or(1, |v| v + 1))
    }

    fn swap(&self, table: &str, _: Option<&str>, to: &str, metadata: Bytes) -> Result<Swap, CatalogError> {
        if !self
            .store
            .create(to, metadata)
            .map_err(|err| CatalogError::Store { what: "write metadata", err: Box::new(err) })?
        {
            return Ok(Swap::Lost);
        }
        leave_hint(&self.store, table, to);
        Ok(Swap::Done)
    }

    fn list(&self) -> Result<Vec<String>, CatalogError> {
        let failed = |err| CatalogError::Store { what: "list tables", err: Box::new(err) };
        let mut names = Vec::new();
        for name in self.store.folders().map_err(failed)? {
            if self.newest(&name).map_err(failed)?.is_some() {
                names.push(name);
            }
        }
        names.sort();
        Ok(names)
    }

    fn restore(&self, table: &str, to: &str) -> Result<(), CatalogError> {
        // The files are the catalog, so only the hint can be wrong.
        leave_hint(&self.store, table, to);
        Ok(())
    }
}
