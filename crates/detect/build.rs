//! Lists the rule files under `content/rules`, so that a new rule is one file and no line anywhere.

use std::path::{Path, PathBuf};

fn main() {
    // Asked when it runs: clones that share a target folder share the compiled script.
    let here = std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it");
    let root = Path::new(&here).join("../../content/rules");
    println!("cargo::rerun-if-changed={}", root.display());
    let mut files = Vec::new();
    rule_files(&root, &mut files);
    files.sort();
    let mut list = String::from("&[\n");
    for file in &files {
        println!("cargo::rerun-if-changed={}", file.display());
        let name = file.strip_prefix(&root).expect("listed under the root").display().to_string();
        list.push_str(&format!("    ({name:?}, include_str!({:?})),\n", file.display().to_string()));
    }
    list.push_str("]\n");
    let out = std::env::var_os("OUT_DIR").expect("cargo sets it");
    std::fs::write(Path::new(&out).join("rules.rs"), list).expect("the output folder can be written");
}

fn rule_files(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("the rules are part of the repository") {
        let path = entry.expect("a listed folder can be read").path();
        if path.is_dir() {
            println!("cargo::rerun-if-changed={}", path.display());
            rule_files(&path, files);
        } else if path.extension().is_some_and(|e| e == "yml") {
            files.push(path);
        }
    }
}
