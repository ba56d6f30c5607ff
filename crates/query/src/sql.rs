//! SQL over the same datasets: queries only, with the log's own names and OCSF's dotted ones.

use std::ops::ControlFlow;
use std::sync::Arc;

use datafusion::catalog::TableProvider;
use datafusion::common::{DataFusionError, TableReference};
use datafusion::logical_expr::{Expr as Plan, LogicalPlan, LogicalPlanBuilder};
use datafusion::prelude::SessionContext;
use datafusion::sql::parser::{DFParserBuilder, Statement as DfStatement};
use datafusion::sql::sqlparser::ast::{
    AccessExpr, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentList, FunctionArguments, Ident,
    ObjectName, OrderByKind, Query, Select, SelectItem, SetExpr, Spanned, Statement, Subscript, TableAlias,
    TableFactor, Value, VisitMut, VisitorMut,
};
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::tokenizer::{Location, Span as SqlSpan};
use lake::columns::{Place, RAW, TIME, Type, flat};
use predicate::diagnostic::{Diagnostic, clipped};

use crate::function;
use crate::insights::ast::Span;
use crate::kind::{Kind, time_literal};
use crate::lower::{Lowered, Taken, Window, nearest};
use crate::run::{QueryError, kind_of};
use crate::size;
use crate::tables::{Dataset, PlainTable};
use crate::udf;

/// The quote of names that are columns already.
const OURS: char = '`';
/// How deep a query may be nested.
const DEPTH_MAX: usize = 50;
/// The most operators of a text.
const OPERATORS_MAX: usize = 1_000;

/// The plan of a query.
///
/// # Errors
/// When it is no query, names what is not there, or DataFusion does not take it.
pub(crate) async fn plan(
    ctx: &SessionContext,
    text: &str,
    datasets: &[Dataset],
    plain: &[PlainTable],
    window: Window,
    rows: usize,
) -> Result<Lowered, QueryError> {
    let mut statement = parse(text)?;
    let reads = size::reads(&statement);
    if reads > size::READS_MAX {
        let what = format!("its plan would read tables more than {} times", size::READS_MAX);
        let help = "a query of a WITH is worked out anew wherever it is named: name it less often";
        return Err(QueryError::Text(vec![Diagnostic::error(0..text.len().min(1), what).help(help)]));
    }
    let tables = || datasets.iter().flat_map(Dataset::names).chain(plain.iter().map(|table| table.name.as_str()));
    let wrong = |err| mistake(err, text, tables().collect(), datasets);
    register(ctx, datasets, window).map_err(wrong)?;
    for table in plain {
        register_as(ctx, [table.name.as_str()], &table.provider, window).map_err(wrong)?;
    }
    let mut names = Names { datasets, frames: Vec::new(), text, taken: Vec::new(), n_derived: 0 };
    if let ControlFlow::Break(wrong) = statement.visit(&mut names) {
        return Err(QueryError::Text(vec![wrong]));
    }
    let taken = names.taken;
    let plan = ctx.state().statement_to_plan(DfStatement::Statement(Box::new(statement))).await;
    let plan = plan.map_err(wrong)?;
    let (plan, columns) = shown(plan, rows + 1, text)?;
    Ok(Lowered { plan, columns, rows, is_limited: false, is_estimate: false, warnings: Vec::new(), taken })
}

