//! What the peers share: files of a corpus, inflated; rule texts; and the line of figures at the end.

use std::path::{Path, PathBuf};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The arguments: folders of rules before `--`, corpus behind it.
pub fn arguments() -> (Vec<String>, PathBuf) {
    let all: Vec<String> = std::env::args().skip(1).collect();
    let at = all.iter().position(|a| a == "--").expect("usage: PEER [RULES…] -- CORPUS");
    (all[..at].to_vec(), PathBuf::from(&all[at + 1]))
}

/// Every file under a folder, sorted.
pub fn files(root: &Path) -> Vec<PathBuf> {
    if root.is_file() {
        return vec![root.to_owned()];
    }
    let mut out: Vec<PathBuf> = Vec::new();
    for entry in std::fs::read_dir(root).expect("the corpus can be read") {
        out.extend(files(&entry.expect("a listed entry").path()));
    }
    out.sort();
    out
}

/// The texts of all rule files.
pub fn rules(folders: &[String]) -> Vec<String> {
    let all = folders.iter().flat_map(|folder| files(Path::new(folder)));
    all.filter(|f| f.extension().is_some_and(|e| e == "yml"))
        .map(|f| std::fs::read_to_string(f).expect("a rule file"))
        .collect()
}

/// Inflates a gzip file as fast as it can be done.
pub fn inflate(path: &Path, out: &mut Vec<u8>) {
    let packed = std::fs::read(path).expect("a corpus file");
    let size = u32::from_le_bytes(packed[packed.len() - 4..].try_into().expect("four bytes")) as usize;
    out.resize(size, 0);
    libdeflater::Decompressor::new().gzip_decompress(&packed, out).expect("a good gzip file");
}

/// Prints what was done; the time and memory of the process are for its parent to read.
pub fn finish(events: u64, hits: u64) {
    println!("{{\"events\":{events},\"hits\":{hits}}}");
}
