use serde_json::{Value, json};

use super::*;
use crate::billing::price::BillHead;
use crate::client::testing::{Fixture, at, from_json, per_million};
use crate::environment::Environment;
use crate::types::{Currency, ErrorKind, Facts, Meter, ModelConfig, Usage};

fn prices(value: Value) -> PriceMap {
    from_json(value)
}

async fn set(fixture: &Fixture, value: Value) -> Result<Vec<PriceId>> {
    fixture.tollway.set_prices("acme/one", prices(value)).await
}

async fn in_force(fixture: &Fixture, config: &ModelConfig, instant: Timestamp) -> Vec<String> {
    let snapshot = fixture.tollway.engine.reload().await.unwrap();
    let prices = snapshot.prices(config.id);
    let current = prices.iter().filter(|price| price.in_force(instant, Timestamp::MAX));
    current.map(|price| format!("{} {}", price.terms.pricing_type, price.terms.unit_price)).collect()
}

async fn acme(fixture: &Fixture, prices: Value) -> ModelConfig {
    let input = json!({
        "name": "acme/one", "api_key": "k", "base_url": "http://127.0.0.1:9/v1", "prices": prices,
    });
    fixture.tollway.add_model(from_json(input)).await.unwrap().config
}

#[test]
fn one_price_and_a_list_of_them_are_read() {
    let read = prices(json!({
        "input_token": per_million("1"),
        "output_token": [per_million("2"), {
            "unit_price": "1", "unit": "per_1m_tokens", "currency": "USD",
            "conditions": {"service_tier": "batch", "input_tokens": {"above": 200_000}},
            "rounding": {"min_charge_unit": "0.5", "minimum_charge": "0.01"}, "basis": "surcharge",
        }],
        "modifier": {
            "unit_price": "1.1", "unit": "ratio", "currency": "USD",
            "conditions": {"region": "eu"}, "modifier": {"group": "region", "meters": ["input_token"]},
        },
    }));
    assert_eq!(read[&Meter::InputToken.into()].0.len(), 1);
    let output = &read[&Meter::OutputToken.into()].0;
    assert_eq!((output.len(), output[0].conditions.is_empty(), output[1].conditions.weight()), (2, true, 2));
    assert_eq!(output[1].rounding.step.unwrap().to_string(), "0.5");
    let terms = terms_of(&read, at("2026-11-22T00:00:00Z")).unwrap();
    assert_eq!(terms.len(), 4);
    assert_eq!(terms.last().unwrap().modifier.as_ref().unwrap().group, "region");
}

#[test]
fn wrong_prices_are_named_by_their_path() {
    for (value, says) in [
        (json!({"inputs": per_million("1")}), "unknown variant `inputs`, expected one of"),
        (json!({"input_token": 5}), "expected a price, or an array of prices"),
        (json!({"input_token": [{"unit_price": "1"}]}), "missing field `unit`"),
        (json!({"input_token": {"unit_price": "1", "unit": "per_token", "currency": "USD", "price": 1}}), "`price`"),
        (
            json!({"input_token": {
                "unit_price": "1", "unit": "per_token", "currency": "USD", "conditions": {"colour": "red"},
            }}),
            "condition \"colour\" is not known",
        ),
    ] {
        let error = serde_json::from_value::<PriceMap>(value).unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
    }
}

#[tokio::test]
async fn setting_replaces_the_prices_of_a_meter_and_adding_keeps_them() {
    let fixture = Fixture::open().await;
    let batch = json!({
        "unit_price": "0.5", "unit": "per_1m_tokens", "currency": "USD", "conditions": {"service_tier": "batch"},
    });
    let first = json!({"input_token": [per_million("1"), batch], "output_token": per_million("9")});
    let config = acme(&fixture, first).await;
    let now = fixture.world.now();
    assert_eq!(in_force(&fixture, &config, now).await, ["input_token 1", "input_token 0.5", "output_token 9"]);

    let flex = json!({"input_token": {
        "unit_price": "0.7", "unit": "per_1m_tokens", "currency": "USD", "conditions": {"service_tier": "flex"},
    }});
    fixture.tollway.add_prices("acme/one", prices(flex)).await.unwrap();
    assert_eq!(in_force(&fixture, &config, now).await.len(), 4);
    let snapshot = fixture.tollway.engine.reload().await.unwrap();
    assert!(snapshot.price_set(config.id, now).unwrap().looks_at(crate::types::Attribute::ServiceTier, "flex"));

    assert_eq!(set(&fixture, json!({"input_token": per_million("2")})).await.unwrap().len(), 1);
    assert_eq!(in_force(&fixture, &config, now).await, ["output_token 9", "input_token 2"]);
}

