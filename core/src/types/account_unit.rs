//! What accounts count.

use std::fmt;

use serde::{Serialize, Serializer};

use super::currency::Currency;
use super::meter::Meter;

/// The meters of sound that is counted in seconds.
const AUDIO_SECONDS: [Meter; 2] = [Meter::InputAudioSecond, Meter::OutputAudioSecond];

/// What an account counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum AccountUnit {
    /// Money in one currency.
    Money(Currency),
    /// Tokens, input and output together.
    Tokens,
    /// Requests that were answered, or that may be charged for.
    Requests,
    /// A meter, with those below it.
    Meter(Meter),
    /// Seconds of sound, heard and made.
    AudioSeconds,
}

impl AccountUnit {
    /// Returns the currency, where it counts money.
    #[must_use]
    pub const fn currency(self) -> Option<Currency> {
        match self {
            Self::Money(currency) => Some(currency),
            _ => None,
        }
    }

    /// Returns whether it counts what a meter counts.
    #[must_use]
    pub fn counts(self, meter: Meter) -> bool {
        match self {
            Self::Meter(own) => meter.is_within(own),
            Self::AudioSeconds => AUDIO_SECONDS.iter().any(|own| meter.is_within(*own)),
            Self::Money(_) | Self::Tokens | Self::Requests => false,
        }
    }

    /// Returns whether it may count a part of what a meter counts, of which the parts are not told apart.
    #[must_use]
    pub fn may_count(self, meter: Meter) -> bool {
        let is_above = |own: Meter| own.is_within(meter);
        self.counts(meter)
            || match self {
                Self::Meter(own) => is_above(own),
                Self::AudioSeconds => AUDIO_SECONDS.into_iter().any(is_above),
                Self::Money(_) | Self::Tokens | Self::Requests => false,
            }
    }

    /// Returns the meter, where it counts one.
    #[must_use]
    pub const fn meter(self) -> Option<Meter> {
        match self {
            Self::Meter(meter) => Some(meter),
            _ => None,
        }
    }
}

impl fmt::Display for AccountUnit {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Money(currency) => currency.fmt(formatter),
            Self::Tokens => formatter.write_str("tokens"),
            Self::Requests => formatter.write_str("requests"),
            Self::Meter(meter) => meter.fmt(formatter),
            Self::AudioSeconds => formatter.write_str("audio_seconds"),
        }
    }
}

impl AccountUnit {
    /// Returns the unit of a stable name: a currency's code, `tokens`, `requests`, `audio_seconds`, or a meter's.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "tokens" => Some(Self::Tokens),
            "requests" => Some(Self::Requests),
            "audio_seconds" => Some(Self::AudioSeconds),
            _ => Meter::from_name(name).map(Self::Meter).or_else(|| Currency::of_code(name).ok().map(Self::Money)),
        }
    }
}

impl Serialize for AccountUnit {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unit_is_written_as_it_is_read() {
        for unit in [
            AccountUnit::Money(Currency::USD),
            AccountUnit::Tokens,
            AccountUnit::Requests,
            AccountUnit::AudioSeconds,
            AccountUnit::Meter(Meter::Image),
            AccountUnit::Meter(Meter::VideoSecond),
        ] {
            assert_eq!(AccountUnit::from_name(&unit.to_string()), Some(unit));
        }
        assert_eq!(AccountUnit::from_name("dollars"), None);
    }
}
