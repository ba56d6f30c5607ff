//! What time it is.

use std::sync::LazyLock;
use std::time::{Duration, Instant};

/// A clock.
pub trait Clock: Send + Sync {
    /// Milliseconds since 1970 UTC. Somebody may set it, so that it jumps.
    fn now_ms(&self) -> i64;

    /// How long it is since some moment. It only grows.
    fn uptime(&self) -> Duration;
}

/// The clock of the machine.
#[derive(Clone, Copy, Debug)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now_ms(&self) -> i64 {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        since.map_or(0, |since| since.as_millis() as i64) + crate::failpoint::clock_offset_ms()
    }

    fn uptime(&self) -> Duration {
        static BEGIN: LazyLock<Instant> = LazyLock::new(Instant::now);
        BEGIN.elapsed()
    }
}
