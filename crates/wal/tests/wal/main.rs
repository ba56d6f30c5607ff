//! What the log promises, on a disk of which the power fails.
#![allow(clippy::unwrap_used)]

mod damage;
mod faults;
mod others;
mod power;
mod system;
mod threads;

use std::path::Path;
use std::sync::Arc;

use wal::sim::SimDisk;
use wal::{Frame, Log, Position, Reader, Recovery};

/// Short, so that few frames make several.
const SEGMENT_BYTES: u64 = 4_000;

fn folder() -> &'static Path {
    Path::new("/log")
}

fn open(disk: &SimDisk) -> (Log, Recovery) {
    Log::open(folder(), SEGMENT_BYTES, Arc::new(disk.clone())).unwrap()
}

fn rest(reader: &mut Reader) -> Vec<Frame> {
    std::iter::from_fn(|| reader.next().unwrap()).collect()
}

fn all(log: &Log) -> Vec<Frame> {
    rest(&mut log.reader(Position::START))
}

/// A log of frames with these payloads, each in a commit of its own.
fn written(payloads: &[Vec<u8>]) -> (SimDisk, Vec<Frame>) {
    let disk = SimDisk::new();
    let (mut log, _) = open(&disk);
    for payload in payloads {
        log.commit(std::slice::from_ref(payload)).unwrap();
    }
    let frames = all(&log);
    assert_eq!(frames.iter().map(|frame| &frame.payload).collect::<Vec<_>>(), payloads.iter().collect::<Vec<_>>());
    (disk, frames)
}

/// Payloads of different lengths, none like another.
fn payloads(n: usize) -> Vec<Vec<u8>> {
    (0..n).map(|i| format!("{i} ").repeat(1 + i * 37 % 120).into_bytes()).collect()
}

#[test]
fn what_is_committed_is_read() {
    let (disk, frames) = written(&payloads(50));
    let (log, recovery) = open(&disk);
    assert_eq!(all(&log), frames);
    assert_eq!(recovery.n_frames, 50);
    assert!(recovery.n_segments >= 3, "{recovery:?}");
    assert_eq!((recovery.torn_bytes, recovery.n_damaged, recovery.n_breaks, recovery.n_void), (0, 0, 0, 0));
    assert_eq!(recovery.first, Position::new(1));
    assert!(recovery.next > frames[49].position);
}

#[test]
fn a_reader_begins_anywhere_and_goes_on_when_there_is_more() {
    let (disk, frames) = written(&payloads(50));
    let (mut log, _) = open(&disk);
    for (i, frame) in frames.iter().enumerate() {
        assert_eq!(rest(&mut log.reader(frame.position)), frames[i..]);
    }
    let mut reader = log.reader(frames[49].position.next());
    assert_eq!(reader.next().unwrap(), None);
    for i in 0..100_u32 {
        let position = log.commit(&[i.to_le_bytes().to_vec()]).unwrap();
        let frame = reader.next().unwrap().unwrap();
        assert_eq!((frame.position, frame.payload), (position, i.to_le_bytes().to_vec()));
        assert_eq!(reader.next().unwrap(), None);
    }
}

#[test]
fn payloads_may_be_empty_or_long() {
    let long = vec![7; 3 << 20];
    let (disk, frames) = written(&[Vec::new(), long, Vec::new()]);
    assert_eq!(all(&open(&disk).0), frames);
    let (mut log, _) = open(&disk);
    assert!(log.commit(&[vec![0; wal::PAYLOAD_BYTES_MAX + 1]]).is_err());
    assert_eq!(all(&log), frames);
}

#[test]
fn numbers_go_on_when_all_is_released() {
    let (disk, frames) = written(&payloads(50));
    let mut last = frames[49].position;
    for _ in 0..5 {
        let (mut log, _) = open(&disk);
        log.release(last.next()).unwrap();
        assert_eq!(all(&log), []);
        assert_eq!(disk.paths().len(), 1, "{:?}", disk.paths());
        disk.power_loss(1);
        let (mut log, recovery) = open(&disk);
        assert!(recovery.first > last && recovery.first == recovery.next);
        let position = log.commit(&[b"more".to_vec()]).unwrap();
        assert!(position > last);
        last = position;
        disk.power_loss(2);
    }
}

#[test]
fn a_release_deletes_whole_segments_that_are_before_it() {
    let (disk, frames) = written(&payloads(50));
    let (mut log, _) = open(&disk);
    for frame in &frames {
        log.release(frame.position).unwrap();
        let left = all(&log);
        assert!(frames.ends_with(&left));
        assert!(left.len() <= 50 && left.contains(frame));
    }
    let mut reader = log.reader(Position::START);
    assert!(reader.next().unwrap().unwrap().position > frames[20].position);
}

#[test]
fn a_reader_of_a_released_segment_goes_on_behind_it() {
    let (disk, frames) = written(&payloads(50));
    let (mut log, _) = open(&disk);
    let mut reader = log.reader(Position::START);
    reader.next().unwrap();
    log.release(frames[40].position).unwrap();
    let left = rest(&mut reader);
    assert!(frames.ends_with(&left) && left.contains(&frames[40]));
}
