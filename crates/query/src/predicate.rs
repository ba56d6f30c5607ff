//! A predicate over the rows of a lake: what its columns tell, so that files and row groups are left out, and for the rest the record itself.
//!
//! A row holds each leaf of its record once, in a column or in a map. So a column decides a test on a scalar, but for records in which the
//! field is something else or is there more than once: those have a key of that name among the unmapped ones, or a flag. They, and whatever
//! columns cannot tell, are decided by [`eval`] on the record's text, which is the definition.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use ::predicate::eval::{Record, eval};
use ::predicate::predicate::Predicate;
use ::predicate::test::{Number, Order, Test};
use datafusion::arrow::array::{Array, ArrayRef, AsArray, BooleanArray, BooleanBuilder, StringViewArray};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::DataType;
use datafusion::common::{Column, Result, exec_err};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility, cast as cast_expr, lit,
    when,
};
use event::path::{Path, Step};
use event::value::{Value, View};
use lake::columns::{Columns, Of, RAW, Type, UNMAPPED};

use crate::function::map_get;
use crate::function::native::{Columns as Args, Gives, Native, Take};
use crate::kind::{Kind, text_literal};

/// The column that says what is odd about a record.
const FLAGS: &str = "event_flags";

/// Reads a record's text into its tree.
pub type Tree = Arc<dyn Fn(&str) -> Value + Send + Sync>;

/// A predicate as far as columns tell.
#[derive(Clone, Debug, PartialEq)]
pub struct Pushed {
    /// True, or null or false only where the predicate is false.
    pub superset: Expr,
    /// True only where the predicate is true.
    pub subset: Expr,
    /// Whether both are the same, so that no record need be looked at.
    pub is_exact: bool,
}

impl Pushed {
    /// The filter that keeps just the rows whose record the predicate chooses.
    pub fn filter(&self, predicate: &Predicate, tree: Tree) -> Result<Expr> {
        if self.is_exact {
            return Ok(self.superset.clone());
        }
        let residual = ScalarUDF::from(Residual::new(predicate.clone(), tree)).call(vec![named(RAW)]);
        // Records are looked at only where columns leave it open.
        let decided = when(self.subset.clone().is_true(), lit(true)).otherwise(residual)?;
        Ok(self.superset.clone().and(decided))
    }
}

/// Parts of a predicate that are asked of columns; one with more is tried on every row instead. Planners walk expressions by recursion, and
/// make chains of what is joined by `and`.
const PARTS_MAX: usize = 2_048;

/// How many parts a predicate has.
fn size(predicate: &Predicate) -> usize {
    match predicate {
        Predicate::All(parts) | Predicate::Any(parts) => 1 + parts.iter().map(size).sum::<usize>(),
        Predicate::Not(inner) => 1 + size(inner),
        _ => 1,
    }
}

/// What the columns of a table tell of a predicate.
pub fn lower(predicate: &Predicate, columns: &Columns) -> Pushed {
    if size(predicate) > PARTS_MAX {
        return Pushed { superset: lit(true), subset: lit(false), is_exact: false };
    }
    let Bounds { above, below } = bounds(predicate, columns);
    let is_exact = above.is_some() && above == below;
    Pushed { superset: above.unwrap_or_else(|| lit(true)), subset: below.unwrap_or_else(|| lit(false)), is_exact }
}

/// What is at least and at most chosen; nothing where columns do not tell. Null counts as false.
struct Bounds {
    above: Option<Expr>,
    below: Option<Expr>,
}

impl Bounds {
    const OPEN: Bounds = Bounds { above: None, below: None };

    fn exact(expr: Expr) -> Bounds {
        Bounds { above: Some(expr.clone()), below: Some(expr) }
    }
}

fn bounds(predicate: &Predicate, columns: &Columns) -> Bounds {
    match predicate {
        Predicate::All(parts) => {
            let parts: Vec<Bounds> = parts.iter().map(|part| bounds(part, columns)).collect();
            let below = parts.iter().map(|part| part.below.clone()).collect::<Option<Vec<_>>>().map(all);
            // What is left open takes nothing away.
            let is_none = parts.is_empty();
            let above: Vec<Expr> = parts.into_iter().filter_map(|part| part.above).collect();
            Bounds { above: (is_none || !above.is_empty()).then(|| all(above)), below }
        }
        Predicate::Any(parts) => {
            let parts: Vec<Bounds> = parts.iter().map(|part| bounds(part, columns)).collect();
            let above = parts.iter().map(|part| part.above.clone()).collect::<Option<Vec<_>>>().map(any);
            let is_none = parts.is_empty();
            let below: Vec<Expr> = parts.into_iter().filter_map(|part| part.below).collect();
            Bounds { above, below: (is_none || !below.is_empty()).then(|| any(below)) }
        }
        Predicate::Not(inner) => {
            let Bounds { above, below } = bounds(inner, columns);
            Bounds { above: below.map(Expr::is_not_true), below: above.map(Expr::is_not_true) }
        }
        Predicate::Field(path, test) => of_field(path, test, columns),
        Predicate::Raw(pattern) => Bounds::exact(passes(&Test::Text(pattern.clone()), named(RAW))),
        Predicate::Compare(..) | Predicate::Same(..) | Predicate::AnyString(_) => Bounds::OPEN,
    }
}

