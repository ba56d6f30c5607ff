//! Functions that only the lowering calls: columns of the lake as text.

use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, StringViewBuilder};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::DataType;
use datafusion::common::{Result, exec_err};
use datafusion::logical_expr::Expr;

use crate::function::native::{Columns, Gives, Native, Take};
use crate::kind::{Kind, text_literal};

/// What this file calls, for plans that are made elsewhere.
pub const NATIVES: &[&Native] = &[&HEX, &LOSSY, &MAP_JSON, &LOG_NAME];

const TEXT: Take = Take::Kind(Kind::Text);

static HEX: Native = Native { name: "lq_hex", takes: &[Take::Any], gives: Gives::Kind(Kind::Text), run: hex_of };
static LOSSY: Native = Native { name: "lq_lossy", takes: &[Take::Any], gives: Gives::Kind(Kind::Text), run: lossy_of };
static MAP_JSON: Native =
    Native { name: "lq_map_json", takes: &[Take::Any], gives: Gives::Kind(Kind::Text), run: json_of };
static LOG_NAME: Native = Native {
    name: "lq_log_name",
    takes: &[TEXT, TEXT, TEXT],
    gives: Gives::Kind(Kind::Text),
    run: |args| {
        let (account, group, source) = (args.texts(0), args.texts(1), args.texts(2));
        args.text(|i| {
            let group = group.get(i).or(source.get(i))?;
            Some(account.get(i).map_or(group.to_owned(), |account| format!("{account}:{group}")))
        })
    },
};

/// Bytes as hexadecimal digits.
pub fn hex(bytes: Expr) -> Expr {
    HEX.call(vec![bytes])
}

/// Bytes as text; what is no UTF-8 in them shows as replaced.
pub fn lossy(bytes: Expr) -> Expr {
    LOSSY.call(vec![bytes])
}

/// A map from text to text as the text of a JSON object.
pub fn map_json(map: Expr) -> Expr {
    MAP_JSON.call(vec![map])
}

/// `account:group`; the source's name where there is no group.
pub fn log_name(account: Expr, group: Expr, source: &str) -> Expr {
    LOG_NAME.call(vec![account, group, text_literal(source)])
}

fn hex_of(args: &Columns) -> Result<ArrayRef> {
    let (array, single) = args.array(0);
    let array = cast(array, &DataType::Binary)?;
    let bytes = array.as_binary::<i32>();
    args.text(|i| {
        let row = if single { 0 } else { i };
        bytes.is_valid(row).then(|| bytes.value(row).iter().map(|byte| format!("{byte:02x}")).collect::<String>())
    })
}

fn lossy_of(args: &Columns) -> Result<ArrayRef> {
    let (array, single) = args.array(0);
    let array = cast(array, &DataType::Binary)?;
    let bytes = array.as_binary::<i32>();
    args.text(|i| {
        let row = if single { 0 } else { i };
        bytes.is_valid(row).then(|| String::from_utf8_lossy(bytes.value(row)).into_owned())
    })
}

fn json_of(args: &Columns) -> Result<ArrayRef> {
    let (array, single) = args.array(0);
    let Some(map) = array.as_map_opt() else { return exec_err!("a map is due and not {}", array.data_type()) };
    let keys = cast(map.keys(), &DataType::Utf8View)?;
    let values = cast(map.values(), &DataType::Utf8View)?;
    let (keys, values) = (keys.as_string_view(), values.as_string_view());
    let mut out = StringViewBuilder::with_capacity(args.n_rows);
    for i in 0..args.n_rows {
        let row = if single { 0 } else { i };
        if map.is_null(row) {
            out.append_null();
            continue;
        }
        let mut text = String::from("{");
        for at in map.value_offsets()[row] as usize..map.value_offsets()[row + 1] as usize {
            if text.len() > 1 {
                text.push(',');
            }
            event::value::write_string(keys.value(at), &mut text);
            text.push(':');
            match values.is_valid(at) {
                true => event::value::write_string(values.value(at), &mut text),
                false => text.push_str("null"),
            }
        }
        text.push('}');
        out.try_append_value(&text)?;
    }
    Ok(Arc::new(out.finish()))
}
