use std::time::Duration;

use serde_json::{Value, json};

use super::*;
use crate::client::testing::{Fixture, from_json, per_million};
use crate::environment::Environment;
use crate::types::{Capability, ErrorKind, ModelTerms, Result};

async fn set(fixture: &Fixture, terms: Value) -> Result<ConfiguredModel> {
    fixture.tollway.set_model(from_json::<ModelTerms>(terms)).await
}

async fn add(fixture: &Fixture, input: Value) -> Result<ConfiguredModel> {
    fixture.tollway.add_model(from_json::<ModelTerms>(input)).await
}

async fn refused(fixture: &Fixture, terms: Value) -> String {
    let added = add(fixture, terms.clone()).await.unwrap_err();
    let error = set(fixture, terms).await.unwrap_err();
    assert_eq!((error.kind(), error.detail()), (ErrorKind::InvalidRequest, added.detail()));
    error.detail().to_owned()
}

#[tokio::test]
async fn setting_a_model_twice_writes_nothing_the_second_time() {
    let fixture = Fixture::open().await;
    let terms = json!({
        "name": "openai/gpt-4o-mini", "api_key": "sk-1", "default": true, "priority": 2, "description": "small",
        "params": {"headers": {"x-team-key": "secret", "x-team": "blue"}},
        "prices": {"input_token": per_million("1"), "output_token": [per_million("2")]},
    });
    let first = set(&fixture, terms.clone()).await.unwrap();
    assert_eq!(
        (first.outcome, first.prices_from, &first.warnings[..]),
        (Configured::Added, PricesFrom::Given, &[][..])
    );
    let prices = fixture.tollway.prices(None).await.unwrap();
    fixture.world.advance(Duration::from_hours(1));
    let second = set(&fixture, terms).await.unwrap();
    assert_eq!((second.outcome, &second.config), (Configured::Unchanged, &first.config));
    assert_eq!(fixture.tollway.prices(None).await.unwrap(), prices);
    let again = add(&fixture, json!({"name": "openai/gpt-4o-mini", "api_key": "sk-1"})).await.unwrap_err();
    assert!(again.detail().contains("is configured already"), "{again}");
}

#[tokio::test]
async fn what_is_given_is_set_and_the_rest_stays() {
    let fixture = Fixture::open().await;
    let name = "openai/gpt-4o-mini";
    let first = set(&fixture, json!({"name": name, "api_key": "sk-1", "priority": 3})).await.unwrap();
    let change = json!({"model": name, "active": false, "description": "by hand"});
    fixture.tollway.update_model(from_json(change)).await.unwrap();
    let second = set(&fixture, json!({"name": name, "api_key": "sk-2", "default": true})).await.unwrap();
    assert_eq!((second.outcome, second.prices_from), (Configured::Changed, PricesFrom::Kept));
    assert_eq!((second.id, second.priority, second.is_default, second.is_active), (first.id, 3, true, false));
    assert_ne!(second.api_key, first.api_key, "the new key is sealed in the place of the old one");
    let third = set(&fixture, json!({"name": name, "priority": 0, "capability": "image"})).await.unwrap();
    assert_eq!((third.priority, third.capability, &third.api_key), (0, Capability::Image, &second.api_key));
    let other = set(&fixture, json!({"name": name, "alias": "second", "api_key": "sk-3"})).await.unwrap();
    assert_eq!(other.outcome, Configured::Added, "another alias is another config");
    let taken = refused(&fixture, json!({"name": "openai/gpt-4o", "alias": "second", "api_key": "sk-3"})).await;
    assert!(taken.contains("\"second\" names openai/gpt-4o-mini"), "{taken}");
}

#[tokio::test]
async fn prices_that_are_set_are_all_that_a_model_has_from_then_on() {
    let fixture = Fixture::open().await;
    let name = "openai/gpt-4o-mini";
    let first = set(&fixture, json!({"name": name, "api_key": "k"})).await.unwrap();
    assert_eq!(first.prices_from, PricesFrom::Catalog);
    let of_catalog = fixture.tollway.prices(Some(name)).await.unwrap().len();
    assert!(of_catalog > 2);
    fixture.world.advance(Duration::from_hours(1));
    let input = json!({"unit_price": "3", "unit": "per_1m_tokens", "currency": "CNY"});
    let second = set(&fixture, json!({"name": name, "prices": {"input_token": input}})).await.unwrap();
    assert_eq!((second.outcome, second.prices_from), (Configured::Changed, PricesFrom::Given));
    let now = fixture.world.now();
    let all = fixture.tollway.prices(Some(name)).await.unwrap();
    let standing: Vec<_> = all.iter().filter(|price| price.stands(now)).collect();
    assert_eq!((all.len(), standing.len(), standing[0].terms.currency.code()), (of_catalog + 1, 1, "CNY"));
    let none = set(&fixture, json!({"name": name, "prices": {}})).await.unwrap();
    assert_eq!((none.outcome, none.prices_from, none.warnings.len()), (Configured::Changed, PricesFrom::None, 0));
    assert!(fixture.tollway.prices(None).await.unwrap().iter().all(|price| !price.stands(now)));
}

