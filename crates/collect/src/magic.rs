//! What a file is, told by its first bytes and never by its name.

use crate::blob::Container;

/// So many first bytes tell all: the mark of a tar archive is the last.
pub(crate) const HEAD_BYTES: usize = 262;

const UTF8_BOM: &[u8] = b"\xEF\xBB\xBF";

/// What the first bytes say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Readable(Container),
    /// The reason, to be read after the name of the file.
    Unsupported(&'static str),
}

pub(crate) fn recognize(head: &[u8]) -> Kind {
    if head.starts_with(b"\x1F\x8B") {
        return Kind::Readable(Container::Gzip);
    }
    if is_zstd(head) {
        return Kind::Readable(Container::Zstd);
    }
    if head.starts_with(b"PAR1") {
        return Kind::Readable(Container::Parquet);
    }
    if is_bzip2(head) {
        return Kind::Unsupported("is a bzip2 file: unpack it first");
    }
    if head.get(257..262) == Some(b"ustar") {
        return Kind::Unsupported("is a tar archive: unpack it first");
    }
    match UNSUPPORTED.iter().find(|(magic, _)| head.starts_with(magic)) {
        Some((_, why)) => Kind::Unsupported(why),
        None => Kind::Readable(Container::Plain),
    }
}

/// A zstd frame, or one that may be skipped, with which a file may begin.
pub(crate) fn is_zstd(head: &[u8]) -> bool {
    matches!(head, [0x28, 0xB5, 0x2F, 0xFD, ..] | [0x50..=0x5F, 0x2A, 0x4D, 0x18, ..])
}

/// The mark is mere letters and a digit for the level, so the mark of the first block is asked for too.
fn is_bzip2(head: &[u8]) -> bool {
    match head {
        [b'B', b'Z', b'h', b'1'..=b'9', block @ ..] => {
            block.starts_with(b"1AY&SY") || block.starts_with(b"\x17rE8P\x90")
        }
        _ => false,
    }
}

/// The text behind a byte order mark.
pub(crate) fn strip_bom(head: &[u8]) -> &[u8] {
    head.strip_prefix(UTF8_BOM).unwrap_or(head)
}

/// Marks long enough, or strange enough, that no text begins with them.
const UNSUPPORTED: &[(&[u8], &str)] = &[
    (b"PK\x03\x04", "is a zip archive: unpack it first"),
    (b"PK\x05\x06", "is an empty zip archive"),
    (b"PK\x07\x08", "is a zip archive in parts: unpack it first"),
    (b"\xFD7zXZ\0", "is an xz file: unpack it first"),
    (b"7z\xBC\xAF\x27\x1C", "is a 7z archive: unpack it first"),
    (b"\x04\x22\x4D\x18", "is an lz4 file: unpack it first"),
    (b"\x02\x21\x4C\x18", "is an lz4 file: unpack it first"),
    (b"\xFF\x06\0\0sNaPpY", "is a snappy file: unpack it first"),
    (b"\x1F\x9D", "is a compress (.Z) file: unpack it first"),
    (b"Rar!\x1A\x07", "is a rar archive: unpack it first"),
    (b"!<arch>\n", "is an ar archive: unpack it first"),
    (b"\xFF\xFE\0\0", "is UTF-32 text: convert it to UTF-8 first"),
    (b"\0\0\xFE\xFF", "is UTF-32 text: convert it to UTF-8 first"),
    (b"\xFF\xFE", "is UTF-16 text: convert it to UTF-8 first"),
    (b"\xFE\xFF", "is UTF-16 text: convert it to UTF-8 first"),
    (b"PARE", "is an encrypted Parquet file"),
    (b"Obj\x01", "is an Avro file"),
    (b"SQLite format 3\0", "is a SQLite database"),
    (b"ElfFile\0", "is a Windows event log"),
    (b"\xD4\xC3\xB2\xA1", "is a packet capture"),
    (b"\xA1\xB2\xC3\xD4", "is a packet capture"),
    (b"%PDF-", "is a PDF document"),
    (b"\x89PNG\r\n\x1A\n", "is a PNG image"),
    (b"\xFF\xD8\xFF", "is a JPEG image"),
    (b"GIF87a", "is a GIF image"),
    (b"GIF89a", "is a GIF image"),
    (b"\x7FELF", "is a program (ELF)"),
    (b"MZ\x90\0", "is a program (PE)"),
];
