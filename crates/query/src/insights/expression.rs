//! Expressions, by precedence. From the loosest: `or`, `and`, `not`, comparisons, `+ -`, `* / %`, the minus of one operand, `^`, and what stands
//! behind an operand: `.name` and `[i]`.

use predicate::diagnostic::{Diagnostic, clipped};

use super::ast::{Binary, Expr, Item, Name, Node, Span, Unary};
use super::command;
use super::lexer::Kind;
use super::mistake;
use super::parser::{DEPTH_MAX, Parsed, Parser, too_deep};
use super::regex;

/// The whole numbers that a number holds exactly.
const EXACT_MAX: f64 = (1_u64 << 53) as f64;

/// How tightly an operator binds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Level {
    Or,
    And,
    Not,
    Comparison,
    Sum,
    Product,
    Negative,
    Power,
    Operand,
}

impl Level {
    /// That of an operator with two operands.
    pub fn of(operator: Binary) -> Level {
        match operator {
            Binary::Or => Level::Or,
            Binary::And => Level::And,
            Binary::Equal
            | Binary::NotEqual
            | Binary::Less
            | Binary::LessOrEqual
            | Binary::Greater
            | Binary::GreaterOrEqual => Level::Comparison,
            Binary::Add | Binary::Subtract => Level::Sum,
            Binary::Multiply | Binary::Divide | Binary::Remainder => Level::Product,
            Binary::Power => Level::Power,
        }
    }

    /// The next tighter one: what an operand must have where its own operator is not to follow.
    pub fn tighter(self) -> Level {
        match self {
            Level::Or => Level::And,
            Level::And => Level::Not,
            Level::Not => Level::Comparison,
            Level::Comparison => Level::Sum,
            Level::Sum => Level::Product,
            Level::Product => Level::Negative,
            Level::Negative => Level::Power,
            Level::Power | Level::Operand => Level::Operand,
        }
    }
}

/// An operator between two operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Infix {
    Binary(Binary),
    Like { is_not: bool },
    In { is_not: bool },
}

impl Infix {
    fn level(self) -> Level {
        match self {
            Infix::Binary(operator) => Level::of(operator),
            Infix::Like { .. } | Infix::In { .. } => Level::Comparison,
        }
    }
}

/// An expression and how deep it is. What walks an expression recurses, so its depth is bounded: that of `a + a + …` too, which is a tree
/// that leans to the left.
struct Tree {
    expr: Expr,
    height: usize,
}

impl Tree {
    fn leaf(node: Node, span: Span) -> Tree {
        Tree { expr: Expr { node, span }, height: 1 }
    }
}

/// An expression.
pub(super) fn expression(parser: &mut Parser<'_>) -> Parsed<Expr> {
    tree(parser, Level::Or).map(|tree| tree.expr)
}

/// A field, a call or a literal, with what stands right behind it, but no operator.
pub(super) fn operand(parser: &mut Parser<'_>) -> Parsed<Expr> {
    postfix(parser).map(|tree| tree.expr)
}

/// `expression [as name]`.
pub(super) fn item(parser: &mut Parser<'_>) -> Parsed<Item> {
    if parser.is_sign("*") {
        let help = "every field is `@message`; a row shows it if no command chooses columns";
        return Err(parser.unexpected("a field").help(help));
    }
    let expr = expression(parser)?;
    Ok(Item { expr, alias: parser.alias()? })
}

fn tree(parser: &mut Parser<'_>, loosest: Level) -> Parsed<Tree> {
    parser.enter(parser.peek().span.clone())?;
    let mut left = prefix(parser)?;
    while let Some(infix) = infix(parser)?.filter(|infix| infix.level() >= loosest) {
        left = match infix {
            Infix::Binary(operator @ (Binary::Or | Binary::And)) => chain(parser, left, operator)?,
            _ => joined(parser, left, infix)?,
        };
        if left.height > DEPTH_MAX {
            return Err(too_deep(left.expr.span));
        }
    }
    parser.leave();
    Ok(left)
}

