//! The server in process.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;

use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::control::register;
use crate::counts::{Counts, CountsReport};
use crate::recording::RecordedRequest;
use crate::script::Script;
use crate::server::{State, serve};

/// Why a server did not start, or did not take a script.
#[derive(Debug)]
pub struct MockError(String);

impl std::fmt::Display for MockError {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::error::Error for MockError {}

/// A running server. It has a thread and a runtime of its own, so that neither a paused clock nor a blocked runtime of the
/// test touches it. Dropping it closes the port and every connection.
pub struct MockProvider {
    address: SocketAddr,
    state: Arc<State>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl MockProvider {
    /// Starts a server on a free port of the loopback interface.
    pub async fn start() -> Result<Self, MockError> {
        let (sender, receiver) = oneshot::channel();
        let mut server = Self::launch(0, 1, sender)?;
        server.address = receiver.await.map_err(|_| stopped())??;
        Ok(server)
    }

    /// Starts a server and blocks until it listens; for callers outside a runtime. Port 0 takes a free one; `threads` is the
    /// number of threads that serve.
    pub fn start_blocking(port: u16, threads: usize) -> Result<Self, MockError> {
        let (sender, receiver) = oneshot::channel();
        let mut server = Self::launch(port, threads, sender)?;
        server.address = receiver.blocking_recv().map_err(|_| stopped())??;
        Ok(server)
    }

    fn launch(
        port: u16,
        threads: usize,
        listening: oneshot::Sender<Result<SocketAddr, MockError>>,
    ) -> Result<Self, MockError> {
        let state = Arc::new(State::default());
        let (stop, stopped) = oneshot::channel();
        let mut builder = match threads {
            0 | 1 => tokio::runtime::Builder::new_current_thread(),
            _ => tokio::runtime::Builder::new_multi_thread(),
        };
        let runtime = builder
            .worker_threads(threads.max(1))
            .enable_all()
            .build()
            .map_err(|error| MockError(format!("the runtime of the mock provider did not start: {error}")))?;
        let shared = Arc::clone(&state);
        let run = async move {
            let bound = async {
                let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
                Ok((listener.local_addr()?, listener))
            };
            match bound.await {
                Ok((address, listener)) => {
                    // Nobody waits if the caller's future was dropped; then `stop` is dropped too.
                    let _ = listening.send(Ok(address));
                    tokio::select! {
                        () = serve(listener, shared) => {}
                        _ = stopped => {}
                    }
                }
                Err(error) => {
                    let error: std::io::Error = error;
                    let detail = format!("port {port} cannot be listened on: {error}");
                    let _ = listening.send(Err(MockError(detail)));
                }
            }
        };
        let thread = std::thread::Builder::new()
            .name("mock-provider".to_owned())
            .spawn(move || runtime.block_on(run))
            .map_err(|error| MockError(format!("the thread of the mock provider did not start: {error}")))?;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Ok(Self { address, state, stop: Some(stop), thread: Some(thread) })
    }

    /// Returns the address that the server listens on.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns `http://127.0.0.1:PORT`, whose replies are automatic.
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Returns the address below which a script answers.
    #[must_use]
    pub fn script_url(&self, name: &str) -> String {
        format!("http://{}/s/{name}", self.address)
    }

    /// Registers a script, in place of one of the same name, and returns the address below which it answers.
    pub fn script(&self, name: &str, script: impl Into<Script>) -> Result<String, MockError> {
        register(name, script.into(), &self.state).map_err(MockError)?;
        Ok(self.script_url(name))
    }

    /// Returns all counts.
    #[must_use]
    pub fn counts(&self) -> CountsReport {
        self.state.board.report()
    }

    /// Returns the counts of a script; zeros if nothing asked it yet.
    #[must_use]
    pub fn script_counts(&self, name: &str) -> Counts {
        self.counts().scripts.get(name).copied().unwrap_or_default()
    }

    /// Returns the recorded requests, oldest first, of one script or of all.
    #[must_use]
    pub fn requests(&self, script: Option<&str>) -> Vec<RecordedRequest> {
        self.state.recording.list(script, usize::MAX)
    }

    /// Sets whether requests without a script are recorded too.
    pub fn set_recording(&self, on: bool) {
        self.state.record_all.store(on, Ordering::Relaxed);
    }

    /// Forgets counts and recordings, and starts every script again.
    pub fn reset(&self) {
        self.state.reset();
    }
}

impl Drop for MockProvider {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A server that panicked has shown its message already.
            let _ = thread.join();
        }
    }
}

fn stopped() -> MockError {
    MockError("the thread of the mock provider ended before it listened".to_owned())
}
