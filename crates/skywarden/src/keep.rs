//! What ingest keeps: every record as a row of its source's table, every hit, and every piece that is no record.
//!
//! Hits are committed before the events they rest on, so that a process that dies between the two loses neither: the same input
//! taken in again finds what is there and adds the rest.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use anyhow::Context;
use arrow::array::{
    BinaryBuilder, FixedSizeBinaryBuilder, Int64Builder, RecordBatch, StringBuilder, TimestampMicrosecondBuilder,
};
use detect::rule::Rule;
use event::event::Envelope;
use event::finding::Uid;
use lake::columns::Columns;
use lake::rows::{Origin, Rows, Values, identity};
use lake::{ColumnDef, ColumnType, Counts, Lake, Table, TableDef};
use sha2::{Digest, Sha256};
use source::aws_vpc_flow::format::Columns as FlowColumns;
use source::source::ALL;

use crate::failpoint;

/// Rows that a thread gathers before it hands them over.
const BATCH_ROWS: usize = 8_192;
/// Memory that a thread's rows may take.
const BATCH_BYTES: usize = 48 << 20;
/// Rows that are committed at once: one row group.
const COMMIT_ROWS: usize = 131_072;
/// Memory that waiting rows of one table may take.
const COMMIT_BYTES: usize = 384 << 20;

/// The table of hits.
pub const HITS: &str = "hits";
/// What records are counted under that were taken for no source.
pub const UNKNOWN: &str = "unknown";
/// The counter of pieces in quarantine that are what is left of damaged text, and no record.
pub const TAILS: &str = "tails";
/// The table of pieces that are no records.
pub const QUARANTINE: &str = "quarantine";

/// How far what comes from there is trusted: nothing of it is set aside once more.
pub const QUARANTINED: &str = "quarantine";

/// Where everything is kept; shared by all threads.
pub struct Keep {
    now_ms: AtomicI64,
    sources: Vec<Kept>,
    /// What later commits say of how far feeds are read.
    positions: Mutex<BTreeMap<String, String>>,
    hits: Waiting,
    quarantine: Waiting,
    /// Whether pieces are kept; not when what is read comes from the quarantine itself.
    keeps_pieces: bool,
    /// The first that went wrong: the rest of the run reads on only to tell what there is.
    error: Mutex<Option<anyhow::Error>>,
}

struct Kept {
    columns: Arc<Columns>,
    waiting: Waiting,
}

/// A table and what waits to be committed to it.
struct Waiting {
    table: Table,
    pending: Mutex<Pending>,
    done: Mutex<Done>,
}

#[derive(Default)]
struct Pending {
    batches: Vec<RecordBatch>,
    rows: usize,
    bytes: usize,
    /// More to count with the rows, by the counter's name.
    more: BTreeMap<String, u64>,
}

/// What was committed to one table.
#[derive(Clone, Copy, Debug, Default)]
pub struct Done {
    /// Rows handed over.
    pub read: u64,
    /// Rows that are new.
    pub added: u64,
    /// Rows that were there already.
    pub duplicates: u64,
    /// Rows with the id of another.
    pub conflicts: u64,
}

/// Where a record lies in its object.
pub struct Place {
    /// Its number, from 1.
    pub ordinal: u64,
    /// Where it begins in the inflated object.
    pub offset: Option<u64>,
    /// The hash of the inflated object, for records without an id.
    pub object: Option<[u8; 32]>,
}

/// The columns of a row that does not name them.
#[derive(Clone, Copy, Debug)]
pub struct Row<'r> {
    /// The columns.
    pub columns: &'r FlowColumns,
    /// The same as text.
    pub format: &'r str,
}

/// The values of such a row.
#[derive(Debug)]
struct RowValues<'r> {
    columns: &'r FlowColumns,
    raw: &'r str,
}

impl Values for RowValues<'_> {
    fn name(&self, column: usize) -> &str {
        self.columns.name(column)
    }

    fn each(&self, put: &mut dyn FnMut(usize, usize, usize)) {
        // A row that is not of its format was set aside before.
        let _ = self.columns.values(self.raw, put);
    }
}

/// What a kept event is called.
pub struct Name {
    identity: [u8; 16],
    uid: String,
}

impl Name {
    /// Its id, or what stands for one.
    pub fn uid(&self) -> &str {
        &self.uid
    }
}

