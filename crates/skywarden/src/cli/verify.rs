//! `verify`: whether what should not change has not.

use std::io::Write as _;
use std::path::PathBuf;

use clap::{Args as ClapArgs, Subcommand};

use super::End;

/// `verify`
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Look whether the audit of a server is whole: nothing edited, cut out, cut off or re-ordered
    Audit(Audit),
}

/// `verify audit`
#[derive(Debug, ClapArgs)]
pub struct Audit {
    /// The data folder of the server, which may run
    #[arg(long, value_name = "DIR", default_value = "./skywarden-data")]
    data: PathBuf,
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// Looks at it; a failure if something is wrong.
pub fn run(command: &Command) -> anyhow::Result<End> {
    let Command::Audit(args) = command;
    let mut out = std::io::stdout().lock();
    let report = state::audit::verify(&args.data.join("state.sqlite"))?;
    let troubles: Vec<String> = report.troubles.iter().map(ToString::to_string).collect();
    if args.json {
        let all = serde_json::json!({"entries": report.entries, "vouched": report.vouched, "troubles": troubles});
        writeln!(out, "{all}")?;
    } else {
        writeln!(out, "{} entries, {} of them vouched for by checkpoints", report.entries, report.vouched)?;
        for trouble in &troubles {
            writeln!(out, "wrong: {trouble}")?;
        }
    }
    Ok(if troubles.is_empty() { End::Ok } else { End::Failure })
}