/// The one query that the text is.
fn parse(text: &str) -> Result<Statement, QueryError> {
    let wrong = |diagnostic: Diagnostic| QueryError::Text(vec![diagnostic]);
    let depth = depth(text);
    if depth > DEPTH_MAX {
        return Err(wrong(Diagnostic::error(
            0..0,
            format!("brackets are nested {depth} deep, and {DEPTH_MAX} is the most"),
        )));
    }
    let operators = operators(text);
    if operators > OPERATORS_MAX {
        let what = format!("it has {operators} operators, and {OPERATORS_MAX} is the most");
        return Err(wrong(Diagnostic::error(0..0, what).help("compare with a list of values by IN (…)")));
    }
    let parser =
        DFParserBuilder::new(text).with_dialect(&GenericDialect {}).with_recursion_limit(DEPTH_MAX * 3).build();
    let statements =
        parser.and_then(|mut parser| parser.parse_statements()).map_err(|err| mistake(err, text, Vec::new(), &[]))?;
    let mut statements = statements.into_iter();
    let (Some(first), None) = (statements.next(), statements.next()) else {
        return Err(wrong(Diagnostic::error(0..text.len().min(1), "one query is due, and no more than one")));
    };
    let statement = match first {
        DfStatement::Statement(statement) => *statement,
        DfStatement::Explain(explain) => match *explain.statement {
            DfStatement::Statement(inner) if !explain.options.analyze => match *inner {
                Statement::Query(query) => return Ok(explained(query)),
                other => return Err(wrong(refused(&other.to_string(), text))),
            },
            _ if explain.options.analyze => return Err(wrong(refused("EXPLAIN ANALYZE", text))),
            other => return Err(wrong(refused(&other.to_string(), text))),
        },
        other => return Err(wrong(refused(&other.to_string(), text))),
    };
    match &statement {
        Statement::Query(query) => {
            reads_only(query).map_err(|what| wrong(refused(&what, text)))?;
            Ok(statement)
        }
        Statement::Explain { statement: inner, analyze: false, .. } if matches!(**inner, Statement::Query(_)) => {
            Ok(statement)
        }
        other => Err(wrong(refused(&other.to_string(), text))),
    }
}

/// `EXPLAIN query`.
fn explained(query: Box<Query>) -> Statement {
    Statement::Explain {
        describe_alias: datafusion::sql::sqlparser::ast::DescribeAlias::Explain,
        analyze: false,
        verbose: false,
        query_plan: false,
        estimate: false,
        statement: Box::new(Statement::Query(query)),
        format: None,
        options: None,
    }
}

/// A query may hold a statement that is none: `WITH … INSERT`, `SELECT … INTO`.
fn reads_only(query: &Query) -> Result<(), String> {
    fn of(body: &SetExpr) -> Result<(), String> {
        match body {
            SetExpr::Select(select) if select.into.is_some() => Err("SELECT INTO".to_owned()),
            SetExpr::Select(_) | SetExpr::Values(_) | SetExpr::Table(_) => Ok(()),
            SetExpr::Query(query) => reads_only(query),
            SetExpr::SetOperation { left, right, .. } => of(left).and_then(|()| of(right)),
            other => Err(other.to_string()),
        }
    }
    of(&query.body)
}

fn refused(statement: &str, text: &str) -> Diagnostic {
    let word = match statement {
        "SELECT INTO" | "EXPLAIN ANALYZE" => statement.to_owned(),
        other => other.split_whitespace().next().unwrap_or("this").to_ascii_uppercase(),
    };
    let start = text.len() - text.trim_start().len();
    let end = text[start..].find(char::is_whitespace).map_or(text.len(), |at| start + at);
    let error = Diagnostic::error(start..end, format!("`{}` is refused: only queries are run", clipped(&word)));
    error.help("begin with SELECT, WITH or EXPLAIN")
}

/// How deep brackets are nested, those in quotes included: it is a bound and not a grammar.
fn depth(text: &str) -> usize {
    let (mut deep, mut most) = (0_usize, 0);
    for byte in text.bytes() {
        match byte {
            b'(' | b'[' => deep += 1,
            b')' | b']' => deep = deep.saturating_sub(1),
            _ => {}
        }
        most = most.max(deep);
    }
    most
}

