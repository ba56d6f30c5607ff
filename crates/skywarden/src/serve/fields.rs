//! The names that a query may use: what the logs' mappings know, and the keys that records really have.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use arrow::array::{Array, AsArray, MapArray};
use lake::Lake;
use lake::columns::{Columns, Of, Place, Type};
use query::Window;
use query::run::{Engine, Options};
use source::source::ALL;
use tokio::sync::Mutex;

use super::queries::scoped_engine;

/// How long an answer is given again.
const KEPT_FOR: Duration = Duration::from_secs(60);
/// Answers that are kept: one for each set of accounts.
const KEPT_MAX: usize = 64;
/// Names of an answer.
const NAMES_MAX: usize = 2_000;
/// The longest key that is one.
const NAME_BYTES_MAX: usize = 200;
/// Keys that are counted, and rows that are looked at for them.
const KEYS_MAX: usize = 50_000;
const ROWS_MAX: usize = 20_000;
/// How far back rows are looked at first.
const RECENT_MS: i64 = 7 * 86_400_000;
const DEADLINE: Duration = Duration::from_secs(15);
const MEMORY_BYTES: usize = 128 << 20;

/// Names that every log has.
const EVERYWHERE: &[(&str, &str)] = &[
    ("@timestamp", "timestamp"),
    ("@message", "string"),
    ("@ingestionTime", "timestamp"),
    ("@log", "string"),
    ("@logStream", "string"),
    ("@aws.account", "string"),
    ("@aws.region", "string"),
    ("@data_source_name", "string"),
    ("@object", "string"),
    ("@ordinal", "number"),
];

/// A name that a query may use.
#[derive(Clone, Debug)]
pub struct Field {
    /// The name.
    pub name: String,
    /// What its values are.
    pub ty: &'static str,
    /// The logs that have it.
    pub sources: BTreeSet<&'static str>,
}

/// The names of the lake, kept for a while.
pub struct Fields {
    lake: Arc<Lake>,
    kept: Mutex<BTreeMap<Option<Vec<String>>, Kept>>,
}

/// An answer, and since when it is known.
type Kept = (Instant, Arc<Vec<Field>>);

impl Fields {
    /// Nothing was looked at yet.
    pub fn new(lake: Arc<Lake>) -> Fields {
        Fields { lake, kept: Mutex::default() }
    }

    /// The names that whoever sees these accounts may use.
    ///
    /// # Errors
    /// When the lake cannot be read.
    pub async fn of(&self, accounts: Option<Vec<String>>, now_ms: i64) -> anyhow::Result<Arc<Vec<Field>>> {
        // Held while rows are looked at: who asks meanwhile gets the same answer.
        let mut kept = self.kept.lock().await;
        kept.retain(|_, (at, _)| at.elapsed() < KEPT_FOR);
        if let Some((_, fields)) = kept.get(&accounts) {
            return Ok(Arc::clone(fields));
        }
        let fields = Arc::new(look(Arc::clone(&self.lake), accounts.clone(), now_ms).await?);
        if kept.len() >= KEPT_MAX {
            kept.clear();
        }
        kept.insert(accounts, (Instant::now(), Arc::clone(&fields)));
        Ok(fields)
    }
}

/// Names with what is known of them.
#[derive(Default)]
struct Names(BTreeMap<String, Field>);

impl Names {
    fn add(&mut self, name: &str, ty: &'static str, source: &'static str) {
        let new = || Field { name: name.to_owned(), ty, sources: BTreeSet::new() };
        self.0.entry(name.to_owned()).or_insert_with(new).sources.insert(source);
    }
}

