//! Meters: the kinds of quantity that can cost money.

use serde::{Deserialize, Serialize};

/// A kind of quantity that can cost money. The meters of one usage are disjoint: no token is counted twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Meter {
    /// An input token that was neither read from nor written to a cache.
    InputToken,
    /// An input token that the provider read from its cache.
    CachedInputToken,
    /// An input token that the provider wrote to its 5-minute cache (or to one of unstated lifetime).
    #[serde(rename = "cache_write_5m_token")]
    CacheWrite5mToken,
    /// An input token that the provider wrote to its 1-hour cache.
    #[serde(rename = "cache_write_1h_token")]
    CacheWrite1hToken,
    /// An output token that is part of the answer.
    OutputToken,
    /// An output token that was spent on reasoning.
    ReasoningToken,
    /// The request itself.
    Request,
}

impl Meter {
    /// Every meter, in the order in which receipts list them.
    pub const ALL: [Self; 7] = [
        Self::InputToken,
        Self::CachedInputToken,
        Self::CacheWrite5mToken,
        Self::CacheWrite1hToken,
        Self::OutputToken,
        Self::ReasoningToken,
        Self::Request,
    ];

    /// Returns the stable name, as it stands in prices and receipts.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::InputToken => "input_token",
            Self::CachedInputToken => "cached_input_token",
            Self::CacheWrite5mToken => "cache_write_5m_token",
            Self::CacheWrite1hToken => "cache_write_1h_token",
            Self::OutputToken => "output_token",
            Self::ReasoningToken => "reasoning_token",
            Self::Request => "request",
        }
    }

    /// Returns the meter of a stable name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|meter| meter.name() == name)
    }

    /// Returns the meter whose price applies where this one has none of its own; never a price of another model.
    #[must_use]
    pub const fn parent(self) -> Option<Self> {
        match self {
            Self::CachedInputToken | Self::CacheWrite5mToken => Some(Self::InputToken),
            Self::CacheWrite1hToken => Some(Self::CacheWrite5mToken),
            Self::ReasoningToken => Some(Self::OutputToken),
            Self::InputToken | Self::OutputToken | Self::Request => None,
        }
    }

    /// Tells whether the meter counts tokens of the input.
    #[must_use]
    pub const fn is_input(self) -> bool {
        matches!(self, Self::InputToken | Self::CachedInputToken | Self::CacheWrite5mToken | Self::CacheWrite1hToken)
    }

    /// Tells whether the meter counts tokens of the output.
    #[must_use]
    pub const fn is_output(self) -> bool {
        matches!(self, Self::OutputToken | Self::ReasoningToken)
    }
}

impl std::fmt::Display for Meter {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.name())
    }
}
