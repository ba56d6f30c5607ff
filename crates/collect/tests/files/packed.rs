//! Intact files, packed in all ways.

use super::{Folder, check, drain, gzip, read_file, read_path, text, zstd};
use collect::blob::{Blob, Container, Limits};
use collect::broken::Broken;

#[test]
fn plain() {
    check(b"a", b"a");
    check(&text(5_000), &text(5_000));
}

#[test]
fn nothing_is_nothing() {
    check(b"", b"");
    check(&gzip(b""), b"");
    check(&zstd(b""), b"");
}

#[test]
fn gzip_and_zstd() {
    check(&gzip(&text(5_000)), &text(5_000));
    check(&zstd(&text(5_000)), &text(5_000));
}

#[test]
fn content_decides_and_not_the_name() {
    let folder = Folder::new();
    for (name, bytes, container) in [
        ("zstd.json.gz", zstd(b"text"), Container::Zstd),
        ("gzip.log", gzip(b"text"), Container::Gzip),
        ("plain.gz", b"text".to_vec(), Container::Plain),
    ] {
        let blob = Blob::open(&folder.file(name, &bytes), &Limits::default()).unwrap();
        assert_eq!(blob.container(), container);
        assert_eq!(drain(blob, 1).0, b"text");
    }
}

#[test]
fn members() {
    check(&[gzip(b"one"), gzip(b""), gzip(b"two")].concat(), b"onetwo");
    // Equal members have equal trailers, which the fast path must not take for one.
    check(&[gzip(b"same"), gzip(b"same")].concat(), b"samesame");
    check(&[gzip(&text(3)), gzip(&text(3)), gzip(&text(3))].concat(), &text(3).repeat(3));
    check(&gzip(b"x\n").repeat(20_000), &b"x\n".repeat(20_000));
    check(&[zstd(b"one"), zstd(b""), zstd(b"two")].concat(), b"onetwo");
    let skippable = b"\x53\x2A\x4D\x18\x03\0\0\0abc";
    check(&[&skippable[..], &zstd(b"one"), skippable, &zstd(b"two"), skippable].concat(), b"onetwo");
}

#[test]
fn member_with_all_parts_of_a_header() {
    let packed = flate2::GzBuilder::new()
        .extra(vec![7; 300])
        .filename("name")
        .comment(vec![b'c'; 200_000])
        .write(Vec::new(), flate2::Compression::best());
    let mut packed = packed;
    std::io::Write::write_all(&mut packed, b"text").unwrap();
    let packed = packed.finish().unwrap();
    check(&packed, b"text");
    check(&[packed.clone(), packed].concat(), b"texttext");
}

#[test]
fn padding_with_zeros() {
    check(&[gzip(b"text"), vec![0; 1]].concat(), b"text");
    check(&[gzip(b"text"), vec![0; 300_000]].concat(), b"text");
    check(&[gzip(b"one"), vec![0; 512], gzip(b"two")].concat(), b"onetwo");
}

#[test]
fn packed_twice() {
    let text = text(2_000);
    check(&gzip(&gzip(&text)), &text);
    check(&gzip(&zstd(&text)), &text);
    check(&zstd(&gzip(&text)), &text);
    check(&gzip(&[gzip(b"one"), gzip(b"two")].concat()), b"onetwo");
}

#[test]
fn packed_too_many_times() {
    let (out, result) = read_file(&gzip(&gzip(&gzip(b"text"))));
    assert!(out.is_empty());
    assert!(matches!(result, Err(Broken::Nested { nested_max: 2 })), "{result:?}");
}

#[test]
fn byte_order_mark_is_stripped() {
    for pack in [|bytes: &[u8]| bytes.to_vec(), gzip, zstd, |bytes: &[u8]| gzip(&gzip(bytes))] {
        check(&pack(b"\xEF\xBB\xBF{}"), b"{}");
        check(&pack(b"\xEF\xBB\xBF"), b"");
    }
}

#[test]
fn size_that_is_a_lie_is_found_out_without_believing_it() {
    let mut packed = gzip(b"text");
    let n = packed.len();
    packed[n - 4..].copy_from_slice(&u32::MAX.to_le_bytes());
    let (out, result) = read_file(&packed);
    assert_eq!(out, b"text");
    assert!(out.capacity() < 1 << 20);
    assert!(matches!(result, Err(Broken::Checksum { .. })), "{result:?}");
}

#[test]
fn big_file_streams_to_the_same_bytes() {
    let mut random = vec![0; 20 << 20];
    let mut state: u64 = 88_172_645_463_325_252;
    for chunk in random.chunks_exact_mut(8) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        chunk.copy_from_slice(&state.to_le_bytes());
    }
    let folder = Folder::new();
    let path = folder.file("big.gz", &gzip(&random));
    assert!(std::fs::metadata(&path).unwrap().len() > 16 << 20);
    let mut blob = Blob::open(&path, &Limits::default()).unwrap();
    let mut out = Vec::new();
    let mut n_reads = 0;
    while blob.read(&mut out, 1 << 20).unwrap() {
        n_reads += 1;
        assert!(out.len() <= (n_reads + 1) << 20);
    }
    assert!(out == random);
    assert_eq!(blob.bytes_read(), std::fs::metadata(&path).unwrap().len());
    assert!(read_path(&folder.file("plain", &random), &Limits::default()).0 == random);
}

#[test]
fn wanted_pieces_are_about_as_big_as_wanted() {
    let reader = std::io::Cursor::new(gzip(&text(50_000)));
    let mut blob = Blob::from_reader("pipe", reader, &Limits::default()).unwrap();
    let mut out = Vec::new();
    while blob.read(&mut out, 10_000).unwrap() {
        assert!((1..=10_000).contains(&out.len()), "{}", out.len());
        out.clear();
    }
}
