use std::time::Duration;

use serde_json::{Value, json};

use super::*;
use crate::client::testing::{Fixture, at, decimal, from_json, per_million};
use crate::environment::Environment as _;
use crate::report::SummaryQuery;
use crate::types::{Attribute, BudgetTerms, Facts, Limit, Meter, ModelConfig, Quantity, Scope, Usage, Window};

fn usd(amount: &str) -> Money {
    Money::new(decimal(amount), Currency::USD)
}

fn query(book: RerateBook) -> RerateQuery {
    RerateQuery { since: at("2026-11-01T00:00:00Z"), until: None, filter: UsageFilter::default(), book }
}

async fn house(fixture: &Fixture, prices: Value) -> ModelConfig {
    fixture.model("openai/house-model", prices).await
}

/// Corrects the input price of the house model since the first of the month.
async fn correct(fixture: &Fixture, amount: &str) {
    fixture.world.advance(Duration::from_hours(1));
    let mut price = per_million(amount);
    price["effective_date"] = json!("2026-11-01T00:00:00Z");
    let prices = from_json(json!({"input_token": price}));
    fixture.tollway.set_prices("openai/house-model", prices).await.unwrap();
}

#[tokio::test]
async fn a_correction_of_a_price_is_billed_once_and_no_record_changes() {
    let fixture = Fixture::open().await;
    let config = house(&fixture, json!({"input_token": per_million("1")})).await;
    let budget = BudgetTerms::new(Scope::of_user("alice"), Limit::Money(usd("100")), Window::Total);
    fixture.tollway.set_budget(budget).await.unwrap();
    let uid = fixture.call(&config, 2_000_000, Some(usd("2"))).await;
    let before = fixture.records().await;
    correct(&fixture, "1.25").await;

    let looked = fixture.tollway.rerate(query(RerateBook::AsKnownNow), false).await.unwrap();
    assert_eq!((looked.records, looked.unchanged, looked.applied, looked.lines.len()), (1, 0, false, 1));
    let line = &looked.lines[0];
    assert_eq!((line.uid.as_str(), line.model.as_str()), (uid.as_str(), "openai/house-model"));
    assert_eq!((line.old_cost, line.new_cost), (Some(decimal("2")), Some(decimal("2.5"))));
    assert_eq!((line.difference, line.currency, &line.reason), (Some(decimal("0.5")), Some(Currency::USD), &None));
    assert_eq!(looked.differences.iter().collect::<Vec<_>>(), [usd("0.5")]);
    assert_eq!(fixture.records().await, before, "a look writes nothing");

    let applied = fixture.tollway.rerate(query(RerateBook::AsKnownNow), true).await.unwrap();
    assert_eq!((applied.applied, applied.lines.clone()), (true, looked.lines));
    let records = fixture.records().await;
    assert_eq!((records.len(), &records[0]), (2, &before[0]));
    assert_eq!(records[1].adjusts.as_deref(), Some(uid.as_str()));
    assert_eq!(records[1].price_ids, applied.lines[0].price_ids);
    let budget = fixture.tollway.budgets().await.unwrap().remove(0);
    assert_eq!(budget.balance.settled, decimal("2.5"));
    let summary = fixture.tollway.usage_summary(SummaryQuery::default()).await.unwrap().remove(0);
    assert_eq!((summary.calls, summary.unpriced_calls, summary.failed_calls), (1, 0, 0));
    assert_eq!((summary.input_tokens, summary.totals.get(Currency::USD)), (2_000_000, Some(decimal("2.5"))));

    let again = fixture.tollway.rerate(query(RerateBook::AsKnownNow), true).await.unwrap();
    assert_eq!((again.records, again.unchanged, again.lines.len()), (1, 1, 0));
    assert_eq!(fixture.records().await, records);
    // A second correction starts from what the first one made of it.
    correct(&fixture, "1").await;
    let back = fixture.tollway.rerate(query(RerateBook::AsKnownNow), true).await.unwrap();
    assert_eq!(back.lines[0].old_cost, Some(decimal("2.5")));
    assert_eq!(back.differences.iter().collect::<Vec<_>>(), [usd("-0.5")]);
    assert_eq!(fixture.tollway.budgets().await.unwrap()[0].balance.settled, decimal("2"));
}

