//! The cases of the rule languages, the rules and logs of others, and a second engine as oracle: one binary.
#![allow(clippy::unwrap_used, clippy::print_stderr)]

mod oracle;
mod real_data;
mod robustness;

use std::collections::BTreeMap;

use cases::Case;
use event::value::Value;
use predicate::eval::{Record, eval};
use predicate::syntax::sigma::{self, Correlation, Document, Filter, Options, Rule};

#[test]
fn sigma() {
    cases::run(concat!(env!("CARGO_MANIFEST_DIR"), "/cases"), check);
}

/// What a Sigma text means: each document printed, which of the events it matches, and the diagnostics.
fn check(case: &Case) -> String {
    let text = source(case);
    let (documents, mut diagnostics) = sigma::parse(&text, &options(case));
    let mut out = String::new();
    let (mut rules, filters) = print_others(documents, &mut out);
    diagnostics.extend(sigma::apply_filters(&mut rules, &filters));
    let events: Vec<&str> = case.all("json").flat_map(str::lines).collect();
    let several = rules.len() > 1;
    for rule in &rules {
        if several {
            out.push_str(&format!("rule {}\n", rule.about.title));
        }
        match events[..] {
            _ if case.block("yaml about").is_some() => out.push_str(&about(rule)),
            [] => out.push_str(&format!("{}\n", rule.predicate)),
            _ => events.iter().for_each(|event| out.push_str(&verdict(rule, event))),
        }
    }
    for diagnostic in diagnostics {
        out.push_str(&diagnostic.draw("rule.yml", &text));
    }
    out
}

/// The block `yaml` is a whole text, and so is `yaml about`, of which all but the detection is printed; `yaml detection` and `yaml selection` leave out what is the same in each case.
fn source(case: &Case) -> String {
    let head = "title: A case\nlogsource: {product: aws}\ndetection:\n";
    let indented = |text: &str, by: &str| text.lines().map(|line| format!("{by}{line}\n")).collect::<String>();
    if let Some(text) = case.block("yaml").or(case.block("yaml about")) {
        return text.to_owned();
    }
    if let Some(text) = case.block("yaml detection") {
        return format!("{head}{}", indented(text, "  "));
    }
    let text = case.block("yaml selection").unwrap_or_else(|| panic!("case `{}` has no rule", case.title));
    format!("{head}  selection:\n{}  condition: selection\n", indented(text, "    "))
}

/// Placeholders stand one a line: `name: value value`.
fn options(case: &Case) -> Options {
    let lines = case.all("placeholders").flat_map(str::lines);
    let lists = lines.filter_map(|line| line.split_once(':'));
    let words = |values: &str| values.split_whitespace().map(str::to_owned).collect();
    Options {
        placeholders: lists.map(|(name, values)| (name.to_owned(), words(values))).collect::<BTreeMap<_, Vec<_>>>(),
    }
}

fn print_others(documents: Vec<Document>, out: &mut String) -> (Vec<Rule>, Vec<Filter>) {
    let (mut rules, mut filters) = (Vec::new(), Vec::new());
    for document in documents {
        match document {
            Document::Rule(rule) => rules.push(rule),
            Document::Filter(filter) => filters.push(filter),
            Document::Correlation(correlation) => out.push_str(&print_correlation(&correlation)),
        }
    }
    (rules, filters)
}

fn print_correlation(c: &Correlation) -> String {
    let mut out = format!("correlation {}\n  {:?}\n", c.about.title, c.kind);
    out.push_str(&format!(
        "  of {:?} by {:?} within {} s, generate {}\n",
        c.rules, c.group_by, c.timespan_s, c.generate
    ));
    for alias in &c.aliases {
        out.push_str(&format!("  alias {} {:?}\n", alias.name, alias.fields));
    }
    out
}

fn about(rule: &Rule) -> String {
    let others: Vec<Option<&str>> = rule.others.iter().map(|(key, _)| key.text()).collect();
    let extension = rule.extension.as_ref().map(|node| node.kind());
    format!("{:#?}\n{:?}\nextension {extension:?}, others {others:?}\n", rule.about, rule.logsource)
}

fn verdict(rule: &Rule, event: &str) -> String {
    let value = Value::parse(event).unwrap();
    let word = if eval(&rule.predicate, Record { raw: event, value: &value }) { "yes" } else { "no " };
    format!("{word} {event}\n")
}
