//! A query as canonical text: [`super::parse`] of it gives the same query but for the places.

use std::fmt::{self, Display, Formatter};

use super::ast::*;
use super::expression::{Level, balanced};
use super::lexer::{is_plain_name, unit_name};

/// Words that no expression takes for a field, so that as names they stand in backticks.
const KEYWORDS: [&str; 14] =
    ["distinct", "where", "and", "or", "not", "in", "like", "as", "by", "true", "false", "null", "none", "nil"];

/// The canonical text of a query: a command a line.
pub fn print(query: &Query) -> String {
    Lines(query, "\n").to_string()
}

impl Kind {
    /// The command's name in AWS's spelling.
    pub fn name(&self) -> &'static str {
        match self {
            Kind::Fields(_) => "fields",
            Kind::Display(_) => "display",
            Kind::Filter(_) => "filter",
            Kind::FilterIndex(_) => "filterIndex",
            Kind::Stats(_) => "stats",
            Kind::Sort(_) => "sort",
            Kind::Limit(Limit { which: Which::Last, .. }) => "tail",
            Kind::Limit(_) => "limit",
            Kind::Parse(_) => "parse",
            Kind::Dedup(_) => "dedup",
            Kind::Pattern(_) => "pattern",
            Kind::Diff(_) => "diff",
            Kind::Unnest(..) => "unnest",
            Kind::Expand(_) => "expand",
            Kind::Join(_) => "join",
            Kind::Lookup(_) => "lookup",
            Kind::CidrLookup(_) => "cidrlookup",
            Kind::FillMissing(_) => "fillmissing",
            Kind::RelevantFields(..) => "relevantfields",
            Kind::AddTotals(_) => "addtotals",
            Kind::Accum(..) => "accum",
            Kind::AutoRegress { .. } => "autoregress",
            Kind::FillDown(_) => "filldown",
            Kind::Outlier(_) => "outlier",
            Kind::AppendCols { .. } => "appendcols",
            Kind::Sessionize { .. } => "sessionize",
            Kind::CountFrequent(_) => "countFrequent",
            Kind::LogCompare(_) => "logcompare",
            Kind::Json { .. } => "json",
            Kind::Anomaly => "anomaly",
            Kind::Estimate => "estimate",
        }
    }
}

/// A query and what stands before each of its bars.
struct Lines<'q>(&'q Query, &'static str);

impl Display for Lines<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Lines(query, before_bar) = self;
        let mut between = "";
        if let Some(source) = &query.source {
            write!(f, "{source}")?;
            between = before_bar;
        }
        for (n, command) in query.commands.iter().enumerate() {
            let bar = if n > 0 || query.source.is_some() { "| " } else { "" };
            write!(f, "{between}{bar}{}", command.kind)?;
            between = before_bar;
        }
        Ok(())
    }
}

impl Display for From {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("SOURCE")?;
        let names: Vec<Quoted<'_>> = self.texts(|group| matches!(group, Group::Name(_)));
        let sources: Vec<Quoted<'_>> = self.texts(|group| matches!(group, Group::DataSource(_)));
        if !names.is_empty() {
            write!(f, " {}", Commas(&names))?;
        }
        let is_data_first = matches!(self.groups.first(), Some(Group::DataSource(_)));
        if !sources.is_empty() && is_data_first {
            write!(f, " dataSource([{}])", Commas(&sources))?;
        }
        if self.groups.iter().any(|group| matches!(group, Group::Prefix(_) | Group::Any)) {
            self.fmt_log_groups(f)?;
        }
        if !sources.is_empty() && !is_data_first {
            write!(f, " dataSource([{}])", Commas(&sources))?;
        }
        for (name, instant) in [("start", self.start), ("end", self.end)] {
            match instant {
                Some(Instant::Now) => write!(f, " {name}=now")?,
                Some(Instant::Before(ms)) => write!(f, " {name}=-{ms}ms")?,
                Some(Instant::At(ms)) => write!(f, " {name}={ms}")?,
                None => {}
            }
        }
        Ok(())
    }
}

