//! What cannot be read says what it is, and what to do.

use super::{Folder, gzip, read_file};
use collect::blob::{Blob, Limits};
use collect::broken::Broken;

#[test]
fn files_that_cannot_be_read() {
    let mut tar = vec![0; 1024];
    tar[257..262].copy_from_slice(b"ustar");
    for (bytes, why) in [
        (&b"PK\x03\x04rest"[..], "is a zip archive: unpack it first"),
        (b"BZh91AY&SYrest", "is a bzip2 file: unpack it first"),
        (b"\xFD7zXZ\0rest", "is an xz file: unpack it first"),
        (b"7z\xBC\xAF\x27\x1Crest", "is a 7z archive: unpack it first"),
        (b"\x04\x22\x4D\x18rest", "is an lz4 file: unpack it first"),
        (b"%PDF-1.7", "is a PDF document"),
        (b"\x89PNG\r\n\x1A\n", "is a PNG image"),
        (b"\x7FELF\x02", "is a program (ELF)"),
        (b"\xFF\xFE{\0}\0", "is UTF-16 text: convert it to UTF-8 first"),
        (b"\xFE\xFF\0{\0}", "is UTF-16 text: convert it to UTF-8 first"),
        (b"PAR1", "is a damaged Parquet file: it is too short"),
        (b"PAR1 and then text", "is a damaged Parquet file: it is cut off"),
        (&tar, "is a tar archive: unpack it first"),
    ] {
        let folder = Folder::new();
        let path = folder.file("file.json.gz", bytes);
        let err = Blob::open(&path, &Limits::default()).err().unwrap();
        assert_eq!(err.why(), why);
        assert_eq!(err.to_string(), format!("`{}` {why}", path.display()));
    }
}

#[test]
fn text_that_begins_almost_like_an_archive() {
    for text in [&b"BZh9 is a call sign"[..], b"PK,name\n1,x", b"MZ", b"ORC", b"PAR", b"7z", b"\x1f"] {
        assert_eq!(read_file(text).0, text);
    }
}

#[test]
fn packed_archives() {
    let mut tar = vec![0; 1024];
    tar[257..262].copy_from_slice(b"ustar");
    for bytes in [gzip(&tar), gzip(&gzip(&tar))] {
        let (out, result) = read_file(&bytes);
        assert!(out.is_empty());
        let Err(err @ Broken::Unsupported { .. }) = result else { panic!("{result:?}") };
        assert_eq!(err.to_string(), "inflates to something that is a tar archive: unpack it first");
    }
}

#[test]
fn parquet_from_a_pipe() {
    let reader = std::io::Cursor::new(b"PAR1".to_vec());
    let err = Blob::from_reader("stdin", reader, &Limits::default()).err().unwrap();
    assert_eq!(err.to_string(), "`stdin` is Parquet, which cannot be read from a pipe: save it to a file first");
}
