//! Slows down those who try passwords: by name and address, and by address alone. Nobody is locked out for good, since that would be
//! a way to lock out others.

use std::collections::HashMap;

/// Tries without a pause.
const FREE: u32 = 10;
/// The first pause, and the longest.
const PAUSE_MS: (i64, i64) = (1_000, 15 * 60_000);
/// Tries of one address with whatever names, before it is slowed down as a whole.
const FREE_OF_ADDRESS: u32 = 100;
/// After so long a time failures are forgotten.
const FORGET_MS: i64 = 30 * 60_000;
/// Threads that try at once may see the clock in another order.
const SKEW_MS: i64 = 1_000;
/// The most that is remembered.
const ENTRIES_MAX: usize = 100_000;

type Key = (Option<String>, String);

/// Failures in two generations: when the young one is full it takes the place of the old one, so that memory is bounded,
/// no try is uncounted, and none costs a walk over all others.
#[derive(Default)]
pub(crate) struct Limiter {
    young: HashMap<Key, Failures>,
    old: HashMap<Key, Failures>,
}

#[derive(Clone, Copy)]
struct Failures {
    n: u32,
    last_ms: i64,
}

impl Failures {
    /// When the next try is looked at.
    fn until_ms(self, free: u32) -> i64 {
        let over = self.n.saturating_sub(free);
        if self.n < free {
            return self.last_ms;
        }
        self.last_ms + PAUSE_MS.0.saturating_mul(1 << over.min(20)).min(PAUSE_MS.1)
    }
}

impl Limiter {
    /// How long to wait, if a try is not looked at now.
    pub(crate) fn wait_ms(&self, name: &str, from: &str, now_ms: i64) -> Option<u64> {
        let of = |name: Option<&str>, free| {
            let failures = self.get(&(name.map(str::to_owned), from.to_owned()))?;
            // A clock that was set back makes nobody wait until it is there again.
            let is_set_back = failures.last_ms - now_ms > SKEW_MS;
            let left = failures.until_ms(free) - now_ms;
            (left > 0 && !is_set_back).then_some(left.min(PAUSE_MS.1) as u64)
        };
        of(Some(name), FREE).max(of(None, FREE_OF_ADDRESS))
    }

    fn get(&self, key: &Key) -> Option<Failures> {
        self.young.get(key).or_else(|| self.old.get(key)).copied()
    }

    /// Counts a failure; whether it is one of the few that are worth a note.
    pub(crate) fn failed(&mut self, name: &str, from: &str, now_ms: i64) -> bool {
        let mut n_of_name = 0;
        for name in [None, Some(name.to_owned())] {
            let key = (name, from.to_owned());
            let mut failures = self.get(&key).unwrap_or(Failures { n: 0, last_ms: now_ms });
            if now_ms - failures.last_ms >= FORGET_MS {
                failures.n = 0;
            }
            failures.n = failures.n.saturating_add(1);
            failures.last_ms = now_ms;
            n_of_name = failures.n;
            self.old.remove(&key);
            self.young.insert(key, failures);
            if self.young.len() >= ENTRIES_MAX / 2 {
                self.old = std::mem::take(&mut self.young);
            }
        }
        n_of_name <= FREE || n_of_name.is_power_of_two()
    }

    pub(crate) fn succeeded(&mut self, name: &str, from: &str) {
        let key = (Some(name.to_owned()), from.to_owned());
        self.young.remove(&key);
        self.old.remove(&key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_end() {
        let mut limiter = Limiter::default();
        for n in 0..FREE {
            assert_eq!(limiter.wait_ms("a", "ip", 0), None, "{n}");
            limiter.failed("a", "ip", 0);
        }
        assert_eq!(limiter.wait_ms("a", "ip", 0), Some(1_000));
        assert_eq!(limiter.wait_ms("a", "other", 0), None);
        assert_eq!(limiter.wait_ms("b", "ip", 0), None);
        assert_eq!(limiter.wait_ms("a", "ip", 1_000), None);
        for _ in 0..40 {
            limiter.failed("a", "ip", 1_000);
        }
        assert_eq!(limiter.wait_ms("a", "ip", 1_000), Some(15 * 60_000));
        assert_eq!(limiter.wait_ms("a", "ip", 1_000 + 15 * 60_000), None);
        assert_eq!(limiter.wait_ms("a", "ip", -1_000), None, "the clock was set back");
        assert_eq!(limiter.wait_ms("a", "ip", 1_000), Some(15 * 60_000));
        limiter.succeeded("a", "ip");
        assert_eq!(limiter.wait_ms("a", "ip", 1_000), None);
    }

    #[test]
    fn an_address_that_tries_many_names_is_slowed_down_too_and_memory_is_bounded() {
        let mut limiter = Limiter::default();
        for n in 0..FREE_OF_ADDRESS {
            limiter.failed(&format!("user{n}"), "ip", 0);
        }
        assert!(limiter.wait_ms("another", "ip", 0).is_some());
        for n in 0..2 * ENTRIES_MAX {
            limiter.failed("a", &format!("ip{n}"), 0);
        }
        assert!(limiter.young.len() + limiter.old.len() <= ENTRIES_MAX);
        let last = format!("ip{}", 2 * ENTRIES_MAX - 1);
        assert!(limiter.get(&(Some("a".into()), last)).is_some(), "the newest is remembered");
    }
}
