//! Walks the words of a query: commands between bars, what every command needs, and how to go on behind a mistake.

use std::ops::RangeInclusive;

use predicate::diagnostic::{Diagnostic, clipped};

use super::ast::{Command, Duration, Name, Query, Span, Text, Unit};
use super::command::{self, Syntax, source};
use super::lexer::{Kind, Token, member_at, regex_at, token_at};
use super::{mistake, order};

/// The deepest nesting of parentheses, calls and operators: what walks the tree may recurse.
pub(super) const DEPTH_MAX: usize = 128;
/// The longest time span, about a hundred thousand years: its milliseconds are exact as a number.
const SPAN_MS_MAX: f64 = (1_u64 << 52) as f64;

/// Words that are never a name or a field unless they stand in backticks.
const RESERVED: [&str; 7] = ["and", "or", "not", "in", "like", "as", "by"];

/// What was read, or the first mistake, behind which the rest of the command is not understood.
pub(super) type Parsed<T> = Result<T, Diagnostic>;

/// The place in the text and what was found so far.
pub(super) struct Parser<'t> {
    text: &'t str,
    next: Token,
    /// Where the last word that was taken ends.
    end: usize,
    /// Whether a `/` behind it divides, as far as can be told of text that is not understood.
    divides: bool,
    depth: usize,
    /// How many parentheses and brackets are open.
    n_open: usize,
    /// How many queries this one stands in.
    n_outer: usize,
    is_in_subquery: bool,
    diagnostics: Vec<Diagnostic>,
}

impl<'t> Parser<'t> {
    /// At the beginning of a text.
    pub fn new(text: &'t str) -> Parser<'t> {
        let next = token_at(text, 0);
        Parser {
            text,
            next,
            end: 0,
            divides: false,
            depth: 0,
            n_open: 0,
            n_outer: 0,
            is_in_subquery: false,
            diagnostics: Vec::new(),
        }
    }

    /// All that was found wrong.
    pub fn into_diagnostics(self) -> Vec<Diagnostic> {
        self.diagnostics
    }

    /// A query up to the end of the text or, when it stands in another, up to the parenthesis that closes it.
    pub fn query(&mut self) -> Query {
        let start = self.next.span.start;
        let mut query = Query { source: None, commands: Vec::new() };
        self.eat_sign("|");
        if self.is_word("source") {
            query.source = self.recovering(source::parse);
            if self.is_over() || !self.bar() {
                return query;
            }
        } else if self.is_over() {
            let help = "begin with a command, such as `fields @timestamp, @message`";
            self.report(Diagnostic::error(start..start, "the query is empty").help(help));
            return query;
        }
        loop {
            query.commands.extend(self.command());
            if self.is_over() || !self.bar() {
                return query;
            }
        }
    }

    /// A query in parentheses. The one before `(SOURCE` is not yet taken.
    pub fn nested_query(&mut self) -> Parsed<Query> {
        let open = self.expect_sign("(")?;
        self.enter(open.clone())?;
        self.n_outer += 1;
        let query = self.query();
        self.n_outer -= 1;
        self.leave();
        self.close(")", open)?;
        order::check(&query.commands, &mut self.diagnostics);
        Ok(query)
    }

    /// A query in parentheses whose rows are values to compare with; none stands in another.
    pub fn subquery(&mut self) -> Parsed<Query> {
        if self.is_in_subquery {
            let help = "run the inner query first and write its values as a list: `in [\"a\", \"b\"]`";
            return Err(
                Diagnostic::error(self.next.span.clone(), "a subquery must not stand in another subquery").help(help)
            );
        }
        self.is_in_subquery = true;
        let query = self.nested_query();
        self.is_in_subquery = false;
        query
    }

    /// One command. Nothing when it is wrong; it has been told then, and all up to the next bar is skipped.
    fn command(&mut self) -> Option<Command> {
        let start = self.next.span.start;
        let syntax = match self.command_here() {
            Ok(syntax) => syntax,
            Err(diagnostic) => return self.recovering(|_| Err(diagnostic)),
        };
        self.advance();
        // A label says that something else is due; then it helps to see the whole.
        let usage = |diagnostic: Diagnostic| match diagnostic.help {
            None if !diagnostic.label.is_empty() => diagnostic.help(format!("usage: {}", syntax.usage)),
            _ => diagnostic,
        };
        let kind = self.recovering(|parser| (syntax.parse)(parser).map_err(usage))?;
        Some(Command { span: start..self.end, kind })
    }

    fn command_here(&self) -> Parsed<&'static Syntax> {
        let word = match &self.next.kind {
            Kind::Word(word) => word,
            Kind::Sign("|") => {
                let diagnostic = Diagnostic::error(self.next.span.clone(), "no command stands before this `|`");
                return Err(diagnostic.help("write a command there or leave the `|` out"));
            }
            Kind::End => {
                let diagnostic = Diagnostic::error(self.behind(), "the query ends with a `|`");
                return Err(diagnostic.help("write a command behind it or leave it out"));
            }
            Kind::Sign("/" | "//" | "-") => {
                let help = "a comment begins with `#`; every command begins with its name";
                return Err(self.unexpected("a command").help(help));
            }
            _ => return Err(self.unexpected("a command")),
        };
        command::find(word).ok_or_else(|| mistake::unknown_command(word, self.next.span.clone()))
    }

