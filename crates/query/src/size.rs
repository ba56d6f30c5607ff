//! How large the plan of a text becomes: a query of a `WITH` is planned anew wherever it is named, so a short text may name a table a million times.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::aggregates::AggregateExec;
use datafusion::sql::sqlparser::ast::{ObjectName, Query, Statement, TableFactor, Visit as _, Visitor};

/// The most reads of tables that a plan may have.
pub(crate) const READS_MAX: usize = 200;
/// The most sets of groups of one `GROUP BY`: `CUBE` has two to the power of its columns. Each row is held once a set before its memory is counted.
pub(crate) const SETS_MAX: usize = 32;

/// How often the plan of a statement reads a table.
pub(crate) fn reads(statement: &Statement) -> usize {
    let mut reads = Reads { open: Vec::new(), whole: 0 };
    let ControlFlow::Continue(()) = statement.visit(&mut reads);
    reads.whole
}

/// The most sets of groups of a plan.
pub(crate) fn sets(plan: &Arc<dyn ExecutionPlan>) -> usize {
    let own = plan.downcast_ref::<AggregateExec>().map_or(0, |of| of.group_expr().groups().len());
    plan.children().into_iter().map(sets).fold(own, usize::max)
}

/// A query that is being looked at.
#[derive(Default)]
struct Open {
    /// The names of its `WITH`, the next to be known last.
    coming: Vec<String>,
    /// Those that are known, with the reads of each.
    known: HashMap<String, usize>,
    reads: usize,
}

struct Reads {
    /// Innermost last.
    open: Vec<Open>,
    whole: usize,
}

impl Visitor for Reads {
    type Break = std::convert::Infallible;

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<Self::Break> {
        let tables = query.with.iter().flat_map(|with| &with.cte_tables);
        let coming = tables.rev().map(|table| table.alias.name.value.to_ascii_lowercase()).collect();
        self.open.push(Open { coming, ..Open::default() });
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _: &Query) -> ControlFlow<Self::Break> {
        let reads = self.open.pop().map_or(0, |query| query.reads);
        match self.open.last_mut() {
            None => self.whole = self.whole.saturating_add(reads),
            // Those of the `WITH` are visited before all others, and count where they are named.
            Some(outer) => match outer.coming.pop() {
                Some(name) => drop(outer.known.insert(name, reads)),
                None => outer.reads = outer.reads.saturating_add(reads),
            },
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<Self::Break> {
        let TableFactor::Table { name, .. } = factor else { return ControlFlow::Continue(()) };
        let known = plain(name).and_then(|name| self.open.iter().rev().find_map(|query| query.known.get(&name)));
        let reads = known.copied().unwrap_or(1).max(1);
        if let Some(query) = self.open.last_mut() {
            query.reads = query.reads.saturating_add(reads);
        }
        ControlFlow::Continue(())
    }
}

/// A name of one part, in small letters.
fn plain(name: &ObjectName) -> Option<String> {
    let [part] = name.0.as_slice() else { return None };
    part.as_ident().map(|ident| ident.value.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use datafusion::sql::sqlparser::dialect::GenericDialect;
    use datafusion::sql::sqlparser::parser::Parser;

    use super::*;

    fn of(text: &str) -> usize {
        reads(&Parser::parse_sql(&GenericDialect {}, text).expect("SQL")[0])
    }

    #[test]
    fn what_is_named_again_is_read_again() {
        assert_eq!(of("select 1"), 0);
        assert_eq!(of("select * from a join b on a.x = b.x union all select * from (select * from c)"), 3);
        assert_eq!(of("select * from a where x in (select x from b where y = (select 1 from c))"), 3);
        assert_eq!(
            of("with w as (select * from a, b) select * from w x join W y using (k) where 1 in (select 1 from w)"),
            6
        );
        assert_eq!(
            of(
                "with v as (select 1 from a), w as (with v as (select 1 from a, a) select * from v, v) select * from v, w"
            ),
            5
        );
        assert_eq!(of("with w as (select 1) select * from w, w"), 2, "what reads nothing is planned too");
        let doubled = |n: usize| {
            let next = |at| format!(", w{at} as (select x.k from w{} x join w{} y using (k))", at - 1, at - 1);
            let all: String = (1..=n).map(next).collect();
            format!("with w0 as (select k from a){all} select * from w{n}")
        };
        assert_eq!(of(&doubled(10)), 1 << 10);
        assert_eq!(of(&doubled(100)), usize::MAX);
    }
}
