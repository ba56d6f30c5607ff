//! Sockets: who may connect, for how long, with or without TLS. What is asked over them is not its business.

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use anyhow::{Context, bail};
use axum::Router;
use axum::extract::Request;
use hyper::body::Incoming;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt as _;

use super::{lock, log};

/// Connections at a time; more wait in the system's queue.
const CONNECTIONS_MAX: usize = 4_096;
/// How long a client may take to say what it wants.
const HEADER_TIMEOUT: Duration = Duration::from_secs(15);
/// How long a handshake may take.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// The headers of a request in all.
const HEADER_BYTES_MAX: usize = 64 << 10;
/// How long requests may run on when the server stops.
const DRAIN: Duration = Duration::from_secs(8);

/// Who is at the other end.
#[derive(Clone, Copy, Debug)]
pub struct Peer {
    /// The address.
    pub ip: IpAddr,
}

/// A certificate and its key, which are read again when the files change.
pub struct Tls {
    cert: PathBuf,
    key: PathBuf,
    current: Mutex<(Arc<rustls::ServerConfig>, Option<SystemTime>)>,
}

impl Tls {
    /// Reads certificate and key.
    pub fn open(cert: &Path, key: &Path) -> anyhow::Result<Tls> {
        let config = config(cert, key)?;
        let current = Mutex::new((config, changed(cert)));
        Ok(Tls { cert: cert.to_owned(), key: key.to_owned(), current })
    }

    /// Reads both again if they have changed. Files that cannot be read leave the old ones in use.
    pub fn refresh(&self) {
        let now = changed(&self.cert);
        let mut current = lock(&self.current);
        if current.1 == now {
            return;
        }
        match config(&self.cert, &self.key) {
            Ok(config) => {
                *current = (config, now);
                log::info("tls", "the certificate was read anew");
            }
            Err(err) => {
                current.1 = now;
                log::error("tls", &format!("the certificate stays as it was: {err:#}"));
            }
        }
    }

    /// What shakes hands by the certificate as it is now.
    pub fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(Arc::clone(&lock(&self.current).0))
    }
}

fn changed(path: &Path) -> Option<SystemTime> {
    std::fs::metadata(path).and_then(|meta| meta.modified()).ok()
}

fn config(cert: &Path, key: &Path) -> anyhow::Result<Arc<rustls::ServerConfig>> {
    let unreadable = |path: &Path| format!("cannot read {}", path.display());
    let certs = CertificateDer::pem_file_iter(cert)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .with_context(|| unreadable(cert))?;
    if certs.is_empty() {
        bail!("{} holds no certificate in PEM form", cert.display());
    }
    let key = PrivateKeyDer::from_pem_file(key).with_context(|| unreadable(key))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .context("no version of TLS is there")?
        .with_no_client_auth()
        .with_single_cert(certs, key)
        .context("certificate and key do not go together")?;
    Ok(Arc::new(config))
}

/// Answers until it is told to stop, and then lets requests that run come to an end.
pub async fn listen(listener: TcpListener, router: Router, tls: Option<Arc<Tls>>, mut stop: watch::Receiver<bool>) {
    let graceful = GracefulShutdown::new();
    let room = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let Ok(permit) = Arc::clone(&room).acquire_owned().await else { break };
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stop.wait_for(|stop| *stop) => break,
        };
        let (stream, from) = match accepted {
            Ok(accepted) => accepted,
            Err(err) => {
                // Out of file handles: they come back when connections end.
                log::error("listen", &format!("cannot accept a connection: {err}"));
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let (router, watcher) = (router.clone(), graceful.watcher());
        let acceptor = tls.as_ref().map(|tls| tls.acceptor());
        tokio::spawn(async move {
            match acceptor {
                None => talk(stream, from, router, watcher).await,
                Some(acceptor) => {
                    let shaken = tokio::time::timeout(HANDSHAKE_TIMEOUT, acceptor.accept(stream)).await;
                    // A client that does not speak TLS is no news.
                    if let Ok(Ok(stream)) = shaken {
                        talk(stream, from, router, watcher).await;
                    }
                }
            }
            drop(permit);
        });
    }
    drop(listener);
    let _ = tokio::time::timeout(DRAIN, graceful.shutdown()).await;
}

async fn talk<S>(stream: S, from: SocketAddr, router: Router, watcher: hyper_util::server::graceful::Watcher)
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let peer = Peer { ip: from.ip().to_canonical() };
    let service = hyper::service::service_fn(move |request: hyper::Request<Incoming>| {
        let mut request: Request = request.map(axum::body::Body::new);
        request.extensions_mut().insert(peer);
        router.clone().oneshot(request)
    });
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .max_buf_size(HEADER_BYTES_MAX)
        .serve_connection(TokioIo::new(stream), service);
    // What breaks a connection is the client's business.
    let _ = watcher.watch(connection).await;
}
