//! What a caller may take before anything is known of them: connections, the time for headers and bodies, and tries.

use std::{
    collections::HashMap,
    future::Future,
    io,
    net::{IpAddr, SocketAddr},
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    extract::Request,
    http::{StatusCode, header},
};
use axum_server::accept::Accept;
use futures::StreamExt;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

/// What one listener bears.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ConnectionLimits {
    /// Connections at once.
    pub(crate) connections: usize,
    /// Connections of one address at once: it must not keep others out.
    pub(crate) of_peer: usize,
    /// How long the headers of a request, and the silence before them, may take.
    pub(crate) headers: Duration,
    /// How long a body may take.
    pub(crate) body: Duration,
}

impl Default for ConnectionLimits {
    fn default() -> Self {
        Self { connections: 2048, of_peer: 256, headers: Duration::from_secs(30), body: Duration::from_secs(10) }
    }
}

/// Why a body was not read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BodyError {
    /// It is too large.
    #[error("the body is larger than {most} bytes")]
    TooLarge {
        /// How much is read.
        most: usize,
    },
    /// It takes too long.
    #[error("the body did not arrive within {seconds} s")]
    TooSlow {
        /// How long was waited.
        seconds: u64,
    },
    /// It broke off.
    #[error("the body broke off: {0}")]
    Broken(String),
}

impl BodyError {
    /// The status that says so.
    pub(crate) fn code(&self) -> StatusCode {
        match self {
            Self::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooSlow { .. } => StatusCode::REQUEST_TIMEOUT,
            Self::Broken(_) => StatusCode::BAD_REQUEST,
        }
    }
}

/// Reads a body of at most so many bytes within a time.
///
/// # Errors
/// When it is larger, slower or breaks off.
pub(crate) async fn read_body(request: Request, most: usize, within: Duration) -> Result<Vec<u8>, BodyError> {
    let length = request.headers().get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    if length.is_some_and(|length: u64| length > most as u64) {
        return Err(BodyError::TooLarge { most });
    }
    let read = async {
        let mut chunks = request.into_body().into_data_stream();
        let mut body = Vec::new();
        while let Some(chunk) = chunks.next().await {
            let chunk = chunk.map_err(|error| BodyError::Broken(error.to_string()))?;
            if body.len() + chunk.len() > most {
                return Err(BodyError::TooLarge { most });
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    };
    match tokio::time::timeout(within, read).await {
        Ok(read) => read,
        Err(_) => Err(BodyError::TooSlow { seconds: within.as_secs() }),
    }
}

/// Counts the connections of a listener, and drops those beyond its limits.
#[derive(Clone, Debug)]
pub(crate) struct Connections {
    limits: ConnectionLimits,
    open: Arc<Mutex<Open>>,
}

#[derive(Debug, Default)]
struct Open {
    all: usize,
    by_peer: HashMap<IpAddr, usize>,
}

impl Connections {
    /// None yet.
    pub(crate) fn new(limits: ConnectionLimits) -> Self {
        Self { limits, open: Arc::default() }
    }

    fn admit(&self, peer: IpAddr) -> Option<Admitted> {
        let mut open = lock(&self.open);
        let of_peer = open.by_peer.get(&peer).copied().unwrap_or_default();
        if open.all >= self.limits.connections || of_peer >= self.limits.of_peer {
            return None;
        }
        open.all += 1;
        open.by_peer.insert(peer, of_peer + 1);
        Some(Admitted { open: self.open.clone(), peer })
    }
}

/// A connection that counts until it is dropped.
#[derive(Debug)]
struct Admitted {
    open: Arc<Mutex<Open>>,
    peer: IpAddr,
}

impl Drop for Admitted {
    fn drop(&mut self) {
        let mut open = lock(&self.open);
        open.all -= 1;
        if let Some(of_peer) = open.by_peer.get_mut(&self.peer) {
            *of_peer -= 1;
            if *of_peer == 0 {
                open.by_peer.remove(&self.peer);
            }
        }
    }
}

fn lock(open: &Mutex<Open>) -> MutexGuard<'_, Open> {
    open.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<S: Send + 'static> Accept<TcpStream, S> for Connections {
    type Stream = Counted;
    type Service = S;
    type Future = Pin<Box<dyn Future<Output = io::Result<(Counted, S)>> + Send>>;

    fn accept(&self, stream: TcpStream, service: S) -> Self::Future {
        let admitted = stream.peer_addr().map(|peer: SocketAddr| self.admit(peer.ip().to_canonical()));
        Box::pin(async move {
            let admitted = admitted?.ok_or_else(|| io::Error::other("too many connections"))?;
            Ok((Counted { stream, _admitted: admitted }, service))
        })
    }
}

/// A connection that is counted while it is open.
#[derive(Debug)]
pub(crate) struct Counted {
    stream: TcpStream,
    _admitted: Admitted,
}

impl AsyncRead for Counted {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Counted {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_are_bounded_for_all_and_for_each() {
        let connections =
            Connections::new(ConnectionLimits { connections: 3, of_peer: 2, ..ConnectionLimits::default() });
        let [a, b, c] = [1, 2, 3].map(|last| IpAddr::from([10, 0, 0, last]));
        let of_a = [connections.admit(a).unwrap(), connections.admit(a).unwrap()];
        assert!(connections.admit(a).is_none());
        let of_b = connections.admit(b).unwrap();
        assert!(connections.admit(c).is_none());
        drop(of_a);
        assert!(connections.admit(c).is_some());
        drop(of_b);
        let open = lock(&connections.open);
        assert_eq!((open.all, open.by_peer.len()), (0, 0));
    }
}
