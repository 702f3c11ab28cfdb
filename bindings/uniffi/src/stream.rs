//! A streamed chat.

use crate::failure::NativeError;

/// A streamed chat with one reader. When it is freed, the call is given up.
#[derive(uniffi::Object)]
pub struct NativeStream(tollway_common::Stream);

impl NativeStream {
    pub(crate) const fn new(stream: tollway_common::Stream) -> Self {
        Self(stream)
    }
}

#[uniffi::export]
impl NativeStream {
    /// Waits for events and takes up to so many, as the text of a JSON array; nothing at the end.
    pub async fn next(&self, maximum: u32) -> Result<Option<String>, NativeError> {
        let maximum = usize::try_from(maximum).unwrap_or(usize::MAX);
        self.0.next_batch(maximum).await.map_err(NativeError::from)
    }

    /// Gives the call up and ends the stream.
    pub fn cancel(&self) {
        self.0.close();
    }
}
