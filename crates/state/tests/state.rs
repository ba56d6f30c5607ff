//! What must hold of the state, seen from outside.

#![allow(clippy::unwrap_used, reason = "a test fails loudly")]

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use state::*;

/// The same bytes for the same number of calls.
struct Counted(Mutex<u8>);

impl Entropy for Counted {
    fn fill(&self, bytes: &mut [u8]) {
        let mut n = self.0.lock().unwrap();
        *n = n.wrapping_add(1);
        bytes.fill(*n);
    }
}

fn open(folder: &tempfile::TempDir) -> State {
    State::open(&folder.path().join("state.sqlite"), Arc::new(Counted(Mutex::new(0))), 0).unwrap()
}

fn admin() -> Identity {
    Identity { kind: Kind::User, name: "root".into(), role: Role::Admin, accounts: None }
}

fn row(n: u64) -> FindingRow {
    FindingRow {
        uid: format!("f{n:05}"),
        rule: format!("r{}", n % 7),
        title: format!("finding {n}"),
        severity: (n % 5 + 1) as u8,
        account: format!("a{}", n % 3),
        region: "eu-west-1".into(),
        principal: "user/alice".into(),
        source: "aws_cloudtrail".into(),
        source_ip: "192.0.2.1".into(),
        resource: String::new(),
        first_ms: n as i64 / 4,
        last_ms: n as i64 / 3,
        count: n % 11 + 1,
        document: format!("{{\"n\":{n}}}"),
    }
}

#[test]
fn sessions_end_at_a_new_password_and_the_last_admin_stays() {
    let (folder, pass) = (tempfile::tempdir().unwrap(), "correct horse battery");
    let state = open(&folder);
    let link = state.first_run(0).unwrap().unwrap();
    assert!(matches!(state.set_up(&link, "root", "short", 1), Err(UserError::Password)));
    assert!(matches!(state.set_up(&link, "root", pass, 24 * 3_600_000), Err(UserError::Link)));
    state.set_up(&link, "root", pass, 1).unwrap();
    assert!(matches!(state.set_up(&link, "other", pass, 2), Err(UserError::Link)));
    assert!(matches!(state.login("root", "wrong password", "ip", 3), Err(LoginError::Wrong)));
    let begun = state.login("root", pass, "ip", 3).unwrap();
    assert!(state.session(&begun.secret, 4).unwrap().is_csrf(&begun.csrf));
    state.set_password(&admin(), "root", "another long password", 5).unwrap();
    assert!(state.session(&begun.secret, 6).is_none());
    assert!(matches!(state.remove_user(&admin(), "root", 7), Err(UserError::LastAdmin(_))));
    assert!(matches!(state.set_role(&admin(), "root", Role::Viewer, None, 7), Err(UserError::LastAdmin(_))));
    let begun = state.login("root", "another long password", "ip", 10).unwrap();
    assert!(state.session(&begun.secret, 10 + 30 * 60_000).is_none(), "idle");
}

#[test]
fn a_token_is_good_until_it_is_revoked_and_grants_nothing_that_its_maker_lacks() {
    let folder = tempfile::tempdir().unwrap();
    let state = open(&folder);
    let new = |role| NewToken { name: "t".into(), role, accounts: None, until_ms: Some(100) };
    let viewer = Identity { role: Role::Viewer, ..admin() };
    assert!(matches!(state.make_token(&viewer, new(Role::Analyst), 0), Err(UserError::Lacks)));
    let made = state.make_token(&admin(), new(Role::IngestOnly), 0).unwrap();
    assert_eq!(state.token(&made.secret, 99).unwrap().role, Role::IngestOnly);
    assert!(state.token(&made.secret, 100).is_none());
    state.revoke_token(&admin(), "t", 50).unwrap();
    assert!(state.token(&made.secret, 51).is_none());
}

#[test]
fn of_two_analysts_one_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let state = open(&folder);
    state.upsert(&[row(1)], 1).unwrap();
    let change = Change { status: Some(Status::InProgress), ..Change::default() };
    let won: usize = std::thread::scope(|scope| {
        let tries: Vec<_> =
            (0..8).map(|_| scope.spawn(|| state.decide(&admin(), "f00001", 1, &change, 2).is_ok())).collect();
        tries.into_iter().map(|t| usize::from(t.join().unwrap())).sum()
    });
    assert_eq!(won, 1);
    assert_eq!(state.history("f00001").unwrap().len(), 1);
}

