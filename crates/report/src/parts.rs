//! Small pieces that every section of the page is made of.

use std::fmt::Display;

use event::finding::{AtLeast, Severity, Technique};
use event::time::rfc3339;

use crate::escape::{Html, clip};
use crate::model::SeverityMarks;
use crate::quantity::{at_least, second, thousands};

/// The longest that a name, an address or a sentence gets on the page, in characters.
pub const LINE_MAX: usize = 400;
/// How many values of a list are seen before it is unfolded.
const SEEN_MAX: usize = 6;
/// The longest that a description gets, in characters.
pub const BLOCK_MAX: usize = 4_000;

/// One line of a log or a rule, clipped.
pub fn line(h: &mut Html, text: &str) {
    h.text(clip(text, LINE_MAX));
}

/// A value out of a log: set apart from its surroundings, also in direction.
pub fn value(h: &mut Html, text: &str) {
    h.open("span", &[("class", &"value")]);
    line(h, text);
    h.close("span");
}

/// Icon, word and colour.
pub fn severity(h: &mut Html, severity: Severity) {
    h.open("span", &[("class", &format_args!("sev {}", severity.class()))]);
    icon(h, severity);
    h.text(severity.caption());
    h.close("span");
}

/// The icon alone, for where the word stands beside it.
pub fn icon(h: &mut Html, severity: Severity) {
    h.open("svg", &[("class", &"icon"), ("viewBox", &"0 0 16 16"), ("aria-hidden", &"true")]);
    h.shape("use", &[("href", &format_args!("#i-{}", severity.class()))]);
    h.close("svg");
}

/// An instant in UTC; the script adds the local time as a hint.
pub fn time(h: &mut Html, ms: i64) {
    h.leaf("time", &[("datetime", &rfc3339(ms))], second(ms));
}

/// A technique's id, as a link where ATT&CK has a page of that name.
pub fn technique_id(h: &mut Html, id: &str) {
    match technique_path(id) {
        Some(path) => {
            let href = format!("https://attack.mitre.org/techniques/{path}/");
            h.leaf(
                "a",
                &[("class", &"mono"), ("href", &href), ("rel", &"noreferrer noopener"), ("target", &"_blank")],
                id,
            );
        }
        None => h.leaf("span", &[("class", &"mono")], clip(id, 40)),
    }
}

/// Id and name.
pub fn technique(h: &mut Html, technique: &Technique) {
    technique_id(h, &technique.id);
    if !technique.name.is_empty() {
        h.raw(" ");
        line(h, &technique.name);
    }
}

fn technique_path(id: &str) -> Option<String> {
    let digits = |text: &str, n: usize| text.len() == n && text.bytes().all(|b| b.is_ascii_digit());
    let number = id.strip_prefix('T')?;
    match number.split_once('.') {
        None => digits(number, 4).then(|| id.to_owned()),
        Some((parent, sub)) => (digits(parent, 4) && digits(sub, 3)).then(|| format!("T{parent}/{sub}")),
    }
}

/// A list of values of which only the first ones are shown.
pub fn values(h: &mut Html, values: &[String], shown_max: usize) {
    if values.is_empty() {
        h.raw("<span class=\"none\">none</span>");
        return;
    }
    let shown = &values[..values.len().min(shown_max)];
    // A fold of one line would save none.
    let n_seen = if shown.len() > SEEN_MAX + 1 { SEEN_MAX } else { shown.len() };
    list(h, &shown[..n_seen]);
    if n_seen < shown.len() {
        h.raw("<details class=\"rest\">");
        h.leaf("summary", &[], format_args!("{} more", thousands((shown.len() - n_seen) as u64)));
        list(h, &shown[n_seen..]);
        h.raw("</details>");
    }
    more(h, values.len(), shown_max, "not shown");
}

fn list(h: &mut Html, values: &[String]) {
    h.raw("<ul class=\"values\">");
    for text in values {
        h.raw("<li>");
        value(h, text);
        h.raw("</li>");
    }
    h.raw("</ul>");
}

/// Says how many of a list are left out, if any are.
pub fn more(h: &mut Html, len: usize, shown_max: usize, what: &str) {
    if len > shown_max {
        h.leaf("p", &[("class", &"more")], format_args!("and {} more, {what}", thousands((len - shown_max) as u64)));
    }
}

/// Says how many are left out, if any are.
pub fn more_of(h: &mut Html, rest: Option<AtLeast>, what: &str) {
    if let Some(rest) = rest {
        h.leaf("p", &[("class", &"more")], format_args!("and {} more, {what}", at_least(rest)));
    }
}

/// A section's heading and what it is about.
pub fn heading(h: &mut Html, title: &'static str, about: impl Display) {
    h.leaf("h2", &[], title);
    let about = about.to_string();
    if !about.is_empty() {
        h.leaf("p", &[("class", &"about")], about);
    }
}

/// A region that scrolls sideways on a narrow screen, for the keyboard too.
pub fn open_scroll(h: &mut Html, label: &'static str) {
    h.open("div", &[("class", &"scroll"), ("role", &"group"), ("tabindex", &"0"), ("aria-label", &label)]);
}
