//! A server on loopback that writes exact bytes, and remembers what it wrote.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::delivery::End;
use super::format::Format;
use super::random::Random;
use super::script::{Answered, Deed, Script};

/// A silence ends by itself after this time, so that no test waits for ever.
const LONGEST_SILENCE: Duration = Duration::from_secs(20);

/// The time that a client has to read what came before a reset.
const BEFORE_A_RESET: Duration = Duration::from_millis(60);

/// What the server knows of a call before it comes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked {
    pub(crate) seed: u64,
    pub(crate) is_streamed: bool,
    pub(crate) is_chat: bool,
}

/// One request that came, and what was done with it.
#[derive(Clone, Debug)]
pub(crate) struct Exchange {
    /// The config that was asked, as `provider/model`.
    pub(crate) config: String,
    pub(crate) script: Script,
    pub(crate) is_streamed: bool,
    /// How many bytes of the script were written.
    pub(crate) written: usize,
    /// The longest time between two pieces.
    pub(crate) longest_gap: Duration,
    /// The time from the request to the last piece.
    pub(crate) took: Duration,
}

impl Exchange {
    pub(crate) fn deed(&self) -> Deed {
        self.script.deed(self.written, self.is_streamed)
    }

    /// Tells in few words what was special about it.
    pub(crate) fn kind(&self) -> String {
        let format = self.config.split('/').next().unwrap_or_default();
        let body = self.script.body.words.split([':', '(']).next().unwrap_or_default();
        let end = self.script.delivery.end;
        let came = match self.deed() {
            Deed::BrokeOff | Deed::StayedSilent => "no head".to_owned(),
            Deed::Refused { .. } => "refused".to_owned(),
            Deed::Answered(Answered { visible: 0, .. }) => format!("no byte of the body, then {end:?}"),
            Deed::Answered(answered) if !answered.is_whole => format!("cut, then {end:?}"),
            Deed::Answered(answered) if !answered.is_ended => format!("whole but without its end, then {end:?}"),
            Deed::Answered(_) => "whole".to_owned(),
        };
        format!("{format}{}; {}; {came}", if self.is_streamed { " streamed" } else { "" }, body.trim())
    }
}

#[derive(Default)]
struct Board {
    asked: Mutex<Vec<Asked>>,
    /// By call, in the order in which they came.
    exchanges: Mutex<BTreeMap<usize, Vec<Exchange>>>,
    /// Connections that are not at their end.
    open: AtomicUsize,
    /// Requests that broke off before they could be told apart.
    fragments: AtomicUsize,
}

/// A running server.
pub(crate) struct Server {
    board: Arc<Board>,
    port: u16,
    accepting: tokio::task::JoinHandle<()>,
}

impl Server {
    pub(crate) async fn start(asked: Vec<Asked>) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let board = Arc::new(Board { asked: Mutex::new(asked), ..Board::default() });
        let shared = Arc::clone(&board);
        let accepting = tokio::spawn(async move {
            loop {
                let Ok((stream, _)) = listener.accept().await else { continue };
                let board = Arc::clone(&shared);
                board.open.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(async move {
                    serve(stream, &board).await;
                    board.open.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
        Self { board, port, accepting }
    }

    /// Returns the address of a config, which its path names.
    pub(crate) fn base_url(&self, format: Format, name: &str) -> String {
        format!("http://127.0.0.1:{}/{}-{name}/{}", self.port, format.provider(), format.version())
    }

    /// Waits until every connection is at its end and returns what came. The clients must be gone.
    pub(crate) async fn finish(self) -> (BTreeMap<usize, Vec<Exchange>>, usize) {
        // Whoever connected before this one has been accepted when it is.
        drop(TcpStream::connect(("127.0.0.1", self.port)).await);
        let started = Instant::now();
        tokio::time::sleep(Duration::from_millis(5)).await;
        while self.board.open.load(Ordering::SeqCst) > 0 {
            assert!(started.elapsed() < LONGEST_SILENCE * 2, "connections stay open though their clients are gone");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        self.accepting.abort();
        let exchanges = std::mem::take(&mut *self.board.exchanges.lock().unwrap());
        (exchanges, self.board.fragments.load(Ordering::SeqCst))
    }
}

async fn serve(mut stream: TcpStream, board: &Board) {
    let _ = stream.set_nodelay(true);
    while let Some((path, call)) = read_request(&mut stream, board).await {
        let (place, script) = begin(board, &path, call);
        let mut last = Instant::now();
        let mut from = 0;
        for (end, pause) in &script.delivery.pieces {
            if *pause > 0 {
                tokio::time::sleep(Duration::from_millis(*pause)).await;
            }
            if stream.write_all(&script.delivery.bytes[from..*end]).await.is_err() {
                return;
            }
            note(board, call, place, *end, last.elapsed());
            last = Instant::now();
            from = *end;
        }
        match script.delivery.end {
            End::KeepAlive => {}
            End::Close => return,
            End::Reset => {
                // A reset throws away what the client has not read yet.
                tokio::time::sleep(BEFORE_A_RESET).await;
                return drop(stream.set_zero_linger());
            }
            End::Silence => {
                let _ = tokio::time::timeout(LONGEST_SILENCE, stream.read(&mut [0; 64])).await;
                return;
            }
        }
    }
}

/// Reads a request whole; returns its path and the number of its call. Nothing at the end of the connection.
async fn read_request(stream: &mut TcpStream, board: &Board) -> Option<(String, usize)> {
    let mut bytes = Vec::new();
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let count = stream.read(&mut buffer).await.unwrap_or(0);
        if count == 0 {
            if !bytes.is_empty() {
                board.fragments.fetch_add(1, Ordering::SeqCst);
            }
            return None;
        }
        bytes.extend_from_slice(&buffer[..count]);
        let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else { continue };
        let head = String::from_utf8_lossy(&bytes[..end]).to_ascii_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).and_then(|n| n.parse().ok());
        if bytes.len() < end + 4 + length.unwrap_or(0_usize) {
            continue;
        }
        let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
        let body = String::from_utf8_lossy(&bytes[end + 4..]).into_owned();
        let call = body.split('~').nth(1).and_then(|number| number.parse().ok());
        return Some((path, call.unwrap_or_else(|| panic!("no call is named in {body}"))));
    }
}

/// Notes that a request came, and chooses what becomes of it.
fn begin(board: &Board, path: &str, call: usize) -> (usize, Script) {
    let config = path.split('/').nth(1).unwrap_or_default().replacen('-', "/", 1);
    let format = Format::of(config.split('/').next().unwrap_or_default());
    let asked = board.asked.lock().unwrap()[call];
    let mut exchanges = board.exchanges.lock().unwrap();
    let of_call = exchanges.entry(call).or_default();
    let mut random = Random::of(asked.seed, 1_000 + of_call.len() as u64);
    let script = if asked.is_chat {
        Script::of_chat(&mut random, format, asked.is_streamed)
    } else {
        Script::of_other(&mut random, format)
    };
    of_call.push(Exchange {
        config,
        script: script.clone(),
        is_streamed: asked.is_streamed,
        written: 0,
        longest_gap: Duration::ZERO,
        took: Duration::ZERO,
    });
    (of_call.len() - 1, script)
}

fn note(board: &Board, call: usize, place: usize, written: usize, gap: Duration) {
    let mut exchanges = board.exchanges.lock().unwrap();
    let exchange = &mut exchanges.get_mut(&call).unwrap()[place];
    exchange.written = written;
    exchange.longest_gap = exchange.longest_gap.max(gap);
    exchange.took += gap;
}
