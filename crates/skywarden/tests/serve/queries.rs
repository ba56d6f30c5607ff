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

#[test]
fn the_names_that_queries_may_use_are_those_that_one_may_see() {
    let folder = tempfile::tempdir().unwrap();
    let (server, admin) = Server::with_admin(&folder.path().join("data"), &[]);
    let odd =
        |n, account: &str, key: &str| event(n, account, "A").replace("\"name\":", &format!("\"{key}\":1,\"name\":"));
    let events = [odd(1, "111122223333", "ownKey"), odd(2, "444455556666", "otherKey")];
    admin.ingest(events.join("\n").as_bytes()).unwrap();
    wait("the events are there", || admin.query("stats count(*) as n", "ql").first().is_some_and(|r| r["n"] == 2));
    let made = admin.post("/api/v1/tokens", &json!({"name": "own", "role": "viewer", "accounts": ["111122223333"]}));
    let scoped = server.client(made.json()["secret"].as_str());

    let all = admin.get("/api/v1/fields").json();
    let find = |fields: &serde_json::Value, name: &str| {
        fields.as_array().unwrap().iter().find(|field| field["name"] == name).cloned()
    };
    for (name, ty) in [
        ("@timestamp", "timestamp"),
        ("eventName", "string"),
        ("api.operation", "string"),
        ("severity_id", "number"),
        ("requestParameters.ownKey", "string"),
        ("requestParameters.otherKey", "string"),
    ] {
        let field = find(&all, name).unwrap_or_else(|| panic!("no {name}: {all}"));
        assert_eq!(field["type"], ty, "{field}");
        assert!(field["sources"].as_array().unwrap().contains(&json!("aws_cloudtrail")), "{field}");
    }
    assert!(all.as_array().unwrap().len() <= 2_000);
    let own = scoped.get("/api/v1/fields").json();
    assert!(find(&own, "requestParameters.ownKey").is_some() && find(&own, "requestParameters.otherKey").is_none());
    for field in all.as_array().unwrap() {
        let name = field["name"].as_str().unwrap();
        assert!(!name.is_empty() && name.len() < 300, "{name}");
    }
}

#[test]
fn queries_are_kept_for_all_and_changed_by_their_owner() {
    let folder = tempfile::tempdir().unwrap();
    let (server, admin) = Server::with_admin(&folder.path().join("data"), &[]);
    let client = |name: &str| {
        let made = admin.post("/api/v1/tokens", &json!({"name": name, "role": "viewer"}));
        server.client(made.json()["secret"].as_str())
    };
    let (ada, bob) = (client("ada"), client("bob"));
    let new = json!({"name": "Refused", "text": "filter errorCode like /Denied/", "from": "-24h"});
    let made = ada.post("/api/v1/saved-queries", &new);
    assert_eq!(made.status, 201, "{}", made.text());
    let path = made.header("location").unwrap().to_owned();
    let made = made.json();
    assert_eq!((&made["owner"], &made["lang"], &made["from"]), (&json!("token/ada"), &json!("ql"), &json!("-24h")));
    assert_eq!(bob.get("/api/v1/saved-queries").json(), json!([made]));

    let other = json!({"name": "Mine", "text": "SELECT 1", "lang": "sql"});
    assert_eq!(bob.call("PUT", &path, &other).status, 403);
    assert_eq!(bob.delete(&path).status, 403);
    let changed = ada.call("PUT", &path, &other).json();
    assert_eq!((&changed["name"], &changed["lang"], &changed["id"]), (&json!("Mine"), &json!("sql"), &made["id"]));
    assert!(changed["from"].is_null(), "what is left out is gone: {changed}");
    for (part, value) in
        [("name", " ".to_owned()), ("name", "x".repeat(201)), ("text", "é".repeat(5_001)), ("to", "x".repeat(65))]
    {
        let mut wrong = new.clone();
        wrong[part] = json!(value);
        let answer = ada.post("/api/v1/saved-queries", &wrong);
        assert_eq!(
            (answer.status, &answer.json()["errors"][0]["pointer"]),
            (422, &json!(format!("/{part}"))),
            "{value}"
        );
    }
    assert_eq!(admin.delete(&path).status, 204, "an admin may");
    assert_eq!(ada.delete(&path).status, 404);
    assert_eq!(bob.get("/api/v1/saved-queries").json(), json!([]));
    let kinds = admin.get("/api/v1/audit").text();
    for kind in ["saved_query.made", "saved_query.changed", "saved_query.deleted"] {
        assert!(kinds.contains(kind), "{kinds}");
    }
}
