//! Finds out what is in a log: cuts what is torn, copies what is damaged, and says both.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::disk::{Disk, File};
use crate::frame::{HEAD_BYTES, Position};
use crate::index::{Counts, Index, Segment, State, add};
use crate::scan::{Scanner, Step};
use crate::segment::{HEADER_BYTES, Header};

/// How much damage is described one by one; beyond it is only counted.
const DESCRIBED_MAX: usize = 1_000;

/// What was found when a log was opened.
#[derive(Debug, Default)]
pub struct Recovery {
    /// How many segments there are.
    pub n_segments: u64,
    /// How many frames are sound.
    pub n_frames: u64,
    /// What the segments take on the disk.
    pub bytes: u64,
    /// How many bytes at the ends of segments were no whole frame: what was being written when the power failed.
    pub torn_bytes: u64,
    /// How many sound frames were dropped since the log knows that their append failed.
    pub n_void: u64,
    /// In how many places bytes are no frame although frames follow.
    pub n_damaged: u64,
    /// How many bytes that is.
    pub damaged_bytes: u64,
    /// Those places, and torn ends too: the first thousand.
    pub damaged: Vec<Damage>,
    /// In how many places frames are missing or in another order although no byte is damaged.
    pub n_breaks: u64,
    /// What cannot be read at all. It is left as it is.
    pub unreadable: Vec<(PathBuf, io::Error)>,
    /// The oldest frame, or the next if there is none.
    pub first: Position,
    /// The least position that the next frame may get.
    pub next: Position,
}

/// Bytes of a segment that are no frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// The segment.
    pub segment: PathBuf,
    /// Where in it.
    pub from: u64,
    /// Up to where.
    pub to: u64,
    /// The file in which the bytes are kept; none if they could not be copied, which is then tried again before the segment is released.
    pub kept: Option<PathBuf>,
    /// Whether it was not known before.
    pub is_new: bool,
}

/// A log cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The folder cannot be made.
    #[error("cannot make the folder `{}`", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Why.
        #[source]
        err: io::Error,
    },
    /// The folder cannot be listed.
    #[error("cannot list `{}`", path.display())]
    List {
        /// The folder.
        path: PathBuf,
        /// Why.
        #[source]
        err: io::Error,
    },
    /// What is there may not survive a power cut.
    #[error("cannot make `{}` durable", path.display())]
    Sync {
        /// Which file or folder.
        path: PathBuf,
        /// Why.
        #[source]
        err: io::Error,
    },
    /// The thread that writes cannot be started.
    #[error("cannot start the thread that writes the log")]
    Thread {
        /// Why.
        #[source]
        err: io::Error,
    },
}

/// Where the log goes on.
pub(crate) struct Recovered {
    pub index: Index,
    pub recovery: Recovery,
    /// The last durable frame; 0 if there is none.
    pub last: u64,
    /// Its seal; 0 if it is not known.
    pub seal: u64,
}

/// Reads the log in a folder.
pub(crate) fn recover(folder: &Path, disk: Arc<dyn Disk>) -> Result<Recovered, OpenError> {
    let path = || folder.to_owned();
    disk.create_folder(folder).map_err(|err| OpenError::Folder { path: path(), err })?;
    let names = disk.list(folder).map_err(|err| OpenError::List { path: path(), err })?;
    let found = found(folder, &*disk, &names);
    let mut walk = Walk {
        disk: disk.clone(),
        index: Index::new(path(), disk.clone(), State::default()),
        recovery: Recovery::default(),
        state: State::default(),
        chain: Chain { last: 0, seal: 0, is_known: false },
    };
    for (at, segment) in found.iter().enumerate() {
        walk.segment(segment, &found[at + 1..])?;
    }
    disk.sync_folder(folder).map_err(|err| OpenError::Sync { path: path(), err })?;
    let Walk { index, mut recovery, mut state, chain, .. } = walk;
    state.next = state.next.max(chain.last + 1);
    let Counts { n_dropped, dropped_bytes, .. } = index.state().counts;
    let (n_damaged, damaged_bytes) = (recovery.n_damaged, recovery.damaged_bytes);
    state.counts = Counts { n_damaged, damaged_bytes, n_dropped, dropped_bytes, ..Counts::default() };
    recovery.n_segments = state.segments.len() as u64;
    recovery.bytes = state.bytes();
    recovery.first = Position::new(state.oldest());
    recovery.next = Position::new(state.next);
    let (last, seal) = if chain.is_known { (chain.last, chain.seal) } else { (state.next - 1, 0) };
    Ok(Recovered { index: Index::new(path(), disk, state), recovery, last, seal })
}

/// A file that is a segment by its name.
struct Found {
    name: Arc<str>,
    header: Header,
    /// Whether that is what the file says, and not only its name.
    is_sound: bool,
    /// How long it is. It is opened when it is its turn, since there may be many.
    len: io::Result<u64>,
}

