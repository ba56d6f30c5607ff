//! The console's page and files, whether or not this program was built with them.

use crate::server::{Client, Server};

const HTML: (&str, &str) = ("accept", "text/html,application/xhtml+xml,*/*;q=0.8");

/// The nonce of a page: it is in the policy, and nowhere else than where styles need it.
fn nonce(client: &Client, path: &str) -> String {
    let page = client.with(HTML.0, HTML.1).get(path);
    assert_eq!(page.status, 200, "{path}: {}", page.text());
    let policy = page.header("content-security-policy").unwrap();
    for part in ["default-src 'none'", "script-src 'self';", "base-uri 'none'", "trusted-types default"] {
        assert!(policy.contains(part), "{policy}");
    }
    for (name, value) in [
        ("content-type", "text/html; charset=utf-8"),
        ("cache-control", "no-store"),
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
        ("referrer-policy", "no-referrer"),
        ("cross-origin-opener-policy", "same-origin"),
    ] {
        assert_eq!(page.header(name), Some(value), "{name}");
    }
    let nonce = policy.split("'nonce-").nth(1).unwrap().split('\'').next().unwrap().to_owned();
    assert!(nonce.len() >= 32 && page.text().contains(&nonce), "{nonce}: {}", page.text());
    assert!(!page.text().contains("__CSP_NONCE__"));
    nonce
}

#[test]
fn the_page_is_at_every_path_that_is_nobody_elses() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&folder.path().join("data"), &[]);
    let anybody = server.client(None);
    assert_ne!(nonce(&anybody, "/"), nonce(&anybody, "/"));
    nonce(&anybody, "/setup");
    let page = anybody.with(HTML.0, HTML.1);
    let head = page.send("HEAD", "/", None).unwrap();
    assert_eq!((head.status, head.body.len()), (200, 0));
    assert!(head.header("content-security-policy").unwrap().contains("'nonce-"));
    assert_eq!(anybody.get("/").status, 200);

    // Programs are told what is not there, and so is whoever sends something.
    for path in ["/findings/abc", "/.env", "//evil.example/"] {
        let answer = anybody.get(path);
        assert_eq!((answer.status, answer.header("content-type")), (404, Some("application/problem+json")), "{path}");
    }
    for path in ["/api", "/api/v1/nothing", "/services/nothing", "/assets/nothing.js", "/healthz/nothing"] {
        let answer = page.get(path);
        assert_eq!((answer.status, answer.header("content-type")), (404, Some("application/problem+json")), "{path}");
    }
    assert_eq!(page.send("POST", "/findings", Some(b"x")).unwrap().status, 404);

    let text = page.get("/").text();
    let Some(script) = text.split('"').find(|part| part.starts_with("/assets/") && part.ends_with(".js")) else {
        assert!(text.contains("no console") && !text.contains("<script"), "{text}");
        assert_eq!(page.get("/findings/abc").status, 404);
        return;
    };
    nonce(&anybody, "/findings/abc?tab=events");
    let mut tags = Vec::new();
    for (accept, encoding) in [("gzip, br", Some("br")), ("gzip", Some("gzip")), ("identity", None)] {
        let file = anybody.with("accept-encoding", accept).get(script);
        assert_eq!((file.status, file.header("content-encoding")), (200, encoding));
        assert_eq!(file.header("content-type"), Some("text/javascript; charset=utf-8"));
        assert_eq!(file.header("cache-control"), Some("public, max-age=31536000, immutable"));
        let tag = file.header("etag").unwrap().to_owned();
        let again = anybody.with("accept-encoding", accept).with("if-none-match", &tag).get(script);
        assert_eq!((again.status, again.body.len()), (304, 0));
        tags.push(tag);
    }
    tags.dedup();
    assert_eq!(tags.len(), 3, "{tags:?}");
}
