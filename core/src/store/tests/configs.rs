//! Model configs and routes.

use super::*;

on_each_engine! {
    a_config_comes_back_as_it_was_given_and_its_key_is_bound_to_its_id,
    configs_whose_names_would_be_ambiguous_are_refused,
    a_config_is_added_once_under_the_id_that_was_taken_for_it,
    a_capability_has_one_default,
    deleting_a_config_keeps_history_and_its_id_is_not_given_again,
    sealed_keys_are_replaced_all_or_none,
    every_change_moves_the_version_for_every_handle,
    a_meta_value_is_read_back_after_reopening,
}

pub(super) fn config(model: &str, alias: Option<&str>) -> NewModelConfig {
    NewModelConfig {
        names: ModelConfigNames {
            provider: "openai".into(),
            model_name: model.into(),
            alias: alias.map(str::to_owned),
        },
        is_active: true,
        params: serde_json::from_str(r#"{"z":1,"a":{"price":0.10}}"#).unwrap(),
        ..NewModelConfig::default()
    }
}

/// Takes an id for a config.
fn take_id(fixture: &Fixture, config: &NewModelConfig) -> Result<ModelConfigId> {
    match fixture.apply(Operation::TakeModelConfigId { names: config.names.clone() })? {
        Outcome::ModelConfigIdTaken(id) => Ok(id),
        other => panic!("{other:?}"),
    }
}

pub(super) fn add(fixture: &Fixture, config: NewModelConfig, prices: Vec<PriceTerms>) -> Result<ModelConfigId> {
    let id = take_id(fixture, &config)?;
    let api_key = Some(SealedSecret(id.get().to_le_bytes().to_vec()));
    let config = Box::new(NewModelConfig { api_key, ..config });
    match fixture.apply(Operation::AddModelConfig { id, config, prices, now: noon() })? {
        Outcome::ModelConfigAdded(id) => Ok(id),
        other => panic!("{other:?}"),
    }
}

fn update(fixture: &Fixture, id: ModelConfigId, change: ModelConfigChange) -> Result<Outcome> {
    fixture.apply(Operation::UpdateModelConfig { id, change: Box::new(change), now: noon() })
}

fn a_config_comes_back_as_it_was_given_and_its_key_is_bound_to_its_id(engine: Engine) {
    let mut fixture = Fixture::on(engine);
    let id = add(&fixture, config("gpt", Some("fast")), Vec::new()).unwrap();
    fixture.reopen();
    let configuration = fixture.configuration();
    let read = &configuration.model_configs[0];
    assert_eq!(read.id, id);
    assert_eq!(read.api_key, Some(SealedSecret(id.get().to_le_bytes().to_vec())));
    assert_eq!(read.params, config("gpt", None).params);
    assert_eq!(serde_json::to_string(&read.params).unwrap(), r#"{"z":1,"a":{"price":0.1}}"#);
    assert_eq!((read.alias.as_deref(), read.created_at), (Some("fast"), noon()));
}

fn configs_whose_names_would_be_ambiguous_are_refused(engine: Engine) {
    let fixture = Fixture::on(engine);
    let plain = add(&fixture, config("gpt", None), Vec::new()).unwrap();
    let fast = add(&fixture, config("gpt", Some("fast")), Vec::new()).unwrap();
    let version = fixture.configuration().version;
    let again = add(&fixture, config("gpt", None), Vec::new()).unwrap_err();
    assert_eq!(again.kind(), ErrorKind::InvalidRequest);
    assert!(again.detail().contains("alias"), "{}", again.detail());
    assert!(add(&fixture, config("other", Some("fast")), Vec::new()).is_err());
    assert!(add(&fixture, config("other", Some("")), Vec::new()).is_err());
    assert!(add(&fixture, config("", None), Vec::new()).is_err());
    let third = config("third", None);
    let id = take_id(&fixture, &third).unwrap();
    assert_eq!(id.get(), fast.get() + 1, "what was refused took no id");
    let take = ModelConfigChange { alias: Some(Some("fast".into())), ..ModelConfigChange::default() };
    assert!(update(&fixture, plain, take).is_err());
    let drop_alias = ModelConfigChange { alias: Some(None), ..ModelConfigChange::default() };
    assert!(update(&fixture, fast, drop_alias).is_err());
    let configuration = fixture.configuration();
    assert_eq!((configuration.version, configuration.model_configs.len()), (version, 2));
}

fn a_config_is_added_once_under_the_id_that_was_taken_for_it(engine: Engine) {
    let fixture = Fixture::on(engine);
    let given = config("gpt", None);
    let id = take_id(&fixture, &given).unwrap();
    let add = |id: ModelConfigId, config: &NewModelConfig| Operation::AddModelConfig {
        id,
        config: Box::new(config.clone()),
        prices: vec![prices::price("1", None, None)],
        now: noon(),
    };
    let operation = add(id, &given);
    assert_eq!(fixture.apply(operation.clone()).unwrap(), Outcome::ModelConfigAdded(id));
    let version = fixture.configuration().version;
    // What is sent again, because its outcome was lost, adds nothing.
    assert_eq!(fixture.apply(operation).unwrap(), Outcome::ModelConfigAdded(id));
    let configuration = fixture.configuration();
    assert_eq!((configuration.version, configuration.prices.len()), (version, 1));
    let other_key = NewModelConfig { api_key: Some(SealedSecret(vec![1])), ..given };
    for (id, config) in [
        (id, other_key),
        (id, config("other", None)),
        (ModelConfigId::new(99), config("other", None)),
        (ModelConfigId::new(0), config("other", None)),
    ] {
        let refused = fixture.apply(add(id, &config)).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::InvalidRequest, "{id}");
    }
    assert_eq!(fixture.configuration().version, version);
}

fn a_capability_has_one_default(engine: Engine) {
    let fixture = Fixture::on(engine);
    let first = add(&fixture, NewModelConfig { is_default: true, ..config("a", None) }, Vec::new()).unwrap();
    let second = add(&fixture, NewModelConfig { is_default: true, ..config("b", None) }, Vec::new()).unwrap();
    let image = NewModelConfig { is_default: true, capability: Capability::Image, ..config("c", None) };
    let image = add(&fixture, image, Vec::new()).unwrap();
    let defaults = |fixture: &Fixture| -> Vec<ModelConfigId> {
        let configs = fixture.configuration().model_configs;
        configs.into_iter().filter(|config| config.is_default).map(|config| config.id).collect()
    };
    assert_eq!(defaults(&fixture), [second, image]);
    let change = ModelConfigChange { is_default: Some(true), ..ModelConfigChange::default() };
    update(&fixture, first, change).unwrap();
    assert_eq!(defaults(&fixture), [first, image]);
}

fn deleting_a_config_keeps_history_and_its_id_is_not_given_again(engine: Engine) {
    let fixture = Fixture::on(engine);
    let id = add(&fixture, config("gpt", None), vec![prices::price("1", None, None)]).unwrap();
    let held = fixture.reserve(ReserveRequest { model_config_id: id, ..fixture.request("alice", None) }).unwrap();
    fixture.settle(settlement(held, Some(usd("1")))).unwrap();
    fixture.apply(Operation::DeleteModelConfig { id }).unwrap();
    let configuration = fixture.configuration();
    assert!(configuration.model_configs.is_empty() && configuration.prices.is_empty());
    assert_eq!(fixture.records(UsageFilter::default())[0].model_config_id, id);
    assert_eq!(fixture.run(fixture.store().models()).unwrap().len(), 1);
    assert!(add(&fixture, config("gpt", None), Vec::new()).unwrap() > id);
    assert_eq!(fixture.apply(Operation::DeleteModelConfig { id }).unwrap_err().kind(), ErrorKind::NotFound);
}

fn sealed_keys_are_replaced_all_or_none(engine: Engine) {
    let fixture = Fixture::on(engine);
    let id = add(&fixture, config("gpt", None), Vec::new()).unwrap();
    let key = |byte: u8| SealedSecret(vec![byte]);
    let missing = ModelConfigId::new(99);
    let error = fixture.apply(Operation::ReplaceSealedKeys { keys: vec![(id, key(1)), (missing, key(2))] });
    assert_eq!(error.unwrap_err().kind(), ErrorKind::NotFound);
    assert_ne!(fixture.configuration().model_configs[0].api_key, Some(key(1)));
    fixture.apply(Operation::ReplaceSealedKeys { keys: vec![(id, key(1))] }).unwrap();
    assert_eq!(fixture.configuration().model_configs[0].api_key, Some(key(1)));
}

fn every_change_moves_the_version_for_every_handle(engine: Engine) {
    let fixture = Fixture::on(engine);
    let other = fixture.another();
    let mut version = fixture.run(other.configuration_version()).unwrap();
    let mut moved = |what: &str| {
        let now = fixture.run(other.configuration_version()).unwrap();
        assert!(now > version, "{what}");
        version = now;
    };
    let id = add(&fixture, config("gpt", None), Vec::new()).unwrap();
    moved("add");
    update(&fixture, id, ModelConfigChange { priority: Some(2), ..ModelConfigChange::default() }).unwrap();
    moved("update");
    let prices = vec![prices::price("1", None, None)];
    fixture.apply(Operation::AddPrices { model_config_id: id, prices, replaces_meters: false, now: noon() }).unwrap();
    moved("prices");
    let price = fixture.configuration().prices[0].id;
    fixture.apply(Operation::ExpirePrice { id: price, at: noon() + Duration::from_secs(1), now: noon() }).unwrap();
    moved("expire");
    let route = RouteTerms {
        name: "text".into(),
        strategy: Strategy::Economy,
        models: vec!["openai/gpt".into()],
        preferred_providers: vec!["openai".into()],
        maximum_cost: Some(usd("0.10")),
    };
    fixture.apply(Operation::PutRoute { terms: route.clone(), now: noon() }).unwrap();
    moved("route");
    assert_eq!(fixture.configuration().routes[0].terms, route);
    fixture.apply(Operation::PutRoute { terms: route, now: noon() }).unwrap();
    assert_eq!(fixture.configuration().routes.len(), 1);
    moved("route again");
    fixture.apply(Operation::DeleteRoute { name: "text".into() }).unwrap();
    moved("route deleted");
    let missing = fixture.apply(Operation::DeleteRoute { name: "text".into() }).unwrap_err();
    assert_eq!(missing.kind(), ErrorKind::NotFound);
    fixture.budget(terms(Scope::everyone(), Limit::Tokens(1), Window::Total));
    moved("budget");
    // The other handle knows the budget by the version alone.
    let refused = fixture.run(other.apply(Operation::Reserve(Box::new(fixture.request("alice", None)))));
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::BudgetExceeded);
}

fn a_meta_value_is_read_back_after_reopening(engine: Engine) {
    let mut fixture = Fixture::on(engine);
    assert_eq!(fixture.run(fixture.store().meta("salt")).unwrap(), None);
    fixture.apply(Operation::PutMeta { key: "salt".into(), value: vec![1, 2], replace: true }).unwrap();
    fixture.reopen();
    assert_eq!(fixture.run(fixture.store().meta("salt")).unwrap(), Some(vec![1, 2]));
}
