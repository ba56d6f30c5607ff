//! `rules`: list, show, lint and test.

use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::bail;
use clap::{Args, Subcommand, ValueEnum};
use detect::detector::{Detector, Held};
use detect::load::{self, RuleSet};
use detect::rule::{Rule, RuleTest};
use event::layout::{Estate, Fields, with_derived};
use event::value::Value;
use predicate::diagnostic::Diagnostic;
use predicate::eval::{Record, eval};
use source::source::Source;

use super::End;
use super::input::{RuleFiles, Rules};
use super::scan::draw_problems;
use crate::pipeline::ground;

/// `rules`
#[derive(Debug, Subcommand)]
pub enum Command {
    /// List the rules
    List(List),
    /// Show a rule: what it looks for, in words and as a predicate
    Show(Show),
    /// Check rule files without running them
    Lint(Lint),
    /// Run the tests that rules carry
    Test(Test),
    /// Try a rule on a lake: what it would have found
    Backtest(super::backtest::Args),
}

/// `rules list`
#[derive(Debug, Args)]
pub struct List {
    #[command(flatten)]
    rules: Rules,
    /// How they are printed
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Table,
    Json,
}

/// `rules show`
#[derive(Debug, Args)]
pub struct Show {
    /// Its id, or the name of its file without the ending
    rule: String,
    #[command(flatten)]
    rules: Rules,
}

/// `rules lint`
#[derive(Debug, Args)]
pub struct Lint {
    /// Rule files and folders; without any, the rules that come with the program
    paths: Vec<PathBuf>,
    /// Treat warnings as errors
    #[arg(long)]
    strict: bool,
}

/// `rules test`
#[derive(Debug, Args)]
pub struct Test {
    #[command(flatten)]
    rules: Rules,
}

/// Runs a subcommand.
pub fn run(command: &Command) -> anyhow::Result<End> {
    match command {
        Command::List(args) => list(args),
        Command::Show(args) => show(args),
        Command::Lint(args) => lint(args),
        Command::Test(args) => test(args),
        Command::Backtest(args) => super::backtest::run(args),
    }
}

fn list(args: &List) -> anyhow::Result<End> {
    let set = args.rules.load()?;
    draw_problems(&set);
    let mut rules: Vec<&Rule> = set.rules.iter().collect();
    rules.sort_by(|a, b| b.severity.cmp(&a.severity).then_with(|| a.title.cmp(&b.title)));
    let mut out = std::io::stdout().lock();
    if args.format == Format::Json {
        let rules: Vec<_> = rules.iter().map(|rule| to_json(rule)).collect();
        writeln!(out, "{}", serde_json::Value::from(rules))?;
        return Ok(ended(&set));
    }
    for rule in &rules {
        let techniques: Vec<&str> = rule.techniques.iter().map(|t| t.id.as_str()).collect();
        let line = format!(
            "{:<13} {:<62} {:<22} {}",
            rule.severity.to_string(),
            rule.title,
            techniques.join(" "),
            load::stem(&rule.file)
        );
        writeln!(out, "{}", predicate::diagnostic::visible(line.trim_end()))?;
    }
    writeln!(out, "{} rules, {} correlations, {} filters", rules.len(), set.correlations.len(), set.filters.len())?;
    Ok(ended(&set))
}

fn ended(set: &RuleSet) -> End {
    if set.n_errors() > 0 { End::Partial } else { End::Ok }
}

fn to_json(rule: &Rule) -> serde_json::Value {
    serde_json::json!({
        "id": rule.id, "title": rule.title, "level": rule.severity.to_string(), "description": *rule.description,
        "techniques": rule.techniques.iter().map(|t| &t.id).collect::<Vec<_>>(),
        "tags": rule.tags, "product": rule.logsource.product, "service": rule.logsource.service,
        "author": rule.author, "license": rule.license, "file": rule.file, "tests": rule.tests.len(),
        "references": rule.references, "triage": *rule.triage, "false_positives": *rule.false_positives,
    })
}

fn show(args: &Show) -> anyhow::Result<End> {
    let set = args.rules.load()?;
    let matching = |rule: &&Rule| {
        rule.id == args.rule || load::stem(&rule.file) == args.rule || rule.title.eq_ignore_ascii_case(&args.rule)
    };
    let Some(rule) = set.rules.iter().find(matching) else {
        bail!("no rule is called `{}`: `skywarden rules list` lists them", args.rule);
    };
    let mut text = format!("{}\n\n{}\n\n", rule.title, rule.description);
    let logsource = [&rule.logsource.product, &rule.logsource.service, &rule.logsource.category];
    let logsource: Vec<&str> = logsource.into_iter().flatten().map(String::as_str).collect();
    let mut line = |name: &str, value: &str| {
        if !value.is_empty() {
            text.push_str(&format!("{name:<10} {value}\n"));
        }
    };
    line("id", &rule.id);
    line("level", &rule.severity.to_string());
    line("logs", &logsource.join(" "));
    line("author", &rule.author);
    line("licence", &rule.license);
    line("file", &predicate::diagnostic::visible(&rule.file));
    for technique in rule.techniques.iter() {
        line("technique", &format!("{} {} ({})", technique.id, technique.name, technique.tactics.join(", ")));
    }
    rule.references.iter().for_each(|reference| line("read", reference));
    rule.triage.iter().for_each(|step| line("check", step));
    rule.false_positives.iter().for_each(|case| line("nothing if", case));
    for test in &rule.tests {
        line(if test.fires { "fires" } else { "silent" }, &test.name);
    }
    text.push_str(&format!("\nlooks for\n{}\n", rule.predicate));
    let shown: Vec<_> = text.lines().map(predicate::diagnostic::visible).collect();
    writeln!(std::io::stdout(), "{}", shown.join("\n"))?;
    Ok(End::Ok)
}

