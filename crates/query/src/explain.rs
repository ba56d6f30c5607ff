//! What a query would do and did: what each name was taken for, and table by table what was read and what could be left out.

use std::fmt::Write as _;

use datafusion::physical_plan::displayable;
use predicate::diagnostic::visible;
use tokio::time::Instant;

use crate::lower::{Taken, Window};
use crate::run::{Engine, Lang, Outcome, QueryError};
use crate::statistics::Statistics;

/// What a query means.
#[derive(Clone, Debug)]
pub struct Explained {
    /// What each name was taken for.
    pub taken: Vec<Taken>,
    /// The plan before it is divided among threads, as indented text.
    pub logical: String,
    /// The plan that would run.
    pub physical: String,
}

impl Engine {
    /// What a query means, without running it.
    ///
    /// # Errors
    /// As [`Engine::query`].
    pub async fn explain(&self, text: &str, lang: Lang, window: Window, now_ms: i64) -> Result<Explained, QueryError> {
        let deadline = Instant::now() + self.deadline();
        let planned = self.plan(text, lang, window, now_ms, deadline).await?;
        Ok(Explained {
            taken: planned.taken,
            logical: planned.logical.display_indent().to_string(),
            physical: displayable(planned.physical.as_ref()).indent(false).to_string(),
        })
    }
}

/// What names were taken for, a line each, those of the same name together.
pub fn names(taken: &[Taken]) -> String {
    let mut out = String::new();
    let mut done: Vec<&str> = Vec::new();
    for one in taken {
        if done.contains(&one.name.as_str()) {
            continue;
        }
        done.push(&one.name);
        let _ = writeln!(out, "{}", visible(&one.name));
        for same in taken.iter().filter(|same| same.name == one.name) {
            let _ = writeln!(out, "  in {}: {}", same.dataset, visible(&same.meaning));
        }
    }
    out
}

/// What was read, table by table; call it after the last row.
pub fn read(outcome: &Outcome) -> String {
    let mut out = String::new();
    for (table, of) in outcome.statistics_by_table() {
        let _ = writeln!(out, "{table}: {}", line(&of));
    }
    out
}

/// Statistics on one line.
pub fn line(of: &Statistics) -> String {
    format!(
        "{} rows matched of {} scanned; files {} read, {} skipped; row groups {} read, {} skipped; bytes {} read, {} skipped",
        of.rows_matched,
        of.rows_scanned,
        of.files_read,
        of.files_skipped,
        of.row_groups_read,
        of.row_groups_skipped,
        of.bytes_read,
        of.bytes_skipped
    )
}
