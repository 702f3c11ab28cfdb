//! Money: exact decimals in a native currency, never a float and never a sum over two currencies.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::currency::Currency;
use super::decimal_text::from_mantissa;
use super::error::{Error, ErrorKind, Result};

/// The decimal places that the ledger keeps. With 28 digits, 10 are left for what the calls of years add up to.
pub const LEDGER_DECIMALS: u32 = 18;

impl FromStr for Currency {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::of_code(text).map_err(|detail| Error::new(ErrorKind::InvalidRequest, detail))
    }
}

/// An exact amount in one currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(extend("noun" = "money")))]
pub struct Money {
    /// The amount, in units of the currency (dollars, not cents). A decimal string in JSON.
    #[serde(with = "super::decimal_text")]
    #[cfg_attr(feature = "schema", schemars(with = "Decimal"))]
    pub amount: Decimal,
    /// The native currency; it is never converted in place.
    pub currency: Currency,
}

impl Money {
    /// Joins an amount and its currency.
    #[must_use]
    pub const fn new(amount: Decimal, currency: Currency) -> Self {
        Self { amount, currency }
    }

    /// Adds two amounts of one currency.
    ///
    /// Fails with [`ErrorKind::CurrencyMismatch`] if the currencies differ and with
    /// [`ErrorKind::Internal`] if the exact sum has more than 28 digits.
    pub fn checked_add(self, other: Self) -> Result<Self> {
        if self.currency != other.currency {
            return Err(Error::new(
                ErrorKind::CurrencyMismatch,
                format!("{} and {} cannot be added; keep one total per currency", self.currency, other.currency),
            ));
        }
        Ok(Self::new(exact_add(self.amount, other.amount)?, self.currency))
    }
}

impl fmt::Display for Money {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", self.amount, self.currency)
    }
}

/// Totals kept apart by currency.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(inline))]
#[serde(transparent)]
pub struct Totals(BTreeMap<Currency, Decimal>);

impl Totals {
    /// Adds an amount to the total of its currency; fails only if the exact sum has more than 28 digits. The total has no
    /// trailing zeros, so that it does not depend on the order of adding.
    pub fn add(&mut self, money: Money) -> Result<()> {
        let total = self.0.entry(money.currency).or_default();
        *total = exact_add(*total, money.amount)?.normalize();
        Ok(())
    }

    /// Sets the total of a currency.
    pub fn set(&mut self, money: Money) {
        self.0.insert(money.currency, money.amount.normalize());
    }

    /// Returns the totals in the order of their currency codes.
    pub fn iter(&self) -> impl Iterator<Item = Money> {
        self.0.iter().map(|(currency, amount)| Money::new(*amount, *currency))
    }

    /// Returns the total of a currency, or nothing if no amount of it was added.
    #[must_use]
    pub fn get(&self, currency: Currency) -> Option<Decimal> {
        self.0.get(&currency).copied()
    }
}

/// Adds without rounding; fails with [`ErrorKind::Internal`] if the exact sum does not fit 28 digits.
pub fn exact_add(left: Decimal, right: Decimal) -> Result<Decimal> {
    let scale = left.scale().max(right.scale());
    let aligned = |value: Decimal| value.mantissa().checked_mul(10_i128.checked_pow(scale - value.scale())?);
    aligned(left)
        .zip(aligned(right))
        .and_then(|(left, right)| left.checked_add(right))
        .and_then(|mantissa| from_mantissa(mantissa, scale))
        .ok_or_else(|| too_many_digits(&format!("{left} + {right}")))
}

/// Subtracts without rounding; fails as [`exact_add`] does.
pub fn exact_subtract(left: Decimal, right: Decimal) -> Result<Decimal> {
    exact_add(left, -right)
}

/// Multiplies a unit price by a quantity and divides by the power of ten that the unit counts in, without rounding.
///
/// `per` is 1, 1,000 or 1,000,000: a division by a power of ten only moves the decimal point. Fails with
/// [`ErrorKind::Internal`] if the exact product does not fit 28 digits, or if `per` is no power of ten.
pub fn exact_amount(unit_price: Decimal, quantity: u64, per: u64) -> Result<Decimal> {
    let places = per.checked_ilog10().filter(|places| 10_u64.pow(*places) == per);
    places
        .zip(unit_price.mantissa().checked_mul(i128::from(quantity)))
        .and_then(|(places, mantissa)| from_mantissa(mantissa, unit_price.scale() + places))
        .ok_or_else(|| too_many_digits(&format!("{unit_price} x {quantity} / {per}")))
}

fn too_many_digits(operation: &str) -> Error {
    Error::new(
        ErrorKind::Internal,
        format!("the exact result of {operation} has more than 28 digits; it is refused rather than rounded"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decimal(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    #[test]
    fn currencies_are_three_upper_case_letters() {
        assert_eq!("CNY".parse::<Currency>().unwrap(), Currency::CNY);
        for wrong in ["usd", "US", "DOLLAR", "¥", ""] {
            assert_eq!(wrong.parse::<Currency>().unwrap_err().kind(), ErrorKind::InvalidRequest);
        }
    }

    #[test]
    fn two_currencies_never_add() {
        let dollars = Money::new(decimal("1"), Currency::USD);
        let yuan = Money::new(decimal("1"), Currency::CNY);
        assert_eq!(dollars.checked_add(yuan).unwrap_err().kind(), ErrorKind::CurrencyMismatch);
        let mut totals = Totals::default();
        totals.add(dollars).unwrap();
        totals.add(yuan).unwrap();
        assert_eq!(totals.iter().count(), 2);
    }

    #[test]
    fn an_amount_is_multiplied_before_it_is_divided() {
        assert_eq!(exact_amount(decimal("0.15"), 7, 1_000_000).unwrap(), decimal("0.00000105"));
        assert_eq!(exact_amount(decimal("0.0008"), 1, 1_000).unwrap(), decimal("0.0000008"));
        assert_eq!(exact_amount(decimal("3"), 2, 1).unwrap(), decimal("6"));
    }

    #[test]
    fn a_result_that_cannot_be_exact_is_refused() {
        assert!(exact_amount(decimal("0.0000000000000000000000000001"), 1, 1_000).is_err());
        assert!(exact_amount(Decimal::MAX, 2, 1).is_err());
        assert!(exact_amount(decimal("1"), 1, 7).is_err());
        assert!(exact_add(Decimal::MAX, decimal("0.1")).is_err());
        assert_eq!(
            exact_amount(decimal("0.0000000000000000000000000010"), 100, 1_000).unwrap(),
            decimal("0.0000000000000000000000000001")
        );
    }
}
