//! `lookup` and `cidrlookup`: columns of uploaded tables beside the rows that fit them.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::{Hash, Hasher};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, AsArray, RecordBatch, StringViewArray, StringViewBuilder};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Field as ArrowField, Fields, Schema};
use datafusion::common::{Column, JoinType, Result as PlanResult};
use datafusion::datasource::{MemTable, provider_as_source};
use datafusion::functions::expr_fn::coalesce;
use datafusion::logical_expr::{
    ColumnarValue, LogicalPlanBuilder, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use predicate::diagnostic::{Diagnostic, clipped};

use super::scope::{Field, Scope, column};
use super::{Failure, Lowering, nearest};
use crate::insights::ast::{CidrLookup, Lookup, Name};
use crate::kind::{Kind, Typed};

/// The largest table.
const BYTES_MAX: u64 = 10 << 20;
/// The most tables.
const TABLES_MAX: usize = 100;

/// A folder of CSV files with a header row: `users.csv` is the table `users`.
#[derive(Clone, Debug, Default)]
pub struct Tables {
    /// The folder; without one there are no tables.
    pub folder: Option<PathBuf>,
}

/// A table in memory.
#[derive(Debug)]
struct Table {
    header: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Tables {
    /// The names of the tables, in order.
    pub fn names(&self) -> Vec<String> {
        let Some(folder) = &self.folder else { return Vec::new() };
        let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
        let of = |path: &Path| {
            let is_csv = path.extension().is_some_and(|ending| ending == "csv");
            path.file_stem().filter(|_| is_csv).map(|stem| stem.to_string_lossy().into_owned())
        };
        let mut names: Vec<String> = entries.filter_map(|entry| of(&entry.ok()?.path())).collect();
        names.sort();
        names.truncate(TABLES_MAX);
        names
    }

    fn load(&self, name: &Name) -> Result<Table, Diagnostic> {
        let error = |message: String| Diagnostic::error(name.span.clone(), message);
        let names = self.names();
        let (Some(folder), true) = (&self.folder, names.contains(&name.name)) else {
            let error = error(format!("no table for look-ups is called `{}`", clipped(&name.name)));
            return Err(match names.is_empty() {
                true => error.help("there are none: put CSV files into the folder of look-up tables"),
                false => error.help(format!("there are `{}`", names.join("`, `"))),
            });
        };
        let path = folder.join(format!("{}.csv", name.name));
        let size = std::fs::metadata(&path).map_err(|err| error(format!("cannot read the table: {err}")))?.len();
        if size > BYTES_MAX {
            return Err(error(format!("the table has {size} bytes, and {BYTES_MAX} are the most")));
        }
        let text = std::fs::read_to_string(&path).map_err(|err| error(format!("cannot read the table: {err}")))?;
        let mut rows = records(text.strip_prefix('\u{feff}').unwrap_or(&text)).into_iter();
        match rows.next() {
            Some(header) => Ok(Table { header, rows: rows.collect() }),
            None => Err(error("the table has no header row".to_owned())),
        }
    }
}

impl Table {
    fn column(&self, name: &Name) -> Result<usize, Diagnostic> {
        self.header.iter().position(|have| *have == name.name).ok_or_else(|| {
            let error =
                Diagnostic::error(name.span.clone(), format!("the table has no column `{}`", clipped(&name.name)));
            let near = nearest(&name.name, self.header.iter().map(String::as_str));
            let offered = if near.is_empty() { self.header.clone() } else { near };
            error.help(format!("there are `{}`", offered.join("`, `")))
        })
    }
}

/// The records of a CSV text as RFC 4180 has it; empty lines are none.
fn records(text: &str) -> Vec<Vec<String>> {
    let mut out = Vec::new();
    let mut row: Vec<String> = Vec::new();
    let mut field = String::new();
    let mut is_quoted = false;
    let mut chars = text.chars().peekable();
    let mut end_row = |row: &mut Vec<String>, field: &mut String| {
        row.push(std::mem::take(field));
        let row = std::mem::take(row);
        if row.len() > 1 || !row[0].is_empty() {
            out.push(row);
        }
    };
    while let Some(c) = chars.next() {
        match (c, is_quoted) {
            ('"', true) if chars.peek() == Some(&'"') => field.extend(chars.next()),
            ('"', true) => is_quoted = false,
            ('"', false) if field.is_empty() => is_quoted = true,
            (',', false) => row.push(std::mem::take(&mut field)),
            ('\r', false) if chars.peek() == Some(&'\n') => {}
            ('\n', false) => end_row(&mut row, &mut field),
            (c, _) => field.push(c),
        }
    }
    end_row(&mut row, &mut field);
    out
}

impl Lowering<'_> {
    pub(super) fn lookup(&mut self, mut scope: Scope, lookup: &Lookup) -> Result<Scope, Failure> {
        let table = self.tables.load(&lookup.table)?;
        let mut keys = Vec::new();
        let mut columns = Vec::new();
        for (name, of) in &lookup.keys {
            columns.push(table.column(name)?);
            let field = self.field(&scope, of)?;
            keys.push(scope.define(vec![(format!("key {}", name.name), field.typed().text())])?.remove(0));
        }
        let mut outputs = Vec::new();
        for (name, to) in &lookup.output {
            outputs.push((table.column(name)?, to.name.clone()));
        }
        // Of rows with the same key the first counts: a look-up makes no rows.
        let mut seen = HashSet::new();
        let key_of =
            |row: &&Vec<String>| seen.insert(columns.iter().map(|at| row.get(*at).cloned()).collect::<Vec<_>>());
        let rows: Vec<&Vec<String>> = table.rows.iter().filter(key_of).collect();
        let mut names = scope.clone();
        let key_names: Vec<String> =
            columns.iter().map(|at| names.fresh(&format!("{}.{}", lookup.table.name, table.header[*at]))).collect();
        let out_names: Vec<String> = outputs.iter().map(|(_, to)| names.fresh(to)).collect();
        let places = columns.iter().copied().chain(outputs.iter().map(|(at, _)| *at));
        let right = plan_of(&rows, places, key_names.iter().chain(&out_names))?;
        let on: (Vec<Column>, Vec<Column>) = (
            keys.iter().map(|key| Column::new_unqualified(&key.column)).collect(),
            key_names.iter().map(Column::new_unqualified).collect(),
        );
        let plan = LogicalPlanBuilder::from(scope.plan.clone()).join(right, JoinType::Left, on, None)?.build()?;
        let is_key = |field: &Field| keys.iter().any(|key| key.column == field.column);
        let mut joined = Scope::new(plan, scope.fields.iter().filter(|field| !is_key(field)).cloned().collect());
        (joined.order, joined.shown, joined.is_closed, joined.sides) =
            (scope.order, scope.shown, scope.is_closed, scope.sides);
        for ((_, name), column) in outputs.into_iter().zip(out_names) {
            added(&mut joined, Field { name, column, kind: Kind::Text });
        }
        Ok(joined)
    }

    pub(super) fn cidr_lookup(&mut self, mut scope: Scope, lookup: &CidrLookup) -> Result<Scope, Failure> {
        let table = self.tables.load(&lookup.table)?;
        let of = self.field(&scope, &lookup.of)?;
        let networks = match &lookup.column {
            Some(name) => table.column(name)?,
            None => {
                let is_network = |at: &usize| {
                    let mut texts = table.rows.iter().filter_map(|row| row.get(*at));
                    texts.next().is_some_and(|text| network(text).is_some())
                };
                (0..table.header.len()).find(is_network).ok_or_else(|| {
                    Diagnostic::error(
                        lookup.table.span.clone(),
                        "no column of the table holds networks such as `10.0.0.0/8`",
                    )
                })?
            }
        };
        for (name, to) in &lookup.output {
            let at = table.column(name)?;
            let udf = ScalarUDF::from(Networks::new(&table, networks, at, &lookup.table.name));
            let found = udf.call(vec![of.typed().text().expr]);
            let had = scope.find(&to.name).filter(|_| lookup.only_new).cloned();
            let expr = match had {
                Some(had) => coalesce(vec![had.typed().text().expr, found]),
                None => found,
            };
            let field = scope.define(vec![(to.name.clone(), Typed { expr, kind: Kind::Text })])?.remove(0);
            added(&mut scope, field);
        }
        Ok(scope)
    }
}

/// A looked-up field takes the place of one of the same name, and is shown.
fn added(scope: &mut Scope, field: Field) {
    scope.fields.push(field.clone());
    scope.replace_shown(&field);
    scope.show_beside(vec![field]);
}

/// Columns of a table as a plan.
fn plan_of<'n>(
    rows: &[&Vec<String>],
    places: impl Iterator<Item = usize>,
    names: impl Iterator<Item = &'n String>,
) -> Result<datafusion::logical_expr::LogicalPlan, Failure> {
    let mut arrays: Vec<ArrayRef> = Vec::new();
    for at in places {
        arrays.push(Arc::new(rows.iter().map(|row| row.get(at)).collect::<StringViewArray>()));
    }
    let names: Vec<&String> = names.collect();
    let fields: Fields = names.iter().map(|name| ArrowField::new(name.as_str(), DataType::Utf8View, true)).collect();
    let schema = Arc::new(Schema::new(fields));
    let batch = RecordBatch::try_new(Arc::clone(&schema), arrays).map_err(datafusion::common::DataFusionError::from)?;
    let table = Arc::new(MemTable::try_new(schema, vec![vec![batch]])?);
    let columns: Vec<_> = names.iter().map(|name| column(name).alias(name.as_str())).collect();
    Ok(LogicalPlanBuilder::scan("lookup table", provider_as_source(table), None)?.project(columns)?.build()?)
}

