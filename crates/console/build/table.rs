//! The table of the files in a folder, as Rust text.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// The table; empty if there is no `index.html`. What the web build has packed is taken in packed, and only the rest as it is.
pub fn table(dist: &Path) -> std::io::Result<String> {
    let mut table = String::from("&[\n");
    if dist.join("index.html").is_file() {
        let dist = dist.canonicalize()?;
        let mut paths = Vec::new();
        list(&dist, &mut paths)?;
        // As text: paths are compared part by part, which is another order.
        paths.sort_by_key(|path| path.to_string_lossy().into_owned());
        for path in &paths {
            file(&mut table, &dist, path)?;
        }
    }
    table.push_str("]\n");
    Ok(table)
}

fn list(folder: &Path, paths: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            list(&path, paths)?;
        } else {
            paths.push(path);
        }
    }
    Ok(())
}

fn file(table: &mut String, dist: &Path, path: &Path) -> std::io::Result<()> {
    let is_packed = path.extension().is_some_and(|e| e == "br" || e == "gz") && path.with_extension("").is_file();
    if is_packed {
        return Ok(());
    }
    let name = path.strip_prefix(dist).expect("listed under it").to_string_lossy().replace('\\', "/");
    let beside = |ending: &str| {
        let path = PathBuf::from(format!("{}.{ending}", path.display()));
        path.is_file().then_some(path)
    };
    let (br, gz) = (beside("br"), beside("gz"));
    // The page is written anew for each request, and whoever knows no packing gets what is unpacked here.
    let plain = (gz.is_none() || name == "index.html").then(|| path.to_owned());
    let bytes = |path: Option<PathBuf>| match path {
        Some(path) => format!("Some(include_bytes!({:?}))", path.display().to_string()),
        None => "None".to_owned(),
    };
    writeln!(
        table,
        "    File {{ path: {:?}, kind: {:?}, is_immutable: {}, hash: {:?}, br: {}, gz: {}, plain: {} }},",
        format!("/{name}"),
        kind(&name),
        name.starts_with("assets/"),
        format!("{:016x}", fnv(&std::fs::read(path)?)),
        bytes(br),
        bytes(gz),
        bytes(plain),
    )
    .expect("text takes all");
    Ok(())
}

fn kind(name: &str) -> &'static str {
    match name.rsplit('.').next().unwrap_or_default() {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" | "map" => "application/json",
        "webmanifest" => "application/manifest+json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "wasm" => "application/wasm",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

/// FNV-1a: it tells one build's file from another's, and keeps no secret.
fn fnv(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}
