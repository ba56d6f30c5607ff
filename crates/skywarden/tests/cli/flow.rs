//! VPC flow logs in every form in which AWS delivers them give the same events and the same findings.

use std::sync::Arc;

use parquet::data_type::{ByteArray, ByteArrayType, Int32Type, Int64Type};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;

use super::{Folder, gzip, skywarden, zstd};

const DEFAULT: &str = "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status";

/// SSH from the internet, an answer, a refusal, IPv6, a time without traffic, a time that was not recorded.
const ROWS: [&str; 6] = [
    "2 111122223333 eni-0a1b2c3d4e5f60718 198.51.100.7 10.0.0.9 49152 22 6 25 4249 1794319260 1794319320 ACCEPT OK",
    "2 111122223333 eni-0a1b2c3d4e5f60718 10.0.0.9 198.51.100.7 22 49152 6 20 5100 1794319260 1794319320 ACCEPT OK",
    "2 111122223333 eni-0a1b2c3d4e5f60718 198.51.100.8 10.0.0.9 49152 3389 6 1 40 1794319260 1794319320 REJECT OK",
    "2 111122223333 eni-0a1b2c3d4e5f60718 2001:db8:1234:a100:8d6e:3477:df66:f105 2001:db8:1234:a102:3304:8879:34cf:4071 34892 22 6 54 8855 1794319260 1794319320 ACCEPT OK",
    "2 111122223333 eni-0a1b2c3d4e5f60718 - - - - - - - 1794319260 1794319320 - NODATA",
    "2 111122223333 eni-0a1b2c3d4e5f60718 - - - - - - - 1794319260 1794319320 - SKIPDATA",
];

/// Rows with their columns in the order of another header.
fn ordered(header: &str) -> Vec<String> {
    let places: Vec<usize> =
        header.split(' ').map(|name| DEFAULT.split(' ').position(|n| n == name).unwrap()).collect();
    let row = |row: &&str| {
        let values: Vec<&str> = row.split(' ').collect();
        places.iter().map(|place| values[*place]).collect::<Vec<_>>().join(" ")
    };
    ROWS.iter().map(row).collect()
}

fn backwards() -> String {
    DEFAULT.split(' ').rev().collect::<Vec<_>>().join(" ")
}

fn text(header: Option<&str>, rows: &[impl AsRef<str>]) -> String {
    header.into_iter().chain(rows.iter().map(AsRef::as_ref)).map(|line| format!("{line}\n")).collect()
}

/// A file as AWS writes it when the log's format is Parquet: names with underscores, absent values instead of `-`.
fn parquet() -> Vec<u8> {
    let int = |name: &str| matches!(name, "version" | "srcport" | "dstport" | "protocol");
    let long = |name: &str| matches!(name, "packets" | "bytes" | "start" | "end");
    let fields = DEFAULT.split(' ').map(|name| {
        let column = name.replace('-', "_");
        match name {
            _ if int(name) => format!("optional int32 {column};"),
            _ if long(name) => format!("optional int64 {column};"),
            _ => format!("optional binary {column} (UTF8);"),
        }
    });
    let schema = format!("message flow {{ {} }}", fields.collect::<String>());
    let schema = Arc::new(parse_message_type(&schema).unwrap());
    let mut writer = SerializedFileWriter::new(Vec::new(), schema, Arc::new(WriterProperties::new())).unwrap();
    let mut group = writer.next_row_group().unwrap();
    for (place, name) in DEFAULT.split(' ').enumerate() {
        let values: Vec<&str> = ROWS.iter().map(|row| row.split(' ').nth(place).unwrap()).collect();
        let levels: Vec<i16> = values.iter().map(|value| i16::from(*value != "-")).collect();
        let present = values.into_iter().filter(|value| *value != "-");
        let mut column = group.next_column().unwrap().unwrap();
        if int(name) {
            let numbers: Vec<i32> = present.map(|value| value.parse().unwrap()).collect();
            column.typed::<Int32Type>().write_batch(&numbers, Some(&levels), None).unwrap();
        } else if long(name) {
            let numbers: Vec<i64> = present.map(|value| value.parse().unwrap()).collect();
            column.typed::<Int64Type>().write_batch(&numbers, Some(&levels), None).unwrap();
        } else {
            let texts: Vec<ByteArray> = present.map(ByteArray::from).collect();
            column.typed::<ByteArrayType>().write_batch(&texts, Some(&levels), None).unwrap();
        }
        column.close().unwrap();
    }
    group.close().unwrap();
    writer.into_inner().unwrap()
}

