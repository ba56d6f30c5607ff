//! The page and the table: what may be in them, whatever is in the logs.

mod sample;

use std::sync::Arc;

use event::finding::{AtLeast, Severity, Technique, Uid};
use report::escape::is_hidden;
use report::{Link, Report, Skipped, TextOptions, csv, html, text};
use sha2::{Digest, Sha256};

const PAYLOADS: [&str; 16] = [
    "<script>alert(1)</script>",
    "\" onmouseover=\"alert(1)",
    "' onfocus='alert(1)' autofocus='",
    "</pre></details></body><img src=x onerror=alert(1)>",
    "]]></style></script><svg/onload=alert(1)>",
    "--><!--",
    "&lt;script&gt;&#x3c;",
    "javascript:alert(1)",
    "{{constructor.constructor('alert(1)')()}}",
    "\u{1b}[31mred\u{1b}[0m\u{1b}]8;;x\u{7}",
    "\u{9b}2J\u{85}",
    "evil\u{202e}txt.exe\u{2066}\u{200b}\u{feff}",
    "nul\0in",
    "line\nforged\r\n\tline\u{2028}x",
    "=cmd|' /C calc'!A0",
    "T1078/../../x\" rel=\"",
];

/// The sample with every text of it replaced.
fn poisoned(payload: &str) -> Report {
    let mut report = sample::report(12);
    let p = || payload.to_owned();
    (report.version, report.command, report.notes) = (p(), p(), vec![p()]);
    report.inputs.skipped = vec![Skipped { what: p(), why: p(), records: 1, bytes: 1 }];
    for names in
        [&mut report.accounts, &mut report.regions, &mut report.principals, &mut report.source_ips, &mut report.sources]
    {
        names.names.iter_mut().for_each(|counted| counted.name = p());
    }
    for f in &mut report.findings {
        f.related.iter_mut().for_each(|event| event.uid = Uid::new(payload));
        for text in [
            &mut f.uid,
            &mut f.rule_id,
            &mut f.rule_title,
            &mut f.source,
            &mut f.title,
            Arc::make_mut(&mut f.description),
            &mut f.account,
            &mut f.principal,
            &mut f.principal_uid,
        ] {
            *text = p();
        }
        for list in [
            &mut f.regions,
            &mut f.source_ips,
            &mut f.resources,
            Arc::make_mut(&mut f.triage),
            Arc::make_mut(&mut f.false_positives),
        ] {
            *list = vec![p()];
        }
        f.techniques = Arc::new(vec![Technique { id: p(), name: p(), tactics: vec![p()] }]);
        for e in &mut f.evidence {
            (e.uid, e.action, e.error, e.source_ip) = (p(), p(), p(), p());
            e.raw = e.raw.is_some().then(p);
        }
    }
    for story in &mut report.stories {
        story.principal = p();
        story.links = vec![Link { time_ms: 0, text: p() }];
        for step in &mut story.steps {
            (step.text, step.source_ip, step.technique, step.finding_uid) = (p(), p(), p(), p());
        }
    }
    report
}

/// The names of the tags and attributes of a page in their order: all of it that a browser acts on.
fn skeleton(page: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut rest = page;
    while let Some((_, after)) = rest.split_once('<') {
        let (name, mut attrs) = after.split_at(after.find([' ', '>', '\n']).expect("a tag ends"));
        names.push(name.to_owned());
        loop {
            attrs = attrs.trim_start();
            if let Some(after) = attrs.strip_prefix('>') {
                rest = after;
                break;
            }
            if let Some(after) = attrs.strip_prefix("/>") {
                rest = after;
                break;
            }
            let end = attrs.find(['=', '>', ' ']).expect("an attribute ends");
            names.push(format!("@{}", &attrs[..end]));
            attrs = &attrs[end..];
            if let Some(value) = attrs.strip_prefix("=\"") {
                attrs = value.split_once('"').expect("a value is quoted").1;
            }
        }
        if name == "script" || name == "style" {
            let end = format!("</{name}>");
            rest = &rest[rest.find(&end).expect("an inline block ends")..];
        }
    }
    names
}