impl Keep {
    /// Opens or makes the tables.
    pub fn new(lake: &Lake, now_ms: i64) -> anyhow::Result<Keep> {
        let mut sources = Vec::new();
        for source in ALL {
            let columns = Arc::new(Columns::new(source.mapping));
            sources.push(Kept { waiting: Waiting::new(lake, &columns.table())?, columns });
        }
        Ok(Keep {
            now_ms: AtomicI64::new(now_ms),
            sources,
            positions: Mutex::default(),
            hits: Waiting::new(lake, &hits_table())?,
            quarantine: Waiting::new(lake, &quarantine_table())?,
            keeps_pieces: true,
            error: Mutex::new(None),
        })
    }

    /// The same, and what is no record is not kept: it is in the quarantine already.
    pub fn without_pieces(self) -> Keep {
        Keep { keeps_pieces: false, ..self }
    }

    /// Sets bytes aside that cannot be read at all.
    pub fn set_aside(&self, object: &str, why: &str, bytes: &[u8]) {
        let mut keeper = self.keeper();
        keeper.open(object, "anonymous");
        keeper.piece("", why, bytes, 0, None);
        keeper.finish();
    }

    /// What one thread gathers.
    pub fn keeper(&self) -> Keeper<'_> {
        Keeper {
            keep: self,
            rows: self.sources.iter().map(|kept| Rows::new(&kept.columns)).collect(),
            hits: Hits::default(),
            pieces: Pieces::default(),
            origin: Origin { ingested_at_ms: self.now_ms.load(Ordering::Relaxed), trust: "file", ..Origin::default() },
            n_in: 0,
            n_out: 0,
        }
    }

    /// What is kept from now on came in at this time.
    pub fn set_now(&self, now_ms: i64) {
        self.now_ms.store(now_ms, Ordering::Relaxed);
    }

    /// How many rows and bytes wait to be committed.
    pub fn waiting(&self) -> (usize, usize) {
        let tables = self.sources.iter().map(|kept| &kept.waiting).chain([&self.hits, &self.quarantine]);
        let of = |waiting: &Waiting| {
            let pending = lock(&waiting.pending);
            (pending.rows, pending.bytes)
        };
        tables.map(of).fold((0, 0), |(rows, bytes), (r, b)| (rows + r, bytes + b))
    }

    /// Commits what waits. All that a feed brought up to its position was handed over.
    pub fn commit(&self, positions: BTreeMap<String, String>) -> anyhow::Result<()> {
        *lock(&self.positions) = positions;
        self.commit_all();
        lock(&self.error).take().map_or(Ok(()), Err)
    }

    /// Commits what is left, and tells what came of it by table.
    pub fn close(&self) -> anyhow::Result<BTreeMap<String, Done>> {
        self.commit_all();
        if let Some(err) = lock(&self.error).take() {
            return Err(err);
        }
        let tables = self.sources.iter().map(|kept| &kept.waiting).chain([&self.hits, &self.quarantine]);
        Ok(tables.map(|waiting| (waiting.table.name().to_owned(), *lock(&waiting.done))).collect())
    }

    fn commit_all(&self) {
        let positions = lock(&self.positions).clone();
        self.note(self.quarantine.commit(&positions));
        self.note(self.hits.commit(&positions));
        self.sources.iter().for_each(|kept| self.note(kept.waiting.commit(&positions)));
    }

    fn note(&self, result: anyhow::Result<()>) {
        if let Err(err) = result {
            lock(&self.error).get_or_insert(err);
        }
    }

    /// Whether keeping failed: then there is no sense in reading on.
    pub fn has_failed(&self) -> bool {
        lock(&self.error).is_some()
    }
}

/// A mutex whose holder never panics half-way: what it guards is whole even if a thread died.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

impl Waiting {
    fn new(lake: &Lake, def: &TableDef) -> anyhow::Result<Waiting> {
        let table = lake.table(def).with_context(|| format!("cannot open table `{}`", def.name))?;
        Ok(Waiting { table, pending: Mutex::default(), done: Mutex::default() })
    }

    /// Adds rows; whether there are now enough for a commit.
    fn add(&self, batch: RecordBatch, bytes: usize, more: BTreeMap<String, u64>) -> bool {
        let mut pending = lock(&self.pending);
        pending.rows += batch.num_rows();
        pending.bytes += bytes;
        more.into_iter().for_each(|(name, n)| *pending.more.entry(name).or_default() += n);
        pending.batches.push(batch);
        pending.rows >= COMMIT_ROWS || pending.bytes >= COMMIT_BYTES
    }

