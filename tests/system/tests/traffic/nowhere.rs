//! Addresses at which nobody answers.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::{TcpSocket, TcpStream};

/// Addresses that refuse connections, never accept one, and reset each at once.
pub(crate) struct Nowhere {
    /// It refuses connections.
    pub(crate) refusing: SocketAddr,
    /// It drops the first packet of each: its queue is full.
    pub(crate) deaf: SocketAddr,
    /// It resets each connection unread.
    pub(crate) slamming: SocketAddr,
    /// Whether the queue of the deaf one could be filled on this system.
    pub(crate) is_deaf: bool,
    _sockets: (TcpSocket, tokio::net::TcpListener),
    _waiting: Vec<TcpStream>,
    slammer: tokio::task::JoinHandle<()>,
}

impl Nowhere {
    pub(crate) async fn open() -> Self {
        let free = SocketAddr::from(([127, 0, 0, 1], 0));
        // A socket that is bound keeps its port from others, and refuses what it does not listen for.
        let refusing_socket = TcpSocket::new_v4().unwrap();
        refusing_socket.bind(free).unwrap();
        let refusing = refusing_socket.local_addr().unwrap();
        let deaf_socket = TcpSocket::new_v4().unwrap();
        deaf_socket.bind(free).unwrap();
        let deaf_listener = deaf_socket.listen(1).unwrap();
        let deaf = deaf_listener.local_addr().unwrap();
        let mut waiting = Vec::new();
        let mut is_deaf = false;
        while waiting.len() < 64 && !is_deaf {
            match tokio::time::timeout(Duration::from_millis(150), TcpStream::connect(deaf)).await {
                Ok(connected) => waiting.extend(connected),
                Err(_) => is_deaf = true,
            }
        }
        let slamming_listener = tokio::net::TcpListener::bind(free).await.unwrap();
        let slamming = slamming_listener.local_addr().unwrap();
        let slammer = tokio::spawn(async move {
            loop {
                if let Ok((stream, _)) = slamming_listener.accept().await {
                    let _ = stream.set_zero_linger();
                }
            }
        });
        Self {
            refusing,
            deaf,
            slamming,
            is_deaf,
            _sockets: (refusing_socket, deaf_listener),
            _waiting: waiting,
            slammer,
        }
    }
}

impl Drop for Nowhere {
    fn drop(&mut self) {
        self.slammer.abort();
    }
}
