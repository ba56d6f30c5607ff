//! What a reader may see: rows of some accounts and no others, whatever the query says.
//!
//! The test stands below everything that a query can name, as a part of the table itself, so that no join, subquery or expression goes around it.

use std::sync::Arc;

use datafusion::catalog::TableProvider;
use datafusion::common::Result;
use datafusion::datasource::{ViewTable, provider_as_source};
use datafusion::logical_expr::{Expr, LogicalPlanBuilder, col, lit};

use crate::tables::{Dataset, PlainTable};

/// The column that names the account of a row.
const ACCOUNT: &str = "event_account";

impl Dataset {
    /// The rows of these accounts.
    ///
    /// # Errors
    /// When the table cannot be planned.
    pub fn of_accounts(self, accounts: &[String]) -> Result<Dataset> {
        Ok(Dataset { provider: scoped(&self.name, self.provider, accounts)?, ..self })
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
        Ok(Some(PlainTable { provider: scoped(&self.name, self.provider, accounts)?, ..self }))
    }
}

fn scoped(name: &str, provider: Arc<dyn TableProvider>, accounts: &[String]) -> Result<Arc<dyn TableProvider>> {
    let list: Vec<Expr> = accounts.iter().map(|account| lit(account.as_str())).collect();
    // Of no account there is nothing to see.
    let test = if list.is_empty() { lit(false) } else { col(ACCOUNT).in_list(list, false) };
    let plan = LogicalPlanBuilder::scan(name, provider_as_source(provider), None)?.filter(test)?.build()?;
    Ok(Arc::new(ViewTable::new(plan, None)))
}
