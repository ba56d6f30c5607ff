//! What rules about CloudTrail ask for again and again, as predicates.
//!
//! `skywarden.by_service` and `skywarden.failed` are in nearly every rule. As predicates over native fields they cost a look at a few values;
//! worked out of the whole record they would cost a parse.

use std::sync::OnceLock;

use event::path::Path;
use predicate::pattern::{Case, Pattern, Piece};
use predicate::predicate::{Predicate, Term};
use predicate::test::{Regex, Test};

fn field(path: &str, pattern: Pattern) -> Predicate {
    Predicate::Field(Path::plain(path), Test::Text(pattern))
}

fn is(path: &str, text: &str) -> Predicate {
    field(path, Pattern::exact(text, Case::Sensitive))
}

fn ends(path: &str, text: &str) -> Predicate {
    field(path, Pattern::exact(text, Case::Sensitive).after_anything())
}

fn starts(path: &str, text: &str) -> Predicate {
    field(path, Pattern::exact(text, Case::Sensitive).before_anything())
}

/// Whether an AWS service made the call, for itself or for somebody.
///
/// The console calls from AWS addresses with the credentials of the person who sits before it; that is no service.
pub fn by_service() -> &'static Predicate {
    static PREDICATE: OnceLock<Predicate> = OnceLock::new();
    PREDICATE.get_or_init(|| {
        let address =
            Predicate::Any(vec![ends("sourceIPAddress", ".amazonaws.com"), starts("sourceIPAddress", "AWS Internal")]);
        let invoked = Predicate::Field(
            Path::plain("userIdentity.invokedBy"),
            Test::Text(Pattern::new([Piece::Run], Case::Sensitive)),
        );
        let person = Predicate::All(vec![is("sessionCredentialFromConsole", "true"), invoked.negate()]);
        Predicate::Any(vec![
            is("userIdentity.type", "AWSService"),
            ends("userIdentity.invokedBy", "amazonaws.com"),
            is("userIdentity.invokedBy", "AWS Internal"),
            Predicate::All(vec![address, person.negate()]),
        ])
    })
}

/// Whether the call was refused or went wrong; a refused console sign-in says so in its answer only.
///
/// AWS writes an error code as a text and only where there was an error, so anything else under its name is none.
pub fn failed() -> &'static Predicate {
    static PREDICATE: OnceLock<Predicate> = OnceLock::new();
    PREDICATE.get_or_init(|| {
        let code = |test| Predicate::Field(Path::plain("errorCode"), test);
        let blank = Regex::new(r"^\s*$").expect("a constant");
        let has_code = Predicate::All(vec![code(Test::String), code(Test::Regex(blank)).negate()]);
        Predicate::Any(vec![has_code, is("responseElements.ConsoleLogin", "Failure")])
    })
}

/// The terms by the name under which rules know them.
pub const TERMS: &[Term] = &[("skywarden.by_service", by_service), ("skywarden.failed", failed)];
