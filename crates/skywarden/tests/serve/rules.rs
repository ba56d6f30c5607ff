//! Rules as they are shown.

use serde_json::{Value, json};

use crate::server::{Client, Server, event, wait};

/// The id of a rule that comes with the program, by its file.
fn id_of(rules: &[Value], file: &str) -> String {
    let rule = rules.iter().find(|rule| rule["file"] == file).unwrap_or_else(|| panic!("no rule is in {file}"));
    rule["id"].as_str().unwrap().to_owned()
}

#[test]
fn a_rule_is_shown_as_it_stands_in_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let (_server, admin) = Server::with_admin(&folder.path().join("data"), &[]);
    let rules = admin.get("/api/v1/rules").json();
    let rules = rules.as_array().unwrap();
    let file = "access_key_created_for_other_user.yml";
    let rule = admin.get(&format!("/api/v1/rules/{}", id_of(rules, file))).json();
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../../content/rules/aws/");
    assert_eq!(rule["source"], std::fs::read_to_string(format!("{root}{file}")).unwrap());
    assert!(rule["tactics"].as_array().unwrap().iter().any(|tactic| tactic == "Persistence"), "{rule}");
    for rule in rules {
        assert!(rule["source"].is_null() && !rule["tactics"].as_array().unwrap().is_empty(), "{rule}");
    }
}

/// The conditions of an explanation: text, whether it holds, values.
fn conditions(node: &Value, out: &mut Vec<(String, bool, Vec<Value>)>) {
    if node["kind"] == "condition" {
        let (text, matched) = (node["text"].as_str().unwrap().to_owned(), node["matched"].as_bool().unwrap());
        out.push((text, matched, node["values"].as_array().unwrap().clone()));
    }
    node["children"].as_array().unwrap().iter().for_each(|child| conditions(child, out));
}

#[test]
fn a_rule_is_tried_on_an_event_and_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let (_server, admin) = Server::with_admin(&folder.path().join("data"), &[]);
    let record: Value = serde_json::from_str(&event(1, "111122223333", "OddThing")).unwrap();
    let rule = "title: Odd\nid: 6d8a3c0e-1111-4a35-9d0f-1b2c3d4e5f60\nlogsource: {product: aws, service: cloudtrail}\n\
        detection:\n  odd:\n    eventName: [OddThing, EvenThing]\n    skywarden.by_service: 'false'\n  own: {userAgent|contains: kali}\n  \
        condition: odd and not own\nlevel: high\n";
    for sent in [record.clone(), json!(record.to_string()), json!({"Records": [record]})] {
        let tried = admin.post("/api/v1/rule-tests", &json!({"rule": rule, "event": sent})).json();
        assert_eq!((&tried["matched"], &tried["problems"], &tried["title"]), (&json!(true), &json!([]), &json!("Odd")));
        let mut found = Vec::new();
        conditions(&tried["explanation"], &mut found);
        let of =
            |part: &str| found.iter().find(|(text, ..)| text.contains(part)).unwrap_or_else(|| panic!("{found:?}"));
        assert_eq!((of("odd").1, &of("odd").2), (true, &vec![json!("OddThing")]));
        assert_eq!((of("eventh").1, of("kali").1), (false, false));
        assert_eq!(of("by_service").2, [json!("false")], "it is derived");
    }

    // Every rule that comes with the program agrees with what it says of its own events.
    let rules = admin.get("/api/v1/rules").json();
    let id = id_of(rules.as_array().unwrap(), "access_key_created_for_other_user.yml");
    let tried = admin.post("/api/v1/rule-tests", &json!({"rule_id": id, "event": record})).json();
    assert_eq!((&tried["matched"], &tried["id"]), (&json!(false), &json!(id)), "{tried}");
    let checked = admin.post("/api/v1/rule-tests", &json!({"rule_id": id})).json();
    assert!(checked["matched"].is_null() && checked["predicate"].is_string(), "{checked}");

    let broken = "title: Broken\nlogsource: {product: aws}\ndetection: {s: {eventName|nonsense: A}, condition: s}\n";
    let tried = admin.post("/api/v1/rule-tests", &json!({"rule": broken, "event": record})).json();
    let problem = &tried["problems"][0];
    assert_eq!((&problem["level"], &problem["line"], &tried["matched"]), (&json!("error"), &json!(3), &Value::Null));
    assert!(problem["drawn"].as_str().unwrap().contains("^^^") && problem["column"].as_u64() > Some(1), "{tried}");

    for (body, pointer) in [
        (json!({}), "/rule"),
        (json!({"rule": rule, "rule_id": id}), "/rule"),
        (json!({"rule_id": "nothing"}), "/rule_id"),
        (json!({"rule": " ".repeat(300_000)}), "/rule"),
        (json!({"rule": rule, "event": 7}), "/event"),
        (json!({"rule": rule, "event": "no record"}), "/event"),
        (json!({"rule": rule, "event": {"eventName": "x".repeat(300_000)}}), "/event"),
    ] {
        let answer = admin.post("/api/v1/rule-tests", &body);
        assert_eq!((answer.status, &answer.json()["errors"][0]["pointer"]), (422, &json!(pointer)), "{body}");
    }
}

