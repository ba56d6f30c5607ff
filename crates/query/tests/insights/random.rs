//! Random queries: their canonical text gives them back.

use proptest::prelude::*;
use query::insights::ast::*;

use crate::survives_printing;

const NOWHERE: Span = 0..0;

fn expr(node: Node) -> Expr {
    Expr { node, span: NOWHERE }
}

/// Words that mean something somewhere, and names that need backticks.
const NAMES: [&str; 33] = [
    "and",
    "BY",
    "null",
    "True",
    "desc",
    "limit",
    "fields",
    "5m",
    "count(*)",
    "a-b",
    "x.y z",
    ".",
    "a..b",
    "where",
    "output",
    "outputnew",
    "logfmt",
    "csv",
    "multi",
    "offset",
    "source",
    "with",
    "for",
    "into",
    "row",
    "p",
    "maxspan",
    "any",
    "group",
    "distinct",
    "left",
    "type",
    "now",
];

fn name_text() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[a-zA-Z_@][a-z0-9_@]{0,4}(\\.[a-z0-9]{1,3}){0,2}",
        1 => "[ -_a-~é名]{1,6}",
        1 => prop::sample::select(&NAMES[..]).prop_map(str::to_owned),
    ]
}

fn name() -> impl Strategy<Value = Name> {
    name_text().prop_map(|name| Name { name, span: NOWHERE })
}

fn text() -> impl Strategy<Value = Text> {
    any::<String>().prop_map(|text| Text { text, span: NOWHERE })
}

fn names() -> impl Strategy<Value = Vec<Name>> {
    prop::collection::vec(name(), 1..4)
}

fn number() -> impl Strategy<Value = f64> {
    prop_oneof![
        (0..1000_u32).prop_map(f64::from),
        any::<f64>().prop_filter("a literal", |n| n.is_finite()).prop_map(f64::abs)
    ]
}

fn duration() -> impl Strategy<Value = Duration> {
    let units = [
        Unit::Millisecond,
        Unit::Second,
        Unit::Minute,
        Unit::Hour,
        Unit::Day,
        Unit::Week,
        Unit::Month,
        Unit::Quarter,
        Unit::Year,
    ];
    (number(), prop::sample::select(units.to_vec())).prop_map(|(n, unit)| Duration { n, unit })
}

fn regex() -> impl Strategy<Value = String> {
    prop::sample::select(&["a/b", "\\d+", "[^/|\"']", "(?i)x|y", "\\\\", "é #"][..]).prop_map(str::to_owned)
}

fn leaf() -> impl Strategy<Value = Expr> {
    prop_oneof![
        4 => name_text().prop_map(Node::Field),
        2 => any::<String>().prop_map(Node::String),
        2 => (number(), any::<bool>()).prop_map(|(n, minus)| Node::Number(if minus { -n } else { n })),
        1 => any::<bool>().prop_map(Node::Boolean),
        1 => duration().prop_map(Node::Duration),
    ]
    .prop_map(expr)
}

fn function() -> impl Strategy<Value = Name> {
    prop::sample::select(&["count", "bin", "concat", "case", "isPresent"][..])
        .prop_map(|name| Name { name: name.to_owned(), span: NOWHERE })
}

fn expression() -> impl Strategy<Value = Expr> {
    leaf().prop_recursive(6, 40, 4, |inner| {
        let boxed = inner.clone().prop_map(Box::new);
        let list = prop::collection::vec(inner.clone(), 0..4);
        prop_oneof![
            6 => (binary(), boxed.clone(), boxed.clone()).prop_map(|(operator, a, b)| Node::Binary(operator, a, b)),
            2 => (function(), list.clone()).prop_map(|(name, args)| Node::Call(name, args)),
            1 => function().prop_map(|name| Node::Call(name, vec![expr(Node::Star)])),
            1 => list.clone().prop_map(Node::List),
            1 => boxed.clone().prop_map(|of| Node::Unary(Unary::Not, of)),
            1 => boxed.clone().prop_map(negative),
            1 => (function(), list.clone(), "[a-z_ -]{1,4}|0").prop_map(|(name, args, member)| Node::Member(Box::new(expr(Node::Call(name, args))), member)),
            1 => (boxed.clone(), boxed.clone()).prop_map(|(of, index)| Node::Index(of, index)),
            1 => (boxed.clone(), list, any::<bool>()).prop_map(|(of, list, is_not)| Node::In { of, list, is_not }),
            1 => (boxed.clone(), pattern(), any::<bool>())
                .prop_map(|(of, pattern, is_not)| Node::Like { of, pattern: Box::new(expr(pattern)), is_not }),
            1 => (boxed, inner, any::<bool>()).prop_map(|(of, condition, is_not)| Node::InQuery { of, query: Box::new(subquery(condition)), is_not }),
        ]
        .prop_map(expr)
    })
}

