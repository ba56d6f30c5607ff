//! What must hold at the end of a run: it is what a run of the same records comes to in which nothing goes wrong.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use anyhow::{Context, ensure};
use arrow::array::{Array, AsArray};
use arrow::datatypes::{DataType, Int64Type};
use detect::spill::InMemory;
use event::finding::{Finding, RELATED_EVENTS_MAX};
use lake::{Env, FsckOptions, Lake, Mode};
use object_store::memory::InMemory as Objects;
use state::{Filter, Identity, Kind, Role, Sort};

use super::server::{Process, Sim};
use super::traffic::Delivery;
use super::world::World;
use crate::cli::VERSION;
use crate::keep::{HITS, Keep, QUARANTINE};
use crate::pipeline::{Hits, Piece, Plan, Progress, scan_bound};
use crate::refold::FINDINGS;

/// What a lake holds, in order.
type Contents = BTreeMap<&'static str, Vec<String>>;
/// What findings say, by their ids.
type Said = BTreeMap<String, String>;

/// The tables and the columns that tell their rows apart.
const TABLES: [(&str, &[&str]); 4] = [
    ("aws_cloudtrail", &["raw"]),
    ("aws_vpc_flow", &["raw"]),
    (HITS, &["rule_uid", "event_source", "event_uid", "raw"]),
    (QUARANTINE, &["event_source", "reason", "event_object", "records", "raw"]),
];

/// Compares a run that was healed with one in which nothing went wrong.
pub fn check(sim: &Sim) -> anyhow::Result<()> {
    let process = sim.process.as_ref().context("the server runs")?;
    let found = contents(&process.lake)?;
    let kept = kept(sim, &found)?;
    known(&kept, sim, &found)?;
    let (expected, findings) = reference(sim, &kept)?;
    for (table, rows) in &expected {
        same(&format!("rows of {table}"), rows, &found[table])?;
    }
    let said = said(process)?;
    same("findings", &lines(&findings), &lines(&said))?;
    let upkeep = sim.upkeep(process);
    upkeep.publish().context("findings cannot be told the lake although all is well")?;
    same("findings of the lake", &lines(&findings), &lines(&folded(&process.lake)?))?;
    upkeep.tidy().context("the lake cannot be tidied although all is well")?;
    let tidied = contents(&process.lake)?;
    ensure!(tidied == found, "tidying changes what the lake holds");
    let ledger = crate::ledger::ledger(&process.lake)?;
    ensure!(ledger.iter().all(crate::ledger::Entry::is_balanced), "the ledger does not balance: {ledger:?}");
    let fsck = process.lake.fsck(&FsckOptions::default())?;
    ensure!(fsck.is_sound(), "the lake is not sound: {:?}", fsck.problems);
    let log = process.wal.stats();
    // The newest segment goes when the next is begun, which may have to wait for the next delivery.
    ensure!(log.n_segments <= 1, "the log is not released: {log:?}");
    Ok(())
}

/// The deliveries that must be in the lake, and those that may be and are: each once.
fn kept<'s>(sim: &'s Sim, found: &Contents) -> anyhow::Result<Vec<&'s Delivery>> {
    let all: BTreeSet<&str> = found.values().flatten().map(String::as_str).collect();
    let is_there = |delivery: &Delivery| {
        let has = |text: &String| all.contains(text.as_str()) || all.iter().any(|row| row.ends_with(text.as_str()));
        delivery.trail.iter().chain(&delivery.flow).chain(&delivery.poison).all(has)
    };
    let sent =
        sim.sent.iter().filter(|sent| sent.is_acknowledged || is_there(&sent.delivery)).map(|sent| &sent.delivery);
    Ok(sent.chain(sim.files.iter().map(|handed| &handed.delivery)).collect())
}

/// Records are in the lake as their makers know them, once each.
fn known(kept: &[&Delivery], sim: &Sim, found: &Contents) -> anyhow::Result<()> {
    let mut trail: BTreeSet<String> = kept.iter().flat_map(|delivery| delivery.trail.iter().cloned()).collect();
    for piece in super::super::lock(&sim.others).iter() {
        trail.extend(String::from_utf8_lossy(&piece.bytes).lines().map(str::to_owned));
    }
    same("records of CloudTrail", &Vec::from_iter(trail), &found["aws_cloudtrail"])?;
    // Rows have no ids: those of two objects are two, and those of the same object are the same.
    let objects: BTreeSet<&Vec<String>> = kept.iter().map(|delivery| &delivery.flow).collect();
    let mut flow: Vec<String> = objects.into_iter().flatten().cloned().collect();
    flow.sort();
    same("rows of flow logs", &flow, &found["aws_vpc_flow"])?;
    for text in kept.iter().flat_map(|delivery| &delivery.poison) {
        let n = found[QUARANTINE].iter().filter(|row| row.ends_with(text.as_str())).count();
        ensure!(n == 1, "{n} times in the quarantine: {text}");
    }
    Ok(())
}