#[test]
fn no_text_of_a_log_becomes_markup() {
    let harmless = skeleton(&html(&poisoned("x")));
    for payload in PAYLOADS {
        let page = html(&poisoned(payload));
        assert_eq!(skeleton(&page), harmless, "{payload:?}");
        assert!(page.chars().all(|c| !is_hidden(c) || matches!(c, '\n' | '\r' | '\t')), "{payload:?}");
    }
}

#[test]
fn no_text_of_a_log_moves_the_terminal() {
    let lines = text(&poisoned("x"), &TextOptions::default()).lines().count();
    for payload in PAYLOADS {
        let summary = text(&poisoned(payload), &TextOptions { width: 0, ..TextOptions::default() });
        assert!(summary.chars().all(|c| c == '\n' || !is_hidden(c)), "{payload:?}");
        let wide = text(&poisoned(payload), &TextOptions { width: 100_000, ..TextOptions::default() });
        assert!(wide.lines().count() <= lines, "{payload:?} adds lines");
    }
}

#[test]
fn no_cell_is_a_formula_and_every_row_has_all_cells() {
    for payload in PAYLOADS.into_iter().chain(["+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "a,\"b\""]) {
        let rows = rows(&csv(&poisoned(payload)));
        assert_eq!(rows.len(), 13, "{payload:?}");
        for row in rows {
            assert_eq!(row.len(), 14, "{payload:?}");
            assert!(row.iter().all(|cell| !cell.starts_with(['=', '+', '-', '@', '\t', '\r'])), "{payload:?}: {row:?}");
        }
    }
}

/// RFC 4180, read back.
fn rows(table: &str) -> Vec<Vec<String>> {
    let (mut rows, mut row, mut cell, mut quoted) = (Vec::new(), Vec::new(), String::new(), false);
    let mut chars = table.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => cell.extend(chars.next()),
            '"' => quoted = !quoted,
            ',' if !quoted => row.push(std::mem::take(&mut cell)),
            '\r' if !quoted => {}
            '\n' if !quoted => {
                row.push(std::mem::take(&mut cell));
                rows.push(std::mem::take(&mut row));
            }
            c => cell.push(c),
        }
    }
    assert!(cell.is_empty() && row.is_empty() && !quoted, "the table ends with a row's end");
    rows
}

#[test]
fn the_policy_allows_exactly_the_inline_blocks() {
    let page = html(&sample::report(3));
    let policy =
        page.split_once("Content-Security-Policy\" content=\"").expect("a policy").1.split_once('"').expect("quoted").0;
    for tag in ["style", "script"] {
        let (open, close) = (format!("<{tag}>"), format!("</{tag}>"));
        assert_eq!(page.matches(&open).count(), 1, "{tag}");
        let block = page.split_once(&open).expect("a block").1.split_once(&close).expect("an end").0;
        let hash = policy
            .split_once(&format!("{tag}-src &#39;sha256-"))
            .expect("a hash")
            .1
            .split_once("&#39;")
            .expect("quoted")
            .0;
        assert_eq!(base64_bytes(hash), Sha256::digest(block.as_bytes()).to_vec(), "{tag}");
    }
    assert!(policy.starts_with("default-src &#39;none&#39;;"));
    assert!(!page.contains(" style=\""), "the policy would block an inline style");
}

fn base64_bytes(text: &str) -> Vec<u8> {
    let sextet = |c: u8| match c {
        b'A'..=b'Z' => c - b'A',
        b'a'..=b'z' => c - b'a' + 26,
        b'0'..=b'9' => c - b'0' + 52,
        b'+' => 62,
        _ => 63,
    };
    let mut out = Vec::new();
    let (mut bits, mut n_bits) = (0u32, 0);
    for c in text.bytes().filter(|c| *c != b'=') {
        bits = bits << 6 | u32::from(sextet(c));
        n_bits += 6;
        if n_bits >= 8 {
            n_bits -= 8;
            out.push((bits >> n_bits) as u8);
        }
    }
    out
}