#[tokio::test]
async fn the_catalog_says_what_a_model_can_make() {
    let fixture = Fixture::open().await;
    for (name, capability) in [
        ("openai/tts-1", Capability::Audio),
        ("openai/text-embedding-3-small", Capability::Embedding),
        ("openai/gpt-4o-mini", Capability::Text),
        ("openai/ft:gpt-4o-mini:house::1", Capability::Text),
    ] {
        assert_eq!(
            add(&fixture, json!({"name": name, "api_key": "k"})).await.unwrap().capability,
            capability,
            "{name}"
        );
    }
    let given = json!({"name": "openai/whisper-1", "api_key": "k", "capability": "text"});
    assert_eq!(add(&fixture, given).await.unwrap().capability, Capability::Text);
}

#[tokio::test]
async fn a_name_that_may_be_misspelt_is_taken_with_a_warning() {
    let fixture = Fixture::open().await;
    let misspelt = set(&fixture, json!({"name": "openai/gpt-4o-minni", "api_key": "k"})).await.unwrap();
    assert_eq!(misspelt.near_matches[0], "openai/gpt-4o-mini");
    assert!(misspelt.warnings[0].contains("did you mean openai/gpt-4o-mini"), "{:?}", misspelt.warnings);
    assert!(misspelt.warnings[1].contains("has no prices"), "{:?}", misspelt.warnings);
    let house = json!({"name": "openai/gpt-4o-minni", "alias": "h", "base_url": "http://127.0.0.1:9/v1", "prices": {}});
    let house = set(&fixture, house).await.unwrap();
    assert_eq!(
        (house.warnings.len(), house.near_matches.len()),
        (0, 0),
        "what an own address serves is its own matter"
    );
    let unpriced = json!({"name": "house/m", "base_url": "http://127.0.0.1:9/v1"});
    let unpriced = set(&fixture, unpriced).await.unwrap();
    assert_eq!((unpriced.prices_from, unpriced.warnings.len()), (PricesFrom::None, 1));
}

#[tokio::test]
async fn a_provider_that_may_be_misspelt_is_refused() {
    let fixture = Fixture::open().await;
    let detail = refused(&fixture, json!({"name": "opnai/gpt-4o-mini", "api_key": "k"})).await;
    assert!(detail.contains("did you mean openai") && detail.contains("base_url"), "{detail}");
    let detail = refused(&fixture, json!({"name": "deepinfra/x", "api_key": "k"})).await;
    assert!(detail.contains("base_url"), "{detail}");
    assert!(fixture.tollway.model_configs().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_vendor_that_wants_a_key_is_not_set_up_without_one() {
    let fixture = Fixture::open().await;
    let detail = refused(&fixture, json!({"name": "openai/gpt-4o-mini"})).await;
    assert!(detail.contains("`api_key`") && detail.contains("OPENAI_API_KEY"), "{detail}");
    add(&fixture, json!({"name": "ollama/llama3"})).await.unwrap();
    add(&fixture, json!({"name": "openai/gpt-4o-mini", "base_url": "http://127.0.0.1:9/v1"})).await.unwrap();
    let header = json!({"name": "openai/gpt-4o", "params": {"headers": {"x-gateway-key": "k"}}});
    add(&fixture, header).await.unwrap();
    // It may be there for its prices alone, which a list of prices will set.
    let unpriced = json!({"name": "openrouter/a/b", "prices": {}});
    for outcome in [Configured::Added, Configured::Unchanged] {
        let listed = set(&fixture, unpriced.clone()).await.unwrap();
        assert_eq!(listed.outcome, outcome);
        assert!(listed.warnings.iter().any(|warning| warning.contains("OPENROUTER_API_KEY")), "{:?}", listed.warnings);
    }
}

#[tokio::test]
async fn the_usual_variable_gives_the_key_only_where_that_is_asked_for() {
    let fixture = Fixture::open().await;
    let asked = json!({"name": "gemini/gemini-2.5-pro", "api_key_from_environment": true});
    let detail = refused(&fixture, asked.clone()).await;
    assert!(detail.contains("GEMINI_API_KEY or GOOGLE_API_KEY is not set"), "{detail}");
    fixture.world.set_variable("GEMINI_API_KEY", " ");
    fixture.world.set_variable("GOOGLE_API_KEY", " sk-of-the-world\n");
    let unasked = refused(&fixture, json!({"name": "gemini/gemini-2.5-pro"})).await;
    assert!(unasked.contains("answers nobody without a key"), "{unasked}");
    set(&fixture, asked.clone()).await.unwrap();
    assert_eq!(set(&fixture, asked).await.unwrap().outcome, Configured::Unchanged);
    let same = json!({"name": "gemini/gemini-2.5-pro", "api_key": "sk-of-the-world"});
    assert_eq!(set(&fixture, same).await.unwrap().outcome, Configured::Unchanged);
    let both = json!({"name": "gemini/gemini-2.5-pro", "api_key": "k", "api_key_from_environment": true});
    assert!(refused(&fixture, both).await.contains("not both"));
    let house = json!({"name": "house/m", "base_url": "http://127.0.0.1:9/v1", "api_key_from_environment": true});
    assert!(refused(&fixture, house).await.contains("no variable is usual"));
}

#[tokio::test]
async fn many_may_set_one_model_at_once() {
    let fixture = Fixture::open().await;
    let terms = json!({"name": "openai/gpt-4o-mini", "api_key": "sk-1", "prices": {"input_token": per_million("1")}});
    let sets = (0..16).map(|_| fixture.tollway.set_model(from_json::<ModelTerms>(terms.clone())));
    let outcomes = futures_util::future::join_all(sets).await;
    let added = outcomes.iter().filter(|set| set.as_ref().unwrap().outcome == Configured::Added).count();
    assert_eq!((added, fixture.tollway.model_configs().await.unwrap().len()), (1, 1));
}
