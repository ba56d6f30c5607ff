//! The order in which the stages meet: files are found and inflated, records split and scanned, rules tried, hits folded.

use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use collect::blob::{Blob, OpenError};
use collect::walk::{File, walk_in};
use detect::chain::{Chain, Link};
use detect::detector::{Detector, Ground, Held};
use detect::fold::{Fold, Hit, Look};
use detect::load::RuleSet;
use event::event::{Description, Envelope};
use event::finding::Uid;
use event::layout::{Estate, Fields};
use event::scan::{ScanError, Slots};
use event::value::Value;
use predicate::matcher::Scratch;
use report::Skipped;
use sha2::{Digest, Sha256};
use source::aws_vpc_flow::format::Columns;
use source::aws_vpc_flow::rows::Rows;
use source::source::Source;
use source::split::{Note, Reader, Sink};

use crate::keep::{Keep, Keeper, Place, Row};
pub use crate::plan::{Hits, MEMORY_BYTES, Outcome, Piece, Plan, Progress};
use crate::tally::{Reasons, Tally};

/// How much is inflated at a time of what does not fit into memory at once.
const CHUNK_BYTES: usize = 1 << 20;

/// A source with the detector of its rules.
pub struct Bound {
    /// The place that the logs are from.
    pub estate: Arc<Estate>,
    /// The source.
    pub source: &'static Source,
    /// Its rules.
    pub detector: Detector,
}

enum Input<'p> {
    File(File),
    Stdin,
    Piece(&'p Piece),
}

/// Reads everything and tries all rules.
pub fn scan(plan: &Plan<'_>, progress: &Progress) -> io::Result<Outcome> {
    let (inputs, outcome) = find(plan);
    let bound = bind_all(plan.rules, estate(plan, &inputs));
    read_all(plan, &inputs, outcome, &bound, progress)
}

/// The same with rules that are bound already: who reads little at a time need not bind them every time.
pub fn scan_bound(plan: &Plan<'_>, bound: &[Bound], progress: &Progress) -> io::Result<Outcome> {
    let (inputs, outcome) = find(plan);
    read_all(plan, &inputs, outcome, bound, progress)
}

fn read_all(
    plan: &Plan<'_>,
    inputs: &[Input<'_>],
    mut outcome: Outcome,
    bound: &[Bound],
    progress: &Progress,
) -> io::Result<Outcome> {
    let total: u64 = inputs.iter().map(|i| if let Input::File(file) = i { file.size } else { 0 }).sum();
    progress.total.store(total, Ordering::Relaxed);
    let next = AtomicUsize::new(0);
    let hashes = Mutex::new(BTreeMap::new());
    let n_threads = plan.n_threads.clamp(1, inputs.len().max(1));
    let parts: Vec<Part> = std::thread::scope(|scope| {
        let work = || {
            let mut worker = Worker::new(plan, bound, progress, plan.memory_bytes / n_threads);
            while let Some((number, input)) = next_input(&next, inputs).filter(|_| worker.part.failed.is_none()) {
                worker.read(number, input, &hashes);
            }
            if let Some(keeper) = &mut worker.keeper {
                keeper.finish();
            }
            worker.part
        };
        let threads: Vec<_> = (0..n_threads).map(|_| scope.spawn(work)).collect();
        threads.into_iter().map(|thread| thread.join().expect("a worker does not panic")).collect()
    });
    for part in parts {
        outcome.take(part)?;
    }
    outcome.hashes = hashes.into_inner().expect("no worker panicked");
    outcome.skipped.sort_by(|a, b| (&a.what, &a.why).cmp(&(&b.what, &b.why)));
    Ok(outcome)
}

fn next_input<'i, 'p>(next: &AtomicUsize, inputs: &'i [Input<'p>]) -> Option<(u32, &'i Input<'p>)> {
    let number = next.fetch_add(1, Ordering::Relaxed);
    inputs.get(number).map(|input| (number as u32, input))
}

/// The rules of every source.
pub fn bind_all(rules: &RuleSet, estate: Estate) -> Vec<Bound> {
    let estate = Arc::new(estate);
    source::source::ALL.iter().map(|source| bind(source, rules, &estate)).collect()
}

