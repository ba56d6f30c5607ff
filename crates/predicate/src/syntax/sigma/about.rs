//! What a document says about itself: the keys that rules, correlations and filters share.

use crate::yaml::Node;

use super::context::{Context, Keys};
use crate::diagnostic::Diagnostic;

/// Title, authorship and classification.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct About {
    /// One line.
    pub title: String,
    /// A UUID, as a rule.
    pub id: Option<String>,
    /// A unique name by which others refer to it.
    pub name: Option<String>,
    /// How mature it is.
    pub status: Option<Status>,
    /// Some lines.
    pub description: Option<String>,
    /// Who wrote it.
    pub author: Option<String>,
    /// SPDX id.
    pub license: Option<String>,
    /// The field naming it is written for, where that is not Sigma's own.
    pub taxonomy: Option<String>,
    /// Where to read on.
    pub references: Vec<String>,
    /// First written, `YYYY-MM-DD`.
    pub date: Option<String>,
    /// Last changed, `YYYY-MM-DD`.
    pub modified: Option<String>,
    /// `namespace.name`, as written.
    pub tags: Vec<String>,
    /// How bad a hit is.
    pub level: Option<Level>,
    /// When a hit means no harm.
    pub falsepositives: Vec<String>,
    /// Fields worth a look.
    pub fields: Vec<String>,
    /// Whom it is meant for.
    pub scope: Vec<String>,
    /// Other rules.
    pub related: Vec<Related>,
}

/// How bad a hit is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Level {
    /// Worth recording.
    Informational,
    /// Worth a look when there are others.
    Low,
    /// Worth a look.
    Medium,
    /// Needs a look soon.
    High,
    /// Needs a look now.
    Critical,
}

impl Level {
    /// Each with its word in Sigma.
    pub const ALL: [(&'static str, Level); 5] = [
        ("informational", Level::Informational),
        ("low", Level::Low),
        ("medium", Level::Medium),
        ("high", Level::High),
        ("critical", Level::Critical),
    ];
}

/// How mature a document is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Status {
    /// Proven.
    Stable,
    /// Few false alarms so far.
    Test,
    /// New.
    Experimental,
    /// Replaced by another.
    Deprecated,
    /// Does not work as it is.
    Unsupported,
}

impl Status {
    /// Each with its word in Sigma.
    pub const ALL: [(&'static str, Status); 5] = [
        ("stable", Status::Stable),
        ("test", Status::Test),
        ("experimental", Status::Experimental),
        ("deprecated", Status::Deprecated),
        ("unsupported", Status::Unsupported),
    ];
}

/// Another rule and what it is to this one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Related {
    /// The id of the other.
    pub id: String,
    /// What it is to this one.
    pub relationship: Relationship,
}

/// What another rule is to a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Relationship {
    /// This one was made from it, and both are in use.
    Derived,
    /// This one replaces it.
    Obsolete,
    /// It is now a part of this one.
    Merged,
    /// It was this one under another id.
    Renamed,
    /// Both look for the same.
    Similar,
}

