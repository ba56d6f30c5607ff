//! Which rule is to blame when rules panic, or take long: rules are halved and tried again on the same records, outside the way of events.

use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use collect::blob::{Blob, Limits};
use detect::spill::InMemory;

use super::rules::{Loaded, RuleBook};
use super::{lock, log};
use crate::pipeline::{Bound, Piece, Plan, Progress, bind_if, scan_bound};

/// A batch is slow that takes this long, and this long for each of its events.
const BATCH_SLOW: Duration = Duration::from_secs(1);
const EVENT_SLOW: Duration = Duration::from_micros(200);
/// A rule is slow that takes half of the time that all take, and so many times what reading takes.
const TIMES_READING: u32 = 10;
/// How much of a slow batch is tried again at a time, and how often at most.
const WINDOW_BYTES: usize = 1 << 20;
const WINDOWS_MAX: usize = 8;
/// A window that takes longer is made smaller where it can be.
const WINDOW_TIME: Duration = Duration::from_secs(1);
/// How often a rule is timed before it is blamed, so that a moment in which the machine did something else is no proof.
const TRIES: usize = 3;
/// How long nothing is looked for after the last time.
const PAUSE: Duration = Duration::from_secs(10);
/// Rules that may be blamed for one piece.
const GUILTY_MAX: usize = 16;

/// What came of trying rules on records.
enum Trial {
    Panicked,
    Took { time: Duration, events: u64 },
}

/// Tries some of the rules, by their numbers, on records; nothing is kept of it.
fn trial(loaded: &Loaded, rules: &[u32], pieces: &[Piece], paths: &[PathBuf]) -> Trial {
    let is_on = |number: u32| rules.binary_search(&number).is_ok();
    let tried = catch_unwind(AssertUnwindSafe(|| {
        let bind = |bound: &Bound| bind_if(bound.source, &loaded.set, &bound.estate, &is_on);
        let bound: Vec<Bound> = loaded.bound.iter().map(bind).collect();
        let plan = Plan {
            pieces: pieces.to_vec(),
            paths: paths.to_vec(),
            n_threads: 1,
            spill: Arc::new(InMemory::default()),
            memory_bytes: usize::MAX,
            ..Plan::new(&loaded.set)
        };
        let begun = Instant::now();
        let events = scan_bound(&plan, &bound, &Progress::default()).map_or(0, |outcome| outcome.tally.events);
        Trial::Took { time: begun.elapsed(), events }
    }));
    tried.unwrap_or(Trial::Panicked)
}

/// The one rule that is left when the half that is not to blame is dropped again and again.
fn halve(mut suspects: Vec<u32>, mut is_first: impl FnMut(&[u32], &[u32]) -> bool) -> Option<u32> {
    while suspects.len() > 1 {
        let rest = suspects.split_off(suspects.len() / 2);
        if !is_first(&suspects, &rest) {
            suspects = rest;
        }
    }
    suspects.pop()
}

/// The rules that panic on what is read; none if reading it panics without rules too.
pub fn panicking(loaded: &Loaded, pieces: &[Piece], paths: &[PathBuf]) -> Vec<u32> {
    let panics = |rules: &[u32]| matches!(trial(loaded, rules, pieces, paths), Trial::Panicked);
    let mut guilty = Vec::new();
    let mut suspects = loaded.numbers_on();
    if panics(&[]) {
        return guilty;
    }
    while guilty.len() < GUILTY_MAX && panics(&suspects) {
        let Some(one) = halve(suspects.clone(), |first, _| panics(first)).filter(|one| panics(&[*one])) else { break };
        suspects.retain(|number| *number != one);
        guilty.push(one);
    }
    guilty
}

