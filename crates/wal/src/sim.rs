//! A disk in memory that fails as it is told to, and of which the power fails: for tests of all that is kept on a [`Disk`].
//!
//! What was not synced when the power fails is lost, or torn, or there without what was written before it; names that were made or
//! removed in a folder are lost unless the folder was synced; and what a sync failed for is never durable again, whatever later
//! syncs say. What becomes of each is chosen by a seed.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::disk::{Disk, File};

/// What is asked of the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Operation {
    /// A folder is made.
    CreateFolder,
    /// A file is made.
    Create,
    /// A file is opened.
    Open,
    /// A folder is listed.
    List,
    /// A file gets another name.
    Rename,
    /// A file is removed.
    Remove,
    /// The names in a folder are made durable.
    SyncFolder,
    /// A file gets longer.
    Append,
    /// A file is read.
    Read,
    /// A file is asked for its size.
    Size,
    /// A file is cut.
    Truncate,
    /// A file is made durable.
    Sync,
}

/// One call.
#[derive(Clone, Debug)]
pub struct Call<'a> {
    /// Which one since the disk was made, counted from 0.
    pub number: u64,
    /// What is asked.
    pub operation: Operation,
    /// Of which file or folder.
    pub path: &'a Path,
}

/// Is asked before each call; the call fails with what it returns. It may block, but must not use the disk.
pub type Hook = dyn Fn(&Call<'_>) -> io::Result<()> + Send + Sync;

/// A disk in memory. Clones are the same disk.
#[derive(Clone, Default)]
pub struct SimDisk {
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    nodes: BTreeMap<u64, Node>,
    names: BTreeMap<PathBuf, u64>,
    durable_names: BTreeMap<PathBuf, u64>,
    name_changes: Vec<NameChange>,
    hook: Option<Arc<Hook>>,
    n_calls: u64,
    n_syncs: u64,
    n_random: u64,
    capacity: Option<u64>,
    stops_at: Option<u64>,
    next_node: u64,
    /// Files that are open when the power fails belong to a process that is no more.
    boot: u64,
}

/// A file.
#[derive(Clone, Default)]
struct Node {
    bytes: Vec<u8>,
    durable: Vec<u8>,
    changes: Vec<Change>,
}

/// A change of a file that is not durable.
#[derive(Clone)]
struct Change {
    what: What,
    /// A sync failed for it, so no later sync makes it durable.
    is_given_up: bool,
}

#[derive(Clone)]
enum What {
    Write { at: usize, bytes: Vec<u8> },
    Truncate { len: usize },
}

/// A change of a name that is not durable: what it stood for, now.
#[derive(Clone)]
enum NameChange {
    Set { path: PathBuf, node: u64 },
    Remove { path: PathBuf },
    Rename { from: PathBuf, to: PathBuf, node: u64 },
}

impl NameChange {
    fn folder(&self) -> Option<&Path> {
        match self {
            Self::Set { path, .. } | Self::Remove { path } | Self::Rename { to: path, .. } => path.parent(),
        }
    }

    fn apply(&self, names: &mut BTreeMap<PathBuf, u64>) {
        match self {
            Self::Set { path, node } => {
                names.insert(path.clone(), *node);
            }
            Self::Remove { path } => {
                names.remove(path);
            }
            Self::Rename { from, to, node } => {
                names.remove(from);
                names.insert(to.clone(), *node);
            }
        }
    }
}

impl What {
    fn apply(&self, bytes: &mut Vec<u8>) {
        match self {
            Self::Write { at, bytes: written } => {
                bytes.resize(bytes.len().max(at + written.len()), 0);
                bytes[*at..at + written.len()].copy_from_slice(written);
            }
            Self::Truncate { len } => bytes.truncate(*len),
        }
    }
}

/// Numbers that look random and are the same for the same seed (SplitMix64).
#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    /// Those of this seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number.
    pub fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// The next number below `n`; 0 if there is none.
    pub fn below(&mut self, n: usize) -> usize {
        usize::try_from(self.roll() >> 1).unwrap_or(usize::MAX).checked_rem(n).unwrap_or(0)
    }
}

fn not_found() -> io::Error {
    io::ErrorKind::NotFound.into()
}

