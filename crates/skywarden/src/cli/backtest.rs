//! `rules backtest`: what a rule would have found in a lake, and how that differs from what was found when the events came.

use std::collections::{BTreeMap, HashSet};
use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use arrow::array::{Array, AsArray, RecordBatch};
use clap::{Args as ClapArgs, ValueEnum};
use detect::detector::spelled_out;
use detect::findings::Findings;
use detect::fold::Fold;
use detect::load::{RuleSet, stem};
use event::finding::Uid;
use event::layout::Estate;
use event::time::{DAY_MS, rfc3339};
use lake::columns::Columns;
use lake::rows::identity;
use lake::{Lake, Mode, Snapshot};
use predicate::diagnostic::visible;
use predicate::predicate::Predicate;
use query::Window;
use query::run::{Engine, Lang, Options};
use source::source::ALL;

use super::End;
use super::input::{Period, Rules};
use super::query::datasets;
use super::scan::{draw_problems, each_page, now_ms};
use crate::keep::HITS;
use crate::pipeline::Plan;
use crate::replay::{Record, Replay};

/// A backtest takes as long as it takes.
const DEADLINE: Duration = Duration::from_secs(30 * 86_400);
/// Findings that the table lists.
const LISTED_MAX: usize = 20;

/// `rules backtest`
#[derive(Debug, ClapArgs)]
pub struct Args {
    /// A rule file, or the id or file name of a rule that comes with the program
    #[arg(value_name = "RULE")]
    rule: String,
    /// The lake: a folder, or s3://bucket/prefix
    #[arg(long, value_name = "URI")]
    lake: String,
    #[command(flatten)]
    period: Period,
    /// Accounts of yours: sharing with them is not sharing with outsiders
    #[arg(long, value_name = "ID", value_delimiter = ',')]
    own_account: Vec<String>,
    /// How it is printed
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
    /// Look at every record, also where columns tell that the rule cannot match: slower, with the same answer
    #[arg(long, hide = true)]
    every_record: bool,
}

/// What decides which records are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pushing {
    /// The columns, as far as they tell.
    Columns,
    /// Nothing: every record of the period is.
    Nothing,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    Table,
    /// One OCSF Detection Finding a line
    Jsonl,
}

/// What is looked at again.
pub struct Past<'a> {
    /// Reads the lake.
    pub engine: &'a Engine,
    /// The rules.
    pub plan: &'a Plan<'a>,
    /// The time range.
    pub window: Window,
    /// What decides which records are looked at.
    pub pushing: Pushing,
    /// Whether nobody waits for it any more.
    pub is_over: &'a (dyn Fn() -> bool + Sync),
}

/// What a rule finds now beside what it found then.
#[derive(Debug)]
pub struct Seen {
    /// Records of the logs that the rules are meant for.
    pub records: u64,
    /// What was found: hashes of rule and event.
    pub hits: HashSet<[u8; 16]>,
    /// Hits by day.
    pub by_day: BTreeMap<i64, u64>,
    /// Some records with a hit.
    pub sample: Vec<Sampled>,
    /// The most hits that are found.
    pub hits_max: usize,
    /// The most records that are shown.
    pub sample_max: usize,
}

/// A record with a hit.
#[derive(Clone, Debug)]
pub struct Sampled {
    /// When it happened.
    pub time_ms: i64,
    /// Its log.
    pub source: &'static str,
    /// Its text.
    pub raw: String,
}

impl Default for Seen {
    /// All hits, and no records.
    fn default() -> Seen {
        Seen {
            records: 0,
            hits: HashSet::new(),
            by_day: BTreeMap::new(),
            sample: Vec::new(),
            hits_max: usize::MAX,
            sample_max: 0,
        }
    }
}

/// Longer records are not shown.
const SAMPLE_BYTES_MAX: usize = 128 << 10;
/// How often is asked whether somebody still waits.
const ASK_EVERY: Duration = Duration::from_millis(100);