/// The events of a text, and what its findings say: the ids of rows are those of the object they lie in.
fn read(bytes: Vec<u8>, more: &[&str]) -> (String, Vec<String>) {
    let folder = Folder::new();
    let file = folder.file("a_vpcflowlogs_eu-west-1_fl-1_20261110T1405Z_ab.log", bytes);
    let events = skywarden(["events", "--no-raw"]).arg(&file).args(more).run().ends(0).stdout;
    let ran = skywarden(["scan", "--format", "jsonl"]).arg(&file).args(more).run().ends(0);
    let titles = ran.json_lines().iter().map(|f| format!("{} {}", f["finding_info"]["title"], f["count"])).collect();
    (events, titles)
}

#[test]
fn every_form_gives_the_same_events_and_findings() {
    let expected = read(text(Some(DEFAULT), &ROWS).into(), &[]);
    assert_eq!(expected.0.lines().count(), ROWS.len());
    assert!(expected.1.iter().any(|title| title.contains("198.51.100.7 reached 10.0.0.9 port 22")), "{:?}", expected.1);
    let backwards = backwards();
    let with_header = text(Some(&backwards), &ordered(&backwards));
    for (name, bytes) in [
        ("the default format without a header", text(None, &ROWS).into()),
        ("gzip", gzip(text(Some(DEFAULT), &ROWS))),
        ("zstd", zstd(text(Some(DEFAULT), &ROWS))),
        ("gzip, a member each row", ROWS.iter().flat_map(|row| gzip(format!("{row}\n"))).collect()),
        ("no end of line, CR", text(Some(DEFAULT), &ROWS).trim_end().replace('\n', "\r\n").into()),
        ("names with underscores", text(Some(&DEFAULT.replace('-', "_")), &ROWS).into()),
        (
            "a header in front of each row",
            ROWS.iter().map(|row| format!("{DEFAULT}\n{row}\n")).collect::<String>().into(),
        ),
        ("columns in another order, with a header", with_header.into()),
        ("Parquet", parquet()),
    ] {
        assert_eq!(read(bytes, &[]), expected, "{name}");
    }
    let rows = text(None, &ordered(&backwards));
    let asked = backwards.split(' ').map(|name| format!("${{{name}}}")).collect::<Vec<_>>().join(" ");
    assert_eq!(read(rows.clone().into(), &["--flow-format", &asked]), expected, "a format as given to AWS");
    assert_eq!(read(rows.into(), &["--flow-format", &backwards]), expected, "bare names");
}

#[test]
fn rows_in_cloudwatch_logs_messages_are_rows() {
    let events: Vec<_> =
        ROWS.iter().map(|row| serde_json::json!({"id": "1", "timestamp": 1, "message": row})).collect();
    let message = serde_json::json!({"messageType": "DATA_MESSAGE", "logGroup": "flows", "logEvents": events});
    assert_eq!(read(gzip(message.to_string()), &[]), read(text(None, &ROWS).into(), &[]));
}