fn all(parts: Vec<Expr>) -> Expr {
    balanced(parts, Expr::and).unwrap_or_else(|| lit(true))
}

fn any(parts: Vec<Expr>) -> Expr {
    balanced(parts, Expr::or).unwrap_or_else(|| lit(false))
}

/// The parts joined two by two: as deep as the logarithm of their number.
fn balanced(mut parts: Vec<Expr>, join: fn(Expr, Expr) -> Expr) -> Option<Expr> {
    while parts.len() > 1 {
        let mut pairs = parts.into_iter();
        let mut joined = Vec::new();
        while let Some(left) = pairs.next() {
            joined.push(match pairs.next() {
                Some(right) => join(left, right),
                None => left,
            });
        }
        parts = joined;
    }
    parts.pop()
}

fn named(column: &str) -> Expr {
    Expr::Column(Column::new_unqualified(column))
}

fn of_field(path: &Path, test: &Test, columns: &Columns) -> Bounds {
    let is_simple = path.steps().iter().all(|step| match step {
        Step::Name(name) => !name.is_empty() && !name.contains('.'),
        Step::Each => true,
        Step::Index(_) => false,
    });
    if !is_simple || columns.column(FLAGS).is_none() {
        return Bounds::OPEN;
    }
    let name = path.dotted();
    let n_parts = path.steps().iter().filter(|step| matches!(step, Step::Name(_))).count();
    let own = columns.list.iter().find(|column| match &column.of {
        Of::Ocsf { native: Some(native), .. } | Of::Native(native) => *native == name,
        _ => false,
    });
    let (value, odd, ty) = match own {
        Some(column) => (named(&column.name), has_key(UNMAPPED, &name), column.ty),
        None => match in_open(columns, &name) {
            Some((map, key)) => (map_get(named(&map), &key), has_key_below(&map, &key), Type::Text),
            None => return Bounds::OPEN,
        },
    };
    let unusual = odd.or(named(FLAGS).is_not_null());
    let (passes, missing) = (of_value(test, value.clone(), ty), value.is_null());
    // `{"a":{"b.c":1}}` has the leaf `a.b.c` too, and a path through objects does not lead to `{"a.b":1}`.
    let is_sure = n_parts == 1 || (n_parts == 2 && path.spellings().len() > 1);
    let below = |expr: Expr| if is_sure { Some(expr) } else { None };
    match test {
        Test::Exists => Bounds { above: None, below: below(missing.is_not_true()) },
        Test::Null => Bounds { above: Some(missing.or(unusual)), below: None },
        // Of these a list or map passes none.
        Test::Cidr(_) | Test::Number(..) => Bounds { above: Some(passes.clone().or(unusual)), below: below(passes) },
        Test::String => Bounds { above: Some(missing.is_not_true().or(unusual)), below: None },
        Test::TimePart(..) => Bounds { above: Some(passes.or(unusual)), below: None },
        Test::Text(pattern) if pattern.as_exact().is_some() => {
            Bounds { above: Some(passes.clone().or(unusual)), below: below(passes) }
        }
        // A list or map without a leaf, `{"a":{}}`, is in no column, and its text may match.
        Test::Text(_) | Test::Regex(_) => {
            Bounds { above: Some(passes.clone().or(missing).or(unusual)), below: below(passes) }
        }
    }
}

/// The map and key of a name in one of the source's open objects. Deeper keys than one part may be written in two ways.
fn in_open(columns: &Columns, name: &str) -> Option<(String, String)> {
    columns.list.iter().find_map(|column| {
        let Of::Open(open) = &column.of else { return None };
        let key = name.strip_prefix(open)?.strip_prefix('.')?;
        (!key.is_empty() && !key.contains('.')).then(|| (column.name.clone(), key.to_owned()))
    })
}

/// The test on the text of a column, as plain as may be.
fn of_value(test: &Test, value: Expr, ty: Type) -> Expr {
    let exact = match test {
        Test::Text(pattern) if pattern.case() == ::predicate::pattern::Case::Sensitive => pattern.as_exact(),
        _ => None,
    };
    match (ty, test, exact) {
        (Type::Text, _, Some(text)) => value.eq(text_literal(text)),
        (Type::Boolean, _, Some("true")) => value.eq(lit(true)),
        (Type::Boolean, _, Some("false")) => value.eq(lit(false)),
        (Type::Long, Test::Number(order, Number::Whole(n)), _) if i64::try_from(*n).is_ok() => {
            let n = lit(i64::try_from(*n).unwrap_or_default());
            match order {
                Order::Equal => value.eq(n),
                Order::Less => value.lt(n),
                Order::AtMost => value.lt_eq(n),
                Order::Greater => value.gt(n),
                Order::AtLeast => value.gt_eq(n),
            }
        }
        (Type::Boolean, ..) => {
            let text =
                when(value.clone().is_true(), text_literal("true")).when(value.is_false(), text_literal("false")).end();
            text.map_or_else(|_| lit(true), |text| passes(test, text))
        }
        (Type::Text, ..) => passes(test, value),
        _ => passes(test, cast_expr(value, DataType::Utf8View)),
    }
}

