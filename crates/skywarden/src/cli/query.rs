//! `query`: questions to a lake, or to logs that are in none.

use std::io::{BufWriter, IsTerminal, Read as _, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use clap::{Args as ClapArgs, ValueEnum};
use detect::load::RuleSet;
use lake::columns::Columns;
use lake::{Lake, Mode};
use query::lake_table::dataset;
use query::output::{self, writer};
use query::run::{Engine, Lang, Options, Outcome, QueryError};
use query::{Dataset, PlainTable, Window, explain};
use source::source::{ALL, Source};

use super::End;
use super::ingest::n_threads;
use super::input::Period;
use super::scan::now_ms;
use crate::keep::{HITS, Keep, QUARANTINE};
use crate::pipeline::{Plan, Progress, scan};
use crate::refold::FINDINGS;
use crate::spelled::Spelled;

/// `query`
#[derive(Debug, ClapArgs)]
#[command(
    after_help = "Logs Insights QL without SOURCE reads every log. Times are UTC; without --from, --to and --since a query reads everything.\n\n\
Exit codes: 0 ok, 1 failure, 2 usage, 4 partial: some input could not be read.\n\n\
Examples:\n  skywarden query 'filter errorCode like /Denied/ | stats count(*) as n by userIdentity.arn | sort n desc' --lake ./lake\n  skywarden query 'SELECT api.operation, count(*) FROM cloudtrail GROUP BY 1' --lang sql --lake ./lake\n  skywarden query 'fields @timestamp, eventName | limit 5' --input ./logs"
)]
pub struct Args {
    /// The query; `-` reads it from standard input
    #[arg(value_name = "TEXT", required_unless_present = "view", allow_hyphen_values = true, value_parser = query_text)]
    text: Option<String>,
    /// A query that the lake keeps under this name
    #[arg(long, value_name = "NAME", conflicts_with_all = ["text", "input"])]
    view: Option<String>,
    /// The lake: a folder, or s3://bucket/prefix
    #[arg(long, value_name = "URI", required_unless_present = "input", conflicts_with = "input")]
    lake: Option<String>,
    /// Files and folders with logs, where there is no lake
    #[arg(long, value_name = "PATH", num_args = 1..)]
    input: Vec<PathBuf>,
    /// The language of the query
    #[arg(long, value_enum, default_value_t = Language::Ql)]
    lang: Language,
    #[command(flatten)]
    period: Period,
    /// How rows are printed
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
    /// Say what each name was taken for, and what was read and skipped
    #[arg(long)]
    explain: bool,
    /// An unknown field is an error
    #[arg(long)]
    strict: bool,
    /// The most rows where the query does not say
    #[arg(long, default_value_t = 10_000, value_name = "N")]
    rows: usize,
    /// The most memory, in MiB; what does not fit goes to disk
    #[arg(long, default_value_t = 1_024, value_name = "MIB")]
    memory: usize,
    /// How long the query may run, in seconds
    #[arg(long, default_value_t = 300, value_name = "S")]
    timeout: u64,
    /// Threads; 0 is one for each core
    #[arg(long, default_value_t = 0, value_name = "N")]
    threads: usize,
    /// The folder of CSV tables for `lookup` and `cidrlookup`
    #[arg(long, value_name = "DIR")]
    tables: Option<PathBuf>,
}

/// The language of a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Language {
    /// CloudWatch Logs Insights QL
    Ql,
    /// SQL, read-only
    Sql,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    Table,
    /// An array of objects
    Json,
    /// An object a line
    Jsonl,
    /// Comma-separated values
    Csv,
    /// Apache Parquet
    Parquet,
}

/// A query may begin with a comment, `-- like this`; a lone word behind dashes is an option that is not there.
pub fn query_text(text: &str) -> Result<String, String> {
    let is_option = text.len() > 1 && text.starts_with('-') && !text.contains(char::is_whitespace);
    if is_option { Err("no such option, and no query".to_owned()) } else { Ok(text.to_owned()) }
}

/// The longest query that is read from standard input.
const TEXT_BYTES_MAX: u64 = 1 << 20;

/// Asks, and prints the answer.
pub fn run(args: &Args) -> anyhow::Result<End> {
    let now_ms = now_ms();
    let window = match args.period.window(now_ms) {
        Ok((from_ms, to_ms)) => Window { from_ms, to_ms },
        Err(why) => {
            tell!("error: {why}");
            return Ok(End::Usage);
        }
    };
    if args.format == Format::Parquet && std::io::stdout().is_terminal() {
        bail!("Parquet is not for terminals: send it to a file with `> answer.parquet`");
    }
    let mut folder = None;
    let (lake, is_partial) = match &args.lake {
        Some(uri) => (Lake::open(uri, Mode::Read)?, false),
        None => {
            let folder = folder.insert(tempfile::tempdir().context("cannot make a folder for the logs")?);
            take_in(&folder.path().to_string_lossy(), args, now_ms)?
        }
    };
    let (text, lang) = text(args, &lake)?;
    let engine = Engine::with_plain(datasets(&lake)?, plain(&lake)?, options(args))?;
    let answered = engine.block_on(async {
        let mut outcome = engine.query(&text, lang, window, now_ms).await?;
        print(args, &text, &mut outcome).await
    });
    match answered {
        Ok(End::Ok) if is_partial => Ok(End::Partial),
        Ok(end) => Ok(end),
        Err(err) => match err.downcast::<QueryError>() {
            Ok(QueryError::Text(diagnostics)) => {
                diagnostics.iter().for_each(|d| crate::stderr::print(&d.draw("query", &text)));
                Ok(End::Usage)
            }
            Ok(err) => Err(err.into()),
            Err(err) => Err(err),
        },
    }
}

