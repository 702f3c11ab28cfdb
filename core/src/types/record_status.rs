//! How attempts end.

use serde::{Deserialize, Serialize};

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(extend("noun" = "usage")))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum RecordStatus {
    /// The answer is complete.
    Success,
    /// The provider or the connection failed, or the process ended before settlement.
    Failed,
    /// The deadline passed.
    Timeout,
    /// The caller gave up before any of the answer arrived.
    Cancelled,
    /// Part of the answer arrived, then the caller gave up or the stream broke.
    Partial,
}

impl RecordStatus {
    /// Returns the stable name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Failed => "failed",
            Self::Timeout => "timeout",
            Self::Cancelled => "cancelled",
            Self::Partial => "partial",
        }
    }
}