/// The segments in their order. What cannot be opened is among them.
fn found(folder: &Path, disk: &dyn Disk, names: &[String]) -> Vec<Found> {
    let mut found = Vec::new();
    for name in names {
        let Some(of_name) = Header::of_name(name) else { continue };
        let mut bytes = [0; HEADER_BYTES];
        let len = disk.open(&folder.join(name)).and_then(|mut file| {
            file.read_at(0, &mut bytes)?;
            file.size()
        });
        let read = Header::read(&bytes);
        let header = read.unwrap_or(of_name);
        found.push(Found { name: name.as_str().into(), header, is_sound: read.is_some(), len });
    }
    found.sort_by(|a, b| (a.header.first, &a.name).cmp(&(b.header.first, &b.name)));
    found
}

/// The frame before, as far as it is known.
struct Chain {
    last: u64,
    seal: u64,
    /// Whether the next frame must name that seal.
    is_known: bool,
}

struct Walk {
    disk: Arc<dyn Disk>,
    /// To copy damage with.
    index: Index,
    recovery: Recovery,
    state: State,
    chain: Chain,
}

/// A segment while it is read.
struct Reading<'a> {
    segment: Segment,
    path: PathBuf,
    len: u64,
    /// The number of the last frame whose append did not fail, as the segments behind it know.
    last_durable: u64,
    /// The segment behind it that knows, if there is one.
    successor: Option<&'a Header>,
    /// The first number of the next segment, be it sound or not: this one has none from there on.
    first_behind: u64,
}

impl Reading<'_> {
    /// Whether no later run of the log has found out where its durable frames end.
    fn is_doubtful(&self) -> bool {
        self.successor.is_none_or(|header| header.seal_before == 0)
    }
}

impl Walk {
    fn segment(&mut self, found: &Found, later: &[Found]) -> Result<(), OpenError> {
        let path = self.index.folder.join(&*found.name);
        let headers = || later.iter().filter(|found| found.is_sound).map(|found| &found.header);
        let segment = Segment {
            name: found.name.clone(),
            first: found.header.first,
            salt: found.header.salt,
            bytes: HEADER_BYTES as u64,
            file_bytes: *found.len.as_ref().unwrap_or(&0),
            last: 0,
            is_unread: false,
            damaged: Vec::new(),
            unsaved: Vec::new(),
        };
        let mut reading = Reading {
            path: path.clone(),
            len: segment.file_bytes,
            segment,
            last_durable: headers().map(|header| header.last_before).min().unwrap_or(u64::MAX),
            successor: headers().next(),
            first_behind: later.first().map_or(u64::MAX, |found| found.header.first),
        };
        // Firsts are told apart, so that segments have an order.
        self.state.next = self.state.next.max(found.header.first.saturating_add(1));
        self.enter(found);
        let file = match &found.len {
            Ok(_) => self.disk.open(&path),
            Err(err) => Err(io::Error::new(err.kind(), err.to_string())),
        };
        match file.and_then(|file| self.frames(file, &mut reading, found)) {
            // What the process before this one wrote may be in the system's memory alone, and is about to be called durable.
            Ok(()) if reading.is_doubtful() && reading.segment.last > 0 => {
                let synced = self.disk.open(&path).and_then(|mut file| file.sync());
                synced.map_err(|err| OpenError::Sync { path, err })?;
            }
            Ok(()) => {}
            Err(err) => self.give_up(&mut reading, err),
        }
        self.state.segments.push_back(reading.segment);
        Ok(())
    }

    /// Compares what a segment says of what is before it with what is before it.
    fn enter(&mut self, found: &Found) {
        let Header { last_before, seal_before, .. } = found.header;
        if !found.is_sound {
            return;
        }
        let is_first = self.state.segments.is_empty();
        let is_other = (last_before, seal_before) != (self.chain.last, self.chain.seal);
        if !is_first && self.chain.is_known && seal_before != 0 && is_other {
            self.recovery.n_breaks += 1;
        }
        self.chain = Chain { last: self.chain.last.max(last_before), seal: seal_before, is_known: true };
    }

    fn frames(&mut self, file: Box<dyn File>, reading: &mut Reading<'_>, found: &Found) -> io::Result<()> {
        let mut scanner = Scanner::new(file, found.header.salt, reading.len, self.chain.last);
        let mut is_header_due = !found.is_sound;
        loop {
            let step = scanner.step(0)?;
            // Without frames it is a segment that was being begun when the power failed.
            if is_header_due && !matches!(step, Step::End { .. }) {
                is_header_due = false;
                self.damage(reading, 0..HEADER_BYTES as u64, scanner.file());
            }
            match step {
                Step::Frame(head, at) if head.sequence > reading.last_durable => {
                    return self.void(reading, at, &mut scanner);
                }
                Step::Frame(head, at) => {
                    if self.chain.is_known && head.before != self.chain.seal {
                        self.recovery.n_breaks += 1;
                    }
                    self.chain = Chain { last: head.sequence, seal: head.seal, is_known: true };
                    self.recovery.n_frames += 1;
                    reading.segment.last = head.sequence;
                    reading.segment.bytes = at + head.frame_bytes();
                }
                // All that was durable is read, and the log went on elsewhere.
                Step::Damage { from, .. } if self.chain.last >= reading.last_durable => {
                    self.torn(reading, from, scanner.file());
                    return Ok(());
                }
                Step::Damage { from, to } => {
                    self.chain.is_known = false;
                    self.damage(reading, from..to, scanner.file());
                }
                Step::End { from } if from >= reading.len => return Ok(()),
                Step::End { from } => {
                    self.tail(reading, from, scanner.file());
                    return Ok(());
                }
            }
        }
    }

