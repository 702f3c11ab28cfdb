//! Exchange rates: dated, never changed, and frozen in whatever was converted with them.

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::currency::Currency;
use super::ids::FxRateId;

/// A row of `fx_rates`: one unit of `from` is worth `rate` units of `to`, from an instant on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FxRate {
    /// The row.
    pub id: FxRateId,
    /// The currency that is converted.
    pub from: Currency,
    /// The currency that it becomes.
    pub to: Currency,
    /// How many of `to` one of `from` is; above zero.
    #[serde(with = "super::decimal_text")]
    #[cfg_attr(feature = "schema", schemars(with = "Decimal"))]
    pub rate: Decimal,
    /// The first instant at which it applies; it applies until a later one does.
    pub effective_date: Timestamp,
    /// Where the rate comes from.
    pub source: String,
    /// When the row was written.
    pub created_at: Timestamp,
}

/// A rate to add: one unit of `from` is worth `rate` units of `to`, from a date on, or from now.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "FxOptions"))]
#[serde(deny_unknown_fields)]
pub struct FxRateTerms {
    /// The currency that is converted.
    #[cfg_attr(feature = "schema", schemars(extend("argument" = "from_currency")))]
    pub from: Currency,
    /// The currency that it becomes.
    #[cfg_attr(feature = "schema", schemars(extend("argument" = "to_currency")))]
    pub to: Currency,
    /// How many of the second one of the first is; above zero.
    #[serde(with = "super::decimal_text")]
    #[cfg_attr(feature = "schema", schemars(with = "Decimal"))]
    pub rate: Decimal,
    /// The first instant at which it applies; now where left out.
    #[serde(default)]
    pub effective_date: Option<Timestamp>,
    /// Where the rate comes from; `user` where left out.
    #[serde(default)]
    pub source: Option<String>,
}

/// A rate as it is applied, which no later rate changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Exchange {
    /// The row that the rate stands in.
    pub fx_rate_id: FxRateId,
    /// The currency that is converted.
    pub from: Currency,
    /// The currency that it becomes.
    pub to: Currency,
    /// The rate as the row has it.
    #[serde(with = "super::decimal_text")]
    #[cfg_attr(feature = "schema", schemars(with = "Decimal"))]
    pub rate: Decimal,
    /// Whether the row is of the opposite pair, so that amounts are divided by the rate.
    pub is_inverse: bool,
}

/// An amount that moved something in another currency, with the rate that made it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Conversion {
    /// The rate.
    #[serde(flatten)]
    pub exchange: Exchange,
    /// The amount in the currency that it became, rounded half to even at the 18th decimal.
    #[serde(with = "super::decimal_text")]
    #[cfg_attr(feature = "schema", schemars(with = "Decimal"))]
    pub amount: Decimal,
}

impl Exchange {
    /// Picks the rate between two currencies at an instant: the newest that has begun, of several of one date the one
    /// written last. Where the pair has none, the opposite pair's is inverted; rates are never chained.
    #[must_use]
    pub fn find(rates: &[FxRate], from: Currency, to: Currency, at: Timestamp) -> Option<Self> {
        let newest = |from: Currency, to: Currency| {
            let begun = rates.iter().filter(|rate| (rate.from, rate.to) == (from, to));
            begun.filter(|rate| rate.effective_date <= at).max_by_key(|rate| (rate.effective_date, rate.id))
        };
        let (row, is_inverse) =
            newest(from, to).map(|row| (row, false)).or_else(|| newest(to, from).map(|row| (row, true)))?;
        Some(Self { fx_rate_id: row.id, from, to, rate: row.rate, is_inverse })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(id: u64, pair: (Currency, Currency), rate: &str, from: &str) -> FxRate {
        FxRate {
            id: FxRateId::new(id),
            from: pair.0,
            to: pair.1,
            rate: rate.parse().unwrap(),
            effective_date: from.parse().unwrap(),
            source: "user".into(),
            created_at: "2026-11-22T00:00:00Z".parse().unwrap(),
        }
    }

    #[test]
    fn a_conversion_is_one_flat_object_without_floats() {
        let exchange = Exchange {
            fx_rate_id: FxRateId::new(3),
            from: Currency::CNY,
            to: Currency::USD,
            rate: "7.10".parse().unwrap(),
            is_inverse: true,
        };
        let conversion = Conversion { exchange, amount: "0.5".parse().unwrap() };
        let text = r#"{"fx_rate_id":3,"from":"CNY","to":"USD","rate":"7.10","is_inverse":true,"amount":"0.5"}"#;
        assert_eq!(serde_json::to_string(&conversion).unwrap(), text);
        assert_eq!(serde_json::from_str::<Conversion>(text).unwrap(), conversion);
    }

    #[test]
    fn the_newest_rate_that_has_begun_is_taken_and_the_opposite_only_without_one() {
        let (yuan, dollars) = ((Currency::CNY, Currency::USD), (Currency::USD, Currency::CNY));
        let rates = [
            rate(1, yuan, "0.14", "2026-01-01T00:00:00Z"),
            rate(2, yuan, "0.15", "2026-06-01T00:00:00Z"),
            rate(3, yuan, "0.16", "2026-06-01T00:00:00Z"),
            rate(4, dollars, "7", "2025-01-01T00:00:00Z"),
        ];
        let find = |from, to, at: &str| Exchange::find(&rates, from, to, at.parse().unwrap());
        let id = |found: Option<Exchange>| found.map(|found| (found.fx_rate_id.get(), found.is_inverse));
        assert_eq!(id(find(Currency::CNY, Currency::USD, "2026-05-31T23:59:59Z")), Some((1, false)));
        assert_eq!(id(find(Currency::CNY, Currency::USD, "2026-06-01T00:00:00Z")), Some((3, false)));
        assert_eq!(id(find(Currency::CNY, Currency::USD, "2025-06-01T00:00:00Z")), Some((4, true)));
        assert_eq!(id(find(Currency::USD, Currency::CNY, "2026-06-01T00:00:00Z")), Some((4, false)));
        assert_eq!(find(Currency::CNY, Currency::USD, "2024-06-01T00:00:00Z"), None);
        let euro = "EUR".parse().unwrap();
        assert_eq!(find(Currency::CNY, euro, "2026-06-01T00:00:00Z"), None);
    }
}