fn pattern() -> impl Strategy<Value = Node> {
    prop_oneof![
        any::<String>().prop_map(Node::String),
        regex().prop_map(Node::Regex),
        name_text().prop_map(Node::Field)
    ]
}

/// The parser makes the minus of a number part of it.
fn negative(of: Box<Expr>) -> Node {
    match of.node {
        Node::Number(n) => Node::Number(-n),
        _ => Node::Unary(Unary::Negative, of),
    }
}

fn binary() -> impl Strategy<Value = Binary> {
    prop::sample::select(vec![
        Binary::Or,
        Binary::Or,
        Binary::And,
        Binary::And,
        Binary::Equal,
        Binary::Less,
        Binary::GreaterOrEqual,
        Binary::Add,
        Binary::Subtract,
        Binary::Multiply,
        Binary::Divide,
        Binary::Remainder,
        Binary::Power,
    ])
}

fn subquery(condition: Expr) -> Query {
    let source = From {
        span: NOWHERE,
        groups: vec![Group::Name(Text { text: "g".to_owned(), span: NOWHERE })],
        accounts: Vec::new(),
        classes: Vec::new(),
        start: None,
        end: None,
    };
    let filter = Command { span: NOWHERE, kind: Kind::Filter(condition) };
    Query { source: Some(source), commands: vec![filter] }
}

fn item() -> impl Strategy<Value = Item> {
    (expression(), prop::option::of(name())).prop_map(|(expr, alias)| Item { expr, alias })
}

fn items() -> impl Strategy<Value = Vec<Item>> {
    prop::collection::vec(item(), 1..4)
}

fn ms() -> impl Strategy<Value = i64> {
    0..100_000_000_000_i64
}

fn usual_kind() -> impl Strategy<Value = Kind> {
    prop_oneof![
        items().prop_map(Kind::Fields),
        items().prop_map(Kind::Display),
        expression().prop_map(Kind::Filter),
        (name_text(), leaf()).prop_map(|(field, value)| {
            Kind::FilterIndex(expr(Node::Binary(Binary::Equal, Box::new(expr(Node::Field(field))), Box::new(value))))
        }),
        (items(), prop::option::of(items()), ms()).prop_map(|(items, by, offset_ms)| Kind::Stats(Stats {
            items,
            by: by.unwrap_or_default(),
            offset_ms
        })),
        prop::collection::vec((expression(), any::<bool>()), 1..3).prop_map(|keys| {
            Kind::Sort(keys.into_iter().map(|(expr, is_descending)| SortKey { expr, is_descending }).collect())
        }),
        (1..=100_000_u64, prop::sample::select(vec![Which::First, Which::Any, Which::Last]))
            .prop_map(|(n, which)| Kind::Limit(Limit { n, which })),
        parse().prop_map(Kind::Parse),
        names().prop_map(Kind::Dedup),
        expression().prop_map(Kind::Pattern),
        (expression(), name()).prop_map(|(list, name)| Kind::Unnest(list, name)),
        name().prop_map(Kind::Expand),
    ]
}

fn parse() -> impl Strategy<Value = Parse> {
    let glob = names().prop_map(|names| {
        let text = Text { text: format!("<{}\\\"", "* ".repeat(names.len())), span: NOWHERE };
        How::Glob(text, names)
    });
    let regex = (regex(), names(), any::<bool>()).prop_map(|(regex, names, is_multi)| {
        let text = format!("{regex}(?<named>x){}", "(.)".repeat(names.len()));
        How::Regex { regex: Text { text, span: NOWHERE }, names, is_multi }
    });
    let how = prop_oneof![glob, regex, name().prop_map(How::Logfmt), names().prop_map(How::Csv)];
    let of = prop::option::of(prop_oneof![
        name_text().prop_map(Node::Field),
        (function(), prop::collection::vec(expression(), 0..3)).prop_map(|(name, args)| Node::Call(name, args)),
    ]);
    (of, how).prop_map(|(of, how)| Parse { of: of.map(expr), how })
}

