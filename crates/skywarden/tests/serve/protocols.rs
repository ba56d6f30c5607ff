//! The protocols of log shippers, as they speak them.

use std::io::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

use crate::server::{Client, Server, event, wait};

const ACCOUNT: &str = "111122223333";
const CHANNEL: &str = "11111111-2222-4333-8444-555555555555";

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut out = GzEncoder::new(Vec::new(), Compression::fast());
    out.write_all(bytes).unwrap();
    out.finish().unwrap()
}

fn in_lake(client: &Client) -> Value {
    let ledger = client.ledger();
    ledger.as_array().unwrap().iter().find(|entry| entry["source"] == "aws_cloudtrail").unwrap()["lake"].clone()
}

fn ingest_token(server: &Server, admin: &Client) -> (String, Client) {
    let made = admin.post("/api/v1/tokens", &json!({"name": "shipper", "role": "ingest-only"})).json();
    (made["secret"].as_str().unwrap().to_owned(), server.client(None))
}

#[test]
fn firehose() {
    let folder = tempfile::tempdir().unwrap();
    let (server, admin) = Server::with_admin(&folder.path().join("data"), &[]);
    let (token, anybody) = ingest_token(&server, &admin);
    // A record is an event, or what a subscription of CloudWatch Logs sends: packed, with events in it.
    let subscription = json!({"messageType": "DATA_MESSAGE", "owner": ACCOUNT, "logGroup": "trail", "logStream": "s",
        "subscriptionFilters": ["f"], "logEvents": [{"id": "1", "timestamp": 1, "message": event(2, ACCOUNT, "B")}]});
    let records: Vec<Value> = [event(1, ACCOUNT, "A").into_bytes(), gzip(subscription.to_string().as_bytes())]
        .iter()
        .map(|data| json!({"data": STANDARD.encode(data)}))
        .collect();
    let body = json!({"requestId": "req-1", "timestamp": 1_764_547_200_000_u64, "records": records}).to_string();
    let firehose = anybody.with("content-type", "application/json").with("x-amz-firehose-request-id", "req-1");
    assert_eq!(firehose.send("POST", "/firehose", Some(body.as_bytes())).unwrap().status, 401);
    assert_eq!(
        firehose
            .with("x-amz-firehose-access-key", "swk_no")
            .send("POST", "/firehose", Some(body.as_bytes()))
            .unwrap()
            .status,
        401
    );
    let firehose = firehose.with("x-amz-firehose-access-key", &token);
    for _ in 0..50 {
        let answer = firehose.send("POST", "/firehose", Some(body.as_bytes())).unwrap();
        assert_eq!((answer.status, &answer.json()["requestId"]), (200, &json!("req-1")));
        assert_eq!(answer.header("content-type"), Some("application/json"));
        assert!(answer.json()["timestamp"].is_u64());
    }
    let packed =
        firehose.with("content-encoding", "gzip").send("POST", "/firehose", Some(&gzip(body.as_bytes()))).unwrap();
    assert_eq!(packed.status, 200);
    // What no attempt makes better is taken, and set aside.
    let poison = json!({"requestId": "req-1", "timestamp": 1, "records": [{"data": "not base64!"}]}).to_string();
    assert_eq!(firehose.send("POST", "/firehose", Some(poison.as_bytes())).unwrap().status, 200);
    wait("both events are there, once", || in_lake(&admin) == 2);
    wait("the poison is set aside", || admin.query("SELECT count(*) AS n FROM quarantine", "sql")[0]["n"] == 1);
}

#[test]
fn event_collector() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let (server, admin) = Server::with_admin(&data, &[]);
    let (token, anybody) = ingest_token(&server, &admin);
    let hec = anybody.with("authorization", &format!("Splunk {token}"));
    let post = |client: &Client, path: &str, body: &[u8]| client.send("POST", path, Some(body)).unwrap();
    let said = |answer: &crate::server::Answer| (answer.status, answer.json()["code"].as_u64().unwrap());

    assert_eq!(said(&post(&anybody, "/services/collector", b"{}")), (401, 2));
    assert_eq!(said(&post(&anybody.with("authorization", "Splunk nope"), "/services/collector", b"{}")), (403, 4));
    assert_eq!(said(&post(&hec, "/services/collector", b"")), (400, 5), "the probe of Firehose");
    assert_eq!(said(&post(&hec, "/services/collector/event", b"{\"event\":\"\"}")), (400, 13));
    assert_eq!(said(&post(&hec, "/services/collector/event", b"{\"x\":1}")), (400, 12));
    assert_eq!(said(&anybody.get("/services/collector/health")), (200, 17));

    let two = format!("{{\"event\": {}}}{{\"event\": {}}}", event(1, ACCOUNT, "A"), json!(event(2, ACCOUNT, "B")));
    let answer = post(&hec, "/services/collector/event", two.as_bytes());
    assert_eq!((said(&answer), answer.json()["ackId"].is_null()), ((200, 0), true), "{}", answer.text());
    let packed = hec.with("content-encoding", "gzip");
    assert_eq!(said(&post(&packed, "/services/collector/raw", &gzip(event(3, ACCOUNT, "C").as_bytes()))), (200, 0));

    let channel = hec.with("x-splunk-request-channel", CHANNEL);
    let answer =
        post(&channel, "/services/collector/event", format!("{{\"event\": {}}}", event(4, ACCOUNT, "D")).as_bytes());
    let id = answer.json()["ackId"].as_u64().unwrap();
    let acked = |client: &Client| {
        let asked =
            post(client, "/services/collector/ack", json!({"acks": [id, 1_000_000]}).to_string().as_bytes()).json();
        assert_eq!(asked["acks"]["1000000"], false);
        asked["acks"][id.to_string()].clone()
    };
    assert_eq!(said(&post(&hec, "/services/collector/ack", b"{\"acks\":[0]}")), (400, 10));
    wait("it is acknowledged", || acked(&channel) == true);
    assert_eq!(in_lake(&admin), 4, "what is acknowledged is in the lake");
    // An acknowledgement means the same after a restart.
    server.kill();
    let server = Server::start(&data, &[]);
    let channel =
        server.client(None).with("authorization", &format!("Splunk {token}")).with("x-splunk-request-channel", CHANNEL);
    assert_eq!(acked(&channel), true);
}

#[test]
fn syslog() {
    let folder = tempfile::tempdir().unwrap();
    let (tcp, udp) = (free_port(), free_port());
    let (tcp, udp) = (format!("127.0.0.1:{tcp}"), format!("127.0.0.1:{udp}"));
    let (_server, admin) =
        Server::with_admin(&folder.path().join("data"), &["--syslog-tcp", &tcp, "--syslog-udp", &udp]);
    let mut stream = std::net::TcpStream::connect(&tcp).unwrap();
    let counted = format!("<134>1 2026-11-24T00:00:00Z host app - - - {}", event(1, ACCOUNT, "A"));
    write!(stream, "{} {counted}", counted.len()).unwrap();
    writeln!(stream, "<134>Nov 24 00:00:00 host app[7]: {}", event(2, ACCOUNT, "B")).unwrap();
    drop(stream);
    let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let datagram = format!("<134>1 2026-11-24T00:00:00Z host app - - - {}", event(3, ACCOUNT, "C"));
    socket.send_to(datagram.as_bytes(), &udp).unwrap();
    wait("all three are there", || in_lake(&admin) == 3);
    let trust = admin.query("SELECT DISTINCT event_trust AS t FROM cloudtrail", "sql");
    assert_eq!(trust, [json!({"t": "anonymous"})]);
}

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
