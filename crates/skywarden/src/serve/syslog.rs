//! Syslog: over UDP, TCP and TLS. Messages are gathered for a moment and kept together; what a stream holds back when its sender is
//! slow is taken as well.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use collect::syslog::{Framer, parse};
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::net::{TcpListener, UdpSocket};
use tokio::sync::{Semaphore, mpsc};

use super::frame::{Frame, Trust};
use super::listen::Tls;
use super::log;
use crate::api::Shared;

/// The longest message.
const MESSAGE_BYTES_MAX: usize = 1 << 20;
/// Messages that wait to be kept; UDP drops what comes on top, and counts it.
const WAITING_MAX: usize = 20_000;
/// Messages that are kept at once, and their bytes.
const AT_ONCE: usize = 5_000;
const AT_ONCE_BYTES: usize = 4 << 20;
/// How long messages are gathered.
const GATHER: Duration = Duration::from_millis(100);
/// Connections at a time.
const CONNECTIONS_MAX: usize = 1_024;
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

/// Starts to listen.
pub async fn start(app: &Shared, addresses: &Addresses, tls: Option<&Arc<Tls>>) -> anyhow::Result<()> {
    let (sender, receiver) = mpsc::channel(WAITING_MAX);
    if let Some(address) = addresses.udp {
        let socket = UdpSocket::bind(address).await.with_context(|| format!("cannot listen on {address} (UDP)"))?;
        log::info("syslog", &format!("listens on {} (UDP)", socket.local_addr()?));
        tokio::spawn(datagrams(socket, sender.clone()));
    }
    if let Some(address) = addresses.tcp {
        let listener = TcpListener::bind(address).await.with_context(|| format!("cannot listen on {address} (TCP)"))?;
        log::info("syslog", &format!("listens on {} (TCP)", listener.local_addr()?));
        tokio::spawn(streams(listener, sender.clone(), None));
    }
    if let Some(address) = addresses.tls {
        let tls = tls.context("syslog_tls needs tls_cert and tls_key")?;
        let listener = TcpListener::bind(address).await.with_context(|| format!("cannot listen on {address} (TLS)"))?;
        log::info("syslog", &format!("listens on {} (TLS)", listener.local_addr()?));
        tokio::spawn(streams(listener, sender.clone(), Some(Arc::clone(tls))));
    }
    tokio::spawn(keep(Arc::clone(app), receiver));
    Ok(())
}

async fn datagrams(socket: UdpSocket, sender: mpsc::Sender<Vec<u8>>) {
    let mut buffer = vec![0; 64 << 10];
    let mut dropped: u64 = 0;
    loop {
        match socket.recv_from(&mut buffer).await {
            Ok((n, _)) => {
                if sender.try_send(buffer[..n].to_vec()).is_err() {
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

async fn streams(listener: TcpListener, sender: mpsc::Sender<Vec<u8>>, tls: Option<Arc<Tls>>) {
    let room = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let Ok(permit) = Arc::clone(&room).acquire_owned().await else { return };
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(err) => {
                log::error("syslog", &format!("cannot accept a connection: {err}"));
                tokio::time::sleep(AGAIN).await;
                continue;
            }
        };
        let (sender, acceptor) = (sender.clone(), tls.as_ref().map(|tls| tls.acceptor()));
        tokio::spawn(async move {
            match acceptor {
                None => messages(stream, sender).await,
                Some(acceptor) => {
                    let shaken = tokio::time::timeout(Duration::from_secs(10), acceptor.accept(stream)).await;
                    if let Ok(Ok(stream)) = shaken {
                        messages(stream, sender).await;
                    }
                }
            }
            drop(permit);
        });
    }
}

async fn messages(mut stream: impl AsyncRead + Unpin, sender: mpsc::Sender<Vec<u8>>) {
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
            if sender.send(frame.bytes).await.is_err() {
                return;
            }
        }
        if n == 0 {
            return;
        }
    }
}

/// Keeps messages, some at a time.
async fn keep(app: Shared, mut receiver: mpsc::Receiver<Vec<u8>>) {
    while let Some(first) = receiver.recv().await {
        let mut pieces = vec![first];
        let mut bytes = pieces[0].len();
        let end = tokio::time::Instant::now() + GATHER;
        while pieces.len() < AT_ONCE && bytes < AT_ONCE_BYTES {
            match tokio::time::timeout_at(end, receiver.recv()).await {
                Ok(Some(message)) => {
                    bytes += message.len();
                    pieces.push(message);
                }
                _ => break,
            }
        }
        let pieces = pieces.iter().map(|message| parse(message).text.to_vec()).collect();
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
