//! One call of the disk fails.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use wal::sim::{Operation, SimDisk};
use wal::{CommitError, Frame, Log, Position};

use crate::{SEGMENT_BYTES, all, folder, open, payloads};

/// Begins, appends over several segments, reads, releases, ends, begins again. Gives what was acknowledged and not released.
fn cycle(disk: &SimDisk) -> Vec<Frame> {
    let mut acknowledged: Vec<Frame> = Vec::new();
    let mut released = Position::START;
    for _ in 0..2 {
        // Whoever starts the program again does just this.
        let attempts = (0..3).find_map(|_| Log::open(folder(), SEGMENT_BYTES, Arc::new(disk.clone())).ok());
        let (mut log, _) = attempts.expect("only one call fails");
        let mut reader = log.reader(Position::START);
        for payload in payloads(25) {
            if let Ok(position) = log.commit(std::slice::from_ref(&payload)) {
                acknowledged.push(Frame { position, payload });
            }
            let _may_fail = reader.next();
        }
        released = acknowledged[acknowledged.len() / 2].position;
        let _may_fail = log.release(released);
    }
    acknowledged.retain(|frame| frame.position >= released);
    acknowledged
}

fn check(disk: &SimDisk, acknowledged: &[Frame], what: &str) {
    let (log, recovery) = open(disk);
    let frames = all(&log);
    for frame in acknowledged {
        assert!(frames.contains(frame), "{what}: {} is lost", frame.position);
    }
    assert!(frames.is_sorted_by(|a, b| a.position < b.position), "{what}");
    assert_eq!(recovery.n_breaks, 0, "{what}: {recovery:?}");
    assert_eq!(recovery.n_damaged, 0, "{what}: {recovery:?}");
}

#[test]
fn any_one_call_may_fail() {
    let whole = SimDisk::new();
    cycle(&whole);
    assert!(whole.n_calls() > 150, "{} calls", whole.n_calls());
    for k in 0..whole.n_calls() {
        for kind in [io::ErrorKind::Other, io::ErrorKind::StorageFull, io::ErrorKind::PermissionDenied] {
            let disk = SimDisk::new();
            disk.set_hook(move |call| if call.number == k { Err(kind.into()) } else { Ok(()) });
            let acknowledged = cycle(&disk);
            disk.clear_hook();
            check(&disk.copy(), &acknowledged, &format!("call {k} {kind:?}"));
            disk.power_loss(k);
            let (log, _) = open(&disk);
            let frames = all(&log);
            assert!(acknowledged.iter().all(|frame| frames.contains(frame)), "call {k} {kind:?}, then the power");
        }
    }
}

#[test]
fn every_call_may_be_the_last() {
    let whole = SimDisk::new();
    cycle(&whole);
    for k in 0..whole.n_calls() {
        let disk = SimDisk::new();
        disk.stop_at(k);
        let mut acknowledged = Vec::new();
        if let Ok((mut log, _)) = Log::open(folder(), SEGMENT_BYTES, Arc::new(disk.clone())) {
            for payload in payloads(50) {
                if let Ok(position) = log.commit(std::slice::from_ref(&payload)) {
                    acknowledged.push(Frame { position, payload });
                }
            }
        }
        disk.power_loss(k);
        let (log, _) = open(&disk);
        let frames = all(&log);
        assert!(frames.starts_with(&acknowledged), "call {k}");
        assert!(frames.len() <= acknowledged.len() + 1, "call {k}");
    }
}

fn fail_once(disk: &SimDisk, operation: Operation) {
    let is_over = AtomicBool::new(false);
    disk.set_hook(move |call| {
        let fails = call.operation == operation && !is_over.swap(true, Ordering::Relaxed);
        if call.operation != operation || !fails { Ok(()) } else { Err(io::Error::other("input/output error")) }
    });
}

#[test]
fn what_a_sync_failed_for_is_never_acknowledged_nor_read() {
    for seed in 0..200 {
        let disk = SimDisk::new();
        let (mut log, _) = open(&disk);
        let before = log.commit(&[b"before".to_vec()]).unwrap();
        fail_once(&disk, Operation::Sync);
        let failed = log.commit(&[b"failed".to_vec(), b"failed, too".to_vec()]);
        assert!(matches!(failed, Err(CommitError::Sync { .. })));
        let after = log.commit(&[b"after".to_vec()]).unwrap();
        assert!(after.get() > before.get() + 2, "the numbers of what failed are not used again");
        let texts = |log: &Log| all(log).into_iter().map(|frame| frame.payload).collect::<Vec<_>>();
        assert_eq!(texts(&log), [b"before".to_vec(), b"after".to_vec()]);
        disk.power_loss(seed);
        let (log, recovery) = open(&disk);
        assert_eq!(texts(&log), [b"before".to_vec(), b"after".to_vec()], "seed {seed}: {recovery:?}");
        assert_eq!((recovery.n_damaged, recovery.n_breaks), (0, 0), "seed {seed}: {recovery:?}");
    }
}

#[test]
fn frames_of_a_failed_sync_that_could_not_be_cut_are_void() {
    let disk = SimDisk::new();
    let (mut log, _) = open(&disk);
    log.commit(&[b"before".to_vec()]).unwrap();
    disk.set_hook(|call| match call.operation {
        Operation::Sync | Operation::Truncate => Err(io::Error::other("input/output error")),
        _ => Ok(()),
    });
    assert!(log.commit(&[b"failed".to_vec()]).is_err());
    disk.clear_hook();
    log.commit(&[b"after".to_vec()]).unwrap();
    disk.kill();
    let (log, recovery) = open(&disk);
    assert_eq!(recovery.n_void, 1);
    assert_eq!(all(&log).len(), 2);
    assert_eq!(open(&disk).1.n_void, 0, "they are gone");
}

