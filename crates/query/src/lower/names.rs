//! Which fields a query takes from its datasets: those that it names and does not make itself.

use std::collections::{HashMap, HashSet};

use crate::insights::ast::{Command, Expr, How, Item, Kind, Name, Node, Parse, Span};

/// The fields taken from the datasets, each once, with the place where it is first named.
#[derive(Debug, Default)]
pub struct Wanted {
    /// Of the rows that the query begins with.
    pub base: Vec<Name>,
    /// Of the rows on the right of its join, without the prefix.
    pub right: Vec<Name>,
    /// Those of which a list or object is wanted as it stands in the record, where other names mean its leaves.
    pub whole: HashSet<String>,
}

/// Functions whose first argument may be a list of the record.
const OF_LISTS: [&str; 2] = ["jsonArraySize", "jsonArrayContains"];

/// The fields that the commands take from the datasets.
pub fn wanted(commands: &[Command]) -> Wanted {
    let mut walk = Walk::default();
    for command in commands {
        walk.command(&command.kind);
        if walk.is_closed {
            break;
        }
    }
    walk.wanted
}

#[derive(Default)]
struct Walk {
    wanted: Wanted,
    /// Names that the query makes.
    made: HashSet<String>,
    /// Those of them that are another name of a field.
    aliases: HashMap<String, String>,
    /// What the two sides of the join are called.
    sides: Option<(String, String)>,
    /// After `stats` and its like nothing of the datasets is left.
    is_closed: bool,
}

impl Walk {
    fn command(&mut self, command: &Kind) {
        match command {
            Kind::Fields(items) | Kind::Display(items) => self.items(items),
            Kind::Filter(expr) | Kind::FilterIndex(expr) => self.expr(expr),
            Kind::Stats(stats) => {
                self.items(&stats.by);
                self.items(&stats.items);
                self.is_closed = true;
            }
            Kind::Pattern(expr) => {
                self.expr(expr);
                self.is_closed = true;
            }
            Kind::Sort(keys) => keys.iter().for_each(|key| self.expr(&key.expr)),
            Kind::Parse(parse) => self.parse(parse),
            Kind::Dedup(names) | Kind::FillDown(names) => self.names(names),
            Kind::CountFrequent(names) => {
                self.names(names);
                self.is_closed = true;
            }
            Kind::Unnest(expr, name) => {
                if let Node::Field(of) = &expr.node {
                    self.whole(of);
                }
                self.expr(expr);
                self.make(name);
            }
            Kind::Expand(name) => {
                self.whole(&name.name);
                self.field(&name.name, &name.span);
            }
            Kind::Join(join) => {
                self.field(&join.left_key.name, &join.left_key.span);
                push(&mut self.wanted.right, &join.right_key.name, &join.right_key.span);
                self.sides = Some((join.left.name.clone(), join.right.name.clone()));
            }
            Kind::Lookup(lookup) => {
                lookup.keys.iter().for_each(|(_, field)| self.field(&field.name, &field.span));
                lookup.output.iter().for_each(|(_, field)| self.make(field));
            }
            Kind::CidrLookup(lookup) => {
                self.field(&lookup.of.name, &lookup.of.span);
                if lookup.only_new {
                    lookup.output.iter().for_each(|(_, field)| self.field(&field.name, &field.span));
                }
                lookup.output.iter().for_each(|(_, field)| self.make(field));
            }
            Kind::FillMissing(values) => values.iter().for_each(|(value, _)| self.expr(value)),
            Kind::RelevantFields(names, condition) => {
                self.names(names);
                self.expr(condition);
                self.is_closed = true;
            }
            Kind::AddTotals(totals) => self.names(&totals.of),
            Kind::Accum(of, alias) => {
                self.field(&of.name, &of.span);
                alias.iter().for_each(|name| self.make(name));
            }
            Kind::AutoRegress { of, alias, .. } => {
                self.field(&of.name, &of.span);
                alias.iter().for_each(|name| self.make(name));
            }
            Kind::Outlier(outlier) => self.names(&outlier.of),
            Kind::Sessionize { by, alias, .. } => {
                self.names(by);
                alias.iter().for_each(|name| self.make(name));
            }
            Kind::Json { of, alias, .. } => {
                self.field(&of.name, &of.span);
                alias.iter().for_each(|name| self.make(name));
            }
            Kind::LogCompare(_) => self.is_closed = true,
            Kind::Limit(_) | Kind::Diff(_) | Kind::AppendCols { .. } | Kind::Anomaly | Kind::Estimate => {}
        }
    }

