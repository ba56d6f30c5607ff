//! What the machine does to a server that runs: no space, no file handles, folders that cannot be written, another time, a state that is locked
//! or gone, an end that must not wait.
//!
//! Some of it needs root. What a machine does not let us do is said on standard error, as a line with SKIPPED.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use serde_json::{Value, json};

use crate::server::{Client, Server, event, wait};

const ACCOUNT: &str = "111122223333";
const PASSWORD: &str = "correct horse battery";

fn run(program: &str, args: &[&str]) -> bool {
    let status = Command::new(program).args(args).stdout(Stdio::null()).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}

fn skipped(what: &str) {
    // Not to the captured output: it shall be seen when all goes well, too.
    let _ = writeln!(std::io::stderr(), "SKIPPED: {what}");
}

/// Sends events from this number on, one a request; how many were acknowledged.
fn send(client: &Client, from: u64, n: u64) -> u64 {
    let is_taken =
        |n: &u64| client.ingest(event(*n, ACCOUNT, "StopLogging").as_bytes()).is_some_and(|a| a.status == 200);
    (from..from + n).filter(is_taken).count() as u64
}

fn rows(client: &Client) -> Value {
    client.query("SELECT count(*) AS n, count(DISTINCT eventID) AS ids FROM cloudtrail", "sql")[0].clone()
}

fn wait_for_rows(client: &Client, n: u64) {
    wait(&format!("{n} rows are in the lake"), || rows(client) == json!({"n": n, "ids": n}));
}

/// How often events are in findings, but for those of the server about itself.
fn counted(client: &Client) -> u64 {
    let page = client.get("/api/v1/findings?severity_min=5&limit=200").json();
    let of_logs = |f: &&Value| !f["rule"].as_str().unwrap().starts_with("skywarden.");
    page["findings"].as_array().unwrap().iter().filter(of_logs).map(|f| f["count"].as_u64().unwrap()).sum()
}

fn can_login(server: &Server) -> bool {
    let answer = server.client(None).post("/api/v1/session", &json!({"name": "ada", "password": PASSWORD}));
    answer.status == 200
}

fn token(client: &Client) -> String {
    client.headers[0].1["Bearer ".len()..].to_owned()
}

/// A small disk of its own.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn mount(folder: &Path, size: &str) -> Option<SmallDisk> {
        let at = folder.join("disk");
        std::fs::create_dir(&at).unwrap();
        let is_mounted = run("mount", &["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs", at.to_str().unwrap()]);
        is_mounted.then_some(SmallDisk(at))
    }

    /// Writes until nothing more fits.
    fn fill(&self) {
        let mut file = std::fs::File::options().append(true).create(true).open(self.0.join("filler")).unwrap();
        for size in [1 << 20, 1 << 12, 1] {
            while file.write_all(&vec![1; size]).is_ok() {}
        }
    }

    fn empty(&self) {
        std::fs::remove_file(self.0.join("filler")).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        run("umount", &["-l", self.0.to_str().unwrap()]);
    }
}

#[test]
fn a_full_disk_refuses_deliveries_and_nobody_is_locked_out() {
    let folder = tempfile::tempdir().unwrap();
    let Some(disk) = SmallDisk::mount(folder.path(), "160m") else {
        return skipped("a full disk: tmpfs cannot be mounted here");
    };
    // The server's own log is on it, too.
    let data = disk.0.join("data");
    let (server, client) = Server::with_admin(&data, &["--commit-after-s", "1"]);
    let mut n_taken = send(&client, 0, 20);
    wait_for_rows(&client, n_taken);
    n_taken += send(&client, n_taken, 5);
    disk.fill();
    wait("deliveries are refused", || {
        let answer = client.ingest(event(n_taken, ACCOUNT, "StopLogging").as_bytes()).unwrap();
        n_taken += u64::from(answer.status == 200);
        let is_problem = answer.header("content-type") == Some("application/problem+json");
        answer.status == 503 && is_problem && answer.text().contains("the disk is full")
    });
    wait("somebody can log in", || can_login(&server));
    wait("it is said", || {
        client.get("/api/v1/status").json()["trouble"].as_str().is_some_and(|t| t.contains("the disk is full"))
    });
    assert_eq!(client.get("/healthz").status, 503);
    assert_eq!(client.post("/api/v1/tokens", &json!({"name": "full", "role": "viewer"})).status, 201);
    wait_for_rows(&client, n_taken);
    disk.empty();
    let begun = Instant::now();
    wait("deliveries are taken again", || send(&client, n_taken, 1) == 1);
    let _ = writeln!(std::io::stderr(), "deliveries were taken {:?} after there was space", begun.elapsed());
    n_taken += 1;
    wait_for_rows(&client, n_taken);
    wait("all is well", || client.get("/healthz").status == 200);
    assert_eq!(counted(&client), n_taken);
    assert_eq!(server.stop(), Some(0));
    // It starts on a full disk, too, and lets people in.
    disk.fill();
    let server = Server::start(&data, &[]);
    assert_eq!(send(&server.client(Some(&token(&client))), n_taken, 1), 0);
    assert!(can_login(&server));
}

