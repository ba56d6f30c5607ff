//! One line of a detection: `field|modifiers: value`, lowered.

use event::path::Path;

use crate::pattern::{Case, PATTERN_BYTES_MAX, Pattern};
use crate::predicate::Predicate;
use crate::test::{Cidr, Order, Regex, Test};
use crate::yaml::{Node, Yaml};

use super::context::{Context, test_cost};
use super::modifier::{self, Kind, Modifiers, Part, Transform};
use super::value::{self, Mistake, Pieces};

/// Lowers a field with its values. Nothing when something is wrong; it has been told then.
pub(super) fn lower(key: &Node, values: &Node, ctx: &mut Context<'_>) -> Option<Predicate> {
    let key_read = modifier::read(key, ctx)?;
    let modifiers = &key_read.modifiers;
    if key_read.field.is_empty() {
        return keywords(key, modifiers, values, ctx);
    }
    if modifiers.has(Transform::Base64Offset) && modifiers.test == Kind::Whole {
        let span = modifiers.span("base64offset").unwrap_or(key.span.clone());
        ctx.warning(span, "`base64offset` without `contains` seldom matches").help =
            Some("the encoded value is a part of a longer text; add `|contains`".to_owned());
    }
    let mut parts = Vec::new();
    for node in list(values, ctx)? {
        parts.push(one(&key_read.field, modifiers, node, ctx)?);
    }
    Some(join(parts, modifiers))
}

/// Keywords: texts that occur anywhere.
pub(super) fn keywords(key: &Node, modifiers: &Modifiers, values: &Node, ctx: &mut Context<'_>) -> Option<Predicate> {
    if !matches!(modifiers.test, Kind::Whole | Kind::Contains) {
        let message = format!("keywords cannot be compared by `{}`", modifiers.names());
        ctx.error(key.span.clone(), message).help = Some("write the field before the `|`".to_owned());
        return None;
    }
    let mut parts = Vec::new();
    for node in list(values, ctx)? {
        parts.push(keyword(modifiers, node, ctx)?);
    }
    Some(join(parts, modifiers))
}

/// One text that occurs anywhere.
pub(super) fn keyword(modifiers: &Modifiers, node: &Node, ctx: &mut Context<'_>) -> Option<Predicate> {
    let Some(text) = node.text() else {
        ctx.wrong_kind("a keyword", "a text or number", node);
        return None;
    };
    let variants = variants(text, modifiers, node, ctx)?;
    let mut found = Vec::new();
    for pieces in variants {
        let whole = pattern(pieces, modifiers.case(), node, ctx)?;
        found.push(Predicate::AnyString(whole.after_anything().before_anything()));
    }
    Some(Predicate::any(found))
}

fn join(parts: Vec<Predicate>, modifiers: &Modifiers) -> Predicate {
    let joined = if modifiers.all { Predicate::all(parts) } else { Predicate::any(parts) };
    if modifiers.neq { joined.negate() } else { joined }
}

/// The values as a list; an empty one would make the line true or false whatever happens, which nobody means.
fn list<'n>(values: &'n Node, ctx: &mut Context<'_>) -> Option<&'n [Node]> {
    match &values.value {
        Yaml::Seq(items) if items.is_empty() => {
            ctx.error(values.span.clone(), "the list of values is empty");
            None
        }
        Yaml::Seq(items) => Some(items),
        Yaml::Map(_) => {
            ctx.wrong_kind("a value", "a text, a number, a boolean, null or a list of them", values).help =
                Some("a field inside another is written with a dot: `outer.inner`".to_owned());
            None
        }
        _ => Some(std::slice::from_ref(values)),
    }
}

fn one(field: &str, modifiers: &Modifiers, node: &Node, ctx: &mut Context<'_>) -> Option<Predicate> {
    if let Yaml::Seq(_) | Yaml::Map(_) = node.value {
        ctx.wrong_kind("a value in a list", "a text, a number, a boolean or null", node);
        return None;
    }
    let n_bytes = field.len() + node.text().map_or(0, str::len);
    if !ctx.afford(test_cost(n_bytes), &node.span) {
        return None;
    }
    match &modifiers.test {
        Kind::Whole if modifiers.transforms.is_empty() => plain(field, modifiers.case(), node, ctx),
        Kind::Whole | Kind::Contains | Kind::StartsWith | Kind::EndsWith => text(field, modifiers, node, ctx),
        Kind::Regex(flags) => regex(field, flags, node, ctx),
        Kind::Cidr => cidr(field, modifiers, node, ctx),
        Kind::Number(order) => number(field, *order, node, ctx),
        Kind::TimePart(_) => time_part(field, modifiers, node, ctx),
        Kind::Field(part) => field_reference(field, *part, modifiers.case(), node, ctx),
        Kind::Exists => exists(field, node, ctx),
    }
}

