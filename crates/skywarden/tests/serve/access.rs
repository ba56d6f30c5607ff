//! Who may do what: every operation of the description, by everybody.

use serde_json::{Value, json};

use crate::server::{Client, Server, event, wait};

/// The permissions that a role has, written down apart from the program.
fn allowed(role: &str, permission: &str) -> bool {
    let viewer = ["session:own", "findings:read", "query:run", "rules:read", "system:read"];
    let analyst = ["findings:write", "suppressions:write"];
    match role {
        "admin" => true,
        "ingest-only" => matches!(permission, "ingest:write" | "session:own"),
        "viewer" => viewer.contains(&permission),
        "analyst" => viewer.contains(&permission) || analyst.contains(&permission),
        "responder" => permission == "rules:write" || viewer.contains(&permission) || analyst.contains(&permission),
        _ => false,
    }
}

/// The operations: method, path, permission (nothing if anybody may).
fn operations(document: &Value) -> Vec<(String, String, Option<String>)> {
    let mut operations = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let Some(security) = operation["security"].as_array() else { panic!("{method} {path} says not who may") };
            let scopes: Vec<&str> = security[0]
                .as_object()
                .into_iter()
                .flatten()
                .flat_map(|(_, scopes)| scopes.as_array().unwrap())
                .map(|scope| scope.as_str().unwrap())
                .collect();
            assert!(scopes.len() <= 1, "{method} {path}");
            operations.push((method.to_uppercase(), path.clone(), scopes.first().map(|s| (*s).to_owned())));
        }
    }
    operations
}

#[test]
fn every_operation_by_everybody() {
    let folder = tempfile::tempdir().unwrap();
    let (server, admin) = Server::with_admin(&folder.path().join("data"), &[]);
    let document = admin.get("/api/v1/openapi.json").json();
    let operations = operations(&document);
    assert!(operations.len() >= 30, "{}", operations.len());
    // A right that is taken away must not let the last admin go: these operations are called with a user that does not exist.
    let mut callers: Vec<(String, Client)> = vec![
        ("nobody".to_owned(), server.client(None)),
        ("forged".to_owned(), server.client(Some("swk_000000000000000000000000000000000000000000000000abcdef"))),
    ];
    for role in ["ingest-only", "viewer", "analyst", "responder", "admin"] {
        let made = admin.post("/api/v1/tokens", &json!({"name": format!("of-{role}"), "role": role}));
        callers.push((role.to_owned(), server.client(made.json()["secret"].as_str())));
    }
    let now_ms = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis() as u64;
    let made = admin.post("/api/v1/tokens", &json!({"name": "expired", "role": "admin", "until": now_ms + 1}));
    std::thread::sleep(std::time::Duration::from_millis(5));
    callers.push(("expired".to_owned(), server.client(made.json()["secret"].as_str())));
    let made = admin.post("/api/v1/tokens", &json!({"name": "revoked", "role": "admin"}));
    assert_eq!(admin.delete("/api/v1/tokens/revoked").status, 204);
    callers.push(("revoked".to_owned(), server.client(made.json()["secret"].as_str())));

    let mut n_cells = 0;
    for (method, path, permission) in &operations {
        if path == "/api/v1/stream" {
            continue;
        }
        let path = path.replace("{id}", "0").replace("{uid}", "0").replace("{name}", "no-such-thing");
        for (role, client) in &callers {
            let body = matches!(method.as_str(), "POST" | "PUT" | "PATCH").then_some(b"{}".as_slice());
            let answer = client.with("content-type", "application/json").send(method, &path, body).unwrap();
            n_cells += 1;
            let Some(permission) = permission else { continue };
            let what = format!("{role}: {method} {path}: {} {}", answer.status, answer.text());
            match role.as_str() {
                "nobody" | "forged" | "expired" | "revoked" => assert_eq!(answer.status, 401, "{what}"),
                role if allowed(role, permission) => assert!(!matches!(answer.status, 401 | 403), "{what}"),
                _ => assert_eq!(answer.status, 403, "{what}"),
            }
        }
    }
    assert!(n_cells >= 250, "{n_cells}");
}

