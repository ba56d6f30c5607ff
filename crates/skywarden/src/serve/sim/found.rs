//! What the simulator found once: short schedules that did not keep the contract.

use std::time::Duration;

use super::run;
use super::schedule::{Action, Other, What};
use super::world::Trouble;

const SEND: What = What::Send { is_patient: true };
const COMMIT: What = What::Wait(Duration::from_secs(20));
const DAY_MS: i64 = 86_400_000;

/// Runs these actions with as many kinds of luck.
#[track_caller]
fn check(n_seeds: u64, actions: &[(What, Option<Trouble>)]) {
    for seed in 1..=n_seeds {
        let action = |(number, (what, trouble)): (usize, &(What, Option<Trouble>))| Action {
            number,
            seed: seed * 1_000 + number as u64,
            what: *what,
            trouble: *trouble,
            meanwhile: None,
        };
        let actions: Vec<Action> = actions.iter().enumerate().map(action).collect();
        let ran = run(seed, &actions, false);
        assert!(ran.is_ok(), "seed {seed}: {}", ran.err().unwrap_or_default());
    }
}

/// Each of them, without trouble.
fn calm(actions: &[What]) -> Vec<(What, Option<Trouble>)> {
    actions.iter().map(|what| (*what, None)).collect()
}

#[test]
fn rules_that_change_while_hits_wait_forget_none_of_them() {
    let turn = What::Turns(1);
    check(4, &calm(&[SEND, SEND, SEND, SEND, turn, What::Rules, SEND, SEND, SEND, SEND, turn, COMMIT]));
}

#[test]
fn a_clock_that_is_set_back_makes_no_old_finding_the_newest() {
    let publish = What::Other(Other::Publish);
    let told = [SEND, SEND, SEND, SEND, SEND, SEND, COMMIT, publish];
    check(4, &calm(&[&told[..], &[What::Jump(-DAY_MS)], &told[..]].concat()));
}

#[test]
fn numbers_that_no_delivery_has_are_not_waited_for() {
    let last_breath = What::Send { is_patient: false };
    check(1, &[(SEND, None), (COMMIT, None), (last_breath, Some(Trouble::Dies { at: 1 })), (COMMIT, None)]);
    // Whatever is left of it is cut off.
    check(2, &[(last_breath, Some(Trouble::Dies { at: 1 })), (What::PowerCut, None), (COMMIT, None)]);
}

#[test]
fn a_segment_that_cannot_be_read_at_the_start_is_read_and_released_later() {
    for from in 0..10 {
        let start = (What::Turns(1), Some(Trouble::Fails { from, n: 1 }));
        check(1, &[(SEND, None), (SEND, None), (What::Kill, None), start, (COMMIT, None)]);
    }
}

#[test]
fn a_file_is_not_forgotten_when_the_commit_before_new_rules_fails() {
    let fails = Trouble::Fails { from: 0, n: 100 };
    let turn = What::Turns(1);
    check(
        2,
        &[(SEND, None), (turn, None), (What::Rules, None), (What::File, None), (turn, Some(fails)), (COMMIT, None)],
    );
}