    fn commit(&self, positions: &BTreeMap<String, String>) -> anyhow::Result<()> {
        let table = &self.table;
        let Pending { batches, rows, more, .. } = std::mem::take(&mut *lock(&self.pending));
        if rows == 0 {
            return Ok(());
        }
        let counts = Counts { read: rows as u64, more, ..Counts::default() };
        let append = || Ok(table.append(batches, counts, positions)?);
        let appended = failpoint::step::<_, anyhow::Error>(&format!("lake.{}", table.name()), append)
            .with_context(|| format!("cannot keep {rows} rows in table `{}`", table.name()))?;
        let mut done = lock(&self.done);
        done.read += rows as u64;
        done.added += appended.rows;
        done.duplicates += appended.duplicates;
        done.conflicts += appended.conflicts;
        Ok(())
    }
}

/// What one thread has gathered and not handed over yet.
pub struct Keeper<'k> {
    keep: &'k Keep,
    rows: Vec<Rows>,
    hits: Hits,
    pieces: Pieces,
    origin: Origin,
    /// Records as the splitter counts them, since the last time they were handed over.
    n_in: u64,
    /// Records that became a row of some table.
    n_out: u64,
}

impl Keeper<'_> {
    /// The records that follow come from this object, which is trusted so far.
    pub fn open(&mut self, object: &str, trust: &'static str) {
        self.origin.object = object.to_owned();
        self.origin.trust = trust;
        self.pieces.number = 0;
        self.group("", "", "");
    }

    /// The records that follow come from this log group.
    pub fn group(&mut self, _owner: &str, group: &str, stream: &str) {
        group.clone_into(&mut self.origin.log_group);
        stream.clone_into(&mut self.origin.log_stream);
    }

    /// The splitter has found a record.
    pub fn found(&mut self) {
        self.n_in += 1;
    }

    /// Keeps an event.
    #[expect(clippy::too_many_arguments, reason = "these are what is known of an event, and one place calls it")]
    pub fn event(
        &mut self,
        which: usize,
        envelope: &Envelope,
        action: &str,
        place: &Place,
        has_duplicate_key: bool,
        row: Option<Row<'_>>,
        raw: &str,
    ) -> Name {
        let time_ms = envelope.time_ms.unwrap_or_default();
        let name = name(envelope, action, place, time_ms, raw);
        let values = row.map(|row| RowValues { columns: row.columns, raw });
        self.rows[which].push(&lake::rows::Row {
            identity: name.identity,
            time_ms,
            account: &envelope.account,
            region: &envelope.region,
            origin: &self.origin,
            ordinal: place.ordinal,
            offset: place.offset,
            flags: if has_duplicate_key { "duplicate-key" } else { "" },
            format: row.map_or("", |row| row.format),
            raw,
            values: values.as_ref().map(|values| values as _),
        });
        self.n_out += 1;
        if self.rows[which].len() >= BATCH_ROWS || self.rows[which].bytes() >= BATCH_BYTES {
            self.hand_over();
        }
        name
    }

    /// Keeps that a rule holds of an event.
    pub fn hit(
        &mut self,
        source: &str,
        rule: &Rule,
        envelope: &Envelope,
        event: &Name,
        row: Option<Row<'_>>,
        raw: &str,
    ) {
        let format = row.map_or("", |row| row.format);
        self.hits.push(source, rule, envelope, event, format, raw, self.keep.now_ms.load(Ordering::Relaxed));
    }

    /// Keeps a piece that is no record, and why; `n_records` is 0 where it is only what is left of damaged text.
    pub fn piece(&mut self, source: &str, why: &str, text: &[u8], n_records: u64, offset: Option<u64>) {
        self.n_out += n_records;
        if !self.keep.keeps_pieces || self.origin.trust == QUARANTINED {
            return;
        }
        self.pieces.push(source, why, text, n_records, offset, &self.origin);
        if self.pieces.bytes >= BATCH_BYTES {
            self.hand_over();
        }
    }

    /// Hands over what is left.
    pub fn finish(&mut self) {
        self.hand_over();
    }

    fn hand_over(&mut self) {
        if self.n_in != self.n_out {
            let (n_in, n_out) = (self.n_in, self.n_out);
            self.keep.note(Err(anyhow::anyhow!("the ledger does not balance: {n_in} records read, {n_out} kept")));
        }
        (self.n_in, self.n_out) = (0, 0);
        let keep = self.keep;
        let mut is_due = false;
        if let Some((batch, bytes, more)) = self.pieces.take() {
            is_due |= keep.quarantine.add(batch, bytes, more);
        }
        if let Some((batch, bytes)) = self.hits.take() {
            is_due |= keep.hits.add(batch, bytes, BTreeMap::new());
        }
        for (rows, kept) in self.rows.iter_mut().zip(&keep.sources) {
            let bytes = rows.bytes();
            if !rows.is_empty() {
                is_due |= kept.waiting.add(rows.take(), bytes, BTreeMap::new());
            }
        }
        if is_due && !keep.has_failed() {
            keep.commit_all();
        }
    }
}