/// A value without modifiers that change it: what it is decides how it is compared.
fn plain(field: &str, case: Case, node: &Node, ctx: &mut Context<'_>) -> Option<Predicate> {
    if node.is_null() {
        return Some(missing(field));
    }
    let test = match (&node.value, node.number()) {
        (Yaml::Int(_) | Yaml::Float(_), Some(number)) => Test::Number(Order::Equal, number),
        (Yaml::Bool(_), _) => Test::Text(Pattern::exact(node.text()?, Case::Insensitive)),
        (Yaml::String(text), _) => Test::Text(pattern(value::pieces(text), case, node, ctx)?),
        // Infinite, or not a number at all.
        _ => Test::Text(Pattern::exact(node.text()?, case)),
    };
    Some(Predicate::Field(Path::visiting(field), test))
}

/// The pattern of a value, if it is not too long; if it is, that is told.
fn pattern(pieces: Pieces, case: Case, node: &Node, ctx: &mut Context<'_>) -> Option<Pattern> {
    let pattern = Pattern::new(pieces, case);
    if pattern.n_bytes() <= PATTERN_BYTES_MAX {
        return Some(pattern);
    }
    let diagnostic = ctx.error(node.span.clone(), "value is too long");
    diagnostic.label = format!("{} bytes once its modifiers are applied", pattern.n_bytes());
    diagnostic.help =
        Some(format!("at most {PATTERN_BYTES_MAX} are compared: write the part that tells it from other values"));
    None
}

/// The field is not there, or null. An empty array is neither.
fn missing(field: &str) -> Predicate {
    Predicate::any(vec![
        Predicate::Field(Path::reaching(field), Test::Exists).negate(),
        Predicate::Field(Path::visiting(field), Test::Null),
    ])
}

fn text(field: &str, modifiers: &Modifiers, node: &Node, ctx: &mut Context<'_>) -> Option<Predicate> {
    let Some(text) = node.text() else {
        let names = modifiers.names();
        ctx.wrong_kind(&format!("the value of `{names}`"), "a text", node);
        return None;
    };
    let variants = variants(text, modifiers, node, ctx)?;
    let mut tests = Vec::new();
    for pieces in variants {
        let whole = pattern(pieces, modifiers.case(), node, ctx)?;
        let pattern = match modifiers.test {
            Kind::Contains => whole.after_anything().before_anything(),
            Kind::StartsWith => whole.before_anything(),
            Kind::EndsWith => whole.after_anything(),
            _ => whole,
        };
        tests.push(Predicate::Field(Path::visiting(field), Test::Text(pattern)));
    }
    Some(Predicate::any(tests))
}

/// The value with its modifiers applied; what cannot be is told.
fn variants(text: &str, modifiers: &Modifiers, node: &Node, ctx: &mut Context<'_>) -> Option<Vec<Pieces>> {
    match value::variants(text, &modifiers.transforms, &ctx.options.placeholders) {
        Ok(variants) => {
            let cost = variants.len().saturating_mul(test_cost(text.len()));
            ctx.afford(cost, &node.span).then_some(variants)
        }
        Err(mistake) => {
            tell(mistake, modifiers, node, ctx);
            None
        }
    }
}

fn tell(mistake: Mistake, modifiers: &Modifiers, node: &Node, ctx: &mut Context<'_>) {
    let span = node.span.clone();
    match mistake {
        Mistake::NoPlaceholder(name) => {
            let label = ctx.meant(&name, ctx.options.placeholders.keys().map(String::as_str)).unwrap_or_default();
            let diagnostic = ctx.error(span, format!("no values are configured for the placeholder `%{name}%`"));
            diagnostic.label = label;
            diagnostic.help = Some("configure a list of this name; write `\\%` for a plain percent sign".to_owned());
        }
        Mistake::WildcardInEncoding => {
            let diagnostic = ctx.error(span, format!("a value of `{}` cannot hold wildcards", modifiers.names()));
            diagnostic.help = Some("write `\\*` and `\\?` for the characters themselves".to_owned());
        }
        Mistake::TooMany => {
            let label = format!("more than {} as `{}` multiplies them", value::VARIANTS_MAX, modifiers.names());
            ctx.error(span, "the value has too many variants").label = label;
        }
    }
}

fn regex(field: &str, flags: &str, node: &Node, ctx: &mut Context<'_>) -> Option<Predicate> {
    let Some(text) = node.text() else {
        ctx.wrong_kind("the value of `re`", "a text", node);
        return None;
    };
    if !ctx.afford_regex(&node.span) {
        return None;
    }
    let flagged = if flags.is_empty() { text.to_owned() } else { format!("(?{flags}){text}") };
    match Regex::new(&flagged) {
        Ok(regex) => Some(Predicate::Field(Path::visiting(field), Test::Regex(regex))),
        Err(err) => {
            bad_regex(text, &err, node, ctx);
            None
        }
    }
}

