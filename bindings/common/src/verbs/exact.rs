//! Decimals and money as arguments: a text or an integer, never a float.

use serde::Deserialize;
use tollway::types::{Currency, Decimal, Money};

/// A decimal that was written as a text or as an integer, and that no float has touched.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(inline))]
pub(super) struct Exact(
    #[serde(with = "tollway::types::decimal_text")]
    #[cfg_attr(feature = "schema", schemars(with = "Decimal"))]
    pub(super) Decimal,
);

/// An amount in a currency.
#[derive(Deserialize)]
#[cfg_attr(
    feature = "schema",
    derive(schemars::JsonSchema),
    schemars(rename = "MoneyTerms", example = serde_json::json!({"amount": "0.01", "currency": "USD"}), extend("noun" = "money"))
)]
#[serde(deny_unknown_fields)]
pub(super) struct MoneyArguments {
    /// The amount, in units of the currency: dollars, not cents.
    amount: Exact,
    /// The currency.
    currency: Currency,
}

impl From<MoneyArguments> for Money {
    fn from(MoneyArguments { amount, currency }: MoneyArguments) -> Self {
        Self::new(amount.0, currency)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_and_integers_are_read_exactly() {
        assert_eq!(serde_json::from_str::<Exact>(r#""0.10""#).unwrap().0.to_string(), "0.10");
        assert_eq!(serde_json::from_str::<Exact>("5").unwrap().0, Decimal::from(5));
        assert_eq!(serde_json::from_str::<Exact>("-5").unwrap().0, Decimal::from(-5));
    }

    #[test]
    fn floats_and_strings_that_would_be_rounded_are_refused() {
        for wrong in ["0.1", "1e2", "1.0", r#""0.00000000000000000000000000001""#, r#""ten""#, r#""""#, "null"] {
            assert!(serde_json::from_str::<Exact>(wrong).is_err(), "{wrong}");
        }
    }
}
