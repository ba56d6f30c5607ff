//! `ingest`: logs into the lake, once.

use std::collections::BTreeMap;
use std::io::Write;
use std::time::{Duration, Instant};

use anyhow::Context;
use clap::{Args as ClapArgs, ValueEnum};
use event::layout::Estate;
use lake::{Lake, Mode, Options};
use predicate::diagnostic::visible;
use serde_json::json;

use super::End;
use super::about::VERSION;
use super::input::{Place, Rules};
use super::progress::{Unit, with_progress, with_spinner};
use super::scan::{draw_problems, now_ms};
use crate::keep::{Done, HITS, Keep, QUARANTINE};
use crate::pipeline::{Outcome, Plan, scan};
use crate::refold::{Refolded, refold};

/// Findings that the summary lists.
const FINDINGS_MAX: usize = 20;
/// Inputs that the summary lists of those that were not read as a whole.
const SKIPPED_MAX: usize = 20;

/// `ingest`
#[derive(Debug, ClapArgs)]
#[command(
    after_help = "The same record taken in again, in whatever object and order, adds nothing: it is counted as a duplicate. A run that was cut off is finished by running it again.\n\n\
Exit codes: 0 ok, 1 failure, 2 usage, 4 partial: some input could not be read.\n\n\
Examples:\n  skywarden ingest ./cloudtrail --lake ./lake\n  zcat events.json.gz | skywarden ingest - --lake s3://bucket/lake"
)]
pub struct Args {
    #[command(flatten)]
    input: Place,
    /// The lake: a folder, or s3://bucket/prefix. It is made if it is not there
    #[arg(long, value_name = "URI")]
    lake: String,
    #[command(flatten)]
    rules: Rules,
    /// Wait for another process that writes to the lake, instead of giving up
    #[arg(long)]
    wait: bool,
    /// How the result is printed
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
    /// Threads; 0 is one for each core
    #[arg(long, default_value_t = 0, value_name = "N")]
    threads: usize,
    /// Say nothing but results and errors
    #[arg(short, long)]
    quiet: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    Table,
    /// An object
    Json,
}

/// Reads everything into the lake, and prints what came of it.
pub fn run(args: &Args) -> anyhow::Result<End> {
    let now_ms = now_ms();
    let rules = args.rules.load()?;
    draw_problems(&rules);
    let wait = if args.wait { Duration::from_secs(3_600) } else { Duration::ZERO };
    let lake = Lake::open_with(&args.lake, Mode::Create, Options { wait, ..Options::default() })?;
    let keep = Keep::new(&lake, now_ms)?;
    let plan = Plan {
        paths: args.input.paths.clone(),
        columns: args.input.columns(),
        estate: Estate { accounts: args.input.own_account.iter().cloned().collect() },
        n_threads: n_threads(args.threads),
        keep: Some(&keep),
        ..Plan::new(&rules)
    };
    let start = Instant::now();
    let outcome = with_progress(args.quiet, Unit::Bytes, |progress| scan(&plan, progress))?;
    if outcome.files == 0 && !outcome.missing.is_empty() {
        anyhow::bail!("nothing to read: {} does not exist", outcome.missing.join(", "));
    }
    let done = keep.close()?;
    let refolded = with_spinner(args.quiet, "folding hits to findings", || refold(&lake, &plan, now_ms, VERSION))
        .context("cannot fold hits to findings")?;
    match args.format {
        Format::Json => writeln!(std::io::stdout(), "{}", as_json(&outcome, &done, &refolded))?,
        Format::Table => print(args, &outcome, &done, &refolded, start.elapsed())?,
    }
    Ok(if outcome.is_partial || rules.n_errors() > 0 { End::Partial } else { End::Ok })
}

/// As many threads as asked for, or as there are cores.
pub fn n_threads(asked: usize) -> usize {
    if asked > 0 { asked } else { std::thread::available_parallelism().map_or(1, usize::from) }
}

fn as_json(outcome: &Outcome, done: &BTreeMap<String, Done>, refolded: &Refolded) -> serde_json::Value {
    let table = |(name, done): (&String, &Done)| json!({"table": name, "in": done.read, "added": done.added, "duplicates": done.duplicates, "conflicts": done.conflicts});
    json!({
        "files": outcome.files,
        "bytes": outcome.bytes,
        "tables": done.iter().map(table).collect::<Vec<_>>(),
        "findings": {"changed": refolded.changed, "of_unknown_rules": refolded.without_rule},
    })
}

fn print(
    args: &Args,
    outcome: &Outcome,
    done: &BTreeMap<String, Done>,
    refolded: &Refolded,
    took: Duration,
) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    let n_in: u64 = done.iter().filter(|(name, _)| *name != HITS).map(|(_, done)| done.read).sum();
    writeln!(
        out,
        "{} records of {} files into {} in {:.1} s",
        n_in,
        outcome.files,
        visible(&args.lake),
        took.as_secs_f64()
    )?;
    writeln!(out)?;
    writeln!(out, "{:<16} {:>12} {:>12} {:>12}", "table", "in", "new", "duplicates")?;
    for (name, done) in done.iter().filter(|(name, done)| done.read > 0 || *name != QUARANTINE) {
        writeln!(out, "{:<16} {:>12} {:>12} {:>12}", name, done.read, done.added, done.duplicates)?;
    }
    if !refolded.worst.is_empty() {
        writeln!(out, "\n{} findings are new or have changed", refolded.changed)?;
        for finding in refolded.worst.iter().take(FINDINGS_MAX) {
            writeln!(out, "  {:<8} {}", finding.severity.caption(), visible(&finding.title))?;
        }
        if refolded.total > FINDINGS_MAX as u64 {
            writeln!(out, "  … and {} more", refolded.total - FINDINGS_MAX as u64)?;
        }
    }
    print_skipped(outcome);
    Ok(())
}

/// Says what was not read, or not as a record.
pub fn print_skipped(outcome: &Outcome) {
    for skipped in outcome.skipped.iter().take(SKIPPED_MAX) {
        let what = match skipped.records {
            0 => format!("{} bytes", skipped.bytes),
            n => format!("{n} records"),
        };
        tell!("not read: {}: {} ({what})", visible(&skipped.what), visible(&skipped.why));
    }
    if outcome.skipped.len() > SKIPPED_MAX {
        tell!("not read: and {} more", outcome.skipped.len() - SKIPPED_MAX);
    }
}
