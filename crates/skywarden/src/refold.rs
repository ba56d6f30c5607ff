//! Findings of the lake: the hits of a day, folded. They are a function of what is kept, so a day is folded anew when it has new hits,
//! and a finding that comes out as it was adds nothing.

use std::collections::{BTreeMap, HashMap};

use anyhow::Context;
use arrow::array::{Array, AsArray, RecordBatch, StringArray};
use detect::fold::{Fold, Folded};
use event::finding::Finding;
use lake::rows::identity;
use lake::{ColumnDef, ColumnType, Counts, Lake, Snapshot, Table};

use crate::keep::{HITS, fixed, times};
use crate::pipeline::Plan;
use crate::replay::{Record, Replay};

/// The table of findings.
pub const FINDINGS: &str = "findings";
/// Findings that are committed at once.
const COMMIT_ROWS: usize = 20_000;
/// Milliseconds of a day.
const DAY_MS: i64 = 86_400_000;
/// The feed position of a day: how many hits it had when it was folded.
const FOLDED: &str = "folded-";

/// What folding did.
#[derive(Debug, Default)]
pub struct Refolded {
    /// The findings of the days that were folded, worst first.
    pub findings: Vec<Finding>,
    /// How many of them are new or say something new.
    pub changed: u64,
    /// Hits of rules that are not loaded now.
    pub without_rule: u64,
}

/// Folds the days that have other hits than when they were last folded, and keeps what came of it.
pub fn refold(lake: &Lake, plan: &Plan<'_>, now_ms: i64, version: &str) -> anyhow::Result<Refolded> {
    let hits = lake.open_table(HITS).context("cannot open the hits")?.current()?;
    let table = lake.table(&table_def()).context("cannot open the findings")?;
    let done = table.current()?.positions()?;
    let mut out = Refolded::default();
    let mut due = Due::default();
    for (day, n_hits) in days(&hits)? {
        let position = format!("{FOLDED}{day}");
        if done.get(&position) == Some(&n_hits.to_string()) {
            continue;
        }
        let folded = fold(&hits, plan, day, &mut out.without_rule)?;
        due.batches.push(rows(&folded, now_ms, version));
        due.rows += folded.len();
        due.positions.insert(position, n_hits.to_string());
        out.findings.extend(folded.into_iter().map(|folded| folded.finding));
        if due.rows >= COMMIT_ROWS {
            out.changed += std::mem::take(&mut due).commit(&table)?;
        }
    }
    out.changed += due.commit(&table)?;
    out.findings.sort_by(|a, b| (b.severity, a.first_ms, &a.uid).cmp(&(a.severity, b.first_ms, &b.uid)));
    Ok(out)
}

/// Findings that wait to be committed, with the days they are of.
#[derive(Default)]
struct Due {
    batches: Vec<RecordBatch>,
    rows: usize,
    positions: BTreeMap<String, String>,
}

impl Due {
    fn commit(self, table: &Table) -> anyhow::Result<u64> {
        let counts = Counts { read: self.rows as u64, ..Counts::default() };
        Ok(table.append(self.batches, counts, &self.positions).context("cannot keep findings")?.rows)
    }
}

/// The days with hits, and how many there are.
fn days(hits: &Snapshot) -> anyhow::Result<BTreeMap<i64, u64>> {
    let mut days = BTreeMap::new();
    for file in hits.files(i64::MIN, i64::MAX)? {
        let day = file.day.context("a file of hits belongs to no day: another engine wrote it")?;
        *days.entry(i64::from(day)).or_default() += file.rows;
    }
    Ok(days)
}

