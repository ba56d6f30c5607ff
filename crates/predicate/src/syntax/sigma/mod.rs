//! Sigma: detection rules, correlations and filters (specification 2.1.0).
//!
//! A text may hold several documents. Those without errors are returned; the errors of one never stop the others.
//! Correlations are only read here, since they choose among findings over time and not among events.

mod about;
mod condition;
mod context;
mod correlation;
mod detection;
mod encode;
mod filter;
mod item;
mod modifier;
mod rule;
mod value;

use std::collections::BTreeMap;

use crate::diagnostic::Diagnostic;
use crate::yaml::{self, Node, Yaml};

pub use about::{About, Level, Related, Relationship, Status};
pub use condition::Expression;
pub use correlation::{Alias, Bound, BoundOrder, Correlation, Kind, Temporal};
pub use filter::{Filter, Target, apply_filters};
pub use rule::{LogSource, Rule};

use context::Context;

/// What the text alone does not say.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The lists that `expand` puts in place of `%name%`. Wildcards work in them.
    pub placeholders: BTreeMap<String, Vec<String>>,
}

/// A Sigma document.
#[derive(Clone, Debug)]
pub enum Document {
    /// Chooses events.
    Rule(Rule),
    /// Chooses groups of hits of other rules.
    Correlation(Correlation),
    /// Takes events away from rules.
    Filter(Filter),
}

/// Reads the documents of a text.
pub fn parse(text: &str, options: &Options) -> (Vec<Document>, Vec<Diagnostic>) {
    let (nodes, diagnostics) = yaml::parse(text);
    let mut ctx = Context::new(text, options, diagnostics);
    let documents: Vec<Document> =
        nodes.into_iter().filter(|node| !node.is_null()).filter_map(|node| document(node, &mut ctx)).collect();
    let diagnostics = ctx.finish();
    (documents, diagnostics)
}

/// Nothing when there was an error, even one that would leave something to return: a rule that means half of what it says is worse than none.
fn document(node: Node, ctx: &mut Context<'_>) -> Option<Document> {
    ctx.begin_document();
    let n_errors = ctx.n_errors();
    let document = read(node, ctx);
    document.filter(|_| ctx.n_errors() == n_errors)
}

fn read(node: Node, ctx: &mut Context<'_>) -> Option<Document> {
    let Yaml::Map(_) = &node.value else {
        let kind = node.kind();
        ctx.error(node.span, "a Sigma document is a mapping").label = format!("this is {kind}");
        return None;
    };
    let kinds: Vec<&str> =
        ["detection", "correlation", "filter"].into_iter().filter(|key| node.get(key).is_some()).collect();
    match kinds[..] {
        ["detection"] => Rule::read(node, ctx).map(Document::Rule),
        ["correlation"] => Correlation::read(node, ctx).map(Document::Correlation),
        ["filter"] => Filter::read(node, ctx).map(Document::Filter),
        [] => {
            let help = match node.get("action") {
                Some(_) => {
                    "rule collections with `action` are not part of Sigma any more; repeat the shared keys in each document"
                }
                None => "add `detection` for a rule, `correlation` for a correlation, or `filter` for a filter",
            };
            ctx.error(head(&node), "document is no rule, correlation or filter").help = Some(help.to_owned());
            None
        }
        _ => {
            let message = format!("document has both `{}` and `{}`", kinds[0], kinds[1]);
            ctx.error(head(&node), message).help = Some("separate documents with a line `---`".to_owned());
            None
        }
    }
}

/// The first key, which stands for a document as a whole.
fn head(node: &Node) -> std::ops::Range<usize> {
    match &node.value {
        Yaml::Map(pairs) => pairs.first().map_or(node.span.clone(), |(key, _)| key.span.clone()),
        _ => node.span.clone(),
    }
}
