//! The state of a server is missing, or is another one.

use std::path::Path;

use crate::server::{Server, skywarden};

fn start(data: &Path) -> String {
    let out = skywarden().args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(data).output().unwrap();
    assert!(!out.status.success());
    String::from_utf8_lossy(&out.stderr).into_owned()
}

fn remove(data: &Path, is_gone: impl Fn(&str) -> bool) {
    for entry in std::fs::read_dir(data).unwrap() {
        let path = entry.unwrap().path();
        if is_gone(path.file_name().unwrap().to_str().unwrap()) {
            std::fs::remove_file(path).unwrap();
        }
    }
}

#[test]
fn a_state_that_is_missing_is_said_and_not_made_anew_without_a_word() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let (server, _) = Server::with_admin(&data, &[]);
    assert_eq!(server.stop(), Some(0));
    let log = std::fs::read_to_string(data.with_extension("log")).unwrap();
    assert!(log.contains("is the last, its hash is "), "the log knows the head of the audit: {log}");

    remove(&data, |name| name == "state.audit-key");
    let said = start(&data);
    assert!(said.contains("the key of the audit is missing") && said.contains("--accept-state"), "{said}");
    let doctor = skywarden().args(["doctor", "--data"]).arg(&data).output().unwrap();
    let doctor = String::from_utf8_lossy(&doctor.stdout).into_owned();
    assert!(doctor.contains("WRONG state and audit: there are entries and no key"), "{doctor}");

    remove(&data, |name| name.starts_with("state."));
    let said = start(&data);
    assert!(said.contains("there is a lake and a log") && said.contains("--accept-state"), "{said}");
    assert!(!data.join("state.sqlite").exists());
    let doctor = skywarden().args(["doctor", "--data"]).arg(&data).output().unwrap();
    assert!(String::from_utf8_lossy(&doctor.stdout).contains("state.sqlite is missing"));

    std::fs::remove_file(data.join("has-users")).unwrap();
    let (server, client) = Server::with_admin(&data, &["--accept-state"]);
    let audit = client.get("/api/v1/audit").json();
    let kinds: Vec<&str> = audit.as_array().unwrap().iter().map(|entry| entry["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds.last(), Some(&"state.accepted"), "{audit}");
    assert_eq!(server.stop(), Some(0));
    Server::start(&data, &[]);
}