/// The rules that are meant for a source.
pub fn bind(source: &'static Source, rules: &RuleSet, estate: &Arc<Estate>) -> Bound {
    bind_if(source, rules, estate, &|_| true)
}

/// Those of the rules that are meant for a source that pass a test of their numbers.
pub fn bind_if(source: &'static Source, rules: &RuleSet, estate: &Arc<Estate>, is_on: &dyn Fn(u32) -> bool) -> Bound {
    let is_meant = |rule: &detect::rule::Rule| {
        let logsource = &rule.logsource;
        source.is_meant(logsource.product.as_deref(), logsource.service.as_deref(), logsource.category.as_deref())
    };
    let meant = rules.rules.iter().zip(0..).filter(|(rule, number)| is_meant(rule) && is_on(*number));
    let meant: Vec<_> = meant.map(|(rule, number)| (number, &rule.predicate)).collect();
    let detector = Detector::new(&meant, &[(source.issues)()], ground(source, estate));
    Bound { estate: Arc::clone(estate), source, detector }
}

/// What a source brings to its rules.
pub fn ground<'a>(source: &'static Source, estate: &'a Arc<Estate>) -> Ground<'a> {
    Ground { envelope: source.envelope_paths, terms: source.terms, derived: source.derived, estate }
}

/// The accounts whose logs are read are ours: their ids stand in the paths that AWS delivers to.
fn estate(plan: &Plan<'_>, inputs: &[Input<'_>]) -> Estate {
    let mut estate = plan.estate.clone();
    for input in inputs {
        if let Input::File(file) = input {
            estate.accounts.extend(account_of(&file.path.to_string_lossy()));
        }
    }
    estate
}

/// The account in `…/AWSLogs/[o-…/]ACCOUNT/…` or in a file called `ACCOUNT_CloudTrail_…` or `ACCOUNT_vpcflowlogs_…`.
fn account_of(path: &str) -> Option<String> {
    let is_account = |part: &&str| part.len() == 12 && part.bytes().all(|b| b.is_ascii_digit());
    let mut parts = path.split(['/', '\\']).skip_while(|part| *part != "AWSLogs").skip(1);
    let by_folder = parts.find(|part| !part.starts_with("o-")).map(|part| part.trim_start_matches("aws-account-id="));
    let mut name = path.rsplit(['/', '\\']).next().unwrap_or(path).split('_');
    let by_name = name.next().filter(|_| matches!(name.next(), Some("CloudTrail" | "vpcflowlogs")));
    by_folder.filter(is_account).or(by_name.filter(is_account)).map(str::to_owned)
}

fn find<'p>(plan: &'p Plan<'_>) -> (Vec<Input<'p>>, Outcome) {
    let (stdin, paths): (Vec<_>, Vec<_>) = plan.paths.iter().cloned().partition(|path| path.as_os_str() == "-");
    let found = walk_in(plan.files, &paths);
    let mut inputs: Vec<Input<'p>> = found.files.into_iter().map(Input::File).collect();
    inputs.extend(plan.pieces.iter().map(Input::Piece));
    // Standard input can be read once.
    inputs.extend(stdin.first().map(|_| Input::Stdin));
    let outcome = Outcome {
        tally: Tally::default(),
        fold: Fold::new(Arc::clone(&plan.spill), plan.memory_bytes),
        hashes: BTreeMap::new(),
        chain: Chain::default(),
        files: 0,
        bytes: 0,
        is_partial: found.skipped.iter().any(|s| s.lost),
        missing: found.skipped.iter().filter(|s| s.missing).map(|s| s.what.clone()).collect(),
        skipped: found
            .skipped
            .into_iter()
            .map(|s| Skipped { what: s.what, why: s.why, records: 0, bytes: s.bytes })
            .collect(),
        digests: 0,
    };
    (inputs, outcome)
}

impl Outcome {
    /// Takes over what came of another input.
    pub fn merge(&mut self, other: Outcome) -> io::Result<()> {
        let Outcome { tally, fold, hashes, chain, files, bytes, skipped, is_partial, missing, digests } = other;
        self.hashes.extend(hashes);
        self.missing.extend(missing);
        self.take(Part { tally, fold, chain, files, bytes, skipped, is_partial, digests, failed: None })
    }

