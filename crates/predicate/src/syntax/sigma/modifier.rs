//! The modifiers behind a field name: `field|contains|all`.

use std::ops::Range;

use crate::pattern::Case;
use crate::predicate::Relation;
use crate::test::{Order, TimePart};
use crate::yaml::Node;

use super::context::Context;

/// Every modifier.
const NAMES: [&str; 34] = [
    "contains",
    "startswith",
    "endswith",
    "all",
    "cased",
    "exists",
    "neq",
    "re",
    "i",
    "m",
    "s",
    "ignorecase",
    "multiline",
    "dotall",
    "cidr",
    "gt",
    "gte",
    "lt",
    "lte",
    "minute",
    "hour",
    "day",
    "week",
    "month",
    "year",
    "fieldref",
    "base64",
    "base64offset",
    "utf16le",
    "wide",
    "utf16be",
    "utf16",
    "windash",
    "expand",
];

/// A field and what is asked of its values.
pub(super) struct Key {
    /// Empty for keywords.
    pub(super) field: String,
    pub(super) modifiers: Modifiers,
}

/// What is asked of a field's values.
#[derive(Default)]
pub(super) struct Modifiers {
    /// In the order in which they are applied.
    pub(super) transforms: Vec<Transform>,
    pub(super) test: Kind,
    pub(super) case: Option<Case>,
    /// Whether all values must match, and not one.
    pub(super) all: bool,
    pub(super) neq: bool,
    /// Each as it is written and where.
    written: Vec<(String, Range<usize>)>,
}

/// A change of the value before it is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Transform {
    Expand,
    Windash,
    Utf16Le,
    Utf16Be,
    Utf16,
    Base64,
    Base64Offset,
}

/// How a value is compared.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub(super) enum Kind {
    #[default]
    Whole,
    Contains,
    StartsWith,
    EndsWith,
    /// With its flags.
    Regex(String),
    Cidr,
    Number(Order),
    TimePart(TimePart),
    /// `fieldref`, and which part of the other field's text.
    Field(Part),
    Exists,
}

/// Which part of a text another field's text must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(super) enum Part {
    #[default]
    Whole,
    Somewhere,
    Start,
    End,
}

impl Part {
    pub(super) fn relation(self, case: Case) -> Relation {
        match self {
            Part::Whole => Relation::Equal(case),
            Part::Somewhere => Relation::Contains(case),
            Part::Start => Relation::StartsWith(case),
            Part::End => Relation::EndsWith(case),
        }
    }
}

impl Modifiers {
    pub(super) fn case(&self) -> Case {
        self.case.unwrap_or(Case::Insensitive)
    }

    /// Where a modifier stands.
    pub(super) fn span(&self, name: &str) -> Option<Range<usize>> {
        self.written.iter().find(|(have, _)| have == name).map(|(_, span)| span.clone())
    }

    /// The modifiers as written, for messages.
    pub(super) fn names(&self) -> String {
        self.written.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join("|")
    }

    pub(super) fn has(&self, transform: Transform) -> bool {
        self.transforms.contains(&transform)
    }
}

/// Splits a key of a detection into field and modifiers. Nothing when a modifier is wrong; it has been told then.
pub(super) fn read(key: &Node, ctx: &mut Context<'_>) -> Option<Key> {
    let text = key.text().unwrap_or_default().to_owned();
    let mut parts = text.split('|');
    let field = parts.next().unwrap_or_default().to_owned();
    let mut at = field.len();
    let mut modifiers = Modifiers::default();
    for name in parts {
        let span = key.locate(ctx.text, at + 1..at + 1 + name.len());
        at += 1 + name.len();
        if let Err(mistake) = modifiers.add(name, &span) {
            mistake.tell(name, span, ctx);
            return None;
        }
    }
    if let Err((name, mistake)) = modifiers.check() {
        let span = modifiers.span(name).unwrap_or(key.span.clone());
        mistake.tell(name, span, ctx);
        return None;
    }
    Some(Key { field, modifiers })
}

/// Why a modifier cannot stand where it stands.
enum Mistake {
    Unknown,
    Twice,
    NotFirst,
    NotAfterRegex,
    /// It cannot be combined with this other.
    With(String),
    NeedsBase64,
}

