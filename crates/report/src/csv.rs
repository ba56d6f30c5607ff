//! The findings as a table for spreadsheets: RFC 4180, one finding a row.
//!
//! Spreadsheets run a cell that starts like a formula, so such a cell gets a leading apostrophe; whoever wants the bare text takes the JSON.

use event::finding::Finding;
use event::time::rfc3339;

use crate::escape;
use crate::model::Report;

const HEAD: [&str; 14] = [
    "uid",
    "severity",
    "title",
    "rule_id",
    "rule_title",
    "techniques",
    "account",
    "regions",
    "principal",
    "source_ips",
    "resources",
    "first",
    "last",
    "count",
];

/// The longest that a text gets, in characters, and then it says so: spreadsheets take 32,767. JSON has all of it.
const CELL_CHARS_MAX: usize = 8_000;

/// The findings, worst first, under one row of names.
pub fn csv(report: &Report) -> String {
    head() + &report.findings.iter().map(row).collect::<String>()
}

/// The row of names.
pub fn head() -> String {
    to_row(&HEAD.map(str::to_owned))
}

/// The row of one finding.
pub fn row(finding: &Finding) -> String {
    to_row(&cells(finding))
}

fn cells(finding: &Finding) -> [String; 14] {
    let techniques: Vec<&str> = finding.techniques.iter().map(|t| t.id.as_str()).collect();
    [
        finding.uid.clone(),
        finding.severity.to_string(),
        finding.title.clone(),
        finding.rule_id.clone(),
        finding.rule_title.clone(),
        techniques.join("; "),
        finding.account.clone(),
        finding.regions.join("; "),
        finding.principal.clone(),
        finding.source_ips.join("; "),
        resources(finding),
        rfc3339(finding.first_ms),
        rfc3339(finding.last_ms),
        finding.count.to_string(),
    ]
}

fn resources(finding: &Finding) -> String {
    let rest = finding.n_resources.beside(finding.resources.len()).map(|rest| format!("and {rest} more"));
    let names: Vec<&str> = finding.resources.iter().chain(&rest).map(String::as_str).collect();
    names.join("; ")
}

fn to_row(cells: &[String]) -> String {
    let mut out = String::new();
    for (i, cell) in cells.iter().enumerate() {
        if i > 0 {
            out.push(',');
        }
        push_cell(&mut out, cell);
    }
    out.push_str("\r\n");
    out
}

fn push_cell(out: &mut String, cell: &str) {
    let cell = escape::clip(cell, CELL_CHARS_MAX);
    let text = escape::block(&cell);
    let is_formula = text.starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠', '\t', '\r', '\n']);
    if !is_formula && !text.contains([',', '"', '\r', '\n']) {
        out.push_str(&text);
        return;
    }
    out.push('"');
    if is_formula {
        out.push('\'');
    }
    out.push_str(&text.replace('"', "\"\""));
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_quoted_and_neutralised() {
        let cases = [
            ("plain", "plain"),
            ("a,b", "\"a,b\""),
            ("say \"hi\"", "\"say \"\"hi\"\"\""),
            ("two\nlines", "\"two\nlines\""),
            ("=cmd|' /C calc'!A0", "\"'=cmd|' /C calc'!A0\""),
            ("+1", "\"'+1\""),
            ("-1", "\"'-1\""),
            ("@SUM(A1)", "\"'@SUM(A1)\""),
            ("\t=1", "\"'\t=1\""),
            ("\r=1", "\"'\r=1\""),
            ("a\0\u{1b}[2J", "a⟨U+0000⟩⟨U+001B⟩[2J"),
        ];
        for (cell, want) in cases {
            let mut out = String::new();
            push_cell(&mut out, cell);
            assert_eq!(out, want, "{cell:?}");
        }
    }

    #[test]
    fn a_long_cell_is_cut_and_says_so() {
        let mut out = String::new();
        push_cell(&mut out, &"é".repeat(3_000_000));
        assert!(out.len() < 32_767 && out.ends_with("é… (+2992000 characters)"), "{}", out.len());
    }
}