    /// What comes between two commands; whatever else stands there is told and skipped. Whether there is another command.
    fn bar(&mut self) -> bool {
        if self.eat_sign("|") {
            return true;
        }
        if self.is_sign("||") {
            let span = self.advance().span;
            let diagnostic = Diagnostic::error(span, "a command between two `|` is missing");
            self.report(diagnostic.help("write one `|`"));
            return true;
        }
        if let Some(syntax) = self.word().and_then(command::find) {
            let diagnostic = Diagnostic::error(self.next.span.clone(), format!("unexpected `{}`", self.shown()));
            let label = format!("did you forget `|` before `{}`?", syntax.name);
            self.report(diagnostic.label(label));
            return true;
        }
        let diagnostic = mistake::behind_command(self);
        self.recovering(|_| Err::<(), _>(diagnostic));
        self.eat_sign("|")
    }

    /// Runs a step; when it fails, tells why and goes on at the bar behind it.
    fn recovering<T>(&mut self, step: impl FnOnce(&mut Self) -> Parsed<T>) -> Option<T> {
        let (depth, n_open, n_outer, is_in_subquery) = (self.depth, self.n_open, self.n_outer, self.is_in_subquery);
        match step(self) {
            Ok(value) => Some(value),
            Err(diagnostic) => {
                self.report(diagnostic);
                (self.depth, self.n_outer, self.is_in_subquery) = (depth, n_outer, is_in_subquery);
                self.skip_command(n_open);
                self.n_open = n_open;
                None
            }
        }
    }

    /// Skips to the bar behind this command, over the parentheses that it opened. A bar right at the mistake is that
    /// bar, whatever is open: then a closing parenthesis was forgotten.
    fn skip_command(&mut self, n_open: usize) {
        if self.is_sign("|") {
            return;
        }
        loop {
            let is_outside = self.n_open <= n_open;
            match &self.next.kind {
                Kind::End => return,
                Kind::Sign("|") if is_outside => return,
                Kind::Sign(")") if is_outside && self.n_outer > 0 => return,
                Kind::Sign("/") if !self.divides || self.may_open_regex() => self.reread_as_regex(),
                _ => {}
            }
            if let Kind::Bad(diagnostic) = &self.next.kind {
                let diagnostic = diagnostic.clone();
                self.report(diagnostic);
            }
            self.advance();
        }
    }

    /// Skips to the parenthesis that closes the innermost one that is open.
    pub fn skip_parenthesis(&mut self) {
        let n_open = self.n_open;
        while self.next.kind != Kind::End && !(self.n_open <= n_open && self.is_sign(")")) {
            if self.is_sign("/") && (!self.divides || self.may_open_regex()) {
                self.reread_as_regex();
            }
            self.advance();
        }
    }

