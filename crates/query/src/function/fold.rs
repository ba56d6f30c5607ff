//! Our aggregates as DataFusion sees them: stateless, known by name. Whatever order the rows come in, and however they are spread over
//! threads, the result is the same.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Field, FieldRef, Float64Type, Int64Type, Schema};
use datafusion::common::{Result, ScalarValue, exec_err, plan_err};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::format_state_name;
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, ColumnarValue, Expr, Signature, Volatility,
};

use super::native::Take;

/// An aggregate.
#[derive(Debug)]
pub struct Fold {
    /// What it is registered as.
    pub name: &'static str,
    /// What it takes.
    pub takes: &'static [Take],
    /// What it gives for values of the first argument's type.
    pub gives: fn(&DataType) -> DataType,
    /// What it keeps between rows, for the same.
    pub state: fn(&DataType) -> Vec<DataType>,
    /// Begins a group.
    pub begin: fn(&AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>>,
}

impl Fold {
    /// The aggregate as DataFusion knows it.
    pub fn udaf(&'static self) -> Arc<AggregateUDF> {
        Arc::new(AggregateUDF::from(Udaf { fold: self, signature: Signature::user_defined(Volatility::Immutable) }))
    }

    /// A call.
    pub fn call(&'static self, args: Vec<Expr>) -> Expr {
        self.udaf().call(args)
    }
}

#[derive(Debug)]
struct Udaf {
    fold: &'static Fold,
    signature: Signature,
}

impl PartialEq for Udaf {
    fn eq(&self, other: &Udaf) -> bool {
        self.fold.name == other.fold.name
    }
}

impl Eq for Udaf {}

impl Hash for Udaf {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.fold.name.hash(state);
    }
}

impl AggregateUDFImpl for Udaf {
    fn name(&self) -> &str {
        self.fold.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        match types.first() {
            Some(first) => Ok((self.fold.gives)(first)),
            None => plan_err!("`{}` takes arguments", self.fold.name),
        }
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        if types.len() != self.fold.takes.len() {
            return plan_err!("`{}` takes {} arguments and not {}", self.fold.name, self.fold.takes.len(), types.len());
        }
        let wanted = |(take, have): (&Take, &DataType)| match take {
            Take::Kind(kind) => kind.arrow(),
            Take::Any | Take::Rest => have.clone(),
        };
        Ok(self.fold.takes.iter().zip(types).map(wanted).collect())
    }

    fn accumulator(&self, args: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        (self.fold.begin)(&args)
    }

    fn state_fields(&self, args: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        let first = args.input_fields.first().map_or(DataType::Null, |field| field.data_type().clone());
        let name = |i: usize| format_state_name(args.name, &i.to_string());
        let types = (self.fold.state)(&first).into_iter().enumerate();
        Ok(types.map(|(i, data_type)| Arc::new(Field::new(name(i), data_type, true))).collect())
    }
}

/// An argument that must be the same in all rows.
pub fn constant(args: &AccumulatorArgs<'_>, i: usize) -> Result<ScalarValue> {
    let no_rows = RecordBatch::new_empty(Arc::new(Schema::empty()));
    match args.exprs.get(i).map(|expr| expr.evaluate(&no_rows)) {
        Some(Ok(ColumnarValue::Scalar(value))) => Ok(value),
        _ => exec_err!("argument {i} of `{}` must be a literal", args.name),
    }
}

/// A number that must be the same in all rows.
pub fn constant_number(args: &AccumulatorArgs<'_>, i: usize) -> Result<f64> {
    match constant(args, i)?.cast_to(&DataType::Float64)? {
        ScalarValue::Float64(Some(n)) => Ok(n),
        _ => exec_err!("argument {i} of `{}` must be a number", args.name),
    }
}

/// `List` of such values, as states are kept.
pub fn list_of(item: DataType) -> DataType {
    DataType::List(Arc::new(Field::new_list_field(item, true)))
}

/// The inner arrays of a column of lists; missing ones are left out.
pub fn lists(column: &ArrayRef) -> impl Iterator<Item = ArrayRef> + '_ {
    column.as_list::<i32>().iter().flatten()
}

/// Numbers that are there.
pub fn numbers(array: &ArrayRef) -> Result<Vec<f64>> {
    let array = cast(array, &DataType::Float64)?;
    Ok(array.as_primitive::<Float64Type>().iter().flatten().filter(|n| n.is_finite()).collect())
}

/// Whole numbers, 0 where they are missing.
pub fn integers(array: &ArrayRef) -> Vec<i64> {
    array.as_primitive::<Int64Type>().iter().map(Option::unwrap_or_default).collect()
}

/// Whether there is nothing in it.
pub fn is_all_null(array: &ArrayRef) -> bool {
    array.null_count() == array.len()
}