/// The operator that comes next, not taken.
fn infix(parser: &Parser<'_>) -> Parsed<Option<Infix>> {
    let sign = match &parser.peek().kind {
        Kind::Sign("||") if starts_command(parser) => return Ok(None),
        Kind::Sign(sign) => mistake::foreign_sign(sign).unwrap_or(sign),
        Kind::Word(word) => return word_infix(parser, word),
        Kind::Bad(diagnostic) => return Err(diagnostic.clone()),
        _ => return Ok(None),
    };
    Ok(Some(match sign {
        "=~" => Infix::Like { is_not: false },
        "!~" => Infix::Like { is_not: true },
        "or" => Infix::Binary(Binary::Or),
        "and" => Infix::Binary(Binary::And),
        "=" => Infix::Binary(Binary::Equal),
        "!=" => Infix::Binary(Binary::NotEqual),
        "<" => Infix::Binary(Binary::Less),
        "<=" => Infix::Binary(Binary::LessOrEqual),
        ">" => Infix::Binary(Binary::Greater),
        ">=" => Infix::Binary(Binary::GreaterOrEqual),
        "+" => Infix::Binary(Binary::Add),
        "-" => Infix::Binary(Binary::Subtract),
        "*" => Infix::Binary(Binary::Multiply),
        "/" => Infix::Binary(Binary::Divide),
        "%" => Infix::Binary(Binary::Remainder),
        "^" => Infix::Binary(Binary::Power),
        _ => return Ok(None),
    }))
}

/// `a || filter b` lacks a command, and `a || b` means `or`.
fn starts_command(parser: &Parser<'_>) -> bool {
    matches!(parser.second().kind, Kind::Word(word) if command::find(&word).is_some())
}

fn word_infix(parser: &Parser<'_>, word: &str) -> Parsed<Option<Infix>> {
    Ok(Some(match word.to_ascii_lowercase().as_str() {
        "or" => Infix::Binary(Binary::Or),
        "and" => Infix::Binary(Binary::And),
        "like" => Infix::Like { is_not: false },
        "in" => Infix::In { is_not: false },
        "not" => match parser.second().kind {
            Kind::Word(second) if second.eq_ignore_ascii_case("like") => Infix::Like { is_not: true },
            Kind::Word(second) if second.eq_ignore_ascii_case("in") => Infix::In { is_not: true },
            _ => return Ok(None),
        },
        _ => return Ok(None),
    }))
}

/// Takes the operator that [`infix`] saw, and tells if it is one of another language.
fn take_infix(parser: &mut Parser<'_>) -> Span {
    let token = parser.advance();
    if let Kind::Sign(sign) = token.kind
        && let Some(ours) = mistake::foreign_sign(sign)
    {
        let diagnostic = Diagnostic::error(token.span.clone(), format!("no such operator: `{sign}`"));
        parser.report(diagnostic.help(format!("write `{ours}`")));
    }
    if matches!(&token.kind, Kind::Word(word) if word.eq_ignore_ascii_case("not")) {
        parser.advance();
    }
    parser.since(token.span.start)
}

/// `a or b or c`: a balanced tree, since people write hundreds of them.
fn chain(parser: &mut Parser<'_>, first: Tree, operator: Binary) -> Parsed<Tree> {
    let mut parts = vec![first];
    while infix(parser)? == Some(Infix::Binary(operator)) {
        take_infix(parser);
        parts.push(tree(parser, Level::of(operator).tighter())?);
    }
    warn_of_bare_values(parser, &parts);
    let height = parts.iter().map(|part| part.height).max().unwrap_or(0) + parts.len().ilog2() as usize + 1;
    let expr = balanced(operator, parts.into_iter().map(|part| part.expr).collect());
    Ok(Tree { expr, height })
}

/// The operands joined by an operator for which it is all one how they are grouped.
pub(super) fn balanced(operator: Binary, mut parts: Vec<Expr>) -> Expr {
    if parts.len() == 1 {
        return parts.remove(0);
    }
    let right = parts.split_off(parts.len().div_ceil(2));
    let (left, right) = (balanced(operator, parts), balanced(operator, right));
    let span = left.span.start..right.span.end;
    Expr { node: Node::Binary(operator, Box::new(left), Box::new(right)), span }
}

/// `a - b`, `a = b`, `a in […]`: the operator, its right side, and the tree of them.
fn joined(parser: &mut Parser<'_>, left: Tree, infix: Infix) -> Parsed<Tree> {
    let start = left.expr.span.start;
    let at = take_infix(parser);
    let of = Box::new(left.expr);
    let (node, height) = match infix {
        Infix::In { is_not } => membership(parser, of, is_not)?,
        Infix::Like { is_not } => {
            let pattern = pattern(parser, &at)?;
            (Node::Like { of, pattern: Box::new(pattern.expr), is_not }, pattern.height)
        }
        Infix::Binary(operator) => {
            let level = Level::of(operator);
            // `2 ^ 3 ^ 2` is `2 ^ (3 ^ 2)`; the others go from left to right.
            let right = tree(parser, if level == Level::Power { level } else { level.tighter() })?;
            if level == Level::Comparison {
                compared(parser, operator, [&of, &right.expr], &at)?;
            }
            (Node::Binary(operator, of, Box::new(right.expr)), right.height)
        }
    };
    if infix.level() == Level::Comparison {
        refuse_chained_comparison(parser)?;
    }
    let expr = Expr { node, span: parser.since(start) };
    Ok(Tree { expr, height: 1 + left.height.max(height) })
}

