//! An AWS in memory: objects, one queue, a clock, and what goes wrong.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io::{Cursor, Read as _};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws::call::Aws;
use aws::credentials::Credentials;
use aws::env::Env;
use aws::feed::{BoxError, Done, Limits, Object, ObjectId, Queued, S3Queue, Sink, Transfers};
use aws::http::{Http, Request, Response, SendError};
use aws::s3::S3;
use aws::sqs::Queue;
use serde_json::{Value, json};

pub type Answer = Result<Response, SendError>;
type Hook = dyn Fn(&Request) -> Answer + Send + Sync;

pub fn answer(status: u16, headers: &[(&str, String)], body: &[u8]) -> Answer {
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    Ok(Response { status, headers, body: Box::new(Cursor::new(body.to_vec())) })
}

#[derive(Clone)]
pub struct Fake {
    hook: Arc<Hook>,
    n: Arc<Mutex<usize>>,
}

impl Fake {
    pub fn answering(hook: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> Self {
        Self { hook: Arc::new(hook), n: Arc::default() }
    }

    pub fn n_calls(&self) -> usize {
        *self.n.lock().unwrap()
    }
}

impl Http for Fake {
    fn send(&self, request: &Request) -> Answer {
        *self.n.lock().unwrap() += 1;
        (self.hook)(request)
    }
}

/// What goes wrong with the next call whose URL or target holds the text.
#[derive(Clone, Copy)]
pub enum Fault {
    Status(u16, &'static str),
    Timeout,
    /// The body ends after so many bytes.
    Cut(u64),
}

struct Sent {
    body: String,
    n_received: u32,
    visible: Duration,
    receipt: String,
}

#[derive(Default)]
pub struct State {
    now: Duration,
    pub objects: BTreeMap<String, Vec<u8>>,
    messages: BTreeMap<String, Sent>,
    pub faults: VecDeque<(&'static str, Fault)>,
    pub calls: Vec<String>,
    /// Each read of an object takes so long.
    pub slow: Duration,
}

#[derive(Clone, Default)]
pub struct World(Arc<Mutex<State>>);

impl Env for World {
    fn now(&self) -> SystemTime {
        UNIX_EPOCH + self.state().now
    }
    fn random(&self) -> u64 {
        7
    }
    fn sleep(&self, wait: Duration) {
        self.pass(wait);
    }
}

impl World {
    pub fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    pub fn pass(&self, time: Duration) {
        self.state().now += time;
    }

    pub fn put(&self, key: &str, body: &[u8]) {
        self.state().objects.insert(key.to_owned(), body.to_vec());
    }

    pub fn fail(&self, what: &'static str, fault: Fault) {
        self.state().faults.push_back((what, fault));
    }

    pub fn n_messages(&self) -> usize {
        self.state().messages.len()
    }

    pub fn n_called(&self, what: &str) -> usize {
        self.state().calls.iter().filter(|call| call.contains(what)).count()
    }

    pub fn notify(&self, key: &str) {
        let etag = aws::sign::hash(&self.state().objects[key]);
        let record = json!({"eventName": "ObjectCreated:Put",
            "s3": {"bucket": {"name": "logs"}, "object": {"key": key, "eTag": etag, "size": self.state().objects[key].len()}}});
        self.send(&json!({ "Records": [record] }).to_string());
    }

    pub fn send(&self, body: &str) {
        let mut state = self.state();
        let id = format!("m{}", state.messages.len());
        let sent = Sent { body: body.to_owned(), n_received: 0, visible: Duration::ZERO, receipt: String::new() };
        state.messages.insert(id, sent);
    }

    pub fn aws(&self) -> Aws {
        let credentials = Credentials {
            access_key_id: "a".into(),
            secret_access_key: "hush".into(),
            session_token: None,
            expires: None,
        };
        Aws::new(Arc::new(self.clone()), Arc::new(credentials), Arc::new(self.clone()), "us-east-1")
    }

