//! An answer to a request of a vendor's own library.

use tollway_common::Part;
use zeroize::Zeroizing;

use crate::failure::NativeError;

/// An answer with one reader. When it is freed, the call is given up.
#[derive(uniffi::Object)]
pub struct NativeFetch(tollway_common::Fetch);

/// A part of an answer.
#[derive(uniffi::Enum)]
pub enum NativePart {
    /// The status and the headers, as JSON text. It comes first.
    Head {
        /// The text.
        head: String,
    },
    /// More of the body.
    Body {
        /// The bytes.
        bytes: Vec<u8>,
    },
}

/// Checks the choices for every request of a vendor's library, which are JSON text.
#[uniffi::export]
pub fn check_fetch(chosen: String) -> Result<(), NativeError> {
    tollway_common::fetch::check(&Zeroizing::new(chosen)).map_err(NativeError::from)
}

impl NativeFetch {
    pub(crate) const fn new(fetch: tollway_common::Fetch) -> Self {
        Self(fetch)
    }
}

#[uniffi::export]
impl NativeFetch {
    /// Waits for the next part; nothing at the end.
    pub async fn next(&self) -> Result<Option<NativePart>, NativeError> {
        let part = self.0.next().await?;
        Ok(part.map(|part| match part {
            Part::Head(head) => NativePart::Head { head },
            Part::Body(bytes) => NativePart::Body { bytes },
        }))
    }

    /// Gives the call up and ends the answer.
    pub fn cancel(&self) {
        self.0.close();
    }
}
