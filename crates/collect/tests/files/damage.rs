//! Damaged files: what comes before the damage is kept, and the damage has a name and a place.

use super::{check, gzip, read_file, read_pipe, text, zstd};
use collect::broken::{Broken, Offset};
use proptest::prelude::*;

#[test]
fn cut_off_at_each_seventh() {
    let text = text(4_000);
    for (pack, packed) in [("gzip", gzip(&text)), ("zstd", zstd(&text)), ("gzip in gzip", gzip(&gzip(&text)))] {
        let mut kept_before = 0;
        for part in 1..7 {
            let cut = packed.len() * part / 7;
            let (out, result) = read_file(&packed[..cut]);
            assert!(text.starts_with(&out), "{pack}: what is kept is true");
            assert!(out.len() >= kept_before, "{pack}: more of the file gives more text");
            assert!(matches!(result, Err(Broken::Truncated { .. })), "{pack}: {result:?}");
            kept_before = out.len();
        }
        assert!(kept_before > text.len() / 2, "{pack}: kept {kept_before} of {}", text.len());
    }
}

#[test]
fn cut_off_at_each_byte_of_a_small_file() {
    let packed = [gzip(b"first member\n"), gzip(b"second member\n")].concat();
    let first = gzip(b"first member\n").len();
    for cut in 3..packed.len() {
        let (out, result) = read_file(&packed[..cut]);
        assert!(b"first member\nsecond member\n".starts_with(&out[..]));
        if cut == first {
            assert!(result.is_ok());
        } else if cut == first + 1 {
            // One byte could be the begin of anything.
            assert!(matches!(result, Err(Broken::TrailingGarbage { .. })), "{result:?}");
        } else {
            assert!(matches!(result, Err(Broken::Truncated { .. })), "{cut}: {result:?}");
        }
    }
}

#[test]
fn place_of_the_damage() {
    let packed = gzip(&text(10));
    let n = packed.len() as u64;
    let (_, result) = read_file(&packed[..packed.len() - 1]);
    let Err(Broken::Truncated { at, .. }) = result else { panic!("{result:?}") };
    assert_eq!(at, Offset { compressed: n - 8, inflated: text(10).len() as u64 });
    let (_, result) = read_file(&[&packed[..], b"garbage"].concat());
    let Err(err @ Broken::TrailingGarbage { at, .. }) = result else { panic!("{result:?}") };
    assert_eq!(at.compressed, n);
    assert_eq!(err.to_string(), format!("gzip data is followed by something else, {at}"));
}

#[test]
fn garbage_behind_the_last_member_loses_nothing() {
    for packed in [gzip(&text(100)), zstd(&text(100))] {
        for garbage in [&b"x"[..], b"\x1f\x00", b"\0\0\0garbage"] {
            let (out, result) = read_file(&[&packed, garbage].concat());
            assert_eq!(out, text(100));
            assert!(matches!(result, Err(Broken::TrailingGarbage { .. })), "{result:?}");
        }
    }
}

#[test]
fn wrong_checksum_is_said_and_the_data_kept() {
    let mut packed = gzip(b"text");
    let n = packed.len();
    packed[n - 8] ^= 1;
    let (out, result) = read_file(&packed);
    assert_eq!(out, b"text");
    assert!(matches!(result, Err(Broken::Checksum { .. })), "{result:?}");

    let mut packed = zstd(b"text");
    let n = packed.len();
    packed[n - 1] ^= 1;
    let (_, result) = read_file(&packed);
    assert!(matches!(result, Err(Broken::Checksum { .. })), "{result:?}");
}

#[test]
fn members_before_a_damaged_one_are_kept() {
    let mut packed = [gzip(&text(100)), gzip(&text(50)), gzip(b"lost")].concat();
    let second = gzip(&text(100)).len();
    packed[second + 2] = 7;
    let (out, result) = read_file(&packed);
    assert_eq!(out, text(100));
    let Err(err) = result else { panic!() };
    assert_eq!(
        err.to_string(),
        format!("gzip data is corrupt, at byte {second} (inflated: {}): method 7 in the header", out.len())
    );
}

