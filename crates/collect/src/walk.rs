//! Which files there are under some paths, and what was passed over, and why.
//!
//! Nothing is opened here: a file that cannot be read is found out by [`crate::blob::Blob::open`], as is one that has
//! vanished meanwhile, and [`File::skipped`] says so in the same words.

use std::collections::HashMap;
use std::ffi::OsString;
use std::fmt::Write as _;
use std::io;
use std::path::{Path, PathBuf};

use crate::blob::OpenError;
use crate::files::{Disk, Files, Identity, Kind, Meta};

/// Deeper folders are passed over, so that a hostile tree cannot exhaust the stack.
const DEPTH_MAX: usize = 256;

/// What a walk came upon.
#[derive(Debug, Default)]
pub struct Found {
    /// Files to read, each once, in the order of the paths given and sorted by name inside of folders.
    pub files: Vec<File>,
    /// All else, so that nothing is passed over silently.
    pub skipped: Vec<Skipped>,
}

/// A file to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Where it is, as reached from the path that was given.
    pub path: PathBuf,
    /// Its size when it was found.
    pub size: u64,
}

impl File {
    /// The same file, passed over since it could not be opened.
    pub fn skipped(&self, err: &OpenError) -> Skipped {
        Skipped { bytes: self.size, ..Skipped::lost(&self.path, err.why()) }
    }
}

/// Something that is not read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// Its path, see [`show`].
    pub what: String,
    /// The reason, to be read after the path: "is a FIFO".
    pub why: String,
    /// How many bytes were not read, as far as known.
    pub bytes: u64,
    /// Whether a path that was given does not exist.
    pub missing: bool,
    /// Whether records may have been lost; false for what is empty, or was read under another name.
    pub lost: bool,
}

impl Skipped {
    fn lost(path: &Path, why: String) -> Skipped {
        Skipped { what: show(path), why, bytes: 0, missing: false, lost: true }
    }

    fn harmless(path: &Path, why: String) -> Skipped {
        Skipped { lost: false, ..Skipped::lost(path, why) }
    }
}

/// All files under the paths on this machine, following symlinks.
pub fn walk(paths: &[PathBuf]) -> Found {
    walk_in(&Disk, paths)
}

/// All files under the paths, following symlinks.
pub fn walk_in(files: &dyn Files, paths: &[PathBuf]) -> Found {
    let mut walk = Walk { files, found: Found::default(), seen: HashMap::new(), ancestors: Vec::new() };
    for path in paths {
        match files.metadata(path) {
            Ok(meta) => walk.visit(path, &meta),
            Err(err) if is_missing(files, path, &err) => {
                let skipped = Skipped::lost(path, "does not exist".to_owned());
                walk.found.skipped.push(Skipped { missing: true, ..skipped });
            }
            Err(err) => walk.unreadable(path, &err),
        }
    }
    walk.found
}

/// A path as text: bytes that are not UTF-8, and characters that a terminal would act upon or not show, as escapes.
pub fn show(path: &Path) -> String {
    let mut text = String::new();
    for chunk in path.as_os_str().as_encoded_bytes().utf8_chunks() {
        text.push_str(&show_text(chunk.valid()));
        for byte in chunk.invalid() {
            write!(text, "\\x{byte:02X}").expect("writing to a string cannot fail");
        }
    }
    text
}

/// Text with such escapes.
pub(crate) fn show_text(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if is_unseen(c) {
            shown.extend(c.escape_unicode());
        } else {
            shown.push(c);
        }
    }
    shown
}

/// Control characters, and the marks that reorder or hide the text around them.
fn is_unseen(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{AD}' | '\u{61C}' | '\u{180E}' | '\u{FEFF}')
        || matches!(c, '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}')
}

/// What was reached. Files are many, and their paths are kept once.
enum Seen {
    /// The file of this number among those found.
    File(usize),
    Folder(PathBuf),
}

struct Walk<'w> {
    files: &'w dyn Files,
    found: Found,
    /// Where each file and folder was reached first.
    seen: HashMap<Identity, Seen>,
    /// The folders that are being walked, outermost first.
    ancestors: Vec<Identity>,
}

