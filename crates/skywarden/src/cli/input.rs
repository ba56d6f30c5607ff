//! What several commands are told: which files, which time, which rules.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::Args;
use collect::walk::{Found, show, walk};
use detect::load::{self, Options, Problem, RuleSet};
use event::finding::Severity;
use event::time;
use predicate::diagnostic::Diagnostic;
use predicate::yaml::{self, Yaml};
use source::aws_vpc_flow::format::Columns;

/// Which logs.
#[derive(Clone, Debug, Args)]
pub struct Place {
    /// Files and folders with logs; `-` is standard input
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Columns of flow-log rows that come without a header, as given to AWS: '${version} ${srcaddr} …'
    #[arg(long, value_name = "FORMAT", value_parser = Columns::from_format)]
    pub flow_format: Option<Columns>,
    /// Accounts of yours whose logs are not among the files: sharing with them is not sharing with outsiders
    #[arg(long, value_name = "ID", value_parser = parse_account, value_delimiter = ',')]
    pub own_account: Vec<String>,
}

impl Place {
    /// The columns of rows without a header.
    pub fn columns(&self) -> Columns {
        self.flow_format.clone().unwrap_or_else(Columns::default_format)
    }
}

/// From when to when.
#[derive(Clone, Copy, Debug, Args)]
pub struct Period {
    /// Only events at or after this time: 2023-07-10, 2023-07-10T11:42Z
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    pub from: Option<i64>,
    /// Only events before this time
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    pub to: Option<i64>,
    /// Only events of the last 90s, 30m, 24h, 7d or 2w
    #[arg(long, value_name = "DURATION", value_parser = parse_duration, conflicts_with = "from")]
    pub since: Option<i64>,
}

impl Period {
    /// The asked period; an empty one is a mistake.
    pub fn window(&self, now_ms: i64) -> Result<(Option<i64>, Option<i64>), String> {
        let from = self.from.or_else(|| self.since.map(|since| now_ms - since));
        match (from, self.to) {
            (Some(from), Some(to)) if from >= to => Err(format!(
                "the period is empty: --from {} is not before --to {}",
                time::rfc3339(from),
                time::rfc3339(to)
            )),
            period => Ok(period),
        }
    }
}

/// Which events of which logs.
#[derive(Clone, Debug, Args)]
pub struct Input {
    #[command(flatten)]
    pub place: Place,
    #[command(flatten)]
    pub period: Period,
}

fn parse_account(text: &str) -> Result<String, String> {
    let is_account = text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit());
    is_account.then(|| text.to_owned()).ok_or_else(|| "not an account id: 12 digits, such as 111122223333".to_owned())
}

/// A time as people write it.
pub fn parse_time(text: &str) -> Result<i64, String> {
    time::parse(text)
        .ok_or_else(|| "not a time: write 2023-07-10 or 2023-07-10T11:42:00Z (UTC unless it says otherwise)".to_owned())
}

fn parse_duration(text: &str) -> Result<i64, String> {
    let wrong = || "not a duration: write 90s, 30m, 24h, 7d or 2w".to_owned();
    let unit_at = text.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
    let count: i64 = text[..unit_at].parse().map_err(|_| wrong())?;
    let unit_s = match &text[unit_at..] {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        "w" => 604_800,
        _ => return Err(wrong()),
    };
    count.checked_mul(unit_s * 1_000).filter(|ms| *ms > 0).ok_or_else(wrong)
}

/// Which rules.
#[derive(Clone, Debug, Default, Args)]
pub struct Rules {
    /// Rules of this file or folder too; may be given several times
    #[arg(long, value_name = "PATH")]
    pub rules: Vec<PathBuf>,
    /// Only the rules of this file or folder
    #[arg(long, value_name = "PATH", conflicts_with = "rules")]
    pub only_rules: Vec<PathBuf>,
    /// Other tiers: a YAML map from rule id, or rule file name without its ending, to a level
    #[arg(long, value_name = "FILE")]
    pub tiers: Option<PathBuf>,
    /// Lists for Sigma's `expand`: a YAML map from placeholder to values
    #[arg(long, value_name = "FILE")]
    pub placeholders: Option<PathBuf>,
}

impl Rules {
    /// Reads the rules.
    pub fn load(&self) -> anyhow::Result<RuleSet> {
        self.load_with(Vec::new())
    }

    /// The same, and behind them the rules of more texts, given with their names.
    pub fn load_with(&self, texts: Vec<(String, String)>) -> anyhow::Result<RuleSet> {
        let mut options = Options::default();
        if let Some(file) = &self.tiers {
            options.tiers = tiers(file)?;
        }
        if let Some(file) = &self.placeholders {
            options.sigma.placeholders = placeholders(file)?;
        }
        let mut files = RuleFiles::default();
        if self.only_rules.is_empty() {
            files.add_bundled();
        }
        for path in self.rules.iter().chain(&self.only_rules) {
            files.read(path)?;
        }
        files.texts.extend(texts);
        let mut set = files.load(&options);
        set.problems.extend(files.unreadable);
        let known = |name: &str| set.rules.iter().any(|r| r.id == name || load::stem(&r.file) == name);
        if let Some(name) = options.tiers.keys().find(|name| !known(name)) {
            bail!("cannot apply --tiers: no rule is called `{name}`");
        }
        Ok(set)
    }
}

