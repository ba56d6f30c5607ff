//! A mapping compiled for rows: the same values as the projection gives, but only those that have a place, straight to where they go.
//!
//! Native paths become numbers, conditions on targets become marks, and what is the same in every event is worked out once.
//! [`Mapping::project`] is the definition; that the two agree is tested where the rows are built.

use std::borrow::Cow;

use super::convert::{Made, adopt, convert};
use super::list;
use super::project::objects;
use super::{Entry, Expr, Got, Mapping, Natives, Type, When};
use crate::ocsf::{CLASSES, Class, OBSERVABLE, OcsfVersion};
use crate::scan::Keys;
use crate::time::rfc3339;
use crate::value::{Value, View, write_string};

/// A record whose native values are known by number too.
pub trait Numbered: Natives {
    /// The value at the native path of this number; an object or list as compact JSON.
    fn nth(&self, number: usize) -> Option<View<'_>>;

    /// Whether it has a value there, not null.
    fn has(&self, number: usize) -> bool;

    /// The tree of the value there.
    fn tree(&self, number: usize) -> Option<Cow<'_, Value>>;
}

/// Takes values to their places.
pub trait Cells {
    /// Puts a value.
    fn put(&mut self, place: usize, cell: Cell<'_>);
}

/// One value of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cell<'r> {
    /// Text; lists and objects as JSON.
    Text(Cow<'r, str>),
    /// A whole number.
    Integer(i64),
    /// True or false.
    Boolean(bool),
    /// An instant in milliseconds, where the OCSF value is its text.
    Time(i64),
}

/// A compiled mapping.
#[derive(Debug)]
pub struct Program {
    natives: Vec<&'static str>,
    numbers: Keys,
    steps: Vec<Step>,
    n_targets: usize,
    n_tests: usize,
    constants: Vec<(usize, Cell<'static>)>,
    observables: Option<usize>,
    /// What stands before the value of each observable.
    observed: Vec<String>,
    type_names: Vec<(i64, String)>,
}

/// What a run needs; reused from row to row.
#[derive(Debug, Default)]
pub struct Scratch {
    /// Which targets have a value.
    present: Vec<bool>,
    /// What the tests of the record say that were asked already.
    asked: Vec<Option<bool>>,
    /// The JSON text of each observable's value; empty for none.
    observed: Vec<String>,
    text: String,
}

/// One entry.
#[derive(Debug)]
struct Step {
    when: Test,
    to: usize,
    ty: Type,
    from: Source,
    /// Where the target goes and what is written beside it, in the order of the entry's columns.
    places: [Option<usize>; 4],
    /// Which of these columns are observables, and which observable.
    observed: Vec<(usize, usize)>,
    is_activity: bool,
    /// The value is the same in every event and not put row by row.
    constant: Option<Constant>,
}

/// What a value that is always the same means for what follows.
#[derive(Debug)]
struct Constant {
    class: Option<&'static Class>,
    cells: Vec<(usize, Cell<'static>)>,
}

#[derive(Debug)]
enum Test {
    Always,
    Class(&'static [i64]),
    Has(usize),
    Without(Vec<usize>),
    /// A test of the record, with its number: several entries ask the same.
    Is(usize, fn(&dyn Natives) -> bool),
    IsIn(&'static [i64], usize, fn(&dyn Natives) -> bool),
}

#[derive(Debug)]
enum Source {
    Path(usize),
    FirstOf(Vec<Source>),
    Const(&'static str),
    Table {
        of: usize,
        rows: &'static [(&'static str, &'static str)],
    },
    Each {
        of: usize,
        entries: &'static [Entry],
        need: &'static [&'static str],
    },
    /// The same where it can be written without building the objects.
    List {
        of: usize,
        entries: &'static [Entry],
        need: &'static [&'static str],
    },
    Split {
        of: usize,
        by: char,
        part: usize,
    },
    Function(for<'r> fn(&'r dyn Natives) -> Option<Got<'r>>),
}

impl Program {
    /// Compiles a mapping for those of its columns that have a place.
    ///
    /// Entries must not write beside the target of another: then the order in which values are put does not matter.
    pub fn new(mapping: &'static Mapping, version: OcsfVersion, place: impl Fn(&str) -> Option<usize>) -> Program {
        let mut build =
            Build { mapping, place: &place, natives: mapping.looks.to_vec(), targets: Vec::new(), tests: Vec::new() };
        for entry in mapping.entries {
            build.target(entry.to);
        }
        let steps = build.steps();
        let mut constants: Vec<_> = steps
            .iter()
            .filter_map(|step| step.constant.as_ref())
            .flat_map(|constant| constant.cells.clone())
            .collect();
        let profiles = serde_json::json!(mapping.profiles).to_string();
        let ends = [("metadata.version", version.text().to_owned()), ("metadata.profiles", profiles)];
        constants.extend(ends.into_iter().filter_map(|(path, text)| Some((place(path)?, Cell::Text(text.into())))));
        let observed = mapping.observables.iter().map(|(path, id)| {
            let caption = serde_json::json!(OBSERVABLE.caption(*id));
            format!(r#"{{"name":"{path}","type":{caption},"type_id":{id},"value":"#)
        });
        let type_name = |class: &'static Class| {
            let captions = class.activities.captions.iter();
            captions.map(|(id, caption)| (class.type_uid(*id), class.type_name(caption)))
        };
        Program {
            numbers: Keys::new(build.natives.iter().zip(0..).map(|(path, number)| ((*path).into(), number)).collect()),
            n_targets: build.targets.len(),
            n_tests: build.tests.len(),
            natives: build.natives,
            steps,
            constants,
            observables: place("observables"),
            observed: observed.collect(),
            type_names: CLASSES.iter().flat_map(type_name).collect(),
        }
    }

