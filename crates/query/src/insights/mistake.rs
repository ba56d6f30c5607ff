//! What to say to people who write another language, or whose fingers slipped.

use predicate::diagnostic::{Diagnostic, clipped};
use predicate::syntax::nearest;

use super::ast::Span;
use super::command::{self, COMMANDS};
use super::lexer::Kind;
use super::parser::Parser;

/// Commands of SQL, SPL and KQL, and functions in the place of a command.
const FOREIGN_COMMANDS: [(&[&str], &str); 22] = [
    (&["select"], "columns are chosen with `fields`: `fields a, b | filter c = 1`"),
    (&["from", "index"], "what is read is said first, with `SOURCE 'log-group'`; left out, it is everything"),
    (&["group", "groupby"], "groups stand behind the aggregates: `stats count(*) by field`"),
    (&["order", "orderby"], "rows are ordered with `sort field desc`"),
    (&["having"], "write `| filter …` behind the `stats`"),
    (&["distinct", "uniq", "unique"], "distinct rows are `dedup field`; to count them, `stats count_distinct(field)`"),
    (&["search", "grep", "match"], "text is searched with `filter @message like \"text\"` or `like /regex/`"),
    (&["and", "or", "not"], "conditions stand together in one `filter a = 1 and b = 2`"),
    (&["eval", "extend", "let", "set"], "new fields are made with `fields expression as name`"),
    (&["rename", "project-rename"], "a field gets another name with `fields old as new`"),
    (&["project", "table", "columns", "show"], "columns are chosen with `display a, b`"),
    (&["summarize", "aggregate", "chart", "timechart"], "aggregates are worked out with `stats count(*) by bin(5m)`"),
    (&["take", "top", "first", "last", "offset"], "the number of rows is bounded with `limit 10`, behind a `sort`"),
    (&["rex", "extract", "grok"], "fields are taken out of text with `parse field /(?<name>…)/`"),
    (
        &["spath", "jq"],
        "fields of JSON are there already: `a.b.0.c`; text that holds JSON is read with `jsonParse(field)`",
    ),
    (&["mvexpand", "mv-expand"], "lists become rows with `unnest jsonParse(field) into name`"),
    (&["union", "append", "multisearch"], "several log groups are read with `SOURCE 'a', 'b'`"),
    (&["transaction"], "sessions are told apart with `sessionize field maxspan 30m`"),
    (&["as", "by"], "the comma or word before it may be missing"),
    (&["desc", "asc"], "the order stands in `sort field desc`"),
    (
        &["count", "sum", "avg", "min", "max", "pct", "count_distinct", "earliest", "latest"],
        "aggregates stand in `stats`: `stats count(*) by field`",
    ),
    (&["bin"], "time is cut in `stats`: `stats count(*) by bin(5m)`"),
];

/// Operators of other languages that are words.
const FOREIGN_OPERATORS: [(&[&str], &str); 11] = [
    (&["is"], "whether a field is there is `ispresent(field)`, or `not ispresent(field)`"),
    (&["contains", "has", "includes"], "write `field like \"text\"`"),
    (&["startswith", "starts_with", "hasprefix"], "write `startsWith(field, \"text\")` or `field like /^text/`"),
    (&["endswith", "ends_with", "hassuffix"], "write `endsWith(field, \"text\")` or `field like /text$/`"),
    (&["matches", "match", "regexp", "rlike", "regex", "regex_match"], "write `field like /regex/`"),
    (&["ilike", "icontains"], "write `field like /(?i)text/`"),
    (&["between"], "write `field >= 1 and field <= 5`"),
    (&["when", "then", "else"], "write `case(condition, value, condition, value, otherwise)`"),
    (&["eq", "equals"], "write `=`"),
    (&["ne", "neq"], "write `!=`"),
    (&["xor"], "write `(a or b) and not (a and b)`"),
];

