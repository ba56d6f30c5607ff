//! Records: those of the shared corpus, where it lies beside the repository, and generated ones.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use event::value::Value;

/// A file or folder of the shared corpus; where it is missing, that is said.
pub fn shared(name: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data").join(name);
    if !path.exists() {
        eprintln!("skipped: no {}", path.display());
        return None;
    }
    Some(path)
}

/// Every file in a folder.
pub fn files(folder: &Path, out: &mut Vec<PathBuf>) {
    let mut entries: Vec<PathBuf> = std::fs::read_dir(folder)
        .expect("a folder can be listed")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    entries.sort();
    for path in entries {
        if path.is_dir() { files(&path, out) } else { out.push(path) }
    }
}

/// The text of a file, inflated.
pub fn text(path: &Path) -> String {
    let mut bytes = std::fs::read(path).expect("a listed file can be read");
    if bytes.starts_with(&[0x1f, 0x8b]) {
        let mut inflated = Vec::new();
        // Some files of the digest corpus are damaged on purpose.
        drop(flate2::read::MultiGzDecoder::new(bytes.as_slice()).read_to_end(&mut inflated));
        bytes = inflated;
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Every CloudTrail record of the corpus.
pub fn cloudtrail() -> Vec<String> {
    let mut paths = Vec::new();
    for folder in ["cloudtrail", "eventbridge"].into_iter().filter_map(shared) {
        files(&folder, &mut paths);
    }
    let mut out = Vec::new();
    paths.iter().for_each(|path| records(&text(path), &mut out));
    out
}

/// The records in a text: one document, or one a line.
pub fn records(text: &str, out: &mut Vec<String>) {
    match Value::parse(text) {
        Ok(document) => collect(&document, out),
        Err(_) => text.lines().filter_map(|line| Value::parse(line).ok()).for_each(|line| collect(&line, out)),
    }
}

fn collect(document: &Value, out: &mut Vec<String>) {
    let is_record = document.get("eventVersion").is_some()
        || document.get("eventName").is_some() && document.get("eventSource").is_some();
    match document {
        _ if is_record => out.push(document.compact()),
        Value::Object(members) => {
            for (key, member) in members {
                match member {
                    Value::String(text) if key == "CloudTrailEvent" => records(text, out),
                    _ => collect(member, out),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, out)),
        _ => {}
    }
}

/// Rows of flow logs with the names of their columns.
pub fn flow() -> Vec<(Vec<String>, String)> {
    let Some(folder) = shared("vpcflow") else { return Vec::new() };
    let names = |format: &str| {
        let name = |word: &str| word.trim_start_matches("${").trim_end_matches('}').replace('_', "-");
        format.split_whitespace().map(name).collect::<Vec<_>>()
    };
    let mut out = Vec::new();
    for line in text(&folder.join("expected.ndjson")).lines() {
        let row = Value::parse(line).expect("the corpus is JSON");
        let member = |key: &str| row.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        out.push((names(&member("format")), member("line")));
    }
    let default = source::aws_vpc_flow::format::Columns::default_format().format();
    for file in ["splunk-example.log", "opensearch-catalog/raw.log"] {
        out.extend(text(&folder.join(file)).lines().map(|line| (names(&default), line.to_owned())));
    }
    out
}

/// Generated records and rows of flow logs.
pub fn generated() -> (Vec<String>, Vec<(Vec<String>, String)>) {
    static N: AtomicUsize = AtomicUsize::new(0);
    let n = N.fetch_add(1, Ordering::Relaxed);
    let dir = std::env::temp_dir().join(format!("skywarden-rows-{}-{n}", std::process::id()));
    let options = generate::Options { events: 3_000, flows: 2_000, ..generate::Options::default() };
    generate::write(&options, &dir).expect("a corpus can be written");
    let mut paths = Vec::new();
    files(&dir, &mut paths);
    let (mut trail, mut flow) = (Vec::new(), Vec::new());
    for path in paths.iter().filter(|path| path.extension().is_some_and(|ending| ending == "gz")) {
        let text = text(path);
        if path.to_string_lossy().contains("vpcflow") {
            let mut lines = text.lines();
            let names: Vec<String> = lines.next().unwrap_or_default().split(' ').map(str::to_owned).collect();
            flow.extend(lines.map(|line| (names.clone(), line.to_owned())));
        } else {
            records(&text, &mut trail);
        }
    }
    std::fs::remove_dir_all(&dir).expect("a corpus can be removed");
    (trail, flow)
}
