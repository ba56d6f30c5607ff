//! Records that are kept, looked at again as when they came: for folding hits, and for trying rules on the past.

use std::sync::Arc;

use anyhow::{Context, bail};
use detect::detector::Held;
use detect::fold::{Fold, Hit};
use event::event::Envelope;
use event::finding::Uid;
use event::layout::Fields;
use event::value::Value;
use source::aws_vpc_flow::format::Columns;
use source::aws_vpc_flow::rows::Rows;

use crate::pipeline::{Bound, Looker, Plan, State, bind};

/// The rules, ready to look at records one by one.
pub struct Replay<'a> {
    plan: &'a Plan<'a>,
    bound: Vec<Bound>,
    states: Vec<State>,
    envelope: Envelope,
    held: Vec<Held>,
    columns: Option<(String, Columns)>,
}

/// A kept record.
#[derive(Clone, Debug)]
pub struct Record<'r> {
    /// Its source.
    pub source: &'r str,
    /// What it is called if it has no id of its own.
    pub uid: Uid,
    /// The columns of the row, for logs whose rows do not name them.
    pub format: &'r str,
    /// Its text.
    pub raw: &'r str,
}

impl<'a> Replay<'a> {
    /// Binds the rules of a plan to their sources.
    pub fn new(plan: &'a Plan<'a>) -> Replay<'a> {
        let estate = Arc::new(plan.estate.clone());
        let bound: Vec<Bound> = source::source::ALL.iter().map(|source| bind(source, plan.rules, &estate)).collect();
        let states = bound.iter().map(State::new).collect();
        Replay { plan, bound, states, envelope: Envelope::default(), held: Vec::new(), columns: None }
    }

    /// The rule of this number.
    pub fn rule(&self, number: u32) -> &'a detect::rule::Rule {
        &self.plan.rules.rules[number as usize]
    }

    /// Folds a hit that is known.
    pub fn hit(&mut self, rule: u32, record: Record<'_>, fold: &mut Fold) -> anyhow::Result<()> {
        self.look(record, Some(rule), Some(fold)).map(|_| ())
    }

    /// Gives the numbers of the rules that find something in a record, and folds it where that is wanted.
    pub fn detect(&mut self, record: Record<'_>, fold: Option<&mut Fold>) -> anyhow::Result<Vec<u32>> {
        self.look(record, None, fold)
    }

    fn look(&mut self, record: Record<'_>, known: Option<u32>, fold: Option<&mut Fold>) -> anyhow::Result<Vec<u32>> {
        let which = self.bound.iter().position(|bound| bound.source.name == record.source);
        let which = which.with_context(|| format!("no source is called `{}`", record.source))?;
        let Replay { plan, bound, states, envelope, held, columns } = self;
        let Bound { source, detector, .. } = &bound[which];
        let state = &mut states[which];
        let raw = record.raw;
        let row = if record.format.is_empty() { None } else { Some(columns_of(columns, record.format)?) };
        match row {
            None => {
                let end = detector.layout().fill(raw.as_bytes(), 0, &mut state.slots);
                if end.is_err() {
                    bail!("a kept record is not JSON: {}", raw.chars().take(80).collect::<String>());
                }
            }
            Some(columns) => {
                if !state.rows.as_ref().is_some_and(|rows| rows.have(columns)) {
                    state.rows = Some(Rows::new(columns, detector.layout()));
                }
                let rows = state.rows.as_mut().context("set just above")?;
                let filled = rows.fill(raw, &mut state.slots);
                filled.map_err(|why| anyhow::anyhow!("a kept row is not of its format: {why}"))?;
            }
        }
        let parse = |raw: &str| match row {
            None => Value::parse(raw).unwrap_or(Value::Null),
            Some(columns) => columns.tree(raw),
        };
        let mut fields = Fields::new(raw, detector.layout(), &mut state.slots, &parse);
        envelope.clear();
        (source.envelope)(&mut fields, detector.envelope(), envelope);
        held.clear();
        match known {
            Some(number) => held.push(Held::Rule(number)),
            None => detector.detect(&mut fields, &mut state.scratch, held),
        }
        let numbers = held.iter().filter_map(|held| if let Held::Rule(number) = held { Some(*number) } else { None });
        let numbers: Vec<u32> = numbers.collect();
        let Some(fold) = fold else { return Ok(numbers) };
        let uid = if envelope.uid.is_empty() { record.uid } else { Uid::new(&envelope.uid) };
        for number in &numbers {
            let rule = &plan.rules.rules[*number as usize];
            let hit = Hit { number: *number, rule, envelope, uid: uid.clone(), source: source.name };
            fold.add(&hit, raw, &mut Looker { source, detector, fields: &mut fields })?;
        }
        Ok(numbers)
    }
}

/// The columns of a format; rows of one format come one behind the other.
fn columns_of<'c>(have: &'c mut Option<(String, Columns)>, format: &str) -> anyhow::Result<&'c Columns> {
    if have.as_ref().is_none_or(|(name, _)| name != format) {
        let columns =
            Columns::from_format(format).map_err(|why| anyhow::anyhow!("a kept row has a strange format: {why}"))?;
        *have = Some((format.to_owned(), columns));
    }
    have.as_ref().map(|(_, columns)| columns).context("set just above")
}
