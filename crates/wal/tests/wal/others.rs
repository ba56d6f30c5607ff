//! Somebody else writes into the segment that is being written.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use wal::sim::{Dice, SimDisk};
use wal::{Frame, Options, Position, Reader, Wal};

use crate::{all, folder, open, rest};

fn wal(disk: &SimDisk) -> Wal {
    Wal::open(folder(), Options::default(), Arc::new(disk.clone())).unwrap().0
}

fn append(wal: &Wal, text: &str) -> Position {
    wal.append(text.as_bytes().to_vec()).wait().unwrap()
}

fn newest(disk: &SimDisk) -> PathBuf {
    disk.paths().into_iter().rfind(|path| path.extension().is_some_and(|e| e == "wal")).unwrap()
}

fn texts(frames: &[Frame]) -> Vec<String> {
    frames.iter().map(|frame| String::from_utf8(frame.payload.clone()).unwrap()).collect()
}

/// What is set aside, in all.
fn set_aside(disk: &SimDisk) -> Vec<u8> {
    let mut paths = disk.paths();
    paths.retain(|path| path.extension().is_some_and(|e| e == "bin"));
    paths.iter().flat_map(|path| disk.bytes(path).unwrap()).collect()
}

#[test]
fn bytes_appended_by_others_stop_nothing_and_are_set_aside() {
    let disk = SimDisk::new();
    let wal = wal(&disk);
    let mut reader = wal.reader(Position::START);
    append(&wal, "before");
    assert_eq!(texts(&rest(&mut reader)), ["before"]);
    for i in 0..5 {
        disk.edit(&newest(&disk), |bytes| bytes.extend_from_slice(b"not ours"));
        append(&wal, &format!("behind {i}"));
        assert_eq!(texts(&rest(&mut reader)), [format!("behind {i}")]);
    }
    let stats = wal.stats();
    assert_eq!((stats.n_damaged, stats.damaged_bytes, stats.n_lost), (5, 40, 0));
    assert_eq!(set_aside(&disk), b"not ours".repeat(5));
    drop(wal);
    let (log, recovery) = open(&disk);
    assert_eq!((all(&log).len(), recovery.n_breaks), (6, 0), "{recovery:?}");
}

#[test]
fn what_others_overwrite_is_lost_alone_and_counted() {
    let disk = SimDisk::new();
    let wal = wal(&disk);
    let mut reader = wal.reader(Position::START);
    append(&wal, "read before it is overwritten");
    assert_eq!(rest(&mut reader).len(), 1);
    append(&wal, "overwritten, last of all");
    disk.edit(&newest(&disk), |bytes| bytes.iter_mut().rev().take(5).for_each(|byte| *byte = 0));
    assert_eq!(rest(&mut reader), []);
    assert_eq!((wal.stats().n_damaged, wal.stats().n_lost), (1, 1));
    append(&wal, "behind");
    append(&wal, "overwritten, in the middle");
    append(&wal, "behind too");
    disk.edit(&newest(&disk), |bytes| {
        let at = bytes.windows(6).rposition(|six| six == b"middle").unwrap();
        bytes[at] = 0;
    });
    assert_eq!(texts(&rest(&mut reader)), ["behind", "behind too"]);
    assert_eq!((wal.stats().n_damaged, wal.stats().n_lost), (2, 2));
    // Who reads again finds the same damage, which is counted once.
    assert_eq!(rest(&mut wal.reader(Position::START)).len(), 3);
    assert_eq!((wal.stats().n_damaged, wal.stats().n_lost), (2, 2));
}

#[test]
fn a_segment_that_others_cut_remove_or_replace_is_not_written_to() {
    fn change(disk: &SimDisk, path: &Path, what: &str) {
        match what {
            "cut" => disk.edit(path, |bytes| bytes.truncate(60)),
            "removed" => disk.take(path),
            _ => disk.put(path, b"something else".to_vec()),
        }
    }
    for what in ["cut", "removed", "replaced"] {
        let disk = SimDisk::new();
        let wal = wal(&disk);
        append(&wal, "lost with the segment");
        change(&disk, &newest(&disk), what);
        let behind: Vec<Position> = (0..3).map(|i| append(&wal, &format!("behind {i}"))).collect();
        let read = rest(&mut wal.reader(Position::START));
        assert_eq!(read.iter().map(|frame| frame.position).collect::<Vec<_>>(), behind, "{what}");
        let stats = wal.stats();
        assert_eq!((stats.n_lost, stats.n_damaged > 0), (1, true), "{what}: {stats:?}");
        wal.release(behind[2].next()).unwrap();
        drop(wal);
        let after = append(&self::wal(&disk), "after");
        assert!(after > behind[2], "{what}");
    }
}

#[test]
fn a_frame_of_others_with_a_great_number_hides_none_of_ours() {
    let disk = SimDisk::new();
    let wal = wal(&disk);
    append(&wal, "before");
    let mut reader = wal.reader(Position::START);
    let path = newest(&disk);
    let salted = disk.bytes(&path).unwrap();
    append(&wal, "forged over");
    // Who can read the folder knows the salt, and can make frames that are sound.
    let forged = forge(&salted, 1 << 40);
    disk.edit(&path, |bytes| {
        let at = salted.len();
        bytes[at..at + forged.len()].copy_from_slice(&forged);
    });
    append(&wal, "behind");
    assert_eq!(texts(&rest(&mut reader)), ["before", "behind"]);
    assert_eq!(wal.stats().n_lost, 1);
}

