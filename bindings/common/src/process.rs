//! This process.

use tollway::environment::{Environment as _, SystemEnvironment};

/// Returns the id of this process.
pub(crate) fn process_id() -> u32 {
    SystemEnvironment.process_id()
}
