//! The verbs about exchange rates.

use tollway::client::Tollway;
use tollway::types::{FxRate, FxRateTerms, Result};

use super::NoArguments;
use super::table::verbs;

verbs! {
    /// Adds a rate: one unit of `from_currency` is worth `rate` units of `to_currency`, from a date on, or from now.
    ///
    /// The newest rate that has begun applies; what was converted keeps the rate that it had. Where a pair of currencies has no
    /// rate, that of the opposite pair is inverted.
    ///
    /// * `invalid_request` if the rate is not above zero or not exact, or a currency is wrong.
    "fx.set"(from, to, rate) => set(FxRateTerms) -> FxRate;
    /// Returns all rates, those that newer ones replaced included.
    "fx.list" => list(NoArguments) -> Vec<FxRate>;
}

pub(super) async fn set(client: &Tollway, terms: FxRateTerms) -> Result<FxRate> {
    client.set_fx_rate(terms).await
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
            |rate: &str| parse::<FxRateTerms>("fx.set", &format!(r#"{{"from": "USD", "to": "CNY", "rate": {rate}}}"#));
        assert_eq!(read(r#""7.10""#).unwrap().rate.to_string(), "7.10");
        assert_eq!(read("7").unwrap().rate, 7.into());
        let error = read("7.1").map(drop).unwrap_err();
        assert!(error.detail.starts_with("fx.set: rate: "), "{}", error.detail);
    }
}
