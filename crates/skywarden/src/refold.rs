//! Findings of the lake: the hits of a day, folded. They are a function of what is kept, so a day is folded anew when it has new hits,
//! and a finding that comes out as it was adds nothing.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::sync::Arc;

use anyhow::Context;
use arrow::array::{Array, ArrayRef, AsArray, Int64Array, RecordBatch, StringArray};
use detect::findings::{Findings, Folded};
use detect::fold::Fold;
use event::finding::{Finding, RELATED_EVENTS_MAX, Severity, Uid};
use event::time::DAY_MS;
use lake::rows::identity;
use lake::{Bound, ColumnDef, ColumnType, Counts, Lake, LakeFile, Snapshot, Table, TableDef};
use state::{FindingRow, State};

use crate::keep::{HITS, fixed, times};
use crate::pipeline::Plan;
use crate::replay::{Record, Replay};

/// The table of findings.
pub const FINDINGS: &str = "findings";
/// Findings that are committed at once, and their documents.
const COMMIT_ROWS: usize = 5_000;
const COMMIT_BYTES: usize = 16 << 20;
/// Findings that are handed on at once.
const TAKEN_AT_ONCE: usize = 200;
/// Findings that are given back: the worst.
const LISTED_MAX: usize = 1_000;
/// The feed position of a day: how many hits it had when it was folded.
const FOLDED: &str = "folded-";
/// The source of what the server finds about itself.
pub const OWN: &str = "skywarden";
/// The feed position of a server's state: the number up to which the lake was told what it says.
const TOLD: &str = "state";

/// What folding did.
#[derive(Debug, Default)]
pub struct Refolded {
    /// The worst findings of the days that were folded.
    pub worst: Vec<Finding>,
    /// How many findings those days have.
    pub total: u64,
    /// How many of them are new or say something new.
    pub changed: u64,
    /// Hits of rules that are not loaded now.
    pub without_rule: u64,
}

/// Folds the days that have other hits than when they were last folded, and keeps what came of it.
pub fn refold(lake: &Lake, plan: &Plan<'_>, now_ms: i64, version: &str) -> anyhow::Result<Refolded> {
    let hits = lake.open_table(HITS).context("cannot open the hits")?.current()?;
    let table = lake.table(&table_def()).context("cannot open the findings")?;
    let now = table.current()?;
    let done = now.positions()?;
    let now_ms = behind_all(&now, now_ms)?;
    let mut due =
        Due { table, now_ms, version, findings: Vec::new(), positions: BTreeMap::new(), out: Refolded::default() };
    for (day, n_hits) in days(&hits)? {
        let position = format!("{FOLDED}{day}");
        if done.get(&position) == Some(&n_hits.to_string()) {
            continue;
        }
        let mut fold = Fold::new(Arc::clone(&plan.spill), plan.memory_bytes);
        due.out.without_rule += fold_day(&hits, plan, day, &mut fold)?;
        let findings = fold.finish(&plan.rules.rules, |_| None)?;
        for one in findings.iter()? {
            due.add(with_events(one?, &findings)?)?;
        }
        // Only now are all findings of the day on their way.
        due.positions.insert(position, n_hits.to_string());
    }
    due.commit()?;
    Ok(due.out)
}

/// Folds all hits, a day at a time, and hands the findings on, some at a time; how many there are.
pub fn fold_all(
    lake: &Lake,
    plan: &Plan<'_>,
    mut take: impl FnMut(&[Finding]) -> anyhow::Result<()>,
) -> anyhow::Result<u64> {
    if !lake.tables()?.iter().any(|name| name == HITS) {
        return Ok(0);
    }
    let hits = lake.open_table(HITS).context("cannot open the hits")?.current()?;
    let (mut n, mut some) = (0, Vec::new());
    for day in days(&hits)?.into_keys() {
        let mut fold = Fold::new(Arc::clone(&plan.spill), plan.memory_bytes);
        fold_day(&hits, plan, day, &mut fold)?;
        let findings = fold.finish(&plan.rules.rules, |_| None)?;
        for one in findings.iter()? {
            some.push(with_events(one?, &findings)?);
            if some.len() >= TAKEN_AT_ONCE {
                n += some.len() as u64;
                take(&some)?;
                some.clear();
            }
        }
    }
    take(&some)?;
    Ok(n + some.len() as u64)
}

/// When new rows are written: behind all that are there, for the newest row of a finding is what it says now, and a clock may be set back.
fn behind_all(findings: &Snapshot, now_ms: i64) -> anyhow::Result<i64> {
    let of = |file: &LakeFile| match file.upper("event_ingested_at") {
        Some(Bound::Timestamp(us)) => Some(us.div_euclid(1_000) + 1),
        _ => None,
    };
    let files = findings.files(i64::MIN, i64::MAX)?;
    Ok(files.iter().filter_map(of).fold(now_ms, i64::max))
}

/// A finding with as many of its events as the document of it carries.
fn with_events(one: Folded, findings: &Findings<'_>) -> io::Result<Finding> {
    let related = findings.events(&one)?.take(RELATED_EVENTS_MAX).collect::<io::Result<_>>()?;
    Ok(Finding { related, ..one.finding })
}

/// Findings that wait to be committed, and the days that are folded with them.
struct Due<'v> {
    table: Table,
    now_ms: i64,
    version: &'v str,
    findings: Vec<Finding>,
    positions: BTreeMap<String, String>,
    out: Refolded,
}

