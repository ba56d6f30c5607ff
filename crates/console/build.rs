//! Puts what the web build made into the program, if it was made: without Node the program builds all the same.

#[path = "build/table.rs"]
mod table;

use std::path::{Path, PathBuf};

/// Another folder than `web/dist`.
const DIST: &str = "SKYWARDEN_WEB_DIST";

fn main() {
    println!("cargo::rerun-if-env-changed={DIST}");
    // Asked when it runs: clones that share a target folder share the compiled script.
    let here = std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it");
    let web = Path::new(&here).join("../../web");
    let dist = std::env::var_os(DIST).map_or_else(|| web.join("dist"), PathBuf::from);
    // A folder that is missing would make every build run this anew, so the one is watched in which it will appear.
    let watched = if dist.is_dir() || !web.is_dir() { &dist } else { &web };
    println!("cargo::rerun-if-changed={}", watched.display());
    let table = table::table(&dist).unwrap_or_else(|err| panic!("cannot read {}: {err}", dist.display()));
    let out = std::env::var_os("OUT_DIR").expect("cargo sets it");
    std::fs::write(Path::new(&out).join("files.rs"), table).expect("the output folder can be written");
}
