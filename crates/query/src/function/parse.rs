//! What `parse` takes out of a text: one pass over a row gives all its captures, as a struct of texts.

use std::sync::Arc;

use ::regex::Regex;
use datafusion::arrow::array::{Array, ArrayRef, ListArray, StringViewBuilder, StructArray};
use datafusion::arrow::buffer::OffsetBuffer;
use datafusion::arrow::datatypes::{DataType, Field, Fields};
use datafusion::common::{Result, ScalarValue, plan_err};
use datafusion::functions::core::expr_fn::get_field;
use datafusion::logical_expr::{Expr, ReturnFieldArgs, lit};
use event::value::write_string;
use predicate::diagnostic::Diagnostic;

use super::native::{Columns, Gives, Native, Take};
use super::regex;
use crate::insights::ast::{Name, Text};
use crate::kind::{Kind, Typed, text_literal};

/// The most rows that one row becomes under `multi`; the matches behind them are not looked at.
const MATCHES_MAX: usize = 1000;
/// The most captures of one `parse`.
const CAPTURES_MAX: usize = 200;

/// A struct of texts, and what they are called.
#[derive(Clone, Debug)]
pub struct Captures {
    /// The struct, or of [`parse_regex_all`] a list of them.
    pub expr: Expr,
    /// The names, in the order of [`capture`].
    pub names: Vec<String>,
}

/// One text of such a struct.
pub fn capture(row: Expr, i: usize) -> Typed {
    Typed { expr: get_field(row, field_name(i)), kind: Kind::Text }
}

fn field_name(i: usize) -> String {
    format!("c{i}")
}

/// `parse of "a * b *" as …`: each star stands for as little as may be, a last one for all that follows. The pattern is found anywhere.
pub fn parse_glob(of: Typed, pattern: &Text, names: &[Name]) -> Result<Captures, Diagnostic> {
    let n_stars = pattern.text.matches('*').count();
    if n_stars != names.len() || n_stars == 0 {
        let message = format!("the pattern has {n_stars} stars for {} names", names.len());
        return Err(Diagnostic::error(pattern.span.clone(), message).help("write a `*` for each name"));
    }
    is_few(n_stars, pattern)?;
    let expr = GLOB.call(vec![of.text().expr, text_literal(&pattern.text), lit(n_stars as i64)]);
    Ok(Captures { expr, names: names.iter().map(|name| name.name.clone()).collect() })
}

/// `parse of /regex/ as …`: the texts of the named groups, and of the others under the names given; null where nothing matches.
pub fn parse_regex(of: Typed, pattern: &Text, names: &[Name]) -> Result<Captures, Diagnostic> {
    regex_captures(&REGEX, of, pattern, names)
}

/// The same for every match, as a list that is to be unnested; a row without a match has one of nulls.
pub fn parse_regex_all(of: Typed, pattern: &Text, names: &[Name]) -> Result<Captures, Diagnostic> {
    regex_captures(&REGEX_ALL, of, pattern, names)
}

/// `parse of logfmt as m`: a map.
pub fn parse_logfmt(of: Typed) -> Typed {
    Typed { expr: LOGFMT.call(vec![of.text().expr]), kind: Kind::Json }
}

/// `parse of csv as …`: values by position, quoted as RFC 4180 has it; null where there are fewer.
pub fn parse_csv(of: Typed, names: &[Name]) -> Captures {
    let expr = CSV.call(vec![of.text().expr, lit(names.len() as i64)]);
    Captures { expr, names: names.iter().map(|name| name.name.clone()).collect() }
}

fn is_few(n: usize, pattern: &Text) -> Result<(), Diagnostic> {
    match n <= CAPTURES_MAX {
        true => Ok(()),
        false => {
            Err(Diagnostic::error(pattern.span.clone(), format!("more than {CAPTURES_MAX} fields in one `parse`")))
        }
    }
}

fn regex_captures(native: &'static Native, of: Typed, pattern: &Text, names: &[Name]) -> Result<Captures, Diagnostic> {
    let regex = regex::check(&pattern.text, &pattern.span)?;
    let groups = groups(&regex, names).map_err(|message| {
        Diagnostic::error(pattern.span.clone(), message)
            .help("write `(?<name>…)`, or a name behind `as` for each group")
    })?;
    is_few(groups.len(), pattern)?;
    let numbers: Vec<String> = groups.iter().map(|(group, _)| group.to_string()).collect();
    let expr = native.call(vec![of.text().expr, text_literal(&pattern.text), text_literal(&numbers.join(","))]);
    Ok(Captures { expr, names: groups.into_iter().map(|(_, name)| name).collect() })
}