impl Mistake {
    fn tell(self, name: &str, span: Range<usize>, ctx: &mut Context<'_>) {
        let (message, label, help) = match self {
            Mistake::Unknown => return unknown(name, span, ctx),
            Mistake::Twice => (format!("modifier `{name}` is given twice"), "", None),
            Mistake::NotFirst => (
                format!("modifier `{name}` must come first"),
                "other modifiers cannot change its value",
                Some(format!("write `field|{name}`")),
            ),
            Mistake::NotAfterRegex => (
                format!("modifier `{name}` is a flag of `re`"),
                "not behind `re`",
                Some(format!("write `field|re|{name}`")),
            ),
            Mistake::With(other) => {
                (format!("modifiers `{other}` and `{name}` cannot be combined"), "", advice(&other, name))
            }
            Mistake::NeedsBase64 => (
                format!("modifier `{name}` needs `base64` or `base64offset` behind it"),
                "",
                Some(format!("write `field|{name}|base64offset|contains`")),
            ),
        };
        let diagnostic = ctx.error(span, message);
        diagnostic.label = label.to_owned();
        diagnostic.help = help;
    }
}

fn advice(other: &str, name: &str) -> Option<String> {
    match (other, name) {
        ("re", "contains" | "startswith" | "endswith") | ("contains" | "startswith" | "endswith", "re") => {
            Some("a regular expression is searched anywhere; bind it with `^` and `$`".to_owned())
        }
        ("re", "cased") => Some("`re` regards letter case already".to_owned()),
        ("startswith", "endswith") | ("endswith", "startswith") => {
            Some("write one value with `*` in the middle".to_owned())
        }
        ("minute" | "hour" | "day" | "week" | "month" | "year", "gt" | "gte" | "lt" | "lte") => {
            Some(format!("list the values of `{other}`"))
        }
        _ => None,
    }
}

fn unknown(name: &str, span: Range<usize>, ctx: &mut Context<'_>) {
    let meant = match name.to_ascii_lowercase().as_str() {
        "equals" | "eq" => Some("leave it out: a value is compared as a whole".to_owned()),
        "regex" | "regexp" => Some("did you mean `re`?".to_owned()),
        "wildcard" | "like" => Some("leave it out: `*` and `?` work in every plain value".to_owned()),
        "" => Some("nothing stands behind the `|`".to_owned()),
        other => ctx.meant(other, NAMES),
    };
    let diagnostic = ctx.error(span, format!("no such modifier: `{name}`"));
    match meant {
        Some(meant) => diagnostic.label = meant,
        None => diagnostic.help = Some(format!("the modifiers are {}", NAMES.join(", "))),
    }
}

impl Modifiers {
    fn add(&mut self, name: &str, span: &Range<usize>) -> Result<(), Mistake> {
        if self.written.iter().any(|(have, _)| have == name) {
            return Err(Mistake::Twice);
        }
        let is_first = self.written.is_empty();
        self.written.push((name.to_owned(), span.clone()));
        match name {
            "all" => self.all = true,
            "neq" => self.neq = true,
            "cased" => self.case = Some(Case::Sensitive),
            "i" | "ignorecase" => return self.flag('i'),
            "m" | "multiline" => return self.flag('m'),
            "s" | "dotall" => return self.flag('s'),
            "re" | "cidr" if !is_first => {
                // Two ways of comparing are the plainer mistake to name.
                return Err(self.written.iter().map(|(have, _)| have).find(|have| kind(have).is_some()).map_or(
                    Mistake::NotFirst,
                    |other| {
                        if other == name { Mistake::NotFirst } else { Mistake::With(other.clone()) }
                    },
                ));
            }
            "expand" => self.transforms.push(Transform::Expand),
            "windash" => self.transforms.push(Transform::Windash),
            "utf16le" | "wide" => self.transforms.push(Transform::Utf16Le),
            "utf16be" => self.transforms.push(Transform::Utf16Be),
            "utf16" => self.transforms.push(Transform::Utf16),
            "base64" => self.transforms.push(Transform::Base64),
            "base64offset" => self.transforms.push(Transform::Base64Offset),
            _ => {
                let kind = kind(name).ok_or(Mistake::Unknown)?;
                self.compare_by(kind)?;
            }
        }
        Ok(())
    }

    fn flag(&mut self, flag: char) -> Result<(), Mistake> {
        let Kind::Regex(flags) = &mut self.test else { return Err(Mistake::NotAfterRegex) };
        if flags.contains(flag) {
            return Err(Mistake::Twice);
        }
        flags.push(flag);
        Ok(())
    }

