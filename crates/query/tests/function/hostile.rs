//! Every function of rows with every hostile value: none panics, and a column gives what its single values give.

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, Float64Array, RecordBatch, StringViewArray};
use datafusion::arrow::datatypes::{Field, Schema};
use datafusion::common::{DFSchema, ScalarValue};
use datafusion::logical_expr::{ColumnarValue, col, lit};
use datafusion::prelude::SessionContext;
use query::function::{ALL, Arg, Call, Value};
use query::kind::{Kind, Typed};

use super::lowered::Rows;

const TEXTS: [Option<&str>; 24] = [
    None,
    Some(""),
    Some(" "),
    Some("abc"),
    Some("é\u{1F600}\u{301}"),
    Some("-1"),
    Some("1e308"),
    Some("99999999999999999999999999"),
    Some("nan"),
    Some("true"),
    Some("{\"a\":[1,{\"b\":null}]}"),
    Some("[1,\"2\",[3]]"),
    Some("[[[[[[[["),
    Some("{\"a\":"),
    Some("10.0.0.1"),
    Some("::/0"),
    Some("0.0.0.0/0"),
    Some("2023-07-10T11:42:00Z"),
    Some("%"),
    Some("%zz%4"),
    Some("0x"),
    Some("=a=\"b"),
    Some("\0\u{1}\u{7f}"),
    Some("AAAA="),
];
const NUMBERS: [Option<f64>; 12] = [
    None,
    Some(0.0),
    Some(-0.0),
    Some(-1.0),
    Some(1.5),
    Some(f64::MAX),
    Some(f64::MIN),
    Some(f64::MIN_POSITIVE),
    Some(9.3e18),
    Some(-9.3e18),
    Some(f64::INFINITY),
    Some(f64::NAN),
];
const N_ROWS: usize = 60;

/// Each argument a column of text or of numbers, walked at its own pace.
fn columns(n_args: usize, are_text: usize) -> Vec<(Kind, ArrayRef)> {
    let column = |i: usize| -> (Kind, ArrayRef) {
        let pace = [1, 7, 5, 11][i % 4];
        match are_text >> i & 1 == 1 {
            true => (
                Kind::Text,
                Arc::new((0..N_ROWS).map(|row| TEXTS[row * pace % TEXTS.len()]).collect::<StringViewArray>()),
            ),
            false => (
                Kind::Number,
                Arc::new((0..N_ROWS).map(|row| NUMBERS[row * pace % NUMBERS.len()]).collect::<Float64Array>()),
            ),
        }
    };
    (0..n_args).map(column).collect()
}

#[test]
fn no_function_panics_and_columns_agree_with_single_values() {
    let ctx = SessionContext::new();
    let mut n_checked = 0;
    // DataFusion's own `coalesce` only runs in an optimised plan.
    let functions = ALL.iter().flat_map(|file| file.iter()).filter(|f| !f.is_aggregate && f.name != "coalesce");
    for function in functions {
        for n_args in *function.arity.start()..=(*function.arity.end()).min(4) {
            for are_text in 0..1 << n_args {
                let columns = columns(n_args, are_text);
                let names: Vec<String> = (0..n_args).map(|i| format!("c{i}")).collect();
                let fields: Vec<Field> =
                    columns.iter().zip(&names).map(|((kind, _), name)| Field::new(name, kind.arrow(), true)).collect();
                let schema = Arc::new(Schema::new(fields));
                let df_schema = DFSchema::try_from(Arc::clone(&schema)).unwrap();
                if n_args == 0 {
                    continue;
                }
                let batch =
                    RecordBatch::try_new(schema, columns.iter().map(|(_, array)| Arc::clone(array)).collect()).unwrap();
                let rows = Rows::parse("{}");
                let lowered = |args: Vec<Typed>| {
                    let args: Vec<Arg> =
                        args.into_iter().map(|typed| Arg { value: Value::Expr(typed), span: 0..1 }).collect();
                    (function.lower)(&Call { function, span: 0..1, args: &args, ctx: &rows.ctx })
                };
                let of_columns =
                    names.iter().zip(&columns).map(|(name, (kind, _))| Typed { expr: col(name), kind: *kind });
                // Some arguments must be written out; those have cases.
                let Ok(typed) = lowered(of_columns.collect()) else { continue };
                let evaluate = |typed: Typed| -> ColumnarValue {
                    let physical = ctx.create_physical_expr(typed.shown().expr, &df_schema).unwrap();
                    physical.evaluate(&batch).unwrap_or_else(|err| panic!("{}: {err}", function.name))
                };
                let all = evaluate(typed).into_array(N_ROWS).unwrap();
                for row in 0..N_ROWS {
                    let single = |(kind, array): &(Kind, ArrayRef)| Typed {
                        expr: lit(ScalarValue::try_from_array(array, row).unwrap()),
                        kind: *kind,
                    };
                    let one = evaluate(lowered(columns.iter().map(single).collect()).unwrap()).into_array(1).unwrap();
                    let (of_column, of_single) = (
                        ScalarValue::try_from_array(&all, row).unwrap(),
                        ScalarValue::try_from_array(&one, 0).unwrap(),
                    );
                    let args: Vec<String> = columns
                        .iter()
                        .map(|(_, array)| format!("{:?}", ScalarValue::try_from_array(array, row)))
                        .collect();
                    assert_eq!(of_column, of_single, "{}({})", function.name, args.join(", "));
                    n_checked += 1;
                }
            }
        }
    }
    assert!(n_checked > 5000, "{n_checked}");
}
