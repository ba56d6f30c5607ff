//! A Logs Insights query as it was written: commands in order, each thing with its place in the text.

use std::ops::Range;

/// A place in the query's text, in bytes.
pub type Span = Range<usize>;

/// A query.
#[derive(Clone, Debug, PartialEq)]
pub struct Query {
    /// What it reads; nothing means every source.
    pub source: Option<From>,
    /// What is done with the rows, in order.
    pub commands: Vec<Command>,
}

/// One command and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Command {
    /// The whole command without the bar before it.
    pub span: Span,
    /// What it does.
    pub kind: Kind,
}

/// `SOURCE …`.
#[derive(Clone, Debug, PartialEq)]
pub struct From {
    /// The whole command.
    pub span: Span,
    /// The parts; a row that any of the groups holds is read, if it is of one of the accounts.
    pub groups: Vec<Group>,
    /// `accountIdentifiers`; none means all.
    pub accounts: Vec<Text>,
    /// `class`; none means `STANDARD`.
    pub classes: Vec<Class>,
    /// `start=-1d`, in milliseconds relative to the query's own `--to` or now, or absolute.
    pub start: Option<Instant>,
    /// `end=now`.
    pub end: Option<Instant>,
}

/// What `SOURCE` names.
#[derive(Clone, Debug, PartialEq)]
pub enum Group {
    /// A log group, or one of our sources, by its whole name: `SOURCE 'cloudtrail'`.
    Name(Text),
    /// `namePrefix: ['a']`.
    Prefix(Text),
    /// `dataSource(['amazon_vpc.flow'])`.
    DataSource(Text),
    /// `logGroups()` without a prefix: every group.
    Any,
}

/// The class of a log group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// `STANDARD`.
    Standard,
    /// `INFREQUENT_ACCESS`.
    InfrequentAccess,
}

/// `start=` and `end=` of `SOURCE`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Instant {
    /// The end of the query's time range.
    Now,
    /// So many milliseconds before it.
    Before(i64),
    /// Milliseconds since the epoch.
    At(i64),
}

/// A text with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    /// Without quotes and escapes.
    pub text: String,
    /// Where it stands, quotes included.
    pub span: Span,
}

/// A field's name: the parts joined by dots, backticks gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name {
    /// The dotted name.
    pub name: String,
    /// Where it stands.
    pub span: Span,
}

/// What a command does.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// `fields`: adds columns.
    Fields(Vec<Item>),
    /// `display`: chooses columns.
    Display(Vec<Item>),
    /// `filter`, `where`.
    Filter(Expr),
    /// `filterIndex`: a filter that AWS answers from an index.
    FilterIndex(Expr),
    /// `stats`.
    Stats(Stats),
    /// `sort`.
    Sort(Vec<SortKey>),
    /// `limit`, `head`, `tail`.
    Limit(Limit),
    /// `parse`.
    Parse(Parse),
    /// `dedup`.
    Dedup(Vec<Name>),
    /// `pattern`.
    Pattern(Expr),
    /// `diff`, behind a `pattern`.
    Diff(Option<Shift>),
    /// `unnest f into g`.
    Unnest(Expr, Name),
    /// `expand f`.
    Expand(Name),
    /// `join`.
    Join(Join),
    /// `lookup table key as logField OUTPUT col`.
    Lookup(Lookup),
    /// `cidrlookup table ipField AS cidrCol OUTPUT col AS f`.
    CidrLookup(CidrLookup),
    /// `fillmissing with v for f`.
    FillMissing(Vec<(Expr, Name)>),
    /// `relevantfields [f,…] where cond`.
    RelevantFields(Vec<Name>, Expr),
    /// `addtotals`.
    AddTotals(AddTotals),
    /// `accum f as out`.
    Accum(Name, Option<Name>),
    /// `autoregress f as a p=1-3`.
    AutoRegress {
        /// The field.
        of: Name,
        /// What the earlier value is called.
        alias: Option<Name>,
        /// The first of the earlier rows.
        from: u32,
        /// The last of them.
        to: u32,
    },
    /// `filldown`; names may hold `*`, none means all.
    FillDown(Vec<Name>),
    /// `outlier`.
    Outlier(Outlier),
    /// `appendcols`.
    AppendCols {
        /// Whether columns of the same name are replaced.
        is_override: bool,
        /// The most rows taken.
        max: u64,
        /// Where they come from.
        query: Box<Query>,
    },
    /// `sessionize f maxspan 30m as id`.
    Sessionize {
        /// The fields that tell sessions apart.
        by: Vec<Name>,
        /// The longest gap within a session, in milliseconds.
        maxspan_ms: i64,
        /// The name of the new field.
        alias: Option<Name>,
    },
    /// `countFrequent`.
    CountFrequent(Vec<Name>),
    /// `logcompare timeshift 7d`, in milliseconds.
    LogCompare(i64),
    /// `json field=f "key.sub" as a`.
    Json {
        /// The field that holds JSON.
        of: Name,
        /// The path in it.
        path: Text,
        /// The new field.
        alias: Option<Name>,
    },
    /// `anomaly`, behind a `pattern`.
    Anomaly,
    /// `estimate`: what the query would read; always the last command.
    Estimate,
}

