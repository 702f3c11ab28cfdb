//! What accounts count.

use std::fmt;

use serde::{Serialize, Serializer};

use super::currency::Currency;
use super::meter::Meter;

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
        }
    }
}

impl AccountUnit {
    /// Returns the unit of a stable name: a currency's code, `tokens`, `requests`, or a meter's.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "tokens" => Some(Self::Tokens),
            "requests" => Some(Self::Requests),
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
            AccountUnit::Meter(Meter::Image),
            AccountUnit::Meter(Meter::VideoSecond),
        ] {
            assert_eq!(AccountUnit::from_name(&unit.to_string()), Some(unit));
        }
        assert_eq!(AccountUnit::from_name("dollars"), None);
    }
}
