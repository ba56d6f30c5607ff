//! What findings add up to, and which techniques rules are about.

use serde_json::{Value, json};

use crate::server::{Client, Server, event, wait};

const OWN: &str = "111122223333";
const OTHER: &str = "444455556666";

/// A server with a critical finding in each of two accounts, and somebody who sees the first only.
fn with_findings(folder: &std::path::Path) -> (Server, Client, Client) {
    let (server, admin) = Server::with_admin(&folder.join("data"), &[]);
    admin.ingest([event(1, OWN, "StopLogging"), event(2, OTHER, "StopLogging")].join("\n").as_bytes()).unwrap();
    let made = admin.post("/api/v1/tokens", &json!({"name": "scoped", "role": "viewer", "accounts": [OWN]}));
    let scoped = server.client(made.json()["secret"].as_str());
    wait("findings of both", || {
        let page = admin.get("/api/v1/findings?severity_min=5").json();
        page["findings"].as_array().unwrap().len() == 2
    });
    (server, admin, scoped)
}

#[test]
fn techniques_have_rules_and_findings_or_none() {
    let folder = tempfile::tempdir().unwrap();
    let (_server, admin, scoped) = with_findings(folder.path());
    let coverage = admin.get("/api/v1/coverage").json();
    let names: Vec<&str> =
        coverage["tactics"].as_array().unwrap().iter().map(|tactic| tactic["name"].as_str().unwrap()).collect();
    assert_eq!((names.len(), names[0], names[13]), (14, "Reconnaissance", "Impact"), "{names:?}");
    let techniques = |coverage: &Value| -> Vec<Value> {
        let tactics = coverage["tactics"].as_array().unwrap().clone();
        tactics.iter().flat_map(|tactic| tactic["techniques"].as_array().unwrap().clone()).collect()
    };
    let all = techniques(&coverage);
    let ids: std::collections::BTreeSet<&str> = all.iter().map(|t| t["id"].as_str().unwrap()).collect();
    assert!(ids.len() > 150 && all.iter().any(|t| t["rules"] == json!([])), "{}", ids.len());
    let findings = |coverage: &Value| {
        let found = techniques(coverage).into_iter().find(|t| t["id"] == "T1562.008" && t["rules"] != json!([]));
        found.unwrap()["findings"].as_u64().unwrap()
    };
    assert_eq!(findings(&coverage), 2 * findings(&scoped.get("/api/v1/coverage").json()));
    assert!(findings(&coverage) >= 2);
}

#[test]
fn figures_are_of_what_one_may_see() {
    let folder = tempfile::tempdir().unwrap();
    let (_server, admin, scoped) = with_findings(folder.path());
    let kpis = admin.get("/api/v1/kpis?days=366").json();
    assert_eq!(
        (&kpis["days"], &kpis["open_critical"], &kpis["mttr_s"]),
        (&json!(366), &json!(2), &Value::Null),
        "{kpis}"
    );
    assert!(kpis["new_today"].as_u64() >= Some(2) && kpis["open"].as_u64() >= Some(2), "{kpis}");
    assert_eq!(kpis["top_rules"][0]["severity_id"], 5, "{kpis}");
    assert_ne!(kpis["top_rules"][0]["title"], kpis["top_rules"][0]["rule"]);

    let uid = scoped.get("/api/v1/findings?severity_min=5").json()["findings"][0]["uid"].as_str().unwrap().to_owned();
    let path = format!("/api/v1/findings/{uid}");
    let tag = admin.get(&path).header("etag").unwrap().to_owned();
    let closed = json!({"status": "resolved", "verdict": "false_positive"});
    assert_eq!(admin.with("if-match", &tag).call("PATCH", &path, &closed).status, 200);
    let kpis = scoped.get("/api/v1/kpis?days=366").json();
    assert_eq!((&kpis["open_critical"], &kpis["false_positive_rate"]), (&json!(0), &json!(1.0)), "{kpis}");
    assert!(kpis["mttr_s"].as_f64() < Some(120.0) && kpis["mttr_s"].as_f64() > Some(0.0), "{kpis}");
    for top in kpis["top_principals"].as_array().unwrap() {
        assert_eq!(top["account"], OWN);
    }
    let day = kpis["trend"][0]["day"].as_str().unwrap();
    assert!(day.len() == 10 && day.starts_with("2026-11-"), "{kpis}");
    assert_eq!(admin.get("/api/v1/kpis").json()["days"], 30);
    for days in ["0", "367", "-1", "x"] {
        assert!(matches!(admin.get(&format!("/api/v1/kpis?days={days}")).status, 400 | 422), "{days}");
    }
}

#[test]
fn the_status_tells_how_late_detection_is() {
    let folder = tempfile::tempdir().unwrap();
    let delay = [("SKYWARDEN_FAILPOINT", "findings.before=6000@1")];
    let (_server, admin) = Server::with_admin_in(&folder.path().join("data"), &[], &delay);
    let late = || admin.get("/api/v1/status").json()["log"]["late_s"].as_f64().unwrap();
    assert_eq!(late(), 0.0);
    admin.ingest(event(1, "111122223333", "StopLogging").as_bytes()).unwrap();
    wait("it waits", || late() > 1.0);
    assert!(!admin.get("/metrics").text().contains("skywarden_log_late_seconds 0\n"));
    wait("it was looked at", || late() == 0.0);
    assert!(admin.get("/metrics").text().contains("skywarden_log_late_seconds 0\n"));
}
