//! The native module of the Python package: it converts arguments, values and errors, and nothing else.
//!
//! Results and errors cross as JSON text, which Python's own parser reads. No thread of the runtime ever touches the
//! interpreter: a finished call is put on a [`queue::CompletionQueue`], which the event loop's thread empties.

mod engine;
mod fetch;
mod logs;
mod queue;
mod stream;
mod wait;

#[pyo3::pymodule(gil_used = false)]
mod _native {
    use std::ffi::OsString;
    use std::time::Duration;

    use pyo3::prelude::*;

    #[pymodule_export]
    use super::engine::{Call, Engine, call, start};
    #[pymodule_export]
    use super::fetch::Fetch;
    #[pymodule_export]
    use super::logs::Logs;
    #[pymodule_export]
    use super::queue::CompletionQueue;
    #[pymodule_export]
    use super::stream::Stream;

    /// Runs the `tollway` command with arguments whose first is its name, and returns its exit code.
    ///
    /// It reads and writes the standard streams of the process, with the interpreter released.
    #[pyfunction]
    fn cli(python: Python<'_>, arguments: Vec<OsString>) -> u8 {
        python.detach(|| {
            tollway_cli::run(arguments, std::io::stdin().lock(), std::io::stdout().lock(), std::io::stderr())
        })
    }

    /// Returns the codes of all kinds of errors.
    #[pyfunction]
    fn error_codes() -> Vec<&'static str> {
        tollway_common::error::codes()
    }

    /// Returns what is wrong with the choices for every request of a vendor's library, as JSON text.
    #[pyfunction]
    fn check_fetch(chosen: &str) -> Option<String> {
        tollway_common::fetch::check(chosen).err().map(|error| error.to_json())
    }

    /// Gives up what is under way, waits for its settlement at most for the seconds given, and stops the runtime.
    #[pyfunction]
    fn shutdown(python: Python<'_>, timeout: f64) -> PyResult<()> {
        let timeout = Duration::try_from_secs_f64(timeout)
            .map_err(|_| pyo3::exceptions::PyValueError::new_err("timeout must be a positive number of seconds"))?;
        python.detach(|| tollway_common::runtime::shutdown(timeout));
        Ok(())
    }
}
