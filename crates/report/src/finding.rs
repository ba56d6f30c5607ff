//! The findings on the page: the first ones in full, the rest as rows.

use event::finding::{EVIDENCE_MAX, Evidence, Finding};
use event::time::rfc3339;

use crate::escape::{Html, clip};
use crate::model::{Report, SeverityMarks};
use crate::parts;
use crate::quantity::{plural, thousands};

/// How many findings are shown in full.
pub const FULL_MAX: usize = 500;
/// How many are shown at all.
pub const SHOWN_MAX: usize = 5_000;
/// How many raw records of a finding are shown, and how many of these are its first.
const RAW_MAX: usize = 6;
const FIRST_RAW_MAX: usize = 3;
/// How much of one raw record is shown, in bytes.
pub const RAW_BYTES_MAX: usize = 16 * 1024;
/// Where showing in full ends: a page that mails well is worth more than the last details of a hostile log.
const FULL_BYTES_MAX: usize = 11_000_000;
/// Where showing at all ends.
const SHOWN_BYTES_MAX: usize = 15_000_000;
/// How many addresses or resources of a finding are listed.
const VALUES_MAX: usize = 25;
/// How many steps of triage or false positives are listed.
const ADVICE_MAX: usize = 25;

/// The section, and how many of the findings have an anchor `f-<rank>` in it.
pub fn section(report: &Report) -> (Html, usize) {
    let findings = &report.findings;
    let mut h = Html::default();
    h.raw("<section id=\"findings\">");
    if findings.is_empty() {
        let looked = report.inputs.events > 0 && report.rules_loaded > 0;
        let proof = "No rule matched. That is not proof that nothing happened; see what was looked at below.";
        parts::heading(&mut h, "Findings", if looked { proof.to_owned() } else { report.verdict() });
        h.raw("</section>\n");
        return (h, 0);
    }
    parts::heading(
        &mut h,
        "Findings",
        format_args!(
            "{}, worst first. Open one for what it means, what to check next and the events behind it.",
            plural(report.n_findings(), "finding")
        ),
    );
    toolbar(&mut h, report);
    h.raw("<p class=\"about print-only\">In print: the worst 20 in full with ten events each, the others as a line.</p>\n");
    h.raw("<div id=\"finding-list\" class=\"findings\">\n");
    let mut n_full = 0;
    for finding in findings.iter().take(FULL_MAX) {
        if h.len() > FULL_BYTES_MAX {
            break;
        }
        n_full += 1;
        full(&mut h, finding, n_full);
    }
    h.raw("</div>\n<p class=\"none\" id=\"none\" hidden>No finding passes the filter.</p>");
    let n_shown = if n_full < findings.len() { compact(&mut h, report, n_full) } else { n_full };
    h.raw("</section>\n");
    (h, n_shown)
}

fn toolbar(h: &mut Html, report: &Report) {
    let findings = &report.findings;
    h.raw("<div class=\"toolbar\" id=\"toolbar\" role=\"search\" aria-label=\"Filter findings\" hidden>");
    h.raw("<label class=\"search\"><span>Filter</span><input type=\"search\" id=\"filter\" placeholder=\"name, IP, technique, rule …\"></label><span class=\"chips\">");
    for severity in event::finding::Severity::ALL.into_iter().rev() {
        if findings.iter().take(FULL_MAX).any(|f| f.severity == severity) {
            h.open(
                "button",
                &[
                    ("type", &"button"),
                    ("class", &format_args!("chip {}", severity.class())),
                    ("data-sev", &severity.class()),
                    ("aria-pressed", &"true"),
                ],
            );
            parts::icon(h, severity);
            h.text(severity.caption());
            h.raw("</button>");
        }
    }
    h.raw("</span><label>Sort <select id=\"sort\"><option value=\"rank\">worst first</option><option value=\"first\">oldest first</option>");
    h.raw("<option value=\"last\">newest first</option><option value=\"count\">most events</option><option value=\"who\">principal</option></select></label>");
    h.raw("<button type=\"button\" id=\"expand\">Expand all</button>");
    let n = report.n_findings();
    h.leaf("span", &[("id", &"shown"), ("role", &"status"), ("data-total", &n), ("data-all", &thousands(n))], "");
    h.raw("<span class=\"keys\"><kbd>/</kbd> filter <kbd>j</kbd> <kbd>k</kbd> move <kbd>Enter</kbd> open</span></div>");
}

