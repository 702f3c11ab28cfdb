//! The verbs about prices.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Deserialize;
use serde::de::IntoDeserializer;
use serde::de::value::Error as NameError;
use tollway::client::{PriceInput, PriceList, Tollway};
use tollway::types::{Currency, Meter, Price, PriceId, PricingType, Result, Unit};

use super::exact::Exact;

/// A meter as the key of a mapping. It is read through a text, because only then does an error's path name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct MeterName(Meter);

impl TryFrom<String> for MeterName {
    type Error = NameError;

    fn try_from(name: String) -> std::result::Result<Self, NameError> {
        Meter::deserialize(name.into_deserializer()).map(Self)
    }
}

/// A price to set, whose amount no float has touched.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PriceArguments {
    unit_price: Exact,
    unit: Unit,
    currency: Currency,
    #[serde(default)]
    effective_date: Option<Timestamp>,
    #[serde(default)]
    expiry_date: Option<Timestamp>,
    #[serde(default)]
    source: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SetArguments {
    model: String,
    prices: BTreeMap<MeterName, PriceArguments>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ListArguments {
    #[serde(default)]
    model: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ExpireArguments {
    id: PriceId,
    #[serde(default)]
    at: Option<Timestamp>,
}

/// Converts prices by meter.
pub(super) fn inputs(prices: BTreeMap<MeterName, PriceArguments>) -> BTreeMap<PricingType, PriceList> {
    let input = |price: PriceArguments| PriceInput {
        effective_date: price.effective_date,
        expiry_date: price.expiry_date,
        source: price.source,
        ..PriceInput::new(price.unit_price.0, price.unit, price.currency)
    };
    prices.into_iter().map(|(MeterName(meter), price)| (meter.into(), input(price).into())).collect()
}

pub(super) async fn set(client: &Tollway, arguments: SetArguments) -> Result<Vec<Price>> {
    let ids = client.set_prices(&arguments.model, inputs(arguments.prices)).await?;
    let mut prices = client.prices(Some(&arguments.model)).await?;
    prices.retain(|price| ids.contains(&price.id));
    Ok(prices)
}

pub(super) async fn list(client: &Tollway, arguments: ListArguments) -> Result<Vec<Price>> {
    client.prices(arguments.model.as_deref()).await
}

pub(super) async fn expire(client: &Tollway, arguments: ExpireArguments) -> Result<()> {
    client.expire_price(arguments.id, arguments.at).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verbs::parse;

    fn detail(prices: &str) -> String {
        let text = format!(r#"{{"model": "m", "prices": {prices}}}"#);
        parse::<SetArguments>("prices.set", &text).map(drop).unwrap_err().detail.into()
    }

    #[test]
    fn an_error_names_the_meter() {
        let unknown = detail(r#"{"inputs": {"unit_price": "1", "unit": "per_token", "currency": "USD"}}"#);
        assert!(
            unknown.starts_with("prices.set: prices.inputs: unknown variant `inputs`, expected one of"),
            "{unknown}"
        );
        let unit = detail(r#"{"input_token": {"unit_price": "1", "unit": "per_million", "currency": "USD"}}"#);
        assert!(unit.starts_with("prices.set: prices.input_token.unit: unknown variant `per_million`"), "{unit}");
    }
}