#[test]
fn a_suppression_holds_back_only_what_it_covers() {
    let folder = tempfile::tempdir().unwrap();
    let state = open(&folder);
    let dimensions = Dimensions { source_ip: Some("192.0.2.1".into()), ..Dimensions::default() };
    let new = NewSuppression { dimensions, reason: "scanner".into(), until_ms: 1_000 };
    state.suppress(&admin(), new, 1).unwrap();
    state.upsert(&[row(1)], 2).unwrap();
    let status = || state.finding("f00001", &admin()).unwrap().unwrap().status;
    assert_eq!(status(), Status::Suppressed);
    let wider = FindingRow { source_ip: "192.0.2.1 203.0.113.9".into(), document: "{}".into(), ..row(1) };
    state.upsert(&[wider], 3).unwrap();
    assert_eq!(status(), Status::New, "another address is news");
    state.upsert(&[row(1)], 4).unwrap();
    assert_eq!(status(), Status::Suppressed);
    state.end_suppressions(1_000).unwrap();
    assert_eq!(status(), Status::New);
}

#[test]
fn every_finding_that_was_there_is_on_one_page_while_others_come() {
    let folder = tempfile::tempdir().unwrap();
    let state = open(&folder);
    for sort in [Sort::Worst, Sort::Latest, Sort::Begun, Sort::Most] {
        let before: Vec<FindingRow> = (0..1_000).map(|n| row(n * 2)).collect();
        assert!(state.upsert(&before, 1).unwrap().len() <= 1_000);
        let (mut seen, mut cursor, mut odd) = (HashMap::<String, usize>::new(), None, 1);
        loop {
            let page = state.findings(&admin(), &Filter::default(), sort, cursor.as_deref(), 37).unwrap();
            page.findings.into_iter().for_each(|f| *seen.entry(f.row.uid).or_default() += 1);
            state.upsert(&[row(odd)], 2).unwrap();
            odd += 20;
            let Some(next) = page.next else { break };
            let foreign =
                state.findings(&admin(), &Filter { severity_min: Some(2), ..Filter::default() }, sort, Some(&next), 37);
            assert!(matches!(foreign, Err(CursorError::Foreign)));
            cursor = Some(next);
        }
        assert!(before.iter().all(|row| seen.get(&row.uid) == Some(&1)), "{sort:?}");
        assert!(state.upsert(&before, 3).unwrap().is_empty(), "what says nothing new changes nothing");
    }
}

#[test]
fn what_is_sent_twice_is_answered_once() {
    let folder = tempfile::tempdir().unwrap();
    let state = open(&folder);
    let request = Request { who: "user/a", key: "k", hash: [1; 32] };
    let answer = Answer { status: 201, body: b"made".to_vec() };
    assert_eq!(state.answered(request, 1).unwrap(), None);
    state.keep_answer(request, &answer, 1).unwrap();
    state.keep_answer(request, &Answer { status: 500, ..answer.clone() }, 2).unwrap();
    assert_eq!(state.answered(request, 3).unwrap(), Some(answer));
    assert!(matches!(state.answered(Request { hash: [2; 32], ..request }, 3), Err(IdempotencyError::Other)));
    assert_eq!(state.answered(Request { who: "user/b", ..request }, 3).unwrap(), None);
    assert_eq!(state.answered(request, 1 + 24 * 3_600_000).unwrap(), None);

    // What has begun is forgotten, answered, or was interrupted.
    let other = Request { key: "l", ..request };
    assert_eq!(state.begin_answer(other, 1).unwrap(), None);
    state.forget_answer(other).unwrap();
    assert_eq!(state.begin_answer(other, 2).unwrap(), None);
    drop(state);
    let state = open(&folder);
    assert!(matches!(state.begin_answer(other, 3), Err(IdempotencyError::Interrupted)));
    assert!(matches!(state.answered(other, 3), Err(IdempotencyError::Interrupted)));
    assert!(matches!(state.begin_answer(Request { hash: [2; 32], ..other }, 3), Err(IdempotencyError::Other)));
    let late = Answer { status: 200, body: b"late".to_vec() };
    state.keep_answer(other, &late, 3).unwrap();
    state.forget_answer(other).unwrap();
    assert_eq!(state.begin_answer(other, 4).unwrap(), Some(late), "what is answered is not forgotten");
    assert_eq!(state.begin_answer(other, 2 + 24 * 3_600_000).unwrap(), None);
}

