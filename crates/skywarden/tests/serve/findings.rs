//! From an event to a finding that is closed, and what two analysts, suppressions and new events do to it.

use serde_json::{Value, json};

use crate::server::{Client, Server, event, wait};

const ACCOUNT: &str = "111122223333";

fn findings(client: &Client, query: &str) -> Vec<Value> {
    client.get(&format!("/api/v1/findings?{query}")).json()["findings"].as_array().unwrap().clone()
}

fn with_finding(client: &Client) -> Value {
    assert_eq!(client.ingest(event(1, ACCOUNT, "StopLogging").as_bytes()).unwrap().status, 200);
    wait("the finding is there", || !findings(client, "severity_min=5").is_empty());
    findings(client, "severity_min=5")[0].clone()
}

#[test]
fn a_finding_is_judged_by_one_at_a_time_and_closed() {
    let folder = tempfile::tempdir().unwrap();
    let (_server, admin) = Server::with_admin(&folder.path().join("data"), &[]);
    let finding = with_finding(&admin);
    assert_eq!((&finding["status"], &finding["count"]), (&json!("new"), &json!(1)));
    assert!(finding["title"].as_str().unwrap().contains("mallory"), "{finding}");

    let path = format!("/api/v1/findings/{}", finding["uid"].as_str().unwrap());
    let whole = admin.get(&path);
    let tag = whole.header("etag").unwrap().to_owned();
    assert_eq!(whole.json()["document"]["class_uid"], 2004);
    assert_eq!(admin.call("PATCH", &path, &json!({"status": "in_progress"})).status, 428);
    let seen = admin.with("if-match", &tag);
    let mine = seen.call("PATCH", &path, &json!({"status": "in_progress", "assignee": "ada"}));
    assert_eq!((mine.status, &mine.json()["assignee"]), (200, &json!("ada")), "{}", mine.text());
    // The other analyst has seen the finding as it was.
    let theirs = seen.call("PATCH", &path, &json!({"assignee": "bob"}));
    assert_eq!((theirs.status, theirs.header("content-type")), (412, Some("application/problem+json")));
    assert_eq!(admin.get(&path).json()["assignee"], "ada");

    assert_eq!(admin.post(&format!("{path}/notes"), &json!({"text": "<b>was it you?</b>"})).status, 201);
    assert_eq!(admin.get(&format!("{path}/notes")).json()[0]["text"], "<b>was it you?</b>");
    let seen = admin.with("if-match", mine.header("etag").unwrap());
    let closed = seen.call("PATCH", &path, &json!({"status": "resolved", "verdict": "true_positive"}));
    assert_eq!(closed.status, 200, "{}", closed.text());
    let history = admin.get(&format!("{path}/history")).json();
    assert_eq!(history[1]["what"]["verdict"], json!({"from": null, "to": "true_positive"}));
    let seen = admin.with("if-match", closed.header("etag").unwrap());
    assert_eq!(seen.call("PATCH", &path, &json!({"status": "suppressed"})).status, 422);
    assert_eq!(seen.call("PATCH", &path, &json!({"severity": 1})).status, 422);

    // It comes again, later: one more event makes it new, and the same event once more does not.
    assert_eq!(admin.ingest(event(3, ACCOUNT, "StopLogging").as_bytes()).unwrap().status, 200);
    wait("it is new again", || admin.get(&path).json()["status"] == "new");
    assert_eq!(admin.get(&path).json()["count"], 2);
    assert_eq!(admin.ingest(event(3, ACCOUNT, "StopLogging").as_bytes()).unwrap().status, 200);
    wait("all is looked at", || {
        let log = admin.get("/api/v1/status").json()["log"].clone();
        log["detected"] == log["durable"]
    });
    assert_eq!(admin.get(&path).json()["count"], 2);
    let verified = admin.get("/api/v1/audit/verification").json();
    assert_eq!(verified["troubles"], json!([]));
    assert!(verified["entries"].as_u64().unwrap() >= 6, "{verified}");
}

