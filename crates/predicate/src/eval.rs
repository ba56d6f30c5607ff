//! The meaning of a predicate: plain, slow, and right by definition.

use event::path::Path;
use event::value::{Value, View};

use crate::pattern::Pattern;
use crate::predicate::{Predicate, Relation};
use crate::test::number;

/// A record as the definition sees it: its raw text and its tree, with what the source derived added to it.
#[derive(Clone, Copy, Debug)]
pub struct Record<'v> {
    /// The text as framed.
    pub raw: &'v str,
    /// The values.
    pub value: &'v Value,
}

/// Whether the record is one of those chosen.
pub fn eval(predicate: &Predicate, record: Record<'_>) -> bool {
    match predicate {
        Predicate::All(parts) => parts.iter().all(|p| eval(p, record)),
        Predicate::Any(parts) => parts.iter().any(|p| eval(p, record)),
        Predicate::Not(inner) => !eval(inner, record),
        Predicate::Field(path, test) => record.value.walk(path).iter().any(|v| test.passes(&v.view())),
        Predicate::Compare(left, relation, right) => compare(record.value, left, *relation, right),
        Predicate::Same(path, inner) => record.value.walk(path).iter().any(|element| {
            let raw = element.compact();
            eval(inner, Record { raw: &raw, value: element })
        }),
        Predicate::AnyString(pattern) => any_string(record.value, pattern),
        Predicate::Raw(pattern) => pattern.matches(record.raw),
    }
}

fn compare(value: &Value, left: &Path, relation: Relation, right: &Path) -> bool {
    let rights: Vec<View<'_>> = value.walk(right).iter().map(|v| v.view()).collect();
    value.walk(left).iter().any(|l| rights.iter().any(|r| relation.holds(&l.view(), r)))
}

/// Whether some string or number in the value matches.
pub fn any_string(value: &Value, pattern: &Pattern) -> bool {
    let mut leaves = Vec::new();
    value.leaves(&mut leaves);
    leaves.iter().any(|leaf| leaf.view().scalar_text().is_some_and(|text| pattern.matches(text)))
}

impl Relation {
    /// Whether two values relate so; null, objects and arrays relate to nothing.
    pub fn holds(self, left: &View<'_>, right: &View<'_>) -> bool {
        if let Relation::Number(order) = self {
            let ordering = number(left).zip(number(right)).and_then(|(l, r)| l.compare(r));
            return ordering.is_some_and(|o| order.admits(o));
        }
        let (Some(l), Some(r)) = (left.scalar_text(), right.scalar_text()) else { return false };
        match self {
            Relation::Equal(case) => case.fold(l) == case.fold(r),
            Relation::Contains(case) => case.fold(l).contains(&*case.fold(r)),
            Relation::StartsWith(case) => case.fold(l).starts_with(&*case.fold(r)),
            Relation::EndsWith(case) => case.fold(l).ends_with(&*case.fold(r)),
            Relation::Number(_) => false,
        }
    }
}
