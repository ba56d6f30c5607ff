//! Objects that the messages of a queue tell of. A message is deleted after all its objects are safe, and kept from others till then.

use std::collections::{BTreeMap, VecDeque};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use super::{ObjectId, Outcome, Started, Transfers, Wanted};
use crate::env::Env;
use crate::notice::{self, Notice};
use crate::sqs::{Message, Queue, SqsError};

/// How a queue is read.
#[derive(Clone, Debug)]
pub struct Queued {
    /// For how long others do not get a message; it is asked for again after a third of it.
    pub visibility: Duration,
    /// How long a poll waits if nothing is under way.
    pub wait: Duration,
    /// How many messages may be under way.
    pub messages_max: usize,
    /// From how many receipts on a message that fails is called poison; the queue's redrive policy says how often it is tried.
    pub receives_max: u32,
    /// How long a message that failed is left alone.
    pub pause: Duration,
    /// The buckets that may be read; all, if none is named. Who may send to the queue chooses what we read.
    pub buckets: Vec<String>,
}

impl Default for Queued {
    fn default() -> Self {
        Self {
            visibility: Duration::from_secs(300),
            wait: Duration::from_secs(20),
            messages_max: 50,
            receives_max: 5,
            pause: Duration::from_secs(60),
            buckets: Vec::new(),
        }
    }
}

/// A message that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// The message.
    pub message_id: String,
    /// How often it was received.
    pub n_received: u32,
    /// Why, with all causes.
    pub reason: String,
    /// What was sent, as it came.
    pub body: String,
    /// Whether it failed so often that the queue's redrive policy should put it aside.
    pub is_poison: bool,
}

/// The queue was not read.
#[derive(Debug, thiserror::Error)]
#[error("cannot read the queue {queue}")]
pub struct QueueStepError {
    /// Which.
    pub queue: String,
    /// Why.
    #[source]
    pub err: Box<SqsError>,
}

/// The messages under way. Clones are the same; whoever calls [`Holds::beat`] keeps them from others.
#[derive(Clone)]
pub struct Holds {
    queue: Queue,
    env: Arc<dyn Env>,
    visibility: Duration,
    held: Arc<Mutex<BTreeMap<String, Hold>>>,
}

struct Hold {
    receipt: String,
    /// When it was last asked for.
    asked: SystemTime,
}

impl Holds {
    /// Extends what is a third over. To be called every few seconds, by any thread.
    pub fn beat(&self) {
        // Under the lock, so that no two extend the same.
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.env.now();
        let mut lost = Vec::new();
        for (id, hold) in held.iter_mut() {
            if now.duration_since(hold.asked).is_ok_and(|age| age < self.visibility / 3) {
                continue;
            }
            match self.queue.set_visibility(&hold.receipt, self.visibility) {
                Ok(()) => hold.asked = now,
                // It comes again with another receipt, which is then taken over.
                Err(err) if err.is_lost() => lost.push(id.clone()),
                // There are two more thirds to try it in.
                Err(_) => {}
            }
        }
        for id in lost {
            held.remove(&id);
        }
    }

    fn take(&self, message: &Message) {
        let hold = Hold { receipt: message.receipt.clone(), asked: self.env.now() };
        self.held.lock().unwrap_or_else(PoisonError::into_inner).insert(message.id.clone(), hold);
    }

    fn release(&self, id: &str) -> Option<String> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).remove(id).map(|hold| hold.receipt)
    }
}

struct UnderWay {
    message: Message,
    /// Of objects: those to start, and those that were.
    n_open: usize,
    reason: Option<String>,
}

/// The feed of a queue.
pub struct S3Queue {
    queue: Queue,
    transfers: Transfers,
    options: Queued,
    holds: Holds,
    under_way: BTreeMap<String, UnderWay>,
    to_start: VecDeque<(String, Notice)>,
    tickets: BTreeMap<u64, String>,
    next_ticket: u64,
    to: Sender<(u64, Outcome)>,
    outcomes: Receiver<(u64, Outcome)>,
    troubles: Vec<Trouble>,
}

impl S3Queue {
    /// A feed of that queue.
    pub fn new(queue: Queue, transfers: Transfers, env: Arc<dyn Env>, options: Queued) -> Self {
        let (to, outcomes) = channel();
        let held = Arc::default();
        let holds = Holds { queue: queue.clone(), env, visibility: options.visibility, held };
        Self {
            queue,
            transfers,
            options,
            holds,
            under_way: BTreeMap::new(),
            to_start: VecDeque::new(),
            tickets: BTreeMap::new(),
            next_ticket: 0,
            to,
            outcomes,
            troubles: Vec::new(),
        }
    }

    /// What keeps messages from others, for a thread that beats while a step is slow.
    pub fn holds(&self) -> Holds {
        self.holds.clone()
    }

    /// How many messages are under way.
    pub fn n_under_way(&self) -> usize {
        self.under_way.len()
    }

