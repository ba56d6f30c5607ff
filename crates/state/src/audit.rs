//! The audit: who changed what and when, each entry bound to the one before it by a hash.
//!
//! Whoever edits, cuts out or re-orders entries breaks the chain. Whoever cuts off its end, or makes the whole chain anew, does not know the key
//! of the checkpoints, which are written beside the database as changes are made, and with them a [witness](crate::witness) of the last entry.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, params};
use sha2::{Digest, Sha256};

use crate::entropy::{Entropy, hex, is_same};
use crate::witness::{self, Beside, Head};

/// How long a checkpoint may be behind.
const CHECKPOINT_EVERY_MS: i64 = 60_000;
/// What the first entry is bound to.
pub(crate) const HASH_BEFORE_FIRST: [u8; 32] = [0; 32];

/// An entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its number, from 1, without gaps.
    pub seq: i64,
    /// When, in milliseconds since 1970.
    pub time_ms: i64,
    /// Who.
    pub who: String,
    /// What kind of change: `login`, `finding.decided`.
    pub kind: String,
    /// What, as JSON.
    pub what: String,
}

/// What a verification found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// How many entries there are.
    pub entries: u64,
    /// How many of them a checkpoint vouches for.
    pub vouched: u64,
    /// What is wrong, in order.
    pub troubles: Vec<Trouble>,
}

/// Something that is wrong with the audit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// Entries are missing before this one.
    Gap {
        /// The entry behind the gap.
        before: i64,
    },
    /// This entry does not go with the one before it: one of the two was changed, or they were re-ordered.
    Broken {
        /// The entry.
        seq: i64,
    },
    /// Entries up to this one were there when a checkpoint was written, and are not now.
    Cut {
        /// The last entry that was there.
        upto: i64,
    },
    /// A checkpoint and the entry that it vouches for differ.
    Forged {
        /// The entry.
        seq: i64,
    },
    /// A checkpoint is not by our key.
    Unsigned {
        /// The line of the file.
        line: usize,
    },
    /// There are entries, and no checkpoints.
    NoCheckpoints,
    /// There are entries, and the key that vouches for them is gone.
    NoKey,
    /// There are entries, and no witness of the last.
    NoWitness,
    /// The witness is not by our key.
    UnsignedWitness,
}

impl std::fmt::Display for Trouble {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Trouble::Gap { before } => write!(f, "entries before {before} are missing"),
            Trouble::Broken { seq } => {
                write!(f, "entry {seq} does not go with the one before it: it was changed or moved")
            }
            Trouble::Cut { upto } => write!(f, "entries up to {upto} were there and are missing now"),
            Trouble::Forged { seq } => write!(f, "entry {seq} is not the one that a checkpoint vouches for"),
            Trouble::Unsigned { line } => write!(f, "line {line} of the checkpoints is not by this installation's key"),
            Trouble::NoCheckpoints => f.write_str("there are entries and no checkpoints"),
            Trouble::NoKey => f.write_str("there are entries and no key: nothing can be vouched for"),
            Trouble::NoWitness => f.write_str("there are entries and no witness of the last"),
            Trouble::UnsignedWitness => f.write_str("the witness is not by this installation's key"),
        }
    }
}

pub(crate) const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS audit (
    seq INTEGER PRIMARY KEY, time_ms INTEGER NOT NULL, who TEXT NOT NULL, kind TEXT NOT NULL, what TEXT NOT NULL, hash BLOB NOT NULL
) STRICT;";

/// Adds an entry; its number and hash.
pub(crate) fn add(
    tx: &Connection,
    time_ms: i64,
    who: &str,
    kind: &str,
    what: &str,
) -> rusqlite::Result<(i64, [u8; 32])> {
    let Head { seq, hash: before } = witness::head(tx)?;
    let seq = seq + 1;
    let entry = Entry { seq, time_ms, who: who.to_owned(), kind: kind.to_owned(), what: what.to_owned() };
    let hash = entry.hash(&before);
    tx.prepare_cached("INSERT INTO audit (seq, time_ms, who, kind, what, hash) VALUES (?, ?, ?, ?, ?, ?)")?
        .execute(params![seq, time_ms, who, kind, what, hash])?;
    Ok((seq, hash))
}

impl Entry {
    fn hash(&self, before: &[u8; 32]) -> [u8; 32] {
        let mut hasher = Sha256::new();
        hasher.update(before);
        hasher.update(self.seq.to_be_bytes());
        hasher.update(self.time_ms.to_be_bytes());
        for text in [&self.who, &self.kind, &self.what] {
            hasher.update((text.len() as u64).to_be_bytes());
            hasher.update(text);
        }
        hasher.finalize().into()
    }
}