#[tokio::test]
async fn a_record_that_had_no_price_gets_one_once_it_is_known() {
    let fixture = Fixture::open().await;
    let config = house(&fixture, json!({})).await;
    let uid = fixture.call(&config, 1_000_000, None).await;
    let unpriced = fixture.tollway.rerate(query(RerateBook::AsKnownNow), true).await.unwrap();
    let line = &unpriced.lines[0];
    assert_eq!((line.uid.as_str(), line.old_cost, line.new_cost), (uid.as_str(), None, None));
    assert!(line.reason.as_ref().unwrap().contains("do not price"), "{:?}", line.reason);
    assert_eq!(unpriced.differences, Totals::default());

    correct(&fixture, "3").await;
    let priced = fixture.tollway.rerate(query(RerateBook::AsKnownNow), true).await.unwrap();
    assert_eq!(priced.differences.get(Currency::USD), Some(decimal("3")));
    let records = fixture.records().await;
    assert_eq!((records.len(), records[0].cost_amount), (1, Some(decimal("3"))));
    let again = fixture.tollway.rerate(query(RerateBook::AsKnownNow), true).await.unwrap();
    assert_eq!((again.unchanged, again.lines.len()), (1, 0));
}

#[tokio::test]
async fn a_tier_without_prices_is_not_billed_at_the_plain_ones_later() {
    let fixture = Fixture::open().await;
    let config = house(&fixture, json!({"input_token": per_million("1")})).await;
    let mut facts = Facts::at(fixture.world.now());
    facts.set(Attribute::ServiceTier, "priority");
    let unpriced = (CostStatus::Unpriced, BilledBy::ProviderUsage);
    fixture.settled_as(&config, 1_000_000, None, unpriced, facts).await;
    let before = fixture.records().await;
    for book in [RerateBook::AsKnownNow, RerateBook::InForceNow] {
        let report = fixture.tollway.rerate(query(book), true).await.unwrap();
        assert!(report.lines[0].reason.as_ref().unwrap().contains("\"priority\""), "{:?}", report.lines[0]);
    }
    assert_eq!(fixture.records().await, before);

    let mut dearer = per_million("2");
    dearer["conditions"] = json!({"service_tier": "priority"});
    let prices = from_json(json!({"input_token": [per_million("1"), dearer]}));
    fixture.tollway.set_prices("openai/house-model", prices).await.unwrap();
    let report = fixture.tollway.rerate(query(RerateBook::InForceNow), true).await.unwrap();
    assert_eq!(report.lines[0].new_cost, Some(decimal("2")));
}

#[tokio::test]
async fn a_price_of_today_and_a_price_book_bill_the_past_too() {
    let fixture = Fixture::open().await;
    let config = house(&fixture, json!({"input_token": per_million("1")})).await;
    let other = fixture.model("openai/other-model", json!({"input_token": per_million("1")})).await;
    fixture.call(&config, 1_000_000, Some(usd("1"))).await;
    fixture.call(&other, 1_000_000, Some(usd("1"))).await;
    fixture.world.advance(Duration::from_hours(1));
    let prices = from_json(json!({"input_token": per_million("4")}));
    fixture.tollway.set_prices("openai/house-model", prices).await.unwrap();
    let known = fixture.tollway.rerate(query(RerateBook::AsKnownNow), false).await.unwrap();
    assert_eq!((known.unchanged, known.lines.len()), (2, 0), "a price that begins later is none of the past");
    let today = fixture.tollway.rerate(query(RerateBook::InForceNow), false).await.unwrap();
    assert_eq!((today.unchanged, today.lines[0].new_cost), (1, Some(decimal("4"))));

    let book: PriceBook = from_json(json!({"offers": [{
        "provider": "openai", "model": "house-model-2026", "aliases": ["house-model"], "currency": "USD",
        "prices": [
            {"pricing_type": "input_token", "unit_price": "5", "unit": "per_1m_tokens"},
            {
                "pricing_type": "input_token", "unit_price": "6", "unit": "per_1m_tokens",
                "conditions": {"input_tokens": {"above": 999_999}},
            },
        ],
        "source": "list", "checked": "2026-11-20",
    }]}));
    let listed = fixture.tollway.rerate(query(RerateBook::Book(book.clone())), true).await.unwrap();
    assert_eq!((listed.records, listed.unchanged, listed.lines[0].new_cost), (2, 1, Some(decimal("6"))));
    let twice = PriceBook { offers: [book.offers.clone(), book.offers].concat() };
    let refused = fixture.tollway.rerate(query(RerateBook::Book(twice)), true).await.unwrap_err();
    assert!(refused.detail().contains("house-model-2026 twice"), "{refused}");
    let only_other = UsageFilter { model: Some("openai/other-model".into()), ..UsageFilter::default() };
    let filtered = RerateQuery { filter: only_other, ..query(RerateBook::InForceNow) };
    assert_eq!(fixture.tollway.rerate(filtered, false).await.unwrap().records, 1);
    let ended = RerateQuery { until: Some(at("2026-11-22T12:00:00Z")), ..query(RerateBook::InForceNow) };
    assert_eq!(fixture.tollway.rerate(ended, false).await.unwrap().records, 0);
}

