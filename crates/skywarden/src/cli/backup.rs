//! `backup`, `restore`: what a server knows besides its lake, as one file, and back.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, bail, ensure};
use clap::Args as ClapArgs;
use serde_json::json;
use state::{State, SystemEntropy};

use super::{End, VERSION};
use crate::archive;
use crate::serve::{FOLD_ANEW, alone, make_private, now_ms};

/// What is not in a backup.
const NOT_IN_IT: &str = "Not in it: the lake and the log of deliveries (copy the folders `lake` and `log`), certificates and keys of TLS, rules of \
    folders that --rules names, and sessions: people log in anew.";

/// `backup`
#[derive(Debug, ClapArgs)]
#[command(
    after_help = "In it: users, tokens (as hashes), findings and decisions, suppressions, saved queries, rules that the server keeps, the audit with its key and what vouches for it, and the settings of --config.\nNot in it: the lake and the log of deliveries, certificates and keys of TLS, rules of folders, sessions.\nWhoever has the file can make an audit that verifies: keep it like a password. The server may run."
)]
pub struct Backup {
    /// The new file
    #[arg(value_name = "FILE")]
    to: PathBuf,
    /// The data folder of the server
    #[arg(long, value_name = "DIR", default_value = "./skywarden-data")]
    data: PathBuf,
    /// The settings of the server
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// `restore`
#[derive(Debug, ClapArgs)]
#[command(
    after_help = "The server must not run. What the lake holds that the backup does not know becomes findings at the next start. What was there is kept in a folder `replaced-…` in the data folder."
)]
pub struct Restore {
    /// The file that `skywarden backup` made
    #[arg(value_name = "FILE")]
    from: PathBuf,
    /// The data folder, which need not be there
    #[arg(long, value_name = "DIR", default_value = "./skywarden-data")]
    data: PathBuf,
    /// Replace what the data folder has
    #[arg(long)]
    overwrite: bool,
}

/// A folder that goes when it is dropped.
struct Passing(PathBuf);

impl Drop for Passing {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

impl Passing {
    fn make(path: PathBuf) -> anyhow::Result<Passing> {
        // One that was left over when a process was killed.
        let _ = std::fs::remove_dir_all(&path);
        make_private(&path)?;
        Ok(Passing(path))
    }
}

/// Makes a backup.
pub fn back_up(args: &Backup) -> anyhow::Result<End> {
    ensure!(!args.to.exists(), "{} is there already: name a new file", args.to.display());
    let (state, data) = (args.data.join("state.sqlite"), args.data.display());
    ensure!(
        state.exists(),
        "there is no state of a server in {data}: --data names the folder that `skywarden serve` was given"
    );
    let copies = Passing::make(args.data.join("backup.new"))?;
    // The state may grow meanwhile, and must not say less than what vouches for it: so it is copied last.
    for name in archive::names().filter(|name| name.starts_with("state.audit-")) {
        match std::fs::copy(args.data.join(name), copies.0.join(name)) {
            Err(err) if err.kind() != std::io::ErrorKind::NotFound => {
                return Err(err).with_context(|| format!("cannot copy {name} of {}", args.data.display()));
            }
            _ => {}
        }
    }
    if let Some(config) = &args.config {
        let copied = std::fs::copy(config, copies.0.join("settings.toml"));
        copied.with_context(|| format!("cannot copy {}", config.display()))?;
    }
    state::back_up(&state, &copies.0.join("state.sqlite"))?;
    let part = args.to.with_extension("part");
    let mut file = archive::private(&part).with_context(|| format!("cannot make {}", part.display()))?;
    let written = archive::write(&copies.0, VERSION, &event::time::rfc3339(now_ms()), &mut file)
        .and_then(|_| Ok(file.sync_all()?))
        .and_then(|()| Ok(std::fs::rename(&part, &args.to)?));
    if written.is_err() {
        let _ = std::fs::remove_file(&part);
    }
    written.with_context(|| format!("cannot write {}", args.to.display()))?;
    writeln!(std::io::stdout(), "{} is whole.\n{NOT_IN_IT}", args.to.display())?;
    Ok(End::Ok)
}

/// Puts a backup into a data folder.
pub fn restore(args: &Restore) -> anyhow::Result<End> {
    let file = File::open(&args.from).with_context(|| format!("cannot open {}", args.from.display()))?;
    make_private(&args.data)?;
    let _alone = alone(&args.data.join("lock"))?;
    let state = args.data.join("state.sqlite");
    if state.exists() && !args.overwrite {
        bail!("{} has a state already: say --overwrite to replace it, or name another folder", args.data.display());
    }
    let new = Passing::make(args.data.join("restore.new"))?;
    let manifest = archive::read(file, &new.0).with_context(|| format!("cannot restore {}", args.from.display()))?;
    let now_ms = now_ms();
    check(&new.0.join("state.sqlite"))?;
    open(&new.0.join("state.sqlite"), &manifest, now_ms)?;
    let aside = args.data.join(format!("replaced-{now_ms}"));
    set_aside(&args.data, &aside)?;
    // Whatever happens from here on, the next start folds: that adds nothing twice.
    File::create(args.data.join(FOLD_ANEW))?.sync_all()?;
    let mut files = std::fs::read_dir(&new.0)?.collect::<Result<Vec<_>, _>>()?;
    // The database comes last: a folder without it is not taken for a state.
    files.sort_by_key(|file| file.file_name() == "state.sqlite");
    for file in files {
        let to = args.data.join(file.file_name());
        std::fs::rename(file.path(), &to).with_context(|| format!("cannot put {} there", to.display()))?;
    }
    File::open(&args.data)?.sync_all()?;
    let mut out = std::io::stdout().lock();
    writeln!(out, "The state of {} is in {}.", manifest.made, args.data.display())?;
    if aside.exists() {
        writeln!(out, "What was there is in {}.", aside.display())?;
    }
    if args.data.join("settings.toml").exists() {
        writeln!(out, "The settings are in settings.toml there: name it with --config.")?;
    }
    writeln!(out, "{NOT_IN_IT}\nThe next start makes findings of what the lake holds and this state does not know.")?;
    Ok(End::Ok)
}

/// Opens a state where it replaces nothing yet, and writes down that it was restored: what cannot be opened is not put in place.
fn open(state: &Path, manifest: &archive::Manifest, now_ms: i64) -> anyhow::Result<()> {
    let opened = State::open(state, Arc::new(SystemEntropy), now_ms).context("the state in it cannot be opened")?;
    let what = json!({"made": manifest.made, "program": manifest.program});
    opened.note(now_ms, "system", "state.restored", what)?;
    opened.checkpoint(now_ms)?;
    Ok(())
}

/// That a state can be used, and its audit is whole.
fn check(state: &Path) -> anyhow::Result<()> {
    state::check(state).context("the state in it cannot be used")?;
    let report = state::audit::verify(state)?;
    let troubles: Vec<String> = report.troubles.iter().map(ToString::to_string).collect();
    ensure!(troubles.is_empty(), "the audit in it is not whole: {}", troubles.join("; "));
    Ok(())
}

/// Moves the files of a state out of the way.
fn set_aside(data: &Path, aside: &Path) -> anyhow::Result<()> {
    for entry in std::fs::read_dir(data)? {
        let entry = entry?;
        let name = entry.file_name();
        if name.to_string_lossy().starts_with("state.") || name == "settings.toml" {
            make_private(aside)?;
            std::fs::rename(entry.path(), aside.join(&name))
                .with_context(|| format!("cannot move {} out of the way", entry.path().display()))?;
        }
    }
    Ok(())
}