impl Walk<'_> {
    fn visit(&mut self, path: &Path, meta: &Meta) {
        match meta.kind {
            Kind::Folder => self.folder(path, meta),
            Kind::File => self.file(path, meta),
            other => self.found.skipped.push(Skipped::lost(path, format!("is {}", other.noun()))),
        }
    }

    fn file(&mut self, path: &Path, meta: &Meta) {
        if meta.len == 0 {
            self.found.skipped.push(Skipped::harmless(path, "is empty".to_owned()));
            return;
        }
        if let Some(first) = self.first(&meta.identity) {
            let skipped = Skipped::harmless(path, format!("is the same file as {}, and is read once", show(first)));
            self.found.skipped.push(Skipped { bytes: meta.len, ..skipped });
            return;
        }
        self.seen.insert(meta.identity.clone(), Seen::File(self.found.files.len()));
        self.found.files.push(File { path: path.to_owned(), size: meta.len });
    }

    fn folder(&mut self, path: &Path, meta: &Meta) {
        let id = &meta.identity;
        // A folder is walked once, not once a path: links between n folders make up to 2^n paths.
        if let Some(first) = self.first(id) {
            let first = show(first);
            let why = match self.ancestors.contains(id) {
                true => format!("is a loop: it leads back to {first}"),
                false => format!("is the same folder as {first}, and is read once"),
            };
            self.found.skipped.push(Skipped::harmless(path, why));
            return;
        }
        if self.ancestors.len() == DEPTH_MAX {
            let why = format!("is more than {DEPTH_MAX} folders deep");
            self.found.skipped.push(Skipped::lost(path, why));
            return;
        }
        self.seen.insert(id.clone(), Seen::Folder(path.to_owned()));
        self.ancestors.push(id.clone());
        for name in self.names(path) {
            self.entry(&path.join(name));
        }
        self.ancestors.pop();
    }

    /// The path by which this was reached before.
    fn first(&self, id: &Identity) -> Option<&Path> {
        Some(match self.seen.get(id)? {
            Seen::File(at) => &self.found.files[*at].path,
            Seen::Folder(path) => path,
        })
    }

    fn names(&mut self, path: &Path) -> Vec<OsString> {
        let mut names = Vec::new();
        let unreadable = |err: &io::Error| Skipped::lost(path, format!("cannot read folder: {}", plain(err)));
        match self.files.names(path) {
            Ok(entries) => {
                for entry in entries {
                    match entry {
                        Ok(name) => names.push(name),
                        Err(err) => self.found.skipped.push(unreadable(&err)),
                    }
                }
            }
            Err(err) => self.found.skipped.push(unreadable(&err)),
        }
        names.sort_unstable();
        names
    }

    fn entry(&mut self, path: &Path) {
        match self.files.metadata(path) {
            Ok(meta) => self.visit(path, &meta),
            Err(err) => self.unreadable(path, &err),
        }
    }

    fn unreadable(&mut self, path: &Path, err: &io::Error) {
        let why = match self.files.link_metadata(path) {
            Ok(meta) if meta.kind == Kind::Link => broken_link(self.files, path, err),
            _ if err.kind() == io::ErrorKind::NotFound => "has vanished".to_owned(),
            _ => format!("cannot be read: {}", plain(err)),
        };
        self.found.skipped.push(Skipped::lost(path, why));
    }
}

/// A link that leads nowhere is there, and so is not missing.
fn is_missing(files: &dyn Files, path: &Path, err: &io::Error) -> bool {
    let absent = matches!(err.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory);
    absent && files.link_metadata(path).is_err()
}

fn broken_link(files: &dyn Files, path: &Path, err: &io::Error) -> String {
    let to = files.read_link(path).map(|to| show(&to)).unwrap_or_else(|_| "?".to_owned());
    match err.kind() {
        io::ErrorKind::NotFound => format!("is a broken link to {to}"),
        _ => format!("is a link to {to}, which cannot be read: {}", plain(err)),
    }
}

/// The reason in plain words, without the number of the operating system's error where there is a name for it.
pub(crate) fn plain(err: &io::Error) -> String {
    match err.kind() {
        io::ErrorKind::NotFound => "it does not exist".to_owned(),
        kind @ (io::ErrorKind::PermissionDenied | io::ErrorKind::NotADirectory) => kind.to_string(),
        _ => err.to_string(),
    }
}
