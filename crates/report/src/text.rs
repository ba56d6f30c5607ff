//! The terminal summary of a scan.
//!
//! Nothing of a log reaches the terminal as a control: escapes are marked before widths are counted, and colours are added last.

use event::finding::{Finding, Severity};
use unicode_width::UnicodeWidthStr;

use crate::escape;
use crate::model::{Report, SeverityMarks, Skipped, StepLine, Story};
use crate::quantity::{bytes, date, minute, of_day, plural, plural_at_least, second, seconds, thousands};
use crate::width::{middle_out, start_of, width_of};

/// How many skipped inputs have a line of their own; the rest are counted by reason.
const SKIPPED_MAX: usize = 10;
/// How many stories are told.
const STORIES_MAX: usize = 4;
/// How many steps or links of a story are told.
const STEPS_MAX: usize = 6;
/// The widest that a sparkline gets.
const SPARKLINE_MAX: usize = 32;
/// Where the text of a labelled line starts.
const INDENT: usize = 7;
/// Where lines break that need not be cut.
const UNCUT_WIDTH: usize = 120;

/// What the terminal can show.
#[derive(Clone, Debug)]
pub struct TextOptions {
    /// Columns; 0 is where nothing need be cut, as in a file.
    pub width: usize,
    /// Whether it shows ANSI colours.
    pub color: bool,
    /// Whether it shows more than ASCII.
    pub unicode: bool,
    /// How many findings to list.
    pub findings_max: usize,
}

impl Default for TextOptions {
    fn default() -> TextOptions {
        TextOptions { width: 100, color: false, unicode: true, findings_max: 20 }
    }
}

/// What was read, what was skipped, when it happened, what was found, and the story of each principal.
pub fn text(report: &Report, options: &TextOptions) -> String {
    let width = if options.width == 0 { UNCUT_WIDTH } else { options.width };
    let is_cut = options.width > 0;
    let mut t = Terminal { out: String::new(), width, is_cut, color: options.color, unicode: options.unicode };
    t.read(report);
    t.skipped(&report.inputs.skipped);
    t.period(report);
    t.notes(&report.notes);
    t.sparklines(report);
    if report.findings.is_empty() {
        t.nothing_found(report);
        return t.out;
    }
    t.counts(report);
    t.findings(report, options.findings_max);
    t.stories(report);
    t.out
}

struct Terminal {
    out: String,
    width: usize,
    /// Whether what is longer than a line is cut.
    is_cut: bool,
    color: bool,
    unicode: bool,
}

#[derive(Clone, Copy)]
enum Paint {
    Plain,
    Dim,
    Bold,
    Severity(Severity),
}

impl Paint {
    fn code(self) -> &'static str {
        match self {
            Paint::Plain => "",
            Paint::Dim => "2",
            Paint::Bold => "1",
            Paint::Severity(Severity::Critical) => "1;97;41",
            Paint::Severity(Severity::High) => "1;31",
            Paint::Severity(Severity::Medium) => "33",
            Paint::Severity(Severity::Low) => "36",
            Paint::Severity(Severity::Informational) => "2",
        }
    }
}

impl Terminal {
    fn read(&mut self, report: &Report) {
        let inputs = &report.inputs;
        let what = format!(
            "{}, {}, {} in {}",
            plural(inputs.files, "file"),
            plural(inputs.events, "event"),
            bytes(inputs.bytes),
            seconds(inputs.seconds)
        );
        let mut pieces = vec![what];
        if inputs.filtered > 0 {
            pieces.push(format!("{} outside the asked period", thousands(inputs.filtered)));
        }
        if inputs.repeats > 0 {
            pieces.push(format!("{} left out of findings", plural(inputs.repeats, "repeat")));
        }
        if !inputs.skipped.is_empty() {
            pieces.push(format!("{} skipped", thousands(inputs.skipped.len() as u64)));
        }
        self.labelled("Read", &pieces);
    }

