//! Buckets: objects that a queue tells of, and objects that were there before, newest first.
//!
//! An object is fetched into a file, read by the engine, and remembered when its records are in the lake; only then is its message deleted.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use aws::call::{Aws, Endpoints};
use aws::credentials::Chain;
use aws::env::SystemEnv;
use aws::feed::{
    Backfill, BoxError, Checkpoints, Done, Limits, Object, ObjectId, Progress, Queued, S3Backfill, S3Queue, Sink,
    Transfers,
};
use aws::http::{Client, Timeouts};
use aws::s3::{Bucket, S3};
use aws::sqs::Queue;
use state::State;

use super::engine::{Door, FileWork, Named};
use super::{lock, log};

/// What objects under way may take on the disk.
const BYTES_MAX: u64 = 512 << 20;
/// The longest object.
const OBJECT_BYTES_MAX: u64 = 1 << 30;
/// How often messages under way are held on to.
const BEAT: Duration = Duration::from_secs(5);
/// How long a poll of a queue waits. A poll that nobody waits for any more would take messages along, so the end of the server waits for it.
const POLL: Duration = Duration::from_secs(5);
/// How long the end of the server waits for feeds.
const END: Duration = Duration::from_secs(8);
/// How long a feed waits after it failed.
const AGAIN: Duration = Duration::from_secs(5);
/// How long a walk that is over waits before it tries its gaps again, at first and at most.
const GAPS_AGAIN: (Duration, Duration) = (Duration::from_secs(60), Duration::from_secs(3_600));
/// How long a walk waits for objects that are under way.
const BREATH: Duration = Duration::from_millis(100);

/// Which queues and buckets are read.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// URLs of SQS queues that are told of new objects, by S3 itself, through SNS or by EventBridge.
    pub queues: Vec<String>,
    /// `s3://bucket/prefix` whose objects are taken in, newest first.
    pub buckets: Vec<String>,
    /// The Region, where a URL does not say.
    pub region: String,
}

/// How a feed is doing.
#[derive(Clone, Debug, Default)]
pub struct Health {
    /// The queue or the bucket.
    pub what: String,
    /// Why it does not get on, if it does not.
    pub trouble: Option<String>,
    /// How far a walk is.
    pub progress: Option<Progress>,
}

/// How all feeds are doing.
pub type Healths = Arc<Mutex<Vec<Health>>>;

/// The feeds that run, and how they are doing.
#[derive(Default)]
pub struct Feeds {
    /// How they are doing.
    pub healths: Healths,
    threads: Vec<thread::JoinHandle<()>>,
}

impl Drop for Feeds {
    fn drop(&mut self) {
        let begun = Instant::now();
        while begun.elapsed() < END && self.threads.iter().any(|thread| !thread.is_finished()) {
            thread::sleep(BREATH);
        }
    }
}

/// Remembers objects that are in the lake.
struct Remembered(Arc<State>);

impl Done for Remembered {
    fn is_done(&self, id: &ObjectId) -> Result<bool, BoxError> {
        Ok(self.0.feed_position("s3", &key(id))?.is_some_and(|version| version == id.version))
    }

    fn set_done(&self, id: &ObjectId) -> Result<(), BoxError> {
        Ok(self.0.set_feed_position("s3", &key(id), &id.version)?)
    }
}

fn key(id: &ObjectId) -> String {
    format!("s3://{}/{}", id.bucket, id.key)
}

/// Hands objects to the engine.
struct ToEngine(Arc<Door>);

impl Sink for ToEngine {
    fn object(&self, object: Object, done: Box<dyn FnOnce() + Send>) {
        let named = Named { name: key(&object.id), trust: "aws" };
        let file = object.file;
        let path = file.to_path_buf();
        let is_in_lake = move |_: &[report::Skipped]| {
            drop(file);
            done();
        };
        self.0.file(FileWork { path, named: Some(named), done: Box::new(is_in_lake) });
    }
}

/// How far a walk is, over restarts.
struct Kept(Arc<State>, String);

impl Checkpoints for Kept {
    fn load(&self) -> Result<Option<Vec<u8>>, BoxError> {
        Ok(self.0.feed_position("s3-walk", &self.1)?.map(String::into_bytes))
    }

    fn save(&self, checkpoint: &[u8]) -> Result<(), BoxError> {
        Ok(self.0.set_feed_position("s3-walk", &self.1, &String::from_utf8_lossy(checkpoint))?)
    }
}