/// The head of an empty frame with this number, sound under the salt of a segment.
fn forge(segment: &[u8], number: u64) -> Vec<u8> {
    use std::hash::Hasher as _;
    let salt = u64::from_le_bytes(segment[32..40].try_into().unwrap());
    let hash = |bytes: &[u8]| {
        let mut hasher = twox_hash::xxhash3_64::Hasher::with_seed(salt);
        hasher.write(bytes);
        hasher.finish()
    };
    let mut head = [&segment[48..52], &[0; 4], &number.to_le_bytes(), &[0; 8], &hash(b"").to_le_bytes()].concat();
    head.extend(hash(&head).to_le_bytes());
    head
}

/// Whatever others do to the newest segment: what is whole in the folder is read, in order, by one that reads on and by one that begins.
#[test]
fn whatever_others_do_what_is_whole_is_read() {
    for seed in 0..400 {
        let mut dice = Dice::new(seed);
        let disk = SimDisk::new();
        let wal = wal(&disk);
        let mut reader = wal.reader(Position::START);
        let (mut appended, mut read): (Vec<(Position, Vec<u8>)>, Vec<Frame>) = (Vec::new(), Vec::new());
        for round in 0..30 {
            for i in 0..dice.below(4) {
                let payload = format!("{seed} {round} {i} ").repeat(1 + dice.below(30)).into_bytes();
                let position = wal.append(payload.clone()).wait().unwrap();
                let path = newest(&disk);
                let bytes = disk.bytes(&path).unwrap();
                let at = bytes.windows(payload.len()).rposition(|piece| piece == payload).unwrap();
                appended.push((position, bytes[at - 40..at + payload.len()].to_vec()));
            }
            let before = read.len();
            if dice.below(2) == 0 {
                read.extend(rest(&mut reader));
            }
            if dice.below(3) == 0 {
                others(&disk, &mut dice);
            }
            assert!(read[before..].is_sorted_by(|a, b| a.position < b.position), "seed {seed}");
        }
        append(&wal, "the last");
        let mut segments = disk.paths();
        segments.retain(|path| path.extension().is_some_and(|e| e == "wal"));
        let whole = |frame: &[u8]| segments.iter().any(|path| holds(&disk.bytes(path).unwrap(), frame));
        let whole: Vec<Position> =
            appended.iter().filter(|(_, frame)| whole(frame)).map(|(position, _)| *position).collect();
        read.extend(rest(&mut reader));
        let again = rest(&mut wal.reader(Position::START));
        for (who, read) in [("reads on", &read), ("begins", &again)] {
            assert!(read.is_sorted_by(|a, b| a.position < b.position), "seed {seed}, who {who}");
            let have = |position: &Position| read.binary_search_by_key(position, |frame| frame.position).is_ok();
            let missing: Vec<_> = whole.iter().filter(|position| !have(position)).collect();
            assert!(missing.is_empty(), "seed {seed}, who {who}: {missing:?} of {}", appended.len());
            assert_eq!(texts(&read[read.len() - 1..]), ["the last"], "seed {seed}, who {who}");
        }
        let n_gone = appended.len() + 1 - again.len();
        assert!(n_gone == 0 || wal.stats().n_damaged > 0, "seed {seed}: {n_gone} are gone and nobody says so");
        drop(wal);
        let (log, _) = open(&disk);
        let recovered = all(&log);
        for position in &whole {
            assert!(
                recovered.iter().any(|frame| frame.position == *position),
                "seed {seed}: {position} after a restart"
            );
        }
    }
}

fn holds(bytes: &[u8], frame: &[u8]) -> bool {
    bytes.windows(frame.len()).any(|piece| piece == frame)
}

fn others(disk: &SimDisk, dice: &mut Dice) {
    let path = newest(disk);
    let kind = dice.below(5);
    disk.edit(&path, |bytes| {
        // A header that is damaged is another matter: its copy is the name of the file.
        let from = 48 + dice.below(bytes.len() - 47);
        let to = (from + dice.below(200)).min(bytes.len());
        match kind {
            0 => bytes.extend((0..dice.below(100)).map(|_| dice.roll() as u8)),
            1 => bytes[from..to].iter_mut().for_each(|byte| *byte = dice.roll() as u8),
            2 => bytes.truncate(from),
            3 => drop(bytes.splice(from..from, (0..dice.below(100)).map(|_| dice.roll() as u8).collect::<Vec<_>>())),
            _ => drop(bytes.drain(from..to)),
        }
    });
}

#[test]
fn readers_that_wait_are_not_held_up() {
    let disk = SimDisk::new();
    let wal = wal(&disk);
    let read_next = |reader: &mut Reader| reader.next().unwrap().map(|frame| frame.position);
    let mut reader = wal.reader(Position::START);
    for i in 0..50 {
        if i % 7 == 3 {
            disk.edit(&newest(&disk), |bytes| bytes.extend_from_slice(&[0xf5, 0x9a, 0xc1, 0xfe, 1, 2, 3]));
        }
        let position = append(&wal, "x");
        assert_eq!(read_next(&mut reader), Some(position));
    }
}