    fn skipped(&mut self, skipped: &[Skipped]) {
        for input in skipped.iter().take(SKIPPED_MAX) {
            let room = self.width.saturating_sub(INDENT);
            let why = format!(": {}{}", self.clean(&input.why), input.lost());
            let what = self.clean(&input.what);
            // The reason is worth more than the start of a long path.
            let what = self.fit_middle(&what, room.saturating_sub(width_of(&why)).max(room.min(24)));
            let line = self.fit(&format!("{what}{why}"), room);
            self.label("Skip");
            self.line(&line, Paint::Plain);
        }
        let rest = skipped.get(SKIPPED_MAX..).unwrap_or_default();
        if rest.is_empty() {
            return;
        }
        let mut pieces = vec![format!("and {} more:", thousands(rest.len() as u64))];
        for (why, n) in by_reason(rest) {
            pieces.push(format!("{} ({})", self.clean(why), thousands(n)));
        }
        self.labelled("Skip", &pieces);
    }

    fn period(&mut self, report: &Report) {
        let Some((start_ms, end_ms)) = report.period else { return };
        let start = minute(start_ms);
        let end = if date(start_ms) == date(end_ms) { of_day(end_ms)[..5].to_owned() } else { minute(end_ms) };
        let mut pieces = vec![format!("{start} - {end} UTC")];
        if report.regions.n.n > 3 {
            pieces.push(plural_at_least(report.regions.n, "region"));
        } else if !report.regions.names.is_empty() {
            let names: Vec<String> = report.regions.names.iter().map(|r| self.clean(&r.name)).collect();
            pieces.push(names.join(", "));
        }
        pieces.push(format!(
            "{}, {}, {}",
            plural_at_least(report.accounts.n, "account"),
            plural_at_least(report.principals.n, "principal"),
            plural_at_least(report.source_ips.n, "IP")
        ));
        self.labelled("Period", &pieces);
    }

    fn notes(&mut self, notes: &[String]) {
        for note in notes {
            let words: Vec<String> = self.clean(note).split(' ').map(str::to_owned).collect();
            self.label("Note");
            self.flow(&words, " ");
        }
    }

    fn sparklines(&mut self, report: &Report) {
        let Some(histogram) = &report.histogram else { return };
        if histogram.events.is_empty() {
            return;
        }
        let room = (self.width.saturating_sub(18) / 2).min(SPARKLINE_MAX);
        self.out.push('\n');
        if room >= 8 {
            let events = sparkline(&histogram.events, room, self.unicode);
            let hits = sparkline(&histogram.hits, room, self.unicode);
            self.line(&format!(" events {events}   hits {hits}"), Paint::Plain);
        }
    }

    fn nothing_found(&mut self, report: &Report) {
        self.out.push('\n');
        let verdict = report.verdict();
        self.sentence(&verdict, Paint::Bold);
        if report.inputs.events == 0 || report.rules_loaded == 0 {
            return;
        }
        if !report.sources.names.is_empty() {
            let sources: Vec<String> = report
                .sources
                .names
                .iter()
                .map(|s| format!("{} ({})", self.clean(&s.name), thousands(s.count)))
                .collect();
            self.sentence(&format!("Looked at {}.", sources.join(", ")), Paint::Plain);
        }
        self.sentence(
            "That is not proof that nothing happened: it says that no rule matched these events.",
            Paint::Dim,
        );
    }

    fn counts(&mut self, report: &Report) {
        self.out.push('\n');
        let mut used = 0;
        for (severity, n) in report.severity_counts() {
            if n == 0 && severity == Severity::Informational {
                continue;
            }
            let word = format!("{} {}", severity.short(), thousands(n));
            if used + 3 + word.width() > self.width {
                self.out.push('\n');
                used = 0;
            }
            let gap = if used == 0 { 1 } else { 3 };
            self.out.push_str(&" ".repeat(gap));
            used += gap + word.width();
            self.paint(&word, if n == 0 { Paint::Dim } else { Paint::Severity(severity) });
        }
        let rules =
            format!("{}, {} fired", plural(report.rules_loaded as u64, "rule"), thousands(report.rules_fired as u64));
        if used + 8 + rules.width() > self.width {
            self.out.push_str("\n ");
        } else {
            self.out.push_str("        ");
        }
        self.line(&rules, Paint::Dim);
    }

