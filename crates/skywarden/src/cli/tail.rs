//! `tail`: what comes into a lake, as it comes.

use std::collections::HashMap;
use std::io::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use clap::{Args as ClapArgs, ValueEnum};
use lake::columns::Columns;
use lake::{Lake, Mode, Table};
use query::lake_table::dataset_of_commit;
use query::output::{self, writer};
use query::run::{Engine, Lang, Options, QueryError};
use query::{Dataset, Window};
use source::source::ALL;

use super::End;
use super::scan::now_ms;
use crate::spelled::Spelled;

/// More rows than a commit has.
const ROWS_MAX: usize = 1 << 40;

/// `tail`
#[derive(Debug, ClapArgs)]
#[command(after_help = "TEXT is Logs Insights QL, and is asked of each commit's rows by themselves.\n\n\
Examples:\n  skywarden tail --lake ./lake\n  skywarden tail 'filter eventName = \"ConsoleLogin\" | fields @timestamp, sourceIPAddress' --lake ./lake")]
pub struct Args {
    /// Which rows, and what of them
    #[arg(
        value_name = "TEXT",
        default_value = "fields @timestamp, @message | sort @timestamp",
        allow_hyphen_values = true,
        value_parser = super::query::query_text
    )]
    text: String,
    /// The lake: a folder, or s3://bucket/prefix
    #[arg(long, value_name = "URI")]
    lake: String,
    /// How often the lake is looked at, in seconds
    #[arg(long, default_value_t = 1.0, value_name = "S", value_parser = seconds)]
    every: f64,
    /// End after so many seconds
    #[arg(long = "for", value_name = "S", value_parser = seconds)]
    for_s: Option<f64>,
    /// How rows are printed
    #[arg(long, value_enum, default_value_t = Format::Jsonl)]
    format: Format,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// An object a line
    Jsonl,
    /// Comma-separated values
    Csv,
}

fn seconds(text: &str) -> Result<f64, String> {
    let number: f64 = text.parse().map_err(|_| "not a number of seconds".to_owned())?;
    if (0.05..=1e9).contains(&number) { Ok(number) } else { Err("give a number of seconds from 0.05 on".to_owned()) }
}

/// A table and the last commit that was printed.
struct Followed {
    table: Table,
    columns: Arc<Columns>,
    last: Option<i64>,
}

/// Prints what is new until it is stopped.
pub fn run(args: &Args) -> anyhow::Result<End> {
    let lake = Lake::open(&args.lake, Mode::Read)?;
    let start = Instant::now();
    let mut followed: HashMap<&str, Followed> = HashMap::new();
    find(&lake, &mut followed, true)?;
    // A mistake in the text is told before anything is waited for.
    if let Some(end) = check(args, &lake, &followed)? {
        return Ok(end);
    }
    while args.for_s.is_none_or(|for_s| start.elapsed().as_secs_f64() < for_s) {
        std::thread::sleep(Duration::from_secs_f64(args.every));
        find(&lake, &mut followed, false)?;
        for source in ALL {
            if let Some(one) = followed.get_mut(source.name) {
                for commit in new_commits(one)? {
                    let dataset = dataset_of_commit(&lake, one.table.clone(), Arc::clone(&one.columns), commit);
                    print(args, dataset)?;
                }
            }
        }
    }
    Ok(End::Ok)
}

/// Takes up the tables that there are by now. Those that were there from the start are followed from now on, the others from their first commit.
fn find(lake: &Lake, followed: &mut HashMap<&'static str, Followed>, is_start: bool) -> anyhow::Result<()> {
    let tables = lake.tables()?;
    for source in ALL.iter().filter(|source| tables.iter().any(|table| table == source.name)) {
        if !followed.contains_key(source.name) {
            let table = lake.open_table(source.name).with_context(|| format!("cannot open table `{}`", source.name))?;
            let last = if is_start { table.current()?.id() } else { None };
            let columns = Arc::new(Columns::new(source.mapping));
            followed.insert(source.name, Followed { table, columns, last });
        }
    }
    Ok(())
}

/// The commits since the last look that added rows, oldest first. What rewrites rows adds none.
fn new_commits(one: &mut Followed) -> anyhow::Result<Vec<i64>> {
    let snapshots = one.table.snapshots()?;
    let seen = one.last.and_then(|last| snapshots.iter().position(|snapshot| snapshot.id == last));
    let new = &snapshots[seen.map_or(0, |seen| seen + 1)..];
    one.last = new.last().map(|snapshot| snapshot.id).or(one.last);
    Ok(new.iter().filter(|snapshot| snapshot.operation == "append").map(|snapshot| snapshot.id).collect())
}

fn check(args: &Args, lake: &Lake, followed: &HashMap<&str, Followed>) -> anyhow::Result<Option<End>> {
    let mut datasets = Vec::new();
    for one in followed.values() {
        datasets.push(query::lake_table::dataset(lake, one.table.clone(), Arc::clone(&one.columns)));
    }
    let engine = Engine::new(datasets, Options::default())?;
    let explained = engine.block_on(engine.explain(&args.text, Lang::Insights, Window::default(), now_ms()));
    match explained {
        Err(QueryError::Text(diagnostics)) => {
            diagnostics.iter().for_each(|d| crate::stderr::print(&d.draw("query", &args.text)));
            Ok(Some(End::Usage))
        }
        _ => Ok(None),
    }
}

fn print(args: &Args, dataset: Dataset) -> anyhow::Result<()> {
    let engine = Engine::new(vec![dataset], Options { rows: ROWS_MAX, rows_max: ROWS_MAX, ..Options::default() })?;
    engine.block_on(async {
        let mut outcome = engine.query(&args.text, Lang::Insights, Window::default(), now_ms()).await?;
        let stdout = std::io::stdout();
        let mut out = match args.format {
            Format::Jsonl => writer(output::Format::JsonLines, &outcome.columns, Box::new(Spelled::new(stdout)))?,
            Format::Csv => writer(output::Format::Csv, &outcome.columns, Box::new(stdout))?,
        };
        while let Some(batch) = outcome.next().await {
            out.rows(&batch?)?;
        }
        out.end()?;
        std::io::stdout().flush()?;
        Ok(())
    })
}
