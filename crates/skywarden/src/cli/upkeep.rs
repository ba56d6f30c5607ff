//! `lake compact|expire|hold|release|fsck|rebuild`: the upkeep of a lake.

use std::io::Write;
use std::time::Duration;

use anyhow::{Context, bail};
use clap::Args as ClapArgs;
use event::time::rfc3339;
use lake::{CompactOptions, ExpireOptions, FsckOptions, Hold, Lake, Mode, Options, Repair, Table};
use predicate::diagnostic::visible;

use super::End;
use super::input::parse_time;
use super::progress::with_spinner;

/// Where the lake is.
#[derive(Debug, ClapArgs)]
pub struct Place {
    /// The lake: a folder, or s3://bucket/prefix
    #[arg(long, value_name = "URI")]
    lake: String,
    /// Only this table
    #[arg(long, value_name = "NAME")]
    table: Option<String>,
    /// Wait for another process that writes to the lake, instead of giving up
    #[arg(long)]
    wait: bool,
}

/// `lake compact`
#[derive(Debug, ClapArgs)]
pub struct Compact {
    #[command(flatten)]
    place: Place,
    /// How large files should become, in MiB
    #[arg(long, default_value_t = 256, value_name = "MIB")]
    target: u64,
    /// The level of zstd
    #[arg(long, default_value_t = 9, value_name = "N", value_parser = clap::value_parser!(i32).range(1..=22))]
    level: i32,
    /// A day with fewer small files than this is left as it is
    #[arg(long, default_value_t = 2, value_name = "N")]
    files: usize,
}

/// `lake expire`
#[derive(Debug, ClapArgs)]
pub struct Expire {
    #[command(flatten)]
    place: Place,
    /// Remove all days that ended more than so many days before today
    #[arg(long, value_name = "DAYS")]
    retain: Option<u32>,
    /// The newest so many snapshots stay
    #[arg(long, default_value_t = 10, value_name = "N")]
    keep: usize,
    /// Snapshots younger than so many hours stay: longer than the longest query
    #[arg(long, default_value_t = 72, value_name = "HOURS")]
    age: u32,
}

/// `lake hold`
#[derive(Debug, ClapArgs)]
pub struct HoldArgs {
    #[command(flatten)]
    place: Place,
    /// The name of the hold
    #[arg(value_name = "NAME")]
    name: Option<String>,
    /// From this time on
    #[arg(long, value_name = "TIME", value_parser = parse_time, requires = "name")]
    from: Option<i64>,
    /// Before this time
    #[arg(long, value_name = "TIME", value_parser = parse_time, requires = "name")]
    to: Option<i64>,
}

/// `lake release`
#[derive(Debug, ClapArgs)]
pub struct Release {
    #[command(flatten)]
    place: Place,
    /// The name of the hold
    #[arg(value_name = "NAME")]
    name: String,
}

/// `lake fsck`
#[derive(Debug, ClapArgs)]
pub struct FsckArgs {
    #[command(flatten)]
    place: Place,
    /// Delete what nothing refers to, and restore lost pointers
    #[arg(long)]
    repair: bool,
    /// What nothing refers to is deleted when it is older than so many hours
    #[arg(long, default_value_t = 72, value_name = "HOURS")]
    grace: u32,
}

impl Place {
    fn open(&self, mode: Mode) -> anyhow::Result<Lake> {
        Ok(Lake::open_with(&self.lake, mode, self.options())?)
    }

    fn options(&self) -> Options {
        let wait = if self.wait { Duration::from_secs(3_600) } else { Duration::ZERO };
        Options { wait, ..Options::default() }
    }

    fn tables(&self, lake: &Lake) -> anyhow::Result<Vec<Table>> {
        let names = lake.tables()?;
        if let Some(asked) = self.table.as_ref().filter(|asked| !names.contains(asked)) {
            bail!("the lake has no table `{}`: it has {}", visible(asked), names.join(", "));
        }
        let wanted = names.iter().filter(|name| self.table.as_ref().is_none_or(|asked| asked == *name));
        wanted.map(|name| Ok(lake.open_table(name)?)).collect()
    }
}

/// What is said while there is more work: who stops reading stops none of it.
struct Said(std::io::Result<()>);

impl Default for Said {
    fn default() -> Said {
        Said(Ok(()))
    }
}

impl Said {
    fn line(&mut self, words: std::fmt::Arguments<'_>) {
        if self.0.is_ok() {
            self.0 = writeln!(std::io::stdout(), "{words}");
        }
    }

    fn end(self) -> anyhow::Result<End> {
        self.0?;
        Ok(End::Ok)
    }
}