#[test]
fn text_before_a_flipped_bit_is_kept() {
    let text = text(20_000);
    for packed in [gzip(&text), gzip(&gzip(&text)), zstd(&text)] {
        let mut packed = packed;
        let n = packed.len();
        packed[n / 2] ^= 0x55;
        let (out, result) = read_file(&packed);
        assert!(result.is_err());
        let n_true = out.iter().zip(&text).take_while(|(a, b)| a == b).count();
        assert!(n_true > text.len() / 3, "{n_true} of {}: {result:?}", text.len());
    }
}

#[test]
fn each_flipped_bit_is_noticed_or_harmless() {
    let text = text(20);
    let packed = gzip(&text);
    // The first three bytes say that it is gzip, and the next seven are not covered by the checksum.
    for bit in 10 * 8..packed.len() * 8 {
        let mut flipped = packed.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        let (out, result) = read_file(&flipped);
        assert!(result.is_err() || out == text, "bit {bit}");
    }
}

/// A pipe that breaks.
struct Breaks(Vec<u8>);

impl std::io::Read for Breaks {
    fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
        if self.0.is_empty() {
            return Err(std::io::Error::other("the disk is on fire"));
        }
        let n = self.0.len().min(buf.len()).min(1_000);
        buf[..n].copy_from_slice(&self.0[..n]);
        self.0.drain(..n);
        Ok(n)
    }
}

#[test]
fn reading_that_fails_keeps_what_was_read() {
    let text = text(4_000);
    for bytes in [text.clone(), gzip(&text)] {
        let n = bytes.len() as u64 / 2;
        let reader = Breaks(bytes[..bytes.len() / 2].to_vec());
        let blob = collect::blob::Blob::from_reader("pipe", reader, &Default::default()).unwrap();
        let (out, result) = super::drain(blob, 100);
        assert!(out.len() > text.len() / 3 && text.starts_with(&out));
        let Err(Broken::Io { at, err }) = result else { panic!("{result:?}") };
        assert_eq!((at.compressed, err.to_string().as_str()), (n, "the disk is on fire"));
    }
}

/// Bytes that begin like something.
fn hostile() -> impl Strategy<Value = Vec<u8>> {
    let magic = prop_oneof![
        Just(&b""[..]),
        Just(&b"\x1f\x8b\x08\0\0\0\0\0\0\0"[..]),
        Just(&b"\x1f\x8b\x08\x1e"[..]),
        Just(&b"\x28\xb5\x2f\xfd"[..]),
        Just(&b"\x50\x2a\x4d\x18"[..]),
        Just(&b"PAR1"[..]),
    ];
    let tail = prop_oneof![Just(&b""[..]), Just(&b"\x10\0\0\0PAR1"[..])];
    (magic, proptest::collection::vec(any::<u8>(), 0..2_000), tail)
        .prop_map(|(magic, bytes, tail)| [magic, &bytes, tail].concat())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(300) })]

    #[test]
    fn random_bytes_never_panic(bytes in hostile()) {
        let folder = super::Folder::new();
        if let Ok(blob) = collect::blob::Blob::open(&folder.file("file", &bytes), &Default::default()) {
            let _ = super::drain(blob, 100);
        }
        let _ = read_pipe(&bytes, 100);
    }

    #[test]
    fn any_text_comes_back(bytes in proptest::collection::vec(b' '..b'~', 0..3_000), cut in 0_usize..3_000) {
        let cut = cut.min(bytes.len());
        check(&[gzip(&bytes[..cut]), gzip(&bytes[cut..])].concat(), &bytes);
        check(&[zstd(&bytes[..cut]), zstd(&bytes[cut..])].concat(), &bytes);
    }
}
