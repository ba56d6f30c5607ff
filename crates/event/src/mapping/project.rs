//! From a native record to an OCSF event.

use std::collections::HashSet;

use serde_json::{Map, Value as Json, json};

use super::convert::{Made, adopt, convert, time_text};
use super::{Entry, Expr, Mapping, Type, When, at, beside, twin};
use crate::ocsf::{Class, OBSERVABLE, OcsfVersion, class};
use crate::value::{Value, View};

impl Mapping {
    /// The OCSF event of a record. What no target takes up is in `unmapped`, as dotted path and text.
    pub fn project(&self, record: &Value, version: OcsfVersion) -> Json {
        let mut projection = Projection { event: Json::Object(Map::new()), taken: HashSet::new() };
        projection.apply(self.entries, record);
        let Projection { mut event, taken } = projection;
        set(&mut event, "metadata.version", json!(version.text()));
        set(&mut event, "metadata.profiles", json!(self.profiles));
        let observables = self.observables(&event);
        if !observables.is_empty() {
            set(&mut event, "observables", Json::Array(observables));
        }
        let unmapped = unmapped(record, &taken);
        if !unmapped.is_empty() {
            set(&mut event, "unmapped", Json::Object(unmapped));
        }
        event
    }

    /// The same, with the record's text in `raw_data`.
    pub fn project_with_raw(&self, record: &Value, raw: &str, version: OcsfVersion) -> Json {
        let mut event = self.project(record, version);
        set(&mut event, "raw_data", json!(raw));
        event
    }

    fn observables(&self, event: &Json) -> Vec<Json> {
        let present = self.observables.iter().filter_map(|(path, id)| Some((path, id, get(event, path)?)));
        present
            .map(|(path, id, value)| json!({"name": path, "type": OBSERVABLE.caption(*id), "type_id": id, "value": value}))
            .collect()
    }
}

/// An event on its way.
struct Projection {
    event: Json,
    /// The native values that a target has taken up, by where they lie: a path may lead to several values of a duplicate key.
    taken: HashSet<*const Value>,
}

impl Projection {
    fn apply(&mut self, entries: &'static [Entry], record: &Value) {
        for entry in entries {
            if get(&self.event, entry.to).is_none() && self.holds(entry.when, record) {
                let made = self.eval(&entry.from, entry.ty, record);
                made.into_iter().for_each(|made| self.place(entry.to, made));
            }
        }
    }

    fn holds(&self, when: When, record: &Value) -> bool {
        match when {
            When::Always => true,
            When::Class(uids) => self.class().is_some_and(|class| uids.contains(&class.uid)),
            When::Has(path) => at(record, path).is_some_and(|value| *value != Value::Null),
            When::Without(targets) => targets.iter().all(|target| get(&self.event, target).is_none()),
            When::Is(_, test) => test(record),
            When::IsIn(uids, _, test) => self.holds(When::Class(uids), record) && test(record),
        }
    }