#[test]
fn the_page_refers_to_nothing_but_attack() {
    let page = html(&sample::report(60));
    for forbidden in ["http://", "src=", "url(", "@import", "@font-face", "srcset", "//fonts"] {
        assert!(!page.contains(forbidden), "{forbidden}");
    }
    for (at, _) in page.match_indices("https://") {
        let link = &page[at - 6..];
        assert!(link.starts_with("href=\"https://attack.mitre.org/techniques/T"), "{}", &link[..60]);
        assert!(link.split_once('>').expect("a tag ends").0.contains("rel=\"noreferrer noopener\""));
    }
}

#[test]
fn every_inner_link_leads_somewhere() {
    for n_findings in [0, 60, 700] {
        let page = html(&sample::report(n_findings));
        let ids: std::collections::HashSet<&str> =
            page.split(" id=\"").skip(1).filter_map(|s| s.split('"').next()).collect();
        for target in page.split("href=\"#").skip(1).filter_map(|s| s.split('"').next()) {
            assert!(ids.contains(target), "#{target} of {n_findings}");
        }
    }
}

#[test]
fn tactics_stand_in_the_order_of_the_kill_chain() {
    let mut report = sample::report(60);
    Arc::make_mut(&mut report.findings[0].techniques)[0].tactics =
        vec!["Zeal".to_owned(), "defense-evasion".to_owned(), "Stealth".to_owned()];
    let page = html(&report);
    let chain = page.split_once("<ol class=\"chain\">").expect("a strip").1.split_once("</ol>").expect("its end").0;
    let names: Vec<&str> = chain.split("class=\"name\">").skip(1).filter_map(|s| s.split('<').next()).collect();
    let want = [
        "Reconnaissance",
        "Resource Development",
        "Initial Access",
        "Execution",
        "Persistence",
        "Privilege Escalation",
        "Defense Evasion",
        "Stealth",
        "Credential Access",
        "Discovery",
        "Lateral Movement",
        "Collection",
        "Command and Control",
        "Exfiltration",
        "Impact",
        "Zeal",
    ];
    assert_eq!(names, want);
}

#[test]
fn an_empty_report_says_so() {
    let report = Report::default();
    assert!(html(&report).contains("No events were read"));
    assert!(text(&report, &TextOptions::default()).contains("No events were read"));
    assert_eq!(csv(&report).lines().count(), 1);
    let report = sample::report(0);
    assert!(html(&report).contains("Nothing found: 412 rules looked at 48,207 events."));
}

#[test]
fn ten_thousand_findings_make_a_page_that_still_opens() {
    let page = html(&sample::report(10_000));
    assert!(page.len() < 20_000_000, "{} bytes", page.len());
    assert_eq!(page.matches("<details class=\"finding ").count(), 500);
    assert!(page.contains("Findings 501 to 10,000, in short"));
    assert!(page.contains("id=\"f-5000\"") && !page.contains("id=\"f-5001\""));
    assert!(page.contains("and 5,000 more, not on this page"));
    assert!(page.matches("class=\"mark ").count() <= 2_000);
}

#[test]
fn the_longest_fields_make_no_endless_page() {
    let mut report = poisoned(&"\"\0".repeat(5_000));
    let finding = report.findings[0].clone();
    report.findings = vec![finding; 2_000];
    report.notes = vec!["\0".repeat(5_000); 2_000];
    let page = html(&report);
    assert!(page.len() < 20_000_000, "{} bytes", page.len());
}

#[test]
fn what_is_cut_is_said() {
    let mut report = sample::report(7);
    let event = report.findings[0].evidence[0].clone();
    report.findings[0].evidence = vec![event; 80];
    report.findings[0].resources = (0..100).map(|n| format!("trail-{n}")).collect();
    report.findings[0].n_resources = AtLeast { n: 1_000, is_more: true };
    report.principals.n = AtLeast { n: 100_000, is_more: true };
    report.n_stories = AtLeast::exactly(report.stories.len() + 196);
    report.findings[0].count = 80;
    report.findings[0].evidence[0].raw = Some("y".repeat(100_000));
    let page = html(&report);
    assert!(page.contains("and 10 more, not shown"));
    assert!(page.contains("trail-99") && page.contains("and 900+ more, not named"));
    assert!(page.contains("<p class=\"big\">100,000+</p>") && page.contains("and 196 more, not shown"));
    let cells = csv(&report);
    assert!(cells.contains("trail-99; and 900+ more"), "{cells}");
    assert!(page.contains("of 100,000 bytes shown"));
}