    /// Whether the `/` that comes next looks like that of a regex although it could divide: `parse @message /a|b/`.
    fn may_open_regex(&self) -> bool {
        let start = self.next.span.start;
        let is_apart = start > self.end && !self.text[start + 1..].starts_with(char::is_whitespace);
        is_apart && matches!(regex_at(self.text, start).kind, Kind::Regex(_))
    }

    /// Whether a parenthesis or bracket is open.
    pub fn is_open(&self) -> bool {
        self.n_open > 0
    }

    /// Whether the query has no more commands.
    fn is_over(&self) -> bool {
        self.next.kind == Kind::End || (self.n_outer > 0 && self.is_sign(")"))
    }

    /// Notes a mistake behind which the text is still understood, or a warning.
    pub fn report(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }

    /// The next word, not taken.
    pub fn peek(&self) -> &Token {
        &self.next
    }

    /// The word behind the next.
    pub fn second(&self) -> Token {
        token_at(self.text, self.next.span.end)
    }

    /// The word behind a place.
    pub fn token_behind(&self, at: usize) -> Token {
        token_at(self.text, at)
    }

    /// Takes the next word.
    pub fn advance(&mut self) -> Token {
        match self.next.kind {
            Kind::Sign("(" | "[") => self.n_open += 1,
            Kind::Sign(")" | "]") => self.n_open = self.n_open.saturating_sub(1),
            _ => {}
        }
        self.divides = self.next.divides();
        self.end = self.next.span.end;
        let following = token_at(self.text, self.end);
        std::mem::replace(&mut self.next, following)
    }

    /// Reads the next word, which is a `/`, as a regex.
    pub fn reread_as_regex(&mut self) {
        self.next = regex_at(self.text, self.next.span.start);
    }

    /// Takes what stands right behind the last word as the part of a name.
    pub fn member(&mut self) -> Parsed<String> {
        let Some((member, end)) = member_at(self.text, self.end) else {
            let label = "a name is due here";
            return Err(Diagnostic::error(self.behind(), "the name behind the dot is missing").label(label));
        };
        self.end = end;
        self.next = token_at(self.text, end);
        Ok(member)
    }

