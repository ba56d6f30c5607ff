//! The stories on the page: what each principal did, in order.

use std::collections::HashMap;

use crate::escape::{Html, clip};
use crate::model::{Report, SeverityMarks, StepLine, Story};
use crate::parts;
use crate::quantity::{minute, plural, span, thousands};

/// How many stories are told.
const STORIES_MAX: usize = 100;
/// How many links and how many steps of each.
const STEPS_MAX: usize = 200;
/// How many stories stand open.
const OPEN_MAX: usize = 2;
/// Where telling ends, in bytes.
const BYTES_MAX: usize = 2_000_000;

/// The section; nothing where there are no stories. Findings up to rank `n_anchors` can be linked to.
pub fn section(h: &mut Html, report: &Report, n_anchors: usize) {
    if report.stories.is_empty() {
        return;
    }
    let shown = report.findings.iter().take(n_anchors);
    let ranks: HashMap<&str, usize> = shown.enumerate().map(|(i, f)| (f.uid.as_str(), i + 1)).collect();
    h.raw("<section id=\"stories\">");
    parts::heading(h, "Stories", "What each principal did, step by step, across the roles and keys it used.");
    let start = h.len();
    let mut n_told = 0;
    for story in report.stories.iter().take(STORIES_MAX) {
        if h.len() - start > BYTES_MAX {
            break;
        }
        tell(h, story, &ranks, if n_told < OPEN_MAX { Opening::Open } else { Opening::Closed });
        n_told += 1;
    }
    parts::more_of(h, report.n_stories.beside(n_told), "not shown");
    h.raw("</section>\n");
}

#[derive(Clone, Copy)]
enum Opening {
    Open,
    Closed,
}

fn tell(h: &mut Html, story: &Story, ranks: &HashMap<&str, usize>, opening: Opening) {
    let class = format!("story {}", story.severity.class());
    match opening {
        Opening::Open => h.open("details", &[("class", &class), ("open", &"")]),
        Opening::Closed => h.open("details", &[("class", &class)]),
    }
    h.raw("<summary>");
    parts::severity(h, story.severity);
    h.raw("<span class=\"title\">");
    parts::value(h, &story.principal);
    h.raw("</span>");
    if let (Some(first), Some(last)) = (story.steps.first(), story.steps.last()) {
        let when = format!("{} UTC, {}", minute(first.time_ms), span(first.time_ms, last.time_ms));
        h.leaf("span", &[("class", &"small")], when);
    }
    h.leaf("span", &[("class", &"count")], plural(story.n_steps(), "step"));
    h.raw("</summary><div class=\"body\">");
    links(h, story);
    h.raw("<ol class=\"steps\">");
    for step in story.steps.iter().take(STEPS_MAX) {
        one_step(h, step, ranks);
    }
    h.raw("</ol>");
    parts::more(h, story.n_steps() as usize, story.steps.len().min(STEPS_MAX), "not shown");
    h.raw("</div></details>\n");
}

fn links(h: &mut Html, story: &Story) {
    if story.links.is_empty() {
        return;
    }
    h.raw("<h3 class=\"minor\">How the identity hangs together</h3><ol class=\"links\">");
    for link in story.links.iter().take(STEPS_MAX) {
        h.raw("<li>");
        parts::time(h, link.time_ms);
        h.raw(" <span class=\"value\">");
        h.text(clip(&link.text, parts::LINE_MAX));
        h.raw("</span></li>");
    }
    h.raw("</ol>");
    parts::more(h, story.links.len(), STEPS_MAX, "not shown");
}

fn one_step(h: &mut Html, step: &StepLine, ranks: &HashMap<&str, usize>) {
    h.open("li", &[("class", &step.severity.class())]);
    parts::time(h, step.time_ms);
    parts::severity(h, step.severity);
    h.raw("<span class=\"what\">");
    parts::line(h, &step.text);
    if step.count > 1 {
        h.leaf("span", &[("class", &"count")], format_args!(" ×{}", thousands(step.count)));
    }
    h.raw("</span><span class=\"tags\">");
    if !step.source_ip.is_empty() {
        parts::value(h, &step.source_ip);
        h.raw(" ");
    }
    if !step.technique.is_empty() {
        parts::technique_id(h, &step.technique);
        h.raw(" ");
    }
    if let Some(rank) = ranks.get(step.finding_uid.as_str()) {
        h.leaf("a", &[("href", &format_args!("#f-{rank}"))], format_args!("finding {rank}"));
    }
    h.raw("</span></li>");
}