#[test]
fn without_file_handles_it_lives_on() {
    let folder = tempfile::tempdir().unwrap();
    let (mut server, client) = Server::with_admin(&folder.path().join("data"), &["--commit-after-s", "1"]);
    let pid = server.pid().to_string();
    let limit = |n: usize| run("prlimit", &["--pid", &pid, &format!("--nofile={n}:")]);
    let n_open = std::fs::read_dir(format!("/proc/{pid}/fd")).unwrap().count();
    if !limit(n_open + 1) {
        return skipped("no file handles: prlimit cannot set limits here");
    }
    let mut n_taken = 0;
    for _ in 0..20 {
        let mut stream = std::net::TcpStream::connect(server.address).unwrap();
        stream.set_read_timeout(Some(std::time::Duration::from_millis(200))).unwrap();
        let body = event(n_taken, ACCOUNT, "StopLogging");
        let head = format!(
            "POST /api/v1/ingest HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Bearer {}\r\ncontent-length: {}\r\n\r\n",
            token(&client),
            body.len()
        );
        let _ = stream.write_all(format!("{head}{body}").as_bytes());
        let mut answer = [0; 12];
        // It may have been taken although nobody heard of it; it is sent again with the same bytes.
        n_taken += u64::from(std::io::Read::read_exact(&mut stream, &mut answer).is_ok() && answer.ends_with(b"200"));
    }
    assert!(server.is_running());
    assert!(limit(n_open + 200));
    wait("it takes deliveries again", || send(&client, n_taken, 1) == 1);
    wait_for_rows(&client, n_taken + 1);
    wait("each is in a finding", || counted(&client) == n_taken + 1);
    assert!(can_login(&server));
}

#[test]
fn a_lake_that_cannot_be_written_stops_no_detection() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let (server, client) = Server::with_admin(&data, &["--commit-after-s", "1"]);
    let mut n_taken = send(&client, 0, 3);
    wait_for_rows(&client, n_taken);
    let lake = data.join("lake");
    if !run("chattr", &["-R", "+i", lake.to_str().unwrap()]) {
        return skipped("a lake that cannot be written: chattr +i does not work here");
    }
    // However this ends, the folder can be removed.
    struct Writable(PathBuf);
    impl Drop for Writable {
        fn drop(&mut self) {
            run("chattr", &["-R", "-i", self.0.to_str().unwrap()]);
        }
    }
    let writable = Writable(lake);
    n_taken += send(&client, n_taken, 3);
    assert_eq!(n_taken, 6);
    wait("all is detected", || counted(&client) == 6);
    wait("it is said", || client.get("/api/v1/status").json()["trouble"].is_string());
    n_taken += send(&client, n_taken, 3);
    wait("what comes later is detected", || counted(&client) == 9);
    assert!(can_login(&server));
    drop(writable);
    wait_for_rows(&client, n_taken);
    wait("all is well", || client.get("/healthz").status == 200);
    assert_eq!(counted(&client), 9);
}

