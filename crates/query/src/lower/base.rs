//! The rows that a query begins with: of each dataset just the fields it names, one below the other.

use datafusion::common::{Column, TableReference};
use datafusion::datasource::provider_as_source;
use datafusion::functions::core::expr_fn::coalesce;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder};
use event::mapping::{Rank, ResolveError};
use lake::columns::{Column as LakeColumn, Meaning, Of, Place, Type};
use predicate::diagnostic::{Diagnostic, clipped};

use super::scope::{Field, Scope};
use super::{Failure, Lowering, Window};
use crate::function::{json_get, map_get};
use crate::insights::ast::{From, Group, Name, Text};
use crate::kind::{Kind, Typed, text_literal, time_literal};
use crate::tables::Dataset;
use crate::udf;

/// The columns that tell where an event stood, and what they are called above the datasets; they settle ties of time.
const PLACE: [(&str, &str); 2] = [("event_object", "@object"), ("event_ordinal", "@ordinal")];
/// How many names are offered for one that nobody knows.
const OFFERED: usize = 3;

/// What a dataset makes of a name.
struct Found {
    value: Typed,
    is_known: bool,
    /// For people.
    meaning: String,
}

/// One name in one dataset, for `explain`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// The name.
    pub name: String,
    /// The dataset.
    pub dataset: String,
    /// What it was taken for.
    pub meaning: String,
}

