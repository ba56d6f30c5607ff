//! Objects from buckets to a sink, each once: what both feeds share. A feed has no thread; its owner calls `step` in a loop.

mod backfill;
mod queue;

pub use self::backfill::{Backfill, BackfillError, Checkpoints, Progress, S3Backfill};
pub use self::queue::{Holds, QueueStepError, Queued, S3Queue, Trouble};

use std::collections::HashMap;
use std::fmt;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::s3::{At, Bucket, S3, S3Error};

/// An error of what others bring.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Which bytes. The ETag before the version, as a list of a bucket knows no versions and both feeds must mean the same; two
/// versions with one ETag are the same bytes.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ObjectId {
    /// Where.
    pub bucket: Bucket,
    /// Its key.
    pub key: String,
    /// Its ETag, or else its version.
    pub version: String,
}

impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s3://{}/{}@{}", self.bucket, self.key, self.version)
    }
}

/// Remembers which objects are safe.
pub trait Done: Send + Sync {
    /// Whether it was said of this object.
    fn is_done(&self, id: &ObjectId) -> Result<bool, BoxError>;
    /// It is safe.
    fn set_done(&self, id: &ObjectId) -> Result<(), BoxError>;
}

/// An object that was read.
#[derive(Debug)]
pub struct Object {
    /// Which.
    pub id: ObjectId,
    /// Its length.
    pub size: u64,
    /// In a bucket with versions.
    pub version_id: Option<String>,
    /// Its bytes; gone with this value.
    pub file: tempfile::TempPath,
}

/// Takes objects.
pub trait Sink: Send + Sync {
    /// Takes an object, and calls `done` when it is safe. Dropping `done` uncalled says that it failed; it then comes again.
    fn object(&self, object: Object, done: Box<dyn FnOnce() + Send>);
}

/// How much is under way.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Where objects lie until they are safe.
    pub folder: PathBuf,
    /// All objects under way together; a single one may be longer.
    pub bytes_max: u64,
    /// The longest object that is read.
    pub object_bytes_max: u64,
}

/// Reads objects and hands them over: shared by all feeds of a sink, so that one object is never under way twice.
#[derive(Clone)]
pub struct Transfers {
    shared: Arc<Shared>,
}

struct Shared {
    s3: S3,
    done: Arc<dyn Done>,
    sink: Arc<dyn Sink>,
    limits: Limits,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    under_way: HashMap<ObjectId, Vec<Waiter>>,
    bytes: u64,
}

struct Waiter {
    ticket: u64,
    to: Sender<(u64, Outcome)>,
}

/// What became of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Safe,
    Failed,
}

/// What became of the wish to transfer an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Started {
    /// It is safe already.
    Safe,
    /// The outcome will be told.
    UnderWay,
    /// Too much is under way.
    Full,
}

/// An object was not handed over.
#[derive(Debug, thiserror::Error)]
pub enum TransferError {
    /// It was not read.
    #[error("cannot read `{id}`")]
    Read {
        /// Which.
        id: ObjectId,
        /// Why.
        #[source]
        err: Box<S3Error>,
    },
    /// There is no file for it.
    #[error("cannot make a file for `{id}`")]
    File {
        /// Which.
        id: ObjectId,
        /// Why.
        #[source]
        err: io::Error,
    },
    /// Nobody knows whether it is safe.
    #[error("cannot ask whether `{id}` is done")]
    Done {
        /// Which.
        id: ObjectId,
        /// Why.
        #[source]
        err: BoxError,
    },
}

impl TransferError {
    /// Whether the object itself is why.
    pub fn is_of_object(&self) -> bool {
        matches!(self, Self::Read { err, .. } if err.is_of_object())
    }
}

/// An object that is wanted.
pub(crate) struct Wanted<'a> {
    pub(crate) id: &'a ObjectId,
    pub(crate) version_id: Option<&'a str>,
    pub(crate) size: u64,
    pub(crate) ticket: u64,
    pub(crate) to: &'a Sender<(u64, Outcome)>,
}

impl Transfers {
    /// Transfers from there to the sink.
    pub fn new(s3: S3, done: Arc<dyn Done>, sink: Arc<dyn Sink>, limits: Limits) -> Self {
        Self { shared: Arc::new(Shared { s3, done, sink, limits, state: Mutex::default() }) }
    }

    /// How many bytes are under way.
    pub fn bytes_under_way(&self) -> u64 {
        self.shared.state().bytes
    }

    pub(crate) fn s3(&self) -> &S3 {
        &self.shared.s3
    }

