//! The same on the disk of this machine.

use std::sync::Arc;

use wal::{Options, Position, SystemDisk, Wal};

#[test]
fn a_log_in_a_folder_is_opened_again() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().join("data/log");
    let options = Options { segment_bytes: 10_000, ..Options::default() };
    let open = || Wal::open(&folder, options, Arc::new(SystemDisk)).unwrap();
    let (wal, recovery) = open();
    assert_eq!((recovery.n_segments, recovery.first), (0, recovery.next));
    let payload = |i: u32| i.to_string().repeat(100).into_bytes();
    let pending: Vec<_> = (0..100).map(|i| wal.append(payload(i))).collect();
    let positions: Vec<Position> = pending.into_iter().map(|pending| pending.wait().unwrap()).collect();
    drop(wal);

    // The end of a write that never was.
    let newest = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).max().unwrap();
    let mut bytes = std::fs::read(&newest).unwrap();
    bytes.extend_from_slice(b"half a frame");
    std::fs::write(&newest, bytes).unwrap();

    let (wal, recovery) = open();
    assert_eq!((recovery.n_frames, recovery.torn_bytes, recovery.n_damaged), (100, 12, 0));
    let mut reader = wal.reader(positions[50]);
    for i in 50..100 {
        assert_eq!(reader.next().unwrap().unwrap().payload, payload(i));
    }
    assert_eq!(reader.next().unwrap(), None);
    wal.release(reader.position()).unwrap();
    drop(wal);
    let (wal, recovery) = open();
    assert_eq!((recovery.n_frames, recovery.torn_bytes), (0, 0));
    assert!(wal.append(Vec::new()).wait().unwrap() > positions[99]);
}
