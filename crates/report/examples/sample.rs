//! Writes a made-up but realistic report, to look at: `cargo run -p report --example sample [DIR] [FINDINGS]`.

#[path = "../tests/sample/mod.rs"]
mod sample;

fn main() -> std::io::Result<()> {
    let mut args = std::env::args().skip(1);
    let dir = std::path::PathBuf::from(args.next().unwrap_or_else(|| "/tmp".to_owned()));
    let n_findings = args.next().and_then(|n| n.parse().ok()).unwrap_or(60);
    let report = sample::report(n_findings);
    std::fs::write(dir.join("report-sample.html"), report::html(&report))?;
    std::fs::write(dir.join("report-sample.csv"), report::csv(&report))?;
    std::fs::write(dir.join("report-sample.txt"), report::text(&report, &report::TextOptions::default()))
}
