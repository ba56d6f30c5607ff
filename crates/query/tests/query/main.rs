//! Queries from text to rows: cases over a few records, the cases of others over real ones, and the bounds.
#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "a test fails loudly and says what it skips")]

mod bounds;
mod data;
mod on_disk;
mod others;
mod pushed;

use std::fmt::Write as _;
use std::time::Duration;

use cases::Case;
use query::output::{Format, writer};
use query::{Engine, Lang, Options, Outcome, QueryError, Window, explain};

/// When the queries of the cases begin: 2024-05-02 00:00:00.
const NOW_MS: i64 = 1_714_608_000_000;

#[test]
fn queries() {
    let datasets = data::fixture();
    cases::run(concat!(env!("CARGO_MANIFEST_DIR"), "/cases/query"), |case| {
        let engine = Engine::new(datasets.clone(), options(case)).unwrap();
        check(&engine, case)
    });
}

/// Blocks of a case: `query` is Logs Insights QL, `sql` is SQL; `set` has a line for each of `strict`, `rows n`, `from ms`, `to ms`;
/// `show` says what is shown besides rows and messages: `names`, `plan`, `format name`.
fn check(engine: &Engine, case: &Case) -> String {
    let mut out = String::new();
    for (info, text) in &case.blocks {
        let lang = match info.as_str() {
            "query" => Lang::Insights,
            "sql" => Lang::Sql,
            _ => continue,
        };
        out.push_str(&engine.block_on(answer(engine, text.trim_end_matches('\n'), lang, case)));
    }
    out
}

fn options(case: &Case) -> Options {
    let set = |name: &str| setting(case, name);
    let lookup_folder = Some(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/query/lookup").into());
    let defaults = Options::default();
    Options {
        is_strict: set("strict").is_some(),
        rows: set("rows").map_or(defaults.rows, |n| n.parse().unwrap()),
        threads: 2,
        deadline: Duration::from_secs(60),
        lookup_folder,
        ..defaults
    }
}

fn setting<'c>(case: &'c Case, name: &str) -> Option<&'c str> {
    let mut lines = case.all("set").flat_map(str::lines);
    lines.find_map(|line| line.strip_prefix(name)).map(str::trim)
}

async fn answer(engine: &Engine, text: &str, lang: Lang, case: &Case) -> String {
    let ms = |name: &str| setting(case, name).map(|text| event::time::parse(text).unwrap());
    let window = Window { from_ms: ms("from"), to_ms: ms("to") };
    let shows = |what: &str| case.all("show").flat_map(str::lines).any(|line| line == what);
    let mut out = String::new();
    if shows("plan") {
        match engine.explain(text, lang, window, NOW_MS).await {
            Ok(explained) => out.push_str(&explained.physical),
            Err(err) => return failed(&err, text),
        }
    }
    let mut outcome = match engine.query(text, lang, window, NOW_MS).await {
        Ok(outcome) => outcome,
        Err(err) => return out + &failed(&err, text),
    };
    let format = case.all("show").flat_map(str::lines).find_map(|line| Format::named(line.strip_prefix("format ")?));
    match written(&mut outcome, format.unwrap_or(Format::Table { width: 140 })).await {
        Ok(text) => out.push_str(&text),
        Err(err) => return out + &failed(&err, text),
    }
    if outcome.is_partial() {
        out.push_str("(partial)\n");
    }
    for warning in &outcome.warnings {
        out.push_str(&warning.draw("query", text));
    }
    if shows("names") {
        out.push_str(&explain::names(&outcome.taken));
    }
    if shows("read") {
        out.push_str(&explain::read(&outcome));
    }
    out
}

async fn written(outcome: &mut Outcome, format: Format) -> Result<String, QueryError> {
    let mut bytes = Vec::new();
    let mut batches = Vec::new();
    while let Some(batch) = outcome.next().await {
        batches.push(batch?);
    }
    let mut rows = writer(format, &outcome.columns, Box::new(&mut bytes)).unwrap();
    batches.iter().for_each(|batch| rows.rows(batch).unwrap());
    rows.end().unwrap();
    drop(rows);
    // A case file has lines without carriage returns.
    Ok(String::from_utf8(bytes).unwrap().replace("\r\n", "\n"))
}

fn failed(err: &QueryError, text: &str) -> String {
    let mut out = String::new();
    if let QueryError::Text(diagnostics) = err {
        diagnostics.iter().for_each(|diagnostic| out.push_str(&diagnostic.draw("query", text)));
        return out;
    }
    let mut cause: Option<&dyn std::error::Error> = Some(err);
    while let Some(err) = cause {
        let _ = writeln!(out, "{err}");
        cause = err.source();
    }
    out
}