/// Tries a rule on the past.
pub fn run(args: &Args) -> anyhow::Result<End> {
    let window = match args.period.window(now_ms()) {
        Ok((from_ms, to_ms)) => Window { from_ms, to_ms },
        Err(why) => {
            tell!("error: {why}");
            return Ok(End::Usage);
        }
    };
    let rules = rules(&args.rule)?;
    draw_problems(&rules);
    if rules.rules.is_empty() {
        bail!("there is no rule to try in `{}`", visible(&args.rule));
    }
    let plan = Plan { estate: Estate { accounts: args.own_account.iter().cloned().collect() }, ..Plan::new(&rules) };
    let lake = Lake::open(&args.lake, Mode::Read)?;
    let mut fold = Fold::new(Arc::clone(&plan.spill), plan.memory_bytes);
    let pushing = if args.every_record { Pushing::Nothing } else { Pushing::Columns };
    // The columns tell which records cannot match; the detector decides on all others.
    let engine = Engine::new(datasets(&lake)?, Options { deadline: DEADLINE, ..Options::default() })?;
    let past = Past { engine: &engine, plan: &plan, window, pushing, is_over: &|| false };
    let mut seen = Seen::default();
    replay(&past, &mut seen, Some(&mut fold))?;
    let findings = fold.finish(&rules.rules, |_| None)?;
    match args.format {
        Format::Jsonl => {
            let mut out = std::io::stdout().lock();
            each_page(&findings, |page| writeln!(out, "{page}"))?;
        }
        Format::Table => {
            let before = hits_before(&lake, &rules, window, None)?;
            print(&seen, &before, &findings)?;
        }
    }
    Ok(if rules.n_errors() > 0 { End::Partial } else { End::Ok })
}

/// The rules of a file, or the one of this name among those that come with the program.
fn rules(name: &str) -> anyhow::Result<RuleSet> {
    let path = std::path::PathBuf::from(name);
    if path.exists() {
        return Rules { only_rules: vec![path], ..Rules::default() }.load();
    }
    let mut set = Rules::default().load()?;
    set.rules.retain(|rule| rule.id.eq_ignore_ascii_case(name) || stem(&rule.file) == name.trim_end_matches(".yml"));
    if set.rules.is_empty() {
        bail!("no file and no rule is called `{}`: `skywarden rules list` has the names", visible(name));
    }
    Ok(set)
}

/// What is read of a record.
const COLUMNS: [&str; 4] = ["time_dt", "event_identity", "event_format", "raw"];

/// Tries rules on what is in the lake; ends early when nobody waits, or there are as many hits as are wanted.
pub fn replay(past: &Past<'_>, seen: &mut Seen, mut fold: Option<&mut Fold>) -> anyhow::Result<()> {
    let Past { engine, plan, window, pushing, is_over } = *past;
    let mut replay = Replay::new(plan);
    let over = || async {
        while !is_over() {
            tokio::time::sleep(ASK_EVERY).await;
        }
    };
    for source in ALL.iter().filter(|source| engine.datasets().iter().any(|dataset| dataset.name == source.name)) {
        let is_meant = |rule: &&detect::rule::Rule| {
            let logs = &rule.logsource;
            source.is_meant(logs.product.as_deref(), logs.service.as_deref(), logs.category.as_deref())
        };
        let meant: Vec<Predicate> =
            plan.rules.rules.iter().filter(is_meant).map(|rule| spelled_out(&rule.predicate, source.terms)).collect();
        if meant.is_empty() {
            continue;
        }
        let superset = query::predicate::lower(&Predicate::Any(meant), &Columns::new(source.mapping)).superset;
        let condition = (pushing == Pushing::Columns).then_some(superset);
        let work = async {
            let count = format!("SELECT count(*) FROM {}", source.name);
            for batch in engine.query(&count, Lang::Sql, window, 0).await?.all().await? {
                let n = batch.column(0).as_primitive::<arrow::datatypes::Int64Type>();
                seen.records += n.values().iter().map(|n| n.unsigned_abs()).sum::<u64>();
            }
            let mut rows = engine.scan(source.name, &COLUMNS, condition, window).await?;
            while seen.hits.len() < seen.hits_max
                && let Some(batch) = rows.next().await
            {
                look(&batch?, source, &mut replay, fold.as_deref_mut(), seen)?;
            }
            anyhow::Ok(())
        };
        engine.block_on(async {
            tokio::select! {
                done = work => done,
                () = over() => Ok(()),
            }
        })?;
    }
    Ok(())
}

