//! Findings, as they change, into the state.

use std::sync::Arc;

use event::finding::Finding;
use state::{FindingRow, State};

use super::engine::Outlet;
use crate::cli::VERSION;

/// The state as it takes findings.
pub struct Ledger {
    state: Arc<State>,
}

impl Ledger {
    /// Findings go there.
    pub fn new(state: Arc<State>) -> Ledger {
        Ledger { state }
    }
}

impl Outlet for Ledger {
    fn findings(&self, findings: &[Finding], now_ms: i64) -> anyhow::Result<()> {
        let rows: Vec<FindingRow> = findings.iter().map(row).collect();
        self.state.upsert(&rows, now_ms)?;
        Ok(())
    }
}

fn row(finding: &Finding) -> FindingRow {
    let document = finding.page(VERSION, &finding.related);
    FindingRow::of(finding, document.to_string())
}