/// Which groups become fields, and their names.
fn groups(regex: &Regex, names: &[Name]) -> Result<Vec<(usize, String)>, String> {
    let all: Vec<(usize, Option<&str>)> = regex.capture_names().enumerate().skip(1).collect();
    let n_unnamed = all.iter().filter(|(_, name)| name.is_none()).count();
    let mut given = names.iter().map(|name| name.name.clone());
    if names.len() != n_unnamed && names.len() == all.len() {
        // A name for each group, named ones included.
        return Ok(all.into_iter().map(|(group, _)| group).zip(given).collect());
    }
    if names.len() > n_unnamed {
        return Err(format!("the regex has {n_unnamed} unnamed groups for {} names", names.len()));
    }
    let named = |(group, name): (usize, Option<&str>)| Some((group, name.map(str::to_owned).or_else(|| given.next())?));
    let groups: Vec<(usize, String)> = all.into_iter().filter_map(named).collect();
    if groups.is_empty() { Err("the regex has no group with a name".to_owned()) } else { Ok(groups) }
}

/// What this file calls.
pub(super) const NATIVES: &[&Native] = &[&GLOB, &REGEX, &REGEX_ALL, &LOGFMT, &CSV];

const TEXT: Take = Take::Kind(Kind::Text);
const INTEGER: Take = Take::Kind(Kind::Integer);

static GLOB: Native =
    Native { name: "lq_parse_glob", takes: &[TEXT, TEXT, INTEGER], gives: Gives::Type(counted_struct), run: glob };
static CSV: Native =
    Native { name: "lq_parse_csv", takes: &[TEXT, INTEGER], gives: Gives::Type(counted_struct), run: csv };
static REGEX: Native =
    Native { name: "lq_parse_regex", takes: &[TEXT, TEXT, TEXT], gives: Gives::Type(groups_struct), run: first_match };
static REGEX_ALL: Native = Native {
    name: "lq_parse_regex_all",
    takes: &[TEXT, TEXT, TEXT],
    gives: Gives::Type(|args| Ok(DataType::List(Arc::new(Field::new_list_field(groups_struct(args)?, true))))),
    run: all_matches,
};
static LOGFMT: Native = Native {
    name: "lq_parse_logfmt",
    takes: &[TEXT],
    gives: Gives::Kind(Kind::Json),
    run: |args| {
        let text = args.texts(0);
        args.text(|i| text.get(i).and_then(logfmt))
    },
};

fn fields(n: usize) -> Fields {
    (0..n).map(|i| Field::new(field_name(i), DataType::Utf8View, true)).collect()
}

/// A struct of as many fields as the last argument says.
fn counted_struct(args: &ReturnFieldArgs<'_>) -> Result<DataType> {
    match args.scalar_arguments.last().copied().flatten() {
        Some(ScalarValue::Int64(Some(n))) if (0..=CAPTURES_MAX as i64).contains(n) => {
            Ok(DataType::Struct(fields(*n as usize)))
        }
        _ => plan_err!("the number of fields must be a literal"),
    }
}

/// A struct of a field for each group of the last argument.
fn groups_struct(args: &ReturnFieldArgs<'_>) -> Result<DataType> {
    match args.scalar_arguments.last().copied().flatten().and_then(|value| value.try_as_str().flatten()) {
        Some(groups) => Ok(DataType::Struct(fields(group_numbers(groups).len()))),
        None => plan_err!("the groups must be a literal"),
    }
}

fn group_numbers(text: &str) -> Vec<usize> {
    text.split(',').filter_map(|number| number.parse().ok()).collect()
}

/// Columns of a struct in the making.
struct Columned(Vec<StringViewBuilder>);

impl Columned {
    fn new(n: usize) -> Columned {
        Columned((0..n).map(|_| StringViewBuilder::new()).collect())
    }

    /// One row; what is missing is null.
    fn push<'t>(&mut self, mut values: impl Iterator<Item = Option<&'t str>>) -> Result<()> {
        for column in &mut self.0 {
            match values.next().flatten() {
                Some(value) => column.try_append_value(value)?,
                None => column.append_null(),
            }
        }
        Ok(())
    }

    fn finish(mut self, n_rows: usize) -> Result<ArrayRef> {
        let columns: Vec<ArrayRef> = self.0.iter_mut().map(|column| Arc::new(column.finish()) as ArrayRef).collect();
        Ok(Arc::new(StructArray::try_new_with_length(fields(columns.len()), columns, None, n_rows)?))
    }
}

fn glob(args: &Columns) -> Result<ArrayRef> {
    let pattern = args.constant_text(1)?;
    let pieces: Vec<_> = pattern.split('*').map(memchr::memmem::Finder::new).collect();
    let text = args.texts(0);
    let mut out = Columned::new(pieces.len() - 1);
    for i in 0..args.n_rows {
        let captures = text.get(i).and_then(|text| stars(text, &pieces)).unwrap_or_default();
        out.push(captures.into_iter().map(Some))?;
    }
    out.finish(args.n_rows)
}

