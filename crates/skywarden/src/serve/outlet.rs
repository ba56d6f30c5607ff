//! Findings, as they change, into the state.

use std::sync::Arc;

use event::finding::Finding;
use state::{FindingRow, State};

use super::engine::Outlet;
use crate::cli::VERSION;
use crate::refold::said;

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
        let rows: Vec<FindingRow> = findings.iter().map(|finding| said(finding, VERSION)).collect();
        self.state.upsert(&rows, now_ms)?;
        Ok(())
    }
}
