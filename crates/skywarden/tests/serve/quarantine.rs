//! What was read and is no record.

use std::collections::BTreeSet;
use std::io::Write as _;

use serde_json::json;

use crate::server::{Server, wait};

#[test]
fn what_is_no_record_is_shown_a_page_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let (server, admin) = Server::with_admin(&folder.path().join("data"), &[]);
    assert_eq!(admin.get("/api/v1/quarantine").json(), json!({"entries": []}));
    for n in 0..7 {
        let long = "x".repeat(if n == 0 { 40_000 } else { 10 });
        let body = json!({"no": "record", "n": n, "long": long}).to_string();
        assert_eq!(
            admin.send("POST", &format!("/api/v1/ingest?name=odd{n}"), Some(body.as_bytes())).unwrap().status,
            200
        );
    }
    wait("all are set aside", || {
        admin.get("/api/v1/quarantine?limit=100").json()["entries"].as_array().unwrap().len() == 7
    });
    let (mut seen, mut cursor) = (BTreeSet::new(), String::new());
    for n in [3, 3, 1] {
        let page = admin.get(&format!("/api/v1/quarantine?limit=3{cursor}")).json();
        let entries = page["entries"].as_array().unwrap();
        assert_eq!(entries.len(), n, "{page}");
        for entry in entries {
            assert!(seen.insert(entry["identity"].as_str().unwrap().to_owned()), "twice: {entry}");
            let raw = entry["raw"].as_str().unwrap();
            assert!(raw.contains("\"no\":\"record\"") && raw.len() <= 16_384, "{}", raw.len());
            let (bytes, object) = (entry["bytes"].as_u64().unwrap(), entry["object"].as_str().unwrap());
            assert_eq!(bytes > 40_000, object.ends_with("odd0"), "{object} {bytes}");
            assert!(!entry["reason"].as_str().unwrap().is_empty() && entry["time"].as_str().unwrap().ends_with('Z'));
        }
        cursor = page["next"].as_str().map(|next| format!("&cursor={next}")).unwrap_or_default();
        assert_eq!(cursor.is_empty(), n == 1, "{page}");
    }
    // They are tried again, and as nothing of them can be read, all stays as it is.
    for _ in 0..2 {
        let replayed = admin.post("/api/v1/quarantine/replays", &json!({}));
        assert_eq!((replayed.status, &replayed.json()["replayed"]), (202, &json!(7)), "{}", replayed.text());
        let position = replayed.json()["position"].as_u64().unwrap();
        wait("all were tried", || admin.get("/api/v1/status").json()["log"]["committed"].as_u64() >= Some(position));
    }
    assert_eq!(admin.get("/api/v1/quarantine?limit=100").json()["entries"].as_array().unwrap().len(), 7);
    assert!(admin.ledger().as_array().unwrap().iter().all(|entry| entry["balanced"] == true), "{}", admin.ledger());
    assert!(admin.get("/api/v1/audit").text().contains("quarantine.replayed"));
    // Whoever hangs up does not end it half-way.
    let replays = || admin.get("/api/v1/audit?limit=500").text().matches("quarantine.replayed").count();
    let before = replays();
    let mut stream = std::net::TcpStream::connect(admin.address).unwrap();
    let (name, token) = &admin.headers[0];
    write!(
        stream,
        "POST /api/v1/quarantine/replays HTTP/1.1\r\nhost: x\r\n{name}: {token}\r\ncontent-length: 0\r\n\r\n"
    )
    .unwrap();
    wait("it was begun or has ended", || {
        replays() > before || admin.post("/api/v1/quarantine/replays", &json!({})).status == 429
    });
    drop(stream);
    wait("it has ended", || replays() > before);
    for query in ["limit=0", "limit=101", "cursor=x", "cursor=1.zz"] {
        assert_eq!(admin.get(&format!("/api/v1/quarantine?{query}")).status, 422, "{query}");
    }
    let made = admin.post("/api/v1/tokens", &json!({"name": "own", "role": "admin", "accounts": ["111122223333"]}));
    let scoped = server.client(made.json()["secret"].as_str());
    assert_eq!(scoped.get("/api/v1/quarantine").status, 403);
    assert_eq!(scoped.post("/api/v1/quarantine/replays", &json!({})).status, 403);
    // Sending is one thing, and upkeep another.
    let made = admin.post("/api/v1/tokens", &json!({"name": "shipper", "role": "ingest-only"}));
    let shipper = server.client(made.json()["secret"].as_str());
    assert_eq!(shipper.post("/api/v1/quarantine/replays", &json!({})).status, 403);
}
