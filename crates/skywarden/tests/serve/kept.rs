//! What was acknowledged is kept, once, whatever happens to the process.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};

use crate::server::{Client, Server, event, skywarden, wait};

const ACCOUNT: &str = "111122223333";

fn of<'l>(ledger: &'l Value, source: &str) -> &'l Value {
    ledger.as_array().unwrap().iter().find(|entry| entry["source"] == source).unwrap()
}

fn settle(client: &Client) {
    wait("all is in the lake", || {
        let log = client.get("/api/v1/status").json()["log"].clone();
        log["committed"] == log["durable"]
    });
}

#[test]
fn kill_at_any_instant_loses_and_doubles_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let (mut server, mut client) = Server::with_admin(&data, &[]);
    let token = client.headers[0].1["Bearer ".len()..].to_owned();
    // Pauses that are the same in every run, and spread over what the server does. `make torture` kills more often.
    let n_kills = std::env::var("SKYWARDEN_KILLS").map_or(6, |n| n.parse().expect("SKYWARDEN_KILLS is a number"));
    let mut pause = 7_u64;
    let (mut sent, mut n_requests) = (0_u64, 0);
    for _ in 0..n_kills {
        let pid = server.pid();
        pause = pause * 29 % 311;
        let after = Duration::from_millis(20 + pause * 3);
        let killer = std::thread::spawn(move || {
            std::thread::sleep(after);
            std::process::Command::new("kill").args(["-9", &pid.to_string()]).status().unwrap();
        });
        // As shippers do: what was not acknowledged is sent again, the same bytes.
        while !killer.is_finished() {
            let body: Vec<String> = (sent..sent + 20).map(|n| event(n, ACCOUNT, "StopLogging")).collect();
            n_requests += 1;
            if client.ingest(body.join("\n").as_bytes()).is_some_and(|answer| answer.status == 200) {
                sent += 20;
            }
        }
        killer.join().unwrap();
        server.kill();
        server = Server::start(&data, &[]);
        client = server.client(Some(&token));
    }
    assert!(sent > 0 && n_requests > n_kills, "{sent} {n_requests}");
    settle(&client);
    let ledger = client.ledger();
    let entry = of(&ledger, "aws_cloudtrail");
    assert_eq!(entry["balanced"], true, "{ledger}");
    let rows = client.query("SELECT count(*) AS n, count(DISTINCT eventID) AS ids FROM cloudtrail", "sql");
    // What was on disk and not acknowledged in time may be there too: it was sent again, and is there once.
    assert_eq!(rows[0]["n"], rows[0]["ids"]);
    let n = rows[0]["n"].as_u64().unwrap();
    assert!((sent..=sent + 20).contains(&n), "{n} of {sent}");
    assert_eq!(entry["lake"], n);
    let mut ids = BTreeSet::new();
    for from in (0..sent).step_by(5_000) {
        let (first, last) = (format!("{from:08x}"), format!("{:08x}", from + 5_000));
        let sql = format!("SELECT eventID FROM cloudtrail WHERE eventID >= '{first}' AND eventID < '{last}'");
        ids.extend(client.query(&sql, "sql").iter().map(|row| row["eventID"].as_str().unwrap().to_owned()));
    }
    assert!((0..sent).all(|n| ids.contains(&format!("{n:08x}-0000-4000-8000-{ACCOUNT}"))));
    // Every event is in the finding of its day, once.
    let page = client.get("/api/v1/findings?severity_min=5&limit=200").json();
    let counted: u64 = page["findings"].as_array().unwrap().iter().map(|f| f["count"].as_u64().unwrap()).sum();
    assert_eq!(counted, n);
    assert_eq!(client.get("/api/v1/audit/verification").json()["troubles"], json!([]));
}

#[test]
fn the_same_again_adds_nothing_and_damage_is_set_aside() {
    let folder = tempfile::tempdir().unwrap();
    let (_server, client) = Server::with_admin(&folder.path().join("data"), &[]);
    let body = format!("{}\n{}\n{{\"eventName\": broken\n", event(1, ACCOUNT, "A"), event(2, ACCOUNT, "B"));
    for _ in 0..5 {
        assert_eq!(client.ingest(body.as_bytes()).unwrap().status, 200);
    }
    let flow = "2 111122223333 eni-0a1b2c3d 10.0.0.1 10.0.0.2 443 50000 6 10 840 1764547200 1764547260 ACCEPT OK\n";
    for _ in 0..3 {
        assert_eq!(client.ingest(flow.as_bytes()).unwrap().status, 200);
    }
    settle(&client);
    let ledger = client.ledger();
    for entry in ledger.as_array().unwrap() {
        assert_eq!(entry["balanced"], true, "{entry}");
    }
    let trail = of(&ledger, "aws_cloudtrail");
    assert_eq!((&trail["lake"], &trail["duplicates"]), (&json!(2), &json!(8)), "{ledger}");
    let flows = of(&ledger, "aws_vpc_flow");
    assert_eq!((&flows["lake"], &flows["duplicates"]), (&json!(1), &json!(2)), "{ledger}");
    assert_eq!(client.ingest(b"").unwrap().status, 400);
    let bare = client.query("SELECT count(*) AS n FROM quarantine", "sql");
    assert_eq!(bare[0]["n"], 1);
}

