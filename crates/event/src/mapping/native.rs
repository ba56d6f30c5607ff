//! A record as the functions and tests of a mapping see it: what lies at native paths.

use std::borrow::Cow;

use super::convert;
use crate::path::Path;
use crate::value::{Value, View};

/// Values of a record by their native path. They are found by whoever scans the record, or in its tree.
pub trait Natives {
    /// The first value at a path, if it is a string, number, boolean or null.
    fn scalar(&self, path: &str) -> Option<View<'_>>;

    /// Whether one of the values at a path passes: a key that is given twice has two. Objects and lists do not show what is in them.
    fn any(&self, path: &str, passes: &mut dyn FnMut(&View<'_>) -> bool) -> bool;
}

/// The text at a native path, where [`super::Type::Text`] would take it.
pub fn text_at<'r>(record: &'r dyn Natives, path: &str) -> Option<Cow<'r, str>> {
    convert::text(record.scalar(path)?)
}

impl Natives for Value {
    fn scalar(&self, path: &str) -> Option<View<'_>> {
        shallow(super::at(self, path)?)
    }

    fn any(&self, path: &str, passes: &mut dyn FnMut(&View<'_>) -> bool) -> bool {
        let view = |value: &Value| passes(&shallow(value).unwrap_or(View::Json(Cow::Borrowed(""))));
        self.walk(&Path::plain(path)).into_iter().any(view)
    }
}

/// How a test sees a scalar; nothing of an object or list.
fn shallow(value: &Value) -> Option<View<'_>> {
    (!matches!(value, Value::Array(_) | Value::Object(_))).then(|| value.view())
}