#[test]
fn nobody_keeps_all_the_queries_there_may_be() {
    let folder = tempfile::tempdir().unwrap();
    let state = open(&folder);
    let query = state::NewSavedQuery { name: "n".into(), text: "t".into(), lang: "ql".into(), from: None, to: None };
    for n in 0..200 {
        state.save_query(&admin(), query.clone(), n).unwrap();
    }
    let refused = state.save_query(&admin(), query.clone(), 200).unwrap_err().to_string();
    assert!(refused.contains("200"), "{refused}");
    let other = Identity { name: "other".into(), ..admin() };
    let theirs = state.save_query(&other, query.clone(), 201).unwrap();
    assert!(state.delete_saved_query(&other, theirs.id, 202).is_ok());
}

#[test]
fn answers_are_bounded_by_number_and_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let state = open(&folder);
    let large = Answer { status: 200, body: vec![b'x'; 200 << 10] };
    for n in 0..100 {
        let key = format!("k{n}");
        state.keep_answer(Request { who: "user/a", key: &key, hash: [1; 32] }, &large, n).unwrap();
        state
            .keep_answer(Request { who: "user/b", key: &key, hash: [1; 32] }, &Answer { status: 204, body: vec![] }, n)
            .unwrap();
    }
    let kept = |who: &str| {
        let is_kept =
            |n: &i32| state.answered(Request { who, key: &format!("k{n}"), hash: [1; 32] }, 200).unwrap().is_some();
        (0..100).filter(is_kept).collect::<Vec<_>>()
    };
    assert_eq!(kept("user/b").len(), 100);
    let of_a = kept("user/a");
    assert!((50..=83).contains(&of_a.len()) && of_a.last() == Some(&99), "{of_a:?}");
}

#[test]
fn sessions_outlive_the_server_and_end_as_ever() {
    const MINUTE: i64 = 60_000;
    let folder = tempfile::tempdir().unwrap();
    let open = || State::open(&folder.path().join("state.sqlite"), Arc::new(state::SystemEntropy), 0).unwrap();
    let password = "correct horse battery";
    let (kept, left, out);
    {
        let state = open();
        let secret = state.first_run(1).unwrap().unwrap();
        state.set_up(&secret, "ada", password, 2).unwrap();
        state.add_user(&admin(), "bob", Role::Viewer, None, password, 3).unwrap();
        kept = state.login("ada", password, "ip", 4).unwrap();
        left = state.login("ada", password, "ip", 5).unwrap();
        out = state.login("bob", password, "ip", 6).unwrap();
        let gone = state.login("bob", password, "ip", 7).unwrap();
        state.logout(&gone.secret, 8).unwrap();
        // Used after 20 minutes, which is written down with the rest.
        assert!(state.session(&kept.secret, 20 * MINUTE).is_some());
        state.keep_sessions(21 * MINUTE).unwrap();
        let state = open();
        assert!(state.peek_session(&gone.secret, 21 * MINUTE).is_none(), "it was left");
    }
    let text = std::fs::read(folder.path().join("state.sqlite")).unwrap();
    for secret in [&kept.secret, &kept.csrf] {
        assert!(!text.windows(secret.len()).any(|part| part == secret.as_bytes()), "only hashes are kept");
    }
    let state = open();
    let session = state.peek_session(&kept.secret, 40 * MINUTE).unwrap();
    assert!(session.is_csrf(&kept.csrf) && session.identity.name == "ada");
    assert!(state.peek_session(&left.secret, 40 * MINUTE).is_none(), "idle");
    // A new password ends those that were begun before the restart, for good.
    state.set_password(&admin(), "bob", "another long password", 22 * MINUTE).unwrap();
    assert!(state.peek_session(&out.secret, 22 * MINUTE).is_none());
    assert!(open().peek_session(&out.secret, 22 * MINUTE).is_none());
    // However often it is used, it ends.
    for at in (40..12 * 60).step_by(20) {
        assert!(state.session(&kept.secret, at * MINUTE).is_some(), "{at}");
    }
    assert!(state.session(&kept.secret, 12 * 60 * MINUTE + 4).is_none());
    // Nor does a clock that was set back keep it.
    let late = state.login("ada", password, "ip", 1_000 * MINUTE).unwrap();
    assert!(state.peek_session(&late.secret, 999 * MINUTE).is_some());
    assert!(state.session(&late.secret, 990 * MINUTE).is_none());
    assert!(state.session(&late.secret, 1_000 * MINUTE).is_none(), "it has ended");
}

