//! `scan`: what happened in these logs?

use std::collections::HashMap;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use anyhow::Context;
use clap::{Args as ClapArgs, ValueEnum};
use detect::findings::{Findings, Folded};
use detect::load::RuleSet;
use event::finding::{AtLeast, Finding, RELATED_EVENTS_MAX, Severity};
use event::layout::Estate;
use report::{Inputs, Report, Skipped, TextOptions, Unlisted};

use super::End;
use super::about::VERSION;
use super::input::{Input, Rules};
use super::progress::{Unit, with_progress};
use crate::pipeline::{Hits, MEMORY_BYTES, Outcome, Plan, scan};
use crate::spelled::spelled;
use crate::spill::TempFile;
use crate::story::stories;

/// Steps of the histogram.
const STEPS_MAX: i64 = 240;
/// Names of one kind that a report lists.
const NAMES_MAX: usize = 1_000;
/// Findings that the table and a report list; CSV and JSON have all.
const LISTED_MAX: usize = 10_000;
/// Findings of which a report may show the evidence, and how much of it may be raw records.
const SHOWN_MAX: usize = 500;
const RAW_BYTES_MAX: usize = 16 << 20;
/// Events that the timeline of a report draws, and of one finding.
const EVENTS_MAX: usize = 200_000;
const EVENTS_OF_ONE_MAX: usize = 10_000;

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
    /// How many findings the table lists, at most 10,000; 0 is as many as that
    #[arg(long, default_value_t = 20, value_name = "N")]
    top: usize,
    /// Threads; 0 is one for each core
    #[arg(long, default_value_t = 0, value_name = "N")]
    threads: usize,
    /// Say nothing but results, errors and what was not read
    #[arg(short, long)]
    quiet: bool,
    /// Where findings that do not fit into memory are put meanwhile; by default where the system keeps temporary files
    #[arg(long, value_name = "FOLDER")]
    temp_dir: Option<PathBuf>,
    /// How much of them may be in memory
    #[arg(long, hide = true, default_value_t = MEMORY_BYTES, value_name = "BYTES")]
    memory_bytes: usize,
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
    let (from_ms, to_ms) = match args.input.period.window(now_ms) {
        Ok(period) => period,
        Err(why) => {
            tell!("error: {why}");
            return Ok(End::Usage);
        }
    };
    if args.report.as_deref().is_some_and(|path| path.as_os_str() == "-") {
        tell!("error: --report needs the name of a file, such as case.html: standard output is for findings");
        return Ok(End::Usage);
    }
    let rules = args.rules.load()?;
    draw_problems(&rules);
    let plan = Plan {
        paths: args.input.place.paths.clone(),
        files: &collect::files::Disk,
        rules: &rules,
        from_ms,
        to_ms,
        columns: args.input.place.columns(),
        estate: Estate { accounts: args.input.place.own_account.iter().cloned().collect() },
        n_threads: if args.threads > 0 {
            args.threads
        } else {
            std::thread::available_parallelism().map_or(1, usize::from)
        },
        limits: collect::blob::Limits::default(),
        pieces: Vec::new(),
        hits: Hits::Kept,
        keep: None,
        spill: Arc::new(TempFile::new(args.temp_dir.clone())),
        memory_bytes: args.memory_bytes,
    };
    let start = Instant::now();
    let mut outcome = with_progress(args.quiet, Unit::Bytes, |progress| scan(&plan, progress))?;
    if outcome.files == 0 && !outcome.missing.is_empty() {
        anyhow::bail!("nothing to read: {} does not exist", outcome.missing.join(", "));
    }
    let fold = std::mem::take(&mut outcome.fold);
    let findings = fold.finish(&rules.rules, |object| outcome.hashes.get(&object).copied())?;
    let mut report = make_report(&outcome, &findings, &rules, now_ms, start.elapsed().as_secs_f64());
    if args.format == Format::Table || args.report.is_some() {
        fill(&mut report, args, &outcome, &findings)?;
    }
    let unlisted = unlisted(&findings, &report.findings, &rules);
    report.unlisted = unlisted;
    if let Some(path) = &args.report {
        std::fs::write(path, report::html(&report))
            .with_context(|| format!("cannot write report {}", path.display()))?;
    }
    print(args, &report, &findings)?;
    Ok(end(args, &report, outcome.is_partial || rules.n_errors() > 0))
}