    fn take(&mut self, part: Part) -> io::Result<()> {
        if let Some(err) = part.failed {
            return Err(err);
        }
        self.tally.merge(part.tally);
        self.fold.merge(part.fold)?;
        self.chain.merge(part.chain);
        self.files += part.files;
        self.bytes += part.bytes;
        self.skipped.extend(part.skipped);
        self.is_partial |= part.is_partial;
        self.digests += part.digests;
        Ok(())
    }
}

/// What one thread made.
#[derive(Default)]
struct Part {
    tally: Tally,
    fold: Fold,
    chain: Chain,
    files: u64,
    bytes: u64,
    skipped: Vec<Skipped>,
    is_partial: bool,
    digests: u64,
    /// Findings could not be put aside.
    failed: Option<io::Error>,
}

/// One thread at work.
struct Worker<'a> {
    plan: &'a Plan<'a>,
    bound: &'a [Bound],
    progress: &'a Progress,
    part: Part,
    states: Vec<State>,
    held: Vec<Held>,
    envelope: Envelope,
    file: OneFile,
    events_shown: u64,
    buffer: Vec<u8>,
    keeper: Option<Keeper<'a>>,
}

/// What a thread needs for one source.
pub struct State {
    /// The values of the record in hand.
    pub slots: Slots,
    /// What the matcher works with.
    pub scratch: Scratch,
    /// How the rows are read of the table that is being read.
    pub rows: Option<Rows>,
    /// Its columns as text.
    format: String,
}

impl State {
    /// Nothing is known of a record yet.
    pub fn new(bound: &Bound) -> State {
        let detector = &bound.detector;
        let (slots, scratch) = (detector.layout().slots(), detector.scratch());
        State { slots, scratch, rows: None, format: String::new() }
    }
}

/// What is known of the file being read.
#[derive(Default)]
struct OneFile {
    number: u32,
    ordinal: u64,
    has_rows: bool,
    /// The hash of the inflated object, where it is known from the start.
    hash: Option<[u8; 32]>,
    /// How many of its bytes lie before those in hand.
    base: u64,
    /// Where the record in hand begins.
    offset: Option<u64>,
    /// Whether a finding names a row of it.
    names_rows: bool,
    digest: bool,
    /// Why nothing of it was read as a log, if that is so.
    unknown: Option<String>,
    /// What was not read.
    reasons: Reasons,
}

impl OneFile {
    fn add(&mut self, why: &str, records: u64, bytes: usize) {
        self.reasons.add(why, records, bytes);
    }
}

/// The hash of an object that is too large to keep: most have no row that needs it, so it is not made on the way.
fn hash_of(input: &Input<'_>, plan: &Plan<'_>) -> Option<[u8; 32]> {
    let Input::File(file) = input else { return None };
    let mut blob = Blob::open_in(plan.files, &file.path, &plan.limits).ok()?;
    let mut hasher = Sha256::new();
    let mut buffer = Vec::new();
    loop {
        buffer.clear();
        let more = blob.read(&mut buffer, CHUNK_BYTES);
        hasher.update(&buffer);
        if !matches!(more, Ok(true)) {
            return Some(hasher.finalize().into());
        }
    }
}

/// Whether the records are likely JSON, which have ids of their own.
fn begins_as_json(text: &[u8]) -> bool {
    let text = text.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(text);
    matches!(text.trim_ascii_start().first(), Some(b'{' | b'['))
}

/// The place of CloudTrail in [`source::source::ALL`]; the framings know which is which.
pub const CLOUDTRAIL: usize = 0;
/// The same of flow logs.
pub const FLOW: usize = 1;

/// When an event happened, or why a record is none: an event of a known log always has a time.
pub fn time_of(which: usize, envelope: &Envelope) -> Result<i64, &'static str> {
    envelope.time_ms.ok_or(match which {
        FLOW => "a row without a time: no rule can place it (its format needs `start` or `end`)",
        _ => "a JSON object that is no record of a known log",
    })
}

