//! Fills a log in a folder, or opens the one that is there and reads it, so that both can be timed from outside.
//!
//! `recover fill FOLDER MIB`, then `recover open FOLDER`.

#![allow(clippy::print_stdout, reason = "it is a program")]

use std::path::PathBuf;
use std::sync::Arc;

use wal::{Options, Position, SystemDisk, Wal};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let (what, folder) = (args.next().unwrap_or_default(), PathBuf::from(args.next().ok_or("a folder is due")?));
    let options = Options { bytes_max: u64::MAX, waiting_bytes_max: 64 << 20, ..Options::default() };
    let (wal, recovery) = Wal::open(&folder, options, Arc::new(SystemDisk))?;
    println!("{recovery:#?}");
    match what.as_str() {
        "fill" => fill(&wal, args.next().ok_or("a number of MiB is due")?.parse()?)?,
        "read" => println!("{} frames", read(&wal)?),
        _ => {}
    }
    Ok(())
}

fn fill(wal: &Wal, n_mib: usize) -> Result<(), wal::AppendError> {
    let line = br#"{"eventVersion":"1.08","eventName":"GetObject"}"#;
    let payload = line.repeat(16 * 1024 / line.len());
    for _ in 0..n_mib {
        let pending: Vec<_> = (0..64).map(|_| wal.append(payload.clone())).collect();
        pending.into_iter().try_for_each(|pending| pending.wait().map(drop))?;
    }
    Ok(())
}

fn read(wal: &Wal) -> Result<usize, wal::ReadError> {
    let mut reader = wal.reader(Position::START);
    let mut n = 0;
    while reader.next()?.is_some() {
        n += 1;
    }
    Ok(n)
}