/// The checkpoints beside a database: lines of number, hash, and a code that only the holder of the key can make.
pub(crate) struct Checkpoints {
    beside: Beside,
    key: [u8; 32],
    written_ms: i64,
    written_seq: i64,
}

impl Checkpoints {
    /// Opens the checkpoints of a database, with the key beside it; both are made if they are not there.
    pub(crate) fn open(database: &Path, entropy: &dyn Entropy) -> std::io::Result<Checkpoints> {
        let beside = Beside::of(database);
        let key = match witness::read(&beside.key)? {
            // It is made before anything is vouched for, so one without bytes never was one.
            Some(bytes) if !bytes.is_empty() => {
                let wrong = |_| std::io::Error::other(format!("{} is not a key", beside.key.display()));
                bytes.try_into().map_err(wrong)?
            }
            _ => {
                let mut key = [0; 32];
                entropy.fill(&mut key);
                let mut file = private(&beside.key)?;
                file.write_all(&key)?;
                file.sync_all()?;
                key
            }
        };
        Ok(Checkpoints { beside, key, written_ms: i64::MIN, written_seq: -1 })
    }

    /// Vouches for an entry if the last checkpoint is a while ago.
    pub(crate) fn at(&mut self, head: &Head, now_ms: i64) -> std::io::Result<()> {
        // A clock that was set back vouches too often rather than never.
        if (0..CHECKPOINT_EVERY_MS).contains(&now_ms.saturating_sub(self.written_ms)) {
            return Ok(());
        }
        self.write(head, now_ms)
    }

    /// Vouches for an entry.
    pub(crate) fn write(&mut self, head: &Head, now_ms: i64) -> std::io::Result<()> {
        let Head { seq, hash } = head;
        if *seq == self.written_seq {
            return Ok(());
        }
        // Before the first entry there is nothing to vouch for, and the first is vouched for at once.
        if *seq > 0 {
            self.written_ms = now_ms;
            let code = code(&self.key, &[&seq.to_be_bytes(), hash]);
            let mut file = private(&self.beside.checkpoints)?;
            writeln!(file, "{seq} {} {}", hex(hash), hex(&code))?;
            file.sync_data()?;
        }
        witness::write(&self.beside.witness, &self.key, head)?;
        self.written_seq = *seq;
        Ok(())
    }
}

/// Makes a file that only its owner can read.
pub(crate) fn private(path: &Path) -> std::io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt as _;
    File::options().create(true).append(true).mode(0o600).open(path)
}

/// HMAC-SHA-256 of these pieces.
pub(crate) fn code(key: &[u8; 32], pieces: &[&[u8]]) -> [u8; 32] {
    let pad = |byte: u8| -> [u8; 64] { std::array::from_fn(|at| key.get(at).copied().unwrap_or(0) ^ byte) };
    let begun = Sha256::new().chain_update(pad(0x36));
    let inner = pieces.iter().fold(begun, |hash, piece| hash.chain_update(piece)).finalize();
    Sha256::new().chain_update(pad(0x5C)).chain_update(inner).finalize().into()
}

/// Looks at the whole audit of a database that nobody need have open.
///
/// # Errors
/// When the files cannot be read.
pub fn verify(database: &Path) -> Result<Report, VerifyError> {
    let failed = |err| VerifyError::Database { path: database.to_owned(), err };
    let connection =
        Connection::open_with_flags(database, rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY).map_err(failed)?;
    verify_connection(&connection, database)
}

/// The same over a connection to it, as whoever has it open sees it.
///
/// # Errors
/// As [`verify`].
pub fn verify_connection(connection: &Connection, database: &Path) -> Result<Report, VerifyError> {
    let failed = |err| VerifyError::Database { path: database.to_owned(), err };
    // Before the entries: what is vouched for meanwhile is not missing.
    let vouchers = Vouchers::read(database)?;
    let mut report = Report::default();
    let mut hashes = Vec::new();
    let mut statement =
        connection.prepare("SELECT seq, time_ms, who, kind, what, hash FROM audit ORDER BY seq").map_err(failed)?;
    let mut rows = statement.query([]).map_err(failed)?;
    let mut before = HASH_BEFORE_FIRST;
    let mut expected = 1;
    while let Some(row) = rows.next().map_err(failed)? {
        report.entries += 1;
        // Somebody may have put another type in a column: that is an edit, and no reason to stop.
        let read = || -> rusqlite::Result<(Entry, [u8; 32])> {
            let entry = Entry {
                seq: row.get(0)?,
                time_ms: row.get(1)?,
                who: row.get(2)?,
                kind: row.get(3)?,
                what: row.get(4)?,
            };
            Ok((entry, row.get(5)?))
        };
        let seq: i64 = row.get(0).map_err(failed)?;
        if seq != expected {
            report.troubles.push(Trouble::Gap { before: seq });
        }
        match read() {
            Ok((entry, hash)) => {
                if seq == expected && entry.hash(&before) != hash {
                    report.troubles.push(Trouble::Broken { seq });
                }
                before = hash;
                hashes.push((seq, hash));
            }
            Err(_) => report.troubles.push(Trouble::Broken { seq }),
        }
        expected = seq + 1;
    }
    checkpoints(&vouchers, &hashes, &mut report);
    last(&vouchers, &hashes, &mut report);
    Ok(report)
}

