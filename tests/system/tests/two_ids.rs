//! The pricing id and the billing id of one call, from config to price and from record to model, past the config's end.

use mock_provider::MockProvider;
use rust_decimal::Decimal;
use tollway::types::CallOptions;
use tollway_system_tests::{add_house_model, all_records, billed_to, house_model, open, openai_url, request};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_two_ids_of_a_call_find_its_config_and_its_record() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.tollway");
    let mock = MockProvider::start().await.unwrap();
    let tollway = open(&path).await.unwrap();
    // A config that is never used shifts the two counters apart, so that a mixed-up id cannot hit by chance.
    for name in ["openai/unused-one", "openai/unused-two"] {
        let mut unused = house_model(name, &openai_url(&mock));
        unused.default = None;
        tollway.add_model(unused).await.unwrap();
    }
    add_house_model(&tollway, &openai_url(&mock)).await.unwrap();
    let reply = tollway.chat(request("two words", 32), billed_to("alice")).await.unwrap();
    let attempt = &reply.attempts[0];
    let (config_id, model_id) = (attempt.model_config_id, attempt.model_id.unwrap());
    assert_ne!(config_id.get(), model_id.get());

    let prices = tollway.prices(Some("openai/mock-words-8")).await.unwrap();
    assert!(prices.iter().all(|price| price.model_config_id == config_id));
    let record = all_records(&tollway).await.unwrap().remove(0);
    assert_eq!((record.model_config_id, record.model_id), (config_id, model_id));
    let used: Vec<_> = record.price_ids.clone();
    assert!(!used.is_empty() && used.iter().all(|id| prices.iter().any(|price| price.id == *id)));
    let models = tollway.used_models().await.unwrap();
    assert_eq!(models.len(), 1, "configs that were not used have no billing identity");
    assert_eq!((models[0].id, models[0].model_code.as_str()), (model_id, "mock-words-8"));

    tollway.delete_model("openai/mock-words-8").await.unwrap();
    assert!(tollway.prices(None).await.unwrap().iter().all(|price| price.model_config_id != config_id));
    let kept = all_records(&tollway).await.unwrap().remove(0);
    assert_eq!(kept, record, "history stays as it was");
    assert_eq!(tollway.used_models().await.unwrap(), models);

    add_house_model(&tollway, &openai_url(&mock)).await.unwrap();
    let again = tollway.chat(request("two words", 32), billed_to("alice")).await.unwrap();
    assert_ne!(again.attempts[0].model_config_id, config_id, "a config's id is never used again");
    assert_eq!(again.attempts[0].model_id, Some(model_id), "the model's identity is the same");
    assert!(again.cost.unwrap() > Decimal::ZERO);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kept_reply_has_both_ids_in_every_handle() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.tollway");
    let mock = MockProvider::start().await.unwrap();
    let tollway = open(&path).await.unwrap();
    add_house_model(&tollway, &openai_url(&mock)).await.unwrap();
    let keyed = || CallOptions { idempotency_key: Some("order-1".to_owned()), ..billed_to("alice") };
    let first = tollway.chat(request("two words", 32), keyed()).await.unwrap();
    assert!(first.attempts[0].model_id.is_some());
    // A handle that called nothing yet has to look the billing id up.
    let other = open(&path).await.unwrap();
    for handle in [&tollway, &other] {
        let kept = handle.chat(request("two words", 32), keyed()).await.unwrap();
        assert!(kept.replayed);
        assert_eq!(kept.attempts, first.attempts);
    }
}
