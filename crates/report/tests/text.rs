//! The terminal summary: cases of it as text, and its width.

mod sample;

use report::{Counted, Report, Skipped, TextOptions, text};
use unicode_width::UnicodeWidthStr;

/// A case's `report` block has an instruction a line, on top of the sample report.
fn check(case: &cases::Case) -> String {
    let block = case.block("report").expect("every case has a block `report`");
    let mut report = sample::report(0);
    let mut options = TextOptions { findings_max: 8, ..TextOptions::default() };
    for line in block.lines() {
        let (word, value) = line.split_once(' ').unwrap_or((line, ""));
        let number = || value.parse::<usize>().expect("the instruction takes a number");
        match word {
            "findings" => report = sample::report(number()),
            "width" => options.width = number(),
            "ascii" => options.unicode = false,
            "color" => options.color = true,
            "no-events" => {
                report = Report {
                    inputs: report::Inputs { files: 3, bytes: 512, ..Default::default() },
                    rules_loaded: 412,
                    ..Report::default()
                }
            }
            "filtered" => report.inputs.filtered = number() as u64,
            "no-rules" => report.rules_loaded = 0,
            "skipped" => report.inputs.skipped = (0..number()).map(skipped).collect(),
            "principal" => report.findings.iter_mut().for_each(|f| f.principal = unescaped(value)),
            "title" => report.findings.iter_mut().for_each(|f| f.title = unescaped(value)),
            "no-stories" => report.stories.clear(),
            other => panic!("no instruction `{other}`"),
        }
    }
    text(&report, &options).replace('\u{1b}', "␛")
}

fn skipped(i: usize) -> Skipped {
    let why = if i.is_multiple_of(3) { "empty" } else { "not JSON, line 1" };
    Skipped { what: format!("logs/{i:02}.json"), why: why.to_owned(), records: 0, bytes: 0 }
}

/// `\u{202e}` in a case stands for the character, which a case file had better not hold itself.
fn unescaped(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("\\u{") {
        let (code, after) = after.split_once('}').expect("an escape ends");
        out.push_str(before);
        out.extend(u32::from_str_radix(code, 16).ok().and_then(char::from_u32));
        rest = after;
    }
    out + rest
}

#[test]
fn summaries() {
    cases::run(concat!(env!("CARGO_MANIFEST_DIR"), "/cases"), check);
}

#[test]
fn no_line_is_wider_than_the_terminal() {
    let mut report = sample::report(40);
    report
        .inputs
        .skipped
        .push(Skipped { what: "目录/".repeat(40), why: "说不清".repeat(30), records: 7, bytes: 9 });
    report.regions = vec![Counted { name: "区".repeat(90), count: 1 }].into();
    report.notes.push("备注 🦀 ".repeat(50));
    for (i, finding) in report.findings.iter_mut().enumerate() {
        finding.title = "用户删除了日志🦀é e\u{301}".repeat(i);
        finding.principal = "角色/管理员".repeat(i % 7);
    }
    for story in &mut report.stories {
        story.principal = "角色/管理员".repeat(30);
        story.steps.iter_mut().for_each(|step| step.text = "🦀删除".repeat(60));
    }
    for width in 24..160 {
        for unicode in [true, false] {
            let options = TextOptions { width, unicode, findings_max: 40, color: false };
            for line in text(&report, &options).lines() {
                assert!(line.width() <= width, "{} > {width}: {line}", line.width());
            }
        }
    }
}

#[test]
fn a_terminal_without_unicode_gets_ascii_only() {
    let options = TextOptions { unicode: false, ..TextOptions::default() };
    let mut report = sample::report(30);
    report.findings[0].title = "日本\u{202e}".to_owned();
    assert!(text(&report, &options).is_ascii());
}

#[test]
fn colours_change_nothing_but_colours() {
    let report = sample::report(30);
    let plain = text(&report, &TextOptions::default());
    let coloured = text(&report, &TextOptions { color: true, ..TextOptions::default() });
    let mut stripped = String::new();
    let mut rest = coloured.as_str();
    while let Some((before, after)) = rest.split_once("\u{1b}[") {
        stripped.push_str(before);
        rest = after.split_once('m').expect("an escape of ours ends in m").1;
    }
    assert_eq!(stripped + rest, plain);
}
