//! Rows: every leaf of a record is where its name leads, and the fast way agrees with the definition.
//!
//! The corpus lies beside the repository; where it is missing, the tests say so and check less.

#![allow(clippy::print_stderr, reason = "a test says what it skips")]

mod corpus;
mod names;
mod random;
mod reference;

use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Int64Type, TimestampMicrosecondType};
use event::value::Value;
use lake::columns::Columns;
use lake::rows::{Origin, Row, Rows, Values};
use reference::Cell;
use source::source::Source;

const CLOUDTRAIL: &Source = &source::aws_cloudtrail::SOURCE;
const FLOW: &Source = &source::aws_vpc_flow::SOURCE;

/// A record and the row that was made of it.
struct Made {
    columns: Arc<Columns>,
    record: Value,
    cells: Vec<Cell>,
}

/// A row of words and the names of its columns.
#[derive(Debug)]
struct Line<'l>(&'l [String], &'l str);

impl Values for Line<'_> {
    fn name(&self, column: usize) -> &str {
        &self.0[column]
    }

    fn each(&self, put: &mut dyn FnMut(usize, usize, usize)) {
        let mut at = 0;
        for (column, word) in self.1.split(' ').enumerate().take(self.0.len()) {
            if word != "-" {
                put(column, at, at + word.len());
            }
            at += word.len() + 1;
        }
    }
}

impl Line<'_> {
    fn tree(&self) -> Value {
        let words = self.0.iter().zip(self.1.split(' ')).filter(|(_, word)| *word != "-");
        Value::Object(words.map(|(name, word)| (name.clone(), Value::String(word.to_owned()))).collect())
    }
}

/// A text that becomes a row, and its tree.
struct Given<'g> {
    raw: &'g str,
    line: Option<Line<'g>>,
    record: Value,
}

fn cloudtrail(records: &[String]) -> Vec<Made> {
    let tree = |raw: &String| Value::parse(raw).expect("a test's record is JSON");
    make(CLOUDTRAIL, records.iter().map(|raw| Given { raw, line: None, record: tree(raw) }).collect())
}

fn flow(rows: &[(Vec<String>, String)]) -> Vec<Made> {
    let given = rows.iter().map(|(names, raw)| {
        let line = Line(names, raw);
        Given { raw, record: line.tree(), line: Some(line) }
    });
    make(FLOW, given.collect())
}

/// Makes rows of records, and asserts that they are as defined.
fn make(source: &Source, given: Vec<Given<'_>>) -> Vec<Made> {
    let columns = Arc::new(Columns::new(source.mapping));
    let mut rows = Rows::new(&columns);
    let origin = Origin { object: "a/b.json.gz".into(), ingested_at_ms: 7, trust: "file", ..Origin::default() };
    let mut out = Vec::new();
    // Batches of several lengths, so that columns begin and end with values and without.
    let mut size = 1;
    let mut given = given.into_iter().peekable();
    while given.peek().is_some() {
        let chunk: Vec<Given<'_>> = given.by_ref().take(size).collect();
        let mut defined = Vec::new();
        for (i, given) in chunk.iter().enumerate() {
            let format = given.line.as_ref().map(|line| line.0.join(" ")).unwrap_or_default();
            let row = Row {
                identity: [i as u8; 16],
                time_ms: i as i64 * 1_000,
                account: "111122223333",
                region: ["us-east-1", ""][i % 2],
                origin: &origin,
                ordinal: i as u64,
                offset: [None, Some(5)][i % 2],
                flags: ["", "duplicate-key"][i % 2],
                format: &format,
                raw: given.raw,
                values: given.line.as_ref().map(|line| line as &dyn Values),
            };
            rows.push(&row);
            defined.push(reference::cells(&columns, &row, &given.record));
        }
        assert_eq!(rows.len(), chunk.len());
        let batch = rows.take();
        for (i, (cells, given)) in defined.into_iter().zip(chunk).enumerate() {
            let made = row(&batch, i);
            for ((made, defined), column) in made.iter().zip(&cells).zip(&columns.list) {
                assert_eq!(
                    made,
                    defined,
                    "column `{}` of {}",
                    column.name,
                    given.raw.chars().take(2_000).collect::<String>()
                );
            }
            out.push(Made { columns: Arc::clone(&columns), record: given.record, cells });
        }
        size = size * 3 % 509 + 1;
    }
    out
}

/// One row of a batch.
fn row(batch: &RecordBatch, i: usize) -> Vec<Cell> {
    batch.columns().iter().map(|column| cell(column, i)).collect()
}