/// Starts to read. The threads end when the server does; what is under way then comes again.
pub fn start(
    wanted: &Wanted,
    data: &Path,
    door: &Arc<Door>,
    state: &Arc<State>,
    stopping: &Arc<AtomicBool>,
) -> anyhow::Result<Feeds> {
    let mut feeds = Feeds::default();
    if wanted.queues.is_empty() && wanted.buckets.is_empty() {
        return Ok(feeds);
    }
    let folder = data.join("objects");
    // What lies there is of a run that was cut off.
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let aws = aws(&wanted.region)?;
    let limits = Limits { folder, bytes_max: BYTES_MAX, object_bytes_max: OBJECT_BYTES_MAX };
    let (done, sink) = (Arc::new(Remembered(Arc::clone(state))), Arc::new(ToEngine(Arc::clone(door))));
    let transfers = Transfers::new(S3::new(aws.clone()), done, sink, limits);
    for url in &wanted.queues {
        let options = Queued { wait: POLL, ..Queued::default() };
        let feed = S3Queue::new(Queue::new(aws.clone(), url), transfers.clone(), Arc::new(SystemEnv), options);
        let (health, stopping) = (Place::new(&feeds.healths, url), Arc::clone(stopping));
        feeds.threads.push(spawn("queue", move || queue(feed, &health, &stopping))?);
    }
    for uri in &wanted.buckets {
        let (bucket, prefix) = place(uri)?;
        let options = Backfill { bucket, prefix, oldest: None, attempts_max: 5 };
        let kept = Box::new(Kept(Arc::clone(state), uri.clone()));
        let walk = S3Backfill::new(options, transfers.clone(), kept).with_context(|| format!("cannot walk {uri}"))?;
        let (health, stopping) = (Place::new(&feeds.healths, uri), Arc::clone(stopping));
        feeds.threads.push(spawn("walk", move || backfill(walk, &health, &stopping))?);
    }
    Ok(feeds)
}

/// Where a feed says how it is doing.
struct Place {
    all: Healths,
    at: usize,
}

impl Place {
    fn new(all: &Healths, what: &str) -> Place {
        let mut list = lock(all);
        list.push(Health { what: what.to_owned(), ..Health::default() });
        Place { all: Arc::clone(all), at: list.len() - 1 }
    }

    fn say(&self, trouble: Option<String>, progress: Option<Progress>) {
        let mut list = lock(&self.all);
        if trouble.is_some() && list[self.at].trouble != trouble {
            log::error("bucket", &format!("{}: {}", list[self.at].what, trouble.as_deref().unwrap_or_default()));
        }
        list[self.at].trouble = trouble;
        if progress.is_some() {
            list[self.at].progress = progress;
        }
    }
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> anyhow::Result<thread::JoinHandle<()>> {
    thread::Builder::new().name(name.to_owned()).spawn(work).context("cannot start a thread")
}

fn aws(region: &str) -> anyhow::Result<Aws> {
    let http = Arc::new(Client::new(Timeouts::default()).context("cannot set up calls to AWS")?);
    let var = |name: &str| std::env::var(name).ok();
    let chain = Arc::new(Chain::new(http.clone(), Box::new(var)));
    let mut aws = Aws::new(http, chain, Arc::new(SystemEnv), region);
    aws.endpoints = Endpoints::from_vars(&var);
    Ok(aws)
}

fn place(uri: &str) -> anyhow::Result<(Bucket, String)> {
    let rest =
        uri.strip_prefix("s3://").with_context(|| format!("`{uri}` is no bucket: write it as s3://bucket/prefix"))?;
    let (name, prefix) = rest.split_once('/').unwrap_or((rest, ""));
    let Some(bucket) = Bucket::parse(name) else { bail!("`{name}` cannot be the name of a bucket") };
    Ok((bucket, prefix.to_owned()))
}

fn queue(mut feed: S3Queue, health: &Place, stopping: &Arc<AtomicBool>) {
    // While an object is read for long its message is held on to by another thread.
    let (holds, ending) = (feed.holds(), Arc::clone(stopping));
    let beat = move || {
        while !ending.load(Ordering::Acquire) {
            thread::sleep(BEAT);
            holds.beat();
        }
    };
    if spawn("queue-beat", beat).is_err() {
        return health.say(Some("cannot start a thread".to_owned()), None);
    }
    while !stopping.load(Ordering::Acquire) {
        match feed.step() {
            Ok(()) => {
                let troubles = feed.troubles();
                for trouble in &troubles {
                    log::error("bucket", &format!("message {}: {}", trouble.message_id, trouble.reason));
                }
                health.say(troubles.first().map(|trouble| trouble.reason.clone()), None);
            }
            Err(err) => {
                health.say(Some(format!("{:#}", anyhow::Error::new(err))), None);
                thread::sleep(AGAIN);
            }
        }
    }
}

fn backfill(mut walk: S3Backfill, health: &Place, stopping: &AtomicBool) {
    let mut pause = GAPS_AGAIN.0;
    loop {
        walk_on(&mut walk, health, stopping);
        // Whatever was wrong may be mended by now.
        let begun = Instant::now();
        while begun.elapsed() < pause {
            if stopping.load(Ordering::Acquire) {
                return;
            }
            thread::sleep(BREATH);
        }
        let before = walk.progress().gaps.len();
        if !walk.retry_gaps() {
            return;
        }
        log::info("bucket", &format!("{before} objects that could not be read are tried again"));
        pause = (pause * 2).min(GAPS_AGAIN.1);
    }
}

/// Walks until all is walked, or the server ends.
fn walk_on(walk: &mut S3Backfill, health: &Place, stopping: &AtomicBool) {
    while !stopping.load(Ordering::Acquire) && !walk.progress().is_complete {
        match walk.step() {
            Ok(()) => {
                health.say(None, Some(walk.progress().clone()));
                thread::sleep(BREATH);
            }
            Err(err) => {
                health.say(Some(format!("{:#}", anyhow::Error::new(err))), Some(walk.progress().clone()));
                thread::sleep(AGAIN);
            }
        }
    }
    health.say(None, Some(walk.progress().clone()));
}