#[test]
fn a_clock_that_jumps_by_a_day_changes_nothing() {
    const DAY_MS: i64 = 86_400_000;
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let clock = folder.path().join("clock");
    let clock_path = clock.to_str().unwrap().to_owned();
    let (server, client) =
        Server::with_admin_in(&data, &["--commit-after-s", "1"], &[("SKYWARDEN_CLOCK", &clock_path)]);
    let mut n_taken = 0;
    for offset_ms in [0, DAY_MS, 0, -DAY_MS, -5_000, 600_000, 0] {
        std::fs::write(&clock, offset_ms.to_string()).unwrap();
        n_taken += send(&client, n_taken, 4);
        // The same again, at another time.
        assert_eq!(send(&client, n_taken - 4, 4), 4);
        assert!(can_login(&server), "{offset_ms}");
        if offset_ms == DAY_MS {
            // Whoever tries passwords is slowed down, and not until the clock is there again.
            let wrong = json!({"name": "ada", "password": "wrong"});
            let tried = || server.client(None).post("/api/v1/session", &wrong).status;
            assert!((0..30).any(|_| tried() == 429));
        }
        wait("all is detected", || counted(&client) == n_taken);
    }
    assert_eq!(n_taken, 28);
    wait_for_rows(&client, n_taken);
    assert_eq!(client.get("/api/v1/audit/verification").json()["troubles"], json!([]));
    assert_eq!(server.stop(), Some(0));
    let server = Server::start_in(&data, &[], &[("SKYWARDEN_CLOCK", &clock_path)]);
    assert_eq!(rows(&server.client(Some(&token(&client)))), json!({"n": 28, "ids": 28}));
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let slow = [("SKYWARDEN_FAILPOINT", "lake.aws_cloudtrail.before=600000@1")];
    let (mut server, client) = Server::with_admin_in(&data, &["--commit-after-s", "1"], &slow);
    assert_eq!(send(&client, 0, 5), 5);
    wait("the commit is under way", || Server::log_of(&data).contains("\"about\":\"failpoint\""));
    let term = |server: &Server| assert!(run("kill", &["-TERM", &server.pid().to_string()]));
    term(&server);
    wait("it stops", || Server::log_of(&data).contains("a second signal ends it at once"));
    assert!(server.is_running(), "it does not leave a commit");
    term(&server);
    wait("it has ended", || !server.is_running());
    let server = Server::start(&data, &["--commit-after-s", "1"]);
    wait_for_rows(&server.client(Some(&token(&client))), 5);
}

/// Holds the lock of a database.
struct Locked(Child);

impl Locked {
    fn of(database: &Path) -> Option<Locked> {
        let script = "import sqlite3, sys, time\nc = sqlite3.connect(sys.argv[1], isolation_level=None)\nc.execute('BEGIN IMMEDIATE')\nprint('locked', flush=True)\ntime.sleep(600)";
        let child = Command::new("python3").args(["-c", script]).arg(database).stdout(Stdio::piped()).spawn();
        let mut child = child.ok()?;
        let mut said = [0; 6];
        let is_locked = std::io::Read::read_exact(child.stdout.as_mut()?, &mut said).is_ok();
        is_locked.then_some(Locked(child))
    }
}

impl Drop for Locked {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_state_that_is_locked_holds_up_no_delivery() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let (server, client) = Server::with_admin(&data, &["--commit-after-s", "1"]);
    assert_eq!(send(&client, 0, 3), 3);
    wait("all is detected", || counted(&client) == 3);
    let Some(locked) = Locked::of(&data.join("state.sqlite")) else {
        return skipped("a locked state: there is no Python with sqlite3");
    };
    assert_eq!(send(&client, 3, 3), 3);
    // Longer than anybody waits for the lock.
    wait("it is said", || client.get("/api/v1/status").json()["trouble"].is_string());
    assert_eq!(send(&client, 6, 3), 3);
    assert_eq!(counted(&client), 3, "what is there can be read");
    drop(locked);
    wait("all is detected", || counted(&client) == 9);
    wait_for_rows(&client, 9);
    assert!(can_login(&server));
}

#[test]
fn a_state_that_is_removed_is_written_anew() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let (server, client) = Server::with_admin(&data, &["--commit-after-s", "1"]);
    assert_eq!(send(&client, 0, 3), 3);
    wait("all is detected", || counted(&client) == 3);
    for ending in ["sqlite", "sqlite-wal", "sqlite-shm"] {
        std::fs::remove_file(data.join("state").with_extension(ending)).unwrap();
    }
    assert_eq!(send(&client, 3, 3), 3);
    wait("it is there again", || data.join("state.sqlite").exists());
    assert_eq!(client.post("/api/v1/tokens", &json!({"name": "after", "role": "viewer"})).status, 201);
    assert_eq!(send(&client, 6, 3), 3);
    wait("all is detected", || counted(&client) == 9);
    wait_for_rows(&client, 9);
    server.kill();
    let server = Server::start(&data, &[]);
    let client = server.client(Some(&token(&client)));
    assert_eq!(counted(&client), 9);
    let audit = client.get("/api/v1/audit").json();
    let n_mended = audit.as_array().unwrap().iter().filter(|entry| entry["kind"] == "state.mended").count();
    assert_eq!(n_mended, 1, "{audit}");
    assert_eq!(client.get("/api/v1/audit/verification").json()["troubles"], json!([]));
}