/// What the stars between the pieces stand for. The first place of each piece is the right one: if the next piece is not behind it,
/// it is not behind a later one either.
fn stars<'t>(text: &'t str, pieces: &[memchr::memmem::Finder<'_>]) -> Option<Vec<&'t str>> {
    let (first, others) = pieces.split_first()?;
    let mut at = first.find(text.as_bytes())? + first.needle().len();
    let mut out = Vec::with_capacity(others.len());
    for (i, piece) in others.iter().enumerate() {
        let is_last = i + 1 == others.len();
        let rest = text.get(at..)?;
        let length = match piece.needle() {
            [] if is_last => rest.len(),
            _ => piece.find(rest.as_bytes())?,
        };
        out.push(rest.get(..length)?);
        at += length + piece.needle().len();
    }
    Some(out)
}

fn first_match(args: &Columns) -> Result<ArrayRef> {
    let (regex, groups) = (regex::compiled(args.constant_text(1)?)?, group_numbers(args.constant_text(2)?));
    let text = args.texts(0);
    let mut out = Columned::new(groups.len());
    let mut places = regex.capture_locations();
    for i in 0..args.n_rows {
        let found = text.get(i).filter(|text| regex.captures_read(&mut places, text).is_some());
        out.push(groups.iter().map(|group| {
            let (from, to) = places.get(*group)?;
            found?.get(from..to)
        }))?;
    }
    out.finish(args.n_rows)
}

fn all_matches(args: &Columns) -> Result<ArrayRef> {
    let (regex, groups) = (regex::compiled(args.constant_text(1)?)?, group_numbers(args.constant_text(2)?));
    let text = args.texts(0);
    let mut out = Columned::new(groups.len());
    let mut lengths = Vec::with_capacity(args.n_rows);
    for i in 0..args.n_rows {
        let mut n_matches = 0;
        for captures in text.get(i).into_iter().flat_map(|text| regex.captures_iter(text)).take(MATCHES_MAX) {
            out.push(groups.iter().map(|group| captures.get(*group).map(|found| found.as_str())))?;
            n_matches += 1;
        }
        if n_matches == 0 {
            out.push(std::iter::empty())?;
            n_matches = 1;
        }
        lengths.push(n_matches);
    }
    let rows = out.finish(lengths.iter().sum())?;
    let item = Arc::new(Field::new_list_field(rows.data_type().clone(), true));
    Ok(Arc::new(ListArray::try_new(item, OffsetBuffer::from_lengths(lengths), rows, None)?))
}

/// A text of `key=value key="a value" key` as a JSON map; nothing if there is no `=`.
fn logfmt(text: &str) -> Option<String> {
    let mut out = String::from("{");
    let mut has_pair = false;
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let key_end = rest.find(|c: char| c == '=' || c.is_whitespace()).unwrap_or(rest.len());
        let key = &rest[..key_end];
        rest = &rest[key_end..];
        let value = match rest.strip_prefix('=') {
            Some(behind) => {
                has_pair = true;
                let (value, behind) = logfmt_value(behind);
                rest = behind;
                value
            }
            None => "true".to_owned(),
        };
        if !key.is_empty() {
            if out.len() > 1 {
                out.push(',');
            }
            write_string(key, &mut out);
            out.push(':');
            write_string(&value, &mut out);
        }
        rest = rest.trim_start();
    }
    out.push('}');
    has_pair.then_some(out)
}

fn logfmt_value(text: &str) -> (String, &str) {
    let Some(inside) = text.strip_prefix('"') else {
        let end = text.find(char::is_whitespace).unwrap_or(text.len());
        return (text[..end].to_owned(), &text[end..]);
    };
    let mut value = String::new();
    let mut chars = inside.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return (value, &inside[at + 1..]),
            '\\' => match chars.next().map(|(_, c)| c) {
                Some('n') => value.push('\n'),
                Some('t') => value.push('\t'),
                Some(c) => value.push(c),
                None => {}
            },
            c => value.push(c),
        }
    }
    (value, "")
}

fn csv(args: &Columns) -> Result<ArrayRef> {
    let n = usize::try_from(args.constant_integer(1)?).unwrap_or(0);
    let text = args.texts(0);
    let mut out = Columned::new(n);
    for i in 0..args.n_rows {
        let values = text.get(i).map(|text| csv_values(text, n)).unwrap_or_default();
        out.push(values.iter().map(|value| Some(value.as_str())))?;
    }
    out.finish(args.n_rows)
}

/// The first values of a line.
fn csv_values(line: &str, n: usize) -> Vec<String> {
    let mut out = Vec::new();
    let mut rest = Some(line.trim_end_matches(['\r', '\n']));
    while let Some(text) = rest.filter(|_| out.len() < n) {
        let (value, behind) = csv_value(text);
        out.push(value);
        rest = behind;
    }
    out
}

/// The first value, and what stands behind its comma.
fn csv_value(text: &str) -> (String, Option<&str>) {
    let mut value = String::new();
    let mut rest = text;
    if let Some(inside) = text.strip_prefix('"') {
        rest = inside;
        while let Some(at) = rest.find('"') {
            value.push_str(&rest[..at]);
            rest = &rest[at + 1..];
            match rest.strip_prefix('"') {
                Some(behind) => {
                    value.push('"');
                    rest = behind;
                }
                None => break,
            }
        }
        if !text[1..].contains('"') {
            // A quote that does not end is the rest of the line.
            return (inside.to_owned(), None);
        }
    }
    let end = rest.find(',').unwrap_or(rest.len());
    value.push_str(&rest[..end]);
    (value, rest.get(end + 1..))
}
