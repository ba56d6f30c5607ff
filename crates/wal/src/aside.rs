//! Keeps bytes that are no frame: in files of their own, so that somebody can look at what was there.

use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use crate::disk::{Disk, File};
use crate::scan::CHUNK_BYTES;

/// The folder of such files, in that of the log.
const FOLDER: &str = "damaged";
/// The most that they may take together.
pub(crate) const BYTES_MAX: u64 = 256 << 20;

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

/// Files of bytes that are no frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SetAside {
    /// How many.
    pub n: u64,
    /// What they take.
    pub bytes: u64,
}

/// What is set aside in the folder of a log, which may be in use.
///
/// # Errors
/// When the folder cannot be listed.
pub fn set_aside(disk: &dyn Disk, folder: &Path) -> io::Result<SetAside> {
    let pieces = pieces(disk, &folder.join(FOLDER))?;
    Ok(SetAside { n: pieces.len() as u64, bytes: pieces.iter().map(|piece| piece.bytes).sum() })
}

/// Removes what was set aside first until the rest takes no more than that, and says what was removed. The last that was set aside stays.
pub(crate) fn drop_oldest(disk: &dyn Disk, folder: &Path, bytes_max: u64) -> io::Result<SetAside> {
    let aside = folder.join(FOLDER);
    let pieces = pieces(disk, &aside)?;
    let mut left: u64 = pieces.iter().map(|piece| piece.bytes).sum();
    let mut dropped = SetAside::default();
    for piece in &pieces[..pieces.len().saturating_sub(1)] {
        if left <= bytes_max {
            break;
        }
        disk.remove(&aside.join(&piece.name))?;
        left -= piece.bytes;
        dropped = SetAside { n: dropped.n + 1, bytes: dropped.bytes + piece.bytes };
    }
    Ok(dropped)
}

/// A file of bytes that are no frame, as its name tells. They are in the order of the log.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Piece {
    segment: String,
    from: u64,
    bytes: u64,
    name: String,
}

fn pieces(disk: &dyn Disk, aside: &Path) -> io::Result<Vec<Piece>> {
    let names = match disk.list(aside) {
        Err(err) if err.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        names => names?,
    };
    let piece = |name: &String| {
        let (rest, to) = name.strip_suffix(".bin")?.rsplit_once('-')?;
        let (segment, from) = rest.rsplit_once('-')?;
        let (from, to): (u64, u64) = (from.parse().ok()?, to.parse().ok()?);
        Some(Piece { segment: segment.to_owned(), from, bytes: to.checked_sub(from)?, name: name.clone() })
    };
    let mut pieces: Vec<Piece> = names.iter().filter_map(piece).collect();
    pieces.sort();
    Ok(pieces)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::SimDisk;

    #[test]
    fn what_was_set_aside_first_goes_first() -> io::Result<()> {
        let (disk, folder) = (SimDisk::new(), Path::new("/log"));
        let segment = folder.join("segment");
        disk.put(&segment, vec![7; 5_000]);
        for (name, from) in
            [("00000000000000000009-00", 0), ("00000000000000000010-00", 900), ("00000000000000000010-00", 1_000)]
        {
            let part = Part { folder, segment: name, range: from..from + 1_000 };
            keep(&disk, &part, &mut *disk.open(&segment)?)?;
        }
        assert_eq!(set_aside(&disk, folder)?, SetAside { n: 3, bytes: 3_000 });
        assert_eq!(drop_oldest(&disk, folder, 3_000)?, SetAside::default());
        assert_eq!(drop_oldest(&disk, folder, 2_500)?, SetAside { n: 1, bytes: 1_000 });
        assert!(disk.paths().iter().all(|path| !path.to_string_lossy().contains("0009-")), "{:?}", disk.paths());
        assert_eq!(drop_oldest(&disk, folder, 0)?, SetAside { n: 1, bytes: 1_000 });
        assert!(disk.paths().iter().any(|path| path.ends_with("00000000000000000010-00-1000-2000.bin")));
        Ok(())
    }
}
