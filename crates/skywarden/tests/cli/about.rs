//! What the program says of itself, and the logs it makes up.

use super::{Folder, inside, skywarden, tree};

#[test]
fn completions_of_every_shell() {
    for (shell, mark) in [
        ("bash", "complete -F"),
        ("zsh", "#compdef skywarden"),
        ("fish", "complete -c skywarden"),
        ("powershell", "Register-ArgumentCompleter"),
    ] {
        let ran = skywarden(["completions", shell]).run().ends(0);
        assert!(ran.stdout.contains(mark) && ran.stdout.contains("fail-on"), "{shell}");
        assert_eq!(ran.stderr, "");
    }
    skywarden(["completions", "cmd"]).run().ends(2).says("powershell");
}

#[test]
fn manual_pages() {
    let page = skywarden(["man"]).run().ends(0).stdout;
    assert!(page.contains(".TH") && page.contains("skywarden"), "{page}");
    let folder = Folder::new();
    inside(&folder, "man --out pages/man1").run().ends(0);
    let pages = tree(&folder.path().join("pages/man1"));
    let names: Vec<_> = pages.iter().map(|(name, _)| name.to_string_lossy().into_owned()).collect();
    for name in
        ["skywarden.1", "skywarden-scan.1", "skywarden-rules.1", "skywarden-rules-lint.1", "skywarden-generate.1"]
    {
        assert!(names.iter().any(|have| have == name), "no {name} in {names:?}");
    }
    let scan = pages.iter().find(|(name, _)| name.ends_with("skywarden-scan.1")).unwrap();
    assert!(String::from_utf8_lossy(&scan.1).contains("Exit codes"));
    folder.file("file", "");
    inside(&folder, "man --out file").run().ends(1).says("cannot make folder file");
}

#[test]
fn version() {
    let text = skywarden(["--version"]).run().ends(0).stdout;
    assert!(text.starts_with(&format!("skywarden {} (", env!("CARGO_PKG_VERSION"))), "{text}");
    assert_eq!(skywarden(["version"]).run().ends(0).stdout, text);
    let json = skywarden(["version", "--json"]).run().ends(0).stdout;
    assert_eq!(skywarden(["--version", "--json"]).run().ends(0).stdout, json);
    let parts: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(parts["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(parts["ocsf"], "1.3.0");
    assert!(parts["rules"].as_u64() >= Some(60), "{json}");
    skywarden(["--json"]).run().ends(2);
}

#[test]
fn help_names_the_exit_codes() {
    for args in [&["--help"][..], &["scan", "--help"], &["help", "scan"]] {
        let help = skywarden(args).run().ends(0).stdout.replace('\n', " ");
        for code in ["0 ok", "1 failure", "2 usage", "3 findings at or above --fail-on", "4 partial"] {
            assert!(help.contains(code), "{args:?} does not say {code}");
        }
    }
    for command in ["events", "rules", "generate", "completions", "man", "version"] {
        assert!(skywarden([command, "--help"]).run().ends(0).stdout.contains("Usage:"), "{command}");
    }
}

#[test]
fn colours_are_for_terminals_and_for_those_who_ask() {
    let log = super::record::lines(&super::record::attack());
    let scan = |args: &[&str]| skywarden(["scan", "-"]).args(args).stdin(log.clone());
    let is_coloured = |ran: super::Ran| ran.stdout.contains("\u{1b}[");
    assert!(!is_coloured(scan(&[]).run()), "a pipe is no terminal");
    assert!(is_coloured(scan(&["--color", "always"]).run()));
    assert!(is_coloured(scan(&[]).env("CLICOLOR_FORCE", "1").run()));
    assert!(!is_coloured(scan(&[]).env("NO_COLOR", "1").env("CLICOLOR_FORCE", "1").run()));
    assert!(!is_coloured(scan(&["--color", "never"]).env("CLICOLOR_FORCE", "1").run()));
    assert!(!is_coloured(scan(&["--color", "always", "--format", "jsonl"]).run()), "JSON has no colours");
}

#[test]
fn generated_logs_are_the_same_for_the_same_seed() {
    let folder = Folder::new();
    for (name, seed) in [("a", "7"), ("b", "7"), ("c", "8")] {
        let ran =
            inside(&folder, &format!("generate {name} --seed {seed} --days 1 --events 400 --flows 300")).run().ends(0);
        assert!(ran.stdout.starts_with("Wrote ") && ran.stdout.contains("400 CloudTrail events"), "{}", ran.stdout);
    }
    let [a, b, c] = ["a", "b", "c"].map(|name| tree(&folder.path().join(name)));
    assert!(a == b, "the same seed gives the same bytes");
    assert!(a != c, "another seed gives others");
    inside(&folder, "generate d --days 0").run().ends(2).says("--days");
    inside(&folder, "generate a --days 1 --events 400 --flows 300").run().ends(0).says("note: a is not empty");
    inside(&folder, "generate d --start soon")
        .run()
        .ends(1)
        .says("cannot read --start \"soon\": give a date such as 2026-11-01");
    folder.file("file", "");
    inside(&folder, "generate file/x").run().ends(1).says("cannot generate logs into file/x");
}

/// What `make demo` shows: the attack in generated logs is found, and without it nothing is as bad.
#[test]
fn the_generated_attack_is_found() {
    let folder = Folder::new();
    inside(&folder, "generate with --days 1 --events 400 --flows 300").run().ends(0);
    inside(&folder, "generate without --days 1 --events 400 --flows 300 --no-attack").run().ends(0);
    inside(&folder, "scan with/AWSLogs --fail-on critical --quiet").run().ends(3).says("Story");
    let ran = inside(&folder, "scan without/AWSLogs --fail-on high --quiet").run();
    assert_eq!(ran.code, 0, "a quiet day has no high finding:\n{}", ran.stdout);
}
