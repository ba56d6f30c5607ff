//! The canonical text of a predicate: what a person reads when asking what a rule, a filter or a pattern really means.

use std::fmt::{self, Display, Formatter};

use crate::pattern::{Case, Pattern, Piece};
use crate::predicate::{Predicate, Relation};
use crate::test::{Number, Order, Test, TimePart};

/// Nested parts are indented by two blanks, one part a line.
impl Display for Predicate {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        print(self, 0, f)
    }
}

fn print(predicate: &Predicate, depth: usize, f: &mut Formatter<'_>) -> fmt::Result {
    let pad = "  ".repeat(depth);
    match predicate {
        Predicate::All(parts) => block("all", parts, depth, f),
        Predicate::Any(parts) => block("any", parts, depth, f),
        Predicate::Not(inner) => block("not", std::slice::from_ref(inner), depth, f),
        Predicate::Field(path, test) => write!(f, "{pad}{path} {test}"),
        Predicate::Compare(left, relation, right) => write!(f, "{pad}{left} {relation} {right}"),
        Predicate::Same(path, inner) => block(&format!("same {path}"), std::slice::from_ref(inner), depth, f),
        Predicate::AnyString(pattern) => write!(f, "{pad}any string {pattern}"),
        Predicate::Raw(pattern) => write!(f, "{pad}raw {pattern}"),
    }
}

fn block(
    word: &str,
    parts: &[impl std::borrow::Borrow<Predicate>],
    depth: usize,
    f: &mut Formatter<'_>,
) -> fmt::Result {
    let pad = "  ".repeat(depth);
    if parts.is_empty() {
        return write!(f, "{pad}{word} {{}}");
    }
    writeln!(f, "{pad}{word} {{")?;
    for part in parts {
        print(part.borrow(), depth + 1, f)?;
        writeln!(f)?;
    }
    write!(f, "{pad}}}")
}

impl Display for Test {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Test::Exists => f.write_str("exists"),
            Test::Null => f.write_str("is null"),
            Test::String => f.write_str("is a string"),
            Test::Text(pattern) => write!(f, "{pattern}"),
            Test::Regex(regex) => write!(f, "~ /{}/", regex.as_str().replace('/', "\\/")),
            Test::Cidr(cidr) => write!(f, "in {cidr}"),
            Test::Number(order, number) => write!(f, "{order} {number}"),
            Test::TimePart(part, n) => write!(f, "{part} = {n}"),
        }
    }
}

/// `= "text"` where it is one text, else `like "a*b?"`; an `i` behind it where letter case does not count.
impl Display for Pattern {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let mut text = String::new();
        for piece in self.pieces() {
            match piece {
                Piece::Text(literal) if self.as_exact().is_some() => text.push_str(literal),
                Piece::Text(literal) => {
                    text.push_str(&literal.replace('\\', "\\\\").replace('*', "\\*").replace('?', "\\?"));
                }
                Piece::Run => text.push('*'),
                Piece::One => text.push('?'),
            }
        }
        let word = if self.as_exact().is_some() { "=" } else { "like" };
        let flag = if self.case() == Case::Insensitive { "i" } else { "" };
        let mut quoted = String::new();
        event::value::write_string(&text, &mut quoted);
        write!(f, "{word} {quoted}{flag}")
    }
}

impl Display for Order {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Order::Equal => "==",
            Order::Less => "<",
            Order::AtMost => "<=",
            Order::Greater => ">",
            Order::AtLeast => ">=",
        })
    }
}

impl Display for Number {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Number::Whole(n) => write!(f, "{n}"),
            Number::Float(n) => write!(f, "{n}"),
        }
    }
}

impl Display for TimePart {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            TimePart::Minute => "minute",
            TimePart::Hour => "hour",
            TimePart::Day => "day",
            TimePart::Week => "week",
            TimePart::Month => "month",
            TimePart::Year => "year",
        })
    }
}

impl Display for Relation {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let (word, case) = match self {
            Relation::Equal(case) => ("=", case),
            Relation::Contains(case) => ("contains", case),
            Relation::StartsWith(case) => ("starts with", case),
            Relation::EndsWith(case) => ("ends with", case),
            Relation::Number(order) => return write!(f, "{order}"),
        };
        write!(f, "{word}{}", if *case == Case::Insensitive { "i" } else { "" })
    }
}
