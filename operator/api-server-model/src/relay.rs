//! A network between two processes: it relays connections, and breaks them when a test says so.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use tokio::{
    net::{TcpListener, TcpStream},
    sync::broadcast,
};

/// Relays connections to a server.
#[derive(Debug)]
pub struct Relay {
    address: SocketAddr,
    breaks: broadcast::Sender<()>,
    is_down: Arc<AtomicBool>,
}

impl Relay {
    /// Relays to this address until it is dropped.
    ///
    /// # Panics
    /// When no port is free.
    pub async fn to(target: SocketAddr) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port of this machine");
        let address = listener.local_addr().expect("it has an address");
        let (breaks, _) = broadcast::channel(1);
        let is_down = Arc::new(AtomicBool::new(false));
        tokio::spawn({
            let (breaks, is_down) = (breaks.downgrade(), is_down.clone());
            async move {
                while let Ok((mut near, _)) = listener.accept().await {
                    let Some(mut broken) = breaks.upgrade().map(|breaks| breaks.subscribe()) else { return };
                    let is_down = is_down.clone();
                    tokio::spawn(async move {
                        // What is closed with a linger of zero is reset.
                        let _ = near.set_zero_linger();
                        if is_down.load(Ordering::Acquire) {
                            return;
                        }
                        let Ok(mut far) = TcpStream::connect(target).await else { return };
                        let _ = far.set_zero_linger();
                        tokio::select! {
                            _ = tokio::io::copy_bidirectional(&mut near, &mut far) => {}
                            _ = broken.recv() => {}
                        }
                    });
                }
            }
        });
        Self { address, breaks, is_down }
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Resets every connection.
    pub fn reset(&self) {
        let _ = self.breaks.send(());
    }

    /// Resets every connection, and new ones until it is up again.
    pub fn go_down(&self) {
        self.is_down.store(true, Ordering::Release);
        self.reset();
    }

    /// Relays again.
    pub fn come_up(&self) {
        self.is_down.store(false, Ordering::Release);
    }
}