/// What the same records come to when nothing goes wrong.
fn reference(sim: &Sim, kept: &[&Delivery]) -> anyhow::Result<(Contents, Said)> {
    let options = lake::Options {
        objects: Some(Arc::new(Objects::new())),
        env: World::new(0, false) as Arc<dyn Env>,
        ..lake::Options::default()
    };
    let lake = Lake::open_with("memory://lake", Mode::Create, options)?;
    let loaded = sim.rules()?;
    let mut objects = BTreeSet::new();
    let is_new = |piece: &Piece| objects.insert((piece.name.clone(), piece.bytes.clone()));
    let handed = |delivery: &Delivery| {
        let name = format!("s3://bucket/{}", delivery.name);
        let is_file = sim.files.iter().any(|handed| handed.delivery.name == delivery.name);
        let file = |bytes: &Vec<u8>| Piece { name: name.clone(), trust: "aws", bytes: bytes.clone() };
        if is_file { delivery.pieces.iter().map(file).collect() } else { delivery.read() }
    };
    let mut pieces: Vec<Piece> = kept.iter().flat_map(|delivery| handed(delivery)).filter(is_new).collect();
    pieces.extend(super::super::lock(&sim.others).iter().cloned());
    let keep = Keep::new(&lake, 0)?;
    let plan = Plan {
        pieces,
        keep: Some(&keep),
        hits: Hits::KeptAndFolded,
        n_threads: 1,
        spill: Arc::new(InMemory::default()),
        ..Plan::new(&loaded.set)
    };
    let outcome = scan_bound(&plan, &loaded.bound, &Progress::default())?;
    keep.close()?;
    let findings = outcome.fold.finish(&loaded.set.rules, |_| None)?;
    let mut said = Said::new();
    for folded in findings.iter()? {
        let folded = folded?;
        let related = findings.events(&folded)?.take(RELATED_EVENTS_MAX).collect::<Result<Vec<_>, _>>()?;
        let Finding { uid, first_ms, last_ms, count, .. } = &folded.finding;
        let document = folded.finding.page(VERSION, &related).to_string();
        said.insert(uid.clone(), says(*first_ms, *last_ms, *count as i64, &document));
    }
    Ok((contents(&lake)?, said))
}

fn says(first_ms: i64, last_ms: i64, count: i64, document: &str) -> String {
    format!("{count} events {first_ms}..{last_ms} {document}")
}

/// What the state says, but for what the server says of itself.
fn said(process: &Process) -> anyhow::Result<Said> {
    let everybody = Identity { kind: Kind::User, name: "anna".into(), role: Role::Admin, accounts: None };
    let mut said = Said::new();
    let mut cursor = None;
    loop {
        let page = process.state.findings(&everybody, &Filter::default(), Sort::Worst, cursor.as_deref(), 200)?;
        for shown in page.findings {
            let row = shown.row;
            if !row.rule.starts_with("skywarden.") {
                said.insert(row.uid, says(row.first_ms, row.last_ms, row.count as i64, &row.document));
            }
        }
        match page.next {
            Some(next) => cursor = Some(next),
            None => return Ok(said),
        }
    }
}

/// What the lake says of findings: the newest row of each.
fn folded(lake: &Lake) -> anyhow::Result<Said> {
    let snapshot = lake.open_table(FINDINGS)?.current()?;
    let columns = ["event_ingested_at", "finding_uid", "first_seen_time_dt", "last_seen_time_dt", "count", "raw"];
    let mut newest: BTreeMap<String, (i64, String)> = BTreeMap::new();
    for batch in snapshot.scan(snapshot.files(i64::MIN, i64::MAX)?, &columns)? {
        let batch = batch?;
        let text = |at: usize, row: usize| batch.column(at).as_string::<i32>().value(row).to_owned();
        let number = |at: usize, row: usize| match batch.column(at).data_type() {
            DataType::Int64 => batch.column(at).as_primitive::<Int64Type>().value(row),
            _ => batch.column(at).as_primitive::<arrow::datatypes::TimestampMicrosecondType>().value(row) / 1_000,
        };
        for row in 0..batch.num_rows() {
            let says = says(number(2, row), number(3, row), number(4, row), &text(5, row));
            let at_ms = number(0, row);
            let have = newest.entry(text(1, row)).or_insert((at_ms, says.clone()));
            if at_ms >= have.0 {
                *have = (at_ms, says);
            }
        }
    }
    Ok(newest.into_iter().map(|(uid, (_, says))| (uid, says)).collect())
}

fn contents(lake: &Lake) -> anyhow::Result<Contents> {
    let mut contents = Contents::new();
    for (name, columns) in TABLES {
        let snapshot = lake.open_table(name)?.current()?;
        let mut rows = Vec::new();
        for batch in snapshot.scan(snapshot.files(i64::MIN, i64::MAX)?, columns)? {
            let batch = batch?;
            for row in 0..batch.num_rows() {
                let cells = batch.columns().iter().map(|column| cell(column, row));
                rows.push(cells.collect::<Vec<_>>().join(" "));
            }
        }
        rows.sort();
        contents.insert(name, rows);
    }
    Ok(contents)
}

fn cell(column: &dyn Array, row: usize) -> String {
    match column.data_type() {
        _ if column.is_null(row) => "-".into(),
        DataType::Int64 => column.as_primitive::<Int64Type>().value(row).to_string(),
        DataType::Binary => String::from_utf8_lossy(column.as_binary::<i32>().value(row)).into_owned(),
        _ => column.as_string::<i32>().value(row).to_owned(),
    }
}

fn lines(said: &Said) -> Vec<String> {
    said.iter().map(|(uid, says)| format!("{uid} {says}")).collect()
}

/// Two sorted lists are the same; else what only one of them has.
fn same(what: &str, expected: &[String], found: &[String]) -> anyhow::Result<()> {
    if expected == found {
        return Ok(());
    }
    let mut counts: BTreeMap<&str, i64> = BTreeMap::new();
    expected.iter().for_each(|text| *counts.entry(text).or_default() -= 1);
    found.iter().for_each(|text| *counts.entry(text).or_default() += 1);
    let differ = counts.into_iter().filter(|(_, n)| *n != 0).take(8);
    let told: Vec<String> = differ.map(|(text, n)| format!("  {n:+} {text}")).collect();
    anyhow::bail!("{what}: {} are expected, {} are there:\n{}", expected.len(), found.len(), told.join("\n"))
}