    fn findings(&mut self, report: &Report, findings_max: usize) {
        let findings = &report.findings;
        let shown = &findings[..findings.len().min(findings_max)];
        let columns = Columns::of(shown, report.period, self);
        for (i, finding) in shown.iter().enumerate() {
            let rank = thousands(i as u64 + 1);
            self.out.push(' ');
            self.out.push_str(&pad_left(&rank, columns.rank));
            self.out.push_str("  ");
            self.paint(&pad(finding.severity.short(), 4), Paint::Severity(finding.severity));
            self.out.push_str("  ");
            let mut cells = vec![pad(&self.cell(columns.sentence(finding), columns.title), columns.title)];
            if columns.principal > 0 {
                let principal = self.clean(&finding.principal);
                cells.push(pad(&self.fit_middle(&principal, columns.principal), columns.principal));
            }
            if columns.time > 0 {
                cells.push(columns.instants.text(finding.first_ms));
            }
            if columns.technique > 0 {
                cells.push(self.cell(&technique(finding), columns.technique));
            }
            self.line(cells.join("  ").trim_end(), Paint::Plain);
        }
        let n_rest = report.n_findings() - shown.len() as u64;
        if n_rest > 0 {
            let rest = plural(n_rest, "more finding");
            // What is not even known to the report is in the other formats.
            let how = if report.unlisted.is_empty() { "--top 0 lists all" } else { "--format jsonl has all" };
            let line = self.fit(&format!(" {} {rest} ({how})", self.ellipsis()), self.width);
            self.line(&line, Paint::Dim);
        }
    }

    fn stories(&mut self, report: &Report) {
        let told = &report.stories[..report.stories.len().min(STORIES_MAX)];
        // One kind of instant for all: a story of one day among several must say which.
        let times = told
            .iter()
            .flat_map(|story| story.links.iter().map(|l| l.time_ms).chain(story.steps.iter().map(|s| s.time_ms)));
        let instants = Instants::of(times, report.period);
        told.iter().for_each(|story| self.story(story, instants));
        if let Some(rest) = report.n_stories.beside(told.len()) {
            let line = format!("{} {}", self.ellipsis(), plural_at_least(rest, "more story"));
            self.indented(&line);
        }
    }

    fn story(&mut self, story: &Story, instants: Instants) {
        self.label("Story");
        let room = self.width.saturating_sub(INDENT + 6);
        let principal = self.clean(&story.principal);
        let principal = self.fit_middle(&principal, room);
        self.paint(&principal, Paint::Bold);
        self.out.push_str("  ");
        self.line(story.severity.short(), Paint::Severity(story.severity));
        for link in story.links.iter().take(STEPS_MAX) {
            let line = format!("{}        {}", instants.text(link.time_ms), self.clean(&link.text));
            self.indented(&line);
        }
        self.rest(story.links.len() as u64, "more link");
        for step in worst_in_order(&story.steps) {
            self.step(step, instants);
        }
        self.rest(story.n_steps(), "lesser step");
    }

    fn step(&mut self, step: &StepLine, instants: Instants) {
        let time = instants.text(step.time_ms);
        let mut line = format!("{time}  {}  {}", pad(step.severity.short(), 4), self.clean(&step.text));
        if step.count > 1 {
            line.push_str(&format!("  {}{}", if self.unicode { '×' } else { 'x' }, thousands(step.count)));
        }
        for extra in [&step.technique, &step.source_ip].into_iter().filter(|extra| !extra.is_empty()) {
            line.push_str("  ");
            line.push_str(&self.clean(extra));
        }
        self.indented(&line);
    }

    fn rest(&mut self, len: u64, noun: &str) {
        if len > STEPS_MAX as u64 {
            let line = format!("{} {}", self.ellipsis(), plural(len - STEPS_MAX as u64, noun));
            self.indented(&line);
        }
    }

    fn indented(&mut self, line: &str) {
        let line = self.fit(line, self.width.saturating_sub(INDENT));
        self.out.push_str(&" ".repeat(INDENT));
        self.line(&line, Paint::Plain);
    }

    fn label(&mut self, label: &str) {
        self.paint(&pad(label, INDENT), Paint::Dim);
    }

    fn labelled(&mut self, label: &str, pieces: &[String]) {
        self.label(label);
        self.flow(pieces, "   ");
    }

    fn sentence(&mut self, text: &str, paint: Paint) {
        let words: Vec<String> = text.split(' ').map(str::to_owned).collect();
        for line in wrap(&words, " ", self.width.saturating_sub(1)) {
            let line = self.fit(&line, self.width.saturating_sub(1));
            self.out.push(' ');
            self.line(&line, paint);
        }
    }