fn cell(column: &dyn Array, i: usize) -> Cell {
    if column.is_null(i) {
        return Cell::None;
    }
    match column.data_type() {
        DataType::Utf8 => Cell::Text(column.as_string::<i32>().value(i).to_owned()),
        DataType::Int64 => Cell::Long(column.as_primitive::<Int64Type>().value(i)),
        DataType::Boolean => Cell::Boolean(column.as_boolean().value(i)),
        DataType::Timestamp(..) => Cell::Time(column.as_primitive::<TimestampMicrosecondType>().value(i)),
        DataType::FixedSizeBinary(_) => {
            Cell::Fixed(column.as_fixed_size_binary().value(i).try_into().expect("16 bytes"))
        }
        DataType::Map(..) => {
            let entries = column.as_map().value(i);
            let [keys, values] = [0, 1].map(|part| entries.column(part).as_string::<i32>().clone());
            Cell::Map((0..entries.len()).map(|at| (keys.value(at).to_owned(), values.value(at).to_owned())).collect())
        }
        other => panic!("no column has type {other}"),
    }
}

#[test]
fn records_become_rows_as_defined() {
    let records = corpus::cloudtrail();
    eprintln!("{} CloudTrail records", records.len());
    assert!(corpus::shared("cloudtrail").is_none() || records.len() >= 4_500, "records of the corpus are not found");
    cloudtrail(&records);
    let rows = corpus::flow();
    eprintln!("{} flow rows", rows.len());
    assert!(corpus::shared("vpcflow").is_none() || rows.len() >= 31, "rows of the corpus are not found");
    flow(&rows);
}

#[test]
fn generated_records_become_rows_as_defined() {
    let (trail, rows) = corpus::generated();
    assert!(trail.len() >= 3_000 && rows.len() >= 2_000);
    cloudtrail(&trail);
    flow(&rows);
}

/// What each of these shows is said in its line.
#[test]
fn odd_records_become_rows_as_defined() {
    let many: Vec<String> = (0..200).map(|i| format!(r#""k{}":{i}"#, i % 150)).collect();
    let long = "k".repeat(200_000);
    let records = [
        // A key that holds dots means the path that it spells, in open objects and beside them.
        r#"{"userIdentity.arn":"x","userIdentity":{"arn":"y"},"requestParameters.a":1,"requestParameters":{"a":2}}"#.into(),
        r#"{"userIdentity.sessionContext":{"attributes":{"creationDate":"2024-03-01T10:00:00Z"}},"a.b":{"c":[1,{"d":2}]}}"#.into(),
        // Empty keys make empty names.
        r#"{"":{"eventName":"x","":{"":1}},"requestParameters":{"":{"":1,"a":2}},"userIdentity":{"":3}}"#.into(),
        // A key that is given twice: the first counts, for what is derived too.
        r#"{"eventName":"CreateUser","eventName":"B","eventSource":"iam.amazonaws.com","userIdentity":{},"userIdentity":{"arn":"x"}}"#.into(),
        r#"{"errorCode":"X","errorCode":null,"eventName":"A","requestParameters":{"b":1,"b":2,"c":{"b":1},"c":{"b":3}}}"#.into(),
        r#"{"errorCode":"","errorCode":"Y","responseElements":{"ConsoleLogin":"Failure"},"responseElements":{}}"#.into(),
        // Escapes in keys and values.
        r#"{"event\u004eame":"Get\u0041\"x","requestParameters":{"\u0061\n":"\ud83d\ude00\ud83d"},"sourceIPAddress":"10.0.0.\u0031"}"#.into(),
        // Objects where texts are due, and the other way round.
        r#"{"eventName":{"a":1},"userIdentity":"root","requestParameters":[1,[2,{"a":null}]],"responseElements":"no","resources":{"a":1}}"#.into(),
        r#"{"eventTime":5,"readOnly":"yes","eventName":true,"errorCode":{},"userIdentity":[{"arn":"x"}],"resources":[[],{"ARN":"a"},{"accountId":"1"}]}"#.into(),
        r#"[{"eventName":"x"},[1]]"#.into(),
        "[[[]],[[1]]]".into(),
        r#"  { "eventName" : "x" , "requestParameters" : { } , "a" : [ ] }  "#.into(),
        "{}".into(),
        // Very many keys, some of them twice.
        format!(r#"{{"requestParameters":{{{}}},"x":{{{}}}}}"#, many.join(","), many.join(",")),
        // More of paths than may be kept.
        format!(r#"{{"{long}":[{}],"eventName":"x"}}"#, vec!["1"; 60].join(",")),
        format!(r#"{{"{long}.a":[{}],"requestParameters":{{"b":1}}}}"#, vec!["1"; 60].join(",")),
    ];
    let made = cloudtrail(&records);
    let flags = made.iter().filter(|made| {
        made.cells.iter().any(|cell| matches!(cell, Cell::Text(text) if text.contains(lake::rows::CUT)))
    });
    assert_eq!(flags.count(), 2);
    let names = |names: &str| names.split(' ').map(str::to_owned).collect::<Vec<_>>();
    flow(&[
        (names("version srcport bytes protocol packets"), "2 080 -1 6 +7".into()),
        (names("version srcport bytes protocol packets"), "2 80 99999999999999999999 - 0".into()),
        (names("action action start start"), "ACCEPT REJECT x 7".into()),
        (
            names("srcaddr pkt-srcaddr flow-direction interface-id something"),
            "10.0.0.1 10.0.0.2 egress eni-1 else".into(),
        ),
    ]);
}