fn end(args: &Args, report: &Report, is_partial: bool) -> End {
    let worst = report.severity_counts().into_iter().find(|(_, n)| *n > 0).map(|(severity, _)| severity);
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
            tell!("{}", diagnostic.draw(&problem.file, &problem.text));
        }
    }
}

/// The report but for the findings themselves.
fn make_report(outcome: &Outcome, findings: &Findings<'_>, rules: &RuleSet, now_ms: i64, seconds: f64) -> Report {
    let ranked = |names: &crate::tally::Names| names.ranked(NAMES_MAX);
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
            repeats: findings.n_duplicates,
        },
        period: tally.period,
        accounts: ranked(&tally.accounts),
        regions: ranked(&tally.regions),
        principals: ranked(&tally.principals),
        source_ips: ranked(&tally.source_ips),
        sources: ranked(&tally.sources),
        histogram: None,
        rules_loaded: rules.rules.len(),
        rules_fired: findings.by_rule.len(),
        findings: Vec::new(),
        unlisted: Vec::new(),
        stories: Vec::new(),
        n_stories: AtLeast::default(),
        notes: notes(outcome, rules),
    }
}

/// Adds what is shown to people: the worst findings, the stories, and when it happened.
fn fill(report: &mut Report, args: &Args, outcome: &Outcome, findings: &Findings<'_>) -> io::Result<()> {
    let mut room = args.report.as_ref().map(|_| Room { findings: SHOWN_MAX, raw: RAW_BYTES_MAX, events: EVENTS_MAX });
    for one in findings.iter()?.take(LISTED_MAX) {
        report.findings.push(shown(one?, findings, room.as_mut())?);
    }
    (report.stories, report.n_stories) = stories(findings, &outcome.chain)?;
    // What cannot be read once more was read before, and so has failed there.
    let hits = findings.all_events().map_while(Result::ok).map(|event| event.time_ms);
    report.histogram = outcome.tally.histogram(hits, STEPS_MAX);
    Ok(())
}

/// How much a report may still show.
struct Room {
    findings: usize,
    raw: usize,
    events: usize,
}

/// A finding with as much of its evidence and events as there is room for.
fn shown(one: Folded, findings: &Findings<'_>, room: Option<&mut Room>) -> io::Result<Finding> {
    let mut related = Vec::new();
    if let Some(room) = &room {
        related = findings.events(&one)?.take(room.events.min(EVENTS_OF_ONE_MAX)).collect::<io::Result<_>>()?;
    }
    let mut finding = Finding { related, ..one.finding };
    match room {
        Some(room) if room.findings > 0 => {
            room.findings -= 1;
            room.events -= finding.related.len();
            for evidence in &mut finding.evidence {
                evidence.raw = evidence.raw.take().filter(|raw| raw.len() <= room.raw);
                room.raw -= evidence.raw.as_ref().map_or(0, String::len);
            }
        }
        Some(room) => {
            room.events -= finding.related.len();
            finding.evidence = Vec::new();
        }
        None => finding.evidence = Vec::new(),
    }
    Ok(finding)
}

/// How many findings of each rule are not among those that are listed.
fn unlisted(findings: &Findings<'_>, listed: &[Finding], rules: &RuleSet) -> Vec<Unlisted> {
    let mut n_listed: HashMap<&str, u64> = HashMap::new();
    listed.iter().for_each(|finding| *n_listed.entry(&finding.rule_id).or_default() += 1);
    let of_rule = |(number, n): (&u32, &u64)| {
        let rule = &rules.rules[*number as usize];
        let count = n - n_listed.get(rule.id.as_str()).copied().unwrap_or(0);
        Unlisted { severity: rule.severity, techniques: Arc::clone(&rule.techniques), count }
    };
    findings.by_rule.iter().map(of_rule).filter(|some| some.count > 0).collect()
}

