//! What a reader may see: rows of some accounts and no others, whatever the query says.
//!
//! The test stands below everything that a query can name, as a part of the table itself, so that no join, subquery or expression goes around it.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{DFSchema, Result, internal_err};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType, col, lit};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_plan::filter::FilterExec;
use datafusion::physical_plan::projection::ProjectionExec;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties};

use crate::tables::{Dataset, PlainTable};

/// The column that names the account of a row.
const ACCOUNT: &str = "event_account";
/// The name of the node of a plan below which there are rows of others.
pub(crate) const BARRIER: &str = "AccountsExec";

impl Dataset {
    /// The rows of these accounts.
    ///
    /// # Errors
    /// When the table cannot be planned.
    pub fn of_accounts(self, accounts: &[String]) -> Result<Dataset> {
        Ok(Dataset { provider: scoped(self.provider, accounts)?, ..self })
    }
}

impl PlainTable {
    /// The rows of these accounts; nothing where rows do not say whose they are.
    ///
    /// # Errors
    /// When the table cannot be planned.
    pub fn of_accounts(self, accounts: &[String]) -> Result<Option<PlainTable>> {
        if self.provider.schema().index_of(ACCOUNT).is_err() {
            return Ok(None);
        }
        Ok(Some(PlainTable { provider: scoped(self.provider, accounts)?, ..self }))
    }
}

fn scoped(inner: Arc<dyn TableProvider>, accounts: &[String]) -> Result<Arc<dyn TableProvider>> {
    let list: Vec<Expr> = accounts.iter().map(|account| lit(account.as_str())).collect();
    // Of no account there is nothing to see.
    let test = if list.is_empty() { lit(false) } else { col(ACCOUNT).in_list(list, false) };
    inner.schema().index_of(ACCOUNT)?;
    Ok(Arc::new(Scoped { inner, test }))
}

/// A table of which only some rows are there.
///
/// What a reader asks is tried on these rows alone: an expression that fails on a row tells of the row, so none may be tried before the test of
/// accounts, which the optimizer would do with any view.
#[derive(Debug)]
struct Scoped {
    inner: Arc<dyn TableProvider>,
    test: Expr,
}

#[async_trait]
impl TableProvider for Scoped {
    fn schema(&self) -> SchemaRef {
        self.inner.schema()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    // The table below narrows the files by the times in them; it tries them on no row.
    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        Ok(vec![TableProviderFilterPushDown::Inexact; filters.len()])
    }

    async fn scan(
        &self,
        session: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        _limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let schema = self.inner.schema();
        let account = schema.index_of(ACCOUNT)?;
        let asked = projection.cloned().unwrap_or_else(|| (0..schema.fields().len()).collect());
        let mut read = asked.clone();
        if !read.contains(&account) {
            read.push(account);
        }
        let rows = self.inner.scan(session, Some(&read), filters, None).await?;
        let test = session.create_physical_expr(self.test.clone(), &DFSchema::try_from(rows.schema())?)?;
        let rows: Arc<dyn ExecutionPlan> = Arc::new(FilterExec::try_new(test, rows)?);
        let schema = rows.schema();
        let column = |at: usize| {
            let name = schema.field(at).name();
            (Arc::new(Column::new(name, at)) as Arc<dyn PhysicalExpr>, name.clone())
        };
        let rows = Arc::new(ProjectionExec::try_new((0..asked.len()).map(column).collect::<Vec<_>>(), rows)?);
        Ok(Arc::new(Barrier(rows)))
    }
}

/// Rows as they come. No filter, limit or statistic goes through it.
#[derive(Debug)]
struct Barrier(Arc<dyn ExecutionPlan>);

impl DisplayAs for Barrier {
    fn fmt_as(&self, _t: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(BARRIER)
    }
}

impl ExecutionPlan for Barrier {
    fn name(&self) -> &str {
        BARRIER
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.0.properties()
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.0]
    }

    fn apply_expressions(
        &self,
        _f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        vec![true]
    }

    fn with_new_children(self: Arc<Self>, children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        match <[Arc<dyn ExecutionPlan>; 1]>::try_from(children) {
            Ok([input]) => Ok(Arc::new(Barrier(input))),
            Err(children) => internal_err!("a barrier is before one input and not {}", children.len()),
        }
    }

    fn execute(&self, partition: usize, ctx: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        self.0.execute(partition, ctx)
    }
}
