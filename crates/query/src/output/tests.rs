//! Writers over a few rows with everything that can go wrong.

use std::sync::Arc;

use datafusion::arrow::array::{
    Array as _, AsArray as _, BooleanArray, Float64Array, Int64Array, RecordBatch, StringViewArray,
    TimestampMicrosecondArray,
};
use datafusion::arrow::datatypes::{Field, Schema};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::{Format, writer};
use crate::kind::Kind;

fn columns() -> Vec<(String, Kind)> {
    let kinds = [Kind::Text, Kind::Integer, Kind::Number, Kind::Boolean, Kind::Time, Kind::Json];
    ["text", "n", "x", "yes", "t", "json"].into_iter().zip(kinds).map(|(name, kind)| (name.to_owned(), kind)).collect()
}

fn batch() -> RecordBatch {
    let fields: Vec<Field> = columns().iter().map(|(name, kind)| Field::new(name, kind.arrow(), true)).collect();
    let times = TimestampMicrosecondArray::from(vec![Some(1_500_000), None, Some(-1)]).with_timezone("UTC");
    RecordBatch::try_new(
        Arc::new(Schema::new(fields)),
        vec![
            Arc::new(StringViewArray::from(vec![
                Some("=cmd|' /C calc'!A0"),
                None,
                Some("a\"b,\u{1b}[2J\u{202e}\n名前"),
            ])),
            Arc::new(Int64Array::from(vec![Some(-5), None, Some(i64::MAX)])),
            Arc::new(Float64Array::from(vec![Some(0.5), None, Some(3.0)])),
            Arc::new(BooleanArray::from(vec![Some(true), None, Some(false)])),
            Arc::new(times),
            Arc::new(StringViewArray::from(vec![Some("{\"a\":[1,\n2]}"), None, Some("no json")])),
        ],
    )
    .expect("the columns are those of the schema")
}

fn written(format: Format) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rows = writer(format, &columns(), Box::new(&mut bytes)).expect("memory takes all");
    for _ in 0..2 {
        rows.rows(&batch()).expect("memory takes all");
    }
    rows.end().expect("memory takes all");
    drop(rows);
    bytes
}

fn text(format: Format) -> String {
    String::from_utf8(written(format)).expect("text")
}

#[test]
fn json_is_json_and_leaves_out_what_is_missing() {
    let array: serde_json::Value = serde_json::from_str(&text(Format::Json)).expect("an array");
    let rows = array.as_array().expect("an array");
    assert_eq!(rows.len(), 6);
    assert_eq!(
        rows[0].to_string(),
        r#"{"text":"=cmd|' /C calc'!A0","n":-5,"x":0.5,"yes":1,"t":"1970-01-01 00:00:01.500","json":{"a":[1,2]}}"#
    );
    assert_eq!(rows[1].to_string(), "{}");
    assert_eq!(rows[2]["json"], "no json");
    assert_eq!(rows[2]["t"], "1969-12-31 23:59:59.999");
    let lines = text(Format::JsonLines);
    assert_eq!(lines.lines().count(), 6);
    assert!(lines.lines().all(|line| serde_json::from_str::<serde_json::Value>(line).is_ok()), "{lines}");
    let mut none = Vec::new();
    writer(Format::Json, &columns(), Box::new(&mut none)).and_then(|mut rows| rows.end()).expect("memory takes all");
    assert_eq!(none, b"[]\n");
}

#[test]
fn spreadsheets_run_no_text() {
    let csv = text(Format::Csv);
    assert!(
        csv.starts_with("text,n,x,yes,t,json\r\n\"'=cmd|' /C calc'!A0\",-5,0.5,1,1970-01-01 00:00:01.500,"),
        "{csv}"
    );
    assert!(csv.contains("\r\n,,,,,\r\n\"a\"\"b,"), "{csv}");
}

#[test]
fn nothing_leaves_its_cell_on_a_screen() {
    for width in [0, 20, 60, 200] {
        let table = text(Format::Table { width });
        assert_eq!(table.lines().count(), 8, "{table}");
        assert!(!table.contains(['\u{1b}', '\u{202e}']), "{table}");
        let widest = table.lines().map(unicode_width::UnicodeWidthStr::width).max().unwrap_or_default();
        assert!(widest <= width.max(6 * 8 + 5 * 2), "{widest} of {width}:\n{table}");
    }
}

#[test]
fn parquet_is_read_back_as_it_was() {
    let bytes = bytes::Bytes::from(written(Format::Parquet));
    let reader = ParquetRecordBatchReaderBuilder::try_new(bytes).and_then(|builder| builder.build()).expect("a file");
    let batches: Vec<RecordBatch> = reader.collect::<Result<_, _>>().expect("rows");
    assert_eq!(batches.iter().map(RecordBatch::num_rows).sum::<usize>(), 6);
    assert_eq!(batches[0].column(0).as_string::<i32>().value(0), "=cmd|' /C calc'!A0");
    assert!(batches[0].column(4).is_null(1));
}
