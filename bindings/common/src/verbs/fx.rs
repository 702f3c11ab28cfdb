//! The verbs about exchange rates.

use jiff::Timestamp;
use serde::Deserialize;
use tollway::client::{FxRateInput, Tollway};
use tollway::types::{Currency, FxRate, Result};

use super::NoArguments;
use super::exact::Exact;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SetArguments {
    from: Currency,
    to: Currency,
    rate: Exact,
    #[serde(default)]
    effective_date: Option<Timestamp>,
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