/// A backtest when it has ended.
fn tried(client: &Client, body: &Value) -> Value {
    let begun = client.post("/api/v1/backtests", body);
    assert_eq!(begun.status, 202, "{}", begun.text());
    let path = begun.header("location").unwrap().to_owned();
    wait("the backtest ends", || client.get(&path).json()["state"] != "running");
    let job = client.get(&path).json();
    assert_eq!(client.delete(&path).status, 204);
    assert_eq!(client.get(&path).status, 404);
    job
}

#[test]
fn a_rule_is_tried_on_the_past_of_what_one_may_see() {
    let (own, other) = ("111122223333", "444455556666");
    let folder = tempfile::tempdir().unwrap();
    let (server, admin) = Server::with_admin(&folder.path().join("data"), &[]);
    let name = |n: u64| if n.is_multiple_of(3) { "StopLogging" } else { "OddThing" };
    let events: Vec<String> =
        (0..120).map(|n| event(n, if n.is_multiple_of(2) { own } else { other }, name(n))).collect();
    admin.ingest(events.join("\n").as_bytes()).unwrap();
    wait("the events are there", || admin.query("stats count(*) as n", "ql").first().is_some_and(|r| r["n"] == 120));
    let made = admin.post("/api/v1/tokens", &json!({"name": "own", "role": "analyst", "accounts": [own]}));
    let scoped = server.client(made.json()["secret"].as_str());

    let rules = admin.get("/api/v1/rules").json();
    let id = id_of(rules.as_array().unwrap(), "cloudtrail_logging_stopped.yml");
    let job = tried(&admin, &json!({"rule_id": id}));
    assert_eq!((&job["state"], &job["events"], &job["hits"]), (&json!("done"), &json!(120), &json!(40)), "{job}");
    let compared = json!({"rule_id": id, "only_before": 0, "only_after": 0, "both": 40});
    assert_eq!((&job["compared"], &job["partial"]), (&compared, &json!(false)));
    let job = tried(&scoped, &json!({"rule_id": id}));
    assert_eq!((&job["events"], &job["hits"], &job["compared"]["both"]), (&json!(60), &json!(20), &json!(20)), "{job}");
    for sampled in job["sample"].as_array().unwrap() {
        let raw: Value = serde_json::from_str(sampled["raw"].as_str().unwrap()).unwrap();
        assert_eq!((&raw["recipientAccountId"], &raw["eventName"]), (&json!(own), &json!("StopLogging")));
        assert_eq!(raw["eventTime"].as_str().unwrap()[..16], sampled["time"].as_str().unwrap()[..16]);
    }

    // The same rule, changed: what it loses and wins is told.
    let rule = format!(
        "title: Odd\nid: {id}\nlogsource: {{product: aws, service: cloudtrail}}\ndetection: {{s: {{eventName: OddThing}}, condition: s}}\n"
    );
    let job = tried(&admin, &json!({"rule": rule}));
    assert_eq!((&job["hits"], job["sample"].as_array().unwrap().len(), &job["title"]), (&json!(80), 50, &json!("Odd")));
    assert_eq!(job["compared"], json!({"rule_id": id, "only_before": 40, "only_after": 80, "both": 0}), "{job}");

    // A list of indicators is long, and takes nothing down.
    for n in [1_500, 3_000] {
        let values: String = (0..n).map(|n| format!("\n      - 'indicator{n}'")).collect();
        let rule = format!(
            "title: Many\nid: {id}\nlogsource: {{product: aws, service: cloudtrail}}\ndetection:\n  s:\n    eventName|contains:\n      - OddThing{values}\n  condition: s\n"
        );
        let job = tried(&admin, &json!({"rule": rule}));
        assert_eq!((&job["state"], &job["hits"]), (&json!("done"), &json!(80)), "{n} values: {job}");
    }
    let job = tried(&admin, &json!({"rule": rule, "from": "2026-11-01T00:00:00Z", "to": "2026-11-01T00:10:00Z"}));
    assert_eq!((&job["events"], &job["hits"], &job["compared"]["only_before"]), (&json!(10), &json!(6), &json!(4)));

    let begun = admin.post("/api/v1/backtests", &json!({"rule_id": id}));
    let path = begun.header("location").unwrap().to_owned();
    assert_eq!(scoped.get(&path).status, 404, "another's is not there");
    for (body, pointer) in [
        (json!({}), "/rule"),
        (json!({"rule_id": "nothing"}), "/rule_id"),
        (json!({"rule": "title: Broken"}), "/rule"),
        (json!({"rule_id": id, "from": 2, "to": 1}), "/to"),
    ] {
        let answer = admin.post("/api/v1/backtests", &body);
        assert_eq!((answer.status, &answer.json()["errors"][0]["pointer"]), (422, &json!(pointer)), "{body}");
    }
}

