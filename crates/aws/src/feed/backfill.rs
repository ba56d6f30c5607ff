//! Objects that lay in a bucket before: the days of CloudTrail's layout, newest first.
//!
//! `AWSLogs/[o-id/]account/CloudTrail/region/YYYY/MM/DD/`. Which months there are is found by listing folders; then each month is
//! listed for all accounts and Regions, and its days walked downward.

use std::collections::{BTreeMap, VecDeque};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::queue::chain;
use super::{BoxError, ObjectId, Outcome, Started, TransferError, Transfers, Wanted};
use crate::s3::{Bucket, List, Listed, Page, S3Error};

const GAPS_MAX: usize = 10_000;
const FOLDERS_MAX: usize = 1_000_000;

/// Keeps how far a walk is.
pub trait Checkpoints: Send {
    /// What was last saved.
    fn load(&self) -> Result<Option<Vec<u8>>, BoxError>;
    /// Keeps it, so that it survives a restart.
    fn save(&self, checkpoint: &[u8]) -> Result<(), BoxError>;
}

/// What is walked.
#[derive(Clone, Debug)]
pub struct Backfill {
    /// In which bucket.
    pub bucket: Bucket,
    /// Where the layout begins: `some/folder/AWSLogs/`.
    pub prefix: String,
    /// No day before this one: `2024/01/31`.
    pub oldest: Option<String>,
    /// How often an object is tried before it becomes a gap.
    pub attempts_max: u32,
}

/// How far a walk is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// Objects that are safe.
    pub objects_done: u64,
    /// Their bytes.
    pub bytes_done: u64,
    /// Objects found until now.
    pub objects_known: u64,
    /// Their bytes.
    pub bytes_known: u64,
    /// Objects that could not be read, and why.
    pub gaps: Vec<(String, String)>,
    /// The day that is walked.
    pub day: Option<String>,
    /// Whether all is walked.
    pub is_complete: bool,
}

/// A step failed; the next one tries the same again.
#[derive(Debug, thiserror::Error)]
pub enum BackfillError {
    /// A folder was not listed.
    #[error("cannot list the bucket")]
    List {
        /// Why.
        #[source]
        err: S3Error,
    },
    /// An object was not read, and others would not be either.
    #[error("cannot transfer an object")]
    Transfer {
        /// Why.
        #[source]
        err: TransferError,
    },
    /// The checkpoint is not read or kept.
    #[error("cannot {what} the checkpoint")]
    Checkpoint {
        /// `save`.
        what: &'static str,
        /// Why.
        #[source]
        err: BoxError,
    },
    /// There is more than can be remembered.
    #[error("more than {max} {what}")]
    Many {
        /// `objects could not be read`.
        what: &'static str,
        /// The bound.
        max: usize,
    },
}

/// All before this one, in the order of the walk, is safe or a gap.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Checkpoint {
    /// `2024/01/31`, its folder, and the last key in it.
    at: Option<(String, String, String)>,
    progress: Progress,
}

struct Walked {
    day: String,
    folder: String,
    object: Listed,
    n_failed: u32,
    state: WalkedState,
    /// Whether it was a gap of the walk, which was over there.
    was_gap: bool,
}

#[derive(PartialEq, Eq)]
enum WalkedState {
    Waiting,
    UnderWay,
    Over,
}

/// The walk.
pub struct S3Backfill {
    options: Backfill,
    transfers: Transfers,
    checkpoints: Box<dyn Checkpoints>,
    checkpoint: Checkpoint,
    /// Folders of which it is not known what they hold.
    to_find: VecDeque<String>,
    /// By year and month, the folders of that month.
    months: BTreeMap<String, Vec<String>>,
    /// Folders of the newest month that are not yet listed, and by day those of its days.
    to_list: VecDeque<String>,
    days: BTreeMap<String, VecDeque<String>>,
    /// The folder that is listed, with where to go on.
    open: Option<(String, String, Option<String>)>,
    /// Keys of gaps that are tried again.
    to_retry: VecDeque<String>,
    window: BTreeMap<u64, Walked>,
    next_ticket: u64,
    to: Sender<(u64, Outcome)>,
    outcomes: Receiver<(u64, Outcome)>,
}

