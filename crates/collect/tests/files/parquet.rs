//! Parquet files as lines of text.

use std::sync::Arc;

use super::{Folder, drain, read_path};
use collect::blob::{Blob, Container, Limits};
use parquet::basic::{Compression, Encoding};
use parquet::data_type::{ByteArray, ByteArrayType, Int32Type, Int64Type};
use parquet::file::properties::{WriterProperties, WriterVersion};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use proptest::prelude::*;

const SCHEMA: &str = "message flow {
    required int32 version;
    optional binary account_id (UTF8);
    optional int64 start;
    required binary log_status (UTF8);
    optional int32 tcp_flags (UINT_32);
}";

type Row = (i32, Option<&'static str>, Option<i64>, &'static str, Option<i32>);

fn rows(n: usize) -> Vec<Row> {
    let some = [
        (2, Some("111122223333"), Some(1_418_530_010), "OK", Some(19)),
        (5, None, None, "NODATA", None),
        (-1, Some(""), Some(i64::MIN), "a b\tc\n%20\u{85}é", Some(-1)),
        (7, Some("-"), Some(0), "SKIPDATA", Some(0)),
    ];
    some.into_iter().cycle().take(n).collect()
}

fn expected(n: usize) -> String {
    let some = [
        "2 111122223333 1418530010 OK 19\n",
        "5 - - NODATA -\n",
        "-1 - -9223372036854775808 a%20b%09c%0A%20%C2%85é 4294967295\n",
        "7 - 0 SKIPDATA 0\n",
    ];
    let mut text = "version account-id start log-status tcp-flags\n".to_owned();
    text.extend(some.into_iter().cycle().take(n));
    text
}

fn write(rows: &[Row], n_group: usize, properties: WriterProperties) -> Vec<u8> {
    let schema = Arc::new(parse_message_type(SCHEMA).unwrap());
    let mut writer = SerializedFileWriter::new(Vec::new(), schema, Arc::new(properties)).unwrap();
    for rows in rows.chunks(n_group) {
        let mut group = writer.next_row_group().unwrap();
        macro_rules! column {
            ($type:ty, $values:expr) => {{
                let values: Vec<Option<_>> = $values.collect();
                let levels: Vec<i16> = values.iter().map(|value| i16::from(value.is_some())).collect();
                let present: Vec<_> = values.into_iter().flatten().collect();
                let mut column = group.next_column().unwrap().unwrap();
                column.typed::<$type>().write_batch(&present, Some(&levels), None).unwrap();
                column.close().unwrap();
            }};
        }
        column!(Int32Type, rows.iter().map(|row| Some(row.0)));
        column!(ByteArrayType, rows.iter().map(|row| row.1.map(ByteArray::from)));
        column!(Int64Type, rows.iter().map(|row| row.2));
        column!(ByteArrayType, rows.iter().map(|row| Some(ByteArray::from(row.3))));
        column!(Int32Type, rows.iter().map(|row| row.4));
        group.close().unwrap();
    }
    writer.into_inner().unwrap()
}

fn check(n_rows: usize, n_group: usize, properties: WriterProperties) {
    let folder = Folder::new();
    let path = folder.file("year=2026/month=01/x.log.parquet", &write(&rows(n_rows), n_group, properties));
    let blob = Blob::open(&path, &Limits::default()).unwrap();
    assert_eq!(blob.container(), Container::Parquet);
    let (out, result) = drain(blob, 1_000);
    assert!(result.is_ok(), "{result:?}");
    assert!(String::from_utf8(out).unwrap() == expected(n_rows));
}

fn packed(compression: Compression) -> parquet::file::properties::WriterPropertiesBuilder {
    WriterProperties::builder().set_compression(compression)
}

#[test]
fn codecs() {
    for codec in [
        Compression::UNCOMPRESSED,
        Compression::SNAPPY,
        Compression::GZIP(Default::default()),
        Compression::ZSTD(Default::default()),
    ] {
        for version in [WriterVersion::PARQUET_1_0, WriterVersion::PARQUET_2_0] {
            check(1_000, 300, packed(codec).set_writer_version(version).build());
            check(1_000, 1_000, packed(codec).set_writer_version(version).set_data_page_row_count_limit(50).build());
            check(1_000, 1_000, packed(codec).set_writer_version(version).set_dictionary_enabled(false).build());
        }
    }
}