    /// The messages that failed since this was last asked.
    pub fn troubles(&mut self) -> Vec<Trouble> {
        std::mem::take(&mut self.troubles)
    }

    /// One step: what ended is settled, messages are kept, and either the next object is read or the queue is asked.
    /// Returns after a second at the latest if it can only wait for objects under way.
    pub fn step(&mut self) -> Result<(), QueueStepError> {
        while let Ok((ticket, outcome)) = self.outcomes.try_recv() {
            self.settle(ticket, outcome);
        }
        self.holds.beat();
        if let Some((id, notice)) = self.to_start.pop_front() {
            self.start(id, notice);
            return Ok(());
        }
        if self.under_way.len() >= self.options.messages_max {
            self.wait();
            return Ok(());
        }
        let wait =
            if self.under_way.is_empty() { self.options.wait } else { Duration::from_secs(1).min(self.options.wait) };
        let messages = self.queue.receive(wait, self.options.visibility);
        let messages =
            messages.map_err(|err| QueueStepError { queue: self.queue.url().to_owned(), err: Box::new(err) })?;
        for message in messages {
            self.take(message);
        }
        Ok(())
    }

    fn wait(&mut self) {
        if let Ok((ticket, outcome)) = self.outcomes.recv_timeout(Duration::from_secs(1)) {
            self.settle(ticket, outcome);
        }
    }

    fn take(&mut self, message: Message) {
        self.holds.take(&message);
        let id = message.id.clone();
        // Its time was over while it is still under way: the new receipt is what can delete it.
        if let Some(own) = self.under_way.get_mut(&id) {
            own.message = message;
            return;
        }
        let parsed = notice::parse(&message.body).map_err(|err| err.to_string());
        let notices = parsed.and_then(|notices| match notices.iter().find(|notice| !self.may_read(notice)) {
            Some(notice) => Err(format!("the bucket {} is not among those to be read", notice.bucket)),
            None => Ok(notices),
        });
        let (notices, reason) = match notices {
            Ok(notices) => (notices, None),
            Err(reason) => (Vec::new(), Some(reason)),
        };
        // One more, so that the message stays until all its objects are looked at.
        let n_open = notices.len() + 1;
        self.under_way.insert(id.clone(), UnderWay { message, n_open, reason });
        self.to_start.extend(notices.into_iter().map(|notice| (id.clone(), notice)));
        self.close(&id, None);
    }

    fn may_read(&self, notice: &Notice) -> bool {
        self.options.buckets.is_empty() || self.options.buckets.iter().any(|own| own == notice.bucket.as_str())
    }

    fn start(&mut self, id: String, notice: Notice) {
        let version = notice.etag.clone().or_else(|| notice.version_id.clone()).unwrap_or_default();
        let object = ObjectId { bucket: notice.bucket.clone(), key: notice.key.clone(), version };
        let ticket = self.next_ticket;
        self.next_ticket += 1;
        let wanted = Wanted {
            id: &object,
            version_id: notice.version_id.as_deref(),
            size: notice.size.unwrap_or(0),
            ticket,
            to: &self.to,
        };
        let holds = &self.holds;
        match self.transfers.start(&wanted, &mut || holds.beat()) {
            Ok(Started::UnderWay) => {
                self.tickets.insert(ticket, id);
            }
            Ok(Started::Safe) => self.close(&id, None),
            Ok(Started::Full) => {
                self.to_start.push_front((id, notice));
                self.wait();
            }
            Err(err) => self.close(&id, Some(chain(&err))),
        }
    }

    fn settle(&mut self, ticket: u64, outcome: Outcome) {
        let Some(id) = self.tickets.remove(&ticket) else { return };
        let reason = (outcome == Outcome::Failed).then(|| "an object was taken and not made safe".to_owned());
        self.close(&id, reason);
    }

    /// One object of the message is over; after the last one the message is.
    fn close(&mut self, id: &str, reason: Option<String>) {
        let Some(own) = self.under_way.get_mut(id) else { return };
        own.n_open -= 1;
        own.reason = own.reason.take().or(reason);
        if own.n_open > 0 {
            return;
        }
        let own = self.under_way.remove(id).expect("it was just looked at");
        let receipt = self.holds.release(id);
        let Some(reason) = own.reason else {
            // If it is not deleted, or is another's by now, it comes again and its objects are found done.
            let _again = receipt.map(|receipt| self.queue.delete(&receipt));
            return;
        };
        if let Some(receipt) = receipt {
            // If this fails it comes again when its time is over.
            let _sooner = self.queue.set_visibility(&receipt, self.options.pause);
        }
        let Message { id: message_id, n_received, body, .. } = own.message;
        let is_poison = n_received >= self.options.receives_max;
        self.troubles.push(Trouble { message_id, n_received, reason, body, is_poison });
    }
}

/// An error with all its causes.
pub(super) fn chain(err: &dyn std::error::Error) -> String {
    let mut out = err.to_string();
    let mut cause = err.source();
    while let Some(err) = cause {
        out = format!("{out}: {err}");
        cause = err.source();
    }
    out
}
