//! Syslog: over UDP, TCP and TLS. Messages are gathered for a moment and kept together; what a stream holds back when its sender is
//! slow is taken as well.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::Context;
use collect::syslog::{Framer, parse};
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::net::{TcpListener, UdpSocket};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use super::frame::{Frame, Trust};
use super::listen::Tls;
use super::{lock, log};
use crate::api::Shared;

/// The longest message: an event of CloudTrail has 256 KiB at most. Each connection may hold as much.
const MESSAGE_BYTES_MAX: usize = 320 << 10;
/// Messages that wait to be kept, and their bytes; UDP drops what comes on top, and counts it.
const WAITING_MAX: usize = 20_000;
const WAITING_BYTES_MAX: usize = 32 << 20;
/// Messages that are kept at once, and their bytes.
const AT_ONCE: usize = 5_000;
const AT_ONCE_BYTES: usize = 4 << 20;
/// How long messages are gathered.
const GATHER: Duration = Duration::from_millis(100);
/// Connections at a time, and from one address: whoever can reach the port shall not keep all others out.
const CONNECTIONS_MAX: usize = 1_024;
const CONNECTIONS_OF_ONE_MAX: usize = 256;
/// A connection that says nothing for so long is closed.
const IDLE: Duration = Duration::from_secs(3_600);
/// How long until what could not be kept is tried again.
const AGAIN: Duration = Duration::from_millis(500);

/// Where syslog is listened to.
#[derive(Clone, Debug, Default)]
pub struct Addresses {
    /// Datagrams.
    pub udp: Option<SocketAddr>,
    /// Streams.
    pub tcp: Option<SocketAddr>,
    /// Streams with TLS.
    pub tls: Option<SocketAddr>,
}

/// A message that waits to be kept, with its part of the room for those.
struct Waiting {
    bytes: Vec<u8>,
    _room: OwnedSemaphorePermit,
}

/// Where messages wait to be kept.
#[derive(Clone)]
struct Queue {
    sender: mpsc::Sender<Waiting>,
    room: Arc<Semaphore>,
}

impl Queue {
    fn new() -> (Queue, mpsc::Receiver<Waiting>) {
        let (sender, receiver) = mpsc::channel(WAITING_MAX);
        (Queue { sender, room: Arc::new(Semaphore::new(WAITING_BYTES_MAX)) }, receiver)
    }

    /// Adds one, if there is room.
    fn try_add(&self, bytes: Vec<u8>) -> bool {
        let room = Arc::clone(&self.room).try_acquire_many_owned(bytes.len() as u32);
        room.is_ok_and(|room| self.sender.try_send(Waiting { bytes, _room: room }).is_ok())
    }

    /// Adds one, and waits until there is room; not if nobody keeps them any more.
    async fn add(&self, bytes: Vec<u8>) -> bool {
        let room = Arc::clone(&self.room).acquire_many_owned(bytes.len() as u32).await;
        let Ok(room) = room else { return false };
        self.sender.send(Waiting { bytes, _room: room }).await.is_ok()
    }
}

/// Starts to listen.
pub async fn start(app: &Shared, addresses: &Addresses, tls: Option<&Arc<Tls>>) -> anyhow::Result<()> {
    let (queue, receiver) = Queue::new();
    if let Some(address) = addresses.udp {
        let socket = UdpSocket::bind(address).await.with_context(|| format!("cannot listen on {address} (UDP)"))?;
        log::info("syslog", &format!("listens on {} (UDP)", socket.local_addr()?));
        tokio::spawn(datagrams(socket, queue.clone()));
    }
    if let Some(address) = addresses.tcp {
        let listener = TcpListener::bind(address).await.with_context(|| format!("cannot listen on {address} (TCP)"))?;
        log::info("syslog", &format!("listens on {} (TCP)", listener.local_addr()?));
        tokio::spawn(streams(listener, queue.clone(), None));
    }
    if let Some(address) = addresses.tls {
        let tls = tls.context("syslog_tls needs tls_cert and tls_key")?;
        let listener = TcpListener::bind(address).await.with_context(|| format!("cannot listen on {address} (TLS)"))?;
        log::info("syslog", &format!("listens on {} (TLS)", listener.local_addr()?));
        tokio::spawn(streams(listener, queue.clone(), Some(Arc::clone(tls))));
    }
    tokio::spawn(keep(Arc::clone(app), receiver));
    Ok(())
}

async fn datagrams(socket: UdpSocket, queue: Queue) {
    let mut buffer = vec![0; 64 << 10];
    let mut dropped: u64 = 0;
    loop {
        match socket.recv_from(&mut buffer).await {
            Ok((n, _)) => {
                if !queue.try_add(buffer[..n].to_vec()) {
                    dropped += 1;
                    if dropped.is_power_of_two() {
                        log::error(
                            "syslog",
                            &format!("{dropped} datagrams were dropped so far: they come faster than they can be kept"),
                        );
                    }
                }
            }
            Err(err) => {
                log::error("syslog", &format!("cannot receive: {err}"));
                tokio::time::sleep(AGAIN).await;
            }
        }
    }
}

