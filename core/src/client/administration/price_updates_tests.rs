use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use super::*;
use crate::environment::TestEnvironment;
use crate::settings::Settings;
use crate::types::{Meter, ModelTerms, Price};
use crate::vault::MasterKey;

struct Fixture {
    _folder: tempfile::TempDir,
    world: TestEnvironment,
    tollway: Tollway,
}

async fn fixture() -> Fixture {
    let folder = tempfile::tempdir().unwrap();
    let world = TestEnvironment::new("2026-11-22T12:00:00Z".parse().unwrap());
    let key = MasterKey::Text("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f".into());
    let path = folder.path().join("app.tollway");
    let tollway = Tollway::open_in(path, key, Settings::default(), Arc::new(world.clone())).await.unwrap();
    Fixture { _folder: folder, world, tollway }
}

impl Fixture {
    async fn add(&self, name: &str, prices: serde_json::Value) {
        let input = json!({"name": name, "base_url": "http://localhost:1/v1", "prices": prices});
        let input: ModelTerms = serde_json::from_value(input).unwrap();
        self.tollway.add_model(input).await.unwrap();
    }

    async fn prices(&self, name: &str) -> Vec<Price> {
        self.tollway.prices(Some(name)).await.unwrap()
    }

    async fn rows(&self) -> Vec<Price> {
        self.tollway.prices(None).await.unwrap()
    }

    /// The unit price of a meter that is in force now.
    async fn current(&self, name: &str, meter: Meter) -> Option<String> {
        use crate::environment::Environment as _;
        let now = self.world.now();
        let prices = self.prices(name).await;
        let mut found = prices.iter().filter(|price| price.terms.pricing_type == meter && price.in_force(now, now));
        let price = found.next().map(|price| price.terms.unit_price.to_string());
        assert!(found.next().is_none(), "two prices of {meter} are in force");
        price
    }
}

fn book(input: &str, output: &str) -> PriceBook {
    let price = |meter: &str, price: &str| json!({"pricing_type": meter, "unit_price": price, "unit": "per_1m_tokens"});
    serde_json::from_value(json!({"offers": [{
        "provider": "acme", "model": "duck-2", "aliases": ["duck-2-2026"], "currency": "USD", "source": "list 2",
        "checked": "2026-11-21", "prices": [price("input_token", input), price("output_token", output)],
    }]}))
    .unwrap()
}

#[tokio::test]
async fn a_new_price_begins_now_and_the_old_row_keeps_its_past() {
    let fixture = fixture().await;
    fixture.add("acme/duck-2", json!({})).await;
    fixture.tollway.apply_prices(&book("2", "8")).await.unwrap();
    let before = fixture.rows().await;
    fixture.world.advance(Duration::from_hours(24));

    let proposed = fixture.tollway.propose_prices(&book("3", "8")).await.unwrap();
    assert!(!proposed.applied);
    let change = proposed.changes().next().unwrap();
    assert_eq!((proposed.changes().count(), change.kind), (1, ProposalKind::Changed));
    assert_eq!(change.old.as_ref(), Some(&before[0]));
    assert_eq!(fixture.rows().await, before, "a proposal writes nothing");

    let applied = fixture.tollway.apply_prices(&book("3", "8")).await.unwrap();
    assert_eq!(applied.proposals, proposed.proposals);
    let after = fixture.rows().await;
    let noon = change.effective_date.unwrap();
    let mut ended = before[0].clone();
    ended.terms.expiry_date = Some(noon);
    assert_eq!((&after[0], &after[1], after.len()), (&ended, &before[1], 3));
    assert_eq!(fixture.current("acme/duck-2", Meter::InputToken).await.as_deref(), Some("3"));

    fixture.world.advance(Duration::from_mins(1));
    let again = fixture.tollway.apply_prices(&book("3", "8")).await.unwrap();
    assert_eq!(again.changes().count(), 0);
    assert_eq!(fixture.rows().await, after, "doing it again writes nothing");
}

