//! Finding files, and saying why others are passed over.

use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use super::Folder;
use collect::blob::{Blob, Limits};
use collect::walk::{Found, show, walk};

/// What was found and skipped, with paths relative to the folder.
fn lines(folder: &Folder, paths: &[&str]) -> String {
    let paths: Vec<PathBuf> = paths.iter().map(|path| folder.path().join(path)).collect();
    let found = walk(&paths);
    let mut lines = String::new();
    for file in &found.files {
        lines.push_str(&format!("{} {}\n", show(&file.path), file.size));
    }
    for skipped in &found.skipped {
        let mark = match (skipped.missing, skipped.lost) {
            (true, _) => "missing",
            (false, true) => "lost",
            (false, false) => "harmless",
        };
        lines.push_str(&format!("{mark} {} ({}): {}\n", skipped.what, skipped.bytes, skipped.why));
    }
    lines.replace(&format!("{}/", folder.path().display()), "")
}

#[test]
fn sorted_and_recursive() {
    let folder = Folder::new();
    for name in ["b/2", "b/1", "a", "c/year=2026/month=01/x.parquet", ".DS_Store"] {
        folder.file(name, b"x");
    }
    std::fs::create_dir(folder.path().join("empty")).unwrap();
    assert_eq!(
        lines(&folder, &["."]).replace("./", ""),
        ".DS_Store 1\na 1\nb/1 1\nb/2 1\nc/year=2026/month=01/x.parquet 1\n"
    );
    assert_eq!(lines(&folder, &["b", "a"]), "b/1 1\nb/2 1\na 1\n");
}

#[test]
fn missing_and_empty() {
    let folder = Folder::new();
    folder.file("empty", b"");
    assert_eq!(
        lines(&folder, &["nowhere", "empty", "empty/below"]),
        "missing nowhere (0): does not exist\n\
         harmless empty (0): is empty\n\
         missing empty/below (0): does not exist\n"
    );
}

#[test]
fn things_that_are_not_files() {
    let folder = Folder::new();
    assert!(Command::new("mkfifo").arg(folder.path().join("fifo")).status().unwrap().success());
    let _socket = std::os::unix::net::UnixListener::bind(folder.path().join("socket")).unwrap();
    symlink("/dev/null", folder.path().join("device")).unwrap();
    let expected = "lost device (0): is a device\nlost fifo (0): is a FIFO\nlost socket (0): is a socket\n";
    assert_eq!(lines(&folder, &["."]).replace("./", ""), expected);
    assert_eq!(lines(&folder, &["device", "fifo", "socket"]), expected);
    let err = Blob::open(&folder.path().join("fifo"), &Limits::default()).err().unwrap();
    assert_eq!(err.why(), "is a FIFO");
}

#[test]
fn loops_and_files_reached_twice() {
    let folder = Folder::new();
    folder.file("a/b/file", b"x");
    symlink("..", folder.path().join("a/b/up")).unwrap();
    symlink("b", folder.path().join("a/c")).unwrap();
    symlink("b/file", folder.path().join("a/link")).unwrap();
    std::fs::hard_link(folder.path().join("a/b/file"), folder.path().join("a/hard")).unwrap();
    symlink("nowhere", folder.path().join("a/broken")).unwrap();
    symlink("self", folder.path().join("a/self")).unwrap();
    assert_eq!(
        lines(&folder, &["a", "a/b/file"]),
        "a/b/file 1\n\
         harmless a/b/up (0): is a loop: it leads back to a\n\
         lost a/broken (0): is a broken link to nowhere\n\
         harmless a/c (0): is the same folder as a/b, and is read once\n\
         harmless a/hard (1): is the same file as a/b/file, and is read once\n\
         harmless a/link (1): is the same file as a/b/file, and is read once\n\
         lost a/self (0): is a link to self, which cannot be read: Too many levels of symbolic links (os error 40)\n\
         harmless a/b/file (1): is the same file as a/b/file, and is read once\n"
    );
}

#[test]
fn links_that_make_very_many_paths() {
    let folder = Folder::new();
    for i in 0..40 {
        let step = folder.path().join(format!("d{i}"));
        std::fs::create_dir(&step).unwrap();
        for name in ["x", "y"] {
            symlink(format!("../d{}", i + 1), step.join(name)).unwrap();
        }
    }
    folder.file("d40/file", b"x");
    let Found { files, skipped } = walk(&[folder.path().join("d0")]);
    assert_eq!((files.len(), skipped.len()), (1, 40));
}

#[test]
fn unreadable() {
    let folder = Folder::new();
    folder.file("closed/file", b"x");
    let file = folder.file("file", b"x");
    let set_mode = |path: &Path, mode| std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    set_mode(&folder.path().join("closed"), 0);
    set_mode(&file, 0);
    let is_root = std::fs::File::open(&file).is_ok();
    let found = lines(&folder, &["."]).replace("./", "");
    let opened = Blob::open(&file, &Limits::default()).map(drop).map_err(|err| err.why());
    set_mode(&folder.path().join("closed"), 0o700);
    if is_root {
        eprintln!("not tested: root can read everything");
        return;
    }
    assert_eq!(found, "file 1\nlost closed (0): cannot read folder: permission denied\n");
    assert_eq!(opened, Err("cannot be read: permission denied".to_owned()));
}

#[test]
fn vanished() {
    let folder = Folder::new();
    let path = folder.file("file", b"x");
    let found = walk(std::slice::from_ref(&path));
    std::fs::remove_file(&path).unwrap();
    let err = Blob::open(&path, &Limits::default()).err().unwrap();
    let skipped = found.files[0].skipped(&err);
    assert_eq!((skipped.why.as_str(), skipped.bytes, skipped.lost), ("cannot be read: it does not exist", 1, true));
}

#[test]
fn names_that_are_not_text() {
    let folder = Folder::new();
    let name = std::ffi::OsStr::from_bytes(b"caf\xe9 \x1b[31m\n\xe2\x80\xae.log");
    std::fs::write(folder.path().join(name), b"x").unwrap();
    assert_eq!(lines(&folder, &["."]).replace("./", ""), "caf\\xE9 \\u{1b}[31m\\u{a}\\u{202e}.log 1\n");
    let found = walk(&[folder.path().to_owned()]);
    assert!(Blob::open(&found.files[0].path, &Limits::default()).is_ok());
}
