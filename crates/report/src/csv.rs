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
        finding.resources.join("; "),
        rfc3339(finding.first_ms),
        rfc3339(finding.last_ms),
        finding.count.to_string(),
    ]
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
    let text = escape::block(cell);
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
}