fn notes(outcome: &Outcome, rules: &RuleSet) -> Vec<String> {
    let mut notes = Vec::new();
    let mut note = |count: u64, noun: &str, text: [&str; 2]| {
        if count > 0 {
            notes.push(format!("{} {}", report::plural(count, noun), text[usize::from(count > 1)]));
        }
    };
    let digests = ["holds no records and is kept for verification", "hold no records and are kept for verification"];
    note(outcome.digests, "CloudTrail digest file", digests);
    let keys = ["holds one key twice in an object", "hold one key twice in an object"];
    let keys = keys.map(|text| format!("{text} where a rule or a summary looks: each value was matched"));
    note(outcome.tally.duplicate_keys, "record", [&keys[0], &keys[1]]);
    let lost = ["was not followed: stories may be in parts", "were not followed: stories may be in parts"];
    note(outcome.chain.n_dropped, "hand-over of credentials", lost);
    let unused = ["was checked but does not run in a scan", "were checked but do not run in a scan"];
    note(rules.correlations.len() as u64, "correlation rule", unused);
    let errors = ["in rule files: that rule did not run", "in rule files: those rules did not run"];
    note(rules.n_errors() as u64, "error", errors);
    notes
}

fn print(args: &Args, report: &Report, findings: &Findings<'_>) -> anyhow::Result<()> {
    let mut out = BufWriter::new(std::io::stdout().lock());
    match args.format {
        Format::Table => {
            let (_, columns) = terminal::Term::stdout().size();
            // A file takes lines of any length, and whoever greps it wants all of them.
            let width = if std::io::stdout().is_terminal() { usize::from(columns) } else { 0 };
            let options = TextOptions {
                width,
                color: terminal::colors_enabled(),
                unicode: is_unicode(),
                findings_max: if args.top == 0 { usize::MAX } else { args.top },
            };
            write!(out, "{}", report::text(report, &options))?;
            if let Some(path) = &args.report {
                writeln!(out, "Wrote  {}", collect::walk::show(path))?;
            }
        }
        Format::Jsonl => {
            each_page(findings, |page| writeln!(out, "{page}"))?;
        }
        Format::Json => {
            let mut before = "[\n";
            each_page(findings, |page| {
                write!(out, "{before}{page}")?;
                before = ",\n";
                Ok(())
            })?;
            writeln!(out, "{}]", if before == "[\n" { "[" } else { "\n" })?;
        }
        Format::Csv => {
            write!(out, "{}", report::csv::head())?;
            for one in findings.iter()? {
                write!(out, "{}", report::csv::row(&one?.finding))?;
            }
        }
    }
    out.flush()?;
    if args.format != Format::Table {
        tell(args, report);
    }
    Ok(())
}

/// The findings as OCSF, each with its events, of which so many go on a page.
pub fn each_page(findings: &Findings<'_>, mut print: impl FnMut(&str) -> io::Result<()>) -> io::Result<()> {
    for one in findings.iter()? {
        let one = one?;
        let mut events = findings.events(&one)?;
        loop {
            let page: Vec<_> = events.by_ref().take(RELATED_EVENTS_MAX).collect::<io::Result<_>>()?;
            if page.is_empty() {
                break;
            }
            print(&spelled(&one.finding.page(VERSION, &page).to_string()))?;
        }
    }
    Ok(())
}

/// Says on standard error what a machine format has no place for. What was not read is said whatever was asked for.
fn tell(args: &Args, report: &Report) {
    if !args.quiet {
        let inputs = &report.inputs;
        let (events, files) = (report::plural(inputs.events, "event"), report::plural(inputs.files, "file"));
        tell!("{events} of {files}: {}", report.verdict());
    }
    report.inputs.skipped.iter().for_each(tell_skipped);
    if !args.quiet {
        report.notes.iter().for_each(|note| tell!("note: {note}"));
    }
}

/// Says what was not read, why, and how much of it.
pub fn tell_skipped(skipped: &Skipped) {
    let line = format!("not read: {}: {}{}", skipped.what, skipped.why, skipped.lost());
    tell!("{}", predicate::diagnostic::visible(&line));
}

fn is_unicode() -> bool {
    let of = |name: &str| std::env::var(name).ok().filter(|v| !v.is_empty());
    let locale = of("LC_ALL").or_else(|| of("LC_CTYPE")).or_else(|| of("LANG"));
    locale.is_none_or(|l| l.to_ascii_uppercase().contains("UTF"))
}