/// Looks at the records of a batch.
fn look(
    batch: &RecordBatch,
    source: &'static source::source::Source,
    replay: &mut Replay<'_>,
    mut fold: Option<&mut Fold>,
    seen: &mut Seen,
) -> anyhow::Result<()> {
    let times = batch.column(0).as_primitive::<arrow::datatypes::TimestampMicrosecondType>();
    let ids = batch.column(1).as_fixed_size_binary();
    let (formats, raws) = (batch.column(2).as_string_view(), batch.column(3).as_string_view());
    for row in 0..batch.num_rows() {
        let format = if formats.is_null(row) { "" } else { formats.value(row) };
        // What has no id of its own is called by its identity.
        let id = u128::from_be_bytes(ids.value(row).try_into().context("an identity has 16 bytes")?);
        let record = Record { source: source.name, uid: Uid::Uuid(id), format, raw: raws.value(row) };
        let found = replay.detect(record, fold.as_deref_mut())?;
        if !found.is_empty() && seen.sample.len() < seen.sample_max && raws.value(row).len() <= SAMPLE_BYTES_MAX {
            let time_ms = times.value(row).div_euclid(1_000);
            seen.sample.push(Sampled { time_ms, source: source.name, raw: raws.value(row).to_owned() });
        }
        for number in found {
            let rule = &replay.rule(number).id;
            let id: [&[u8]; 2] = [rule.as_bytes(), ids.value(row)];
            seen.hits.insert(identity(&id, &id));
            let day = times.value(row).div_euclid(1_000).div_euclid(DAY_MS);
            *seen.by_day.entry(day).or_default() += 1;
        }
    }
    Ok(())
}

/// The hits that the rules had when the events came, in these accounts; in all if nothing is said.
pub fn hits_before(
    lake: &Lake,
    rules: &RuleSet,
    window: Window,
    accounts: Option<&[String]>,
) -> anyhow::Result<HashSet<[u8; 16]>> {
    let (from_ms, to_ms) = (window.from_ms.unwrap_or(i64::MIN), window.to_ms.unwrap_or(i64::MAX));
    let mut before = HashSet::new();
    if !lake.tables()?.iter().any(|table| table == HITS) {
        return Ok(before);
    }
    let hits: Snapshot = lake.open_table(HITS)?.current()?;
    for batch in hits.scan(hits.files(from_ms, to_ms)?, &["event_identity", "rule_uid", "time_dt", "event_account"])? {
        let batch = batch?;
        let (ids, rule) = (batch.column(0).as_fixed_size_binary(), batch.column(1).as_string::<i32>());
        let times = batch.column(2).as_primitive::<arrow::datatypes::TimestampMicrosecondType>();
        let owners = batch.column(3).as_string::<i32>();
        let sees = |row: usize| {
            let is_own = |own: &[String]| owners.is_valid(row) && own.iter().any(|own| own == owners.value(row));
            accounts.is_none_or(is_own)
        };
        for row in (0..batch.num_rows()).filter(|row| sees(*row)) {
            let is_within = (from_ms..to_ms).contains(&times.value(row).div_euclid(1_000));
            if is_within && rules.rules.iter().any(|known| known.id == rule.value(row)) {
                before.insert(ids.value(row).try_into().context("an identity has 16 bytes")?);
            }
        }
    }
    Ok(before)
}

fn print(seen: &Seen, before: &HashSet<[u8; 16]>, findings: &Findings<'_>) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    let again = seen.hits.intersection(before).count();
    writeln!(out, "{} hits in {} events, {} findings", seen.hits.len(), seen.records, findings.len())?;
    writeln!(
        out,
        "{again} of them were found when the events came; {} are new, and {} that were found then are no more",
        seen.hits.len() - again,
        before.len() - again
    )?;
    for (day, n) in &seen.by_day {
        writeln!(out, "  {}  {n}", &rfc3339(day * DAY_MS)[..10])?;
    }
    for one in findings.iter()?.take(LISTED_MAX) {
        let finding = one?.finding;
        writeln!(out, "  {:<8} {}", finding.severity.caption(), visible(&finding.title))?;
    }
    if findings.len() > LISTED_MAX as u64 {
        writeln!(out, "  … and {} more findings: --format jsonl has all", findings.len() - LISTED_MAX as u64)?;
    }
    Ok(())
}
