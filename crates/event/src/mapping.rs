//! How a source's records become OCSF events: a table of data, from which come the projection ([`Mapping::project`]), the columns
//! of the lake ([`Mapping::columns`]), the meaning of a field name ([`Mapping::resolve`]) and the reference page ([`Mapping::reference`]).
//!
//! The projection is the definition. For rows by the million it is compiled into a [`Program`], which must say the same.
//!
//! The type knows no source; the tables lie with their sources.

mod convert;
mod list;
mod native;
mod program;
mod project;
mod reference;
mod resolve;

use std::borrow::Cow;

use crate::ocsf::Enum;
use crate::value::Value;

pub use native::{Natives, text_at};
pub use program::{Cell, Cells, Numbered, Program, Scratch};
pub use resolve::{At, Names, Rank, Resolution, ResolveError};

/// The mapping of one source.
#[derive(Debug)]
pub struct Mapping {
    /// The source's name: `aws_cloudtrail`.
    pub source: &'static str,
    /// The heading of its reference page.
    pub title: &'static str,
    /// The OCSF profiles of its events.
    pub profiles: &'static [&'static str],
    /// The targets, in order: the first entry that gives a target a value wins.
    pub entries: &'static [Entry],
    /// The targets that are listed in `observables` too, with the number of their type.
    pub observables: &'static [(&'static str, i64)],
    /// The source's own fields.
    pub natives: &'static [Native],
    /// The source's objects whose keys are anybody's: there names are case-sensitive and never aliases.
    pub open: &'static [&'static str],
    /// The native paths that functions and tests of the entries look at.
    pub looks: &'static [&'static str],
    /// What the names mean, worked out once.
    pub names: Names,
}

/// A field as the source writes it.
#[derive(Debug)]
pub struct Native {
    /// Its dotted path.
    pub path: &'static str,
    /// What people call it too.
    pub alias: &'static [&'static str],
}

/// One way to give one target a value.
#[derive(Debug)]
pub struct Entry {
    /// When it applies.
    pub when: When,
    /// The dotted OCSF path.
    pub to: &'static str,
    /// What the target holds.
    pub ty: Type,
    /// Where the value comes from.
    pub from: Expr,
    /// Whether the native value can be read off the target. A constant is exact where it only stands in for a missing value.
    pub kind: Kind,
    /// What people call the target too.
    pub alias: &'static [&'static str],
}

/// Whether the native value can be read off a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It can: a test on the native value is a test on the target.
    Exact,
    /// It cannot.
    Derived,
}