/// The state as the first version wrote it.
fn first_version(path: &std::path::Path) -> rusqlite::Connection {
    let connection = rusqlite::Connection::open(path).unwrap();
    let tables = "PRAGMA journal_mode = WAL; PRAGMA user_version = 1;
        CREATE TABLE audit (seq INTEGER PRIMARY KEY, time_ms INTEGER NOT NULL, who TEXT NOT NULL, kind TEXT NOT NULL, what TEXT NOT NULL, hash BLOB NOT NULL) STRICT;
        CREATE TABLE answer (who TEXT NOT NULL, key TEXT NOT NULL, request BLOB NOT NULL, status INTEGER NOT NULL, body BLOB NOT NULL, made_ms INTEGER NOT NULL, PRIMARY KEY (who, key)) STRICT;
        CREATE TABLE saved_query (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, text TEXT NOT NULL, lang TEXT NOT NULL, from_time TEXT, to_time TEXT, owner TEXT NOT NULL, created_ms INTEGER NOT NULL) STRICT;
        INSERT INTO answer VALUES ('user/a', 'k', zeroblob(32), 200, x'', 1);
        INSERT INTO saved_query VALUES (7, 'mine', 'fields @message', 'ql', NULL, NULL, 'user/a', 1);";
    connection.execute_batch(tables).unwrap();
    connection
}

fn version(path: &std::path::Path) -> i32 {
    let connection = rusqlite::Connection::open(path).unwrap();
    connection.query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap()
}

#[test]
fn an_older_state_is_brought_up_to_this_version_as_a_whole_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.sqlite");
    drop(first_version(&path));
    let state = open(&folder);
    assert_eq!(state.saved_queries().unwrap()[0].id, 7);
    assert_eq!(state.answered(Request { who: "user/a", key: "k", hash: [0; 32] }, 2).unwrap(), None);
    assert!(state.kept_rules().unwrap().is_empty());
    assert_eq!(version(&path), 2);

    // Something stands in the way of the last step.
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.sqlite");
    first_version(&path).execute_batch("CREATE VIEW finding AS SELECT 1 AS uid;").unwrap();
    let opened = State::open(&path, Arc::new(Counted(Mutex::new(0))), 0);
    assert!(opened.is_err());
    let connection = rusqlite::Connection::open(&path).unwrap();
    let n: i64 = connection.query_row("SELECT count(*) FROM answer", [], |row| row.get(0)).unwrap();
    let tables = "SELECT count(*) FROM sqlite_schema WHERE name = 'rule'";
    let n_new: i64 = connection.query_row(tables, [], |row| row.get(0)).unwrap();
    assert_eq!((version(&path), n, n_new), (1, 1, 0), "nothing of it happened");
}

#[test]
fn a_state_of_a_later_version_is_refused_before_anything_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.sqlite");
    // It may be a database of any make.
    rusqlite::Connection::open(&path).unwrap().execute_batch("PRAGMA user_version = 99; CREATE TABLE x (y);").unwrap();
    let before = std::fs::read(&path).unwrap();
    let refused = State::open(&path, Arc::new(Counted(Mutex::new(0))), 0).err().unwrap().to_string();
    assert!(refused.contains("99") && refused.contains("later version"), "{refused}");
    assert_eq!(std::fs::read(&path).unwrap(), before);
    let names: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["state.sqlite"]);
}