/// An expression and what its column is called.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    /// The expression.
    pub expr: Expr,
    /// `as name`.
    pub alias: Option<Name>,
}

/// `stats a, b by c, d offset 1h`.
#[derive(Clone, Debug, PartialEq)]
pub struct Stats {
    /// What is worked out: expressions around aggregates, in the order written.
    pub items: Vec<Item>,
    /// The keys.
    pub by: Vec<Item>,
    /// How far the bins are shifted, in milliseconds.
    pub offset_ms: i64,
}

/// One key of `sort`.
#[derive(Clone, Debug, PartialEq)]
pub struct SortKey {
    /// By what.
    pub expr: Expr,
    /// Whether the largest comes first.
    pub is_descending: bool,
}

/// `limit 20`, `limit any 20`, `head 20`, `tail 20`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// How many rows.
    pub n: u64,
    /// Which.
    pub which: Which,
}

/// Which rows a limit keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// The first.
    First,
    /// Any: reading stops when there are enough.
    Any,
    /// The last.
    Last,
}

/// `parse`.
#[derive(Clone, Debug, PartialEq)]
pub struct Parse {
    /// Of what; `@message` where nothing is said.
    pub of: Option<Expr>,
    /// How.
    pub how: How,
}

/// How `parse` takes a text apart.
#[derive(Clone, Debug, PartialEq)]
pub enum How {
    /// A text with stars, and the names of what they stand for.
    Glob(Text, Vec<Name>),
    /// A regex; the names of its unnamed groups, and whether each match is a row.
    Regex {
        /// The regex.
        regex: Text,
        /// Names for the unnamed groups, in order.
        names: Vec<Name>,
        /// `multi`: a row for each match.
        is_multi: bool,
    },
    /// `logfmt as m`.
    Logfmt(Name),
    /// `csv as a, b`.
    Csv(Vec<Name>),
}

/// The earlier window of `diff`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shift {
    /// `previousDay`.
    Day,
    /// `previousWeek`.
    Week,
    /// `previousMonth`.
    Month,
}

/// `join type=left left=a right=b where a.k=b.k (SOURCE 'g')`.
#[derive(Clone, Debug, PartialEq)]
pub struct Join {
    /// Whether rows without a partner stay.
    pub is_left: bool,
    /// What the rows so far are called.
    pub left: Name,
    /// What the joined rows are called.
    pub right: Name,
    /// The field on the left, without its prefix.
    pub left_key: Name,
    /// The field on the right, without its prefix.
    pub right_key: Name,
    /// The rows on the right.
    pub source: From,
}

/// `lookup`.
#[derive(Clone, Debug, PartialEq)]
pub struct Lookup {
    /// The name of the uploaded table.
    pub table: Name,
    /// Columns of the table and the fields they are compared with.
    pub keys: Vec<(Name, Name)>,
    /// Columns and what they are called in the row.
    pub output: Vec<(Name, Name)>,
}

