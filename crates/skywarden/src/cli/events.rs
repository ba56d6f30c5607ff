//! `events`: records as OCSF.

use std::io::{BufWriter, Write};

use anyhow::Context;
use clap::{Args as ClapArgs, ValueEnum};
use collect::blob::{Blob, Limits};
use collect::walk::{show, walk};
use event::ocsf::OcsfVersion;
use event::scan::{ScanError, skip};
use event::value::Value;
use source::aws_vpc_flow::format::Columns;
use source::source::Source;
use source::split::{Note, Reader, Sink};
use source::{aws_cloudtrail, aws_vpc_flow};

use super::End;
use super::input::Input;
use super::scan::now_ms;

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
    let period = match args.input.period(now_ms()) {
        Ok(period) => period,
        Err(why) => {
            eprintln!("error: {why}");
            return Ok(End::Usage);
        }
    };
    let mut printer = Printer {
        args,
        period,
        out: BufWriter::new(std::io::stdout().lock()),
        problem: None,
        is_partial: false,
        name: String::new(),
    };
    let (stdin, paths): (Vec<_>, Vec<_>) = args.input.paths.iter().cloned().partition(|path| path.as_os_str() == "-");
    let found = walk(&paths);
    for skipped in &found.skipped {
        printer.is_partial |= skipped.lost;
        eprintln!("not read: {}: {}", skipped.what, skipped.why);
    }
    let limits = Limits::default();
    for file in &found.files {
        printer.name = show(&file.path);
        match Blob::open(&file.path, &limits) {
            Ok(blob) => printer.read(blob)?,
            Err(err) => printer.complain(&err.why()),
        }
    }
    if !stdin.is_empty() {
        printer.name = "(standard input)".into();
        printer.read(Blob::from_reader("(standard input)", std::io::stdin(), &limits)?)?;
    }
    printer.out.flush()?;
    Ok(if printer.is_partial { End::Partial } else { End::Ok })
}

struct Printer<'a> {
    args: &'a Args,
    period: (Option<i64>, Option<i64>),
    out: BufWriter<std::io::StdoutLock<'static>>,
    problem: Option<std::io::Error>,
    is_partial: bool,
    name: String,
}

impl Printer<'_> {
    fn read(&mut self, mut blob: Blob) -> anyhow::Result<()> {
        let mut reader = Reader::new(self.args.input.columns());
        let mut buffer = Vec::new();
        loop {
            let more = blob.read(&mut buffer, 1 << 20);
            let is_last = !matches!(more, Ok(true));
            let done = reader.read(&buffer, is_last, self);
            buffer.drain(..done);
            if let Err(broken) = more {
                self.complain(&broken.to_string());
            }
            if let Some(err) = self.problem.take() {
                return Err(err).context("cannot write to standard output");
            }
            if is_last {
                return Ok(());
            }
        }
    }

    fn complain(&mut self, why: &str) {
        self.is_partial = true;
        eprintln!("{}", predicate::diagnostic::visible(&format!("not read: {}: {why}", self.name)));
    }

    fn print(&mut self, source: &Source, record: &Value, raw: &str) {
        let version = match self.args.ocsf {
            Version::V1_1 => OcsfVersion::V1_1_0,
            Version::V1_3 => OcsfVersion::V1_3_0,
        };
        let mut event = source.mapping.project(record, version);
        let time_ms = event.get("time").and_then(serde_json::Value::as_i64);
        let (from, to) = self.period;
        if from.is_some_and(|from| time_ms < Some(from)) || to.is_some_and(|to| time_ms >= Some(to)) {
            return;
        }
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
        let end = skip(text, at, 0)?;
        match std::str::from_utf8(&text[at..end]).map(|raw| (raw, Value::parse(raw))) {
            Ok((raw, Ok(record))) => self.print(&aws_cloudtrail::SOURCE, &record, raw),
            Ok((_, Err(err))) => self.complain(&err.to_string()),
            Err(_) => self.complain("a record that is not UTF-8"),
        }
        Ok(end)
    }

    fn flow(&mut self, columns: &Columns, line: &str) {
        match columns.check(line) {
            Ok(()) => self.print(&aws_vpc_flow::SOURCE, &columns.tree(line), line),
            Err(why) => self.complain(why),
        }
    }

    fn note(&mut self, note: Note, _: &[u8]) {
        match note {
            Note::Rejected { why, .. } | Note::Damaged { why, .. } | Note::Unknown { why } => self.complain(&why),
            Note::Digest => {}
        }
    }
}