/// When an entry applies.
#[derive(Clone, Copy, Debug)]
pub enum When {
    /// Always.
    Always,
    /// When the event is of one of these classes.
    Class(&'static [i64]),
    /// When the record has a value, not null, at this native path.
    Has(&'static str),
    /// When none of these targets has a value yet.
    Without(&'static [&'static str]),
    /// When the record is as the name says.
    Is(&'static str, fn(&dyn Natives) -> bool),
    /// When the event is of one of these classes and the record is as the name says.
    IsIn(&'static [i64], &'static str, fn(&dyn Natives) -> bool),
}

/// Where a value comes from. A native path goes through objects only.
#[derive(Debug)]
pub enum Expr {
    /// The value at a native path.
    Path(&'static str),
    /// The first that has a value of the target's type.
    FirstOf(&'static [Expr]),
    /// Always this text.
    Const(&'static str),
    /// The caption that stands beside the native text, else the native text.
    Table {
        /// The native path.
        of: &'static str,
        /// Native text and caption.
        rows: &'static [(&'static str, &'static str)],
    },
    /// One object for each object in a native list.
    Each {
        /// The native path of the list.
        of: &'static str,
        /// How an object of the list becomes one of the target.
        entries: &'static [Entry],
        /// Targets of which an object must have one, else it is left out.
        need: &'static [&'static str],
    },
    /// One part of the text at a native path.
    Split {
        /// The native path.
        of: &'static str,
        /// What stands between the parts.
        by: char,
        /// Which part, from 0.
        part: usize,
    },
    /// What a function makes of the record.
    Function {
        /// What it does, in a few words.
        name: &'static str,
        /// The native paths that it takes up.
        reads: &'static [&'static str],
        /// The function. Its value must be of the target's type; for an enum it may be a caption or any other text.
        call: for<'r> fn(&'r dyn Natives) -> Option<Got<'r>>,
    },
}

/// What a mapping's function makes of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Got<'r> {
    /// Text.
    Text(Cow<'r, str>),
    /// A number; of a timestamp, milliseconds.
    Integer(i64),
    /// A list of texts.
    Texts(Vec<Cow<'r, str>>),
}

impl<'r> Got<'r> {
    /// Text.
    pub fn text(text: impl Into<Cow<'r, str>>) -> Got<'r> {
        Got::Text(text.into())
    }
}

/// What a target holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// Text that is not empty; numbers and booleans become their text.
    Text,
    /// A whole number.
    Integer,
    /// A boolean, also from the words `true`, `false`, `Yes`, `No`.
    Boolean,
    /// An instant in milliseconds, with its RFC 3339 twin.
    Timestamp,
    /// An IP address.
    Ip,
    /// IP addresses.
    Ips,
    /// A port.
    Port,
    /// JSON as compact text.
    Json,
    /// A list of objects.
    Objects,
    /// A number with a meaning, and its caption beside it.
    Enum(&'static Enum),
    /// The class, with its caption and category.
    Class,
    /// The activity in the event's class, with its caption and the two of the type.
    Activity,
}

/// One column of the lake: a target, or a caption or twin beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// The dotted OCSF path.
    pub path: String,
    /// What it holds.
    pub ty: Type,
    /// Whether the native value can be read off it.
    pub kind: Kind,
    /// The text that an exact column holds where the record has no value.
    pub stand_in: Option<&'static str>,
}

impl Mapping {
    /// The columns of the source's events, each once, in the order of the entries.
    pub fn columns(&self) -> &[Column] {
        &self.index().columns
    }

    fn list_columns(&self) -> Vec<Column> {
        let mut columns: Vec<Column> = Vec::new();
        for column in self.entries.iter().flat_map(Entry::columns) {
            match columns.iter_mut().find(|have| have.path == column.path) {
                // A column that several entries fill is exact only where all of them are.
                Some(have) => {
                    have.stand_in = have.stand_in.or(column.stand_in);
                    if column.kind == Kind::Derived {
                        have.kind = Kind::Derived;
                    }
                }
                None => columns.push(column),
            }
        }
        columns.push(derived("metadata.version", Type::Text));
        columns.push(derived("metadata.profiles", Type::Json));
        columns.push(derived("observables", Type::Objects));
        columns
    }
}

fn derived(path: impl Into<String>, ty: Type) -> Column {
    Column { path: path.into(), ty, kind: Kind::Derived, stand_in: None }
}

impl Entry {
    /// The target and what is written beside it.
    pub fn columns(&self) -> Vec<Column> {
        let stand_in = match &self.from {
            Expr::FirstOf([.., Expr::Const(text)]) | Expr::Const(text) => Some(*text),
            _ => None,
        };
        let own = Column { path: self.to.to_owned(), ty: self.ty, kind: self.kind, stand_in };
        match self.ty {
            Type::Class => {
                let rest = [("class_name", Type::Text), ("category_uid", Type::Integer), ("category_name", Type::Text)];
                std::iter::once(own).chain(rest.map(|(path, ty)| derived(path, ty))).collect()
            }
            Type::Activity => {
                let rest = [("activity_name", Type::Text), ("type_uid", Type::Integer), ("type_name", Type::Text)];
                std::iter::once(own).chain(rest.map(|(path, ty)| derived(path, ty))).collect()
            }
            // The number stands for many texts; the text beside it is the source's own where it has no caption.
            Type::Enum(of) => {
                let text = Column { path: beside(self.to, of.sibling), ty: Type::Text, kind: self.kind, stand_in };
                vec![derived(self.to, self.ty), text]
            }
            Type::Timestamp => vec![own, derived(twin(self.to), Type::Text)],
            _ => vec![own],
        }
    }
}

/// The path of the attribute with this name beside the one at `path`.
fn beside(path: &str, name: &str) -> String {
    match path.rsplit_once('.') {
        Some((object, _)) => format!("{object}.{name}"),
        None => name.to_owned(),
    }
}

/// The path of a timestamp's RFC 3339 twin.
fn twin(path: &str) -> String {
    format!("{path}_dt")
}

impl Expr {
    /// The native paths it reads.
    fn reads(&self) -> Vec<&'static str> {
        match self {
            Expr::Path(path) => vec![path],
            Expr::FirstOf(each) => each.iter().flat_map(Expr::reads).collect(),
            Expr::Const(_) => Vec::new(),
            Expr::Table { of, .. } | Expr::Each { of, .. } | Expr::Split { of, .. } => vec![of],
            Expr::Function { reads, .. } => reads.to_vec(),
        }
    }
}

/// The value at a dotted path through objects.
pub fn at<'v>(record: &'v Value, path: &str) -> Option<&'v Value> {
    path.split('.').try_fold(record, Value::get)
}

#[cfg(test)]
mod tests;