#[test]
fn a_full_disk_refuses_and_goes_on_when_there_is_space() {
    let disk = SimDisk::new();
    disk.set_capacity(Some(10_000));
    let (mut log, _) = open(&disk);
    let mut n_durable = 0;
    let full = loop {
        match log.commit(&[vec![1; 700]]) {
            Ok(_) => n_durable += 1,
            Err(err) => break err,
        }
    };
    assert!(full.is_full(), "{full}");
    assert!(n_durable > 8);
    for _ in 0..10 {
        assert!(log.commit(&[vec![2; 2_000]]).unwrap_err().is_full());
    }
    assert_eq!(all(&log).len(), n_durable);
    disk.set_capacity(None);
    log.commit(&[vec![3; 700]]).unwrap();
    assert_eq!(all(&log).len(), n_durable + 1);
    disk.power_loss(3);
    let (log, recovery) = open(&disk);
    assert_eq!(all(&log).len(), n_durable + 1);
    assert_eq!((recovery.n_damaged, recovery.n_breaks), (0, 0), "{recovery:?}");
}

#[test]
fn a_full_disk_is_opened_read_and_released() {
    let disk = SimDisk::new();
    let (mut log, _) = open(&disk);
    for payload in payloads(50) {
        log.commit(&[payload]).unwrap();
    }
    let last = all(&log).pop().unwrap().position;
    disk.set_capacity(Some(0));
    disk.kill();
    let (mut log, recovery) = open(&disk);
    assert_eq!(all(&log).len(), 50);
    assert_eq!(recovery.n_frames, 50);
    assert!(log.commit(&[b"more".to_vec()]).unwrap_err().is_full());
    log.release(last).unwrap();
    assert!(all(&log).len() < 50);
    disk.set_capacity(None);
    assert!(log.commit(&[b"more".to_vec()]).unwrap() > last);
}

#[test]
fn a_segment_that_cannot_be_read_is_left_and_passed_over() {
    let disk = SimDisk::new();
    let (mut log, _) = open(&disk);
    let frames: Vec<Frame> = payloads(50)
        .into_iter()
        .map(|payload| Frame { position: log.commit(std::slice::from_ref(&payload)).unwrap(), payload })
        .collect();
    let paths = disk.paths();
    for bad in &paths {
        let disk = disk.copy();
        let is_bad = bad.clone();
        disk.set_hook(move |call| {
            if call.path == is_bad && call.operation == Operation::Read { Err(io::Error::other("EIO")) } else { Ok(()) }
        });
        let (mut log, recovery) = open(&disk);
        assert_eq!(recovery.unreadable.len(), 1);
        assert_eq!((recovery.n_damaged, recovery.torn_bytes), (0, 0));
        assert!(log.commit(&[b"more".to_vec()]).unwrap() > frames[49].position);
        let mut reader = log.reader(Position::START);
        let mut read = Vec::new();
        let mut n_passed = 0;
        loop {
            match reader.next() {
                Ok(Some(frame)) => read.push(frame),
                Ok(None) => break,
                Err(_) => n_passed += usize::from(reader.pass_over().is_some()),
            }
        }
        assert_eq!(n_passed, 1);
        assert!(read.len() > 25 && read.iter().any(|frame| frame.payload == b"more"));
        disk.clear_hook();
        let (log, recovery) = open(&disk);
        assert_eq!(all(&log).len(), 51, "it was not touched, and now it can be read");
        assert_eq!((recovery.n_void, recovery.n_breaks), (0, 0), "{recovery:?}");
    }
}

#[test]
fn segments_that_cannot_be_read_at_the_start_are_read_when_they_can_be() {
    let disk = SimDisk::new();
    let (mut log, _) = open(&disk);
    let frames: Vec<Frame> = payloads(50)
        .into_iter()
        .map(|payload| Frame { position: log.commit(std::slice::from_ref(&payload)).unwrap(), payload })
        .collect();
    let paths = disk.paths();
    assert!(paths.len() > 2, "{paths:?}");
    for (from, n) in (0..paths.len()).flat_map(|from| [1, 2, 3].map(|n| (from, n))) {
        let disk = disk.copy();
        let bad: Vec<_> = paths.iter().skip(from).take(n).cloned().collect();
        disk.set_hook(move |call| {
            let is_bad = bad.iter().any(|path| path == call.path);
            if is_bad && call.operation == Operation::Open { Err(io::Error::other("EIO")) } else { Ok(()) }
        });
        let (mut log, _) = open(&disk);
        disk.clear_hook();
        let position = log.commit(&[b"more".to_vec()]).unwrap();
        let mut expected = frames.clone();
        expected.push(Frame { position, payload: b"more".to_vec() });
        assert_eq!(all(&log), expected, "{n} segments from {from} on");
        log.release(Position::new(position.get() + 1)).unwrap();
        assert_eq!(disk.paths().len(), 1, "{n} segments from {from} on");
    }
}

#[test]
fn no_two_segments_have_the_same_number() {
    for (n_opened, power) in (1..5).flat_map(|n_opened| (0..16).map(move |power| (n_opened, power))) {
        let disk = SimDisk::new();
        (1..n_opened).for_each(|_| drop(open(&disk)));
        let (mut log, _) = open(&disk);
        // The segment that was begun is not trusted, and another takes its place.
        fail_once(&disk, Operation::Size);
        let position = log.commit(&[b"one".to_vec()]).unwrap();
        drop(log);
        disk.power_loss(power);
        let (log, recovery) = open(&disk);
        let expected = [Frame { position, payload: b"one".to_vec() }];
        assert_eq!(all(&log), expected, "opened {n_opened} times, power cut {power}: {recovery:?}");
    }
}