/// What of Perl's regular expressions the engine lacks, since its run time is bounded, and what to write instead.
const NOT_REGULAR: [(&str, &str, &str); 5] = [
    ("(?=", "look-ahead", "match what follows, or add a second selection to the condition"),
    ("(?!", "negative look-ahead", "exclude it with a second selection and `not` in the condition"),
    ("(?<=", "look-behind", "match what comes before, or add a second selection to the condition"),
    ("(?<!", "negative look-behind", "exclude it with a second selection and `not` in the condition"),
    ("(?>", "an atomic group", "write a plain group: matching never goes back here"),
];

fn bad_regex(text: &str, err: &regex::Error, node: &Node, ctx: &mut Context<'_>) {
    if let Some((at, length, what, help)) = not_regular(text) {
        let span = node.locate(ctx.text, at..at + length);
        let diagnostic = ctx.error(span, "regular expression is not supported");
        diagnostic.label = format!("this is {what}");
        diagnostic.help = Some(help.to_owned());
        return;
    }
    let label = match err {
        regex::Error::CompiledTooBig(_) => "too large once compiled".to_owned(),
        // The engine draws its own picture; its last line says what is wrong.
        other => other.to_string().lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned(),
    };
    ctx.error(node.span.clone(), "not a valid regular expression").label = label;
}

fn not_regular(text: &str) -> Option<(usize, usize, &'static str, &'static str)> {
    let mut rest = text.char_indices().peekable();
    while let Some((at, c)) = rest.next() {
        if c == '\\' {
            if rest.next().is_some_and(|(_, next)| ('1'..='9').contains(&next)) {
                return Some((
                    at,
                    2,
                    "a backreference",
                    "name the repeated text, or compare two fields with `fieldref`",
                ));
            }
        } else if c == '('
            && let Some((opens, what, help)) = NOT_REGULAR.iter().find(|(opens, ..)| text[at..].starts_with(opens))
        {
            return Some((at, opens.len(), what, help));
        }
    }
    None
}

fn cidr(field: &str, modifiers: &Modifiers, node: &Node, ctx: &mut Context<'_>) -> Option<Predicate> {
    let Some(text) = node.text() else {
        ctx.wrong_kind("the value of `cidr`", "a network such as 10.0.0.0/8", node);
        return None;
    };
    let texts = match modifiers.has(Transform::Expand) {
        true => value::expand(text, &ctx.options.placeholders)
            .map_err(|mistake| tell(mistake, modifiers, node, ctx))
            .ok()?,
        false => vec![text.to_owned()],
    };
    let mut parts = Vec::new();
    for text in texts {
        let Some(cidr) = Cidr::parse(text.trim()) else {
            ctx.error(node.span.clone(), format!("not a network: `{text}`")).help =
                Some("write it as 10.0.0.0/8 or 2001:db8::/32".to_owned());
            return None;
        };
        parts.push(Predicate::Field(Path::visiting(field), Test::Cidr(cidr)));
    }
    Some(Predicate::any(parts))
}

fn number(field: &str, order: Order, node: &Node, ctx: &mut Context<'_>) -> Option<Predicate> {
    let quoted = || node.text().and_then(crate::test::Number::parse);
    match node.number().or_else(quoted) {
        Some(number) => Some(Predicate::Field(Path::visiting(field), Test::Number(order, number))),
        None => {
            ctx.wrong_kind("a value that is compared by size", "a number", node);
            None
        }
    }
}

fn time_part(field: &str, modifiers: &Modifiers, node: &Node, ctx: &mut Context<'_>) -> Option<Predicate> {
    let Kind::TimePart(part) = modifiers.test else { return None };
    let wanted = node.text().filter(|_| matches!(node.value, Yaml::Int(_))).and_then(|text| text.parse::<i64>().ok());
    if wanted.is_none() {
        ctx.wrong_kind(&format!("a value of `{part}`"), "a whole number", node);
    }
    Some(Predicate::Field(Path::visiting(field), Test::TimePart(part, wanted?)))
}

fn field_reference(field: &str, part: Part, case: Case, node: &Node, ctx: &mut Context<'_>) -> Option<Predicate> {
    let Yaml::String(other) = &node.value else {
        ctx.wrong_kind("the value of `fieldref`", "the name of a field", node);
        return None;
    };
    if other.is_empty() {
        ctx.error(node.span.clone(), "the value of `fieldref` must be the name of a field");
        return None;
    }
    Some(Predicate::Compare(Path::visiting(field), part.relation(case), Path::visiting(other)))
}

fn exists(field: &str, node: &Node, ctx: &mut Context<'_>) -> Option<Predicate> {
    let there = Predicate::Field(Path::reaching(field), Test::Exists);
    match node.value {
        Yaml::Bool(true) => Some(there),
        Yaml::Bool(false) => Some(there.negate()),
        _ => {
            ctx.wrong_kind("the value of `exists`", "true or false", node);
            None
        }
    }
}