/// Edits, cuts, insertions and swaps at random places: each is found, and what was not touched verifies.
#[test]
fn ten_thousand_changes_of_the_audit_are_found() {
    const ENTRIES: i64 = 60;
    let folder = tempfile::tempdir().unwrap();
    let state = open(&folder);
    for n in 0..ENTRIES {
        state.note(n, &format!("user/{}", n % 7), "test", serde_json::json!({"n": n})).unwrap();
    }
    state.checkpoint(ENTRIES + 1_000_000).unwrap();
    let path = state.path().to_owned();
    drop(state);
    assert_eq!(state::audit::verify(&path).unwrap().troubles, []);
    let connection = rusqlite::Connection::open(&path).unwrap();
    let last: i64 = connection.query_row("SELECT max(seq) FROM audit", [], |row| row.get(0)).unwrap();
    let mut dice = 7_u64;
    let mut roll = |n: i64| {
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((dice >> 33) as i64).rem_euclid(n)
    };
    for number in 0..10_000 {
        let (kind, at, other) = (roll(8), 1 + roll(last), 1 + roll(last));
        connection.execute_batch("BEGIN").unwrap();
        let run = |sql: &str| connection.execute_batch(sql).unwrap();
        match kind {
            0 => run(&format!("UPDATE audit SET who = who || 'x' WHERE seq = {at}")),
            1 => run(&format!("UPDATE audit SET what = '{{\"n\":{}}}' WHERE seq = {at}", number + 1_000)),
            2 => run(&format!("UPDATE audit SET time_ms = time_ms + {} WHERE seq = {at}", 1 + other)),
            3 => run(&format!("UPDATE audit SET hash = randomblob(32) WHERE seq = {at}")),
            4 => run(&format!("DELETE FROM audit WHERE seq = {at}")),
            5 => run(&format!("DELETE FROM audit WHERE seq >= {at}")),
            6 => run(&format!(
                "INSERT INTO audit SELECT {last} + 1, time_ms, who, kind, what, hash FROM audit WHERE seq = {at}"
            )),
            _ if at == other => run(&format!("UPDATE audit SET kind = 'other' WHERE seq = {at}")),
            _ => run(&format!(
                "UPDATE audit SET seq = -1 WHERE seq = {at}; UPDATE audit SET seq = {at} WHERE seq = {other}; UPDATE audit SET seq = {other} WHERE seq = -1"
            )),
        }
        let report = state::audit::verify_connection(&connection, &path).unwrap();
        assert!(!report.troubles.is_empty(), "change {number}: {kind} at {at}, {other}");
        connection.execute_batch("ROLLBACK").unwrap();
    }
    assert_eq!(state::audit::verify(&path).unwrap().troubles, []);
}

/// A state with entries in its audit, closed; the path of its database.
fn closed(folder: &tempfile::TempDir, entries: i64) -> std::path::PathBuf {
    let state = open(folder);
    (0..entries).for_each(|n| state.note(n, "user/ada", "test", serde_json::json!({"n": n})).unwrap());
    state.checkpoint(0).unwrap();
    state.path().to_owned()
}

fn reopen(path: &std::path::Path) -> Result<State, StateError> {
    State::open(path, Arc::new(Counted(Mutex::new(100))), 7)
}

fn accept(path: &std::path::Path) -> State {
    State::accept(path, Arc::new(Counted(Mutex::new(100))), 7).unwrap()
}

#[track_caller]
fn mistrusted(path: &std::path::Path) -> Mistrust {
    match reopen(path) {
        Err(StateError::Mistrust { why, .. }) => why,
        other => panic!("{:?}", other.err()),
    }
}

