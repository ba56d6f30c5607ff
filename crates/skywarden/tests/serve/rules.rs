//! Rules as they are shown.

use serde_json::{Value, json};

use crate::server::{Server, event};

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
    ] {
        let answer = admin.post("/api/v1/rule-tests", &body);
        assert_eq!((answer.status, &answer.json()["errors"][0]["pointer"]), (422, &json!(pointer)), "{body}");
    }
}