impl<'a> Worker<'a> {
    fn new(plan: &'a Plan<'a>, bound: &'a [Bound], progress: &'a Progress, memory_bytes: usize) -> Worker<'a> {
        Worker {
            plan,
            bound,
            progress,
            part: Part { fold: Fold::new(Arc::clone(&plan.spill), memory_bytes), ..Part::default() },
            states: bound.iter().map(State::new).collect(),
            held: Vec::new(),
            envelope: Envelope::default(),
            file: OneFile::default(),
            events_shown: 0,
            buffer: Vec::new(),
            keeper: plan.keep.map(Keep::keeper),
        }
    }

    fn read(&mut self, number: u32, input: &Input<'_>, hashes: &Mutex<BTreeMap<u32, [u8; 32]>>) {
        self.file = OneFile { number, ..OneFile::default() };
        let (name, opened) = match input {
            Input::File(file) => (collect::walk::show(&file.path), self.open(file)),
            Input::Stdin => (
                "(standard input)".to_owned(),
                Blob::from_reader("(standard input)", std::io::stdin(), &self.plan.limits),
            ),
            Input::Piece(piece) => {
                let bytes = std::io::Cursor::new(piece.bytes.clone());
                (piece.name.clone(), Blob::from_reader(&piece.name, bytes, &self.plan.limits))
            }
        };
        if let Some(keeper) = &mut self.keeper {
            keeper.open(&name, if let Input::Piece(piece) = input { piece.trust } else { "file" });
        }
        match opened {
            Ok(blob) => {
                let hash = self.read_blob(blob, input);
                if self.file.names_rows {
                    let hash = hash.or_else(|| hash_of(input, self.plan));
                    hashes.lock().expect("no worker panicked").extend(hash.map(|hash| (number, hash)));
                }
            }
            Err(err) => {
                let size = if let Input::File(file) = input { file.size } else { 0 };
                self.progress.done.fetch_add(size, Ordering::Relaxed);
                self.file.unknown = Some(err.why());
                self.file.add(&err.why(), 0, size as usize);
            }
        }
        // A file that is no log stays where it is; what was sent is nowhere else.
        if let (Input::Piece(piece), Some(why), Some(keeper)) = (input, self.file.unknown.take(), &mut self.keeper) {
            keeper.piece("", &why, &piece.bytes, 0, None);
        }
        self.close(name);
    }

    fn open(&self, file: &File) -> Result<Blob, OpenError> {
        Blob::open_in(self.plan.files, &file.path, &self.plan.limits)
    }

    /// Reads an object, and gives its hash where that is known already: of what was in memory as a whole, and of what is read only once.
    fn read_blob(&mut self, mut blob: Blob, input: &Input<'_>) -> Option<[u8; 32]> {
        let only_once = matches!(input, Input::Stdin);
        let mut reader = Reader::new(self.plan.columns.clone());
        let mut hasher = only_once.then(Sha256::new);
        // One buffer for all files: to get memory from the system anew for each costs more than to scan it.
        let mut buffer = std::mem::take(&mut self.buffer);
        buffer.clear();
        let mut seen = 0;
        let mut is_first = true;
        self.part.files += 1;
        loop {
            let before = buffer.len();
            let more = blob.read(&mut buffer, CHUNK_BYTES);
            let is_last = !matches!(more, Ok(true));
            if let Some(hasher) = &mut hasher {
                hasher.update(&buffer[before..]);
            }
            if is_first && self.keeper.is_some() && !begins_as_json(&buffer) {
                // What is kept of a row must not depend on how the object was read, so its id is needed now.
                let whole = is_last.then(|| Sha256::digest(&buffer).into());
                self.file.hash = whole.or_else(|| hash_of(input, self.plan));
            }
            let done = reader.read(&buffer, is_last, self);
            self.file.base += done as u64;
            if is_first && is_last && self.file.names_rows {
                hasher = Some(Sha256::new_with_prefix(&buffer));
            }
            buffer.drain(..done);
            self.advance(blob.bytes_read(), &mut seen);
            if let Err(broken) = more {
                self.file.unknown.get_or_insert_with(|| broken.why());
                self.file.add(&broken.why(), 0, 0);
            }
            if is_last {
                self.buffer = buffer;
                return hasher.map(|hasher| hasher.finalize().into());
            }
            is_first = false;
        }
    }

    fn advance(&mut self, bytes_read: u64, seen: &mut u64) {
        self.progress.done.fetch_add(bytes_read - *seen, Ordering::Relaxed);
        let events = self.part.tally.events;
        self.progress.events.fetch_add(events - std::mem::replace(&mut self.events_shown, events), Ordering::Relaxed);
        self.part.bytes += bytes_read - *seen;
        *seen = bytes_read;
    }

    /// Counts a record that the splitter has found.
    fn found(&mut self) {
        if let Some(keeper) = &mut self.keeper {
            keeper.found();
        }
    }

    /// Counts a record that cannot be read, and keeps it as it is.
    fn reject(&mut self, which: usize, why: &str, text: &[u8]) {
        self.file.add(why, 1, text.len());
        if let Some(keeper) = &mut self.keeper {
            keeper.piece(self.bound[which].source.name, why, text, 1, self.file.offset);
        }
    }

    /// Says of the file what was not read of it.
    fn close(&mut self, name: String) {
        let file = std::mem::take(&mut self.file);
        self.part.digests += u64::from(file.digest);
        for skipped in file.reasons.of(&name) {
            self.part.is_partial = true;
            self.part.skipped.push(skipped);
        }
    }

    /// Looks at one record whose values are in the slots of its source.
    fn event(&mut self, which: usize, raw: &str, row: Option<Row<'_>>, parse: &dyn Fn(&str) -> Value) {
        let Worker { plan, bound, part, states, held, envelope, file, keeper, .. } = self;
        let Bound { source, detector, .. } = &bound[which];
        let state = &mut states[which];
        let mut fields = Fields::new(raw, detector.layout(), &mut state.slots, parse);
        envelope.clear();
        (source.envelope)(&mut fields, detector.envelope(), envelope);
        file.ordinal += 1;
        let time_ms = match time_of(which, envelope) {
            Ok(time_ms) => time_ms,
            Err(why) => {
                file.add(why, 1, raw.len());
                if let Some(keeper) = keeper {
                    keeper.piece(source.name, why, raw.as_bytes(), 1, file.offset);
                }
                return;
            }
        };
        if plan.from_ms.is_some_and(|from| time_ms < from) || plan.to_ms.is_some_and(|to| time_ms >= to) {
            part.tally.filtered += 1;
            return;
        }
        part.tally.add(source.name, envelope);
        part.tally.duplicate_keys += u64::from(fields.duplicate_key());
        detector.detect(&mut fields, &mut state.scratch, held);
        let kept = keeper.as_mut().map(|keeper| {
            let (action, _) = (source.brief)(&mut fields, detector.envelope());
            let place = Place { ordinal: file.ordinal, offset: file.offset, object: file.hash };
            let is_odd = fields.duplicate_key();
            keeper.event(which, envelope, &action, &place, is_odd, row, raw)
        });
        for what in held.iter() {
            match what {
                Held::Rule(number) => {
                    let rule = &plan.rules.rules[*number as usize];
                    if let (Some(keeper), Some(kept)) = (keeper.as_mut(), &kept) {
                        keeper.hit(source.name, rule, envelope, kept, row, raw);
                        if plan.hits == Hits::Kept {
                            continue;
                        }
                    }
                    let uid = match &kept {
                        Some(kept) => Uid::new(kept.uid()),
                        None => uid(envelope, file, raw),
                    };
                    let hit = Hit { number: *number, rule, envelope, uid, source: source.name };
                    let mut looker = Looker { source, detector, fields: &mut fields };
                    if let Err(err) = part.fold.add(&hit, raw, &mut looker) {
                        part.failed.get_or_insert(err);
                    }
                }
                Held::Watch(_) => link(source, envelope, &parse(raw), &mut part.chain),
            }
        }
    }
}

