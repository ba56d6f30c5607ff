//! A backup as a file: a tar of the few files that it may have, the first of which says how long the others are and what their hashes are.
//! Names are compared with a list, so that none becomes a path; links, folders and whatever else a tar can hold are refused.

use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Write};
use std::path::Path;

use anyhow::{Context, bail, ensure};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// The form of the archive.
const FORM: u32 = 1;
const MANIFEST: &str = "manifest.json";
/// The files that there may be, the longest that each may be, and whether it must be there.
const FILES: [(&str, u64, bool); 5] = [
    ("state.sqlite", 8 << 30, true),
    ("state.audit-key", 32, true),
    ("state.audit-checkpoints", 1 << 30, false),
    ("state.audit-witness", 4 << 10, false),
    ("settings.toml", 1 << 20, false),
];
const MANIFEST_BYTES_MAX: u64 = 64 << 10;
const BLOCK: usize = 512;

/// What an archive says of itself.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    form: u32,
    /// The version of the program that made it.
    pub program: String,
    /// When, RFC 3339.
    pub made: String,
    files: Vec<Part>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Part {
    name: String,
    bytes: u64,
    sha256: String,
}

/// The names that an archive may have.
pub fn names() -> impl Iterator<Item = &'static str> {
    FILES.iter().map(|(name, ..)| *name)
}

/// Copies up to so many bytes; their number and hash.
fn copy(from: &mut impl Read, to: &mut impl Write, bytes_max: u64) -> std::io::Result<(u64, String)> {
    let (mut hasher, mut buffer, mut n) = (Sha256::new(), vec![0; 64 << 10], 0);
    let mut from = from.take(bytes_max);
    loop {
        let read = from.read(&mut buffer)?;
        if read == 0 {
            let hash: String = hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
            return Ok((n, hash));
        }
        hasher.update(&buffer[..read]);
        to.write_all(&buffer[..read])?;
        n += read as u64;
    }
}

