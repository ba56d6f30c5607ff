//! Whether a regex in a query can be used, and where in it the mistake is.

use predicate::diagnostic::Diagnostic;

use super::parser::Parsed;

/// The largest compiled regex, in bytes.
const SIZE_MAX: usize = 2 << 20;

/// What a regex captures.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Groups {
    /// The groups with names.
    pub named: Vec<String>,
    /// How many have none.
    pub n_unnamed: usize,
}

/// Compiles the regex as written, slashes included, that stands at a place.
pub(super) fn check(written: &str, start: usize) -> Parsed<Groups> {
    let whole = start..start + written.len();
    let regex = written.strip_prefix('/').and_then(|rest| rest.strip_suffix('/')).unwrap_or(written);
    if regex.is_empty() {
        let help = "a comment begins with `#`; every text is found by `/.*/`";
        return Err(Diagnostic::error(whole, "the regex is empty").help(help));
    }
    if let Err(err) = regex_syntax::Parser::new().parse(regex) {
        return Err(invalid(&err, start + 1, whole));
    }
    match regex::RegexBuilder::new(regex).size_limit(SIZE_MAX).build() {
        Ok(compiled) => {
            let named: Vec<String> = compiled.capture_names().flatten().map(str::to_owned).collect();
            Ok(Groups { n_unnamed: compiled.captures_len() - 1 - named.len(), named })
        }
        Err(regex::Error::CompiledTooBig(_)) => {
            let message = format!("the regex is too large: compiled it takes more than {SIZE_MAX} bytes");
            Err(Diagnostic::error(whole, message).help("large counts such as `{1000}` are often the cause"))
        }
        Err(err) => Err(Diagnostic::error(whole, format!("invalid regex: {err}"))),
    }
}

fn invalid(err: &regex_syntax::Error, start: usize, whole: std::ops::Range<usize>) -> Diagnostic {
    let (message, span) = match err {
        regex_syntax::Error::Parse(err) => (err.kind().to_string(), err.span()),
        regex_syntax::Error::Translate(err) => (err.kind().to_string(), err.span()),
        _ => return Diagnostic::error(whole, format!("invalid regex: {err}")),
    };
    let place = start + span.start.offset..start + span.end.offset;
    let diagnostic = Diagnostic::error(place, format!("invalid regex: {message}"));
    if message.contains("character class") {
        return diagnostic.help("a `/` in it ends the regex unless it is written `\\/`; a `[` is written `\\[`");
    }
    diagnostic
}
