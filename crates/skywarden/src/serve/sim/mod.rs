//! The server from deliveries to findings in a world that a seed decides: time, luck, disk, objects and the state fail, lie and end
//! as they please, and at the end nothing may be lost, doubled or made up.
//!
//! One seed is one run, on one thread but for the log's own, which is waited for. The same seed gives the same run, call by call.
//! `SKYWARDEN_SIM_SEED=7` runs one seed and prints all that happens, `SKYWARDEN_SIM_ACTIONS=3,9` only these of its actions,
//! `SKYWARDEN_SIM_RUNS` says how many seeds are run.
//!
//! Not here: HTTP and the other protocols, damage of what is durable (both have tests of their own), and SQLite, which is taken to keep what it says.

mod contract;
mod found;
mod objects;
mod schedule;
mod server;
mod traffic;
mod world;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use super::super::lock;
use schedule::{Action, schedule};
use server::Sim;
use world::Seen;

/// Seeds of an ordinary run.
const RUNS: u64 = 50;
/// What must happen in some of them.
const EXPECTED: [&str; 10] = [
    "calls that fail",
    "calls whose reply is lost",
    "calls that are late",
    "deliveries taken",
    "deliveries refused",
    "turns that fail",
    "starts that fail",
    "deaths",
    "power cuts",
    "commits",
];
/// Runs that are spent on making a failing schedule shorter.
const SHRINKS: usize = 120;

/// What came of a run.
struct Ran {
    /// A number for all that happened, in its order.
    trace: u64,
    seen: Seen,
}

/// Runs these actions in the world of a seed.
fn run(seed: u64, actions: &[Action], is_told: bool) -> Result<Ran, String> {
    let lived = catch_unwind(AssertUnwindSafe(|| -> anyhow::Result<Ran> {
        let mut sim = Sim::new(seed, is_told)?;
        actions.iter().try_for_each(|action| sim.act(action))?;
        sim.heal()?;
        let ran = Ran { trace: sim.world.trace(), seen: sim.world.seen() };
        contract::check(&sim)?;
        Ok(ran)
    }));
    match lived {
        Ok(done) => done.map_err(|err| format!("{err:#}")),
        Err(panic) => {
            let text = panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
            Err(format!("it panics: {}", text.unwrap_or("with no text")))
        }
    }
}

/// Leaves out what a failure does not need: halves first, then ever smaller parts.
fn shrunk(seed: u64, why: &str) -> Vec<Action> {
    // Another failure is another bug.
    let kind = |why: &str| why.split(':').next().unwrap_or_default().to_owned();
    let mut actions = schedule(seed);
    let mut left = SHRINKS;
    let mut part = actions.len() / 2;
    while part > 0 && left > 0 {
        let mut at = 0;
        while at < actions.len() && left > 0 {
            let mut fewer = actions.clone();
            fewer.drain(at..(at + part).min(actions.len()));
            left -= 1;
            match run(seed, &fewer, false) {
                Err(other) if kind(&other) == kind(why) => actions = fewer,
                _ => at += part,
            }
        }
        part /= 2;
    }
    actions
}

/// Tells of a failure what is needed to see it again.
fn told(seed: u64, why: &str) -> String {
    let fewer = shrunk(seed, why);
    let numbers: Vec<String> = fewer.iter().map(|action| action.number.to_string()).collect();
    let steps: Vec<String> = fewer.iter().map(|action| format!("  {action:?}")).collect();
    let shorter = run(seed, &fewer, false).err().unwrap_or_default();
    format!(
        "seed {seed}: {why}\n\nThese of its actions suffice:\n{}\nwith which {shorter}\n\nAgain, and all that happens:\n  \
         SKYWARDEN_SIM_SEED={seed} SKYWARDEN_SIM_ACTIONS={} cargo test --workspace --locked --bin skywarden sim::any_seed -- --nocapture\n",
        steps.join("\n"),
        numbers.join(",")
    )
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name} is a number, not {text}")))
}

#[test]
fn any_seed_keeps_the_contract() {
    if let Some(seed) = number("SKYWARDEN_SIM_SEED") {
        let chosen = std::env::var("SKYWARDEN_SIM_ACTIONS").ok();
        let is_chosen = |action: &Action| {
            chosen.as_ref().is_none_or(|list| list.split(',').any(|number| number == action.number.to_string()))
        };
        let actions: Vec<Action> = schedule(seed).into_iter().filter(is_chosen).collect();
        let done = run(seed, &actions, true);
        assert!(done.is_ok(), "seed {seed}: {}", done.err().unwrap_or_default());
        return;
    }
    let first = number("SKYWARDEN_SIM_FIRST").unwrap_or(1);
    let end = first + number("SKYWARDEN_SIM_RUNS").unwrap_or(RUNS);
    let next = AtomicU64::new(first);
    let seen = Mutex::new(Seen::new());
    let work = || {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= end {
                return None;
            }
            match run(seed, &schedule(seed), false) {
                Ok(ran) => ran.seen.into_iter().for_each(|(what, n)| *lock(&seen).entry(what).or_default() += n),
                Err(why) => {
                    // Nobody begins another.
                    next.store(end, Ordering::Relaxed);
                    return Some(told(seed, &why));
                }
            }
        }
    };
    let n_threads = std::thread::available_parallelism().map_or(1, usize::from);
    let failures: Vec<String> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..n_threads).map(|_| scope.spawn(work)).collect();
        threads.into_iter().filter_map(|thread| thread.join().expect("runs catch their panics")).collect()
    });
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    let seen = lock(&seen);
    tell!("{} runs: {seen:?}", end - first);
    // Else the worlds are too kind.
    for what in EXPECTED {
        assert!(end - first < RUNS || seen.get(what).is_some_and(|n| *n > 0), "none of the runs had {what}: {seen:?}");
    }
}

#[test]
fn the_same_seed_is_the_same_run() {
    for seed in [1, 2, 3] {
        let trace = |seed: u64| run(seed, &schedule(seed), false).map(|ran| ran.trace);
        let once = trace(seed).expect("it keeps the contract");
        assert_eq!(Ok(once), trace(seed), "seed {seed}");
        assert_ne!(Ok(once), trace(seed + 100));
    }
}
