//! The verbs about prices.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Deserialize;
use tollway::client::{PriceInput, Tollway};
use tollway::types::{Currency, Meter, Price, PriceId, Result, Unit};

use super::exact::Exact;

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
    prices: BTreeMap<Meter, PriceArguments>,
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
pub(super) fn inputs(prices: BTreeMap<Meter, PriceArguments>) -> BTreeMap<Meter, PriceInput> {
    let input = |price: PriceArguments| PriceInput {
        unit_price: price.unit_price.0,
        unit: price.unit,
        currency: price.currency,
        effective_date: price.effective_date,
        expiry_date: price.expiry_date,
        source: price.source,
    };
    prices.into_iter().map(|(meter, price)| (meter, input(price))).collect()
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
