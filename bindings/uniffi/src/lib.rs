//! The native library of the Kotlin and the Swift package: it converts arguments, values and errors, and nothing else.
//!
//! Results and errors cross as JSON text, which the packages read into their own types. Whatever is waited for is a plain future, so that
//! a coroutine or a task that is cancelled stops waiting at once; what it waited for is given up by `cancel` or when it is freed.

pub mod call;
pub mod engine;
pub mod failure;
pub mod fetch;
pub mod logs;
pub mod master_key;
pub mod stream;

use std::time::Duration;

uniffi::setup_scaffolding!();

/// Returns the codes of all kinds of errors.
#[uniffi::export]
#[must_use]
pub fn error_codes() -> Vec<String> {
    tollway_common::error::codes().into_iter().map(str::to_owned).collect()
}

/// Gives up what is under way in the whole process, waits for its settlement at most for the time given, and stops the runtime. It blocks
/// the calling thread.
#[uniffi::export]
pub fn shut_down(timeout: Duration) {
    tollway_common::runtime::shutdown(timeout);
}
