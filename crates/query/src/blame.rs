//! Where in a text of SQL a value could not be worked out: DataFusion says what failed and not where, so every place that may be it is named.

use datafusion::arrow::error::ArrowError;
use datafusion::common::DataFusionError;
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::tokenizer::{Token, Tokenizer};
use predicate::diagnostic::{Diagnostic, clipped};

use crate::insights::ast::Span;
use crate::run::QueryError;
use crate::sql::span_of;

/// More places are not named.
const PLACES_MAX: usize = 5;

/// The error of a query in SQL, at its place if it is about a value.
pub(crate) fn of(err: DataFusionError, text: &str) -> QueryError {
    let DataFusionError::ArrowError(arrow, _) = err.find_root() else { return QueryError::of(err) };
    let (message, help, places) = match arrow.as_ref() {
        ArrowError::CastError(why) | ArrowError::ParseError(why) => {
            let literals = places(text, |token| match token {
                Token::SingleQuotedString(value) => why.contains(&format!("'{value}'")),
                _ => false,
            });
            let casts = || places(text, is_cast);
            let why = why.replacen("Cannot", "cannot", 1).replacen("Error", "error", 1);
            let places = if literals.is_empty() { casts() } else { literals };
            (clipped(&why).into_owned(), "TRY_CAST gives null for what cannot be cast", places)
        }
        ArrowError::DivideByZero => {
            let divisions = places(text, |token| matches!(token, Token::Div | Token::Mod));
            ("something is divided by zero".to_owned(), "divide by NULLIF(…, 0), which gives null", divisions)
        }
        _ => return QueryError::of(err),
    };
    let mut places = places.into_iter().take(PLACES_MAX);
    let Some(first) = places.next() else { return QueryError::of(err) };
    let others = places.map(|span| Diagnostic::error(span, "or it is here".to_owned()));
    QueryError::Text(std::iter::once(Diagnostic::error(first, message).help(help)).chain(others).collect())
}

fn is_cast(token: &Token) -> bool {
    match token {
        Token::DoubleColon => true,
        Token::Word(word) => {
            matches!(word.keyword, Keyword::CAST | Keyword::TIMESTAMP | Keyword::DATE | Keyword::INTERVAL)
                || word.value.eq_ignore_ascii_case("arrow_cast")
        }
        _ => false,
    }
}

/// The places of such tokens.
fn places(text: &str, is_it: impl Fn(&Token) -> bool) -> Vec<Span> {
    // A text that was run has tokens.
    let tokens = Tokenizer::new(&GenericDialect {}, text).tokenize_with_location().unwrap_or_default();
    let found = tokens.iter().filter(|token| is_it(&token.token));
    found.map(|token| span_of(text, token.span.start, token.span.end)).collect()
}
