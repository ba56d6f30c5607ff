//! The server fails at each step of what makes a delivery durable, looked at, and kept, and whoever sends sends again.

use std::path::Path;
use std::time::Instant;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::server::{Client, PATIENCE, Server, event, skywarden, wait};

const ACCOUNT: &str = "111122223333";
const NAMES: [&str; 4] = ["StopLogging", "DeleteTrail", "UpdateTrail", "DescribeTrails"];
/// What does not end the process: the log or the lake fails, is full, takes its time; the code panics.
const OTHERS: [&str; 4] = ["error", "panic", "full", "300"];
const MORE: [&str; 2] = ["--commit-after-s", "1"];

/// The points there are, as the binary says.
fn points() -> Vec<String> {
    let out = skywarden().arg("serve").env("SKYWARDEN_FAILPOINT", "?").output().unwrap();
    let said = String::from_utf8_lossy(&out.stderr).into_owned();
    assert!(!out.status.success(), "{said}");
    let list = said.split("one of these points: ").nth(1).unwrap_or_else(|| panic!("{said}"));
    list.lines().next().unwrap().split(' ').map(str::to_owned).collect()
}

/// A shipper: one request after the other, and the same again until it is acknowledged.
#[derive(Default)]
struct Shipper {
    token: String,
    acknowledged: u64,
}

impl Shipper {
    /// The request with this number, in the way of one of several protocols.
    fn send(&self, client: &Client, number: u64) -> bool {
        let events: Vec<String> =
            (0..3).map(|i| event(number * 3 + i, ACCOUNT, NAMES[((number + i) % 4) as usize])).collect();
        let answer = match number % 4 {
            0 => {
                let body = format!("{}\n{{\"eventName\": broken {number}\n", events.join("\n"));
                client.ingest(body.as_bytes())
            }
            1 => {
                let body: String = events.iter().map(|event| format!("{{\"event\": {event}}}")).collect();
                let client = Client { headers: Vec::new(), ..client.clone() };
                let client = client.with("authorization", &format!("Splunk {}", self.token));
                client.send("POST", "/services/collector/event", Some(body.as_bytes())).ok()
            }
            2 => {
                let records: Vec<Value> = events.iter().map(|event| json!({"data": STANDARD.encode(event)})).collect();
                let id = format!("req-{number}");
                let body = json!({"requestId": id, "timestamp": 1_764_547_200_000_u64, "records": records}).to_string();
                let client = client.with("content-type", "application/json").with("x-amz-firehose-request-id", &id);
                let client = client.with("x-amz-firehose-access-key", &self.token);
                client.send("POST", "/firehose", Some(body.as_bytes())).ok()
            }
            _ => client.ingest(flows(number).as_bytes()),
        };
        answer.is_some_and(|answer| answer.status == 200)
    }

    fn next(&mut self, client: &Client) {
        self.acknowledged += u64::from(self.send(client, self.acknowledged));
        std::thread::sleep(std::time::Duration::from_millis(30));
    }

    fn client(&self, server: &Server) -> Client {
        server.client(Some(&self.token))
    }
}

fn flows(number: u64) -> String {
    let row = |i| {
        format!(
            "2 {ACCOUNT} eni-0a1b2c3d 10.0.0.1 10.0.0.2 443 {} 6 10 840 1764547200 1764547260 ACCEPT OK\n",
            1_024 + i
        )
    };
    (number * 2..number * 2 + 2).map(row).collect()
}

/// What is there in the end: rows, and findings but for those of the server about itself.
fn kept(client: &Client) -> (Value, Vec<Value>) {
    wait("all is in the lake", || {
        let log = client.get("/api/v1/status").json()["log"].clone();
        log["committed"] == log["durable"]
    });
    let count = |table: &str, what: &str| client.query(&format!("SELECT {what} FROM {table}"), "sql")[0].clone();
    let rows = json!([
        count("cloudtrail", "count(*) AS n, count(DISTINCT eventID) AS ids"),
        count("vpc", "count(*) AS n, count(DISTINCT dstport) AS ports"),
        count("quarantine", "count(*) AS n"),
    ]);
    let page = client.get("/api/v1/findings?limit=200").json();
    let mut findings: Vec<Value> = page["findings"].as_array().unwrap().clone();
    findings.retain(|finding| !finding["rule"].as_str().unwrap().starts_with("skywarden."));
    let said = |f: &Value| json!([f["uid"], f["rule"], f["title"], f["severity"], f["count"], f["first"], f["last"]]);
    let mut findings: Vec<Value> = findings.iter().map(said).collect();
    findings.sort_by_key(ToString::to_string);
    (rows, findings)
}

