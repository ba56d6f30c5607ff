//! `doctor`: whether a data folder is well.

use std::path::PathBuf;

use clap::Args as ClapArgs;
use lake::{Lake, Mode};

use super::End;
use crate::ledger::ledger;

/// `doctor`
#[derive(Debug, ClapArgs)]
#[command(after_help = "The server may run. Exit codes: 0 all is well, 1 something is not.")]
pub struct Args {
    /// The data folder of the server
    #[arg(long, value_name = "DIR", default_value = "./skywarden-data")]
    data: PathBuf,
    /// Print what became of every record of each source
    #[arg(long)]
    ledger: bool,
    /// Copy the state into this new file, and look whether the copy is whole
    #[arg(long, value_name = "FILE")]
    backup: Option<PathBuf>,
}

/// Looks at everything, and says of each what was found.
pub fn run(args: &Args) -> anyhow::Result<End> {
    let mut is_well = true;
    let mut say = |what: &str, found: Result<String, String>| {
        is_well &= found.is_ok();
        match found {
            Ok(found) => println!("ok    {what}: {found}"),
            Err(why) => println!("WRONG {what}: {why}"),
        }
    };
    say("data folder", private(&args.data));
    say("state and audit", audit(&args.data));
    let lake = Lake::open(&args.data.join("lake").to_string_lossy(), Mode::Read);
    match &lake {
        Err(err) => say("lake", Err(format!("{err:#}"))),
        Ok(lake) => {
            let entries = ledger(lake);
            match entries {
                Err(err) => say("ledger", Err(format!("{err:#}"))),
                Ok(entries) => {
                    let off: Vec<&str> =
                        entries.iter().filter(|e| !e.is_balanced()).map(|e| e.source.as_str()).collect();
                    let n: u64 = entries.iter().map(|e| e.r#in).sum();
                    let balanced = if off.is_empty() {
                        Ok(format!("{n} records, all accounted for"))
                    } else {
                        Err(format!("does not balance: {}", off.join(", ")))
                    };
                    say("ledger", balanced);
                    if args.ledger {
                        println!(
                            "      {:<16} {:>12} {:>12} {:>12} {:>12} {:>12} {:>12}",
                            "source", "in", "lake", "duplicates", "quarantined", "rejected", "removed"
                        );
                        for e in &entries {
                            println!(
                                "      {:<16} {:>12} {:>12} {:>12} {:>12} {:>12} {:>12}",
                                e.source, e.r#in, e.lake, e.duplicates, e.quarantined, e.rejected, e.removed
                            );
                        }
                    }
                }
            }
        }
    }
    if let Some(to) = &args.backup {
        say("backup", back_up(&args.data, to));
    }
    Ok(if is_well { End::Ok } else { End::Failure })
}

fn private(folder: &std::path::Path) -> Result<String, String> {
    use std::os::unix::fs::PermissionsExt as _;
    let meta = std::fs::metadata(folder).map_err(|err| format!("cannot look at {}: {err}", folder.display()))?;
    let mode = meta.permissions().mode() & 0o777;
    if mode & 0o077 == 0 {
        Ok(format!("{} is its owner's alone", folder.display()))
    } else {
        Err(format!("others can read {} (mode {mode:o}): chmod 700", folder.display()))
    }
}

fn audit(data: &std::path::Path) -> Result<String, String> {
    let report =
        state::audit::verify(&data.join("state.sqlite")).map_err(|err| format!("{:#}", anyhow::Error::new(err)))?;
    match report.troubles.first() {
        None => Ok(format!("{} entries, whole", report.entries)),
        Some(trouble) => Err(trouble.to_string()),
    }
}

fn back_up(data: &std::path::Path, to: &std::path::Path) -> Result<String, String> {
    if to.exists() {
        return Err(format!("{} is there already: name a new file", to.display()));
    }
    state::back_up(&data.join("state.sqlite"), to).map_err(|err| format!("{:#}", anyhow::Error::new(err)))?;
    Ok(format!("{} is whole; to restore, stop the server and put it in the place of state.sqlite", to.display()))
}
