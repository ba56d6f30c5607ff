//! Why a predicate holds of a record, or does not: its parts, each with what it says of the record and the values that it looked at.

use event::path::Path;
use event::value::Value;

use crate::eval::{Record, eval};
use crate::predicate::Predicate;

/// The most parts that are told of; what is left out is decided all the same.
const PARTS_MAX: usize = 2_000;
/// How deep parts lie in parts at most.
const DEPTH_MAX: usize = 64;
/// The most values of one condition.
const VALUES_MAX: usize = 10;
/// The most bytes of one value, and of one condition's text.
const TEXT_BYTES_MAX: usize = 1 << 10;
/// The most bytes of all values.
const VALUES_BYTES_MAX: usize = 256 << 10;

/// A part of a predicate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// What it is.
    pub kind: Kind,
    /// What it says: of a condition its canonical text.
    pub text: String,
    /// Whether it holds of the record.
    pub is_matched: bool,
    /// What the record has at the places that a condition looks at.
    pub values: Vec<String>,
    /// Its own parts.
    pub parts: Vec<Explanation>,
}

/// What a part is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// All parts must hold.
    All,
    /// One part must hold. Of a list whose elements are looked at one by one, each element is a part.
    Any,
    /// The part must not hold.
    Not,
    /// A test on values.
    Condition,
}

/// Explains; it agrees with [`eval`] on every part.
pub fn explain(predicate: &Predicate, record: Record<'_>) -> Explanation {
    let mut room = Room { parts: PARTS_MAX, bytes: VALUES_BYTES_MAX };
    room.explain(predicate, record, 0)
}

/// What may still be told.
struct Room {
    parts: usize,
    bytes: usize,
}

impl Room {
    fn explain(&mut self, predicate: &Predicate, record: Record<'_>, depth: usize) -> Explanation {
        self.parts = self.parts.saturating_sub(1);
        let (kind, text, values, parts) = match predicate {
            Predicate::All(inner) => (Kind::All, "all".to_owned(), Vec::new(), self.each(inner, record, depth)),
            Predicate::Any(inner) => (Kind::Any, "any".to_owned(), Vec::new(), self.each(inner, record, depth)),
            Predicate::Not(inner) => {
                (Kind::Not, "not".to_owned(), Vec::new(), self.each(std::slice::from_ref(inner), record, depth))
            }
            Predicate::Same(path, inner) => {
                (Kind::Any, format!("same {path}"), Vec::new(), self.elements(path, inner, record, depth))
            }
            Predicate::Field(path, _) => {
                (Kind::Condition, predicate.to_string(), self.values(&record.value.walk(path)), Vec::new())
            }
            Predicate::Compare(left, _, right) => {
                let mut found = record.value.walk(left);
                found.truncate(VALUES_MAX / 2);
                found.extend(record.value.walk(right));
                (Kind::Condition, predicate.to_string(), self.values(&found), Vec::new())
            }
            Predicate::AnyString(pattern) => {
                let mut leaves = Vec::new();
                record.value.leaves(&mut leaves);
                leaves.retain(|leaf| leaf.view().scalar_text().is_some_and(|text| pattern.matches(text)));
                (Kind::Condition, predicate.to_string(), self.values(&leaves), Vec::new())
            }
            Predicate::Raw(_) => (Kind::Condition, predicate.to_string(), Vec::new(), Vec::new()),
        };
        let is_matched = all_told(predicate, &parts).unwrap_or_else(|| eval(predicate, record));
        Explanation { kind, text: cut(text), is_matched, values, parts }
    }

    fn has_room(&self, depth: usize) -> bool {
        self.parts > 0 && depth < DEPTH_MAX
    }

    fn each<P: std::borrow::Borrow<Predicate>>(
        &mut self,
        inner: &[P],
        record: Record<'_>,
        depth: usize,
    ) -> Vec<Explanation> {
        let mut parts = Vec::new();
        for part in inner {
            if !self.has_room(depth) {
                break;
            }
            parts.push(self.explain(part.borrow(), record, depth + 1));
        }
        parts
    }

    fn elements(&mut self, path: &Path, inner: &Predicate, record: Record<'_>, depth: usize) -> Vec<Explanation> {
        let mut parts = Vec::new();
        for element in record.value.walk(path) {
            if !self.has_room(depth) {
                break;
            }
            let raw = element.compact();
            parts.push(self.explain(inner, Record { raw: &raw, value: element }, depth + 1));
        }
        parts
    }

    fn values(&mut self, found: &[&Value]) -> Vec<String> {
        let mut values = Vec::new();
        for value in found.iter().take(VALUES_MAX) {
            let text = cut(value.as_str().map_or_else(|| value.compact(), str::to_owned));
            if text.len() > self.bytes {
                break;
            }
            self.bytes -= text.len();
            values.push(text);
        }
        values
    }
}

/// What the parts add up to, if none was left out: what lies deep would be decided once for each level above it.
fn all_told(predicate: &Predicate, parts: &[Explanation]) -> Option<bool> {
    let mut matched = parts.iter().map(|part| part.is_matched);
    match predicate {
        Predicate::All(inner) => (parts.len() == inner.len()).then(|| matched.all(|is| is)),
        Predicate::Any(inner) => (parts.len() == inner.len()).then(|| matched.any(|is| is)),
        Predicate::Not(_) => matched.next().map(|is| !is),
        _ => None,
    }
}