/// The bits of an address and how many of them count; an IPv4 address is that of IPv6 it is embedded in.
fn network(text: &str) -> Option<(u8, u128)> {
    let (address, length) = match text.trim().split_once('/') {
        Some((address, length)) => (address.parse::<IpAddr>().ok()?, Some(length.parse::<u8>().ok()?)),
        None => (text.trim().parse::<IpAddr>().ok()?, None),
    };
    let length = match address {
        IpAddr::V4(_) => length.unwrap_or(32).checked_add(96)?,
        IpAddr::V6(_) => length.unwrap_or(128),
    };
    (length <= 128).then(|| (length, masked(bits(address), length)))
}

fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped().into(),
        IpAddr::V6(address) => address.into(),
    }
}

fn masked(bits: u128, length: u8) -> u128 {
    match length {
        0 => 0,
        length => bits & (u128::MAX << (128 - u32::from(length))),
    }
}

/// The value of the longest network that an address lies in.
#[derive(Debug)]
struct Networks {
    name: String,
    /// By length of the network, then by its bits.
    values: BTreeMap<u8, HashMap<u128, String>>,
    signature: Signature,
}

impl Networks {
    fn new(table: &Table, networks: usize, values: usize, name: &str) -> Networks {
        let mut by_length: BTreeMap<u8, HashMap<u128, String>> = BTreeMap::new();
        for row in &table.rows {
            if let (Some((length, bits)), Some(value)) =
                (row.get(networks).and_then(|text| network(text)), row.get(values))
            {
                by_length.entry(length).or_default().entry(bits).or_insert_with(|| value.clone());
            }
        }
        let signature = Signature::exact(vec![DataType::Utf8View], Volatility::Immutable);
        Networks { name: format!("cidrlookup {name}.{}", table.header[values]), values: by_length, signature }
    }