fn help_for(word: &str, table: &[(&[&str], &'static str)]) -> Option<&'static str> {
    let has = |words: &&[&str]| words.iter().any(|have| have.eq_ignore_ascii_case(word));
    table.iter().find(|(words, _)| has(words)).map(|(_, help)| *help)
}

/// That there is no command of this name.
pub(super) fn unknown_command(word: &str, span: Span) -> Diagnostic {
    if word.eq_ignore_ascii_case("source") {
        let diagnostic = Diagnostic::error(span, "`SOURCE` is not the first command");
        return diagnostic.help("move it to the beginning of the query");
    }
    let diagnostic = Diagnostic::error(span, format!("no such command: `{}`", clipped(word)));
    if let Some(help) = help_for(word, &FOREIGN_COMMANDS) {
        return diagnostic.help(help);
    }
    let names = || COMMANDS.iter().flat_map(|syntax| std::iter::once(&syntax.name).chain(syntax.aliases)).copied();
    if let Some(near) = names().find(|name| is_beginning(word, name)).or_else(|| nearest(word, names())) {
        return diagnostic.label(format!("did you mean `{near}`?"));
    }
    if word.contains(['@', '.']) {
        return diagnostic.help("fields are chosen with `fields`, rows with `filter`");
    }
    let all: Vec<&str> = COMMANDS.iter().map(|syntax| syntax.name).collect();
    diagnostic.help(format!("the commands are {}", all.join(", ")))
}

/// Whether the word is the name cut short: `filt`.
fn is_beginning(word: &str, name: &str) -> bool {
    word.len() > 2 && name.get(..word.len()).is_some_and(|beginning| beginning.eq_ignore_ascii_case(word))
}

/// What is wrong behind a command that is complete.
pub(super) fn behind_command(parser: &Parser<'_>) -> Diagnostic {
    in_expression(parser, "a `|` or the end of the query")
}

/// What is wrong where an expression could go on or something else is due.
pub(super) fn in_expression(parser: &Parser<'_>, due: &str) -> Diagnostic {
    let unexpected = parser.unexpected(due);
    match &parser.peek().kind {
        Kind::Sign(")") if !parser.is_open() => unexpected.help("no parenthesis is open here"),
        Kind::Sign("]") if !parser.is_open() => unexpected.help("no bracket is open here"),
        Kind::Sign(";") => unexpected.help("a query has no `;`: commands stand between `|`"),
        Kind::Sign("//") => unexpected.help("a comment begins with `#`; a regex is not empty"),
        Kind::Sign("=>") => unexpected.help("write `>=`"),
        Kind::Sign("=<") => unexpected.help("write `<=`"),
        Kind::Sign("**") => unexpected.help("write `^`"),
        Kind::Sign("{" | "}") => unexpected.help("write `(` and `)`, or `[` and `]` for a list"),
        Kind::Sign(":") => unexpected.help("a name with `:` stands in backticks, a text in quotes"),
        Kind::Word(word) => {
            let foreign = help_for(word, &FOREIGN_OPERATORS).or_else(|| help_for_clause(word));
            match (foreign, command::find(word)) {
                (Some(help), _) => unexpected.help(help),
                (None, Some(syntax)) => unexpected.help(format!("did you forget `)` or `|` before `{}`?", syntax.name)),
                (None, None) => unexpected.help(BETWEEN),
            }
        }
        Kind::Quoted(_) | Kind::Number(_) | Kind::String(_) | Kind::Duration(_) | Kind::Odd => unexpected.help(BETWEEN),
        _ => unexpected,
    }
}

const BETWEEN: &str = "write `,` between two fields, `and` or `or` between two conditions, `|` between two commands";

/// What SQL and others write behind a command.
fn help_for_clause(word: &str) -> Option<&'static str> {
    match word.to_ascii_lowercase().as_str() {
        "group" | "order" | "having" | "from" => help_for(word, &FOREIGN_COMMANDS),
        "by" => Some("groups stand behind the aggregates of `stats`, and `sort` takes its fields without `by`"),
        "as" => Some("a new name stands behind an expression of `fields`, `display` or `stats`"),
        "distinct" => Some("distinct values are counted by `count_distinct(field)`"),
        "asc" | "desc" => Some("the order stands in `sort field desc`"),
        _ => None,
    }
}

/// An operator of another language, and ours.
pub(super) fn foreign_sign(sign: &str) -> Option<&'static str> {
    match sign {
        "==" | "===" => Some("="),
        "<>" => Some("!="),
        "=>" => Some(">="),
        "=<" => Some("<="),
        "&&" | "&" => Some("and"),
        "||" => Some("or"),
        "**" => Some("^"),
        _ => None,
    }
}