/// Reads the record in hand for the fold.
pub struct Looker<'a, 'f> {
    /// Its source.
    pub source: &'static Source,
    /// The rules of the source.
    pub detector: &'a Detector,
    /// The values of the record.
    pub fields: &'a mut Fields<'f>,
}

impl Look for Looker<'_, '_> {
    fn brief(&mut self) -> (String, String) {
        (self.source.brief)(self.fields, self.detector.envelope())
    }

    fn resources(&mut self, add: &mut dyn FnMut(&str)) {
        (self.source.targets)(self.fields, self.detector.envelope(), add);
    }

    fn whole(&mut self) -> (&Value, Description) {
        let record = self.fields.tree();
        let mut description = Description::default();
        (self.source.describe)(record, &mut description);
        (record, description)
    }
}

/// The event's own id, else one made of its object and place, else of its text.
fn uid(envelope: &Envelope, file: &mut OneFile, raw: &str) -> Uid {
    if !envelope.uid.is_empty() {
        return Uid::new(&envelope.uid);
    }
    if file.has_rows {
        file.names_rows = true;
        return Uid::Row { object: file.number, ordinal: file.ordinal };
    }
    Uid::of_hash(&[raw.as_bytes()])
}

fn link(source: &Source, envelope: &Envelope, record: &Value, chain: &mut Chain) {
    let Some(issued) = (source.issued)(record) else { return };
    let mut description = Description::default();
    (source.describe)(record, &mut description);
    let link = Link {
        time_ms: envelope.time_ms.unwrap_or(0),
        from_uid: envelope.principal_uid.as_str().into(),
        from: description.principal.into(),
        from_key: envelope.access_key.as_str().into(),
        to: issued.to.into(),
        by: issued.by.into(),
    };
    chain.add(&issued.access_key, link);
}

