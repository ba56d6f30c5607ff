//! `scan`: what happened in these logs?

use std::io::{BufWriter, IsTerminal, Write};
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::Context;
use clap::{Args as ClapArgs, ValueEnum};
use detect::fold::Folded;
use detect::load::RuleSet;
use event::finding::Severity;
use event::layout::Estate;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use report::{Inputs, Report, TextOptions};

use super::End;
use super::about::VERSION;
use super::input::{Input, Rules};
use crate::pipeline::{Outcome, Plan, Progress, scan};
use crate::story::stories;

/// Steps of the histogram.
const STEPS_MAX: i64 = 240;
/// Names of one kind that a report lists.
const NAMES_MAX: usize = 1_000;

/// `scan`
#[derive(Debug, ClapArgs)]
#[command(
    after_help = "Exit codes: 0 ok, 1 failure, 2 usage, 3 findings at or above --fail-on, 4 partial: some input could not be read (3 goes before 4).\n\n\
Examples:\n  skywarden scan ./cloudtrail --report case.html\n  zcat events.json.gz | skywarden scan - --format jsonl\n  skywarden scan ./logs --since 24h --fail-on high"
)]
pub struct Args {
    #[command(flatten)]
    input: Input,
    #[command(flatten)]
    rules: Rules,
    /// How findings are printed
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
    /// Write a report into this file: one HTML page that needs no network
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Exit with 3 when there is a finding of this level or above
    #[arg(long, value_name = "LEVEL", value_parser = |text: &str| Severity::parse(text).ok_or("no level: use informational, low, medium, high or critical"))]
    fail_on: Option<Severity>,
    /// How many findings the table lists; 0 is all
    #[arg(long, default_value_t = 20, value_name = "N")]
    top: usize,
    /// Threads; 0 is one for each core
    #[arg(long, default_value_t = 0, value_name = "N")]
    threads: usize,
    /// Say nothing but results and errors
    #[arg(short, long)]
    quiet: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A summary for people
    Table,
    /// An array of OCSF Detection Findings
    Json,
    /// One OCSF Detection Finding a line
    Jsonl,
    /// One finding a row
    Csv,
}

/// Scans, and prints what was found.
pub fn run(args: &Args) -> anyhow::Result<End> {
    let now_ms = now_ms();
    let (from_ms, to_ms) = match args.input.period(now_ms) {
        Ok(period) => period,
        Err(why) => {
            eprintln!("error: {why}");
            return Ok(End::Usage);
        }
    };
    let rules = args.rules.load()?;
    draw_problems(&rules);
    let plan = Plan {
        paths: args.input.paths.clone(),
        rules: &rules,
        from_ms,
        to_ms,
        columns: args.input.columns(),
        estate: Estate { accounts: args.input.own_account.iter().cloned().collect() },
        n_threads: if args.threads > 0 {
            args.threads
        } else {
            std::thread::available_parallelism().map_or(1, usize::from)
        },
        limits: collect::blob::Limits::default(),
        pieces: Vec::new(),
        keep: None,
    };
    let start = Instant::now();
    let mut outcome = with_progress(args, |progress| scan(&plan, progress));
    if outcome.files == 0 && !outcome.missing.is_empty() {
        anyhow::bail!("nothing to read: {} does not exist", outcome.missing.join(", "));
    }
    let (folded, n_duplicates) = std::mem::take(&mut outcome.fold).finish(&rules.rules);
    let mut report = make_report(&outcome, &folded, &rules, now_ms, start.elapsed().as_secs_f64());
    report.inputs.duplicates = n_duplicates;
    report.findings = folded.into_iter().map(|one| one.finding).collect();
    if let Some(path) = &args.report {
        std::fs::write(path, report::html(&report))
            .with_context(|| format!("cannot write report {}", path.display()))?;
    }
    print(args, &report)?;
    Ok(end(args, &report, outcome.is_partial || rules.n_errors() > 0))
}

fn end(args: &Args, report: &Report, is_partial: bool) -> End {
    let worst = report.findings.iter().map(|f| f.severity).max();
    match args.fail_on {
        Some(level) if worst >= Some(level) => End::Findings,
        _ if is_partial => End::Partial,
        _ => End::Ok,
    }
}

/// The time now; this crate alone asks for it.
pub fn now_ms() -> i64 {
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since_1970.as_millis()).unwrap_or(i64::MAX)
}

/// Draws what is wrong with the rules.
pub fn draw_problems(rules: &RuleSet) {
    for problem in &rules.problems {
        for diagnostic in problem.diagnostics.iter().filter(|d| d.is_error()) {
            eprintln!("{}", diagnostic.draw(&problem.file, &problem.text));
        }
    }
}