#[test]
fn sessions_begin_and_end() {
    let folder = tempfile::tempdir().unwrap();
    let (server, admin) = Server::with_admin(&folder.path().join("data"), &[]);
    let anybody = server.client(None);
    // The link was used.
    let again = json!({"secret": server.secret, "name": "eve", "password": "correct horse battery"});
    assert_eq!(anybody.post("/api/v1/setup", &again).status, 401);

    let answer = anybody.post("/api/v1/session", &json!({"name": "ada", "password": "correct horse battery"}));
    let cookie = answer.header("set-cookie").unwrap();
    for part in ["__Host-", "Secure", "HttpOnly", "SameSite=Strict", "Path=/"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    let session = anybody.login("ada", "correct horse battery");
    assert_eq!(session.get("/api/v1/session").json()["role"], "admin");
    // Without the header, or from another page, nothing is changed.
    let bare = Client { headers: vec![session.headers[0].clone()], ..session.clone() };
    let token = json!({"name": "x", "role": "viewer"});
    assert_eq!(bare.post("/api/v1/tokens", &token).status, 403);
    assert_eq!(session.with("origin", "https://evil.example").post("/api/v1/tokens", &token).status, 403);
    assert_eq!(session.with("sec-fetch-site", "cross-site").post("/api/v1/tokens", &token).status, 403);
    assert_eq!(session.post("/api/v1/tokens", &token).status, 201);
    assert_eq!(session.delete("/api/v1/session").status, 204);
    assert_eq!(session.get("/api/v1/session").status, 401);

    // A role that is taken away holds at once; the last admin stays.
    let new = json!({"name": "bob", "role": "analyst", "password": "another long password"});
    assert_eq!(admin.post("/api/v1/users", &new).status, 204);
    assert_eq!(admin.post("/api/v1/users", &new).status, 409);
    for name in ["..", ".x", "r\u{43e}ot", "a/b", ""] {
        let new = json!({"name": name, "role": "viewer", "password": "another long password"});
        assert_eq!(admin.post("/api/v1/users", &new).status, 422, "{name}");
    }
    let bob = anybody.login("bob", "another long password");
    assert_eq!(bob.get("/api/v1/findings").status, 200);
    assert_eq!(admin.call("PUT", "/api/v1/users/bob", &json!({"role": "ingest-only"})).status, 200);
    assert_eq!(bob.get("/api/v1/findings").status, 401, "his session has ended");
    assert_eq!(admin.call("PUT", "/api/v1/users/ada", &json!({"role": "viewer"})).status, 409);
    assert_eq!(admin.delete("/api/v1/users/ada").status, 409);
    assert_eq!(admin.delete("/api/v1/users/bob").status, 204);

    // Wrong passwords are slowed down, and a right one too then; another name is not.
    let ask = |password: &str| anybody.post("/api/v1/session", &json!({"name": "ada", "password": password}));
    for n in 0..10 {
        assert_eq!(ask("wrong password").status, 401, "{n}");
    }
    // On a machine that is slow enough the pause is over when the next one comes.
    let slow = crate::server::first(|| {
        Some(ask("wrong password")).filter(|answer| answer.status == 429)?;
        Some(ask("correct horse battery")).filter(|answer| answer.status == 429)
    });
    assert!(slow.header("retry-after").is_some());
    assert_eq!(anybody.post("/api/v1/session", &json!({"name": "bob", "password": "x"})).status, 401);
}

#[test]
fn who_sees_some_accounts_sees_no_others() {
    let folder = tempfile::tempdir().unwrap();
    let (server, admin) = Server::with_admin(&folder.path().join("data"), &[]);
    let (own, other) = ("111122223333", "444455556666");
    let events: Vec<String> = (0..40).map(|n| event(n, if n % 2 == 0 { own } else { other }, "StopLogging")).collect();
    admin.ingest(events.join("\n").as_bytes()).unwrap();
    wait("the events are in the lake", || {
        admin.post("/api/v1/queries?wait_s=20", &json!({"text": "stats count(*) as n"}));
        admin.query("stats count(*) as n", "ql").first().is_some_and(|row| row["n"] == 40)
    });
    let made = admin.post("/api/v1/tokens", &json!({"name": "scoped", "role": "analyst", "accounts": [own]}));
    let scoped = server.client(made.json()["secret"].as_str());

    let counts = |client: &Client, text: &str, lang: &str| {
        client.query(text, lang).first().map_or(json!(0), |row| row["n"].clone())
    };
    for (text, lang, all, of_own) in [
        ("stats count(*) as n", "ql", 40, 20),
        ("filter recipientAccountId = '444455556666' | stats count(*) as n", "ql", 20, 0),
        ("filter @message like /444455556666/ | stats count(*) as n", "ql", 20, 0),
        ("SELECT count(*) AS n FROM cloudtrail", "sql", 40, 20),
        ("SELECT count(*) AS n FROM cloudtrail a JOIN cloudtrail b ON a.eventName = b.eventName", "sql", 1_600, 400),
        ("SELECT count(*) AS n FROM (SELECT * FROM cloudtrail UNION ALL SELECT * FROM cloudtrail) x", "sql", 80, 40),
        ("SELECT count(*) AS n FROM cloudtrail WHERE event_account = '444455556666' OR true", "sql", 40, 20),
        (
            "WITH t AS (SELECT event_account AS a FROM cloudtrail) SELECT count(*) AS n FROM t WHERE a <> '111122223333'",
            "sql",
            20,
            0,
        ),
    ] {
        assert_eq!(counts(&admin, text, lang), json!(all), "{text}");
        assert_eq!(counts(&scoped, text, lang), json!(of_own), "{text}");
    }
    // How a query is worked out tells of files, which hold more than theirs.
    let explained = |client: &Client| {
        let rows = client.query("EXPLAIN SELECT eventName FROM cloudtrail", "sql");
        rows.iter().map(ToString::to_string).collect::<String>()
    };
    assert!(explained(&admin).contains(".parquet"), "{}", explained(&admin));
    assert!(
        explained(&scoped).contains("eventName") && !explained(&scoped).contains("parquet"),
        "{}",
        explained(&scoped)
    );
    // What does not say whose it is does not exist for them.
    for table in ["findings", "quarantine"] {
        let asked = json!({"text": format!("SELECT count(*) AS n FROM {table}"), "lang": "sql"});
        assert_eq!(scoped.post("/api/v1/queries?wait_s=20", &asked).json()["state"], "failed", "{table}");
    }

    let accounts = |client: &Client| {
        let page = client.get("/api/v1/findings?limit=200").json();
        let all: Vec<String> =
            page["findings"].as_array().unwrap().iter().map(|f| f["account"].as_str().unwrap().to_owned()).collect();
        all
    };
    wait("findings of both", || accounts(&admin).iter().any(|a| a == other));
    assert!(!accounts(&scoped).is_empty() && accounts(&scoped).iter().all(|account| account == own));
    let foreign = admin.get(&format!("/api/v1/findings?account={other}")).json()["findings"][0]["uid"].clone();
    let path = format!("/api/v1/findings/{}", foreign.as_str().unwrap());
    assert_eq!(scoped.get(&path).status, 404);
    assert_eq!(scoped.with("if-match", "\"1\"").call("PATCH", &path, &json!({"status": "resolved"})).status, 404);
    assert_eq!(scoped.post(&format!("{path}/notes"), &json!({"text": "x"})).status, 404);
    assert_eq!(scoped.get("/api/v1/ledger").status, 403, "it is about all accounts");
    // Nobody grants what they lack.
    let made = admin.post("/api/v1/tokens", &json!({"name": "scoped-admin", "role": "admin", "accounts": [own]}));
    let scoped_admin = server.client(made.json()["secret"].as_str());
    assert_eq!(scoped_admin.post("/api/v1/tokens", &json!({"name": "all", "role": "admin"})).status, 403);
}

#[test]
fn what_is_not_described_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (_server, admin) = Server::with_admin(&folder.path().join("data"), &[]);
    assert_eq!(admin.get("/api/v1/nothing").status, 404);
    assert_eq!(admin.send("TRACE", "/api/v1/findings", None).unwrap().status, 405);
    for path in ["/../../etc/passwd", "/api/v1/findings/..%2f..%2fetc", "/api/v1/rules/%00", "//evil.example/"] {
        assert!(matches!(admin.get(path).status, 400 | 404), "{path}");
    }
    let form = admin
        .with("content-type", "text/plain")
        .send("POST", "/api/v1/queries", Some(b"{\"text\":\"limit 1\"}"))
        .unwrap();
    assert_eq!(form.status, 400);
}