#[tokio::test]
async fn a_price_may_have_all_the_digits_that_there_are() {
    let fixture = Fixture::open().await;
    acme(&fixture, json!({})).await;
    let long = "0.1234567890123456789012345678";
    set(&fixture, json!({"input_token": per_million(long)})).await.unwrap();
    let price = fixture.tollway.prices(None).await.unwrap().remove(0);
    assert_eq!(price.terms.unit_price.to_string(), long);
    let too_many = serde_json::from_value::<PriceDraft>(per_million("0.123456789012345678901234567890123"));
    assert!(too_many.is_err() || too_many.is_ok_and(|price| price.unit_price.scale() <= 28));
}

#[tokio::test]
async fn prices_that_make_no_sense_are_refused_with_their_meter() {
    let fixture = Fixture::open().await;
    acme(&fixture, json!({"input_token": per_million("1")})).await;
    let input = |more: Value| {
        let mut price = per_million("1");
        price.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!({"input_token": price})
    };
    for (value, says) in [
        (json!({"input_token": per_million("-1")}), "input_token"),
        (json!({"input_token": []}), "input_token is empty"),
        (json!({"input_token": per_million("10000000000")}), "10000000000"),
        (input(json!({"unit": "per_second"})), "per_second"),
        (
            input(json!({"currency": "CNY", "conditions": {"plan": "pro"}, "effective_date": "2027-01-01T00:00:00Z"})),
            "",
        ),
        (input(json!({"rounding": {"step": 0}})), "step"),
        (input(json!({"modifier": {"group": "x"}})), "modifier"),
        (
            json!({"modifier": {"unit_price": "0", "unit": "ratio", "currency": "USD", "modifier": {"group": "x"}}}),
            "ratio",
        ),
        (json!({"modifier": {"unit_price": "2", "unit": "ratio", "currency": "USD", "modifier": {}}}), "group"),
        (json!({"modifier": {"unit_price": "1", "unit": "ratio", "currency": "USD"}}), "`modifier`"),
        (
            json!({"output_token": {"unit_price": "1", "unit": "per_1m_tokens", "currency": "CNY"}}),
            "set all its prices in one currency",
        ),
    ] {
        let outcome = set(&fixture, value.clone()).await;
        if says.is_empty() {
            // The meter's only price changes its currency from a day on, which is no clash.
            outcome.unwrap();
            continue;
        }
        let error = outcome.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidRequest, "{value}");
        assert!(error.detail().contains(says), "{error}");
    }
}

#[tokio::test]
async fn a_correction_of_the_past_prices_new_calls_and_is_known_from_now_on() {
    let fixture = Fixture::open().await;
    let config = acme(&fixture, json!({"input_token": per_million("1")})).await;
    let first = fixture.world.now();
    fixture.world.advance(std::time::Duration::from_hours(1));
    let corrected = json!({"input_token": {
        "unit_price": "2", "unit": "per_1m_tokens", "currency": "USD", "effective_date": "2026-11-01T00:00:00Z",
    }});
    set(&fixture, corrected).await.unwrap();
    let now = fixture.world.now();
    let snapshot = fixture.tollway.engine.reload().await.unwrap();
    let amount = |at, known| {
        let set = snapshot.price_set_as_known(config.id, at, known).unwrap();
        let usage = Usage { meters: [(Meter::InputToken, 1_000_000.into())].into(), ..Usage::default() };
        let head = BillHead { attempt: 1, model: "acme/one", reported_currency: Currency::USD };
        set.bill(head, &usage, &Facts::at(at)).unwrap().cost.unwrap().amount.to_string()
    };
    assert_eq!(amount(first, first), "1");
    assert_eq!(amount(first, now), "2");
    assert_eq!(amount(now, now), "2");
}
