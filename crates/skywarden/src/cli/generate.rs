//! `generate`: realistic logs with an attack in them.

use std::io::Write;
use std::path::PathBuf;

use anyhow::{Context, bail};
use clap::Args as ClapArgs;
use event::time::DAY_MS;

use super::End;

/// `generate`
#[derive(Debug, ClapArgs)]
pub struct Args {
    /// The folder to write into; made when it does not exist
    dir: PathBuf,
    /// The same seed gives the same bytes
    #[arg(long, default_value_t = 7)]
    seed: u64,
    /// First day, UTC
    #[arg(long, default_value = "2026-11-01", value_name = "DATE")]
    start: String,
    /// Days
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..))]
    days: u32,
    /// CloudTrail events in all, about
    #[arg(long, default_value_t = 60_000)]
    events: u64,
    /// Flow-log rows in all, about
    #[arg(long, default_value_t = 120_000)]
    flows: u64,
    /// Leave the attack out
    #[arg(long)]
    no_attack: bool,
}

/// Events and rows of the demo: few, so that it is there at once.
const DEMO: (u64, u64) = (30_000, 40_000);

/// Writes the logs of the demo: of the two days before today.
pub fn write_demo(folder: &std::path::Path, now_ms: i64) -> anyhow::Result<()> {
    let today_ms = now_ms.div_euclid(DAY_MS) * DAY_MS;
    let options = generate::Options {
        start_ms: today_ms - 2 * DAY_MS,
        events: DEMO.0,
        flows: DEMO.1,
        ..generate::Options::default()
    };
    generate::write(&options, folder).context("cannot write the logs of the demo")?;
    Ok(())
}

/// Writes the logs.
pub fn run(args: &Args) -> anyhow::Result<End> {
    let Some(start_ms) = event::time::parse(&args.start) else {
        bail!("cannot read --start {:?}: give a date such as 2026-11-01", args.start);
    };
    let options = generate::Options {
        seed: args.seed,
        start_ms,
        days: args.days,
        events: args.events,
        flows: args.flows,
        attack: if args.no_attack { generate::Scenario::None } else { generate::Scenario::Takeover },
        ..generate::Options::default()
    };
    if std::fs::read_dir(&args.dir).is_ok_and(|mut files| files.next().is_some()) {
        tell!("note: {} is not empty: what is in it stays, but for files of the same names", args.dir.display());
    }
    let written = generate::write(&options, &args.dir)
        .with_context(|| format!("cannot generate logs into {}", args.dir.display()))?;
    writeln!(
        std::io::stdout(),
        "Wrote {} files into {}: {} CloudTrail events ({} of them the attack's), {} flow-log rows.",
        written.files,
        args.dir.display(),
        written.events,
        written.attack_events,
        written.flows,
    )?;
    Ok(End::Ok)
}