#[test]
fn what_is_suppressed_is_kept_and_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let (_server, admin) = Server::with_admin(&folder.path().join("data"), &[]);
    let finding = with_finding(&admin);
    let dimensions = json!({"rule": finding["rule"], "account": ACCOUNT});
    let preview = admin.post("/api/v1/suppression-previews", &json!({"dimensions": dimensions})).json();
    assert_eq!((&preview["findings"], &preview["uids"][0]), (&json!(1), &finding["uid"]));
    let until = "2099-01-01T00:00:00Z";
    let new = json!({"dimensions": dimensions, "reason": "maintenance", "until": until});
    assert_eq!(admin.post("/api/v1/suppressions", &new).status, 422, "longer than a year");
    let now_ms = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis() as u64;
    let new = json!({"dimensions": dimensions, "reason": "maintenance", "until": now_ms + 3_600_000});
    let made = admin.post("/api/v1/suppressions", &new);
    assert_eq!(made.status, 201, "{}", made.text());
    assert!(findings(&admin, "status=new&severity_min=5").is_empty());
    assert_eq!(findings(&admin, "status=suppressed")[0]["suppressed_by"], made.json()["id"]);

    // Another one of the same kind, of another day, is held back as it comes; one of another account is not.
    admin.ingest(event(2_000, ACCOUNT, "StopLogging").as_bytes()).unwrap();
    admin.ingest(event(2_000, "444455556666", "StopLogging").as_bytes()).unwrap();
    wait("both are there", || findings(&admin, "severity_min=5").len() == 3);
    assert_eq!(findings(&admin, "status=suppressed&severity_min=5").len(), 2);
    assert_eq!(admin.delete(&format!("/api/v1/suppressions/{}", made.json()["id"])).status, 204);
    assert_eq!(findings(&admin, "status=new&severity_min=5").len(), 3);
    assert_eq!(
        admin
            .post(
                "/api/v1/suppressions",
                &json!({"dimensions": {"rule": "*"}, "reason": "x", "until": now_ms + 60_000})
            )
            .status,
        422
    );
}

#[test]
fn pages_go_on_where_the_last_one_ended() {
    let folder = tempfile::tempdir().unwrap();
    let (_server, admin) = Server::with_admin(&folder.path().join("data"), &[]);
    let events: Vec<String> = (0..25).map(|day| event(day * 1_440, ACCOUNT, "StopLogging")).collect();
    admin.ingest(events.join("\n").as_bytes()).unwrap();
    wait("all are there", || findings(&admin, "severity_min=5&limit=200").len() == 25);
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = admin.get(&format!("/api/v1/findings?severity_min=5&limit=7{cursor}")).json();
        seen.extend(page["findings"].as_array().unwrap().iter().map(|f| f["uid"].as_str().unwrap().to_owned()));
        let Some(next) = page["next"].as_str() else { break };
        cursor = format!("&cursor={next}");
        // What comes in between neither repeats nor skips what was there.
        admin.ingest(event(7, &format!("{:012}", seen.len()), "StopLogging").as_bytes()).unwrap();
    }
    let all: std::collections::BTreeSet<&String> = seen.iter().collect();
    assert_eq!(all.len(), seen.len());
    assert!(seen.len() >= 25, "{}", seen.len());
    let foreign = admin.get(&format!("/api/v1/findings?severity_min=4&limit=7{cursor}"));
    assert_eq!((foreign.status, foreign.json()["errors"][0]["pointer"].as_str()), (422, Some("cursor")));
}

#[test]
fn news_are_told_as_they_come() {
    use std::io::{BufRead as _, Write as _};
    let folder = tempfile::tempdir().unwrap();
    let (server, admin) = Server::with_admin(&folder.path().join("data"), &[]);
    let mut stream = std::net::TcpStream::connect(server.address).unwrap();
    let (name, token) = &admin.headers[0];
    write!(stream, "GET /api/v1/stream HTTP/1.1\r\nhost: x\r\n{name}: {token}\r\n\r\n").unwrap();
    stream.set_read_timeout(Some(crate::server::PATIENCE)).unwrap();
    let mut lines = std::io::BufReader::new(stream).lines().map(Result::unwrap);
    assert!(lines.next().unwrap().contains("200"));
    let type_of = lines.find(|line| line.starts_with("content-type")).unwrap();
    assert!(type_of.contains("text/event-stream"), "{type_of}");
    admin.ingest(event(1, ACCOUNT, "StopLogging").as_bytes()).unwrap();
    let data = lines.find(|line| line.starts_with("data: ")).unwrap();
    let finding: Value = serde_json::from_str(&data["data: ".len()..]).unwrap();
    assert_eq!(finding["account"], ACCOUNT);

    // A decision is news too; and so are suppressions.
    let path = format!("/api/v1/findings/{}", finding["uid"].as_str().unwrap());
    let seen = admin.with("if-match", admin.get(&path).header("etag").unwrap());
    assert_eq!(seen.call("PATCH", &path, &json!({"status": "resolved"})).status, 200);
    let mut told = || -> Value {
        let data = lines.find(|line| line.starts_with("data: ")).unwrap();
        serde_json::from_str(&data["data: ".len()..]).unwrap()
    };
    let decided = crate::server::first(|| Some(told()).filter(|told| told["status"] == "resolved"));
    assert_eq!(decided["uid"], finding["uid"]);
    let until = json!(crate::server::now_ms() + 3_600_000);
    let new = json!({"dimensions": {"account": ACCOUNT}, "reason": "maintenance", "until": until});
    assert_eq!(admin.post("/api/v1/suppressions", &new).status, 201);
    assert!(lines.any(|line| line == "event: suppressions"));
}

