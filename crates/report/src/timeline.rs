//! The attack timeline as inline SVG: above, all events and hits over the whole period; below, a lane a principal with a mark a hit.
//!
//! The lanes' axis leaves out long silences, because an attack of an hour in a month of logs would else be one dot.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Display;

use event::finding::{Finding, Severity};
use event::time::DAY_MS;

use crate::axis::{Axis, Stretch, ticks};
use crate::escape::{self, Html, clip};
use crate::model::{Histogram, Report, SeverityMarks};
use crate::parts;
use crate::quantity::{minute, of_day, plural, second, span, thousands};
use crate::width::middle_out;

/// Past so many marks, marks near each other become one.
pub const MARKS_MAX: usize = 2_000;
/// How many principals have a lane of their own.
const LANES_MAX: usize = 12;
/// How many findings the list under the picture names.
const LIST_MAX: usize = 500;
/// How many bars the frequencies are drawn with.
const BARS_MAX: usize = 240;
/// Findings up to this rank have their number beside their first mark.
const LABELLED_RANK_MAX: usize = 30;

const WIDTH: f64 = 1_240.0;
const LEFT: f64 = 190.0;
const RIGHT: f64 = WIDTH - 14.0;
/// Where the frequencies start and end.
const BAND_TOP: f64 = 14.0;
const BAND_BOTTOM: f64 = 74.0;
/// Where the lanes start; between is the axis of the whole period and the lines that lead into the stretches.
const LANES_TOP: f64 = 142.0;
const ROW: f64 = 17.0;

/// The section; nothing where there are no findings.
pub fn section(h: &mut Html, report: &Report, n_anchors: usize) {
    if report.findings.is_empty() {
        return;
    }
    h.raw("<section id=\"timeline\">");
    let lanes = lanes(&report.findings);
    let times: Vec<i64> = lanes.iter().flat_map(|lane| lane.marks.iter().map(|mark| mark.time_ms)).collect();
    let axis = Axis::with_breaks(times, LEFT, RIGHT);
    let n_hits = report.findings.iter().map(|finding| finding.count).fold(0, u64::saturating_add);
    let of_worst = match report.unlisted.is_empty() {
        true => String::new(),
        false => format!(" of the worst {}", plural(report.findings.len() as u64, "finding")),
    };
    let hits = format!("{}{of_worst}", plural(n_hits, "hit"));
    parts::heading(
        h,
        "Attack timeline",
        format_args!("{hits} by principal and time (UTC). A mark leads to its finding; the small numbers are ranks."),
    );
    h.raw("<figure>");
    parts::open_scroll(h, "Attack timeline");
    let picture = Picture { report, axis, lanes, n_anchors };
    picture.draw(h);
    h.raw("</div>");
    legend(h);
    h.raw("</figure>");
    list(h, report, n_anchors);
    h.raw("</section>\n");
}

struct Lane<'a> {
    name: &'a str,
    n_findings: usize,
    marks: Vec<Mark>,
}

/// One hit.
struct Mark {
    time_ms: i64,
    severity: Severity,
    /// Index of the finding.
    finding: usize,
}

/// Hits of one severity so near each other that they are drawn as one.
struct Cluster {
    x: f64,
    first_ms: i64,
    last_ms: i64,
    count: usize,
    /// Index of the worst-ranked finding in it, and how many others there are.
    finding: usize,
    n_others: usize,
}

/// Lanes in order of their worst finding; the last one takes all principals that are left.
fn lanes(findings: &[Finding]) -> Vec<Lane<'_>> {
    let mut lanes: Vec<Lane<'_>> = Vec::new();
    let mut places: HashMap<&str, usize> = HashMap::new();
    for (i, finding) in findings.iter().enumerate() {
        let place = *places.entry(&finding.principal).or_insert_with(|| lanes.len().min(LANES_MAX));
        if place == lanes.len() {
            let name = if place == LANES_MAX { "all others" } else { finding.principal.as_str() };
            lanes.push(Lane { name, n_findings: 0, marks: Vec::new() });
        }
        let lane = &mut lanes[place];
        lane.n_findings += 1;
        let mark = |time_ms| Mark { time_ms, severity: finding.severity, finding: i };
        if finding.related.is_empty() {
            lane.marks.push(mark(finding.first_ms));
        }
        lane.marks.extend(finding.related.iter().map(|event| mark(event.time_ms)));
    }
    lanes
}