impl From {
    fn texts(&self, is_wanted: impl Fn(&Group) -> bool) -> Vec<Quoted<'_>> {
        let wanted = self.groups.iter().filter(|group| is_wanted(group));
        let texts = wanted.map(|group| match group {
            Group::Name(text) | Group::Prefix(text) | Group::DataSource(text) => Quoted(&text.text),
            Group::Any => Quoted(""),
        });
        texts.collect()
    }

    fn fmt_log_groups(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let accounts: Vec<Quoted<'_>> = self.accounts.iter().map(|text| Quoted(&text.text)).collect();
        let classes = self.classes.iter().map(|class| match class {
            Class::Standard => Quoted("STANDARD"),
            Class::InfrequentAccess => Quoted("INFREQUENT_ACCESS"),
        });
        let parts = [
            ("namePrefix", self.texts(|group| matches!(group, Group::Prefix(_)))),
            ("accountIdentifiers", accounts),
            ("class", classes.collect()),
        ];
        f.write_str(" logGroups(")?;
        let given = parts.iter().filter(|(_, texts)| !texts.is_empty());
        for (n, (key, texts)) in given.enumerate() {
            write!(f, "{}{key}: [{}]", if n == 0 { "" } else { ", " }, Commas(texts))?;
        }
        f.write_str(")")
    }
}

impl Display for Kind {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())?;
        match self {
            Kind::Fields(items) | Kind::Display(items) => write!(f, " {}", Commas(items)),
            Kind::Filter(expr) | Kind::FilterIndex(expr) | Kind::Pattern(expr) => write!(f, " {expr}"),
            Kind::Stats(stats) => stats.fmt(f),
            Kind::Sort(keys) => write!(f, " {}", Commas(keys)),
            Kind::Limit(Limit { n, which: Which::Any }) => write!(f, " any {n}"),
            Kind::Limit(Limit { n, .. }) => write!(f, " {n}"),
            Kind::Parse(parse) => parse.fmt(f),
            Kind::Dedup(names) | Kind::CountFrequent(names) => write!(f, " {}", Commas(names)),
            Kind::Diff(shift) => f.write_str(match shift {
                None => "",
                Some(Shift::Day) => " previousDay",
                Some(Shift::Week) => " previousWeek",
                Some(Shift::Month) => " previousMonth",
            }),
            Kind::Unnest(list, name) => write!(f, " {list} into {name}"),
            Kind::Expand(name) => write!(f, " {name}"),
            Kind::Join(join) => join.fmt(f),
            Kind::Lookup(lookup) => lookup.fmt(f),
            Kind::CidrLookup(lookup) => lookup.fmt(f),
            Kind::FillMissing(fills) if fills.is_empty() => Ok(()),
            Kind::FillMissing(fills) => {
                let fills: Vec<String> = fills.iter().map(|(value, name)| format!("{value} for {name}")).collect();
                write!(f, " with {}", Commas(&fills))
            }
            Kind::RelevantFields(of, condition) if of.is_empty() => write!(f, " where {condition}"),
            Kind::RelevantFields(of, condition) => write!(f, " {} where {condition}", Commas(of)),
            Kind::AddTotals(totals) => totals.fmt(f),
            Kind::Accum(of, alias) => write!(f, " {of}{}", Alias(alias)),
            Kind::AutoRegress { of, alias, from, to } => {
                write!(f, " {of}{} p={from}", Alias(alias))?;
                if from == to { Ok(()) } else { write!(f, "-{to}") }
            }
            Kind::FillDown(names) => fmt_patterns(f, names),
            Kind::Outlier(outlier) => outlier.fmt(f),
            Kind::AppendCols { is_override, max, query } => {
                write!(f, " override={is_override} max={max} ({})", Lines(query, " "))
            }
            Kind::Sessionize { by, maxspan_ms, alias } => {
                write!(f, " {} maxspan {maxspan_ms}ms{}", Commas(by), Alias(alias))
            }
            Kind::LogCompare(ms) => write!(f, " timeshift {ms}ms"),
            Kind::Json { of, path, alias } => write!(f, " field={of} {}{}", Quoted(&path.text), Alias(alias)),
            Kind::Anomaly | Kind::Estimate => Ok(()),
        }
    }
}

