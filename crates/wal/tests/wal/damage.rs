//! Bytes on the disk are not what was written.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use wal::sim::{Dice, Operation, SimDisk};
use wal::{Disk as _, Frame, Log, Position};

use crate::{SEGMENT_BYTES, all, folder, open, payloads, rest, written};

fn is_detected(recovery: &wal::Recovery) -> bool {
    recovery.n_damaged > 0 || recovery.torn_bytes > 0 || recovery.n_breaks > 0
}

#[test]
fn every_flipped_bit_is_found_and_all_other_frames_are_read() {
    let (disk, frames) = written(&payloads(40));
    let files: Vec<(PathBuf, usize)> =
        disk.paths().into_iter().map(|path| (path.clone(), disk.bytes(&path).unwrap().len())).collect();
    let n_bytes: usize = files.iter().map(|(_, len)| len).sum();
    let mut dice = Dice::new(1);
    for i in 0..10_000 {
        let disk = disk.copy();
        let mut at = if i < n_bytes { i } else { dice.below(n_bytes) };
        let (path, _) = files
            .iter()
            .find(|(_, len)| {
                at < *len || {
                    at -= len;
                    false
                }
            })
            .unwrap();
        disk.flip(path, at, dice.below(8) as u8);
        let (mut log, recovery) = open(&disk);
        assert!(is_detected(&recovery), "{}:{at}", path.display());
        let read = all(&log);
        let n_lost = frames.iter().filter(|frame| !read.contains(frame)).count();
        assert!(n_lost <= 1 && read.iter().all(|frame| frames.contains(frame)), "{}:{at}: {n_lost}", path.display());
        assert_eq!(n_lost == 0, at < 48, "{}:{at}", path.display());
        assert!(log.commit(&[b"more".to_vec()]).unwrap() > frames[39].position, "a number is given again");
    }
}

#[test]
fn a_number_is_not_given_again_when_its_frame_is_damaged() {
    let disk = SimDisk::new();
    let (mut log, _) = open(&disk);
    log.commit(&[b"before".to_vec()]).unwrap();
    // Numbers are given up, so the next segment begins with a greater one.
    disk.set_hook(|call| if call.operation == Operation::Sync { Err(io::Error::other("EIO")) } else { Ok(()) });
    log.commit(&vec![b"failed".to_vec(); 50]).unwrap_err();
    disk.clear_hook();
    let last = log.commit(&vec![b"after".to_vec(); 5]).unwrap().get() + 4;
    let path = disk.paths().pop().unwrap();
    let end = disk.bytes(&path).unwrap().len();
    for n_damaged in 1..=5 {
        let disk = disk.copy();
        (0..n_damaged).for_each(|i| disk.flip(&path, end - 1 - i * 45, 0));
        let (mut log, recovery) = open(&disk);
        assert!(recovery.next.get() > last, "{n_damaged}");
        assert!(log.commit(&[b"more".to_vec()]).unwrap().get() > last);
        assert_eq!(all(&log).len(), 7 - n_damaged);
    }
}

#[test]
fn damaged_bytes_are_copied_once() {
    let (disk, frames) = written(&payloads(40));
    let path = disk.paths().remove(0);
    let bytes = disk.bytes(&path).unwrap();
    disk.flip(&path, 200, 0);
    let (_, recovery) = open(&disk);
    let damage = &recovery.damaged[0];
    assert!(recovery.n_damaged == 1 && damage.is_new && damage.from <= 200 && damage.to > 200, "{damage:?}");
    let kept = disk.bytes(damage.kept.as_ref().unwrap()).unwrap();
    let was = &bytes[damage.from as usize..damage.to as usize];
    assert_eq!(kept.iter().zip(was).filter(|(a, b)| a != b).count(), 1);
    assert_eq!(kept.len(), was.len());
    disk.power_loss(1);
    let (mut log, recovery) = open(&disk);
    assert!(!recovery.damaged[0].is_new && recovery.n_damaged == 1);
    log.release(frames[39].position.next()).unwrap();
    assert_eq!(disk.paths().len(), 2, "what was damaged stays: {:?}", disk.paths());
}

#[test]
fn a_reader_finds_what_was_damaged_since() {
    let (disk, frames) = written(&payloads(40));
    let (mut log, _) = open(&disk);
    let path = disk.paths().remove(0);
    disk.flip(&path, 200, 0);
    let mut reader = log.reader(Position::START);
    assert_eq!(rest(&mut reader).len(), 39);
    assert_eq!(all(&log).len(), 39);
    assert_eq!(disk.paths().iter().filter(|path| path.extension().is_some_and(|e| e == "bin")).count(), 1);
    log.release(frames[39].position.next()).unwrap();
}

#[test]
fn damage_that_cannot_be_copied_is_not_deleted() {
    let (disk, frames) = written(&payloads(40));
    let path = disk.paths().remove(0);
    disk.flip(&path, 200, 0);
    disk.set_capacity(Some(0));
    let (mut log, recovery) = open(&disk);
    assert_eq!((recovery.n_damaged, &recovery.damaged[0].kept), (1, &None));
    assert!(log.release(frames[39].position).is_err());
    assert!(disk.paths().contains(&path));
    disk.set_capacity(None);
    log.release(frames[39].position).unwrap();
    assert!(!disk.paths().contains(&path));
    assert!(disk.paths().iter().any(|path| path.extension().is_some_and(|e| e == "bin")));
}