struct Picture<'a> {
    report: &'a Report,
    axis: Axis,
    lanes: Vec<Lane<'a>>,
    n_anchors: usize,
}

impl Picture<'_> {
    fn draw(&self, h: &mut Html) {
        let bottom = self.lanes.iter().fold(LANES_TOP, |y, lane| y + lane.height());
        let label = format!(
            "Swim lanes: {} over time, with marks for hits by severity",
            plural(self.lanes.len() as u64, "principal")
        );
        h.open(
            "svg",
            &[
                ("class", &"timeline"),
                ("viewBox", &format_args!("0 0 {WIDTH} {}", bottom + 44.0)),
                ("role", &"group"),
                ("aria-label", &label),
            ],
        );
        let period = self.report.period.unwrap_or((self.axis.first_ms(), self.axis.last_ms()));
        let whole = Axis::plain(period.0.min(self.axis.first_ms()), period.1.max(self.axis.last_ms()), LEFT, RIGHT);
        self.leads(h, &whole, bottom);
        if let Some(histogram) = &self.report.histogram {
            frequencies(h, histogram, &whole);
            self.background(h, histogram, bottom);
        }
        axis_marks(h, &whole.stretches[0], BAND_BOTTOM, BAND_BOTTOM);
        let mut y = LANES_TOP;
        for lane in &self.lanes {
            self.lane(h, lane, y);
            y += lane.height();
        }
        rule(h, "edge", (0.0, bottom), (WIDTH, bottom));
        for stretch in &self.axis.stretches {
            axis_marks(h, stretch, LANES_TOP, bottom);
            put(h, "date", "start", (stretch.x0, bottom + 34.0), stretch_name(stretch));
        }
        self.silences(h, bottom);
        h.close("svg");
    }

    /// From each stretch of the whole period to where the lanes show it.
    fn leads(&self, h: &mut Html, whole: &Axis, bottom: f64) {
        for stretch in &self.axis.stretches {
            let (a, b) = (whole.x(stretch.start_ms), whole.x(stretch.end_ms));
            let b = b.max(a + 2.0);
            let (x0, x1, y0, y1) = (stretch.x0, stretch.x1, BAND_BOTTOM + 22.0, LANES_TOP - 6.0);
            let points = format!(
                "{a:.1},{BAND_TOP} {b:.1},{BAND_TOP} {b:.1},{y0} {x1:.1},{y1} {x1:.1},{bottom} {x0:.1},{bottom} {x0:.1},{y1} {a:.1},{y0}"
            );
            h.shape("polygon", &[("class", &"lead"), ("points", &points)]);
        }
    }

    /// The frequency of all events, faintly behind the lanes, where its steps are fine enough to have a shape there.
    fn background(&self, h: &mut Html, histogram: &Histogram, bottom: f64) {
        const STEPS_MIN: i64 = 16;
        let is_fine = |s: &&Stretch| s.end_ms.saturating_sub(s.start_ms) / histogram.step_ms.max(1) >= STEPS_MIN;
        let stretches: Vec<&Stretch> = self.axis.stretches.iter().filter(is_fine).collect();
        let visible: Vec<(f64, f64, u64)> = histogram
            .events
            .iter()
            .enumerate()
            .flat_map(|(i, n)| {
                let (from_ms, to_ms) = bucket(histogram, i, i + 1);
                stretches.iter().filter_map(move |s| s.overlap(from_ms, to_ms)).map(move |(x0, x1)| (x0, x1, *n))
            })
            .filter(|(.., n)| *n > 0)
            .take(MARKS_MAX)
            .collect();
        let top = visible.iter().map(|(.., n)| *n).max().unwrap_or(0).max(1);
        let mut path = String::new();
        for (x0, x1, n) in visible {
            let height = (bottom - LANES_TOP) * n as f64 / top as f64;
            path.push_str(&format!("M{x0:.1} {bottom:.1}V{:.1}H{x1:.1}V{bottom:.1}z", bottom - height));
        }
        h.shape("path", &[("class", &"behind"), ("d", &path)]);
    }

    fn lane(&self, h: &mut Html, lane: &Lane<'_>, y: f64) {
        rule(h, "edge", (0.0, y), (WIDTH, y));
        // A drawing of its own clips what a strange font makes wider than counted.
        h.open("svg", &[("x", &0), ("y", &px(y)), ("width", &px(LEFT - 6.0)), ("height", &px(26.0))]);
        h.open("text", &[("class", &"lane"), ("x", &0), ("y", &19)]);
        h.leaf("title", &[], clip(lane.name, parts::LINE_MAX));
        h.text(middle_out(&escape::line(&clip(lane.name, parts::LINE_MAX)), 24, "…"));
        h.close("text");
        h.close("svg");
        put(h, "small", "start", (0.0, y + 34.0), plural(lane.n_findings as u64, "finding"));
        for (row, severity) in lane.severities().into_iter().enumerate() {
            let y = y + lane.pad() + ROW * (row as f64 + 0.5);
            for stretch in &self.axis.stretches {
                rule(h, "row", (stretch.x0, y), (stretch.x1, y));
            }
            self.row(h, &self.clusters(lane, severity), severity, y);
        }
    }

    fn row(&self, h: &mut Html, clusters: &[Cluster], severity: Severity, y: f64) {
        for (i, cluster) in clusters.iter().enumerate() {
            self.mark(h, cluster, severity, y);
            let finding = &self.report.findings[cluster.finding];
            let is_first = cluster.first_ms <= finding.first_ms;
            let has_room = clusters.get(i + 1).is_none_or(|next| next.x > cluster.x + 26.0) && cluster.x + 20.0 < RIGHT;
            if is_first && has_room && cluster.finding < LABELLED_RANK_MAX {
                put(h, "number", "start", (cluster.x + cluster.radius() + 3.0, y + 3.5), cluster.finding + 1);
            }
        }
    }

    fn mark(&self, h: &mut Html, cluster: &Cluster, severity: Severity, y: f64) {
        let is_linked = cluster.finding < self.n_anchors;
        if is_linked {
            // The list below the picture is the keyboard's way; two thousand stops of the tab key are none.
            h.open("a", &[("href", &format_args!("#f-{}", cluster.finding + 1)), ("tabindex", &-1)]);
        }
        let r = cluster.radius();
        h.open(
            "use",
            &[
                ("class", &format_args!("mark {}", severity.class())),
                ("href", &format_args!("#i-{}", severity.class())),
                ("x", &px(cluster.x - r)),
                ("y", &px(y - r)),
                ("width", &px(2.0 * r)),
                ("height", &px(2.0 * r)),
            ],
        );
        h.leaf("title", &[], self.hint(cluster, severity));
        h.close("use");
        if is_linked {
            h.close("a");
        }
    }

    fn hint(&self, cluster: &Cluster, severity: Severity) -> String {
        let title = clip(&self.report.findings[cluster.finding].title, 160);
        let mut hint = format!("{} {}: {title}", second(cluster.first_ms), severity.caption());
        if cluster.count > 1 {
            hint.push_str(&format!(" ({} to {})", plural(cluster.count as u64, "hit"), of_day(cluster.last_ms)));
        }
        if cluster.n_others > 0 {
            hint.push_str(&format!(" and {}", plural(cluster.n_others as u64, "other finding")));
        }
        hint
    }

    fn clusters(&self, lane: &Lane<'_>, severity: Severity) -> Vec<Cluster> {
        let step = self.column();
        let mut by_column: BTreeMap<i64, Vec<&Mark>> = BTreeMap::new();
        for mark in lane.marks.iter().filter(|mark| mark.severity == severity) {
            by_column.entry((self.axis.x(mark.time_ms) / step) as i64).or_default().push(mark);
        }
        by_column
            .into_values()
            .map(|marks| {
                let findings: std::collections::BTreeSet<usize> = marks.iter().map(|mark| mark.finding).collect();
                let times = || marks.iter().map(|mark| mark.time_ms);
                let x = marks.iter().map(|mark| self.axis.x(mark.time_ms)).sum::<f64>() / marks.len() as f64;
                let (first_ms, last_ms) = (times().min().unwrap_or(0), times().max().unwrap_or(0));
                let finding = findings.first().copied().unwrap_or(0);
                Cluster {
                    x,
                    first_ms,
                    last_ms,
                    count: marks.len(),
                    finding,
                    n_others: findings.len().saturating_sub(1),
                }
            })
            .collect()
    }

    /// The width within which marks become one: little while there are few marks, else so that no picture has too many.
    fn column(&self) -> f64 {
        let n_marks: usize = self.lanes.iter().map(|lane| lane.marks.len()).sum();
        if n_marks <= MARKS_MAX {
            return 9.0;
        }
        let n_rows: usize = self.lanes.iter().map(|lane| lane.severities().len()).sum();
        ((RIGHT - LEFT) * n_rows as f64 / (MARKS_MAX - n_rows) as f64).max(14.0)
    }

    /// What the lanes' axis leaves out, said where it is left out.
    fn silences(&self, h: &mut Html, bottom: f64) {
        for pair in self.axis.stretches.windows(2) {
            let x = (pair[0].x1 + pair[1].x0) / 2.0;
            rule(h, "silence", (x, LANES_TOP), (x, bottom));
            let text = span(pair[0].end_ms, pair[1].start_ms);
            put(h, "small", "middle", (x, LANES_TOP - 8.0), text);
        }
    }
}