fn other_kind() -> impl Strategy<Value = Kind> {
    let pairs = || {
        let pair = (name(), prop::option::of(name()));
        let pair = pair.prop_map(|(column, field)| (column.clone(), field.unwrap_or(column)));
        prop::collection::vec(pair, 1..4)
    };
    let alias = || prop::option::of(name());
    let patterns = || prop::collection::vec(name(), 1..4);
    prop_oneof![
        (any::<bool>(), name(), name(), source()).prop_filter("two sides", |(_, a, b, _)| a.name != b.name).prop_map(
            |(is_left, left, right, source)| {
                let key = |name: &str| Name { name: name.to_owned(), span: NOWHERE };
                Kind::Join(Join { is_left, left, right, left_key: key("k.l"), right_key: key("m"), source })
            }
        ),
        (name(), pairs(), pairs()).prop_map(|(table, keys, output)| Kind::Lookup(Lookup { table, keys, output })),
        (name(), name(), alias(), pairs(), any::<bool>()).prop_map(|(table, of, column, output, only_new)| {
            Kind::CidrLookup(CidrLookup { table, of, column, output, only_new })
        }),
        prop::collection::vec((expression(), name()), 0..3).prop_map(Kind::FillMissing),
        (prop::option::of(names()), expression())
            .prop_map(|(of, condition)| Kind::RelevantFields(of.unwrap_or_default(), condition)),
        (alias(), any::<bool>(), any::<bool>(), patterns())
            .prop_map(|(name, has_row, has_col, of)| Kind::AddTotals(AddTotals { name, has_row, has_col, of })),
        (name(), alias()).prop_map(|(of, alias)| Kind::Accum(of, alias)),
        (name(), alias(), 1..50_u32, 0..50_u32).prop_map(|(of, alias, from, more)| Kind::AutoRegress {
            of,
            alias,
            from,
            to: from + more
        }),
        patterns().prop_map(Kind::FillDown),
        (any::<[bool; 3]>(), number(), patterns()).prop_map(|([removes, uses_lower, marks], param, of)| {
            Kind::Outlier(Outlier { removes, param, uses_lower, marks, of })
        }),
        (any::<bool>(), 1..=100_000_u64, expression()).prop_map(|(is_override, max, condition)| Kind::AppendCols {
            is_override,
            max,
            query: Box::new(subquery(condition))
        }),
        (names(), ms(), alias()).prop_map(|(by, maxspan_ms, alias)| Kind::Sessionize { by, maxspan_ms, alias }),
        names().prop_map(Kind::CountFrequent),
        ms().prop_map(Kind::LogCompare),
        (name(), text(), alias()).prop_map(|(of, path, alias)| Kind::Json { of, path, alias }),
        Just(Kind::Estimate),
    ]
}

fn source() -> impl Strategy<Value = From> {
    let texts = |n_max: usize| prop::collection::vec(text(), 1..n_max);
    let names = texts(3).prop_map(|texts| texts.into_iter().map(Group::Name).collect::<Vec<_>>());
    let prefixes =
        || prop_oneof![Just(vec![Group::Any]), texts(5).prop_map(|t| t.into_iter().map(Group::Prefix).collect())];
    let sources = || texts(5).prop_map(|t| t.into_iter().map(Group::DataSource).collect::<Vec<_>>());
    let both = (prefixes(), sources(), any::<bool>()).prop_map(|(prefixes, sources, is_data_first)| {
        if is_data_first { [sources, prefixes].concat() } else { [prefixes, sources].concat() }
    });
    let groups = prop_oneof![names, prefixes(), sources(), both];
    let instant = || {
        let at = prop_oneof![Just(Instant::Now), ms().prop_map(Instant::Before), ms().prop_map(Instant::At)];
        prop::option::of(at)
    };
    let class = prop::sample::select(vec![Class::Standard, Class::InfrequentAccess]);
    (groups, prop::collection::vec(text(), 0..4), prop::collection::vec(class, 0..2), instant(), instant()).prop_map(
        |(groups, accounts, classes, start, end)| {
            // Accounts and classes are written in `logGroups(…)`.
            let has_log_groups = groups.iter().any(|group| matches!(group, Group::Any | Group::Prefix(_)));
            let (accounts, classes) = if has_log_groups { (accounts, classes) } else { (Vec::new(), Vec::new()) };
            From { span: NOWHERE, groups, accounts, classes, start, end }
        },
    )
}

/// One command: what may follow what is the business of cases.
fn query() -> impl Strategy<Value = Query> {
    (prop::option::of(source()), prop_oneof![2 => usual_kind(), 1 => other_kind()])
        .prop_map(|(source, kind)| Query { source, commands: vec![Command { span: NOWHERE, kind }] })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn canonical_text_gives_the_query_back(query in query().prop_filter("what the parser lets through", is_allowed)) {
        survives_printing(&query);
    }
}

/// Random trees have what no text may have: subqueries in subqueries, and lists or regexes on a side of `=`.
fn is_allowed(query: &Query) -> bool {
    let text = query::insights::print(query);
    let refused = ["must not stand in another subquery", "does not take a list", "characters, and"];
    let (_, diagnostics) = query::insights::parse(&text);
    !diagnostics.iter().any(|d| refused.iter().any(|words| d.message.contains(words)))
}