async fn look(lake: Arc<Lake>, accounts: Option<Vec<String>>, now_ms: i64) -> anyhow::Result<Vec<Field>> {
    let options = Options { deadline: DEADLINE, memory_bytes: MEMORY_BYTES, ..Options::default() };
    let opened = tokio::task::spawn_blocking(move || scoped_engine(&lake, accounts.as_deref(), options));
    let engine = opened.await.context("cannot set up the query engine")??;
    let (mut names, mut seen) = (Names::default(), BTreeMap::new());
    for source in ALL {
        let columns = Columns::new(source.mapping);
        EVERYWHERE.iter().for_each(|(name, ty)| names.add(name, ty, source.name));
        columns.names().for_each(|name| names.add(name, type_of(&columns, name), source.name));
        if engine.datasets().iter().any(|dataset| dataset.name == source.name) {
            let recent = Window { from_ms: Some(now_ms - RECENT_MS), to_ms: None };
            let mut keys = BTreeMap::new();
            if count_keys(&engine, source.name, &columns, recent, &mut keys).await? == 0 {
                count_keys(&engine, source.name, &columns, Window::default(), &mut keys).await?;
            }
            for (key, n) in keys.into_iter().filter(|(key, _)| !names.0.contains_key(key)) {
                let (total, sources) = seen.entry(key).or_insert_with(|| (0, BTreeSet::new()));
                *total += n;
                sources.insert(source.name);
            }
        }
    }
    let mut seen: Vec<(String, (usize, BTreeSet<&'static str>))> = seen.into_iter().collect();
    seen.sort_by(|(a, (m, _)), (b, (n, _))| n.cmp(m).then_with(|| a.cmp(b)));
    let room = NAMES_MAX.saturating_sub(names.0.len());
    for (name, (_, sources)) in seen.into_iter().take(room) {
        names.0.insert(name.clone(), Field { name, ty: "string", sources });
    }
    Ok(names.0.into_values().take(NAMES_MAX).collect())
}

fn type_of(columns: &Columns, name: &str) -> &'static str {
    match columns.find(name).map(|meaning| meaning.place) {
        Ok(Place::Column(at)) => match columns.list[at].ty {
            Type::Long | Type::Double => "number",
            Type::Boolean => "boolean",
            Type::Timestamp => "timestamp",
            Type::Map => "object",
            Type::Text | Type::Fixed16 | Type::Binary => "string",
        },
        Ok(Place::Record(_)) => "object",
        Ok(Place::Key { .. }) | Err(_) => "string",
    }
}

/// Counts the keys of the maps in some rows; how many rows there were.
async fn count_keys(
    engine: &Engine,
    log: &'static str,
    columns: &Columns,
    window: Window,
    keys: &mut BTreeMap<String, usize>,
) -> anyhow::Result<usize> {
    let maps = columns.list.iter().filter_map(|column| match column.of {
        Of::Open(open) => Some((column.name.as_str(), format!("{open}."))),
        Of::Unmapped => Some((column.name.as_str(), String::new())),
        _ => None,
    });
    let (names, before): (Vec<&str>, Vec<String>) = maps.unzip();
    let mut rows = engine.scan(log, &names, None, window).await?;
    let mut n_rows = 0;
    while let Some(batch) = rows.next().await {
        let batch = batch?;
        for (at, before) in before.iter().enumerate() {
            if let Some(map) = batch.column(at).as_map_opt() {
                each_key(map, |key| {
                    if key.len() <= NAME_BYTES_MAX && keys.len() < KEYS_MAX {
                        *keys.entry(format!("{before}{key}")).or_default() += 1;
                    }
                });
            }
        }
        n_rows += batch.num_rows();
        if n_rows >= ROWS_MAX {
            break;
        }
    }
    Ok(n_rows)
}

/// The keys of the rows that a map has: what lies beside them in memory may be of rows that nobody asked for.
fn each_key(map: &MapArray, mut seen: impl FnMut(&str)) {
    for row in (0..map.len()).filter(|row| map.is_valid(*row)) {
        let entries = map.value(row);
        let keys = entries.column(0);
        for at in 0..keys.len() {
            if let Some(keys) = keys.as_string_opt::<i32>() {
                seen(keys.value(at));
            } else if let Some(keys) = keys.as_string_view_opt() {
                seen(keys.value(at));
            }
        }
    }
}
