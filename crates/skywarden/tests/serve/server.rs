//! A server under test, and a client that sends just what it is told to.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// How long anything may take on a machine that has much else to do.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// The binary.
pub fn skywarden() -> Command {
    Command::new(env!("CARGO_BIN_EXE_skywarden"))
}

/// A server that runs. It is killed when it is dropped.
pub struct Server {
    pub data: PathBuf,
    pub address: SocketAddr,
    /// The secret of the first link, if there was one.
    pub secret: Option<String>,
    child: Child,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Server {
    /// Starts one on a port that is free.
    pub fn start(data: &Path, more: &[&str]) -> Server {
        Server::start_in(data, more, &[])
    }

    /// The same with more in its environment.
    pub fn start_in(data: &Path, more: &[&str], environment: &[(&str, &str)]) -> Server {
        Server::try_start_in(data, more, environment)
            .unwrap_or_else(|| panic!("it did not start: {}", Server::log_of(data)))
    }

    /// The same; nothing if it ends before it listens.
    pub fn try_start_in(data: &Path, more: &[&str], environment: &[(&str, &str)]) -> Option<Server> {
        let mut command = skywarden();
        command.envs(environment.iter().copied());
        command.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(data).args(more);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // Nobody reads its log, and a full pipe would stop it.
        let log = child.stderr.take().unwrap();
        let kept = data.with_extension("log");
        std::thread::spawn(move || {
            let mut file = std::fs::File::options().append(true).create(true).open(kept).unwrap();
            let _ = std::io::copy(&mut BufReader::new(log), &mut file);
        });
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let Some(first) = lines.next() else {
            child.wait().unwrap();
            return None;
        };
        let first = first.unwrap();
        let address = first.split("http://").nth(1).unwrap().trim_end_matches('/').parse().unwrap();
        let mut secret = None;
        if !data.join("has-users").exists() {
            let link = lines.nth(1).unwrap().unwrap();
            secret = link.split('#').nth(1).map(str::to_owned);
        }
        Some(Server { data: data.to_owned(), address, secret, child })
    }

    /// What the servers of a folder have said.
    pub fn log_of(data: &Path) -> String {
        std::fs::read_to_string(data.with_extension("log")).unwrap_or_default()
    }

    /// Whether it has not ended.
    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// A new one with an admin and its token.
    pub fn with_admin(data: &Path, more: &[&str]) -> (Server, Client) {
        Server::with_admin_in(data, more, &[])
    }

    /// The same with more in its environment.
    pub fn with_admin_in(data: &Path, more: &[&str], environment: &[(&str, &str)]) -> (Server, Client) {
        let server = Server::start_in(data, more, environment);
        let anybody = server.client(None);
        let setup = json!({"secret": server.secret, "name": "ada", "password": "correct horse battery"});
        assert_eq!(anybody.post("/api/v1/setup", &setup).status, 204);
        std::fs::write(data.join("has-users"), "").unwrap();
        let session = anybody.login("ada", "correct horse battery");
        let made = session.post("/api/v1/tokens", &json!({"name": "root", "role": "admin"}));
        assert_eq!(made.status, 201, "{}", made.text());
        let client = server.client(made.json()["secret"].as_str());
        (server, client)
    }

    /// A client with a token, or with nothing.
    pub fn client(&self, token: Option<&str>) -> Client {
        let headers = token.map(|token| ("authorization".to_owned(), format!("Bearer {token}"))).into_iter().collect();
        Client { address: self.address, headers }
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Ends it at once.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Asks it to end; its exit code.
    pub fn stop(mut self) -> Option<i32> {
        let sent = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
        let end = Instant::now() + PATIENCE;
        while Instant::now() < end {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("it did not end: {}", Server::log_of(&self.data));
    }
}

/// A client.
#[derive(Clone, Debug)]
pub struct Client {
    pub address: SocketAddr,
    pub headers: Vec<(String, String)>,
}

/// An answer.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|err| panic!("{err}: {} {}", self.status, self.text()))
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(have, _)| have == name).map(|(_, value)| value.as_str())
    }
}

impl Client {
    pub fn with(&self, name: &str, value: &str) -> Client {
        let mut client = self.clone();
        client.headers.push((name.to_owned(), value.to_owned()));
        client
    }

    /// A client with a session of this user.
    pub fn login(&self, name: &str, password: &str) -> Client {
        let answer = self.post("/api/v1/session", &json!({"name": name, "password": password}));
        assert_eq!(answer.status, 200, "{}", answer.text());
        let cookie = answer.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
        let csrf = answer.json()["csrf"].as_str().unwrap().to_owned();
        Client { address: self.address, headers: vec![("cookie".into(), cookie), ("x-skywarden-csrf".into(), csrf)] }
    }

    pub fn get(&self, path: &str) -> Answer {
        self.send("GET", path, None).unwrap()
    }