    /// Sets how values are compared; `fieldref` and a part of the text are one way together.
    fn compare_by(&mut self, kind: Kind) -> Result<(), Mistake> {
        let joined = match (&self.test, &kind) {
            (Kind::Whole, _) => Some(kind),
            (Kind::Field(Part::Whole), part) => part.as_part().map(Kind::Field),
            (part, Kind::Field(_)) => part.as_part().map(Kind::Field),
            _ => None,
        };
        match joined {
            Some(joined) => {
                self.test = joined;
                Ok(())
            }
            None => Err(Mistake::With(self.comparison().to_owned())),
        }
    }

    /// The modifier that said how values are compared.
    fn comparison(&self) -> &str {
        self.written.iter().map(|(name, _)| name.as_str()).find(|name| kind(name).is_some()).unwrap_or_default()
    }

    /// What only shows when all are known: which modifier is wrong, and why.
    fn check(&self) -> Result<(), (&'static str, Mistake)> {
        let compares_text = matches!(self.test, Kind::Whole | Kind::Contains | Kind::StartsWith | Kind::EndsWith);
        let with = || Mistake::With(self.comparison().to_owned());
        if self.case.is_some() && !(compares_text || matches!(self.test, Kind::Field(_))) {
            return Err(("cased", with()));
        }
        if self.test == Kind::Exists && (self.all || self.neq) {
            return Err((if self.all { "all" } else { "neq" }, with()));
        }
        let expands = compares_text || self.test == Kind::Cidr;
        for (name, _) in &self.written {
            if let Some((name, transform)) = TRANSFORMS.iter().find(|(have, _)| have == name) {
                let allowed = if *transform == Transform::Expand { expands } else { compares_text };
                if !allowed {
                    return Err((name, with()));
                }
            }
        }
        self.check_encodings()
    }

    /// UTF-16 is bytes, and only base64 makes a text of them; base64 in turn is the last change.
    fn check_encodings(&self) -> Result<(), (&'static str, Mistake)> {
        let is_wide = |t: Transform| matches!(t, Transform::Utf16 | Transform::Utf16Le | Transform::Utf16Be);
        let is_base64 = |t: Transform| matches!(t, Transform::Base64 | Transform::Base64Offset);
        for (at, transform) in self.transforms.iter().enumerate() {
            let next = self.transforms.get(at + 1);
            if is_wide(*transform) && !next.is_some_and(|next| is_base64(*next)) {
                return Err((self.name_of(*transform), Mistake::NeedsBase64));
            }
            if is_base64(*transform)
                && let Some(next) = next
            {
                return Err((self.name_of(*next), Mistake::With(self.name_of(*transform).to_owned())));
            }
        }
        Ok(())
    }

    fn name_of(&self, transform: Transform) -> &'static str {
        let mut names = TRANSFORMS.iter().filter(|(_, have)| *have == transform).map(|(name, _)| *name);
        names.find(|name| self.span(name).is_some()).unwrap_or_default()
    }
}

const TRANSFORMS: [(&str, Transform); 8] = [
    ("expand", Transform::Expand),
    ("windash", Transform::Windash),
    ("utf16le", Transform::Utf16Le),
    ("wide", Transform::Utf16Le),
    ("utf16be", Transform::Utf16Be),
    ("utf16", Transform::Utf16),
    ("base64", Transform::Base64),
    ("base64offset", Transform::Base64Offset),
];

/// The modifiers that say how values are compared.
fn kind(name: &str) -> Option<Kind> {
    Some(match name {
        "contains" => Kind::Contains,
        "startswith" => Kind::StartsWith,
        "endswith" => Kind::EndsWith,
        "re" => Kind::Regex(String::new()),
        "cidr" => Kind::Cidr,
        "gt" => Kind::Number(Order::Greater),
        "gte" => Kind::Number(Order::AtLeast),
        "lt" => Kind::Number(Order::Less),
        "lte" => Kind::Number(Order::AtMost),
        "minute" => Kind::TimePart(TimePart::Minute),
        "hour" => Kind::TimePart(TimePart::Hour),
        "day" => Kind::TimePart(TimePart::Day),
        "week" => Kind::TimePart(TimePart::Week),
        "month" => Kind::TimePart(TimePart::Month),
        "year" => Kind::TimePart(TimePart::Year),
        "fieldref" => Kind::Field(Part::Whole),
        "exists" => Kind::Exists,
        _ => return None,
    })
}

impl Kind {
    fn as_part(&self) -> Option<Part> {
        match self {
            Kind::Contains => Some(Part::Somewhere),
            Kind::StartsWith => Some(Part::Start),
            Kind::EndsWith => Some(Part::End),
            _ => None,
        }
    }
}
