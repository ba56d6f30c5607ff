//! What a server knows, as a file, and back.

use std::path::Path;
use std::process::Output;

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::server::{Client, Server, event, skywarden, wait};

const ACCOUNT: &str = "111122223333";
const RULE: &str = "6d8a3c0e-1111-4a35-9d0f-1b2c3d4e5f63";

fn run(args: &[&str], data: &Path) -> Output {
    skywarden().args(args).arg("--data").arg(data).output().unwrap()
}

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// The findings of the worst tier, by uid: status, verdict, count.
fn findings(client: &Client) -> Vec<(String, Value, Value, Value)> {
    let found = client.get("/api/v1/findings?severity_min=5&limit=200").json();
    let mut all: Vec<_> = found["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|f| (f["uid"].as_str().unwrap().to_owned(), f["status"].clone(), f["verdict"].clone(), f["count"].clone()))
        .collect();
    all.sort_by(|a, b| a.0.cmp(&b.0));
    all
}

#[test]
fn what_is_destroyed_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let (data, file) = (folder.path().join("data"), folder.path().join("b.tar"));
    let (server, admin) = Server::with_admin(&data, &[]);
    let session = server.client(None).login("ada", "correct horse battery");
    let rule = format!(
        "title: Kept\nid: {RULE}\nlogsource: {{product: aws}}\ndetection: {{s: {{eventName: OddThing}}, condition: s}}\n"
    );
    assert_eq!(admin.call("PUT", &format!("/api/v1/rules/{RULE}"), &json!({"rule": rule})).status, 201);
    admin.ingest(event(1, ACCOUNT, "StopLogging").as_bytes()).unwrap();
    wait("the finding is there", || findings(&admin).len() == 1);
    let path = format!("/api/v1/findings/{}", findings(&admin)[0].0);
    let seen = admin.with("if-match", admin.get(&path).header("etag").unwrap());
    let decided = seen.call("PATCH", &path, &json!({"status": "resolved", "verdict": "true_positive"}));
    assert_eq!(decided.status, 200, "{}", decided.text());
    assert_eq!(admin.post(&format!("{path}/notes"), &json!({"text": "it was us"})).status, 201);

    // While it runs.
    let settings = folder.path().join("skywarden.toml");
    std::fs::write(&settings, "retain_days = 400\n").unwrap();
    let backup = ["backup", file.to_str().unwrap(), "--config", settings.to_str().unwrap()];
    let made = run(&backup, &data);
    assert!(made.status.success() && text(&made).contains("certificates"), "{}", text(&made));
    let again = run(&backup, &data);
    assert!(!again.status.success() && text(&again).contains("already"), "{}", text(&again));
    let before = findings(&admin);
    // What came later is in the lake, and not in the backup.
    admin.ingest(event(2_000, ACCOUNT, "StopLogging").as_bytes()).unwrap();
    wait("the other is there", || findings(&admin).len() == 2);
    let restore = ["restore", file.to_str().unwrap()];
    let running = run(&restore, &data);
    assert!(!running.status.success() && text(&running).contains(&server.pid().to_string()), "{}", text(&running));
    assert_eq!(server.stop(), Some(0));

    // It does not replace what is there unasked, and a damaged one replaces nothing.
    let files = || {
        let entries = std::fs::read_dir(&data).unwrap().map(|entry| entry.unwrap().path());
        let mut files: Vec<_> =
            entries.filter(|path| path.is_file()).map(|p| (std::fs::read(&p).unwrap(), p)).collect();
        files.sort_by(|a, b| a.1.cmp(&b.1));
        files.retain(|(_, path)| !path.ends_with("lock"));
        files
    };
    let there = files();
    let refused = run(&restore, &data);
    assert!(!refused.status.success() && text(&refused).contains("--overwrite"), "{}", text(&refused));
    let mut damaged = std::fs::read(&file).unwrap();
    let middle = damaged.len() / 2;
    damaged[middle] ^= 1;
    let bad = folder.path().join("bad.tar");
    std::fs::write(&bad, &damaged).unwrap();
    let refused = run(&["restore", "--overwrite", bad.to_str().unwrap()], &data);
    assert!(!refused.status.success() && text(&refused).contains("damaged"), "{}", text(&refused));
    assert!(files() == there, "nothing was changed");

    for entry in std::fs::read_dir(&data).unwrap() {
        let path = entry.unwrap().path();
        if path.file_name().unwrap().to_string_lossy().starts_with("state.") {
            std::fs::remove_file(path).unwrap();
        }
    }
    let restored = run(&restore, &data);
    assert!(restored.status.success(), "{}", text(&restored));
    assert_eq!(std::fs::read_to_string(data.join("settings.toml")).unwrap(), "retain_days = 400\n");
    assert!(!data.join("restore.new").exists() && !data.join("backup.new").exists());
    let server = Server::start(&data, &[]);
    let at = |client: &Client| Client { address: server.address, ..client.clone() };
    let (admin, session) = (at(&admin), at(&session));
    let now = findings(&admin);
    assert_eq!(now.len(), 2, "what the lake holds is folded: {now:?}");
    assert!(before.iter().all(|finding| now.contains(finding)), "{before:?} {now:?}");
    assert_eq!(admin.get(&format!("{path}/notes")).json()[0]["text"], "it was us");
    assert_eq!(admin.get(&format!("/api/v1/rules/{RULE}")).json()["title"], "Kept");
    assert_eq!(admin.get("/api/v1/audit/verification").json()["troubles"], json!([]));
    assert!(admin.get("/api/v1/audit?limit=100").text().contains("state.restored"));
    assert_eq!(session.get("/api/v1/session").status, 401, "sessions are not in it");
    assert_eq!(server.client(None).login("ada", "correct horse battery").get("/api/v1/session").status, 200);
    assert_eq!(server.stop(), Some(0));
    assert!(!data.join("fold-anew").exists());

    // Into another folder, and over what is there.
    let other = folder.path().join("other");
    assert!(run(&restore, &other).status.success());
    assert!(run(&["restore", "--overwrite", file.to_str().unwrap()], &data).status.success());
    let aside = std::fs::read_dir(&data).unwrap().map(|entry| entry.unwrap().path());
    let aside: Vec<_> = aside.filter(|path| path.to_string_lossy().contains("replaced-")).collect();
    assert!(aside.len() == 1 && aside[0].join("state.sqlite").is_file(), "{aside:?}");
    for data in [&data, &other] {
        let verified = skywarden().args(["verify", "audit", "--data"]).arg(data).output().unwrap();
        assert!(verified.status.success(), "{}", text(&verified));
    }
}