fn lint(args: &Lint) -> anyhow::Result<End> {
    let mut files = RuleFiles::default();
    if args.paths.is_empty() {
        files.add_bundled();
    }
    for path in &args.paths {
        files.read(path)?;
    }
    let set = files.load(&load::Options::default());
    let (mut n_errors, mut n_warnings) = (0, 0);
    let mut out = std::io::stdout().lock();
    for problem in &files.unreadable {
        for diagnostic in &problem.diagnostics {
            n_errors += 1;
            writeln!(out, "{}", diagnostic.draw(&problem.file, &problem.text))?;
        }
    }
    for (file, text) in &files.texts {
        let problem = set.problems.iter().find(|p| p.file == *file);
        let mut diagnostics: Vec<Diagnostic> = problem.map(|p| p.diagnostics.clone()).unwrap_or_default();
        for rule in set.rules.iter().filter(|r| r.file == *file) {
            diagnostics.extend(advice(rule, text));
        }
        diagnostics.sort_by_key(|d| d.span.start);
        for diagnostic in diagnostics {
            *(if diagnostic.is_error() { &mut n_errors } else { &mut n_warnings }) += 1;
            writeln!(out, "{}", diagnostic.draw(file, text))?;
        }
    }
    let n_rules = set.rules.len() + set.parts.len() + set.correlations.len() + set.filters.len();
    writeln!(
        out,
        "{n_rules} good documents in {} files, {n_errors} errors, {n_warnings} warnings",
        files.texts.len() + files.unreadable.len()
    )?;
    Ok(if n_errors > 0 || (args.strict && n_warnings > 0) { End::Failure } else { End::Ok })
}

/// What a good rule has besides being valid.
pub fn advice(rule: &Rule, text: &str) -> Vec<Diagnostic> {
    let document = text.get(rule.span.clone()).unwrap_or("");
    let head = rule.span.start..rule.span.start + document.find('\n').unwrap_or(document.len());
    let mut out = Vec::new();
    for technique in rule.techniques.iter().filter(|t| !detect::attack::is_known(&t.id)) {
        let at = document
            .to_ascii_uppercase()
            .find(&technique.id)
            .map_or(head.clone(), |at| rule.span.start + at..rule.span.start + at + technique.id.len());
        let message = format!("ATT&CK {} does not list `{}`", event::ocsf::ATTACK_VERSION, technique.id);
        out.push(
            Diagnostic::warning(at, message).help("ids change with the versions of ATT&CK; the rule runs all the same"),
        );
    }
    if !source::source::ALL.iter().any(|source| is_meant(rule, source)) {
        out.push(Diagnostic::warning(
            head.clone(),
            "no log source that is known is meant by this rule, so it never runs",
        ));
    }
    out
}

pub fn is_meant(rule: &Rule, source: &Source) -> bool {
    let logsource = &rule.logsource;
    source.is_meant(logsource.product.as_deref(), logsource.service.as_deref(), logsource.category.as_deref())
}

fn test(args: &Test) -> anyhow::Result<End> {
    let set = args.rules.load()?;
    draw_problems(&set);
    let mut out = std::io::stdout().lock();
    let (mut n_tests, mut n_failed, mut n_untested) = (0, 0, 0);
    for rule in &set.rules {
        n_untested += usize::from(rule.tests.is_empty());
        for test in &rule.tests {
            n_tests += 1;
            for failure in failures(rule, test) {
                n_failed += 1;
                writeln!(out, "{}: {}: {failure}", rule.file, test.name)?;
            }
        }
    }
    writeln!(out, "{} rules, {n_tests} tests, {n_failed} failed, {n_untested} rules without tests", set.rules.len())?;
    Ok(if n_failed > 0 || set.n_errors() > 0 { End::Failure } else { End::Ok })
}

/// What is wrong with a rule by one of its tests.
pub fn failures(rule: &Rule, test: &RuleTest) -> Vec<String> {
    let Some(source) = source::source::ALL.iter().find(|source| is_meant(rule, source)) else {
        return vec!["no log source that is known is meant by this rule".into()];
    };
    let raw = test.event.compact();
    let estate = Arc::default();
    let record = with_derived(test.event.clone(), source.derived, &estate);
    let defined = eval(&rule.predicate, Record { raw: &raw, value: &record });
    let found = detects(rule, source, &test.event, &raw, &estate);
    let mut out = Vec::new();
    if defined != found {
        out.push(format!("the matcher says {found} and the definition {defined}: please report this"));
    }
    if found != test.fires {
        out.push(if test.fires { "does not fire".into() } else { "fires".into() });
    }
    if let (true, Some(sentence)) = (test.fires, &rule.sentence) {
        let words = detect::template::Words { principal: "-", source_ip: "-", account: "-", region: "-" };
        let missing = sentence.render(&record, words).1;
        out.extend(
            (!missing.is_empty()).then(|| format!("the title names fields that are not there: {}", missing.join(", "))),
        );
    }
    out
}

/// Whether the detector, as a scan uses it, finds the event.
fn detects(rule: &Rule, source: &'static Source, event: &Value, raw: &str, estate: &Arc<Estate>) -> bool {
    let detector = Detector::new(&[(0, &rule.predicate)], &[], ground(source, estate));
    let mut slots = detector.layout().slots();
    if detector.layout().fill(raw.as_bytes(), 0, &mut slots).is_err() {
        return false;
    }
    let mut held = Vec::new();
    let parse = |_: &str| event.clone();
    detector.detect(&mut Fields::new(raw, detector.layout(), &mut slots, &parse), &mut detector.scratch(), &mut held);
    held.contains(&Held::Rule(0))
}
