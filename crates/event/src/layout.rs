//! Which values are found while a record is scanned, and which only when somebody looks.
//!
//! Most records match no rule, so only the few paths that decide this are filled from each record.
//! The rest is grouped by its first name (`requestParameters`), and a group is filled when the first of its slots is read.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use crate::path::{Path, Step};
use crate::scan::{ScanError, Shape, Slot, Slots, Spans};
use crate::value::{Value, View};

/// Paths, each numbered once.
#[derive(Clone, Debug, Default)]
pub struct Paths {
    list: Vec<Path>,
    by_path: HashMap<Path, Slot>,
}

impl Paths {
    /// The slot of a path.
    pub fn slot(&mut self, path: &Path) -> Slot {
        if let Some(slot) = self.by_path.get(path) {
            return *slot;
        }
        let slot = self.list.len() as Slot;
        self.list.push(path.clone());
        self.by_path.insert(path.clone(), slot);
        slot
    }

    /// All paths, in the order of their slots.
    pub fn list(&self) -> &[Path] {
        &self.list
    }
}

/// What is known of the place that the logs are from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Estate {
    /// The accounts that belong to it: to share with these is not to share with outsiders.
    pub accounts: BTreeSet<String>,
}

/// Values that the source works out of a whole record, as one JSON object.
pub type Derive = fn(&Value, &Estate) -> Value;

/// What a source derives, and the name under which rules find it.
#[derive(Clone, Copy, Debug)]
pub struct Derived {
    /// The first name of the derived paths.
    pub name: &'static str,
    /// Works it out.
    pub derive: Derive,
}

/// Paths arranged for filling.
#[derive(Clone, Debug)]
pub struct Layout {
    paths: Vec<Path>,
    eager: Shape,
    groups: Vec<Group>,
    /// The group of each slot, plus one; 0 for those filled from each record.
    group_of: Vec<u16>,
    derived: Option<Derived>,
    estate: Arc<Estate>,
}

#[derive(Clone, Debug)]
struct Group {
    /// The slot that holds the object the group lies in; none for what is derived.
    root: Option<Slot>,
    shape: Shape,
}

impl Layout {
    /// Arranges paths: those that `eager` names, and those of one name, are filled from each record.
    pub fn new(paths: &Paths, eager: impl Fn(Slot) -> bool, derived: Option<Derived>, estate: Arc<Estate>) -> Layout {
        let paths = paths.list.clone();
        let mut at_once: Vec<(Path, Slot)> = Vec::new();
        let mut grouped: Vec<(&str, Vec<(Path, Slot)>)> = Vec::new();
        let mut group_of = vec![0u16; paths.len()];
        for (path, slot) in paths.iter().zip(0..) {
            let first = match path.steps().first() {
                Some(Step::Name(name)) => &**name,
                _ => "",
            };
            let is_derived = derived.is_some_and(|d| d.name == first);
            let n_names = path.steps().iter().filter(|s| **s != Step::Each).count();
            if first.is_empty() || (!is_derived && (n_names == 1 || eager(slot))) {
                at_once.push((path.clone(), slot));
                continue;
            }
            let mut spellings = path.spellings().into_iter();
            let behind = spellings.next().map(|steps| Path::new(&steps[1..])).unwrap_or(Path::new([]));
            // A record cannot claim what is derived, in whatever spelling.
            let spellings = spellings.filter(|_| !is_derived);
            at_once.extend(spellings.map(|steps| (Path::new(steps), slot)));
            let group = grouped.iter().position(|(name, _)| *name == first).unwrap_or_else(|| {
                grouped.push((first, Vec::new()));
                grouped.len() - 1
            });
            grouped[group].1.push((behind, slot));
            group_of[slot as usize] = group as u16 + 1;
        }
        let mut groups = Vec::new();
        let mut n_slots = paths.len() as Slot;
        for (name, members) in &grouped {
            let shape = Shape::new(members.iter().map(|(path, slot)| (path, *slot)));
            if derived.is_some_and(|d| d.name == *name) {
                groups.push(Group { root: None, shape });
                continue;
            }
            at_once.push((Path::plain_key(name), n_slots));
            groups.push(Group { root: Some(n_slots), shape });
            n_slots += 1;
        }
        let eager = Shape::new(at_once.iter().map(|(path, slot)| (path, *slot)));
        Layout { paths, eager, groups, group_of, derived, estate }
    }

    /// Empty slots for this layout.
    pub fn slots(&self) -> Slots {
        Slots::new(self.n_slots(), self.groups.len())
    }

    /// How many slots there are.
    pub fn n_slots(&self) -> usize {
        self.paths.len() + self.groups.len()
    }

    /// Scans the record at `at` into the slots and returns the offset behind it.
    pub fn fill(&self, text: &[u8], at: usize, slots: &mut Slots) -> Result<usize, ScanError> {
        slots.clear();
        self.eager.fill(text, at, slots)
    }

    /// The slots that take the value of a column of a table, by its name.
    pub fn column(&self, name: &str) -> Vec<Slot> {
        let is_column = |path: &Path| match path.steps() {
            [Step::Name(have)] | [Step::Name(have), Step::Each] => **have == *name,
            _ => false,
        };
        self.paths.iter().zip(0..).filter(|(path, _)| is_column(path)).map(|(_, slot)| slot).collect()
    }
}

/// The values of one record, filled as far as somebody looked.
pub struct Fields<'a> {
    /// The record's text, as framed.
    pub raw: &'a str,
    layout: &'a Layout,
    slots: &'a mut Slots,
    tree: Option<Value>,
    /// How the record becomes a tree: sources whose records are not JSON say how.
    parse: &'a dyn Fn(&str) -> Value,
}

