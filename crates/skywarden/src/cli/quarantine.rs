//! `lake quarantine`: what was read and is no record, kept as it came.

use std::io::{IsTerminal, Write};

use anyhow::{Context, bail};
use arrow::array::{Array, AsArray};
use arrow::datatypes::{Int64Type, TimestampMicrosecondType};
use clap::{Args as ClapArgs, Subcommand, ValueEnum};
use event::time::rfc3339;
use lake::{Lake, Mode};
use predicate::diagnostic::visible;
use serde::Serialize;

use super::End;
use super::about::VERSION;
use super::input::Rules;
use super::scan::now_ms;
use crate::keep::{Keep, QUARANTINE};
use crate::pipeline::{Plan, Progress, scan};
use crate::refold::refold;

/// `lake quarantine …`
#[derive(Debug, Subcommand)]
pub enum Command {
    /// What was set aside, and why
    List(List),
    /// One piece as it came
    Show(Show),
    /// Try all pieces again: after an update that reads more
    Replay(Replay),
}

/// `lake quarantine list`
#[derive(Debug, ClapArgs)]
pub struct List {
    #[command(flatten)]
    place: Place,
    /// How it is printed
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
    /// How many pieces are listed; 0 is all
    #[arg(long, default_value_t = 50, value_name = "N")]
    top: usize,
}

/// `lake quarantine show`
#[derive(Debug, ClapArgs)]
pub struct Show {
    #[command(flatten)]
    place: Place,
    /// The id of the piece, or its beginning
    #[arg(value_name = "ID")]
    id: String,
}

/// `lake quarantine replay`
#[derive(Debug, ClapArgs)]
pub struct Replay {
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    rules: Rules,
}

#[derive(Debug, ClapArgs)]
struct Place {
    /// The lake: a folder, or s3://bucket/prefix
    #[arg(long, value_name = "URI")]
    lake: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    Table,
    /// An array of objects
    Json,
    /// An object a line
    Jsonl,
}

/// A piece that is no record.
#[derive(Debug, Serialize)]
struct Piece {
    id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<String>,
    reason: String,
    object: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    offset: Option<i64>,
    records: i64,
    bytes: usize,
    ingested_at: String,
    #[serde(skip)]
    raw: Vec<u8>,
}

/// Runs one of them.
pub fn run(command: &Command) -> anyhow::Result<End> {
    match command {
        Command::List(args) => list(args),
        Command::Show(args) => show(args),
        Command::Replay(args) => replay(args),
    }
}

/// Calls with each piece until it says that it has seen enough.
fn each(lake: &Lake, mut take: impl FnMut(Piece) -> bool) -> anyhow::Result<()> {
    if !lake.tables()?.iter().any(|table| table == QUARANTINE) {
        return Ok(());
    }
    let pieces = lake.open_table(QUARANTINE)?.current()?;
    let names = [
        "event_identity",
        "event_source",
        "reason",
        "event_object",
        "event_offset",
        "records",
        "event_ingested_at",
        "raw",
    ];
    for batch in pieces.scan(pieces.files(i64::MIN, i64::MAX)?, &names)? {
        let batch = batch?;
        let text = |at: usize, row: usize| {
            let column = batch.column(at).as_string::<i32>();
            (!column.is_null(row)).then(|| column.value(row).to_owned())
        };
        let (ids, offsets) = (batch.column(0).as_fixed_size_binary(), batch.column(4).as_primitive::<Int64Type>());
        let (records, raw) = (batch.column(5).as_primitive::<Int64Type>(), batch.column(7).as_binary::<i32>());
        let times = batch.column(6).as_primitive::<TimestampMicrosecondType>();
        for row in 0..batch.num_rows() {
            let piece = Piece {
                id: ids.value(row).iter().map(|byte| format!("{byte:02x}")).collect(),
                source: text(1, row),
                reason: text(2, row).unwrap_or_default(),
                object: text(3, row).unwrap_or_default(),
                offset: (!offsets.is_null(row)).then(|| offsets.value(row)),
                records: records.value(row),
                bytes: raw.value(row).len(),
                ingested_at: rfc3339(times.value(row) / 1_000),
                raw: raw.value(row).to_vec(),
            };
            if !take(piece) {
                return Ok(());
            }
        }
    }
    Ok(())
}

fn list(args: &List) -> anyhow::Result<End> {
    let lake = Lake::open(&args.place.lake, Mode::Read)?;
    let most = if args.top == 0 || args.format != Format::Table { usize::MAX } else { args.top };
    let (mut shown, mut n) = (Vec::new(), 0_usize);
    each(&lake, |piece| {
        n += 1;
        if shown.len() < most {
            shown.push(Piece { raw: Vec::new(), ..piece });
        }
        true
    })?;
    let mut out = std::io::stdout().lock();
    match args.format {
        Format::Json => writeln!(out, "{}", serde_json::to_string_pretty(&shown)?)?,
        Format::Jsonl => {
            for piece in &shown {
                writeln!(out, "{}", serde_json::to_string(piece)?)?;
            }
        }
        Format::Table if n == 0 => writeln!(out, "Nothing is in quarantine.")?,
        Format::Table => {
            for piece in &shown {
                let what = if piece.records > 0 { "record" } else { "tail" };
                writeln!(out, "{}  {what:<6} {:>9} bytes  {}", &piece.id[..16], piece.bytes, visible(&piece.reason))?;
                writeln!(out, "{:18}{}", "", visible(&piece.object))?;
            }
            if n > shown.len() {
                writeln!(out, "… and {} more: --top 0 lists all", n - shown.len())?;
            }
        }
    }
    Ok(End::Ok)
}

fn show(args: &Show) -> anyhow::Result<End> {
    let lake = Lake::open(&args.place.lake, Mode::Read)?;
    let mut found = Vec::new();
    each(&lake, |piece| {
        if piece.id.starts_with(&args.id) {
            found.push(piece);
        }
        found.len() < 2
    })?;
    let piece = match found.len() {
        0 => bail!("no piece in quarantine has an id that begins with `{}`", args.id),
        1 => found.remove(0),
        _ => bail!("several pieces have an id that begins with `{}`: give more of it", args.id),
    };
    let mut out = std::io::stdout().lock();
    if out.is_terminal() {
        // What a stranger wrote must not move the cursor.
        writeln!(out, "{}", visible(&String::from_utf8_lossy(&piece.raw)))?;
    } else {
        out.write_all(&piece.raw)?;
    }
    Ok(End::Ok)
}

fn replay(args: &Replay) -> anyhow::Result<End> {
    let now_ms = now_ms();
    let rules = args.rules.load()?;
    let lake = Lake::open(&args.place.lake, Mode::Create)?;
    let mut pieces = Vec::new();
    each(&lake, |piece| {
        pieces.push(crate::pipeline::Piece { name: piece.object, trust: "file", bytes: piece.raw });
        true
    })?;
    let n = pieces.len();
    let keep = Keep::new(&lake, now_ms)?.without_pieces();
    let plan = Plan { pieces, keep: Some(&keep), ..Plan::new(&rules) };
    scan(&plan, &Progress::default())?;
    let done = keep.close()?;
    refold(&lake, &plan, now_ms, VERSION).context("cannot fold hits to findings")?;
    let (read, added) = source::source::ALL
        .iter()
        .filter_map(|source| done.get(source.name))
        .fold((0, 0), |(read, added), done| (read + done.read, added + done.added));
    writeln!(
        std::io::stdout(),
        "{read} records could be read in {n} pieces; {added} are new in the lake. The pieces stay in quarantine."
    )?;
    Ok(End::Ok)
}