    /// The native paths that it looks at, by their numbers.
    pub fn natives(&self) -> &[&'static str] {
        &self.natives
    }

    /// The number of a native path that it looks at.
    #[inline]
    pub fn number(&self, path: &str) -> Option<usize> {
        self.numbers.find(path.as_bytes()).map(|(_, number)| number as usize)
    }

    /// Values that are the same in every event, and their places; they are not put again for each.
    pub fn constants(&self) -> &[(usize, Cell<'static>)] {
        &self.constants
    }

    /// Puts the values of a record.
    pub fn run(&self, record: &impl Numbered, scratch: &mut Scratch, out: &mut impl Cells) {
        scratch.present.clear();
        scratch.present.resize(self.n_targets, false);
        scratch.asked.clear();
        scratch.asked.resize(self.n_tests, None);
        scratch.observed.resize(self.observed.len(), String::new());
        let mut class: Option<&'static Class> = None;
        for step in &self.steps {
            if let Some(constant) = &step.constant {
                scratch.present[step.to] = true;
                class = constant.class.or(class);
                continue;
            }
            if scratch.present[step.to] || !holds(&step.when, record, class, scratch) {
                continue;
            }
            let Some(made) = eval(&step.from, step.ty, record, class) else { continue };
            scratch.present[step.to] = true;
            if let Made::Class(made) = made {
                class = Some(made);
            }
            if let (Made::Text(text), [Some(place), ..], []) = (&made, &step.places, step.observed.as_slice()) {
                out.put(*place, Cell::Text(Cow::Borrowed(text)));
                continue;
            }
            for (i, place) in step.places.iter().enumerate() {
                if let (Some(place), Some(cell)) = (place, self.cell(&made, i, step.is_activity, class)) {
                    out.put(*place, cell);
                }
            }
            for (i, observable) in &step.observed {
                if let Some(cell) = self.cell(&made, *i, step.is_activity, class) {
                    write_json(&cell, &mut scratch.observed[*observable]);
                }
            }
        }
        if let Some(place) = self.observables {
            self.put_observables(place, scratch, out);
        }
    }

    fn put_observables(&self, place: usize, scratch: &mut Scratch, out: &mut impl Cells) {
        scratch.text.clear();
        for (before, value) in self.observed.iter().zip(&mut scratch.observed) {
            if !value.is_empty() {
                scratch.text.push(if scratch.text.is_empty() { '[' } else { ',' });
                scratch.text.push_str(before);
                scratch.text.push_str(value);
                scratch.text.push('}');
                value.clear();
            }
        }
        if !scratch.text.is_empty() {
            scratch.text.push(']');
            out.put(place, Cell::Text(scratch.text.as_str().into()));
        }
    }

    /// What a made value puts into the column at this place among those of its entry.
    #[inline]
    fn cell<'m>(
        &'m self,
        made: &'m Made<'_>,
        column: usize,
        is_activity: bool,
        class: Option<&'static Class>,
    ) -> Option<Cell<'m>> {
        if is_activity && column > 1 {
            let (Made::Enum(id, caption, _), Some(class)) = (made, class) else { return None };
            let uid = class.type_uid(*id);
            let name = || self.type_names.iter().find(|(have, _)| *have == uid).map(|(_, name)| name.as_str().into());
            return Some(match column {
                2 => Cell::Integer(uid),
                _ => Cell::Text(name().unwrap_or_else(|| class.type_name(caption).into())),
            });
        }
        cell(made, column)
    }
}

#[inline]
fn cell<'m>(made: &'m Made<'_>, column: usize) -> Option<Cell<'m>> {
    Some(match (made, column) {
        (Made::Text(text), 0) => Cell::Text(Cow::Borrowed(text)),
        (Made::Integer(n), 0) => Cell::Integer(*n),
        (Made::Boolean(yes), 0) => Cell::Boolean(*yes),
        (Made::Texts(texts), 0) => Cell::Text(serde_json::json!(texts).to_string().into()),
        (Made::Objects(objects), 0) => Cell::Text(serde_json::json!(objects).to_string().into()),
        (Made::Time(ms), 0) => Cell::Integer(*ms),
        (Made::Time(ms), 1) => Cell::Time(*ms),
        (Made::Enum(id, ..), 0) => Cell::Integer(*id),
        (Made::Enum(_, caption, _), 1) => Cell::Text(Cow::Borrowed(caption)),
        (Made::Class(class), 0) => Cell::Integer(class.uid),
        (Made::Class(class), 1) => Cell::Text(class.caption.into()),
        (Made::Class(class), 2) => Cell::Integer(class.category_uid),
        (Made::Class(class), 3) => Cell::Text(class.category.into()),
        _ => return None,
    })
}

fn write_json(cell: &Cell<'_>, out: &mut String) {
    match cell {
        Cell::Text(text) if text.bytes().all(|b| b >= b' ' && !matches!(b, b'"' | b'\\')) => {
            out.push('"');
            out.push_str(text);
            out.push('"');
        }
        Cell::Text(text) => write_string(text, out),
        Cell::Integer(n) => out.push_str(&n.to_string()),
        Cell::Boolean(yes) => out.push_str(if *yes { "true" } else { "false" }),
        Cell::Time(ms) => write_string(&rfc3339(*ms), out),
    }
}

#[inline]
fn holds(test: &Test, record: &impl Numbered, class: Option<&'static Class>, scratch: &mut Scratch) -> bool {
    let is_in = |uids: &[i64]| class.is_some_and(|class| uids.contains(&class.uid));
    let mut ask =
        |number: usize, test: fn(&dyn Natives) -> bool| *scratch.asked[number].get_or_insert_with(|| test(record));
    match test {
        Test::Always => true,
        Test::Class(uids) => is_in(uids),
        Test::Has(native) => record.has(*native),
        Test::Without(targets) => !targets.iter().any(|target| scratch.present[*target]),
        Test::Is(number, test) => ask(*number, *test),
        Test::IsIn(uids, number, test) => is_in(uids) && ask(*number, *test),
    }
}

#[inline]
fn eval<'r>(source: &Source, ty: Type, record: &'r impl Numbered, class: Option<&'static Class>) -> Option<Made<'r>> {
    match source {
        Source::Path(of) => convert(record.nth(*of)?, ty, class),
        Source::FirstOf(each) => each.iter().find_map(|source| eval(source, ty, record, class)),
        Source::Const(text) => convert(View::String((*text).into()), ty, class),
        Source::Table { of, rows } => {
            let value = record.nth(*of)?;
            let row = value.scalar_text().and_then(|text| rows.iter().find(|(native, _)| *native == text));
            convert(row.map_or(value, |(_, caption)| View::String((*caption).into())), ty, class)
        }
        Source::List { of, entries, need } => {
            list::objects(&*record.tree(*of)?, entries, need).map(|text| Made::Text(text.into()))
        }
        Source::Each { of, entries, need } => objects(&*record.tree(*of)?, entries, need).map(Made::Objects),
        Source::Split { of, by, part } => {
            let View::String(text) = record.nth(*of)? else { return None };
            let part = match text {
                Cow::Borrowed(text) => Cow::Borrowed(text.split(*by).nth(*part)?),
                Cow::Owned(text) => Cow::Owned(text.split(*by).nth(*part)?.to_owned()),
            };
            convert(View::String(part), ty, class)
        }
        Source::Function(call) => adopt(call(record)?, ty, class),
    }
}

/// What is always the same of an entry with this constant, if anything comes of it.
fn constant(text: &'static str, ty: Type, places: &[Option<usize>]) -> Option<Constant> {
    let made = convert(View::String(text.into()), ty, None)?;
    let owned = |cell| match cell {
        Cell::Text(text) => Cell::Text(Cow::Owned(Cow::into_owned(text))),
        Cell::Integer(n) => Cell::Integer(n),
        Cell::Boolean(yes) => Cell::Boolean(yes),
        Cell::Time(ms) => Cell::Time(ms),
    };
    let cells = places.iter().enumerate().filter_map(|(i, place)| Some(((*place)?, owned(cell(&made, i)?))));
    let class = if let Made::Class(class) = made { Some(class) } else { None };
    Some(Constant { class, cells: cells.collect() })
}

struct Build<'b> {
    mapping: &'static Mapping,
    place: &'b dyn Fn(&str) -> Option<usize>,
    natives: Vec<&'static str>,
    targets: Vec<&'static str>,
    /// The names of tests: a name is always that of the same test.
    tests: Vec<&'static str>,
}

impl Build<'_> {
    fn steps(&mut self) -> Vec<Step> {
        let mut steps = Vec::new();
        for entry in self.mapping.entries {
            let columns = entry.columns();
            let mut places = [None; 4];
            places.iter_mut().zip(&columns).for_each(|(place, column)| *place = (self.place)(&column.path));
            let observed: Vec<(usize, usize)> = columns
                .iter()
                .enumerate()
                .filter_map(|(i, column)| Some((i, self.observable(&column.path)?)))
                .collect();
            let is_wanted = places.iter().any(Option::is_some) || !observed.is_empty();
            if !is_wanted && entry.ty != Type::Class && !self.is_asked_for(entry) {
                continue;
            }
            let to = self.target(entry.to);
            // The first entry of a target, if it always gives the same, is all that the target ever holds.
            let is_first = steps.iter().all(|step: &Step| step.to != to);
            let constant = match (entry.when, &entry.from) {
                (When::Always, Expr::Const(text)) if is_first && observed.is_empty() => {
                    constant(text, entry.ty, &places)
                }
                _ => None,
            };
            steps.push(Step {
                when: self.test(entry.when),
                to,
                ty: entry.ty,
                from: self.source(&entry.from),
                constant,
                places,
                observed,
                is_activity: entry.ty == Type::Activity,
            });
        }
        steps
    }

