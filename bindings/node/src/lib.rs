//! The native module of the npm package: it converts arguments, values and errors, and nothing else.
//!
//! Results and errors cross as JSON text, which JavaScript's own parser reads. No thread of the runtime ever touches the
//! engine of JavaScript: a finished call is put on a [`queue::CompletionQueue`], which the event loop's thread empties.

mod argument;
mod engine;
mod fetch;
mod logs;
mod queue;
mod stream;

use std::ffi::OsString;

use napi::Result;
use napi_derive::napi;

/// Runs the `tollway` command with arguments whose first is its name, and returns its exit code.
///
/// It reads and writes the standard streams of the process, and blocks the calling thread.
#[napi]
#[must_use]
pub fn cli(arguments: Vec<String>) -> u8 {
    let arguments = arguments.into_iter().map(OsString::from);
    tollway_cli::run(arguments, std::io::stdin().lock(), std::io::stdout().lock(), std::io::stderr())
}

/// Returns the codes of all kinds of errors.
#[napi]
#[must_use]
pub fn error_codes() -> Vec<&'static str> {
    tollway_common::error::codes()
}

/// Returns what is wrong with the choices for every request of a vendor's library, as JSON text.
#[napi]
#[must_use]
pub fn check_fetch(chosen: String) -> Option<String> {
    tollway_common::fetch::check(&argument::wiped(chosen)).err().map(|error| error.to_json())
}

/// Gives up what is under way in the whole process, waits for its settlement at most for the seconds given, and stops the
/// runtime. It blocks the calling thread.
#[napi]
pub fn shutdown(timeout: f64) -> Result<()> {
    tollway_common::runtime::shutdown(argument::seconds(timeout)?);
    Ok(())
}