    fn items(&mut self, items: &[Item]) {
        for item in items {
            self.expr(&item.expr);
            if let (Node::Field(of), Some(alias)) = (&item.expr.node, &item.alias) {
                self.aliases.insert(alias.name.clone(), of.clone());
            }
            item.alias.iter().for_each(|name| self.make(name));
        }
    }

    fn parse(&mut self, parse: &Parse) {
        if let Some(of) = &parse.of {
            self.expr(of);
        }
        match &parse.how {
            How::Glob(_, names) | How::Csv(names) => names.iter().for_each(|name| self.make(name)),
            How::Logfmt(name) => self.make(name),
            How::Regex { regex, names, .. } => {
                self.made.extend(super::parse::group_names(&regex.text, names));
            }
        }
    }

    fn names(&mut self, names: &[Name]) {
        for name in names.iter().filter(|name| !name.name.contains('*')) {
            self.field(&name.name, &name.span);
        }
    }

    /// A list or object is wanted as it stands in the record, by its own name or another that it was given.
    fn whole(&mut self, name: &str) {
        // A name may be given to itself.
        let mut name = name;
        for _ in 0..=self.aliases.len() {
            self.wanted.whole.insert(name.to_owned());
            match self.aliases.get(name) {
                Some(of) => name = of,
                None => break,
            }
        }
    }

    fn make(&mut self, name: &Name) {
        self.made.insert(name.name.clone());
    }

    fn field(&mut self, name: &str, span: &Span) {
        let dots = name.match_indices('.').map(|(at, _)| &name[..at]);
        if dots.chain([name]).any(|prefix| self.made.contains(prefix)) {
            return;
        }
        if let Some((left, right)) = &self.sides {
            if let Some(rest) = name.strip_prefix(right.as_str()).and_then(|rest| rest.strip_prefix('.')) {
                return push(&mut self.wanted.right, rest, span);
            }
            if let Some(rest) = name.strip_prefix(left.as_str()).and_then(|rest| rest.strip_prefix('.')) {
                return push(&mut self.wanted.base, rest, span);
            }
        }
        push(&mut self.wanted.base, name, span);
    }

    fn expr(&mut self, expr: &Expr) {
        match &expr.node {
            Node::Field(name) => self.field(name, &expr.span),
            Node::Call(function, args) => {
                let is_of_list = OF_LISTS.iter().any(|name| name.eq_ignore_ascii_case(&function.name));
                if let (true, Some(Expr { node: Node::Field(name), .. })) = (is_of_list, args.first()) {
                    self.whole(name);
                }
                args.iter().for_each(|arg| self.expr(arg));
            }
            Node::List(items) => items.iter().for_each(|item| self.expr(item)),
            Node::Member(of, _) | Node::Unary(_, of) | Node::InQuery { of, .. } => self.expr(of),
            Node::Index(a, b) | Node::Binary(_, a, b) => {
                self.expr(a);
                self.expr(b);
            }
            Node::In { of, list, .. } => {
                self.expr(of);
                list.iter().for_each(|item| self.expr(item));
            }
            Node::Like { of, pattern, .. } => {
                self.expr(of);
                self.expr(pattern);
            }
            Node::String(_) | Node::Number(_) | Node::Boolean(_) | Node::Duration(_) | Node::Regex(_) | Node::Star => {}
        }
    }
}

fn push(list: &mut Vec<Name>, name: &str, span: &Span) {
    if !list.iter().any(|have| have.name == name) {
        list.push(Name { name: name.to_owned(), span: span.clone() });
    }
}