impl Lowering<'_> {
    /// The datasets and accounts that `SOURCE` names.
    pub(super) fn chosen(&self, from: Option<&From>) -> Result<(Vec<Dataset>, Vec<String>), Failure> {
        let Some(from) = from else { return Ok((self.datasets.to_vec(), Vec::new())) };
        let accounts = from.accounts.iter().map(|account| account.text.clone()).collect();
        if from.groups.is_empty() {
            return Ok((self.datasets.to_vec(), accounts));
        }
        let mut chosen = vec![false; self.datasets.len()];
        for group in &from.groups {
            let mut is_any = false;
            for (dataset, chosen) in self.datasets.iter().zip(&mut chosen) {
                let is_it = match group {
                    Group::Any => true,
                    Group::Prefix(text) => dataset.begins_with(&text.text),
                    Group::Name(text) | Group::DataSource(text) => dataset.is_called(&text.text),
                };
                if is_it {
                    (*chosen, is_any) = (true, true);
                }
            }
            let text = match group {
                Group::Any => None,
                Group::Prefix(text) | Group::Name(text) | Group::DataSource(text) => Some(text),
            };
            if let (false, Some(text)) = (is_any, text) {
                return Err(self.no_group(text).into());
            }
        }
        let datasets =
            self.datasets.iter().zip(chosen).filter(|(_, chosen)| *chosen).map(|(dataset, _)| dataset.clone());
        Ok((datasets.collect(), accounts))
    }

    fn no_group(&self, text: &Text) -> Diagnostic {
        let names: Vec<String> =
            self.datasets.iter().map(|d| format!("`{}`", d.names().collect::<Vec<_>>().join("`, `"))).collect();
        let message = format!("no log group is called `{}`", clipped(&text.text));
        Diagnostic::error(text.span.clone(), message).help(format!("there are {}", names.join("; ")))
    }

    /// The rows of these datasets with just these fields, newest first.
    pub(super) fn base(&mut self, from: Option<&From>, wanted: &[Name], window: Window) -> Result<Scope, Failure> {
        let (datasets, accounts) = self.chosen(from)?;
        let mut names = wanted.to_vec();
        for implied in ["@timestamp", "@message"] {
            if !names.iter().any(|name| name.name == implied) {
                names.push(Name { name: implied.to_owned(), span: 0..0 });
            }
        }
        let fields = self.kinds(&datasets, &names)?;
        let mut union: Option<LogicalPlanBuilder> = None;
        for (i, dataset) in datasets.iter().enumerate() {
            let plan = self.of_dataset(dataset, &fields, i, &accounts, window)?;
            union = Some(match union {
                None => LogicalPlanBuilder::from(plan),
                Some(union) => union.union(plan)?,
            });
        }
        let plan = match union {
            Some(union) => union.build()?,
            None => return Err(Diagnostic::error(0..0, "there is nothing to query").into()),
        };
        let fields: Vec<Field> = fields.into_iter().map(|wanted| wanted.field).collect();
        let mut scope = Scope::new(plan, fields);
        // Newest first, as CloudWatch has it; what happened at the same time stays as the log has it.
        let time = super::scope::column("@timestamp").sort(false, false);
        let place = PLACE.iter().map(|(_, name)| super::scope::column(name).sort(true, false));
        scope.order = std::iter::once(time).chain(place).collect();
        Ok(scope)
    }

    /// What each name is in each dataset, and the kind that all of them can be kept as.
    fn kinds(&mut self, datasets: &[Dataset], names: &[Name]) -> Result<Vec<Wanted>, Failure> {
        let mut fields = Vec::new();
        for name in names {
            let mut found = Vec::new();
            for dataset in datasets {
                found.push(resolve(dataset, name, self.whole.contains(&name.name))?);
            }
            let is_known = found.iter().any(|found| found.is_known);
            if !is_known {
                self.unknown(datasets, name)?;
            }
            // Where one log knows the name, a stray key in another is not it.
            let values: Vec<Option<Typed>> =
                found.iter().map(|found| (found.is_known || !is_known).then(|| found.value.clone())).collect();
            for ((dataset, found), value) in datasets.iter().zip(&found).zip(&values) {
                let meaning =
                    if value.is_some() { found.meaning.clone() } else { "nothing: always missing".to_owned() };
                let taken = Taken { name: name.name.clone(), dataset: dataset.name.clone(), meaning };
                // What is there anyway has no place in the text.
                if !name.span.is_empty() && !self.taken.contains(&taken) {
                    self.taken.push(taken);
                }
            }
            let kind = values.iter().flatten().map(|value| value.kind).reduce(Kind::common).unwrap_or(Kind::Text);
            // No name is that of a column below it, nor one that the query could give.
            let is_below = datasets.iter().any(|dataset| dataset.columns.column(&name.name).is_some());
            let is_taken = is_below || PLACE.iter().any(|(_, taken)| *taken == name.name);
            let column = if is_taken { format!("{}#0", name.name) } else { name.name.clone() };
            let field = Field { name: name.name.clone(), column, kind };
            fields.push(Wanted { field, values });
        }
        Ok(fields)
    }

    fn unknown(&mut self, datasets: &[Dataset], name: &Name) -> Result<(), Failure> {
        let message = match datasets {
            [one] => format!("no field of {} is called `{}`", one.name, clipped(&name.name)),
            _ => format!("no log has a field `{}`", clipped(&name.name)),
        };
        let near = nearest(&name.name, datasets.iter().flat_map(|dataset| dataset.columns.names()));
        let diagnostic = match self.is_strict {
            true => Diagnostic::error(name.span.clone(), message),
            false => Diagnostic::warning(name.span.clone(), message),
        };
        let help = match (near.is_empty(), self.is_strict) {
            (false, _) => format!("did you mean `{}`?", near.join("` or `")),
            (true, false) => "it has values only where a record has this very key".to_owned(),
            (true, true) => "names are as the log writes them, or OCSF paths".to_owned(),
        };
        let diagnostic = diagnostic.help(help);
        if self.is_strict {
            return Err(diagnostic.into());
        }
        self.warn(diagnostic);
        Ok(())
    }

    fn of_dataset(
        &self,
        dataset: &Dataset,
        fields: &[Wanted],
        i: usize,
        accounts: &[String],
        window: Window,
    ) -> Result<LogicalPlan, Failure> {
        let source = provider_as_source(dataset.provider.clone());
        let mut plan = LogicalPlanBuilder::scan(TableReference::bare(dataset.name.as_str()), source, None)?;
        for condition in conditions(dataset, accounts, window) {
            plan = plan.filter(condition)?;
        }
        let mut exprs: Vec<Expr> = Vec::new();
        for wanted in fields {
            let value = wanted.values[i].clone().unwrap_or_else(|| Typed::null(wanted.field.kind));
            exprs.push(value.to(wanted.field.kind).expr.alias(&wanted.field.column));
        }
        exprs.extend(PLACE.iter().map(|(column, name)| raw_column(column).alias(*name)));
        Ok(plan.project(exprs)?.build()?)
    }
}

