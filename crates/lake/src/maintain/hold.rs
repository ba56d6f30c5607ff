//! Legal holds: times whose rows must stay, whoever wants them gone.

use std::collections::HashMap;

use iceberg::spec::TableMetadata;

use super::{DAY_MS, unbuildable};
use crate::error::{MaintainError, ReadError};
use crate::snapshot::{Base, Entry};
use crate::table::Table;

const WHAT: &str = "change a hold";
/// The property under which a table keeps its holds.
const HOLDS: &str = "skywarden.holds";

/// A time whose rows neither retention nor expiry may remove.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hold {
    /// Its name, by which it is released.
    pub name: String,
    /// Its first millisecond.
    pub from_ms: i64,
    /// The first millisecond after it.
    pub to_ms: i64,
}

impl Hold {
    fn overlaps(&self, from_ms: i64, to_ms: i64) -> bool {
        self.from_ms < to_ms && from_ms < self.to_ms
    }
}

impl Table {
    /// The holds on this table, by name.
    ///
    /// # Errors
    /// When the table cannot be read.
    pub fn holds(&self) -> Result<Vec<Hold>, MaintainError> {
        let base = self.base().map_err(|err| MaintainError::Read { what: "read holds", err })?;
        of(&base)
    }

    /// Puts a time on hold.
    ///
    /// # Errors
    /// When there is a hold of this name with another time, or the table cannot be changed.
    pub fn hold(&self, hold: &Hold) -> Result<(), MaintainError> {
        let refused = |why| MaintainError::Hold { name: hold.name.clone(), why };
        if hold.from_ms >= hold.to_ms || hold.name.is_empty() {
            return Err(refused("it needs a name, and its end must be after its start"));
        }
        self.writable(WHAT)?;
        self.change_holds(|holds| match holds.iter().find(|have| have.name == hold.name) {
            Some(have) if have == hold => Ok(None),
            Some(_) => Err(refused("there is one of this name with another time")),
            None => Ok(Some(holds.iter().chain([hold]).cloned().collect())),
        })
    }

    /// Releases a hold.
    ///
    /// # Errors
    /// When there is no such hold, or the table cannot be changed.
    pub fn release(&self, name: &str) -> Result<(), MaintainError> {
        self.writable(WHAT)?;
        let mut is_first = true;
        self.change_holds(|holds| {
            let rest: Vec<Hold> = holds.iter().filter(|have| have.name != name).cloned().collect();
            let is_gone = rest.len() == holds.len();
            match (is_gone, std::mem::replace(&mut is_first, false)) {
                (true, true) => Err(MaintainError::Hold { name: name.to_owned(), why: "there is none of this name" }),
                (true, false) => Ok(None),
                (false, _) => Ok(Some(rest)),
            }
        })
    }

    fn change_holds(
        &self,
        mut change: impl FnMut(&[Hold]) -> Result<Option<Vec<Hold>>, MaintainError>,
    ) -> Result<(), MaintainError> {
        self.commit_metadata(WHAT, |base| {
            let Some(mut holds) = change(&of(base)?)? else { return Ok(None) };
            holds.sort_by(|a, b| a.name.cmp(&b.name));
            let changed = with(base, &holds).map_err(|err| unbuildable(WHAT, &self.name, err))?;
            Ok(Some((changed, ())))
        })?;
        Ok(())
    }
}

fn with(base: &Base, holds: &[Hold]) -> Result<TableMetadata, iceberg::Error> {
    let list: Vec<serde_json::Value> =
        holds.iter().map(|h| serde_json::json!({"name": h.name, "from_ms": h.from_ms, "to_ms": h.to_ms})).collect();
    let properties = HashMap::from([(HOLDS.to_owned(), serde_json::Value::Array(list).to_string())]);
    Ok(base.metadata.clone().into_builder(Some(base.location.clone())).set_properties(properties)?.build()?.metadata)
}

/// The holds in metadata. What cannot be read stops whatever wants to delete.
pub(super) fn of(base: &Base) -> Result<Vec<Hold>, MaintainError> {
    let Some(text) = base.metadata.properties().get(HOLDS) else { return Ok(Vec::new()) };
    let failed = |err: crate::error::Cause| MaintainError::Read {
        what: "read holds",
        err: ReadError::Parse { location: base.location.clone(), err },
    };
    let list: Vec<serde_json::Value> = serde_json::from_str(text).map_err(|err| failed(err.into()))?;
    let one = |value: &serde_json::Value| {
        Some(Hold {
            name: value["name"].as_str()?.to_owned(),
            from_ms: value["from_ms"].as_i64()?,
            to_ms: value["to_ms"].as_i64()?,
        })
    };
    list.iter().map(|value| one(value).ok_or_else(|| failed(format!("`{value}` is no hold").into()))).collect()
}

/// Whether a file may have rows on hold. One without a day may have rows of any time.
pub(super) fn covers(holds: &[Hold], entry: &Entry) -> bool {
    let day = entry.day().map(|day| i64::from(day) * DAY_MS);
    holds.iter().any(|hold| day.is_none_or(|day| hold.overlaps(day, day + DAY_MS)))
}