impl S3Backfill {
    /// A walk that goes on where it was.
    pub fn new(
        options: Backfill,
        transfers: Transfers,
        checkpoints: Box<dyn Checkpoints>,
    ) -> Result<Self, BackfillError> {
        let wrong = |err| BackfillError::Checkpoint { what: "load", err };
        let checkpoint: Checkpoint = match checkpoints.load().map_err(wrong)? {
            Some(bytes) => serde_json::from_slice(&bytes).map_err(|err| wrong(err.into()))?,
            None => Checkpoint::default(),
        };
        let (to, outcomes) = channel();
        let to_find = VecDeque::from([options.prefix.clone()]);
        let mut out = Self {
            options,
            transfers,
            checkpoints,
            checkpoint,
            to_find,
            months: BTreeMap::new(),
            to_list: VecDeque::new(),
            days: BTreeMap::new(),
            open: None,
            to_retry: VecDeque::new(),
            window: BTreeMap::new(),
            next_ticket: 0,
            to,
            outcomes,
        };
        // Whatever was found and not over is found again.
        let progress = &mut out.checkpoint.progress;
        progress.objects_known = progress.objects_done + progress.gaps.len() as u64;
        progress.bytes_known = progress.bytes_done;
        Ok(out)
    }

    /// How far it is.
    pub fn progress(&self) -> &Progress {
        &self.checkpoint.progress
    }

    /// Lets a walk that is over try its gaps again; whether there are any. Those that can be read then are gaps no more.
    pub fn retry_gaps(&mut self) -> bool {
        let progress = &mut self.checkpoint.progress;
        if !progress.is_complete || progress.gaps.is_empty() {
            return false;
        }
        progress.is_complete = false;
        self.to_retry = progress.gaps.iter().map(|(key, _)| key.clone()).collect();
        // What a walk that was over at the last end of the program has not walked is nothing.
        self.to_find.clear();
        true
    }

    /// Looks for an object that was a gap.
    fn retry(&mut self, key: &str) -> Result<(), BackfillError> {
        let list = List { bucket: &self.options.bucket, prefix: key, start_after: None, delimiter: None, token: None };
        // The key itself comes before all that begin with it.
        let object = self.list(&list)?.objects.into_iter().find(|object| object.key == key);
        let Some(object) = object else {
            let gaps = &mut self.checkpoint.progress.gaps;
            gaps.iter_mut()
                .filter(|(gap, _)| gap == key)
                .for_each(|(_, why)| *why = "it is not in the bucket any more".to_owned());
            return Ok(());
        };
        let (day, folder, state) = (String::new(), String::new(), WalkedState::Waiting);
        self.window.insert(self.next_ticket, Walked { day, folder, object, n_failed: 0, state, was_gap: true });
        self.next_ticket += 1;
        Ok(())
    }

    /// One step: what ended is settled, and an object is read or a folder listed.
    /// Returns after a second at the latest if it can only wait for objects under way.
    pub fn step(&mut self) -> Result<(), BackfillError> {
        while let Ok((ticket, outcome)) = self.outcomes.try_recv() {
            self.settle(ticket, outcome)?;
        }
        if self.checkpoint.progress.is_complete {
            return Ok(());
        }
        let waiting = self.window.iter().find(|(_, w)| w.state == WalkedState::Waiting).map(|(ticket, _)| *ticket);
        if let Some(ticket) = waiting {
            return self.start(ticket);
        }
        if let Some(folder) = self.to_find.front().cloned() {
            self.find(&folder)?;
            self.to_find.pop_front();
        } else if self.window.len() >= 2000 {
            self.wait()?;
        } else if let Some(key) = self.to_retry.front().cloned() {
            self.retry(&key)?;
            self.to_retry.pop_front();
        } else if let Some((day, folder, token)) = self.open.clone() {
            self.read_page(day, folder, token)?;
        } else if let Some(folder) = self.to_list.front().cloned() {
            for day in self.folders(&folder)? {
                if let Some(date) = date(&day, 3).filter(|date| self.is_wanted(date, &day)) {
                    self.days.entry(date).or_default().push_back(day);
                }
            }
            self.to_list.pop_front();
        } else if let Some(mut entry) = self.days.last_entry() {
            match entry.get_mut().pop_front() {
                Some(folder) => self.open = Some((entry.key().clone(), folder, None)),
                None => drop(entry.remove()),
            }
        } else if let Some((_, mut folders)) = self.months.pop_last() {
            // Within a day the checkpoint goes by the order of folders.
            folders.sort_unstable();
            self.to_list = folders.into();
        } else if self.window.is_empty() {
            self.checkpoint.progress.is_complete = true;
            self.save()?;
        } else {
            self.wait()?;
        }
        Ok(())
    }

