//! Detection rules.

use std::ops::Range;

use crate::predicate::Predicate;
use crate::yaml::{Node, Yaml};

use super::about::About;
use super::context::{Context, Keys};
use super::{detection, head};

/// A rule that chooses events.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Title, authorship and classification.
    pub about: About,
    /// Which events it is for.
    pub logsource: LogSource,
    /// Which of them it chooses.
    pub predicate: Predicate,
    /// The key `skywarden`: what this platform adds to Sigma.
    pub extension: Option<Node>,
    /// Other keys, in the order of the text.
    pub others: Vec<(Node, Node)>,
    /// Where the document stands.
    pub span: Range<usize>,
}

/// Which events a rule is for; a part that is not given means any. In lower case.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct LogSource {
    /// `aws`, …
    pub product: Option<String>,
    /// `cloudtrail`, …
    pub service: Option<String>,
    /// `process_creation`, …
    pub category: Option<String>,
}

impl LogSource {
    /// Whether all that this one asks for is said by the other.
    pub fn covers(&self, other: &LogSource) -> bool {
        let part = |mine: &Option<String>, theirs: &Option<String>| mine.is_none() || mine == theirs;
        part(&self.product, &other.product)
            && part(&self.service, &other.service)
            && part(&self.category, &other.category)
    }

    /// Takes it out of the document, where it is mandatory.
    pub(super) fn read(keys: &mut Keys, head: Range<usize>, ctx: &mut Context<'_>) -> LogSource {
        let Some(node) = keys.given("logsource") else {
            ctx.error(head, "document has no `logsource`").help =
                Some("add `product`, `service` or `category` under `logsource`".to_owned());
            return LogSource::default();
        };
        LogSource::of(node, ctx)
    }

    pub(super) fn of(node: Node, ctx: &mut Context<'_>) -> LogSource {
        let (span, kind) = (node.span.clone(), node.kind());
        let Some(mut parts) = Keys::of(node) else {
            ctx.error(span, "`logsource` must be a mapping").label = format!("this is {kind}");
            return LogSource::default();
        };
        let mut part = |name: &str| parts.string(name, ctx).map(|text| text.to_lowercase());
        let logsource = LogSource { product: part("product"), service: part("service"), category: part("category") };
        if logsource == LogSource::default() {
            ctx.warning(span, "`logsource` means every event").help =
                Some("name a `product`, `service` or `category`".to_owned());
        }
        logsource
    }
}

impl Rule {
    /// Nothing when it has no detection to lower.
    pub(super) fn read(node: Node, ctx: &mut Context<'_>) -> Option<Rule> {
        let head = head(&node);
        let span = node.span.clone();
        let mut keys = Keys::of(node)?;
        let about = About::read(&mut keys, head.clone(), ctx);
        let logsource = LogSource::read(&mut keys, head, ctx);
        let (key, detection) = keys.take("detection")?;
        let Yaml::Map(pairs) = &detection.value else {
            ctx.wrong_kind("`detection`", "a mapping", &detection);
            return None;
        };
        let predicate = detection::lower(pairs, &key, ctx)?;
        Some(Rule { about, logsource, predicate, extension: keys.given("skywarden"), others: keys.rest(), span })
    }
}
