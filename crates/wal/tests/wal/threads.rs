//! Many append at once.

use std::io;
use std::pin::pin;
use std::sync::{Arc, Condvar, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use wal::sim::{Operation, SimDisk};
use wal::{AppendError, Options, Pending, Position, Wal};

use crate::{SEGMENT_BYTES, folder};

const LONG: Duration = Duration::from_secs(600);

fn options() -> Options {
    Options { segment_bytes: SEGMENT_BYTES, ..Options::default() }
}

fn open(disk: &SimDisk, options: Options) -> Wal {
    Wal::open(folder(), options, Arc::new(disk.clone())).unwrap().0
}

/// A gate that syncs wait at.
#[derive(Clone, Default)]
struct Gate(Arc<(Mutex<bool>, Condvar)>);

impl Gate {
    fn close_before_syncs(disk: &SimDisk) -> Self {
        let gate = Self::default();
        let shut = gate.clone();
        disk.set_hook(move |call| {
            if call.operation == Operation::Sync {
                let mut is_open = shut.0.0.lock().unwrap();
                while !*is_open {
                    is_open = shut.0.1.wait(is_open).unwrap();
                }
            }
            Ok(())
        });
        gate
    }

    fn open(&self) {
        *self.0.0.lock().unwrap() = true;
        self.0.1.notify_all();
    }
}

#[test]
fn all_who_come_during_a_sync_share_the_next() {
    let disk = SimDisk::new();
    let wal = open(&disk, Options { segment_bytes: 1 << 20, ..options() });
    let gate = Gate::close_before_syncs(&disk);
    let pending: Vec<Pending> = (0..500_u32).map(|i| wal.append(i.to_le_bytes().to_vec())).collect();
    gate.open();
    let positions: Vec<Position> = pending.into_iter().map(|pending| pending.wait().unwrap()).collect();
    assert!(positions.is_sorted_by(|a, b| a < b));
    assert!(wal.stats().n_syncs <= 2, "{:?}", wal.stats());
}

#[test]
fn nobody_is_answered_before_the_sync() {
    let disk = SimDisk::new();
    let wal = open(&disk, options());
    let gate = Gate::close_before_syncs(&disk);
    let before = wal.stats().durable;
    let mut pending = pin!(wal.append(b"event".to_vec()));
    let mut ctx = Context::from_waker(Waker::noop());
    assert!(pending.as_mut().poll(&mut ctx).is_pending());
    assert_eq!(wal.reader(Position::START).next().unwrap(), None);
    assert_eq!(wal.stats().durable, before);
    gate.open();
    assert!(wal.wait_for(before, LONG) > before);
    while pending.as_mut().poll(&mut ctx).is_pending() {
        std::thread::yield_now();
    }
    assert_eq!(wal.reader(Position::START).next().unwrap().unwrap().payload, b"event");
}

#[test]
fn many_appenders_and_a_consumer() {
    let disk = SimDisk::new();
    let wal = open(&disk, options());
    std::thread::scope(|scope| {
        for appender in 0..8_u32 {
            let wal = &wal;
            scope.spawn(move || {
                for i in 0..200_u32 {
                    wal.append_parts(&[&appender.to_le_bytes(), &i.to_le_bytes()]).wait().unwrap();
                }
            });
        }
        let mut reader = wal.reader(Position::START);
        let mut next = [0; 8];
        let mut n = 0;
        while n < 1_600 {
            wal.wait_for(reader.position(), LONG);
            while let Some(frame) = reader.next().unwrap() {
                let number = |at: usize| u32::from_le_bytes(frame.payload[at..at + 4].try_into().unwrap());
                assert_eq!(number(4), next[number(0) as usize], "each appender's frames are in order");
                next[number(0) as usize] += 1;
                n += 1;
            }
            wal.release(reader.position()).unwrap();
        }
        assert_eq!(next, [200; 8]);
    });
    assert_eq!(disk.paths().len(), 1);
}

#[test]
fn a_log_that_is_full_takes_more_after_a_release() {
    let disk = SimDisk::new();
    let wal = open(&disk, Options { bytes_max: 20_000, ..options() });
    let mut last = Position::START;
    let full = loop {
        match wal.append(vec![0; 500]).wait() {
            Ok(position) => last = position,
            Err(err) => break err,
        }
    };
    assert!(matches!(full, AppendError::Full { bytes_max: 20_000 }), "{full}");
    assert!(wal.stats().bytes <= 20_000 && wal.stats().bytes > 15_000);
    wal.release(last.next()).unwrap();
    assert!(wal.append(vec![0; 500]).wait().unwrap() > last);
}

#[test]
fn what_waits_is_bounded() {
    let disk = SimDisk::new();
    let wal = open(&disk, Options { waiting_bytes_max: 5_000, ..options() });
    let gate = Gate::close_before_syncs(&disk);
    let mut pending = Vec::new();
    let busy = loop {
        let mut next = wal.append(vec![0; 500]);
        match std::pin::Pin::new(&mut next).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(answer) => break answer.unwrap_err(),
            Poll::Pending => pending.push(next),
        }
    };
    assert!(matches!(busy, AppendError::Busy { .. }), "{busy}");
    assert!(pending.len() < 10);
    gate.open();
    pending.into_iter().for_each(|pending| _ = pending.wait().unwrap());
    wal.append(vec![0; 50_000]).wait().unwrap();
    assert!(matches!(wal.append(vec![0; wal::PAYLOAD_BYTES_MAX + 1]).wait(), Err(AppendError::Long { .. })));
}

