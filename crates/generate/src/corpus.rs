//! The whole corpus, written span by span so that memory does not grow with its size.

use crate::attack::{self, Told};
use crate::benign::{self, Life, World};
use crate::flow::Flows;
use crate::layout::{Deliveries, Disk};
use crate::rng::{Rng, join, name};
use crate::time::{DAY_MS, HOUR_MS, MINUTE_MS};
use std::path::{Path, PathBuf};

/// What to write.
#[derive(Clone, Debug)]
pub struct Options {
    /// The one source of randomness.
    pub seed: u64,
    /// When the logs begin, in milliseconds since 1970 UTC.
    pub start_ms: i64,
    /// How many days they tell of.
    pub days: u32,
    /// CloudTrail events in total; the sign-ins of a day are told even if that makes a few more.
    pub events: u64,
    /// Flow log records in total.
    pub flows: u64,
    /// The attack among them.
    pub attack: Scenario,
    /// The most CloudTrail records in one file.
    pub events_per_file_max: u32,
}

/// An attack told by the logs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Scenario {
    /// Nothing but ordinary life.
    None,
    /// A leaked access key, and an account taken over with it in the second night.
    Takeover,
}

impl Default for Options {
    fn default() -> Options {
        let start_ms = 1_793_491_200_000; // 2026-11-01T00:00:00Z, a Sunday
        Options {
            seed: 7,
            start_ms,
            days: 2,
            events: 60_000,
            flows: 120_000,
            attack: Scenario::Takeover,
            events_per_file_max: 5_000,
        }
    }
}

/// What was written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Written {
    /// Files, the ground truth among them.
    pub files: u64,
    /// CloudTrail events, each counted once.
    pub events: u64,
    /// Flow log records.
    pub flows: u64,
    /// Bytes of all files, as compressed.
    pub bytes: u64,
    /// Events of the attack.
    pub attack_events: u64,
    /// Events that are delivered a second time, as CloudTrail does.
    pub duplicates: u64,
}

/// Why a corpus could not be written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The options leave no time to tell of.
    #[error("cannot write a corpus of {days} days from {start_ms} ms")]
    Span {
        /// The days asked for.
        days: u32,
        /// The start asked for.
        start_ms: i64,
    },
    /// The disk refused.
    #[error("cannot write `{}`", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        err: std::io::Error,
    },
}

impl From<(PathBuf, std::io::Error)> for Error {
    fn from((path, err): (PathBuf, std::io::Error)) -> Error {
        Error::Write { path, err }
    }
}

/// Writes the corpus below `dir`: CloudTrail and flow logs in an organization trail's layout, and `ground-truth.jsonl`.
pub fn write(options: &Options, dir: &Path) -> Result<Written, Error> {
    let spans = spans(options)?;
    let world = World::new(options.seed);
    let script = attack::script(options, &world);
    let mut disk = Disk::new(dir);
    let mut deliveries = Deliveries::new(join(options.seed, name("deliveries")), options.events_per_file_max);
    let mut flows = Flows::new(options, &world);
    let activity: Vec<f64> = spans.iter().map(|span| world.activity(span.0, span.1)).collect();
    let (total, mut sum) = (activity.iter().sum::<f64>(), 0.0);
    for (span, activity) in spans.iter().zip(activity) {
        sum += activity;
        let so_far = (sum / total).min(1.0);
        let rng = Rng::new(join(options.seed, span.0 as u64));
        let mut life =
            Life { world: &world, span: *span, rng, deliveries: &mut deliveries, besides: besides(&script, *span) };
        benign::fill(&mut life, share(options.events, so_far));
        deliveries.flush(&mut disk, span.1 + 5 * MINUTE_MS)?;
        flows.write(*span, share(options.flows, so_far), &mut disk)?;
    }
    // No span follows the last, so what is late there comes by itself.
    deliveries.flush(&mut disk, spans[spans.len() - 1].1 + 20 * MINUTE_MS)?;
    let truth: String = script.iter().map(|told| told.truth.as_str()).collect();
    disk.write("ground-truth.jsonl", truth.as_bytes())?;
    Ok(Written {
        files: disk.files,
        events: deliveries.events,
        flows: flows.records,
        bytes: disk.bytes,
        attack_events: script.len() as u64,
        duplicates: deliveries.twice,
    })
}

fn share(whole: u64, part: f64) -> u64 {
    (whole as f64 * part).round() as u64
}

/// The longest spans that hold few enough records to be kept in memory.
fn spans(options: &Options) -> Result<Vec<(i64, i64)>, Error> {
    const RECORDS_PER_SPAN: u64 = 20_000;
    let length = i64::from(options.days) * DAY_MS;
    let end = options.start_ms.checked_add(length).filter(|end| *end > options.start_ms && options.start_ms >= 0);
    let end = end.ok_or(Error::Span { days: options.days, start_ms: options.start_ms })?;
    let records = options.events.max(options.flows / 8);
    let fits = |span_ms: &i64| records / ((length / span_ms) as u64) <= RECORDS_PER_SPAN;
    let span_ms = [HOUR_MS, 30 * MINUTE_MS, 15 * MINUTE_MS].into_iter().find(fits).unwrap_or(5 * MINUTE_MS);
    Ok((0..length / span_ms)
        .map(|i| options.start_ms + i * span_ms)
        .map(|from| (from, (from + span_ms).min(end)))
        .collect())
}

fn besides(script: &[Told], span: (i64, i64)) -> Vec<&Told> {
    script.iter().filter(|told| (span.0..span.1).contains(&told.time_ms)).collect()
}