/// What vouches for an audit.
struct Vouchers {
    key: Option<[u8; 32]>,
    checkpoints: Option<Vec<u8>>,
    witness: Option<Vec<u8>>,
}

impl Vouchers {
    fn read(database: &Path) -> Result<Vouchers, VerifyError> {
        let beside = Beside::of(database);
        let read = |path: PathBuf| witness::read(&path).map_err(|err| VerifyError::File { path, err });
        let key = read(beside.key)?.and_then(|key| <[u8; 32]>::try_from(key).ok());
        Ok(Vouchers { key, checkpoints: read(beside.checkpoints)?, witness: read(beside.witness)? })
    }
}

/// Asks the witness whether the last entry is there.
fn last(vouchers: &Vouchers, hashes: &[(i64, [u8; 32])], report: &mut Report) {
    let Some(key) = &vouchers.key else {
        if !hashes.is_empty() {
            report.troubles.push(Trouble::NoKey);
        }
        return;
    };
    let trouble = match vouchers.witness.as_ref().map(|bytes| witness::said(bytes, key)) {
        None if hashes.is_empty() => None,
        None => Some(Trouble::NoWitness),
        Some(None) => Some(Trouble::UnsignedWitness),
        Some(Some(Head { seq: 0, .. })) => None,
        Some(Some(Head { seq, hash })) => match hashes.binary_search_by_key(&seq, |(seq, _)| *seq) {
            Ok(at) if hashes[at].1 == hash => None,
            Ok(_) => Some(Trouble::Forged { seq }),
            Err(_) => Some(Trouble::Cut { upto: seq }),
        },
    };
    report.troubles.extend(trouble.filter(|trouble| !report.troubles.contains(trouble)));
}

fn checkpoints(vouchers: &Vouchers, hashes: &[(i64, [u8; 32])], report: &mut Report) {
    let (Some(text), Some(key)) = (&vouchers.checkpoints, &vouchers.key) else {
        if !hashes.is_empty() && vouchers.key.is_some() {
            report.troubles.push(Trouble::NoCheckpoints);
        }
        return;
    };
    let text = String::from_utf8_lossy(text);
    for (number, line) in text.split_terminator('\n').enumerate() {
        let mut parts = line.split(' ');
        let seq = parts.next().and_then(|seq| seq.parse::<i64>().ok());
        let (hash, signed) = (parts.next().and_then(unhex), parts.next().and_then(unhex));
        let (Some(seq), Some(hash), Some(signed)) = (seq, hash, signed) else {
            report.troubles.push(Trouble::Unsigned { line: number + 1 });
            continue;
        };
        if !is_same(&code(key, &[&seq.to_be_bytes(), &hash]), &signed) {
            report.troubles.push(Trouble::Unsigned { line: number + 1 });
            continue;
        }
        match hashes.binary_search_by_key(&seq, |(seq, _)| *seq) {
            Ok(at) if hashes[at].1 == hash => report.vouched = report.vouched.max(seq as u64),
            Ok(_) => report.troubles.push(Trouble::Forged { seq }),
            Err(at) if at == hashes.len() => report.troubles.push(Trouble::Cut { upto: seq }),
            Err(_) => {}
        }
    }
    if report.vouched == 0 && !hashes.is_empty() && report.troubles.is_empty() {
        report.troubles.push(Trouble::NoCheckpoints);
    }
}

pub(crate) fn unhex(text: &str) -> Option<[u8; 32]> {
    let digit = |byte: u8| (byte as char).to_digit(16).map(|n| n as u8);
    let bytes = text.as_bytes();
    if bytes.len() != 64 {
        return None;
    }
    let mut out = [0; 32];
    for (out, pair) in out.iter_mut().zip(bytes.chunks_exact(2)) {
        *out = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(out)
}

/// Why the audit could not be looked at.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// The database cannot be read.
    #[error("cannot read the audit in {}", path.display())]
    Database {
        /// The database.
        path: PathBuf,
        /// Why.
        #[source]
        err: rusqlite::Error,
    },
    /// A file beside it cannot be read.
    #[error("cannot read {}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        err: std::io::Error,
    },
}
