//! The facade that every language binding uses: verbs that take and return JSON text, one runtime that survives `fork`,
//! flat errors, and shutdown.
//!
//! A binding converts arguments, values and errors, and nothing else. A new verb costs it no line of Rust: it is a row in
//! the table of `verbs`.

mod buffer;
pub mod engine;
pub mod error;
pub mod fetch;
mod fork;
pub mod logs;
mod master_key;
mod process;
pub mod results;
pub mod runtime;
#[cfg(feature = "schema")]
pub mod schema;
pub mod stream;
mod verbs;

pub use engine::{Engine, StartedCall, start_apart};
pub use error::ErrorInfo;
pub use fetch::{Answer, Fetch, Part};
pub use logs::{LogBatch, LogLevel, Logs};
pub use runtime::Task;
pub use stream::{Batch, Stream};
pub use tollway::vault::MasterKeyCallback;

/// What a call returns: JSON text, or what went wrong.
pub type Outcome = Result<String, ErrorInfo>;

const fn assert_thread_safe<T: Send + Sync>() {}
const _: () = {
    assert_thread_safe::<Engine>();
    assert_thread_safe::<StartedCall>();
    assert_thread_safe::<Fetch>();
    assert_thread_safe::<Stream>();
    assert_thread_safe::<ErrorInfo>();
    assert_thread_safe::<Logs>();
    assert_thread_safe::<Task<String>>();
};