/// What an event is called: by its own id where it has one, else by its place, else by its text.
fn name(envelope: &Envelope, action: &str, place: &Place, time_ms: i64, raw: &str) -> Name {
    if !envelope.uid.is_empty() {
        let content: [&[u8]; 2] = [&time_ms.to_le_bytes(), action.as_bytes()];
        let id: [&[u8]; 2] = [envelope.account.as_bytes(), envelope.uid.as_bytes()];
        return Name { identity: identity(&id, &content), uid: envelope.uid.clone() };
    }
    let ordinal = place.ordinal.to_be_bytes();
    let id: [&[u8]; 2] = match &place.object {
        Some(hash) => [hash, &ordinal],
        None => [raw.as_bytes(), &[]],
    };
    // Its identity is its id, so that the id need not be kept.
    let uid = match &place.object {
        Some(_) => Uid::of_hash(&id),
        None => Uid::of_hash(&id[..1]),
    };
    let identity = if let Uid::Uuid(n) = uid { n.to_be_bytes() } else { identity(&id, &id) };
    Name { identity, uid: uid.to_string() }
}

/// Hits in the making.
#[derive(Default)]
struct Hits {
    time: Vec<i64>,
    identity: Vec<[u8; 16]>,
    texts: [StringBuilder; 6],
    ingested: Vec<i64>,
    event: Vec<[u8; 16]>,
    bytes: usize,
}

/// The texts of a hit, in the order of its columns.
const HIT_TEXTS: [&str; 6] = ["rule_uid", "event_source", "event_uid", "event_account", "event_format", "raw"];

fn hits_table() -> TableDef {
    let mut columns = vec![
        ColumnDef::new("time_dt", ColumnType::Timestamp).required().doc("when the event happened"),
        ColumnDef::new("event_identity", ColumnType::Fixed16).required().doc("hash of the rule and of the event"),
        ColumnDef::new("hit_event", ColumnType::Fixed16).required().doc("the event's identity in its table"),
        ColumnDef::new("event_ingested_at", ColumnType::Timestamp).doc("when it was taken in"),
    ];
    columns.extend(HIT_TEXTS.map(|name| match name {
        "raw" => {
            ColumnDef::new(name, ColumnType::Text).required().unique().without_stats().doc("the record as it came")
        }
        _ => ColumnDef::new(name, ColumnType::Text).bloom(),
    }));
    TableDef::new(HITS, columns)
}

impl Hits {
    #[expect(clippy::too_many_arguments, reason = "these are the columns, and one place calls it")]
    fn push(
        &mut self,
        source: &str,
        rule: &Rule,
        envelope: &Envelope,
        event: &Name,
        format: &str,
        raw: &str,
        now_ms: i64,
    ) {
        let id: [&[u8]; 2] = [rule.id.as_bytes(), &event.identity];
        self.time.push(envelope.time_ms.unwrap_or_default().saturating_mul(1_000));
        self.identity.push(identity(&id, &id));
        self.event.push(event.identity);
        self.ingested.push(now_ms.saturating_mul(1_000));
        let values = [&rule.id, source, &event.uid, &envelope.account, format, raw];
        for (out, text) in self.texts.iter_mut().zip(values) {
            out.append_value(text);
        }
        self.bytes += raw.len() + 200;
    }

    fn take(&mut self) -> Option<(RecordBatch, usize)> {
        let Hits { time, identity, mut texts, ingested, event, bytes } = std::mem::take(self);
        if time.is_empty() {
            return None;
        }
        let mut arrays = vec![times(time), fixed(&identity), fixed(&event), times(ingested)];
        arrays.extend(texts.iter_mut().map(|out| Arc::new(out.finish()) as _));
        let batch = RecordBatch::try_new(hits_table().arrow_schema(), arrays).expect("one array for each column");
        Some((batch, bytes))
    }
}