impl Sink for Worker<'_> {
    fn json(&mut self, text: &[u8], at: usize) -> Result<usize, ScanError> {
        let layout = self.bound[CLOUDTRAIL].detector.layout();
        let end = layout.fill(text, at, &mut self.states[CLOUDTRAIL].slots)?;
        self.file.offset = Some(self.file.base + at as u64);
        self.found();
        match std::str::from_utf8(&text[at..end]) {
            Ok(raw) => self.event(CLOUDTRAIL, raw, None, &|raw| Value::parse(raw).unwrap_or(Value::Null)),
            Err(_) => self.reject(CLOUDTRAIL, "a record that is not UTF-8", &text[at..end]),
        }
        Ok(end)
    }

    fn flow(&mut self, columns: &Columns, line: &str) {
        self.file.has_rows = true;
        self.found();
        let layout = self.bound[FLOW].detector.layout();
        let state = &mut self.states[FLOW];
        if !state.rows.as_ref().is_some_and(|rows| rows.have(columns)) {
            state.rows = Some(Rows::new(columns, layout));
            state.format = columns.format();
        }
        let Some(rows) = &mut state.rows else { return };
        self.file.offset = None;
        match rows.fill(line, &mut state.slots) {
            Ok(()) => {
                let format = std::mem::take(&mut self.states[FLOW].format);
                self.event(FLOW, line, Some(Row { columns, format: &format }), &|raw| columns.tree(raw));
                self.states[FLOW].format = format;
            }
            Err(why) => self.reject(FLOW, why, line.as_bytes()),
        }
    }

    fn group(&mut self, owner: &str, group: &str, stream: &str) {
        if let Some(keeper) = &mut self.keeper {
            keeper.group(owner, group, stream);
        }
    }

    fn note(&mut self, note: Note, text: &[u8]) {
        let (why, bytes, n_records) = match note {
            Note::Rejected { why, bytes } => (why, bytes, 1),
            Note::Damaged { why, bytes } => (why, bytes, 0),
            Note::Unknown { why } => {
                self.file.unknown = Some(why.clone());
                (why, 0, 0)
            }
            Note::Digest => {
                self.file.digest = true;
                return;
            }
        };
        self.file.add(&why, n_records, bytes);
        (0..n_records).for_each(|_| self.found());
        if let Some(keeper) = self.keeper.as_mut().filter(|_| bytes > 0) {
            keeper.piece("", &why, text, n_records, None);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::account_of;

    #[test]
    fn the_account_stands_in_the_path() {
        for (path, account) in [
            ("x/AWSLogs/o-abc123/111122223333/CloudTrail/eu-west-1/2026/11/01/f.json.gz", Some("111122223333")),
            ("AWSLogs/111122223333/vpcflowlogs/eu-west-1/f.log.gz", Some("111122223333")),
            ("AWSLogs/aws-account-id=111122223333/aws-service=vpcflowlogs/f.log.gz", Some("111122223333")),
            ("logs/111122223333_CloudTrail_eu-west-1_20261101T0000Z_x.json.gz", Some("111122223333")),
            ("logs/999988887777/events.json", None),
            ("AWSLogs", None),
        ] {
            assert_eq!(account_of(path).as_deref(), account, "{path}");
        }
    }
}
