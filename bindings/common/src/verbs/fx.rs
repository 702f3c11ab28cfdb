//! The verbs about exchange rates.

use jiff::Timestamp;
use serde::Deserialize;
use tollway::client::{FxRateInput, Tollway};
use tollway::types::{Currency, FxRate, Result};

use super::NoArguments;
use super::exact::Exact;
use super::table::verbs;

verbs! {
    /// Adds a rate: one unit of `from_currency` is worth `rate` units of `to_currency`, from a date on, or from now.
    ///
    /// The newest rate that has begun applies; what was converted keeps the rate that it had. Where a pair of currencies has no
    /// rate, that of the opposite pair is inverted.
    ///
    /// * `invalid_request` if the rate is not above zero or not exact, or a currency is wrong.
    "fx.set"(from, to, rate) => set(SetArguments) -> FxRate;
    /// Returns all rates, those that newer ones replaced included.
    "fx.list" => list(NoArguments) -> Vec<FxRate>;
}

/// When an exchange rate applies, and where it is from.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "FxOptions"))]
#[serde(deny_unknown_fields)]
pub(super) struct SetArguments {
    /// The currency that is converted.
    #[cfg_attr(feature = "schema", schemars(extend("argument" = "from_currency")))]
    from: Currency,
    /// The currency that it becomes.
    #[cfg_attr(feature = "schema", schemars(extend("argument" = "to_currency")))]
    to: Currency,
    /// How many of the second one of the first is; above zero.
    rate: Exact,
    /// The first instant at which it applies; now where left out.
    #[serde(default)]
    effective_date: Option<Timestamp>,
    /// Where the rate comes from; `user` where left out.
    #[serde(default)]
    source: Option<String>,
}

pub(super) async fn set(client: &Tollway, arguments: SetArguments) -> Result<FxRate> {
    let SetArguments { from, to, rate, effective_date, source } = arguments;
    client.set_fx_rate(FxRateInput { from, to, rate: rate.0, effective_date, source }).await
}

pub(super) async fn list(client: &Tollway, _: NoArguments) -> Result<Vec<FxRate>> {
    client.fx_rates().await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verbs::parse;

    #[test]
    fn a_rate_is_never_a_float() {
        let read =
            |rate: &str| parse::<SetArguments>("fx.set", &format!(r#"{{"from": "USD", "to": "CNY", "rate": {rate}}}"#));
        assert_eq!(read(r#""7.10""#).unwrap().rate.0.to_string(), "7.10");
        assert_eq!(read("7").unwrap().rate.0, 7.into());
        let error = read("7.1").map(drop).unwrap_err();
        assert!(error.detail.starts_with("fx.set: rate: "), "{}", error.detail);
    }
}