/// Instants in microseconds as a column.
pub fn times(us: Vec<i64>) -> arrow::array::ArrayRef {
    let mut out = TimestampMicrosecondBuilder::with_capacity(us.len()).with_timezone("UTC");
    out.append_slice(&us);
    Arc::new(out.finish())
}

/// Identities as a column.
pub fn fixed(values: &[[u8; 16]]) -> arrow::array::ArrayRef {
    let mut out = FixedSizeBinaryBuilder::with_capacity(values.len(), 16);
    values.iter().for_each(|value| out.append_value(value).expect("16 bytes are 16 bytes"));
    Arc::new(out.finish())
}

/// Pieces in the making.
#[derive(Default)]
struct Pieces {
    /// The number of the piece in its object.
    number: u64,
    ingested: Vec<i64>,
    identity: Vec<[u8; 16]>,
    source: StringBuilder,
    why: StringBuilder,
    object: StringBuilder,
    offset: Int64Builder,
    records: Int64Builder,
    raw: BinaryBuilder,
    bytes: usize,
    more: BTreeMap<String, u64>,
}

/// The counter of records of a source that were set aside, and the name under which those of no source are counted.
pub fn counter(source: &str) -> String {
    format!("in-{}", if source.is_empty() { UNKNOWN } else { source }.replace('_', "-"))
}

fn quarantine_table() -> TableDef {
    let text = |name: &str| ColumnDef::new(name, ColumnType::Text);
    TableDef::new(
        QUARANTINE,
        vec![
            ColumnDef::new("time_dt", ColumnType::Timestamp).required().doc("not known: 1970"),
            ColumnDef::new("event_identity", ColumnType::Fixed16).required().doc("hash of the object, place and bytes"),
            ColumnDef::new("event_ingested_at", ColumnType::Timestamp).doc("when it was taken in"),
            text("event_source").doc("the source it was taken for, if any"),
            text("reason").doc("why it is no record"),
            text("event_object").doc("where it came from"),
            ColumnDef::new("event_offset", ColumnType::Long).doc("where it begins in the inflated object"),
            ColumnDef::new("records", ColumnType::Long).doc("1 for a record, 0 for what is left of damaged text"),
            ColumnDef::new("raw", ColumnType::Binary).required().without_stats().doc("the bytes as they came"),
        ],
    )
}

impl Pieces {
    fn push(&mut self, source: &str, why: &str, text: &[u8], n_records: u64, offset: Option<u64>, origin: &Origin) {
        // A folder may be moved between two runs; the name of an object is what stays.
        let object = origin.object.rsplit(['/', '\\']).next().unwrap_or_default();
        self.number += 1;
        let id: [&[u8]; 3] = [object.as_bytes(), &self.number.to_le_bytes(), &Sha256::digest(text)];
        self.identity.push(identity(&id, &id));
        self.ingested.push(origin.ingested_at_ms.saturating_mul(1_000));
        self.source.append_option((!source.is_empty()).then_some(source));
        self.why.append_value(why);
        self.object.append_value(&origin.object);
        self.offset.append_option(offset.map(|offset| offset as i64));
        self.records.append_value(n_records as i64);
        self.raw.append_value(text);
        self.bytes += text.len() + 200;
        let counter = if n_records > 0 { counter(source) } else { TAILS.to_owned() };
        *self.more.entry(counter).or_default() += 1;
    }

    fn take(&mut self) -> Option<(RecordBatch, usize, BTreeMap<String, u64>)> {
        let number = self.number;
        let mut pieces = std::mem::replace(self, Pieces { number, ..Pieces::default() });
        if pieces.ingested.is_empty() {
            return None;
        }
        let arrays = vec![
            // A piece has no time that would be the same when it comes again, and all are to be told apart.
            times(vec![0; pieces.ingested.len()]),
            fixed(&pieces.identity),
            times(pieces.ingested),
            Arc::new(pieces.source.finish()) as _,
            Arc::new(pieces.why.finish()) as _,
            Arc::new(pieces.object.finish()) as _,
            Arc::new(pieces.offset.finish()) as _,
            Arc::new(pieces.records.finish()) as _,
            Arc::new(pieces.raw.finish()) as _,
        ];
        let batch = RecordBatch::try_new(quarantine_table().arrow_schema(), arrays).expect("one array for each column");
        Some((batch, pieces.bytes, pieces.more))
    }
}
