//! Our scalar functions as DataFusion sees them: stateless, known by name, over columns of a few types.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use datafusion::arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, BooleanBuilder, Float64Array, Float64Builder, Int64Builder,
    StringViewArray, StringViewBuilder, TimestampMicrosecondArray, TimestampMicrosecondBuilder,
};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Field, FieldRef, Float64Type, Int64Type, TimestampMicrosecondType};
use datafusion::common::{Result, ScalarValue, exec_err, plan_err};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

use crate::kind::Kind;

/// How far a text may grow in a row. An event has no more than this.
pub const GROWN_BYTES_MAX: usize = 1 << 20;

/// A function over rows.
#[derive(Debug)]
pub struct Native {
    /// What it is registered as.
    pub name: &'static str,
    /// What it takes; with [`Take::Rest`] at the end any number of texts.
    pub takes: &'static [Take],
    /// What it gives.
    pub gives: Gives,
    /// Works it out.
    pub run: fn(&Columns) -> Result<ArrayRef>,
}

/// What an argument must be.
#[derive(Clone, Copy, Debug)]
pub enum Take {
    /// Values kept in this way; others are cast.
    Kind(Kind),
    /// As it comes.
    Any,
    /// Any number of texts, at the end.
    Rest,
}

/// What a function gives.
#[derive(Debug)]
pub enum Gives {
    /// Values kept in this way.
    Kind(Kind),
    /// Values of a type that no kind has.
    Type(fn(&ReturnFieldArgs) -> Result<DataType>),
}

impl Native {
    /// The function as DataFusion knows it.
    pub fn udf(&'static self) -> Arc<ScalarUDF> {
        Arc::new(ScalarUDF::from(Udf { native: self, signature: Signature::user_defined(Volatility::Immutable) }))
    }

    /// A call.
    pub fn call(&'static self, args: Vec<Expr>) -> Expr {
        self.udf().call(args)
    }

    /// Whether this is a call of it, and with what.
    pub fn args_of<'e>(&self, expr: &'e Expr) -> Option<&'e [Expr]> {
        match expr {
            Expr::ScalarFunction(call) if call.func.name() == self.name => Some(&call.args),
            _ => None,
        }
    }
}

#[derive(Debug)]
struct Udf {
    native: &'static Native,
    signature: Signature,
}

impl PartialEq for Udf {
    fn eq(&self, other: &Udf) -> bool {
        self.native.name == other.native.name
    }
}

impl Eq for Udf {}

impl Hash for Udf {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.native.name.hash(state);
    }
}

impl ScalarUDFImpl for Udf {
    fn name(&self) -> &str {
        self.native.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _types: &[DataType]) -> Result<DataType> {
        match self.native.gives {
            Gives::Kind(kind) => Ok(kind.arrow()),
            Gives::Type(_) => plan_err!("the type of `{}` depends on its arguments", self.native.name),
        }
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        let data_type = match self.native.gives {
            Gives::Kind(kind) => kind.arrow(),
            Gives::Type(of) => of(&args)?,
        };
        Ok(Arc::new(Field::new(self.native.name, data_type, true)))
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        let is_open = matches!(self.native.takes.last(), Some(Take::Rest));
        let n = self.native.takes.len();
        if if is_open { types.len() + 1 < n } else { types.len() != n } {
            return plan_err!("`{}` takes {n} arguments and not {}", self.native.name, types.len());
        }
        Ok(types.iter().enumerate().map(|(i, have)| self.native.wants(i).unwrap_or_else(|| have.clone())).collect())
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let columns = Columns::new(self.native, args)?;
        let out = (self.native.run)(&columns)?;
        match columns.is_scalar {
            true => Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&out, 0)?)),
            false => Ok(ColumnarValue::Array(out)),
        }
    }
}

impl Native {
    /// The type of an argument; nothing where any will do.
    fn wants(&self, i: usize) -> Option<DataType> {
        match self.takes.get(i).or(self.takes.last()) {
            Some(Take::Kind(kind)) => Some(kind.arrow()),
            Some(Take::Rest) => Some(DataType::Utf8View),
            Some(Take::Any) | None => None,
        }
    }
}

/// The arguments of one call: columns, and single values that stand for a column of the same.
pub struct Columns {
    /// How many rows there are; one where all arguments are single values.
    pub n_rows: usize,
    is_scalar: bool,
    arrays: Vec<(ArrayRef, bool)>,
}

impl Columns {
    fn new(native: &Native, args: ScalarFunctionArgs) -> Result<Columns> {
        let is_scalar = args.args.iter().all(|arg| matches!(arg, ColumnarValue::Scalar(_))) && !args.args.is_empty();
        let mut arrays = Vec::with_capacity(args.args.len());
        for (i, arg) in args.args.into_iter().enumerate() {
            let (array, single) = match arg {
                ColumnarValue::Array(array) => (array, false),
                ColumnarValue::Scalar(value) => (value.to_array()?, true),
            };
            let array = match native.wants(i) {
                Some(wanted) if *array.data_type() != wanted => cast(&array, &wanted)?,
                _ => array,
            };
            arrays.push((array, single));
        }
        Ok(Columns { n_rows: if is_scalar { 1 } else { args.number_rows }, is_scalar, arrays })
    }

