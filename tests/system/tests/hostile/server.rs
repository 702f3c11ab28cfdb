//! A server that writes whatever it likes to whoever asks, and remembers who was asked with which key.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

/// What writes an answer. It ends when it fails, which it does once the client has gone.
pub type Answer = Box<dyn Fn(&mut Wire) -> std::io::Result<()> + Send + Sync>;

/// A connection to a client.
pub struct Wire {
    stream: TcpStream,
    written: Arc<AtomicU64>,
    stopped: Arc<AtomicBool>,
}

impl Wire {
    /// Writes bytes.
    pub fn put(&mut self, bytes: impl AsRef<[u8]>) -> std::io::Result<()> {
        if self.stopped.load(Ordering::Relaxed) {
            return Err(std::io::ErrorKind::BrokenPipe.into());
        }
        self.stream.write_all(bytes.as_ref())?;
        self.written.fetch_add(bytes.as_ref().len() as u64, Ordering::Relaxed);
        Ok(())
    }

    /// Writes a piece for as long as somebody takes it.
    pub fn endless(&mut self, piece: impl AsRef<[u8]>) -> std::io::Result<()> {
        loop {
            self.put(piece.as_ref())?;
        }
    }

    /// Writes a piece again and again, with a wait before each.
    pub fn slowly(&mut self, piece: impl AsRef<[u8]>, wait: Duration) -> std::io::Result<()> {
        loop {
            std::thread::sleep(wait);
            self.put(piece.as_ref())?;
        }
    }
}

/// A server on a port of its own.
pub struct Hostile {
    pub url: String,
    written: Arc<AtomicU64>,
    /// Whether a request came that had the key.
    was_given_key: Arc<AtomicBool>,
    stopped: Arc<AtomicBool>,
}

impl Hostile {
    /// Starts a server that gives every request the same answer.
    pub fn start(answer: Answer) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/v1", listener.local_addr().unwrap());
        let (written, was_given_key, stopped) =
            (Arc::<AtomicU64>::default(), Arc::<AtomicBool>::default(), Arc::<AtomicBool>::default());
        let hostile = Self {
            url,
            written: Arc::clone(&written),
            was_given_key: Arc::clone(&was_given_key),
            stopped: Arc::clone(&stopped),
        };
        let answer = Arc::new(answer);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(stream) = stream else { return };
                if stopped.load(Ordering::Relaxed) {
                    return;
                }
                let (answer, was_given_key) = (Arc::clone(&answer), Arc::clone(&was_given_key));
                let mut wire = Wire { stream, written: Arc::clone(&written), stopped: Arc::clone(&stopped) };
                std::thread::spawn(move || {
                    while let Some(head) = asked(&mut wire.stream) {
                        was_given_key.fetch_or(head.contains("sk-house"), Ordering::Relaxed);
                        if answer(&mut wire).is_err() {
                            return;
                        }
                        // Answers without a length end with the connection.
                        let _ = wire.stream.shutdown(std::net::Shutdown::Write);
                    }
                });
            }
        });
        hostile
    }

    /// Returns how many bytes were taken from it, or lie in buffers of the system.
    pub fn written(&self) -> u64 {
        self.written.load(Ordering::Relaxed)
    }

    /// Returns whether a request came that had the key.
    pub fn was_given_key(&self) -> bool {
        self.was_given_key.load(Ordering::Relaxed)
    }
}

impl Drop for Hostile {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::Relaxed);
        // Whoever waits for a connection is woken.
        let address = self.url.trim_start_matches("http://").trim_end_matches("/v1").to_owned();
        let _ = TcpStream::connect(address);
    }
}

/// Reads a request and returns its head; nothing if none comes.
fn asked(stream: &mut TcpStream) -> Option<String> {
    let mut request = Vec::new();
    let mut buffer = [0; 16 << 10];
    loop {
        let read = stream.read(&mut buffer).ok().filter(|read| *read > 0)?;
        request.extend_from_slice(&buffer[..read]);
        let text = String::from_utf8_lossy(&request).to_lowercase();
        if let Some((head, _)) = text.split_once("\r\n\r\n") {
            let length = head.split("content-length: ").nth(1).and_then(|rest| rest.lines().next()?.parse().ok());
            if request.len() >= head.len() + 4 + length.unwrap_or(0_usize) {
                return Some(head.to_owned());
            }
        }
    }
}
