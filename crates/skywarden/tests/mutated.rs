//! The checks of the fuzz targets on changed cases: a few seconds of what a fuzzer does. `MUTATIONS=1000 cargo test --release --test mutated` goes on.

#[path = "../../../fuzz/checks.rs"]
mod checks;

use std::io::Write as _;
use std::path::{Path, PathBuf};

use cases::mutate;

/// The files below a folder of the repository that have this ending.
fn files(folder: &str, ending: &str) -> Vec<PathBuf> {
    let mut out = Vec::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder of the repository") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.to_string_lossy().ends_with(ending) {
                out.push(path);
            }
        }
    }
    out.sort();
    out
}

/// The fenced blocks of the case files below a folder.
fn blocks(folder: &str) -> Vec<Vec<u8>> {
    let texts = files(folder, ".md").into_iter().map(|path| std::fs::read_to_string(path).expect("a case file"));
    let blocks = |text: String| text.split("```").skip(1).step_by(2).map(after_info).collect::<Vec<_>>();
    texts.flat_map(blocks).collect()
}

fn after_info(block: &str) -> Vec<u8> {
    block.split_once('\n').map_or(block, |(_, text)| text).as_bytes().to_vec()
}

fn rules() -> Vec<Vec<u8>> {
    let rules = files("content/rules", ".yml").into_iter().take(40);
    rules.map(|path| std::fs::read(path).expect("a rule")).chain(blocks("crates/predicate/cases")).collect()
}

fn logs() -> Vec<Vec<u8>> {
    let flows = "version account-id srcaddr dstaddr srcport dstport start end action log-status\n2 111122223333 198.51.100.7 10.0.0.9 1 22 1794319260 1794319320 ACCEPT OK\n";
    let mut logs = blocks("crates/skywarden/cases");
    logs.extend(blocks("crates/source/cases"));
    let record = r#"{"eventVersion":"1.11","eventTime":"2026-11-10T14:01:00Z","eventName":"A","eventSource":"iam.amazonaws.com","eventID":"x"}"#;
    for text in [
        format!("{{\"Records\":[{record},{record}]}}"),
        format!("[{record},\n{record}]"),
        format!(
            "{{\"messageType\":\"DATA_MESSAGE\",\"logGroup\":\"g\",\"logEvents\":[{{\"id\":\"1\",\"timestamp\":1,\"message\":{record:?}}}]}}"
        ),
        format!("{{\"Events\":[{{\"EventId\":\"x\",\"CloudTrailEvent\":{record:?}}}]}}"),
        format!("{{\"detail-type\":\"AWS API Call via CloudTrail\",\"detail\":{record}}}"),
        flows.to_owned(),
    ] {
        logs.push(text.into_bytes());
    }
    logs
}

fn text(input: &[u8]) -> std::borrow::Cow<'_, str> {
    String::from_utf8_lossy(input)
}

#[test]
fn rule_files() {
    mutate(&rules(), 1_500, |input| checks::sigma(&text(input)));
}

#[test]
fn yaml() {
    mutate(&rules(), 3_000, |input| checks::yaml(&text(input)));
}

#[test]
fn json() {
    mutate(&logs(), 4_000, |input| checks::json_scan(&text(input)));
}

#[test]
fn logs_in_chunks() {
    let chunk = |input: &[u8]| 1 + input.iter().take(50).map(|b| usize::from(*b)).sum::<usize>() % 300;
    mutate(&logs(), 1_500, |input| checks::split(chunk(input), input));
}

#[test]
fn flow_formats() {
    let seed = "${version} ${account-id} ${srcaddr} ${start} ${end} ${log-status}\n2 111122223333 198.51.100.7 1794319260 1794319320 OK";
    mutate(
        &[seed.into(), b"${version} ${tcp-flags}\n2 -".to_vec(), b"${version} ${tcp-flags}\n2 -  ".to_vec()],
        8_000,
        |input| {
            let input = text(input);
            let (format, line) = input.split_once('\n').unwrap_or((&input, ""));
            checks::flow_lines(format, line);
        },
    );
}

#[test]
fn packed_files() {
    let gzip = |bytes: &[u8]| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(6));
        encoder.write_all(bytes).expect("memory");
        encoder.finish().expect("memory")
    };
    let zstd = |bytes: &[u8]| zstd::encode_all(bytes, 3).expect("memory");
    let mut seeds = Vec::new();
    for log in logs().iter().take(12) {
        seeds.extend([gzip(log), zstd(log), gzip(&gzip(log)), zstd(&gzip(log)), [gzip(log), gzip(log)].concat()]);
    }
    mutate(&seeds, 4_000, checks::blob);
}

#[test]
fn bodies() {
    let record = r#"{"eventName":"A","eventID":"x"}"#;
    let seeds = [
        r#"{"requestId":"a","timestamp":1,"records":[{"data":"eyJhIjoxfQ=="},{"data":"e30"}]}"#.to_owned(),
        format!(
            "{{\"time\":1.5,\"host\":\"h\",\"event\":{record},\"fields\":{{\"a\":[1,\"b\"]}}}}{{\"event\":{record:?}}}"
        ),
        format!("[{{\"event\":{record}}},{{\"event\":\"text\"}}]"),
        format!("{record}\n{record}\r\nline"),
        "{\"acks\":[0,1,18446744073709551615]}".to_owned(),
    ];
    mutate(&seeds.map(String::into_bytes), 8_000, checks::bodies);
}

#[test]
fn streams_of_syslog() {
    let five = r#"<34>1 2026-11-24T22:14:15.003Z host app 7 id [a@1 b="c\]\"" d="e"][f] text"#;
    let old = "<34>Nov 24 22:14:15 host app[7]: text";
    let seeds = [
        format!("{} {five}{} {old}", five.len(), old.len()),
        format!("{five}\n{old}\r\nplain\0{old}\n"),
        format!("999999 {five}\n7 {old}{}", "x".repeat(300)),
    ];
    let piece = |input: &[u8]| 1 + input.iter().take(20).map(|b| usize::from(*b)).sum::<usize>() % 40;
    mutate(&seeds.map(String::into_bytes), 8_000, |input| checks::syslog(piece(input), input));
}

#[test]
fn tables_of_places() {
    let mut maker = enrich::Maker::new(enrich::About { name: "made up".into(), ..enrich::About::default() });
    maker.countries("1.0.0.0,1.0.0.255,AU\n2.0.0.0,2.0.0.255,FR\n2001:db8::,2001:db8::ff,DE\n").expect("a table");
    maker.networks("1.0.0.0,1.0.0.255,13335,Cloudflare\n2001:db8::,2001:db8::f,7,Y\n").expect("a table");
    let table = maker.finish().write();
    let seeds = [table[..table.len() - 32].to_vec()];
    mutate(&seeds, 4_000, checks::places);
}
