//! One self-contained page: nothing is loaded from anywhere, and it reads in full without its script.

use event::finding::{AtLeast, Severity};

use crate::escape::{Html, clip};
use crate::model::{Ranked, Report, SeverityMarks};
use crate::quantity::{at_least, bytes, minute, plural, plural_at_least, second, seconds, span, thousands};
use crate::{attack, csp, finding, parts, story, tables, timeline};

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");
/// How many remarks of the pipeline are shown.
const NOTES_MAX: usize = 50;

/// The report as one HTML file.
pub fn html(report: &Report) -> String {
    // Findings come first because the others link only to those that found room.
    let (findings, n_anchors) = finding::section(report);
    let mut h = Html::default();
    head(&mut h, report);
    h.raw("<body>\n");
    h.raw(include_str!("icons.svg"));
    h.raw("<a class=\"skip\" href=\"#findings\">Skip to the findings</a>\n");
    top(&mut h, report);
    h.raw("<main>\n");
    verdict(&mut h, report);
    cards(&mut h, report);
    timeline::section(&mut h, report, n_anchors);
    attack::section(&mut h, report);
    h.append(findings);
    story::section(&mut h, report, n_anchors);
    tables::entities(&mut h, report);
    tables::skipped(&mut h, &report.inputs);
    h.raw("</main>\n");
    footer(&mut h, report);
    h.raw("<script>");
    h.raw(SCRIPT);
    h.raw("</script>\n</body>\n</html>\n");
    h.into_string()
}

fn head(h: &mut Html, report: &Report) {
    h.raw("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
    h.open("meta", &[("http-equiv", &"Content-Security-Policy"), ("content", &Policy)]);
    h.raw("\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n");
    h.raw("<meta name=\"color-scheme\" content=\"light dark\">\n<meta name=\"referrer\" content=\"no-referrer\">\n");
    h.raw("<meta name=\"robots\" content=\"noindex\">\n<link rel=\"icon\" href=\"data:,\">\n");
    h.leaf("title", &[], format_args!("Skywarden scan report, {}", second(report.generated_ms)));
    h.raw("\n<style>");
    h.raw(STYLE);
    h.raw("</style>\n</head>\n");
}

struct Policy;

impl std::fmt::Display for Policy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&csp::policy(STYLE, SCRIPT))
    }
}

fn top(h: &mut Html, report: &Report) {
    h.raw("<header class=\"top\"><div class=\"inner\"><span class=\"brand\">");
    h.raw("<svg class=\"logo\" viewBox=\"0 0 32 32\" aria-hidden=\"true\"><use href=\"#logo\"></use></svg>Skywarden</span>");
    h.raw("<nav aria-label=\"Sections\">");
    if !report.findings.is_empty() {
        h.raw("<a href=\"#timeline\">Timeline</a><a href=\"#attack\">ATT&amp;CK</a>");
    }
    h.raw("<a href=\"#findings\">Findings</a>");
    if !report.stories.is_empty() {
        h.raw("<a href=\"#stories\">Stories</a>");
    }
    h.raw("<a href=\"#entities\">Entities</a><a href=\"#skipped\">Skipped</a></nav>");
    h.raw("<button type=\"button\" id=\"theme\" hidden>Dark</button></div></header>\n");
}

fn verdict(h: &mut Html, report: &Report) {
    let worst = report.findings.first();
    let class = match worst {
        Some(finding) => finding.severity.class(),
        None if report.inputs.events == 0 || report.rules_loaded == 0 => "blind",
        None => "clear",
    };
    h.open("section", &[("class", &format_args!("verdict {class}")), ("aria-label", &"Verdict")]);
    h.raw("<p class=\"kicker\">Scan report</p>");
    h.leaf("h1", &[], report.verdict());
    if let Some(finding) = worst {
        h.raw("<p class=\"worst\">Worst: <a href=\"#f-1\">");
        parts::line(h, &finding.title);
        h.raw("</a></p>");
    }
    if !report.inputs.skipped.is_empty() {
        let skipped = plural(report.inputs.skipped.len() as u64, "input");
        h.open("p", &[("class", &"caution")]);
        h.text(format_args!("{skipped} could not be read in full, so this may not be all that happened: "));
        h.raw("<a href=\"#skipped\">what was skipped and why</a>.</p>");
    }
    facts(h, report);
    notes(h, &report.notes);
    h.raw("</section>\n");
}

fn facts(h: &mut Html, report: &Report) {
    let inputs = &report.inputs;
    h.raw("<dl class=\"facts\">");
    let read = format!(
        "{}, {}, {} in {}",
        plural(inputs.files, "file"),
        plural(inputs.events, "event"),
        bytes(inputs.bytes),
        seconds(inputs.seconds)
    );
    let period = match report.period {
        Some((start_ms, end_ms)) => format!("{} – {} UTC", minute(start_ms), minute(end_ms)),
        None => "no events".to_owned(),
    };
    let made = format!("{} UTC by Skywarden {}", minute(report.generated_ms), report.version);
    let facts: [(&'static str, &'static str, &str); 6] = [
        ("Read", "", &read),
        ("Period", "", &period),
        ("Made", "", &made),
        ("Accounts", "value", &names(&report.accounts)),
        ("Regions", "value", &names(&report.regions)),
        ("Command", "value", &report.command),
    ];
    for (name, class, text) in facts {
        h.raw("<div>");
        h.leaf("dt", &[], name);
        h.leaf("dd", &[("class", &class)], clip(text, parts::LINE_MAX));
        h.raw("</div>");
    }
    h.raw("</dl>");
}