#[tokio::test]
async fn records_that_cannot_be_rerated_say_why_and_stay() {
    let fixture = Fixture::open().await;
    let config = house(&fixture, json!({"input_token": per_million("1")})).await;
    let gone = fixture.model("openai/gone", json!({"input_token": per_million("1")})).await;
    let yuan = Money::new(decimal("7"), Currency::CNY);
    fixture.settled(&config, 9, Some(usd("8")), CostStatus::Estimated, BilledBy::Recovery).await;
    fixture.settled(&config, 9, Some(usd("0")), CostStatus::Computed, BilledBy::NotBilled).await;
    fixture.call(&gone, 1_000_000, Some(usd("1"))).await;
    fixture.call(&config, 1_000_000, Some(yuan)).await;
    fixture.tollway.delete_model("openai/gone").await.unwrap();
    let before = fixture.records().await;
    let report = fixture.tollway.rerate(query(RerateBook::AsKnownNow), true).await.unwrap();
    let reasons: Vec<_> = report.lines.iter().map(|line| line.reason.clone().unwrap()).collect();
    for (reason, says) in reasons.iter().zip(["reserved", "was deleted", "CNY"]) {
        assert!(reason.contains(says), "{reason}");
    }
    assert_eq!((report.records, reasons.len()), (3, 3));
    assert_eq!(report.differences, Totals::default());
    assert_eq!(fixture.records().await, before);
}

#[tokio::test]
async fn differences_of_two_currencies_are_kept_apart() {
    let fixture = Fixture::open().await;
    let dollars = house(&fixture, json!({"input_token": per_million("2")})).await;
    let price = json!({"unit_price": "9", "unit": "per_1m_tokens", "currency": "CNY"});
    let yuan = fixture.model("deepseek/deepseek-chat", json!({"input_token": price})).await;
    fixture.call(&dollars, 1_000_000, Some(usd("1"))).await;
    fixture.call(&yuan, 1_000_000, Some(Money::new(decimal("8"), Currency::CNY))).await;
    let report = fixture.tollway.rerate(query(RerateBook::AsKnownNow), true).await.unwrap();
    let expected = [Money::new(decimal("1"), Currency::CNY), usd("1")];
    assert_eq!(report.differences.iter().collect::<Vec<_>>(), expected);
    assert_eq!(serde_json::to_value(&report.differences).unwrap(), json!({"CNY": "1", "USD": "1"}));
}

#[tokio::test]
async fn rerating_leaves_stated_costs_and_usage_billed_at_a_bound_alone() {
    let fixture = Fixture::open().await;
    let mut listed = per_million("1");
    listed["source"] = json!("a list");
    let config = fixture.model("openrouter/m", json!({"input_token": listed, "output_token": listed})).await;
    let meters: BTreeMap<_, _> = [(Meter::InputToken, Quantity::from(1_000_000))].into();
    let stated = Usage { meters: meters.clone(), reported_cost: Some(decimal("0.7")), ..Usage::default() };
    let beyond = Usage { meters, flags: vec![UsageFlag::UsageExceedsBound], ..Usage::default() };
    let facts = || Facts::at(fixture.world.now());
    let (reported, computed) = (CostStatus::Reported, CostStatus::Computed);
    for (usage, status) in [(stated, reported), (beyond, computed)] {
        let how = (status, BilledBy::ProviderUsage);
        fixture.settled_usage(&config, usage, Some(usd("0.7")), how, facts()).await;
    }
    let report = fixture.tollway.rerate(query(RerateBook::AsKnownNow), true).await.unwrap();
    assert_eq!((report.records, report.unchanged, report.lines.len()), (2, 1, 1));
    assert!(report.lines[0].reason.as_deref().is_some_and(|reason| reason.contains("proven to be possible")));
    assert_eq!(fixture.records().await.len(), 2);
}

#[test]
fn a_query_is_read_from_json() {
    for (book, is_read) in [(json!("as_known_now"), true), (json!({"book": {"offers": []}}), true), (json!("x"), false)]
    {
        let query = json!({"since": "2026-11-01T00:00:00Z", "book": book, "filter": {"user": "alice"}});
        assert_eq!(serde_json::from_value::<RerateQuery>(query).is_ok(), is_read, "{book}");
    }
}