impl Relationship {
    /// Each with its word in Sigma.
    pub const ALL: [(&'static str, Relationship); 6] = [
        ("derived", Relationship::Derived),
        ("obsolete", Relationship::Obsolete),
        ("obsoletes", Relationship::Obsolete),
        ("merged", Relationship::Merged),
        ("renamed", Relationship::Renamed),
        ("similar", Relationship::Similar),
    ];
}

impl About {
    /// Takes its keys out of the document; `head` is where to say that one is missing.
    pub(super) fn read(keys: &mut Keys, head: std::ops::Range<usize>, ctx: &mut Context<'_>) -> About {
        About {
            title: title(keys, head, ctx),
            id: id(keys, ctx),
            name: keys.string("name", ctx),
            status: keys.given("status").and_then(|node| ctx.word("status", &node, &Status::ALL)),
            description: keys.string("description", ctx),
            author: author(keys, ctx),
            license: keys.string("license", ctx),
            taxonomy: keys.string("taxonomy", ctx),
            references: keys.strings("references", ctx),
            date: date("date", keys, ctx),
            modified: date("modified", keys, ctx),
            tags: keys.strings("tags", ctx),
            level: keys.given("level").and_then(|node| ctx.word("level", &node, &Level::ALL)),
            falsepositives: keys.strings("falsepositives", ctx),
            fields: keys.strings("fields", ctx),
            scope: keys.strings("scope", ctx),
            related: related(keys, ctx),
        }
    }
}

fn title(keys: &mut Keys, head: std::ops::Range<usize>, ctx: &mut Context<'_>) -> String {
    let n_errors = ctx.n_errors();
    let title = keys.string("title", ctx).unwrap_or_default();
    if title.trim().is_empty() && ctx.n_errors() == n_errors {
        ctx.error(head, "document has no `title`");
    }
    title
}

fn id(keys: &mut Keys, ctx: &mut Context<'_>) -> Option<String> {
    let node = keys.given("id")?;
    let Some(id) = node.text() else {
        ctx.wrong_kind("`id`", "a text", &node);
        return None;
    };
    let groups: Vec<&str> = id.split('-').collect();
    let is_uuid = groups.iter().map(|group| group.len()).eq([8, 4, 4, 4, 12])
        && groups.iter().all(|group| group.bytes().all(|b| b.is_ascii_hexdigit()));
    if !is_uuid {
        ctx.tell(
            Diagnostic::warning(node.span.clone(), "`id` is not a UUID")
                .help("ids of other forms may clash with those of other authors"),
        );
    }
    Some(id.to_owned())
}

/// One text by the specification; lists are common.
fn author(keys: &mut Keys, ctx: &mut Context<'_>) -> Option<String> {
    let authors = keys.strings("author", ctx);
    (!authors.is_empty()).then(|| authors.join(", "))
}

/// A day in the form `YYYY-MM-DD`; older rules write slashes. What is no day is dropped with a warning.
fn date(name: &str, keys: &mut Keys, ctx: &mut Context<'_>) -> Option<String> {
    let node = keys.given(name)?;
    let Some(text) = node.text() else {
        ctx.wrong_kind(&format!("`{name}`"), "a date", &node);
        return None;
    };
    let day = day(text);
    if day.is_none() {
        ctx.warning(node.span.clone(), format!("`{name}` is not a date")).help =
            Some("write it as YYYY-MM-DD".to_owned());
    }
    day
}

fn day(text: &str) -> Option<String> {
    let parts: Vec<&str> = text.trim().split(['-', '/']).collect();
    let [year, month, day] = parts[..] else { return None };
    let number = |part: &str, width: usize| {
        (part.len() <= width && part.bytes().all(|b| b.is_ascii_digit())).then(|| part.parse::<u32>().ok())?
    };
    let (year, month, day) = (number(year, 4)?, number(month, 2)?, number(day, 2)?);
    let is_day = (1..=12).contains(&month) && day >= 1 && {
        let days = event::time::days_from_civil(i64::from(year), month, day);
        event::time::civil_from_days(days) == (i64::from(year), month, day)
    };
    is_day.then(|| format!("{year:04}-{month:02}-{day:02}"))
}

fn related(keys: &mut Keys, ctx: &mut Context<'_>) -> Vec<Related> {
    let Some(node) = keys.given("related") else { return Vec::new() };
    let crate::yaml::Yaml::Seq(items) = node.value else {
        ctx.wrong_kind("`related`", "a list", &node);
        return Vec::new();
    };
    items.into_iter().filter_map(|item| one_related(item, ctx)).collect()
}

fn one_related(item: Node, ctx: &mut Context<'_>) -> Option<Related> {
    let span = item.span.clone();
    let kind = item.kind();
    let Some(mut keys) = Keys::of(item) else {
        ctx.error(span, "an entry of `related` must be a mapping of `id` and `type`").label = format!("this is {kind}");
        return None;
    };
    let id = keys.string("id", ctx);
    let relationship = keys.given("type").and_then(|node| ctx.word("relationship", &node, &Relationship::ALL));
    if id.is_none() || relationship.is_none() {
        ctx.warning(span, "an entry of `related` needs `id` and `type`");
    }
    Some(Related { id: id?, relationship: relationship? })
}
