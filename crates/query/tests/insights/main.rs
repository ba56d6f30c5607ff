//! The cases of the parser of Logs Insights QL, its canonical text, and its behaviour on any text.
#![allow(clippy::unwrap_used)]

mod random;
mod robustness;
mod tree;

use cases::Case;
use query::insights::ast::Query;
use query::insights::{parse, print};

#[test]
fn syntax() {
    cases::run(concat!(env!("CARGO_MANIFEST_DIR"), "/cases/insights-syntax"), check);
}

/// What each query of a case means. A block `query` is one query and printed in its canonical text; `queries` has one a line; `query tree` is
/// printed as the tree of its expressions.
fn check(case: &Case) -> String {
    let mut out = String::new();
    for text in case.all("query") {
        out.push_str(&checked(text.trim_end_matches('\n'), print));
    }
    for text in case.all("queries").flat_map(str::lines) {
        out.push_str(&checked(text, print));
    }
    for text in case.all("query tree") {
        out.push_str(&checked(text.trim_end_matches('\n'), |query| tree::of(query, text)));
    }
    out
}

fn checked(text: &str, shown: impl Fn(&Query) -> String) -> String {
    let (query, diagnostics) = parse(text);
    assert_eq!(query.is_none(), diagnostics.iter().any(|d| d.is_error()), "{text}");
    let mut out = String::new();
    if let Some(query) = query {
        out.push_str(&shown(&query));
        out.push('\n');
        survives_printing(&query);
    }
    for diagnostic in diagnostics {
        out.push_str(&diagnostic.draw("query", text));
    }
    out
}

/// The canonical text of a query gives the same query.
#[track_caller]
fn survives_printing(query: &Query) {
    let text = print(query);
    let (again, diagnostics) = parse(&text);
    let drawn: String = diagnostics.iter().filter(|d| d.is_error()).map(|d| d.draw("query", &text)).collect();
    let again = again.unwrap_or_else(|| panic!("{text}\n{drawn}{query:#?}"));
    assert_eq!(tree::without_places(again), tree::without_places(query.clone()), "{text}");
}

/// The queries that others wrote for this language; they lie outside the repository.
#[test]
fn queries_of_others() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data/logs-insights/cases-invictus.json");
    let Ok(corpus) = std::fs::read_to_string(path) else { return };
    let corpus: serde_json::Value = serde_json::from_str(&corpus).unwrap();
    for case in corpus["cases"].as_array().unwrap() {
        let text = case["query"].as_str().unwrap();
        let (query, diagnostics) = parse(text);
        let drawn: String = diagnostics.iter().map(|d| d.draw("query", text)).collect();
        survives_printing(&query.unwrap_or_else(|| panic!("{drawn}")));
    }
}
