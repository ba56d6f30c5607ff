//! The records of the shared corpus.

use std::io::Read;
use std::path::{Path, PathBuf};

use event::value::Value;

/// A record of our own, for tests that need just one.
pub const CREATE_USER: &str = r#"{"eventVersion":"1.08","eventTime":"2024-03-01T10:00:00Z","eventSource":"iam.amazonaws.com",
    "eventName":"CreateUser","awsRegion":"us-east-1","sourceIPAddress":"198.51.100.7","userIdentity":{"type":"IAMUser",
    "arn":"arn:aws:iam::111122223333:user/alice","userName":"alice"},"requestParameters":{"userName":"bob"},"eventID":"e-1"}"#;

/// A file or folder of the shared corpus; where it is missing, that is said.
pub fn shared(name: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data").join(name);
    if !path.exists() {
        eprintln!("skipped: no {}", path.display());
        return None;
    }
    Some(path)
}

/// Every CloudTrail record, with the name of its file and its place there.
pub fn cloudtrail() -> Vec<(String, Value)> {
    let mut records = Vec::new();
    for folder in [
        "cloudtrail/invictus/logs",
        "cloudtrail/stratus",
        "cloudtrail/splunk-examples",
        "cloudtrail/opensearch-catalog",
        "cloudtrail/security-analytics",
        "cloudtrail/aws-docs",
        "cloudtrail/aws-cli",
        "eventbridge",
        "eventbridge/cloud-custodian",
        "eventbridge/aws-docs",
    ] {
        let before = records.len();
        for file in shared(folder).into_iter().flat_map(files) {
            let name = file.file_name().map(|name| format!("{folder}/{}", name.to_string_lossy())).unwrap_or_default();
            documents(&file).iter().for_each(|document| collect(document, &name, &mut records));
        }
        eprintln!("{folder}: {} records", records.len() - before);
    }
    records
}

fn files(folder: PathBuf) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("a found folder can be listed");
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("a listed file can be named").path()).collect();
    files.retain(|file| file.is_file() && !file.to_string_lossy().ends_with(".txt"));
    files.sort();
    files
}

/// The JSON documents of a file: one, or one a line.
fn documents(file: &Path) -> Vec<Value> {
    let mut bytes = std::fs::read(file).expect("a listed file can be read");
    if file.extension().is_some_and(|extension| extension == "gz") {
        let packed = std::mem::take(&mut bytes);
        flate2::read::GzDecoder::new(packed.as_slice()).read_to_end(&mut bytes).expect("the file is gzip");
    }
    let text = String::from_utf8(bytes).expect("the corpus is UTF-8");
    match Value::parse(&text) {
        Ok(document) => vec![document],
        Err(_) => text
            .lines()
            .map(|line| Value::parse(line).unwrap_or_else(|err| panic!("{}: {err}", file.display())))
            .collect(),
    }
}

/// Finds the records in a document, whatever it wraps them in.
fn collect(document: &Value, name: &str, records: &mut Vec<(String, Value)>) {
    let is_record = document.get("eventVersion").is_some()
        || document.get("eventName").is_some() && document.get("eventSource").is_some();
    if is_record {
        records.push((format!("{name} #{}", records.len()), document.clone()));
        return;
    }
    match document {
        Value::Object(members) => {
            for (key, member) in members {
                match member {
                    Value::String(text) if key == "CloudTrailEvent" => {
                        let inner = Value::parse(text).expect("a look-up's event is JSON text");
                        collect(&inner, name, records);
                    }
                    _ => collect(member, name, records),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, name, records)),
        _ => {}
    }
}

/// Every flow row, as the source hands it to the mapping: text by hyphenated name, `-` left out.
pub fn flow_rows() -> Vec<(String, Value)> {
    let mut rows = Vec::new();
    for (file, key) in [("vpcflow/expected.ndjson", "fields"), ("vpcflow/opensearch-catalog/records.json", "vpc")] {
        for document in shared(file).iter().flat_map(|file| documents(file)) {
            let mut found = Vec::new();
            members(&document, key, &mut found);
            rows.extend(found.into_iter().enumerate().map(|(i, fields)| (format!("{file} #{i}"), row(fields))));
        }
    }
    rows
}

fn members<'v>(value: &'v Value, key: &str, found: &mut Vec<&'v Value>) {
    match value {
        Value::Object(inside) => {
            for (have, member) in inside {
                if have == key { found.push(member) } else { members(member, key, found) }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| members(item, key, found)),
        _ => {}
    }
}

/// The row of parsed fields.
pub fn row(fields: &Value) -> Value {
    let Value::Object(fields) = fields else { return Value::Null };
    let text = |value: &Value| value.view().scalar_text().filter(|text| *text != "-").map(str::to_owned);
    let fields = fields.iter().filter_map(|(name, value)| Some((name.replace('_', "-"), Value::String(text(value)?))));
    Value::Object(fields.collect())
}