    fn answer(&self, request: &Request) -> Answer {
        let mut guard = self.state();
        let state = &mut *guard;
        let target = request.headers.iter().find(|(n, _)| n == "x-amz-target").map_or("", |(_, v)| v);
        let call = format!("{} {} {target}", request.method, request.url);
        state.calls.push(call.clone());
        let fault = state.faults.iter().position(|(what, _)| call.contains(what));
        let fault = fault.and_then(|i| state.faults.remove(i)).map(|(_, fault)| fault);
        match fault {
            Some(Fault::Timeout) => return Err(SendError::Timeout),
            Some(Fault::Status(status, code)) => {
                return answer(status, &[], format!("<Error><Code>{code}</Code></Error>").as_bytes());
            }
            Some(Fault::Cut(_)) | None => {}
        }
        if !target.is_empty() {
            return state.sqs(target, &serde_json::from_slice(&request.body).unwrap());
        }
        if request.url.contains("list-type=2") {
            return state.list(&request.url);
        }
        let key = request.url.split_once(".com/").unwrap().1.split('?').next().unwrap();
        let Some(body) = state.objects.get(key) else {
            return answer(404, &[], b"<Error><Code>NoSuchKey</Code></Error>");
        };
        state.now += state.slow;
        let range = request.headers.iter().find(|(n, _)| n == "range");
        let from = range.map_or(0, |(_, v)| v["bytes=".len()..].trim_end_matches('-').parse().unwrap());
        let etag = aws::sign::hash(body);
        let mut headers = vec![("etag", format!("\"{etag}\"")), ("content-length", (body.len() - from).to_string())];
        if range.is_some() {
            headers.push(("content-range", format!("bytes {from}-{}/{}", body.len() - 1, body.len())));
        }
        let mut got = answer(if range.is_some() { 206 } else { 200 }, &headers, &body[from..])?;
        if let Some(Fault::Cut(n)) = fault {
            got.body = Box::new(got.body.take(n));
        }
        Ok(got)
    }
}

impl State {
    fn list(&self, url: &str) -> Answer {
        let param = |name: &str| {
            let pair = url.split(['?', '&']).find_map(|pair| pair.strip_prefix(&format!("{name}=")));
            pair.unwrap_or_default().replace("%2F", "/")
        };
        let (prefix, after) = (param("prefix"), param("start-after").max(param("continuation-token")));
        let (mut out, mut folders, mut n) = (String::new(), BTreeSet::new(), 0);
        for (key, body) in self.objects.iter().filter(|(key, _)| key.starts_with(&prefix) && **key > after) {
            match key[prefix.len()..].split_once('/') {
                Some((folder, _)) if !param("delimiter").is_empty() => {
                    folders.insert(format!("{prefix}{folder}/"));
                }
                _ if n == 2 => {
                    let last = self.objects.range(..key.clone()).next_back().unwrap().0;
                    out += &format!("<NextContinuationToken>{last}</NextContinuationToken>");
                    break;
                }
                _ => {
                    n += 1;
                    let etag = aws::sign::hash(body);
                    out += &format!(
                        "<Contents><Key>{key}</Key><ETag>&quot;{etag}&quot;</ETag><Size>{}</Size></Contents>",
                        body.len()
                    );
                }
            }
        }
        for folder in folders {
            out += &format!("<CommonPrefixes><Prefix>{folder}</Prefix></CommonPrefixes>");
        }
        answer(200, &[], format!("<ListBucketResult>{out}</ListBucketResult>").as_bytes())
    }

    fn sqs(&mut self, target: &str, body: &Value) -> Answer {
        let now = self.now;
        let s = |name: &str| Duration::from_secs(body[name].as_u64().unwrap());
        if target.ends_with("ReceiveMessage") {
            let visible = self.messages.iter_mut().filter(|(_, m)| m.visible <= now).take(10);
            let messages: Vec<Value> = visible
                .map(|(id, m)| {
                    m.n_received += 1;
                    m.visible = now + s("VisibilityTimeout");
                    m.receipt = format!("{id}-{}", m.n_received);
                    json!({"MessageId": id, "ReceiptHandle": m.receipt, "Body": m.body,
                        "Attributes": {"ApproximateReceiveCount": m.n_received.to_string()}})
                })
                .collect();
            if messages.is_empty() {
                self.now += s("WaitTimeSeconds");
            }
            return answer(200, &[], json!({ "Messages": messages }).to_string().as_bytes());
        }
        let receipt = body["ReceiptHandle"].as_str().unwrap();
        let id = receipt.split('-').next().unwrap();
        let is_ours = self.messages.get(id).is_some_and(|m| m.receipt == receipt && m.visible > now);
        if target.ends_with("DeleteMessage") {
            if self.messages.get(id).is_some_and(|m| m.receipt == receipt) {
                self.messages.remove(id);
            }
        } else if is_ours {
            self.messages.get_mut(id).unwrap().visible = now + s("VisibilityTimeout");
        } else {
            let json = [("content-type", "application/x-amz-json-1.0".to_owned())];
            return answer(400, &json, br#"{"__type":"com.amazonaws.sqs#MessageNotInflight"}"#);
        }
        answer(200, &[], b"{}")
    }
}

impl Http for World {
    fn send(&self, request: &Request) -> Answer {
        self.answer(request)
    }
}

type Uncalled = Box<dyn FnOnce() + Send>;

/// Remembers, and takes objects: what it holds back is safe when it is told so.
#[derive(Default)]
pub struct Taken {
    done: Mutex<BTreeSet<ObjectId>>,
    pub got: Mutex<Vec<(String, Vec<u8>)>>,
    pub holds_back: Mutex<Option<Vec<Uncalled>>>,
}

impl Taken {
    pub fn keys(&self) -> Vec<String> {
        self.got.lock().unwrap().iter().map(|(key, _)| key.clone()).collect()
    }
}

impl Done for Taken {
    fn is_done(&self, id: &ObjectId) -> Result<bool, BoxError> {
        Ok(self.done.lock().unwrap().contains(id))
    }
    fn set_done(&self, id: &ObjectId) -> Result<(), BoxError> {
        self.done.lock().unwrap().insert(id.clone());
        Ok(())
    }
}

impl Sink for Taken {
    fn object(&self, object: Object, done: Box<dyn FnOnce() + Send>) {
        let body = std::fs::read(&object.file).unwrap();
        assert_eq!(body.len() as u64, object.size);
        self.got.lock().unwrap().push((object.id.key.clone(), body));
        match &mut *self.holds_back.lock().unwrap() {
            Some(held) => held.push(done),
            None => done(),
        }
    }
}

pub fn transfers(aws: Aws, taken: &Arc<Taken>, bytes_max: u64) -> Transfers {
    let limits = Limits { folder: std::env::temp_dir(), bytes_max, object_bytes_max: 1 << 20 };
    Transfers::new(S3::new(aws), taken.clone(), taken.clone(), limits)
}

pub fn feed(world: &World, taken: &Arc<Taken>, bytes_max: u64) -> S3Queue {
    let queue = Queue::new(world.aws(), "https://sqs.us-east-1.amazonaws.com/1/q");
    S3Queue::new(queue, transfers(world.aws(), taken, bytes_max), Arc::new(world.clone()), Queued::default())
}