#[tokio::test]
async fn only_the_exact_model_or_a_listed_alias_takes_the_price() {
    let fixture = fixture().await;
    for name in ["acme/duck-2", "acme/duck-2-2026", "acme/duck-2-mini", "acme/duck", "other/duck-2"] {
        fixture.add(name, json!({})).await;
    }
    let update = fixture.tollway.apply_prices(&book("2", "8")).await.unwrap();
    for name in ["acme/duck-2", "acme/duck-2-2026"] {
        assert_eq!(fixture.current(name, Meter::OutputToken).await.as_deref(), Some("8"), "{name}");
    }
    for name in ["acme/duck-2-mini", "acme/duck", "other/duck-2"] {
        assert_eq!(fixture.prices(name).await, [], "{name}");
        assert!(update.of_kind(ProposalKind::Unpriced).any(|proposal| proposal.model == name), "{name}");
    }
}

#[tokio::test]
async fn a_price_set_by_hand_is_never_touched() {
    let fixture = fixture().await;
    let by_hand = json!({"input_token": {"unit_price": "1", "unit": "per_1m_tokens", "currency": "USD"}});
    fixture.add("acme/duck-2", by_hand).await;
    let before = fixture.rows().await;
    let update = fixture.tollway.apply_prices(&book("2", "8")).await.unwrap();
    assert_eq!(update.proposals.iter().map(|proposal| proposal.kind).collect::<Vec<_>>(), [ProposalKind::Kept]);
    assert_eq!(fixture.rows().await, before);
}

#[tokio::test]
async fn a_price_that_the_list_dropped_ends_now() {
    let fixture = fixture().await;
    fixture.add("acme/duck-2", json!({})).await;
    let mut with_cache = book("2", "8");
    let mut cached = with_cache.offers[0].prices[0].clone();
    cached.pricing_type = Meter::CachedInputToken.into();
    with_cache.offers[0].prices.push(cached);
    fixture.tollway.apply_prices(&with_cache).await.unwrap();
    fixture.world.advance(Duration::from_mins(1));
    let update = fixture.tollway.apply_prices(&book("2", "8")).await.unwrap();
    assert_eq!(update.changes().map(|proposal| proposal.kind).collect::<Vec<_>>(), [ProposalKind::Ended]);
    assert_eq!(fixture.current("acme/duck-2", Meter::CachedInputToken).await, None);
    assert_eq!(fixture.current("acme/duck-2", Meter::InputToken).await.as_deref(), Some("2"));
}

#[tokio::test]
async fn a_model_that_the_catalog_dropped_keeps_its_prices() {
    let fixture = fixture().await;
    fixture.add("acme/duck-2", json!({})).await;
    fixture.tollway.apply_prices(&book("2", "8")).await.unwrap();
    let before = fixture.rows().await;
    let update = fixture.tollway.update_from_catalog(true).await.unwrap();
    assert_eq!(update.of_kind(ProposalKind::NoLongerInCatalog).count(), 2);
    assert_eq!((update.changes().count(), fixture.rows().await), (0, before));
}

#[tokio::test]
async fn the_bundled_catalog_prices_what_it_added_itself_the_same() {
    let fixture = fixture().await;
    for name in [
        "groq/llama-3.1-8b-instant",
        "gemini/gemini-2.5-pro",
        "gemini/gemini-3.8-flash",
        "dashscope/qwen-plus",
        "zhipu/glm-4.6",
        "deepseek/deepseek-v4-pro",
    ] {
        fixture
            .tollway
            .add_model(serde_json::from_value(json!({"name": name, "api_key": "k"})).unwrap())
            .await
            .unwrap();
    }
    let before = fixture.rows().await;
    assert!(!before.is_empty());
    fixture.world.advance(Duration::from_mins(1));
    let update = fixture.tollway.update_from_catalog(true).await.unwrap();
    assert_eq!(update.of_kind(ProposalKind::Unchanged).count(), before.len(), "{update:?}");
    assert_eq!(fixture.rows().await, before);
}
