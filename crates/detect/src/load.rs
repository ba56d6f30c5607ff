//! Rules from files.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::sync::Arc;

use event::finding::Severity;
use event::value::Value;
use predicate::diagnostic::Diagnostic;
use predicate::syntax::sigma::{self, Correlation, Document, Filter, Level};
use predicate::yaml::{Node, Yaml};

use crate::attack;
use crate::rule::{Rule, RuleTest};
use crate::template::Template;

/// The rules that come with the program: path under `content/rules`, and text.
pub const BUNDLED: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/rules.rs"));

/// What a set of rule files holds.
#[derive(Debug, Default)]
pub struct RuleSet {
    /// Rules, in the order of the files.
    pub rules: Vec<Rule>,
    /// Rules that only serve a correlation in their file: they give no findings of their own.
    pub parts: Vec<Rule>,
    /// Correlations, read and checked; they are run over stored findings.
    pub correlations: Vec<Correlation>,
    /// Filters that were applied to the rules.
    pub filters: Vec<Filter>,
    /// What is wrong with the files, by file.
    pub problems: Vec<Problem>,
}

/// Diagnostics of one file.
#[derive(Debug)]
pub struct Problem {
    /// The file.
    pub file: String,
    /// Its text.
    pub text: String,
    /// What is wrong.
    pub diagnostics: Vec<Diagnostic>,
}

impl RuleSet {
    /// How many of the problems are errors.
    pub fn n_errors(&self) -> usize {
        self.problems.iter().flat_map(|p| &p.diagnostics).filter(|d| d.is_error()).count()
    }
}

/// What a person may change about rules without touching them.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Lists for `expand`.
    pub sigma: sigma::Options,
    /// Other tiers, by rule id or by file name without its ending.
    pub tiers: BTreeMap<String, Severity>,
}

/// Reads rule files. A file with errors does not stop the others.
pub fn load<'f>(files: impl IntoIterator<Item = (&'f str, &'f str)>, options: &Options) -> RuleSet {
    let mut set = RuleSet::default();
    let mut sigma_rules = Vec::new();
    for (file, text) in files {
        let (documents, mut diagnostics) = sigma::parse(text, &options.sigma);
        let served = served(&documents);
        for document in documents {
            match document {
                Document::Rule(rule) if is_named(&rule, &served) => set.parts.push(lower(file, text, rule).0),
                Document::Rule(rule) => sigma_rules.push((file, text, rule)),
                Document::Correlation(correlation) => set.correlations.push(correlation),
                Document::Filter(filter) => set.filters.push(filter),
            }
        }
        diagnostics.sort_by_key(|d| d.span.start);
        report(&mut set.problems, file, text, diagnostics);
    }
    apply_filters(&mut sigma_rules, &mut set);
    let mut ids: HashMap<String, String> = HashMap::new();
    for (file, text, rule) in sigma_rules {
        let (mut rule, mut diagnostics) = lower(file, text, rule);
        if let Some(before) = ids.insert(rule.id.clone(), file.to_owned()) {
            let message = format!("rule id `{}` is taken: {before} has it too", rule.id);
            diagnostics
                .push(Diagnostic::error(head(text, &rule.span), message).help("give each rule a UUID of its own"));
        }
        let tier = options.tiers.get(&rule.id).or_else(|| options.tiers.get(stem(file)));
        rule.severity = tier.copied().unwrap_or(rule.severity);
        let is_good = !diagnostics.iter().any(Diagnostic::is_error);
        report(&mut set.problems, file, text, diagnostics);
        set.rules.extend(is_good.then_some(rule));
    }
    set
}

/// The names of the rules that the correlations among these documents use up.
fn served(documents: &[Document]) -> Vec<String> {
    let names = documents.iter().filter_map(|document| match document {
        Document::Correlation(correlation) if !correlation.generate => Some(correlation.rules.clone()),
        _ => None,
    });
    names.flatten().collect()
}

/// Whether one of the names is the rule's.
fn is_named(rule: &sigma::Rule, names: &[String]) -> bool {
    let about = &rule.about;
    names.iter().any(|name| [about.id.as_ref(), about.name.as_ref(), Some(&about.title)].contains(&Some(name)))
}