    fn find(&self, text: &str) -> Option<&str> {
        let address = bits(text.parse().ok()?);
        self.values.iter().rev().find_map(|(length, values)| values.get(&masked(address, *length)).map(String::as_str))
    }
}

impl PartialEq for Networks {
    fn eq(&self, other: &Networks) -> bool {
        self.name == other.name && self.values == other.values
    }
}

impl Eq for Networks {}

impl Hash for Networks {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

impl ScalarUDFImpl for Networks {
    fn name(&self) -> &str {
        &self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _types: &[DataType]) -> PlanResult<DataType> {
        Ok(DataType::Utf8View)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> PlanResult<ColumnarValue> {
        let texts = ColumnarValue::values_to_arrays(&args.args)?;
        let texts = cast(&texts[0], &DataType::Utf8View)?;
        let mut out = StringViewBuilder::with_capacity(texts.len());
        texts.as_string_view().iter().for_each(|text| out.append_option(text.and_then(|text| self.find(text))));
        Ok(ColumnarValue::Array(Arc::new(out.finish())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_those_of_rfc_4180() {
        let text = "a,b\r\n\"x, \"\"y\"\"\",\n\n\"two\nlines\",\"\"\nlast,é";
        let row = |fields: [&str; 2]| fields.map(str::to_owned).to_vec();
        let wanted = [row(["a", "b"]), row(["x, \"y\"", ""]), row(["two\nlines", ""]), row(["last", "é"])];
        assert_eq!(records(text), wanted);
        assert!(records("").is_empty());
    }

    #[test]
    fn the_longest_network_wins() {
        let rows = [
            ["0.0.0.0/0", "world"],
            ["10.0.0.0/8", "ten"],
            ["10.1.0.0/16", "ten one"],
            ["2001:db8::/32", "docs"],
            ["x", "y"],
        ];
        let table = Table {
            header: vec!["net".to_owned(), "what".to_owned()],
            rows: rows.iter().map(|row| row.map(str::to_owned).to_vec()).collect(),
        };
        let networks = Networks::new(&table, 0, 1, "t");
        assert_eq!(networks.find("10.1.2.3"), Some("ten one"));
        assert_eq!(networks.find("10.2.2.3"), Some("ten"));
        assert_eq!(networks.find("::ffff:10.2.2.3"), Some("ten"));
        assert_eq!(networks.find("8.8.8.8"), Some("world"));
        assert_eq!(networks.find("2001:db8::1"), Some("docs"));
        assert_eq!((networks.find("2001:db9::1"), networks.find("no")), (None, None));
    }
}