    fn class(&self) -> Option<&'static Class> {
        class(self.event.get("class_uid")?.as_i64()?)
    }

    /// The value of an expression, and its native values marked as taken up.
    fn eval<'r>(&mut self, expr: &'static Expr, ty: Type, record: &'r Value) -> Option<Made<'r>> {
        match expr {
            Expr::Path(path) => {
                let value = at(record, path)?;
                self.take(value, convert(value.view(), ty, self.class()))
            }
            Expr::FirstOf(each) => each.iter().find_map(|expr| self.eval(expr, ty, record)),
            Expr::Const(text) => convert(View::String((*text).into()), ty, self.class()),
            Expr::Table { of, rows } => {
                let value = at(record, of)?;
                let row = value.view().scalar_text().and_then(|text| rows.iter().find(|(native, _)| *native == text));
                let caption = row.map(|(_, caption)| View::String((*caption).into()));
                self.take(value, convert(caption.unwrap_or_else(|| value.view()), ty, self.class()))
            }
            Expr::Each { of, entries, need } => self.each(at(record, of)?, entries, need),
            Expr::Split { of, by, part } => {
                let value = at(record, of)?;
                let part = value.as_str()?.split(*by).nth(*part)?;
                convert(View::String(part.into()), ty, self.class())
            }
            Expr::Function { reads, call, .. } => {
                let made = adopt(call(record)?, ty, self.class())?;
                self.taken.extend(reads.iter().filter_map(|path| at(record, path)).map(std::ptr::from_ref));
                Some(made)
            }
        }
    }

    fn take<'r>(&mut self, value: &Value, made: Option<Made<'r>>) -> Option<Made<'r>> {
        if made.is_some() {
            self.taken.insert(value);
        }
        made
    }

    fn each<'r>(&mut self, list: &Value, entries: &'static [Entry], need: &[&str]) -> Option<Made<'r>> {
        let Value::Array(items) = list else { return None };
        let mut objects = Vec::new();
        for item in items {
            let mut inner = Projection { event: Json::Object(Map::new()), taken: HashSet::new() };
            inner.apply(entries, item);
            if need.iter().any(|target| get(&inner.event, target).is_some()) {
                self.taken.extend(inner.taken);
                objects.push(inner.event);
            }
        }
        (!objects.is_empty()).then_some(Made::Objects(objects))
    }

    fn place(&mut self, to: &str, made: Made<'_>) {
        match made {
            Made::Text(text) => set(&mut self.event, to, json!(text)),
            Made::Integer(n) => set(&mut self.event, to, json!(n)),
            Made::Boolean(yes) => set(&mut self.event, to, json!(yes)),
            Made::Texts(texts) => set(&mut self.event, to, json!(texts)),
            Made::Objects(objects) => set(&mut self.event, to, Json::Array(objects)),
            Made::Time(ms) => {
                set(&mut self.event, to, json!(ms));
                set(&mut self.event, &twin(to), time_text(ms));
            }
            Made::Enum(id, caption, sibling) => {
                if let Some(class) = self.class().filter(|_| to == "activity_id") {
                    set(&mut self.event, "type_uid", json!(class.type_uid(id)));
                    let activity = class.activities.caption(id).unwrap_or(&caption);
                    set(&mut self.event, "type_name", json!(class.type_name(activity)));
                }
                set(&mut self.event, to, json!(id));
                set(&mut self.event, &beside(to, sibling), json!(caption));
            }
            Made::Class(class) => {
                set(&mut self.event, to, json!(class.uid));
                set(&mut self.event, "class_name", json!(class.caption));
                set(&mut self.event, "category_uid", json!(class.category_uid));
                set(&mut self.event, "category_name", json!(class.category));
            }
        }
    }
}

fn get<'e>(event: &'e Json, path: &str) -> Option<&'e Json> {
    path.split('.').try_fold(event, |value, key| value.get(key))
}

/// Sets the value at a dotted path and makes the objects on the way.
fn set(event: &mut Json, path: &str, value: Json) {
    let mut place = event;
    for key in path.split('.') {
        if !place.is_object() {
            *place = Json::Object(Map::new());
        }
        place = &mut place[key];
    }
    *place = value;
}

/// The objects that an [`Expr::Each`] makes of a native list.
pub(super) fn objects(list: &Value, entries: &'static [Entry], need: &[&str]) -> Option<Vec<Json>> {
    let mut projection = Projection { event: Json::Null, taken: HashSet::new() };
    match projection.each(list, entries, need)? {
        Made::Objects(objects) => Some(objects),
        _ => None,
    }
}

/// Every native value that says something and that no target has taken up.
fn unmapped(record: &Value, taken: &HashSet<*const Value>) -> Map<String, Json> {
    let mut out = Map::new();
    let mut due = vec![(String::new(), record)];
    while let Some((path, value)) = due.pop() {
        if taken.contains(&std::ptr::from_ref(value)) {
            continue;
        }
        let inside = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
        match value {
            Value::Null => {}
            Value::Object(members) => due.extend(members.iter().rev().map(|(key, member)| (inside(key), member))),
            Value::Array(items) => {
                due.extend(items.iter().enumerate().rev().map(|(i, item)| (inside(&i.to_string()), item)));
            }
            scalar => {
                let text = scalar.view().scalar_text().unwrap_or_default().to_owned();
                out.entry(path).or_insert(Json::from(text));
            }
        }
    }
    out
}
