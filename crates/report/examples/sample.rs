//! Writes a made-up but realistic report, to look at: `cargo run -p report --example sample [DIR]`.

#[path = "../tests/sample/mod.rs"]
mod sample;

fn main() -> std::io::Result<()> {
    let dir = std::path::PathBuf::from(std::env::args().nth(1).unwrap_or_else(|| "/tmp".to_owned()));
    let report = sample::report(60);
    std::fs::write(dir.join("report-sample.html"), report::html(&report))?;
    std::fs::write(dir.join("report-sample.csv"), report::csv(&report))?;
    std::fs::write(dir.join("report-sample.txt"), report::text(&report, &report::TextOptions::default()))
}