/// Merges small files.
pub fn compact(args: &Compact) -> anyhow::Result<End> {
    let lake = args.place.open(Mode::Create)?;
    let options = CompactOptions {
        bytes_target: args.target << 20,
        files_min: args.files,
        level: args.level,
        ..CompactOptions::default()
    };
    let mut out = Said::default();
    for table in args.place.tables(&lake)? {
        let done = with_spinner(false, &format!("compacting {}", table.name()), || table.compact(&options))
            .with_context(|| format!("cannot compact `{}`", table.name()))?;
        out.line(format_args!(
            "{:<16} {} files of {} bytes became {} of {} bytes",
            table.name(),
            done.files_before,
            done.bytes_before,
            done.files_after,
            done.bytes_after
        ));
        if !done.given_up.is_empty() {
            out.line(format_args!(
                "{:<16} {} days are left for the next time: others changed them",
                "",
                done.given_up.len()
            ));
        }
    }
    out.end()
}

/// Removes old days, old snapshots and their files.
pub fn expire(args: &Expire) -> anyhow::Result<End> {
    let lake = args.place.open(Mode::Create)?;
    let options = ExpireOptions { keep: args.keep, age_ms: i64::from(args.age) * 3_600_000 };
    let mut out = Said::default();
    for table in args.place.tables(&lake)? {
        let name = table.name().to_owned();
        // What is in quarantine has no time of its own, so it has no age.
        if let Some(days) = args.retain.filter(|_| name != crate::keep::QUARANTINE) {
            let done = with_spinner(false, &format!("removing old days of {name}"), || table.retain(days))
                .with_context(|| format!("cannot remove old days of `{name}`"))?;
            out.line(format_args!(
                "{name:<16} {} days with {} rows removed, {} held",
                done.days.len(),
                done.rows,
                done.held.len()
            ));
        }
        let done = with_spinner(false, &format!("expiring {name}"), || table.expire(&options))
            .with_context(|| format!("cannot expire snapshots of `{name}`"))?;
        out.line(format_args!(
            "{name:<16} {} snapshots expired, {} held; {} data files of {} bytes deleted",
            done.snapshots, done.held, done.files, done.bytes
        ));
    }
    out.end()
}

/// Puts a time on hold, or lists what is.
pub fn hold(args: &HoldArgs) -> anyhow::Result<End> {
    let (Some(name), Some(from_ms), Some(to_ms)) = (&args.name, args.from, args.to) else {
        if args.name.is_some() {
            tell!("error: a hold needs --from and --to");
            return Ok(End::Usage);
        }
        let lake = args.place.open(Mode::Read)?;
        let mut out = std::io::stdout().lock();
        for table in args.place.tables(&lake)? {
            for hold in table.holds()? {
                let (from, to) = (rfc3339(hold.from_ms), rfc3339(hold.to_ms));
                writeln!(out, "{:<16} {:<24} {from} to {to}", table.name(), visible(&hold.name))?;
            }
        }
        return Ok(End::Ok);
    };
    let lake = args.place.open(Mode::Create)?;
    for table in args.place.tables(&lake)? {
        table.hold(&Hold { name: name.clone(), from_ms, to_ms })?;
    }
    Ok(End::Ok)
}

/// Releases a hold.
pub fn release(args: &Release) -> anyhow::Result<End> {
    let lake = args.place.open(Mode::Create)?;
    for table in args.place.tables(&lake)? {
        if table.holds()?.iter().any(|hold| hold.name == args.name) {
            table.release(&args.name)?;
        }
    }
    Ok(End::Ok)
}

/// Checks that everything is there and readable.
pub fn fsck(args: &FsckArgs) -> anyhow::Result<End> {
    let lake = args.place.open(if args.repair { Mode::Create } else { Mode::Read })?;
    let repair = if args.repair { Repair::Yes } else { Repair::No };
    let options = FsckOptions { repair, grace_ms: i64::from(args.grace) * 3_600_000 };
    let found = with_spinner(false, "checking", || lake.fsck(&options))?;
    let mut out = std::io::stdout().lock();
    writeln!(out, "{} tables, {} files, {} rows", found.tables, found.files, found.rows)?;
    for problem in &found.problems {
        let done = if problem.is_repaired { ": repaired" } else { "" };
        writeln!(
            out,
            "wrong: {}: {} ({}){done}",
            visible(&problem.table),
            visible(&problem.what),
            visible(&problem.location)
        )?;
    }
    for orphan in &found.orphans {
        let done = if orphan.is_deleted { ": deleted" } else { "" };
        writeln!(out, "nothing refers to {} ({} bytes){done}", visible(&orphan.location), orphan.size)?;
    }
    let balanced = crate::ledger::ledger(&lake)?.iter().all(crate::ledger::Entry::is_balanced);
    if !balanced {
        writeln!(out, "wrong: the ledger does not balance; see `skywarden lake status`")?;
    }
    Ok(if found.is_sound() && balanced { End::Ok } else { End::Failure })
}

/// Makes a lost catalog anew from the tables' metadata.
pub fn rebuild(place: &Place) -> anyhow::Result<End> {
    let (_, tables) = with_spinner(false, "rebuilding", || Lake::rebuild(&place.lake, place.options()))?;
    let mut out = std::io::stdout().lock();
    for table in &tables {
        writeln!(out, "{:<16} {:>12} rows  {}", table.table, table.rows, visible(&table.metadata))?;
    }
    if tables.is_empty() {
        bail!("no table was found in {}", visible(&place.lake));
    }
    Ok(End::Ok)
}