impl Lane<'_> {
    fn severities(&self) -> Vec<Severity> {
        Severity::ALL.into_iter().rev().filter(|s| self.marks.iter().any(|mark| mark.severity == *s)).collect()
    }

    fn pad(&self) -> f64 {
        (self.height() - ROW * self.severities().len() as f64) / 2.0
    }

    fn height(&self) -> f64 {
        (ROW * self.severities().len() as f64 + 10.0).max(46.0)
    }
}

impl Cluster {
    fn radius(&self) -> f64 {
        (5.0 + (self.count as f64).ln() * 0.7).min(8.0)
    }
}

fn bucket(histogram: &Histogram, from: usize, to: usize) -> (i64, i64) {
    let at = |i: usize| histogram.start_ms.saturating_add(histogram.step_ms.saturating_mul(i as i64));
    (at(from), at(to))
}

/// Events as an area, hits as bars over it, each with its own scale.
fn frequencies(h: &mut Html, histogram: &Histogram, whole: &Axis) {
    let rows: [(&'static str, &'static str, &[u64], f64); 2] =
        [("events", "events", &histogram.events, BAND_TOP + 10.0), ("hits", "hits", &histogram.hits, BAND_TOP + 40.0)];
    for (class, name, counts, y) in rows {
        let n_bars = counts.len().min(BARS_MAX);
        let mut sums = vec![0u64; n_bars];
        for (i, n) in counts.iter().enumerate() {
            let sum = &mut sums[i * n_bars / counts.len()];
            *sum = sum.saturating_add(*n);
        }
        let most = sums.iter().copied().max().unwrap_or(0);
        let mut path = String::new();
        for (i, n) in sums.iter().enumerate().filter(|(_, n)| **n > 0) {
            // Bar i holds the buckets that were summed into it.
            let (from, to) = ((i * counts.len()).div_ceil(n_bars), ((i + 1) * counts.len()).div_ceil(n_bars));
            let (from_ms, to_ms) = bucket(histogram, from, to);
            let (x0, x1) = (whole.x(from_ms), whole.x(to_ms));
            let part = if class == "hits" { 0.5 } else { 1.0 };
            let height = ((BAND_BOTTOM - BAND_TOP) * part * *n as f64 / most.max(1) as f64).max(1.5);
            let gap = if x1 - x0 > 4.0 { 1.0 } else { 0.0 };
            let x1 = (x1 - gap).max(x0 + 1.0);
            path.push_str(&format!("M{x0:.1} {BAND_BOTTOM}V{:.1}H{x1:.1}V{BAND_BOTTOM}z", BAND_BOTTOM - height));
        }
        h.shape("path", &[("class", &class), ("d", &path)]);
        let total = counts.iter().fold(0u64, |sum, n| sum.saturating_add(*n));
        h.shape("rect", &[("class", &class), ("x", &0), ("y", &px(y - 8.0)), ("width", &9), ("height", &9)]);
        put(h, "lane", "start", (16.0, y), format_args!("{} {name}", thousands(total)));
        let bar_ms = histogram.step_ms.saturating_mul(counts.len().div_ceil(n_bars.max(1)) as i64);
        let peak = format!("at most {} in {}", thousands(most), span(0, bar_ms));
        put(h, "small", "start", (16.0, y + 13.0), peak);
    }
}

