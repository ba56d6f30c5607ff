//! `lake export`: the events of a lake as files that others take in.

use std::fs::{self, File, TryLockError};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use anyhow::{Context, bail};
use clap::{Args as ClapArgs, ValueEnum};
use collect::walk::show;
use event::ocsf::OcsfVersion;
use event::value::Value;
use lake::{ExportOptions, Lake, Mode, export};
use predicate::diagnostic::visible;
use source::aws_vpc_flow::format::Columns;
use source::source::{ALL, Source};

use super::End;
use super::input::Period;
use super::progress::{Unit, with_progress};
use super::scan::now_ms;

/// What an export puts into its folder: the prefix of custom sources in the bucket.
const CONTENT: &str = "ext";

/// `lake export`
#[derive(Debug, ClapArgs)]
#[command(
    after_help = "security-lake: ext/SOURCE_CLASS/region=R/accountId=A/eventDay=YYYYMMDD/*.parquet, OCSF 1.3.0 in nested columns. Names are hashes of what the files hold, so that `aws s3 sync DIR s3://BUCKET` twice doubles nothing.\n\n\
The folder is there when everything is in it, and not before. It must not be there, or be empty.\n\n\
Example:\n  skywarden lake export --lake ./lake --from 2026-11-23 --to 2026-11-24 --out ./security-lake"
)]
pub struct Args {
    /// The lake: a folder, or s3://bucket/prefix
    #[arg(long, value_name = "URI")]
    lake: String,
    /// How the files are laid out
    #[arg(long, value_enum, default_value_t = Layout::SecurityLake)]
    layout: Layout,
    /// The folder to write, new or empty
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    #[command(flatten)]
    period: Period,
    /// Only this log, such as aws_cloudtrail; may be given several times
    #[arg(long, value_name = "NAME")]
    source: Vec<String>,
    /// Leave the raw records out
    #[arg(long)]
    no_raw: bool,
    /// Say nothing but results and errors
    #[arg(short, long)]
    quiet: bool,
    /// How much of the records may wait in memory, and so be in a file
    #[arg(long, hide = true, value_name = "BYTES")]
    memory_bytes: Option<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Layout {
    /// Custom sources of Amazon Security Lake
    SecurityLake,
}

/// Writes everything, then gives the folder its name.
pub fn run(args: &Args) -> anyhow::Result<End> {
    let Layout::SecurityLake = args.layout;
    let (from_ms, to_ms) = match args.period.window(now_ms()) {
        Ok(period) => period,
        Err(why) => {
            tell!("error: {why}");
            return Ok(End::Usage);
        }
    };
    let defaults = ExportOptions::default();
    let options = ExportOptions {
        from_ms: from_ms.unwrap_or(i64::MIN),
        to_ms: to_ms.unwrap_or(i64::MAX),
        memory_bytes: args.memory_bytes.unwrap_or(defaults.memory_bytes),
    };
    let lake = Lake::open(&args.lake, Mode::Read)?;
    let sources = sources(&lake, &args.source)?;
    let target = Target::begin(&args.out)?;
    let mut lines = Vec::new();
    for source in sources {
        let snapshot = lake.open_table(source.name)?.current()?;
        let n_rows = snapshot.files(options.from_ms, options.to_ms)?.iter().map(|file| file.rows).sum();
        let done = with_progress(args.quiet, Unit::Rows, |progress| {
            progress.total.store(n_rows, Ordering::Relaxed);
            let mut project = projection(source, args.no_raw);
            export(&snapshot, source.mapping, &target.partial, &options, &mut |format, raw| {
                progress.done.fetch_add(1, Ordering::Relaxed);
                project(format, raw)
            })
        })?;
        lines.push(format!("{:<16} {} rows in {} files of {} bytes", source.name, done.rows, done.files, done.bytes));
    }
    target.finish()?;
    let mut out = std::io::stdout().lock();
    lines.iter().try_for_each(|line| writeln!(out, "{line}"))?;
    writeln!(out, "Wrote {}", show(&args.out))?;
    Ok(End::Ok)
}

/// The logs that the lake has, or those of them that were asked for.
fn sources(lake: &Lake, asked: &[String]) -> anyhow::Result<Vec<&'static Source>> {
    let tables = lake.tables()?;
    let have: Vec<&'static Source> =
        ALL.iter().copied().filter(|source| tables.iter().any(|table| table == source.name)).collect();
    let names: Vec<&str> = have.iter().map(|source| source.name).collect();
    if let Some(unknown) = asked.iter().find(|asked| !names.contains(&asked.as_str())) {
        bail!("the lake has no log `{}`: it has {}", visible(unknown), names.join(", "));
    }
    Ok(have.into_iter().filter(|source| asked.is_empty() || asked.iter().any(|name| name == source.name)).collect())
}