#[test]
fn a_disk_that_fails_answers_each_and_then_goes_on() {
    let disk = SimDisk::new();
    let wal = open(&disk, options());
    disk.set_hook(
        |call| if call.operation == Operation::Append { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) },
    );
    for pending in (0..10).map(|_| wal.append(b"no".to_vec())).collect::<Vec<_>>() {
        match pending.wait() {
            Err(AppendError::Disk { err }) => assert!(err.is_full()),
            other => panic!("{other:?}"),
        }
    }
    disk.clear_hook();
    let position = wal.append(b"yes".to_vec()).wait().unwrap();
    let frame = wal.reader(Position::START).next().unwrap().unwrap();
    assert_eq!((frame.position, frame.payload), (position, b"yes".to_vec()));
}

#[test]
fn closing_writes_what_waits_and_wakes_who_waits() {
    let disk = SimDisk::new();
    let wal = open(&disk, options());
    let gate = Gate::close_before_syncs(&disk);
    let pending: Vec<Pending> = (0..20).map(|_| wal.append(b"event".to_vec())).collect();
    wal.close();
    assert!(matches!(wal.append(b"late".to_vec()).wait(), Err(AppendError::Closed)));
    gate.open();
    assert!(pending.into_iter().all(|pending| pending.wait().is_ok()));
    let never = Position::new(u64::MAX - 1);
    assert!(wal.wait_for(never, LONG) < never);
    drop(wal);
    disk.power_loss(1);
    let wal = open(&disk, options());
    assert_eq!(std::iter::from_fn(|| wal.reader(Position::START).next().unwrap()).take(1).count(), 1);
    assert!(wal.stats().oldest < wal.stats().durable);
}

#[test]
fn a_consumer_can_be_woken_by_a_future() {
    let disk = SimDisk::new();
    let wal = open(&disk, options());
    let mut durable = wal.durable();
    let before = *durable.borrow_and_update();
    wal.append(b"event".to_vec()).wait().unwrap();
    assert!(durable.has_changed().unwrap() && *durable.borrow() > before);
}

#[test]
fn a_disk_that_panics_answers_each_and_then_goes_on() {
    let disk = SimDisk::new();
    let wal = open(&disk, options());
    let position = wal.append(b"before".to_vec()).wait().unwrap();
    for operation in [Operation::Append, Operation::Sync, Operation::Create] {
        disk.set_hook(move |call| if call.operation == operation { panic!("on purpose") } else { Ok(()) });
        let pending: Vec<Pending> = (0..10).map(|_| wal.append(b"refused".to_vec())).collect();
        assert!(pending.into_iter().all(|pending| matches!(pending.wait(), Err(AppendError::Disk { .. }))));
        disk.clear_hook();
    }
    let after = wal.append(b"after".to_vec()).wait().unwrap();
    let texts = |wal: &Wal| {
        let mut reader = wal.reader(position);
        let frames = std::iter::from_fn(|| reader.next().unwrap());
        frames.map(|frame| (frame.position, frame.payload)).collect::<Vec<_>>()
    };
    let expected = [(position, b"before".to_vec()), (after, b"after".to_vec())];
    assert_eq!(texts(&wal), expected);
    disk.kill();
    assert_eq!(texts(&open(&disk, options())), expected);
}
