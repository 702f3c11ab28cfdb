//! What an update of prices may change: the next calls, and nothing that was billed before.

use mock_provider::MockProvider;
use rust_decimal::Decimal;
use serde_json::json;
use tollway::catalog::Catalog;
use tollway::client::{ProposalKind, Tollway};
use tollway::types::{CallOptions, CostStatus, ModelTerms, UnpricedPolicy};
use tollway_system_tests::{all_records, billed_to, open, openai_url, request};

/// A catalog of one model at a price of a million input and output tokens, or of another model in its place.
fn catalog(model: &str, input: &str, output: &str) -> Catalog {
    let header = json!({"format": "tollway-catalog/1", "version": "2026-11-22", "offers": 1,
        "sources": [{"name": "list", "version": "1", "date": "2026-11-22"}], "digest": ""});
    let line = format!(
        r#"{{"p":"openai","m":"{model}","s":[0],"x":[{{"q":{{"input_token":"{input}","output_token":"{output}"}}}}]}}"#
    );
    Catalog::from_text(format!("{header}\n{line}\n")).unwrap()
}

async fn configured(tollway: &Tollway, mock: &MockProvider, name: &str) {
    let input = json!({"name": name, "api_key": "sk-house", "base_url": openai_url(mock)});
    tollway.add_model(serde_json::from_value::<ModelTerms>(input).unwrap()).await.unwrap();
}

fn to(model: &str) -> (tollway::types::ChatRequest, CallOptions) {
    let mut request = request("two words", 32);
    request.model = Some(model.to_owned());
    (request, CallOptions { on_unpriced: Some(UnpricedPolicy::Allow), ..billed_to("alice") })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_update_changes_what_comes_and_not_what_was() {
    let folder = tempfile::tempdir().unwrap();
    let mock = MockProvider::start().await.unwrap();
    let tollway = open(&folder.path().join("app.tollway")).await.unwrap();
    configured(&tollway, &mock, "openai/mock-words-8").await;
    let call = async || {
        let (request, options) = to("openai/mock-words-8");
        tollway.chat(request, options).await.unwrap()
    };

    let update = tollway.update_from(&catalog("mock-words-8", "1000", "10000"), true).await.unwrap();
    assert_eq!(update.of_kind(ProposalKind::Added).count(), 2);
    let first = call().await;
    assert!(first.cost.unwrap() > Decimal::ZERO);
    let before = (tollway.prices(None).await.unwrap(), all_records(&tollway).await.unwrap());

    tollway.update_from(&catalog("mock-words-8", "1000", "20000"), true).await.unwrap();
    let after = tollway.prices(None).await.unwrap();
    assert_eq!(after.len(), 3, "a change adds a row");
    for (old, new) in before.0.iter().zip(&after) {
        let ended = tollway::types::Price {
            terms: tollway::types::PriceTerms { expiry_date: new.terms.expiry_date, ..old.terms.clone() },
            ..old.clone()
        };
        assert_eq!(&ended, new, "a row only ends");
    }
    let second = call().await;
    assert!(second.cost > first.cost, "the next call costs the new price");
    let records = all_records(&tollway).await.unwrap();
    assert_eq!(records[0], before.1[0], "what was billed stays");

    let dropped = tollway.update_from(&catalog("another", "1", "1"), true).await.unwrap();
    assert_eq!(dropped.of_kind(ProposalKind::NoLongerInCatalog).count(), 2, "it is reported");
    assert_eq!(tollway.prices(None).await.unwrap(), after, "its prices stay");
    assert_eq!(call().await.cost, second.cost, "and so does what a call costs");
    assert_eq!(all_records(&tollway).await.unwrap()[..2], records[..]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unknown_model_of_a_known_family_stays_unpriced() {
    let folder = tempfile::tempdir().unwrap();
    let mock = MockProvider::start().await.unwrap();
    let tollway = open(&folder.path().join("app.tollway")).await.unwrap();
    for name in ["openai/gpt-4o-mini-mock-words-8", "openai/mock-words-8-2026-01-01"] {
        configured(&tollway, &mock, name).await;
    }
    let update = tollway.update_from(&catalog("mock-words-8", "1000", "10000"), true).await.unwrap();
    assert_eq!(update.changes().count(), 0);
    assert_eq!(update.of_kind(ProposalKind::Unpriced).count(), 2, "each is reported");
    assert_eq!(tollway.update_from_catalog(true).await.unwrap().changes().count(), 0);
    for name in ["openai/gpt-4o-mini-mock-words-8", "openai/mock-words-8-2026-01-01"] {
        let (request, options) = to(name);
        let reply = tollway.chat(request, options).await.unwrap();
        assert_eq!((reply.cost, reply.cost_status), (None, CostStatus::Unpriced), "{name}");
    }
    assert!(tollway.prices(None).await.unwrap().is_empty());
}