#[test]
fn a_suppression_is_changed_by_one_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let (server, admin) = Server::with_admin(&folder.path().join("data"), &[]);
    let until = |hours: u64| json!(crate::server::now_ms() + hours * 3_600_000);
    let new = json!({"dimensions": {"account": ACCOUNT}, "reason": "maintenance", "until": until(1)});
    let made = admin.post("/api/v1/suppressions", &new).json();
    let path = format!("/api/v1/suppressions/{}", made["id"]);
    let shown = admin.get(&path);
    assert_eq!((shown.status, shown.header("etag")), (200, Some(format!("{}", made["version"]).as_str())));
    assert_eq!(admin.call("PATCH", &path, &json!({"reason": "x"})).status, 428);
    let seen = admin.with("if-match", shown.header("etag").unwrap());
    for (body, why) in [
        (json!({"reason": " "}), "say why"),
        (json!({"until": 1_000}), "later than now"),
        (json!({"until": until(24 * 400)}), "a year"),
        (json!({"owner": "user/nobody"}), "a user that there is"),
        (json!({"dimensions": {}}), "unknown field"),
    ] {
        let answer = seen.call("PATCH", &path, &body);
        assert!(answer.status == 422 && answer.text().contains(why), "{body}: {}", answer.text());
    }
    let changed = seen.call("PATCH", &path, &json!({"reason": "longer", "until": until(48), "owner": "user/ada"}));
    assert_eq!(changed.status, 200, "{}", changed.text());
    let now = admin.get("/api/v1/suppressions").json()[0].clone();
    assert_eq!((&now["reason"], &now["owner"]), (&json!("longer"), &json!("user/ada")));
    assert_eq!(now["dimensions"], made["dimensions"]);
    assert!(now["until"].as_str() > made["until"].as_str());
    assert_eq!(seen.call("PATCH", &path, &json!({"reason": "late"})).status, 412);
    // Whoever is bound to other accounts does not see it.
    let token = json!({"name": "bound", "role": "analyst", "accounts": ["444455556666"]});
    let bound = server.client(admin.post("/api/v1/tokens", &token).json()["secret"].as_str());
    assert_eq!(bound.get(&path).status, 404);
    let tagged = bound.with("if-match", changed.header("etag").unwrap());
    assert_eq!(tagged.call("PATCH", &path, &json!({"reason": "mine"})).status, 404);
    // What has ended is not changed any more.
    assert_eq!(admin.delete(&path).status, 204);
    let tag = admin.get(&path).header("etag").unwrap().to_owned();
    assert_eq!(admin.with("if-match", &tag).call("PATCH", &path, &json!({"reason": "x"})).status, 404);
    assert!(admin.get("/api/v1/audit").text().contains("suppression.changed"));
}

#[test]
fn rules_are_read_again_and_a_broken_one_stops_only_itself() {
    let folder = tempfile::tempdir().unwrap();
    let rules = folder.path().join("rules");
    std::fs::create_dir(&rules).unwrap();
    let (_server, admin) = Server::with_admin(&folder.path().join("data"), &["--rules", rules.to_str().unwrap()]);
    let n_before = admin.get("/api/v1/status").json()["rules"]["loaded"].as_u64().unwrap();
    let rule = "title: Odd\nid: 6d8a3c0e-1111-4a35-9d0f-1b2c3d4e5f60\nlogsource: {product: aws, service: cloudtrail}\ndetection: {s: {eventName: OddThing}, condition: s}\nlevel: critical\n";
    std::fs::write(rules.join("odd.yml"), rule).unwrap();
    std::fs::write(rules.join("broken.yml"), "title: Broken\ndetection: {s: {eventName|nonsense: A}, condition: s}\n")
        .unwrap();
    wait("the rule is read", || admin.get("/api/v1/status").json()["rules"]["loaded"] == n_before + 1);
    assert!(admin.get("/api/v1/rule-problems").text().contains("broken.yml"));
    admin.ingest(event(1, ACCOUNT, "OddThing").as_bytes()).unwrap();
    wait("it finds", || {
        findings(&admin, "severity_min=5").iter().any(|f| f["rule"] == "6d8a3c0e-1111-4a35-9d0f-1b2c3d4e5f60")
    });
}

/// More than are told at a time.
#[test]
fn a_file_of_many_findings_is_told_as_a_whole() {
    const N: u64 = 4_300;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("many.json");
    let events: Vec<String> = (0..N)
        .map(|n| {
            event(0, "111122223333", "StopLogging")
                .replace("mallory", &format!("mallory{n}"))
                .replace("00000000-", &format!("{n:08x}-"))
        })
        .collect();
    std::fs::write(&file, events.join("\n")).unwrap();
    let (_server, admin) = Server::with_admin(&folder.path().join("data"), &["--import", file.to_str().unwrap()]);
    wait("all are there", || {
        let counts = admin.get("/api/v1/finding-counts").json();
        counts.as_array().unwrap().iter().map(|count| count["count"].as_u64().unwrap()).sum::<u64>() == N
    });
}