impl Due<'_> {
    fn add(&mut self, finding: Finding) -> anyhow::Result<()> {
        self.findings.push(finding);
        if self.findings.len() >= COMMIT_ROWS { self.commit() } else { Ok(()) }
    }

    fn commit(&mut self) -> anyhow::Result<()> {
        let said: Vec<FindingRow> = self.findings.iter().map(|finding| said(finding, self.version)).collect();
        let batch = rows(&said, self.now_ms);
        let counts = Counts { read: self.findings.len() as u64, ..Counts::default() };
        let positions = std::mem::take(&mut self.positions);
        let appended = self.table.append(vec![batch], counts, &positions).context("cannot keep findings")?;
        self.out.changed += appended.rows;
        self.out.total += self.findings.len() as u64;
        self.out.worst.append(&mut self.findings);
        self.out.worst.sort_by(|a, b| (b.severity, a.first_ms, &a.uid).cmp(&(a.severity, b.first_ms, &b.uid)));
        self.out.worst.truncate(LISTED_MAX);
        Ok(())
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

/// Folds the hits of a day, and tells how many are of rules that are not loaded.
pub fn fold_day(hits: &Snapshot, plan: &Plan<'_>, day: i64, fold: &mut Fold) -> anyhow::Result<u64> {
    let by_id: HashMap<&str, u32> = plan.rules.rules.iter().zip(0..).map(|(r, n)| (r.id.as_str(), n)).collect();
    let mut replay = Replay::new(plan);
    let mut without_rule = 0;
    let files = hits.files(day * DAY_MS, (day + 1) * DAY_MS)?;
    for batch in hits.scan(files, &["rule_uid", "event_source", "event_uid", "event_format", "raw"])? {
        let batch = batch?;
        let text = |at: usize| -> &StringArray { batch.column(at).as_string() };
        let (rule, source, uid, format, raw) = (text(0), text(1), text(2), text(3), text(4));
        for row in 0..batch.num_rows() {
            let Some(number) = by_id.get(rule.value(row)) else {
                without_rule += 1;
                continue;
            };
            let format = if format.is_null(row) { "" } else { format.value(row) };
            let record =
                Record { source: source.value(row), uid: Uid::new(uid.value(row)), format, raw: raw.value(row) };
            replay.hit(*number, record, fold)?;
        }
    }
    Ok(without_rule)
}

fn table_def() -> TableDef {
    let text = |name: &str| ColumnDef::new(name, ColumnType::Text);
    let time = |name: &str| ColumnDef::new(name, ColumnType::Timestamp);
    let columns = vec![
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
    ];
    TableDef::new(FINDINGS, columns)
}

/// What a finding says, for whoever keeps it.
pub fn said(finding: &Finding, version: &str) -> FindingRow {
    FindingRow::of(finding, finding.page(version, &finding.related).to_string())
}

/// Tells the lake what the state says of findings since it was last told, and gives how many of them are new or say something new.
///
/// The server folds hits as they come, so that nothing has to be folded for it. What it says about itself is in the state alone.
pub fn publish(lake: &Lake, state: &State, now_ms: i64, is_stopped: &dyn Fn() -> bool) -> anyhow::Result<u64> {
    let table = lake.table(&table_def()).context("cannot open the findings")?;
    let now = table.current()?;
    let told = now.positions()?.get(TOLD).and_then(|seq| seq.parse().ok()).unwrap_or(0);
    let mut at_ms = behind_all(&now, now_ms)?;
    // A state that was put back has said less than the lake was told.
    let mut seq: i64 = if told > state.last_seq()? { 0 } else { told };
    let mut changed = 0;
    while !is_stopped() {
        let (mut findings, last) = state.said_since(seq, COMMIT_ROWS, COMMIT_BYTES)?;
        if last == seq {
            break;
        }
        seq = last;
        findings.retain(|finding| finding.source != OWN);
        let counts = Counts { read: findings.len() as u64, ..Counts::default() };
        let positions = BTreeMap::from([(TOLD.to_owned(), last.to_string())]);
        let appended = table.append(vec![rows(&findings, at_ms)], counts, &positions);
        changed += appended.context("cannot keep findings")?.rows;
        at_ms += 1;
    }
    Ok(changed)
}

/// Findings as rows. What one says is its identity, so that saying it again adds nothing.
fn rows(findings: &[FindingRow], now_ms: i64) -> RecordBatch {
    let identity_of = |f: &FindingRow| identity(&[f.uid.as_bytes()], &[f.document.as_bytes()]);
    let identities: Vec<[u8; 16]> = findings.iter().map(identity_of).collect();
    let us = |of: fn(&FindingRow) -> i64| times(findings.iter().map(|f| of(f).saturating_mul(1_000)).collect());
    let text = |of: fn(&FindingRow) -> &str| -> ArrayRef {
        Arc::new(findings.iter().map(|f| Some(of(f))).collect::<StringArray>())
    };
    let long = |of: fn(&FindingRow) -> i64| -> ArrayRef { Arc::new(findings.iter().map(of).collect::<Int64Array>()) };
    let severity = |f: &FindingRow| Severity::ALL.into_iter().find(|severity| severity.id() == f.severity);
    let captions: StringArray = findings.iter().map(|f| severity(f).map(Severity::caption)).collect();
    let arrays: Vec<ArrayRef> = vec![
        us(|f| f.first_ms.div_euclid(DAY_MS) * DAY_MS),
        fixed(&identities),
        times(vec![now_ms.saturating_mul(1_000); findings.len()]),
        text(|f| &f.uid),
        text(|f| &f.rule),
        long(|f| i64::from(f.severity)),
        Arc::new(captions),
        text(|f| &f.title),
        us(|f| f.first_ms),
        us(|f| f.last_ms),
        long(|f| f.count as i64),
        text(|f| &f.document),
    ];
    RecordBatch::try_new(table_def().arrow_schema(), arrays).expect("one array for each column")
}

#[cfg(test)]
#[path = "refold_tests.rs"]
mod tests;