fn cut(mut text: String) -> String {
    if text.len() > TEXT_BYTES_MAX {
        text.truncate(text.floor_char_boundary(TEXT_BYTES_MAX));
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::matcher::tests::{event, predicate};
    use crate::pattern::{Case, Pattern};
    use crate::test::Test;

    /// Each part says what the definition says, and the parts add up to the whole.
    fn check(explanation: &Explanation, predicate: &Predicate, record: Record<'_>) {
        assert_eq!(explanation.is_matched, eval(predicate, record), "{predicate}");
        let parts = &explanation.parts;
        let mut matched = parts.iter().map(|part| part.is_matched);
        let by_parts = match explanation.kind {
            Kind::All => matched.all(|is| is),
            Kind::Any => matched.any(|is| is),
            Kind::Not => matched.all(|is| !is),
            Kind::Condition => explanation.is_matched,
        };
        assert_eq!(explanation.is_matched, by_parts, "{predicate}");
        match predicate {
            Predicate::All(inner) | Predicate::Any(inner) => {
                assert_eq!(parts.len(), inner.len());
                parts.iter().zip(inner).for_each(|(part, inner)| check(part, inner, record));
            }
            Predicate::Not(inner) => check(&parts[0], inner, record),
            Predicate::Same(path, inner) => {
                let elements = record.value.walk(path);
                assert_eq!(parts.len(), elements.len());
                for (part, element) in parts.iter().zip(elements) {
                    check(part, inner, Record { raw: &element.compact(), value: element });
                }
            }
            Predicate::Field(path, _) => assert_eq!(explanation.values.len(), record.value.walk(path).len().min(10)),
            Predicate::Compare(..) | Predicate::AnyString(_) | Predicate::Raw(_) => assert!(parts.is_empty()),
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 600, ..ProptestConfig::default() })]

        #[test]
        fn every_part_agrees_with_eval(predicate in predicate(), value in event()) {
            let raw = value.compact();
            let record = Record { raw: &raw, value: &value };
            check(&explain(&predicate, record), &predicate, record);
        }
    }

    fn named(path: &str, text: &str) -> Predicate {
        Predicate::Field(Path::visiting(path), Test::Text(Pattern::exact(text, Case::Insensitive)))
    }

    #[test]
    fn a_condition_shows_what_it_looked_at() {
        let value = Value::parse(r#"{"a":{"b":["x",{"c":1},null]}}"#).expect("JSON");
        let record = Record { raw: "", value: &value };
        let explained = explain(&Predicate::All(vec![named("a.b", "X"), named("a.d", "X").negate()]), record);
        assert!(explained.is_matched);
        assert_eq!(explained.parts[0].text, "~a[*].b[*] = \"x\"i");
        assert_eq!(explained.parts[0].values, ["x", "{\"c\":1}", "null"]);
        assert_eq!((explained.parts[1].kind, explained.parts[1].parts[0].is_matched), (Kind::Not, false));
        assert_eq!(explained.parts[1].parts[0].values, Vec::<String>::new());
    }

    #[test]
    fn what_is_large_is_cut_and_still_right() {
        let long = "é".repeat(600);
        let list = Value::Array((0..12).map(|_| Value::String(long.clone())).collect());
        let value = Value::Object(vec![("a".into(), list)]);
        let record = Record { raw: "", value: &value };
        let wide = Predicate::Any((0..2_100).map(|n| named("a", &n.to_string())).chain([named("a", &long)]).collect());
        let deep = (0..40).fold(wide, |inner, _| Predicate::All(vec![Predicate::Not(Box::new(inner))]));
        let explained = explain(&deep, record);
        assert_eq!(explained.is_matched, eval(&deep, record));
        let (mut n_parts, mut n_bytes) = (0, 0);
        let mut rest = vec![(&explained, 0)];
        while let Some((part, depth)) = rest.pop() {
            n_parts += 1;
            n_bytes += part.values.iter().map(String::len).sum::<usize>();
            assert!(depth <= DEPTH_MAX && part.text.len() <= TEXT_BYTES_MAX + 3 && part.values.len() <= VALUES_MAX);
            rest.extend(part.parts.iter().map(|part| (part, depth + 1)));
        }
        assert!(n_parts <= PARTS_MAX + 1 && n_bytes <= VALUES_BYTES_MAX, "{n_parts} {n_bytes}");
        let Predicate::Not(wide) = &deep_inner(&deep) else { panic!("it is a not") };
        let explained = explain(wide, record);
        assert!(explained.is_matched && explained.parts.len() < PARTS_MAX && !explained.parts[0].is_matched);
    }

    fn deep_inner(deep: &Predicate) -> Predicate {
        let mut at = deep;
        while let Predicate::All(parts) = at {
            match &parts[0] {
                Predicate::Not(inner) if matches!(**inner, Predicate::Any(_)) => return parts[0].clone(),
                Predicate::Not(inner) => at = inner,
                _ => break,
            }
        }
        at.clone()
    }
}