fn full(h: &mut Html, finding: &Finding, rank: usize) {
    let class = finding.severity.class();
    h.open(
        "details",
        &[
            ("class", &format_args!("finding {class}")),
            ("id", &format_args!("f-{rank}")),
            ("data-rank", &rank),
            ("data-sev", &class),
            ("data-first", &finding.first_ms),
            ("data-last", &finding.last_ms),
            ("data-count", &finding.count),
            ("data-who", &clip(&finding.principal, 80)),
        ],
    );
    h.raw("<summary>");
    h.leaf("span", &[("class", &"rank")], rank);
    parts::severity(h, finding.severity);
    h.open("span", &[("class", &"title")]);
    parts::line(h, &finding.title);
    h.raw("</span><span class=\"who\">");
    parts::value(h, &finding.principal);
    h.raw("</span>");
    parts::time(h, finding.first_ms);
    h.leaf(
        "span",
        &[("class", &"count"), ("title", &plural(finding.count, "event"))],
        format_args!("×{}", thousands(finding.count)),
    );
    h.raw("</summary><div class=\"body\"><div class=\"prose\">");
    prose(h, finding);
    h.raw("</div>");
    facts(h, finding);
    evidence(h, finding);
    h.raw("</div></details>\n");
}

fn prose(h: &mut Html, finding: &Finding) {
    if !finding.description.is_empty() {
        h.open("p", &[("class", &"description")]);
        h.block(clip(finding.description.trim(), parts::BLOCK_MAX));
        h.close("p");
    }
    if !finding.triage.is_empty() {
        h.raw("<h3 class=\"minor\">What to check next</h3><ol>");
        advice(h, &finding.triage);
        h.raw("</ol>");
    }
    if !finding.false_positives.is_empty() {
        h.raw("<h3 class=\"minor\">When it is nothing</h3><ul>");
        advice(h, &finding.false_positives);
        h.raw("</ul>");
    }
}

fn advice(h: &mut Html, lines: &[String]) {
    for text in lines.iter().take(ADVICE_MAX) {
        h.leaf("li", &[], clip(text, 1_000));
    }
}

fn facts(h: &mut Html, finding: &Finding) {
    h.raw("<dl class=\"facts\"><div><dt>Who</dt><dd>");
    parts::value(h, &finding.principal);
    if !finding.principal_uid.is_empty() && finding.principal_uid != finding.principal {
        h.raw("<br>");
        parts::value(h, &finding.principal_uid);
    }
    h.raw("</dd></div><div><dt>Where</dt><dd>");
    parts::value(h, &finding.account);
    parts::values(h, &finding.regions, VALUES_MAX);
    h.raw("</dd></div><div><dt>First and last seen</dt><dd>");
    parts::time(h, finding.first_ms);
    if finding.last_ms != finding.first_ms {
        h.raw("<br>");
        parts::time(h, finding.last_ms);
    }
    h.leaf("span", &[("class", &"small")], format_args!(" UTC, {}", plural(finding.count, "event")));
    h.raw("</dd></div><div><dt>Source addresses</dt><dd>");
    parts::values(h, &finding.source_ips, VALUES_MAX);
    h.raw("</dd></div><div><dt>Resources</dt><dd>");
    // All of them: what matters may be the last.
    parts::values(h, &finding.resources, usize::MAX);
    parts::more_of(h, finding.n_resources.beside(finding.resources.len()), "not named");
    h.raw("</dd></div><div><dt>Techniques</dt><dd>");
    techniques(h, finding);
    h.raw("</dd></div><div><dt>Rule</dt><dd>");
    parts::line(h, &finding.rule_title);
    h.raw("<br>");
    parts::value(h, &finding.rule_id);
    h.raw("</dd></div><div><dt>Finding</dt><dd>");
    parts::value(h, &finding.uid);
    h.raw("<br>from ");
    parts::value(h, &finding.source);
    h.raw("</dd></div></dl>");
}