/// How many operators there are, those in quotes and comments included: plans of long chains take minutes to make, and nothing stops them.
fn operators(text: &str) -> usize {
    let is_operator = |byte: &u8| b"+-*/%<>=|&^".contains(byte);
    text.as_bytes().chunk_by(|a, b| is_operator(a) == is_operator(b)).filter(|run| is_operator(&run[0])).count()
}

/// Makes the datasets known under their names, cut to the time range, and our functions.
fn register(ctx: &SessionContext, datasets: &[Dataset], window: Window) -> Result<(), DataFusionError> {
    function::register(ctx);
    let natives = udf::NATIVES.iter().chain(crate::lower::fill::NATIVES).chain(crate::predicate::NATIVES);
    natives.for_each(|native| ctx.register_udf(native.udf().as_ref().clone()));
    for dataset in datasets {
        register_as(ctx, dataset.names(), &dataset.provider, window)?;
    }
    Ok(())
}

/// Makes a table known under these names, cut to the time range.
fn register_as<'n>(
    ctx: &SessionContext,
    names: impl IntoIterator<Item = &'n str>,
    provider: &Arc<dyn TableProvider>,
    window: Window,
) -> Result<(), DataFusionError> {
    let source = datafusion::datasource::provider_as_source(Arc::clone(provider));
    let mut plan = LogicalPlanBuilder::scan(TableReference::bare("rows"), source, None)?;
    let time = || Plan::Column(datafusion::common::Column::new_unqualified(TIME));
    if let Some(ms) = window.from_ms {
        plan = plan.filter(time().gt_eq(time_literal(ms)))?;
    }
    if let Some(ms) = window.to_ms {
        plan = plan.filter(time().lt(time_literal(ms)))?;
    }
    let view = Arc::new(datafusion::datasource::ViewTable::new(plan.build()?, None));
    for name in names {
        let table = TableReference::bare(name.to_owned());
        let _ = ctx.deregister_table(table.clone())?;
        match window == Window::default() {
            true => ctx.register_table(table, Arc::clone(provider))?,
            false => ctx.register_table(table, view.clone())?,
        };
    }
    Ok(())
}

/// Rewrites names to columns: `actor.user.uid`, `userIdentity.arn`, `requestParameters.bucketName`.
struct Names<'a> {
    datasets: &'a [Dataset],
    /// The queries that are being looked at, innermost last.
    frames: Vec<Frame<'a>>,
    text: &'a str,
    taken: Vec<Taken>,
    /// Tables that are queries without a name, until now.
    n_derived: usize,
}

/// What one query selects from.
#[derive(Default)]
struct Frame<'a> {
    tables: Vec<Table<'a>>,
    /// Whether it also selects from what is none of our tables; then a plain name may be of that.
    has_other: bool,
}

/// A table of a query.
struct Table<'a> {
    /// What its columns may be prefixed with, in small letters.
    called: String,
    /// The same as it is written into the plan.
    relation: String,
    dataset: &'a Dataset,
}