fn passes(test: &Test, text: Expr) -> Expr {
    ScalarUDF::from(Passes {
        test: test.clone(),
        signature: Signature::exact(vec![DataType::Utf8View], Volatility::Immutable),
    })
    .call(vec![text])
}

/// Whether a map has the key, or one that goes on behind it with a dot.
fn has_key(map: &str, key: &str) -> Expr {
    HAS_KEY.call(vec![named(map), text_literal(key), lit(true)])
}

/// Whether a map has a key that goes on behind this one with a dot.
fn has_key_below(map: &str, key: &str) -> Expr {
    HAS_KEY.call(vec![named(map), text_literal(key), lit(false)])
}

/// What this file calls, for plans that are made elsewhere.
pub(crate) const NATIVES: &[&Native] = &[&HAS_KEY];

static HAS_KEY: Native = Native {
    name: "lq_has_key",
    takes: &[Take::Any, Take::Kind(Kind::Text), Take::Kind(Kind::Boolean)],
    gives: Gives::Kind(Kind::Boolean),
    run: key_is_there,
};

fn key_is_there(args: &Args) -> Result<ArrayRef> {
    let (array, single) = args.array(0);
    let Some(map) = array.as_map_opt() else { return exec_err!("a map is due and not {}", array.data_type()) };
    let key = args.constant_text(1)?;
    let has_own = args.booleans(2).get(0).unwrap_or_default();
    let keys = cast(map.keys(), &DataType::Utf8View)?;
    let keys = keys.as_string_view();
    let is_it = |at: usize| match keys.value(at).strip_prefix(key) {
        Some("") => has_own,
        Some(rest) => rest.starts_with('.'),
        None => false,
    };
    args.boolean(|i| {
        let row = if single { 0 } else { i };
        let entries = map.value_offsets()[row] as usize..map.value_offsets()[row + 1] as usize;
        Some(map.is_valid(row) && entries.into_iter().any(is_it))
    })
}

/// A test on a column of text.
#[derive(Debug)]
struct Passes {
    test: Test,
    signature: Signature,
}

impl PartialEq for Passes {
    fn eq(&self, other: &Passes) -> bool {
        self.test == other.test
    }
}

impl Eq for Passes {}

impl Hash for Passes {
    fn hash<H: Hasher>(&self, state: &mut H) {
        format!("{:?}", self.test).hash(state);
    }
}

impl ScalarUDFImpl for Passes {
    fn name(&self) -> &str {
        "lq_passes"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _types: &[DataType]) -> Result<DataType> {
        Ok(DataType::Boolean)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let texts = texts(&args)?;
        let passes = |text: &str| self.test.passes(&View::String(text.into()));
        let out: BooleanArray = texts.iter().map(|text| text.map(passes)).collect();
        Ok(ColumnarValue::Array(Arc::new(out)))
    }
}

fn texts(args: &ScalarFunctionArgs) -> Result<StringViewArray> {
    let arrays = ColumnarValue::values_to_arrays(&args.args)?;
    let array = cast(&arrays[0], &DataType::Utf8View)?;
    Ok(array.as_string_view().clone())
}

/// A predicate on the text of records.
struct Residual {
    predicate: Predicate,
    tree: Tree,
    signature: Signature,
}

impl Residual {
    fn new(predicate: Predicate, tree: Tree) -> Residual {
        Residual { predicate, tree, signature: Signature::exact(vec![DataType::Utf8View], Volatility::Immutable) }
    }
}

impl fmt::Debug for Residual {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Residual").field("predicate", &self.predicate).finish_non_exhaustive()
    }
}

impl PartialEq for Residual {
    fn eq(&self, other: &Residual) -> bool {
        self.predicate == other.predicate && Arc::ptr_eq(&self.tree, &other.tree)
    }
}

impl Eq for Residual {}

impl Hash for Residual {
    fn hash<H: Hasher>(&self, state: &mut H) {
        format!("{:?}", self.predicate).hash(state);
    }
}

impl ScalarUDFImpl for Residual {
    fn name(&self) -> &str {
        "lq_predicate"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _types: &[DataType]) -> Result<DataType> {
        Ok(DataType::Boolean)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let texts = texts(&args)?;
        let mut out = BooleanBuilder::with_capacity(texts.len());
        for raw in texts.iter() {
            out.append_option(raw.map(|raw| eval(&self.predicate, Record { raw, value: &(self.tree)(raw) })));
        }
        Ok(ColumnarValue::Array(Arc::new(out.finish())))
    }
}
