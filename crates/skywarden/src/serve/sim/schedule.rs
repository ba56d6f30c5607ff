//! What happens in a run: a list of actions, each with its own luck, so that one can be left out and the others stay as they are.

use std::time::Duration;

use wal::sim::Dice;

use super::world::Trouble;

/// Actions of a run.
const N_ACTIONS: usize = 48;

/// One thing that happens.
#[derive(Clone, Debug)]
pub struct Action {
    /// Its number in the whole schedule: what is sent is named by it.
    pub number: usize,
    /// Its luck.
    pub seed: u64,
    /// What is done.
    pub what: What,
    /// What goes wrong while it is done.
    pub trouble: Option<Trouble>,
    /// What others do in the middle of a commit, and at which of its instants.
    pub meanwhile: Option<(u64, Other)>,
}

/// What is done.
#[derive(Clone, Copy, Debug)]
pub enum What {
    /// A client delivers something new; an impatient one never tries again.
    Send { is_patient: bool },
    /// Clients deliver again what was not acknowledged.
    Retry,
    /// A client has not heard that it was acknowledged, and delivers it again.
    Repeat,
    /// A file is handed over.
    File,
    /// The engine takes so many turns.
    Turns(usize),
    /// So much time passes, and the engine takes a turn.
    Wait(Duration),
    /// Somebody sets the clock.
    Jump(i64),
    /// Others do something.
    Other(Other),
    /// Files of rules change, and are read again.
    Rules,
    /// The disk has room for this many bytes more while clients deliver.
    Full(u64),
    /// The process is killed.
    Kill,
    /// The power fails.
    PowerCut,
}

/// What is done beside the engine.
#[derive(Clone, Copy, Debug)]
pub enum Other {
    /// The state is looked after.
    Look,
    /// The lake is told what was found.
    Publish,
    /// The lake is tidied.
    Tidy,
    /// Another process appends to the lake.
    Append,
}

/// The actions of a seed.
pub fn schedule(seed: u64) -> Vec<Action> {
    let mut dice = Dice::new(seed);
    (0..N_ACTIONS).map(|number| action(number, &mut Dice::new(dice.roll()))).collect()
}

fn action(number: usize, dice: &mut Dice) -> Action {
    let what = match dice.below(100) {
        0..28 => What::Send { is_patient: dice.below(8) != 0 },
        28..34 => What::Retry,
        34..38 => What::Repeat,
        38..44 => What::File,
        44..58 => What::Turns(1 + dice.below(3)),
        58..76 => What::Wait(Duration::from_millis(10u64.pow(2 + dice.below(4) as u32))),
        76..80 => What::Jump([86_400_000, -86_400_000, -5_000, 600_000, -600_000][dice.below(5)]),
        80..90 => What::Other(other(dice)),
        90..93 => What::Rules,
        93..95 => What::Full(dice.below(2_000) as u64),
        95..97 => What::Kill,
        _ => What::PowerCut,
    };
    let trouble = (dice.below(2) == 0).then(|| trouble(dice));
    let meanwhile = (dice.below(4) == 0).then(|| (dice.below(12) as u64, other(dice)));
    Action { number, seed: dice.roll(), what, trouble, meanwhile }
}

fn other(dice: &mut Dice) -> Other {
    match dice.below(8) {
        0 => Other::Look,
        1 | 2 => Other::Publish,
        3..6 => Other::Tidy,
        _ => Other::Append,
    }
}

fn trouble(dice: &mut Dice) -> Trouble {
    // A delivery is a handful of calls, a commit over a hundred.
    let at = below_one_of(&[4, 16, 64, 256], dice);
    let soon = below_one_of(&[2, 8, 32], dice);
    match dice.below(10) {
        0..3 => Trouble::Fails { from: at, n: 1 + below_one_of(&[1, 4, 100], dice) },
        3..5 => Trouble::Mute { from: soon },
        5..8 => Trouble::Late { from: soon, by: below_one_of(&[4, 32, 256], dice) },
        _ => Trouble::Dies { at },
    }
}

/// A number below one of these, so that small ones are not rare.
fn below_one_of(bounds: &[usize], dice: &mut Dice) -> u64 {
    let bound = bounds[dice.below(bounds.len())];
    dice.below(bound) as u64
}
