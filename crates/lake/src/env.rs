//! Time, randomness and faults: what tests must be able to hold in their hands.

use std::time::Duration;

/// Time and randomness of a lake.
pub trait Env: Send + Sync {
    /// Milliseconds since 1970, UTC.
    fn now_ms(&self) -> i64;
    /// 128 random bits: names of files, ids of snapshots and commits, jitter.
    fn random(&self) -> u128;
    /// Waits before another attempt.
    fn sleep(&self, time: Duration);
}

/// The machine's clock and the operating system's randomness.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemEnv;

impl Env for SystemEnv {
    fn now_ms(&self) -> i64 {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        since.map_or(0, |d| i64::try_from(d.as_millis()).unwrap_or(i64::MAX))
    }

    fn random(&self) -> u128 {
        // A version 4 UUID has six fixed bits; folding a second one over it makes all of them random.
        uuid::Uuid::new_v4().as_u128() ^ uuid::Uuid::new_v4().as_u128().rotate_left(64)
    }

    fn sleep(&self, time: Duration) {
        std::thread::sleep(time);
    }
}

/// A random UUID.
pub(crate) fn uuid(env: &dyn Env) -> uuid::Uuid {
    uuid::Builder::from_random_bytes(env.random().to_be_bytes()).into_uuid()
}

/// The instants of a commit at which a crash makes a difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Step {
    /// Nothing is written.
    BeforeData,
    /// Data files are complete, and nothing refers to them.
    AfterData,
    /// As before; the manifests come next.
    BeforeManifest,
    /// Manifests and manifest list are complete, and nothing refers to them.
    AfterManifest,
    /// The next act makes the commit visible.
    BeforeSwap,
    /// The commit is visible; its caller does not know.
    AfterSwap,
}

impl Step {
    /// All steps, in their order.
    pub const ALL: [Self; 6] = [
        Self::BeforeData,
        Self::AfterData,
        Self::BeforeManifest,
        Self::AfterManifest,
        Self::BeforeSwap,
        Self::AfterSwap,
    ];
}

/// Where a test stops a commit. What it returns is passed on as if the process had died there: nothing is cleaned up.
pub trait Faults: Send + Sync {
    /// Called at each step.
    ///
    /// # Errors
    /// When the commit shall stop here.
    fn at(&self, step: Step) -> std::io::Result<()>;
}

/// Nothing ever fails.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoFaults;

impl Faults for NoFaults {
    fn at(&self, _: Step) -> std::io::Result<()> {
        Ok(())
    }
}