impl Display for Stats {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, " {}", Commas(&self.items))?;
        if !self.by.is_empty() {
            write!(f, " by {}", Commas(&self.by))?;
        }
        if self.offset_ms == 0 { Ok(()) } else { write!(f, " offset {}ms", self.offset_ms) }
    }
}

impl Display for Parse {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if let Some(of) = &self.of {
            write!(f, " {}", Within(of, Level::Operand))?;
        }
        match &self.how {
            How::Glob(text, names) => write!(f, " {} as {}", Quoted(&text.text), Commas(names)),
            How::Regex { regex, names, is_multi } => {
                write!(f, " {}", Slashed(&regex.text))?;
                if !names.is_empty() {
                    write!(f, " as {}", Commas(names))?;
                }
                f.write_str(if *is_multi { " multi" } else { "" })
            }
            How::Logfmt(name) => write!(f, " logfmt as {name}"),
            How::Csv(names) => write!(f, " csv as {}", Commas(names)),
        }
    }
}

impl Display for Join {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let side = |side: &Name, key: &Name| Bare(&format!("{}.{}", side.name, key.name)).to_string();
        let kind = if self.is_left { "left" } else { "inner" };
        write!(f, " type={kind} left={} right={} where ", self.left, self.right)?;
        write!(f, "{}={} ", side(&self.left, &self.left_key), side(&self.right, &self.right_key))?;
        write!(f, "({})", self.source)
    }
}

impl Display for Lookup {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, " {} {} OUTPUT {}", self.table, Renamed(&self.keys), Renamed(&self.output))
    }
}

impl Display for CidrLookup {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let output = if self.only_new { "OUTPUTNEW" } else { "OUTPUT" };
        write!(f, " {} {}{} {output} {}", self.table, self.of, Alias(&self.column), Renamed(&self.output))
    }
}

impl Display for AddTotals {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if let Some(name) = &self.name {
            write!(f, " fieldname={name}")?;
        }
        write!(f, " row={} col={}", self.has_row, self.has_col)?;
        fmt_patterns(f, &self.of)
    }
}

impl Display for Outlier {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let action = if self.removes { "remove" } else { "transform" };
        let param = Number(self.param);
        write!(f, " action={action} param={param} uselower={} mark={}", self.uses_lower, self.marks)?;
        fmt_patterns(f, &self.of)
    }
}

impl Display for Item {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.expr, Alias(&self.alias))
    }
}

impl Display for SortKey {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.expr, if self.is_descending { "desc" } else { "asc" })
    }
}