impl SimDisk {
    /// An empty disk without end.
    pub fn new() -> Self {
        Self::default()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets what is asked before each call.
    pub fn set_hook(&self, hook: impl Fn(&Call<'_>) -> io::Result<()> + Send + Sync + 'static) {
        self.state().hook = Some(Arc::new(hook));
    }

    /// No call fails any more.
    pub fn clear_hook(&self) {
        self.state().hook = None;
    }

    /// Sets how many bytes all files may have together.
    pub fn set_capacity(&self, bytes: Option<u64>) {
        self.state().capacity = bytes;
    }

    /// The process dies at this call: it and all later ones fail and do nothing, until the power fails or [`SimDisk::kill`].
    pub fn stop_at(&self, call: u64) {
        self.state().stops_at = Some(call);
    }

    /// How many calls there were.
    pub fn n_calls(&self) -> u64 {
        self.state().n_calls
    }

    /// How many syncs of files succeeded.
    pub fn n_syncs(&self) -> u64 {
        self.state().n_syncs
    }

    /// The files there are.
    pub fn paths(&self) -> Vec<PathBuf> {
        self.state().names.keys().cloned().collect()
    }

    /// What is in a file.
    pub fn bytes(&self, path: &Path) -> Option<Vec<u8>> {
        let state = self.state();
        state.names.get(path).and_then(|node| state.nodes.get(node)).map(|node| node.bytes.clone())
    }

    /// Puts a file there, durably.
    pub fn put(&self, path: &Path, bytes: Vec<u8>) {
        let mut state = self.state();
        let node = state.add(Node { durable: bytes.clone(), bytes, changes: Vec::new() });
        state.names.insert(path.to_owned(), node);
        state.durable_names.insert(path.to_owned(), node);
    }

    /// Removes a file, durably.
    pub fn take(&self, path: &Path) {
        let mut state = self.state();
        state.names.remove(path);
        state.durable_names.remove(path);
    }

    /// Flips a bit of a file, durably.
    pub fn flip(&self, path: &Path, at: usize, bit: u8) {
        let mut state = self.state();
        let Some(node) = state.names.get(path).copied().and_then(|node| state.nodes.get_mut(&node)) else { return };
        for bytes in [&mut node.bytes, &mut node.durable] {
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= 1 << (bit % 8);
            }
        }
    }

    /// Somebody else changes what is in a file, durably. Whoever has it open sees it.
    pub fn edit(&self, path: &Path, edit: impl FnOnce(&mut Vec<u8>)) {
        let mut state = self.state();
        let Some(node) = state.names.get(path).copied().and_then(|node| state.nodes.get_mut(&node)) else { return };
        edit(&mut node.bytes);
        node.durable.clone_from(&node.bytes);
        node.changes.clear();
    }

    /// A disk of its own with the same on it, as if all were durable.
    pub fn copy(&self) -> Self {
        let state = self.state();
        let mut nodes = state.nodes.clone();
        for node in nodes.values_mut() {
            node.durable = node.bytes.clone();
            node.changes.clear();
        }
        let copy = State {
            nodes,
            names: state.names.clone(),
            durable_names: state.names.clone(),
            next_node: state.next_node,
            n_random: state.n_random,
            ..State::default()
        };
        Self { state: Arc::new(Mutex::new(copy)) }
    }

    /// The power fails. Files that are open are of no use from now on, and no hook is asked any more.
    pub fn power_loss(&self, seed: u64) {
        let mut dice = Dice::new(seed);
        let mut state = self.state();
        for node in state.nodes.values_mut() {
            node.lose(&mut dice);
        }
        let mut names = std::mem::take(&mut state.durable_names);
        for change in std::mem::take(&mut state.name_changes) {
            if dice.below(2) == 0 {
                change.apply(&mut names);
            }
        }
        state.names.clone_from(&names);
        state.durable_names = names;
        state.hook = None;
        state.stops_at = None;
        state.boot += 1;
    }

    /// The process dies, and the system lives on: nothing is lost, but files that are open are of no use any more.
    pub fn kill(&self) {
        let mut state = self.state();
        state.hook = None;
        state.stops_at = None;
        state.boot += 1;
    }

    fn call(&self, operation: Operation, path: &Path) -> io::Result<()> {
        let (hook, number) = {
            let mut state = self.state();
            let number = state.n_calls;
            state.n_calls += 1;
            if state.is_stopped(number) {
                return Err(io::Error::other("the process is dead"));
            }
            (state.hook.clone(), number)
        };
        hook.map_or(Ok(()), |hook| hook(&Call { number, operation, path }))
    }

    fn is_dead(&self) -> bool {
        let state = self.state();
        state.is_stopped(state.n_calls)
    }

    fn handle(&self, path: &Path, node: u64, boot: u64) -> Box<dyn File> {
        Box::new(Handle { disk: self.clone(), path: path.to_owned(), node, boot })
    }
}

impl Node {
    /// Each change that is not durable is there, or not, or in part.
    fn lose(&mut self, dice: &mut Dice) {
        for change in self.changes.drain(..) {
            match (dice.below(4), change.what) {
                (0, _) => {}
                (1, What::Write { at, mut bytes }) => {
                    bytes.truncate(dice.below(bytes.len() + 1));
                    What::Write { at, bytes }.apply(&mut self.durable);
                }
                // The end of what was written, without its beginning.
                (2, What::Write { at, mut bytes }) => {
                    let from = dice.below(bytes.len() + 1);
                    let bytes = bytes.split_off(from);
                    What::Write { at: at + from, bytes }.apply(&mut self.durable);
                }
                (_, what) => what.apply(&mut self.durable),
            }
        }
        self.bytes.clone_from(&self.durable);
    }
}

impl State {
    fn add(&mut self, node: Node) -> u64 {
        self.next_node += 1;
        self.nodes.insert(self.next_node, node);
        self.next_node
    }