/// One caller cannot take all connections with streams that never end.
#[test]
fn a_caller_has_only_so_many_streams() {
    use std::io::{Read as _, Write as _};
    let folder = tempfile::tempdir().unwrap();
    let (server, admin) = Server::with_admin(&folder.path().join("data"), &[]);
    let made = admin.post("/api/v1/tokens", &json!({"name": "watcher", "role": "viewer"}));
    let token = made.json()["secret"].as_str().unwrap().to_owned();
    let open = || {
        let mut stream = std::net::TcpStream::connect(server.client(None).address).unwrap();
        write!(stream, "GET /api/v1/stream HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\n\r\n").unwrap();
        let mut head = [0; 12];
        stream.read_exact(&mut head).unwrap();
        (stream, String::from_utf8_lossy(&head).into_owned())
    };
    let held: Vec<_> = (0..16).map(|_| open()).collect();
    assert!(held.iter().all(|(_, head)| head == "HTTP/1.1 200"));
    assert_eq!(open().1, "HTTP/1.1 429");
    drop(held);
    crate::server::wait("there is room again", || open().1 == "HTTP/1.1 200");
}

#[test]
fn what_is_sent_twice_is_done_once() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let (server, admin) = Server::with_admin(&data, &[]);
    let query = |name: &str| json!({"name": name, "text": "fields @message", "lang": "ql"});
    let path = "/api/v1/saved-queries";
    let n_saved = |client: &Client| client.get(path).json().as_array().unwrap().len();
    let keyed = admin.with("idempotency-key", "one");
    let first = keyed.post(path, &query("a"));
    assert_eq!((first.status, first.header("idempotency-replayed")), (201, None), "{}", first.text());
    let again = keyed.post(path, &query("a"));
    assert_eq!((again.status, again.header("idempotency-replayed")), (201, Some("true")));
    assert_eq!((again.json(), n_saved(&admin)), (first.json(), 1));
    let other = keyed.post(path, &query("b"));
    assert_eq!((other.status, other.json()["errors"][0]["pointer"].as_str()), (422, Some("idempotency-key")));
    assert_eq!(keyed.post("/api/v1/suppression-previews", &query("a")).status, 422, "another path");
    // A key is its caller's own.
    let token = admin.post("/api/v1/tokens", &json!({"name": "other", "role": "admin"})).json();
    let stranger = server.client(token["secret"].as_str()).with("idempotency-key", "one");
    assert_eq!(stranger.post(path, &query("b")).status, 201);
    // A refusal is given again too.
    let refused = admin.with("idempotency-key", "two");
    assert_eq!(refused.post(path, &query("")).status, 422);
    let again = refused.post(path, &query(""));
    assert_eq!((again.status, again.header("content-type")), (422, Some("application/problem+json")));
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    for key in ["", &"x".repeat(256)] {
        assert_eq!(admin.with("idempotency-key", key).post(path, &query("c")).status, 400);
    }
    // Where secrets are made nothing is kept.
    let made = admin.with("idempotency-key", "three");
    let token = json!({"name": "once", "role": "viewer"});
    assert_eq!(made.post("/api/v1/tokens", &token).status, 201);
    let again = made.post("/api/v1/tokens", &token);
    assert_eq!((again.status, again.header("idempotency-replayed")), (409, None));

    assert_eq!(server.stop(), Some(0));
    let server = Server::start(&data, &[]);
    let keyed = Client { address: server.address, ..keyed };
    assert_eq!(keyed.post(path, &query("a")).json(), first.json());
    assert_eq!(n_saved(&Client { address: server.address, ..admin }), 2);
}

