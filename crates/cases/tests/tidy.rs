//! What holds of the repository as a whole: the rules of direction, the shape of files, and that what must be there is there.
//!
//! Each message says what to do. Text is looked at, not types: what a lint can forbid is forbidden by a lint.

#![allow(clippy::unwrap_used, reason = "a test fails loudly")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The stages of the flow. Vocabularies (`event`, `predicate`) are open to all of them.
const STAGES: [&str; 14] = [
    "collect",
    "source",
    "wal",
    "aws",
    "lake",
    "query",
    "enrich",
    "detect",
    "respond",
    "report",
    "state",
    "generate",
    "console",
    "skywarden",
];
const VOCABULARY: [&str; 2] = ["event", "predicate"];
/// Crates that replay, simulation and fuzzing run: the same input gives the same output.
const QUIET: [&str; 4] = ["event", "predicate", "source", "detect"];
const LINES_MAX: usize = 700;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|err| panic!("cannot read {}: {err}", path.display()))
}

/// A file's path as people write it in this repository.
fn shown(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).display().to_string()
}

/// All files under a folder, but for what is built there.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut out = Vec::new();
    let Ok(entries) = std::fs::read_dir(folder) else { return out };
    for entry in entries {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            if !matches!(name.as_str(), ".git" | "target" | "node_modules" | "demo-out" | "corpus" | "artifacts") {
                out.extend(files(&path));
            }
        } else if name != ".git" {
            out.push(path);
        }
    }
    out.sort();
    out
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut out = files(folder);
    out.retain(|path| path.extension().is_some_and(|e| e == "rs"));
    assert!(!out.is_empty(), "no Rust files under {}", folder.display());
    out
}

/// The lines of a file that are code, with their numbers: comments are left out.
fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let lines = text.lines().enumerate().map(|(number, line)| (number + 1, line));
    lines.filter(|(_, line)| !line.trim_start().starts_with("//"))
}

fn crates() -> Vec<PathBuf> {
    let mut out: Vec<PathBuf> =
        std::fs::read_dir(root().join("crates")).unwrap().map(|entry| entry.unwrap().path()).collect();
    out.retain(|path| path.join("Cargo.toml").is_file());
    out.sort();
    out
}

fn name(path: &Path) -> String {
    path.file_name().unwrap().to_string_lossy().into_owned()
}

/// The names under a heading of a manifest.
fn dependencies(manifest: &str, heading: &str) -> Vec<String> {
    let section = manifest.split("\n[").find(|section| section.starts_with(&format!("{heading}]")));
    let lines = section.unwrap_or_default().lines().skip(1);
    let lines = lines.map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(|line| line.split(['.', ' ', '=']).next().unwrap().to_owned()).collect()
}

#[track_caller]
fn assert_none(wrong: &[String], what_to_do: &str) {
    assert!(wrong.is_empty(), "{what_to_do}:\n  {}", wrong.join("\n  "));
}

#[test]
fn a_stage_depends_on_no_other_stage() {
    let mut wrong = Vec::new();
    let of_program = dependencies(&read(&root().join("crates/skywarden/Cargo.toml")), "dependencies");
    assert!(
        ["event", "collect", "serde_json"].iter().all(|d| of_program.iter().any(|have| have == d)),
        "{of_program:?}"
    );
    for folder in crates() {
        let manifest = read(&folder.join("Cargo.toml"));
        let own = name(&folder);
        for other in dependencies(&manifest, "dependencies") {
            let is_allowed = match own.as_str() {
                "skywarden" => true,
                "query" if other == "lake" => true,
                "event" => !STAGES.contains(&other.as_str()) && other != "predicate",
                _ => !STAGES.contains(&other.as_str()),
            };
            if !is_allowed {
                wrong.push(format!("{own} depends on {other}"));
            }
        }
    }
    assert_none(
        &wrong,
        "let the stages meet in crates/skywarden/src/pipeline.rs, and move what both need into event or predicate",
    );
}

#[test]
fn quiet_crates_depend_on_no_crate_that_does_io() {
    let noisy = [
        "tokio",
        "async-std",
        "smol",
        "futures",
        "mio",
        "hyper",
        "reqwest",
        "ureq",
        "axum",
        "rustls",
        "socket2",
        "memmap2",
        "tempfile",
        "walkdir",
        "notify",
        "object_store",
        "rusqlite",
        "sqlx",
        "time",
        "chrono",
        "jiff",
        "rand",
        "getrandom",
        "fastrand",
        "uuid",
        "log",
        "tracing",
        "rayon",
        "crossbeam",
        "libc",
        "nix",
        "rustix",
    ];
    let mut wrong = Vec::new();
    for own in QUIET {
        let manifest = read(&root().join("crates").join(own).join("Cargo.toml"));
        let deps = dependencies(&manifest, "dependencies");
        wrong.extend(deps.iter().filter(|d| noisy.contains(&d.as_str())).map(|d| format!("{own} depends on {d}")));
    }
    assert_none(
        &wrong,
        "these crates do no IO and ask nobody for the time or for luck: take what is needed as a parameter",
    );
}