    fn target(&mut self, path: &'static str) -> usize {
        number(&mut self.targets, path)
    }

    fn observable(&self, path: &str) -> Option<usize> {
        (self.place)("observables")?;
        self.mapping.observables.iter().position(|(have, _)| *have == path)
    }

    /// Whether some condition asks for the entry's target.
    fn is_asked_for(&self, entry: &Entry) -> bool {
        self.mapping.entries.iter().any(|other| match other.when {
            When::Without(targets) => targets.iter().any(|target| writes(entry, target)),
            _ => false,
        })
    }

    fn test(&mut self, when: When) -> Test {
        match when {
            When::Always => Test::Always,
            When::Class(uids) => Test::Class(uids),
            When::Has(path) => Test::Has(number(&mut self.natives, path)),
            When::Without(targets) => {
                let writing = |entry: &&Entry| targets.iter().any(|target| writes(entry, target));
                let written: Vec<&'static str> =
                    self.mapping.entries.iter().filter(writing).map(|entry| entry.to).collect();
                let mut without: Vec<usize> = written.into_iter().map(|to| self.target(to)).collect();
                without.sort_unstable();
                without.dedup();
                Test::Without(without)
            }
            When::Is(name, test) => Test::Is(number(&mut self.tests, name), test),
            When::IsIn(uids, name, test) => Test::IsIn(uids, number(&mut self.tests, name), test),
        }
    }