#[test]
fn times_at_the_ends_of_time_are_drawn() {
    let mut report = sample::report(6);
    report.period = Some((i64::MIN, i64::MAX));
    report.findings[0].first_ms = i64::MIN;
    report.findings[1].last_ms = i64::MAX;
    report.findings[0].related[0].time_ms = i64::MIN;
    report.findings[1].related[0].time_ms = i64::MAX;
    report.stories[0].steps[0].time_ms = i64::MIN;
    let page = html(&report);
    assert!(
        !["NaN", "\"inf\"", "\"-inf\"", "Minf", "Hinf", "Vinf", "inf,"].iter().any(|place| page.contains(place)),
        "a place is a number"
    );
    text(&report, &TextOptions::default());
    csv(&report);
}

/// The variables of one block of the style sheet.
fn palette(block: &str) -> std::collections::BTreeMap<&str, &str> {
    block
        .split(';')
        .filter_map(|part| {
            let (name, value) = part.split_once(':')?;
            Some((name.trim().strip_prefix("--")?, value.trim()))
        })
        .filter(|(_, value)| value.starts_with('#'))
        .collect()
}

fn contrast(a: &str, b: &str) -> f64 {
    let luminance = |hex: &str| {
        let hex = hex.trim_start_matches('#');
        let full: String = if hex.len() == 3 { hex.chars().flat_map(|c| [c, c]).collect() } else { hex.to_owned() };
        let channel = |i: usize| {
            let c = f64::from(u8::from_str_radix(&full[i..i + 2], 16).expect("a colour")) / 255.0;
            if c <= 0.04045 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * channel(0) + 0.7152 * channel(2) + 0.0722 * channel(4)
    };
    let (a, b) = (luminance(a), luminance(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

#[test]
fn text_has_the_contrast_of_wcag_aa_in_light_and_dark() {
    let style = include_str!("../src/style.css");
    let blocks: Vec<_> = style
        .split("  color-scheme: ")
        .skip(1)
        .filter_map(|s| s.split('}').next())
        .map(|s| palette(s.split_once(';').map_or("", |(_, rest)| rest)))
        .collect();
    assert_eq!(blocks.len(), 3);
    assert_eq!(blocks[1], blocks[2], "dark by preference and dark by choice are one palette");
    for colors in &blocks {
        for text in ["ink", "muted", "accent", "critical", "high", "medium", "low", "info"] {
            for ground in
                ["bg", "surface", "raised", "critical-tint", "high-tint", "medium-tint", "low-tint", "info-tint"]
            {
                let ratio = contrast(colors[text], colors[ground]);
                assert!(ratio >= 4.5, "{text} on {ground}: {ratio:.2}");
            }
        }
    }
}

/// Of very many findings only the worst are listed; all are counted.
#[test]
fn findings_that_are_not_listed_are_counted() {
    let mut report = sample::report(60);
    let techniques = Arc::clone(&report.findings[0].techniques);
    report.unlisted.push(report::Unlisted { severity: Severity::High, techniques, count: 1_234_567 });
    report.stories[0].n_unlisted = 4_321;
    let page = html(&report);
    let n_findings = "1,234,627";
    assert!(page.contains(&format!("{n_findings} findings, worst first")));
    assert!(page.contains(&format!("<p class=\"big\">{n_findings}</p>")));
    assert!(page.contains("hits of the worst 60 findings"));
    assert!(page.contains("and 1,234,567 more, of lower rank"));
    assert!(page.contains(&format!("{} steps", 4_321 + report.stories[0].steps.len()).replacen('4', "4,", 1)));
    let text = report::text(&report, &report::TextOptions::default());
    assert!(text.contains("1,234,607 more findings"), "{text}");
    assert!(report.verdict().contains("high"), "{}", report.verdict());
}
