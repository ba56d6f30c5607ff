//! Tables: who and where by number of events, and what was skipped.

use crate::escape::{Html, clip};
use crate::model::{Counted, Inputs, Ranked, Report};
use crate::parts;
use crate::quantity::{at_least, bytes, plural, thousands};

/// How many names of a kind are seen at once.
const TOP_MAX: usize = 10;
/// How many are there at all.
const NAMES_MAX: usize = 200;
/// How many skipped inputs are listed.
const SKIPPED_MAX: usize = 2_000;

/// Principals, addresses, accounts, Regions and log sources by number of events.
pub fn entities(h: &mut Html, report: &Report) {
    h.raw("<section id=\"entities\">");
    parts::heading(h, "Entities", "Everything that appears in the events read, with or without findings.");
    h.raw("<div class=\"entities\">");
    counted(h, "Principals", &report.principals);
    counted(h, "Source addresses", &report.source_ips);
    counted(h, "Accounts", &report.accounts);
    counted(h, "Regions", &report.regions);
    counted(h, "Log sources", &report.sources);
    h.raw("</div></section>\n");
}

fn counted(h: &mut Html, title: &'static str, ranked: &Ranked) {
    let names = &ranked.names;
    h.raw("<div class=\"entity\"><h3>");
    h.text(title);
    h.leaf("span", &[("class", &"small")], format_args!(" {}", at_least(ranked.n)));
    h.raw("</h3>");
    if names.is_empty() {
        h.raw("<p class=\"none\">none</p></div>");
        return;
    }
    let most = names.iter().map(|c| c.count).max().unwrap_or(0);
    rows(h, title, &names[..names.len().min(TOP_MAX)], most);
    if let Some(rest) = names.get(TOP_MAX..).filter(|rest| !rest.is_empty()) {
        let shown = &rest[..rest.len().min(NAMES_MAX - TOP_MAX)];
        h.raw("<details class=\"rest\">");
        h.leaf("summary", &[], format_args!("{} more", thousands(shown.len() as u64)));
        rows(h, title, shown, most);
        parts::more_of(h, ranked.n.beside(names.len().min(NAMES_MAX)), "not shown");
        h.raw("</details>");
    }
    h.raw("</div>");
}

fn rows(h: &mut Html, title: &'static str, names: &[Counted], most: u64) {
    h.open("table", &[("class", &"counted"), ("aria-label", &title)]);
    h.raw("<thead><tr><th scope=\"col\">Name</th><th scope=\"col\" class=\"number\">Events</th></tr></thead><tbody>");
    for counted in names {
        h.raw("<tr><td>");
        parts::value(h, if counted.name.is_empty() { "(none)" } else { &counted.name });
        let share = counted.count as f64 * 100.0 / most.max(1) as f64;
        h.raw("<svg class=\"bar\" viewBox=\"0 0 100 4\" preserveAspectRatio=\"none\" aria-hidden=\"true\">");
        h.shape("rect", &[("class", &"share"), ("width", &format_args!("{:.1}", share.max(0.5))), ("height", &4)]);
        h.raw("</svg></td>");
        h.leaf("td", &[("class", &"number")], thousands(counted.count));
        h.raw("</tr>");
    }
    h.raw("</tbody></table>");
}

/// What was not read, and why; said also when it is nothing.
pub fn skipped(h: &mut Html, inputs: &Inputs) {
    h.raw("<section id=\"skipped\">");
    parts::heading(h, "What was skipped and why", "");
    h.raw("<ul class=\"notes\">");
    if inputs.filtered > 0 {
        h.leaf("li", &[], format_args!("{} outside the asked period.", plural(inputs.filtered, "event")));
    }
    if inputs.repeats > 0 {
        let repeats = plural(inputs.repeats, "event");
        h.leaf("li", &[], format_args!("{repeats} of findings came again; a finding counts each event once."));
    }
    if inputs.skipped.is_empty() {
        h.raw("<li>No input was skipped: each was read to its end.</li></ul></section>\n");
        return;
    }
    let skipped = plural(inputs.skipped.len() as u64, "input");
    h.leaf("li", &[], format_args!("{skipped} not read, or not in full."));
    h.raw("</ul>");
    parts::open_scroll(h, "Skipped inputs");
    h.raw("<table><thead><tr><th scope=\"col\">Input</th><th scope=\"col\">Why</th><th scope=\"col\" class=\"number\">Records</th>");
    h.raw("<th scope=\"col\" class=\"number\">Size</th></tr></thead><tbody>");
    for input in inputs.skipped.iter().take(SKIPPED_MAX) {
        h.raw("<tr><td>");
        parts::value(h, &input.what);
        h.raw("</td>");
        h.leaf("td", &[], clip(&input.why, parts::LINE_MAX));
        for (n, text) in [(input.records, thousands(input.records)), (input.bytes, bytes(input.bytes))] {
            h.leaf("td", &[("class", &"number")], if n == 0 { "–" } else { &text });
        }
        h.raw("</tr>");
    }
    h.raw("</tbody></table></div>");
    parts::more(h, inputs.skipped.len(), SKIPPED_MAX, "not shown");
    h.raw("</section>\n");
}
