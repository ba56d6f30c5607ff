//! Regexes of queries: checked when the query is planned, and compiled once a thread.
//!
//! The plan carries the text of a regex and not the regex, so that it can be shipped; each thread keeps the few that it compiled last.

use std::cell::RefCell;
use std::rc::Rc;

use datafusion::common::{Result, exec_datafusion_err};
use predicate::diagnostic::Diagnostic;
use regex::{Regex, RegexBuilder};

use crate::insights::ast::Span;

/// The most memory that one compiled regex may take; `\w{1000}` would take more.
const SIZE_BYTES_MAX: usize = 4 << 20;
/// How much each thread may spend on the states of a search.
const STATES_BYTES_MAX: usize = 8 << 20;
/// How many compiled regexes a thread keeps.
const KEPT_MAX: usize = 32;

thread_local! {
    static KEPT: RefCell<Vec<Rc<Regex>>> = const { RefCell::new(Vec::new()) };
}

/// The regex, or what is wrong with it at its place.
pub fn check(text: &str, span: &Span) -> Result<Regex, Diagnostic> {
    compile(text).map_err(|err| {
        let reason = match &err {
            regex::Error::CompiledTooBig(_) => "it would take too much memory".to_owned(),
            // The first lines repeat the regex with a caret under the place.
            err => err.to_string().lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned(),
        };
        let error = Diagnostic::error(span.clone(), format!("invalid regex: {reason}"));
        error.help("syntax is that of RE2: no look-around and no backreferences")
    })
}

/// The compiled regex; an error only when the plan was not made by us.
pub fn compiled(text: &str) -> Result<Rc<Regex>> {
    KEPT.with_borrow_mut(|kept| {
        if let Some(at) = kept.iter().position(|have| have.as_str() == text) {
            return Ok(Rc::clone(&kept[at]));
        }
        let regex = Rc::new(compile(text).map_err(|err| exec_datafusion_err!("invalid regex: {err}"))?);
        if kept.len() == KEPT_MAX {
            kept.remove(0);
        }
        kept.push(Rc::clone(&regex));
        Ok(regex)
    })
}

fn compile(text: &str) -> Result<Regex, regex::Error> {
    RegexBuilder::new(text).size_limit(SIZE_BYTES_MAX).dfa_size_limit(STATES_BYTES_MAX).build()
}

/// A regex that is nothing but a text, perhaps tied to an end.
#[derive(Debug, PartialEq, Eq)]
pub enum Plain {
    /// `abc`
    Anywhere(String),
    /// `^abc`
    Start(String),
    /// `abc$`
    End(String),
    /// `^abc$`
    Whole(String),
}

/// What the regex is if it needs no regex engine.
pub fn plain(regex: &str) -> Option<Plain> {
    let (rest, at_start) = regex.strip_prefix('^').map_or((regex, false), |rest| (rest, true));
    let (rest, at_end) = match rest.strip_suffix('$') {
        Some(rest) if !rest.ends_with('\\') => (rest, true),
        _ => (rest, false),
    };
    let text = unescaped(rest)?;
    Some(match (at_start, at_end) {
        (false, false) => Plain::Anywhere(text),
        (true, false) => Plain::Start(text),
        (false, true) => Plain::End(text),
        (true, true) => Plain::Whole(text),
    })
}

fn unescaped(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some(c) if c.is_ascii_punctuation() && !matches!(c, '<' | '>') => out.push(c),
                _ => return None,
            },
            '.' | '*' | '+' | '?' | '(' | ')' | '[' | ']' | '{' | '}' | '|' | '^' | '$' => return None,
            c => out.push(c),
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_needs_no_engine() {
        assert_eq!(plain("Bucket"), Some(Plain::Anywhere("Bucket".into())));
        assert_eq!(plain(r"^192\.168\."), Some(Plain::Start("192.168.".into())));
        assert_eq!(plain("^a b$"), Some(Plain::Whole("a b".into())));
        assert_eq!(plain("Logging$"), Some(Plain::End("Logging".into())));
        for regex in ["a.c", r"\d", "(?i)a", r"a\$$x", "a|b", r"a\", "^^", r"\<a"] {
            assert_eq!(plain(regex), None, "{regex}");
        }
        assert_eq!(plain(r"a\$"), Some(Plain::Anywhere("a$".into())));
    }

    #[test]
    fn bombs_are_refused() {
        for bomb in [r"(\w{1000}){1000}", &"(".repeat(10_000), &format!("{}a{}", "(".repeat(500), "){50}".repeat(500))]
        {
            let error = check(bomb, &(0..1)).expect_err("too big");
            assert!(error.message.starts_with("invalid regex: "), "{error:?}");
        }
    }
}
