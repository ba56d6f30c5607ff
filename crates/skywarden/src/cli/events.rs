//! `events`: records as OCSF.

use std::io::{BufWriter, Write};
use std::sync::Arc;

use anyhow::Context;
use clap::{Args as ClapArgs, ValueEnum};
use collect::blob::{Blob, Limits};
use collect::walk::{show, walk};
use detect::detector::Detector;
use event::event::Envelope;
use event::layout::Fields;
use event::ocsf::OcsfVersion;
use event::scan::{ScanError, Slots};
use event::value::Value;
use report::Skipped;
use source::aws_vpc_flow::format::Columns;
use source::aws_vpc_flow::rows::Rows;
use source::source::Source;
use source::split::{Note, Reader, Sink};

use super::End;
use super::input::Input;
use super::scan::{now_ms, tell_skipped};
use crate::pipeline::{CLOUDTRAIL, FLOW, ground, time_of};
use crate::spelled::Spelled;
use crate::tally::Reasons;

/// `events`
#[derive(Debug, ClapArgs)]
pub struct Args {
    #[command(flatten)]
    input: Input,
    /// The version of OCSF
    #[arg(long, value_enum, default_value_t = Version::V1_3)]
    ocsf: Version,
    /// Leave the raw record out
    #[arg(long)]
    no_raw: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Version {
    #[value(name = "1.1.0")]
    V1_1,
    #[value(name = "1.3.0")]
    V1_3,
}

/// Prints each record as one OCSF event a line.
pub fn run(args: &Args) -> anyhow::Result<End> {
    let period = match args.input.period.window(now_ms()) {
        Ok(period) => period,
        Err(why) => {
            tell!("error: {why}");
            return Ok(End::Usage);
        }
    };
    let mut printer = Printer {
        args,
        period,
        out: Spelled::new(BufWriter::new(std::io::stdout().lock())),
        problem: None,
        is_partial: false,
        reasons: Reasons::default(),
        known: source::source::ALL.iter().map(|source| Known::new(source)).collect(),
        envelope: Envelope::default(),
    };
    let (stdin, paths): (Vec<_>, Vec<_>) =
        args.input.place.paths.iter().cloned().partition(|path| path.as_os_str() == "-");
    let found = walk(&paths);
    for skipped in found.skipped {
        printer.is_partial |= skipped.lost;
        tell_skipped(&Skipped { what: skipped.what, why: skipped.why, records: 0, bytes: skipped.bytes });
    }
    let limits = Limits::default();
    for file in &found.files {
        match Blob::open(&file.path, &limits) {
            Ok(blob) => printer.read(blob)?,
            Err(err) => printer.reasons.add(&err.why(), 0, file.size as usize),
        }
        printer.close(&show(&file.path));
    }
    if !stdin.is_empty() {
        printer.read(Blob::from_reader("(standard input)", std::io::stdin(), &limits)?)?;
        printer.close("(standard input)");
    }
    printer.out.flush()?;
    Ok(if printer.is_partial { End::Partial } else { End::Ok })
}

struct Printer<'a> {
    args: &'a Args,
    period: (Option<i64>, Option<i64>),
    out: Spelled<BufWriter<std::io::StdoutLock<'static>>>,
    problem: Option<std::io::Error>,
    is_partial: bool,
    /// What was not read of the file in hand.
    reasons: Reasons,
    known: Vec<Known>,
    envelope: Envelope,
}

/// A log whose records are read; no rules are tried on them.
struct Known {
    source: &'static Source,
    detector: Detector,
    slots: Slots,
    /// How the rows are read of the table in hand.
    rows: Option<Rows>,
}

impl Known {
    fn new(source: &'static Source) -> Known {
        let detector = Detector::new(&[], &[], ground(source, &Arc::default()));
        Known { source, slots: detector.layout().slots(), detector, rows: None }
    }
}

impl Printer<'_> {
    fn read(&mut self, mut blob: Blob) -> anyhow::Result<()> {
        let mut reader = Reader::new(self.args.input.place.columns());
        let mut buffer = Vec::new();
        loop {
            let more = blob.read(&mut buffer, 1 << 20);
            let is_last = !matches!(more, Ok(true));
            let done = reader.read(&buffer, is_last, self);
            buffer.drain(..done);
            if let Err(broken) = more {
                self.reasons.add(&broken.why(), 0, 0);
            }
            if let Some(err) = self.problem.take() {
                return Err(err).context("cannot write to standard output");
            }
            if is_last {
                return Ok(());
            }
        }
    }

    /// Says of a file what was not read of it.
    fn close(&mut self, name: &str) {
        for skipped in std::mem::take(&mut self.reasons).of(name) {
            self.is_partial = true;
            tell_skipped(&skipped);
        }
    }

    /// Prints a record whose values are in the slots of its source, if it is an event.
    fn event(&mut self, which: usize, raw: &str, parse: &dyn Fn(&str) -> Value) {
        let Known { source, detector, slots, .. } = &mut self.known[which];
        let mut fields = Fields::new(raw, detector.layout(), slots, parse);
        self.envelope.clear();
        (source.envelope)(&mut fields, detector.envelope(), &mut self.envelope);
        let time_ms = match time_of(which, &self.envelope) {
            Ok(time_ms) => time_ms,
            Err(why) => return self.reasons.add(why, 1, raw.len()),
        };
        let (from, to) = self.period;
        if from.is_some_and(|from| time_ms < from) || to.is_some_and(|to| time_ms >= to) {
            return;
        }
        let version = match self.args.ocsf {
            Version::V1_1 => OcsfVersion::V1_1_0,
            Version::V1_3 => OcsfVersion::V1_3_0,
        };
        let mut event = source.mapping.project(&parse(raw), version);
        if !self.args.no_raw {
            event["raw_data"] = raw.into();
        }
        if self.problem.is_none()
            && let Err(err) = writeln!(self.out, "{event}")
        {
            self.problem = Some(err);
        }
    }
}

impl Sink for Printer<'_> {
    fn json(&mut self, text: &[u8], at: usize) -> Result<usize, ScanError> {
        let Known { detector, slots, .. } = &mut self.known[CLOUDTRAIL];
        let end = detector.layout().fill(text, at, slots)?;
        match std::str::from_utf8(&text[at..end]) {
            Ok(raw) => self.event(CLOUDTRAIL, raw, &|raw| Value::parse(raw).unwrap_or(Value::Null)),
            Err(_) => self.reasons.add("a record that is not UTF-8", 1, end - at),
        }
        Ok(end)
    }

    fn flow(&mut self, columns: &Columns, line: &str) {
        let Known { detector, slots, rows, .. } = &mut self.known[FLOW];
        let rows = match rows {
            Some(rows) if rows.have(columns) => rows,
            other => other.insert(Rows::new(columns, detector.layout())),
        };
        match rows.fill(line, slots) {
            Ok(()) => self.event(FLOW, line, &|raw| columns.tree(raw)),
            Err(why) => self.reasons.add(why, 1, line.len()),
        }
    }

    fn note(&mut self, note: Note, _: &[u8]) {
        match note {
            Note::Rejected { why, bytes } => self.reasons.add(&why, 1, bytes),
            Note::Damaged { why, bytes } => self.reasons.add(&why, 0, bytes),
            Note::Unknown { why } => self.reasons.add(&why, 0, 0),
            Note::Digest => {}
        }
    }
}
