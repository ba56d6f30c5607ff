//! Queries as trees that a person can compare, and without their places.

use query::insights::ast::*;

/// The expressions of a query, each as an operator and its operands, behind the command that they stand in; for a column without a name of its
/// own the text that names it.
pub fn of(query: &Query, text: &str) -> String {
    let lines: Vec<String> = query.commands.iter().map(|command| line(command, text)).collect();
    lines.join("\n")
}

fn line(command: &Command, text: &str) -> String {
    let parts: Vec<String> = match &command.kind {
        Kind::Fields(items) | Kind::Display(items) => items.iter().map(|one| item(one, text)).collect(),
        Kind::Stats(stats) => {
            let items = stats.items.iter().map(|one| item(one, text));
            let by = stats.by.iter().map(|one| format!("by {}", item(one, text)));
            items.chain(by).collect()
        }
        Kind::Filter(expr) | Kind::Pattern(expr) => vec![expression(expr)],
        Kind::Sort(keys) => keys.iter().map(|key| expression(&key.expr)).collect(),
        other => vec![format!("{other:?}")],
    };
    let shown: String = parts.iter().map(|part| format!("\n  {part}")).collect();
    format!("{}{shown}", command.kind.name())
}

fn item(item: &Item, text: &str) -> String {
    let name = match &item.alias {
        Some(alias) => alias.name.clone(),
        None => text[item.expr.span.clone()].to_owned(),
    };
    format!("{name} := {}", expression(&item.expr))
}

fn expression(expr: &Expr) -> String {
    let of = |name: &str, operands: &[&Expr]| {
        let operands: String = operands.iter().map(|operand| format!(" {}", expression(operand))).collect();
        format!("({name}{operands})")
    };
    match &expr.node {
        Node::Unary(unary, inner) => of(&format!("{unary:?}"), &[inner]),
        Node::Binary(binary, left, right) => of(&format!("{binary:?}"), &[left, right]),
        Node::Call(name, args) => of(&name.name, &args.iter().collect::<Vec<_>>()),
        Node::List(list) => of("list", &list.iter().collect::<Vec<_>>()),
        Node::Member(inner, name) => of(&format!(".{name}"), &[inner]),
        Node::Index(inner, index) => of("[]", &[inner, index]),
        Node::In { of: inner, list, is_not } => {
            let all: Vec<&Expr> = std::iter::once(&**inner).chain(list).collect();
            of(if *is_not { "not-in" } else { "in" }, &all)
        }
        Node::Like { of: inner, pattern, is_not } => of(if *is_not { "not-like" } else { "like" }, &[inner, pattern]),
        leaf => format!("{leaf:?}"),
    }
}

/// The query with every place the same.
pub fn without_places(mut query: Query) -> Query {
    forget_query(&mut query);
    query
}

const NOWHERE: Span = 0..0;

fn forget_query(query: &mut Query) {
    if let Some(source) = &mut query.source {
        forget_source(source);
    }
    for command in &mut query.commands {
        command.span = NOWHERE;
        forget_kind(&mut command.kind);
    }
}

fn forget_source(source: &mut From) {
    source.span = NOWHERE;
    for group in &mut source.groups {
        if let Group::Name(text) | Group::Prefix(text) | Group::DataSource(text) = group {
            text.span = NOWHERE;
        }
    }
    source.accounts.iter_mut().for_each(|text| text.span = NOWHERE);
}

fn forget_names<'n>(names: impl IntoIterator<Item = &'n mut Name>) {
    names.into_iter().for_each(|name| name.span = NOWHERE);
}

fn forget_items(items: &mut [Item]) {
    for item in items {
        forget(&mut item.expr);
        forget_names(&mut item.alias);
    }
}

fn forget_kind(kind: &mut Kind) {
    match kind {
        Kind::Fields(items) | Kind::Display(items) => forget_items(items),
        Kind::Filter(expr) | Kind::FilterIndex(expr) | Kind::Pattern(expr) => forget(expr),
        Kind::Stats(stats) => {
            forget_items(&mut stats.items);
            forget_items(&mut stats.by);
        }
        Kind::Sort(keys) => keys.iter_mut().for_each(|key| forget(&mut key.expr)),
        Kind::Parse(parse) => forget_parse(parse),
        Kind::Dedup(names) | Kind::FillDown(names) | Kind::CountFrequent(names) => forget_names(names),
        Kind::Unnest(expr, name) => {
            forget(expr);
            forget_names([name]);
        }
        Kind::Expand(name) => forget_names([name]),
        Kind::Join(join) => {
            forget_names([&mut join.left, &mut join.right, &mut join.left_key, &mut join.right_key]);
            forget_source(&mut join.source);
        }
        Kind::Lookup(lookup) => {
            forget_names([&mut lookup.table]);
            forget_pairs(&mut lookup.keys);
            forget_pairs(&mut lookup.output);
        }
        Kind::CidrLookup(lookup) => {
            forget_names([&mut lookup.table, &mut lookup.of]);
            forget_names(&mut lookup.column);
            forget_pairs(&mut lookup.output);
        }
        Kind::FillMissing(fills) => {
            for (value, name) in fills {
                forget(value);
                forget_names([name]);
            }
        }
        Kind::RelevantFields(names, expr) => {
            forget_names(names);
            forget(expr);
        }
        Kind::AddTotals(totals) => {
            forget_names(&mut totals.name);
            forget_names(&mut totals.of);
        }
        Kind::Accum(of, alias) | Kind::AutoRegress { of, alias, .. } => {
            forget_names([of]);
            forget_names(alias);
        }
        Kind::Outlier(outlier) => forget_names(&mut outlier.of),
        Kind::AppendCols { query, .. } => forget_query(query),
        Kind::Sessionize { by, alias, .. } => {
            forget_names(by);
            forget_names(alias);
        }
        Kind::Json { of, path, alias } => {
            path.span = NOWHERE;
            forget_names([of]);
            forget_names(alias);
        }
        Kind::Limit(_) | Kind::Diff(_) | Kind::LogCompare(_) | Kind::Anomaly | Kind::Estimate => {}
    }
}

fn forget_pairs(pairs: &mut [(Name, Name)]) {
    pairs.iter_mut().for_each(|(a, b)| forget_names([a, b]));
}

fn forget_parse(parse: &mut Parse) {
    parse.of.iter_mut().for_each(forget);
    match &mut parse.how {
        How::Glob(text, names) | How::Regex { regex: text, names, .. } => {
            text.span = NOWHERE;
            forget_names(names);
        }
        How::Logfmt(name) => forget_names([name]),
        How::Csv(names) => forget_names(names),
    }
}

fn forget(expr: &mut Expr) {
    expr.span = NOWHERE;
    match &mut expr.node {
        Node::List(all) => all.iter_mut().for_each(forget),
        Node::Call(name, args) => {
            forget_names([name]);
            args.iter_mut().for_each(forget);
        }
        Node::Member(of, _) | Node::Unary(_, of) => forget(of),
        Node::Index(a, b) | Node::Binary(_, a, b) | Node::Like { of: a, pattern: b, .. } => {
            forget(a);
            forget(b);
        }
        Node::In { of, list, .. } => {
            forget(of);
            list.iter_mut().for_each(forget);
        }
        Node::InQuery { of, query, .. } => {
            forget(of);
            forget_query(query);
        }
        Node::Field(_)
        | Node::String(_)
        | Node::Number(_)
        | Node::Boolean(_)
        | Node::Duration(_)
        | Node::Regex(_)
        | Node::Star => {}
    }
}