#[test]
fn what_looks_torn_is_not_deleted_before_it_is_copied() {
    let (disk, _) = written(&[b"the only frame".to_vec()]);
    let path = disk.paths().remove(0);
    disk.flip(&path, 90, 0);
    let bytes = disk.bytes(&path).unwrap();
    disk.set_capacity(Some(bytes.len() as u64 + 48));
    let (log, recovery) = open(&disk);
    assert_eq!((recovery.n_frames, recovery.torn_bytes, &recovery.damaged[0].kept), (0, 54, &None));
    assert_eq!(disk.bytes(&path).unwrap(), bytes);
    drop(log);
    disk.set_capacity(None);
    let (_, recovery) = open(&disk);
    assert_eq!(disk.bytes(recovery.damaged[0].kept.as_ref().unwrap()).unwrap(), bytes[48..]);
}

/// Where frames begin in a segment, and where it ends.
fn begins(bytes: &[u8]) -> Vec<usize> {
    let mut begins = vec![48];
    while let Some(len) = bytes.get(begins[begins.len() - 1] + 4..).and_then(|rest| rest.first_chunk::<4>()) {
        begins.push(begins[begins.len() - 1] + 40 + u32::from_le_bytes(*len) as usize);
    }
    begins
}

#[test]
fn frames_that_are_cut_out_swapped_or_given_twice_are_found() {
    let (disk, frames) = written(&payloads(40));
    let path = disk.paths().remove(1);
    let bytes = disk.bytes(&path).unwrap();
    let at = begins(&bytes);
    assert!(at.len() > 5);
    let (a, b, c) = (&bytes[at[1]..at[2]], &bytes[at[2]..at[3]], &bytes[at[3]..]);
    let begin = &bytes[..at[1]];
    let cases = [
        ("cut", [begin, b, c, &[]].concat(), 1),
        ("swapped", [begin, b, a, c].concat(), 1),
        ("twice", [begin, a, a, &bytes[at[2]..]].concat(), 0),
        ("shorter", bytes[..at[4]].to_vec(), at.len() - 5),
        ("gone", Vec::new(), at.len() - 1),
    ];
    for (what, now, n_lost) in cases {
        let disk = disk.copy();
        if what == "gone" {
            disk.take(&path)
        } else {
            disk.put(&path, now)
        }
        let (log, recovery) = open(&disk);
        assert!(is_detected(&recovery), "{what}: {recovery:?}");
        let read = all(&log);
        assert_eq!(frames.iter().filter(|frame| !read.contains(frame)).count(), n_lost, "{what}");
        assert_eq!(read.len(), 40 - n_lost, "{what}");
    }
}

#[test]
fn segments_with_swapped_names_are_read_in_their_order() {
    let (disk, frames) = written(&payloads(40));
    let paths = disk.paths();
    let (first, second) = (disk.bytes(&paths[0]).unwrap(), disk.bytes(&paths[1]).unwrap());
    disk.put(&paths[0], second);
    disk.put(&paths[1], first);
    assert_eq!(all(&open(&disk).0), frames);
}

#[test]
fn a_payload_cannot_pass_for_frames() {
    let (disk, _) = written(&payloads(40));
    // All that is in one log, as payloads of another, of which the heads are damaged.
    let inside: Vec<Vec<u8>> = disk.paths().iter().map(|path| disk.bytes(path).unwrap()).collect();
    let disk = SimDisk::new();
    // Another salt, which nobody knows.
    (0..100).for_each(|_| _ = disk.random());
    let (mut log, _) = open(&disk);
    inside.iter().for_each(|payload| _ = log.commit(std::slice::from_ref(payload)).unwrap());
    let frames = all(&log);
    for path in disk.paths() {
        disk.flip(&path, 60, 0);
    }
    let (log, recovery) = open(&disk);
    assert!(recovery.n_damaged > 0 || recovery.torn_bytes > 0);
    assert!(all(&log).iter().all(|frame: &Frame| frames.contains(frame)));
}

#[test]
fn any_bytes_are_opened_without_a_panic() {
    let (whole, _) = written(&payloads(40));
    let paths = whole.paths();
    for seed in 0..2_000 {
        let mut dice = Dice::new(seed);
        let disk = whole.copy();
        let mut bytes = disk.bytes(&paths[dice.below(paths.len())]).unwrap();
        for _ in 0..dice.below(6) {
            let (from, len) = (dice.below(bytes.len() + 1), dice.below(300));
            let to = (from + len).min(bytes.len());
            match dice.below(4) {
                0 => drop(bytes.drain(from..to)),
                1 => bytes[from..to].iter_mut().for_each(|byte| *byte = dice.roll() as u8),
                2 => bytes.extend_from_within(from..to),
                _ => bytes[from..to].fill(0),
            }
        }
        if dice.below(5) == 0 {
            bytes = (0..dice.below(2_000)).map(|_| dice.roll() as u8).collect();
        }
        disk.put(&paths[dice.below(paths.len())], bytes);
        let (mut log, _) = Log::open(folder(), SEGMENT_BYTES, Arc::new(disk.clone())).unwrap();
        let n = all(&log).len();
        log.commit(&[b"more".to_vec()]).unwrap();
        assert_eq!(all(&log).len(), n + 1, "seed {seed}");
        drop(log);
        assert_eq!(all(&open(&disk).0).len(), n + 1, "seed {seed}");
    }
}