    /// Reads an object and hands it over; `beat` is called while it is read.
    pub(crate) fn start(&self, wanted: &Wanted<'_>, beat: &mut dyn FnMut()) -> Result<Started, TransferError> {
        let (shared, id) = (&self.shared, wanted.id);
        {
            let mut state = shared.state();
            let waiter = || Waiter { ticket: wanted.ticket, to: wanted.to.clone() };
            if let Some(waiters) = state.under_way.get_mut(id) {
                waiters.push(waiter());
                return Ok(Started::UnderWay);
            }
            if state.bytes > 0 && state.bytes.saturating_add(wanted.size) > shared.limits.bytes_max {
                return Ok(Started::Full);
            }
            state.under_way.insert(id.clone(), vec![waiter()]);
            state.bytes += wanted.size;
        }
        // From here on it ends in some way: when the claim is dropped at the latest.
        let mut claim =
            Claim { shared: Arc::clone(shared), ids: vec![id.clone()], bytes: wanted.size, outcome: Outcome::Failed };
        match shared.done.is_done(id) {
            Ok(false) => {}
            Ok(true) => {
                claim.outcome = Outcome::Safe;
                claim.leave(wanted);
                return Ok(Started::Safe);
            }
            Err(err) => {
                claim.leave(wanted);
                return Err(TransferError::Done { id: id.clone(), err });
            }
        }
        match shared.read(wanted, &mut claim, beat) {
            Ok(Some(object)) => {
                let done = move || claim.safe();
                shared.sink.object(object, Box::new(done));
                Ok(Started::UnderWay)
            }
            Ok(None) => {
                claim.outcome = Outcome::Safe;
                claim.leave(wanted);
                Ok(Started::Safe)
            }
            Err(err) => {
                claim.leave(wanted);
                Err(err)
            }
        }
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The object, unless what is there by now is safe already.
    fn read(
        &self,
        wanted: &Wanted<'_>,
        claim: &mut Claim,
        beat: &mut dyn FnMut(),
    ) -> Result<Option<Object>, TransferError> {
        let id = wanted.id;
        let file = tempfile::Builder::new().prefix("object-").tempfile_in(&self.limits.folder);
        let mut file = file.map_err(|err| TransferError::File { id: id.clone(), err })?;
        let at = At { bucket: &id.bucket, key: &id.key, version_id: wanted.version_id };
        let mut out = Beating { file: file.as_file_mut(), beat };
        let head = self.s3.get(&at, &mut out, self.limits.object_bytes_max);
        let head = head.map_err(|err| TransferError::Read { id: id.clone(), err: Box::new(err) })?;
        claim.resize(head.size);
        let mut actual = id.clone();
        if let Some(etag) = head.etag.filter(|etag| *etag != id.version) {
            // It was put again since, or its notice had no ETag. What was read is another object, which has a notice of its own.
            actual.version = etag;
            let mut state = self.state();
            if state.under_way.contains_key(&actual) {
                return Err(TransferError::Done { id: actual, err: "it is just being read".into() });
            }
            state.under_way.insert(actual.clone(), Vec::new());
            drop(state);
            claim.ids.push(actual.clone());
            let is_done = self.done.is_done(&actual).map_err(|err| TransferError::Done { id: actual.clone(), err })?;
            if is_done {
                self.done.set_done(id).map_err(|err| TransferError::Done { id: id.clone(), err })?;
                return Ok(None);
            }
        }
        Ok(Some(Object { id: actual, size: head.size, version_id: head.version_id, file: file.into_temp_path() }))
    }
}

/// Ends a transfer when it is dropped, and tells all who wait.
struct Claim {
    shared: Arc<Shared>,
    ids: Vec<ObjectId>,
    bytes: u64,
    outcome: Outcome,
}

impl Claim {
    fn resize(&mut self, bytes: u64) {
        let mut state = self.shared.state();
        state.bytes = state.bytes.saturating_sub(self.bytes).saturating_add(bytes);
        self.bytes = bytes;
    }

    /// The caller hears from what is returned, and not as one who waits.
    fn leave(&self, wanted: &Wanted<'_>) {
        if let Some(waiters) = self.shared.state().under_way.get_mut(wanted.id) {
            // Who claims it is the first.
            waiters.remove(0);
        }
    }

    fn safe(mut self) {
        // What cannot be remembered comes again, and the lake has each row once.
        if self.ids.iter().all(|id| self.shared.done.set_done(id).is_ok()) {
            self.outcome = Outcome::Safe;
        }
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        let mut state = self.shared.state();
        state.bytes = state.bytes.saturating_sub(self.bytes);
        for waiter in self.ids.iter().filter_map(|id| state.under_way.remove(id)).flatten() {
            // A feed that is gone wants to hear nothing.
            let _gone = waiter.to.send((waiter.ticket, self.outcome));
        }
    }
}

struct Beating<'a> {
    file: &'a mut std::fs::File,
    beat: &'a mut dyn FnMut(),
}

impl Write for Beating<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        (self.beat)();
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