    /// Pieces side by side, in as many indented lines as they need; the first line has its label already.
    fn flow(&mut self, pieces: &[String], gap: &str) {
        let room = self.width.saturating_sub(INDENT);
        for (i, line) in wrap(pieces, gap, room).iter().enumerate() {
            if i > 0 {
                self.out.push_str(&" ".repeat(INDENT));
            }
            let line = self.fit(line, room);
            self.line(&line, Paint::Plain);
        }
    }

    fn line(&mut self, text: &str, paint: Paint) {
        self.paint(text, paint);
        self.out.push('\n');
    }

    fn paint(&mut self, text: &str, paint: Paint) {
        let code = paint.code();
        if !self.color || code.is_empty() {
            self.out.push_str(text);
            return;
        }
        // Blanks of padding stay unpainted: a coloured background must not run into the next column.
        let word = text.trim_end();
        self.out.push_str("\u{1b}[");
        self.out.push_str(code);
        self.out.push('m');
        self.out.push_str(word);
        self.out.push_str("\u{1b}[0m");
        self.out.push_str(&text[word.len()..]);
    }

    fn clean(&self, text: &str) -> String {
        // No line is this long, and a megabyte of combining marks has no width at all.
        let chars_max = if self.is_cut { self.width.saturating_mul(4).min(4_096) } else { 4_096 };
        let clipped: String = text.chars().take(chars_max).collect();
        if self.unicode { escape::line(&clipped).into_owned() } else { escape::ascii_line(&clipped).into_owned() }
    }

    fn cell(&self, text: &str, width: usize) -> String {
        self.fit(&self.clean(text), width)
    }

    fn ellipsis(&self) -> &'static str {
        if self.unicode { "…" } else { ".." }
    }

    /// The text, or as much of its start as fits in front of an ellipsis.
    fn fit(&self, text: &str, width: usize) -> String {
        if !self.is_cut || width_of(text) <= width {
            return text.to_owned();
        }
        let room = width.saturating_sub(self.ellipsis().width());
        let mut out = start_of(text, room).trim_end().to_owned();
        if width > 0 {
            out.push_str(self.ellipsis());
        }
        out
    }

    /// The text, or its two ends around an ellipsis: of paths and names both ends tell.
    fn fit_middle(&self, text: &str, width: usize) -> String {
        if !self.is_cut || width_of(text) <= width || width < 8 {
            return self.fit(text, width);
        }
        middle_out(text, width, self.ellipsis())
    }
}

/// The widths of the table of findings; 0 is a column left out.
struct Columns {
    rank: usize,
    title: usize,
    principal: usize,
    time: usize,
    technique: usize,
    instants: Instants,
}

impl Columns {
    fn of(findings: &[Finding], period: Option<(i64, i64)>, t: &Terminal) -> Columns {
        let widest = |cell: &dyn Fn(&Finding) -> String, max: usize| {
            findings.iter().map(|f| width_of(&t.clean(&cell(f)))).max().unwrap_or(0).min(max)
        };
        let instants = Instants::of(findings.iter().map(|f| f.first_ms), period);
        let mut c = Columns {
            rank: thousands(findings.len() as u64).len(),
            title: widest(&|f| f.title.clone(), 200),
            principal: widest(
                &|f| f.principal.clone(),
                if t.is_cut { (t.width / 5).clamp(12, 28) } else { UNCUT_WIDTH },
            ),
            time: instants.width(),
            technique: widest(&technique, 14),
            instants,
        };
        if !t.is_cut {
            let sentences = findings.iter().map(|f| width_of(&t.clean(c.sentence(f)))).max().unwrap_or(0);
            c.title = sentences.min(200);
            return c;
        }
        // What tells least goes first, until the sentence has room.
        let fixed = 1 + c.rank + 2 + 4 + 2;
        let room = |c: &Columns| {
            let sides = [c.principal, c.time, c.technique];
            let used: usize = sides.iter().filter(|w| **w > 0).map(|w| w + 2).sum();
            t.width.saturating_sub(fixed + used)
        };
        for column in
            [|c: &mut Columns| c.technique = 0, |c: &mut Columns| c.time = 0, |c: &mut Columns| c.principal = 0]
        {
            if room(&c) < c.title.min(24) {
                column(&mut c);
            }
        }
        let sentences = findings.iter().map(|f| width_of(&t.clean(c.sentence(f)))).max().unwrap_or(0);
        c.title = sentences.min(room(&c));
        c
    }