#[test]
fn a_folder_that_is_no_servers_is_not_backed_up() {
    let folder = tempfile::tempdir().unwrap();
    let (data, file) = (folder.path().join("nowhere"), folder.path().join("b.tar"));
    let output = run(&["backup", file.to_str().unwrap()], &data);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output).contains("there is no state of a server in"), "{}", text(&output));
    assert!(!data.exists() && !file.exists());
}

#[test]
fn a_backup_whose_state_cannot_be_opened_replaces_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (data, file) = (folder.path().join("data"), folder.path().join("b.tar"));
    let (server, _) = Server::with_admin(&data, &[]);
    assert!(run(&["backup", file.to_str().unwrap()], &data).status.success());
    assert_eq!(server.stop(), Some(0));

    // Ada gets a role that there is not, and the hash in the manifest goes with it.
    let mut archive = std::fs::read(&file).unwrap();
    let find = |archive: &[u8], what: &[u8]| archive.windows(what.len()).position(|part| part == what).unwrap();
    let begin = find(&archive, b"SQLite format 3\0");
    let size = std::str::from_utf8(&archive[begin - 512 + 124..begin - 512 + 135]).unwrap();
    let end = begin + usize::from_str_radix(size, 8).unwrap();
    let hash = |archive: &[u8]| -> String {
        Sha256::digest(&archive[begin..end]).iter().map(|byte| format!("{byte:02x}")).collect()
    };
    let before = hash(&archive);
    let at = find(&archive, b"adaadmin") + 3;
    archive[at..at + 5].copy_from_slice(b"xdmin");
    let at = find(&archive, before.as_bytes());
    let after = hash(&archive);
    archive[at..at + after.len()].copy_from_slice(after.as_bytes());
    let bad = folder.path().join("bad.tar");
    std::fs::write(&bad, &archive).unwrap();

    let refused = run(&["restore", "--overwrite", bad.to_str().unwrap()], &data);
    assert!(!refused.status.success() && text(&refused).contains("`xdmin` is no role"), "{}", text(&refused));
    let replaced =
        std::fs::read_dir(&data).unwrap().any(|entry| entry.unwrap().path().to_string_lossy().contains("replaced-"));
    assert!(!replaced && !data.join("restore.new").exists() && !data.join("fold-anew").exists());
    let server = Server::start(&data, &[]);
    server.client(None).login("ada", "correct horse battery");
}
