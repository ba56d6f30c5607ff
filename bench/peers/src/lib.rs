//! What the peers and the ceiling share: the task off the command line, files inflated, records parsed one by one, and the line of figures.
//!
//! Peers get what Skywarden has: the fastest inflater, the same allocator, one record at a time in warm memory.

pub mod record;

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use libdeflater::Decompressor;
use serde_json::{Value, json};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const USAGE: &str = "usage: PEER [--by-rule] [RULES…] -- CORPUS…";

/// What to do.
pub struct Task {
    rules: Vec<PathBuf>,
    corpus: Vec<PathBuf>,
    is_by_rule: bool,
}

impl Task {
    /// Reads the command line: rules before `--`, corpora behind it.
    pub fn from_arguments() -> Task {
        let mut all: Vec<String> = std::env::args().skip(1).collect();
        let is_by_rule = all.first().is_some_and(|first| first == "--by-rule");
        let at = all.iter().position(|a| a == "--").expect(USAGE);
        let corpus = all.split_off(at + 1).into_iter().map(PathBuf::from).collect();
        let rules = all[usize::from(is_by_rule)..at].iter().map(PathBuf::from).collect();
        Task { rules, corpus, is_by_rule }
    }

    /// The texts of all rule files.
    pub fn rule_texts(&self) -> Vec<String> {
        let paths = self.rules.iter().flat_map(|folder| files(folder));
        paths
            .filter(|f| f.extension().is_some_and(|e| e == "yml"))
            .map(|f| std::fs::read_to_string(f).expect("a rule file"))
            .collect()
    }

    /// Calls for every file of the corpus, inflated.
    pub fn each_file(&self, mut call: impl FnMut(&[u8])) {
        let mut buffer = Vec::new();
        let mut decompressor = Decompressor::new();
        for path in self.corpus.iter().flat_map(|folder| files(folder)) {
            let packed = std::fs::read(path).expect("a corpus file");
            // A gzip file ends with the length of what is in it; our corpora have one member a file.
            let length = packed.last_chunk().map_or(0, |length| u32::from_le_bytes(*length) as usize);
            buffer.resize(length, 0);
            decompressor.gzip_decompress(&packed, &mut buffer).expect("a good gzip file");
            call(&buffer);
        }
    }

    /// Shows every CloudTrail record of the corpus to a peer, and prints the figures.
    pub fn run(&self, n_rules: usize, mut evaluate: impl FnMut(Value, &mut Hits)) {
        let mut seen = HashSet::new();
        let mut hits = Hits { total: 0, by_rule: self.is_by_rule.then(BTreeMap::new) };
        let (mut n_events, mut n_bytes) = (0, 0);
        self.each_file(|text| {
            n_bytes += text.len() as u64;
            record::each(text, |record| {
                n_events += 1;
                // CloudTrail delivers some events twice; hits are compared without the copies.
                if !self.is_by_rule || seen.insert(record["eventID"].to_string()) {
                    evaluate(record, &mut hits);
                }
            });
        });
        print(
            json!({"events": n_events, "bytes": n_bytes, "rules": n_rules, "hits": hits.total, "by_rule": hits.by_rule}),
        );
    }
}

/// What rules held.
pub struct Hits {
    total: u64,
    by_rule: Option<BTreeMap<String, u64>>,
}

impl Hits {
    /// Counts a hit of the rule with this id.
    pub fn add(&mut self, rule: Option<&str>) {
        self.total += 1;
        if let Some(by_rule) = &mut self.by_rule {
            *by_rule.entry(rule.unwrap_or_default().to_owned()).or_default() += 1;
        }
    }
}

/// Prints figures as a line of JSON, with the time and memory that this process took as the kernel counts them.
pub fn print(mut figures: Value) {
    let on_cpu = std::fs::read_to_string("/proc/self/schedstat").unwrap_or_default();
    let on_cpu = on_cpu.split(' ').next().and_then(|ns| ns.parse().ok()).map(Duration::from_nanos);
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let peak_kb = peak.and_then(|rest| rest.split_whitespace().next()).and_then(|kb| kb.parse::<u64>().ok());
    figures["cpu_s"] = json!(on_cpu.map(|time| time.as_secs_f64()));
    figures["peak_rss_kb"] = json!(peak_kb);
    println!("{figures}");
}

/// Every file under a folder, sorted.
fn files(root: &Path) -> Vec<PathBuf> {
    if root.is_file() {
        return vec![root.to_owned()];
    }
    let entries = std::fs::read_dir(root).expect("a folder that can be read");
    let mut out: Vec<PathBuf> = entries.flat_map(|entry| files(&entry.expect("a listed entry").path())).collect();
    out.sort();
    out
}
