//! The condition over selections: read, then lowered.

use std::ops::Range;

use crate::diagnostic::clipped;
use crate::pattern::{Case, Pattern, Piece};
use crate::predicate::Predicate;
use crate::yaml::{Node, Places, Yaml};

use super::context::Context;
use super::detection::Selections;

/// The deepest nesting of parentheses.
const DEPTH_MAX: usize = 64;

/// A condition as written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expression {
    /// One selection, and where it is named.
    Name(String, Range<usize>),
    /// One of the selections that the pattern names.
    OneOf(String, Range<usize>),
    /// All of the selections that the pattern names.
    AllOf(String, Range<usize>),
    /// It does not hold.
    Not(Box<Expression>),
    /// All of them hold.
    And(Vec<Expression>),
    /// One of them holds.
    Or(Vec<Expression>),
}

/// The pattern that names all selections.
const THEM: &str = "them";

/// Reads a condition or a list of them, which is their disjunction.
pub(super) fn read(node: &Node, ctx: &mut Context<'_>) -> Vec<Expression> {
    let items = match &node.value {
        Yaml::Seq(items) if !items.is_empty() => items.as_slice(),
        _ => std::slice::from_ref(node),
    };
    items.iter().filter_map(|item| parse(item, ctx)).collect()
}

/// Reads one condition. Nothing when it is wrong; it has been told then.
pub(super) fn parse(node: &Node, ctx: &mut Context<'_>) -> Option<Expression> {
    let Some(text) = node.text() else {
        ctx.wrong_kind("a condition", "a text", node);
        return None;
    };
    let parsed = tokens(text).and_then(|tokens| {
        let mut parser = Parser { text, tokens, at: 0, depth: 0 };
        let expression = parser.or()?;
        match parser.peek() {
            None => Ok(expression),
            Some(token) => Err(parser.unexpected(token.clone())),
        }
    });
    match parsed {
        Ok(expression) => Some(expression.located(&node.places(ctx.text))),
        Err(mistake) => {
            let diagnostic = ctx.error(node.locate(ctx.text, mistake.at), mistake.message);
            diagnostic.label = mistake.label.to_owned();
            diagnostic.help = mistake.help.map(str::to_owned);
            None
        }
    }
}

struct Mistake {
    at: Range<usize>,
    message: String,
    label: &'static str,
    help: Option<&'static str>,
}

impl Mistake {
    fn new(at: Range<usize>, message: impl Into<String>) -> Mistake {
        Mistake { at, message: message.into(), label: "", help: None }
    }
}

/// A word or a parenthesis, by its place.
type Token = Range<usize>;

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '-' | '*' | '.')
}

fn tokens(text: &str) -> Result<Vec<Token>, Mistake> {
    let mut out = Vec::new();
    let mut chars = text.char_indices().peekable();
    while let Some((start, c)) = chars.next() {
        let mut end = start + c.len_utf8();
        match c {
            _ if c.is_whitespace() => continue,
            '(' | ')' => {}
            '|' => {
                let help = "count with a correlation rule of type `event_count` or `value_count`";
                let message = "aggregations in conditions are not supported";
                return Err(Mistake { help: Some(help), ..Mistake::new(start..text.trim_end().len(), message) });
            }
            _ if is_word(c) => {
                while let Some((at, c)) = chars.next_if(|(_, c)| is_word(*c)) {
                    end = at + c.len_utf8();
                }
            }
            _ => return Err(Mistake::new(start..end, format!("unexpected `{c}` in the condition"))),
        }
        out.push(start..end);
    }
    Ok(out)
}

struct Parser<'t> {
    text: &'t str,
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
}

