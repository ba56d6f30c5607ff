//! A Python with other people's programs in it, for tests that they read what we write.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The Python with what this list pins, installed once for each list into a folder below `tmp`.
///
/// # Panics
/// When there is no Python, or the registry cannot be reached and the list is new.
pub fn python(pins: &Path, tmp: &Path) -> PathBuf {
    let text = std::fs::read_to_string(pins).expect("the pins can be read");
    let hash = text
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    let venv = tmp.join(format!("foreign-{hash:016x}"));
    let python = venv.join("bin/python");
    if !venv.join("complete").exists() {
        let failed = "python3 (3.10 or newer, with venv) and the package registry are needed to install the engines that must read our lake";
        said(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&venv), failed);
        said(Command::new(&python).args(["-m", "pip", "install", "-q", "-r"]).arg(pins), failed);
        std::fs::write(venv.join("complete"), "").expect("the venv can be marked");
    }
    python
}

/// What a program prints.
///
/// # Panics
/// When it does not end well.
pub fn said(command: &mut Command, failed: &str) -> String {
    let output = command.output().unwrap_or_else(|err| panic!("{failed}: {command:?}: {err}"));
    assert!(output.status.success(), "{failed}: {command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8")
}
