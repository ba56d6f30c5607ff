//! The server from deliveries to findings in a world that a seed decides: time, luck, disk, objects and the state fail, lie and end
//! as they please, and at the end nothing may be lost, doubled or made up.
//!
//! One seed is one run, on one thread but for the log's own, which is waited for. The same seed gives the same run, call by call.
//! `SKYWARDEN_SIM_SEED=7` runs one seed and prints all that happens, `SKYWARDEN_SIM_ACTIONS=3,9` only these of its actions,
//! `SKYWARDEN_SIM_RUNS` says how many seeds are run.
//!
//! Not here: HTTP and the other protocols, damage of what is durable (both have tests of their own), and SQLite, which is taken to keep what it says.

mod contract;
mod objects;
mod schedule;
mod server;
mod traffic;
mod world;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};

use schedule::{Action, schedule};
use server::Sim;

/// Seeds of an ordinary run.
const RUNS: u64 = 60;
/// Runs that are spent on making a failing schedule shorter.
const SHRINKS: usize = 120;

/// Runs these actions in the world of a seed, and gives the trace of all that happened.
fn run(seed: u64, actions: &[Action], is_told: bool) -> Result<u64, String> {
    let lived = catch_unwind(AssertUnwindSafe(|| -> anyhow::Result<u64> {
        let mut sim = Sim::new(seed, is_told)?;
        actions.iter().try_for_each(|action| sim.act(action))?;
        sim.heal()?;
        contract::check(&sim)?;
        Ok(sim.world.trace())
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
fn shrunk(seed: u64, mut actions: Vec<Action>) -> Vec<Action> {
    let mut left = SHRINKS;
    let mut part = actions.len() / 2;
    while part > 0 && left > 0 {
        let mut at = 0;
        while at < actions.len() && left > 0 {
            let mut fewer = actions.clone();
            fewer.drain(at..(at + part).min(actions.len()));
            left -= 1;
            match run(seed, &fewer, false) {
                Err(_) => actions = fewer,
                Ok(_) => at += part,
            }
        }
        part /= 2;
    }
    actions
}

/// Tells of a failure what is needed to see it again.
fn told(seed: u64, why: &str) -> String {
    let fewer = shrunk(seed, schedule(seed));
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
    let work = || {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= end {
                return None;
            }
            if let Err(why) = run(seed, &schedule(seed), false) {
                // Nobody begins another.
                next.store(end, Ordering::Relaxed);
                return Some(told(seed, &why));
            }
        }
    };
    let n_threads = std::thread::available_parallelism().map_or(1, usize::from);
    let failures: Vec<String> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..n_threads).map(|_| scope.spawn(work)).collect();
        threads.into_iter().filter_map(|thread| thread.join().expect("runs catch their panics")).collect()
    });
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn the_same_seed_is_the_same_run() {
    for seed in [1, 2, 3] {
        let once = run(seed, &schedule(seed), false).expect("it keeps the contract");
        let again = run(seed, &schedule(seed), false).expect("it keeps the contract");
        assert_eq!(once, again, "seed {seed}");
        assert_ne!(once, run(seed + 100, &schedule(seed + 100), false).expect("it keeps the contract"));
    }
}
