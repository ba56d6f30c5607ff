//! Time to width: an axis of one or more stretches, and ticks at times that people count in.

use event::time::DAY_MS;

/// How many silences an axis leaves out at most.
const BREAKS_MAX: usize = 5;
/// The width of a silence left out.
const BREAK: f64 = 52.0;
/// The least width of a stretch.
const STRETCH_MIN: f64 = 64.0;
/// The least distance of two ticks.
const TICK_MIN: f64 = 64.0;

/// A part of the time that is drawn to one scale.
#[derive(Clone, Debug, PartialEq)]
pub struct Stretch {
    /// Its first instant.
    pub start_ms: i64,
    /// Its last instant.
    pub end_ms: i64,
    /// Where it starts.
    pub x0: f64,
    /// Where it ends.
    pub x1: f64,
}

impl Stretch {
    /// Where an instant is, at the nearer end if it is outside.
    pub fn x(&self, ms: i64) -> f64 {
        let part = (ms as f64 - self.start_ms as f64) / (self.end_ms as f64 - self.start_ms as f64).max(1.0);
        self.x0 + (self.x1 - self.x0) * part.clamp(0.0, 1.0)
    }

    /// Where a span of time shows in it, if it does.
    pub fn overlap(&self, from_ms: i64, to_ms: i64) -> Option<(f64, f64)> {
        (from_ms < self.end_ms && to_ms > self.start_ms).then(|| (self.x(from_ms), self.x(to_ms)))
    }
}

/// Stretches in order, at least one.
#[derive(Clone, Debug)]
pub struct Axis {
    /// The stretches.
    pub stretches: Vec<Stretch>,
}

impl Axis {
    /// One stretch, to scale.
    pub fn plain(start_ms: i64, end_ms: i64, x0: f64, x1: f64) -> Axis {
        Axis { stretches: vec![Stretch { start_ms, end_ms: end_ms.max(start_ms), x0, x1 }] }
    }

    /// Stretches around the times, without the longest silences between them.
    pub fn with_breaks(mut times: Vec<i64>, x0: f64, x1: f64) -> Axis {
        times.sort_unstable();
        times.dedup();
        let (Some(first), Some(last)) = (times.first().copied(), times.last().copied()) else {
            return Axis::plain(0, DAY_MS, x0, x1);
        };
        let mut silences: Vec<(i64, i64)> = times.windows(2).map(|pair| (pair[0], pair[1])).collect();
        silences.sort_by_key(|(from, to)| std::cmp::Reverse(to.saturating_sub(*from)));
        silences.truncate(long_silences(&silences, last.saturating_sub(first)));
        silences.sort_unstable();
        let starts = std::iter::once(first).chain(silences.iter().map(|(_, to)| *to));
        let ends = silences.iter().map(|(from, _)| *from).chain(std::iter::once(last));
        Axis { stretches: laid_out(starts.zip(ends).collect(), x0, x1) }
    }

    /// The first instant.
    pub fn first_ms(&self) -> i64 {
        self.stretches.first().map_or(0, |s| s.start_ms)
    }

    /// The last instant.
    pub fn last_ms(&self) -> i64 {
        self.stretches.last().map_or(0, |s| s.end_ms)
    }

    /// Where an instant is; in a silence, where the stretch before it ends.
    pub fn x(&self, ms: i64) -> f64 {
        let at = self.stretches.partition_point(|s| s.start_ms <= ms).saturating_sub(1);
        self.stretches.get(at).map_or(0.0, |s| s.x(ms))
    }
}

/// How many of the silences, longest first, take up too much of what would be left without the ones before them.
fn long_silences(silences: &[(i64, i64)], whole_ms: i64) -> usize {
    let mut left_ms = whole_ms;
    for (i, (from, to)) in silences.iter().take(BREAKS_MAX).enumerate() {
        let silence_ms = to.saturating_sub(*from);
        if silence_ms <= (left_ms / 7).max(60_000) {
            return i;
        }
        left_ms = left_ms.saturating_sub(silence_ms);
    }
    silences.len().min(BREAKS_MAX)
}