async fn streams(listener: TcpListener, queue: Queue, tls: Option<Arc<Tls>>) {
    let room = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let open = Arc::new(Mutex::new(HashMap::new()));
    loop {
        let Ok(permit) = Arc::clone(&room).acquire_owned().await else { return };
        let (stream, from) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(err) => {
                log::error("syslog", &format!("cannot accept a connection: {err}"));
                tokio::time::sleep(AGAIN).await;
                continue;
            }
        };
        let Some(one) = One::begin(&open, from.ip()) else { continue };
        let (queue, acceptor) = (queue.clone(), tls.as_ref().map(|tls| tls.acceptor()));
        tokio::spawn(async move {
            match acceptor {
                None => messages(stream, &queue).await,
                Some(acceptor) => {
                    let shaken = tokio::time::timeout(Duration::from_secs(10), acceptor.accept(stream)).await;
                    if let Ok(Ok(stream)) = shaken {
                        messages(stream, &queue).await;
                    }
                }
            }
            drop((permit, one));
        });
    }
}

/// How many connections each address has open.
type Connections = Arc<Mutex<HashMap<IpAddr, usize>>>;

/// A connection, counted for its address until this is dropped.
struct One {
    open: Connections,
    ip: IpAddr,
}

impl One {
    /// Counts one more, unless there are too many.
    fn begin(open: &Connections, ip: IpAddr) -> Option<One> {
        let mut all = lock(open);
        let n = all.entry(ip).or_default();
        if *n >= CONNECTIONS_OF_ONE_MAX {
            return None;
        }
        *n += 1;
        Some(One { open: Arc::clone(open), ip })
    }
}

impl Drop for One {
    fn drop(&mut self) {
        let mut all = lock(&self.open);
        match all.get_mut(&self.ip) {
            Some(n) if *n > 1 => *n -= 1,
            _ => drop(all.remove(&self.ip)),
        }
    }
}

async fn messages(mut stream: impl AsyncRead + Unpin, queue: &Queue) {
    let mut framer = Framer::new(MESSAGE_BYTES_MAX);
    let mut buffer = vec![0; 32 << 10];
    loop {
        let read = tokio::time::timeout(IDLE, stream.read(&mut buffer)).await;
        let n = match read {
            Ok(Ok(n)) => n,
            _ => 0,
        };
        if n == 0 {
            framer.finish();
        } else {
            framer.push(&buffer[..n]);
        }
        while let Some(frame) = framer.next() {
            // A stream waits while there is no room, so its sender slows down.
            if !queue.add(frame.bytes).await {
                return;
            }
        }
        if n == 0 {
            return;
        }
    }
}

/// Keeps messages, some at a time.
async fn keep(app: Shared, mut receiver: mpsc::Receiver<Waiting>) {
    while let Some(first) = receiver.recv().await {
        let mut pieces = vec![first];
        let mut bytes = pieces[0].bytes.len();
        let end = tokio::time::Instant::now() + GATHER;
        while pieces.len() < AT_ONCE && bytes < AT_ONCE_BYTES {
            match tokio::time::timeout_at(end, receiver.recv()).await {
                Ok(Some(message)) => {
                    bytes += message.bytes.len();
                    pieces.push(message);
                }
                _ => break,
            }
        }
        let pieces = pieces.iter().map(|message| parse(&message.bytes).text.to_vec()).collect();
        let frame = Frame {
            feed: "syslog".to_owned(),
            name: app.new_id(),
            trust: Trust::Anonymous,
            at_ms: app.now_ms(),
            pieces,
        };
        while app.append(&frame).await.is_err() {
            tokio::time::sleep(AGAIN).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_waits_has_a_bound_of_bytes_and_no_address_has_all_connections() {
        let (queue, mut receiver) = Queue::new();
        let long = || vec![b'x'; MESSAGE_BYTES_MAX];
        let n = WAITING_BYTES_MAX / MESSAGE_BYTES_MAX;
        assert!((0..n).all(|_| queue.try_add(long())));
        assert!(!queue.try_add(long()), "there is no room for more");
        let waiting = queue.add(long());
        tokio::pin!(waiting);
        assert!(futures::poll!(&mut waiting).is_pending(), "a stream waits");
        drop(receiver.recv().await);
        assert!(waiting.await, "until there is room");
        drop(receiver);
        assert!(!queue.add(Vec::new()).await);

        let open = Connections::default();
        let [ip, other] = ["203.0.113.7", "2001:db8::1"].map(|ip| ip.parse::<IpAddr>().expect("an address"));
        let mut all: Vec<One> = (0..CONNECTIONS_OF_ONE_MAX).filter_map(|_| One::begin(&open, ip)).collect();
        assert!(One::begin(&open, ip).is_none() && One::begin(&open, other).is_some());
        all.pop();
        assert!(One::begin(&open, ip).is_some());
        drop(all);
        assert!(lock(&open).is_empty());
    }
}
