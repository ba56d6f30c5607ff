//! Titles built from the event: `{principal} stopped the logging of trail {requestParameters.name}`.

use event::path::Path;
use event::value::Value;

/// The longest value that a title shows.
const VALUE_CHARS_MAX: usize = 120;

/// Text with fields in braces; several names in one pair, parted by `|`, give the first that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    pieces: Vec<Piece>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Field(Vec<String>),
}

/// What a title may name besides the fields of the record.
#[derive(Clone, Copy, Debug)]
pub struct Words<'a> {
    /// `{principal}`
    pub principal: &'a str,
    /// `{source_ip}`
    pub source_ip: &'a str,
    /// `{account}`
    pub account: &'a str,
    /// `{region}`
    pub region: &'a str,
}

impl Template {
    /// Reads a template; the error says what is wrong with it.
    pub fn parse(text: &str) -> Result<Template, String> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some(open) = rest.find(['{', '}']) {
            if rest[open..].starts_with('}') {
                return Err("`}` without a `{` before it".into());
            }
            if open > 0 {
                pieces.push(Piece::Text(rest[..open].to_owned()));
            }
            let Some(close) = rest[open..].find('}').map(|at| open + at) else {
                return Err("`{` without a `}` behind it".into());
            };
            let names: Vec<String> = rest[open + 1..close].split('|').map(|name| name.trim().to_owned()).collect();
            if names.iter().any(String::is_empty) {
                return Err("`{}` without the name of a field".into());
            }
            pieces.push(Piece::Field(names));
            rest = &rest[close + 1..];
        }
        if !rest.is_empty() {
            pieces.push(Piece::Text(rest.to_owned()));
        }
        Ok(Template { pieces })
    }

    /// The title for a record, and the fields that were not there.
    pub fn render(&self, record: &Value, words: Words<'_>) -> (String, Vec<String>) {
        let mut out = String::new();
        let mut missing = Vec::new();
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) => out.push_str(text),
                Piece::Field(names) => match names.iter().find_map(|name| value(name, record, words)) {
                    Some(text) => out.push_str(&text),
                    None => {
                        missing.push(names.join("|"));
                        out.push_str("(not recorded)");
                    }
                },
            }
        }
        (out, missing)
    }
}

fn value(name: &str, record: &Value, words: Words<'_>) -> Option<String> {
    let word = match name {
        "principal" => words.principal,
        "source_ip" => words.source_ip,
        "account" => words.account,
        "region" => words.region,
        _ => return field(name, record),
    };
    (!word.is_empty()).then(|| word.to_owned())
}

fn field(name: &str, record: &Value) -> Option<String> {
    let texts: Vec<String> = record
        .walk(&Path::visiting(name))
        .iter()
        .filter_map(|v| v.view().scalar_text().filter(|t| !t.is_empty()).map(clipped))
        .take(3)
        .collect();
    (!texts.is_empty()).then(|| texts.join(", "))
}

fn clipped(text: &str) -> String {
    match text.char_indices().nth(VALUE_CHARS_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_names_what_is_there() {
        let template = Template::parse("{principal} gave {a.b|a.c} to {x}").expect("a template");
        let record = Value::parse(r#"{"a":{"c":["one",2]}}"#).expect("JSON");
        let words = Words { principal: "root", source_ip: "", account: "", region: "" };
        assert_eq!(template.render(&record, words), ("root gave one, 2 to (not recorded)".into(), vec!["x".into()]));
    }

    #[test]
    fn a_broken_template_is_refused() {
        for text in ["{", "}", "a {} b", "{a|}"] {
            assert!(Template::parse(text).is_err(), "{text}");
        }
    }
}
