//! Laws 3 and 6 together: a price in one currency under a cap in another.

use std::time::Duration;

use futures_util::future::join_all;
use mock_provider::MockProvider;
use rust_decimal::Decimal;
use serde_json::json;
use tollway::client::{RerateBook, RerateQuery, Tollway};
use tollway::types::{BudgetTerms, Currency, ErrorKind, Limit, ModelTerms, Money, Scope, UsageFilter, Window};
use tollway_system_tests::{
    all_records, billed_to, committed, five_dollars, no_silent_zero, open, openai_url, request, total,
};

/// Makes the house model, priced in yuan.
fn in_yuan(mock: &MockProvider) -> ModelTerms {
    let price = |amount: &str| json!({"unit_price": amount, "unit": "per_1k_tokens", "currency": "CNY"});
    let input = json!({
        "name": "openai/mock-words-8", "api_key": "sk-house", "base_url": openai_url(mock), "default": true,
        "prices": {"input_token": price("0.1"), "output_token": price("700")},
    });
    serde_json::from_value(input).unwrap()
}

async fn rate(tollway: &Tollway, rate: &str) {
    let input = json!({"from": "USD", "to": "CNY", "rate": rate, "source": "bank"});
    tollway.set_fx_rate(serde_json::from_value(input).unwrap()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_cap_in_dollars_holds_for_calls_that_cost_yuan() {
    let folder = tempfile::tempdir().unwrap();
    let mock = MockProvider::start().await.unwrap();
    let tollway = open(&folder.path().join("app.tollway")).await.unwrap();
    tollway.add_model(in_yuan(&mock)).await.unwrap();
    let scope = Scope::of_user("alice");
    let limit = Limit::Money(five_dollars());
    let terms = BudgetTerms::new(scope, limit, Window::Total);
    tollway.set_budget(terms).await.unwrap();
    let refused = tollway.chat(request("name some rivers", 8), billed_to("alice")).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::CurrencyMismatch);
    assert!(refused.detail().contains("`fx`"), "{refused}");

    rate(&tollway, "7.13").await;
    let looks = async {
        for _ in 0..50 {
            let status = tollway.budgets().await.unwrap().remove(0);
            assert!(committed(&status) <= Decimal::from(5), "committed {}", committed(&status));
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    let calls = (0..60).map(|_| async {
        match tollway.chat(request("name some rivers", 8), billed_to("alice")).await {
            Ok(reply) => {
                assert_eq!(reply.currency, Some(Currency::CNY));
                true
            }
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::BudgetExceeded, "{error}");
                false
            }
        }
    });
    let (answered, ()) = tokio::join!(join_all(calls), looks);
    let answered = answered.into_iter().filter(|answered| *answered).count();
    assert!((1..60).contains(&answered), "{answered} answered");

    let status = tollway.budgets().await.unwrap().remove(0);
    let records = all_records(&tollway).await.unwrap();
    assert_eq!((records.len(), status.balance.reserved), (answered, Decimal::ZERO));
    let converted: Decimal = records.iter().map(|record| record.conversions[0].amount).sum();
    assert_eq!(status.balance.settled, converted);
    assert!(converted <= Decimal::from(5));
    assert!(records.iter().all(|record| record.conversions.len() == 1) && no_silent_zero(&records));
    let totals = total(&records).unwrap();
    assert_eq!(totals.iter().map(|money| money.currency).collect::<Vec<_>>(), [Currency::CNY]);

    rate(&tollway, "5").await;
    assert_eq!(all_records(&tollway).await.unwrap(), records, "a later rate alters no record");
    assert_eq!(tollway.budgets().await.unwrap().remove(0).balance, status.balance);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn real_calls_are_billed_again_at_a_corrected_price() {
    let folder = tempfile::tempdir().unwrap();
    let mock = MockProvider::start().await.unwrap();
    let tollway = open(&folder.path().join("app.tollway")).await.unwrap();
    tollway.add_model(in_yuan(&mock)).await.unwrap();
    let first = tollway.chat(request("name some rivers", 8), billed_to("alice")).await.unwrap();
    let second = tollway.chat(request("name some rivers", 8), billed_to("bob")).await.unwrap();
    let since = all_records(&tollway).await.unwrap()[0].facts.started_at;
    let double = json!({"output_token": {
        "unit_price": "1400", "unit": "per_1k_tokens", "currency": "CNY", "effective_date": since,
    }});
    tollway.set_prices("openai/mock-words-8", serde_json::from_value(double).unwrap()).await.unwrap();
    let records = all_records(&tollway).await.unwrap();
    let filter = UsageFilter { user: Some("bob".into()), ..UsageFilter::default() };
    let query = RerateQuery { since, until: None, filter, book: RerateBook::AsKnownNow };
    let report = tollway.rerate(query.clone(), true).await.unwrap();
    let output = second.usage.output_tokens().unwrap();
    let difference = Money::new(Decimal::from(output) * Decimal::new(7, 1), Currency::CNY);
    assert_eq!(report.differences.iter().collect::<Vec<_>>(), [difference]);
    assert_eq!(report.records, 1);
    let after = all_records(&tollway).await.unwrap();
    assert_eq!((&after[..2], after.len()), (&records[..], 3));
    let sum = first.cost.unwrap() + second.cost.unwrap() + difference.amount;
    assert_eq!(total(&after).unwrap().get(Currency::CNY), Some(sum));
    assert_eq!(tollway.rerate(query, true).await.unwrap().unchanged, 1);
}