impl<'a> Fields<'a> {
    /// The fields of a JSON record that was scanned into the slots.
    pub fn json(raw: &'a str, layout: &'a Layout, slots: &'a mut Slots) -> Fields<'a> {
        Fields { raw, layout, slots, tree: None, parse: &|raw| Value::parse(raw).unwrap_or(Value::Null) }
    }

    /// The fields of a record of another kind.
    pub fn new(raw: &'a str, layout: &'a Layout, slots: &'a mut Slots, parse: &'a dyn Fn(&str) -> Value) -> Fields<'a> {
        Fields { raw, layout, slots, tree: None, parse }
    }

    /// The number of the record.
    #[inline]
    pub fn epoch(&self) -> u32 {
        self.slots.epoch()
    }

    /// Whether an object in the record held one key twice.
    pub fn duplicate_key(&self) -> bool {
        self.slots.duplicate_key
    }

    /// The slots, after the group of this one is filled, and the record's text.
    #[inline]
    pub fn at(&mut self, slot: Slot) -> (&Slots, &'a str) {
        let group = self.layout.group_of[slot as usize];
        if group != 0 && self.slots.mark_filled(usize::from(group) - 1) {
            self.fill_group(usize::from(group) - 1);
        }
        (self.slots, self.raw)
    }

    /// The places of the values in a slot.
    #[inline]
    pub fn spans(&mut self, slot: Slot) -> Spans<'_> {
        self.at(slot).0.spans(slot)
    }

    /// Whether some value in the slot passes.
    #[inline]
    pub fn any(&mut self, slot: Slot, mut passes: impl FnMut(&View<'_>) -> bool) -> bool {
        let (slots, raw) = self.at(slot);
        slots.spans(slot).any(|span| passes(&slots.view(span, raw)))
    }

    /// The text of the first value in the slot, when it is a string, number or boolean.
    pub fn text(&mut self, slot: Slot) -> Option<std::borrow::Cow<'_, str>> {
        let (slots, raw) = self.at(slot);
        slots.text(slot, raw)
    }

    /// The whole record as a tree, what is derived included; made once.
    pub fn tree(&mut self) -> &Value {
        let (raw, parse, layout) = (self.raw, self.parse, self.layout);
        self.tree.get_or_insert_with(|| with_derived(parse(raw), layout.derived, &layout.estate))
    }

    #[cold]
    fn fill_group(&mut self, group: usize) {
        let group = &self.layout.groups[group];
        let Some(root) = group.root else {
            let Some(derived) = self.layout.derived else { return };
            // Who asks for this often keeps the record, and then needs its tree too.
            let text = self.tree().get(derived.name).unwrap_or(&Value::Null).compact();
            group.shape.fill_derived(text, self.slots).expect("what our own code derives is JSON");
            return;
        };
        let spans: Vec<_> = self.slots.spans(root).collect();
        for span in spans {
            // The first scan checked that this is JSON, and a scalar in place of an object holds no values.
            if self.slots.json(span, self.raw).is_some() {
                group.shape.fill_inside(self.raw, span, self.slots).expect("scanned before");
            }
        }
    }
}

/// A record's tree with what is derived from it beside its own members.
pub fn with_derived(record: Value, derived: Option<Derived>, estate: &Estate) -> Value {
    let Some(derived) = derived else { return record };
    let extra = (derived.derive)(&record, estate);
    match record {
        Value::Object(mut members) => {
            // The name is ours: a record cannot claim it.
            members.retain(|(key, _)| key.split('.').next() != Some(derived.name));
            members.push((derived.name.to_owned(), extra));
            Value::Object(members)
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DERIVED: Derived = Derived {
        name: "ours",
        derive: |record, _| {
            let name = record.get("a").map_or(Value::Null, Clone::clone);
            Value::Object(vec![("copy".into(), name)])
        },
    };

    #[test]
    fn what_is_filled_late_equals_the_walk() {
        let names = ["a", "a.b", "a.b.c", "b.c", "ours.copy.b", "c.d"];
        let mut paths = Paths::default();
        for name in names {
            paths.slot(&Path::visiting(name));
            paths.slot(&Path::reaching(name));
        }
        let layout = Layout::new(&paths, |slot| slot == 6, Some(DERIVED), Arc::default());
        let mut slots = layout.slots();
        for text in [
            r#"{"a":{"b":[{"c":1},{"c":[2,3]}]},"b":{"c":"x"},"c":7}"#,
            r#"{"a":5,"b":[{"c":"x\u0041"}],"a.b":9,"ours":{"copy":{"b":"claimed"}},"ours.copy.b":"claimed"}"#,
            r#"{"a":[[{"b":1}],{"b":[]}],"a":{"b":2}}"#,
            "{}",
        ] {
            layout.fill(text.as_bytes(), 0, &mut slots).expect("JSON");
            let mut fields = Fields::json(text, &layout, &mut slots);
            let tree = fields.tree().clone();
            for (path, slot) in paths.list().iter().zip(0..) {
                let mut found = Vec::new();
                fields.any(slot, |view| {
                    found.push(format!("{view:?}"));
                    false
                });
                let mut defined: Vec<_> = tree.walk(path).iter().map(|v| format!("{:?}", v.view())).collect();
                found.sort();
                defined.sort();
                assert_eq!(found, defined, "{path} in {text}");
            }
        }
    }
}
