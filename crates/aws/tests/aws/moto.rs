//! The same over the wire, with a real server of S3 and SQS (moto): each object once, and the queue empty at the end.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use aws::call::{Aws, Endpoints};
use aws::credentials::Chain;
use aws::env::SystemEnv;
use aws::feed::{Backfill, BoxError, Checkpoints, Queued, S3Backfill, S3Queue};
use aws::http::{Client, Timeouts};
use aws::s3::{At, Bucket, S3};
use aws::sqs::Queue;

use crate::fake::{Taken, transfers};

/// The Python with the pinned server, installed once for each list of pins.
fn python() -> PathBuf {
    let pins = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/moto/requirements.txt");
    let text = std::fs::read_to_string(&pins).unwrap();
    let step = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, step);
    let venv = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("moto-{hash:016x}"));
    let python = venv.join("bin/python");
    if !venv.join("complete").exists() {
        let failed = "python3 (3.10 or newer, with venv) and the package registry are needed to install a server";
        run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&venv), failed);
        run(Command::new(&python).args(["-m", "pip", "install", "-q", "-r"]).arg(&pins), failed);
        std::fs::write(venv.join("complete"), "").unwrap();
    }
    python
}

fn run(command: &mut Command, failed: &str) -> String {
    let output = command.output().unwrap_or_else(|err| panic!("{failed}: {command:?}: {err}"));
    assert!(output.status.success(), "{failed}: {command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// A server that ends with the test.
struct Server {
    child: Child,
    endpoint: String,
}

impl Server {
    fn start(python: &Path) -> Self {
        let mut command = Command::new(python);
        command.args(["-m", "moto.server", "-H", "127.0.0.1", "-p", "0"]).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let endpoint = loop {
            let line = lines.next().expect("moto says where it listens").unwrap();
            if let Some((_, rest)) = line.split_once("http://127.0.0.1:") {
                break format!("http://127.0.0.1:{}", rest.trim_end_matches(|c: char| !c.is_ascii_digit()));
            }
        };
        // It must not stop on a full pipe.
        std::thread::spawn(move || lines.count());
        Self { child, endpoint }
    }

    fn aws(&self) -> Aws {
        let http = Arc::new(Client::new(Timeouts::default()).unwrap());
        let var =
            |name: &str| ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"].contains(&name).then(|| "test".to_owned());
        let chain = Arc::new(Chain::new(http.clone(), Box::new(var)));
        let endpoint = self.endpoint.clone();
        let var = move |name: &str| (name == "AWS_ENDPOINT_URL").then(|| endpoint.clone());
        let mut aws = Aws::new(http, chain, Arc::new(SystemEnv), "us-east-1");
        aws.endpoints = Endpoints::from_vars(&var);
        aws
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _reaped = self.child.wait();
    }
}

struct Forgets;

impl Checkpoints for Forgets {
    fn load(&self) -> Result<Option<Vec<u8>>, BoxError> {
        Ok(None)
    }
    fn save(&self, _checkpoint: &[u8]) -> Result<(), BoxError> {
        Ok(())
    }
}

#[test]
fn each_object_is_handed_over_once_by_notice_and_by_walk() {
    let python = python();
    let server = Server::start(&python);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/moto/send.py");
    let url = run(Command::new(&python).arg(script).arg(&server.endpoint), "objects cannot be put");

    let taken = Arc::new(Taken::default());
    let transfers = transfers(server.aws(), &taken, 10_000);
    let queue = Queue::new(server.aws(), &url);
    let options = Queued { wait: Duration::ZERO, ..Queued::default() };
    let mut feed = S3Queue::new(queue.clone(), transfers.clone(), Arc::new(SystemEnv), options);
    let is_empty = || {
        let attributes = queue.attributes().unwrap();
        attributes.n_waiting + attributes.n_under_way == 0
    };
    while !is_empty() || feed.n_under_way() > 0 {
        feed.step().unwrap();
    }
    assert_eq!(feed.troubles(), []);
    assert_eq!(taken.keys().len(), 25);

    let bucket = Bucket::parse("logs").unwrap();
    let options = Backfill { bucket: bucket.clone(), prefix: "AWSLogs/".into(), oldest: None, attempts_max: 3 };
    let mut walk = S3Backfill::new(options, transfers, Box::new(Forgets)).unwrap();
    while !walk.progress().is_complete {
        walk.step().unwrap();
    }
    assert_eq!((walk.progress().objects_done, &walk.progress().gaps), (30, &Vec::new()));
    let keys = taken.keys();
    assert_eq!((keys.len(), keys.iter().collect::<BTreeSet<_>>().len()), (30, 30));
    assert!(keys[25].contains("/2024/01/05/early"), "newest first: {}", keys[25]);
    for (key, body) in taken.got.lock().unwrap().iter() {
        assert_eq!(*body, key.repeat(100).into_bytes(), "{key}");
    }
    let head = S3::new(server.aws()).head(&At { bucket: &bucket, key: &keys[0], version_id: None }).unwrap();
    assert_eq!(head.size, keys[0].len() as u64 * 100);
}