/// A name, how it is kept, and its value in each dataset.
struct Wanted {
    field: Field,
    values: Vec<Option<Typed>>,
}

/// A column of a dataset.
fn raw_column(name: &str) -> Expr {
    Expr::Column(Column::new_unqualified(name))
}

/// The time range as filters that the scan can use.
pub(crate) fn within(window: Window) -> Vec<Expr> {
    let time = || raw_column(lake::columns::TIME);
    let from = window.from_ms.map(|ms| time().gt_eq(time_literal(ms)));
    let to = window.to_ms.map(|ms| time().lt(time_literal(ms)));
    from.into_iter().chain(to).collect()
}

/// The time range and the accounts, as filters that the scan can use.
fn conditions(dataset: &Dataset, accounts: &[String], window: Window) -> Vec<Expr> {
    let mut out = within(window);
    if !accounts.is_empty() && dataset.columns.column("event_account").is_some() {
        out.push(raw_column("event_account").in_list(accounts.iter().map(|a| text_literal(a)).collect(), false));
    }
    out
}

fn resolve(dataset: &Dataset, name: &Name, is_whole: bool) -> Result<Found, Diagnostic> {
    if let Some(found) = system(dataset, &name.name) {
        return Ok(found);
    }
    // A field that itself begins with `@` is written with one more.
    let plain = name.name.strip_prefix('@').filter(|rest| rest.starts_with('@')).unwrap_or(&name.name);
    match dataset.columns.find(plain) {
        Ok(meaning) => Ok(found(dataset, meaning, is_whole)),
        Err(ResolveError::Ambiguous { first, second, .. }) => {
            let message = format!("`{}` is ambiguous in {}: {first} or {second}", clipped(&name.name), dataset.name);
            Err(Diagnostic::error(name.span.clone(), message).help("write the whole path of the one you mean"))
        }
        Err(ResolveError::Unknown { name: unknown }) => {
            Err(Diagnostic::error(name.span.clone(), format!("no field is called `{}`", clipped(&unknown))))
        }
    }
}

/// The fields that every event has in CloudWatch.
fn system(dataset: &Dataset, name: &str) -> Option<Found> {
    let of = |column: &str| dataset.columns.column(column).map(|at| in_column(&dataset.columns.list[at]));
    let text = |expr: Expr| Some(Typed { expr, kind: Kind::Text });
    let value = match name {
        "@timestamp" => of(lake::columns::TIME),
        "@message" => of(lake::columns::RAW),
        "@ingestionTime" => of("event_ingested_at"),
        "@logStream" => of("event_log_stream"),
        "@aws.account" => of("event_account"),
        "@aws.region" => of("event_region"),
        "@ptr" => of("event_identity"),
        "@source.log" | "@data_source_name" => text(text_literal(&dataset.name)),
        "@log" => text(udf::log_name(raw_column("event_account"), raw_column("event_log_group"), &dataset.name)),
        _ => None,
    }?;
    let meaning = match name {
        "@timestamp" => "column `time_dt`".to_owned(),
        "@message" => "column `raw`: the record as it was written".to_owned(),
        "@log" => "account and log group".to_owned(),
        _ => "known of every event".to_owned(),
    };
    Some(Found { value, is_known: true, meaning })
}