    /// The title, without the principal that it starts with if that has a column of its own.
    fn sentence<'a>(&self, finding: &'a Finding) -> &'a str {
        match finding.title.strip_prefix(&finding.principal) {
            Some(rest) if self.principal > 0 && rest.starts_with(' ') => rest.trim_start(),
            _ => &finding.title,
        }
    }
}

/// As much of each instant as tells it apart from the others and in the period; the line `Period` has the rest.
#[derive(Clone, Copy)]
enum Instants {
    OneDay,
    OneYear,
    Years,
}

impl Instants {
    fn of(times: impl Iterator<Item = i64>, period: Option<(i64, i64)>) -> Instants {
        let ends = period.into_iter().flat_map(|(from, to)| [from, to]);
        let mut dates: Vec<String> = times.chain(ends).map(date).collect();
        dates.sort_unstable();
        let year = |date: &String| date.split('-').next().map(str::to_owned);
        match (dates.first(), dates.last()) {
            (Some(first), Some(last)) if first == last => Instants::OneDay,
            (Some(first), Some(last)) if year(first) == year(last) => Instants::OneYear,
            _ => Instants::Years,
        }
    }

    fn width(self) -> usize {
        self.text(0).len()
    }

    fn text(self, ms: i64) -> String {
        match self {
            Instants::OneDay => of_day(ms),
            Instants::OneYear => second(ms).split_once('-').map_or_else(|| second(ms), |(_, rest)| rest.to_owned()),
            Instants::Years => minute(ms),
        }
    }
}

/// The worst steps, as many as are told, in the order in which they happened.
fn worst_in_order(steps: &[StepLine]) -> Vec<&StepLine> {
    let mut worst: Vec<usize> = (0..steps.len()).collect();
    worst.sort_by_key(|i| std::cmp::Reverse(steps[*i].severity));
    worst.truncate(STEPS_MAX);
    worst.sort_unstable();
    worst.into_iter().map(|i| &steps[i]).collect()
}

fn technique(finding: &Finding) -> String {
    match finding.techniques.as_slice() {
        [] => String::new(),
        [one] => one.id.clone(),
        [first, rest @ ..] => format!("{} +{}", first.id, rest.len()),
    }
}

fn by_reason(skipped: &[Skipped]) -> Vec<(&str, u64)> {
    let mut reasons: std::collections::BTreeMap<&str, u64> = std::collections::BTreeMap::new();
    for input in skipped {
        *reasons.entry(&input.why).or_default() += 1;
    }
    let mut reasons: Vec<_> = reasons.into_iter().collect();
    reasons.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
    reasons.truncate(SKIPPED_MAX);
    reasons
}

fn sparkline(counts: &[u64], columns_max: usize, unicode: bool) -> String {
    let ramp: &[char] = if unicode {
        &['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█']
    } else {
        &['_', '.', ':', '-', '=', '+', '*', '#']
    };
    let n_columns = counts.len().min(columns_max);
    let mut sums = vec![0u64; n_columns];
    for (i, count) in counts.iter().enumerate() {
        let column = &mut sums[i * n_columns / counts.len()];
        *column = column.saturating_add(*count);
    }
    let top = sums.iter().copied().max().unwrap_or(0).max(1);
    // One hit among a million must still show, so only 0 is at the bottom.
    sums.iter().map(|n| ramp[(u128::from(*n) * 7).div_ceil(u128::from(top)) as usize]).collect()
}

fn wrap(pieces: &[String], gap: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for piece in pieces {
        match lines.last_mut() {
            Some(line) if width_of(line) + gap.len() + width_of(piece) <= width => {
                line.push_str(gap);
                line.push_str(piece);
            }
            _ => lines.push(piece.clone()),
        }
    }
    lines
}

fn pad(text: &str, width: usize) -> String {
    format!("{text}{}", " ".repeat(width.saturating_sub(width_of(text))))
}

fn pad_left(text: &str, width: usize) -> String {
    format!("{}{text}", " ".repeat(width.saturating_sub(width_of(text))))
}