fn with_progress<T>(args: &Args, work: impl FnOnce(&Progress) -> T) -> T {
    let progress = Progress::default();
    if args.quiet || !std::io::stderr().is_terminal() {
        return work(&progress);
    }
    let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr_with_hz(10));
    let style = ProgressStyle::with_template("{bar:30} {bytes}/{total_bytes} {binary_bytes_per_sec} {msg} {eta} left");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    let done = std::sync::atomic::AtomicBool::new(false);
    let out = std::thread::scope(|scope| {
        let watcher = scope.spawn(|| {
            let start = Instant::now();
            while !done.load(Ordering::Relaxed) {
                std::thread::park_timeout(Duration::from_millis(100));
                // What is over at once needs no bar.
                if start.elapsed() > Duration::from_millis(500) {
                    bar.set_length(progress.bytes_total.load(Ordering::Relaxed));
                    bar.set_position(progress.bytes.load(Ordering::Relaxed));
                    let events = progress.events.load(Ordering::Relaxed);
                    bar.set_message(format!("{:.0} events/s", events as f64 / start.elapsed().as_secs_f64()));
                }
            }
        });
        let out = work(&progress);
        done.store(true, Ordering::Relaxed);
        watcher.thread().unpark();
        out
    });
    bar.finish_and_clear();
    out
}

fn make_report(outcome: &Outcome, folded: &[Folded], rules: &RuleSet, now_ms: i64, seconds: f64) -> Report {
    let mut fired: Vec<u32> = folded.iter().map(|f| f.number).collect();
    fired.sort_unstable();
    fired.dedup();
    let hits = folded.iter().flat_map(|f| f.finding.related.iter().map(|r| r.time_ms));
    let ranked = |names: &crate::tally::Names| {
        let mut names = names.ranked();
        names.truncate(NAMES_MAX);
        names
    };
    let tally = &outcome.tally;
    Report {
        version: VERSION.to_owned(),
        generated_ms: now_ms,
        command: std::iter::once("skywarden".to_owned()).chain(std::env::args().skip(1)).collect::<Vec<_>>().join(" "),
        inputs: Inputs {
            files: outcome.files,
            bytes: outcome.bytes,
            events: tally.events,
            seconds,
            skipped: outcome.skipped.clone(),
            filtered: tally.filtered,
            duplicates: 0,
        },
        period: tally.period,
        accounts: ranked(&tally.accounts),
        regions: ranked(&tally.regions),
        principals: ranked(&tally.principals),
        source_ips: ranked(&tally.source_ips),
        sources: ranked(&tally.sources),
        histogram: tally.histogram(hits, STEPS_MAX),
        rules_loaded: rules.rules.len(),
        rules_fired: fired.len(),
        findings: Vec::new(),
        stories: stories(folded, &outcome.chain),
        notes: notes(outcome, rules),
    }
}

fn notes(outcome: &Outcome, rules: &RuleSet) -> Vec<String> {
    let mut notes = Vec::new();
    let mut note = |count: u64, text: &str| {
        if count > 0 {
            notes.push(format!("{count} {text}"));
        }
    };
    note(outcome.digests, "CloudTrail digest files hold no records and are kept for verification");
    note(outcome.tally.duplicate_keys, "records hold one key twice in an object: each value was matched");
    note(outcome.chain.n_dropped, "hand-overs of credentials were not followed: stories may be in parts");
    note(rules.correlations.len() as u64, "correlation rules were checked but do not run in a scan");
    note(rules.n_errors() as u64, "errors in rule files: those rules did not run");
    notes
}

fn print(args: &Args, report: &Report) -> anyhow::Result<()> {
    let mut out = BufWriter::new(std::io::stdout().lock());
    match args.format {
        Format::Table => {
            let (_, columns) = console::Term::stdout().size();
            let width = if std::io::stdout().is_terminal() { usize::from(columns) } else { 120 };
            let options = TextOptions {
                width,
                color: console::colors_enabled(),
                unicode: is_unicode(),
                findings_max: if args.top == 0 { usize::MAX } else { args.top },
            };
            write!(out, "{}", report::text(report, &options))?;
            if let Some(path) = &args.report {
                writeln!(out, "Wrote  {}", collect::walk::show(path))?;
            }
        }
        Format::Jsonl => {
            for line in report.findings.iter().flat_map(|f| f.to_ocsf(VERSION)) {
                writeln!(out, "{line}")?;
            }
        }
        Format::Json => {
            let mut before = "[\n";
            for line in report.findings.iter().flat_map(|f| f.to_ocsf(VERSION)) {
                write!(out, "{before}{line}")?;
                before = ",\n";
            }
            writeln!(out, "{}]", if before == "[\n" { "[" } else { "\n" })?;
        }
        Format::Csv => write!(out, "{}", report::csv(report))?,
    }
    out.flush()?;
    if args.format != Format::Table && !args.quiet {
        tell(report);
    }
    Ok(())
}

/// Says on standard error what a machine format has no place for.
fn tell(report: &Report) {
    eprintln!("{} events of {} files: {}", report.inputs.events, report.inputs.files, report.verdict());
    for skipped in &report.inputs.skipped {
        let line = format!("not read: {}: {}", skipped.what, skipped.why);
        eprintln!("{}", predicate::diagnostic::visible(&line));
    }
    report.notes.iter().for_each(|note| eprintln!("note: {note}"));
}

fn is_unicode() -> bool {
    let of = |name: &str| std::env::var(name).ok().filter(|v| !v.is_empty());
    let locale = of("LC_ALL").or_else(|| of("LC_CTYPE")).or_else(|| of("LANG"));
    locale.is_none_or(|l| l.to_ascii_uppercase().contains("UTF"))
}