impl Parser<'_> {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    /// The place where a word is due but the condition ends.
    fn end(&self) -> Range<usize> {
        let end = self.tokens.last().map_or(self.text.len(), |token| token.end);
        end..end
    }

    fn is(&self, at: usize, word: &str) -> bool {
        self.tokens.get(at).is_some_and(|token| self.text[token.clone()].eq_ignore_ascii_case(word))
    }

    fn eat(&mut self, word: &str) -> bool {
        let found = self.is(self.at, word);
        self.at += usize::from(found);
        found
    }

    fn unexpected(&self, token: Token) -> Mistake {
        let word = &self.text[token.clone()];
        let mistake = Mistake::new(token, format!("unexpected `{word}` in the condition"));
        let help = match word {
            ")" => "no parenthesis is open here",
            _ => "join two selections with `and` or `or`",
        };
        Mistake { help: Some(help), ..mistake }
    }

    fn or(&mut self) -> Result<Expression, Mistake> {
        let mut parts = vec![self.and()?];
        while self.eat("or") {
            parts.push(self.and()?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Expression::Or(parts) })
    }

    fn and(&mut self) -> Result<Expression, Mistake> {
        let mut parts = vec![self.not()?];
        while self.eat("and") {
            parts.push(self.not()?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Expression::And(parts) })
    }

    fn not(&mut self) -> Result<Expression, Mistake> {
        let mut negated = false;
        while self.eat("not") {
            negated = !negated;
        }
        let atom = self.atom()?;
        Ok(if negated { Expression::Not(Box::new(atom)) } else { atom })
    }

    fn atom(&mut self) -> Result<Expression, Mistake> {
        let Some(token) = self.peek().cloned() else {
            return Err(Mistake {
                label: "a selection is due here",
                ..Mistake::new(self.end(), "the condition ends too early")
            });
        };
        if self.eat("(") {
            return self.parenthesis(token);
        }
        if self.is(self.at + 1, "of") {
            return self.quantified();
        }
        let word = &self.text[token.clone()];
        if ["and", "or", "of", ")"].iter().any(|reserved| word.eq_ignore_ascii_case(reserved)) {
            let message = format!("unexpected `{word}` in the condition");
            return Err(Mistake { label: "a selection is due here", ..Mistake::new(token, message) });
        }
        if word.contains('*') || word.eq_ignore_ascii_case(THEM) {
            let message = format!("`{word}` names several selections");
            let help = "write `1 of` or `all of` before it";
            return Err(Mistake { help: Some(help), ..Mistake::new(token, message) });
        }
        self.at += 1;
        Ok(Expression::Name(word.to_owned(), token))
    }

    fn parenthesis(&mut self, open: Token) -> Result<Expression, Mistake> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(Mistake::new(open, format!("parentheses are nested more than {DEPTH_MAX} deep")));
        }
        let inner = self.or()?;
        self.depth -= 1;
        if self.eat(")") {
            return Ok(inner);
        }
        match self.peek() {
            Some(token) => Err(self.unexpected(token.clone())),
            None => Err(Mistake { label: "opened here", ..Mistake::new(open, "the parenthesis is not closed") }),
        }
    }

    /// `1 of`, `any of`, `all of` and what they range over.
    fn quantified(&mut self) -> Result<Expression, Mistake> {
        let quantifier = self.tokens[self.at].clone();
        let word = self.text[quantifier.clone()].to_ascii_lowercase();
        let Some(pattern) = self.tokens.get(self.at + 2).cloned() else {
            return Err(Mistake {
                label: "`them` or a pattern is due here",
                ..Mistake::new(self.end(), "the condition ends too early")
            });
        };
        let name = self.text[pattern.clone()].to_owned();
        if matches!(name.as_str(), "(" | ")") {
            return Err(Mistake {
                label: "`them` or a pattern is due here",
                ..Mistake::new(pattern, format!("unexpected `{name}` in the condition"))
            });
        }
        self.at += 3;
        match word.as_str() {
            "1" | "any" => Ok(Expression::OneOf(name, pattern)),
            "all" => Ok(Expression::AllOf(name, pattern)),
            _ => {
                let mistake = Mistake::new(quantifier, format!("`{word} of` is not supported"));
                Err(Mistake { help: Some("write `1 of`, `any of` or `all of`"), ..mistake })
            }
        }
    }
}

impl Expression {
    /// The same with places in the source and not in the condition's text.
    fn located(self, places: &Places) -> Expression {
        let place = |at| places.of(at);
        let each = |parts: Vec<Expression>| parts.into_iter().map(|p| p.located(places)).collect();
        match self {
            Expression::Name(name, at) => Expression::Name(name, place(at)),
            Expression::OneOf(name, at) => Expression::OneOf(name, place(at)),
            Expression::AllOf(name, at) => Expression::AllOf(name, place(at)),
            Expression::Not(inner) => Expression::Not(Box::new(inner.located(places))),
            Expression::And(parts) => Expression::And(each(parts)),
            Expression::Or(parts) => Expression::Or(each(parts)),
        }
    }

