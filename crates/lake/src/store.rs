//! The objects of a lake, by their location, from code that does not wait in futures.

use std::future::Future;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload};

use crate::error::StoreError;

/// How many objects are read at once: enough to hide a bucket's latency, few enough for its patience.
const CONCURRENCY: usize = 8;

/// Threads that read and write the files of a folder: each keeps memory of its own, and a disk is not faster for more of them.
const FILE_THREADS: usize = 4;

/// All objects of one lake.
pub(crate) struct Store {
    /// The lake's URI without a slash at its end; locations in metadata begin with it.
    root: String,
    objects: Arc<dyn ObjectStore>,
    /// The folder, where the lake is one.
    folder: Option<PathBuf>,
    /// Where the lake was when metadata was written that still names the place: it was moved or copied.
    former: RwLock<Vec<String>>,
    runtime: Option<tokio::runtime::Runtime>,
}

impl Store {
    pub(crate) fn new(root: String, objects: Arc<dyn ObjectStore>, folder: Option<PathBuf>) -> std::io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .max_blocking_threads(FILE_THREADS)
            .thread_name("lake-io")
            .enable_all()
            .build()?;
        Ok(Self { root, objects, folder, former: RwLock::default(), runtime: Some(runtime) })
    }

    pub(crate) fn root(&self) -> &str {
        &self.root
    }

    pub(crate) fn objects(&self) -> Arc<dyn ObjectStore> {
        Arc::clone(&self.objects)
    }

    /// The result of a future.
    ///
    /// A caller may itself be run by an async runtime (the query engine's), where blocking is a panic; a thread of its own is always allowed to.
    pub(crate) fn wait<F>(&self, future: F) -> F::Output
    where
        F: Future + Send,
        F::Output: Send,
    {
        let runtime = self.runtime.as_ref().expect("the runtime lives as long as the store");
        if tokio::runtime::Handle::try_current().is_err() {
            return runtime.block_on(future);
        }
        std::thread::scope(|scope| match scope.spawn(|| runtime.block_on(future)).join() {
            Ok(output) => output,
            Err(panic) => std::panic::resume_unwind(panic),
        })
    }

    /// The location of an object by its path within the lake.
    pub(crate) fn location(&self, path: &str) -> String {
        format!("{}/{path}", self.root)
    }

    /// The path within the lake. Engines write the same place in several ways: with and without `file://`, `s3a` for `s3`.
    pub(crate) fn path(&self, location: &str) -> Result<Path, StoreError> {
        let outside = || StoreError::Outside { location: location.to_owned(), root: self.root.clone() };
        let plain = |text: &str| match text.split_once("://") {
            Some(("s3a" | "s3n", rest)) => format!("s3://{rest}"),
            Some(("file", rest)) => rest.to_owned(),
            Some(_) => text.to_owned(),
            None => text.strip_prefix("file:").unwrap_or(text).to_owned(),
        };
        let location_plain = plain(location);
        let below =
            |root: &str| location_plain.strip_prefix(plain(root).as_str())?.strip_prefix('/').map(str::to_owned);
        let former = self.former.read().unwrap_or_else(PoisonError::into_inner);
        let rest = below(&self.root).or_else(|| former.iter().find_map(|root| below(root))).ok_or_else(outside)?;
        Path::parse(&rest).map_err(|_| outside())
    }

    /// Takes note that the lake was elsewhere when a location was written, if it ends in this path and the object is here now.
    pub(crate) fn recognise(&self, location: &str, ending: &str) -> Result<(), StoreError> {
        let Some(root) = location.trim_end_matches('/').strip_suffix(ending).and_then(|root| root.strip_suffix('/'))
        else {
            return Ok(());
        };
        if self.path(location).is_err() && self.head_or_folder(ending)? {
            self.former.write().unwrap_or_else(PoisonError::into_inner).push(root.to_owned());
        }
        Ok(())
    }

    fn head_or_folder(&self, path: &str) -> Result<bool, StoreError> {
        Ok(self.head(&self.location(path))?.is_some() || !self.list(path)?.is_empty())
    }

    pub(crate) fn get(&self, location: &str) -> Result<Bytes, StoreError> {
        let path = self.path(location)?;
        self.wait(async { self.objects.get(&path).await?.bytes().await })
            .map_err(|err| StoreError::Get { location: location.to_owned(), err: Box::new(err) })
    }

    /// Several objects, in the order of their locations.
    pub(crate) fn get_all(&self, locations: &[String]) -> Result<Vec<Bytes>, StoreError> {
        let paths = locations.iter().map(|l| Ok((l.clone(), self.path(l)?))).collect::<Result<Vec<_>, StoreError>>()?;
        self.wait(async {
            futures::stream::iter(paths)
                .map(|(location, path)| async move {
                    let bytes = async { self.objects.get(&path).await?.bytes().await };
                    bytes.await.map_err(|err| StoreError::Get { location, err: Box::new(err) })
                })
                .buffered(CONCURRENCY)
                .try_collect()
                .await
        })
    }

    /// Writes an object whose name is new, or replaces one whose name is not.
    pub(crate) fn put(&self, location: &str, bytes: Bytes) -> Result<(), StoreError> {
        let path = self.path(location)?;
        self.wait(async { self.objects.put(&path, PutPayload::from_bytes(bytes)).await })
            .map(|_| ())
            .map_err(|err| StoreError::Put { location: location.to_owned(), err: Box::new(err) })
    }

    /// Writes an object unless there is one: true if it was written.
    pub(crate) fn create(&self, location: &str, bytes: Bytes) -> Result<bool, StoreError> {
        let path = self.path(location)?;
        let options = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
        match self.wait(async { self.objects.put_opts(&path, PutPayload::from_bytes(bytes), options).await }) {
            Ok(_) => Ok(true),
            Err(object_store::Error::AlreadyExists { .. } | object_store::Error::Precondition { .. }) => Ok(false),
            Err(err) => Err(StoreError::Put { location: location.to_owned(), err: Box::new(err) }),
        }
    }

    pub(crate) fn head(&self, location: &str) -> Result<Option<ObjectMeta>, StoreError> {
        let path = self.path(location)?;
        match self.wait(async { self.objects.head(&path).await }) {
            Ok(meta) => Ok(Some(meta)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(err) => Err(StoreError::Get { location: location.to_owned(), err: Box::new(err) }),
        }
    }

    /// Whether an object lies in the lake as the file system has it: a symbolic link may lead out of its folder, to what is not ours.
    pub(crate) fn is_inside(&self, location: &str) -> Result<bool, StoreError> {
        let Some(folder) = &self.folder else { return Ok(true) };
        let path = folder.join(self.path(location)?.as_ref());
        // The object may be a link itself, which is then deleted and not what it leads to; what counts is the folder that it is in.
        let parent = path.parent().unwrap_or(folder);
        Ok(match (folder.canonicalize(), parent.canonicalize()) {
            (Ok(folder), Ok(parent)) => parent.starts_with(folder),
            // Where there is no folder there is nothing to be deleted.
            (Ok(_), Err(err)) => err.kind() == std::io::ErrorKind::NotFound,
            (Err(_), _) => false,
        })
    }

    /// Deletes an object; that it is gone already is no error. What lies elsewhere, behind a symbolic link, is never deleted.
    pub(crate) fn delete(&self, location: &str) -> Result<(), StoreError> {
        let path = self.path(location)?;
        if !self.is_inside(location)? {
            return Err(StoreError::Outside { location: location.to_owned(), root: self.root.clone() });
        }
        match self.wait(async { self.objects.delete(&path).await }) {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(err) => Err(StoreError::Delete { location: location.to_owned(), err: Box::new(err) }),
        }
    }

    /// All objects below a folder of the lake, with their locations.
    pub(crate) fn list(&self, folder: &str) -> Result<Vec<(String, ObjectMeta)>, StoreError> {
        let failed = |err| StoreError::List { location: self.location(folder), err: Box::new(err) };
        let prefix = Path::parse(folder)
            .map_err(|_| StoreError::Outside { location: folder.to_owned(), root: self.root.clone() })?;
        let found: Vec<ObjectMeta> =
            self.wait(async { self.objects.list(Some(&prefix)).try_collect().await }).map_err(failed)?;
        Ok(found.into_iter().map(|meta| (self.location(meta.location.as_ref()), meta)).collect())
    }

    /// The names of the folders in the lake's root.
    pub(crate) fn folders(&self) -> Result<Vec<String>, StoreError> {
        let found = self.wait(async { self.objects.list_with_delimiter(None).await });
        let found = found.map_err(|err| StoreError::List { location: self.root.clone(), err: Box::new(err) })?;
        Ok(found.common_prefixes.iter().filter_map(|p| p.filename().map(str::to_owned)).collect())
    }

    /// Makes files and their names survive a power cut. A bucket has done so when it answers; a disk has not.
    pub(crate) fn sync(&self, locations: &[String]) -> Result<(), StoreError> {
        let Some(folder) = &self.folder else { return Ok(()) };
        let mut folders = std::collections::BTreeSet::new();
        for location in locations {
            let path = folder.join(self.path(location)?.as_ref());
            sync_one(&path)?;
            // A new folder's own name lies in the one above it, up to the lake.
            folders.extend(
                path.ancestors().skip(1).take_while(|p| p.starts_with(folder)).map(std::path::Path::to_path_buf),
            );
        }
        folders.iter().try_for_each(|folder| sync_one(folder))
    }
}