fn names(ranked: &Ranked) -> String {
    const SHOWN_MAX: usize = 4;
    if ranked.names.is_empty() {
        return "none".to_owned();
    }
    let shown: Vec<&str> = ranked.names.iter().take(SHOWN_MAX).map(|c| c.name.as_str()).collect();
    match ranked.n.beside(shown.len()) {
        None => shown.join(", "),
        Some(rest) => format!("{} and {} more", shown.join(", "), at_least(rest)),
    }
}

fn notes(h: &mut Html, notes: &[String]) {
    if notes.is_empty() {
        return;
    }
    h.raw("<ul class=\"notes\">");
    for note in notes.iter().take(NOTES_MAX) {
        h.leaf("li", &[], clip(note, parts::LINE_MAX));
    }
    h.raw("</ul>");
    parts::more(h, notes.len(), NOTES_MAX, "not shown");
}

fn cards(h: &mut Html, report: &Report) {
    let inputs = &report.inputs;
    h.raw("<section class=\"cards\" aria-label=\"In numbers\">");
    severity_card(h, report);
    card(
        h,
        "Events read",
        AtLeast::exactly(inputs.events as usize),
        &format!("{}, {}", plural(inputs.files, "file"), bytes(inputs.bytes)),
    );
    let suspects: std::collections::BTreeSet<&str> = report.findings.iter().map(|f| f.principal.as_str()).collect();
    let suspects = AtLeast { is_more: !report.unlisted.is_empty(), ..AtLeast::exactly(suspects.len()) };
    card(h, "Principals", report.principals.n, &format!("{} with findings", at_least(suspects)));
    let places =
        format!("{}, {}", plural_at_least(report.accounts.n, "account"), plural_at_least(report.regions.n, "region"));
    card(h, "Source IPs", report.source_ips.n, &places);
    let fired = format!("of {} loaded", thousands(report.rules_loaded as u64));
    card(h, "Rules fired", AtLeast::exactly(report.rules_fired), &fired);
    if let Some((start_ms, end_ms)) = report.period {
        card_of_words(h, "Period", &span(start_ms, end_ms), &format!("{} – {}", minute(start_ms), minute(end_ms)));
    }
    let records: u64 = inputs.skipped.iter().fold(0, |n, s| n.saturating_add(s.records));
    let lost = if inputs.skipped.is_empty() {
        "all input was read".to_owned()
    } else {
        format!("{} in them", plural(records, "record"))
    };
    card(h, "Inputs skipped", AtLeast::exactly(inputs.skipped.len()), &lost);
    h.raw("</section>\n");
}

fn card(h: &mut Html, name: &'static str, n: AtLeast, about: &str) {
    card_of_words(h, name, &at_least(n), about);
}

fn card_of_words(h: &mut Html, name: &'static str, big: &str, about: &str) {
    h.raw("<div class=\"card\">");
    h.leaf("p", &[("class", &"name")], name);
    h.leaf("p", &[("class", &"big")], big);
    h.leaf("p", &[("class", &"small")], about);
    h.raw("</div>");
}

fn severity_card(h: &mut Html, report: &Report) {
    h.raw("<div class=\"card wide\"><p class=\"name\">Findings</p>");
    h.leaf("p", &[("class", &"big")], thousands(report.n_findings()));
    let counts = report.severity_counts();
    severity_bar(h, &counts, report.n_findings());
    h.raw("<ul class=\"legend\">");
    for (severity, n) in counts {
        h.raw("<li>");
        h.leaf("b", &[], thousands(n));
        parts::severity(h, severity);
        h.raw("</li>");
    }
    h.raw("</ul></div>");
}

fn severity_bar(h: &mut Html, counts: &[(Severity, u64)], total: u64) {
    h.raw("<svg class=\"bar\" viewBox=\"0 0 1000 10\" preserveAspectRatio=\"none\" aria-hidden=\"true\">");
    h.raw("<rect class=\"ground\" width=\"1000\" height=\"10\"></rect>");
    let mut x = 0.0;
    for (severity, n) in counts {
        let width = *n as f64 * 1_000.0 / total.max(1) as f64;
        if *n > 0 {
            let attrs: crate::escape::Attrs<'_> = &[
                ("class", &severity.class()),
                ("x", &format_args!("{x:.1}")),
                ("width", &format_args!("{:.1}", (width - 3.0).max(1.5))),
                ("height", &10),
            ];
            h.shape("rect", attrs);
        }
        x += width;
    }
    h.raw("</svg>");
}

fn footer(h: &mut Html, report: &Report) {
    h.raw("<footer><p>");
    h.text(format_args!("Skywarden {}, report made {} UTC. ", clip(&report.version, 40), second(report.generated_ms)));
    h.raw("All times are UTC. This page loads nothing and sends nothing; text from logs is shown as it was logged, with hidden characters ");
    h.raw("marked like ⟨U+202E⟩.</p><p>ATT&amp;CK® is a registered trademark of The MITRE Corporation.</p></footer>\n");
}