/// Larger rule files are not read; the largest of known rule sets are a hundredth of it.
const RULE_FILE_BYTES_MAX: u64 = 4 << 20;

/// Rule files, and what is the matter with those that cannot be read.
#[derive(Default)]
pub struct RuleFiles {
    /// Name and text.
    pub texts: Vec<(String, String)>,
    /// What was not read. It does not stop the others.
    pub unreadable: Vec<Problem>,
}

impl RuleFiles {
    /// Adds the rules that come with the program.
    pub fn add_bundled(&mut self) {
        self.texts.extend(load::BUNDLED.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())));
    }

    /// Adds the rule files at a path: itself, or those in the folder.
    pub fn read(&mut self, path: &Path) -> anyhow::Result<()> {
        let Found { files, skipped } = walk(&[path.to_owned()]);
        if let Some(missing) = skipped.iter().find(|s| s.missing) {
            bail!("cannot read rules: {} {}", missing.what, missing.why);
        }
        let n_before = self.texts.len() + self.unreadable.len();
        // A loop loses no file, but whoever made it may think that it does lead somewhere.
        for skipped in skipped.into_iter().filter(|s| s.lost || s.why.starts_with("is a loop")) {
            self.unreadable.push(problem(skipped.what, String::new(), 0, &skipped.why));
        }
        let is_rule = |file: &Path| file == path || file.extension().is_some_and(|e| e == "yml" || e == "yaml");
        for file in files.iter().map(|f| &f.path).filter(|f| is_rule(f)) {
            match read_text(file) {
                Ok(text) => self.texts.push((show(file), text)),
                Err(problem) => self.unreadable.push(problem),
            }
        }
        if self.texts.len() + self.unreadable.len() == n_before {
            bail!("no rule files (*.yml) in {}", show(path));
        }
        Ok(())
    }

    /// Reads the rules in them.
    pub fn load(&self, options: &Options) -> RuleSet {
        load::load(self.texts.iter().map(|(name, text)| (name.as_str(), text.as_str())), options)
    }
}

fn problem(file: String, text: String, at: usize, why: &str) -> Problem {
    let message = format!("cannot read rules: {file} {why}");
    Problem { file, text, diagnostics: vec![Diagnostic::error(at..at + 1, message)] }
}

fn read_text(file: &Path) -> Result<String, Problem> {
    let mut bytes = Vec::new();
    let opened = std::fs::File::open(file);
    let read = opened.and_then(|file| file.take(RULE_FILE_BYTES_MAX + 1).read_to_end(&mut bytes));
    if let Err(err) = read {
        return Err(problem(show(file), String::new(), 0, &format!("cannot be read: {err}")));
    }
    if bytes.len() as u64 > RULE_FILE_BYTES_MAX {
        let why = format!("is larger than {} MiB: no file of rules is", RULE_FILE_BYTES_MAX >> 20);
        return Err(problem(show(file), String::new(), 0, &why));
    }
    String::from_utf8(bytes).map_err(|err| {
        let at = err.utf8_error().valid_up_to();
        problem(show(file), String::from_utf8_lossy(err.as_bytes()).into_owned(), at, "is not UTF-8")
    })
}

/// The members of a YAML map in a file.
fn read_map(file: &Path) -> anyhow::Result<(String, Vec<(yaml::Node, yaml::Node)>)> {
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    let (nodes, diagnostics) = yaml::parse(&text);
    if let Some(diagnostic) = diagnostics.first() {
        bail!("cannot read {}\n{}", file.display(), diagnostic.draw(&file.display().to_string(), &text));
    }
    match nodes.into_iter().next().map(|n| n.value) {
        Some(Yaml::Map(members)) => Ok((text, members)),
        None | Some(Yaml::Null) => Ok((text, Vec::new())),
        Some(_) => bail!("cannot read {}: it must be a YAML map", file.display()),
    }
}

fn tiers(file: &Path) -> anyhow::Result<BTreeMap<String, Severity>> {
    let (_, members) = read_map(file)?;
    let tier = |(key, value): &(yaml::Node, yaml::Node)| {
        let (name, level) = (key.text().unwrap_or_default(), value.text().unwrap_or_default());
        let severity = Severity::parse(level).with_context(|| {
            format!(
                "{}: `{level}` of `{name}` is no level: use informational, low, medium, high or critical",
                file.display()
            )
        })?;
        Ok((name.to_owned(), severity))
    };
    members.iter().map(tier).collect()
}

fn placeholders(file: &Path) -> anyhow::Result<BTreeMap<String, Vec<String>>> {
    let (_, members) = read_map(file)?;
    let list = |(key, value): &(yaml::Node, yaml::Node)| {
        let items = match &value.value {
            Yaml::Seq(items) => items.iter().filter_map(|i| i.text().map(str::to_owned)).collect(),
            _ => value.text().map(str::to_owned).into_iter().collect(),
        };
        (key.text().unwrap_or_default().to_owned(), items)
    };
    Ok(members.iter().map(list).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_and_what_is_none() {
        assert_eq!(parse_duration("24h"), Ok(86_400_000));
        assert_eq!(parse_duration("2w"), Ok(1_209_600_000));
        for text in ["24x", "", "h", "-1h", "0s", "99999999999999w"] {
            assert!(parse_duration(text).is_err(), "{text}");
        }
    }
}
