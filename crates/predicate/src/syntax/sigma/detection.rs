//! The `detection` of a rule and the body of a filter: named selections and the condition over them.

use std::collections::HashMap;
use std::ops::Range;

use crate::predicate::Predicate;
use crate::yaml::{Node, Yaml};

use super::condition::{self, Expression};
use super::context::{Context, cost};
use super::item;
use super::modifier::Modifiers;

/// A named part of a detection.
pub(super) struct Selection {
    pub(super) name: String,
    pub(super) predicate: Predicate,
    pub(super) cost: usize,
    span: Range<usize>,
    pub(super) used: bool,
}

/// The selections of one detection, in the order of the text.
#[derive(Default)]
pub(super) struct Selections {
    pub(super) list: Vec<Selection>,
    index: HashMap<String, usize>,
}

impl Selections {
    fn push(&mut self, key: &Node, predicate: Predicate) {
        let name = key.text().unwrap_or_default().to_owned();
        self.index.insert(name.clone(), self.list.len());
        self.list.push(Selection { name, cost: cost(&predicate), predicate, span: key.span.clone(), used: false });
    }

    pub(super) fn find(&mut self, name: &str) -> Option<&mut Selection> {
        self.index.get(name).map(|at| &mut self.list[*at])
    }
}

/// Lowers selections under their condition; `head` is the key that holds them. Nothing when something is wrong; it has been told then.
pub(super) fn lower(pairs: &[(Node, Node)], head: &Node, ctx: &mut Context<'_>) -> Option<Predicate> {
    let n_errors = ctx.n_errors();
    let mut selections = Selections::default();
    let mut conditions: Vec<Expression> = Vec::new();
    let mut has_condition = false;
    for (key, value) in pairs {
        match key.text().unwrap_or_default() {
            "condition" => {
                has_condition = true;
                conditions = condition::read(value, ctx);
            }
            "timeframe" => {
                ctx.warning(key.span.clone(), "`timeframe` has no effect").help =
                    Some("write a correlation rule with a `timespan`".to_owned());
            }
            _ => {
                // A selection with a mistake still has a name that the condition may use.
                let predicate = selection(key, value, ctx).unwrap_or_else(Predicate::always);
                selections.push(key, predicate);
            }
        }
    }
    if !has_condition {
        ctx.error(head.span.clone(), "there is no `condition`");
    }
    let parts = conditions.iter().filter_map(|c| c.lower(&mut selections, ctx)).collect();
    if ctx.n_errors() > n_errors {
        return None;
    }
    for selection in selections.list.iter().filter(|selection| !selection.used) {
        ctx.warning(selection.span.clone(), format!("`{}` is not used", selection.name)).label =
            "no condition names it".to_owned();
    }
    Some(Predicate::any(parts))
}

fn selection(key: &Node, value: &Node, ctx: &mut Context<'_>) -> Option<Predicate> {
    match &value.value {
        Yaml::Map(pairs) => map(pairs, value, ctx),
        Yaml::Seq(items) if items.is_empty() => {
            ctx.error(value.span.clone(), "the selection is empty");
            None
        }
        Yaml::Seq(items) => {
            let mut parts = Vec::new();
            for item in items {
                parts.push(element(item, ctx)?);
            }
            Some(Predicate::any(parts))
        }
        Yaml::Null => {
            ctx.error(key.span.clone(), "the selection is empty");
            None
        }
        _ => keyword(value, ctx),
    }
}

/// An element of a list of maps, or of keywords.
fn element(item: &Node, ctx: &mut Context<'_>) -> Option<Predicate> {
    match &item.value {
        Yaml::Map(pairs) => map(pairs, item, ctx),
        Yaml::Seq(_) | Yaml::Null => {
            ctx.wrong_kind("an element of a selection", "a mapping or a keyword", item);
            None
        }
        _ => keyword(item, ctx),
    }
}

fn keyword(node: &Node, ctx: &mut Context<'_>) -> Option<Predicate> {
    item::keyword(&Modifiers::default(), node, ctx)
}

/// All of its lines; every mistake in them is told, and not only the first.
fn map(pairs: &[(Node, Node)], node: &Node, ctx: &mut Context<'_>) -> Option<Predicate> {
    if pairs.is_empty() {
        ctx.error(node.span.clone(), "the selection is empty");
        return None;
    }
    let parts: Vec<Option<Predicate>> = pairs.iter().map(|(key, value)| item::lower(key, value, ctx)).collect();
    let parts: Option<Vec<Predicate>> = parts.into_iter().collect();
    parts.map(Predicate::all)
}
