//! Keeps bytes that are no frame: in files of their own, so that somebody can look at what was there.

use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use crate::disk::{Disk, File};
use crate::scan::CHUNK_BYTES;

/// The folder of such files, in that of the log.
const FOLDER: &str = "damaged";

/// A part of a segment.
pub(crate) struct Part<'a> {
    /// The folder of the log.
    pub folder: &'a Path,
    /// The name of the segment.
    pub segment: &'a str,
    /// Which bytes of it.
    pub range: Range<u64>,
}

/// Where the bytes are now.
pub(crate) struct Kept {
    /// The file.
    pub path: PathBuf,
    /// Whether they were not there before.
    pub is_new: bool,
}

/// Copies bytes of a segment. When it returns they survive a power cut.
pub(crate) fn keep(disk: &dyn Disk, part: &Part<'_>, file: &mut dyn File) -> io::Result<Kept> {
    let Part { folder, segment, range } = part;
    let aside = folder.join(FOLDER);
    let stem = segment.split('.').next().unwrap_or(segment);
    let path = aside.join(format!("{stem}-{}-{}.bin", range.start, range.end));
    let is_there = disk.open(&path).and_then(|mut file| file.size()).is_ok_and(|len| len == range.end - range.start);
    if is_there {
        return Ok(Kept { path, is_new: false });
    }
    disk.create_folder(&aside)?;
    let unfinished = path.with_extension("part");
    match disk.remove(&unfinished) {
        Err(err) if err.kind() != io::ErrorKind::NotFound => return Err(err),
        _ => {}
    }
    copy(file, &mut *disk.create(&unfinished)?, range.clone())?;
    disk.rename(&unfinished, &path)?;
    disk.sync_folder(&aside)?;
    disk.sync_folder(folder)?;
    Ok(Kept { path, is_new: true })
}

fn copy(from: &mut dyn File, to: &mut dyn File, range: Range<u64>) -> io::Result<()> {
    let mut buffer = Vec::new();
    let mut at = range.start;
    while at < range.end {
        let n = usize::try_from(range.end - at).unwrap_or(CHUNK_BYTES).min(CHUNK_BYTES);
        buffer.resize(n, 0);
        let n = from.read_at(at, &mut buffer)?;
        if n == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        to.append(&buffer[..n])?;
        at += n as u64;
    }
    to.sync()
}
