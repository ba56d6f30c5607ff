//! What the pipeline is asked to do, and what came of it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use collect::blob::Limits;
use collect::files::Files;
use detect::chain::Chain;
use detect::fold::Fold;
use detect::load::RuleSet;
use detect::spill::Spill;
use event::layout::Estate;
use report::Skipped;
use source::aws_vpc_flow::format::Columns;

use crate::keep::Keep;
use crate::spill::TempFile;
use crate::tally::Tally;

/// What findings may take in memory before they are put aside.
pub const MEMORY_BYTES: usize = 48 << 20;

/// What to read and how.
pub struct Plan<'a> {
    /// Files and folders; `-` is standard input.
    pub paths: Vec<PathBuf>,
    /// Where files are.
    pub files: &'a dyn Files,
    /// The rules.
    pub rules: &'a RuleSet,
    /// From this time on.
    pub from_ms: Option<i64>,
    /// Up to, but not including, this time.
    pub to_ms: Option<i64>,
    /// Columns of flow-log rows without a header.
    pub columns: Columns,
    /// What is known of the place that the logs are from.
    pub estate: Estate,
    /// Threads.
    pub n_threads: usize,
    /// What a file may inflate to.
    pub limits: Limits,
    /// Texts that are in memory already.
    pub pieces: Vec<Piece>,
    /// What keeps the records, where they are to be kept.
    pub keep: Option<&'a Keep>,
    /// What becomes of hits where records are kept.
    pub hits: Hits,
    /// Where findings are put aside that take more memory than they may.
    pub spill: Arc<dyn Spill>,
    /// What they may take.
    pub memory_bytes: usize,
}

/// A text that is in memory.
#[derive(Clone, Debug)]
pub struct Piece {
    /// The name of the object it came from.
    pub name: String,
    /// How far its sender is trusted.
    pub trust: &'static str,
    /// The text, packed or not.
    pub bytes: Vec<u8>,
}

/// What becomes of hits where records are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hits {
    /// They are kept too, and folded by whoever reads them.
    Kept,
    /// They are kept, and folded as they come.
    KeptAndFolded,
}

impl<'a> Plan<'a> {
    /// These rules and nothing to read, within the usual bounds.
    pub fn new(rules: &'a RuleSet) -> Plan<'a> {
        Plan {
            paths: Vec::new(),
            files: &collect::files::Disk,
            rules,
            from_ms: None,
            to_ms: None,
            columns: Columns::default_format(),
            estate: Estate::default(),
            n_threads: std::thread::available_parallelism().map_or(1, usize::from),
            limits: Limits::default(),
            spill: Arc::new(TempFile::new(None)),
            memory_bytes: MEMORY_BYTES,
            pieces: Vec::new(),
            keep: None,
            hits: Hits::Kept,
        }
    }
}

/// What came of it.
pub struct Outcome {
    /// What was counted.
    pub tally: Tally,
    /// Findings in the making.
    pub fold: Fold,
    /// The hashes of objects whose rows findings name.
    pub hashes: BTreeMap<u32, [u8; 32]>,
    /// Who handed credentials to whom.
    pub chain: Chain,
    /// Files read, as far as they could be.
    pub files: u64,
    /// Bytes read, packed as they were.
    pub bytes: u64,
    /// What was not read, or only in part.
    pub skipped: Vec<Skipped>,
    /// Whether records may be missing from the result.
    pub is_partial: bool,
    /// Paths that were given and do not exist.
    pub missing: Vec<String>,
    /// CloudTrail digest files: no records, kept for verification.
    pub digests: u64,
}

/// How far a run is, for a progress bar.
#[derive(Debug, Default)]
pub struct Progress {
    /// Bytes to read, or rows.
    pub total: AtomicU64,
    /// Those read.
    pub done: AtomicU64,
    /// Events seen.
    pub events: AtomicU64,
}