#[test]
fn the_end_loses_nothing_and_one_process_has_the_folder() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let (server, client) = Server::with_admin(&data, &[]);
    let second = skywarden().args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(&data).output().unwrap();
    let said = String::from_utf8_lossy(&second.stderr).into_owned();
    assert!(!second.status.success() && said.contains(&server.pid().to_string()), "{said}");

    for n in 0..50 {
        assert_eq!(client.ingest(event(n, ACCOUNT, "A").as_bytes()).unwrap().status, 200);
    }
    assert_eq!(server.stop(), Some(0));
    let lake = data.join("lake");
    let out =
        skywarden().args(["query", "stats count(*) as n", "--format", "json", "--lake"]).arg(&lake).output().unwrap();
    let rows: Value = serde_json::from_slice(&out.stdout).unwrap();
    assert_eq!(rows[0]["n"], 50, "all was committed before the end");
    let doctor = skywarden().args(["doctor", "--ledger", "--data"]).arg(&data).output().unwrap();
    let said = String::from_utf8_lossy(&doctor.stdout).into_owned();
    assert!(doctor.status.success() && said.contains("50 records, all accounted for"), "{said}");
    let server = Server::start(&data, &[]);
    let client = server.client(Some(&client.headers[0].1["Bearer ".len()..]));
    assert_eq!(of(&client.ledger(), "aws_cloudtrail")["lake"], 50);
}

#[test]
fn what_cannot_be_is_refused_before_anything_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    for (more, why) in [
        (&["--listen", "0.0.0.0:0"][..], "tls_cert"),
        (&["--listen", &address], "cannot listen"),
        (&["--listen", "127.0.0.1:0", "--tls-cert", "x"], "go together"),
        (&["--listen", "nowhere"], "not an address"),
    ] {
        let out = skywarden().arg("serve").arg("--data").arg(&data).args(more).output().unwrap();
        let said = String::from_utf8_lossy(&out.stderr).into_owned();
        assert!(!out.status.success() && said.contains(why), "{more:?}: {said}");
        assert!(!data.exists(), "{more:?}");
    }
    let doctor = skywarden().args(["doctor", "--data"]).arg(&data).output().unwrap();
    assert!(!doctor.status.success() && String::from_utf8_lossy(&doctor.stdout).matches("WRONG").count() == 3);
    // Nobody reads what it prints: that is theirs to decide.
    let mut config = skywarden();
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    assert!(config.args(["config", "show"]).stdout(writer).status().unwrap().success());
    // What fails later does not hang either.
    let args = ["serve", "--listen", "127.0.0.1:0", "--syslog-tcp", &address, "--data"];
    let out = skywarden().args(args).arg(&data).output().unwrap();
    assert!(!out.status.success());
}

#[test]
fn folders_are_watched() {
    let folder = tempfile::tempdir().unwrap();
    let (data, drop_here) = (folder.path().join("data"), folder.path().join("drop"));
    std::fs::create_dir(&drop_here).unwrap();
    let (server, client) = Server::with_admin(&data, &["--watch", drop_here.to_str().unwrap()]);
    std::fs::write(drop_here.join("a.json"), event(1, ACCOUNT, "StopLogging")).unwrap();
    wait("the file is in the lake", || of(&client.ledger(), "aws_cloudtrail")["lake"] == 1);
    assert_eq!(server.stop(), Some(0));
    let server = Server::start(&data, &["--watch", drop_here.to_str().unwrap()]);
    let client = server.client(Some(&client.headers[0].1["Bearer ".len()..]));
    std::fs::write(drop_here.join("b.json"), event(2, ACCOUNT, "A")).unwrap();
    wait("the new file is in the lake", || of(&client.ledger(), "aws_cloudtrail")["lake"] == 2);
    assert_eq!(of(&client.ledger(), "aws_cloudtrail")["in"], 2, "a file that was read is not read again");
}

#[test]
fn a_link_out_of_a_watched_folder_is_not_followed() {
    let folder = tempfile::tempdir().unwrap();
    let (data, watched, outside) = (folder.path().join("data"), folder.path().join("in"), folder.path().join("out"));
    for path in [&watched, &outside, &outside.join("deep")] {
        std::fs::create_dir(path).unwrap();
    }
    std::fs::write(outside.join("secret.json"), event(1, ACCOUNT, "Secret")).unwrap();
    std::fs::write(outside.join("deep/secret.json"), event(2, ACCOUNT, "Secret")).unwrap();
    // The folder that is named may be a link itself, and links within it are fine.
    let named = folder.path().join("named");
    std::os::unix::fs::symlink(&watched, &named).unwrap();
    std::os::unix::fs::symlink(outside.join("secret.json"), watched.join("file.json")).unwrap();
    std::os::unix::fs::symlink(outside.join("deep"), watched.join("folder")).unwrap();
    let (_server, client) = Server::with_admin(&data, &["--watch", named.to_str().unwrap()]);
    std::fs::create_dir(watched.join("later")).unwrap();
    std::fs::write(watched.join("later/a.json"), event(3, ACCOUNT, "Good")).unwrap();
    std::os::unix::fs::symlink(watched.join("later"), watched.join("within")).unwrap();
    wait("the good one is in the lake", || of(&client.ledger(), "aws_cloudtrail")["lake"] == 1);
    wait("the others are counted", || client.get("/api/v1/status").json()["log"]["files_refused"] == 2);
    let log = std::fs::read_to_string(data.with_extension("log")).unwrap();
    assert!(log.contains("named/file.json") && log.contains("named/folder/secret.json"), "{log}");
    assert_eq!(of(&client.ledger(), "aws_cloudtrail")["in"], 1);
}