    pub fn post(&self, path: &str, body: &Value) -> Answer {
        self.call("POST", path, body)
    }

    pub fn call(&self, method: &str, path: &str, body: &Value) -> Answer {
        self.with("content-type", "application/json").send(method, path, Some(body.to_string().as_bytes())).unwrap()
    }

    pub fn delete(&self, path: &str) -> Answer {
        self.send("DELETE", path, None).unwrap()
    }

    /// Sends logs; nothing if the server went away.
    pub fn ingest(&self, body: &[u8]) -> Option<Answer> {
        self.send("POST", "/api/v1/ingest", Some(body)).ok()
    }

    pub fn send(&self, method: &str, path: &str, body: Option<&[u8]>) -> std::io::Result<Answer> {
        let mut stream = TcpStream::connect(self.address)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let mut head = format!("{method} {path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n", self.address);
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        if let Some(body) = body {
            head.push_str(&format!("content-length: {}\r\n", body.len()));
        }
        head.push_str("\r\n");
        stream.write_all(head.as_bytes())?;
        // A server that refuses early closes before it has read all; its answer is there all the same.
        let _ = stream.write_all(body.unwrap_or_default());
        let mut answer = Vec::new();
        let read = stream.read_to_end(&mut answer);
        if answer.is_empty() {
            read?;
        }
        parse(&answer, method != "HEAD").ok_or_else(|| std::io::Error::other("no answer, or half of one"))
    }

    /// The records of the ledger by name of its column, summed over sources.
    pub fn ledger(&self) -> Value {
        self.get("/api/v1/ledger").json()
    }

    /// The rows of a query.
    pub fn query(&self, text: &str, lang: &str) -> Vec<Value> {
        let job = self.post("/api/v1/queries?wait_s=20", &json!({"text": text, "lang": lang})).json();
        assert!(job["error"].is_null(), "{job}");
        let rows = self.get(&format!("/api/v1/queries/{}/rows", job["id"].as_str().unwrap())).text();
        rows.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

/// An answer to HEAD has the length of a body, and none.
fn parse(answer: &[u8], has_body: bool) -> Option<Answer> {
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(&answer[..end]).into_owned();
    let mut lines = head.split("\r\n");
    let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let headers: Vec<(String, String)> =
        lines.filter_map(|line| line.split_once(": ")).map(|(n, v)| (n.to_ascii_lowercase(), v.to_owned())).collect();
    let mut body = answer[end + 4..].to_vec();
    let get = |name: &str| headers.iter().find(|(have, _)| have == name).map(|(_, value)| value.clone());
    if get("transfer-encoding").is_some() {
        body = unchunked(&body)?;
    } else if has_body
        && get("content-length").and_then(|len| len.parse::<usize>().ok()).is_some_and(|len| body.len() < len)
    {
        return None;
    }
    Some(Answer { status, headers, body })
}

fn unchunked(mut body: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    loop {
        let end = body.windows(2).position(|two| two == b"\r\n")?;
        let len = usize::from_str_radix(std::str::from_utf8(&body[..end]).ok()?, 16).ok()?;
        let rest = &body[end + 2..];
        if len == 0 {
            return Some(out);
        }
        out.extend_from_slice(rest.get(..len)?);
        body = rest.get(len + 2..)?;
    }
}

/// Milliseconds since 1970.
pub fn now_ms() -> u64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis() as u64
}

/// Waits until there is something.
pub fn first<T>(mut look: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < end, "it is not there after {PATIENCE:?}");
    }
}

/// Waits until something is so.
pub fn wait(what: &str, mut is_so: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < end, "it is not so after {PATIENCE:?}: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// An event of CloudTrail.
pub fn event(n: u64, account: &str, name: &str) -> String {
    let time = format!("2026-11-{:02}T{:02}:{:02}:00Z", 1 + n / 1_440 % 28, n / 60 % 24, n % 60);
    json!({
        "eventVersion": "1.09", "eventID": format!("{n:08x}-0000-4000-8000-{account}"), "eventTime": time,
        "eventSource": "cloudtrail.amazonaws.com", "eventName": name, "awsRegion": "eu-west-1",
        "sourceIPAddress": "203.0.113.7", "userAgent": "aws-cli/2", "recipientAccountId": account,
        "eventType": "AwsApiCall", "readOnly": false, "managementEvent": true, "eventCategory": "Management",
        "userIdentity": {"type": "IAMUser", "principalId": "AIDA", "arn": format!("arn:aws:iam::{account}:user/mallory"),
            "accountId": account, "accessKeyId": "AKIAEXAMPLEEXAMPLE01", "userName": "mallory"},
        "requestParameters": {"name": "arn:aws:cloudtrail:eu-west-1:111122223333:trail/main"}, "responseElements": null,
        "requestID": format!("r{n}")
    })
    .to_string()
}
