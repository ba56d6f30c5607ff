//! Fills a state with findings (a million unless a number is given) and prints how fast they come in and how long pages take.

#![allow(clippy::print_stdout, reason = "it prints")]

use std::error::Error;
use std::sync::Arc;
use std::time::Instant;

use state::{Filter, FindingRow, Identity, Kind, Role, Sort, State, Status, SystemEntropy};

fn row(n: u64) -> FindingRow {
    let spread = n.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 20;
    FindingRow {
        uid: format!("{spread:016x}{n:016x}"),
        rule: format!("rule-{}", spread % 5_000),
        title: format!("user/{} did something to role/{}", spread % 9_973, n % 1_009),
        severity: (spread % 5 + 1) as u8,
        account: format!("{:012}", spread % 1_000),
        region: format!("region-{}", spread % 30),
        principal: format!("user/{}", spread % 9_973),
        source: "aws_cloudtrail".into(),
        source_ip: "192.0.2.1".into(),
        resource: format!("role/{}", n % 1_009),
        // Two years of findings, which come about in the order of their time.
        first_ms: 1_700_000_000_000 + (n * 63_000 + spread % 3_600_000) as i64,
        last_ms: 1_700_000_100_000 + (n * 63_000 + spread % 86_400_000) as i64,
        count: spread % 100_000 + 1,
        document: format!("{{\"n\":{n},\"text\":\"{}\"}}", "x".repeat(200)),
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let n_rows: u64 = std::env::args().nth(1).map_or(Ok(1_000_000), |n| n.parse())?;
    let folder = tempfile::tempdir()?;
    let state = State::open(&folder.path().join("state.sqlite"), Arc::new(SystemEntropy), 0)?;
    let all = Identity { kind: Kind::User, name: "all".into(), role: Role::Admin, accounts: None };
    let one = Identity { accounts: Some(vec![format!("{:012}", 7)]), ..all.clone() };
    let start = Instant::now();
    for from in (0..n_rows).step_by(10_000) {
        let rows: Vec<FindingRow> = (from..n_rows.min(from + 10_000)).map(row).collect();
        state.upsert(&rows, 1)?;
        if from % 100_000 == 0 {
            println!("{from} after {:.1} s", start.elapsed().as_secs_f64());
        }
    }
    println!("{n_rows} findings in {:.1} s", start.elapsed().as_secs_f64());
    let new = Filter { status: vec![Status::New], ..Filter::default() };
    let open = Filter { status: vec![Status::New, Status::Notified, Status::InProgress], ..Filter::default() };
    let asked = [
        ("open", &all, open, Sort::Worst),
        ("worst", &all, Filter::default(), Sort::Worst),
        ("new", &all, new, Sort::Worst),
        ("rule", &all, Filter { rule: Some("rule-42".into()), ..Filter::default() }, Sort::Worst),
        ("one account", &one, Filter::default(), Sort::Worst),
        ("latest", &all, Filter::default(), Sort::Latest),
        ("most", &all, Filter::default(), Sort::Most),
        ("text", &all, Filter { text: Some("user/77".into()), ..Filter::default() }, Sort::Worst),
        ("text that is nowhere", &all, Filter { text: Some("nowhere".into()), ..Filter::default() }, Sort::Worst),
    ];
    for (name, of, filter, sort) in asked {
        let (mut took_ms, mut cursor) = (Vec::new(), None);
        for _ in 0..if name.contains("nowhere") { 3 } else { 40 } {
            let start = Instant::now();
            let page = state.findings(of, &filter, sort, cursor.as_deref(), 50)?;
            took_ms.push(start.elapsed().as_secs_f64() * 1e3);
            cursor = page.next;
        }
        took_ms.sort_by(f64::total_cmp);
        println!("{name}: p50 {:.2} ms, p95 {:.2} ms", took_ms[took_ms.len() / 2], took_ms[took_ms.len() * 95 / 100]);
    }
    let start = Instant::now();
    state.finding_counts(&all)?;
    println!("counts: {:.2} ms", start.elapsed().as_secs_f64() * 1e3);
    for (name, of, days) in [("figures of 30 days", &all, 30), ("of a year", &all, 366), ("of an account", &one, 366)] {
        let start = Instant::now();
        state.kpis(of, days, 1_700_000_000_000 + (n_rows * 63_000) as i64)?;
        println!("{name}: {:.2} ms", start.elapsed().as_secs_f64() * 1e3);
    }
    let start = Instant::now();
    state.findings_by_rule(&all)?;
    println!("by rule: {:.2} ms", start.elapsed().as_secs_f64() * 1e3);
    Ok(())
}
