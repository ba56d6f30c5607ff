//! The cases of the functions: an expression in Logs Insights QL, and its value in each row.
//!
//! Each expression is worked out twice where that is possible: with its literals as they are, and with a column in their place.
#![allow(clippy::unwrap_used)]

mod hostile;
mod lowered;

use std::collections::BTreeSet;
use std::sync::Arc;

use cases::Case;
use datafusion::arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use datafusion::datasource::MemTable;
use datafusion::logical_expr::col;
use datafusion::prelude::{DataFrame, SessionConfig, SessionContext};
use query::function::{
    ALL, Function, capture, find, items, parse_csv, parse_glob, parse_logfmt, parse_regex, parse_regex_all, register,
    sort_key,
};
use query::insights::ast::{self, How};
use query::insights::parse;
use query::kind::Typed;

use lowered::{Literals, Rows};

#[test]
fn functions() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    cases::run(concat!(env!("CARGO_MANIFEST_DIR"), "/cases/functions"), |case| runtime.block_on(check(case)));
}

/// Blocks of a case: `rows` are JSON objects, one a line; `expressions` are worked out in each of them, `stats` are aggregates, each line an
/// item list perhaps with `by`, `parses` are what stands behind `parse`, `items` are lists to unnest, `plans` are shown as expressions of DataFusion, `sorted` is the rows' field `v` in ascending order.
async fn check(case: &Case) -> String {
    let rows = Rows::parse(case.block("rows").unwrap_or("{}"));
    let mut out = String::new();
    for line in case.all("expressions").flat_map(str::lines) {
        out.push_str(&format!("{line} → {}\n", values(&rows, line).await));
    }
    for line in case.all("stats").flat_map(str::lines) {
        out.push_str(&format!("{line} → {}\n", stats(&rows, line).await));
    }
    for line in case.all("parses").flat_map(str::lines) {
        out.push_str(&format!("{line} → {}\n", parses(&rows, line).await));
    }
    for line in case.all("items").flat_map(str::lines) {
        let list = rows.lower(&first_item(line).unwrap().0, line, Literals::Kept).unwrap();
        let frame = session().read_batch(rows.batch.clone()).unwrap().select(vec![items(list).alias("v")]).unwrap();
        let frame = frame.unnest_columns(&["v"]).unwrap();
        out.push_str(&format!("{line} → {}\n", column(frame, "v").await.join(" | ")));
    }
    for line in case.all("plans").flat_map(str::lines) {
        let item = first_item(line);
        let shown =
            item.and_then(|(expr, text)| rows.lower(&expr, &text, Literals::Kept).map(|typed| typed.expr.to_string()));
        out.push_str(&format!("{line} → {}\n", shown.unwrap_or_else(|error| error)));
    }
    if let Some(values) = case.block("sorted") {
        out.push_str(&sorted(values).await);
    }
    out
}

async fn values(rows: &Rows, line: &str) -> String {
    let (expr, text) = match first_item(line) {
        Ok(item) => item,
        Err(error) => return error,
    };
    let typed = match rows.lower(&expr, &text, Literals::Kept) {
        Ok(typed) => typed,
        Err(error) => return error,
    };
    let kind = typed.kind;
    let warnings = rows.ctx.warnings.take();
    let shown = evaluated(rows, typed).await;
    if let Ok(typed) = rows.lower(&expr, &text, Literals::Columns) {
        assert_eq!(evaluated(rows, typed).await, shown, "with columns in place of literals: {line}");
    }
    let warnings: Vec<String> =
        warnings.into_iter().map(|warning| format!(" (warning: {})", warning.message)).collect();
    format!("{shown} : {kind:?}{}", warnings.concat())
}

async fn evaluated(rows: &Rows, typed: Typed) -> String {
    let frame = session().read_batch(rows.batch.clone()).unwrap();
    let frame = frame.select(vec![typed.shown().expr.alias("v")]).unwrap();
    column(frame, "v").await.join(" | ")
}

/// What `parse` makes of the rows: each row's captures.
async fn parses(rows: &Rows, line: &str) -> String {
    let text = format!("parse {line}");
    let (query, diagnostics) = parse(&text);
    let Some(query) = query else { return drawn(&diagnostics[0].message) };
    let ast::Kind::Parse(parsed) = &query.commands[0].kind else { panic!("no parse: {line}") };
    let of = rows.lower(parsed.of.as_ref().unwrap(), &text, Literals::Kept).unwrap();
    let captures = match &parsed.how {
        How::Glob(pattern, names) => parse_glob(of, pattern, names),
        How::Regex { regex, names, is_multi: false } => parse_regex(of, regex, names),
        How::Regex { regex, names, is_multi: true } => parse_regex_all(of, regex, names),
        How::Csv(names) => Ok(parse_csv(of, names)),
        How::Logfmt(_) => return evaluated(rows, parse_logfmt(of)).await,
    };
    let captures = match captures {
        Ok(captures) => captures,
        Err(error) => return drawn(&error.message),
    };
    let mut frame = session().read_batch(rows.batch.clone()).unwrap().select(vec![captures.expr.alias("r")]).unwrap();
    if matches!(parsed.how, How::Regex { is_multi: true, .. }) {
        frame = frame.unnest_columns(&["r"]).unwrap();
    }
    let mut out = Vec::new();
    for (i, name) in captures.names.iter().enumerate() {
        let values = column(frame.clone().select(vec![capture(col("r"), i).expr.alias("v")]).unwrap(), "v").await;
        out.push(format!("{name}: {}", values.join(" | ")));
    }
    out.join("; ")
}