    fn is_stopped(&self, call: u64) -> bool {
        self.stops_at.is_some_and(|at| call >= at)
    }

    fn used(&self) -> u64 {
        self.names.values().filter_map(|node| self.nodes.get(node)).map(|node| node.bytes.len() as u64).sum()
    }
}

impl Disk for SimDisk {
    fn create_folder(&self, folder: &Path) -> io::Result<()> {
        self.call(Operation::CreateFolder, folder)
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn File>> {
        self.call(Operation::Create, path)?;
        let mut state = self.state();
        if state.names.contains_key(path) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let node = state.add(Node::default());
        state.names.insert(path.to_owned(), node);
        state.name_changes.push(NameChange::Set { path: path.to_owned(), node });
        Ok(self.handle(path, node, state.boot))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn File>> {
        self.call(Operation::Open, path)?;
        let state = self.state();
        let node = state.names.get(path).ok_or_else(not_found)?;
        Ok(self.handle(path, *node, state.boot))
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<String>> {
        self.call(Operation::List, folder)?;
        let state = self.state();
        let inside = state.names.keys().filter(|path| path.parent() == Some(folder));
        Ok(inside.filter_map(|path| path.file_name()?.to_str()).map(str::to_owned).collect())
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.call(Operation::Rename, from)?;
        let mut state = self.state();
        let node = state.names.remove(from).ok_or_else(not_found)?;
        state.names.insert(to.to_owned(), node);
        state.name_changes.push(NameChange::Rename { from: from.to_owned(), to: to.to_owned(), node });
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.call(Operation::Remove, path)?;
        let mut state = self.state();
        state.names.remove(path).ok_or_else(not_found)?;
        state.name_changes.push(NameChange::Remove { path: path.to_owned() });
        Ok(())
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        self.call(Operation::SyncFolder, folder)?;
        let mut state = self.state();
        let State { name_changes, durable_names, .. } = &mut *state;
        name_changes.retain(|change| {
            let is_here = change.folder() == Some(folder);
            if is_here {
                change.apply(durable_names);
            }
            !is_here
        });
        Ok(())
    }

    fn random(&self) -> u64 {
        let mut state = self.state();
        state.n_random += 1;
        Dice::new(state.n_random).roll()
    }
}

struct Handle {
    disk: SimDisk,
    path: PathBuf,
    node: u64,
    boot: u64,
}

impl Handle {
    /// Does something with the file, unless the power failed since it was opened.
    fn with<T>(&self, act: impl FnOnce(&mut Node) -> T) -> io::Result<T> {
        let mut state = self.disk.state();
        if state.boot != self.boot {
            return Err(io::Error::other("the power failed"));
        }
        state.nodes.get_mut(&self.node).map(act).ok_or_else(not_found)
    }
}

impl File for Handle {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.disk.call(Operation::Append, &self.path)?;
        let room = {
            let state = self.disk.state();
            state.capacity.map_or(u64::MAX, |capacity| capacity.saturating_sub(state.used()))
        };
        let n = bytes.len().min(usize::try_from(room).unwrap_or(usize::MAX));
        self.with(|node| {
            let what = What::Write { at: node.bytes.len(), bytes: bytes[..n].to_vec() };
            what.apply(&mut node.bytes);
            node.changes.push(Change { what, is_given_up: false });
        })?;
        if n < bytes.len() { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
    }

    fn read_at(&mut self, at: u64, out: &mut [u8]) -> io::Result<usize> {
        self.disk.call(Operation::Read, &self.path)?;
        self.with(|node| {
            let at = usize::try_from(at).unwrap_or(usize::MAX).min(node.bytes.len());
            let n = out.len().min(node.bytes.len() - at);
            out[..n].copy_from_slice(&node.bytes[at..at + n]);
            n
        })
    }

    fn size(&mut self) -> io::Result<u64> {
        self.disk.call(Operation::Size, &self.path)?;
        if !self.disk.state().names.values().any(|node| *node == self.node) {
            return Err(not_found());
        }
        self.with(|node| node.bytes.len() as u64)
    }

    fn truncate(&mut self, len: u64) -> io::Result<()> {
        self.disk.call(Operation::Truncate, &self.path)?;
        self.with(|node| {
            let what = What::Truncate { len: usize::try_from(len).unwrap_or(usize::MAX) };
            what.apply(&mut node.bytes);
            node.changes.push(Change { what, is_given_up: false });
        })
    }

    fn sync(&mut self) -> io::Result<()> {
        if let Err(err) = self.disk.call(Operation::Sync, &self.path) {
            if !self.disk.is_dead() {
                self.with(|node| node.changes.iter_mut().for_each(|change| change.is_given_up = true))?;
            }
            return Err(err);
        }
        self.with(|node| {
            let Node { changes, durable, .. } = node;
            changes.retain(|change| {
                if !change.is_given_up {
                    change.what.apply(durable);
                }
                change.is_given_up
            });
        })?;
        self.disk.state().n_syncs += 1;
        Ok(())
    }
}