    /// Frames of which their appender was told that they failed, and behind which the log went on elsewhere.
    fn void(&mut self, reading: &mut Reading<'_>, at: u64, scanner: &mut Scanner) -> io::Result<()> {
        self.recovery.n_void += 1;
        loop {
            match scanner.step(0)? {
                Step::Frame(..) => self.recovery.n_void += 1,
                Step::Damage { .. } => {}
                Step::End { .. } => break,
            }
        }
        cut(reading, at, scanner.file());
        Ok(())
    }

    /// Bytes at the end that are no frame.
    fn tail(&mut self, reading: &mut Reading<'_>, from: u64, file: &mut dyn File) {
        let is_whole = reading.successor.is_none_or(|header| self.chain.last >= header.last_before);
        if !is_whole {
            // Durable frames were here.
            self.chain.is_known = false;
            self.damage(reading, from..reading.len, file);
            return;
        }
        if reading.successor.is_none() {
            // A whole frame that was durable once, and whose number a consumer knows, looks the same as a torn one.
            let n_most = (reading.len - from) / HEAD_BYTES as u64 + 1;
            let last = self.chain.last.max(reading.segment.first.saturating_sub(1));
            self.state.next = self.state.next.max(last.saturating_add(1 + n_most));
        }
        self.torn(reading, from, file);
    }

    /// Cuts what is torn, once it is copied.
    fn torn(&mut self, reading: &mut Reading<'_>, from: u64, file: &mut dyn File) {
        let range = from..reading.len;
        self.recovery.torn_bytes += range.end - range.start;
        if self.keep(reading, range.clone(), file) {
            cut(reading, from, file);
        } else {
            add(&mut reading.segment.unsaved, range);
        }
    }

    fn damage(&mut self, reading: &mut Reading<'_>, range: std::ops::Range<u64>, file: &mut dyn File) {
        self.recovery.n_damaged += 1;
        self.recovery.damaged_bytes += range.end - range.start;
        add(&mut reading.segment.damaged, range.clone());
        if !self.keep(reading, range.clone(), file) {
            add(&mut reading.segment.unsaved, range);
        }
    }

    /// Copies bytes and describes them. Says whether they are copied.
    fn keep(&mut self, reading: &Reading<'_>, range: std::ops::Range<u64>, file: &mut dyn File) -> bool {
        let kept = self.index.save(&reading.segment.name, range.clone(), file).ok();
        let is_kept = kept.is_some();
        if self.recovery.damaged.len() < DESCRIBED_MAX {
            self.recovery.damaged.push(Damage {
                segment: reading.path.clone(),
                from: range.start,
                to: range.end,
                is_new: kept.as_ref().is_none_or(|kept| kept.is_new),
                kept: kept.map(|kept| kept.path),
            });
        }
        is_kept
    }

    /// The rest of a segment cannot be read. What is there may be durable, so it is left, and its numbers are not given again.
    fn give_up(&mut self, reading: &mut Reading<'_>, err: io::Error) {
        self.recovery.unreadable.push((reading.path.clone(), err));
        // Of a file that cannot be asked for its length this is more than any holds.
        let len = if reading.len > 0 { reading.len } else { u64::from(u32::MAX) * HEAD_BYTES as u64 };
        let n_most = len / HEAD_BYTES as u64 + 1;
        let last = match reading.successor {
            Some(header) if header.last_before < reading.segment.first => return,
            Some(header) => header.last_before,
            None => reading.segment.first.max(self.chain.last).saturating_add(n_most),
        };
        // A number of the next segment is no number of this one: whoever read on behind it would pass over that segment.
        let last = last.min(reading.first_behind.saturating_sub(1)).max(reading.segment.first);
        reading.segment.is_unread = true;
        reading.segment.last = last;
        self.chain = Chain { last: self.chain.last.max(last), seal: 0, is_known: false };
    }
}

/// Cuts a file where its durable frames end. If that fails, what lies behind is found and passed over again next time.
fn cut(reading: &mut Reading<'_>, at: u64, file: &mut dyn File) {
    if file.truncate(at).and_then(|()| file.sync()).is_ok() {
        reading.segment.file_bytes = at;
    }
}