#[test]
fn quiet_crates_touch_nothing_outside() {
    let words = [
        "std::fs",
        "std::env",
        "std::process",
        "std::thread",
        "std::io::std",
        "SystemTime",
        "Instant::now",
        "TcpStream",
        "TcpListener",
        "UdpSocket",
        "UnixStream",
        "ToSocketAddrs",
        "File::open",
        "RandomState",
    ];
    let mut wrong = Vec::new();
    for own in QUIET {
        for path in rust_files(&root().join("crates").join(own).join("src")) {
            for (number, line) in code(&read(&path)) {
                for word in words.iter().filter(|word| line.contains(**word)) {
                    wrong.push(format!("{}:{number}: {word}", shown(&path)));
                }
            }
        }
    }
    assert_none(&wrong, "the same input must give the same output: take time, text and files as parameters");
}

#[test]
fn code_says_nothing_it_should_not() {
    let mut wrong = Vec::new();
    // In pieces, so that this file does not find itself.
    let never =
        [["to", "do!("].concat(), ["unimpl", "emented!("].concat(), ["db", "g!("].concat(), ["#[ign", "ore"].concat()];
    for folder in crates() {
        let is_program = name(&folder) == "skywarden";
        for path in rust_files(&folder) {
            let is_source = path.strip_prefix(&folder).unwrap().starts_with("src");
            for (number, line) in code(&read(&path)) {
                let place = format!("{}:{number}", shown(&path));
                for word in never.iter().filter(|word| line.contains(word.as_str())) {
                    wrong.push(format!("{place}: {word} is unfinished work: finish it or leave it out"));
                }
                let prints = ["println!(", "print!(", "eprint!("].iter().any(|word| line.contains(word));
                if is_source && !is_program && prints {
                    wrong.push(format!("{place}: only the crate skywarden prints: return the text"));
                }
            }
        }
    }
    assert_none(&wrong, "change these lines");
}

#[test]
fn files_open_with_what_they_are_and_are_not_too_long() {
    let mut wrong = Vec::new();
    for path in rust_files(&root().join("crates")).into_iter().chain(files(&root().join("fuzz"))) {
        if path.extension().is_none_or(|e| e != "rs") {
            continue;
        }
        let text = read(&path);
        if !text.starts_with("//!") {
            wrong.push(format!("{}: begin it with `//!` and what it is", shown(&path)));
        }
        let n_lines = text.lines().count();
        if n_lines > LINES_MAX {
            wrong.push(format!(
                "{}: {n_lines} lines, and {LINES_MAX} are the most: a part of it is a file of its own",
                shown(&path)
            ));
        }
    }
    assert_none(&wrong, "change these files");
}

#[test]
fn every_crate_takes_the_lints_and_has_a_description() {
    let mut wrong = Vec::new();
    let workspace = read(&root().join("Cargo.toml"));
    if !workspace.contains("unsafe_code = \"forbid\"") {
        wrong.push("Cargo.toml does not forbid unsafe code".to_owned());
    }
    for folder in crates() {
        let manifest = read(&folder.join("Cargo.toml"));
        for line in ["[lints]\nworkspace = true", "description = \"", "publish.workspace = true"] {
            if !manifest.contains(line) {
                wrong.push(format!("crates/{}/Cargo.toml lacks `{}`", name(&folder), line.replace('\n', " ")));
            }
        }
        if !workspace.contains(&format!("\"crates/{}\"", name(&folder))) {
            wrong.push(format!("crates/{} is not among the members in Cargo.toml", name(&folder)));
        }
        let is_known = STAGES.iter().chain(&VOCABULARY).chain(&["cases"]).any(|known| *known == name(&folder));
        if !is_known {
            wrong.push(format!("crates/{}: say in this test whether it is a stage", name(&folder)));
        }
    }
    assert_none(&wrong, "change these manifests");
}

#[test]
fn every_source_has_a_folder_and_cases() {
    let folder = root().join("crates/source");
    let list = read(&folder.join("src/source.rs"));
    let all = list.split("pub const ALL").nth(1).expect("source::ALL is in source.rs").split(';').next().unwrap();
    let names: Vec<&str> = all.split("crate::").skip(1).filter_map(|rest| rest.split("::").next()).collect();
    assert!(names.len() >= 2, "cannot read the names in source::ALL: {all}");
    let mut wrong = Vec::new();
    for name in &names {
        if !folder.join("src").join(name).is_dir() && !folder.join(format!("src/{name}.rs")).is_file() {
            wrong.push(format!("crates/source/src/{name}: write what the source is"));
        }
        if !files(&folder.join("cases")).iter().any(|file| file.file_stem().is_some_and(|stem| stem == *name)) {
            wrong.push(format!("crates/source/cases/…/{name}.md: write cases for it"));
        }
    }
    for entry in std::fs::read_dir(folder.join("src")).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !names.contains(&name(&path).as_str()) {
            wrong.push(format!("{} is not in source::ALL", shown(&path)));
        }
    }
    assert_none(&wrong, "a source is a folder, a line in source::ALL and a case file");
}