/// Writes those of the known files that are in a folder.
pub fn write(folder: &Path, program: &str, made: &str, out: &mut impl Write) -> anyhow::Result<Manifest> {
    let mut files = Vec::new();
    for (name, bytes_max, is_needed) in FILES {
        let path = folder.join(name);
        if !path.exists() && !is_needed {
            continue;
        }
        let mut file = File::open(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let (bytes, sha256) = copy(&mut file, &mut std::io::sink(), u64::MAX)?;
        ensure!(
            bytes < bytes_max || name == "state.audit-key" && bytes == 32,
            "{name} is too large for a backup: {bytes} bytes"
        );
        files.push(Part { name: name.to_owned(), bytes, sha256 });
    }
    let manifest = Manifest { form: FORM, program: program.to_owned(), made: made.to_owned(), files };
    let mut out = BufWriter::new(out);
    let text = serde_json::to_vec_pretty(&manifest)?;
    add(&mut out, MANIFEST, text.len() as u64, &mut text.as_slice())?;
    for part in &manifest.files {
        let mut file = BufReader::new(File::open(folder.join(&part.name))?);
        add(&mut out, &part.name, part.bytes, &mut file)?;
    }
    out.write_all(&[0; 2 * BLOCK])?;
    out.flush()?;
    Ok(manifest)
}

fn add(out: &mut impl Write, name: &str, bytes: u64, from: &mut impl Read) -> anyhow::Result<()> {
    out.write_all(&header(name, bytes))?;
    let (n, _) = copy(from, out, bytes)?;
    ensure!(n == bytes, "{name} became shorter while it was read");
    out.write_all(&vec![0; (BLOCK - (bytes % BLOCK as u64) as usize) % BLOCK])?;
    Ok(())
}

/// A header of ustar.
fn header(name: &str, bytes: u64) -> [u8; BLOCK] {
    let mut header = [0; BLOCK];
    let mut put = |at: usize, text: &str| header[at..at + text.len()].copy_from_slice(text.as_bytes());
    put(0, name);
    put(100, "0000600");
    put(108, "0000000");
    put(116, "0000000");
    put(124, &format!("{bytes:011o}"));
    put(136, "00000000000");
    put(148, "        ");
    put(156, "0");
    put(257, "ustar");
    put(263, "00");
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    header
}

/// Name and length of the next file; nothing at the end.
fn next(from: &mut impl Read) -> anyhow::Result<Option<(String, u64)>> {
    let mut block = [0; BLOCK];
    from.read_exact(&mut block).context("it ends too early")?;
    if block == [0; BLOCK] {
        return Ok(None);
    }
    let octal = |range: std::ops::Range<usize>| {
        let text = std::str::from_utf8(&block[range]).ok()?;
        u64::from_str_radix(text.trim_matches(['\0', ' ']), 8).ok()
    };
    let mut summed = block;
    summed[148..156].fill(b' ');
    let sum: u64 = summed.iter().map(|byte| u64::from(*byte)).sum();
    ensure!(octal(148..156) == Some(sum), "a header of it is damaged");
    ensure!(matches!(block[156], b'0' | 0), "it has something that is no file");
    ensure!(block[345..500].iter().all(|byte| *byte == 0), "it has a file in a folder");
    let name = block[..100].split(|byte| *byte == 0).next().unwrap_or_default();
    let name = String::from_utf8_lossy(name).into_owned();
    Ok(Some((name, octal(124..136).context("a length in it is none")?)))
}

fn skip_padding(from: &mut impl Read, bytes: u64) -> std::io::Result<()> {
    let n = (BLOCK - (bytes % BLOCK as u64) as usize) % BLOCK;
    from.read_exact(&mut [0; BLOCK][..n])
}

/// Reads an archive into a folder that is there and empty. What is not as it should be is an error, and the folder is then to be thrown away.
pub fn read(from: impl Read, folder: &Path) -> anyhow::Result<Manifest> {
    let mut from = BufReader::new(from);
    let first = next(&mut from)?;
    let Some((_, bytes)) = first.filter(|(name, bytes)| name == MANIFEST && *bytes <= MANIFEST_BYTES_MAX) else {
        bail!("it does not begin with {MANIFEST}, so it is no backup of Skywarden");
    };
    let mut text = Vec::new();
    let (n, _) = copy(&mut from, &mut text, bytes)?;
    ensure!(n == bytes, "it ends too early");
    skip_padding(&mut from, bytes)?;
    let form: serde_json::Value = serde_json::from_slice(&text).context("its manifest is no JSON")?;
    ensure!(form["form"] == FORM, "it is of another form ({}) than this program reads ({FORM})", form["form"]);
    let manifest: Manifest = serde_json::from_value(form).context("its manifest is not as it should be")?;
    for (at, part) in manifest.files.iter().enumerate() {
        let known = FILES.iter().find(|(name, ..)| *name == part.name);
        let Some((name, bytes_max, _)) = known else { bail!("a backup has no file `{}`", part.name) };
        ensure!(part.bytes <= *bytes_max, "{name} is longer than {bytes_max} bytes");
        ensure!(manifest.files[..at].iter().all(|other| other.name != part.name), "it has {name} twice");
    }
    for (name, ..) in FILES.iter().filter(|(.., is_needed)| *is_needed) {
        ensure!(manifest.files.iter().any(|part| part.name == *name), "{name} is missing");
    }
    for part in &manifest.files {
        let found = next(&mut from)?;
        ensure!(
            found.as_ref().is_some_and(|(name, bytes)| *name == part.name && *bytes == part.bytes),
            "its files are not those that it says: {} is expected",
            part.name
        );
        let path = folder.join(&part.name);
        let mut file = private(&path).with_context(|| format!("cannot write {}", path.display()))?;
        let (n, sha256) = copy(&mut from, &mut file, part.bytes)?;
        ensure!(n == part.bytes, "it ends too early");
        ensure!(sha256 == part.sha256, "{} is damaged: its hash is another", part.name);
        skip_padding(&mut from, part.bytes)?;
        file.sync_all()?;
    }
    ensure!(next(&mut from)?.is_none(), "it has more files than it says");
    Ok(manifest)
}

/// A new file that only its owner can read.
pub fn private(path: &Path) -> std::io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt as _;
    File::options().create_new(true).write(true).mode(0o600).open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[(&str, &[u8])]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a folder");
        for (name, bytes) in files {
            std::fs::write(folder.path().join(name), bytes).expect("written");
        }
        folder
    }

    fn good() -> Vec<u8> {
        let from = folder(&[("state.sqlite", &[7; 1_000]), ("state.audit-key", &[1; 32]), ("other", b"not ours")]);
        let mut out = Vec::new();
        write(from.path(), "1", "now", &mut out).expect("written");
        out
    }

    /// What is wrong with an archive; and whatever that is, nothing is outside of the folder.
    fn refusal(archive: &[u8]) -> Option<String> {
        let outer = folder(&[]);
        let inner = outer.path().join("in");
        std::fs::create_dir(&inner).expect("made");
        let refused = read(archive, &inner).err().map(|err| format!("{err:#}"));
        assert_eq!(std::fs::read_dir(outer.path()).expect("it reads").count(), 1);
        for entry in std::fs::read_dir(&inner).expect("it reads") {
            let entry = entry.expect("it reads");
            assert!(names().any(|name| entry.file_name() == name) && entry.file_type().expect("it has").is_file());
        }
        refused
    }

    #[test]
    fn what_was_written_is_read_and_other_programs_read_it_too() {
        let (archive, into) = (good(), folder(&[]));
        assert_eq!(read(archive.as_slice(), into.path()).expect("it is good").files.len(), 2);
        assert_eq!(std::fs::read(into.path().join("state.sqlite")).expect("it is there"), [7; 1_000]);
        let file = into.path().join("b.tar");
        std::fs::write(&file, &archive).expect("written");
        let listed = std::process::Command::new("tar").arg("tf").arg(&file).output().expect("tar is there");
        assert_eq!(String::from_utf8_lossy(&listed.stdout), "manifest.json\nstate.sqlite\nstate.audit-key\n");
    }

    #[test]
    fn every_flip_and_every_cut_is_found() {
        let archive = good();
        for cut in (0..archive.len() - 2 * BLOCK).step_by(97) {
            assert!(refusal(&archive[..cut]).is_some(), "cut at {cut}");
        }
        let manifest = BLOCK..2 * BLOCK;
        for at in (0..archive.len() - 2 * BLOCK).step_by(31).filter(|at| !manifest.contains(at)) {
            let mut changed = archive.clone();
            changed[at] ^= 0x55;
            // Padding says nothing.
            let is_padding = changed != archive && refusal(&changed).is_none();
            assert!(!is_padding || archive[at] == 0, "flip at {at}");
        }
    }

    /// Flips that somebody means: the sums of headers go with them, so that what they say is believed.
    #[test]
    fn no_bytes_make_reading_panic_or_write_elsewhere() {
        let seeds = [good(), made(&[("state.sqlite", 0), ("state.audit-key", 0)], &[("state.sqlite", b'0')])];
        cases::mutate(&seeds, 1_500, |input| {
            let mut input = input.to_vec();
            for block in input.chunks_exact_mut(BLOCK).filter(|block| &block[257..262] == b"ustar") {
                block[148..156].fill(b' ');
                let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
                block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
            }
            refusal(&input);
        });
    }

    /// An archive with a manifest of these files, and these files.
    fn made(said: &[(&str, u64)], files: &[(&str, u8)]) -> Vec<u8> {
        let part = |(name, bytes): &(&str, u64)| Part { name: (*name).into(), bytes: *bytes, sha256: String::new() };
        let files_said = said.iter().map(part).collect();
        let manifest = Manifest { form: FORM, program: "1".into(), made: "now".into(), files: files_said };
        let text = serde_json::to_vec(&manifest).expect("it is JSON");
        let mut out = Vec::new();
        add(&mut out, MANIFEST, text.len() as u64, &mut text.as_slice()).expect("written");
        for (name, kind) in files {
            let mut header = header(name, 0);
            header[156] = *kind;
            header[148..156].fill(b' ');
            let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
            header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
            out.extend(header);
        }
        out.extend([0; 2 * BLOCK]);
        out
    }

    #[test]
    fn no_name_becomes_a_path() {
        let names = [
            "../state.sqlite",
            "/etc/passwd",
            "a/../../b",
            "state.sqlite/../x",
            "..",
            ".",
            "",
            "C:\\x",
            "..\\x",
            "state.sqlite ",
            "STATE.SQLITE",
            "./state.sqlite",
            "state.sqlite\u{202e}",
            "~/x",
            "CON",
            "checkpoint",
            "lake",
            "lock",
        ];
        for name in names {
            let said = [("state.sqlite", 0), ("state.audit-key", 0), (name, 0)];
            let why = refusal(&made(&said, &[("state.sqlite", b'0'), ("state.audit-key", b'0'), (name, b'0')]));
            assert!(why.as_ref().is_some_and(|why| why.contains("no file")), "{name}: {why:?}");
            let said = [("state.sqlite", 0), ("state.audit-key", 0)];
            assert!(refusal(&made(&said, &[(name, b'0')])).is_some(), "{name}");
        }
        let said = [("state.sqlite", 0), ("state.audit-key", 0)];
        for kind in *b"12345678gxLK" {
            let why = refusal(&made(&said, &[("state.sqlite", kind)]));
            assert!(why.as_ref().is_some_and(|why| why.contains("no file")), "{kind}: {why:?}");
        }
        for (said, why) in [
            (&[("state.sqlite", 0), ("state.audit-key", 0), ("state.sqlite", 0)][..], "twice"),
            (&[("state.sqlite", 0)], "missing"),
            (&[("state.sqlite", u64::MAX), ("state.audit-key", 0)], "longer"),
            (&[("state.sqlite", 0), ("state.audit-key", 33)], "longer"),
        ] {
            let refused = refusal(&made(said, &[])).expect("it is refused");
            assert!(refused.contains(why), "{why}: {refused}");
        }
    }
}
