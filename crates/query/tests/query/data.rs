//! Datasets in memory, from records as the logs write them.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;
use event::mapping::text_at;
use event::value::Value;
use lake::columns::Columns;
use lake::rows::{Origin, Row, Rows, identity};
use query::Dataset;
use query::tables::in_memory;
use source::source::Source;

/// The records that the cases are about.
pub fn fixture() -> Vec<Dataset> {
    let cloudtrail: Vec<String> = include_str!("cloudtrail.jsonl").lines().map(str::to_owned).collect();
    let vpc: Vec<String> = include_str!("vpc.log").lines().map(str::to_owned).collect();
    vec![
        dataset(&source::aws_cloudtrail::SOURCE, vec![("trail/1.json".to_owned(), cloudtrail)]),
        dataset(&source::aws_vpc_flow::SOURCE, vec![("flow/1.log".to_owned(), vpc)]),
    ]
}

/// A dataset of these objects and their records.
pub fn dataset(source: &Source, objects: Vec<(String, Vec<String>)>) -> Dataset {
    let columns = Arc::new(Columns::new(source.mapping));
    let batches = batches(source, &columns, objects);
    let provider = in_memory(&columns, batches).unwrap();
    Dataset::new(columns, provider)
}

/// The records as rows, in order.
pub fn batches(source: &Source, columns: &Arc<Columns>, objects: Vec<(String, Vec<String>)>) -> Vec<RecordBatch> {
    let mut rows = Rows::new(columns);
    let mut batches = Vec::new();
    for (object, records) in objects {
        let origin = Origin {
            object,
            ingested_at_ms: 1_714_600_000_000,
            log_group: String::new(),
            log_stream: "stream-1".to_owned(),
            trust: "signed",
        };
        for (i, raw) in records.iter().enumerate() {
            let record = (source.parse)(raw);
            let text = |path: &str| text_at(&record, path).unwrap_or_default().into_owned();
            let words = Words(raw);
            let (time_ms, account, region) = match source.name {
                "aws_cloudtrail" => {
                    (event::time::parse(&text("eventTime")), text("recipientAccountId"), text("awsRegion"))
                }
                _ => (text("start").parse::<i64>().ok().map(|s| s * 1_000), text("account-id"), String::new()),
            };
            let uid = text("eventID");
            rows.push(&Row {
                identity: identity(&[uid.as_bytes(), &i.to_le_bytes()], &[raw.as_bytes()]),
                time_ms: time_ms.unwrap_or_default(),
                account: &account,
                region: &region,
                origin: &origin,
                ordinal: i as u64 + 1,
                offset: None,
                flags: "",
                format: if source.name == "aws_vpc_flow" { "default" } else { "" },
                raw,
                values: if source.name == "aws_vpc_flow" { Some(&words) } else { None },
            });
            if rows.len() >= 1_000 {
                batches.push(rows.take());
            }
        }
    }
    batches.push(rows.take());
    batches
}

/// A flow log row in the default format.
#[derive(Debug)]
struct Words<'r>(&'r str);

impl lake::rows::Values for Words<'_> {
    fn name(&self, column: usize) -> &str {
        const NAMES: [&str; 14] = [
            "version",
            "account-id",
            "interface-id",
            "srcaddr",
            "dstaddr",
            "srcport",
            "dstport",
            "protocol",
            "packets",
            "bytes",
            "start",
            "end",
            "action",
            "log-status",
        ];
        NAMES[column]
    }

    fn each(&self, put: &mut dyn FnMut(usize, usize, usize)) {
        for (column, word) in self.0.split(' ').enumerate().filter(|(_, word)| *word != "-") {
            let start = word.as_ptr() as usize - self.0.as_ptr() as usize;
            put(column, start, start + word.len());
        }
    }
}

/// What lies beside the repository, where it does.
pub fn shared(name: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data").join(name);
    if !path.exists() {
        eprintln!("skipped: no {}", path.display());
        return None;
    }
    Some(path)
}

/// The 2,900 records of Invictus IR, object by object.
pub fn invictus() -> Option<Vec<(String, Vec<String>)>> {
    let mut paths: Vec<PathBuf> =
        std::fs::read_dir(shared("cloudtrail/invictus/logs")?).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let mut objects = Vec::new();
    for path in paths {
        let bytes = std::fs::read(&path).unwrap();
        let mut text = String::new();
        if path.extension().is_some_and(|ending| ending == "gz") {
            flate2::read::MultiGzDecoder::new(bytes.as_slice()).read_to_string(&mut text).unwrap();
        } else {
            text = String::from_utf8(bytes).unwrap();
        }
        let file = Value::parse(&text).unwrap();
        let Some(Value::Array(records)) = file.get("Records") else { continue };
        objects.push((
            path.file_name().unwrap().to_string_lossy().into_owned(),
            records.iter().map(Value::compact).collect(),
        ));
    }
    Some(objects)
}