const MINE: &str = "6d8a3c0e-1111-4a35-9d0f-1b2c3d4e5f61";

fn mine(call: &str) -> String {
    format!(
        "title: Mine\nid: {MINE}\nlogsource: {{product: aws, service: cloudtrail}}\ndetection: {{s: {{eventName: {call}}}, condition: s}}\nlevel: high\n"
    )
}

/// Whether a finding of my rule about this account is there.
fn found(client: &Client, account: &str) -> bool {
    let found = client.get(&format!("/api/v1/findings?rule={MINE}&account={account}")).json();
    !found["findings"].as_array().unwrap().is_empty()
}

#[test]
fn rules_are_kept_by_the_server() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let (server, admin) = Server::with_admin(&data, &[]);
    let path = format!("/api/v1/rules/{MINE}");
    let put = |client: &Client, text: &str| client.call("PUT", &path, &json!({"rule": text}));
    let new = put(&admin, &mine("OddThing"));
    assert_eq!((new.status, &new.json()["origin"], &new.json()["enabled"]), (201, &json!("server"), &json!(true)));
    assert_eq!((&new.json()["source"], &new.json()["changed_by"]), (&json!(mine("OddThing")), &json!("token/root")));
    assert!(new.json()["problems"].is_null(), "{}", new.text());
    admin.ingest(event(1, "111111111111", "OddThing").as_bytes()).unwrap();
    wait("it finds", || found(&admin, "111111111111"));

    // Nobody overwrites what they have not seen.
    assert_eq!(put(&admin, &mine("EvenThing")).status, 428);
    assert_eq!(put(&admin.with("if-match", "\"old\""), &mine("EvenThing")).status, 412);
    let replaced = put(&admin.with("if-match", new.header("etag").unwrap()), &mine("EvenThing"));
    assert_eq!(replaced.status, 200, "{}", replaced.text());
    admin.ingest(event(2, "222222222222", "EvenThing").as_bytes()).unwrap();
    wait("the new text finds", || found(&admin, "222222222222"));

    // What cannot be a rule is refused with its place.
    let wrong = put(&admin, &mine("OddThing").replace("eventName:", "eventName|nonsense:"));
    let fault = wrong.json()["errors"][0].clone();
    assert_eq!((wrong.status, &fault["pointer"], &fault["line"]), (422, &json!("/rule"), &json!(4)), "{fault}");
    assert!(fault["column"].as_u64() > Some(10), "{fault}");
    let failing = format!(
        "{}skywarden:\n  tests:\n    fires:\n      - name: never\n        event: {{eventName: Other}}\n",
        mine("OddThing")
    );
    let filter = format!(
        "{}---\ntitle: F\nlogsource: {{product: aws}}\nfilter: {{rules: any, selection: {{eventName: A}}, condition: not selection}}\n",
        mine("A")
    );
    for (text, why) in [
        (mine("A").replace(MINE, "6d8a3c0e-1111-4a35-9d0f-1b2c3d4e5f62"), "not the one in the path"),
        (mine("A").replace(&format!("id: {MINE}\n"), ""), "UUID"),
        (format!("{}---\n{}", mine("A"), mine("B").replace("5f61", "5f62")), "just one rule"),
        (failing, "fails its own tests"),
        (filter, "document"),
        (" ".repeat(300_000), "longer"),
        (String::new(), "no rule"),
    ] {
        let answer = put(&admin, &text);
        assert_eq!(answer.status, 422, "{why}: {}", answer.text());
        assert!(answer.text().contains(why), "{why}: {}", answer.text());
    }

    // Ours can be switched off, and not be replaced or deleted.
    let rules = admin.get("/api/v1/rules").json();
    let ours = format!("/api/v1/rules/{}", id_of(rules.as_array().unwrap(), "cloudtrail_logging_stopped.yml"));
    let shown = admin.get(&ours);
    let seen = admin.with("if-match", shown.header("etag").unwrap());
    assert_eq!(seen.call("PUT", &ours, &json!({"rule": mine("A")})).status, 409);
    assert_eq!(seen.delete(&ours).status, 409);
    assert_eq!(admin.call("PATCH", &ours, &json!({"enabled": false, "reason": "x"})).status, 428);
    assert_eq!(seen.call("PATCH", &ours, &json!({"enabled": false})).status, 422);
    let switched = seen.call("PATCH", &ours, &json!({"enabled": false, "reason": "we do this daily"}));
    assert_eq!((switched.status, &switched.json()["enabled"]), (200, &json!(false)), "{}", switched.text());
    assert_eq!(switched.json()["off"]["why"], "we do this daily");
    assert_eq!(seen.call("PATCH", &ours, &json!({"enabled": true})).status, 412, "it was changed");
    let finds_stopping = |account: &str| {
        admin.ingest(event(3, account, "StopLogging").as_bytes()).unwrap();
        admin.ingest(event(4, account, "EvenThing").as_bytes()).unwrap();
        wait("all is looked at", || found(&admin, account));
        let found = admin.get(&format!("/api/v1/findings?account={account}")).json();
        let id = shown.json()["id"].clone();
        found["findings"].as_array().unwrap().iter().any(|finding| finding["rule"] == id)
    };
    assert!(!finds_stopping("333333333333"));

    // All of it outlives the server.
    assert_eq!(server.stop(), Some(0));
    let server = Server::start(&data, &[]);
    let admin = Client { address: server.address, ..admin.clone() };
    let again = admin.get(&path);
    assert_eq!(again.json()["source"], json!(mine("EvenThing")));
    let ours_again = admin.get(&ours);
    assert_eq!(ours_again.json()["enabled"], false);
    let seen = admin.with("if-match", ours_again.header("etag").unwrap());
    assert_eq!(seen.call("PATCH", &ours, &json!({"enabled": true})).json()["enabled"], true);
    assert_eq!(admin.delete(&path).status, 428);
    assert_eq!(admin.with("if-match", again.header("etag").unwrap()).delete(&path).status, 204);
    assert_eq!((admin.get(&path).status, admin.delete(&path).status), (404, 404));
    let kinds: Vec<Value> = admin.get("/api/v1/audit?limit=200").json().as_array().unwrap().clone();
    for kind in ["rule.kept", "rule.off", "rule.on", "rule.deleted"] {
        assert!(kinds.iter().any(|entry| entry["kind"] == kind), "{kind}: {kinds:?}");
    }
}

