//! The verbs about the prices of model configs.

use jiff::Timestamp;
use serde::Deserialize;
use tollway::client::Tollway;
use tollway::types::{Price, PriceId, PriceMap, Result};

use super::table::verbs;

verbs! {
    /// Sets the prices of some meters, so that what is given is all that there is of each from then on.
    ///
    /// Past costs stay as they are; `rerate` shows what they would be.
    ///
    /// * `invalid_request` if a meter, a unit, a condition or a currency is wrong, or an amount is not exact.
    "prices.set"(model, prices) => set(SetArguments) -> Vec<Price>;
    /// Adds prices to those that there are; only one for the same thing under the same conditions ends.
    ///
    /// * `invalid_request` if a meter, a unit, a condition or a currency is wrong, or an amount is not exact.
    "prices.add"(model, prices) => add(SetArguments) -> Vec<Price>;
    /// Returns the prices of a model config, or all of them, those no longer in force included.
    "prices.list"(model) => list(ListArguments) -> Vec<Price>;
    /// Ends a price, by its row or its id, at an instant or now.
    ///
    /// * `not_found` if there is no such price.
    "prices.expire"(id, at) => expire(ExpireArguments) -> ();
}

#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct SetArguments {
    /// The config.
    model: String,
    /// One price or several of each meter, or of `modifier`.
    #[cfg_attr(feature = "schema", schemars(schema_with = "tollway::types::price_map"))]
    prices: PriceMap,
}

#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct ListArguments {
    /// The config; all where left out.
    #[serde(default)]
    model: Option<String>,
}

#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct ExpireArguments {
    /// The price.
    id: PriceId,
    /// The instant; now where left out.
    #[serde(default)]
    at: Option<Timestamp>,
}

pub(super) async fn set(client: &Tollway, arguments: SetArguments) -> Result<Vec<Price>> {
    let ids = client.set_prices(&arguments.model, arguments.prices).await?;
    rows(client, &arguments.model, &ids).await
}

pub(super) async fn add(client: &Tollway, arguments: SetArguments) -> Result<Vec<Price>> {
    let ids = client.add_prices(&arguments.model, arguments.prices).await?;
    rows(client, &arguments.model, &ids).await
}

async fn rows(client: &Tollway, model: &str, ids: &[PriceId]) -> Result<Vec<Price>> {
    let mut prices = client.prices(Some(model)).await?;
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
    use tollway::types::{Attribute, Basis, Measure, Meter, PricingType};

    use super::*;
    use crate::verbs::parse;

    fn read(prices: &str) -> std::result::Result<SetArguments, crate::ErrorInfo> {
        parse("prices.set", &format!(r#"{{"model": "m", "prices": {prices}}}"#))
    }

    fn detail(prices: &str) -> String {
        read(prices).map(drop).unwrap_err().detail.into()
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
        let second =
            r#"{"input_token": [{"unit_price": "1", "unit": "per_token", "currency": "USD"}, {"price": "1"}]}"#;
        assert!(detail(second).starts_with("prices.set: prices.input_token[1].price: unknown field `price`"));
        let neither = detail(r#"{"input_token": "0.15"}"#);
        assert!(neither.ends_with("expected a price, or an array of prices"), "{neither}");
    }

    #[test]
    fn a_meter_has_one_price_or_several_with_all_of_their_terms() {
        let arguments = read(
            r#"{"input_token": {"unit_price": 1, "unit": "per_1m_tokens", "currency": "USD"},
                "output_token": [
                    {"unit_price": "2", "unit": "per_1m_tokens", "currency": "USD",
                        "conditions": {"input_tokens": {"above": 200000}, "service_tier": "Batch"}},
                    {"unit_price": "3", "unit": "per_1m_tokens", "currency": "USD", "basis": "surcharge",
                        "rounding": {"minimum_quantity": 10, "step": "0.5", "minimum_charge": "0.01"}}],
                "modifier": {"unit_price": "0.5", "unit": "ratio", "currency": "USD",
                    "modifier": {"group": "batch", "meters": ["input_token"], "excludes": ["cache"]}}}"#,
        )
        .unwrap();
        let prices = arguments.prices;
        let of = |name: PricingType| prices[&name].iter().collect::<Vec<_>>();
        assert_eq!((of(Meter::InputToken.into()).len(), of(Meter::OutputToken.into()).len()), (1, 2));
        let [tier, surcharge] = of(Meter::OutputToken.into())[..] else { panic!("two prices") };
        assert!(tier.conditions.choices[&Attribute::ServiceTier].contains("batch"));
        assert!(tier.conditions.ranges.contains_key(&Measure::InputTokens));
        assert_eq!((surcharge.basis, surcharge.rounding.step.unwrap().to_string()), (Basis::Surcharge, "0.5".into()));
        let [ratio] = of(PricingType::MODIFIER)[..] else { panic!("one modifier") };
        assert_eq!(ratio.modifier.as_ref().unwrap().excludes, ["cache"]);
    }

    #[test]
    fn no_figure_of_a_price_is_a_float() {
        let price = |more: &str| {
            format!(r#"{{"input_token": {{"unit_price": "1", "unit": "per_token", "currency": "USD", {more}}}}}"#)
        };
        for wrong in [
            r#""rounding": {"step": 0.5}"#,
            r#""rounding": {"minimum_charge": 0.5}"#,
            r#""conditions": {"duration": {"above": 7.5}}"#,
        ] {
            assert!(read(&price(wrong)).is_err(), "{wrong}");
            assert!(read(&price(&wrong.replace("0.5", "\"0.5\"").replace("7.5", "\"7.5\""))).is_ok(), "{wrong}");
        }
    }
}