/// Serves with this until it fails there, while somebody sends.
fn fail(data: &Path, shipper: &mut Shipper, point: &str, action: &str, on: usize) {
    let n_before = Server::log_of(data).matches("\"about\":\"failpoint\"").count();
    let how = format!("{point}={action}@{on}");
    let end = Instant::now() + PATIENCE;
    let has_failed = || Server::log_of(data).matches("\"about\":\"failpoint\"").count() > n_before;
    if let Some(mut server) = Server::try_start_in(data, &MORE, &[("SKYWARDEN_FAILPOINT", &how)]) {
        let client = shipper.client(&server);
        while server.is_running() && (action == "kill" || !has_failed()) {
            assert!(Instant::now() < end, "{how} is never reached");
            shipper.next(&client);
        }
        // What is acknowledged while or after it fails counts too.
        if action != "kill" {
            let upto = shipper.acknowledged + 2;
            while shipper.acknowledged < upto {
                assert!(Instant::now() < end, "{how}: it takes nothing any more");
                shipper.next(&client);
            }
            assert!(server.is_running(), "{how} ended it");
        }
        server.kill();
    }
    wait(&format!("{how} is in its log"), has_failed);
}

#[test]
fn wherever_it_fails_each_record_is_kept_once_and_found_the_same() {
    let points = points();
    assert!(points.len() >= 20, "{points:?}");
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let (server, admin) = Server::with_admin(&data, &MORE);
    let mut shipper = Shipper { token: admin.headers[0].1["Bearer ".len()..].to_owned(), acknowledged: 0 };
    server.kill();
    // `make torture` comes by more often, and with each action everywhere.
    let n_kills: usize =
        std::env::var("SKYWARDEN_KILLS").map_or(0, |n| n.parse().expect("SKYWARDEN_KILLS is a number"));
    let n_rounds = n_kills.div_ceil(points.len()).max(1);
    for round in 0..n_rounds {
        for (i, point) in points.iter().enumerate() {
            fail(&data, &mut shipper, point, "kill", 1 + (round + i) % 4);
            if n_kills > 0 {
                OTHERS.iter().for_each(|action| fail(&data, &mut shipper, point, action, 1 + round % 4));
            } else {
                fail(&data, &mut shipper, point, OTHERS[i % 4], 1);
            }
        }
    }
    let server = Server::start(&data, &MORE);
    let client = shipper.client(&server);
    let (rows, findings) = kept(&client);
    let ledger = client.ledger();
    assert!(ledger.as_array().unwrap().iter().all(|entry| entry["balanced"] == true), "{ledger}");
    assert_eq!(client.get("/api/v1/audit/verification").json()["troubles"], json!([]));
    assert_eq!(client.get("/api/v1/status").json()["log"]["lost"], 0);
    drop(server);

    // The same without failures.
    let data = folder.path().join("calm");
    let (server, admin) = Server::with_admin(&data, &MORE);
    let calm = Shipper { token: admin.headers[0].1["Bearer ".len()..].to_owned(), acknowledged: 0 };
    (0..shipper.acknowledged).for_each(|number| assert!(calm.send(&calm.client(&server), number)));
    let (calm_rows, calm_findings) = kept(&admin);
    let n = shipper.acknowledged;
    let n_trail = (0..n).filter(|number| number % 4 != 3).count() * 3;
    assert_eq!(calm_rows[0], json!({"n": n_trail, "ids": n_trail}));
    assert_eq!(rows, calm_rows);
    assert!(!calm_findings.is_empty());
    assert_eq!(findings, calm_findings);
}
