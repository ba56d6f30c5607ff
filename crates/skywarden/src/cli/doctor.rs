//! `doctor`: whether a data folder is well.

use std::io::Write;
use std::path::PathBuf;

use clap::Args as ClapArgs;
use lake::{Lake, Mode};

use super::End;
use crate::ledger::{Entry, ledger};

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
}

/// Looks at everything, and says of each what was found.
pub fn run(args: &Args) -> anyhow::Result<End> {
    let entries = Lake::open(&args.data.join("lake").to_string_lossy(), Mode::Read)
        .map_err(|err| format!("{:#}", anyhow::Error::new(err)))
        .and_then(|lake| ledger(&lake).map_err(|err| format!("{err:#}")));
    let found = [
        ("data folder", private(&args.data)),
        ("state and audit", audit(&args.data)),
        ("log of deliveries", deliveries(&args.data)),
        ("lake and ledger", entries.as_ref().map_err(Clone::clone).and_then(|entries| balanced(entries))),
    ];
    let mut out = std::io::stdout().lock();
    for (what, found) in &found {
        match found {
            Ok(found) => writeln!(out, "ok    {what}: {found}")?,
            Err(why) => writeln!(out, "WRONG {what}: {why}")?,
        }
    }
    if args.ledger {
        print(&mut out, entries.as_deref().unwrap_or_default())?;
    }
    Ok(if found.iter().all(|(_, found)| found.is_ok()) { End::Ok } else { End::Failure })
}

fn balanced(entries: &[Entry]) -> Result<String, String> {
    let off: Vec<&str> = entries.iter().filter(|e| !e.is_balanced()).map(|e| e.source.as_str()).collect();
    if !off.is_empty() {
        return Err(format!("does not balance: {}", off.join(", ")));
    }
    let n: u64 = entries.iter().map(|e| e.r#in).sum();
    Ok(format!("{n} records, all accounted for"))
}

fn print(out: &mut impl Write, entries: &[Entry]) -> std::io::Result<()> {
    let names = ["in", "lake", "duplicates", "quarantined", "rejected", "removed"];
    let names = names.map(|name| format!("{name:>12}")).join(" ");
    writeln!(out, "\n{:<16} {names}", "source")?;
    for e in entries {
        let numbers = [e.r#in, e.lake, e.duplicates, e.quarantined, e.rejected, e.removed];
        writeln!(out, "{:<16} {}", e.source, numbers.map(|n| format!("{n:>12}")).join(" "))?;
    }
    Ok(())
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

fn deliveries(data: &std::path::Path) -> Result<String, String> {
    let folder = data.join("log");
    let aside = wal::set_aside(&wal::SystemDisk, &folder);
    let aside = aside.map_err(|err| format!("cannot look into {}: {err}", folder.display()))?;
    if aside.n > 0 {
        let (n, bytes) = (aside.n, aside.bytes);
        let kept = folder.join("damaged");
        return Err(format!(
            "{n} pieces with {bytes} bytes could not be read and were set aside in {}: look at them, and remove them when you have",
            kept.display()
        ));
    }
    Ok("nothing was set aside".to_owned())
}

fn audit(data: &std::path::Path) -> Result<String, String> {
    let database = data.join("state.sqlite");
    if !database.exists() {
        return Err(format!("{} is missing: put a backup in its place", database.display()));
    }
    let report = state::audit::verify(&database).map_err(|err| format!("{:#}", anyhow::Error::new(err)))?;
    match report.troubles.first() {
        None => Ok(format!("{} entries, whole", report.entries)),
        Some(trouble) => Err(trouble.to_string()),
    }
}