/// `cidrlookup`.
#[derive(Clone, Debug, PartialEq)]
pub struct CidrLookup {
    /// The name of the uploaded table.
    pub table: Name,
    /// The field with the address.
    pub of: Name,
    /// The column with the networks; the first that holds networks if not given.
    pub column: Option<Name>,
    /// Columns and what they are called in the row.
    pub output: Vec<(Name, Name)>,
    /// `OUTPUTNEW`: only where the field is empty.
    pub only_new: bool,
}

/// `addtotals`.
#[derive(Clone, Debug, PartialEq)]
pub struct AddTotals {
    /// The column of sums.
    pub name: Option<Name>,
    /// Whether each row gets its sum.
    pub has_row: bool,
    /// Whether a row of sums is added.
    pub has_col: bool,
    /// Which fields; none means all that are numbers.
    pub of: Vec<Name>,
}

/// `outlier`.
#[derive(Clone, Debug, PartialEq)]
pub struct Outlier {
    /// Whether rows are dropped; else values are moved to the bound.
    pub removes: bool,
    /// How many quartile ranges are still usual.
    pub param: f64,
    /// Whether small values are looked at too.
    pub uses_lower: bool,
    /// Whether a field says which rows were outliers.
    pub marks: bool,
    /// Which fields.
    pub of: Vec<Name>,
}

/// An expression and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Expr {
    /// What it is.
    pub node: Node,
    /// Where it stands; the text there is the name of a column without an alias.
    pub span: Span,
}

/// What an expression is.
#[derive(Clone, Debug, PartialEq)]
pub enum Node {
    /// A field.
    Field(String),
    /// A string.
    String(String),
    /// A number; a minus before it is part of it.
    Number(f64),
    /// `true`, `false`.
    Boolean(bool),
    /// A duration, in its own unit: `5m`.
    Duration(Duration),
    /// `/…/` without the slashes; `\\/` is `/` in it.
    Regex(String),
    /// `[a, b]`.
    List(Vec<Expr>),
    /// `*`, as in `count(*)`.
    Star,
    /// A call; the name as written.
    Call(Name, Vec<Expr>),
    /// `x.y` behind a call or brackets.
    Member(Box<Expr>, String),
    /// `x[0]`.
    Index(Box<Expr>, Box<Expr>),
    /// `-x`, `not x`; never the minus of a number.
    Unary(Unary, Box<Expr>),
    /// `a + b`, `a and b`, `a = b`. Long chains of `and` and of `or` are balanced trees, so that no tree is deep.
    Binary(Binary, Box<Expr>, Box<Expr>),
    /// `f in [..]`, `f not in [..]`.
    In {
        /// Of what.
        of: Box<Expr>,
        /// One of these.
        list: Vec<Expr>,
        /// `not in`.
        is_not: bool,
    },
    /// `f in (SOURCE … | fields g)`.
    InQuery {
        /// Of what.
        of: Box<Expr>,
        /// One of its rows.
        query: Box<Query>,
        /// `not in`.
        is_not: bool,
    },
    /// `f like "x"`, `f like /x/`, `f =~ /x/`.
    Like {
        /// Of what.
        of: Box<Expr>,
        /// A string is a substring, a regex is found anywhere.
        pattern: Box<Expr>,
        /// `not like`, `!~`.
        is_not: bool,
    },
}

/// A length of time as written.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Duration {
    /// How many.
    pub n: f64,
    /// Of what.
    pub unit: Unit,
}

/// The units of durations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "they say what they are")]
pub enum Unit {
    Millisecond,
    Second,
    Minute,
    Hour,
    Day,
    Week,
    Month,
    Quarter,
    Year,
}

/// One operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "they say what they are")]
pub enum Unary {
    Negative,
    Not,
}

/// Two operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "they say what they are")]
pub enum Binary {
    Or,
    And,
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
    Power,
}