fn apply_filters(rules: &mut [(&str, &str, sigma::Rule)], set: &mut RuleSet) {
    if set.filters.is_empty() {
        return;
    }
    let mut bare: Vec<sigma::Rule> = rules.iter().map(|(_, _, rule)| rule.clone()).collect();
    let diagnostics = sigma::apply_filters(&mut bare, &set.filters);
    for ((_, _, rule), filtered) in rules.iter_mut().zip(bare) {
        *rule = filtered;
    }
    report(&mut set.problems, "filters", "", diagnostics);
}

fn report(problems: &mut Vec<Problem>, file: &str, text: &str, diagnostics: Vec<Diagnostic>) {
    if diagnostics.is_empty() {
        return;
    }
    match problems.iter_mut().find(|p| p.file == file) {
        Some(problem) => problem.diagnostics.extend(diagnostics),
        None => problems.push(Problem { file: file.to_owned(), text: text.to_owned(), diagnostics }),
    }
}

/// A file's name without folder and ending.
pub fn stem(file: &str) -> &str {
    let name = file.rsplit(['/', '\\']).next().unwrap_or(file);
    name.strip_suffix(".yml").or_else(|| name.strip_suffix(".yaml")).unwrap_or(name)
}

/// The first line of a document, to point at it as a whole.
fn head(text: &str, span: &Range<usize>) -> Range<usize> {
    let rest = text.get(span.clone()).unwrap_or("");
    span.start..span.start + rest.find('\n').unwrap_or(rest.len())
}

/// The document of a file that has this span in it, with the comments before it.
fn document<'t>(text: &'t str, span: &Range<usize>) -> &'t str {
    const MARK: &str = "\n---";
    let (start, end) = (text.floor_char_boundary(span.start), text.ceil_char_boundary(span.end));
    // The mark of the document itself may stand where the span begins.
    let before = text[..start].rfind(MARK).map_or(0, |at| at + MARK.len());
    let behind = text[end.max(start)..].find(MARK).map_or(text.len(), |at| end.max(start) + at);
    let document = text[before..behind].trim_start_matches(['\n', '\r']);
    document.strip_prefix("---\n").unwrap_or(document)
}

fn lower(file: &str, text: &str, rule: sigma::Rule) -> (Rule, Vec<Diagnostic>) {
    let about = rule.about;
    let mut diagnostics = Vec::new();
    let extension = Extension::read(rule.extension.as_ref(), &mut diagnostics);
    let severity = match about.level {
        Some(Level::Critical) => Severity::Critical,
        Some(Level::High) => Severity::High,
        Some(Level::Medium) | None => Severity::Medium,
        Some(Level::Low) => Severity::Low,
        Some(Level::Informational) => Severity::Informational,
    };
    let lowered = Rule {
        id: about.id.or(about.name).unwrap_or_else(|| about.title.clone()),
        title: about.title,
        description: about.description.unwrap_or_default().trim().to_owned().into(),
        author: about.author.unwrap_or_default(),
        license: about.license.unwrap_or_default(),
        severity,
        techniques: Arc::new(attack::technique_ids(&about.tags).iter().map(|id| attack::technique(id)).collect()),
        tags: about.tags,
        references: about.references,
        false_positives: about.falsepositives.into(),
        triage: extension.triage.into(),
        sentence: extension.title,
        entity: extension.entity,
        logsource: rule.logsource,
        predicate: rule.predicate,
        tests: extension.tests,
        file: file.to_owned(),
        text: document(text, &rule.span).into(),
        span: rule.span,
    };
    (lowered, diagnostics)
}

/// The key `skywarden` of a rule.
#[derive(Default)]
struct Extension {
    title: Option<Template>,
    triage: Vec<String>,
    entity: Vec<String>,
    tests: Vec<RuleTest>,
}