fn techniques(h: &mut Html, finding: &Finding) {
    if finding.techniques.is_empty() {
        h.raw("<span class=\"none\">none</span>");
        return;
    }
    h.raw("<ul class=\"values\">");
    for technique in finding.techniques.iter().take(VALUES_MAX) {
        h.raw("<li>");
        parts::technique(h, technique);
        if !technique.tactics.is_empty() {
            let tactics = technique.tactics.join(", ");
            h.leaf("span", &[("class", &"small")], format_args!(" {}", clip(&tactics, 200)));
        }
        h.raw("</li>");
    }
    h.raw("</ul>");
    parts::more(h, finding.techniques.len(), VALUES_MAX, "not shown");
}

fn evidence(h: &mut Html, finding: &Finding) {
    let evidence = &finding.evidence;
    if evidence.is_empty() {
        return;
    }
    h.raw("<div class=\"evidence\"><h3 class=\"minor\">Evidence</h3>");
    parts::open_scroll(h, "Evidence");
    h.raw(
        "<table><thead><tr><th scope=\"col\">Time (UTC)</th><th scope=\"col\">Action</th><th scope=\"col\">Error</th>",
    );
    h.raw("<th scope=\"col\">Source</th><th scope=\"col\">Event id</th></tr></thead><tbody>");
    for event in evidence.iter().take(EVIDENCE_MAX) {
        h.raw("<tr><td>");
        parts::time(h, event.time_ms);
        for (class, text) in [("", &event.action), ("error", &event.error), ("", &event.source_ip), ("", &event.uid)] {
            h.open("td", &[("class", &class)]);
            h.open("span", &[("class", &"value")]);
            h.text(clip(text, 200));
            h.raw("</span>");
        }
        h.raw("</tr>");
    }
    h.raw("</tbody></table></div>");
    let n_shown = evidence.len().min(EVIDENCE_MAX);
    parts::more(h, evidence.len().max(finding.count as usize), n_shown, "not shown");
    let with_raw: Vec<&Evidence> = evidence.iter().take(EVIDENCE_MAX).filter(|event| event.raw.is_some()).collect();
    let (first, others) = with_raw.split_at(with_raw.len().min(FIRST_RAW_MAX));
    // Events of other resources are often the last.
    let last = &others[others.len().saturating_sub(RAW_MAX - FIRST_RAW_MAX)..];
    first.iter().chain(last).for_each(|event| raw(h, event));
    h.raw("</div>");
}

fn raw(h: &mut Html, event: &Evidence) {
    let Some(record) = &event.raw else { return };
    h.raw("<details class=\"raw\"><summary>Raw record ");
    h.open("span", &[("class", &"value")]);
    h.text(clip(&event.uid, 100));
    h.raw("</span></summary>");
    h.open("pre", &[("tabindex", &"0")]);
    let (shown, n_read) = indented(record, RAW_BYTES_MAX);
    h.block(shown);
    h.raw("</pre>");
    if n_read < record.len() {
        let (shown, all) = (thousands(n_read as u64), thousands(record.len() as u64));
        h.leaf("p", &[("class", &"more")], format_args!("cut: {shown} of {all} bytes shown"));
    }
    h.raw("</details>");
}