/// What makes an OCSF event of a record of this source.
fn projection(source: &'static Source, no_raw: bool) -> impl FnMut(&str, &str) -> serde_json::Value {
    let mut columns: Option<(String, Columns)> = None;
    move |format, raw| {
        let record = match format {
            "" => (source.parse)(raw),
            format => {
                if columns.as_ref().is_none_or(|(have, _)| have != format) {
                    columns = Columns::from_format(format).ok().map(|made| (format.to_owned(), made));
                }
                columns.as_ref().map_or(Value::Null, |(_, columns)| columns.tree(raw))
            }
        };
        match no_raw {
            true => source.mapping.project(&record, OcsfVersion::V1_3_0),
            false => source.mapping.project_with_raw(&record, raw, OcsfVersion::V1_3_0),
        }
    }
}

/// The folder to be, under another name while it is being filled. What was written of one that fails is removed; of one that is killed, by the next.
struct Target {
    out: PathBuf,
    partial: PathBuf,
    /// The folder, locked: the operating system frees it however the process ends.
    _lock: File,
    is_finished: bool,
}

impl Target {
    fn begin(out: &Path) -> anyhow::Result<Target> {
        let mut name =
            out.file_name().with_context(|| format!("{} cannot be made: it has no name", show(out)))?.to_owned();
        refuse_content(out)?;
        name.push(".partial");
        let partial = out.with_file_name(name);
        let failed = || format!("cannot make folder {}", show(&partial));
        fs::create_dir_all(&partial).with_context(failed)?;
        let lock = File::open(&partial).with_context(failed)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => bail!("another export to {} is running", show(out)),
            Err(TryLockError::Error(err)) => return Err(err).with_context(failed),
        }
        // Whoever had the lock may have finished just now.
        refuse_content(out)?;
        if let Some(foreign) = content(&partial)?.into_iter().find(|name| name != CONTENT) {
            bail!("{} is not ours: it holds {}", show(&partial), visible(&foreign));
        }
        let target = Target { out: out.to_owned(), partial, _lock: lock, is_finished: false };
        target.clear().with_context(|| format!("cannot remove what is left in {}", show(&target.partial)))?;
        Ok(target)
    }

    /// Gives it its name, once it would survive a power cut.
    fn finish(mut self) -> anyhow::Result<()> {
        sync(&self.partial).with_context(|| format!("cannot write {}", show(&self.partial)))?;
        fs::rename(&self.partial, &self.out).with_context(|| format!("cannot write {}", show(&self.out)))?;
        self.is_finished = true;
        let parent = self.out.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        File::open(parent)
            .and_then(|parent| parent.sync_all())
            .with_context(|| format!("cannot write {}", show(parent)))
    }

    fn clear(&self) -> std::io::Result<()> {
        match fs::remove_dir_all(self.partial.join(CONTENT)) {
            Err(err) if err.kind() == std::io::ErrorKind::NotFound => Ok(()),
            removed => removed,
        }
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        if !self.is_finished {
            // What cannot be removed now is removed by the next export, which says so if it cannot either.
            let _left = self.clear().and_then(|()| fs::remove_dir(&self.partial));
        }
    }
}

/// The names in a folder; none if it is not there.
fn content(folder: &Path) -> anyhow::Result<Vec<String>> {
    let failed = || format!("cannot read {}", show(folder));
    let entries = match fs::read_dir(folder) {
        Err(err) if err.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.with_context(failed)?,
    };
    entries.map(|entry| Ok(entry.with_context(failed)?.file_name().to_string_lossy().into_owned())).collect()
}

fn refuse_content(out: &Path) -> anyhow::Result<()> {
    match content(out)?.is_empty() {
        true => Ok(()),
        false => {
            bail!("{} is not empty: an export fills a new folder, so that nothing in it is half or twice", show(out))
        }
    }
}

/// Makes the names in a folder, and in those in it, survive a power cut; the files did so when they were written.
fn sync(folder: &Path) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            sync(&entry.path())?;
        }
    }
    File::open(folder)?.sync_all()
}
