//! The value of a key in a column of maps from text to text.

use std::sync::Arc;

use datafusion::arrow::array::{
    Array, ArrayRef, AsArray, MapArray, OffsetSizeTrait, StringArray, StringViewArray, StringViewBuilder,
};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::DataType;
use datafusion::common::{Result, exec_err};
use datafusion::logical_expr::Expr;

use super::native::{Columns, Gives, Native, Take};
use crate::kind::{Kind, text_literal};

/// The first value of the key in each row's map.
pub fn map_get(map: Expr, key: &str) -> Expr {
    MAP_GET.call(vec![map, text_literal(key)])
}

/// What this file calls.
pub(super) const NATIVES: &[&Native] = &[&MAP_GET];

static MAP_GET: Native = Native {
    name: "lq_map_get",
    takes: &[Take::Any, Take::Kind(Kind::Text)],
    gives: Gives::Kind(Kind::Text),
    run: get,
};

fn get(args: &Columns) -> Result<ArrayRef> {
    let key = args.constant_text(1)?;
    let (array, single) = args.array(0);
    let Some(map) = array.as_map_opt() else { return exec_err!("a map is due and not {}", array.data_type()) };
    let at = match map.key_type() {
        DataType::Utf8 => in_strings(map, map.keys().as_string::<i32>(), key),
        DataType::LargeUtf8 => in_strings(map, map.keys().as_string::<i64>(), key),
        DataType::Utf8View => in_views(map, map.keys().as_string_view(), key),
        _ => {
            let keys = cast(map.keys(), &DataType::Utf8View)?;
            in_views(map, keys.as_string_view(), key)
        }
    };
    let row = |i: usize| at.get(if single { 0 } else { i }).copied().flatten();
    match map.value_type() {
        DataType::Utf8 => shared(args.n_rows, row, map.values().as_string::<i32>()),
        DataType::Utf8View => taken(args.n_rows, row, map.values().as_string_view()),
        _ => {
            let values = cast(map.values(), &DataType::Utf8View)?;
            taken(args.n_rows, row, values.as_string_view())
        }
    }
}

/// For each row the place of the key among all keys.
fn in_strings<O: OffsetSizeTrait>(
    map: &MapArray,
    keys: &datafusion::arrow::array::GenericStringArray<O>,
    key: &str,
) -> Vec<Option<usize>> {
    let (offsets, bytes) = (keys.value_offsets(), keys.value_data());
    let is_it = |at: usize| {
        let (from, to) = (offsets[at].as_usize(), offsets[at + 1].as_usize());
        to - from == key.len() && bytes[from..to] == *key.as_bytes()
    };
    places(map, is_it)
}

fn in_views(map: &MapArray, keys: &StringViewArray, key: &str) -> Vec<Option<usize>> {
    // A view holds the length and the first four bytes, which nearly always decide.
    let views = keys.views();
    let head = u64::from(key.len() as u32) | (prefix(key) << 32);
    places(map, |at| views[at] as u64 == head && keys.value(at) == key)
}

fn prefix(key: &str) -> u64 {
    key.bytes().take(4).enumerate().fold(0, |bits, (i, c)| bits | u64::from(c) << (8 * i))
}

fn places(map: &MapArray, is_it: impl Fn(usize) -> bool) -> Vec<Option<usize>> {
    let offsets = map.value_offsets();
    let of_row = |row: usize| {
        let keys = offsets[row] as usize..offsets[row + 1] as usize;
        if map.is_valid(row) { keys.into_iter().find(|at| is_it(*at)) } else { None }
    };
    (0..map.len()).map(of_row).collect()
}