impl VisitorMut for Names<'_> {
    type Break = Diagnostic;

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<Diagnostic> {
        let mut frame = Frame::default();
        selects(&mut query.body, &mut |select| self.enter(&mut frame, select));
        self.frames.push(frame);
        // An order by the name of an output means that one, whatever else is called so.
        if let (Some(select), Some(order)) = (first_select(&query.body), &mut query.order_by)
            && let OrderByKind::Expressions(keys) = &mut order.kind
        {
            keys.iter_mut().for_each(|key| by_number(&mut key.expr, select));
        }
        selects(&mut query.body, &mut |select| self.name_outputs(select));
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _query: &mut Query) -> ControlFlow<Diagnostic> {
        self.frames.pop();
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<Diagnostic> {
        // Of two projections that read the same, one in the other, DataFusion drops one: `f(x) AS x` of `f(x) AS x`. With names they do not.
        if let TableFactor::Derived { alias: alias @ None, .. } = factor {
            self.n_derived += 1;
            let name = Ident::with_quote('"', format!("({})", self.n_derived));
            *alias = Some(TableAlias { explicit: true, name, columns: Vec::new(), at: None });
        }
        let TableFactor::Table { name, args, .. } = factor else { return ControlFlow::Continue(()) };
        if args.is_some() {
            let span = name.span();
            let error = Diagnostic::error(
                span_of(self.text, span.start, span.end),
                format!("`{}` is no table", clipped(&name.to_string())),
            );
            return ControlFlow::Break(error.help("functions that give tables are not allowed"));
        }
        // `amazon_vpc.flow` is the name of a data source and not of a schema.
        let joined = joined(name);
        if let Some(dataset) = self.datasets.iter().find(|dataset| dataset.is_called(&joined)) {
            let quoted = Ident { quote_style: Some('"'), value: canonical(dataset, &joined), span: name.span() };
            *name = ObjectName::from(vec![quoted]);
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<Diagnostic> {
        if let Some(replaced) = self.replaced(expr) {
            *expr = replaced;
        }
        ControlFlow::Continue(())
    }
}

/// The select that names the outputs of a query.
fn first_select(body: &SetExpr) -> Option<&Select> {
    match body {
        SetExpr::Select(select) => Some(select),
        SetExpr::SetOperation { left, .. } => first_select(left),
        _ => None,
    }
}

/// The number of the output that a key of an order names or repeats.
fn by_number(key: &mut Expr, select: &Select) {
    // Behind a star nobody knows the numbers.
    let is_known = |item: &&SelectItem| matches!(item, SelectItem::ExprWithAlias { .. } | SelectItem::UnnamedExpr(_));
    let items: Vec<&SelectItem> = select.projection.iter().take_while(is_known).collect();
    let is_named = |item: &&SelectItem| match (item, &*key) {
        (SelectItem::ExprWithAlias { alias, .. }, Expr::Identifier(ident)) => {
            alias.value.eq_ignore_ascii_case(&ident.value)
        }
        _ => false,
    };
    let is_same = |item: &&SelectItem| match item {
        SelectItem::ExprWithAlias { expr, .. } | SelectItem::UnnamedExpr(expr) => expr == &*key,
        _ => false,
    };
    let is_literal = matches!(key, Expr::Value(_));
    let named = items.iter().position(is_named);
    if let Some(at) = named.or_else(|| items.iter().position(|item| !is_literal && is_same(item))) {
        *key = Expr::Value(Value::Number((at + 1).to_string(), false).into());
    }
}

/// Each select of a query, those of its unions included.
fn selects(body: &mut SetExpr, seen: &mut impl FnMut(&mut Select)) {
    match body {
        SetExpr::Select(select) => seen(select),
        SetExpr::SetOperation { left, right, .. } => {
            selects(left, seen);
            selects(right, seen);
        }
        _ => {}
    }
}

fn joined(name: &ObjectName) -> String {
    let parts = name.0.iter().filter_map(|part| part.as_ident());
    parts.map(|ident| ident.value.as_str()).collect::<Vec<_>>().join(".")
}

/// The registered name that this is in other letters.
fn canonical(dataset: &Dataset, name: &str) -> String {
    dataset.names().find(|have| have.eq_ignore_ascii_case(name)).unwrap_or(&dataset.name).to_owned()
}

impl<'a> Names<'a> {
    /// What a select reads.
    fn enter(&self, frame: &mut Frame<'a>, select: &Select) {
        let joins = select.from.iter().flat_map(|table| &table.joins).map(|join| &join.relation);
        for factor in select.from.iter().map(|table| &table.relation).chain(joins) {
            let TableFactor::Table { name, alias, .. } = factor else {
                frame.has_other = true;
                continue;
            };
            let written = joined(name);
            let Some(dataset) = self.datasets.iter().find(|dataset| dataset.is_called(&written)) else {
                frame.has_other = true;
                continue;
            };
            let (called, relation) = match alias {
                Some(alias) if alias.name.quote_style.is_some() => (alias.name.value.clone(), alias.name.value.clone()),
                Some(alias) => (alias.name.value.clone(), alias.name.value.to_ascii_lowercase()),
                None => (written.rsplit('.').next().unwrap_or_default().to_owned(), canonical(dataset, &written)),
            };
            frame.tables.push(Table { called: called.to_ascii_lowercase(), relation, dataset });
        }
    }

    /// A selected field keeps the name that it was selected by, and an expression is called as it is written.
    fn name_outputs(&mut self, select: &mut Select) {
        for item in &mut select.projection {
            let SelectItem::UnnamedExpr(expr) = item else { continue };
            let value = match parts(expr) {
                None => expr.to_string(),
                Some(parts) => match self.place(&parts) {
                    Some((Some(_), _, _, name)) => name,
                    Some(_) => parts.join("."),
                    None => continue,
                },
            };
            let alias = Ident { value, quote_style: Some('"'), span: expr.span() };
            *item = SelectItem::ExprWithAlias { expr: expr.clone(), alias };
        }
    }

    fn replaced(&mut self, expr: &Expr) -> Option<Expr> {
        let parts = parts(expr)?;
        let (table, dataset, place, name) = self.place(&parts)?;
        let column = |column: &str| quoted(table.as_deref(), column, expr.span());
        let list = &dataset.columns.list;
        let (replaced, meaning) = match place {
            Place::Column(at) if list[at].ty == Type::Map => {
                (call("lq_map_json", vec![column(&list[at].name)]), format!("map `{}`", list[at].name))
            }
            Place::Column(at) => (column(&list[at].name), format!("column `{}`", list[at].name)),
            Place::Key { column: at, key } => {
                let meaning = format!("key `{key}` of the map `{}`", list[at].name);
                (call("lq_map_get", vec![column(&list[at].name), text(&key)]), meaning)
            }
            Place::Record(path) => {
                let meaning = format!("`{path}` in the record's text");
                (call("lq_json_get", vec![column(RAW), text(&path)]), meaning)
            }
        };
        let taken = Taken { name, dataset: dataset.name.clone(), meaning };
        if !self.taken.contains(&taken) {
            self.taken.push(taken);
        }
        Some(replaced)
    }

    /// The table where the name says one, the dataset, where in it the name leads, and the name in it.
    fn place(&self, parts: &[String]) -> Option<(Option<String>, &'a Dataset, Place, String)> {
        let first = parts.first()?.to_ascii_lowercase();
        for frame in self.frames.iter().rev() {
            if let Some(table) = frame.tables.iter().find(|table| parts.len() > 1 && table.called == first) {
                let name = parts[1..].join(".");
                let place = known(table.dataset, &name)?;
                return Some((Some(table.relation.clone()), table.dataset, place, name));
            }
            let may_be_other = frame.has_other && parts.len() == 1;
            let name = parts.join(".");
            let found = frame.tables.iter().filter(|_| !may_be_other);
            let mut found = found.filter_map(|table| Some((table, known(table.dataset, &name)?)));
            if let Some((table, place)) = found.next() {
                // In one of several tables: DataFusion says so where it is in more than one.
                let relation = (frame.tables.len() > 1 && found.next().is_none()).then(|| table.relation.clone());
                return Some((relation, table.dataset, place, name));
            }
        }
        None
    }
}

/// Where a name leads that somebody knows.
fn known(dataset: &Dataset, name: &str) -> Option<Place> {
    if let Some(at) = dataset.columns.column(&flat(name)) {
        return Some(Place::Column(at));
    }
    let meaning = dataset.columns.find(name).ok()?;
    meaning.rank.map(|_| meaning.place)
}

/// The parts of a name.
fn parts(expr: &Expr) -> Option<Vec<String>> {
    let part = |ident: &Ident| (ident.quote_style != Some(OURS)).then(|| ident.value.clone());
    match expr {
        Expr::Identifier(ident) => Some(vec![part(ident)?]),
        Expr::CompoundIdentifier(idents) => idents.iter().map(part).collect(),
        // `actor.user.uid`: on its own `user` is a function without brackets.
        Expr::CompoundFieldAccess { root, access_chain } => {
            let mut all = parts(root)?;
            for access in access_chain {
                let access = match access {
                    AccessExpr::Dot(access) => access,
                    // `requestParameters['bucketName']` is what a dot leads to.
                    AccessExpr::Subscript(Subscript::Index { index: Expr::Value(value) }) => {
                        let Value::SingleQuotedString(key) = &value.value else { return None };
                        all.push(key.clone());
                        continue;
                    }
                    AccessExpr::Subscript(_) => return None,
                };
                match access {
                    Expr::Function(function) if matches!(function.args, FunctionArguments::None) => {
                        all.push(function.name.to_string());
                    }
                    access => all.extend(parts(access)?),
                }
            }
            Some(all)
        }
        _ => None,
    }
}

fn quoted(table: Option<&str>, column: &str, span: SqlSpan) -> Expr {
    let ident = |value: &str| Ident { value: value.to_owned(), quote_style: Some(OURS), span };
    match table {
        Some(table) => Expr::CompoundIdentifier(vec![ident(table), ident(column)]),
        None => Expr::Identifier(ident(column)),
    }
}

fn text(value: &str) -> Expr {
    Expr::Value(Value::SingleQuotedString(value.to_owned()).into())
}

fn call(name: &str, args: Vec<Expr>) -> Expr {
    let args = args.into_iter().map(|arg| FunctionArg::Unnamed(FunctionArgExpr::Expr(arg))).collect();
    Expr::Function(Function {
        name: ObjectName::from(vec![Ident::new(name)]),
        uses_odbc_syntax: false,
        parameters: FunctionArguments::None,
        args: FunctionArguments::List(FunctionArgumentList { duplicate_treatment: None, args, clauses: Vec::new() }),
        filter: None,
        null_treatment: None,
        over: None,
        within_group: Vec::new(),
    })
}

/// The plan with columns of our kinds and no more rows than these.
fn shown(plan: LogicalPlan, rows: usize, text: &str) -> Result<(LogicalPlan, Vec<(String, Kind)>), QueryError> {
    use datafusion::arrow::datatypes::DataType::{Binary, BinaryView, FixedSizeBinary, LargeBinary, Map};
    if matches!(plan, LogicalPlan::Explain(_)) {
        let columns = plan.schema().fields().iter().map(|field| (field.name().clone(), Kind::Text)).collect();
        return Ok((plan, columns));
    }
    let mut exprs = Vec::new();
    let mut columns = Vec::new();
    for (i, (qualifier, field)) in plan.schema().iter().enumerate() {
        let value = Plan::Column(datafusion::common::Column::new(qualifier.cloned(), field.name()));
        let ty = field.data_type();
        let (value, kind) = match (kind_of(ty), ty) {
            (Some(kind), _) if *ty == kind.arrow() => (value, kind),
            (Some(kind), _) => (datafusion::logical_expr::cast(value, kind.arrow()), kind),
            (None, Map(..)) => (udf::map_json(value), Kind::Json),
            (None, FixedSizeBinary(_)) => (udf::hex(value), Kind::Text),
            (None, Binary | LargeBinary | BinaryView) => (udf::lossy(value), Kind::Text),
            (None, other) => {
                let message =
                    format!("column `{}` is of the type {other}, which cannot be shown", clipped(field.name()));
                let error = Diagnostic::error(0..text.len().min(1), message).help("cast it to text or to a number");
                return Err(QueryError::Text(vec![error]));
            }
        };
        exprs.push(value.alias(format!("{}#{i}", field.name())));
        columns.push((field.name().clone(), kind));
    }
    let builder = LogicalPlanBuilder::from(plan);
    let plan = builder.limit(0, Some(rows)).and_then(|plan| plan.project(exprs)).and_then(LogicalPlanBuilder::build);
    Ok((plan.map_err(|err| mistake(err, text, Vec::new(), &[]))?, columns))
}

/// What DataFusion says of a text, at its place.
fn mistake(err: DataFusionError, text: &str, tables: Vec<&str>, datasets: &[Dataset]) -> QueryError {
    let place = err.diagnostic().and_then(|diagnostic| diagnostic.span);
    let message = match err.find_root() {
        DataFusionError::SQL(err, _) => err.to_string().trim_start_matches("sql parser error: ").to_owned(),
        DataFusionError::SchemaError(err, _) => err.to_string(),
        DataFusionError::Plan(message) => message.clone(),
        DataFusionError::NotImplemented(message) => format!("{message} is not supported"),
        _ => return QueryError::Run(err),
    };
    let first_line = message.lines().next().unwrap_or_default().trim_end_matches('.').to_owned();
    // DataFusion's own advice knows no letter case; ours follows.
    let first_line = first_line.split(". Did you mean").next().unwrap_or_default().to_owned();
    let (message, span) = match (place, located(&first_line)) {
        (None, None) if first_line.ends_with("EOF") => (first_line, text.len()..text.len()),
        (Some(span), _) => (first_line, span_at(text, span)),
        (None, Some((message, line, column))) => {
            let at = Location { line, column };
            (message, span_of(text, at, at))
        }
        (None, None) => {
            let span = told(&first_line, text).unwrap_or(0..text.len().min(1));
            (first_line, span)
        }
    };
    let message = message.replace("datafusion.public.", "").replace("datafusion.", "");
    let named = text.get(span.clone()).unwrap_or_default();
    if let Some(error) = plainer(&message, named, span.clone()) {
        return QueryError::Text(vec![error]);
    }
    let error = Diagnostic::error(span, lower_first(&message));
    let is_table = error.message.contains("table '");
    let is_field = error.message.starts_with("no field named");
    let names: Vec<&str> = match (is_table, is_field) {
        (true, _) => tables,
        (false, true) => datasets.iter().flat_map(|dataset| dataset.columns.names()).collect(),
        (false, false) => Vec::new(),
    };
    let wanted = if is_table { error.message.split('\'').nth(1).unwrap_or(named).to_owned() } else { named.to_owned() };
    let near = nearest(wanted.trim_matches('"'), names.iter().copied());
    let error = match (near.is_empty(), is_table) {
        (false, _) => error.help(format!("did you mean `{}`?", near.join("` or `"))),
        (true, true) => error.help(format!("there are `{}`", names.join("`, `"))),
        (true, false) => error,
    };
    QueryError::Text(vec![error])
}

/// Messages of DataFusion in which names and types of ours stand that nobody wrote.
fn plainer(message: &str, named: &str, span: Span) -> Option<Diagnostic> {
    let error = |message: String, help: &str| Some(Diagnostic::error(span.clone(), message).help(help));
    if message.starts_with("Column in SELECT must be in GROUP BY") {
        return error(
            format!("`{}` is neither in GROUP BY nor in an aggregate", clipped(named)),
            "group by it, or take `max` of it",
        );
    }
    if message.starts_with("Ambiguous reference to unqualified field") {
        return error(
            format!("`{}` is in more than one table", clipped(named)),
            "write the name of the table before it",
        );
    }
    if let Some((_, rest)) = message.split_once("Function '")
        && let Some((name, _)) = rest.split_once("' failed to match any signature")
    {
        let help = "`CAST(… AS DOUBLE)` makes numbers of texts, `CAST(… AS VARCHAR)` texts of numbers";
        return error(format!("`{}` does not take such values, or not so many", clipped(name)), help);
    }
    if message.contains("unique expression names") {
        let name = if span.start > 0 { format!("`{}`", clipped(named)) } else { "the same".to_owned() };
        return error(format!("two columns are called {name}"), "give one of them another name with AS");
    }
    if message.starts_with("array_element does not support") {
        let what = "a list in a record has no subscripts by number";
        return error(
            what.to_owned(),
            "its values have names: `requestParameters.items.0`, `requestParameters['name']`",
        );
    }
    if message.starts_with("Substring without for/from") {
        return error("`substr` needs the place where to begin".to_owned(), "write `substr(name, 1, 3)`");
    }
    None
}

/// Where in the text the name or word stands that a message is about, when it says no place.
fn told(message: &str, text: &str) -> Option<Span> {
    const CLAUSES: [&str; 6] = ["WHERE", "HAVING", "UNION", "ORDER BY", "GROUP BY", "LIMIT"];
    let field = message.strip_prefix("No field named ").map(|rest| rest.trim_matches(['"', '\'']));
    let function = || message.split_once("unction '").and_then(|(_, rest)| rest.split_once('\'')).map(|(name, _)| name);
    let substring = || message.starts_with("Substring ").then_some("substr");
    let clause = || CLAUSES.into_iter().find(|clause| message.contains(clause));
    let doubled = || {
        message
            .split_once(" AS ")
            .filter(|_| message.contains("unique expression names"))
            .and_then(|(_, rest)| rest.split('"').next())
    };
    if message.starts_with("array_element does not support") {
        return text.find('[').map(|at| at..at + 1);
    }
    let word = field.or_else(function).or_else(substring).or_else(doubled).or_else(clause)?;
    place_of(word, text)
}

/// The first place of a word in a text, in any letter case, that is no part of a longer one; the quotes around it are not asked about.
fn place_of(word: &str, text: &str) -> Option<Span> {
    let (word, small) = (word.to_ascii_lowercase(), text.to_ascii_lowercase());
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    let is_whole = |at: usize| {
        let (before, behind) = (small[..at].chars().next_back(), small[at + word.len()..].chars().next());
        !before.is_some_and(is_part) && !behind.is_some_and(is_part)
    };
    let places = small.match_indices(&word).map(|(at, _)| at);
    places.into_iter().filter(|_| !word.is_empty()).find(|at| is_whole(*at)).map(|at| at..at + word.len())
}

fn lower_first(text: &str) -> String {
    let mut chars = text.chars();
    match chars.next() {
        Some(first) if !chars.as_str().starts_with(|c: char| c.is_uppercase()) => {
            first.to_lowercase().chain(chars).collect()
        }
        _ => text.to_owned(),
    }
}

/// `message at Line: 1, Column: 5`.
fn located(message: &str) -> Option<(String, u64, u64)> {
    let (message, place) = message.rsplit_once(" at Line: ")?;
    let (line, column) = place.split_once(", Column: ")?;
    let digits = |text: &str| text.chars().take_while(char::is_ascii_digit).collect::<String>().parse().ok();
    Some((message.to_owned(), digits(line)?, digits(column)?))
}

fn span_at(text: &str, span: datafusion::common::Span) -> Span {
    let place = |at: datafusion::common::Location| Location { line: at.line, column: at.column };
    span_of(text, place(span.start), place(span.end))
}

/// The bytes between two places of lines and columns, both from 1; at least one character.
pub(crate) fn span_of(text: &str, start: Location, end: Location) -> Span {
    let at = |place: Location| {
        let line_start: usize =
            text.split_inclusive('\n').take((place.line as usize).saturating_sub(1)).map(str::len).sum();
        let line = &text[line_start.min(text.len())..];
        let column = (place.column as usize).saturating_sub(1);
        line_start + line.char_indices().nth(column).map_or(line.len(), |(at, _)| at)
    };
    let (start, end) = (at(start), at(end));
    start..end.max((start + 1).min(text.len()))
}