/// What a rule file holds, as far as its lines tell.
#[derive(Default)]
struct Rule {
    id: String,
    n_fires: usize,
    n_silent: usize,
    missing: Vec<&'static str>,
}

fn rule(text: &str) -> Rule {
    let mut rule = Rule::default();
    let mut under = "";
    for line in text.lines() {
        match line {
            "    fires:" => under = "fires",
            "    silent:" => under = "silent",
            _ if line.starts_with("      - name:") && under == "fires" => rule.n_fires += 1,
            _ if line.starts_with("      - name:") && under == "silent" => rule.n_silent += 1,
            _ => {}
        }
        if let Some(id) = line.strip_prefix("id:") {
            rule.id = id.trim().to_owned();
        }
    }
    let needs = [
        ("a `title`", "\ntitle:"),
        ("a UUID as `id`", "\nid:"),
        ("a `description`", "\ndescription:"),
        ("a `level`", "\nlevel:"),
        ("an ATT&CK technique among its `tags`", "\n  - attack.t"),
        ("`falsepositives`", "\nfalsepositives:"),
        ("a `title` under `skywarden`", "\n  title:"),
        ("`triage` under `skywarden`", "\n  triage:\n    - "),
    ];
    let text = format!("\n{text}");
    rule.missing = needs.into_iter().filter(|(_, mark)| !text.contains(mark)).map(|(what, _)| what).collect();
    rule
}

#[test]
fn every_rule_of_ours_is_whole() {
    let mut wrong = Vec::new();
    let mut ids: BTreeMap<String, String> = BTreeMap::new();
    let rules = files(&root().join("content/rules"));
    for path in &rules {
        let file = shown(path);
        if path.extension().is_none_or(|e| e != "yml") {
            wrong.push(format!("{file}: only `.yml` files are rules"));
            continue;
        }
        let rule = rule(&read(path));
        wrong.extend(rule.missing.iter().map(|what| format!("{file}: give it {what}")));
        if rule.n_fires < 1 || rule.n_silent < 2 {
            wrong.push(format!(
                "{file}: {} firing and {} silent events, and one and two are the least",
                rule.n_fires, rule.n_silent
            ));
        }
        let is_uuid = rule.id.len() == 36
            && rule.id.bytes().all(|b| b == b'-' || b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        if !is_uuid {
            wrong.push(format!("{file}: `{}` is no UUID in small letters", rule.id));
        }
        if let Some(other) = ids.insert(rule.id.clone(), file.clone()) {
            wrong.push(format!("{file}: {other} has the same id: give it one of its own"));
        }
    }
    assert_none(&wrong, "change these rules");
    assert!(rules.len() >= 60, "{} rules, and 60 are the least", rules.len());
}

#[test]
fn what_a_repository_needs_is_there() {
    let mut wrong = Vec::new();
    for (file, text) in [
        ("README.md", "make demo"),
        ("README.md", "make test"),
        ("ARCHITECTURE.md", "pipeline"),
        ("CONTRIBUTING.md", "|"),
        ("STYLE.md", "Names"),
        ("CHANGELOG.md", "#"),
        ("SECURITY.md", "report"),
        ("LICENSE", "Apache License"),
        ("Makefile", "test:"),
        ("Makefile", "demo:"),
        (".ci/run", "make test"),
        ("Cargo.lock", "name = \"skywarden\""),
    ] {
        let path = root().join(file);
        if !path.is_file() {
            wrong.push(format!("{file} is missing"));
        } else if !read(&path).contains(text) {
            wrong.push(format!("{file} does not say `{text}`"));
        }
    }
    let ignored = read(&root().join(".gitignore"));
    if ignored.contains("Cargo.lock") {
        wrong.push(".gitignore leaves Cargo.lock out: it is committed".into());
    }
    assert_none(&wrong, "write these files");
}

/// A clone must build and read well anywhere.
#[test]
fn no_file_names_a_machine() {
    // In pieces, so that this file does not find itself.
    let places =
        [["/wo", "rk/"].concat(), ["/ro", "ot/"].concat(), ["/ho", "me/"].concat(), ["local", "host:"].concat()];
    let mut wrong = Vec::new();
    for path in files(&root()) {
        let Ok(text) = std::fs::read_to_string(&path) else { continue };
        let is_lock = path.ends_with("Cargo.lock");
        for (number, line) in text.lines().enumerate() {
            for place in places.iter().filter(|place| line.contains(place.as_str())) {
                wrong.push(format!("{}:{}: {place}", shown(&path), number + 1));
            }
            // Packages come from the public registry, whatever mirror this machine uses.
            let is_mirror = is_lock
                && line.starts_with("source = ")
                && !line.contains("https://github.com/rust-lang/crates.io-index");
            if is_mirror {
                wrong.push(format!("{}:{}: {line}", shown(&path), number + 1));
            }
        }
    }
    assert_none(&wrong, "say it without the name of a folder or host of one machine");
}