fn found(dataset: &Dataset, Meaning { rank, place }: Meaning, is_whole: bool) -> Found {
    let list = &dataset.columns.list;
    let rank = match rank {
        Some(Rank::Native) => "the log's own name",
        Some(Rank::Ocsf) => "an OCSF path",
        Some(Rank::Alias) => "an alias",
        None => "known to no one",
    };
    let is_known = rank != "known to no one";
    let (value, at) = match place {
        Place::Column(at) => (in_column(&list[at]), format!("column `{}`", list[at].name)),
        Place::Key { column, key } => {
            let map = &list[column].name;
            let at = format!("key `{key}` of the map `{map}`");
            let leaf = map_get(raw_column(map), &key);
            let path = if let Of::Open(open) = list[column].of { format!("{open}.{key}") } else { key };
            (whole_or(leaf, &path, is_whole), at)
        }
        Place::Record(path) => {
            let at = format!("`{path}` in the record's text");
            (Typed { expr: json_get(raw_column(lake::columns::RAW), &path), kind: Kind::Text }, at)
        }
    };
    Found { value, is_known, meaning: format!("{at}, {rank}") }
}

/// The leaf at a native path; where it is wanted, else the list or object there, which no map has.
fn whole_or(leaf: Expr, path: &str, is_whole: bool) -> Typed {
    let expr = match is_whole {
        true => coalesce(vec![leaf, json_get(raw_column(lake::columns::RAW), path)]),
        false => leaf,
    };
    Typed { expr, kind: Kind::Text }
}

/// The values of a column.
fn in_column(column: &LakeColumn) -> Typed {
    let expr = raw_column(&column.name);
    match column.ty {
        Type::Text => Typed { expr, kind: Kind::Text },
        Type::Long => Typed { expr, kind: Kind::Integer },
        Type::Boolean => Typed { expr, kind: Kind::Boolean },
        Type::Timestamp => Typed { expr, kind: Kind::Time },
        Type::Map => Typed { expr: udf::map_json(expr), kind: Kind::Text },
        Type::Double => Typed { expr, kind: Kind::Number },
        Type::Binary | Type::Fixed16 => Typed { expr: udf::hex(expr), kind: Kind::Text },
    }
}

/// The names nearest to this one, at most three.
pub fn nearest<'n>(name: &str, names: impl Iterator<Item = &'n str>) -> Vec<String> {
    let wanted = name.to_ascii_lowercase();
    let far = (name.chars().count() / 3).clamp(1, 4);
    let mut near: Vec<(usize, &str)> =
        names.map(|have| (likeness(&wanted, have), have)).filter(|(d, _)| *d <= far).collect();
    near.sort();
    near.dedup_by(|a, b| a.1 == b.1);
    near.into_iter().take(OFFERED).map(|(_, name)| name.to_owned()).collect()
}

/// How far apart two names are; a name that is the last part of the other is near.
fn likeness(wanted: &str, have: &str) -> usize {
    let have = have.to_ascii_lowercase();
    let is_tail = have.strip_suffix(wanted).is_some_and(|rest| rest.ends_with('.')) && wanted.len() > 2;
    if is_tail { 1 } else { distance(wanted, &have) }
}

/// How many letters have to be changed, added, dropped or swapped with a neighbour.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().take(64).collect(), b.chars().take(64).collect());
    let mut rows = vec![vec![0; b.len() + 1]; a.len() + 1];
    rows[0] = (0..=b.len()).collect();
    for i in 1..=a.len() {
        rows[i][0] = i;
        for j in 1..=b.len() {
            let change = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut least = change.min(rows[i - 1][j] + 1).min(rows[i][j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                least = least.min(rows[i - 2][j - 2] + 1);
            }
            rows[i][j] = least;
        }
    }
    rows[a.len()][b.len()]
}
