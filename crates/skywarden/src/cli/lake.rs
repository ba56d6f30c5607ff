//! `lake`: what a lake holds, and its upkeep.

use std::io::Write;

use anyhow::Context;
use clap::{Args as ClapArgs, Subcommand, ValueEnum};
use lake::{Lake, Mode};
use predicate::diagnostic::visible;

use super::{End, export, upkeep};
use crate::ledger::ledger;

/// `lake …`
#[derive(Debug, Subcommand)]
pub enum Command {
    /// What was read, what is kept, and whether the two agree
    Status(Status),
    /// What was read and is no record, kept as it came
    #[command(subcommand)]
    Quarantine(super::quarantine::Command),
    /// Write events as files that others take in: OCSF for Amazon Security Lake
    Export(export::Args),
    /// Merge small files into large ones, sorted and packed tighter
    Compact(upkeep::Compact),
    /// Remove old snapshots and, with --retain, old days
    Expire(upkeep::Expire),
    /// Put a time on hold, so that nothing removes its rows; without a name, list the holds
    Hold(upkeep::HoldArgs),
    /// Release a hold
    Release(upkeep::Release),
    /// Check that all files are there and readable, and that the ledger balances
    Fsck(upkeep::FsckArgs),
    /// Make a lost catalog anew from the tables' metadata
    Rebuild(upkeep::Place),
}

/// `lake status`
#[derive(Debug, ClapArgs)]
pub struct Status {
    /// The lake: a folder, or s3://bucket/prefix
    #[arg(long, value_name = "URI")]
    lake: String,
    /// How it is printed
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    Table,
    /// An array of objects
    Json,
}

/// Runs one of them.
pub fn run(command: &Command) -> anyhow::Result<End> {
    match command {
        Command::Status(args) => status(args),
        Command::Quarantine(command) => super::quarantine::run(command),
        Command::Export(args) => export::run(args),
        Command::Compact(args) => upkeep::compact(args),
        Command::Expire(args) => upkeep::expire(args),
        Command::Hold(args) => upkeep::hold(args),
        Command::Release(args) => upkeep::release(args),
        Command::Fsck(args) => upkeep::fsck(args),
        Command::Rebuild(place) => upkeep::rebuild(place),
    }
}

fn status(args: &Status) -> anyhow::Result<End> {
    let lake = Lake::open(&args.lake, Mode::Read)?;
    let entries = ledger(&lake).with_context(|| format!("cannot read the ledger of {}", visible(&args.lake)))?;
    let is_balanced = entries.iter().all(|entry| entry.is_balanced());
    let mut out = std::io::stdout().lock();
    match args.format {
        Format::Json => writeln!(out, "{}", serde_json::to_string_pretty(&entries)?)?,
        Format::Table => {
            writeln!(
                out,
                "{:<16} {:>12} {:>12} {:>12} {:>12} {:>12}",
                "source", "in", "lake", "duplicates", "quarantined", "rejected"
            )?;
            for e in &entries {
                writeln!(
                    out,
                    "{:<16} {:>12} {:>12} {:>12} {:>12} {:>12}",
                    e.source, e.r#in, e.lake, e.duplicates, e.quarantined, e.rejected
                )?;
            }
        }
    }
    if !is_balanced {
        tell!("the ledger does not balance: records were lost or doubled; see `skywarden lake fsck`");
    }
    Ok(if is_balanced { End::Ok } else { End::Failure })
}