/// JSON with a line a value, up to so many bytes, and how much of the record that is.
/// It only adds blanks outside strings, so it also takes what is no JSON.
fn indented(record: &str, bytes_max: usize) -> (String, usize) {
    const DEPTH_MAX: usize = 12;
    let mut out = String::new();
    let (mut depth, mut in_string, mut escaped) = (0usize, false, false);
    let is_json = record.trim_start().starts_with(['{', '[']);
    let mut chars = record.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        if out.len() + c.len_utf8() + 2 * DEPTH_MAX + 1 > bytes_max {
            return (out, at);
        }
        let next_closes = matches!(chars.peek(), Some((_, '}' | ']')));
        match c {
            _ if !is_json => out.push(c),
            _ if in_string => {
                out.push(c);
                in_string = escaped || c != '"';
                escaped = !escaped && c == '\\';
            }
            '"' => {
                out.push(c);
                in_string = true;
            }
            '{' | '[' => {
                out.push(c);
                depth += 1;
                if !next_closes {
                    new_line(&mut out, depth.min(DEPTH_MAX));
                }
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                if !out.ends_with(['{', '[']) {
                    new_line(&mut out, depth.min(DEPTH_MAX));
                }
                out.push(c);
            }
            ',' => {
                out.push(c);
                new_line(&mut out, depth.min(DEPTH_MAX));
            }
            ':' => out.push_str(": "),
            ' ' | '\n' | '\r' | '\t' => {}
            c => out.push(c),
        }
    }
    (out, record.len())
}

fn new_line(out: &mut String, depth: usize) {
    out.push('\n');
    out.push_str(&"  ".repeat(depth));
}

/// The findings from a rank on as a table; returns how many findings are shown in all.
fn compact(h: &mut Html, report: &Report, n_full: usize) -> usize {
    let findings = &report.findings;
    let heading = format!("Findings {} to {}, in short", thousands(n_full as u64 + 1), thousands(report.n_findings()));
    h.leaf("h3", &[], heading);
    parts::open_scroll(h, "Further findings");
    h.raw("<table class=\"compact\"><thead><tr><th scope=\"col\">Rank</th><th scope=\"col\">Severity</th><th scope=\"col\">Finding</th>");
    h.raw("<th scope=\"col\">Principal</th><th scope=\"col\">First seen (UTC)</th><th scope=\"col\">Events</th><th scope=\"col\">Rule</th></tr></thead><tbody>\n");
    let mut n_shown = n_full;
    for finding in findings.iter().take(SHOWN_MAX).skip(n_full) {
        if h.len() > SHOWN_BYTES_MAX {
            break;
        }
        n_shown += 1;
        h.open("tr", &[("id", &format_args!("f-{n_shown}"))]);
        h.leaf("td", &[("class", &"number")], thousands(n_shown as u64));
        h.raw("<td>");
        parts::severity(h, finding.severity);
        h.leaf("td", &[], clip(&finding.title, 200));
        h.open("td", &[]);
        h.open("span", &[("class", &"value")]);
        h.text(clip(&finding.principal, 100));
        h.raw("</span>");
        h.leaf("td", &[], crate::quantity::second(finding.first_ms));
        h.leaf("td", &[("class", &"number")], thousands(finding.count));
        h.leaf("td", &[("title", &rfc3339(finding.last_ms))], clip(&finding.rule_title, 100));
        h.raw("</tr>\n");
    }
    h.raw("</tbody></table></div>");
    parts::more(
        h,
        report.n_findings() as usize,
        n_shown,
        "not on this page: take the CSV or JSON output for all of them",
    );
    n_shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_gets_a_line_a_value_and_keeps_its_strings() {
        let (shown, _) = indented(r#"{"a":{"b":"x, {y} \" :"},"c":[],"d":[1, 2]}"#, 1_000);
        assert_eq!(
            shown,
            "{\n  \"a\": {\n    \"b\": \"x, {y} \\\" :\"\n  },\n  \"c\": [],\n  \"d\": [\n    1,\n    2\n  ]\n}"
        );
        assert_eq!(indented("2 123456789012 eni-1: a,b", 1_000).0, "2 123456789012 eni-1: a,b");
    }

    #[test]
    fn a_record_is_cut_at_its_limit() {
        let record = "[".repeat(100_000);
        let (shown, n_read) = indented(&record, RAW_BYTES_MAX);
        assert!(shown.len() <= RAW_BYTES_MAX && n_read < record.len());
        let (shown, n_read) = indented("日日日", 30);
        assert_eq!((shown.as_str(), n_read), ("日", 3));
    }
}