fn refuse_chained_comparison(parser: &Parser<'_>) -> Parsed<()> {
    match infix(parser)? {
        Some(again) if again.level() == Level::Comparison => {
            let diagnostic = Diagnostic::error(parser.peek().span.clone(), "comparisons do not follow one another");
            Err(diagnostic.help("join two with `and`: `1 < a and a < 5`"))
        }
        _ => Ok(()),
    }
}

/// What is odd about the two sides of a comparison.
fn compared(parser: &mut Parser<'_>, operator: Binary, sides: [&Expr; 2], at: &Span) -> Parsed<()> {
    let is_equality = matches!(operator, Binary::Equal | Binary::NotEqual);
    let not = if operator == Binary::NotEqual { "not " } else { "" };
    warn_of_shouting(parser, sides[1]);
    for side in sides {
        match &side.node {
            Node::Regex(_) => {
                let message = format!("`{}` does not take a regex", parser.text_at(at));
                return Err(Diagnostic::error(side.span.clone(), message).help(format!("write `field {not}like /…/`")));
            }
            Node::List(_) => {
                let message = format!("`{}` does not take a list", parser.text_at(at));
                return Err(Diagnostic::error(side.span.clone(), message).help(format!("write `field {not}in […]`")));
            }
            Node::String(text) if is_equality && text.len() > 1 && has_wildcard(text, '*') => {
                let message = "`*` stands for itself: the whole text is compared";
                let help = format!("write `field {not}like \"text\"` for a part of it, or `{not}like /^text/`");
                parser.report(Diagnostic::warning(side.span.clone(), message).help(help));
            }
            _ => {}
        }
    }
    Ok(())
}

/// `level = ERROR` compares two fields, and that is seldom meant.
fn warn_of_shouting(parser: &mut Parser<'_>, side: &Expr) {
    let Node::Field(name) = &side.node else { return };
    let is_shouted = name.len() > 1 && name.chars().all(|c| c.is_ascii_uppercase() || c == '_');
    if is_shouted && parser.text_at(&side.span) == name {
        let diagnostic = Diagnostic::warning(side.span.clone(), format!("`{}` is a field here", clipped(name)));
        parser.report(diagnostic.help(format!("a text stands in quotes: `\"{}\"`", clipped(name))));
    }
}

/// `a = "x" or "y"` is true of every row or of none.
fn warn_of_bare_values(parser: &mut Parser<'_>, parts: &[Tree]) {
    for part in parts {
        if matches!(part.expr.node, Node::String(_) | Node::Regex(_) | Node::List(_) | Node::Duration(_)) {
            let diagnostic = Diagnostic::warning(part.expr.span.clone(), "a value is no condition");
            parser
                .report(diagnostic.help("repeat the field, `a = \"x\" or a = \"y\"`, or write `a in [\"x\", \"y\"]`"));
        }
    }
}

fn has_wildcard(text: &str, wildcard: char) -> bool {
    text.starts_with(wildcard) || text.ends_with(wildcard)
}

/// The right side of `like`.
fn pattern(parser: &mut Parser<'_>, at: &Span) -> Parsed<Tree> {
    let pattern = tree(parser, Level::Comparison.tighter())?;
    let span = pattern.expr.span.clone();
    let wrong = |what: &str| {
        Diagnostic::error(span.clone(), format!("`like` does not take {what}"))
            .help("write `like \"text\"` or `like /regex/`")
    };
    match &pattern.expr.node {
        Node::Number(_) => return Err(wrong("a number")),
        Node::Duration(_) => return Err(wrong("a length of time")),
        Node::Boolean(_) => return Err(wrong("a boolean")),
        Node::List(_) => {
            return Err(wrong("a list").help("write `like /a|b/`, or `in […]` for whole values"));
        }
        Node::String(text) => warn_of_wildcards(parser, text, &span, at),
        Node::Field(_) => warn_of_shouting(parser, &pattern.expr),
        _ => {}
    }
    Ok(pattern)
}