/// The query and its language.
fn text(args: &Args, lake: &Lake) -> anyhow::Result<(String, Lang)> {
    let lang = match args.lang {
        Language::Ql => Lang::Insights,
        Language::Sql => Lang::Sql,
    };
    match (&args.view, &args.text) {
        (Some(name), _) => {
            let view = lake.view(name)?;
            Ok((view.text, if view.lang == "sql" { Lang::Sql } else { Lang::Insights }))
        }
        (None, Some(text)) if text != "-" => Ok((text.clone(), lang)),
        _ => {
            let mut text = String::new();
            let stdin = std::io::stdin().take(TEXT_BYTES_MAX);
            std::io::BufReader::new(stdin)
                .read_to_string(&mut text)
                .context("cannot read the query from standard input")?;
            Ok((text, lang))
        }
    }
}

fn options(args: &Args) -> Options {
    Options {
        memory_bytes: args.memory << 20,
        deadline: Duration::from_secs(args.timeout),
        threads: args.threads,
        rows: args.rows,
        is_strict: args.strict,
        lookup_folder: args.tables.clone(),
        ..Options::default()
    }
}

/// The logs of the lake.
pub fn datasets(lake: &Lake) -> anyhow::Result<Vec<Dataset>> {
    let tables = lake.tables()?;
    let known = ALL.iter().filter(|source| tables.iter().any(|table| table == source.name));
    let open = |source: &&'static Source| -> anyhow::Result<Dataset> {
        let table = lake.open_table(source.name).with_context(|| format!("cannot open table `{}`", source.name))?;
        Ok(dataset(lake, table, Arc::new(Columns::new(source.mapping))))
    };
    known.map(open).collect()
}

/// What is no log: hits, findings, and what is in quarantine.
pub fn plain(lake: &Lake) -> anyhow::Result<Vec<PlainTable>> {
    let tables = lake.tables()?;
    let known = [HITS, FINDINGS, QUARANTINE].into_iter().filter(|name| tables.iter().any(|table| table == name));
    known.map(|name| Ok(query::lake_table::plain(lake, lake.open_table(name)?)?)).collect()
}

/// Takes logs into a lake of their own, so that a query means the same whether logs are in a lake or not.
fn take_in(uri: &str, args: &Args, now_ms: i64) -> anyhow::Result<(Lake, bool)> {
    let lake = Lake::open(uri, Mode::Create)?;
    let keep = Keep::new(&lake, now_ms)?;
    let rules = RuleSet::default();
    let plan =
        Plan { paths: args.input.clone(), n_threads: n_threads(args.threads), keep: Some(&keep), ..Plan::new(&rules) };
    let outcome = scan(&plan, &Progress::default())?;
    if outcome.files == 0 && !outcome.missing.is_empty() {
        bail!("nothing to read: {} does not exist", outcome.missing.join(", "));
    }
    keep.close()?;
    super::ingest::print_skipped(&outcome);
    Ok((lake, outcome.is_partial))
}

async fn print(args: &Args, text: &str, outcome: &mut Outcome) -> anyhow::Result<End> {
    outcome.warnings.iter().for_each(|warning| crate::stderr::print(&warning.draw("query", text)));
    if args.explain {
        crate::stderr::print(&explain::names(&outcome.taken));
    }
    let format = match args.format {
        Format::Table => output::Format::Table { width: width() },
        Format::Json => output::Format::Json,
        Format::Jsonl => output::Format::JsonLines,
        Format::Csv => output::Format::Csv,
        Format::Parquet => output::Format::Parquet,
    };
    // A query that fails before its first row leaves nothing; one that fails later leaves whole output of what there was.
    let mut out = None;
    let mut n_rows = 0;
    let mut failed = None;
    while let Some(batch) = outcome.next().await {
        let batch = match batch {
            Ok(batch) => batch,
            Err(err) => {
                failed = Some(err);
                break;
            }
        };
        n_rows += batch.num_rows();
        if out.is_none() {
            out = Some(begun(format, outcome)?);
        }
        if let Some(out) = &mut out {
            out.rows(&batch)?;
        }
    }
    if failed.is_none() && out.is_none() {
        out = Some(begun(format, outcome)?);
    }
    if let Some(mut out) = out {
        out.end()?;
    }
    std::io::stdout().flush()?;
    if let Some(err) = failed {
        if n_rows > 0 {
            tell!("partial: the query failed behind these {n_rows} rows");
        }
        // The text is a query all right; a value was not as it has to be.
        let QueryError::Text(diagnostics) = err else { return Err(err.into()) };
        diagnostics.iter().for_each(|d| crate::stderr::print(&d.draw("query", text)));
        return Ok(End::Failure);
    }
    if args.explain {
        crate::stderr::print(&explain::read(outcome));
    }
    if outcome.is_partial() {
        tell!("partial: there are more than these {n_rows} rows; narrow the query, or say `limit` or --rows");
    }
    Ok(End::Ok)
}

fn begun(format: output::Format, outcome: &Outcome) -> std::io::Result<Box<dyn output::Rows>> {
    let out = BufWriter::new(std::io::stdout());
    match format {
        output::Format::Json | output::Format::JsonLines => {
            writer(format, &outcome.columns, Box::new(Spelled::new(out)))
        }
        _ => writer(format, &outcome.columns, Box::new(out)),
    }
}

/// The width of the terminal; a file may be as wide as it needs.
fn width() -> usize {
    if terminal::user_attended() { usize::from(terminal::Term::stdout().size().1) } else { usize::MAX }
}