#[test]
fn a_tail_that_is_cut_off_with_its_checkpoints_is_seen() {
    let folder = tempfile::tempdir().unwrap();
    let path = closed(&folder, 10);
    let (checkpoints, witness) = (path.with_extension("audit-checkpoints"), path.with_extension("audit-witness"));
    let early = {
        let state = reopen(&path).unwrap();
        let early = std::fs::read_to_string(&checkpoints).unwrap();
        (10..20).for_each(|n| state.note(n, "user/mallory", "test", serde_json::json!({"n": n})).unwrap());
        state.checkpoint(1).unwrap();
        early
    };
    assert_eq!(audit::verify(&path).unwrap().troubles, []);
    rusqlite::Connection::open(&path).unwrap().execute("DELETE FROM audit WHERE seq > 10", []).unwrap();
    std::fs::write(&checkpoints, &early).unwrap();
    assert_eq!(audit::verify(&path).unwrap().troubles, [Trouble::Cut { upto: 20 }]);
    assert!(matches!(mistrusted(&path), Mistrust::Replaced { found: 10, head } if head.seq == 20));
    // A checkpoint does not pass for the witness.
    std::fs::write(&witness, &early).unwrap();
    assert_eq!(audit::verify(&path).unwrap().troubles, [Trouble::UnsignedWitness]);
    assert!(matches!(mistrusted(&path), Mistrust::Unsigned { .. }));
    std::fs::remove_file(&witness).unwrap();
    assert_eq!(audit::verify(&path).unwrap().troubles, [Trouble::NoWitness]);
    // Who goes on without one says so in the audit.
    let state = reopen(&path).unwrap();
    assert_eq!(state.audit(i64::MAX, 1).unwrap()[0].kind, "audit.witness-begun");
    drop(state);
    assert_eq!(audit::verify(&path).unwrap().troubles, []);
}

#[test]
fn a_state_that_is_another_is_refused_until_somebody_accepts_it() {
    let elsewhere = tempfile::tempdir().unwrap();
    let other = closed(&elsewhere, 3);
    for said in ["the database is missing", "is not by the key", "the key of the audit is missing", "was replaced"] {
        let folder = tempfile::tempdir().unwrap();
        let path = closed(&folder, 10);
        let key = path.with_extension("audit-key");
        match said {
            "the database is missing" => std::fs::remove_file(&path).unwrap(),
            "is not by the key" => std::fs::write(key, [9; 32]).unwrap(),
            "the key of the audit is missing" => std::fs::remove_file(key).unwrap(),
            _ => _ = std::fs::copy(&other, &path).unwrap(),
        }
        let why = mistrusted(&path).to_string();
        assert!(why.contains(said), "{why}");
        assert_eq!(mistrusted(&path).to_string(), why, "asking changes nothing");
        let state = accept(&path);
        let newest = &state.audit(i64::MAX, 1).unwrap()[0];
        assert_eq!((newest.kind.as_str(), newest.who.as_str()), ("state.accepted", "system"), "{said}");
        assert!(newest.what.contains(said), "{}", newest.what);
        drop(state);
        assert_eq!(audit::verify(&path).unwrap().troubles, [], "{said}");
        reopen(&path).unwrap();
    }
    // Where nothing is wrong there is nothing to accept.
    let folder = tempfile::tempdir().unwrap();
    let path = closed(&folder, 2);
    assert_eq!(accept(&path).audit(i64::MAX, 10).unwrap().len(), 2);
}

#[test]
fn a_backup_is_accepted_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = closed(&folder, 5);
    let backup = folder.path().join("backup");
    back_up(&path, &backup).unwrap();
    let state = reopen(&path).unwrap();
    state.note(0, "user/ada", "test", serde_json::json!({})).unwrap();
    state.checkpoint(0).unwrap();
    drop(state);
    std::fs::copy(&backup, &path).unwrap();
    assert!(matches!(mistrusted(&path), Mistrust::Replaced { found: 5, .. }));
    drop(accept(&path));
    assert_eq!(audit::verify(&path).unwrap().troubles, []);
}

#[test]
fn a_state_in_which_something_of_others_acts_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.sqlite");
    drop(open(&folder));
    state::check(&path).unwrap();
    for evil in [
        "CREATE TRIGGER evil AFTER INSERT ON session BEGIN UPDATE user SET role = 'admin', accounts = NULL; END",
        "DROP TRIGGER finding_made; CREATE TRIGGER finding_made AFTER INSERT ON finding BEGIN DELETE FROM audit; END",
        "CREATE VIEW evil AS SELECT * FROM user",
    ] {
        let copy = folder.path().join("copy.sqlite");
        std::fs::copy(&path, &copy).unwrap();
        rusqlite::Connection::open(&copy).unwrap().execute_batch(evil).unwrap();
        let refused = state::check(&copy).unwrap_err();
        let why = std::error::Error::source(&refused).unwrap().to_string();
        assert!(why.contains("would act in it"), "{evil}: {why}");
    }
}
