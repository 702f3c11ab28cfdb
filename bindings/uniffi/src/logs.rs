//! What the engine logs.

use std::sync::Arc;

use tollway_common::{LogBatch, LogLevel, Logs};

/// The records of the handles that were made with it, with one reader.
#[derive(uniffi::Object)]
pub struct NativeLogs(Logs);

impl NativeLogs {
    pub(crate) fn inner(&self) -> &Logs {
        &self.0
    }
}

#[uniffi::export]
impl NativeLogs {
    /// Makes an empty queue, for records of every level.
    #[uniffi::constructor]
    #[must_use]
    pub fn create() -> Arc<Self> {
        Arc::new(Self(Logs::new(LogLevel::Debug)))
    }

    /// Waits for records and takes up to so many, as the text of a JSON array; nothing at the end.
    pub async fn next(&self, maximum: u32) -> Option<String> {
        let LogBatch { records, .. } = self.0.next(usize::try_from(maximum).unwrap_or(usize::MAX)).await;
        records
    }

    /// Ends the reading, after what is ready.
    pub fn end(&self) {
        self.0.close();
    }
}
