//! A log source, and the list of all of them.

use event::event::{Description, Envelope, Issued};
use event::layout::{Derived, Fields};
use event::mapping::Mapping;
use event::scan::Slot;
use event::value::Value;
use predicate::predicate::{Predicate, Term};

/// Calls with names of resources.
pub type Targets = fn(&mut Fields<'_>, &[Slot], &mut dyn FnMut(&str));

/// What a log's records mean.
#[derive(Debug)]
pub struct Source {
    /// Its name, also that of its table: `aws_cloudtrail`.
    pub name: &'static str,
    /// The `product` of rules for it.
    pub product: &'static str,
    /// The `service` names of rules for it.
    pub services: &'static [&'static str],
    /// The paths that the envelope is read from, in the order that [`Source::envelope`] expects.
    pub envelope_paths: &'static [&'static str],
    /// Reads the envelope of a record; `slots` are those of `envelope_paths`.
    pub envelope: fn(&mut Fields<'_>, &[Slot], &mut Envelope),
    /// Says who acted and what was done, for people; called for few records only.
    pub describe: fn(&Value, &mut Description),
    /// What was done and how it failed, off the values in the slots of `envelope_paths`.
    pub brief: fn(&mut Fields<'_>, &[Slot]) -> (String, String),
    /// Calls with what it was done to, as [`Source::describe`] names it, off the values in the slots of `envelope_paths`.
    pub targets: Targets,
    /// Which records hand out credentials.
    pub issues: fn() -> Predicate,
    /// What such a record handed out.
    pub issued: fn(&Value) -> Option<Issued>,
    /// Derived yes-or-no fields that are predicates over native ones, by their names.
    pub terms: &'static [Term],
    /// What is worked out of a whole record.
    pub derived: Option<Derived>,
    /// How records become OCSF.
    pub mapping: &'static Mapping,
    /// A raw record as a tree.
    pub parse: fn(&str) -> Value,
}

/// Every source.
pub const ALL: &[&Source] = &[&crate::aws_cloudtrail::SOURCE, &crate::aws_vpc_flow::SOURCE];

impl Source {
    /// Whether rules for this log source are about this source; a name left out means any.
    pub fn is_meant(&self, product: Option<&str>, service: Option<&str>, category: Option<&str>) -> bool {
        let product_fits = product.is_none_or(|p| p.eq_ignore_ascii_case(self.product));
        let service_fits = service.is_none_or(|s| self.services.iter().any(|have| have.eq_ignore_ascii_case(s)));
        product_fits && service_fits && category.is_none()
    }
}