fn warn_of_wildcards(parser: &mut Parser<'_>, text: &str, span: &Span, at: &Span) {
    if parser.text_at(at).ends_with('~') {
        let message = "a string is looked for as it stands, also by `=~`";
        parser.report(Diagnostic::warning(span.clone(), message).help("write a regex between slashes: `=~ /regex/`"));
    }
    for wildcard in ['%', '*'] {
        if text.len() > 1 && has_wildcard(text, wildcard) {
            let message = format!("`{wildcard}` stands for itself: `like` finds the text anywhere");
            let bare = text.trim_matches(wildcard).to_owned();
            let help = format!("write `like \"{}\"`, or `like /^…/` to look at the beginning", clipped(&bare));
            parser.report(Diagnostic::warning(span.clone(), message).help(help));
        }
    }
}

/// The right side of `in`.
fn membership(parser: &mut Parser<'_>, of: Box<Expr>, is_not: bool) -> Parsed<(Node, usize)> {
    if parser.is_sign("[") {
        let open = parser.advance().span;
        let (list, height) = elements(parser, "]", open)?;
        return Ok((Node::In { of, list, is_not }, height));
    }
    if !parser.is_sign("(") {
        return Err(parser.unexpected("a list in brackets").help("write `in [\"a\", \"b\"]` or `in (SOURCE … | …)`"));
    }
    if opens_query(parser) {
        let query = Box::new(parser.subquery()?);
        return Ok((Node::InQuery { of, query, is_not }, 1));
    }
    let open = parser.advance().span;
    parser.report(Diagnostic::error(open.clone(), "a list stands in brackets").help("write `in [\"a\", \"b\"]`"));
    let (list, height) = elements(parser, ")", open)?;
    Ok((Node::In { of, list, is_not }, height))
}

/// Whether the parenthesis that comes next opens a query and not a list.
fn opens_query(parser: &Parser<'_>) -> bool {
    let inner = parser.second();
    let Kind::Word(word) = inner.kind else { return false };
    let behind = parser.token_behind(inner.span.end);
    let is_name = matches!(behind.kind, Kind::Sign("," | ")"));
    word.eq_ignore_ascii_case("source") || (command::find(&word).is_some() && !is_name)
}

/// Expressions between commas, up to the sign that closes them, and the greatest height.
fn elements(parser: &mut Parser<'_>, close: &str, open: Span) -> Parsed<(Vec<Expr>, usize)> {
    let mut all = Vec::new();
    let mut height = 0;
    if parser.eat_sign(close) {
        return Ok((all, height));
    }
    loop {
        let element = if parser.is_sign("*") && matches!(parser.second().kind, Kind::Sign("," | ")")) {
            Tree::leaf(Node::Star, parser.advance().span)
        } else {
            tree(parser, Level::Or)?
        };
        height = height.max(element.height);
        all.push(element.expr);
        if !parser.eat_sign(",") {
            break;
        }
    }
    parser.close(close, open)?;
    Ok((all, height))
}

/// An operand and the operators before it.
fn prefix(parser: &mut Parser<'_>) -> Parsed<Tree> {
    let start = parser.peek().span.start;
    let (unary, level) = if parser.is_sign("-") {
        (Unary::Negative, Level::Negative)
    } else if parser.is_sign("!") || parser.is_word("not") {
        (Unary::Not, Level::Not)
    } else {
        return postfix(parser);
    };
    parser.advance();
    let inner = tree(parser, level)?;
    let span = parser.since(start);
    Ok(match (unary, inner.expr.node) {
        (Unary::Negative, Node::Number(n)) => Tree::leaf(Node::Number(-n), span),
        (_, node) => {
            let inner_expr = Box::new(Expr { node, span: inner.expr.span });
            Tree { expr: Expr { node: Node::Unary(unary, inner_expr), span }, height: inner.height + 1 }
        }
    })
}

/// An operand and the `.name` and `[i]` behind it.
fn postfix(parser: &mut Parser<'_>) -> Parsed<Tree> {
    let mut tree = primary(parser)?;
    let start = tree.expr.span.start;
    loop {
        let node = if parser.is_sign(".") && may_have_members(&tree.expr) {
            parser.advance();
            Node::Member(Box::new(tree.expr), parser.member()?)
        } else if parser.is_sign("[") {
            let open = parser.advance().span;
            let index = self::tree(parser, Level::Or)?;
            parser.close("]", open)?;
            tree.height = tree.height.max(index.height);
            Node::Index(Box::new(tree.expr), Box::new(index.expr))
        } else {
            return Ok(tree);
        };
        tree = Tree { expr: Expr { node, span: parser.since(start) }, height: tree.height + 1 };
        if tree.height > DEPTH_MAX {
            return Err(too_deep(tree.expr.span));
        }
    }
}