/// The line of an axis under a stretch with its ticks; grid lines from `top`.
fn axis_marks(h: &mut Html, stretch: &Stretch, top: f64, bottom: f64) {
    rule(h, "edge", (stretch.x0, bottom), (stretch.x1, bottom));
    let (step_ms, times) = ticks(stretch);
    let mut free_from = stretch.x0 - 20.0;
    for ms in times {
        let x = stretch.x(ms);
        rule(h, "grid", (x, top), (x, bottom + 4.0));
        let text = tick_text(ms, step_ms);
        let half = text.len() as f64 * 3.2;
        if x - half >= free_from && x + half <= stretch.x1 + 14.0 {
            put(h, "tick", "middle", (x, bottom + 17.0), text);
            free_from = x + half + 8.0;
        }
    }
}

fn tick_text(ms: i64, step_ms: i64) -> String {
    let second = second(ms);
    // Counted from the end, because a year may have more than four digits.
    let at = |from: usize, to: usize| second[second.len() - from..second.len() - to].to_owned();
    match step_ms {
        step if step >= 28 * DAY_MS => second[..second.len() - 12].to_owned(),
        step if step >= DAY_MS || ms.rem_euclid(DAY_MS) == 0 => at(14, 9),
        step if step >= 60_000 => at(8, 3),
        _ => at(8, 0),
    }
}