#[test]
fn a_slow_rule_is_switched_off_and_said() {
    let folder = tempfile::tempdir().unwrap();
    let (_server, admin) = Server::with_admin(&folder.path().join("data"), &[]);
    let slow = mine("{}").replace("eventName: {}", "userAgent|re: 'a[ab]{2000}[^ab]'");
    let kept = admin.call("PUT", &format!("/api/v1/rules/{MINE}"), &json!({"rule": slow}));
    assert_eq!(kept.status, 201, "{}", kept.text());
    // Nothing repeats in it, so it is followed step by step.
    let mut seed = 7_u64;
    let mut letter = |_| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        if seed >> 63 == 0 { 'a' } else { 'b' }
    };
    let len = if cfg!(debug_assertions) { 15_000 } else { 200_000 };
    let agent: String = (0..len).map(&mut letter).collect();
    let long = |n: u64| event(n, "111122223333", "StopLogging").replace("aws-cli/2", &agent);
    // As many at a time as this machine needs to be slow.
    let (mut n, mut at_once) = (0_u64, 8);
    wait("it is off", || {
        let events: Vec<String> = (n..n + at_once).map(long).collect();
        assert_eq!(admin.ingest(events.join("\n").as_bytes()).unwrap().status, 200);
        (n, at_once) = (n + at_once, (at_once * 2).min(128));
        let log = || admin.get("/api/v1/status").json()["log"].clone();
        wait("it is looked at", || log()["detected"] == log()["durable"]);
        admin.get(&format!("/api/v1/rules/{MINE}")).json()["off"]["who"] == "server"
    });
    wait("it is a finding", || {
        let found = admin.get("/api/v1/findings?rule=skywarden.slow-rule").json();
        found["findings"].as_array().unwrap().iter().any(|f| f["title"].as_str().unwrap().contains("Mine"))
    });
    let others = admin.get("/api/v1/rules").json();
    assert_eq!(others.as_array().unwrap().iter().filter(|rule| rule["enabled"] == false).count(), 1);
}