fn fold(hits: &Snapshot, plan: &Plan<'_>, day: i64, without_rule: &mut u64) -> anyhow::Result<Vec<Folded>> {
    let by_id: HashMap<&str, u32> = plan.rules.rules.iter().zip(0..).map(|(r, n)| (r.id.as_str(), n)).collect();
    let mut replay = Replay::new(plan);
    let mut fold = Fold::default();
    let files = hits.files(day * DAY_MS, (day + 1) * DAY_MS)?;
    for batch in hits.scan(files, &["rule_uid", "event_source", "event_uid", "event_format", "raw"])? {
        let batch = batch?;
        let text = |at: usize| -> &StringArray { batch.column(at).as_string() };
        let (rule, source, uid, format, raw) = (text(0), text(1), text(2), text(3), text(4));
        for row in 0..batch.num_rows() {
            let Some(number) = by_id.get(rule.value(row)) else {
                *without_rule += 1;
                continue;
            };
            let format = if format.is_null(row) { "" } else { format.value(row) };
            let record = Record { source: source.value(row), uid: uid.value(row), format, raw: raw.value(row) };
            replay.hit(*number, record, &mut fold)?;
        }
    }
    Ok(fold.finish(&plan.rules.rules).0)
}

fn table_def() -> lake::TableDef {
    let text = |name: &str| ColumnDef::new(name, ColumnType::Text);
    let time = |name: &str| ColumnDef::new(name, ColumnType::Timestamp);
    lake::TableDef::new(
        FINDINGS,
        vec![
            time("time_dt").required().doc("the day of the finding"),
            ColumnDef::new("event_identity", ColumnType::Fixed16).required().doc("hash of the finding and what it says"),
            time("event_ingested_at").doc("when it was folded; the newest row of a finding is what it says now"),
            text("finding_uid").bloom().doc("hash of rule, entity and day"),
            text("rule_uid").bloom(),
            ColumnDef::new("severity_id", ColumnType::Long),
            text("severity"),
            text("title"),
            time("first_seen_time_dt"),
            time("last_seen_time_dt"),
            ColumnDef::new("count", ColumnType::Long).doc("how many events"),
            text("raw").required().without_stats().doc("the OCSF Detection Finding"),
        ],
    )
}

/// Findings as rows. What one says is its identity, so that saying it again adds nothing.
fn rows(folded: &[Folded], now_ms: i64, version: &str) -> RecordBatch {
    let findings: Vec<&Finding> = folded.iter().map(|folded| &folded.finding).collect();
    let ocsf: Vec<String> = findings.iter().map(|f| f.to_ocsf(version).first().map(ToString::to_string).unwrap_or_default()).collect();
    let identities: Vec<[u8; 16]> = findings.iter().zip(&ocsf).map(|(f, raw)| identity(&[f.uid.as_bytes()], &[raw.as_bytes()])).collect();
    let us = |of: fn(&Finding) -> i64| findings.iter().map(|f| of(f).saturating_mul(1_000)).collect::<Vec<i64>>();
    let text = |of: fn(&Finding) -> &str| -> arrow::array::ArrayRef {
        std::sync::Arc::new(findings.iter().map(|f| Some(of(f))).collect::<StringArray>())
    };
    let long = |values: Vec<i64>| -> arrow::array::ArrayRef { std::sync::Arc::new(arrow::array::Int64Array::from(values)) };
    let arrays: Vec<arrow::array::ArrayRef> = vec![
        times(us(|f| f.first_ms.div_euclid(DAY_MS) * DAY_MS)),
        fixed(&identities),
        times(vec![now_ms.saturating_mul(1_000); findings.len()]),
        text(|f| &f.uid),
        text(|f| &f.rule_id),
        long(findings.iter().map(|f| i64::from(f.severity.id())).collect()),
        text(|f| f.severity.caption()),
        text(|f| &f.title),
        times(us(|f| f.first_ms)),
        times(us(|f| f.last_ms)),
        long(findings.iter().map(|f| f.count as i64).collect()),
        std::sync::Arc::new(ocsf.iter().map(Some).collect::<StringArray>()),
    ];
    RecordBatch::try_new(table_def().arrow_schema(), arrays).expect("one array for each column")
}
