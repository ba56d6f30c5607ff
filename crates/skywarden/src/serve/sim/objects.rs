//! Objects in a bucket or a folder whose answers fail, go astray, or tell less than the truth.

use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use futures::FutureExt;
use futures::stream::{self, BoxStream, StreamExt};
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, PutMultipartOptions,
    PutOptions, PutPayload, PutResult, Result,
};

use super::super::lock;
use super::world::{Can, Fate, World};

/// The objects, as the server sees them.
pub struct Objects {
    all: Arc<InMemory>,
    /// Where the lake looks for files, to make them durable.
    folder: Option<PathBuf>,
    world: Arc<World>,
    late: Mutex<Vec<Late>>,
}

/// What was written and is not there yet.
struct Late {
    due: u64,
    path: Path,
    payload: PutPayload,
    options: PutOptions,
}

fn failure(why: &'static str) -> object_store::Error {
    object_store::Error::Generic { store: "simulated", source: why.into() }
}

impl Objects {
    /// None, in a bucket or, if there is one, in a folder.
    pub fn new(folder: Option<PathBuf>, world: &Arc<World>) -> Arc<Objects> {
        Arc::new(Objects { all: Arc::default(), folder, world: Arc::clone(world), late: Mutex::default() })
    }

    /// The same objects as another process sees them, for which all goes well.
    pub fn of_others(&self) -> Arc<InMemory> {
        Arc::clone(&self.all)
    }

    /// What is on its way arrives, if `does_arrive` says so of it, or never does.
    pub fn settle(&self, mut does_arrive: impl FnMut() -> bool) {
        let late = std::mem::take(&mut *lock(&self.late));
        for late in late.into_iter().filter(|_| does_arrive()) {
            self.arrive(late).now_or_never().expect("memory answers at once");
        }
    }

    async fn arrive(&self, late: Late) {
        self.world.note(&format!("{} arrives", late.path));
        // Nobody waits for the answer, and somebody else may have been faster.
        let _unheard = self.put(&late.path, late.payload, late.options).await;
    }

    async fn put(&self, path: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        let put = self.all.put_opts(path, payload, options).await?;
        if let Some(file) = self.folder.as_ref().map(|folder| folder.join(path.as_ref())) {
            let made = std::fs::create_dir_all(file.parent().unwrap_or(&file)).and_then(|()| std::fs::write(&file, ""));
            made.expect("the folder can be written to");
        }
        Ok(put)
    }

    /// What becomes of a call, after those arrived whose time has come.
    async fn call(&self, what: &str, path: &Path, can: Can) -> Fate {
        let now = self.world.n_calls_ever();
        let due: Vec<Late> = lock(&self.late).extract_if(.., |late| late.due <= now).collect();
        for late in due {
            self.arrive(late).await;
        }
        self.world.call(what, path.as_ref(), can)
    }

    async fn read(&self, what: &str, path: &Path) -> Result<()> {
        match self.call(what, path, Can::Fail).await {
            Fate::Done => Ok(()),
            _ => Err(failure("503 Slow Down")),
        }
    }
}

impl fmt::Debug for Objects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("simulated objects")
    }
}

impl fmt::Display for Objects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("simulated objects")
    }
}

#[async_trait::async_trait]
impl ObjectStore for Objects {
    async fn put_opts(&self, path: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        // Of all that is late, only what makes a commit visible can do harm.
        let can = if path.as_ref().ends_with(".metadata.json") { Can::Late } else { Can::Mute };
        match self.call("put", path, can).await {
            Fate::Done => self.put(path, payload, options).await,
            Fate::Fails => Err(failure("503 Slow Down")),
            Fate::Mute => {
                let _unheard = self.put(path, payload, options).await;
                Err(failure("the reply is lost"))
            }
            Fate::Late(by) => {
                let due = self.world.n_calls_ever() + by;
                lock(&self.late).push(Late { due, path: path.clone(), payload, options });
                Err(failure("no reply in time"))
            }
        }
    }

    async fn put_multipart_opts(&self, path: &Path, options: PutMultipartOptions) -> Result<Box<dyn MultipartUpload>> {
        self.read("begin", path).await?;
        self.all.put_multipart_opts(path, options).await
    }

    async fn get_opts(&self, path: &Path, options: GetOptions) -> Result<GetResult> {
        self.read("get", path).await?;
        self.all.get_opts(path, options).await
    }

    fn delete_stream(&self, paths: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        match self.world.call("delete", "", Can::Mute) {
            Fate::Done => self.all.delete_stream(paths),
            Fate::Mute => self.all.delete_stream(paths).map(|_| Err(failure("the reply is lost"))).boxed(),
            _ => stream::iter([Err(failure("503 Slow Down"))]).boxed(),
        }
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        match self.world.call("list", prefix.map_or("", |prefix| prefix.as_ref()), Can::Fail) {
            Fate::Done => self.all.list(prefix),
            _ => stream::iter([Err(failure("503 Slow Down"))]).boxed(),
        }
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.read("folders", &Path::default()).await?;
        self.all.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.read("copy", from).await?;
        self.all.copy_opts(from, to, options).await
    }
}