#[test]
fn encodings_of_text() {
    for encoding in [Encoding::DELTA_BYTE_ARRAY, Encoding::DELTA_LENGTH_BYTE_ARRAY, Encoding::PLAIN] {
        for version in [WriterVersion::PARQUET_1_0, WriterVersion::PARQUET_2_0] {
            let properties = packed(Compression::SNAPPY).set_dictionary_enabled(false).set_writer_version(version);
            let properties = properties
                .set_column_encoding("account_id".into(), encoding)
                .set_column_encoding("log_status".into(), encoding)
                .set_column_encoding("start".into(), Encoding::DELTA_BINARY_PACKED);
            check(5_000, 5_000, properties.build());
        }
    }
}

#[test]
fn no_rows() {
    check(0, 1, packed(Compression::SNAPPY).build());
}

#[test]
fn codec_that_is_not_known() {
    // The codec stands in the footer as a number: 1 is snappy, 3 is lzo.
    let bytes = write(&rows(10), 10, packed(Compression::SNAPPY).build());
    let folder = Folder::new();
    let mut refused = 0;
    for i in 4..bytes.len() {
        if bytes[i] != 2 {
            continue;
        }
        let mut changed = bytes.clone();
        changed[i] = 6;
        if let Err(err) = Blob::open(&folder.file("file", &changed), &Limits::default()) {
            refused += usize::from(err.why() == "is Parquet packed by LZO: only snappy, gzip and zstd can be read");
        }
    }
    assert_eq!(refused, 5, "one for each column");
}

#[test]
fn other_schema_names_its_columns() {
    let schema = "message other { required double a; optional group b { optional binary c (UTF8); } }";
    let schema = Arc::new(parse_message_type(schema).unwrap());
    let writer = SerializedFileWriter::new(Vec::new(), schema, Default::default()).unwrap();
    let folder = Folder::new();
    let path = folder.file("file", &writer.into_inner().unwrap());
    let err = Blob::open(&path, &Limits::default()).err().unwrap();
    assert_eq!(err.why(), "is Parquet with columns a, b.c: only flow-log shaped files can be read");
}

#[test]
fn cut_off_column_keeps_the_rows_before() {
    let mut bytes = write(&rows(1_000), 100, packed(Compression::SNAPPY).build());
    // Wiped from the middle on, but for the footer.
    let n = bytes.len();
    let footer = 8 + u32::from_le_bytes(bytes[n - 8..n - 4].try_into().unwrap()) as usize;
    bytes[(n - footer) / 2..n - footer].fill(0);
    let folder = Folder::new();
    let (out, result) = read_path(&folder.file("file", &bytes), &Limits::default());
    let out = String::from_utf8(out).unwrap();
    assert!(expected(1_000).starts_with(&out));
    let n_rows = out.lines().count() - 1;
    assert!((300..900).contains(&n_rows), "{n_rows}");
    assert!(result.is_err());
}

#[test]
fn page_bomb() {
    let rows = vec![(2, None, None, Box::leak("x".repeat(64 << 20).into_boxed_str()) as &str, None)];
    for codec in [Compression::GZIP(Default::default()), Compression::ZSTD(Default::default())] {
        let bytes = write(&rows, 1, packed(codec).set_dictionary_enabled(false).build());
        let folder = Folder::new();
        let (out, result) = read_path(&folder.file("file", &bytes), &Limits::default());
        assert!(out.len() < 1_000);
        let message = result.unwrap_err().to_string();
        assert!(message.contains("row group 1") && message.contains("a page inflates to 67108868 bytes"), "{message}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(500) })]

    #[test]
    fn damaged_files_never_panic_and_stay_small(
        kind in 0..6_usize,
        changes in proptest::collection::vec((0.0..1.0_f64, any::<u8>()), 1..8),
        at_end in any::<bool>(),
    ) {
        let codec = [Compression::UNCOMPRESSED, Compression::SNAPPY, Compression::GZIP(Default::default())][kind % 3];
        let version = [WriterVersion::PARQUET_1_0, WriterVersion::PARQUET_2_0][kind / 3];
        let properties = packed(codec).set_writer_version(version).set_dictionary_enabled(kind % 2 == 0);
        let properties = properties.set_column_encoding("log_status".into(), Encoding::DELTA_BYTE_ARRAY);
        let mut bytes = write(&rows(200), 100, properties.build());
        let n = bytes.len();
        for (place, byte) in changes {
            let place = if at_end { n - 1 - (place * 700.0) as usize } else { (place * n as f64) as usize };
            bytes[place] = byte;
        }
        let folder = Folder::new();
        if let Ok(blob) = Blob::open(&folder.file("file", &bytes), &Limits::default()) {
            let (out, _) = drain(blob, 1_000);
            prop_assert!(out.len() < 32 << 20);
        }
    }
}