async fn stats(rows: &Rows, line: &str) -> String {
    let text = format!("stats {line}");
    let (query, diagnostics) = parse(&text);
    let Some(query) = query else { return drawn(&diagnostics[0].message) };
    let ast::Kind::Stats(stats) = &query.commands[0].kind else { panic!("no stats: {line}") };
    let lower = |item: &ast::Item| rows.lower(&item.expr, &text, Literals::Kept);
    let (items, keys) = (stats.items.iter().map(lower).collect::<Result<Vec<_>, _>>(), stats.by.iter().map(lower));
    let (items, keys) = match (items, keys.collect::<Result<Vec<_>, _>>()) {
        (Ok(items), Ok(keys)) => (items, keys),
        (Err(error), _) | (_, Err(error)) => return error,
    };
    let named = |prefix: &str, typed: &[Typed]| {
        typed.iter().enumerate().map(|(i, typed)| typed.expr.clone().alias(format!("{prefix}{i}"))).collect::<Vec<_>>()
    };
    // Each row is a partition of its own, so that states are merged.
    let batches = (0..rows.batch.num_rows()).map(|i| vec![rows.batch.slice(i, 1)]).collect();
    let table = MemTable::try_new(rows.batch.schema(), batches).unwrap();
    let frame = session().read_table(Arc::new(table)).unwrap();
    let frame = frame.aggregate(named("k", &keys), named("v", &items)).unwrap();
    let sort: Vec<_> = (0..keys.len()).map(|i| col(format!("k{i}")).sort(true, false)).collect();
    let frame = if sort.is_empty() { frame } else { frame.sort(sort).unwrap() };
    let again = |prefix: &str, typed: &[Typed]| {
        let shown = |(i, typed): (usize, &Typed)| {
            let name = format!("{prefix}{i}");
            Typed { expr: col(&name), kind: typed.kind }.shown().expr.alias(name)
        };
        typed.iter().enumerate().map(shown).collect::<Vec<_>>()
    };
    let frame = frame.select([again("k", &keys), again("v", &items)].concat()).unwrap();
    let names: Vec<String> = frame.schema().fields().iter().map(|field| field.name().clone()).collect();
    let mut columns = Vec::new();
    for name in &names {
        columns.push(column(frame.clone(), name).await);
    }
    let n_rows = columns.first().map_or(0, Vec::len);
    let row = |i: usize| columns.iter().map(|column| column[i].as_str()).collect::<Vec<_>>().join(", ");
    (0..n_rows).map(row).collect::<Vec<_>>().join(" | ")
}

async fn sorted(values: &str) -> String {
    let rows: String = values.lines().map(|line| format!("{}\n", serde_json::json!({ "v": line }))).collect();
    let rows = Rows::parse(&rows);
    let key = sort_key(rows.field("v").unwrap());
    let frame = session().read_batch(rows.batch.clone()).unwrap().sort(vec![key.sort(true, false)]).unwrap();
    column(frame, "v").await.iter().map(|value| format!("{value}\n")).collect()
}

async fn column(frame: DataFrame, name: &str) -> Vec<String> {
    let batches = frame.collect().await.unwrap_or_else(|err| panic!("{err}"));
    let arrays: Vec<ArrayRef> =
        batches.iter().map(|batch: &RecordBatch| Arc::clone(batch.column_by_name(name).unwrap())).collect();
    arrays.iter().flat_map(shown).collect()
}

fn shown(array: &ArrayRef) -> Vec<String> {
    let texts = array.as_string_view();
    (0..texts.len()).map(|i| if texts.is_null(i) { "(null)".to_owned() } else { texts.value(i).to_owned() }).collect()
}

fn session() -> SessionContext {
    let ctx = SessionContext::new_with_config(SessionConfig::new().with_target_partitions(3));
    register(&ctx);
    ctx
}

/// The expression of a line, and the text in which its spans lie.
fn first_item(line: &str) -> Result<(ast::Expr, String), String> {
    let text = format!("fields {line}");
    let (query, diagnostics) = parse(&text);
    let Some(query) = query else { return Err(drawn(&diagnostics[0].message)) };
    match query.commands.into_iter().next().unwrap().kind {
        ast::Kind::Fields(items) => Ok((items.into_iter().next().unwrap().expr, text)),
        other => panic!("no expression: {other:?}"),
    }
}

fn drawn(message: &str) -> String {
    format!("error: {message}")
}

fn all() -> impl Iterator<Item = &'static Function> {
    ALL.iter().flat_map(|file| file.iter())
}

#[test]
fn names_are_unique_in_any_letter_case() {
    let mut seen = BTreeSet::new();
    for function in all() {
        for name in std::iter::once(&function.name).chain(function.aliases) {
            assert!(seen.insert(name.to_ascii_lowercase()), "{name} is there twice");
            assert_eq!(find(&name.to_ascii_uppercase()).unwrap().name, function.name);
        }
        assert!(function.usage.starts_with(&format!("{}(", function.name)), "{}", function.usage);
        assert!(function.doc.ends_with('.'), "{}", function.doc);
    }
}

#[test]
fn each_function_has_a_case() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/cases/functions");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| std::fs::read_to_string(entry.unwrap().path()).unwrap());
    let cases = files.collect::<String>();
    let missing: Vec<&str> = all()
        .flat_map(|f| std::iter::once(&f.name).chain(f.aliases))
        .copied()
        .filter(|name| !cases.contains(&format!("{name}(")))
        .collect();
    assert!(missing.is_empty(), "no case calls {missing:?}");
}
