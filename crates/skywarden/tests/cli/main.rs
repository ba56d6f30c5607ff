//! The program as people and other programs use it: the built binary, on files, with what it prints and how it ends.

#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "a test fails loudly and says what it skips")]

mod about;
mod export;
mod flow;
mod forms;
mod hostile;
mod lake;
mod order;
mod output;
mod period;
mod real_data;
mod record;
mod rules;
mod screen;

use std::ffi::OsStr;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

/// Far above what any run here needs; a program that hangs is killed and the test fails.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a run came to.
struct Ran {
    code: i32,
    stdout: String,
    stderr: String,
}

impl Ran {
    /// Asserts how it ended.
    #[track_caller]
    fn ends(self, code: i32) -> Ran {
        assert_eq!(self.code, code, "{}", self.shown());
        self
    }

    /// Both outputs, each not too long for a message.
    fn shown(&self) -> String {
        let start = |text: &str| text.chars().take(3_000).collect::<String>();
        format!("stdout:\n{}\nstderr:\n{}", start(&self.stdout), start(&self.stderr))
    }

    /// Both outputs, for what may stand in either.
    fn said(&self) -> String {
        format!("{}\n{}", self.stdout, self.stderr)
    }

    /// Asserts that a text was printed, somewhere.
    #[track_caller]
    fn says(self, text: &str) -> Ran {
        assert!(self.said().contains(text), "not said: {text}\n{}", self.shown());
        self
    }

    /// Standard output as one JSON value a line.
    #[track_caller]
    fn json_lines(&self) -> Vec<serde_json::Value> {
        let parse = |line: &str| serde_json::from_str(line).unwrap_or_else(|err| panic!("{err}: {line}"));
        self.stdout.lines().map(parse).collect()
    }
}

/// One run of the program, to be set up.
struct Call {
    command: Command,
    stdin: Vec<u8>,
}

/// The program with these arguments.
fn skywarden(args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Call {
    let mut command = Command::new(env!("CARGO_BIN_EXE_skywarden"));
    command.args(args).env("LC_ALL", "C.UTF-8").env_remove("NO_COLOR").env_remove("CLICOLOR_FORCE");
    Call { command, stdin: Vec::new() }
}

/// The program with the arguments of a line, none of which holds blanks, in a folder.
fn inside(folder: &Folder, line: &str) -> Call {
    let mut call = skywarden(line.split_whitespace());
    call.command.current_dir(folder.path());
    call
}

impl Call {
    fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Call {
        self.stdin = bytes.into();
        self
    }

    fn env(mut self, name: &str, value: &str) -> Call {
        self.command.env(name, value);
        self
    }

    fn arg(self, arg: impl AsRef<OsStr>) -> Call {
        self.args([arg])
    }

    fn args(mut self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Call {
        self.command.args(args);
        self
    }

    #[track_caller]
    fn run(mut self) -> Ran {
        self.command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = self.command.spawn().unwrap();
        let (mut stdin, input) = (child.stdin.take().unwrap(), self.stdin);
        // A program that does not read its input to the end is not to be blamed by this thread.
        std::thread::spawn(move || drop(stdin.write_all(&input)));
        let (sender, outputs) = mpsc::channel();
        let (mut stdout, mut stderr) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        let other = sender.clone();
        std::thread::spawn(move || send(&sender, 0, &mut stdout));
        std::thread::spawn(move || send(&other, 1, &mut stderr));
        let mut texts = [String::new(), String::new()];
        for _ in 0..2 {
            match outputs.recv_timeout(PATIENCE) {
                Ok((which, text)) => texts[which] = text,
                Err(_) => {
                    child.kill().unwrap();
                    panic!("hangs: {:?}", self.command);
                }
            }
        }
        let code = child.wait().unwrap().code().unwrap_or(-1);
        let [stdout, stderr] = texts;
        assert!(!stderr.contains("panicked at"), "{:?} panics:\n{stderr}", self.command);
        Ran { code, stdout, stderr }
    }
}

/// Reads one output to its end. What the program prints must be UTF-8.
fn send(to: &mpsc::Sender<(usize, String)>, which: usize, from: &mut dyn std::io::Read) {
    let mut bytes = Vec::new();
    let text = match from.read_to_end(&mut bytes) {
        Ok(_) => String::from_utf8(bytes).expect("output is UTF-8"),
        Err(err) => panic!("cannot read the program's output: {err}"),
    };
    to.send((which, text)).ok();
}

/// A folder for one test.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Folder {
        Folder(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    /// A new file in it, with the folders it needs.
    fn file(&self, name: impl AsRef<Path>, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, bytes).unwrap();
        path
    }
}

/// The name of each file under a folder, as it is reached from there, and what it holds.
fn tree(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut out = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => folders.push(path),
                false => out.push((path.strip_prefix(folder).unwrap().to_owned(), std::fs::read(&path).unwrap())),
            }
        }
    }
    out.sort();
    out
}

fn gzip(bytes: impl AsRef<[u8]>) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(6));
    encoder.write_all(bytes.as_ref()).unwrap();
    encoder.finish().unwrap()
}

fn gunzip(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    flate2::read::MultiGzDecoder::new(bytes).read_to_end(&mut out).unwrap();
    out
}

fn zstd(bytes: impl AsRef<[u8]>) -> Vec<u8> {
    zstd::encode_all(bytes.as_ref(), 3).unwrap()
}
