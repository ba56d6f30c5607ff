//! The ledger of a lake: what was read, and what became of it, by counts that know nothing of each other.
//!
//! `in` is counted where records are split, `lake` and `quarantined` are the rows that the tables' manifests and files have,
//! and `duplicates` is counted where a row is compared with those that are there. If they do not add up, something was lost or doubled.

use std::collections::BTreeMap;

use anyhow::Context;
use arrow::array::{Array, AsArray};
use arrow::datatypes::Int64Type;
use lake::{Lake, Snapshot};
use source::source;

use crate::keep::{QUARANTINE, UNKNOWN, counter};

/// What became of the records of one source.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Entry {
    /// The source; `unknown` where a record was taken for none.
    pub source: String,
    /// Records that were read.
    pub r#in: u64,
    /// Rows in its table.
    pub lake: u64,
    /// Records that were there already.
    pub duplicates: u64,
    /// Records that were set aside as they came.
    pub quarantined: u64,
    /// Records that were refused.
    pub rejected: u64,
    /// Rows that retention has removed.
    #[serde(skip_serializing_if = "is_zero")]
    pub removed: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
fn is_zero(n: &u64) -> bool {
    *n == 0
}

impl Entry {
    /// Whether every record that was read became just one of the others.
    pub fn is_balanced(&self) -> bool {
        self.r#in == self.lake + self.duplicates + self.quarantined + self.rejected + self.removed
    }
}

/// The ledger, one entry a source.
pub fn ledger(lake: &Lake) -> anyhow::Result<Vec<Entry>> {
    let tables = lake.tables()?;
    let open = |name: &str| -> anyhow::Result<Option<Snapshot>> {
        if !tables.iter().any(|table| table == name) {
            return Ok(None);
        }
        let table = lake.open_table(name).with_context(|| format!("cannot open table `{name}`"))?;
        Ok(Some(table.current()?))
    };
    let quarantine = open(QUARANTINE)?;
    let aside = quarantine.as_ref().map(rows_by_source).transpose()?.unwrap_or_default();
    let read_aside = quarantine.as_ref().map(Snapshot::counters).unwrap_or_default();
    let mut entries = Vec::new();
    for name in source::ALL.iter().map(|source| source.name).chain([UNKNOWN]) {
        let table = open(name)?;
        let counters = table.as_ref().map(Snapshot::counters).unwrap_or_default();
        let count = |counter: &str| counters.get(counter).copied().unwrap_or_default();
        let quarantined = aside.get(name).copied().unwrap_or_default();
        let in_aside = read_aside.get(&counter(name)).copied().unwrap_or_default();
        entries.push(Entry {
            source: name.to_owned(),
            r#in: count("in") + in_aside,
            lake: table.map(|table| table.rows()).transpose()?.unwrap_or_default(),
            duplicates: count("duplicates") + in_aside.saturating_sub(quarantined),
            quarantined,
            rejected: count("rejected"),
            removed: count("removed"),
        });
    }
    Ok(entries)
}

/// How many records are set aside, by the source they were taken for.
fn rows_by_source(quarantine: &Snapshot) -> anyhow::Result<BTreeMap<String, u64>> {
    let mut rows = BTreeMap::new();
    for batch in quarantine.scan(quarantine.files(i64::MIN, i64::MAX)?, &["event_source", "records"])? {
        let batch = batch?;
        let source = batch.column(0).as_string::<i32>();
        let records = batch.column(1).as_primitive::<Int64Type>();
        for row in 0..batch.num_rows() {
            let name = if source.is_null(row) { UNKNOWN } else { source.value(row) };
            *rows.entry(name.to_owned()).or_default() += records.value(row) as u64;
        }
    }
    Ok(rows)
}