fn stretch_name(stretch: &Stretch) -> String {
    let name = minute(stretch.start_ms);
    if stretch.x1 - stretch.x0 > 110.0 { name } else { name[..name.len() - 6].to_owned() }
}

fn legend(h: &mut Html) {
    h.raw("<figcaption><ul class=\"legend\">");
    for severity in Severity::ALL.into_iter().rev() {
        h.raw("<li>");
        parts::severity(h, severity);
        h.raw("</li>");
    }
    h.raw("<li class=\"small\">Bigger marks are several hits. Shaded: all events, from few to many. A dashed line is a silence left out.</li></ul></figcaption>");
}

/// The picture as text: the findings in order of time.
fn list(h: &mut Html, report: &Report, n_anchors: usize) {
    let mut order: Vec<usize> = (0..report.findings.len()).collect();
    order.truncate(LIST_MAX);
    order.sort_by_key(|i| report.findings[*i].first_ms);
    h.raw("<details class=\"twin\"><summary>The timeline as a list</summary>");
    parts::open_scroll(h, "Timeline as a list");
    h.raw("<table><thead><tr><th scope=\"col\">First seen (UTC)</th><th scope=\"col\">Last seen</th><th scope=\"col\">Severity</th>");
    h.raw("<th scope=\"col\">Principal</th><th scope=\"col\">Finding</th><th scope=\"col\" class=\"number\">Hits</th></tr></thead><tbody>");
    for i in order {
        let finding = &report.findings[i];
        h.raw("<tr><td>");
        parts::time(h, finding.first_ms);
        h.raw("</td><td>");
        parts::time(h, finding.last_ms);
        h.raw("</td><td>");
        parts::severity(h, finding.severity);
        h.raw("</td><td>");
        parts::value(h, &finding.principal);
        h.raw("</td><td>");
        if i < n_anchors {
            h.leaf("a", &[("href", &format_args!("#f-{}", i + 1))], clip(&finding.title, 160));
        } else {
            h.text(clip(&finding.title, 160));
        }
        h.raw("</td>");
        h.leaf("td", &[("class", &"number")], thousands(finding.count));
        h.raw("</tr>");
    }
    h.raw("</tbody></table></div>");
    parts::more(
        h,
        report.n_findings() as usize,
        LIST_MAX.min(report.findings.len()),
        "of lower rank, in the list of findings",
    );
    h.raw("</details>");
}

fn px(length: f64) -> String {
    format!("{length:.1}")
}

fn rule(h: &mut Html, class: &'static str, (x1, y1): (f64, f64), (x2, y2): (f64, f64)) {
    h.shape("line", &[("class", &class), ("x1", &px(x1)), ("y1", &px(y1)), ("x2", &px(x2)), ("y2", &px(y2))]);
}

fn put(h: &mut Html, class: &'static str, anchor: &'static str, (x, y): (f64, f64), text: impl Display) {
    h.leaf("text", &[("class", &class), ("text-anchor", &anchor), ("x", &px(x)), ("y", &px(y))], text);
}
