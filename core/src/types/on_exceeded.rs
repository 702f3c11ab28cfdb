//! What becomes of a call that a budget has no room for.

use serde::{Deserialize, Serialize};

/// What becomes of a call that a budget has no room for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum OnExceeded {
    /// It is refused.
    #[default]
    Refuse,
    /// It goes to the cheapest candidate that fits; without one, it is refused.
    Downgrade,
    /// Its output limit is lowered to what fits; where not even one token does, it is refused.
    Clamp,
}

impl OnExceeded {
    /// Returns the stable name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Refuse => "refuse",
            Self::Downgrade => "downgrade",
            Self::Clamp => "clamp",
        }
    }
}