    fn wait(&mut self) -> Result<(), BackfillError> {
        match self.outcomes.recv_timeout(Duration::from_secs(1)) {
            Ok((ticket, outcome)) => self.settle(ticket, outcome),
            Err(_) => Ok(()),
        }
    }

    /// Looks into a folder on the way down to months.
    fn find(&mut self, folder: &str) -> Result<(), BackfillError> {
        for below in self.folders(folder)? {
            let rest: Vec<&str> = below[self.options.prefix.len()..].split('/').collect();
            // `o-id/` may stand before the account.
            let rest = if rest[0].starts_with("o-") { &rest[1..] } else { &rest[..] };
            let is_wanted = match rest {
                [service, ..] if rest.len() == 3 && rest[1] != "CloudTrail" => service.is_empty(),
                _ => true,
            };
            match date(&below, 2) {
                Some(month) => self.months.entry(month).or_default().push(below),
                None if is_wanted && rest.len() <= 5 => self.to_find.push_back(below),
                None => {}
            }
            if self.to_find.len() + self.months.len() > FOLDERS_MAX {
                return Err(BackfillError::Many { what: "folders are in the bucket", max: FOLDERS_MAX });
            }
        }
        Ok(())
    }

    fn folders(&self, prefix: &str) -> Result<Vec<String>, BackfillError> {
        let (mut out, mut token) = (Vec::new(), None);
        loop {
            let list = List {
                bucket: &self.options.bucket,
                prefix,
                start_after: None,
                delimiter: Some("/"),
                token: token.as_deref(),
            };
            let page = self.list(&list)?;
            // Nothing is gone into that is not below.
            out.extend(
                page.prefixes.into_iter().filter(|below| below.starts_with(prefix) && below.len() > prefix.len()),
            );
            token = page.next;
            if token.is_none() {
                out.sort_unstable();
                return Ok(out);
            }
        }
    }

    fn list(&self, list: &List<'_>) -> Result<Page, BackfillError> {
        self.transfers.s3().list(list).map_err(|err| BackfillError::List { err })
    }

    fn is_wanted(&self, date: &str, folder: &str) -> bool {
        if self.options.oldest.as_ref().is_some_and(|oldest| date < oldest.as_str()) {
            return false;
        }
        match &self.checkpoint.at {
            Some((day, own, _)) => date < day.as_str() || (date == day && folder >= own.as_str()),
            None => true,
        }
    }

    fn read_page(&mut self, day: String, folder: String, token: Option<String>) -> Result<(), BackfillError> {
        let start_after = match &self.checkpoint.at {
            Some((_, own, key)) if token.is_none() && *own == folder => Some(key.clone()),
            _ => None,
        };
        let list = List {
            bucket: &self.options.bucket,
            prefix: &folder,
            start_after: start_after.as_deref(),
            delimiter: None,
            token: token.as_deref(),
        };
        let page = self.list(&list)?;
        let progress = &mut self.checkpoint.progress;
        progress.day = Some(day.clone());
        for object in page.objects {
            progress.objects_known += 1;
            progress.bytes_known += object.size;
            let walked = Walked {
                day: day.clone(),
                folder: folder.clone(),
                object,
                n_failed: 0,
                state: WalkedState::Waiting,
                was_gap: false,
            };
            self.window.insert(self.next_ticket, walked);
            self.next_ticket += 1;
        }
        self.open = page.next.map(|token| (day, folder, Some(token)));
        Ok(())
    }

