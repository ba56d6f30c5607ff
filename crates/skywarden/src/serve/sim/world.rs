//! What the server cannot choose: the time, luck, and what becomes of each of its calls to the outside.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use lake::{Env, Faults, Step};
use state::Entropy;
use wal::sim::Dice;

use super::super::super::clock::Clock;
use super::super::lock;

/// When the world begins: 2026-11-01T00:00:00Z.
pub const BEGIN_MS: i64 = 1_793_491_200_000;

/// What is wrong during one action. Calls are counted from its beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// So many calls fail, from this one on, and do nothing.
    Fails { from: u64, n: u64 },
    /// The first call from this one on that changes something does so, and says that it failed.
    Mute { from: u64 },
    /// The first commit that is made visible from this call on says that it failed, and is there some calls later.
    Late { from: u64, by: u64 },
    /// The process dies before this call.
    Dies { at: u64 },
}

/// What may become of a call besides failing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Can {
    /// It is no call, but an instant at which the process can die.
    Die,
    /// It fails as a whole.
    Fail,
    /// It may be done although it says that it failed.
    Mute,
    /// It may be done later although it says that it failed.
    Late,
}

/// What becomes of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It is done.
    Done,
    /// It fails and does nothing.
    Fails,
    /// It is done and says that it failed.
    Mute,
    /// It says that it failed and is done after so many calls.
    Late(u64),
}

/// The world of one run.
pub struct World {
    inner: Mutex<Inner>,
}

struct Inner {
    dice: Dice,
    uptime: Duration,
    /// How far the clock on the wall is ahead.
    ahead_ms: i64,
    trouble: Option<Trouble>,
    /// Calls since the action began, and in all.
    n_calls: u64,
    n_calls_ever: u64,
    is_dead: bool,
    /// What happens at one of the next instants of a commit.
    meanwhile: Option<(u64, Meanwhile)>,
    /// How often what happened.
    seen: Seen,
    trace: u64,
    is_told: bool,
}

/// How often what happened.
pub type Seen = BTreeMap<&'static str, u64>;

/// What others do in the middle of a commit.
pub type Meanwhile = Box<dyn FnOnce() + Send>;

impl World {
    /// A world of this seed; if it is told, all that happens is printed.
    pub fn new(seed: u64, is_told: bool) -> Arc<World> {
        let inner = Inner {
            dice: Dice::new(seed),
            uptime: Duration::from_secs(100),
            ahead_ms: 0,
            trouble: None,
            n_calls: 0,
            n_calls_ever: 0,
            is_dead: false,
            meanwhile: None,
            seen: Seen::new(),
            trace: seed,
            is_told,
        };
        Arc::new(World { inner: Mutex::new(inner) })
    }

    /// An action begins.
    pub fn begin(&self, trouble: Option<Trouble>) {
        let mut inner = lock(&self.inner);
        (inner.trouble, inner.n_calls, inner.meanwhile) = (trouble, 0, None);
    }

    /// Something else happens at the instant with this number, if there are so many.
    pub fn meanwhile(&self, at: u64, what: Meanwhile) {
        lock(&self.inner).meanwhile = Some((at, what));
    }

    /// The process is there again.
    pub fn revive(&self) {
        lock(&self.inner).is_dead = false;
    }

    /// Whether the process died.
    pub fn is_dead(&self) -> bool {
        lock(&self.inner).is_dead
    }

    /// Time passes.
    pub fn pass(&self, time: Duration) {
        lock(&self.inner).uptime += time;
    }

    /// Somebody sets the clock on the wall.
    pub fn jump(&self, ms: i64) {
        lock(&self.inner).ahead_ms += ms;
    }

    /// What becomes of a call of the server.
    pub fn call(&self, what: &str, of: &str, can: Can) -> Fate {
        let mut inner = lock(&self.inner);
        let n = inner.n_calls;
        inner.n_calls += 1;
        inner.n_calls_ever += 1;
        inner.uptime += Duration::from_millis(1);
        let fate = match inner.trouble {
            _ if inner.is_dead => Fate::Fails,
            Some(Trouble::Dies { at }) if n >= at => {
                inner.is_dead = true;
                Fate::Fails
            }
            Some(Trouble::Fails { from, n: many }) if (from..from + many).contains(&n) && can >= Can::Fail => {
                Fate::Fails
            }
            Some(Trouble::Mute { from }) if n >= from && can >= Can::Mute => {
                inner.trouble = None;
                Fate::Mute
            }
            Some(Trouble::Late { from, by }) if n >= from && can >= Can::Late => {
                inner.trouble = None;
                Fate::Late(by)
            }
            _ => Fate::Done,
        };
        inner.note(&format!("{what} {of}: {fate:?}"));
        let told = match fate {
            Fate::Done => "calls that are done",
            Fate::Fails => "calls that fail",
            Fate::Mute => "calls whose reply is lost",
            Fate::Late(_) => "calls that are late",
        };
        *inner.seen.entry(told).or_default() += 1;
        fate
    }

    /// Calls in all.
    pub fn n_calls_ever(&self) -> u64 {
        lock(&self.inner).n_calls_ever
    }

    /// Remembers that something happened.
    pub fn note(&self, what: &str) {
        lock(&self.inner).note(what);
    }

    /// Counts that something happened.
    pub fn count(&self, what: &'static str) {
        *lock(&self.inner).seen.entry(what).or_default() += 1;
    }

    /// How often what happened.
    pub fn seen(&self) -> Seen {
        lock(&self.inner).seen.clone()
    }

    /// A number for all that happened, in its order.
    pub fn trace(&self) -> u64 {
        lock(&self.inner).trace
    }
}

impl Inner {
    fn note(&mut self, what: &str) {
        if self.is_told {
            tell!("{:>7} {what}", self.n_calls_ever);
        }
        // FNV-1a: whoever differs in one letter differs from there on.
        for byte in what.bytes().chain([b'\n']) {
            self.trace = (self.trace ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}

impl Clock for World {
    fn now_ms(&self) -> i64 {
        let inner = lock(&self.inner);
        BEGIN_MS + inner.uptime.as_millis() as i64 + inner.ahead_ms
    }

    fn uptime(&self) -> Duration {
        lock(&self.inner).uptime
    }
}

impl Env for World {
    fn now_ms(&self) -> i64 {
        Clock::now_ms(self)
    }

    fn random(&self) -> u128 {
        let mut inner = lock(&self.inner);
        u128::from(inner.dice.roll()) << 64 | u128::from(inner.dice.roll())
    }

    fn sleep(&self, time: Duration) {
        self.pass(time);
    }
}

impl Entropy for World {
    fn fill(&self, bytes: &mut [u8]) {
        let mut inner = lock(&self.inner);
        bytes.iter_mut().for_each(|byte| *byte = inner.dice.roll() as u8);
    }
}

impl Faults for World {
    fn at(&self, step: Step) -> std::io::Result<()> {
        let due = {
            let mut inner = lock(&self.inner);
            match inner.meanwhile.take() {
                Some((0, what)) => Some(what),
                Some((n, what)) => {
                    inner.meanwhile = Some((n - 1, what));
                    None
                }
                None => None,
            }
        };
        if let Some(what) = due {
            what();
        }
        if step == Step::AfterSwap {
            self.count("commits");
        }
        match self.call("commit", &format!("{step:?}"), Can::Die) {
            Fate::Fails => Err(std::io::Error::other("the process is dead")),
            _ => Ok(()),
        }
    }
}