/// Values that lie in one buffer stay there.
fn shared(n_rows: usize, row: impl Fn(usize) -> Option<usize>, values: &StringArray) -> Result<ArrayRef> {
    let buffer = values.values();
    if buffer.len() >= u32::MAX as usize {
        let views = cast(values, &DataType::Utf8View)?;
        return taken(n_rows, row, views.as_string_view());
    }
    let mut out = StringViewBuilder::with_capacity(n_rows);
    let block = out.append_block(buffer.clone());
    let offsets = values.value_offsets();
    for i in 0..n_rows {
        match row(i).filter(|at| values.is_valid(*at)) {
            Some(at) => out.try_append_view(block, offsets[at] as u32, (offsets[at + 1] - offsets[at]) as u32)?,
            None => out.append_null(),
        }
    }
    Ok(Arc::new(out.finish()))
}

fn taken(n_rows: usize, row: impl Fn(usize) -> Option<usize>, values: &StringViewArray) -> Result<ArrayRef> {
    let views = values.views();
    let picked = |i: usize| row(i).filter(|at| values.is_valid(*at));
    let nulls = (0..n_rows).map(|i| picked(i).is_some()).collect::<Vec<bool>>();
    let views = (0..n_rows).map(|i| picked(i).map_or(0, |at| views[at])).collect::<Vec<u128>>();
    let buffers = values.data_buffers().to_vec();
    Ok(Arc::new(StringViewArray::try_new(views.into(), buffers, Some(nulls.into()))?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::arrow::array::{GenericStringBuilder, MapBuilder};
    use datafusion::arrow::datatypes::Field;
    use datafusion::common::ScalarValue;
    use datafusion::common::config::ConfigOptions;
    use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs};

    fn of(map: ArrayRef, key: &str) -> Vec<Option<String>> {
        let n = map.len();
        let fields = vec![
            Arc::new(Field::new("m", map.data_type().clone(), true)),
            Arc::new(Field::new("k", DataType::Utf8View, true)),
        ];
        let args = ScalarFunctionArgs {
            args: vec![ColumnarValue::Array(map), ColumnarValue::Scalar(ScalarValue::Utf8View(Some(key.to_owned())))],
            arg_fields: fields,
            number_rows: n,
            return_field: Arc::new(Field::new("r", DataType::Utf8View, true)),
            config_options: Arc::new(ConfigOptions::default()),
        };
        let out = MAP_GET.udf().invoke_with_args(args).expect("it runs").into_array(n).expect("an array");
        out.as_string_view().iter().map(|v| v.map(str::to_owned)).collect()
    }

    #[test]
    fn the_first_of_a_key_wins_and_slices_count_from_where_they_begin() {
        let mut strings = MapBuilder::new(None, GenericStringBuilder::<i32>::new(), GenericStringBuilder::<i32>::new());
        let mut views = MapBuilder::new(None, StringViewBuilder::new(), StringViewBuilder::new());
        type Row<'a> = &'a [(&'a str, Option<&'a str>)];
        let rows: [Option<Row<'_>>; 4] = [
            Some(&[("a", Some("1")), ("a.long.key.of.many.letters", Some("a value that does not fit a view"))]),
            None,
            Some(&[("ab", None), ("a", Some("2")), ("a", Some("3"))]),
            Some(&[]),
        ];
        for row in rows {
            for (key, value) in row.unwrap_or_default() {
                strings.keys().append_value(key);
                strings.values().append_option(*value);
                views.keys().append_value(key);
                views.values().append_option(*value);
            }
            strings.append(row.is_some()).expect("as many keys as values");
            views.append(row.is_some()).expect("as many keys as values");
        }
        for map in [Arc::new(strings.finish()) as ArrayRef, Arc::new(views.finish())] {
            let text = |v: &str| Some(v.to_owned());
            assert_eq!(of(Arc::clone(&map), "a"), [text("1"), None, text("2"), None]);
            assert_eq!(of(Arc::clone(&map), "ab"), [None, None, None, None]);
            assert_eq!(of(Arc::clone(&map), "abc"), [None, None, None, None]);
            assert_eq!(of(map.slice(2, 2), "a"), [text("2"), None]);
            let long = of(map, "a.long.key.of.many.letters");
            assert_eq!(long[0], text("a value that does not fit a view"));
        }
    }
}
