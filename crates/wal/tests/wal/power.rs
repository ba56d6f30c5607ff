//! Random lives of a log, each of which ends with a power cut or a kill, by seed.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use wal::sim::{Dice, Operation, SimDisk};
use wal::{Log, Position};

use crate::{SEGMENT_BYTES, all, folder};

/// What the appenders and the consumer know.
#[derive(Default)]
struct Model {
    /// What was acknowledged or read: it must stay.
    kept: BTreeMap<Position, Vec<u8>>,
    /// What was refused, or of which nobody heard: it may be there once.
    open: BTreeSet<Vec<u8>>,
    released: Position,
    n_payloads: u32,
    highest: Position,
}

impl Model {
    fn payload(&mut self, dice: &mut Dice) -> Vec<u8> {
        self.n_payloads += 1;
        let len = if dice.below(10) == 0 { dice.below(9_000) } else { dice.below(300) };
        let mut payload = self.n_payloads.to_le_bytes().to_vec();
        payload.extend((0..len).map(|_| dice.roll() as u8));
        payload
    }

    /// What is read after a crash is what was kept, and perhaps some of what was not.
    fn check(&mut self, log: &Log, seed: u64, trace: &mut DefaultHasher) {
        let frames = all(log);
        assert!(frames.is_sorted_by(|a, b| a.position < b.position), "seed {seed}: order");
        let mut due = self.kept.range(self.released..).peekable();
        for frame in &frames {
            (frame.position.get(), &frame.payload).hash(trace);
            if let Some((position, payload)) = due.peek()
                && **position == frame.position
            {
                assert_eq!(**payload, frame.payload, "seed {seed}: {position}");
                due.next();
            } else if let Some(payload) = self.kept.get(&frame.position) {
                assert!(frame.position < self.released && *payload == frame.payload, "seed {seed}: released");
            } else {
                assert!(
                    self.open.remove(&frame.payload),
                    "seed {seed}: {} is there twice or was never appended",
                    frame.position
                );
            }
        }
        assert_eq!(due.peek(), None, "seed {seed}: lost");
        for frame in frames {
            self.highest = self.highest.max(frame.position);
            self.kept.insert(frame.position, frame.payload);
        }
    }
}

/// Lets the disk fail: one call, or all from one on.
fn fail(disk: &SimDisk, dice: &mut Dice) {
    let at = disk.n_calls() + dice.below(60) as u64;
    match dice.below(6) {
        0 => disk.stop_at(at),
        1 => disk.set_hook(move |call| if call.number == at { Err(io::Error::other("once")) } else { Ok(()) }),
        2 => {
            let left = AtomicU64::new(1 + dice.below(3) as u64);
            disk.set_hook(move |call| {
                let fails = call.operation == Operation::Sync
                    && left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| n.checked_sub(1)).is_ok();
                if fails { Err(io::Error::other("not synced")) } else { Ok(()) }
            });
        }
        3 => disk.set_capacity(Some(20_000 + dice.below(20_000) as u64)),
        _ => {}
    }
}

/// Lets the disk fail while a log is opened, but for syncs: those only make frames durable that nobody was told of, and when one
/// fails, and the next attempt succeeds although it did nothing, such a frame may be read and be gone later.
fn fail_recovery(disk: &SimDisk, dice: &mut Dice) {
    let at = disk.n_calls() + dice.below(60) as u64;
    match dice.below(4) {
        0 | 1 => disk.stop_at(at),
        2 => disk.set_hook(move |call| {
            let fails = call.number >= at && call.number < at + 3 && call.operation != Operation::Sync;
            if fails { Err(io::Error::other("not now")) } else { Ok(()) }
        }),
        _ => disk.set_capacity(Some(20_000 + dice.below(20_000) as u64)),
    }
}

fn live(log: &mut Log, model: &mut Model, dice: &mut Dice) {
    for _ in 0..dice.below(25) {
        match dice.below(8) {
            0 => {
                let some = dice.below(model.kept.len());
                let upto = model.kept.keys().nth(some).copied().unwrap_or_default();
                model.released = model.released.max(upto);
                let _may_fail = log.release(upto);
            }
            _ => {
                let batch: Vec<Vec<u8>> = (0..1 + dice.below(4)).map(|_| model.payload(dice)).collect();
                match log.commit(&batch) {
                    Ok(first) => {
                        assert!(first > model.highest);
                        for (payload, number) in batch.into_iter().zip(first.get()..) {
                            model.highest = Position::new(number);
                            model.kept.insert(model.highest, payload);
                        }
                    }
                    Err(_) => model.open.extend(batch),
                }
            }
        }
    }
}

/// Several lives of one log. Gives a hash of all that was read.
fn run(seed: u64) -> u64 {
    let mut dice = Dice::new(seed);
    let mut trace = DefaultHasher::new();
    let disk = SimDisk::new();
    let mut model = Model::default();
    for _ in 0..8 {
        if let Ok((mut log, _)) = Log::open(folder(), SEGMENT_BYTES, Arc::new(disk.clone())) {
            live(&mut log, &mut model, &mut dice);
            fail(&disk, &mut dice);
            live(&mut log, &mut model, &mut dice);
        }
        if dice.below(3) == 0 {
            disk.kill()
        } else {
            disk.power_loss(dice.roll())
        }
        disk.set_capacity(None);
        // Recovery may be cut short, too.
        if dice.below(3) == 0 {
            fail_recovery(&disk, &mut dice);
            let _may_fail = Log::open(folder(), SEGMENT_BYTES, Arc::new(disk.clone()));
            if dice.below(2) == 0 {
                disk.kill()
            } else {
                disk.power_loss(dice.roll())
            }
            disk.set_capacity(None);
        }
        let (log, recovery) = Log::open(folder(), SEGMENT_BYTES, Arc::new(disk.clone())).unwrap();
        assert_eq!(recovery.n_breaks, 0, "seed {seed}: {recovery:?}");
        assert!(recovery.next > model.highest, "seed {seed}: {} after {}", recovery.next, model.highest);
        model.check(&log, seed, &mut trace);
    }
    trace.finish()
}

#[test]
fn every_acknowledged_frame_is_there_once_and_in_order() {
    for seed in 0..500 {
        run(seed);
    }
}

#[test]
fn the_same_seed_gives_the_same_run() {
    for seed in 0..20 {
        assert_eq!(run(seed), run(seed), "seed {seed}");
    }
}
