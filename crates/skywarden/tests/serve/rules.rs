//! Rules as they are shown.

use serde_json::Value;

use crate::server::Server;

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