impl Display for Expr {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match &self.node {
            Node::Field(name) => write!(f, "{}", Bare(name)),
            Node::String(text) => write!(f, "{}", Quoted(text)),
            Node::Number(n) => write!(f, "{}", Number(*n)),
            Node::Boolean(is) => write!(f, "{is}"),
            Node::Duration(duration) => write!(f, "{}{}", Number(duration.n), unit_name(duration.unit)),
            Node::Regex(regex) => write!(f, "{}", Slashed(regex)),
            Node::List(list) => write!(f, "[{}]", Commas(list)),
            Node::Star => f.write_str("*"),
            Node::Call(name, args) => write!(f, "{}({})", name.name, Commas(args)),
            Node::Member(of, name) => write!(f, "{}.{}", Within(of, Level::Operand), Member(name)),
            Node::Index(of, index) => write!(f, "{}[{index}]", Within(of, Level::Operand)),
            Node::Unary(Unary::Not, of) => write!(f, "not {}", Within(of, Level::Not)),
            Node::Unary(Unary::Negative, of) => write!(f, "-{}", Within(of, Level::Negative)),
            Node::Binary(operator @ (Binary::And | Binary::Or), left, right) => {
                self.fmt_chain(f, *operator, (left, right))
            }
            Node::Binary(operator, left, right) => {
                let (on_left, on_right) = sides(*operator);
                write!(f, "{} {} {}", Within(left, on_left), sign(*operator), Within(right, on_right))
            }
            Node::In { of, list, is_not } => {
                write!(f, "{} {}in [{}]", Within(of, Level::Sum), not(*is_not), Commas(list))
            }
            Node::InQuery { of, query, is_not } => {
                write!(f, "{} {}in ({})", Within(of, Level::Sum), not(*is_not), Lines(query, " "))
            }
            Node::Like { of, pattern, is_not } => {
                write!(f, "{} {}like {}", Within(of, Level::Sum), not(*is_not), Within(pattern, Level::Sum))
            }
        }
    }
}

impl Expr {
    /// A chain that is grouped as the parser groups it needs no parentheses.
    fn fmt_chain(&self, f: &mut Formatter<'_>, operator: Binary, (left, right): (&Expr, &Expr)) -> fmt::Result {
        let mut parts = Vec::new();
        self.operands(operator, &mut parts);
        let parts: Vec<&Expr> = if is_balanced(self, operator, &parts) { parts } else { vec![left, right] };
        for (n, part) in parts.iter().enumerate() {
            let word = if n == 0 { "" } else { sign(operator) };
            let blanks = if n == 0 { "" } else { " " };
            write!(f, "{blanks}{word}{blanks}{}", Within(part, Level::of(operator).tighter()))?;
        }
        Ok(())
    }

    fn operands<'e>(&'e self, operator: Binary, parts: &mut Vec<&'e Expr>) {
        match &self.node {
            Node::Binary(have, left, right) if *have == operator => {
                left.operands(operator, parts);
                right.operands(operator, parts);
            }
            _ => parts.push(self),
        }
    }

    fn level(&self) -> Level {
        match &self.node {
            Node::Unary(Unary::Not, _) => Level::Not,
            Node::Unary(Unary::Negative, _) => Level::Negative,
            Node::Number(n) if n.is_sign_negative() => Level::Negative,
            Node::Binary(operator, ..) => Level::of(*operator),
            Node::In { .. } | Node::InQuery { .. } | Node::Like { .. } => Level::Comparison,
            _ => Level::Operand,
        }
    }
}

/// Whether the parser, given these operands, would build this tree.
fn is_balanced(expr: &Expr, operator: Binary, parts: &[&Expr]) -> bool {
    fn same_shape(expr: &Expr, shape: &Expr, operator: Binary) -> bool {
        match (&expr.node, &shape.node) {
            (Node::Binary(a, left, right), Node::Binary(b, shape_left, shape_right))
                if *a == operator && *b == operator =>
            {
                same_shape(left, shape_left, operator) && same_shape(right, shape_right, operator)
            }
            (Node::Binary(a, ..), _) if *a == operator => false,
            (_, Node::Binary(..)) => false,
            _ => true,
        }
    }
    let stand_ins = parts.iter().map(|_| Expr { node: Node::Star, span: 0..0 }).collect();
    same_shape(expr, &balanced(operator, stand_ins), operator)
}

/// How tightly the operands must bind that stand without parentheses.
fn sides(operator: Binary) -> (Level, Level) {
    let level = Level::of(operator);
    match level {
        Level::Comparison => (level.tighter(), level.tighter()),
        Level::Power => (level.tighter(), level),
        _ => (level, level.tighter()),
    }
}