/// The rule that takes most of the time on records, what it takes, and for how many events.
fn slow(loaded: &Loaded, mut pieces: Vec<Piece>) -> Option<(u32, Duration, u64)> {
    let time = |rules: &[u32], pieces: &[Piece]| match trial(loaded, rules, pieces, &[]) {
        Trial::Took { time, events } => Some((time, events)),
        Trial::Panicked => None,
    };
    let least = |rules: &[u32], pieces: &[Piece]| {
        (0..TRIES).map(|_| time(rules, pieces)).collect::<Option<Vec<_>>>()?.into_iter().min()
    };
    let all = loaded.numbers_on();
    let (mut whole, mut events) = time(&all, &pieces)?;
    while pieces.len() > 1 && whole > WINDOW_TIME {
        let rest = pieces.split_off(pieces.len() / 2);
        let (one, other) = (time(&all, &pieces)?, time(&all, &rest)?);
        if other.0 > one.0 {
            pieces = rest;
        }
        (whole, events) = one.max(other);
    }
    if events == 0 || whole < EVENT_SLOW * events as u32 / 2 {
        return None;
    }
    let suspect = halve(all.clone(), |first, other| time(first, &pieces) >= time(other, &pieces))?;
    let (bare, own, whole) = (least(&[], &pieces)?.0, least(&[suspect], &pieces)?.0, least(&all, &pieces)?.0);
    let own = own.saturating_sub(bare);
    let is_slow = own >= whole / 2 && own >= EVENT_SLOW * events as u32 / 2 && own >= bare * TIMES_READING;
    is_slow.then_some((suspect, own, events))
}

/// What a batch was made of.
pub struct Batch {
    /// Texts.
    pub pieces: Vec<Piece>,
    /// Files.
    pub paths: Vec<PathBuf>,
    /// How long the rules took.
    pub took: Duration,
    /// For how many events.
    pub events: u64,
}

impl Batch {
    fn is_slow(&self) -> bool {
        self.took >= BATCH_SLOW && self.took >= EVENT_SLOW * u32::try_from(self.events).unwrap_or(u32::MAX)
    }

    /// Parts of it, each the begin of what was read at once.
    fn windows(self) -> impl Iterator<Item = Vec<Piece>> {
        let Batch { pieces, paths, .. } = self;
        let of_piece = |piece: Piece| {
            let blob = Blob::from_reader(&piece.name, Cursor::new(piece.bytes), &Limits::default()).ok();
            begin(blob?).map(|bytes| Piece { name: piece.name, trust: piece.trust, bytes })
        };
        let of_path = |path: PathBuf| {
            let blob = Blob::open_in(&collect::files::Disk, &path, &Limits::default()).ok();
            begin(blob?).map(|bytes| Piece { name: collect::walk::show(&path), trust: "file", bytes })
        };
        let mut all = pieces.into_iter().filter_map(of_piece).chain(paths.into_iter().filter_map(of_path));
        let window = move || {
            let (mut window, mut n_bytes) = (Vec::new(), 0);
            while n_bytes < WINDOW_BYTES {
                let Some(piece) = all.next() else { break };
                n_bytes += piece.bytes.len();
                window.push(piece);
            }
            (!window.is_empty()).then_some(window)
        };
        std::iter::from_fn(window).take(WINDOWS_MAX)
    }
}

/// The first bytes of an object: a record that is cut off is no event here.
fn begin(mut blob: Blob) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    while bytes.len() < WINDOW_BYTES && matches!(blob.read(&mut bytes, WINDOW_BYTES), Ok(true)) {}
    bytes.truncate(WINDOW_BYTES);
    (!bytes.is_empty()).then_some(bytes)
}

/// Looks for the rule that made a batch slow, on a thread of its own, and switches it off. For a batch that was not slow, it does nothing.
pub fn watch(book: &Arc<RuleBook>, loaded: &Arc<Loaded>, batch: Batch, now_ms: i64) {
    if !batch.is_slow() {
        return;
    }
    {
        // Whoever looks holds the place until it has ended.
        let mut looked = lock(&book.looked);
        if looked.is_none_or(|at| at.elapsed() < PAUSE) {
            return;
        }
        *looked = None;
    }
    let (shared, loaded) = (Arc::clone(book), Arc::clone(loaded));
    let look = move || {
        let (took, events) = (batch.took, batch.events);
        match batch.windows().find_map(|window| slow(&loaded, window)) {
            Some((number, own, events)) => {
                let rule = &loaded.set.rules[number as usize];
                let why = format!("it took {} ms for {events} events, most of what all rules took", own.as_millis());
                shared.hurt(rule, super::rules::Harm::Slow, &why, now_ms);
            }
            None => {
                let told = format!("{events} events took {} ms, and no rule alone is to blame", took.as_millis());
                log::info("rules", &told);
            }
        }
        *lock(&shared.looked) = Some(Instant::now());
    };
    if let Err(err) = std::thread::Builder::new().name("suspects".into()).spawn(look) {
        log::error("rules", &format!("cannot look for a slow rule: {err}"));
        *lock(&book.looked) = Some(Instant::now());
    }
}

#[cfg(test)]
#[path = "suspects_tests.rs"]
mod tests;