    fn source(&mut self, from: &'static Expr) -> Source {
        match from {
            Expr::Path(path) => Source::Path(number(&mut self.natives, path)),
            Expr::FirstOf(each) => Source::FirstOf(each.iter().map(|expr| self.source(expr)).collect()),
            Expr::Const(text) => Source::Const(text),
            Expr::Table { of, rows } => Source::Table { of: number(&mut self.natives, of), rows },
            Expr::Each { of, entries, need } if list::is_plain(entries) => {
                Source::List { of: number(&mut self.natives, of), entries, need }
            }
            Expr::Each { of, entries, need } => Source::Each { of: number(&mut self.natives, of), entries, need },
            Expr::Split { of, by, part } => Source::Split { of: number(&mut self.natives, of), by: *by, part: *part },
            Expr::Function { call, .. } => Source::Function(*call),
        }
    }
}

/// Whether an entry gives a value to this target or to one in it.
fn writes(entry: &Entry, target: &str) -> bool {
    let is_in = |path: &str| path.strip_prefix(target).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
    entry.columns().iter().any(|column| is_in(&column.path))
}

/// The number of a path in a list; it is added if it is new.
fn number(list: &mut Vec<&'static str>, path: &'static str) -> usize {
    list.iter().position(|have| *have == path).unwrap_or_else(|| {
        list.push(path);
        list.len() - 1
    })
}