    /// Calls `seen` on each expression, outermost first.
    pub fn each<'e>(&'e self, seen: &mut impl FnMut(&'e Expression)) {
        seen(self);
        match self {
            Expression::Not(inner) => inner.each(seen),
            Expression::And(parts) | Expression::Or(parts) => parts.iter().for_each(|p| p.each(seen)),
            Expression::Name(..) | Expression::OneOf(..) | Expression::AllOf(..) => {}
        }
    }

    /// Puts the selections in place of their names. Nothing when one is unknown; it has been told then.
    pub(super) fn lower(&self, selections: &mut Selections, ctx: &mut Context<'_>) -> Option<Predicate> {
        match self {
            Expression::Name(name, at) => named(name, at, selections, ctx),
            Expression::OneOf(pattern, at) => matching(pattern, at, selections, ctx).map(Predicate::any),
            Expression::AllOf(pattern, at) => matching(pattern, at, selections, ctx).map(Predicate::all),
            Expression::Not(inner) => inner.lower(selections, ctx).map(Predicate::negate),
            Expression::And(parts) => lower_each(parts, selections, ctx).map(Predicate::all),
            Expression::Or(parts) => lower_each(parts, selections, ctx).map(Predicate::any),
        }
    }
}

/// All parts, even behind one that is wrong, so that every mistake is told.
fn lower_each(parts: &[Expression], selections: &mut Selections, ctx: &mut Context<'_>) -> Option<Vec<Predicate>> {
    let lowered: Vec<Option<Predicate>> = parts.iter().map(|p| p.lower(selections, ctx)).collect();
    lowered.into_iter().collect()
}

fn named(name: &str, at: &Range<usize>, selections: &mut Selections, ctx: &mut Context<'_>) -> Option<Predicate> {
    let Some(found) = selections.find(name) else {
        unknown(name, at, selections, ctx);
        return None;
    };
    found.used = true;
    ctx.afford(found.cost, at).then(|| found.predicate.clone())
}

fn unknown(name: &str, at: &Range<usize>, selections: &Selections, ctx: &mut Context<'_>) {
    let candidates = selections.list.iter().take(N_CANDIDATES_MAX).map(|s| s.name.as_str());
    let near = ctx.meant(name, candidates);
    let diagnostic = ctx.error(at.clone(), format!("no such selection: `{name}`"));
    match near {
        Some(near) => diagnostic.label = near,
        None => diagnostic.help = names(selections),
    }
}

/// The most selections that are compared with an unknown name.
const N_CANDIDATES_MAX: usize = 1000;

/// The first few names, for advice.
fn names(selections: &Selections) -> Option<String> {
    let quoted: Vec<String> = selections.list.iter().take(8).map(|s| format!("`{}`", clipped(&s.name))).collect();
    (!quoted.is_empty()).then(|| format!("the selections are {}", quoted.join(", ")))
}

/// The selections that a pattern means; those that begin with `_` only when it begins so too.
fn matching(
    pattern: &str,
    at: &Range<usize>,
    selections: &mut Selections,
    ctx: &mut Context<'_>,
) -> Option<Vec<Predicate>> {
    // Looking through the names costs as well, when a long condition does it for a long list.
    if !ctx.afford(1 + selections.list.len() / 100, at) {
        return None;
    }
    let is_them = pattern.eq_ignore_ascii_case(THEM);
    let glob = glob(pattern);
    let mut out = Vec::new();
    for selection in &mut selections.list {
        let hidden = selection.name.starts_with('_') && !pattern.starts_with('_');
        if hidden || !(is_them || glob.matches(&selection.name)) {
            continue;
        }
        selection.used = true;
        if !ctx.afford(selection.cost, at) {
            return None;
        }
        out.push(selection.predicate.clone());
    }
    if out.is_empty() {
        ctx.error(at.clone(), format!("no selection matches `{pattern}`")).help = names(selections);
        return None;
    }
    Some(out)
}

/// A pattern with `*`, in which letter case counts.
fn glob(pattern: &str) -> Pattern {
    let mut pieces = Vec::new();
    for (i, text) in pattern.split('*').enumerate() {
        pieces.extend((i > 0).then_some(Piece::Run));
        pieces.push(Piece::Text(text.into()));
    }
    Pattern::new(pieces, Case::Sensitive)
}
