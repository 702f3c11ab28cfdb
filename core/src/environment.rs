//! The one seam to the clock, to randomness, to environment variables and to the process.
//!
//! Everything else in the crate asks an [`Environment`], so that tests drive time and randomness.

pub mod log;
pub mod regular_file;

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;

/// A boxed future, as the crate's traits return them.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The outside world, apart from files and the network.
pub trait Environment: Send + Sync + 'static {
    /// Returns the instant of the wall clock, which may jump.
    fn now(&self) -> Timestamp;
    /// Returns the time since some fixed instant; it never runs backwards.
    fn monotonic(&self) -> Duration;
    /// Waits. Dropping the future ends the wait.
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()>;
    /// Fills a buffer with random bytes fit for keys.
    fn fill_random(&self, buffer: &mut [u8]);
    /// Returns an environment variable that is set and is Unicode.
    fn variable(&self, name: &str) -> Option<String>;
    /// Returns the id of this process, which a forked child does not share.
    fn process_id(&self) -> u32;

    /// Makes a UUIDv7, whose order is the order of the wall clock.
    fn unique_id(&self) -> String {
        let mut random = [0; 10];
        self.fill_random(&mut random);
        let millis = u64::try_from(self.now().as_millisecond()).unwrap_or_default();
        uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid().to_string()
    }

    /// Returns a random number below a bound that is not zero.
    fn random_below(&self, bound: u64) -> u64 {
        let mut bytes = [0; 8];
        self.fill_random(&mut bytes);
        u64::from_le_bytes(bytes) % bound.max(1)
    }
}

/// The real world.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemEnvironment;

#[expect(clippy::disallowed_methods, reason = "this is the seam that the ban leads to")]
impl Environment for SystemEnvironment {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn monotonic(&self) -> Duration {
        static START: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
        START.get_or_init(Instant::now).elapsed()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(duration))
    }

    fn fill_random(&self, buffer: &mut [u8]) {
        #[expect(clippy::expect_used, reason = "without the system's randomness no key or id can be made safely")]
        getrandom::fill(buffer).expect("the operating system gives random bytes");
    }

    fn variable(&self, name: &str) -> Option<String> {
        std::env::var(name).ok()
    }

    fn process_id(&self) -> u32 {
        std::process::id()
    }
}

/// A world for tests: the clock stands still until it is moved, and randomness repeats itself from a seed.
#[derive(Clone, Debug)]
pub struct TestEnvironment(Arc<Mutex<TestState>>);

#[derive(Debug)]
struct TestState {
    now: Timestamp,
    monotonic: Duration,
    random: u64,
    variables: BTreeMap<String, String>,
}

impl TestEnvironment {
    /// Makes a world whose clock stands at an instant.
    #[must_use]
    pub fn new(now: Timestamp) -> Self {
        let variables = BTreeMap::new();
        let random = 0x9E37_79B9_7F4A_7C15;
        Self(Arc::new(Mutex::new(TestState { now, monotonic: Duration::ZERO, random, variables })))
    }

    /// Moves both clocks forward.
    pub fn advance(&self, duration: Duration) {
        let mut state = self.state();
        state.monotonic += duration;
        if let Ok(now) = state.now.checked_add(duration) {
            state.now = now;
        }
    }

    /// Sets the wall clock, backwards too; the monotonic clock stays.
    pub fn set_now(&self, now: Timestamp) {
        self.state().now = now;
    }

    /// Sets an environment variable.
    pub fn set_variable(&self, name: &str, value: &str) {
        self.state().variables.insert(name.to_owned(), value.to_owned());
    }

    fn state(&self) -> std::sync::MutexGuard<'_, TestState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Environment for TestEnvironment {
    fn now(&self) -> Timestamp {
        self.state().now
    }

    fn monotonic(&self) -> Duration {
        self.state().monotonic
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        let world = self.clone();
        Box::pin(async move {
            world.advance(duration);
            tokio::task::yield_now().await;
        })
    }

    fn fill_random(&self, buffer: &mut [u8]) {
        let mut state = self.state();
        for byte in buffer {
            state.random ^= state.random << 13;
            state.random ^= state.random >> 7;
            state.random ^= state.random << 17;
            *byte = state.random.to_le_bytes()[3];
        }
    }

    fn variable(&self, name: &str) -> Option<String> {
        self.state().variables.get(name).cloned()
    }

    fn process_id(&self) -> u32 {
        SystemEnvironment.process_id()
    }
}
