//! Whoever may do little wants to harm all others: to stop them, to fill memory, to have things done twice.

use std::io::Write as _;
use std::net::TcpStream;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

use crate::server::{Client, Server, event, wait};

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut out = GzEncoder::new(Vec::new(), Compression::best());
    out.write_all(bytes).unwrap();
    out.finish().unwrap()
}

fn token(admin: &Client, name: &str, role: &str) -> String {
    let made = admin.post("/api/v1/tokens", &json!({"name": name, "role": role}));
    made.json()["secret"].as_str().unwrap().to_owned()
}

/// A rule that takes long to try on [`long_event`].
fn slow_rule() -> String {
    let values: String = (0..5_000).map(|n| format!("      - '*{n}*a*b*c*d*e*f*g*h*'\n")).collect();
    format!(
        "title: Slow\nlogsource:\n  product: aws\n  service: cloudtrail\ndetection:\n  s:\n    eventName|contains:\n{values}  condition: s\n"
    )
}

fn long_event() -> Value {
    json!({"eventName": "a".repeat(200_000), "eventSource": "iam.amazonaws.com", "eventTime": "2026-11-01T00:00:00Z"})
}

#[test]
fn a_small_body_that_unpacks_to_more_than_the_log_takes_stops_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let (server, admin) = Server::with_admin(&folder.path().join("data"), &["--commit-after-s", "1"]);
    let hec = server.client(None).with("authorization", &format!("Splunk {}", token(&admin, "a", "ingest-only")));
    let packed = hec.with("content-encoding", "gzip");
    let bomb = gzip(&vec![b'x'; 64 << 20]);
    assert!(bomb.len() < 100_000);
    let answer = packed.send("POST", "/services/collector/raw", Some(&bomb)).unwrap();
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(admin.get("/api/v1/status").json()["trouble"], Value::Null);
    let own = hec.send("POST", "/services/collector/raw", Some(event(1, "111122223333", "A").as_bytes())).unwrap();
    assert_eq!(own.status, 200);
    wait("it is set aside, and what came after it is there", || {
        let aside = admin.get("/api/v1/quarantine?limit=100").json();
        let bytes = aside["entries"].as_array().unwrap().iter().map(|piece| piece["bytes"].as_u64().unwrap());
        bytes.sum::<u64>() == 64 << 20
            && admin.query("stats count(*) as n", "ql").first().is_some_and(|row| row["n"] == 1)
    });
    assert_eq!(admin.get("/healthz").status, 200);
}

#[test]
fn bodies_that_never_end_keep_nobody_out() {
    let folder = tempfile::tempdir().unwrap();
    let (server, admin) = Server::with_admin(&folder.path().join("data"), &[]);
    let (slow, own) = (token(&admin, "slow", "ingest-only"), token(&admin, "own", "ingest-only"));
    let begun: Vec<TcpStream> = (0..20)
        .map(|n| {
            let mut stream = TcpStream::connect(server.address).unwrap();
            let length = if n % 2 == 0 { "transfer-encoding: chunked" } else { "content-length: 30000000" };
            let head = format!(
                "POST /services/collector/raw HTTP/1.1\r\nhost: x\r\nauthorization: Splunk {slow}\r\n{length}\r\n\r\n1\r\na\r\n"
            );
            stream.write_all(head.as_bytes()).unwrap();
            stream
        })
        .collect();
    for (n, token) in [&slow, &own, &slow, &own].into_iter().enumerate() {
        let answer = server.client(Some(token)).ingest(event(n as u64, "111122223333", "A").as_bytes()).unwrap();
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
    assert_eq!(begun.len(), 20);
}

#[test]
fn many_passwords_at_once_take_the_memory_of_a_few() {
    let folder = tempfile::tempdir().unwrap();
    let (server, admin) = Server::with_admin(&folder.path().join("data"), &[]);
    let user = json!({"name": "vic", "role": "viewer", "password": "correct horse battery"});
    assert_eq!(admin.post("/api/v1/users", &user).status, 204);
    let peak_kib = || {
        let status = std::fs::read_to_string(format!("/proc/{}/status", server.pid())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap()
    };
    let before = peak_kib();
    std::thread::scope(|scope| {
        for n in 0..40 {
            let admin = &admin;
            scope.spawn(move || {
                let password = json!({"password": format!("another long password {n}")});
                let answer = match n % 2 {
                    0 => admin.call("PUT", "/api/v1/users/vic/password", &password),
                    _ => admin.post(
                        "/api/v1/users",
                        &json!({"name": format!("v{n}"), "role": "viewer", "password": password["password"]}),
                    ),
                };
                assert!([204, 429].contains(&answer.status), "{}", answer.text());
            });
        }
    });
    let more = peak_kib() - before;
    // Each takes 19 MiB.
    assert!(more < 300 << 10, "{more} KiB");
}

fn begin(client: &Client, body: &Value) -> TcpStream {
    let mut stream = TcpStream::connect(client.address).unwrap();
    let headers: String = client.headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let body = body.to_string();
    let head = format!("POST /api/v1/rule-tests HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n{headers}");
    write!(stream, "{head}content-length: {}\r\n\r\n{body}", body.len()).unwrap();
    stream
}

#[test]
fn what_a_crash_interrupted_is_not_done_again_under_its_key() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let (server, admin) = Server::with_admin(&data, &[]);
    let keyed = admin.with("idempotency-key", "one");
    let body = json!({"rule": slow_rule(), "event": long_event()});
    let mut begun = Vec::new();
    wait("it runs", || {
        // One begins, and nobody waits for its answer.
        begun.push(begin(&keyed, &body));
        let again = keyed.post("/api/v1/rule-tests", &body);
        again.status == 409 && again.text().contains("still runs")
    });
    server.kill();
    let server = Server::start(&data, &[]);
    let keyed = Client { address: server.address, ..keyed };
    let again = keyed.post("/api/v1/rule-tests", &body);
    assert!(again.status == 409 && again.text().contains("interrupted"), "{}", again.text());
    // What is refused for a while is forgotten, and so is what failed.
    let small = json!({"rule_id": "there is none"});
    let other = Client { address: server.address, ..admin }.with("idempotency-key", "two");
    assert_eq!(other.post("/api/v1/rule-tests", &small).status, 422);
    assert_eq!(other.post("/api/v1/rule-tests", &small).header("idempotency-replayed"), Some("true"));
}

#[test]
fn few_rules_are_tried_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let (_server, admin) = Server::with_admin(&folder.path().join("data"), &[]);
    let body = json!({"rule": slow_rule(), "event": long_event()});
    let small = json!({"rule": slow_rule()});
    // Nobody waits for those that are tried: that takes minutes.
    let begun: Vec<TcpStream> = (0..4).map(|_| begin(&admin, &body)).collect();
    let answers: Vec<_> = std::thread::scope(|scope| {
        let all: Vec<_> = (0..8).map(|_| scope.spawn(|| admin.post("/api/v1/rule-tests", &small))).collect();
        all.into_iter().map(|one| one.join().unwrap()).collect()
    });
    drop(begun);
    assert!(answers.iter().all(|answer| [200, 429].contains(&answer.status)));
    let refused: Vec<_> = answers.iter().filter(|answer| answer.status == 429).collect();
    assert!(!refused.is_empty(), "all were tried at once");
    assert!(refused.iter().all(|answer| answer.header("retry-after").is_some()));
}