    /// The text at a place.
    pub fn text_at(&self, span: &Span) -> &'t str {
        self.text.get(span.clone()).unwrap_or_default()
    }

    /// The next word as written, short enough to be quoted.
    pub fn shown(&self) -> String {
        clipped(self.text_at(&self.next.span)).into_owned()
    }

    /// The place right behind what was taken.
    pub fn behind(&self) -> Span {
        self.end..self.end
    }

    /// From a place to the end of what was taken.
    pub fn since(&self, start: usize) -> Span {
        start..self.end.max(start)
    }

    /// The next word if it has no backticks.
    pub fn word(&self) -> Option<&str> {
        match &self.next.kind {
            Kind::Word(word) => Some(word),
            _ => None,
        }
    }

    /// Whether the next word is this keyword.
    pub fn is_word(&self, word: &str) -> bool {
        self.word().is_some_and(|have| have.eq_ignore_ascii_case(word))
    }

    /// Whether the next word is this sign.
    pub fn is_sign(&self, sign: &str) -> bool {
        matches!(self.next.kind, Kind::Sign(have) if have == sign)
    }

    /// Takes the keyword if it is next.
    pub fn eat_word(&mut self, word: &str) -> bool {
        let found = self.is_word(word);
        if found {
            self.advance();
        }
        found
    }

    /// Takes the sign if it is next.
    pub fn eat_sign(&mut self, sign: &str) -> bool {
        let found = self.is_sign(sign);
        if found {
            self.advance();
        }
        found
    }

    /// Takes `name` and the `=` behind it, if they are next.
    pub fn eat_option(&mut self, name: &str) -> bool {
        let found = self.is_word(name) && self.second().kind == Kind::Sign("=");
        if found {
            self.advance();
            self.advance();
        }
        found
    }

    /// Takes the keyword, which must come here.
    pub fn expect_word(&mut self, word: &str) -> Parsed<()> {
        if self.eat_word(word) { Ok(()) } else { Err(self.unexpected(&format!("`{word}`"))) }
    }

    /// Takes the sign, which must come here, and gives its place.
    pub fn expect_sign(&mut self, sign: &str) -> Parsed<Span> {
        if self.is_sign(sign) { Ok(self.advance().span) } else { Err(self.unexpected(&format!("`{sign}`"))) }
    }

    /// Takes the sign that closes what was opened at a place.
    pub fn close(&mut self, sign: &str, open: Span) -> Parsed<()> {
        if self.eat_sign(sign) {
            return Ok(());
        }
        match self.next.kind {
            Kind::End | Kind::Sign("|") => {
                let opened = self.text_at(&open);
                let message = format!("the `{opened}` is not closed");
                Err(Diagnostic::error(open, message).label("opened here").help(format!("close it with `{sign}`")))
            }
            _ => Err(mistake::in_expression(self, &format!("`{sign}` or an operator"))),
        }
    }

    /// Goes one level deeper; the caller comes back with [`Parser::leave`] unless it fails.
    pub fn enter(&mut self, at: Span) -> Parsed<()> {
        self.depth += 1;
        if self.depth > DEPTH_MAX { Err(too_deep(at)) } else { Ok(()) }
    }

    /// Comes back from a level.
    pub fn leave(&mut self) {
        self.depth -= 1;
    }

    /// That something else is due than what comes next.
    pub fn unexpected(&self, due: &str) -> Diagnostic {
        let label = format!("{due} is due here");
        match &self.next.kind {
            Kind::Bad(diagnostic) => diagnostic.clone(),
            Kind::End => Diagnostic::error(self.behind(), "the query ends too early").label(label),
            Kind::Sign("|") => Diagnostic::error(self.next.span.clone(), "the command ends too early").label(label),
            _ => Diagnostic::error(self.next.span.clone(), format!("unexpected `{}`", self.shown())).label(label),
        }
    }

    /// A name. Behind a keyword even one that begins with a digit.
    pub fn name(&mut self, due: &str) -> Parsed<Name> {
        let span = self.next.span.clone();
        let name = match &self.next.kind {
            Kind::Word(word) if is_reserved(word) => return Err(self.unexpected(due)),
            Kind::Word(name) | Kind::Quoted(name) => name.clone(),
            Kind::Odd | Kind::Duration(_) => self.text_at(&span).to_owned(),
            Kind::String(text) => {
                let help = format!("names stand in backticks or without quotes: `{}`", clipped(text));
                return Err(self.unexpected(due).help(help));
            }
            _ => return Err(self.unexpected(due)),
        };
        self.advance();
        Ok(Name { name, span })
    }

    /// One name or more between commas.
    pub fn names(&mut self, due: &str) -> Parsed<Vec<Name>> {
        self.list(|parser| parser.name(due))
    }

    /// Names without commas, up to what is none. `*` stands for any characters.
    pub fn patterns(&mut self) -> Parsed<Vec<Name>> {
        let mut names = Vec::new();
        while matches!(self.next.kind, Kind::Word(_) | Kind::Quoted(_) | Kind::Sign("*")) {
            names.push(self.pattern()?);
            self.eat_sign(",");
        }
        Ok(names)
    }

    /// A name whose pieces and stars stand without blanks between them.
    fn pattern(&mut self) -> Parsed<Name> {
        let start = self.next.span.start;
        let mut name = String::new();
        while name.is_empty() || self.next.span.start == self.end {
            match &self.next.kind {
                Kind::Sign("*") => name.push('*'),
                Kind::Word(piece) if is_reserved(piece) => return Err(self.unexpected("a field")),
                Kind::Word(piece) | Kind::Quoted(piece) => name.push_str(piece),
                Kind::Odd | Kind::Number(_) | Kind::Duration(_) => name.push_str(self.text_at(&self.next.span)),
                _ => break,
            }
            self.advance();
        }
        Ok(Name { name, span: self.since(start) })
    }

    /// `as name`, if it is there.
    pub fn alias(&mut self) -> Parsed<Option<Name>> {
        if self.eat_word("as") { self.name("the new name").map(Some) } else { Ok(None) }
    }

    /// One thing or more between commas.
    pub fn list<T>(&mut self, mut one: impl FnMut(&mut Self) -> Parsed<T>) -> Parsed<Vec<T>> {
        let mut all = vec![one(self)?];
        while self.eat_sign(",") {
            all.push(one(self)?);
        }
        Ok(all)
    }

    /// A string.
    pub fn string(&mut self, due: &str) -> Parsed<Text> {
        let span = self.next.span.clone();
        let Kind::String(text) = &self.next.kind else {
            return Err(match self.next.kind {
                Kind::Word(_) | Kind::Quoted(_) => self.unexpected(due).help("texts stand in quotes"),
                _ => self.unexpected(due),
            });
        };
        let text = text.clone();
        self.advance();
        Ok(Text { text, span })
    }

    /// `true` or `false`.
    pub fn boolean(&mut self) -> Parsed<bool> {
        let is_true = self.is_word("true");
        if is_true || self.is_word("false") {
            self.advance();
            return Ok(is_true);
        }
        Err(self.unexpected("`true` or `false`"))
    }

    /// A whole number within bounds.
    pub fn whole(&mut self, due: &str, bounds: RangeInclusive<u64>) -> Parsed<u64> {
        let is_negative = self.is_sign("-") && matches!(self.second().kind, Kind::Number(_));
        let start = self.next.span.start;
        if is_negative {
            self.advance();
        }
        let Kind::Number(n) = self.next.kind else {
            return Err(self.unexpected(due));
        };
        let span = start..self.advance().span.end;
        // Far below 2^53, so that the number is exact.
        let is_within = !is_negative && n >= *bounds.start() as f64 && n <= *bounds.end() as f64;
        if n.fract() == 0.0 && is_within {
            return Ok(n as u64);
        }
        let message = format!("`{}` is out of range", clipped(self.text_at(&span)));
        let label = format!("{due} from {} to {} is due here", bounds.start(), bounds.end());
        Err(Diagnostic::error(span, message).label(label))
    }

    /// A length of time of fixed length, in milliseconds.
    pub fn milliseconds(&mut self) -> Parsed<i64> {
        let Kind::Duration(duration) = self.next.kind else {
            return Err(self.unexpected("a length of time").help("for instance `30m`, `1h` or `7d`"));
        };
        let span = self.advance().span;
        let Some(ms) = fixed_ms(duration) else {
            let message = format!("`{}` has no fixed length", clipped(self.text_at(&span)));
            return Err(Diagnostic::error(span, message).help("write it in days: `30d`, `365d`"));
        };
        if ms.abs() > SPAN_MS_MAX {
            let message = format!("`{}` is too long", clipped(self.text_at(&span)));
            return Err(Diagnostic::error(span, message).help("lengths of time go to 100000 years"));
        }
        Ok(ms.round() as i64)
    }
}

impl Token {
    /// Whether a `/` behind it divides and does not open a regex.
    fn divides(&self) -> bool {
        match &self.kind {
            Kind::Word(word) => !is_reserved(word),
            Kind::Sign(")" | "]") | Kind::Quoted(_) | Kind::Number(_) | Kind::Duration(_) => true,
            _ => false,
        }
    }
}

fn is_reserved(word: &str) -> bool {
    RESERVED.iter().any(|reserved| reserved.eq_ignore_ascii_case(word))
}

/// That something is nested too deeply.
pub(super) fn too_deep(at: Span) -> Diagnostic {
    let message = format!("this is nested more than {DEPTH_MAX} deep");
    Diagnostic::error(at, message).help("take it apart with `fields … as name`")
}

fn fixed_ms(duration: Duration) -> Option<f64> {
    let ms = match duration.unit {
        Unit::Millisecond => 1.0,
        Unit::Second => 1e3,
        Unit::Minute => 60e3,
        Unit::Hour => 3600e3,
        Unit::Day => 86_400e3,
        Unit::Week => 7.0 * 86_400e3,
        Unit::Month | Unit::Quarter | Unit::Year => return None,
    };
    Some(duration.n * ms)
}
