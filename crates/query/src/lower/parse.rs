//! `parse`: fields out of text.

use predicate::diagnostic::Diagnostic;

use super::scope::{Field, Scope, column};
use super::{Failure, Lowering};
use crate::function::{Captures, capture, parse_csv, parse_glob, parse_logfmt, parse_regex, parse_regex_all};
use crate::insights::ast::{How, Name, Parse};
use crate::kind::{Kind, Typed};

/// The names that a regex and the list behind it make.
pub(super) fn group_names(regex: &str, names: &[Name]) -> Vec<String> {
    let of_regex =
        regex::Regex::new(regex).map(|regex| regex.capture_names().flatten().map(str::to_owned).collect::<Vec<_>>());
    of_regex.unwrap_or_default().into_iter().chain(names.iter().map(|name| name.name.clone())).collect()
}

impl Lowering<'_> {
    pub(super) fn parse(&mut self, mut scope: Scope, parse: &Parse) -> Result<Scope, Failure> {
        let of = match &parse.of {
            Some(of) => self.value(&scope, of)?,
            None => match scope.find("@message") {
                Some(field) => field.typed(),
                None => {
                    let error =
                        Diagnostic::error(0..0, "`parse` without a field reads `@message`, and here there is none");
                    return Err(error.help("name the field: `parse field …`").into());
                }
            },
        };
        match &parse.how {
            How::Glob(pattern, names) => captured(scope, parse_glob(of, pattern, names)?),
            How::Regex { regex, names, is_multi: false } => captured(scope, parse_regex(of, regex, names)?),
            How::Regex { regex, names, is_multi: true } => {
                let captures = parse_regex_all(of, regex, names)?;
                let (scope, row) = added(scope, &captures)?;
                let mut scope = scope;
                scope.unnest(&row)?;
                named(scope, &row, captures.names)
            }
            How::Csv(names) => captured(scope, parse_csv(of, names)),
            How::Logfmt(name) => {
                let fields = scope.define(vec![(name.name.clone(), parse_logfmt(of))])?;
                fields.iter().for_each(|field| scope.replace_shown(field));
                Ok(scope)
            }
        }
    }
}

fn captured(scope: Scope, captures: Captures) -> Result<Scope, Failure> {
    let (scope, row) = added(scope, &captures)?;
    named(scope, &row, captures.names)
}

/// The captures as a column that no name leads to.
fn added(mut scope: Scope, captures: &Captures) -> Result<(Scope, String), Failure> {
    let row =
        scope.define(vec![("parse".to_owned(), Typed { expr: captures.expr.clone(), kind: Kind::Json })])?.remove(0);
    scope.fields.retain(|field| field.column != row.column);
    Ok((scope, row.column))
}

/// The captures as fields of their own.
fn named(mut scope: Scope, row: &str, names: Vec<String>) -> Result<Scope, Failure> {
    let values = names.into_iter().enumerate().map(|(i, name)| (name, capture(column(row), i)));
    let fields: Vec<Field> = scope.define(values.collect())?;
    fields.iter().for_each(|field| scope.replace_shown(field));
    Ok(scope)
}