/// A name takes its dots itself, and a literal has no parts.
fn may_have_members(expr: &Expr) -> bool {
    matches!(expr.node, Node::Call(..) | Node::Member(..) | Node::Index(..))
}

fn primary(parser: &mut Parser<'_>) -> Parsed<Tree> {
    if parser.is_sign("/") {
        parser.reread_as_regex();
    }
    let span = parser.peek().span.clone();
    let node = match &parser.peek().kind {
        Kind::Word(word) => return named(parser, word.clone()),
        Kind::Quoted(name) => Node::Field(name.clone()),
        Kind::Number(n) => Node::Number(*n),
        Kind::Duration(duration) => Node::Duration(*duration),
        Kind::String(text) => Node::String(text.clone()),
        Kind::Regex(regex) => {
            let node = Node::Regex(regex.clone());
            regex::check(parser.text_at(&span), span.start)?;
            node
        }
        Kind::Odd => return Err(odd(parser)),
        Kind::Sign("(") => return parenthesis(parser),
        Kind::Sign("[") => {
            let open = parser.advance().span;
            let (list, height) = elements(parser, "]", open)?;
            let expr = Expr { node: Node::List(list), span: parser.since(span.start) };
            return Ok(Tree { expr, height: height + 1 });
        }
        Kind::Sign(".") => return Err(parser.unexpected("an expression").help("a number has a digit before its dot")),
        Kind::Sign("*") => return Err(parser.unexpected("an expression").help("every row is counted by `count(*)`")),
        _ => return Err(mistake::in_expression(parser, "an expression")),
    };
    if let Node::Number(n) = &node
        && *n > EXACT_MAX
    {
        let message = "whole numbers are exact up to 9007199254740992 only";
        parser.report(Diagnostic::warning(span.clone(), message).help("quotes around it make it a text"));
    }
    parser.advance();
    Ok(Tree::leaf(node, span))
}

/// A number with something behind it.
fn odd(parser: &Parser<'_>) -> Diagnostic {
    let token = parser.peek();
    let message = format!("`{}` is no number and no length of time", parser.shown());
    let help = "the units are ms, s, m, h, d, w, mo, q and y; a text stands in quotes, an odd name in backticks";
    Diagnostic::error(token.span.clone(), message).help(help)
}

fn parenthesis(parser: &mut Parser<'_>) -> Parsed<Tree> {
    let open = parser.advance().span;
    let mut inner = tree(parser, Level::Or)?;
    parser.close(")", open.clone())?;
    inner.expr.span = parser.since(open.start);
    Ok(inner)
}

/// What begins with a plain name: a call, a literal or a field.
fn named(parser: &mut Parser<'_>, word: String) -> Parsed<Tree> {
    let span = parser.peek().span.clone();
    let is_call = parser.second().kind == Kind::Sign("(");
    match word.to_ascii_lowercase().as_str() {
        "and" | "or" | "in" | "like" | "as" | "by" => return Err(parser.unexpected("an expression")),
        "null" | "none" | "nil" if !is_call => {
            let help = "whether a field is there is `ispresent(field)`, or `not ispresent(field)`; a field of that name stands in backticks";
            return Err(Diagnostic::error(span, format!("there is no `{word}` to compare with")).help(help));
        }
        literal @ ("true" | "false") if !is_call => {
            parser.advance();
            return Ok(Tree::leaf(Node::Boolean(literal == "true"), span));
        }
        _ => {}
    }
    parser.advance();
    if is_call { call(parser, Name { name: word, span }) } else { Ok(Tree::leaf(Node::Field(word), span)) }
}

fn call(parser: &mut Parser<'_>, name: Name) -> Parsed<Tree> {
    let open = parser.advance().span;
    if parser.is_word("distinct") && !matches!(parser.second().kind, Kind::Sign(_)) {
        let message = format!("`{}` does not take `distinct`", clipped(&name.name));
        let help = "distinct values are counted by `count_distinct(field)`";
        return Err(Diagnostic::error(parser.peek().span.clone(), message).help(help));
    }
    let start = name.span.start;
    let (args, height) = elements(parser, ")", open)?;
    let expr = Expr { node: Node::Call(name, args), span: parser.since(start) };
    Ok(Tree { expr, height: height + 1 })
}
