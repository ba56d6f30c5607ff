//! Buckets and queues, with a real server of S3 and SQS (moto) and AWS's own client.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use crate::server::{Client, Server, event, wait};

const ACCOUNT: &str = "111122223333";

/// The Python with the pinned server, installed once for each list of pins.
fn python() -> PathBuf {
    let pins = Path::new(env!("CARGO_MANIFEST_DIR")).join("../aws/tests/moto/requirements.txt");
    let text = std::fs::read_to_string(&pins).unwrap();
    let step = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, step);
    let venv = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("moto-{hash:016x}"));
    let python = venv.join("bin/python");
    if !venv.join("complete").exists() {
        let run = |command: &mut Command| assert!(command.status().unwrap().success(), "{command:?}");
        run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&venv));
        run(Command::new(&python).args(["-m", "pip", "install", "-q", "-r"]).arg(&pins));
        std::fs::write(venv.join("complete"), "").unwrap();
    }
    python
}

struct Moto {
    child: Child,
    endpoint: String,
}

impl Drop for Moto {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Moto {
    fn start(python: &Path) -> Moto {
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
        std::thread::spawn(move || lines.count());
        Moto { child, endpoint }
    }
}

/// What boto3 does: the queue and the bucket before anything else, then objects by key.
const SCRIPT: &str = r#"
import gzip, json, sys, boto3
endpoint, what = sys.argv[1:3]
of = lambda name: boto3.client(name, endpoint_url=endpoint, region_name="us-east-1", aws_access_key_id="test", aws_secret_access_key="test")
s3, sqs = of("s3"), of("sqs")
if what == "make":
    s3.create_bucket(Bucket="trail")
    print(sqs.create_queue(QueueName="told")["QueueUrl"])
elif what == "tell":
    url = sqs.get_queue_url(QueueName="told")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    s3.put_bucket_notification_configuration(Bucket="trail", NotificationConfiguration={"QueueConfigurations": [{"QueueArn": arn, "Events": ["s3:ObjectCreated:*"]}]})
elif what == "put":
    for key, records in json.load(sys.stdin).items():
        s3.put_object(Bucket="trail", Key=key, Body=gzip.compress(json.dumps({"Records": records}).encode(), mtime=0))
elif what == "left":
    url = sqs.get_queue_url(QueueName="told")["QueueUrl"]
    attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    print(int(attributes["ApproximateNumberOfMessages"]) + int(attributes["ApproximateNumberOfMessagesNotVisible"]))
"#;

fn boto(python: &Path, moto: &Moto, what: &str, input: &Value) -> String {
    let mut command = Command::new(python);
    command.args(["-c", SCRIPT, &moto.endpoint, what]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.to_string().as_bytes()).unwrap();
    let out = child.wait_with_output().unwrap();
    assert!(out.status.success(), "{what}");
    String::from_utf8(out.stdout).unwrap().trim().to_owned()
}

fn objects(days: std::ops::Range<u64>) -> Value {
    let object = |day: u64| {
        let key = format!(
            "AWSLogs/{ACCOUNT}/CloudTrail/eu-west-1/2026/11/{:02}/{ACCOUNT}_CloudTrail_eu-west-1_{day}.json.gz",
            1 + day
        );
        let records: Vec<Value> =
            (0..10).map(|n| serde_json::from_str(&event(day * 1_440 + n, ACCOUNT, "A")).unwrap()).collect();
        (key, json!(records))
    };
    Value::Object(days.map(object).collect())
}

fn in_lake(client: &Client) -> (Value, Value) {
    let ledger = client.ledger();
    let entry = ledger.as_array().unwrap().iter().find(|entry| entry["source"] == "aws_cloudtrail").unwrap().clone();
    (entry["lake"].clone(), entry["in"].clone())
}

#[test]
fn objects_of_a_bucket_come_once_by_walk_and_by_queue() {
    let folder = tempfile::tempdir().unwrap();
    let python = python();
    let moto = Moto::start(&python);
    let url = boto(&python, &moto, "make", &json!({}));
    // These were there before anybody was told of objects.
    boto(&python, &moto, "put", &objects(0..6));
    boto(&python, &moto, "tell", &json!({}));

    let data = folder.path().join("data");
    let more = ["--queue", &url, "--bucket", "s3://trail/AWSLogs/"];
    let aws = [
        ("AWS_ENDPOINT_URL", moto.endpoint.as_str()),
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
    ];
    let (server, client) = Server::with_admin_in(&data, &more, &aws);
    boto(&python, &moto, "put", &objects(6..10));
    // The same object once more is told again, and is the same.
    boto(&python, &moto, "put", &objects(7..8));
    wait("all are in the lake", || in_lake(&client).0 == 100);
    wait("the walk is over", || {
        let feeds = client.get("/api/v1/status").json()["feeds"].clone();
        feeds.as_array().unwrap().iter().any(|feed| feed["complete"] == true)
    });
    wait("the queue is empty", || boto(&python, &moto, "left", &json!({})) == "0");
    assert_eq!(in_lake(&client), (json!(100), json!(100)), "no object was read twice");
    let row = client.query("SELECT DISTINCT event_object AS o, event_trust AS t FROM cloudtrail LIMIT 1", "sql");
    assert!(row[0]["o"].as_str().unwrap().starts_with("s3://trail/AWSLogs/") && row[0]["t"] == "aws", "{row:?}");

    // After a restart nothing is read again, and what is new is.
    assert_eq!(server.stop(), Some(0));
    boto(&python, &moto, "put", &objects(10..11));
    let server = Server::start_in(&data, &more, &aws);
    let client = server.client(Some(&client.headers[0].1["Bearer ".len()..]));
    wait("the new one is in the lake", || in_lake(&client).0 == 110);
    assert_eq!(in_lake(&client), (json!(110), json!(110)));
}

#[test]
fn what_may_not_be_read_is_said_with_the_permission() {
    let folder = tempfile::tempdir().unwrap();
    let python = python();
    let moto = Moto::start(&python);
    let aws = [
        ("AWS_ENDPOINT_URL", moto.endpoint.as_str()),
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
    ];
    let (_server, client) =
        Server::with_admin_in(&folder.path().join("data"), &["--bucket", "s3://no-such-bucket/x"], &aws);
    wait("it is said", || {
        let feeds = client.get("/api/v1/status").json()["feeds"].clone();
        feeds[0]["trouble"].as_str().is_some_and(|why| why.contains("no-such-bucket") && why.contains("NoSuchBucket"))
    });
}