#[test]
fn of_two_at_once_one_runs() {
    let folder = tempfile::tempdir().unwrap();
    let (_server, admin) = Server::with_admin(&folder.path().join("data"), &[]);
    let query = json!({"name": "a", "text": "fields @message", "lang": "ql"});
    let keyed = admin.with("idempotency-key", "one");
    let answers: Vec<u16> = std::thread::scope(|scope| {
        let sent: Vec<_> = (0..8).map(|_| scope.spawn(|| keyed.post("/api/v1/saved-queries", &query).status)).collect();
        sent.into_iter().map(|sent| sent.join().unwrap()).collect()
    });
    assert!(answers.contains(&201) && answers.iter().all(|status| matches!(status, 201 | 409)), "{answers:?}");
    assert_eq!(admin.get("/api/v1/saved-queries").json().as_array().unwrap().len(), 1);
}

#[test]
fn who_asks_too_often_waits_and_logs_come_in() {
    let folder = tempfile::tempdir().unwrap();
    let (server, admin) = Server::with_admin(&folder.path().join("data"), &["--requests-per-s", "1"]);
    let told = admin.get("/api/v1/rules");
    assert_eq!(told.header("ratelimit-policy"), Some("\"caller\";q=10;w=10"));
    assert!(told.header("ratelimit").unwrap().starts_with("\"caller\";r="), "{:?}", told.headers);
    let refused = crate::server::first(|| Some(admin.get("/api/v1/session")).filter(|answer| answer.status == 429));
    assert_eq!(refused.header("content-type"), Some("application/problem+json"));
    assert!(refused.header("retry-after").unwrap().parse::<u64>().unwrap() >= 1);
    assert!(refused.header("ratelimit").unwrap().contains("r=0"));
    // Logs are not counted, nor is whoever looks whether the server is there.
    for n in 0..30 {
        assert_eq!(admin.ingest(event(n, "111122223333", "GetThing").as_bytes()).unwrap().status, 200);
        assert_eq!(server.client(None).get("/healthz").status, 200);
    }
    // Bad tokens are counted by address, and good ones are not hurt by them.
    let forged = server.client(Some("swk_000000000000000000000000000000000000000000000000abcdef"));
    crate::server::first(|| Some(forged.get("/api/v1/rules")).filter(|answer| answer.status == 429));
    crate::server::wait("the admin may ask again", || admin.get("/api/v1/rules").status == 200);
}

#[test]
fn a_session_outlives_the_server() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let (server, admin) = Server::with_admin(&data, &[]);
    let session = server.client(None).login("ada", "correct horse battery");
    let gone = server.client(None).login("ada", "correct horse battery");
    assert_eq!(gone.delete("/api/v1/session").status, 204);
    // It is there at once, and not only after an orderly end.
    server.kill();
    let server = Server::start(&data, &[]);
    let at = |client: &Client| Client { address: server.address, ..client.clone() };
    assert_eq!(at(&session).get("/api/v1/session").json()["csrf"], session.headers[1].1.as_str());
    let token = json!({"name": "x", "role": "viewer"});
    assert_eq!(at(&session).post("/api/v1/tokens", &token).status, 201);
    assert_eq!(at(&gone).get("/api/v1/session").status, 401);
    drop(admin);
}
