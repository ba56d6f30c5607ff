//! Folders whose files are taken in: once, or as they come.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, SystemTime};

use anyhow::Context;
use state::State;

use super::engine::{Door, FileWork, Progressed};
use super::{lock, log};

/// How often folders are looked at.
const EVERY: Duration = Duration::from_secs(1);
/// A file that was changed within this time may still be written to.
const QUIET: Duration = Duration::from_millis(1_500);
/// Files that may wait for the engine at a time: their names take memory.
const WAITING_MAX: usize = 10_000;

/// A file as it was when it was looked at.
type Seen = (u64, SystemTime);

/// Takes in files and folders once. What is in the lake already adds nothing.
pub fn import(path: &Path, door: &Door) {
    for file in collect::walk::walk_in(&collect::files::Disk, &[path.to_owned()]).files {
        door.file(FileWork { path: file.path, named: None, done: Box::new(|_| ()) });
    }
}

/// Looks at folders until the server stops.
pub struct Watcher(Option<thread::JoinHandle<()>>);

impl Drop for Watcher {
    fn drop(&mut self) {
        if let Some(thread) = self.0.take() {
            let _ = thread.join();
        }
    }
}

/// Starts to look at folders.
pub fn start(
    folders: &[PathBuf],
    door: &Arc<Door>,
    state: &Arc<State>,
    progressed: &Arc<Progressed>,
    stopping: &Arc<AtomicBool>,
) -> anyhow::Result<Watcher> {
    if folders.is_empty() {
        return Ok(Watcher(None));
    }
    let (folders, door, state, stopping, progressed) =
        (folders.to_vec(), Arc::clone(door), Arc::clone(state), Arc::clone(stopping), Arc::clone(progressed));
    let watch = move || {
        let under_way: Arc<Mutex<HashMap<PathBuf, Seen>>> = Arc::default();
        while !stopping.load(Ordering::Acquire) {
            if let Err(err) = look(&folders, &door, &state, &under_way, &progressed.files_refused) {
                log::error("watch", &format!("{err:#}"));
            }
            thread::sleep(EVERY);
        }
    };
    let thread = thread::Builder::new().name("watch".into()).spawn(watch).context("cannot start a thread")?;
    Ok(Watcher(Some(thread)))
}

/// Hands over the files that are new or have changed, and have been left alone for a moment.
fn look(
    folders: &[PathBuf],
    door: &Door,
    state: &Arc<State>,
    under_way: &Arc<Mutex<HashMap<PathBuf, Seen>>>,
    refused: &AtomicU64,
) -> anyhow::Result<()> {
    let found = collect::walk::walk_in(&collect::files::Disk, folders);
    // A folder that is named may be a link itself.
    let roots: Vec<PathBuf> = folders.iter().filter_map(|folder| folder.canonicalize().ok()).collect();
    let now = SystemTime::now();
    for file in found.files {
        if door.files_waiting() >= WAITING_MAX {
            return Ok(());
        }
        let Ok(changed) = std::fs::metadata(&file.path).and_then(|meta| meta.modified()) else { continue };
        let is_quiet = now.duration_since(changed).map_or(true, |since| since >= QUIET);
        let seen: Seen = (file.size, changed);
        if !is_quiet || lock(under_way).get(&file.path) == Some(&seen) {
            continue;
        }
        let (key, mark) = (file.path.to_string_lossy().into_owned(), mark(&seen));
        if !is_inside(&file.path, &roots) {
            // Whoever may write here may not thereby name any file that the server can read.
            lock(under_way).insert(file.path.clone(), seen);
            refused.fetch_add(1, Ordering::Relaxed);
            log::error(
                "watch",
                &format!("{} leads out of the watched folders, so it is not read", collect::walk::show(&file.path)),
            );
            continue;
        }
        if state.feed_position("watch", &key)?.as_deref() == Some(&mark) {
            continue;
        }
        lock(under_way).insert(file.path.clone(), seen);
        let (state, under_way, path) = (Arc::clone(state), Arc::clone(under_way), file.path.clone());
        let done = move |_: &[report::Skipped]| {
            // What cannot be remembered is read again, which adds nothing.
            if let Err(err) = state.set_feed_position("watch", &key, &mark) {
                log::error("watch", &format!("cannot remember that {key} was read: {err}"));
            }
            lock(&under_way).remove(&path);
        };
        door.file(FileWork { path: file.path, named: None, done: Box::new(done) });
    }
    Ok(())
}

/// Whether a file is where its path says, and not only linked from there.
fn is_inside(path: &Path, roots: &[PathBuf]) -> bool {
    path.canonicalize().is_ok_and(|real| roots.iter().any(|root| real.starts_with(root)))
}

fn mark((size, changed): &Seen) -> String {
    let since = changed.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    format!("{size}-{}", since.as_nanos())
}
