//! What of a folder is put into the program.

#![allow(clippy::unwrap_used, reason = "a test fails loudly")]

#[path = "../build/table.rs"]
mod table;

/// The lines of the table, without the folder's own path.
fn lines(dist: &std::path::Path) -> Vec<String> {
    let table = table::table(dist).unwrap();
    let here = dist.canonicalize().unwrap_or_default().display().to_string();
    table.lines().filter(|line| line.contains("File {")).map(|line| line.replace(&here, "")).collect()
}

#[test]
fn what_is_packed_is_taken_in_packed() {
    let folder = tempfile::tempdir().unwrap();
    let dist = folder.path();
    assert_eq!(lines(&dist.join("nothing")), Vec::<String>::new());
    std::fs::create_dir(dist.join("assets")).unwrap();
    for file in ["assets/a.js", "assets/a.js.br", "assets/a.js.gz", "assets/f.woff2", "assets/old.gz"] {
        std::fs::write(dist.join(file), file).unwrap();
    }
    assert_eq!(lines(dist), Vec::<String>::new(), "there is no page");
    for file in ["index.html", "index.html.br", "index.html.gz"] {
        std::fs::write(dist.join(file), file).unwrap();
    }
    let lines = lines(dist);
    let has = [
        (
            "/assets/a.js",
            "br: Some(include_bytes!(\"/assets/a.js.br\")), gz: Some(include_bytes!(\"/assets/a.js.gz\")), plain: None",
        ),
        ("/assets/f.woff2", "br: None, gz: None, plain: Some(include_bytes!(\"/assets/f.woff2\"))"),
        ("/assets/old.gz", "br: None, gz: None, plain: Some(include_bytes!(\"/assets/old.gz\"))"),
        ("/index.html", "plain: Some(include_bytes!(\"/index.html\"))"),
    ];
    assert_eq!(lines.len(), has.len(), "{lines:#?}");
    for (line, (path, part)) in lines.iter().zip(has) {
        assert!(line.contains(&format!("path: {path:?}")) && line.contains(part), "{line}");
        assert!(line.contains(&format!("is_immutable: {}", path.starts_with("/assets/"))), "{line}");
    }
}