impl Extension {
    fn read(node: Option<&Node>, diagnostics: &mut Vec<Diagnostic>) -> Extension {
        let mut extension = Extension::default();
        let Some(node) = node else { return extension };
        let Yaml::Map(members) = &node.value else {
            diagnostics.push(Diagnostic::error(node.span.clone(), "`skywarden` must be a mapping"));
            return extension;
        };
        for (key, value) in members {
            match key.text().unwrap_or_default() {
                "title" => match Template::parse(value.text().unwrap_or_default()) {
                    Ok(template) => extension.title = Some(template),
                    Err(why) => {
                        diagnostics.push(Diagnostic::error(value.span.clone(), format!("cannot read the title: {why}")))
                    }
                },
                "triage" => extension.triage = texts(value, "triage", diagnostics),
                "entity" => extension.entity = texts(value, "entity", diagnostics),
                "tests" => extension.tests = tests(value, diagnostics),
                other => diagnostics.push(
                    Diagnostic::error(key.span.clone(), format!("unknown key `{other}` under `skywarden`"))
                        .help("known are `title`, `triage`, `entity` and `tests`"),
                ),
            }
        }
        extension
    }
}

fn texts(node: &Node, name: &str, diagnostics: &mut Vec<Diagnostic>) -> Vec<String> {
    let Yaml::Seq(items) = &node.value else {
        diagnostics.push(Diagnostic::error(node.span.clone(), format!("`{name}` must be a list of texts")));
        return Vec::new();
    };
    let mut out = Vec::new();
    for item in items {
        match item.text() {
            Some(text) => out.push(text.to_owned()),
            None => diagnostics.push(Diagnostic::error(item.span.clone(), format!("`{name}` must be a list of texts"))),
        }
    }
    out
}

fn tests(node: &Node, diagnostics: &mut Vec<Diagnostic>) -> Vec<RuleTest> {
    let mut out = Vec::new();
    for (kind, fires) in [("fires", true), ("silent", false)] {
        let items = match node.get(kind).map(|n| &n.value) {
            Some(Yaml::Seq(items)) => items.as_slice(),
            _ => &[],
        };
        for item in items {
            let Some(event) = item.get("event") else {
                diagnostics.push(Diagnostic::error(item.span.clone(), "a test without an `event`"));
                continue;
            };
            let name = item.get("name").and_then(Node::text).unwrap_or_default().to_owned();
            out.push(RuleTest { name, fires, event: to_value(event), span: item.span.clone() });
        }
    }
    out
}

/// A YAML node as the JSON value it stands for.
pub fn to_value(node: &Node) -> Value {
    match &node.value {
        Yaml::Null => Value::Null,
        Yaml::Bool(b) => Value::Bool(*b),
        Yaml::Int(n) | Yaml::Float(n) => Value::Number(n.as_str().into()),
        Yaml::String(s) => Value::String(s.clone()),
        Yaml::Seq(items) => Value::Array(items.iter().map(to_value).collect()),
        Yaml::Map(members) => {
            Value::Object(members.iter().map(|(k, v)| (k.text().unwrap_or_default().to_owned(), to_value(v))).collect())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_keeps_its_document_as_it_stands_in_the_file() {
        let rest = "logsource: {product: aws}\ndetection:\n  a: {eventName: A}\n  condition: a\n";
        let rule = |title: &str| format!("title: {title}\n{rest}");
        let (first, second) = (format!("# why\n{}# é\n", rule("One")), rule("Two"));
        for text in [format!("{first}---\n{second}"), format!("---\n{first}\n---\n{second}")] {
            let set = load([("f.yml", text.as_str())], &Options::default());
            assert_eq!(set.rules.len(), 2, "{:?}", set.problems);
            assert_eq!(set.rules[0].text.trim_end(), first.trim_end());
            assert_eq!(&*set.rules[1].text, second);
        }
        let set = load(BUNDLED.iter().copied(), &Options::default());
        for rule in &set.rules {
            let again = load([(rule.file.as_str(), &*rule.text)], &Options::default());
            assert_eq!((&again.rules[0].id, &again.rules[0].predicate), (&rule.id, &rule.predicate), "{}", rule.file);
        }
    }
}