fn sync_one(path: &std::path::Path) -> Result<(), StoreError> {
    let synced = std::fs::File::open(path).and_then(|file| file.sync_all());
    synced.map_err(|err| StoreError::Sync { path: path.to_path_buf(), err })
}

impl Drop for Store {
    fn drop(&mut self) {
        // Dropping a runtime blocks, which is a panic where another runtime runs the last owner.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_place_is_written_in_several_ways() {
        let objects: Arc<dyn ObjectStore> = Arc::new(object_store::memory::InMemory::new());
        let path = |root: &str, location: &str| {
            let store = Store::new(root.to_owned(), Arc::clone(&objects), None).expect("a runtime starts");
            store.path(location).ok().map(|p| p.to_string())
        };
        assert_eq!(path("file:///a/lake", "file:///a/lake/t/x").as_deref(), Some("t/x"));
        assert_eq!(path("file:///a/lake", "/a/lake/t/x").as_deref(), Some("t/x"));
        assert_eq!(path("file:///a/lake", "file:/a/lake/t/x").as_deref(), Some("t/x"));
        assert_eq!(path("s3://b/lake", "s3a://b/lake/t/x").as_deref(), Some("t/x"));
        assert_eq!(path("file:///a/lake", "file:///a/lakes/t/x"), None);
        assert_eq!(path("file:///a/lake", "file:///a/lake/../x"), None);
        assert_eq!(path("s3://b", "s3://c/x"), None);
    }
}