fn laid_out(spans: Vec<(i64, i64)>, x0: f64, x1: f64) -> Vec<Stretch> {
    let n = spans.len() as f64;
    let spare = (x1 - x0 - BREAK * (n - 1.0) - STRETCH_MIN * n).max(0.0);
    // By the root, so that a minute of attack beside a day of it can still be read.
    let weight = |(from, to): &(i64, i64)| (to.saturating_sub(*from) as f64).max(1_000.0).sqrt();
    let total: f64 = spans.iter().map(weight).sum();
    let mut x = x0;
    spans
        .iter()
        .map(|(from, to)| {
            let width = STRETCH_MIN + spare * weight(&(*from, *to)) / total;
            // A margin, so that no mark stands on an edge.
            let margin = (to.saturating_sub(*from) / 40).max(1_000);
            let stretch = Stretch {
                start_ms: from.saturating_sub(margin),
                end_ms: to.saturating_add(margin),
                x0: x,
                x1: x + width,
            };
            x += width + BREAK;
            stretch
        })
        .collect()
}

/// The distance of the ticks and the ticks.
pub fn ticks(stretch: &Stretch) -> (i64, Vec<i64>) {
    const S: i64 = 1_000;
    const MIN: i64 = 60 * S;
    const H: i64 = 60 * MIN;
    const STEPS: [i64; 24] = [
        S,
        2 * S,
        5 * S,
        10 * S,
        30 * S,
        MIN,
        2 * MIN,
        5 * MIN,
        10 * MIN,
        15 * MIN,
        30 * MIN,
        H,
        2 * H,
        3 * H,
        6 * H,
        12 * H,
        DAY_MS,
        2 * DAY_MS,
        7 * DAY_MS,
        14 * DAY_MS,
        28 * DAY_MS,
        91 * DAY_MS,
        182 * DAY_MS,
        364 * DAY_MS,
    ];
    let ticks_max = ((stretch.x1 - stretch.x0) / TICK_MIN).max(1.0);
    let length = stretch.end_ms as f64 - stretch.start_ms as f64;
    let enough = |step: &i64| length / *step as f64 <= ticks_max;
    let longest = STEPS[STEPS.len() - 1];
    let step = STEPS
        .into_iter()
        .find(enough)
        .unwrap_or_else(|| longest.saturating_mul((length / longest as f64 / ticks_max).ceil() as i64));
    let first = stretch.start_ms.div_euclid(step).saturating_add(1).saturating_mul(step);
    let times = std::iter::successors(Some(first), |ms| ms.checked_add(step));
    (step, times.take_while(|ms| *ms < stretch.end_ms).take(64).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_silence_is_left_out_and_order_is_kept() {
        let times = vec![0, 60_000, 120_000, 30 * DAY_MS, 30 * DAY_MS + 60_000];
        let axis = Axis::with_breaks(times.clone(), 0.0, 1_000.0);
        assert_eq!(axis.stretches.len(), 2);
        let places: Vec<f64> = times.iter().map(|ms| axis.x(*ms)).collect();
        assert!(places.windows(2).all(|pair| pair[0] + 20.0 < pair[1]), "{places:?}");
        assert!(axis.stretches[1].x1 <= 1_000.1);
    }

    #[test]
    fn one_instant_and_none_have_an_axis() {
        for times in [vec![], vec![5]] {
            let axis = Axis::with_breaks(times, 0.0, 100.0);
            assert!(axis.x(5) >= 0.0 && axis.x(5) <= 100.0);
        }
    }

    #[test]
    fn the_ends_of_time_do_not_panic() {
        let axis = Axis::with_breaks(vec![i64::MIN, 0, i64::MAX], 0.0, 1_000.0);
        for stretch in &axis.stretches {
            assert!(ticks(stretch).1.len() <= 64);
        }
        assert!(ticks(&Axis::plain(i64::MIN, i64::MAX, 0.0, 1_000.0).stretches[0]).1.len() <= 64);
    }

    #[test]
    fn ticks_fall_on_round_times() {
        let (step_ms, times) = ticks(&Stretch { start_ms: 30_000, end_ms: 3_600_000, x0: 0.0, x1: 1_000.0 });
        assert_eq!((step_ms, times[0]), (300_000, 300_000));
    }
}
