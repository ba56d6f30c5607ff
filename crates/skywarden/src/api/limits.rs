//! How often one may ask: a caller by its name, whoever shows none by its address. It is counted in memory, before anything costs more.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use axum::http::{HeaderMap, HeaderName, HeaderValue};

use super::problem::Problem;
use crate::serve::lock;

/// What was not used of so many seconds may be used at once.
const BURST_S: u64 = 10;
/// Whoever shows no name may ask for this part of what a caller may.
const NOBODY_PART: u64 = 4;
/// The most callers that are remembered.
const CALLERS_MAX: usize = 100_000;

/// When each caller's requests are paid off, in microseconds since the begin. Two generations: when the young one is full it takes the place
/// of the old one, so that memory is bounded and no request costs a walk over all others.
#[derive(Default)]
struct Paid {
    young: HashMap<String, u64>,
    old: HashMap<String, u64>,
}

/// How often each caller has asked.
pub struct Limits {
    per_s: u64,
    begun: Instant,
    paid: Mutex<Paid>,
}

/// What is left to a caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    per_s: u64,
    /// How many requests more may come at once.
    left: u64,
    /// How long until the next is taken, if this one is not.
    wait: Option<Duration>,
}

/// Whether requests to this path are not counted: logs may come as they like, and so may those who look whether the server is there.
pub fn is_free(path: &str) -> bool {
    matches!(path, "/api/v1/ingest" | "/healthz")
}

/// The name under which an address is counted: a network of IPv6 is one.
pub fn address(ip: IpAddr) -> String {
    match ip {
        IpAddr::V4(ip) => format!("address/{ip}"),
        IpAddr::V6(ip) => {
            let [a, b, c, d, ..] = ip.segments();
            format!("address/{a:x}:{b:x}:{c:x}:{d:x}")
        }
    }
}

impl Limits {
    /// Callers may ask so often a second.
    pub fn new(per_s: u64) -> Limits {
        Limits { per_s, begun: Instant::now(), paid: Mutex::default() }
    }

    /// Counts a request of a caller, or of an address.
    pub fn count(&self, caller: &str) -> Pace {
        let per_s = if caller.starts_with("address/") { self.per_s.div_ceil(NOBODY_PART) } else { self.per_s };
        let now_us = self.begun.elapsed().as_micros() as u64;
        lock(&self.paid).count(caller, per_s, now_us)
    }
}

impl Paid {
    fn count(&mut self, caller: &str, per_s: u64, now_us: u64) -> Pace {
        let each_us = 1_000_000 / per_s.clamp(1, 1_000_000);
        let most_us = each_us * per_s * BURST_S;
        let before = self.young.get(caller).or_else(|| self.old.get(caller)).copied().unwrap_or_default();
        let after = before.max(now_us) + each_us;
        if after - now_us > most_us {
            let wait = Duration::from_micros(after - now_us - most_us);
            return Pace { per_s, left: 0, wait: Some(wait) };
        }
        self.young.insert(caller.to_owned(), after);
        if self.young.len() >= CALLERS_MAX / 2 {
            self.old = std::mem::take(&mut self.young);
        }
        Pace { per_s, left: (most_us - (after - now_us)) / each_us, wait: None }
    }
}

impl Pace {
    /// The refusal, if the request is one too many.
    pub fn refusal(self) -> Option<Problem> {
        let wait = self.wait?;
        let why = format!("you may ask {} times a second, and {} times at once", self.per_s, self.per_s * BURST_S);
        Some(Problem::too_many(why, wait.as_millis().div_ceil(1_000).max(1) as u64))
    }

    /// Tells the caller.
    pub fn tell(self, headers: &mut HeaderMap) {
        let policy = format!("\"caller\";q={};w={BURST_S}", self.per_s * BURST_S);
        // All is there again when what was used is paid off.
        let used = self.per_s * BURST_S - self.left;
        let left = format!("\"caller\";r={};t={}", self.left, used.div_ceil(self.per_s));
        for (name, text) in [("ratelimit-policy", policy), ("ratelimit", left)] {
            if let Ok(value) = HeaderValue::from_str(&text) {
                headers.insert(HeaderName::from_static(name), value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_used_comes_back_with_time() {
        let mut paid = Paid::default();
        for n in (0..20).rev() {
            assert_eq!(paid.count("user/a", 2, 0), Pace { per_s: 2, left: n, wait: None });
        }
        let over = paid.count("user/a", 2, 0);
        assert_eq!((over.left, over.wait), (0, Some(Duration::from_millis(500))));
        assert!(over.refusal().is_some());
        assert_eq!(paid.count("user/b", 2, 0).left, 19, "others are others");
        assert_eq!(paid.count("user/a", 2, 500_000).wait, None);
        assert!(paid.count("user/a", 2, 500_000).wait.is_some());
        assert_eq!(paid.count("user/a", 2, 60_000_000).left, 19, "all is there again");
    }

    #[test]
    fn memory_is_bounded_and_a_network_is_one() {
        let mut paid = Paid::default();
        for n in 0..2 * CALLERS_MAX {
            paid.count(&format!("address/{n}"), 1, 0);
        }
        assert!(paid.young.len() + paid.old.len() <= CALLERS_MAX);
        let of = |text: &str| address(text.parse().expect("an address"));
        assert_eq!(of("2001:db8:1:2:3::4"), of("2001:db8:1:2:ffff::9"));
        assert_ne!(of("2001:db8:1:2::4"), of("2001:db8:1:3::4"));
        assert_ne!(of("203.0.113.7"), of("203.0.113.8"));
    }
}