    /// How many arguments there are.
    pub fn len(&self) -> usize {
        self.arrays.len()
    }

    /// An argument as it came, and whether it is a single value.
    pub fn array(&self, i: usize) -> (&ArrayRef, bool) {
        (&self.arrays[i].0, self.arrays[i].1)
    }

    /// An argument that is text.
    pub fn texts(&self, i: usize) -> Cells<'_, StringViewArray> {
        Cells { array: self.arrays[i].0.as_string_view(), single: self.arrays[i].1 }
    }

    /// An argument that is numbers.
    pub fn numbers(&self, i: usize) -> Cells<'_, Float64Array> {
        Cells { array: self.arrays[i].0.as_primitive::<Float64Type>(), single: self.arrays[i].1 }
    }

    /// An argument that is booleans.
    pub fn booleans(&self, i: usize) -> Cells<'_, BooleanArray> {
        Cells { array: self.arrays[i].0.as_boolean(), single: self.arrays[i].1 }
    }

    /// An argument that is instants, in microseconds.
    pub fn times(&self, i: usize) -> Cells<'_, TimestampMicrosecondArray> {
        Cells { array: self.arrays[i].0.as_primitive::<TimestampMicrosecondType>(), single: self.arrays[i].1 }
    }

    /// A text that must be the same in all rows.
    pub fn constant_text(&self, i: usize) -> Result<&str> {
        match &self.arrays[i] {
            (array, true) if array.is_valid(0) => Ok(array.as_string_view().value(0)),
            _ => exec_err!("argument {i} must be a string literal"),
        }
    }

    /// A whole number that must be the same in all rows.
    pub fn constant_integer(&self, i: usize) -> Result<i64> {
        match &self.arrays[i] {
            (array, true) if array.is_valid(0) => Ok(array.as_primitive::<Int64Type>().value(0)),
            _ => exec_err!("argument {i} must be a number literal"),
        }
    }

    /// A column of text, row by row. A text that grew beyond [`GROWN_BYTES_MAX`] is null, so that nested calls cannot fill the memory.
    pub fn text<T: AsRef<str>>(&self, mut of: impl FnMut(usize) -> Option<T>) -> Result<ArrayRef> {
        let mut out = StringViewBuilder::with_capacity(self.n_rows);
        for i in 0..self.n_rows {
            match of(i).filter(|value| value.as_ref().len() <= GROWN_BYTES_MAX || !self.grew(i, value.as_ref())) {
                Some(value) => out.try_append_value(value)?,
                None => out.append_null(),
            }
        }
        Ok(Arc::new(out.finish()))
    }

    /// Whether the value is longer than each text that it was made of.
    fn grew(&self, row: usize, value: &str) -> bool {
        let length = |(array, single): &(ArrayRef, bool)| {
            let texts = array.as_string_view_opt()?;
            let row = if *single { 0 } else { row };
            texts.is_valid(row).then(|| texts.value(row).len())
        };
        self.arrays.iter().filter_map(length).all(|longest| longest < value.len())
    }

    /// A column of numbers, row by row; what is not finite is null.
    pub fn number(&self, mut of: impl FnMut(usize) -> Option<f64>) -> Result<ArrayRef> {
        let mut out = Float64Builder::with_capacity(self.n_rows);
        (0..self.n_rows).for_each(|i| out.append_option(of(i).filter(|n| n.is_finite())));
        Ok(Arc::new(out.finish()))
    }

    /// A column of whole numbers, row by row.
    pub fn integer(&self, mut of: impl FnMut(usize) -> Option<i64>) -> Result<ArrayRef> {
        let mut out = Int64Builder::with_capacity(self.n_rows);
        (0..self.n_rows).for_each(|i| out.append_option(of(i)));
        Ok(Arc::new(out.finish()))
    }

    /// A column of booleans, row by row.
    pub fn boolean(&self, mut of: impl FnMut(usize) -> Option<bool>) -> Result<ArrayRef> {
        let mut out = BooleanBuilder::with_capacity(self.n_rows);
        (0..self.n_rows).for_each(|i| out.append_option(of(i)));
        Ok(Arc::new(out.finish()))
    }

    /// A column of instants in microseconds, row by row.
    pub fn time(&self, mut of: impl FnMut(usize) -> Option<i64>) -> Result<ArrayRef> {
        let mut out = TimestampMicrosecondBuilder::with_capacity(self.n_rows);
        (0..self.n_rows).for_each(|i| out.append_option(of(i)));
        Ok(Arc::new(out.finish().with_timezone("UTC")))
    }
}

/// One argument, row by row.
#[derive(Clone, Copy)]
pub struct Cells<'a, A> {
    array: &'a A,
    single: bool,
}

impl<'a, A> Cells<'a, A>
where
    A: Array + 'static,
    &'a A: datafusion::arrow::array::ArrayAccessor,
{
    /// The value in a row.
    #[inline]
    pub fn get(&self, row: usize) -> Option<<&'a A as datafusion::arrow::array::ArrayAccessor>::Item> {
        use datafusion::arrow::array::ArrayAccessor as _;
        let row = if self.single { 0 } else { row };
        let array = self.array;
        array.is_valid(row).then(|| (&array).value(row))
    }

    /// Whether one value stands for all rows.
    pub fn is_single(&self) -> bool {
        self.single
    }
}
