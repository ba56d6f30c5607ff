//! Runs cases: a Markdown file whose sections each hold input blocks and, last, an `output` block that the program wrote and a person read.
//!
//! `UPDATE=1 cargo test` rewrites the output blocks; then read the diff.

mod mutate;
mod python;

use std::path::{Path, PathBuf};

pub use mutate::mutate;
pub use python::{python, said};

/// One section of a case file: a heading that says the one reason, and its input blocks.
#[derive(Clone, Debug, Default)]
pub struct Case {
    /// The heading.
    pub title: String,
    /// Each fenced block but the output: its info string and its text.
    pub blocks: Vec<(String, String)>,
}

impl Case {
    /// The text of the first block with this info string.
    pub fn block(&self, info: &str) -> Option<&str> {
        self.blocks.iter().find(|(have, _)| have == info).map(|(_, text)| text.as_str())
    }

    /// The texts of all blocks with this info string.
    pub fn all<'a>(&'a self, info: &'a str) -> impl Iterator<Item = &'a str> {
        self.blocks.iter().filter(move |(have, _)| have == info).map(|(_, text)| text.as_str())
    }
}

/// Runs `check` on each case of each `.md` file under `dir` and compares what it returns with the case's output block.
///
/// # Panics
/// When an output differs, when a file holds no case, or when there is no file: a check that cannot fail is none.
pub fn run(dir: impl AsRef<Path>, check: impl Fn(&Case) -> String) {
    let files = markdown_files(dir.as_ref());
    assert!(!files.is_empty(), "no case files under {}", dir.as_ref().display());
    let update = std::env::var_os("UPDATE").is_some();
    let mut failures = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap_or_else(|err| panic!("cannot read {}: {err}", file.display()));
        let (rewritten, wrong, n_cases) = run_file(&text, &check);
        assert!(n_cases > 0, "{} holds no case", file.display());
        if update && rewritten != text {
            std::fs::write(&file, rewritten).unwrap_or_else(|err| panic!("cannot write {}: {err}", file.display()));
        } else if !update {
            failures.extend(wrong.into_iter().map(|w| format!("{}: {w}", file.display())));
        }
    }
    assert!(failures.is_empty(), "{}\n\nUPDATE=1 cargo test rewrites the outputs; read the diff.", failures.join("\n"));
}

fn markdown_files(dir: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(dir) else { return Vec::new() };
    let mut files: Vec<PathBuf> = entries
        .map(|entry| entry.expect("a listed folder can be read").path())
        .filter(|path| path.extension().is_some_and(|e| e == "md"))
        .collect();
    files.sort();
    files
}

/// The file with its outputs as they are now, the differences, and how many cases there were.
fn run_file(text: &str, check: &impl Fn(&Case) -> String) -> (String, Vec<String>, usize) {
    let mut out = String::new();
    let mut wrong = Vec::new();
    let mut n_cases = 0;
    let mut case = Case::default();
    let mut has_output = false;
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        let Some(fence) = line.strip_prefix("```") else {
            if line.starts_with('#') {
                flush(&mut out, &case, has_output, check, &mut wrong, &mut n_cases);
                case = Case { title: line.trim_start_matches('#').trim().to_owned(), blocks: Vec::new() };
                has_output = false;
            }
            out.push_str(line);
            out.push('\n');
            continue;
        };
        let mut body = String::new();
        for inner in lines.by_ref() {
            if inner.starts_with("```") {
                break;
            }
            body.push_str(inner);
            body.push('\n');
        }
        if fence == "output" {
            has_output = true;
            n_cases += 1;
            let got = ended(check(&case));
            if got != body {
                wrong.push(format!("case `{}`\n--- expected\n{body}--- got\n{got}", case.title));
            }
            out.push_str(&format!("```output\n{got}```\n"));
        } else {
            out.push_str(&format!("```{fence}\n{body}```\n"));
            case.blocks.push((fence.to_owned(), body));
        }
    }
    flush(&mut out, &case, has_output, check, &mut wrong, &mut n_cases);
    (out, wrong, n_cases)
}

/// A case without an output block gets one.
fn flush(
    out: &mut String,
    case: &Case,
    has_output: bool,
    check: &impl Fn(&Case) -> String,
    wrong: &mut Vec<String>,
    n_cases: &mut usize,
) {
    if has_output || case.blocks.is_empty() {
        return;
    }
    *n_cases += 1;
    let got = ended(check(case));
    wrong.push(format!("case `{}` has no output block yet\n--- got\n{got}", case.title));
    let trimmed = out.trim_end().len();
    out.truncate(trimmed);
    out.push_str(&format!("\n\n```output\n{got}```\n\n"));
}

fn ended(mut text: String) -> String {
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_output_that_differs_is_named_and_rewritten() {
        let text = "# up\n\n```in\nab\n```\n\n```output\nwrong\n```\n\n# none yet\n\n```in\nc\n```\n";
        let (rewritten, wrong, n_cases) = run_file(text, &|case| case.blocks[0].1.to_uppercase());
        assert_eq!(n_cases, 2);
        assert_eq!(wrong.len(), 2);
        let (again, wrong, _) = run_file(&rewritten, &|case| case.blocks[0].1.to_uppercase());
        assert_eq!(again, rewritten);
        assert!(wrong.is_empty(), "{wrong:?}");
    }
}