fn sign(operator: Binary) -> &'static str {
    match operator {
        Binary::Or => "or",
        Binary::And => "and",
        Binary::Equal => "=",
        Binary::NotEqual => "!=",
        Binary::Less => "<",
        Binary::LessOrEqual => "<=",
        Binary::Greater => ">",
        Binary::GreaterOrEqual => ">=",
        Binary::Add => "+",
        Binary::Subtract => "-",
        Binary::Multiply => "*",
        Binary::Divide => "/",
        Binary::Remainder => "%",
        Binary::Power => "^",
    }
}

fn not(is_not: bool) -> &'static str {
    if is_not { "not " } else { "" }
}

/// An operand, in parentheses unless it binds tightly enough.
struct Within<'e>(&'e Expr, Level);

impl Display for Within<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Within(expr, level) = self;
        if expr.level() >= *level { write!(f, "{expr}") } else { write!(f, "({expr})") }
    }
}

struct Commas<'a, T>(&'a [T]);

impl<T: Display> Display for Commas<'_, T> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for (n, one) in self.0.iter().enumerate() {
            write!(f, "{}{one}", if n == 0 { "" } else { ", " })?;
        }
        Ok(())
    }
}

impl Display for Name {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}", Bare(&self.name))
    }
}

/// A name, in backticks where it must be.
struct Bare<'n>(&'n str);

impl Display for Bare<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let is_keyword = KEYWORDS.iter().any(|keyword| keyword.eq_ignore_ascii_case(self.0));
        if is_plain_name(self.0) && !is_keyword { f.write_str(self.0) } else { write!(f, "`{}`", self.0) }
    }
}

/// The part of a name behind a dot.
struct Member<'n>(&'n str);

impl Display for Member<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let is_plain = self.0.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '@'));
        if is_plain { f.write_str(self.0) } else { write!(f, "`{}`", self.0) }
    }
}

struct Alias<'n>(&'n Option<Name>);

impl Display for Alias<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(name) => write!(f, " as {name}"),
            None => Ok(()),
        }
    }
}

struct Renamed<'n>(&'n [(Name, Name)]);

impl Display for Renamed<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for (n, (column, field)) in self.0.iter().enumerate() {
            write!(f, "{}{column}", if n == 0 { "" } else { ", " })?;
            if column.name != field.name {
                write!(f, " as {field}")?;
            }
        }
        Ok(())
    }
}

/// Names in which `*` stands for any characters; the pieces between stars stand in backticks where they must.
fn fmt_patterns(f: &mut Formatter<'_>, names: &[Name]) -> fmt::Result {
    for name in names {
        f.write_str(" ")?;
        for (n, piece) in name.name.split('*').enumerate() {
            f.write_str(if n == 0 { "" } else { "*" })?;
            if !piece.is_empty() {
                write!(f, "{}", Bare(piece))?;
            }
        }
    }
    Ok(())
}

/// A number that reads as itself: large ones with an exponent, since a query's length is bounded.
struct Number(f64);

impl Display for Number {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let size = self.0.abs();
        if size != 0.0 && !(1e-6..1e15).contains(&size) { write!(f, "{:e}", self.0) } else { write!(f, "{}", self.0) }
    }
}

/// A text in quotes.
struct Quoted<'t>(&'t str);

impl Display for Quoted<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0.replace('\\', "\\\\").replace('"', "\\\""))
    }
}

/// A regex between slashes.
struct Slashed<'r>(&'r str);

impl Display for Slashed<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("/")?;
        let mut chars = self.0.chars();
        while let Some(c) = chars.next() {
            match c {
                '/' => f.write_str("\\/")?,
                '\\' => {
                    f.write_str("\\")?;
                    chars.next().map_or(Ok(()), |escaped| write!(f, "{escaped}"))?;
                }
                _ => write!(f, "{c}")?,
            }
        }
        f.write_str("/")
    }
}