/// The id of a row is its place in the inflated object: packing, name and the way it is read do not matter.
/// Tabs part columns as blanks do, and CloudWatch Logs exports rows behind their time.
#[test]
fn rows_with_tabs_and_rows_that_were_exported() {
    let plain = text(None, &ROWS);
    let [expected, tabs, exported] = [
        plain.clone(),
        plain.replace(' ', "\t"),
        plain.lines().map(|row| format!("2026-11-10T14:01:00.000Z {row}\n")).collect(),
    ]
    .map(|text| skywarden(["events", "-", "--no-raw"]).stdin(text).run().ends(0).json_lines());
    assert_eq!(expected.len(), ROWS.len());
    assert!(tabs == expected && exported == expected);
}

#[test]
fn findings_of_rows_name_the_same_rows_however_the_object_is_packed() {
    // A header so long that a pipe's first bytes hold no row yet.
    let header = format!(
        "{DEFAULT} {}",
        source::aws_vpc_flow::format::FIELDS[14..].iter().map(|f| f.0).collect::<Vec<_>>().join(" ")
    );
    let row = format!("{}{}", ROWS[0], " -".repeat(header.split(' ').count() - DEFAULT.split(' ').count()));
    let text = text(Some(&header), &[row.clone(), row]);
    let folder = Folder::new();
    let plain = folder.file("plain.log", &text);
    let packed = folder.file("packed.log.gz", gzip(&text));
    let other = folder.file("other.zst", zstd(&text));
    let expected = skywarden(["scan", "--format", "jsonl"]).arg(&plain).run().ends(0).stdout;
    assert!(expected.contains("\"count\":2"), "equal rows are two rows: {expected}");
    for file in [&packed, &other] {
        assert_eq!(skywarden(["scan", "--format", "jsonl"]).arg(file).run().ends(0).stdout, expected, "{file:?}");
    }
    for bytes in [text.clone().into(), gzip(&text)] {
        assert_eq!(skywarden(["scan", "--format", "jsonl", "-"]).stdin(bytes).run().ends(0).stdout, expected, "a pipe");
    }
    let all = skywarden(["scan", "--format", "jsonl", "--threads", "3"]).arg(folder.path()).run().ends(0).stdout;
    assert_eq!(all, expected, "three copies of an object are one");
}

#[test]
fn what_a_row_becomes() {
    let ran = skywarden(["events", "-"]).stdin(text(None, &ROWS)).run().ends(0);
    let events = ran.json_lines();
    assert_eq!(events[0]["class_uid"], 4001);
    assert_eq!(events[0]["time"], 1_794_319_260_000_i64);
    assert_eq!(events[0]["src_endpoint"]["ip"], "198.51.100.7");
    assert_eq!(events[0]["dst_endpoint"]["port"], 22);
    assert_eq!(events[3]["src_endpoint"]["ip"], "2001:db8:1234:a100:8d6e:3477:df66:f105");
    assert_eq!(events[4]["src_endpoint"].get("ip"), None, "`-` is a value that is not there");
    assert_eq!(events[0]["raw_data"], ROWS[0], "the row as it was");
}

#[test]
fn rows_that_cannot_be_told_ask_for_their_format() {
    let ran = skywarden(["scan", "-"]).stdin("eni-0a ACCEPT 10.0.0.1 10.0.0.2 443 50000 OK\n").run().ends(4);
    ran.says("(standard input)").says("7 columns without a header, not the default ones: name them with --flow-format");
    let ran = skywarden(["scan", "-", "--flow-format", "${srcaddr"]).run().ends(2);
    ran.says("`${srcaddr` is not a field name such as `${srcaddr}`");
}

#[test]
fn bad_rows_are_counted_and_the_good_ones_kept() {
    let rows =
        [ROWS[0], "2 111122223333 eni-0a", &ROWS[1].replace(" 22 ", " ssh "), &format!("{} more", ROWS[2]), ROWS[3]];
    let ran = skywarden(["scan", "-"]).stdin(text(Some(DEFAULT), &rows)).run().ends(4);
    ran.says("2 events")
        .says("a row with too few columns (1 record")
        .says("a row with text where a number is due (1 record")
        .says("a row with too many columns (1 record");
}
