//! Bytes of the log of deliveries are damaged while the server runs.

use std::fs::File;
use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use serde_json::json;

use crate::server::{Client, Server, event, skywarden, wait};

const ACCOUNT: &str = "111122223333";

/// The segment that is being written.
fn live(data: &Path) -> PathBuf {
    let files = std::fs::read_dir(data.join("log")).unwrap().map(|entry| entry.unwrap().path());
    files.filter(|path| path.extension().is_some_and(|e| e == "wal")).max().unwrap()
}

fn append(path: &Path, bytes: &[u8]) {
    File::options().append(true).open(path).unwrap().write_all(bytes).unwrap();
}

fn send(client: &Client, n: u64) {
    assert_eq!(client.ingest(event(n, ACCOUNT, "StopLogging").as_bytes()).unwrap().status, 200);
}

fn rows(client: &Client) -> u64 {
    client.query("SELECT count(*) AS n FROM cloudtrail", "sql")[0]["n"].as_u64().unwrap()
}

fn counted(client: &Client) -> u64 {
    let page = client.get("/api/v1/findings?severity_min=5&limit=200").json();
    let own = |f: &&serde_json::Value| f["rule"] != "skywarden.damaged-log";
    page["findings"].as_array().unwrap().iter().filter(own).map(|f| f["count"].as_u64().unwrap()).sum()
}

fn doctor(data: &Path) -> String {
    let out = skywarden().args(["doctor", "--data"]).arg(data).output().unwrap();
    String::from_utf8_lossy(&out.stdout).into_owned()
}

#[test]
fn bytes_of_others_in_the_log_stop_nothing_and_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let (server, client) = Server::with_admin(&data, &["--commit-after-s", "1"]);
    assert!(doctor(&data).contains("ok    log of deliveries"), "{}", doctor(&data));
    for n in 0..4 {
        send(&client, n);
        append(&live(&data), b"not ours");
    }
    send(&client, 4);
    // All of it is looked at by rules, and is in the lake, without a restart.
    wait("each event is counted", || counted(&client) == 5);
    wait("each event is in the lake", || rows(&client) == 5);
    let log = client.get("/api/v1/status").json()["log"].clone();
    assert_eq!((&log["damaged_places"], &log["damaged_bytes"], &log["lost"]), (&json!(4), &json!(32), &json!(0)));
    let metrics = client.get("/metrics").text();
    assert!(metrics.contains("\nskywarden_log_damaged_bytes 32\n"), "{metrics}");
    wait("the server finds it", || {
        let page = client.get("/api/v1/findings?rule=skywarden.damaged-log").json();
        page["findings"][0]["title"].as_str().is_some_and(|title| title.contains("32 bytes"))
    });
    let said = doctor(&data);
    assert!(said.contains("WRONG log of deliveries: 4 pieces with 32 bytes"), "{said}");
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn what_is_overwritten_is_lost_alone() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    // Nothing is committed before the end, so all is read again from the log.
    let (server, client) = Server::with_admin(&data, &["--commit-after-s", "3600"]);
    (0..10).for_each(|n| send(&client, n));
    wait("all is looked at", || counted(&client) == 10);
    let path = live(&data);
    let bytes = std::fs::read(&path).unwrap();
    let id = b"00000003-0000-4000-8000";
    let at = bytes.windows(id.len()).position(|piece| piece == id).unwrap();
    let mut file = File::options().write(true).open(&path).unwrap();
    file.seek(SeekFrom::Start(at as u64)).unwrap();
    file.write_all(b"somebody").unwrap();
    let token = client.headers[0].1["Bearer ".len()..].to_owned();
    server.kill();
    let server = Server::start(&data, &["--commit-after-s", "1"]);
    let client = server.client(Some(&token));
    wait("all but one is in the lake", || rows(&client) == 9);
    wait("it is counted", || client.get("/api/v1/status").json()["log"]["lost"] == 1);
    (10..12).for_each(|n| send(&client, n));
    wait("what comes behind is in the lake", || rows(&client) == 11);
}