    fn start(&mut self, ticket: u64) -> Result<(), BackfillError> {
        let Some(walked) = self.window.get_mut(&ticket) else { return Ok(()) };
        let Listed { key, size, etag } = walked.object.clone();
        let id = ObjectId { bucket: self.options.bucket.clone(), key, version: etag };
        let wanted = Wanted { id: &id, version_id: None, size, ticket, to: &self.to };
        match self.transfers.start(&wanted, &mut || {}) {
            Ok(Started::UnderWay) => walked.state = WalkedState::UnderWay,
            Ok(Started::Safe) => return self.settle(ticket, Outcome::Safe),
            Ok(Started::Full) => return self.wait(),
            Err(err) if err.is_of_object() => return self.failed(ticket, chain(&err)),
            Err(err) => return Err(BackfillError::Transfer { err }),
        }
        Ok(())
    }

    fn settle(&mut self, ticket: u64, outcome: Outcome) -> Result<(), BackfillError> {
        if outcome == Outcome::Failed {
            return self.failed(ticket, "it was taken and not made safe".to_owned());
        }
        if let Some(walked) = self.window.get_mut(&ticket) {
            walked.state = WalkedState::Over;
            let progress = &mut self.checkpoint.progress;
            progress.objects_done += 1;
            progress.bytes_done += walked.object.size;
            if walked.was_gap {
                progress.gaps.retain(|(key, _)| *key != walked.object.key);
            }
        }
        self.advance()
    }

    fn failed(&mut self, ticket: u64, reason: String) -> Result<(), BackfillError> {
        let Some(walked) = self.window.get_mut(&ticket) else { return Ok(()) };
        walked.n_failed += 1;
        walked.state = WalkedState::Waiting;
        if walked.n_failed < self.options.attempts_max {
            return Ok(());
        }
        let gaps = &mut self.checkpoint.progress.gaps;
        gaps.retain(|(key, _)| *key != walked.object.key);
        // All would be lost one by one: it stands still until a human looks.
        if gaps.len() >= GAPS_MAX {
            return Err(BackfillError::Many { what: "objects could not be read", max: GAPS_MAX });
        }
        gaps.push((walked.object.key.clone(), reason));
        walked.state = WalkedState::Over;
        self.advance()
    }

    /// Moves the checkpoint over all that is over.
    fn advance(&mut self) -> Result<(), BackfillError> {
        let before = self.window.len();
        while let Some(entry) = self.window.first_entry().filter(|entry| entry.get().state == WalkedState::Over) {
            let walked = entry.remove();
            if !walked.was_gap {
                self.checkpoint.at = Some((walked.day, walked.folder, walked.object.key));
            }
        }
        if self.window.len() < before { self.save() } else { Ok(()) }
    }

    fn save(&self) -> Result<(), BackfillError> {
        let bytes = serde_json::to_vec(&self.checkpoint).expect("a checkpoint is text and numbers");
        self.checkpoints.save(&bytes).map_err(|err| BackfillError::Checkpoint { what: "save", err })
    }
}

/// `2024/01` or `2024/01/31` at the end of a folder's name, and behind a name that is no number.
fn date(folder: &str, n: usize) -> Option<String> {
    let parts: Vec<&str> = folder.trim_end_matches('/').split('/').collect();
    let (before, date) = parts.split_at(parts.len().checked_sub(n)?);
    let is_number = |text: &str, len: usize| text.len() == len && text.bytes().all(|b| b.is_ascii_digit());
    let is_date = is_number(date[0], 4) && date[1..].iter().all(|part| is_number(part, 2));
    (is_date && before.last().is_some_and(|name| !is_number(name, 4))).then(|| date.join("/"))
}
