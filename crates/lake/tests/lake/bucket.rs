//! The same lake in a bucket: a real S3 server (moto), over the wire.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use lake::{CompactOptions, ExpireOptions, FsckOptions, Lake, Mode, Options};

use crate::foreign::{check, python};
use crate::world::{DAY_MS, NOON_MS, Still, append, assert_balanced, def, ids, options, rows};

/// A server that ends with the test.
struct Server {
    child: Child,
    endpoint: String,
}

impl Server {
    fn start() -> Self {
        let mut command = Command::new(python());
        command.args(["-m", "moto.server", "-H", "127.0.0.1", "-p", "0"]).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("moto starts");
        let mut lines = BufReader::new(child.stderr.take().expect("its output")).lines();
        let endpoint = loop {
            let line = lines.next().expect("moto says where it listens").expect("UTF-8");
            if let Some((_, rest)) = line.split_once("http://127.0.0.1:") {
                break format!("http://127.0.0.1:{}", rest.trim_end_matches(|c: char| !c.is_ascii_digit()));
            }
        };
        // It must not stop on a full pipe.
        std::thread::spawn(move || lines.count());
        Self { child, endpoint }
    }

    fn open(&self, env: &std::sync::Arc<Still>, uri: &str) -> Lake {
        let settings = [
            ("AWS_ENDPOINT_URL", self.endpoint.as_str()),
            ("AWS_ACCESS_KEY_ID", "test"),
            ("AWS_SECRET_ACCESS_KEY", "test"),
            ("AWS_REGION", "us-east-1"),
            ("AWS_ALLOW_HTTP", "true"),
        ];
        let storage = settings.map(|(key, value)| (key.to_owned(), value.to_owned())).to_vec();
        Lake::open_with(uri, Mode::Create, Options { storage, ..options(env) }).expect("the lake opens")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _reaped = self.child.wait();
    }
}

#[test]
fn a_bucket_holds_the_same_lake() {
    let server = Server::start();
    check(&["create-bucket", &server.endpoint, "logs"]);
    let (env, uri) = (Still::new(70), "s3://logs/some/lake");
    let lake = server.open(&env, uri);
    let table = lake.table(&def()).expect("a table");
    append(&table, &rows(NOON_MS, 1, 70));
    let done = append(&table, &rows(NOON_MS, 1, 100));
    assert_eq!((done.rows, done.duplicates), (30, 70));
    append(&table, &rows(NOON_MS + DAY_MS, 101, 40));

    // Two writers, as no lock holds them apart: each commit number is taken once.
    std::thread::scope(|scope| {
        for writer in 0..2 {
            let server = &server;
            scope.spawn(move || {
                let lake = server.open(&Still::new(71 + writer), uri);
                let table = lake.open_table("events").expect("the table");
                for n in 0..3 {
                    append(&table, &rows(NOON_MS + 300_000, 141 + 10 * n, 10));
                }
            });
        }
    });
    assert_eq!(ids(&lake, &table.current().expect("a snapshot")), (1..=170).collect::<Vec<_>>());
    assert_balanced(&lake, &table);

    let compacted = table.compact(&CompactOptions::default()).expect("it compacts");
    assert_eq!(compacted.rows, 130);
    assert_eq!(table.files(i64::MIN, i64::MAX).expect("files").len(), 2);
    assert_balanced(&lake, &table);
    env.pass(10 * DAY_MS);
    assert!(table.expire(&ExpireOptions { keep: 1, age_ms: DAY_MS }).expect("it expires").files > 4);
    let report = lake.fsck(&FsckOptions::default()).expect("it is checked");
    assert!(report.is_sound(), "{:?}", report.problems);

    let seen = check(&["bucket", &server.endpoint, uri]);
    let bytes: u64 = (1..=170).filter(|id| id % 3 != 0).sum();
    assert_eq!(seen["duck_folder"], serde_json::json!([170, bytes]));
    assert_eq!(seen["rows"], 170);
}
