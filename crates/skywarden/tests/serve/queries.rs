//! Queries as jobs.

use serde_json::json;

use crate::server::{Server, event, wait};

#[test]
fn queries_are_begun_read_and_cancelled() {
    let folder = tempfile::tempdir().unwrap();
    let (server, admin) = Server::with_admin(&folder.path().join("data"), &[]);
    let events: Vec<String> =
        (0..3_000).map(|n| event(n, "111122223333", if n % 3 == 0 { "A" } else { "B" })).collect();
    admin.ingest(events.join("\n").as_bytes()).unwrap();
    wait("the events are there", || admin.query("stats count(*) as n", "ql").first().is_some_and(|r| r["n"] == 3_000));

    let rows = admin.query("filter eventName = 'A' | stats count(*) as n by eventName", "ql");
    assert_eq!(rows, [json!({"eventName": "A", "n": 1_000})]);
    let wrong = admin.post("/api/v1/queries?wait_s=20", &json!({"text": "filtr eventName = 'A'"})).json();
    assert_eq!((&wrong["state"], &wrong["error"]["errors"][0]["start"]), (&json!("failed"), &json!(0)), "{wrong}");
    assert!(wrong["error"]["errors"][0]["help"].as_str().unwrap().contains("filter"), "{wrong}");

    let cut = admin.post("/api/v1/queries?wait_s=20", &json!({"text": "fields eventID", "rows": 10})).json();
    assert_eq!((&cut["rows"], &cut["partial"]), (&json!(10), &json!(true)), "{cut}");
    let text = admin.get(&format!("/api/v1/queries/{}/rows", cut["id"].as_str().unwrap())).text();
    assert!(text.lines().last().unwrap().contains("@partial"), "{text}");

    // It would run for long: billions of pairs.
    let text = "SELECT count(*) AS n FROM cloudtrail a JOIN cloudtrail b ON a.eventSource = b.eventSource JOIN cloudtrail c ON a.eventSource = c.eventSource";
    let job = admin.post("/api/v1/queries", &json!({"text": text, "lang": "sql"})).json();
    let path = format!("/api/v1/queries/{}", job["id"].as_str().unwrap());
    assert_eq!(job["state"], "running", "{job}");
    assert_eq!(admin.delete(&path).status, 204);
    wait("it is cancelled", || admin.get(&path).json()["state"] == "cancelled");

    // Nothing makes a value of any length out of a number.
    for text in [
        "select repeat('a', 2000000000)",
        "select lpad('a', 2147483647, 'b')",
        "select rpad('a', 2147483647, 'b')",
        "select range(0, 9000000000)",
        "select array_repeat('a', 2000000000)",
        "select * from generate_series(1, 9000000000)",
    ] {
        let job = admin.post("/api/v1/queries?wait_s=20", &json!({"text": text, "lang": "sql"})).json();
        assert_eq!(job["state"], "failed", "{text}: {job}");
    }

    // Another's query is not there.
    let made = admin.post("/api/v1/tokens", &json!({"name": "other", "role": "viewer"}));
    assert_eq!(server.client(made.json()["secret"].as_str()).get(&path).status, 404);
    for (body, pointer) in [
        (json!({"text": ""}), "/text"),
        (json!({"text": "limit 1", "rows": 0}), "/rows"),
        (json!({"text": "limit 1", "from": "2026-11-02", "to": "2026-11-01"}), "/to"),
        (json!({"text": "limit 1", "from": "yesterday"}), "/from"),
        (json!({"text": "limit 1", "color": 1}), "/color"),
    ] {
        let answer = admin.post("/api/v1/queries", &body);
        assert_eq!(
            (answer.status, answer.json()["errors"][0]["pointer"].as_str()),
            (422, Some(pointer)),
            "{}",
            answer.text()
        );
    }
}
